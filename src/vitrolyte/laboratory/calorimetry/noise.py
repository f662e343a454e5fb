"""The noise of a record, whose neighbouring points err together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, signal

Floats = NDArray[np.float64]

MEMORIES = np.geomspace(0.7, 20.0, 14)
"""Correlation lengths that are tried, in points."""
_WINDOW = 81
_ORDER = 3
_LAGS = 40
_SEGMENTS = 24
_QUIET = 1.6
_AS_GOOD = 1.05


@dataclass(frozen=True)
class Noise:
    r"""White noise and an Ornstein-Uhlenbeck process.

    .. math:: C(k) = v_w \delta_{k0} + v e^{-|k| / \lambda}

    Attributes
    ----------
    white, wander
        Variances v_w and v.
    memory
        Correlation length λ, in points.
    """

    white: float
    wander: float
    memory: float

    @property
    def sigma(self) -> float:
        """Return the standard deviation of one point."""
        return float(np.sqrt(self.white + self.wander))

    def covariance(self, lags: int) -> Floats:
        """Return C at lags 0, 1, 2 ..., (lags,)."""
        found = self.wander * np.exp(-np.arange(lags) / self.memory)
        found[0] += self.white
        return np.asarray(found)

    def error_of(self, weights: Floats) -> float:
        """Return the standard error of a weighted sum of points, weights (n,)."""
        overlap = signal.correlate(weights, weights, mode="full", method="auto")
        middle = len(weights) - 1
        lags = self.covariance(len(weights))
        variance = lags[0] * overlap[middle] + 2.0 * lags[1:] @ overlap[middle + 1 :]
        return float(np.sqrt(max(variance, 0.0)))

    def draws(self, count: int, points: int, random: np.random.Generator) -> Floats:
        """Return simulated noise, (count, points)."""
        decay = np.exp(-1.0 / self.memory)
        kicks = random.standard_normal((count, points)) * np.sqrt(self.wander * (1 - decay**2))
        kicks[:, 0] /= np.sqrt(1 - decay**2)
        wander = signal.lfilter([1.0], [1.0, -decay], kicks, axis=1)
        return np.asarray(wander + np.sqrt(self.white) * random.standard_normal((count, points)))

    def scaled(self, factor: float) -> Noise:
        """Return the noise of a record multiplied by a factor."""
        return Noise(self.white * factor**2, self.wander * factor**2, self.memory)

    @property
    def correlation_points(self) -> float:
        """Return over how many points a mean gains one independent value."""
        decay = np.exp(-1.0 / self.memory)
        slow = self.white + self.wander * (1 + decay) / (1 - decay)
        return float(slow / max(self.white + self.wander, 1e-300))


def noise_of(values: Floats, window: int = _WINDOW) -> Noise:
    """Return the noise of a smooth record from what a running cubic leaves of it.

    How much of the noise the running cubic takes away is known for each memory, so that the two
    variances that explain the autocovariance of the residuals are found by non-negative least
    squares, and the memory by the best of these. Stretches with larger residuals than the rest
    (peaks, a step) do not count. Wander slower than the window cannot be told from signal.

    Parameters
    ----------
    values
        (n,), at even steps.
    window
        Points of the running cubic.
    """
    window = max(7, min(window, (len(values) // 6) // 2 * 2 + 1))
    kernel = -signal.savgol_coeffs(window, min(_ORDER, window - 2))
    kernel[window // 2] += 1.0
    left = signal.convolve(values, kernel, mode="valid")
    lags = min(_LAGS, window // 2)
    seen = _autocovariance(left, lags)
    scale = max(float(seen[0]), 1e-300)
    white = _left_over(np.eye(1, lags + len(kernel))[0], kernel, lags)
    fits = []
    for memory in MEMORIES:
        decay = np.exp(-np.arange(lags + len(kernel)) / memory)
        columns = np.stack([white, _left_over(decay, kernel, lags)], axis=1)
        fits.append((*optimize.nnls(columns, seen / scale), float(memory)))
    least = min(misfit for _, misfit, _ in fits)
    # Long memories fit hardly better than those half as long but make every error far larger.
    found, _, memory = next(one for one in fits if one[1] <= _AS_GOOD * least)
    return Noise(float(found[0]) * scale, float(found[1]) * scale, memory)


def _left_over(covariance: Floats, kernel: Floats, lags: int) -> Floats:
    """Return the autocovariance of noise after a filter, (lags,)."""
    passed = signal.correlate(kernel, kernel)
    reach = len(passed) // 2
    apart = np.abs(np.arange(lags)[:, None] + np.arange(-reach, reach + 1)[None, :])
    return np.asarray(covariance[apart] @ passed)


def _autocovariance(left: Floats, lags: int) -> Floats:
    """Return the autocovariance of residuals over the quiet segments, (lags,)."""
    segments = max(2, min(_SEGMENTS, len(left) // (2 * lags)))
    length = (len(left) - lags) // segments
    products = np.stack(
        [left[: len(left) - lags] * left[k : len(left) - lags + k] for k in range(lags)]
    )
    whole = products[:, : segments * length].reshape(lags, segments, length).mean(axis=2)
    quiet = whole[0] <= _QUIET * np.median(whole[0])
    return np.asarray(whole[:, quiet].mean(axis=1))
