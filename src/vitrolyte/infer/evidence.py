"""Rival equations for the same points, weighed by evidence with a known rate of false alarms."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import special, stats

from vitrolyte.data.errors import InputError
from vitrolyte.data.model import Floats
from vitrolyte.data.posterior import Posterior, Weighing
from vitrolyte.data.separable import ScatteredPoints, Separable

_POOR = 0.1
"""Where every equation leaves residuals less likely than this, the errors are not believed."""
_SETTLED = 4
"""Rounds after which a shape is held while foot points are sought."""
_DEPTH = 14.0
"""Cells whose logarithmic probability lies this far below the best are not refined."""


@dataclass(frozen=True)
class WeighingSettings:
    """How rivals are weighed.

    Attributes
    ----------
    trust
        Degrees of freedom with which the errors of the points are known.
    simulations
        Draws behind the rate of false alarms.
    seed
        Of these draws.
    """

    trust: float = 20.0
    simulations: int = 4000
    seed: int = 0


@dataclass(frozen=True, eq=False)
class _Levelled:
    """Points whose errors in x have been taken into those of y at the foot points on a curve."""

    x: Floats
    y: Floats
    error: Floats


@dataclass(frozen=True, eq=False)
class _Solved:
    """Least squares in each cell of a shape: design over errors, and what follows from it."""

    model: Separable
    design: Floats  # (m, n, p)
    inverse: Floats  # (m, p, p), of design' design + 1 / spread²
    log_volume: Floats  # (m,), half the logarithm of det(inverse) / det(prior)
    scores: Floats  # (m, p, n), so that scores @ z has as its square what the equation explains


def weigh(
    models: Sequence[Separable],
    points: ScatteredPoints,
    settings: WeighingSettings = WeighingSettings(),
) -> Weighing:
    r"""Weigh rival equations by the points that all of them are to describe.

    Each equation is linear but for one shape s, so that its marginal likelihood is an integral
    over s alone of closed forms,

    .. math::

        p(y | M) \propto \int ds\, p(s)\, \sqrt{\frac{|\Lambda_0|}{|\Lambda_s|}}
        \left[\nu_0 + S_s\right]^{-(\nu_0 + n - q)/2},
        \qquad S_s = |z|^2 - z^T X_s \Lambda_s^{-1} X_s^T z

    with z the points over their errors, :math:`\Lambda_s = X_s^T X_s + \Lambda_0`, q coefficients
    that are free in every equation, and the scale of the errors known to :math:`\nu_0` degrees of
    freedom. The Bayes factor of all rivals together is compared with its distribution over
    simulations in which the first equation is true: chance alone gives a p value below 0.05 in
    one case of twenty. Errors in x are taken along the curve to the nearest foot point, which
    for a straight line is York's solution (doi:10.1119/1.1632486). Bayes factors after
    Kass and Raftery (doi:10.1080/01621459.1995.10476572).

    Parameters
    ----------
    models
        The first is the null, without a shape; each has the same free coefficients.
    points
        Where they have no errors of y, those of x are left to the scatter as well.

    Raises
    ------
    InputError
        If the points are no more than the parameters of the first equation, or all at one x.
    """
    null = models[0]
    if len(points) <= null.parameters or len(np.unique(points.x)) < null.parameters:
        raise InputError(
            f"An equation of {null.parameters} parameters needs more points than that, "
            "at different x",
            received=f"{len(points)} points at {len(np.unique(points.x))} places",
        )
    scattered = _scattered(models, points) if points.y_error is None else None
    level = scattered or _as_measured(null, points)
    trust = settings.trust if points.y_error is not None else 0.0
    solved = [_solved(model, level) for model in models]
    z = level.y / level.error
    believed = trust > 0.0 and _acceptable(solved, z)
    trust = trust if believed else 0.0
    evidence = np.array([_log_evidence(one, z[:, None], trust)[0] for one in solved])
    posteriors = tuple(
        _posterior(model, scattered or _levelled(model, points), trust) for model in models
    )
    criteria = [_criteria(one, len(points), known=trust > 0.0) for one in posteriors]
    return Weighing(
        posteriors=posteriors,
        log_factors=tuple(float(one) for one in evidence - evidence[0]),
        probabilities=_probabilities(evidence),
        p_value=_p_value(solved, z, trust, settings),
        aicc=tuple(aicc for aicc, _ in criteria),
        bic=tuple(bic for _, bic in criteria),
        errors_believed=bool(believed or points.y_error is None),
    )


def _levelled(model: Separable, points: ScatteredPoints) -> _Levelled:
    """Return the points as they look from the foot points on the best curve of a model."""
    if points.y_error is None:
        raise InputError("Points are levelled by their errors", received="none")
    if not np.any(points.x_error):
        return _Levelled(points.x, points.y - points.known(points.x), points.y_error)
    foot, error, y = points.x, points.y_error, points.y
    for step in range(40):
        level = _Levelled(foot, y - points.known(foot), error)
        if step == _SETTLED:
            model = _narrowed(model, level)
        value, slope = _best_curve(model, level, points, foot)
        error = np.sqrt(points.y_error**2 + (slope * points.x_error) ** 2)
        y = points.y - slope * (points.x - foot)
        moved = points.x + points.x_error**2 * slope * (y - value) / error**2
        done = np.max(np.abs(moved - foot)) < 1e-7 * np.ptp(points.x)
        foot = moved
        if done:
            break
    return _Levelled(foot, y - points.known(foot), error)


def _narrowed(model: Separable, level: _Levelled) -> Separable:
    """Return a model with its best cell alone, so that foot points do not follow others."""
    if len(model.edges) == 0:
        return model
    cell = int(np.argmin(_misfit(_solved(model, level), level.y / level.error)))
    return replace(model, edges=model.edges[cell : cell + 2])


def _as_measured(model: Separable, points: ScatteredPoints) -> _Levelled:
    """Return points where they were measured, their errors in y alone, common to all models."""
    own = np.ones_like(points.y) if points.y_error is None else points.y_error
    y, error = points.y - points.known(points.x), own
    for _ in range(3):
        level = _Levelled(points.x, y, error)
        _, slope = _best_curve(model, level, points, points.x)
        error = np.sqrt(own**2 + (slope * points.x_error) ** 2)
    return _Levelled(points.x, y, error)


def _best_curve(
    model: Separable, level: _Levelled, points: ScatteredPoints, x: Floats
) -> tuple[Floats, Floats]:
    """Return the best curve of a model and its slope at x."""
    solved = _solved(model, level)
    cell = int(np.argmin(_misfit(solved, level.y / level.error)))
    coefficients = _coefficients(solved, level.y / level.error)[cell]
    place = model.places[[cell]]
    step = 1e-5 * np.ptp(points.x)
    low, middle, high = (
        model.columns(at, place)[0] @ coefficients + points.known(at)
        for at in (x - step, x, x + step)
    )
    return middle, (high - low) / (2 * step)


def _scattered(models: Sequence[Separable], points: ScatteredPoints) -> _Levelled:
    """Return points without errors, given the size of their scatter about the closest model."""
    y = points.y - points.known(points.x)
    # Points without any scatter, on paper at least, still need a scale.
    floor = 1e-9 * max(1.0, float(np.max(np.abs(y))))
    size = max(float(np.std(y)), floor)
    for _ in range(4):
        level = _Levelled(points.x, y, np.full_like(y, size))
        solved = [_solved(model, level) for model in models]
        size *= float(np.sqrt(min(_reduced_misfits(solved, y / size))))
        size = max(size, floor)
    return _Levelled(points.x, y, np.full_like(y, size))


def _reduced_misfits(solved: Sequence[_Solved], z: Floats) -> Iterator[float]:
    for one in solved:
        dof = len(z) - one.model.parameters
        if dof > 0:
            yield float(np.min(_misfit(one, z))) / dof


def _solved(model: Separable, level: _Levelled) -> _Solved:
    design = model.columns(level.x, model.places) / level.error[None, :, None]
    precision = np.array([0.0 if np.isinf(s) else 1.0 / s**2 for s in model.spreads])
    normal = np.einsum("mni,mnj->mij", design, design) + np.diag(precision)
    factor = np.linalg.cholesky(normal)
    scores = np.linalg.solve(factor, np.swapaxes(design, 1, 2))
    log_prior = 0.5 * float(np.sum(np.log(precision[precision > 0])))
    log_volume = log_prior - np.sum(np.log(np.diagonal(factor, axis1=1, axis2=2)), axis=1)
    return _Solved(model, design, np.linalg.inv(normal), log_volume, np.asarray(scores))


def _misfit(solved: _Solved, z: Floats) -> Floats:
    """Return S in each cell, (m,) for z (n,) and (m, r) for z (n, r)."""
    explained = np.sum((solved.scores @ z) ** 2, axis=1)
    return np.asarray(np.maximum(np.sum(z**2, axis=0) - explained, 0.0))


def _coefficients(solved: _Solved, z: Floats) -> Floats:
    return np.asarray(np.einsum("mij,mnj,n->mi", solved.inverse, solved.design, z))


def _acceptable(solved: Sequence[_Solved], z: Floats) -> bool:
    """Return whether any model leaves residuals that the errors allow."""
    return any(
        stats.chi2.sf(np.min(_misfit(one, z)), dof) >= _POOR
        for one in solved
        if (dof := len(z) - one.model.parameters) > 0
    )


def _log_evidence(solved: _Solved, z: Floats, trust: float) -> Floats:
    """Return the logarithm of the marginal likelihood of each draw z (n, r), (r,)."""
    return np.asarray(special.logsumexp(_log_cells(solved, z, trust), axis=0))


def _log_cells(solved: _Solved, z: Floats, trust: float) -> Floats:
    model = solved.model
    freedom = trust + len(z) - model.flat
    # Rounding leaves this much of a perfect fit, and a perfect fit no probability finite.
    least = 1e-20 * np.sum(z**2, axis=0) + 1e-300
    likelihood = -0.5 * freedom * np.log(trust + _misfit(solved, z) + least)
    return np.asarray(likelihood + (solved.log_volume + _log_masses(model))[:, None])


def _log_masses(model: Separable) -> Floats:
    if len(model.edges) == 0:
        return np.zeros(1)
    return np.asarray(np.log(np.diff(model.edges) / np.ptp(model.edges)))


def _probabilities(log_evidence: Floats) -> tuple[float, ...]:
    rivals = len(log_evidence) - 1
    if rivals == 0:
        return (1.0,)
    prior = np.log(np.array([0.5] + [0.5 / rivals] * rivals))
    posterior = log_evidence + prior
    return tuple(float(p) for p in np.exp(posterior - special.logsumexp(posterior)))


def _p_value(
    solved: Sequence[_Solved], z: Floats, trust: float, settings: WeighingSettings
) -> float:
    """Return how often chance favours the rivals as much, where the first model is true."""
    if len(solved) == 1:
        return float("nan")
    null = solved[0]
    line = null.design[0] @ _coefficients(null, z)[0]
    random = np.random.default_rng(settings.seed)
    noise = random.standard_normal((len(z), settings.simulations))
    # What the first model says of the size of the noise: by itself only if the errors do not.
    rest, freedom = trust, trust
    if trust == 0.0:
        rest, freedom = float(_misfit(null, z)[0]), len(z) - null.model.parameters
    noise *= np.sqrt(rest / random.chisquare(freedom, settings.simulations))
    chance = _favour(solved, line[:, None] + noise, trust)
    seen = _favour(solved, z[:, None], trust)[0]
    return float((1 + np.sum(chance >= seen)) / (1 + settings.simulations))


def _favour(solved: Sequence[_Solved], z: Floats, trust: float) -> Floats:
    """Return the logarithm of the evidence of all rivals over that of the first model, (r,)."""
    evidence = [_log_evidence(one, z, trust) for one in solved]
    return np.asarray(special.logsumexp(evidence[1:], axis=0) - evidence[0])


def _posterior(model: Separable, level: _Levelled, trust: float) -> Posterior:
    z = level.y / level.error
    for finer in _refinements(model, level, z, trust):
        model = finer
    solved = _solved(model, level)
    log_cells = _log_cells(solved, z[:, None], trust)[:, 0]
    freedom = trust + len(z) - model.flat
    misfit = _misfit(solved, z)
    scales = (trust + misfit) / freedom
    coefficients = _coefficients(solved, z)
    best = int(np.argmin(misfit))
    rest = float(np.sum((z - solved.design[best] @ coefficients[best]) ** 2))
    return Posterior(
        model=model,
        weights=np.exp(log_cells - special.logsumexp(log_cells)),
        coefficients=coefficients,
        covariances=solved.inverse * scales[:, None, None],
        freedom=freedom,
        chi2=rest,
        dof=len(z) - model.parameters,
    )


def _refinements(
    model: Separable, level: _Levelled, z: Floats, trust: float
) -> Iterator[Separable]:
    """Yield the model with its cells ever closer about where the shape is probable."""
    for _ in range(4 if model.continuous else 0):
        log_cells = _log_cells(_solved(model, level), z[:, None], trust)[:, 0]
        likely = np.flatnonzero(log_cells > log_cells.max() - _DEPTH)
        low = model.edges[max(likely[0] - 1, 0)]
        high = model.edges[min(likely[-1] + 2, len(model.edges) - 1)]
        if high - low > 0.7 * np.ptp(model.edges):
            return
        model = replace(model, edges=np.linspace(low, high, len(model.edges)))
        yield model


def _criteria(posterior: Posterior, n: int, *, known: bool) -> tuple[float, float]:
    """Return AICc and BIC; where errors are not known, their scale is one more parameter."""
    k = posterior.model.parameters + (0 if known else 1)
    misfit = posterior.chi2 if known else n * np.log(max(posterior.chi2, 1e-300) / n)
    room = n - k - 1
    aicc = misfit + 2 * k + 2 * k * (k + 1) / room if room > 0 else np.inf
    return float(aicc), float(misfit + k * np.log(n))
