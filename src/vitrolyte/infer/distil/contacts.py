"""Close contacts: pairs and triples brought together down to the core, to label and to guard."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement

import numpy as np
from ase.data import atomic_numbers, covalent_radii

from vitrolyte.infer.distil.charges import Charges
from vitrolyte.infer.distil.cores import Cores, core_distance
from vitrolyte.infer.distil.descriptors import Basis
from vitrolyte.infer.distil.geometry import Array, neighbour_pairs, pair_names
from vitrolyte.infer.distil.regression import Rows
from vitrolyte.potentials.teacher import Snapshot

REACHED_EV = 50.0
"""Energy of the bare core at the shortest distance of a scan: far more than two atoms of a run
ever bring along. Closer guards cost accuracy where it counts, since descriptors grow so steeply."""

LEAST_A = 0.4
"""No scan begins closer: the cores of hydrogen are soft, and what descriptors say there is void."""

GRID = 27
CUBES = (0.82, 0.96)
"""Edges of the cells of guarded lone dimers over the cut-off: their own images are neighbours."""

ASKED_CUBE = 0.89
"""That of the dimers by which a student is judged, at distances between the guarded ones."""

FORGIVEN = 0.5
"""Share of the bare core's force by which a guarded contact may differ from it."""

NEARLY_ATTRACTED = 0.9 / FORGIVEN
"""A guard row that is this far below its target has a tenth of the bare core's force left."""

APPROACHES = (0.95, 0.85, 0.75, 0.65)
"""Distances of contacts to be labelled, over the shortest of the pair in calm frames."""


@dataclass(frozen=True)
class Contact:
    """Two atoms (indices) at a distance (Å) in a snapshot, with the pair's name."""

    snapshot: Snapshot
    atoms: tuple[int, int]
    pair: str
    distance: float

    @property
    def axis(self) -> Array:
        """Unit vector from the first to the second."""
        gap = self.snapshot.positions[self.atoms[1]] - self.snapshot.positions[self.atoms[0]]
        return np.asarray(gap / np.linalg.norm(gap))


def scan_distances(pair: str, *, between: bool = False) -> Array:
    """Return the distances of a pair's scan, from its core to the sum of covalent radii, Å.

    With ``between`` those halfway from one to the next.
    """
    a, b = pair.split("-")
    reach = covalent_radii[atomic_numbers[a]] + covalent_radii[atomic_numbers[b]]
    least = max(core_distance(pair, REACHED_EV), LEAST_A)
    grid = np.geomspace(least, max(float(reach), 1.0), GRID)
    return (np.sqrt(grid[1:] * grid[:-1]) if between else grid).round(4)


def guarded_dimers(elements: Sequence[str], cutoff_A: float) -> list[Contact]:
    """List every pair at every distance of its scan, alone with its images in two cubes."""
    return [
        _dimer(pair, distance, cube * cutoff_A)
        for cube in CUBES
        for pair in pair_names(elements)
        for distance in scan_distances(pair).tolist()
    ]


def asked_dimers(elements: Sequence[str], cutoff_A: float) -> list[Contact]:
    """List every pair in a third cube, at the distances between the guarded ones."""
    return [
        _dimer(pair, distance, ASKED_CUBE * cutoff_A)
        for pair in pair_names(elements)
        for distance in scan_distances(pair, between=True).tolist()
    ]


def _dimer(pair: str, distance: float, edge: float) -> Contact:
    a, b = pair.split("-")
    positions = np.array([[0.1, 0.1, 0.1], [0.1 + distance, 0.1, 0.1]])
    return Contact(Snapshot((a, b), positions, edge * np.eye(3)), (0, 1), pair, distance)


def embedded(
    frames: Sequence[Snapshot], elements: Sequence[str], fractions: Mapping[str, Sequence[float]]
) -> list[Contact]:
    """Bring one close pair of each kind together inside frames, to distances in Å.

    The two atoms move towards their middle; the rest stays. A frame without the pair is left out.
    """
    found = []
    for pair in pair_names(elements):
        for frame in frames:
            atoms = _closest_pair(frame, pair)
            if atoms is not None:
                found += [_brought(frame, atoms, pair, float(d)) for d in fractions[pair]]
    return found


def trimers(
    frames: Sequence[Snapshot], elements: Sequence[str], distances: Mapping[str, float]
) -> list[Snapshot]:
    """Bring two neighbours of a central atom to it at once inside frames, every kind of triple."""
    made = []
    for number, (centre, pair) in enumerate(
        (c, p) for c in elements for p in combinations_with_replacement(elements, 2)
    ):
        moved = _crowded(frames[number % len(frames)], centre, pair, distances)
        if moved is not None:
            made.append(moved)
    return made


def approaches(shortest: Mapping[str, float]) -> dict[str, list[float]]:
    """Return the distances at which each pair is labelled, Å."""
    return {pair: [f * distance for f in APPROACHES] for pair, distance in shortest.items()}


def guard_rows(
    contacts: Sequence[Contact], basis: Basis, *, cores: Cores, charges: Charges | None = None
) -> Iterator[Rows]:
    """Yield rows that hold the student to the bare core below the safe distance of a pair.

    Nothing is labelled there, and the descriptors, which grow like a high power of 1/r, would go
    anywhere. The force of the two atoms along their axis shall be that of the unswitched screened
    nuclear potential, half of it forgiven; the two charges under the student count as part
    of its force.
    """
    for contact, design in zip(contacts, basis.designs([one.snapshot for one in contacts])):
        r = np.array([contact.distance])
        bare = -float(cores.bare_slope(contact.pair, r)[0])
        switched = -float(cores.energy_and_slope(contact.pair, r)[1][0])
        first, second = (design.forces[3 * k : 3 * k + 3] for k in contact.atoms)
        along = 0.5 * contact.axis @ (second - first)
        beneath = charges.push(contact.pair, contact.distance) if charges is not None else 0.0
        error = FORGIVEN * bare
        yield Rows(along[None] / error, np.array([(bare - switched - beneath) / error]))


def _closest_pair(frame: Snapshot, pair: str) -> tuple[int, int] | None:
    pairs = neighbour_pairs(frame, 6.0)
    kinds = np.array(frame.species)
    a, b = pair.split("-")
    fits = (kinds[pairs.first] == a) & (kinds[pairs.second] == b) & (pairs.first != pairs.second)
    if not fits.any():
        return None
    best = np.flatnonzero(fits)[np.argmin(pairs.distances[fits])]
    return int(pairs.first[best]), int(pairs.second[best])


def _brought(frame: Snapshot, atoms: tuple[int, int], pair: str, distance: float) -> Contact:
    first, second = atoms
    pairs = neighbour_pairs(frame, 6.0)
    here = (pairs.first == first) & (pairs.second == second)
    vector = pairs.vectors[here][np.argmin(pairs.distances[here])]
    middle = frame.positions[first] + 0.5 * vector
    half = 0.5 * distance * vector / np.linalg.norm(vector)
    positions = frame.positions.copy()
    positions[first], positions[second] = middle - half, middle + half
    return Contact(Snapshot(frame.species, positions, frame.cell), atoms, pair, distance)


def _crowded(
    frame: Snapshot, centre: str, pair: tuple[str, str], distances: Mapping[str, float]
) -> Snapshot | None:
    kinds = np.array(frame.species)
    pairs = neighbour_pairs(frame, 6.0)
    positions = frame.positions.copy()
    centres = np.flatnonzero(kinds == centre)
    if not len(centres):
        return None
    middle, taken = int(centres[0]), {int(centres[0])}
    for element in pair:
        near = (pairs.first == middle) & (kinds[pairs.second] == element)
        near &= ~np.isin(pairs.second, list(taken))
        if not near.any():
            return None
        best = np.flatnonzero(near)[np.argmin(pairs.distances[near])]
        unit = pairs.vectors[best] / pairs.distances[best]
        name = f"{centre}-{element}"
        length = distances.get(name, distances.get(f"{element}-{centre}", 0.0))
        positions[pairs.second[best]] = positions[middle] + length * unit
        taken.add(int(pairs.second[best]))
    return Snapshot(frame.species, positions, frame.cell)
