"""One scan from its noise to its rows."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from vitrolyte.data.curve import Axis, Curve, CurveSet
from vitrolyte.laboratory.calorimetry.events import Scene, events_of
from vitrolyte.laboratory.calorimetry.noise import Noise, noise_of
from vitrolyte.laboratory.calorimetry.peaks import Place, find_peaks, smoothed
from vitrolyte.laboratory.calorimetry.results import ScanResult
from vitrolyte.laboratory.calorimetry.scan import Scan
from vitrolyte.laboratory.calorimetry.settings import CalorimetrySettings
from vitrolyte.laboratory.calorimetry.stability import stability
from vitrolyte.laboratory.calorimetry.step import Found, Windows, find_step, windows_of
from vitrolyte.laboratory.calorimetry.transition import transition_of

Floats = NDArray[np.float64]

_OVERSHOOT = 4.0
_GAP_IN_ERRORS = 5.0
_BESIDE_K = 10.0
_GLASS_K = 40.0


@dataclass(frozen=True, eq=False)
class Examined:
    """A scan with its noise, versions of its curve, and what was found in it.

    Attributes
    ----------
    curves
        (1 + draws, n): the record, and with simulated noise added.
    places
        The peaks, without the overshoot of a glass transition.
    found, windows
        The step and its windows; None where there is none.
    """

    scan: Scan
    noise: Noise
    curves: Floats
    places: tuple[Place, ...]
    found: Found | None
    windows: Windows | None
    random: np.random.Generator


def examine(scan: Scan, settings: CalorimetrySettings) -> ScanResult:
    """Return what one scan says."""
    seen = _examined(scan, settings)
    transition, reason = None, _no_step(seen, settings)
    if seen.found is not None and seen.windows is not None:
        transition = transition_of(
            seen.scan, seen.noise, seen.curves, (seen.found, seen.windows), settings, seen.random
        )
    events = events_of(
        Scene(scan, seen.noise, seen.curves, seen.places, seen.windows, settings, seen.random)
    )
    return ScanResult(
        name=scan.name,
        scan=scan.described,
        rate_K_per_min=scan.rate_K_per_min,
        transition=transition,
        no_transition=reason,
        events=events,
        stability=stability(transition, events, settings, scan.described),
        overview=_overview(scan, seen),
        notes=scan.notes + scan.doubts,
    )


def _examined(scan: Scan, settings: CalorimetrySettings) -> Examined:
    random = np.random.default_rng(settings.seed)
    noise = noise_of(scan.heat_capacity)
    draws = noise.draws(settings.draws, len(scan), random)
    curves = np.concatenate([scan.heat_capacity[None], scan.heat_capacity + draws])
    smooth, _ = smoothed(scan)
    places = _given_peaks(scan, smooth, settings) or find_peaks(scan, noise)
    places = tuple(
        _cut_at_softening(scan, smooth, one) if _on_a_step(scan, noise, smooth, one) else one
        for one in places
        if one.dip or not _on_a_step(scan, noise, smooth, one)
    )
    found, windows = _step(scan, noise, places, settings, random)
    return Examined(scan, noise, curves, places, found, windows, random)


def _given_peaks(scan: Scan, smooth: Floats, settings: CalorimetrySettings) -> tuple[Place, ...]:
    """Return the peaks between the temperatures that a user gave."""
    found = []
    for low, high in zip(settings.peaks_K[::2], settings.peaks_K[1::2]):
        inside = scan.within(low, high)
        if inside.sum() < 8:
            continue
        t, part = scan.temperatures_K[inside], smooth[inside]
        above = part - np.interp(t, t[[0, -1]], part[[0, -1]])
        top = int(np.argmax(np.abs(above)))
        found.append(Place(low, float(t[top]), high, bool(above[top] < 0)))
    return tuple(found)


def _on_a_step(scan: Scan, noise: Noise, smooth: Floats, place: Place) -> bool:
    """Return whether a peak belongs to a step: its overshoot, or the relaxation before it.

    The levels beside it rise by no less than a quarter of its height. Melting and crystallisation
    are far higher than the step of the heat capacity beside them.
    """
    if place.valley > 0:
        return False
    before = scan.within(place.low - _BESIDE_K, place.low)
    after = scan.within(place.high, place.high + _BESIDE_K)
    if before.sum() < 4 or after.sum() < 4:
        return False
    error = np.sqrt(2.0) * noise.sigma * np.sqrt(noise.correlation_points / before.sum())
    levels = [float(np.mean(smooth[one])) for one in (before, after)]
    gap = levels[1] - levels[0]
    apex = float(np.interp(place.apex, scan.temperatures_K, smooth))
    height = levels[0] - apex if place.dip else apex - levels[1]
    return bool(gap > _GAP_IN_ERRORS * error and height < _OVERSHOOT * gap)


def _cut_at_softening(scan: Scan, smooth: Floats, place: Place) -> Place:
    """Return the exotherm of a relaxing glass up to where the curve comes back to its line."""
    beside = scan.within(place.low - _BESIDE_K, place.low)
    t = scan.temperatures_K
    behind = scan.within(place.apex, place.high)
    back = t[behind][smooth[behind] >= float(np.mean(smooth[beside]))]
    return replace(place, high=float(back[0]) if len(back) else place.high, relaxing=True)


def _step(
    scan: Scan,
    noise: Noise,
    places: tuple[Place, ...],
    settings: CalorimetrySettings,
    random: np.random.Generator,
) -> tuple[Found | None, Windows | None]:
    """Return the step that is believed, with its windows."""
    if settings.windows_K:
        low, end, start, high = settings.windows_K
        given = Windows((low, end), (end, start), (start, high))
        return Found(0.5 * (end + start), start - end, float("nan"), float("nan")), given
    kept = np.ones(len(scan), dtype=bool)
    for place in places:
        if not place.relaxing:
            kept &= ~scan.within(place.low, place.high)
    found = find_step(scan, noise, kept, random)
    if found is None or found.p_value > settings.false_alarm:
        return found, None
    limits = _limits(scan, places, found.temperature_K)
    return found, _below_relaxation(scan, windows_of(scan, found, limits), places)


def _below_relaxation(scan: Scan, windows: Windows, places: tuple[Place, ...]) -> Windows:
    """Return windows whose glass has not begun to relax."""
    for place in places:
        if place.relaxing and place.apex < windows.rise[1]:
            start = max(float(scan.temperatures_K[0]), place.low - _GLASS_K)
            return replace(windows, glass=(start, place.low))
    return windows


def _limits(scan: Scan, places: tuple[Place, ...], middle: float) -> tuple[float, float]:
    """Return between which temperatures no peak lies about a place."""
    t = scan.temperatures_K
    low = max([p.high for p in places if p.apex < middle and not p.relaxing], default=float(t[0]))
    high = min([p.low for p in places if p.apex > middle], default=float(t[-1]))
    return low, high


def _no_step(seen: Examined, settings: CalorimetrySettings) -> str:
    if seen.found is None:
        return "between its peaks the scan is too short for a step to be looked for"
    share = min(100.0 * seen.found.p_value, 99.0)
    reason = (
        "no step of the heat capacity stands out of the noise: by chance the largest would be "
        f"as high in {share:.2g} % of scans (believed below {100 * settings.false_alarm:g} %)"
    )
    if seen.scan.heating and any(place.dip for place in seen.places):
        reason += "; one at the very foot of an exotherm is shown by windows_K only"
    return reason


def _overview(scan: Scan, seen: Examined) -> CurveSet:
    """Return the whole scan with the places of its events."""
    x, y = Axis("temperature", "K"), scan.axis
    curves = [Curve(scan.temperatures_K, scan.heat_capacity, x, y, label="record")]
    marks = [place.apex for place in seen.places]
    if marks:
        heights = np.interp(marks, scan.temperatures_K, scan.heat_capacity)
        curves.append(Curve(np.array(marks), heights, x, y, label="peaks"))
    window = None if seen.windows is None else (seen.windows.glass[0], seen.windows.liquid[1])
    title = f"Apparent heat capacity: {scan.title}"
    return CurveSet(title, tuple(curves), points=("peaks",), window=window)
