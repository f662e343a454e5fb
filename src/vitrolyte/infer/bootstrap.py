"""Intervals from fits to points that are drawn anew."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from scipy import special

from vitrolyte.data.errors import NotConverged
from vitrolyte.data.model import Floats, Numbers
from vitrolyte.infer.landing import Landing
from vitrolyte.infer.search import search

Resampling = Literal["residuals", "errors"]
_MOST_LOST = 0.05


@dataclass(frozen=True, eq=False)
class Resampled:
    """Coordinates found from points that were drawn anew.

    Attributes
    ----------
    draws
        (b, k).
    lost
        Share of draws whose search failed.
    centre
        (k,), what the points themselves gave.
    acceleration
        (k,), of the intervals by Efron.
    """

    draws: Floats
    lost: float
    centre: Floats
    acceleration: Floats

    @property
    def errors(self) -> Floats:
        """Return the standard deviations, (k,)."""
        return np.asarray(np.std(self.draws, axis=0, ddof=1))

    def ends(self) -> Floats:
        r"""Return the ends (k, 2) of the 95 % intervals: bias-corrected and accelerated.

        .. math::

            \alpha' = \Phi\!\left(z_0 + \frac{z_0 + z_\alpha}{1 - a (z_0 + z_\alpha)}\right)

        References
        ----------
        Efron, J. Am. Stat. Assoc. 82, 171 (1987), doi:10.1080/01621459.1987.10478410.
        """
        return np.array([self._interval(k) for k in range(self.draws.shape[1])])

    def _interval(self, k: int) -> Floats:
        draws, count = self.draws[:, k], len(self.draws)
        below = np.sum(draws < self.centre[k]) + 0.5 * np.sum(draws == self.centre[k])
        bias = special.ndtri(np.clip(below / count, 0.5 / count, 1.0 - 0.5 / count))
        shifted = bias + special.ndtri(np.array([0.025, 0.975]))
        levels = special.ndtr(bias + shifted / (1.0 - self.acceleration[k] * shifted))
        return np.asarray(np.quantile(draws, levels))

    @property
    def doubt(self) -> str:
        """Return why the intervals are weak, or nothing."""
        if self.lost <= _MOST_LOST:
            return ""
        return f"{100 * self.lost:.0f} % of the bootstrap's fits failed"


def bootstrap(landing: Landing, draws: int, seed: int, resampling: Resampling) -> Resampled:
    """Return where searches end for points drawn about the model that was found.

    ``residuals`` draws the residuals found, each over the square root of one less its leverage,
    with replacement, complex ones whole; ``errors`` draws normal ones of the size of the errors,
    scaled as the intervals are. Searches start from the minimum.

    Raises
    ------
    NotConverged
        If more than half of the searches fail.
    """
    rng = np.random.default_rng(seed)
    problem, found = landing.problem, landing.found
    exact = problem.y + problem.unstacked(found.residuals) * problem.errors
    pool = _pool(landing)
    ends = []
    for _ in range(draws):
        noise = _drawn(pool, landing, rng, resampling)
        again = replace(problem, y=exact + problem.errors * noise)
        try:
            ends.append(search(again, found.u).u)
        except NotConverged:
            continue
    if 2 * len(ends) < draws:
        raise NotConverged(
            "A bootstrap needs fits that converge", received=f"{len(ends)} of {draws} did"
        )
    return Resampled(
        np.array(ends), 1.0 - len(ends) / draws, found.u, _acceleration(found.jacobian, pool)
    )


def _pool(landing: Landing) -> Numbers:
    """Return residuals with the spread that errors have, and the mean of zero."""
    found, problem = landing.found, landing.problem
    unitary, _ = np.linalg.qr(found.jacobian)
    leverage = np.clip(np.sum(unitary**2, axis=1), 0.0, 1.0 - 1e-6)
    pool = problem.unstacked(-found.residuals / np.sqrt(1.0 - leverage))
    return np.asarray(pool - pool.mean())


def _drawn(
    pool: Numbers, landing: Landing, rng: np.random.Generator, resampling: Resampling
) -> Numbers:
    if resampling == "residuals":
        return np.asarray(rng.choice(pool, size=len(pool)))
    size = np.sqrt(landing.scale)
    noise = size * rng.normal(size=landing.problem.size)
    return landing.problem.unstacked(noise)


def _acceleration(jacobian: Floats, pool: Numbers) -> Floats:
    """Return a sixth of the skewness of what each point does to each coordinate."""
    stacked = np.concatenate([pool.real, pool.imag]) if np.iscomplexobj(pool) else pool
    influence = np.linalg.pinv(jacobian) * stacked
    power = np.sum(influence**2, axis=1) ** 1.5
    return np.asarray(np.sum(influence**3, axis=1) / np.where(power > 0.0, 6.0 * power, 1.0))
