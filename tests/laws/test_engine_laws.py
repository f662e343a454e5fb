"""Laws of mechanics and statistics that a run and a single point must obey."""

from pathlib import Path

import numpy as np
import pytest
from ase.build import bulk
from tests.argon import ARGON

from vitrolyte.data.trajectory import Trajectory, from_ase, structure
from vitrolyte.data.units import EV_PER_A3_TO_GPA
from vitrolyte.potentials.potential import LammpsPair, Potential
from vitrolyte.simulate.evaluate import evaluate, relax
from vitrolyte.simulate.lammps import run
from vitrolyte.simulate.order import Limits, Order, Run
from vitrolyte.simulate.schedule import Segment

# Bare point charges +1 and -1 summed by Ewald's method.
CHARGES = Potential(
    name="point charges",
    kind="classical",
    elements=("Na", "Cl"),
    lammps=LammpsPair(
        units="metal",
        atom_style="charge",
        files=(),
        commands=(
            "pair_style coul/long 9.0",
            "pair_coeff * *",
            "set type 1 charge 1.0",
            "set type 2 charge -1.0",
            "kspace_style ewald 1.0e-8",
        ),
    ),
    safe_distances={},
    timestep_fs=1.0,
    card=None,
    citations=(),
    digest="charges",
)


def skewed() -> Trajectory:
    """A rattled triclinic argon crystal, far from its minimum, in no special orientation."""
    rng = np.random.default_rng(5)
    atoms = bulk("Ar", "fcc", a=5.3) * (3, 3, 3)
    atoms.set_cell(atoms.cell.array @ (np.eye(3) + 0.05 * rng.normal(size=(3, 3))), True)
    atoms.rattle(0.15, seed=5)
    return from_ase(atoms)


def moved(start: Trajectory, atom: int, step: np.ndarray) -> Trajectory:
    positions = start.read().positions[0].copy()
    positions[atom] += step
    return structure(start.species, positions, start.cells[0])


def test_forces_are_minus_the_gradient_in_a_triclinic_cell(tmp_path: Path) -> None:
    h = 1e-4
    start = skewed()
    steps = [sign * h * axis for axis in np.eye(3) for sign in (1, -1)]
    cases = [start, *(moved(start, atom, step) for atom in (0, 13) for step in steps)]
    here, *around = evaluate(cases, ARGON, folder=tmp_path)
    energies = np.array([case.energy for case in around]).reshape(2, 3, 2)
    gradient = (energies[..., 0] - energies[..., 1]) / (2 * h)
    # error of the central difference: h² f''' / 6 ~ 1e-8 x 1 eV/Å³
    assert here.forces[[0, 13]] == pytest.approx(-gradient, abs=1e-7)
    assert here.forces.sum(axis=0) == pytest.approx(np.zeros(3), abs=1e-10)


def test_stress_is_the_strain_derivative_of_the_energy(tmp_path: Path) -> None:
    h = 1e-5
    start = skewed()
    cell, positions = start.cells[0], start.read().positions[0]
    cases = [start]
    for i, j in np.ndindex(3, 3):
        for sign in (1, -1):
            strain = np.eye(3)
            strain[i, j] += sign * h
            cases.append(structure(start.species, positions @ strain, cell @ strain))
    here, *around = evaluate(cases, ARGON, folder=tmp_path)
    energies = np.array([case.energy for case in around]).reshape(3, 3, 2)
    derivative = (energies[..., 0] - energies[..., 1]) / (2 * h)
    stress = derivative / start.volumes[0] * EV_PER_A3_TO_GPA
    assert here.stress == pytest.approx(stress, abs=1e-6)


def test_a_rotation_turns_the_forces_and_keeps_the_energy(tmp_path: Path) -> None:
    start = skewed()
    turn = np.linalg.qr(np.random.default_rng(2).normal(size=(3, 3)))[0]
    frame = start.read()
    turned = structure(start.species, frame.positions[0] @ turn, frame.cells[0] @ turn)
    before, after = evaluate([start, turned], ARGON, folder=tmp_path)
    assert after.energy == pytest.approx(before.energy, rel=1e-12)
    assert after.forces == pytest.approx(before.forces @ turn, abs=1e-10)
    assert after.stress == pytest.approx(turn.T @ before.stress @ turn, abs=1e-9)


def test_charges_of_rock_salt_give_the_madelung_energy(tmp_path: Path) -> None:
    salt = from_ase(bulk("NaCl", "rocksalt", a=5.64, cubic=True) * (2, 2, 2))
    (found,) = evaluate([salt], CHARGES, folder=tmp_path)
    # Madelung constant of NaCl 1.747564594633 (Borwein et al. 1985, doi:10.1063/1.526675);
    # e²/(4 pi eps0) = 14.3996454 eV Å (CODATA 2018). LAMMPS's own constant is 14.399645.
    expected = -1.747564594633 * 14.3996454 / 2.82 * salt.n_atoms / 2
    assert found.energy == pytest.approx(expected, rel=1e-6)
    # Energy goes as V^(-1/3), so P = E / 3V.
    pressure = expected / (3 * salt.volumes[0]) * EV_PER_A3_TO_GPA
    assert found.pressure == pytest.approx(pressure, rel=1e-5)


def test_a_relaxed_crystal_is_stress_free_and_keeps_its_orientation(tmp_path: Path) -> None:
    start = skewed()
    found = relax(start, ARGON, folder=tmp_path)
    assert np.abs(found.evaluation.stress).max() < 0.05
    assert np.linalg.norm(found.evaluation.forces, axis=1).max() < 0.01
    # the same lattice vectors, a little strained: each within 15 % of where it was
    strain = np.linalg.inv(start.cells[0]) @ found.structure.cells[0] - np.eye(3)
    assert np.abs(strain).max() < 0.15
    again, before = evaluate([found.structure, start], ARGON, folder=tmp_path)
    assert again.energy == pytest.approx(found.evaluation.energy, abs=1e-8)
    assert again.energy < before.energy


def test_a_relaxation_under_pressure_reaches_it(tmp_path: Path) -> None:
    found = relax(skewed(), ARGON, folder=tmp_path, pressure_GPa=1.0)
    assert found.evaluation.pressure == pytest.approx(1.0, abs=0.05)


def carry_out(folder: Path, start: Trajectory, **changes: object) -> Run:
    plain = {
        "name": "law",
        "ensemble": "nvt",
        "duration_ps": 1.0,
        "temperature_K": 120.0,
        "timestep_fs": 10.0,
        "frame_every_ps": 0.5,
        "velocities": True,
    }
    segment = Segment(**(plain | changes))  # type: ignore[arg-type]
    limits = Limits(volume_ratio=(0.3, 3.0))
    return run(Order(start, ARGON, segment, seed=11, folder=folder, limits=limits))


def total_energy(done: Run) -> np.ndarray:
    return done.thermo.potential_energy + done.thermo.kinetic_energy


def test_energy_error_of_nve_falls_with_the_square_of_the_time_step(tmp_path: Path) -> None:
    start = from_ase(bulk("Ar", "fcc", a=5.4, cubic=True) * (3, 3, 3))
    errors = []
    for step_fs in (16.0, 8.0, 4.0):
        done = carry_out(
            tmp_path / f"{step_fs}",
            start,
            ensemble="nve",
            timestep_fs=step_fs,
            temperature_K=60.0,
            duration_ps=16.0,
            frame_every_ps=0.08,
        )
        errors.append(np.std(total_energy(done)))
    # Velocity Verlet conserves a shadow energy that differs from E by a term in dt²
    # (Hairer, Lubich & Wanner 2003, doi:10.1017/S0962492902000144): factor 4 at each halving, as
    # long as the trajectories stay together; the next term is of order dt⁴.
    ratios = np.array(errors[:-1]) / np.array(errors[1:])
    assert ratios == pytest.approx([4.0, 4.0], rel=0.1)


def test_momentum_starts_and_stays_at_zero(tmp_path: Path) -> None:
    start = from_ase(bulk("Ar", "fcc", a=5.4, cubic=True) * (2, 2, 2))
    speeds = carry_out(tmp_path, start).final.read().velocities
    assert speeds is not None
    assert np.abs(speeds[0].mean(axis=0)).max() < 1e-10


def standard_error(series: np.ndarray, blocks: int = 10) -> float:
    """Standard error of a correlated mean from block averages."""
    means = [part.mean() for part in np.array_split(series, blocks)]
    return float(np.std(means, ddof=1) / np.sqrt(blocks))


@pytest.fixture(scope="module")
def liquid(tmp_path_factory: pytest.TempPathFactory) -> Trajectory:
    start = from_ase(bulk("Ar", "fcc", a=5.8, cubic=True) * (3, 3, 3))
    folder = tmp_path_factory.mktemp("liquid")
    return carry_out(folder, start, temperature_K=180.0, duration_ps=20.0).final


def test_nvt_draws_temperatures_from_the_canonical_distribution(
    tmp_path: Path, liquid: Trajectory
) -> None:
    done = carry_out(tmp_path, liquid, duration_ps=100.0, temperature_K=150.0)
    sample = done.thermo.temperature[200:]
    # Student's t with 9 degrees of freedom: |t| < 4.78 in 999 of 1000 cases.
    assert abs(sample.mean() - 150.0) < 4.78 * standard_error(sample)
    # var T / T² = 2 / (3N - 3): Lebowitz, Percus & Verlet 1967 (doi:10.1103/PhysRev.153.250).
    expected = 2 * 150.0**2 / (3 * liquid.n_atoms - 3)
    squares = (sample - 150.0) ** 2
    assert abs(squares.mean() - expected) < 4.78 * standard_error(squares)


def test_npt_holds_the_pressure(tmp_path: Path, liquid: Trajectory) -> None:
    done = carry_out(
        tmp_path, liquid, ensemble="npt", duration_ps=100.0, temperature_K=120.0, pressure_GPa=0.2
    )
    sample = done.thermo.pressure[500:]
    assert abs(sample.mean() - 0.2) < 4.78 * standard_error(sample)
    assert standard_error(sample) < 0.02


def test_a_ramp_ends_at_its_end(tmp_path: Path, liquid: Trajectory) -> None:
    done = carry_out(
        tmp_path, liquid, duration_ps=60.0, temperature_K=180.0, end_temperature_K=60.0
    )
    thermo = done.thermo
    target = 180.0 - 2.0 * thermo.times
    # one thermostat with 321 degrees of freedom: T scatters by T sqrt(2/321) = 8 % of itself
    off = (thermo.temperature - target) / (target * np.sqrt(2 / 321))
    assert abs(off[-100:].mean()) < 1.0
    assert abs(off[len(off) // 2 - 50 : len(off) // 2 + 50].mean()) < 1.0
