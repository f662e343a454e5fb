"""Figures of a cycled cell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vitrolyte.data.curve import Axis, Curve, CurveSet
from vitrolyte.laboratory.cycling.half_cycles import Cycle, HalfCycle
from vitrolyte.laboratory.cycling.incremental import incremental_capacity

_MOST_POINTS = 800
_NUMBER = Axis("cycle", "")


@dataclass(frozen=True)
class Figures:
    """The curves that a paper on a cell shows."""

    capacity: CurveSet
    efficiency: CurveSet
    profiles: CurveSet
    incremental: CurveSet | None
    hysteresis: CurveSet


def cell_figures(
    file: str, cycles: Sequence[Cycle], factor: float, unit: str, step_V: float
) -> Figures:
    """Return capacity, efficiency and hysteresis over cycles, voltage profiles and dQ/dV."""
    numbers = np.array([float(cycle.number) for cycle in cycles])
    axis = Axis("capacity", unit)
    charge = np.array([factor * cycle.charge.capacity_mAh for cycle in cycles])
    discharge = np.array([factor * cycle.discharge.capacity_mAh for cycle in cycles])
    efficiency = np.array([cycle.efficiency for cycle in cycles])
    gaps = np.array([c.charge.mean_voltage_V - c.discharge.mean_voltage_V for c in cycles])
    shown = _shown(cycles)
    return Figures(
        capacity=CurveSet(
            f"Capacity of {file}",
            (
                Curve(numbers, charge, _NUMBER, axis, label="charge"),
                Curve(numbers, discharge, _NUMBER, axis, label="discharge"),
            ),
            points=("charge", "discharge"),
        ),
        efficiency=_points(
            f"Coulombic efficiency of {file}", numbers, efficiency, "efficiency", ""
        ),
        profiles=CurveSet(
            f"Voltage of {file}",
            tuple(
                _profile(half, factor, axis, f"cycle {cycle.number}, {_word(half)}")
                for cycle in shown
                for half in (cycle.first, cycle.second)
            ),
        ),
        incremental=_incremental(file, shown, step_V),
        hysteresis=_points(f"Hysteresis of {file}", numbers, gaps, "mean voltages", "V"),
    )


def _points(title: str, x: np.ndarray, y: np.ndarray, name: str, unit: str) -> CurveSet:
    return CurveSet(title, (Curve(x, y, _NUMBER, Axis(name, unit), label=name),), points=(name,))


def _shown(cycles: Sequence[Cycle]) -> list[Cycle]:
    """Return the first, second, middle and last cycle."""
    places = sorted({0, min(1, len(cycles) - 1), len(cycles) // 2, len(cycles) - 1})
    return [cycles[place] for place in places]


def _word(half: HalfCycle) -> str:
    return "charge" if half.direction > 0 else "discharge"


def _profile(half: HalfCycle, factor: float, axis: Axis, label: str) -> Curve:
    rows = np.unique(np.linspace(0, len(half.time_s) - 1, _MOST_POINTS).astype(int))
    return Curve(
        factor * half.passed_mAh[rows],
        half.voltage_V[rows],
        axis,
        Axis("voltage", "V"),
        label=label,
    )


def _incremental(file: str, cycles: Sequence[Cycle], step_V: float) -> CurveSet | None:
    found = [
        incremental_capacity(half, step_V, f"cycle {cycle.number}, {_word(half)}")
        for cycle in cycles
        for half in (cycle.first, cycle.second)
    ]
    curves = tuple(curve for curve in found if curve is not None)
    if not curves:
        return None
    title = f"dQ/dV of {file}, bins of {1e3 * step_V:g} mV smoothed over one"
    return CurveSet(title, curves)
