r"""How a current decays to its steady value after a step of voltage.

.. math:: I(t) = I_{ss} + \sum_j A_j\, f_j(t; s_j)

Times are in units of the longest one, so that shapes have bounds that hold for any experiment.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from vitrolyte.data.model import Floats, Model, Parameter

Form = Callable[[Floats, Floats], tuple[Floats, Floats]]
"""Decay f (n,) and its derivatives by the shapes (n, k), at times (n,)."""


@dataclass(frozen=True)
class Term:
    """One decaying part: its form, and its shapes with bounds as a model has them."""

    form: Form
    shapes: tuple[Parameter, ...] = ()


@dataclass(frozen=True)
class DecayLaw:
    """A steady current and what decays towards it.

    Attributes
    ----------
    name
        What it is called.
    terms
        The decaying parts.
    """

    name: str
    terms: tuple[Term, ...]

    def model(self, t: Floats, current: Floats) -> Model:
        """Return the law as a model, its linear parameters started by least squares.

        Parameters
        ----------
        t
            (n,), over the longest time, above zero.
        current
            (n,), in any unit.
        """
        columns = [np.ones_like(t)]
        for term in self.terms:
            columns.append(term.form(t, np.array([shape.value for shape in term.shapes]))[0])
        linear, *_ = np.linalg.lstsq(np.stack(columns, axis=1), current, rcond=None)
        parameters = [Parameter("steady", float(linear[0]), "1")]
        for term, amplitude in zip(self.terms, linear[1:]):
            parameters += [Parameter(f"amplitude {len(parameters)}", float(amplitude), "1")]
            parameters += list(term.shapes)
        return Model(self.current, tuple(parameters), self.derivatives)

    def current(self, t: Floats, values: Floats) -> Floats:
        """Return the current (n,)."""
        found, place = np.full_like(t, values[0]), 1
        for term in self.terms:
            end = place + 1 + len(term.shapes)
            found += values[place] * term.form(t, values[place + 1 : end])[0]
            place = end
        return found

    def derivatives(self, t: Floats, values: Floats) -> Floats:
        """Return its derivatives by all parameters, (n, p)."""
        columns, place = [np.ones((len(t), 1))], 1
        for term in self.terms:
            end = place + 1 + len(term.shapes)
            f, slopes = term.form(t, values[place + 1 : end])
            columns += [f[:, None], values[place] * slopes]
            place = end
        return np.concatenate(columns, axis=1)


def exponential(t: Floats, shapes: Floats) -> tuple[Floats, Floats]:
    r"""Return :math:`e^{-t/\tau}`, and its derivative by τ."""
    f = np.exp(-t / shapes[0])
    return f, (f * t / shapes[0] ** 2)[:, None]


def stretched_decay(t: Floats, shapes: Floats) -> tuple[Floats, Floats]:
    r"""Return :math:`e^{-(t/\tau)^\beta}`, and its derivatives by τ and β."""
    tau, beta = shapes
    x = (t / tau) ** beta
    f = np.exp(-x)
    return f, np.stack([f * x * beta / tau, -f * x * np.log(t / tau)], axis=1)


def diffusive(t: Floats, shapes: Floats) -> tuple[Floats, Floats]:
    r"""Return Cottrell's :math:`t^{-1/2}`, which has no shape."""
    del shapes
    return t**-0.5, np.empty((len(t), 0))


def power_decay(t: Floats, shapes: Floats) -> tuple[Floats, Floats]:
    r"""Return :math:`t^{-m}` of Curie and von Schweidler, and its derivative by m."""
    f = t ** -shapes[0]
    return f, (-f * np.log(t))[:, None]


def finite_diffusion(t: Floats, shapes: Floats) -> tuple[Floats, Floats]:
    r"""Return diffusion between two electrodes, and its derivative by τ.

    .. math:: f = \frac{8}{\pi^2} \sum_{k\ \text{odd}} k^{-2}\, e^{-k^2 t/\tau},
        \qquad \tau = L^2 / \pi^2 D

    the decay of a mixed conductor's polarisation; J. Crank, The Mathematics of Diffusion (1975).
    """
    order = np.arange(1, 60, 2)[:, None]
    terms = 8.0 / np.pi**2 * np.exp(-(order**2) * t / shapes[0])
    slope = np.sum(terms, axis=0) * t / shapes[0] ** 2
    return np.sum(terms / order**2, axis=0), slope[:, None]


def _tau(name: str, start: float, low: float = 1e-4, high: float = 30.0) -> Parameter:
    return Parameter(name, start, "1", low, high, logarithmic=True)


EXPONENTIAL = DecayLaw("exponential", (Term(exponential, (_tau("tau", 0.15),)),))
TWO_EXPONENTIALS = DecayLaw(
    "two exponentials",
    (Term(exponential, (_tau("tau", 0.3),)), Term(exponential, (_tau("fast tau", 0.03),))),
)
STRETCHED = DecayLaw(
    "stretched exponential",
    (Term(stretched_decay, (_tau("tau", 0.1), Parameter("beta", 0.7, "1", 0.15, 1.0))),),
)
FINITE_DIFFUSION = DecayLaw("finite diffusion", (Term(finite_diffusion, (_tau("tau", 0.15),)),))
COTTRELL = DecayLaw("t^-1/2", (Term(diffusive),))
POWER = DecayLaw("power law", (Term(power_decay, (Parameter("exponent", 0.7, "1", 0.1, 2.0),)),))
DECAY_LAWS = (EXPONENTIAL, TWO_EXPONENTIALS, STRETCHED, FINITE_DIFFUSION, COTTRELL, POWER)
