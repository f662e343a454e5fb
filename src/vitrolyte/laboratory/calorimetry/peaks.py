"""Peaks of a scan: where they begin, stand and end, and what they hold."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from vitrolyte.laboratory.calorimetry.baseline import Baseline, anchored, linear, sigmoidal
from vitrolyte.laboratory.calorimetry.lines import LEAST_POINTS, SlopePrior, pair_of_lines
from vitrolyte.laboratory.calorimetry.noise import Noise
from vitrolyte.laboratory.calorimetry.scan import Scan

Floats = NDArray[np.float64]

SMOOTH_K = 2.5
"""Length over which the curve is smoothed before peaks are looked for."""
_STANDS_OUT = 12.0
_BEYOND = 0.5
"""Feet are set this share of a flank further out: below the noise a peak goes on."""
_NEAR_K = 60.0
"""A peak has to stand out within this length: a bent baseline beside a step is none."""
_LEAST_SHARE = 0.004
_FOOT = 0.01
_SIDE_SHARE = 0.5
_SIDE_LEAST_K = 5.0
_SIDE_MOST_K = 25.0
_OVERSHOOT = 4.0
_TOP = 0.75
_TOP_ORDER = 5
_FLANK_ORDER = 9


@dataclass(frozen=True)
class Place:
    """Where a peak is.

    Attributes
    ----------
    low, apex, high
        Its beginning, top and end, K.
    dip
        Whether it points down: on heating heat is given off, on cooling taken in.
    valley
        Height of the valley that parts it from its neighbour over its own height; 0 where it
        stands alone.
    relaxing
        Whether it is the exotherm of a glass that relaxes, cut where its softening begins.
    """

    low: float
    apex: float
    high: float
    dip: bool
    valley: float = 0.0
    relaxing: bool = False


@dataclass(frozen=True, eq=False)
class Measured:
    """A peak's numbers on many versions of the curve, (r,) each, and its baseline.

    ``area`` in J/g along time, positive; ``width`` is that at half height.
    """

    onset: Floats
    apex: Floats
    end: Floats
    area: Floats
    chord_area: Floats
    height: Floats
    width: Floats
    baseline: Floats
    tangents: tuple[tuple[float, float], tuple[float, float]]


def smoothed(scan: Scan, length_K: float = SMOOTH_K) -> tuple[Floats, Floats]:
    """Return the smoothed heat capacity and the weights that smooth it."""
    spacing = float(np.median(np.diff(scan.temperatures_K)))
    points = max(5, round(length_K / spacing) // 2 * 2 + 1)
    points = min(points, (len(scan) - 1) // 2 * 2 - 1)
    weights = signal.savgol_coeffs(points, 2)
    return signal.savgol_filter(scan.heat_capacity, points, 2), weights


def find_peaks(scan: Scan, noise: Noise) -> tuple[Place, ...]:
    """Return the peaks of a scan in order of temperature.

    A peak stands out of its surroundings by twelve standard errors of the smoothed curve and by
    0.4 % of the largest. What gives heat off is found first; in the pieces between, endotherms.
    """
    smooth, weights = smoothed(scan)
    # A slope would make a dip of every bend, a peak of every step.
    t = scan.temperatures_K
    level = smooth - float(np.median(np.gradient(smooth, t))) * (t - t[0])
    least = max(_STANDS_OUT * noise.error_of(weights), _LEAST_SHARE * float(np.ptp(smooth)))
    exotherms = _apexes(scan, -level, least, noise, dip=True)
    taken = np.zeros(len(scan), dtype=bool)
    for place in exotherms:
        taken |= scan.within(place.low, place.high)
    found = list(exotherms)
    for piece in _pieces(~taken):
        if len(piece) < 8:
            continue
        found += _apexes(scan, level, least, noise, dip=False, piece=piece)
    return tuple(_parted(sorted(found, key=lambda one: one.apex), scan, level))


def _pieces(free: NDArray[np.bool_]) -> list[NDArray[np.int64]]:
    numbers = np.flatnonzero(free)
    return np.split(numbers, np.flatnonzero(np.diff(numbers) > 1) + 1) if len(numbers) else []


def _apexes(
    scan: Scan,
    up: Floats,
    least: float,
    noise: Noise,
    *,
    dip: bool,
    piece: NDArray[np.int64] | None = None,
) -> list[Place]:
    """Return the peaks of a curve in a piece of it, with their feet."""
    piece = np.arange(len(scan)) if piece is None else piece
    part, t = up[piece], scan.temperatures_K[piece]
    spacing = float(np.median(np.diff(scan.temperatures_K)))
    near = max(5, int(_NEAR_K / spacing))
    with warnings.catch_warnings():
        # A level stretch, as a saturated detector leaves, has no prominence and is no peak.
        warnings.simplefilter("ignore", RuntimeWarning)
        tops, _ = signal.find_peaks(part, prominence=max(least, 1e-300), wlen=near)
    if len(tops) == 0:
        return []
    sign = -1.0 if dip else 1.0
    widths = signal.peak_widths(part, tops, rel_height=0.5)[0]
    found = []
    for top, width in zip(tops, widths):
        slope, error = _slope(sign * scan.heat_capacity[piece], t, width, noise)
        low = _foot(slope, part, int(top), -1, 3.0 * error)
        high = _foot(slope, part, int(top), +1, 3.0 * error)
        first = _beyond(t, slope, (int(top), low), -1, 3.0 * error)
        last = _beyond(t, slope, (int(top), high), +1, 3.0 * error)
        found.append(Place(first, float(t[top]), last, dip))
    return found


def _beyond(t: Floats, slope: Floats, ends: tuple[int, int], way: int, slope_error: float) -> float:
    """Return where a peak ends below the noise: further out, but not past the foot of another."""
    top, foot = ends
    reach = abs(t[foot] - t[top]) * _BEYOND
    place = foot
    while 0 < place < len(t) - 1 and abs(t[place] - t[foot]) < reach:
        if way * slope[place] > 2.0 * slope_error:
            break
        place += way
    return float(t[place])


def _slope(curve: Floats, t: Floats, width: float, noise: Noise) -> tuple[Floats, float]:
    """Return the slope of a curve, smoothed over half the width of a peak, and its error."""
    spacing = float(np.median(np.diff(t)))
    points = int(np.clip(width / 2, 7, 201)) // 2 * 2 + 1
    points = min(points, (len(curve) - 1) // 2 * 2 - 1)
    weights = signal.savgol_coeffs(points, 2, deriv=1, delta=spacing)
    return signal.savgol_filter(curve, points, 2, deriv=1, delta=spacing), noise.error_of(weights)


def _foot(slope: Floats, part: Floats, top: int, way: int, slope_error: float) -> int:
    """Return where a flank, walked away from the top, has become as flat as the noise allows."""
    flank = -way * slope
    place, steepest = top, 0.0
    while 0 < place < len(slope) - 1:
        place += way
        steepest = max(steepest, float(flank[place]))
        level = min(max(_FOOT * steepest, slope_error), 0.2 * steepest)
        if steepest > 0 and part[top] > part[place] and flank[place] < level:
            break
    return place


def _parted(places: Sequence[Place], scan: Scan, smooth: Floats) -> list[Place]:
    """Return peaks whose feet overlap as neighbours that share a valley."""
    found: list[Place] = []
    for place in places:
        if found and found[-1].dip == place.dip and found[-1].high >= place.low - 1.0:
            before = found[-1]
            between = scan.within(before.apex, place.apex)
            sign = -1.0 if place.dip else 1.0
            values = sign * smooth[between]
            valley = float(scan.temperatures_K[between][np.argmin(values)])
            ends = sign * np.interp([before.low, place.high], scan.temperatures_K, smooth)
            level = float(values.min() - ends.min())
            depth = level / max(float(min(values[0], values[-1]) - ends.min()), 1e-12)
            if depth > 0.02:
                found[-1] = replace(before, high=valley, valley=max(before.valley, depth))
                place = replace(place, low=valley, valley=depth)
        found.append(place)
    return found


@dataclass(frozen=True)
class Sides:
    """Windows of the lines on both sides of a peak or a group of peaks, K."""

    before: tuple[float, float]
    after: tuple[float, float]


def sides_of(group: Sequence[Place], limits: tuple[float, float]) -> Sides:
    """Return where to take the lines beside a group: as long as half of it, 5 to 25 K.

    Parameters
    ----------
    limits
        How far the lines may reach: the next events on both sides, K.
    """
    low, high = group[0].low, group[-1].high
    length = float(np.clip(_SIDE_SHARE * (high - low), _SIDE_LEAST_K, _SIDE_MOST_K))
    return Sides((max(low - length, limits[0]), low), (high, min(high + length, limits[1])))


@dataclass(frozen=True, eq=False)
class Ground:
    """How the baseline under a peak is drawn.

    Attributes
    ----------
    prior
        By how much the slopes on both sides may differ.
    kind, anchors_K
        Which baseline; a spline goes through the anchors.
    """

    prior: SlopePrior
    kind: Baseline = "sigmoidal"
    anchors_K: tuple[float, ...] = ()


def measure(
    scan: Scan,
    place: Place,
    group: Sequence[Place],
    sides: Sides,
    curves: Floats,
    ground: Ground,
) -> Measured:
    """Return a peak's onset, top, end, area, height and width on versions of the curve.

    Onset and end are where the tangents at the inflections of the flanks meet the baseline. Areas
    are integrals of the heat flow over time. A peak within a group is cut at its valleys.
    """
    t = scan.temperatures_K
    sign = -1.0 if place.dip else 1.0
    feet = (group[0].low, group[-1].high)
    middle = 0.5 * (feet[0] + feet[1])
    before, after = _side_lines(scan, curves, sides, ground.prior, middle)
    x, ends = t - middle, (feet[0] - middle, feet[1] - middle)
    chord = linear(x, before, after, ends)
    base = chord
    if ground.kind == "sigmoidal":
        base = sigmoidal(x, curves, before, after, ends)
    elif ground.kind == "spline":
        base = anchored(t, curves, ground.anchors_K)
    above = sign * (curves - base)
    weights = _weights(scan, place.low, place.high)
    apex, height = _top(scan, place, above)
    onset, first = _tangent(scan, place, above, -1)
    end, second = _tangent(scan, place, above, +1)
    return Measured(
        onset=onset,
        apex=apex,
        end=end,
        area=above @ weights,
        chord_area=sign * (curves - chord) @ weights,
        height=height,
        width=_width(t, place, above),
        baseline=base[0],
        tangents=(first, second),
    )


def _weights(scan: Scan, low: float, high: float) -> Floats:
    """Return the weights that turn a heat capacity into J/g between two temperatures, (n,).

    The heat flow is the apparent heat capacity times the mean rate; it is summed over time.
    """
    inside = scan.within(low, high)
    weights = np.zeros(len(scan))
    weights[inside] = np.abs(np.gradient(scan.times_s))[inside] * abs(scan.rate)
    return weights


def _side_lines(
    scan: Scan, curves: Floats, sides: Sides, prior: SlopePrior, middle: float
) -> tuple[Floats, Floats]:
    """Return the lines beside a group about its middle, (r, 2) each; a level where one is short."""
    inside = [scan.within(*window) for window in (sides.before, sides.after)]
    t = scan.temperatures_K
    for number, window in enumerate((sides.before, sides.after)):
        if inside[number].sum() < LEAST_POINTS:
            nearest = np.argsort(np.abs(t - 0.5 * sum(window)))[:LEAST_POINTS]
            inside[number] = np.isin(np.arange(len(t)), nearest)
    lines = pair_of_lines(t - middle, curves, (inside[0], inside[1]), prior)
    return lines.before, lines.after


def _top(scan: Scan, place: Place, above: Floats) -> tuple[Floats, Floats]:
    """Return place and height of the top by a cubic through the upper quarter of the peak."""
    t = scan.temperatures_K
    inside = _upper(scan, place, above[0], _TOP)
    x = t[inside] - place.apex
    half = max(float(np.abs(x).max()), 1e-9)
    order = min(_TOP_ORDER, int(inside.sum()) - 1)
    powers = np.vander(x / half, order + 1)
    found = above[:, inside] @ np.linalg.pinv(powers).T
    grid = np.linspace(x.min(), x.max(), 201)
    values = found @ np.vander(grid / half, order + 1).T
    best = np.argmax(values, axis=1)
    rows = np.arange(len(above))
    return _vertex(grid, values, best) + place.apex, values[rows, best]


def _vertex(grid: Floats, values: Floats, best: NDArray[np.int64]) -> Floats:
    """Return the vertex of the parabola through a maximum and its neighbours, (r,)."""
    k = np.clip(best, 1, len(grid) - 2)
    rows = np.arange(len(values))
    low, top, high = values[rows, k - 1], values[rows, k], values[rows, k + 1]
    bend = low - 2 * top + high
    shift = np.where(bend < 0, 0.5 * (low - high) / np.where(bend < 0, bend, -1.0), 0.0)
    return np.asarray(grid[k] + np.clip(shift, -1, 1) * (grid[1] - grid[0]))


def _upper(scan: Scan, place: Place, above: Floats, share: float) -> NDArray[np.bool_]:
    """Return the points about the apex where a peak is above a share of its height, (n,)."""
    t = scan.temperatures_K
    apex = int(np.argmin(np.abs(t - place.apex)))
    level = share * above[apex]
    low = high = apex
    while low > 0 and above[low - 1] > level and t[low - 1] >= place.low:
        low -= 1
    while high < len(t) - 1 and above[high + 1] > level and t[high + 1] <= place.high:
        high += 1
    inside = np.zeros(len(t), dtype=bool)
    inside[max(0, low - 2) : high + 3] = True
    return inside


def _tangent(
    scan: Scan, place: Place, above: Floats, way: int
) -> tuple[Floats, tuple[float, float]]:
    """Return where the steepest tangent of a flank meets the baseline, and that tangent's line."""
    t = scan.temperatures_K
    inside = _upper(scan, place, above[0], 0.08)
    flank = inside & ((t - place.apex) * way >= -0.02 * (place.high - place.low))
    if flank.sum() < 8:
        return np.full(len(above), np.nan), (np.nan, np.nan)
    x = t[flank] - t[flank].mean()
    half = max(float(np.abs(x).max()), 1e-9)
    order = min(_FLANK_ORDER, int(flank.sum()) // 3)
    powers = np.vander(x / half, order + 1, increasing=True)
    found = above[:, flank] @ np.linalg.pinv(powers).T
    grid = np.linspace(0.9 * x.min(), 0.9 * x.max(), 161)
    scaled = np.vander(grid / half, order + 1, increasing=True)
    slopes = (found[:, 1:] * np.arange(1, order + 1)) @ scaled[:, :-1].T / half
    best = np.argmax(-way * slopes, axis=1)
    rows = np.arange(len(above))
    value, slope = (found @ scaled.T)[rows, best], slopes[rows, best]
    meets = grid[best] - value / slope
    return meets + t[flank].mean(), (float(meets[0] + t[flank].mean()), float(slope[0]))


def _width(t: Floats, place: Place, above: Floats) -> Floats:
    """Return the width at half height, (r,)."""
    inside = (t >= place.low) & (t <= place.high)
    x, part = t[inside], above[:, inside]
    found = np.full(len(above), np.nan)
    for row, values in enumerate(part):
        over = np.flatnonzero(values > 0.5 * values.max())
        if len(over) and over[0] > 0 and over[-1] < len(x) - 1:
            found[row] = _at_half(x, values, over[-1]) - _at_half(x, values, over[0] - 1)
    return found


def _at_half(x: Floats, values: Floats, k: int) -> float:
    level = 0.5 * values.max()
    rise = values[k + 1] - values[k]
    return float(x[k] + (level - values[k]) / (rise if rise else 1.0) * (x[k + 1] - x[k]))
