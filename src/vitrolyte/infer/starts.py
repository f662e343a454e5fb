"""Searches from several starting values, and how many of them came to the best end."""

from __future__ import annotations

import numpy as np

from vitrolyte.data.errors import NotConverged
from vitrolyte.data.model import Floats
from vitrolyte.infer.search import Found, Problem, search

_DECADES = 2.0
"""A logarithmic parameter without bounds is drawn this far to either side."""
_SAME_COST = 1e-6
_ROUNDING = 1e-20


def several_searches(problem: Problem, starts: int, seed: int) -> tuple[Found, float]:
    """Return the best end of several searches, and the share of them that came to it.

    The first starts from the values of the model. The others are drawn: between two bounds evenly
    (over decades for a logarithmic parameter), about the value by its own size otherwise.

    Raises
    ------
    NotConverged
        If every search fails.
    """
    if starts == 1:
        return search(problem, problem.start), 1.0
    rng = np.random.default_rng(seed)
    ends: list[Found] = []
    failure = NotConverged("A fit needs at least one start")
    for number in range(starts):
        start = problem.start if number == 0 else drawn_start(problem, rng)
        try:
            ends.append(search(problem, start))
        except NotConverged as fault:
            failure = fault
    if not ends:
        raise failure
    best = min(ends, key=lambda end: end.cost)
    size = float(np.sum(np.abs(problem.y / problem.errors) ** 2))
    limit = best.cost * (1.0 + _SAME_COST) + _ROUNDING * size
    return best, sum(end.cost <= limit for end in ends) / starts


def drawn_start(problem: Problem, rng: np.random.Generator) -> Floats:
    """Return coordinates from which a search may start, (k,)."""
    low, high = problem.bounds
    here = problem.start
    even, normal = rng.uniform(size=len(here)), rng.normal(size=len(here))
    reach = _DECADES * float(np.log(10.0))
    about = np.where(
        problem.logarithmic, here + reach * (2.0 * even - 1.0), here + np.abs(here) * normal
    )
    with np.errstate(invalid="ignore"):
        between = low + even * (high - low)
    bounded = np.isfinite(low) & np.isfinite(high)
    return np.clip(np.where(bounded, between, about), low, high)
