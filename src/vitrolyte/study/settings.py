"""The study file: what to make, how to simulate it and what to observe, as typed settings."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from vitrolyte.data.errors import InputError
from vitrolyte.data.io.files import read_text
from vitrolyte.data.io.settings import Settings as Settings
from vitrolyte.data.io.settings import validated as validated
from vitrolyte.study.measured import measured_steps

Profile = Literal["quick", "standard", "production"]


class SampleSettings(Settings):
    """What the study is about."""

    formula: str
    material: str
    charges: Mapping[str, int] | None = None


class LaunchSettings(Settings):
    """How engines are started; never part of an id, for it does not change the physics.

    ``processes`` MPI ranks a run, ``command`` the launcher (``{processes}`` is filled in),
    ``workers`` runs side by side.
    """

    processes: Annotated[int, Field(ge=1)] = 1
    workers: Annotated[int, Field(ge=1)] = 2
    command: tuple[str, ...] = ("mpiexec", "-n", "{processes}")


class StudySettings(Settings):
    """A whole study; ``steps`` are validated by the recipes that they name."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]
    title: str
    sample: SampleSettings
    steps: Mapping[str, Mapping[str, Any]]
    seed: Annotated[int, Field(ge=1, lt=2**31)] = 1
    launch: LaunchSettings = LaunchSettings()
    profile: str = "standard"


def shipped() -> tuple[str, ...]:
    """Return the names of the studies that come with the package."""
    folder = files("vitrolyte.study") / "shipped"
    names = [entry.name for entry in folder.iterdir()]
    return tuple(sorted(n.removesuffix(".toml") for n in names if n.endswith(".toml")))


def read_study(name: str, profile: str | None = None) -> StudySettings:
    """Return the settings of a study file, or of a shipped study, under a profile.

    Parameters
    ----------
    name
        Path of a TOML file, or the name of a shipped study.
    profile
        Name of a profile in the file, laid over its other settings; None for the plain file.

    Raises
    ------
    InputError
        If there is no such study or profile, or a setting is unknown or wrong.
    """
    plain = _parse(_text(name), name)
    profiles = plain.pop("profiles", {})
    if profile is not None and profile != plain.get("profile"):
        plain = overlaid(plain, _profile(profiles, profile, name))
        plain["profile"] = profile
    return validated(StudySettings, _with_measured(plain, Path(name)), where=Path(name).name)


def _with_measured(plain: Mapping[str, Any], path: Path) -> Mapping[str, Any]:
    """Return a study whose `[[measured]]` section has become steps."""
    if "measured" not in plain:
        return plain
    fits = measured_steps(plain["measured"], path.parent)
    steps = plain.get("steps", {})
    twice = sorted(set(fits) & set(steps))
    if twice:
        raise InputError(
            f"{path.name}: a step and a measured entry need names of their own",
            received=", ".join(twice),
        )
    rest = {key: value for key, value in plain.items() if key != "measured"}
    return {**rest, "steps": {**steps, **fits}}


def _text(name: str) -> str:
    path = Path(name)
    if path.suffix == ".toml" or path.is_file():
        return read_text(path)
    if name in shipped():
        return (files("vitrolyte.study") / "shipped" / f"{name}.toml").read_text("utf-8")
    near = difflib.get_close_matches(name, shipped(), n=1)
    raise InputError(
        "A study is a TOML file or the name of a shipped study",
        received=repr(name),
        remedy=f"did you mean {near[0]!r}?" if near else f"shipped are {', '.join(shipped())}",
    )


def _parse(text: str, name: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as fault:
        raise InputError(f"{name} must be valid TOML", received=str(fault)) from fault


def _profile(profiles: Mapping[str, Any], profile: str, name: str) -> Mapping[str, Any]:
    if profile not in profiles:
        raise InputError(
            f"The study {Path(name).name} has the profiles {', '.join(profiles) or 'none'}",
            received=repr(profile),
        )
    found: Mapping[str, Any] = profiles[profile]
    return found


def overlaid(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``base`` with the values of ``over`` laid on it, table by table."""
    merged = dict(base)
    for key, value in over.items():
        old = merged.get(key)
        both = isinstance(old, Mapping) and isinstance(value, Mapping)
        merged[key] = overlaid(old, value) if both else value  # type: ignore[arg-type]
    return merged


def with_launch(
    study: StudySettings, *, workers: int | None = None, processes: int | None = None
) -> StudySettings:
    """Return a study with other numbers of runs side by side or of processes a run."""
    given = {"workers": workers, "processes": processes}
    changes = {key: value for key, value in given.items() if value is not None}
    return study.model_copy(update={"launch": study.launch.model_copy(update=changes)})
