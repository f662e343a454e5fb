"""The 95 % intervals hold the truth; the full count is in validation/coverage.py."""

import pytest
from scipy import stats
from validation.coverage import coverage

RUNS = 60


@pytest.mark.parametrize(
    "case", ["short walk", "pairs moving as one", "rattling ions", "two species"]
)
def test_intervals_hold_the_truth(case: str) -> None:
    for one in coverage(case, RUNS):
        assert one.answered >= 0.95 * one.runs, one.name
        # probability of so few hits if the true coverage were 0.93, over twelve quantities
        assert stats.binom.cdf(one.held, one.answered, 0.93) > 0.05 / 12, one


def test_an_interval_half_as_wide_would_be_found_out() -> None:
    # 67 % of normal deviates lie within half of a 95 % interval
    assert stats.binom.cdf(int(0.67 * RUNS), RUNS, 0.93) < 0.05 / 12
