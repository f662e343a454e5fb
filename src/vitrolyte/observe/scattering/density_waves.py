"""Density waves: the Fourier components of where the atoms of each species are."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numba import njit
from numpy.typing import NDArray

from vitrolyte.observe.sampling import Sampling, Snapshot
from vitrolyte.observe.scattering.fourier import Transform, modes, transform

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Complexes = NDArray[np.complex128]

# Cost of one atom in one listed vector, ns; chooses between ways to the same numbers.
_NS_LISTED = 1.3
# A transform that takes more memory is left, bytes.
_MEMORY = 2**29


@dataclass(frozen=True, eq=False)
class WaveVectors:
    """Reciprocal lattice vectors of a periodic box, one of each pair +Q and -Q.

    Attributes
    ----------
    indices
        (n, 3), integers h: ``Q = 2 pi h (A^-1)^T`` with the rows of A the cell vectors, so that
        they stay vectors of a box that breathes.
    complete_to
        All vectors up to here are among them, 1/Å; beyond, a random choice.
    """

    indices: Integers
    complete_to: float

    def lengths(self, cell: Floats) -> Floats:
        """Return |Q| in a given cell, (n,), 1/Å."""
        return np.asarray(np.linalg.norm(self.indices @ reciprocal(cell), axis=1), dtype=float)


def reciprocal(cell: Floats) -> Floats:
    """Return the reciprocal cell with the factor 2 pi, rows, (3, 3), 1/Å."""
    return np.asarray(2.0 * np.pi * np.linalg.inv(cell).T, dtype=float)


def _half(indices: Integers) -> Integers:
    """Return one of each pair +h and -h, without zero and doubles."""
    h, k, m = indices.T
    upper = (m > 0) | ((m == 0) & ((k > 0) | ((k == 0) & (h > 0))))
    flipped = np.where(upper[:, None], indices, -indices)
    unique = np.unique(flipped, axis=0)
    return np.asarray(unique[np.any(unique != 0, axis=1)])


def vectors_within(cell: Floats, q_max: float) -> Integers:
    """Return the indices of all reciprocal vectors up to a length, one of each pair, (n, 3)."""
    widths = np.linalg.norm(cell, axis=1)
    most = np.floor(q_max * widths / (2.0 * np.pi) + 1e-9).astype(int)
    grid = np.stack(
        np.meshgrid(*[np.arange(-n, n + 1) for n in most[:2]], np.arange(most[2] + 1)), axis=-1
    ).reshape(-1, 3)
    near = np.linalg.norm(grid @ reciprocal(cell), axis=1) <= q_max + 1e-9
    return _half(grid[near])


def wave_vectors(cell: Floats, q_max: float, *, budget: int = 30000, seed: int = 0) -> WaveVectors:
    """Return the wave vectors up to a length: all where they are few, a fair choice where many.

    Half the budget goes to the complete part (so that no Bragg peak is missed there), half to
    random vectors beyond, uniform in |Q|.

    Parameters
    ----------
    cell
        (3, 3), Å.
    q_max
        Greatest length, 1/Å.
    budget
        About how many vectors.
    seed
        Seed of the random choice.
    """
    volume = abs(float(np.linalg.det(cell)))
    full = (12.0 * np.pi**2 * budget / volume) ** (1.0 / 3.0)
    if full >= q_max:
        return WaveVectors(vectors_within(cell, q_max), q_max)
    full = (6.0 * np.pi**2 * budget / volume) ** (1.0 / 3.0)
    random = np.random.default_rng(seed)
    directions = random.normal(size=(budget // 2, 3))
    directions /= np.linalg.norm(directions, axis=1)[:, None]
    points = directions * random.uniform(full, q_max, size=(budget // 2, 1))
    drawn = np.rint(points @ np.linalg.inv(reciprocal(cell))).astype(np.int64)
    length = np.linalg.norm(drawn @ reciprocal(cell), axis=1)
    beyond = _half(drawn[(length > full) & (length <= q_max)])
    return WaveVectors(np.concatenate([vectors_within(cell, full), beyond]), full)


@njit(cache=True, fastmath=True, nogil=True)
def _sum_waves(
    fractional: Floats, starts: Integers, indices: Integers, real: Floats, imaginary: Floats
) -> None:
    """Add ``sum_j exp(i Q r_j)`` of each species; ``real`` and ``imaginary`` are (n_species, n).

    Hot loop. Along each axis the powers of one phase are tabulated, for so few atoms at a time
    that the tables stay in the cache; a vector then costs two complex products per atom.
    """
    chunk = 128
    most = 0
    for value in np.abs(indices).ravel():
        most = max(most, value)
    cosine = np.empty((3, most + 1, chunk))
    sine = np.empty((3, most + 1, chunk))
    plane_real = np.empty(chunk)
    plane_imaginary = np.empty(chunk)
    for species in range(len(starts) - 1):
        for first in range(starts[species], starts[species + 1], chunk):
            n = min(chunk, starts[species + 1] - first)
            for axis in range(3):
                for j in range(n):
                    turn = fractional[axis, first + j]
                    angle = 2.0 * np.pi * (turn - np.floor(turn))
                    for h in range(most + 1):
                        cosine[axis, h, j] = np.cos(h * angle)
                        sine[axis, h, j] = np.sin(h * angle)
            for q in range(len(indices)):
                x, y, z = indices[q]
                sx = 1.0 if x >= 0 else -1.0
                sy = 1.0 if y >= 0 else -1.0
                sz = 1.0 if z >= 0 else -1.0
                cz, iz = cosine[2, abs(z)], sine[2, abs(z)]
                if q == 0 or x != indices[q - 1, 0] or y != indices[q - 1, 1]:
                    # Neighbouring vectors mostly share two indices: their product is kept.
                    cx, ix = cosine[0, abs(x)], sine[0, abs(x)]
                    cy, iy = cosine[1, abs(y)], sine[1, abs(y)]
                    for j in range(n):
                        plane_real[j] = cx[j] * cy[j] - sx * sy * ix[j] * iy[j]
                        plane_imaginary[j] = sx * ix[j] * cy[j] + sy * cx[j] * iy[j]
                total_real = 0.0
                total_imaginary = 0.0
                for j in range(n):
                    total_real += plane_real[j] * cz[j] - sz * plane_imaginary[j] * iz[j]
                    total_imaginary += plane_imaginary[j] * cz[j] + sz * plane_real[j] * iz[j]
                real[species, q] += total_real
                imaginary[species, q] += total_imaginary


def density_waves(sampling: Sampling, snapshot: Snapshot, vectors: WaveVectors) -> Complexes:
    """Return ``rho_a(Q) = sum_j exp(i Q r_j)`` of each species, (n_species, n_vectors).

    Many vectors that fill a block of indices well are taken from the transform of the whole block,
    to about 1e-8 of the root mean square over the block; others are summed one by one.
    """
    k0, k1, k2 = (int(most) for most in np.abs(vectors.indices).max(axis=0, initial=0))
    n_atoms, n_species = snapshot.fractional.shape[1], len(sampling.elements)
    way = transform((k0, k1, k2), max(1, n_atoms // n_species))
    block_ns = sum(way.cost_ns(int(count)) for count in sampling.counts)
    by_block = block_ns < _NS_LISTED * n_atoms * len(vectors.indices)
    if by_block and way.bytes <= _MEMORY:
        return _from_blocks(sampling, snapshot, vectors.indices, way)
    shape = (n_species, len(vectors.indices))
    real, imaginary = np.zeros(shape), np.zeros(shape)
    _sum_waves(snapshot.fractional, sampling.starts, vectors.indices, real, imaginary)
    return np.asarray(real + 1j * imaginary)


def _from_blocks(
    sampling: Sampling, snapshot: Snapshot, indices: Integers, way: Transform
) -> Complexes:
    # A block holds one of each pair +Q and -Q; the other is its complex conjugate.
    turned = np.where(indices[:, 2:] < 0, -indices, indices)
    a, b, c = turned[:, 0] + way.extents[0], turned[:, 1] + way.extents[1], turned[:, 2]
    waves = np.empty((len(sampling.elements), len(indices)), dtype=complex)
    for species, (start, stop) in enumerate(pairwise(sampling.starts)):
        block = modes(snapshot.fractional[:, start:stop], np.ones(stop - start), way)
        height = block.factors[0][a] * block.factors[1][b] * block.factors[2][c]
        waves[species] = block.values[a, b, c] * height
    waves[:, indices[:, 2] < 0] = waves[:, indices[:, 2] < 0].conj()
    return waves
