r"""Powder averages: frequencies over all directions of the field, sorted into a spectrum.

Directions are the corners of triangles on one face of an octahedron; within a triangle the
frequency is taken as linear, so that its share of the spectrum is a tent. This converges with the
square of the triangles' edge and has no noise of sampling.

References
----------
Alderman, Solum & Grant, J. Chem. Phys. 84, 3717 (1986), https://doi.org/10.1063/1.450211.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from vitrolyte.data.errors import InputError

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

FINENESS = 48
"""Steps along an edge of the octahedron's face."""


@dataclass(frozen=True, eq=False)
class Directions:
    """Directions over one octant, and the triangles between them.

    Attributes
    ----------
    cosine2
        (n,), square of the cosine of the polar angle.
    cos_2phi
        (n,), cosine of twice the azimuth.
    triangles
        (m, 3), numbers of their corners.
    weights
        (m,), solid angle of each over that of the octant.
    vectors
        (n, 3), unit vectors.
    """

    cosine2: Floats
    cos_2phi: Floats
    triangles: Integers
    weights: Floats
    vectors: Floats


@lru_cache(maxsize=8)
def directions(fineness: int = FINENESS) -> Directions:
    """Return directions over an octant, enough where x, y and z may change their signs."""
    corners = [(i, j) for i in range(fineness + 1) for j in range(fineness + 1 - i)]
    place = {pair: number for number, pair in enumerate(corners)}
    ij = np.array(corners, dtype=float)
    flat = np.column_stack([ij, fineness - ij.sum(axis=1)])
    vectors = flat / np.linalg.norm(flat, axis=1, keepdims=True)
    up = [(place[i, j], place[i + 1, j], place[i, j + 1]) for i, j in corners if i + j < fineness]
    down = [
        (place[i + 1, j], place[i + 1, j + 1], place[i, j + 1])
        for i, j in corners
        if i + j < fineness - 1
    ]
    triangles = np.array(up + down, dtype=np.int64)
    a, b, c = (vectors[triangles[:, k]] for k in range(3))
    volume = np.abs(np.einsum("ij,ij->i", a, np.cross(b, c)))
    sums = [np.einsum("ij,ij->i", p, q) for p, q in ((a, b), (b, c), (c, a))]
    angles = 2.0 * np.arctan2(volume, 1.0 + sums[0] + sums[1] + sums[2])
    plane = vectors[:, 0] ** 2 + vectors[:, 1] ** 2
    difference = vectors[:, 0] ** 2 - vectors[:, 1] ** 2
    cos_2phi = np.divide(difference, plane, out=np.zeros_like(plane), where=plane > 0)
    return Directions(vectors[:, 2] ** 2, cos_2phi, triangles, angles / angles.sum(), vectors)


def second_rank(at: Directions, eta: float) -> Floats:
    r"""Return :math:`\tfrac12 (3\cos^2\theta - 1 + \eta \sin^2\theta \cos 2\phi)`, (n,)."""
    return 0.5 * (3.0 * at.cosine2 - 1.0 + eta * (1.0 - at.cosine2) * at.cos_2phi)


def powder_spectrum(frequencies: ArrayLike, edges: ArrayLike, at: Directions) -> Floats:
    """Return the share of directions in each bin over the bin's width, (n_bins,).

    Parameters
    ----------
    frequencies
        (n,), at the directions.
    edges
        (n_bins + 1,), rising in equal steps; what falls outside is left out.

    Raises
    ------
    InputError
        If the edges are not equal steps.
    """
    ends, values = np.asarray(edges, dtype=float), np.asarray(frequencies, dtype=float)
    steps = np.diff(ends)
    if len(ends) < 2 or not steps[0] > 0 or np.ptp(steps) > 1e-6 * steps[0]:
        raise InputError("A spectrum needs bins of equal width", received=f"{len(ends)} edges")
    corners = np.sort(values[at.triangles], axis=1)
    found = _tents(corners, at.weights, float(ends[0]), float(steps[0]), len(steps))
    return np.asarray(found / steps[0])


@njit(cache=True, nogil=True)
def _tents(corners, weights, first, step, n_bins):  # type: ignore[no-untyped-def]
    """Add the tent of each triangle to bins of equal width.  Hot loop."""
    found = np.zeros(n_bins)
    for number in range(len(weights)):
        low, middle, high = corners[number]
        start = int(np.floor((low - first) / step))
        stop = int(np.floor((high - first) / step))
        if stop < 0 or start >= n_bins:
            continue
        before = 0.0
        for place in range(start, stop + 1):
            edge = first + (place + 1) * step
            if edge >= high:
                below = 1.0
            elif edge < middle:
                below = (edge - low) ** 2 / ((middle - low) * (high - low))
            else:
                below = 1.0 - (high - edge) ** 2 / ((high - middle) * (high - low))
            if 0 <= place < n_bins:
                found[place] += weights[number] * (below - before)
            before = below
    return found


def broadened(spectrum: ArrayLike, step: float, *, gauss: float, lorentz: float = 0.0) -> Floats:
    r"""Return a spectrum on equal steps folded with a Gaussian and a Lorentzian line of area one.

    Its transform is multiplied by :math:`e^{-(\pi w_G t)^2 / 4\ln 2}\, e^{-\pi w_L |t|}`; zeros
    stand beyond the ends.

    Parameters
    ----------
    step
        Distance of the points, in the unit of the widths.
    gauss, lorentz
        Full widths at half maximum, zero for none.
    """
    values = np.asarray(spectrum, dtype=float)
    n = 2 * len(values)
    t = np.fft.rfftfreq(n, d=step)
    decay = np.exp(-((np.pi * gauss * t) ** 2) / (4.0 * np.log(2.0)) - np.pi * lorentz * t)
    return np.asarray(np.fft.irfft(np.fft.rfft(values, n) * decay, n)[: len(values)])
