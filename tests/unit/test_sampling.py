"""Frames drawn from a trajectory: the right ones, and each chunk of a store unpacked once."""

from pathlib import Path

import numpy as np
import pytest

from vitrolyte.data.io.chunks import open_trajectory, write_trajectory
from vitrolyte.data.trajectory import Trajectory
from vitrolyte.observe.sampling import sample


class Stored:
    """An array that tells its chunks and counts how often it is read."""

    def __init__(self, values: np.ndarray, frames_in_chunk: int) -> None:
        self.values = values
        self.shape = values.shape
        self.chunks = (frames_in_chunk, *values.shape[1:])
        self.read: list[tuple[int, int]] = []

    def __getitem__(self, key: slice) -> np.ndarray:
        self.read.append((key.start, key.stop))
        return self.values[key]


def frames(n: int = 50) -> Trajectory:
    random = np.random.default_rng(0)
    cells = np.eye(3) * random.uniform(9.0, 11.0, size=(n, 1, 1))
    positions = random.uniform(-5.0, 15.0, size=(n, 4, 3))
    return Trajectory(("O", "Li", "O", "Li"), np.arange(n) * 0.5, cells, positions)


@pytest.mark.parametrize("max_frames", [None, 1, 7, 49])
@pytest.mark.parametrize("chunk", [1, 8, 64])
def test_a_store_gives_the_frames_of_the_array(max_frames: int | None, chunk: int) -> None:
    whole = frames()
    stored = Stored(np.asarray(whole.positions), chunk)
    kept = Trajectory(whole.species, whole.times, whole.cells, stored)
    sampling = sample(kept, max_frames)
    seen = 0
    for index, snapshot in zip(sampling.chosen, sampling):
        expected = whole.read(int(index), int(index) + 1)
        positions = snapshot.fractional.T @ snapshot.cell
        assert snapshot.time == expected.times[0]
        assert positions == pytest.approx(expected.positions[0][[1, 3, 0, 2]])
        seen += 1
    assert seen == len(sampling.chosen)
    chunks = [start // chunk for start, _ in stored.read]
    assert len(chunks) == len(set(chunks))
    assert all(start // chunk == (stop - 1) // chunk for start, stop in stored.read)


def test_a_store_on_disk_tells_its_chunks(tmp_path: Path) -> None:
    whole = frames(70)
    write_trajectory(tmp_path / "trajectory.zarr", whole)
    kept = open_trajectory(tmp_path / "trajectory.zarr")
    assert kept.positions.chunks[0] > 1
    for mine, expected in zip(sample(kept, 20), sample(whole, 20), strict=True):
        # The store holds single precision.
        assert mine.fractional == pytest.approx(expected.fractional, abs=1e-6)
