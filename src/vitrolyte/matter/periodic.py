"""Geometry under periodic boundaries, in any cell."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]
_IMAGES = np.array(np.meshgrid(*[[-1, 0, 1]] * 3)).reshape(3, -1).T


def perpendicular_widths(cell: Floats) -> Floats:
    """Return the distances between opposite faces of a cell, (3,), Å."""
    normals = np.linalg.inv(cell).T
    return np.asarray(1.0 / np.linalg.norm(normals, axis=1), dtype=float)


def nearest_distances(start: Floats, ends: Floats, cell: Floats) -> Floats:
    """Return the distances from one point to the nearest images of others, (n,), Å.

    Parameters
    ----------
    start, ends
        (3,) and (n, 3), fractional coordinates.
    cell
        (3, 3), Å, rows are the cell vectors; not skewed by more than a reduced cell is.
    """
    steps = ends - start
    steps = steps - np.rint(steps)
    # The nearest image in a skewed cell need not be the one that rounding gives.
    vectors = (steps[:, None] + _IMAGES[None]) @ cell
    return np.asarray(np.linalg.norm(vectors, axis=-1).min(axis=1), dtype=float)


class ClosePairs(NamedTuple):
    """Pairs of atoms nearer than a cut-off, each once.

    The vector from ``first`` to ``second`` is ``x[second] - x[first] + shifts @ cell``; ``shifts``
    are whole numbers, (n, 3), and refer to the positions as given, wrapped or not.
    """

    first: Indices
    second: Indices
    shifts: Floats


def close_pairs(positions: Floats, cell: Floats, cutoff: float) -> ClosePairs:
    """Return every pair of atoms nearer than a cut-off (Å), images included, in any cell.

    Copies of the atoms within the cut-off of the cell's faces are laid around it and searched
    with a k-d tree, which is fast in a cell of any shape and size.
    """
    fractional = positions @ np.linalg.inv(cell)
    home = np.floor(fractional)
    inside = fractional - home
    margin = cutoff / perpendicular_widths(cell)
    most = np.ceil(margin).astype(int)
    copies, owners, images = [], [], []
    for index in np.ndindex(*(2 * most + 1)):
        image = np.array(index) - most
        moved = inside + image
        near = np.flatnonzero(((moved > -margin) & (moved < 1.0 + margin)).all(axis=1))
        copies.append(moved[near] @ cell)
        owners.append(near)
        images.append(np.broadcast_to(image, (len(near), 3)))
    owner, image_of = np.concatenate(owners), np.concatenate(images).astype(float)
    found = cKDTree(inside @ cell).sparse_distance_matrix(
        cKDTree(np.concatenate(copies)), cutoff, output_type="ndarray"
    )
    first, second = found["i"], owner[found["j"]]
    shifts = image_of[found["j"]] - home[second] + home[first]
    # Each pair is met from both ends; a pair of an atom with its own image too.
    upward = np.sign(image_of[found["j"]]) @ [9.0, 3.0, 1.0] > 0
    once = (first < second) | ((first == second) & upward)
    return ClosePairs(first[once], second[once], shifts[once])
