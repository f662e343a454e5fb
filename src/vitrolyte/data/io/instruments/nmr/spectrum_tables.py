"""Spectra as columns of text, and widths of lines over temperature."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vitrolyte.data.curve import Axis, Curve
from vitrolyte.data.errors import InputError
from vitrolyte.data.io.instruments.delimited import Column, Delimited, read_delimited
from vitrolyte.data.io.instruments.nmr import columns as headings
from vitrolyte.data.io.instruments.nmr.free_decay import FREQUENCY, INTENSITY, SHIFT
from vitrolyte.data.measurement import Conditions, Measurement

Floats = NDArray[np.float64]

WIDTH = Axis("line width", "Hz")
TEMPERATURE = Axis("temperature", "K")
_FEWEST = 16
_SHIFT = re.compile(r"shift|^ppm$|^(delta|δ)(iso)?$|^x$|^f[12]$")
_FREQUENCY = re.compile(r"freq|offset|^(nu|ν|f|x|hz|khz)$|shift")
_REAL = re.compile(r"intens|real|^re$|signal|amplitude|spectrum|absorption|^(y|i|s)(\(.*\))?$")
_IMAGINARY = re.compile(r"imag|^im$|dispersion")
_WIDTH = re.compile(r"width|fwhm|fwhh|^(delta|δ|Δ)(nu|ν)?$|^(lw|w)$")
_EXPORT = re.compile(r"LEFT\s*=\s*(\S+)\s*ppm.*RIGHT\s*=\s*(\S+)\s*ppm", re.IGNORECASE)
_BARE = {"ppm": "ppm", "hz": "Hz", "khz": "kHz"}


def read_spectrum_table(path: Path, *, axis_unit: str = "") -> tuple[Measurement, ...]:
    """Return the spectra of a table, or line widths over temperature.

    Parameters
    ----------
    axis_unit
        ``ppm``, ``Hz`` or ``kHz``, for a table that does not say it.

    Raises
    ------
    InputError
        If the unit of the axis is not known, or the table is too short or holds neither.
    """
    exported = _exported(path)
    if exported is not None:
        return (exported,)
    table = read_delimited(path)
    widths = _widths(table)
    if widths is not None:
        return (widths,)
    x, axis = _axis(table, axis_unit)
    return tuple(_spectra(table, (x, axis)))


def _exported(path: Path) -> Measurement | None:
    """Return what TopSpin's ``totxt`` wrote: one column, with the ends of the axis above it."""
    try:
        with path.open(encoding="latin-1") as stream:
            head = stream.read(2000)
    except OSError as fault:
        raise InputError(f"The file {path} must be readable", received=str(fault)) from fault
    ends = _EXPORT.search(head)
    if ends is None or not head.startswith("#"):
        return None
    lines = path.read_text(encoding="latin-1").splitlines()
    try:
        y = np.array([float(line) for line in lines if line.strip() and line[0] != "#"])
        left, right = float(ends.group(1)), float(ends.group(2))
    except ValueError as fault:
        raise InputError(
            f"{path.name} must hold one number in each line", received=str(fault)
        ) from fault
    found = np.linspace(left, right, len(y)), y
    _refuse_unsound(path.name, *found)
    order = np.argsort(found[0])
    curve = Curve(found[0][order], y[order], SHIFT, INTENSITY)
    return Measurement(curve, Conditions(), path.name, "TopSpin text")


def _widths(table: Delimited) -> Measurement | None:
    width = headings.column_with(table, _WIDTH, "Hz")
    kelvin = headings.temperatures(table) if width is not None else None
    if width is None or kelvin is None:
        return None
    values = headings.in_unit(table, width, "Hz")
    if not np.all(values > 0):
        raise InputError(f"{table.file}: widths are above zero", received=f"{values.min():g} Hz")
    beside = headings.error_beside(table, width)
    errors = None
    if beside is not None:
        errors = values * headings.relative_errors(table, width, beside)
    order = np.argsort(kelvin, kind="stable")
    curve = Curve(
        kelvin[order],
        values[order],
        TEMPERATURE,
        WIDTH,
        None if errors is None else errors[order],
        "width",
    )
    return Measurement(curve, Conditions(), table.file, "table of line widths")


def _axis(table: Delimited, axis_unit: str) -> tuple[Column, str]:
    """Return the column of shifts or frequencies, and its unit."""
    if not table.columns:
        raise InputError(f"{table.file} needs columns of numbers", received="none")
    for column in table.columns:
        name, unit = headings.stem(column.name), headings.unit_of(column)
        unit = unit or _BARE.get(name, "")
        if unit == "ppm" and (_SHIFT.search(name) or _FREQUENCY.search(name)):
            return column, "ppm"
        if unit in ("Hz", "kHz", "MHz") and (_FREQUENCY.search(name) or name in _BARE):
            return column, unit
    first = table.columns[0]
    unit = headings.unit_of(first) or axis_unit
    if unit not in ("ppm", "Hz", "kHz"):
        raise InputError(
            f"{table.file}: the axis of a spectrum needs its unit",
            received=f"columns {', '.join(map(repr, table.names))}",
            remedy="name it 'shift (ppm)' or 'frequency (Hz)' above the numbers, or give "
            "--axis-unit",
        )
    return first, unit


def _spectra(table: Delimited, where: tuple[Column, str]) -> list[Measurement]:
    column, unit = where
    factor = {"ppm": 1.0, "Hz": 1.0, "kHz": 1e3, "MHz": 1e6}[unit]
    x, axis = column.values * factor, SHIFT if unit == "ppm" else FREQUENCY
    rest = [c for c in table.columns if c is not column and not headings.is_error(c.name)]
    imaginary = next((c for c in rest if _IMAGINARY.search(headings.stem(c.name))), None)
    real = [c for c in rest if c is not imaginary]
    named = [c for c in real if _REAL.search(headings.stem(c.name))]
    stated = [c for c in real if headings.degrees_in(c.name) is not None]
    chosen = stated or named or real
    if imaginary is not None:
        chosen = chosen[:1]
    if not chosen:
        raise InputError(
            f"{table.file} needs a column of intensities beside {column.name!r}",
            received="; ".join(f"{n!r}: {fault}" for n, fault in table.flawed) or "none",
        )
    found = []
    order = np.argsort(x, kind="stable")
    for one in chosen:
        y = one.values if imaginary is None else one.values + 1j * imaginary.values
        _refuse_unsound(table.file, x, np.asarray(one.values))
        curve = Curve(x[order], y[order], axis, INTENSITY)
        kelvin = headings.degrees_in(one.name)
        part = one.name if len(chosen) > 1 else ""
        known = Conditions(temperature_K=kelvin)
        found.append(Measurement(curve, known, table.file, "table of a spectrum", part))
    return found


def _refuse_unsound(file: str, x: Floats, y: Floats) -> None:
    """Refuse a spectrum that is too short, flat, or not finite."""
    if len(x) < _FEWEST or not np.all(np.isfinite(x)) or not np.all(np.isfinite(y)):
        raise InputError(
            f"{file} needs {_FEWEST} finite points or more of a spectrum",
            received=f"{len(x)} points",
        )
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        raise InputError(
            f"{file} needs a spectrum that is not one constant", received="one value only"
        )
