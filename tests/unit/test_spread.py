"""Scatter over ions and over time."""

import numpy as np
import pytest

from vitrolyte.observe.spread import Spread, neighbourly, spread


def ratio(sums: np.ndarray) -> np.ndarray:
    return sums[..., 0] / sums[..., 1]


def table(values: np.ndarray) -> np.ndarray:
    return np.stack([values, np.ones_like(values)], axis=-1)


def test_the_error_of_a_mean_is_the_textbook_one() -> None:
    values = np.random.default_rng(1).normal(size=(20, 3))
    found = spread(table(values), table(values), ratio)
    np.testing.assert_allclose(found.value, values.mean(axis=0))
    np.testing.assert_allclose(found.error, values.std(axis=0, ddof=1) / np.sqrt(20))


def test_the_larger_scatter_decides() -> None:
    draws = np.random.default_rng(2)
    quiet, loud = 1.0 + 0.01 * draws.normal(size=20), 1.0 + draws.normal(size=10)
    loud *= 2.0 * quiet.sum() / 2.0 / loud.sum()
    both = spread(
        np.stack([quiet, np.ones(20)], axis=1), np.stack([loud, np.full(10, 2.0)], axis=1), ratio
    )
    alone = spread(table(quiet)[:0], np.stack([loud, np.full(10, 2.0)], axis=1), ratio)
    assert both.error == pytest.approx(alone.error)


def test_a_single_part_has_no_error() -> None:
    one = Spread(np.array(2.0), np.array([2.0]), np.array([2.0]))
    assert one.quantity("1").status == "provisional"
    assert np.isnan(one.quantity("1").error)
    assert one.logarithmic("1").value == pytest.approx(np.exp(2.0))


def test_influence_of_a_linear_statistic_is_exact() -> None:
    values = np.random.default_rng(3).normal(size=(12, 4))
    whole = spread(table(values), table(values), ratio)
    matrix = np.array([[1.0, -2.0, 0.5, 0.0], [0.0, 1.0, 1.0, 1.0]])
    moved = whole.influenced(matrix @ whole.value, matrix)
    direct = whole.through(lambda y: matrix @ y)
    np.testing.assert_allclose(moved.error, direct.error)


def test_neighbours_stand_close_together() -> None:
    places = np.random.default_rng(4).random((64, 3)) * 10
    doubled = np.repeat(places, 2, axis=0) + 0.01
    order = neighbourly(doubled, np.eye(3) * 10)
    assert sorted(order) == list(range(128))
    mates = np.flatnonzero(np.diff(order // 2) == 0)
    assert len(mates) == 64
