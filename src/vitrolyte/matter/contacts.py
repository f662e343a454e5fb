"""How near two ions come: contact distances from ionic radii."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import combinations_with_replacement

from vitrolyte.data.errors import InputError
from vitrolyte.matter.composition import Composition, formal_charges
from vitrolyte.matter.radii import ionic_radius

SOFTNESS = 0.90
"""A contact is this share of the distance at which ions touch: random packings hold short ones."""
_PROTON = {"anion": 0.30, "cation": 1.05, "proton": 1.60}
"""Distances of an H that is bound to an O: to an anion its radius plus 0.30, to a cation plus 1.05
(Li-H 1.8 in LiOH), to another H 1.60 (molecules of water 1.51), Å."""


def pair_name(first: str, second: str) -> str:
    """Return the name of a pair, elements in alphabetical order: ``Cl-Li``."""
    return "-".join(sorted((first, second)))


def contact_distances(
    composition: Composition, charges: Mapping[str, int] | None = None
) -> dict[str, float]:
    """Return the shortest distance that a random packing may hold for each pair of elements, Å.

    Counter-ions and anions among themselves: 0.9 of the sum of their Shannon radii. Cations among
    themselves: 0.9 times the square root of two times their mean distance to the smallest anion,
    as in octahedra that share an edge.

    Raises
    ------
    InputError
        If a radius is not tabulated.
    """
    known = dict(charges or formal_charges(composition))
    anions = [e for e, q in known.items() if q < 0]
    if not anions:
        raise InputError(
            "Contact distances are known between ions; an anion is missing",
            received=composition.formula,
            remedy="give the contact distances",
        )
    smallest = min(_radius(e, known[e]) for e in anions)
    return {
        pair_name(a, b): _contact((a, known[a]), (b, known[b]), smallest)
        for a, b in combinations_with_replacement(known, 2)
    }


def _radius(element: str, charge: int) -> float:
    return ionic_radius(element, charge)


def _contact(first: tuple[str, int], second: tuple[str, int], smallest_anion: float) -> float:
    if (first[0] == "H" and first[1] > 0) or (second[0] == "H" and second[1] > 0):
        return _proton_contact(first, second)
    touching = _radius(*first) + _radius(*second)
    if first[1] > 0 and second[1] > 0:
        touching = math.sqrt(2.0) * (0.5 * touching + smallest_anion)
    return SOFTNESS * touching


def _proton_contact(first: tuple[str, int], second: tuple[str, int]) -> float:
    other = second if first[0] == "H" else first
    if other[0] == "H":
        return _PROTON["proton"]
    return _radius(*other) + _PROTON["anion" if other[1] < 0 else "cation"]
