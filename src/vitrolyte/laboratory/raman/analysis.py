"""A Raman spectrum taken apart: peaks with baseline, and shares of structural units."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from vitrolyte.data.curve import Axis, Curve, CurveSet
from vitrolyte.data.errors import InputError
from vitrolyte.data.measurement import Measurement
from vitrolyte.data.observation import Observation, Sample, measured
from vitrolyte.data.quantity import Quantity
from vitrolyte.data.result import Result
from vitrolyte.data.spectroscopy import COUNTS, SHIFT
from vitrolyte.infer.peaks import CITATIONS as PEAK_CITATIONS
from vitrolyte.infer.peaks import PeakSettings, PeaksFound, peaks_on_baseline
from vitrolyte.laboratory.raman.preparation import CITATIONS as PREPARATION_CITATIONS
from vitrolyte.laboratory.raman.preparation import Prepared, arpls_baseline, prepared

Floats = NDArray[np.float64]

CITATIONS = (*PEAK_CITATIONS, *PREPARATION_CITATIONS)
_AXES = (SHIFT, COUNTS)
_OVER = Axis("residual over noise", "")
_CAVEAT = (
    "shares of area: they are shares of units only if these scatter alike, or if cross sections "
    "are given"
)


@dataclass(frozen=True)
class Unit:
    """A structural unit and where its line stands.

    Attributes
    ----------
    name
        As ``PS4``.
    shift
        1/cm.
    cross_section
        Scattering of one unit, relative to the others; None where it is not known.
    """

    name: str
    shift: float
    cross_section: float | None = None


THIOPHOSPHATES = (Unit("P2S6", 385.0), Unit("P2S7", 405.0), Unit("PS4", 420.0))
"""Symmetric stretches of thiophosphate units, 1/cm: P2S6 4-, P2S7 4-, PS4 3-."""


@dataclass(frozen=True)
class RamanSettings:
    """How a spectrum is taken apart.

    Attributes
    ----------
    window
        Range of shifts, 1/cm; None for all.
    peaks
        Number, widths, known centres.
    units
        Units that peaks are assigned to; each gets a peak.
    reach
        How far from the shift of a unit its peak may stand, 1/cm.

    Raises
    ------
    InputError
        If two units have one name.
    """

    window: tuple[float, float] | None = None
    peaks: PeakSettings = field(default_factory=PeakSettings)
    units: tuple[Unit, ...] = ()
    reach: float = 8.0

    def __post_init__(self) -> None:
        names = [unit.name for unit in self.units]
        if len(set(names)) < len(names) or not self.reach > 0:
            raise InputError(
                "Units have names of their own, and a reach above zero", received=str(names)
            )


@dataclass(frozen=True, eq=False)
class RamanFound(Result):
    """What a Raman spectrum holds.

    Attributes
    ----------
    file, described
        Of what, and how it was fitted in words.
    spectrum, components
        Points with fit and baseline; peaks above the baseline.
    residuals
        Over the errors.
    shifts, widths, areas, shares
        By peak, in rising order of the shift; shares are those of the area of all peaks.
    units
        Share of each assigned unit among the assigned ones.
    assigned
        Unit by peak, empty where there is none.
    spikes, saturated
        Shifts that were left out.
    notes
        What has to be doubted.
    temperature_K
        Of the measurement, where it is known.
    """

    file: str
    described: str
    spectrum: CurveSet
    components: CurveSet
    residuals: CurveSet
    shifts: tuple[Quantity, ...]
    widths: tuple[Quantity, ...]
    areas: tuple[Quantity, ...]
    shares: tuple[Quantity, ...]
    units: Mapping[str, Quantity]
    assigned: tuple[str, ...]
    spikes: tuple[float, ...]
    saturated: tuple[float, ...]
    notes: tuple[str, ...]
    temperature_K: float | None

    def observations(self, sample: Sample) -> tuple[Observation, ...]:
        """Return shift, width and share of area of each peak, and the shares of units."""
        if self.temperature_K is not None:
            sample = replace(sample, temperature_K=self.temperature_K)
        method = f"{self.file}: {self.described}"
        rows = []
        for n, unit in enumerate(self.assigned):
            of = unit or f"peak {n + 1}"
            for word, column in (
                ("raman_shift", self.shifts),
                ("raman_width", self.widths),
                ("raman_area_fraction", self.shares),
            ):
                rows.append(measured(sample, word, column[n], of=of, method=method))
        for name, share in self.units.items():
            rows.append(measured(sample, "structural_unit_fraction", share, of=name, method=method))
        return tuple(rows)


def raman(measurement: Measurement, settings: RamanSettings | None = None) -> RamanFound:
    """Return the peaks of a Raman spectrum and the shares of units that they are assigned to.

    Raises
    ------
    InputError
        If the range holds too few points.
    NotConverged
        If no fit converges.
    """
    settings = settings or RamanSettings()
    ready = prepared(measurement.curve, settings.window)
    centres = tuple(sorted({*settings.peaks.centres, *(unit.shift for unit in settings.units)}))
    drift = settings.reach if settings.units else settings.peaks.drift
    most = max(settings.peaks.most, len(centres))
    found = peaks_on_baseline(
        ready.curve, replace(settings.peaks, centres=centres, drift=drift, most=most)
    )
    order = np.argsort([one.value for one in _placed(found)])
    doubts = _doubts(found, ready)
    columns = {
        name: _marked([values[n] for n in order], doubts)
        for name, values in (
            ("centre", _placed(found)),
            ("width", found.values("width")),
            ("area", found.values("area")),
            ("share", found.fractions()),
        )
    }
    assigned = _assigned(columns["centre"], settings)
    return RamanFound(
        file=measurement.name,
        described=(
            f"{found.count} pseudo-Voigt peaks on a baseline of order {found.order}, fitted "
            "together, number by Schwarz's criterion"
        ),
        spectrum=_spectrum(measurement.curve, ready, found),
        components=_components(ready.curve.x, found, [int(n) for n in order], assigned),
        residuals=_residuals(ready.curve, found),
        shifts=columns["centre"],
        widths=columns["width"],
        areas=columns["area"],
        shares=columns["share"],
        units=_unit_shares(found, [int(n) for n in order], assigned, (settings, doubts)),
        assigned=assigned,
        spikes=ready.spikes,
        saturated=ready.saturated,
        notes=(*measurement.notes, *doubts),
        temperature_K=measurement.conditions.temperature_K,
    )


def _placed(found: PeaksFound) -> list[Quantity]:
    """Return the centres; one that ran to its bound has its value, not an interval."""
    values = found.fit.model.values
    return [
        one
        if one.status != "refused"
        else Quantity(float(values[4 * n + 1]), "cm⁻¹").provisional(one.note)
        for n, one in enumerate(found.values("centre"))
    ]


def _doubts(found: PeaksFound, ready: Prepared) -> list[str]:
    reduced = found.fit.chi2 / found.fit.dof
    doubts = []
    if reduced > 2.0:
        doubts.append(
            f"the residuals are {reduced**0.5:.1f} times the noise: the lines are not "
            "pseudo-Voigt, or more of them are hidden"
        )
    if ready.saturated:
        doubts.append("the detector was saturated; those points are left out")
    return doubts


def _marked(values: list[Quantity], doubts: list[str]) -> tuple[Quantity, ...]:
    for doubt in doubts:
        values = [value.provisional(doubt) for value in values]
    return tuple(values)


def _assigned(centres: tuple[Quantity, ...], settings: RamanSettings) -> tuple[str, ...]:
    """Return the unit of each peak: the nearest peak of each unit within reach."""
    names = [""] * len(centres)
    pairs = sorted(
        (abs(centre.value - unit.shift), n, unit.name)
        for unit in settings.units
        for n, centre in enumerate(centres)
    )
    for distance, n, name in pairs:
        if distance <= settings.reach and not names[n] and name not in names:
            names[n] = name
    return tuple(names)


def _unit_shares(
    found: PeaksFound,
    order: list[int],
    assigned: tuple[str, ...],
    how: tuple[RamanSettings, list[str]],
) -> dict[str, Quantity]:
    """Return the share of each unit among the assigned ones, cross sections divided out."""
    settings, doubts = how
    sections = {unit.name: unit.cross_section for unit in settings.units}
    known = all(sections[name] is not None for name in assigned if name)
    places = {name: 4 * order[n] for n, name in enumerate(assigned) if name}
    if not places:
        return {unit.name: Quantity.refused("1", "no peak is assigned") for unit in settings.units}
    weights = np.array([1.0 / (sections[name] or 1.0) if known else 1.0 for name in places])
    rows = list(places.values())
    amounts = weights * found.fit.model.values[rows]
    covariance = found.fit.covariance[np.ix_(rows, rows)] * np.outer(weights, weights)
    shares = {}
    for n, name in enumerate(places):
        share = _share(n, amounts, covariance, found.fit.quantile)
        share = share if known else share.provisional(_CAVEAT)
        shares[name] = _marked([share], doubts)[0]
    lacking = [unit.name for unit in settings.units if unit.name not in places]
    refused = {name: Quantity.refused("1", "no peak of its own is seen") for name in lacking}
    return {**shares, **refused}


def _share(n: int, amounts: Floats, covariance: Floats, quantile: float) -> Quantity:
    total = float(amounts.sum())
    if not total > 0:
        return Quantity.refused("1", "the assigned peaks have no area")
    slope = np.full(len(amounts), -amounts[n] / total**2)
    slope[n] += 1.0 / total
    error = float(np.sqrt(max(0.0, slope @ covariance @ slope)))
    value, half = float(amounts[n] / total), quantile * error
    return Quantity(
        value, "1", error=error, low=max(0.0, value - half), high=min(1.0, value + half)
    )


def _spectrum(whole: Curve, ready: Prepared, found: PeaksFound) -> CurveSet:
    x = ready.curve.x
    axes = (whole.x_axis, whole.y_axis)
    shown = replace(ready.curve, y_error=None, label="measured")
    fitted = Curve(x, found.fit.model(x).real, *axes, label="fit")
    base = Curve(x, found.baseline(x), *axes, label="baseline, with the peaks")
    return CurveSet(
        "Raman spectrum", (shown, fitted, base, arpls_baseline(ready.curve)), points=("measured",)
    )


def _components(
    x: Floats, found: PeaksFound, order: list[int], assigned: tuple[str, ...]
) -> CurveSet:
    curves = tuple(
        Curve(
            x,
            found.peak(x, n + 1),
            *_AXES,
            label=f"{assigned[place] or 'peak'} {_placed(found)[n].value:.0f}",
        )
        for place, n in enumerate(order)
    )
    return CurveSet("Raman peaks", curves)


def _residuals(curve: Curve, found: PeaksFound) -> CurveSet:
    left = Curve(curve.x, -found.fit.residuals.real, curve.x_axis, _OVER, label="residuals")
    return CurveSet("Residuals over the noise", (left,))
