"""The shapes of polyhedra over a trajectory: how far from ideal, and which ideal is nearest."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from vitrolyte.data.curve import Axis, Curve, CurveSet
from vitrolyte.data.observation import Observation, Sample, computed
from vitrolyte.data.quantity import Quantity
from vitrolyte.data.result import Result
from vitrolyte.data.trajectory import Trajectory
from vitrolyte.observe.blocks import block_average
from vitrolyte.observe.neighbours import Neighbours
from vitrolyte.observe.polyhedra.bonding import Bonding, Rule, bond_rule
from vitrolyte.observe.polyhedra.ideal_shapes import ideal_shapes
from vitrolyte.observe.polyhedra.shape_measures import shape_measures
from vitrolyte.observe.sampling import sample

Floats = NDArray[np.float64]
CITATIONS = ("10.1021/ic9804925", "10.1039/b200641n")

_EDGES = np.linspace(0.0, 40.0, 161)
_MEASURE = Axis("shape measure", "")
_DENSITY = Axis("probability density", "")


@dataclass(frozen=True, eq=False)
class PolyhedronShapes(Result):
    """The shapes of the polyhedra round each element.

    Attributes
    ----------
    method
        How bonds were judged.
    measures
        Mean shape measure of the polyhedra that have as many corners as the shape, by centre and
        shape: ``Zr octahedron``; 0 is ideal.
    nearest
        Share of all centres of the element whose polyhedron is nearest to that shape; ``Zr other``
        those with a number of corners of which no ideal shape is known.
    distributions
        Density of the measures, by centre and shape.
    """

    method: str
    measures: Mapping[str, Quantity]
    nearest: Mapping[str, Quantity]
    distributions: CurveSet

    def observations(self, sample: Sample) -> tuple[Observation, ...]:
        """Return the measures and the share of each shape."""
        how = f"continuous shape measure, centre included; {self.method}"
        measured = [
            computed(sample, "shape_measure", number, of=of, method=how)
            for of, number in self.measures.items()
        ]
        shares = [
            computed(sample, "polyhedron_shape_fraction", number, of=of, method=f"nearest; {how}")
            for of, number in self.nearest.items()
        ]
        return (*measured, *shares)


@dataclass
class _Sums:
    """Sums over the polyhedra of each block of time, by centre and shape."""

    n_blocks: int
    total: dict[str, Floats] = field(default_factory=dict)
    count: dict[str, Floats] = field(default_factory=dict)
    nearest: dict[str, Floats] = field(default_factory=dict)
    histogram: dict[str, Floats] = field(default_factory=dict)

    def add(self, what: str, name: str, block: int, number: float) -> None:
        getattr(self, what).setdefault(name, np.zeros(self.n_blocks))[block] += number


def shapes(
    trajectory: Trajectory, bonding: Bonding | None = None, *, max_frames: int | None = None
) -> PolyhedronShapes:
    """Return the continuous shape measures of all polyhedra; see `shape_measures`.

    Parameters
    ----------
    trajectory
        Streamed; its cell may be triclinic, may change, and may be of any size.
    bonding
        Centres, ligands, and how bonds are judged.
    max_frames
        At most so many frames, evenly spread; None for all.

    Raises
    ------
    InputError
        If centres and ligands cannot be told or no pair of them bonds.
    """
    rule = bond_rule(sample(trajectory, max_frames), bonding or Bonding())
    sums = _Sums(rule.sampling.n_blocks)
    frames = np.zeros(rule.sampling.n_blocks)
    for snapshot in rule.sampling:
        bonds = rule.bonds(snapshot)
        frames[snapshot.block] += 1
        for centre in rule.centres:
            _add(sums, centre, snapshot.block, bonds, rule.atoms_of((centre,)))
    return _result(rule, sums, frames)


def corners_of(bonds: Neighbours, atoms: NDArray[np.int64], number: int) -> Floats:
    """Return the vectors to the ligands of the atoms that have so many, (n, number, 3), Å."""
    chosen = atoms[bonds.counts[atoms] == number]
    entries = bonds.starts[chosen][:, None] + np.arange(number)
    return np.asarray(bonds.vectors[entries])


def _add(sums: _Sums, centre: str, block: int, bonds: Neighbours, atoms: NDArray[np.int64]) -> None:
    for number in np.unique(bonds.counts[atoms]).tolist():
        corners = corners_of(bonds, atoms, number)
        if not ideal_shapes(number):
            sums.add("nearest", f"{centre} other", block, len(corners))
            continue
        found = shape_measures(corners)
        names = list(found)
        for name, measures in found.items():
            of = f"{centre} {name}"
            sums.add("total", of, block, float(measures.sum()))
            sums.add("count", of, block, len(measures))
            seen = np.histogram(np.minimum(measures, _EDGES[-1] - 1e-9), _EDGES)[0]
            sums.histogram[of] = sums.histogram.get(of, np.zeros(len(seen))) + seen
        best = np.argmin(np.stack([found[name] for name in names]), axis=0)
        for k, name in enumerate(names):
            sums.add("nearest", f"{centre} {name}", block, int((best == k).sum()))


def _result(rule: Rule, sums: _Sums, frames: Floats) -> PolyhedronShapes:
    measures = {}
    for of, total in sums.total.items():
        there = sums.count[of] > 0
        measures[of] = block_average(total[there] / sums.count[of][there], "1")
    nearest = {}
    for of, seen in sums.nearest.items():
        atoms = len(rule.atoms_of((of.split()[0],)))
        nearest[of] = block_average(seen / (frames * atoms), "1")
    nearest = {of: q for of, q in nearest.items() if not math.isclose(q.value, 0.0)}
    curves = tuple(_curve(of, seen) for of, seen in sums.histogram.items())
    return PolyhedronShapes(
        rule.method, measures, nearest, CurveSet("Shape measures of polyhedra", curves)
    )


def _curve(of: str, seen: Floats) -> Curve:
    width = float(_EDGES[1] - _EDGES[0])
    middles = (_EDGES[1:] + _EDGES[:-1]) / 2.0
    return Curve(middles, seen / (seen.sum() * width), _MEASURE, _DENSITY, label=of)
