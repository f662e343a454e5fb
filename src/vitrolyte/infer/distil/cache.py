"""The label cache: what a teacher once said is never asked again."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue

import numpy as np

from vitrolyte.infer.distil.seeds import Seed
from vitrolyte.potentials.teacher import Example, Label, Snapshot, Teacher


def key_of(snapshot: Snapshot) -> str:
    """Hash what a label depends on: species, cell and positions to 1e-8 Å."""
    total = hashlib.sha256(" ".join(snapshot.species).encode())
    for array in (snapshot.cell, snapshot.positions):
        total.update(np.ascontiguousarray(np.round(array, 8) + 0.0).tobytes())
    return total.hexdigest()[:32]


class LabelCache:
    """Labels of one teacher in a plain folder: one array file each, written atomically."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __contains__(self, key: str) -> bool:
        return self._path(key).is_file()

    def read(self, key: str, phase: str) -> Example:
        """Read one labelled snapshot."""
        with np.load(self._path(key), allow_pickle=False) as stored:
            snapshot = Snapshot(
                tuple(str(s) for s in stored["species"]), stored["positions"], stored["cell"]
            )
            label = Label(float(stored["energy"]), stored["forces"], stored["stress"])
        return Example(snapshot, label, phase)

    def write(self, snapshot: Snapshot, label: Label) -> str:
        """Keep one label and return its key."""
        self.folder.mkdir(parents=True, exist_ok=True)
        key = key_of(snapshot)
        with tempfile.NamedTemporaryFile(dir=self.folder, delete=False) as unfinished:
            np.savez_compressed(
                unfinished,
                species=np.array(snapshot.species),
                positions=snapshot.positions,
                cell=snapshot.cell,
                energy=label.energy,
                forces=label.forces,
                stress=label.stress,
            )
        os.replace(unfinished.name, self._path(key))
        return key

    def _path(self, key: str) -> Path:
        return self.folder / f"{key}.npz"


def buy_labels(
    seeds: Sequence[Seed], cache: LabelCache, *, teachers: Sequence[Teacher]
) -> list[Example]:
    """Label snapshots with several teachers at once, asking only for what the cache lacks."""
    idle: SimpleQueue[Teacher] = SimpleQueue()
    for teacher in teachers:
        idle.put(teacher)

    def buy(seed: Seed) -> Example:
        key = key_of(seed.snapshot)
        if key not in cache:
            teacher = idle.get()
            try:
                cache.write(seed.snapshot, teacher.label(seed.snapshot))
            finally:
                idle.put(teacher)
        return cache.read(key, seed.phase)

    with ThreadPoolExecutor(len(teachers)) as pool:
        return list(pool.map(buy, seeds))
