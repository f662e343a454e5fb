"""Tables of conductivity against temperature, in whatever form they were written down."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vitrolyte.data.curve import Axis, Curve
from vitrolyte.data.errors import InputError
from vitrolyte.data.io.instruments.delimited import Column, Delimited, read_delimited
from vitrolyte.data.io.instruments.heading import plain_name
from vitrolyte.data.io.observations import read_csv
from vitrolyte.data.measurement import Measurement
from vitrolyte.data.observation import COLUMNS, Observation
from vitrolyte.data.quantity import NORMAL_95

Floats = NDArray[np.float64]

_TEMPERATURES = ("t", "temp", "temp.", "temperature", "sample temperature", "t sample", "t_sample")
_INVERSES = {"1000/t": 1e3, "1000 / t": 1e3, "10^3/t": 1e3, "10³/t": 1e3, "1/t": 1.0, "1 / t": 1.0}
_TEMPERATURE_ERRORS = (
    "t error", "temperature error", "dt", "delta t", "σ(t)", "u(t)", "error t", "error of t",
)  # fmt: skip
_SAMPLES = ("sample", "material", "composition", "name", "label", "formula")
_LOG = re.compile(r"^(log[ _]?10|lg|log|ln)(?![a-z])\s*(.*)$", re.IGNORECASE)
_CONDUCTIVITY = re.compile(
    r"^(?:ionic |total |bulk |grain boundary |gb |dc )*(?:conductivity|sigma|σ|cond\.?)"
    r"(?:[ _]?(?:bulk|b|gb|grain boundary|total|tot|dc|ion|ionic|i|li|na|rt))?"
    r"\s*(?P<times>[·*×x]?\s*t)?(?:\s.*)?$"
)
_ERROR = re.compile(r"(?:^|\b)(?:error|err|std|sd|uncertainty|delta|u|d|±)\b|^[dδ]\s?(?:sigma|σ)")
_MOST_S_PER_CM = 1e3
_ABSOLUTE = Axis("temperature", "K"), Axis("conductivity", "S/cm")


@dataclass(frozen=True)
class TableUnits:
    """Units that a user states for columns that have none.

    Attributes
    ----------
    temperature
        ``K`` or ``C``; empty where the file is to say it.
    conductivity
        ``S/cm``, ``mS/cm``, ``S/m`` …
    """

    temperature: str = ""
    conductivity: str = ""


def read_conductivities(path: Path, units: TableUnits = TableUnits()) -> tuple[Measurement, ...]:
    """Return conductivity in S/cm against temperature in K, one measurement of each sample.

    Read are tables with a header: T in K or °C, or 1000/T; σ, log σ, ln σ, σT or their logarithms
    in any unit; several columns of conductivity, or a column that names the sample of each row;
    errors where a column has them. Also the table of observations that this program writes.

    Raises
    ------
    InputError
        If the file is no such table, a column that counts has no unit, or a temperature is not
        above absolute zero.
    """
    table = read_delimited(path)
    if any(line.strip().lstrip("\ufeff") == ",".join(COLUMNS) for line in table.header):
        return _from_observations(path)
    temperature, notes = _temperatures(table, units)
    columns = [c for c in table.columns if _form(c) is not None and not _is_error(c)]
    if not columns:
        _refuse_flawed(table)
        raise InputError(
            f"{path.name} needs a column of conductivities",
            received=f"columns {', '.join(map(repr, table.names)) or 'without names'}",
            remedy="call it conductivity or sigma, with its unit, as in 'sigma (S/cm)'",
        )
    found = []
    for column in columns:
        whole = _measurement(table, column, temperature, units)
        whole = replace(whole, notes=notes + whole.notes, part=_part(column))
        found += list(_by_sample(table, whole))
    return tuple(found)


def _refuse_flawed(table: Delimited) -> None:
    """Refuse a column of conductivities that has a cell which is no number."""
    for name, fault in table.flawed:
        if _form(Column(name, "", np.zeros(0))) is not None:
            raise InputError(
                f"The column {name!r} of {table.file} must hold numbers only", received=fault
            )


@dataclass(frozen=True)
class _Form:
    """In what form conductivities are written: base of a logarithm (0: none), times T or not."""

    base: float
    times_temperature: bool
    unit: str


def _form(column: Column) -> _Form | None:
    """Return the form of a column of conductivities, or None where it is something else."""
    name, unit, base = column.name.strip(), column.unit, 0.0
    if (logarithm := _LOG.match(name)) is not None:
        base = np.e if logarithm.group(1).lower() == "ln" else 10.0
        name, inner = _name_and_unit(_unwrapped(logarithm.group(2)))
        unit = unit or inner
    found = _CONDUCTIVITY.match(plain_name(name))
    if found is None:
        return None
    return _Form(float(base), found.group("times") is not None, unit)


def _name_and_unit(text: str) -> tuple[str, str]:
    """Return what stands in a logarithm apart: ``sigma/(S/cm)``, ``σT / S K cm-1``."""
    found = re.match(r"^([^/,(\[]+?)\s*[/,(\[]\s*(.*)$", text)
    if found is None:
        return text, ""
    return found.group(1), _unwrapped(found.group(2))


def _unwrapped(text: str) -> str:
    """Return a text without the brackets round it, also where only one of a pair is there."""
    text = text.strip()
    depth = sum((letter in "([{") - (letter in ")]}") for letter in text)
    if depth < 0 and text[-1] in ")]}":
        return _unwrapped(text[:-1])
    if depth > 0 and text[0] in "([{":
        return _unwrapped(text[1:])
    inside = text[1:-1]
    if text[:1] in tuple("([{") and text[-1:] in tuple(")]}") and not _closes_early(inside):
        return _unwrapped(inside)
    return text


def _closes_early(text: str) -> bool:
    depth = 0
    for letter in text:
        depth += (letter in "([{") - (letter in ")]}")
        if depth < 0:
            return True
    return False


def _is_error(column: Column) -> bool:
    return _ERROR.search(plain_name(column.name)) is not None


def _part(column: Column) -> str:
    """Return what a column is of: its name without the quantity, the unit and the factor T."""
    name = column.name.strip()
    if (logarithm := _LOG.match(name)) is not None:
        name, _ = _name_and_unit(_unwrapped(logarithm.group(2)))
    words = re.sub(r"(?i)conductivity|sigma|σ|[()\[\]·*×]", " ", name).replace("_", " ").split()
    return " ".join(word for word in words if word.lower() not in ("t", "ionic"))


def _temperatures(table: Delimited, units: TableUnits) -> tuple[Floats, tuple[str, ...]]:
    """Return the temperatures in K, and what had to be assumed."""
    for column in table.columns:
        if (factor := _INVERSES.get(plain_name(column.name))) is not None:
            if not np.all(column.values > 0):
                raise InputError(
                    f"The column {column.name!r} of {table.file} needs numbers above zero",
                    received=f"{column.values.min():g}",
                )
            return _above_zero(factor / column.to("1/K", default="1/K"), table), ()
    column = table.need(*_TEMPERATURES)
    if not column.unit and not units.temperature:
        raise InputError(
            f"The temperatures of {table.file} need a unit",
            received=f"a column {column.name!r} without one",
            remedy="write 'T (K)' or 'T (°C)' above it, or give --temperature-unit",
        )
    default = {"C": "°C"}.get(units.temperature, units.temperature)
    kelvin = column.to("K", default=default)
    notes: tuple[str, ...] = ()
    if column.unit and units.temperature and (column.unit.strip("°º ")[:1] != units.temperature):
        notes = (f"the file says {column.unit}, which is used",)
    return _above_zero(kelvin, table), notes


def _above_zero(kelvin: Floats, table: Delimited) -> Floats:
    if not np.all(kelvin > 0):
        raise InputError(
            f"The temperatures of {table.file} have to lie above absolute zero",
            received=f"{kelvin.min():g} K",
            remedy="state the right unit, °C or K",
        )
    return kelvin


def _measurement(
    table: Delimited, column: Column, kelvin: Floats, units: TableUnits
) -> Measurement:
    form = _form(column)
    if form is None:
        raise InputError("A column of conductivities is needed", received=repr(column.name))
    form = replace(form, unit=form.unit or units.conductivity)
    if not form.unit:
        raise InputError(
            f"The conductivities of {table.file} need a unit",
            received=f"a column {column.name!r} without one",
            remedy="write it above them, as in 'sigma (S/cm)', or give --conductivity-unit",
        )
    values = _plain(column.values, kelvin, _with_kelvin(form))
    errors = _errors(table, column, values, kelvin)
    curve = Curve(kelvin, values, *_ABSOLUTE, errors)
    plain_log = re.match(r"log(?![ _]?10)", column.name.strip().lower()) is not None
    notes = ("log is taken to the base 10",) if plain_log else ()
    channels = _temperature_errors(table, kelvin)
    return Measurement(
        curve, file=table.file, format="table of conductivities", notes=notes, channels=channels
    )


def _with_kelvin(form: _Form) -> _Form:
    """Return a form whose unit has a factor of kelvin where T was multiplied in."""
    kelvins = re.search(r"(?<![A-Za-z])K", form.unit) is not None
    if form.times_temperature and not kelvins:
        return replace(form, unit=f"K {form.unit}")
    return form


def _plain(values: Floats, kelvin: Floats, form: _Form) -> Floats:
    """Return conductivities in S/cm."""
    with np.errstate(over="ignore"):
        numbers = form.base**values if form.base else values
    target = "S K/cm" if form.times_temperature else "S/cm"
    converted = Column("conductivity", form.unit, np.asarray(numbers)).to(target)
    found = converted / kelvin if form.times_temperature else converted
    if not np.all(np.abs(found) < _MOST_S_PER_CM):
        raise InputError(
            f"Conductivities of electrolytes lie below {_MOST_S_PER_CM:g} S/cm",
            received=f"{np.max(np.abs(found)):.3g} S/cm",
            remedy="state the right unit, and the right sign of a logarithm",
        )
    return np.asarray(found)


def _errors(table: Delimited, column: Column, values: Floats, kelvin: Floats) -> Floats | None:
    """Return the standard errors of conductivities, or None."""
    places = list(table.columns)
    after = places[places.index(column) + 1 :]
    beside = next((one for one in after[:1] if _is_error(one)), None)
    if beside is None and sum(_form(c) is not None and not _is_error(c) for c in places) == 1:
        named = (c for c in places if _is_error(c) and not _of_temperature(c))
        beside = next(named, None)
    if beside is None or _of_temperature(beside):
        return None
    form = _form(column)
    if form is None:
        return None
    spread = np.abs(beside.values)
    if not np.all(spread > 0):
        raise InputError(
            f"The errors of {table.file} have to be above zero", received=f"{beside.values.min():g}"
        )
    if form.base:
        return np.asarray(values * spread * np.log(form.base))
    unit = beside.unit or form.unit
    if unit.strip() == "%":
        return np.asarray(values * spread / 100.0)
    return np.abs(_plain(spread, kelvin, _with_kelvin(replace(form, unit=unit))))


def _of_temperature(column: Column) -> bool:
    name = plain_name(column.name)
    return name in _TEMPERATURE_ERRORS or column.unit.strip() in ("K", "°C")


def _temperature_errors(table: Delimited, kelvin: Floats) -> tuple[Curve, ...]:
    column = table.column(*_TEMPERATURE_ERRORS)
    if column is None:
        return ()
    # A difference of temperatures is the same in K and °C.
    axis = Axis("temperature error", "K")
    return (Curve(kelvin, np.abs(column.values), _ABSOLUTE[0], axis),)


def _by_sample(table: Delimited, whole: Measurement) -> Iterator[Measurement]:
    """Return a measurement apart by the column that names samples, where there is one."""
    names = table.text(*_SAMPLES)
    if names is None:
        yield whole
        return
    for name in dict.fromkeys(names):
        rows = np.array([one == name for one in names])
        part = f"{name} {whole.part}".strip()
        yield replace(
            whole,
            curve=_rows(whole.curve, rows),
            part=part,
            channels=tuple(_rows(channel, rows) for channel in whole.channels),
        )


def _rows(curve: Curve, rows: NDArray[np.bool_]) -> Curve:
    error = None if curve.y_error is None else curve.y_error[rows]
    return replace(curve, x=curve.x[rows], y=curve.y[rows], y_error=error)


def _from_observations(path: Path) -> tuple[Measurement, ...]:
    """Return the conductivities of a table of observations, one measurement of each series."""
    rows = [row for row in read_csv(path) if _is_point(row)]
    groups: dict[tuple[str, ...], list[Observation]] = {}
    for row in rows:
        groups.setdefault((row.material, row.formula, row.phase, row.of, row.method), []).append(
            row
        )
    if not groups:
        raise InputError(
            f"{path.name} needs rows of ionic_conductivity with a temperature", received="none"
        )
    return tuple(_series(path, key, members) for key, members in groups.items())


def _is_point(row: Observation) -> bool:
    known = row.value is not None and row.temperature_K is not None
    return row.quantity == "ionic_conductivity" and known and row.status != "refused"


def _series(path: Path, key: tuple[str, ...], rows: list[Observation]) -> Measurement:
    kelvin = np.array([row.temperature_K for row in rows], dtype=float)
    values = np.array([row.value for row in rows], dtype=float)
    errors = np.array([_error(row) for row in rows])
    known = bool(np.all(errors > 0))
    doubtful = sum(row.status == "provisional" for row in rows)
    notes = (f"{doubtful} of {len(rows)} points are provisional",) if doubtful else ()
    if not known and np.any(errors > 0):
        notes = (*notes, "some points have no error, so that none is used")
    _, formula, phase, of, _ = key
    curve = Curve(kelvin, values, *_ABSOLUTE, errors if known else None, label=of)
    part = " ".join(filter(None, (formula, phase, of)))
    return Measurement(curve, file=path.name, format="observations", part=part, notes=notes)


def _error(row: Observation) -> float:
    if row.low is not None and row.high is not None and row.low > 0 and row.value is not None:
        return row.value * float(np.log(row.high / row.low)) / (2.0 * NORMAL_95)
    return row.error or 0.0
