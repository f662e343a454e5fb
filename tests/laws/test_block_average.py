"""An interval of 95 % must hold the truth in 95 of 100 cases, also for correlated series."""

import math

import numpy as np
import pytest
from scipy.signal import lfilter
from scipy.stats import binom

from vitrolyte.data.errors import InputError
from vitrolyte.observe.blocks import (
    block_average,
    block_mean,
    correlation_length,
    jackknife,
    stationary_average,
)

RUNS = 400


def memory(phi: float, n: int, seed: int, runs: int = RUNS) -> np.ndarray:
    """Return stationary AR(1) series of mean 0 and variance 1, (runs, n)."""
    random = np.random.default_rng(seed)
    noise = random.normal(size=(runs, n)) * math.sqrt(1 - phi**2)
    noise[:, 0] = random.normal(size=runs)
    return lfilter([1.0], [1.0, -phi], noise, axis=1)


@pytest.mark.parametrize(
    ("phi", "n"), [(0.0, 60), (0.0, 1000), (0.5, 200), (0.9, 1000), (0.9, 4000), (0.98, 8000)]
)
def test_coverage_of_correlated_series(phi: float, n: int) -> None:
    held = 0
    for series in memory(phi, n, seed=int(100 * phi) + n):
        number = block_average(series, "1")
        held += number.low <= 0.0 <= number.high
    # Accepted: what a true coverage between 92 and 98 % gives in all but 1 of 1000 repetitions.
    assert binom.ppf(0.0005, RUNS, 0.92) <= held <= binom.ppf(0.9995, RUNS, 0.98)


def test_the_error_is_that_of_theory() -> None:
    # For AR(1) the variance of the mean tends to (1 + phi) / (1 - phi) / n.
    phi, n = 0.9, 20000
    errors = [block_mean(series).error for series in memory(phi, n, seed=5, runs=60)]
    assert np.mean(errors) == pytest.approx(math.sqrt((1 + phi) / (1 - phi) / n), rel=0.05)


def test_correlation_length_is_that_of_theory() -> None:
    lengths = [correlation_length(series) for series in memory(0.8, 20000, seed=6, runs=40)]
    assert np.mean(lengths) == pytest.approx((1 + 0.8) / (1 - 0.8), rel=0.05)


def test_a_run_of_few_correlation_times_is_provisional() -> None:
    number = block_average(memory(0.99, 400, seed=7, runs=1)[0], "Å")
    assert number.status == "provisional"
    assert "correlation times" in number.note


def test_a_drifting_run_is_provisional() -> None:
    drifting = memory(0.5, 1000, seed=8, runs=1)[0] + np.linspace(0, 3, 1000)
    assert "drifts" in stationary_average(drifting, "g/cm³").note
    assert stationary_average(memory(0.5, 1000, seed=8, runs=1)[0], "g/cm³").status == "ok"


def test_constants_and_few_samples() -> None:
    assert block_average(np.full(50, 2.5), "1").error == 0.0
    assert math.isnan(block_average([1.0, 2.0], "1").error)
    assert block_average([], "1").status == "refused"
    with pytest.raises(InputError):
        block_mean([1.0, 2.0])


def test_jackknife_of_a_mean_is_its_standard_error() -> None:
    values = np.random.default_rng(9).normal(size=25)
    left_out = (values.sum() - values) / 24
    number = jackknife(values.mean(), left_out, "1")
    assert number.error == pytest.approx(values.std(ddof=1) / 5.0)
