"""Capacity at each rate that was held for some cycles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from vitrolyte.data.quantity import Quantity
from vitrolyte.laboratory.cycling.half_cycles import Cycle

_SAME_CURRENT = 0.05


@dataclass(frozen=True)
class RateStep:
    """Cycles in a row at one current.

    Attributes
    ----------
    name
        The rate, as people say it.
    first, last
        Numbers of the cycles.
    current_mA
        Median current.
    c_rate
        Current over that of 1C, 1/h; NaN where 1C is not known.
    capacity
        Mean capacity of what comes back, with the interval of its mean where there are three.
    """

    name: str
    first: int
    last: int
    current_mA: float
    c_rate: float
    capacity: Quantity


def rate_steps(
    cycles: Sequence[Cycle], factor: float, unit: str, one_C_mA: float | None
) -> tuple[RateStep, ...]:
    """Return the steps of a test at several rates; none where all cycles have one rate."""
    groups: list[list[Cycle]] = []
    for cycle in cycles:
        current = cycle.second.current_mA
        if groups and abs(np.log(current / groups[-1][0].second.current_mA)) < _SAME_CURRENT:
            groups[-1].append(cycle)
        else:
            groups.append([cycle])
    if len(groups) < 2:
        return ()
    return tuple(_step(group, factor, unit, one_C_mA) for group in groups)


def _step(group: Sequence[Cycle], factor: float, unit: str, one_C_mA: float | None) -> RateStep:
    current = float(np.median([cycle.second.current_mA for cycle in group]))
    values = factor * np.array([cycle.second.capacity_mAh for cycle in group])
    c_rate = current / one_C_mA if one_C_mA else float("nan")
    word = f"{c_rate:.3g}C" if one_C_mA else f"{current:.3g} mA"
    numbers = f"cycles {group[0].number} to {group[-1].number}"
    return RateStep(
        name=f"{word}, {numbers}" if len(group) > 1 else f"{word}, cycle {group[0].number}",
        first=group[0].number,
        last=group[-1].number,
        current_mA=current,
        c_rate=c_rate,
        capacity=_mean(values, unit),
    )


def _mean(values: np.ndarray, unit: str) -> Quantity:
    mean = float(values.mean())
    if len(values) < 3:
        return Quantity(mean, unit, note=f"mean of {len(values)} cycles, without an error")
    error = float(values.std(ddof=1) / np.sqrt(len(values)))
    half = float(stats.t.ppf(0.975, len(values) - 1)) * error
    return Quantity(
        mean, unit, error, mean - half, mean + half, note="scatter and drift among its cycles"
    )
