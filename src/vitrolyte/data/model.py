"""An equation with parameters: what a fit is asked to find."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vitrolyte.data.errors import InputError

Floats = NDArray[np.float64]
Numbers = NDArray[Any]
"""Real or complex."""
Forward = Callable[[Floats, Floats], Numbers]
"""y (n,) of x (n,) and of the parameters (p,), in the order in which a model lists them."""
Jacobian = Callable[[Floats, Floats], Numbers]
"""dy/dp (n, p), of the same."""


@dataclass(frozen=True)
class Parameter:
    """One parameter: its value (a starting value before a fit), unit and bounds.

    Attributes
    ----------
    name, value, unit
        What it is, and where a search starts.
    low, high
        Bounds, both included.
    fixed
        Whether it keeps its value.
    logarithmic
        Whether its logarithm is what is searched and has the symmetric interval: for a number above
        zero that may lie anywhere over decades, such as a resistance.

    Raises
    ------
    InputError
        If the value lies outside the bounds, or a logarithmic one is not above zero.
    """

    name: str
    value: float
    unit: str
    low: float = -np.inf
    high: float = np.inf
    fixed: bool = False
    logarithmic: bool = False

    def __post_init__(self) -> None:
        if not self.low <= self.value <= self.high:
            raise InputError(
                f"The parameter {self.name} has to start inside its bounds",
                received=f"{self.value} {self.unit}, bounds {self.low} to {self.high}",
            )
        if self.logarithmic and not self.value > 0:
            raise InputError(
                f"The parameter {self.name} has a logarithm and is above zero",
                received=f"{self.value} {self.unit}",
            )


@dataclass(frozen=True)
class Model:
    """An equation y(x) with its parameters.

    Attributes
    ----------
    forward
        The equation; y is real or complex.
    parameters
        In the order in which the equation takes them.
    jacobian
        Derivatives of y with respect to all parameters, fixed ones included, as they stand in the
        equation (not to their logarithms); without it differences are taken.
    """

    forward: Forward
    parameters: tuple[Parameter, ...]
    jacobian: Jacobian | None = None

    def __call__(self, x: Floats) -> Numbers:
        """Return y at x with the parameters as they stand."""
        return self.forward(x, self.values)

    @property
    def values(self) -> Floats:
        """Return the values of the parameters, (p,)."""
        return np.array([parameter.value for parameter in self.parameters])

    @property
    def free(self) -> NDArray[np.bool_]:
        """Return which parameters are not fixed, (p,)."""
        return np.array([not parameter.fixed for parameter in self.parameters], dtype=bool)

    def at(self, values: Floats) -> Model:
        """Return the model with other values of its parameters."""
        pairs = zip(self.parameters, values, strict=True)
        return replace(self, parameters=tuple(replace(p, value=float(v)) for p, v in pairs))

    def holding(self, **values: float) -> Model:
        """Return the model with some parameters fixed at these values, by name.

        Raises
        ------
        InputError
            If it has no parameter of a name.
        """
        names = [p.name for p in self.parameters]
        if unknown := set(values) - set(names):
            raise InputError(
                f"The parameters of this model are {', '.join(names)}",
                received=", ".join(sorted(unknown)),
            )
        return replace(
            self,
            parameters=tuple(
                replace(p, value=float(values[p.name]), fixed=True) if p.name in values else p
                for p in self.parameters
            ),
        )
