"""Parameters from curves: least squares with errors, and intervals that admit bad errors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import special

from vitrolyte.data.curve import Curve
from vitrolyte.data.errors import InputError, NotConverged
from vitrolyte.data.model import Floats, Model, Numbers, Parameter
from vitrolyte.data.quantity import Quantity
from vitrolyte.infer.bootstrap import Resampling, bootstrap
from vitrolyte.infer.landing import Landing
from vitrolyte.infer.profile import profile_ends
from vitrolyte.infer.quality import Quality, quality_of
from vitrolyte.infer.search import SINGULAR, Problem
from vitrolyte.infer.starts import several_searches

_POOR = 0.05
_WIDEST_DECADES = 3.0
"""A logarithmic parameter whose interval reaches further to either side is not determined."""
_SHARE_UNSEEN = 1e-4
_NO_SCATTER = 1e-11
_LONELY_FROM = 4
_FEWEST_DRAWS = 100


@dataclass(frozen=True)
class FitSettings:
    """How parameters are searched for, and how their intervals are had.

    Attributes
    ----------
    starts
        Searches, the first from the model's own values, the others drawn between bounds or over
        decades.
    seed
        Of all draws.
    bootstrap
        Draws of a bootstrap whose intervals take the place of those by curvature; 0 for none.
    resampling
        What a bootstrap draws: the ``residuals`` with their leverage, or normal ``errors``.
    intervals
        By ``curvature`` at the minimum, or by the ``profile`` of the sum of squares.
    undetermined
        Whether a parameter that the points do not determine raises, or is refused alone.

    Raises
    ------
    InputError
        If a number is out of range.
    """

    starts: int = 1
    seed: int = 0
    bootstrap: int = 0
    resampling: Resampling = "residuals"
    intervals: Literal["curvature", "profile"] = "curvature"
    undetermined: Literal["raise", "refuse"] = "raise"

    def __post_init__(self) -> None:
        if self.starts < 1 or (self.bootstrap != 0 and self.bootstrap < _FEWEST_DRAWS):
            raise InputError(
                f"A fit needs at least one start, and a bootstrap {_FEWEST_DRAWS} draws or none",
                received=f"{self.starts} starts, {self.bootstrap} draws",
            )


@dataclass(frozen=True, eq=False)
class Fit:
    """Parameters of a model with intervals, and how well the model holds.

    Attributes
    ----------
    model
        The model with the values found.
    parameters
        The same values by name, with their intervals; fixed ones have none.
    covariance
        (p, p), with the inflation by a poor fit included; zero for fixed parameters.
    chi2, dof, p_value
        Sum of squared residuals over squared errors, degrees of freedom, and the probability of
        a larger sum if the model and the errors were right; chi2 and p_value are NaN where the
        curve has no errors.
    quantile
        Half width of a 95 % interval in standard errors.
    residuals
        (n,) model less points, over errors; complex where the points are.
    starts, reached
        Number of searches, and the share of them that came to the best minimum.
    at_bound
        Names of the parameters that are held by a bound.
    """

    model: Model
    parameters: Mapping[str, Quantity]
    covariance: Floats
    chi2: float
    dof: int
    p_value: float
    quantile: float
    residuals: Numbers
    starts: int = 1
    reached: float = 1.0
    at_bound: tuple[str, ...] = ()

    @property
    def poor(self) -> bool:
        """Return whether the residuals are too large for the errors, at 5 %."""
        return bool(self.p_value < _POOR)

    @property
    def correlations(self) -> Floats:
        """Return the correlations of the parameters, (p, p); NaN for those without an error."""
        errors = np.sqrt(np.diag(self.covariance))
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(self.covariance / np.outer(errors, errors))

    @cached_property
    def quality(self) -> Quality:
        """Return whether the residuals are noise; for points in the order of x."""
        return quality_of(self.residuals, chi2=self.chi2, dof=self.dof)

    @property
    def doubts(self) -> tuple[str, ...]:
        """Return every reason not to believe the parameters, none where there is none."""
        found = [f"{name} lies at its bound" for name in self.at_bound]
        if sentence := self.quality.sentence:
            found.append(sentence)
        if self.starts >= _LONELY_FROM and self.reached * self.starts < 1.5:
            found.append(f"one of {self.starts} starts alone came to this minimum")
        return tuple(found)

    def judged(self, name: str) -> Quantity:
        """Return a parameter, provisional where the fit as a whole is in doubt."""
        number = self.parameters[name]
        for doubt in self.doubts:
            if doubt not in number.note:
                number = number.provisional(doubt)
        return number

    def band(self, x: Floats) -> tuple[Numbers, Numbers]:
        """Return the fitted model at x and its standard error by the propagated covariance.

        Where the model is complex the error of the real part is the real part of the error.
        """
        y, slopes = self.model(x), derivatives(self.model, x)
        parts = [slopes.real, slopes.imag] if np.iscomplexobj(y) else [slopes]
        errors = [
            np.sqrt(np.maximum(np.einsum("xi,ij,xj->x", part, self.covariance, part), 0.0))
            for part in parts
        ]
        return y, errors[0] if len(errors) == 1 else errors[0] + 1j * errors[1]


def fit(
    model: Model, curve: Curve, *, trust: float = 20.0, settings: FitSettings = FitSettings()
) -> Fit:
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
        Real or complex data, with ``y_error`` where known: for complex ones the standard error of
        the real and of the imaginary part alike.
    trust
        Degrees of freedom with which the errors of the curve are known.
    settings
        Starts, bootstrap, kind of intervals.

    Raises
    ------
    InputError
        If there are not more points than parameters, or an error is not positive.
    NotConverged
        If the least-squares search fails or, unless it is to be refused alone, a parameter is not
        determined.
    """
    problem = _problem(model, curve)
    found, reached = several_searches(problem, settings.starts, settings.seed)
    known = curve.y_error is not None
    dof = problem.size - len(problem.free)
    scale, freedom = _scale(found.cost, dof, trust if known else 0.0)
    landing = Landing(problem, found, scale, float(special.stdtrit(freedom, 0.975)))
    spread = _spread(landing, settings)
    if settings.bootstrap:
        spread = spread.resampled(landing, settings)
    return Fit(
        model=model.at(problem.values(found.u)),
        parameters=_quantities(landing, spread, settings),
        covariance=_natural(landing, spread.covariance),
        chi2=found.cost if known else float("nan"),
        dof=dof,
        p_value=float(special.chdtrc(dof, found.cost)) if known else float("nan"),
        quantile=landing.quantile,
        residuals=problem.unstacked(found.residuals),
        starts=settings.starts,
        reached=reached,
        at_bound=tuple(model.parameters[k].name for k in problem.free[found.at_bound]),
    )


def derivatives(model: Model, x: Floats) -> Numbers:
    """Return dy/dp (n, p) of a model at x, by differences on both sides where it gives none."""
    if model.jacobian is not None:
        return model.jacobian(x, model.values)
    plain = tuple(replace(p, fixed=False, logarithmic=False) for p in model.parameters)
    y = model(x)
    problem = Problem(replace(model, parameters=plain), x, y, np.ones(len(x)))
    columns = problem.jacobian(problem.start, np.zeros(problem.size), sharp=True)
    return problem.unstacked(columns)


def _problem(model: Model, curve: Curve) -> Problem:
    problem = Problem(model, curve.x, curve.y, _errors(curve))
    if problem.size <= len(problem.free):
        raise InputError(
            f"A fit of {len(problem.free)} parameters needs more points than that",
            received=f"{len(curve)} points",
        )
    if not np.all(np.isfinite(problem.y)):
        raise InputError("A fit needs finite points", received="NaN or infinity among them")
    return problem


def _errors(curve: Curve) -> Floats:
    if curve.y_error is None:
        return np.ones(len(curve))
    if not np.all(curve.y_error > 0):
        raise InputError(
            "A weighted fit needs errors above zero", received=f"errors {curve.y_error}"
        )
    return curve.y_error


def _scale(chi2: float, dof: int, trust: float) -> tuple[float, float]:
    """Return the factor of the variances and the degrees of freedom with which it is known."""
    if trust == 0.0 or special.chdtrc(dof, chi2) < _POOR:
        return chi2 / dof, float(dof)
    return max(1.0, (trust + chi2) / (trust + dof)), trust + dof


@dataclass(frozen=True, eq=False)
class _Spread:
    """What is known of the coordinates of a landing beside where they are.

    Attributes
    ----------
    covariance
        (k, k), of those that are determined.
    determined
        (k,).
    ends
        (k, 2), of intervals by other means than the covariance; NaN where there are none.
    doubt
        Of all of them.
    """

    covariance: Floats
    determined: NDArray[np.bool_]
    ends: Floats
    doubt: str = ""

    @property
    def errors(self) -> Floats:
        return np.asarray(np.sqrt(np.diag(self.covariance)))

    def resampled(self, landing: Landing, settings: FitSettings) -> _Spread:
        """Return the spread by a bootstrap in the place of that by curvature."""
        drawn = bootstrap(landing, settings.bootstrap, settings.seed, settings.resampling)
        return replace(
            self,
            covariance=np.atleast_2d(np.cov(drawn.draws, rowvar=False)),
            ends=drawn.ends(),
            doubt="; ".join(filter(None, (self.doubt, drawn.doubt))),
        )


def _spread(landing: Landing, settings: FitSettings) -> _Spread:
    jacobian = landing.found.jacobian
    norms = np.linalg.norm(jacobian, axis=0)
    norms = np.where(norms > 0.0, norms, 1.0)
    _, values, right = np.linalg.svd(jacobian / norms, full_matrices=False)
    blind = values * SINGULAR <= values.max(initial=0.0)
    if np.any(blind) and settings.undetermined == "raise":
        raise NotConverged(
            "Each parameter of a fit has to be determined by the points",
            received="parameters that do not change the curve independently",
            remedy="fix a parameter or add points",
        )
    sharp = right[~blind] / values[~blind, None] / norms
    return _Spread(
        landing.scale * sharp.T @ sharp,
        np.sum(right[blind] ** 2, axis=0) < _SHARE_UNSEEN,
        np.full((len(norms), 2), np.nan),
        _exactness(landing),
    )


def _exactness(landing: Landing) -> str:
    """Return that points lie on the model to rounding, so that nothing says how wrong they are."""
    problem = landing.problem
    size = float(np.sum(np.abs(problem.y / problem.errors) ** 2))
    if landing.found.cost > _NO_SCATTER**2 * size or landing.scale >= 1.0:
        return ""
    return "the points lie on the model to rounding: their scatter gives no error"


def _natural(landing: Landing, covariance: Floats) -> Floats:
    """Return the covariance of all parameters (p, p) as they stand in the equation."""
    problem = landing.problem
    values = problem.values(landing.found.u)
    factors = np.where(problem.logarithmic, values[problem.free], 1.0)
    whole = np.zeros((len(values), len(values)))
    whole[np.ix_(problem.free, problem.free)] = covariance * np.outer(factors, factors)
    return whole


def _quantities(landing: Landing, spread: _Spread, settings: FitSettings) -> dict[str, Quantity]:
    problem = landing.problem
    numbers = {
        p.name: Quantity(p.value, p.unit, note="held fixed") for p in problem.model.parameters
    }
    for k, place in enumerate(problem.free):
        parameter = problem.model.parameters[place]
        number = _number(landing, k, spread, settings)
        if landing.found.at_bound[k]:
            number = _held(number, parameter)
        numbers[parameter.name] = number.provisional(spread.doubt) if spread.doubt else number
    return numbers


def _number(landing: Landing, k: int, spread: _Spread, settings: FitSettings) -> Quantity:
    parameter = landing.problem.model.parameters[landing.problem.free[k]]
    u, error = float(landing.found.u[k]), float(spread.errors[k])
    low, high = (float(end) for end in spread.ends[k])
    if not spread.determined[k]:
        return Quantity.refused(parameter.unit, "the points do not determine it")
    if settings.intervals == "profile" and not settings.bootstrap and error > 0.0:
        low, high = profile_ends(landing, k, error)
    elif np.isnan(low):
        low, high = u - landing.quantile * error, u + landing.quantile * error
    if not parameter.logarithmic:
        return _open_ended(u, parameter.unit, error, (low, high))
    if max(high - u, u - low) > _WIDEST_DECADES * np.log(10.0):
        return Quantity.refused(
            parameter.unit,
            f"the points do not determine it: its 95 % interval reaches more than "
            f"{_WIDEST_DECADES:g} decades to one side",
        )
    value = float(np.exp(u))
    return _open_ended(
        value, parameter.unit, value * error, (float(np.exp(low)), float(np.exp(high)))
    )


def _open_ended(value: float, unit: str, error: float, ends: tuple[float, float]) -> Quantity:
    """Return a quantity; an end that was not found is missing, and that is a doubt."""
    low, high = (end if np.isfinite(end) else float("nan") for end in ends)
    number = Quantity(value, unit, error, low, high)
    if np.all(np.isfinite(ends)):
        return number
    return number.provisional("its interval is open: the points set no limit on one side")


def _held(number: Quantity, parameter: Parameter) -> Quantity:
    """Return a number that a bound holds, its interval cut there."""
    if number.status == "refused":
        return number
    low, high = max(number.low, parameter.low), min(number.high, parameter.high)
    held = replace(number, low=low, high=high)
    return held.provisional(f"held by its bound, {number.value:.6g}")
