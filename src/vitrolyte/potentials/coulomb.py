"""Charges: how the Coulomb energy of a periodic cell is summed, alone or under a student."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from vitrolyte.data.errors import InputError
from vitrolyte.potentials.potential import LammpsPair

Method = Literal["pppm", "ewald", "dsf", "wolf"]

COULOMB_EV_A = 14.399645
"""e²/(4 pi eps0), eV Å, as LAMMPS has it in metal units (CODATA 2018: 14.3996454)."""


@dataclass(frozen=True)
class Coulomb:
    """How charges act on one another over long distances.

    Attributes
    ----------
    method
        ``pppm`` (meshed Ewald sum) or ``ewald``; ``dsf`` (damped, shifted force) or ``wolf``
        cut off at ``cutoff_A`` and need no reciprocal space.
    accuracy
        Root-mean-square error of a force relative to that of two unit charges 1 Å apart.
    cutoff_A
        Real-space cut-off, Å.
    damping_per_A
        Of ``dsf`` and ``wolf``, 1/Å.

    References
    ----------
    Hockney and Eastwood, Computer Simulation Using Particles (1988).
    Fennell and Gezelter, J. Chem. Phys. 124, 234104 (2006), doi:10.1063/1.2206581.
    Wolf et al., J. Chem. Phys. 110, 8254 (1999), doi:10.1063/1.478738.
    """

    method: Method = "pppm"
    accuracy: float = 1e-5
    cutoff_A: float = 10.0
    damping_per_A: float = 0.2

    @property
    def suffix(self) -> str:
        """Return how LAMMPS names pair styles with this sum, e.g. ``coul/long``."""
        return f"coul/{self.method}" if self.is_cut_off else "coul/long"

    @property
    def is_cut_off(self) -> bool:
        """Say whether nothing acts beyond the cut-off."""
        return self.method in ("dsf", "wolf")

    @property
    def style(self) -> str:
        """Return the pair style of charges alone."""
        if self.is_cut_off:
            return f"{self.suffix} {self.damping_per_A!r} {self.cutoff_A!r}"
        return f"{self.suffix} {self.cutoff_A!r}"

    @property
    def solver(self) -> tuple[str, ...]:
        """Return the commands of the reciprocal sum, none where it is cut off."""
        return () if self.is_cut_off else (f"kspace_style {self.method} {self.accuracy!r}",)


def charges_alone(charges: Mapping[str, float], coulomb: Coulomb) -> LammpsPair:
    """Return point charges and nothing else: what is taken from labels before a student is fitted.

    Evaluate it like any potential: energy, forces and stress of the charges of a structure.

    Parameters
    ----------
    charges
        e, by element, in the order of the atom types.
    coulomb
        How they are summed; use the same under the student.
    """
    commands = (f"pair_style {coulomb.style}", "pair_coeff * *", *coulomb.solver)
    return LammpsPair("metal", "charge", (), commands, charges=charges)


def with_charges(pair: LammpsPair, charges: Mapping[str, float], coulomb: Coulomb) -> LammpsPair:
    """Lay long-range charges under a short-range potential (``hybrid/overlay``).

    Parameters
    ----------
    pair
        Its first command is its ``pair_style``.
    charges
        e, by element; every element of the potential.
    coulomb
        How they are summed.

    Raises
    ------
    InputError
        If the potential has charges already or begins with anything but a ``pair_style``.
    """
    first, *rest = pair.commands or ("",)
    if pair.charges or pair.atom_style != "atomic" or not first.startswith("pair_style "):
        raise InputError(
            "Charges are laid under a potential without charges that begins with its pair_style",
            received=f"atom style {pair.atom_style}, first command {first!r}",
        )
    styles = first.removeprefix("pair_style ").removeprefix("hybrid/overlay ")
    if "hybrid" not in first:
        own = styles.split()[0]
        rest = [re.sub(r"^(pair_coeff \S+ \S+)", rf"\1 {own}", line) for line in rest]
    commands = (
        f"pair_style hybrid/overlay {styles} {coulomb.style}",
        *rest,
        f"pair_coeff * * {coulomb.suffix}",
        *coulomb.solver,
    )
    return dataclasses.replace(pair, atom_style="charge", commands=commands, charges=charges)
