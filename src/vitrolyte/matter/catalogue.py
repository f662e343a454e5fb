"""Known crystals: plain data in ``catalogue.toml``, built here into structures."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal

import numpy as np
from ase import Atoms
from ase.cell import Cell
from ase.spacegroup import Spacegroup, crystal

from vitrolyte.data.errors import InputError
from vitrolyte.data.trajectory import Trajectory, from_ase
from vitrolyte.matter.composition import parse_formula
from vitrolyte.matter.ordering import Hydroxide, MixedSite, PartialCrystal, Repeats, ordered

Numbers = Literal["published", "relaxed", "model"]


@dataclass(frozen=True)
class Site:
    """One orbit of equivalent atoms: element, fractional coordinates of one, share of the sites."""

    element: str
    at: tuple[float, float, float]
    occupancy: float = 1.0


@dataclass(frozen=True)
class Entry:
    """One crystal of the catalogue as plain data.

    Attributes
    ----------
    name, formula
        Its name, and one formula unit.
    space_group
        Number in the International Tables, standard setting, first choice of origin; for a crystal
        with partly occupied sites that of its average.
    cell
        a, b, c in Å and alpha, beta, gamma in degrees.
    sites
        The orbits.
    formula_units
        How many formula units the conventional cell holds.
    numbers
        ``published``: cell and coordinates are those known for this crystal (the note says where
        they are from general knowledge and not taken out of the source); ``relaxed``: coordinates
        relaxed in the known cell with the potential that the note names; ``model``: built after
        the source so that bond lengths and packing are right, never refined nor relaxed.
    source, note
        Where the crystal is described, with DOI where there is one; what else one must know.
    repeats
        Cells along each vector that an ordered representation takes.
    hydroxide
        Whether every O carries a hydrogen that is turned at random.
    """

    name: str
    formula: str
    space_group: int
    cell: tuple[float, float, float, float, float, float]
    sites: tuple[Site, ...]
    formula_units: int
    numbers: Numbers
    source: str
    note: str = ""
    repeats: Repeats = (1, 1, 1)
    hydroxide: bool = False

    @property
    def is_ordered(self) -> bool:
        """Return whether every site is full and nothing is turned at random."""
        return not self.hydroxide and all(site.occupancy == 1.0 for site in self.sites)

    @property
    def volume_per_formula_unit(self) -> float:
        """Return the volume of one formula unit, Å³."""
        return float(Cell.fromcellpar(self.cell).volume) / self.formula_units


@dataclass(frozen=True, eq=False)
class CatalogueCrystal:
    """A crystal of the catalogue, built.

    Attributes
    ----------
    name, formula, space_group
        As in the catalogue.
    structure
        One frame: the conventional cell, or one ordered representation of a disordered crystal.
    citation
        Where its numbers come from.
    note
        How they were obtained, and for a disordered crystal by what rule it was ordered.
    """

    name: str
    formula: str
    space_group: int
    structure: Trajectory
    citation: str
    note: str


@cache
def entries() -> dict[str, Entry]:
    """Return everything in the catalogue by name."""
    text = (files("vitrolyte.matter") / "catalogue.toml").read_text(encoding="utf-8")
    return {name: _entry(name, raw) for name, raw in tomllib.loads(text).items()}


def _entry(name: str, raw: dict[str, Any]) -> Entry:
    sites = tuple(Site(e, (x, y, z), *share) for e, x, y, z, *share in raw.pop("sites"))
    cell = tuple(map(float, raw.pop("cell")))
    repeats = tuple(raw.pop("repeats", (1, 1, 1)))
    return Entry(name=name, sites=sites, cell=cell, repeats=repeats, **raw)  # type: ignore[arg-type]


def names(elements: Sequence[str]) -> tuple[str, ...]:
    """Return the names of the crystals that hold no other elements than these."""
    allowed = set(elements)
    return tuple(
        name
        for name, entry in entries().items()
        if set(parse_formula(entry.formula).elements) <= allowed
    )


def entry(name: str) -> Entry:
    """Return the plain data of one crystal.

    Raises
    ------
    InputError
        If there is none of that name; the message names the nearest.
    """
    known = entries()
    if name not in known:
        near = difflib.get_close_matches(name, known, n=3, cutoff=0.4)
        raise InputError(
            "A crystal is taken from the catalogue by its name",
            received=repr(name),
            remedy=f"did you mean {' or '.join(near)}?" if near else f"choose from {list(known)}",
        )
    return known[name]


def catalogue_crystal(name: str, *, seed: int = 0) -> CatalogueCrystal:
    """Return a known crystal; one with partly occupied sites comes as an ordered representation.

    Parameters
    ----------
    name
        Its name in the catalogue.
    seed
        Which of the ordered representations; of no effect on an ordered crystal.

    Raises
    ------
    InputError
        If there is none of that name.
    """
    one = entry(name)
    built = _full(one.cell, one.space_group, one.sites) if one.is_ordered else _drawn(one, seed)
    note = {
        "published": "Known crystal.",
        "relaxed": "Known cell, coordinates relaxed in it.",
        "model": "Model, not refined: relax it before use.",
    }[one.numbers]
    return CatalogueCrystal(
        one.name, one.formula, one.space_group, built, one.source, f"{note} {one.note}".strip()
    )


def _orbits(cell: Sequence[float], number: int, sites: Iterable[Site]) -> Atoms:
    listed = tuple(sites)
    return crystal(
        [site.element for site in listed],
        [site.at for site in listed],
        spacegroup=Spacegroup(number),
        cellpar=cell,
        primitive_cell=False,
    )


def _full(cell: Sequence[float], number: int, sites: Iterable[Site]) -> Trajectory:
    return from_ase(_orbits(cell, number, sites))


def _drawn(one: Entry, seed: int) -> Trajectory:
    atoms = _orbits(one.cell, one.space_group, one.sites)
    kinds = np.asarray(atoms.arrays["spacegroup_kinds"])
    mixed = tuple(MixedSite({one.sites[k].element: one.sites[k].occupancy}) for k in kinds)
    partial = PartialCrystal(mixed, atoms.get_scaled_positions(), np.asarray(atoms.cell.array))
    hydroxide = Hydroxide() if one.hydroxide else None
    return ordered(partial, one.repeats, seed=seed, hydroxide=hydroxide)
