"""A crystal is forgotten when its ions have left their sites and its Bragg waves are gone."""

import numpy as np
import pytest

from vitrolyte.data.errors import InputError
from vitrolyte.data.trajectory import Trajectory
from vitrolyte.matter.prototypes import crystal
from vitrolyte.matter.supercell import supercell
from vitrolyte.observe.melting import forgotten

CRYSTAL = supercell(crystal("Li3OCl", "antiperovskite", lattice_parameter_A=3.91), (4, 4, 4))


def run(steps: np.ndarray, n_frames: int = 20, shear: float = 0.0) -> Trajectory:
    """Return a random walk of each atom with the given step, (n_atoms,), Å, from the crystal."""
    random = np.random.default_rng(1)
    frame = CRYSTAL.read()
    walk = np.cumsum(random.normal(size=(n_frames, CRYSTAL.n_atoms, 3)) * steps[:, None], axis=0)
    walk -= walk[0]
    cells = frame.cells[0] * (1 + 0.01 * np.arange(n_frames))[:, None, None]
    cells[:, 1] += shear * cells[:, 0]
    fractional = frame.positions[0] @ np.linalg.inv(frame.cells[0])
    return Trajectory(CRYSTAL.species, np.arange(n_frames) * 1.0, cells, fractional @ cells + walk)


@pytest.mark.parametrize("shear", [0.0, 0.2])
def test_a_random_walk_of_all_forgets(shear: float) -> None:
    result = forgotten(run(np.full(CRYSTAL.n_atoms, 0.6), shear=shear), CRYSTAL)
    assert result.reached
    assert 1.0 < result.time_ps < 15.0
    assert result.bragg_order.value < 0.05
    early = result.parent_order.curves[0].y[0]
    assert early > 10.0


def test_vibration_does_not_forget() -> None:
    frame = CRYSTAL.read()
    random = np.random.default_rng(2)
    shaken = frame.positions + random.normal(0, 0.25, (10, CRYSTAL.n_atoms, 3))
    cells = np.repeat(frame.cells, 10, axis=0)
    result = forgotten(Trajectory(CRYSTAL.species, np.arange(10.0), cells, shaken), CRYSTAL)
    assert not result.reached
    assert np.isnan(result.time_ps)
    assert "Bragg" in result.reason


def test_a_molten_sublattice_alone_does_not_forget() -> None:
    lithium = np.where(np.asarray(CRYSTAL.species) == "Li", 0.8, 0.02)
    result = forgotten(run(lithium), CRYSTAL)
    assert not result.reached
    assert "mean O" in result.reason
    assert "mean Li" not in result.reason


def test_drift_of_the_whole_crystal_does_not_forget() -> None:
    frame = CRYSTAL.read()
    drift = np.arange(10.0)[:, None, None] * np.array([1.0, 0.5, 0.2])
    cells = np.repeat(frame.cells, 10, axis=0)
    moving = Trajectory(CRYSTAL.species, np.arange(10.0), cells, frame.positions + drift)
    result = forgotten(moving, CRYSTAL)
    assert not result.reached
    assert max(curve.y.max() for curve in result.displacement.curves) < 1e-6
    assert result.bragg_order.value == pytest.approx(1.0)


def test_the_required_distances_are_half_way_to_the_next_site() -> None:
    # Geometry of Pm-3m: Li-Li a / sqrt 2, O-O and Cl-Cl a.
    required = forgotten(run(np.full(CRYSTAL.n_atoms, 0.1), 3), CRYSTAL).required
    assert required == pytest.approx({"Li": 3.91 / 2 / np.sqrt(2), "Cl": 1.955, "O": 1.955})


def test_the_reference_must_be_the_same_crystal() -> None:
    other = supercell(crystal("Li3OCl", "antiperovskite"), (3, 3, 3))
    walk = run(np.full(CRYSTAL.n_atoms, 0.6))
    with pytest.raises(InputError, match="same atoms"):
        forgotten(walk, other)
    with pytest.raises(InputError, match="crystal with Bragg peaks"):
        forgotten(walk, walk.frame(-1))
