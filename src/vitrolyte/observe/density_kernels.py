"""Hot loops of density maps: ions into voxels, and the level at which a region wraps round."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@njit(cache=True, nogil=True)
def add_points(fractional: Floats, counts: NDArray[np.float32]) -> None:
    """Count points (3, n) at the nearest point of a periodic grid. Hot loop."""
    n0, n1, n2 = counts.shape
    for i in range(fractional.shape[1]):
        x = int(np.floor(fractional[0, i] * n0 + 0.5)) % n0
        y = int(np.floor(fractional[1, i] * n1 + 0.5)) % n1
        z = int(np.floor(fractional[2, i] * n2 + 0.5)) % n2
        counts[x, y, z] += 1.0


class Wrapping(NamedTuple):
    """How many points were in when a region first wrapped; -1 where it never did.

    ``axes`` (3,) for each cell vector, ``ranks`` (3,) for one, two and three dimensions.
    """

    axes: Integers
    ranks: Integers


def wrapping(order: Integers, shape: tuple[int, int, int]) -> Wrapping:
    """Return at which step a region that grows point by point first wraps round the cell.

    Points that share a face are joined. Each carries the image in which it lies, seen from the
    root of its region; where two ways to one point disagree, the region meets its own image and
    the difference is a vector along which it goes on for ever. Touching its image from both
    sides without being connected to it does not count.

    Parameters
    ----------
    order
        Flat indices of the points in the order in which they are taken in.
    shape
        Of the grid.
    """
    axes, ranks = _wrapping(order, np.array(shape, dtype=np.int64))
    return Wrapping(axes, ranks)


@njit(cache=True, nogil=True)
def _root(parent: Integers, image: NDArray[np.int32], point: int) -> int:
    """Return the root of a point and hang all points on the way directly below it."""
    root = point
    total = np.zeros(3, dtype=np.int64)
    while parent[root] != root:
        for axis in range(3):
            total[axis] += image[root, axis]
        root = parent[root]
    while parent[point] != root and point != root:
        above = parent[point]
        for axis in range(3):
            own = image[point, axis]
            image[point, axis] = total[axis]
            total[axis] -= own
        parent[point] = root
        point = above
    return root


@njit(cache=True, nogil=True)
def _extend(basis: Integers, rank: int, vector: Integers) -> int:
    """Add a vector to an independent set of at most three and return how many there are."""
    if rank == 0:
        basis[0] = vector
        return 1
    cross = np.empty(3, dtype=np.int64)
    if rank == 1:
        a, b = basis[0], vector
    else:
        a, b = basis[0], basis[1]
    cross[0] = a[1] * b[2] - a[2] * b[1]
    cross[1] = a[2] * b[0] - a[0] * b[2]
    cross[2] = a[0] * b[1] - a[1] * b[0]
    if rank == 1:
        if cross[0] != 0 or cross[1] != 0 or cross[2] != 0:
            basis[1] = vector
            return 2
        return 1
    if cross[0] * vector[0] + cross[1] * vector[1] + cross[2] * vector[2] != 0:
        basis[2] = vector
        return 3
    return rank


@njit(cache=True, nogil=True)
def _wrapping(order: Integers, shape: Integers) -> tuple[Integers, Integers]:
    """Hot loop: union-find over grid points that carries images along."""
    n = shape[0] * shape[1] * shape[2]
    parent = np.full(n, -1, dtype=np.int64)
    image = np.zeros((n, 3), dtype=np.int32)
    size = np.ones(n, dtype=np.int32)
    # A region needs as many points as the cell is wide before it can wrap.
    slots = n // max(1, shape.min()) + 2
    slot = np.full(n, -1, dtype=np.int32)
    bases = np.zeros((slots, 3, 3), dtype=np.int64)
    ranks = np.zeros(slots, dtype=np.int64)
    used = 0
    axes_at = np.full(3, -1, dtype=np.int64)
    ranks_at = np.full(3, -1, dtype=np.int64)
    place = np.empty(3, dtype=np.int64)
    step = np.empty(3, dtype=np.int64)
    for number in range(len(order)):
        point = order[number]
        parent[point] = point
        place[0] = point // (shape[1] * shape[2])
        place[1] = point // shape[2] % shape[1]
        place[2] = point % shape[2]
        for axis in range(3):
            for sign in (-1, 1):
                step[:] = 0
                moved = place[axis] + sign
                if moved < 0:
                    step[axis] = -1
                    moved += shape[axis]
                elif moved >= shape[axis]:
                    step[axis] = 1
                    moved -= shape[axis]
                stride = 1
                for later in range(axis + 1, 3):
                    stride *= shape[later]
                other = point + (moved - place[axis]) * stride
                if parent[other] < 0:
                    continue
                mine = _root(parent, image, point)
                theirs = _root(parent, image, other)
                for k in range(3):
                    step[k] += image[point, k] - image[other, k]
                if mine == theirs:
                    if step[0] == 0 and step[1] == 0 and step[2] == 0:
                        continue
                    if slot[mine] < 0:
                        slot[mine] = used
                        used += 1
                    s = slot[mine]
                    ranks[s] = _extend(bases[s], ranks[s], step)
                else:
                    # The image of the other root as seen from this one.
                    if size[mine] < size[theirs]:
                        mine, theirs = theirs, mine
                        step[:] = -step
                    parent[theirs] = mine
                    size[mine] += size[theirs]
                    for k in range(3):
                        image[theirs, k] = step[k]
                    if slot[theirs] >= 0 and slot[mine] < 0:
                        slot[mine] = slot[theirs]
                    elif slot[theirs] >= 0:
                        s, t = slot[mine], slot[theirs]
                        for row in range(ranks[t]):
                            ranks[s] = _extend(bases[s], ranks[s], bases[t, row])
                s = slot[mine]
                if s >= 0:
                    for row in range(ranks[s]):
                        if ranks_at[row] < 0:
                            ranks_at[row] = number + 1
                        for k in range(3):
                            if bases[s, row, k] != 0 and axes_at[k] < 0:
                                axes_at[k] = number + 1
        if ranks_at[2] >= 0:
            break
    return axes_at, ranks_at
