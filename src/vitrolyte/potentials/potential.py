"""A potential: what it covers, how LAMMPS evaluates it, how far it may be trusted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from vitrolyte.potentials.card import TrustCard
from vitrolyte.potentials.teacher import TeacherSpec

Kind = Literal["student", "teacher", "classical"]


@dataclass(frozen=True)
class Shell:
    """The shell of a polarisable ion: a light charge on a spring to the core (Dick and Overhauser).

    The spring stores ``k d² / 2`` at a distance d between core and shell.

    Attributes
    ----------
    charge
        Of the shell, e; the core carries the rest of the ion's charge.
    spring_eV_A2
        k, eV/Å².
    mass_fraction
        Share of the ion's mass that moves with the shell; small, so that it follows at once
        (adiabatic treatment).

    References
    ----------
    Dick and Overhauser, Phys. Rev. 112, 90 (1958), doi:10.1103/PhysRev.112.90.
    Mitchell and Fincham, J. Phys.: Condens. Matter 5, 1031 (1993), doi:10.1088/0953-8984/5/8/006.
    """

    charge: float
    spring_eV_A2: float
    mass_fraction: float


@dataclass(frozen=True)
class LammpsPair:
    """How LAMMPS evaluates a potential.

    Attributes
    ----------
    units, atom_style
        The LAMMPS unit system and atom style that the commands expect; ``full`` with shells.
    files
        Files to be copied or linked into the run folder.
    commands
        ``pair_style`` and ``pair_coeff`` lines; file names are relative to the run folder and
        ``{elements}`` stands for the element symbols in the order of the run's atom types.
        Lines that name atom types by number use the order of `Potential.elements`; the engine
        therefore numbers its types in that order.
    charges
        Whole charge of an ion of each element, e; empty where the commands set them, or none act.
    shells
        Polarisable elements and their shells. Their types follow those of the elements, in the
        order of `Potential.elements`.
    """

    units: Literal["metal"]
    atom_style: Literal["atomic", "charge", "full"]
    files: tuple[Path, ...]
    commands: tuple[str, ...]
    charges: Mapping[str, float] = field(default_factory=dict)
    shells: Mapping[str, Shell] = field(default_factory=dict)


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
    teacher
        How the teacher is started; ``None`` for any other kind.
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
    teacher: TeacherSpec | None = None

    def covers(self, elements: tuple[str, ...]) -> bool:
        """Say whether every one of these elements is within the potential's chemistry."""
        return set(elements) <= set(self.elements)
