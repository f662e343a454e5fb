"""Siemens and Bruker RAW files, versions 1 to 4: binary, little-endian.

After the users' manual of DIFFRAC plus XCH (appendix A) and the notes of xylib for version 4.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vitrolyte.data.errors import InputError
from vitrolyte.data.io.instruments.diffraction.bounded import read_bounded
from vitrolyte.data.io.instruments.diffraction.scans import Scan, beam, measurement, steps
from vitrolyte.data.measurement import Conditions, Measurement

Floats = NDArray[np.float64]

_MOST_RANGES = 10_000
_UNKNOWN = -1e6
_V1_HEADER, _V2_HEADER, _V3_HEADER, _V3_RANGE, _V4_HEADER = 156, 256, 712, 304, 61
_V4_RANGE, _V4_HARDWARE = 160, 30
_V4_RANGE_TYPES = 0, 160
_COUPLED = ("Locked Coupled", "Unlocked Coupled", "PSD Fixed Scan", "Detector Scan", "2Theta")


@dataclass(frozen=True)
class _Bytes:
    """The bytes of a file; reads beyond its end are refused."""

    data: bytes
    name: str

    def get(self, form: str, offset: int) -> float:
        """Return one number."""
        size = struct.calcsize("<" + form)
        if offset < 0 or offset + size > len(self.data):
            raise InputError(
                f"{self.name} is shorter than its headers say", received=f"{len(self.data)} bytes"
            )
        return float(struct.unpack_from("<" + form, self.data, offset)[0])

    def whole(self, form: str, offset: int) -> int:
        """Return one whole number."""
        return int(self.get(form, offset))

    def text(self, offset: int, size: int) -> str:
        """Return a text up to its first zero."""
        return self.data[offset : offset + size].split(b"\0")[0].decode("latin-1").strip()

    def floats(self, offset: int, count: int) -> Floats:
        """Return numbers of single precision."""
        if count < 0 or offset < 0 or offset + 4 * count > len(self.data):
            raise InputError(
                f"{self.name} must hold the points that its header promises",
                received=f"{count} points at byte {offset} of {len(self.data)}",
            )
        with np.errstate(invalid="ignore"):  # a damaged number; what is not finite is refused
            return np.frombuffer(self.data, "<f4", count, offset).astype(float)


def read_bruker_raw(path: Path) -> tuple[Measurement, ...]:
    """Return the ranges of a RAW file: ``RAW ``, ``RAW2``, ``RAW1.01`` (version 3) or ``RAW4.00``.

    Raises
    ------
    InputError
        If it is none of these, or shorter than its headers say.
    """
    raw = _Bytes(read_bounded(path), path.name)
    readers = {
        b"RAW1.01": ("Bruker RAW version 3", _version_3),
        b"RAW4.00": ("Bruker RAW version 4", _version_4),
        b"RAW2": ("Bruker RAW version 2", _version_2),
        b"RAW ": ("Bruker RAW version 1", _version_1),
    }
    for mark, (name, reader) in readers.items():
        if raw.data.startswith(mark):
            found = reader(raw, path)
            if not found:
                raise InputError(f"{path.name} must hold a scan over 2 theta", received="none")
            return tuple(measurement(path, name, beam_of, scan) for beam_of, scan in found)
    raise InputError(f"{path.name} must be a Bruker RAW file", received=repr(raw.data[:8]))


_Found = list[tuple[Conditions, Scan]]


def _version_1(raw: _Bytes, path: Path) -> _Found:
    found: _Found = []
    offset = 4
    while len(found) < _MOST_RANGES:
        if found and raw.data[offset : offset + 4] == b"RAW ":
            offset += 4
        count = raw.whole("I", offset)
        step, start = raw.get("f", offset + 8), raw.get("f", offset + 20)
        lines = raw.get("f", offset + 68), raw.get("f", offset + 72)
        more = raw.whole("I", offset + 148)
        y = raw.floats(offset + 152, count)
        scan = Scan(steps(start, step, count, path), y, part=_part(len(found)))
        found.append((beam(*lines), scan))
        offset += 152 + 4 * count
        if more == 0:
            break
    return found


def _version_2(raw: _Bytes, path: Path) -> _Found:
    beam_of = beam(raw.get("f", 190), raw.get("f", 194), raw.get("f", 198))
    found: _Found = []
    offset = _V2_HEADER
    for number in range(raw.whole("H", 4)):
        size, count = raw.whole("H", offset), raw.whole("H", offset + 2)
        if size < 48:
            raise InputError(f"{raw.name} has a header of a range cut short", received=f"{size}")
        step, start = raw.get("f", offset + 12), raw.get("f", offset + 16)
        y = raw.floats(offset + size, count)
        found.append((beam_of, Scan(steps(start, step, count, path), y, part=_part(number))))
        offset += size + 4 * count
    return found


def _version_3(raw: _Bytes, path: Path) -> _Found:
    beam_of = beam(raw.get("d", 624), raw.get("d", 632), raw.get("d", 648))
    found: _Found = []
    offset = _V3_HEADER
    for number in range(min(raw.whole("I", 12), _MOST_RANGES)):
        size, count = raw.whole("I", offset), raw.whole("I", offset + 4)
        if size != _V3_RANGE:
            raise InputError(
                f"{raw.name} must have headers of {_V3_RANGE} bytes", received=f"{size}"
            )
        start, step = raw.get("d", offset + 16), raw.get("d", offset + 176)
        begin = offset + size + raw.whole("I", offset + 256)
        y = raw.floats(begin, count)
        found.append((beam_of, Scan(steps(start, step, count, path), y, part=_part(number))))
        offset = begin + 4 * count
    return found


def _version_4(raw: _Bytes, path: Path) -> _Found:
    offset, conditions = _V4_HEADER, Conditions()
    while (kind := raw.whole("I", offset)) not in _V4_RANGE_TYPES:
        size = raw.whole("I", offset + 4)
        if size < 8:
            raise InputError(f"{raw.name} has a segment cut short", received=f"{size} bytes")
        if kind == _V4_HARDWARE:
            conditions = beam(*(raw.get("d", offset + place) for place in (80, 88, 104)))
        offset += size
    found: _Found = []
    while offset + 4 < len(raw.data) and raw.whole("I", offset) in _V4_RANGE_TYPES:
        start, step = raw.get("d", offset + 72), raw.get("d", offset + 80)
        count, scan_type = raw.whole("I", offset + 88), raw.text(offset + 32, 24)
        datum, header = raw.whole("I", offset + 136), raw.whole("I", offset + 140)
        begin = offset + _V4_RANGE + header
        if datum < 4:
            raise InputError(f"{raw.name} needs points of 4 bytes and more", received=f"{datum}")
        if scan_type in _COUPLED:
            y = _every(raw, begin, count, datum)
            x = steps(start, step, count, path)
            found.append((conditions, Scan(x, y, part=_part(len(found)))))
        offset = begin + datum * count
        if len(found) >= _MOST_RANGES:
            break
    return found


def _every(raw: _Bytes, begin: int, count: int, datum: int) -> Floats:
    """Return the first number of each point."""
    width = datum // 4
    return raw.floats(begin, count * width).reshape(count, width)[:, 0]


def _part(number: int) -> str:
    return f"range {number + 1}" if number else ""
