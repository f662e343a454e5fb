"""The empty space of one frame on a grid: clearance, pores and thresholds of percolation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter
from scipy.spatial import cKDTree

from vitrolyte.matter.periodic import perpendicular_widths
from vitrolyte.observe.voids.grid_kernels import flood, paint_clearance, paint_pores

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

_FIRST_REACH_A = 2.0
# A grid that begins at no special place cannot fall in step with a crystal.
_ORIGIN = np.array([0.137, 0.381, 0.719])
_CANDIDATES = 16
_ZOOMS = 18
_STEEP = 0.95
_FINE = np.stack(np.meshgrid(*[np.linspace(-1, 1, 5)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)


@dataclass(frozen=True, eq=False)
class Space:
    """How far each point of a cell is from the nearest surface of an atom.

    Attributes
    ----------
    cell
        (3, 3), Å.
    clearance
        (n0, n1, n2), Å, negative inside atoms; the points lie at equal steps along the cell
        vectors from ``origin``.
    """

    cell: Floats
    clearance: Floats

    @property
    def step(self) -> float:
        """Return the edge of a cube of the volume of a voxel, Å."""
        return float((abs(np.linalg.det(self.cell)) / self.clearance.size) ** (1 / 3))

    @property
    def edges(self) -> Floats:
        """Return the edges of a voxel, rows, (3, 3), Å."""
        return np.asarray(self.cell / np.array(self.clearance.shape)[:, None])

    @property
    def slack(self) -> tuple[float, float]:
        """Return by how much a threshold of percolation may lie below and above the grid's, Å.

        The clearance changes no faster than the place. Half an edge of a voxel lies between two
        centres that are joined, half its longest diagonal between a true path and the centres of
        the voxels that it passes.
        """
        signs = np.array([[1, 1, 1], [1, 1, -1], [1, -1, 1], [-1, 1, 1]])
        diagonal = float(np.linalg.norm(signs @ self.edges, axis=1).max())
        return float(np.linalg.norm(self.edges, axis=1).max()) / 2.0, diagonal / 2.0

    @property
    def origin(self) -> Floats:
        """Return the fractional coordinates of the first point, (3,)."""
        return np.asarray(_ORIGIN / self.clearance.shape, dtype=float)

    def share_beyond(self, radius: float) -> float:
        """Return the share of the points, so of the volume, with at least this clearance."""
        return float((self.clearance >= radius).mean())

    def spread_of(self, radius: float) -> float:
        """Return the standard deviation of that share over the eight grids of twice the spacing."""
        inside = self.clearance >= radius
        parts = [inside[i::2, j::2, k::2].mean() for i, j, k in np.ndindex(2, 2, 2)]
        return float(np.std(parts))


@dataclass(frozen=True, eq=False)
class Flood:
    """What a rising flood of the empty space meets.

    Attributes
    ----------
    thresholds
        (4,), Å, radius of the largest sphere that passes without end along each cell vector, and
        along any; negative where it would have to pass through atoms.
    parts
        (n_probes,), separate voids for each probe that hold a sphere wider than it by ``slack``.
    largest
        (n_probes,), share of the accessible volume in the largest void.
    """

    thresholds: Floats
    parts: Integers
    largest: Floats


def space(fractional: Floats, radii: Floats, cell: Floats, spacing: float) -> Space:
    """Return the empty space of one frame.

    Parameters
    ----------
    fractional
        (n_atoms, 3).
    radii
        (n_atoms,), Å.
    cell
        (3, 3), Å.
    spacing
        Greatest distance between grid points along a cell vector, Å.
    """
    lengths = np.linalg.norm(cell, axis=1)
    # Even numbers, so that the grid of twice the spacing is part of it.
    shape = tuple(int(2 * n) for n in np.maximum(1, np.ceil(lengths / spacing / 2 - 1e-9)))
    moved = fractional - _ORIGIN / np.array(shape)
    inside = np.ascontiguousarray(moved - np.floor(moved))
    widths = perpendicular_widths(cell)
    grid = np.full(shape, _FIRST_REACH_A)
    paint_clearance(inside, radii, np.ascontiguousarray(cell), widths, _FIRST_REACH_A, grid)
    empty = Space(cell, grid)
    _fill_wide_places(empty, fractional, radii)
    return empty


def _fill_wide_places(empty: Space, fractional: Floats, radii: Floats) -> None:
    """Give the few points that painting did not reach their clearance."""
    grid, reach = empty.clearance, _FIRST_REACH_A
    left = np.argwhere(grid >= reach)
    while len(left):
        reach *= 2.0
        places = (left / grid.shape + empty.origin) % 1.0 @ empty.cell
        trees = _trees(fractional, radii, empty.cell, reach)
        found = np.min([tree.query(places)[0] - radius for tree, radius in trees], axis=0)
        near = found < reach
        grid[tuple(left[near].T)] = found[near]
        left = left[~near]


def flooded(empty: Space, probes: Floats) -> Flood:
    """Return thresholds of percolation, and the voids for each probe radius (falling, Å)."""
    flat = empty.clearance.ravel()
    order = np.argsort(-flat, kind="stable")
    thresholds = np.empty(4)
    parts, largest = np.zeros((2, len(probes)), dtype=np.int64)
    shape = np.array(empty.clearance.shape, dtype=np.int64)
    flood(order, flat, shape, probes, empty.slack[1], thresholds, parts, largest)
    room = np.array([(flat >= probe).sum() for probe in probes])
    return Flood(thresholds, parts, largest / np.maximum(room, 1))


def pores(empty: Space) -> Floats:
    """Return the radius of the largest empty sphere that covers each point, (n0, n1, n2), Å.

    Where the clearance rises with slope one the sphere lies inside another one uphill; only the
    spheres of the ridges are laid.

    References
    ----------
    Gelb & Gubbins, Langmuir 15, 305 (1999), doi:10.1021/la9808418.
    """
    flat = empty.clearance.ravel()
    free = np.flatnonzero((empty.clearance > 0) & (_slope(empty) < _STEEP))
    order = free[np.argsort(-flat[free], kind="stable")]
    found = np.zeros(empty.clearance.shape)
    cell = np.ascontiguousarray(empty.cell)
    paint_pores(order, empty.clearance, cell, perpendicular_widths(cell), empty.step, found)
    return found


def _slope(empty: Space) -> Floats:
    """Return the steepness of the clearance by central differences, (n0, n1, n2)."""
    rises = np.stack(
        [
            np.roll(empty.clearance, -1, axis) - np.roll(empty.clearance, 1, axis)
            for axis in range(3)
        ],
        axis=-1,
    )
    return np.asarray(np.linalg.norm(rises / 2.0 @ np.linalg.inv(empty.edges).T, axis=-1))


def largest_sphere(empty: Space, fractional: Floats, radii: Floats) -> float:
    """Return the radius of the largest empty sphere, Å; the grid's local maxima are looked into.

    Parameters
    ----------
    empty
        The space of the same atoms.
    fractional, radii
        (n_atoms, 3) and (n_atoms,), Å.
    """
    grid = empty.clearance
    peaks = np.flatnonzero(
        (grid >= maximum_filter(grid, 3, mode="wrap")) & (grid >= grid.max() - empty.slack[1])
    )
    flat = grid.ravel()
    near = peaks[np.argsort(-flat[peaks], kind="stable")[:_CANDIDATES]]
    places = np.array(np.unravel_index(near, grid.shape)).T / grid.shape + empty.origin
    reach = float(flat[near[0]] + 2.0 * empty.slack[1])
    trees = _trees(fractional, radii, empty.cell, reach)
    best = float(flat[near[0]])
    for place in places:
        best = max(best, _zoomed(place @ empty.cell, empty.edges, trees))
    return best


def _trees(
    fractional: Floats, radii: Floats, cell: Floats, reach: float
) -> list[tuple[cKDTree, float]]:
    """Return a tree of the atoms of each radius, images within reach of the cell included."""
    inside = fractional - np.floor(fractional)
    found = []
    for radius in np.unique(radii):
        margin = (reach + radius) / perpendicular_widths(cell)
        most = np.ceil(margin).astype(int)
        shifts = np.indices(tuple(2 * most + 1)).reshape(3, -1).T - most
        images = (inside[radii == radius][None] + shifts[:, None]).reshape(-1, 3)
        close = ((images > -margin) & (images < 1 + margin)).all(axis=1)
        found.append((cKDTree(images[close] @ cell), float(radius)))
    return found


def _zoomed(start: Floats, edges: Floats, trees: list[tuple[cKDTree, float]]) -> float:
    """Return the greatest clearance near a point, sought on ever finer grids round the best."""
    place, best = start, -np.inf
    for zoom in range(_ZOOMS):
        points = place + _FINE @ edges * 0.5**zoom
        clearance = np.min([tree.query(points)[0] - radius for tree, radius in trees], axis=0)
        top = int(clearance.argmax())
        place, best = points[top], max(best, float(clearance[top]))
    return best
