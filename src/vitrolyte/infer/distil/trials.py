"""Trials: the student runs through what it must survive; its frames and its failures are kept."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vitrolyte.data.errors import EngineError, InputError
from vitrolyte.data.io.chunks import open_trajectory
from vitrolyte.data.trajectory import Trajectory, structure
from vitrolyte.infer.distil.config import DistilSettings, StageSettings, TrialSettings
from vitrolyte.infer.distil.seeds import Seed, trial_start
from vitrolyte.potentials.potential import Potential
from vitrolyte.potentials.teacher import Snapshot
from vitrolyte.simulate import lammps
from vitrolyte.simulate.order import Limits, Order
from vitrolyte.simulate.schedule import Segment
from vitrolyte.simulate.watch import closest_breach

FRAME_PS = 0.02
LAST_PS = 0.2
BOUNDS = Limits(volume_ratio=(0.5, 2.5), temperature_ratio=(0.1, 3.0))
"""At zero pressure a hot ionic melt may boil, which is no fault; a collapse is one."""

FIRST_BOUNDS = Limits(volume_ratio=(0.5, 2.5), temperature_ratio=(0.1, 8.0))
"""A random packing falls into its first minimum and turns that energy into heat for a while."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class TrialOutcome:
    """What a trial left: frames in order, and how many of the last ones precede its failure.

    ``frames`` are sane ones only, 20 fs apart; ``failing`` is 0 where the trial was survived and
    ``reason`` says in words why it was not. ``final`` is the last frame with velocities.
    """

    name: str
    frames: tuple[Seed, ...]
    failing: int
    lived_ps: float
    reason: str = ""
    final: Trajectory | None = None

    @property
    def survived(self) -> bool:
        """Say whether the trial came to its end."""
        return not self.reason

    @property
    def calm(self) -> tuple[Seed, ...]:
        """Frames well before any failure."""
        return self.frames[: len(self.frames) - self.failing]

    @property
    def before_failure(self) -> tuple[Seed, ...]:
        """The last 200 fs before the failure."""
        return self.frames[len(self.frames) - self.failing :]


@dataclass(frozen=True)
class TrialGround:
    """What all trials of a round share."""

    settings: DistilSettings
    potential: Potential
    folder: Path


def run_trial(
    trial: TrialSettings, ground: TrialGround, *, seed: int, start: Snapshot | None = None
) -> TrialOutcome:
    """Carry out one trial with the engine; its watchers stop it at the first breach.

    It begins from the trial's crystal or packing, or from ``start`` where one is given. A killed
    trial goes on from its last checkpoint.

    Raises
    ------
    StorageError, MachineError
        From the engine, where the machine and not the student is at fault.
    """
    first = start or trial_start(trial, ground.settings, seed)
    now = structure(first.species, first.positions, first.cell)
    folder = ground.folder / f"{ground.potential.digest[:8]}-{seed}"
    frames: list[Seed] = []
    reason = ""
    for number, stage in enumerate(trial.stages):
        leg = folder / f"leg-{number}"
        order = Order(
            now,
            ground.potential,
            _segment(stage, ground.settings, number),
            seed,
            leg,
            BOUNDS if number else FIRST_BOUNDS,
        )
        try:
            now = lammps.run(order).final
        except EngineError as fault:
            reason = fault.message()
        frames += [Seed(one, trial.phase) for one in _stored(leg, ground.potential)]
        if reason:
            break
    failing = min(len(frames), round(LAST_PS / FRAME_PS)) if reason else 0
    lived = FRAME_PS * len(frames)
    log.info("trial %s-%d: %.2f ps %s", trial.phase, seed, lived, reason or "survived")
    final = None if reason else now
    return TrialOutcome(f"{trial.phase}-{seed}", tuple(frames), failing, lived, reason, final)


def _segment(stage: StageSettings, settings: DistilSettings, number: int) -> Segment:
    return Segment(
        name=f"leg {number}",
        ensemble="nvt" if stage.pressure_GPa is None else "npt",
        duration_ps=stage.time_ps,
        temperature_K=stage.temperature_K[0],
        end_temperature_K=stage.temperature_K[1],
        timestep_fs=settings.timestep_fs,
        pressure_GPa=stage.pressure_GPa or 0.0,
        frame_every_ps=FRAME_PS,
        velocities=number == 0,
    )


def _stored(folder: Path, potential: Potential) -> list[Snapshot]:
    """Read the frames of a leg, finished or broken off, up to the first pair too close."""
    try:
        found = open_trajectory(folder / "trajectory.zarr")
    except InputError:
        return []
    return list(_sane(snapshots(found), potential))


def snapshots(trajectory: Trajectory) -> list[Snapshot]:
    """Take every frame of a trajectory as a snapshot."""
    whole = trajectory.read()
    return [Snapshot(trajectory.species, r, h) for r, h in zip(whole.positions, whole.cells)]


def _sane(frames: Sequence[Snapshot], potential: Potential) -> list[Snapshot]:
    sane: list[Snapshot] = []
    for frame in frames:
        finite = np.isfinite(frame.positions).all() and np.isfinite(frame.cell).all()
        if not finite or closest_breach(
            frame.positions, frame.cell, species=frame.species, safe=potential.safe_distances
        ):
            break
        sane.append(frame)
    return sane
