"""Static powders and glasses: quadrupole couplings and shift anisotropies from a spectrum."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from vitrolyte.data.curve import Curve, CurveSet
from vitrolyte.data.errors import InputError, NotConverged
from vitrolyte.data.measurement import Measurement
from vitrolyte.data.model import Model, Parameter
from vitrolyte.data.nuclei import Nucleus, nucleus
from vitrolyte.data.observation import Observation, Sample, measured
from vitrolyte.data.quantity import Quantity
from vitrolyte.data.result import Result
from vitrolyte.infer.correlated import with_correlated_noise
from vitrolyte.infer.fit import Fit, fit
from vitrolyte.laboratory.line_shape.lines import half_height
from vitrolyte.laboratory.line_shape.preparation import (
    Prepared,
    folded,
    prepared,
    signal_window,
    thinned,
)
from vitrolyte.observe.nmr_lines.anisotropy import anisotropy_spectrum
from vitrolyte.observe.nmr_lines.czjzek import czjzek_satellites
from vitrolyte.observe.nmr_lines.powder import broadened
from vitrolyte.observe.nmr_lines.quadrupolar import (
    Coupling,
    central_spectrum,
    satellite_spectrum,
    transition_weights,
)

Floats = NDArray[np.float64]
Kind = Literal["quadrupolar", "czjzek", "shift-anisotropy"]
Shapes = Callable[[Floats, Floats], Floats]
"""Spectra (n_bins, k) whose areas are free, at edges about the centre and the parameters."""

_KINDS = ("quadrupolar", "czjzek", "shift-anisotropy")
_FINENESS = 32
_FINEST_SHARE = 1.0 / 400.0
_MISFIT = 0.01
_STRONG = 10.0
_STARTS = 2
_MOST_LOOKS = 3000


@dataclass(frozen=True)
class PatternSettings:
    """Which pattern is sought.

    Attributes
    ----------
    kind
        ``quadrupolar``: satellites of one site; ``czjzek``: of a glass; ``shift-anisotropy``.
    nucleus
        As ``7Li``.
    window
        Ends of the part that is fitted, in the unit of the spectrum; empty for all of it.

    Raises
    ------
    InputError
        If the nucleus has no such pattern.
    """

    kind: Kind
    nucleus: str
    window: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        one = nucleus(self.nucleus)
        half_integer = one.spin > 1 and (2 * one.spin) % 2 == 1
        if self.kind not in _KINDS or (self.kind != "shift-anisotropy" and not half_integer):
            raise InputError(
                f"A pattern is one of {', '.join(_KINDS)}; quadrupolar ones need a spin of 3/2, "
                "5/2 ...",
                received=f"{self.kind} of {self.nucleus}, spin {one.spin:g}",
            )
        if len(self.window) not in (0, 2):
            raise InputError("A window has two ends", received=f"{self.window}")

    @property
    def isotope(self) -> Nucleus:
        """Return the nucleus."""
        return nucleus(self.nucleus)


@dataclass(frozen=True, eq=False)
class PowderLineShape(Result):
    """The coupling behind the spectrum of a static powder or glass.

    Attributes
    ----------
    name, nucleus, kind
        File, nucleus, which pattern.
    couplings
        By word: ``quadrupolar_coupling_constant`` and ``quadrupolar_asymmetry``, or
        ``czjzek_width``, or ``shift_anisotropy`` and ``shift_asymmetry``; ``nmr_shift`` where the
        axis has shifts.
    broadening
        Width at half maximum of the line at each direction, Hz.
    satellite_share
        Part of the area in satellites over what the spin says; 1 where all are seen.
    evidence
        Criterion of the laws that were tried, less that of the best.
    doubts
        What is wrong.
    temperature_K
        None where not known.
    curves
        Spectrum, fit, residuals.
    """

    name: str
    nucleus: str
    kind: str
    couplings: Mapping[str, Quantity]
    broadening: Quantity
    satellite_share: Quantity
    evidence: Mapping[str, float]
    doubts: tuple[str, ...]
    temperature_K: float | None
    curves: CurveSet = field(repr=False)

    def observations(self, sample: Sample) -> tuple[Observation, ...]:
        """Return the couplings and the width of the central line."""
        at, how = replace(sample, temperature_K=self.temperature_K), f"static powder, {self.kind}"
        rows = [
            measured(at, word, number, of=self.nucleus, method=how)
            for word, number in self.couplings.items()
        ]
        rows.append(measured(at, "nmr_linewidth", self.broadening, of=self.nucleus, method=how))
        return tuple(rows)


@dataclass(frozen=True, eq=False)
class _Problem:
    """One kind of pattern: its own parameters, their trials, and its parts."""

    kind: Kind
    parameters: tuple[Parameter, ...]
    trials: tuple[tuple[float, ...], ...]
    shapes: Shapes
    parts: int


def powder_pattern(measurement: Measurement, settings: PatternSettings) -> PowderLineShape:
    r"""Return the coupling behind a static powder pattern, by least squares.

    The central line and the satellites (or the one line of a spin 1/2) have free areas on a
    straight ground, since pulses excite satellites less; each direction's line is Gaussian and
    Lorentzian. Where a glass was asked for as a crystal or the reverse, the other law is tried as
    well and a doubt says which of them the evidence prefers.

    Raises
    ------
    InputError
        If the Larmor frequency is needed and not known, or nothing stands out of the noise.
    NotConverged
        If the pattern does not determine its coupling.
    """
    spectrum = _ready(measurement, settings)
    problems = [_problem(kind, spectrum, settings) for kind in _rivals(settings.kind)]
    tried: dict[Kind, tuple[_Problem, Fit]] = {}
    for problem in problems:
        try:
            starts = _STARTS if problem.kind == settings.kind else 1
            tried[problem.kind] = problem, _fitted(problem, spectrum, starts)
        except NotConverged:
            if problem.kind == problems[-1].kind and not tried:
                raise
    return _described(spectrum, settings, tried)


def _rivals(kind: Kind) -> tuple[Kind, ...]:
    others: dict[Kind, tuple[Kind, ...]] = {
        "quadrupolar": ("czjzek",),
        "czjzek": ("quadrupolar",),
    }
    return (kind, *others.get(kind, ()))


def _ready(measurement: Measurement, settings: PatternSettings) -> Prepared:
    """Return the spectrum over frequency in Hz."""
    whole = prepared(measurement)
    scale = whole.hertz_per_unit
    if scale is None:
        scale = measurement.conditions.require("larmor_MHz", of="A pattern from shifts in ppm")
    x = whole.curve.x
    ends = (float(x[0]), float(x[-1]))
    signal_window(whole)
    if settings.window:
        ends = settings.window[0], settings.window[1]
    part = folded(whole, ends, ())
    in_hertz = replace(part.curve, x=part.curve.x * scale)
    hertz = replace(part, curve=in_hertz)
    return thinned(hertz, _FINEST_SHARE * float(np.ptp(in_hertz.x)))


def _problem(kind: Kind, spectrum: Prepared, settings: PatternSettings) -> _Problem:
    span = float(np.ptp(spectrum.curve.x))
    step = float(spectrum.curve.x[1] - spectrum.curve.x[0])
    widths = np.geomspace(6.0 * step, 0.6 * span, 20)
    eta = Parameter("eta", 0.2, "1", 0.0, 1.0)
    spin = settings.isotope.spin
    if kind == "quadrupolar":
        reach = 2.0 * spin * (2.0 * spin - 1.0) / 3.0
        parameters = (Parameter("c_q", span, "Hz", 0.0, 20.0 * span), eta)
        trials = tuple(product((reach * widths).tolist(), (0.05, 0.4, 0.8)))
        return _Problem(kind, parameters, trials, _quadrupolar(spectrum, settings), 2)
    if kind == "czjzek":
        sigma = Parameter("sigma", span, "Hz", 10.0 * step, 20.0 * span)
        return _Problem(
            kind, (sigma,), tuple((float(w),) for w in 2.0 * widths), _glass(settings), 2
        )
    parameters = (Parameter("zeta", span / 4.0, "Hz", -span, span), eta)
    signed = np.concatenate([-widths, widths]).tolist()
    trials = tuple(product(signed, (0.05, 0.4, 0.8)))
    return _Problem(kind, parameters, trials, _anisotropic, 1)


def _quadrupolar(spectrum: Prepared, settings: PatternSettings) -> Shapes:
    larmor = spectrum.measurement.conditions.larmor_MHz
    larmor_Hz = larmor * 1e6 if larmor else np.inf
    spin = settings.isotope.spin

    def shapes(edges: Floats, own: Floats) -> Floats:
        one = Coupling(spin, float(own[0]), float(np.clip(own[1], 0.0, 1.0)), larmor_Hz)
        return np.stack(
            [
                central_spectrum(edges, one, fineness=_FINENESS),
                satellite_spectrum(edges, one, fineness=_FINENESS),
            ],
            axis=1,
        )

    return shapes


def _glass(settings: PatternSettings) -> Shapes:
    spin = settings.isotope.spin
    central = transition_weights(spin)[0.5]

    def shapes(edges: Floats, own: Floats) -> Floats:
        steps = np.diff(edges)
        # All of the central line lies at zero, shared by the two bins next to it.
        middle = 0.5 * (edges[1:] + edges[:-1])
        line = central * np.maximum(0.0, 1.0 - np.abs(middle) / steps) / steps
        return np.stack([line, czjzek_satellites(edges, spin, float(own[0]))], axis=1)

    return shapes


def _anisotropic(edges: Floats, own: Floats) -> Floats:
    eta = float(np.clip(own[1], 0.0, 1.0))
    return anisotropy_spectrum(edges, float(own[0]), eta, fineness=_FINENESS)[:, None]


def _edges(x: Floats) -> Floats:
    step = float(x[1] - x[0])
    return np.asarray(np.append(x, x[-1] + step) - 0.5 * step)


def _fitted(problem: _Problem, spectrum: Prepared, starts: int) -> Fit:
    curve = replace(
        spectrum.curve, y_error=np.full(len(spectrum.curve), spectrum.noise.level), label=""
    )
    models = sorted(_models(problem, curve), key=lambda pair: pair[0])[:starts]
    best: Fit | None = None
    failure: NotConverged | None = None
    for _, model in models:
        try:
            one = fit(model, curve)
        except NotConverged as fault:
            failure = fault
            continue
        if best is None or one.chi2 < best.chi2:
            best = one
    if best is None:
        raise failure or NotConverged("A pattern needs a start", received="none")
    return with_correlated_noise(best, curve, spectrum.noise)


def _models(problem: _Problem, curve: Curve) -> Iterator[tuple[float, Model]]:
    """Yield models from a grid of starts, with the misfit of each."""
    x, y = curve.x, np.asarray(curve.y, dtype=float)
    span, step = float(np.ptp(x)), float(x[1] - x[0])
    middle = _middle(problem, x, y)
    t = (x - x.mean()) / span
    widths = (0.004 * span, 0.02 * span)
    if problem.parts == 2:
        # The central line stands on the satellites: its own width is seen at once.
        seen = max(half_height(x, y - np.median(y))[1], 2.0 * step)
        widths = (0.5 * seen, 0.9 * seen)
    for own, width in product(problem.trials, widths):
        parts = _parts(problem, x, (middle, np.array(own), (width, 0.3 * width)))
        design = np.column_stack([parts, np.ones_like(t), t])
        linear, *_ = np.linalg.lstsq(design, y)
        misfit = float(np.sum((y - design @ linear) ** 2))
        if np.any(linear[: problem.parts] <= 0):
            continue
        parameters = (
            Parameter("centre", middle, "Hz", float(x[0]), float(x[-1])),
            *(replace(p, value=float(v)) for p, v in zip(problem.parameters, own)),
            Parameter("gauss", max(width, 1.5 * step), "Hz", 1.5 * step, span),
            Parameter("lorentz", 0.3 * width, "Hz", 0.0, span),
            *(
                Parameter(f"area_{k}", float(v), "", 0.0)
                for k, v in enumerate(linear[: problem.parts])
            ),
            Parameter("ground_0", float(linear[-2]), ""),
            Parameter("ground_1", float(linear[-1]), ""),
        )
        yield misfit, Model(_forward(problem, x, t), parameters)


def _middle(problem: _Problem, x: Floats, y: Floats) -> float:
    if problem.parts == 2:
        return float(x[int(np.argmax(y))])
    level = y - np.median(y)
    strong = level > 0.1 * level.max()
    return float(np.sum(x[strong] * level[strong]) / np.sum(level[strong]))


def _parts(problem: _Problem, x: Floats, at: tuple[float, Floats, tuple[float, float]]) -> Floats:
    """Return the broadened parts at x, (n, parts)."""
    centre, own, (gauss, lorentz) = at
    step = float(x[1] - x[0])
    raw = problem.shapes(_edges(x) - centre, own)
    columns = [broadened(one, step, gauss=gauss, lorentz=lorentz) for one in raw.T]
    return np.stack(columns, axis=1)


def _forward(problem: _Problem, grid: Floats, t: Floats) -> Callable[[Floats, Floats], Floats]:
    own = slice(1, 1 + len(problem.parameters))
    looks = itertools.count(1)

    def forward(x: Floats, values: Floats) -> Floats:
        del x
        # A wrong law has a valley without a floor, in which a search would walk for minutes.
        if next(looks) > _MOST_LOOKS:
            raise NotConverged(
                f"The law {problem.kind!r} has to settle on the spectrum",
                received=f"a search that goes on after {_MOST_LOOKS} patterns",
                remedy="try another --model",
            )
        gauss, lorentz = values[own.stop : own.stop + 2]
        areas = values[own.stop + 2 : own.stop + 2 + problem.parts]
        parts = _parts(problem, grid, (float(values[0]), values[own], (gauss, lorentz)))
        return np.asarray(parts @ areas + values[-2] + values[-1] * t)

    return forward


def _described(
    spectrum: Prepared, settings: PatternSettings, tried: Mapping[Kind, tuple[_Problem, Fit]]
) -> PowderLineShape:
    kind: Kind = settings.kind if settings.kind in tried else _first(tried)
    _, found = tried[kind]
    evidence = _evidence(spectrum, tried)
    doubts = _doubts(spectrum, found, settings, evidence)

    def doubted(number: Quantity) -> Quantity:
        for doubt in doubts:
            number = number.provisional(doubt)
        return number

    couplings = dict(_couplings(spectrum, replace(settings, kind=kind), found))
    if kind != settings.kind:
        couplings = {
            word: Quantity.refused(number.unit, f"{doubts[0]}; this law is {kind!r}")
            for word, number in couplings.items()
        }
    unseen = Quantity.refused("1", "there are no satellites")
    share = unseen if kind == "shift-anisotropy" else _share(found)
    return PowderLineShape(
        name=spectrum.measurement.name,
        nucleus=settings.nucleus,
        kind=settings.kind,
        couplings={word: doubted(number) for word, number in couplings.items()},
        broadening=doubted(_width(found)),
        satellite_share=doubted(share),
        evidence=evidence,
        doubts=doubts,
        temperature_K=spectrum.measurement.conditions.temperature_K,
        curves=_curves(spectrum, found),
    )


def _first(tried: Mapping[Kind, tuple[_Problem, Fit]]) -> Kind:
    return next(iter(tried))


def _evidence(spectrum: Prepared, tried: Mapping[Kind, tuple[_Problem, Fit]]) -> dict[str, float]:
    noise, n = spectrum.noise, len(spectrum.curve)
    least = min(one.chi2 for _, one in tried.values()) / n
    scale = max(noise.inflation, noise.per_point) * max(least, 1.0)
    log_n = math.log(max(n / noise.per_point, 8.0))
    found = {k: o.chi2 / scale + len(o.model.parameters) * log_n for k, (_, o) in tried.items()}
    best = min(found.values())
    return {kind: value - best for kind, value in found.items()}


def _doubts(
    spectrum: Prepared, found: Fit, settings: PatternSettings, evidence: Mapping[str, float]
) -> tuple[str, ...]:
    notes = spectrum.measurement.notes
    missing = settings.kind not in evidence
    lost = [f"the spectrum does not determine the law {settings.kind!r}"] if missing else []
    doubts = lost + [note.removeprefix("flaw: ") for note in notes if note.startswith("flaw: ")]
    if found.p_value < _MISFIT:
        ratio = math.sqrt(found.chi2 / max(found.dof, 1))
        doubts.append(f"the residuals are {ratio:.2g} times the noise")
    better = [k for k in evidence if evidence[k] + _STRONG < evidence.get(settings.kind, 0.0)]
    doubts += [f"the evidence prefers the law {kind!r}" for kind in better]
    if spectrum.measurement.conditions.spinning_kHz:
        doubts.append("the sample was spinning; the pattern is that of a powder at rest")
    return tuple(doubts)


def _couplings(
    spectrum: Prepared, settings: PatternSettings, found: Fit
) -> Iterator[tuple[str, Quantity]]:
    numbers, scale = found.parameters, spectrum.hertz_per_unit
    in_ppm = spectrum.curve.x_axis.unit == "ppm"
    if in_ppm and scale:
        yield "nmr_shift", numbers["centre"].scaled(1.0 / scale, "ppm")
    if settings.kind == "czjzek":
        yield "czjzek_width", numbers["sigma"]
        return
    eta = numbers["eta"]
    if eta.high - eta.low > 1.0:
        eta = Quantity.refused("1", "the pattern leaves it open")
    if settings.kind == "quadrupolar":
        yield "quadrupolar_coupling_constant", numbers["c_q"]
        yield "quadrupolar_asymmetry", eta
        return
    larmor = spectrum.measurement.conditions.larmor_MHz
    if larmor is None:
        reason = "the Larmor frequency is not known: give --larmor-MHz"
        yield "shift_anisotropy", Quantity.refused("ppm", reason)
    else:
        yield "shift_anisotropy", numbers["zeta"].scaled(1.0 / larmor, "ppm")
    yield "shift_asymmetry", eta


def _order(found: Fit) -> list[str]:
    return [p.name for p in found.model.parameters]


def _width(found: Fit) -> Quantity:
    """Return the width at half maximum of the line at each direction, Hz, a Voigt line's."""
    names, values = _order(found), found.model.values
    bell, straight = (values[names.index(n)] for n in ("gauss", "lorentz"))
    root = math.sqrt(0.2166 * straight**2 + bell**2)
    slopes = np.zeros(len(names))
    slopes[names.index("gauss")] = bell / root
    slopes[names.index("lorentz")] = 0.5346 + 0.2166 * straight / root
    return _linear(found, 0.5346 * straight + root, slopes, "Hz")


def _share(found: Fit) -> Quantity:
    """Return the area of the satellites over that of the central line, against the spin's own."""
    names, values = _order(found), found.model.values
    first, second = (names.index(n) for n in ("area_0", "area_1"))
    ratio = values[second] / values[first]
    slopes = np.zeros(len(names))
    slopes[second], slopes[first] = 1.0 / values[first], -ratio / values[first]
    return _linear(found, float(ratio), slopes, "1")


def _linear(found: Fit, value: float, slopes: Floats, unit: str) -> Quantity:
    error = math.sqrt(max(float(slopes @ found.covariance @ slopes), 0.0))
    half = found.quantile * error
    return Quantity(float(value), unit, error, float(value - half), float(value + half))


def _curves(spectrum: Prepared, found: Fit) -> CurveSet:
    x, axis = spectrum.curve.x, replace(spectrum.curve.x_axis, name="frequency", unit="Hz")
    fitted = np.asarray(found.model(x), dtype=float)
    shown = replace(spectrum.curve, x_axis=axis, label="measured")
    return CurveSet(
        f"Powder pattern of {spectrum.measurement.name}",
        (
            shown,
            replace(shown, y=fitted, label="fit"),
            replace(shown, y=np.asarray(shown.y) - fitted, label="residuals"),
        ),
    )
