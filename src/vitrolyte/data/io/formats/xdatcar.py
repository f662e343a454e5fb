"""XDATCAR of VASP, with one cell or one for each frame (https://www.vasp.at/wiki/XDATCAR)."""

from __future__ import annotations

import re
from array import array
from dataclasses import dataclass
from pathlib import Path
from typing import final

import numpy as np
from numpy.typing import NDArray

from vitrolyte.data.errors import InputError
from vitrolyte.data.io.formats.naming import elements_of
from vitrolyte.data.io.formats.options import ReadOptions
from vitrolyte.data.io.formats.poscar import Heading, heading_of
from vitrolyte.data.io.formats.source import Block, Clock, Source
from vitrolyte.data.io.formats.table import Columns
from vitrolyte.data.io.formats.text_file import Scanner, open_text
from vitrolyte.data.io.formats.text_frames import FrameIndex, TextFrames

Floats = NDArray[np.float64]

_MARK = re.compile(rb"\s*(direct|cartesian)\s+configuration\s*=\s*(\d{1,15})", re.IGNORECASE)


@final
class _Walk:
    """Where the frames of an XDATCAR lie, and the headings before them."""

    def __init__(self, path: Path) -> None:
        self.index = FrameIndex(path)
        self.steps = array("q")
        self.heading: Heading | None = None
        self.kind = b""

    def over(self, scanner: Scanner) -> None:
        """Note every frame."""
        pending: list[bytes] = []
        while (line := scanner.line()) is not None:
            mark = _MARK.match(line)
            if mark is None:
                pending.append(line)
                if len(pending) > 8:
                    raise self._strange(pending[0])
                continue
            self._take_heading(pending)
            pending = []
            if not self._frame(scanner, mark):
                return
        if any(line.strip() for line in pending):
            if self.heading is None:
                raise self._strange(pending[0])
            self.index.cut = "a heading without positions"

    def _take_heading(self, lines: list[bytes]) -> None:
        if not any(line.strip() for line in lines):
            if self.heading is None:
                raise self._strange(b"")
            return
        found = heading_of([*lines, b""] if len(lines) == 6 else lines[-7:])
        if self.heading is not None and found.names != self.heading.names:
            raise self._other(self.heading.names, found.names)
        if self.heading is not None and found.counts != self.heading.counts:
            raise self._other(self.heading.counts, found.counts)
        self.heading = found

    def _frame(self, scanner: Scanner, mark: re.Match[bytes]) -> bool:
        kind = mark[1].lower()
        if self.heading is None or self.kind not in (b"", kind):
            raise self._strange(mark[0])
        self.kind = kind
        start = scanner.offset
        passed = scanner.skip(self.heading.n_atoms)
        if passed < self.heading.n_atoms:
            self.index.cut = f"{passed} of {self.heading.n_atoms} atoms"
            return False
        self.steps.append(int(mark[2]))
        self.index.add(start, scanner.offset, self.heading.cell)
        return True

    def _strange(self, line: bytes) -> InputError:
        return InputError(
            f"{self.index.path} must be an XDATCAR that keeps one convention",
            received=f"after {self.index.n_frames} whole frames: "
            f"{line[:60].decode(errors='replace')!r}",
        )

    def _other(self, first: object, then: object) -> InputError:
        return InputError("All frames must have the same atoms", received=f"{first}, then {then}")


def open_xdatcar(path: Path, options: ReadOptions) -> Source:
    """Return an XDATCAR.

    Raises
    ------
    InputError
        If frames are cut off or differ in their atoms or conventions.
    """
    text = open_text(path)
    scanner, walk = Scanner(text), _Walk(path)
    walk.over(scanner)
    notes = walk.index.close(options, scanner)
    heading, cells = walk.heading, walk.index.cells.all()
    if heading is None:
        raise InputError(f"{path} must hold at least one frame", received="none")
    frames = TextFrames(text, walk.index.places(), heading.n_atoms, Columns.of("nnn"))
    species, named = elements_of(heading.labels(), options.elements)
    steps = np.array(walk.steps[: len(cells)], dtype=np.int64)
    scale = heading.scale if walk.kind == b"cartesian" else None
    return Source(
        format="xdatcar",
        species=species,
        cells=cells,
        clock=Clock(steps=steps, source="configuration numbers"),
        read=_Reader(frames, cells, scale),
        notes=(*notes, *named),
    )


@final
@dataclass(frozen=True, eq=False)
class _Reader:
    frames: TextFrames
    cells: Floats
    scale: Floats | None

    def __call__(self, start: int, stop: int) -> Block:
        positions = np.empty((stop - start, self.frames.n_atoms, 3))
        for i, table in self.frames.tables(start, stop):
            if self.scale is None:
                positions[i - start] = table.numbers @ self.cells[i]
            else:
                positions[i - start] = table.numbers * self.scale
        return Block(positions)
