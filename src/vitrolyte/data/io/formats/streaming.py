"""Frames of a file as arrays that are read on demand, and their unwrapping.

Wrapped positions are unwrapped by whole vectors of each frame's own cell: in fractional
coordinates, an atom's displacement from one frame to the next is reduced to the nearest image, and
the whole numbers taken off add up to the number of cells it has crossed. Positions that are
unwrapped already come out as they were. The sums are kept at every 64th frame, or further apart in
a very long file, so that any frame can be reached from a near one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numba import njit
from numpy.typing import NDArray

from vitrolyte.data.errors import InputError
from vitrolyte.data.io.formats.source import Block, Source
from vitrolyte.data.trajectory import FrameArray

Floats = NDArray[np.float64]
Images = NDArray[np.int32]

_KEPT_BYTES = 32 * 2**20
_WORKED_BYTES = 8 * 2**20
_SUMS_BYTES = 256 * 2**20
_STRIDE = 64
_FARTHEST = 1e9
"""Å or Å/ps; more is a damaged file, and its images could not be counted."""


@final
class Blocks:
    """Blocks of a source, checked; the last one is kept, as positions and velocities share it."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._span = (0, 0)
        self._kept: Block | None = None

    @property
    def n_atoms(self) -> int:
        """Return the number of atoms."""
        return len(self._source.species)

    @property
    def cells(self) -> Floats:
        """Return the cells, (n_frames, 3, 3), Å."""
        return self._source.cells

    def read(self, start: int, stop: int) -> Block:
        """Return the frames ``start <= i < stop`` as they stand in the file.

        Raises
        ------
        InputError
            If a coordinate is no number.
        """
        low, high = self._span
        if self._kept is None or start < low or stop > high:
            with np.errstate(over="ignore", invalid="ignore"):  # the check below tells it better
                self._kept = self._source.read(start, stop)
            self._span = low, high = start, stop
            _check_finite(self._kept, start)
        part = slice(start - low, stop - low)
        kept = self._kept
        if kept.positions.nbytes > _KEPT_BYTES:
            self._kept = None
        return Block(
            kept.positions[part],
            None if kept.images is None else kept.images[part],
            None if kept.velocities is None else kept.velocities[part],
        )


def _check_finite(block: Block, start: int) -> None:
    for what, values in (("position", block.positions), ("velocity", block.velocities)):
        # a comparison with what is no number is false
        if values is not None and not (np.abs(values) < _FARTHEST).all():
            frame, atom, _ = np.argwhere(~(np.abs(values) < _FARTHEST))[0]
            raise InputError(
                f"Every {what} must be a finite number",
                received=f"{values[frame, atom].tolist()} for atom {atom + 1}"
                f" of frame {start + frame}",
            )


@final
class FilePositions:
    """Positions as the file gives them, its image flags added; (n_frames, n_atoms, 3), Å."""

    def __init__(self, blocks: Blocks) -> None:
        self._blocks = blocks

    @property
    def shape(self) -> tuple[int, ...]:
        """Return (n_frames, n_atoms, 3)."""
        return (len(self._blocks.cells), self._blocks.n_atoms, 3)

    def __getitem__(self, key: slice) -> Floats:
        start, stop = _span(key, self.shape[0])
        block = self._blocks.read(start, stop)
        if block.images is None:
            return block.positions.copy()  # the block is kept, and must stay as it is
        return block.positions + block.images @ self._blocks.cells[start:stop]


@final
class FileVelocities:
    """Velocities of a file, (n_frames, n_atoms, 3), Å/ps."""

    def __init__(self, blocks: Blocks) -> None:
        self._blocks = blocks

    @property
    def shape(self) -> tuple[int, ...]:
        """Return (n_frames, n_atoms, 3)."""
        return (len(self._blocks.cells), self._blocks.n_atoms, 3)

    def __getitem__(self, key: slice) -> Floats:
        return np.array(self._blocks.read(*_span(key, self.shape[0])).velocities, dtype=float)


def _span(key: slice, n: int) -> tuple[int, int]:
    start, stop, _ = key.indices(n)
    return start, max(start, stop)


@dataclass(frozen=True)
class Survey:
    """What following all atoms through a file has shown.

    Attributes
    ----------
    crossings
        How often an atom went from one side of the cell to the other.
    ambiguous
        How many displacements came within a tenth of half a cell edge.
    steps
        How many displacements there were, one for each atom and pair of frames.
    """

    crossings: int
    ambiguous: int
    steps: int


@final
class UnwrappedPositions:
    """Wrapped positions of a file, unwrapped; (n_frames, n_atoms, 3), Å.

    ``survey`` must have walked over the frames before they are read.
    """

    def __init__(self, blocks: Blocks, first: int, stop: int) -> None:
        self._blocks = blocks
        self._first, self._stop = first, stop
        whole = (stop - first) * blocks.n_atoms * 6
        self._stride = max(_STRIDE, -(-whole // _SUMS_BYTES))
        self._sums: list[NDArray[Any]] = []
        self._last: Floats = np.empty((0, 3))
        self._images: Images = np.empty((0, 3), dtype=np.int32)
        self._next = -1

    @property
    def shape(self) -> tuple[int, ...]:
        """Return (n_frames, n_atoms, 3)."""
        return (len(self._blocks.cells), self._blocks.n_atoms, 3)

    def survey(self) -> Survey:
        """Follow all atoms from the first frame to the last, keeping sums on the way."""
        self._sums = [np.zeros((self._blocks.n_atoms, 3), dtype=np.int8)]
        self._enter(0)
        crossings = ambiguous = 0
        while self._next < self._stop:
            done = self._next - self._first
            kept_next = self._first + (done // self._stride + 1) * self._stride
            reach = min(self._stop, self._next + self._at_once, kept_next)
            counts = self._advance(reach)[1]
            crossings, ambiguous = crossings + counts[0], ambiguous + counts[1]
            if (reach - self._first) % self._stride == 0:
                self._sums.append(_smallest(self._images))
        steps = (self._stop - self._first - 1) * self._blocks.n_atoms
        return Survey(crossings, ambiguous, steps)

    def __getitem__(self, key: slice) -> Floats:
        start, stop = _span(key, self.shape[0])
        found = np.empty((stop - start, *self.shape[1:]))
        if stop > start:
            self._go_to(start)
        while self._next < stop:
            at = self._next - start
            reached = self._advance(min(stop, self._next + self._at_once))[0]
            found[at : at + len(reached)] = reached
        return found

    @property
    def _at_once(self) -> int:
        return max(1, _WORKED_BYTES // (24 * self._blocks.n_atoms))

    def _go_to(self, frame: int) -> None:
        """Make ``frame`` the next one, from where we are or from the nearest sum before it."""
        number = (frame - self._first) // self._stride
        if not self._first + number * self._stride <= self._next <= frame:
            self._enter(number)
        while self._next < frame:
            self._advance(min(frame, self._next + self._at_once))

    def _enter(self, number: int) -> None:
        self._next = self._first + number * self._stride
        before = max(self._first, self._next - 1)
        positions = self._blocks.read(before, before + 1).positions[0]
        self._last = positions @ np.linalg.inv(self._blocks.cells[before])
        self._images = self._sums[number].astype(np.int32)

    def _advance(self, stop: int) -> tuple[Floats, tuple[int, int]]:
        """Unwrap the frames from the next one up to ``stop``."""
        part = slice(self._next, stop)
        positions = np.array(self._blocks.read(self._next, stop).positions, order="C")
        cells = np.ascontiguousarray(self._blocks.cells[part])
        counts = _follow(
            positions,
            cells,
            np.asarray(np.linalg.inv(cells), dtype=float),
            self._last,
            self._images,
        )
        self._next = stop
        return positions, counts


def _smallest(images: Images) -> NDArray[Any]:
    most = int(np.abs(images).max(initial=0))
    return images.astype(np.int8 if most < 127 else np.int16 if most < 32767 else np.int32)


@njit(cache=True, nogil=True)
def _follow(
    positions: Floats, cells: Floats, inverses: Floats, last: Floats, images: Images
) -> tuple[int, int]:
    """Unwrap frames in place; carry ``last`` and ``images`` on. Hot loop."""
    crossings = 0
    ambiguous = 0
    for frame in range(len(positions)):
        cell, inverse = cells[frame], inverses[frame]
        for atom in range(positions.shape[1]):
            x, y, z = positions[frame, atom]
            near = False
            for axis in range(3):
                place = x * inverse[0, axis] + y * inverse[1, axis] + z * inverse[2, axis]
                moved = place - last[atom, axis]
                whole = np.rint(moved)
                near = near or abs(moved - whole) > 0.45
                if whole != 0:
                    crossings += 1
                    images[atom, axis] -= np.int32(whole)
                last[atom, axis] = place
            ambiguous += near
            for axis in range(3):
                if images[atom, axis] != 0:
                    for to in range(3):
                        positions[frame, atom, to] += images[atom, axis] * cell[axis, to]
    return crossings, ambiguous


@final
class Chosen:
    """Every n-th frame of a range of another array."""

    def __init__(self, frames: FrameArray, chosen: range) -> None:
        self._frames = frames
        self._chosen = chosen

    @property
    def shape(self) -> tuple[int, ...]:
        """Return (n_frames, n_atoms, 3)."""
        return (len(self._chosen), *self._frames.shape[1:])

    def __getitem__(self, key: slice) -> Floats:
        wanted = self._chosen[key]
        if wanted.step == 1 and len(wanted):
            return np.asarray(self._frames[wanted.start : wanted.stop], dtype=float)
        found = np.empty((len(wanted), *self.shape[1:]))
        # in the order of the file, so that a stream is not entered again and again
        for place in range(len(wanted)) if wanted.step > 0 else reversed(range(len(wanted))):
            frame = wanted[place]
            found[place] = self._frames[frame : frame + 1][0]
        return found
