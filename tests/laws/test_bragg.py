"""Bragg reflections of unit cells, the instrument's profile, and Debye's equation as a check."""

import math

import numpy as np
import pytest

from vitrolyte.data.errors import InputError
from vitrolyte.data.trajectory import Trajectory, structure
from vitrolyte.matter.prototypes import crystal
from vitrolyte.matter.supercell import supercell
from vitrolyte.observe.scattering.bragg import bragg_pattern, reflections
from vitrolyte.observe.scattering.debye import debye_scattering
from vitrolyte.observe.scattering.diffraction import diffraction, scattered_angle
from vitrolyte.observe.scattering.form_factors import x_ray_form_factor
from vitrolyte.observe.scattering.neutron import nucleus
from vitrolyte.observe.scattering.optics import (
    K_ALPHA_A,
    Diffractometer,
    anode_lines,
    monochromator_polarisation,
    spread,
)
from vitrolyte.observe.scattering.partials import QRange, scattering
from vitrolyte.observe.scattering.probes import Neutrons, XRays

EDGE = 5.14
SALT = crystal("LiCl", "rock_salt", lattice_parameter_A=EDGE)
HC_EV_A = 12398.41984


def test_rock_salt_has_the_reflections_of_its_structure_factor() -> None:
    # F = 4 (f_Li +- f_Cl) for h, k, l all even or all odd, else 0; multiplicities of m-3m:
    # International Tables C, sections 6.1 and 10.1.
    families = {
        (1, 1, 1): 8,
        (2, 0, 0): 6,
        (2, 2, 0): 12,
        (3, 1, 1): 24,
        (2, 2, 2): 8,
        (4, 0, 0): 6,
        (3, 3, 1): 24,
        (4, 2, 0): 24,
    }
    found = reflections(SALT, 6.0)
    q, squared = found.intensities.x, found.intensities.y.real
    strong = squared > 1e-9 * squared.max()
    for hkl, multiplicity in families.items():
        where = int(np.abs(q - 2 * np.pi / EDGE * np.linalg.norm(hkl)).argmin())
        sign = 1 if hkl[0] % 2 == 0 else -1
        f = 4 * (x_ray_form_factor("Cl", q[where]) + sign * x_ray_form_factor("Li", q[where]))
        assert q[where] == pytest.approx(2 * np.pi / EDGE * np.linalg.norm(hkl), rel=1e-12)
        assert found.multiplicities.y[where] == multiplicity
        assert squared[where] == pytest.approx(multiplicity * float(f) ** 2 / 8, rel=1e-12)
        assert found.indices[where] == hkl
        assert found.spacings[where] == pytest.approx(EDGE / np.linalg.norm(hkl))
    assert strong[q < 2 * np.pi / EDGE * math.sqrt(20.5)].sum() == len(families)


def test_neutrons_see_lithium_with_the_other_sign() -> None:
    # b of 7Li is negative (Sears 1992), so that odd reflections are the strong ones.
    found = reflections(SALT, 3.0, Neutrons({"Li": "7Li"}))
    where = int(np.abs(found.intensities.x - 2 * np.pi / EDGE * math.sqrt(3)).argmin())
    b = (nucleus("Cl").length - nucleus("7Li").length).real / 10
    assert found.intensities.y[where] == pytest.approx(8 * (4 * b) ** 2 / 8)


def test_every_cell_of_a_crystal_has_the_same_reflections() -> None:
    primitive = structure(
        ("Li", "Cl"),
        [[0, 0, 0], [EDGE / 2] * 3],
        EDGE / 2 * np.array([[0, 1, 1], [1, 0, 1], [1, 1, 0.0]]),
    )
    sheared = SALT.read().cells[0].copy()
    sheared[1] += sheared[0]
    skewed = structure(SALT.species, SALT.read().positions[0] + [0.3, 1.0, -2.0], sheared)
    optics = Diffractometer(two_theta_deg=(20.0, 100.0))
    plain = bragg_pattern(SALT, optics).pattern.curves[0].y
    for other in (primitive, skewed, supercell(SALT, (2, 1, 3))):
        pattern = bragg_pattern(other, optics).pattern.curves[0].y
        assert pattern == pytest.approx(plain, abs=1e-7 * plain.max())


def test_the_two_routes_agree_on_a_crystal() -> None:
    # One from the reflections of the unit cell, the other from S_ab(Q) of a box of 216 cells:
    # absolute intensities, each peak by its area.
    found = scattering(supercell(SALT, (5, 5, 5)), QRange(q_max=4.5, budget=200_000))
    optics = Diffractometer(
        caglioti=(0.0, 0.0, 0.0), mixing=0.0, resolution=0.12, two_theta_deg=(20.0, 60.0)
    )
    lines = bragg_pattern(SALT, optics).pattern.curves[0]
    curve = diffraction(found, resolution=0.12).pattern.curves[0]
    for hkl in ((1, 1, 1), (2, 0, 0), (2, 2, 0)):
        angle = float(scattered_angle(2 * np.pi / EDGE * np.linalg.norm(hkl), 1.5406))
        areas = []
        for one in (lines, curve):
            near = np.abs(one.x - angle) < 2.0
            areas.append(np.trapezoid(one.y[near], one.x[near]))
        # A shell as thin as the resolution holds as many vectors as its volume says to some
        # per cent.
        assert areas[0] == pytest.approx(areas[1], rel=0.06)


def test_displacements_weaken_as_debye_and_waller_say() -> None:
    cold, warm = (reflections(SALT, 6.0, displacement_B_A2=b) for b in (0.0, 1.5))
    strong = cold.intensities.y.real > 1.0
    q = cold.intensities.x[strong]
    ratio = warm.intensities.y.real[strong] / cold.intensities.y.real[strong]
    assert ratio == pytest.approx(np.exp(-2 * 1.5 * (q / (4 * np.pi)) ** 2))
    each = reflections(SALT, 6.0, displacement_B_A2={"Li": 1.5, "Cl": 1.5})
    assert each.intensities.y == pytest.approx(warm.intensities.y)


def test_moving_atoms_do_the_same_as_a_displacement_parameter() -> None:
    # B = 8 pi^2 <u_x^2>: International Tables C, section 6.1.1.
    whole = supercell(SALT, (3, 3, 3))
    frame = whole.read()
    moved = frame.positions + np.random.default_rng(0).normal(0, 0.12, (60, whole.n_atoms, 3))
    hot = Trajectory(whole.species, np.arange(60.0), np.repeat(frame.cells, 60, axis=0), moved)
    found = reflections(hot, 4.0, max_frames=60)
    expected = reflections(whole, 4.0, displacement_B_A2=8 * np.pi**2 * 0.12**2)
    strong = expected.intensities.y.real > 20.0
    ratio = found.intensities.y.real[strong] / expected.intensities.y.real[strong]
    # Thermal diffuse scattering adds about 1 per vector to peaks of hundreds.
    assert ratio == pytest.approx(np.ones(strong.sum()), rel=0.06)


def test_a_doublet_is_two_patterns_in_their_shares() -> None:
    lines = anode_lines("Cu")
    optics = Diffractometer(lines, two_theta_deg=(20.0, 120.0))
    both = bragg_pattern(SALT, optics).pattern.curves[0].y
    parts = [
        weight
        * bragg_pattern(SALT, Diffractometer(((x, 1.0),), two_theta_deg=(20.0, 120.0)))
        .pattern.curves[0]
        .y
        for x, weight in lines
    ]
    assert both == pytest.approx(parts[0] + parts[1])
    assert sum(weight for _, weight in lines) == pytest.approx(1.0)


def test_wavelengths_are_those_of_the_lines_energies() -> None:
    # Energies of K-alpha-1 and K-alpha-2, eV: Bearden, Rev. Mod. Phys. 39, 78 (1967),
    # doi:10.1103/RevModPhys.39.78, good to about 20 ppm.
    bearden = {
        "Cr": (5414.72, 5405.51),
        "Fe": (6403.84, 6390.84),
        "Co": (6930.32, 6915.30),
        "Ni": (7478.15, 7460.89),
        "Cu": (8047.78, 8027.83),
        "Mo": (17479.34, 17374.3),
        "Ag": (22162.92, 21990.3),
    }
    assert set(bearden) == set(K_ALPHA_A)
    for anode, energies in bearden.items():
        assert K_ALPHA_A[anode] == pytest.approx([HC_EV_A / e for e in energies], rel=5e-5)


def test_polarisation_of_the_usual_beams() -> None:
    # Unpolarised (1 + cos^2)/2; behind a monochromator (1 + cos^2 M cos^2)/(1 + cos^2 M):
    # International Tables C, section 6.2.2; a synchrotron scattering vertically: 1.
    angle = np.array([30.0, 90.0, 140.0])
    squared = np.cos(np.radians(angle)) ** 2
    mono = math.cos(math.radians(26.6)) ** 2
    expected = {
        0.5: (1 + squared) / 2,
        monochromator_polarisation(26.6): (1 + mono * squared) / (1 + mono),
        1.0: np.ones(3),
    }
    for share, factor in expected.items():
        assert Diffractometer(polarisation=share).polarised(angle) == pytest.approx(factor)


@pytest.mark.parametrize("mixing", [0.0, 0.4, 1.0])
def test_profiles_have_their_area_and_width(mixing: float) -> None:
    optics = Diffractometer(
        caglioti=(0.02, -0.01, 0.05), mixing=mixing, two_theta_deg=(5.0, 120.0), step_deg=0.005
    )
    pattern = spread(optics, np.array([60.0]), np.array([3.0]), 1.5406)
    assert np.trapezoid(pattern, optics.angles) == pytest.approx(3.0, rel=1e-3)
    above = optics.angles[pattern > pattern.max() / 2]
    tangent = math.tan(math.radians(30.0))
    width = math.sqrt(0.02 * tangent**2 - 0.01 * tangent + 0.05)
    assert np.ptp(above) == pytest.approx(width, abs=0.011)


def test_a_pair_of_atoms_is_debyes_formula() -> None:
    # Debye 1915, doi:10.1002/andp.19153510606: f^2 + g^2 + 2 f g sin(Qd) / (Qd), two atoms.
    q = np.linspace(0.0, 20.0, 300)
    d = 1.7
    found = debye_scattering(("O", "Cl"), [[0, 0, 0], [0, d, 0]], q)
    o, chlorine = x_ray_form_factor("O", q), x_ray_form_factor("Cl", q)
    expected = (o**2 + chlorine**2 + 2 * o * chlorine * np.sinc(q * d / np.pi)) / 2
    assert found.y == pytest.approx(expected, rel=1e-12)
    b, c = nucleus("O").length / 10, nucleus("10B").length / 10
    pair = debye_scattering(("O", "B"), [[0, 0, 0], [0, d, 0]], q, Neutrons({"B": "10B"}))
    waves = np.sinc(q * d / np.pi)
    together = (abs(b) ** 2 + abs(c) ** 2 + 2 * (b * c.conjugate()).real * waves) / 2
    assert pair.y == pytest.approx(together, rel=1e-12)


def test_a_fragment_scatters_together_at_zero_and_apart_far_out() -> None:
    random = np.random.default_rng(0)
    species = ("Li",) * 60 + ("Cl",) * 40
    points = random.uniform(0, 12, (100, 3))
    q = np.array([0.0, 30.0])
    found = debye_scattering(species, points, q, Neutrons())
    b = np.array([nucleus(one).length.real / 10 for one in species])
    assert found.y[0] == pytest.approx(b.sum() ** 2 / 100)
    assert found.y[1] == pytest.approx((b**2).mean(), rel=0.15)
    turned, _ = np.linalg.qr(random.normal(size=(3, 3)))
    again = debye_scattering(species, points @ turned, q, Neutrons())
    assert again.y == pytest.approx(found.y, rel=1e-4)


def test_debyes_equation_gives_the_reflections_of_a_finite_piece() -> None:
    # A sphere of crystal without periodic images: around each reflection stands the transform of
    # the sphere, 4 pi (sin kR - kR cos kR) / k^3 over the volume of the cell, averaged over all
    # directions of Q (Guinier, X-ray Diffraction, Freeman 1963, chapter 5).
    whole = supercell(SALT, (12, 12, 12))
    positions = whole.read().positions[0] - EDGE * 6
    inside = np.linalg.norm(positions, axis=1) < 29.0
    species = tuple(s for s, keep in zip(whole.species, inside, strict=True) if keep)
    q = np.linspace(1.9, 4.6, 136)
    found = debye_scattering(species, positions[inside], q, bin_A=0.005)
    radius = (inside.sum() / 8 * EDGE**3 * 3 / (4 * np.pi)) ** (1 / 3)
    lines = reflections(SALT, 6.5).intensities
    k = np.linspace(1e-3, 6.0, 60001)
    sphere = 4 * np.pi * (np.sin(k * radius) - k * radius * np.cos(k * radius)) / k**3 / EDGE**3
    within = np.concatenate([[0.0], np.cumsum(k[:-1] * sphere[:-1] ** 2) * (k[1] - k[0])])
    expected = np.zeros(len(q))
    for g, strength in zip(lines.x, lines.y.real, strict=True):
        mean = (np.interp(q + g, k, within) - np.interp(np.abs(q - g), k, within)) / (2 * q * g)
        expected += 8 * strength * mean / inside.sum()
    # Atoms on the rough surface, and form factors taken at the reflection instead of at Q.
    high = expected > 0.2 * expected.max()
    assert high.sum() > 20
    assert found.y[high] == pytest.approx(expected[high], rel=0.06)


def test_a_diffractometer_smooths_the_pattern_of_a_glass_and_no_more() -> None:
    # Wider than the instrument, a halo keeps its height: both patterns differ by the profile only.
    random = np.random.default_rng(0)
    cell = np.eye(3) * 18.0
    species = ("Li",) * 180 + ("O",) * 60 + ("Cl",) * 60
    gas = structure(species, random.uniform(0, 18, (300, 3)), cell)
    found = scattering(gas, QRange(q_max=6.0, budget=100_000))
    plain = diffraction(found, resolution=0.4).pattern.curves[0]
    optics = Diffractometer(caglioti=(0, 0, 0.02), two_theta_deg=(15.0, 80.0))
    seen = diffraction(found, optics, resolution=0.4).pattern.curves[0]
    assert seen.y == pytest.approx(np.interp(seen.x, plain.x, plain.y), rel=0.01)
    flat = diffraction(found, optics, probe=Neutrons(), resolution=0.4).pattern.curves[0]
    assert flat.y_axis.unit == "barn/sr/atom"


def test_bad_instruments_are_refused() -> None:
    for wrong in (
        {"lines": ()},
        {"lines": ((1.54, -1.0),)},
        {"polarisation": 1.5},
        {"mixing": -0.1},
        {"two_theta_deg": (0.0, 90.0)},
        {"step_deg": 0.0},
    ):
        with pytest.raises(InputError, match="diffractometer needs"):
            Diffractometer(**wrong)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="positive width"):
        Diffractometer(caglioti=(0.01, -0.1, 0.01))
    with pytest.raises(InputError, match="did you mean 'Cu'"):
        anode_lines("cu".title() + "u")
    with pytest.raises(InputError, match="at most"):
        reflections(supercell(SALT, (10, 10, 10)), 60.0)
    with pytest.raises(InputError, match="Debye"):
        debye_scattering(("Li",), np.zeros((2, 3)), [1.0])
    assert XRays().polarises
