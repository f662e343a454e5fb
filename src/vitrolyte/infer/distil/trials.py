"""Trials: the student runs through what it must survive; its frames and its failures are kept."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vitrolyte.data.errors import EngineError
from vitrolyte.infer.distil.config import DistilSettings, StageSettings, TrialSettings
from vitrolyte.infer.distil.engine import data_file, read_dump, run_lammps
from vitrolyte.infer.distil.geometry import shortest_distances
from vitrolyte.infer.distil.pod import Student
from vitrolyte.infer.distil.seeds import Seed, crystal, without_cluster
from vitrolyte.potentials.teacher import Snapshot

DUMP_FS = 20.0
LAST_FS = 200.0
VOLUME_BOUNDS = (0.6, 2.5)
HOTTEST = 3.0
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class TrialOutcome:
    """What a trial left: frames in order, and how many of the last ones precede its failure.

    ``frames`` are sane ones only, 20 fs apart; ``failing`` is 0 where the trial was survived.
    """

    name: str
    frames: tuple[Seed, ...]
    failing: int
    lived_ps: float

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
    student: Student
    safe_distances: Mapping[str, float]
    folder: Path


def run_trial(
    trial: TrialSettings, ground: TrialGround, *, seed: int, start: Snapshot | None = None
) -> TrialOutcome:
    """Carry out one trial and cut it at the first pair below its safe distance.

    It begins from the trial's crystal, or from ``start`` where one is given.
    """
    settings = ground.settings
    folder = ground.folder / f"trial-{seed}"
    folder.mkdir(parents=True, exist_ok=True)
    start = start or _start(trial, settings, seed)
    for path in ground.student.pair().files:
        shutil.copy(path, folder / path.name)
    (folder / "start.data").write_text(data_file(start, settings.elements), encoding="ascii")
    script = folder / "trial.in"
    script.write_text(trial_script(trial, ground, start=start, seed=seed), encoding="ascii")
    finished = _survives(script)
    dumped = read_dump(folder / "frames.dump", settings.elements, columns=3)
    frames = [frame for frame, _ in dumped]
    sane = _sane_prefix(frames, ground.safe_distances, settings.elements)
    failed = not finished or len(sane) < len(frames)
    failing = min(len(sane), round(LAST_FS / DUMP_FS)) if failed else 0
    outcome = TrialOutcome(
        f"{trial.phase}-{seed}",
        tuple(Seed(frame, trial.phase) for frame in sane),
        failing,
        len(sane) * DUMP_FS * 1e-3,
    )
    word = "failed after" if failed else "survived"
    log.info("trial %s %s %.2f ps", outcome.name, word, outcome.lived_ps)
    (folder / "frames.dump").unlink()
    return outcome


def trial_script(trial: TrialSettings, ground: TrialGround, *, start: Snapshot, seed: int) -> str:
    """Write the LAMMPS input of a trial, with hard bounds on volume and temperature.

    A collapsing box makes LAMMPS allocate without end, so the volume is watched while it runs.
    """
    step_fs = ground.settings.active.timestep_fs
    hottest = HOTTEST * max(max(stage.temperature_K) for stage in trial.stages)
    low, high = (factor * start.volume for factor in VOLUME_BOUNDS)
    every = max(1, round(DUMP_FS / step_fs))
    lines = [
        "units metal",
        "atom_style atomic",
        "read_data start.data",
        *ground.student.pair().commands,
        "neigh_modify every 1 delay 0 check yes",
        "neighbor 1.0 bin",
        f"velocity all create {trial.stages[0].temperature_K[0]} {seed} mom yes dist gaussian",
        f"timestep {step_fs * 1e-3}",
        f"dump frames all custom {every} frames.dump id type x y z",
        "dump_modify frames sort id format float %.8f flush yes",
        f'variable astray equal "(vol > {high}) || (vol < {low}) || (temp > {hottest})"',
        "fix watch all halt 10 v_astray > 0.5 error hard message yes",
        "thermo_style custom step temp pe press vol",
        "thermo 250",
    ]
    for stage in trial.stages:
        lines += _stage_lines(stage, step_fs)
    return "\n".join(lines) + "\n"


def _stage_lines(stage: StageSettings, step_fs: float) -> list[str]:
    first, last = stage.temperature_K
    steps = round(stage.time_ps * 1e3 / step_fs)
    if stage.pressure_GPa is None:
        return [f"fix move all nvt temp {first} {last} 0.1", f"run {steps}"]
    bar = stage.pressure_GPa * 1e4
    return [f"fix move all npt temp {first} {last} 0.1 iso {bar} {bar} 1.0", f"run {steps}"]


def _start(trial: TrialSettings, settings: DistilSettings, seed: int) -> Snapshot:
    parent = settings.crystal(trial.crystal)
    generator = np.random.default_rng(seed)
    start = crystal(parent, trial.repeat)
    for _ in range(trial.vacancy_clusters):
        start = without_cluster(start, parent.vacancies, generator=generator)
    return start


def _survives(script: Path) -> bool:
    try:
        run_lammps(script, timeout_s=600)
    except EngineError as error:
        (script.parent / "failure.txt").write_text(str(error) + error.log_tail, encoding="utf-8")
        return False
    return True


def _sane_prefix(
    frames: Sequence[Snapshot], safe: Mapping[str, float], elements: Sequence[str]
) -> list[Snapshot]:
    sane: list[Snapshot] = []
    reach = max(safe.values())
    for frame in frames:
        shortest = shortest_distances([frame], elements, cutoff=reach)
        if any(shortest[name] < distance for name, distance in safe.items()):
            break
        sane.append(frame)
    return sane
