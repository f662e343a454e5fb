"""The lines on both sides of an event, whose slopes are nearly alike."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Inside = NDArray[np.bool_]

LEAST_POINTS = 8


@dataclass(frozen=True, eq=False)
class SlopePrior:
    """By how much the slopes of two lines may differ before the data are seen.

    Attributes
    ----------
    width
        Standard deviation of the difference, J/(g K²).
    point_error
        Error of a point as if points were independent, J/(g K).
    offsets
        (r,), the difference to which each version is drawn: 0 for the curve itself, random for
        simulated ones, so that what the prior does not know is in their scatter.
    """

    width: float
    point_error: float
    offsets: Floats


@dataclass(frozen=True, eq=False)
class Lines:
    """Intercept and slope of the lines before and after, (r, 2) each, and what is left.

    ``misfit`` is the mean square of the residuals, (r,).
    """

    before: Floats
    after: Floats
    misfit: Floats


def pair_of_lines(
    x: Floats, curves: Floats, inside: tuple[Inside, Inside], prior: SlopePrior
) -> Lines:
    """Return the lines through two windows of each curve.

    Parameters
    ----------
    x
        (n,).
    curves
        (r, n).
    inside
        Which points belong to each window, (n,) each; a window may be empty.
    """
    rows = [np.stack([np.ones(int(w.sum())), x[w]], axis=1) for w in inside]
    design = np.block([[rows[0], np.zeros_like(rows[0])], [rows[1], rows[1]]])
    # One more row says that the slopes are alike up to the prior's width.
    weight = prior.point_error / prior.width
    solve = np.linalg.pinv(np.concatenate([design, [[0.0, 0.0, 0.0, weight]]]))
    seen = np.concatenate([curves[:, w] for w in inside], axis=1)
    told = prior.offsets[: len(curves), None] * weight
    found = np.concatenate([seen, told], axis=1) @ solve.T
    left = ((seen - found @ design.T) ** 2).mean(axis=1)
    return Lines(found[:, :2], found[:, :2] + found[:, 2:], left)
