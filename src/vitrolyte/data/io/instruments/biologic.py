"""Files of BioLogic's EC-Lab and BT-Lab: text (.mpt) and binary (.mpr).

The binary format is not published; its layout is known from the work of those who took it apart:
modules with a header each, and in the data module the numbers of the columns, then the records.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vitrolyte.data.errors import InputError
from vitrolyte.data.io.instruments.delimited import Column, Delimited, read_delimited
from vitrolyte.data.io.instruments.heading import split_heading
from vitrolyte.data.io.instruments.text_lines import first_bytes, open_lines

TEXT_MARKS = ("EC-Lab ASCII FILE", "BT-Lab ASCII FILE")
BINARY_MARK = b"BIO-LOGIC MODULAR FILE"

_LARGEST = 1024 * 2**20
_HEAD = 52
_HEADER_LINES = re.compile(r"Nb header lines\s*:\s*(\d+)")
_FLAGS = {
    1: ("mode", 3, 0),
    2: ("ox/red", 4, 2),
    3: ("error", 8, 3),
    21: ("control changes", 16, 4),
    31: ("Ns changes", 32, 5),
    65: ("counter inc.", 128, 7),
}
"""Numbers of columns that share one byte: name, mask, shift."""
_TYPES = {"f4": "<f4", "f8": "<f8", "u1": "u1", "u2": "<u2", "u4": "<u4"}


def read_biologic_text(path: Path) -> Delimited:
    """Return the table of a .mpt file; ``header`` holds the lines above it.

    Raises
    ------
    InputError
        If it is no such file, or damaged.
    """
    first = open_lines(path).lines(2)
    found = _HEADER_LINES.match(first[1]) if len(first) > 1 else None
    if not first or first[0].strip() not in TEXT_MARKS or found is None:
        raise InputError(
            f"{path.name} must begin as a text file of EC-Lab does",
            received=repr(" / ".join(first)[:80]),
        )
    if not 3 <= int(found.group(1)) <= 5000:
        raise InputError(
            f"{path.name} needs a plausible number of header lines", received=found.group(1)
        )
    return read_delimited(path, skip=int(found.group(1)) - 1)


def read_biologic_binary(path: Path) -> Delimited:
    """Return the table of a .mpr file, with the headings that EC-Lab gives its columns.

    Raises
    ------
    InputError
        If it is no such file, damaged, or holds columns that are not known.
    """
    head, size = first_bytes(path)
    if not head.startswith(BINARY_MARK):
        raise InputError(
            f"{path.name} must begin as a binary file of EC-Lab does", received=repr(head[:24])
        )
    if size > _LARGEST:
        raise InputError(f"{path.name} must be shorter than {_LARGEST} bytes", received=f"{size}")
    modules = _modules(path.read_bytes(), path.name)
    data = [module for module in modules if module.name == "VMP data"]
    if len(data) != 1:
        raise InputError(
            f"{path.name} needs one module of data",
            received=f"modules {[module.name for module in modules]}",
            remedy="copy the file again, or export it from EC-Lab as text (.mpt)",
        )
    return Delimited(_columns(data[0], path.name), header=(), file=path.name)


@dataclass(frozen=True)
class _Module:
    name: str
    version: int
    data: memoryview


def _modules(whole: bytes, name: str) -> list[_Module]:
    """Return the modules of a file, each checked against the file's end."""
    view, place, found = memoryview(whole), _HEAD, []
    while place < len(view):
        if bytes(view[place : place + 6]) != b"MODULE":
            raise InputError(
                f"{name} needs a module at byte {place}", received="something else, or its end"
            )
        header = bytes(view[place + 6 : place + 6 + 67])
        # EC-Lab 11.50 and later put the largest length before the length
        later = header[35:39] == b"\xff\xff\xff\xff"
        width = 59 if later else 51
        if len(header) < width:
            raise InputError(f"{name} must be a whole file", received="a module's header cut off")
        length, version = _two(header, 39 if later else 35)
        start = place + 6 + width
        if start + length > len(view):
            raise InputError(
                f"{name} must be a whole file",
                received=f"a module of {length} bytes where {len(view) - start} are left",
            )
        label = header[:10].decode("latin-1").strip("\0 ")
        found.append(_Module(label, version, view[start : start + length]))
        place = start + length
    return found


def _two(header: bytes, place: int) -> tuple[int, int]:
    """Return the length and the version that stand in a module's header."""
    numbers = np.frombuffer(header, dtype="<u4", count=2, offset=place)
    return int(numbers[0]), int(numbers[1])


def _columns(module: _Module, name: str) -> tuple[Column, ...]:
    ids, start = _ids(module, name)
    layout, flags = _layout(ids, name)
    count = int(np.frombuffer(module.data[:4], dtype="<u4")[0])
    record = np.dtype(layout)
    if count == 0 or len(module.data) - start < count * record.itemsize:
        raise InputError(
            f"{name} needs as many records as it says",
            received=f"{len(module.data) - start} bytes for {count} records of {record.itemsize}",
            remedy="copy the file again, or export it from EC-Lab as text (.mpt)",
        )
    table = np.frombuffer(module.data, dtype=record, count=count, offset=start)
    columns = [_column(entry[0], table[entry[0]]) for entry in layout if entry[0] != "flags"]
    broken = next((c.name for c in columns if not np.isfinite(c.values).all()), None)
    if broken is not None:
        raise InputError(
            f"Every number of {name} must be finite", received=f"others in the column {broken!r}"
        )
    packed = table["flags"] if flags else None
    for identity in flags if packed is not None else ():
        word, mask, shift = _FLAGS[identity]
        assert packed is not None
        columns.append(Column(word, "", ((packed & mask) >> shift).astype(float)))
    return tuple(columns)


def _ids(module: _Module, name: str) -> tuple[list[int], int]:
    """Return the numbers of the columns, and where the records begin."""
    data = module.data
    if len(data) < 6:
        raise InputError(f"{name} needs a whole module of data", received=f"{len(data)} bytes")
    n_columns = data[4]
    wide = {2: ("<u2", 405), 3: ("<u2", 406), 10: (">u2", 1007), 11: (">u2", 1007)}
    if module.version == 0:
        kind, start = ("u1", 100) if data[5] else (">u2", 1007)
    elif module.version in wide:
        kind, start = wide[module.version]
    else:
        raise InputError(
            f"{name} needs a version of the format that is known: 0, 2, 3, 10, 11",
            received=str(module.version),
            remedy="export it from EC-Lab as text (.mpt)",
        )
    if len(data) < max(start, 5 + n_columns * np.dtype(kind).itemsize):
        raise InputError(f"{name} needs a whole module of data", received=f"{len(data)} bytes")
    return np.frombuffer(data, dtype=kind, count=n_columns, offset=5).tolist(), start


def _layout(ids: list[int], name: str) -> tuple[list[tuple[str, str]], list[int]]:
    """Return the fields of a record, and which flags are packed into its byte of flags."""
    known = _known()
    layout: list[tuple[str, str]] = []
    flags: list[int] = []
    for identity in ids:
        if identity in _FLAGS:
            if not flags:
                layout.append(("flags", "u1"))
            flags.append(identity)
        elif identity in known:
            heading, kind = known[identity]
            taken = sum(entry[0].split("\0")[0] == heading for entry in layout)
            layout.append((heading + "\0" * taken if taken else heading, kind))
        else:
            raise InputError(
                f"Every column of {name} must be one that is known",
                received=f"column number {identity}",
                remedy="export the file from EC-Lab as text (.mpt)",
            )
    return layout, flags


@lru_cache(maxsize=1)
def _known() -> dict[int, tuple[str, str]]:
    source = resources.files("vitrolyte.data.io.instruments") / "biologic_columns.csv"
    with source.open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    return {int(row["id"]): (row["heading"], _TYPES[row["type"]]) for row in rows}


def _column(heading: str, values: NDArray[np.generic]) -> Column:
    name, unit = split_heading(heading.rstrip("\0"))
    with np.errstate(invalid="ignore"):
        return Column(name, unit, np.asarray(values, dtype=np.float64))
