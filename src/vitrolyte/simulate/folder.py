"""The folder of one run: who may work in it, how far it is, and whether it is finished.

::

    order.json       what is run here
    trajectory.zarr  frames stored so far
    thermo.csv       state rows so far
    state.json       the checkpoint: step of the restart file up to which all of the above is whole
    restart.N        that restart file (and younger ones not yet accepted)
    final.npz        last frame in double precision
    finished.json    written last; a folder without it is unfinished
"""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import json
import os
import shutil
import time
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from vitrolyte.data.errors import InputError, StorageError
from vitrolyte.data.io.chunks import TrajectoryStore, open_trajectory
from vitrolyte.data.io.files import storage, write_text
from vitrolyte.data.io.lammps_frame import RawFrame
from vitrolyte.data.io.lammps_log import ThermoRow
from vitrolyte.data.trajectory import Trajectory
from vitrolyte.simulate.order import Order, Run, Thermo
from vitrolyte.simulate.script import FRAMES, RESTART

_HEADER = (
    "step,temperature_K,pressure_GPa,volume_A3,potential_energy_eV,kinetic_energy_eV,enthalpy_eV\n"
)
_RESTART_END = b"LammpS RestartT\0"
_CHECKPOINTS = 25
_LONGEST_CHECKPOINT_PS = 10.0
_DYING_S = 3.0


@contextlib.contextmanager
def sole_worker(folder: Path) -> Iterator[int]:
    """Hold a folder for one process; yields the descriptor of its lock.

    An engine that inherits the descriptor holds the folder as well, so that a new run cannot
    begin while the engine of a killed one still dies.

    Raises
    ------
    StorageError
        If another living process works there, or the folder cannot be written.
    """
    with storage(folder):
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        if not _locked(descriptor):
            raise StorageError(
                f"The folder {folder} must be free",
                received="another living process works in it",
                remedy="wait for it to end, or choose another folder",
            )
        yield descriptor
    finally:
        os.close(descriptor)


def _locked(descriptor: int) -> bool:
    patience = time.monotonic() + _DYING_S
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > patience:
                return False
            time.sleep(0.1)
        else:
            return True


@dataclass(frozen=True)
class RunFolder:
    """The files of one order; see the module for the layout."""

    order: Order

    @property
    def path(self) -> Path:
        """Return the folder."""
        return self.order.folder

    @property
    def store(self) -> TrajectoryStore:
        """Return the chunked store of the frames."""
        return TrajectoryStore(self.path / "trajectory.zarr")

    @property
    def checkpoint_steps(self) -> int:
        """Return the steps between two restart files, a whole number of frames."""
        segment = self.order.segment
        frame_ps = segment.frame_steps * segment.timestep_ps
        wanted = min(segment.duration_ps / _CHECKPOINTS, _LONGEST_CHECKPOINT_PS)
        return max(1, round(wanted / frame_ps)) * segment.frame_steps

    def time_ps(self, step: int) -> float:
        """Return the simulated time of a step, ps."""
        return step * self.order.segment.timestep_ps

    # -- what was done before -------------------------------------------------------------------

    def is_finished(self) -> bool:
        """Say whether the order was carried out here to its end.

        Raises
        ------
        InputError
            If the folder belongs to another order.
        """
        written = _json(self.path / "order.json")
        if written is not None and written.get("id") != self.order.id:
            raise InputError(
                f"The folder {self.path} holds another run",
                received=f"order {written.get('id')}, asked for is {self.order.id}",
                remedy="choose another folder, or remove that one",
            )
        return _json(self.path / "finished.json") is not None

    def rewind(self) -> int | None:
        """Bring everything back to the last checkpoint and return its step.

        Returns None where there is none that can be trusted; the folder is then empty.
        """
        step = self._checkpoint()
        with storage(self.path):
            shutil.rmtree(self.path / FRAMES, ignore_errors=True)
            if step is None:
                self._begin()
            else:
                self._forget_after(step)
            (self.path / FRAMES).mkdir()
        return step

    def _checkpoint(self) -> int | None:
        state = _json(self.path / "state.json")
        step = None if state is None else state.get("step")
        if not isinstance(step, int) or not self.restart_is_whole(step):
            return None
        segment = self.order.segment
        try:
            self.store.truncate(self.time_ps(step) + segment.timestep_ps / 2)
            frames = self.store.n_frames
        except InputError:
            return None
        rows = [row for row in self._rows() if row.step <= step]
        whole = frames == step // segment.frame_steps + 1
        return step if whole and len(rows) == step // segment.thermo_steps + 1 else None

    def _begin(self) -> None:
        for path in [*self.path.glob(f"{RESTART}.*"), self.path / "state.json"]:
            path.unlink(missing_ok=True)
        order = self.order
        plain = {
            "id": order.id,
            "segment": dataclasses.asdict(order.segment),
            "potential": order.potential.name,
            "seed": order.seed,
        }
        write_text(self.path / "order.json", json.dumps(plain, indent=1))
        write_text(self.path / "thermo.csv", _HEADER)
        TrajectoryStore.create(
            self.store.path,
            order.structure.species,
            velocities=order.segment.store_velocities,
        )

    def _forget_after(self, step: int) -> None:
        for path in self.path.glob(f"{RESTART}.*"):
            if path.name != f"{RESTART}.{step}":
                path.unlink()
        rows = [row for row in self._rows() if row.step <= step]
        write_text(self.path / "thermo.csv", _HEADER + _csv(rows))

    # -- while it runs --------------------------------------------------------------------------

    def restart_is_whole(self, step: int) -> bool:
        """Say whether the restart file of a step was written to its end."""
        try:
            with (self.path / f"{RESTART}.{step}").open("rb") as stream:
                stream.seek(-len(_RESTART_END), os.SEEK_END)
                # a checkpoint of ours is a zip archive, whose directory comes last
                return stream.read() == _RESTART_END or zipfile.is_zipfile(stream)
        except OSError:
            return False

    def add_rows(self, rows: Sequence[ThermoRow]) -> None:
        """Append state rows."""
        with storage(self.path), (self.path / "thermo.csv").open("a", encoding="utf-8") as stream:
            stream.write(_csv(rows))

    def accept(self, step: int) -> None:
        """Make a step the checkpoint and drop the older restart files."""
        write_text(self.path / "state.json", json.dumps({"step": step}))
        with storage(self.path):
            for path in self.path.glob(f"{RESTART}.*"):
                number = path.suffix[1:]
                if number.isdigit() and int(number) < step:
                    path.unlink()

    # -- at the end -----------------------------------------------------------------------------

    def finish(self, last: RawFrame) -> None:
        """Keep the last frame, tidy up, and write the mark that the run is complete."""
        with storage(self.path):
            neighbour = self.path / "final.partial.npz"
            np.savez(
                neighbour,
                cell=last.cell,
                positions=last.values[:, :3],
                velocities=last.values[:, 3:],
            )
            neighbour.replace(self.path / "final.npz")
            shutil.rmtree(self.path / FRAMES, ignore_errors=True)
        write_text(self.path / "finished.json", json.dumps({"id": self.order.id}))
        with storage(self.path):
            for path in [*self.path.glob(f"{RESTART}.*"), self.path / "state.json"]:
                path.unlink(missing_ok=True)

    def result(self) -> Run:
        """Return what a finished run left, frames still on disk."""
        return Run(open_trajectory(self.store.path), self._thermo(), self._final())

    def _final(self) -> Trajectory:
        with np.load(self.path / "final.npz", allow_pickle=False) as stored:
            return Trajectory(
                species=self.order.structure.species,
                times=np.zeros(1),
                cells=stored["cell"][None],
                positions=stored["positions"][None],
                velocities=stored["velocities"][None],
            )

    def _thermo(self) -> Thermo:
        table = np.array([dataclasses.astuple(row) for row in self._rows()], dtype=float)
        times = table[:, 0] * self.order.segment.timestep_ps
        return Thermo(times, *(table[:, column] for column in range(1, table.shape[1])))

    def _rows(self) -> list[ThermoRow]:
        try:
            lines = (self.path / "thermo.csv").read_text(encoding="utf-8").splitlines()[1:]
            return [_thermo_row(line) for line in lines]
        except (OSError, ValueError, TypeError):
            # a half-written line: what stands in such a file is not to be trusted
            return []


def _thermo_row(line: str) -> ThermoRow:
    step, *values = line.split(",")
    return ThermoRow(int(step), *map(float, values))


def _csv(rows: Sequence[ThermoRow]) -> str:
    return "".join(",".join(map(repr, dataclasses.astuple(row))) + "\n" for row in rows)


def _json(path: Path) -> dict[str, Any] | None:
    try:
        plain = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return plain if isinstance(plain, dict) else None
