"""Coherent scattering in time: how fast the density waves of the ions decay."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from vitrolyte.data.curve import Axis, Curve, CurveSet
from vitrolyte.data.fitted import Fitter
from vitrolyte.data.observation import Observation, Sample, computed
from vitrolyte.data.quantity import Quantity
from vitrolyte.data.result import Result
from vitrolyte.data.trajectory import Trajectory
from vitrolyte.observe.sampling import Sampling, sample
from vitrolyte.observe.scattering.density_waves import WaveVectors, density_waves, vectors_within
from vitrolyte.observe.spread import Spread, spread
from vitrolyte.observe.threads import in_order
from vitrolyte.observe.tracks import Tracks, time_step
from vitrolyte.observe.van_hove.displacement_counts import (
    MotionSettings,
    count_displacements,
)
from vitrolyte.observe.van_hove.incoherent import Q_A, checked, relabelled
from vitrolyte.observe.van_hove.relaxation import Decay, decay, slow_start

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Complexes = NDArray[np.complex64]
CITATIONS = ("10.1103/PhysRev.95.249", "10.1039/TF9706600080")

TOTAL = "total"
_SHELL_WIDTH = 0.05
_ORIGINS_IN_LAG = 16
_STRETCHES = 12
_TIME = Axis("lag time", "ps")
_COHERENT = Axis("F(q, t) / S(q)", "")


@dataclass(frozen=True)
class CoherentSettings:
    """How density waves are followed.

    Attributes
    ----------
    motion
        Lags, frame of reference and memory.
    vectors
        Most reciprocal vectors of one length, one of each pair +q and -q.
    weights
        Scattering length of each species in the total; all alike by default.
    seed
        Of the choice among more vectors.
    start_ps
        The slow decay is looked at from this lag on, ps; by default from behind the cage of the
        species, of the fastest one for the total.
    """

    motion: MotionSettings = field(default_factory=MotionSettings)
    vectors: int = 24
    weights: Mapping[str, float] | None = None
    seed: int = 0
    start_ps: float | None = None


@dataclass(frozen=True, eq=False)
class CoherentPart(Result):
    """The coherent intermediate scattering function of one species, or of all.

    Attributes
    ----------
    of
        Species, or ``total``.
    q
        Mean length of the vectors, 1/Å.
    structure_factor
        F(q, 0) by wave number: of a species a ``<|rho_a|²> / N_a``, of all
        ``<|sum b_a rho_a|²> / sum N_a b_a²``.
    curves
        F(q, t) / F(q, 0), with the stretched exponentials through their slow part.
    tau, beta, plateau
        By wave number: time, s, exponent, and the non-ergodicity factor from which it starts.
    """

    of: str
    q: tuple[float, ...]
    structure_factor: Mapping[str, Quantity]
    curves: CurveSet
    tau: Mapping[str, Quantity]
    beta: Mapping[str, Quantity]
    plateau: Mapping[str, Quantity]

    def observations(self, sample: Sample) -> tuple[Observation, ...]:
        """Return times, exponents and non-ergodicity factors at each wave number."""
        words = (
            ("correlation_time", self.tau, "stretched exponential"),
            ("stretching_exponent", self.beta, "stretched exponential"),
            ("non_ergodicity_factor", self.plateau, "height of the slow part"),
        )
        return tuple(
            computed(sample, word, numbers[label], of=self.of,
                     method=f"F(q, t) / S(q), {label}, {how}")
            for label in self.tau
            for word, numbers, how in words
        )  # fmt: skip


@dataclass(frozen=True, eq=False)
class CoherentScattering(Result):
    """The coherent intermediate scattering function, total and by species.

    Attributes
    ----------
    duration_ps, frame
        Length of the run and frame of reference.
    parts
        The total first.
    """

    duration_ps: float
    frame: str
    parts: tuple[CoherentPart, ...]

    def __getitem__(self, of: str) -> CoherentPart:
        return next(part for part in self.parts if part.of == of)

    def observations(self, sample: Sample) -> tuple[Observation, ...]:
        """Return the rows of every part."""
        return tuple(row for part in self.parts for row in part.observations(sample))


def coherent_scattering(
    trajectory: Trajectory,
    fit: Fitter,
    *,
    q: tuple[float, ...] = Q_A,
    settings: CoherentSettings | None = None,
) -> CoherentScattering:
    r"""Return F(q, t) / S(q) of all atoms and of each species, with its slow decay.

    .. math:: F_a(q, t) = \frac{1}{N_a} \left\langle \rho_a(q, t_0 + t)\, \rho_a^*(q, t_0)
        \right\rangle, \qquad \rho_a(q) = \sum_{j \in a} e^{i q \cdot r_j}

    on reciprocal vectors of the cell, the mean over those of about one length. They keep their
    integers where the cell changes.

    Parameters
    ----------
    trajectory
        At equally spaced times; the cell may change and be triclinic.
    fit
        Finds the parameters of a model from a curve: ``infer.fit.fit``.
    q
        Lengths wanted, 1/Å; the nearest reciprocal vectors are taken.

    Raises
    ------
    InputError
        If a wave number is not positive, the times are not equally spaced, or the frames too few.
    """
    settings = settings or CoherentSettings()
    step = time_step(trajectory)
    shells = _shells(trajectory, checked(q), settings)
    every = _every(trajectory, shells, settings)
    sampling = replace(sample(trajectory), chosen=np.arange(0, trajectory.n_frames, every))
    waves = _waves(sampling, shells, settings)
    lags = np.concatenate([[0], settings.motion.lags(len(sampling.chosen))])
    found = _Waves(waves, lags, lags * every * step)
    counts = dict(zip(sampling.elements, (float(n) for n in sampling.counts)))
    weights = settings.weights or dict.fromkeys(counts, 1.0)
    norms = [sum(n * weights.get(name, 0.0) ** 2 for name, n in counts.items()), *counts.values()]
    starts = _starts(trajectory, sampling.elements, settings)
    parts = tuple(
        _part(found, row, norm, shells, (name, starts[name]), fit)
        for row, (name, norm) in enumerate(zip((TOTAL, *sampling.elements), norms))
    )
    return CoherentScattering((trajectory.n_frames - 1) * step, settings.motion.frame, parts)


def _starts(
    trajectory: Trajectory, elements: tuple[str, ...], settings: CoherentSettings
) -> dict[str, float]:
    """Return from which lag on the slow decay of each part is looked at, ps."""
    if settings.start_ps is not None:
        return dict.fromkeys((TOTAL, *elements), settings.start_ps)
    starts, reach = {}, {}
    for name, one in count_displacements(trajectory, elements, settings=settings.motion).items():
        square = one.square().value
        starts[name] = float(one.lags_ps[slow_start(one.lags_ps, square)])
        reach[name] = float(square[-1])
    return {TOTAL: starts[max(reach, key=lambda name: reach[name])], **starts}


class _Shell(NamedTuple):
    """Reciprocal vectors of about one length."""

    q: float
    indices: Integers
    place: slice


def _shells(trajectory: Trajectory, q: Floats, settings: CoherentSettings) -> tuple[_Shell, ...]:
    cell = trajectory.cells.mean(axis=0)
    longest = float(np.linalg.norm(cell, axis=1).max())
    known = vectors_within(cell, float(q.max()) * (1 + _SHELL_WIDTH) + 4.0 * np.pi / longest)
    vectors = WaveVectors(known, np.inf)
    lengths = vectors.lengths(cell)
    draws = np.random.default_rng(settings.seed)
    shells: list[_Shell] = []
    first = 0
    for wanted in q:
        nearest = float(lengths[np.abs(lengths - wanted).argmin()])
        near = np.flatnonzero(np.abs(lengths - nearest) <= 0.5 * _SHELL_WIDTH * nearest)
        if len(near) > settings.vectors:
            near = draws.choice(near, settings.vectors, replace=False)
        mean = float(lengths[near].mean())
        if shells and abs(mean - shells[-1].q) < 1e-9:
            continue
        shells.append(_Shell(mean, known[near], slice(first, first + len(near))))
        first += len(near)
    return tuple(shells)


def _every(trajectory: Trajectory, shells: tuple[_Shell, ...], settings: CoherentSettings) -> int:
    """Return that one of so many frames is looked at, so that the waves fit into memory."""
    kinds = len(set(trajectory.species)) + 1
    each = 16.0 * kinds * shells[-1].place.stop
    affordable = max(int(0.5e6 * settings.motion.memory_MB / each), 16)
    return -(-trajectory.n_frames // affordable)


def _waves(sampling: Sampling, shells: tuple[_Shell, ...], settings: CoherentSettings) -> Complexes:
    """Return the density waves of all atoms and of each species, (n_species + 1, n_q, n)."""
    vectors = WaveVectors(np.concatenate([shell.indices for shell in shells]), np.inf)
    rest = Tracks(sampling.trajectory, 0, settings.motion.frame).weights()[sampling.order]
    amplitude = np.array([(settings.weights or {}).get(name, 0.0 if settings.weights else 1.0)
                          for name in sampling.elements])  # fmt: skip
    shape = (len(sampling.elements) + 1, len(vectors.indices), len(sampling.chosen))
    waves = np.empty(shape, dtype=np.complex64)

    def work(item: tuple[int, object]) -> tuple[int, NDArray[np.complex128], Floats]:
        number, snapshot = item
        found = density_waves(sampling, snapshot, vectors)  # type: ignore[arg-type]
        drift = vectors.indices @ (snapshot.fractional @ rest)  # type: ignore[attr-defined]
        return number, found, drift

    origin: Floats | None = None
    for number, found, drift in in_order(work, enumerate(sampling)):
        origin = drift if origin is None else origin
        still = found * np.exp(-2j * np.pi * (drift - origin))
        waves[0, :, number] = amplitude @ still
        waves[1:, :, number] = still
    return waves


class _Waves(NamedTuple):
    """Density waves with the lags at which they are compared, in frames and in ps."""

    waves: Complexes
    lags: Integers
    lags_ps: Floats


def _correlations(found: _Waves, row: int, shell: _Shell) -> Iterator[Floats]:
    """Yield, by wave and by stretch, sums and numbers of products, (..., n_lags, 2)."""
    own = np.ascontiguousarray(found.waves[row, shell.place])
    strides = np.maximum(found.lags // _ORIGINS_IN_LAG, 1)
    sums = np.zeros((len(own), _STRETCHES, len(found.lags), 2))
    _correlate(own, found.lags, strides, sums)
    yield sums.sum(axis=1)
    yield sums.sum(axis=0)


def _part(
    found: _Waves,
    row: int,
    norm: float,
    shells: tuple[_Shell, ...],
    what: tuple[str, float],
    fit: Fitter,
) -> CoherentPart:
    of, start_ps = what
    lags = found.lags_ps[1:]
    start = min(int(np.searchsorted(lags, start_ps)), len(lags) - 1)
    decays: dict[str, Decay] = {}
    factors: dict[str, Quantity] = {}
    curves: list[Curve] = []
    for shell in shells:
        label = f"q = {shell.q:.3g} 1/Å"
        by_wave, by_time = _correlations(found, row, shell)
        factors[label] = spread(by_wave, by_time, lambda s: _mean(s)[0] / norm).quantity("1")
        shape = spread(by_wave, by_time, lambda s: _mean(s)[1:] / max(_mean(s)[0], 1e-300))
        decays[label] = decay(lags, shape, start, fit)
        curves.append(Curve(lags, shape.value, _TIME, _COHERENT, _shown(shape), label))
        curves += relabelled(decays[label], label, _COHERENT)
    title = "Coherent intermediate scattering function" + ("" if of == TOTAL else f" of {of}")
    return CoherentPart(
        of=of,
        q=tuple(shell.q for shell in shells),
        structure_factor=factors,
        curves=CurveSet(title, tuple(curves), log_x=True, points=tuple(decays)),
        tau={label: _few_waves(one.tau, shells, label) for label, one in decays.items()},
        beta={label: one.beta for label, one in decays.items()},
        plateau={label: one.plateau for label, one in decays.items()},
    )


def _shown(shape: Spread) -> Floats | None:
    error = shape.error
    return error if np.isfinite(error).all() else None


def _few_waves(number: Quantity, shells: tuple[_Shell, ...], label: str) -> Quantity:
    """Return a number with the remark how few waves it rests on."""
    count = next(len(s.indices) for s in shells if label == f"q = {s.q:.3g} 1/Å")
    if count >= 4 or number.status == "refused":
        return number
    return replace(number, note=f"{number.note}; {count} waves".removeprefix("; "))


def _mean(sums: Floats) -> Floats:
    return np.asarray(sums[:, 0] / sums[:, 1])


@njit(cache=True, nogil=True, fastmath={"contract", "reassoc", "nsz"})
def _correlate(waves: Complexes, lags: Integers, strides: Integers, sums: Floats) -> None:
    """Add the real part of the products of each wave with itself a lag later, by stretch.

    Hot loop. ``waves`` is (n_q, n), ``sums`` (n_q, n_stretches, n_lags, 2): products and numbers.
    """
    n_waves, n_stretches, n_lags, _ = sums.shape
    n = waves.shape[1]
    for wave in range(n_waves):
        own = waves[wave]
        for row in range(n_lags):
            lag, stride = lags[row], strides[row]
            origins = (n - lag + stride - 1) // stride
            for stretch in range(n_stretches):
                first = stretch * origins // n_stretches
                last = (stretch + 1) * origins // n_stretches
                total = 0.0
                for k in range(first, last):
                    a, b = own[k * stride], own[k * stride + lag]
                    total += a.real * b.real + a.imag * b.imag
                sums[wave, stretch, row, 0] += total
                sums[wave, stretch, row, 1] += last - first
