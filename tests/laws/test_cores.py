"""Laws of the repulsive cores."""

import numpy as np
import pytest

from vitrolyte.infer.distil.cores import Core, Cores, cores_below
from vitrolyte.infer.distil.seeds import strained
from vitrolyte.potentials.teacher import Snapshot

CORES = Cores(
    {"Li-Li": Core((3, 3), 0.7, 1.4), "Li-O": Core((3, 8), 0.5, 1.2), "O-O": Core((8, 8), 1.0, 2.0)}
)


def crowded(seed: int) -> Snapshot:
    generator = np.random.default_rng(seed)
    cell = np.array([[3.0, 0.0, 0.0], [0.8, 2.7, 0.0], [-0.4, 0.9, 3.3]])
    return Snapshot(("Li", "O", "Li", "O", "O"), generator.uniform(size=(5, 3)) @ cell, cell)


@pytest.mark.parametrize("pair", CORES.pairs)
def test_slope_is_the_derivative_of_the_energy(pair):
    r = np.linspace(0.3, 2.2, 40)
    step = 1e-6
    above, _ = CORES.energy_and_slope(pair, r + step)
    below, _ = CORES.energy_and_slope(pair, r - step)
    _, slope = CORES.energy_and_slope(pair, r)
    np.testing.assert_allclose(slope, (above - below) / (2 * step), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("pair", CORES.pairs)
def test_core_is_repulsive_within_and_gone_without(pair):
    outer = CORES.pairs[pair].outer
    energy, slope = CORES.energy_and_slope(pair, np.linspace(0.1, 0.99 * outer, 50))
    assert (energy > 0).all()
    assert (slope < 0).all()
    energy, slope = CORES.energy_and_slope(pair, np.array([outer, outer + 0.1]))
    assert not energy.any()
    assert not slope.any()


def test_energy_at_close_range_is_coulomb():
    # e²/4πε₀ = 14.399645 eV Å (CODATA 2018); the screening tends to 1 at the nucleus
    r = np.array([1e-5])
    energy, _ = CORES.energy_and_slope("Li-O", r)
    assert energy[0] * r[0] == pytest.approx(14.399645 * 3 * 8, rel=1e-3)


def test_forces_are_minus_the_gradient_in_a_triclinic_cell():
    snapshot, step = crowded(3), 1e-6
    forces = CORES.label(snapshot).forces
    assert np.abs(forces).max() > 1
    for atom in range(5):
        for axis in range(3):
            energies = []
            for sign in (1, -1):
                moved = snapshot.positions.copy()
                moved[atom, axis] += sign * step
                energies.append(
                    CORES.label(Snapshot(snapshot.species, moved, snapshot.cell)).energy
                )
            slope = (energies[0] - energies[1]) / (2 * step)
            assert -slope == pytest.approx(forces[atom, axis], abs=1e-4)


def test_stress_is_the_strain_derivative_in_a_triclinic_cell():
    snapshot, step = crowded(4), 1e-6
    stress = CORES.label(snapshot).stress
    for i in range(3):
        for j in range(i, 3):
            strain = np.zeros((3, 3))
            strain[i, j] += 0.5 * step
            strain[j, i] += 0.5 * step
            energies = [
                CORES.label(
                    Snapshot(
                        snapshot.species,
                        snapshot.positions @ (np.eye(3) + sign * strain),
                        snapshot.cell @ (np.eye(3) + sign * strain),
                    )
                ).energy
                for sign in (1, -1)
            ]
            slope = (energies[0] - energies[1]) / (2 * step) / snapshot.volume
            assert slope == pytest.approx(stress[i, j], abs=1e-5)


def test_cores_sit_below_the_distances_given():
    cores = cores_below({"Li-O": 1.6, "Cl-Cl": 2.8}, 0.9)
    assert cores.pairs["Li-O"].outer == pytest.approx(1.44)
    assert cores.pairs["Cl-Cl"].charges == (17, 17)
    assert all(core.inner < core.outer for core in cores.pairs.values())


def test_strain_keeps_fractional_coordinates():
    snapshot = crowded(5)
    deformed = strained(snapshot, 0.1, generator=np.random.default_rng(1))
    before = snapshot.positions @ np.linalg.inv(snapshot.cell)
    after = deformed.positions @ np.linalg.inv(deformed.cell)
    np.testing.assert_allclose(after, before, atol=1e-12)
