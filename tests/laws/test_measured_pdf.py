"""Total scattering with a known truth, and metals whose neighbours are known."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from validation.laboratory_pdf import DENSITY, EXPECTED, FRACTIONS, TRUTH, fitted, simulated

from vitrolyte.data.errors import InputError
from vitrolyte.data.io.instruments.pair_distribution.reading import read_scattering
from vitrolyte.data.observation import Sample
from vitrolyte.data.total_scattering import TotalScattering
from vitrolyte.laboratory.pair_distribution.analysis import pair_distribution
from vitrolyte.laboratory.pair_distribution.expected import expected_pairs
from vitrolyte.laboratory.pair_distribution.neighbours import ExpectedPair
from vitrolyte.laboratory.pair_distribution.transform import (
    Composition,
    TransformSettings,
    functions_of,
    scatter,
)
from vitrolyte.observe.scattering.probes import XRays
from vitrolyte.observe.scattering.q_window import Window
from vitrolyte.observe.scattering.totals import convert_factor

DATA = Path(__file__).parents[1] / "data/laboratory/pdf"
GLASS = Composition(FRACTIONS, XRays(), DENSITY)
SETTINGS = TransformSettings(Window(24.0))


def with_s(pattern: TotalScattering, change: float, tilt: float = 0.0) -> TotalScattering:
    """Return a measurement whose S(Q) is off by a constant and a slope."""
    curve = pattern.measurement.curve
    y = curve.y.real + change + tilt * curve.x
    return replace(pattern, measurement=replace(pattern.measurement, curve=replace(curve, y=y)))


def test_intervals_of_shells_hold_the_truth() -> None:
    seeds, held, counted = 6, 0, 0
    for seed in range(seeds):
        found = fitted(seed)
        for pair, truth in TRUTH.items():
            for column, value in zip((found.numbers, found.distances, found.widths), truth):
                counted += 1
                held += bool(column[pair].low <= value <= column[pair].high)
    assert held >= stats.binom.ppf(1e-3, counted, 0.95) - 1


def test_a_wrong_level_is_set_right_and_said() -> None:
    plain = functions_of(simulated(0), GLASS, SETTINGS)
    off = functions_of(with_s(simulated(0), 0.05), GLASS, SETTINGS)
    np.testing.assert_allclose(off.factor.y, plain.factor.y, atol=2e-3)
    assert off.high_q_level.status == "provisional"
    assert any("shifted to 1" in note for note in off.notes)
    assert plain.high_q_level.status == "ok"


def test_a_trend_at_high_q_is_said() -> None:
    tilted = functions_of(with_s(simulated(0), -0.3, 0.015), GLASS, SETTINGS)
    assert any("absorption" in note for note in tilted.notes)
    assert not any(
        "absorption" in note for note in functions_of(simulated(0), GLASS, SETTINGS).notes
    )


def test_errors_of_g_are_those_of_s() -> None:
    draws = np.array(
        [functions_of(simulated(n), GLASS, SETTINGS).reduced.y.real for n in range(40)]
    )
    error = functions_of(simulated(0), GLASS, SETTINGS).reduced.y_error
    assert error is not None
    # Each standard deviation of 40 draws is known to 11 %; the mean over hundreds of r better.
    assert np.mean(draws.std(axis=0)[20:] / error[20:]) == pytest.approx(1.0, abs=0.05)


def test_noise_is_found_under_structure() -> None:
    curve = simulated(0, noise=0.01).measurement.curve
    assert np.median(scatter(curve)) == pytest.approx(0.01, rel=0.1)


def test_every_form_gives_the_same_s() -> None:
    pattern = simulated(0)
    plain = functions_of(pattern, GLASS, SETTINGS).factor
    for form in ("F(Q)", "I(Q)", "i(Q)", "Qi(Q)"):
        curve = convert_factor(
            pattern.measurement.curve, (FRACTIONS, XRays()), source="S(Q)", target=form
        )
        measurement = replace(pattern.measurement, curve=curve)
        other = replace(pattern, measurement=measurement, form=form)
        np.testing.assert_allclose(
            functions_of(other, GLASS, SETTINGS).factor.y, plain.y, atol=1e-9
        )


def test_nickel_by_x_rays() -> None:
    (pattern,) = read_scattering(DATA / "Ni_2-8.chi.gr")
    found = pair_distribution(
        pattern,
        Composition({"Ni": 1.0}, XRays(), 0.0914),
        TransformSettings(Window(40.0)),
        expected=(ExpectedPair("Ni-Ni", 2.49),),
    )
    # fcc, a = 3.524 Å at room temperature (Swanson & Tatge, NBS Circular 539 (1953)): a / sqrt 2
    # = 2.492 Å; the distance in a PDF is longer than that by some 0.001 Å.
    assert found.distances["Ni-Ni"].low - 0.001 < 2.492 < found.distances["Ni-Ni"].high
    # This file is scaled down: the slope of G(r) says so, and the twelve neighbours are doubted.
    assert found.numbers["Ni-Ni"].status == "provisional"
    assert "scale of the data" in found.numbers["Ni-Ni"].note
    assert found.distances["Ni-Ni"].status == "ok"


def test_a_g_of_r_without_its_q_max_is_asked_for() -> None:
    (pattern,) = read_scattering(DATA / "Ni_2-8.chi.gr")
    with pytest.raises(InputError, match="--q-max"):
        functions_of(replace(pattern, q_max=None), Composition({"Ni": 1.0}, XRays()), SETTINGS)


def test_a_pair_that_is_not_there_is_refused() -> None:
    expected = (*EXPECTED, ExpectedPair("Li-Li", 1.6))
    found = pair_distribution(simulated(0), GLASS, SETTINGS, expected=expected)
    assert found.numbers["Li-Li"].status == "refused"
    assert found.numbers["Zr-Cl"].status == "ok"


def test_ripples_are_no_atoms() -> None:
    (row, *_) = fitted(0).observations(Sample("g", "Li4Zr3Cl9O4", "glass"))
    assert row.quantity == "pdf_peak_position"
    pairs = {row.of for row in fitted(0).observations(Sample("g", "X", "glass"))}
    assert pairs == {"Zr-O", "Zr-Cl", ""}


def test_pairs_that_a_formula_lets_one_expect() -> None:
    pairs = {one.pair: one.distance_A for one in expected_pairs("Li3PS4")}
    # P-S in thiophosphates 2.05 Å, Li-S 2.4 to 2.5 Å: the radii come within 0.1 Å.
    assert pairs["P-S"] == pytest.approx(2.05, abs=0.1)
    assert pairs["Li-S"] == pytest.approx(2.45, abs=0.1)
    assert expected_pairs("Ni") == ()
