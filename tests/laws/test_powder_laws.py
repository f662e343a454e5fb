"""Laws of powder patterns: lattices, families, line shapes, columns, refinements."""

from dataclasses import replace

import numpy as np
import pytest
from ase.cell import Cell

from vitrolyte.data.curve import Axis, Curve
from vitrolyte.data.model import Parameter
from vitrolyte.data.trajectory import structure
from vitrolyte.infer.refine.errors import refined_errors
from vitrolyte.infer.refine.projected import Columns, refine
from vitrolyte.laboratory.diffraction.model import (
    Freedom,
    PowderModel,
    Widths,
    phase_of,
    start_parameters,
)
from vitrolyte.laboratory.diffraction.radiation import Radiation
from vitrolyte.laboratory.diffraction.standards import standard_crystal
from vitrolyte.observe.line_shapes import voigt
from vitrolyte.observe.scattering.bragg import reflections
from vitrolyte.observe.scattering.lattices import (
    cell_parameters,
    families,
    free_parameters,
    metric_basis,
    reciprocal_metric,
)
from vitrolyte.observe.scattering.line_profile import axial_offsets, pseudo_voigt_of
from vitrolyte.observe.scattering.powder_lines import march_dollase, powder_lines
from vitrolyte.observe.scattering.probes import XRays

COPPER = Radiation(((1.5405929, 2 / 3), (1.5444274, 1 / 3)))
AXES = Axis("2 theta", "deg"), Axis("counts", "")
IDENTITY = np.eye(3, dtype=np.int64)
TWOFOLD_B = np.diag([-1, 1, -1])
FOURFOLD = np.array([[0, -1, 0], [1, 0, 0], [0, 0, 1]])
THREEFOLD_HEXAGONAL = np.array([[0, -1, 0], [1, -1, 0], [0, 0, 1]])
THREEFOLD_DIAGONAL = np.array([[0, 0, 1], [1, 0, 0], [0, 1, 0]])


@pytest.mark.parametrize(
    ("operations", "free"),
    [
        ((IDENTITY,), ("a", "b", "c", "alpha", "beta", "gamma")),
        ((IDENTITY, TWOFOLD_B), ("a", "b", "c", "beta")),
        ((IDENTITY, TWOFOLD_B, np.diag([-1, -1, 1]), np.diag([1, -1, -1])), ("a", "b", "c")),
        ((IDENTITY, FOURFOLD, FOURFOLD @ FOURFOLD, FOURFOLD @ FOURFOLD @ FOURFOLD), ("a", "c")),
        (
            (IDENTITY, THREEFOLD_HEXAGONAL, THREEFOLD_HEXAGONAL @ THREEFOLD_HEXAGONAL),
            ("a", "c"),
        ),
        (
            (IDENTITY, THREEFOLD_DIAGONAL, THREEFOLD_DIAGONAL @ THREEFOLD_DIAGONAL),
            ("a", "alpha"),
        ),
    ],
)
def test_symmetry_leaves_the_cell_parameters_that_every_textbook_lists(
    operations: tuple[np.ndarray, ...], free: tuple[str, ...]
) -> None:
    rotations = np.array(operations)
    assert free_parameters(rotations) == free
    assert len(metric_basis(rotations)) == len(free)


def test_a_metric_gives_its_triclinic_cell_back() -> None:
    cell = Cell.fromcellpar([5.1, 6.2, 7.3, 81.0, 97.0, 111.0]).array
    np.testing.assert_allclose(
        cell_parameters(reciprocal_metric(cell)), [5.1, 6.2, 7.3, 81.0, 97.0, 111.0]
    )


def test_families_of_a_cube_have_the_multiplicities_of_the_tables() -> None:
    # International Tables A, point group m-3m: {100} 6, {110} 12, {111} 8, {210} 24, {321} 48.
    silicon = standard_crystal("Si")
    found = families(np.eye(3) * 4.0, silicon.rotations, 1.05)
    known = {tuple(sorted(map(abs, h))): m for h, m in zip(found.indices, found.multiplicities)}
    assert known[(0, 0, 1)] == 6
    assert known[(0, 1, 1)] == 12
    assert known[(1, 1, 1)] == 8
    assert known[(0, 1, 2)] == 24
    assert known[(1, 2, 3)] == 48
    assert found.multiplicities.sum() == len(found.members)


def test_strengths_are_those_of_all_reflections_summed_one_by_one() -> None:
    crystal = standard_crystal("Al2O3")
    at_rest = replace(crystal, b_iso=np.zeros(len(crystal.elements)))
    lines = powder_lines(at_rest, XRays(), 1.0)
    atoms = structure(crystal.elements, crystal.fractional @ crystal.cell, crystal.cell)
    direct = reflections(atoms, 2.0 * np.pi / 1.0 - 1e-6)
    spacing = 1.0 / np.sqrt(lines.families.inverse_squares(reciprocal_metric(crystal.cell)))
    for d, total in zip(direct.spacings, direct.intensities.y.real * direct.n_atoms):
        ours = lines.strengths[np.isclose(spacing, d, rtol=1e-6)].sum()
        np.testing.assert_allclose(ours, total, rtol=1e-6, atol=1e-4 * lines.strengths.max())


def test_the_width_of_thompson_cox_and_hastings_is_that_of_voigt() -> None:
    # Their equation is good to 1 % of the width; their paper, J. Appl. Cryst. 20, 79 (1987).
    x = np.linspace(-5.0, 5.0, 100_001)
    for gauss, lorentz in ((1.0, 0.2), (0.5, 0.5), (0.2, 1.0)):
        width, _, _ = pseudo_voigt_of(np.array([gauss]), np.array([lorentz]))
        shape = voigt(x, 0.0, gauss, lorentz)
        above = x[shape > shape.max() / 2.0]
        assert width[0] == pytest.approx(np.ptp(above), rel=0.01)


def test_axial_divergence_moves_lines_to_low_angle_below_90_degrees_only() -> None:
    offsets, weights = axial_offsets(np.array([20.0, 90.0, 150.0]), 6)
    mean = offsets @ weights
    assert weights.sum() == pytest.approx(1.0)
    # The mean of u² under 2 (1 - u) is 1/6.
    assert mean[0] == pytest.approx(-1.0 / np.tan(np.radians(20.0)) / 6.0)
    assert mean[1] == pytest.approx(0.0, abs=1e-12)
    assert mean[2] > 0


def test_a_texture_of_march_keeps_the_mean_over_all_directions() -> None:
    # int P d(cos a) = 1 for any r: Dollase (1986), equation 3.
    cosine = np.linspace(0.0, 1.0, 20_001)
    for r in (0.5, 1.0, 2.0):
        law = (r**2 * cosine**2 + (1.0 - cosine**2) / r) ** -1.5
        assert np.trapezoid(law, cosine) == pytest.approx(1.0, abs=1e-6)
    lines = powder_lines(standard_crystal("Al2O3"), XRays(), 1.5)
    np.testing.assert_allclose(march_dollase(lines, (0, 0, 1), 1.0), 1.0)
    plates = march_dollase(lines, (0, 0, 1), 0.7)
    index = [tuple(h) for h in np.abs(lines.families.indices)].index((0, 0, 6))
    # For a reflection along the axis the factor is r^-3.
    assert plates[index] == pytest.approx(0.7**-3)


def _model() -> tuple[PowderModel, np.ndarray]:
    phases = tuple(
        phase_of(powder_lines(standard_crystal(name), XRays(), 1.3), texture)
        for name, texture in (("Al2O3", (0, 0, 1)), ("Si", None))
    )
    freedom = Freedom(asymmetry=True)
    start, _ = start_parameters(phases, freedom, Widths(0.2, 0.1), step_deg=0.02)
    angles = np.arange(20.0, 70.0, 0.02)
    model = PowderModel(angles, COPPER, phases, freedom, 4, start)
    values = np.array([parameter.value for parameter in start])
    values[model.places["U"]], values[model.places["V"]] = 0.02, -0.01
    values[model.places["texture 0"]] = 0.8
    return model, values


PARAMETERS = (
    *("shift", "W", "U", "V", "asymmetry", "lattice 0 0", "lattice 0 1", "Y 0", "X 0", "B 0"),
    *("texture 0", "lattice 1 0", "Y 1", "X 1", "B 1"),
)


@pytest.mark.parametrize("name", PARAMETERS)
def test_slopes_of_a_pattern_are_those_of_differences(name: str) -> None:
    model, values = _model()
    place = model.places[name]
    heights = np.array([1e-3, 2e-3, 0.0, 0.0, 0.0, 0.0])
    slope = model(values).slopes(heights)[:, place]
    step = 1e-6 * np.eye(len(values))[place]
    ahead, behind = (model(values + sign * step).lines @ heights[:2] for sign in (1.0, -1.0))
    difference = (ahead - behind) / 2e-6
    # Lines are cut at 30 widths, which moves with the lattice: a few in a thousand. Lorentz and
    # polarisation factors are held while the lattice moves.
    assert np.max(np.abs(slope - difference)) < 0.03 * np.max(np.abs(difference))


def _straight(slope: float) -> tuple[Curve, np.ndarray]:
    x = np.linspace(0.0, 10.0, 400)
    shape = np.exp(-0.5 * ((x - 5.0 - slope) / 0.5) ** 2)
    return Curve(x, 300.0 * shape + 20.0, *AXES, np.sqrt(300.0 * shape + 20.0)), shape


def _bell(x: np.ndarray):
    from scipy import sparse

    def columns(values: np.ndarray) -> Columns:
        shape = np.exp(-0.5 * ((x - 5.0 - values[0]) / 0.5) ** 2)
        steep = shape * (x - 5.0 - values[0]) / 0.25
        return Columns(
            sparse.csc_matrix(shape[:, None]),
            np.ones((len(x), 1)),
            lambda c: (c[0] * steep)[:, None],
        )

    return columns


def test_projection_finds_what_least_squares_of_all_parameters_finds() -> None:
    from scipy.optimize import least_squares

    curve, _ = _straight(0.3)
    noisy = replace(curve, y=np.random.default_rng(0).poisson(curve.y).astype(float))
    found = refine(_bell(curve.x), noisy, (Parameter("shift", 0.0, "", -2.0, 2.0),))

    def residuals(p: np.ndarray) -> np.ndarray:
        shape = np.exp(-0.5 * ((curve.x - 5.0 - p[0]) / 0.5) ** 2)
        return (p[1] * shape + p[2] - noisy.y) / noisy.y_error

    direct = least_squares(residuals, [0.0, 200.0, 10.0], xtol=1e-12, ftol=1e-12)
    np.testing.assert_allclose(
        [found.values[0], *found.coefficients], direct.x, rtol=1e-4, atol=1e-5
    )
    errors = refined_errors(found, np.arange(400) // 20)
    whole = np.linalg.inv(direct.jac.T @ direct.jac)
    assert errors.covariance[0, 0] == pytest.approx(
        whole[0, 0] * max(1.0, found.chi2 / found.dof), rel=0.01
    )


def test_a_line_is_never_below_zero() -> None:
    curve, shape = _straight(0.0)
    dip = replace(curve, y=20.0 - 10.0 * shape)
    found = refine(_bell(curve.x), dip, (Parameter("shift", 0.0, "", -2.0, 2.0),))
    assert found.coefficients[0] == 0.0


def test_a_wrong_line_shape_widens_the_errors() -> None:
    curve, _ = _straight(0.1)
    skewed = curve.y + 60.0 * np.exp(-0.5 * ((curve.x - 6.3) / 0.5) ** 2)
    noisy = np.random.default_rng(1).poisson(skewed).astype(float)
    found = refine(
        _bell(curve.x), replace(curve, y=noisy), (Parameter("shift", 0.0, "", -2.0, 2.0),)
    )
    errors = refined_errors(found, np.arange(400) // 20)
    assert errors.widened[0] > 1.2
