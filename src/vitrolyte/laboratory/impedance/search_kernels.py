"""The hot loops of the search: descent from one start, and the scan of starts."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from vitrolyte.observe.impedance.kernels import evaluate

_FIRST_DAMPING = 1e-3
_MOST_DAMPING = 1e12
_LONGEST_STEP = 1.5


@njit(cache=True, nogil=True)
def _solve(a, b, x, q):  # type: ignore[no-untyped-def]
    """Put x of a x = b for a positive definite (q, q), which is destroyed. Hot loop."""
    for i in range(q):
        for j in range(i + 1):
            total = a[i, j]
            for k in range(j):
                total -= a[i, k] * a[j, k]
            if i == j:
                if total <= 0.0:
                    return False
                a[i, i] = math.sqrt(total)
            else:
                a[i, j] = total / a[j, j]
    for i in range(q):
        total = b[i]
        for k in range(i):
            total -= a[i, k] * x[k]
        x[i] = total / a[i, i]
    for i in range(q - 1, -1, -1):
        total = x[i]
        for k in range(i + 1, q):
            total -= a[k, i] * x[k]
        x[i] = total / a[i, i]
    return True


@njit(cache=True, nogil=True)
def _misfit(z, data, weights):  # type: ignore[no-untyped-def]
    total = 0.0
    for k in range(len(data)):
        real = (z[k].real - data[k].real) * weights[k, 0]
        imaginary = (z[k].imag - data[k].imag) * weights[k, 1]
        total += real * real + imaginary * imaginary
    return total


@njit(cache=True, nogil=True, fastmath={"reassoc", "contract"})
def _normal(z, slopes, data, weights, normal, pull):  # type: ignore[no-untyped-def]
    """Put J'J and J'r; columns lie in a row so that sums run in parallel. Hot loop."""
    p, n = len(pull), len(data)
    columns, residuals = np.empty((p, 2 * n)), np.empty(2 * n)
    for k in range(n):
        wr, wi = weights[k, 0], weights[k, 1]
        residuals[k] = (z[k].real - data[k].real) * wr
        residuals[n + k] = (z[k].imag - data[k].imag) * wi
        for i in range(p):
            columns[i, k] = slopes[k, i].real * wr
            columns[i, n + k] = slopes[k, i].imag * wi
    for i in range(p):
        total = 0.0
        for m in range(2 * n):
            total += columns[i, m] * residuals[m]
        pull[i] = total
        for j in range(i + 1):
            total = 0.0
            for m in range(2 * n):
                total += columns[i, m] * columns[j, m]
            normal[i, j] = total
            normal[j, i] = total


@njit(cache=True, nogil=True)
def descend(operations, log_omega, data, weights, p, low, high, most, least):  # type: ignore[no-untyped-def]
    """Lead coordinates p (k,) down to a minimum inside bounds; return chi², J'J and the steps.

    Levenberg and Marquardt with the diagonal of J'J, for at most so many steps and until two of
    them have gained less than the least share; a coordinate at a bound that wants to go
    beyond it is held. Hot loop.
    """
    n, q = len(log_omega), len(p)
    z, slopes = np.empty(n, np.complex128), np.empty((n, q), np.complex128)
    normal, damped = np.empty((q, q)), np.empty((q, q))
    pull, right, step = np.empty(q), np.empty(q), np.empty(q)
    free, trial = np.empty(q, np.int64), np.empty(q)
    evaluate(operations, log_omega, p, z, slopes)
    chi2 = _misfit(z, data, weights)
    damping, quiet, steps = _FIRST_DAMPING, 0, 0
    while steps < most and quiet < 2:
        steps += 1
        _normal(z, slopes, data, weights, normal, pull)
        better = False
        while damping < _MOST_DAMPING:
            count = 0
            for i in range(q):
                stuck = (p[i] <= low[i] and pull[i] > 0.0) or (p[i] >= high[i] and pull[i] < 0.0)
                if not stuck and low[i] < high[i] and normal[i, i] > 0.0:
                    free[count] = i
                    count += 1
            if count == 0:
                break
            for i in range(count):
                right[i] = -pull[free[i]]
                for j in range(count):
                    damped[i, j] = normal[free[i], free[j]]
                damped[i, i] *= 1.0 + damping
                damped[i, i] += 1e-300
            if not _solve(damped, right, step, count):
                damping *= 10.0
                continue
            longest = 0.0
            for i in range(count):
                longest = max(longest, abs(step[i]))
            shrink = min(1.0, _LONGEST_STEP / max(longest, 1e-300))
            trial[:] = p
            for i in range(count):
                j = free[i]
                trial[j] = min(max(p[j] + shrink * step[i], low[j]), high[j])
            evaluate(operations, log_omega, trial, z, slopes)
            new = _misfit(z, data, weights)
            if new < chi2:
                better = True
                gain = (chi2 - new) / chi2
                quiet = quiet + 1 if gain < least else 0
                chi2 = new
                p[:] = trial
                damping = max(damping * 0.2, 1e-12)
                break
            if longest * shrink < 1e-11:
                break
            damping *= 5.0
        if not better:
            break
    evaluate(operations, log_omega, p, z, slopes)
    _normal(z, slopes, data, weights, normal, pull)
    return chi2, normal, steps


@njit(cache=True, nogil=True)
def _nonnegative(gram, right, chosen, count, found):  # type: ignore[no-untyped-def]
    """Put coefficients that are not negative on chosen columns; return what they explain.

    The most negative is dropped until none is left: near enough for a start. Hot loop.
    """
    a, b, x = np.empty((count, count)), np.empty(count), np.empty(count)
    live = np.ones(count, np.bool_)
    place = np.empty(count, np.int64)
    found[:count] = 0.0
    for _ in range(count):
        q = 0
        for i in range(count):
            if live[i]:
                place[q] = i
                q += 1
        if q == 0:
            return 0.0
        for i in range(q):
            b[i] = right[chosen[place[i]]]
            for j in range(q):
                a[i, j] = gram[chosen[place[i]], chosen[place[j]]]
            a[i, i] *= 1.0 + 1e-9
        if not _solve(a, b, x, q):
            return 0.0
        worst, least = -1, 0.0
        for i in range(q):
            if x[i] < least:
                worst, least = place[i], x[i]
        if worst < 0:
            explained = 0.0
            for i in range(q):
                found[place[i]] = x[i]
                explained += x[i] * right[chosen[place[i]]]
            return explained
        live[worst] = False
    return 0.0


@njit(cache=True, nogil=True)
def scan(gram, right, fixed, options, arcs, wanted):  # type: ignore[no-untyped-def]
    """Try all combinations of ``wanted`` of the arcs with one of the options and the fixed columns.

    Returns what each explains of the squared data, its arcs and option (m, wanted + 1), and the
    coefficients (m, fixed + 1 + wanted), in this order. A combination of which a part is dropped
    explains nothing. Hot loop.
    """
    total = 1
    for k in range(wanted):
        total = total * (len(arcs) - k) // (k + 1)
    choices = max(len(options), 1)
    begin = len(fixed) + (1 if len(options) > 0 else 0)
    width = begin + wanted
    explained = np.zeros(total * choices)
    combinations = np.zeros((total * choices, wanted + 1), np.int64)
    sizes = np.zeros((total * choices, width))
    chosen = np.empty(width, np.int64)
    chosen[: len(fixed)] = fixed
    places = np.arange(wanted)
    row = 0
    for _ in range(total):
        for k in range(wanted):
            chosen[begin + k] = arcs[places[k]]
        for option in range(choices):
            if len(options) > 0:
                chosen[len(fixed)] = options[option]
            value = _nonnegative(gram, right, chosen, width, sizes[row])
            for k in range(wanted):
                combinations[row, k] = places[k]
            combinations[row, wanted] = option
            if sizes[row, begin:].all() and (len(options) == 0 or sizes[row, len(fixed)] > 0.0):
                explained[row] = value
            row += 1
        k = wanted - 1
        while k >= 0 and places[k] == len(arcs) - wanted + k:
            k -= 1
        if k >= 0:
            places[k] += 1
            for j in range(k + 1, wanted):
                places[j] = places[j - 1] + 1
    return explained, combinations, sizes


@njit(cache=True, nogil=True)
def normal_equations(operations, log_omega, data, weights, p):  # type: ignore[no-untyped-def]
    """Return chi², J'J and J'r of one spectrum at coordinates p (k,). Hot loop."""
    n, q = len(log_omega), len(p)
    z, slopes = np.empty(n, np.complex128), np.empty((n, q), np.complex128)
    normal, pull = np.empty((q, q)), np.empty(q)
    evaluate(operations, log_omega, p, z, slopes)
    _normal(z, slopes, data, weights, normal, pull)
    return _misfit(z, data, weights), normal, pull
