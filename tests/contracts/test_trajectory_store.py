"""The chunked store gives back what was put in, and never a half-written frame."""

from pathlib import Path

import numpy as np
import pytest

from vitrolyte.data.errors import InputError
from vitrolyte.data.io.chunks import TrajectoryStore, open_trajectory, write_trajectory
from vitrolyte.data.trajectory import Trajectory, from_ase, structure

TRICLINIC = np.array([[5.0, 0, 0], [1.0, 6.0, 0], [0.5, -1.0, 7.0]])


def walk(n_frames: int, velocities: bool = False) -> Trajectory:
    rng = np.random.default_rng(1)
    positions = rng.normal(size=(n_frames, 4, 3)).cumsum(axis=0)
    cells = TRICLINIC * (1 + 0.01 * rng.normal(size=(n_frames, 1, 1)))
    times = 0.02 * np.arange(n_frames)
    speeds = rng.normal(size=positions.shape) if velocities else None
    return Trajectory(("Li", "O", "Cl", "Li"), times, cells, positions, speeds)


@pytest.mark.parametrize("velocities", [False, True])
def test_round_trip(tmp_path: Path, velocities: bool) -> None:
    first = walk(150, velocities)
    write_trajectory(tmp_path / "t", first)
    again = open_trajectory(tmp_path / "t")
    assert again.species == first.species
    np.testing.assert_array_equal(again.cells, first.cells)
    # single precision: relative error 6e-8 of coordinates up to about 30 Å
    np.testing.assert_allclose(again.read().positions, first.read().positions, atol=3e-6)
    assert (again.velocities is not None) == velocities


def test_blocks_cover_everything_once(tmp_path: Path) -> None:
    write_trajectory(tmp_path / "t", walk(150))
    blocks = list(open_trajectory(tmp_path / "t").blocks(64))
    assert [b.start for b in blocks] == [0, 64, 128]
    assert sum(len(b.times) for b in blocks) == 150


def test_truncating_and_appending_continue_without_a_seam(tmp_path: Path) -> None:
    whole = walk(100)
    write_trajectory(tmp_path / "t", whole.select(slice(0, 70)))
    store = TrajectoryStore(tmp_path / "t")
    store.truncate(whole.times[49])
    assert store.n_frames == 50
    store.append(whole.read(50, 100))
    again = open_trajectory(tmp_path / "t")
    np.testing.assert_array_equal(again.times, whole.times)
    np.testing.assert_allclose(again.read().positions, whole.read().positions, atol=3e-6)


def test_frames_whose_time_is_not_written_do_not_count(tmp_path: Path) -> None:
    import zarr

    write_trajectory(tmp_path / "t", walk(10))
    group = zarr.open_group(str(tmp_path / "t"), mode="r+")
    group["positions"].resize((12, 4, 3))  # as a kill in the middle of an append leaves it
    assert open_trajectory(tmp_path / "t").n_frames == 10


def test_a_folder_that_is_no_trajectory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="stored trajectory"):
        open_trajectory(tmp_path / "nothing")


def test_negative_frames_and_density() -> None:
    trajectory = walk(3)
    last = trajectory.frame(-1)
    np.testing.assert_array_equal(last.read().positions[0], trajectory.read().positions[2])
    # NIST CODATA: u = 1.66053906660e-24 g; a cube of 1 Å³ with one H (1.008 u) has 1.6738 g/cm³
    hydrogen = structure(("H",), [[0, 0, 0]], np.eye(3))
    assert hydrogen.densities[0] == pytest.approx(1.008 * 1.66053906660)


def test_ase_there_and_back_triclinic() -> None:
    first = structure(("Li", "Cl"), [[0, 0, 0], [9.0, 9.0, 9.0]], TRICLINIC)
    again = from_ase(first.to_ase())
    np.testing.assert_allclose(again.read().positions, first.read().positions)
    np.testing.assert_allclose(again.cells, first.cells)


def test_wrong_shapes_and_species_are_named() -> None:
    with pytest.raises(InputError, match="needs positions"):
        Trajectory(("Li",), np.zeros(2), np.zeros((2, 3, 3)), np.zeros((2, 2, 3)))
    with pytest.raises(InputError, match="Na"):
        walk(2).indices("Na")
