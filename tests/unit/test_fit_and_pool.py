"""Fits with weights, and means over replicas."""

import numpy as np
import pytest

from vitrolyte.data.curve import Axis, Curve
from vitrolyte.data.errors import InputError, NotConverged
from vitrolyte.data.model import Model, Parameter
from vitrolyte.data.quantity import Quantity
from vitrolyte.infer.fit import fit
from vitrolyte.infer.pool import pool

X, Y = Axis("x", ""), Axis("y", "")


def decay(x: np.ndarray, p: np.ndarray) -> np.ndarray:
    return np.asarray(p[0] * (1.0 - np.exp(-p[1] * x)))


# NIST StRD, Misra1a: https://www.itl.nist.gov/div898/strd/nls/data/misra1a.shtml
MISRA_X = [77.6, 114.9, 141.1, 190.8, 239.9, 289.0, 332.8, 378.4, 434.8, 477.3, 536.8, 593.1, 689.1,
           760.0]  # fmt: skip
MISRA_Y = [10.07, 14.73, 17.94, 23.93, 29.61, 35.18, 40.02, 44.82, 50.76, 55.05, 61.01, 66.40,
           75.47, 81.78]  # fmt: skip


@pytest.mark.parametrize("start", [(500.0, 1e-4), (250.0, 5e-4)])
def test_nist_misra1a(start: tuple[float, float]) -> None:
    model = Model(decay, (Parameter("b1", start[0], "1"), Parameter("b2", start[1], "1")))
    found = fit(model, Curve(np.array(MISRA_X), np.array(MISRA_Y), X, Y))
    # certified values and standard deviations of the same page
    assert found.parameters["b1"].value == pytest.approx(2.3894212918e02, rel=1e-6)
    assert found.parameters["b2"].value == pytest.approx(5.5015643181e-04, rel=1e-6)
    assert found.parameters["b1"].error == pytest.approx(2.7070075241, rel=1e-4)
    assert found.parameters["b2"].error == pytest.approx(7.2668688436e-06, rel=1e-4)
    assert not found.poor


def line(x: np.ndarray, p: np.ndarray) -> np.ndarray:
    return np.asarray(p[0] + p[1] * x)


def straight(seed: int, scatter: float, error: float) -> Curve:
    x = np.linspace(0.0, 1.0, 6)
    noise = scatter * np.random.default_rng(seed).normal(size=6)
    return Curve(x, 1.0 + 2.0 * x + noise, X, Y, np.full(6, error))


LINE = Model(line, (Parameter("a", 0.0, "1"), Parameter("b", 1.0, "1")))


@pytest.mark.parametrize("scatter", [1.0, 5.0])
def test_slopes_are_within_their_intervals(scatter: float) -> None:
    # errors right, and five times too small
    found = [fit(LINE, straight(seed, 0.1 * scatter, 0.1)).parameters["b"] for seed in range(200)]
    share = np.mean([q.low <= 2.0 <= q.high for q in found])
    # two and a half binomial errors below 95 %
    assert share > 0.91


def test_an_undetermined_parameter_is_named() -> None:
    model = Model(lambda x, p: line(x, np.array([p[0] + p[1], 1.0])), LINE.parameters)
    with pytest.raises(NotConverged, match="determined by the points"):
        fit(model, straight(1, 0.1, 0.1))


def test_too_few_points_and_bad_errors() -> None:
    with pytest.raises(InputError, match="more points"):
        fit(LINE, Curve(np.arange(2.0), np.arange(2.0), X, Y))
    with pytest.raises(InputError, match="above zero"):
        fit(LINE, Curve(np.arange(3.0), np.arange(3.0), X, Y, np.zeros(3)))


def test_band_is_the_error_of_the_line() -> None:
    found = fit(LINE, straight(2, 0.1, 0.1))
    value, error = found.band(np.array([0.0]))
    assert value[0] == pytest.approx(found.parameters["a"].value)
    assert error[0] == pytest.approx(found.parameters["a"].error, rel=1e-5)


def test_pool_of_equals_is_their_mean_and_narrower() -> None:
    alike = [Quantity.normal(2.0, 0.1, "eV")] * 5
    found = pool(alike)
    assert found.value == pytest.approx(2.0)
    assert 1.96 * 0.1 / np.sqrt(5) < found.high - found.value < 1.96 * 0.1


def test_pool_admits_a_spread_beyond_the_errors() -> None:
    apart = [Quantity.normal(v, 0.01, "eV") for v in (1.0, 2.0, 3.0)]
    found = pool(apart)
    # the spread of the replicas, not their own errors: standard error of three values 1 apart
    assert found.error > 1.0 / np.sqrt(3)
    assert found.low < 1.0 < 3.0 < found.high


def test_pool_without_errors_is_students_mean() -> None:
    found = pool([Quantity(v, "eV") for v in (1.0, 2.0, 3.0)])
    # t(0.975, 2) = 4.303 (any table), standard error 1/√3
    assert found.high - 2.0 == pytest.approx(4.303 / np.sqrt(3), rel=1e-3)


def test_pool_weighs_the_precise_replica_more() -> None:
    found = pool([Quantity.normal(1.0, 0.01, "eV"), Quantity.normal(1.1, 0.2, "eV")])
    assert abs(found.value - 1.0) < 0.03


def test_pool_of_logarithms_is_a_geometric_mean() -> None:
    numbers = [Quantity(v, "S/cm", 0.1 * v, v / 1.2, v * 1.2) for v in (1e-3, 1e-2, 1e-1)]
    assert pool(numbers, logarithmic=True).value == pytest.approx(1e-2)


def test_refused_replicas_leave_a_doubt() -> None:
    good = Quantity.normal(1.0, 0.1, "eV")
    bad = Quantity.refused("eV", "less than a hop")
    found = pool([good, good, bad])
    assert found.status == "provisional"
    assert "1 of 3 replicas refused" in found.note
    assert pool([bad, bad]).status == "refused"


def test_pool_needs_one_unit() -> None:
    with pytest.raises(InputError, match="one common unit"):
        pool([Quantity(1.0, "eV"), Quantity(1.0, "K")])
    with pytest.raises(InputError, match="one common unit"):
        pool([])
