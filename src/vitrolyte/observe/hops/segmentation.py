"""Cutting the path of an ion into stays: adjacent stretches merged while noise explains them."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
Integers = NDArray[np.int64]

COLUMNS = 6
"""Of a stretch: first frame, number of frames, mean x, y, z (Å), sum of squared residuals (Å²)."""


@njit(cache=True, nogil=True)
def stretches(path: Singles, noise: float, memory: float) -> Floats:
    """Return the stretches of constant mean of a path, (m, 6), Å and Å².

    Ward's clustering of the frames in which only neighbours in time may join: of two adjacent
    stretches of ``m`` and ``k`` frames with means ``a`` and ``b`` the union has a sum of squared
    residuals greater by ``m k / (m + k) |a - b|^2``. Pairs whose union costs less than that with
    their other neighbours join, until noise explains no two neighbours (`one_place`). An excursion
    that ends where it began survives, which it does not where a path is halved from above.

    Hot loop.

    Parameters
    ----------
    path
        (3, n), Å.
    noise, memory
        See `one_place`.

    References
    ----------
    Ward, J. Am. Stat. Assoc. 58, 236 (1963), doi:10.1080/01621459.1963.10500845.
    """
    n = path.shape[1]
    found = np.empty((n, COLUMNS))
    for i in range(n):
        found[i, 0] = i
        found[i, 1] = 1.0
        for axis in range(3):
            found[i, 2 + axis] = path[axis, i]
        found[i, 5] = 0.0
    costs = np.empty(n)
    while True:
        for i in range(n - 1):
            costs[i] = union_cost(found, i)
        kept = 0
        i = 0
        while i < n:
            joins = i < n - 1 and one_place(found, i, noise, memory)
            joins = joins and (i == 0 or costs[i] <= costs[i - 1])
            joins = joins and (i == n - 2 or costs[i] <= costs[i + 1])
            if joins:
                join(found, i, costs[i])
            for column in range(COLUMNS):
                found[kept, column] = found[i, column]
            kept += 1
            i += 2 if joins else 1
        if kept == n:
            return found[:n].copy()
        n = kept


@njit(cache=True, nogil=True, inline="always")
def squared_distance(found: Floats, i: int) -> float:
    """Return the squared distance of the means of a stretch and the next, Å²."""
    x = found[i + 1, 2] - found[i, 2]
    y = found[i + 1, 3] - found[i, 3]
    z = found[i + 1, 4] - found[i, 4]
    return float(x * x + y * y + z * z)


@njit(cache=True, nogil=True, inline="always")
def union_cost(found: Floats, i: int) -> float:
    """Return by how much the residuals grow if a stretch and the next are one, Å²."""
    m, k = found[i, 1], found[i + 1, 1]
    return float(m * k / (m + k) * squared_distance(found, i))


@njit(cache=True, nogil=True, inline="always")
def one_place(found: Floats, i: int, noise: float, memory: float) -> bool:
    """Return whether noise explains that a stretch and the next have different means.

    The mean of m frames, of which each remembers ``memory``, scatters by the share
    ``memory / (memory + m - 1)`` of the variance of one: all of it for one frame, and
    ``memory / m`` for many. The squared distance of two means must exceed ``noise`` (Å²) times
    the sum of their shares.
    """
    shares = memory / (memory + found[i, 1] - 1.0) + memory / (memory + found[i + 1, 1] - 1.0)
    return bool(squared_distance(found, i) < noise * shares)


@njit(cache=True, nogil=True, inline="always")
def join(found: Floats, i: int, cost: float) -> None:
    """Make a stretch and the next one, in the place of the first."""
    m, k = found[i, 1], found[i + 1, 1]
    for axis in range(2, 5):
        found[i, axis] = (m * found[i, axis] + k * found[i + 1, axis]) / (m + k)
    found[i, 1] = m + k
    found[i, 5] = found[i, 5] + found[i + 1, 5] + cost


@njit(cache=True, nogil=True)
def close_up(found: Floats, i: int, n: int) -> int:
    """Join a stretch with the next, close the gap, and return the new number."""
    join(found, i, union_cost(found, i))
    for later in range(i + 1, n - 1):
        for column in range(COLUMNS):
            found[later, column] = found[later + 1, column]
    return n - 1


@njit(cache=True, nogil=True)
def stays(fine: Floats, distance: float, shortest: int, noise: float, memory: float) -> Floats:
    """Return stays that are long enough and far enough from one another, (m, 6).

    Stretches shorter than ``shortest`` frames (an ion on its way, or one that came back at once)
    go to the neighbour that they fit better, the shortest first; then neighbours whose means are
    nearer than ``distance``, or that noise explains as one, become one, the nearest first.

    Hot loop.
    """
    found, n = fine.copy(), len(fine)
    while n > 1:
        least = 0
        for i in range(1, n):
            if found[i, 1] < found[least, 1]:
                least = i
        if found[least, 1] >= shortest:
            break
        before = least > 0 and (
            least == n - 1 or union_cost(found, least - 1) <= union_cost(found, least)
        )
        n = close_up(found, least - 1 if before else least, n)
    while n > 1:
        least, nearest = -1, np.inf
        for i in range(n - 1):
            apart = squared_distance(found, i)
            small = apart < distance * distance or one_place(found, i, noise, memory)
            if small and apart < nearest:
                least, nearest = i, apart
        if least < 0:
            break
        n = close_up(found, least, n)
    return found[:n].copy()


@njit(cache=True, nogil=True)
def count_hops(
    fine: Floats, starts: Integers, noises: Floats, memory: float, limits: tuple[float, int]
) -> int:
    """Return the number of hops of all ions for a least distance and a shortest stay.

    Hot loop. ``fine`` holds the stretches of all ions, ion i from ``starts[i]`` to its next.
    """
    hops = 0
    for ion in range(len(starts) - 1):
        part = fine[starts[ion] : starts[ion + 1]]
        hops += len(stays(part, limits[0], limits[1], noises[ion], memory)) - 1
    return hops
