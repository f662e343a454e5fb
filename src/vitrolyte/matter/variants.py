"""Copies of a structure that were changed on purpose: defects, mixing, strain, shaking."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from vitrolyte.data.errors import InputError
from vitrolyte.data.trajectory import Trajectory, structure
from vitrolyte.matter.composition import composition_of, formal_charges, parse_formula
from vitrolyte.matter.periodic import nearest_distances
from vitrolyte.matter.voids import largest_voids

Floats = NDArray[np.float64]
Mixing = Literal["random", "clustered"]


@dataclass(frozen=True, eq=False)
class Variant:
    """A changed copy of a structure.

    Attributes
    ----------
    structure
        One frame.
    what
        What was done, in words.
    """

    structure: Trajectory
    what: str


def with_interstitials(crystal: Trajectory, atoms: str, *, count: int = 1) -> Variant:
    """Return a structure with extra atoms in its largest voids.

    Parameters
    ----------
    crystal
        One frame; of more, the last is taken.
    atoms
        What is added each time: ``LiCl`` keeps the cell neutral, ``Li`` charges it, and the words
        of the variant say so. The largest voids take the anions: the elements go in in the
        order of rising charge (anions first).
    count
        How many times.

    Raises
    ------
    InputError
        If the formula is not whole, or there are too few voids.
    """
    added = parse_formula(atoms)
    if not added.is_whole or count < 1:
        raise InputError("Whole atoms are added", received=f"{count} x {atoms!r}")
    new = [e for e, n in zip(added.elements, added.whole_amounts) for _ in range(n * count)]
    charges = _charges(crystal, added.elements)
    # Anions are larger than cations: they get the larger voids.
    new.sort(key=lambda element: charges[element])
    places, radii = largest_voids(crystal, len(new))
    frame = crystal.frame(-1).read()
    grown = structure(
        (*crystal.species, *new), np.vstack([frame.positions[0], places]), frame.cells[0]
    )
    listed = ", ".join(f"{e} {r:.2f} Å from its nearest" for e, r in zip(new, radii))
    charge = sum(charges[e] for e in new)
    total = "neutral" if charge == 0 else f"charge {charge:+d} e"
    return Variant(grown, f"{len(new)} interstitials ({listed}), {total}")


def _charges(crystal: Trajectory, more: tuple[str, ...]) -> dict[str, int]:
    charges = formal_charges(composition_of(crystal))
    strangers = set(more) - set(charges)
    if strangers:
        raise InputError(
            "The charge of an added element is known where the crystal holds it",
            received=f"{sorted(strangers)}, the crystal holds {sorted(charges)}",
        )
    return charges


def with_frenkel_pairs(crystal: Trajectory, element: str, *, count: int, seed: int) -> Variant:
    """Return a structure in which atoms of one element left their sites for voids.

    The atoms are drawn at random; each takes the largest void that is left, so that a pair may be
    near or far.

    Raises
    ------
    InputError
        If there are too few atoms or voids.
    """
    chosen = _drawn(crystal, element, count, np.random.default_rng(seed))
    frame = crystal.frame(-1).read()
    places, radii = largest_voids(crystal, count)
    steps = (places - frame.positions[0][chosen]) @ np.linalg.inv(frame.cells[0])
    moved = frame.positions[0].copy()
    moved[chosen] += (steps - np.rint(steps)) @ frame.cells[0]
    what = f"{count} Frenkel pairs of {element}, in voids of {radii.min():.2f} Å or more"
    return Variant(structure(crystal.species, moved, frame.cells[0]), what)


def with_swaps(
    crystal: Trajectory, first: str, second: str, *, count: int, seed: int, nearest: bool = True
) -> Variant:
    """Return a structure in which atoms of two elements changed places: antisite pairs.

    Parameters
    ----------
    crystal
        One frame; of more, the last is taken.
    first, second
        The two elements.
    count
        How many pairs.
    seed
        Seed of the random choice.
    nearest
        Swap each atom with the nearest partner that is left, else with any.

    Raises
    ------
    InputError
        If an element is absent or too rare, or both are the same.
    """
    if first == second:
        raise InputError("A swap needs two different elements", received=f"{first} and {second}")
    random = np.random.default_rng(seed)
    chosen = _drawn(crystal, first, count, random)
    partners = _drawn(crystal, second, crystal.species.count(second), random)
    _drawn(crystal, second, count, random)
    frame = crystal.frame(-1).read()
    fractional = frame.positions[0] @ np.linalg.inv(frame.cells[0])
    species = list(crystal.species)
    for atom in chosen:
        near = nearest_distances(fractional[atom], fractional[partners], frame.cells[0])
        pick = int(np.round(near, 6).argmin()) if nearest else 0
        species[atom], species[partners[pick]] = second, first
        partners = np.delete(partners, pick)
    what = f"{count} {first}-{second} pairs swapped, {'nearest' if nearest else 'random'} partners"
    return Variant(structure(tuple(species), frame.positions[0], frame.cells[0]), what)


def with_substitution(
    crystal: Trajectory, element: str, by: str, *, count: int, seed: int, mixing: Mixing = "random"
) -> Variant:
    """Return a structure in which one element is partly replaced: Cl by Br, say.

    Parameters
    ----------
    crystal
        One frame; of more, the last is taken.
    element, by
        What is replaced, and by what.
    count
        How many atoms.
    seed
        Seed of the random choice.
    mixing
        ``random``: any of them; ``clustered``: one at random and those nearest to it.

    Raises
    ------
    InputError
        If there are too few atoms of the element, or the mixing is unknown.
    """
    if mixing not in get_args(Mixing):
        raise InputError(f"A mixing is one of {get_args(Mixing)}", received=repr(mixing))
    parse_formula(by)
    random = np.random.default_rng(seed)
    frame = crystal.frame(-1).read()
    everywhere = _drawn(crystal, element, crystal.species.count(element), random)
    _drawn(crystal, element, count, random)
    if mixing == "clustered":
        fractional = frame.positions[0] @ np.linalg.inv(frame.cells[0])
        near = nearest_distances(fractional[everywhere[0]], fractional[everywhere], frame.cells[0])
        everywhere = everywhere[np.argsort(np.round(near, 6), kind="stable")]
    species = np.array(crystal.species, dtype=object)
    species[everywhere[:count]] = by
    what = f"{count} {element} replaced by {by}, {mixing}"
    return Variant(structure(tuple(map(str, species)), frame.positions[0], frame.cells[0]), what)


def _drawn(
    crystal: Trajectory, element: str, count: int, random: np.random.Generator
) -> NDArray[np.intp]:
    candidates = crystal.indices(element)
    if not 1 <= count <= len(candidates):
        raise InputError(
            f"Between 1 and {len(candidates)} atoms of {element} can be drawn",
            received=f"{count}",
            remedy="take fewer, or a larger cell",
        )
    return random.permutation(candidates)[:count]


def rattled(crystal: Trajectory, step_A: float, *, seed: int) -> Variant:
    """Return a structure in which every coordinate took a Gaussian step of this width, Å."""
    frame = crystal.frame(-1).read()
    steps = np.random.default_rng(seed).normal(scale=step_A, size=frame.positions[0].shape)
    moved = structure(crystal.species, frame.positions[0] + steps, frame.cells[0])
    return Variant(moved, f"rattled by {step_A:g} Å")


def strained(crystal: Trajectory, size: float, *, seed: int) -> Variant:
    """Return a structure under a random symmetric strain, its six components within ± size.

    ``h' = h (1 + e)`` with e symmetric; volume changes are included, rotations are not.
    """
    raw = np.random.default_rng(seed).uniform(-size, size, size=(3, 3))
    return _deformed(crystal, np.eye(3) + 0.5 * (raw + raw.T), f"strained within {size:g}")


def scaled(crystal: Trajectory, factor: float) -> Variant:
    """Return a structure all of whose lengths are multiplied by a factor.

    Raises
    ------
    InputError
        If the factor is not positive.
    """
    if not factor > 0:
        raise InputError("Lengths are multiplied by a positive factor", received=f"{factor}")
    return _deformed(crystal, factor * np.eye(3), f"lengths times {factor:g}")


def _deformed(crystal: Trajectory, matrix: Floats, what: str) -> Variant:
    frame = crystal.frame(-1).read()
    changed = structure(crystal.species, frame.positions[0] @ matrix, frame.cells[0] @ matrix)
    return Variant(changed, what)
