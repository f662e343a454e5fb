"""Spectra under magic-angle spinning, or of one broad line: parts, shifts, widths, fractions."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from vitrolyte.data.curve import Axis, Curve, CurveSet
from vitrolyte.data.errors import InputError
from vitrolyte.data.measurement import Measurement
from vitrolyte.data.observation import Observation, Sample, measured
from vitrolyte.data.quantity import Quantity
from vitrolyte.data.result import Result
from vitrolyte.laboratory.line_shape.lines import (
    Fitted,
    area_of,
    fit_lines,
    half_height,
    phase_doubt,
)
from vitrolyte.laboratory.line_shape.preparation import (
    Prepared,
    folded,
    prepared,
    signal_window,
    thinned,
)

Floats = NDArray[np.float64]

_RECOVERED = 5.0
_HARD_TO_MEND = 1.3
_BROAD = 3.0
_SEEN_BANDS = 5.0
_MISFIT = 0.01


@dataclass(frozen=True)
class DeconvolutionSettings:
    """How a spectrum is taken apart.

    Attributes
    ----------
    components
        Number of lines; 0 for as many as the evidence asks for, up to four.
    names
        Of the lines, from low shift to high.
    window
        Ends of the part that is fitted, ppm (or Hz where the spectrum is in Hz); empty for the
        part in which lines stand out.
    baseline
        Order of the polynomial under the lines; -1 for none.
    bands
        Up to which order spinning side bands that stand out are folded back.
    t1_s
        Longitudinal relaxation time of each line, s, in the order of the names.

    Raises
    ------
    InputError
        If a number is out of range, or names and times are not one for each line.
    """

    components: int = 0
    names: tuple[str, ...] = ()
    window: tuple[float, ...] = ()
    baseline: int = 1
    bands: int = 2
    t1_s: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        counted = [len(v) for v in (self.names, self.t1_s) if v]
        wrong = any(self.components and n != self.components for n in counted)
        if wrong or not 0 <= self.components <= 8 or not -1 <= self.baseline <= 5:
            raise InputError(
                "Lines number eight at most, with one name and one T1 for each, on a polynomial "
                "of order five at most",
                received=f"{self}",
            )
        if len(self.window) not in (0, 2) or (self.window and self.window[0] >= self.window[1]):
            raise InputError("A window has a lower and an upper end", received=f"{self.window}")
        if not 0 <= self.bands <= 8 or any(not t > 0 for t in self.t1_s):
            raise InputError(
                "Side bands number eight at most on a side, and times are above zero",
                received=f"{self}",
            )


@dataclass(frozen=True, eq=False)
class Line(Result):
    """One line of a spectrum.

    Attributes
    ----------
    name
        Of the line.
    shift, width
        Centre, ppm (or Hz); full width at half maximum, Hz (or ppm where the Larmor frequency is
        not known).
    lorentzian
        Share of the shape that is Lorentzian.
    fraction
        Part of the area of all lines, folded side bands included.
    """

    name: str
    shift: Quantity
    width: Quantity
    lorentzian: Quantity
    fraction: Quantity

    def observations(self, sample: Sample) -> tuple[Observation, ...]:
        """Return shift, width and fraction."""
        how = "lines fitted to a spectrum"
        rows = []
        if self.shift.unit == "ppm":
            rows.append(measured(sample, "nmr_shift", self.shift, of=self.name, method=how))
        word = "nmr_linewidth" if self.width.unit == "Hz" else "nmr_shift_width"
        rows.append(measured(sample, word, self.width, of=self.name, method=how))
        rows.append(measured(sample, "phase_fraction", self.fraction, of=self.name, method=how))
        return tuple(rows)


@dataclass(frozen=True, eq=False)
class Deconvolution(Result):
    """A spectrum as a sum of lines.

    Attributes
    ----------
    name, nucleus
        File; nucleus, where known.
    lines
        From low shift to high.
    evidence
        Bayesian information criterion of each number of lines, less that of the best.
    correlations
        Of the areas of the lines, row by row.
    signal_to_noise
        Greatest height over the level of the noise.
    doubts
        What is wrong with the fit or the spectrum.
    temperature_K
        None where not known.
    curves
        Spectrum, fit, lines, residuals.
    """

    name: str
    nucleus: str
    lines: tuple[Line, ...]
    evidence: Mapping[str, float]
    correlations: tuple[tuple[float, ...], ...]
    signal_to_noise: float
    doubts: tuple[str, ...]
    temperature_K: float | None
    curves: CurveSet = field(repr=False)

    def observations(self, sample: Sample) -> tuple[Observation, ...]:
        """Return the rows of every line; fractions only where there are several."""
        at = replace(sample, temperature_K=self.temperature_K)
        rows = [row for line in self.lines for row in line.observations(at)]
        if len(self.lines) == 1:
            rows = [row for row in rows if row.quantity != "phase_fraction"]
        return tuple(rows)


def deconvolution(
    measurement: Measurement, settings: DeconvolutionSettings | None = None
) -> Deconvolution:
    r"""Return the lines of a spectrum with their shares, on a polynomial.

    .. math:: \sum_k y(x + k\nu_r) = \sum_c A_c\, V(x - x_c; w_c, \eta_c) + \sum_j b_j x^j

    with pseudo-Voigt lines V. Where the spinning rate is known, the side bands that stand out are
    folded back onto the central band, so that areas hold all of them. Intervals count the
    correlation of the noise between points, which window functions and zero filling make; it is
    measured where there is no line.

    Raises
    ------
    InputError
        If there is no line above the noise, or no quiet part to take the noise from.
    NotConverged
        If the lines asked for cannot be told apart.
    """
    wanted = settings or DeconvolutionSettings()
    whole = prepared(measurement)
    window = (wanted.window[0], wanted.window[1]) if wanted.window else signal_window(whole)
    bands = _bands(whole, wanted)
    if bands:
        near = min(abs(band) for band in bands) / 2.0
        place = _highest(whole)
        window = max(window[0], place - near), min(window[1], place + near)
    part = folded(whole, window, bands)
    part = thinned(part, _finest(part))
    count = wanted.components or max(len(wanted.names), len(wanted.t1_s))
    fitted, criteria = fit_lines(part, baseline=wanted.baseline, count=count)
    if wanted.names and fitted.lines.count != len(wanted.names):
        raise InputError(
            "Each line needs one name",
            received=f"{len(wanted.names)} names for {fitted.lines.count} lines",
        )
    return _described(fitted, criteria, wanted)


def _finest(spectrum: Prepared) -> float:
    """Return a width at half height of the narrowest thing that stands out."""
    y = np.asarray(spectrum.curve.y, dtype=float)
    return 0.5 * half_height(spectrum.curve.x, y - np.median(y))[1]


def _highest(spectrum: Prepared) -> float:
    return float(spectrum.curve.x[int(np.argmax(spectrum.curve.y))])


def _bands(spectrum: Prepared, settings: DeconvolutionSettings) -> tuple[float, ...]:
    """Return the distances of side bands that stand out, and of those nearer, in units of x."""
    spinning, scale = spectrum.measurement.conditions.spinning_kHz, spectrum.hertz_per_unit
    if not spinning or not scale:
        return ()
    rate = spinning * 1e3 / scale
    x, y = spectrum.curve.x, np.asarray(spectrum.curve.y, dtype=float)
    place, reach = _highest(spectrum), max(2.0 * _finest(spectrum), 3.0 * (x[1] - x[0]))
    ground, seen = float(np.median(y)), 0
    for order in range(1, settings.bands + 1):
        for sign in (-1.0, 1.0):
            near = np.abs(x - place - sign * order * rate) < min(reach, 0.3 * rate)
            if near.any() and np.max(y[near]) - ground > _SEEN_BANDS * spectrum.noise.level:
                seen = order
    return tuple(sign * order * rate for order in range(1, seen + 1) for sign in (-1.0, 1.0))


def _described(
    fitted: Fitted, criteria: Mapping[int, float], settings: DeconvolutionSettings
) -> Deconvolution:
    spectrum = fitted.spectrum
    fractions, correlations = _fractions(fitted, settings)
    doubts = tuple(_doubts(fitted))
    names = settings.names or _names(fitted)
    lines = tuple(
        _line(fitted, number, names[number], fractions[number], doubts)
        for number in range(fitted.lines.count)
    )
    return Deconvolution(
        name=spectrum.measurement.name,
        nucleus=spectrum.curve.label,
        lines=lines,
        evidence={f"{count} lines": value for count, value in criteria.items()},
        correlations=correlations,
        signal_to_noise=spectrum.signal_to_noise,
        doubts=doubts,
        temperature_K=spectrum.measurement.conditions.temperature_K,
        curves=_curves(fitted, names),
    )


def _names(fitted: Fitted) -> tuple[str, ...]:
    """Return names by the order of shift, with the word broad or sharp where widths differ much."""
    pairs, _ = fitted.lines.split(fitted.found.model.values)
    widths = pairs[:, 1]
    if fitted.lines.count == 2 and widths.max() > _BROAD * widths.min():
        return tuple("broad line" if w == widths.max() else "sharp line" for w in widths)
    return tuple(f"line {number + 1}" for number in range(fitted.lines.count))


def _doubts(fitted: Fitted) -> list[str]:
    spectrum = fitted.spectrum
    doubts = [
        note.removeprefix("flaw: ")
        for note in spectrum.measurement.notes
        if note.startswith("flaw: ")
    ]
    if fitted.found.p_value < _MISFIT:
        ratio = fitted.misfit / max(len(spectrum.curve) - fitted.parameters, 1)
        doubts.append(
            f"the residuals are {math.sqrt(ratio):.2g} times the noise: the lines are not quite of "
            "this shape, or there are more of them"
        )
    if turned := phase_doubt(fitted):
        doubts.append(turned)
    return doubts


def _line(
    fitted: Fitted, number: int, name: str, fraction: Quantity, doubts: Sequence[str]
) -> Line:
    spectrum, scale = fitted.spectrum, fitted.spectrum.hertz_per_unit
    shift, width, share = (
        fitted.found.parameters[f"{word}_{number + 1}"] for word in ("centre", "width", "share")
    )
    unit = spectrum.curve.x_axis.unit
    shift, width = replace(shift, unit=unit), replace(width, unit=unit)
    if scale is not None:
        width = width.scaled(scale, "Hz")
    if share.high - share.low > 1.0:
        share = Quantity.refused("1", "the noise leaves the shape open")
    numbers = [shift, width, share, fraction]
    for doubt in doubts:
        numbers = [number.provisional(doubt) for number in numbers]
    return Line(name, *numbers)


def _fractions(
    fitted: Fitted, settings: DeconvolutionSettings
) -> tuple[tuple[Quantity, ...], tuple[tuple[float, ...], ...]]:
    """Return the share of each line in the area of all, and the correlations of the areas."""
    count = fitted.lines.count
    parts = [area_of(fitted, number) for number in range(count)]
    factors, note = _recovery(fitted, settings)
    areas = np.array([area for area, _ in parts]) * factors
    slopes = np.array([weights for _, weights in parts]) * factors[:, None]
    covariance = slopes @ fitted.found.covariance @ slopes.T
    errors = np.sqrt(np.maximum(np.diag(covariance), 1e-300))
    correlations = covariance / np.outer(errors, errors)
    total = float(areas.sum())
    found = []
    for number in range(count):
        share = areas[number] / total
        gradient = (np.eye(count)[number] - share) / total
        error = math.sqrt(max(float(gradient @ covariance @ gradient), 0.0))
        half = fitted.found.quantile * error
        one = Quantity(float(share), "1", error, float(share - half), float(share + half))
        found.append(one.provisional(note) if note and count > 1 else one)
    return tuple(found), tuple(tuple(float(v) for v in row) for row in correlations)


def _recovery(fitted: Fitted, settings: DeconvolutionSettings) -> tuple[Floats, str]:
    """Return what lines lost by scans that came too soon after each other, and the doubt left."""
    recycle = fitted.spectrum.measurement.conditions.recycle_s
    count = fitted.lines.count
    if not settings.t1_s:
        told = f", {recycle:g} s," if recycle else ""
        return np.ones(count), (
            f"fractions of phases only if the delay between scans{told} is five times the longest "
            "T1: give the T1 of each line"
        )
    if len(settings.t1_s) != count:
        raise InputError(
            "Each line needs one T1", received=f"{len(settings.t1_s)} for {count} lines"
        )
    delay = fitted.spectrum.measurement.conditions.require("recycle_s", of="The correction for T1")
    times = np.array(settings.t1_s)
    if delay >= _RECOVERED * times.max():
        return np.ones(count), ""
    factors = 1.0 / (1.0 - np.exp(-delay / times))
    ratio = float(factors.max() / factors.min())
    note = f"saturation at {delay:g} s between scans corrected by up to {ratio:.2f}, for 90° pulses"
    return factors, note if ratio > _HARD_TO_MEND else ""


def _curves(fitted: Fitted, names: Sequence[str]) -> CurveSet:
    spectrum, x = fitted.spectrum, fitted.spectrum.curve.x
    values = fitted.found.model.values
    lines, ground = fitted.lines.split(values)
    base = fitted.lines.forward(x, np.concatenate([_flat(lines), ground]))
    axis: Axis = spectrum.curve.y_axis
    fit_curve = Curve(x, fitted.found.model(x), spectrum.curve.x_axis, axis, None, "fit")
    parts = [
        Curve(x, base + fitted.lines.line(x, line), spectrum.curve.x_axis, axis, None, name)
        for name, line in zip(names, lines)
    ]
    left = Curve(x, spectrum.curve.y - fit_curve.y, spectrum.curve.x_axis, axis, None, "residuals")
    title = f"Lines of {spectrum.measurement.name}"
    return CurveSet(title, (replace(spectrum.curve, label="measured"), fit_curve, *parts, left))


def _flat(lines: Floats) -> Floats:
    """Return lines of no area that still have a width."""
    flat = np.zeros_like(lines)
    flat[:, 1] = 1.0
    return flat.ravel()
