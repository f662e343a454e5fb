"""Columns of numbers and words in bytes of text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from vitrolyte.data.errors import InputError

Floats = NDArray[np.float64]
Bytes = NDArray[np.uint8]
Ints = NDArray[np.int64]

_SKIP, _NUMBER, _WORD = 0, 1, 2
_FAULTS = {1: "too few columns", 2: "a word where a number belongs", 3: "too many columns"}
_FNV_START = -3750763034362895579
_FNV_PRIME = 1099511628211
_POWERS = 10.0 ** np.arange(23)


@dataclass(frozen=True, eq=False)
class Columns:
    """Which columns of a table are read.

    Attributes
    ----------
    kinds
        (n_columns,), 0 to pass over, 1 for a number, 2 for a word.
    exact
        Whether a line may hold no more than these columns.
    """

    kinds: NDArray[np.int8]
    exact: bool = True

    @classmethod
    def of(cls, kinds: str, *, exact: bool = True) -> Columns:
        """Return the columns of a pattern: ``.`` passed over, ``n`` number, ``w`` word."""
        return cls(np.array([".nw".index(kind) for kind in kinds], dtype=np.int8), exact)


@dataclass(frozen=True, eq=False)
class Table:
    """Rows of a table.

    Attributes
    ----------
    numbers
        (n_rows, n_number_columns).
    words
        (n_rows, n_word_columns), a hash of each word (FNV-1a, 64 bits).
    """

    numbers: Floats
    words: Ints


def read_table(data: bytes, n_rows: int, columns: Columns, where: str) -> Table:
    """Return the first ``n_rows`` lines of a text as columns.

    Numbers are right to the last bit up to 15 digits, and to one unit in the last place beyond.

    Raises
    ------
    InputError
        If a line has the wrong columns; ``where`` says of what.
    """
    # a row takes two bytes at the least, so a false count cannot ask for more memory than the text
    if 2 * n_rows - 1 > len(data):
        raise InputError(f"{where} needs {n_rows} lines", received=f"{len(data)} bytes")
    numbers = np.empty((n_rows, int((columns.kinds == _NUMBER).sum())))
    words = np.empty((n_rows, int((columns.kinds == _WORD).sum())), dtype=np.int64)
    view = np.frombuffer(data, dtype=np.uint8)
    fault, row = _fill(view, columns.kinds, columns.exact, numbers, words)
    if fault:
        line = (data.split(b"\n", row + 1) + [b""] * (row + 1))[row][:80]
        raise InputError(
            f"{where} needs lines of {len(columns.kinds)} columns",
            received=f"{_FAULTS[fault]} in line {row + 1} of them: {line.decode(errors='replace')}",
        )
    return Table(numbers, words)


@njit(cache=True, nogil=True)
def skip_lines(buffer: Bytes, place: int, lines: int) -> tuple[int, int]:
    """Return the place after at most so many lines, and how many were passed. Hot loop."""
    passed = 0
    start = place
    for i in range(place, len(buffer)):
        if passed >= lines:
            break
        if buffer[i] == 10:
            passed += 1
            start = i + 1
    return start, passed


@njit(cache=True, nogil=True)
def _fill(buffer: Bytes, kinds: Any, exact: bool, numbers: Floats, words: Ints) -> tuple[int, int]:
    """Fill the tables and return (fault or 0, row). Hot loop."""
    place = 0
    end = len(buffer)
    for row in range(len(numbers)):
        number = 0
        word = 0
        for kind in kinds:
            while place < end and _blank(buffer[place]):
                place += 1
            if place >= end or buffer[place] == 10:
                return 1, row
            if kind == 1:
                value, place, good = _number(buffer, place, end)
                if not good:
                    return 2, row
                numbers[row, number] = value
                number += 1
            else:
                hashed = np.int64(_FNV_START)
                while place < end and buffer[place] != 10 and not _blank(buffer[place]):
                    hashed = (hashed ^ np.int64(buffer[place])) * np.int64(_FNV_PRIME)
                    place += 1
                if kind == 2:
                    words[row, word] = hashed
                    word += 1
        while place < end and buffer[place] != 10:
            if exact and not _blank(buffer[place]):
                return 3, row
            place += 1
        place += 1
    return 0, len(numbers)


@njit(cache=True, nogil=True)
def _blank(byte: int) -> bool:
    return byte == 32 or byte == 9 or byte == 13


@njit(cache=True, nogil=True)
def _number(buffer: Bytes, place: int, end: int) -> tuple[float, int, bool]:
    """Return a number, the place behind it, and whether it is one. Hot loop."""
    negative = buffer[place] == 45
    if negative or buffer[place] == 43:
        place += 1
    mantissa = np.int64(0)
    digits = 0
    power = 0
    seen = 0
    point = False
    while place < end:
        byte = np.int64(buffer[place])
        if 48 <= byte <= 57:
            seen += 1
            if digits < 18:
                mantissa = mantissa * 10 + (byte - 48)
                digits += 1 if mantissa else 0
                power -= 1 if point else 0
            elif not point:
                power += 1
        elif byte == 46 and not point:
            point = True
        else:
            break
        place += 1
    if seen == 0:
        return _named(buffer, place, end)
    if place < end and (buffer[place] | 32 == 101 or buffer[place] | 32 == 100):
        shift, place, good = _exponent(buffer, place + 1, end)
        if not good:
            return 0.0, place, False
        power += shift
    if place < end and buffer[place] != 10 and not _blank(buffer[place]):
        return 0.0, place, False
    value = _scaled(mantissa, power)
    return (-value if negative else value), place, True


@njit(cache=True, nogil=True)
def _exponent(buffer: Bytes, place: int, end: int) -> tuple[int, int, bool]:
    negative = place < end and buffer[place] == 45
    if place < end and (negative or buffer[place] == 43):
        place += 1
    value = np.int64(0)
    start = place
    while place < end and 48 <= buffer[place] <= 57:
        if value < 1000:
            value = value * 10 + (np.int64(buffer[place]) - 48)
        place += 1
    return int(-value if negative else value), place, place > start


@njit(cache=True, nogil=True)
def _scaled(mantissa: Any, power: int) -> Any:
    # exact for up to 15 digits and 22 powers of ten, since both factors are then exact
    if mantissa == 0:
        return 0.0
    if power < 0:
        if power >= -22:
            return mantissa / _POWERS[-power]
        return mantissa / _POWERS[22] / 10.0 ** min(-power - 22, 300)
    if power <= 22:
        return mantissa * _POWERS[power]
    return mantissa * 10.0 ** min(power, 400)


@njit(cache=True, nogil=True)
def _named(buffer: Bytes, place: int, end: int) -> tuple[float, int, bool]:
    """Accept the spellings of not-a-number and infinity, which a later check then names."""
    first = buffer[place] | 32 if place < end else 0
    if first != 110 and first != 105:
        return 0.0, place, False
    while place < end and buffer[place] != 10 and not _blank(buffer[place]):
        place += 1
    return np.nan, place, True
