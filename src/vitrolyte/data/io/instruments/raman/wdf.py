"""Renishaw's WDF: blocks with a name and a size each, little-endian."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from vitrolyte.data.errors import InputError
from vitrolyte.data.measurement import Measurement
from vitrolyte.data.spectroscopy import raman_curve

_MARK = b"WDF1"
_HEAD = 512
_BLOCK_HEAD = 16
_LARGEST = 512 * 2**20
_MOST_SPECTRA = 10_000
_MOST_BLOCKS = 10_000
_SHIFT_UNIT, _NANOMETRE = 1, 3


def is_wdf(head: bytes) -> bool:
    """Return whether a file that begins so is a WDF file."""
    return head.startswith(_MARK)


def read_wdf(path: Path) -> tuple[Measurement, ...]:
    """Return the spectra of a WDF file against Raman shift.

    Raises
    ------
    InputError
        If the file is cut off, its sizes contradict each other, or its axis is no Raman shift.
    """
    size = path.stat().st_size
    if not _HEAD <= size <= _LARGEST:
        raise InputError(f"{path.name} must be a whole WDF file", received=f"{size} bytes")
    data = path.read_bytes()
    if not is_wdf(data):
        raise InputError(f"{path.name} must be a WDF file", received=repr(data[:4]))
    points, count = _sizes(data, path.name)
    blocks = dict(_blocks(data, path.name))
    x = _floats(data, blocks, "XLST", (8, points), path.name)
    unit = struct.unpack_from("<i", data, blocks["XLST"][0] + _BLOCK_HEAD + 4)[0]
    if unit != _SHIFT_UNIT:
        raise InputError(
            f"{path.name} needs an axis of Raman shifts",
            received="wavelengths" if unit == _NANOMETRE else f"unit number {unit}",
            remedy="export it against Raman shift",
        )
    y = _floats(data, blocks, "DATA", (0, points * count), path.name).reshape(count, points)
    return tuple(
        Measurement(
            raman_curve(x, row, path.name),
            file=path.name,
            format="Renishaw WDF",
            part=f"spectrum {number}" if count > 1 else "",
        )
        for number, row in enumerate(y, start=1)
    )


def _sizes(data: bytes, name: str) -> tuple[int, int]:
    points, capacity, count = struct.unpack_from("<iqq", data, 0x3C)
    sane = points >= 10 and 0 < count <= min(capacity, _MOST_SPECTRA)
    if not sane or 4 * points * count > len(data):
        raise InputError(
            f"{name} needs sizes that its length allows",
            received=f"{count} spectra of {points} points in {len(data)} bytes",
        )
    return points, count


def _blocks(data: bytes, name: str) -> Iterator[tuple[str, tuple[int, int]]]:
    """Yield the name, place and size of each block."""
    place = 0
    for _ in range(_MOST_BLOCKS):
        if place + _BLOCK_HEAD > len(data):
            return
        mark, _, size = struct.unpack_from("<4siq", data, place)
        if size < _BLOCK_HEAD:
            raise InputError(f"{name} must be whole", received=f"a block of {size} bytes")
        yield mark.decode("latin-1"), (place, size)
        place += size


def _floats(
    data: bytes,
    blocks: dict[str, tuple[int, int]],
    block: str,
    where: tuple[int, int],
    name: str,
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    skipped, count = where
    if block not in blocks:
        raise InputError(f"{name} needs a block {block}", received=", ".join(blocks))
    place, size = blocks[block]
    start = place + _BLOCK_HEAD + skipped
    if start + 4 * count > min(place + size, len(data)):
        raise InputError(f"{name} must be whole", received=f"a block {block} that is cut off")
    return np.frombuffer(data, "<f4", count, start).astype(float)
