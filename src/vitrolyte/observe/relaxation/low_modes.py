r"""Spectral densities at frequencies far below what a run resolves, and when there are none.

An exponential decay has :math:`1/J = 1/J_0 + \omega^2 \tau / 2`, a straight line in
:math:`\omega^2`. The squared modes scatter about J like a gamma variable, whose natural link is
1/J: the line is fitted by the likelihood. It goes as far up as no quadratic term shows; half of
that range is used. Its end at zero is J(0), its slope the time of the slowest motion. Two exact
corrections: in sampled decay :math:`\omega^2` becomes :math:`(2/\Delta t)^2 \sin^2(\omega\Delta
t/2)`, and in a run of length T the cosine modes of a decay expect :math:`J [1 - j/T]` with
:math:`j = 2\tau/(1+\omega^2\tau^2)`, for what the ends of the run cut off.

References
----------
McCullagh & Nelder, Generalized Linear Models (Chapman & Hall 1989), section 8.2 (gamma, inverse
link); Whittle, Ark. Mat. 2, 423 (1953), https://doi.org/10.1007/BF02590998.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Floats = NDArray[np.float64]

_FEWEST_TESTED = 8
_FEWEST_FITTED = 6
_SIGNIFICANT = 0.995
_ROUNDS = 12
_LARGEST_STEP = 0.9
_LOCAL_WIDTH = 1.25
_FEWEST_LOCAL = 6
_SLOWEST_RESOLVED = 0.5
_FEWEST_KEPT = 3
_CORRECTIONS = 3
_LEAST_LEFT = 0.2
_LEAST_LEVEL = 0.02


@dataclass(frozen=True, eq=False)
class Line:
    """1/J = a + b g fitted over low modes, g the squared frequency over that of the last mode.

    Attributes
    ----------
    coefficients
        Of 1, g, g² ...
    last_t
        Highest coefficient over its error.
    top
        Frequency of the last mode as a sampled decay has it, (2/dt) sin(omega dt/2), rad/ps.
    step_ps
        Time between frames.
    """

    coefficients: Floats
    last_t: float
    top: float
    step_ps: float

    def at(self, omega: Floats | float) -> Floats:
        """Return J at angular frequencies, in the unit of the spectrum."""
        g = (_sampled(np.asarray(omega, dtype=float), self.step_ps) / self.top) ** 2
        inverse = sum(c * g**k for k, c in enumerate(self.coefficients))
        return np.asarray(1.0 / np.maximum(inverse, 1e-300))

    @property
    def time_ps(self) -> float:
        """Return the time of the slowest motion, ps; NaN where J does not fall."""
        level, slope = self.coefficients[:2]
        return math.sqrt(slope / level) / self.top if slope > 0 and level > 0 else math.nan


def _sampled(omega: Floats, step_ps: float) -> Floats:
    return np.asarray(2.0 / step_ps * np.sin(0.5 * omega * step_ps))


def fit_line(
    power: Floats, omega: Floats, step_ps: float, *, order: int = 1, start: Line | None = None
) -> Line | None:
    """Fit 1/J as a polynomial in the squared frequency; None where it will not stay above zero."""
    top = float(_sampled(omega[-1:], step_ps)[0])
    g = (_sampled(omega, step_ps) / top) ** 2
    design = g[:, None] ** np.arange(order + 1)
    beta = np.zeros(order + 1)
    beta[0] = 1.0 / power.mean()
    if start is not None and np.all(design @ start.coefficients > 0):
        beta = start.coefficients
    eta = design @ beta
    for _ in range(_ROUNDS):
        mean = 1.0 / eta
        weighted = design * (mean**2)[:, None]
        curvature = design.T @ weighted
        step = np.asarray(
            np.linalg.solve(curvature, -(design.T @ (power - mean))), dtype=np.float64
        )
        beta, eta = _stepped(design, beta, step)
        if np.all(np.abs(design @ step) < 1e-7 * eta):
            break
    if not np.all(eta > 0) or not np.all(np.isfinite(beta)):
        return None
    residuals = power * eta - 1.0
    scatter = float(np.sum(residuals**2)) / max(len(g) - order - 1, 1)
    spread = math.sqrt(max(np.linalg.inv(curvature)[-1, -1] * scatter, 1e-300))
    return Line(beta, float(beta[-1] / spread), top, step_ps)


def _stepped(design: Floats, beta: Floats, step: Floats) -> tuple[Floats, Floats]:
    """Return coefficients after a step that is cut short where 1/J would not stay above zero."""
    before = design @ beta
    change = design @ step
    falls = change < 0
    room = float(np.min(before[falls] / -change[falls])) if falls.any() else math.inf
    share = min(1.0, _LARGEST_STEP * room)
    after = beta + share * step
    return after, design @ after


def straight_modes(power: Floats, omega: Floats, step_ps: float) -> int:
    """Return how many low modes to fit: half of those in which 1/J is straight, 0 for none."""
    n = len(power)
    if n < _FEWEST_TESTED or not power[:_FEWEST_TESTED].mean() > 0:
        return 0
    steps = int(2 * math.log2(n / _FEWEST_TESTED)) + 1
    ranges = sorted({min(int(_FEWEST_TESTED * 2 ** (0.5 * k)), n) for k in range(steps)})
    bent = [_is_bent(power[:m], omega[:m], step_ps) for m in ranges]
    straight = 0
    for m, here, after in zip(ranges, bent, [*bent[1:], True]):
        if here and after:
            break
        straight = straight if here else m
    return max(straight // 2, min(straight, _FEWEST_FITTED))


def _is_bent(power: Floats, omega: Floats, step_ps: float) -> bool:
    line = fit_line(power, omega, step_ps, order=2)
    if line is None:
        return True
    return bool(abs(line.last_t) > stats.t.ppf(_SIGNIFICANT, len(power) - 3))


@dataclass(frozen=True, eq=False)
class Reader:
    """How J is read from the mean spectrum of a channel, the same for all parts left out.

    Attributes
    ----------
    omega
        (modes,), rad/ps.
    fitted
        Number of modes of the line; 0 where none is straight.
    step_ps
        Time between frames.
    """

    omega: Floats
    fitted: int
    step_ps: float

    @property
    def duration_ps(self) -> float:
        """Return the length of the run."""
        return float(np.pi / self.omega[0])

    def line(self, power: Floats, keep: NDArray[np.bool_]) -> Line | None:
        """Return the line through the low modes that are kept, without what the ends cut off."""
        chosen = keep[: self.fitted]
        if chosen.sum() < _FEWEST_KEPT:
            return None
        omega, low = self.omega[: self.fitted][chosen], power[: self.fitted][chosen]
        line = fit_line(low, omega, self.step_ps)
        for _ in range(_CORRECTIONS):
            if line is None or math.isnan(line.time_ps):
                return line
            cut = 2.0 * line.time_ps / (1.0 + (omega * line.time_ps) ** 2) / self.duration_ps
            whole = low / np.maximum(1.0 - cut, _LEAST_LEFT)
            line = fit_line(whole, omega, self.step_ps, start=line)
        # A level that all but vanishes in 1/J is that of a spectrum which rises without end.
        rises = line is None or line.coefficients[0] * low.max() < _LEAST_LEVEL
        return None if rises else line

    def read(
        self, power: Floats, keep: NDArray[np.bool_], wanted: Floats, line: Line | None
    ) -> Floats:
        """Return J at frequencies (rad/ps): from the line in its range, from near modes above."""
        top = self.omega[self.fitted - 1] if self.fitted else 0.0
        low = wanted <= max(top, self.omega[0])
        # Where nothing is straight the lowest modes are a lower bound; the judge says so.
        found = np.full(len(wanted), float(power[:_FEWEST_TESTED][keep[:_FEWEST_TESTED]].mean()))
        if line is not None:
            found[low] = line.at(wanted[low])
        for place in np.flatnonzero(~low):
            found[place] = self._near(power, keep, float(wanted[place]))
        return found

    def _near(self, power: Floats, keep: NDArray[np.bool_], omega: float) -> float:
        if omega > self.omega[-1]:
            return math.nan
        distance = np.abs(np.log(self.omega / omega))
        limit = max(math.log(_LOCAL_WIDTH), np.partition(distance, _FEWEST_LOCAL)[_FEWEST_LOCAL])
        near = (distance <= limit) & keep
        return float(power[near].mean()) if near.any() else math.nan


def levels_off(line: Line | None, lowest: float) -> bool:
    """Return whether J is known at zero: the slowest motion turns over above the lowest mode."""
    if line is None or not line.coefficients[0] > 0:
        return False
    time = line.time_ps
    return math.isnan(time) or time * lowest < _SLOWEST_RESOLVED
