"""Unwrapping recovers a known walk in cells that are skewed, breathe and shear."""

import numpy as np
import pytest

from vitrolyte.data.trajectory import Frames
from vitrolyte.data.unwrap import nearest_image, unwrap

ATOMS, STEPS = 40, 400
SKEWED = np.array([[11.0, 0.0, 0.0], [3.0, 12.0, 0.0], [-2.0, 4.0, 13.0]])


def cells(swing: float) -> np.ndarray:
    rng = np.random.default_rng(1)
    strains = np.eye(3) + swing * rng.uniform(-1, 1, (STEPS + 1, 3, 3))
    return np.asarray(SKEWED @ strains)


def wrap(positions: np.ndarray, cell: np.ndarray) -> np.ndarray:
    return np.asarray((positions @ np.linalg.inv(cell) % 1.0) @ cell)


def walk(swing: float) -> tuple[np.ndarray, np.ndarray]:
    """Wrapped frames of a walk, each step taken from where the wrapped atom stands; its sum."""
    rng = np.random.default_rng(2)
    steps = rng.normal(0, 0.7, (STEPS, ATOMS, 3))
    wrapped = [wrap(rng.uniform(0, 30, (ATOMS, 3)), cells(swing)[0])]
    for step, cell in zip(steps, cells(swing)[1:]):
        wrapped.append(wrap(wrapped[-1] + step, cell))
    summed = np.concatenate([np.zeros((1, ATOMS, 3)), np.cumsum(steps, axis=0)])
    return np.array(wrapped), summed


def blocks(wrapped: np.ndarray, swing: float, size: int = 64) -> list[Frames]:
    times = np.arange(len(wrapped), dtype=float)
    return [
        Frames(i, times[i : i + size], cells(swing)[i : i + size], wrapped[i : i + size], None)
        for i in range(0, len(wrapped), size)
    ]


def unwrapped(wrapped: np.ndarray, swing: float, scheme: str) -> np.ndarray:
    found = unwrap(blocks(wrapped, swing), scheme)  # type: ignore[arg-type]
    return np.concatenate([block.positions for block in found])


@pytest.mark.parametrize("swing", [0.0, 0.02])
def test_toroidal_displacements_are_those_of_the_walk(swing: float) -> None:
    wrapped, summed = walk(swing)
    found = unwrapped(wrapped, swing, "toroidal")
    assert np.abs(found - found[0] - summed).max() < 1e-9
    # the walk left the cell many times, else nothing was tested
    assert np.abs(summed).max() > 2 * 13


@pytest.mark.parametrize("swing", [0.0, 0.02])
def test_lattice_unwrapping_wraps_back(swing: float) -> None:
    wrapped, _ = walk(swing)
    found = unwrapped(wrapped, swing, "lattice")
    for one, other, cell in zip(found, wrapped, cells(swing)):
        assert np.abs(nearest_image(one - other, cell)).max() < 1e-9
    # atoms move step by step: nothing jumps by a cell
    assert np.linalg.norm(np.diff(found, axis=0), axis=-1).max() < 7.0


def test_both_schemes_agree_in_a_rigid_cell() -> None:
    wrapped, _ = walk(0.0)
    both = [unwrapped(wrapped, 0.0, scheme) for scheme in ("lattice", "toroidal")]
    assert np.abs(both[0] - both[1]).max() < 1e-9


def test_a_breathing_cell_moves_lattice_images_but_not_the_sum_of_steps() -> None:
    # one atom at rest beyond a boundary of a cell that breathes by 10 %: no diffusion at all
    edges = np.array([10.0, 10.0, 10.0, 11.0, 10.0, 11.0])
    places = np.array([9.0, 9.9, 0.5, 0.5, 0.5, 0.5])
    frames = Frames(
        0,
        np.arange(6.0),
        edges[:, None, None] * np.eye(3),
        places[:, None, None] * np.array([1.0, 0, 0]),
        None,
    )
    (rest,) = unwrap([frames], "toroidal")
    (image,) = unwrap([frames], "lattice")
    assert rest.positions[2:, 0, 0] == pytest.approx([10.5] * 4)
    assert image.positions[2:, 0, 0] == pytest.approx([10.5, 11.5, 10.5, 11.5])


@pytest.mark.parametrize("scheme", ["toroidal", "lattice"])
def test_whole_cell_vectors_of_each_frame_do_not_matter(scheme: str) -> None:
    # n cells away, an atom stands n times the change of the cell further on, which is no motion
    wrapped, _ = walk(0.02)
    away = np.random.default_rng(3).integers(-4, 5, (1, ATOMS, 3))
    shifted = np.array([one + away[0] @ cell for one, cell in zip(wrapped, cells(0.02))])
    found, expected = (unwrapped(frames, 0.02, scheme) for frames in (shifted, wrapped))
    moved = [one - one[0] for one in (found, expected)]
    if scheme == "toroidal":
        assert np.abs(moved[0] - moved[1]).max() < 1e-9
    else:
        back = [nearest_image(a - b, c) for a, b, c in zip(found, shifted, cells(0.02))]
        assert np.abs(back).max() < 1e-9
