"""Cells of two like electrodes: overpotential, and the moment of a short circuit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vitrolyte.data.curve import Axis, Curve, CurveSet
from vitrolyte.data.observation import Observation, Sample, measured
from vitrolyte.data.quantity import Quantity
from vitrolyte.data.result import Result
from vitrolyte.laboratory.cycling.fade import mean_of_cycles
from vitrolyte.laboratory.cycling.half_cycles import HalfCycle

Floats = NDArray[np.float64]

_BEFORE = 5
_DROP = 0.5
_SAME_CURRENT = 0.1


@dataclass(frozen=True, eq=False)
class SymmetricCell(Result):
    """Overpotential of a symmetric cell over time, and whether it was shorted.

    Attributes
    ----------
    file
        What was read.
    overpotential
        Mean of the half cycles before any short, V.
    stable_time
        Time until the short, or to the end of the test where there was none, h.
    short_time
        Time of the short, h; refused where there was none.
    curves
        Overpotential of each half cycle over time.
    notes
        What was assumed or left out.
    cell
        Name of the cell in the table, where there are several.
    """

    file: str
    overpotential: Quantity
    stable_time: Quantity
    short_time: Quantity
    curves: CurveSet
    notes: tuple[str, ...] = ()
    cell: str = ""

    def observations(self, sample: Sample) -> tuple[Observation, ...]:
        """Return overpotential, stable time and, where there was one, the short circuit."""
        method = "galvanostatic cycling of a symmetric cell"
        return (
            measured(sample, "overpotential", self.overpotential, of=self.cell, method=method),
            measured(
                sample, "stable_overpotential_time", self.stable_time, of=self.cell, method=method
            ),
            measured(sample, "short_circuit_time", self.short_time, of=self.cell, method=method),
        )


def symmetric_cell(
    halves: tuple[HalfCycle, ...], file: str, notes: tuple[str, ...]
) -> SymmetricCell:
    """Return overpotential and short circuit of a symmetric cell.

    The overpotential of a half cycle is the mean ``|V|`` over its second half in charge. A short
    is the first half cycle in which, at the same current, ``|V|`` falls below half of the median
    of the five half cycles before, in the same direction or not, and from which it does not come
    back in the half cycle after; or in which it falls to less than half of itself between two
    records and stays there.
    """
    times = np.array([half.time_s[-1] for half in halves]) / 3600.0
    sizes = np.array([_overpotential(half) for half in halves])
    currents = np.array([half.current_mA for half in halves])
    short = _short(halves, sizes, currents)
    good = slice(0, short[0] if short is not None else len(halves))
    count = len(sizes[good])
    mean = mean_of_cycles(np.arange(float(count)), sizes[good], "V")
    end_h = float(halves[-1].time_s[-1]) / 3600.0
    axis = Axis("time", "h")
    curve = Curve(times, 1e3 * sizes, axis, Axis("overpotential", "mV"), label="overpotential")
    return SymmetricCell(
        file=file,
        overpotential=mean,
        stable_time=_stable(short[1] if short else None, end_h),
        short_time=Quantity(short[1], "h")
        if short
        else Quantity.refused("h", "no short circuit until the end of the test"),
        curves=CurveSet(f"Overpotential of {file}", (curve,), points=("overpotential",)),
        notes=notes,
    )


def _stable(short_h: float | None, end_h: float) -> Quantity:
    if short_h is not None:
        return Quantity(short_h, "h", note="until a short circuit")
    return Quantity(end_h, "h", note="at least: the test ended without a short circuit")


def _overpotential(half: HalfCycle) -> float:
    late = half.passed_mAh >= 0.5 * half.capacity_mAh
    return float(np.mean(np.abs(half.voltage_V[late])))


def _short(
    halves: tuple[HalfCycle, ...], sizes: Floats, currents: Floats
) -> tuple[int, float] | None:
    """Return the half cycle of a short and its time, h, or None."""
    for place, half in enumerate(halves):
        inside = _drop_inside(half)
        follows = halves[place + 1 : place + 2]
        if inside is not None and all(
            _overpotential(one) < _DROP * 1.2 * inside[1] for one in follows
        ):
            return place, inside[0]
        before = slice(max(0, place - _BEFORE), place)
        same = np.abs(currents[before] / currents[place] - 1.0) < _SAME_CURRENT
        if same.sum() < 2:
            continue
        usual = float(np.median(sizes[before][same]))
        later = sizes[place : place + 2]
        if np.all(later < _DROP * usual):
            return place, float(half.time_s[0]) / 3600.0
    return None


def _drop_inside(half: HalfCycle) -> tuple[float, float] | None:
    """Return when |V| fell by half between two records and stayed low, h, and what it was, V."""
    size = np.abs(half.voltage_V)
    if len(size) < 12:
        return None
    steps = np.flatnonzero(size[1:] < _DROP * size[:-1]) + 1
    for step in steps:
        # the first records are the rise after the current was turned
        before, after = size[max(0, step - 5) : step], size[step:]
        if step >= 5 and len(after) >= 3 and after.max() < _DROP * float(np.median(before)):
            return float(half.time_s[step]) / 3600.0, float(np.median(before))
    return None
