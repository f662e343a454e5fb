"""Many frames in one text: where each lies, and their tables when asked for."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from vitrolyte.data.errors import InputError
from vitrolyte.data.io.formats.options import ReadOptions
from vitrolyte.data.io.formats.source import FrameLog
from vitrolyte.data.io.formats.table import Columns, Table, read_table
from vitrolyte.data.io.formats.text_file import Scanner, TextFile

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

_READ_AT_ONCE = 16 * 2**20
_MOST_ATOMS = 10**10


@final
class FrameIndex:
    """Collects where frames lie while a text is walked through.

    Attributes
    ----------
    cells
        Those of the frames so far.
    cut
        Why the last frame is incomplete, or nothing.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.cells = FrameLog(3, 3)
        self.cut = ""
        self._places = array("q")

    @property
    def n_frames(self) -> int:
        """Return the number of whole frames so far."""
        return len(self._places) // 2

    def add(self, start: int, stop: int, cell: Floats) -> None:
        """Note a whole frame: its lines of atoms (bytes) and its cell (3, 3), Å."""
        self._places.extend((start, stop))
        self.cells.add(cell)

    def places(self) -> Ints:
        """Return where each frame begins and ends, (n_frames, 2), bytes."""
        return np.frombuffer(self._places, dtype=np.int64).reshape(-1, 2)

    def close(self, options: ReadOptions, scanner: Scanner | None = None) -> tuple[str, ...]:
        """Refuse what is no whole trajectory; return a note where the last frame is left out.

        Raises
        ------
        InputError
            If there is no frame, or the last one is cut off and may not be left out.
        """
        if scanner is not None and scanner.ended_open and not self.cut and self.n_frames > 1:
            self.cut = "its last line has no end"
            del self._places[-2:]
            self.cells.drop()
        if self.cut:
            return (self._refuse_or_note(options),)
        if not self.n_frames:
            raise InputError(f"{self.path} must hold at least one frame", received="none")
        if scanner is not None and scanner.ended_open:
            return ("the last line has no end: make sure that nothing is missing",)
        return ()

    def _refuse_or_note(self, options: ReadOptions) -> str:
        whole = f"{self.n_frames} whole frames and a last one that is cut off: {self.cut}"
        if not options.whole_frames_only or not self.n_frames:
            way = "give whole_frames_only=True (--whole-frames) to read the whole ones"
            if "no end" in self.cut:
                way += ", or end the last line if nothing is missing"
            raise InputError(
                f"Every frame of {self.path} must be whole",
                received=whole,
                remedy=way if self.n_frames else "copy the file again",
            )
        return f"{whole}; it is left out"


def atom_count(words: list[bytes], path: Path, expected: int | None) -> int:
    """Return the number of atoms that a line states.

    Raises
    ------
    InputError
        If it is no sensible number, or differs from that of the first frame.
    """
    text = words[0].decode(errors="replace") if len(words) == 1 else ""
    if not (text.isascii() and text.isdigit()) or not 0 < int(text[:12]) < _MOST_ATOMS:
        raise InputError(
            f"Each frame of {path} must begin with its number of atoms",
            received=repr(b" ".join(words)[:60].decode(errors="replace")),
        )
    if len(text) > 12:
        raise InputError(f"{path} must state a number of atoms", received=text[:40])
    if expected is not None and int(text) != expected:
        raise InputError(
            "All frames must have the same atoms",
            received=f"{expected} atoms, then {text}",
            remedy="split the file where the number of atoms changes",
        )
    return int(text)


def floats_of(words: list[bytes], count: int, what: str) -> Floats:
    """Return the first ``count`` words as numbers.

    Raises
    ------
    InputError
        If there are fewer, or one is no number.
    """
    try:
        found = np.array([float(word) for word in words[:count]])
    except ValueError:
        found = np.empty(0)
    if len(found) < count:
        line = b" ".join(words)[:80].decode(errors="replace")
        raise InputError(f"{what} needs {count} numbers", received=repr(line))
    return found


@dataclass(frozen=True, eq=False)
class TextFrames:
    """The tables of atoms of a text.

    Attributes
    ----------
    text
        The file.
    places
        (n_frames, 2), where the lines of atoms begin and end, bytes.
    n_atoms
        Lines in each.
    columns
        What stands in them.
    """

    text: TextFile
    places: Ints
    n_atoms: int
    columns: Columns

    def tables(self, start: int, stop: int) -> Iterator[tuple[int, Table]]:
        """Yield the number of each frame ``start <= i < stop`` and its table."""
        first = start
        while first < stop:
            reach = self.places[first, 0] + _READ_AT_ONCE
            last = max(first + 1, int(np.searchsorted(self.places[:stop, 1], reach)))
            origin, end = int(self.places[first, 0]), int(self.places[last - 1, 1])
            data = self.text.read(origin, end)
            for i in range(first, last):
                lines = data[self.places[i, 0] - origin : self.places[i, 1] - origin]
                yield i, read_table(lines, self.n_atoms, self.columns, f"Frame {i}")
            first = last

    def words(self, column: int) -> list[str]:
        """Return a column of the first frame as text, (n_atoms,)."""
        begin, end = (int(place) for place in self.places[0])
        lines = self.text.read(begin, end).split(b"\n")[: self.n_atoms]
        rows = (line.split(None, column + 1) for line in lines)
        return [row[column].decode(errors="replace") if len(row) > column else "" for row in rows]


def same_atoms(index: int, found: NDArray[Any], first: NDArray[Any]) -> None:
    """Refuse a frame whose atoms are not those of the first frame.

    Raises
    ------
    InputError
        Naming the frame.
    """
    if not np.array_equal(found, first):
        places = np.flatnonzero((found != first).reshape(len(first), -1).any(axis=1))
        raise InputError(
            "All frames must have the same atoms in the same order",
            received=f"other atoms in frame {index}, first at place {places[0] + 1}",
            remedy="give the atoms an id, or split the file where the atoms change",
        )
