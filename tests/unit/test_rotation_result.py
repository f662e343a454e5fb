"""The result of a rotation analysis as rows, through the store, and what is refused."""

import numpy as np
import pytest
from validation.rotation import (
    CUT_OFFS,
    PS4,
    Crowd,
    diffusing,
    jumping,
    molecules,
    motion,
    of_attitudes,
    of_directions,
)

from vitrolyte.data.errors import InputError
from vitrolyte.data.observation import Sample
from vitrolyte.data.trajectory import Trajectory
from vitrolyte.observe.rotation.bonds import RotorSearch
from vitrolyte.observe.rotation.relaxation import Sums, blocks_of, counted, lags_of
from vitrolyte.observe.rotation.rotation import RotationSettings, rotation
from vitrolyte.observe.rotation.steps import StepRule, walk

SAMPLE = Sample("thiophosphate", "Li3PS4", "glass", 600.0)


def test_the_rows_of_a_body_name_bonds_and_body() -> None:
    crowd = Crowd(6, 600)
    found = motion(molecules(crowd, of_attitudes(diffusing(2, crowd, 0.03), PS4)), 5)
    rows = found.observations(SAMPLE)
    times = {row.of for row in rows if row.quantity == "correlation_time"}
    assert times == {"PS4 C1", "PS4 C2", "PS4 rotation C1", "PS4 rotation C2"}
    assert {row.unit for row in rows if row.quantity == "jump_rate"} == {"1/s"}
    (whole,) = (row for row in rows if row.quantity == "intact_fraction")
    assert whole.value == 1.0
    assert "0 broken" in whole.note


def test_two_sorts_of_rotors_are_told_apart() -> None:
    crowd = Crowd(8, 200)
    oxide = molecules(crowd, of_directions(jumping(1, crowd, 0.02)))
    sulphide = molecules(crowd, of_attitudes(diffusing(2, crowd, 0.03), PS4))
    both = Trajectory(
        (*oxide.species, *sulphide.species),
        oxide.times,
        oxide.cells,
        np.concatenate([oxide.read().positions, sulphide.read().positions + 5.0], axis=1),
    )
    settings = RotationSettings(RotorSearch(cut_offs=CUT_OFFS[2] | CUT_OFFS[5], looks=10))
    found = rotation(both, settings)
    assert set(found.rotors) == {"OH", "PS4"}
    assert {one.number for one in found.rotors.values()} == {8}
    assert len(found.observations(SAMPLE)) == sum(
        len(one.observations(SAMPLE)) for one in found.rotors.values()
    )


def test_groups_that_fit_into_little_memory_give_the_same() -> None:
    crowd = Crowd(6, 300, triclinic=True)
    run = molecules(crowd, of_attitudes(diffusing(2, crowd, 0.03), PS4))
    found = []
    for memory in (800.0, 0.1):
        search = RotorSearch(cut_offs=CUT_OFFS[5], looks=10, memory_MB=memory)
        found.append(rotation(run, RotationSettings(search)).rotors["PS4"])
    np.testing.assert_allclose(found[0].correlations["C1"].y, found[1].correlations["C1"].y)
    assert found[0].step_rate == found[1].step_rate


def test_the_sum_over_lags_is_the_plain_mean() -> None:
    n, lags = 40, lags_of(40)
    blocks = blocks_of(0, n, n)
    counts = counted(n, lags, blocks, 1)
    np.testing.assert_array_equal(counts.sum(axis=0), n - lags)
    sums = Sums(lags, 0.1, 1)
    sums.add(0, 3.0 * counts, counts)
    np.testing.assert_allclose(sums.mean, 3.0)


def test_steps_are_where_they_were_put() -> None:
    direction = np.tile([0.0, 0.0, 1.0], (300, 1))
    direction[100:] = [0.0, 1.0, 0.0]
    direction[200:] = [0.0, -1.0, 0.0]
    direction[150:153] = [1.0, 0.0, 0.0]  # an excursion shorter than the stay
    found = walk(direction, StepRule(), 0.02)
    assert found.frames.tolist() == [100, 200]
    # the excursion is in the mean of the second dwell: 1.7°
    assert found.angles == pytest.approx([90.0, 180.0], abs=3.0)


def test_a_full_turn_of_a_quaternion_is_no_step() -> None:
    half = np.linspace(0, np.pi, 400)
    spun = np.stack([np.cos(half), 0 * half, 0 * half, np.sin(half)], axis=1)
    still = np.tile(spun[0], (400, 1))
    still[200:] *= -1.0
    assert len(walk(still, StepRule(), 0.02).frames) == 0
    assert len(walk(spun, StepRule(), 0.02).frames) > 3


@pytest.mark.parametrize("wrong", [{"threshold_deg": 1.0}, {"stay_ps": 0.0}])
def test_bad_step_rules_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(InputError):
        StepRule(**wrong)


def test_a_single_frame_is_refused() -> None:
    crowd = Crowd(4, 20)
    run = molecules(crowd, of_directions(jumping(1, crowd, 0.02))).frame(0)
    with pytest.raises(InputError, match="16 frames"):
        rotation(run)
