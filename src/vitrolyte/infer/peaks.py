"""Peaks on a smooth baseline: how many there are, and what each of them is."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import chain, pairwise

import numpy as np
from numpy.polynomial import chebyshev
from numpy.typing import NDArray

from vitrolyte.data.curve import Curve
from vitrolyte.data.errors import InputError, NotConverged
from vitrolyte.data.model import Model, Parameter
from vitrolyte.data.quantity import Quantity
from vitrolyte.infer.fit import Fit, FitSettings, fit
from vitrolyte.observe.line_shapes import pseudo_voigt, pseudo_voigt_slopes

Floats = NDArray[np.float64]

CITATIONS = ("10.1214/aos/1176344136",)
_PER_PEAK = 4
_SEEN = 5.0
_WORTH = 10.0
_SAME = 0.25
_FWHM = 2.3548


@dataclass(frozen=True)
class PeakSettings:
    """What peaks are looked for.

    Attributes
    ----------
    centres
        Where peaks are known to be; these are kept, and others are added to them.
    most
        Most peaks.
    widths
        Narrowest and widest full width at half maximum.
    orders
        Orders of the baseline polynomial that are tried.
    drift
        How far a known centre may move.

    Raises
    ------
    InputError
        If a range is empty.
    """

    centres: tuple[float, ...] = ()
    most: int = 10
    widths: tuple[float, float] = (4.0, 120.0)
    orders: tuple[int, ...] = (1, 2, 3, 4)
    drift: float = 15.0

    def __post_init__(self) -> None:
        if not (0 < self.widths[0] < self.widths[1] and self.orders and self.drift > 0):
            raise InputError(
                "Peaks need a rising range of widths above zero, an order of the baseline and a "
                "drift above zero",
                received=str(self),
            )
        if self.most < max(1, len(self.centres)) or min(self.orders) < 0:
            raise InputError("More peaks are named than may be fitted", received=str(self))


@dataclass(frozen=True, eq=False)
class PeaksFound:
    """Peaks on a baseline.

    Attributes
    ----------
    fit
        Of ``area i``, ``centre i``, ``width i``, ``share i`` (Lorentzian part) and ``baseline i``.
    count, order
        Of peaks, and of the baseline.
    domain
        Ends of x, between which the baseline is a Chebyshev series.
    rejected
        By how much the Bayesian information criterion rose with one peak more; infinite where no
        further one was seen.
    """

    fit: Fit
    count: int
    order: int
    domain: tuple[float, float]
    rejected: float

    def values(self, name: str) -> list[Quantity]:
        """Return ``area``, ``centre``, ``width`` or ``share`` of all peaks."""
        return [self.fit.parameters[f"{name} {n}"] for n in range(1, self.count + 1)]

    def baseline(self, x: Floats) -> Floats:
        """Return the baseline at x."""
        own = self.fit.model.values[_PER_PEAK * self.count :]
        return np.asarray(_polynomials(x, self.domain, self.order) @ own, dtype=float)

    def peak(self, x: Floats, number: int) -> Floats:
        """Return one peak at x; the first has number 1."""
        first = _PER_PEAK * (number - 1)
        area, centre, width, share = self.fit.model.values[first : first + _PER_PEAK]
        return np.asarray(area * pseudo_voigt(x, centre, width, share), dtype=float)

    def fractions(self) -> list[Quantity]:
        """Return the share of each peak in the area of all, with the covariance of all areas."""
        places = [_PER_PEAK * n for n in range(self.count)]
        areas = self.fit.model.values[places]
        covariance = self.fit.covariance[np.ix_(places, places)]
        total = float(areas.sum())
        found = []
        for n, area in enumerate(areas):
            slope = np.full(self.count, -area / total**2)
            slope[n] += 1.0 / total
            error = math.sqrt(max(0.0, float(slope @ covariance @ slope)))
            value, half = float(area / total), self.fit.quantile * error
            ends = max(0.0, value - half), min(1.0, value + half)
            found.append(Quantity(value, "1", error=error, low=ends[0], high=ends[1]))
        return found


def peaks_on_baseline(curve: Curve, settings: PeakSettings) -> PeaksFound:
    r"""Return the peaks that a spectrum shows on a smooth baseline.

    .. math:: y(x) = \sum_i A_i\, \mathrm{pV}(x; c_i, w_i, \eta_i) + \sum_m b_m T_m(x)

    Baseline and peaks are fitted together, so that the errors of the areas hold what the baseline
    leaves open. Peaks are added where the residuals show one at five standard deviations, the
    clearest first, as long as Schwarz's criterion :math:`\chi^2 + p \ln n` falls by ten; the order
    of the baseline is the one with the lowest criterion.

    Parameters
    ----------
    curve
        Rising x, with errors.
    settings
        What is looked for.

    Raises
    ------
    InputError
        If the curve has no errors or too few points.
    NotConverged
        If nothing could be fitted.

    References
    ----------
    Schwarz, Ann. Stat. 6, 461 (1978), doi:10.1214/aos/1176344136.
    """
    if curve.y_error is None or len(curve) < 20:
        raise InputError(
            "Peaks on a baseline need a curve of 20 points or more with errors",
            received=f"{len(curve)} points, {'no ' if curve.y_error is None else ''}errors",
        )
    trials = []
    for order in settings.orders:
        found = _grown(curve, settings, order)
        if found is not None:
            trials.append(found)
    if not trials:
        raise NotConverged("Peaks on a baseline must lead to a fit", received="no convergence")
    noise = min(max(1.0, found.fit.chi2 / found.fit.dof) for found in trials)
    return min(trials, key=lambda found: _criterion(found, noise))


def _criterion(found: PeaksFound, noise: float) -> float:
    free = len(found.fit.model.parameters)
    return found.fit.chi2 / noise + free * math.log(found.fit.dof + free)


def _grown(curve: Curve, settings: PeakSettings, order: int) -> PeaksFound | None:
    """Return the fit with as many peaks as the points ask for, on a baseline of one order."""
    domain = (float(curve.x[0]), float(curve.x[-1]))
    start = _Start(curve, settings, order, domain)
    found = start.fitted([(c, 0.0, 0.0) for c in settings.centres])
    if found is None and settings.centres:
        return None
    rejected = math.inf
    while found is None or found.count < settings.most:
        candidate = start.next(found)
        if candidate is None:
            break
        fuller = start.fitted([*start.peaks(found), candidate])
        if fuller is None:
            break
        if found is not None:
            noise = max(1.0, fuller.fit.chi2 / fuller.fit.dof)
            gain = _criterion(found, noise) - _criterion(fuller, noise)
            if gain < _WORTH or _merged(fuller):
                rejected = -gain
                break
        found = fuller
    return None if found is None else replace(found, rejected=rejected)


def _merged(found: PeaksFound) -> bool:
    """Return whether two peaks are one: nearer than a quarter of the narrower width."""
    centres = [one.value for one in found.values("centre")]
    widths = [one.value for one in found.values("width")]
    order = np.argsort(centres)
    return any(
        centres[b] - centres[a] < _SAME * min(widths[a], widths[b]) for a, b in pairwise(order)
    )


@dataclass(frozen=True, eq=False)
class _Start:
    """Where fits begin: the curve, its range, and the order of the baseline."""

    curve: Curve
    settings: PeakSettings
    order: int
    domain: tuple[float, float]

    def fitted(self, peaks: list[tuple[float, float, float]]) -> PeaksFound | None:
        """Return the fit from centres, widths and areas; zeros stand for what is not known."""
        peaks = [self._guessed(*peak) for peak in peaks]
        lines = [self._line(n, *peak) for n, peak in enumerate(peaks, start=1)]
        base = self._base(peaks)
        scale = float(np.ptp(self.curve.y.real)) or 1.0
        flat = [
            Parameter(f"baseline {m}", float(b), "", -1e3 * scale - abs(b), 1e3 * scale + abs(b))
            for m, b in enumerate(base)
        ]
        model = Model(
            lambda x, p: _sum(x, p, len(peaks), self.domain),
            tuple(chain(*lines, flat)),
            lambda x, p: _slopes(x, p, len(peaks), self.domain),
        )
        try:
            found = fit(model, self.curve, settings=FitSettings(undetermined="refuse"))
        except NotConverged:
            return None
        return PeaksFound(found, len(peaks), self.order, self.domain, math.inf)

    def _guessed(self, centre: float, width: float, area: float) -> tuple[float, float, float]:
        low, high = self.settings.widths
        width = width or min(max(12.0, 1.5 * low), 0.5 * high)
        if not area:
            near = np.abs(self.curve.x - centre) < 2.0 * width
            height = float(np.ptp(self.curve.y.real[near])) if np.any(near) else 1.0
            area = max(0.5 * height * width, 1e-9)
        return centre, min(max(width, 1.01 * low), 0.99 * high), area

    def _line(self, n: int, centre: float, width: float, area: float) -> list[Parameter]:
        named = any(abs(centre - known) <= self.settings.drift for known in self.settings.centres)
        drift = self.settings.drift if named else max(self.settings.drift, width)
        ceiling = 1e3 * float(np.ptp(self.curve.y.real)) * self.settings.widths[1]
        return [
            Parameter(f"area {n}", min(area, 0.5 * ceiling), "", 0.0, ceiling),
            Parameter(f"centre {n}", centre, "cm⁻¹", centre - drift, centre + drift),
            Parameter(f"width {n}", width, "cm⁻¹", *self.settings.widths),
            Parameter(f"share {n}", 0.5, "1", 0.0, 1.0),
        ]

    def _base(self, peaks: list[tuple[float, float, float]]) -> Floats:
        """Return the coefficients of a baseline under peaks that are guessed."""
        design = _polynomials(self.curve.x, self.domain, self.order)
        y = self.curve.y.real - sum(
            (area * pseudo_voigt(self.curve.x, c, w, 0.5) for c, w, area in peaks),
            np.zeros(len(self.curve)),
        )
        inside = y <= np.quantile(y, 0.8)
        found, *_ = np.linalg.lstsq(design[inside], y[inside], rcond=None)
        return np.asarray(found, dtype=float)

    def peaks(self, found: PeaksFound | None) -> list[tuple[float, float, float]]:
        if found is None:
            return []
        values = found.fit.model.values[: _PER_PEAK * found.count].reshape(-1, _PER_PEAK)
        return [(float(c), float(w), max(float(a), 1e-9)) for a, c, w, _ in values]

    def next(self, found: PeaksFound | None) -> tuple[float, float, float] | None:
        """Return the peak that stands out most of what is left, or None."""
        x, error = self.curve.x, self.curve.y_error
        if error is None:
            return None
        left = self.curve.y.real - (found.fit.model(x).real if found else self._under())
        noise = 1.0 if found is None else max(1.0, found.fit.chi2 / found.fit.dof) ** 0.5
        best: tuple[float, tuple[float, float, float]] | None = None
        for width in np.geomspace(1.5 * self.settings.widths[0], 0.5 * self.settings.widths[1], 6):
            seen, area = _matched(x, left, error, float(width))
            top = int(seen.argmax())
            if seen[top] > _SEEN * noise and (best is None or seen[top] > best[0]):
                best = float(seen[top]), (float(x[top]), float(width), float(area[top]))
        return best[1] if best else None

    def _under(self) -> Floats:
        return np.asarray(
            _polynomials(self.curve.x, self.domain, self.order) @ self._base([]), dtype=float
        )


def _matched(x: Floats, y: Floats, error: Floats, width: float) -> tuple[Floats, Floats]:
    """Return significance and area of a Gaussian of one width at each x."""
    step = float(np.median(np.diff(x)))
    half = max(2, round(2.0 * width / step))
    place = np.arange(-half, half + 1) * step
    shape = np.exp(-0.5 * (place * _FWHM / width) ** 2)
    weight = 1.0 / error**2
    top = np.convolve(y * weight, shape, mode="same")
    norm = np.convolve(weight, shape**2, mode="same")
    area = top / norm * width * 1.0645
    return np.asarray(top / np.sqrt(norm)), np.asarray(np.maximum(area, 1e-9))


def _polynomials(x: Floats, domain: tuple[float, float], order: int) -> Floats:
    place = 2.0 * (np.asarray(x) - domain[0]) / (domain[1] - domain[0]) - 1.0
    return np.asarray(chebyshev.chebvander(place, order), dtype=float)


def _sum(x: Floats, p: Floats, count: int, domain: tuple[float, float]) -> Floats:
    area, centre, width, share = p[: _PER_PEAK * count].reshape(count, _PER_PEAK).T
    base = p[_PER_PEAK * count :]
    y = _polynomials(x, domain, len(base) - 1) @ base
    if count:
        y = y + pseudo_voigt(x[:, None], centre, width, share) @ area
    return np.asarray(y, dtype=float)


def _slopes(x: Floats, p: Floats, count: int, domain: tuple[float, float]) -> Floats:
    area, centre, width, share = p[: _PER_PEAK * count].reshape(count, _PER_PEAK).T
    flat = _polynomials(x, domain, len(p) - _PER_PEAK * count - 1)
    if not count:
        return flat
    shape = pseudo_voigt(x[:, None], centre, width, share)
    by_centre, by_width, by_share = area * pseudo_voigt_slopes(x[:, None], centre, width, share)
    lines = np.stack([shape, by_centre, by_width, by_share], axis=2).reshape(len(x), -1)
    return np.concatenate([lines, flat], axis=1)
