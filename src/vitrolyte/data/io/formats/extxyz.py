"""XYZ and extended XYZ (https://github.com/libAtoms/extxyz; https://wiki.fysik.dtu.dk/ase/).

Key words of the comment line: ``Lattice`` (rows are the vectors), ``Properties``, a time
(``time``, ``Time``, ``time_ps``, ``time_fs``) or a step (``Step``, ``Timestep``). Positions under
``unwrapped_position`` (GPUMD) go before ``pos``. CP2K's comment ``i = 10, time = 5.0, E = ...`` is
known, its time in fs.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, final

import numpy as np
from ase.data import chemical_symbols
from numpy.typing import NDArray

from vitrolyte.data.elements import masses
from vitrolyte.data.errors import InputError
from vitrolyte.data.io.formats.naming import elements_of
from vitrolyte.data.io.formats.options import ReadOptions
from vitrolyte.data.io.formats.source import (
    LENGTH_A,
    TIME_PS,
    VELOCITY_A_PER_PS,
    Block,
    Clock,
    Source,
    cell_from_numbers,
)
from vitrolyte.data.io.formats.table import Columns
from vitrolyte.data.io.formats.text_file import Scanner, open_text
from vitrolyte.data.io.formats.text_frames import (
    FrameIndex,
    TextFrames,
    atom_count,
    floats_of,
    same_atoms,
)

Floats = NDArray[np.float64]

_PAIR = re.compile(rb'([A-Za-z_][\w-]*)\s*=\s*(?:"([^"]*)"|\{([^}]*)\}|([^\s,"]+))')
_LONGEST_COMMENT = 2**20
_SPECIES = ("species", "element", "elements", "type", "Z", "numbers")
_PLACES = ("unwrapped_position", "pos", "position", "positions")
_SPEEDS = {"vel": "", "velo": "", "velocity": "", "velocities": "ase", "momenta": "ase"}
_TIMES = (b"time_ps", b"time_fs", b"time", b"Time")
_STEPS = (b"Timestep", b"timestep", b"Step", b"step", b"md_step", b"i")
_SPELT = {b"lattice": b"Lattice", b"properties": b"Properties"}
_PLAIN = re.compile(rb"Timestep:\s*(\d+)")


@dataclass(frozen=True)
class Layout:
    """Which columns hold what.

    Attributes
    ----------
    columns
        Number of columns.
    species, positions, velocities
        First column of each; velocities -1 where there are none.
    is_number
        Whether species are atomic numbers.
    unwrapped
        Whether positions are unwrapped by the writer.
    speeds
        Name of the property with velocities or momenta.
    """

    columns: int
    species: int
    positions: int
    velocities: int = -1
    is_number: bool = False
    unwrapped: bool = False
    speeds: str = ""

    def pattern(self) -> Columns:
        """Return the columns to read: positions, then velocities."""
        kinds = ["."] * self.columns
        kinds[self.species] = "w"
        kinds[self.positions : self.positions + 3] = "nnn"
        if self.velocities >= 0:
            kinds[self.velocities : self.velocities + 3] = "nnn"
        return Columns.of("".join(kinds))

    @property
    def places_first(self) -> bool:
        """Return whether positions stand before velocities."""
        return self.velocities < 0 or self.positions < self.velocities


def layout_of(properties: str) -> Layout:
    """Return the columns of a ``Properties`` text such as ``species:S:1:pos:R:3``.

    Raises
    ------
    InputError
        If species or positions are missing, or the text is no list of properties.
    """
    words = properties.split(":")
    sizes = words[2::3]
    if len(words) % 3 or not all(re.fullmatch(r"[1-9]\d{0,2}", size) for size in sizes):
        raise InputError("Properties must read name:type:columns:...", received=properties[:80])
    starts = np.concatenate([[0], np.cumsum([int(size) for size in sizes])])
    first = {
        name: (int(start), kind, size)
        for name, kind, start, size in zip(words[0::3], words[1::3], starts, sizes)
    }
    species = next((name for name in _SPECIES if name in first), None)
    places = next((name for name in _PLACES if name in first and first[name][2] == "3"), None)
    if species is None or places is None:
        raise InputError(
            "Properties must name the species and the positions", received=properties[:80]
        )
    speeds = next((name for name in _SPEEDS if name in first and first[name][2] == "3"), "")
    return Layout(
        columns=int(starts[-1]),
        species=first[species][0],
        positions=first[places][0],
        velocities=first[speeds][0] if speeds else -1,
        is_number=species in ("Z", "numbers"),
        unwrapped=places == "unwrapped_position",
        speeds=speeds,
    )


@final
@dataclass(frozen=True, eq=False)
class _Comments:
    """What the comment lines of the frames said so far."""

    path: Path
    options: ReadOptions
    keys: list[tuple[bytes | None, bool, str]] = field(default_factory=list)
    times: array[float] = field(default_factory=lambda: array("d"))
    notes: list[str] = field(default_factory=list)

    def take(self, comment: bytes) -> Floats:
        """Note the time of a frame and return its cell."""
        pairs = _pairs(comment)
        if not self.notes and b"F" in pairs.get(b"pbc", b"").upper():
            self.notes.append("the frames are open along some side (pbc); taken as periodic")
        key = next((name for name in (*_TIMES, *_STEPS) if name in pairs), None)
        lattice, said = (
            pairs.get(b"Lattice"),
            pairs.get(b"Properties", b"").decode(errors="replace"),
        )
        found = (key, lattice is not None, said)
        if self.keys and found != self.keys[0]:
            raise InputError(
                f"All frames of {self.path} must follow one convention",
                received=f"frames with {_told(self.keys[0])}, then one with {_told(found)}",
            )
        self.keys[:] = [found]
        if key is not None:
            self.times.append(float(floats_of([pairs[key]], 1, f"The key {key.decode()}")[0]))
        return self._cell(lattice)

    def _cell(self, lattice: bytes | None) -> Floats:
        if lattice is None:
            if self.options.cell is None:
                raise InputError(
                    f"The frames of {self.path} need a cell",
                    received="no Lattice in the comment line",
                    remedy="give the option cell: edges, edges and angles, or nine components",
                )
            return cell_from_numbers(self.options.cell)
        found = floats_of(lattice.split(), 9, "Lattice").reshape(3, 3)
        return found * LENGTH_A[self.options.length_unit or "A"]

    def clock(self) -> tuple[Clock, tuple[str, ...]]:
        """Return the times or steps of all frames, and what was assumed about their unit."""
        key = self.keys[0][0]
        values = np.array(self.times)
        if key is None:
            return Clock(), ()
        name = key.decode()
        if key not in _TIMES:
            return Clock(steps=np.round(values).astype(np.int64), source=f"key {name}"), ()
        unit = "fs" if key == b"time_fs" else self.options.time_unit or "ps"
        clock = Clock(times=values * TIME_PS[unit], source=f"key {name}, {unit}")
        open_unit = key in (b"time", b"Time") and self.options.time_unit is None
        note = f"the unit of {name} is not stated; ps is taken, time_unit='fs' changes it"
        return clock, ((note,) if open_unit else ())


def _told(found: tuple[bytes | None, bool, str]) -> str:
    key, lattice, properties = found
    time = key.decode() if key else "no time"
    return f"{time}, {'a Lattice' if lattice else 'no Lattice'}, Properties={properties[:60]!r}"


def _pairs(comment: bytes) -> dict[bytes, bytes]:
    if len(comment) > _LONGEST_COMMENT:
        raise InputError("A comment line must be short", received=f"{len(comment)} bytes")
    pairs = {_SPELT.get(m[1], m[1]): m[2] or m[3] or m[4] or b"" for m in _PAIR.finditer(comment)}
    if b"Lattice" not in pairs:
        if b"i" in pairs and b"time" in pairs and b"E" in pairs:  # CP2K
            return {b"time_fs": pairs[b"time"]}
        plain = _PLAIN.search(comment)  # LAMMPS, dump style xyz
        return {b"Timestep": plain[1]} if plain else pairs
    return pairs


def open_extxyz(path: Path, options: ReadOptions) -> Source:
    """Return an XYZ file, extended or plain.

    Raises
    ------
    InputError
        If frames are cut off, differ in their atoms or conventions, or have no cell.
    """
    text = open_text(path)
    scanner, index, comments = Scanner(text), FrameIndex(path), _Comments(path, options)
    n_atoms = _walk(scanner, index, comments)
    notes = index.close(options, scanner)
    clock, more = comments.clock()
    properties = comments.keys[0][2]
    places = index.places()
    if properties:
        layout = layout_of(properties)
    else:
        line = text.read(int(places[0, 0]), int(places[0, 1])).split(b"\n", 1)[0]
        layout = Layout(max(4, len(line.split())), species=0, positions=1)
    frames = TextFrames(text, places, n_atoms, layout.pattern())
    clock = Clock(
        None if clock.times is None else clock.times[: len(places)],
        None if clock.steps is None else clock.steps[: len(places)],
        clock.source,
    )
    return _source(
        frames, layout, index.cells.all(), (clock, options, (*notes, *more, *comments.notes))
    )


def _walk(scanner: Scanner, index: FrameIndex, comments: _Comments) -> int:
    n_atoms: int | None = None
    while (line := scanner.line()) is not None:
        if not line.strip():
            continue
        n_atoms = atom_count(line.split(), index.path, n_atoms)
        comment = scanner.line()
        if comment is None:
            index.cut = "it has no comment line"
            break
        start = scanner.offset
        passed = scanner.skip(n_atoms)
        if passed < n_atoms:
            index.cut = f"{passed} of {n_atoms} atoms"
            break
        index.add(start, scanner.offset, comments.take(comment))
    return n_atoms or 0


def _source(
    frames: TextFrames, layout: Layout, cells: Floats, about: tuple[Clock, ReadOptions, Any]
) -> Source:
    clock, options, notes = about
    labels = frames.words(layout.species)
    if layout.is_number:
        labels = [_symbol(label) for label in labels]
    species, named = elements_of(labels, options.elements)
    scale, note = _velocity_scale(layout, options, species)
    reader = _Reader(frames, layout, LENGTH_A[options.length_unit or "A"], scale)
    return Source(
        format="extxyz",
        species=species,
        cells=cells,
        clock=clock,
        read=reader,
        unwrapped="the column unwrapped_position" if layout.unwrapped else "",
        velocities=scale is not None,
        notes=(*notes, *named, *note),
    )


def _symbol(label: str) -> str:
    known = label.isascii() and label.isdigit() and 0 < int(label[:6]) < len(chemical_symbols)
    return chemical_symbols[int(label)] if known else label


def _velocity_scale(
    layout: Layout, options: ReadOptions, species: tuple[str, ...]
) -> tuple[Floats | None, tuple[str, ...]]:
    """Return what turns the velocity columns into Å/ps, (n_atoms, 1), or None and why."""
    if layout.velocities < 0:
        return None, ()
    unit = options.velocity_unit or _SPEEDS[layout.speeds] or _LAMMPS.get(options.units or "", "")
    if not unit:
        return None, (
            f"the unit of {layout.speeds} is not stated, so velocities are left out; "
            "give velocity_unit",
        )
    scale = np.full((len(species), 1), VELOCITY_A_PER_PS[unit])
    if layout.speeds == "momenta":
        scale /= masses(species)[:, None]
    return scale, ()


_LAMMPS: Mapping[str, str] = {"metal": "A/ps", "real": "A/fs"}


@final
@dataclass(frozen=True, eq=False)
class _Reader:
    frames: TextFrames
    layout: Layout
    length: float
    scale: Floats | None
    first: list[NDArray[np.int64]] = field(default_factory=list)

    def __call__(self, start: int, stop: int) -> Block:
        if not self.first:
            self.first.append(next(self.frames.tables(0, 1))[1].words)
        shape = (stop - start, self.frames.n_atoms, 3)
        positions = np.empty(shape)
        speeds = None if self.scale is None else np.empty(shape)
        at = 0 if self.layout.places_first else 3
        for i, table in self.frames.tables(start, stop):
            same_atoms(i, table.words, self.first[0])
            positions[i - start] = table.numbers[:, at : at + 3]
            if speeds is not None and self.scale is not None:
                speeds[i - start] = table.numbers[:, 3 - at : 6 - at] * self.scale
        if self.length != 1.0:
            positions *= self.length
        return Block(positions, velocities=speeds)
