"""Refinements of a pattern: by structures (Rietveld) and with free heights (Pawley)."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.polynomial import chebyshev
from numpy.typing import NDArray

from vitrolyte.data.curve import Curve
from vitrolyte.data.quantity import Quantity
from vitrolyte.infer.refine.errors import Errors, refined_errors
from vitrolyte.infer.refine.projected import Refined, refine
from vitrolyte.laboratory.diffraction.model import (
    Freedom,
    Phase,
    PowderModel,
    Widths,
    line_groups,
    start_parameters,
)
from vitrolyte.laboratory.diffraction.peaks import Peaks
from vitrolyte.laboratory.diffraction.radiation import Radiation
from vitrolyte.observe.scattering.lattices import cell_parameters, free_parameters

Floats = NDArray[np.float64]
Method = Literal["Rietveld", "Pawley"]

CITATIONS = (
    "10.1107/S0021889869006558",
    "10.1107/S0021889881009618",
    "10.1107/S0021889887086199",
)
SCHERRER_K = 0.9
_CELL = ("a", "b", "c", "alpha", "beta", "gamma")
_GROUP_IN_WIDTHS = 4.0
_CLOSEST_IN_WIDTHS = 0.35
_CLEAR_IN_WIDTHS = 4.0
_TERMS = 3, 24
_MINOR = 0.02
_STRAIN_STEP = 1e-6


@dataclass(frozen=True, eq=False)
class Refinement:
    """One refinement of a pattern.

    Attributes
    ----------
    method
        ``Rietveld`` where structures fix the heights, ``Pawley`` where they are free.
    model
        Its columns; the lattices of its phases are those from which it started.
    refined, errors
        What was found, and how well it is known.
    pattern
        What was fitted.
    """

    method: Method
    model: PowderModel
    refined: Refined
    errors: Errors
    pattern: Curve

    @property
    def rwp(self) -> float:
        """Return ``sqrt(sum w (y - f)² / sum w y²)``."""
        y = self.pattern.y.real * self.refined.weights
        return math.sqrt(self.refined.chi2 / float(y @ y))

    @property
    def expected(self) -> float:
        """Return the Rwp that noise alone would leave."""
        y = self.pattern.y.real * self.refined.weights
        return math.sqrt(self.refined.dof / float(y @ y))

    @property
    def misfit(self) -> float:
        """Return Rwp with the background taken off the denominator."""
        y = (self.pattern.y.real - self.refined.background) * self.refined.weights
        return math.sqrt(self.refined.chi2 / max(float(y @ y), 1e-300))

    def value(self, name: str, otherwise: float = 0.0) -> float:
        """Return a parameter by name."""
        return self.model.value(self.refined.values, name, otherwise)

    def phase(self, number: int) -> Phase:
        """Return a phase with the lattice found."""
        return self.model.phases[number].at(self.model.strain(self.refined.values, number))

    def heights(self, number: int) -> Floats:
        """Return the coefficients of the lines of a phase."""
        start = sum(phase.columns for phase in self.model.phases[:number])
        return self.refined.coefficients[start : start + self.model.phases[number].columns]

    def area(self, number: int) -> float:
        """Return the area of all lines of a phase, intensity times degrees."""
        start = sum(phase.columns for phase in self.model.phases[:number])
        end = start + self.model.phases[number].columns
        lines = self.refined.columns.lines[:, start:end] @ self.refined.coefficients[start:end]
        return float(np.trapezoid(lines, self.pattern.x))


def lattice(refinement: Refinement, number: int) -> dict[str, Quantity]:
    """Return the free cell parameters of a phase: a, b, c in Å and alpha, beta, gamma in degrees.

    Errors are carried over from the reciprocal metric to first order.
    """
    model, values = refinement.model, refinement.refined.values
    phase, strain = model.phases[number], model.strain(values, number)
    places = [model.places.get(f"lattice {number} {k}") for k in range(len(strain))]
    centre = cell_parameters(phase.strained(strain))
    slopes = np.zeros((6, len(refinement.errors.covariance)))
    for k, place in enumerate(places):
        if place is not None:
            step = _STRAIN_STEP * np.eye(len(strain))[k]
            slopes[:, place] = (
                cell_parameters(phase.strained(strain + step)) - centre
            ) / _STRAIN_STEP
    found = {}
    for name in free_parameters(phase.lines.crystal.rotations):
        row = _CELL.index(name)
        found[name] = _with_error(
            float(centre[row]), slopes[row], refinement.errors, "Å" if row < 3 else "°"
        )
    return found


def _with_error(value: float, gradient: Floats, errors: Errors, unit: str) -> Quantity:
    error, quantile = errors.of(gradient)
    half = quantile * error
    return Quantity(value, unit, error=error, low=value - half, high=value + half)


def mass_shares(refinement: Refinement) -> dict[str, Quantity]:
    """Return the mass share of each phase of a Rietveld refinement, adding up to 1.

    ``w_p = S_p (Z M V)_p / sum_q S_q (Z M V)_q``, with the correlations of the scale factors.

    References
    ----------
    Hill & Howard, J. Appl. Cryst. 20, 467 (1987), doi:10.1107/S0021889887086199.
    """
    phases = [refinement.phase(number) for number in range(len(refinement.model.phases))]
    volumes = np.array([1.0 / math.sqrt(np.linalg.det(phase.metric)) for phase in phases])
    zmv = np.array([phase.lines.crystal.cell_mass for phase in phases]) * volumes
    masses = refinement.refined.coefficients[: len(phases)] * zmv
    total = max(float(masses.sum()), 1e-300)
    offset = len(refinement.refined.parameters)
    found = {}
    for number, phase in enumerate(phases):
        share = float(masses[number]) / total
        gradient = np.zeros(len(refinement.errors.covariance))
        gradient[offset : offset + len(phases)] = -share * zmv / total
        gradient[offset + number] += zmv[number] / total
        one = _with_error(share, gradient, refinement.errors, "1")
        found[phase.name] = replace(one, low=max(0.0, one.low), high=min(1.0, one.high))
    return found


def crystallite_size(refinement: Refinement, number: int) -> Quantity:
    """Return ``K lambda / Y`` in nm, K = 0.9, from the width that goes with 1 / cos(theta)."""
    return _from_width(
        refinement,
        f"Y {refinement.model.width_of(number)}",
        lambda width: SCHERRER_K * refinement.model.radiation.wavelength_A / width / 10.0,
        "nm",
    )


def lattice_strain(refinement: Refinement, number: int) -> Quantity:
    """Return ``X / 4``, the width that goes with tan(theta) over four, as a relative spread."""
    name = f"X {refinement.model.width_of(number)}"
    return _from_width(refinement, name, lambda width: width / 4.0, "1")


def _from_width(refinement: Refinement, name: str, of_width: object, unit: str) -> Quantity:
    assert callable(of_width)
    place = refinement.model.places.get(name)
    if place is None:
        return Quantity.refused(unit, "this width was not refined")
    degrees = float(refinement.refined.values[place])
    error = math.sqrt(float(refinement.errors.covariance[place, place]))
    if degrees < 2.0 * error or degrees <= 0:
        return Quantity.refused(unit, "no broadening of this kind stands out of its error")
    value = float(of_width(math.radians(degrees)))
    spread = abs(value) * error / degrees
    known = Quantity.normal(value, spread, unit)
    return known.provisional("the width of the instrument is not taken off")


def background_terms(pattern: Curve, peaks: Peaks) -> int:
    """Return how many Chebyshev polynomials the pattern between its peaks asks for.

    The number with the least ``n ln(chi²) + 2 k ln n`` on what is more than four widths away from
    any peak, 3 to 24; at most one for 60 such points.
    """
    assert pattern.y_error is not None
    clear = np.ones(len(pattern), dtype=bool)
    for angle, width in zip(peaks.angles, peaks.widths):
        clear &= np.abs(pattern.x - angle) > _CLEAR_IN_WIDTHS * width
    if clear.sum() < 100:
        clear = pattern.y.real < np.median(pattern.y.real)
    scaled = 2.0 * (pattern.x - pattern.x[0]) / np.ptp(pattern.x) - 1.0
    x, weight = scaled[clear], 1.0 / pattern.y_error[clear]
    y, n = pattern.y.real[clear] * weight, int(clear.sum())
    most = min(_TERMS[1], max(_TERMS[0] + 1, n // 60))
    # The polynomials are taken one after another, so one decomposition serves every number.
    orthogonal = np.linalg.qr(chebyshev.chebvander(x, most - 1) * weight[:, None])[0]
    left = float(y @ y) - np.cumsum((orthogonal.T @ y) ** 2)
    terms = np.arange(1, most + 1)
    criterion = n * np.log(np.maximum(left, 1e-12 * float(y @ y))) + 2.0 * terms * math.log(n)
    return int(terms[_TERMS[0] - 1 :][criterion[_TERMS[0] - 1 :].argmin()])


@dataclass(frozen=True)
class Plan:
    """How a pattern is refined.

    Attributes
    ----------
    freedom
        What beside heights, background and lattices.
    terms
        Number of background polynomials.
    widths
        Where widths start.
    """

    freedom: Freedom
    terms: int
    widths: Widths


def start_widths(peaks: Peaks) -> Widths:
    """Return widths to start from, half Gaussian and half Lorentzian, from those of peaks."""
    typical = peaks.typical_width
    return Widths(0.6 * typical, 0.5 * typical)


def rietveld(
    pattern: Curve, phases: tuple[Phase, ...], radiation: Radiation, plan: Plan
) -> Refinement:
    """Return the refinement in which structures fix the heights of a phase's lines.

    First shift, lattices and constant widths, then all widths and the overall B.

    Raises
    ------
    NotConverged
        If the search fails.
    """
    fixed = tuple(replace(phase, groups=None) for phase in phases)
    first = replace(plan.freedom, widths=False, asymmetry=False, displacement_B=False)
    rough = _refined("Rietveld", pattern, fixed, radiation, replace(plan, freedom=first))
    moved = _moved(rough, _own_widths(rough))
    return _weighed("Rietveld", pattern, moved, radiation, _next(plan, rough))


def pawley(
    pattern: Curve, phases: tuple[Phase, ...], radiation: Radiation, plan: Plan
) -> Refinement:
    """Return the refinement in which each line has a height of its own, not below zero.

    Lines nearer than a third of a width share one height, divided as the structure says.

    Raises
    ------
    NotConverged
        If the search fails.
    """
    closest = _CLOSEST_IN_WIDTHS * (plan.widths.gauss + plan.widths.lorentz)
    free = tuple(
        replace(phase, groups=line_groups(phase.lines, phase.metric, radiation, closest))
        for phase in phases
    )
    return _weighed("Pawley", pattern, free, radiation, plan)


def _next(plan: Plan, rough: Refinement) -> Plan:
    gauss = math.sqrt(max(rough.value("W"), 1e-8))
    lorentz = max(rough.value("Y 0"), 0.1 * gauss)
    moved = replace(plan.freedom, shift_start=rough.value("shift"))
    return replace(plan, freedom=moved, widths=Widths(gauss, lorentz))


def _own_widths(rough: Refinement) -> list[bool]:
    """Return which phases are strong enough to have widths of their own."""
    areas = np.array([rough.area(number) for number in range(len(rough.model.phases))])
    total = max(float(areas.sum()), 1e-300)
    return [bool(area > _MINOR * total) for area in areas]


def _moved(rough: Refinement, own: list[bool]) -> tuple[Phase, ...]:
    return tuple(replace(rough.phase(number), own_width=own[number]) for number in range(len(own)))


def _weighed(
    method: Method, pattern: Curve, phases: tuple[Phase, ...], radiation: Radiation, plan: Plan
) -> Refinement:
    """Refine; where counts are few, again with the errors that the first model expects."""
    found = _refined(method, pattern, phases, radiation, plan)
    if pattern.y_axis.name != "counts":
        return found
    expected = np.sqrt(np.maximum(found.refined.fitted, 1.0))
    again = replace(pattern, y_error=expected)
    moved = _moved(found, [phase.own_width for phase in phases])
    start = replace(plan.freedom, shift_start=found.value("shift"))
    return _refined(method, again, moved, radiation, replace(plan, freedom=start))


def _refined(
    method: Method, pattern: Curve, phases: tuple[Phase, ...], radiation: Radiation, plan: Plan
) -> Refinement:
    step = float(np.median(np.diff(pattern.x)))
    start, spreads = start_parameters(phases, plan.freedom, plan.widths, step_deg=step)
    model = PowderModel(pattern.x, radiation, phases, plan.freedom, plan.terms, start)
    refined = refine(
        model, pattern, start, spreads=spreads, with_lines=method == "Rietveld", most_steps=40
    )
    width = _GROUP_IN_WIDTHS * (plan.widths.gauss + plan.widths.lorentz)
    groups = np.floor((pattern.x - pattern.x[0]) / width).astype(np.int64)
    return Refinement(method, model, refined, refined_errors(refined, groups), pattern)
