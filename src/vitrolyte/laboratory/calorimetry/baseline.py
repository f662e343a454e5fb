"""What the heat flow would be under a peak if nothing happened."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator

from vitrolyte.data.errors import InputError

Floats = NDArray[np.float64]
Baseline = Literal["sigmoidal", "linear", "spline"]

_ROUNDS = 8


def linear(x: Floats, before: Floats, after: Floats, feet: tuple[float, float]) -> Floats:
    """Return the chord between the lines on both sides at the feet of a peak, (r, n).

    Parameters
    ----------
    x
        (n,) temperatures.
    before, after
        (r, 2), intercept and slope of the lines on both sides.
    feet
        Where the peak begins and ends.
    """
    left = before[:, 0] + before[:, 1] * feet[0]
    right = after[:, 0] + after[:, 1] * feet[1]
    share = np.clip((x - feet[0]) / (feet[1] - feet[0]), 0.0, 1.0)
    return np.asarray(left[:, None] + (right - left)[:, None] * share)


def sigmoidal(
    x: Floats, curves: Floats, before: Floats, after: Floats, feet: tuple[float, float]
) -> Floats:
    r"""Return the baseline that passes from one line to the other as the reaction does, (r, n).

    .. math:: b(T) = [1 - \alpha(T)]\, b_1(T) + \alpha(T)\, b_2(T)

    with the share of the area up to T as :math:`\alpha`, found by iteration: it is exact where
    the heat capacities of what was and of what becomes add by their amounts.

    References
    ----------
    van der Plaats, Thermochim. Acta 72, 77 (1984), doi:10.1016/0040-6031(84)85057-7.
    """
    first = before[:, :1] + before[:, 1:] * x
    last = after[:, :1] + after[:, 1:] * x
    base = linear(x, before, after, feet)
    inside = (x >= feet[0]) & (x <= feet[1])
    steps = np.gradient(x) * inside
    for _ in range(_ROUNDS):
        passed = np.cumsum((curves - base) * steps, axis=1)
        whole = passed[:, -1:]
        share = np.clip(passed / np.where(whole == 0.0, 1.0, whole), 0.0, 1.0)
        share = np.where(x > feet[1], 1.0, share)
        base = (1.0 - share) * first + share * last
    return np.asarray(base)


def anchored(
    x: Floats, curves: Floats, anchors: Sequence[float], half_width: float = 1.0
) -> Floats:
    """Return the curve through means of the record about anchors, without overshoot, (r, n).

    Parameters
    ----------
    anchors
        Temperatures at which nothing happens, at least two, K.
    half_width
        Means are taken over this far on both sides of an anchor, K.

    Raises
    ------
    InputError
        If there are fewer than two anchors with points about them.
    """
    places = sorted(anchors)
    near = [np.abs(x - place) <= half_width for place in places]
    if len(places) < 2 or not all(one.any() for one in near):
        raise InputError(
            "A spline baseline needs at least two anchors within the scan",
            received=", ".join(f"{place:g} K" for place in places) or "none",
            remedy="give --anchors-K with temperatures of the scan",
        )
    means = np.stack([curves[:, one].mean(axis=1) for one in near], axis=1)
    # Beyond the outer anchors a cubic would run away.
    held = np.clip(x, places[0], places[-1])
    return np.asarray(PchipInterpolator(places, means, axis=1)(held))
