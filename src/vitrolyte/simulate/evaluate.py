"""Single points and relaxations: structures in, energies, forces and stresses out."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vitrolyte.data.errors import InputError, NotConverged
from vitrolyte.data.io.files import storage, write_text
from vitrolyte.data.io.lammps_data import Orientation, data_text, restrict
from vitrolyte.data.io.lammps_frame import FORCE_COLUMNS, RawFrame, parse_frame
from vitrolyte.data.trajectory import Trajectory, structure
from vitrolyte.data.units import BAR_TO_GPA
from vitrolyte.potentials.potential import Potential
from vitrolyte.simulate.folder import sole_worker
from vitrolyte.simulate.order import Evaluation, Launch, lammps_pair, require_covered
from vitrolyte.simulate.process import SCRIPT, complete, failure
from vitrolyte.simulate.script import copy_files, system_lines, types_of
from vitrolyte.simulate.shells import settle_lines, shells_of
from vitrolyte.simulate.watch import lonely_atom, pod_cutoff

Floats = NDArray[np.float64]

_ENERGIES = "energies.txt"
_STATE = ("pe", "pxx", "pyy", "pzz", "pxy", "pxz", "pyz")
_RELAXED_COLUMNS = ("id", "xu", "yu", "zu", "fx", "fy", "fz")
_ROUNDS = 8
_LARGEST_FORCE = 0.01
_LARGEST_STRESS = 0.05
_STATIC_ACCURACY = 1e-7


@dataclass(frozen=True, eq=False)
class Relaxation:
    """A relaxed structure, in the orientation of the one that came in, and its evaluation."""

    structure: Trajectory
    evaluation: Evaluation


def evaluate(
    structures: Sequence[Trajectory],
    potential: Potential,
    *,
    folder: Path,
    launch: Launch | None = None,
) -> tuple[Evaluation, ...]:
    """Return energy, forces and stress of each structure, all from one LAMMPS process.

    Shells are at rest around their cores: what is returned belongs to the atoms alone.

    Parameters
    ----------
    structures
        Their last frames count; sizes, cells and compositions may differ.
    potential
        Must cover every element.
    folder
        Where LAMMPS may work; its files are removed when all went well.
    launch
        How processes are started; one process where left out.

    Raises
    ------
    InputError
        If the potential does not cover a structure.
    EngineError, StorageError, MachineError
        As for a run.
    """
    if not structures:
        return ()
    with _workplace(structures, potential, folder) as place:
        turned = [restrict(crystal) for crystal in structures]
        lines: list[str] = []
        for number, (restricted, _) in enumerate(turned):
            text = data_text(restricted, types_of(potential), tilted=False)
            write_text(place / _data(number), text)
            lines += _point(potential, number)
        write_text(place / SCRIPT, "\n".join(lines) + "\n")
        complete(place, launch or Launch())
        states = _states(place, len(structures))
        frames = [_frame(place, number, len(FORCE_COLUMNS)) for number in range(len(states))]
    types = types_of(potential)
    return tuple(
        _evaluation(state, shells_of(one.species, types).forces(frame.values), orientation)
        for state, frame, (one, orientation) in zip(states, frames, turned, strict=True)
    )


def relax(
    crystal: Trajectory,
    potential: Potential,
    *,
    folder: Path,
    launch: Launch | None = None,
    cell: bool = True,
    pressure_GPa: float = 0.0,
) -> Relaxation:
    """Return the nearby minimum of the enthalpy, positions and all six numbers of the cell.

    Parameters
    ----------
    crystal
        Its last frame counts.
    potential, folder, launch
        As for `evaluate`.
    cell
        Whether the cell relaxes too, against ``pressure_GPa``.

    Raises
    ------
    NotConverged
        If a force stays above 0.01 eV/Å or a stress more than 0.05 GPa off.
    InputError, EngineError, StorageError, MachineError
        As for `evaluate`.
    """
    with _workplace([crystal], potential, folder) as place:
        restricted, orientation = restrict(crystal)
        text = data_text(restricted, types_of(potential), tilted=cell)
        write_text(place / _data(0), text)
        lines = list(_relaxation(potential, pressure_GPa if cell else None))
        write_text(place / SCRIPT, "\n".join(lines) + "\n")
        complete(place, launch or Launch())
        frame = _frame(place, 0, len(_RELAXED_COLUMNS))
        shells = shells_of(crystal.species, types_of(potential))
        forces = shells.forces(frame.values[:, 3:])
        found = _evaluation(_states(place, 1)[0], forces, orientation)
        _require_minimum(found, pressure_GPa if cell else None)
    relaxed = structure(
        crystal.species,
        orientation.restore(shells.positions(frame.values[:, :3])),
        orientation.restore_cell(frame.cell),
    )
    return Relaxation(relaxed, found)


@contextlib.contextmanager
def _workplace(
    structures: Sequence[Trajectory], potential: Potential, folder: Path
) -> Iterator[Path]:
    pair = lammps_pair(potential)
    reach = pod_cutoff(pair)
    for crystal in structures:
        require_covered(crystal, potential)
        _require_neighbours(crystal, reach)
    with sole_worker(folder):
        place = folder / "evaluation"
        with storage(folder):
            shutil.rmtree(place, ignore_errors=True)
            place.mkdir()
        copy_files(pair, place)
        yield place
        shutil.rmtree(place, ignore_errors=True)


def _require_neighbours(crystal: Trajectory, reach: float | None) -> None:
    if reach is None:
        return
    frame = crystal.frame(-1).read()
    alone = lonely_atom(frame.positions[0], frame.cells[0], reach=reach, least=2)
    if alone is not None:
        raise InputError(
            f"Every atom of a POD needs 2 neighbours within {reach} Å",
            received=f"fewer around {crystal.species[alone]} {alone}",
            remedy="compress the structure or choose another potential",
        )


def _data(number: int) -> str:
    return f"{number}.data"


def _point(potential: Potential, number: int) -> Iterator[str]:
    yield "clear"
    yield from _system(potential, number)
    if lammps_pair(potential).shells:
        yield from settle_lines()
    yield f"thermo_style custom step {' '.join(_STATE)}"
    yield "thermo_modify norm no"
    yield "run 0 post no"
    yield from _output(number, FORCE_COLUMNS)


def _system(potential: Potential, number: int) -> Iterator[str]:
    yield from map(_static, system_lines(potential, f"read_data {_data(number)}"))
    if any(line.startswith("kspace_style") for line in lammps_pair(potential).commands):
        yield "pair_modify table 0"


def _static(line: str) -> str:
    """Sum charges so well that forces are gradients: a mesh, or a coarse sum, stalls a search."""
    words = line.split()
    if words[0] != "kspace_style" or words[1] not in ("pppm", "ewald"):
        return line
    return f"kspace_style ewald {min(float(words[2]), _STATIC_ACCURACY)!r}"


def _output(number: int, columns: tuple[str, ...]) -> Iterator[str]:
    values = " ".join(f"$({name}:%.17g)" for name in _STATE)
    yield f'print "{values}" append {_ENERGIES} screen no'
    yield f"write_dump all custom {number}.bin {' '.join(columns)}"


def _relaxation(potential: Potential, pressure_GPa: float | None) -> Iterator[str]:
    yield from _system(potential, 0)
    yield f"thermo_style custom step {' '.join(_STATE)}"
    yield "thermo_modify norm no"
    minimise = "minimize 0.0 1.0e-4 2000 20000"
    yield minimise
    # the box is measured against its start and its line search stalls away from a minimum of the
    # positions, so box and positions take turns: https://docs.lammps.org/fix_box_relax.html
    if pressure_GPa is not None:
        box = f"fix cell all box/relax tri {pressure_GPa / BAR_TO_GPA!r} vmax 0.002"
        for _ in range(_ROUNDS):
            yield from (box, minimise, "unfix cell", minimise)
    yield "run 0 post no"
    yield from _output(0, _RELAXED_COLUMNS)


def _states(place: Path, count: int) -> list[list[float]]:
    path = place / _ENERGIES
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    if len(lines) != count:
        raise failure(place, f"{len(lines)} of {count} structures evaluated")
    return [[float(word) for word in line.split()] for line in lines]


def _frame(place: Path, number: int, columns: int) -> RawFrame:
    path = place / f"{number}.bin"
    frame = parse_frame(path.read_bytes(), columns=columns) if path.exists() else None
    if frame is None:
        raise failure(place, f"no complete output for structure {number}")
    return frame


def _evaluation(state: list[float], forces: Floats, orientation: Orientation) -> Evaluation:
    energy, xx, yy, zz, xy, xz, yz = state
    pressure = np.array([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]]) * BAR_TO_GPA
    return Evaluation(
        energy=energy,
        forces=orientation.restore(forces),
        stress=-orientation.restore_tensor(pressure),
    )


def _require_minimum(found: Evaluation, pressure_GPa: float | None) -> None:
    force = float(np.linalg.norm(found.forces, axis=1).max())
    off = 0.0
    if pressure_GPa is not None:
        off = float(np.abs(found.stress + pressure_GPa * np.eye(3)).max())
    if force > _LARGEST_FORCE or off > _LARGEST_STRESS:
        raise NotConverged(
            f"A relaxation must end with forces below {_LARGEST_FORCE} eV/Å and stresses within "
            f"{_LARGEST_STRESS} GPa of the target",
            received=f"{force:.3g} eV/Å, {off:.3g} GPa off",
            remedy="start from a structure nearer to a minimum",
        )
