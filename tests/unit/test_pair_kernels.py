"""Counting pairs: exactly those that a search through copies of the cell finds."""

import numpy as np
import pytest
from scipy.spatial import cKDTree

from vitrolyte.data.trajectory import Trajectory
from vitrolyte.matter.periodic import perpendicular_widths
from vitrolyte.observe import pair_functions
from vitrolyte.observe import threads as module
from vitrolyte.observe.pair_kernels import columns, count_frame

CELLS = {
    "cubic": np.eye(3) * 24.0,
    "orthorhombic": np.diag([22.0, 41.0, 67.0]),
    "triclinic": np.array([[25.0, 0.0, 0.0], [9.0, 24.0, 0.0], [-7.0, 11.0, 27.0]]),
    "turned": np.array([[3.0, 24.0, -5.0], [20.0, -4.0, 9.0], [-8.0, 7.0, 22.0]]),
    "oblique": np.array([[40.0, 0.0, 0.0], [31.0, 26.0, 0.0], [29.0, 17.0, 30.0]]),
    "left-handed": np.array([[0.0, 25.0, 2.0], [26.0, 1.0, 0.0], [-3.0, 4.0, 30.0]]),
}


def searched(fractional: np.ndarray, cell: np.ndarray, kinds: np.ndarray, edges: np.ndarray):
    """Return the pairs by distance from a k-d tree over all copies of the cell near it."""
    inside = fractional.T % 1.0
    shifts = np.array(np.meshgrid(*[[-1, 0, 1]] * 3)).reshape(3, -1).T
    copies = ((inside[None] + shifts[:, None]) @ cell).reshape(-1, 3)
    kind_of_copies = np.tile(kinds, len(shifts))
    n_kinds = int(kinds.max()) + 1
    counts = np.zeros((n_kinds, n_kinds, len(edges) - 1), dtype=np.int64)
    for a in range(n_kinds):
        for b in range(a, n_kinds):
            one = cKDTree(inside[kinds == a] @ cell)
            two = cKDTree(copies[kind_of_copies == b])
            within = one.count_neighbors(two, edges)
            counts[a, b] = np.diff(within) // (2 if a == b else 1)
    return counts


def gas(cell: np.ndarray, numbers: tuple[int, ...], seed: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    kinds = np.repeat(np.arange(len(numbers)), numbers)
    return random.uniform(-2.0, 3.0, size=(3, len(kinds))), kinds


@pytest.mark.parametrize("cell", CELLS.values(), ids=CELLS.keys())
@pytest.mark.parametrize("share", [1.0, 0.7, 0.25])
def test_counts_are_those_of_a_search_through_copies(cell: np.ndarray, share: float) -> None:
    fractional, kinds = gas(cell, (300, 170, 41, 1), seed=5)
    r_max = share * float(perpendicular_widths(cell).min()) / 2.0
    cut = columns(cell, r_max, 60, len(kinds))
    counts = count_frame(fractional, kinds, cut)
    # An atom is no neighbour of itself.
    edges = np.linspace(0.0, r_max, 61)
    edges[0] = 1e-9
    expected = searched(fractional, cell, kinds, edges)
    assert expected.sum() > (50 if share < 0.5 else 2000)
    assert np.array_equal(counts, expected)


@pytest.mark.parametrize("n_atoms", [1, 2, 3, 20])
def test_few_atoms_in_a_large_cell(n_atoms: int) -> None:
    cell = CELLS["oblique"] * 5.0
    fractional = np.random.default_rng(n_atoms).uniform(-0.06, 0.06, size=(3, n_atoms))
    kinds = np.zeros(n_atoms, dtype=np.int64)
    edges = np.linspace(0.0, 12.0, 31)
    edges[0] = 1e-9
    counts = count_frame(fractional, kinds, columns(cell, 12.0, 30, n_atoms))
    assert np.array_equal(counts, searched(fractional, cell, kinds, edges))


def test_shares_of_the_columns_add_up_to_the_whole() -> None:
    cell = CELLS["triclinic"]
    fractional, kinds = gas(cell, (200, 100), seed=6)
    cut = columns(cell, 9.0, 45, len(kinds))
    whole = count_frame(fractional, kinds, cut)
    shares = [count_frame(fractional, kinds, cut, part=part, parts=3) for part in range(3)]
    assert min(share.sum() for share in shares) > 0
    assert np.array_equal(sum(shares), whole)


def test_atoms_on_faces_and_edges_of_columns_are_met_once() -> None:
    # A simple cubic lattice of 6³ points with its planes on the faces of columns and slices: shells
    # of 6, 12 and 8 neighbours at a, sqrt 2 a and sqrt 3 a.
    grid = np.array(np.meshgrid(*[np.arange(6)] * 3)).reshape(3, -1) / 6.0
    for shift in (0.0, 1e-17, -1e-17, 1.0, -1.0 / 6.0):
        cut = columns(np.eye(3) * 12.0, 5.5, 55, 216)
        counts = count_frame(grid + shift, np.zeros(216, dtype=np.int64), cut)[0, 0]
        assert [counts[k - 2 : k + 2].sum() for k in (20, 28, 34)] == [648, 1296, 864]


@pytest.mark.parametrize("n_frames", [1, 2, 9])
def test_nothing_depends_on_the_number_of_threads(
    n_frames: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    random = np.random.default_rng(7)
    cells = CELLS["triclinic"] * random.uniform(0.98, 1.02, size=(n_frames, 1, 1))
    positions = random.uniform(0, 1, size=(n_frames, 300, 3)) @ cells
    species = ("Li",) * 200 + ("O",) * 100
    trajectory = Trajectory(species, np.arange(float(n_frames)), cells, positions)
    found = []
    for threads in (1, 3):
        monkeypatch.setattr(pair_functions, "processors", lambda n=threads: n)
        monkeypatch.setattr(module, "processors", lambda n=threads: n)
        found.append(pair_functions.count_pairs(trajectory, r_max_A=9.0))
    assert np.array_equal(found[0].pairs, found[1].pairs)
    assert np.array_equal(found[0].pairs_volume, found[1].pairs_volume)
    assert found[0].frames.sum() == found[1].frames.sum() == n_frames
