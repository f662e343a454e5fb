"""Text dumps of LAMMPS, one or many frames a file (https://docs.lammps.org/dump.html).

Boxes may be orthogonal, triclinic (``xy xz yz``) or general (``abc origin``). Positions are taken
from the first complete set among ``xu xsu x xs``; image flags ``ix iy iz`` unwrap the last two.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from pathlib import Path
from typing import final

import numpy as np
from numpy.typing import NDArray

from vitrolyte.data.errors import InputError
from vitrolyte.data.io.formats.lammps_units import UnitStyle, unit_style
from vitrolyte.data.io.formats.naming import elements_of
from vitrolyte.data.io.formats.options import ReadOptions
from vitrolyte.data.io.formats.source import Block, Clock, FrameLog, Source, scaled
from vitrolyte.data.io.formats.table import Columns, Table
from vitrolyte.data.io.formats.text_file import Scanner, open_text
from vitrolyte.data.io.formats.text_frames import (
    FrameIndex,
    TextFrames,
    atom_count,
    floats_of,
    same_atoms,
)

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_SETS = (("xu", "yu", "zu"), ("xsu", "ysu", "zsu"), ("x", "y", "z"), ("xs", "ys", "zs"))
_SCALED = {"xsu", "xs"}
_UNWRAPPED = {"xu": "columns xu yu zu", "xsu": "columns xsu ysu zsu"}
_IMAGES = ("ix", "iy", "iz")
_SPEEDS = ("vx", "vy", "vz")


@final
class _Headers:
    """What the headers of the frames said so far."""

    def __init__(self, index: FrameIndex) -> None:
        self.index = index
        self.origins = FrameLog(3)
        self.steps = array("q")
        self.times = array("d")
        self.units: str | None = None
        self.columns: list[str] = []
        self.n_atoms: int | None = None
        self.open_sides = ""

    def frame(self, scanner: Scanner, first: bytes) -> bool:
        """Take one frame whose first line is given; False where the file ends within it."""
        line: bytes | None = first
        box: tuple[Floats, Floats] | None = None
        count: int | None = None
        while line is not None:
            words = line.split()
            if words[:2] == [b"ITEM:", b"ATOMS"]:
                if box is None or count is None:
                    raise self._strange("ITEM: ATOMS before the box and the number of atoms")
                return self._atoms(scanner, words[2:], count, box)
            if words[:3] == [b"ITEM:", b"BOX", b"BOUNDS"]:
                box = self._box(scanner, words[3:])
                if box is None:
                    break
            elif words[:1] == [b"ITEM:"]:
                value = scanner.line()
                if value is None:
                    break
                if words[1:] == [b"NUMBER", b"OF", b"ATOMS"]:
                    self.n_atoms = count = atom_count(value.split(), self.index.path, self.n_atoms)
                else:
                    self._item(b" ".join(words[1:]), value.strip())
            elif words:
                raise self._strange(line[:60].decode(errors="replace"))
            line = scanner.line()
        self.index.cut = "its header ends"
        return False

    def _item(self, name: bytes, value: bytes) -> None:
        said = value[:40].decode(errors="replace")
        if name == b"TIMESTEP":
            if not said.lstrip("-").isdigit() or len(said) > 18:
                raise self._strange(f"TIMESTEP {said!r}")
            self.steps.append(int(said))
        elif name == b"TIME":
            self.times.append(float(floats_of([value], 1, "ITEM: TIME")[0]))
        elif name == b"UNITS":
            if self.units not in (None, said):
                raise self._strange(f"units {self.units}, then {said}")
            self.units = said
        else:
            raise self._strange(f"ITEM: {name[:40].decode(errors='replace')}")

    def _box(self, scanner: Scanner, words: list[bytes]) -> tuple[Floats, Floats] | None:
        lines = [scanner.line() for _ in range(3)]
        if lines[2] is None:
            return None
        general = words[:2] == [b"abc", b"origin"]
        tilted = words[:3] == [b"xy", b"xz", b"yz"]
        width = 4 if general else 3 if tilted else 2
        rows = np.array([floats_of((line or b"").split(), width, "BOX BOUNDS") for line in lines])
        sides = words[2 if general else 3 if tilted else 0 :]
        self.open_sides = " ".join(
            axis for axis, side in zip("xyz", sides) if side not in (b"pp", b"p")
        )
        if general:
            return rows[:, :3], rows[:, 3]
        return bounded_box(rows)

    def _atoms(
        self, scanner: Scanner, names: list[bytes], count: int, box: tuple[Floats, Floats]
    ) -> bool:
        columns = [name.decode(errors="replace") for name in names]
        if self.columns and columns != self.columns:
            raise self._strange(f"columns {' '.join(self.columns)}, then {' '.join(columns)}")
        self.columns = columns
        start = scanner.offset
        passed = scanner.skip(count)
        if passed < count:
            self.index.cut = f"{passed} of {count} atoms"
            return False
        self.index.add(start, scanner.offset, box[0])
        self.origins.add(box[1])
        return True

    def _strange(self, received: str) -> InputError:
        return InputError(
            f"{self.index.path} must be a LAMMPS dump of atoms that keeps one convention",
            received=f"after {self.index.n_frames} whole frames: {received}",
        )


def bounded_box(rows: Floats) -> tuple[Floats, Floats]:
    """Return cell vectors and origin of a box from its bounds and tilts, (3, 2) or (3, 3).

    A tilted box is written by the bounds of the space that it takes up
    (https://docs.lammps.org/Howto_triclinic.html).
    """
    xy, xz, yz = rows[:, 2] if rows.shape[1] == 3 else (0.0, 0.0, 0.0)
    low, high = rows[:, 0].copy(), rows[:, 1].copy()
    low -= [min(0.0, xy, xz, xy + xz), min(0.0, yz), 0.0]
    high -= [max(0.0, xy, xz, xy + xz), max(0.0, yz), 0.0]
    x, y, z = high - low
    return np.array([[x, 0.0, 0.0], [xy, y, 0.0], [xz, yz, z]]), low


def open_lammps_dump(path: Path, options: ReadOptions) -> Source:
    """Return a text dump of LAMMPS.

    Raises
    ------
    InputError
        If frames are cut off, change their convention or their atoms, or elements are unknown.
    """
    text = open_text(path)
    scanner, index = Scanner(text), FrameIndex(path)
    headers = _Headers(index)
    while (line := scanner.line()) is not None:
        if line.strip() and not headers.frame(scanner, line):
            break
    notes = index.close(options, scanner)
    use = _Use.of(headers.columns, options)
    style = unit_style(headers.units, options.units)
    frames = TextFrames(text, index.places(), headers.n_atoms or 0, use.pattern)
    reader = _Reader(frames, use, style, (index.cells.all(), headers.origins.all()))
    species, named = _species(frames, use, options)
    clock, assumed = _clock(headers, options, style)
    return Source(
        format="lammps-dump",
        species=tuple(species[i] for i in reader.first_order()),
        cells=scaled(index.cells.all(), style.length),
        clock=clock,
        read=reader,
        unwrapped=use.unwrapped,
        velocities=bool(use.speeds),
        notes=(*notes, *named, *assumed, *_more_notes(headers, options, use)),
    )


def _more_notes(headers: _Headers, options: ReadOptions, use: _Use) -> tuple[str, ...]:
    notes = []
    if headers.open_sides:
        notes.append(f"the box is open along {headers.open_sides}; taken as periodic")
    if use.speeds and not headers.units and not options.units:
        notes.append("velocities are taken as Å/ps (units metal): the file does not say")
    if not use.sorted_by:
        notes.append("atoms have no id; their order in the file is taken as fixed")
    return tuple(notes)


def _clock(
    headers: _Headers, options: ReadOptions, style: UnitStyle
) -> tuple[Clock, tuple[str, ...]]:
    n = headers.index.n_frames
    if headers.times and len(headers.times) < n:
        raise InputError(
            "Either all frames or none must have a time",
            received=f"{len(headers.times)} of {n} frames",
        )
    steps = np.array(headers.steps[:n], dtype=np.int64) if len(headers.steps) >= n else None
    known = headers.units or options.units
    if not headers.times or (not known and options.timestep_ps is not None):
        return Clock(steps=steps, source="steps"), ()
    times = np.array(headers.times[:n]) * style.time
    if known:
        return Clock(times, steps, f"ITEM: TIME, units {known}"), ()
    note = "times are taken as ps (units metal): the file does not say; units='real' changes it"
    return Clock(times, steps, "ITEM: TIME, ps assumed"), (note,)


@final
@dataclass(frozen=True, eq=False)
class _Use:
    """Which columns are used for what; places among the columns of numbers or words."""

    pattern: Columns
    places: tuple[int, ...]
    scaled: bool
    unwrapped: str
    images: tuple[int, ...]
    speeds: tuple[int, ...]
    sorted_by: tuple[int, ...]
    mass: tuple[int, ...]
    label: int

    @classmethod
    def of(cls, columns: list[str], options: ReadOptions) -> _Use:
        chosen = next((names for names in _SETS if set(names) <= set(columns)), None)
        some = [name for names in _SETS for name in names if name in columns]
        if chosen is None:
            raise InputError(
                "A dump needs one complete set of coordinates: x y z, xs ys zs, xu yu zu or "
                "xsu ysu zsu",
                received=f"{' '.join(some) or 'none'} among the columns {' '.join(columns)[:200]}",
            )
        names = [*chosen, *_IMAGES, *_SPEEDS, "id", "mass"]
        numbers = [name for name in columns if name in names]
        label = _label(columns, options)
        kinds = ["n" if c in names else "w" if c == label else "." for c in columns]
        if len(set(numbers)) < len(numbers):
            raise InputError("A dump must name each column once", received=" ".join(columns)[:200])

        def at(*wanted: str) -> tuple[int, ...]:
            there = all(name in numbers for name in wanted)
            return tuple(numbers.index(name) for name in wanted) if there else ()

        wrapped = chosen[0] not in _UNWRAPPED
        images = at(*_IMAGES) if wrapped else ()
        return cls(
            pattern=Columns.of("".join(kinds)),
            places=at(*chosen),
            scaled=chosen[0] in _SCALED,
            unwrapped=_UNWRAPPED.get(chosen[0], "image flags ix iy iz" if images else ""),
            images=images,
            speeds=at(*_SPEEDS),
            sorted_by=at("id"),
            mass=at("mass"),
            label=columns.index(label),
        )


def _label(columns: list[str], options: ReadOptions) -> str:
    """Return the column that names atoms: elements, unless a type map translates types."""
    by_type = bool(options.elements) and all(key.isdigit() for key in options.elements)
    for name in ("type", "element") if by_type else ("element", "type"):
        if name in columns:
            return name
    raise InputError("A dump needs a column element or type", received=" ".join(columns)[:200])


def _species(
    frames: TextFrames, use: _Use, options: ReadOptions
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the elements in the order of the first frame."""
    labels = frames.words(use.label)
    masses = None
    if use.mass:
        column = next(frames.tables(0, 1))[1].numbers[:, use.mass[0]]
        masses = dict(zip(labels, column.tolist()))
    return elements_of(labels, options.elements, masses)


@final
@dataclass(frozen=True, eq=False)
class _Reader:
    frames: TextFrames
    use: _Use
    style: UnitStyle
    boxes: tuple[Floats, Floats]
    first: list[tuple[Ints, Ints, Floats]] = field(default_factory=list)

    def first_order(self) -> Ints:
        """Return how the atoms of the first frame are sorted, (n_atoms,)."""
        if not self.first:
            table = next(self.frames.tables(0, 1))[1]
            order = self._order(0, table)
            order = np.arange(len(table.words)) if order is None else order
            self.first.append((order, table.words[order], table.numbers[order][:, self._ids]))
        return self.first[0][0]

    @property
    def _ids(self) -> list[int]:
        return list(self.use.sorted_by)

    def _order(self, index: int, table: Table) -> Ints | None:
        """Return how to sort a frame by id, or None where it is sorted."""
        if not self.use.sorted_by:
            return None
        ids = table.numbers[:, self.use.sorted_by[0]]
        if (np.diff(ids) > 0).all():
            return None
        order = _places(ids)
        if not (np.diff(ids[order]) > 0).all():
            raise InputError("Each atom must stand once in a frame", received=f"frame {index}")
        return order

    def __call__(self, start: int, stop: int) -> Block:
        self.first_order()
        shape = (stop - start, self.frames.n_atoms, 3)
        positions = np.empty(shape)
        images = np.empty(shape, dtype=np.int32) if self.use.images else None
        speeds = np.empty(shape) if self.use.speeds else None
        for i, table in self.frames.tables(start, stop):
            numbers = self._sorted(i, table)
            positions[i - start] = self._positions(i, numbers[:, self.use.places])
            if images is not None:
                flags = numbers[:, self.use.images]
                # flags that are no numbers at all would overflow the cast
                images[i - start] = np.clip(np.nan_to_num(flags), -(2**30), 2**30)
            if speeds is not None:
                speeds[i - start] = numbers[:, self.use.speeds]
        if speeds is not None:
            speeds *= self.style.velocity
        return Block(positions * self.style.length, images, speeds)

    def _sorted(self, index: int, table: Table) -> Floats:
        order = self._order(index, table)
        words = table.words if order is None else table.words[order]
        numbers = table.numbers if order is None else table.numbers[order]
        same_atoms(index, words, self.first[0][1])
        same_atoms(index, numbers[:, self._ids], self.first[0][2])
        return numbers

    def _positions(self, index: int, places: Floats) -> Floats:
        if not self.use.scaled:
            return places
        return np.asarray(self.boxes[1][index] + places @ self.boxes[0][index])


def _places(ids: Floats) -> Ints:
    """Return where each id stands, in ascending order; without sorting where none is missing."""
    n = len(ids)
    low = ids.min()
    if ids.max() - low != n - 1 or (ids != np.rint(ids)).any():
        return np.argsort(ids, kind="stable")
    order = np.zeros(n, dtype=np.int64)
    order[(ids - low).astype(np.int64)] = np.arange(n)
    return order
