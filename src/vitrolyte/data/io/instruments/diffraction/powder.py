"""Powder patterns, whatever the diffractometer: the format is found in the file itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from vitrolyte.data.errors import InputError
from vitrolyte.data.io.instruments.diffraction.archives import read_brml, read_rasx
from vitrolyte.data.io.instruments.diffraction.bounded import archive_members
from vitrolyte.data.io.instruments.diffraction.bruker_raw import read_bruker_raw
from vitrolyte.data.io.instruments.diffraction.columns import (
    is_stepped,
    read_columns,
    read_powder_cif,
    read_stepped,
)
from vitrolyte.data.io.instruments.diffraction.text import (
    lines_of,
    read_gsas,
    read_ras,
    read_rigaku_asc,
    read_uxd,
)
from vitrolyte.data.io.instruments.diffraction.xrdml import read_xrdml
from vitrolyte.data.io.instruments.text_lines import open_lines
from vitrolyte.data.measurement import Measurement

Reader = Callable[[Path], tuple[Measurement, ...]]

FORMATS: Mapping[str, Reader] = {
    "xrdml": read_xrdml,
    "bruker-raw": read_bruker_raw,
    "brml": read_brml,
    "rasx": read_rasx,
    "ras": read_ras,
    "asc": read_rigaku_asc,
    "uxd": read_uxd,
    "gsas": read_gsas,
    "cif": read_powder_cif,
    "columns": read_columns,
}
"""Readers by the name of a format."""

_LOOKED_AT = 4096
_FIRST_LINES = 400


def read_powder(path: Path, *, format: str | None = None) -> tuple[Measurement, ...]:
    """Return the powder patterns of a file, one for each scan.

    Parameters
    ----------
    path
        XRDML, Bruker RAW (versions 1 to 4), BRML or UXD, Rigaku RAS, RASX or ASC, GSAS, powder CIF,
        or columns (XY, XYE, CSV, DAT); found by what it holds.
    format
        The name of a format, where the file is to be read as that one.

    Raises
    ------
    InputError
        If it is missing, damaged, or of none of these formats.
    """
    if format is not None and format not in FORMATS:
        raise InputError(
            f"A format of powder patterns is one of {', '.join(FORMATS)}", received=repr(format)
        )
    if not path.is_file():
        raise InputError(f"A powder pattern is needed at {path}", received="no such file")
    return FORMATS[format](path) if format else _by_content(path)


def _by_content(path: Path) -> tuple[Measurement, ...]:
    with path.open("rb") as stream:
        start = stream.read(_LOOKED_AT)
    if not start.strip():
        raise InputError(f"A powder pattern is needed at {path}", received="an empty file")
    if start.startswith(b"RAW"):
        return read_bruker_raw(path)
    if start.startswith(b"PK"):
        return _archive(path)
    if b"xrdMeasurement" in start.replace(b"\x00", b""):
        return read_xrdml(path)
    lines = open_lines(path).lines(_FIRST_LINES)
    for mark, reader in (
        ("*RAS_", read_ras),
        ("BANK ", read_gsas),
        ("_FILEVERSION", read_uxd),
        ("_STEPSIZE", read_uxd),
        ("_pd_", read_powder_cif),
        ("data_", read_powder_cif),
        ("*START", read_rigaku_asc),
    ):
        if any(line.lstrip().startswith(mark) for line in lines):
            return reader(path)
    if is_stepped(lines):
        return read_stepped(path, lines_of(path))
    return read_columns(path)


def _archive(path: Path) -> tuple[Measurement, ...]:
    names = archive_members(path, r"(RawData0\.xml|Profile0\.txt)$")
    if any(name.endswith("Profile0.txt") for name in names):
        return read_rasx(path)
    return read_brml(path)
