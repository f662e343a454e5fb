"""Rows of snapshots kept on disk by their content."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from vitrolyte.infer.distil.cache import key_of
from vitrolyte.infer.distil.descriptors import Design
from vitrolyte.potentials.teacher import Snapshot

BATCH = 12


Compute = Callable[[Sequence[Snapshot], Path], Sequence[Design]]


def keep_designs(snapshots: Sequence[Snapshot], folder: Path, compute: Compute) -> None:
    """Compute the rows that are not kept from before, several snapshots at a time."""
    missing = list(
        {k: s for s in snapshots if not _path(folder, k := key_of(s)).is_file()}.values()
    )
    folder.mkdir(parents=True, exist_ok=True)
    for start in range(0, len(missing), BATCH):
        batch = missing[start : start + BATCH]
        for snapshot, design in zip(batch, compute(batch, folder / "batch"), strict=True):
            unfinished = folder / "unfinished.npy"
            np.save(unfinished, np.vstack([design.energy, design.stress, design.forces]))
            unfinished.replace(_path(folder, key_of(snapshot)))


def kept_designs(snapshots: Sequence[Snapshot], folder: Path, compute: Compute) -> list[Design]:
    """Return the rows of every snapshot, computing only those not kept from before."""
    keep_designs(snapshots, folder, compute)
    return [_read(_path(folder, key_of(snapshot))) for snapshot in snapshots]


def _path(folder: Path, key: str) -> Path:
    return folder / f"{key}.npy"


def _read(path: Path) -> Design:
    rows = np.load(path, allow_pickle=False)
    return Design(rows[0], rows[7:], rows[1:7])
