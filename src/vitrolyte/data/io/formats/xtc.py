"""XTC files of GROMACS, unpacked here; nm and ps become Å and ps.

Coordinates are whole numbers of 1/precision nm. Each is packed either whole, into as few bits as
the range of all coordinates needs, or as a small step from the atom before it; sequences of steps
are announced by five bits, which also say whether the room for steps shrinks or grows. The room
runs through powers of 2^(1/3), since three steps are packed into one number
(https://manual.gromacs.org/current/reference-manual/file-formats.html#xtc).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, final

import numpy as np
from numba import njit
from numpy.typing import NDArray

from vitrolyte.data.errors import InputError
from vitrolyte.data.io.formats.options import ReadOptions
from vitrolyte.data.io.formats.source import NM_TO_A, Block, Clock, Source, check_count
from vitrolyte.data.io.formats.text_frames import FrameIndex

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bytes = NDArray[np.uint8]

_HEAD = struct.Struct(">3if9fi")
_PACKING = struct.Struct(">f7i")
_MAGIC, _MAGIC_LONG = 1995, 2023
_FEW = 9
"""So many atoms or fewer are not packed."""

_FIRST = 9
_ROOMS = np.array(
    [0] * _FIRST
    + [8, 10, 12, 16, 20, 25, 32, 40, 50, 64, 80, 101, 128, 161, 203, 256, 322, 406, 512, 645, 812]
    + [1024, 1290, 1625, 2048, 2580, 3250, 4096, 5060, 6501, 8192, 10321, 13003, 16384, 20642]
    + [26007, 32768, 41285, 52015, 65536, 82570, 104031, 131072, 165140, 208063, 262144, 330280]
    + [416127, 524287, 660561, 832255, 1048576, 1321122, 1664510, 2097152, 2642245, 3329021]
    + [4194304, 5284491, 6658042, 8388607, 10568983, 13316085, 16777216],
    dtype=np.int64,
)
"""Range of a small step for each index, as the format defines them."""

_LARGEST_RANGE = 0xFFFFFF
_PADDING = bytes(256)
"""More than one atom and its sequence of steps can take, so that reading never leaves the data."""


def open_xtc(path: Path, options: ReadOptions, species: tuple[str, ...]) -> Source:
    """Return an XTC file, its atoms named by a topology.

    Raises
    ------
    InputError
        If the file is cut off or damaged, or has other atoms than the topology.
    """
    index, times = FrameIndex(path), []
    size = path.stat().st_size
    with path.open("rb") as stream:
        while stream.tell() < size:
            head = stream.read(_HEAD.size)
            if len(head) < _HEAD.size:
                index.cut = "it ends early"
                break
            magic, n_atoms, _, time, *box, again = _HEAD.unpack(head)
            if magic not in (_MAGIC, _MAGIC_LONG) or n_atoms < 1 or again != n_atoms:
                raise InputError(f"{path} must be an XTC file", received=f"bytes {head[:12]!r}")
            check_count(n_atoms, species, path.name)
            start = stream.tell()
            end = _end(stream, n_atoms, magic)
            if end > size:
                index.cut = "it ends early"
                break
            index.add(start, end, np.array(box).reshape(3, 3) * NM_TO_A)
            times.append(time)
            stream.seek(end)
    notes = index.close(options)
    return Source(
        format="xtc",
        species=species,
        cells=index.cells.all(),
        clock=Clock(np.array(times), source="the file, ps"),
        read=_Reader(path, index.places(), len(species)),
        notes=notes,
    )


def _end(stream: BinaryIO, n_atoms: int, magic: int) -> int:
    """Return where the frame ends whose coordinates begin here; its last bytes are a padding."""
    if n_atoms <= _FEW:
        return stream.tell() + 12 * n_atoms
    stream.seek(_PACKING.size, 1)
    length = int.from_bytes(stream.read(_width(magic)), "big")
    return stream.tell() + (length + 3) // 4 * 4


def _width(magic: int) -> int:
    return 8 if magic == _MAGIC_LONG else 4


@final
@dataclass(frozen=True, eq=False)
class _Reader:
    path: Path
    places: Ints
    n_atoms: int

    def __call__(self, start: int, stop: int) -> Block:
        positions = np.empty((stop - start, self.n_atoms, 3))
        with self.path.open("rb") as stream:
            for i in range(start, stop):
                begin, end = (int(place) for place in self.places[i])
                stream.seek(begin - _HEAD.size)
                (magic,) = struct.unpack(">i", stream.read(4))
                stream.seek(begin)
                data = stream.read(end - begin)
                positions[i - start] = self._unpack(data, _width(magic), i)
        return Block(positions * NM_TO_A)

    def _unpack(self, data: bytes, width: int, frame: int) -> Floats:
        if self.n_atoms <= _FEW:
            return np.frombuffer(data, ">f4").reshape(-1, 3).astype(float)
        precision, *numbers = _PACKING.unpack_from(data)
        low = np.array(numbers[:3], dtype=np.int64)
        ranges = np.array(numbers[3:6], dtype=np.int64) - low + 1
        together = not (ranges > _LARGEST_RANGE).any()
        bits = int(np.prod(ranges.astype(object))).bit_length() if together else 0
        single = np.array([int(width).bit_length() for width in ranges], dtype=np.int64)
        fine = precision > 0 and np.isfinite(precision) and (ranges > 0).all()
        whole = np.empty((self.n_atoms, 3), dtype=np.int64)
        packed = np.frombuffer(data + _PADDING, np.uint8, offset=_PACKING.size + width)
        small = numbers[6]
        sizes = (bits, low, ranges, single)
        if (
            not fine
            or not _FIRST <= small < len(_ROOMS)
            or not _decode(packed, small, sizes, whole)
        ):
            raise InputError(f"{self.path} must be whole", received=f"frame {frame} is damaged")
        return np.asarray(whole / precision)


@njit(cache=True, nogil=True)
def _decode(packed: Bytes, small: int, sizes: tuple[int, Ints, Ints, Ints], found: Ints) -> bool:
    """Unpack the whole numbers of one frame; False where the stream is damaged. Hot loop."""
    bits, low, ranges, single = sizes
    room = np.empty(3, dtype=np.int64)
    now, before = np.empty(3, dtype=np.int64), np.empty(3, dtype=np.int64)
    scratch = np.empty(16, dtype=np.int64)
    place, end = 0, 8 * (len(packed) - 256)
    run = 0
    atom = 0
    while atom < len(found):
        if bits == 0:
            for axis in range(3):
                now[axis] = _bits(packed, place, single[axis])
                place += single[axis]
        else:
            _three(packed, place, bits, ranges, now, scratch)
            place += bits
        for axis in range(3):
            now[axis] += low[axis]
            before[axis] = now[axis]
        change = 0
        place += 1
        if _bits(packed, place - 1, 1):
            run = _bits(packed, place, 5)
            place += 5
            change = run % 3 - 1
            run -= run % 3
        if atom + 1 + run // 3 > len(found) or place > end:
            return False
        half = _ROOMS[small] // 2
        room[:] = _ROOMS[small]
        if run == 0:
            found[atom] = now
            atom += 1
        for step in range(run // 3):
            _three(packed, place, small, room, scratch[12:15], scratch)
            place += small
            for axis in range(3):
                moved = scratch[12 + axis] + before[axis] - half
                before[axis] = moved
                if step == 0:
                    # the second of the atoms is the one that was packed whole
                    found[atom, axis] = moved
                    found[atom + 1, axis] = now[axis]
                else:
                    found[atom + 1 + step, axis] = moved
        if run:
            atom += 1 + run // 3
        small += change
        if small < _FIRST or small >= len(_ROOMS) or place > end:
            return False
    return True


@njit(cache=True, nogil=True)
def _bits(packed: Bytes, place: int, count: int) -> int:
    """Return at most 57 bits, the first the highest; reads eight bytes. Hot loop."""
    value = np.int64(0)
    first = place >> 3
    for i in range(8):
        value = (value << 8) | np.int64(packed[first + i])
    return int((value >> (64 - (place & 7) - count)) & ((1 << count) - 1))


@njit(cache=True, nogil=True)
def _three(packed: Bytes, place: int, bits: int, sizes: Ints, found: Ints, scratch: Ints) -> None:
    """Unpack three numbers that were packed as one in mixed radix, bytes lowest first. Hot loop."""
    if bits <= 56:  # the usual case, in one machine word
        window = np.int64(_bits(packed, place, bits))
        value = np.int64(0)
        done = 0
        while done < bits:
            wide = min(8, bits - done)
            byte = (window >> (bits - done - wide)) & ((1 << wide) - 1)
            value |= byte << done
            done += wide
        found[2] = value % sizes[2]
        value //= sizes[2]
        found[1] = value % sizes[1]
        found[0] = value // sizes[1]
        return
    n = 0
    while bits > 8:
        scratch[n] = _bits(packed, place, 8)
        place += 8
        bits -= 8
        n += 1
    if bits > 0:
        scratch[n] = _bits(packed, place, bits)
        n += 1
    for i in (2, 1):
        rest = np.int64(0)
        for j in range(n - 1, -1, -1):
            rest = (rest << 8) | scratch[j]
            scratch[j] = rest // sizes[i]
            rest -= scratch[j] * sizes[i]
        found[i] = rest
    value = np.int64(0)
    for j in range(min(n, 4) - 1, -1, -1):
        value = (value << 8) | scratch[j]
    found[0] = value
