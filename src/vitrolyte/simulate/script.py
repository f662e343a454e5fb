"""LAMMPS input: the same few lines for every run, written from checked values only.

https://docs.lammps.org/Commands_all.html
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from vitrolyte.data.errors import InputError
from vitrolyte.data.io.files import storage
from vitrolyte.data.io.lammps_data import AtomTypes
from vitrolyte.data.io.lammps_frame import COLUMNS
from vitrolyte.data.io.lammps_log import KEYWORDS
from vitrolyte.data.units import BAR_TO_GPA
from vitrolyte.potentials.potential import LammpsPair, Potential
from vitrolyte.simulate import shells
from vitrolyte.simulate.order import Order, lammps_pair
from vitrolyte.simulate.schedule import Segment

START = "start.data"
FRAMES = "frames"
RESTART = "restart"

THERMOSTAT_STEPS = 100
BAROSTAT_STEPS = 1000
"""Damping times of the Nosé-Hoover chains in time steps, as https://docs.lammps.org/fix_nh.html
advises."""

SKIN_A = 2.0
_MOMENTUM_STEPS = 1000
_BOX = {"isotropic": "iso", "orthorhombic": "aniso", "triclinic": "tri"}

_ALLOWED = frozenset(
    {
        "pair_style",
        "pair_coeff",
        "pair_modify",
        "kspace_style",
        "kspace_modify",
        "set",
        "dielectric",
        "special_bonds",
    }
)
_PLAIN = re.compile(r"[A-Za-z0-9 _.,+\-*/:=]+")
_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+\-]*")


def types_of(potential: Potential) -> AtomTypes:
    """Return the atom types of a potential: its elements in order, then their shells."""
    return shells.types_of(potential, lammps_pair(potential))


def pair_lines(potential: Potential) -> list[str]:
    """Return the commands of a potential, with its elements filled in.

    Raises
    ------
    InputError
        If a line is more than the definition of a pair potential: such a line could start
        programs or write files.
    """
    lines = []
    for command in lammps_pair(potential).commands:
        line = command.replace("{elements}", " ".join(potential.elements)).strip()
        words = line.split()
        if not words or words[0] not in _ALLOWED or not _PLAIN.fullmatch(line):
            raise InputError(
                f"The potential {potential.name} may hold only {', '.join(sorted(_ALLOWED))}",
                received=repr(command),
            )
        lines.append(line)
    return lines


def copy_files(pair: LammpsPair, folder: Path) -> None:
    """Copy the files of a potential into a run folder.

    Raises
    ------
    InputError
        If a file is missing or its name could be taken for a command.
    StorageError
        If the folder cannot be written.
    """
    for path in pair.files:
        if not path.is_file() or not _FILE_NAME.fullmatch(path.name):
            raise InputError(
                "A potential needs its files, named with letters, digits and . _ + - only",
                received=str(path),
            )
        with storage(folder):
            shutil.copyfile(path, folder / path.name)


def system_lines(potential: Potential, read: str) -> Iterator[str]:
    """Yield the lines that set units, read the atoms and define the forces."""
    pair = lammps_pair(potential)
    yield "units metal"
    yield f"atom_style {pair.atom_style}"
    yield "boundary p p p"
    yield "box tilt large"
    yield read
    yield from pair_lines(potential)
    yield from shells.bond_lines(types_of(potential), pair)
    yield f"neighbor {SKIN_A} bin"
    yield "neigh_modify every 1 delay 0 check yes"


def thermo_lines(every: int) -> Iterator[str]:
    """Yield the lines that make LAMMPS write a state row every so many steps."""
    yield f"thermo_style custom {' '.join(KEYWORDS)}"
    yield "thermo_modify norm no flush yes lost error format float %.12g"
    yield f"thermo {every}"


def run_script(order: Order, *, restart: int | None, checkpoint_steps: int) -> str:
    """Return the input of one segment, from its start or from a restart.

    ``run N upto start 0 stop N`` keeps a temperature ramp where it was when a run goes on.

    Parameters
    ----------
    order
        What to run.
    restart
        Step of the restart file to go on from, or None for the start.
    checkpoint_steps
        Steps between two restart files.
    """
    segment = order.segment
    read = f"read_data {START}" if restart is None else f"read_restart {RESTART}.{restart}"
    lines = list(system_lines(order.potential, read))
    if restart is None:
        lines += _beginning(order)
    lines.append(f"timestep {segment.timestep_ps!r}")
    lines += shells.bias_lines() if order.has_shells else ()
    lines += _motion(segment, order.has_shells)
    lines += thermo_lines(segment.thermo_steps)
    lines += ["thermo_modify temp centres press squeeze"] if order.has_shells else ()
    lines.append(f"dump frames all custom {segment.frame_steps} {FRAMES}/*.bin {' '.join(COLUMNS)}")
    lines.append(f"restart {checkpoint_steps} {RESTART}.*")
    lines.append(f"run {segment.steps} upto start 0 stop {segment.steps}")
    return "\n".join(lines) + "\n"


def _beginning(order: Order) -> Iterator[str]:
    if order.has_shells:
        yield from shells.settle_lines()
    elif order.segment.velocities:
        drawn = f"{order.segment.temperature_K!r} {order.seed} mom yes rot no dist gaussian"
        yield f"velocity all create {drawn}"


def _motion(segment: Segment, has_shells: bool) -> Iterator[str]:
    if segment.ensemble == "nve":
        yield "fix motion all nve"
        return
    damping = THERMOSTAT_STEPS * segment.timestep_ps
    line = (
        f"fix motion all {segment.ensemble} temp {segment.temperature_K!r} "
        f"{segment.final_temperature_K!r} {damping!r}"
    )
    if segment.ensemble == "npt":
        pressure = segment.pressure_GPa / BAR_TO_GPA
        damping = BAROSTAT_STEPS * segment.timestep_ps
        line += f" {_BOX[segment.cell]} {pressure!r} {pressure!r} {damping!r}"
    yield line
    if has_shells:
        # the heat of shells against cores is not the thermostat's, but their motion has momentum
        yield "fix_modify motion temp centres" + (
            " press squeeze" if segment.ensemble == "npt" else ""
        )
    # rounding in long-range solvers lets the whole cell drift; it must not heat up
    yield f"fix still all momentum {_MOMENTUM_STEPS} linear 1 1 1"
