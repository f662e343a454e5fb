"""Classical pair potentials of ions: repulsion, dispersion and charges, with shells or without."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from vitrolyte.data.errors import InputError
from vitrolyte.potentials.coulomb import COULOMB_EV_A, Coulomb
from vitrolyte.potentials.potential import LammpsPair, Shell

Floats = NDArray[np.float64]

_NEAREST_A = 0.02
_GRID = 4000


@dataclass(frozen=True)
class PairTerm:
    """Short-range energy of two ions, in the form of Huggins and Mayer.

    ``E(r) = A exp((sigma - r) / rho) - C / r⁶ - D / r⁸``; with ``sigma = 0`` and ``D = 0`` it is
    Buckingham's, with ``C = 0`` as well Born and Mayer's.

    Attributes
    ----------
    A_eV, rho_A, sigma_A
        Strength (eV), hardness (Å) and contact distance (Å) of the repulsion.
    C_eV_A6, D_eV_A8
        Dispersion, eV Å⁶ and eV Å⁸; positive attracts.
    """

    A_eV: float
    rho_A: float
    sigma_A: float = 0.0
    C_eV_A6: float = 0.0
    D_eV_A8: float = 0.0

    def energy(self, r: Floats) -> Floats:
        """Return the energy at distances r (Å), eV."""
        repulsion = self.A_eV * np.exp((self.sigma_A - r) / self.rho_A)
        return np.asarray(repulsion - self.C_eV_A6 / r**6 - self.D_eV_A8 / r**8)

    def slope(self, r: Floats) -> Floats:
        """Return dE/dr at distances r (Å), eV/Å."""
        repulsion = self.A_eV / self.rho_A * np.exp((self.sigma_A - r) / self.rho_A)
        return np.asarray(-repulsion + 6 * self.C_eV_A6 / r**7 + 8 * self.D_eV_A8 / r**9)


@dataclass(frozen=True)
class Ions:
    """A classical potential: what its file says, as numbers.

    Attributes
    ----------
    elements
        In the order of atom types.
    charges
        Whole charge of each ion, e.
    pairs
        Short-range terms by pair of elements, each pair once; pairs left out have none.
    shells
        Polarisable ions. Short-range terms act on shells where there are any.
    coulomb, cutoff_A
        How charges are summed; reach of the short-range terms, Å.
    """

    elements: tuple[str, ...]
    charges: Mapping[str, float]
    pairs: Mapping[tuple[str, str], PairTerm]
    shells: Mapping[str, Shell]
    coulomb: Coulomb
    cutoff_A: float

    @property
    def commands(self) -> tuple[str, ...]:
        """Return the LAMMPS commands, ``born/coul/...`` with types in the order of elements."""
        style = f"born/{self.coulomb.suffix}" + ("/cs" if self.shells else "")
        reach = f"{self.cutoff_A!r} {self.coulomb.cutoff_A!r}"
        damping = f"{self.coulomb.damping_per_A!r} " if self.coulomb.is_cut_off else ""
        lines = [f"pair_style {style} {damping}{reach}", "pair_coeff * * 0.0 1.0 0.0 0.0 0.0"]
        for pair, term in self.pairs.items():
            first, second = sorted(self._type(element) for element in pair)
            # LAMMPS adds D / r⁸ where the literature subtracts it
            numbers = (term.A_eV, term.rho_A, term.sigma_A, term.C_eV_A6, -term.D_eV_A8)
            lines.append(f"pair_coeff {first} {second} {' '.join(map(repr, numbers))}")
        # without the shift energies jump, and are no integral of the forces, at the cut-off
        return (*lines, "pair_modify shift yes", *self.coulomb.solver)

    def _type(self, element: str) -> int:
        if element not in self.shells:
            return self.elements.index(element) + 1
        carriers = [symbol for symbol in self.elements if symbol in self.shells]
        return len(self.elements) + carriers.index(element) + 1

    @property
    def pair(self) -> LammpsPair:
        """Return how LAMMPS evaluates the potential."""
        return LammpsPair(
            units="metal",
            atom_style="full" if self.shells else "charge",
            files=(),
            commands=self.commands,
            charges=self.charges,
            shells=self.shells,
        )

    @property
    def safe_distances(self) -> dict[str, float]:
        """Return for each pair where its barrier against collapse stands, Å.

        Pairs that repel down to contact have none and need no watching.

        Raises
        ------
        InputError
            If a pair attracts at every distance.
        """
        found = {"-".join(pair): self.barrier(*pair) for pair in self._all_pairs()}
        return {name: distance for name, distance in found.items() if distance is not None}

    def _all_pairs(self) -> Iterator[tuple[str, str]]:
        for place, first in enumerate(self.elements):
            for second in self.elements[place:]:
                yield first, second

    def barrier(self, first: str, second: str) -> float | None:
        """Return the distance at which two ions are over the barrier and fall together, Å.

        It is the innermost maximum of the pair's whole energy, short-range and Coulomb with the
        whole charges: dispersion and unlike charges beat any exponential at small distances.
        None where the pair repels down to 0.02 Å.

        Raises
        ------
        InputError
            If there is no barrier because the pair attracts at every distance.
        """
        term = self.pairs.get((first, second), self.pairs.get((second, first), PairTerm(0.0, 1.0)))
        strength = COULOMB_EV_A * self.charges[first] * self.charges[second]

        def slope(r: Floats) -> Floats:
            return np.asarray(term.slope(r) - strength / r**2)

        grid = np.geomspace(_NEAREST_A, self.cutoff_A, _GRID)
        falls = slope(grid) > 0
        if not falls[0]:
            return None
        if falls.all():
            raise InputError(
                f"The pair {first}-{second} needs a repulsion against collapse",
                received="one that attracts at every distance",
                remedy="give the pair a term with A_eV and rho_A",
            )
        top = int(np.argmin(falls))
        return float(brentq(slope, grid[top - 1], grid[top]))
