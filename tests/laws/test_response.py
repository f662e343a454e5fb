"""What a second potential would have made of a liquid, from frames of the first, truth known."""

import numpy as np
import pytest
from validation.wells import frames, gaps, true_free_energy, true_overlap

from vitrolyte.infer.distil.examination.probes import free_energy_gap, responded_overlap

REPEATS = 80


@pytest.mark.parametrize("stay", [0.0, 0.8])
@pytest.mark.parametrize(
    ("strength", "unrelated"), [(0.03, 0.0), (0.06, 0.0), (0.12, 0.0), (0.35, 0.0), (0.08, 1.5)]
)
def test_bounds_hold_the_true_overlap(strength, unrelated, stay):
    # up to a spread of the energies of 1.7 kT: of the structure's own, and of what does not move it
    generator = np.random.default_rng(int(1000 * strength))
    truth, held = true_overlap(strength), 0
    for _ in range(REPEATS):
        each = frames(generator, 200, stay=stay)
        noise = generator.normal(0.0, unrelated, len(each))
        found = responded_overlap(each, gaps(each, strength) + noise)
        held += found.low <= truth <= found.high
    # at least 95 of 100, less three standard deviations of the count
    assert held / REPEATS > 0.95 - 3 * np.sqrt(0.05 * 0.95 / REPEATS)


def test_one_and_the_same_potential_overlaps_with_itself():
    each = frames(np.random.default_rng(4), 200)
    assert responded_overlap(each, gaps(each, 0.0)).low == pytest.approx(1.0)


def test_many_frames_find_the_overlap_itself():
    each = frames(np.random.default_rng(5), 4000)
    found = responded_overlap(each, gaps(each, 0.1))
    assert found.measured == pytest.approx(true_overlap(0.1), abs=0.004)
    assert found.high - found.low < 0.03


def test_energies_that_have_nothing_to_do_with_the_structure_change_nothing():
    generator = np.random.default_rng(6)
    found = responded_overlap(frames(generator, 200), generator.normal(size=200))
    assert found.high == pytest.approx(1.0, abs=0.02)
    assert found.measured == pytest.approx(found.chance, abs=0.02)


def test_too_few_frames_are_refused():
    with pytest.raises(ValueError, match="at least 20"):
        responded_overlap(np.ones((19, 5)), np.zeros(19))


@pytest.mark.parametrize("stay", [0.0, 0.6])
def test_the_free_energy_is_found_between_the_two_means(stay):
    generator = np.random.default_rng(7)
    strength, held, alone = 0.3, 0, 0
    truth = true_free_energy(strength)
    for _ in range(400):
        first = gaps(frames(generator, 200, stay=stay), strength)
        second = gaps(frames(generator, 60, stay=stay, strength=strength), strength)
        found = free_energy_gap(first, second)
        held += found.low <= truth <= found.high
        alone += abs(first.mean() - truth) < 0.5 * (found.high - found.low)
    assert held / 400 > 0.95 - 3 * np.sqrt(0.05 * 0.95 / 400)
    assert alone < 0.1 * 400  # one mean alone is off by half the variance over kT
