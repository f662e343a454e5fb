"""The density of states of vibrations from velocities, by species."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from vitrolyte.data.curve import Axis, Curve, CurveSet
from vitrolyte.data.elements import masses
from vitrolyte.data.observation import Observation, Sample, computed
from vitrolyte.data.quantity import Quantity
from vitrolyte.data.result import Result
from vitrolyte.data.trajectory import Trajectory
from vitrolyte.observe.sampling import ordered_elements
from vitrolyte.observe.spread import Spread, neighbourly, spread
from vitrolyte.observe.tracks import time_step
from vitrolyte.observe.vibration.segments import (
    PER_THZ,
    Cut,
    SpectrumSettings,
    cut,
    folded,
    velocity_segments,
)

Floats = NDArray[np.float64]
CITATIONS = ("10.1103/PhysRev.188.1407", "10.1109/TAU.1967.1161901")

U_A2_PER_PS2_TO_K = 1.20272358
"""1 u Å²/ps² = 1.66053907e-23 J over the Boltzmann constant, 1.380649e-23 J/K, K."""

_GROUPS, _STRETCHES = 24, 12
_EQUIPARTITION = 0.1
TOTAL = "total"


@dataclass(frozen=True, eq=False)
class VibrationalSpectrum(Result):
    """The vibrational density of states of one trajectory.

    Attributes
    ----------
    spectra
        Modes per unit of frequency: total, which holds 3 N, and the part of each species.
    mean_frequency
        First moment of the part of each species, THz.
    modes
        Modes of each species, 3 N_a where energy is shared evenly.
    kinetic_temperature_K
        Mean kinetic energy seen over 3 k / 2, by species, K.
    nyquist_THz, resolution_THz
        Highest frequency that the frames show, and full width of a sharp line.
    from_velocities
        Whether stored velocities were taken rather than differences of positions.
    """

    spectra: CurveSet
    mean_frequency: Mapping[str, Quantity]
    modes: Mapping[str, Quantity]
    kinetic_temperature_K: Mapping[str, float]
    nyquist_THz: float
    resolution_THz: float
    from_velocities: bool

    def observations(self, sample: Sample) -> tuple[Observation, ...]:
        """Return the mean frequency of each species."""
        how = "stored velocities" if self.from_velocities else "differences of positions"
        method = f"mean of the density of states, {how}, classical"
        return tuple(
            computed(sample, "vibration_frequency", number, of=of, method=method)
            for of, number in self.mean_frequency.items()
        )


def vibrational_spectrum(
    trajectory: Trajectory, *, settings: SpectrumSettings | None = None
) -> VibrationalSpectrum:
    r"""Return the vibrational density of states, total and by species.

    .. math:: g_a(\nu) \propto \sum_{i \in a} m_i \int
        \langle v_i(0) \cdot v_i(t) \rangle e^{-2 \pi i \nu t} dt, \qquad
        \int_0^\infty \sum_a g_a(\nu)\, d\nu = 3 N

    of classical motion: no zero-point energy, and amplitudes as hot as the run. At zero frequency
    it is ``12 m N D / k T`` of ions that diffuse.

    Parameters
    ----------
    trajectory
        At equally spaced times; the cell may change and be triclinic. Stored velocities are taken
        where there are any, differences of positions otherwise.

    Raises
    ------
    InputError
        If the times are not equally spaced or the run is too short.

    References
    ----------
    Dickey & Paskin, Phys. Rev. 188, 1407 (1969), https://doi.org/10.1103/PhysRev.188.1407
    """
    settings = settings or SpectrumSettings()
    step = time_step(trajectory)
    stored = settings.stored_velocities and trajectory.velocities is not None
    plan = cut(trajectory.n_frames, step, settings, differences=not stored)
    found = _summed(trajectory, plan, settings.frame)
    return _described(found, plan, settings)


@dataclass(frozen=True, eq=False)
class _Powers:
    """Mass-weighted power by species, u Å²/ps² per THz, summed over atoms and segments.

    ``by_ions`` and ``by_time`` are (n_groups, n_species, n_frequencies + 1) and (n_stretches, ...);
    the last column is the number of spectra in the sum.
    """

    elements: tuple[str, ...]
    counts: Floats
    segments: int
    by_ions: Floats
    by_time: Floats


def _summed(trajectory: Trajectory, plan: Cut, frame: str) -> _Powers:
    elements = ordered_elements(trajectory.species)
    mass = masses(trajectory.species)
    kinds = np.array([elements.index(name) for name in trajectory.species])
    first = trajectory.read(0, 1)
    groups = min(_GROUPS, trajectory.n_atoms)
    owner = _owners(kinds, first.positions[0], first.cells[0], groups)
    stretches = min(_STRETCHES, len(plan.starts))
    shape = (len(elements), len(plan.frequencies))
    by_ions = np.zeros((groups, shape[0], shape[1] + 1))
    by_time = np.zeros((stretches, shape[0], shape[1] + 1))
    place = owner * len(elements) + kinds
    order = np.argsort(place, kind="stable")
    cells = place[order]
    starts = np.flatnonzero(np.concatenate([[True], cells[1:] != cells[:-1]]))
    for number, moving in velocity_segments(trajectory, plan, frame):
        weighted = moving[:, order] * np.sqrt(mass[order]).astype(np.float32)[:, None]
        power = plan.power(weighted).sum(axis=2, dtype=float)
        summed = np.add.reduceat(power, starts, axis=1).T * plan.correction
        whole = np.zeros((groups * len(elements), shape[1] + 1))
        whole[cells[starts], :-1] = summed
        whole[cells[starts], -1] = np.diff(np.append(starts, len(cells)))
        parts = whole.reshape(by_ions.shape)
        by_ions += parts
        by_time[number * stretches // len(plan.starts)] += parts.sum(axis=0)
    counts = np.bincount(kinds, minlength=len(elements)).astype(float)
    return _Powers(elements, counts, len(plan.starts), by_ions, by_time)


def _owners(
    kinds: NDArray[np.int64], places: Floats, cell: Floats, groups: int
) -> NDArray[np.int64]:
    """Return the group of each atom; every species is spread over as many groups as it can."""
    owner = np.empty(len(kinds), dtype=np.int64)
    for kind in np.unique(kinds):
        atoms = np.flatnonzero(kinds == kind)
        ordered = atoms[neighbourly(places[atoms], cell)]
        own = min(groups, len(atoms))
        owner[ordered] = np.arange(len(atoms)) * own // len(atoms)
    return owner


def _described(found: _Powers, plan: Cut, settings: SpectrumSettings) -> VibrationalSpectrum:
    modes = 3.0 * found.counts.sum()
    nu = plan.frequencies
    width = np.gradient(nu)
    width[[0, -1]] *= 0.5 if len(nu) > 2 else 1.0

    def density(sums: Floats) -> Floats:
        power = sums[:, :-1] / np.maximum(sums[:, -1:], 1.0) * found.counts[:, None]
        return np.asarray(modes * power / float((power @ width).sum()))

    parts = spread(found.by_ions, found.by_time, density)
    total = parts.through(lambda g: g.sum(axis=0))
    doubt = _doubt(found, plan, settings, total.value)
    temperature = _temperatures(found, width)
    return VibrationalSpectrum(
        spectra=_curves(found, parts, total, (nu, settings.unit)),
        mean_frequency={
            name: _judged(_mean_frequency(parts.at(k), nu, width), doubt)
            for k, name in enumerate(found.elements)
        },
        modes={
            name: _judged(parts.at(k).through(lambda g: np.asarray(g @ width)).quantity("1"), doubt)
            for k, name in enumerate(found.elements)
        },
        kinetic_temperature_K=dict(zip(found.elements, map(float, temperature))),
        nyquist_THz=plan.nyquist,
        resolution_THz=plan.resolution,
        from_velocities=not plan.differences,
    )


def _temperatures(found: _Powers, width: Floats) -> Floats:
    energy = found.by_time[..., :-1].sum(axis=0) @ width / found.segments
    return np.asarray(energy / (3.0 * found.counts) * U_A2_PER_PS2_TO_K)


def _mean_frequency(part: Spread, nu: Floats, width: Floats) -> Quantity:
    return part.through(lambda g: np.asarray((nu * g) @ width / (g @ width))).quantity("THz")


def _judged(number: Quantity, doubt: str) -> Quantity:
    return number.provisional(doubt) if doubt else number


def _doubt(found: _Powers, plan: Cut, settings: SpectrumSettings, total: Floats) -> str:
    """Return why the spectrum may be folded; empty where nothing speaks for it."""
    reasons = []
    if folded(plan.frequencies, total):
        reasons.append(
            f"vibrations reach the Nyquist frequency, {plan.nyquist:.3g} THz: what lies above is "
            "folded back; store frames more often"
        )
    if settings.temperature_K:
        width = np.gradient(plan.frequencies)
        width[[0, -1]] *= 0.5
        seen = float(_temperatures(found, width) @ found.counts / found.counts.sum())
        share = seen / settings.temperature_K
        if abs(share - 1.0) > _EQUIPARTITION:
            reasons.append(
                f"the spectrum holds {100 * share:.0f} % of the kinetic energy of "
                f"{settings.temperature_K:g} K below {plan.nyquist:.3g} THz"
            )
    return "; ".join(reasons)


def _curves(found: _Powers, parts: Spread, total: Spread, axis: tuple[Floats, str]) -> CurveSet:
    nu, unit = axis
    factor = PER_THZ[unit]
    frequency, states = Axis("frequency", unit), Axis("density of states", f"1/{unit}")
    every = [
        Curve(nu * factor, one.value / factor, frequency, states, one.error / factor, name)
        for name, one in (
            (TOTAL, total),
            *((name, parts.at(k)) for k, name in enumerate(found.elements)),
        )
    ]
    known = [c if np.isfinite(np.asarray(c.y_error)).all() else replace(c, y_error=None)
             for c in every]  # fmt: skip
    return CurveSet("Vibrational density of states", tuple(known))
