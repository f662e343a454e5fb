"""Nuclear spins: what couples a nucleus to fields and to field gradients."""

from __future__ import annotations

import csv
import difflib
import math
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from vitrolyte.data.errors import InputError

HBAR_J_S = 1.054571817e-34
"""Reduced Planck constant, J s."""

BARN_TO_M2 = 1e-28


@dataclass(frozen=True)
class Nucleus:
    """One isotope as a magnetic field sees it.

    Attributes
    ----------
    name
        Mass number and element: ``7Li``.
    spin
        I.
    gamma
        Gyromagnetic ratio, rad/(s T), with its sign.
    quadrupole_moment
        Q, barn; zero for spin 1/2.
    abundance
        Natural share of the element's atoms.

    Raises
    ------
    InputError
        If the spin is not a positive multiple of 1/2, gamma is zero, or a spin 1/2 has a Q.
    """

    name: str
    spin: float
    gamma: float
    quadrupole_moment: float = 0.0
    abundance: float = 1.0

    def __post_init__(self) -> None:
        halves = 2.0 * self.spin
        odd = halves < 1 or halves != round(halves)
        if odd or not self.gamma or (self.spin == 0.5 and self.quadrupole_moment):
            raise InputError(
                "A nucleus has a spin of 1/2, 1, 3/2 ..., a gyromagnetic ratio, and a quadrupole "
                "moment only where its spin is above 1/2",
                received=f"{self}",
            )

    @property
    def element(self) -> str:
        """Return the element symbol."""
        return self.name.lstrip("0123456789")

    @property
    def moment_squared(self) -> float:
        """Return I (I + 1)."""
        return self.spin * (self.spin + 1.0)

    def larmor(self, field_T: float) -> float:
        """Return the Larmor frequency in a field, rad/s, as a positive number."""
        return abs(self.gamma) * field_T

    def larmor_MHz(self, field_T: float) -> float:
        """Return the Larmor frequency in a field, MHz."""
        return self.larmor(field_T) / (2e6 * math.pi)


@cache
def _table() -> dict[str, Nucleus]:
    text = (files("vitrolyte.data") / "nuclei.csv").read_text(encoding="utf-8")
    return {
        row["nucleus"]: Nucleus(
            row["nucleus"],
            float(row["spin"]),
            1e7 * float(row["gamma_1e7_rad_per_s_T"]),
            float(row["quadrupole_moment_barn"]),
            float(row["abundance_percent"]) / 100.0,
        )
        for row in csv.DictReader(text.splitlines())
    }


def nucleus(name: str) -> Nucleus:
    """Return a nucleus of the table.

    Spins, gyromagnetic ratios and abundances are those that IUPAC recommends, quadrupole moments
    those of Pyykkö's list of 2008; later lists differ by a few per cent for some heavy nuclei
    (79Br, 81Br, 127I). A nucleus with other values is a `Nucleus` of the user's own.

    Raises
    ------
    InputError
        If the nucleus is not in the table; the message names a near one.

    References
    ----------
    Harris et al., Pure Appl. Chem. 73, 1795 (2001), https://doi.org/10.1351/pac200173111795;
    Pyykkö, Mol. Phys. 106, 1965 (2008), https://doi.org/10.1080/00268970802018367.
    """
    table = _table()
    if name not in table:
        near = difflib.get_close_matches(name, table, n=1)
        raise InputError(
            "A nucleus is named by mass number and element, as 7Li",
            received=repr(name),
            remedy=f"did you mean {near[0]!r}?" if near else f"known are {', '.join(table)}",
        )
    return table[name]


def isotopes(element: str) -> tuple[Nucleus, ...]:
    """Return the nuclei with a spin that the table has of an element; none for an unknown one."""
    return tuple(one for one in _table().values() if one.element == element)
