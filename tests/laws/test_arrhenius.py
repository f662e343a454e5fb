"""The Arrhenius line: energies, honest extrapolation and refusals."""

import numpy as np
import pytest

from vitrolyte.data.errors import InputError
from vitrolyte.data.observation import Sample
from vitrolyte.data.quantity import Quantity
from vitrolyte.data.units import BOLTZMANN_EV_PER_K
from vitrolyte.infer.fit import fit
from vitrolyte.observe.motion.arrhenius import (
    CONDUCTIVITY,
    TRACER_DIFFUSIVITY,
    TemperatureSeries,
    arrhenius,
)

TEMPERATURES = (700.0, 800.0, 900.0, 1000.0, 1200.0)
ENERGY, PREFACTOR = 0.35, 5e4


def series(scatter: float = 0.0, error: float = 0.05, seed: int = 1) -> TemperatureSeries:
    draws = np.random.default_rng(seed)
    numbers = []
    for t in TEMPERATURES:
        value = PREFACTOR / t * np.exp(-ENERGY / (BOLTZMANN_EV_PER_K * t))
        value *= np.exp(scatter * draws.normal())
        ends = value * np.exp(1.96 * error * np.array([-1, 1]))
        numbers.append(Quantity(float(value), "S/cm", float(value * error), *map(float, ends)))
    return TemperatureSeries(TEMPERATURES, tuple(numbers), CONDUCTIVITY, "Li", "collective")


def test_an_exact_line_comes_back() -> None:
    found = arrhenius(series(), fit)
    assert found.activation_energy.value == pytest.approx(ENERGY, rel=1e-8)
    assert found.prefactor.value == pytest.approx(PREFACTOR, rel=1e-6)
    cold = PREFACTOR / 300.0 * np.exp(-ENERGY / (BOLTZMANN_EV_PER_K * 300.0))
    assert found.extrapolated.value == pytest.approx(cold, rel=1e-6)


def test_the_error_is_that_of_the_weighted_line() -> None:
    # closed form of a straight line with equal errors: var(slope) = s² / Σ(x - mean x)²
    x = 1.0 / (BOLTZMANN_EV_PER_K * np.array(TEMPERATURES))
    expected = 0.05 / np.sqrt(np.sum((x - x.mean()) ** 2))
    assert arrhenius(series(), fit).activation_energy.error == pytest.approx(expected, rel=1e-3)


def test_extrapolation_is_marked_and_wider() -> None:
    found = arrhenius(series(), fit)
    assert found.extrapolated.status == "provisional"
    assert "extrapolated from 700-1200 K" in found.extrapolated.note
    width = np.log(found.extrapolated.high / found.extrapolated.low)
    assert width > 2 * 1.96 * 0.05 * 2
    inside = arrhenius(series(), fit, extrapolate_to_K=850.0)
    assert inside.extrapolated.status == "ok"


def test_scatter_beyond_the_errors_widens_and_is_named() -> None:
    calm, wild = arrhenius(series(), fit), arrhenius(series(scatter=0.5, seed=3), fit)
    assert wild.activation_energy.error > 3 * calm.activation_energy.error
    assert wild.activation_energy.status == "provisional"
    assert "scatter about the line" in wild.activation_energy.note


def test_fewer_than_four_temperatures() -> None:
    three = series()
    with pytest.raises(InputError, match="at least 4 temperatures"):
        arrhenius(TemperatureSeries(TEMPERATURES[:3], three.numbers[:3]), fit)
    numbers = (*three.numbers[:3], *(Quantity.refused("S/cm", "too short"),) * 2)
    found = arrhenius(TemperatureSeries(TEMPERATURES, numbers), fit)
    assert found.activation_energy.status == "refused"
    assert "3 of 5" in found.activation_energy.note


def test_a_refused_temperature_is_named() -> None:
    whole = series()
    numbers = (Quantity.refused("S/cm", "too short"), *whole.numbers[1:])
    found = arrhenius(TemperatureSeries(TEMPERATURES, numbers), fit)
    assert found.activation_energy.status == "provisional"
    assert "no usable value at 700 K" in found.activation_energy.note


def test_rows_and_picture() -> None:
    found = arrhenius(series(), fit)
    rows = found.observations(Sample("antiperovskite", "Li3OCl", "glass", 700.0))
    assert [row.quantity for row in rows] == [
        "activation_energy",
        "ionic_conductivity",
        "arrhenius_prefactor",
    ]
    assert rows[1].temperature_K == 300.0
    assert rows[0].temperature_K is None
    assert found.curves["Li"].y == pytest.approx(
        [q.value * t for t, q in zip(TEMPERATURES, series().numbers)]
    )
    assert found.curves.points == ("Li",)


def test_a_diffusivity_follows_without_the_factor_of_temperature() -> None:
    numbers = tuple(
        Quantity.normal(
            d := 1e-3 * float(np.exp(-0.2 / (BOLTZMANN_EV_PER_K * t))), 0.03 * d, "cm²/s"
        )
        for t in TEMPERATURES
    )
    found = arrhenius(TemperatureSeries(TEMPERATURES, numbers, TRACER_DIFFUSIVITY, "Li"), fit)
    assert found.activation_energy.value == pytest.approx(0.2, rel=1e-8)
    assert found.prefactor.unit == "cm²/s"


def test_an_extrapolation_over_many_decades_is_refused() -> None:
    found = arrhenius(series(scatter=1.5, error=1.0, seed=5), fit)
    assert found.extrapolated.status == "refused"
    assert "decades" in found.extrapolated.note
    assert found.activation_energy.status != "refused"
