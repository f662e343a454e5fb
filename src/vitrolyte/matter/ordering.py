"""Ordered representations of crystals whose sites are partly occupied."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vitrolyte.data.errors import InputError
from vitrolyte.data.trajectory import Trajectory, structure
from vitrolyte.matter.composition import Composition, formal_charges
from vitrolyte.matter.electrostatics import coulomb_energy, ewald_matrix
from vitrolyte.matter.periodic import nearest_distances

Floats = NDArray[np.float64]
Repeats = tuple[int, int, int]
TRIES = 100
RANKING = 1e-5
"""Accuracy of the Coulomb sums: enough to tell arrangements apart."""


@dataclass(frozen=True)
class MixedSite:
    """Which elements share a site, and how often each is there; what is left over is vacant."""

    shares: Mapping[str, float]

    def __post_init__(self) -> None:
        total = math.fsum(self.shares.values())
        if not self.shares or min(self.shares.values()) < 0 or total > 1 + 1e-9:
            raise InputError(
                "The occupancies of a site are not negative and add up to one at most",
                received=f"{dict(self.shares)}",
            )

    @property
    def is_full(self) -> bool:
        """Return whether one element is always there."""
        return len(self.shares) == 1 and abs(math.fsum(self.shares.values()) - 1) < 1e-9


@dataclass(frozen=True, eq=False)
class PartialCrystal:
    """A crystal with partly occupied sites.

    Attributes
    ----------
    sites
        Occupants of each of the n sites; equal ones are drawn from together.
    fractional
        (n, 3), fractional coordinates.
    cell
        (3, 3), Å, rows are the cell vectors.
    """

    sites: tuple[MixedSite, ...]
    fractional: Floats
    cell: Floats


@dataclass(frozen=True)
class Hydroxide:
    """Rule by which each O of an ordered crystal is given its hydrogen.

    The hydrogen points at random along one of the edges <100>, face diagonals <110> or body
    diagonals <111> of the cube, among those in which it stays ``clearance_A`` away from every
    cation; where there is none, along the one in which it stays farthest. In the cubic phases the
    deuterons of Li2(OD)Cl were found towards the faces of the Li octahedron and those of Li2(OD)Br
    towards its edges, and the ion turns quickly; so no one direction is preferred here.

    References
    ----------
    Schwering et al., ChemPhysChem 4, 343 (2003), doi:10.1002/cphc.200390059;
    Dawson et al., Energy Environ. Sci. 11, 2993 (2018), doi:10.1039/C8EE00779A.
    """

    length_A: float = 0.97
    clearance_A: float = 1.55


def ordered(
    crystal: PartialCrystal,
    repeats: Repeats = (1, 1, 1),
    *,
    seed: int,
    charges: Mapping[str, int] | None = None,
    hydroxide: Hydroxide | None = None,
) -> Trajectory:
    """Return an ordered crystal: of many random arrangements the one of lowest Coulomb energy.

    Each set of equal sites gets the whole numbers of occupants nearest to its occupancies. A
    hundred random arrangements are drawn, of formal point charges on the sites, and compared by
    their Ewald energies. Another seed gives another arrangement.

    Parameters
    ----------
    crystal
        The average crystal.
    repeats
        Copies along each cell vector; more copies meet the occupancies better.
    seed
        Seed of the random choice.
    charges
        Formal charge of each element, e; by default those that balance the average.
    hydroxide
        Give each O a hydrogen by this rule.

    Raises
    ------
    InputError
        If the whole numbers do not add up to a neutral cell.
    """
    random = np.random.default_rng(seed)
    copies = np.indices(repeats).reshape(3, -1).T
    places = (crystal.fractional[None] + copies[:, None]).reshape(-1, 3) / np.array(repeats)
    cell = crystal.cell * np.array(repeats)[:, None]
    sites = crystal.sites * len(copies)
    known = dict(charges or _charges(crystal, hydroxide))
    drawn = _lowest(
        sites, ewald_matrix(places, cell, accuracy=RANKING), _formal(known, hydroxide), random
    )
    there = np.flatnonzero(drawn != "")
    species, places = [str(s) for s in drawn[there]], places[there]
    if hydroxide is not None:
        hydrogens = _hydrogens(species, places, cell, hydroxide, random)
        species, places = species + ["H"] * len(hydrogens), np.vstack([places, hydrogens])
    return structure(tuple(species), places @ cell, cell)


def _charges(crystal: PartialCrystal, hydroxide: Hydroxide | None) -> dict[str, int]:
    amounts: dict[str, float] = {}
    for site in crystal.sites:
        for element, share in site.shares.items():
            amounts[element] = amounts.get(element, 0.0) + share
    if hydroxide is not None:
        amounts["H"] = amounts["O"]
    # Occupancies such as 0.6667 are rounded: thirds and the like are meant.
    exact = [round(amount * 120) / 120 for amount in amounts.values()]
    return formal_charges(Composition(tuple(amounts), tuple(exact)))


def _formal(charges: dict[str, int], hydroxide: Hydroxide | None) -> dict[str, int]:
    """Return the charges of the sites; an O with its hydrogen counts as one ion."""
    if hydroxide is None:
        return charges
    return charges | {"O": charges["O"] + charges["H"]}


def _lowest(
    sites: tuple[MixedSite, ...],
    matrix: Floats,
    charges: Mapping[str, int],
    random: np.random.Generator,
) -> NDArray[np.str_]:
    """Return the element on each site, an empty word where it is vacant."""
    groups: dict[tuple[tuple[str, float], ...], list[int]] = {}
    for index, site in enumerate(sites):
        groups.setdefault(tuple(sorted(site.shares.items())), []).append(index)
    best, lowest = np.full(len(sites), "", dtype="<U3"), math.inf
    tries = 1 if all(site.is_full for site in sites) else TRIES
    for _ in range(tries):
        drawn = np.full(len(sites), "", dtype="<U3")
        for shares, members in groups.items():
            drawn[members] = random.permutation(_occupants(dict(shares), len(members)))
        values = np.array([charges.get(str(element), 0) for element in drawn], dtype=float)
        _check_neutral(drawn, float(values.sum()))
        energy = coulomb_energy(values, matrix)
        if energy < lowest:
            best, lowest = drawn, energy
    return best


def _occupants(shares: dict[str, float], count: int) -> list[str]:
    """Return what is drawn from, whole numbers nearest to the shares (largest remainders)."""
    wanted = {**shares, "": max(0.0, 1.0 - math.fsum(shares.values()))}
    whole = {element: math.floor(share * count + 1e-9) for element, share in wanted.items()}
    rest = sorted(wanted, key=lambda e: whole[e] - wanted[e] * count)
    for element in rest[: count - sum(whole.values())]:
        whole[element] += 1
    return [element for element, number in whole.items() for _ in range(number)]


def _check_neutral(drawn: NDArray[np.str_], charge: float) -> None:
    if abs(charge) > 1e-6:
        kinds, counts = np.unique(drawn[drawn != ""], return_counts=True)
        raise InputError(
            "The ordered cell must be neutral",
            received=f"{dict(zip(kinds.tolist(), counts.tolist()))} with charge {charge:+g} e",
            remedy="take more copies of the cell, so that the occupancies give whole numbers",
        )


def _hydrogens(
    species: list[str],
    places: Floats,
    cell: Floats,
    rule: Hydroxide,
    random: np.random.Generator,
) -> Floats:
    """Return the fractional coordinates of one hydrogen per O."""
    kinds = np.array(species)
    lithium = places[~np.isin(kinds, ("O", "F", "Cl", "Br", "I"))]
    directions = np.array([d for d in np.ndindex(3, 3, 3) if d != (1, 1, 1)], dtype=float) - 1.0
    directions /= np.linalg.norm(directions, axis=1)[:, None]
    bonds = rule.length_A * directions @ np.linalg.inv(cell)
    found = []
    for oxygen in places[kinds == "O"]:
        ends = oxygen + bonds
        clear = np.array([nearest_distances(end, lithium, cell).min() for end in ends])
        free = np.flatnonzero(clear >= rule.clearance_A)
        found.append(ends[random.choice(free)] if len(free) else ends[clear.argmax()])
    return np.array(found)
