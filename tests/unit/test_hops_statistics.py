"""Survival, returns, exponents, clustered errors: against published numbers and closed forms."""

import numpy as np
import pytest
from scipy import stats

from vitrolyte.observe.hops.intervals import event_rate, jackknifed, spread
from vitrolyte.observe.hops.residence import (
    Waits,
    exponent,
    median_stay,
    return_share,
    returned,
    survival,
)
from vitrolyte.observe.hops.sites import unseen

# Remission under 6-mercaptopurine, weeks; a plus is a patient still in remission.
# Freireich et al., Blood 21, 699 (1963), doi:10.1182/blood.V21.6.699.699
REMISSION = "6 6 6 6+ 7 9+ 10 10+ 11+ 13 16 17+ 19+ 20+ 22 23 25+ 32+ 32+ 34+ 35+"
LENGTH = np.array([float(word.rstrip("+")) for word in REMISSION.split()])
LEFT = np.array([not word.endswith("+") for word in REMISSION.split()])


def waits(length: np.ndarray, left: np.ndarray, back: np.ndarray, unseen_ps: float = 0.0) -> Waits:
    return Waits(length, left, back, np.arange(len(length)) % 20, unseen_ps)


def test_survival_of_the_remission_data() -> None:
    at = np.array([5.0, 6.0, 7.0, 10.0, 13.0, 16.0, 22.0, 23.0])
    # Kaplan-Meier estimate of these data as tabulated in Collett, Modelling Survival Data in
    # Medical Research (and by hand: 18/21, then 16/17, 14/15, 11/12, 10/11, 6/7, 5/6)
    expected = [1.0, 0.857, 0.807, 0.753, 0.690, 0.627, 0.538, 0.448]
    assert survival(LENGTH, LEFT, at) == pytest.approx(expected, abs=6e-4)


def test_survival_without_censoring_is_the_share_that_lasts_longer() -> None:
    length = np.random.default_rng(0).exponential(3.0, 200)
    at = np.linspace(0.0, 10.0, 30)
    expected = (length[None] > at[:, None]).mean(axis=1)
    assert survival(length, np.ones(200, dtype=bool), at) == pytest.approx(expected)


def test_exits_of_all_kinds_add_up() -> None:
    draws = np.random.default_rng(1)
    length, left, back = draws.exponential(2.0, 300), draws.random(300) < 0.7, draws.random(300)
    ways = waits(length, left, left & (back < 0.4))
    other = waits(length, left, left & (back >= 0.4))
    at = np.linspace(0.0, 8.0, 20)
    whole = returned(ways, at) + returned(other, at) + survival(length, left, at)
    assert whole == pytest.approx(np.ones(20))


@pytest.mark.parametrize("power", [0.6, 1.0, 1.7])
def test_exponent_of_censored_and_truncated_stays(power: float) -> None:
    draws = np.random.default_rng(2)
    drawn = draws.weibull(power, 6000) * 10.0
    drawn = drawn[drawn > 1.0]
    found = exponent(waits(np.minimum(drawn, 20.0), drawn < 20.0, drawn < 0.0, 1.0))
    assert found.low < power < found.high
    assert found.error < 0.1


def test_median_of_exponential_stays() -> None:
    drawn = np.random.default_rng(3).exponential(10.0, 800)
    end = np.minimum(drawn, 25.0)
    found = median_stay(waits(end, drawn < 25.0, drawn < 0.0))
    assert found.low < 10e-12 * np.log(2.0) < found.high
    assert found.high - found.low < 3e-12


def test_censoring_does_not_turn_quick_returns_into_many() -> None:
    # Half of the exits lead back, within 1 on average; the others take 10. Watched for 4 only, a
    # plain count of what was seen would make returns 0.75 of all.
    draws = np.random.default_rng(4)
    back = draws.random(4000) < 0.5
    drawn = np.where(back, draws.exponential(1.0, 4000), draws.exponential(10.0, 4000))
    watched = draws.uniform(4.0, 60.0, 4000)
    left = drawn < watched
    found = return_share(waits(np.minimum(drawn, watched), left, back & left))
    assert found.low < 0.5 < found.high


def test_clustered_variance_knows_independent_events_and_pairs() -> None:
    draws = np.random.default_rng(5)
    alone = draws.poisson(0.5, (40, 20)).astype(float)
    single = spread(alone - alone.mean()).variance
    # an independent count varies by its mean; 400 of them
    assert single == pytest.approx(400.0, rel=0.35)
    twice = np.concatenate([alone, alone])
    paired = spread(twice - twice.mean()).variance
    # pairs in step vary twice as much as as many independent ions
    assert paired == pytest.approx(2 * 2 * single, rel=0.35)


@pytest.mark.parametrize("mean", [3.0, 30.0])
def test_rates_of_poisson_events_are_held(mean: float) -> None:
    draws = np.random.default_rng(6)
    held, seen = 0, 0
    for _ in range(300):
        table = draws.poisson(mean / 200.0, (10, 20)).astype(float)
        rate = event_rate(table, np.ones((10, 20)))
        if rate.status != "refused":
            seen += 1
            held += rate.low <= mean / 200.0 <= rate.high
    assert stats.binom.cdf(held, seen, 0.93) > 0.01


def test_jackknife_refuses_few_groups() -> None:
    def mean(use: np.ndarray) -> float:
        return float(use.sum())

    assert jackknifed(mean, np.arange(3), "1").status == "refused"


def test_unseen_kinds_of_a_known_number() -> None:
    # 200 kinds, each met in each of 20 samples with probability 0.08: all alike, so that Chao's
    # bound is the number itself
    draws = np.random.default_rng(8)
    held = 0
    for _ in range(200):
        met = draws.binomial(20, 0.08, 200)
        missing = float((met == 0).sum())
        value, low, high = unseen(met[met > 0])
        held += low <= missing <= high
        assert value > 0.0
    assert stats.binom.cdf(held, 200, 0.92) > 0.01
