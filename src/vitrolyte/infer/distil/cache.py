"""The label cache: what a teacher once said is never asked again."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import tempfile
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue

import numpy as np

from vitrolyte.data.errors import EngineError
from vitrolyte.data.io.files import storage
from vitrolyte.infer.distil.seeds import Seed
from vitrolyte.potentials.teacher import Example, Label, Snapshot, Teacher

MOST_REFUSED = 0.2
"""Share of the snapshots of one purchase that a teacher may refuse before it is given up."""

FEW_REFUSED = 3
log = logging.getLogger(__name__)


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

    def __len__(self) -> int:
        return sum(1 for _ in self.folder.glob("*.npz"))

    def read(self, key: str, phase: str) -> Example:
        """Read one labelled snapshot."""
        with np.load(self._path(key), allow_pickle=False) as stored:
            snapshot = Snapshot(
                tuple(str(s) for s in stored["species"]), stored["positions"], stored["cell"]
            )
            label = Label(float(stored["energy"]), stored["forces"], stored["stress"])
        return Example(snapshot, label, phase)

    def write(self, snapshot: Snapshot, label: Label) -> str:
        """Keep one label, whole or not at all, and return its key.

        Raises
        ------
        StorageError
            The disk is full or the folder cannot be written.
        """
        key = key_of(snapshot)
        with storage(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=self.folder, suffix=".partial")
            try:
                with os.fdopen(handle, "wb") as unfinished:
                    np.savez_compressed(
                        unfinished,
                        species=np.array(snapshot.species),
                        positions=snapshot.positions,
                        cell=snapshot.cell,
                        energy=label.energy,
                        forces=label.forces,
                        stress=label.stress,
                    )
                os.replace(name, self._path(key))
            except BaseException:
                with contextlib.suppress(OSError):
                    os.unlink(name)
                raise
        return key

    def once(self, snapshot: Snapshot, teacher: Teacher) -> Label:
        """Return what is kept of a snapshot; ask the teacher and keep it where nothing is.

        Raises
        ------
        EngineError, StorageError
            The teacher refuses, or its word cannot be kept.
        """
        key = key_of(snapshot)
        if key not in self:
            self.write(snapshot, teacher.label(snapshot))
        return self.read(key, "").label

    def _path(self, key: str) -> Path:
        return self.folder / f"{key}.npz"


def buy_labels(
    seeds: Sequence[Seed],
    cache: LabelCache,
    *,
    teachers: Sequence[Teacher],
    tell: Callable[[int, int], None] | None = None,
) -> list[Example]:
    """Label snapshots with several teachers at once, asking only for what the cache lacks.

    A snapshot that a teacher refuses, or to which it says what no atoms can have, is left out.

    Raises
    ------
    EngineError
        Three snapshots and a fifth of them all were refused: the teacher itself is at fault.
    StorageError
        A label cannot be kept.
    """
    clerk = _Clerk(cache, teachers, len(seeds), tell)
    with ThreadPoolExecutor(len(teachers)) as pool:
        bought = list(pool.map(clerk.buy, seeds))
    return [example for example in bought if example is not None]


class _Clerk:
    """Buys labels one at a time from whichever teacher is idle, and counts refusals."""

    def __init__(
        self,
        cache: LabelCache,
        teachers: Sequence[Teacher],
        count: int,
        tell: Callable[[int, int], None] | None,
    ) -> None:
        self._cache, self._count, self._tell = cache, count, tell
        self._idle: SimpleQueue[Teacher] = SimpleQueue()
        for teacher in teachers:
            self._idle.put(teacher)
        self._lock = threading.Lock()
        self._refused, self._done = 0, 0
        self._stop = False

    def buy(self, seed: Seed) -> Example | None:
        key = key_of(seed.snapshot)
        if key not in self._cache and not self._bought(seed):
            return None
        with self._lock:
            self._done += 1
            if self._tell is not None:
                self._tell(self._done, self._count)
        return self._cache.read(key, seed.phase)

    def _bought(self, seed: Seed) -> bool:
        if self._stop:
            return False
        teacher = self._idle.get()
        try:
            self._cache.write(seed.snapshot, teacher.label(seed.snapshot))
        except EngineError as fault:
            log.warning("no label for a %s snapshot: %s", seed.phase, fault.message())
            self._refuse(fault)
            return False
        except BaseException:
            self._stop = True
            raise
        finally:
            self._idle.put(teacher)
        return True

    def _refuse(self, fault: EngineError) -> None:
        with self._lock:
            self._refused += 1
            if self._refused >= max(FEW_REFUSED, MOST_REFUSED * self._count):
                self._stop = True
                raise fault
