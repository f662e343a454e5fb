"""Transference numbers beyond the temperatures that were run."""

import numpy as np
import pytest

from vitrolyte.data.errors import InputError
from vitrolyte.data.observation import Sample
from vitrolyte.data.quantity import Quantity
from vitrolyte.data.units import BOLTZMANN_EV_PER_K
from vitrolyte.infer.fit import fit
from vitrolyte.observe.motion.odds import TransferenceSeries, extrapolated_transference

TEMPERATURES = (700.0, 775.0, 850.0, 925.0)
ENERGY, OTHERS, RATIO = 0.35, 0.45, 1.5


def true_number(temperature_K: float) -> float:
    # two Arrhenius lines: t = s_a / (s_a + s_b)
    kt = BOLTZMANN_EV_PER_K * temperature_K
    own, other = RATIO * np.exp(-ENERGY / kt), np.exp(-OTHERS / kt)
    return float(own / (own + other))


def series(error: float, seed: int | None = None) -> TransferenceSeries:
    draws = np.random.default_rng(seed)
    numbers = []
    for temperature in TEMPERATURES:
        odds = np.log(true_number(temperature) / (1 - true_number(temperature)))
        odds += 0.0 if seed is None else error * draws.normal()
        value, low, high = 1 / (1 + np.exp(-(odds + 1.96 * error * np.array([0, -1, 1]))))
        width = value * (1 - value) * error
        numbers.append(Quantity(float(value), "1", float(width), float(low), float(high)))
    return TransferenceSeries(TEMPERATURES, tuple(numbers), "Li", "tracer")


def test_two_arrhenius_lines_come_back() -> None:
    found = extrapolated_transference(series(0.05), fit)
    assert found.number.value == pytest.approx(true_number(300.0), rel=1e-6)
    assert found.energy_difference.value == pytest.approx(OTHERS - ENERGY, rel=1e-6)
    assert found.number.status == "provisional"
    assert "extrapolated from 700-925 K" in found.number.note


def test_the_interval_stays_between_nothing_and_all() -> None:
    found = extrapolated_transference(series(0.1), fit)
    assert 0 < found.number.low < found.number.value < found.number.high < 1


def test_the_interval_covers_the_truth() -> None:
    truth = true_number(300.0)
    found = [extrapolated_transference(series(0.08, seed), fit).number for seed in range(400)]
    covered = np.mean([one.low <= truth <= one.high for one in found if one.status != "refused"])
    assert 0.92 <= covered <= 0.98


def test_an_interval_over_nearly_everything_is_refused() -> None:
    found = extrapolated_transference(series(2.0), fit)
    assert found.number.status == "refused"
    assert "more temperatures or longer runs" in found.number.note


def test_three_usable_temperatures_are_too_few() -> None:
    whole = series(0.05)
    numbers = (Quantity.refused("1", "no hop"), *whole.numbers[1:])
    found = extrapolated_transference(TransferenceSeries(TEMPERATURES, numbers, "Li"), fit)
    assert found.number.status == "refused"
    assert "3 of 4" in found.number.note


def test_a_number_outside_zero_to_one_has_no_odds() -> None:
    numbers = (*series(0.05).numbers[:3], Quantity(1.05, "1", 0.1, 0.85, 1.25))
    found = extrapolated_transference(TransferenceSeries(TEMPERATURES, numbers, "Li"), fit)
    assert found.number.status == "refused"


def test_too_few_temperatures_are_refused_at_the_door() -> None:
    whole = series(0.05)
    with pytest.raises(InputError, match="need 4 temperatures"):
        extrapolated_transference(TransferenceSeries(TEMPERATURES[:3], whole.numbers[:3]), fit)


def test_the_row_states_its_temperature() -> None:
    found = extrapolated_transference(series(0.05), fit)
    (row,) = found.observations(Sample("antiperovskite", "Li3OCl", "glass"))
    assert (row.quantity, row.of, row.temperature_K) == ("transference_number", "Li", 300.0)
