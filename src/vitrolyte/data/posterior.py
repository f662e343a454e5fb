"""What points leave of the parameters of an equation, and of several rival equations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import optimize, special

from vitrolyte.data.model import Floats
from vitrolyte.data.quantity import Quantity
from vitrolyte.data.separable import Separable

_VISIBLE = 1e-3


@dataclass(frozen=True, eq=False)
class Mixture:
    """A mixture of Student distributions of one number.

    Attributes
    ----------
    centres, widths, weights
        (m,); the weights sum to 1.
    freedom
        Degrees of freedom of each.
    """

    centres: Floats
    widths: Floats
    weights: Floats
    freedom: float

    def below(self, value: float) -> float:
        """Return the probability of a number below ``value``."""
        return float(
            self.weights @ special.stdtr(self.freedom, (value - self.centres) / self.widths)
        )

    def quantile(self, share: float) -> float:
        """Return the number below which ``share`` of the probability lies."""
        heavy = self.weights > 0
        places = self.centres[heavy] + self.widths[heavy] * special.stdtrit(self.freedom, share)
        low, high = float(places.min()), float(places.max())
        # Where all centres agree rounding decides on which side of the ends the number lies.
        if self.below(low) >= share or self.below(high) <= share:
            return low if self.below(low) >= share else high
        return float(optimize.brentq(lambda value: self.below(value) - share, low, high))

    def quantity(self, unit: str) -> Quantity:
        """Return the median with the central 95 %."""
        low, middle, high = (self.quantile(share) for share in (0.025, 0.5, 0.975))
        # The standard error is that of a Student distribution with the same interval.
        error = (high - low) / (2.0 * float(special.stdtrit(self.freedom, 0.975)))
        return Quantity(middle, unit, error, low, high)


def joined(mixtures: Sequence[Mixture], shares: Sequence[float]) -> Mixture:
    """Return the mixture of several, each with its share.

    All must have the same degrees of freedom, as rivals for the same points have.
    """
    return Mixture(
        np.concatenate([one.centres for one in mixtures]),
        np.concatenate([one.widths for one in mixtures]),
        np.concatenate([share * one.weights for one, share in zip(mixtures, shares, strict=True)]),
        mixtures[0].freedom,
    )


@dataclass(frozen=True, eq=False)
class Posterior:
    """What points say about the parameters of a separable equation.

    Attributes
    ----------
    model
        The equation, its cells refined to where the shape is probable.
    weights
        (m,), probability of each cell of the shape.
    coefficients, covariances
        (m, p) and (m, p, p): the coefficients in each cell.
    freedom
        Degrees of freedom of their Student distributions.
    chi2, dof
        Of the best cell; chi2 is the plain sum of squares where the points have no errors.
    """

    model: Separable
    weights: Floats
    coefficients: Floats
    covariances: Floats
    freedom: float
    chi2: float
    dof: int

    def mixture(self, rows: Floats) -> Mixture:
        """Return the distribution of ``rows @ coefficients`` with rows (m, p), one each cell."""
        variances = np.einsum("mi,mij,mj->m", rows, self.covariances, rows)
        centres = np.einsum("mi,mi->m", rows, self.coefficients)
        # A width of zero would leave a step without a derivative.
        widths = np.sqrt(np.maximum(variances, 1e-300))
        return Mixture(centres, widths, self.weights, self.freedom)

    def at(self, x: float) -> Mixture:
        """Return the distribution of y at x."""
        return self.mixture(self.model.columns(np.array([x]), self.model.places)[:, 0, :])

    @property
    def best(self) -> int:
        """Return the most probable cell."""
        return int(np.argmax(self.weights))

    @property
    def likely(self) -> Floats:
        """Return which cells matter in a picture, (m,) of true and false."""
        return np.asarray(self.weights > _VISIBLE * self.weights.max())

    def curve(self, x: Floats) -> tuple[Floats, Floats]:
        """Return the mean of y at x (n,) and its standard error, over the likely cells."""
        return self._over(self.model.columns(x, self.model.places[self.likely]))

    def gradient(self, x: Floats) -> tuple[Floats, Floats]:
        """Return the slope dy/dx at x (n,) and its standard error, over the likely cells."""
        step, places = 1e-4 * x, self.model.places[self.likely]
        ends = self.model.columns(x + step, places) - self.model.columns(x - step, places)
        return self._over(ends / (2.0 * step)[None, :, None])

    def _over(self, columns: Floats) -> tuple[Floats, Floats]:
        seen = self.likely
        weights = self.weights[seen] / np.sum(self.weights[seen])
        centres = np.einsum("mnp,mp->mn", columns, self.coefficients[seen])
        variances = np.einsum("mni,mij,mnj->mn", columns, self.covariances[seen], columns)
        mean = weights @ centres
        return mean, np.sqrt(weights @ (variances + (centres - mean) ** 2))

    def shape(self, unit: str) -> Quantity:
        """Return the shape with the central 95 % of its probability."""
        edges, passed = self.model.edges, np.concatenate([[0.0], np.cumsum(self.weights)])
        low, middle, high = np.interp([0.025, 0.5, 0.975], passed / passed[-1], edges)
        places = self.model.places
        mean = float(self.weights @ places)
        widths = np.diff(edges) / np.sqrt(12.0)
        error = float(np.sqrt(self.weights @ ((places - mean) ** 2 + widths**2)))
        return Quantity(float(middle), unit, error, float(low), float(high))


@dataclass(frozen=True, eq=False)
class Weighing:
    """Rival equations weighed by the same points; the simplest is the first.

    Attributes
    ----------
    posteriors
        One of each equation.
    log_factors
        Natural logarithm of each one's Bayes factor against the first.
    probabilities
        Of each, where the first is held as probable beforehand as all others together.
    p_value
        Share of simulations in which the first was true and the others, together, were favoured
        as much as they are by these points; NaN where there is no other.
    aicc, bic
        Information criteria of each, smaller is better; infinite where there are too few points.
    errors_believed
        False where no equation fits within the errors given, so that the scatter alone was used.
    """

    posteriors: tuple[Posterior, ...]
    log_factors: tuple[float, ...]
    probabilities: tuple[float, ...]
    p_value: float
    aicc: tuple[float, ...]
    bic: tuple[float, ...]
    errors_believed: bool

    def at(self, x: float) -> Mixture:
        """Return the distribution of y at x over all equations by their probabilities."""
        return joined([one.at(x) for one in self.posteriors], self.probabilities)
