import numpy as np
import pytest

from vitrolyte.data.errors import InputError
from vitrolyte.matter.periodic import close_pairs
from vitrolyte.observe.neighbours import neighbours, reaches

SKEWED = np.array([[9.0, 0.0, 0.0], [3.5, 8.0, 0.0], [-2.0, 2.5, 10.0]])


def _as_set(positions, cell, cutoff):
    pairs = close_pairs(positions, cell, cutoff)
    both = [(i, j, *s) for i, j, s in zip(pairs.first, pairs.second, pairs.shifts.astype(int))]
    return set(both) | {(j, i, *(-np.array(s))) for i, j, *s in both}


@pytest.mark.parametrize(("scale", "cutoff"), [(1.0, 2.5), (1.0, 5.0), (2.0, 3.0), (0.3, 4.0)])
def test_every_neighbour_is_found_once_from_each_end(scale, cutoff):
    """Also where the cell is smaller than the cut-off and atoms meet their own images."""
    random = np.random.default_rng(3)
    n = 40 if scale < 2 else 200
    cell = SKEWED * scale
    positions = random.uniform(-2, 3, size=(n, 3)) @ cell
    found = neighbours(positions, cell, np.zeros(n, dtype=np.int64), np.array([[cutoff]]))
    entries = [(i, j, *s) for i, j, s in zip(found.owners, found.others, found.shifts)]
    assert len(entries) == len(set(entries))
    assert set(entries) == _as_set(positions, cell, cutoff)
    direct = positions[found.others] - positions[found.owners] + found.shifts @ cell
    np.testing.assert_allclose(found.vectors, direct, atol=1e-9)
    assert found.distances.max() < cutoff


def test_each_pair_of_species_has_its_own_reach():
    # Rock salt, a = 5.64 Å: six unlike neighbours at a / 2, twelve like ones at a / sqrt(2).
    a = 5.64
    basis = np.array([[0, 0, 0], [0, 1, 1], [1, 0, 1], [1, 1, 0]]) / 2
    cells = np.indices((3, 3, 3)).reshape(3, -1).T
    sodium = (cells[:, None] + basis).reshape(-1, 3) * a
    positions = np.concatenate([sodium, sodium + np.array([a / 2, 0, 0])])
    kinds = np.repeat([0, 1], len(sodium))
    reach = reaches(("Na", "Cl"), {"Cl-Na": 3.2, "Na-Na": 4.3})
    found = neighbours(positions, np.eye(3) * 3 * a, kinds, reach)
    others = kinds[found.others]
    assert np.all(found.counts[kinds == 0] == 18)
    assert np.all(found.counts[kinds == 1] == 6)
    assert np.all(others[kinds[found.owners] == 1] == 0)


def test_kept_entries_stay_with_their_atoms():
    random = np.random.default_rng(5)
    positions = random.uniform(size=(60, 3)) @ SKEWED
    found = neighbours(positions, SKEWED, np.zeros(60, dtype=np.int64), np.array([[4.0]]))
    near = found.kept(found.distances < 2.0)
    direct = neighbours(positions, SKEWED, np.zeros(60, dtype=np.int64), np.array([[2.0]]))
    assert np.array_equal(near.counts, direct.counts)
    assert len(found.others[found.of(7)]) == found.counts[7]


@pytest.mark.parametrize("given", [{"Na-X": 3.0}, {"Na": 3.0}, {"Na-Cl": -1.0}])
def test_a_wrong_cut_off_is_refused(given):
    with pytest.raises(InputError, match="pair of Na, Cl"):
        reaches(("Na", "Cl"), given)
