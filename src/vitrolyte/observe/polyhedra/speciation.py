"""What a network of small polyhedra is made of: Q^n, and anions such as PS4, P2S7, P2S6."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from ase.data import atomic_numbers, covalent_radii
from numba import njit
from numpy.typing import NDArray

from vitrolyte.data.observation import Observation, Sample, computed
from vitrolyte.data.quantity import Quantity
from vitrolyte.data.result import Result
from vitrolyte.data.trajectory import Trajectory
from vitrolyte.observe.blocks import block_average
from vitrolyte.observe.neighbours import Neighbours, neighbours, reaches
from vitrolyte.observe.polyhedra.bonding import (
    Bonding,
    Rule,
    bond_rule,
    positions,
)
from vitrolyte.observe.sampling import Snapshot, sample

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
CITATIONS = ("10.1039/b801115j",)

NETWORK = "network"
"""Name of an anion that has no end, or more than twelve centres."""

_LARGEST = 12
_HOMOPOLAR = ("B", "C", "Si", "P", "Ge", "As", "Se", "Sb", "Te", "S", "N")
_STRETCH = 1.15
_NETWORK_FORMER = 4.5
_BRIDGING = "ligands bonded to two centres or more"


@dataclass(frozen=True, eq=False)
class Speciation(Result):
    """What the network of centres and ligands is made of.

    Attributes
    ----------
    method
        How bonds were judged, with the cut-offs.
    q_units
        Share of the centres of an element with n bridging ligands: ``Q1``; ``Si Q3`` where there
        are several elements.
    bridging
        Bridging ligands for each centre, by its element.
    anions
        Share of all centres that belong to such an anion: ``PS4``, ``P2S7``; ``P2S6`` is the one
        with a bond between its two P, ``P2S6 (edge-sharing)`` the other; ``network`` is one without
        an end or with more than twelve centres.
    coordination
        Mean number of ligands of a centre, by its element.
    homopolar
        Bonds from one centre to another for each centre, by its element.
    """

    method: str
    q_units: Mapping[str, Quantity]
    bridging: Mapping[str, Quantity]
    anions: Mapping[str, Quantity]
    coordination: Mapping[str, Quantity]
    homopolar: Mapping[str, Quantity]

    @property
    def formers(self) -> tuple[str, ...]:
        """Return the centres with 4.5 ligands or fewer: only of these Q^n and anions mean much."""
        return tuple(e for e, q in self.coordination.items() if q.value <= _NETWORK_FORMER)

    def observations(self, sample: Sample) -> tuple[Observation, ...]:
        """Return Q^n and bridging ligands of the formers, and anions where all centres are such."""
        share = "structural_unit_fraction"
        formers, several = self.formers, len(self.coordination) > 1
        q = [
            computed(sample, share, number, of=of, method=f"n {_BRIDGING}; {self.method}")
            for of, number in self.q_units.items()
            if formers and (not several or of.split()[0] in formers)
        ]
        anions = [
            computed(sample, share, number, of=of, method=f"share of centres in it; {self.method}")
            for of, number in self.anions.items()
            if len(formers) == len(self.coordination)
        ]
        word = "bridging_ligands_per_centre"
        bridges = [
            computed(sample, word, number, of=of, method=f"{_BRIDGING}; {self.method}")
            for of, number in self.bridging.items()
            if of in formers
        ]
        return (*q, *anions, *bridges)


def speciation(
    trajectory: Trajectory, bonding: Bonding | None = None, *, max_frames: int | None = None
) -> Speciation:
    """Return Q^n and the anions of a network: thiophosphates, silicates, borates.

    A ligand is bridging where it is bonded to two centres or more; ``Q^n`` is a centre with n of
    them. Anions are what hangs together by bonds between centres and ligands and, among
    non-metals, from centre to centre; those are bonds up to 1.15 times the sum of the covalent
    radii between centres of one element, unless ``bonding.cut_offs`` names the pair.

    Parameters
    ----------
    trajectory
        Streamed; its cell may be triclinic, may change, and may be of any size.
    bonding
        Centres, ligands, and how bonds are judged; a cut-off may be given for ``P-P`` too.
    max_frames
        At most so many frames, evenly spread; None for all.

    Raises
    ------
    InputError
        If centres and ligands cannot be told or no pair of them bonds.

    References
    ----------
    Covalent radii: Cordero et al., Dalton Trans. 2832 (2008), doi:10.1039/b801115j.
    """
    asked = bonding or Bonding()
    sampling = sample(trajectory, max_frames)
    rule = bond_rule(sampling, _without_homopolar(asked))
    sums = _Sums(sampling.n_blocks)
    own = _homopolar_reaches(rule, asked)
    for snapshot in sampling:
        _add_frame(sums, rule, snapshot, own)
    return _result(rule, sums)


def _without_homopolar(bonding: Bonding) -> Bonding:
    kept = {p: end for p, end in bonding.cut_offs.items() if len(set(p.split("-"))) == 2}
    return replace(bonding, cut_offs=kept)


def _homopolar_reaches(rule: Rule, asked: Bonding) -> dict[str, float]:
    reach = {}
    for element in rule.centres:
        pair = f"{element}-{element}"
        radius = float(covalent_radii[atomic_numbers[element]])
        if pair in asked.cut_offs:
            reach[pair] = asked.cut_offs[pair]
        elif element in _HOMOPOLAR and rule.charges[element] >= 0:
            reach[pair] = 2.0 * _STRETCH * radius
    return reach


@dataclass
class _Sums:
    """Sums over the centres of each block of time, by what they count."""

    n_blocks: int
    centres: dict[str, Floats] = field(default_factory=dict)
    q_units: dict[str, Floats] = field(default_factory=dict)
    bridging: dict[str, Floats] = field(default_factory=dict)
    anions: dict[str, Floats] = field(default_factory=dict)
    ligands: dict[str, Floats] = field(default_factory=dict)
    homopolar: dict[str, Floats] = field(default_factory=dict)

    def add(self, what: str, name: str, block: int, count: float) -> None:
        getattr(self, what).setdefault(name, np.zeros(self.n_blocks))[block] += count


def _add_frame(sums: _Sums, rule: Rule, snapshot: Snapshot, own: Mapping[str, float]) -> None:
    bonds = rule.bonds(snapshot)
    counts = bonds.counts
    joins = counts[bonds.others] >= 2
    bridging = np.bincount(bonds.owners, weights=joins, minlength=len(counts)).astype(int)
    direct = _homopolar_bonds(rule, snapshot, own)
    for element in rule.centres:
        atoms = rule.atoms_of((element,))
        prefix = "" if len(rule.centres) == 1 else f"{element} "
        for n, seen in Counter(bridging[atoms].tolist()).items():
            sums.add("q_units", f"{prefix}Q{n}", snapshot.block, seen)
        sums.add("centres", element, snapshot.block, len(atoms))
        sums.add("bridging", element, snapshot.block, float(bridging[atoms].sum()))
        sums.add("ligands", element, snapshot.block, float(counts[atoms].sum()))
        sums.add("homopolar", element, snapshot.block, float(direct.counts[atoms].sum()))
    for name, seen in _anions(rule, bonds, direct).items():
        sums.add("anions", name, snapshot.block, seen)


def _homopolar_bonds(rule: Rule, snapshot: Snapshot, own: Mapping[str, float]) -> Neighbours:
    reach = reaches(rule.sampling.elements, own)
    return neighbours(positions(snapshot), snapshot.cell, rule.kinds, reach)


def _anions(rule: Rule, bonds: Neighbours, direct: Neighbours) -> Counter[str]:
    """Return how many centres are in anions of each name."""
    joined = _both(bonds, direct)
    centres = rule.atoms_of(rule.centres)
    labels, endless = connected(joined, centres)
    kinds, n = rule.kinds, len(endless)
    is_centre = np.zeros(len(kinds), dtype=bool)
    is_centre[centres] = True
    inside = labels >= 0
    content = np.zeros((n, len(rule.sampling.elements)), dtype=np.int64)
    np.add.at(content, (labels[inside], kinds[inside]), 1)
    size = np.bincount(labels[centres], minlength=n)
    links = np.bincount(labels[centres], weights=bonds.counts[centres], minlength=n)
    homopolar = np.bincount(labels[centres], weights=direct.counts[centres], minlength=n) / 2
    columns = rule.kinds_of((*rule.centres, *rule.ligands))
    found: Counter[str] = Counter()
    table = np.column_stack([content[:, columns], links, homopolar, endless, size])
    for row, repeats in zip(*np.unique(table, axis=0, return_counts=True)):
        found[_name(rule, row)] += int(repeats * row[-1])
    return found


def _name(rule: Rule, row: Floats) -> str:
    *content, links, homopolar, endless, size = row
    if endless or size > _LARGEST:
        return NETWORK
    formula = "".join(
        element + ("" if n == 1 else f"{n:g}")
        for element, n in zip((*rule.centres, *rule.ligands), content)
        if n
    )
    # Two centres that share an edge have the formula of two that are bonded to each other.
    rings = links - sum(content) + 1
    both_ways = size == 2 and rings == 1 and not homopolar and set(rule.centres) & set(_HOMOPOLAR)
    return f"{formula} (edge-sharing)" if both_ways else formula


def _both(bonds: Neighbours, direct: Neighbours) -> Neighbours:
    """Return two sets of bonds as one."""
    if not len(direct.others):
        return bonds
    owners = np.concatenate([bonds.owners, direct.owners])
    order = np.argsort(owners, kind="stable")
    counts = bonds.counts + direct.counts
    return Neighbours(
        np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        np.concatenate([bonds.others, direct.others])[order],
        np.concatenate([bonds.shifts, direct.shifts])[order],
        np.concatenate([bonds.vectors, direct.vectors])[order],
    )


def connected(bonds: Neighbours, seeds: Integers) -> tuple[Integers, NDArray[np.bool_]]:
    """Return which atoms hang together, and which of these pieces have no end.

    A piece has no end where a way along its bonds leads from an atom to an image of itself.

    Parameters
    ----------
    bonds
        From both ends.
    seeds
        Atoms from which pieces are grown.

    Returns
    -------
    labels
        (n_atoms,), number of the piece; -1 where no seed is bonded.
    endless
        (n_pieces,).
    """
    labels = np.full(len(bonds.starts) - 1, -1, dtype=np.int64)
    endless = np.zeros(len(seeds), dtype=np.bool_)
    n = _grow(bonds.starts, bonds.others, bonds.shifts, seeds, labels, endless)
    return labels, endless[:n]


@njit(cache=True, nogil=True)
def _grow(
    starts: Integers,
    others: Integers,
    shifts: Integers,
    seeds: Integers,
    labels: Integers,
    endless: NDArray[np.bool_],
) -> int:
    """Label the pieces and return their number. Hot loop."""
    places = np.zeros((len(labels), 3), dtype=np.int64)
    stack = np.empty(len(labels), dtype=np.int64)
    n = 0
    for seed in seeds:
        if labels[seed] >= 0:
            continue
        labels[seed] = n
        stack[0], depth = seed, 1
        while depth > 0:
            depth -= 1
            i = stack[depth]
            for entry in range(starts[i], starts[i + 1]):
                j = others[entry]
                if labels[j] < 0:
                    labels[j] = n
                    places[j] = places[i] + shifts[entry]
                    stack[depth] = j
                    depth += 1
                elif np.any(places[j] != places[i] + shifts[entry]):
                    endless[n] = True
        n += 1
    return n


def _result(rule: Rule, sums: _Sums) -> Speciation:
    everything = np.sum(list(sums.centres.values()), axis=0)
    several = len(rule.centres) > 1
    q_units = {}
    for name in sorted(sums.q_units):
        whole = sums.centres[name.split()[0]] if several else everything
        q_units[name] = block_average(sums.q_units[name] / whole, "1")
    shares = {name: block_average(s / everything, "1") for name, s in sums.anions.items()}

    def per_centre(found: Mapping[str, Floats]) -> dict[str, Quantity]:
        return {e: block_average(found[e] / sums.centres[e], "1") for e in rule.centres}

    return Speciation(
        method=rule.method,
        q_units=q_units,
        bridging=per_centre(sums.bridging),
        anions=dict(sorted(shares.items(), key=lambda item: -item[1].value)),
        coordination=per_centre(sums.ligands),
        homopolar=per_centre(sums.homopolar),
    )
