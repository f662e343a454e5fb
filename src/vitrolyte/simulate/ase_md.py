"""Molecular dynamics by a teacher: one order in, one finished run out, as with LAMMPS.

The teacher answers with energy, forces and stress behind its pipe; the equations of motion are
solved here, so that whatever the next step depends on can be written down and read again.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from vitrolyte.data.elements import masses
from vitrolyte.data.errors import Breach, EngineError, InputError
from vitrolyte.data.io.files import storage
from vitrolyte.data.io.lammps_data import restrict
from vitrolyte.data.io.lammps_frame import RawFrame
from vitrolyte.data.io.lammps_log import ThermoRow
from vitrolyte.data.trajectory import Frames
from vitrolyte.data.units import BOLTZMANN_EV_PER_K, EV_PER_A3_TO_GPA
from vitrolyte.potentials.teacher import Label, Snapshot, Teacher, TeacherSpec
from vitrolyte.potentials.teacher_catalogue import with_threads
from vitrolyte.simulate.ase_md_motion import (
    State,
    as_arrays,
    at_rest,
    drawn_velocities,
    from_arrays,
    kinetic_energy,
    kinetic_tensor,
    motion_of,
)
from vitrolyte.simulate.folder import RunFolder, sole_worker
from vitrolyte.simulate.order import Launch, Order, Run
from vitrolyte.simulate.script import RESTART
from vitrolyte.simulate.watch import Watch, watch

Floats = NDArray[np.float64]
Progress = Callable[[float, float], None]

CHECKPOINT_EVERY_S = 2.0
_BLOCK_FRAMES = 64
_REFUSED = "refused"
_UNFINISHED = "unfinished."

log = logging.getLogger(__name__)


def run(order: Order, launch: Launch | None = None, *, progress: Progress | None = None) -> Run:
    """Carry out one segment with a teacher, or go on with it where an earlier call was cut off.

    Frames, state rows, watchers, checkpoints and the folder are those of `simulate.lammps.run`;
    ensembles and damping times are the same too. A checkpoint holds all that the next step depends
    on in double precision: a call after a kill at any moment leaves the very frames that an
    undisturbed run leaves, as long as the teacher answers alike.

    Parameters
    ----------
    order
        Structure, potential, segment, seed, limits and folder.
    launch
        ``processes`` is the number of threads of a teacher that leaves them open.
    progress
        Called with (time done, time in all), ps.

    Returns
    -------
    Run
        Trajectory (restricted orientation, Å, ps), state in time, last frame with velocities.

    Raises
    ------
    Breach
        If a watcher stopped the run; says which atoms and when.
    EngineError
        If the teacher failed twice at one structure, which is saved in the folder.
    StorageError
        If the disk is full or the folder is read-only or busy.
    InputError
        If the folder belongs to another order, or the potential is no teacher.

    References
    ----------
    Martyna et al., Mol. Phys. 87, 1117 (1996), doi:10.1080/00268979600100761.
    """
    folder = RunFolder(order)
    if folder.is_finished():
        return folder.result()
    spec = with_threads(_teacher(order), (launch or Launch()).processes)
    with sole_worker(order.folder):
        if not folder.is_finished():
            _carry_out(folder, spec, progress)
    return folder.result()


def _teacher(order: Order) -> TeacherSpec:
    if order.potential.teacher is None:
        raise InputError(
            "Molecular dynamics by a teacher needs a potential with one",
            received=f"{order.potential.name}, a {order.potential.kind}",
            remedy="let LAMMPS run it",
        )
    return order.potential.teacher


def _carry_out(folder: RunFolder, spec: TeacherSpec, progress: Progress | None) -> None:
    watcher = watch(folder.order)
    start, _ = restrict(folder.order.structure)
    first = start.read()
    watcher.frame(first.positions[0], first.cells[0], 0.0)
    step = folder.rewind()
    for leftover in folder.path.glob(f"{_UNFINISHED}*"):
        leftover.unlink()
    log.info("%s: %s", folder.path, "starting" if step is None else f"on from step {step}")
    with Teacher(spec, failures=folder.path / _REFUSED) as teacher:
        course = Course(folder, watcher, teacher)
        state = course.begin() if step is None else read_checkpoint(folder, step)
        state = course.follow(state, progress)
    folder.finish(raw_frame(state))


def checkpoint_path(folder: RunFolder, step: int) -> Path:
    """Return where the checkpoint of a step lies."""
    return folder.path / f"{RESTART}.{step}"


def read_checkpoint(folder: RunFolder, step: int) -> State:
    """Return the state that a checkpoint holds."""
    with np.load(checkpoint_path(folder, step), allow_pickle=False) as stored:
        return from_arrays({name: stored[name] for name in stored.files})


def write_checkpoint(folder: RunFolder, state: State) -> None:
    """Write a state whole or not at all, and make it the one to go on from.

    Raises
    ------
    StorageError
        If the disk is full.
    """
    path = checkpoint_path(folder, state.step)
    unfinished = path.with_name(f"{_UNFINISHED}{path.name}")
    with storage(path), unfinished.open("wb") as stream:
        np.savez(stream, **as_arrays(state))  # type: ignore[arg-type]
        stream.flush()
        os.fsync(stream.fileno())
    with storage(path):
        unfinished.replace(path)
    folder.accept(state.step)


def raw_frame(state: State) -> RawFrame:
    """Return positions, velocities and cell of a state as one frame."""
    return RawFrame(state.step, state.cell, np.hstack([state.positions, state.velocities]))


class Course:
    """One segment on its way: moves the atoms, watches, stores, and accepts checkpoints."""

    def __init__(self, folder: RunFolder, watcher: Watch, teacher: Teacher) -> None:
        order = folder.order
        self._folder = folder
        self._watch = watcher
        self._teacher = teacher
        self._order = order
        self._masses = masses(order.structure.species)
        self._motion = motion_of(order.segment, self._masses, self._forces)
        self._waiting: list[State] = []
        self._checkpoint_s = time.monotonic()
        self._time_ps = 0.0

    def begin(self) -> State:
        """Return the state at time zero, which is the first frame and row."""
        start, _ = restrict(self._order.structure)
        first = start.read()
        state = self._motion.start(first.positions[0], first.cells[0], self._velocities())
        self._record(state)
        return state

    def follow(self, state: State, progress: Progress | None) -> State:
        """Go on to the end of the segment and return the last state.

        Raises
        ------
        Breach
            From a watcher.
        EngineError, StorageError
            From the teacher, or the disk.
        """
        segment = self._order.segment
        try:
            while state.step < segment.steps:
                self._time_ps = self._folder.time_ps(state.step + 1)
                state = self._motion.advance(state)
                self._record(state)
                if progress is not None and state.step % segment.thermo_steps == 0:
                    progress(self._time_ps, self._folder.time_ps(segment.steps))
        finally:
            self._store()
        return state

    def _velocities(self) -> Floats:
        segment = self._order.segment
        if segment.velocities:
            return drawn_velocities(self._masses, segment.temperature_K, self._order.seed)
        start, _ = restrict(self._order.structure)
        given = start.read().velocities
        assert given is not None  # an order makes sure of it
        return given[0] if segment.ensemble == "nve" else at_rest(given[0], self._masses)

    def _forces(self, positions: Floats, cell: Floats) -> Label:
        try:
            return self._teacher.label(Snapshot(self._order.structure.species, positions, cell))
        except EngineError as fault:
            self._explain(fault, positions, cell)

    def _explain(self, fault: EngineError, positions: Floats, cell: Floats) -> NoReturn:
        """Raise a breach where atoms are where they cannot be, else what the teacher said."""
        try:
            self._watch.frame(positions, cell, self._time_ps)
        except Breach as breach:
            raise breach from fault
        raise EngineError(
            fault.required,
            received=fault.received,
            remedy=fault.remedy,
            folder=self._folder.path,
            log_tail=fault.log_tail,
        ) from fault

    # -- what is kept ---------------------------------------------------------------------------

    def _record(self, state: State) -> None:
        segment = self._order.segment
        time_ps = self._folder.time_ps(state.step)
        if state.step % segment.thermo_steps == 0:
            row = self._row(state)
            self._watch.row(row, time_ps)
            self._folder.add_rows([row])
        if state.step % segment.frame_steps == 0:
            self._waiting.append(state)
            self._watch.frame(state.positions, state.cell, time_ps)
            if len(self._waiting) >= _BLOCK_FRAMES:
                self._store()
        if time.monotonic() - self._checkpoint_s > CHECKPOINT_EVERY_S:
            self._store()
            write_checkpoint(self._folder, state)
            self._checkpoint_s = time.monotonic()

    def _row(self, state: State) -> ThermoRow:
        kinetic = kinetic_energy(state.velocities, self._masses)
        tensor = kinetic_tensor(state.velocities, self._masses) / state.volume - state.stress
        pressure = float(np.trace(tensor)) / 3
        return ThermoRow(
            step=state.step,
            temperature=2 * kinetic / (self._motion.freedom * BOLTZMANN_EV_PER_K),
            pressure=pressure * EV_PER_A3_TO_GPA,
            volume=state.volume,
            potential_energy=state.energy,
            kinetic_energy=kinetic,
            enthalpy=state.energy + kinetic + pressure * state.volume,
        )

    def _store(self) -> None:
        states, self._waiting = self._waiting, []
        if not states:
            return
        speeds = self._order.segment.store_velocities
        block = Frames(
            start=states[0].step // self._order.segment.frame_steps,
            times=np.array([self._folder.time_ps(state.step) for state in states]),
            cells=np.stack([state.cell for state in states]),
            positions=np.stack([state.positions for state in states]),
            velocities=np.stack([state.velocities for state in states]) if speeds else None,
        )
        self._folder.store.append(block)
