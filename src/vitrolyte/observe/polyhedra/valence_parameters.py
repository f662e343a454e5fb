"""What a bond of a given length is worth: tabulated bond-valence parameters."""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from vitrolyte.data.errors import InputError

SOFTNESS_A = 0.37
"""The softness b that holds for nearly every pair of the tables, Å."""

BY_ELEMENTS = "O'Keeffe & Brese 1991"
"""Name of the estimate from the sizes of the two elements."""


@dataclass(frozen=True)
class ValenceParameters:
    """The two parameters of a bond's valence, ``s = exp((length_A - R) / softness_A)``.

    Attributes
    ----------
    length_A
        Length of a bond of one valence unit, Å.
    softness_A
        Change of length by which the valence falls by a factor e, Å.
    source
        Where the two are from.
    """

    length_A: float
    softness_A: float
    source: str

    def valence(self, distance_A: float) -> float:
        """Return the valence of a bond of a length, valence units."""
        return math.exp((self.length_A - distance_A) / self.softness_A)

    def distance(self, valence: float) -> float:
        """Return the length of a bond of a valence, Å."""
        return self.length_A - self.softness_A * math.log(valence)


@cache
def _pairs() -> dict[tuple[str, int, str], ValenceParameters]:
    text = _text("bond_valence_pairs.csv")
    return {
        (row["cation"], int(row["valence"] or 0), row["anion"]): ValenceParameters(
            float(row["length_A"]), float(row["softness_A"]), row["source"]
        )
        for row in csv.DictReader(text.splitlines())
    }


@cache
def _elements() -> dict[str, tuple[float, float]]:
    text = _text("okeeffe_brese_1991.csv")
    return {
        row["element"]: (float(row["size_A"]), float(row["electronegativity"]))
        for row in csv.DictReader(text.splitlines())
    }


def _text(name: str) -> str:
    return (files("vitrolyte.observe.polyhedra") / name).read_text(encoding="utf-8")


def valence_parameters(cation: str, charge: int, anion: str) -> ValenceParameters:
    """Return the bond-valence parameters of a cation and an anion.

    The pair as fitted for that valence of the cation; else as fitted for no valence in particular;
    else for the valence of that cation that is nearest; else from the sizes and electronegativities
    of the two elements (`from_elements`). Where both papers have a pair, the table holds the value
    that I. D. Brown's collection lists first.

    Parameters
    ----------
    cation, anion
        Element symbols.
    charge
        Formal charge of the cation, e; zero where it is not known.

    Raises
    ------
    InputError
        If neither table knows the pair.

    References
    ----------
    Brown & Altermatt, Acta Cryst. B 41, 244 (1985), doi:10.1107/S0108768185002063; Brese &
    O'Keeffe, Acta Cryst. B 47, 192 (1991), doi:10.1107/S0108768190011041; O'Keeffe & Brese,
    J. Am. Chem. Soc. 113, 3226 (1991), doi:10.1021/ja00009a002.
    """
    known = _pairs()
    for valence in (charge, 0):
        if (cation, valence, anion) in known:
            return known[cation, valence, anion]
    valences = [v for c, v, a in known if (c, a) == (cation, anion)]
    if valences:
        return known[cation, min(valences, key=lambda v: abs(v - charge)), anion]
    return from_elements(cation, anion)


def from_elements(first: str, second: str) -> ValenceParameters:
    """Return the parameters that follow from sizes and electronegativities of the elements.

    ``R = r_i + r_j - r_i r_j (sqrt c_i - sqrt c_j)^2 / (c_i r_i + c_j r_j)``

    Raises
    ------
    InputError
        If an element is not in the table.

    References
    ----------
    O'Keeffe & Brese, J. Am. Chem. Soc. 113, 3226 (1991), doi:10.1021/ja00009a002.
    """
    table = _elements()
    missing = [element for element in (first, second) if element not in table]
    if missing:
        raise InputError(
            f"Bond-valence parameters are needed for {first} and {second}",
            received=f"none is tabulated for {' and '.join(missing)}",
            remedy="give them, or choose bonds by the gap or the solid angle",
        )
    (r1, c1), (r2, c2) = table[first], table[second]
    length = r1 + r2 - r1 * r2 * (math.sqrt(c1) - math.sqrt(c2)) ** 2 / (c1 * r1 + c2 * r2)
    return ValenceParameters(length, SOFTNESS_A, BY_ELEMENTS)
