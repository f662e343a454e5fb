"""Laws of temperature: errors both ways, rivals of one slope, and what forbids a number."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from validation.temperature import (
    CASES,
    JUMP,
    KINK,
    LINES,
    VOGEL,
    Design,
    jumped,
    kinked,
    line,
    observed,
    outcomes,
    quickly,
    vogel,
)

from vitrolyte.data.curve import Axis, Curve
from vitrolyte.data.errors import InputError
from vitrolyte.data.io.record import load, save
from vitrolyte.data.model import Floats
from vitrolyte.data.observation import Sample
from vitrolyte.data.quantity import Quantity
from vitrolyte.data.separable import ScatteredPoints, Separable
from vitrolyte.data.units import BOLTZMANN_EV_PER_K
from vitrolyte.infer.evidence import WeighingSettings, weigh
from vitrolyte.observe.motion.arrhenius import (
    CONDUCTIVITY,
    ActivatedQuantity,
    TemperatureSeries,
    two_point_energy,
)
from vitrolyte.observe.motion.phase_change import phase_change
from vitrolyte.observe.motion.temperature_dependence import (
    TemperatureDependence,
    TemperatureSettings,
    temperature_dependence,
)
from vitrolyte.observe.motion.temperature_points import Transition, measured_series

TEMPERATURES = tuple(float(t) for t in np.linspace(320.0, 480.0, 10))
EXACT = Design(TEMPERATURES, scatter=0.0, stated=0.01)


def exact(truth: object, settings: TemperatureSettings) -> TemperatureDependence:
    t = np.array(TEMPERATURES)
    y = np.exp(truth(t)) / t  # type: ignore[operator]
    curve = Curve(t, y, Axis("temperature", "K"), Axis("conductivity", "S/cm"), 0.01 * y, "Li")
    return temperature_dependence(measured_series(curve), quickly, settings)


def test_york_of_pearson() -> None:
    # Pearson's data with York's weights, doi:10.1119/1.1632486, Table II: b and its standard error
    slope, intercept, slope_error = -0.480533407, 5.479910224, 0.0579850
    x = np.array([0.0, 0.9, 1.8, 2.6, 3.3, 4.4, 5.2, 6.1, 6.5, 7.4])
    y = np.array([5.9, 5.4, 4.4, 4.6, 3.5, 3.7, 2.8, 2.8, 2.4, 1.5])
    wx = np.array([1000.0, 1000, 500, 800, 200, 80, 60, 20, 1.8, 1.0])
    wy = np.array([1.0, 1.8, 4, 8, 20, 20, 70, 70, 100, 500])

    def columns(at: Floats, shapes: Floats) -> Floats:
        return np.stack([np.ones_like(at), at], axis=1)[None]

    straight = Separable("line", columns, np.empty(0), (np.inf, np.inf))
    points = ScatteredPoints(x, y, wy**-0.5, wx**-0.5)
    found = weigh([straight], points, WeighingSettings(trust=1e9)).posteriors[0]
    assert found.coefficients[0] == pytest.approx([intercept, slope], rel=1e-6)
    assert np.sqrt(found.covariances[0, 1, 1]) == pytest.approx(slope_error, rel=1e-4)


def test_each_law_comes_back_from_exact_points() -> None:
    settings = TemperatureSettings()
    assert exact(line, settings).law == "one slope"
    assert exact(line, settings).activation_energy.value == pytest.approx(0.35, abs=1e-6)
    bent = exact(kinked, settings)
    assert bent.law == KINK
    assert bent[KINK].shape.value == pytest.approx(395.0, abs=1.0)
    assert bent[KINK].activation_energies["below"].value == pytest.approx(0.60, abs=0.005)
    assert bent.activation_energy == bent[KINK].activation_energies["below"]
    broken = exact(jumped, settings)
    assert broken.law == JUMP
    assert broken[JUMP].shape.low >= 391.1 - 0.1
    assert broken[JUMP].shape.high <= 408.9 + 0.1
    assert broken[JUMP].jump_factor.low < np.exp(3.0) < broken[JUMP].jump_factor.high
    # the step of the jump is no slope: 0.45 eV below, 0.35 eV above, and nothing beyond
    assert np.all(np.abs(broken.energies["jump (chosen)"].y - 0.40) < 0.06)
    curved = exact(vogel, settings)
    assert curved.law == VOGEL
    assert curved[VOGEL].shape.value == pytest.approx(210.0, abs=1.0)
    assert curved[VOGEL].vogel_energy.value == pytest.approx(0.06, rel=0.02)


def test_one_slope_is_kept() -> None:
    runs = 30
    draws = {one.key: one for one in outcomes("one slope, 8 points", runs)}
    # probability of so few if the false alarms were 5 %, and the coverage 93 %
    assert stats.binom.cdf(draws["kept"].held, runs, 0.95) > 0.01
    assert stats.binom.cdf(draws["activation energy"].held, runs, 0.93) > 0.01
    assert stats.binom.cdf(draws["extrapolated"].held, draws["extrapolated"].answered, 0.93) > 0.01


@pytest.mark.parametrize("name", ["jump", "VFT"])
def test_intervals_hold_the_truth(name: str) -> None:
    runs = 12
    for one in outcomes(name, runs):
        if one.key not in ("named rightly", "kept"):
            assert stats.binom.cdf(one.held, one.answered, 0.93) > 0.005, one
    assert name in CASES


def test_errors_of_the_temperatures_are_in_the_interval() -> None:
    # var(E) = Σ (dy)² / Σ (x - mean x)² with dy = s_y and the slope of ln y over T together
    design = replace(LINES["errors of 4 K"], scatter=0.0)
    t = np.array(design.temperatures_K)
    x = 1.0 / (BOLTZMANN_EV_PER_K * t)
    slope = 0.35 / (BOLTZMANN_EV_PER_K * t**2) - 1.0 / t
    weight = 1.0 / (0.08**2 + (4.0 * slope) ** 2)
    spread = np.sum(weight * (x - np.average(x, weights=weight)) ** 2)
    y = np.exp(line(t)) / t
    curve = Curve(t, y, Axis("temperature", "K"), Axis("conductivity", "S/cm"), 0.08 * y)
    series = measured_series(curve, temperature_errors_K=4.0)
    found = temperature_dependence(series, quickly, TemperatureSettings(rivals=()))
    # the scale of the errors is that of 20 degrees of freedom without any residual, 20 / 26
    assert found.activation_energy.error == pytest.approx(np.sqrt(20.0 / 26.0 / spread), rel=1e-3)


def test_an_offset_of_the_thermometer_scales_the_energy() -> None:
    # dE/E = 2 dT/T from E = k T² d ln y / dT
    plain = observed(line, EXACT, 0)
    mean = 1.0 / np.mean(1.0 / np.array(TEMPERATURES))
    shifted = observed(line, replace(EXACT, offset_K=0.0), 0)
    assert shifted.activation_energy.error == plain.activation_energy.error
    design = replace(LINES["offset of 3 K"], scatter=0.0)
    error = observed(line, design, 0).activation_energy.error
    assert error > 0.9 * 0.35 * 2 * 3.0 / mean


def test_both_conventions_differ_by_the_thermal_energy() -> None:
    # d ln T / d(1/kT) = -kT; over this range ln T is a line in 1/T to 2 % of kT
    found = exact(line, TemperatureSettings())
    t = np.array(TEMPERATURES)
    y = np.exp(line(t)) / t
    plain = ActivatedQuantity("ionic_conductivity", "S/cm", times_temperature=False)
    curve = Curve(t, y, Axis("temperature", "K"), Axis("conductivity", "S/cm"), 0.01 * y, "Li")
    other = temperature_dependence(
        measured_series(curve, plain), weigh, TemperatureSettings(rivals=())
    )
    assert found.other_convention.value == pytest.approx(
        other.activation_energy.value, abs=0.02 * 0.034
    )
    assert other.activation_energy.value < found.activation_energy.value
    assert other.prefactor.unit == "S/cm"
    assert found.prefactor.unit == "S K/cm"


def test_a_known_transition_is_not_crossed() -> None:
    above = TemperatureSettings(transitions=(Transition("melting", 305.0, 310.0),))
    found = exact(line, above)
    assert found.extrapolated.status == "refused"
    assert "melting lies between 300 K and the points" in found.extrapolated.note
    assert found.activation_energy.value == pytest.approx(0.35, abs=1e-6)
    inside = TemperatureSettings(transitions=(Transition("ordering", 395.0, 396.0),), rivals=())
    found = exact(jumped, inside)
    assert found.law == "one slope"
    assert found.activation_energy.value == pytest.approx(0.45, abs=1e-6)
    assert "not used: 408.889 K" in found.activation_energy.note
    cold = np.exp(jumped(np.array([300.0]))[0]) / 300.0
    assert found.extrapolated.value == pytest.approx(cold, rel=1e-6)
    within = TemperatureSettings(transitions=(Transition("ordering", 295.0, 305.0),))
    assert "lies within the transition" in exact(line, within).extrapolated.note


def test_a_change_of_phase_in_the_volume() -> None:
    t = np.linspace(320.0, 480.0, 12)
    noise = 0.01 * np.random.default_rng(5).standard_normal(len(t))
    axes = Axis("temperature", "K"), Axis("volume", "Å³")
    smooth = Curve(t, 60.0 + 0.01 * (t - 400.0) + noise, *axes, np.full(len(t), 0.01))
    assert phase_change(smooth, quickly) is None
    melting = replace(smooth, y=smooth.y + np.where(t > 401.0, 0.4, 0.0))
    found = phase_change(melting, quickly)
    assert found is not None
    assert 392.0 < found.low_K < 401.0 < found.high_K < 408.0
    glass = replace(smooth, y=smooth.y + np.where(t > 400.0, 0.02 * (t - 400.0), 0.0))
    bend = phase_change(glass, quickly)
    assert bend is not None
    assert bend.low_K < 400.0 < bend.high_K
    assert bend.name == "bend of the volume"
    with pytest.raises(InputError, match="over T in K"):
        phase_change(replace(smooth, x_axis=Axis("1000/T", "1/K")), quickly)


def test_stored_results_come_back(tmp_path: Path) -> None:
    found = exact(kinked, TemperatureSettings())
    save(tmp_path / "found.json", found)
    back = load(tmp_path / "found.json")
    sample = Sample("antiperovskite", "Li3OCl", "glass")
    assert [repr(row) for row in back.observations(sample)] == [
        repr(row) for row in found.observations(sample)
    ]
    words = [(row.quantity, row.method.rpartition(", ")[2]) for row in found.observations(sample)]
    assert ("activation_energy", "below") in words
    assert ("activation_energy", "above") in words
    assert "transition_temperature" in {word for word, _ in words}
    assert found.curves.labels[:2] == ("Li", "kink (chosen)")
    assert found.energies["kink (chosen)"].y[0] == pytest.approx(0.60, abs=0.01)


def test_a_jump_that_was_found_with_too_few_points_below() -> None:
    def late(t: Floats) -> Floats:
        return line(t) - np.where(t < 350.0, 4.0, 0.0)

    found = exact(late, TemperatureSettings())
    assert found.law == JUMP
    assert found.extrapolated.status == "refused"
    assert "2 temperatures on the side of 300 K" in found.extrapolated.note


def test_vogel_forbids_a_value_below_its_temperature() -> None:
    found = exact(vogel, TemperatureSettings(extrapolate_to_K=200.0))
    assert found.extrapolated.status == "refused"
    assert "Vogel temperature above 200 K" in found.extrapolated.note


def test_rivals_widen_an_extrapolation() -> None:
    alone = TemperatureSettings(rivals=())
    wide, narrow = (exact(line, one).extrapolated for one in (TemperatureSettings(), alone))
    assert np.log(wide.high / wide.low) > np.log(narrow.high / narrow.low)
    assert "one slope alone" in narrow.note


def test_points_without_errors_are_judged_by_their_scatter() -> None:
    # closed form of a plain regression, Student's t with n - 2
    t = np.array(TEMPERATURES)
    y = np.exp(line(t) + 0.05 * np.random.default_rng(3).standard_normal(len(t))) / t
    curve = Curve(t, y, Axis("temperature", "K"), Axis("conductivity", "S/cm"))
    found = temperature_dependence(
        measured_series(curve), weigh, TemperatureSettings(rivals=())
    ).activation_energy
    plain = stats.linregress(1.0 / (BOLTZMANN_EV_PER_K * t), np.log(y * t))
    assert found.value == pytest.approx(-plain.slope, rel=1e-8)
    assert found.error == pytest.approx(plain.stderr, rel=1e-6)
    half = stats.t.ppf(0.975, len(t) - 2) * plain.stderr
    assert found.high - found.value == pytest.approx(half, rel=1e-6)


def pair(cold: float, hot: float, kind: ActivatedQuantity) -> TemperatureSeries:
    numbers = (Quantity(cold, "S/cm"), Quantity(hot, "S/cm"))
    return TemperatureSeries((298.15, 373.15), numbers, kind)


def test_energies_that_printed_pairs_imply() -> None:
    plain = ActivatedQuantity("ionic_conductivity", "S/cm", times_temperature=False)
    # Li2(OH)0.9F0.1Cl, 3.5e-5 and 1.9e-3 S/cm at 25 and 100 °C, doi:10.1002/anie.201604554
    assert two_point_energy(pair(3.5e-5, 1.9e-3, CONDUCTIVITY)).value == pytest.approx(
        0.54, abs=0.005
    )
    assert two_point_energy(pair(3.5e-5, 1.9e-3, plain)).value == pytest.approx(0.51, abs=0.005)
    # Li2.99Ba0.005OCl, 2.5e-2 and 2.4e-1 S/cm beside a printed 0.06 eV, doi:10.1039/C3TA15087A
    implied = two_point_energy(pair(2.5e-2, 2.4e-1, plain))
    assert implied.value == pytest.approx(0.29, abs=0.005)
    assert implied.status == "provisional"


def test_bad_input() -> None:
    t = np.array(TEMPERATURES[:3])
    curve = Curve(t, np.ones(3), Axis("T", "K"), Axis("conductivity", "S/cm"))
    with pytest.raises(InputError, match="at least 4 temperatures"):
        temperature_dependence(measured_series(curve), weigh)
    with pytest.raises(InputError, match="S/cm against T in K"):
        measured_series(replace(curve, x_axis=Axis("T", "°C")))
    with pytest.raises(InputError, match=r"add 273\.15"):
        TemperatureSeries((-10.0,), (Quantity(1.0, "S/cm"),))
    numbers = (Quantity(1.0, "S/cm"), *(Quantity.normal(1.0, 0.1, "S/cm"),) * 3)
    mixed = TemperatureSeries((300.0, 310.0, 320.0, 330.0), numbers)
    with pytest.raises(InputError, match="Either each point"):
        temperature_dependence(mixed, weigh)
    with pytest.raises(InputError, match="rivals of one slope"):
        TemperatureSettings(rivals=("cubic",))
    with pytest.raises(InputError, match="lower one first"):
        Transition("melting", 400.0, 300.0)


def test_a_series_with_three_usable_temperatures_is_refused() -> None:
    numbers = (*(Quantity.normal(1.0, 0.1, "S/cm"),) * 3, Quantity.refused("S/cm", "too short"))
    found = temperature_dependence(TemperatureSeries((300.0, 310.0, 320.0, 330.0), numbers), weigh)
    assert found.activation_energy.status == "refused"
    rows = found.observations(Sample("antiperovskite", "Li3OCl", "glass"))
    assert {row.status for row in rows} == {"refused"}
