"""Steps of rotation, how often they come, and how far a rotor swings between them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2

from vitrolyte.data.errors import InputError
from vitrolyte.data.quantity import Quantity
from vitrolyte.observe.rotation.attitude_kernels import angle_between, dwells, steps
from vitrolyte.observe.rotation.relaxation import (
    BLOCKS,
    GROUPS,
    PS_TO_S,
    larger,
    spread,
    symmetric,
)

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

_FEWEST_GROUPS = 6
_LONG_DWELL = 4
_SENSITIVE = 0.2
_MISSED = 0.15
_GEOMETRY = 0.25


@dataclass(frozen=True)
class StepRule:
    """What counts as a step of rotation.

    Attributes
    ----------
    threshold_deg
        Least angle between the orientation held so far and the new one, degrees.
    stay_ps
        Least time for which the new orientation is held, ps; at least two frames. It should be
        longer than a swing of libration and much shorter than the time between steps.

    Raises
    ------
    InputError
        If the angle is not between 5° and 175° or the time not positive.
    """

    threshold_deg: float = 45.0
    stay_ps: float = 0.2

    def __post_init__(self) -> None:
        if not 5.0 <= self.threshold_deg <= 175.0 or not self.stay_ps > 0:
            raise InputError(
                "A step of rotation needs an angle of 5° to 175° and a time to stay, ps",
                received=f"{self.threshold_deg}° and {self.stay_ps} ps",
            )

    def stay_frames(self, step_ps: float, factor: float = 1.0) -> int:
        """Return the least stay in frames."""
        return max(2, round(factor * self.stay_ps / step_ps))

    def method(self, step_ps: float) -> str:
        """Return in words what counts as a step."""
        stay = self.stay_frames(step_ps) * step_ps
        return f"steps of {self.threshold_deg:g}° or more that last {stay:.3g} ps or more"

    def others(self) -> tuple[tuple[float, float], ...]:
        """Return other thresholds (degrees) and factors of the stay, for the sensitivity."""
        wider = min(175.0, self.threshold_deg + 10.0)
        narrower = max(5.0, self.threshold_deg - 10.0)
        return (narrower, 1.0), (wider, 1.0), (self.threshold_deg, 0.5), (self.threshold_deg, 2.0)


@dataclass(frozen=True, eq=False)
class Walk:
    """The steps of one rotor.

    Attributes
    ----------
    frames
        (n,), first frame of each new orientation, from the start of its life.
    angles
        (n,), between the mean orientations before and after, degrees.
    swing
        (n_dwells, 2): frames of each long dwell, excursions beyond the threshold left out, and
        their summed squared angles, rad².
    others
        Number of steps by the other rules.
    """

    frames: Integers
    angles: Floats
    swing: Floats
    others: tuple[int, ...]


def walk(attitude: Floats, rule: StepRule, step_ps: float) -> Walk:
    """Return the steps of one rotor.

    Parameters
    ----------
    attitude
        (n_frames, 3) of directions or (n_frames, 4) of quaternions.
    rule
        What counts as a step.
    step_ps
        Between frames.
    """
    stay = rule.stay_frames(step_ps)
    frames = steps(attitude, math.radians(rule.threshold_deg), stay)
    edges = np.concatenate([[0], frames, [len(attitude)]]).astype(np.int64)
    means, lengths, squares = dwells(attitude, edges, math.radians(rule.threshold_deg))
    angles = np.array([angle_between(a, b) for a, b in pairwise(means)])
    others = tuple(
        len(steps(attitude, math.radians(angle), rule.stay_frames(step_ps, factor)))
        for angle, factor in rule.others()
    )
    long = lengths >= _LONG_DWELL * stay
    # The mean of a dwell is drawn towards its own frames.
    squares *= lengths / np.maximum(lengths - 1.0, 1.0)
    return Walk(frames, np.degrees(angles), np.stack([lengths, squares], axis=1)[long], others)


@dataclass(frozen=True, eq=False)
class Counted:
    """Steps of all rotors of one sort, by group of rotors and by block of time.

    Attributes
    ----------
    steps, exposure
        (n_groups, n_blocks), number of steps and rotor time watched, ps: without the least stay
        after each step, in which no other can be seen.
    """

    steps: Floats
    exposure: Floats

    @property
    def number(self) -> int:
        """Return the number of steps."""
        return int(self.steps.sum())

    def rate(self, note: str = "") -> Quantity:
        """Return the rate of steps, 1/s, with the interval of an overdispersed Poisson count.

        The dispersion is that between rotors or between blocks of time, where one of them is
        beyond that of independent steps; at least one. Refused where there is no step.
        """
        watched = float(self.exposure.sum())
        if self.number == 0:
            # exp(-3) = 0.05
            bound = 3.0 / watched / PS_TO_S if watched else math.inf
            reason = f"no step in {watched:.4g} ps of rotors: fewer than {bound:.2g} per s (95 %)"
            return Quantity.refused("1/s", reason)
        excess = max(1.0, self._dispersion())
        count = self.number / excess
        low, high = chi2.ppf([0.025, 0.975], [2 * count, 2 * count + 2]) / 2 * excess / watched
        per_s = 1.0 / PS_TO_S
        value = self.number / watched
        error = math.sqrt(self.number * excess) / watched
        said = Quantity(
            value * per_s, "1/s", error * per_s, float(low) * per_s, float(high) * per_s, note=note
        )
        if self.number >= 10:
            return said
        return said.provisional(f"{self.number} steps in all")

    def _dispersion(self) -> float:
        """Return the variance of the count over that of a Poisson process."""
        parts = [(1.0, 10**6)]
        for axis in (1, 0):
            counts, time = self.steps.sum(axis), self.exposure.sum(axis)
            counts, time = counts[time > 0], time[time > 0]
            if len(counts) >= _FEWEST_GROUPS and self.number >= len(counts):
                expected = self.number * time / time.sum()
                chi = float(((counts - expected) ** 2 / expected).sum())
                parts.append((chi / (len(counts) - 1), len(counts) - 1))
        return larger(*parts)[0]


def counted(
    walks: Sequence[Walk],
    spans: Sequence[tuple[int, int]],
    n_frames: int,
    rule: StepRule,
    step_ps: float,
) -> Counted:
    """Return the steps of rotors by group and by block of time.

    Parameters
    ----------
    walks
        Of each rotor.
    spans
        First frame and the frame after the last, of each rotor.
    n_frames
        Of the run.
    rule
        By which steps were found.
    step_ps
        Between frames.
    """
    groups = min(GROUPS, len(walks))
    found, exposure = np.zeros((groups, BLOCKS)), np.zeros((groups, BLOCKS))
    for number, (one, (first, stop)) in enumerate(zip(walks, spans)):
        group = number * groups // len(walks)
        blocks = (first + one.frames) * BLOCKS // n_frames
        found[group] += np.bincount(blocks, minlength=BLOCKS)
        watched = np.arange(first, stop) * BLOCKS // n_frames
        exposure[group] += np.bincount(watched, minlength=BLOCKS) * step_ps
    return Counted(found, exposure - found * rule.stay_frames(step_ps) * step_ps)


def libration(walks: Sequence[Walk], rule: StepRule) -> Quantity:
    """Return the root mean square angle about the mean orientation of each long dwell, degrees.

    A dwell is the time between two steps; those of four stays or more count. Two angles of a
    direction, three of a body are in it: the polar angle, and the angle of rotation.
    """
    groups = min(GROUPS, len(walks))
    sums = np.zeros((groups, 2))
    for number, one in enumerate(walks):
        sums[number * groups // len(walks)] += one.swing.sum(0)
    frames, squares = sums.sum(0)
    if frames == 0:
        return Quantity.refused("°", "no orientation is held for four times the least stay")
    value = math.degrees(math.sqrt(squares / frames))
    if groups < _FEWEST_GROUPS or (sums.sum(0)[0] - sums[:, 0]).min() <= 0:
        return Quantity(value, "°").provisional(f"{len(walks)} rotors: no error can be given")
    left = sums.sum(0) - sums
    rest = np.degrees(np.sqrt(left[:, 1] / left[:, 0]))
    number_ = symmetric(value, math.sqrt(float(spread(rest))), groups - 1, "°")
    if value > 0.5 * rule.threshold_deg:
        return number_.provisional(
            f"more than half of the threshold of {rule.threshold_deg:g}°: no clear dwells"
        )
    return number_


def judged(rate: Quantity, walks: Sequence[Walk], rule: StepRule, step_ps: float) -> Quantity:
    """Return a rate with its sensitivity, provisional where it rests on the rule."""
    if rate.status == "refused":
        return rate
    number = sum(len(one.frames) for one in walks)
    others = [sum(one.others[k] for one in walks) for k in range(4)]
    names = [
        f"{angle:g}°" if factor == 1.0 else f"{factor:g} times the stay"
        for angle, factor in rule.others()
    ]
    said = "; ".join(f"{name}: {other}" for name, other in zip(names, others))
    note = f"{number} steps; with {said}"
    missed = rate.value * PS_TO_S * rule.stay_frames(step_ps) * step_ps
    # How many of two steps within the stay are seen depends on where they lead.
    unsure = min(0.5, _GEOMETRY * missed)
    found = replace(
        rate,
        low=rate.low * (1.0 - unsure),
        high=rate.high * (1.0 + unsure),
        note=f"{rate.note}; {note}" if rate.note else note,
    )
    if missed > _MISSED:
        return found.provisional(
            f"{100 * missed:.0f} % of the steps may be undone within the least stay"
        )
    if max(abs(other - number) for other in others) > max(_SENSITIVE * number, 3.0):
        return found.provisional("the number of steps rests on the rule")
    return found
