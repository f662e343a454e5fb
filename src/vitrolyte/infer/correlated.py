r"""Fits of points whose noise is correlated: filtered, zero-filled or smoothed data.

Least squares with equal weights stays unbiased, but its intervals do not hold:

.. math:: \mathrm{Cov} = s^2 A\, J^T R\, J A, \qquad A = (J^T J)^{-1}

with R the correlations of the noise between points, which are white noise's only for R = 1.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from vitrolyte.data.curve import Curve
from vitrolyte.data.errors import InputError, NotConverged
from vitrolyte.data.quantity import Quantity
from vitrolyte.infer.fit import Fit

Floats = NDArray[np.float64]

_POOR = 0.01
_SINGULAR = 1e10


@dataclass(frozen=True, eq=False)
class Noise:
    """Noise on equal steps.

    Attributes
    ----------
    level
        Standard deviation of a point.
    correlation
        (k,), between points 0, 1, 2 ... steps apart; the first is one.
    points
        How many points it was estimated from.

    Raises
    ------
    InputError
        If the level is not above zero or the first correlation not one.
    """

    level: float
    correlation: Floats
    points: int

    def __post_init__(self) -> None:
        if not self.level > 0 or len(self.correlation) == 0 or self.correlation[0] != 1.0:
            raise InputError(
                "Noise has a level above zero and a correlation of one with itself",
                received=f"level {self.level}, correlation {self.correlation[:3]}",
            )

    @property
    def inflation(self) -> float:
        """Return the variance of a mean over many points against that of white noise."""
        return max(float(1.0 + 2.0 * np.sum(self.correlation[1:])), 0.05)

    @property
    def per_point(self) -> float:
        """Return how many points make one independent one, as a sum of squares counts them."""
        return float(1.0 + 2.0 * np.sum(self.correlation[1:] ** 2))

    @property
    def freedom(self) -> float:
        """Return the degrees of freedom with which the variance of a mean is known.

        That of a spectral estimate from N points through a window of 2 L + 1 lags.
        """
        return max(self.points / (2.0 * len(self.correlation) - 1.0), 2.0)


def noise_of(parts: tuple[Floats, ...], *, freedom_lost: int = 2) -> Noise:
    """Return the noise of pieces of a curve in which nothing else is, trends taken away.

    Correlations count up to where they first fall below twice their own standard error.

    Parameters
    ----------
    parts
        Residuals about a trend, one for each piece.
    freedom_lost
        Parameters of each trend.

    Raises
    ------
    InputError
        If fewer than sixteen points are left.
    """
    total = sum(len(part) for part in parts)
    if total < 16:
        raise InputError("Noise needs 16 points or more without a signal", received=f"{total}")
    reach = max(1, min(min(len(part) for part in parts) // 3, 200))
    sums = np.zeros(reach)
    for part in parts:
        for lag in range(reach):
            sums[lag] += part[lag:] @ part[: len(part) - lag]
    counts = np.array([sum(len(p) - lag for p in parts) for lag in range(reach)], dtype=float)
    lost = freedom_lost * len(parts)
    level = float(np.sqrt(sums[0] / max(counts[0] - lost, 1.0)))
    if not level > 0:
        raise InputError("Noise needs points that differ", received="one constant")
    correlation = sums / counts / (sums[0] / counts[0])
    small = np.flatnonzero(np.abs(correlation) < 2.0 / np.sqrt(counts))
    end = int(small[0]) if len(small) else reach
    kept = np.append(1.0, correlation[1 : max(end, 1)])
    return Noise(level, kept, total)


def with_correlated_noise(found: Fit, curve: Curve, noise: Noise) -> Fit:
    """Return a fit with equal weights as it looks when the noise between points is correlated.

    Covariance, intervals and the probability of the misfit are those of the correlated noise.
    Where the misfit is too large for it, the residuals' own size and correlation take its place.

    Parameters
    ----------
    found
        Fitted with the level of the noise as the error of each point.
    curve
        The points, on equal steps of x.

    Raises
    ------
    NotConverged
        If the points do not determine a parameter.
    """
    slopes = _slopes(found, curve.x) / noise.level
    norms = np.linalg.norm(slopes, axis=0)
    if not np.all(norms > 0) or np.linalg.cond(slopes / norms) > _SINGULAR**0.5:
        raise NotConverged(
            "Each parameter of a fit has to be determined by the points",
            received="parameters that do not change the curve independently",
        )
    residuals = np.asarray(found.residuals, dtype=float)
    n, p = slopes.shape
    chi2 = float(residuals @ residuals)
    share = (n - p) / n
    freedom = max(n / noise.per_point * share, 1.0)
    # The level itself is known from a finite number of points.
    known = max(noise.points / noise.per_point, 2.0)
    used = noise
    p_value = float(stats.f.sf(chi2 / (n - p), freedom, known))
    scale = 1.0
    if p_value < _POOR:
        used, scale = noise_of((residuals,), freedom_lost=p), chi2 / (n - p)
    covariance = scale * _sandwich(slopes / norms, used.correlation) / np.outer(norms, norms)
    quantile = float(stats.t.ppf(0.975, used.freedom))
    quantities = {
        one.name: _quantity(float(value), one.unit, float(variance), quantile)
        for one, value, variance in zip(
            found.model.parameters, found.model.values, np.diag(covariance)
        )
    }
    return replace(
        found,
        parameters=quantities,
        covariance=covariance,
        chi2=chi2,
        p_value=p_value,
        quantile=quantile,
    )


def _quantity(value: float, unit: str, variance: float, quantile: float) -> Quantity:
    error = float(np.sqrt(max(variance, 0.0)))
    return Quantity(value, unit, error, value - quantile * error, value + quantile * error)


def _slopes(found: Fit, x: Floats) -> Floats:
    model = found.model
    if model.jacobian is not None:
        return np.asarray(model.jacobian(x, model.values), dtype=float)
    values = model.values
    columns = []
    for k, one in enumerate(model.parameters):
        step = 1e-6 * max(abs(values[k]), 1e-6)
        up, down = values.copy(), values.copy()
        up[k], down[k] = min(values[k] + step, one.high), max(values[k] - step, one.low)
        columns.append((model.forward(x, up) - model.forward(x, down)) / (up[k] - down[k]))
    return np.asarray(np.stack(columns, axis=1), dtype=float)


def _sandwich(slopes: Floats, correlation: Floats) -> Floats:
    inverse = np.linalg.inv(slopes.T @ slopes)
    middle = slopes.T @ slopes
    for lag, value in enumerate(correlation[1:], start=1):
        if lag >= len(slopes):
            break
        shifted = slopes[lag:].T @ slopes[:-lag]
        middle = middle + value * (shifted + shifted.T)
    found = inverse @ middle @ inverse
    # A cut correlation function can make a direction's variance small or negative; white noise
    # reduced twentyfold is the least that is believed.
    floor = 0.05 * inverse
    values, vectors = np.linalg.eigh(found - floor)
    return np.asarray(floor + (vectors * np.maximum(values, 0.0)) @ vectors.T)
