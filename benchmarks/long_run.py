"""Peak memory of the transport analysis of a run that is made on demand, frame by frame.

Each length is a process of its own: ``python -m benchmarks.long_run GIGABYTES`` prints its peak,
bytes, and its answer. Nothing lies on disk.
"""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from functools import partial

import numpy as np

from benchmarks.memory import peak_bytes
from benchmarks.race import Contestant, Race, Shot, Work
from vitrolyte.data.trajectory import Trajectory
from vitrolyte.observe.motion.displacement import Reading, mean_square_displacement
from vitrolyte.observe.motion.transport import transport_of
from vitrolyte.observe.tracks import LABORATORY

ATOMS = 2000
STEP_PS, STEP_A = 0.01, 0.05
_BLOCK = 256
_LAG = 10
_MEGA = 1e6


def races(*, tiny: bool) -> tuple[Race, ...]:
    """Return the memory race: runs of 1, 5 and 50 GB in single precision."""
    sizes = (0.001,) if tiny else (50.0, 5.0, 1.0)
    return (
        Race(
            job=f"Peak memory of transport: {ATOMS} atoms, frames made on demand",
            unit="MB",
            answer=f"MSD at lag {_LAG}, Å² (truth {3 * _LAG * STEP_A**2:g})",
            contestants=tuple(Contestant(f"{size:g} GB", partial(_work, size)) for size in sizes),
            rounds=1,
            per=_MEGA,
            idle_turn=False,
        ),
    )


@dataclass(frozen=True)
class Walks:
    """Positions of walkers, made when a slice is asked for.

    Every block repeats one draw of steps, with a sign of its own for each walker, so that frames
    are made faster than they could be read.

    Attributes
    ----------
    frames
        Number of frames.
    draw
        (block, n_atoms, 3), walk of one block, Å.
    signs
        (blocks, n_atoms), 1 or -1.
    before
        (blocks, n_atoms), sum of the signs of the blocks before.
    """

    frames: int
    draw: np.ndarray
    signs: np.ndarray
    before: np.ndarray

    @classmethod
    def of(cls, frames: int) -> Walks:
        """Draw walks of a length."""
        draws = np.random.default_rng(3)
        steps = draws.normal(scale=STEP_A, size=(_BLOCK, ATOMS, 3)).astype(np.float32)
        signs = draws.integers(0, 2, size=(frames // _BLOCK + 1, ATOMS), dtype=np.int16) * 2 - 1
        before = np.cumsum(signs, axis=0, dtype=np.int16) - signs
        return cls(frames, np.cumsum(steps, axis=0), signs, before)

    @property
    def shape(self) -> tuple[int, int, int]:
        return (self.frames, ATOMS, 3)

    def __getitem__(self, key: slice) -> np.ndarray:
        start, stop, _ = key.indices(self.frames)
        first = start // _BLOCK
        parts = [self._block(number) for number in range(first, (stop - 1) // _BLOCK + 1)]
        offset = start - first * _BLOCK
        return np.concatenate(parts)[offset : offset + stop - start]

    def _block(self, number: int) -> np.ndarray:
        sign = self.signs[number].astype(np.float32)[:, None]
        origin = self.before[number].astype(np.float32)[:, None] * self.draw[-1]
        return np.asarray(origin + sign * self.draw)


def run_of(gigabytes: float) -> Trajectory:
    """Return a run of so many GB in single precision."""
    frames = max(int(gigabytes * 1e9 / (12.0 * ATOMS)), 20)
    cells = np.broadcast_to(np.eye(3) * 40.0, (frames, 3, 3))
    times = np.arange(frames, dtype=np.float64) * STEP_PS
    return Trajectory(("Li",) * ATOMS, times, cells, Walks.of(frames))


def _work(gigabytes: float) -> Work:
    words = [sys.executable, "-m", "benchmarks.long_run", f"{gigabytes:g}"]

    def work() -> Shot:
        done = subprocess.run(words, check=True, capture_output=True, text=True)
        peak, answer = done.stdout.split()
        return Shot(float(peak), float(answer))

    return work


def _analysed(gigabytes: float) -> float:
    moved = mean_square_displacement(run_of(gigabytes), reading=Reading(frame=LABORATORY))
    transport_of(moved, {"Li": 1.0}, temperature_K=800.0)
    return float(moved.msd[0, moved.at(_LAG)])


if __name__ == "__main__":
    found = _analysed(float(sys.argv[1]))
    sys.stdout.write(f"{peak_bytes()} {found}\n")
