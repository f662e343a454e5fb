"""Raman spectra of any file, its format found by what it holds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vitrolyte.data.errors import InputError
from vitrolyte.data.io.instruments.delimited import Column, Delimited, read_delimited
from vitrolyte.data.io.instruments.raman.jcamp import is_jcamp, read_jcamp
from vitrolyte.data.io.instruments.raman.wdf import is_wdf, read_wdf
from vitrolyte.data.io.instruments.text_lines import first_bytes
from vitrolyte.data.measurement import Measurement
from vitrolyte.data.spectroscopy import raman_curve

Floats = NDArray[np.float64]

_MOST_SPECTRA = 1000
_SHIFT: tuple[str, ...] = (
    "raman shift",
    "ramanshift",
    "shift",
    "wave",
    "#wave",
    "wavenumber",
    "wavenumbers",
)
_SHIFT += ("raman", "x", "x-axis", "rel. 1/cm", "cm-1", "cm^-1", "1/cm", "rshift")
_LENGTH = ("wavelength", "lambda", "nm", "pixel")
_MAKERS = (
    ("WITec", ("witec",)),
    ("Horiba text", ("#acq. time", "#laser", "#spectro", "labspec")),
    ("Renishaw text", ("#wave", "#intensity", "wire")),
)
_PROPRIETARY = {
    b"\x00\x00\x00\x00LabSpec": "Horiba's .l6s",
    b"LabSpec6": "Horiba's .l6s",
    b"WIT_PR06": "WITec's project",
    b"WIT_PRCT": "WITec's project",
}


def read_raman(path: Path) -> tuple[Measurement, ...]:
    """Return the spectra of a file, intensity against Raman shift in 1/cm.

    Parameters
    ----------
    path
        Text of Renishaw, Horiba, WITec or others with a column of shifts and one or more of
        intensities, maps of Renishaw (``#X #Y #Wave #Intensity``); JCAMP-DX; Renishaw's WDF.

    Raises
    ------
    InputError
        If the file is none of these, is damaged, or its axis is a wavelength.
    """
    head, _ = first_bytes(path)
    for mark, kind in _PROPRIETARY.items():
        if head.startswith(mark) or path.suffix.lower() in (".l6s", ".wip"):
            raise InputError(
                f"{path.name} must be of an open format",
                received=f"{kind} format",
                remedy="export the spectrum as text or JCAMP-DX from the program of the instrument",
            )
    if is_wdf(head):
        return read_wdf(path)
    return read_jcamp(path) if is_jcamp(head) else _text(path)


def _text(path: Path) -> tuple[Measurement, ...]:
    table = read_delimited(path)
    if len(table.columns) < 2:
        raise InputError(
            f"{path.name} needs a column of shifts and one of intensities",
            received=f"{len(table.columns)} columns",
        )
    shift = _shift(table)
    others = [column for column in table.columns if column is not shift]
    name = _maker(table)
    if _is_map(table):
        return _map(table, shift, path.name, name)
    if len(others) > _MOST_SPECTRA:
        raise InputError(
            f"At most {_MOST_SPECTRA} spectra are read of one file", received=f"{len(others)}"
        )
    return tuple(
        Measurement(
            raman_curve(shift.values, column.values, path.name),
            file=path.name,
            format=name,
            part=(column.name or f"column {n}") if len(others) > 1 else "",
        )
        for n, column in enumerate(others, start=2)
    )


def _shift(table: Delimited) -> Column:
    column = table.column(*_SHIFT) or table.columns[0]
    words = f"{column.name} {column.unit}".lower()
    steps = np.diff(column.values)
    if any(word in words for word in _LENGTH):
        raise InputError(
            f"{table.file} needs an axis of Raman shifts in 1/cm",
            received=f"a column {column.name!r} in {column.unit or 'no unit'}",
            remedy="export it against Raman shift",
        )
    if not (_is_map(table) or np.all(steps > 0) or np.all(steps < 0)):
        raise InputError(
            f"{table.file} needs shifts that rise or fall throughout",
            received=f"column {column.name or 1} turns at "
            f"{int(np.sum(np.diff(np.sign(steps)) != 0))} places",
        )
    if np.abs(column.values).max() > 20_000:
        raise InputError(
            f"{table.file} needs Raman shifts in 1/cm",
            received=f"values up to {np.abs(column.values).max():g}",
        )
    return column


def _names(table: Delimited) -> list[str]:
    """Return the names of the columns, those of a last remark of as many words included."""
    names = [column.name for column in table.columns]
    if not any(names):
        for line in reversed(table.header):
            words = line.split()
            if line.startswith("#") and len(words) == len(names):
                names = words
                break
    return [name.strip("# ").lower() for name in names]


def _is_map(table: Delimited) -> bool:
    names = _names(table)
    return names[:2] == ["x", "y"] and len(names) == 4


def _map(table: Delimited, shift: Column, file: str, name: str) -> tuple[Measurement, ...]:
    """Return the spectra of a map, one for each place."""
    x, y, wave, intensity = (column.values for column in table.columns)
    del shift
    change = np.flatnonzero((np.diff(x) != 0) | (np.diff(y) != 0)) + 1
    if len(change) + 1 > _MOST_SPECTRA:
        raise InputError(
            f"At most {_MOST_SPECTRA} spectra are read of one file", received=f"{len(change) + 1}"
        )
    return tuple(
        Measurement(
            raman_curve(wave[part], intensity[part], file),
            file=file,
            format=f"{name}, map",
            part=f"x {x[part[0]]:g}, y {y[part[0]]:g}",
        )
        for part in np.split(np.arange(len(x)), change)
    )


def _maker(table: Delimited) -> str:
    text = " ".join((*table.header[:60], *table.names)).lower()
    for name, marks in _MAKERS:
        if any(mark in text for mark in marks):
            return name
    return "columns"
