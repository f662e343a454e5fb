"""Whether the residuals of a fit are noise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special, stats

from vitrolyte.data.model import Floats, Numbers

_LIMIT = 0.01
"""A test speaks up below this: each is one of three, and a fit is asked about often."""
_FEWEST = 8
"""Residuals below which nothing is said of their order or shape."""


@dataclass(frozen=True)
class Quality:
    """What three tests say of the residuals of a fit.

    Attributes
    ----------
    chi2_p
        Probability of a sum of squares as large, if model and errors were right; NaN where the
        errors are not known.
    too_small_p
        Probability of a sum of squares as small.
    runs_p
        Probability of so few runs of one sign, if the residuals had no order (Wald and Wolfowitz).
    normality_p
        Probability of such a shape, if the residuals were normal (Anderson and Darling).
    """

    chi2_p: float
    too_small_p: float
    runs_p: float
    normality_p: float

    @property
    def sentence(self) -> str:
        """Return what is wrong with the residuals, or nothing."""
        found = []
        if self.chi2_p < _LIMIT:
            found.append(f"the residuals are larger than the errors (p = {self.chi2_p:.1g})")
        if self.too_small_p < _LIMIT:
            found.append(f"the residuals are smaller than the errors (p = {self.too_small_p:.1g})")
        if self.runs_p < _LIMIT:
            found.append(
                f"neighbouring residuals have one sign (p = {self.runs_p:.1g}): "
                "the model misses something, or the errors are correlated"
            )
        if self.normality_p < _LIMIT:
            found.append(f"the residuals are not normal (p = {self.normality_p:.1g})")
        return "; ".join(found)


def quality_of(residuals: Numbers, *, chi2: float, dof: int) -> Quality:
    """Return the tests of residuals over errors that lie in the order of x.

    Parameters
    ----------
    residuals
        (n,), real or complex; the parts of complex ones are tested each in its own order.
    chi2
        Sum of squares over squared errors; NaN where those are not known.
    """
    parts = [residuals.real, residuals.imag] if np.iscomplexobj(residuals) else [residuals]
    known = np.isfinite(chi2) and dof > 0
    return Quality(
        float(stats.chi2.sf(chi2, dof)) if known else float("nan"),
        float(stats.chi2.cdf(chi2, dof)) if known else float("nan"),
        runs_probability(parts),
        normality_probability(np.concatenate(parts)),
    )


def runs_probability(parts: Sequence[Floats]) -> float:
    r"""Return the probability of so few runs of one sign in residuals without order.

    With a above and b below zero, n of both, the number of runs has

    .. math::

        \mu = 1 + \frac{2ab}{n}, \qquad \sigma^2 = \frac{(\mu - 1)(\mu - 2)}{n - 1},

    summed over the parts; a half is added for continuity. NaN for fewer than eight residuals.

    References
    ----------
    Wald and Wolfowitz, Ann. Math. Stat. 11, 147 (1940), doi:10.1214/aoms/1177731909.
    """
    runs = expected = variance = 0.0
    for part in parts:
        signs = np.sign(part[part != 0.0])
        above, below, n = int(np.sum(signs > 0)), int(np.sum(signs < 0)), len(signs)
        if n < _FEWEST:
            continue
        if min(above, below) == 0:
            return 0.0
        mean = 1.0 + 2.0 * above * below / n
        runs += 1.0 + float(np.sum(signs[1:] != signs[:-1]))
        expected += mean
        variance += (mean - 1.0) * (mean - 2.0) / (n - 1.0)
    if variance == 0.0:
        return float("nan")
    return float(special.ndtr((runs + 0.5 - expected) / np.sqrt(variance)))


def normality_probability(residuals: Floats) -> float:
    r"""Return the probability of such residuals, if they were normal with any mean and scale.

    .. math::

        A^2 = -n - \frac{1}{n}\sum_i (2i - 1)\left[\ln\Phi(z_i) + \ln(1 - \Phi(z_{n+1-i}))\right],
        \qquad A^{*2} = A^2\,(1 + 0.75/n + 2.25/n^2)

    with the four approximations of D'Agostino and Stephens for the distribution of A*². NaN for
    fewer than eight residuals, or where they have no scatter.

    References
    ----------
    R. B. D'Agostino and M. A. Stephens, Goodness-of-Fit Techniques (1986), table 4.9.
    """
    n = len(residuals)
    if n < _FEWEST or not np.std(residuals) > 0.0:
        return float("nan")
    z = np.sort((residuals - np.mean(residuals)) / np.std(residuals, ddof=1))
    weights = 2.0 * np.arange(1, n + 1) - 1.0
    a2 = -n - float(np.mean(weights * (special.log_ndtr(z) + special.log_ndtr(-z[::-1]))))
    return _anderson_tail(a2 * (1.0 + 0.75 / n + 2.25 / n**2))


def _anderson_tail(a2: float) -> float:
    """Return the probability of a larger A*²."""
    if a2 >= 0.6:
        # The parabola of the upper tail turns up again beyond 153.
        a2 = min(a2, 153.0)
        return float(np.exp(1.2937 - 5.709 * a2 + 0.0186 * a2**2))
    if a2 > 0.34:
        return float(np.exp(0.9177 - 4.279 * a2 - 1.38 * a2**2))
    if a2 > 0.2:
        return float(1.0 - np.exp(-8.318 + 42.796 * a2 - 59.938 * a2**2))
    return float(1.0 - np.exp(-13.436 + 101.14 * a2 - 223.73 * a2**2))
