import numpy as np
import pytest

from vitrolyte.data.errors import InputError
from vitrolyte.data.trajectory import Trajectory, structure
from vitrolyte.matter.catalogue import catalogue_crystal
from vitrolyte.matter.periodic import close_pairs
from vitrolyte.matter.supercell import supercell
from vitrolyte.matter.variants import (
    rattled,
    scaled,
    strained,
    with_frenkel_pairs,
    with_interstitials,
    with_substitution,
    with_swaps,
)
from vitrolyte.matter.voids import largest_voids


@pytest.fixture(scope="module")
def salt() -> Trajectory:
    return supercell(catalogue_crystal("LiCl").structure, (2, 2, 2))


def shortest(crystal: Trajectory) -> float:
    frame = crystal.read()
    x, cell = frame.positions[0], frame.cells[0]
    pairs = close_pairs(x, cell, 4.0)
    return float(
        np.linalg.norm(x[pairs.second] - x[pairs.first] + pairs.shifts @ cell, axis=1).min()
    )


def test_the_voids_of_rock_salt_are_its_tetrahedra(salt: Trajectory) -> None:
    # Law: the point farthest from all ions of rock salt is the middle of an eighth of the cube,
    # sqrt(3) a / 4 from four ions of each kind... of which there are eight in each cubic cell.
    positions, radii = largest_voids(salt, 8)
    assert radii == pytest.approx(np.sqrt(3) / 4 * 5.1295, abs=1e-3)
    assert (positions / 5.1295 % 0.5) == pytest.approx(0.25, abs=1e-3)


def test_voids_are_found_in_a_skewed_cell_too(salt: Trajectory) -> None:
    frame = catalogue_crystal("LiCl").structure.read()
    primitive = frame.cells[0] @ np.array([[0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]])
    small = structure(("Li", "Cl"), [[0, 0, 0], [5.1295 / 2, 0, 0]], primitive)
    assert largest_voids(small, 2)[1] == pytest.approx(np.sqrt(3) / 4 * 5.1295, abs=1e-3)
    with pytest.raises(InputError, match="larger cell"):
        largest_voids(small, 50)


def test_interstitials_sit_in_voids_and_say_their_charge(salt: Trajectory) -> None:
    neutral = with_interstitials(salt, "LiCl")
    assert neutral.structure.n_atoms == salt.n_atoms + 2
    assert "neutral" in neutral.what
    assert shortest(neutral.structure) == pytest.approx(2.22, abs=0.01)
    assert "charge +2 e" in with_interstitials(salt, "Li", count=2).what
    with pytest.raises(InputError, match="Na"):
        with_interstitials(salt, "NaCl")
    with pytest.raises(InputError, match="Whole"):
        with_interstitials(salt, "Li0.5Cl0.5")


def test_frenkel_pairs_keep_the_atoms_and_move_them(salt: Trajectory) -> None:
    pair = with_frenkel_pairs(salt, "Li", count=3, seed=1)
    assert pair.structure.species == salt.species
    moved = np.linalg.norm(pair.structure.read().positions - salt.read().positions, axis=2)
    assert (moved[0] > 1.0).sum() == 3
    assert shortest(pair.structure) > 2.0
    with pytest.raises(InputError, match="larger cell"):
        with_frenkel_pairs(salt, "Li", count=33, seed=1)
    with pytest.raises(InputError, match="species"):
        with_frenkel_pairs(salt, "Na", count=1, seed=1)


def test_swaps_exchange_neighbours(salt: Trajectory) -> None:
    swapped = with_swaps(salt, "Li", "Cl", count=4, seed=2).structure
    changed = [k for k, (a, b) in enumerate(zip(salt.species, swapped.species)) if a != b]
    assert len(changed) == 8
    assert sorted(swapped.species) == sorted(salt.species)
    one = with_swaps(salt, "Li", "Cl", count=1, seed=2).structure
    i, j = [k for k, (a, b) in enumerate(zip(salt.species, one.species)) if a != b]
    step = (salt.read().positions[0][j] - salt.read().positions[0][i]) / (2 * 5.1295)
    assert np.linalg.norm(step - np.rint(step)) * 2 * 5.1295 == pytest.approx(5.1295 / 2)
    with pytest.raises(InputError, match="different"):
        with_swaps(salt, "Li", "Li", count=1, seed=0)


def test_substitution_is_random_or_clustered(salt: Trajectory) -> None:
    def spread(mixing: str) -> float:
        mixed = with_substitution(salt, "Cl", "Br", count=6, seed=3, mixing=mixing).structure
        assert mixed.species.count("Br") == 6
        x = mixed.read().positions[0][mixed.indices("Br")] / (2 * 5.1295)
        steps = x[:, None] - x[None]
        return float(np.linalg.norm(steps - np.rint(steps), axis=2).mean())

    assert spread("clustered") < spread("random")
    with pytest.raises(InputError, match="mixing"):
        with_substitution(salt, "Cl", "Br", count=1, seed=0, mixing="somehow")
    with pytest.raises(InputError, match="element"):
        with_substitution(salt, "Cl", "Qq", count=1, seed=0)


def test_strain_is_symmetric_and_shaking_has_its_width(salt: Trajectory) -> None:
    cell = strained(salt, 0.05, seed=1).structure.cells[0]
    strain = np.linalg.inv(salt.cells[0]) @ cell - np.eye(3)
    assert strain == pytest.approx(strain.T)
    assert 0 < np.abs(strain).max() <= 0.05
    steps = rattled(salt, 0.1, seed=1).structure.read().positions - salt.read().positions
    # Standard error of a standard deviation of n numbers: 1 / sqrt(2 n); four of them.
    assert steps.std() == pytest.approx(0.1, rel=4 / np.sqrt(2 * steps.size))
    assert scaled(salt, 0.9).structure.densities == pytest.approx(salt.densities / 0.9**3)
    with pytest.raises(InputError, match="positive"):
        scaled(salt, 0.0)
