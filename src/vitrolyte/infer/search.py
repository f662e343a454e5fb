"""The search of least squares: Levenberg and Marquardt's, inside bounds."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from vitrolyte.data.errors import NotConverged
from vitrolyte.data.model import Floats, Model, Numbers

_MOST_STEPS = 500
_STEP = 1e-12
"""Steps that change no parameter by more than this, relatively, end a search."""
_GAIN = 1e-12
"""So does a relative gain, had and foreseen, below this."""
_FLAT = 1e-10
"""And residuals at right angles to all derivatives, as a cosine."""
_STUCK = 1e-2
"""Where no step helps and the cosine is above this, the search has failed."""
_BOLD, _CAREFUL = 1e-8, 1e2
"""First dampings: nearly the step of Gauss and Newton, and one down the slope alone."""
SINGULAR = 1e8
"""Condition number of scaled derivatives beyond which they are not told apart."""
_LEAST_DAMPING, _MOST_DAMPING = 1e-14, 1e20
_LOWERED = 0.1
"""Factor of the damping after a good step."""
_PROGRESS = 0.8
_MOST_POLISHING, _ROUNDING, _SAME_COST = 20, 1e-10, 1e-12
"""Undamped steps at the end, the cosine that ends them, and what they may cost by rounding."""
_ROUGH, _NOTHING = 1e-10, 1e-6
"""Residuals smaller than the points by this are rounding; derivatives than residuals, nothing."""
_TOLD_APART = 1e-9
"""Ratio of the squares of scaled derivatives' singular values down to which products do."""
_WIDEST_STEP = 3.0
"""Logarithms change by no more in one step: a factor of 20."""
_PATIENCE = 8
"""Steps after which the bend of a valley is looked at."""
_PROBE = 0.1
"""Share of a step at which the bend is felt."""
_MOST_BENT = 0.75
"""Ratio of the second order to the first, twice, up to which it is believed."""
_NEGLIGIBLE = 1e-10
_ONE_SIDED = float(np.finfo(float).eps ** 0.5)
_TWO_SIDED = float(np.finfo(float).eps ** (1.0 / 3.0))


@dataclass(frozen=True, eq=False)
class Problem:
    """A model and points as a search sees them.

    The coordinates u of the search are the free parameters, the logarithmic ones by their natural
    logarithm. Real and imaginary parts of complex points stand one after the other.

    Attributes
    ----------
    model
        The equation.
    x, y, errors
        (n,); errors are those of the real and of the imaginary part alike.
    """

    model: Model
    x: Floats
    y: Numbers
    errors: Floats

    @cached_property
    def free(self) -> NDArray[np.intp]:
        """Return the places of the free parameters, (k,)."""
        return np.flatnonzero(self.model.free)

    @cached_property
    def logarithmic(self) -> NDArray[np.bool_]:
        """Return which free parameters are searched by their logarithm, (k,)."""
        chosen = [self.model.parameters[k].logarithmic for k in self.free]
        return np.array(chosen, dtype=bool)

    @cached_property
    def bounds(self) -> tuple[Floats, Floats]:
        """Return the lowest and highest u, (k,)."""
        low = np.array([self.model.parameters[k].low for k in self.free], dtype=float)
        high = np.array([self.model.parameters[k].high for k in self.free], dtype=float)
        logs = self.logarithmic
        with np.errstate(divide="ignore"):
            low[logs], high[logs] = np.log(np.maximum(low[logs], 0.0)), np.log(high[logs])
        return low, high

    @property
    def start(self) -> Floats:
        """Return u where the parameters of the model stand, (k,)."""
        return self.coordinates(self.model.values)

    @property
    def size(self) -> int:
        """Return the number of residuals."""
        return len(self.y) * (2 if np.iscomplexobj(self.y) else 1)

    @cached_property
    def _values(self) -> Floats:
        return self.model.values

    @cached_property
    def _any_logarithmic(self) -> bool:
        return bool(self.logarithmic.any())

    def coordinates(self, values: Floats) -> Floats:
        """Return u (k,) of all parameters (p,)."""
        u = np.asarray(values, dtype=float)[self.free]
        u[self.logarithmic] = np.log(u[self.logarithmic])
        return u

    def values(self, u: Floats) -> Floats:
        """Return all parameters (p,) at u (k,)."""
        found = self._values.copy()
        found[self.free] = u
        if self._any_logarithmic:
            places = self.free[self.logarithmic]
            found[places] = np.exp(found[places])
        return found

    def residuals(self, u: Floats) -> Floats:
        """Return (model - y) / error, (m,)."""
        return self._stacked((self.model.forward(self.x, self.values(u)) - self.y) / self.errors)

    def jacobian(self, u: Floats, residuals: Floats, *, sharp: bool = False) -> Floats:
        """Return the derivatives of the residuals with respect to u, (m, k).

        Parameters
        ----------
        residuals
            Those at u.
        sharp
            Whether differences are taken on both sides, where the model has no derivatives.
        """
        if self.model.jacobian is None:
            return self._sharp_differences(u) if sharp else self._differences(u, residuals)
        values = self.values(u)
        columns = self.model.jacobian(self.x, values)[:, self.free] / self.errors[:, None]
        if self._any_logarithmic:
            columns = columns * np.where(self.logarithmic, values[self.free], 1.0)
        return self._stacked(columns)

    def unstacked(self, numbers: Floats) -> Numbers:
        """Return residuals (m,) or derivatives (m, k) as the points are: complex where they are."""
        if not np.iscomplexobj(self.y):
            return numbers
        half = len(self.y)
        return np.asarray(numbers[:half] + 1j * numbers[half:])

    def _stacked(self, numbers: Numbers) -> Floats:
        if np.iscomplexobj(self.y):
            return np.concatenate([numbers.real, numbers.imag])
        return np.asarray(numbers, dtype=float)

    def _differences(self, u: Floats, residuals: Floats) -> Floats:
        columns = np.empty((len(residuals), len(u)))
        for k, step in enumerate(self._steps(u, _ONE_SIDED, residuals)):
            moved = u.copy()
            moved[k] += step
            columns[:, k] = (self.residuals(moved) - residuals) / (moved[k] - u[k])
        return columns

    def _sharp_differences(self, u: Floats) -> Floats:
        here = self.residuals(u)
        low, high = self.bounds
        columns = np.empty((len(here), len(u)))
        for k, step in enumerate(np.abs(self._steps(u, _TWO_SIDED, here))):
            # At a bound both points lie on one side, and the formula is the one of second order.
            shifts = (step, -step)
            if u[k] + step > high[k]:
                shifts = (-step, -2.0 * step)
            elif u[k] - step < low[k]:
                shifts = (step, 2.0 * step)
            (a, first), (b, second) = (self._moved(u, k, shift) for shift in shifts)
            columns[:, k] = ((first - here) * b / a - (second - here) * a / b) / (b - a)
        return columns

    def _moved(self, u: Floats, k: int, shift: float) -> tuple[float, Floats]:
        moved = u.copy()
        moved[k] += shift
        return float(moved[k] - u[k]), self.residuals(moved)

    def _steps(self, u: Floats, share: float, residuals: Floats) -> Floats:
        """Return the steps of differences, away from a bound."""
        steps = share * np.where(self.logarithmic, np.maximum(1.0, np.abs(u)), np.abs(u))
        for k in np.flatnonzero(steps < share * _NEGLIGIBLE):
            # What rounding left of a zero is no measure of a step: none that it gives is seen.
            if steps[k] == 0.0 or np.array_equal(self._moved(u, int(k), steps[k])[1], residuals):
                steps[k] = share * self._reach(u, int(k), residuals)
        _, high = self.bounds
        return np.where(u + steps > high, -steps, steps)

    def _reach(self, u: Floats, k: int, residuals: Floats) -> float:
        """Return the size of a parameter that stands at zero, from what it does to the curve."""
        size, noise = 1.0, float(np.linalg.norm(residuals)) + 1.0
        for _ in range(4):
            _, there = self._moved(u, k, size * _ONE_SIDED)
            change = float(np.linalg.norm(there - residuals)) / noise
            if not np.isfinite(change):
                size *= 1e-3
            elif 1e-2 * _ONE_SIDED < change < 1e2 * _ONE_SIDED or change == 0.0:
                return size
            else:
                size *= _ONE_SIDED / change
        return size


@dataclass(frozen=True, eq=False)
class Found:
    """Where a search ended.

    Attributes
    ----------
    u
        (k,).
    residuals, jacobian
        (m,) and (m, k) there.
    at_bound
        (k,), which coordinates are held by a bound.
    steps
        How many it took.
    """

    u: Floats
    residuals: Floats
    jacobian: Floats
    at_bound: NDArray[np.bool_]
    steps: int = 0

    @property
    def stranded(self) -> bool:
        """Return whether some parameters do not change the curve independently."""
        columns = self.jacobian[:, ~self.at_bound]
        norms = np.linalg.norm(columns, axis=0)
        if columns.shape[1] == 0:
            return False
        return not np.all(norms > 0) or bool(np.linalg.cond(columns / norms) > SINGULAR)

    @property
    def cost(self) -> float:
        """Return the sum of squared residuals."""
        return float(self.residuals @ self.residuals)


def search(problem: Problem, start: Floats) -> Found:
    r"""Return the least squares that a search from ``start`` leads to.

    .. math::

        (J^T J + \lambda D^2)\, d = -J^T r

    with the columns of J scaled by D, their largest norms so far (Moré,
    doi:10.1007/BFb0067700), the damping λ set by the gain over the gain foreseen, steps cut at the
    bounds and coordinates held there while the gradient points outwards. A search that is long
    follows its valley to second order (Transtrum and Sethna, arXiv:1201.5885). A search that
    fails, or ends where parameters are not told apart, is tried again with a short first step.

    Raises
    ------
    NotConverged
        If the equation has no value at the start, or no step helps where one should.
    """
    if len(start) == 0:
        return _nothing_free(problem, start)
    start = np.clip(start, *problem.bounds)
    try:
        bold = _walked(problem, start, _BOLD)
    except NotConverged:
        return _walked(problem, start, _CAREFUL)
    if not bold.stranded:
        return bold
    try:
        careful = _walked(problem, start, _CAREFUL)
    except NotConverged:
        return bold
    return min(bold, careful, key=lambda one: one.cost)


def _walked(problem: Problem, start: Floats, damping: float) -> Found:
    """Return where one search ends; differences are taken on both sides towards its end."""
    walk = _Walk(problem, start, damping)
    walk.run()
    if problem.model.jacobian is None:
        walk.sharpen()
        walk.run()
    walk.polish()
    return Found(walk.u, walk.residuals, walk.jacobian, walk.held, walk.steps)


def _nothing_free(problem: Problem, start: Floats) -> Found:
    residuals = problem.residuals(start)
    return Found(start, residuals, np.empty((len(residuals), 0)), np.zeros(0, dtype=bool))


class _Walk:
    """A search on its way; the one thing here that changes."""

    def __init__(self, problem: Problem, u: Floats, damping: float) -> None:
        self.problem = problem
        self.low, self.high = problem.bounds
        self.u = u
        self.residuals = problem.residuals(u)
        self.cost = float(self.residuals @ self.residuals)
        if not np.isfinite(self.cost):
            raise NotConverged(
                "A search has to start where the equation has a value",
                received=", ".join(
                    f"{p.name} = {v:.4g}"
                    for p, v in zip(problem.model.parameters, problem.values(u))
                ),
                remedy="give other starting values",
            )
        self.extent = float(np.linalg.norm(np.abs(problem.y / problem.errors)))
        self.sizes = np.zeros_like(u)
        self.damping, self.growth = damping, 2.0
        self.sharp = False
        self.steps = 0
        self._differentiate()

    def sharpen(self) -> None:
        """Take differences on both sides from now on."""
        self.sharp = True
        self._differentiate()

    def polish(self) -> None:
        """Take undamped steps while they bring the residuals closer to a right angle."""
        for _ in range(_MOST_POLISHING):
            u, residuals, cost, cosine = self.u, self.residuals, self.cost, self.cosine
            if not cosine > _ROUNDING:
                return
            step = _Solver(self.jacobian, self.residuals, self.sizes, ~self.held).step(0.0)
            trial = np.clip(u + self._limited(step), self.low, self.high)
            found = self._residuals(trial)
            if not float(found @ found) <= cost * (1.0 + _SAME_COST):
                return
            self._move(trial, found)
            if not self.cosine < _PROGRESS * cosine:
                self._move(u, residuals)
                return

    def _residuals(self, u: Floats) -> Floats:
        with np.errstate(all="ignore"):
            return self.problem.residuals(u)

    def _move(self, u: Floats, residuals: Floats) -> None:
        self.u, self.residuals = u, residuals
        self.cost = float(residuals @ residuals)
        self._differentiate()

    def _differentiate(self) -> None:
        self.jacobian = self.problem.jacobian(self.u, self.residuals, sharp=self.sharp)
        if not np.all(np.isfinite(self.jacobian)):
            raise NotConverged("The derivatives of an equation have to be finite")
        self.gradient = self.residuals @ self.jacobian
        self.norms = np.sqrt(np.einsum("ij,ij->j", self.jacobian, self.jacobian))
        self.sizes = np.maximum(self.sizes, self.norms)
        self.held = ((self.u <= self.low) & (self.gradient > 0.0)) | (
            (self.u >= self.high) & (self.gradient < 0.0)
        )

    @property
    def cosine(self) -> float:
        """Return the largest cosine of the residuals with a derivative that may still act."""
        weights = np.where(self.held, 0.0, 1.0) / np.where(self.norms > 0.0, self.norms, 1.0)
        return float(np.max(np.abs(self.gradient) * weights)) / float(np.sqrt(self.cost) or 1.0)

    def run(self) -> None:
        """Step until nothing is gained any more."""
        while self.cosine > _FLAT:
            if self.steps >= _MOST_STEPS:
                raise NotConverged(
                    "A least-squares fit has to converge",
                    received=f"{_MOST_STEPS} steps without an end",
                    remedy="give better starting values, or bounds",
                )
            self.steps += 1
            if self._step():
                return

    def _step(self) -> bool:
        """Take one step, and say whether it was the last."""
        solver = _Solver(self.jacobian, self.residuals, self.sizes, ~self.held)
        while True:
            direct = self._limited(solver.step(self.damping))
            bent = self._bent(direct, solver) if self.steps > _PATIENCE else direct
            trial = np.clip(self.u + bent, self.low, self.high)
            residuals = self._residuals(trial)
            gain, foreseen = self.cost - float(residuals @ residuals), self._foreseen(direct)
            small = self._small(trial - self.u)
            if gain > 0.0 and foreseen > 0.0:
                last = small or max(gain, foreseen) <= _GAIN * self.cost
                self._calm(gain / foreseen)
                self._move(trial, residuals)
                return last
            if small or abs(foreseen) <= _GAIN * self.cost or self.damping > _MOST_DAMPING:
                self._judge_end()
                return True
            self.damping *= self.growth
            self.growth *= 2.0

    def _small(self, step: Floats) -> bool:
        whole = np.where(self.problem.logarithmic, 1.0, np.abs(self.u))
        norm = np.linalg.norm
        return bool(norm(self.sizes * step) <= _STEP * norm(self.sizes * whole))

    def _foreseen(self, step: Floats) -> float:
        """Return the gain of a step if the equation were straight."""
        step = np.clip(self.u + step, self.low, self.high) - self.u
        straight = self.residuals + self.jacobian @ step
        return self.cost - float(straight @ straight)

    def _calm(self, ratio: float) -> None:
        """Lower the damping after a step that was good by this ratio to what was foreseen."""
        followed = max(_LOWERED, 1.0 - (2.0 * ratio - 1.0) ** 3)
        # A bent step is not judged by a straight line: it is damped less and less while it gains.
        self.damping *= followed if self.steps <= _PATIENCE else _LOWERED
        self.damping, self.growth = max(self.damping, _LEAST_DAMPING), 2.0

    def _bent(self, step: Floats, solver: _Solver) -> Floats:
        """Return a step that follows a curved valley to second order, where it is not too bent."""
        with np.errstate(all="ignore"):
            probe = self._residuals(np.clip(self.u + _PROBE * step, self.low, self.high))
            bend = (probe - self.residuals) / _PROBE - self.jacobian @ step
            turn = solver.answer(bend * (2.0 / _PROBE), self.jacobian, self.damping)
            ratio = np.linalg.norm(self.sizes * turn) / np.linalg.norm(self.sizes * step)
        return step + 0.5 * turn if 2.0 * ratio <= _MOST_BENT else step

    def _limited(self, step: Floats) -> Floats:
        """Return a step in which no logarithm changes by too much."""
        widest = float(np.max(np.abs(step) * self.problem.logarithmic))
        return step if widest <= _WIDEST_STEP else step * (_WIDEST_STEP / widest)

    def _judge_end(self) -> None:
        # A logarithm on its way to minus infinity, or a sum of squares that is rounding, is an end.
        acts = ~self.held & ~(self.problem.logarithmic & (self.norms < _NOTHING * self.cost**0.5))
        pull = np.abs(self.gradient[acts]) / np.where(self.norms > 0.0, self.norms, 1.0)[acts]
        if self.cost**0.5 > _ROUGH * self.extent and np.any(pull > _STUCK * self.cost**0.5):
            raise NotConverged(
                "A least-squares fit has to converge",
                received="no step makes the residuals smaller though their derivatives say so",
                remedy="give better starting values, or bounds",
            )


class _Solver:
    """Damped steps of one Jacobian, which is decomposed once."""

    def __init__(
        self, jacobian: Floats, residuals: Floats, sizes: Floats, free: NDArray[np.bool_]
    ) -> None:
        self.free = free
        self.all_free = bool(free.all())
        self.scale = np.where(sizes > 0.0, sizes, 1.0)
        columns = jacobian / self.scale
        if not self.all_free:
            columns, self.scale = columns[:, free], self.scale[free]
        gram = columns.T @ columns
        squares, vectors = np.linalg.eigh(gram)
        if squares[0] > _TOLD_APART * squares[-1]:
            self.squares, self.right = squares, vectors.T
            self.target = self.right @ (residuals @ columns)
            return
        # Products lose half the digits, so that a narrow valley is decomposed without them.
        count = columns.shape[1]
        triangle = np.asarray(np.linalg.qr(np.column_stack([columns, residuals]), mode="r"))
        left, values, self.right = np.linalg.svd(triangle[:count, :count])
        self.squares = values**2
        self.target = values * (left.T @ triangle[:count, count])

    def step(self, damping: float) -> Floats:
        """Return the step (k,) for a damping."""
        weights = np.maximum(self.squares + damping, np.finfo(float).tiny)
        return self._whole(-(self.target / weights) @ self.right)

    def answer(self, bend: Floats, jacobian: Floats, damping: float) -> Floats:
        """Return the step (k,) that answers other residuals."""
        pull = (bend @ jacobian)[self.free] / self.scale
        return self._whole(-((self.right @ pull) / (self.squares + damping)) @ self.right)

    def _whole(self, scaled: Floats) -> Floats:
        inner = scaled / self.scale
        if self.all_free:
            return np.asarray(inner)
        step = np.zeros(len(self.free))
        step[self.free] = inner
        return step
