"""Crystals that are weighed in as internal standards."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from ase.spacegroup import Spacegroup
from ase.spacegroup import crystal as build

from vitrolyte.data.crystal import Crystal
from vitrolyte.data.errors import InputError

_Spec = tuple[int, tuple[float, ...], tuple[str, ...], tuple[tuple[float, float, float], ...]]

_STANDARDS: Mapping[str, _Spec] = {
    # NIST SRM 640c.
    "Si": (227, (5.4311946,) * 3 + (90.0,) * 3, ("Si",), ((0.0, 0.0, 0.0),)),
    # NIST SRM 660a.
    "LaB6": (221, (4.1569162,) * 3 + (90.0,) * 3, ("La", "B"), ((0, 0, 0), (0.1996, 0.5, 0.5))),
    # NIST SRM 676a; coordinates of Lewis, Schwarzenbach & Flack, Acta Cryst. A 38, 733 (1982).
    "Al2O3": (
        167,
        (4.759091, 4.759091, 12.991779, 90.0, 90.0, 120.0),
        ("Al", "O"),
        ((0.0, 0.0, 0.35219), (0.30633, 0.0, 0.25)),
    ),
    # NIST SRM 674b.
    "CeO2": (225, (5.411651,) * 3 + (90.0,) * 3, ("Ce", "O"), ((0, 0, 0), (0.25, 0.25, 0.25))),
}
STANDARDS = tuple(_STANDARDS)


def standard_crystal(name: str) -> Crystal:
    """Return a standard: Si, LaB6, Al2O3 (corundum) or CeO2, lattice as certified at 22.5 °C.

    Raises
    ------
    InputError
        If it is not one of these.
    """
    if name not in _STANDARDS:
        raise InputError(
            f"A standard known by name is one of {', '.join(STANDARDS)}",
            received=repr(name),
            remedy="give its CIF among --phases and its name as --standard",
        )
    group, cell, elements, places = _STANDARDS[name]
    atoms = build(list(elements), list(places), spacegroup=group, cellpar=list(cell))
    matrix, fractional = atoms.cell.array, atoms.get_scaled_positions()
    count = len(atoms)
    return Crystal(
        name=name,
        cell=np.asarray(matrix, dtype=float),
        elements=tuple(atoms.get_chemical_symbols()),
        fractional=fractional,
        occupancies=np.ones(count),
        b_iso=np.full(count, np.nan),
        rotations=np.unique(Spacegroup(group).get_op()[0], axis=0).astype(np.int64),
        space_group=str(group),
    )
