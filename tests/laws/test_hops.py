"""Hops without sites: known jump processes are recovered, vibrations are no hops."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from validation.hop_truths import (
    BREATHING,
    CUBE,
    HOP_A,
    Box,
    Shake,
    in_a_box,
    lattice_walk,
    telegraph,
)
from validation.hops import CAGES, coverage, false_hops, recovered

from vitrolyte.data.errors import InputError
from vitrolyte.data.observation import Sample
from vitrolyte.data.trajectory import Trajectory
from vitrolyte.observe.hops.analysis import HopAnalysisSettings, hop_analysis
from vitrolyte.observe.hops.detection import HopSettings, find_hops
from vitrolyte.observe.hops.jumps import jump_statistics
from vitrolyte.observe.hops.lattice import KnownSites, site_kinetics


def walkers(seed: int, residence: float, box: Box = CUBE, *, frames: int = 1500) -> Trajectory:
    draws = np.random.default_rng(seed)
    places = lattice_walk(draws, (frames, 20), np.full(20, 1.0 / residence))
    return in_a_box(draws, places, Shake(), box)


@pytest.mark.parametrize("shake", CAGES, ids=["white", "memory 2", "memory 10"])
def test_ions_in_harmonic_cages_do_not_hop(shake: Shake) -> None:
    assert false_hops(shake, ions=40, frames=3000) == 0


@pytest.mark.parametrize("box", [CUBE, BREATHING], ids=["cube", "breathing triclinic cell"])
def test_every_hop_of_a_rare_hopper_is_found_where_and_when_it_happens(box: Box) -> None:
    draws, frames = np.random.default_rng(3), 1200
    steps = np.zeros((frames, 10, 3), dtype=np.int64)
    when = np.stack([100 + 40 * np.arange(10), 700 + 40 * np.arange(10)])
    steps[when[0], np.arange(10)] = [1, 0, 0]
    steps[when[1], np.arange(10)] = [0, -1, 0]
    found = find_hops(in_a_box(draws, np.cumsum(steps, axis=0), Shake(0.3), box), "Li")
    assert found.ions.tolist() == np.repeat(np.arange(10), 2).tolist()
    # the hop lies between two frames; noise of 0.3 Å leaves a hop of 2.6 Å where it is
    assert np.abs(found.times_ps - (when.T.ravel() - 0.5)).max() <= 1.0
    expected = np.array([[1, 0, 0], [0, -1, 0]]) @ (box.cell / box.cells)
    # means over 500 frames of 0.3 Å, in a cell whose mean is known to 0.01 / sqrt(1200)
    assert np.abs(found.vectors.reshape(10, 2, 3) - expected).max() < 0.15


def test_a_swing_that_returns_is_no_hop_and_a_stay_is_two() -> None:
    draws, frames = np.random.default_rng(5), 800
    places = np.zeros((frames, 6, 3))
    places[400, :3, 0] = 1.0
    places[400:440, 3:, 0] = 1.0
    found = find_hops(in_a_box(draws, places, Shake(0.3)), "Li")
    assert np.bincount(found.ions, minlength=6).tolist() == [0, 0, 0, 2, 2, 2]


@pytest.mark.parametrize("box", [CUBE, BREATHING], ids=["cube", "breathing triclinic cell"])
def test_whole_cells_and_units_of_time_do_not_matter(box: Box) -> None:
    run = walkers(1, 100.0, box)
    block = run.read()
    shifts = np.random.default_rng(0).integers(-3, 4, (1, run.n_atoms, 3)).astype(float)
    moved = replace(run, positions=block.positions + shifts @ block.cells, times=run.times * 0.01)
    one, other = (jump_statistics(find_hops(which, "Li")) for which in (run, moved))
    assert other.count == one.count > 200
    assert other.rate.value == pytest.approx(100.0 * one.rate.value)
    assert other.length.value == pytest.approx(one.length.value, rel=1e-4)


def test_a_drifting_framework_is_no_motion_of_ions() -> None:
    run = walkers(2, 200.0)
    block = run.read()
    carried = replace(run, positions=block.positions + 0.02 * run.times[:, None, None])
    assert len(find_hops(carried, "Li").ions) == len(find_hops(run, "Li").ions)


@pytest.mark.parametrize(
    ("residence", "shake"),
    [(100.0, Shake(0.3, 0.0)), (10.0, Shake(0.3, 0.0)), (100.0, Shake(0.4, 2.0))],
)
def test_the_rate_is_recovered_for_slow_and_quick_hops(residence: float, shake: Shake) -> None:
    # at least 600 hops: three standard errors of a count are 12 %
    assert recovered(residence, shake, ions=20, frames=3000) == pytest.approx(1.0, abs=0.12)


def test_ions_that_do_not_rest_have_no_rate() -> None:
    draws = np.random.default_rng(0)
    walk = np.cumsum(draws.normal(scale=0.15, size=(2000, 20, 3)), axis=0)
    found = hop_analysis(in_a_box(draws, walk, Shake(0.1, 0.0)), "Li")
    for number in (found.jumps.rate, found.concerted.fraction, found.census.sites_per_ion):
        assert number.status == "refused"
        assert "rest" in number.note


def test_hops_quicker_than_frames_are_refused() -> None:
    quick = jump_statistics(find_hops(walkers(0, 1.5), "Li"))
    assert quick.rate.status == "refused"


def test_no_hop_gives_a_bound_and_no_number() -> None:
    still = jump_statistics(find_hops(walkers(0, 1e9), "Li"))
    assert still.rate.status == still.length.status == "refused"
    assert "less than 1e+08 1/s" in still.rate.note


def test_frozen_ions_do_not_hop() -> None:
    places = np.ones((500, 5, 3)) * np.arange(5)[None, :, None]
    cells = np.broadcast_to(np.eye(3) * 20.0, (500, 3, 3))
    run = Trajectory(("Li",) * 5, np.arange(500.0), cells, places)
    assert len(find_hops(run, "Li").ions) == 0


@pytest.mark.parametrize("box", [CUBE, BREATHING], ids=["cube", "breathing triclinic cell"])
def test_rates_between_two_kinds_of_sites(box: Box) -> None:
    draws, rates, ions = np.random.default_rng(8), (1.0 / 200.0, 1.0 / 80.0), 24
    state = np.stack([telegraph(draws, 2500, rates) for _ in range(ions)], axis=1)
    corner = np.stack(np.unravel_index(np.arange(ions) * 2, (6, 6, 6)), axis=1).astype(float)
    step = np.array([0.0, 0.0, 1.0])
    run = in_a_box(draws, corner[None] + state[..., None] * step, Shake(), box)
    sites = KnownSites(np.concatenate([corner, corner + step]) / 6, ("a",) * ions + ("b",) * ions)
    found = site_kinetics(find_hops(run, "Li"), sites)
    truths = {"a->b": rates[0] * 1e12, "b->a": rates[1] * 1e12}
    assert set(found.rates) == set(truths)
    for name, truth in truths.items():
        assert found.rates[name].low < truth < found.rates[name].high
    assert found.occupancy["a"].value + found.occupancy["b"].value == pytest.approx(1.0)
    # time in a over time in both, of these very states
    assert found.occupancy["a"].value == pytest.approx(float((state == 0).mean()), abs=0.01)
    assert found.off_site.value == 0.0


def test_the_result_lists_its_rows_and_curves() -> None:
    found = hop_analysis(walkers(4, 100.0), "Li", HopAnalysisSettings())
    rows = found.observations(Sample("walk", "Li2O", "model", 300.0))
    words = {row.quantity for row in rows}
    assert {"jump_rate", "correlation_factor", "sites_per_ion", "string_length", "u_iso"} <= words
    assert all(row.of == "Li" for row in rows)
    for curves in (found.jumps.threshold_curves, found.jumps.residence_curves):
        assert all(np.isfinite(curve.y).all() for curve in curves.curves)


def test_bad_settings_are_refused() -> None:
    with pytest.raises(InputError, match="positive"):
        HopSettings(distance_A=-1.0)
    with pytest.raises(InputError, match="species"):
        find_hops(walkers(0, 100.0, frames=50), "Na")
    with pytest.raises(InputError, match="label"):
        KnownSites(np.zeros((2, 3)), ("a",))


RUNS = 30


def test_intervals_hold_the_truth() -> None:
    for one in coverage("walk", RUNS):
        assert one.answered >= 0.9 * one.runs, one.name
        # probability of so few hits if the true coverage were 0.93, over a dozen quantities
        assert stats.binom.cdf(one.held, one.answered, 0.93) > 0.05 / 12, one


def test_hop_length_is_that_of_the_lattice() -> None:
    found = jump_statistics(find_hops(walkers(6, 300.0), "Li"))
    assert found.length.low < HOP_A < found.length.high
