"""POSCAR and CONTCAR of VASP (https://www.vasp.at/wiki/POSCAR)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vitrolyte.data.errors import InputError
from vitrolyte.data.io.formats.naming import elements_of
from vitrolyte.data.io.formats.options import ReadOptions
from vitrolyte.data.io.formats.source import Block, Clock, Source, check_cells
from vitrolyte.data.io.formats.table import Columns, read_table
from vitrolyte.data.io.formats.text_file import whole_lines
from vitrolyte.data.io.formats.text_frames import floats_of

Floats = NDArray[np.float64]

_MOST_ATOMS = 10**9
_A_PER_FS = 1e3
_PLACES = Columns.of("nnn", exact=False)


@dataclass(frozen=True, eq=False)
class Heading:
    """The lines before the positions, as POSCAR and XDATCAR share them.

    Attributes
    ----------
    scale
        (3,), factors of Cartesian coordinates.
    cell
        (3, 3), Å.
    names
        Of the species; their numbers in files that are too old to have names.
    counts
        Atoms of each species.
    lines
        How many lines the heading took.
    """

    scale: Floats
    cell: Floats
    names: tuple[str, ...]
    counts: tuple[int, ...]
    lines: int

    @property
    def n_atoms(self) -> int:
        """Return the number of atoms stated."""
        return sum(self.counts)

    def labels(self) -> list[str]:
        """Return the name of each atom's species."""
        return [name for name, count in zip(self.names, self.counts) for _ in range(count)]


def heading_of(lines: list[bytes]) -> Heading:
    """Return what the first six or seven lines of a POSCAR or XDATCAR say.

    Raises
    ------
    InputError
        If they are not that.
    """
    if len(lines) < 7:
        raise InputError("A POSCAR begins with seven lines", received=f"{len(lines)} lines")
    words = lines[1].split()
    scale = floats_of(words, 3 if len(words) >= 3 else 1, "The scale of a POSCAR")
    vectors = np.array([floats_of(line.split(), 3, "A cell vector") for line in lines[2:5]])
    if len(scale) == 1 and scale[0] < 0:  # a volume
        check_cells(vectors[None])
        scale = np.cbrt(-scale / abs(np.linalg.det(vectors)))
    names = [_name(word) for word in lines[5].split()]
    old = all(name.isdigit() for name in names)
    counts = _counts(lines[5 if old else 6])
    if len(names) < len(counts):
        raise InputError(
            "A POSCAR names each species that it counts", received=f"{names[:9]}, {counts[:9]}"
        )
    if old:
        names = [str(number) for number in range(1, len(counts) + 1)]
    stretch = np.broadcast_to(scale, 3)
    return Heading(stretch, stretch * vectors, tuple(names), counts, 6 if old else 7)


def _name(word: bytes) -> str:
    # pseudopotentials are named Li_sv, and newer files append a hash: O/1a2b
    return word.decode(errors="replace").split("/")[0].split("_")[0]


def _counts(line: bytes) -> tuple[int, ...]:
    words = [word.decode(errors="replace") for word in line.split(b"!")[0].split()]
    good = words and all(word.isascii() and word.isdigit() for word in words)
    counts = tuple(int(word[:12]) for word in words) if good else (0,)
    # each atom takes a line, so a false count is found before anything of its size is made
    if not 0 < sum(counts) < _MOST_ATOMS:
        raise InputError(
            "A POSCAR counts the atoms of each species", received=repr(" ".join(words)[:80])
        )
    return counts


def open_poscar(path: Path, options: ReadOptions) -> Source:
    """Return the structure of a POSCAR or CONTCAR, with velocities where it has any.

    Raises
    ------
    InputError
        If the file is no POSCAR or is cut off.
    """
    lines = whole_lines(path)
    heading = heading_of(lines)
    place = heading.lines
    mode = lines[place].strip().lower()[:1] if len(lines) > place else b""
    if mode == b"s":
        place += 1
        mode = lines[place].strip().lower()[:1] if len(lines) > place else b""
    place += 1
    if not mode or mode not in b"dck":
        raise InputError(
            "A POSCAR says Direct or Cartesian before its positions",
            received=repr(lines[place - 1][:40].decode(errors="replace") if mode else "nothing"),
        )
    positions = _vectors(lines, place, heading, mode == b"d")
    if positions is None:
        raise InputError(
            f"{path} must have a line for each of its {heading.n_atoms} atoms",
            received=f"{len(lines) - place} lines",
            remedy="copy the file again",
        )
    species, notes = elements_of(heading.labels(), options.elements)
    speeds = _velocities(lines, place + heading.n_atoms, heading)
    block = Block(positions[None], velocities=None if speeds is None else speeds[None])
    return Source(
        format="poscar",
        species=species,
        cells=heading.cell[None],
        clock=Clock(),
        read=lambda start, stop: block,  # noqa: ARG005
        velocities=speeds is not None,
        notes=notes,
    )


def _vectors(lines: list[bytes], place: int, heading: Heading, direct: bool) -> Floats | None:
    rows = lines[place : place + heading.n_atoms]
    if len(rows) < heading.n_atoms:
        return None
    numbers = read_table(b"\n".join(rows), heading.n_atoms, _PLACES, "The POSCAR").numbers
    return numbers @ heading.cell if direct else numbers * heading.scale


def _velocities(lines: list[bytes], place: int, heading: Heading) -> Floats | None:
    """Return the velocities behind the positions, Å/ps, unless there are none or all are zero."""
    if len(lines) <= place + heading.n_atoms:
        return None
    mode = lines[place].strip().lower()[:1]
    if mode == b"l":  # velocities of the lattice come first, in eight lines
        return _velocities(lines, place + 8, heading)
    rows = lines[place + 1 : place + 1 + heading.n_atoms]
    if mode not in (b"", b"c", b"d", b"k") or any(len(row.split()) != 3 for row in rows):
        return None
    numbers = read_table(b"\n".join(rows), heading.n_atoms, _PLACES, "Velocities").numbers
    speeds = numbers @ heading.cell if mode == b"d" else numbers
    return speeds * _A_PER_FS if speeds.any() else None
