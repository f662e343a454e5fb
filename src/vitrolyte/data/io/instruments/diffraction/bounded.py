"""XML and archives from outside, opened within limits."""

from __future__ import annotations

import re
import zipfile
import zlib
from pathlib import Path
from xml.etree import ElementTree

from vitrolyte.data.errors import InputError

LARGEST_BYTES = 128 * 2**20
_MOST_MEMBERS = 20_000
_FORBIDDEN = re.compile(rb"<!\s*(DOCTYPE|ENTITY)", re.IGNORECASE)
_NAMESPACE = re.compile(r"^\{[^}]*\}")


def read_bounded(path: Path) -> bytes:
    """Return the bytes of a file of a size that a pattern can have.

    Raises
    ------
    InputError
        If it is missing, empty, unreadable or above 128 MiB.
    """
    try:
        size = path.stat().st_size
        if not 0 < size <= LARGEST_BYTES:
            raise InputError(
                f"A powder pattern of 1 byte to 128 MiB is needed at {path}",
                received=f"{size} bytes",
            )
        return path.read_bytes()
    except OSError as fault:
        raise InputError(
            f"A powder pattern is needed at {path}", received=fault.strerror or str(fault)
        ) from fault


def parse_xml(data: bytes, name: str) -> ElementTree.Element:
    """Return the root of an XML text, its namespaces taken off the names.

    Documents that declare types or entities are refused: no format of a diffractometer needs
    them, and they can reach for other files or grow without end.

    Raises
    ------
    InputError
        If it is not well-formed, or declares entities.
    """
    if _FORBIDDEN.search(data.replace(b"\x00", b"")):
        raise InputError(f"{name} must not declare entities", received="a DOCTYPE or ENTITY")
    try:
        root = ElementTree.fromstring(data)
    except (ElementTree.ParseError, ValueError, LookupError) as fault:
        raise InputError(f"{name} must be well-formed XML", received=str(fault)) from fault
    for element in root.iter():
        if isinstance(element.tag, str):
            element.tag = _NAMESPACE.sub("", element.tag)
    return root


def archive_members(path: Path, pattern: str) -> dict[str, bytes]:
    """Return the members of a zip archive whose names match a pattern, by name.

    Raises
    ------
    InputError
        If it is no archive, is encrypted, or a member would be above 128 MiB.
    """
    wanted, found, total = re.compile(pattern), {}, 0
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            if len(members) > _MOST_MEMBERS:
                raise InputError(
                    f"{path.name} must be a small archive", received=f"{len(members)} members"
                )
            for member in sorted(members, key=lambda one: one.filename):
                if not wanted.search(member.filename):
                    continue
                with archive.open(member) as stream:
                    data = stream.read(LARGEST_BYTES - total + 1)
                total += len(data)
                if total > LARGEST_BYTES:
                    raise InputError(
                        f"{path.name} must unpack to at most 128 MiB", received=member.filename
                    )
                found[member.filename] = data
    except (zipfile.BadZipFile, zlib.error, OSError, RuntimeError, ValueError, EOFError) as fault:
        if isinstance(fault, InputError):
            raise
        raise InputError(
            f"{path.name} must be a readable zip archive", received=str(fault)
        ) from fault
    except (NotImplementedError, OverflowError, KeyError, IndexError) as fault:
        raise InputError(
            f"{path.name} must be a readable zip archive", received=str(fault)
        ) from fault
    return found


def number_in(text: str | None, what: str, name: str) -> float:
    """Return the number in a text.

    Raises
    ------
    InputError
        If there is none.
    """
    try:
        return float(str(text).strip())
    except ValueError as fault:
        raise InputError(f"{name} needs a number for {what}", received=repr(text)) from fault
