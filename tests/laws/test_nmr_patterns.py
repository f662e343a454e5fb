"""Powder patterns and glasses: areas, edges, moments, side bands, and what they must equal."""

from __future__ import annotations

import numpy as np
import pytest

from vitrolyte.data.errors import InputError
from vitrolyte.observe.nmr_lines.anisotropy import anisotropy_spectrum, side_bands
from vitrolyte.observe.nmr_lines.czjzek import czjzek, czjzek_central, czjzek_satellites
from vitrolyte.observe.nmr_lines.powder import broadened, directions, powder_spectrum
from vitrolyte.observe.nmr_lines.quadrupolar import (
    Coupling,
    central_spectrum,
    isotropic_shift_Hz,
    satellite_spectrum,
    transition_weights,
)

EDGES = np.linspace(-60e3, 60e3, 1201)
MIDDLE = 0.5 * (EDGES[1:] + EDGES[:-1])


def test_directions_cover_an_octant_evenly() -> None:
    at = directions(32)
    # means over a sphere: cos² = 1/3, cos⁴ = 1/5
    for power, mean in ((1, 1 / 3), (2, 1 / 5)):
        corners = (at.cosine2**power)[at.triangles].mean(axis=1)
        assert corners @ at.weights == pytest.approx(mean, abs=1e-3)


@pytest.mark.parametrize("eta", [0.0, 0.35, 1.0])
def test_satellites_end_and_peak_where_the_tensor_says(eta: float) -> None:
    # first order, spin 3/2: nu_Q = C_Q / 2; principal values nu_Q, nu_Q (1 ± eta) / 2
    c_q = 8e4
    found = satellite_spectrum(EDGES, Coupling(1.5, c_q, eta))
    assert found.sum() * 100 == pytest.approx(0.6)
    seen = MIDDLE[found > 0]
    assert seen.max() == pytest.approx(c_q / 2, abs=150)
    assert found == pytest.approx(found[::-1], abs=1e-12)
    # second moment of one satellite: nu_Q² (1 + eta²/3) / 5; triangles of 1/48 miss a few 1/48²
    moment = np.sum(found * MIDDLE**2) / found.sum()
    assert moment == pytest.approx((c_q / 2) ** 2 * (1 + eta**2 / 3) / 5, rel=4 / 48**2)
    if eta < 1:
        horn = MIDDLE[np.argmax(found * (MIDDLE > 0))]
        assert horn == pytest.approx(c_q / 4 * (1 - eta), abs=300)


def test_weights_of_transitions() -> None:
    # 3 : 4 : 3 for a spin 3/2; 5 : 8 : 9 : 8 : 5 for 5/2
    assert list(transition_weights(1.5).values()) == pytest.approx([0.3, 0.4, 0.3])
    assert np.array(list(transition_weights(2.5).values())) * 35 == pytest.approx([5, 8, 9, 8, 5])


@pytest.mark.parametrize("spinning", [False, True])
def test_second_order_shifts_the_middle_alike_at_rest_and_spinning(spinning: bool) -> None:
    one = Coupling(1.5, 2e6, 0.4, 1.059e8)
    edges = np.linspace(-2e4, 2e4, 4001)
    found = central_spectrum(edges, one, spinning=spinning)
    middle = 0.5 * (edges[1:] + edges[:-1])
    assert (found * middle).sum() / found.sum() == pytest.approx(isotropic_shift_Hz(one), rel=2e-3)


def test_without_a_larmor_frequency_the_central_line_is_sharp() -> None:
    found = central_spectrum(EDGES, Coupling(1.5, 8e4, 0.3))
    assert np.count_nonzero(found) == 1
    assert found.sum() * 100 == pytest.approx(0.4)


def test_the_satellites_of_a_glass_are_gaussian() -> None:
    # A sum over random tensors, each with its own pattern, is the Gaussian of `czjzek_satellites`.
    sigma, random = 3e4, np.random.default_rng(0)
    total = np.zeros(len(MIDDLE))
    for _ in range(400):
        u = sigma * random.normal(size=5)
        r = np.sqrt(3.0)
        tensor = np.array(
            [[-u[0] / 2 + r / 2 * u[4], r / 2 * u[3], r / 2 * u[1]],
             [r / 2 * u[3], -u[0] / 2 - r / 2 * u[4], r / 2 * u[2]],
             [r / 2 * u[1], r / 2 * u[2], u[0]]]
        )  # fmt: skip
        values = np.linalg.eigvalsh(tensor)
        values = values[np.argsort(np.abs(values))]
        eta = min(abs((values[1] - values[0]) / values[2]), 1.0)
        one = Coupling(1.5, abs(float(values[2])), float(eta))
        total += satellite_spectrum(EDGES, one, fineness=12) / 400
    assert total == pytest.approx(czjzek_satellites(EDGES, 1.5, sigma), abs=1.2e-6)


def test_the_law_of_czjzek_is_normalised_over_both_signs() -> None:
    c, e = np.linspace(0, 8, 801), np.linspace(0, 1, 201)
    values = czjzek(c[:, None], e[None, :], 1.0)
    total = np.trapezoid(np.trapezoid(values, dx=e[1]), dx=c[1])
    assert 2 * total == pytest.approx(1.0, abs=1e-4)


def test_the_central_line_of_a_glass_leans_to_low_frequency() -> None:
    edges = np.linspace(-6e3, 1e3, 701)
    found = czjzek_central(edges, 1.5, 1.0e6, 1.059e8)
    middle = 0.5 * (edges[1:] + edges[:-1])
    top = middle[np.argmax(found)]
    mean = (found * middle).sum() / found.sum()
    assert mean < top < 0
    # mean of C_Q² (1 + eta²/3) over the law: 5 sigma²
    strength = Coupling(1.5, 1.0e6, 0.0, 1.059e8).second_order_Hz
    assert mean == pytest.approx(-strength / 5 * 5, rel=0.05)


def test_side_bands_keep_area_and_moments() -> None:
    orders = np.arange(-40, 41)
    zeta, eta, rate = 9700.0, 0.3, 3000.0
    found = side_bands(zeta, eta, rate, orders)
    assert found.sum() == pytest.approx(1.0)
    # Maricq & Waugh 1979: first moment 0, second zeta² (1 + eta²/3) / 5, third the static one
    assert (found * orders).sum() == pytest.approx(0.0, abs=1e-9)
    second = (found * (orders * rate) ** 2).sum()
    assert second == pytest.approx(zeta**2 * (1 + eta**2 / 3) / 5, rel=1e-3)
    static = anisotropy_spectrum(np.linspace(-2e4, 2e4, 2001), zeta, eta)
    x = np.linspace(-2e4, 2e4, 2001)
    middle = 0.5 * (x[1:] + x[:-1])
    third = (static * middle**3).sum() * 20
    assert (found * (orders * rate) ** 3).sum() == pytest.approx(third, rel=0.01)
    # faster than the anisotropy: one band is left
    assert side_bands(zeta, eta, 100 * zeta, [0])[0] == pytest.approx(1.0, abs=1e-3)


def test_side_bands_are_mrsimulators() -> None:
    # mrsimulator 1.0.0, 31P at 9.4 T, shielding zeta 60 ppm, eta 0.3, 5 kHz: bands -3 to 3. A
    # shielding is minus a shift.
    theirs = [0.00700, 0.05808, 0.12924, 0.56062, 0.21971, 0.02083, 0.00301]
    found = side_bands(-60 * 162.16366, 0.3, 5000, np.arange(-3, 4))
    assert found == pytest.approx(theirs, abs=7e-4)


def test_broadening_keeps_the_area_and_adds_widths() -> None:
    spike = np.zeros(1000)
    spike[500] = 1.0
    wide = broadened(spike, 2.0, gauss=40.0)
    assert wide.sum() == pytest.approx(1.0)
    assert wide[510] == pytest.approx(wide[500] / 2, rel=1e-3)
    twice = broadened(wide, 2.0, gauss=30.0)
    assert twice == pytest.approx(broadened(spike, 2.0, gauss=50.0), abs=1e-9)


def test_impossible_tensors_are_refused() -> None:
    for wrong in ({"spin": 1.0, "c_q_Hz": 1.0}, {"spin": 1.5, "c_q_Hz": 1.0, "eta": 1.2}):
        with pytest.raises(InputError):
            Coupling(**wrong)
    with pytest.raises(InputError):
        side_bands(1.0, 0.0, 0.0, [0])
    with pytest.raises(InputError):
        powder_spectrum(np.zeros(3), [0.0, 1.0, 3.0], directions(4))
