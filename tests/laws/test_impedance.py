"""Laws of impedance: circuits, tests and distributions on spectra whose truth is known."""

import numpy as np
import pytest
from scipy import integrate, stats
from tests.impedance_spectra import SAMPLE, measured_spectrum, sample_values, series, spectrum_of

from vitrolyte.data.errors import InputError
from vitrolyte.laboratory.impedance.analysis import ImpedanceSeries, analyse_impedance
from vitrolyte.laboratory.impedance.kramers_kronig import kramers_kronig, smooth
from vitrolyte.laboratory.impedance.settings import ImpedanceSettings
from vitrolyte.laboratory.impedance.spectrum_fit import fit_spectrum
from vitrolyte.observe.impedance.capacitance import brug, hsu_mansfeld, zarc_times
from vitrolyte.observe.impedance.notation import parse_circuit

BARE = ImpedanceSettings(times=False)


def test_an_rc_arc_is_a_semicircle() -> None:
    frequency = np.geomspace(1e-3, 1e9, 60)
    z = parse_circuit("R(RC)").impedance(frequency, np.array([50.0, 1000.0, 1e-9]))
    assert np.allclose(np.abs(z - 550.0), 500.0)
    assert z[0].real == pytest.approx(1050.0)
    assert z[-1].real == pytest.approx(50.0, abs=1e-2)


def test_finite_warburg_elements_go_over_into_the_infinite_one() -> None:
    frequency = np.geomspace(1e2, 1e5, 20)
    # Above 1/tau both are R / sqrt(j omega tau): a Warburg element with Y = sqrt(tau) / R.
    infinite = parse_circuit("W").impedance(frequency, np.array([np.sqrt(2.0) / 300.0]))
    for text in ("Ws", "Wo"):
        finite = parse_circuit(text).impedance(frequency, np.array([300.0, 2.0]))
        assert np.allclose(finite, infinite, rtol=1e-6)
    slow = np.array([1e-5])
    assert parse_circuit("Ws").impedance(slow, np.array([300.0, 2.0]))[0].real == pytest.approx(300)


def test_a_zarc_is_r_and_q_and_the_integral_of_its_times() -> None:
    frequency, r, q, n = np.geomspace(1, 1e6, 15), 2e3, 3e-8, 0.8
    arc = parse_circuit("(RQ)").impedance(frequency, np.array([r, q, n]))
    tau = (r * q) ** (1 / n)
    assert np.allclose(arc, parse_circuit("Z").impedance(frequency, np.array([r, tau, n])))
    logs = np.linspace(np.log(tau) - 40, np.log(tau) + 40, 16001)
    density = zarc_times(logs, r, tau, n)
    assert integrate.trapezoid(density, logs) == pytest.approx(r, rel=1e-6)
    sums = [
        integrate.trapezoid(density / (1 + 2j * np.pi * f * np.exp(logs)), logs) for f in frequency
    ]
    assert np.allclose(sums, arc, rtol=1e-5)


def test_capacitances_of_ideal_elements_are_their_own() -> None:
    assert hsu_mansfeld(3e-9, 1.0, 1e4) == pytest.approx(3e-9)
    assert brug(3e-9, 1.0, 10.0, 1e4) == pytest.approx(3e-9)
    # tau / R at the top of the arc, for any exponent.
    assert hsu_mansfeld(3e-9, 0.8, 1e4) == pytest.approx((1e4 * 3e-9) ** 1.25 / 1e4)


def test_faultless_spectra_pass_kramers_kronig() -> None:
    failed = [bool(kramers_kronig(spectrum_of(seed)).failing) for seed in range(40)]
    # One in a hundred is announced; more than five in forty has a probability below 1e-4.
    assert sum(failed) <= 5


def test_the_noise_is_the_one_that_was_added() -> None:
    levels = [kramers_kronig(spectrum_of(seed, noise=0.01)).noise.value for seed in range(20)]
    # 100 degrees of freedom know a standard deviation to 7 %, the mean of twenty to 1.6 %.
    assert np.mean(levels) == pytest.approx(0.01, rel=0.06)


def test_noise_of_each_part_is_told_from_noise_of_the_modulus() -> None:
    bases = [smooth(spectrum_of(seed, basis="component")).noise.basis for seed in range(10)]
    assert bases.count("component") >= 9
    bases = [smooth(spectrum_of(seed)).noise.basis for seed in range(10)]
    assert bases.count("modulus") >= 9


def test_a_gain_that_drifts_is_seen_and_the_fit_doubted() -> None:
    measurement = measured_spectrum(3, noise=0.002, drift=0.3)
    found = fit_spectrum(measurement, BARE)
    assert found.kramers_kronig.failing
    assert found.kramers_kronig.worst > 0.002
    assert all(q.status != "ok" for q in found.conductivities.values())


def test_a_shunt_of_one_part_is_seen_where_it_is() -> None:
    measurement = measured_spectrum(3, noise=0.002, shifted=(1e2, 1e3, 0.05))
    found = fit_spectrum(measurement, BARE).kramers_kronig
    assert any(region.low_Hz < 1e3 and region.high_Hz > 1e2 for region in found.failing)


def test_intervals_of_a_spectrum_cover_the_truth() -> None:
    truth = sample_values(300.0)
    wanted = {"bulk": truth[0], "grain_boundary": truth[3], "total": truth[0] + truth[3]}
    hits = dict.fromkeys(wanted, 0)
    seeds = 30
    for seed in range(seeds):
        found = fit_spectrum(measured_spectrum(seed), BARE)
        assert found.circuit.endswith("(RQ)(RQ)Q")
        assert found.share_at_minimum > 0.3
        for of, resistance in wanted.items():
            number = found.resistances[of]
            hits[of] += number.low <= resistance <= number.high
    # Fewer than 24 of 30 has a probability of 1e-3 at a rate of 0.95; the count of 200 is in
    # the validation.
    fewest = int(stats.binom.ppf(1e-3, seeds, 0.95))
    assert min(hits.values()) >= fewest


def test_a_series_gives_the_energies_back() -> None:
    (found,) = analyse_impedance(series(1, np.linspace(260, 380, 7)), BARE)
    assert isinstance(found, ImpedanceSeries)
    assert "(RQ)(RQ)Q for all" in found.together
    energies = {line.of: line.activation_energy for line in found.lines}
    for of, energy in (("bulk", 0.35), ("grain_boundary", 0.45)):
        number = energies[of]
        # Four standard errors: once in 16 000.
        assert abs(number.value - energy) < 4 * number.error
        assert number.error < 0.002


def test_an_arc_that_has_left_the_window_is_not_ok() -> None:
    (found,) = analyse_impedance(series(2, np.linspace(260, 520, 9)), BARE)
    assert isinstance(found, ImpedanceSeries)
    hot = found.spectra[-1]
    assert hot.temperature_K == pytest.approx(520)
    assert hot.resistances["bulk"].status != "ok"
    assert found.spectra[0].resistances["bulk"].status == "ok"


def test_times_of_two_arcs_are_two_peaks_without_ripples() -> None:
    found = fit_spectrum(measured_spectrum(0))
    (times,) = found.times
    truth = sample_values(300.0)
    taus = [(r * q) ** (1 / n) for r, q, n in (truth[:3], truth[3:6])]
    assert len(times.peaks) == 2
    for peak, tau, r in zip(times.peaks, taus, truth[[0, 3]], strict=True):
        # A step of the grid is a factor of 1.33.
        assert 1 / 1.5 < peak.tau_s / tau < 1.5
        # Tails that the penalty cuts belong to one arc or the other.
        assert peak.resistance.value == pytest.approx(r, rel=0.06)
    assert np.all(np.asarray(times.distribution.curves[0].y) >= 0.0)


def test_thickness_and_its_error_go_into_the_conductivity() -> None:
    plain = fit_spectrum(measured_spectrum(0), BARE)
    known = fit_spectrum(
        measured_spectrum(0), ImpedanceSettings(times=False, thickness_error_cm=0.005)
    )
    assert plain.conductivities["total"].value == pytest.approx(
        0.1 / (0.785 * plain.resistances["total"].value)
    )
    number = known.conductivities["total"]
    assert number.error / number.value == pytest.approx(0.05, rel=0.05)
    rows = known.observations(SAMPLE)
    assert {row.of for row in rows if row.quantity == "ionic_conductivity"} == {
        "bulk",
        "grain_boundary",
        "total",
    }


def test_a_bootstrap_agrees_with_the_curvature() -> None:
    plain = fit_spectrum(measured_spectrum(0), BARE)
    drawn = fit_spectrum(measured_spectrum(0), ImpedanceSettings(times=False, bootstrap=400))
    for name, number in plain.parameters.items():
        # A standard deviation from 400 draws is known to 3.5 %; curvature is not exact either.
        assert drawn.parameters[name].error == pytest.approx(number.error, rel=0.2)
    with pytest.raises(InputError, match="at least 50"):
        ImpedanceSettings(bootstrap=10)


def test_a_series_is_confirmed_from_other_starts() -> None:
    (found,) = analyse_impedance(series(3, np.linspace(270, 370, 5)), BARE)
    assert isinstance(found, ImpedanceSeries)
    # Three starts in all; the minimum counts if a second one leads to it.
    assert all(one.share_at_minimum >= 2 / 3 for one in found.spectra)
