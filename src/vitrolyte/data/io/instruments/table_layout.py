"""Where the table begins in an instrument's text, what parts its cells, and its headings."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

from vitrolyte.data.errors import InputError
from vitrolyte.data.io.instruments.heading import split_heading
from vitrolyte.data.io.instruments.unit_words import is_unit

NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eEdD][+-]?\d+)?")
COMMA_NUMBER = re.compile(r"[+-]?(?:\d+,\d*|,\d+)(?:[eEdD][+-]?\d+)?")
_THOUSANDS = re.compile(
    r"[+-]?\d{1,3}(?:,\d{3})+\.\d*|[+-]?\d{1,3}(?:\.\d{3})+,\d*|[+-]?\d{1,3}(?:[,.]\d{3}){2,}"
)
_EITHER = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}")
_DELIMITERS = ("\t", ";", "|", ",", "")
_COMMENTS = ("#", "%", "!", "//", "*", "'")
_HEADINGS_ABOVE = 3
_SAFE_LENGTH = 300
_EXPONENT = re.compile(r"[eEdD]")


@dataclass(frozen=True)
class Layout:
    """How a table lies in a text.

    Attributes
    ----------
    delimiter
        What parts the cells; empty for blanks.
    first
        Number of the first line of the table, from 0.
    kinds
        For each cell of a row ``n`` (number), ``t`` (text) or ``e`` (always empty).
    names, units
        Of the columns; empty where there is no heading.
    decimal_comma
        Whether numbers are written with a comma.
    """

    delimiter: str
    first: int
    kinds: str
    names: tuple[str, ...]
    units: tuple[str, ...]
    decimal_comma: bool


@dataclass(frozen=True)
class _Run:
    """Lines ``start <= i < stop`` of one width that look like a table."""

    delimiter: str
    start: int
    stop: int
    width: int
    score: float


def cells_of(line: str, delimiter: str) -> list[str]:
    """Return the cells of a line, without blanks and quotation marks around them."""
    if not delimiter:
        return line.split() if '"' not in line else _quoted(line, " ")
    cells = _quoted(line, delimiter) if '"' in line else line.split(delimiter)
    return [cell.strip() for cell in cells]


def _quoted(line: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=delimiter, skipinitialspace=True), [])
    except csv.Error:
        return line.split(delimiter)


def is_remark(line: str) -> bool:
    """Return whether a line is blank or a comment."""
    text = line.strip().strip(";,\t")
    return not text or text.startswith(_COMMENTS[:4])


def find_layout(lines: Sequence[str], where: str) -> Layout:
    """Return the layout of the table in the first lines of a text.

    Raises
    ------
    InputError
        If there is no table, or its numbers can be read in two ways.
    """
    runs = [run for delimiter in _DELIMITERS if (run := _best_run(lines, delimiter)) is not None]
    if not runs:
        raise InputError(
            f"{where} must hold a table of numbers", received="no line of numbers in it"
        )
    run = max(runs, key=lambda found: found.score)
    rows = [cells_of(line, run.delimiter) for line in lines[run.start : run.stop]]
    rows = [row for row in rows if len(row) == run.width]
    decimal_comma = _decimal_comma(rows, run, where)
    kinds = _kinds(rows, decimal_comma)
    first = _first_row(lines, run, kinds, decimal_comma)
    names, units = _headings(lines, first, run, where)
    return Layout(run.delimiter, first, kinds, names, units, decimal_comma)


def is_number(cell: str, decimal_comma: bool) -> bool:
    """Return whether a cell is a number that a computer can hold."""
    form = COMMA_NUMBER if decimal_comma else NUMBER
    whole = decimal_comma and "." not in cell and NUMBER.fullmatch(cell)
    if not (form.fullmatch(cell) or whole):
        return False
    plain = len(cell) < _SAFE_LENGTH and not _EXPONENT.search(cell)
    return plain or isfinite(as_float(cell))


def as_float(cell: str) -> float:
    """Return a number, with a decimal comma or the exponent of Fortran too."""
    return float(cell.lower().replace(",", ".").replace("d", "e"))


def _worth(cells: list[str]) -> float:
    """Return how much a line looks like a row: numbers, less half of the texts."""
    numbers = texts = 0
    for cell in cells:
        if any(form.fullmatch(cell) for form in (NUMBER, COMMA_NUMBER, _THOUSANDS)):
            numbers += 1
        elif cell:
            texts += 1
    worth = numbers - 0.5 * texts
    first = next((cell for cell in cells if cell), "")
    return worth * 0.25 if first[:1].isalpha() and worth > 0 else worth


def _best_run(lines: Sequence[str], delimiter: str) -> _Run | None:
    best: _Run | None = None
    start, width, score = 0, 0, 0.0
    stop = 0
    for place, line in enumerate(lines):
        if is_remark(line):
            continue
        cells = cells_of(line, delimiter)
        worth = _worth(cells)
        if len(cells) != width or worth <= 0:
            start, width, score = place, len(cells), 0.0
        if worth <= 0:
            width = 0
            continue
        score, stop = score + worth, place + 1
        if best is None or score > best.score:
            best = _Run(delimiter, start, stop, width, score)
    return best


def _decimal_comma(rows: list[list[str]], run: _Run, where: str) -> bool:
    """Return whether numbers have decimal commas; refuse what can be read in two ways."""
    cells = [cell for row in rows for cell in row if cell]
    thousands = next((cell for cell in cells if _THOUSANDS.fullmatch(cell)), None)
    commas = [cell for cell in cells if COMMA_NUMBER.fullmatch(cell)]
    points = next((cell for cell in cells if NUMBER.fullmatch(cell) and "." in cell), None)
    if thousands is None and commas and points is not None:
        thousands = f"{commas[0]} beside {points}"
    if thousands is None and commas and all(_EITHER.fullmatch(cell) for cell in commas):
        thousands = commas[0]
    if thousands is not None:
        raise InputError(
            f"The numbers of {where} need one decimal sign and none between thousands",
            received=f"{thousands}, in or after line {run.start + 1}",
            remedy="export without thousands separators",
        )
    return bool(commas)


def _kinds(rows: list[list[str]], decimal_comma: bool) -> str:
    """Return the kind of each column: what most of its cells are."""
    kinds = ""
    for column in zip(*rows, strict=True):
        full = [cell for cell in column if cell]
        numbers = sum(is_number(cell, decimal_comma) for cell in full)
        kinds += "e" if not full else "n" if 2 * numbers > len(full) else "t"
    return kinds


def _first_row(lines: Sequence[str], run: _Run, kinds: str, decimal_comma: bool) -> int:
    """Return the first line of the run that is a row: numbers where numbers belong."""
    for place in range(run.start, run.stop):
        cells = cells_of(lines[place], run.delimiter)
        if is_remark(lines[place]) or len(cells) != len(kinds):
            continue
        pairs = [(cell, kind) for cell, kind in zip(cells, kinds) if kind == "n" and cell]
        if pairs and all(is_number(cell, decimal_comma) for cell, _ in pairs):
            return place
    return run.start


def _headings(
    lines: Sequence[str], first: int, run: _Run, where: str
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    above = [line for line in lines[max(0, first - _HEADINGS_ABOVE) : first] if line.strip()]
    if not above:
        return (), ()
    nearest = _heading_cells(above[-1], run)
    _refuse_commas_of_both_kinds(above[-1], run, where)
    if nearest is None or all(NUMBER.fullmatch(cell) for cell in nearest if cell):
        return (), ()
    upper = _heading_cells(above[-2], run) if len(above) > 1 else None
    if upper is not None and _unit_row(nearest) and not _unit_row(upper):
        pairs = [split_heading(name) for name in upper]
        units = tuple(unit.strip("()[] ") or own for unit, (_, own) in zip(nearest, pairs))
        return tuple(name for name, _ in pairs), units
    pairs = [split_heading(cell) for cell in nearest]
    return tuple(name for name, _ in pairs), tuple(unit for _, unit in pairs)


def _unit_row(cells: list[str]) -> bool:
    """Return whether every cell of a line is a unit, a sign for none, or nothing."""
    bare = [cell.strip("()[] ") for cell in cells]
    known = [word for word in bare if word and word != "#"]
    return bool(known) and all(is_unit(word) for word in known)


def _heading_cells(line: str, run: _Run) -> list[str] | None:
    """Return as many headings as there are columns, or None."""
    bare = line.strip("\r\n")
    for sign in _COMMENTS:
        if bare.lstrip().startswith(sign):
            bare = bare.lstrip()[len(sign) :].strip(" ")
            break
    for cells in _ways_to_part(bare, run):
        while len(cells) > run.width and not cells[-1]:
            cells.pop()
        if len(cells) == run.width - 1 and run.delimiter:
            cells = [*cells, ""]
        if len(cells) == run.width and any(cells):
            return cells
    return None


def _ways_to_part(line: str, run: _Run) -> list[list[str]]:
    if run.delimiter:
        return [cells_of(line, run.delimiter)]
    blanks = line.split()
    merged: list[str] = []
    for word in blanks:
        if merged and word.startswith(("(", "[")):
            merged[-1] += f" {word}"
        else:
            merged.append(word)
    others = [re.split(r"\s{2,}|\t", line.strip()), cells_of(line, ","), cells_of(line, ";")]
    return [blanks, merged, *others, cells_of(line, "\t")]


def _refuse_commas_of_both_kinds(heading: str, run: _Run, where: str) -> None:
    names = len([cell for cell in cells_of(heading, ",") if cell])
    if run.delimiter == "," and names > 0 and run.width == 2 * names and run.width > 2:
        raise InputError(
            f"The cells of {where} must be told from its decimal commas",
            received=f"{names} headings over rows of {run.width} parts between commas",
            remedy="export with semicolons or tabs between the cells, or with decimal points",
        )
