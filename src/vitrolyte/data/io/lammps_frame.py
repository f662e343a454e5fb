"""Binary dump files of LAMMPS: one frame a file, every digit kept.

Layout as written by ``DumpCustom`` and read by ``tools/binary2txt`` of LAMMPS, revision 2
(https://docs.lammps.org/dump.html).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vitrolyte.data.errors import InputError

Floats = NDArray[np.float64]

COLUMNS = ("id", "xu", "yu", "zu", "vx", "vy", "vz")
"""Columns that a run dumps: Å, unwrapped by whole cells, and Å/ps."""

FORCE_COLUMNS = ("id", "fx", "fy", "fz")
"""Columns that a single point dumps: eV/Å."""

_MAGIC = b"DUMPCUSTOM"
_BOX = struct.Struct("<qqi6i6d")
_TILTS = struct.Struct("<3d")


@dataclass(frozen=True, eq=False)
class RawFrame:
    """One dumped frame, atoms in the order of their ids.

    Attributes
    ----------
    step
        Time step number.
    cell
        (3, 3), Å, lower triangular.
    values
        (n_atoms, k), the columns after ``id``.
    """

    step: int
    cell: Floats
    values: Floats


@dataclass(frozen=True)
class _Reader:
    data: bytes
    place: int = 0

    def take(self, layout: struct.Struct) -> tuple[tuple[float, ...], _Reader]:
        return layout.unpack_from(self.data, self.place), self.skip(layout.size)

    def integer(self) -> tuple[int, _Reader]:
        values, rest = self.take(struct.Struct("<i"))
        return int(values[0]), rest

    def skip(self, size: int) -> _Reader:
        return _Reader(self.data, self.place + size)


def parse_frame(data: bytes, *, columns: int = len(COLUMNS)) -> RawFrame | None:
    """Return the frame in the bytes of one binary dump file, or None while it is incomplete.

    Raises
    ------
    InputError
        If the bytes are no LAMMPS dump of the expected columns.
    """
    try:
        return _parse(data, columns)
    except struct.error:
        return None


def _parse(data: bytes, columns: int) -> RawFrame | None:
    (marker,), reader = _Reader(data).take(struct.Struct("<q"))
    if marker != -len(_MAGIC) or not _MAGIC.startswith(data[8 : 8 + len(_MAGIC)]):
        raise InputError("A binary LAMMPS dump is needed", received=repr(data[:24]))
    box, reader = reader.skip(len(_MAGIC) + 8).take(_BOX)
    step, n_atoms, triclinic = (int(value) for value in box[:3])
    tilts: tuple[float, ...] = (0.0, 0.0, 0.0)
    if triclinic:
        tilts, reader = reader.take(_TILTS)
    width, reader = reader.integer()
    if width != columns:
        raise InputError(f"A dump of {columns} columns is needed", received=f"{width} columns")
    table = _table(_skip_names(reader), n_atoms, width)
    return None if table is None else RawFrame(step, _cell(box[9:], tilts), table)


def _skip_names(reader: _Reader) -> _Reader:
    length, reader = reader.integer()
    (timed,), reader = reader.skip(length).take(struct.Struct("<b"))
    length, reader = reader.skip(8 if timed else 0).integer()
    return reader.skip(length)


def _table(reader: _Reader, n_atoms: int, width: int) -> Floats | None:
    parts, reader = reader.integer()
    rows = []
    for _ in range(parts):
        count, reader = reader.integer()
        if len(reader.data) < reader.place + 8 * count:
            return None
        rows.append(np.frombuffer(reader.data, "<f8", count, reader.place).reshape(-1, width))
        reader = reader.skip(8 * count)
    table = np.concatenate(rows)
    if len(table) != n_atoms:
        return None
    return np.asarray(table[np.argsort(table[:, 0]), 1:])


def _cell(bounds: tuple[float, ...], tilts: tuple[float, ...]) -> Floats:
    """Turn the bounding box of a tilted box into its vectors."""
    xy, xz, yz = tilts
    x_low, x_high, y_low, y_high, z_low, z_high = bounds
    x_low -= min(0.0, xy, xz, xy + xz)
    x_high -= max(0.0, xy, xz, xy + xz)
    y_low -= min(0.0, yz)
    y_high -= max(0.0, yz)
    edges = (x_high - x_low, y_high - y_low, z_high - z_low)
    return np.array([[edges[0], 0.0, 0.0], [xy, edges[1], 0.0], [xz, yz, edges[2]]])
