"""The same frames give the same pair functions and structure factors as independent programs."""

import warnings
from itertools import combinations_with_replacement

import numpy as np
import pytest

from vitrolyte.data.trajectory import Trajectory
from vitrolyte.matter.prototypes import crystal
from vitrolyte.matter.supercell import supercell
from vitrolyte.observe.pair_functions import count_pairs
from vitrolyte.observe.sampling import sample
from vitrolyte.observe.scattering.density_waves import WaveVectors, density_waves, reciprocal
from vitrolyte.observe.scattering.partials import QRange, scattering
from vitrolyte.observe.scattering.wave_lattices import wave_plan

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import MDAnalysis
    from dynasor.core.reciprocal import calc_rho_q
    from MDAnalysis.analysis.rdf import InterRDF
    from MDAnalysis.coordinates.memory import MemoryReader


def melt(shear: float) -> Trajectory:
    """Return strongly rattled frames with positions that float32 holds exactly."""
    whole = supercell(crystal("Li3OCl", "antiperovskite", lattice_parameter_A=4.0), (4, 4, 4))
    random = np.random.default_rng(0)
    frame = whole.read()
    cell = frame.cells[0].copy()
    cell[1] += shear * cell[0]
    cell[2] += 0.5 * shear * cell[0] - shear * cell[1]
    placed = frame.positions[0] @ np.linalg.inv(frame.cells[0]) @ cell
    moved = placed + random.normal(0, 0.5, size=(4, whole.n_atoms, 3))
    rounded = np.round(moved * 2048) / 2048
    return Trajectory(whole.species, np.arange(4.0), np.repeat(cell[None], 4, axis=0), rounded)


@pytest.mark.parametrize("shear", [0.0, 0.25], ids=["cubic", "triclinic"])
@pytest.mark.filterwarnings("ignore")
def test_pair_functions_equal_those_of_mdanalysis(shear: float) -> None:
    frames = melt(shear)
    counts = count_pairs(frames, r_max_A=6.0, bin_A=0.1)
    universe = MDAnalysis.Universe.empty(frames.n_atoms, trajectory=True)
    universe.add_TopologyAttr("name", frames.species)
    lengths = np.linalg.norm(frames.cells[0], axis=1)
    unit = frames.cells[0] / lengths[:, None]
    angles = np.degrees(np.arccos([unit[1] @ unit[2], unit[0] @ unit[2], unit[0] @ unit[1]]))
    box = np.tile(np.concatenate([lengths, angles]), (frames.n_frames, 1))
    positions = np.asarray(frames.read().positions, dtype=np.float32)
    universe.load_new(positions, format=MemoryReader, dimensions=box)
    for a, first in enumerate(counts.sampling.elements):
        for b, second in enumerate(counts.sampling.elements[a:], start=a):
            groups = [universe.select_atoms(f"name {name}") for name in (first, second)]
            exclusion = (1, 1) if a == b else None
            peer = InterRDF(*groups, nbins=60, range=(0, 6.0), exclusion_block=exclusion).run()
            mine = counts.pair_function(a, b)
            # Single precision inside the peer moves a few of some thousand pairs across an edge.
            shells = np.cumsum((mine - peer.results.rdf) * np.diff(counts.edges**3))
            assert np.abs(shells).max() < 2e-3 * 6.0**3
            assert np.mean(np.abs(mine - peer.results.rdf) > 1e-6) < 0.1


@pytest.mark.parametrize("shear", [0.0, 0.25], ids=["cubic", "triclinic"])
def test_density_waves_equal_those_of_dynasor(shear: float) -> None:
    frames = melt(shear)
    sampling = sample(frames, 1)
    random = np.random.default_rng(2)
    vectors = WaveVectors(random.integers(-20, 20, size=(300, 3)), 0.0)
    waves = density_waves(sampling, next(iter(sampling)), vectors)
    q = vectors.indices @ reciprocal(frames.cells[0])
    for number, element in enumerate(sampling.elements):
        positions = np.ascontiguousarray(frames.read(0, 1).positions[0][frames.indices(element)])
        assert waves[number] == pytest.approx(calc_rho_q(positions, q), abs=1e-7)


@pytest.mark.parametrize("shear", [0.0, 0.25], ids=["cubic", "triclinic"])
@pytest.mark.parametrize("budget", [400, 100_000], ids=["thinned", "complete"])
def test_structure_factors_equal_those_of_dynasor(shear: float, budget: int) -> None:
    frames = melt(shear)
    wanted = QRange(q_max=8.0, width=0.1, budget=budget)
    found = scattering(frames, wanted)
    sampling = sample(frames)
    plan = wave_plan(sampling, 8.0, budget=budget)
    assert (plan.complete_to == 8.0) == (budget > 400)
    block, sums, counts = frames.read(), np.zeros((6, 80)), np.zeros(80)
    for k, cell in enumerate(block.cells):
        q = plan.indices(cell, k) @ reciprocal(cell)
        places = np.minimum((np.linalg.norm(q, axis=1) / 0.1).astype(int), 79)
        groups = [frames.indices(element) for element in sampling.elements]
        waves = [calc_rho_q(np.ascontiguousarray(block.positions[k][g]), q) for g in groups]
        counts += np.bincount(places, minlength=80)
        for number, (a, b) in enumerate(combinations_with_replacement(waves, 2)):
            sums[number] += np.bincount(places, (a * b.conj()).real, 80)
    filled, c = counts > 0, sampling.fractions
    for number, (a, b) in enumerate(combinations_with_replacement(range(3), 2)):
        mean = sums[number, filled] / counts[filled] / frames.n_atoms
        theirs = 1.0 + (mean - (c[a] if a == b else 0.0)) / (c[a] * c[b])
        mine = found.partials.curves[number].y.real
        assert mine == pytest.approx(theirs, rel=1e-6, abs=1e-6)
    assert found.vectors.y.real == pytest.approx(counts[filled])
