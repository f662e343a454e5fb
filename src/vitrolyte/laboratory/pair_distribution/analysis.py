"""A total scattering measurement set right: S(Q), G(r), density check, first neighbours."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from vitrolyte.data.curve import Curve, CurveSet
from vitrolyte.data.errors import NotConverged
from vitrolyte.data.observation import Observation, Sample, measured
from vitrolyte.data.quantity import Quantity
from vitrolyte.data.result import Result
from vitrolyte.data.total_scattering import TotalScattering
from vitrolyte.laboratory.pair_distribution.neighbours import (
    ExpectedPair,
    PeaksFound,
    neighbour_peaks,
)
from vitrolyte.laboratory.pair_distribution.transform import (
    Composition,
    Functions,
    TransformSettings,
    functions_of,
)
from vitrolyte.observe.scattering.q_window import CITATIONS as WINDOW_CITATIONS
from vitrolyte.observe.scattering.q_window import reduced_from_factor

Floats = NDArray[np.float64]

CITATIONS = ("10.1107/S0021889800019993", "10.1107/S0021889802018708", *WINDOW_CITATIONS)
_LOWEST_A = 0.4
_BEFORE_PEAK_A = 0.4
_SCALE_OFF = 0.10
_RIPPLE_LIMIT = 0.3
_SHOWN_A = 10.0


@dataclass(frozen=True, eq=False)
class PairDistributionFound(Result):
    """What a total scattering measurement says.

    Attributes
    ----------
    file, form, described
        Of what, what the file held, and range and modification in words.
    structure_factor, pair_function
        S(Q) and G(r) of PDFgui with errors: what a reverse Monte Carlo starts from.
    peaks
        G(r) at short distances with the fitted shells.
    distances, numbers, widths
        By pair: Å, neighbours, Å.
    high_q_level, trend
        Mean and slope of S(Q) at its end.
    density
        Number density by the slope of G(r) below the first peak, 1/Å³.
    ripple
        Root mean square of what is left of G(r) there, over the height of the main peak.
    unphysical_A
        Maxima of G(r) below the first peak, which no atoms make.
    notes
        What was assumed, done, or has to be doubted.
    temperature_K
        Of the measurement, where it is known.
    """

    file: str
    form: str
    described: str
    structure_factor: CurveSet
    pair_function: CurveSet
    peaks: CurveSet
    distances: Mapping[str, Quantity]
    numbers: Mapping[str, Quantity]
    widths: Mapping[str, Quantity]
    high_q_level: Quantity
    trend: Quantity
    density: Quantity
    ripple: float
    unphysical_A: tuple[float, ...]
    notes: tuple[str, ...]
    temperature_K: float | None

    def observations(self, sample: Sample) -> tuple[Observation, ...]:
        """Return distances and numbers of the assigned shells, and the density check."""
        if self.temperature_K is not None:
            sample = replace(sample, temperature_K=self.temperature_K)
        method = f"{self.file}: shells fitted to G(r) as cut off in Q, {self.described}"
        rows = []
        for pair, number in self.distances.items():
            name = pair.partition("#")[0]
            rows.append(measured(sample, "pdf_peak_position", number, of=name, method=method))
            rows.append(
                measured(sample, "coordination_number", self.numbers[pair], of=name, method=method)
            )
            rows.append(
                measured(sample, "bond_length_spread", self.widths[pair], of=name, method=method)
            )
        how = f"{self.file}: slope of G(r) below the first peak"
        return (*rows, measured(sample, "number_density", self.density, method=how))


def pair_distribution(
    pattern: TotalScattering,
    composition: Composition,
    settings: TransformSettings,
    *,
    expected: tuple[ExpectedPair, ...] = (),
) -> PairDistributionFound:
    """Return S(Q), G(r) and the first shells of neighbours of a measurement.

    Parameters
    ----------
    pattern
        As read.
    composition
        Elements, probe, number density where it is known.
    settings
        Window, range of r.
    expected
        Pairs and about where their first peaks stand.

    Raises
    ------
    InputError
        If the form cannot be converted or the range is too short.

    References
    ----------
    Keen, J. Appl. Cryst. 34, 172 (2001), doi:10.1107/S0021889800019993; slope of G(r) as a
    check: Peterson, Bozin, Proffen & Billinge, J. Appl. Cryst. 36, 53 (2003),
    doi:10.1107/S0021889802018708.
    """
    functions = functions_of(pattern, composition, settings)
    found, refusal = _peaks(functions, composition, expected)
    first = found.window_A[0] if found else _first_peak(functions.reduced) - _BEFORE_PEAK_A
    density, ripple = _density(functions.reduced, first, functions.window.q_max)
    notes = [*pattern.measurement.notes, *functions.notes, *(found.notes if found else ())]
    notes += [refusal] if refusal else []
    doubts = [found.poor] if found and found.poor else []
    doubts += _scale_doubts(density, composition.number_density)
    if ripple > _RIPPLE_LIMIT:
        doubts.append(f"ripples below the first peak reach {100 * ripple:.0f} % of the main peak")
    return PairDistributionFound(
        file=pattern.measurement.name,
        form=pattern.form,
        described=f"{composition.probe.name}, {functions.window.words}",
        structure_factor=_factor_set(functions, composition),
        pair_function=_pair_set(functions),
        peaks=_peak_set(functions, found),
        distances=_named(found.distances if found else {}, doubts, expected, refusal),
        numbers=_named(found.numbers if found else {}, doubts, expected, refusal, unit="1"),
        widths=_named(found.widths if found else {}, doubts, expected, refusal),
        high_q_level=functions.high_q_level,
        trend=functions.trend,
        density=density,
        ripple=ripple,
        unphysical_A=found.ripples if found else (),
        notes=(*notes, *doubts),
        temperature_K=pattern.measurement.conditions.temperature_K,
    )


def _peaks(
    functions: Functions, composition: Composition, expected: tuple[ExpectedPair, ...]
) -> tuple[PeaksFound | None, str]:
    if not expected:
        return None, ""
    try:
        return neighbour_peaks(functions, composition, expected), ""
    except NotConverged as refusal:
        return None, refusal.message()


def _named(
    found: Mapping[str, Quantity],
    doubts: list[str],
    expected: tuple[ExpectedPair, ...],
    refusal: str,
    unit: str = "Å",
) -> dict[str, Quantity]:
    if not found and refusal:
        return {one.pair: Quantity.refused(unit, refusal) for one in expected}
    judged = {}
    for pair, quantity in found.items():
        # A scale that is off changes numbers, not distances; a poor fit changes both.
        own = [doubt for doubt in doubts if unit == "1" or doubt.startswith("the fit")]
        for doubt in own:
            quantity = quantity.provisional(doubt)
        judged[pair] = quantity
    lacking = [one.pair for one in expected if one.pair not in judged]
    reason = "no peak of G(r) of its own stands there, or its weight is too small"
    return judged | {pair: Quantity.refused(unit, reason) for pair in lacking}


def _first_peak(curve: Curve) -> float:
    y = curve.y.real
    near = (curve.x > 1.0) & (curve.x < 8.0)
    if not np.any(near):
        return 1.5
    high = float(y[near].max())
    return float(curve.x[near][np.flatnonzero(y[near] > 0.5 * high)[0]])


def _density(curve: Curve, end: float, q_max: float) -> tuple[Quantity, float]:
    """Return the density by ``G(r) = -4 pi rho0 r`` below the first peak, and the ripple there."""
    inside = (curve.x > _LOWEST_A) & (curve.x < end)
    r, y = curve.x[inside], curve.y.real[inside]
    independent = (end - _LOWEST_A) * q_max / math.pi
    if len(r) < 10 or independent < 3.0:
        return Quantity.refused("1/Å³", "too short a range below the first peak"), math.nan
    slope = float(r @ y / (r @ r))
    left = y - slope * r
    spread = math.sqrt(float(np.mean(left**2)))
    error = spread * math.sqrt(len(r) / independent) / math.sqrt(float(r @ r))
    high = float(curve.y.real[(curve.x >= end) & (curve.x < _SHOWN_A)].max())
    value = -slope / (4.0 * math.pi)
    number = Quantity.normal(value, error / (4.0 * math.pi), "1/Å³")
    note = "ripples of the cut-off and what is wrong at low Q act on it; a check more than a value"
    return number.provisional(note), spread / high if high > 0 else math.nan


def _scale_doubts(density: Quantity, known: float | None) -> list[str]:
    if known is None or density.status == "refused":
        return []
    ratio = density.value / known
    if abs(ratio - 1.0) < _SCALE_OFF + 2.0 * density.error / known:
        return []
    return [
        f"the slope of G(r) at short distances is that of {density.value:.4f} atoms/Å³, not of "
        f"{known:.4f}: the scale of the data, and so the numbers of neighbours, may be off by "
        f"{100 * (ratio - 1):+.0f} %"
    ]


def _factor_set(functions: Functions, composition: Composition) -> CurveSet:
    curve = replace(functions.factor, label=composition.probe.name)
    return CurveSet(f"S(Q), {functions.window.words}", (curve,))


def _pair_set(functions: Functions) -> CurveSet:
    curves = [replace(functions.reduced, label="G(r)")]
    if functions.factor.y_error is not None and functions.window.modification == "none":
        window = replace(functions.window, modification="Lorch")
        lorch = reduced_from_factor(functions.factor, window, functions.reduced.x)
        curves.append(replace(lorch, label="G(r) with Lorch's function"))
    return CurveSet("G(r) = 4 pi r rho0 [g(r) - 1]", tuple(curves))


def _peak_set(functions: Functions, found: PeaksFound | None) -> CurveSet:
    end = found.window_A[1] + 2.0 if found else _SHOWN_A
    curve = functions.reduced
    kept = curve.x <= end
    error = None if curve.y_error is None else curve.y_error[kept]
    shown = replace(curve, x=curve.x[kept], y=curve.y[kept], y_error=error, label="measured")
    if found is None:
        return CurveSet("G(r) at short distances", (shown,))
    curves = (shown, found.fit, *found.parts)
    return CurveSet("G(r) with fitted shells", curves, window=found.window_A)
