"""What the van Hove functions of motion with known truth must be."""

import numpy as np
import pytest
from scipy import stats
from validation.motion_time import hop_truth
from validation.walks import as_trajectory, brownian, caged, hopping

from vitrolyte.data.errors import InputError
from vitrolyte.data.observation import Sample
from vitrolyte.data.trajectory import Trajectory
from vitrolyte.observe.pair_functions import count_pairs
from vitrolyte.observe.tracks import LABORATORY
from vitrolyte.observe.van_hove.displacement_counts import MotionSettings, count_displacements
from vitrolyte.observe.van_hove.distinct import DistinctSettings, distinct_van_hove
from vitrolyte.observe.van_hove.self_motion import van_hove

STILL = MotionSettings(frame=LABORATORY)
SKEWED = np.array([[18.0, 0.0, 0.0], [5.0, 17.0, 0.0], [-4.0, 6.0, 16.0]])
CELLS = {"cube": np.eye(3) * 17.0, "triclinic": SKEWED}


def in_cell(positions: np.ndarray, cell: np.ndarray, species: tuple[str, ...]) -> Trajectory:
    cells = np.broadcast_to(cell, (len(positions), 3, 3))
    return Trajectory(species, np.arange(float(len(positions))), cells, positions)


@pytest.fixture(scope="module")
def walk() -> np.ndarray:
    return brownian(5, (1500, 60), diffusivity=0.1)


def test_displacements_of_a_walk_are_maxwellian(walk: np.ndarray) -> None:
    counts = count_displacements(as_trajectory(walk, ("Li",) * 60), settings=STILL)["Li"]
    for lag in (0, 8, 14):
        # each Cartesian displacement of a walk is normal with variance 2 D t
        scale = np.sqrt(2 * 0.1 * counts.lags_ps[lag])
        density = counts.density(10).at(lag)
        edges = np.append(counts.edges[: 10 * len(density.value) : 10], counts.edges[500])
        truth = np.diff(stats.maxwell.cdf(edges, scale=scale)) / 0.2
        known = truth > 0.01 * truth.max()
        off = (density.value - truth)[known] / density.error[known]
        assert np.sqrt(np.mean(off**2)) < 2.0


def test_every_displacement_is_counted_once(walk: np.ndarray) -> None:
    counts = count_displacements(as_trajectory(walk, ("Li",) * 60), settings=STILL)["Li"]
    lags = counts.lags_ps.astype(int)
    strides = np.maximum(lags // 16, 1)
    origins = (1500 - lags + strides - 1) // strides
    np.testing.assert_array_equal(counts.by_ions.sum(axis=(0, 2)), 60 * origins)
    np.testing.assert_array_equal(counts.by_time.sum(axis=0), counts.by_ions.sum(axis=0))
    # at one frame the mean square is that of the steps themselves, to single precision
    steps = np.square(np.diff(walk, axis=0)).sum(axis=2).mean()
    assert counts.square().value[0] == pytest.approx(steps, rel=1e-5)


def test_a_walk_is_gaussian_and_hops_are_not(walk: np.ndarray) -> None:
    found = van_hove(as_trajectory(walk, ("Li",) * 60), settings=STILL)["Li"]
    alpha = found.non_gaussian["Li"]
    assert np.all(np.abs(alpha.y[:12]) < 4 * alpha.y_error[:12])
    assert found.hop_distance.status == "refused"
    hops = caged(1, hopping(1, (2000, 60), hops_per_frame=0.004), amplitude=0.4,
                 relaxation_frames=0.1)  # fmt: skip
    found = van_hove(as_trajectory(hops, ("Li",) * 60), settings=STILL)["Li"]
    alpha = found.non_gaussian["Li"]
    truth = hop_truth(alpha.x, rate=0.004, length=3.0, rattle=0.4, memory=0.1)
    early = slice(0, 18)
    off = (alpha.y - truth)[early] / alpha.y_error[early]
    assert np.sqrt(np.mean(off**2)) < 2.0
    assert found.hop_distance.low < 3.0 < found.hop_distance.high
    assert found.maximum_time.low < 1e-12 * alpha.x[truth[:20].argmax()] < found.maximum_time.high


@pytest.mark.parametrize("name", CELLS)
def test_the_cell_does_not_matter_for_the_self_part(name: str, walk: np.ndarray) -> None:
    one = count_displacements(in_cell(walk, CELLS[name], ("Li",) * 60), settings=STILL)["Li"]
    other = count_displacements(as_trajectory(walk, ("Li",) * 60), settings=STILL)["Li"]
    np.testing.assert_array_equal(one.by_time, other.by_time)


def test_order_and_place_do_not_matter(walk: np.ndarray) -> None:
    short = walk[:200]
    turned = short[:, ::-1] + np.array([7.0, -3.0, 11.0])
    one, other = (
        count_displacements(as_trajectory(w, ("Li",) * 60), settings=STILL)["Li"]
        for w in (short, turned)
    )
    # single precision may move a distance over the edge of a bin
    moved = np.abs(one.by_time.sum(axis=0) - other.by_time.sum(axis=0)).sum()
    assert moved <= 1e-4 * one.by_time.sum()


def test_a_cell_that_breathes_moves_no_distant_image() -> None:
    # an ion at rest ten cells away moves with ten times the change of the cell in stored positions
    draws = np.random.default_rng(2)
    scale = 1.0 + 0.01 * draws.normal(size=200)
    places = draws.random((30, 3))
    cells = scale[:, None, None] * SKEWED
    home = np.einsum("ai,tij->taj", places, cells)
    away = np.einsum("ai,tij->taj", places + 10, cells)
    species, times = ("Li",) * 30, np.arange(200.0)
    found = [
        count_displacements(Trajectory(species, times, cells, p), settings=STILL)["Li"]
        for p in (home, away)
    ]
    np.testing.assert_allclose(found[0].square().value, found[1].square().value, rtol=1e-5)


def breathing(cell: np.ndarray, wide: float) -> tuple[np.ndarray, np.ndarray]:
    """Return cells that fluctuate and the fractional coordinates of an ideal gas, new each time."""
    draws = np.random.default_rng(8)
    cells = (1.0 + wide * draws.normal(size=60))[:, None, None] * cell
    return cells, draws.random((60, 80, 3))


@pytest.mark.parametrize("name", CELLS)
@pytest.mark.parametrize("wide", [0.0, 0.01])
def test_others_of_an_ideal_gas_are_everywhere(name: str, wide: float) -> None:
    cells, places = breathing(CELLS[name], wide)
    gas = Trajectory(("Li",) * 50 + ("Cl",) * 30, np.arange(60.0), cells,
                     np.einsum("tai,tij->taj", places, cells))  # fmt: skip
    found = distinct_van_hove(gas, settings=DistinctSettings(bin_A=0.5, r_max_A=7.0, lags=3))
    for part, pairs in (("Li-Li", 50 * 49), ("Li-Cl", 2 * 1500), ("Cl-Cl", 30 * 29)):
        for curve in found[part].curves.curves[1:]:
            shells = np.diff((np.arange(15) * 0.5) ** 3)
            mean = float(np.asarray(curve.y) @ shells / shells.sum())
            # pairs within 7 Å of independent frames: a binomial number, 30 origins
            share = 4 * np.pi / 3 * 343 / abs(np.linalg.det(CELLS[name]))
            assert abs(mean - 1) < 4 * np.sqrt((1 - share) / (30 * pairs * share))


def test_at_time_zero_the_distinct_part_is_the_pair_distribution() -> None:
    cells, places = breathing(SKEWED, 0.0)
    places[:, :, 0] *= 0.5  # an inhomogeneous gas
    gas = Trajectory(("Li",) * 80, np.arange(60.0), cells,
                     np.einsum("tai,tij->taj", places, cells))  # fmt: skip
    settings = DistinctSettings(bin_A=0.2, r_max_A=7.0, lags=1, longest=0.02, origins=60)
    found = distinct_van_hove(gas, settings=settings)["Li-Li"].curves.curves[0]
    first = gas.select(slice(0, 59))
    counts = count_pairs(first, r_max_A=7.0, bin_A=0.2)
    # the centre of mass is held at rest there: distances do not change
    np.testing.assert_allclose(found.y, counts.pair_function(0, 0), rtol=1e-9, atol=1e-9)


def test_an_ion_that_follows_another_is_seen_in_the_distinct_part() -> None:
    # every ion of a ring moves to the place of the next one at half time
    places = np.random.default_rng(3).random((20, 3)) * 17.0
    late = np.roll(places, 1, axis=0)
    path = np.stack([places] * 40 + [late] * 40)
    settings = DistinctSettings(bin_A=0.5, r_max_A=8.0, lags=2, longest=0.6, origins=40)
    found = distinct_van_hove(in_cell(path, np.eye(3) * 17.0, ("Li",) * 20), settings=settings)
    filled = found["Li-Li"].filled.curves[0].y
    # 46 or 47 frames later every one of the first 33 origins finds its place taken by another
    assert filled[-1] == pytest.approx(1.0 + _near(places), abs=0.15)
    assert filled[0] < 0.2 + _near(places)


def _near(places: np.ndarray) -> float:
    steps = places[:, None] - places[None]
    steps -= 17.0 * np.rint(steps / 17.0)
    far = np.sqrt(np.square(steps).sum(axis=2)) + np.eye(20) * 99
    return float((far < 1.0).sum() / 20)


def test_rows_and_refusals(walk: np.ndarray) -> None:
    found = van_hove(as_trajectory(walk[:64], ("Li",) * 60), settings=STILL)
    rows = found.observations(Sample("walk", "Li", "gas", 300.0))
    assert {row.quantity for row in rows} == {
        "non_gaussian_parameter", "non_gaussian_time", "hop_length"
    }  # fmt: skip
    with pytest.raises(InputError, match="lags a decade"):
        MotionSettings(per_decade=0)
    with pytest.raises(InputError, match="half the smallest width"):
        distinct_van_hove(as_trajectory(walk[:64], ("Li",) * 60),
                          settings=DistinctSettings(r_max_A=11.0))  # fmt: skip
    bad = walk[:64].copy()
    bad[3, 2, 1] = np.nan
    with pytest.raises(InputError, match="finite"):
        van_hove(as_trajectory(bad, ("Li",) * 60), settings=STILL)
