"""The hot loops that count pairs of atoms by distance."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@njit(cache=True, fastmath=True, nogil=True)
def count_all(
    fractional: Floats, cell: Floats, starts: Integers, r_max: float, counts: Integers
) -> None:
    """Add the pair distances of one frame to ``counts``; every pair is looked at.

    Hot loop. Atoms are sorted by species, ``starts`` (n_species + 1) bounds each; ``fractional``
    is (3, n_atoms); ``counts`` is (n_species, n_species, n_bins), filled for a <= b. A distance
    up to half the smallest perpendicular width has all fractional components within one half, so
    rounding finds its image in any cell.
    """
    n_species = len(starts) - 1
    n_bins = counts.shape[2]
    scale = n_bins / r_max
    limit = r_max * r_max
    n = fractional.shape[1]
    squares = np.empty(n)
    for a in range(n_species):
        for b in range(a, n_species):
            target = counts[a, b]
            for i in range(starts[a], starts[a + 1]):
                first = max(starts[b], i + 1)
                last = starts[b + 1]
                x, y, z = fractional[0, i], fractional[1, i], fractional[2, i]
                for j in range(first, last):
                    u = fractional[0, j] - x
                    v = fractional[1, j] - y
                    w = fractional[2, j] - z
                    u -= np.rint(u)
                    v -= np.rint(v)
                    w -= np.rint(w)
                    dx = u * cell[0, 0] + v * cell[1, 0] + w * cell[2, 0]
                    dy = u * cell[0, 1] + v * cell[1, 1] + w * cell[2, 1]
                    dz = u * cell[0, 2] + v * cell[1, 2] + w * cell[2, 2]
                    squares[j] = dx * dx + dy * dy + dz * dz
                for j in range(first, last):
                    if squares[j] < limit:
                        k = int(np.sqrt(squares[j]) * scale)
                        if k < n_bins:
                            target[k] += 1


@njit(cache=True, nogil=True)
def _fill_boxes(fractional: Floats, boxes: Integers) -> tuple[Integers, Integers]:
    """Return the first atom of each box and the next atom after each atom, -1 at an end."""
    n = fractional.shape[1]
    heads = np.full(boxes[0] * boxes[1] * boxes[2], -1, dtype=np.int64)
    following = np.full(n, -1, dtype=np.int64)
    for i in range(n):
        place = 0
        for axis in range(3):
            s = fractional[axis, i] - np.floor(fractional[axis, i])
            place = place * boxes[axis] + min(int(s * boxes[axis]), boxes[axis] - 1)
        following[i] = heads[place]
        heads[place] = i
    return heads, following


@njit(cache=True, fastmath=True, nogil=True)
def count_in_boxes(
    fractional: Floats,
    cell: Floats,
    kinds: Integers,
    r_max: float,
    boxes: Integers,
    counts: Integers,
) -> None:
    """Add the pair distances of one frame to ``counts``, looking only into neighbouring boxes.

    Hot loop. The cell is cut into ``boxes`` (3, at least three each way) parallelepipeds no
    thinner than ``r_max``; ``kinds`` (n_atoms) is the species of each atom.
    """
    heads, following = _fill_boxes(fractional, boxes)
    n_bins = counts.shape[2]
    scale = n_bins / r_max
    limit = r_max * r_max
    for place in range(len(heads)):
        p2 = place % boxes[2]
        p1 = place // boxes[2] % boxes[1]
        p0 = place // (boxes[1] * boxes[2])
        for step in range(14):
            # Half of the 27 neighbours, so that each pair of boxes is met once.
            code = step + 13
            q0 = (p0 + code // 9 - 1) % boxes[0]
            q1 = (p1 + code // 3 % 3 - 1) % boxes[1]
            q2 = (p2 + code % 3 - 1) % boxes[2]
            other = (q0 * boxes[1] + q1) * boxes[2] + q2
            i = heads[place]
            while i >= 0:
                j = following[i] if other == place else heads[other]
                while j >= 0:
                    u = fractional[0, j] - fractional[0, i]
                    v = fractional[1, j] - fractional[1, i]
                    w = fractional[2, j] - fractional[2, i]
                    u -= np.rint(u)
                    v -= np.rint(v)
                    w -= np.rint(w)
                    dx = u * cell[0, 0] + v * cell[1, 0] + w * cell[2, 0]
                    dy = u * cell[0, 1] + v * cell[1, 1] + w * cell[2, 1]
                    dz = u * cell[0, 2] + v * cell[1, 2] + w * cell[2, 2]
                    square = dx * dx + dy * dy + dz * dz
                    if square < limit:
                        k = int(np.sqrt(square) * scale)
                        if k < n_bins:
                            a = min(kinds[i], kinds[j])
                            b = max(kinds[i], kinds[j])
                            counts[a, b, k] += 1
                    j = following[j]
                i = following[i]
