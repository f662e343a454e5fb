"""Every result of the polyhedra is stored, comes back and answers with valid rows."""

import numpy as np
import pytest

from vitrolyte.data.io import record
from vitrolyte.data.io.observations import to_json
from vitrolyte.data.observation import Sample
from vitrolyte.data.trajectory import Trajectory
from vitrolyte.data.vocabulary import unit_of
from vitrolyte.matter.catalogue import catalogue_crystal
from vitrolyte.matter.supercell import supercell
from vitrolyte.observe.polyhedra.census import polyhedra
from vitrolyte.observe.polyhedra.shapes import shapes
from vitrolyte.observe.polyhedra.speciation import speciation
from vitrolyte.observe.polyhedra.tilts import tilts
from vitrolyte.observe.polyhedra.valence import bond_valences

SAMPLE = Sample("crystal", "X", "crystal", 300.0, 0.0)
ANALYSES = (polyhedra, shapes, speciation, tilts, bond_valences)


def warm(name: str) -> Trajectory:
    """Return twelve frames of a crystal whose cell breathes."""
    whole = supercell(catalogue_crystal(name).structure, (2, 2, 2))
    frame = whole.read()
    random = np.random.default_rng(0)
    moved = frame.positions + random.normal(0, 0.1, (12, whole.n_atoms, 3))
    size = random.uniform(0.99, 1.01, (12, 1, 1))
    return Trajectory(whole.species, np.arange(12.0), frame.cells * size, moved * size)


@pytest.mark.parametrize("name", ["Li3OCl", "Li7P3S11", "LiTaOCl4"])
@pytest.mark.parametrize("analysis", ANALYSES, ids=lambda one: one.__name__)
def test_a_result_is_stored_and_answers(analysis, name, tmp_path):
    before = analysis(warm(name))
    record.save(tmp_path / "result.json", before)
    after = record.load(tmp_path / "result.json")
    assert type(after) is type(before)
    assert record.encode(after) == record.encode(before)
    observations = before.observations(SAMPLE)
    assert to_json(observations) == to_json(after.observations(SAMPLE))
    assert len({(row.quantity, row.of) for row in observations}) == len(observations)
    assert all(unit_of(row.quantity) == row.unit and row.method for row in observations)
    octahedral = analysis is speciation and name != "Li7P3S11"
    assert bool(observations) is not octahedral
