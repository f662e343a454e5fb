"""Made-up records of cycling whose truth is known."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from vitrolyte.data.cycling import CyclerRecord

POINTS = 40


def cell(
    charges_mAh: Sequence[float],
    discharges_mAh: Sequence[float],
    *,
    current_mA: float | Sequence[float] = 1.0,
    gap_V: float = 0.1,
    rest: bool = True,
) -> CyclerRecord:
    """Return a cell charged from 3.0 to 4.0 V and discharged back, the charge ``gap_V`` above.

    Voltage is linear in charge, so that mean voltages are 3.5 V plus and less half of the gap.
    """
    currents = np.broadcast_to(np.asarray(current_mA, dtype=float), len(charges_mAh))
    time, voltage, current, charge = [0.0], [3.0], [0.0], [0.0]
    for number, (up, down) in enumerate(zip(charges_mAh, discharges_mAh, strict=False)):
        for sign, capacity in ((1, up), (-1, down)):
            share = np.linspace(0, 1, POINTS + 1)[1:]
            level = 3.0 + (share if sign > 0 else 1 - share)
            seconds = 3600 * capacity / currents[number]
            start_s, start_mAh = time[-1], charge[-1]
            time += (start_s + share * seconds).tolist()
            voltage += (level + sign * gap_V / 2).tolist()
            current += [sign * currents[number] / 1e3] * POINTS
            charge += (start_mAh + sign * share * capacity).tolist()
            if rest:
                time += [time[-1] + 60, time[-1] + 600]
                voltage += [voltage[-1]] * 2
                current += [0.0, 0.0]
                charge += [charge[-1]] * 2
    return CyclerRecord(
        np.array(time), np.array(voltage), np.array(current), np.array(charge), file="cell"
    )


def correlated(rho: float, count: int, rng: np.random.Generator) -> np.ndarray:
    """Return errors of unit variance of which each remembers the one before."""
    errors = np.empty(count)
    errors[0] = rng.normal()
    for place in range(1, count):
        errors[place] = rho * errors[place - 1] + np.sqrt(1 - rho**2) * rng.normal()
    return errors


def symmetric(halves: int, *, short_at: int | None = None, current_mA: float = 0.5) -> CyclerRecord:
    """Return plating and stripping of an hour each at 50 mV, at 5 mV after a short circuit."""
    time, voltage, current = [0.0], [0.0], [0.0]
    for half in range(halves):
        sign = 1 if half % 2 == 0 else -1
        size = 0.005 if short_at is not None and half >= short_at else 0.05
        time += (time[-1] + np.arange(1, 61) * 60.0).tolist()
        voltage += [sign * size] * 60
        current += [sign * current_mA / 1e3] * 60
    charge = np.cumsum(np.diff(time, prepend=0.0) * np.array(current)) / 3.6
    return CyclerRecord(
        np.array(time), np.array(voltage), np.array(current), charge, file="symmetric"
    )
