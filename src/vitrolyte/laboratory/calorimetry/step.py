"""The glass transition: whether there is a step, and where its tangents and areas put it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import signal, special

from vitrolyte.laboratory.calorimetry.lines import SlopePrior, pair_of_lines
from vitrolyte.laboratory.calorimetry.noise import Noise
from vitrolyte.laboratory.calorimetry.scan import Scan

Floats = NDArray[np.float64]

WIDTHS_K = (3.0, 6.0, 12.0, 24.0)
"""Widths of the steps that are looked for."""
_SPAN = 2.5
"""Half length of a filter in widths."""
_NULL_DRAWS = 120
_NOISE_KNOWN = 1.5
"""Factor to which the noise at the length of a step is known from the noise of neighbours."""
_ORDER = 8
_PAD = (0.0, 0.15)
_GRID = 161
_FLAT = 0.1
_MARGIN = 0.9
_OVERSHOOT_SHARE = 0.1
_BEHIND_OVERSHOOT = 1.2
_LONG = 1.4
_LEAST_K = 6.0
_LEAST_POINTS = 12


@dataclass(frozen=True)
class Found:
    """Where a step was found, and how surely.

    Attributes
    ----------
    temperature_K, width_K
        Of the filter that stands out most.
    score
        Its height in standard errors.
    p_value
        Share of scans without a step, with the same noise, in which some place stands out as much.
    """

    temperature_K: float
    width_K: float
    score: float
    p_value: float


@dataclass(frozen=True)
class Windows:
    """Where the lines of glass and liquid are taken, and where the curve rises between them, K."""

    glass: tuple[float, float]
    rise: tuple[float, float]
    liquid: tuple[float, float]


_TRIM = 0.3
_SHIFTS = (0.0, -0.3, 0.3)
"""By how much of the rise the glass's window is shifted: nobody knows where it has to lie."""


def shifted(windows: Windows, lowest: float) -> tuple[Windows, ...]:
    """Return the windows with that of the glass moved and that of the liquid cut; first as it is.

    Parameters
    ----------
    lowest
        The lowest temperature that it may reach, K.
    """
    rise = windows.rise[1] - windows.rise[0]
    low, high = windows.glass
    first, last = windows.liquid
    trim = _TRIM * (last - first)
    liquids = [(first, last), (first + trim, last), (first, last - trim)]
    if last - first < 2 * _LEAST_K:
        liquids = liquids[:1]
    found = []
    for shift in _SHIFTS:
        end = min(high + shift * rise, windows.rise[0])
        start = max(min(low + shift * rise, end - _LEAST_K), lowest)
        found += [replace(windows, glass=(start, end), liquid=liquid) for liquid in liquids]
    return tuple(found)


@dataclass(frozen=True, eq=False)
class Constructions:
    """The constructions of a step on many versions of a curve, (r,) each.

    ``onset``, ``endset``: inflection tangent with the lines; ``midpoint``: half of the step;
    ``fictive``: equal areas; ``height``: at the midpoint; ``overshoot``: area above the liquid.
    """

    onset: Floats
    midpoint: Floats
    endset: Floats
    fictive: Floats
    height: Floats
    overshoot: Floats
    glass: Floats
    liquid: Floats
    tangent: Floats
    misfit: Floats


def find_step(
    scan: Scan, noise: Noise, kept: NDArray[np.bool_], random: np.random.Generator
) -> Found | None:
    """Return the most prominent rise of the heat capacity by a matched filter, or None.

    Each filter is a step of some width, freed of any cubic polynomial. Its largest score over all
    widths and places, over a factor of 1.5 to which such long noise is known, is compared with that
    of simulated noise, whose maxima follow Gumbel's law.

    Parameters
    ----------
    kept
        Points that are no part of a peak, (n,).
    """
    spacing = float(np.median(np.diff(scan.temperatures_K)))
    best: tuple[float, float, float] | None = None
    draws = noise.draws(_NULL_DRAWS, len(scan), random)
    highest = np.full(_NULL_DRAWS, -np.inf)
    for width in WIDTHS_K:
        kernel = _filter(width, spacing)
        if len(kernel) > len(scan):
            continue
        clean = np.convolve(~kept, np.ones(len(kernel)), mode="valid") < 0.5
        if not clean.any():
            continue
        error = max(noise.error_of(kernel), 1e-300)
        score = np.correlate(scan.heat_capacity, kernel, mode="valid") / error
        score[~clean] = -np.inf
        place = int(np.argmax(score))
        for row, draw in enumerate(draws):
            seen = np.correlate(draw, kernel, mode="valid")[clean] / error
            highest[row] = max(highest[row], float(seen.max()))
        if best is None or score[place] > best[0]:
            middle = scan.temperatures_K[place + len(kernel) // 2]
            best = (float(score[place]), float(middle), width)
    if best is None:
        return None
    return Found(best[1], best[2], best[0], _gumbel(highest, best[0] / _NOISE_KNOWN))


def _filter(width: float, spacing: float) -> Floats:
    """Return weights whose sum with a record is the height of a step, blind to any cubic."""
    reach = max(4, round(_SPAN * width / spacing))
    place = np.arange(-reach, reach + 1) / reach
    step = 0.5 * special.erf(place * reach * spacing / (0.5 * width))
    base, _ = np.linalg.qr(np.vander(place, 4))
    free = step - base @ (base.T @ step)
    return np.asarray(free / (free @ free))


def _gumbel(highest: Floats, score: float) -> float:
    """Return the chance of a maximum at least so high, by Gumbel's law through simulated ones."""
    scale = max(float(np.std(highest)) * np.sqrt(6.0) / np.pi, 1e-9)
    place = float(np.mean(highest)) - 0.5772156649015329 * scale
    return float(-np.expm1(-np.exp(-min((score - place) / scale, 700.0))))


def windows_of(scan: Scan, found: Found, limits: tuple[float, float]) -> Windows:
    """Return where to take the lines on both sides of a step.

    The rise ends where the slope has fallen to a tenth of its highest; the glass is taken below
    it at the distance of its own length, since glasses soften gradually, the liquid behind any
    overshoot.

    Parameters
    ----------
    limits
        Between which temperatures there is no peak.
    """
    t = scan.temperatures_K
    smooth, slope = _smoothed(scan, min(found.width_K, 8.0))
    near = np.abs(t - found.temperature_K) <= found.width_K
    steepest = int(np.flatnonzero(near)[np.argmax(slope[near])])
    low = _walk(slope, steepest, -1, _FLAT * slope[steepest])
    top = _walk(slope, steepest, +1, _FLAT * slope[steepest])
    rise = float(t[top] - t[low])
    rise = float(t[top] - t[low])
    start = _liquid_start(t, smooth, (steepest, top), rise, limits[1])
    glass_end = max(float(t[low]) - _MARGIN * rise, limits[0] + _LEAST_K)
    glass_end = min(glass_end, float(t[low]))
    glass = (max(limits[0], glass_end - max(_LONG * rise, 2 * _LEAST_K)), glass_end)
    liquid = (min(start, limits[1]), min(limits[1], start + max(_LONG * rise, 2 * _LEAST_K)))
    return Windows(glass, (float(t[low]), float(t[top])), liquid)


def _smoothed(scan: Scan, length_K: float) -> tuple[Floats, Floats]:
    """Return the heat capacity and its slope, smoothed over a length, (n,) each."""
    spacing = float(np.median(np.diff(scan.temperatures_K)))
    points = int(np.clip(length_K / spacing, 7, len(scan) // 4)) // 2 * 2 + 1
    values = signal.savgol_filter(scan.heat_capacity, points, 2)
    slope = signal.savgol_filter(scan.heat_capacity, points, 2, deriv=1, delta=spacing)
    return values, slope


def _walk(slope: Floats, start: int, way: int, level: float) -> int:
    """Return the first place from the start at which the slope has fallen to a level."""
    place = start
    while 0 < place < len(slope) - 1 and slope[place] > level:
        place += way
    return place


def _liquid_start(
    t: Floats, smooth: Floats, ends: tuple[int, int], rise: float, limit: float
) -> float:
    """Return where the liquid's line may begin: further behind an overshoot."""
    steepest, top = ends
    later = (t > t[top] + rise) & (t < limit)
    if not later.any():
        later = (t > t[top]) & (t < limit)
    level = float(np.median(smooth[later])) if later.any() else float(smooth[top])
    height = max(level - float(smooth[steepest]), 1e-12)
    over = float(smooth[top]) - level > _OVERSHOOT_SHARE * height
    start = float(t[top]) + (_BEHIND_OVERSHOOT if over else 0.5) * rise
    return min(start, max(limit - 0.5 * rise, float(t[top]) + 0.3 * rise))


def enough(scan: Scan, window: tuple[float, float]) -> bool:
    """Return whether a line can be drawn through a window."""
    inside = int(scan.within(*window).sum())
    return inside >= _LEAST_POINTS and window[1] - window[0] >= _LEAST_K


def construct(scan: Scan, windows: Windows, curves: Floats, prior: SlopePrior) -> Constructions:
    """Return the constructions of a step on versions of a scan's curve.

    Parameters
    ----------
    curves
        (r, n), heat capacities at the temperatures of the scan.
    prior
        By how much the slopes of the two lines may differ.

    References
    ----------
    Fictive temperature by equal areas: Moynihan et al., J. Am. Ceram. Soc. 59, 12 (1976),
    doi:10.1111/j.1151-2916.1976.tb09376.x.
    """
    t = scan.temperatures_K
    middle = 0.5 * sum(windows.rise)
    inside = (scan.within(*windows.glass), scan.within(*windows.liquid))
    lines = pair_of_lines(t - middle, curves, inside, prior)
    glass, liquid = lines.before, lines.after
    gap = liquid - glass
    place, value, slope, rise, grid = _rising(t - middle, curves, scan, windows, middle)
    onset = place - (value - glass[:, 0] - glass[:, 1] * place) / (slope - glass[:, 1])
    endset = place + (liquid[:, 0] + liquid[:, 1] * place - value) / (slope - liquid[:, 1])
    half = glass + 0.5 * gap
    midpoint = _crossing(grid, rise - half[:, :1] - half[:, 1:] * grid, place)
    fictive = _fictive(t - middle, curves, glass, gap, windows, middle)
    return Constructions(
        onset=onset + middle,
        midpoint=midpoint + middle,
        endset=endset + middle,
        fictive=fictive + middle,
        height=gap[:, 0] + gap[:, 1] * midpoint,
        overshoot=_overshoot(t - middle, curves, liquid, windows, middle),
        glass=glass,
        liquid=liquid,
        tangent=np.stack([value - slope * place, slope], axis=1),
        misfit=lines.misfit,
    )


def _rising(
    x: Floats, curves: Floats, scan: Scan, windows: Windows, middle: float
) -> tuple[Floats, Floats, Floats, Floats, Floats]:
    """Return place, value and slope of the inflection, and the smooth rise on a grid."""
    low, high = windows.rise
    inside = scan.within(low - _PAD[0] * (high - low), high + _PAD[1] * (high - low))
    half = max(float(np.abs(x[inside]).max()), 1e-9)
    order = min(_ORDER, max(1, int(inside.sum()) // 4))
    powers = np.vander(x[inside] / half, order + 1, increasing=True)
    coefficients = curves[:, inside] @ np.linalg.pinv(powers).T
    grid = np.linspace(low - middle, high - middle, _GRID)
    scaled = np.vander(grid / half, order + 1, increasing=True)
    rise = coefficients @ scaled.T
    orders = np.arange(1, order + 1)
    slopes = (coefficients[:, 1:] * orders) @ (scaled[:, :-1].T) / half
    # The ends of a polynomial are its worst part.
    inner = slice(_GRID // 10, -(_GRID // 10))
    best = np.argmax(slopes[:, inner], axis=1) + _GRID // 10
    rows = np.arange(len(curves))
    return grid[best], rise[rows, best], slopes[rows, best], rise, grid


def _crossing(grid: Floats, above: Floats, start: Floats) -> Floats:
    """Return where each row changes sign nearest to a place; NaN where none does, (r,)."""
    found = np.full(len(above), np.nan)
    for row, values in enumerate(above):
        at = np.flatnonzero((values[:-1] < 0) & (values[1:] >= 0))
        if len(at) == 0:
            continue
        k = at[np.argmin(np.abs(grid[at] - start[row]))]
        found[row] = grid[k] - values[k] * (grid[k + 1] - grid[k]) / (values[k + 1] - values[k])
    return found


def _areas(x: Floats, low: float, high: float) -> Floats:
    """Return the weights of the trapezoidal integral between two places on the points, (n,)."""
    inside = (x >= low) & (x <= high)
    weights = np.zeros_like(x)
    weights[inside] = np.gradient(x[inside])
    edges = np.flatnonzero(inside)
    weights[edges[[0, -1]]] *= 0.5
    return weights


def _fictive(
    x: Floats, curves: Floats, glass: Floats, gap: Floats, windows: Windows, middle: float
) -> Floats:
    low, high = windows.glass[1] - middle, windows.liquid[0] - middle
    weights = _areas(x, low, high)
    used = weights > 0
    top = float(x[used].max())
    area = curves @ weights - glass @ np.stack([weights, weights * x]).sum(axis=1)
    # Solve area = int_Tf^top (gap0 + gap1 x) dx.
    whole = gap[:, 0] * top + 0.5 * gap[:, 1] * top**2 - area
    found = whole / gap[:, 0]
    for _ in range(20):
        found = found - (gap[:, 0] * found + 0.5 * gap[:, 1] * found**2 - whole) / (
            gap[:, 0] + gap[:, 1] * found
        )
    return np.asarray(found)


def _overshoot(
    x: Floats, curves: Floats, liquid: Floats, windows: Windows, middle: float
) -> Floats:
    """Return the area of the curves above the liquid's line behind the rise, (r,)."""
    weights = _areas(x, windows.rise[0] - middle, windows.liquid[0] - middle)
    above = curves - liquid[:, :1] - liquid[:, 1:] * x
    # The region is that of the first curve, so that noise elsewhere does not add up.
    region = (weights > 0) & (above[0] > 0)
    return np.asarray(above[:, region] @ weights[region])
