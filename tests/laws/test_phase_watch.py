"""A change of phase between runs, seen in their volumes."""

import numpy as np
import pytest

from vitrolyte.data.observation import Sample
from vitrolyte.data.trajectory import Trajectory
from vitrolyte.infer.evidence import weigh
from vitrolyte.observe.motion.phase_change import watch_volumes

TEMPERATURES_K = np.arange(300.0, 1000.0, 70.0)
SKEWED = np.array([[1.0, 0.0, 0.0], [0.2, 0.9, 0.0], [-0.1, 0.3, 1.1]])


def run(volume: float, random: np.random.Generator) -> Trajectory:
    """Return a run of ten atoms in a skewed box whose volume fluctuates by 1 %."""
    volumes = 10 * volume * (1 + 0.01 * random.normal(size=200))
    cells = SKEWED * (volumes / np.linalg.det(SKEWED))[:, None, None] ** (1 / 3)
    return Trajectory(("Li",) * 10, np.arange(200.0), cells, np.zeros((200, 10, 3)))


def runs(step: float) -> list[tuple[float, Trajectory]]:
    """Return runs whose volume grows by 1e-4 per K, and by a step above 700 K."""
    random = np.random.default_rng(4)
    return [
        (float(t), run(15.0 * (1 + 1e-4 * (t - 300) + step * (t > 700)), random))
        for t in TEMPERATURES_K
    ]


def test_thermal_expansion_is_no_change_of_phase() -> None:
    found = watch_volumes(runs(0.0), weigh)
    assert not found.found
    assert found.transitions == ()
    assert found.observations(Sample("salt", "Li", "crystal")) == ()
    assert len(found.curves["runs"]) == len(TEMPERATURES_K)


def test_melting_is_found_between_the_runs_that_differ() -> None:
    (change,) = watch_volumes(runs(0.06), weigh).transitions
    # the highest run below 700 K is at 650 K, the lowest above at 720 K
    assert 640 < change.low_K <= change.high_K < 730


def test_few_temperatures_say_why_nothing_is_looked_for() -> None:
    found = watch_volumes(runs(0.06)[:5], weigh)
    assert not found.found
    assert "below 6 temperatures" in found.described


@pytest.mark.parametrize("step", [0.06])
def test_the_row_is_provisional(step: float) -> None:
    (row,) = watch_volumes(runs(step), weigh).observations(Sample("salt", "Li", "crystal", 300.0))
    assert (row.quantity, row.of, row.status) == ("transition_temperature", "volume", "provisional")
    assert row.temperature_K is None
