"""Trajectories of ASE, ``.traj`` (https://wiki.fysik.dtu.dk/ase/ase/io/trajectory.html).

Read from the ULM container that ASE writes (JSON and plain arrays), without building calculators,
constraints or anything else that a file may ask for.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np
from ase.data import atomic_masses, chemical_symbols
from numpy.typing import NDArray

from vitrolyte.data.errors import InputError
from vitrolyte.data.io.formats.naming import elements_of
from vitrolyte.data.io.formats.options import ReadOptions
from vitrolyte.data.io.formats.source import ASE_TIME_PS, Block, Clock, FrameLog, Source

Floats = NDArray[np.float64]


def open_ase_trajectory(path: Path, options: ReadOptions) -> Source:
    """Return an ASE trajectory; times from the step length that ASE's dynamics note in it.

    Raises
    ------
    InputError
        If the file is damaged, or the atoms change.
    """
    cells = FrameLog(3, 3)
    with _reading(path) as frames:
        numbers = np.array(frames[0].numbers)
        masses = np.array(frames[0].get("masses", atomic_masses[numbers]), dtype=float)
        moving = all("momenta" in frames[i] for i in (0, len(frames) - 1))
        for i in range(len(frames)):
            _check(i, frames[i], numbers)
            cells.add(np.asarray(frames[i].cell, dtype=float).reshape(3, 3))
        clock = _clock(frames[0].get("description"), len(frames))
    species, notes = elements_of([_symbol(number) for number in numbers], options.elements)
    return Source(
        format="ase-traj",
        species=species,
        cells=cells.all(),
        clock=clock,
        read=_Reader(path, len(numbers), masses if moving else None),
        velocities=moving,
        notes=notes,
    )


def _symbol(number: int) -> str:
    return chemical_symbols[number] if 0 < number < len(chemical_symbols) else str(number)


def _check(index: int, frame: Any, numbers: NDArray[Any]) -> None:
    same = "numbers" not in frame or np.array_equal(np.array(frame.numbers), numbers)
    if not same:
        raise InputError(
            "All frames must have the same atoms in the same order",
            received=f"other atoms in frame {index}",
            remedy="split the file where the atoms change",
        )


@contextlib.contextmanager
def _reading(path: Path) -> Iterator[Any]:
    """Open the container, and turn what is wrong with it into one message."""
    from ase.io import ulm

    try:
        # opened here, since ASE leaves a damaged file open
        with path.open("rb") as stream:
            frames = ulm.Reader(stream)
            if frames.get_tag() != "ASE-Trajectory" or not len(frames):
                raise InputError(f"{path} must be an ASE trajectory", received="no frame")
            yield frames
    except InputError:
        raise
    except Exception as fault:  # a damaged container fails in many ways
        raise InputError(
            f"{path} must be a whole ASE trajectory", received=f"{type(fault).__name__}: {fault}"
        ) from fault


def _clock(description: Any, n_frames: int) -> Clock:
    told = description if isinstance(description, dict) else {}
    step, interval = told.get("timestep"), told.get("interval")
    if not isinstance(step, float) or not isinstance(interval, int) or step * interval <= 0:
        return Clock()
    frame = step * interval * ASE_TIME_PS
    return Clock(np.arange(float(n_frames)) * frame, source=f"ASE's dynamics, {frame:g} ps a frame")


@final
@dataclass(frozen=True, eq=False)
class _Reader:
    path: Path
    n_atoms: int
    masses: Floats | None

    def __call__(self, start: int, stop: int) -> Block:
        shape = (stop - start, self.n_atoms, 3)
        positions = np.empty(shape)
        speeds = None if self.masses is None else np.empty(shape)
        with _reading(self.path) as frames:
            for i in range(start, stop):
                positions[i - start] = frames[i].positions
                if speeds is not None and self.masses is not None:
                    momenta = np.asarray(frames[i].momenta)
                    speeds[i - start] = momenta / self.masses[:, None] / ASE_TIME_PS
        return Block(positions, velocities=speeds)
