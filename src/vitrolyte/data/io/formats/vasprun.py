"""vasprun.xml of VASP: atoms, and the structure of each ionic step.

The file is walked through by its marks rather than by an XML reader, so that a long run needs no
more memory than one frame, and nothing in it (entities, other files) is followed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import final

import numpy as np
from numpy.typing import NDArray

from vitrolyte.data.errors import InputError
from vitrolyte.data.io.formats.naming import elements_of
from vitrolyte.data.io.formats.options import ReadOptions
from vitrolyte.data.io.formats.source import Block, Clock, Source
from vitrolyte.data.io.formats.table import Columns, read_table
from vitrolyte.data.io.formats.text_file import Scanner, TextFile, open_text
from vitrolyte.data.io.formats.text_frames import FrameIndex, floats_of

Floats = NDArray[np.float64]

_HEAD_LIMIT = 256 * 2**20
_ROW = re.compile(rb"<rc>\s*<c>\s*([^<]*?)\s*</c>")
_VECTOR = re.compile(rb"<v>\s*([^<]*?)\s*</v>")
_POTIM = re.compile(rb'<i[^>]*name="POTIM"[^>]*>\s*([^<\s]+)')
_IBRION = re.compile(rb'<i[^>]*name="IBRION"[^>]*>\s*(-?\d+)\s*<')
_FS_TO_PS = 1e-3
_END = b"</varray>"


def open_vasprun(path: Path, options: ReadOptions) -> Source:
    """Return the ionic steps of a vasprun.xml, timed by POTIM where it is molecular dynamics.

    Raises
    ------
    InputError
        If atoms are missing, steps are cut off, or there are none.
    """
    text = open_text(path)
    scanner, index = Scanner(text), FrameIndex(path)
    if not scanner.find(b"<calculation"):
        raise InputError(f"{path} must hold at least one ionic step", received="none")
    if scanner.offset > _HEAD_LIMIT:
        raise InputError("The head of a vasprun.xml must be short", received=str(scanner.offset))
    head = text.read(0, scanner.offset)
    labels = _labels(head, path)
    scanner = Scanner(text)
    scanner.find(b"<calculation")
    _walk(scanner, text, index, len(labels))
    notes = index.close(options, scanner)
    species, named = elements_of(labels, options.elements)
    cells = index.cells.all()
    return Source(
        format="vasprun",
        species=species,
        cells=cells,
        clock=_clock(head, len(cells)),
        read=_Reader(text, index.places(), cells, len(labels)),
        notes=(*notes, *named),
    )


def _labels(head: bytes, path: Path) -> list[str]:
    start = head.find(b'<array name="atoms"')
    found = _ROW.findall(head[start : head.find(b"</array>", start)]) if start >= 0 else []
    if not found:
        raise InputError(f"{path} must list its atoms", received="no array of atoms")
    return [label.decode(errors="replace") for label in found]


def _clock(head: bytes, n_frames: int) -> Clock:
    step, kind = _POTIM.search(head), _IBRION.search(head)
    if step is None or kind is None or kind[1] != b"0":
        return Clock()
    length = float(floats_of([step[1]], 1, "POTIM")[0])
    if not length > 0:
        return Clock()
    return Clock(
        times=np.arange(float(n_frames)) * length * _FS_TO_PS, source=f"POTIM = {length:g} fs"
    )


def _walk(scanner: Scanner, text: TextFile, index: FrameIndex, n_atoms: int) -> None:
    """Note where the positions of each ionic step lie."""
    while scanner.find(b"<structure"):
        head = scanner.line()
        if head is None or b"name=" in head.split(b">")[0]:
            break  # the last structure once more, under a name
        start = scanner.offset
        if not scanner.find(b"</structure>"):
            index.cut = "a structure has no end"
            return
        part = text.read(start, scanner.offset)
        basis, begin = part.find(b'<varray name="basis"'), part.find(b'<varray name="positions"')
        end = part.find(_END, begin)
        rows = _VECTOR.findall(part[basis : part.find(_END, basis)]) if basis >= 0 else []
        if len(rows) != 3 or not 0 <= begin < end or part.count(b"<v>", begin, end) != n_atoms:
            raise InputError(
                f"All frames must have three cell vectors and {n_atoms} positions",
                received=f"{len(rows)} and {part.count(b'<v>', begin, end)} in frame "
                f"{index.n_frames}",
            )
        cell = np.array([floats_of(row.split(), 3, "A cell vector") for row in rows])
        index.add(start + begin, start + end, cell)
    if not scanner.find(b"</modeling>"):
        index.cut = "the file has no </modeling>"


@final
@dataclass(frozen=True, eq=False)
class _Reader:
    text: TextFile
    places: NDArray[np.int64]
    cells: Floats
    n_atoms: int

    def __call__(self, start: int, stop: int) -> Block:
        positions = np.empty((stop - start, self.n_atoms, 3))
        for i in range(start, stop):
            part = self.text.read(int(self.places[i, 0]), int(self.places[i, 1]))
            rows = b"\n".join(_VECTOR.findall(part))
            table = read_table(rows, self.n_atoms, Columns.of("nnn"), f"Frame {i}")
            positions[i - start] = table.numbers @ self.cells[i]
        return Block(positions)
