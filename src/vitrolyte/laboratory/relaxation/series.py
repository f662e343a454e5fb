"""Rates of several files and recoveries brought together: one series for each condition."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vitrolyte.data.errors import InputError, NotConverged
from vitrolyte.data.measurement import Conditions, Measurement
from vitrolyte.data.nuclei import Nucleus
from vitrolyte.laboratory.relaxation.recovery import RecoveryFit, fit_recovery
from vitrolyte.observe.relaxation.peak_model import RateSeries
from vitrolyte.observe.relaxation.rates import Condition

_OBSERVABLES = ("R1", "R1rho")


@dataclass(frozen=True, eq=False)
class Gathered:
    """What files say of relaxation: fits of recoveries, and rates over temperature.

    Attributes
    ----------
    recoveries
        One for each recovery curve.
    series
        Rates over temperature, one for each observable, field and spin-lock.
    left_out
        What could not be used, and why.
    """

    recoveries: tuple[RecoveryFit, ...]
    series: tuple[RateSeries, ...]
    left_out: tuple[str, ...]


def gather(measurements: Sequence[Measurement], nucleus: Nucleus, *, law: str = "auto") -> Gathered:
    """Fit recoveries, and sort all rates by what was measured at which frequencies.

    Raises
    ------
    InputError
        If a series lacks its field or its spin-lock.
    """
    rows: dict[Condition, list[tuple[float, float, float]]] = {}
    recoveries, left_out = [], []
    for one in measurements:
        if one.curve.x_axis.name == "delay":
            try:
                found = fit_recovery(one, nucleus=nucleus.name, law=law)
            except NotConverged as fault:
                left_out.append(f"{one.name}: {fault.message()}")
                continue
            recoveries.append(found)
            reason = _unfit(found)
            if reason:
                left_out.append(f"{one.name}: {reason}")
                continue
            rate, error = found.rate
            points = [(found.temperature_K or math.nan, rate, error)]
            observable = found.observable
        else:
            observable, points = one.curve.label, _points(one)
        if one.curve.x_axis.name == "delay" and len(measurements) == 1:
            continue
        rows.setdefault(condition_of(one.conditions, nucleus, observable), []).extend(points)
    series = tuple(_series(at, points) for at, points in rows.items())
    return Gathered(tuple(recoveries), series, tuple(left_out))


def _unfit(found: RecoveryFit) -> str:
    if found.time.status == "refused":
        return f"no relaxation time ({found.time.note})"
    return "" if found.temperature_K is not None else "its temperature is not known"


def _points(one: Measurement) -> list[tuple[float, float, float]]:
    errors = one.curve.y_error
    relative = np.full(len(one.curve), np.nan) if errors is None else errors / one.curve.y
    return [(float(t), float(r), float(e)) for t, r, e in zip(one.curve.x, one.curve.y, relative)]


def condition_of(conditions: Conditions, nucleus: Nucleus, observable: str) -> Condition:
    """Return observable and frequencies of a measurement.

    Raises
    ------
    InputError
        If neither field nor Larmor frequency is known, or for R1rho no spin-lock.
    """
    if observable not in _OBSERVABLES:
        raise InputError("A relaxation rate is R1 or R1rho", received=repr(observable))
    if conditions.larmor_MHz is not None:
        larmor = math.copysign(2e6 * math.pi * conditions.larmor_MHz, nucleus.gamma)
    else:
        field_T = conditions.require(
            "field_T", of="A relaxation peak", remedy="give --field-T, or --larmor-MHz"
        )
        larmor = nucleus.gamma * field_T
    if observable == "R1":
        return Condition("R1", larmor)
    lock = conditions.require("spin_lock_kHz", of="R1rho")
    return Condition("R1rho", larmor, 2e3 * math.pi * lock)


def _series(at: Condition, points: list[tuple[float, float, float]]) -> RateSeries:
    t, rates, errors = (np.array(column) for column in zip(*sorted(points)))
    known = None if np.any(np.isnan(errors)) else errors
    return RateSeries(at, t, rates, known)
