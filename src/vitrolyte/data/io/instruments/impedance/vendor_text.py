"""Spectra in the text files of Gamry, Scribner (ZPlot), Ivium, Autolab and VersaStudio."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vitrolyte.data.errors import InputError
from vitrolyte.data.io.instruments.delimited import Column, Delimited
from vitrolyte.data.io.instruments.heading import split_heading
from vitrolyte.data.io.instruments.impedance.columns import (
    Source,
    spectra_of_table,
    split_spectra,
)
from vitrolyte.data.io.instruments.impedance.header import column_temperature, header_conditions
from vitrolyte.data.io.instruments.text_lines import open_lines
from vitrolyte.data.measurement import Measurement

Floats = NDArray[np.float64]

_MOST_LINES = 2_000_000
_SCRIBNER = ("Freq(Hz)", "Ampl", "Bias", "Time(Sec)", "Z'(ohm)", "Z''(ohm)", "GD", "Err", "Range")
_POINTS = re.compile(r"Data Points:\s*(\d{1,9})\s*$")
_AREA = re.compile(r"(?i)(?:surface area|data options\.area|electrode area[^:=]*)\s*[:=]\s*(\S+)")


def read_gamry(path: Path) -> tuple[Measurement, ...]:
    """Return the spectra of a Gamry file (.DTA): every table ``ZCURVE``.

    Raises
    ------
    InputError
        If there is none, or a row of it is malformed.
    """
    lines = _lines(path)
    comma = any(re.match(r"^\t\d+\t\d+,\d", line) for line in lines)
    tables = [
        _gamry_table(lines, place, comma, path.name)
        for place, line in enumerate(lines)
        if re.match(r"(?i)^Z\w*CURVE\d*\tTABLE", line)
    ]
    if not tables:
        kinds = [line.split("\t")[0] for line in lines if re.match(r"^\w+\tTABLE", line)]
        raise InputError(
            f"{path.name} needs a table ZCURVE with an impedance spectrum",
            received=f"tables {kinds or 'none'}",
        )
    area = next((_float(line.split("\t")[2]) for line in lines if _is_area(line)), None)
    top = [line for line in lines[:200] if not line.startswith("\t")]
    conditions, notes = header_conditions(top, area_cm2=area, default_area_cm2=1.0)
    aborted = any(line.startswith("EXPERIMENTABORTED") for line in lines)
    notes += ("the instrument's program says that the experiment was aborted",) * aborted
    found: list[Measurement] = []
    for table in tables:
        temperature = column_temperature(table)
        if temperature is not None and conditions.temperature_K is None:
            conditions = type(conditions)(**{**conditions.known(), "temperature_K": temperature})
        found += spectra_of_table(table, Source(path.name, "Gamry DTA", conditions, notes))
    return _numbered(found)


def _is_area(line: str) -> bool:
    return line.startswith("AREA\t") and len(line.split("\t")) > 2


def _gamry_table(lines: Sequence[str], place: int, comma: bool, file: str) -> Delimited:
    if place + 3 > len(lines):
        raise InputError(f"{file} must be a whole file", received="a table without its headings")
    names, units = lines[place + 1].split("\t")[1:], lines[place + 2].split("\t")[1:]
    rows = []
    for number, line in enumerate(lines[place + 3 :], start=place + 4):
        if not line.startswith(("\t", "  ")) or not line.strip():
            break
        # a file that was put together by hand repeats its headings
        if line.split("\t")[1:] in (names, units):
            continue
        rows.append((number, line.split("\t")[1:] if line.startswith("\t") else line.split()))
    return _table(names, units, rows, comma=comma, file=file)


def _table(
    names: Sequence[str],
    units: Sequence[str],
    rows: Iterable[tuple[int, Sequence[str]]],
    *,
    comma: bool,
    file: str,
) -> Delimited:
    """Return rows of cells as a table; columns that are not numbers are left out."""
    kept = list(rows)
    width = min(len(names), min((len(cells) for _, cells in kept), default=0))
    if width < 3 or any(len(cells) < len(names) for _, cells in kept):
        wrong = next((number for number, cells in kept if len(cells) < len(names)), 0)
        raise InputError(
            f"{file} needs rows of {len(names)} cells under its headings",
            received=f"a shorter one in line {wrong}" if wrong else "no rows",
        )
    columns, flawed = [], []
    for place in range(width):
        cells = [row[place].replace(",", ".") if comma else row[place] for _, row in kept]
        values = _all_floats(cells)
        unit = units[place] if place < len(units) else ""
        if values is None:
            number = next(n for (n, _), cell in zip(kept, cells) if _float(cell) is None)
            flawed.append((names[place], f"line {number}"))
        else:
            columns.append(Column(names[place], unit, values))
    return Delimited(tuple(columns), header=(), flawed=tuple(flawed), file=file)


def _all_floats(cells: Sequence[str]) -> Floats | None:
    values = [_float(cell) for cell in cells]
    if any(value is None for value in values):
        return None
    return np.array(values, dtype=float)


def _float(cell: str) -> float | None:
    text = cell.strip()
    if not re.fullmatch(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", text):
        return None
    value = float(text)
    return value if math.isfinite(value) else None


def read_scribner(path: Path) -> tuple[Measurement, ...]:
    """Return the spectrum of a ZPlot, ZView or Autolab file in the layout of ZPlot.

    Nine columns parted by tabs, commas or blanks: frequency, amplitude, bias, time, Z', Z'' and
    three more.

    Raises
    ------
    InputError
        If the rows are malformed.
    """
    lines = _lines(path)
    start = next((i + 1 for i, line in enumerate(lines) if line.strip() == "End Comments"), None)
    if start is None:
        start = next((i + 1 for i, line in enumerate(lines) if "Freq" in line and "Z'" in line), 0)
    rows = [
        (number, [cell for cell in re.split(r"[,\t ]+", line.strip()) if cell])
        for number, line in enumerate(lines[start:], start=start + 1)
        if line.strip()
    ]
    pairs = [split_heading(name) for name in _SCRIBNER]
    units = [unit for _, unit in pairs]
    table = _table([name for name, _ in pairs], units, rows, comma=False, file=path.name)
    area = next((_float(found.group(1)) for line in lines if (found := _AREA.search(line))), None)
    header = [line for line in lines[:start] if "Freq" not in line]
    conditions, notes = header_conditions(header, area_cm2=area, default_area_cm2=1.0)
    told = next((int(m.group(1)) for line in header if (m := _POINTS.search(line))), len(rows))
    if told != len(rows):
        notes += (f"the header announces {told} points, the file holds {len(rows)}",)
    return spectra_of_table(table, Source(path.name, "ZPlot/ZView", conditions, notes))


def read_ivium(path: Path) -> tuple[Measurement, ...]:
    """Return the spectra of an Ivium file (.idf, .ids): every ``primary_data`` of three columns.

    Raises
    ------
    InputError
        If there is none, or it has not as many rows as it says.
    """
    text = path.read_bytes().decode("latin-1")
    lines = [line.replace("\0", "").strip() for line in text.splitlines()]
    found: list[Measurement] = []
    for place, line in enumerate(lines):
        if line.split(" ")[0] == "primary_data":
            found += _ivium_spectrum(lines, place, path.name)
    if not found:
        raise InputError(
            f"{path.name} needs an impedance spectrum of three columns",
            received="no primary data of that form",
        )
    return _numbered(found)


def _ivium_spectrum(lines: Sequence[str], place: int, file: str) -> tuple[Measurement, ...]:
    counts = [_float(line) for line in lines[place + 1 : place + 3]]
    if len(counts) < 2 or counts[0] != 3 or counts[1] is None:
        return ()
    count = int(counts[1])
    rows = [line.split() for line in lines[place + 3 : place + 3 + min(count, len(lines))]]
    values = [_all_floats(row) for row in rows]
    if len(rows) != count or any(v is None or len(v) != 3 for v in values):
        raise InputError(
            f"{file} needs {count} rows of three numbers under primary_data in line {place + 1}",
            received=f"{sum(v is not None and len(v) == 3 for v in values)}",
        )
    table = np.array(values, dtype=float)
    above = lines[max(0, place - 200) : place]
    area = next((_float(m.group(1)) for line in above if (m := _AREA.search(line))), None)
    conditions, notes = header_conditions(above, area_cm2=area, default_area_cm2=1.0)
    source = Source(file, "Ivium", conditions, notes)
    return split_spectra(table[:, 2], table[:, 0] + 1j * table[:, 1], source)


def read_autolab_dfr(path: Path) -> tuple[Measurement, ...]:
    """Return the spectrum of an Eco Chemie FRA file (.dfr): nine lines a point.

    The file holds frequency, Z' and -Z'' of each point, then six further numbers.

    Raises
    ------
    InputError
        If it has not as many points as it says.
    """
    lines = [line.strip() for line in _lines(path) if line.strip()]
    count = _float(lines[1]) if len(lines) > 2 else None
    if count is None or not lines[0].upper().startswith("VERSION") or not 1 <= count <= 1e6:
        raise InputError(f"{path.name} must begin as a FRA file does", received=str(lines[:2])[:80])
    body = lines[3 : 3 + 9 * int(count)]
    values = _all_floats([line.replace(",", ".") for line in body])
    if values is None or len(values) < 9 * int(count):
        raise InputError(
            f"{path.name} needs nine numbers for each of {int(count)} points",
            received=f"{len(body)} lines" if values is not None else "words among them",
        )
    table = values.reshape(-1, 9)
    source = Source(path.name, "Autolab FRA (dfr)")
    return split_spectra(table[:, 0], table[:, 1] - 1j * table[:, 2], source)


def read_versastudio(path: Path) -> tuple[Measurement, ...]:
    """Return the spectra of a VersaStudio file (.par): every segment with a column ``Z Real``.

    Raises
    ------
    InputError
        If there is none, or a row is malformed.
    """
    lines = _lines(path)
    found: list[Measurement] = []
    for place, line in enumerate(lines):
        if line.startswith("Definition=") and "Z Real" in line:
            # the last entry of a definition is a count, no heading
            headings = line.removeprefix("Definition=").split(", ")
            names = [split_heading(name) for name in headings if not name.isdigit()]
            rows = []
            for number, row in enumerate(lines[place + 1 :], start=place + 2):
                if row.startswith("</") or not row.strip():
                    break
                rows.append((number, row.split(",")))
            words, units = [name for name, _ in names], [unit for _, unit in names]
            table = _table(words, units, rows, comma=False, file=path.name)
            found += spectra_of_table(table, Source(path.name, "VersaStudio"))
    if not found:
        raise InputError(
            f"{path.name} needs a segment with impedances", received="no column Z Real"
        )
    return _numbered(found)


def _lines(path: Path) -> list[str]:
    lines = open_lines(path).lines(_MOST_LINES)
    if len(lines) >= _MOST_LINES:
        raise InputError(f"{path.name} must have fewer than {_MOST_LINES} lines", received="more")
    return lines


def _numbered(found: list[Measurement]) -> tuple[Measurement, ...]:
    """Return spectra with a part each, where a file holds several."""
    if len(found) == 1:
        return tuple(found)
    return tuple(replace(one, part=f"loop {n}") for n, one in enumerate(found, start=1))
