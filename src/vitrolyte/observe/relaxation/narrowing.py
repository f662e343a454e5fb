"""The static line: its second moment from the atoms, and how motion narrows it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq

from vitrolyte.data.errors import InputError
from vitrolyte.data.nuclei import Nucleus, isotopes, nucleus
from vitrolyte.data.observation import Observation, Sample, computed
from vitrolyte.data.quantity import Quantity
from vitrolyte.data.result import Result
from vitrolyte.data.trajectory import Trajectory
from vitrolyte.data.units import BOLTZMANN_EV_PER_K
from vitrolyte.observe.blocks import block_average
from vitrolyte.observe.neighbours import neighbours
from vitrolyte.observe.relaxation.rates import dipolar_constant
from vitrolyte.observe.sampling import sample

Floats = NDArray[np.float64]

GAUSSIAN_FWHM = 2.0 * math.sqrt(2.0 * math.log(2.0))
_LIKE, _UNLIKE = 3.0 / 4.0, 1.0 / 3.0
_POWDER = 4.0 / 5.0
_POINTS = 1 << 15


@dataclass(frozen=True, eq=False)
class SecondMoment(Result):
    """The second moment of the dipolar line of nuclei at rest.

    Attributes
    ----------
    nucleus
        Whose line.
    total, like, unlike
        M2, and what spins of the same and of other kinds add, rad²/s².
    width
        Full width at half maximum of a Gaussian line of that moment, Hz.
    """

    nucleus: str
    total: Quantity
    like: Quantity
    unlike: Quantity
    width: Quantity

    def observations(self, sample: Sample) -> tuple[Observation, ...]:
        """Return the moment, its parts, and the width of the rigid line."""
        method = "van Vleck, atoms at rest"
        named = (("", self.total), (" like spins", self.like), (" unlike spins", self.unlike))
        rows = [
            computed(sample, "nmr_second_moment", number, of=self.nucleus + part, method=method)
            for part, number in named
        ]
        rows.append(
            computed(
                sample, "nmr_linewidth", self.width, of=self.nucleus, method=f"{method}, Gaussian"
            )
        )
        return tuple(rows)


def second_moment(
    trajectory: Trajectory,
    of: str | Nucleus,
    *,
    field_direction: ArrayLike | None = None,
    reach_A: float = 15.0,
    max_frames: int = 20,
) -> SecondMoment:
    r"""Return the second moment of the resonance of nuclei that do not move.

    .. math:: M_2 = \frac{3}{4} I(I+1) \gamma_I^4 \hbar^2 \sum_k \frac{(1-3\cos^2\theta_k)^2}{r_k^6}
        + \frac{1}{3} S(S+1) \gamma_I^2 \gamma_S^2 \hbar^2
        \sum_k \frac{(1-3\cos^2\theta_k)^2}{r_k^6}

    with :math:`(\mu_0/4\pi)^2`; for a powder the angles average to 4/5. All images count up to the
    reach; beyond it partners are taken as spread evenly. Isotopes in their natural shares.

    Parameters
    ----------
    trajectory
        One frame, or several: the mean over frames, each taken at rest.
    of
        ``7Li``, or a `Nucleus`.
    field_direction
        (3,), direction of the field in a single crystal; None for a powder.
    reach_A
        Up to where partners are counted one by one.
    max_frames
        At most so many frames.

    Raises
    ------
    InputError
        If the element is not there, or the reach or direction is zero.

    References
    ----------
    Van Vleck, Phys. Rev. 74, 1168 (1948), https://doi.org/10.1103/PhysRev.74.1168.
    """
    one = nucleus(of) if isinstance(of, str) else of
    direction = None if field_direction is None else np.asarray(field_direction, dtype=float)
    if not reach_A > 0 or (direction is not None and not np.linalg.norm(direction) > 0):
        raise InputError(
            "A second moment needs a reach above zero, and a direction of the field or none",
            received=f"reach {reach_A} Å, direction {direction}",
        )
    trajectory.indices(one.element)
    frames = sample(trajectory, max_frames)
    like, unlike = [], []
    for snapshot in frames:
        sums = _sums(snapshot.fractional, snapshot.cell, (frames.starts, reach_A), direction,
                     frames.elements.index(one.element))  # fmt: skip
        parts = [_moments(one, element, s) for element, s in zip(frames.elements, sums)]
        like.append(sum(part[0] for part in parts))
        unlike.append(sum(part[1] for part in parts))
    total = np.add(like, unlike)
    unit = "rad²/s²"
    return SecondMoment(
        one.name,
        block_average(total, unit),
        block_average(like, unit),
        block_average(unlike, unit),
        block_average(GAUSSIAN_FWHM / (2.0 * math.pi) * np.sqrt(total), "Hz"),
    )


def _sums(
    fractional: Floats,
    cell: Floats,
    limits: tuple[NDArray[np.int64], float],
    direction: Floats | None,
    centre: int,
) -> Floats:
    """Return the mean over the nuclei of sum (1 - 3 cos²)² / r⁶ by species of the partner, Å⁻⁶."""
    starts, reach = limits
    counts = np.diff(starts)
    kinds = np.repeat(np.arange(len(counts)), counts)
    reaches = np.zeros((len(counts), len(counts)))
    reaches[centre, :] = reaches[:, centre] = reach
    found = neighbours(fractional.T @ cell, cell, kinds, reaches)
    squares = np.einsum("ij,ij->i", found.vectors, found.vectors)
    terms = np.full(len(squares), _POWDER)
    if direction is not None:
        cosine = found.vectors @ (direction / np.linalg.norm(direction))
        terms = (1.0 - 3.0 * cosine**2 / squares) ** 2
    ours = kinds[found.owners] == centre
    sums = np.bincount(
        kinds[found.others[ours]], weights=(terms / squares**3)[ours], minlength=len(counts)
    )
    density = counts / abs(float(np.linalg.det(cell)))
    return np.asarray(
        sums / counts[centre] + _POWDER * 4.0 * math.pi * density / (3.0 * reach**3), dtype=float
    )


def _moments(one: Nucleus, element: str, lattice_sum: float) -> tuple[float, float]:
    """Return what the like and the unlike spins of an element add, rad²/s²."""
    like = unlike = 0.0
    known = isotopes(element)
    if element == one.element and one.name not in {other.name for other in known}:
        known = (one,)
    for other in known:
        strength = other.abundance * other.moment_squared * dipolar_constant(one, other)
        if other.name == one.name:
            like += _LIKE * strength * lattice_sum
        else:
            unlike += _UNLIKE * strength * lattice_sum
    return like, unlike


def kubo_anderson_decay(time_s: ArrayLike, moment: float, tau_s: float) -> Floats:
    r"""Return the decay of a line whose frequency wanders as a Gaussian process.

    .. math:: \phi(t) = \exp[-M_2 \tau^2 (e^{-t/\tau} - 1 + t/\tau)]

    Parameters
    ----------
    time_s
        s.
    moment
        M2, rad²/s².
    tau_s
        Correlation time, s.

    References
    ----------
    Kubo & Tomita, J. Phys. Soc. Jpn. 9, 888 (1954), https://doi.org/10.1143/JPSJ.9.888.
    """
    t = np.asarray(time_s, dtype=float) / tau_s
    return np.asarray(np.exp(-moment * tau_s**2 * (np.expm1(-t) + t)))


def kubo_anderson_width(moment: float, tau_s: float) -> float:
    r"""Return the full width at half maximum, Hz, of a line narrowed by a Gaussian process.

    Its limits are that of the Gaussian line of the rigid lattice, and :math:`M_2 \tau / \pi`, the
    Lorentzian of fast motion.
    """
    static = math.sqrt(moment)
    fast = moment * tau_s
    scale = min(static, fast) if tau_s > 0 else 0.0
    if scale == 0.0:
        return 0.0
    t = np.linspace(0.0, 30.0 / scale, _POINTS)
    decay = kubo_anderson_decay(t, moment, tau_s)
    step = t[1] - t[0]

    def line(omega: float) -> float:
        values = decay * np.cos(omega * t)
        return float(step * (values.sum() - 0.5 * (values[0] + values[-1])))

    peak = line(0.0)
    half = brentq(lambda w: line(w) - 0.5 * peak, 0.0, 4.0 * scale)
    return float(half / math.pi)


def abragam_width(moment: float, tau_s: float, cut: float = 1.0) -> float:
    r"""Return the half width of a narrowed line, rad/s, by the implicit rule of Abragam.

    .. math:: \delta^2 = M_2 \, (2/\pi) \arctan(\alpha\,\delta\,\tau)

    Parameters
    ----------
    moment
        M2 of the rigid line, rad²/s².
    tau_s
        Correlation time, s.
    cut
        alpha, of the order of one.

    References
    ----------
    Abragam, The Principles of Nuclear Magnetism (Oxford 1961), chapter X.
    """
    rigid = math.sqrt(moment)

    def left(width: float) -> float:
        return width - moment * (2.0 / math.pi) * math.atan(cut * width * tau_s) / width

    lowest = 1e-12 * rigid
    # The root nears the rigid width itself in slow motion: the bracket ends just beyond it.
    return float(brentq(left, lowest, rigid * (1.0 + 1e-9))) if left(lowest) < 0 else 0.0


def hendrickson_bray(
    temperature_K: ArrayLike, rigid: float, intrinsic: float, energy_eV: float, residual: float
) -> Floats:
    r"""Return the width over temperature by the phenomenological rule of Hendrickson and Bray.

    .. math:: \Delta(T) = A \left[1 + (A/B - 1) e^{-E_a/kT}\right]^{-1} + D

    Parameters
    ----------
    temperature_K
        K.
    rigid, intrinsic, residual
        A, width of the rigid lattice; B, of the mobile ions; D, what stays: one unit for all.
    energy_eV
        E_a.

    References
    ----------
    Hendrickson & Bray, J. Magn. Reson. 9, 341 (1973),
    https://doi.org/10.1016/0022-2364(73)90176-5.
    """
    t = np.asarray(temperature_K, dtype=float)
    mobile = np.exp(-energy_eV / (BOLTZMANN_EV_PER_K * t))
    return np.asarray(rigid / (1.0 + (rigid / intrinsic - 1.0) * mobile) + residual)
