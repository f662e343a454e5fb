"""Tables in text files: columns with names and units, whatever the delimiter and decimal sign."""

from __future__ import annotations

import contextlib
import re
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from typing import final

import numpy as np
from numpy.typing import NDArray

from vitrolyte.data.errors import InputError, UnitError
from vitrolyte.data.io.instruments.heading import plain_name
from vitrolyte.data.io.instruments.table_layout import (
    Layout,
    as_float,
    cells_of,
    find_layout,
    is_number,
    is_remark,
)
from vitrolyte.data.io.instruments.text_lines import open_lines
from vitrolyte.data.io.instruments.unit_words import convert

Floats = NDArray[np.float64]

_SAMPLE_LINES = 4000
_MOST_COLUMNS = 2000
_KEPT_FOOTER = 200
_NO_NUMBER = re.compile(r"[^0-9.,+\-eE ]")


@dataclass(frozen=True, eq=False)
class Column:
    """One column of numbers.

    Attributes
    ----------
    name, unit
        As the file has them; the unit is empty where it says none.
    values
        (n_rows,), finite.
    """

    name: str
    unit: str
    values: Floats

    def to(self, unit: str, *, default: str = "") -> Floats:
        """Return the values in another unit.

        Parameters
        ----------
        default
            Unit to take where the file says none; without it such a column is refused.

        Raises
        ------
        UnitError
            If the units do not fit, or the file says none.
        InputError
            If a number is too large in the other unit.
        """
        try:
            with np.errstate(over="ignore"):
                turned = convert(self.values, self.unit or default, unit)
        except UnitError as fault:
            raise UnitError(
                f"The column {self.name!r} needs a unit that can be turned into {unit}",
                received=repr(self.unit) if self.unit else "no unit",
                remedy=fault.remedy,
            ) from fault
        if not np.isfinite(turned).all():
            raise InputError(
                f"The column {self.name!r} must hold plausible numbers", received="some too large"
            )
        return turned


@dataclass(frozen=True)
class TextColumn:
    """One column of words."""

    name: str
    values: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Delimited:
    """A table read from a text file.

    Attributes
    ----------
    columns
        The columns of numbers.
    header, footer
        The lines above the table, its headings among them, and those below.
    texts
        Columns of words.
    flawed
        Columns of numbers with a cell that is none: name, and what is wrong in which line.
    file
        Name of the file.
    """

    columns: tuple[Column, ...]
    header: tuple[str, ...]
    footer: tuple[str, ...] = ()
    texts: tuple[TextColumn, ...] = ()
    flawed: tuple[tuple[str, str], ...] = ()
    file: str = ""

    def __len__(self) -> int:
        numbers = [len(column.values) for column in self.columns]
        words = [len(column.values) for column in self.texts]
        return next(iter(numbers + words), 0)

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of the columns of numbers."""
        return tuple(column.name for column in self.columns)

    def column(self, *names: str) -> Column | None:
        """Return the first column that has one of the names; capitals do not count.

        Raises
        ------
        InputError
            If that column has a cell that is no number.
        """
        found = {plain_name(column.name): column for column in reversed(self.columns)}
        broken = {plain_name(name): fault for name, fault in self.flawed}
        for name in map(plain_name, names):
            if name in found:
                return found[name]
            if name in broken:
                raise InputError(
                    f"The column {name!r} of {self.file} must hold numbers only",
                    received=broken[name],
                )
        return None

    def need(self, *names: str) -> Column:
        """Return the first column that has one of the names.

        Raises
        ------
        InputError
            If there is none; the message lists the columns that there are.
        """
        found = self.column(*names)
        if found is None:
            raise InputError(
                f"{self.file} needs a column named {' or '.join(map(repr, names[:4]))}",
                received=f"columns {', '.join(map(repr, self.names)) or 'without names'}",
                remedy="name the columns in a line above the numbers, with their units",
            )
        return found

    def text(self, *names: str) -> tuple[str, ...] | None:
        """Return the first column of words that has one of the names."""
        found = {plain_name(column.name): column.values for column in reversed(self.texts)}
        return next((found[name] for name in map(plain_name, names) if name in found), None)


def read_delimited(path: Path, *, skip: int = 0) -> Delimited:
    """Return the table of a text file.

    The cells may be parted by tabs, semicolons, bars, commas or blanks; numbers may have decimal
    points, or commas where commas do not part the cells. Names and units come from the line above
    the table, the units also from a line of their own.

    Parameters
    ----------
    skip
        Lines at the top that are known to stand above the headings; no table is sought there.

    Raises
    ------
    InputError
        If the file is missing, empty, no text or no table, if a row is malformed (the message has
        its line), or if its numbers can be read in two ways.
    """
    source = open_lines(path)
    sample, rest = _sample(source.blocks())
    layout = find_layout(sample[skip:], path.name)
    layout = replace(layout, first=layout.first + skip)
    if len(layout.kinds) > _MOST_COLUMNS:
        raise InputError(
            f"A table of at most {_MOST_COLUMNS} columns is read",
            received=f"{len(layout.kinds)} in {path.name}",
        )
    filling = _Filling(layout, path.name)
    filling.take(sample[layout.first :])
    for block in rest:
        filling.take(block)
    return filling.table(tuple(sample[: layout.first]))


def table_of(lines: Sequence[str], file: str) -> Delimited:
    """Return the table in some lines of a text, for files that hold several.

    Parameters
    ----------
    lines
        Its headings and its rows; line numbers in messages count from the first of them.
    file
        Name for messages.

    Raises
    ------
    InputError
        As `read_delimited`.
    """
    sample, rest = list(lines[:_SAMPLE_LINES]), list(lines[_SAMPLE_LINES:])
    layout = find_layout(sample, file)
    if len(layout.kinds) > _MOST_COLUMNS:
        raise InputError(
            f"A table of at most {_MOST_COLUMNS} columns is read",
            received=f"{len(layout.kinds)} in {file}",
        )
    filling = _Filling(layout, file)
    filling.take(sample[layout.first :])
    filling.take(rest)
    return filling.table(tuple(sample[: layout.first]))


def _sample(blocks: Iterator[list[str]]) -> tuple[list[str], Iterator[list[str]]]:
    """Return enough lines to find the layout, and the blocks that follow."""
    sample: list[str] = []
    for block in blocks:
        sample += block
        if len(sample) >= _SAMPLE_LINES:
            break
    return sample[:_SAMPLE_LINES], chain([sample[_SAMPLE_LINES:]], blocks)


@final
@dataclass(eq=False)
class _Filling:
    """A table as it fills, block by block."""

    layout: Layout
    file: str
    numbers: list[Floats] = field(default_factory=list)
    words: list[list[str]] = field(default_factory=list)
    faults: dict[int, str] = field(default_factory=dict)
    after: list[tuple[int, str]] = field(default_factory=list)
    line: int = -1

    def __post_init__(self) -> None:
        self.line = self.layout.first
        self.words = [[] for kind in self.layout.kinds if kind == "t"]

    def take(self, lines: list[str]) -> None:
        """Read a block of lines."""
        block = self._plain(lines)
        if block is None:
            rows = self._even(lines) or self._row_by_row(lines)
            block = self._numbers(rows) if rows else None
            self._keep_words(rows)
        if block is not None:
            self.numbers.append(block)
        self.line += len(lines)

    def _plain(self, lines: list[str]) -> Floats | None:
        """Return a block of nothing but numbers, or None where anything is odd."""
        layout = self.layout
        if self.after or "t" in layout.kinds or "e" in layout.kinds or not lines:
            return None
        if layout.decimal_comma:
            if any("." in line for line in lines):
                return None
            lines = [line.replace(",", ".") for line in lines]
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                block = np.loadtxt(
                    lines, delimiter=layout.delimiter or None, comments=None, ndmin=2
                )
        except (ValueError, UserWarning):
            return None
        whole = block.shape[1] == len(layout.kinds) and np.isfinite(block).all()
        return block.T if whole else None

    def _even(self, lines: list[str]) -> list[list[str]] | None:
        """Return the cells of a block in which no row is odd, or None."""
        kinds, sign = self.layout.kinds, "," if self.layout.decimal_comma else "."
        if self.after or any('"' in line for line in lines):
            return None
        rows = [line.split(self.layout.delimiter or None) for line in lines]
        if set(map(len, rows)) != {len(kinds)}:
            return None
        for column, kind in zip(zip(*rows, strict=True), kinds):
            joined = "".join(column)
            if kind == "e" and joined.strip():
                return None
            # what numbers cannot hold, so that float() takes nothing that a person would not
            if kind == "n" and (
                _NO_NUMBER.search(joined) or ("." if sign == "," else ",") in joined
            ):
                return None
            if kind == "n" and not all(map(str.strip, column)):
                return None
        return rows if np.isfinite(self._numbers(rows)).all() else None

    def _row_by_row(self, lines: list[str]) -> list[list[str]]:
        rows = []
        for number, line in enumerate(lines, start=self.line + 1):
            if is_remark(line):
                continue
            cells = cells_of(line, self.layout.delimiter)
            if self._is_row(cells):
                self._refuse_rows_after_text()
                self._note_faults(cells, number)
                rows.append(cells)
            elif cells and is_number(cells[0], self.layout.decimal_comma) and not self.after:
                raise self._malformed(number, line)
            elif len(self.after) < _KEPT_FOOTER:
                self.after.append((number, line))
        return rows

    def _is_row(self, cells: list[str]) -> bool:
        if len(cells) != len(self.layout.kinds):
            return False
        numeric = [cell for cell, kind in zip(cells, self.layout.kinds) if kind == "n"]
        return any(is_number(cell, self.layout.decimal_comma) for cell in numeric)

    def _refuse_rows_after_text(self) -> None:
        if self.after:
            raise self._malformed(*self.after[0])

    def _malformed(self, number: int, line: str) -> InputError:
        return InputError(
            f"{self.file} needs one table of rows with {len(self.layout.kinds)} cells",
            received=f"line {number}: {line.strip()[:80]!r}",
            remedy="mend or remove that line; export each table to a file of its own",
        )

    def _note_faults(self, cells: list[str], number: int) -> None:
        for place, (cell, kind) in enumerate(zip(cells, self.layout.kinds)):
            wrong = kind == "e" if cell else kind == "n"
            if kind == "n" and cell:
                wrong = not is_number(cell, self.layout.decimal_comma)
            if wrong and place not in self.faults:
                self.faults[place] = f"line {number}: {cell[:40]!r}"

    def _numbers(self, rows: list[list[str]]) -> Floats:
        """Return the numbers of rows, (n_columns, n_rows); NaN for a cell that is none."""
        columns = list(zip(*rows, strict=True))
        places = [place for place, kind in enumerate(self.layout.kinds) if kind == "n"]
        block = np.empty((len(places), len(rows)))
        for row, place in enumerate(places):
            block[row] = _floats(columns[place], self.layout.decimal_comma, place in self.faults)
        return block

    def _keep_words(self, rows: list[list[str]]) -> None:
        known: dict[str, str] = {}
        texts = [place for place, kind in enumerate(self.layout.kinds) if kind == "t"]
        for kept, place in zip(self.words, texts):
            cells = (row[place].strip() for row in rows)
            kept += [known.setdefault(cell, cell) for cell in cells]

    def table(self, header: tuple[str, ...]) -> Delimited:
        """Return the table that was read."""
        layout = self.layout
        blank = ("",) * len(layout.kinds)
        names, units = layout.names or blank, layout.units or blank
        kept = [place for place, kind in enumerate(layout.kinds) if kind == "n"]
        values = np.concatenate(self.numbers, axis=1) if self.numbers else np.empty((len(kept), 0))
        self.numbers.clear()
        columns = tuple(
            Column(names[place], units[place], values[row])
            for row, place in enumerate(kept)
            if place not in self.faults
        )
        texts = [place for place, kind in enumerate(layout.kinds) if kind == "t"]
        return Delimited(
            columns=columns,
            header=header,
            footer=tuple(line for _, line in self.after),
            texts=tuple(TextColumn(names[p], tuple(w)) for p, w in zip(texts, self.words)),
            flawed=tuple((names[place], fault) for place, fault in self.faults.items()),
            file=self.file,
        )


def _floats(column: tuple[str, ...], decimal_comma: bool, flawed: bool) -> Floats:
    """Return a column as numbers; a cell that is none, in a column known for it, is NaN."""
    cells = [cell.replace(",", ".") for cell in column] if decimal_comma else column
    if not flawed:
        with contextlib.suppress(ValueError):
            return np.fromiter(map(float, cells), float, len(cells))
    return np.array([_number(cell) for cell in cells])


def _number(cell: str) -> float:
    return as_float(cell) if is_number(cell, False) else float("nan")
