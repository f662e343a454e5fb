"""A circuit at its best parameters: numbers with intervals of what the parameters say."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import special

from vitrolyte.data.model import Floats
from vitrolyte.data.quantity import NORMAL_95, Quantity
from vitrolyte.laboratory.impedance.geometry import Geometry
from vitrolyte.laboratory.impedance.information import inverse
from vitrolyte.laboratory.impedance.search import Minimum, Target
from vitrolyte.laboratory.impedance.spectrum import Complexes
from vitrolyte.observe.impedance.capacitance import VACUUM_PERMITTIVITY_F_PER_CM
from vitrolyte.observe.impedance.circuits import Branch, Circuit, Leaf

UNDETERMINED = 0.5
"""A logarithm with a larger standard error says nothing: factors of three to either side."""
WIDE = 0.15
_STRONG = 0.95


@dataclass(frozen=True)
class ArcPlaces:
    """Places of ln R, ln tau and n of an arc among the coordinates; n is -1 without one."""

    resistance: int
    time: int
    exponent: int


@dataclass(frozen=True, eq=False)
class CircuitFit:
    """A circuit fitted to one spectrum.

    Attributes
    ----------
    circuit, target
        Which circuit, and to what.
    coordinates, covariance
        (p,) and (p, p).
    freedom
        Degrees of freedom of the noise.
    chi2
        Of this spectrum, over the noise of the linear test.
    share, starts
        Share of the starts that came here, and their number.
    """

    circuit: Circuit
    target: Target
    coordinates: Floats
    covariance: Floats
    freedom: float
    chi2: float
    share: float
    starts: int

    @classmethod
    def of_minimum(cls, circuit: Circuit, target: Target, minimum: Minimum) -> CircuitFit:
        """Return the fit whose noise is what its own residuals show."""
        freedom = 2 * len(target.spectrum) - len(minimum.coordinates)
        scale = minimum.chi2 / freedom
        return cls(
            circuit,
            target,
            minimum.coordinates,
            inverse(minimum.normal) * scale,
            float(freedom),
            minimum.chi2,
            minimum.share,
            minimum.starts,
        )

    @cached_property
    def quantile(self) -> float:
        """Return the half width of a 95 % interval in standard errors."""
        return float(special.stdtrit(self.freedom, 0.975))

    @cached_property
    def impedance(self) -> Complexes:
        """Return the fitted Z (n,), ohm."""
        return self.circuit.evaluate(self.target.spectrum.frequency, self.coordinates)[0]

    @property
    def residuals(self) -> Complexes:
        """Return fit less points over the noise of the linear test, (n,)."""
        apart, weights = self.impedance - self.target.spectrum.impedance, self.target.weights
        return np.asarray(apart.real * weights[:, 0] + 1j * apart.imag * weights[:, 1])

    def exponential(self, slopes: Floats, unit: str, shift: float = 0.0) -> Quantity:
        """Return the exponential of a sum of coordinates, with an interval of its logarithm.

        Parameters
        ----------
        slopes
            (p,), what each coordinate is multiplied by; they are also the gradient.
        shift
            Added to the logarithm.
        """
        return self.at_logarithm(float(slopes @ self.coordinates) + shift, slopes, unit)

    def at_logarithm(self, logarithm: float, gradient: Floats, unit: str) -> Quantity:
        """Return the exponential of a number whose gradient (p,) by coordinates is known."""
        error = float(np.sqrt(max(float(gradient @ self.covariance @ gradient), 0.0)))
        return from_logarithm(logarithm, error, self.quantile, unit)

    def parameters(self) -> dict[str, Quantity]:
        """Return the natural parameters by name, refused where they are not determined."""
        slopes = self.circuit.natural_slopes(self.coordinates)
        values = self.circuit.values(self.coordinates)
        found = {}
        for slot, value, gradient in zip(self.circuit.slots, values, slopes, strict=True):
            unit = slot.parameter.unit
            if slot.parameter.scale == "logarithmic":
                found[slot.name] = self.at_logarithm(float(np.log(value)), gradient, unit)
                continue
            error = float(np.sqrt(max(float(gradient @ self.covariance @ gradient), 0.0)))
            half = self.quantile * error
            found[slot.name] = Quantity(
                float(value),
                unit,
                error,
                max(float(value) - half, 0.0),
                min(float(value) + half, 1.0),
            )
        return found

    def correlated(self) -> dict[str, float]:
        """Return the strong correlations of what was searched: ln R, ln tau, exponents."""
        errors = np.sqrt(np.maximum(np.diag(self.covariance), 1e-300))
        table, names = self.covariance / np.outer(errors, errors), self._searched_names()
        return {
            f"{names[i]} and {names[j]}": float(table[i, j])
            for i in range(len(names))
            for j in range(i)
            if abs(table[i, j]) > _STRONG
        }

    def _searched_names(self) -> list[str]:
        names = list(self.circuit.names)
        for arc in self.circuit.arcs:
            names[arc.storage] = f"tau of {names[arc.storage]}"
        return names

    def series(self) -> list[int]:
        """Return the places of the resistances that stand alone in series."""
        return [k for k, part in self.circuit.in_series if _symbol(part) == "R"]

    def arcs(self) -> list[ArcPlaces]:
        """Return the arcs in series, the fastest first."""
        nested = {arc.resistance: arc for arc in self.circuit.arcs}
        found = []
        for place, part in self.circuit.in_series:
            if _symbol(part) == "Z":
                found.append(ArcPlaces(place, place + 1, place + 2))
            elif isinstance(part, Branch) and place in nested:
                arc = nested[place]
                found.append(ArcPlaces(place, arc.storage, arc.exponent))
        return sorted(found, key=lambda arc: float(self.coordinates[arc.time]))

    def blocking(self) -> list[int]:
        """Return the places of constant-phase elements that stand alone in series."""
        return [k for k, part in self.circuit.in_series if _symbol(part) == "Q"]

    def unit(self, place: int) -> Floats:
        """Return the slopes of one coordinate, (p,)."""
        found = np.zeros(len(self.coordinates))
        found[place] = 1.0
        return found

    def sum_of(self, places: list[int], unit: str = "ohm") -> Quantity:
        """Return the sum of resistances by the places of their logarithms."""
        sizes = np.exp(self.coordinates[places])
        gradient = np.zeros(len(self.coordinates))
        gradient[places] = sizes / sizes.sum()
        return self.at_logarithm(float(np.log(sizes.sum())), gradient, unit)


def from_logarithm(logarithm: float, error: float, quantile: float, unit: str) -> Quantity:
    """Return a positive number known by its logarithm; refused where that is not determined."""
    if not error < UNDETERMINED:
        return Quantity.refused(
            unit,
            f"not determined by the spectrum: a factor of {np.exp(min(2.0 * error, 30.0)):.2g}",
        )
    value, half = float(np.exp(logarithm)), quantile * error
    found = Quantity(
        value, unit, value * error, value * float(np.exp(-half)), value * float(np.exp(half))
    )
    return found.provisional("a wide interval") if error > WIDE else found


def conductivity(resistance: Quantity, geometry: Geometry) -> Quantity:
    """Return L / (A R), S/cm, with the errors of the geometry in its interval."""
    return _scaled_by(resistance, geometry.cell_constant, geometry.relative_error, "S/cm", -1)


def permittivity(capacitance: Quantity, geometry: Geometry) -> Quantity:
    """Return C L / (A epsilon_0)."""
    factor = geometry.cell_constant / VACUUM_PERMITTIVITY_F_PER_CM
    return _scaled_by(capacitance, factor, geometry.relative_error, "1", 1)


def _scaled_by(number: Quantity, factor: float, error: float, unit: str, power: int) -> Quantity:
    if number.status == "refused":
        return Quantity.refused(unit, number.note)
    value = factor * number.value**power
    own = np.log(number.high / number.value), np.log(number.value / number.low)
    up, down = own if power > 0 else own[::-1]
    wider = NORMAL_95 * error
    return Quantity(
        value,
        unit,
        value * float(np.hypot(number.error / number.value, error)),
        value * float(np.exp(-np.hypot(down, wider))),
        value * float(np.exp(np.hypot(up, wider))),
        number.status,
        number.note,
    )


def _symbol(part: Leaf | Branch) -> str:
    return part.symbol if isinstance(part, Leaf) else ""
