"""Total scattering as programs of reduction write it: a curve, its form, and its range."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from vitrolyte.data.measurement import Measurement

Form = Literal[
    "F(Q)", "I(Q)", "S(Q)", "i(Q)", "Qi(Q)", "G(r)", "g(r)", "D(r)", "T(r)", "G_PDF(r)", "RDF(r)"
]
FORM_WORDS: Mapping[str, Form] = {
    "S": "S(Q)",
    "i": "i(Q)",
    "F": "Qi(Q)",
    "Qi": "Qi(Q)",
    "F-Keen": "F(Q)",
    "I": "I(Q)",
    "G": "G_PDF(r)",
    "g": "g(r)",
    "G-Keen": "G(r)",
    "D": "D(r)",
    "T": "T(r)",
    "RDF": "RDF(r)",
}
"""What a user types for a form; ``F`` and ``G`` are those of PDFgetX and PDFgui."""

FORM_UNITS: Mapping[Form, str] = {
    "S(Q)": "",
    "i(Q)": "",
    "Qi(Q)": "1/Å",
    "F(Q)": "barn/sr/atom",
    "I(Q)": "barn/sr/atom",
    "G_PDF(r)": "1/Å²",
    "g(r)": "",
    "G(r)": "barn",
    "D(r)": "barn/Å²",
    "T(r)": "barn/Å²",
    "RDF(r)": "1/Å",
}
"""Units of the forms; absolute ones in e² in the place of barn/sr for X-rays."""


@dataclass(frozen=True, eq=False)
class TotalScattering:
    """A total scattering function and what its file says of it.

    Attributes
    ----------
    measurement
        The curve: against Q (1/Å) or r (Å), with errors where the file has them.
    form
        Which function it is.
    probe
        ``xray`` or ``neutron``, or empty where the file does not say.
    q_min, q_max
        Range of Q of which a function of r is the transform, 1/Å, where it is known.
    composition
        Formula in the file, or empty.
    """

    measurement: Measurement
    form: Form
    probe: str = ""
    q_min: float | None = None
    q_max: float | None = None
    composition: str = ""

    @property
    def in_r(self) -> bool:
        """Return whether it is a function of distance."""
        return self.form.endswith("(r)")
