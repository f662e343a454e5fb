"""Errors of refined parameters where the residuals of neighbouring points belong together.

The usual standard deviations take the points of a pattern as independent. Where a line shape does
not quite fit, whole groups of points deviate together, and the usual ones are too small by a
factor of two or three (Bérar & Lelann, doi:10.1107/S0021889890008391). Here the groups speak for
themselves: what each stretch of the pattern pulls at a parameter is added up first and squared
then.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from vitrolyte.data.errors import NotConverged
from vitrolyte.infer.refine.projected import Refined

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

CITATIONS = ("10.1107/S0021889890008391", "10.1093/biomet/73.1.13")
_ILL = 1e-13
_CHANCE = 1.0


@dataclass(frozen=True, eq=False)
class Errors:
    """How well refined numbers are known.

    Attributes
    ----------
    covariance
        (q, q), of the parameters and of the coefficients asked for.
    quantiles
        (q,), half width of the 95 % interval of each in its standard errors.
    widened
        (q,), by how much the standard error of each is above the usual one.
    """

    covariance: Floats
    quantiles: Floats
    widened: Floats

    def of(self, gradient: Floats) -> tuple[float, float]:
        """Return error and quantile of a number with a gradient (q,) by the parameters."""
        variance = float(gradient @ self.covariance @ gradient)
        parts = (gradient**2) * np.diag(self.covariance)
        total = float(parts.sum())
        quantile = float(parts @ self.quantiles) / total if total > 0 else 1.96
        return float(np.sqrt(max(variance, 0.0))), quantile


def refined_errors(refined: Refined, groups: Integers) -> Errors:
    """Return the errors of a refinement from what groups of neighbouring points pull.

    With slopes J and residuals r the usual covariance is ``B = (J^T J)^-1``, times chi² over its
    degrees of freedom where that is above one. The other one is ``B (sum_g s_g s_g^T) B`` with
    ``s_g = sum_{i in g} J_i r_i``. Where residuals are noise, their sum of squares and the
    correlation of neighbours within one standard deviation of what chance gives, the first
    holds. Else each variance is the greater of the two, the correlations are those of the first,
    and intervals are Student's t with as many degrees of freedom as groups take part. A parameter
    at a bound is held there.

    Parameters
    ----------
    refined
        A refinement.
    groups
        (n,), the group of each point, from 0.

    Raises
    ------
    NotConverged
        If a parameter is not determined.

    References
    ----------
    Bérar & Lelann, J. Appl. Cryst. 24, 1 (1991), doi:10.1107/S0021889890008391; Liang & Zeger,
    Biometrika 73, 13 (1986), doi:10.1093/biomet/73.1.13.
    """
    free = _not_at_bounds(refined)
    found = _errors(refined, groups, free)
    q = len(free)
    covariance, flat = np.zeros((q, q)), float(stats.norm.ppf(0.975))
    covariance[np.ix_(free, free)] = found.covariance
    quantiles, widened = np.full(q, flat), np.ones(q)
    quantiles[free], widened[free] = found.quantiles, found.widened
    return Errors(covariance, quantiles, widened)


def _not_at_bounds(refined: Refined) -> NDArray[np.bool_]:
    """Return what is free to move, (q,); a parameter at a bound is held there and has no error."""
    free = np.ones(refined.slopes.shape[1], dtype=bool)
    for place, parameter in enumerate(refined.parameters):
        free[place] = parameter.low < parameter.value < parameter.high
    return free


def _errors(refined: Refined, groups: Integers, free: NDArray[np.bool_]) -> Errors:
    j, r = refined.slopes[:, free], refined.residuals
    scale = max(1.0, refined.chi2 / refined.dof)
    usual = _inverse(j, refined.priors[free]) * scale
    q = j.shape[1]
    if _is_noise(refined):
        flat = np.full(q, float(stats.norm.ppf(0.975)))
        return Errors(usual, flat, np.ones(q))
    pulls = np.zeros((int(groups.max()) + 1, q))
    np.add.at(pulls, groups, j * r[:, None])
    squares = (pulls @ (usual / scale)) ** 2
    together = squares.sum(axis=0)
    taking_part = together**2 / np.maximum((squares**2).sum(axis=0), 1e-300)
    freedom = np.maximum(taking_part - 1.0, 2.0)
    grouped = together * taking_part / freedom
    widened = np.sqrt(np.maximum(1.0, grouped / np.diag(usual)))
    quantiles = np.where(widened > 1.0, stats.t.ppf(0.975, freedom), stats.norm.ppf(0.975))
    return Errors(usual * np.outer(widened, widened), np.asarray(quantiles).reshape(q), widened)


def _is_noise(refined: Refined) -> bool:
    r, n = refined.residuals, len(refined.residuals)
    excess = refined.chi2 / refined.dof - 1.0
    neighbours = float(r[1:] @ r[:-1]) / max(refined.chi2, 1e-300)
    within = excess < _CHANCE * np.sqrt(2.0 / refined.dof)
    return bool(within and neighbours < _CHANCE / np.sqrt(n))


def _inverse(slopes: Floats, priors: Floats) -> Floats:
    norms = np.sqrt((slopes**2).sum(axis=0) + priors**2)
    if not np.all(norms > 0):
        raise NotConverged(
            "Each parameter of a refinement has to change the pattern",
            received=f"{int(np.sum(norms == 0))} that do not",
        )
    scaled = slopes / norms
    normal = scaled.T @ scaled + np.diag((priors / norms) ** 2)
    values, vectors = np.linalg.eigh(normal)
    if values.min() < _ILL:
        raise NotConverged(
            "Each parameter of a refinement has to be determined by the pattern",
            received="parameters that do not change it independently",
        )
    return np.asarray((vectors / values) @ vectors.T / np.outer(norms, norms))
