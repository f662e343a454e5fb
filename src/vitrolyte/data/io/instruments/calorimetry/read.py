"""A calorimeter's file as measurements, one for each segment of its programme."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vitrolyte.data.curve import Axis, Curve
from vitrolyte.data.errors import InputError, UnitError
from vitrolyte.data.io.instruments.calorimetry.blocks import Block, Blocks, blocks_of
from vitrolyte.data.io.instruments.calorimetry.segments import Segment, segments_of
from vitrolyte.data.io.instruments.calorimetry.words import (
    exo_direction,
    one_rate,
    require_one_sample,
    sample_mass_mg,
)
from vitrolyte.data.io.instruments.delimited import Column, Delimited
from vitrolyte.data.io.instruments.heading import plain_name
from vitrolyte.data.io.instruments.text_lines import first_bytes, open_lines
from vitrolyte.data.measurement import Conditions, Measurement

Floats = NDArray[np.float64]

LARGEST_BYTES = 200 * 2**20
_MOST_LINES = 5_000_000
_FEWEST_ROWS = 10
_LONGEST_S = 1e8
_LARGEST_FLOW = 1e9
_ZIP = b"PK\x03\x04"

_TIME = Axis("time", "s")
_TEMPERATURE = Axis("temperature", "K")
_TEMPERATURES = (
    "sample temperature", "temperature sample", "temp.", "temp", "temperature", "ts", "t sample",
    "sample temp", "sample temp.", "temperatur", "t", "tr", "reference temperature",
    "program temperature", "furnace temperature",
)  # fmt: skip
_FLOWS = ("heat flow (normalized)", "heat flow normalized", "normalized heat flow")
_FLOW_STARTS = re.compile(
    r"^(?:unsubtracted )?heat ?flow|^dsc\b|^value$|^hf\b|^q$|^heat flow rate|^wärmestrom|^signal$"
)
_NO_FLOW = re.compile(r"deriv|integral|baseline|uncorrected|calibration|phase|amp|capacity|sens")
_COLUMNS_OF_TIME = ("time", "t", "time t", "zeit", "elapsed time")


def read_calorimetry(
    path: Path, *, temperature_unit: str = "", time_unit: str = "", flow_unit: str = ""
) -> tuple[Measurement, ...]:
    """Return the segments of a calorimeter's text file.

    Read are exports of NETZSCH Proteus, TA Universal Analysis and TRIOS, Mettler STARe, Setaram
    Calisto, PerkinElmer Pyris, and any table with a header. Each measurement is heat flow over
    time, the name of its axis saying which way exothermic points where the file says it, with the
    channel ``temperature``; over temperature alone where no time was written.

    Parameters
    ----------
    temperature_unit, time_unit, flow_unit
        For columns without a unit.

    Raises
    ------
    InputError
        If it is no such file, a row is malformed, or a unit is not said.
    """
    head, size = first_bytes(path)
    if head.startswith(_ZIP):
        raise InputError(
            f"{path.name} must be a text file",
            received="an archive, as NETZSCH .ngb and spreadsheets are",
            remedy="export the measurement as text (Extras > Export data in Proteus)",
        )
    if size > LARGEST_BYTES:
        raise InputError(
            f"{path.name} must be shorter than {LARGEST_BYTES} bytes", received=f"{size} bytes"
        )
    lines = open_lines(path).lines(_MOST_LINES)
    found = blocks_of(lines, path.name)
    require_one_sample(
        [*found.said, *(one for block in found.blocks for one in block.said)], path.name
    )
    units = {"K": temperature_unit, "s": time_unit, "flow": flow_unit}
    measurements: list[Measurement] = []
    for block in found.blocks:
        measurements += _block(path.name, found, block, units)
    if not measurements:
        raise InputError(
            f"{path.name} must hold a heating, a cooling or a hold",
            received=f"{sum(len(b.table) for b in found.blocks)} points without a segment of 5 K",
        )
    return tuple(_numbered(measurements))


def _block(file: str, found: Blocks, block: Block, units: dict[str, str]) -> list[Measurement]:
    """Return the segments of one table."""
    table = block.table
    if len(table) < _FEWEST_ROWS:
        raise InputError(
            f"{file} must hold at least {_FEWEST_ROWS} points", received=f"{len(table)}"
        )
    temperatures = _in(_temperature_column(table), "K", units["K"], "--temperature-unit C")
    _require_sensible(temperatures, file)
    flow, axis, notes = _flow(table, file, units["flow"])
    if np.abs(flow).max() > _LARGEST_FLOW:
        raise InputError(
            f"{file}: a heat flow is no larger than {_LARGEST_FLOW:g} {axis.unit}",
            received=f"{np.abs(flow).max():.3g}",
        )
    said = [*found.said, *block.said, *table.header]
    names = [column.name for column in table.columns]
    direction = exo_direction([*said, *names], file)
    way = f", exothermic {direction}" if direction else ""
    axis = Axis(f"heat flow{way}", axis.unit)
    rate = one_rate(block.said) if block.said else one_rate(found.said)
    conditions = Conditions(mass_mg=sample_mass_mg(said, file))
    whole = Measurement(
        Curve(temperatures, flow, _TEMPERATURE, axis),
        conditions,
        file,
        found.format,
        block.title,
        notes,
    )
    times = _times(table, units["s"])
    if times is None:
        return [replace(whole, conditions=replace(conditions, rate_K_per_min=rate))]
    return _cut(whole, times, rate)


def _cut(whole: Measurement, times: Floats, rate: float | None) -> list[Measurement]:
    """Return the segments of a record with times, in order."""
    if np.abs(times).max() > _LONGEST_S:
        raise InputError(
            f"{whole.file}: a record lasts no longer than {_LONGEST_S:g} s",
            received=f"a time of {np.abs(times).max():.3g} s",
        )
    order = np.concatenate([[True], np.diff(times) > 0])
    if order.mean() < 0.5:
        raise InputError(f"{whole.file}: times rise", received="times that fall or stand still")
    notes = whole.notes
    if not order.all():
        notes = (*notes, f"{int((~order).sum())} points at times that do not rise are left out")
    # A step back in time starts another run of the clock; what follows it is kept in order.
    times, flow = times[order], np.asarray(whole.curve.y, dtype=float)[order]
    temperatures = whole.curve.x[order]
    back = np.concatenate([[False], np.diff(times) <= 0])
    if back.any():
        keep = times >= np.maximum.accumulate(times)
        times, flow, temperatures = times[keep], flow[keep], temperatures[keep]
    segments = segments_of(times, temperatures)
    moving = [one for one in segments if one.rate_K_per_min != 0.0]
    told = rate if len(moving) == 1 else None
    found = []
    for segment in segments:
        part = slice(segment.start, segment.stop)
        found.append(
            replace(
                whole,
                curve=Curve(times[part], flow[part], _TIME, whole.curve.y_axis),
                channels=(Curve(times[part], temperatures[part], _TIME, _TEMPERATURE),),
                conditions=replace(
                    whole.conditions,
                    rate_K_per_min=told if segment.rate_K_per_min != 0.0 else None,
                    temperature_K=_held(segment, temperatures[part]),
                ),
                part=segment.name,
                notes=notes,
            )
        )
    return found


def _held(segment: Segment, temperatures: Floats) -> float | None:
    return float(np.median(temperatures)) if segment.rate_K_per_min == 0.0 else None


def _numbered(measurements: list[Measurement]) -> list[Measurement]:
    """Return measurements whose parts are numbered where there are several."""
    if len(measurements) == 1:
        return measurements
    return [
        replace(one, part=f"segment {number}, {one.part}".rstrip(", "))
        for number, one in enumerate(measurements, start=1)
    ]


def _temperature_column(table: Delimited) -> Column:
    found = table.column(*_TEMPERATURES)
    if found is not None and not _is_time(found):
        return found
    starting = [c for c in table.columns if plain_name(c.name).startswith(("temp", "sample temp"))]
    if starting:
        return starting[0]
    return table.need("temperature", "sample temperature", "Temp.", "Ts")


def _is_time(column: Column) -> bool:
    return column.unit.strip("[] ").lower() in ("s", "min", "h", "sec", "minutes", "seconds")


def _in(column: Column, unit: str, default: str, option: str) -> Floats:
    """Return a column in a unit.

    Raises
    ------
    UnitError
        If neither the file nor an option says its unit.
    """
    if not column.unit and not default:
        raise UnitError(
            f"The column {column.name!r} needs a unit",
            received="none in the file",
            remedy=f"write it behind the name of the column, or give {option}",
        )
    return column.to(unit, default=default)


def _require_sensible(temperatures: Floats, file: str) -> None:
    if (
        not np.all(np.isfinite(temperatures))
        or temperatures.min() <= 0
        or temperatures.max() > 5000
    ):
        raise InputError(
            f"{file}: temperatures lie above 0 K and below 5000 K",
            received=f"{temperatures.min():g} to {temperatures.max():g} K",
        )


def _times(table: Delimited, default: str) -> Floats | None:
    """Return the times in s; None where there is no column of them."""
    for column in table.columns:
        name = plain_name(column.name)
        if name in _COLUMNS_OF_TIME[:1] + _COLUMNS_OF_TIME[2:] or (
            name == "t" and _is_time(column)
        ):
            return _in(column, "s", default, "--time-unit s")
    return None


def _flow(table: Delimited, file: str, default: str) -> tuple[Floats, Axis, tuple[str, ...]]:
    """Return the signal, its axis and notes: in W/g or mW where that can be had.

    Raises
    ------
    InputError
        If there is none, or there are several.
    """
    column = _flow_column(table, file)
    unit = column.unit or default
    if not unit:
        raise UnitError(
            f"The column {column.name!r} of {file} needs a unit",
            received="none in the file",
            remedy="write it behind the name of the column, as in 'DSC (mW/mg)', or give "
            "--flow-unit W/g",
        )
    for target in ("W/g", "mW"):
        try:
            return column.to(target, default=default), Axis("heat flow", target), ()
        except UnitError:
            continue
    return _from_voltage(table, column, unit)


def _flow_column(table: Delimited, file: str) -> Column:
    found = table.column(*_FLOWS)
    if found is not None:
        return found
    columns = [
        column
        for column in table.columns
        if _FLOW_STARTS.match(plain_name(column.name)) and not _NO_FLOW.search(column.name.lower())
    ]
    if not columns:
        return table.need("heat flow", "DSC", "Heat Flow (Normalized)")
    per_mass = [column for column in columns if "/" in column.unit]
    chosen = per_mass if len(per_mass) == 1 else columns
    if len(chosen) > 1:
        raise InputError(
            f"{file} must hold one heat flow",
            received="columns " + ", ".join(repr(column.name) for column in chosen[:4]),
            remedy="export each sample to a file of its own, with one signal",
        )
    return chosen[0]


def _from_voltage(
    table: Delimited, column: Column, unit: str
) -> tuple[Floats, Axis, tuple[str, ...]]:
    """Return a thermocouple's voltage as heat flow by its sensitivity, where the file has it."""
    sensitivity = next((c for c in table.columns if c.name.lower().startswith("sensit")), None)
    plain = unit.replace("µ", "u").replace("μ", "u").replace(" ", "").strip("()")
    targets = {"uV/mg": "W/g", "uV": "mW"}
    if plain not in targets or sensitivity is None or not np.all(sensitivity.values > 0):
        note = f"the signal is in {unit}; without a sensitivity it gives temperatures only"
        return column.values, Axis("signal", unit), (note,)
    note = f"the signal in {unit} was turned into heat flow by the sensitivity in the file"
    return column.values / sensitivity.values, Axis("heat flow", targets[plain]), (note,)
