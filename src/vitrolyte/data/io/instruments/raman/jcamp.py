"""JCAMP-DX: the exchange format of vibrational spectroscopy, packed forms included.

References
----------
McDonald & Wilks, Appl. Spectrosc. 42, 151 (1988), doi:10.1366/0003702884428734.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vitrolyte.data.errors import InputError
from vitrolyte.data.io.instruments.text_lines import open_lines
from vitrolyte.data.measurement import Measurement
from vitrolyte.data.spectroscopy import raman_curve

Floats = NDArray[np.float64]

_MOST_LINES = 1_000_000
_MOST_POINTS = 5_000_000
_LABEL = re.compile(r"^\s*##\s*([^=]*)=\s*(.*)$")
_AFFN = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
# No exponent: in packed lines E and e are digits.
_PLAIN = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)")
_SQUEEZED = {c: str(n) for n, c in enumerate("@ABCDEFGHI")}
_SQUEEZED |= {c: f"-{n}" for n, c in enumerate("abcdefghi", start=1)}
_DIFFERENCE = {c: str(n) for n, c in enumerate("%JKLMNOPQR")}
_DIFFERENCE |= {c: f"-{n}" for n, c in enumerate("jklmnopqr", start=1)}
_REPEATED = {c: str(n) for n, c in enumerate("STUVWXYZs", start=1)}
_PACKED = re.compile(r"([@A-Ia-i%J-Rj-rS-Zs+-]?)(\d*\.?\d*)")


@dataclass
class _Block:
    labels: dict[str, str] = field(default_factory=dict)
    kind: str = ""
    rows: list[str] = field(default_factory=list)


def is_jcamp(head: bytes) -> bool:
    """Return whether a file that begins so is JCAMP-DX."""
    text = head[:2000].decode("latin-1").upper().lstrip("\ufeff \r\n\t")
    return text.startswith("##TITLE")


def read_jcamp(path: Path) -> tuple[Measurement, ...]:
    """Return the spectra of a JCAMP-DX file.

    Raises
    ------
    InputError
        If a spectrum is cut off, packed wrongly, not against wave numbers, or none is there.
    """
    blocks = [block for block in _blocks(open_lines(path).lines(_MOST_LINES)) if block.rows]
    if not blocks:
        raise InputError(f"{path.name} must hold a spectrum", received="labels without data")
    return tuple(_measurement(block, path.name, len(blocks) > 1) for block in blocks)


def _blocks(lines: list[str]) -> Iterator[_Block]:
    block = _Block()
    inside = False
    for line in lines:
        plain = line.partition("$$")[0].rstrip()
        found = _LABEL.match(plain)
        if found:
            label = re.sub(r"[\s_/-]", "", found.group(1)).upper()
            inside = label in ("XYDATA", "XYPOINTS", "PEAKTABLE")
            if inside:
                block.kind = label + found.group(2).replace(" ", "").upper()
            elif label == "END":
                yield block
                block = _Block()
            elif label:
                block.labels[label] = found.group(2).strip()
        elif inside and plain.strip():
            block.rows.append(plain)
    yield block


def _measurement(block: _Block, name: str, several: bool) -> Measurement:
    unit = block.labels.get("XUNITS", "").upper()
    if "1/CM" not in unit and "CM-1" not in unit and "CM^-1" not in unit:
        raise InputError(f"{name} needs a spectrum against 1/cm", received=f"x in {unit or '?'}")
    if not block.kind.startswith(("XYDATA", "XYPOINTS")):
        raise InputError(f"{name} needs a spectrum", received="a table of peaks")
    x, y = _pairs(block, name) if "XY..XY" in block.kind else _even(block, name)
    kind = block.labels.get("DATATYPE", "")
    notes = () if "RAMAN" in kind.upper() else (f"its type of data is {kind or 'not said'}",)
    part = block.labels.get("TITLE", "") if several else ""
    return Measurement(
        raman_curve(x, y, name), file=name, format="JCAMP-DX", part=part, notes=notes
    )


def _label(block: _Block, label: str, name: str, default: float | None = None) -> float:
    text = block.labels.get(label, "").replace(",", ".")
    try:
        return float(text) if text or default is None else default
    except ValueError:
        raise InputError(f"{name} needs a number as {label}", received=repr(text[:40])) from None


def _pairs(block: _Block, name: str) -> tuple[Floats, Floats]:
    numbers = [float(word) for row in block.rows for word in _AFFN.findall(row)]
    if len(numbers) % 2:
        raise InputError(f"{name} needs pairs of x and y", received=f"{len(numbers)} numbers")
    values = np.array(numbers).reshape(-1, 2)
    scales = _label(block, "XFACTOR", name, 1.0), _label(block, "YFACTOR", name, 1.0)
    return values[:, 0] * scales[0], values[:, 1] * scales[1]


def _even(block: _Block, name: str) -> tuple[Floats, Floats]:
    """Return a spectrum at equal steps, ``(X++(Y..Y))``."""
    count = int(min(max(_label(block, "NPOINTS", name), 0.0), float(_MOST_POINTS)))
    y: list[float] = []
    checked = False
    for row in block.rows:
        values, by_difference = _row(row, count - len(y), name)
        # A line after one that ended with a difference begins with a check of that last value.
        if y and checked and values:
            if abs(values[0] - y[-1]) > 1.5:
                raise InputError(
                    f"{name} must be whole",
                    received=f"a line whose check value {values[0]:g} is not {y[-1]:g}",
                )
            values = values[1:]
        y += values
        checked = by_difference
    if len(y) != count:
        raise InputError(
            f"{name} must hold the {count} points that it announces", received=f"{len(y)} points"
        )
    x = np.linspace(_label(block, "FIRSTX", name), _label(block, "LASTX", name), count)
    return x, np.array(y) * _label(block, "YFACTOR", name, 1.0)


def _row(row: str, room: int, name: str) -> tuple[list[float], bool]:
    """Return the y of one line, without its x, and whether the last was a difference."""
    start = _PLAIN.match(row.strip())
    if start is None:
        raise InputError(f"{name} needs lines that begin with x", received=repr(row[:40]))
    text = row.strip()[start.end() :]
    values: list[float] = []
    step, by_difference = 0.0, False
    for mark, digits in _tokens(text, name):
        if mark in _REPEATED:
            times = int(_REPEATED[mark] + digits) - 1
            if times > room + 2:
                raise InputError(f"{name} must be whole", received="a repetition beyond its points")
            for _ in range(times):
                values.append((values[-1] if values else 0.0) + (step if by_difference else 0.0))
        elif mark in _DIFFERENCE:
            step, by_difference = float(_DIFFERENCE[mark] + digits), True
            values.append((values[-1] if values else 0.0) + step)
        else:
            by_difference = False
            values.append(float(_SQUEEZED.get(mark, mark) + digits))
        if len(values) > room + 2:
            raise InputError(f"{name} must be whole", received="more points than it announces")
    return values, by_difference


def _tokens(text: str, name: str) -> Iterator[tuple[str, str]]:
    for part in text.replace(",", " ").split():
        if _PLAIN.fullmatch(part) or ("." in part and _AFFN.fullmatch(part)):
            yield "", part
            continue
        place = 0
        while place < len(part):
            found = _PACKED.match(part, place)
            if found is None or not found.group(0) or found.group(0) in "+-.":
                raise InputError(f"{name} must be packed rightly", received=repr(part[:40]))
            yield found.group(1), found.group(2)
            place = found.end()
