r"""The elements of which circuits are made, each with its equation, its parameters and units.

======  =======================================================================================
R       :math:`R`
C       :math:`1 / (j\omega C)`
L       :math:`j\omega L`
Q       :math:`1 / [Q (j\omega)^n]`, constant-phase element; also written CPE
W       :math:`1 / [Y (j\omega)^{1/2}]`, Warburg; :math:`\sigma_W = 1 / (Y\sqrt 2)`
Ws      :math:`R \tanh(\sqrt{j\omega\tau}) / \sqrt{j\omega\tau}`, finite, transmissive
Wo      :math:`R \coth(\sqrt{j\omega\tau}) / \sqrt{j\omega\tau}`, finite, reflective
G       :math:`R / \sqrt{1 + j\omega\tau}`, Gerischer
D       :math:`1 / [\omega C (j + \tan\delta)]`, capacitor of constant loss
Z       :math:`R / [1 + (j\omega\tau)^n]`, ZARC: R and Q in parallel with :math:`\tau^n = RQ`
======  =======================================================================================

Frequencies are :math:`\omega = 2\pi f`; all parameters but the exponents and tan δ in SI units.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Scale = Literal["logarithmic", "exponent"]


@dataclass(frozen=True)
class ElementParameter:
    """One parameter of an element.

    Attributes
    ----------
    name
        What stands behind the dot: ``Q1.n``; empty for that which gives the element its name.
    unit
        Of the parameter.
    scale
        Whether it is positive and searched in its logarithm, or an exponent between 0 and 1.
    start
        A value to begin with where nothing is known.
    """

    name: str
    unit: str
    scale: Scale
    start: float


@dataclass(frozen=True)
class Element:
    """An element of a circuit.

    Attributes
    ----------
    symbol
        As it is written in a circuit.
    code
        By which the compiled evaluation knows it.
    parameters
        In order.
    """

    symbol: str
    code: int
    parameters: tuple[ElementParameter, ...]


def _positive(name: str, unit: str, start: float) -> ElementParameter:
    return ElementParameter(name, unit, "logarithmic", start)


_EXPONENT = ElementParameter("n", "1", "exponent", 0.9)
RC_CODE = 10
"""R and C in parallel, by ln R and ln tau: made when a circuit is compiled, never written."""

ELEMENTS: dict[str, Element] = {
    element.symbol: element
    for element in (
        Element("R", 0, (_positive("", "ohm", 1e3),)),
        Element("C", 1, (_positive("", "F", 1e-9),)),
        Element("L", 2, (_positive("", "H", 1e-6),)),
        Element("Q", 3, (_positive("", "S s^n", 1e-8), _EXPONENT)),
        Element("W", 4, (_positive("", "S s^0.5", 1e-5),)),
        Element("Ws", 5, (_positive("R", "ohm", 1e3), _positive("tau", "s", 1.0))),
        Element("Wo", 6, (_positive("R", "ohm", 1e3), _positive("tau", "s", 1.0))),
        Element("G", 7, (_positive("R", "ohm", 1e3), _positive("tau", "s", 1.0))),
        Element("D", 8, (_positive("C", "F", 1e-9), _positive("tan_delta", "1", 1e-2))),
        Element("Z", 9, (_positive("R", "ohm", 1e3), _positive("tau", "s", 1e-5), _EXPONENT)),
    )
}
ALIASES = {"CPE": "Q", "ZARC": "Z", "Zarc": "Z"}
"""Other ways in which elements are written."""
