"""Structure factors: the ideal gas, limits, Bragg positions and the two-way transform."""

import numpy as np
import pytest

from vitrolyte.data.curve import Axis, Curve
from vitrolyte.data.errors import InputError
from vitrolyte.data.trajectory import Trajectory, structure
from vitrolyte.matter.prototypes import crystal
from vitrolyte.matter.supercell import supercell
from vitrolyte.observe.sampling import sample
from vitrolyte.observe.scattering.density_waves import (
    density_waves,
    reciprocal,
    vectors_within,
    wave_vectors,
)
from vitrolyte.observe.scattering.form_factors import x_ray_form_factor
from vitrolyte.observe.scattering.partials import (
    QRange,
    lorch_window,
    pairs_from_structure_factor,
    reduced_pair_function,
    scattering,
    structure_factor_from_pairs,
)

SKEWED = np.array([[14.0, 0.0, 0.0], [4.0, 13.0, 0.0], [-3.0, 5.0, 15.0]])


def gas(cell: np.ndarray, n_frames: int = 20) -> Trajectory:
    random = np.random.default_rng(3)
    cells = cell[None] * random.uniform(0.97, 1.03, size=(n_frames, 1, 1))
    positions = random.uniform(-1, 2, size=(n_frames, 200, 3)) @ cells
    species = ("Li",) * 120 + ("Cl",) * 80
    return Trajectory(species, np.arange(n_frames) * 1.0, cells, positions)


@pytest.mark.parametrize("cell", [np.eye(3) * 14.0, SKEWED], ids=["cubic", "triclinic"])
def test_an_ideal_gas_has_s_of_one(cell: np.ndarray) -> None:
    result = scattering(gas(cell), QRange(q_max=8.0, width=0.5, budget=4000))
    for curve in (*result.partials.curves, *result.total.curves):
        assert curve.y[3:] == pytest.approx(1.0, abs=0.25)
        assert curve.y[3:].mean() == pytest.approx(1.0, abs=0.05)


@pytest.mark.parametrize("cell", [np.eye(3) * 14.0, SKEWED], ids=["cubic", "triclinic"])
def test_waves_are_the_plain_sums(cell: np.ndarray) -> None:
    frames = gas(cell, n_frames=1)
    sampling = sample(frames)
    vectors = wave_vectors(cell, 6.0, budget=500, seed=1)
    snapshot = next(iter(sampling))
    waves = density_waves(sampling, snapshot, vectors)
    q = vectors.indices @ reciprocal(snapshot.cell)
    phases = np.exp(1j * frames.read().positions[0] @ q.T)
    for number, element in enumerate(sampling.elements):
        plain = phases[frames.indices(element)].sum(axis=0)
        assert waves[number] == pytest.approx(plain, abs=1e-9)


@pytest.mark.parametrize("cell", [np.eye(3) * 14.0, SKEWED], ids=["cubic", "triclinic"])
def test_the_complete_vectors_fill_their_sphere(cell: np.ndarray) -> None:
    # The number of lattice points in a sphere tends to its volume over that of one point.
    volume = abs(np.linalg.det(cell))
    expected = volume * 10.0**3 / (12.0 * np.pi**2)
    assert len(vectors_within(cell, 10.0)) == pytest.approx(expected, rel=0.01)
    some = wave_vectors(cell, 20.0, budget=2000)
    assert some.complete_to < 20.0
    inside = some.lengths(cell) <= some.complete_to
    assert inside.sum() == len(vectors_within(cell, some.complete_to))
    assert some.lengths(cell).max() <= 20.0


def test_a_hot_crystal_tends_to_one_and_peaks_where_bragg_says() -> None:
    edge = 3.91
    whole = supercell(crystal("Li3OCl", "antiperovskite", lattice_parameter_A=edge), (4, 4, 4))
    frame = whole.read()
    random = np.random.default_rng(0)
    moved = frame.positions + random.normal(0, 0.12, size=(10, whole.n_atoms, 3))
    hot = Trajectory(whole.species, np.arange(10.0), np.repeat(frame.cells, 10, axis=0), moved)
    total = scattering(hot, QRange(q_max=25.0)).total.curves[0]
    # Debye-Waller: exp(-Q² 0.12²) leaves less than 1e-2 of the Bragg intensity beyond 18 1/Å.
    assert total.y[total.x > 18].mean() == pytest.approx(1.0, abs=0.05)
    bragg = 2 * np.pi / edge * np.sqrt([1, 2, 3, 4, 5, 6])
    highest = total.x[total.x < 4.1][np.argsort(total.y[total.x < 4.1])[::-1][:4]]
    for q in highest:
        assert np.abs(bragg - q).min() < 0.03


def test_the_longest_wave_is_the_first_point() -> None:
    result = scattering(gas(np.eye(3) * 14.0, 2), QRange(q_max=5.0, width=0.05))
    assert result.total.curves[0].x[0] == pytest.approx(2 * np.pi / 14.0, rel=0.03)


def test_form_factors_count_electrons() -> None:
    # f(0) is the number of electrons, which the fit is said to hold to about 1e-3 of it:
    # Waasmaier & Kirfel 1995, doi:10.1107/S0108767394013292.
    for element, electrons in {"Li": 3, "O": 8, "Cl": 17, "Zr": 40, "Li1+": 2, "Cl1-": 18}.items():
        assert float(x_ray_form_factor(element, 0.0)) == pytest.approx(electrons, rel=1.5e-3)
    # International Tables C, table 6.1.1.1: f of O at sin(theta)/lambda = 0.5 1/Å is 2.338.
    assert float(x_ray_form_factor("O", 4 * np.pi * 0.5)) == pytest.approx(2.338, rel=0.01)
    with pytest.raises(InputError):
        x_ray_form_factor("Zz", 1.0)


def hard_spheres(q: np.ndarray, density: float, diameter: float) -> np.ndarray:
    """Return S(Q) of the Percus-Yevick hard-sphere fluid.

    Wertheim, Phys. Rev. Lett. 10, 321 (1963), doi:10.1103/PhysRevLett.10.321.
    """
    eta = np.pi * density * diameter**3 / 6.0
    a = (1 + 2 * eta) ** 2 / (1 - eta) ** 4
    b = -6 * eta * (1 + eta / 2) ** 2 / (1 - eta) ** 4
    c = eta * a / 2.0
    x = np.linspace(0, 1, 4001)
    direct = -(a + b * x + c * x**3)
    kernel = x * direct * np.sin(np.outer(q * diameter, x))
    transform = 4 * np.pi * diameter**2 / q * np.trapezoid(kernel, x, axis=1)
    return 1.0 / (1.0 - density * transform)


def test_the_transform_goes_both_ways() -> None:
    density, diameter = 0.03, 2.8
    q = np.arange(0.005, 60.0, 0.01)
    s = Curve(q, hard_spheres(q, density, diameter), Axis("Q", "1/Å"), Axis("S", ""))
    r = np.arange(0.01, 40.0, 0.02)
    g = pairs_from_structure_factor(s, density, r, window=False)
    # Nothing lies inside the core; the contact value is (1 + eta/2) / (1 - eta)^2 of this theory.
    eta = np.pi * density * diameter**3 / 6.0
    assert np.abs(g.y[(r > 0.5) & (r < 2.3)]).max() < 0.1
    contact = g.y[(r > diameter) & (r < diameter + 0.15)].max()
    assert contact == pytest.approx((1 + eta / 2) / (1 - eta) ** 2, rel=0.1)
    back = structure_factor_from_pairs(g, density, q[100:2000], window=False)
    assert back.y == pytest.approx(s.y[100:2000], abs=0.02)


def test_windows_and_the_reduced_function() -> None:
    assert lorch_window(np.array([0.0, 5.0, 10.0, 11.0]), 10.0) == pytest.approx(
        [1.0, 2.0 / np.pi, 0.0, 0.0]
    )
    r = np.array([0.5, 1.0])
    empty = Curve(r, np.zeros(2), Axis("r", "Å"), Axis("g", ""))
    # Below the first distance G(r) = -4 pi rho0 r: Keen 2001, doi:10.1107/S0021889800019993.
    assert reduced_pair_function(empty, 0.05).y == pytest.approx(-4 * np.pi * 0.05 * r)


def test_bad_ranges_are_refused() -> None:
    with pytest.raises(InputError):
        QRange(q_max=-1.0)
    with pytest.raises(InputError):
        QRange(width=30.0)
    with pytest.raises(InputError):
        sample(structure(("Li",), [[0, 0, 0]], np.eye(3)), 0)
