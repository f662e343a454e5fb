"""Crystallinity by area and by waves; the amorphous fraction by an internal standard."""

import math

import numpy as np
import pytest

from vitrolyte.data.curve import Axis, Curve
from vitrolyte.data.errors import InputError
from vitrolyte.data.observation import Sample
from vitrolyte.data.quantity import Quantity
from vitrolyte.data.trajectory import Trajectory, structure
from vitrolyte.matter.prototypes import crystal
from vitrolyte.matter.supercell import supercell
from vitrolyte.observe.scattering.crystallinity import bragg_share, crystallinity
from vitrolyte.observe.scattering.internal_standard import amorphous_fraction, mass_fractions

ANGLE, COUNTS = Axis("2 theta", "deg"), Axis("intensity", "")
X = np.arange(10.0, 80.0, 0.02)


def bell(at: float, width: float) -> np.ndarray:
    return np.asarray(np.exp(-4 * math.log(2) * ((X - at) / width) ** 2))


def mixture(share: float) -> Curve:
    """Return halos and peaks, the peaks with a known share of the area."""
    halo = 50 * bell(30, 8) + 20 * bell(50, 14) + 10
    places = {20: 300, 28.4: 500, 33: 900, 47.3: 400, 56.1: 200, 70: 120}
    peaks = np.sum([height * bell(at, 0.2) for at, height in places.items()], axis=0)
    area = [np.trapezoid(part, X) for part in (halo, peaks)]
    return Curve(X, (1 - share) * halo / area[0] + share * peaks / area[1], ANGLE, COUNTS)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 1.0])
def test_the_share_of_the_peaks_is_found(share: float) -> None:
    found = crystallinity(mixture(share), widest_peak=1.5)
    assert found.share.value == pytest.approx(share, abs=0.005)
    assert found.share.status == "ok"
    assert "1.5" in found.share.note


def test_a_background_and_a_range_can_be_given() -> None:
    plain = mixture(0.4)
    raised = Curve(X, plain.y + 0.01, ANGLE, COUNTS)
    found = crystallinity(raised, widest_peak=1.5, background=0.01)
    assert found.share.value == pytest.approx(0.4, abs=0.005)
    narrow = crystallinity(plain, widest_peak=1.5, between=(58.0, 66.0))
    assert narrow.share.value == pytest.approx(0.0, abs=0.005)


def test_a_doubtful_width_makes_the_figure_provisional() -> None:
    assert crystallinity(mixture(0.3), widest_peak=10.0).share.status == "provisional"


@pytest.mark.parametrize("width", [0.0, 0.03, 60.0])
def test_widths_that_fit_nothing_are_refused(width: float) -> None:
    with pytest.raises(InputError, match="crystallinity"):
        crystallinity(mixture(0.3), widest_peak=width)


def hot(amplitude: float) -> Trajectory:
    whole = supercell(crystal("Li3OCl", "antiperovskite"), (5, 5, 5))
    frame = whole.read()
    moved = frame.positions + np.random.default_rng(0).normal(0, amplitude, (5, whole.n_atoms, 3))
    return Trajectory(whole.species, np.arange(5.0), np.repeat(frame.cells, 5, axis=0), moved)


def test_a_crystal_has_all_and_a_gas_none() -> None:
    assert bragg_share(hot(0.0)).share.value == pytest.approx(1.0)
    shares = [bragg_share(hot(one)).share.value for one in (0.05, 0.1, 0.2)]
    assert sorted(shares, reverse=True) == shares
    cell = np.array([[24.0, 0.0, 0.0], [7.0, 22.0, 0.0], [-5.0, 9.0, 20.0]])
    points = np.random.default_rng(1).uniform(0, 1, (500, 3)) @ cell
    gas = structure(("Li",) * 300 + ("O",) * 100 + ("Cl",) * 100, points, cell)
    assert bragg_share(gas).share.value == 0.0


def test_warm_crystals_lose_what_debye_and_waller_say() -> None:
    # Independent motion takes exp(-<u_x^2> Q^2) out of every Bragg wave and puts it into the
    # smooth part, so that the sum over all waves stays: X = sum I_0 exp(-u^2 Q^2) / sum I.
    found = bragg_share(hot(0.1), q_min=1.0, q_max=6.0)
    still = bragg_share(hot(0.0), q_min=1.0, q_max=6.0).curves["waves"]
    warm = found.curves["waves"]
    expected = np.sum(still.y * np.exp(-(0.1**2) * still.x**2)) / np.sum(warm.y)
    assert found.share.value == pytest.approx(expected, abs=0.02)


@pytest.mark.parametrize("kept", [0.25, 0.5, 0.75])
def test_half_a_crystal_is_half(kept: float) -> None:
    frame = hot(0.0).read()
    cell = frame.cells[0]
    positions = frame.positions[0].copy()
    upper = positions[:, 2] > cell[2, 2] * kept
    drawn = np.random.default_rng(3).uniform(0, 1, (int(upper.sum()), 3))
    positions[upper] = (drawn * [1, 1, 1 - kept] + [0, 0, kept]) @ cell
    share = bragg_share(structure(hot(0.0).species, positions, cell)).share.value
    # Planes of atoms at the cut count to either side, one in ten, and a slab's peaks are smeared
    # along its normal, so that weak ones drown.
    assert share == pytest.approx(kept, abs=0.12)


def one(value: float, error: float = math.nan) -> Quantity:
    return Quantity(value, "1", error=error)


@pytest.mark.parametrize("amorphous", [0.46, 0.691, 0.895])
def test_a_mixture_that_is_known_is_found(amorphous: float) -> None:
    # The published amorphous shares of three ball-milled electrolytes (Zhang et al., J. Am. Chem.
    # Soc. 2024) as truths: the weighings and refinements behind them are not printed.
    weighed = 0.1
    crystalline = (1 - weighed) * (1 - amorphous)
    refined = weighed / (weighed + crystalline)
    found = amorphous_fraction(
        one(weighed, 1e-4), one(refined, 2e-3), {"Li2ZrCl6": one(1 - refined, 2e-3)}
    )
    assert found.amorphous.value == pytest.approx(amorphous)
    total = found.amorphous.value + found.crystalline["Li2ZrCl6"].value
    assert total == pytest.approx(1.0)
    rows = found.observations(Sample("halide", "Li2ZrCl6", "powder"))
    assert [(row.quantity, row.of) for row in rows] == [
        ("amorphous_fraction", ""),
        ("phase_fraction", "Li2ZrCl6"),
    ]


def test_errors_are_those_of_repeated_experiments() -> None:
    random = np.random.default_rng(0)
    weighed, refined = 0.2, 0.35
    w = random.normal(weighed, 0.003, 200_000)
    r = random.normal(refined, 0.006, 200_000)
    scatter = np.std((1 - w / r) / (1 - w))
    found = amorphous_fraction(one(weighed, 0.003), one(refined, 0.006))
    # To first order in relative errors of 2 %.
    assert found.amorphous.error == pytest.approx(scatter, rel=0.03)
    assert found.smallest == pytest.approx(1.645 * found.amorphous.error)


def test_a_share_that_cannot_be_is_not_given() -> None:
    refused = amorphous_fraction(one(0.3, 0.002), one(0.25, 0.002))
    assert refused.amorphous.status == "refused"
    assert "microabsorption" in refused.amorphous.note
    unsure = amorphous_fraction(one(0.3, 0.002), one(0.299, 0.004))
    assert unsure.amorphous.status == "provisional"
    assert amorphous_fraction(one(0.2), one(0.4)).amorphous.status == "provisional"
    with pytest.raises(InputError, match="per cent"):
        amorphous_fraction(one(20.0, 0.1), one(0.4, 0.1))


def test_scale_factors_give_mass_fractions() -> None:
    # Hill & Howard 1987, doi:10.1107/S0021889887086199: w = S Z M V / sum. Masses 3 : 1.
    weights = {"a": 2.0e4, "b": 5.0e4}
    found = mass_fractions({"a": one(3 / 2.0, 0.03), "b": one(1 / 5.0, 0.002)}, weights)
    assert found["a"].value == pytest.approx(0.75)
    assert sum(share.value for share in found.values()) == pytest.approx(1.0)
    # Two shares that add up to one have one error: 0.75 * 0.25 * hypot(2 %, 1 %).
    expected = 0.75 * 0.25 * math.hypot(0.02, 0.01)
    assert [share.error for share in found.values()] == pytest.approx([expected] * 2)
    with pytest.raises(InputError, match="Z M V"):
        mass_fractions({"a": one(1.0)}, {"b": 1.0})
