"""Line widths over temperature: how motion narrows a line, and the energy that this shows."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from vitrolyte.data.curve import Axis, Curve, CurveSet
from vitrolyte.data.errors import InputError, NotConverged
from vitrolyte.data.measurement import Measurement
from vitrolyte.data.model import Model, Parameter
from vitrolyte.data.observation import Observation, Sample, measured
from vitrolyte.data.quantity import Quantity
from vitrolyte.data.result import Result
from vitrolyte.data.units import BOLTZMANN_EV_PER_K
from vitrolyte.infer.fit import Fit, fit
from vitrolyte.laboratory.line_shape.deconvolution import Deconvolution
from vitrolyte.observe.relaxation.narrowing import abragam_width, hendrickson_bray

Floats = NDArray[np.float64]

WAUGH_FEDIN_EV_PER_K = 1.617e-3
"""Rule of thumb for the energy over the temperature of the onset (Waugh & Fedin 1962)."""

TEMPERATURE, WIDTH = Axis("temperature", "K"), Axis("line width", "Hz")
_FEWEST = 5
_ENERGIES = (0.1, 0.15, 0.22, 0.3, 0.4, 0.55, 0.8)
_DRAWN = 200
_NARROWED = 0.85


@dataclass(frozen=True)
class NarrowingSettings:
    """What is known beside the widths.

    Attributes
    ----------
    nucleus
        For the table.
    rigid_width_Hz
        Width of the rigid lattice, where the data do not reach it.
    """

    nucleus: str = ""
    rigid_width_Hz: float | None = None


@dataclass(frozen=True, eq=False)
class LineNarrowing(Result):
    """The energy behind the narrowing of a line.

    Attributes
    ----------
    nucleus
        Which nucleus, where known.
    energy
        By law: ``Hendrickson-Bray``, ``Abragam``, and ``Waugh-Fedin``, a rule of thumb, eV.
    rigid, residual
        Width of the rigid lattice, and what is left in fast motion, Hz.
    tau0
        Correlation time at infinite temperature, s, by Abragam's law.
    onset
        Where the tangent at the steepest place meets the width of the rigid lattice, K.
    curves
        Widths and fits.
    """

    nucleus: str
    energy: Mapping[str, Quantity]
    rigid: Quantity
    residual: Quantity
    tau0: Quantity
    onset: Quantity
    curves: CurveSet

    def observations(self, sample: Sample) -> tuple[Observation, ...]:
        """Return energies, onset, widths and time."""
        at = replace(sample, temperature_K=None)
        rows = [
            measured(at, "activation_energy", number, of="line_narrowing", method=law)
            for law, number in self.energy.items()
        ]
        how = "line width over temperature"
        word = "motional_narrowing_onset_temperature"
        rows.append(measured(at, word, self.onset, of=self.nucleus, method=how))
        for word, number, of in (
            ("nmr_linewidth", self.rigid, "rigid lattice"),
            ("nmr_linewidth", self.residual, "residual"),
            ("bpp_tau0", self.tau0, "line_narrowing"),
        ):
            rows.append(measured(at, word, number, of=of, method=how))
        return tuple(rows)


def line_narrowing(
    measurement: Measurement, settings: NarrowingSettings | None = None
) -> LineNarrowing:
    r"""Return the energy behind widths over temperature, by two laws and a rule of thumb.

    .. math:: \Delta = A \left[1 + (A/B - 1) e^{-E/kT}\right]^{-1} + D, \qquad
        \Delta^2 = A^2 \tfrac{2}{\pi} \arctan(\tau \Delta') + D^2

    The first, of Hendrickson and Bray, is a description; in the second, Abragam's, Δ' is half the
    narrowed width in rad/s and τ = τ0 exp(E/kT). Both give energies that differ from those of
    rates of relaxation by a good deal; they are provisional where the widths do not reach both
    plateaus.

    Raises
    ------
    InputError
        If there are fewer than five temperatures, or the line does not narrow.

    References
    ----------
    Hendrickson & Bray, J. Magn. Reson. 9, 341 (1973), https://doi.org/10.1016/0022-2364(73)90176-5;
    Waugh & Fedin, Sov. Phys. Solid State 4, 1633 (1963).
    """
    wanted = settings or NarrowingSettings()
    curve = measurement.curve
    widths = np.asarray(curve.y, dtype=float)
    _refuse_unfit(curve, measurement.name)
    laws = {"Hendrickson-Bray": _hendrickson_bray, "Abragam": _abragam}
    fits: dict[str, Fit] = {}
    failures: dict[str, str] = {}
    for name, law in laws.items():
        try:
            fits[name] = _best(law, curve, wanted)
        except NotConverged as fault:
            failures[name] = fault.message()
    doubts = _doubts(curve, widths, wanted)
    return _described((curve, wanted), fits, failures, doubts)


def narrowing_of_spectra(
    results: Sequence[Result], settings: NarrowingSettings
) -> LineNarrowing | None:
    """Return the narrowing over spectra at five temperatures or more; None where there are fewer.

    The width is that of the sum of all lines at half of its height.
    """
    found = [one for one in results if isinstance(one, Deconvolution) and one.temperature_K]
    if len({one.temperature_K for one in found}) < _FEWEST:
        return None
    if any(line.width.unit != "Hz" for one in found for line in one.lines):
        return None
    rows = sorted((float(one.temperature_K or 0.0), *_whole_width(one)) for one in found)
    t, widths, errors = (np.array(column) for column in zip(*rows))
    curve = Curve(t, widths, TEMPERATURE, WIDTH, errors, "width")
    name = f"{len(rows)} spectra"
    label = next((one.nucleus for one in found if one.nucleus), settings.nucleus)
    wanted = replace(settings, nucleus=settings.nucleus or label)
    try:
        return line_narrowing(Measurement(curve, file=name), wanted)
    except InputError:
        return None


def _whole_width(one: Deconvolution) -> tuple[float, float]:
    """Return the width at half maximum of all lines together and its error, Hz."""
    widest = max(one.lines, key=lambda line: line.width.value)
    fitted, ground = one.curves["fit"], np.median(one.curves["fit"].y)
    y = np.asarray(fitted.y, dtype=float) - ground
    above = fitted.x[y > 0.5 * y.max()]
    # The scale from the axis to Hz is that of the lines.
    scale = widest.width.value / max(_half(one, widest.name), 1e-300)
    width = float(above[-1] - above[0] + fitted.x[1] - fitted.x[0]) * scale
    if len(one.lines) == 1:
        width = widest.width.value
    relative = max(line.width.error / line.width.value for line in one.lines)
    return width, max(relative, 0.01) * width


def _half(one: Deconvolution, name: str) -> float:
    """Return the width at half maximum of one drawn line, in units of the axis."""
    line, ground = one.curves[name], np.min(one.curves[name].y)
    y = np.asarray(line.y, dtype=float) - ground
    above = line.x[y > 0.5 * y.max()]
    return float(above[-1] - above[0] + line.x[1] - line.x[0])


def _refuse_unfit(curve: Curve, name: str) -> None:
    widths = np.asarray(curve.y, dtype=float)
    if len(np.unique(curve.x)) < _FEWEST:
        raise InputError(
            f"The narrowing of a line needs {_FEWEST} temperatures or more ({name})",
            received=f"{len(np.unique(curve.x))}",
        )
    third = max(len(widths) // 3, 1)
    cold, hot = np.median(widths[:third]), np.median(widths[-third:])
    if hot > _NARROWED * cold:
        raise InputError(
            f"A line that moves in heat has to become narrower ({name})",
            received=f"{cold:.3g} Hz cold, {hot:.3g} Hz hot",
        )


Law = Callable[[Curve, float], Sequence[Model]]


def _best(law: Law, curve: Curve, settings: NarrowingSettings) -> Fit:
    """Return the best fit of a law over a grid of starts."""
    rigid = settings.rigid_width_Hz or 1.02 * float(np.max(curve.y))
    weights = 1.0 if curve.y_error is None else 1.0 / curve.y_error

    def misfit(model: Model) -> float:
        return float(np.sum((weights * (model(curve.x) - curve.y)) ** 2))

    models = sorted(law(curve, rigid), key=misfit)[:3]
    if settings.rigid_width_Hz is not None:
        models = [model.holding(rigid=rigid) for model in models]
    best: Fit | None = None
    failure: NotConverged | None = None
    for model in models:
        try:
            one = fit(model, curve)
        except NotConverged as fault:
            failure = fault
            continue
        if best is None or np.sum(one.residuals**2) < np.sum(best.residuals**2):
            best = one
    if best is None:
        raise failure or NotConverged("A law of narrowing needs a start", received="none")
    return best


def _middles(curve: Curve) -> Floats:
    """Return temperatures at which the line may be half narrowed."""
    return np.linspace(float(curve.x.min()), float(curve.x.max()), 12)


def _outer(curve: Curve, rigid: float) -> tuple[Parameter, Parameter]:
    low = float(np.min(curve.y))
    return (
        Parameter("rigid", rigid, "Hz", 0.3 * rigid, 10.0 * rigid),
        Parameter("residual", 0.95 * low, "Hz", 0.0, float(np.max(curve.y))),
    )


def _hendrickson_bray(curve: Curve, rigid: float) -> Sequence[Model]:
    top, residual = _outer(curve, rigid)

    def forward(t: Floats, p: Floats) -> Floats:
        intrinsic = p[0] / (1.0 + math.exp(min(p[2], 300.0)))
        return hendrickson_bray(t, p[0], intrinsic, p[3], p[1])

    return [
        Model(
            forward,
            (
                replace(top, value=max(rigid - residual.value, top.low)),
                residual,
                Parameter("log_ratio", energy / (BOLTZMANN_EV_PER_K * t), "", 0.0, 200.0),
                Parameter("energy", energy, "eV", 0.0, 5.0),
            ),
        )
        for energy in _ENERGIES
        for t in _middles(curve)
    ]


def _abragam(curve: Curve, rigid: float) -> Sequence[Model]:
    top, residual = _outer(curve, rigid)
    pivot = float(np.median(curve.x))

    def forward(t: Floats, p: Floats) -> Floats:
        rise = p[3] / BOLTZMANN_EV_PER_K * (1.0 / t - 1.0 / pivot)
        moment = (math.pi * p[0]) ** 2
        taus = np.exp(np.clip(p[2] + rise, -90.0, 90.0))
        narrowed = np.array([abragam_width(moment, float(tau)) for tau in taus]) / math.pi
        return np.asarray(np.hypot(narrowed, p[1]))

    return [
        Model(
            forward,
            (
                top,
                residual,
                Parameter(
                    "log_tau",
                    -math.log(math.pi * rigid)
                    + energy / BOLTZMANN_EV_PER_K * (1.0 / pivot - 1.0 / t),
                    "",
                    -80.0,
                    60.0,
                ),
                Parameter("energy", energy, "eV", 0.0, 5.0),
            ),
        )
        for energy in _ENERGIES[::2]
        for t in _middles(curve)[::2]
    ]


def _doubts(curve: Curve, widths: Floats, settings: NarrowingSettings) -> list[str]:
    """Return what the temperatures leave out: a plateau."""
    doubts = []
    slopes = np.diff(widths) / np.diff(curve.x)
    steepest = float(np.min(slopes))
    if settings.rigid_width_Hz is None and slopes[0] < 0.35 * steepest:
        doubts.append("the widths do not reach the plateau of the rigid lattice")
    if slopes[-1] < 0.35 * steepest:
        doubts.append("the widths do not reach the plateau of fast motion")
    return doubts


def _described(
    given: tuple[Curve, NarrowingSettings],
    fits: Mapping[str, Fit],
    failures: Mapping[str, str],
    doubts: Sequence[str],
) -> LineNarrowing:
    curve, settings = given

    def number(law: str, name: str, unit: str) -> Quantity:
        if law not in fits:
            return Quantity.refused(unit, failures.get(law, "no fit"))
        found = fits[law].parameters[name]
        given = name == "rigid" and settings.rigid_width_Hz is not None
        if not given and not found.high - found.low < 1.5 * max(abs(found.value), 1e-12):
            return Quantity.refused(unit, "the widths leave it open")
        for doubt in (*doubts, *(["the law does not hold"] if fits[law].poor else [])):
            found = found.provisional(doubt)
        return found

    energy = {law: number(law, "energy", "eV") for law in ("Hendrickson-Bray", "Abragam")}
    onset = _onset(fits.get("Hendrickson-Bray"), curve)
    for doubt in doubts:
        onset = onset.provisional(doubt)
    energy["Waugh-Fedin"] = onset.scaled(WAUGH_FEDIN_EV_PER_K, "eV").provisional(
        "a rule of thumb, E = 1.617e-3 eV/K times the onset"
    )
    tau0 = _tau0(fits.get("Abragam"), curve)
    for doubt in doubts:
        tau0 = tau0.provisional(doubt)
    return LineNarrowing(
        nucleus=settings.nucleus,
        energy=energy,
        rigid=number("Abragam", "rigid", "Hz"),
        residual=number("Abragam", "residual", "Hz"),
        tau0=tau0,
        onset=onset,
        curves=_curves(curve, fits),
    )


def _tau0(found: Fit | None, curve: Curve) -> Quantity:
    """Return tau_0 = tau(pivot) exp(-E / k pivot), s."""
    if found is None:
        return Quantity.refused("s", "Abragam's law could not be fitted")
    scale = 1.0 / (BOLTZMANN_EV_PER_K * float(np.median(curve.x)))
    slopes = np.array([0.0, 0.0, 1.0, -scale])
    middle = float(slopes @ found.model.values)
    error = math.sqrt(max(float(slopes @ found.covariance @ slopes), 0.0))
    half = found.quantile * error
    if half > 6.0:
        return Quantity.refused("s", "the widths leave it open")
    value = math.exp(middle)
    return Quantity(value, "s", value * error, math.exp(middle - half), math.exp(middle + half))


def _onset(found: Fit | None, curve: Curve) -> Quantity:
    """Return where the steepest tangent meets the rigid width, K, with its propagated error."""
    if found is None:
        return Quantity.refused("K", "the law of Hendrickson and Bray could not be fitted")
    t = np.linspace(0.3 * float(curve.x.min()), 1.5 * float(curve.x.max()), 3000)

    def of(values: Floats) -> float:
        widths = np.asarray(found.model.forward(t, values), dtype=float)
        slopes = np.gradient(widths, t)
        place = int(np.argmin(slopes))
        return float(t[place] + (values[0] + values[1] - widths[place]) / slopes[place])

    values = found.model.values
    gradient = np.zeros(len(values))
    for k, one in enumerate(found.model.parameters):
        step = 1e-3 * max(abs(values[k]), 1e-3)
        up, down = values.copy(), values.copy()
        up[k], down[k] = min(values[k] + step, one.high), max(values[k] - step, one.low)
        gradient[k] = (of(up) - of(down)) / (up[k] - down[k])
    error = math.sqrt(max(float(gradient @ found.covariance @ gradient), 0.0))
    value, half = of(values), found.quantile * error
    if not 0 < value < 2 * float(curve.x.max()) or half > 0.5 * value:
        return Quantity.refused("K", "the widths leave it open")
    number = Quantity(value, "K", error, value - half, value + half)
    if value < curve.x.min():
        number = number.provisional("colder than the coldest width")
    return number


def _curves(curve: Curve, fits: Mapping[str, Fit]) -> CurveSet:
    t = np.linspace(float(curve.x.min()), float(curve.x.max()), _DRAWN)
    lines = tuple(
        Curve(t, np.asarray(one.model(t), float), TEMPERATURE, WIDTH, None, law)
        for law, one in fits.items()
    )
    points = replace(curve, x_axis=TEMPERATURE, y_axis=WIDTH, label="measured")
    return CurveSet("Line width over temperature", (points, *lines), points=("measured",))
