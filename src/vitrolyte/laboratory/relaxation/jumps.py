"""What jump rates of spin relaxation would make of diffusion and conduction."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

from vitrolyte.data.errors import InputError
from vitrolyte.data.observation import Observation, Sample, measured
from vitrolyte.data.quantity import Quantity
from vitrolyte.data.result import Result
from vitrolyte.data.units import BOLTZMANN_EV_PER_K, ELEMENTARY_CHARGE_C
from vitrolyte.observe.relaxation.peak_fit import PeakFit

_A2_TO_CM2 = 1e-16
_PER_NM3_TO_PER_CM3 = 1e21


@dataclass(frozen=True)
class JumpSettings:
    """What an estimate of transport from jump rates needs beside them; None where not known.

    Attributes
    ----------
    jump_length_A
        Length of a jump, Å.
    ions_per_nm3
        Number density of the mobile ions, 1/nm³.
    charge
        Of an ion, e.

    Raises
    ------
    InputError
        If a number is not above zero.
    """

    jump_length_A: float | None = None
    ions_per_nm3: float | None = None
    charge: float = 1.0

    def __post_init__(self) -> None:
        if any(v is not None and not v > 0 for v in (self.jump_length_A, self.ions_per_nm3)):
            raise InputError("Jump length and number density are above zero", received=f"{self}")


@dataclass(frozen=True, eq=False)
class Jumps(Result):
    """Diffusivity and conductivity at the maximum of one rate.

    Attributes
    ----------
    series, ion
        Which maximum, of which nucleus.
    temperature_K
        Of the maximum.
    diffusivity, conductivity
        cm²/s; S/cm.
    """

    series: str
    ion: str
    temperature_K: float
    diffusivity: Quantity
    conductivity: Quantity

    def observations(self, sample: Sample) -> tuple[Observation, ...]:
        """Return both at the temperature of the maximum."""
        at = replace(sample, temperature_K=self.temperature_K)
        how = f"jump rate of {self.series}, uncorrelated jumps of one length"
        rows = [measured(at, "tracer_diffusivity", self.diffusivity, of=self.ion, method=how)]
        if self.conductivity.status != "refused":
            how = f"Nernst-Einstein, {how}"
            rows.append(
                measured(at, "ionic_conductivity", self.conductivity, of=self.ion, method=how)
            )
        return tuple(rows)


def jumps(peak: PeakFit, nucleus: str, settings: JumpSettings) -> tuple[Jumps, ...]:
    r"""Return what the jump rates at the maxima would make of transport.

    .. math:: D = \frac{a^2}{6\tau}, \qquad \sigma = \frac{n q^2 D}{kT}

    An estimate: jumps back and forth count in 1/τ and not in σ, and jump length and density are
    the user's. Without a jump length there is none.
    """
    return tuple(_jumps(peak, nucleus, settings))


def _jumps(peak: PeakFit, nucleus: str, settings: JumpSettings) -> Iterator[Jumps]:
    if settings.jump_length_A is None:
        return
    length, density = settings.jump_length_A, settings.ions_per_nm3
    for label, rate in peak.jump_rate.items():
        place = peak.peak_temperature[label]
        if "refused" in (rate.status, place.status) or not math.isfinite(place.value):
            continue
        note = f"a jump length of {length:g} Å is taken; correlated jumps are not known"
        diffusivity = rate.scaled(length**2 / 6.0 * _A2_TO_CM2, "cm²/s").provisional(note)
        conductivity = Quantity.refused("S/cm", "the number density of the ions is not given")
        if density is not None:
            # q² n D / kT with kT / e in volt: (C/e) e² n D / (kT/e).
            factor = ELEMENTARY_CHARGE_C * settings.charge**2 * density * _PER_NM3_TO_PER_CM3
            factor /= BOLTZMANN_EV_PER_K * place.value
            conductivity = diffusivity.scaled(factor, "S/cm").provisional(
                f"{density:g} mobile ions in a nm³ are taken"
            )
        ion = nucleus.lstrip("0123456789")
        yield Jumps(label, ion, place.value, diffusivity, conductivity)
