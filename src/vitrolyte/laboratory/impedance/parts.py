"""What the arcs of a fitted circuit are, and what they say of the sample."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vitrolyte.data.observation import Observation, Sample, measured
from vitrolyte.data.quantity import Quantity
from vitrolyte.data.result import Result
from vitrolyte.laboratory.impedance.assignment import (
    ASSUMED_CELL_CONSTANT,
    Assigned,
    assign,
)
from vitrolyte.laboratory.impedance.fitted import ArcPlaces, CircuitFit, permittivity
from vitrolyte.laboratory.impedance.geometry import Geometry

NO_ARC = "has no arc of its own"


@dataclass(frozen=True, eq=False)
class SpectrumPart(Result):
    """One part of a sample as its arc shows it.

    Attributes
    ----------
    part
        ``bulk``, ``grain_boundary``, ``interphase``, ``electrode`` or ``series``.
    resistance, capacitance, exponent
        ohm, F (Hsu and Mansfeld), and n; a missing one is refused.
    peak_Hz
        Frequency of the top of its arc; NaN where it has none.
    """

    part: str
    resistance: Quantity
    capacitance: Quantity
    exponent: Quantity
    peak_Hz: float

    def observations(self, sample: Sample) -> tuple[Observation, ...]:
        """Return capacitance and exponent; resistances are rows of the whole."""
        rows = []
        if self.capacitance.note != NO_ARC:
            method = "R-CPE arc, Hsu-Mansfeld"
            rows.append(
                measured(sample, "capacitance", self.capacitance, of=self.part, method=method)
            )
        if self.exponent.note != NO_ARC:
            rows.append(measured(sample, "cpe_exponent", self.exponent, of=self.part))
        return tuple(rows)


class SampleReading:
    """What the arcs of a fitted circuit are, and what they say."""

    def __init__(
        self, fit: CircuitFit, geometry: Geometry | None, capacitances: tuple[float, ...]
    ) -> None:
        self.fit, self.geometry = fit, geometry
        self.arcs = fit.arcs()
        cell = ASSUMED_CELL_CONSTANT if geometry is None else geometry.cell_constant
        own = [
            float(np.exp(fit.coordinates[arc.time] - fit.coordinates[arc.resistance]))
            for arc in self.arcs
        ]
        sizes = [cell * size for size in capacitances or own]
        self.series, self.assigned = assign(
            sizes, series=bool(fit.series()), known_geometry=geometry is not None
        )
        self.notes = [
            f"{one.part.replace('_', ' ')}: {one.doubt}" for one in self.assigned if one.doubt
        ]
        if self.series.doubt:
            self.notes.append(f"resistance in series: {self.series.doubt}")

    def places(self, part: str) -> list[int]:
        """Return the places of the resistances of one part."""
        found = [
            arc.resistance
            for arc, one in zip(self.arcs, self.assigned, strict=True)
            if one.part == part
        ]
        return found + (self.fit.series() if self.series.part == part else [])

    def resistances(self) -> dict[str, Quantity]:
        """Return resistances by part, and their total over the sample."""
        found: dict[str, Quantity] = {}
        sample: list[int] = []
        for part in ("bulk", "grain_boundary", "interphase"):
            places = self.places(part)
            sample += places
            if places:
                found[part] = self._judged(self.fit.sum_of(places), part)
        if self.merged:
            found["bulk"] = Quantity.refused(
                "ohm", "no arc of the sample lies in the window; only the total is seen"
            )
        if sample:
            found["total"] = self.fit.sum_of(sample)
        else:
            found["total"] = Quantity.refused("ohm", "no arc of the sample was found")
        electrode = self.places("electrode")
        if electrode:
            found["electrode"] = self.fit.sum_of(electrode)
        if self.places("series"):
            found["series"] = self.fit.sum_of(self.places("series"))
        return found

    @property
    def merged(self) -> bool:
        """Return whether bulk and grain boundaries are seen as one resistance in series."""
        parts = [one.part for one in self.assigned]
        return self.series.part == "bulk" and "grain_boundary" not in parts

    def _judged(self, number: Quantity, part: str) -> Quantity:
        assigned = [one for one in self.assigned if one.part == part]
        if part == "bulk" and self.series.part == "bulk":
            assigned.append(self.series)
        for one in assigned:
            if one.doubt:
                number = number.provisional(one.doubt)
        return number

    def parts(self) -> tuple[SpectrumPart, ...]:
        """Return each arc with its resistance, capacitance and exponent."""
        pairs = zip(self.arcs, self.assigned, strict=True)
        return tuple(self._part(arc, one) for arc, one in pairs)

    def _part(self, arc: ArcPlaces, assigned: Assigned) -> SpectrumPart:
        fit, exponent = self.fit, Quantity.refused("1", NO_ARC)
        if arc.exponent >= 0:
            value = float(fit.coordinates[arc.exponent])
            error = float(np.sqrt(fit.covariance[arc.exponent, arc.exponent]))
            half = fit.quantile * error
            exponent = Quantity(value, "1", error, max(value - half, 0.0), min(value + half, 1.0))
        return SpectrumPart(
            assigned.part,
            self._judged(fit.sum_of([arc.resistance]), assigned.part),
            self.capacitance(arc),
            exponent,
            float(np.exp(-fit.coordinates[arc.time]) / (2.0 * np.pi)),
        )

    def capacitance(self, arc: ArcPlaces) -> Quantity:
        """Return tau / R, which is the formula of Hsu and Mansfeld."""
        slopes = self.fit.unit(arc.time) - self.fit.unit(arc.resistance)
        return self.fit.exponential(slopes, "F")

    def permittivity(self) -> Quantity:
        """Return the relative permittivity of the bulk."""
        for arc, one in zip(self.arcs, self.assigned, strict=True):
            if one.part == "bulk" and self.geometry is not None:
                return permittivity(self.capacitance(arc), self.geometry)
        return Quantity.refused("1", NO_ARC)

    def electrode(self) -> Quantity:
        """Return the capacitance of a blocking electrode behind the sample, by Brug's formula."""
        fit = self.fit
        places = [arc.resistance for arc in self.arcs] + fit.series()
        if not fit.blocking() or not places:
            return Quantity.refused("F", NO_ARC)
        q = fit.blocking()[-1]
        n = float(fit.coordinates[q + 1])
        sizes = np.exp(fit.coordinates[places])
        series = float(np.log(sizes.sum()))
        logarithm = (fit.coordinates[q] + (1.0 - n) * series) / n
        gradient = np.zeros(len(fit.coordinates))
        gradient[places] = sizes / sizes.sum() * (1.0 - n) / n
        gradient[q] = 1.0 / n
        gradient[q + 1] = -(fit.coordinates[q] + series) / n**2
        return fit.at_logarithm(float(logarithm), gradient, "F")
