"""What a study found, gathered from its stages into one result folder."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import tomli_w

from vitrolyte import __version__
from vitrolyte.data.curve import CurveSet
from vitrolyte.data.io import record
from vitrolyte.data.io.curves import write_curves
from vitrolyte.data.io.files import write_text
from vitrolyte.data.io.observations import write_csv
from vitrolyte.data.observation import Observation
from vitrolyte.data.origin import content_id
from vitrolyte.data.result import Result
from vitrolyte.study.comparison import Comparison
from vitrolyte.study.plan import Plan
from vitrolyte.study.recipe import Product
from vitrolyte.study.settings import StudySettings


@dataclass(frozen=True)
class Outcome:
    """A finished study.

    Attributes
    ----------
    study
        The settings as run.
    folder
        The result folder.
    products
        What each task left, in the order of the plan.
    observations
        The rows of the single table.
    comparisons
        Computed rows beside published ones.
    """

    study: StudySettings
    folder: Path
    products: tuple[Product, ...]
    observations: tuple[Observation, ...]
    comparisons: tuple[Comparison, ...]


def observed(plan: Plan, products: Sequence[Product]) -> tuple[Observation, ...]:
    """Return the rows of all reported results, each with its source and the id of its origin."""
    taken = {source for step in plan.steps for source in step.sources}
    reported = {s.name for s in plan.steps if s.recipe.reported or s.name not in taken}
    return tuple(
        replace(row, source=row.source or f"Vitrolyte {__version__}", origin=product.origin.id)
        for product in products
        if product.step in reported
        for result in product.results()
        for row in result.observations(product.sample)
    )


def curve_sets(result: Result, prefix: str = "") -> Iterator[tuple[str, CurveSet]]:
    """Yield the curve sets of a result and of the results in it, with a name for each."""
    for field in dataclasses.fields(result):
        value = getattr(result, field.name)
        name = f"{prefix}{field.name}"
        if isinstance(value, CurveSet):
            if value.curves:  # a refused number has none
                yield name, value
        elif isinstance(value, Result):
            yield from curve_sets(value, f"{name}-")
        elif isinstance(value, tuple):
            for number, item in enumerate(value):
                if isinstance(item, Result):
                    yield from curve_sets(item, f"{name}-{number + 1}-")


def results_within(result: Result) -> Iterator[Result]:
    """Yield a result and every result in its fields."""
    yield result
    for field in dataclasses.fields(result):
        value = getattr(result, field.name)
        for item in value if isinstance(value, tuple) else (value,):
            if isinstance(item, Result):
                yield from results_within(item)


def file_name(text: str) -> str:
    """Return a text as a file name of plain characters."""
    return re.sub(r"[^A-Za-z0-9._=-]+", "-", text).strip("-")


def task_label(product: Product) -> str:
    """Return step and place of a product as people read it."""
    place = [
        f"{value:g} K" if axis == "temperature_K" else f"{axis} {value:g}"
        for axis, value in product.coordinates.items()
    ]
    return ", ".join([product.step, *place])


def write_start(folder: Path, plan: Plan) -> None:
    """Write the record of a study before it runs: settings with all defaults, planned ids.

    Raises
    ------
    StorageError
        If the folder cannot be written.
    """
    write_text(folder / "study.toml", tomli_w.dumps(_without_none(as_run(plan))))
    _write_origin(folder, plan, (), "started")


def as_run(plan: Plan) -> dict[str, Any]:
    """Return the study file as plain values with every default filled in."""
    plain = plan.study.model_dump(mode="json")
    plain["steps"] = {step.name: step.settings.model_dump(mode="json") for step in plan.steps}
    return plain


def _without_none(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _without_none(item) for key, item in value.items() if item is not None}
    if isinstance(value, list | tuple):
        return [_without_none(item) for item in value]
    return value


def write_end(plan: Plan, outcome: Outcome) -> None:
    """Write the table, the curves and the completed origin of a study.

    Raises
    ------
    StorageError
        If the folder cannot be written.
    """
    write_csv(outcome.folder / "observations.csv", outcome.observations)
    write_text(outcome.folder / "comparisons.csv", comparisons_text(outcome.comparisons))
    for product in outcome.products:
        for result in product.results():
            for name, curves in curve_sets(result):
                label = file_name(f"{task_label(product)}-{type(result).__name__}-{name}")
                write_curves(outcome.folder / "curves" / f"{label}.csv", curves)
    _write_origin(outcome.folder, plan, outcome.products, "complete")


def comparisons_text(comparisons: Sequence[Comparison]) -> str:
    """Return the comparisons as CSV: both values, the verdict and its reason."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    names = ("kind", "value", "low", "high", "method", "source", "origin")
    sides = [f"{side}{name}" for side in ("", "reference ") for name in names]
    about = ("formula", "phase", "quantity", "of", "unit", "temperature_K")
    writer.writerow([*about, *sides, "verdict", "reason"])
    for pair in comparisons:
        rows = (pair.row, pair.reference)
        values = [None if row is None else getattr(row, name) for row in rows for name in names]
        state = [getattr(pair.row, name) for name in about]
        writer.writerow([*state, *values, pair.verdict, pair.reason])
    return stream.getvalue()


def _write_origin(folder: Path, plan: Plan, products: Sequence[Product], state: str) -> None:
    done = {product.origin.id: product.origin for product in products}
    stages = {task.folder: done.get(task.origin.id, task.origin) for task in plan.tasks}
    plain = {
        "study": plan.study.name,
        "profile": plan.study.profile,
        "version": __version__,
        "state": state,
        "id": content_id(sorted(task.origin.id for task in plan.tasks)),
        "stages": {
            name: {**record.encode(origin), "id": origin.id} for name, origin in stages.items()
        },
    }
    write_text(folder / "origin.json", json.dumps(plain, indent=1, ensure_ascii=False))
