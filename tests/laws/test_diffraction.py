"""Diffraction: angles, intensities and the null model for the absence of Bragg peaks."""

import math

import numpy as np
import pytest
from scipy.stats import binom

from vitrolyte.data.errors import InputError
from vitrolyte.data.trajectory import Trajectory, structure
from vitrolyte.matter.prototypes import crystal
from vitrolyte.matter.supercell import supercell
from vitrolyte.observe.scattering.diffraction import (
    bragg_search,
    diffraction,
    scattered_angle,
    scattering_vector,
)
from vitrolyte.observe.scattering.form_factors import x_ray_form_factor
from vitrolyte.observe.scattering.partials import QRange, scattering

SKEWED = np.array([[24.0, 0.0, 0.0], [7.0, 22.0, 0.0], [-5.0, 9.0, 20.0]])


def hot(crystalline: Trajectory, amplitude: float, n_frames: int = 5) -> Trajectory:
    frame = crystalline.read()
    random = np.random.default_rng(0)
    moved = frame.positions + random.normal(0, amplitude, (n_frames, crystalline.n_atoms, 3))
    cells = np.repeat(frame.cells, n_frames, axis=0)
    return Trajectory(crystalline.species, np.arange(n_frames) * 1.0, cells, moved)


def test_angles_of_silicon() -> None:
    # NIST SRM 640: a = 5.4312 Å, Cu K-alpha-1: 111 at 28.44, 220 at 47.30, 311 at 56.12 degrees.
    q = 2 * np.pi / 5.4312 * np.sqrt([3, 8, 11])
    assert scattered_angle(q, 1.5406) == pytest.approx([28.44, 47.30, 56.12], abs=0.01)
    assert scattering_vector(scattered_angle(q, 1.5406), 1.5406) == pytest.approx(q)
    assert np.isnan(scattered_angle(np.array([9.0]), 1.5406)).all()


def test_powder_intensities_of_caesium_chloride() -> None:
    # I ~ multiplicity |F|² (1 + cos² 2 theta) / (sin² theta cos theta), F = f_Cs +- f_Cl for even
    # and odd h + k + l: International Tables C, sections 6.1.1 and 6.2.
    edge = 4.123
    whole = supercell(crystal("CsCl", "caesium_chloride", lattice_parameter_A=edge), (6, 6, 6))
    factors = scattering(whole, QRange(q_max=4.0))
    pattern = diffraction(factors, resolution=0.15).pattern.curves[0]
    ratios = []
    for hkl, multiplicity in [((1, 0, 0), 6), ((1, 1, 0), 12), ((1, 1, 1), 8), ((2, 0, 0), 6)]:
        q = 2 * np.pi / edge * np.linalg.norm(hkl)
        two_theta = float(scattered_angle(q, 1.5406))
        theta = math.radians(two_theta / 2)
        sign = 1 - 2 * (sum(hkl) % 2)
        f = x_ray_form_factor("Cs", q) + sign * x_ray_form_factor("Cl", q)
        lorentz = (1 + math.cos(2 * theta) ** 2) / (math.sin(theta) ** 2 * math.cos(theta))
        near = np.abs(scattering_vector(pattern.x, 1.5406) - q) < 0.2
        area = np.trapezoid(pattern.y[near], pattern.x[near])
        ratios.append(area / float(multiplicity * f**2 * lorentz))
    # A shell as thin as the resolution holds as many vectors as its volume says to about a tenth.
    assert ratios == pytest.approx([np.mean(ratios)] * 4, rel=0.1)


def test_a_crystal_is_crystalline_also_when_hot_or_skewed() -> None:
    whole = supercell(crystal("Li3OCl", "antiperovskite"), (4, 4, 4))
    perfect = bragg_search(whole)
    assert perfect.bragg_order.value == pytest.approx(1.0)
    assert not perfect.amorphous
    warm = bragg_search(hot(whole, 0.3))
    assert not warm.amorphous
    assert warm.chance < 1e-12
    frame = whole.read()
    sheared = frame.cells[0].copy()
    sheared[1] += frame.cells[0][0]
    skewed = bragg_search(structure(whole.species, frame.positions[0], sheared))
    assert skewed.bragg_order.value == pytest.approx(1.0)


def test_half_a_crystal_is_still_found() -> None:
    whole = supercell(crystal("Li3OCl", "antiperovskite"), (5, 5, 5))
    frame = hot(whole, 0.2, 1).read()
    random = np.random.default_rng(3)
    upper = frame.positions[0][:, 2] > frame.cells[0, 2, 2] / 2
    positions = frame.positions[0].copy()
    scattered = random.uniform(0, 1, (int(upper.sum()), 3)) * [1, 1, 0.5] + [0, 0, 0.5]
    positions[upper] = scattered @ frame.cells[0]
    assert not bragg_search(structure(whole.species, positions, frame.cells[0])).amorphous


@pytest.mark.parametrize("cell", [np.eye(3) * 22.0, SKEWED], ids=["cubic", "triclinic"])
def test_points_at_random_follow_the_null_model(cell: np.ndarray) -> None:
    runs, rare = 60, 0
    random = np.random.default_rng(5)
    species = ("Li",) * 240 + ("O",) * 80 + ("Cl",) * 80
    for _ in range(runs):
        points = structure(species, random.uniform(0, 1, (400, 3)) @ cell, cell)
        search = bragg_search(points, q_max=4.0)
        assert search.amorphous
        rare += search.chance < 0.05
    # If the null model is right, 5 % of the searches find less than 5 % chance; the smooth level
    # is itself estimated, from a hundred neighbours, which doubles that at most.
    assert rare <= binom.ppf(0.999, runs, 0.10)


def test_bad_wavelengths_and_tiny_boxes_are_refused() -> None:
    small = supercell(crystal("LiCl", "rock_salt"), (2, 2, 2))
    factors = scattering(small, QRange(q_max=5.0))
    for wrong in (0.0, -1.0, 40.0):
        with pytest.raises(InputError, match="wavelength"):
            diffraction(factors, wrong)
    with pytest.raises(InputError, match="at least 50"):
        bragg_search(crystal("LiCl", "rock_salt"), q_max=3.0)
