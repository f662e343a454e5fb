"""What a user asks of trajectories: files, what to look at, what the files do not say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, model_validator

from vitrolyte.data.io.formats.options import Format, LammpsUnits
from vitrolyte.data.io.settings import Settings, validated
from vitrolyte.study.recipes.reading import ReadingSettings


def _listed(value: Any) -> Any:
    """Read a text as a list with commas."""
    return tuple(p.strip() for p in value.split(",") if p.strip()) if _is_text(value) else value


def _assigned(value: Any) -> Any:
    """Read a text as assignments with commas: ``Li=1,O=-2``."""
    if not _is_text(value):
        return value
    found: dict[str, str] = {}
    for part in _listed(value):
        name, sign, what = (piece.strip() for piece in part.partition("="))
        if not name or not sign or not what or name in found:
            raise ValueError(f"assignments are needed like Li=1,O=-2, each name once, not {part!r}")
        found[name] = what
    return found


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _sliced(value: Any) -> Any:
    """Read START:STOP:EVERY as three numbers, any of them left out."""
    if not _is_text(value):
        return value
    parts = value.split(":")
    if not 2 <= len(parts) <= 3:
        raise ValueError("frames are chosen as START:STOP or START:STOP:EVERY")
    return tuple(int(part) if part.strip() else None for part in (*parts, "")[:3])


Words = Annotated[tuple[str, ...], BeforeValidator(_listed)]
Positive = Annotated[float, Field(gt=0)]


@dataclass(frozen=True)
class Run:
    """One file, the temperature of its run, and its number among those of that temperature."""

    path: Path
    temperature_K: float | None
    replica: int


class Analysis(Settings):
    """What a user asks of one trajectory, or of several of the same composition.

    ``observe`` is what to look at, empty for everything that the files and the options allow;
    ``mobile`` the elements whose motion is looked at; ``frames`` a slice of each file;
    ``temperature_K`` one temperature for all files or one for each. Lists and assignments may be
    texts with commas, as on a command line.
    """

    paths: Annotated[tuple[Path, ...], Field(min_length=1)]
    observe: Words = ()
    mobile: Words = ()
    charges: Annotated[Mapping[str, int], BeforeValidator(_assigned)] = Field(default_factory=dict)
    types: Annotated[Mapping[str, str], BeforeValidator(_assigned)] = Field(default_factory=dict)
    cut_offs_A: Annotated[Mapping[str, Positive], BeforeValidator(_assigned)] = Field(
        default_factory=dict
    )
    absorber: str | None = None
    bonds: Words = ()
    rotor: str | None = None
    nuclei: Words = ()
    fields_T: Annotated[tuple[Positive, ...], BeforeValidator(_listed)] = ()
    spin_locks_kHz: Annotated[tuple[Positive, ...], BeforeValidator(_listed)] = ()
    temperature_K: Annotated[tuple[Positive, ...], BeforeValidator(_listed)] = ()
    pressure_GPa: float | None = None
    frame_time_ps: Positive | None = None
    timestep_ps: Positive | None = None
    wavelength_A: Positive | None = None
    format: Format | None = None
    units: LammpsUnits | None = None
    topology: Path | None = None
    cell: Annotated[tuple[float, ...] | None, BeforeValidator(_listed)] = None
    frames: Annotated[
        tuple[int | None, int | None, int | None] | None, BeforeValidator(_sliced)
    ] = None
    whole_frames: bool = False
    formula: str | None = None
    material: str = ""
    phase: str = "sample"

    @model_validator(mode="after")
    def _temperatures(self) -> Analysis:
        if len(self.temperature_K) not in (0, 1, len(self.paths)):
            raise ValueError(
                f"temperature_K: one for all files or one for each of {len(self.paths)}, "
                f"not {len(self.temperature_K)}"
            )
        return self

    @property
    def runs(self) -> tuple[Run, ...]:
        """Return each file with its temperature; equal ones are replicas of one state."""
        given = self.temperature_K or (None,)
        temperatures = given * len(self.paths) if len(given) == 1 else given
        return tuple(
            Run(path, temperature, temperatures[:number].count(temperature) + 1)
            for number, (path, temperature) in enumerate(zip(self.paths, temperatures, strict=True))
        )

    @property
    def reading(self) -> ReadingSettings:
        """Return what the reader is told."""
        start, stop, every = self.frames or (None, None, None)
        return ReadingSettings(
            format=self.format,
            frame_time_ps=self.frame_time_ps,
            timestep_ps=self.timestep_ps,
            type_map=self.types,
            topology=self.topology,
            cell=self.cell,
            start=start or 0,
            stop=stop,
            every=every or 1,
            whole_frames_only=self.whole_frames,
            units=self.units,
        )


def read_request(plain: Mapping[str, Any]) -> Analysis:
    """Return a request from plain values, those that are None left out.

    Raises
    ------
    InputError
        If one is wrong.
    """
    given = {name: value for name, value in plain.items() if value is not None}
    return validated(Analysis, given, where="analyse")
