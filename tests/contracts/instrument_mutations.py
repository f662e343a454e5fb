"""Damaged copies of a file, and what every reader of instruments owes a user who has one."""

from __future__ import annotations

import random
import resource
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from vitrolyte.data.errors import InputError

Reader = Callable[[Path], Any]

LONGEST_S = 5.0
MOST_GROWTH_KB = 900 * 1024
_NOISE = (
    b"NaN",
    b"1e308",
    b"-1e400",
    b"9" * 40,
    b"",
    b"inf",
    b"\x00",
    b"#",
    b";",
    b",",
    b"\xff\xfe",
)


def _truncated(data: bytes, draw: random.Random) -> bytes:
    return data[: draw.randrange(len(data) + 1)]


def _flipped(data: bytes, draw: random.Random) -> bytes:
    damaged = bytearray(data)
    for _ in range(draw.choice((1, 3, 30))):
        if damaged:
            damaged[draw.randrange(len(damaged))] = draw.randrange(256)
    return bytes(damaged)


def _swapped_lines(data: bytes, draw: random.Random) -> bytes:
    lines = data.split(b"\n")
    for _ in range(draw.choice((1, 5))):
        one, other = draw.randrange(len(lines)), draw.randrange(len(lines))
        lines[one], lines[other] = lines[other], lines[one]
    return b"\n".join(lines)


def _chunk(data: bytes, draw: random.Random) -> tuple[int, int]:
    start = draw.randrange(len(data) + 1)
    return start, min(len(data), start + draw.choice((1, 7, 100, 4000)))


def _deleted(data: bytes, draw: random.Random) -> bytes:
    start, stop = _chunk(data, draw)
    return data[:start] + data[stop:]


def _doubled(data: bytes, draw: random.Random) -> bytes:
    start, stop = _chunk(data, draw)
    return data[:stop] + data[start:stop] + data[stop:]


def _put_in(data: bytes, draw: random.Random) -> bytes:
    """Put something else in the place of a word, a number most often."""
    places = [i for i in range(1, len(data)) if data[i - 1 : i] in (b"\t", b" ", b",", b";", b"\n")]
    if not places:
        return _flipped(data, draw)
    start = draw.choice(places)
    stop = start
    while stop < len(data) and data[stop : stop + 1] not in (b"\t", b" ", b",", b";", b"\n", b"\r"):
        stop += 1
    return data[:start] + draw.choice(_NOISE) + data[stop:]


def _large_integers(data: bytes, draw: random.Random) -> bytes:
    """Overwrite four bytes, as the sizes in a binary header are, with a huge or negative number."""
    if len(data) < 8:
        return data
    start = draw.randrange(min(len(data) - 4, 4096))
    value = draw.choice((0xFFFFFFFF, 0x7FFFFFFF, 0x80000000, 0, 0x10000000))
    return data[:start] + value.to_bytes(4, draw.choice(("little", "big"))) + data[start + 4 :]


def _rubbish(data: bytes, draw: random.Random) -> bytes:
    return draw.randbytes(draw.choice((1, 100, 5000)))


_WAYS = (
    *(_truncated, _flipped, _flipped, _swapped_lines, _deleted, _doubled),
    *(_put_in, _put_in, _large_integers, _rubbish),
)


def mutations(data: bytes, count: int, seed: int = 0) -> Iterator[bytes]:
    """Yield damaged copies of a file: cut, flipped, swapped, doubled, with words put in."""
    draw = random.Random(seed)
    for number in range(count):
        damaged = _WAYS[number % len(_WAYS)](data, draw)
        # one in four is damaged twice
        yield draw.choice(_WAYS)(damaged, draw) if number % 4 == 3 and damaged else damaged


def check_reader(
    read: Reader, path: Path, tmp_path: Path, *, count: int = 40, seed: int = 0
) -> tuple[int, int]:
    """Read damaged copies of a file; return how many were read and how many refused.

    Raises
    ------
    AssertionError
        If one brings another error than one InputError, takes too long, or too much memory.
    """
    data = path.read_bytes()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    read_whole = refused = 0
    for number, damaged in enumerate(mutations(data, count, seed)):
        copy = tmp_path / f"damaged{path.suffix}"
        copy.write_bytes(damaged)
        began = time.process_time()
        try:
            read(copy)
            read_whole += 1
        except InputError:
            refused += 1
        except Exception as fault:
            kind = f"{type(fault).__name__}: {fault}"
            raise AssertionError(
                f"mutation {number} of {path.name} (seed {seed}): {kind}"
            ) from fault
        took = time.process_time() - began
        assert took < LONGEST_S, f"mutation {number} of {path.name} (seed {seed}): {took:.1f} s"
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < MOST_GROWTH_KB, f"{path.name}: {grown} kB more memory"
    return read_whole, refused
