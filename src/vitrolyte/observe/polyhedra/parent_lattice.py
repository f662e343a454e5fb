"""The simple cubic lattice of octahedron centres behind a tilted perovskite."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from vitrolyte.observe.neighbours import Neighbours, neighbours

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]

_WITHIN = 1.2
_STRAIGHT = 0.8
_REACHES_A = (6.0, 8.0, 12.0)


@dataclass(frozen=True, eq=False)
class ParentLattice:
    """The pseudo-cubic axes and the phases of doubled cells.

    Attributes
    ----------
    axes
        (3, 3), rows are the orthonormal pseudo-cubic axes, right-handed.
    spacing_A
        Mean distance of neighbouring centres, Å.
    in_phase
        (3, n_centres), sign of an in-phase tilt about each axis at each centre: it alternates
        along the two other axes. Zero where the cell cannot hold it.
    out_of_phase
        (n_centres,), sign of an out-of-phase tilt: it alternates along all three.
    """

    axes: Floats
    spacing_A: float
    in_phase: Floats
    out_of_phase: Floats


def parent_lattice(centres: Floats, cell: Floats) -> ParentLattice | None:
    """Return the simple cubic lattice on which some atoms stand, or None where there is none.

    Parameters
    ----------
    centres
        (n, 3), Å, mean positions of the centres.
    cell
        (3, 3), Å.
    """
    found = _six_neighbours(centres, cell)
    if found is None:
        return None
    axes = _axes(found.vectors)
    along = found.vectors @ axes.T / found.distances[:, None]
    axis = np.abs(along).argmax(axis=1)
    sign = np.sign(along[np.arange(len(axis)), axis])
    places = np.sort(found.owners * 6 + 2 * axis + (sign > 0))
    if np.abs(along).max(axis=1).min() < _STRAIGHT or len(np.unique(places)) != len(places):
        return None
    alternating = [[k for k in range(3) if k != turned] for turned in range(3)]
    in_phase = np.array([_signs(found, axis, np.array(along_axes)) for along_axes in alternating])
    return ParentLattice(
        axes,
        float(found.distances.mean()),
        in_phase,
        _signs(found, axis, np.arange(3)),
    )


def _six_neighbours(centres: Floats, cell: Floats) -> Neighbours | None:
    kinds = np.zeros(len(centres), dtype=np.int64)
    for reach in _REACHES_A:
        found = neighbours(centres, cell, kinds, np.array([[reach]]))
        if found.counts.min() < 6:
            continue
        nearest = np.concatenate(
            [np.sort(found.distances[found.of(i)])[:6] for i in range(len(centres))]
        )
        near = found.kept(found.distances < _WITHIN * nearest.mean())
        if reach > _WITHIN * nearest.mean():
            alike = nearest.min() * _WITHIN > nearest.mean()
            return near if alike and bool(np.all(near.counts == 6)) else None
    return None


def _axes(vectors: Floats) -> Floats:
    """Return three orthonormal directions along which all vectors lie, nearest to x, y, z."""
    units = vectors / np.linalg.norm(vectors, axis=1)[:, None]
    first = units[0]
    second = units[np.abs(units @ first).argmin()]
    third = units[(np.abs(units @ first) + np.abs(units @ second)).argmin()]
    rough = np.array([first, second, third])
    along = units @ rough.T
    axis = np.abs(along).argmax(axis=1)
    sign = np.sign(along[np.arange(len(axis)), axis])
    mean = np.array([(units[axis == k] * sign[axis == k, None]).sum(axis=0) for k in range(3)])
    u, _, v = np.linalg.svd(mean)
    rows, columns = linear_sum_assignment(np.abs(u @ v).T, maximize=True)
    ordered = np.asarray((u @ v)[columns[np.argsort(rows)]])
    ordered *= np.sign(np.diag(ordered) + 1e-12)[:, None]
    if np.linalg.det(ordered) < 0:
        ordered[2] *= -1.0
    return ordered


def _signs(found: Neighbours, axis: Integers, alternating: Integers) -> Floats:
    """Return signs that alternate along some axes, or zeros where the cell does not let them."""
    n = len(found.starts) - 1
    signs = np.zeros(n)
    step = np.where(np.isin(axis, alternating), -1.0, 1.0)
    signs[0], todo = 1.0, [0]
    while todo:
        i = todo.pop()
        for entry in range(found.starts[i], found.starts[i + 1]):
            j = int(found.others[entry])
            if signs[j] == 0.0:
                signs[j] = signs[i] * step[entry]
                todo.append(j)
    fits = np.all(signs[found.others] == signs[found.owners] * step)
    return signs if fits and np.all(signs != 0.0) else np.zeros(n)
