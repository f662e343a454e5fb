"""How ions pair: first shells, shares of cations by their neighbours, overlaps of g(r)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vitrolyte.infer.distil.examination.probes import BIN_A, distributions, pair_overlaps
from vitrolyte.infer.distil.geometry import Array, neighbour_pairs
from vitrolyte.potentials.teacher import Snapshot

MOST = 12
SEARCHED_A = 1.8
"""The first minimum lies within this of the first peak."""


@dataclass(frozen=True)
class Shell:
    """The first shell of anions around cations, ending at ``reach_A``."""

    cation: str
    anion: str
    reach_A: float

    def counts(self, frames: Sequence[Snapshot]) -> Array:
        """Count the neighbours of every cation in every frame."""
        found = []
        for frame in frames:
            kinds = np.array(frame.species)
            pairs = neighbour_pairs(frame, self.reach_A)
            bonded = (kinds[pairs.first] == self.cation) & (kinds[pairs.second] == self.anion)
            counts = np.bincount(pairs.first[bonded], minlength=len(kinds))
            found.append(counts[kinds == self.cation])
        return np.concatenate(found)

    def number(self, frames: Sequence[Snapshot]) -> float:
        """Return the mean coordination number."""
        return float(self.counts(frames).mean())

    def shares(self, frames: Sequence[Snapshot]) -> Array:
        """Return the share of cations with 0, 1, 2 ... neighbours."""
        counts = self.counts(frames).astype(int)
        return np.asarray(np.bincount(counts, minlength=MOST)[:MOST] / len(counts))

    def peak(self, frames: Sequence[Snapshot]) -> float:
        """Return the first maximum of g(r); the well of mean force is ``kT ln`` of it."""
        return float(_distribution(frames, self.cation, self.anion).max())


def first_shell(frames: Sequence[Snapshot], cation: str, anion: str) -> Shell:
    """Find where the first shell ends: the first minimum of g(r) after its peak."""
    g = _distribution(frames, cation, anion)
    peak = int(np.argmax(g))
    beyond = g[peak : peak + round(SEARCHED_A / BIN_A)]
    return Shell(cation, anion, float((peak + int(np.argmin(beyond)) + 0.5) * BIN_A))


def overlaps(one: Sequence[Snapshot], other: Sequence[Snapshot]) -> dict[str, float]:
    """Compare all partial g(r) of two sets of frames; 1 where they are the same."""
    elements = tuple(dict.fromkeys(one[0].species))
    return pair_overlaps(one, other, elements=elements)


def _distribution(frames: Sequence[Snapshot], cation: str, anion: str) -> Array:
    return distributions(frames, (cation, anion))[f"{cation}-{anion}"]
