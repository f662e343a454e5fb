"""Straight lines, and other linear laws, through points whose errors are correlated in order."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special

from vitrolyte.data.errors import InputError
from vitrolyte.data.quantity import Quantity

Floats = NDArray[np.float64]

_RHO = np.concatenate([np.linspace(0.0, 0.9, 46), np.linspace(0.91, 0.995, 18)])
_PRIOR = np.gradient(_RHO) / np.gradient(_RHO).sum()
"""Equal chances for equal stretches of rho."""
_FEWEST_FREE = 2


@dataclass(frozen=True, eq=False)
class CorrelatedFit:
    """Coefficients of a linear law, averaged over how strongly neighbours are correlated.

    Attributes
    ----------
    correlations
        (m,), correlations of neighbouring errors that were tried.
    weights
        (m,), their posterior weights; they sum to one.
    coefficients
        (m, p), least-squares coefficients at each of them.
    covariances
        (m, p, p), of the coefficients.
    freedom
        Degrees of freedom of Student's t.
    scatter
        Standard deviation of one point about the law, averaged.
    """

    correlations: Floats
    weights: Floats
    coefficients: Floats
    covariances: Floats
    freedom: int
    scatter: float

    @property
    def correlation(self) -> float:
        """Return the mean correlation of neighbouring errors."""
        return float(self.weights @ self.correlations)

    @property
    def best(self) -> Floats:
        """Return the mean coefficients, (p,)."""
        return np.asarray(self.weights @ self.coefficients)

    def quantity(self, combination: Floats, unit: str) -> Quantity:
        """Return a linear combination of the coefficients with its 95 % interval."""
        centres = self.coefficients @ combination
        spreads = np.sqrt(np.einsum("i,mij,j->m", combination, self.covariances, combination))
        value = float(self.weights @ centres)
        tail = self.freedom / (self.freedom - 2.0) if self.freedom > 2 else np.nan
        variance = self.weights @ (spreads**2 * tail + (centres - value) ** 2)
        ends = [self._end(share, centres, spreads) for share in (0.025, 0.975)]
        return Quantity(value, unit, float(np.sqrt(variance)), ends[0], ends[1])

    def _end(self, share: float, centres: Floats, spreads: Floats) -> float:
        if not np.any(spreads > 0):
            return float(self.weights @ centres)

        def missing(x: float) -> float:
            inside = special.stdtr(self.freedom, (x - centres) / np.maximum(spreads, 1e-300))
            return float(self.weights @ inside) - share

        reach = 1e3 * float(spreads.max())
        low, high = float(centres.min()) - reach, float(centres.max()) + reach
        return float(optimize.brentq(missing, low, high, xtol=1e-9 * float(spreads.max())))


def correlated_fit(order: Floats, design: Floats, values: Floats) -> CorrelatedFit:
    """Fit a linear law to points whose errors remember those before them.

    ``y = X b + e`` with ``cov(e_i, e_j) = s² rho^|t_i - t_j|``: a first-order autoregressive
    process, at unequal steps too. rho lies between 0 and 0.995, each equally likely beforehand; b
    and s are integrated over exactly, which gives a mixture of Student's t with the restricted
    likelihood of rho as weights (Harville, doi:10.1093/biomet/61.2.383). With rho = 0 it is
    ordinary least squares.

    Parameters
    ----------
    order
        (n,), rising: numbers of cycles, times in steps.
    design
        (n, p), the columns of the law.
    values
        (n,).

    Raises
    ------
    InputError
        If there are not at least two more points than coefficients, or the order does not rise.
    """
    n_points, n_terms = design.shape
    if n_points < n_terms + _FEWEST_FREE or np.any(np.diff(order) <= 0):
        raise InputError(
            f"{n_terms} coefficients need {n_terms + _FEWEST_FREE} points in rising order",
            received=f"{n_points} points",
        )
    logs, coefficients, covariances, variances = _solved(np.diff(order), design, values)
    logs = logs + np.log(_PRIOR)
    weights = np.exp(logs - logs.max())
    weights = weights / weights.sum()
    return CorrelatedFit(
        correlations=_RHO,
        weights=weights,
        coefficients=coefficients,
        covariances=covariances,
        freedom=n_points - n_terms,
        scatter=float(np.sqrt(weights @ variances)),
    )


def _solved(steps: Floats, design: Floats, values: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """Return, at each rho, log likelihood, coefficients, covariance, and variance of a point."""
    kept = _RHO[:, None] ** steps
    left = np.sqrt(1.0 - kept**2)
    whole = np.column_stack([design, values])
    later = (whole[1:] - kept[:, :, None] * whole[:-1]) / left[:, :, None]
    white = np.concatenate([np.repeat(whole[None, :1], len(_RHO), axis=0), later], axis=1)
    x, y = white[:, :, :-1], white[:, :, -1]
    normal = np.einsum("mni,mnj->mij", x, x)
    inverse = np.linalg.pinv(normal)
    coefficients = np.einsum("mij,mnj,mn->mi", inverse, x, y, optimize=True)
    freedom = len(values) - design.shape[1]
    missed = y - np.einsum("mni,mi->mn", x, coefficients)
    squares = np.maximum(np.sum(missed**2, axis=1), 1e-300)
    _, log_normal = np.linalg.slogdet(normal)
    logs = -np.log(left).sum(axis=1) - 0.5 * log_normal - 0.5 * freedom * np.log(squares)
    variances = squares / freedom
    return logs, coefficients, inverse * variances[:, None, None], variances
