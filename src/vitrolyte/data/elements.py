"""Standard atomic weights, atomic numbers and the check that a symbol is an element."""

from __future__ import annotations

import difflib

import numpy as np
from ase.data import atomic_masses, atomic_numbers
from numpy.typing import NDArray

from vitrolyte.data.errors import InputError

_PLACEHOLDER = "X"


def atomic_number(symbol: str) -> int:
    """Return the atomic number of an element symbol.

    Raises
    ------
    InputError
        If the symbol is no element; the message names a near one.
    """
    if symbol == _PLACEHOLDER or symbol not in atomic_numbers:
        known = [name for name in atomic_numbers if name != _PLACEHOLDER]
        near = difflib.get_close_matches(symbol, known, n=1, cutoff=0.4)
        raise InputError(
            "A chemical formula is made of element symbols",
            received=repr(symbol),
            remedy=f"did you mean {near[0]!r}?" if near else "check the spelling",
        )
    return int(atomic_numbers[symbol])


def masses(species: tuple[str, ...]) -> NDArray[np.float64]:
    """Return the standard atomic weight of each atom, (n_atoms,), u (IUPAC 2016 via ASE)."""
    numbers = [atomic_number(symbol) for symbol in species]
    return np.asarray(atomic_masses[numbers], dtype=float)
