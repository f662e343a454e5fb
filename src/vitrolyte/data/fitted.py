"""What a fit gives back, for those who ask for one without knowing who carries it out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from vitrolyte.data.curve import Curve
from vitrolyte.data.model import Floats, Model
from vitrolyte.data.quantity import Quantity


class Fitted(Protocol):
    """A model fitted to a curve."""

    @property
    def model(self) -> Model:
        """Return the model with the values found."""
        ...

    @property
    def parameters(self) -> Mapping[str, Quantity]:
        """Return the parameters by name."""
        ...

    @property
    def covariance(self) -> Floats:
        """Return the covariance of the parameters, (p, p)."""
        ...

    @property
    def quantile(self) -> float:
        """Return the half width of a 95 % interval in standard errors."""
        ...

    @property
    def poor(self) -> bool:
        """Return whether the model contradicts the points."""
        ...

    @property
    def chi2(self) -> float:
        """Return the sum of squared residuals over squared errors."""
        ...

    @property
    def dof(self) -> int:
        """Return the degrees of freedom."""
        ...

    def band(self, x: Floats) -> tuple[Floats, Floats]:
        """Return the fitted model at x and its standard error."""
        ...


Fitter = Callable[[Model, Curve], Fitted]
"""Finds the parameters of a model from a curve: ``infer.fit.fit``."""
