"""Varian and Agilent experiments: ``fid`` beside ``procpar``."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vitrolyte.data.curve import Axis, Curve
from vitrolyte.data.errors import InputError
from vitrolyte.data.io.instruments.nmr.free_decay import (
    INTENSITY,
    MOST_POINTS,
    Receiver,
    flaws,
    spectrum_of,
    strengths,
)
from vitrolyte.data.measurement import Conditions, Measurement

Complex = NDArray[np.complex128]

_HEADER, _BLOCK = 32, 28
_INT32, _FLOAT = 0x4, 0x8
_LARGEST = 8 * 2**20
_ARRAYS = {"d2": "delay", "tau": "delay", "sltime": "delay"}


@dataclass(frozen=True, eq=False)
class _Parameters:
    """Values of ``procpar`` as texts, several for an array."""

    values: dict[str, list[str]]
    file: str

    def known(self, name: str) -> float | None:
        try:
            value = float(self.values.get(name, [""])[0])
        except (ValueError, IndexError):
            return None
        return value if math.isfinite(value) else None

    def number(self, name: str) -> float:
        found = self.known(name)
        if found is None:
            raise InputError(f"{self.file} must state {name}", received="no finite number")
        return found

    def text(self, name: str) -> str:
        found = self.values.get(name, [""])
        return found[0] if found else ""


def varian_files(path: Path) -> tuple[Path, ...] | None:
    """Return ``fid`` and ``procpar`` of a path to either or to their folder; None otherwise."""
    folder = path if path.is_dir() else path.parent
    if not path.is_dir() and path.name not in ("fid", "procpar"):
        return None
    files = folder / "fid", folder / "procpar"
    return files if all(one.is_file() for one in files) else None


def read_varian(path: Path) -> tuple[Measurement, ...]:
    """Return the spectrum of a Varian experiment, or its recovery where a delay was arrayed.

    Raises
    ------
    InputError
        If parameters are missing, or the data are shorter than their header says.
    """
    files = varian_files(path)
    if files is None:
        raise InputError("A Varian experiment is a folder with fid and procpar", received=f"{path}")
    taken = _procpar(files[1])
    decays, whole = _decays(files[0])
    name = "/".join(files[0].parts[-2:])
    larmor = taken.known("reffrq") or taken.number("sfrq")
    if not larmor > 0:
        raise InputError(f"{taken.file} must state sfrq above zero", received=f"{larmor}")
    known = _conditions(taken, larmor)
    array = taken.text("array")
    if len(decays) > 1 and array in _ARRAYS:
        return (_recovery(name, (decays, array), taken, known),)
    width = taken.number("sw")
    middle = (width / 2.0 - (taken.known("rfl") or 0.0) + (taken.known("rfp") or 0.0)) / larmor
    receiver = Receiver(width, middle, larmor)
    found = []
    for number, decay in enumerate(decays):
        curve = spectrum_of(decay, receiver)
        named = Curve(curve.x, curve.y, curve.x_axis, INTENSITY, None, _nucleus(taken.text("tn")))
        notes = ("transformed and phased here", *flaws(decay, whole_numbers=whole))
        part = f"decay {number + 1}" if len(decays) > 1 else ""
        found.append(Measurement(named, known, name, "Varian fid", part, notes))
    return tuple(found)


def _nucleus(word: str) -> str:
    """Return ``7Li`` for Varian's ``Li7``."""
    letters = word.rstrip("0123456789")
    return word[len(letters) :] + letters


def _conditions(taken: _Parameters, larmor: float) -> Conditions:
    celsius, spinning, recycle = (taken.known(name) for name in ("temp", "srate", "d1"))
    sensible = celsius is not None and -273.15 < celsius < 2000
    return Conditions(
        temperature_K=celsius + 273.15 if celsius is not None and sensible else None,
        spinning_kHz=spinning / 1e3 if spinning and spinning > 0 else None,
        larmor_MHz=larmor,
        recycle_s=recycle if recycle and recycle > 0 else None,
    )


def _procpar(path: Path) -> _Parameters:
    """Return the parameters: a line that begins with the name, then a line of values."""
    if path.stat().st_size > _LARGEST:
        raise InputError(f"{path} must be a file of parameters", received="more than 8 MiB")
    lines = path.read_text(encoding="latin-1").splitlines()
    values: dict[str, list[str]] = {}
    place = 0
    while place + 1 < len(lines):
        words = lines[place].split()
        if len(words) < 3 or not words[0][0].isalpha():
            place += 1
            continue
        count, _, rest = lines[place + 1].partition(" ")
        texts = rest.split('"')[1::2] if '"' in rest else rest.split()
        wanted = int(count) if count.isdigit() else 1
        place += 2
        while '"' in rest and len(texts) < wanted and place < len(lines):
            texts += lines[place].split('"')[1::2]
            place += 1
        values[words[0]] = texts
    if not values:
        raise InputError(f"{path} must hold parameters", received="none")
    return _Parameters(values, str(path))


def _decays(path: Path) -> tuple[Complex, bool]:
    """Return the decays, (n, points), and whether they are whole numbers."""
    raw = path.read_bytes() if path.stat().st_size <= 16 * MOST_POINTS else b""
    if len(raw) < _HEADER + _BLOCK:
        raise InputError(
            f"{path} must hold a header and decays", received=f"{path.stat().st_size} bytes"
        )
    blocks, traces, points, width, trace_bytes, block_bytes = np.frombuffer(raw, ">i4", 6).tolist()
    status = int(np.frombuffer(raw, ">i2", 2, 24)[1])
    heads = int(np.frombuffer(raw, ">i4", 1, 28)[0])
    sound = (
        min(blocks, traces, points) >= 1
        and points % 2 == 0
        and width in (2, 4)
        and 1 <= heads <= 9
        and trace_bytes == points * width
        and block_bytes == traces * trace_bytes + heads * _BLOCK
        and len(raw) == _HEADER + blocks * block_bytes
    )
    if not sound:
        raise InputError(
            f"{path} must hold as many decays as its header says",
            received=f"{blocks} blocks of {block_bytes} bytes in {len(raw)} bytes: cut short, or "
            "no Varian file",
        )
    kind = ">f4" if status & _FLOAT else (">i4" if status & _INT32 else ">i2")
    body = np.frombuffer(raw, np.uint8, offset=_HEADER).reshape(blocks, block_bytes)
    data = np.ascontiguousarray(body[:, heads * _BLOCK :]).view(kind).astype(float)
    if not np.all(np.isfinite(data)):
        raise InputError(f"{path} must hold finite numbers", received="NaN or infinity")
    decays = data.reshape(blocks * traces, points)
    return np.asarray(decays[:, 0::2] + 1j * decays[:, 1::2]), not status & _FLOAT


def _recovery(
    name: str, series: tuple[Complex, str], taken: _Parameters, known: Conditions
) -> Measurement:
    decays, array = series
    delays = np.array([float(word) for word in taken.values.get(array, [])])
    if len(delays) != len(decays):
        raise InputError(
            f"{taken.file} must state one {array} for each decay",
            received=f"{len(delays)} for {len(decays)} decays",
        )
    order = np.argsort(delays, kind="stable")
    axis = Axis("delay", "s")
    curve = Curve(delays[order], strengths(decays)[order], axis, INTENSITY, None, "signal")
    notes = ("the strength of each decay, by projection on the strongest",)
    return Measurement(curve, known, name, "Varian fid", array, notes)
