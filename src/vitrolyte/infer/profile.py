"""Intervals from the profile of the sum of squares, for parameters far from straight."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy import optimize

from vitrolyte.data.errors import NotConverged
from vitrolyte.data.model import Floats
from vitrolyte.infer.landing import Landing
from vitrolyte.infer.search import Problem, search

_FARTHEST = 64.0
"""Intervals that reach further than so many of those by curvature are open."""
_FINE = 1e-4


def profile_ends(landing: Landing, k: int, error: float) -> tuple[float, float]:
    r"""Return the ends of the 95 % interval of a coordinate by its profile.

    .. math:: \min_{u_{j \ne k}} S(u) = S_{min} + s\, q^2

    with the scale s of the squared errors and the half width q of the interval in standard
    errors. An end that is not met within the bounds, or within 64 intervals by curvature, is
    infinite.

    Parameters
    ----------
    k
        Place among the free parameters.
    error
        Its standard error by curvature, in the coordinates of the search.

    References
    ----------
    Venzon & Moolgavkar, Appl. Stat. 37, 87 (1988), doi:10.2307/2347496.
    """
    return _end(landing, k, -error), _end(landing, k, error)


def _end(landing: Landing, k: int, error: float) -> float:
    problem, best = landing.problem, float(landing.found.u[k])
    limit = float(problem.bounds[0 if error < 0 else 1][k])
    level = landing.found.cost + landing.scale * landing.quantile**2
    warm = [np.delete(landing.found.u, k)]

    def above(value: float) -> float:
        cost, warm[0] = _profile(problem, k, value, warm[0])
        return cost - level

    near, step = best, landing.quantile * error
    for _ in range(round(np.log2(_FARTHEST)) + 1):
        far = best + step
        outside = abs(step) >= abs(limit - best)
        far = limit if outside else far
        try:
            if above(far) >= 0.0:
                return float(optimize.brentq(above, near, far, rtol=_FINE, xtol=_FINE * abs(error)))
        except NotConverged:
            break
        if outside:
            break
        near, step = far, 2.0 * step
    return float(np.copysign(np.inf, error))


def _profile(problem: Problem, k: int, value: float, others: Floats) -> tuple[float, Floats]:
    """Return the least cost with one coordinate held, and where the others are then."""
    place = int(problem.free[k])
    parameter = problem.model.parameters[place]
    held = float(np.exp(value)) if parameter.logarithmic else value
    held = min(max(held, parameter.low), parameter.high)
    parameters = list(problem.model.parameters)
    parameters[place] = replace(parameter, value=held, fixed=True)
    without = replace(problem, model=replace(problem.model, parameters=tuple(parameters)))
    found = search(without, others)
    return found.cost, found.u
