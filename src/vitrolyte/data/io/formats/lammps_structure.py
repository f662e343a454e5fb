"""Data files of LAMMPS as a structure (https://docs.lammps.org/read_data.html)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vitrolyte.data.errors import InputError
from vitrolyte.data.io.formats.lammps_units import unit_style
from vitrolyte.data.io.formats.naming import elements_of
from vitrolyte.data.io.formats.options import ReadOptions
from vitrolyte.data.io.formats.source import Block, Clock, Source
from vitrolyte.data.io.formats.table import Columns, read_table
from vitrolyte.data.io.formats.text_file import whole_lines
from vitrolyte.data.io.formats.text_frames import floats_of

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_SECTIONS = ("Atoms", "Velocities", "Masses", "Bonds", "Angles", "Dihedrals", "Impropers")
_STYLES = {
    "atomic": ".t",
    "charge": ".t.",
    "molecular": "..t",
    "bond": "..t",
    "angle": "..t",
    "full": "..t.",
    "sphere": ".t..",
}
"""Columns before x y z; t is the type."""

_UNITS = re.compile(rb"units\s*=\s*(\w+)")


@dataclass(frozen=True, eq=False)
class _Section:
    title: str
    hint: str
    rows: list[bytes]


def open_lammps_data(path: Path, options: ReadOptions) -> Source:
    """Return the structure of a LAMMPS data file, unwrapped by its image flags.

    Raises
    ------
    InputError
        If the file is cut off, its atom style unclear, or elements are unknown.
    """
    lines = whole_lines(path)
    header, sections = _parts(lines)
    atoms = sections.get("Atoms")
    if atoms is None:
        raise InputError(f"{path} must have a section Atoms", received=", ".join(sections))
    n = _number(header, "atoms")
    if len(atoms.rows) != n:
        raise InputError(
            f"{path} must have a line for each of its {n} atoms",
            received=f"{len(atoms.rows)} lines",
            remedy="copy the file again",
        )
    stated = _UNITS.search(lines[0])
    style = unit_style(stated[1].decode() if stated else None, options.units)
    numbers, types = _atoms(atoms, n, _n_types(header))
    order = np.argsort(numbers[:, 0], kind="stable")
    if (np.diff(numbers[order, 0]) <= 0).any():
        raise InputError("Each atom must stand once", received="an id that stands twice")
    labels = [types[i] for i in order]
    masses = _masses(sections)
    species, notes = elements_of(labels, {**_named(sections), **options.elements}, masses)
    cell = _cell(header)
    speeds = _velocities(sections, numbers[order, 0])
    images = numbers[order, 4:7].astype(np.int32)[None] if numbers.shape[1] == 7 else None
    block = Block(
        numbers[order, 1:4][None] * style.length,
        images,
        None if speeds is None else speeds[None] * style.velocity,
    )
    return Source(
        format="lammps-data",
        species=species,
        cells=cell[None] * style.length,
        clock=Clock(),
        read=lambda start, stop: block,  # noqa: ARG005
        unwrapped="image flags" if images is not None else "",
        velocities=speeds is not None,
        notes=notes,
    )


def _parts(lines: list[bytes]) -> tuple[list[bytes], dict[str, _Section]]:
    """Split a data file into the lines of its header and its sections."""
    header: list[bytes] = []
    sections: dict[str, _Section] = {}
    rows = header
    for line in lines[1:]:
        bare, _, comment = line.partition(b"#")
        words = bare.split()
        if not words:
            continue
        first = words[0].decode(errors="replace")
        if first[0].isalpha() and (first in _SECTIONS or rows is not header or len(words) > 1):
            title = bare.decode(errors="replace").strip()
            hint = comment.decode(errors="replace").strip()
            rows = []
            sections[title] = _Section(title, hint, rows)
        else:
            rows.append(line)
    return header, sections


def _number(header: list[bytes], what: str) -> int:
    pattern = re.compile(rb"^\s*(\d{1,12})\s+" + what.replace(" ", r"\s+").encode() + rb"\s*(#|$)")
    found = next((match for line in header if (match := pattern.match(line))), None)
    if found is None:
        raise InputError(f"A LAMMPS data file states its number of {what}", received="nothing")
    return int(found[1])


def _n_types(header: list[bytes]) -> int:
    return _number(header, "atom types")


def _bounds(header: list[bytes], mark: bytes, count: int) -> Floats | None:
    line = next((line for line in header if mark in line), None)
    return None if line is None else floats_of(line.split(), count, mark.decode())


def _cell(header: list[bytes]) -> Floats:
    """Return the cell; positions keep the origin that the file gives them."""
    general = [_bounds(header, mark, 3) for mark in (b"avec", b"bvec", b"cvec")]
    if general[0] is not None and general[1] is not None and general[2] is not None:
        return np.array([general[0], general[1], general[2]])
    sides = [_bounds(header, mark, 2) for mark in (b"xlo xhi", b"ylo yhi", b"zlo zhi")]
    if any(side is None for side in sides):
        raise InputError("A LAMMPS data file needs xlo xhi, ylo yhi, zlo zhi", received="not all")
    x, y, z = (float(side[1] - side[0]) for side in sides if side is not None)
    tilts = _bounds(header, b"xy xz yz", 3)
    xy, xz, yz = (0.0, 0.0, 0.0) if tilts is None else tilts
    return np.array([[x, 0.0, 0.0], [xy, y, 0.0], [xz, yz, z]])


def _atoms(section: _Section, n: int, n_types: int) -> tuple[Floats, list[str]]:
    """Return id, x, y, z and, where given, image flags (n, 4 or 7), and the types as text."""
    rows = [row.partition(b"#")[0].split() for row in section.rows]
    width = len(rows[0])
    before = _STYLES.get(section.hint.split("/")[0].split()[0]) if section.hint else None
    before = before or _guess(rows, n_types)
    flagged = width == len(before) + 6
    if width not in (len(before) + 3, len(before) + 6) or any(len(row) != width for row in rows):
        raise InputError(
            "The lines of Atoms must fit one of the atom styles "
            f"{', '.join(sorted(_STYLES))}, with or without image flags",
            received=b" ".join(rows[0])[:80].decode(errors="replace"),
            remedy="write the style behind the title, as in 'Atoms # charge'",
        )
    kinds = "n" + "." * (len(before) - 1) + "nnn" + ("nnn" if flagged else "")
    table = read_table(b"\n".join(b" ".join(row) for row in rows), n, Columns.of(kinds), "Atoms")
    if not np.isfinite(table.numbers).all() or np.abs(table.numbers[:, 4:]).max(initial=0) > 2**30:
        raise InputError("Atoms must have finite numbers", received="one that is not")
    at = before.index("t")
    return table.numbers, [row[at].decode(errors="replace") for row in rows]


def _guess(rows: list[list[bytes]], n_types: int) -> str:
    """Tell the style from the columns: a charge is no whole number from 1 to the last type."""
    bare = len(rows[0]) - 6 if _flags(rows) else len(rows[0]) - 3
    if bare == 2:
        return _STYLES["atomic"]
    if bare == 4:
        return _STYLES["full"]
    types = {b"%d" % number for number in range(1, min(n_types, 1000) + 1)}
    molecular = bare == 3 and all(row[2] in types for row in rows)
    return _STYLES["molecular" if molecular else "charge"]


def _flags(rows: list[list[bytes]]) -> bool:
    """Return whether the last three columns are whole numbers, as image flags are."""
    return len(rows[0]) >= 8 and all(
        re.fullmatch(rb"-?\d+", word) is not None for row in rows for word in row[-3:]
    )


def _masses(sections: Mapping[str, _Section]) -> dict[str, float]:
    if "Masses" not in sections:
        return {}
    rows = [row.partition(b"#")[0].split() for row in sections["Masses"].rows]
    return {
        row[0].decode(errors="replace"): float(floats_of(row[1:], 1, "A mass")[0]) for row in rows
    }


def _named(sections: Mapping[str, _Section]) -> dict[str, str]:
    """Return elements of types from the comments behind masses, and from type labels."""
    found = {}
    for title, sign in (("Masses", b"#"), ("Atom Type Labels", None)):
        for row in sections[title].rows if title in sections else ():
            words = (row.partition(sign)[2] if sign else b" ".join(row.split()[1:])).split()
            label = words[0].decode(errors="replace") if words else ""
            try:
                name = elements_of([label], {})[0][0]
            except InputError:
                continue
            found[row.split()[0].decode(errors="replace")] = name
    return found


def _velocities(sections: Mapping[str, _Section], ids: Floats) -> Floats | None:
    if "Velocities" not in sections:
        return None
    rows = sections["Velocities"].rows
    table = read_table(b"\n".join(rows), len(rows), Columns.of("nnnn", exact=False), "Velocities")
    order = np.argsort(table.numbers[:, 0], kind="stable")
    if not np.array_equal(table.numbers[order, 0], ids):
        raise InputError("Velocities must be given for the same atoms", received="other ids")
    return table.numbers[order, 1:4]
