"""Ions in a well under two potentials: both distributions, and their overlap, in closed form.

The ions do not see each other. Each sits at a place of a ring with probability exp(-E/kT); the
second potential has two waves more.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vitrolyte.infer.distil.examination.probes import overlap

Array = NDArray[np.float64]
PLACES = 40
IONS = 36
RING = (np.arange(PLACES) + 0.5) / PLACES
WELL: Array = np.cos(2 * np.pi * RING)
"""Energy of the first potential over kT."""


def waves(strength: float) -> Array:
    """Return the energy of the second potential less that of the first, over kT, (PLACES,)."""
    return strength * (np.sin(4 * np.pi * RING) + 0.5 * np.cos(6 * np.pi * RING))


def distribution(energies: Array) -> Array:
    """Return the distribution of an ion over the ring, mean one, (PLACES,)."""
    weights = np.exp(-energies)
    return np.asarray(weights / weights.mean())


def true_overlap(strength: float) -> float:
    """Return the overlap of the two distributions."""
    return overlap(distribution(WELL), distribution(WELL + waves(strength)))


def true_free_energy(strength: float) -> float:
    """Return the free energy of the second potential less that of the first, all ions, over kT."""
    first, second = np.exp(-WELL), np.exp(-WELL - waves(strength))
    return float(-IONS * np.log(second.sum() / first.sum()))


def frames(
    generator: np.random.Generator, count: int, *, stay: float = 0.0, strength: float = 0.0
) -> Array:
    """Draw distributions of frames of the first potential, (count, PLACES), or of the second.

    An ion keeps its place from one frame to the next with probability ``stay``.
    """
    chance = distribution(WELL + waves(strength)) / PLACES
    places = generator.choice(PLACES, size=(count, IONS), p=chance)
    kept = generator.random((count, IONS)) < stay
    for before, after, still in zip(places, places[1:], kept[1:]):
        after[still] = before[still]
    counts = [np.bincount(frame, minlength=PLACES) for frame in places]
    return np.asarray(np.array(counts) * (PLACES / IONS), dtype=float)


def gaps(each: Array, strength: float) -> Array:
    """Return the difference of the two energies of each frame over kT, (frames,)."""
    return np.asarray(each @ waves(strength) * (IONS / PLACES))
