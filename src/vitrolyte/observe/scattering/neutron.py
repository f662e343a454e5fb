"""How strongly nuclei scatter neutrons: elements, isotopes and mixtures of isotopes.

The table ``sears_1992.csv`` holds the bound scattering lengths and cross sections of Sears, Neutron
News 3 (3), 26 (1992), doi:10.1080/10448639208218770, as the NIST Center for Neutron Research gives
them. ``b = b' - i b''``: the imaginary part is negative and belongs to absorption, for neutrons of
1.798 Å. It changes strongly near a resonance (Cd, Sm, Eu, Gd ...), where a table of one wavelength
is not enough.
"""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from vitrolyte.data.errors import InputError

CITATION = "10.1080/10448639208218770"
NATURAL = "natural"
BARN_IN_FM2 = 100.0

Mixture = str | Mapping[str, float]
"""``"7Li"``, ``"natural"``, or shares of isotopes that add up to one: ``{"7Li": 0.95, ...}``."""

_SHARES_ADD_UP_TO = 1e-6
_SYNONYMS = {"D": "2H", "T": "3H"}


@dataclass(frozen=True)
class Nucleus:
    """A nuclide, or a mixture of isotopes, as a neutron sees it.

    Attributes
    ----------
    length
        Bound coherent scattering length, fm; complex where it absorbs.
    coherent, incoherent
        Bound scattering cross sections, barn.
    absorption
        Absorption cross section for neutrons of 2200 m/s, barn.
    abundance
        Natural atomic share of an isotope; NaN for an element or a mixture.
    """

    length: complex
    coherent: float
    incoherent: float
    absorption: float
    abundance: float = math.nan


@cache
def _table() -> dict[str, Nucleus]:
    text = (files("vitrolyte.observe.scattering") / "sears_1992.csv").read_text(encoding="utf-8")
    table = {}
    for row in csv.reader(text.splitlines()[1:]):
        share = float(row[1]) / 100.0 if row[1] else math.nan
        real, imaginary, coherent, incoherent, absorption = map(float, row[2:])
        length = complex(real, imaginary)
        table[row[0]] = Nucleus(length, coherent, incoherent, absorption, share)
    return table


def element_of(nuclide: str) -> str:
    """Return the element of a nuclide: ``Li`` for ``7Li``, ``H`` for ``D``."""
    return re.sub(r"^\d+", "", _SYNONYMS.get(nuclide, nuclide))


def isotopes(element: str) -> tuple[str, ...]:
    """Return the isotopes of an element that the table holds, by rising mass."""
    name = element_of(element)
    found = [n for n in _table() if n != name and element_of(n) == name]
    return tuple(sorted(found, key=lambda nuclide: int(nuclide.removesuffix(name))))


def nucleus(nuclide: str) -> Nucleus:
    """Return the scattering length and cross sections of an element or isotope.

    Parameters
    ----------
    nuclide
        An element in its natural composition (``Li``) or an isotope (``7Li``, ``D`` for ``2H``).

    Raises
    ------
    InputError
        If the table does not hold it; the message lists what is known of the element.

    References
    ----------
    Sears, Neutron News 3 (3), 26 (1992), doi:10.1080/10448639208218770.
    """
    name = _SYNONYMS.get(nuclide, nuclide)
    if name not in _table():
        element = element_of(nuclide)
        known = [*([element] if element in _table() else []), *isotopes(element)]
        raise InputError(
            "A neutron scattering length is known for the nuclides of Sears's table",
            received=repr(nuclide),
            remedy=f"known for this element: {', '.join(known)}"
            if known
            else "write an isotope with its mass number before the symbol, like 7Li",
        )
    return _table()[name]


def mixed_nucleus(element: str, mixture: Mixture = NATURAL) -> Nucleus:
    """Return an element made of given isotopes, as a neutron sees it.

    ``b = sum_i x_i b_i``; ``sigma_coh = 4 pi |b|^2``; what the lengths differ by scatters
    incoherently: ``sigma_inc = sum_i x_i (sigma_coh,i + sigma_inc,i) - sigma_coh``.

    Parameters
    ----------
    element
        Element symbol, or ``D`` or ``T``, which are isotopes already.
    mixture
        ``"natural"``, one isotope, or the atomic share of each isotope.

    Raises
    ------
    InputError
        If an isotope is unknown or of another element, or the shares do not add up to one.
    """
    if mixture == NATURAL:
        return nucleus(element)
    shares = {mixture: 1.0} if isinstance(mixture, str) else dict(mixture)
    _check(element, shares)
    if len(shares) == 1:
        return nucleus(next(iter(shares)))
    parts = [(share, nucleus(name)) for name, share in shares.items()]
    length = sum((share * part.length for share, part in parts), 0j)
    scattered = sum(share * (part.coherent + part.incoherent) for share, part in parts)
    coherent = 4.0 * math.pi * abs(length) ** 2 / BARN_IN_FM2
    absorbed = sum(share * part.absorption for share, part in parts)
    return Nucleus(length, coherent, max(0.0, scattered - coherent), absorbed)


def _check(element: str, shares: Mapping[str, float]) -> None:
    strangers = [name for name in shares if element_of(name) != element_of(element)]
    if strangers:
        raise InputError(
            f"A mixture for {element} is made of its own isotopes",
            received=", ".join(strangers),
            remedy=f"known: {', '.join(isotopes(element)) or 'none'}",
        )
    total = sum(shares.values())
    if any(share < 0 for share in shares.values()) or abs(total - 1.0) > _SHARES_ADD_UP_TO:
        raise InputError(
            f"The shares of the isotopes of {element} are positive and add up to 1",
            received=", ".join(f"{name} {share:g}" for name, share in shares.items()),
        )
