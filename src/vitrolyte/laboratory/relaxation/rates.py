"""Relaxation rates over temperature: peaks, flanks, and whether one process can have them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from vitrolyte.data.curve import Curve, CurveSet
from vitrolyte.data.errors import InputError, NotConverged
from vitrolyte.data.measurement import Measurement
from vitrolyte.data.model import Model
from vitrolyte.data.nuclei import nucleus
from vitrolyte.data.observation import Observation, Sample, measured
from vitrolyte.data.quantity import Quantity
from vitrolyte.data.result import Result
from vitrolyte.infer.fit import Fit, fit
from vitrolyte.laboratory.relaxation.jumps import Jumps, JumpSettings, jumps
from vitrolyte.laboratory.relaxation.recovery import RecoveryFit
from vitrolyte.laboratory.relaxation.series import gather
from vitrolyte.observe.relaxation.peak_fit import (
    INVERSE,
    RATE,
    PeakFit,
    Side,
    compare_flanks,
    fit_peak,
    flank_energy,
)
from vitrolyte.observe.relaxation.peak_model import PeakSettings, RateSeries
from vitrolyte.observe.relaxation.rates import Mechanism

_ONE_MORE = 10.0
"""Twice the logarithm of a Bayes factor that is very strong evidence (Kass & Raftery 1995)."""
_FEWEST = 4
_NEAR_PEAK = 1.5
_VAGUE = 1e4
_RIVALS = ("bpp", "asymmetric", "two-dimensional", "cole-davidson")


@dataclass(frozen=True)
class SlrSettings:
    """How relaxation rates are understood.

    Attributes
    ----------
    nucleus
        As ``7Li``.
    density
        Spectral density of every process, see ``spectral_densities``.
    processes
        How many processes; 0 for as many, up to two, as the evidence asks for.
    mechanism
        ``like``, ``unlike`` or ``single``, see ``rates.terms``.
    law
        Of recoveries: ``auto``, ``single``, ``stretched`` or ``double``.
    jump
        Jump length and density of ions for the estimate of diffusivity and conductivity.
    rivals
        Whether other spectral densities are tried as well, for comparison.
    """

    nucleus: str = "7Li"
    density: str = "asymmetric"
    processes: int = 0
    mechanism: Mechanism = "like"
    law: str = "auto"
    jump: JumpSettings = field(default_factory=JumpSettings)
    rivals: bool = True

    def __post_init__(self) -> None:
        nucleus(self.nucleus)
        PeakSettings(self.density, max(self.processes, 1), self.mechanism)


@dataclass(frozen=True, eq=False)
class FlankLines(Result):
    """Straight lines through the flanks of one series, as papers draw them.

    Attributes
    ----------
    series
        Observable and frequency.
    high, low
        Energies of the hot and of the cold flank, eV.
    beta
        1 + E_LT / E_HT; refused where no single process has such flanks.
    """

    series: str
    high: Quantity
    low: Quantity
    beta: Quantity

    @property
    def impossible(self) -> bool:
        """Return whether the cold flank is steeper than the hot one."""
        both = self.high.status != "refused" and self.low.status != "refused"
        return both and self.low.value > self.high.value

    def observations(self, sample: Sample) -> tuple[Observation, ...]:
        """Return both energies and the asymmetry that they imply."""
        at, how = replace(sample, temperature_K=None), f"straight line, flank of {self.series}"
        rows = [
            ("activation_energy", self.high, "high_temperature_flank"),
            ("activation_energy", self.low, "low_temperature_flank"),
            ("bpp_beta", self.beta, ""),
        ]
        return tuple(measured(at, word, q, of=of, method=how) for word, q, of in rows)


@dataclass(frozen=True, eq=False)
class SpinRelaxation(Result):
    """What relaxation over temperature says of the motion.

    Attributes
    ----------
    nucleus
        Which nucleus.
    peak
        The joint fit of all series; empty where the points do not determine one.
    flanks
        Straight lines, one pair for each series.
    rivals
        Bayesian information criterion of each law tried, less that of the best.
    jumps
        Diffusivity and conductivity that the jump rates would make.
    recoveries
        Fits of single recoveries, where files had them.
    notes
        What was left out, and why there is no peak.
    rates
        Points, and where there is a fit its residuals over the errors.
    """

    nucleus: str
    peak: tuple[PeakFit, ...]
    flanks: tuple[FlankLines, ...]
    rivals: Mapping[str, float]
    jumps: tuple[Jumps, ...]
    recoveries: tuple[RecoveryFit, ...]
    notes: tuple[str, ...]
    residuals: CurveSet

    def observations(self, sample: Sample) -> tuple[Observation, ...]:
        """Return the rows of the joint fit first, then those of lines, jumps and recoveries."""
        rows: list[Observation] = []
        for one in self.peak:
            rows += [_as_measured(row) for row in one.observations(sample)]
        for part in (*self.flanks, *self.jumps, *self.recoveries):
            rows += part.observations(sample)
        return tuple(rows)


def _as_measured(row: Observation) -> Observation:
    """Return a row of the joint fit as one of measured data, without the word ``process``."""
    of = row.of.replace(" process_", " ").removesuffix(" process")
    return replace(row, kind="measured", of=of.removeprefix("process").lstrip("_ "))


def spin_relaxation(
    measurements: Sequence[Measurement], settings: SlrSettings | None = None
) -> SpinRelaxation:
    r"""Return the motion behind relaxation rates measured over temperature.

    All series (R1 at several fields, R1rho at several spin-locks) share the processes of

    .. math:: R(T) = \sum_p K_p \sum_i w_i J(\omega_i; \tau_p), \qquad
        \tau_p = \tau_{0,p}\, e^{E_p / kT}

    Beside the fit stand straight lines through the flanks. Where the cold flank is the steeper
    one, which needs β above 2, every number of the fit is provisional and says so.

    Parameters
    ----------
    measurements
        Rates over temperature, or recoveries with their temperatures; with field or Larmor
        frequency, and for R1rho the spin-lock, in their conditions.

    Raises
    ------
    InputError
        If a condition is missing, or nothing is left to fit.

    References
    ----------
    Bloembergen, Purcell & Pound, Phys. Rev. 73, 679 (1948), https://doi.org/10.1103/PhysRev.73.679;
    Heitjans & Indris, J. Phys.: Condens. Matter 15, R1257 (2003),
    https://doi.org/10.1088/0953-8984/15/30/202.
    """
    wanted = settings or SlrSettings()
    found = gather(measurements, nucleus(wanted.nucleus), law=wanted.law)
    series = tuple(one for one in found.series if len(np.unique(one.temperatures_K)) >= 2)
    if not series and not found.recoveries:
        raise InputError(
            "Relaxation over temperature needs rates at several temperatures",
            received="; ".join(found.left_out) or "single points",
        )
    lines = tuple(_lines(one) for one in series)
    notes = list(found.left_out)
    chosen, rivals = _peak(series, wanted, notes)
    doubts = [f"flanks of {one.series} contradict one process: {one.beta.note}"
              for one in lines if one.impossible]  # fmt: skip
    peak = () if chosen is None else (_doubted(chosen.described, doubts),)
    return SpinRelaxation(
        nucleus=wanted.nucleus,
        peak=peak,
        flanks=lines,
        rivals=rivals,
        jumps=jumps(peak[0], wanted.nucleus, wanted.jump) if peak else (),
        recoveries=found.recoveries,
        notes=tuple(notes),
        residuals=_residuals(series, chosen),
    )


def _lines(series: RateSeries) -> FlankLines:
    high, low = _flank(series, "high"), _flank(series, "low")
    beta = compare_flanks(high, low)
    if high.status != "refused" and low.status != "refused" and low.value > high.value:
        reason = beta.note or "the cold flank is the steeper one"
        high, low = high.provisional(reason), low.provisional(reason)
    return FlankLines(series.condition.label, high, low, beta)


def _flank(series: RateSeries, side: Side) -> Quantity:
    """Return the energy of a flank; one that is hardly left of the maximum is provisional."""
    number = flank_energy(series, side, fit)
    if number.status != "refused":
        return number
    nearer = flank_energy(series, side, fit, from_peak=_NEAR_PEAK)
    if nearer.status == "refused":
        return number
    return nearer.provisional(
        f"points from {_NEAR_PEAK:g} times below the maximum are used: so close to it the slope is "
        "smaller than that of the flank"
    )


@dataclass(frozen=True, eq=False)
class _Candidate:
    """One law fitted to all series."""

    name: str
    described: PeakFit
    found: Fit
    criterion: float


def _peak(
    series: tuple[RateSeries, ...], settings: SlrSettings, notes: list[str]
) -> tuple[_Candidate | None, Mapping[str, float]]:
    """Return the best law with the number of processes that the evidence asks for, and rivals."""
    points = sum(len(one.rates) for one in series)
    temperatures = {float(t) for one in series for t in one.temperatures_K}
    if len(temperatures) < _FEWEST:
        if series:
            notes.append(f"a peak needs {_FEWEST} temperatures or more: {len(temperatures)}")
        return None, {}
    counts = (settings.processes,) if settings.processes else (1, 2)
    tried: dict[str, _Candidate] = {}
    others = _RIVALS if settings.rivals else ()
    for density in dict.fromkeys((settings.density, *others)):
        for count in counts if density == settings.density else counts[:1]:
            if count > counts[0] and not _unexplained(tried.get(settings.density)):
                continue
            one = _candidate(series, PeakSettings(density, count, settings.mechanism), points)
            if isinstance(one, _Candidate):
                tried[one.name] = one
            elif density == settings.density and count == counts[0]:
                notes.append(one)
    own = [one for one in tried.values() if one.described.density == settings.density]
    best = own[0] if own else None
    for one in own[1:]:
        if best is not None and one.criterion < best.criterion - _ONE_MORE:
            best = one
    least = min((one.criterion for one in tried.values()), default=0.0)
    return best, {name: one.criterion - least for name, one in tried.items()}


def _unexplained(single: _Candidate | None) -> bool:
    """Return whether one process leaves anything for a second one."""
    return single is None or math.isnan(single.found.chi2) or single.found.poor


def _candidate(
    series: tuple[RateSeries, ...], settings: PeakSettings, points: int
) -> _Candidate | str:
    kept: list[Fit] = []

    def keeping(model: Model, curve: Curve) -> Fit:
        kept.append(fit(model, curve))
        return kept[-1]

    name = settings.density + (f", {settings.processes}" if settings.processes > 1 else "")
    try:
        described = fit_peak(series, keeping, settings=settings)
    except (InputError, NotConverged) as fault:
        return f"no peak by the law {name}: {fault.message()}"
    found = kept[-1]
    square = float(np.sum(found.residuals**2))
    count = len(found.model.parameters)
    misfit = points * math.log(square / points) if math.isnan(found.chi2) else square
    return _Candidate(name, _judged(described), found, misfit + count * math.log(points))


def _judged(described: PeakFit) -> PeakFit:
    """Return a fit without the numbers that the points leave open."""
    return _each(described, _open)


def _open(number: Quantity) -> Quantity:
    if number.status == "refused":
        return number
    logarithmic = number.unit in ("s", "1/s", "1/s²")
    vague = (
        number.high > _VAGUE * max(number.low, 1e-300)
        if logarithmic
        else number.high - number.low > 2.0 * abs(number.value)
    )
    if number.unit == "1":
        vague = number.high - number.low > 1.0
    if not vague:
        return number
    return Quantity.refused(
        number.unit,
        f"the points leave it open: {number.value:.3g} {number.unit}, "
        f"95 % from {number.low:.3g} to {number.high:.3g}",
    )


def _doubted(described: PeakFit, doubts: Sequence[str]) -> PeakFit:
    def doubted(number: Quantity) -> Quantity:
        for doubt in doubts:
            number = number.provisional(doubt)
        return number

    return _each(described, doubted)


_MAPPINGS = (
    "high_energy", "low_energy", "tau0", "beta", "coupling", "jump_rate", "peak_temperature",
)  # fmt: skip


def _each(described: PeakFit, change: Callable[[Quantity], Quantity]) -> PeakFit:
    changed: dict[str, Any] = {
        name: {key: change(number) for key, number in getattr(described, name).items()}
        for name in _MAPPINGS
    }
    return replace(described, **changed)


def _residuals(series: tuple[RateSeries, ...], chosen: _Candidate | None) -> CurveSet:
    """Return measured over fitted rates, or the points alone where there is no fit."""
    curves = tuple(_ratios(series, chosen))
    if chosen is None:
        return CurveSet("Rates", curves, log_y=True, points=tuple(c.label for c in curves))
    return CurveSet("Measured over fitted rate", curves, points=tuple(c.label for c in curves))


def _ratios(series: tuple[RateSeries, ...], chosen: _Candidate | None) -> Iterator[Curve]:
    first = 0
    for one in series:
        t, rates = np.asarray(one.temperatures_K), np.asarray(one.rates)
        label = one.condition.label
        if chosen is None:
            errors = None if one.relative_errors is None else rates * one.relative_errors
            yield Curve(1000.0 / t, rates, INVERSE, RATE, errors, label)
            continue
        numbers = np.arange(first, first + len(t), dtype=float)
        first += len(t)
        fitted = np.exp(chosen.found.model(numbers))
        axis = replace(RATE, name="measured over fitted rate", unit="")
        relative = one.relative_errors
        errors = None if relative is None else rates / fitted * relative
        yield Curve(1000.0 / t, rates / fitted, INVERSE, axis, errors, label)
