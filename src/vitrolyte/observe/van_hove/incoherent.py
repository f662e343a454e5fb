"""Incoherent scattering in time: how fast single ions forget where they were."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vitrolyte.data.curve import Axis, Curve, CurveSet
from vitrolyte.data.errors import InputError
from vitrolyte.data.fitted import Fitter
from vitrolyte.data.observation import Observation, Sample, computed
from vitrolyte.data.quantity import Quantity
from vitrolyte.data.result import Result
from vitrolyte.data.trajectory import Trajectory
from vitrolyte.observe.van_hove.displacement_counts import (
    DisplacementCounts,
    MotionSettings,
    count_displacements,
)
from vitrolyte.observe.van_hove.quasi_elastic import JumpDiffusion, jump_diffusion
from vitrolyte.observe.van_hove.relaxation import Decay, decay, slow_start

Floats = NDArray[np.float64]
CITATIONS = ("10.1103/PhysRev.95.249", "10.1039/TF9706600080", "10.1088/0370-1328/77/2/319")

Q_A = (0.5, 0.8, 1.2, 1.8, 2.5, 3.5)
"""Wave numbers that are looked at by default, 1/Å."""

_TIME = Axis("lag time", "ps")
_SELF = Axis("F_s(q, t)", "")


@dataclass(frozen=True, eq=False)
class SelfScattering(Result):
    """The self part of the intermediate scattering function of one species.

    Attributes
    ----------
    species
        Whose.
    q
        1/Å.
    curves
        F_s(q, t), with the stretched exponentials through their slow part.
    tau, beta, mean_time, plateau
        By wave number (``q = 1.2 1/Å``): time, s, and exponent of the stretched exponential; its
        mean time, s; and the height from which it starts, the Lamb-Mössbauer factor of the cage.
    jumps
        What the width tells of the jumps.
    """

    species: str
    q: tuple[float, ...]
    curves: CurveSet
    tau: Mapping[str, Quantity]
    beta: Mapping[str, Quantity]
    mean_time: Mapping[str, Quantity]
    plateau: Mapping[str, Quantity]
    jumps: JumpDiffusion

    def observations(self, sample: Sample) -> tuple[Observation, ...]:
        """Return times, exponents and plateaus at each wave number, and what the width tells."""
        words = (
            ("correlation_time", self.tau, "stretched exponential"),
            ("stretching_exponent", self.beta, "stretched exponential"),
            ("lamb_moessbauer_factor", self.plateau, "height of the slow part"),
        )
        rows = tuple(
            computed(sample, word, numbers[label], of=self.species,
                     method=f"F_s(q, t), {label}, {how}")
            for label in self.tau
            for word, numbers, how in words
        )  # fmt: skip
        return rows + self.jumps.observations(sample)


@dataclass(frozen=True, eq=False)
class IncoherentScattering(Result):
    """The self part of the intermediate scattering function of each species.

    Attributes
    ----------
    duration_ps, frame
        Length of the run and frame of reference.
    parts
        One for each species.
    """

    duration_ps: float
    frame: str
    parts: tuple[SelfScattering, ...]

    def __getitem__(self, species: str) -> SelfScattering:
        return next(part for part in self.parts if part.species == species)

    def observations(self, sample: Sample) -> tuple[Observation, ...]:
        """Return the rows of every species."""
        return tuple(row for part in self.parts for row in part.observations(sample))


def incoherent_scattering(
    trajectory: Trajectory,
    fit: Fitter,
    *,
    q: tuple[float, ...] = Q_A,
    species: tuple[str, ...] | None = None,
    settings: MotionSettings | None = None,
) -> IncoherentScattering:
    r"""Return F_s(q, t) of each species with its slow decay.

    .. math:: F_s(q, t) = \frac{1}{N} \left\langle \sum_i
        \frac{\sin q |\Delta r_i|}{q |\Delta r_i|} \right\rangle
        \approx A(q) \exp\left[-(t / \tau(q))^{\beta(q)}\right]

    the mean over all directions of q.

    Parameters
    ----------
    trajectory
        Unwrapped positions at equally spaced times; the cell may change and be triclinic.
    fit
        Finds the parameters of a model from a curve: ``infer.fit.fit``.
    q
        1/Å.
    species
        All by default.

    Raises
    ------
    InputError
        If a wave number is not positive, the times are not equally spaced, the frames too few, or
        a species is unknown.

    References
    ----------
    Williams & Watts, Trans. Faraday Soc. 66, 80 (1970), https://doi.org/10.1039/TF9706600080
    """
    settings = settings or MotionSettings()
    checked(q)
    counted = count_displacements(trajectory, species, settings=settings)
    return incoherent_scattering_of(counted, fit, q=q, frame=settings.frame)


def checked(q: tuple[float, ...]) -> Floats:
    """Return wave numbers as an array, (n,), 1/Å.

    Raises
    ------
    InputError
        If there is none, or one is not positive.
    """
    values = np.asarray(q, dtype=float)
    if not len(values) or not np.all(np.isfinite(values) & (values > 0)):
        raise InputError("Scattering needs wave numbers above zero, 1/Å", received=f"{q}")
    return values


def incoherent_scattering_of(
    counted: Mapping[str, DisplacementCounts],
    fit: Fitter,
    *,
    q: tuple[float, ...] = Q_A,
    frame: str,
) -> IncoherentScattering:
    """Return F_s(q, t) from displacements that were counted before."""
    duration = next(iter(counted.values())).duration_ps
    parts = tuple(self_scattering(one, fit, q=q) for one in counted.values())
    return IncoherentScattering(duration, frame, parts)


def self_scattering(
    counts: DisplacementCounts, fit: Fitter, *, q: tuple[float, ...] = Q_A
) -> SelfScattering:
    """Return F_s(q, t) of one species with its slow decay at each wave number."""
    values = checked(q)
    spread = counts.scattering(values)
    start = slow_start(counts.lags_ps, counts.square().value)
    decays = {
        _label(one): decay(counts.lags_ps, spread.at(k), start, fit) for k, one in enumerate(values)
    }
    curves: list[Curve] = []
    for k, (label, found) in enumerate(decays.items()):
        one = spread.at(k)
        curves.append(Curve(counts.lags_ps, one.value, _TIME, _SELF, one.error, label))
        curves += relabelled(found, label, _SELF)
    title = f"Intermediate scattering function of single {counts.species}"
    return SelfScattering(
        species=counts.species,
        q=q,
        curves=CurveSet(title, tuple(curves), log_x=True, points=tuple(decays)),
        tau={label: one.tau for label, one in decays.items()},
        beta={label: one.beta for label, one in decays.items()},
        mean_time={label: one.mean_time for label, one in decays.items()},
        plateau={label: one.plateau for label, one in decays.items()},
        jumps=jump_diffusion(counts.species, values, tuple(decays.values()), fit),
    )


def _label(q: float) -> str:
    return f"q = {q:.3g} 1/Å"


def relabelled(found: Decay, label: str, axis: Axis) -> list[Curve]:
    """Return the fitted curve of a decay, if there is one, named after its data."""
    if found.fitted is None or math.isnan(found.tau.value):
        return []
    line = found.fitted
    return [Curve(line.x, line.y, _TIME, axis, label=f"{label}, fit")]
