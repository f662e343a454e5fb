"""Absorption spectra with a known truth: edge, background, noise, shells."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from validation.laboratory_absorption import (
    TRUTH,
    WINDOW,
    fitted,
    simple_path,
    simulated,
    two_shells,
)

from vitrolyte.data.curve import Curve
from vitrolyte.data.errors import InputError
from vitrolyte.data.measurement import Measurement
from vitrolyte.data.observation import Sample
from vitrolyte.data.quantity import Quantity
from vitrolyte.data.spectroscopy import absorption_curve
from vitrolyte.laboratory.absorption.analysis import (
    AbsorptionSettings,
    _with_step,
    absorption,
)
from vitrolyte.laboratory.absorption.background import BackgroundSettings, fine_structure
from vitrolyte.laboratory.absorption.edge import EdgeSettings, find_edge, normalise
from vitrolyte.laboratory.absorption.noise import noise_of
from vitrolyte.laboratory.absorption.path_fit import Amplitude, fit_shells
from vitrolyte.observe.exafs.paths import EV_TO_WAVE_NUMBER2, Shell, path_model
from vitrolyte.observe.exafs.transforms import Transform, fourier

E0, STEP_HEIGHT = 17998.0, 1.7
SETTINGS = AbsorptionSettings(
    transform=WINDOW.transform, r_min_A=1.0, r_max_A=3.0, amplitude=Amplitude(s02=0.9)
)


def spectrum(noise: float = 2e-4, seed: int = 0) -> Curve:
    """μ(E) of the simulated oxychloride: a step, a falling line and a slow curve under it."""
    energy = np.concatenate(
        [np.arange(17800, 17980, 5.0), np.arange(17980, 18030, 0.5), np.arange(18030, 18950, 2.0)]
    )
    k = np.sqrt(np.clip(energy - E0, 0, None) * EV_TO_WAVE_NUMBER2)
    model = path_model(two_shells(), s02=0.9)
    values = np.array([TRUTH[parameter.name] for parameter in model.parameters])
    # The equation is none of the near edge: it is faded in over the first 2 1/Å.
    chi = model.forward(np.maximum(k, 0.3), values) * -np.expm1(-((k / 2.0) ** 6))
    rise = 0.5 + np.arctan((energy - E0) / 1.5) / np.pi
    away = (energy - E0) / 1000.0
    mu = 0.3 - 0.2 * away + STEP_HEIGHT * rise * (1.0 - 0.15 * away + 0.03 * away**2 + chi)
    mu += np.random.default_rng(seed).normal(0.0, noise, len(energy))
    return absorption_curve(energy, mu, "simulated")


def test_edge_and_step() -> None:
    mu = spectrum()
    edge = normalise(mu, EdgeSettings())
    # The fine structure moves the steepest rise by a part of an electronvolt.
    assert find_edge(mu) == pytest.approx(E0, abs=1.5)
    assert abs(edge.step.value - STEP_HEIGHT) < 3.0 * edge.step.error
    assert edge.step.error < 0.05 * STEP_HEIGHT


def test_edge_does_not_depend_on_the_scale() -> None:
    mu = spectrum()
    scaled = replace(mu, y=40.0 * mu.y.real + 3.0)
    assert find_edge(scaled) == pytest.approx(find_edge(mu), abs=1e-6)
    one, other = normalise(mu, EdgeSettings()), normalise(scaled, EdgeSettings())
    assert other.step.value == pytest.approx(40.0 * one.step.value)
    background = BackgroundSettings()
    np.testing.assert_allclose(
        fine_structure(scaled, other, background).chi.y.real,
        fine_structure(mu, one, background).chi.y.real,
        atol=1e-9,
    )


def test_background_leaves_the_shells() -> None:
    mu = spectrum(noise=0.0)
    edge = replace(
        normalise(mu, EdgeSettings(e0_eV=E0)), step=Quantity.normal(STEP_HEIGHT, 0.01, "1")
    )
    chi = fine_structure(mu, edge, BackgroundSettings()).chi
    truth = simulated(0, noise=0.0)
    transform = Transform(3.0, 13.0, 1.0, 2)
    ours, known = fourier(chi, transform), fourier(truth, transform)
    shells = (known.x > 1.2) & (known.x < 3.0)
    off = np.abs(ours.y - known.y)[shells].max() / np.abs(known.y).max()
    # The amplitude of μ falls with the step of the free atom, by 8 % at 13 1/Å.
    assert off < 0.08
    below = (ours.x < 0.7) & (ours.x > 0.1)
    assert np.abs(ours.y)[below].max() < 0.1 * np.abs(known.y).max()


def test_noise_is_that_of_the_points() -> None:
    rng = np.random.default_rng(3)
    k = np.arange(0, 301) * 0.05
    found = [
        noise_of(replace(simulated(0), x=k, y=rng.normal(0, 0.003, len(k))), WINDOW.transform).in_k
        for _ in range(40)
    ]
    # 64 independent numbers lie between 15 and 25 Å: 9 % each, 1.4 % in the mean of 40.
    assert np.sqrt(np.mean(np.square(found))) == pytest.approx(0.003, rel=0.05)


def test_intervals_of_shells_hold_the_truth() -> None:
    seeds = 12
    held = dict.fromkeys(TRUTH, 0)
    for seed in range(seeds):
        found = fitted(seed)
        for name, truth in TRUTH.items():
            held[name] += bool(found.parameters[name].low <= truth <= found.parameters[name].high)
    # Of 12 intervals at 95 %, fewer than 8 hold in one case of 10^4.
    assert min(held.values()) >= stats.binom.ppf(1e-4, seeds, 0.95)
    assert sum(held.values()) >= stats.binom.ppf(1e-4, seeds * len(held), 0.95) - 2 * len(held)


def test_number_and_disorder_correlate() -> None:
    found = fitted(1)
    pairs = {frozenset(pair.split(" | ")): value for pair, value in found.correlations.items()}
    assert pairs[frozenset({"N Zr-Cl", "sigma2 Zr-Cl"})] > 0.7


def test_numbers_of_a_standard_give_s02() -> None:
    oxygen, chlorine = two_shells()
    found = fit_shells(
        simulated(5),
        (oxygen, chlorine),
        WINDOW,
        amplitude=Amplitude(numbers=(2.5, 4.5)),
        noise_in_k=2e-3,
    )
    s02 = found.parameters["S02"]
    assert s02.low < 0.9 < s02.high
    assert not any(name.startswith("N ") for name in found.parameters)


def test_number_without_s02_is_refused() -> None:
    chi = simulated(0)
    result = absorption(
        Measurement(chi, file="x"),
        replace(SETTINGS, amplitude=Amplitude()),
        shells=two_shells(),
        absorber="Zr",
    )
    assert result.shells["N Zr-O"].status == "refused"
    assert "--s02" in result.shells["N Zr-O"].note
    assert result.shells["R Zr-Cl"].status == "ok"


def test_two_equal_shells_are_refused_not_invented() -> None:
    path = simple_path("Cl", 2.5, 0.8, 1.4)
    twice = (Shell(path, 2.0, label="a"), Shell(path, 2.0, label="b"))
    result = absorption(Measurement(simulated(0), file="x"), SETTINGS, shells=twice)
    numbers = [result.shells[name] for name in ("N a", "N b")]
    undetermined = [n.status == "refused" or n.high - n.low > n.value for n in numbers]
    assert any(undetermined) or "R factor" in numbers[0].note


def test_too_many_shells_are_refused() -> None:
    path = simple_path("Cl", 2.5, 0.8, 1.4)
    shells = tuple(Shell(path, 1.0, distance_A=1.8 + 0.2 * n, label=str(n)) for n in range(6))
    with pytest.raises(InputError, match="independent points"):
        absorption(Measurement(simulated(0), file="x"), SETTINGS, shells=shells)


def test_noise_alone_has_no_edge() -> None:
    energy = np.arange(8000.0, 9000.0, 2.0)
    noise = np.random.default_rng(0).normal(1.0, 0.1, len(energy))
    with pytest.raises(InputError):
        normalise(absorption_curve(energy, noise, "noise"), EdgeSettings())


def test_exchanged_detectors_are_noticed() -> None:
    mu = spectrum()
    with pytest.raises(InputError):
        normalise(replace(mu, y=-mu.y.real), EdgeSettings())


def test_step_widens_the_number() -> None:
    number = _with_step(Quantity.normal(6.0, 0.3, "1"), Quantity.normal(2.0, 0.1, "1"))
    assert number.error == pytest.approx(np.hypot(0.3, 0.05 * 6.0))
    assert number.high - number.value == pytest.approx(1.959964 * number.error, rel=1e-5)


def test_rows_of_a_whole_spectrum() -> None:
    result = absorption(
        Measurement(spectrum(), file="glass.dat"), SETTINGS, shells=two_shells(), absorber="Zr"
    )
    rows = {(row.quantity, row.of): row for row in result.observations(Sample("g", "X", "glass"))}
    oxygen, chlorine = rows["bond_length", "Zr-O"], rows["bond_length", "Zr-Cl"]
    assert oxygen.kind == "measured"
    assert oxygen.value is not None
    assert chlorine.value is not None
    # The edge is read where μ rises most, some tenths of an eV off: E0 takes that up.
    assert abs(oxygen.value - 2.07) < 0.05
    assert abs(chlorine.value - 2.49) < 0.03
    assert rows["coordination_number", "Zr-Cl"].value == pytest.approx(4.5, rel=0.25)
