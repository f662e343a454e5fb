"""Every result of the structure bench is stored, comes back and answers with valid rows."""

from pathlib import Path

import numpy as np
import pytest
from tests.stored_results import rows_of_stored

from vitrolyte.data.observation import Sample
from vitrolyte.data.result import Result
from vitrolyte.data.trajectory import Trajectory
from vitrolyte.matter.prototypes import crystal
from vitrolyte.matter.supercell import supercell
from vitrolyte.observe.melting import forgotten
from vitrolyte.observe.pair_functions import pair_functions
from vitrolyte.observe.scattering.diffraction import bragg_search, diffraction
from vitrolyte.observe.scattering.partials import QRange, scattering
from vitrolyte.observe.thermodynamics import Cooling, density, quench_curves, volume_expansion

SAMPLE = Sample("antiperovskite", "Li3OCl", "crystal", 300.0, 0.0)
CRYSTAL = supercell(crystal("Li3OCl", "antiperovskite"), (3, 3, 3))


def warm() -> Trajectory:
    frame = CRYSTAL.read()
    random = np.random.default_rng(0)
    moved = frame.positions + random.normal(0, 0.1, (12, CRYSTAL.n_atoms, 3))
    cells = frame.cells * random.uniform(0.99, 1.01, (12, 1, 1))
    return Trajectory(CRYSTAL.species, np.arange(12.0), cells, moved)


def result(name: str) -> Result:
    factors = scattering(warm(), QRange(q_max=6.0))
    packed = density(warm(), "Li3OCl")
    ramp = np.linspace(1000.0, 300.0, 100)
    made: dict[str, Result] = {
        "pair_functions": pair_functions(warm()),
        "scattering": factors,
        "diffraction": diffraction(factors),
        "bragg_search": bragg_search(warm()),
        "forgotten": forgotten(warm(), CRYSTAL),
        "density": packed,
        "expansion": volume_expansion(packed.density, packed.density),
        "quench": quench_curves(Cooling(ramp, ramp, ramp, 135, 27.0), points=10),
    }
    return made[name]


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("pair_functions", 6 + 4),
        ("scattering", 0),
        ("diffraction", 0),
        ("bragg_search", 1),
        ("forgotten", 1),
        ("density", 2),
        ("expansion", 2),
        ("quench", 0),
    ],
)
def test_a_result_is_stored_and_answers(name: str, rows: int, tmp_path: Path) -> None:
    observations = rows_of_stored(result(name), SAMPLE, tmp_path)
    assert len(observations) == rows
    for row in observations:
        assert row.temperature_K == 300.0
