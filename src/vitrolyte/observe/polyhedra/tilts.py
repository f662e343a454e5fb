"""Tilts of corner-sharing octahedra in perovskites and antiperovskites, in Glazer's words."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from vitrolyte.data.curve import Axis, Curve, CurveSet
from vitrolyte.data.errors import InputError
from vitrolyte.data.observation import Observation, Sample, computed
from vitrolyte.data.quantity import Quantity
from vitrolyte.data.result import Result
from vitrolyte.data.trajectory import Trajectory
from vitrolyte.observe.blocks import block_average
from vitrolyte.observe.polyhedra.bonding import Bonding, Rule, bond_rule
from vitrolyte.observe.polyhedra.parent_lattice import ParentLattice, parent_lattice
from vitrolyte.observe.polyhedra.shapes import corners_of
from vitrolyte.observe.sampling import sample

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
CITATIONS = ("10.1107/S0567740872007976", "10.1107/S0108768198004200")

NONE_RESOLVED = "none resolved"
AXES = ("x", "y", "z")

_IN_ERRORS = 3.0
_EDGES = np.linspace(-45.0, 45.0, 181)
_ANGLE = Axis("tilt", "°")
_DENSITY = Axis("probability density", "1/°")


@dataclass(frozen=True, eq=False)
class OctahedralTilts(Result):
    """How the octahedra of a perovskite are turned about its pseudo-cubic axes.

    Attributes
    ----------
    glazer
        The tilt system: ``a-a-c+``; ``none resolved`` where there is no clear pattern.
    reason
        Why none is resolved; empty otherwise.
    axes
        The pseudo-cubic axes x, y, z, three numbers each, one after the other.
    in_phase, out_of_phase
        Amplitude of either pattern about each axis, degrees.
    spread
        Root mean squared tilt about each axis, thermal motion and all, degrees.
    distributions
        Density of the tilts about each axis.
    octahedra
        Share of the centres with six ligands, one towards each neighbour.
    """

    glazer: str
    reason: str
    axes: tuple[float, ...]
    in_phase: Mapping[str, Quantity]
    out_of_phase: Mapping[str, Quantity]
    spread: Mapping[str, Quantity]
    distributions: CurveSet
    octahedra: float

    def observations(self, sample: Sample) -> tuple[Observation, ...]:
        """Return the amplitude of either pattern about each axis, and the spread."""
        said = self.glazer + (f" ({self.reason})" if self.reason else "")
        method = f"rotation of octahedra against the lattice of their centres; Glazer {said}"
        patterns = (
            ("in phase", self.in_phase),
            ("out of phase", self.out_of_phase),
            ("r.m.s.", self.spread),
        )
        return tuple(
            computed(sample, "octahedral_tilt", angle, of=f"{axis} {word}", method=method)
            for word, found in patterns
            for axis, angle in found.items()
        )


def tilts(
    trajectory: Trajectory,
    bonding: Bonding | None = None,
    *,
    tolerance_deg: float = 1.0,
    max_frames: int | None = None,
) -> OctahedralTilts:
    """Return the tilts of corner-sharing octahedra whose centres form a simple cubic lattice.

    The rotation of an octahedron is the one that best turns the lattice directions into the
    directions of its ligands; its components along the pseudo-cubic axes are the tilts. A tilt
    about an axis alternates from octahedron to octahedron across the axis; along the axis it
    stays (in phase, Glazer's +) or alternates too (out of phase, -). An axis has a tilt where
    one amplitude is above the tolerance and above three standard errors, the other is not, and no
    more than the tolerance is left over.

    Parameters
    ----------
    trajectory
        Streamed; its cell may be triclinic and may change. The centres must not diffuse; ligands
        may.
    bonding
        Centres, ligands, and how bonds are judged; of several elements on a simple cubic lattice
        (both cations of a perovskite) the one with most octahedra counts.
    tolerance_deg
        Below it a tilt is none and two tilts of one sort are alike (one letter), degrees.
    max_frames
        At most so many frames, evenly spread; None for all.

    Raises
    ------
    InputError
        If centres and ligands cannot be told, or the tolerance is not positive.

    References
    ----------
    Glazer, Acta Cryst. B 28, 3384 (1972), doi:10.1107/S0567740872007976; Howard & Stokes, Acta
    Cryst. B 54, 782 (1998), doi:10.1107/S0108768198004200.
    """
    if not tolerance_deg > 0:
        raise InputError("A tolerance is a positive angle", received=f"{tolerance_deg} degrees")
    rule = bond_rule(sample(trajectory, max_frames), bonding or Bonding())
    found = []
    for centre in rule.centres:
        atoms = rule.atoms_of((centre,))
        lattice = parent_lattice(*_mean_places(rule, atoms))
        if lattice is not None:
            found.append(_Turns(rule, atoms, lattice).result(tolerance_deg))
    if not found:
        return _refused(f"the {' or '.join(rule.centres)} form no simple cubic lattice")
    return max(found, key=lambda one: one.octahedra)


def _mean_places(rule: Rule, atoms: Integers) -> tuple[Floats, Floats]:
    """Return the mean positions of some atoms in the mean cell."""
    places = np.zeros((3, len(atoms)))
    for snapshot in rule.sampling:
        places += snapshot.fractional[:, atoms]
    cell = rule.sampling.cells.mean(axis=0)
    return np.ascontiguousarray((places / len(rule.sampling.chosen)).T @ cell), cell


def rotations(corners: Floats, axes: Floats) -> Floats:
    """Return the rotation of octahedra against some axes, degrees.

    Parameters
    ----------
    corners
        (n, 6, 3), vectors to the ligands.
    axes
        (3, 3), rows are orthonormal.

    Returns
    -------
    turns
        (n, 3), components of the rotation vector along the axes; NaN where the six ligands are
        not one along each axis, up and down.
    """
    units = corners / np.linalg.norm(corners, axis=2)[:, :, None] @ axes.T
    axis = np.abs(units).argmax(axis=2)
    side = np.take_along_axis(units, axis[:, :, None], axis=2)[:, :, 0] > 0
    order = np.argsort(2 * axis + side, axis=1)
    places = np.take_along_axis(2 * axis + side, order, axis=1)
    good = np.all(places == np.arange(6), axis=1)
    ordered = np.take_along_axis(units, order[:, :, None], axis=1)
    seen = (ordered[:, 1::2] - ordered[:, 0::2]) / 2.0
    turns = np.full((len(corners), 3), math.nan)
    if good.any():
        u, _, v = np.linalg.svd(np.swapaxes(seen[good], 1, 2))
        turns[good] = Rotation.from_matrix(u @ v).as_rotvec(degrees=True)
    return turns


class _Turns:
    """The rotations of all octahedra, summed over the frames."""

    def __init__(self, rule: Rule, atoms: Integers, lattice: ParentLattice) -> None:
        n_blocks = rule.sampling.n_blocks
        self.lattice = lattice
        self.frames = np.zeros(n_blocks)
        self.seen = np.zeros(len(atoms))
        self.total = np.zeros((len(atoms), 3))
        self.amplitudes = np.zeros((n_blocks, 2, 3))
        self.squares = np.zeros((n_blocks, 3))
        self.histogram = np.zeros((3, len(_EDGES) - 1))
        for snapshot in rule.sampling:
            bonds = rule.bonds(snapshot)
            turns = np.full((len(atoms), 3), math.nan)
            six = bonds.counts[atoms] == 6
            turns[six] = rotations(corners_of(bonds, atoms, 6), lattice.axes)
            self._add(snapshot.block, turns)

    def _add(self, block: int, turns: Floats) -> None:
        there = np.isfinite(turns[:, 0])
        if not there.any():
            return
        known = turns[there]
        self.frames[block] += 1
        self.seen += there
        self.total[there] += known
        self.amplitudes[block, 0] += (known * self.lattice.in_phase[:, there].T).mean(axis=0)
        self.amplitudes[block, 1] += (known.T * self.lattice.out_of_phase[there]).mean(axis=1)
        self.squares[block] += (known**2).mean(axis=0)
        for axis in range(3):
            self.histogram[axis] += np.histogram(known[:, axis], _EDGES)[0]

    def result(self, tolerance: float) -> OctahedralTilts:
        used = self.frames > 0
        if not used.any():
            return _refused("no centre has one ligand towards each of its six neighbours")
        frames = self.frames[used, None]
        series = self.amplitudes[used] / frames[:, None]
        in_phase, out_of_phase = (
            {axis: _size(block_average(series[:, which, k], "°")) for k, axis in enumerate(AXES)}
            for which in (0, 1)
        )
        spread = np.sqrt(self.squares[used] / frames)
        glazer, reason = _symbol(in_phase, out_of_phase, self._left_over(series), tolerance)
        return OctahedralTilts(
            glazer=glazer,
            reason=reason,
            axes=tuple(self.lattice.axes.ravel().tolist()),
            in_phase=in_phase,
            out_of_phase=out_of_phase,
            spread={axis: block_average(spread[:, k], "°") for k, axis in enumerate(AXES)},
            distributions=CurveSet("Tilts of octahedra", tuple(map(self._curve, range(3)))),
            octahedra=float(self.seen.sum() / (len(self.seen) * self.frames.sum())),
        )

    def _left_over(self, series: Floats) -> Floats:
        """Return what of the mean tilts the two patterns do not hold, (3,), degrees."""
        there = self.seen > 0
        mean = self.total[there] / self.seen[there, None]
        patterns = (series.mean(axis=0) ** 2).sum(axis=0)
        return np.asarray(np.sqrt(np.maximum((mean**2).mean(axis=0) - patterns, 0.0)))

    def _curve(self, axis: int) -> Curve:
        seen = self.histogram[axis]
        density = seen / max(1.0, seen.sum() * (_EDGES[1] - _EDGES[0]))
        middles = (_EDGES[1:] + _EDGES[:-1]) / 2.0
        return Curve(middles, density, _ANGLE, _DENSITY, label=f"about {AXES[axis]}")


def _size(signed: Quantity) -> Quantity:
    """Return an amplitude without its sign, which is a matter of where one starts to count."""
    return signed if signed.value >= 0 else signed.scaled(-1.0, signed.unit)


def _symbol(
    in_phase: Mapping[str, Quantity],
    out_of_phase: Mapping[str, Quantity],
    left_over: Floats,
    tolerance: float,
) -> tuple[str, str]:
    """Return Glazer's symbol, or that there is none and why."""
    sizes, marks = [], []
    for axis, rest in zip(AXES, left_over):
        both = (in_phase[axis], out_of_phase[axis])
        clear = [_is_clear(angle, tolerance) for angle in both]
        if all(clear):
            return NONE_RESOLVED, f"about {axis} tilts are in phase and out of phase"
        if rest > tolerance:
            return NONE_RESOLVED, f"about {axis} {rest:.1f}° are in no simple pattern"
        sizes.append(both[clear.index(True)].value if any(clear) else 0.0)
        marks.append("+" if clear[0] else "-" if clear[1] else "0")
    letters: list[str] = []
    for k, (size, mark) in enumerate(zip(sizes, marks)):
        # Tilts of different sorts are never alike by symmetry: Howard & Stokes 1998.
        alike = [j for j in range(k) if marks[j] == mark and abs(sizes[j] - size) <= tolerance]
        letters.append(letters[alike[0]] if alike else "abc"[k])
    return "".join(letter + mark for letter, mark in zip(letters, marks)), ""


def _is_clear(angle: Quantity, tolerance: float) -> bool:
    error = 0.0 if math.isnan(angle.error) else angle.error
    return angle.value > max(tolerance, _IN_ERRORS * error)


def _refused(reason: str) -> OctahedralTilts:
    nothing = {axis: Quantity.refused("°", reason) for axis in AXES}
    empty = CurveSet("Tilts of octahedra", ())
    return OctahedralTilts(NONE_RESOLVED, reason, (), nothing, nothing, nothing, empty, 0.0)
