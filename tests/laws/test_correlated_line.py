"""Intervals of lines through correlated points hold the truth at the stated rate."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from tests.cycled_cells import cell, correlated

from vitrolyte.data.errors import InputError
from vitrolyte.infer.correlated_line import correlated_fit
from vitrolyte.laboratory.cycling.analysis import CycledCell, CyclingSettings, cycling

SLOPE = np.array([0.0, 1.0])


def design(count: int) -> np.ndarray:
    return np.column_stack([np.ones(count), np.arange(count) - (count - 1) / 2])


def test_intervals_cover_over_all_correlations() -> None:
    # correlations drawn as the fit supposes them: 95 % by construction, if its algebra is right
    held, seeds = 0, 200
    for seed in range(seeds):
        rng = np.random.default_rng(seed)
        errors = correlated(rng.uniform(0, 0.995), 25, rng)
        fitted = correlated_fit(np.arange(25.0), design(25), 3.0 + errors)
        slope = fitted.quantity(SLOPE, "1")
        held += slope.low <= 0.0 <= slope.high
    # binomial bounds of 95 % in 200, at one in a thousand
    assert stats.binom.ppf(5e-4, seeds, 0.95) <= held <= stats.binom.ppf(1 - 5e-4, seeds, 0.95)


def test_strong_correlation_widens_the_interval() -> None:
    rng = np.random.default_rng(1)
    noise = rng.normal(size=60)
    walk = np.cumsum(noise) / 4
    loose = correlated_fit(np.arange(60.0), design(60), noise)
    tight = correlated_fit(np.arange(60.0), design(60), walk)
    assert loose.correlation < 0.3 < 0.8 < tight.correlation


def test_the_law_is_found_exactly_without_errors() -> None:
    x = design(20)
    found = correlated_fit(np.arange(20.0), x, x @ np.array([2.0, -0.3]))
    np.testing.assert_allclose(found.best, [2.0, -0.3], atol=1e-9)
    quantity = found.quantity(SLOPE, "1")
    assert quantity.low <= -0.3 + 1e-9
    assert quantity.high >= -0.3 - 1e-9


def test_too_few_points_are_refused() -> None:
    with pytest.raises(InputError, match="4 points"):
        correlated_fit(np.arange(3.0), design(3), np.zeros(3))
    with pytest.raises(InputError, match="rising"):
        correlated_fit(np.zeros(9), design(9), np.zeros(9))


def test_fade_of_cells_is_covered() -> None:
    held, seeds = 0, 40
    numbers = np.arange(31)
    for seed in range(seeds):
        rng = np.random.default_rng(seed)
        noise = 0.004 * correlated(0.6, 31, rng)
        down = 2.0 - 0.003 * numbers + noise
        found = cycling(cell(down / 0.995, down), CyclingSettings())
        assert isinstance(found, CycledCell)
        truth = 0.003 / (2.0 - 0.003)
        held += found.fade.low <= truth <= found.fade.high
    assert held >= stats.binom.ppf(5e-4, seeds, 0.95)
