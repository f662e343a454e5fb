"""What scans said: the glass transition, the events, and what follows from several rates."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from vitrolyte.data.curve import Curve, CurveSet
from vitrolyte.data.errors import InputError
from vitrolyte.data.observation import Observation, Sample, measured
from vitrolyte.data.quantity import Quantity
from vitrolyte.data.result import Result
from vitrolyte.data.units import AVOGADRO_PER_MOL, ELEMENTARY_CHARGE_C
from vitrolyte.matter.composition import parse_formula

Kind = Literal["crystallisation", "melting", "endotherm", "exotherm", "relaxation"]

_WORDS = {
    "crystallisation": "crystallisation_temperature",
    "melting": "melting_temperature",
    "endotherm": "dsc_endotherm_temperature",
    "exotherm": "dsc_exotherm_temperature",
    "relaxation": "sub_tg_relaxation_temperature",
}


@dataclass(frozen=True, eq=False)
class GlassTransition(Result):
    """The glass transition of one scan.

    Attributes
    ----------
    onset, midpoint, endset
        Inflection tangent with the line of the glass, half of the step, tangent with the line of
        the liquid, K.
    fictive
        Equal areas, K; of a heated glass the fictive temperature that it was cooled to.
    step
        Of the heat capacity at the midpoint, J/(g K).
    recovery
        Area above the line of the liquid, J/g.
    p_value
        Chance of such a step from noise alone.
    scan
        What was done: ``heating at 10 K/min``.
    picture
        The curve with its lines and tangents.
    """

    onset: Quantity
    midpoint: Quantity
    endset: Quantity
    fictive: Quantity
    step: Quantity
    recovery: Quantity
    p_value: float
    scan: str
    picture: CurveSet

    def observations(self, sample: Sample) -> tuple[Observation, ...]:
        """Return the temperatures, the step and the area of the overshoot."""
        word = "glass_transition_temperature"
        how = (
            ("onset", self.onset, "extrapolated onset"),
            ("midpoint", self.midpoint, "half height"),
            ("endset", self.endset, "extrapolated end"),
            ("fictive", self.fictive, "equal areas"),
        )
        rows = [
            measured(sample, word, number, of=of, method=f"DSC, {self.scan}, {method}")
            for of, number, method in how
        ]
        rows.append(
            measured(
                sample,
                "heat_capacity_step",
                self.step,
                of="glass transition",
                method=f"DSC, {self.scan}, gap of the lines at the midpoint",
            )
        )
        if self.recovery.status != "refused":
            rows.append(
                measured(
                    sample,
                    "specific_enthalpy",
                    self.recovery,
                    of="enthalpy recovery",
                    method=f"DSC, {self.scan}, area above the liquid's line",
                )
            )
        return tuple(rows)


@dataclass(frozen=True, eq=False)
class ThermalEvent(Result):
    """A peak of one scan.

    Attributes
    ----------
    kind, number
        What it is taken for, and which of these in order of temperature.
    onset, peak, end
        Extrapolated onset, top, extrapolated end, K.
    enthalpy
        What the sample takes up, J/g: below zero where heat is given off.
    width
        At half height, K.
    scan, method
        What was done, and how the baseline was drawn.
    picture
        The peak with its baseline and tangents.
    share, speed
        Transformed share and its rate in 1/s against temperature.
    """

    kind: Kind
    number: int
    onset: Quantity
    peak: Quantity
    end: Quantity
    enthalpy: Quantity
    width: Quantity
    scan: str
    method: str
    picture: CurveSet
    share: CurveSet
    speed: Curve

    @property
    def name(self) -> str:
        """Return the kind, numbered from the second on."""
        title = "sub-Tg relaxation" if self.kind == "relaxation" else self.kind
        return title if self.number == 1 else f"{title} {self.number}"

    def observations(self, sample: Sample) -> tuple[Observation, ...]:
        """Return the temperatures and the enthalpy, also per formula unit."""
        word, suffix = _WORDS[self.kind], "" if self.number == 1 else f" {self.number}"
        how = f"DSC, {self.scan}"
        temperatures = (
            ("onset", self.onset, "extrapolated onset"),
            ("peak", self.peak, "top of the peak"),
        )
        rows = [
            measured(sample, word, number, of=of + suffix, method=f"{how}, {method}")
            for of, number, method in temperatures
        ]
        under = f"{how}, {self.method}"
        rows.append(
            measured(sample, "specific_enthalpy", self.enthalpy, of=self.name, method=under)
        )
        factor = _eV_per_unit(sample.formula)
        if factor is not None and self.enthalpy.status != "refused":
            scaled = self.enthalpy.scaled(factor, "eV")
            method = f"{under}, per formula unit"
            rows.append(measured(sample, "enthalpy", scaled, of=self.name, method=method))
        return tuple(rows)


def _eV_per_unit(formula: str) -> float | None:
    """Return eV per formula unit of 1 J/g; None where the formula says no mass."""
    try:
        mass = parse_formula(formula).mass_u
    except InputError:
        return None
    return mass / (AVOGADRO_PER_MOL * ELEMENTARY_CHARGE_C)


@dataclass(frozen=True, eq=False)
class Stability(Result):
    """Figures of how well a glass resists crystallising on heating.

    Attributes
    ----------
    range
        T_x - T_g, K.
    hruby, weinberg, lu_liu
        (T_x - T_g) / (T_m - T_x), (T_x - T_g) / T_m and T_x / (T_g + T_m).
    scan
        What was done.
    """

    range: Quantity
    hruby: Quantity
    weinberg: Quantity
    lu_liu: Quantity
    scan: str

    def observations(self, sample: Sample) -> tuple[Observation, ...]:
        """Return the four figures."""
        how = f"DSC, {self.scan}, extrapolated onsets"
        words = (
            ("supercooled_range", self.range),
            ("hruby_parameter", self.hruby),
            ("weinberg_parameter", self.weinberg),
            ("lu_liu_parameter", self.lu_liu),
        )
        return tuple(measured(sample, word, number, method=how) for word, number in words)


@dataclass(frozen=True, eq=False)
class ScanResult(Result):
    """What one scan said.

    Attributes
    ----------
    name, scan
        File and part, and what was done.
    rate_K_per_min
        Measured rate, negative on cooling.
    overview
        The whole scan.
    transition
        The glass transition; None where no step stands out of the noise.
    no_transition
        Why there is none.
    events
        In order of temperature.
    stability
        Where a glass transition and a crystallisation were seen.
    notes
        What was assumed, left out or contradicted.
    """

    name: str
    scan: str
    rate_K_per_min: float
    overview: CurveSet
    transition: GlassTransition | None
    no_transition: str
    events: tuple[ThermalEvent, ...]
    stability: Stability | None
    notes: tuple[str, ...]

    def observations(self, sample: Sample) -> tuple[Observation, ...]:
        """Return the rows of the transition, the events and the stability."""
        return tuple(self._rows(sample))

    def _rows(self, sample: Sample) -> Iterator[Observation]:
        if self.transition is not None:
            yield from self.transition.observations(sample)
        else:
            missing = Quantity.refused("K", self.no_transition)
            word, method = "glass_transition_temperature", f"DSC, {self.scan}"
            yield measured(sample, word, missing, of="onset", method=method)
        for event in self.events:
            yield from event.observations(sample)
        if self.stability is not None:
            yield from self.stability.observations(sample)


@dataclass(frozen=True, eq=False)
class RateSeries(Result):
    """What the shift of one temperature with the rate says.

    Attributes
    ----------
    of
        What it is of: ``crystallisation``, ``glass transition``.
    energies
        Activation energies by method, eV.
    exponents
        Avrami exponents by method.
    fragility
        m; refused except for the glass transition.
    line, other_line
        The straight lines behind the energies: Kissinger's or Moynihan's; Augis and Bennett's.
    conversion
        Activation energy against conversion; empty where there is none.
    notes
        What was left out.
    """

    of: str
    energies: Mapping[str, Quantity]
    exponents: Mapping[str, Quantity]
    fragility: Quantity
    line: CurveSet
    other_line: CurveSet
    conversion: CurveSet
    notes: tuple[str, ...]

    def observations(self, sample: Sample) -> tuple[Observation, ...]:
        """Return the energies and exponents by method, and the fragility of a transition."""
        rows = [
            measured(sample, "activation_energy", number, of=self.of, method=f"DSC, {method}")
            for method, number in self.energies.items()
        ]
        rows += [
            measured(sample, "avrami_exponent", number, of=self.of, method=f"DSC, {method}")
            for method, number in self.exponents.items()
        ]
        if self.of == "glass transition":
            how = "DSC, from the activation enthalpy of the glass transition"
            rows.append(measured(sample, "fragility_index", self.fragility, method=how))
        return tuple(rows)


@dataclass(frozen=True, eq=False)
class Calorimetry(Result):
    """What all scans of a sample said.

    Attributes
    ----------
    scans
        Of each scan.
    series
        What follows from several rates.
    notes
        Of the readers and of the analysis, and how each file was read.
    """

    scans: tuple[ScanResult, ...]
    series: tuple[RateSeries, ...]
    notes: tuple[str, ...]

    def observations(self, sample: Sample) -> tuple[Observation, ...]:
        """Return the rows of all scans and of the series."""
        parts: tuple[Result, ...] = (*self.scans, *self.series)
        return tuple(row for part in parts for row in part.observations(sample))
