"""TRR files of GROMACS: plain numbers in XDR order; nm and ps become Å and ps."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, final

import numpy as np
from numpy.typing import NDArray

from vitrolyte.data.errors import InputError
from vitrolyte.data.io.formats.options import ReadOptions
from vitrolyte.data.io.formats.source import NM_TO_A, Block, Clock, Source, check_count
from vitrolyte.data.io.formats.text_frames import FrameIndex

Floats = NDArray[np.float64]

_HEAD = struct.Struct(">3i12s13i")
_MAGIC = 1993


@dataclass(frozen=True)
class _Frame:
    """Where a frame's numbers lie."""

    n_atoms: int
    real: str
    time: float
    box: int
    positions: int
    velocities: int
    end: int


def open_trr(path: Path, options: ReadOptions, species: tuple[str, ...]) -> Source:
    """Return a TRR file, its atoms named by a topology.

    Raises
    ------
    InputError
        If the file is cut off or damaged, or has other atoms than the topology.
    """
    index, times, fast = FrameIndex(path), [], True
    size, real = path.stat().st_size, ""
    with path.open("rb") as stream:
        while stream.tell() < size:
            frame = _frame(stream, path)
            if frame is None or frame.end > size:
                index.cut = "it ends early"
                break
            check_count(frame.n_atoms, species, path.name)
            if real not in ("", frame.real):
                raise InputError(f"{path} must keep one precision", received="two")
            real, fast = frame.real, fast and frame.velocities > 0
            stream.seek(frame.box)
            box = np.frombuffer(stream.read(9 * int(real[-1])), real).astype(float)
            index.add(frame.positions, frame.velocities, box.reshape(3, 3) * NM_TO_A)
            times.append(frame.time)
            stream.seek(frame.end)
    notes = index.close(options)
    return Source(
        format="trr",
        species=species,
        cells=index.cells.all(),
        clock=Clock(np.array(times), source="the file, ps"),
        read=_Reader(path, index.places(), len(species), real, fast),
        velocities=fast,
        notes=notes,
    )


def _frame(stream: BinaryIO, path: Path) -> _Frame | None:
    """Return the frame that begins here, or None where the file ends within its head."""
    head = stream.read(_HEAD.size)
    if len(head) < _HEAD.size:
        return None
    magic, _, _, name, *sizes = _HEAD.unpack(head)
    ir, e, box, vir, pres, top, sym, x, v, f, n_atoms, _, _ = sizes
    width = box // 9
    wrong = magic != _MAGIC or name != b"GMX_trn_file" or min(sizes[:11]) < 0 or n_atoms < 1
    if wrong or width not in (4, 8) or x != 3 * n_atoms * width or v not in (0, x):
        raise InputError(
            f"Every frame of {path} must be one of a TRR file with positions and a box",
            received=f"magic {magic}, {n_atoms} atoms, {x} bytes of positions, {box} of the box",
        )
    real = f">f{width}"
    time = np.frombuffer(stream.read(2 * width).ljust(2 * width, b"\0"), real)[0]
    start = stream.tell() + ir + e
    places = start + box + vir + pres + top + sym
    return _Frame(
        n_atoms, real, float(time), start, places, places + x if v else 0, places + x + v + f
    )


@final
@dataclass(frozen=True, eq=False)
class _Reader:
    path: Path
    places: NDArray[np.int64]
    n_atoms: int
    real: str
    velocities: bool

    def __call__(self, start: int, stop: int) -> Block:
        positions = self._vectors(self.places[start:stop, 0])
        speeds = self._vectors(self.places[start:stop, 1]) if self.velocities else None
        return Block(positions, velocities=speeds)

    def _vectors(self, places: NDArray[np.int64]) -> Floats:
        found = np.empty((len(places), self.n_atoms, 3))
        size = 3 * self.n_atoms * int(self.real[-1])
        with self.path.open("rb") as stream:
            for i, place in enumerate(places):
                stream.seek(int(place))
                data = stream.read(size)
                if len(data) < size:
                    raise InputError(f"{self.path} ends early", received=f"at byte {place}")
                found[i] = np.frombuffer(data, self.real).reshape(-1, 3)
        return found * NM_TO_A
