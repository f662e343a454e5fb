"""Laws of structural relaxation, crystallisation and of what is read from a scan of them."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import integrate, stats
from validation.laboratory_calorimetry import GLASS, Truth, coverage, noise, simulated

from vitrolyte.data.curve import Axis, Curve
from vitrolyte.data.errors import InputError
from vitrolyte.data.measurement import Measurement
from vitrolyte.data.quantity import Quantity
from vitrolyte.data.units import BOLTZMANN_EV_PER_K
from vitrolyte.laboratory.calorimetry.baseline import anchored, linear, sigmoidal
from vitrolyte.laboratory.calorimetry.examination import examine
from vitrolyte.laboratory.calorimetry.noise import Noise, noise_of
from vitrolyte.laboratory.calorimetry.rates import (
    RatePoint,
    kissinger_energy,
    moynihan_enthalpy,
    ozawa_energy,
)
from vitrolyte.laboratory.calorimetry.scan import scan_of
from vitrolyte.laboratory.calorimetry.settings import CalorimetrySettings
from vitrolyte.observe.calorimetry.crystallisation import (
    Avrami,
    kissinger,
    log_temperature_integral,
)
from vitrolyte.observe.calorimetry.structural_relaxation import (
    StructuralRelaxation,
    fictive_temperature,
    normalised_heat_capacity,
)


def history(law: StructuralRelaxation, cooling: float, heating: float, step: float = 0.5):
    top = law.reference_K + 70
    down = np.arange(top, law.reference_K - 120, -step)
    up = np.arange(down[-1] + step, top, step)
    temperatures = np.concatenate([down, up])
    rates = np.where(np.diff(temperatures) < 0, cooling, heating)
    times = np.concatenate([[0.0], np.cumsum(np.abs(np.diff(temperatures)) / rates)])
    return times, temperatures, len(down)


def test_a_liquid_is_in_equilibrium_and_a_glass_is_not() -> None:
    times, temperatures, turn = history(GLASS, 10 / 60, 10 / 60)
    fictive = fictive_temperature(times, temperatures, GLASS)
    # tau at 560 K is 4e-4 s: what is left of 0.5 K steps is nothing
    assert fictive[:20] == pytest.approx(temperatures[:20], abs=1e-6)
    assert fictive[turn - 1] - temperatures[turn - 1] > 100
    assert fictive[-5:] == pytest.approx(temperatures[-5:], abs=1e-3)


def test_the_whole_area_of_the_step_is_the_way_back_to_equilibrium() -> None:
    # int (dTf/dT) dT on heating = T_end - Tf(glass), whatever the overshoot
    times, temperatures, turn = history(GLASS, 1 / 60, 20 / 60)
    fictive = fictive_temperature(times, temperatures, GLASS)
    up = slice(turn, None)
    area = np.trapezoid(normalised_heat_capacity(temperatures[up], fictive[up]), temperatures[up])
    assert area == pytest.approx(temperatures[-1] - fictive[turn], abs=0.2)


def test_slower_cooling_lowers_the_fictive_temperature_by_moynihans_law() -> None:
    # q dtau/dT = -1 where a glass freezes in, so that d ln(q/Tf²) / d(1/Tf) = -dh/k
    inverse, logs = [], []
    for rate in (1.0, 10.0, 100.0):
        times, temperatures, turn = history(GLASS, rate / 60, 10 / 60, 0.25)
        inverse.append(1 / fictive_temperature(times, temperatures, GLASS)[turn - 1])
        logs.append(np.log(rate))
    slope = np.polyfit(inverse, np.array(logs) + 2 * np.log(inverse), 1)[0]
    assert -slope * BOLTZMANN_EV_PER_K == pytest.approx(GLASS.enthalpy_eV, rel=0.002)


def test_fragility_and_nonsense() -> None:
    # m = dh / (ln 10 k Tg), as dh = d ln tau / d(1/T)
    law = StructuralRelaxation(500.0, 5.0)
    slope = law.enthalpy_eV / BOLTZMANN_EV_PER_K / 500.0 / np.log(10)
    assert law.fragility == pytest.approx(slope)
    with pytest.raises(InputError, match="above zero"):
        StructuralRelaxation(-1.0, 5.0)
    with pytest.raises(InputError, match="rising times"):
        fictive_temperature(np.array([0.0, 0.0]), np.array([300.0, 301.0]), law)


def test_the_rate_of_transformation_is_the_derivative_of_the_share() -> None:
    law = Avrami.peaking_at(590.0, 1 / 6, 2.0, 3.0)
    t = np.linspace(500, 620, 24001)
    share, rate = law.heated(t, 1 / 6)
    assert np.gradient(share, t) / 6 == pytest.approx(rate, abs=1e-7)
    assert t[np.argmax(rate)] == pytest.approx(590.0, abs=0.01)


def test_the_temperature_integral_is_the_integral_of_the_rate_constant() -> None:
    law = Avrami(2.0, 35.0, 1.0)
    passed, _ = integrate.quad(lambda t: float(law.rate_constant(np.array([t]))[0]), 200, 590)
    share, _ = law.heated(np.array([590.0]), 1.0)
    assert -np.log(1 - share[0]) == pytest.approx(passed, rel=1e-6)


@pytest.mark.parametrize("reduced", [5.0, 40.0, 299.0, 301.0, 900.0])
def test_the_temperature_integral_is_smooth_where_its_series_takes_over(reduced: float) -> None:
    # p(x) > exp(-x) / x² (1 - 2/x), < exp(-x) / x² (1 - 2/x + 6/x²)
    found = log_temperature_integral(np.array([reduced]))[0] + reduced + 2 * np.log(reduced)
    assert np.log1p(-2 / reduced) < found < np.log1p(-2 / reduced + 6 / reduced**2)


def test_kissingers_law_is_exact_for_a_first_order_reaction() -> None:
    law = Avrami(2.0, 35.0, 1.0)
    rates = np.array([2.5, 10.0, 40.0]) / 60
    peaks = np.array([law.peak_temperature(float(r), (450.0, 700.0)) for r in rates])
    assert np.log(rates / peaks**2) == pytest.approx(kissinger(peaks, 2.0, 35.0), abs=1e-5)


def test_energies_come_back_and_hold_the_truth() -> None:
    law = Avrami.peaking_at(590.0, 1 / 6, 2.0, 3.0)
    held = {"Kissinger": 0, "Ozawa": 0}
    random = np.random.default_rng(3)
    seeds = 60
    for _ in range(seeds):
        points = [
            RatePoint(
                rate,
                Quantity.normal(
                    law.peak_temperature(rate / 60, (500.0, 700.0)) + random.normal(0, 0.4),
                    0.02,
                    "K",
                ),
            )
            for rate in (2.5, 5.0, 10.0, 20.0, 40.0)
        ]
        numbers = {"Kissinger": kissinger_energy(points)[0], "Ozawa": ozawa_energy(points)}
        for name, number in numbers.items():
            held[name] += number.low <= 2.0 <= number.high
    for count in held.values():
        # 95 % of seeds, by the binomial distribution at 0.1 %
        assert stats.binom.ppf(0.001, seeds, 0.95) <= count


def test_known_errors_of_temperature_narrow_and_guard_a_line_of_three_rates() -> None:
    law = Avrami.peaking_at(590.0, 1 / 6, 2.0, 3.0)
    held, seeds = 0, 60
    random = np.random.default_rng(4)
    for _ in range(seeds):
        points = [
            RatePoint(
                rate,
                Quantity.normal(
                    law.peak_temperature(rate / 60, (500.0, 700.0)) + random.normal(0, 0.4),
                    0.4,
                    "K",
                ),
            )
            for rate in (5.0, 10.0, 20.0)
        ]
        number, _ = kissinger_energy(points, known_errors=True)
        held += number.low <= 2.0 <= number.high
    assert stats.binom.ppf(0.001, seeds, 0.95) <= held


def test_an_energy_is_refused_where_rates_are_few_or_say_nothing() -> None:
    two = [RatePoint(r, Quantity.normal(590 + r, 0.1, "K")) for r in (5.0, 10.0, 10.1)]
    assert kissinger_energy(two)[0].status == "refused"
    assert "at least 3 rates" in kissinger_energy(two)[0].note
    backwards = [RatePoint(r, Quantity.normal(600 - r, 0.1, "K")) for r in (5.0, 10.0, 20.0)]
    assert moynihan_enthalpy(backwards)[0].status == "refused"
    assert ozawa_energy(backwards).status == "refused"


def test_a_sigmoidal_baseline_is_exact_where_heat_capacities_add() -> None:
    x = np.linspace(-60.0, 60.0, 2401)
    share = 1 / (1 + np.exp(-x / 5))
    before, after = np.array([[1.2, 1e-3]]), np.array([[0.9, 2e-4]])
    base = (1 - share) * (1.2 + 1e-3 * x) + share * (0.9 + 2e-4 * x)
    peak = -80 * np.gradient(share, x)
    found = sigmoidal(x, (base + peak)[None], before, after, (-50.0, 50.0))
    assert np.trapezoid((base + peak) - found[0], x) == pytest.approx(-80.0, rel=3e-4)
    straight = linear(x, before, after, (-50.0, 50.0))
    assert abs(np.trapezoid((base + peak) - straight[0], x) + 80) > 0.1


def test_a_spline_baseline_meets_its_anchors_and_needs_two() -> None:
    x = np.linspace(300.0, 400.0, 1001)
    line = (0.5 + 0.01 * (x - 300))[None]
    assert anchored(x, line, [310.0, 350.0, 390.0])[0][100:900] == pytest.approx(line[0][100:900])
    with pytest.raises(InputError, match="at least two anchors"):
        anchored(x, line, [310.0, 500.0])


def test_the_noise_of_a_record_is_found_below_a_smooth_signal() -> None:
    truth = Truth()
    found = []
    for seed in range(20):
        curve = noise(truth, 1800, seed) + 0.1 * np.sin(np.arange(1800) / 300)
        found.append(noise_of(curve))
    variance = truth.white_W_per_g**2 + truth.wander_W_per_g**2
    assert np.median([one.sigma**2 for one in found]) == pytest.approx(variance, rel=0.15)
    decay = np.exp(-1 / truth.wander_s)
    slow = truth.white_W_per_g**2 + truth.wander_W_per_g**2 * (1 + decay) / (1 - decay)
    seen = np.median([one.sigma**2 * one.correlation_points for one in found])
    assert seen == pytest.approx(slow, rel=0.35)


def test_the_error_of_a_sum_is_that_of_drawn_noise() -> None:
    made = Noise(1.0, 2.0, 5.0)
    weights = np.hanning(40)
    draws = made.draws(4000, 40, np.random.default_rng(0)) @ weights
    # the standard deviation of 4000 draws is known to 1.1 %
    assert draws.std() == pytest.approx(made.error_of(weights), rel=0.045)


def test_no_glass_transition_is_seen_in_a_crystal_more_often_than_stated() -> None:
    crystal = replace(Truth(), vitreous=False, crystallises=False, end_K=600.0)
    seen = sum(
        examine(scan_of(simulated(crystal, seed)), CalorimetrySettings(draws=50)).transition
        is not None
        for seed in range(25)
    )
    # false_alarm is 1 %; three of 25 would have a chance of 0.2 %
    assert seen <= 2


def test_intervals_of_a_scan_hold_the_truth() -> None:
    seeds = 20
    counts = coverage(Truth(), range(seeds))
    for name, (held, of) in counts.items():
        # at 95 %, fewer than 16 of 20 have a chance of 0.3 %
        assert of == seeds
        assert held >= 16, name


def test_a_gap_free_step_is_the_same_on_heating_and_cooling() -> None:
    # a step without history: the constructions may not depend on the direction of the scan
    t = np.arange(400.0, 600.0, 0.1)
    step = 0.9 + 4e-4 * (t - 500) + 0.3 / (1 + np.exp(-(t - 500) / 4))
    random = np.random.default_rng(0)
    found = {}
    for way in (1, -1):
        rate = way * 10 / 60
        temperatures = t[::way]
        flow = -step[::way] * rate + 2e-5 * random.standard_normal(len(t))
        times = np.arange(len(t)) * 0.6
        axis = Axis("time", "s")
        record = Measurement(
            Curve(times, flow, axis, Axis("heat flow, exothermic up", "W/g")),
            channels=(Curve(times, temperatures, axis, Axis("temperature", "K")),),
        )
        found[way] = examine(scan_of(record), CalorimetrySettings(draws=60)).transition
    for way, seen in found.items():
        assert seen is not None, way
        # a logistic step: half at its centre, inflection tangent of length 4 widths
        assert seen.midpoint.value == pytest.approx(500.0, abs=0.1)
        assert seen.onset.value == pytest.approx(492.0, abs=0.4)
        assert seen.step.value == pytest.approx(0.3, abs=0.003)
