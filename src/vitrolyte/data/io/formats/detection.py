"""Which format a file has: by its first bytes, then by its name."""

from __future__ import annotations

import gzip
import re
import zlib
from pathlib import Path

from vitrolyte.data.errors import InputError
from vitrolyte.data.io.formats.options import FORMATS, Format
from vitrolyte.data.io.formats.text_file import GZIP_MAGIC

_LOOKED_AT = 65536
_UNSAFE = (".pkl", ".pickle", ".py", ".db", ".npy", ".npz", ".pt", ".joblib", ".json")
_PICKLE = re.compile(rb"\x80[\x02-\x05]")
_BINARY: tuple[tuple[re.Pattern[bytes], Format], ...] = (
    (re.compile(rb"\x89HDF\r\n\x1a\n"), "h5md"),
    (re.compile(rb"- of UlmASE-Trajectory"), "ase-traj"),
    (re.compile(rb"(?s)(T\0\0\0|\0\0\0T)CORD"), "dcd"),
    (re.compile(rb"\x00\x00\x07[\xcb\xe7]"), "xtc"),
    (re.compile(rb"\x00\x00\x07\xc9"), "trr"),
)
# all marks of a line must be found
_TEXT: tuple[tuple[tuple[bytes, ...], Format], ...] = (
    ((rb"\A\s{0,99}ITEM: (TIMESTEP|UNITS|TIME)\b",), "lammps-dump"),
    ((rb"<modeling",), "vasprun"),
    ((rb"(?i)\A\s{0,99}\(?version 6f",), "rmc6f"),
    ((rb"(?im)^(cell \(ang/deg\)|lattice vectors \(ang\)):", rb"(?im)^atoms:"), "rmc6f"),
    ((rb"(?im)^[ \t]*(direct|cartesian) configuration=",), "xdatcar"),
    ((rb"(?m)^[ \t]*_cell_length_a\b",), "cif"),
    ((rb"\A\s{0,99}\d+[ \t]*\r?\n[^\n]*\n[ \t]*\w+([ \t]+\S+){3}",), "extxyz"),
    ((rb"\A\s{0,99}\d+[ \t]*\r?\n[^\n]*(?i:Lattice|Properties)=",), "extxyz"),
    ((rb"(?m)^[ \t]*\d+[ \t]+atoms\b", rb"xlo xhi|avec"), "lammps-data"),
    (
        (rb"\A[^\n]*\n[ \t]*-?\d[^\n]*\n(([ \t]*[-+.\d]\S*){3}[ \t\r]*\n){3}",),
        "poscar",
    ),
)
_NAMES: tuple[tuple[re.Pattern[str], Format], ...] = (
    (re.compile(r"\.(ext)?xyz$"), "extxyz"),
    (re.compile(r"(\.lammpstrj|\.dump|^dump\..*)$"), "lammps-dump"),
    (re.compile(r"(\.lmp|\.data|^data\..*)$"), "lammps-data"),
    (re.compile(r"xdatcar"), "xdatcar"),
    (re.compile(r"(poscar|contcar|\.vasp$)"), "poscar"),
    (re.compile(r"vasprun.*\.xml$"), "vasprun"),
    (re.compile(r"\.cif$"), "cif"),
    (re.compile(r"\.rmc6f$"), "rmc6f"),
    (re.compile(r"\.traj$"), "ase-traj"),
    (re.compile(r"\.(h5|h5md|hdf5)$"), "h5md"),
    (re.compile(r"\.dcd$"), "dcd"),
    (re.compile(r"\.xtc$"), "xtc"),
    (re.compile(r"\.trr$"), "trr"),
)


def detect(path: Path) -> Format:
    """Return the format of a file or stored trajectory.

    Raises
    ------
    InputError
        If there is nothing, or something that is empty, unsafe or unknown.
    """
    if path.is_dir():
        return "zarr"
    head = first_bytes(path)
    inner = path.name.lower().removesuffix(".gz")
    if inner.endswith(_UNSAFE) or _PICKLE.match(head):
        raise InputError(
            "A file must have a format that cannot carry code",
            received=path.name,
            remedy="convert it to extended XYZ, a LAMMPS dump or H5MD",
        )
    known = next((name for mark, name in _BINARY if mark.match(head)), None) or _text_format(head)
    named = next((name for mark, name in _NAMES if mark.search(inner)), None)
    if known is None and (named is None or b"\0" in head):
        raise InputError(
            f"The format of {path.name} must be one that is known: {', '.join(FORMATS)}",
            received=repr(head[:24]),
            remedy="give the option format if the file is one of these",
        )
    return known or named or "extxyz"


def _text_format(head: bytes) -> Format | None:
    fitting = (name for marks, name in _TEXT if all(re.search(mark, head) for mark in marks))
    return None if b"\0" in head else next(fitting, None)


def first_bytes(path: Path) -> bytes:
    """Return the first bytes of a file, unpacked.

    Raises
    ------
    InputError
        If the file is missing, unreadable or empty.
    """
    try:
        with path.open("rb") as stream:
            head = stream.read(_LOOKED_AT)
        if head.startswith(GZIP_MAGIC):
            with gzip.open(path) as packed:
                head = packed.read(_LOOKED_AT)
    except FileNotFoundError as fault:
        raise InputError(f"A trajectory is needed at {path}", received="no such file") from fault
    except (OSError, EOFError, zlib.error) as fault:
        raise InputError(f"{path} must be readable", received=str(fault)) from fault
    if not head.strip():
        raise InputError(f"{path} must hold a trajectory", received="an empty file")
    return head
