"""Molecular dynamics by LAMMPS: one order in, one finished run out, whatever happens between."""

from __future__ import annotations

import dataclasses
import logging
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from vitrolyte.data.io.files import write_text
from vitrolyte.data.io.lammps_data import data_text, restrict
from vitrolyte.data.io.lammps_frame import RawFrame, parse_frame
from vitrolyte.data.io.lammps_log import ThermoRow, thermo_rows
from vitrolyte.data.trajectory import Frames
from vitrolyte.simulate.folder import RunFolder, sole_worker
from vitrolyte.simulate.order import Launch, Order, Run
from vitrolyte.simulate.process import LOG, SCRIPT, Engine, engine, failure
from vitrolyte.simulate.script import FRAMES, START, copy_files, run_script, types_of
from vitrolyte.simulate.shells import shells_of, with_velocities
from vitrolyte.simulate.watch import Watch, watch

Progress = Callable[[float, float], None]

_LOOK_EVERY_S = 0.2
_BLOCK_FRAMES = 64
_CHECKPOINT_EVERY_S = 0.5

log = logging.getLogger(__name__)


def run(order: Order, launch: Launch | None = None, *, progress: Progress | None = None) -> Run:
    """Carry out one segment, or go on with it where an earlier call was cut off.

    Frames and state rows are stored while LAMMPS runs and watched one by one. A call after a kill
    at any moment goes on from the last checkpoint and leaves the same set of frames; a finished
    folder is read and not run again.

    Parameters
    ----------
    order
        Structure, potential, segment, seed, limits and folder.
    launch
        How processes are started; one process by the installed ``mpiexec`` where left out.
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
        If LAMMPS failed; keeps its folder and the end of its log.
    StorageError
        If the disk is full or the folder is read-only or busy.
    MachineError
        If LAMMPS, the MPI library or the launcher is missing.
    InputError
        If the folder belongs to another order.

    References
    ----------
    Thompson et al., Comput. Phys. Commun. 271, 108171 (2022), doi:10.1016/j.cpc.2021.108171.
    """
    folder = RunFolder(order)
    if folder.is_finished():
        return folder.result()
    with sole_worker(order.folder) as lock:
        if not folder.is_finished():
            _carry_out(folder, launch or Launch(), lock=lock, progress=progress)
    return folder.result()


def _carry_out(folder: RunFolder, launch: Launch, *, lock: int, progress: Progress | None) -> None:
    watcher = watch(folder.order)
    restart = _prepare(folder, watcher)
    intake = Intake(folder, watcher, first_step=restart)
    with engine(folder.path, launch, keep_open=(lock,)) as running:
        _follow(running, intake, progress)
    folder.finish(intake.last_frame())


def _prepare(folder: RunFolder, watcher: Watch) -> int | None:
    order = folder.order
    start, _ = restrict(order.structure)
    if order.segment.velocities:
        start = dataclasses.replace(start, velocities=None)
    frame = start.read()
    watcher.frame(frame.positions[0], frame.cells[0], 0.0)
    restart = folder.rewind()
    if order.has_shells and order.segment.velocities:
        start = with_velocities(start, order.segment.temperature_K, seed=order.seed)
    tilted = order.segment.ensemble == "npt" and order.segment.cell == "triclinic"
    write_text(folder.path / START, data_text(start, types_of(order.potential), tilted=tilted))
    copy_files(order.pair, folder.path)
    script = run_script(order, restart=restart, checkpoint_steps=folder.checkpoint_steps)
    write_text(folder.path / SCRIPT, script)
    log.info("%s: %s", folder.path, "starting" if restart is None else f"on from step {restart}")
    return restart


def _follow(running: Engine, intake: Intake, progress: Progress | None) -> None:
    ended, more = False, False
    try:
        while not ended or more:
            ended = running.wait(0.0 if more else _LOOK_EVERY_S)
            more = intake.take(ended=ended)
            if progress is not None:
                progress(*intake.progress)
    finally:
        intake.store_frames()
    running.require_success()


class Intake:
    """Takes in what LAMMPS writes, watches it, stores it, and accepts checkpoints.

    A checkpoint counts when its restart file is whole and all frames and rows up to it are on
    disk. Frames are stored in whole chunks where possible, since a chunk is written anew each time.
    """

    def __init__(self, folder: RunFolder, watcher: Watch, *, first_step: int | None) -> None:
        segment = folder.order.segment
        self._folder = folder
        self._watch = watcher
        self._segment = segment
        # LAMMPS writes the frame and row of the restart itself once more
        self._next_step = 0 if first_step is None else first_step + segment.frame_steps
        self._row_step = -1 if first_step is None else first_step
        self._log_place = 0
        self._waiting: list[RawFrame] = []
        self._unaccepted: list[int] = []
        self._last: RawFrame | None = None
        order = folder.order
        self._shells = shells_of(order.structure.species, types_of(order.potential))
        self._checkpoint_s = time.monotonic()

    @property
    def progress(self) -> tuple[float, float]:
        """Return (time done, time in all), ps."""
        return (
            self._folder.time_ps(max(0, self._row_step)),
            self._folder.time_ps(self._segment.steps),
        )

    def take(self, *, ended: bool) -> bool:
        """Take in what is new, at most a block of frames, and say whether there may be more.

        Raises
        ------
        Breach
            From a watcher.
        StorageError
            If a frame on disk is damaged, as when the disk is full.
        """
        self._take_rows()
        taken = 0
        while taken < _BLOCK_FRAMES and (frame := self._next_frame(ended)) is not None:
            self._take_frame(frame)
            taken += 1
        self._accept()
        return taken == _BLOCK_FRAMES

    def _take_rows(self) -> None:
        new = [row for row in thermo_rows(self._new_lines()) if row.step > self._row_step]
        kept: list[ThermoRow] = []
        try:
            for row in new:
                if row.step % self._segment.thermo_steps == 0:
                    self._watch.row(row, self._folder.time_ps(row.step))
                    kept.append(row)
        finally:
            if kept:
                self._folder.add_rows(kept)
                self._row_step = kept[-1].step

    def _new_lines(self) -> list[str]:
        try:
            with (self._folder.path / LOG).open("rb") as stream:
                stream.seek(self._log_place)
                text = stream.read()
        except FileNotFoundError:
            return []
        whole = text.rfind(b"\n") + 1
        self._log_place += whole
        return text[:whole].decode("utf-8", errors="replace").splitlines()

    def _frame_file(self, step: int) -> Path:
        return self._folder.path / FRAMES / f"{step}.bin"

    def _next_frame(self, ended: bool) -> RawFrame | None:
        path = self._frame_file(self._next_step)
        if not path.exists():
            return None
        frame = parse_frame(path.read_bytes())
        later = self._frame_file(self._next_step + self._segment.frame_steps)
        if frame is None and (ended or later.exists()):
            raise failure(self._folder.path, f"a damaged frame {path.name}")
        return None if frame is None else self._shells.moving(frame)

    def _take_frame(self, frame: RawFrame) -> None:
        self._last = frame
        self._next_step = frame.step + self._segment.frame_steps
        self._waiting.append(frame)
        self._frame_file(frame.step).unlink()
        time_ps = self._folder.time_ps(frame.step)
        self._watch.frame(frame.values[:, :3], frame.cell, time_ps)
        if self._may_be_checkpoint(frame.step):
            self.store_frames()
            self._unaccepted.append(frame.step)
            self._checkpoint_s = time.monotonic()
        elif len(self._waiting) >= _BLOCK_FRAMES:
            self.store_frames()

    def _may_be_checkpoint(self, step: int) -> bool:
        long_ago = time.monotonic() - self._checkpoint_s > _CHECKPOINT_EVERY_S
        return long_ago and step % self._folder.checkpoint_steps == 0

    def store_frames(self) -> None:
        """Append the frames in hand to the store."""
        frames, self._waiting = self._waiting, []
        if not frames:
            return
        speeds = self._segment.store_velocities
        block = Frames(
            start=frames[0].step // self._segment.frame_steps,
            times=np.array([self._folder.time_ps(frame.step) for frame in frames]),
            cells=np.stack([frame.cell for frame in frames]),
            positions=np.stack([frame.values[:, :3] for frame in frames]),
            velocities=np.stack([frame.values[:, 3:] for frame in frames]) if speeds else None,
        )
        self._folder.store.append(block)

    def _accept(self) -> None:
        ready = [
            step
            for step in self._unaccepted
            if step <= self._row_step and self._folder.restart_is_whole(step)
        ]
        if ready:
            self._folder.accept(max(ready))
            self._unaccepted = [step for step in self._unaccepted if step > max(ready)]

    def last_frame(self) -> RawFrame:
        """Return the frame of the last step.

        Raises
        ------
        EngineError, StorageError
            If it, or a state row, never came.
        """
        steps = self._segment.steps
        if self._last is None or self._last.step != steps or self._row_step != steps:
            raise failure(self._folder.path, f"no complete output up to step {steps}")
        return self._last
