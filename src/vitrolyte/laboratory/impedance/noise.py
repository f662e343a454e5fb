"""The noise of a spectrum: relative to what, how large, and how it goes with frequency."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from vitrolyte.data.model import Floats
from vitrolyte.laboratory.impedance.spectrum import Complexes

Basis = Literal["modulus", "component", "constant"]
_FLOOR = 0.03
"""A part's own noise is never below this share of what the modulus would give."""
_ROUNDS = 12
_STEEPEST = 8.0


@dataclass(frozen=True, eq=False)
class Noise:
    """Standard errors of a spectrum up to a common factor.

    Attributes
    ----------
    basis
        Whether errors go with the modulus, with each part by itself, or are the same everywhere.
    trend
        Coefficients of the logarithm of the variance over the position in ln f, from -1 to 1;
        empty where the size does not change with frequency.
    real, imaginary
        (n,), ohm, relative to their common factor.
    """

    basis: Basis
    trend: tuple[float, ...]
    real: Floats
    imaginary: Floats

    @property
    def both(self) -> Floats:
        """Return the errors of all real, then of all imaginary parts, (2 n,)."""
        return np.concatenate([self.real, self.imaginary])


def noise_like(basis: Basis, z: Complexes, x: Floats, trend: tuple[float, ...] = ()) -> Noise:
    """Return the noise of one kind for a smooth spectrum z at positions x in -1 ... 1."""
    size = np.exp(0.5 * sum(c * x ** (k + 1) for k, c in enumerate(trend))) * np.ones(len(x))
    modulus = np.abs(z)
    if basis == "modulus":
        return Noise(basis, trend, size * modulus, size * modulus)
    if basis == "constant":
        flat = size * float(np.exp(np.mean(np.log(modulus))))
        return Noise(basis, trend, flat, flat)
    floor = _FLOOR * modulus
    real, imaginary = np.hypot(z.real, floor), np.hypot(z.imag, floor)
    return Noise(basis, trend, size * real, size * imaginary)


def with_trend(noise: Noise, x: Floats, residuals: Floats, left: Floats, z: Complexes) -> Noise:
    r"""Return the noise with the change over frequency that residuals speak for.

    Each squared residual is a draw with one degree of freedom about its variance; of trends of
    its logarithm with ln f up to the second power the one with the lowest BIC is taken.

    Parameters
    ----------
    noise
        Without a trend.
    x, z
        (n,), positions in -1 ... 1 and the smooth spectrum.
    residuals
        (2 n,), over the noise, real parts first.
    left
        (2 n,), share of each point's noise that is left in its residual.
    """
    ratio, both = residuals**2 / np.maximum(left, 0.05), np.concatenate([x, x])
    chosen: tuple[float, ...] = ()
    best = 0.0
    for degree in (1, 2):
        trend, gain = _trend(both, ratio, degree)
        score = gain - degree * np.log(len(both))
        if score > max(best, 2.0):
            chosen, best = trend, score
    return noise_like(noise.basis, z, x, chosen)


def _trend(x: Floats, ratio: Floats, degree: int) -> tuple[tuple[float, ...], float]:
    """Return the coefficients of ln variance over x, and what they gain in twice the likelihood."""
    columns = np.stack([x**k for k in range(degree + 1)], axis=1)
    found = np.zeros(degree + 1)
    found[0] = np.log(np.mean(ratio))
    level = len(x) * (found[0] + 1.0)
    normal = columns.T @ columns
    for _ in range(_ROUNDS):
        pull = columns.T @ (ratio * np.exp(-columns @ found) - 1.0)
        found = found + np.clip(np.linalg.solve(normal, pull), -1.0, 1.0)
    found[1:] = np.clip(found[1:], -_STEEPEST, _STEEPEST)
    line = columns @ found
    return tuple(float(c) for c in found[1:]), float(
        level - np.sum(line) - np.sum(ratio * np.exp(-line))
    )
