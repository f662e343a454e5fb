"""The proof that a crystal has been forgotten."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vitrolyte.data.curve import Axis, Curve, CurveSet
from vitrolyte.data.elements import masses
from vitrolyte.data.errors import InputError
from vitrolyte.data.observation import Observation, Sample, computed
from vitrolyte.data.quantity import Quantity
from vitrolyte.data.result import Result
from vitrolyte.data.trajectory import Trajectory
from vitrolyte.matter.periodic import nearest_distances
from vitrolyte.observe.sampling import Sampling, Snapshot, sample
from vitrolyte.observe.scattering.density_waves import WaveVectors, density_waves
from vitrolyte.observe.scattering.diffraction import bragg_vectors, smooth_level, x_ray_waves
from vitrolyte.observe.scattering.form_factors import x_ray_form_factor

Floats = NDArray[np.float64]

HALF_WAY = 0.5
"""Share of the distance to the nearest site of its own kind that an ion must have moved."""

LIQUID_LEVEL = 3.0
"""Mean contrast of the parent's Bragg waves below which they are speckle (a liquid has 1)."""

_PARENT_SHARE = 0.05
_TIME = Axis("time", "ps")


@dataclass(frozen=True, eq=False)
class Forgotten(Result):
    """Whether, and when, a melt forgot the crystal that it came from.

    Attributes
    ----------
    reached
        True where both conditions hold at the end.
    time_ps
        From when on both hold without interruption; NaN where not reached.
    displacement
        Mean displacement of each species since the crystal over the distance that it must move,
        against time; forgotten above 1.
    parent_order
        Mean contrast of the parent's Bragg waves, against time; forgotten below ``LIQUID_LEVEL``.
    bragg_order
        Mean intensity of these waves in the last frame over that of the parent.
    required
        Distance that the mean ion of each species must have moved, Å.
    reason
        What is missing where it is not reached.
    """

    reached: bool
    time_ps: float
    displacement: CurveSet
    parent_order: CurveSet
    bragg_order: Quantity
    required: Mapping[str, float]
    reason: str

    def observations(self, sample: Sample) -> tuple[Observation, ...]:
        """Return the row of what is left of the parent's Bragg order."""
        method = "mean intensity of the parent crystal's Bragg waves over that of the parent"
        return (computed(sample, "bragg_order", self.bragg_order, of="parent", method=method),)


def forgotten(
    trajectory: Trajectory,
    reference: Trajectory,
    *,
    share: float = HALF_WAY,
    max_frames: int | None = 60,
) -> Forgotten:
    """Return whether a melt forgot its parent crystal: two conditions that must both hold.

    1. The mean ion of *every* species has moved further than ``share`` of the distance to the
       nearest site of its own kind in the parent (drift of the centre of mass taken off). A solid
       melts near a tenth (Lindemann); half way to another site no ion remembers its own.
    2. The parent's Bragg waves, reciprocal vectors in which the parent scatters more than a
       twentieth of what all atoms in phase would, have sunk to the smooth level of their
       surroundings: mean contrast below 3, where a liquid has 1 and a crystal some hundred.

    Parameters
    ----------
    trajectory
        The melting run, positions unwrapped since the reference.
    reference
        The parent, one frame, the same atoms in the same order.
    share
        See above.
    max_frames
        At most so many frames, evenly spread.

    Raises
    ------
    InputError
        If the atoms differ, or the reference is no crystal.

    References
    ----------
    Lindemann, Phys. Z. 11, 609 (1910).
    """
    if trajectory.species != reference.species:
        raise InputError(
            "The melt and its reference hold the same atoms in the same order",
            received=f"{trajectory.n_atoms} and {reference.n_atoms} atoms",
        )
    parent = _parent(reference.frame(-1), share)
    sampling = sample(trajectory, max_frames)
    rows = [(s.time, parent.moved(s), *parent.order(s, sampling)) for s in sampling]
    times = np.array([row[0] for row in rows])
    moved = np.array([row[1] for row in rows])
    contrast = np.array([row[2] for row in rows])
    return _verdict(parent, times, moved, contrast, rows[-1][3])


@dataclass(frozen=True, eq=False)
class _Parent:
    """What is remembered of the crystal."""

    sampling: Sampling
    fractional: Floats  # (3, n_atoms), sorted by species
    vectors: WaveVectors
    bragg: NDArray[np.bool_]  # which of the vectors are the parent's
    intensity: float  # mean over these
    required: Floats  # (n_species,), Å

    def moved(self, now: Snapshot) -> Floats:
        """Return the mean displacement of each species over what is required."""
        steps = (now.fractional - self.fractional).T @ now.cell
        ordered = tuple(self.sampling.trajectory.species[i] for i in self.sampling.order)
        steps = steps - np.average(steps, axis=0, weights=masses(ordered))
        lengths = np.split(np.linalg.norm(steps, axis=1), self.sampling.starts[1:-1])
        return np.array([part.mean() for part in lengths]) / self.required

    def order(self, now: Snapshot, sampling: Sampling) -> tuple[float, float]:
        """Return the mean contrast of the parent's waves and their intensity over the parent's."""
        q = self.vectors.lengths(now.cell)
        f = np.array([x_ray_form_factor(element, q) for element in sampling.elements])
        waves = (f * density_waves(sampling, now, self.vectors)).sum(axis=0)
        intensity = np.abs(waves) ** 2
        level = np.maximum(smooth_level(q, intensity), 1e-6 * intensity.max())
        contrast = float((intensity / level)[self.bragg].mean())
        return contrast, float(intensity[self.bragg].mean()) / self.intensity


def _parent(reference: Trajectory, share: float) -> _Parent:
    sampling = sample(reference)
    vectors = bragg_vectors(sampling, 1.0, 6.0)
    _, intensity, in_phase = x_ray_waves(sampling, vectors)
    bragg = intensity > _PARENT_SHARE * in_phase
    if bragg.sum() < 6:
        raise InputError(
            "The reference of a melt is a crystal with Bragg peaks",
            received=f"{int(bragg.sum())} strong density waves",
        )
    fractional = next(iter(sampling)).fractional
    nearest = _nearest_of_own_kind(sampling, fractional, reference.cells[0])
    mean = float(intensity[bragg].mean())
    return _Parent(sampling, fractional, vectors, bragg, mean, share * nearest)


def _nearest_of_own_kind(sampling: Sampling, fractional: Floats, cell: Floats) -> Floats:
    """Return the distance of the nearest atom of the same species, (n_species,), Å."""
    shortest = []
    for first, last in zip(sampling.starts[:-1], sampling.starts[1:]):
        own = fractional[:, first:last].T
        if len(own) < 2:
            # A single atom's own image is the next of its kind.
            shortest.append(float(np.linalg.norm(cell, axis=1).min()))
            continue
        shortest.append(float(nearest_distances(own[0], own[1:], cell).min()))
    return np.array(shortest)


def _verdict(
    parent: _Parent, times: Floats, moved: Floats, contrast: Floats, left: float
) -> Forgotten:
    both = (moved > 1.0).all(axis=1) & (contrast < LIQUID_LEVEL)
    missing = np.flatnonzero(~both)
    since = 0 if len(missing) == 0 else int(missing[-1]) + 1
    reached = since < len(times)
    elements = parent.sampling.elements
    share = Axis("mean displacement over that required", "")
    level = Axis("contrast of the parent's Bragg waves", "")
    return Forgotten(
        reached=reached,
        time_ps=float(times[since]) if reached else float("nan"),
        displacement=CurveSet(
            "Displacement from the crystal",
            tuple(Curve(times, moved[:, i], _TIME, share, label=e) for i, e in enumerate(elements)),
        ),
        parent_order=CurveSet(
            "Bragg order of the parent",
            (Curve(times, contrast, _TIME, level, label="parent"),),
            log_y=True,
        ),
        bragg_order=Quantity(left, "1"),
        required=dict(zip(elements, map(float, parent.required))),
        reason="" if reached else _reason(elements, moved[-1], float(contrast[-1])),
    )


def _reason(elements: tuple[str, ...], moved: Floats, contrast: float) -> str:
    parts = [
        f"the mean {element} moved {share:.2f} of what is required"
        for element, share in zip(elements, moved)
        if share <= 1.0
    ]
    if contrast >= LIQUID_LEVEL:
        parts.append(f"the parent's Bragg waves stand {contrast:.3g} times above the smooth level")
    return "; ".join(parts)
