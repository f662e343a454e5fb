"""Hot loop of tracks: paths through a cell that changes."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@njit(cache=True, nogil=True)
def walked(
    positions: NDArray[np.floating], cells: Floats, inverses: Floats, last: Floats, path: Floats
) -> Floats:
    """Return paths of the displacements made, each in the image in which it began. Hot loop.

    Parameters
    ----------
    positions
        (k, n_atoms, 3), Å, unwrapped by whole vectors of each frame's own cell.
    cells, inverses
        (k + 1, 3, 3), of the frame before the first, and of these frames; Å and 1/Å.
    last, path
        (n_atoms, 3), position and path at the frame before the first; changed to the last.
    """
    paths = np.empty(positions.shape)
    for f in range(positions.shape[0]):
        change = cells[f + 1] - cells[f]
        inverse = inverses[f]
        for i in range(positions.shape[1]):
            x, y, z = last[i, 0], last[i, 1], last[i, 2]
            a = np.floor(x * inverse[0, 0] + y * inverse[1, 0] + z * inverse[2, 0])
            b = np.floor(x * inverse[0, 1] + y * inverse[1, 1] + z * inverse[2, 1])
            d = np.floor(x * inverse[0, 2] + y * inverse[1, 2] + z * inverse[2, 2])
            for c in range(3):
                carried = a * change[0, c] + b * change[1, c] + d * change[2, c]
                path[i, c] += positions[f, i, c] - last[i, c] - carried
                last[i, c] = positions[f, i, c]
                paths[f, i, c] = path[i, c]
    return paths
