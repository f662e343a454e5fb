"""Least squares of which no coefficient may be negative, with samples of what is probable."""

from __future__ import annotations

import numpy as np
from numba import njit
from scipy import linalg

from vitrolyte.data.model import Floats

_BACKUP = 3
_MOST_EXCHANGES = 400


@njit(cache=True, nogil=True)
def _exchange(normal, right, inside):  # type: ignore[no-untyped-def]
    """Return x >= 0 that makes x'Hx/2 - r'x least, from a guess of what is above zero.

    Block principal pivoting: all that is infeasible changes sides at once, and one at a time
    where that does not help (Portugal et al., doi:10.2307/2153286). Hot loop.
    """
    n = len(right)
    x, slack = np.zeros(n), np.zeros(n)
    fewest, patience = n + 1, _BACKUP
    for _ in range(_MOST_EXCHANGES):
        free = np.flatnonzero(inside)
        x[:] = 0.0
        if len(free) > 0:
            part = np.empty((len(free), len(free)))
            side = np.empty(len(free))
            for i in range(len(free)):
                side[i] = right[free[i]]
                for j in range(len(free)):
                    part[i, j] = normal[free[i], free[j]]
            solved = np.linalg.solve(part, side)
            for i in range(len(free)):
                x[free[i]] = solved[i]
        slack = normal @ x - right
        wrong, last = 0, -1
        for i in range(n):
            if (inside[i] and x[i] < 0.0) or (not inside[i] and slack[i] < -1e-12 * abs(right[i])):
                wrong += 1
                last = i
        if wrong == 0:
            return x
        if wrong < fewest:
            fewest, patience, all_at_once = wrong, _BACKUP, True
        else:
            patience -= 1
            all_at_once = patience >= 0
        for i in range(n):
            bad = (inside[i] and x[i] < 0.0) or (
                not inside[i] and slack[i] < -1e-12 * abs(right[i])
            )
            if bad and (all_at_once or i == last):
                inside[i] = not inside[i]
    return np.maximum(x, 0.0)


def nonnegative(normal: Floats, right: Floats, guess: Floats | None = None) -> Floats:
    r"""Return the x, none of it negative, that makes :math:`x^T H x / 2 - r^T x` least.

    Parameters
    ----------
    normal
        (n, n), positive definite.
    right
        (n,).
    guess
        (n,), a solution of a similar problem: only where it is above zero matters.
    """
    inside = np.ones(len(right), dtype=np.bool_) if guess is None else guess > 0.0
    return np.asarray(_exchange(normal, right, inside))


def smoothing_by_evidence(
    design: Floats, y: Floats, penalty: Floats, strengths: Floats
) -> tuple[float, Floats]:
    r"""Return the strength of a penalty that the data make most probable, and its logarithms.

    .. math::

        \ln p(y | \lambda) = \tfrac12 \ln|\lambda K| - \tfrac12 \ln|A^T A + \lambda K|
        - \tfrac12 \left[|y|^2 - b^T (A^T A + \lambda K)^{-1} b\right], \quad b = A^T y

    for noise of size one, without regard to signs (MacKay, doi:10.1162/neco.1992.4.3.415).

    Parameters
    ----------
    design, y
        (n, p) and (n,), each row over the error of its point.
    penalty
        (p, p), K; positive semi-definite: what it does not hold is not counted.
    strengths
        (m,), rising.
    """
    gram, right = design.T @ design, design.T @ y
    rank = int(np.linalg.matrix_rank(penalty))
    found = np.empty(len(strengths))
    for place, strength in enumerate(strengths):
        factor = linalg.cho_factor(gram + strength * penalty + 1e-10 * np.diag(np.diag(gram)))
        solved = linalg.cho_solve(factor, right)
        volume = rank * np.log(strength) - 2.0 * np.sum(np.log(np.diag(factor[0])))
        found[place] = 0.5 * (volume + right @ solved - y @ y)
    return float(strengths[int(np.argmax(found))]), found


def nonnegative_samples(
    design: Floats, y: Floats, root: Floats, best: Floats, *, draws: int, seed: int = 0
) -> Floats:
    r"""Return draws (m, p) of what data and a smoothness prior leave, none of it negative.

    Each is the solution for data and prior with fresh noise of size one,

    .. math:: \min_{x \ge 0} |A x - y - \epsilon_1|^2 + |D x - \epsilon_2|^2

    which without the bound are exact draws of the normal posterior
    (Bardsley et al., doi:10.1137/140964023).

    Parameters
    ----------
    design, y
        (n, p) and (n,), each row over the error of its point.
    root
        (q, p), D: the penalty is :math:`|D x|^2`.
    best
        (p,), the solution without fresh noise.
    """
    normal = design.T @ design + root.T @ root
    normal += 1e-10 * np.diag(np.diag(normal))
    random = np.random.default_rng(seed)
    points = y[:, None] + random.standard_normal((len(y), draws))
    right = design.T @ points + root.T @ random.standard_normal((len(root), draws))
    return np.stack([nonnegative(normal, column, best) for column in right.T])
