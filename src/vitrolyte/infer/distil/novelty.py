"""Novelty: how far an atom's surroundings are from any that the student was taught."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from vitrolyte.infer.distil.geometry import Array, neighbour_pairs
from vitrolyte.potentials.teacher import Snapshot

CUTOFF_A = 6.0
SHELLS = 14
STRANGEST = 0.1
"""Share of a frame's atoms, the strangest ones, whose mean strangeness is the frame's novelty."""


def surroundings(snapshot: Snapshot, elements: Sequence[str]) -> Array:
    """Describe each atom by smeared radial densities of every element around it.

    ``p_i(k, X) = Σ_{j in X} exp(-(r_ij - r_k)²/2w²) f(r_ij) / r_ij`` with a cosine cut-off f;
    shape ``(n_atoms, n_elements * 14)``. Invariant under rotation, translation and permutation.
    """
    centres = np.linspace(1.4, CUTOFF_A, SHELLS)
    width = centres[1] - centres[0]
    pairs = neighbour_pairs(snapshot, CUTOFF_A)
    r = pairs.distances
    fade = 0.5 * (1 + np.cos(np.pi * r / CUTOFF_A)) / np.maximum(r, 0.5)
    smeared = np.exp(-0.5 * ((r[:, None] - centres) / width) ** 2) * fade[:, None]
    order = {element: index for index, element in enumerate(elements)}
    kinds = np.array([order[symbol] for symbol in snapshot.species])
    described = np.zeros((len(kinds), len(elements), SHELLS))
    np.add.at(described, (pairs.first, kinds[pairs.second]), smeared)
    return described.reshape(len(kinds), -1)


def most_novel(
    candidates: Sequence[Snapshot],
    known: Sequence[Snapshot],
    *,
    elements: Sequence[str],
    count: int,
) -> list[int]:
    """Pick frames one after the other, each the farthest from all that is known or picked.

    A frame's novelty is the mean, over its strangest tenth of atoms, of the Euclidean distance to
    the nearest known surroundings of the same element (farthest-point sampling).
    """
    if not candidates:
        return []
    fresh = [_by_element(snapshot, elements) for snapshot in candidates]
    taught = [_by_element(snapshot, elements) for snapshot in known]
    library = {e: np.concatenate([one[e] for one in taught]) for e in elements} if taught else {}
    strange = [{e: _nearest(one[e], library.get(e)) for e in elements} for one in fresh]
    picked: list[int] = []
    while len(picked) < min(count, len(candidates)):
        scores = [_score(one) for one in strange]
        for index in picked:
            scores[index] = -1.0
        best = int(np.argmax(scores))
        picked.append(best)
        for one, distances in zip(fresh, strange):
            for e in elements:
                distances[e] = np.minimum(distances[e], _nearest(one[e], fresh[best][e]))
    return picked


def _by_element(snapshot: Snapshot, elements: Sequence[str]) -> dict[str, Array]:
    described = surroundings(snapshot, elements).astype(np.float32)
    kinds = np.array(snapshot.species)
    return {element: described[kinds == element] for element in elements}


def _nearest(points: Array, library: Array | None) -> Array:
    if library is None or not len(library):
        return np.full(len(points), 1e3)
    if not len(points):
        return np.zeros(0)
    squares = (library**2).sum(1)
    gaps = (points**2).sum(1)[:, None] + squares - 2 * points @ library.T
    return np.asarray(np.sqrt(np.maximum(gaps.min(1), 0.0)))


def _score(strangeness: dict[str, Array]) -> float:
    everything = np.sort(np.concatenate(list(strangeness.values())))
    return float(everything[-max(1, round(STRANGEST * len(everything))) :].mean())
