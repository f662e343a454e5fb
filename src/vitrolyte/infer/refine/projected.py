"""Least squares for curves that are linear in most of their parameters.

A powder pattern is a sum of lines and a smooth background. Their heights enter linearly; only the
lattice, the widths and the shift of the instrument do not. The linear part is solved exactly for
each trial of the others (variable projection, Golub & Pereyra, doi:10.1137/0710036, with the
slopes of Kaufman, doi:10.1007/BF01932995), so that the intervals of the others hold whatever the
heights are.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, sparse

from vitrolyte.data.curve import Curve
from vitrolyte.data.errors import InputError, NotConverged
from vitrolyte.data.model import Parameter

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

CITATIONS = ("10.1137/0710036", "10.1007/BF01932995")

_RIDGE = 1e-11
_ROUNDS = 12
_MOST_DAMPING = 1e8
_SMALL_GAIN = 1e-7


@dataclass(frozen=True, eq=False)
class Columns:
    """The columns of a curve for one trial of its parameters.

    Attributes
    ----------
    lines
        (n, m) sparse; their coefficients are not below zero.
    smooth
        (n, k), of any sign.
    slopes
        What the curve changes by with each parameter (n, p), for given coefficients (m + k,).
    """

    lines: sparse.csc_matrix
    smooth: Floats
    slopes: Callable[[Floats], Floats]


Forward = Callable[[Floats], Columns]


@dataclass(frozen=True, eq=False)
class Refined:
    """A refined curve.

    Attributes
    ----------
    parameters
        With the values found.
    coefficients
        (m + k,), of the lines and the smooth columns.
    columns
        At the values found.
    residuals
        (n,), (curve - model) / error.
    slopes
        (n, p + s), change of the weighted model with the parameters and the ``s`` coefficients of
        lines that were asked for, all other columns projected out.
    weights
        (n,), one over the errors.
    priors
        (p + s,), one over the spread of each about its start; 0 where nothing was known.
    """

    parameters: tuple[Parameter, ...]
    coefficients: Floats
    columns: Columns
    residuals: Floats
    slopes: Floats
    weights: Floats
    priors: Floats

    @property
    def values(self) -> Floats:
        """Return the values of the parameters, (p,)."""
        return np.array([parameter.value for parameter in self.parameters])

    @property
    def fitted(self) -> Floats:
        """Return the model on the points, (n,)."""
        m = self.columns.lines.shape[1]
        lines = self.columns.lines @ self.coefficients[:m]
        return np.asarray(lines + self.background)

    @property
    def background(self) -> Floats:
        """Return the smooth part of the model, (n,)."""
        m = self.columns.lines.shape[1]
        return np.asarray(self.columns.smooth @ self.coefficients[m:])

    @property
    def dof(self) -> int:
        """Return the points less all parameters and coefficients above zero."""
        used = len(self.parameters) + int(np.count_nonzero(self.coefficients))
        return max(1, len(self.residuals) - used)

    @property
    def chi2(self) -> float:
        """Return the sum of squared residuals over squared errors."""
        return float(self.residuals @ self.residuals)


def refine(
    forward: Forward,
    curve: Curve,
    parameters: tuple[Parameter, ...],
    *,
    spreads: Floats | None = None,
    with_lines: bool = False,
    most_steps: int = 60,
) -> Refined:
    """Refine the parameters of a sum of columns.

    Parameters
    ----------
    forward
        The columns for a trial of the parameters.
    curve
        Points with errors.
    parameters
        Starting values and bounds.
    spreads
        (p,), standard deviation of each parameter about its start before the points are seen;
        infinite where nothing is known.
    with_lines
        Whether the coefficients of the lines are wanted with errors too.
    most_steps
        Most steps of the search.

    Raises
    ------
    InputError
        If the curve has no errors above zero or fewer points than parameters.
    NotConverged
        If the search fails.
    """
    if curve.y_error is None or not np.all(curve.y_error > 0):
        raise InputError("A refinement needs errors above zero", received="none, or some are not")
    if len(curve) <= len(parameters):
        raise InputError("A refinement needs more points than parameters", received=str(len(curve)))
    tight = np.zeros(len(parameters)) if spreads is None else 1.0 / spreads
    problem = _Problem(forward, np.asarray(curve.y.real), 1.0 / curve.y_error)
    start = np.array([parameter.value for parameter in parameters])
    held = tight > 0

    def trial(values: Floats) -> tuple[Floats, Callable[[], Floats]]:
        end = problem.solved(values)
        rows = np.append(end.residuals, ((values - start) * tight)[held])
        return rows, lambda: np.vstack([end.projected(), np.diag(tight)[held]])

    bounds = np.array([[p.low, p.high] for p in parameters]).T
    values = search(trial, start, bounds, most_steps=most_steps)
    return _result(problem.solved(values), parameters, values, (tight, with_lines))


Trial = Callable[[Floats], tuple[Floats, Callable[[], Floats]]]


def search(trial: Trial, start: Floats, bounds: Floats, *, most_steps: int) -> Floats:
    """Return the values of least squares within bounds, by Levenberg and Marquardt.

    Parameters
    ----------
    trial
        Residuals (n,) at values (p,), and what returns their slopes (n, p).
    start
        (p,).
    bounds
        (2, p).
    most_steps
        Most steps; the best so far is returned then.

    Raises
    ------
    NotConverged
        If the residuals at the start are not finite.

    References
    ----------
    Marquardt, J. Soc. Ind. Appl. Math. 11, 431 (1963), doi:10.1137/0111030.
    """
    values, damping = start.copy(), 1e-3
    rows, slopes = trial(values)
    least = float(rows @ rows)
    if not np.isfinite(least):
        raise NotConverged("A refinement has to start from finite numbers", received=str(least))
    for _ in range(most_steps):
        jacobian = slopes()
        normal, pull = jacobian.T @ jacobian, jacobian.T @ rows
        while True:
            moved = values + _step(normal, pull, damping, (values, bounds))
            rows_there, slopes_there = trial(moved)
            there = float(rows_there @ rows_there)
            if there < least or damping > _MOST_DAMPING:
                break
            damping *= 6.0
        if not there < least:
            break
        gain = (least - there) / least
        values, rows, slopes, least = moved, rows_there, slopes_there, there
        damping = max(damping / 8.0, 1e-9)
        if gain < _SMALL_GAIN:
            break
    return values


def _step(normal: Floats, pull: Floats, damping: float, at: tuple[Floats, Floats]) -> Floats:
    """Return a damped step that stays within bounds; what a bound holds back does not move."""
    values, (low, high) = at
    free = ~(((values <= low) & (pull > 0)) | ((values >= high) & (pull < 0)))
    step = np.zeros(len(values))
    for _ in range(2):
        if not free.any():
            break
        part = normal[np.ix_(free, free)]
        scale = 1.0 / np.sqrt(np.maximum(np.diag(part), 1e-30))
        damped = part * np.outer(scale, scale) + damping * np.eye(len(scale))
        right = (pull + normal @ step)[free]
        try:
            step[free] = -scale * np.linalg.solve(damped, scale * right)
        except np.linalg.LinAlgError as fault:
            raise NotConverged("A refinement has to find a step") from fault
        beyond = free & ((values + step < low) | (values + step > high))
        if not beyond.any():
            break
        # What would go beyond goes to its bound; the others are asked again, given that.
        step = np.where(beyond, np.clip(values + step, low, high) - values, 0.0)
        free &= ~beyond
    return np.asarray(np.clip(values + step, low, high) - values)


def _result(
    end: _Solved, parameters: tuple[Parameter, ...], values: Floats, how: tuple[Floats, bool]
) -> Refined:
    tight, with_lines = how
    m = end.columns.lines.shape[1]
    # The residuals of the search are model minus curve; those of the result curve minus model.
    slopes = end.with_lines() if with_lines else end.projected()
    return Refined(
        parameters=tuple(
            Parameter(p.name, float(v), p.unit, p.low, p.high) for p, v in zip(parameters, values)
        ),
        coefficients=end.coefficients,
        columns=end.columns,
        residuals=-end.residuals,
        slopes=slopes,
        weights=end.weights,
        priors=np.append(tight, np.zeros(m if with_lines else 0)),
    )


class _Problem:
    """A curve and its columns; remembers the last trial, which slopes are asked for next."""

    def __init__(self, forward: Forward, y: Floats, weights: Floats) -> None:
        self._forward, self._y, self._weights = forward, y, weights
        self._last: tuple[bytes, _Solved] | None = None

    def solved(self, values: Floats) -> _Solved:
        key = values.tobytes()
        if self._last is None or self._last[0] != key:
            self._last = (key, _Solved(self._forward(values), self._y, self._weights))
        return self._last[1]


class _Solved:
    """The best coefficients of one trial, those of lines not below zero."""

    def __init__(self, columns: Columns, y: Floats, weights: Floats) -> None:
        self.columns, self.weights = columns, weights
        self._lines = sparse.diags_array(weights) @ columns.lines
        self._smooth = columns.smooth * weights[:, None]
        self._m = columns.lines.shape[1]
        target = y * weights
        cross = np.asarray(self._lines.T @ self._smooth)
        lines = np.asarray((self._lines.T @ self._lines).todense())
        normal = np.block([[lines, cross], [cross.T, self._smooth.T @ self._smooth]])
        norms = np.sqrt(np.maximum(np.diag(normal), 1e-300))
        self._norms = norms
        self._normal = normal / np.outer(norms, norms) + _RIDGE * np.eye(len(norms))
        right = np.append(self._lines.T @ target, self._smooth.T @ target) / norms
        self._free, scaled = _not_below_zero(self._normal, right, self._m)
        self.coefficients = scaled / norms
        self.residuals = self._model(self.coefficients) - target

    def _model(self, coefficients: Floats) -> Floats:
        lines = self._lines @ coefficients[: self._m]
        return np.asarray(lines + self._smooth @ coefficients[self._m :])

    def _without(self, columns: Floats, free: Flags) -> Floats:
        """Return columns less what the free columns of the model can make of them."""
        if not free.any():
            return columns
        right = np.vstack([self._lines.T @ columns, self._smooth.T @ columns])
        right = (right / self._norms[:, None])[free]
        part = np.zeros((len(free), columns.shape[1]))
        try:
            factor = linalg.cho_factor(self._normal[np.ix_(free, free)], lower=True)
            part[free] = linalg.cho_solve(factor, right)
        except (linalg.LinAlgError, ValueError) as fault:
            raise NotConverged("The lines of a pattern have to be told apart") from fault
        part /= self._norms[:, None]
        made = self._lines @ part[: self._m] + self._smooth @ part[self._m :]
        return np.asarray(columns - made)

    def projected(self) -> Floats:
        slopes = self.columns.slopes(self.coefficients) * self.weights[:, None]
        return self._without(slopes, self._free)

    def with_lines(self) -> Floats:
        slopes = self.columns.slopes(self.coefficients) * self.weights[:, None]
        both = np.hstack([slopes, np.asarray(self._lines.todense())])
        free = self._free.copy()
        free[: self._m] = False
        return self._without(both, free)


def _not_below_zero(normal: Floats, right: Floats, lines: int) -> tuple[Flags, Floats]:
    """Return which coefficients are free and all of them, those of lines not below zero."""
    free = np.ones(len(right), dtype=bool)
    bounded = np.arange(len(right)) < lines
    found = np.zeros(len(right))
    for _ in range(_ROUNDS):
        found = np.zeros(len(right))
        try:
            found[free] = linalg.solve(normal[np.ix_(free, free)], right[free], assume_a="pos")
        except (linalg.LinAlgError, ValueError) as fault:
            raise NotConverged("The lines of a pattern have to be told apart") from fault
        below = free & bounded & (found < 0)
        pull = right - normal @ found
        wanted = ~free & (pull > 1e-9 * np.abs(right))
        if not below.any() and not wanted.any():
            break
        free = (free & ~below) | (wanted if not below.any() else False)
    found[free & bounded & (found < 0)] = 0.0
    return free, found
