"""The empty places of a structure: where an interstitial goes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.spatial import cKDTree

from vitrolyte.data.errors import InputError
from vitrolyte.data.trajectory import Trajectory
from vitrolyte.matter.periodic import nearest_distances, perpendicular_widths

Floats = NDArray[np.float64]
_IMAGES = np.indices((3, 3, 3)).reshape(3, -1).T - 1


def largest_voids(
    crystal: Trajectory, count: int, *, spacing_A: float = 0.4, apart_A: float = 1.5
) -> tuple[Floats, Floats]:
    """Return the points farthest from all atoms, and how far the nearest atom is.

    A grid is searched, and each of its best points is moved to the nearest maximum of the distance
    to the nearest atom.

    Parameters
    ----------
    crystal
        One frame; of more, the last is taken.
    count
        How many points.
    spacing_A
        Spacing of the grid, Å.
    apart_A
        How far the points stay from each other, Å.

    Returns
    -------
    positions
        (count, 3), Å, the largest void first.
    radii
        (count,), Å, distance to the nearest atom.

    Raises
    ------
    InputError
        If there are fewer voids than asked for.
    """
    one = crystal.frame(-1).read()
    cell = one.cells[0]
    places = one.positions[0] @ np.linalg.inv(cell)
    tree = cKDTree(((places % 1.0)[None] + _IMAGES[:, None]).reshape(-1, 3) @ cell)
    counts = np.maximum(np.ceil(perpendicular_widths(cell) / spacing_A), 1).astype(int)
    grid = np.array(list(np.ndindex(*counts.tolist()))) / counts
    order = np.argsort(-np.round(tree.query(grid @ cell)[0], 6), kind="stable")
    found, tried = np.zeros((0, 3)), np.zeros((0, 3))
    for point in grid[order]:
        if len(found) == count:
            break
        # Points beside one that was tried lead to the same maximum.
        if _apart(point, found, cell, apart_A) and _apart(point, tried, cell, 2.0 * spacing_A):
            tried = np.vstack([tried, point])
            best = _uphill(point @ cell, tree, spacing_A) @ np.linalg.inv(cell)
            if _apart(best, found, cell, apart_A):
                found = np.vstack([found, best % 1.0])
    if len(found) < count:
        raise InputError(
            f"{count} voids {apart_A} Å apart are needed",
            received=f"{len(found)} in this cell",
            remedy="take a larger cell",
        )
    radii = tree.query(found @ cell)[0]
    sorted_ = np.argsort(-np.round(radii, 6), kind="stable")
    return (found @ cell)[sorted_], np.asarray(radii, dtype=float)[sorted_]


def _apart(point: Floats, others: Floats, cell: Floats, least: float) -> bool:
    return not len(others) or bool(nearest_distances(point, others, cell).min() >= least)


def _uphill(point: Floats, tree: cKDTree, reach: float) -> Floats:
    """Return the point near a grid point from which the nearest atom is farthest."""
    best = minimize(
        lambda step: -tree.query(point + step)[0],
        np.zeros(3),
        method="Nelder-Mead",
        options={"initial_simplex": 0.5 * reach * np.vstack([np.zeros(3), np.eye(3)])},
    )
    return np.asarray(point + best.x, dtype=float)
