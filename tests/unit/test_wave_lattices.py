"""Lattices of reciprocal vectors: none missed, none twice, and sums that are the plain ones."""

from itertools import combinations_with_replacement, pairwise

import numpy as np
import pytest

from vitrolyte.data.trajectory import Trajectory
from vitrolyte.observe.sampling import Sampling, sample
from vitrolyte.observe.scattering import density_waves as density_module
from vitrolyte.observe.scattering import fourier, wave_lattices
from vitrolyte.observe.scattering.density_waves import (
    WaveVectors,
    density_waves,
    reciprocal,
    vectors_within,
)
from vitrolyte.observe.scattering.fourier import Transform
from vitrolyte.observe.scattering.partials import QRange, scattering
from vitrolyte.observe.scattering.wave_lattices import Shell, shell_sums, wave_plan

CUBIC = np.eye(3) * 15.0
SKEWED = np.array([[14.0, 0.0, 0.0], [6.0, 13.0, 0.0], [-5.0, 9.0, 16.0]])
OBLIQUE = np.array([[12.0, 0.0, 0.0], [30.0, 14.0, 0.0], [3.0, -20.0, 13.0]])
CELLS = {"cubic": CUBIC, "skewed": SKEWED, "oblique": OBLIQUE}


def gas(cell: np.ndarray, n_atoms: int = 60, n_frames: int = 3) -> Trajectory:
    """Return uncorrelated points in a box that breathes."""
    random = np.random.default_rng(0)
    cells = cell[None] * (1.0 + 0.03 * np.arange(n_frames))[:, None, None]
    positions = random.uniform(-1, 2, size=(n_frames, n_atoms, 3)) @ cells
    species = ("Li",) * (n_atoms // 2) + ("O",) * (n_atoms // 3)
    species += ("Cl",) * (n_atoms - len(species))
    return Trajectory(species, np.arange(float(n_frames)), cells, positions)


def within(cell: np.ndarray, low: float, high: float) -> set[tuple[int, ...]]:
    """Return all vectors in a range of lengths, both of each pair."""
    half = vectors_within(cell, high)
    length = np.linalg.norm(half @ reciprocal(cell), axis=1)
    half = half[(length > low) & (length <= high)]
    return {tuple(h) for h in np.concatenate([half, -half]).tolist()}


@pytest.mark.parametrize("cell", CELLS.values(), ids=CELLS.keys())
def test_the_first_shell_holds_one_of_each_pair(cell: np.ndarray) -> None:
    plan = wave_plan(sample(gas(cell)), 12.0, budget=1500)
    assert plan.complete_to < 12.0
    for scaled in gas(cell).cells:
        first = plan.shells[0]
        h = first.indices(scaled, first.shift(0, 0))
        both = {tuple(one) for one in np.concatenate([h, -h]).tolist()}
        assert len(both) == 2 * len(h)
        assert both == within(scaled, 0.0, plan.complete_to)


@pytest.mark.parametrize("cell", CELLS.values(), ids=CELLS.keys())
def test_the_shifted_lattices_of_a_shell_hold_every_vector_once(cell: np.ndarray) -> None:
    trajectory = gas(cell)
    plan = wave_plan(sample(trajectory), 7.0, budget=600)
    shell = plan.shells[1]
    shifts = {tuple(shell.shift(0, frame).tolist()) for frame in range(150)}
    by_coset = {}
    for shift in shifts:
        label = np.rint((np.array(shift) @ np.linalg.inv(shell.basis) % 1.0) * shell.index)
        by_coset[tuple((label % shell.index).tolist())] = np.array(shift)
    assert len(by_coset) == shell.index
    for scaled in trajectory.cells:
        found = np.concatenate([shell.indices(scaled, shift) for shift in by_coset.values()])
        every = within(scaled, shell.q_low, shell.q_high)
        assert len(found) == len(every)
        assert {tuple(h) for h in found.tolist()} == every


def plain_sums(sampling: Sampling, indices: np.ndarray, bins: tuple[int, float]) -> np.ndarray:
    snapshot = next(iter(sampling))
    rho = [
        np.exp(2j * np.pi * indices @ snapshot.fractional[:, a:b]).sum(axis=1)
        for a, b in pairwise(sampling.starts)
    ]
    length = np.linalg.norm(indices @ reciprocal(snapshot.cell), axis=1)
    places = (length / bins[1]).astype(int)
    products = [(a * b.conj()).real for a, b in combinations_with_replacement(rho, 2)]
    return np.array([np.bincount(places, one, bins[0])[: bins[0]] for one in products])


@pytest.mark.parametrize("cell", CELLS.values(), ids=CELLS.keys())
@pytest.mark.parametrize("fast", [False, True])
def test_sums_over_a_shell_are_the_plain_ones(
    cell: np.ndarray, fast: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fourier, "_NS_PLAIN", 1e9 if fast else 1e-9)
    sampling = sample(gas(cell, 300), 1)
    plan = wave_plan(sampling, 6.0, budget=1000, seed=3)
    assert {shell.way.width > 0 for shell in plan.shells} == {fast}
    bins = (61, 0.1)
    for frame, shell in enumerate(plan.shells):
        shift = shell.shift(plan.seed, frame)
        indices = shell.indices(sampling.cells[0], shift)
        sums = shell_sums(sampling, next(iter(sampling)), shell, shift=shift, bins=bins)
        assert sums.vectors.sum() == len(indices)
        expected = plain_sums(sampling, indices, bins)
        # 1e-6 of S: a bin of n vectors adds up to about n times the number of atoms.
        assert np.abs(sums.products - expected).max() < 1e-6 * 300
        length = np.linalg.norm(indices @ reciprocal(sampling.cells[0]), axis=1)
        assert sums.q.sum() == pytest.approx(length.sum(), rel=1e-12)


def test_a_generous_budget_leaves_no_vector_out() -> None:
    sampling = sample(gas(SKEWED, n_frames=1))
    plan = wave_plan(sampling, 7.0, budget=100_000)
    assert plan.complete_to == 7.0
    assert len(plan.indices(SKEWED, 0)) == len(vectors_within(SKEWED, 7.0))


def test_without_a_budget_a_single_frame_is_complete() -> None:
    sampling = sample(gas(SKEWED, n_frames=1))
    assert wave_plan(sampling, 20.0).complete_to == 20.0
    # About as many vectors as this are too many for any memory: 300 Å, 20 1/Å.
    large = sample(gas(SKEWED * 20.0, n_frames=1))
    plan = wave_plan(large, 20.0)
    assert plan.complete_to < 20.0
    assert plan.shells[-1].q_high == 20.0


def test_the_memory_is_bounded() -> None:
    sampling = sample(gas(CUBIC * 8.0, n_frames=1))
    plan = wave_plan(sampling, 20.0, budget=200_000_000)
    assert max(wave_lattices._bytes(shell.way, 3) for shell in plan.shells) <= 2**30
    assert 2.0 < plan.complete_to < 20.0


@pytest.mark.parametrize("repeat", [2, 3, 4, 6])
def test_a_thinned_lattice_meets_a_fair_share_of_bragg_peaks(repeat: int) -> None:
    # All vectors of the unit cell lie on every n-th of the box of n³ cells: one of n³.
    plan = wave_plan(sample(gas(np.eye(3) * 4.0 * repeat, n_frames=1)), 25.0, budget=2000)
    shell = plan.shells[1]
    cell = np.eye(3) * 4.0 * repeat
    counts = np.array([0, 0])
    for frame in range(150):
        indices = shell.indices(cell, shell.shift(0, frame))
        counts += [len(indices), int(np.all(indices % repeat == 0, axis=1).sum())]
    every = np.array(list(within(cell, shell.q_low, shell.q_high)))
    share = np.all(every % repeat == 0, axis=1).mean()
    # Each shift meets the nearest whole number to its share, give or take those at the surface.
    assert counts[1] / counts[0] == pytest.approx(share, rel=0.1)


def test_nothing_depends_on_the_number_of_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    trajectory = gas(SKEWED, 400, n_frames=4)
    found = []
    for threads in (1, 3):
        monkeypatch.setattr(wave_lattices, "processors", lambda n=threads: n)
        result = scattering(trajectory, QRange(q_max=8.0, budget=1000))
        found.append([curve.y for curve in result.partials.curves])
    assert np.array_equal(found[0], found[1])


@pytest.mark.parametrize("cell", CELLS.values(), ids=CELLS.keys())
def test_many_listed_vectors_are_taken_from_a_block(
    cell: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(density_module, "_NS_LISTED", 1e9)
    monkeypatch.setattr(fourier, "_NS_PLAIN", 1e9)
    sampling = sample(gas(cell, 150), 1)
    snapshot = next(iter(sampling))
    half = vectors_within(sampling.cells[0], 5.0)
    listed = np.concatenate([half, -half, [[0, 0, 0]], half[:5]])
    blocked = density_waves(sampling, snapshot, WaveVectors(listed, 6.0))
    plain = np.array(
        [
            np.exp(2j * np.pi * listed @ snapshot.fractional[:, a:b]).sum(axis=1)
            for a, b in pairwise(sampling.starts)
        ]
    )
    assert blocked == pytest.approx(plain, abs=1e-6)


def test_an_empty_list_of_vectors_gives_nothing() -> None:
    sampling = sample(gas(CUBIC), 1)
    nothing = WaveVectors(np.zeros((0, 3), dtype=np.int64), 0.0)
    assert density_waves(sampling, next(iter(sampling)), nothing).shape == (3, 0)


def test_a_shell_without_a_vector_adds_nothing() -> None:
    sampling = sample(gas(CUBIC), 1)
    shell = Shell(np.eye(3, dtype=np.int64), 1, 0.01, 0.02, Transform((1, 1, 1), True, (0,) * 3, 0))
    shift = np.zeros(3, dtype=np.int64)
    sums = shell_sums(sampling, next(iter(sampling)), shell, shift=shift, bins=(10, 0.1))
    assert sums.vectors.sum() == 0
