"""Intervals hold the truth, chance is told from coupling; the full count is in validation."""

import numpy as np
import pytest
from scipy import stats
from validation.rotation import CASES, Wheel, coverage, p_values, wheel_events, wheel_found

from vitrolyte.observe.rotation.coupling import CoincidenceSettings, EventSeries, coincidence

RUNS = 60


@pytest.mark.parametrize("case", ["paddle wheel", "no paddle wheel"])
def test_intervals_of_a_coupling_hold_the_truth(case: str) -> None:
    for one in coverage(case, RUNS):
        assert one.answered == one.runs, one.name
        # probability of so few hits if the true coverage were 0.93, over six quantities
        assert stats.binom.cdf(one.held, one.answered, 0.93) > 0.05 / 6, one


def test_intervals_of_correlation_times_hold_the_truth() -> None:
    for one in coverage("short run", 20):
        assert stats.binom.cdf(one.held, one.answered, 0.93) > 0.05 / 6, one


@pytest.mark.parametrize("bursts", [0.0, 100.0], ids=["steady", "in bursts"])
def test_chance_gives_any_p_value(bursts: float) -> None:
    found = p_values(Wheel(bursts=bursts), 80)
    assert stats.kstest(found, "uniform").pvalue > 0.01


def test_a_coupling_is_seen_and_stands_behind_the_rotation() -> None:
    found = wheel_found(1, Wheel(strength=0.3))
    assert found.p_value.value < 0.01
    assert found.excess.low > 0.0
    assert found.excess_after.low > 0.0
    assert found.excess_before.low < 0.0 < found.excess_before.high
    assert found.probability > found.probability_at_random


def test_a_coupling_is_gone_when_hops_are_given_to_other_rotors() -> None:
    wheel = Wheel(strength=0.3)
    rotations, hops = wheel_events(1, wheel)
    mixed = EventSeries(hops.times_ps, (hops.ions + 5) % wheel.carriers)
    settings = CoincidenceSettings(window_ps=10.0, shifts=399)
    span = (0.0, wheel.steps - 1.0)
    found = coincidence(rotations, mixed, span, settings=settings, step_ps=1.0)
    assert found.p_value.value > 0.01
    assert found.excess.low < 0.0 < found.excess.high


def test_the_curve_is_one_without_a_coupling() -> None:
    curve = wheel_found(2, Wheel()).curve
    inside = (curve["found"].y >= curve["chance, lower"].y) & (
        curve["found"].y <= curve["chance, upper"].y
    )
    assert inside.mean() > 0.8
    assert np.mean(curve["found"].y) == pytest.approx(1.0, abs=0.1)


def test_every_case_has_a_name() -> None:
    assert {"diffusing", "jumping", "cone", "paddle wheel", "no paddle wheel"} <= set(CASES)
