"""The glass transition of a scan as quantities with errors, and its picture."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vitrolyte.data.curve import Axis, Curve, CurveSet
from vitrolyte.data.quantity import Quantity
from vitrolyte.laboratory.calorimetry.lines import SlopePrior
from vitrolyte.laboratory.calorimetry.noise import Noise
from vitrolyte.laboratory.calorimetry.results import GlassTransition
from vitrolyte.laboratory.calorimetry.scan import Scan
from vitrolyte.laboratory.calorimetry.settings import CalorimetrySettings
from vitrolyte.laboratory.calorimetry.step import (
    Constructions,
    Found,
    Windows,
    construct,
    enough,
    shifted,
)
from vitrolyte.laboratory.calorimetry.uncertainty import (
    SCALE_UNKNOWN,
    from_draws,
    in_doubt,
    noted,
)

Floats = NDArray[np.float64]

_K = Axis("temperature", "K")
_BENT = 2.0
_NO_OVERSHOOT = 3.0
_CHOICE = 0.3


def prior_of(noise: Noise, width: float, draws: int, random: np.random.Generator) -> SlopePrior:
    """Return that two slopes differ by no more than some width."""
    error = noise.sigma * np.sqrt(noise.correlation_points)
    offsets = np.concatenate([[0.0], random.normal(0.0, width, draws)])
    return SlopePrior(width, float(error), offsets)


def transition_of(
    scan: Scan,
    noise: Noise,
    curves: Floats,
    step: tuple[Found, Windows],
    settings: CalorimetrySettings,
    random: np.random.Generator,
) -> GlassTransition:
    """Return the glass transition of a scan.

    Slopes of glass and liquid may differ by the order of the step over the temperature; what the
    record does not say of them is in the errors.
    """
    found, windows = step
    height = _first_height(scan, windows)
    middle = 0.5 * sum(windows.rise)
    prior = prior_of(noise, abs(height) / middle, len(curves) - 1, random)
    lowest = min(windows.glass[0], float(scan.temperatures_K[0]))
    choices = (windows,) if settings.windows_K else shifted(windows, lowest)
    made = tuple(construct(scan, choice, curves, prior) for choice in choices)
    central = made[0]
    factor, doubts = _bent(central)
    doubts = scan.doubts + doubts + _short(scan, windows)
    numbers = _numbers(scan, made, factor, doubts, settings)
    if not enough(scan, windows.liquid):
        numbers = _without_liquid(numbers)
    onset, midpoint, endset, fictive, size, recovery = numbers
    return GlassTransition(
        onset=onset,
        midpoint=midpoint,
        endset=endset,
        fictive=fictive,
        step=size,
        recovery=recovery,
        p_value=found.p_value,
        scan=scan.described,
        picture=_picture(scan, windows, central),
    )


def _first_height(scan: Scan, windows: Windows) -> float:
    """Return the step between the means of the two windows, never zero."""
    levels = []
    for window in (windows.glass, windows.liquid):
        inside = scan.within(*window)
        near = np.abs(scan.temperatures_K - 0.5 * sum(window))
        inside[np.argmin(near)] = True
        levels.append(float(scan.heat_capacity[inside].mean()))
    return (levels[1] - levels[0]) or 1e-9


def _numbers(
    scan: Scan,
    made: tuple[Constructions, ...],
    factor: float,
    doubts: tuple[str, ...],
    settings: CalorimetrySettings,
) -> tuple[Quantity, ...]:
    known = settings.temperature_error_K
    note = "" if known else SCALE_UNKNOWN
    temperatures = []
    for name in ("onset", "midpoint", "endset", "fictive"):
        versions, choice = _averaged(made, name)
        extra = float(np.hypot(known, choice))
        number = from_draws(versions, "K", extra=extra, factor=factor)
        temperatures.append(noted(in_doubt(number, doubts), note))
    if not scan.calibrated:
        step = Quantity.refused("J/(g K)", scan.reason)
        return (*temperatures, step, Quantity.refused("J/g", scan.reason))
    versions, choice = _averaged(made, "height")
    step = in_doubt(from_draws(versions, "J/(g K)", extra=choice, factor=factor), doubts)
    versions, choice = _averaged(made, "overshoot")
    over = in_doubt(from_draws(versions, "J/g", extra=choice, factor=factor), doubts)
    if over.status != "refused" and over.value < _NO_OVERSHOOT * over.error:
        over = Quantity.refused("J/g", "no overshoot stands out of the noise")
    return (*temperatures, step, over)


def _averaged(made: tuple[Constructions, ...], name: str) -> tuple[Floats, float]:
    """Return a construction's mean over the windows, (r,), and the error of their choice."""
    each = np.stack([getattr(one, name) for one in made])
    choice = float(np.std(each[:, 0], ddof=1)) * _CHOICE if len(made) > 1 else 0.0
    return each.mean(axis=0), choice


def _without_liquid(numbers: tuple[Quantity, ...]) -> tuple[Quantity, ...]:
    """Return the numbers where something follows the step before a liquid can be seen."""
    reason = "another event follows before the line of the liquid can be drawn"
    onset, *rest = numbers
    missing = [Quantity.refused(number.unit, reason) for number in rest]
    return (onset.provisional(reason), *missing)


def _bent(made: Constructions) -> tuple[float, tuple[str, ...]]:
    """Return by what to widen errors where the lines leave more than noise, and the doubt."""
    chance = made.misfit[1:]
    # Simulated curves hold the noise of the record once more.
    expected = max(float(np.mean(chance)) - float(made.misfit[0]), 1e-300)
    ratio = float(made.misfit[0]) / expected
    spread = float(np.std(chance)) / expected
    if ratio <= max(_BENT, 1.0 + 4.0 * spread):
        return 1.0, ()
    return float(np.sqrt(ratio)), (
        f"the lines of glass and liquid leave {np.sqrt(ratio):.1f} times the noise",
    )


def _short(scan: Scan, windows: Windows) -> tuple[str, ...]:
    doubts = []
    rise = windows.rise[1] - windows.rise[0]
    if not enough(scan, windows.glass) or windows.glass[1] - windows.glass[0] < 0.75 * rise:
        doubts.append("the line of the glass rests on a short stretch")
    if windows.liquid[1] - windows.liquid[0] < 0.4 * rise:
        doubts.append("the line of the liquid rests on a short stretch")
    return tuple(doubts)


def _picture(scan: Scan, windows: Windows, made: Constructions) -> CurveSet:
    """Return the curve with both lines, the tangent, and onset, midpoint and end."""
    y = scan.axis
    low, high = windows.glass[0], windows.liquid[1]
    seen = scan.within(low, high)
    t, middle = scan.temperatures_K[seen], 0.5 * sum(windows.rise)
    glass, liquid, tangent = (one[0] for one in (made.glass, made.liquid, made.tangent))
    ends = np.array([low, high])
    slope = np.array([made.onset[0], made.endset[0]])
    curves = [
        Curve(t, scan.heat_capacity[seen], _K, y, label="record"),
        Curve(ends, glass[0] + glass[1] * (ends - middle), _K, y, label="glass"),
        Curve(ends, liquid[0] + liquid[1] * (ends - middle), _K, y, label="liquid"),
    ]
    if np.isfinite(slope).all():
        heights = tangent[0] + tangent[1] * (slope - middle)
        curves.append(Curve(slope, heights, _K, y, label="inflection tangent"))
    marks = (("onset", made.onset), ("midpoint", made.midpoint), ("fictive", made.fictive))
    shown = []
    for label, values in marks:
        place = float(values[0])
        if np.isfinite(place) and low <= place <= high:
            half = 0.5 * (glass + liquid)
            line = {"onset": glass, "midpoint": half}.get(label, glass)
            height = np.array([line[0] + line[1] * (place - middle)])
            curves.append(Curve(np.array([place]), height, _K, y, label=label))
            shown.append(label)
    title = f"Glass transition: {scan.title}"
    return CurveSet(title, tuple(curves), points=tuple(shown))
