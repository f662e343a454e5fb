"""Who is bonded to whom: centres, ligands and three ways to judge a bond between them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from vitrolyte.data.elements import atomic_number
from vitrolyte.data.errors import InputError
from vitrolyte.observe.first_shells import first_shells
from vitrolyte.observe.neighbours import Neighbours, neighbours, reaches
from vitrolyte.observe.polyhedra.solid_angles import solid_angles
from vitrolyte.observe.polyhedra.valence_parameters import valence_parameters
from vitrolyte.observe.sampling import Sampling, Snapshot, ionic_charges

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Method = Literal["gap", "solid angle", "bond valence"]

_FIRST_REACH_A = 6.0
_LAST_REACH_A = 20.0


@dataclass(frozen=True)
class Bonding:
    """Which atoms are centres, which are ligands, and how a bond is judged.

    Attributes
    ----------
    centres
        Elements in the middle of the polyhedra. Empty: the cations of charge two or more; where
        there are none, the anions of charge two or more (O in an antiperovskite); else all
        cations. Hydrogen is none.
    ligands
        Elements at the corners. Empty: those of the opposite charge, hydrogen excepted.
    method
        ``gap``: nearer than the minimum of the pair distribution behind the first shell;
        ``solid angle``: the Voronoi face towards the ligand, among ligands only, has at least
        ``least_solid_angle`` of the greatest of that centre; ``bond valence``: the bond is worth
        at least ``least_valence`` of the cation's formal charge.
    cut_offs
        Å by pair (``Zr-O``), instead of what the first and third method find.
    least_solid_angle
        Share of the centre's largest solid angle.
    least_valence
        Share of the cation's charge; 0.04 follows Altermatt & Brown, Acta Cryst. B 41, 240
        (1985), doi:10.1107/S0108768185002051. Pairs whose first peak of g(r) is worth less are
        taken as not bonded by the method ``gap`` too.
    charges
        Formal charges, e, where those that follow from the composition are not meant.

    Raises
    ------
    InputError
        If a share is not between 0 and 1, an element is centre and ligand, a cut-off is not a
        positive distance, or the method is unknown.
    """

    centres: tuple[str, ...] = ()
    ligands: tuple[str, ...] = ()
    method: Method = "gap"
    cut_offs: Mapping[str, float] = field(default_factory=dict)
    least_solid_angle: float = 0.3
    least_valence: float = 0.04
    charges: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.method not in get_args(Method):
            raise InputError(
                f"Bonds are judged by one of {', '.join(get_args(Method))}",
                received=repr(self.method),
            )
        if not (0 < self.least_solid_angle < 1 and 0 < self.least_valence < 1):
            raise InputError(
                "The least solid angle and the least valence are shares between 0 and 1",
                received=f"{self.least_solid_angle} and {self.least_valence}",
            )
        both = set(self.centres) & set(self.ligands)
        if both:
            raise InputError(
                "An element is either centre or ligand", received=f"{sorted(both)} as both"
            )
        wrong = {pair: end for pair, end in self.cut_offs.items() if not 0 < end < math.inf}
        if wrong:
            raise InputError("A cut-off is a positive distance, Å", received=str(wrong))


@dataclass(frozen=True, eq=False)
class Rule:
    """A way of judging bonds, worked out for one trajectory.

    Attributes
    ----------
    bonding
        What was asked for.
    sampling
        The frames; atoms are sorted by element.
    centres, ligands
        Elements, ligands in the order in which a formula lists them.
    charges
        Formal charges, e; zero where they are not known.
    cut_offs
        Å by pair, centre first; empty for the solid angle.
    unbonded
        Pairs of a centre and a ligand that never bond.
    without_gap
        Pairs whose g(r) has no first shell with an end; their cut-off is that of the bond valence.
    """

    bonding: Bonding
    sampling: Sampling
    centres: tuple[str, ...]
    ligands: tuple[str, ...]
    charges: Mapping[str, int]
    cut_offs: Mapping[str, float]
    unbonded: tuple[str, ...] = ()
    without_gap: tuple[str, ...] = ()

    @property
    def kinds(self) -> Integers:
        """Return the element of each sorted atom, as an index."""
        return np.repeat(np.arange(len(self.sampling.elements)), self.sampling.counts)

    def kinds_of(self, elements: tuple[str, ...]) -> Integers:
        """Return the indices of elements."""
        return np.array([self.sampling.elements.index(e) for e in elements], dtype=np.int64)

    def atoms_of(self, elements: tuple[str, ...]) -> Integers:
        """Return the sorted atoms of some elements."""
        return np.flatnonzero(np.isin(self.kinds, self.kinds_of(elements))).astype(np.int64)

    @property
    def pairs(self) -> tuple[str, ...]:
        """Return all pairs of a centre and a ligand, centre first."""
        return tuple(f"{c}-{ligand}" for c in self.centres for ligand in self.ligands)

    @property
    def method(self) -> str:
        """Return in words how bonds are judged."""
        if self.bonding.method == "solid angle":
            share = self.bonding.least_solid_angle
            return f"Voronoi solid angle among ligands at least {share:g} of the largest"
        ends = ", ".join(f"{pair} {end:.2f} Å" for pair, end in self.cut_offs.items())
        how = {
            "gap": "gap behind the first shell of g(r)",
            "bond valence": f"bond valence at least {self.bonding.least_valence:g} of the charge",
        }[self.bonding.method]
        rest = f" ({', '.join(self.without_gap)} by bond valence)" if self.without_gap else ""
        return f"bonds by the {how}: {ends}{rest}"

    def shifted(self, by_A: float) -> Rule:
        """Return the same rule with every cut-off longer by some Å."""
        return replace(self, cut_offs={p: max(0.1, e + by_A) for p, e in self.cut_offs.items()})

    def bonds(self, snapshot: Snapshot) -> Neighbours:
        """Return the bonds between centres and ligands of one frame, from both ends."""
        if self.bonding.method == "solid angle":
            return _by_solid_angle(self, snapshot)
        reach = reaches(self.sampling.elements, self.cut_offs)
        return neighbours(positions(snapshot), snapshot.cell, self.kinds, reach)


def positions(snapshot: Snapshot) -> Floats:
    """Return the positions of a frame's sorted atoms, (n_atoms, 3), Å."""
    return np.ascontiguousarray(snapshot.fractional.T @ snapshot.cell)


def bond_rule(sampling: Sampling, bonding: Bonding) -> Rule:
    """Return how bonds are judged in a trajectory, with the cut-offs that were found.

    Raises
    ------
    InputError
        If the centres and ligands cannot be told, are not in the trajectory, or no pair bonds.
    """
    charges = _charges(sampling, bonding)
    centres, ligands = _roles(sampling, bonding, charges)
    rule = Rule(bonding, sampling, centres, ligands, charges, {})
    _check_cut_offs(rule)
    if bonding.method == "solid angle":
        return rule
    found = _by_gap(rule) if bonding.method == "gap" else _by_valence(rule)
    if not found.cut_offs:
        raise InputError(
            f"At least one of {', '.join(rule.pairs)} must be bonded",
            received="no pair whose g(r) has a first shell at a bond length",
            remedy="give cut_offs",
        )
    return replace(found, unbonded=tuple(p for p in rule.pairs if p not in found.cut_offs))


def _charges(sampling: Sampling, bonding: Bonding) -> dict[str, int]:
    unknown = set(bonding.charges) - set(sampling.elements)
    if unknown:
        raise InputError(
            f"Charges are given for {', '.join(sampling.elements)}", received=f"{sorted(unknown)}"
        )
    return ionic_charges(sampling.trajectory.species) | dict(bonding.charges)


def _roles(
    sampling: Sampling, bonding: Bonding, charges: Mapping[str, int]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    missing = {*bonding.centres, *bonding.ligands} - set(sampling.elements)
    if missing:
        raise InputError(
            f"Centres and ligands are among {', '.join(sampling.elements)}",
            received=f"{sorted(missing)}",
        )
    heavy = [e for e in sampling.elements if e not in ("H", "D", "T")]
    centres = bonding.centres or _centres(heavy, charges)
    sign = np.sign([charges[c] for c in centres])
    ligands = bonding.ligands or tuple(
        e for e in heavy if e not in centres and len(sign) and charges[e] * sign[0] < 0
    )
    if not centres or not ligands:
        raise InputError(
            "Polyhedra need centres and ligands, told apart by formal charges",
            received=f"charges {dict(charges)}",
            remedy="give centres and ligands, as in centres=('Zr',), ligands=('O', 'Cl')",
        )
    # The ligand of the higher charge comes first, as in ZrOCl5.
    order = sorted(ligands, key=lambda e: (-abs(charges[e]), atomic_number(e)))
    return tuple(centres), tuple(order)


def _centres(elements: list[str], charges: Mapping[str, int]) -> tuple[str, ...]:
    for fits in (
        [e for e in elements if charges[e] >= 2],
        [e for e in elements if charges[e] <= -2],
        [e for e in elements if charges[e] > 0],
    ):
        if fits:
            return tuple(fits)
    return ()


def _check_cut_offs(rule: Rule) -> None:
    known = {*rule.pairs, *("-".join(reversed(pair.split("-"))) for pair in rule.pairs)}
    strange = set(rule.bonding.cut_offs) - known
    if strange:
        raise InputError(
            f"Cut-offs are given for pairs of a centre and a ligand: {', '.join(rule.pairs)}",
            received=", ".join(sorted(strange)),
        )


def _given(rule: Rule, pair: str) -> float | None:
    turned = "-".join(reversed(pair.split("-")))
    return rule.bonding.cut_offs.get(pair, rule.bonding.cut_offs.get(turned))


def pair_parameters(charges: Mapping[str, int], first: str, second: str) -> tuple[str, int, str]:
    """Return cation, its charge, and anion of a pair in any order."""
    if charges[first] < charges[second]:
        first, second = second, first
    return first, max(charges[first], 0), second


def _longest(rule: Rule, pair: str) -> float:
    """Return the distance at which a bond is worth the least valence, Å."""
    first, second = pair.split("-")
    cation, charge, anion = pair_parameters(rule.charges, first, second)
    valence = rule.bonding.least_valence * (charge or 1)
    return valence_parameters(cation, charge, anion).distance(valence)


def _by_valence(rule: Rule) -> Rule:
    ends = {pair: _given(rule, pair) or _longest(rule, pair) for pair in rule.pairs}
    return replace(rule, cut_offs=ends)


def _by_gap(rule: Rule) -> Rule:
    """Return the rule with cut-offs from g(r); where it shows no end, from the bond valence."""
    wanted = tuple(pair for pair in rule.pairs if _given(rule, pair) is None)
    shells = first_shells(rule.sampling, wanted)
    ends: dict[str, float] = {}
    for pair in rule.pairs:
        given, shell = _given(rule, pair), shells.get(pair)
        if given is not None:
            ends[pair] = given
        elif shell is not None and shell.peak <= _longest(rule, pair):
            ends[pair] = shell.end
    without = tuple(pair for pair, end in ends.items() if math.isnan(end))
    ends |= {pair: _longest(rule, pair) for pair in without}
    return replace(rule, cut_offs=ends, without_gap=without)


def _by_solid_angle(rule: Rule, snapshot: Snapshot) -> Neighbours:
    centres = rule.atoms_of(rule.centres)
    reach = _FIRST_REACH_A
    while True:
        table = reaches(rule.sampling.elements, dict.fromkeys(rule.pairs, reach))
        found = neighbours(positions(snapshot), snapshot.cell, rule.kinds, table)
        angles, needed = solid_angles(found, centres)
        if needed <= reach or reach >= _LAST_REACH_A:
            break
        reach = min(_LAST_REACH_A, max(1.5 * reach, min(needed, 2.0 * reach)))
    largest = np.zeros(len(rule.kinds))
    np.maximum.at(largest, found.owners, angles)
    keep = (angles > 0) & (angles >= rule.bonding.least_solid_angle * largest[found.owners])
    return from_one_side(found, keep)


def from_one_side(found: Neighbours, keep: NDArray[np.bool_]) -> Neighbours:
    """Return some entries together with the same bonds seen from their other ends."""
    one, other = found.owners[keep], found.others[keep]
    owners = np.concatenate([one, other])
    order = np.argsort(owners, kind="stable")
    counts = np.bincount(owners, minlength=len(found.counts))
    return Neighbours(
        np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        np.concatenate([other, one])[order],
        np.concatenate([found.shifts[keep], -found.shifts[keep]])[order],
        np.concatenate([found.vectors[keep], -found.vectors[keep]])[order],
    )
