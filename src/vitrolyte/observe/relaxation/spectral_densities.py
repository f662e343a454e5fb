r"""Spectral densities of a motion with one correlation time, or with a spread of them.

One convention throughout: :math:`J(\omega) = \int_{-\infty}^{\infty} C(t) e^{-i\omega t}\,dt` of a
correlation function with C(0) = 1, so that an exponential gives
:math:`2\tau / (1 + \omega^2\tau^2)`. Books that integrate from zero have half of that; their
prefactors are then twice ours.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vitrolyte.data.errors import InputError
from vitrolyte.data.model import Parameter

Floats = NDArray[np.float64]
Law = Callable[[Floats, Floats, Floats], Floats]
"""J, in the unit of tau, at omega and tau that broadcast, and the shape parameters (p,)."""

_RAY = 0.25 * np.pi


def bpp(omega: ArrayLike, tau: ArrayLike) -> Floats:
    r"""Return the spectral density of exponential decay, :math:`2\tau / (1 + \omega^2\tau^2)`.

    References
    ----------
    Bloembergen, Purcell & Pound, Phys. Rev. 73, 679 (1948), https://doi.org/10.1103/PhysRev.73.679.
    """
    w, t = np.asarray(omega, dtype=float), np.asarray(tau, dtype=float)
    return np.asarray(2.0 * t / (1.0 + (w * t) ** 2))


def asymmetric(omega: ArrayLike, tau: ArrayLike, beta: float) -> Floats:
    r"""Return the asymmetric form in common use, :math:`2\tau / [1 + (\omega\tau)^\beta]`.

    With an activated time the flank at :math:`\omega\tau \gg 1` has the energy
    :math:`(\beta - 1) E_a`; :math:`1 < \beta \le 2`. It is a description, no transform of a decay.

    References
    ----------
    Heitjans & Indris, J. Phys.: Condens. Matter 15, R1257 (2003),
    https://doi.org/10.1088/0953-8984/15/30/202.
    """
    w, t = np.asarray(omega, dtype=float), np.asarray(tau, dtype=float)
    return np.asarray(2.0 * t / (1.0 + (w * t) ** beta))


def two_dimensional(omega: ArrayLike, tau: ArrayLike) -> Floats:
    r"""Return Richards' form for diffusion in a plane, :math:`\tau \ln[1 + 1/(\omega\tau)^2]`.

    It equals the exponential's in its power of frequency at :math:`\omega\tau \gg 1` and grows with
    the logarithm of the frequency at :math:`\omega\tau \ll 1`.

    References
    ----------
    Richards, in Physics of Superionic Conductors (Springer 1979), p. 141,
    https://doi.org/10.1007/978-3-642-81328-3.
    """
    w, t = np.asarray(omega, dtype=float), np.asarray(tau, dtype=float)
    return np.asarray(t * np.log1p((w * t) ** -2.0))


def havriliak_negami(omega: ArrayLike, tau: ArrayLike, alpha: float, gamma: float) -> Floats:
    r"""Return the form of Havriliak and Negami.

    .. math:: J = -\frac{2}{\omega}\,\mathrm{Im}\,\frac{1}{[1 + (i\omega\tau)^\alpha]^\gamma}

    Cole-Davidson for alpha = 1, Cole-Cole for gamma = 1, the exponential for both. Below
    alpha = 1 it grows without bound as the frequency goes to zero.

    References
    ----------
    Beckmann, Phys. Rep. 171, 85 (1988), https://doi.org/10.1016/0370-1573(88)90073-7.
    """
    w, t = np.asarray(omega, dtype=float), np.asarray(tau, dtype=float)
    lost = -np.imag((1.0 + (1j * w * t) ** alpha) ** -gamma)
    return np.asarray(2.0 * lost / w)


def stretched(omega: ArrayLike, tau: ArrayLike, beta: float) -> Floats:
    r"""Return the transform of a stretched exponential :math:`\exp[-(t/\tau)^\beta]`.

    The path of integration is turned into the complex plane, where the integrand decays without
    oscillating, and the integral is a sum over equal steps of ln t.

    Raises
    ------
    InputError
        If beta is not above 0.1 and at most 1.

    References
    ----------
    Wuttke, Algorithms 5, 604 (2012), https://doi.org/10.3390/a5040604.
    """
    if not 0.1 < beta <= 1.0:
        raise InputError("A stretched exponent lies between 0.1 and 1", received=f"{beta}")
    w, t = np.broadcast_arrays(np.asarray(omega, dtype=float), np.asarray(tau, dtype=float))
    steps = np.linspace(-60.0, np.log(200.0) / beta + 2.0, 4000)
    s = np.exp(steps)
    turn = np.exp(1j * _RAY)
    decay = -((s * turn) ** beta)
    x = np.abs(w * t).ravel()
    values = np.empty(len(x))
    for place, one in enumerate(x):
        values[place] = np.real(turn * np.sum(s * np.exp(decay + 1j * one * s * turn)))
    return np.asarray(2.0 * t * values.reshape(w.shape) * (steps[1] - steps[0]))


@dataclass(frozen=True)
class Shape:
    """A family of spectral densities with its shape parameters.

    Attributes
    ----------
    name
        As in `SHAPES`.
    law
        J at omega, tau and the shape parameters.
    parameters
        What a fit may vary beside the time, in order.
    """

    name: str
    law: Law
    parameters: tuple[Parameter, ...] = ()

    @property
    def defaults(self) -> Floats:
        """Return the starting values of the shape parameters, (p,)."""
        return np.array([one.value for one in self.parameters])


def _named(*shapes: Shape) -> dict[str, Shape]:
    return {shape.name: shape for shape in shapes}


SHAPES: Mapping[str, Shape] = _named(
    Shape("bpp", lambda w, t, _: bpp(w, t)),
    Shape(
        "asymmetric",
        lambda w, t, p: asymmetric(w, t, float(p[0])),
        (Parameter("beta", 1.7, "1", 1.0, 2.0),),
    ),
    Shape("two-dimensional", lambda w, t, _: two_dimensional(w, t)),
    Shape(
        "cole-davidson",
        lambda w, t, p: havriliak_negami(w, t, 1.0, float(p[0])),
        (Parameter("gamma", 0.7, "1", 0.05, 1.0),),
    ),
    Shape(
        "cole-cole",
        lambda w, t, p: havriliak_negami(w, t, float(p[0]), 1.0),
        (Parameter("alpha", 0.9, "1", 0.2, 1.0),),
    ),
    Shape(
        "havriliak-negami",
        lambda w, t, p: havriliak_negami(w, t, float(p[0]), float(p[1])),
        (Parameter("alpha", 0.9, "1", 0.2, 1.0), Parameter("gamma", 0.8, "1", 0.05, 1.0)),
    ),
    Shape(
        "stretched",
        lambda w, t, p: stretched(w, t, float(p[0])),
        (Parameter("beta", 0.7, "1", 0.15, 1.0),),
    ),
)
"""The spectral densities by name."""


def shape(name: str) -> Shape:
    """Return a family of spectral densities.

    Raises
    ------
    InputError
        If there is none of that name.
    """
    if name not in SHAPES:
        raise InputError(f"A spectral density is one of {', '.join(SHAPES)}", received=repr(name))
    return SHAPES[name]
