"""Geometry under periodic boundaries, in any cell."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
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
