"""The species of PDB and GRO files, which name the atoms of DCD, XTC and TRR files."""

from __future__ import annotations

from pathlib import Path

from vitrolyte.data.errors import InputError
from vitrolyte.data.io.formats.detection import first_bytes
from vitrolyte.data.io.formats.naming import elements_of
from vitrolyte.data.io.formats.options import ReadOptions
from vitrolyte.data.io.formats.text_file import whole_lines

TOPOLOGIES = (".pdb", ".gro")


def topology_species(path: Path, options: ReadOptions) -> tuple[str, ...]:
    """Return the element of each atom of a PDB or GRO file.

    A PDB file names elements in columns 77 and 78; where it does not, and in a GRO file, the
    names of atoms without their digits are taken, which the type map translates.

    Raises
    ------
    InputError
        If there are no atoms or an element is unknown.
    """
    first_bytes(path)
    lines = [line.decode(errors="replace") for line in whole_lines(path)]
    labels = _of_pdb(lines) if path.suffix.lower() == ".pdb" else _of_gro(lines)
    if not labels:
        raise InputError(f"{path} must name atoms", received="none")
    return elements_of(labels, options.elements)[0]


def _of_pdb(lines: list[str]) -> list[str]:
    end = next((i for i, line in enumerate(lines) if line.startswith("ENDMDL")), len(lines))
    atoms = [line for line in lines[:end] if line.startswith(("ATOM", "HETATM"))]
    return [line[76:78].strip() or _bare(line[12:16]) for line in atoms]


def _of_gro(lines: list[str]) -> list[str]:
    count = lines[1].strip() if len(lines) > 1 else ""
    if not count.isdigit() or len(count) > 12 or len(lines) < 2 + int(count):
        return []
    return [_bare(line[10:15]) for line in lines[2 : 2 + int(count)]]


def _bare(name: str) -> str:
    return name.strip().strip("0123456789")
