"""Records of cycling from a file of any known cycler."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Literal

from vitrolyte.data.cycling import CyclerRecord
from vitrolyte.data.errors import InputError
from vitrolyte.data.io.instruments.biologic import (
    BINARY_MARK,
    TEXT_MARKS,
    read_biologic_binary,
    read_biologic_text,
)
from vitrolyte.data.io.instruments.cycling.columns import Origin, record_of_table
from vitrolyte.data.io.instruments.cycling.foreign import NEWARE, WORKBOOKS, read_foreign
from vitrolyte.data.io.instruments.delimited import Delimited, read_delimited
from vitrolyte.data.io.instruments.text_lines import first_bytes
from vitrolyte.data.measurement import Conditions

CyclingFormat = Literal["mpt", "mpr", "neware", "workbook", "table"]

_ACCESS = (b"Standard Jet DB", b"Standard ACE DB")
_MASS = re.compile(r"(?i)^characteristic mass\s*:\s*([\d.,eE+-]+)\s*(µg|mg|g)\b")
_EC_LAB_MASS_MG = 1.0
_TO_MG = {"µg": 1e-3, "mg": 1.0, "g": 1e3}


def read_cycling(path: Path, *, format: CyclingFormat | None = None) -> CyclerRecord:
    """Return the record of one cell from a cycler's file.

    Read are BioLogic (.mpt, .mpr), Neware (.nda and .ndax through NewareNDA; CSV), workbooks of
    Neware, Arbin and Landt (through openpyxl), and text tables with headings of Arbin, Maccor,
    Landt and others.

    Raises
    ------
    InputError
        If the file is missing, damaged or of another kind.
    MissingExtra
        If the format needs a library that is not installed.
    """
    path = Path(path)
    known = format or detect_cycling(path)
    if known == "mpt":
        table = read_biologic_text(path)
        return _named(table, Origin(path.name, "BioLogic mpt", *_mass(table.header)))
    if known == "mpr":
        return _named(read_biologic_binary(path), Origin(path.name, "BioLogic mpr"))
    if known in ("neware", "workbook"):
        words = "Neware, through NewareNDA" if known == "neware" else "workbook, through openpyxl"
        return _named(read_foreign(path), Origin(path.name, words))
    return _named(read_delimited(path), Origin(path.name, "table with headings"))


def _named(table: Delimited, origin: Origin) -> CyclerRecord:
    return record_of_table(replace(table, file=origin.file), origin)


def detect_cycling(path: Path) -> CyclingFormat:
    """Return which format a file has, by its first bytes and, where these say nothing, its name.

    Raises
    ------
    InputError
        If it is a database of Arbin, which is not read.
    """
    head, _ = first_bytes(path)
    if any(mark in head[:64] for mark in _ACCESS):
        raise InputError(
            f"{path.name} must be a table, not a database",
            received="a Microsoft Access database, as Arbin's .res files are",
            remedy="export the records from MITS Pro or Access as CSV",
        )
    if head.startswith(BINARY_MARK):
        return "mpr"
    if head.decode("latin-1").startswith(TEXT_MARKS):
        return "mpt"
    if path.suffix.lower() in NEWARE:
        return "neware"
    return "workbook" if path.suffix.lower() in WORKBOOKS else "table"


def _mass(header: tuple[str, ...]) -> tuple[Conditions, tuple[str, ...]]:
    """Return the mass that EC-Lab's header states, unless it is the program's own."""
    found = next((match for line in header if (match := _MASS.match(line))), None)
    if found is None:
        return Conditions(), ()
    try:
        mass = float(found.group(1).replace(",", ".")) * _TO_MG[found.group(2)]
        if mass == _EC_LAB_MASS_MG:
            return Conditions(), (f"the mass {mass:g} mg is the program's own and is not taken",)
        return Conditions(mass_mg=mass), ()
    except (ValueError, InputError):
        return Conditions(), ()
