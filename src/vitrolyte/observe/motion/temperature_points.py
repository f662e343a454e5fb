"""Points of transport against temperature, with their errors and the transitions between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from vitrolyte.data.curve import Curve
from vitrolyte.data.errors import InputError
from vitrolyte.data.model import Floats
from vitrolyte.data.quantity import NORMAL_95, Quantity
from vitrolyte.data.separable import ScatteredPoints, nothing_known
from vitrolyte.observe.motion.arrhenius import (
    CONDUCTIVITY,
    ActivatedQuantity,
    TemperatureSeries,
)

FEWEST = 4
"""Temperatures that a line needs."""


@dataclass(frozen=True)
class Transition:
    """A transition of the material: melting, a glass transition, a change of phase.

    Attributes
    ----------
    name
        What happens.
    low_K, high_K
        Between which temperatures: the hysteresis, or the error.
    """

    name: str
    low_K: float
    high_K: float

    def __post_init__(self) -> None:
        if not 0 < self.low_K <= self.high_K:
            raise InputError(
                "A transition lies between two temperatures above zero, the lower one first",
                received=f"{self.low_K} to {self.high_K} K",
            )


def measured_series(
    curve: Curve,
    kind: ActivatedQuantity = CONDUCTIVITY,
    *,
    temperature_errors_K: Floats | float = 0.0,
) -> TemperatureSeries:
    """Return the series of a measured curve: the quantity, in its unit, against T in K.

    Parameters
    ----------
    curve
        (n,); without ``y_error`` its errors are taken from the scatter about the law.
    kind
        What the quantity is.
    temperature_errors_K
        (n,) or one for all, standard errors of the temperatures, K.

    Raises
    ------
    InputError
        If the axes have other units.
    """
    if (curve.x_axis.unit, curve.y_axis.unit) != ("K", kind.unit):
        raise InputError(
            f"A measured series gives {kind.word} in {kind.unit} against T in K",
            received=f"{curve.y_axis.label} against {curve.x_axis.label}",
        )
    values = np.asarray(curve.y, dtype=float)
    errors = np.full_like(values, np.nan) if curve.y_error is None else curve.y_error
    each = np.broadcast_to(np.asarray(temperature_errors_K, dtype=float), values.shape)
    return TemperatureSeries(
        tuple(float(t) for t in curve.x),
        tuple(_logarithmic(float(v), float(e), kind.unit) for v, e in zip(values, errors)),
        kind,
        curve.label,
        "measured",
        tuple(float(e) for e in each) if np.any(each) else (),
    )


def _logarithmic(value: float, error: float, unit: str) -> Quantity:
    """Return a number above zero whose interval is symmetric on the logarithmic scale."""
    if not value > 0:
        return Quantity.refused(unit, f"{value:g} has no logarithm")
    factor = float(np.exp(NORMAL_95 * error / value))
    return Quantity(value, unit, error, value / factor, value * factor)


def one_phase(
    series: TemperatureSeries, transitions: Sequence[Transition], target_K: float
) -> tuple[TemperatureSeries, str]:
    """Return the points of one phase, that of the target if it was looked at, and a warning."""
    bounds = sorted((one.low_K, one.high_K, one.name) for one in transitions)
    phases: dict[int, list[int]] = {}
    for index, t in enumerate(series.temperatures_K):
        if not any(low <= t <= high for low, high, _ in bounds):
            phases.setdefault(sum(t > high for _, high, _ in bounds), []).append(index)
    own = sum(target_K > high for _, high, _ in bounds)
    inside = next((name for low, high, name in bounds if low <= target_K <= high), "")
    enough = [k for k, found in phases.items() if _distinct(series, found) >= FEWEST]
    chosen = own if own in enough else max(phases, key=lambda k: len(phases[k]), default=own)
    kept = _subset(series, phases.get(chosen, []))
    if inside:
        return kept, f"{target_K:g} K lies within the transition ({inside})"
    if chosen != own:
        crossed = [
            n for k, (_, _, n) in enumerate(bounds) if min(own, chosen) <= k < max(own, chosen)
        ]
        return kept, (
            f"{', '.join(crossed)} lies between {target_K:g} K and the points: "
            "what is true on one side of a transition says nothing of the other"
        )
    return kept, ""


def _distinct(series: TemperatureSeries, indices: list[int]) -> int:
    return len({series.temperatures_K[k] for k in indices})


def _subset(series: TemperatureSeries, indices: list[int]) -> TemperatureSeries:
    errors = series.temperature_errors_K
    return replace(
        series,
        temperatures_K=tuple(series.temperatures_K[k] for k in indices),
        numbers=tuple(series.numbers[k] for k in indices),
        temperature_errors_K=tuple(errors[k] for k in indices) if errors else (),
    )


def log_points(series: TemperatureSeries) -> ScatteredPoints:
    """Return ln y against T; the factor T of a conductivity is known once the true T is."""
    usable = [k for k, n in enumerate(series.numbers) if n.status != "refused" and n.value > 0]
    kept = _subset(series, usable)
    t = np.array(kept.temperatures_K)
    value, low, high = (
        np.array([getattr(n, end) for n in kept.numbers]) for end in ("value", "low", "high")
    )
    known = np.isfinite(low) & np.isfinite(high)
    if np.any(known) and not np.all(known):
        raise InputError(
            "Either each point has its 95 % interval, or none has one",
            received=f"intervals at {np.sum(known)} of {len(known)} temperatures",
            remedy="give the others an interval, or leave all out and let the scatter decide",
        )
    # An interval that reaches zero has no logarithm: its upper half stands for both.
    safe = np.where(low > 0, low, value**2 / high)
    error = np.log(high / safe) / (2 * NORMAL_95) if np.all(known) else None
    return ScatteredPoints(
        t,
        np.log(value),
        error,
        np.array(kept.temperature_errors_K or np.zeros_like(t)),
        _minus_log if series.kind.times_temperature else nothing_known,
    )


def _minus_log(temperature_K: Floats) -> Floats:
    return np.asarray(-np.log(temperature_K))
