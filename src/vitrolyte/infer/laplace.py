"""Evidence of a nonlinear model by Laplace's approximation about its best parameters."""

from __future__ import annotations

import numpy as np

from vitrolyte.data.model import Floats


def laplace_evidence(*, chi2: float, count: int, normal: Floats, widths: Floats) -> float:
    r"""Return the logarithm of the marginal likelihood, up to a constant of the data.

    .. math::

        \ln p(y | M) \approx -\tfrac{N}{2} \ln\chi^2 + \tfrac p2 \ln 2\pi
        - \tfrac12 \ln\left|J^T J \frac{N}{\chi^2}\right| - \sum_i \ln w_i

    with the scale of the noise unknown, and flat priors of widths :math:`w_i`
    (Kass and Raftery, doi:10.1080/01621459.1995.10476572). A parameter cannot gain from a
    posterior wider than its prior.

    Parameters
    ----------
    chi2, count
        Sum of squared residuals over errors that are right up to a factor, and their number N.
    normal
        (p, p), J'J at the best parameters.
    widths
        (p,), in the unit of each parameter.
    """
    p = len(widths)
    # Twelve over the square of its width is the precision of a flat prior.
    precision = normal * (count / chi2) + np.diag(12.0 / widths**2)
    sign, determinant = np.linalg.slogdet(precision)
    if sign <= 0:
        return -np.inf
    volume = 0.5 * p * np.log(2.0 * np.pi) - 0.5 * determinant - np.sum(np.log(widths))
    return float(-0.5 * count * np.log(chi2) + volume)
