"""A potential: what it covers, how LAMMPS evaluates it, how far it may be trusted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from vitrolyte.potentials.card import TrustCard

Kind = Literal["student", "teacher", "classical"]


@dataclass(frozen=True)
class LammpsPair:
    """How LAMMPS evaluates a potential.

    Attributes
    ----------
    units, atom_style
        The LAMMPS unit system and atom style that the commands expect.
    files
        Files to be copied or linked into the run folder.
    commands
        ``pair_style`` and ``pair_coeff`` lines; file names are relative to the run folder and
        ``{elements}`` stands for the element symbols in the order of the run's atom types.
        Lines that name atom types by number use the order of `Potential.elements`; the engine
        therefore numbers its types in that order.
    """

    units: Literal["metal"]
    atom_style: Literal["atomic", "charge"]
    files: tuple[Path, ...]
    commands: tuple[str, ...]


@dataclass(frozen=True)
class Potential:
    """Energies and forces of a set of elements, with the range in which they were tested.

    Attributes
    ----------
    name, kind
        Name on the shelf; distilled student, universal teacher, or classical.
    elements
        Every element covered, in the order of LAMMPS atom types 1, 2, 3 ...
    lammps
        How LAMMPS evaluates it; ``None`` for a teacher.
    safe_distances
        ``"Li-O": Å``: a run in which this pair comes closer has left the range of the potential.
    timestep_fs
        Largest time step shown stable, fs.
    card
        Trust figures on frames never trained on; ``None`` where none were measured.
    citations
        DOIs or references to cite when the potential is used.
    digest
        sha256 over its files: part of the origin of whatever is computed with it.
    """

    name: str
    kind: Kind
    elements: tuple[str, ...]
    lammps: LammpsPair | None
    safe_distances: Mapping[str, float]
    timestep_fs: float
    card: TrustCard | None
    citations: tuple[str, ...]
    digest: str

    def covers(self, elements: tuple[str, ...]) -> bool:
        """Say whether every one of these elements is within the potential's chemistry."""
        return set(elements) <= set(self.elements)
