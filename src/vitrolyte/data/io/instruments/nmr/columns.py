"""What the columns of a table of relaxation or of a spectrum are, by their headings."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vitrolyte.data.errors import InputError, UnitError
from vitrolyte.data.io.instruments.delimited import Column, Delimited
from vitrolyte.data.io.instruments.unit_words import convert, is_unit

Floats = NDArray[np.float64]

_DROPPED = re.compile(r"[\s_{}$\\^\[\]]")
_OBSERVABLE = re.compile(r"^(1/)?([rt])1(rho)?(-1)?")
_LOGARITHM = re.compile(r"^(log|ln|lg)")
_ERROR = re.compile(
    r"err|std|sigma|uncert|±|\+/-|stdev|^(d|u|δ|delta|sd|se)[(\s_]*(1/)?[rt]1|[\s_]sd$"
)
_STRENGTH = re.compile(r"(?<![\d.])(\d+(?:\.\d+)?)\s*(MHz|kHz|T)(?![a-zA-Z])")
_DEGREES = re.compile(r"(?<![\d.])(-?\d+(?:\.\d+)?)\s*(K|°C|degC|C)(?![a-zA-Z])")
_BRACKET = re.compile(r"[\[(]([^\[\]()]*(?:\([^()]*\))?[^\[\]()]*)[\])]")
_TRAILING = re.compile(r"[_\s](s-1|s\^-1|1/s|per[_\s]s|ms-1|ms\^-1|1/ms|ms|us|µs|s|[cCK])$")
_INVERSE = re.compile(r"^(1000|10\^?3|1e3|1|)/t(emperature|emp)?$|^inverset(emperature)?$")
_TEMPERATURE = re.compile(r"^(sample|set|actual|true)?(t|te|temp|temperature)\.?$")
_DELAY = re.compile(
    r"^(recovery|relaxation|variable|spin-?lock)?(delay|time|tau|τ|t|vd|tsl|slt|duration)s?$"
)
_INTENSITY = re.compile(r"intens|signal|magneti|amplitude|area|integral|^(m|mz|i|s|y)(\(.*\))?$")
_FIELD = re.compile(r"^(magnetic)?(field|b0|b)$")
_LARMOR = re.compile(r"larmor|^(nu|ν|f|ω|omega)0$|^frequency$|^(larmor|nmr)frequency$")
_LOCK = re.compile(r"spin-?lock(?!time)|^lock|^(nu|ν|f|ω|omega|b)1(/2π|/2pi)?$|^sl(frequency)?$")


@dataclass(frozen=True, eq=False)
class Rates:
    """A column of relaxation rates or times, as rates."""

    observable: str
    rates: Floats
    errors: Floats | None
    heading: str


def squashed(name: str) -> str:
    """Return a heading without blanks, capitals and marks of subscripts."""
    plain = name.lower().replace("ρ", "rho").replace("ϱ", "rho").replace("−", "-")
    return _DROPPED.sub("", plain)


def stem(name: str) -> str:
    """Return a squashed heading without what stands in brackets and without a unit at its end."""
    return squashed(_TRAILING.sub("", _BRACKET.sub("", name).strip()))


def unit_of(column: Column) -> str:
    """Return the unit of a column, sought in its heading where it stands in the middle."""
    if column.unit:
        return column.unit
    for inside in _BRACKET.findall(column.name):
        if is_unit(inside):
            return str(inside)
    found = _TRAILING.search(column.name)
    return found.group(1).replace("per_", "1/").replace("per ", "1/") if found else ""


def column_with(table: Delimited, pattern: re.Pattern[str], unit: str) -> Column | None:
    """Return the first column whose heading fits and whose unit, if any, can be turned."""
    for column in table.columns:
        if pattern.search(stem(column.name)) and _fits(column, unit):
            return column
    return None


def _fits(column: Column, unit: str) -> bool:
    own = unit_of(column)
    try:
        convert(np.zeros(1), own or unit, unit)
    except UnitError:
        return False
    return True


def in_unit(table: Delimited, column: Column, unit: str) -> Floats:
    """Return the values of a column in a unit; one that says none is refused."""
    own = unit_of(column)
    if not own:
        raise InputError(
            f"{table.file}: the column {column.name!r} needs its unit in the heading",
            received="no unit",
            remedy=f"write it as '{column.name} ({unit})'",
        )
    return convert(column.values, own, unit)


def temperatures(table: Delimited) -> Floats | None:
    """Return the temperatures of the rows, K; None where no column has them.

    Raises
    ------
    InputError
        If the column says no unit, or a value is no temperature.
    """
    column = column_with(table, _TEMPERATURE, "K")
    if column is not None:
        kelvin = in_unit(table, column, "K")
    else:
        found = next((c for c in table.columns if _INVERSE.match(squashed(c.name))), None)
        if found is None:
            return None
        factor = 1.0 if squashed(found.name).startswith("1/") else 1000.0
        with np.errstate(divide="ignore"):
            kelvin = factor / found.values
    if not np.all((kelvin > 0) & (kelvin < 5000)):
        raise InputError(
            f"{table.file} needs temperatures above 0 K",
            received=f"{kelvin.min():g} to {kelvin.max():g} K",
            remedy="state K or °C in the heading of the column",
        )
    return kelvin


def delays(table: Delimited) -> Floats | None:
    """Return the delays of a recovery or decay, s; None where no column has them."""
    column = column_with(table, _DELAY, "s")
    return None if column is None else in_unit(table, column, "s")


def intensities(table: Delimited) -> tuple[Column, ...]:
    """Return the columns of signal beside delays: those named so, or by a temperature."""
    named = tuple(
        c for c in table.columns if _INTENSITY.search(stem(c.name)) and not is_error(c.name)
    )
    return named or tuple(c for c in table.columns if degrees_in(c.name) is not None)


def is_error(name: str) -> bool:
    """Return whether a heading is that of errors."""
    return bool(_ERROR.search(name.lower()))


def error_beside(table: Delimited, column: Column) -> Column | None:
    """Return the column of errors that stands behind a column, before any other of its kind."""
    place = next(n for n, one in enumerate(table.columns) if one is column)
    for following in table.columns[place + 1 :]:
        if is_error(following.name):
            return following
        if _OBSERVABLE.match(squashed(following.name)) or _INTENSITY.search(stem(following.name)):
            return None
    return None


def relaxation_columns(table: Delimited) -> tuple[Rates, ...]:
    """Return every column of R1, T1, R1rho or T1rho as rates, 1/s.

    Raises
    ------
    InputError
        If one holds logarithms, says no unit, has values that are not above zero, or cells that
        are no numbers.
    """
    for name, fault in table.flawed:
        if _OBSERVABLE.match(squashed(name)) or _TEMPERATURE.match(stem(name)):
            raise InputError(f"{table.file}: the column {name!r} needs numbers", received=fault)
    found = []
    for column in table.columns:
        squeezed = squashed(column.name)
        if _LOGARITHM.match(squeezed) and _OBSERVABLE.match(
            _LOGARITHM.sub("", squeezed).lstrip("10(")
        ):
            raise InputError(
                f"{table.file}: relaxation rates are read as they are",
                received=f"logarithms in the column {column.name!r}",
                remedy="give R in 1/s or T in s",
            )
        shape = _OBSERVABLE.match(squeezed)
        if shape and not is_error(column.name):
            found.append(_rates(table, column, shape))
    return tuple(found)


def _rates(table: Delimited, column: Column, shape: re.Match[str]) -> Rates:
    inverted, letter, rho, power = shape.groups()
    is_rate = (letter == "r") != bool(inverted or power)
    values = in_unit(table, column, "1/s" if is_rate else "s")
    if not np.all(values > 0):
        raise InputError(
            f"{table.file}: rates and times of relaxation are above zero",
            received=f"{values.min():g} in the column {column.name!r}",
        )
    beside = error_beside(table, column)
    relative = None if beside is None else relative_errors(table, column, beside)
    rates = values if is_rate else 1.0 / values
    errors = None if relative is None else rates * relative
    return Rates("R1rho" if rho else "R1", rates, errors, column.name)


def relative_errors(table: Delimited, column: Column, beside: Column) -> Floats:
    """Return errors over values; errors without a unit have that of the values."""
    own = unit_of(beside)
    if own in ("%", "percent"):
        relative = beside.values / 100.0
    else:
        unit = unit_of(column)
        relative = convert(beside.values, own or unit, unit) / column.values
    if not np.all(relative > 0):
        raise InputError(
            f"{table.file}: errors of relaxation rates are above zero",
            received=f"{beside.values.min():g} in the column {beside.name!r}",
            remedy="leave the column out where errors are not known",
        )
    return relative


def strengths_in(text: str) -> dict[str, float]:
    """Return field_T, larmor_MHz and spin_lock_kHz as far as a heading states them."""
    names = {"T": "field_T", "MHz": "larmor_MHz", "kHz": "spin_lock_kHz"}
    return {names[unit]: float(value) for value, unit in _STRENGTH.findall(text)}


def strength_columns(table: Delimited) -> dict[str, Floats]:
    """Return columns of field (T), Larmor frequency (MHz) and spin-lock (kHz), by condition."""
    wanted = (
        ("field_T", _FIELD, "T"),
        ("larmor_MHz", _LARMOR, "MHz"),
        ("spin_lock_kHz", _LOCK, "kHz"),
    )
    found = {}
    for name, pattern, unit in wanted:
        column = column_with(table, pattern, unit)
        if column is not None and not is_error(column.name):
            found[name] = in_unit(table, column, unit)
    return found


def degrees_in(text: str) -> float | None:
    """Return the temperature that a heading states, K."""
    found = _DEGREES.search(text)
    if found is None:
        return None
    return float(found.group(1)) + (0.0 if found.group(2) == "K" else 273.15)
