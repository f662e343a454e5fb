"""From what is asked of trajectories to a study: the files as its first steps, then what looks."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vitrolyte.data.errors import InputError
from vitrolyte.data.io.settings import validated
from vitrolyte.data.io.trajectories import ReadReport, read_trajectory
from vitrolyte.data.trajectory import Trajectory
from vitrolyte.literature.table import observations as published
from vitrolyte.matter.composition import composition_of
from vitrolyte.observe.sampling import ordered_elements
from vitrolyte.study.analysis.request import Analysis, Run
from vitrolyte.study.analysis.subjects import Subject, chosen, nmr_conditions
from vitrolyte.study.comparison import formula_key
from vitrolyte.study.recipes.transport import FEWEST_TEMPERATURES
from vitrolyte.study.settings import SampleSettings, StudySettings

SOURCE = "trajectory"
"""The step that the others take from."""


Plain = dict[str, Any]


@dataclass(frozen=True)
class Opened:
    """What the first frames of the files tell.

    Attributes
    ----------
    formula
        Reduced, elements in order of falling formal charge.
    elements
        In the same order.
    timed
        Whether all hold frames at known times.
    """

    formula: str
    elements: tuple[str, ...]
    timed: bool


def opened(request: Analysis) -> Opened:
    """Return what the first two frames of each file tell.

    Raises
    ------
    InputError
        If a file cannot be read, an element that is asked about is not in it, or the files are not
        of one composition.
    """
    looks = [_first_frames(request, path) for path in request.paths]
    trajectory = looks[0][0]
    elements = ordered_elements(trajectory.species)
    _check_elements("--mobile", request.mobile, elements)
    _check_elements("--charges", tuple(request.charges), elements)
    _check_elements("--absorber", (request.absorber,) if request.absorber else (), elements)
    formulas = [_formula(one, elements) for one, _ in looks]
    if len(set(formulas)) > 1:
        raise InputError(
            "Files that are looked at together hold one composition",
            received=", ".join(f"{p.name}: {f}" for p, f in zip(request.paths, formulas)),
            remedy="analyse them one by one; `vitrolyte report A B` sets results side by side",
        )
    timed = all(report.timed for _, report in looks)
    return Opened(request.formula or formulas[0], elements, timed)


def _first_frames(request: Analysis, path: Path) -> tuple[Trajectory, ReadReport]:
    options = request.reading.model_copy(
        update={"start": 0, "stop": 2, "every": 1, "unwrap": False, "allow_untimed": True}
    )
    return read_trajectory(path, options.options())


def _check_elements(option: str, asked: Sequence[str], elements: tuple[str, ...]) -> None:
    missing = [symbol for symbol in asked if symbol not in elements]
    if missing:
        raise InputError(
            f"The option {option} is about elements of the file: {', '.join(elements)}",
            received=", ".join(missing),
        )


def _formula(trajectory: Trajectory, elements: tuple[str, ...]) -> str:
    """Return the formula as the literature writes it, where it knows the composition."""
    order = {element: place for place, element in enumerate(elements)}
    species = sorted(trajectory.species, key=lambda symbol: order.get(symbol, len(order)))
    plain = composition_of(species).reduced_formula
    key = formula_key(plain)
    written = (row.formula for row in published() if formula_key(row.formula) == key)
    return next(written, plain)


def analysis_study(request: Analysis) -> StudySettings:
    """Return the study that answers a request: the files as first steps, then what looks at them.

    Raises
    ------
    InputError
        If a file cannot be read, or what is asked for cannot be had from them.
    """
    first = opened(request)
    subjects = chosen(request, elements=len(first.elements), timed=first.timed)
    sample: Plain = {"formula": first.formula, "material": request.material or first.formula}
    if request.charges:
        sample["charges"] = dict(request.charges)
    several = f" and {len(request.paths) - 1} more" if len(request.paths) > 1 else ""
    plain = {
        "name": _slug(request.paths),
        "title": f"What {request.paths[0].name}{several} shows",
        "profile": "analysis",
        "sample": SampleSettings(**sample).model_dump(),
        "steps": {**_sources(request, subjects), **_steps(request, subjects)},
    }
    return validated(StudySettings, plain, where="analyse")


def _slug(paths: Sequence[Path]) -> str:
    path = paths[0]
    name = path.name if path.stem != "trajectory" else path.parent.name
    name += f"-and-{len(paths) - 1}-more" if len(paths) > 1 else ""
    return re.sub(r"[^a-z0-9._-]+", "-", name.lower()).strip("-._")[:60] or "analysis"


def _sources(request: Analysis, subjects: Sequence[Subject]) -> dict[str, Plain]:
    moving = any(subject.moving for subject in subjects)
    reading = request.reading.model_dump(exclude_defaults=True)
    common = {
        "recipe": "trajectory",
        "phase": request.phase,
        "pressure_GPa": request.pressure_GPa,
        "reading": {"unwrap": moving, **reading, "allow_untimed": not moving},
    }
    return {
        name: {
            **common,
            "path": str(run.path),
            "temperature_K": run.temperature_K,
            **_place(request.runs, run),
        }
        for name, run in _named(request.runs)
    }


def _named(runs: Sequence[Run]) -> Iterator[tuple[str, Run]]:
    for number, run in enumerate(runs):
        yield (SOURCE if len(runs) == 1 else f"{SOURCE}-{number + 1}"), run


def _place(runs: Sequence[Run], run: Run) -> Plain:
    """Return where a run stands among the others: in a series over temperature, as a replica."""
    place: Plain = {}
    if len({one.temperature_K for one in runs}) > 1:
        place["series"] = True
    if max(one.replica for one in runs) > 1:
        place["replica"] = run.replica
    return place


def _steps(request: Analysis, subjects: Sequence[Subject]) -> dict[str, Plain]:
    steps: dict[str, Plain] = {}
    for subject in subjects:
        for name, settings in subject.steps(request).items():
            for ending, sources in _groups(request, subject):
                plain = {**settings, "dynamics": sources}
                if not request.observe:
                    plain["optional"] = True
                steps[f"{name}{ending}"] = plain
    return {**steps, **_pooled(request, subjects, steps)}


def _groups(request: Analysis, subject: Subject) -> Iterator[tuple[str, Any]]:
    """Yield endings of names and sources: each run for itself, or the runs of each temperature."""
    named = list(_named(request.runs))
    if subject.takes == "each":
        for number, (name, _) in enumerate(named):
            yield ("" if len(named) == 1 else f"-{number + 1}"), name
        return
    states = dict.fromkeys(run.temperature_K for _, run in named)
    for state in states:
        ending = "" if len(states) == 1 or state is None else f"-{state:g}K"
        yield ending, [name for name, run in named if run.temperature_K == state]


def _pooled(
    request: Analysis, subjects: Sequence[Subject], steps: Mapping[str, Plain]
) -> dict[str, Plain]:
    """Return the steps that bring several runs together."""
    names = {subject.name for subject in subjects}
    temperatures = {run.temperature_K for run in request.runs if run.temperature_K is not None}
    series = len(temperatures) >= FEWEST_TEMPERATURES
    wanted = {}
    if len(request.paths) > 1 and "transport" in names:
        wanted["arrhenius" if series else "pooled-transport"] = "transport"
    if series and "relaxation" in names:
        wanted["relaxation-over-temperature"] = "relaxation"
    together: dict[str, Plain] = {}
    for recipe, of in wanted.items():
        plain: Plain = {
            "recipe": recipe,
            of: [k for k, step in steps.items() if step["recipe"] == of],
        }
        if not request.observe:
            plain["optional"] = True
        if recipe == "arrhenius":
            plain["runs"] = [name for name, _ in _named(request.runs)]
        together[recipe] = {**plain, **(nmr_conditions(request) if of == "relaxation" else {})}
    return together
