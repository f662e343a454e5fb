"""Molecular and polyhedral ions as rigid bodies: OH, PS4, P2S7, AlCl4, ZrCl6 ..."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vitrolyte.data.errors import InputError
from vitrolyte.matter.composition import Composition, parse_formula

Floats = NDArray[np.float64]
_TETRAHEDRON = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) / np.sqrt(3.0)
_OCTAHEDRON = np.vstack([np.eye(3), -np.eye(3)])

BOND_LENGTHS_A = {
    "OH": 0.97,
    "PS4": 2.05,
    "AlCl4": 2.13,
    "GaCl4": 2.17,
    "ZrCl6": 2.47,
    "TaCl6": 2.35,
    "GaF6": 1.89,
    "TaO6": 2.00,
}
"""Centre to ligand, Å, as in the crystals of the catalogue (LiOH, Li3PS4, LiAlCl4, GaF3 ...)."""
_P_S_BRIDGE, _P_P = 2.12, 2.25


@dataclass(frozen=True, eq=False)
class MolecularIon:
    """A rigid group of atoms.

    Attributes
    ----------
    name
        Its formula.
    species
        (n,) element symbols.
    positions
        (n, 3), Å, about its mean position.
    """

    name: str
    species: tuple[str, ...]
    positions: Floats


def molecular_ion(name: str) -> MolecularIon:
    """Return a molecular ion by its formula: one of `BOND_LENGTHS_A`, ``P2S7`` or ``P2S6``.

    Raises
    ------
    InputError
        If it is not known.
    """
    if name == "P2S7":
        return _centred(name, ("S", "P", "P", *"SSSSSS"), _corner_sharing_pair())
    if name == "P2S6":
        return _centred(name, ("P", "P", *"SSSSSS"), _ethane_like_pair())
    if name not in BOND_LENGTHS_A:
        raise InputError(
            f"A molecular ion is one of {', '.join([*BOND_LENGTHS_A, 'P2S7', 'P2S6'])}",
            received=repr(name),
        )
    length = BOND_LENGTHS_A[name]
    parts = parse_formula(name)
    centre, ligand = parts.elements
    shell = {1: np.eye(3)[:1], 4: _TETRAHEDRON, 6: _OCTAHEDRON}[round(parts[ligand])]
    return _centred(
        name, (centre, *[ligand] * len(shell)), np.vstack([np.zeros(3), length * shell])
    )


def _centred(name: str, species: tuple[str, ...], positions: Floats) -> MolecularIon:
    return MolecularIon(name, species, positions - positions.mean(axis=0))


def _corner_sharing_pair() -> Floats:
    """Return two PS4 tetrahedra with one S in common, bridge at 109.5 degrees."""
    towards = _TETRAHEDRON[:2] * _P_S_BRIDGE
    atoms = [np.zeros(3), *towards]
    for phosphorus in towards:
        axis = -phosphorus / np.linalg.norm(phosphorus)
        turn = _rotation_between(_TETRAHEDRON[0], axis)
        atoms += [phosphorus + BOND_LENGTHS_A["PS4"] * turn @ corner for corner in _TETRAHEDRON[1:]]
    return np.array(atoms)


def _ethane_like_pair() -> Floats:
    """Return P-P with three S at each end, staggered."""
    axis = np.array([0.0, 0.0, 1.0])
    turn = _rotation_between(_TETRAHEDRON[0], -axis)
    upper = [0.5 * _P_P * axis + BOND_LENGTHS_A["PS4"] * turn @ c for c in _TETRAHEDRON[1:]]
    return np.array([0.5 * _P_P * axis, -0.5 * _P_P * axis, *upper, *[-atom for atom in upper]])


def _rotation_between(start: Floats, end: Floats) -> Floats:
    """Return the rotation that takes one unit vector to another, by two reflections."""
    middle = start + end
    if np.linalg.norm(middle) < 1e-9:
        middle = np.cross(start, [0.3, 0.5, 0.8])
    middle = middle / np.linalg.norm(middle)
    half_turn = 2.0 * np.outer(middle, middle) - np.eye(3)
    return np.asarray(half_turn, dtype=float)


def usual_ions(composition: str | Composition) -> dict[str, float]:
    """Return the molecular ions, per formula unit, that one expects in a melt or glass.

    Every H sits on an O. Phosphorus with sulphur: PS4 and P2S7 in the ratio that the sulphur
    allows between 3.5 and 4 per P (`Li7P3S11` is one of each), P2S7 alone below. Al and Ga with
    enough Cl are AlCl4 and GaCl4. Whatever else is left comes as single atoms.
    """
    one = parse_formula(composition) if isinstance(composition, str) else composition
    ions: dict[str, float] = {"OH": min(one["H"], one["O"])}
    phosphorus, sulphur = one["P"], one["S"]
    if phosphorus and sulphur >= 3.5 * phosphorus:
        ions["PS4"] = min(phosphorus, 2.0 * sulphur - 7.0 * phosphorus)
        ions["P2S7"] = (phosphorus - ions["PS4"]) / 2.0
    elif phosphorus:
        ions["P2S7"] = min(phosphorus / 2.0, sulphur / 7.0)
    chlorine = one["Cl"]
    for centre in ("Al", "Ga"):
        ions[f"{centre}Cl4"] = min(one[centre], chlorine / 4.0)
        chlorine -= 4.0 * ions[f"{centre}Cl4"]
    return {name: amount for name, amount in ions.items() if amount > 1e-9}


def left_over(composition: Composition, ions: Mapping[str, float]) -> dict[str, float]:
    """Return the amounts of the elements that no molecular ion takes, per formula unit.

    Raises
    ------
    InputError
        If the ions need more atoms than there are.
    """
    rest = dict(zip(composition.elements, composition.amounts))
    for name, amount in ions.items():
        inside = parse_formula(name)
        for element in inside.elements:
            rest[element] = rest.get(element, 0.0) - amount * inside[element]
    if min(rest.values()) < -1e-6:
        raise InputError(
            "The molecular ions take no more atoms than the formula unit has",
            received=f"{dict(ions)} in {composition.formula}",
            remedy="give fewer of them per formula unit",
        )
    return rest
