"""A page from a finished study, or from the tables of several results."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from vitrolyte.data.curve import CurveSet
from vitrolyte.data.io.volumes import cube_text
from vitrolyte.data.observation import Observation
from vitrolyte.data.trajectory import structure
from vitrolyte.data.units import BOLTZMANN_EV_PER_K
from vitrolyte.literature.table import observations as published
from vitrolyte.observe.density_map import DensityMap
from vitrolyte.observe.pair_functions import PairFunctions, reverse
from vitrolyte.potentials import shelf
from vitrolyte.potentials.potential import Potential
from vitrolyte.report.figures import with_published
from vitrolyte.report.model import Coordination, DensityView, ModelView, model_view
from vitrolyte.report.page import FigureSection, Page, TableSection, write_report
from vitrolyte.report.trust import trust_section, trust_warnings
from vitrolyte.report.verdict import verdict
from vitrolyte.study.comparison import compare
from vitrolyte.study.measured import UNNAMED
from vitrolyte.study.outcome import Outcome, curve_sets, results_within, task_label
from vitrolyte.study.progress import spoken
from vitrolyte.study.recipe import NotObserved, Product
from vitrolyte.study.recipes.dynamics import RunRecord
from vitrolyte.study.recipes.laboratory.measured import InstrumentFiles
from vitrolyte.study.recipes.potential import ChosenPotential
from vitrolyte.study.recipes.reading import TrajectoryFile

REPORT = "report.html"
LEVEL_SHOWN = 0.05
"""Share of a density's highest value at which its surface is drawn where nothing joins up."""


def write_study_report(outcome: Outcome, path: Path | None = None) -> Path:
    """Write the page of a finished study, into its folder by default, and return its path.

    Raises
    ------
    StorageError
        If the file cannot be written.
    """
    place = path or outcome.folder / REPORT
    write_report(place, study_page(outcome))
    return place


def write_table_report(path: Path, tables: Mapping[str, Sequence[Observation]]) -> Path:
    """Write one page of the observations of several results and return its path.

    Raises
    ------
    StorageError
        If the file cannot be written.
    """
    rows = tuple(row for table in tables.values() for row in table)
    pairs = compare(rows, published())
    listed = tuple((name, str(len(table))) for name, table in tables.items())
    page = Page(
        title="Results side by side",
        subtitle=", ".join(tables),
        verdict=verdict(pairs, rows),
        comparisons=pairs,
        observations=rows,
        tables=(TableSection("Results", ("Folder", "Observations"), listed),),
    )
    write_report(path, page)
    return path


def study_page(outcome: Outcome) -> Page:
    """Return everything that the page of a study shows."""
    study = outcome.study
    potentials = tuple(_potentials(outcome))
    return Page(
        title=study.title,
        subtitle=_about(outcome),
        verdict=verdict(outcome.comparisons, outcome.observations),
        comparisons=outcome.comparisons,
        observations=outcome.observations,
        figures=tuple(_figures(outcome.products, (*_measured(outcome), *published()))),
        model=_model(outcome),
        tables=(
            *_files(outcome),
            _protocol(outcome),
            *map(trust_section, potentials),
            _profile(outcome),
        ),
        citations=_citations(outcome, potentials),
        origins=tuple(product.origin for product in outcome.products),
        warnings=(*trust_warnings(potentials), *_left_out(outcome)),
    )


def _about(outcome: Outcome) -> str:
    sample, profile = outcome.study.sample, f"profile {outcome.study.profile}"
    names = dict.fromkeys((sample.formula, sample.material))
    known = [name for name in names if name != UNNAMED]
    return "; ".join([", ".join(known), profile] if known else [profile])


def _measured(outcome: Outcome) -> Iterator[Observation]:
    """Yield what was measured, to be drawn beside what was computed."""
    for row in outcome.observations:
        if row.kind == "measured":
            yield replace(row, source="measured")


def _potentials(outcome: Outcome) -> Iterator[Potential]:
    for product in outcome.products:
        for result in product.results():
            if isinstance(result, ChosenPotential):
                yield shelf.load(result.name)


def _figures(
    products: Sequence[Product], literature: Sequence[Observation]
) -> Iterator[FigureSection]:
    """Yield every curve set once, with published points where they fit; of replicas the first."""
    ordered = sorted(products, key=lambda product: product.sample.phase != "glass")
    for product in ordered:
        if product.coordinates.get("replica", 1) != 1:
            continue
        label = task_label(product)
        for result in product.results():
            if isinstance(result, RunRecord):
                continue  # dozens of curves that only an expert on engines looks at: see curves/
            for _, curves in curve_sets(result):
                shown = _beside_published(curves, product, literature)
                yield FigureSection(shown, _meaning(product), f"Step {label}")


def _beside_published(
    curves: CurveSet, product: Product, literature: Sequence[Observation]
) -> CurveSet:
    same = [
        row
        for row in literature
        if (row.formula, row.phase) == (product.sample.formula, product.sample.phase)
    ]
    return with_published(curves, same)


def _meaning(product: Product) -> str:
    sample = product.sample
    formula = "" if sample.formula == UNNAMED else sample.formula
    state = "" if sample.temperature_K is None else f" at {sample.temperature_K:g} K"
    replica = product.coordinates.get("replica")
    which = "" if replica is None else f", replica {replica:g}"
    return f"{f'{formula} {sample.phase}'.strip()}{state}{which}."


def _model(outcome: Outcome) -> ModelView | None:
    """Return the view of a density, else of the glass, or of what structure was looked at first."""
    for product in outcome.products:
        for result in product.results():
            if isinstance(result, DensityMap):
                return _with_density(product, result)
    looked = [
        (product, result)
        for product in outcome.products
        for whole in product.results()
        for result in results_within(whole)
        if isinstance(result, PairFunctions)
    ]
    looked.sort(key=lambda pair: pair[0].sample.phase != "glass")
    if not looked:
        return None
    product, pairs = looked[0]
    source = next(iter(product.origin.inputs.values()))
    shown = next(p for p in outcome.products if p.origin.id == source)
    return model_view(
        shown.final(),
        _polyhedra(pairs),
        caption=f"{_meaning(shown)} Last frame of the step {task_label(shown)}.",
    )


def _with_density(product: Product, found: DensityMap) -> ModelView:
    """Return the ions that do not hop in their mean cell, with the density of those that do."""
    field = found.density
    view = model_view(structure(field.species, field.positions, field.cell))
    caption = (
        f"{_meaning(product)} Step {task_label(product)}: density of {found.mobile}, "
        f"{found.described}; all other ions at their mean places."
    )
    density = DensityView(found.mobile, cube_text(field), _first_level(found))
    return replace(view, caption=caption, density=density)


def _first_level(found: DensityMap) -> float:
    """Return the level at which the density just joins up in one direction, within what shows."""
    joins = found.percolation["1D"]
    if joins.status == "refused":
        return LEVEL_SHOWN
    share = math.exp(-joins.value / (BOLTZMANN_EV_PER_K * found.temperature_K))
    return float(min(max(share, 1e-4), 0.3))


def _polyhedra(pairs: PairFunctions) -> Coordination | None:
    """Return the polyhedra of the shortest bonds, about the atom that has more of them."""
    lengths = {
        bond: pairs.distances[bond]
        for bond in pairs.bonds
        if bond in pairs.cut_offs and pairs.distances[bond].status != "refused"
    }
    if not lengths:
        return None
    shortest = min(lengths, key=lambda bond: lengths[bond].value)
    views = [view for view in (shortest, reverse(shortest)) if view in pairs.coordination]
    fullest = max(views, key=lambda view: pairs.coordination[view].value)
    centre, ligand = fullest.split("-")
    return Coordination(centre, ligand, pairs.cut_offs[shortest])


def _left_out(outcome: Outcome) -> Iterator[str]:
    for product in outcome.products:
        for result in product.results():
            if isinstance(result, NotObserved):
                yield f"{result.step} is left out: {result.reason}"


def _files(outcome: Outcome) -> Iterator[TableSection]:
    """Yield what was found in each trajectory file that the study looked at."""
    for product in outcome.products:
        for result in product.results():
            if isinstance(result, InstrumentFiles):
                yield _instrument_files(result, task_label(product))
            if not isinstance(result, TrajectoryFile):
                continue
            rows = (
                ("file", result.file),
                ("read as", result.format),
                ("frames", str(result.n_frames)),
                ("atoms", str(result.n_atoms)),
                ("unwrapping", result.unwrapping),
                ("times", result.time_source),
                *(("note", note) for note in result.notes),
            )
            yield TableSection("The file", ("What", "Found"), rows)


def _instrument_files(found: InstrumentFiles, label: str) -> TableSection:
    header = ("File", "Read as", "Points", "Taken at", "Notes")
    return TableSection(f"The files of {label}", header, found.rows)


def _protocol(outcome: Outcome) -> TableSection:
    rows = tuple(
        (
            task_label(product),
            product.origin.function,
            _settings(product),
            "" if product.origin.seed is None else str(product.origin.seed),
            spoken(product.origin.wall_seconds),
        )
        for product in outcome.products
    )
    header = ("Step", "Recipe", "Settings", "Seed", "Time taken")
    return TableSection("Protocol", header, rows, "What was done, in order, with every setting.")


_GENERAL = frozenset({"recipe", "sample", "coordinates", "digest"})


def _settings(product: Product) -> str:
    given = product.origin.settings.items()
    return "; ".join(
        f"{name} {_words(value)}" for name, value in given if name not in _GENERAL and value
    )


def _words(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{k} {_words(v)}" for k, v in value.items() if v not in (None, False))
    if isinstance(value, list | tuple):
        return " | ".join(_words(item) for item in value)
    return str(value)


def _profile(outcome: Outcome) -> TableSection:
    launch = outcome.study.launch
    rows = (
        ("profile", outcome.study.profile),
        ("seed", str(outcome.study.seed)),
        ("runs side by side", str(launch.workers)),
        ("processes a run", str(launch.processes)),
        ("launcher", " ".join(launch.command)),
        ("tasks", str(len(outcome.products))),
        ("time of all tasks", spoken(sum(p.origin.wall_seconds for p in outcome.products))),
    )
    return TableSection("Profile", ("Setting", "Value"), rows)


def _citations(outcome: Outcome, potentials: Sequence[Potential]) -> tuple[str, ...]:
    methods = [text for product in outcome.products for text in product.origin.citations]
    models = [text for potential in potentials for text in potential.citations]
    return tuple(dict.fromkeys([*models, *methods]))
