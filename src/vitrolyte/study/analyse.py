"""From a user's own trajectory to a study of it: what `vitrolyte analyse` carries out."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from vitrolyte.data.errors import InputError
from vitrolyte.data.io.formats.options import Format, LammpsUnits
from vitrolyte.data.io.settings import Settings, validated
from vitrolyte.data.io.trajectories import read_trajectory
from vitrolyte.data.trajectory import Trajectory
from vitrolyte.literature.table import observations as published
from vitrolyte.matter.composition import composition_of
from vitrolyte.observe.sampling import ordered_elements
from vitrolyte.study.comparison import formula_key
from vitrolyte.study.recipes.reading import ReadingSettings
from vitrolyte.study.settings import SampleSettings, StudySettings

SOURCE = "trajectory"
"""The step that the others take from."""


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


class Analysis(Settings):
    """What a user asks of one trajectory.

    ``observe`` is what to look at, empty for everything that the file and the options allow;
    ``mobile`` the elements whose motion is looked at; ``frames`` a slice of the file. Lists and
    assignments may be texts with commas, as on a command line.
    """

    path: Path
    observe: Words = ()
    mobile: Words = ()
    charges: Annotated[Mapping[str, int], BeforeValidator(_assigned)] = Field(default_factory=dict)
    types: Annotated[Mapping[str, str], BeforeValidator(_assigned)] = Field(default_factory=dict)
    cut_offs_A: Annotated[Mapping[str, Positive], BeforeValidator(_assigned)] = Field(
        default_factory=dict
    )
    absorber: str | None = None
    temperature_K: Positive | None = None
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


SUBJECTS = (
    "structure",
    "total-scattering",
    "polyhedra",
    "network",
    "environments",
    "voids",
    "density-map",
    "first-shells",
    "exafs",
    "transport",
)
"""Everything that can be looked at, in the order in which it is done."""


@dataclass(frozen=True)
class Opened:
    """What the first frames of a file tell.

    Attributes
    ----------
    formula
        Reduced, elements in order of falling formal charge.
    elements
        In the same order.
    timed
        Whether it holds frames at known times.
    """

    formula: str
    elements: tuple[str, ...]
    timed: bool


def opened(request: Analysis) -> Opened:
    """Return what the first two frames of the file tell.

    Raises
    ------
    InputError
        If the file cannot be read, or an element that is asked about is not in it.
    """
    options = request.reading.model_copy(
        update={"start": 0, "stop": 2, "every": 1, "unwrap": False, "allow_untimed": True}
    )
    trajectory, report = read_trajectory(request.path, options.options())
    elements = ordered_elements(trajectory.species)
    _check_elements("--mobile", request.mobile, elements)
    _check_elements("--charges", tuple(request.charges), elements)
    _check_elements("--absorber", (request.absorber,) if request.absorber else (), elements)
    formula = request.formula or _formula(trajectory, elements)
    return Opened(formula, elements, report.timed)


def _check_elements(option: str, asked: Sequence[str], elements: tuple[str, ...]) -> None:
    missing = [symbol for symbol in asked if symbol not in elements]
    if missing:
        raise InputError(
            f"The option {option} is about elements of the file: {', '.join(elements)}",
            received=", ".join(missing),
        )


def _formula(trajectory: Trajectory, elements: tuple[str, ...]) -> str:
    """Return the formula as the literature writes it, where it knows the composition."""
    species = sorted(trajectory.species, key=elements.index)
    plain = composition_of(species).reduced_formula
    key = formula_key(plain)
    written = (row.formula for row in published() if formula_key(row.formula) == key)
    return next(written, plain)


def analysis_study(request: Analysis) -> StudySettings:
    """Return the study that answers a request: the file as its first step, then what looks at it.

    Raises
    ------
    InputError
        If the file cannot be read, or what is asked for cannot be had from it.
    """
    first = opened(request)
    subjects = _subjects(request, first)
    sample: dict[str, Any] = {
        "formula": first.formula,
        "material": request.material or first.formula,
    }
    if request.charges:
        sample["charges"] = dict(request.charges)
    plain = {
        "name": _slug(request.path),
        "title": f"What {request.path.name} shows",
        "profile": "analysis",
        "sample": SampleSettings(**sample).model_dump(),
        "steps": {SOURCE: _source(request, subjects), **_steps(request, subjects)},
    }
    return validated(StudySettings, plain, where="analyse")


def _slug(path: Path) -> str:
    name = path.name if path.stem != "trajectory" else path.parent.name
    return re.sub(r"[^a-z0-9._-]+", "-", name.lower()).strip("-._")[:60] or "analysis"


def _subjects(request: Analysis, first: Opened) -> tuple[str, ...]:
    unknown = [subject for subject in request.observe if subject not in SUBJECTS]
    if unknown:
        raise InputError(
            f"What can be looked at is {', '.join(SUBJECTS)}", received=", ".join(unknown)
        )
    if request.observe:
        _check_asked(request)
        return tuple(subject for subject in SUBJECTS if subject in request.observe)
    mobile, warm = len(request.mobile) > 0, request.temperature_K is not None
    ions = len(first.elements) > 1
    can = {
        "polyhedra": ions,
        "network": ions,
        "environments": mobile and ions,
        "density-map": mobile and warm and first.timed,
        "first-shells": request.absorber is not None,
        "exafs": False,  # minutes to hours of FEFF are asked for by name
        "transport": first.timed and warm,
    }
    return tuple(subject for subject in SUBJECTS if can.get(subject, True))


_NEEDS = {
    "environments": "mobile",
    "density-map": "mobile",
    "first-shells": "absorber",
    "exafs": "absorber",
}


def _check_asked(request: Analysis) -> None:
    for subject in request.observe:
        option = _NEEDS.get(subject)
        if option is not None and not getattr(request, option):
            raise InputError(f"{subject} needs the option --{option}", received="none")
    hot = {"density-map", "transport"} & set(request.observe)
    if hot and request.temperature_K is None:
        raise InputError(f"{sorted(hot)[0]} needs the option --temperature-K", received="none")


def _source(request: Analysis, subjects: tuple[str, ...]) -> dict[str, Any]:
    moving = bool({"transport", "density-map"} & set(subjects))
    reading = request.reading.model_dump(exclude_defaults=True)
    return {
        "recipe": "trajectory",
        "path": str(request.path),
        "phase": request.phase,
        "temperature_K": request.temperature_K,
        "pressure_GPa": request.pressure_GPa,
        "reading": {"unwrap": moving, **reading, "allow_untimed": not moving},
    }


def _steps(request: Analysis, subjects: tuple[str, ...]) -> dict[str, dict[str, Any]]:
    shells = {"cut_offs_A": dict(request.cut_offs_A)} if request.cut_offs_A else {}
    wave = {} if request.wavelength_A is None else {"wavelength_A": request.wavelength_A}
    settings: dict[str, dict[str, Any]] = {
        "structure": {**shells, **wave},
        "polyhedra": shells,
        "network": shells,
        "environments": shells,
        "first-shells": {**shells, "absorber": request.absorber},
        "exafs": {"absorber": request.absorber},
        "voids": {"without": list(request.mobile)},
    }
    steps: dict[str, dict[str, Any]] = {}
    for subject in subjects:
        for name, own in _fanned(subject, request):
            plain: dict[str, Any] = {"recipe": subject, "dynamics": _taken(subject)}
            if not request.observe:
                plain["optional"] = True
            steps[name] = {**plain, **settings.get(subject, {}), **own}
    return steps


def _taken(subject: str) -> Any:
    """Return the source as the recipe wants it: one run, or all of them."""
    return SOURCE if subject in ("transport", "density-map", "exafs") else [SOURCE]


def _fanned(subject: str, request: Analysis) -> list[tuple[str, dict[str, Any]]]:
    """Return the steps of a subject: one for each mobile element where it looks at one."""
    if subject not in ("environments", "density-map"):
        return [(subject, {})]
    if len(request.mobile) == 1:
        return [(subject, {"mobile": request.mobile[0]})]
    return [(f"{subject}-{element}", {"mobile": element}) for element in request.mobile]
