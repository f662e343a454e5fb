"""Steps that look at structure and volume: pair functions, scattering, density, the quench."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from vitrolyte.data.curve import CurveSet
from vitrolyte.data.errors import InputError
from vitrolyte.data.quantity import Quantity
from vitrolyte.data.result import Result
from vitrolyte.data.trajectory import Trajectory
from vitrolyte.infer.pool import pool
from vitrolyte.matter.composition import parse_formula
from vitrolyte.matter.periodic import perpendicular_widths
from vitrolyte.matter.supercell import supercell
from vitrolyte.observe import pair_functions, thermodynamics
from vitrolyte.observe.scattering import diffraction, partials
from vitrolyte.observe.scattering.crystallinity import bragg_share
from vitrolyte.observe.scattering.diffraction import COPPER_K_ALPHA_A
from vitrolyte.observe.thermodynamics import Cooling, Density, VolumeExpansion, volume_expansion
from vitrolyte.study.recipe import (
    All,
    Coordinates,
    Each,
    NotObserved,
    Output,
    Product,
    Recipe,
    RecipeSettings,
    Work,
)
from vitrolyte.study.recipes.dynamics import RunRecord
from vitrolyte.study.recipes.pooling import Pooled, PooledRow, looked_at, one_replica

WIDE_A = 18.0
"""Smallest width of the box in which a crystal at rest is looked at, Å."""

FEWEST_OF_A_GLASS = 60
"""A box of fewer atoms is taken to be a crystal's cell."""

SAMPLES_PER_POINT = 10
"""Rows of an engine's record that make one point of a quench curve, at the least."""


class StructureSettings(RecipeSettings):
    """What distances and scattering tell of one state, pooled over replicas."""

    dynamics: All
    wavelength_A: Annotated[float, Field(gt=0)] = COPPER_K_ALPHA_A
    cut_offs_A: Mapping[str, Annotated[float, Field(gt=0)]] | None = None


class VolumeChangeSettings(RecipeSettings):
    """Volume of a phase over that of a reference, at each temperature that both have.

    Volumes are per formula unit by mass, so that a reference with vacancies takes more room than
    a perfect one; ``against`` says in the rows which one it is.
    """

    dynamics: All
    reference: All
    against: Annotated[str, Field(min_length=1)] = "the crystal"

    def review(self, sources: Mapping[str, tuple[Coordinates, ...]]) -> None:
        """Refuse two series without a temperature in common."""
        here, there = (
            {place.get("temperature_K") for place in sources[name]}
            for name in ("dynamics", "reference")
        )
        if not here & there:
            raise InputError(
                "A volume change needs a temperature that both phases have",
                received=f"{sorted(map(str, here))} and {sorted(map(str, there))}",
            )


class QuenchCurvesSettings(RecipeSettings):
    """Volume and enthalpy against temperature along a quench."""

    dynamics: Each
    points: Annotated[int, Field(ge=2)] = 60


def observe_structure(work: Work) -> Output:
    """Look at the structure of each replica; rows are pooled, curves shown for the first."""
    settings: StructureSettings = work.settings
    formula = work.study.formula
    return looked_at(work, lambda trajectory, _: _structure(settings, trajectory, formula))


def _structure(
    settings: StructureSettings, trajectory: Trajectory, formula: str
) -> tuple[Result, ...]:
    wide = wide_enough(trajectory)
    factors = partials.scattering(wide)
    return (
        thermodynamics.density(trajectory, formula),
        pair_functions.pair_functions(wide, cut_offs=settings.cut_offs_A),
        factors,
        diffraction.diffraction(factors, settings.wavelength_A),
        *_bragg(wide),
    )


def wide_enough(trajectory: Trajectory) -> Trajectory:
    """Return the cell of a crystal at rest repeated until its shells fit in; all else as it is.

    Images of a run's small cell would move as one, and those of a glass would make a crystal of
    it; one frame of a few dozen atoms is a crystal by its own period.
    """
    if trajectory.n_frames > 1 or trajectory.n_atoms >= FEWEST_OF_A_GLASS:
        return trajectory
    widths = perpendicular_widths(trajectory.cells[0])
    repeats = np.maximum(np.ceil(WIDE_A / widths - 1e-9), 1).astype(int)
    return supercell(trajectory, tuple(repeats.tolist()))


def _bragg(trajectory: Trajectory) -> tuple[Result, ...]:
    try:
        return diffraction.bragg_search(trajectory), bragg_share(trajectory)
    except InputError as fault:  # a run of a cell that is too small
        return (NotObserved("search for Bragg peaks", fault.message()),)


def observe_volume_change(work: Work) -> Output:
    """Set the volume of a phase beside that of the reference, replicas pooled."""
    formula = work.study.formula
    here, there = (_volumes(work.inputs[name], formula) for name in ("dynamics", "reference"))
    rows = []
    for temperature in sorted(here.keys() & there.keys()):
        found = volume_expansion(here[temperature], there[temperature])
        rows += [
            one_replica(work.inputs["dynamics"], row)
            for row in _expansion_rows(found, temperature, work.settings.against)
        ]
    sample = work.inputs["dynamics"][0].sample
    return Output(sample, (Pooled(len(work.inputs["dynamics"]), tuple(rows)),))


def _temperature(source: Product) -> float:
    if source.sample.temperature_K is None:
        raise InputError(f"The step {source.step!r} must state its temperature", received="none")
    return source.sample.temperature_K


def _measured(sources: Sequence[Product], formula: str) -> dict[float, list[Density]]:
    found: dict[float, list[Density]] = {}
    for source in sources:
        one = thermodynamics.density(source.trajectory(), formula)
        found.setdefault(_temperature(source), []).append(one)
    return found


def _volumes(sources: Sequence[Product], formula: str) -> dict[float, Quantity]:
    measured = _measured(sources, formula)
    return {t: pool([one.volume_per_formula_unit for one in m]) for t, m in measured.items()}


def _expansion_rows(found: VolumeExpansion, temperature: float, against: str) -> list[PooledRow]:
    method = f"against {against} at the same temperature"
    return [
        PooledRow("volume_expansion", "", method, temperature, found.expansion),
        PooledRow("density_ratio", "", method, temperature, found.density_ratio),
    ]


def observe_quench(work: Work) -> Output:
    """Average volume and enthalpy along the last segment of the run."""
    source = work.one("dynamics")
    record = source.result(RunRecord)
    units = record.n_atoms / parse_formula(work.study.formula).atoms
    cooling = Cooling(
        _last(record.temperature),
        _last(record.volume),
        _last(record.enthalpy),
        record.n_atoms,
        units,
    )
    points = min(work.settings.points, len(cooling.temperature_K) // SAMPLES_PER_POINT)
    return Output(source.sample, (thermodynamics.quench_curves(cooling, points=points),))


def _last(curves: CurveSet) -> NDArray[np.float64]:
    """Return the last segment's values: the quench itself, not what led to it."""
    return np.asarray(curves.curves[-1].y, dtype=float)


_STRUCTURE = (
    *pair_functions.CITATIONS,
    "10.1107/S0108767394013292",  # Waasmaier & Kirfel 1995, form factors
)

RECIPES = (
    Recipe("structure", 2, StructureSettings, observe_structure, citations=_STRUCTURE),
    Recipe(
        "volume-change",
        2,
        VolumeChangeSettings,
        observe_volume_change,
        citations=thermodynamics.CITATIONS,
    ),
    Recipe("quench-curves", 1, QuenchCurvesSettings, observe_quench),
)
