"""Scattering of a fragment without periodic images, by Debye's equation."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations_with_replacement

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from vitrolyte.data.curve import Axis, Curve
from vitrolyte.data.errors import InputError
from vitrolyte.observe.scattering.probes import Probe, XRays

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

CITATIONS = ("10.1002/andp.19153510606",)
_AT_ONCE = 2_000_000


def debye_scattering(
    species: Sequence[str],
    positions: ArrayLike,
    q: ArrayLike,
    probe: Probe | None = None,
    *,
    bin_A: float = 0.002,
) -> Curve:
    """Return the coherent intensity per atom of a fragment, averaged over its orientations.

    ``I(Q) / N = (1 / N) sum_ij Re(b_i b_j*) sin(Q r_ij) / (Q r_ij)``

    Distances are collected in narrow bins, each with its own mean distance, so that equal distances
    are exact and others off by about ``(Q bin)^2 / 24`` of their share.

    Parameters
    ----------
    species
        (n_atoms,) elements.
    positions
        (n_atoms, 3), Å; no periodic images.
    q
        (n,), 1/Å, not negative.
    probe
        `XRays` (the default) or `Neutrons`.
    bin_A
        Width of a bin of distances, Å.

    Raises
    ------
    InputError
        If shapes do not fit, there is no atom, or the bin is not positive.

    References
    ----------
    Debye, Ann. Phys. 351, 809 (1915), doi:10.1002/andp.19153510606.
    """
    x = np.asarray(positions, dtype=float)
    wave = np.asarray(q, dtype=float)
    if x.shape != (len(species), 3) or len(species) == 0 or bin_A <= 0 or np.any(wave < 0):
        raise InputError(
            "Debye's equation needs the place of each atom, Q >= 0 and a positive bin",
            received=f"{len(species)} atoms, positions {x.shape}, bin {bin_A} Å",
        )
    ray = probe or XRays()
    elements = tuple(dict.fromkeys(species))
    kinds = np.array([elements.index(one) for one in species], dtype=np.int64)
    b = ray.amplitudes(elements, wave)
    counts = np.bincount(kinds, minlength=len(elements))
    total = counts @ np.abs(b) ** 2
    histogram, sums = _distances(x, kinds, len(elements), bin_A)
    for a, c in combinations_with_replacement(range(len(elements)), 2):
        filled = histogram[a, c] > 0
        mean = sums[a, c, filled] / histogram[a, c, filled]
        # Both orders of a pair; those of unlike species were counted under one.
        total += 2.0 * (b[a] * b[c].conj()).real * _sinc_sum(wave, mean, histogram[a, c, filled])
    axis = Axis("intensity", "e²/atom" if ray.unit == "e²" else "barn/sr/atom")
    y = np.asarray(total / len(species), dtype=float)
    return Curve(wave, y, Axis("scattering vector Q", "1/Å"), axis, label=ray.name)


def _distances(x: Floats, kinds: Integers, n_kinds: int, bin_A: float) -> tuple[Floats, Floats]:
    longest = float(np.linalg.norm(np.ptp(x, axis=0)))
    shape = (n_kinds, n_kinds, int(longest / bin_A) + 2)
    histogram, sums = np.zeros(shape), np.zeros(shape)
    _collect(np.ascontiguousarray(x), kinds, 1.0 / bin_A, histogram, sums)
    return histogram, sums


@njit(cache=True, nogil=True)
def _collect(x: Floats, kinds: Integers, per_A: float, histogram: Floats, sums: Floats) -> None:
    """Count each pair once under its sorted species. Hot loop."""
    for i in range(len(x)):
        for j in range(i + 1, len(x)):
            dx = x[i, 0] - x[j, 0]
            dy = x[i, 1] - x[j, 1]
            dz = x[i, 2] - x[j, 2]
            r = np.sqrt(dx * dx + dy * dy + dz * dz)
            a = min(kinds[i], kinds[j])
            b = max(kinds[i], kinds[j])
            histogram[a, b, int(r * per_A)] += 1.0
            sums[a, b, int(r * per_A)] += r


def _sinc_sum(q: Floats, distances: Floats, counts: Floats) -> Floats:
    """Return ``sum_k n_k sin(Q r_k) / (Q r_k)``, (n_q,), a bounded piece of it at a time."""
    total = np.zeros(len(q))
    size = max(1, _AT_ONCE // max(1, len(q)))
    for first in range(0, len(distances), size):
        part = slice(first, first + size)
        total += np.sinc(np.outer(q, distances[part]) / np.pi) @ counts[part]
    return total
