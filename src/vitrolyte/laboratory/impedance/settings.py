"""What can be asked of impedance spectra."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from vitrolyte.data.errors import InputError
from vitrolyte.laboratory.impedance.spectrum import Sign
from vitrolyte.observe.impedance.notation import parse_circuit

_FEWEST_DRAWS = 50


@dataclass(frozen=True)
class ImpedanceSettings:
    """What is asked of a spectrum.

    Attributes
    ----------
    circuit
        A circuit to fit; empty for the choice by evidence.
    sign
        ``check`` refuses a spectrum whose Z'' seems to have the other sign, ``physical`` takes it
        as it is, ``swapped`` turns it.
    answer
        ``conductivity`` needs thickness and area; ``resistance`` does without.
    thickness_error_cm, area_error_cm2
        Standard errors of the geometry.
    times
        Whether the distribution of relaxation times is looked for.
    joint
        Whether spectra at several temperatures are fitted together.
    extrapolate_to_K
        Temperature of the further conductivity of a series.
    bootstrap
        Simulated spectra behind the covariance of a single fit; 0 takes the curvature at the
        minimum.
    """

    circuit: str = ""
    sign: Sign = "check"
    answer: Literal["conductivity", "resistance"] = "conductivity"
    thickness_error_cm: float = 0.0
    area_error_cm2: float = 0.0
    times: bool = True
    joint: bool = True
    extrapolate_to_K: float = 298.15
    bootstrap: int = 0

    def __post_init__(self) -> None:
        if self.bootstrap != 0 and self.bootstrap < _FEWEST_DRAWS:
            raise InputError(
                f"A bootstrap takes at least {_FEWEST_DRAWS} draws, or none",
                received=f"{self.bootstrap}",
            )
        if self.circuit:
            parse_circuit(self.circuit)


USUAL = ImpedanceSettings()
"""The choice by evidence, conductivities, spectra together."""
