"""Parameters from curves: least squares with errors, and intervals that admit bad errors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, stats

from vitrolyte.data.curve import Curve
from vitrolyte.data.errors import InputError, NotConverged
from vitrolyte.data.model import Model, Parameter
from vitrolyte.data.quantity import Quantity

Floats = NDArray[np.float64]
_POOR = 0.05


@dataclass(frozen=True, eq=False)
class Fit:
    """Parameters of a model with intervals, and how well the model holds.

    Attributes
    ----------
    model
        The model with the values found.
    parameters
        The same values by name, with their intervals.
    covariance
        (p, p), with the inflation by a poor fit included.
    chi2, dof, p_value
        Sum of squared residuals over squared errors, degrees of freedom, and the probability of
        a larger sum if the model and the errors were right; chi2 and p_value are NaN where the
        curve has no errors.
    quantile
        Half width of a 95 % interval in standard errors.
    residuals
        (n,) residuals over errors.
    """

    model: Model
    parameters: Mapping[str, Quantity]
    covariance: Floats
    chi2: float
    dof: int
    p_value: float
    quantile: float
    residuals: Floats

    @property
    def poor(self) -> bool:
        """Return whether the residuals are too large for the errors, at 5 %."""
        return bool(self.p_value < _POOR)

    def band(self, x: Floats) -> tuple[Floats, Floats]:
        """Return the fitted model at x and its standard error by the propagated covariance."""
        forward, values = self.model.forward, self.model.values
        slopes = _jacobian(lambda p: forward(x, p), values)
        variance = np.einsum("xi,ij,xj->x", slopes, self.covariance, slopes)
        return forward(x, values), np.sqrt(np.maximum(variance, 0.0))


def fit(model: Model, curve: Curve, *, trust: float = 20.0) -> Fit:
    """Fit the parameters of a model to a curve by weighted least squares.

    The scale of the errors is itself uncertain: it is taken from the errors given, worth ``trust``
    degrees of freedom, and from the residuals together, never below the errors given. Where the
    residuals contradict the errors at 5 %, the residuals alone decide. Intervals are those of
    Student's t with the corresponding degrees of freedom.

    Parameters
    ----------
    model
        Equation and starting values; this module does not know what it describes.
    curve
        Real data, with ``y_error`` where known.
    trust
        Degrees of freedom with which the errors of the curve are known.

    Raises
    ------
    InputError
        If there are not more points than parameters, or an error is not positive.
    NotConverged
        If the least-squares search fails or a parameter is not determined.
    """
    parameters = model.parameters
    errors = _errors(curve, len(parameters))
    y = np.asarray(curve.y, dtype=float)

    def residuals(values: Floats) -> Floats:
        return np.asarray((model.forward(curve.x, values) - y) / errors)

    found = optimize.least_squares(
        residuals,
        model.values,
        bounds=([p.low for p in parameters], [p.high for p in parameters]),
        x_scale="jac",
        xtol=1e-12,
        ftol=1e-12,
        gtol=1e-12,
    )
    if not found.success:
        raise NotConverged("A least-squares fit has to converge", received=str(found.message))
    chi2, dof = float(np.sum(found.fun**2)), len(y) - len(parameters)
    scale, freedom = _scale(chi2, dof, trust if curve.y_error is not None else 0.0)
    covariance = _inverse(found.jac) * scale
    quantile = float(stats.t.ppf(0.975, freedom))
    known = curve.y_error is not None
    return Fit(
        model=model.at(found.x),
        parameters=_quantities(parameters, found.x, covariance, quantile),
        covariance=covariance,
        chi2=chi2 if known else float("nan"),
        dof=dof,
        p_value=float(stats.chi2.sf(chi2, dof)) if known else float("nan"),
        quantile=quantile,
        residuals=np.asarray(found.fun),
    )


def _errors(curve: Curve, n_parameters: int) -> Floats:
    if len(curve) <= n_parameters:
        raise InputError(
            f"A fit of {n_parameters} parameters needs more points than that",
            received=f"{len(curve)} points",
        )
    if curve.y_error is None:
        return np.ones(len(curve))
    if not np.all(curve.y_error > 0):
        raise InputError(
            "A weighted fit needs errors above zero", received=f"errors {curve.y_error}"
        )
    return curve.y_error


def _scale(chi2: float, dof: int, trust: float) -> tuple[float, float]:
    """Return the factor of the variances and the degrees of freedom with which it is known."""
    if trust == 0.0 or stats.chi2.sf(chi2, dof) < _POOR:
        return chi2 / dof, float(dof)
    return max(1.0, (trust + chi2) / (trust + dof)), trust + dof


def _inverse(jacobian: Floats) -> Floats:
    norms = np.linalg.norm(jacobian, axis=0)
    if not np.all(norms > 0) or np.linalg.cond(jacobian / norms) > 1e8:
        raise NotConverged(
            "Each parameter of a fit has to be determined by the points",
            received="parameters that do not change the curve independently",
            remedy="fix a parameter or add points",
        )
    scaled = jacobian / norms
    return np.asarray(np.linalg.inv(scaled.T @ scaled) / np.outer(norms, norms))


def _quantities(
    parameters: tuple[Parameter, ...], values: Floats, covariance: Floats, quantile: float
) -> dict[str, Quantity]:
    found = {}
    for parameter, value, variance in zip(parameters, values, np.diag(covariance)):
        error = float(np.sqrt(variance))
        half = quantile * error
        found[parameter.name] = Quantity(
            float(value), parameter.unit, error, float(value - half), float(value + half)
        )
    return found


def _jacobian(function: Callable[[Floats], Floats], values: Floats) -> Floats:
    steps = 1e-6 * np.maximum(np.abs(values), 1e-6)
    columns = [
        (function(values + step * unit) - function(values - step * unit)) / (2 * step)
        for step, unit in zip(steps, np.eye(len(values)))
    ]
    return np.stack(columns, axis=1)
