"""Charges under a student: what is taken off the labels is what the run adds."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from vitrolyte.data.errors import InputError
from vitrolyte.infer.distil.charges import Charges, Electrostatics
from vitrolyte.infer.distil.config import CrystalSettings, FitSettings, LimitSettings, PodSettings
from vitrolyte.infer.distil.config import Site as At
from vitrolyte.infer.distil.cores import Core, Cores
from vitrolyte.infer.distil.descriptors import Basis
from vitrolyte.infer.distil.evaluate import student_labels
from vitrolyte.infer.distil.gate import repulsive_shares
from vitrolyte.infer.distil.hops import hop
from vitrolyte.infer.distil.pod import FitOrder, fit_student
from vitrolyte.infer.distil.regression import weighted
from vitrolyte.infer.distil.seeds import crystal, rattled, repeated, strained
from vitrolyte.potentials.coulomb import COULOMB_EV_A, Coulomb
from vitrolyte.potentials.teacher import Example, Label, Snapshot

ELEMENTS = ("Li", "Cl")
EDGE_A = 5.2
SALT = CrystalSettings(
    name="LiCl",
    spacegroup=225,
    a_A=EDGE_A,
    sites=(At(element="Li", at=(0, 0, 0)), At(element="Cl", at=(0.5, 0.5, 0.5))),
    repeat=(1, 1, 1),
)
SMALL = PodSettings(
    two_body=8, three_body=2, three_body_angular=1, four_body=0, four_body_angular=0, cutoff_A=5.2
)
UNIT = Charges({"Li": 1.0, "Cl": -1.0}, Coulomb("ewald", 1e-7, cutoff_A=8.0))
TRUE_SCALE = 0.5
WAVES = 12
SHORT = Cores({pair: Core((3, 3), 1.0, 4.2) for pair in ("Li-Li", "Li-Cl", "Cl-Cl")})


def skewed(seed: int, repeat: tuple[int, int, int] = (2, 1, 1)) -> Snapshot:
    generator = np.random.default_rng(seed)
    return rattled(
        strained(crystal(SALT, repeat), 0.08, generator=generator), 0.4, generator=generator
    )


@pytest.fixture(scope="module")
def under(tmp_path_factory):
    return Electrostatics(UNIT, (0.25, TRUE_SCALE, 0.8), tmp_path_factory.mktemp("charges"))


def labelled(snapshot: Snapshot, under: Electrostatics) -> Example:
    """Label with short-range repulsion and half the formal charges."""
    short, long = SHORT.label(snapshot), under.label(snapshot, TRUE_SCALE)
    total = (short.energy + long.energy, short.forces + long.forces, short.stress + long.stress)
    return Example(snapshot, Label(*total), "crystal")


@pytest.fixture(scope="module")
def made(under, tmp_path_factory):
    folder = tmp_path_factory.mktemp("fit")
    cells = [skewed(seed) for seed in range(16)]
    under.prepare(cells)
    basis = Basis(ELEMENTS, SMALL, folder / "rows")
    order = FitOrder(FitSettings(), LimitSettings(), 1, 1, folder / "fit", under)
    return fit_student([labelled(cell, under) for cell in cells], basis, order), basis, order


def said(pair, cells, folder):
    return student_labels(pair, cells, elements=ELEMENTS, folder=folder)


def test_rock_salt_has_its_madelung_energy_at_every_scale(under):
    # Madelung constant of NaCl by nearest distance 1.747564594633: Borwein, Borwein and Taylor
    # 1985, doi:10.1063/1.526675
    rock_salt = crystal(SALT, (2, 2, 2))
    for scale in (1.0, 0.6):
        expected = -(scale**2) * 1.747564594633 * COULOMB_EV_A / (EDGE_A / 2) * 32
        assert under.label(rock_salt, scale).energy == pytest.approx(expected, rel=2e-6)


def test_charges_know_no_place_in_space_and_pull_on_nothing_outside(under):
    here = skewed(50)
    shift = np.array([0.7, -1.3, 2.2])
    there = Snapshot(here.species, here.positions + shift, here.cell)
    first, second = under.label(here, 1.0), under.label(there, 1.0)
    assert second.energy == pytest.approx(first.energy, rel=1e-7)
    np.testing.assert_allclose(second.forces, first.forces, atol=1e-5)
    np.testing.assert_allclose(second.stress, first.stress, atol=1e-7)
    np.testing.assert_allclose(first.forces.sum(axis=0), 0.0, atol=1e-5)


def test_the_scale_behind_the_labels_is_found(made):
    fit, *_ = made
    assert fit.student.charges.values == {"Li": TRUE_SCALE, "Cl": -TRUE_SCALE}


def test_a_student_with_charges_less_one_without_is_the_charges(made, under, tmp_path):
    fit, *_ = made
    cell = skewed(60)
    (whole,) = said(fit.student.pair(), [cell], tmp_path)
    (short,) = said(fit.student.short(), [cell], tmp_path)
    charges = under.label(cell, TRUE_SCALE)
    # LAMMPS splits its Ewald sum anew for other charges: 1e-7 x 14.4 eV/Å is its error of a force
    assert whole.energy - short.energy == pytest.approx(charges.energy, rel=1e-6)
    np.testing.assert_allclose(whole.forces - short.forces, charges.forces, atol=1e-5)
    np.testing.assert_allclose(whole.stress - short.stress, charges.stress, atol=1e-6)


def test_labels_that_are_charges_alone_leave_nothing_to_fit(made, under, tmp_path):
    _, basis, order = made
    cells = [skewed(seed) for seed in range(16)]
    examples = [Example(cell, under.label(cell, TRUE_SCALE), "crystal") for cell in cells]
    alone = Electrostatics(UNIT, (TRUE_SCALE,), under.folder)
    bare = FitOrder(order.settings, order.limits, 1, 1, tmp_path / "fit", alone)
    fit = fit_student(examples, basis, bare)
    fresh = skewed(70)
    (short,) = said(fit.student.short(), [fresh], tmp_path)
    whole = under.label(fresh, TRUE_SCALE)
    # only the guards of close contacts are left to fit; they may reach into the cells as far as a
    # force is forgiven, which is less than the charges themselves do
    assert np.abs(short.forces).max() < order.settings.force_error_eV_per_A
    assert np.abs(whole.forces).max() > order.settings.force_error_eV_per_A
    assert abs(short.energy) < 1e-3 * abs(whole.energy)
    (design,) = basis.designs([cells[0]])
    label = examples[0].label
    assert not weighted(design, label, settings=order.settings, beneath=label).target.any()


def test_the_fit_finds_ions_that_it_could_not_express_without_charges(made, under, tmp_path):
    _, basis, order = made
    # cells four times as long as the cut-off hold fields that no neighbour within it tells of
    cells, fresh = (
        [labelled(skewed(seed, (4, 1, 1)), under) for seed in seeds]
        for seeds in (range(16), range(80, 86))
    )
    misses = []
    for name, charges in (("with", under), ("without", None)):
        one = FitOrder(order.settings, order.limits, 1, 1, tmp_path / name, charges)
        student = fit_student(cells, basis, one).student
        labels = said(student.pair(), [example.snapshot for example in fresh], tmp_path)
        gaps = [label.forces - one.label.forces for label, one in zip(labels, fresh)]
        misses.append(float(np.concatenate(gaps).std()))
    # what is left with charges is the price of the guards of close contacts
    assert misses[0] < 0.5 * misses[1]


def test_forces_and_stress_of_the_whole_are_slopes_of_its_energy(made, tmp_path):
    fit, *_ = made
    cell, step, strain_step = skewed(90), 1e-3, 1e-4
    cases = [cell]
    for sign in (1, -1):
        moved = cell.positions.copy()
        moved[3, 1] += sign * step
        cases.append(Snapshot(cell.species, moved, cell.cell))
    for sign in (1, -1):
        strain = np.eye(3)
        strain[0, 1] += 0.5 * sign * strain_step
        strain[1, 0] += 0.5 * sign * strain_step
        cases.append(Snapshot(cell.species, cell.positions @ strain, cell.cell @ strain))
    here, up, down, sheared, back = said(fit.student.pair(), cases, tmp_path)
    slope = (up.energy - down.energy) / (2 * step)
    assert -slope == pytest.approx(here.forces[3, 1], abs=2e-3)
    slope = (sheared.energy - back.energy) / (2 * strain_step) / cell.volume
    assert slope == pytest.approx(here.stress[0, 1], abs=1e-4)


def test_opposite_charges_count_as_attraction_between_close_ions(made, tmp_path):
    fit, *_ = made
    # e²/4πε₀ = 14.399645 eV Å (CODATA 2018)
    assert UNIT.push("Li-Cl", 1.0) == pytest.approx(-14.399645)
    assert repulsive_shares(fit, SMALL.cutoff_A, tmp_path)["Li-Cl"] == 1.0
    violent = replace(fit, student=replace(fit.student, charges=UNIT.scaled(100.0)))
    shares = repulsive_shares(violent, SMALL.cutoff_A, tmp_path)
    assert shares == {"Li-Li": 1.0, "Li-Cl": 0.0, "Cl-Cl": 1.0}


def test_polar_waves_of_long_wavelength_split_by_the_charges(made, tmp_path):
    """``w_LO² - w_TO² = 4 pi k q² / (V m)`` for rigid ions in their cell of volume V."""
    fit, *_ = made
    half = EDGE_A / 2
    unit = Snapshot(ELEMENTS, np.array([[0.0] * 3, [half] * 3]), half * (1 - np.eye(3)))
    whole = repeated(unit, (WAVES, 1, 1))
    move = 0.01
    cells = []
    for sign in (1, -1):
        moved = whole.positions.copy()
        moved[0, 0] += sign * move
        cells.append(Snapshot(whole.species, moved, whole.cell))
    stiff = []
    for pair in (fit.student.pair(), fit.student.short()):
        up, down = said(pair, cells, tmp_path)
        constants = -(up.forces - down.forces).reshape(WAVES, 2, 3)[:, 0] / (2 * move)
        stiff.append(constants)
    phases = np.exp(2j * np.pi * np.arange(WAVES) / WAVES)
    coulomb = np.einsum("ra,r->a", stiff[0] - stiff[1], phases)
    wave = np.linalg.inv(unit.cell).T[0]
    wave = wave / np.linalg.norm(wave)
    depolarised = 4 * np.pi * COULOMB_EV_A * TRUE_SCALE**2 / unit.volume
    # the field of the wave less a third of it, Lorentz's for a cubic site; corrections ~ q²
    expected = depolarised * (wave[0] * wave - np.array([1 / 3, 0, 0]))
    np.testing.assert_allclose(coulomb.real, expected, atol=0.05 * depolarised)


def test_the_same_fit_is_made_once_and_charges_make_another_potential(made, under):
    fit, basis, order = made
    stored = {path: path.stat().st_mtime_ns for path in order.folder.glob("*.npz")}
    again = fit_student(list(fit.examples), basis, order)
    assert {path: path.stat().st_mtime_ns for path in order.folder.glob("*.npz")} == stored
    assert again.student.charges == fit.student.charges
    assert again.potential("one", 2.0).digest == fit.potential("one", 2.0).digest


def test_an_example_that_is_not_neutral_is_refused(under):
    whole = skewed(1)
    charged = Snapshot(whole.species[1:], whole.positions[1:], whole.cell)
    with pytest.raises(InputError, match="neutral"):
        under.prepare([charged])


def test_a_hop_in_a_neutral_cell_takes_its_company_from_far_away():
    parent = crystal(SALT, (2, 2, 2))
    before, after = hop(parent, "Li", ("Cl",))
    assert Counter(before.species) == {"Li": 31, "Cl": 31}
    moved = np.linalg.norm(after.positions - before.positions, axis=1)
    assert np.count_nonzero(moved > 0.1) == 1
    # face diagonal of rock salt between neighbouring sites of one kind: a / sqrt(2)
    assert moved.max() == pytest.approx(EDGE_A / np.sqrt(2))
    alone, _ = hop(parent, "Li")
    missing = {tuple(row) for row in alone.positions.round(6)} - {
        tuple(row) for row in before.positions.round(6)
    }
    (chlorine,) = (np.array(row) for row in missing)
    middle = 0.5 * (before.positions + after.positions)[int(np.argmax(moved))]
    gap = (chlorine - middle) @ np.linalg.inv(parent.cell)
    far = np.linalg.norm((gap - np.round(gap)) @ parent.cell)
    # the cell of 10.4 Å leaves no chlorine farther than 9 Å from any point
    assert 6.0 < far < 9.1
