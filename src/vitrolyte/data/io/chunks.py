"""The chunked store of a trajectory on disk (Zarr), written while a run goes on.

Chunks are files of their own, so that a killed run leaves whole frames behind it; the number of
frames that count is the length of ``times``, which is written last.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import zarr

from vitrolyte.data.errors import InputError
from vitrolyte.data.io.files import storage
from vitrolyte.data.trajectory import Frames, Trajectory

_FORMAT = "vitrolyte-trajectory/1"
_FRAMES_PER_CHUNK = 64
_ARRAYS: dict[str, tuple[tuple[int, ...], str]] = {
    "times": ((), "f8"),
    "cells": ((3, 3), "f8"),
    "positions": ((-1, 3), "f4"),
    "velocities": ((-1, 3), "f4"),
}


def _group(path: Path, mode: Any) -> zarr.Group:
    try:
        return zarr.open_group(str(path), mode=mode)
    except (FileNotFoundError, KeyError, ValueError) as fault:
        raise InputError(
            f"A stored trajectory is needed at {path}", received=str(fault) or "nothing"
        ) from fault


def _array(group: zarr.Group, name: str) -> zarr.Array[Any]:
    found = group[name]
    if not isinstance(found, zarr.Array):
        raise InputError(f"The stored trajectory needs an array {name!r}", received="a group")
    return found


@dataclass(frozen=True)
class TrajectoryStore:
    """Appends frames to a trajectory on disk; one writer at a time.

    Positions and velocities are stored in single precision (relative error 6e-8).
    """

    path: Path

    @classmethod
    def create(cls, path: Path, species: tuple[str, ...], *, velocities: bool) -> TrajectoryStore:
        """Make an empty store, replacing what lies there.

        Raises
        ------
        StorageError
            If the folder cannot be written.
        """
        with storage(path):
            group = zarr.open_group(str(path), mode="w")
            group.attrs.update({"format": _FORMAT, "species": list(species)})
            for name, (tail, dtype) in _ARRAYS.items():
                if name != "velocities" or velocities:
                    shape = tuple(len(species) if n < 0 else n for n in tail)
                    group.create_array(
                        name,
                        shape=(0, *shape),
                        chunks=(_FRAMES_PER_CHUNK if shape else 4096, *shape),
                        dtype=dtype,
                    )
        return cls(path)

    @property
    def n_frames(self) -> int:
        """Return the number of whole frames in the store."""
        return int(_array(_group(self.path, "r"), "times").shape[0])

    def append(self, frames: Frames) -> None:
        """Add a block of frames; ``times`` last, so that a half-written block never counts.

        Raises
        ------
        StorageError
            If the disk is full.
        """
        group = _group(self.path, "r+")
        start = int(_array(group, "times").shape[0])
        stop = start + len(frames.times)
        with storage(self.path):
            for name in ("positions", "velocities", "cells", "times"):
                block = getattr(frames, name)
                if block is None or name not in group:
                    continue
                array = _array(group, name)
                array.resize((stop, *array.shape[1:]))
                array[start:stop] = block

    def truncate(self, last_time_ps: float) -> None:
        """Forget every frame after a time, as when a run goes on from a restart."""
        group = _group(self.path, "r+")
        times = np.asarray(_array(group, "times")[:])
        # a writer killed between resizing and writing leaves zeros at the end of the times
        rising = np.logical_and.accumulate(np.diff(times, prepend=-np.inf) > 0)
        keep = int(np.count_nonzero(rising & (times <= last_time_ps + 1e-9)))
        for name in ("times", "cells", "positions", "velocities"):
            if name in group:
                array = _array(group, name)
                array.resize((keep, *array.shape[1:]))


def open_trajectory(path: Path) -> Trajectory:
    """Return a stored trajectory; positions stay on disk until a block is read.

    Raises
    ------
    InputError
        If there is no stored trajectory at ``path``.
    """
    group = _group(path, "r")
    if group.attrs.get("format") != _FORMAT:
        raise InputError(
            f"A trajectory in the format {_FORMAT} is needed at {path}",
            received=repr(group.attrs.get("format")),
        )
    species: Any = group.attrs["species"]
    times = np.asarray(_array(group, "times")[:], dtype=float)
    n = len(times)
    return Trajectory(
        species=tuple(str(symbol) for symbol in species),
        times=times,
        cells=np.asarray(_array(group, "cells")[:n], dtype=float),
        positions=_Head(_array(group, "positions"), n),
        velocities=_Head(_array(group, "velocities"), n) if "velocities" in group else None,
    )


@dataclass(frozen=True)
class _Head:
    """The first ``n`` frames of a stored array."""

    array: zarr.Array[Any]
    n: int

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.n, *self.array.shape[1:])

    @property
    def chunks(self) -> tuple[int, ...]:
        """Return the shape that is unpacked as a whole, frames first."""
        return tuple(self.array.chunks)

    def __getitem__(self, key: slice) -> Any:
        start, stop, step = key.indices(self.n)
        return self.array[start:stop:step]


def write_trajectory(path: Path, trajectory: Trajectory) -> None:
    """Store a trajectory, block by block.

    Raises
    ------
    StorageError
        If the folder cannot be written.
    """
    store = TrajectoryStore.create(
        path, trajectory.species, velocities=trajectory.velocities is not None
    )
    for block in trajectory.blocks(_FRAMES_PER_CHUNK):
        store.append(block)
