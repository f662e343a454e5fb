"""The store: a folder for each task, named by its id, so that nothing is computed twice."""

from __future__ import annotations

import contextlib
import fcntl
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vitrolyte.data.errors import InputError, StorageError
from vitrolyte.data.io import record
from vitrolyte.data.io.files import read_text, storage
from vitrolyte.data.observation import Sample
from vitrolyte.data.origin import Origin
from vitrolyte.study.plan import Task
from vitrolyte.study.recipe import Output, Product


@dataclass(frozen=True)
class Store:
    """The ``stages`` folder of a result.

    A stage counts as finished when its ``origin.json`` says ``complete``; that file is written
    once before the work and, last of all, once after it.
    """

    root: Path

    def folder(self, task: Task) -> Path:
        """Return the stage folder of a task."""
        return self.root / task.folder

    def begin(self, task: Task) -> Path:
        """Make the stage folder and write the origin before the work starts.

        Raises
        ------
        StorageError
            If the folder cannot be written.
        """
        folder = self.folder(task)
        with storage(folder):
            folder.mkdir(parents=True, exist_ok=True)
        record.save(folder / "origin.json", task.origin)
        return folder

    def finish(self, task: Task, output: Output, wall_seconds: float) -> Product:
        """Write what a task yields, and the completed origin last of all."""
        folder = self.folder(task)
        record.save(folder / "results.json", output.results)
        record.save(folder / "sample.json", output.sample)
        origin = task.origin.completed(wall_seconds)
        record.save(folder / "origin.json", origin)
        return Product(folder, task.step.name, task.coordinates, output.sample, origin)

    def find(self, task: Task) -> Product | None:
        """Return what a finished task left, or None where it has yet to be done.

        Raises
        ------
        InputError
            If the folder claims another id than its settings give.
        """
        folder = self.folder(task)
        if not (folder / "origin.json").is_file():
            return None
        origin: Origin = record.load(folder / "origin.json", Origin)
        if origin.state != "complete":
            return None
        if origin.id != task.origin.id:
            raise InputError(
                f"The stage {folder.name} must hold the settings that its name is made from",
                received=f"settings with the id {origin.id}",
                remedy="the folder was changed by hand; remove it and run again",
            )
        sample: Sample = record.load(folder / "sample.json", Sample)
        return Product(folder, task.step.name, task.coordinates, sample, origin)


@contextlib.contextmanager
def claimed(folder: Path) -> Iterator[None]:
    """Hold a result folder for one process at a time; a killed process lets go by itself.

    Raises
    ------
    StorageError
        If another process is at work there, or the folder cannot be written.
    """
    with storage(folder):
        folder.mkdir(parents=True, exist_ok=True)
        lock = open(folder / ".lock", "w", encoding="utf-8")  # noqa: SIM115
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as fault:
            raise StorageError(
                f"One run at a time can work in {folder}",
                received="another run is at work there",
                remedy="wait for it, stop it, or choose another --out",
            ) from fault
        yield


def read_plain(path: Path) -> dict[str, Any]:
    """Return a JSON object from a file of the result folder.

    Raises
    ------
    InputError
        If it is missing or no JSON object.
    """
    try:
        plain = json.loads(read_text(path))
    except json.JSONDecodeError as fault:
        raise InputError(f"{path} must be a JSON file", received=str(fault)) from fault
    if not isinstance(plain, dict):
        raise InputError(f"{path} must hold a JSON object", received=type(plain).__name__)
    return plain
