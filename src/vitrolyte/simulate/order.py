"""What goes into an engine and what comes out."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vitrolyte.data.errors import InputError
from vitrolyte.data.origin import content_id
from vitrolyte.data.trajectory import Trajectory
from vitrolyte.potentials.potential import LammpsPair, Potential
from vitrolyte.simulate.schedule import Segment

Floats = NDArray[np.float64]

LARGEST_SEED = 2**31 - 1


@dataclass(frozen=True)
class Limits:
    """The bounds of physical ground; a run that leaves them is stopped.

    Attributes
    ----------
    volume_ratio
        Smallest and largest volume relative to the start of the segment.
    temperature_ratio
        Smallest and largest temperature relative to the target at that time.
    safe_distances
        ``"Li-O": Å``; None takes those of the potential.
    """

    volume_ratio: tuple[float, float] = (0.7, 1.6)
    temperature_ratio: tuple[float, float] = (0.2, 2.5)
    safe_distances: Mapping[str, float] | None = None


@dataclass(frozen=True)
class Launch:
    """How the engine's processes are started on this machine.

    Attributes
    ----------
    processes
        Number of MPI processes.
    command
        Launcher before the engine; ``{processes}`` stands for that number. A first word
        ``mpiexec`` means the one installed with this package; on a cluster
        ``("srun", "-n", "{processes}")`` or what its guide says.
    """

    processes: int = 1
    command: tuple[str, ...] = ("mpiexec", "-n", "{processes}")

    def __post_init__(self) -> None:
        if self.processes < 1 or not self.command:
            raise InputError(
                "A launch needs a command and at least one process",
                received=f"{self.processes} processes, command {self.command}",
            )


@dataclass(frozen=True, eq=False)
class Order:
    """One segment to be run from one structure with one potential in one folder.

    Attributes
    ----------
    structure
        The last frame counts; its velocities go on where the segment draws none.
    potential, segment, limits
        What acts, what is done, and where to stop.
    seed
        Of the velocities drawn; 1 to 2147483647.
    folder
        Where the engine works and the trajectory stays; its own, made if need be.

    Raises
    ------
    InputError
        If the potential cannot serve the structure, or the structure the segment.
    """

    structure: Trajectory
    potential: Potential
    segment: Segment
    seed: int
    folder: Path
    limits: Limits = field(default_factory=Limits)

    def __post_init__(self) -> None:
        require_covered(self.structure, self.potential)
        if not 1 <= self.seed <= LARGEST_SEED:
            raise InputError(f"A seed from 1 to {LARGEST_SEED} is needed", received=f"{self.seed}")
        if self.segment.timestep_fs > self.potential.timestep_fs * (1 + 1e-9):
            raise InputError(
                f"The potential {self.potential.name} was shown stable up to a time step of "
                f"{self.potential.timestep_fs} fs",
                received=f"{self.segment.timestep_fs} fs in segment {self.segment.name!r}",
                remedy=f"give timestep_fs = {self.potential.timestep_fs} or less",
            )
        if not self.segment.velocities and self.structure.velocities is None:
            raise InputError(
                f"Segment {self.segment.name!r} goes on with the velocities of its structure",
                received="a structure without velocities",
                remedy="set velocities = true in the first segment",
            )

    @property
    def pair(self) -> LammpsPair:
        """Return how LAMMPS evaluates the potential."""
        return lammps_pair(self.potential)

    @property
    def has_shells(self) -> bool:
        """Say whether any atom of the structure is a core with a shell."""
        return bool(set(self.pair.shells) & set(self.structure.species))

    @property
    def safe_distances(self) -> Mapping[str, float]:
        """Return the distances below which a pair has left the potential's range, Å."""
        own = self.limits.safe_distances
        return self.potential.safe_distances if own is None else own

    @property
    def id(self) -> str:
        """Return the content id of what is run; folder and limits are not part of it."""
        last = self.structure.frame(-1).read()
        return content_id(
            {
                "species": list(self.structure.species),
                "cell": last.cells[0].tolist(),
                "positions": last.positions[0].tolist(),
                "velocities": None if last.velocities is None else last.velocities[0].tolist(),
                "potential": [self.potential.name, self.potential.digest],
                "segment": asdict(self.segment),
                "seed": self.seed,
            }
        )


def require_covered(crystal: Trajectory, potential: Potential) -> None:
    """Raise unless the potential covers every element, and the structure is finite and neutral.

    Raises
    ------
    InputError
        Naming the elements that are not covered, or the charge that is left over.
    """
    elements = tuple(sorted(set(crystal.species)))
    if not potential.covers(elements):
        raise InputError(
            f"The potential {potential.name} covers {' '.join(potential.elements)}",
            received=f"a structure of {' '.join(elements)}",
            remedy="choose a potential that covers these elements",
        )
    last = crystal.frame(-1).read()
    if not (np.isfinite(last.positions).all() and np.isfinite(last.cells).all()):
        raise InputError("A structure needs finite positions and cell", received="nan or infinity")
    if potential.lammps is not None and potential.lammps.charges:
        _require_neutral(crystal.species, potential)


def _require_neutral(species: tuple[str, ...], potential: Potential) -> None:
    charges = lammps_pair(potential).charges
    counts = Counter(species)
    total = math.fsum(counts[element] * charges[element] for element in counts)
    # charges are written with few digits: a millionth of a charge an ion is rounding
    if abs(total) > 1e-6 * len(species):
        listed = ", ".join(
            f"{n} {element} of {charges[element]:+g}" for element, n in counts.items()
        )
        raise InputError(
            f"The charges of the potential {potential.name} need a neutral cell",
            received=f"{total:+.4g} e in all ({listed})",
            remedy="complete the formula, or take out neutral units such as LiCl together",
        )


def lammps_pair(potential: Potential) -> LammpsPair:
    """Return how LAMMPS evaluates a potential.

    Raises
    ------
    InputError
        If LAMMPS cannot: the potential is a teacher.
    """
    if potential.lammps is None:
        raise InputError(
            "LAMMPS needs a potential with LAMMPS commands",
            received=f"{potential.name}, a {potential.kind}",
            remedy="distil a student from it, or choose another potential",
        )
    return potential.lammps


@dataclass(frozen=True, eq=False)
class Thermo:
    """State of a run in time; every array is (n,).

    Attributes
    ----------
    times
        ps from the start of the segment.
    temperature, pressure, volume
        K, GPa, Å³.
    potential_energy, kinetic_energy, enthalpy
        eV of the whole cell; enthalpy = potential + kinetic + pressure x volume.
    """

    times: Floats
    temperature: Floats
    pressure: Floats
    volume: Floats
    potential_energy: Floats
    kinetic_energy: Floats
    enthalpy: Floats


@dataclass(frozen=True, eq=False)
class Run:
    """What a finished segment leaves.

    Attributes
    ----------
    trajectory
        Stored frames, the first at time zero, in the restricted (lower-triangular) orientation;
        positions unwrapped by whole vectors of each frame's own cell.
    thermo
        State at least every 0.1 ps.
    final
        Last frame with velocities, in double precision: the start of a next segment.
    """

    trajectory: Trajectory
    thermo: Thermo
    final: Trajectory


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Energy, forces and stress of one structure.

    Attributes
    ----------
    energy
        eV of the whole cell.
    forces
        (n_atoms, 3), eV/Å.
    stress
        (3, 3), GPa, tension positive; minus a third of its trace is the pressure.
    """

    energy: float
    forces: Floats
    stress: Floats

    @property
    def pressure(self) -> float:
        """Return the pressure, GPa."""
        return -math.fsum(np.diag(self.stress)) / 3
