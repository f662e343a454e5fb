"""Spin relaxation of a nucleus from a run: rates at fields and spin-locks, with intervals."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from vitrolyte.data.curve import Axis, Curve, CurveSet
from vitrolyte.data.errors import InputError
from vitrolyte.data.nuclei import Nucleus, nucleus
from vitrolyte.data.observation import Observation, Sample, computed
from vitrolyte.data.quantity import Quantity
from vitrolyte.data.result import Result
from vitrolyte.data.trajectory import Trajectory
from vitrolyte.observe.relaxation.couplings import (
    FIELD_GRADIENT,
    RelaxationSettings,
    Source,
    dipolar_sources,
    gradient_source,
    reach_of,
    tensor_source,
)
from vitrolyte.observe.relaxation.estimates import PS_TO_S, Estimator
from vitrolyte.observe.relaxation.rates import Condition, condition

Floats = NDArray[np.float64]

CITATIONS = (
    "https://doi.org/10.1103/PhysRev.73.679",
    "https://doi.org/10.1002/andp.19213690304",
    "https://doi.org/10.1007/BF02590998",
)
_POINT_CHARGES = (
    "field gradients of point charges times one antishielding factor are a model: the rate scales "
    "with the square of the factor, its change with temperature and frequency does not"
)
_BARE = "no antishielding factor was given, so that the gradients are those of bare charges"
_FEWEST_FRAMES_TO_DRAW = 200
_FINITE_REACH = 0.02


@dataclass(frozen=True, eq=False)
class Relaxation(Result):
    """Spin relaxation of one nucleus by the motion in one run.

    Attributes
    ----------
    nucleus, mechanism
        Which nucleus, and by what: ``quadrupolar``, ``dipolar`` or both.
    n_nuclei, duration_ps
        How many were followed, how long.
    rates
        By condition (``R1, 194.3 MHz``): rate, 1/s.
    coupling
        K of all that fluctuates, vibrations included, 1/s².
    correlation_time
        Integral of C(t) over C(0), vibrations included, s.
    slow_time, slow_coupling
        Time of the slowest motion, s, and the part of K that it relaxes, 1/s²: what counts at the
        frequencies of NMR and goes into the law over temperature.
    strength
        Size of the coupling as spectroscopists say it: root mean square quadrupole coupling
        constant, Hz, or second moment of the rigid line, rad²/s².
    spectrum
        K J over frequency, each part, and the line through the low modes.
    correlation
        C(t) / C(0) of each part.
    """

    nucleus: str
    mechanism: str
    n_nuclei: int
    duration_ps: float
    rates: Mapping[str, Quantity]
    coupling: Quantity
    correlation_time: Quantity
    slow_time: Quantity
    slow_coupling: Quantity
    strength: Mapping[str, Quantity]
    spectrum: CurveSet
    correlation: CurveSet

    def observations(self, sample: Sample) -> tuple[Observation, ...]:
        """Return the rates, the times, and the strength of the coupling."""
        how = f"{self.mechanism}, from the trajectory"
        rows = [
            computed(
                sample,
                f"relaxation_rate_{label.partition(',')[0]}",
                number,
                of=f"{self.nucleus}, {label.partition(', ')[2]}",
                method=how,
            )
            for label, number in self.rates.items()
        ]
        rows += [
            computed(
                sample, "correlation_time", self.slow_time, of=f"{self.nucleus} slow", method=how
            ),
            computed(
                sample, "correlation_time", self.correlation_time, of=self.nucleus, method=how
            ),
            computed(
                sample, "relaxation_coupling", self.slow_coupling, of=f"{self.nucleus} slow",
                method=how,
            ),
            computed(sample, "relaxation_coupling", self.coupling, of=self.nucleus, method=how),
        ]  # fmt: skip
        for word, number in self.strength.items():
            rows.append(computed(sample, word, number, of=self.nucleus, method=how))
        return tuple(rows)


def relaxation(
    trajectory: Trajectory,
    of: str | Nucleus,
    *,
    charges: Mapping[str, float] | None = None,
    antishielding: float | None = None,
    dipolar: bool = True,
    settings: RelaxationSettings | None = None,
) -> Relaxation:
    r"""Return the relaxation of a nucleus by field gradients, by dipolar couplings, or by both.

    .. math:: R = \sum_i K_i w_i J(\omega_i), \qquad
        J(\omega) = \int \frac{\langle A(0):A(t) \rangle}{\langle A:A \rangle} e^{-i\omega t} dt

    with A the field gradient at a nucleus, or the dipolar tensor of a pair. Averaged over all
    directions of the field (powder, glass, liquid). Cross terms between pairs, and between the two
    mechanisms, are left out.

    Parameters
    ----------
    trajectory
        Frames at equal time steps; any cell.
    of
        ``7Li``, or a `Nucleus`.
    charges
        Charge of each species, e, for field gradients; None leaves them out. They are left out for
        a spin 1/2 too.
    antishielding
        Sternheimer's 1 - gamma_infinity of the nucleus in its ion.
    dipolar
        Whether to count magnetic couplings.
    settings
        Fields, spin-locks, how many nuclei.

    Raises
    ------
    InputError
        If nothing is left to relax the nucleus, a species has no charge, or the frames are too few
        or unequally spaced.

    References
    ----------
    Abragam, The Principles of Nuclear Magnetism (Oxford 1961), chapter VIII; Roberts & Schnitker,
    J. Phys. Chem. 97, 5410 (1993) (gradients from a run).
    """
    one = nucleus(of) if isinstance(of, str) else of
    settings = settings or RelaxationSettings()
    sources: list[Source] = []
    doubts: list[str] = []
    if charges is not None and one.spin >= 1:
        factor = 1.0 if antishielding is None else antishielding
        sources.append(
            gradient_source(trajectory, one, charges, antishielding=factor, settings=settings)
        )
        doubts.append(_POINT_CHARGES if antishielding is not None else f"{_POINT_CHARGES}; {_BARE}")
    if dipolar:
        sources += dipolar_sources(trajectory, one, settings=_with_nuclei(settings, sources))
        doubts += _beyond_reach(trajectory, sources, settings)
    if not sources:
        raise InputError(
            f"Something has to relax {one.name}: charges for field gradients (spins above 1/2), or "
            "dipolar partners with a spin",
            received=f"charges {charges}, dipolar {dipolar}",
        )
    return _described(one, tuple(sources), tuple(doubts), settings)


def relaxation_of_tensors(
    tensors: Floats,
    of: str | Nucleus,
    *,
    step_ps: float,
    antishielding: float = 1.0,
    settings: RelaxationSettings | None = None,
) -> Relaxation:
    """Return quadrupolar relaxation from field gradients that were computed elsewhere.

    Parameters
    ----------
    tensors
        (n_frames, n_nuclei, 3, 3), V/Å², from electronic structure, say.
    of
        ``7Li``, or a `Nucleus`.
    step_ps
        Time between frames.
    antishielding
        A factor on the tensors; 1 where electrons were treated explicitly.
    settings
        Fields and spin-locks.

    Raises
    ------
    InputError
        If the tensors are not finite and symmetric or the time step is not positive.
    """
    if not step_ps > 0:
        raise InputError("Frames are a positive time apart", received=f"{step_ps} ps")
    one = nucleus(of) if isinstance(of, str) else of
    source = tensor_source(tensors, step_ps, one, antishielding)
    return _described(one, (source,), (), settings or RelaxationSettings())


def _with_nuclei(settings: RelaxationSettings, sources: list[Source]) -> RelaxationSettings:
    """Return the settings with as many nuclei as the sources that were read before hold."""
    if not sources:
        return settings
    return replace(settings, max_nuclei=sources[0].channel.n_nuclei)


def _beyond_reach(
    trajectory: Trajectory, sources: list[Source], settings: RelaxationSettings
) -> list[str]:
    """Say what share of the dipolar second moment lies beyond the reach, if it counts."""
    reach, volume = reach_of(trajectory, settings), float(trajectory.volumes.mean())
    inside, outside = 0.0, 0.0
    for source in sources:
        if source.channel.name == FIELD_GRADIENT:
            continue
        density = trajectory.species.count(source.channel.name) / volume
        inside += source.factor * source.channel.mean_square
        outside += source.factor * 6.0 * 4.0 * math.pi * density / (3.0 * reach**3)
    share = outside / (inside + outside) if inside > 0 else 0.0
    if share < _FINITE_REACH:
        return []
    return [
        f"partners beyond {reach:.1f} Å, {100 * share:.2g} % of the second moment and more of J "
        "at low frequency, are left out"
    ]


def conditions(one: Nucleus, settings: RelaxationSettings) -> tuple[Condition, ...]:
    """Return what is wanted of a nucleus: R1 and R2 in each field, R1rho in the first."""
    found = [condition("R1", one, field) for field in settings.fields_T]
    found += [condition("R2", one, field) for field in settings.fields_T]
    first = settings.fields_T[0]
    found += [condition("R1rho", one, first, lock) for lock in settings.spin_locks_kHz]
    return tuple(found)


def _described(
    one: Nucleus, sources: tuple[Source, ...], doubts: tuple[str, ...], settings: RelaxationSettings
) -> Relaxation:
    wanted = conditions(one, settings)
    estimator = Estimator.of(sources, wanted)
    units = ("1/s",) * len(wanted) + ("1/s", "s", "1/s²")
    found = estimator.quantities(units)
    rates = {
        at.label: _judged(number, estimator.reason(at), doubts) for at, number in zip(wanted, found)
    }
    zero = estimator.unknown_at_zero()
    total, slow_time, slow_coupling = found[len(wanted) :]
    k0 = sum(source.factor * source.channel.mean_square for source in sources)
    mean_time = _judged(total.scaled(1.0 / (2.0 * k0), "s"), zero, ())
    kinds = ["quadrupolar"] * (sources[0].channel.name == FIELD_GRADIENT)
    kinds += ["dipolar"] * any(s.channel.name != FIELD_GRADIENT for s in sources)
    return Relaxation(
        nucleus=one.name,
        mechanism=" and ".join(kinds),
        n_nuclei=sources[0].channel.n_nuclei,
        duration_ps=sources[0].channel.n_frames * sources[0].channel.step_ps,
        rates=rates,
        coupling=_judged(_mean_coupling(sources), "", doubts),
        correlation_time=mean_time,
        slow_time=_judged(slow_time, zero, ()),
        slow_coupling=_judged(slow_coupling, zero, doubts),
        strength=_strength(one, sources, doubts),
        spectrum=_spectrum(sources, estimator),
        correlation=_correlation(sources),
    )


def _judged(number: Quantity, reason: str, doubts: tuple[str, ...]) -> Quantity:
    if reason:
        return Quantity.refused(number.unit, reason)
    for doubt in doubts:
        number = number.provisional(doubt)
    return number


def _mean_coupling(sources: tuple[Source, ...]) -> Quantity:
    value = sum(source.factor * source.channel.mean_square for source in sources)
    return Quantity(float(value), "1/s²").provisional("mean over the run; no error is given")


def _strength(
    one: Nucleus, sources: tuple[Source, ...], doubts: tuple[str, ...]
) -> dict[str, Quantity]:
    """Return root mean square C_Q (of sqrt(1 + eta²/3) C_Q) and the dipolar second moment."""
    found, moment = {}, 0.0
    for source in sources:
        k = source.factor * source.channel.mean_square
        if source.channel.name == FIELD_GRADIENT:
            shape = (2 * one.spin + 3) / (one.spin**2 * (2 * one.spin - 1))
            c_q = math.sqrt(k / (3.0 / 80.0 * shape)) / (2.0 * math.pi)
            number = Quantity(
                c_q, "Hz", note="root mean square of C_Q sqrt(1 + eta²/3)"
            ).provisional("mean over the run; no error is given")
            found["quadrupolar_coupling_constant"] = _judged(
                number, "", tuple(d for d in doubts if d.startswith("field"))
            )
        else:
            for share in source.shares:
                per_k = 0.6 if share.mechanism == "like" else 0.4
                moment += per_k * share.factor * source.channel.mean_square
    if moment:
        number = Quantity(moment, "rad²/s²", note="of the rigid line, a powder").provisional(
            "mean over the run; no error is given"
        )
        found["nmr_second_moment"] = _judged(
            number, "", tuple(d for d in doubts if d.startswith("partners"))
        )
    return found


def _spectrum(sources: tuple[Source, ...], estimator: Estimator) -> CurveSet:
    axis, rate = Axis("frequency", "MHz"), Axis("K J(ω)", "1/s")
    to_MHz = 1e6 / (2.0 * math.pi)
    curves = []
    for source in sources:
        power = source.factor * PS_TO_S * source.channel.power.mean(axis=0)
        x, y = _thinned(estimator.omega * to_MHz, power)
        curves.append(Curve(x, y, axis, rate, label=source.channel.name))
    line = estimator.line
    if line is not None:
        top = estimator.omega[max(estimator.readers[-1].fitted - 1, 0)]
        x = np.geomspace(0.1 * float(estimator.omega[0]), float(top), 60)
        curves.append(
            Curve(x * to_MHz, PS_TO_S * line.at(x), axis, rate, label="slowest motion, all")
        )
    return CurveSet("Spectral density of the couplings", tuple(curves), log_x=True, log_y=True)


def _thinned(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Return means over bins that widen with frequency."""
    edges = np.unique(np.geomspace(1, len(x) + 1, 80).astype(int)) - 1
    starts, counts = edges[:-1], np.diff(edges)
    return np.add.reduceat(x, starts)[: len(counts)] / counts, np.add.reduceat(y, starts)[
        : len(counts)
    ] / counts


def _correlation(sources: tuple[Source, ...]) -> CurveSet:
    curves = []
    for source in sources:
        channel = source.channel
        shown = channel.n_frames // 2
        lags = np.unique(np.geomspace(1, shown, _FEWEST_FRAMES_TO_DRAW).astype(int) - 1)
        values = channel.correlation()[lags] / max(channel.mean_square, 1e-300)
        curves.append(
            Curve(
                lags * channel.step_ps,
                values,
                Axis("time", "ps"),
                Axis("C(t) / C(0)", ""),
                label=channel.name,
            )
        )
    return CurveSet("Correlation of the couplings", tuple(curves))
