"""Every result of the scattering bench is stored, comes back and answers with valid rows."""

from pathlib import Path

import numpy as np
import pytest
from tests.stored_results import rows_of_stored

from vitrolyte.data.observation import Sample
from vitrolyte.data.quantity import Quantity
from vitrolyte.data.result import Result
from vitrolyte.data.trajectory import Trajectory
from vitrolyte.matter.prototypes import crystal
from vitrolyte.matter.supercell import supercell
from vitrolyte.observe.scattering.bragg import bragg_pattern, reflections
from vitrolyte.observe.scattering.crystallinity import bragg_share, crystallinity
from vitrolyte.observe.scattering.internal_standard import amorphous_fraction
from vitrolyte.observe.scattering.measured import as_measured
from vitrolyte.observe.scattering.optics import Diffractometer, anode_lines
from vitrolyte.observe.scattering.probes import Neutrons
from vitrolyte.observe.scattering.q_window import Window

SAMPLE = Sample("antiperovskite", "Li3OCl", "crystal", 300.0, 0.0)
CELL = crystal("Li3OCl", "antiperovskite")


def warm() -> Trajectory:
    whole = supercell(CELL, (4, 4, 4))
    frame = whole.read()
    random = np.random.default_rng(0)
    moved = frame.positions + random.normal(0, 0.1, (4, whole.n_atoms, 3))
    cells = np.repeat(frame.cells, 4, axis=0)
    return Trajectory(whole.species, np.arange(4.0), cells, moved)


def result(name: str) -> Result:
    if name == "measured":
        return as_measured(warm(), Window(q_max=20.0, q_min=0.6), Neutrons({"Li": "7Li"}))
    if name == "reflections":
        return reflections(CELL, 5.0)
    if name == "bragg_share":
        return bragg_share(warm())
    if name == "amorphous":
        shares = Quantity.normal(0.2, 0.001, "1"), Quantity.normal(0.5, 0.01, "1")
        return amorphous_fraction(*shares, {"LiCl": Quantity(0.5, "1")})
    pattern = bragg_pattern(CELL, Diffractometer(anode_lines("Cu")))
    if name == "pattern":
        return pattern
    return crystallinity(pattern.pattern.curves[0], widest_peak=2.0)


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("measured", 6),
        ("reflections", 0),
        ("pattern", 0),
        ("crystallinity", 1),
        ("bragg_share", 1),
        ("amorphous", 2),
    ],
)
def test_a_result_is_stored_and_answers(name: str, rows: int, tmp_path: Path) -> None:
    observations = rows_of_stored(result(name), SAMPLE, tmp_path)
    assert len(observations) == rows
    for row in observations:
        assert row.status == "ok"
