"""Random packings: melts and glasses to start from, with molecular ions where there are any."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial.transform import Rotation

from vitrolyte.data.errors import InputError, NotConverged
from vitrolyte.data.trajectory import Trajectory, structure
from vitrolyte.matter.composition import Composition, parse_formula
from vitrolyte.matter.contacts import contact_distances, pair_name
from vitrolyte.matter.molecules import MolecularIon, left_over, molecular_ion, usual_ions
from vitrolyte.matter.periodic import close_pairs
from vitrolyte.matter.volumes import GLASS_EXPANSION, crystal_volume_per_atom

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]
SKIN_A = 0.6
STEPS = 400
STEP_SIZE = 0.15
MEMORY = 0.8
SETTLED_A = 0.02
WORST_OVERLAP = 0.30
"""A packing in which a pair is nearer than 0.7 of its contact distance did not succeed."""


@dataclass(frozen=True)
class Ingredients:
    """What is packed: whole molecular ions and single atoms.

    Attributes
    ----------
    ions
        The ions, each with how many of it.
    atoms
        How many single atoms of each element.
    """

    ions: tuple[tuple[MolecularIon, int], ...]
    atoms: Mapping[str, int]

    @property
    def species(self) -> tuple[str, ...]:
        """Return the element of every atom, ions first."""
        bound = [s for ion, count in self.ions for s in ion.species * count]
        return (*bound, *[e for e, count in self.atoms.items() for _ in range(count)])


class _Springs(NamedTuple):
    """Pairs of atoms of one ion, held at their distance; and the ion of each atom (-1: none)."""

    first: Indices
    second: Indices
    lengths: Floats
    owner: Indices


class _Rules(NamedTuple):
    """Contact distances over pairs of elements, and the element of each atom."""

    distances: Floats
    kinds: Indices


def ingredients(
    composition: Composition, atoms: int, ions: Mapping[str, float] | None = None
) -> Ingredients:
    """Return whole numbers of ions and atoms that make about so many atoms of a composition.

    Parameters
    ----------
    composition
        What is packed.
    atoms
        How many atoms are wanted; the nearest number that whole formula units give is taken.
    ions
        Molecular ions per formula unit; by default `usual_ions`, an empty mapping for none.

    Raises
    ------
    InputError
        If whole formula units need more than one and a half times as many atoms, or the ions need
        more atoms than there are.
    """
    wanted = dict(usual_ions(composition) if ions is None else ions)
    least = _whole_units(composition)
    units = least * max(1, round(atoms / (composition.atoms * least)))
    if atoms < 1 or units * composition.atoms > 1.5 * atoms:
        raise InputError(
            f"{composition.formula} comes in whole formula units of "
            f"{least * composition.atoms:g} atoms",
            received=f"{atoms} atoms",
            remedy=f"ask for {math.ceil(least * composition.atoms)} or more",
        )
    ions_whole = [(molecular_ion(n), math.floor(a * units + 1e-6)) for n, a in wanted.items()]
    left_over(composition, wanted)
    per_cell = Composition(composition.elements, tuple(n * units for n in composition.amounts))
    rest = left_over(per_cell, {ion.name: count for ion, count in ions_whole})
    return Ingredients(tuple(ions_whole), {e: round(n) for e, n in rest.items() if round(n)})


def _whole_units(composition: Composition) -> int:
    """Return the least number of formula units that hold whole numbers of all atoms."""
    for units in range(1, 1001):
        if all(abs(n * units - round(n * units)) < 1e-6 * units for n in composition.amounts):
            return units
    raise InputError(
        "The amounts of a formula are multiples of a thousandth", received=composition.formula
    )


def packed(
    composition: str | Composition,
    *,
    atoms: int,
    seed: int,
    volume_per_atom_A3: float | None = None,
    ions: Mapping[str, float] | None = None,
    contacts: Mapping[str, float] | None = None,
) -> Trajectory:
    """Return a random packing in a cube: soft spheres pushed apart until none overlap.

    Parameters
    ----------
    composition
        What is packed.
    atoms
        About how many atoms; whole formula units are taken.
    seed
        Seed of the random choice.
    volume_per_atom_A3
        Room for each atom, Å³ (`volume_at_density` gives it for a density). By default that of
        the crystal, from ionic volumes, and a tenth more.
    ions
        Molecular ions per formula unit, ``{"P2S7": 1, "PS4": 1}``; by default the usual ones, an
        empty mapping for none. They start as rigid bodies and are held by springs.
    contacts
        Shortest distance of each pair, Å, named like ``Cl-Li`` in either order; by default from
        ionic radii.

    Raises
    ------
    InputError
        If the composition cannot be packed so: charges, radii, numbers of atoms.
    NotConverged
        If atoms still overlap at the end, because there is too little room.
    """
    one = parse_formula(composition) if isinstance(composition, str) else composition
    if volume_per_atom_A3 is None:
        volume_per_atom_A3 = GLASS_EXPANSION * crystal_volume_per_atom(one)
    if not volume_per_atom_A3 > 0:
        raise InputError("An atom takes room", received=f"{volume_per_atom_A3} Å³ per atom")
    made = ingredients(one, atoms, ions)
    edge = (volume_per_atom_A3 * len(made.species)) ** (1 / 3)
    return packed_in(edge * np.eye(3), made, seed=seed, contacts=contacts or contact_distances(one))


def packed_in(
    cell: ArrayLike, made: Ingredients, *, seed: int, contacts: Mapping[str, float]
) -> Trajectory:
    """Return a random packing of these ingredients in a given cell.

    Minimises ``E = ½ sum (d_ij - r_ij)²`` over pairs nearer than their contact distance d_ij, and
    over the pairs within a molecular ion with their own distances, by steepest descent.

    Parameters
    ----------
    cell
        (3, 3), Å, rows are the cell vectors; any shape.
    made
        What is packed.
    seed
        Seed of the random choice.
    contacts
        Shortest distance of each pair, Å.

    Raises
    ------
    InputError
        If a contact is missing.
    NotConverged
        If atoms still overlap at the end.
    """
    vectors = np.asarray(cell, dtype=float)
    random = np.random.default_rng(seed)
    start, springs = _scattered(made, vectors, random)
    rules = _rules(made.species, contacts)
    positions = _settled(start, vectors, springs, rules)
    _check_overlap(positions, vectors, springs, rules)
    return structure(made.species, positions, vectors)


def _scattered(
    made: Ingredients, cell: Floats, random: np.random.Generator
) -> tuple[Floats, _Springs]:
    """Return ions anywhere, turned any way, and atoms anywhere; with the springs of the ions."""
    bodies = [ion for ion, count in made.ions for _ in range(count)]
    sizes = [len(ion.species) for ion in bodies]
    free = len(made.species) - sum(sizes)
    centres = random.uniform(size=(len(bodies), 3)) @ cell
    turned = [
        centre + Rotation.random(rng=random).apply(ion.positions)
        for centre, ion in zip(centres, bodies)
    ]
    positions = np.vstack([*turned, random.uniform(size=(free, 3)) @ cell])
    starts = np.cumsum([0, *sizes])
    ends = [np.add(np.triu_indices(n, k=1), at) for n, at in zip(sizes, starts)]
    first, second = np.hstack([np.zeros((2, 0), dtype=np.intp), *ends])
    lengths = np.linalg.norm(positions[second] - positions[first], axis=1)
    owner = np.append(np.repeat(np.arange(len(bodies)), sizes), np.full(free, -1))
    return positions, _Springs(first, second, lengths, owner)


def _rules(species: tuple[str, ...], contacts: Mapping[str, float]) -> _Rules:
    elements = sorted(set(species))
    known = {pair_name(*name.split("-")): distance for name, distance in contacts.items()}
    missing = [pair_name(a, b) for a in elements for b in elements if pair_name(a, b) not in known]
    if missing:
        raise InputError(
            "Every pair of elements needs a contact distance", received=f"none for {missing[0]}"
        )
    matrix = np.array([[known[pair_name(a, b)] for b in elements] for a in elements])
    return _Rules(matrix, np.searchsorted(elements, species))


def _settled(start: Floats, cell: Floats, springs: _Springs, rules: _Rules) -> Floats:
    """Return where the atoms come to rest: steepest descent with momentum."""
    positions, origin, listed = start, start, None
    momentum = np.zeros_like(start)
    for _ in range(STEPS):
        if listed is None or np.abs(positions - origin).max() > SKIN_A / 4:
            listed, origin = _neighbours(positions, cell, springs, rules), positions
        push = _overlap_push(positions, listed) + _spring_push(positions, springs)
        if np.abs(push).max() < SETTLED_A:
            break
        # Momentum that points uphill is dropped, as in the FIRE method.
        momentum = (MEMORY if (momentum * push).sum() > 0 else 0.0) * momentum + STEP_SIZE * push
        positions = positions + np.clip(momentum, -0.5, 0.5)
    return positions


class _Neighbours(NamedTuple):
    """Pairs that may overlap, each once: with the shift of the image and the contact distance."""

    first: Indices
    second: Indices
    shifts: Floats
    limits: Floats


def _neighbours(positions: Floats, cell: Floats, springs: _Springs, rules: _Rules) -> _Neighbours:
    pairs = close_pairs(positions, cell, float(rules.distances.max()) + SKIN_A)
    # Pairs within an ion are left to its springs; with images of itself it does collide.
    owner = springs.owner
    within = (owner[pairs.first] == owner[pairs.second]) & (owner[pairs.first] >= 0)
    i, j, shifts = (part[~(within & ~pairs.shifts.any(axis=1))] for part in pairs)
    return _Neighbours(i, j, shifts @ cell, rules.distances[rules.kinds[i], rules.kinds[j]])


def _overlap_push(positions: Floats, listed: _Neighbours) -> Floats:
    vectors = positions[listed.second] - positions[listed.first] + listed.shifts
    distances = np.maximum(np.linalg.norm(vectors, axis=1), 1e-6)
    overlap = np.maximum(listed.limits - distances, 0.0)
    return _gathered(len(positions), listed.first, listed.second, -overlap / distances, vectors)


def _spring_push(positions: Floats, springs: _Springs) -> Floats:
    vectors = positions[springs.second] - positions[springs.first]
    distances = np.maximum(np.linalg.norm(vectors, axis=1), 1e-6)
    stretch = (distances - springs.lengths) / distances
    return _gathered(len(positions), springs.first, springs.second, stretch, vectors)


def _gathered(count: int, i: Indices, j: Indices, size: Floats, vectors: Floats) -> Floats:
    """Return the sum of what every pair does to its two atoms, (count, 3)."""
    pushes = size[:, None] * vectors
    total = np.empty((count, 3))
    for axis in range(3):
        total[:, axis] = np.bincount(i, pushes[:, axis], count)
        total[:, axis] -= np.bincount(j, pushes[:, axis], count)
    return total


def _check_overlap(positions: Floats, cell: Floats, springs: _Springs, rules: _Rules) -> None:
    listed = _neighbours(positions, cell, springs, rules)
    vectors = positions[listed.second] - positions[listed.first] + listed.shifts
    worst = float((np.linalg.norm(vectors, axis=1) / listed.limits).min(initial=1.0))
    if worst < 1.0 - WORST_OVERLAP:
        volume = abs(np.linalg.det(cell)) / len(positions)
        raise NotConverged(
            "A random packing must leave every pair near its contact distance",
            received=f"a pair at {worst:.2f} of it, with {volume:.1f} Å³ per atom",
            remedy="give more room or shorter contact distances",
        )
