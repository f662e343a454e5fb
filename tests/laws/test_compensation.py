"""Compensation of prefactor and activation energy, and what only looks like it."""

import numpy as np
import pytest
from scipy import stats
from validation.temperature import ARTEFACT_EV, FamilyDesign, family, outcomes

from vitrolyte.data.errors import InputError
from vitrolyte.data.observation import Sample
from vitrolyte.data.separable import ScatteredPoints
from vitrolyte.data.units import BOLTZMANN_EV_PER_K
from vitrolyte.infer.evidence import weigh
from vitrolyte.observe.motion.compensation import (
    ActivatedLine,
    activated_line,
    compensation,
)
from vitrolyte.observe.motion.temperature_laws import harmonic_mean, one_slope


def exact_set(meyer_neldel_eV: float, scatter: float, count: int = 8) -> list[ActivatedLine]:
    random = np.random.default_rng(4)
    energies = np.linspace(0.25, 0.6, count)
    rest = scatter * random.standard_normal(count)
    inverse = 1.0 / (BOLTZMANN_EV_PER_K * 350.0)
    values = 2.0 + energies / meyer_neldel_eV + rest - energies * inverse
    return [
        ActivatedLine(f"M{k}", float(e), float(v), 0.0, 0.0, 350.0)
        for k, (e, v) in enumerate(zip(energies, values, strict=True))
    ]


def test_a_rule_comes_back() -> None:
    found = compensation(exact_set(0.06, 0.02))
    assert found.meyer_neldel_energy.value == pytest.approx(0.06, rel=0.01)
    assert found.isokinetic_temperature.value == pytest.approx(0.06 / BOLTZMANN_EV_PER_K, rel=0.01)
    assert found.verdict.startswith("compensation")
    # at 300 K, below the isokinetic temperature, a lower energy means more
    assert found.effect.high < 0


def test_without_errors_it_is_a_plain_regression() -> None:
    # closed form: Student's t with n - 2
    lines = exact_set(0.06, 0.6, 12)
    x, y = [line.energy_eV for line in lines], [line.log_value for line in lines]
    plain = stats.linregress(x, y)
    half = stats.t.ppf(0.975, len(x) - 2) * plain.stderr
    slope = compensation(lines).slope
    assert slope.value == pytest.approx(plain.slope, abs=0.2 * plain.stderr)
    assert (slope.high - slope.low) / 2 == pytest.approx(half, rel=0.1)


def test_one_energy_read_with_errors_looks_like_a_rule_and_is_none() -> None:
    # all materials alike: r of ln A and E_a is nearly 1, doi:10.1038/261566a0
    random = np.random.default_rng(2)
    t = np.linspace(320.0, 390.0, 8)
    mean = harmonic_mean(t)
    lines = []
    for k in range(12):
        y = 5.0 - 0.4 / (BOLTZMANN_EV_PER_K * t) + 0.1 * random.standard_normal(len(t))
        points = ScatteredPoints(t, y, np.full(len(t), 0.1), np.zeros(len(t)))
        lines.append(activated_line(f"M{k}", weigh([one_slope(mean)], points).posteriors[0], mean))
    found = compensation(lines)
    assert found.correlation > 0.99
    assert found.apparent_energy_eV == pytest.approx(BOLTZMANN_EV_PER_K * mean, rel=0.1)
    assert found.null_correlation.low < found.correlation < 1
    assert found.artefact_p > 0.05
    assert found.meyer_neldel_energy.status == "refused"
    assert "artefact not excluded" in found.verdict
    assert found.isokinetic_temperature.status == "refused"


def test_prefactors_that_do_not_depend_on_the_energy_are_no_compensation() -> None:
    found = compensation(exact_set(1e6, 0.4))
    assert found.meyer_neldel_energy.status == "refused"
    assert "no compensation shown" in found.meyer_neldel_energy.note


def test_coverage_and_false_alarms() -> None:
    runs = 25
    name = "compensation, 10 materials, unlike windows, no rule"
    draws = {one.key: one for one in outcomes(name, runs)}
    held = draws["slope at the mean temperature"].held
    assert stats.binom.cdf(held, runs, 0.93) > 0.01
    # false alarms of the artefact, 5 % at most
    assert stats.binom.sf(draws["artefact excluded"].held - 1, runs, 0.05) > 0.01
    design = FamilyDesign(10, 2.5 * ARTEFACT_EV, 0.3, 0.02)
    found = [family(design, seed).artefact_p < 0.05 for seed in range(10)]
    assert np.mean(found) > 0.8


def test_moving_a_line_to_another_temperature_and_back() -> None:
    line = ActivatedLine("M", 0.4, -9.0, 0.02, 0.1, 350.0, 0.3)
    value, covariance = line.at(300.0)
    there = ActivatedLine(
        "M",
        0.4,
        value,
        0.02,
        float(np.sqrt(covariance[1, 1])),
        300.0,
        float(covariance[0, 1] / np.sqrt(covariance[0, 0] * covariance[1, 1])),
    )
    back, again = there.at(350.0)
    assert back == pytest.approx(-9.0, rel=1e-12)
    assert again == pytest.approx(line.at(350.0)[1], rel=1e-9)
    assert there.log_prefactor == pytest.approx(line.log_prefactor, rel=1e-12)


def test_rows_and_pictures() -> None:
    found = compensation(exact_set(0.06, 0.02))
    rows = found.observations(Sample("antiperovskites", "", "crystal", 300.0))
    assert [row.quantity for row in rows] == ["meyer_neldel_energy", "isokinetic_temperature"]
    assert {row.temperature_K for row in rows} == {None}
    assert len(found.compensation_plot["materials"]) == 8
    assert len(found.decorrelated_plot["materials"]) == 8


def test_bad_input() -> None:
    with pytest.raises(InputError, match="at least 5 materials"):
        compensation(exact_set(0.06, 0.1)[:4])
    with pytest.raises(InputError, match="different activation energies"):
        compensation([ActivatedLine(f"M{k}", 0.4, -9.0 + k, 0.0, 0.1, 350.0) for k in range(5)])
    with pytest.raises(InputError, match="errors not below zero"):
        ActivatedLine("M", 0.4, -9.0, -0.1, 0.1, 350.0)
    with pytest.raises(InputError, match="correlation between -1 and 1"):
        ActivatedLine("M", 0.4, -9.0, 0.1, 0.1, 350.0, 1.0)
