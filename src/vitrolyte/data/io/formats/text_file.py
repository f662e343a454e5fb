"""Large text files: walked through once to find the frames, then read where they lie.

Files packed with gzip are read the same way. A packed stream cannot be entered in the middle, so
the state of the decompressor is kept every 32 MiB, and reading goes on from the nearest one.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, final

import numpy as np

from vitrolyte.data.errors import InputError
from vitrolyte.data.io.formats.table import skip_lines

_PIECE = 4 * 2**20
_PACKED_PIECE = 2**16
_GZIP = 31  # the window bits by which zlib is told to expect a gzip header
_KEPT_EVERY = 32 * 2**20
_LONGEST_LINE = 16 * 2**20
_LARGEST = 512 * 2**20
GZIP_MAGIC = b"\x1f\x8b"


class TextFile(Protocol):
    """Bytes of a text, in order or from any place."""

    @property
    def path(self) -> Path:
        """Return where the file lies."""
        ...

    def pieces(self) -> Iterator[bytes]:
        """Yield the whole text in order."""
        ...

    def read(self, start: int, stop: int) -> bytes:
        """Return the bytes ``start <= i < stop``."""
        ...


def open_text(path: Path) -> TextFile:
    """Return a text file, packed or not."""
    with path.open("rb") as stream:
        packed = stream.read(2) == GZIP_MAGIC
    return _Packed(path) if packed else _Plain(path)


def whole_lines(path: Path) -> list[bytes]:
    """Return all lines of a file that is small, as files of one structure are.

    Raises
    ------
    InputError
        If it is longer than half a GiB.
    """
    parts, size = [], 0
    for piece in open_text(path).pieces():
        parts.append(piece)
        size += len(piece)
        if size > _LARGEST:
            raise InputError(f"{path} must be shorter than {_LARGEST} bytes", received="more")
    return b"".join(parts).splitlines()


@final
@dataclass(frozen=True)
class _Plain:
    path: Path

    def pieces(self) -> Iterator[bytes]:
        with self.path.open("rb") as stream:
            while piece := stream.read(_PIECE):
                yield piece

    def read(self, start: int, stop: int) -> bytes:
        with self.path.open("rb") as stream:
            stream.seek(start)
            return stream.read(stop - start)


@final
@dataclass(frozen=True, eq=False)
class _Place:
    """Where a packed stream can be entered: packed and plain offset, and the decompressor."""

    packed: int
    plain: int
    state: Any
    rest: bytes


@final
@dataclass(frozen=True, eq=False)
class _Packed:
    """A gzip file; ``latest`` holds where the last reading stopped, for the one that goes on."""

    path: Path
    places: list[_Place] = field(default_factory=list)
    latest: list[_Place] = field(default_factory=list)

    def pieces(self) -> Iterator[bytes]:
        for place, piece in self._unpack(_start()):
            last = self.places[-1].plain if self.places else 0
            if place.plain >= last + _KEPT_EVERY:
                self.places.append(place)
            yield piece

    def read(self, start: int, stop: int) -> bytes:
        before = [p for p in (*self.places, *self.latest) if p.plain <= start]
        entry = max(before, key=lambda p: p.plain, default=_start())
        parts = []
        for place, piece in self._unpack(entry):
            self.latest[:] = [place]
            if place.plain + len(piece) > start:
                parts.append(piece[max(0, start - place.plain) : stop - place.plain])
            if place.plain + len(piece) >= stop:
                break
        return b"".join(parts)

    def _unpack(self, entry: _Place) -> Iterator[tuple[_Place, bytes]]:
        """Yield pieces, each with the place at which it begins."""
        state, plain, rest = entry.state.copy(), entry.plain, entry.rest
        with self.path.open("rb") as stream:
            stream.seek(entry.packed)
            while rest or (rest := stream.read(_PACKED_PIECE)):
                place = _Place(stream.tell(), plain, state.copy(), rest)
                piece, state, rest = _step(self.path, state, rest)
                if piece:
                    yield place, piece
                plain += len(piece)


def _start() -> _Place:
    return _Place(0, 0, zlib.decompressobj(_GZIP), b"")


def _step(path: Path, state: Any, packed: bytes) -> tuple[bytes, Any, bytes]:
    """Unpack at most one piece; a member of the stream that ends is followed by the next."""
    try:
        piece = state.decompress(packed, _PIECE)
    except zlib.error as fault:
        raise InputError(f"{path} must be a whole gzip file", received=str(fault)) from fault
    if state.eof:
        return piece, zlib.decompressobj(_GZIP), state.unused_data.lstrip(b"\0")
    return piece, state, state.unconsumed_tail


@final
class Scanner:
    """A cursor that walks through a text once, line by line or over many lines at a time."""

    def __init__(self, text: TextFile) -> None:
        self._pieces = text.pieces()
        self._path = text.path
        self._buffer = b""
        self._place = 0
        self._base = 0
        self.ended_open = False

    @property
    def offset(self) -> int:
        """Return the place in the text, bytes."""
        return self._base + self._place

    def line(self) -> bytes | None:
        """Return the next line without its end, or None after the last one.

        Raises
        ------
        InputError
            If the line is longer than any format has them.
        """
        while (stop := self._buffer.find(b"\n", self._place)) < 0:
            if len(self._buffer) - self._place > _LONGEST_LINE:
                raise InputError(
                    f"{self._path} must be a text of lines",
                    received=f"a line of more than {_LONGEST_LINE} bytes",
                )
            if not self._more():
                rest = self._buffer[self._place :]
                self._place = len(self._buffer)
                self.ended_open = bool(rest)
                return rest.rstrip(b"\r") or None
        found = self._buffer[self._place : stop]
        self._place = stop + 1
        return found.rstrip(b"\r")

    def skip(self, lines: int) -> int:
        """Move over lines and return how many there were; the last may lack its end."""
        done = 0
        while True:
            wanted = min(lines - done, 2**40)
            view = np.frombuffer(self._buffer, dtype=np.uint8)
            place, passed = skip_lines(view, self._place, wanted)
            done += int(passed)
            self._place = int(place)
            if done >= lines or not self._more():
                break
        if done < lines and self._place < len(self._buffer):
            self._place = len(self._buffer)
            self.ended_open = True
            done += 1
        return done

    def find(self, mark: bytes) -> bool:
        """Move behind the next place where a mark stands; False where there is none."""
        while (found := self._buffer.find(mark, self._place)) < 0:
            self._place = max(self._place, len(self._buffer) - len(mark) + 1)
            if not self._more():
                return False
        self._place = found + len(mark)
        return True

    def _more(self) -> bool:
        piece = next(self._pieces, b"")
        if not piece:
            return False
        self._base += self._place
        self._buffer = self._buffer[self._place :] + piece
        self._place = 0
        return True
