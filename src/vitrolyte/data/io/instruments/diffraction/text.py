"""Text formats of diffractometers with words and numbers of their own."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vitrolyte.data.errors import InputError
from vitrolyte.data.io.instruments.diffraction.bounded import LARGEST_BYTES, number_in
from vitrolyte.data.io.instruments.diffraction.scans import (
    Scan,
    attenuated,
    beam,
    measurement,
    steps,
)
from vitrolyte.data.io.instruments.text_lines import open_lines
from vitrolyte.data.measurement import Conditions, Measurement

Floats = NDArray[np.float64]

_RAS_KEY = re.compile(r'^\*(\S+)\s+"?(.*?)"?\s*$')
_ASC_KEY = re.compile(r"^\*(\w+)\s*=\s*(.*)$")
_UXD_KEY = re.compile(r"^_(\w+)\s*=?\s*(.*)$")
_UXD_DATA = ("COUNTS", "CPS", "2THETACOUNTS", "2THETACPS", "2THETACOUNTSTIME")


def lines_of(path: Path) -> list[str]:
    """Return the lines of a text of at most 128 MiB.

    Raises
    ------
    InputError
        If the file is missing, empty, too large or no text.
    """
    if path.is_file() and path.stat().st_size > LARGEST_BYTES:
        raise InputError(f"A powder pattern of at most 128 MiB is needed at {path}")
    return [line for block in open_lines(path).blocks() for line in block]


def _numbers(cells: Iterable[str], path: Path, line: int) -> list[float]:
    try:
        return [float(cell) for cell in cells]
    except ValueError as fault:
        raise InputError(
            f"{path.name} needs numbers in line {line}", received=str(fault)
        ) from fault


@dataclass
class _Part:
    """One scan of a file while it is read."""

    known: dict[str, str]
    rows: list[list[float]] = field(default_factory=list)


def read_ras(path: Path) -> tuple[Measurement, ...]:
    """Return the scans of a Rigaku RAS text: angle, intensity, attenuator.

    Raises
    ------
    InputError
        If it has no table of intensities, or one is damaged.
    """
    parts: list[_Part] = []
    known: dict[str, str] = {}
    inside = False
    for number, line in enumerate(lines_of(path), start=1):
        if line.startswith("*RAS_INT_START"):
            parts.append(_Part(dict(known)))
            inside = True
        elif line.startswith("*RAS_INT_END"):
            inside = False
        elif line.startswith("*RAS_HEADER_START"):
            known = {}
        elif inside and line.strip():
            parts[-1].rows.append(_numbers(line.split(), path, number))
        elif found := _RAS_KEY.match(line):
            known[found[1]] = found[2]
    if not parts or inside:
        raise InputError(
            f"{path.name} must hold a whole table of intensities",
            received="a table without its end" if inside else "none",
        )
    return tuple(_ras_part(part, number, path) for number, part in enumerate(parts))


def _ras_part(part: _Part, number: int, path: Path) -> Measurement:
    table = _even_rows(part.rows, path)
    axis = part.known.get(
        "MEAS_SCAN_AXIS_X_INTERNAL", part.known.get("MEAS_SCAN_AXIS_X", "TwoTheta")
    )
    if "2theta" not in axis.lower().replace("two", "2"):
        raise InputError(f"{path.name} must hold scans over 2 theta", received=axis)
    prefix = "HW_XG_WAVE_LENGTH_"
    lines = [_maybe(part.known.get(prefix + name)) for name in ("ALPHA1", "ALPHA2")]
    factor = table[:, 2] if table.shape[1] > 2 else np.ones(len(table))
    name = f"scan {number + 1}" if number else ""
    scan = Scan(table[:, 0], attenuated(table[:, 1], factor), part=name)
    return measurement(path, "Rigaku RAS", beam(lines[0], lines[1]), scan)


def _even_rows(rows: list[list[float]], path: Path) -> Floats:
    if len({len(row) for row in rows}) != 1 or len(rows[0]) < 2:
        raise InputError(
            f"{path.name} needs rows of one length", received=f"{len(rows)} rows of several"
        )
    return np.array(rows)


def _maybe(text: str | None) -> float | None:
    try:
        return None if text is None else float(text)
    except ValueError:
        return None


def read_rigaku_asc(path: Path) -> tuple[Measurement, ...]:
    """Return the scans of a Rigaku ASC text: ``*START``, ``*STEP``, ``*COUNT`` and the numbers.

    Raises
    ------
    InputError
        If a scan has no start, step or count, or another number of points.
    """
    found: list[Measurement] = []
    known: dict[str, str] = {}
    values: list[float] = []

    def close() -> None:
        if values:
            found.append(_asc_part(known, values, len(found), path))
            values.clear()

    for number, line in enumerate(lines_of(path), start=1):
        text = line.strip()
        if key := _ASC_KEY.match(text):
            known[key[1].upper()] = key[2].strip()
        elif text.startswith("*"):
            close()
        elif text:
            values += _numbers(text.replace(",", " ").split(), path, number)
    close()
    if not found:
        raise InputError(f"{path.name} must hold a scan", received="none")
    return tuple(found)


def _asc_part(known: dict[str, str], values: list[float], number: int, path: Path) -> Measurement:
    start, step = (number_in(known.get(key), f"*{key}", path.name) for key in ("START", "STEP"))
    count = int(number_in(known.get("COUNT"), "*COUNT", path.name))
    if count != len(values):
        raise InputError(
            f"{path.name} must hold as many points as it says",
            received=f"{len(values)} of {count}",
        )
    lines = [_maybe(known.get(key)) for key in ("WAVE_LENGTH1", "WAVE_LENGTH2")]
    name = f"scan {number + 1}" if number else ""
    scan = Scan(steps(start, step, count, path), values, part=name)
    return measurement(path, "Rigaku ASC", beam(lines[0], lines[1]), scan)


def read_uxd(path: Path) -> tuple[Measurement, ...]:
    """Return the ranges of a Bruker UXD text.

    Raises
    ------
    InputError
        If a range has no start or step, or no numbers.
    """
    parts: list[_Part] = []
    known: dict[str, str] = {}
    inside = False
    for number, line in enumerate(lines_of(path), start=1):
        text = line.split(";")[0].strip()
        if not text:
            continue
        if key := _UXD_KEY.match(text):
            name = key[1].upper()
            inside = name in _UXD_DATA
            if inside:
                parts.append(_Part({**known, "DATA": name}))
            else:
                known[name] = key[2].strip().strip("'\"")
        elif inside:
            cells = text.replace(",", " ").split()
            parts[-1].rows.append(_numbers(cells, path, number))
    if not parts:
        raise InputError(f"{path.name} must hold counts", received="none")
    return tuple(_uxd_part(part, number, path) for number, part in enumerate(parts))


def _uxd_part(part: _Part, number: int, path: Path) -> Measurement:
    known = part.known
    if known["DATA"].startswith("2THETA"):
        table = _even_rows(part.rows, path)
        x, y = table[:, 0], table[:, 1]
    else:
        y = np.array([value for row in part.rows for value in row])
        start = number_in(known.get("START", known.get("2THETA")), "_START", path.name)
        step = number_in(known.get("STEPSIZE"), "_STEPSIZE", path.name)
        x = steps(start, step, len(y), path)
    lines = [_maybe(known.get(key)) for key in ("WL1", "WL2", "WLRATIO")]
    name = f"range {number + 1}" if number else ""
    return measurement(path, "Bruker UXD", beam(*lines), Scan(x, y, part=name))


_GSAS_WIDTHS = {"STD": 10, "ESD": 5}


def read_gsas(path: Path) -> tuple[Measurement, ...]:
    """Return the banks of a GSAS file in constant steps or FXYE; angles are centidegrees there.

    Raises
    ------
    InputError
        If there is no bank, one is of a time of flight, or it is cut short.
    """
    lines = lines_of(path)
    places = [number for number, line in enumerate(lines) if line.startswith("BANK")]
    if not places:
        raise InputError(f"{path.name} must hold a BANK", received="none")
    found = []
    for number, (place, end) in enumerate(itertools.pairwise([*places, len(lines)])):
        scan = _bank(lines[place], lines[place + 1 : end], place, path)
        part = f"bank {number + 1}" if number else ""
        whole = Scan(scan.x, scan.y, scan.error, part=part)
        found.append(measurement(path, "GSAS", Conditions(), whole))
    return tuple(found)


def _bank(head: str, rows: list[str], place: int, path: Path) -> Scan:
    words = head.split()
    if len(words) < 7:
        raise InputError(f"{path.name} needs a full BANK line", received=head[:80])
    count = int(number_in(words[2], "the channels", path.name))
    binning, kind = words[4], words[-1] if words[-1].isalpha() else "STD"
    if binning not in ("CONST", "CONS"):
        raise InputError(
            f"{path.name} must be a pattern in constant steps of 2 theta", received=binning
        )
    start, step = (number_in(words[n], "start and step", path.name) / 100.0 for n in (5, 6))
    rows = [row for row in rows if row.strip() and not row.startswith("#")]
    if kind in ("FXYE", "FXY"):
        cells = [_numbers(row.split(), path, place + n + 2) for n, row in enumerate(rows[:count])]
        table = _even_rows(cells, path)
        _enough(len(table), count, path)
        error = table[:, 2] if table.shape[1] > 2 else None
        return Scan(table[:, 0] / 100.0, table[:, 1], error)
    if kind not in _GSAS_WIDTHS:
        raise InputError(f"{path.name} must be STD, ESD, FXY or FXYE", received=kind)
    y, error = _fixed(rows, kind, path, place)
    _enough(len(y), count, path)
    x = steps(start, step, count, path)
    return Scan(x, y[:count], None if error is None else error[:count])


def _enough(found: int, count: int, path: Path) -> None:
    if found < count:
        raise InputError(
            f"{path.name} must hold as many points as it says", received=f"{found} of {count}"
        )


def _fixed(rows: list[str], kind: str, path: Path, place: int) -> tuple[Floats, Floats | None]:
    """Return intensities and errors of records of 80 characters in fixed columns."""
    values: list[float] = []
    for number, row in enumerate(rows):
        cells = [row[n : n + 8] for n in range(0, min(len(row.rstrip()), 80), 8)]
        if kind == "STD":  # two characters say how many detectors counted, six what
            values += _numbers((cell[2:] for cell in cells), path, place + number + 2)
        else:
            values += _numbers(cells, path, place + number + 2)
    if kind == "STD":
        y = np.array(values)
        return y, np.sqrt(np.maximum(y, 1.0))
    pairs = np.array(values[: len(values) - len(values) % 2]).reshape(-1, 2)
    return pairs[:, 0], pairs[:, 1]
