"""An equation with parameters: what a fit is asked to find."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from vitrolyte.data.errors import InputError

Floats = NDArray[np.float64]
Forward = Callable[[Floats, Floats], Floats]
"""y (n,) of x (n,) and of the parameters (p,), in the order in which a model lists them."""


@dataclass(frozen=True)
class Parameter:
    """One parameter: its value (a starting value before a fit), unit and bounds.

    Raises
    ------
    InputError
        If the value lies outside the bounds.
    """

    name: str
    value: float
    unit: str
    low: float = -np.inf
    high: float = np.inf

    def __post_init__(self) -> None:
        if not self.low <= self.value <= self.high:
            raise InputError(
                f"The parameter {self.name} has to start inside its bounds",
                received=f"{self.value} {self.unit}, bounds {self.low} to {self.high}",
            )


@dataclass(frozen=True)
class Model:
    """An equation y(x) with its parameters.

    Attributes
    ----------
    forward
        The equation.
    parameters
        In the order in which the equation takes them.
    """

    forward: Forward
    parameters: tuple[Parameter, ...]

    def __call__(self, x: Floats) -> Floats:
        """Return y at x with the parameters as they stand."""
        return self.forward(x, self.values)

    @property
    def values(self) -> Floats:
        """Return the values of the parameters, (p,)."""
        return np.array([parameter.value for parameter in self.parameters])

    def at(self, values: Floats) -> Model:
        """Return the model with other values of its parameters."""
        pairs = zip(self.parameters, values, strict=True)
        return replace(self, parameters=tuple(replace(p, value=float(v)) for p, v in pairs))
