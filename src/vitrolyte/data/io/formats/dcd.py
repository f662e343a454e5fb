"""DCD files of CHARMM, NAMD, OpenMM and LAMMPS, read as the Fortran records that they are.

A cell is stated by edges and angles (degrees, or cosines), so a is taken along x and b in the xy
plane; or, by newer CHARMM, by the symmetric matrix of its vectors.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, final

import numpy as np
from numpy.typing import NDArray

from vitrolyte.data.errors import InputError
from vitrolyte.data.io.formats.lammps_units import unit_style
from vitrolyte.data.io.formats.options import ReadOptions
from vitrolyte.data.io.formats.source import (
    Block,
    Clock,
    FrameLog,
    Source,
    cell_from_numbers,
    cells_from_angles,
    check_count,
)

Floats = NDArray[np.float64]

_AKMA_PS = 0.04888821
"""CHARMM's unit of time, Å (u/(kcal/mol))^(1/2), ps."""

_LARGEST_TITLE = 2**20


@dataclass(frozen=True)
class _Header:
    """What stands before the first frame."""

    order: str
    n_atoms: int
    size: int
    first_step: int
    stride: int
    delta: float
    has_cell: bool
    has_fourth: bool
    title: str

    @property
    def frame(self) -> np.dtype[Any]:
        """Return the layout of a frame."""
        whole, real = self.order + "i4", self.order + "f4"
        fields: list[Any] = []
        if self.has_cell:
            fields += [("c0", whole), ("cell", self.order + "f8", 6), ("c1", whole)]
        for axis in ("x", "y", "z", "w")[: 4 if self.has_fourth else 3]:
            fields += [(f"{axis}0", whole), (axis, real, self.n_atoms), (f"{axis}1", whole)]
        return np.dtype(fields)


def open_dcd(path: Path, options: ReadOptions, species: tuple[str, ...]) -> Source:
    """Return a DCD file, its atoms named by a topology.

    Raises
    ------
    InputError
        If the file is cut off or damaged, has no cell, or other atoms than the topology.
    """
    header = _header(path)
    check_count(header.n_atoms, species, path.name)
    n, over = divmod(path.stat().st_size - header.size, header.frame.itemsize)
    if n < 1 or (over and not options.whole_frames_only):
        raise InputError(
            f"Every frame of {path} must be whole",
            received=f"{n} whole frames and {over} bytes",
            remedy="give whole_frames_only=True (--whole-frames) to read the whole ones"
            if n
            else "copy it again",
        )
    clock, assumed = _clock(header, n, options)
    left = (f"{n} whole frames and one that is cut off; it is left out",) if over else ()
    return Source(
        format="dcd",
        species=species,
        cells=_cells(path, header, n, options),
        clock=clock,
        read=_Reader(path, header),
        notes=(*left, *assumed),
    )


def _header(path: Path) -> _Header:
    try:
        with path.open("rb") as stream:
            return _parse(stream, path)
    except (struct.error, ValueError) as fault:
        if isinstance(fault, InputError):
            raise
        raise InputError(f"{path} must be a DCD file", received=str(fault)) from fault


def _parse(stream: BinaryIO, path: Path) -> _Header:
    order = "<" if stream.read(4) == b"T\0\0\0" else ">"
    stream.seek(0)
    first = _record(stream, order, 84)
    if len(first) != 84 or first[:4] != b"CORD":
        raise ValueError("no record CORD")
    numbers = struct.unpack(f"{order}9i", first[4:40])
    charmm = struct.unpack(f"{order}i", first[80:84])[0] != 0
    delta = (
        struct.unpack(f"{order}f", first[40:44])
        if charmm
        else struct.unpack(f"{order}d", first[40:48])
    )
    flags = struct.unpack(f"{order}2i", first[44:52]) if charmm else (0, 0)
    title = _record(stream, order, _LARGEST_TITLE)
    (n_atoms,) = struct.unpack(f"{order}i", _record(stream, order, 4))
    if n_atoms < 1 or numbers[8] != 0:
        raise ValueError(f"{n_atoms} atoms, {numbers[8]} of them fixed")
    if 12 * n_atoms > path.stat().st_size:
        raise ValueError(f"{n_atoms} atoms in {path.stat().st_size} bytes")
    return _Header(
        order=order,
        n_atoms=n_atoms,
        size=stream.tell(),
        first_step=numbers[1],
        stride=numbers[2],
        delta=float(delta[0]),
        has_cell=bool(flags[0]),
        has_fourth=bool(flags[1]),
        title=title.decode(errors="replace"),
    )


def _record(stream: BinaryIO, order: str, largest: int) -> bytes:
    (size,) = struct.unpack(f"{order}i", stream.read(4))
    if not 0 <= size <= largest:
        raise ValueError(f"a record of {size} bytes")
    found = stream.read(size)
    if stream.read(4) != struct.pack(f"{order}i", size):
        raise ValueError("a record whose ends differ")
    return found


def _clock(header: _Header, n: int, options: ReadOptions) -> tuple[Clock, tuple[str, ...]]:
    steps = header.first_step + header.stride * np.arange(n, dtype=np.int64)
    # a step of exactly one unit is what writers put that do not know it
    if header.stride < 1 or not 0 < header.delta < 1e6 or header.delta == 1.0:
        return Clock(steps=steps if header.stride > 0 else None), ()
    if "LAMMPS" in header.title.upper():
        if options.timestep_ps is not None:
            return Clock(steps=steps), ()
        step = header.delta * unit_style(None, options.units).time
        note = () if options.units else ("the time step is taken as ps (units metal)",)
        return Clock(steps.astype(float) * step, steps, f"header of LAMMPS, step {step:g} ps"), note
    step = header.delta * _AKMA_PS
    note = (f"the header's time step of {step:.4g} ps is in AKMA units, as CHARMM writes it",)
    return Clock(steps.astype(float) * step, steps, "header, AKMA units"), note


def _cells(path: Path, header: _Header, n: int, options: ReadOptions) -> Floats:
    if options.cell is not None:
        return np.broadcast_to(cell_from_numbers(options.cell), (n, 3, 3))
    if not header.has_cell:
        raise InputError(
            f"The frames of {path} need a cell", received="none", remedy="give the option cell"
        )
    log, layout = FrameLog(6), np.dtype(header.order + "f8")
    with path.open("rb") as stream:
        for i in range(n):
            stream.seek(header.size + i * header.frame.itemsize + 4)
            log.add(np.frombuffer(stream.read(48), layout).astype(float))
    found = log.all()
    same = found.strides[0] == 0
    cells = _from_six(found[:1] if same else found)
    return np.broadcast_to(cells, (n, 3, 3)) if same else cells


def _from_six(six: Floats) -> Floats:
    """Return cells from A, gamma, B, beta, alpha, C of each frame."""
    edges, angles = six[:, [0, 2, 5]], six[:, [4, 3, 1]]
    if (np.abs(angles) <= 1).all():  # cosines
        return cells_from_angles(edges, np.degrees(np.arccos(angles)))
    if (six < 0).any() or (angles > 180).any():
        return six[:, [[0, 1, 3], [1, 2, 4], [3, 4, 5]]]
    return cells_from_angles(edges, angles)


@final
@dataclass(frozen=True, eq=False)
class _Reader:
    path: Path
    header: _Header

    def __call__(self, start: int, stop: int) -> Block:
        layout = self.header.frame
        positions = np.empty((stop - start, self.header.n_atoms, 3))
        with self.path.open("rb") as stream:
            stream.seek(self.header.size + start * layout.itemsize)
            for i in range(stop - start):
                data = stream.read(layout.itemsize)
                if len(data) < layout.itemsize:
                    raise InputError(f"{self.path} ends early", received=f"frame {start + i}")
                frame = np.frombuffer(data, layout)[0]
                if any(
                    frame[f"{axis}{end}"] != 4 * len(positions[0])
                    for axis in "xyz"
                    for end in (0, 1)
                ):
                    raise InputError(
                        f"{self.path} must be a whole DCD file",
                        received=f"a record of another length in frame {start + i}",
                    )
                for number, axis in enumerate("xyz"):
                    positions[i, :, number] = frame[axis]
        return Block(positions)
