"""A Raman spectrum made ready: noise, cosmic rays, saturation."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.ndimage import median_filter
from scipy.optimize import nnls
from scipy.sparse.linalg import spsolve

from vitrolyte.data.curve import Curve
from vitrolyte.data.errors import InputError

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

CITATIONS = ("10.1016/j.chemolab.2018.06.009", "10.1039/c4an01061b")
_MAD = 1.4826
_SPIKE = 8.0
_WIDEST_SPIKE = 4
_FEWEST = 30
_BINS = 12
_ROUNDS = 5
_SAME_TOP = 3


@dataclass(frozen=True, eq=False)
class Prepared:
    """A spectrum without its spikes.

    Attributes
    ----------
    curve
        The points that are left, with estimated errors.
    spikes
        Where cosmic rays were, 1/cm.
    saturated
        Where the detector stood at its end, 1/cm.
    noise
        In words.
    """

    curve: Curve
    spikes: tuple[float, ...]
    saturated: tuple[float, ...]
    noise: str


def prepared(curve: Curve, window: tuple[float, float] | None = None) -> Prepared:
    """Return the part of a spectrum in a range, with errors and without spikes.

    The noise is taken from third differences, which a smooth spectrum does not have, as a constant
    and a part that grows with the intensity. Spikes are single points, or up to four, that stand
    out of the median of their neighbours by eight times the noise and more sharply than any line
    that the points resolve. They are left out, not replaced.

    Raises
    ------
    InputError
        If fewer than 30 points are in the range.

    References
    ----------
    Whitaker & Hayes, Chemom. Intell. Lab. Syst. 179, 82 (2018),
    doi:10.1016/j.chemolab.2018.06.009.
    """
    x, y = curve.x, curve.y.real
    if window is not None:
        inside = (x >= window[0]) & (x <= window[1])
        x, y = x[inside], y[inside]
    if len(x) < _FEWEST:
        raise InputError(
            f"A Raman spectrum needs {_FEWEST} points or more in its range",
            received=f"{len(x)}",
            remedy="widen --window",
        )
    top = _saturated(y)
    spike = _spikes(y) & ~top
    kept = ~(spike | top)
    error = _errors(y, kept)
    named = "noise from third differences"
    clean = Curve(
        x[kept], y[kept], curve.x_axis, curve.y_axis, y_error=error[kept], label="measured"
    )
    return Prepared(clean, tuple(map(float, x[spike])), tuple(map(float, x[top])), named)


def _saturated(y: Floats) -> Mask:
    """Return points at one highest value that repeats side by side: the end of a detector."""
    at_top = y >= y.max()
    runs = np.diff(np.concatenate([[0], at_top.astype(int), [0]]))
    starts, ends = np.flatnonzero(runs == 1), np.flatnonzero(runs == -1)
    found = np.zeros(len(y), dtype=bool)
    for start, end in zip(starts, ends):
        if end - start >= _SAME_TOP:
            found[max(0, start - 1) : end + 1] = True
    return found


def _spikes(y: Floats) -> Mask:
    """Return points of cosmic rays."""
    smooth = median_filter(y, size=2 * _WIDEST_SPIKE + 1, mode="nearest")
    left = y - smooth
    # Real lines leave something too where they are steep: the slope of the medians allows for it.
    steep = np.abs(np.gradient(smooth))
    steep = np.maximum.reduce([np.roll(steep, n) for n in range(-_WIDEST_SPIKE, _WIDEST_SPIKE + 1)])
    noise = _MAD * float(np.median(np.abs(left - np.median(left)))) + 1e-12
    third = np.abs(np.diff(y, 3))
    fine = _MAD * float(np.median(third)) / math.sqrt(20.0) + 1e-12
    out = left > _SPIKE * max(noise, fine) + 3.0 * steep
    # Sharp: it rises within two points, as no line of an instrument does.
    rise = np.maximum(np.abs(np.diff(y, prepend=y[0])), np.abs(np.diff(y, append=y[-1])))
    sharp = rise > 0.5 * left
    core = out & sharp
    wide = np.convolve(core.astype(float), np.ones(3), mode="same") > 0
    return np.asarray(wide & (left > 3.0 * max(noise, fine)), dtype=bool) if core.any() else core


def _errors(y: Floats, kept: Mask) -> Floats:
    """Return standard errors ``sqrt(a + b y)`` by the scatter of third differences."""
    values = y[kept]
    third = np.diff(values, 3) / math.sqrt(20.0)
    level = values[1:-2] + 0.5 * np.diff(values[1:-1])
    order = np.argsort(level)
    parts = np.array_split(order, min(_BINS, max(1, len(order) // 30)))
    spread = np.array([(_MAD * float(np.median(np.abs(third[part])))) ** 2 for part in parts])
    centre = np.array([float(np.mean(level[part])) for part in parts])
    floor = min(0.0, float(values.min()))
    design = np.stack([np.ones(len(centre)), centre - floor], axis=1)
    fitted = np.full(len(spread), max(float(spread.mean()), 1e-30))
    # Weights by the fit, not by the scatter itself: parts that scatter little by chance would win.
    for _ in range(_ROUNDS):
        weight = 1.0 / np.maximum(fitted, 1e-6 * float(fitted.max()))
        (constant, growth), _ = nnls(design * weight[:, None], spread * weight)
        fitted = design @ np.array([constant, growth])
    variance = constant + growth * np.maximum(y - floor, 0.0)
    least = max(1e-6 * float(np.ptp(values)), 1e-12)
    return np.asarray(np.sqrt(np.maximum(variance, least**2)), dtype=float)


def arpls_baseline(curve: Curve, *, stiffness: float = 1e5, rounds: int = 30) -> Curve:
    """Return a baseline by asymmetrically reweighted penalised least squares.

    Shown for comparison; the areas come from a baseline that is fitted together with the peaks.

    Parameters
    ----------
    stiffness
        Weight of the squared second differences.

    References
    ----------
    Baek, Park, Ahn & Choo, Analyst 140, 250 (2015), doi:10.1039/c4an01061b.
    """
    y, n = curve.y.real, len(curve)
    second = sparse.diags_array([1.0, -2.0, 1.0], offsets=[0, 1, 2], shape=(n - 2, n))
    stiff = stiffness * (second.T @ second)
    weight = np.ones(n)
    base = y
    for _ in range(rounds):
        base = spsolve(sparse.csc_array(sparse.diags_array(weight) + stiff), weight * y)
        left = y - base
        below = left[left < 0]
        if len(below) < 2 or not np.std(below) > 0:
            break
        mean, spread = float(np.mean(below)), float(np.std(below))
        argument = np.clip(2.0 * (left - (2.0 * spread - mean)) / spread, -60.0, 60.0)
        fresh = 1.0 / (1.0 + np.exp(argument))
        done = np.linalg.norm(fresh - weight) < 1e-3 * np.linalg.norm(weight)
        weight = fresh
        if done:
            break
    return Curve(curve.x, np.asarray(base), curve.x_axis, curve.y_axis, label="arPLS baseline")
