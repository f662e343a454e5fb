"""The minimum that a search came to, with what its errors are worth."""

from __future__ import annotations

from dataclasses import dataclass

from vitrolyte.infer.search import Found, Problem


@dataclass(frozen=True, eq=False)
class Landing:
    """A minimum and its scale.

    Attributes
    ----------
    problem, found
        What was searched, and where the search ended.
    scale
        Factor of the squared errors.
    quantile
        Half width of a 95 % interval in standard errors.
    """

    problem: Problem
    found: Found
    scale: float
    quantile: float
