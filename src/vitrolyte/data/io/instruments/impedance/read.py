"""Impedance spectra from a file of any known instrument."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Literal

from vitrolyte.data.io.instruments.biologic import (
    BINARY_MARK,
    TEXT_MARKS,
    read_biologic_binary,
    read_biologic_text,
)
from vitrolyte.data.io.instruments.delimited import Delimited, read_delimited
from vitrolyte.data.io.instruments.impedance.columns import Source, spectra_of_table
from vitrolyte.data.io.instruments.impedance.foreign import SUFFIXES, read_foreign
from vitrolyte.data.io.instruments.impedance.header import column_temperature, header_conditions
from vitrolyte.data.io.instruments.impedance.vendor_text import (
    read_autolab_dfr,
    read_gamry,
    read_ivium,
    read_scribner,
    read_versastudio,
)
from vitrolyte.data.io.instruments.impedance.zahner import START, read_zahner
from vitrolyte.data.io.instruments.text_lines import first_bytes
from vitrolyte.data.measurement import Measurement

ImpedanceFormat = Literal[
    "mpt", "mpr", "gamry", "zplot", "ivium", "dfr", "versastudio", "zahner", "pyimpspec", "table"
]

_AREA = re.compile(r"(?i)^electrode surface area\s*:\s*([\d.,eE+-]+)\s*cm")
_EC_LAB_AREA_CM2 = 0.001
_NINE = re.compile(r"\s*[\d.eE+-]+([,\t ]+[\d.eE+-]+){8}\s*[\r\n]")


def read_impedance(path: Path, *, format: ImpedanceFormat | None = None) -> tuple[Measurement, ...]:
    """Return the impedance spectra of a file, one measurement for each loop.

    Curves are Z = Z' + iZ'' in ohm over the frequency in Hz, in the order of the file, with the
    physical sign: a capacitor has Z'' < 0. Columns named ``-Im(Z)`` or ``-Z''`` are turned; a bare
    ``Z''`` is taken as named, whatever its sign.

    Parameters
    ----------
    path
        A file of BioLogic (.mpt, .mpr), Gamry (.DTA), ZPlot or ZView (.z), Ivium (.idf, .ids),
        Autolab (.dfr, text), VersaStudio (.par), Zahner (.ism), or a table with headings.
    format
        To be given where the file does not show it.

    Raises
    ------
    InputError
        If the file is missing, damaged, of another kind, or has no units where they are needed.
    MissingExtra
        If the format needs pyimpspec and it is not installed.
    """
    path = Path(path)
    known = format or detect_impedance(path)
    found = _READERS[known](path)
    return tuple(replace(one, curve=replace(one.curve, label=one.name)) for one in found)


def detect_impedance(path: Path) -> ImpedanceFormat:
    """Return which format a file has, by its first bytes."""
    head, _ = first_bytes(path)
    text = head.decode("latin-1").lstrip("ï»¿").lstrip('"')
    if head.startswith(BINARY_MARK):
        return "mpr"
    if head.startswith(START):
        return "zahner"
    if text.startswith(TEXT_MARKS):
        return "mpt"
    if text.startswith("EXPLAIN"):
        return "gamry"
    if text.startswith(("ZPLOT", "ZVIEW", "ZView", "Z60W")) or "End Comments" in text:
        return "zplot"
    if re.match(r"(?i)VERSION\s*\d[\d.]*\s+\d+\s", text):
        return "dfr"
    return _detect_by_more(path, text, head)


def _detect_by_more(path: Path, text: str, head: bytes) -> ImpedanceFormat:
    if text.startswith("<Application>"):
        return "versastudio"
    if re.search(r"(?m)^(Peaks|Corrosion|timing|Method)=", text) and head[:1] in b"\0P":
        return "ivium"
    if path.suffix.lower() in SUFFIXES:
        return "pyimpspec"
    if path.suffix.lower() == ".ism" and b"\0" in head[:6]:
        return "zahner"
    # ZView writes its nine columns without any heading too
    if path.suffix.lower() == ".z" and _NINE.match(text):
        return "zplot"
    return "table"


def _biologic(table: Delimited, path: Path, format: str) -> tuple[Measurement, ...]:
    area = next((m.group(1) for line in table.header if (m := _AREA.match(line))), None)
    conditions, notes = header_conditions(
        (line for line in table.header if ":" in line),
        area_cm2=_number(area),
        default_area_cm2=_EC_LAB_AREA_CM2,
    )
    temperature = column_temperature(table)
    if conditions.temperature_K is None and temperature is not None:
        conditions = replace(conditions, temperature_K=temperature)
    return spectra_of_table(table, Source(path.name, format, conditions, notes))


def _number(text: str | None) -> float | None:
    try:
        return None if text is None else float(text.replace(",", "."))
    except ValueError:
        return None


def _mpt(path: Path) -> tuple[Measurement, ...]:
    return _biologic(read_biologic_text(path), path, "BioLogic mpt")


def _mpr(path: Path) -> tuple[Measurement, ...]:
    return _biologic(read_biologic_binary(path), path, "BioLogic mpr")


def _table(path: Path) -> tuple[Measurement, ...]:
    table = read_delimited(path)
    conditions, notes = header_conditions(table.header)
    temperature = column_temperature(table)
    if conditions.temperature_K is None and temperature is not None:
        conditions = replace(conditions, temperature_K=temperature)
    return spectra_of_table(table, Source(path.name, "table with headings", conditions, notes))


_READERS: dict[ImpedanceFormat, Callable[[Path], tuple[Measurement, ...]]] = {
    "mpt": _mpt,
    "mpr": _mpr,
    "gamry": read_gamry,
    "zplot": read_scribner,
    "ivium": read_ivium,
    "dfr": read_autolab_dfr,
    "versastudio": read_versastudio,
    "zahner": read_zahner,
    "pyimpspec": read_foreign,
    "table": _table,
}
