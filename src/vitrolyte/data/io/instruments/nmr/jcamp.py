"""Spectra in JCAMP-DX, plain and compressed.

References
----------
Davies & Lampen, Appl. Spectrosc. 47, 1093 (1993), https://doi.org/10.1366/0003702934067874;
McDonald & Wilks, Appl. Spectrosc. 42, 151 (1988), https://doi.org/10.1366/0003702884428734.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vitrolyte.data.curve import Curve
from vitrolyte.data.errors import InputError
from vitrolyte.data.io.instruments.nmr.free_decay import (
    FREQUENCY,
    INTENSITY,
    MOST_POINTS,
    SHIFT,
)
from vitrolyte.data.measurement import Conditions, Measurement

Floats = NDArray[np.float64]

_LARGEST = 64 * 2**20
_SQUEEZED = {c: str(n) for n, c in enumerate("@ABCDEFGHI")} | {
    c: f"-{n}" for n, c in enumerate("abcdefghi", start=1)
}
_DIFFERENCE = {c: str(n) for n, c in enumerate("%JKLMNOPQR")} | {
    c: f"-{n}" for n, c in enumerate("jklmnopqr", start=1)
}
_REPEAT = {c: str(n) for n, c in enumerate("STUVWXYZs", start=1)}
_PLAIN = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_TOKEN = re.compile(r"[@A-Ia-i%J-Rj-rS-Zs]\d*|[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]\d+)?|\?")
_NUCLEUS = re.compile(r"\^?(\d+)\s*([A-Z][a-z]?)")


def is_jcamp(path: Path) -> bool:
    """Return whether a file begins as JCAMP-DX does."""
    try:
        with path.open("rb") as stream:
            start = stream.read(4096)
    except OSError:
        return False
    return start.lstrip().upper().startswith(b"##TITLE") and b"\0" not in start


@dataclass(frozen=True, eq=False)
class _Records:
    """Labelled records of one block, the last of each name, and its tables in order."""

    values: dict[str, str]
    tables: list[str]
    file: str

    def known(self, name: str) -> float | None:
        match = _PLAIN.match(self.values.get(name, "").strip().strip("<>"))
        value = float(match.group()) if match else math.nan
        return value if math.isfinite(value) else None

    def number(self, name: str) -> float:
        found = self.known(name)
        if found is None:
            raise InputError(f"{self.file} must state {name}", received="no finite number")
        return found


def read_jcamp(path: Path) -> tuple[Measurement, ...]:
    """Return the spectrum of a JCAMP-DX file.

    Raises
    ------
    InputError
        If it is no NMR spectrum, or its table does not hold what its head says.
    """
    records = _records(path)
    kind = records.values.get("DATATYPE", "").upper()
    if "NMR" not in kind or "FID" in kind:
        raise InputError(
            f"{path.name} must hold an NMR spectrum",
            received=f"data type {kind.strip()[:60]!r}",
            remedy="export the spectrum rather than the decay" if "FID" in kind else "",
        )
    if "NTUPLES" in records.values and len(records.tables) >= 1:
        x, y, unit = _pages(records)
    else:
        x, y, unit = _single(records)
    return (_measurement(path, records, (x, y), unit),)


def _records(path: Path) -> _Records:
    try:
        if path.stat().st_size > _LARGEST:
            raise InputError(f"{path.name} must have less than 64 MiB", received="more")
        text = path.read_text(encoding="latin-1")
    except OSError as fault:
        raise InputError(f"The file {path} must be readable", received=str(fault)) from fault
    values: dict[str, str] = {}
    tables: list[str] = []
    name = ""
    for line in text.splitlines():
        if not line.startswith("##"):
            if name in ("XYDATA", "DATATABLE", "XYPOINTS"):
                tables[-1] += "\n" + line.partition("$$")[0]
            elif name:
                values[name] += "\n" + line.partition("$$")[0]
            continue
        label, _, rest = line[2:].partition("=")
        name = re.sub(r"[\s_/-]", "", label).upper()
        values[name] = rest.partition("$$")[0].strip()
        if name in ("XYDATA", "DATATABLE", "XYPOINTS"):
            tables.append(values[name])
    if not tables:
        raise InputError(f"{path.name} must hold a table XYDATA or DATA TABLE", received="none")
    return _Records(values, tables, path.name)


def _single(records: _Records) -> tuple[Floats, Floats, str]:
    unit = records.values.get("XUNITS", "")
    scale_x, scale_y = (records.known(n) or 1.0 for n in ("XFACTOR", "YFACTOR"))
    table = records.tables[0]
    if "(XY..XY)" in table.upper().replace(" ", ""):
        found = [float(v) for v in _PLAIN.findall(_body(table))]
        if len(found) % 2 or not found:
            raise InputError(f"{records.file} must hold pairs of x and y", received="a half pair")
        pairs = np.array(found).reshape(-1, 2)
        return pairs[:, 0] * scale_x, pairs[:, 1] * scale_y, unit
    y = _values(table, records.file) * scale_y
    count = records.known("NPOINTS")
    if count is not None and count != len(y):
        raise InputError(
            f"{records.file} must hold {count:g} points, as it says",
            received=f"{len(y)}: cut short or damaged",
        )
    return np.linspace(records.number("FIRSTX"), records.number("LASTX"), len(y)), y, unit


def _pages(records: _Records) -> tuple[Floats, Floats, str]:
    """Return shifts and the real page of a table of several pages."""
    lists = {
        name: [part.strip() for part in records.values.get(name, "").split(",")]
        for name in ("FIRST", "LAST", "FACTOR", "UNITS", "VARDIM")
    }
    try:
        ends = float(lists["FIRST"][0]), float(lists["LAST"][0])
        factor = float(lists["FACTOR"][1])
        unit, count = lists["UNITS"][0], int(float(lists["VARDIM"][0]))
    except (ValueError, IndexError, OverflowError) as fault:
        raise InputError(
            f"{records.file} must state FIRST, LAST, FACTOR, UNITS and VAR_DIM of its pages",
            received=str(fault),
        ) from fault
    y = _values(records.tables[0], records.file) * factor
    if len(y) != count:
        raise InputError(
            f"{records.file} must hold {count} points on a page, as it says",
            received=f"{len(y)}: cut short or damaged",
        )
    return np.linspace(*ends, len(y)), y, unit


def _body(table: str) -> str:
    return table.partition("\n")[2]


def _values(table: str, file: str) -> Floats:
    """Return the ordinates of a table (X++(Y..Y)), compressed or not."""
    found: list[float] = []
    checked = False
    for number, line in enumerate(_body(table).splitlines(), start=1):
        if not line.strip():
            continue
        ordinates, ends_in_difference = _ordinates(line, (file, number))
        if checked and found and ordinates:
            # A line of differences is followed by its last ordinate once more, as a check.
            if abs(ordinates[0] - found[-1]) > 1e-6 * max(1.0, abs(found[-1])):
                raise InputError(
                    f"{file} must repeat its last ordinate after a line of differences",
                    received=f"line {number} of the table: {ordinates[0]:g} for {found[-1]:g}",
                )
            ordinates = ordinates[1:]
        found += ordinates
        checked = ends_in_difference
        if len(found) > MOST_POINTS:
            raise InputError(f"{file} must hold less than {MOST_POINTS} points", received="more")
    if len(found) < 2:
        raise InputError(f"{file} must hold ordinates", received=f"{len(found)}")
    return np.array(found)


def _ordinates(line: str, where: tuple[str, int]) -> tuple[list[float], bool]:
    """Return the ordinates of a line without its abscissa, and whether it ends in a difference."""
    tokens = list(_tokens(line, where))
    found: list[float] = []
    step, was_difference = 0.0, False
    for token in tokens[1:]:
        first = token[0]
        if first in _REPEAT:
            count = int(_REPEAT[first] + token[1:])
            if not found or count > MOST_POINTS:
                raise _garbled(where, token)
            for _ in range(count - 1):
                found.append(found[-1] + (step if was_difference else 0.0))
        elif first in _DIFFERENCE:
            if not found:
                raise _garbled(where, token)
            step, was_difference = float(_DIFFERENCE[first] + token[1:]), True
            found.append(found[-1] + step)
        else:
            was_difference = False
            found.append(float(_SQUEEZED.get(first, first) + token[1:]))
    if not all(map(math.isfinite, found)):
        raise _garbled(where, "numbers that are not finite")
    return found, was_difference


def _tokens(line: str, where: tuple[str, int]) -> Iterator[str]:
    place = 0
    for found in _TOKEN.finditer(line):
        between = line[place : found.start()].strip(" \t,;")
        if between or found.group() == "?":
            raise _garbled(where, between or "?")
        place = found.end()
        yield found.group()
    if line[place:].strip(" \t,;"):
        raise _garbled(where, line[place:])


def _garbled(where: tuple[str, int], what: str) -> InputError:
    file, number = where
    return InputError(
        f"{file} must hold ordinates in one of the forms of JCAMP-DX",
        received=f"{what.strip()[:30]!r} in line {number} of the table",
    )


def _measurement(
    path: Path, records: _Records, data: tuple[Floats, Floats], unit: str
) -> Measurement:
    x, y = data
    larmor = records.known(".OBSERVEFREQUENCY")
    notes: tuple[str, ...] = ()
    axis = FREQUENCY
    if unit.strip().upper() == "PPM":
        axis = SHIFT
    elif unit.strip().upper() not in ("HZ", "HERTZ"):
        raise InputError(f"{path.name} must have its spectrum in ppm or Hz", received=repr(unit))
    elif larmor is not None and larmor > 0:
        x, axis = x / larmor, SHIFT
        left = records.known("$OFFSET")
        if left is not None:
            x = x + left - x.max()
        notes = ("shifts are frequencies over the Larmor frequency",)
    if not np.all(np.isfinite(x)) or np.ptp(x) == 0:
        raise InputError(f"{path.name} must state two different ends of its axis", received="one")
    order = np.argsort(x, kind="stable")
    nucleus = _NUCLEUS.search(records.values.get(".OBSERVENUCLEUS", ""))
    label = "".join(nucleus.groups()) if nucleus else ""
    curve = Curve(x[order], y[order], axis, INTENSITY, None, label)
    known = Conditions(larmor_MHz=larmor if larmor is not None and larmor > 0 else None)
    return Measurement(curve, known, path.name, "JCAMP-DX", "", notes)
