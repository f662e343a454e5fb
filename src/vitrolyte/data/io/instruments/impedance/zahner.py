"""Spectra in the binary files of Zahner's Thales (.ism)."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from vitrolyte.data.errors import InputError
from vitrolyte.data.io.instruments.impedance.columns import Source, split_spectra
from vitrolyte.data.io.instruments.text_lines import first_bytes
from vitrolyte.data.measurement import Measurement

START = b"\x00\x00\xff\xff\xff\xfe"
"""The version with which files of Thales begin: -2 in the last four of six bytes."""

_MOST_POINTS = 1_000_000


def read_zahner(path: Path) -> tuple[Measurement, ...]:
    """Return the spectrum of a .ism file.

    Big-endian: six bytes of version, six with the number of points less one, then the frequencies,
    moduli and phases (rad). Thales measures from a frequency in the middle up and then down; the
    points before it turns are measured twice and are left out, as its own programs do.

    Raises
    ------
    InputError
        If it is no such file, or cut off.
    """
    head, size = first_bytes(path)
    if len(head) < 12 or head[:2] not in (b"\0\0", b"\xff\xff"):
        raise InputError(
            f"{path.name} must begin as a file of Thales does", received=repr(head[:8])
        )
    count = int.from_bytes(head[6:12], "big", signed=True) + 1
    if not 1 <= count <= _MOST_POINTS or 12 + 24 * count > size:
        raise InputError(
            f"{path.name} must be a whole file", received=f"{size} bytes for {count} points"
        )
    with path.open("rb") as stream:
        stream.seek(12)
        numbers = np.frombuffer(stream.read(24 * count), dtype=">f8").astype(float)
    frequency, modulus, phase = numbers.reshape(3, count)
    if not np.isfinite(numbers).all() or not (frequency > 0).all():
        raise InputError(f"{path.name} needs finite numbers", received="others: a damaged file")
    ends = sorted((int(np.argmin(frequency)), int(np.argmax(frequency))))
    kept = slice(ends[0], ends[1] + 1)
    note = f"{count - (ends[1] + 1 - ends[0])} points measured twice are left out"
    with np.errstate(over="ignore", invalid="ignore"):
        impedance = modulus * np.exp(1j * phase)
    source = Source(path.name, "Zahner ISM", notes=(note,) if ends[1] - ends[0] + 1 < count else ())
    return split_spectra(frequency[kept], impedance[kept], source)
