"""Shells of neighbours fitted to a fine structure, in distance, with honest intervals."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from vitrolyte.data.curve import Curve
from vitrolyte.data.errors import InputError, NotConverged
from vitrolyte.data.model import Model, Parameter
from vitrolyte.data.quantity import Quantity
from vitrolyte.infer.fit import Fit, fit
from vitrolyte.observe.exafs.paths import (
    DistanceRange,
    Shell,
    model_curve,
    path_jacobian,
    path_model,
)

Floats = NDArray[np.float64]

CITATIONS = ("10.1103/RevModPhys.72.621", "10.1103/PhysRevB.48.9825")
_STARTS = ((0.0, 0.0), (-6.0, 0.0), (6.0, 0.0), (0.0, -0.08), (0.0, 0.08))
_POOR_SHARE = 0.05
_LARGE_E0 = 10.0
_WIDE_A = 0.2
_AT_BOUND = 1e-6
_RIDGE = 1e-3


@dataclass(frozen=True)
class Amplitude:
    """What is known of the amplitude: S0² and N multiply each other.

    Attributes
    ----------
    s02
        S0², from a standard; None where it is not known, and then only N S0² is found.
    numbers
        Known numbers of neighbours of a standard, one for each shell; then S0² is found.

    Raises
    ------
    InputError
        If both are given, or a value is not positive.
    """

    s02: float | None = None
    numbers: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        values = (*self.numbers, *([] if self.s02 is None else [self.s02]))
        if any(not value > 0 for value in values) or (self.s02 is not None and self.numbers):
            raise InputError(
                "The amplitude of a fit needs a positive S0², or the positive numbers of "
                "neighbours of a standard, not both",
                received=str(self),
            )


@dataclass(frozen=True, eq=False)
class ShellsFound:
    """What a path fit found.

    Attributes
    ----------
    parameters
        ``S02`` (or ``N S02 Zr-O`` ...), ``E0``, ``N Zr-O``, ``R Zr-O``, ``sigma2 Zr-O`` ...
    correlations
        Of pairs of parameters, by their names joined with `` | ``; those above 0.5.
    model_chi
        The fitted χ(k).
    misfit
        Sum of squares of the residuals over that of the data, in the range (R factor).
    reduced_chi2
        Against the noise at 15 to 25 Å.
    points, free
        Independent points, and parameters.
    reached
        Share of the starts that reached the best fit.
    """

    parameters: Mapping[str, Quantity]
    correlations: Mapping[str, float]
    model_chi: Curve
    misfit: float
    reduced_chi2: float
    points: int
    free: int
    reached: float


def fit_shells(
    chi: Curve,
    shells: tuple[Shell, ...],
    window: DistanceRange,
    *,
    amplitude: Amplitude,
    noise_in_k: float,
) -> ShellsFound:
    """Return the distances, numbers and disorders of shells that describe a fine structure best.

    The transform is compared at its independent points. Errors come from the noise and its
    covariance; where the model leaves more than that, as an error of the background or of FEFF
    does, they are enlarged until the residuals fit. Five starts are tried.

    Parameters
    ----------
    chi
        χ(k).
    shells
        With starting values.
    window
        Ranges of k and R.
    amplitude
        What is known of S0².
    noise_in_k
        Standard deviation of χ at each k.

    Raises
    ------
    InputError
        If there are as many parameters as independent points, or more, or the numbers of a
        standard are not one for each shell.
    NotConverged
        If no start leads to a fit in which all parameters are determined.
    """
    if amplitude.numbers and len(amplitude.numbers) != len(shells):
        raise InputError(
            "A standard needs one number of neighbours for each shell",
            received=f"{len(amplitude.numbers)} for {len(shells)} shells",
        )
    inner = path_model(shells, s02=amplitude.s02 or 1.0)
    layout = _Layout(inner, amplitude.numbers)
    data = window.points(chi)
    _check_count(len(data), len(layout.parameters), window)
    lower = _lower(window, max(noise_in_k, 1e-12))
    found, reached = _best(layout, window, (data, lower))
    # The fit is drawn from where FEFF's tables begin to hold.
    k = chi.x[chi.x > 0]
    whole = inner.at(layout.expanded(found.model.values)[0])
    scale = layout.expanded(found.model.values)[1]
    drawn = model_curve(whole, k)
    misfit = float(np.sum((lower @ found.residuals) ** 2) / np.sum(data.y.real**2))
    return ShellsFound(
        parameters=_judged(found, layout, misfit),
        correlations=_correlations(found),
        model_chi=replace(drawn, y=drawn.y * scale, label="fit"),
        misfit=misfit,
        reduced_chi2=found.chi2 / found.dof,
        points=len(data),
        free=len(layout.parameters),
        reached=reached,
    )


def _check_count(points: int, free: int, window: DistanceRange) -> None:
    if points <= free:
        raise InputError(
            "A path fit needs more independent points than parameters",
            received=f"{points} points in {window.r_min_A:g} to {window.r_max_A:g} Å for {free} "
            "parameters",
            remedy="fit fewer shells, or a longer range of k or R",
        )


@dataclass(frozen=True, eq=False)
class _Layout:
    """Which parameters of a path model are free: all, or all but N, with S0² beside them."""

    inner: Model
    numbers: tuple[float, ...]

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        if not self.numbers:
            return self.inner.parameters
        free = tuple(p for p in self.inner.parameters if not p.name.startswith("N "))
        return (Parameter("S02", 0.9, "1", 0.0, 10.0), *free)

    def expanded(self, values: Floats) -> tuple[Floats, float]:
        """Return the parameters of the path model, and the factor of its χ."""
        if not self.numbers:
            return values, 1.0
        rest, numbers = list(values[1:]), list(self.numbers)
        full = [
            numbers.pop(0) if p.name.startswith("N ") else rest.pop(0)
            for p in self.inner.parameters
        ]
        return np.array(full), float(values[0])

    def forward(self, k: Floats, values: Floats) -> Floats:
        full, scale = self.expanded(values)
        return np.asarray(scale * self.inner.forward(k, full), dtype=float)

    def jacobian(self, k: Floats, values: Floats) -> Floats:
        full, scale = self.expanded(values)
        slopes = path_jacobian(self.inner, k, full)
        if not self.numbers:
            return slopes
        kept = [n for n, p in enumerate(self.inner.parameters) if not p.name.startswith("N ")]
        own = np.asarray(self.inner.forward(k, full), dtype=float)
        return np.concatenate([own[:, None], scale * slopes[:, kept]], axis=1)


def _lower(window: DistanceRange, noise: float) -> Floats:
    """Return the Cholesky factor of the covariance of the points.

    Weights that rise with k leave neighbouring points correlated, whatever their number.
    """
    _, matrix = window.matrix
    covariance = noise**2 * matrix @ matrix.T
    ridge = _RIDGE * float(np.mean(np.diag(covariance)))
    lower = np.linalg.cholesky(covariance + ridge * np.eye(len(covariance)))
    return np.asarray(lower, dtype=float)


def _best(
    layout: _Layout, window: DistanceRange, points: tuple[Curve, Floats]
) -> tuple[Fit, float]:
    data, lower = points
    k, matrix = window.matrix
    matrix = np.asarray(np.linalg.solve(lower, matrix), dtype=float)
    y = np.asarray(np.linalg.solve(lower, data.y.real), dtype=float)
    data = replace(data, y=y, y_error=np.ones(len(y)))

    def forward(x: Floats, values: Floats) -> Floats:
        del x
        return np.asarray(matrix @ layout.forward(k, values), dtype=float)

    def jacobian(x: Floats, values: Floats) -> Floats:
        del x
        return np.asarray(matrix @ layout.jacobian(k, values), dtype=float)

    fits, refusals = [], []
    for e0, shift in _STARTS:
        start = Model(forward, _started(layout.parameters, e0, shift), jacobian)
        try:
            fits.append(fit(start, data))
        except NotConverged as refusal:
            refusals.append(refusal)
    if not fits:
        raise refusals[0]
    best = min(fits, key=lambda one: one.chi2)
    near = [one for one in fits if one.chi2 <= best.chi2 * 1.001 + 1e-3]
    return best, len(near) / (len(fits) + len(refusals))


def _started(parameters: tuple[Parameter, ...], e0: float, shift: float) -> tuple[Parameter, ...]:
    def moved(parameter: Parameter) -> Parameter:
        value = parameter.value
        if parameter.name == "E0":
            value = e0
        elif parameter.name.startswith("R "):
            value += shift
        return replace(parameter, value=float(np.clip(value, parameter.low, parameter.high)))

    return tuple(moved(parameter) for parameter in parameters)


def _correlations(found: Fit) -> dict[str, float]:
    spread = np.sqrt(np.diag(found.covariance))
    matrix = found.covariance / np.outer(spread, spread)
    names = list(found.parameters)
    pairs = {
        f"{names[a]} | {names[b]}": float(matrix[a, b])
        for a, b in combinations(range(len(names)), 2)
    }
    return {pair: value for pair, value in pairs.items() if abs(value) > 0.5}


def _judged(found: Fit, layout: _Layout, misfit: float) -> dict[str, Quantity]:
    note, doubt = _scaling(found), ""
    if misfit > _POOR_SHARE:
        doubt = f"the fit leaves {100 * misfit:.0f} % of the transform (R factor {misfit:.2f})"
    judged = {}
    for parameter in layout.parameters:
        quantity = found.parameters[parameter.name]
        if _at_bound(parameter, quantity):
            reason = "the data do not determine it: the fit ran to the end of its range"
            judged[parameter.name] = Quantity.refused(quantity.unit, reason)
            continue
        quantity = replace(quantity, note=note)
        for text in filter(None, (doubt, _doubt(parameter, quantity))):
            quantity = quantity.provisional(text)
        judged[parameter.name] = quantity
    return judged


def _at_bound(parameter: Parameter, found: Quantity) -> bool:
    room = min(found.value - parameter.low, parameter.high - found.value)
    return room < _AT_BOUND * (1.0 + abs(found.value)) or not math.isfinite(found.error)


def _scaling(found: Fit) -> str:
    if not found.poor:
        return ""
    return (
        f"errors enlarged by the root of the reduced chi² of {found.chi2 / found.dof:.1f} against "
        "the noise"
    )


def _doubt(parameter: Parameter, found: Quantity) -> str:
    name, value = parameter.name, found.value
    if name == "E0" and abs(value) > _LARGE_E0:
        return "a shift of the threshold beyond 10 eV: check E0 or the scatterer"
    if name.startswith("sigma2") and found.low < 0.0:
        return "σ² is not told from zero"
    if name.startswith("R ") and found.high - found.low > _WIDE_A:
        return "the distance is hardly determined"
    if name.startswith(("N ", "S02")) and found.high - found.low > 2.0 * abs(value):
        return "the number is hardly determined"
    return ""
