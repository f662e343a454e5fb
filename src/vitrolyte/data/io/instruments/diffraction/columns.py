"""Powder patterns in plain columns: XY, XYE, CSV, DAT, and powder CIF."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vitrolyte.data.errors import InputError
from vitrolyte.data.io.crystals import cif_blocks
from vitrolyte.data.io.instruments.delimited import Column, Delimited, read_delimited
from vitrolyte.data.io.instruments.diffraction.bounded import LARGEST_BYTES
from vitrolyte.data.io.instruments.diffraction.scans import Scan, beam, measurement
from vitrolyte.data.measurement import Conditions, Measurement

Floats = NDArray[np.float64]

_ANGLE = ("2theta", "2 theta", "2th", "tth", "two theta", "twotheta", "2θ", "2Θ", "angle", "pos",
          "2theta (deg)", "position")  # fmt: skip
_Q = ("q", "scattering vector q", "momentum transfer")
_D = ("d", "d-spacing", "d spacing")
_Y = ("intensity", "counts", "i", "yobs", "y", "iobs", "intensity (counts)", "int", "cps")
_E = (
    "error",
    "esd",
    "sigma",
    "e",
    "err",
    "uncertainty",
    "sy",
    "se",
    "su",
    "s_meas",
    "intensity_su",
)
_NUMBER = r"(\d+\.\d+(?:[eE][-+]?\d+)?)"
_FIRST = re.compile(
    rf"(?:k-?alpha\s*-?1[^0-9.]*|wave\s*-?length[^0-9.]*|lambda\s*[=:]?\s*|\bwl1?\s*[=:]\s*){_NUMBER}",
    re.IGNORECASE,
)
_SECOND = re.compile(rf"k-?alpha\s*-?2\s*wavelength[^0-9.]*{_NUMBER}", re.IGNORECASE)
_ANODE = re.compile(r"anode[^A-Za-z]*[\"':=, ]\s*(Cu|Co|Cr|Fe|Mo|Ag|Ni)\b", re.IGNORECASE)
_LINE_OF_STEPS = re.compile(r"^\s*([\d.]+)[\s,]+([\d.]+)[\s,]+([\d.]+)\s*([A-Za-z].*)?$")
_METRES = 1e-6


def read_columns(path: Path) -> tuple[Measurement, ...]:
    """Return the pattern of a text in columns: angle or Q, intensity, and perhaps its error.

    Named columns are found by their names; without names the first three columns are 2 theta in
    degrees, intensity and error. A wavelength in the lines above is taken.

    Raises
    ------
    InputError
        If there is no such table or a cell is no number.
    """
    table = read_delimited(path)
    for name, fault in table.flawed:
        raise InputError(
            f"{path.name} must hold numbers only", received=f"column {name!r}, {fault}"
        )
    if len(table.columns) < 2:
        raise InputError(
            f"{path.name} needs a column of angles and one of intensities",
            received=f"{len(table.columns)} columns of numbers",
        )
    x, in_q, notes = _abscissa(table)
    rest = [column for column in table.columns if column is not x]
    y = table.column(*_Y) or rest[0]
    error = table.column(*_E)
    if error is None and not x.name and len(rest) == 2:
        error = rest[1]
    values = 2.0 * np.pi / x.values if _plain(x) in _D else x.values
    deviation = None if error is None or error is y else error.values
    if deviation is not None and not np.any(deviation > 0):
        deviation, notes = None, (*notes, "the column of errors holds none above zero")
    head = "\n".join(table.header)
    scan = Scan(values, y.values, deviation, in_q=in_q, notes=(*notes, *_anode_note(head)))
    return (measurement(path, "columns", _beam(head), scan),)


def _plain(column: Column) -> str:
    return column.name.strip().lower()


def _abscissa(table: Delimited) -> tuple[Column, bool, tuple[str, ...]]:
    """Return the column of the abscissa, whether it is turned into Q, and what was assumed."""
    angle = table.column(*_ANGLE)
    if angle is not None:
        return angle, False, ()
    q = table.column(*_Q, *_D)
    if q is not None:
        return q, True, ()
    first = table.columns[0]
    inverse = "1/Å" in first.unit or "Å-1" in first.unit
    return first, inverse, () if inverse else ("the first column is taken as 2 theta in degrees",)


def _beam(head: str) -> Conditions:
    found, second = _FIRST.search(head), _SECOND.search(head)
    first = float(found[1]) if found else None
    if first is not None and first < _METRES:
        first *= 1e10
    return beam(first, float(second[1]) if second else None)


def _anode_note(head: str) -> tuple[str, ...]:
    found = _ANODE.search(head)
    return (f"the file names the anode {found[1]}",) if found else ()


def read_stepped(path: Path, lines: Sequence[str]) -> tuple[Measurement, ...]:
    """Return a pattern of one line ``start step stop`` and intensities row after row.

    The form of many neutron and DBWS programs.

    Raises
    ------
    InputError
        If the number of intensities is not that of the steps.
    """
    head = _LINE_OF_STEPS.match(lines[0])
    assert head is not None
    start, step, stop = (float(head[n]) for n in (1, 2, 3))
    try:
        y = np.array([float(cell) for line in lines[1:] for cell in line.replace(",", " ").split()])
    except ValueError as fault:
        raise InputError(f"{path.name} must hold numbers only", received=str(fault)) from fault
    count = round((stop - start) / step) + 1
    if len(y) != count:
        raise InputError(
            f"{path.name} must hold the points from {start:g} to {stop:g} in steps of {step:g}",
            received=f"{len(y)} of {count}",
        )
    x = start + step * np.arange(count)
    return (measurement(path, "start, step, stop", Conditions(), Scan(x, y)),)


def is_stepped(lines: Sequence[str]) -> bool:
    """Return whether a text is a line ``start step stop`` and rows of intensities."""
    head = _LINE_OF_STEPS.match(lines[0]) if len(lines) > 2 else None
    if head is None:
        return False
    try:
        start, step, stop = (float(head[n]) for n in (1, 2, 3))
    except ValueError:
        return False
    steps_fit = 0 < step < 2.0 and 0 <= start < stop <= 180.0
    return steps_fit and 5 < (stop - start) / step < 1e6 and len(lines[1].split()) > 3


_CIF_X = ("_pd_proc_2theta_corrected", "_pd_meas_2theta_scan", "_pd_calc_2theta_scan")
_CIF_Y = (
    "_pd_meas_counts_total",
    "_pd_meas_intensity_total",
    "_pd_proc_intensity_total",
    "_pd_meas_counts_net",
    "_pd_proc_intensity_net",
    "_pd_meas_intensity_net",
)


def read_powder_cif(path: Path) -> tuple[Measurement, ...]:
    """Return the measured patterns of a powder CIF, one for each block that has one.

    Raises
    ------
    InputError
        If it is no CIF, or no block has intensities against 2 theta.
    """
    if path.stat().st_size > LARGEST_BYTES // 4:
        raise InputError(f"A CIF of at most 32 MiB is needed at {path}")
    try:
        found = [one for b in cif_blocks(path) if (one := _cif_pattern(b, path)) is not None]
    except InputError:
        raise
    except Exception as fault:  # the parser of a foreign file fails in ways of its own
        raise InputError(
            f"{path.name} must be a readable CIF", received=f"{type(fault).__name__}: {fault}"
        ) from fault
    if not found:
        raise InputError(
            f"{path.name} must hold intensities against 2 theta", received="a CIF without them"
        )
    return tuple(found)


def _cif_pattern(block: Any, path: Path) -> Measurement | None:
    y_tag = next((tag for tag in _CIF_Y if isinstance(block.get(tag), list)), None)
    if y_tag is None:
        return None
    y = np.array([_cif_number(value) for value in block[y_tag]])
    x_tag = next((tag for tag in _CIF_X if isinstance(block.get(tag), list)), None)
    if x_tag is not None:
        x = np.array([_cif_number(value) for value in block[x_tag]])
    else:
        for stem in ("_pd_meas_2theta_range", "_pd_proc_2theta_range"):
            ends = [block.get(f"{stem}_{end}") for end in ("min", "max")]
            if None not in ends:
                x = np.linspace(_cif_number(ends[0]), _cif_number(ends[1]), len(y))
                break
        else:
            return None
    lengths = block.get("_diffrn_radiation_wavelength")
    listed = lengths if isinstance(lengths, list) else [lengths]
    known = [_cif_number(one) for one in listed if one is not None]
    known = [one for one in known if np.isfinite(one)]
    second = known[1] if len(known) > 1 else None
    return measurement(
        path,
        "powder CIF",
        beam(known[0] if known else None, second),
        Scan(x, y, part=str(block.name) if block.name else ""),
    )


def _cif_number(value: Any) -> float:
    if isinstance(value, int | float):
        return float(value)
    text = str(value).split("(")[0].strip()
    return float("nan") if text in (".", "?", "") else float(text)
