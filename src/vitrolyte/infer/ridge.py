"""Linear models with more columns than the points decide, held together by evidence."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vitrolyte.data.model import Floats

_RATIOS = np.exp(np.arange(-8.0, 34.0, 0.5))
"""Squared size of coefficients over that of the noise, from far too small to far too large."""
_DIRECTION = 0.02
"""Directions of which less than this share is left to the residuals test nothing."""


@dataclass(frozen=True, eq=False)
class Pattern:
    """Shapes looked for in residuals.

    Attributes
    ----------
    statistic
        Follows F(told, freedom) where nothing but noise is left.
    told
        Number of shapes that the residuals can tell; 0 where there is none.
    amplitudes, variances
        (m,), of each shape, and of its noise.
    """

    statistic: float
    told: int
    amplitudes: Floats
    variances: Floats


@dataclass(frozen=True, eq=False)
class RidgeFit:
    """Coefficients of a linear model under a common prior, and what is left.

    Attributes
    ----------
    coefficients
        (p,).
    fitted, residuals
        (n,).
    leverage
        (n,), share of each point's noise that the model follows.
    scale
        Standard deviation of the noise, in the unit of y.
    freedom
        Points less the parameters that the data decide.
    log_evidence
        Of the model, its scale and the size of its coefficients integrated or at their best.
    hat
        (n, n), what takes y to the fitted values.
    """

    coefficients: Floats
    fitted: Floats
    residuals: Floats
    leverage: Floats
    scale: float
    freedom: float
    log_evidence: float
    hat: Floats

    def pattern(self, shapes: Floats) -> Pattern:
        r"""Return how strongly shapes stand in the residuals.

        With :math:`r = (1 - H) y` and :math:`cov(r) = s^2 (1 - H)`, the statistic
        :math:`(B^T r)^T [B^T (1 - H) B]^{-1} (B^T r) / (k s^2)` follows F(k, freedom) where
        nothing but noise is left.

        Parameters
        ----------
        shapes
            (n, m).
        """
        left = shapes.T @ shapes - shapes.T @ (self.hat @ shapes)
        sizes = np.einsum("nm,nm->m", shapes, shapes)
        norm = np.sqrt(np.maximum(sizes, 1e-300))
        values, vectors = np.linalg.eigh(left / np.outer(norm, norm))
        told = values > _DIRECTION
        parts = vectors[:, told].T @ ((shapes.T @ self.residuals) / norm)
        count = int(np.sum(told))
        back = (vectors[:, told] / values[told]) / norm[:, None]
        variances = self.scale**2 * np.sum(back**2 * values[told], axis=1)
        statistic = float(np.sum(parts**2 / values[told])) / (max(count, 1) * self.scale**2)
        return Pattern(statistic, count, back @ parts, variances)


def ridge(design: Floats, y: Floats) -> RidgeFit:
    r"""Fit a linear model whose coefficients have one common size, found by evidence.

    .. math::

        y = A x + s\,\epsilon, \quad x \sim N(0, \kappa s^2), \quad
        \ln p(y) = -\tfrac12 \sum_i \ln(1 + \kappa d_i^2)
        - \tfrac n2 \ln \Big[\sum_i \frac{u_i^2}{1 + \kappa d_i^2} + |y_\perp|^2\Big]

    with d the singular values of A (MacKay, doi:10.1162/neco.1992.4.3.415). The scale that this
    gives is the noise, whatever number of columns is offered.

    Parameters
    ----------
    design
        (n, p), columns scaled to what is expected of them.
    y
        (n,), each point divided by its relative error.
    """
    squares, vectors = np.linalg.eigh(design.T @ design)
    kept = squares > 1e-13 * squares[-1]
    squares, vectors = squares[kept], vectors[:, kept]
    left = design @ (vectors / np.sqrt(squares))
    parts = left.T @ y
    beyond = max(float(y @ y - parts @ parts), 1e-14 * float(y @ y))
    growth = 1.0 + np.outer(_RATIOS, squares)
    sums = np.sum(parts**2 / growth, axis=1) + beyond
    evidence = -0.5 * np.sum(np.log(growth), axis=1) - 0.5 * len(y) * np.log(sums)
    best = int(np.argmax(evidence))
    taken = 1.0 - 1.0 / growth[best]
    hat = (left * taken) @ left.T
    fitted = left @ (taken * parts)
    return RidgeFit(
        coefficients=(vectors / np.sqrt(squares)) @ (taken * parts),
        fitted=fitted,
        residuals=y - fitted,
        leverage=np.diag(hat).copy(),
        scale=float(np.sqrt(sums[best] / len(y))),
        freedom=float(len(y) - np.sum(taken)),
        log_evidence=float(evidence[best]),
        hat=hat,
    )
