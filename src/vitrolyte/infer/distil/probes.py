"""Probes: partial pair distributions of small sets of frames, and how much two of them overlap."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from vitrolyte.infer.distil.geometry import Array, neighbour_pairs, pair_names
from vitrolyte.potentials.teacher import Snapshot

REACH_A = 6.0
BIN_A = 0.1


def pair_overlaps(
    one: Sequence[Snapshot], other: Sequence[Snapshot], *, elements: Sequence[str]
) -> dict[str, float]:
    """Compare two sets of frames by every partial radial distribution function.

    ``1 - Σ|g1 - g2| / Σ(g1 + g2)`` over 0.1 Å bins up to 6 Å; 1 for identical structures.
    """
    first, second = distributions(one, elements), distributions(other, elements)
    return {
        pair: float(
            1 - np.abs(first[pair] - second[pair]).sum() / (first[pair] + second[pair]).sum()
        )
        for pair in pair_names(elements)
    }


def distributions(frames: Sequence[Snapshot], elements: Sequence[str]) -> dict[str, Array]:
    """Average every partial g(r) over frames, in 0.1 Å bins up to 6 Å, images included."""
    edges = np.arange(0.0, REACH_A + 1e-9, BIN_A)
    shells = 4 / 3 * np.pi * np.diff(edges**3)
    totals = {pair: np.zeros(len(shells)) for pair in pair_names(elements)}
    for frame in frames:
        kinds = np.array(frame.species)
        pairs = neighbour_pairs(frame, REACH_A)
        for name in totals:
            a, b = name.split("-")
            chosen = (kinds[pairs.first] == a) & (kinds[pairs.second] == b)
            counts = np.histogram(pairs.distances[chosen], edges)[0]
            ideal = (kinds == a).sum() * (kinds == b).sum() * shells / frame.volume
            totals[name] += counts / ideal / len(frames)
    return totals
