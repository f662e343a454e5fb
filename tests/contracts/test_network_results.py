"""Every result of the medium range is stored, comes back and answers with valid rows."""

from pathlib import Path

import numpy as np
import pytest
from tests.stored_results import rows_of_stored

from vitrolyte.data.observation import Sample
from vitrolyte.data.result import Result
from vitrolyte.data.trajectory import Trajectory
from vitrolyte.matter.prototypes import crystal
from vitrolyte.matter.supercell import supercell
from vitrolyte.observe.network.bonds import Network
from vitrolyte.observe.network.chains import chains
from vitrolyte.observe.network.clusters import clusters
from vitrolyte.observe.network.environments import SiteSettings, sites
from vitrolyte.observe.network.rings import RingSettings, rings
from vitrolyte.observe.voids.voids import VoidSettings, voids

SAMPLE = Sample("antiperovskite", "Li3OCl", "crystal", 300.0, 0.0)
NETWORK = Network(("O",), ("Li",))


def warm(n_frames: int) -> Trajectory:
    whole = supercell(crystal("Li3OCl", "antiperovskite"), (2, 2, 2))
    frame = whole.read()
    random = np.random.default_rng(0)
    moved = frame.positions + random.normal(0, 0.15, (n_frames, whole.n_atoms, 3))
    cells = frame.cells * random.uniform(0.99, 1.01, (n_frames, 1, 1))
    return Trajectory(whole.species, np.arange(float(n_frames)), cells, moved)


def result(name: str, n_frames: int) -> Result:
    run = warm(n_frames)
    if name == "rings":
        return rings(run, RingSettings(NETWORK, largest=6))
    if name == "clusters":
        return clusters(run, NETWORK)
    if name == "chains":
        return chains(run, NETWORK)
    if name == "sites":
        return sites(run, SiteSettings("Li", cut_offs={"Li-O": 2.7, "Li-Cl": 3.3}))
    return voids(run, VoidSettings((0.3,), without=("Li",), spacing_A=0.4))


@pytest.mark.parametrize("n_frames", [1, 12])
@pytest.mark.parametrize("name", ["rings", "clusters", "chains", "sites", "voids"])
def test_a_result_comes_back_with_the_same_rows(name: str, n_frames: int, tmp_path: Path) -> None:
    rows = rows_of_stored(result(name, n_frames), SAMPLE, tmp_path)
    assert len(rows) > 2
    assert len({(row.quantity, row.of) for row in rows}) == len(rows)
    for row in rows:
        assert row.method
        assert row.status == "ok" or row.note
        # One frame knows nothing of time.
        assert n_frames > 1 or (row.error is None and row.status != "ok")


def test_frames_are_an_even_choice() -> None:
    # Six of twelve frames: the same as the trajectory of those six.
    run = warm(12)
    chosen = np.unique(np.linspace(0, 11, 6).round().astype(int))
    block = run.read()
    part = Trajectory(run.species, run.times[chosen], run.cells[chosen], block.positions[chosen])
    cut_offs = {"Li-O": 2.7}
    some = rings(run, RingSettings(Network(("O",), ("Li",), cut_offs, max_frames=6), largest=6))
    same = rings(part, RingSettings(Network(("O",), ("Li",), cut_offs), largest=6))
    assert some.counts == same.counts
