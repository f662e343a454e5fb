"""Frames that students met in their own runs, taken evenly and not by any measure, with labels."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from vitrolyte.data.errors import InputError
from vitrolyte.data.io.chunks import open_trajectory
from vitrolyte.infer.distil.cache import LabelCache, buy_labels, key_of
from vitrolyte.infer.distil.seeds import Seed
from vitrolyte.infer.distil.trials import snapshots
from vitrolyte.potentials.teacher import Example, Snapshot, team
from vitrolyte.potentials.teacher_catalogue import teacher_named

TEACHER = "7net-l3i5"
SETTLING = 0.1
"""Share of a run left out at its start, where a random packing still falls."""


def trial_frames(round_folder: Path, per_run: int) -> list[Snapshot]:
    """Take frames at equal distances in time from every run of one round of a distillation.

    The first frame of each run comes first, then the second of each, so that any first part of the
    list holds all runs.
    """
    runs = [_frames(run) for run in sorted(round_folder.iterdir()) if run.is_dir()]
    if not runs:
        raise InputError("A round of trials with stored runs", received=str(round_folder))
    chosen = [[run[place] for place in _places(len(run), per_run)] for run in runs]
    return [frame for together in zip(*chosen, strict=True) for frame in together]


def labelled(frames: Sequence[Snapshot], cache: LabelCache, python: Path) -> list[Example]:
    """Return the frames with the final teacher's labels, bought where the cache lacks them."""
    seeds = [Seed(frame, "trial") for frame in frames]
    if all(key_of(frame) in cache for frame in frames):
        return [cache.read(key_of(frame), "trial") for frame in frames]
    spec = replace(teacher_named(TEACHER, python=python, device="cpu"), threads=1)
    with team(spec, 1, failures=cache.folder / "failures") as teachers:
        return buy_labels(seeds, cache, teachers=teachers, tell=_tell)


def _frames(run: Path) -> list[Snapshot]:
    legs = sorted(run.glob("leg-*/trajectory.zarr"))
    whole = [frame for leg in legs for frame in snapshots(open_trajectory(leg))]
    return whole[int(SETTLING * len(whole)) :]


def _places(length: int, count: int) -> list[int]:
    return [int(place) for place in np.linspace(0, length - 1, count).round()]


def _tell(done: int, total: int) -> None:
    if done % 20 == 0 or done == total:
        sys.stderr.write(f"  labels: {done} of {total}\n")
