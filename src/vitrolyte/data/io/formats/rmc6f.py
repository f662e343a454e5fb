"""Configurations of RMCProfile, version 6f (the RMCProfile manual, https://rmcprofile.ornl.gov)."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vitrolyte.data.errors import InputError
from vitrolyte.data.io.formats.naming import elements_of
from vitrolyte.data.io.formats.options import ReadOptions
from vitrolyte.data.io.formats.source import Block, Clock, Source, cell_from_numbers, check_cells
from vitrolyte.data.io.formats.table import Columns, read_table
from vitrolyte.data.io.formats.text_file import whole_lines
from vitrolyte.data.io.formats.text_frames import floats_of

Floats = NDArray[np.float64]


def open_rmc6f(path: Path, options: ReadOptions) -> Source:
    """Return the configuration of an RMC6F file.

    Raises
    ------
    InputError
        If the file has no cell or not the atoms that it states.
    """
    lines = whole_lines(path)
    at = next((i for i, line in enumerate(lines) if _key(line) == "atoms"), None)
    if at is None:
        raise InputError(f"{path} must have a line Atoms:", received=f"{len(lines)} lines without")
    header = {_key(line): i for i, line in enumerate(lines[:at]) if b":" in line}
    rows = [line for line in lines[at + 1 :] if line.strip()]
    stated = _stated(lines, header)
    if not rows or (stated is not None and stated != len(rows)):
        raise InputError(
            f"{path} must have as many atoms as it states",
            received=f"{len(rows)} atoms, {stated} stated",
            remedy="copy the file again",
        )
    cell = _cell(lines, header)
    labels, places = _atoms(rows)
    species, notes = elements_of(labels, options.elements)
    block = Block((places @ cell)[None])
    return Source(
        format="rmc6f",
        species=species,
        cells=cell[None],
        clock=Clock(),
        read=lambda start, stop: block,  # noqa: ARG005
        notes=notes,
    )


def _key(line: bytes) -> str:
    return line.split(b":")[0].strip().lower().decode(errors="replace")


def _stated(lines: list[bytes], header: dict[str, int]) -> int | None:
    if "number of atoms" not in header:
        return None
    text = lines[header["number of atoms"]].split(b":")[1].strip()
    if not re.fullmatch(rb"\d{1,12}", text):
        raise InputError("Number of atoms must be a number", received=repr(text[:40]))
    return int(text)


def _cell(lines: list[bytes], header: dict[str, int]) -> Floats:
    vectors = next((i for key, i in header.items() if key.startswith("lattice vectors")), None)
    if vectors is not None:
        rows = lines[vectors + 1 : vectors + 4]
        cell = np.array([floats_of(row.split(), 3, "A lattice vector") for row in rows])
        if cell.shape == (3, 3):
            check_cells(cell[None])
            return cell
    edges = next((i for key, i in header.items() if key.startswith("cell")), None)
    if edges is None:
        raise InputError("An RMC6F file needs lattice vectors or a cell", received="neither")
    words = lines[edges].split(b":")[1].split()
    return cell_from_numbers(tuple(floats_of(words, 6, "Cell").tolist()))


def _atoms(rows: list[bytes]) -> tuple[list[str], Floats]:
    """Return names and fractional coordinates; a number, and a label in brackets, may stand by."""
    first = rows[0].split()
    numbered = first[0].isdigit()
    labelled = len(first) > 1 + numbered and first[1 + numbered].startswith(b"[")
    kinds = "." * numbered + "." + "." * labelled + "nnn"
    table = read_table(b"\n".join(rows), len(rows), Columns.of(kinds, exact=False), "Atoms")
    labels = [row.split(None, 1 + numbered)[numbered].decode(errors="replace") for row in rows]
    return labels, table.numbers
