"""Hot loops of displacements: squared differences over a cascade of time origins."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
Integers = NDArray[np.int64]


@njit(cache=True, nogil=True)
def relative_paths(
    positions: NDArray[np.floating],
    wanted: Integers,
    origin: Floats,
    weights: Floats,
    sums: Floats,
    leaps: Floats,
) -> Singles:
    """Return where atoms are, seen from where each began, without the drift. Hot loop.

    Parameters
    ----------
    positions
        (k, n_atoms, 3), Å.
    wanted
        (n, 2), atoms that are wanted, those of a species together, and their species.
    origin
        (n_atoms, 3), Å.
    weights
        (n_atoms,), of the atoms whose mean position is at rest; zeros where nothing is.
    sums
        (k, s, 3), receives the sum over the atoms of each species.
    leaps
        (3,): a length, Å, and how many steps between two frames were half to once as long and how
        many longer; the last two are added to.

    Returns
    -------
    paths
        (k, 3, n), Å.
    """
    paths = np.empty((positions.shape[0], 3, len(wanted)), dtype=np.float32)
    resting = weights.any()
    for f in range(positions.shape[0]):
        drift = np.zeros(3)
        if resting:
            for i in range(positions.shape[1]):
                for c in range(3):
                    drift[c] += weights[i] * (positions[f, i, c] - origin[i, c])
        for j in range(len(wanted)):
            i = wanted[j, 0]
            for c in range(3):
                moved = positions[f, i, c] - origin[i, c] - drift[c]
                paths[f, c, j] = moved
                sums[f, wanted[j, 1], c] += moved
            if f > 0:
                length = 0.0
                for c in range(3):
                    length += (paths[f, c, j] - paths[f - 1, c, j]) ** 2
                if length > 0.25 * leaps[0] ** 2:
                    leaps[2 if length > leaps[0] ** 2 else 1] += 1.0
    return paths


@njit(cache=True, nogil=True, fastmath={"reassoc", "contract", "nsz"})
def _add_steps(x: Singles, y: Singles, z: Singles, before: Singles, total: Floats) -> None:
    """Add products of the components of the steps from ``before`` (3, w), over atoms. Hot loop.

    A function of its own so that the compiler keeps the sums in registers.
    """
    xx = yy = zz = yz = xz = xy = np.float32(0.0)
    for i in range(x.shape[0]):
        step_x = x[i] - before[0, i]
        step_y = y[i] - before[1, i]
        step_z = z[i] - before[2, i]
        xx += step_x * step_x
        yy += step_y * step_y
        zz += step_z * step_z
        yz += step_y * step_z
        xz += step_x * step_z
        xy += step_x * step_y
    total[0] += xx
    total[1] += yy
    total[2] += zz
    total[3] += yz
    total[4] += xz
    total[5] += xy


@njit(cache=True, nogil=True)
def add_squares(
    paths: Singles, start: int, atoms: tuple[int, int], past: Singles, squares: Floats
) -> None:
    """Add products of the components of displacements at every lag of a cascade. Hot loop.

    Stage k looks at every 2^k-th frame and keeps the last ``base`` of them. The first stage adds
    the lags 1 … base, each later one the lags base/2+1 … base of its own frames.

    Parameters
    ----------
    paths
        (k, 3, n), Å, the frames ``start``, ``start + 1`` … of all atoms.
    atoms
        First and last-plus-one of the w atoms that are looked at.
    past
        (stages, base, 3, w), what the frames before left; changed.
    squares
        (stages, base, 6), sums of xx, yy, zz, yz, xz, xy for each stage and lag; changed.
    """
    stages, base = past.shape[0], past.shape[1]
    for f in range(paths.shape[0]):
        x = paths[f, 0, atoms[0] : atoms[1]]
        y = paths[f, 1, atoms[0] : atoms[1]]
        z = paths[f, 2, atoms[0] : atoms[1]]
        stage, index = 0, start + f
        while True:
            first = 1 if stage == 0 else base // 2 + 1
            for lag in range(first, min(base, index) + 1):
                _add_steps(x, y, z, past[stage, (index - lag) % base], squares[stage, lag - 1])
            kept = past[stage, index % base]
            kept[0, :] = x
            kept[1, :] = y
            kept[2, :] = z
            stage += 1
            if stage == stages or index % 2:
                break
            index //= 2


@njit(cache=True, nogil=True)
def add_products(sums: Floats, start: int, past: Floats, products: Floats) -> None:
    """Add products of the displacements of summed paths, as :func:`add_squares`. Hot loop.

    Parameters
    ----------
    sums
        (k, c), Å, coordinates of the summed paths.
    past
        (stages, base, c); changed.
    products
        (stages, base, c, c); changed.
    """
    stages, base, width = past.shape
    for f in range(sums.shape[0]):
        stage, index = 0, start + f
        while True:
            first = 1 if stage == 0 else base // 2 + 1
            for lag in range(first, min(base, index) + 1):
                slot = (index - lag) % base
                for a in range(width):
                    step = sums[f, a] - past[stage, slot, a]
                    for b in range(width):
                        products[stage, lag - 1, a, b] += step * (sums[f, b] - past[stage, slot, b])
            for a in range(width):
                past[stage, index % base, a] = sums[f, a]
            stage += 1
            if stage == stages or index % 2:
                break
            index //= 2


@njit(cache=True, nogil=True)
def add_means(
    paths: Singles, start: int, atoms: tuple[int, int], span: int, means: Singles
) -> None:
    """Add paths to their sums over ``span`` frames, (points, 3, n). Hot loop."""
    for f in range(paths.shape[0]):
        point = (start + f) // span
        for c in range(3):
            for i in range(atoms[0], atoms[1]):
                means[point, c, i] += paths[f, c, i]
