"""Couplings of nuclei along a run, streamed: field gradients and dipolar tensors into modes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from vitrolyte.data.errors import InputError
from vitrolyte.data.nuclei import Nucleus, isotopes
from vitrolyte.data.trajectory import Trajectory
from vitrolyte.matter.periodic import perpendicular_widths
from vitrolyte.observe.relaxation.field_gradients import components, field_gradients
from vitrolyte.observe.relaxation.modes import Channel
from vitrolyte.observe.relaxation.rates import Mechanism, dipolar_factor, quadrupolar_factor
from vitrolyte.observe.threads import in_order
from vitrolyte.observe.tracks import time_step

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
Integers = NDArray[np.int64]

FIELD_GRADIENT = "field gradient"
_TENSOR_SQUARE = 6.0
"""T:T of T = (3 r r - r²) / r⁵, times r⁶."""
_COMPONENTS = 5


@dataclass(frozen=True)
class RelaxationSettings:
    """What decides about relaxation from a run.

    Attributes
    ----------
    fields_T
        Magnetic fields of R1 and R2.
    spin_locks_kHz
        Nutation frequencies of R1rho, in the first of the fields.
    max_nuclei
        At most so many nuclei are followed, evenly spread.
    reach_A
        Farthest dipolar partner; by default half the smallest width of the cell.
    accuracy
        Relative accuracy of the lattice sums of field gradients.
    memory_MB
        Bound on the couplings held at a time.

    Raises
    ------
    InputError
        If a field or spin-lock is not positive, or there is none.
    """

    fields_T: tuple[float, ...] = (11.74,)
    spin_locks_kHz: tuple[float, ...] = (20.0,)
    max_nuclei: int = 128
    reach_A: float | None = None
    accuracy: float = 1e-4
    memory_MB: float = 512.0

    def __post_init__(self) -> None:
        numbers = (*self.fields_T, *self.spin_locks_kHz, self.memory_MB, self.max_nuclei)
        if (
            not self.fields_T
            or min(numbers) <= 0
            or (self.reach_A is not None and self.reach_A <= 0)
        ):
            raise InputError(
                "Relaxation needs at least one field above 0 T, and spin-locks, numbers of nuclei "
                "and distances above zero",
                received=f"{self}",
            )


@dataclass(frozen=True)
class Share:
    """What a coupling does to one kind of partner: mechanism, strength and frequency.

    Attributes
    ----------
    mechanism
        ``like`` or ``unlike``.
    factor
        K per mean square of the coupling of the channel, 1/s² per its unit.
    gamma_ratio
        Gyromagnetic ratio of the partner over that of the relaxing nucleus.
    """

    mechanism: Mechanism
    factor: float
    gamma_ratio: float = 1.0


@dataclass(frozen=True, eq=False)
class Source:
    """A channel of couplings and what it means for relaxation."""

    channel: Channel
    shares: tuple[Share, ...]

    @property
    def factor(self) -> float:
        """Return K per mean square coupling, all shares together."""
        return sum(share.factor for share in self.shares)


def followed(trajectory: Trajectory, element: str, most: int) -> Integers:
    """Return at most so many atoms of an element, evenly spread, (m,)."""
    atoms = trajectory.indices(element)
    chosen = np.unique(np.linspace(0, len(atoms) - 1, min(most, len(atoms))).round().astype(int))
    return np.asarray(atoms[chosen], dtype=np.int64)


def gradient_source(
    trajectory: Trajectory,
    one: Nucleus,
    charges: Mapping[str, float],
    *,
    antishielding: float,
    settings: RelaxationSettings,
) -> Source:
    """Return the field gradients that point charges make at the nuclei of an element.

    Raises
    ------
    InputError
        If the nucleus has no quadrupole moment, or a species has no charge given.
    """
    _check_charges(trajectory, one, charges)
    step = time_step(trajectory)
    atoms = followed(trajectory, one.element, _within(settings, trajectory.n_frames))
    values = np.array([charges[symbol] for symbol in trajectory.species], dtype=float)
    series = np.empty((len(atoms), _COMPONENTS, trajectory.n_frames), dtype=np.float32)

    def work(item: tuple[Floats, Floats]) -> Floats:
        found = field_gradients(*item, values, atoms, accuracy=settings.accuracy)
        return components(found)

    frames = (
        (positions, cell)
        for block in trajectory.blocks()
        for positions, cell in zip(block.positions, block.cells)
    )
    for number, found in enumerate(in_order(work, frames)):
        series[:, :, number] = found
    return _source_of(series, step, one, antishielding)


def tensor_source(tensors: Floats, step_ps: float, one: Nucleus, antishielding: float) -> Source:
    """Return the source of field gradients (n_frames, n_nuclei, 3, 3), V/Å², computed elsewhere.

    Raises
    ------
    InputError
        If the shape is another, a number is not finite, or a tensor is not symmetric.
    """
    shape = np.shape(tensors)
    if len(shape) != 4 or shape[2:] != (3, 3) or shape[0] < 16 or not np.isfinite(tensors).all():
        raise InputError(
            "Field gradients are an array (n_frames, n_nuclei, 3, 3) of finite numbers, with "
            "16 frames or more",
            received=f"shape {shape}",
        )
    largest = float(np.abs(tensors).max())
    if np.abs(tensors - np.swapaxes(tensors, 2, 3)).max() > 1e-3 * largest:
        raise InputError("Field gradients are symmetric tensors", received="unlike V_ab and V_ba")
    trace = np.trace(tensors, axis1=2, axis2=3) / 3.0
    series = components(tensors - trace[..., None, None] * np.eye(3)).transpose(1, 2, 0)
    return _source_of(np.ascontiguousarray(series, dtype=np.float32), step_ps, one, antishielding)


def _source_of(series: Singles, step: float, one: Nucleus, antishielding: float) -> Source:
    if one.spin < 1 or not one.quadrupole_moment:
        raise InputError(
            "Field gradients relax nuclei with a spin above 1/2 and a quadrupole moment",
            received=one.name,
        )
    # What all nuclei keep for all time is the static coupling of the crystal; it does not relax.
    series -= series.mean(axis=(0, 2), dtype=float).astype(np.float32)[:, None]
    channel = Channel.empty(FIELD_GRADIENT, len(series), series.shape[2], step)
    for row, part in enumerate(series):
        channel.add(row, part)
    return Source(channel, (Share("like", quadrupolar_factor(one, antishielding)),))


def _within(settings: RelaxationSettings, n_frames: int) -> int:
    """Return how many nuclei fit into the memory bound."""
    held = int(0.8e6 * settings.memory_MB / (4.0 * _COMPONENTS * n_frames))
    return max(1, min(settings.max_nuclei, held))


def _check_charges(trajectory: Trajectory, one: Nucleus, charges: Mapping[str, float]) -> None:
    missing = sorted(set(trajectory.species) - set(charges))
    if missing or not any(charges.values()):
        raise InputError(
            "Field gradients of point charges need the charge of each species",
            received=f"none for {missing}" if missing else "charges of zero",
            remedy="give charges such as Li=1,O=-2",
        )
    trajectory.indices(one.element)


def dipolar_sources(
    trajectory: Trajectory, one: Nucleus, *, settings: RelaxationSettings
) -> tuple[Source, ...]:
    """Return the dipolar couplings of the nuclei of an element with those of every species.

    Natural isotopes of the table; partners of the same isotope are like spins, others unlike.
    The pair is the nearest image; beyond the reach there is no coupling.

    Raises
    ------
    InputError
        If the reach is beyond half the smallest width of the cell.
    """
    step = time_step(trajectory)
    atoms = followed(trajectory, one.element, settings.max_nuclei)
    reach = reach_of(trajectory, settings)
    found = []
    for element in dict.fromkeys(trajectory.species):
        shares = _dipolar_shares(one, element)
        partners = trajectory.indices(element).astype(np.int64)
        if not shares or (element == one.element and len(partners) < 2):
            continue
        channel = Channel.empty(element, len(atoms), trajectory.n_frames, step)
        if element == one.element:
            channel.shared = (len(atoms) - 1) / (len(partners) - 1)
        _add_pairs(channel, trajectory, atoms, partners, (reach, settings.memory_MB))
        found.append(Source(channel, shares))
    return tuple(found)


def reach_of(trajectory: Trajectory, settings: RelaxationSettings) -> float:
    """Return the farthest dipolar partner, Å.

    Raises
    ------
    InputError
        If it is asked to be beyond half the smallest width of the cell.
    """
    half = 0.4999 * min(float(perpendicular_widths(cell).min()) for cell in trajectory.cells)
    if settings.reach_A is not None and settings.reach_A > half:
        raise InputError(
            "Dipolar partners are nearest images, at most half the smallest width of the cell away",
            received=f"{settings.reach_A:g} Å, half the width is {half:.2f} Å",
            remedy="leave reach_A out or use a larger cell",
        )
    return settings.reach_A or half


def _dipolar_shares(one: Nucleus, element: str) -> tuple[Share, ...]:
    """Return what each isotope of an element does, by its abundance."""
    known = isotopes(element)
    if element == one.element and one.name not in {other.name for other in known}:
        known = (one,)
    return tuple(
        Share(
            "like" if other.name == one.name else "unlike",
            other.abundance * dipolar_factor(one, other) / _TENSOR_SQUARE,
            other.gamma / one.gamma,
        )
        for other in known
    )


def _add_pairs(
    channel: Channel,
    trajectory: Trajectory,
    atoms: Integers,
    partners: Integers,
    limits: tuple[float, float],
) -> None:
    """Add the tensors of all pairs, as many nuclei at a time as fit into memory."""
    reach, memory_MB = limits
    held = 4.0 * _COMPONENTS * len(partners) * channel.n_frames
    size = max(1, int(0.6e6 * memory_MB / held))
    for start in range(0, len(atoms), size):
        group = atoms[start : start + size]
        shape = (len(group), len(partners), _COMPONENTS, channel.n_frames)
        series = np.zeros(shape, dtype=np.float32)
        for block in trajectory.blocks():
            inverse = np.ascontiguousarray(np.linalg.inv(block.cells))
            end = block.start + len(block.times)
            _pair_tensors(
                block.positions,
                np.ascontiguousarray(block.cells),
                inverse,
                group,
                partners,
                reach,
                series[:, :, :, block.start : end],
            )
        for row, part in enumerate(series):
            seen = part[np.any(part[:, 1] != 0.0, axis=1)]
            channel.add(start + row, seen.reshape(-1, channel.n_frames))


@njit(cache=True, nogil=True)
def _pair_tensors(
    positions: Floats,
    cells: Floats,
    inverse: Floats,
    atoms: Integers,
    partners: Integers,
    reach: float,
    series: Singles,
) -> None:
    """Write the five components of (3 r r - r²) / r⁵ of each pair. Hot loop.

    Within half the smallest width of the cell the nearest image is the one that rounding gives.
    """
    root = np.sqrt(2.0)
    vector, step = np.empty(3), np.empty(3)
    for m in range(len(atoms)):
        for p in range(len(partners)):
            i, j = atoms[m], partners[p]
            if i == j:
                continue
            for t in range(len(positions)):
                for a in range(3):
                    step[a] = 0.0
                    for b in range(3):
                        d = positions[t, j, b] - positions[t, i, b]
                        step[a] += d * inverse[t, b, a]
                for a in range(3):
                    step[a] -= np.rint(step[a])
                square = 0.0
                for a in range(3):
                    vector[a] = 0.0
                    for b in range(3):
                        vector[a] += step[b] * cells[t, b, a]
                    square += vector[a] * vector[a]
                if square > reach * reach:
                    continue
                x, y, z = vector
                scale = 3.0 / (square * square * np.sqrt(square))
                series[m, p, 0, t] = scale * (x * x - y * y) / root
                series[m, p, 1, t] = scale * np.sqrt(1.5) * (z * z - square / 3.0)
                series[m, p, 2, t] = scale * root * x * y
                series[m, p, 3, t] = scale * root * x * z
                series[m, p, 4, t] = scale * root * y * z
