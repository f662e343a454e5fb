"""A cycled cell: capacities, efficiency, fade, hysteresis and rates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from vitrolyte.data.curve import CurveSet
from vitrolyte.data.cycling import CyclerRecord
from vitrolyte.data.errors import InputError
from vitrolyte.data.observation import Observation, Sample, measured
from vitrolyte.data.quantity import Quantity
from vitrolyte.data.result import Result
from vitrolyte.laboratory.cycling.fade import (
    cycles_to_80_percent,
    fade_per_cycle,
    mean_of_cycles,
    prevailing,
)
from vitrolyte.laboratory.cycling.figures import cell_figures
from vitrolyte.laboratory.cycling.half_cycles import (
    Cycle,
    HalfCycle,
    Lead,
    find_half_cycles,
    looks_symmetric,
    pair_cycles,
    refuse_turned_current,
)
from vitrolyte.laboratory.cycling.rates import RateStep, rate_steps
from vitrolyte.laboratory.cycling.symmetric import SymmetricCell, symmetric_cell

Electrode = Literal["auto", "full", "cathode", "anode", "symmetric"]


@dataclass(frozen=True)
class CyclingSettings:
    """How a cycled cell is looked at.

    Attributes
    ----------
    electrode
        ``full`` and ``cathode`` cells begin a cycle with a charge, an ``anode`` with a discharge;
        ``auto`` follows the record, ``symmetric`` cells have no capacity.
    first_cycle
        First cycle of the line of fade and of the mean efficiency; those before are formation.
    one_C_mAh_g, nominal_mAh
        What a rate of 1C discharges in an hour.
    mass_error_mg
        Standard error of the mass of active material.
    voltage_step_V
        Width of a bin of dQ/dV.

    Raises
    ------
    InputError
        If a number is out of range.
    """

    electrode: Electrode = "auto"
    first_cycle: int = 2
    one_C_mAh_g: float | None = None
    nominal_mAh: float | None = None
    mass_error_mg: float = 0.0
    voltage_step_V: float = 0.005

    def __post_init__(self) -> None:
        numbers = (self.one_C_mAh_g, self.nominal_mAh, self.voltage_step_V)
        above = all(number is None or number > 0 for number in numbers)
        if not above or self.first_cycle < 1 or self.mass_error_mg < 0:
            raise InputError("Settings of cycling must be above zero", received=str(self))


@dataclass(frozen=True, eq=False)
class CycledCell(Result):
    """What one cell did.

    Attributes
    ----------
    file
        What was read.
    begins_with
        Whether a cycle begins with a charge or a discharge.
    n_cycles
        Number of whole cycles.
    capacities
        First and last charge and discharge, by their names, mAh/g or mAh.
    initial_efficiency, mean_efficiency
        Of the first cycle, and the mean from ``first_cycle`` on.
    retention
        Capacity of the last cycle over that of the first one counted.
    fade, lasting
        Share lost in a cycle, and the cycles after which four fifths would be left.
    hysteresis, half_hysteresis
        Mean charge voltage less mean discharge voltage, and the same at half of the charge.
    rates
        Capacity at each current that was held.
    capacity_curves, efficiency_curves, profiles, incremental, hysteresis_curves
        Figures.
    notes
        What was assumed or left out.
    cell
        Name of the cell in the table, where there are several.
    """

    file: str
    begins_with: Lead
    n_cycles: int
    capacities: dict[str, Quantity]
    initial_efficiency: Quantity
    mean_efficiency: Quantity
    retention: Quantity
    fade: Quantity
    lasting: Quantity
    hysteresis: Quantity
    half_hysteresis: Quantity
    rates: tuple[RateStep, ...]
    capacity_curves: CurveSet
    efficiency_curves: CurveSet
    profiles: CurveSet
    incremental: CurveSet | None
    hysteresis_curves: CurveSet
    notes: tuple[str, ...] = ()
    cell: str = ""

    def observations(self, sample: Sample) -> tuple[Observation, ...]:
        """Return a row for every quantity, what it is of with the cell where there are several."""
        behind = f", {self.cell}" if self.cell else ""
        method = f"galvanostatic cycling; cycles begin with a {self.begins_with}"
        rows = [
            measured(sample, _word(number), number, of=f"{name}{behind}", method=method)
            for name, number in self.capacities.items()
        ]
        named = (
            ("coulombic_efficiency_initial", "cycle 1", self.initial_efficiency),
            ("coulombic_efficiency", "mean", self.mean_efficiency),
            ("capacity_retention", f"after {self.n_cycles} cycles", self.retention),
            ("capacity_fade_per_cycle", "line", self.fade),
            ("cycles_to_80_percent", "line", self.lasting),
            ("voltage_hysteresis", "mean voltages", self.hysteresis),
            ("voltage_hysteresis", "half capacity", self.half_hysteresis),
        )
        rows += [
            measured(sample, word, number, of=f"{of}{behind}", method=method)
            for word, of, number in named
        ]
        for rate in self.rates:
            rows.append(
                measured(
                    sample,
                    _word(rate.capacity),
                    rate.capacity,
                    of=f"{rate.name}{behind}",
                    method=method,
                )
            )
        return tuple(rows)


def _word(number: Quantity) -> str:
    return "capacity" if number.unit == "mAh/g" else "cell_capacity"


def cycling(record: CyclerRecord, settings: CyclingSettings) -> CycledCell | SymmetricCell:
    """Return what a record of cycling says about a cell.

    Raises
    ------
    InputError
        If no current flows, no cycle is whole, or the current has the other sign.
    """
    halves = find_half_cycles(record)
    if len(halves) < 2:
        raise _no_cycle(record.file, len(halves))
    notes = record.notes
    if settings.electrode == "symmetric" or (
        settings.electrode == "auto" and len(halves) > 2 and looks_symmetric(record)
    ):
        if settings.electrode == "auto":
            notes += ("the voltage has the sign of the current: taken for a symmetric cell",)
        return symmetric_cell(halves, record.file, notes)
    refuse_turned_current(halves, record.file)
    lead = _lead(halves, settings.electrode)
    cycles = pair_cycles(halves, lead)
    if not cycles:
        raise _no_cycle(record.file, len(halves))
    notes += _left_out(halves, cycles, lead)
    return _cell(record, cycles, settings, (lead, notes))


def _no_cycle(file: str, halves: int) -> InputError:
    return InputError(
        f"{file} needs at least one whole cycle",
        received=f"{halves} half cycles, none followed by a whole one back",
    )


def _lead(halves: Sequence[HalfCycle], electrode: Electrode) -> Lead:
    if electrode in ("full", "cathode"):
        return "charge"
    if electrode == "anode":
        return "discharge"
    return "charge" if halves[0].direction > 0 else "discharge"


def _left_out(halves: Sequence[HalfCycle], cycles: Sequence[Cycle], lead: Lead) -> tuple[str, ...]:
    notes: tuple[str, ...] = ()
    if halves[0] is not cycles[0].first:
        notes += (f"the record begins before the first {lead}; what is before it is left out",)
    if halves[-1] is not cycles[-1].second:
        notes += ("the last cycle is not whole and is left out",)
    elif len(cycles) == 1:
        notes += ("whether the only cycle came to its end cannot be told from the record",)
    return notes


def _cell(
    record: CyclerRecord,
    cycles: tuple[Cycle, ...],
    settings: CyclingSettings,
    how: tuple[Lead, tuple[str, ...]],
) -> CycledCell:
    lead, notes = how
    per = _Unit.of(record, settings)
    counted = prevailing(cycles, settings.first_cycle if len(cycles) > settings.first_cycle else 1)
    numbers = np.array([float(cycle.number) for cycle in counted])
    back = np.array([cycle.second.capacity_mAh for cycle in counted])
    fade, line = fade_per_cycle(numbers, back)
    noise = line.scatter if line is not None else float("nan")
    figures = cell_figures(record.file, cycles, per.factor, per.unit, settings.voltage_step_V)
    doubt = settings.electrode == "auto" and lead == "discharge"
    return CycledCell(
        file=record.file,
        begins_with=lead,
        n_cycles=len(cycles),
        capacities=_capacities(cycles, per),
        initial_efficiency=_initial(cycles[0], doubt),
        mean_efficiency=_mean_efficiency(counted, doubt),
        retention=_retention(back, noise),
        fade=fade,
        lasting=cycles_to_80_percent(fade, len(cycles)),
        hysteresis=_hysteresis(counted, False),
        half_hysteresis=_hysteresis(counted, True),
        rates=rate_steps(cycles, per.factor, per.unit, per.one_C_mA),
        capacity_curves=figures.capacity,
        efficiency_curves=figures.efficiency,
        profiles=figures.profiles,
        incremental=figures.incremental,
        hysteresis_curves=figures.hysteresis,
        notes=notes + per.notes,
    )


@dataclass(frozen=True)
class _Unit:
    """In what capacities are given, the relative error of that, and the current of 1C."""

    factor: float
    unit: str
    relative_error: float
    one_C_mA: float | None
    notes: tuple[str, ...] = ()

    @classmethod
    def of(cls, record: CyclerRecord, settings: CyclingSettings) -> _Unit:
        mass = record.conditions.mass_mg
        one_C = settings.nominal_mAh
        if mass is None:
            notes: tuple[str, ...] = ("no mass: capacities are of the whole cell",)
            if settings.one_C_mAh_g is not None:
                raise InputError(
                    "A rate in mAh/g needs the mass of active material",
                    received="--one-C-mAh-g without a mass",
                    remedy="give --active-mass-mg",
                )
            return cls(1.0, "mAh", 0.0, one_C, notes)
        if settings.one_C_mAh_g is not None:
            one_C = settings.one_C_mAh_g * mass / 1e3
        return cls(1e3 / mass, "mAh/g", settings.mass_error_mg / mass, one_C)

    def quantity(self, capacity_mAh: float) -> Quantity:
        value = self.factor * capacity_mAh
        if self.relative_error > 0:
            found = Quantity.normal(value, self.relative_error * value, self.unit)
            return replace(found, note="error of the mass alone")
        return Quantity(value, self.unit, note="one measured value, without an error")


def _capacities(cycles: Sequence[Cycle], per: _Unit) -> dict[str, Quantity]:
    found = {
        "charge, cycle 1": per.quantity(cycles[0].charge.capacity_mAh),
        "discharge, cycle 1": per.quantity(cycles[0].discharge.capacity_mAh),
    }
    if len(cycles) > 1:
        last = cycles[-1]
        found[f"charge, cycle {last.number}"] = per.quantity(last.charge.capacity_mAh)
        found[f"discharge, cycle {last.number}"] = per.quantity(last.discharge.capacity_mAh)
    return found


_MORE = "more came back than went in: --electrode may be wrong, or charge from before the test"
_DOUBT = (
    "the record begins with a discharge: efficiency is charge over discharge, as of an anode; "
    "--electrode cathode turns it round"
)


def _initial(cycle: Cycle, doubt: bool) -> Quantity:
    found = Quantity(cycle.efficiency, "1", note="one measured value, without an error")
    if cycle.efficiency > 1.02:
        found = found.provisional(_MORE)
    return found.provisional(_DOUBT) if doubt else found


def _mean_efficiency(cycles: Sequence[Cycle], doubt: bool) -> Quantity:
    numbers = np.array([float(cycle.number) for cycle in cycles])
    values = np.array([cycle.efficiency for cycle in cycles])
    found = mean_of_cycles(numbers, values, "1")
    if found.low > 1.0:
        found = found.provisional(_MORE)
    return found.provisional(_DOUBT) if doubt else found


def _retention(back: np.ndarray, noise: float) -> Quantity:
    """Return the last capacity over the first, with the scatter of both about the line."""
    if len(back) < 2:
        return Quantity.refused("1", "one cycle at the prevailing current")
    value = float(back[-1] / back[0])
    if np.isnan(noise):
        return Quantity(value, "1", note="two measured values, without an error")
    error = noise / float(back[0]) * float(np.sqrt(1.0 + value**2))
    return replace(Quantity.normal(value, error, "1"), note="error from the scatter about the line")


def _hysteresis(cycles: Sequence[Cycle], at_half: bool) -> Quantity:
    """Return the mean over cycles of charge voltage less discharge voltage."""
    if not cycles:
        return Quantity.refused("V", "no whole cycle at the prevailing current")
    numbers = np.array([float(cycle.number) for cycle in cycles])
    values = np.array([gap(cycle, at_half) for cycle in cycles])
    if len(values) < 4:
        return Quantity(float(values.mean()), "V", note=f"mean of {len(values)} cycles, no error")
    return mean_of_cycles(numbers, values, "V")


def gap(cycle: Cycle, at_half: bool) -> float:
    """Return charge voltage less discharge voltage of a cycle, V."""
    if at_half:
        return cycle.charge.voltage_at(0.5) - cycle.discharge.voltage_at(0.5)
    return cycle.charge.mean_voltage_V - cycle.discharge.mean_voltage_V
