"""How capacity fades over cycles: a line, its honest interval, and how long it leads."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from vitrolyte.data.quantity import Quantity
from vitrolyte.infer.correlated_line import CorrelatedFit, correlated_fit
from vitrolyte.laboratory.cycling.half_cycles import Cycle

Floats = NDArray[np.float64]

FEWEST_CYCLES = 8
_LEFT = 0.8
_SAME_CURRENT = 0.05


def prevailing(cycles: Sequence[Cycle], first_cycle: int) -> list[Cycle]:
    """Return the cycles, from one on, at the current that most of them have."""
    later = [cycle for cycle in cycles if cycle.number >= first_cycle]
    currents = np.array([cycle.second.current_mA for cycle in later])
    if len(currents) == 0:
        return []
    near = np.abs(np.log(currents[:, None] / currents[None, :])) < _SAME_CURRENT
    usual = near[int(np.argmax(near.sum(axis=1)))]
    return [cycle for cycle, same in zip(later, usual) if same]


def fade_per_cycle(numbers: Floats, capacities: Floats) -> tuple[Quantity, CorrelatedFit | None]:
    """Return the share of capacity lost in a cycle, and the line behind it.

    A line through capacity over cycle number; its errors are correlated from cycle to cycle, since
    temperature drifts and cells recover in rests. The share is of the line's value at its first
    cycle.
    """
    if len(numbers) < FEWEST_CYCLES:
        return Quantity.refused(
            "1",
            f"{len(numbers)} whole cycles at one current; {FEWEST_CYCLES} are needed for a line",
        ), None
    line = correlated_fit(numbers, _columns(numbers, 2), capacities)
    start = float(line.best[0])
    if start <= 0:
        return Quantity.refused("1", "the line through the capacities does not start above 0"), line
    fade = line.quantity(np.array([0.0, -1.0 / start]), "1")
    bent = correlated_fit(numbers, _columns(numbers, 3), capacities)
    curve = bent.quantity(np.array([0.0, 0.0, 1.0]), "1")
    if curve.low > 0 or curve.high < 0:
        return fade.provisional(
            "the fade is no straight line over these cycles: this is its mean slope"
        ), line
    return fade, line


def _columns(numbers: Floats, count: int) -> Floats:
    # over the whole range, so that the square is as well determined as the slope
    steps = numbers - numbers[0]
    return np.column_stack([steps**power for power in range(count)])


def cycles_to_80_percent(fade: Quantity, n_measured: int) -> Quantity:
    """Return after how many cycles four fifths would be left, by the line.

    ``n = 0.2 / fade``. Beyond the measured cycles it is an extrapolation, and provisional.
    """
    if fade.status == "refused" or not fade.low > 0:
        reason = fade.note if fade.status == "refused" else "no fade is proven by these cycles"
        return Quantity.refused("1", reason)
    lost = 1.0 - _LEFT
    value = lost / fade.value
    found = Quantity(value, "1", value * fade.error / fade.value, lost / fade.high, lost / fade.low)
    if value > n_measured:
        found = found.provisional(f"extrapolated along a line from {n_measured} cycles")
    return found.provisional(fade.note) if fade.status == "provisional" else found


def mean_of_cycles(numbers: Floats, values: Floats, unit: str) -> Quantity:
    """Return a mean over cycles whose errors are correlated from one to the next."""
    if len(values) < 4:
        return Quantity.refused(unit, f"{len(values)} whole cycles; 4 are needed for a mean")
    fitted = correlated_fit(numbers, np.ones((len(values), 1)), values)
    return fitted.quantity(np.array([1.0]), unit)
