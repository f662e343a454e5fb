"""Diffusion by direction: layers, principal axes, one and two dimensions."""

import numpy as np
import pytest
from scipy import stats
from validation.coverage_transport import coverage
from validation.walks import brownian

from vitrolyte.data.errors import InputError
from vitrolyte.data.observation import Sample
from vitrolyte.data.trajectory import Trajectory
from vitrolyte.observe.motion.anisotropy import Anisotropy, AnisotropySettings, anisotropy
from vitrolyte.observe.motion.directions import alike, lattice_directions, principal_directions
from vitrolyte.observe.motion.displacement import Reading, mean_square_displacement

# monoclinic: c is not at right angles to the layers of a and b
CELL = np.array([[12.0, 0.0, 0.0], [0.0, 11.0, 0.0], [-4.0, 0.0, 13.0]])


def layered(seed: int, across: float, *, breath: float = 0.0) -> Trajectory:
    n, ions = 500, 30
    walk = brownian(seed, (n, ions), diffusivity=0.5) * np.sqrt([1.0, 1.0, 2.0 * across])
    draws = np.random.default_rng(seed + 1)
    cells = CELL * (1.0 + breath * draws.normal(size=(n, 1, 1)))
    if breath:
        # paths made stay those of the walk: images lead where the cell takes them
        home = walk[0] @ np.linalg.inv(cells[0])
        positions = walk.copy()
        place = np.empty_like(walk)
        place[0] = home @ cells[0]
        for k in range(1, n):
            images = np.floor(place[k - 1] @ np.linalg.inv(cells[k - 1]))
            place[k] = place[k - 1] + walk[k] - walk[k - 1] + images @ (cells[k] - cells[k - 1])
        positions = place
    else:
        positions = walk
    return Trajectory(("Li",) * ions, np.arange(float(n)), cells, positions)


def seen(trajectory: Trajectory) -> Anisotropy:
    settings = AnisotropySettings(reading=Reading(frame="laboratory"))
    return anisotropy(trajectory, {"Li": 1.0}, temperature_K=700.0, settings=settings)


@pytest.mark.parametrize("breath", [0.0, 0.005])
def test_layers_are_told_from_their_normal(breath: float) -> None:
    found = seen(layered(1, 0.05, breath=breath))
    within = found.diffusivity["Li in the plane (001)"]
    across = found.diffusivity["Li normal to (001)"]
    assert within.low < 0.5e-4 < within.high
    assert across.low < 0.05e-4 < across.high
    assert found.layer_ratio["Li"].low < 10.0 < found.layer_ratio["Li"].high
    assert found.isotropy["Li"] < 1e-6
    assert set(found.principal) == {"Li in a principal plane", "Li along a principal axis"}
    # z is the normal of the layers
    assert abs(found.axes["Li along a principal axis"][2]) > 0.99


def test_no_diffusion_across_layers_is_refused_there_alone() -> None:
    found = seen(layered(2, 0.0))
    assert found.diffusivity["Li normal to (001)"].status == "refused"
    assert found.layer_ratio["Li"].status == "refused"
    assert "across the layers" in found.layer_ratio["Li"].note
    assert found.diffusivity["Li in the plane (001)"].status == "ok"


def test_even_diffusion_has_no_principal_axes() -> None:
    found = seen(layered(3, 0.5))
    assert set(found.principal) == {"Li in all directions"}
    assert found.isotropy["Li"] > 0.01
    assert found.layer_ratio["Li"].low < 1.0 < found.layer_ratio["Li"].high


def test_directions_add_up_to_the_whole() -> None:
    moved = mean_square_displacement(layered(4, 0.2), reading=Reading(frame="laboratory"))
    axes = np.linalg.qr(np.random.default_rng(5).normal(size=(3, 3)))[0]
    parts = sum(moved.along(axes[k]).msd for k in range(3))
    np.testing.assert_allclose(parts, moved.msd, rtol=1e-9)
    plane = moved.along(axes[:2])
    assert plane.dimensions == 2
    energy = np.sum(plane.modes[0].astype(float) ** 2)
    rest = np.sum(moved.along(axes[2]).modes[0].astype(float) ** 2)
    assert energy + rest == pytest.approx(np.sum(moved.modes[0].astype(float) ** 2), rel=1e-5)


def test_named_directions_of_a_monoclinic_cell() -> None:
    named = {one.name: one.axes for one in lattice_directions(CELL, (0, 0, 1))}
    assert set(named) == {
        "along a", "along b", "along c", "normal to (001)", "in the plane (001)"
    }  # fmt: skip
    np.testing.assert_allclose(named["normal to (001)"], [[0.0, 0.0, 1.0]], atol=1e-12)
    square = lattice_directions(5.0 * np.eye(3), (0, 0, 1))
    assert [one.name for one in square] == ["along a", "along b", "along c", "in the plane (001)"]


def test_equal_roots_are_told_apart_no_more_often_than_stated() -> None:
    draws = np.random.default_rng(6)
    dof, runs = 60, 400
    noise = draws.normal(size=(runs, dof, 3))
    tensors = np.einsum("rda,rdb->rab", noise, noise) / dof
    apart = sum(alike(np.linalg.eigvalsh(tensor), dof) < 0.05 for tensor in tensors)
    assert 0.01 < stats.binom.cdf(apart, runs, 0.05) < 0.999
    rods = [np.diag([3.0, 1.0, 1.0]) ** 0.5 @ tensor @ np.diag([3.0, 1.0, 1.0]) ** 0.5
            for tensor in tensors]  # fmt: skip
    groups = [len(principal_directions(tensor, dof, 0.01)) for tensor in rods]
    assert np.mean(np.array(groups) == 2) > 0.9


def test_intervals_by_direction_hold_the_truth() -> None:
    for one in coverage("layers", 25):
        # probability of so few hits if the true coverage were 0.93, over thirteen quantities
        assert stats.binom.cdf(one.held, one.answered, 0.93) > 0.05 / 13, one


def test_rows_and_bad_input() -> None:
    trajectory = layered(7, 0.2)
    rows = seen(trajectory).observations(Sample("chloride", "Li3YCl6", "crystal", 700.0))
    listed = {(row.quantity, row.of) for row in rows}
    assert ("tracer_diffusivity", "Li along a") in listed
    assert ("diffusion_anisotropy", "Li") in listed
    assert ("ionic_conductivity", "in the plane (001)") in listed
    with pytest.raises(InputError, match="Miller"):
        AnisotropySettings(normal=(0, 0, 0))
    with pytest.raises(InputError, match="formal charge"):
        anisotropy(trajectory, {}, temperature_K=700.0)
    moved = mean_square_displacement(trajectory)
    with pytest.raises(InputError, match="orthonormal"):
        moved.along(np.array([[1.0, 1.0, 0.0]]))
