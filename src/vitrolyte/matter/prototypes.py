"""Crystals from a formula and the name of a structure type."""

from __future__ import annotations

import difflib
import json
import statistics
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np

from vitrolyte.data.errors import InputError
from vitrolyte.data.trajectory import Trajectory, structure
from vitrolyte.matter.composition import Composition, formal_charges, parse_formula
from vitrolyte.matter.radii import ionic_radius

Vector = tuple[float, float, float]


@dataclass(frozen=True)
class Contact:
    """Two roles whose ions touch: distance over lattice parameter, and both coordinations."""

    first: str
    second: str
    distance: float
    first_coordination: int
    second_coordination: int


@dataclass(frozen=True)
class Prototype:
    """A cubic structure type as plain data.

    Attributes
    ----------
    name
        Its name.
    space_group
        Number in the International Tables.
    sites
        Fractional coordinates by role; roles with equal counts and signs stand in the order of
        falling charge, then rising radius (the divalent anion before the monovalent one).
    signs
        Sign of the charge of each role.
    contacts
        Which ions touch; the lattice guess is the mean over these.
    example
        A formula that has this structure.
    """

    name: str
    space_group: int
    sites: Mapping[str, tuple[Vector, ...]]
    signs: Mapping[str, int]
    contacts: tuple[Contact, ...]
    example: str

    @property
    def counts(self) -> dict[str, int]:
        """Return the number of sites of each role in the cubic cell."""
        return {role: len(places) for role, places in self.sites.items()}


@cache
def prototypes() -> dict[str, Prototype]:
    """Return the structure types that are at hand, by name."""
    text = (files("vitrolyte.matter") / "prototypes.json").read_text(encoding="utf-8")
    return {
        name: Prototype(
            name=name,
            space_group=entry["space_group"],
            sites={role: tuple(map(tuple, at)) for role, at in entry["sites"].items()},
            signs=entry["signs"],
            contacts=tuple(Contact(*contact) for contact in entry["contacts"]),
            example=entry["example"],
        )
        for name, entry in json.loads(text).items()
    }


def prototype(name: str) -> Prototype:
    """Return a structure type by its name.

    Raises
    ------
    InputError
        If there is none of that name; the message names the nearest.
    """
    known = prototypes()
    key = name.lower().replace("-", "_").replace(" ", "_")
    if key not in known:
        near = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
        raise InputError(
            f"A prototype is one of {', '.join(known)}",
            received=repr(name),
            remedy=f"did you mean {near[0]!r}?" if near else "choose one of these",
        )
    return known[key]


def fitting(composition: Composition, charges: Mapping[str, int]) -> tuple[str, ...]:
    """Return the names of the prototypes whose stoichiometry and charges a composition has."""
    return tuple(
        name for name, one in prototypes().items() if _roles(composition, one, charges) is not None
    )


def _signature(amounts: list[tuple[float, int]]) -> list[tuple[float, int]]:
    total = sum(amount for amount, _ in amounts)
    return sorted((round(amount / total, 6), sign) for amount, sign in amounts)


def _roles(
    composition: Composition, one: Prototype, charges: Mapping[str, int]
) -> dict[str, str] | None:
    """Return element by role, or None where the composition does not fit."""
    signs = {element: int(np.sign(charges[element])) for element in composition.elements}
    have = _signature([(composition[e], signs[e]) for e in composition.elements])
    want = _signature([(n, one.signs[role]) for role, n in one.counts.items()])
    if have != want:
        return None
    scale = sum(one.counts.values()) / composition.atoms
    free = sorted(composition.elements, key=lambda e: (-abs(charges[e]), _size(e, charges[e])))
    roles: dict[str, str] = {}
    for role, count in one.counts.items():
        element = next(
            e
            for e in free
            if signs[e] == one.signs[role] and abs(composition[e] * scale - count) < 1e-4
        )
        free.remove(element)
        roles[role] = element
    return roles


def _size(element: str, charge: int) -> float:
    try:
        return ionic_radius(element, charge)
    except InputError:
        return 0.0


def roles(formula: str | Composition, name: str) -> dict[str, str]:
    """Return which element of a formula takes which role of a prototype.

    In an antiperovskite X3BA the cation is X; of the two anions the one of higher charge (at equal
    charge the smaller) is the centre B of the octahedron, the other the corner A.

    Raises
    ------
    InputError
        If the formula does not fit; the message names the prototypes that it does fit.
    """
    composition = parse_formula(formula) if isinstance(formula, str) else formula
    one = prototype(name)
    charges = formal_charges(composition)
    found = _roles(composition, one, charges)
    if found is None:
        others = fitting(composition, charges)
        raise InputError(
            f"The prototype {one.name} holds {_pattern(one)}, as in {one.example}",
            received=f"{composition.formula} with charges {charges}",
            remedy=f"use {' or '.join(others)}" if others else "no prototype at hand fits it",
        )
    return found


def _pattern(one: Prototype) -> str:
    kind = {1: "cation", -1: "anion"}
    return ", ".join(f"{n} {kind[one.signs[role]]} {role}" for role, n in one.counts.items())


def lattice_guess(name: str, elements: Mapping[str, str], charges: Mapping[str, int]) -> float:
    """Return the lattice parameter, Å, at which the ions of a prototype touch.

    The mean over the contacts of ``(R_1 + R_2) / (d / a)``; for an antiperovskite
    ``a = sqrt(2) (R_A + R_X)`` and ``a = 2 (R_B + R_X)``.

    Raises
    ------
    InputError
        If a radius is not tabulated.

    References
    ----------
    Radii: Shannon, Acta Cryst. A 32, 751 (1976), doi:10.1107/S0567739476001551.
    """

    def radius(role: str, coordination: int) -> float:
        element = elements[role]
        return ionic_radius(element, charges[element], coordination=coordination)

    return statistics.fmean(
        (radius(c.first, c.first_coordination) + radius(c.second, c.second_coordination))
        / c.distance
        for c in prototype(name).contacts
    )


def crystal(
    formula: str | Composition, prototype_name: str, *, lattice_parameter_A: float | None = None
) -> Trajectory:
    """Return the conventional cubic cell of a crystal.

    Parameters
    ----------
    formula
        What it is made of: ``Li3OCl``.
    prototype_name
        Its structure type: ``antiperovskite``.
    lattice_parameter_A
        Edge of the cube, Å; without it, the one at which the ions touch (a start for a
        relaxation, commonly within a few per cent).

    Raises
    ------
    InputError
        If the formula is impossible or does not fit the prototype, or the edge is not positive.
    """
    composition = parse_formula(formula) if isinstance(formula, str) else formula
    elements = roles(composition, prototype_name)
    if lattice_parameter_A is None:
        edge = lattice_guess(prototype_name, elements, formal_charges(composition))
    else:
        edge = lattice_parameter_A
    if not 0.0 < edge < 100.0:
        raise InputError(
            "A lattice parameter lies between 0 and 100 Å", received=f"{lattice_parameter_A}"
        )
    sites = prototype(prototype_name).sites
    species = tuple(elements[role] for role, places in sites.items() for _ in places)
    fractional = np.array([place for places in sites.values() for place in places])
    return structure(species, fractional * edge, np.eye(3) * edge)
