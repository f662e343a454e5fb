"""Polyhedra counted over a trajectory, kept apart by blocks of time."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from vitrolyte.observe.polyhedra.bonding import Rule
from vitrolyte.observe.polyhedra.sharing import Counts, count_frame, ligand_counts, no_counts

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

KINDS = ("corner", "edge", "face")
_BITS = 5
_MOST_OF_ONE = 2**_BITS - 1


@dataclass(frozen=True, eq=False)
class Tally:
    """Sums over the frames of each block of time.

    Attributes
    ----------
    rule
        How bonds were judged.
    frames
        (n_blocks,), frames in each block.
    counts
        One set of counts for each block.
    seen
        Centres with such ligands in each block, (n_blocks,), by a code of the ligands.
    """

    rule: Rule
    frames: Floats
    counts: tuple[Counts, ...]
    seen: dict[int, Floats] = field(default_factory=dict)

    def _stack(self, name: str) -> Floats:
        return np.stack([getattr(counts, name) for counts in self.counts])

    def _index(self, element: str) -> int:
        return self.rule.sampling.elements.index(element)

    def _atoms(self, element: str) -> int:
        return int(self.rule.sampling.counts[self._index(element)])

    @property
    def connections(self) -> Floats:
        """Return the pairs of polyhedra with ligands in common, (n_blocks,)."""
        return np.array([counts.connections.sum() for counts in self.counts])

    @property
    def faces(self) -> Floats:
        """Return the pairs that share three ligands or more, (n_blocks,)."""
        return self._stack("faces")[:, 0]

    def corners(self, element: str | None = None) -> Floats:
        """Return the pairs that share one ligand, of one element or any, (n_blocks,)."""
        found = self._stack("corners")
        return np.asarray(found.sum(axis=1) if element is None else found[:, self._index(element)])

    def edges(self, first: str | None = None, second: str | None = None) -> Floats:
        """Return the pairs that share two ligands, of two elements or any, (n_blocks,)."""
        found = self._stack("edges")
        if first is None or second is None:
            return np.asarray(found.sum(axis=(1, 2)))
        low, high = sorted((self._index(first), self._index(second)))
        return np.asarray(found[:, low, high])

    def links(self, kind: str) -> Floats:
        """Return the pairs of one kind, (n_blocks,)."""
        place = KINDS.index(kind)
        return np.array([counts.connections[place] for counts in self.counts])

    def separations(self, kind: str) -> Floats:
        """Return the sums of distances between the centres of such pairs, (n_blocks,), Å."""
        return np.asarray(self._stack("separations")[:, KINDS.index(kind)])

    def joined(self, element: str) -> Floats:
        """Return the ligands of an element by the number of centres they join, (n_blocks, 4)."""
        return np.asarray(self._stack("joined")[:, self._index(element)])

    def coordination(self) -> dict[str, Floats]:
        """Return mean numbers of bonded atoms in each block, by ordered pair and by centre."""
        bonds = self._stack("bonds")
        found: dict[str, Floats] = {}
        for centre in self.rule.centres:
            a = self._index(centre)
            per = self.frames * self._atoms(centre)
            if len(self.rule.ligands) > 1:
                found[centre] = bonds[:, a].sum(axis=1) / per
            for ligand in self.rule.ligands:
                found[f"{centre}-{ligand}"] = bonds[:, a, self._index(ligand)] / per
        for ligand in self.rule.ligands:
            for centre in self.rule.centres:
                of = bonds[:, self._index(centre), self._index(ligand)]
                found[f"{ligand}-{centre}"] = of / (self.frames * self._atoms(ligand))
        return found

    def _of_pair(self, name: str, pair: str) -> Floats:
        a, b = (self._index(element) for element in pair.split("-"))
        return np.asarray(self._stack(name)[:, a, b])

    def lengths(self, pair: str) -> Floats:
        """Return the mean bond length in each block, (n_blocks,), Å; NaN where there is none."""
        bonds = self._of_pair("bonds", pair)
        return _divided(self._of_pair("lengths", pair), bonds)

    def spreads(self, pair: str) -> Floats:
        """Return the standard deviation of bond lengths in each block, (n_blocks,), Å."""
        mean = self.lengths(pair)
        square = _divided(self._of_pair("squares", pair), self._of_pair("bonds", pair))
        return np.asarray(np.sqrt(np.maximum(square - mean**2, 0.0)))

    def units(self) -> dict[str, Floats]:
        """Return the share of centres with such ligands in each block, by formula."""
        found = {}
        for code, seen in self.seen.items():
            centre, numbers = self._decoded(code)
            name = centre + "".join(
                ligand + ("" if n == 1 else str(n))
                for ligand, n in zip(self.rule.ligands, numbers)
                if n
            )
            found[name] = seen / (self.frames * self._atoms(centre))
        return found

    def blocks(self, centre: str) -> dict[str, Floats]:
        """Return the share of a centre by the number of the last ligand, by the other ligands."""
        shares: dict[str, Floats] = {}
        whole = float(self.frames.sum() * self._atoms(centre))
        own = {
            code: (self._decoded(code)[1], seen)
            for code, seen in self.seen.items()
            if self._decoded(code)[0] == centre
        }
        most = max((numbers[-1] for numbers, _ in own.values()), default=0)
        for _, (numbers, seen) in sorted(own.items(), key=lambda item: item[1][0]):
            parts = [f"{n} {e}" for e, n in zip(self.rule.ligands[:-1], numbers[:-1])]
            name = f"{centre} with {', '.join(parts)}" if parts else centre
            shares.setdefault(name, np.zeros(most + 1))[numbers[-1]] = seen.sum() / whole
        return shares

    def _decoded(self, code: int) -> tuple[str, tuple[int, ...]]:
        centre = self.rule.sampling.elements[code & _MOST_OF_ONE]
        shifts = range(_BITS, _BITS * (len(self.rule.ligands) + 1), _BITS)
        return centre, tuple((code >> shift) & _MOST_OF_ONE for shift in shifts)


def _divided(part: Floats, whole: Floats) -> Floats:
    empty = np.full(np.shape(part), math.nan)
    return np.asarray(np.divide(part, whole, out=empty, where=whole > 0), dtype=float)


def tally(rule: Rule) -> Tally:
    """Return the polyhedra of all sampled frames counted by one rule."""
    sampling = rule.sampling
    n_blocks = sampling.n_blocks
    kinds, centres = rule.kinds, rule.atoms_of(rule.centres)
    ligands = rule.atoms_of(rule.ligands)
    counted = Tally(
        rule,
        np.zeros(n_blocks),
        tuple(no_counts(len(sampling.elements)) for _ in range(n_blocks)),
    )
    columns = rule.kinds_of(rule.ligands)
    weights = 1 << (_BITS * np.arange(1, len(columns) + 1))
    for snapshot in sampling:
        bonds = rule.bonds(snapshot)
        counted.counts[snapshot.block].add(count_frame(bonds, kinds, centres, ligands))
        counted.frames[snapshot.block] += 1
        numbers = np.minimum(ligand_counts(bonds, kinds, centres)[:, columns], _MOST_OF_ONE)
        codes, seen = np.unique(kinds[centres] + numbers @ weights, return_counts=True)
        for code, count in zip(codes.tolist(), seen.tolist()):
            counted.seen.setdefault(code, np.zeros(n_blocks))[snapshot.block] += count
    return counted
