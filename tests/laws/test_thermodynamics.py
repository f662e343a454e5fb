"""Density and expansion with propagated errors, and the curve through a glass transition."""

import math

import numpy as np
import pytest

from vitrolyte.data.errors import InputError
from vitrolyte.data.observation import Sample
from vitrolyte.data.quantity import Quantity
from vitrolyte.data.trajectory import Trajectory
from vitrolyte.matter.composition import parse_formula
from vitrolyte.matter.prototypes import crystal
from vitrolyte.matter.supercell import supercell
from vitrolyte.observe.thermodynamics import (
    Cooling,
    density,
    glass_transition_curve,
    quench_curves,
    volume_expansion,
)

CRYSTAL = supercell(crystal("Li3OCl", "antiperovskite", lattice_parameter_A=3.91), (2, 2, 2))


def breathing(scale: float, n_frames: int = 300, seed: int = 0) -> Trajectory:
    random = np.random.default_rng(seed)
    frame = CRYSTAL.read()
    lengths = scale * (1 + 0.003 * random.normal(size=n_frames))
    cells = frame.cells * lengths[:, None, None]
    cells[:, 2] += 0.1 * cells[:, 0]
    positions = np.repeat(frame.positions, n_frames, axis=0)
    return Trajectory(CRYSTAL.species, np.arange(n_frames) * 1.0, cells, positions)


def test_density_and_volume_of_a_formula_unit() -> None:
    result = density(breathing(1.0), "Li3OCl")
    # 3.91³ Å³ for 72.269 u.
    assert result.volume_per_formula_unit.value == pytest.approx(3.91**3, rel=2e-3)
    assert result.density.value == pytest.approx(72.269 * 1.66053906660 / 3.91**3, rel=2e-3)
    expected = 3 * 0.003 * result.volume_per_formula_unit.value / math.sqrt(300)
    assert result.volume_per_formula_unit.error == pytest.approx(expected, rel=0.25)
    rows = result.observations(Sample("antiperovskite", "Li3OCl", "crystal", 300.0))
    assert [row.quantity for row in rows] == ["density", "volume_per_formula_unit"]


def test_the_published_crystal_density_of_the_hydroxide_bromide() -> None:
    # a = 4.046 Å: Schwering et al., ChemPhysChem 4, 343 (2003), doi:10.1002/cphc.200390059;
    # 2.78 g/cm³ printed for the crystal in the study of its glass (ACS Mater. Lett. 2025).
    mass = parse_formula("Li2OHBr").mass_u
    assert mass * 1.66053906660 / 4.046**3 == pytest.approx(2.78, abs=0.005)


def test_expansion_carries_both_errors() -> None:
    glass, solid = Quantity.normal(67.5, 0.5, "Å³"), Quantity.normal(59.8, 0.2, "Å³")
    result = volume_expansion(glass, solid)
    assert result.expansion.value == pytest.approx(67.5 / 59.8 - 1)
    spread = 67.5 / 59.8 * math.hypot(0.5 / 67.5, 0.2 / 59.8)
    assert result.expansion.error == pytest.approx(spread)
    assert result.expansion.high - result.expansion.value == pytest.approx(1.959964 * spread)
    assert result.density_ratio.value == pytest.approx(59.8 / 67.5)
    by_density = volume_expansion(
        Quantity.normal(2.0, 0.01, "g/cm³"), Quantity.normal(2.2, 0.01, "g/cm³")
    )
    assert by_density.expansion.value == pytest.approx(0.1)


def test_the_interval_of_an_expansion_holds_the_truth() -> None:
    held = 0
    for seed in range(100):
        glass = density(breathing(1.04, 100, seed), "Li3OCl")
        solid = density(breathing(1.0, 100, 1000 + seed), "Li3OCl")
        number = volume_expansion(
            glass.volume_per_formula_unit, solid.volume_per_formula_unit
        ).expansion
        held += number.low <= 1.04**3 - 1 <= number.high
    # A coverage of 95 % gives fewer than 88 in less than 1 of 300 repetitions.
    assert held >= 88


def test_refusal_and_doubt_travel_on() -> None:
    good = Quantity.normal(60.0, 0.1, "Å³")
    assert volume_expansion(Quantity.refused("Å³", "no run"), good).expansion.status == "refused"
    doubtful = volume_expansion(good.provisional("short"), good).expansion
    assert (doubtful.status, doubtful.note) == ("provisional", "short")
    with pytest.raises(InputError):
        volume_expansion(good, Quantity.normal(2.0, 0.1, "g/cm³"))


def test_the_glass_transition_curve_has_its_two_slopes() -> None:
    parameters = (500.0, 60.0, 0.002, 0.008, 20.0)
    t = np.array([0.0, 1.0, 499.0, 501.0, 9999.0, 10000.0])
    y = glass_transition_curve(t, parameters)
    assert y[1] - y[0] == pytest.approx(0.002, rel=0.01)
    assert y[5] - y[4] == pytest.approx(0.010, rel=0.01)
    assert glass_transition_curve([500.0], parameters)[0] == pytest.approx(60.0 + 0.008 * 20.0)


def test_a_quench_is_averaged_in_stretches_of_time() -> None:
    random = np.random.default_rng(4)
    t = np.linspace(1200, 300, 6000)
    parameters = (600.0, 60.0, 0.002, 0.008, 30.0)
    volume = 64 * glass_transition_curve(t, parameters) + random.normal(0, 5, 6000)
    result = quench_curves(Cooling(t, volume, volume * 1e-3, 320, 64.0), points=60)
    curve = result.volume.curves[0]
    truth = glass_transition_curve(curve.x, parameters)
    assert curve.y_error == pytest.approx(5 / 64 / 10, rel=0.8)
    pulls = (curve.y - truth) / curve.y_error
    # A chi-square of 60 with heavier tails of Student's t: mean 1.1, spread about 0.3.
    assert 0.6 < np.mean(pulls**2) < 2.0
    with pytest.raises(InputError):
        quench_curves(Cooling(t[:100], volume[:100], volume[:100], 320, 64.0), points=60)
