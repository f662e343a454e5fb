"""Fixed, logarithmic and complex parameters, bounds, starts, quality, bootstrap, joint fits."""

from dataclasses import replace

import numpy as np
import pytest
from validation.laboratory_fitter import (
    DECAY,
    TRUTH,
    coverage_bounds,
    decaying,
    fit_coverage,
    joint_coverage,
)

from vitrolyte.data.curve import Axis, Curve
from vitrolyte.data.errors import InputError, NotConverged
from vitrolyte.data.model import Model, Parameter
from vitrolyte.infer.fit import FitSettings, derivatives, fit
from vitrolyte.infer.joint import joint_fit
from vitrolyte.infer.quality import normality_probability, quality_of, runs_probability

X, Y = Axis("x", ""), Axis("y", "")
SEEDS = range(30)


def line(x: np.ndarray, p: np.ndarray) -> np.ndarray:
    return np.asarray(p[0] + p[1] * x)


LINE = Model(line, (Parameter("a", 0.0, "1"), Parameter("b", 1.0, "1")))


def straight(seed: int, count: int = 20, noise: float = 0.1) -> Curve:
    x = np.linspace(0.0, 1.0, count)
    rng = np.random.default_rng(seed)
    return Curve(x, 1.0 + 2.0 * x + noise * rng.normal(size=count), X, Y, np.full(count, noise))


def test_a_fixed_parameter_stays_and_has_no_error() -> None:
    found = fit(LINE.holding(b=2.0), straight(1))
    assert found.parameters["b"].value == 2.0
    assert np.isnan(found.parameters["b"].error)
    assert found.dof == 19
    assert found.covariance[1, 1] == 0.0
    # with the slope known the intercept is a mean: its error is the noise over root n
    assert found.parameters["a"].error == pytest.approx(0.1 / np.sqrt(20), rel=0.2)
    with pytest.raises(InputError, match="parameters of this model"):
        LINE.holding(c=1.0)


def test_a_logarithmic_parameter_has_an_interval_of_one_factor() -> None:
    found = fit(DECAY, decaying(3)).parameters["tau"]
    assert found.high / found.value == pytest.approx(found.value / found.low, rel=1e-9)
    plain = tuple(replace(p, logarithmic=False) for p in DECAY.parameters)
    same = fit(replace(DECAY, parameters=plain), decaying(3)).parameters["tau"]
    assert found.value == pytest.approx(same.value, rel=1e-8)
    assert found.error == pytest.approx(same.error, rel=1e-6)
    with pytest.raises(InputError, match="above zero"):
        Parameter("tau", -1.0, "s", logarithmic=True)


def test_real_and_imaginary_parts_both_count() -> None:
    w = np.geomspace(0.01, 100.0, 30)

    def circuit(x: np.ndarray, p: np.ndarray) -> np.ndarray:
        return np.asarray(p[0] / (1.0 + 1j * x * p[0] * p[1]))

    model = Model(circuit, (Parameter("R", 5.0, "ohm"), Parameter("C", 0.3, "F")))
    rng = np.random.default_rng(2)
    noise = 0.02 * (rng.normal(size=30) + 1j * rng.normal(size=30))
    curve = Curve(w, circuit(w, np.array([4.0, 0.2])) + noise, X, Y, np.full(30, 0.02))
    found = fit(model, curve)
    assert found.dof == 58
    assert np.iscomplexobj(found.residuals)
    assert len(found.residuals) == 30
    for name, truth in (("R", 4.0), ("C", 0.2)):
        number = found.parameters[name]
        assert abs(number.value - truth) < 4.0 * number.error
    value, error = found.band(np.array([1e-6]))
    # at no frequency the impedance is R
    assert value[0].real == pytest.approx(found.parameters["R"].value, rel=1e-6)
    assert error[0].real == pytest.approx(found.parameters["R"].error, rel=1e-4)

    def slopes(x: np.ndarray, p: np.ndarray) -> np.ndarray:
        z = circuit(x, p)
        return np.stack([(z / p[0]) ** 2, -1j * x * z**2], axis=1)

    exact = Model(circuit, model.parameters, slopes)
    again = fit(exact, curve)
    assert again.model.values == pytest.approx(found.model.values, rel=1e-7)
    assert again.covariance == pytest.approx(found.covariance, rel=1e-5)


def test_differences_equal_derivatives_also_at_a_bound_and_at_zero() -> None:
    def power(x: np.ndarray, p: np.ndarray) -> np.ndarray:
        return np.asarray(p[0] * x ** p[1] + p[2])

    parameters = (
        Parameter("a", 2e-12, "F"), Parameter("n", 1.0, "1", 0.0, 1.0), Parameter("c", 0.0, "1"),
    )  # fmt: skip
    x = np.linspace(0.5, 3.0, 7)
    got = derivatives(Model(power, parameters), x)
    exact = np.stack([x, 2e-12 * x * np.log(x), np.ones(7)], axis=1)
    assert got == pytest.approx(exact, rel=1e-7, abs=1e-20)


def test_a_parameter_at_its_bound_says_so_and_keeps_inside() -> None:
    curve = straight(4)
    held = Model(line, (LINE.parameters[0], Parameter("b", 1.0, "1", 0.0, 1.5)))
    found = fit(held, curve)
    number = found.parameters["b"]
    assert number.value == 1.5
    assert number.high == 1.5
    assert number.status == "provisional"
    assert "bound" in number.note
    assert found.at_bound == ("b",)


def test_what_is_not_determined_is_refused_alone_where_asked_for() -> None:
    x = np.linspace(0.0, 1.0, 12)

    def doubled(x: np.ndarray, p: np.ndarray) -> np.ndarray:
        return np.asarray(p[0] + p[1] + p[2] * x)

    names = ("a", "b", "c")
    model = Model(doubled, tuple(Parameter(n, 1.0, "1") for n in names))
    curve = Curve(x, 1.0 + 2.0 * x + 0.1 * np.cos(40.0 * x), X, Y)
    with pytest.raises(NotConverged, match="determined by the points"):
        fit(model, curve)
    found = fit(model, curve, settings=FitSettings(undetermined="refuse"))
    assert [found.parameters[n].status for n in names] == ["refused", "refused", "ok"]
    alone = fit(LINE, curve).parameters["b"]
    assert found.parameters["c"].error == pytest.approx(alone.error * np.sqrt(10 / 9), rel=1e-6)


def test_a_logarithm_without_an_end_is_refused() -> None:
    # the level is far below the noise: any value below it fits as well
    model = Model(
        lambda x, p: p[0] * x + p[1] * 1e-9,
        (Parameter("slope", 1.0, "1"), Parameter("level", 1.0, "1", logarithmic=True)),
    )
    curve = Curve(np.linspace(1.0, 2.0, 20), np.linspace(1.0, 2.0, 20), X, Y, np.full(20, 0.1))
    number = fit(model, curve).parameters["level"]
    assert number.status == "refused"
    assert "decades" in number.note


def test_points_without_scatter_give_no_confident_error() -> None:
    x = np.linspace(0.0, 1.0, 10)
    found = fit(LINE, Curve(x, 1.0 + 2.0 * x, X, Y)).parameters["b"]
    assert found.status == "provisional"
    assert "rounding" in found.note


def test_a_start_without_a_value_is_refused() -> None:
    model = Model(lambda x, p: np.log(x) * p[0], (Parameter("a", 1.0, "1"),))
    with (
        np.errstate(divide="ignore"),
        pytest.raises(NotConverged, match="has a value"),
    ):
        fit(model, Curve(np.array([0.0, 1.0, 2.0]), np.ones(3), X, Y))


def wave(x: np.ndarray, p: np.ndarray) -> np.ndarray:
    return np.asarray(p[0] * np.sin(p[1] * x))


def test_several_starts_find_the_lowest_of_many_minima_and_count() -> None:
    x = np.linspace(0.0, 10.0, 60)
    rng = np.random.default_rng(7)
    y = wave(x, np.array([1.0, 3.0])) + 0.05 * rng.normal(size=60)
    curve = Curve(x, y, X, Y, np.full(60, 0.05))
    model = Model(wave, (Parameter("a", 0.8, "1"), Parameter("w", 5.0, "1", 1.0, 6.0)))
    alone = fit(model, curve)
    assert alone.poor
    best = fit(model, curve, settings=FitSettings(starts=40))
    assert best.parameters["w"].value == pytest.approx(3.0, abs=0.01)
    assert 0.0 < best.reached < 1.0
    again = fit(model, curve, settings=FitSettings(starts=40))
    assert again.reached == best.reached


def test_residuals_in_order_are_noticed() -> None:
    x = np.linspace(0.0, 1.0, 60)
    rng = np.random.default_rng(1)
    bent = Curve(x, 1.0 + 2.0 * x + x**2 + 0.05 * rng.normal(size=60), X, Y, np.full(60, 0.05))
    found = fit(LINE, bent)
    assert found.quality.runs_p < 0.01
    assert "one sign" in found.quality.sentence
    assert found.judged("a").status == "provisional"
    good = fit(LINE, straight(5, 60))
    assert good.quality.sentence == ""
    assert good.judged("a").status == "ok"


def test_tests_of_residuals_raise_alarms_at_their_rate() -> None:
    rng = np.random.default_rng(3)
    draws = rng.normal(size=(2000, 40))
    runs = np.array([runs_probability([one]) for one in draws])
    normal = np.array([normality_probability(one) for one in draws])
    # three binomial errors about 5 %; the number of runs is discrete and a little below it
    assert np.mean(normal < 0.05) == pytest.approx(0.05, abs=0.015)
    assert 0.02 < np.mean(runs < 0.05) < 0.065
    heavy = rng.standard_t(2, size=(200, 60))
    assert np.mean([normality_probability(one) < 0.05 for one in heavy]) > 0.7
    slow = np.array([np.convolve(rng.normal(size=50), np.ones(8), "valid") for _ in range(200)])
    assert np.mean([runs_probability([one]) < 0.05 for one in slow]) > 0.9


def test_normality_agrees_with_tables() -> None:
    # D'Agostino & Stephens (1986), table 4.7: A*² = 0.752 at 5 %, 1.035 at 1 %
    from vitrolyte.infer.quality import _anderson_tail

    assert _anderson_tail(0.752) == pytest.approx(0.05, abs=0.001)
    assert _anderson_tail(1.035) == pytest.approx(0.01, abs=0.0003)


def test_errors_that_are_too_large_are_noticed() -> None:
    quality = quality_of(0.1 * np.random.default_rng(1).normal(size=50), chi2=0.5, dof=48)
    assert "smaller than the errors" in quality.sentence


@pytest.mark.parametrize(
    "settings",
    [
        FitSettings(),
        FitSettings(intervals="profile"),
        FitSettings(bootstrap=100),
    ],
    ids=["curvature", "profile", "bootstrap"],
)
def test_intervals_hold_the_truth(settings: FitSettings) -> None:
    seeds = range(10) if settings.bootstrap else SEEDS
    # the three intervals of a fit are not independent: the bounds are those of whole fits
    assert coverage_bounds(len(seeds))[0] <= fit_coverage(settings, seeds)


def test_a_profile_of_a_straight_model_is_the_curvature() -> None:
    curve = straight(9)
    plain, profile = (
        fit(LINE, curve, settings=FitSettings(intervals=kind)).parameters["b"]
        for kind in ("curvature", "profile")
    )
    assert profile.low == pytest.approx(plain.low, rel=1e-3)
    assert profile.high == pytest.approx(plain.high, rel=1e-3)


def test_a_bootstrap_is_repeatable_and_agrees_with_the_curvature() -> None:
    settings = FitSettings(bootstrap=1000, resampling="errors", seed=4)
    first, second = (fit(LINE, straight(3), settings=settings).parameters["b"] for _ in range(2))
    assert first == second
    plain = fit(LINE, straight(3)).parameters["b"]
    # 1000 draws know a standard deviation to 2.2 %, three times that
    assert first.error == pytest.approx(plain.error, rel=0.07)
    with pytest.raises(InputError, match="bootstrap"):
        FitSettings(bootstrap=5)


def test_a_joint_fit_shares_what_is_asked_for() -> None:
    curves = [decaying(k, count=25) for k in range(3)]
    found = joint_fit([(DECAY, curve) for curve in curves], ["tau"])
    assert set(found.shared) == {"tau"}
    alone = [fit(DECAY, curve).parameters["tau"] for curve in curves]
    assert found.shared["tau"].error < min(one.error for one in alone)
    for part in found.parts:
        assert part.parameters["tau"] == found.shared["tau"]
        assert set(part.parameters) == set(TRUTH)
    assert found.whole.dof == 75 - 7
    assert sum(part.chi2 for part in found.parts) == pytest.approx(found.whole.chi2)


def test_a_joint_fit_of_one_shared_model_is_the_fit_of_all_points() -> None:
    first, second = straight(1, 15), straight(2, 10)
    found = joint_fit([(LINE, first), (LINE, second)], ["a", "b"])
    both = Curve(
        np.concatenate([first.x, second.x]), np.concatenate([first.y, second.y]), X, Y,
        np.full(25, 0.1),
    )  # fmt: skip
    plain = fit(LINE, both).parameters
    for name in ("a", "b"):
        assert found.shared[name].value == pytest.approx(plain[name].value, rel=1e-8)
        assert found.shared[name].error == pytest.approx(plain[name].error, rel=1e-6)


def test_a_joint_fit_weighs_curves_without_errors_by_their_scatter() -> None:
    rng = np.random.default_rng(11)
    x = np.linspace(0.0, 1.0, 200)
    good, bad = (
        Curve(x, 1.0 + 2.0 * x + noise * rng.normal(size=200), X, Y) for noise in (0.01, 1.0)
    )
    found = joint_fit([(LINE, good), (LINE, bad)], ["a", "b"])
    alone = fit(LINE, good).parameters["b"]
    assert found.shared["b"].value == pytest.approx(alone.value, abs=alone.error)
    assert np.isnan(found.whole.chi2)
    with pytest.raises(InputError, match="none has"):
        joint_fit([(LINE, good), (LINE, straight(1))], ["a"])
    with pytest.raises(InputError, match="two models"):
        joint_fit([(LINE, good)], ["a"])


def test_a_joint_fit_holds_the_truth() -> None:
    assert coverage_bounds(len(SEEDS))[0] <= joint_coverage(SEEDS)


@pytest.mark.parametrize("start", [0.0, 1e-17, -1e-17])
def test_what_rounding_leaves_of_a_zero_is_no_measure_of_a_step(start: float) -> None:
    x = np.linspace(-1.0, 1.0, 12)
    random = np.random.default_rng(2)
    curve = Curve(x, 30.0 + 0.1 * random.normal(size=12), X, Y, np.full(12, 0.1))
    line = Model(
        lambda t, p: p[0] * t + p[1],
        (Parameter("slope", start, "1"), Parameter("level", 30.0, "1")),
    )
    found = fit(line, curve)
    slope = found.parameters["slope"]
    assert slope.error == pytest.approx(0.1 / np.sqrt(np.sum(x**2)), rel=0.1)
    assert slope.low < 0.0 < slope.high
