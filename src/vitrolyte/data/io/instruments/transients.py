"""Currents over time after steps of voltage, from tables of potentiostats."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vitrolyte.data.curve import Axis, Curve
from vitrolyte.data.errors import InputError
from vitrolyte.data.io.instruments.delimited import Column, Delimited, read_delimited
from vitrolyte.data.measurement import Conditions, Measurement

Floats = NDArray[np.float64]

_TIMES = ("time", "t", "elapsed time", "test time", "corrected time", "time elapsed")
_CURRENTS = ("current", "i", "<i>", "im", "we(1).current", "j", "current i", "i mean", "control/ma")
_VOLTAGES = ("voltage", "v", "u", "potential", "e", "ewe", "<ewe>", "vf", "we(1).potential",
             "applied voltage", "bias", "control", "control/v")  # fmt: skip
_SAME_V = 0.02
_FEWEST = 10


def read_transients(path: Path) -> tuple[Measurement, ...]:
    """Return the current in A over the time in s of each step of voltage in a table.

    Where a column has the voltage, the table is parted wherever it steps, times count from each
    step, and the mean of the step is its voltage; steps at no voltage are left out.

    Raises
    ------
    InputError
        If the file is no such table, units are missing, or times do not rise.
    """
    table = read_delimited(path)
    seconds = _in(table, _TIMES, "s")
    amperes = _in(table, _CURRENTS, "A")
    voltage = table.column(*_VOLTAGES)
    volts = None if voltage is None else voltage.to("V")
    _check(seconds, path.name)
    whole = Measurement(
        Curve(seconds, amperes, Axis("time", "s"), Axis("current", "A")),
        file=path.name,
        format="table of currents over time",
    )
    if volts is None:
        return (whole,)
    found = tuple(_steps(whole, volts))
    if not found:
        raise InputError(
            f"{path.name} needs a step of voltage with at least {_FEWEST} currents",
            received=f"voltages from {volts.min():g} to {volts.max():g} V",
        )
    return found


def _in(table: Delimited, names: tuple[str, ...], unit: str) -> Floats:
    column: Column = table.need(*names)
    return np.asarray(column.to(unit))


def _check(seconds: Floats, file: str) -> None:
    if len(seconds) < _FEWEST or not np.all(np.diff(seconds) >= 0) or seconds[-1] <= seconds[0]:
        raise InputError(
            f"The times of {file} have to rise over at least {_FEWEST} rows",
            received=f"{len(seconds)} rows, {np.sum(np.diff(seconds) < 0)} of them back in time",
            remedy="export each transient to a file of its own",
        )


def _steps(whole: Measurement, volts: Floats) -> Iterator[Measurement]:
    """Return each stretch of a constant voltage."""
    span = max(float(np.ptp(volts)), 1e-12)
    jumps = np.abs(np.diff(volts)) > max(_SAME_V * span, 1e-4 * np.max(np.abs(volts)))
    # A noisy but constant voltage has no step that is larger than its own scatter.
    jumps &= np.abs(np.diff(volts)) > 6.0 * np.median(np.abs(np.diff(volts)))
    ends = [0, *(np.flatnonzero(jumps) + 1), len(volts)]
    for start, end in pairwise(ends):
        level = float(np.mean(volts[start:end]))
        if end - start < _FEWEST or abs(level) < 1e-6:
            continue
        x, y = whole.curve.x[start:end], np.asarray(whole.curve.y[start:end], dtype=float)
        begin = whole.curve.x[start - 1] if start else (0.0 if x[0] >= 0 else x[0])
        curve = replace(whole.curve, x=x - begin, y=y)
        part = f"{level:.4g} V" if len(ends) > 2 else ""
        known = Conditions(voltage_V=float(f"{level:.4g}"))
        yield replace(whole, curve=curve, conditions=known, part=part)
