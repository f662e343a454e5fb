"""What a second potential would have made of a liquid, from frames of the first, truth known.

Ions that do not see each other sit in a well with probability exp(-E/kT); the second potential has
another well. Both distributions are known in closed form on a grid, and so is their overlap.
"""

import numpy as np
import pytest

from vitrolyte.infer.distil.probes import overlap, responded_overlap

BINS = 40
IONS = 36
GRID = (np.arange(BINS) + 0.5) / BINS
WELL = np.cos(2 * np.pi * GRID)
REPEATS = 120


def distribution(energies):
    weights = np.exp(-energies)
    return weights / weights.mean()


def sampled(first, frames, generator):
    """Draw frames of independent ions; return their histograms (frames, BINS)."""
    chance = distribution(first) / BINS
    return generator.multinomial(IONS, chance, size=frames) * BINS / IONS


def slow(first, frames, generator, *, stay):
    """Draw frames in which every ion keeps its place from one to the next with a probability."""
    chance = distribution(first) / BINS
    fresh = generator.choice(BINS, size=(frames, IONS), p=chance)
    kept = generator.random((frames, IONS)) < stay
    for before, after, still in zip(fresh, fresh[1:], kept[1:]):
        after[still] = before[still]
    return np.array([np.bincount(frame, minlength=BINS) for frame in fresh]) * BINS / IONS


def bumps(strength):
    """The second well less the first: two waves, in units of kT."""
    return strength * (np.sin(4 * np.pi * GRID) + 0.5 * np.cos(6 * np.pi * GRID))


@pytest.mark.parametrize("stay", [0.0, 0.8])
@pytest.mark.parametrize("strength", [0.03, 0.06, 0.12])
def test_bounds_hold_the_true_overlap(strength, stay):
    generator = np.random.default_rng(int(1000 * strength))
    extra = bumps(strength)
    truth = overlap(distribution(WELL), distribution(WELL + extra))
    held = 0
    for _ in range(REPEATS):
        each = slow(WELL, 200, generator, stay=stay)
        gaps = each @ extra * IONS / BINS
        found = responded_overlap(each, gaps)
        held += found.low <= truth <= found.high
    # at least 95 of 100, less three standard deviations of the count
    assert held / REPEATS > 0.95 - 3 * np.sqrt(0.05 * 0.95 / REPEATS)


def test_many_frames_find_the_overlap_itself():
    extra = bumps(0.1)
    each = sampled(WELL, 40000, np.random.default_rng(5))
    gaps = each @ extra * IONS / BINS
    found = responded_overlap(each[:4000], gaps[:4000])
    truth = overlap(distribution(WELL), distribution(WELL + extra))
    assert found.measured == pytest.approx(truth, abs=0.004)
    assert found.high - found.low < 0.03


def test_energies_that_have_nothing_to_do_with_the_structure_change_nothing():
    generator = np.random.default_rng(6)
    each = sampled(WELL, 200, generator)
    found = responded_overlap(each, generator.normal(size=200))
    assert found.high == pytest.approx(1.0, abs=0.02)
    assert found.measured == pytest.approx(found.chance, abs=0.02)


def test_too_few_frames_are_refused():
    with pytest.raises(ValueError, match="at least 20"):
        responded_overlap(np.ones((19, 5)), np.zeros(19))
