"""Point defects: neutral sets of vacancies."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from vitrolyte.data.errors import InputError
from vitrolyte.data.trajectory import Trajectory, structure
from vitrolyte.matter.composition import Composition, composition_of, formal_charges, parse_formula
from vitrolyte.matter.periodic import nearest_distances

Placement = Literal["random", "bound", "apart"]


@dataclass(frozen=True)
class _Lattice:
    """Where the atoms are, for distances under periodic boundaries."""

    fractional: NDArray[np.float64]
    cell: NDArray[np.float64]

    def distances(self, atom: int, others: NDArray[np.intp]) -> NDArray[np.float64]:
        return nearest_distances(self.fractional[atom], self.fractional[others], self.cell)


def remove_neutral_units(
    crystal: Trajectory,
    unit: str = "LiCl",
    *,
    count: int,
    seed: int,
    placement: Placement = "random",
) -> Trajectory:
    """Return a structure from which neutral units were taken: Schottky vacancies.

    Parameters
    ----------
    crystal
        One frame; of more, the last is taken.
    unit
        What is taken each time, whole amounts: ``LiCl``.
    count
        How many units are taken.
    seed
        Seed of the random choice.
    placement
        ``random``: every vacancy anywhere; ``bound``: the vacancies of one unit as near to each
        other as possible, the units anywhere; ``apart``: each vacancy as far from those before it
        as possible.

    Raises
    ------
    InputError
        If the unit is charged in this crystal, is not whole, or is not present often enough.
    """
    whole = _checked_unit(crystal, unit, count)
    if placement not in get_args(Placement):
        raise InputError(f"A placement is one of {get_args(Placement)}", received=repr(placement))
    one = crystal.frame(-1).read()
    lattice = _Lattice(one.positions[0] @ np.linalg.inv(one.cells[0]), one.cells[0])
    random = np.random.default_rng(seed)
    gone: list[int] = []
    for _ in range(count):
        gone += _choose(crystal.species, whole, lattice, gone, placement, random)
    keep = np.setdiff1d(np.arange(crystal.n_atoms), gone)
    species = tuple(crystal.species[i] for i in keep)
    return structure(species, one.positions[0][keep], one.cells[0])


def _checked_unit(crystal: Trajectory, unit: str, count: int) -> Composition:
    taken = parse_formula(unit)
    charges = formal_charges(composition_of(crystal))
    present = Counter(crystal.species)
    if not taken.is_whole or count < 0:
        raise InputError(
            "A whole number of whole units can be taken", received=f"{count} x {unit!r}"
        )
    short = [e for e in taken.elements if present[e] <= taken[e] * count]
    if short:
        raise InputError(
            f"Enough atoms of {', '.join(taken.elements)} must be present, with some left over",
            received=f"{count} x {unit} from {dict(present)}",
            remedy="take fewer, or from a larger cell",
        )
    charge = sum(charges[e] * taken[e] for e in taken.elements)
    if charge:
        raise InputError(
            "The unit that is taken must be neutral",
            received=f"{unit} with charge {charge:+g} e in this crystal",
        )
    return taken


def _choose(
    species: tuple[str, ...],
    unit: Composition,
    lattice: _Lattice,
    gone: list[int],
    placement: Placement,
    random: np.random.Generator,
) -> list[int]:
    """Return the atoms of one unit that are taken next."""
    names = np.asarray(species)
    wanted = [e for e, n in zip(unit.elements, unit.whole_amounts) for _ in range(n)]
    chosen: list[int] = []
    for element in wanted:
        free = np.setdiff1d(np.flatnonzero(names == element), gone + chosen)
        free = random.permutation(free)
        anchors = chosen if placement == "bound" else gone + chosen
        if placement == "random" or not anchors:
            chosen.append(int(free[0]))
            continue
        near = np.min([lattice.distances(atom, free) for atom in anchors], axis=0)
        # Equal distances differ in the last bits; rounding leaves the choice to chance.
        rank = np.round(near, 6)
        chosen.append(int(free[rank.argmin() if placement == "bound" else rank.argmax()]))
    return chosen
