"""The peaks of a scan as events with names, quantities and pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vitrolyte.data.curve import Axis, Curve, CurveSet
from vitrolyte.data.quantity import Quantity
from vitrolyte.laboratory.calorimetry.baseline import Baseline
from vitrolyte.laboratory.calorimetry.noise import Noise
from vitrolyte.laboratory.calorimetry.peaks import (
    Ground,
    Measured,
    Place,
    Sides,
    measure,
    sides_of,
)
from vitrolyte.laboratory.calorimetry.results import Kind, ThermalEvent
from vitrolyte.laboratory.calorimetry.scan import Scan
from vitrolyte.laboratory.calorimetry.settings import CalorimetrySettings
from vitrolyte.laboratory.calorimetry.step import Windows
from vitrolyte.laboratory.calorimetry.transition import prior_of
from vitrolyte.laboratory.calorimetry.uncertainty import (
    SCALE_UNKNOWN,
    from_draws,
    in_doubt,
    noted,
)

Floats = NDArray[np.float64]

_K = Axis("temperature", "K")
_SHARED_SLOPE = 0.02
_BASELINE = 0.05
_METHODS = {
    "sigmoidal": "baseline from line to line as the reaction proceeds",
    "linear": "straight baseline",
    "spline": "spline baseline through anchors",
}


@dataclass(frozen=True, eq=False)
class Scene:
    """What all events of a scan share."""

    scan: Scan
    noise: Noise
    curves: Floats
    places: tuple[Place, ...]
    windows: Windows | None
    settings: CalorimetrySettings
    random: np.random.Generator


def events_of(scene: Scene) -> tuple[ThermalEvent, ...]:
    """Return the events of a scan in order of temperature."""
    kinds = [_kind(scene, place) for place in scene.places]
    found: list[ThermalEvent] = []
    for place, kind in zip(scene.places, kinds):
        number = sum(k == kind for k in kinds[: len(found)]) + 1
        found.append(_event(scene, place, kind, number))
    return tuple(found)


def _kind(scene: Scene, place: Place) -> Kind:
    """Return what a peak is taken for."""
    if place.dip != scene.scan.heating:
        if not scene.scan.heating or not scene.settings.last_endotherm_melts:
            return "endotherm"
        later = [one for one in scene.places if one.apex > place.apex]
        return "endotherm" if later else "melting"
    below = scene.windows is not None and place.apex < scene.windows.rise[0]
    relaxes = place.relaxing or (below and scene.scan.heating)
    return "relaxation" if relaxes else "crystallisation"


def _group(scene: Scene, place: Place) -> list[Place]:
    """Return the neighbours that share valleys with a peak, itself included."""
    group = [place]
    ordered = scene.places
    at = ordered.index(place)
    for one in reversed(ordered[:at]):
        if one.dip != place.dip or one.high < group[0].low or group[0].valley == 0:
            break
        group.insert(0, one)
    for one in ordered[at + 1 :]:
        if one.dip != place.dip or one.low > group[-1].high or one.valley == 0:
            break
        group.append(one)
    return group


def _sides(scene: Scene, group: Sequence[Place]) -> Sides:
    t = scene.scan.temperatures_K
    low, high = float(t[0]), float(t[-1])
    for one in scene.places:
        if one.apex < group[0].apex and one not in group:
            low = max(low, one.high)
        if one.apex > group[-1].apex and one not in group:
            high = min(high, one.low)
    if scene.windows is not None and scene.windows.liquid[0] < group[0].apex:
        low = max(low, min(scene.windows.liquid[0], group[0].low))
    return sides_of(group, (low, high))


def _event(scene: Scene, place: Place, kind: Kind, number: int) -> ThermalEvent:
    scan, settings = scene.scan, scene.settings
    # A glass that relaxes becomes the same glass: there is no other line to go to.
    baseline: Baseline = "linear" if place.relaxing else settings.baseline
    group = _group(scene, place)
    sides = _sides(scene, group)
    smooth = np.interp(
        [group[0].low, place.apex, group[-1].high], scan.temperatures_K, scan.heat_capacity
    )
    width = (abs(smooth[2] - smooth[0]) + _SHARED_SLOPE * abs(smooth[1] - smooth[0])) / place.apex
    prior = prior_of(scene.noise, max(float(width), 1e-12), len(scene.curves) - 1, scene.random)
    seen = measure(
        scan,
        place,
        group,
        sides,
        scene.curves,
        Ground(prior, baseline, settings.anchors_K),
    )
    doubts = scan.doubts + _doubts(scene, place, kind, group)
    share, speed = _extent(scan, place, seen)
    return ThermalEvent(
        kind=kind,
        number=number,
        **_temperatures(seen, settings, doubts),
        enthalpy=_enthalpy(scene, place, seen, doubts),
        width=in_doubt(from_draws(seen.width, "K"), doubts),
        scan=scan.described,
        method=_METHODS[baseline],
        picture=_picture(scan, place, kind, seen),
        share=CurveSet(f"Transformed share: {scan.title}", (share,)),
        speed=speed,
    )


def _doubts(scene: Scene, place: Place, kind: Kind, group: Sequence[Place]) -> tuple[str, ...]:
    doubts = []
    t = scene.scan.temperatures_K
    if len(group) > 1:
        depth = max(one.valley for one in group)
        doubts.append(
            f"it overlaps its neighbour: the valley stands at {100 * depth:.0f} % of the lower "
            "peak; areas are parted there by a perpendicular"
        )
    if place.low <= t[0] or place.high >= t[-1]:
        doubts.append("the peak reaches the end of the scan")
    if kind == "crystallisation" and scene.scan.heating and scene.windows is None:
        doubts.append("no glass transition was seen below this exotherm")
    if kind == "relaxation":
        doubts.append("what lies below it may be baseline; a second heating would tell")
    return tuple(doubts)


def _temperatures(
    seen: Measured, settings: CalorimetrySettings, doubts: tuple[str, ...]
) -> dict[str, Quantity]:
    extra = settings.temperature_error_K
    note = "" if extra else SCALE_UNKNOWN
    named = {"onset": seen.onset, "peak": seen.apex, "end": seen.end}
    return {
        name: noted(in_doubt(from_draws(values, "K", extra=extra), doubts), note)
        for name, values in named.items()
    }


def _enthalpy(scene: Scene, place: Place, seen: Measured, doubts: tuple[str, ...]) -> Quantity:
    """Return what the sample takes up, with what a straight baseline would give."""
    if not scene.scan.calibrated:
        return Quantity.refused("J/g", scene.scan.reason)
    sign = -1.0 if place.dip == scene.scan.heating else 1.0
    # Nobody knows the baseline: a twentieth of what it differs from a straight one is an error.
    own = _BASELINE * abs(float(seen.area[0] - seen.chord_area[0]))
    number = in_doubt(from_draws(sign * seen.area, "J/g", extra=own), doubts)
    if scene.settings.baseline == "linear":
        return number
    return noted(number, f"a straight baseline gives {sign * seen.chord_area[0]:.4g} J/g")


def _extent(scan: Scan, place: Place, seen: Measured) -> tuple[Curve, Curve]:
    """Return the transformed share and its rate, which rates of heating are compared by."""
    inside = scan.within(place.low, place.high)
    t = scan.temperatures_K[inside]
    sign = -1.0 if place.dip else 1.0
    heat = sign * (scan.heat_capacity - seen.baseline)[inside]
    steps = np.abs(np.gradient(scan.times_s[inside])) * abs(scan.rate)
    passed = np.cumsum(heat * steps) - 0.5 * heat * steps
    whole = float(np.sum(heat * steps)) or 1.0
    share = Curve(t, passed / whole, _K, Axis("transformed share", ""), label="share")
    rate = Curve(t, heat * abs(scan.rate) / whole, _K, Axis("rate", "1/s"), label="rate")
    return share, rate


def _picture(scan: Scan, place: Place, kind: Kind, seen: Measured) -> CurveSet:
    """Return the peak with its baseline, tangents and marked temperatures."""
    y = scan.axis
    room = 0.3 * (place.high - place.low)
    inside = scan.within(place.low - room, place.high + room)
    t, base = scan.temperatures_K[inside], seen.baseline[inside]
    curves = [
        Curve(t, scan.heat_capacity[inside], _K, y, label="record"),
        Curve(t, base, _K, y, label="baseline"),
    ]
    sign = -1.0 if place.dip else 1.0
    for label, (meets, slope) in zip(("leading tangent", "trailing tangent"), seen.tangents):
        if np.isfinite([meets, slope]).all() and slope:
            top = meets + 0.9 * seen.height[0] / slope
            ends = np.array(sorted([meets, top]))
            level = np.interp(ends, scan.temperatures_K, seen.baseline)
            curves.append(Curve(ends, level + sign * slope * (ends - meets), _K, y, label=label))
    apex = np.array([seen.apex[0]])
    height = np.interp(apex, scan.temperatures_K, seen.baseline) + sign * seen.height[0]
    curves.append(Curve(apex, height, _K, y, label="top"))
    title = f"{kind.capitalize()}: {scan.title}"
    return CurveSet(title, tuple(curves), points=("top",), window=(place.low, place.high))
