"""EXAFS of a sample: edge, background, transform, and the shells of neighbours."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from scipy.signal import find_peaks

from vitrolyte.data.curve import Axis, Curve, CurveSet
from vitrolyte.data.errors import InputError, NotConverged
from vitrolyte.data.measurement import Measurement
from vitrolyte.data.observation import Observation, Sample, measured
from vitrolyte.data.quantity import Quantity
from vitrolyte.data.result import Result
from vitrolyte.data.spectroscopy import ABSORPTION, ENERGY
from vitrolyte.laboratory.absorption.background import CITATIONS as BACKGROUND_CITATIONS
from vitrolyte.laboratory.absorption.background import BackgroundSettings, fine_structure
from vitrolyte.laboratory.absorption.edge import Edge, EdgeSettings, normalise
from vitrolyte.laboratory.absorption.noise import CITATIONS as NOISE_CITATIONS
from vitrolyte.laboratory.absorption.noise import Noise, noise_of
from vitrolyte.laboratory.absorption.path_fit import CITATIONS as FIT_CITATIONS
from vitrolyte.laboratory.absorption.path_fit import Amplitude, ShellsFound, fit_shells
from vitrolyte.observe.exafs.paths import DistanceRange, Shell
from vitrolyte.observe.exafs.transforms import CITATIONS as TRANSFORM_CITATIONS
from vitrolyte.observe.exafs.transforms import (
    K,
    Transform,
    cauchy_wavelet,
    fourier,
    tapered,
)

Floats = NDArray[np.float64]

CITATIONS = (*BACKGROUND_CITATIONS, *NOISE_CITATIONS, *TRANSFORM_CITATIONS, *FIT_CITATIONS)
_PHASE_A = 0.5
_PEAK_SHARE = 0.1
_MOST_WAVELETS = 3
_LAST_K = 0.3
_USUAL_K_MAX = 14.0
_SHORTEST_WINDOW = 3.0


@dataclass(frozen=True)
class AbsorptionSettings:
    """How a spectrum is taken apart.

    Attributes
    ----------
    edge, background
        Normalisation, and what lies under the fine structure.
    transform
        Window and weight; ``k_max`` beyond the data is lowered to their end.
    r_min_A, r_max_A
        Range of the fit, not phase corrected, Å; None for ``r_bkg`` and for the end of the
        longest shell.
    amplitude
        What is known of S0².
    """

    edge: EdgeSettings = field(default_factory=EdgeSettings)
    background: BackgroundSettings = field(default_factory=BackgroundSettings)
    transform: Transform = field(default_factory=lambda: Transform(k_max=_USUAL_K_MAX))
    r_min_A: float | None = None
    r_max_A: float | None = None
    amplitude: Amplitude = field(default_factory=Amplitude)


@dataclass(frozen=True, eq=False)
class AbsorptionFound(Result):
    """What an absorption spectrum says of the surroundings of an element.

    Attributes
    ----------
    file, absorber
        Of what.
    spectrum, chi, distance, wavelet
        μ(E) with what was laid under it; weighted χ(k), its transform, both with the fit; wavelet
        transform along k at the strongest peaks of the transform.
    e0, step
        Edge energy, eV, and step; the step of χ(k) alone is refused.
    noise
        Standard deviation of χ(k).
    peaks
        Where the magnitude of the transform peaks, Å.
    shells
        N, R and σ² by parameter, E0 shift and S0²; empty without shells.
    correlations
        Of pairs of parameters beyond 0.5.
    misfit, reduced_chi2
        Of the fit; NaN without one.
    described
        Window, ranges and numbers of points in words.
    temperature_K
        Of the measurement, where it is known.
    """

    file: str
    absorber: str
    spectrum: CurveSet
    chi: CurveSet
    distance: CurveSet
    wavelet: CurveSet
    e0: Quantity
    step: Quantity
    noise: Quantity
    peaks: tuple[Quantity, ...]
    shells: Mapping[str, Quantity]
    correlations: Mapping[str, float]
    misfit: float
    reduced_chi2: float
    described: str
    temperature_K: float | None

    def observations(self, sample: Sample) -> tuple[Observation, ...]:
        """Return edge energy, peaks of the transform, and the fitted shells."""
        if self.temperature_K is not None:
            sample = replace(sample, temperature_K=self.temperature_K)
        rows = [
            measured(
                sample,
                "exafs_peak_position_uncorrected",
                place,
                of=f"{self.absorber} peak {number}".strip(),
                method=f"{self.file}: peak of |χ(R)|, {self.described}",
            )
            for number, place in enumerate(self.peaks, start=1)
        ]
        if self.e0.status != "refused":
            method = f"{self.file}: steepest rise of µ(E)"
            rows.insert(
                0,
                measured(
                    sample, "absorption_edge_energy", self.e0, of=self.absorber, method=method
                ),
            )
        return (*rows, *self._shell_rows(sample))

    def _shell_rows(self, sample: Sample) -> list[Observation]:
        words = {
            "N": "coordination_number",
            "R": "bond_length",
            "sigma2": "mean_square_relative_displacement",
            "C3": "third_cumulant",
            "E0": "threshold_shift",
            "S02": "amplitude_reduction_factor",
        }
        method = f"{self.file}: path fit, {self.described}"
        rows = []
        for name, number in self.shells.items():
            kind, _, of = name.partition(" ")
            rows.append(
                measured(sample, words[kind], number, of=of or self.absorber, method=method)
            )
        return rows


def absorption(
    measurement: Measurement,
    settings: AbsorptionSettings | None = None,
    *,
    shells: tuple[Shell, ...] = (),
    absorber: str = "",
) -> AbsorptionFound:
    """Return what a spectrum says: edge, fine structure, transforms, and shells where given.

    Parameters
    ----------
    measurement
        μ(E) against eV, or χ(k) against 1/Å.
    settings
        Ranges.
    shells
        Scattering paths with starting values; none leaves out the fit.
    absorber
        Element, for the table.

    Raises
    ------
    InputError
        If the spectrum is too short, shows no edge, or the ranges do not fit it.
    """
    settings = settings or AbsorptionSettings()
    taken = _taken(measurement, settings)
    transform = _within(settings.transform, float(taken.chi.x[-1]))
    noise = noise_of(taken.chi, transform)
    window = _window(transform, shells, settings)
    found = _fitted(taken, shells, window, (settings.amplitude, noise)) if shells else None
    described = transform.described
    if shells:
        described += f", fit in {window.r_min_A:g} to {window.r_max_A:.2g} Å"
    if isinstance(found, ShellsFound):
        described += f", {found.points} independent points, R factor {found.misfit:.3f}"
    transformed = fourier(taken.chi, transform)
    peaks = _peaks(transformed, settings.background.r_bkg_A)
    fitted = found if isinstance(found, ShellsFound) else None
    return AbsorptionFound(
        file=measurement.name,
        absorber=absorber,
        spectrum=_spectrum(measurement, taken),
        chi=_weighted(taken.chi, fitted, transform),
        distance=_in_distance(taken.chi, fitted, window),
        wavelet=_wavelets(taken.chi, transform, peaks),
        e0=taken.e0,
        step=taken.step,
        noise=Quantity(noise.in_k, "1", note="standard deviation of χ(k), from 15 to 25 Å"),
        peaks=tuple(Quantity(place, "Å", note="not phase corrected") for place in peaks),
        shells=_quantities(found, shells, settings.amplitude, taken),
        correlations=fitted.correlations if fitted else {},
        misfit=fitted.misfit if fitted else math.nan,
        reduced_chi2=fitted.reduced_chi2 if fitted else math.nan,
        described=described,
        temperature_K=measurement.conditions.temperature_K,
    )


@dataclass(frozen=True, eq=False)
class _Taken:
    """A fine structure and where it comes from."""

    chi: Curve
    e0: Quantity
    step: Quantity
    edge: Edge | None
    background: Floats | None


def _taken(measurement: Measurement, settings: AbsorptionSettings) -> _Taken:
    curve = measurement.curve
    if curve.x_axis.unit == "1/Å":
        reason = "the file holds χ(k), made elsewhere"
        refused = Quantity.refused("eV", reason), Quantity.refused("1", reason)
        return _Taken(curve, *refused, None, None)
    edge = normalise(curve, settings.edge)
    found = fine_structure(curve, edge, settings.background)
    spacing = float(np.interp(edge.e0_eV, curve.x[1:], np.diff(curve.x)))
    e0 = Quantity.normal(edge.e0_eV, spacing / math.sqrt(12.0), "eV")
    note = "the error is that of reading the scan; the monochromator may be off by more"
    return _Taken(found.chi, replace(e0, note=note), edge.step, edge, found.background)


def _within(transform: Transform, end: float) -> Transform:
    last = end - _LAST_K
    if last - transform.k_min < _SHORTEST_WINDOW:
        raise InputError(
            f"A transform needs {_SHORTEST_WINDOW:g} 1/Å of fine structure or more",
            received=f"data up to {end:.1f} 1/Å, k_min {transform.k_min:g}",
            remedy="lower --k-min, or measure further",
        )
    return replace(transform, k_max=last) if transform.k_max > last else transform


def _window(
    transform: Transform, shells: tuple[Shell, ...], settings: AbsorptionSettings
) -> DistanceRange:
    # Below R_bkg the background has taken what there was.
    low = settings.r_min_A if settings.r_min_A is not None else settings.background.r_bkg_A
    high = settings.r_max_A
    if high is None:
        high = max([shell.start_A for shell in shells], default=2.5 + _PHASE_A) + 0.2
    return DistanceRange(transform, low, high)


def _fitted(
    taken: _Taken,
    shells: tuple[Shell, ...],
    window: DistanceRange,
    known: tuple[Amplitude, Noise],
) -> ShellsFound | str:
    """Return the fit, or why there is none."""
    amplitude, noise = known
    try:
        return fit_shells(
            taken.chi,
            shells,
            window,
            amplitude=amplitude,
            noise_in_k=noise.in_k,
        )
    except NotConverged as refusal:
        return refusal.message()


def _quantities(
    found: ShellsFound | str | None,
    shells: tuple[Shell, ...],
    amplitude: Amplitude,
    taken: _Taken,
) -> dict[str, Quantity]:
    if found is None:
        return {}
    if isinstance(found, str):
        units = {"N": "1", "R": "Å", "sigma2": "Å²"}
        return {
            f"{kind} {shell.name}": Quantity.refused(unit, found)
            for shell in shells
            for kind, unit in units.items()
        }
    known = amplitude.s02 is not None or bool(amplitude.numbers)
    return {
        name: _finished(name, number, (known, found.correlations), taken)
        for name, number in found.parameters.items()
    }


def _finished(
    name: str, number: Quantity, how: tuple[bool, Mapping[str, float]], taken: _Taken
) -> Quantity:
    known, correlations = how
    number = _with_correlations(name, number, correlations)
    if number.status == "refused" or not name.startswith(("N ", "S02")):
        return number
    if name.startswith("N ") and not known:
        return Quantity.refused(
            "1",
            f"N and S0² multiply each other, and S0² is not known: N S0² = {number.value:.2f} "
            f"[{number.low:.2f}, {number.high:.2f}]; give --s02 from a standard",
        )
    return _with_step(number, taken.step)


def _with_correlations(name: str, number: Quantity, correlations: Mapping[str, float]) -> Quantity:
    strong = [
        f"{pair.replace(name, '').strip(' |')} {value:+.2f}"
        for pair, value in correlations.items()
        if name in pair.split(" | ") and abs(value) > 0.7
    ]
    if not strong or number.status == "refused":
        return number
    text = f"correlated with {', '.join(strong)}"
    return replace(number, note=f"{number.note}; {text}" if number.note else text)


def _with_step(number: Quantity, step: Quantity) -> Quantity:
    """Return a number with the error of the edge step in it: χ is divided by that."""
    if step.status == "refused" or not step.error > 0:
        return number
    share = step.error / step.value
    own = number.error
    error = math.hypot(own, share * number.value)
    wider = error / own if own > 0 else 1.0
    text = f"{100 * share:.1f} % from the choice of the normalisation are in the error"
    return replace(
        number,
        error=error,
        low=number.value - (number.value - number.low) * wider,
        high=number.value + (number.high - number.value) * wider,
        note=f"{number.note}; {text}" if number.note else text,
    )


def _spectrum(measurement: Measurement, taken: _Taken) -> CurveSet:
    curve = replace(measurement.curve, label="measured")
    title = f"Absorption, {measurement.name}"
    if taken.edge is None or taken.background is None:
        return CurveSet(f"Fine structure as read, {measurement.name}", (curve,))
    parts = {
        "under the edge": taken.edge.under,
        "over the edge": taken.edge.over,
        "background": taken.background,
    }
    above = curve.x >= taken.edge.e0_eV
    shown = {name: above if name != "under the edge" else curve.x > 0 for name in parts}
    laid = tuple(
        Curve(curve.x[shown[name]], y[shown[name]], ENERGY, ABSORPTION, label=name)
        for name, y in parts.items()
    )
    return CurveSet(title, (curve, *laid))


def _weighted(chi: Curve, found: ShellsFound | None, transform: Transform) -> CurveSet:
    axis = Axis(f"k^{transform.weight} χ(k)", f"Å^-{transform.weight}" if transform.weight else "")

    def weighted(curve: Curve, label: str) -> Curve:
        kept = curve.x >= 0.5
        y = curve.y.real[kept] * curve.x[kept] ** transform.weight
        return Curve(curve.x[kept], y, K, axis, label=label)

    curves = [weighted(chi, "measured")]
    if found is not None:
        curves.append(weighted(found.model_chi, "fit"))
    ends = (transform.k_min, transform.k_max)
    return CurveSet("Fine structure", tuple(curves), window=ends)


def _in_distance(chi: Curve, found: ShellsFound | None, window: DistanceRange) -> CurveSet:
    pairs = [("measured", chi)]
    if found is not None:
        pairs.append(("fit", found.model_chi))
    curves = []
    for label, curve in pairs:
        transformed = fourier(curve, window.transform)
        parts = (("|χ(R)|", np.abs(transformed.y)), ("real part", transformed.y.real))
        curves += [
            Curve(
                transformed.x, y, transformed.x_axis, transformed.y_axis, label=f"{part}, {label}"
            )
            for part, y in parts
        ]
    ends = (window.r_min_A, window.r_max_A) if found is not None else None
    return CurveSet("Fourier transform, no phase correction", tuple(curves), window=ends)


def _peaks(transformed: Curve, shortest: float) -> list[float]:
    size, r = np.abs(transformed.y), transformed.x
    seen = size * tapered(r, (shortest, float(r[-1])), 0.0, "hanning")
    tops = find_peaks(seen, prominence=_PEAK_SHARE * float(seen.max()))[0] if seen.max() > 0 else []
    places = []
    for top in tops:
        low, middle, high = size[top - 1 : top + 2]
        bend = low - 2.0 * middle + high
        places.append(float(r[top] + 0.5 * (low - high) / bend * (r[1] - r[0])))
    return places


def _wavelets(chi: Curve, transform: Transform, peaks: list[float]) -> CurveSet:
    map_ = cauchy_wavelet(chi, weight=transform.weight, r_max_A=transform.r_max_A)
    places = peaks[:_MOST_WAVELETS] or [2.0]
    return CurveSet(
        "Wavelet transform along k: a light scatterer peaks at low k, a heavy one at high k",
        tuple(map_.at(place) for place in places),
        window=(transform.k_min, transform.k_max),
    )
