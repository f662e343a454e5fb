"""Raman spectra with a known truth: spikes, noise, number of peaks, areas."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from validation.laboratory_raman import SETTINGS, TRUTH, held, simulated

from vitrolyte.data.curve import Curve
from vitrolyte.data.errors import InputError
from vitrolyte.data.measurement import Measurement
from vitrolyte.data.observation import Sample
from vitrolyte.data.spectroscopy import COUNTS, SHIFT
from vitrolyte.infer.peaks import PeakSettings, peaks_on_baseline
from vitrolyte.laboratory.raman.analysis import RamanSettings, Unit, raman
from vitrolyte.laboratory.raman.preparation import arpls_baseline, prepared
from vitrolyte.observe.line_shapes import pseudo_voigt

X = np.arange(330.0, 490.0, 0.8)


def curve(y: np.ndarray, error: float = 1.0) -> Curve:
    return Curve(X, y, SHIFT, COUNTS, y_error=np.full(len(X), error))


def test_intervals_hold_the_truth() -> None:
    seeds, inside = 8, []
    for seed in range(seeds):
        inside += list(held(raman(simulated(seed), SETTINGS)).values())
    assert sum(inside) >= stats.binom.ppf(1e-3, len(inside), 0.95)


def test_cosmic_rays_are_left_out_and_lines_are_not() -> None:
    line = 5000.0 * pseudo_voigt(X, 420.0, 5.0, 0.5)
    random = np.random.default_rng(0)
    y = 300.0 + line + random.normal(0.0, 5.0, len(X))
    y[[30, 150, 151]] += [900.0, 1500.0, 700.0]
    ready = prepared(curve(y))
    assert {float(X[30]), float(X[150]), float(X[151])} <= set(ready.spikes)
    # The line of 5 1/cm is six points wide and stays.
    assert not any(abs(shift - 420.0) < 8.0 for shift in ready.spikes)
    assert len(ready.spikes) <= 9


def test_noise_of_counts_grows_with_their_root() -> None:
    y = np.random.default_rng(1).poisson(200.0 + 60.0 * (X - 330.0)).astype(float)
    error = prepared(curve(y)).curve.y_error
    assert error is not None
    expected = np.sqrt(200.0 + 60.0 * (X - 330.0))
    assert np.median(error / expected[: len(error)]) == pytest.approx(1.0, abs=0.2)


def test_a_saturated_detector_is_noticed() -> None:
    y = np.minimum(300.0 + 50000.0 * pseudo_voigt(X, 420.0, 12.0, 0.5), 2000.0)
    y += np.where(y < 2000.0, np.random.default_rng(0).normal(0.0, 5.0, len(X)), 0.0)
    y = np.minimum(y, 2000.0)
    found = raman(Measurement(curve(y), file="x"), RamanSettings())
    assert found.saturated
    assert all(shift.status == "provisional" for shift in found.shifts)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_number_of_peaks_by_evidence(count: int) -> None:
    places = ((380.0, 9.0, 4000.0), (410.0, 11.0, 7000.0), (445.0, 14.0, 5000.0))[:count]
    random = np.random.default_rng(count)
    y = 500.0 + 0.5 * (X - 400.0) + random.normal(0.0, 4.0, len(X))
    for centre, width, area in places:
        y += area * pseudo_voigt(X, centre, width, 0.4)
    found = peaks_on_baseline(curve(y, 4.0), PeakSettings())
    assert found.count == count
    centres = sorted(one.value for one in found.values("centre"))
    np.testing.assert_allclose(centres, [place[0] for place in places], atol=0.5)


def test_shares_do_not_depend_on_the_scale() -> None:
    spectrum = simulated(2)
    scaled = replace(spectrum, curve=replace(spectrum.curve, y=0.01 * spectrum.curve.y.real))
    one, other = raman(spectrum, SETTINGS), raman(scaled, SETTINGS)
    for name, share in one.units.items():
        assert other.units[name].value == pytest.approx(share.value, rel=0.02)
    assert sum(share.value for share in one.units.values()) == pytest.approx(1.0)


def test_cross_sections_divide() -> None:
    sections = {"P2S6": 1.0, "P2S7": 2.0, "PS4": 1.0}
    units = tuple(Unit(unit.name, unit.shift, sections[unit.name]) for unit in SETTINGS.units)
    plain = raman(simulated(3), SETTINGS).units
    divided = raman(simulated(3), replace(SETTINGS, units=units)).units
    ratio = divided["P2S7"].value / divided["PS4"].value
    assert ratio == pytest.approx(0.5 * plain["P2S7"].value / plain["PS4"].value)


def test_shares_without_cross_sections_say_so() -> None:
    units = tuple(Unit(unit.name, unit.shift) for unit in SETTINGS.units)
    found = raman(simulated(3), replace(SETTINGS, units=units))
    assert all(share.status == "provisional" for share in found.units.values())
    assert "scatter alike" in found.units["PS4"].note
    rows = [row.quantity for row in found.observations(Sample("g", "Li7P3S11", "glass"))]
    assert rows.count("structural_unit_fraction") == len(TRUTH)


def test_baseline_by_penalised_least_squares() -> None:
    base = 400.0 + 0.8 * (X - 330.0)
    y = base + 6000.0 * pseudo_voigt(X, 415.0, 10.0, 0.0)
    y += np.random.default_rng(0).normal(0.0, 3.0, len(X))
    found = arpls_baseline(curve(y))
    # Within the noise at the ends, within a few per cent of the line (560 high) under it.
    assert np.abs(found.y.real - base).max() < 30.0


def test_too_short_a_spectrum_is_refused() -> None:
    with pytest.raises(InputError, match="30 points"):
        raman(simulated(0), replace(SETTINGS, window=(400.0, 405.0)))
