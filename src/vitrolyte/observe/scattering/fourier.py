"""Fourier modes of points in a periodic box, all those of a block of indices at once.

Points are spread over a regular grid with a smooth kernel of compact support, the grid goes
through a fast Fourier transform, and the transform of the kernel is divided out: the non-uniform
fast Fourier transform of type 1. Where the points are few, the plain sum is cheaper and is taken.

References
----------
Dutt & Rokhlin, SIAM J. Sci. Comput. 14, 1368 (1993), doi:10.1137/0914081; the kernel and its shape
are those of Barnett, Magland & af Klinteberg, SIAM J. Sci. Comput. 41, C479 (2019),
doi:10.1137/18M120885X.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy import fft

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Complexes = NDArray[np.complex128]

# Costs of one process, ns, measured once: they only choose between ways to the same numbers.
_NS_PLAIN = 0.7  # of one point in one mode
_NS_SPREAD = 0.65  # of one point in one grid point
_NS_GRID = 15.0  # of one grid point through the transform
# Grid points along an edge of the parts in which points are taken together.
_PART_OF_GRID = 4
# Finer than the modes by this factor, with a kernel of so many grid points; a coarser grid needs a
# wider kernel. Of the root mean square of the modes, the error is about 1e-9 on average and below
# 1e-7 at the corners of the block.
_GRIDS = ((1.25, 16), (1.5, 12), (2.0, 10))


@dataclass(frozen=True, eq=False)
class Modes:
    """The sums ``sum_j w_j exp(2 pi i k s_j)`` for a block of integer k.

    Attributes
    ----------
    values
        (2 K_0 + 1, 2 K_1 + 1, m): k_0 from -K_0 to K_0, k_1 likewise, k_2 from ``start`` to K_2; a
        factor that each axis has is not divided out yet.
    factors
        For each axis what the values are to be multiplied by.
    start
        First k_2: 0 for real weights, whose modes at -k are the complex conjugates, else -K_2.
    """

    values: Complexes
    factors: tuple[Floats, Floats, Floats]
    start: int


@dataclass(frozen=True)
class Transform:
    """How the modes of points are computed.

    Attributes
    ----------
    extents
        (3,), K: the modes are those with ``|k_i| <= K_i``.
    real
        Whether the weights are real.
    grid
        (3,), points of the grid, or zeros for the plain sum.
    width
        Of the kernel, grid points.
    """

    extents: tuple[int, int, int]
    real: bool
    grid: tuple[int, int, int]
    width: int

    @property
    def n_modes(self) -> tuple[int, int, int]:
        """Return the shape of the block of modes."""
        k0, k1, k2 = self.extents
        return 2 * k0 + 1, 2 * k1 + 1, k2 + 1 if self.real else 2 * k2 + 1

    @property
    def bytes(self) -> int:
        """Return about how much memory one computation takes, without the modes it returns."""
        n0, n1, n2 = self.grid
        # The grid and its transform, which is copied once on the way.
        return int(2.0 * (8 if self.real else 16) * n0 * n1 * (n2 + self.width))

    def cost_ns(self, n_points: int) -> float:
        """Return about what the modes of so many points cost one processor, ns."""
        if not self.width:
            return _NS_PLAIN * n_points * float(np.prod(self.n_modes))
        parts = 1.0 if self.real else 2.0
        spread = _NS_SPREAD * n_points * self.width**3 * parts
        return spread + _NS_GRID * parts * float(np.prod(self.grid))


def transform(extents: tuple[int, int, int], n_points: int, *, real: bool = True) -> Transform:
    """Return the cheapest way to the modes of so many points.

    Parameters
    ----------
    extents
        (3,), K: the modes are those with ``|k_i| <= K_i``.
    n_points
        Of a typical species.
    real
        Whether the weights are real.
    """
    ways = [Transform(extents, real, (0, 0, 0), 0)]
    for ratio, width in _GRIDS:
        sizes = [max(2 * width, int(np.ceil(ratio * (2 * k + 1)))) for k in extents]
        n0, n1, n2 = (int(fft.next_fast_len(n, real=real)) for n in sizes)
        ways.append(Transform(extents, real, (n0, n1, n2), width))
    return min(ways, key=lambda way: way.cost_ns(n_points))


def modes(
    places: Floats, weights: Floats | Complexes, way: Transform, *, threads: int = 1
) -> Modes:
    """Return the Fourier modes of weighted points.

    ``F(k) = sum_j w_j exp(2 pi i k s_j)``

    Parameters
    ----------
    places
        (3, n_points), s, in units of the box, wrapped or not.
    weights
        (n_points,), real or complex as ``way`` says.
    way
        See `transform`.
    threads
        Of the fast transform.
    """
    start = 0 if way.real else -way.extents[2]
    if not way.width:
        extents = np.array(way.extents)
        sums = _sum_plainly(
            np.ascontiguousarray(places), weights.astype(complex), extents, start, way.n_modes
        )
        ones = [np.ones(n) for n in way.n_modes]
        return Modes(sums[0] + 1j * sums[1], (ones[0], ones[1], ones[2]), start)
    along = fft.rfft if way.real else fft.fft
    k0, k1, k2 = way.extents
    values = along(_spread_over(places, weights, way), axis=2, workers=threads)
    values = values[:, :, : k2 + 1] if way.real else _centred(values, k2, 2)
    values = _centred(fft.fft(values, axis=1, workers=threads, overwrite_x=True), k1, 1)
    values = _centred(fft.fft(values, axis=0, workers=threads, overwrite_x=True), k0, 0)
    factors = tuple(_undone(k, n, way.width) for k, n in _axes(way))
    return Modes(values, (factors[0], factors[1], factors[2][-way.n_modes[2] :]), start)


def _axes(way: Transform) -> list[tuple[int, int]]:
    return list(zip(way.extents, way.grid))


def _beta(n: int, most: int, width: int) -> float:
    """Return the exponent of the kernel that fits how much finer the grid is than the modes."""
    return 0.976 * np.pi * width * (1.0 - (2 * most + 1) / (2.0 * n))


@lru_cache(maxsize=256)
def _undone(most: int, n: int, width: int) -> Floats:
    """Return one over the transform of the kernel at k from -most to most.

    ``phi(x) = exp(beta [sqrt(1 - (2 x / width)^2) - 1])``, x in grid points.
    """
    beta = _beta(n, most, width)
    nodes, shares = np.polynomial.legendre.leggauss(64)
    heights = shares * np.exp(beta * (np.sqrt(1.0 - nodes**2) - 1.0)) * width / 2.0
    k = np.arange(-most, most + 1)
    return np.asarray(1.0 / (np.cos(np.pi * np.outer(k / n, nodes) * width) @ heights), dtype=float)


def _centred(values: Complexes, most: int, axis: int) -> Complexes:
    """Return the modes from -most to most of an axis, in this order."""
    n = values.shape[axis]
    first, last = [slice(None)] * 3, [slice(None)] * 3
    first[axis], last[axis] = slice(n - most, n), slice(0, most + 1)
    return np.asarray(np.concatenate([values[tuple(first)], values[tuple(last)]], axis=axis))


def _spread_over(places: Floats, weights: Floats | Complexes, way: Transform) -> NDArray[Any]:
    """Return the grid with every point spread over its neighbourhood."""
    n0, n1, n2 = way.grid
    numbers = 1 if way.real else 2
    # The compiled loop over a line runs fastest in whole fours.
    reach = -(-way.width * numbers // 4) * 4
    rows = np.zeros((n0, n1, n2 * numbers + reach))
    order = _by_neighbourhood(places, way)
    places = np.ascontiguousarray(places[:, order])
    parts = np.ascontiguousarray(weights[order]).view(np.float64).reshape(-1, numbers)
    betas = np.array([_beta(n, most, way.width) for most, n in _axes(way)])
    _spread(
        places, parts, np.array(way.grid), betas, np.zeros((3, way.width)), np.zeros(reach), rows
    )
    # The last axis is longer by the width of the kernel; what stands over comes in again below.
    rows[:, :, :reach] += rows[:, :, n2 * numbers :]
    return (rows if way.real else rows.view(np.complex128))[:, :, :n2]


def _by_neighbourhood(places: Floats, way: Transform) -> NDArray[np.intp]:
    """Return the points in an order in which those of a part of the grid follow each other.

    The grid is larger than the nearest caches; in this order it is fetched once.
    """
    i, j, k = ((-places % 1.0) * np.array(way.grid)[:, None]).astype(np.int64) // _PART_OF_GRID
    _, n1, n2 = (n // _PART_OF_GRID + 1 for n in way.grid)
    return np.argsort((i * n1 + j) * n2 + k, kind="stable")


@njit(cache=True, nogil=True, fastmath={"contract", "reassoc"})
def _spread(
    places: Floats,
    parts: Floats,
    grid: Integers,
    betas: Floats,
    kernel: Floats,
    line: Floats,
    rows: Floats,
) -> None:
    """Add the kernel round each point, times its weight, to ``rows``.

    Hot loop. ``parts`` is (n_points, 1) of real or (n_points, 2) of complex weights; the rows hold
    them side by side. Points are mirrored, since the fast transform has the opposite sign.
    ``kernel`` (3, width) and ``line`` are room to work in.
    """
    numbers = parts.shape[1]
    width = kernel.shape[1]
    places_on = np.empty((3, width), dtype=np.int64)
    for j in range(places.shape[1]):
        for axis in range(3):
            turn = -places[axis, j]
            at = (turn - np.floor(turn)) * grid[axis]
            low = np.ceil(at - 0.5 * width)
            for t in range(width):
                z = (low + t - at) * (2.0 / width)
                kernel[axis, t] = np.exp(betas[axis] * (np.sqrt(max(1.0 - z * z, 0.0)) - 1.0))
                on = int(low) + t
                on += grid[axis] if on < 0 else 0
                places_on[axis, t] = on - grid[axis] if on >= grid[axis] else on
        for t in range(width):
            for part in range(numbers):
                line[t * numbers + part] = kernel[2, t] * parts[j, part]
        first = np.uint64(places_on[2, 0] * numbers)
        for t0 in range(width):
            for t1 in range(width):
                height = kernel[0, t0] * kernel[1, t1]
                row = rows[np.uint64(places_on[0, t0]), np.uint64(places_on[1, t1])]
                for t in range(line.shape[0]):
                    row[first + np.uint64(t)] += height * line[t]


@njit(cache=True, nogil=True, fastmath={"contract"})
def _sum_plainly(
    places: Floats, weights: Complexes, extents: Integers, start: int, shape: tuple[int, int, int]
) -> tuple[Floats, Floats]:
    """Return the real and the imaginary part of the sums of ``w exp(2 pi i k s)``.

    Hot loop. Each phase is a product of one from each axis; those are tabulated.
    """
    real, imaginary = np.zeros(shape), np.zeros(shape)
    width = 2 * max(extents[0], extents[1], extents[2]) + 1
    cosines, sines = np.empty((3, width)), np.empty((3, width))
    for j in range(places.shape[1]):
        for axis in range(3):
            angle = 2.0 * np.pi * (places[axis, j] - np.floor(places[axis, j]))
            for k in range(-extents[axis], extents[axis] + 1):
                cosines[axis, extents[axis] + k] = np.cos(k * angle)
                sines[axis, extents[axis] + k] = np.sin(k * angle)
        u, v = cosines[2, extents[2] + start :], sines[2, extents[2] + start :]
        for a in range(shape[0]):
            one = weights[j] * complex(cosines[0, a], sines[0, a])
            for b in range(shape[1]):
                two = one * complex(cosines[1, b], sines[1, b])
                x, y = two.real, two.imag
                for c in range(shape[2]):
                    real[a, b, c] += x * u[c] - y * v[c]
                    imaginary[a, b, c] += x * v[c] + y * u[c]
    return real, imaginary
