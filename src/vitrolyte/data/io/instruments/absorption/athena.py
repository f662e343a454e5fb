"""Athena projects: spectra with their labels, without running any of the Perl in them."""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from vitrolyte.data.errors import InputError
from vitrolyte.data.io.instruments.text_lines import first_bytes
from vitrolyte.data.measurement import Measurement
from vitrolyte.data.spectroscopy import absorption_curve, fine_structure_curve

_MARK = "Athena project file"
_LARGEST = 128 * 2**20
_GZIP = b"\x1f\x8b"
_ASSIGNED = re.compile(r"^\s*[$@%](\w+)\s*=\s*(.*?);?\s*$")
_ITEM = re.compile(r"""'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"|([^\s,()'"]+)""")
_ESCAPED = re.compile(r"\\(.)")
_KNOWN = ("e0", "rbkg", "kw")


@dataclass
class _Record:
    """One group of a project: its arrays and its settings, all as text."""

    name: str = ""
    arrays: dict[str, list[str]] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)


def is_athena(head: bytes) -> bool:
    """Return whether a file that begins so is an Athena project."""
    if head.startswith(_GZIP):
        try:
            head = zlib.decompressobj(31).decompress(head, 4096)
        except zlib.error:
            return False
    return _MARK.encode() in head[:1000]


def read_athena(path: Path) -> tuple[Measurement, ...]:
    """Return every spectrum of an Athena project, by its label.

    Both the Perl form and the JSON form are read, packed or not. Athena's own background and
    normalisation are not taken over; a note gives the edge energy and R_bkg that it used.

    Raises
    ------
    InputError
        If the file is no such project, is cut off, or a spectrum has no finite numbers.
    """
    text = _text(path)
    if _MARK not in text[:1000]:
        raise InputError(f"{path.name} must be an Athena project", received=repr(text[:40]))
    json_form = text.lstrip().startswith("{")
    records = _from_json(text, path.name) if json_form else _from_perl(text, path.name)
    found = tuple(_measurement(record, path.name) for record in records if record.arrays)
    if not found:
        raise InputError(f"{path.name} must hold at least one spectrum", received="none")
    return found


def _text(path: Path) -> str:
    head, size = first_bytes(path)
    if size > _LARGEST:
        raise InputError(f"{path.name} must be shorter than {_LARGEST} bytes", received=f"{size}")
    data = path.read_bytes()
    if head.startswith(_GZIP):
        data = _unpacked(data, path.name)
    return data.decode("utf-8", errors="replace")


def _unpacked(data: bytes, name: str) -> bytes:
    unpack = zlib.decompressobj(31)
    try:
        text = unpack.decompress(data, _LARGEST)
    except zlib.error as fault:
        raise InputError(f"{name} must be whole", received=f"a broken gzip: {fault}") from fault
    if not unpack.eof:
        reason = "more than 128 MiB of text" if len(text) >= _LARGEST else "a gzip that breaks off"
        raise InputError(f"{name} must be whole", received=reason)
    return text


def _from_perl(text: str, name: str) -> Iterator[_Record]:
    record = _Record()
    for line in text.splitlines():
        if line.startswith("[record]"):
            yield record
            record = _Record()
            continue
        found = _ASSIGNED.match(line)
        if not found:
            continue
        key, items = found.group(1), _items(found.group(2))
        if key == "old_group":
            record.name = items[0] if items else ""
        elif key == "args":
            record.settings = dict(zip(items[::2], items[1::2]))
        elif key in ("x", "y", "stddev"):
            record.arrays[key] = items
    if record.arrays:
        raise InputError(
            f"{name} must be a whole Athena project", received="a spectrum without its end"
        )


def _items(text: str) -> list[str]:
    """Return the words of a Perl list or scalar; nothing is evaluated."""
    found = (one or two or bare for one, two, bare in _ITEM.findall(text))
    return [_ESCAPED.sub(r"\1", item) for item in found]


def _from_json(text: str, name: str) -> Iterator[_Record]:
    try:
        whole: Any = json.loads(text)
    except (ValueError, RecursionError) as fault:
        raise InputError(f"{name} must be whole JSON", received=str(fault)[:120]) from fault
    for key, value in whole.items():
        if isinstance(value, dict) and {"x", "y"} <= set(value):
            arrays = {n: value[n] for n in ("x", "y", "stddev") if isinstance(value.get(n), list)}
            settings = value.get("args", {})
            yield _Record(str(key), arrays, settings if isinstance(settings, dict) else {})


def _measurement(record: _Record, name: str) -> Measurement:
    label = str(record.settings.get("label") or record.name)
    try:
        x, y = (np.array([float(v) for v in record.arrays[axis]]) for axis in ("x", "y"))
    except (KeyError, ValueError, TypeError, OverflowError) as fault:
        raise InputError(
            f"The spectrum {label!r} of {name} needs numbers x and y", received=str(fault)[:80]
        ) from fault
    is_chi = str(record.settings.get("is_chi", "0")) == "1"
    make = fine_structure_curve if is_chi else absorption_curve
    used = [f"{key} {record.settings[f'bkg_{key}']}" for key in _KNOWN if _set(record, key)]
    notes = (f"Athena used {', '.join(used)}; not taken over",) if used else ()
    return Measurement(
        make(x, y, f"{name} {label}"), file=name, format="Athena project", part=label, notes=notes
    )


def _set(record: _Record, key: str) -> bool:
    return str(record.settings.get(f"bkg_{key}", "")) not in ("", "None")
