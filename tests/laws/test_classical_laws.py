"""Laws that charges and shells must obey, and numbers that others found."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ase.build import bulk
from scipy.optimize import minimize_scalar

from vitrolyte.data.trajectory import Trajectory, from_ase, structure
from vitrolyte.data.units import EV_PER_A3_TO_GPA
from vitrolyte.potentials.classical import Ions, PairTerm
from vitrolyte.potentials.coulomb import Coulomb, Method, charges_alone, with_charges
from vitrolyte.potentials.potential import LammpsPair, Potential, Shell
from vitrolyte.simulate.evaluate import evaluate, relax
from vitrolyte.simulate.lammps import run
from vitrolyte.simulate.order import Order
from vitrolyte.simulate.schedule import Segment

# e²/(4 pi eps0), CODATA 2018
COULOMB = 14.3996454


def potential(pair: LammpsPair, elements: tuple[str, ...]) -> Potential:
    return Potential("law", "classical", elements, pair, {}, 1.0, None, (), "law")


def oxide(method: Method = "ewald", accuracy: float = 1e-6) -> Ions:
    """Numbers of the shipped oxide with a short reach."""
    return Ions(
        elements=("Li", "O"),
        charges={"Li": 1.0, "O": -2.0},
        pairs={
            ("Li", "O"): PairTerm(632.1018, 0.2906),
            ("O", "O"): PairTerm(22764.3, 0.149, C_eV_A6=27.89),
        },
        shells={"O": Shell(-2.86, 74.92, 0.1)},
        coulomb=Coulomb(method, accuracy, cutoff_A=6.0),
        cutoff_A=6.0,
    )


def skewed() -> Trajectory:
    """24 ions of a strained and rattled antifluorite in a triclinic cell."""
    rng = np.random.default_rng(5)
    atoms = bulk("OLiLi", "fluorite", a=4.6) * (2, 2, 2)
    atoms.set_cell(atoms.cell.array @ (np.eye(3) + 0.04 * rng.normal(size=(3, 3))), True)
    atoms.rattle(0.1, seed=5)
    return from_ase(atoms)


# Madelung constants by nearest distance, NaCl 1.747564594633 and CsCl 1.762674773070: Borwein,
# Borwein and Taylor 1985, doi:10.1063/1.526675; Sakamoto 1958, doi:10.1063/1.1744060
@pytest.mark.parametrize(
    ("method", "error"),
    # damped sums that are cut off have an error of their own: Fennell and Gezelter 2006 find
    # lattice energies to parts in a thousand, doi:10.1063/1.2206581
    [("ewald", 5e-6), ("pppm", 5e-6), ("dsf", 2e-3), ("wolf", 2e-3)],
)
def test_point_charges_have_the_madelung_energy(
    tmp_path: Path, method: Method, error: float
) -> None:
    coulomb = Coulomb(method, 1e-6, cutoff_A=12.0)
    salt = from_ase(bulk("NaCl", "rocksalt", a=5.64, cubic=True) * (2, 2, 2))
    cubes = from_ase(bulk("CsCl", "cesiumchloride", a=4.12, cubic=True) * (3, 3, 3))
    for crystal, cation, madelung, nearest in (
        (salt, "Na", 1.747564594633, 2.82),
        (cubes, "Cs", 1.762674773070, 4.12 * np.sqrt(3) / 2),
    ):
        elements = (cation, "Cl")
        pair = charges_alone({cation: 1.0, "Cl": -1.0}, coulomb)
        (found,) = evaluate([crystal], potential(pair, elements), folder=tmp_path)
        expected = -madelung * COULOMB / nearest * crystal.n_atoms / 2
        assert found.energy == pytest.approx(expected, rel=error)


def test_forces_are_minus_the_gradient_with_shells_at_rest(tmp_path: Path) -> None:
    h = 1e-3
    start = skewed()
    places, cell = start.read().positions[0], start.cells[0]
    cases = [start]
    moves = [(0, 0), (1, 1), (12, 2)]
    for atom, axis in moves:
        for sign in (1, -1):
            moved = places.copy()
            moved[atom, axis] += sign * h
            cases.append(structure(start.species, moved, cell))
    here, *around = evaluate(cases, potential(oxide().pair, ("Li", "O")), folder=tmp_path)
    energies = np.array([case.energy for case in around]).reshape(-1, 2)
    gradient = (energies[:, 0] - energies[:, 1]) / (2 * h)
    forces = np.array([here.forces[move] for move in moves])
    # h² f''' / 6 ~ 1e-6 x 100 eV/Å⁴, and shells at rest to 1e-6 eV/Å
    assert forces == pytest.approx(-gradient, abs=5e-4)
    assert np.abs(forces).max() > 0.1
    assert here.forces.sum(axis=0) == pytest.approx(np.zeros(3), abs=1e-6)


def test_stress_is_the_strain_derivative_of_the_energy_with_shells(tmp_path: Path) -> None:
    h = 1e-4
    start = skewed()
    places, cell = start.read().positions[0], start.cells[0]
    cases = [start]
    strains = [(0, 0), (1, 1), (0, 1), (2, 1)]
    for i, j in strains:
        for sign in (1, -1):
            strain = np.eye(3)
            strain[i, j] += sign * h
            cases.append(structure(start.species, places @ strain, cell @ strain))
    here, *around = evaluate(cases, potential(oxide().pair, ("Li", "O")), folder=tmp_path)
    energies = np.array([case.energy for case in around]).reshape(-1, 2)
    derivative = (energies[:, 0] - energies[:, 1]) / (2 * h * start.volumes[0])
    found = np.array([here.stress[place] for place in strains])
    assert found == pytest.approx(derivative * EV_PER_A3_TO_GPA, abs=5e-3)


def test_a_shell_in_a_field_takes_the_place_that_its_spring_allows(tmp_path: Path) -> None:
    apart, box = 3.0, 60.0
    charge, spring = -2.5, 30.0
    shells = {"Cl": Shell(charge, spring, 0.1)}
    coulomb = Coulomb("ewald", 1e-7, cutoff_A=12.0)
    pair = structure(("Na", "Cl"), [[5.0, 5, 5], [5 + apart, 5, 5]], np.eye(3) * box)
    energies = []
    for carried in (shells, {}):
        ions = Ions(("Na", "Cl"), {"Na": 1.0, "Cl": -1.0}, {}, carried, coulomb, cutoff_A=10.0)
        (found,) = evaluate([pair], potential(ions.pair, ("Na", "Cl")), folder=tmp_path)
        energies.append(found.energy)

    def polarised(d: float) -> float:
        near = charge * COULOMB * (1 / (apart - d) - 1 / apart)
        # a dipole p among its images has -2 pi p² / 3V in tin foil: de Leeuw, Perram and Smith
        # 1980, doi:10.1098/rspa.1980.0135
        images = -2 * np.pi / 3 * COULOMB / box**3 * ((apart + charge * d) ** 2 - apart**2)
        return float(spring * d**2 / 2 + near + images)

    expected = minimize_scalar(polarised, bounds=(0.0, 1.0), method="bounded").fun
    assert energies[0] - energies[1] == pytest.approx(expected, abs=2e-5)


def test_the_energy_of_lammps_own_example_of_shells(tmp_path: Path) -> None:
    # examples/coreshell of LAMMPS (log.3Jul25.coreshell.g++.1): -675.09857 eV for 216 ions at
    # 8.03199 Å with an unshifted cut-off at 20 Å. The example adds D / r⁸, hence the sign here.
    ions = Ions(
        elements=("Na", "Cl"),
        charges={"Na": 1.0, "Cl": -1.0},
        pairs={
            ("Na", "Na"): PairTerm(487.0, 0.23768, 0.0, 1.05, -0.5),
            ("Na", "Cl"): PairTerm(145134.0, 0.23768, 0.0, 6.99, -8.7),
            ("Cl", "Cl"): PairTerm(405774.0, 0.23768, 0.0, 72.4, -145.4),
        },
        shells={"Na": Shell(-0.5056, 2 * 63.014, 0.1), "Cl": Shell(-2.5005, 2 * 25.724, 0.1)},
        coulomb=Coulomb("ewald", 1e-6, cutoff_A=20.0),
        cutoff_A=20.0,
    )
    unshifted = tuple(line for line in ions.commands if "shift" not in line)
    pair = replace(ions.pair, commands=unshifted)
    crystal = from_ase(bulk("NaCl", "rocksalt", a=8.03199, cubic=True) * (3, 3, 3))
    (found,) = evaluate([crystal], potential(pair, ("Na", "Cl")), folder=tmp_path)
    assert found.energy == pytest.approx(-675.09857, rel=2e-6)


def test_charges_under_a_student_add_their_own_energy_forces_and_stress(tmp_path: Path) -> None:
    short = LammpsPair("metal", "atomic", (), ("pair_style lj/cut 5.0", "pair_coeff * * 0.01 2.0"))
    charges, coulomb = {"Li": 0.7, "O": -1.4}, Coulomb(cutoff_A=6.0)
    pairs = (short, charges_alone(charges, coulomb), with_charges(short, charges, coulomb))
    alone, bare, both = (
        evaluate([skewed()], potential(pair, ("Li", "O")), folder=tmp_path)[0] for pair in pairs
    )
    assert both.energy == pytest.approx(alone.energy + bare.energy, rel=1e-9)
    assert both.forces == pytest.approx(alone.forces + bare.forces, abs=1e-8)
    assert both.stress == pytest.approx(alone.stress + bare.stress, abs=1e-6)
    assert np.abs(bare.forces).max() > 0.1


def test_energy_error_of_ions_falls_with_the_square_of_the_time_step(tmp_path: Path) -> None:
    rigid = replace(oxide("pppm", 1e-5), shells={})
    model = potential(rigid.pair, ("Li", "O"))
    start = from_ase(bulk("OLiLi", "fluorite", a=4.7) * (2, 2, 2))
    errors = []
    for step_fs in (2.0, 1.0):
        fly = Segment("fly", "nve", 0.4, 100.0, step_fs, frame_every_ps=0.004, velocities=True)
        order = Order(start, replace(model, timestep_fs=2.0), fly, 3, tmp_path / f"{step_fs}")
        thermo = run(order).thermo
        errors.append(np.std(thermo.potential_energy + thermo.kinetic_energy))
    # as for argon in test_engine_laws; the mesh adds noise that does not fall
    assert errors[0] / errors[1] == pytest.approx(4.0, rel=0.15)


def test_a_relaxed_crystal_keeps_its_atoms_and_loses_its_stress(tmp_path: Path) -> None:
    found = relax(skewed(), potential(oxide().pair, ("Li", "O")), folder=tmp_path)
    assert found.structure.n_atoms == 24
    assert np.abs(found.evaluation.stress).max() < 0.05
    assert np.linalg.norm(found.evaluation.forces, axis=1).max() < 0.01
