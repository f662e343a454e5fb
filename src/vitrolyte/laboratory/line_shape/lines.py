"""A spectrum as a sum of lines: how many, where, how wide, and what part each one has."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.signal import hilbert

from vitrolyte.data.curve import Curve
from vitrolyte.data.errors import InputError, NotConverged
from vitrolyte.data.model import Model, Parameter
from vitrolyte.infer.correlated import with_correlated_noise
from vitrolyte.infer.fit import Fit, fit
from vitrolyte.laboratory.line_shape.preparation import Prepared
from vitrolyte.observe.line_shapes import pseudo_voigt, pseudo_voigt_slopes

Floats = NDArray[np.float64]

_STRONG = 10.0
"""Twice the logarithm of a Bayes factor that is very strong evidence (Kass & Raftery 1995)."""
_WIDTHS = (0.25, 1.0, 4.0)
_TRIED = 2
_PHASE_SIGMAS, _PHASE_DEGREES = 4.0, 2.0


@dataclass(frozen=True)
class LineModel:
    """A sum of pseudo-Voigt lines on a polynomial.

    Attributes
    ----------
    count
        Number of lines.
    baseline
        Order of the polynomial; -1 for none.
    span
        The ends of x, between which the polynomial is measured.
    """

    count: int
    baseline: int
    span: tuple[float, float]

    def split(self, values: Floats) -> tuple[Floats, Floats]:
        """Return centre, width, share and area of the lines, (count, 4), and the polynomial."""
        end = 4 * self.count
        return values[:end].reshape(self.count, 4), values[end:]

    def forward(self, x: Floats, values: Floats) -> Floats:
        """Return the spectrum at x."""
        lines, ground = self.split(values)
        found = self._powers(x) @ ground
        for line in lines:
            found = found + self.line(x, line)
        return np.asarray(found)

    def line(self, x: Floats, line: Floats) -> Floats:
        """Return one line at x."""
        centre, width, share, area = line
        return np.asarray(area * pseudo_voigt(x, centre, width, share))

    def jacobian(self, x: Floats, values: Floats) -> Floats:
        """Return the derivatives at x, (n, p)."""
        columns = np.zeros((len(x), len(values)))
        for number, (centre, width, share, area) in enumerate(self.split(values)[0]):
            slopes = pseudo_voigt_slopes(x, centre, width, share)
            columns[:, 4 * number : 4 * number + 3] = area * slopes.T
            columns[:, 4 * number + 3] = pseudo_voigt(x, centre, width, share)
        columns[:, 4 * self.count :] = self._powers(x)
        return columns

    def _powers(self, x: Floats) -> Floats:
        low, high = self.span
        t = (2.0 * x - low - high) / (high - low)
        return np.stack([t**k for k in range(self.baseline + 1)], axis=1).reshape(len(x), -1)

    def model(self, lines: Floats, x: Floats, y: Floats) -> Model:
        """Return the model with lines (count, 3) of centre, width and share as start.

        Areas and polynomial start from linear least squares.
        """
        low, high = self.span
        step, reach = float(x[1] - x[0]), high - low
        columns = [pseudo_voigt(x, c, w, s) for c, w, s in lines]
        design = np.column_stack([*columns, self._powers(x)])
        linear, *_ = np.linalg.lstsq(design, y)
        areas = linear[: len(columns)]
        parameters = []
        for number, ((centre, width, share), area) in enumerate(zip(lines, areas), start=1):
            parameters += [
                Parameter(f"centre_{number}", float(np.clip(centre, low, high)), "", low, high),
                Parameter(
                    f"width_{number}", float(np.clip(width, step, reach)), "", 0.5 * step, 4 * reach
                ),
                Parameter(f"share_{number}", float(share), "1", 0.0, 1.0),
                Parameter(f"area_{number}", float(area), ""),
            ]
        ground = linear[len(columns) :]
        parameters += [Parameter(f"ground_{k}", float(v), "") for k, v in enumerate(ground)]
        return Model(self.forward, tuple(parameters), self.jacobian)


@dataclass(frozen=True, eq=False)
class Fitted:
    """Lines fitted to a spectrum.

    Attributes
    ----------
    spectrum
        What was fitted.
    lines
        The equation.
    found
        Its parameters, with the correlation of the noise in their covariance.
    criterion
        Misfit and parameters in one number, for the comparison of numbers of lines.
    """

    spectrum: Prepared
    lines: LineModel
    found: Fit
    misfit: float

    @property
    def parameters(self) -> int:
        """Return the number of parameters."""
        return len(self.found.model.parameters)

    @property
    def sound(self) -> bool:
        """Return whether every line has an area above its own error."""
        pairs, _ = self.lines.split(self.found.model.values)
        return bool(np.all(pairs[:, 3] > 0.0))


def fit_lines(
    spectrum: Prepared, *, baseline: int = 1, count: int = 0, most: int = 4
) -> tuple[Fitted, dict[int, float]]:
    """Return the lines of a spectrum, and the criterion of each number of them less the best.

    Lines are added where the residuals are largest, narrow or broad, as long as the evidence for
    one more is very strong. Where no number of lines fits within the noise, misfits are measured
    by what is left at the largest number, so that shapes which are not quite those of the model
    do not call for ever more lines.

    Parameters
    ----------
    count
        Number of lines; 0 for as many, up to ``most``, as the evidence asks for.

    Raises
    ------
    NotConverged
        If not even one line can be fitted.
    """
    curve = spectrum.curve
    wanted = range(1, (count or most) + 1)
    fits: dict[int, Fitted] = {}
    starts = np.zeros((0, 3))
    failure: NotConverged | None = None
    for number in wanted:
        lines = LineModel(number, baseline, (float(curve.x[0]), float(curve.x[-1])))
        try:
            fits[number] = _best(spectrum, lines, starts, fits.get(number - 1))
        except NotConverged as fault:
            failure = fault
            break
        pairs, _ = lines.split(fits[number].found.model.values)
        starts = pairs[:, :3]
        if not count and number > 1:
            one_more = _criteria({n: fits[n] for n in (number - 1, number)}, spectrum)
            if one_more[number] > one_more[number - 1] - _STRONG:
                break
    sound = {n: one for n, one in fits.items() if one.sound} or fits
    if not sound or (count and count not in fits):
        raise NotConverged(
            f"{count or 1} line(s) have to be told apart in {spectrum.measurement.name}",
            received=failure.received if failure else "lines of no area",
            remedy="ask for fewer lines, or give a wider window",
        )
    criteria = _criteria(sound, spectrum)
    chosen = count or next(
        n for n in sound
        if all(criteria[n] <= criteria[m] + _STRONG * (m - n) for m in sound if m > n)
    )  # fmt: skip
    return sound[chosen], criteria


def _criteria(fits: dict[int, Fitted], spectrum: Prepared) -> dict[int, float]:
    noise, n = spectrum.noise, len(spectrum.curve)
    independent = max(n / noise.per_point, 8.0)
    least = min(one.misfit / max(n - one.parameters, 1) for one in fits.values())
    scale = max(noise.inflation, noise.per_point) * max(least, 1.0)
    found = {
        count: one.misfit / scale + one.parameters * math.log(independent)
        for count, one in fits.items()
    }
    best = min(found.values())
    return {count: value - best for count, value in found.items()}


def _best(spectrum: Prepared, lines: LineModel, before: Floats, last: Fitted | None) -> Fitted:
    """Return the best fit over starts: the lines found before, and one more, narrow or broad."""
    curve = Curve(
        spectrum.curve.x,
        spectrum.curve.y,
        spectrum.curve.x_axis,
        spectrum.curve.y_axis,
        np.full(len(spectrum.curve), spectrum.noise.level),
    )
    best: Fit | None = None
    failure: NotConverged | None = None
    y = np.asarray(curve.y, dtype=float)
    models = [lines.model(start, curve.x, y) for start in _starts(spectrum, before, last)]
    models.sort(key=lambda model: float(np.sum((model(curve.x) - y) ** 2)))
    for model in models[:_TRIED]:
        try:
            one = fit(model, curve)
        except NotConverged as fault:
            failure = fault
            continue
        if best is None or one.chi2 < best.chi2:
            best = one
    if best is None:
        raise failure or NotConverged("Lines need a start", received="none")
    corrected = with_correlated_noise(best, curve, spectrum.noise)
    return Fitted(spectrum, lines, _ordered(corrected, lines), corrected.chi2)


def _starts(spectrum: Prepared, before: Floats, last: Fitted | None) -> Iterator[Floats]:
    x, y = spectrum.curve.x, np.asarray(spectrum.curve.y, dtype=float)
    if last is None:
        place, width = half_height(x, y - np.median(y))
        yield np.array([[place, width, 0.5]])
        yield np.array([[place, 3.0 * width, 0.2]])
        return
    left = y - last.found.model(x)
    typical = float(np.median(before[:, 1]))
    for factor in _WIDTHS:
        width = max(factor * typical, 3.0 * (x[1] - x[0]))
        kernel = pseudo_voigt(x - x[len(x) // 2], 0.0, width, 0.0)
        seen = np.convolve(left, kernel / np.linalg.norm(kernel), mode="same")
        place = float(x[int(np.argmax(seen))])
        yield np.vstack([before, [place, width, 0.3]])
    # Two lines in the place of the widest one: a broad foot under a sharp line.
    widest = int(np.argmax(before[:, 1]))
    twins = np.vstack([before, before[widest]])
    twins[widest, 1], twins[-1, 1] = 0.5 * before[widest, 1], 2.0 * before[widest, 1]
    twins[[widest, -1], 2] = 0.3
    yield twins


def half_height(x: Floats, y: Floats) -> tuple[float, float]:
    """Return place and full width at half height of the highest line."""
    top = int(np.argmax(y))
    half = y > 0.5 * y[top]
    low, high = top, top
    while low > 0 and half[low - 1]:
        low -= 1
    while high < len(y) - 1 and half[high + 1]:
        high += 1
    return float(x[top]), float(x[high] - x[low] + x[1] - x[0])


def _ordered(found: Fit, lines: LineModel) -> Fit:
    """Return a fit with its lines in the order of their centres."""
    pairs, _ = lines.split(found.model.values)
    order = np.argsort(pairs[:, 0])
    numbers = np.arange(len(found.model.parameters))
    head = numbers[: 4 * lines.count].reshape(lines.count, 4)[order].ravel()
    moved = np.concatenate([head, numbers[4 * lines.count :]])
    names = [p.name for p in found.model.parameters]
    parameters = tuple(
        replace(found.model.parameters[k], name=name) for k, name in zip(moved, names)
    )
    quantities = {
        name: found.parameters[found.model.parameters[k].name] for k, name in zip(moved, names)
    }
    return replace(
        found,
        model=replace(found.model, parameters=parameters),
        parameters=quantities,
        covariance=found.covariance[np.ix_(moved, moved)],
    )


def phase_left(fitted: Fitted) -> tuple[float, float]:
    r"""Return the phase by which a spectrum is still turned, and its error, degrees.

    The residuals are projected on the dispersion that belongs to the fitted absorption, its
    Hilbert transform; a small turn by φ adds φ times that.
    """
    x = fitted.spectrum.curve.x
    lines, _ = fitted.lines.split(fitted.found.model.values)
    step, n = x[1] - x[0], len(x)
    wide = x[0] + step * np.arange(-n, 2 * n)
    absorption = sum((fitted.lines.line(wide, line) for line in lines), np.zeros(3 * n))
    dispersion = np.imag(hilbert(absorption))[n : 2 * n]
    # What the fit would have taken up itself does not count.
    slopes = fitted.lines.jacobian(x, fitted.found.model.values)
    free = dispersion - slopes @ np.linalg.lstsq(slopes, dispersion)[0]
    residuals = fitted.spectrum.curve.y - fitted.found.model(x)
    square = float(free @ free)
    if square <= 1e-12 * float(dispersion @ dispersion):
        return 0.0, math.inf
    error = fitted.spectrum.noise.level * math.sqrt(fitted.spectrum.noise.inflation / square)
    return math.degrees(float(free @ residuals) / square), math.degrees(error)


def phase_doubt(fitted: Fitted) -> str:
    """Return the sentence about a phase that is not right; empty where it is."""
    turn, error = phase_left(fitted)
    if abs(turn) > max(_PHASE_SIGMAS * error, _PHASE_DEGREES):
        return f"the spectrum is still turned by about {turn:.0f}° of phase: lines lean to one side"
    return ""


def area_of(fitted: Fitted, number: int) -> tuple[float, Floats]:
    """Return the area of a line, and the weights of the parameters in it.

    Raises
    ------
    InputError
        If there is no such line.
    """
    if not 0 <= number < fitted.lines.count:
        raise InputError(f"There are {fitted.lines.count} lines", received=f"{number}")
    weights = np.zeros(fitted.parameters)
    weights[4 * number + 3] = 1.0
    return float(weights @ fitted.found.model.values), weights
