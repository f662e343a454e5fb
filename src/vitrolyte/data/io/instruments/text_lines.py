"""Text of instruments, whatever its encoding, in blocks of lines."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from vitrolyte.data.errors import InputError

LARGEST_BYTES = 2 * 2**30
"""Longer texts are refused."""

_PIECE = 2**21
_LOOKED_AT = 2**16
_LONGEST_LINE = 2**20
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CONTROL = re.compile(rb"[\x01-\x08\x0e-\x1f\x7f]")
_MOST_CONTROL = 0.02
_ENDS = re.compile(r"\r\n|\n|\r")


@dataclass(frozen=True)
class TextSource:
    """A text file and how its bytes are read.

    Attributes
    ----------
    encoding
        ``utf-8``, ``utf-8-sig``, ``utf-16``, ``utf-16-le``, ``utf-16-be`` or ``cp1252``.
    """

    path: Path
    encoding: str

    def blocks(self) -> Iterator[list[str]]:
        """Yield the lines in order, some ten thousand at a time, without their ends.

        Raises
        ------
        InputError
            If a line is longer than any table has them.
        """
        decoder = codecs.getincrementaldecoder(self.encoding)(errors="replace")
        rest = ""
        with self.path.open("rb") as stream:
            while piece := stream.read(_PIECE):
                text = rest + decoder.decode(piece)
                # a lone \r at the end may be the first half of a line's end
                held = "\r" if text.endswith("\r") else ""
                lines = _ENDS.split(text.removesuffix("\r"))
                rest = lines.pop() + held
                if len(rest) > _LONGEST_LINE:
                    raise InputError(
                        f"{self.path.name} must be a text of lines",
                        received=f"a line of more than {_LONGEST_LINE} characters",
                    )
                yield lines
        last = _ENDS.split(rest + decoder.decode(b"", final=True))
        yield last if last[-1] else last[:-1]

    def lines(self, at_most: int) -> list[str]:
        """Return the first lines."""
        found: list[str] = []
        for block in self.blocks():
            found += block[: at_most - len(found)]
            if len(found) >= at_most:
                break
        return found


def open_lines(path: Path) -> TextSource:
    """Return a text file of an instrument, its encoding found by its first bytes.

    Raises
    ------
    InputError
        If it is missing, empty, too long, or no text.
    """
    head, size = first_bytes(path)
    if size > LARGEST_BYTES:
        raise InputError(
            f"{path.name} must be shorter than {LARGEST_BYTES} bytes", received=f"{size} bytes"
        )
    encoding = _encoding(head)
    plain = head.decode(encoding or "latin-1", errors="replace").encode()
    if encoding is None or len(_CONTROL.findall(plain)) > _MOST_CONTROL * len(plain):
        raise InputError(
            f"{path.name} must be a text file",
            received="bytes that are no text",
            remedy="export it as text from the program of the instrument",
        )
    if not plain.decode().strip("\ufeff \t\r\n"):
        raise InputError(f"{path.name} must hold a measurement", received="an empty file")
    return TextSource(path, encoding)


def first_bytes(path: Path) -> tuple[bytes, int]:
    """Return the first bytes of a file, and how many it has.

    Raises
    ------
    InputError
        If it is missing, no file, unreadable or empty.
    """
    try:
        size = path.stat().st_size
        if path.is_dir():
            raise InputError(f"{path} must be a file", received="a folder")
        with path.open("rb") as stream:
            head = stream.read(_LOOKED_AT)
    except FileNotFoundError as fault:
        raise InputError(f"The file {path} must exist", received="no such file") from fault
    except OSError as fault:
        raise InputError(f"The file {path} must be readable", received=str(fault)) from fault
    if not head:
        raise InputError(f"{path.name} must hold a measurement", received="an empty file")
    return head, size


def _encoding(head: bytes) -> str | None:
    """Return the encoding of a text, or None of bytes that are none."""
    for mark, name in _MARKS:
        if head.startswith(mark):
            return name
    if b"\0" in head:
        return _wide(head)
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"


def _wide(head: bytes) -> str | None:
    """Return which UTF-16 without a mark a text is: its zeros all lie on one side."""
    even, odd = head[0::2].count(0), head[1::2].count(0)
    half = len(head) / 2
    if odd > 0.7 * half and even < 0.01 * half:
        return "utf-16-le"
    return "utf-16-be" if even > 0.7 * half and odd < 0.01 * half else None
