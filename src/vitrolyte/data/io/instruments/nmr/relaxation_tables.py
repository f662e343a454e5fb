"""Tables of relaxation rates over temperature, and of recoveries and decays over a delay."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vitrolyte.data.curve import Axis, Curve
from vitrolyte.data.errors import InputError
from vitrolyte.data.io.instruments.delimited import Column, Delimited, read_delimited
from vitrolyte.data.io.instruments.nmr import columns as headings
from vitrolyte.data.measurement import Conditions, Measurement

Floats = NDArray[np.float64]

TEMPERATURE, RATE = Axis("temperature", "K"), Axis("relaxation rate", "1/s")
DELAY, SIGNAL = Axis("delay", "s"), Axis("intensity", "")
RATES, RECOVERY = "table of relaxation rates", "table of recoveries"
_OBSERVABLES = {"r1": "R1", "t1": "R1", "r1rho": "R1rho", "t1rho": "R1rho"}


def read_relaxation_table(path: Path) -> tuple[Measurement, ...]:
    """Return the relaxation rates of a table, or its recovery curves.

    Columns are known by their headings. Rates: a temperature (K or °C) or 1000/T, and R1, T1,
    R1rho or T1rho with unit, each followed by its errors where known; field (T), Larmor frequency
    (MHz) and spin-lock (kHz) stand in columns of their own or in the heading. Recoveries: a delay
    with unit and one or several columns of signal, with the temperature in a column or in each
    heading. Curves are of rates over temperature, or of signal over delay.

    Raises
    ------
    InputError
        If the table has neither, if a unit is missing or a number is out of range.
    """
    table = read_delimited(path)
    rates = headings.relaxation_columns(table)
    if rates:
        return _rates(table, rates)
    delay = headings.delays(table)
    if delay is None:
        raise _unknown(table)
    return _recoveries(table, delay)


def _unknown(table: Delimited) -> InputError:
    return InputError(
        f"{table.file} needs a temperature and a column R1, T1, R1rho or T1rho, or a delay and an "
        "intensity",
        received=f"columns {', '.join(map(repr, table.names)) or 'without headings'}",
        remedy="name the columns with units in a line above the numbers, as "
        "'temperature (K), R1 (1/s)' or 'delay (s), intensity'",
    )


def _rates(table: Delimited, rates: tuple[headings.Rates, ...]) -> tuple[Measurement, ...]:
    kelvin = headings.temperatures(table)
    if kelvin is None:
        raise InputError(
            f"{table.file} needs the temperature of each rate",
            received=f"columns {', '.join(map(repr, table.names))}",
            remedy="add a column 'temperature (K)', '(°C)' or '1000/T (1/K)'",
        )
    stated = headings.strength_columns(table)
    words = table.text("observable", "rate", "kind", "experiment")
    found = []
    for one in rates:
        keys = [_key(stated, words, row) for row in range(len(kelvin))]
        for key in dict.fromkeys(keys):
            rows = np.array([other == key for other in keys])
            found.append(_series(table, one, (kelvin, rows), key))
    return tuple(found)


def _key(
    stated: dict[str, Floats], words: tuple[str, ...] | None, row: int
) -> tuple[tuple[str, float | str], ...]:
    """Return what tells the series of a row from others: field, spin-lock, a word."""
    key: list[tuple[str, float | str]] = [
        (name, round(float(values[row]), 6)) for name, values in stated.items()
    ]
    if words is not None:
        key.append(("observable", words[row]))
    return tuple(key)


def _series(
    table: Delimited,
    one: headings.Rates,
    where: tuple[Floats, NDArray[np.bool_]],
    key: tuple[tuple[str, float | str], ...],
) -> Measurement:
    kelvin, rows = where
    values = dict(key)
    word = str(values.pop("observable", ""))
    observable = _OBSERVABLES.get(headings.squashed(word), one.observable)
    known = {n: float(v) for n, v in values.items() if float(v) > 0}
    known |= headings.strengths_in(one.heading)
    if observable == "R1":
        known.pop("spin_lock_kHz", None)
    order = np.argsort(kelvin[rows], kind="stable")
    error = None if one.errors is None else one.errors[rows][order]
    curve = Curve(kelvin[rows][order], one.rates[rows][order], TEMPERATURE, RATE, error, observable)
    part = " ".join([one.heading, *(f"{v:g} {n.rpartition('_')[2]}" for n, v in known.items())])
    return Measurement(curve, Conditions(**known), table.file, RATES, part)


def _recoveries(table: Delimited, delay: Floats) -> tuple[Measurement, ...]:
    signals = headings.intensities(table)
    if not signals:
        raise _unknown(table)
    if np.any(delay < 0):
        raise InputError(f"{table.file}: delays are zero or longer", received=f"{delay.min():g} s")
    kelvin = headings.temperatures(table)
    found = []
    for signal in signals:
        if kelvin is None:
            found.append(_recovery(table, signal, (delay, np.ones(len(delay), bool)), None))
            continue
        near = np.round(kelvin, 2)
        for level in dict.fromkeys(near.tolist()):
            found.append(_recovery(table, signal, (delay, near == level), level))
    return tuple(found)


def _recovery(
    table: Delimited,
    signal: Column,
    where: tuple[Floats, NDArray[np.bool_]],
    kelvin: float | None,
) -> Measurement:
    delay, rows = where
    order = np.argsort(delay[rows], kind="stable")
    beside = headings.error_beside(table, signal)
    error = None if beside is None else beside.values[rows][order]
    if error is not None and not np.all(error > 0):
        raise InputError(
            f"{table.file}: errors of intensities are above zero",
            received=f"{error.min():g} in the column {beside.name if beside else ''!r}",
        )
    curve = Curve(delay[rows][order], signal.values[rows][order], DELAY, SIGNAL, error, "signal")
    known = headings.strengths_in(signal.name)
    temperature = kelvin if kelvin is not None else headings.degrees_in(signal.name)
    if temperature is not None:
        known["temperature_K"] = float(temperature)
    named = len(headings.intensities(table)) > 1
    part = " ".join(
        p for p in (signal.name if named else "", f"{kelvin:g} K" if kelvin else "") if p
    )
    return Measurement(curve, Conditions(**known), table.file, RECOVERY, part)
