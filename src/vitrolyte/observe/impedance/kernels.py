"""The hot loop that evaluates a circuit with its slopes.

A circuit is a list of operations in postfix order, rows of (code, first parameter, end of the
parameters). Each parameter belongs to one element, so that a parallel branch only multiplies the
slopes of its own parameters by :math:`(Z / Z_branch)^2`, and a branch in series leaves them.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Complexes = NDArray[np.complex128]

SERIES = -1
PARALLEL = -2
_QUARTER = 0.5j * math.pi
# Beyond this the hyperbolic functions of a finite Warburg element are 1 to double precision.
_FAR = 20.0


@njit(cache=True, nogil=True, inline="always")
def _element(code, x, p, first, out):  # type: ignore[no-untyped-def]
    """Return Z at ln omega = x and put its slopes; p holds ln of what is positive, and exponents.

    Hot loop.
    """
    if code == 0:
        z = complex(math.exp(p[first]), 0.0)
        out[first] = z
    elif code == 1:
        z = -1j * math.exp(-p[first] - x)
        out[first] = -z
    elif code == 2:
        z = 1j * math.exp(p[first] + x)
        out[first] = z
    elif code == 3:
        turn = p[first + 1] * 0.5 * math.pi
        z = math.exp(-p[first] - p[first + 1] * x) * complex(math.cos(turn), -math.sin(turn))
        out[first] = -z
        out[first + 1] = -z * (x + _QUARTER)
    elif code == 4:
        z = math.exp(-p[first] - 0.5 * x) * math.sqrt(0.5) * (1.0 - 1.0j)
        out[first] = -z
    elif code == 5 or code == 6:
        z = _finite_warburg(code == 5, math.exp(p[first]), x + p[first + 1], first, out)
    elif code == 7:
        shift = 1.0 + 1j * math.exp(x + p[first + 1])
        z = math.exp(p[first]) / np.sqrt(shift)
        out[first] = z
        out[first + 1] = -0.5 * z * (shift - 1.0) / shift
    elif code == 8:
        loss = math.exp(p[first + 1])
        z = math.exp(-p[first] - x) / complex(loss, 1.0)
        out[first] = -z
        out[first + 1] = -z * loss / complex(loss, 1.0)
    else:
        z = _arc(code, x, p, first, out)
    return z


@njit(cache=True, nogil=True, inline="always")
def _arc(code, x, p, first, out):  # type: ignore[no-untyped-def]
    """Return a ZARC, or R and C in parallel. Hot loop."""
    s = x + p[first + 1]
    if code == 9:
        n = p[first + 2]
        u = math.exp(n * s) * complex(math.cos(n * 0.5 * math.pi), math.sin(n * 0.5 * math.pi))
    else:
        n = 1.0
        u = 1j * math.exp(s)
    z = math.exp(p[first]) / (1.0 + u)
    slope = -z * u / (1.0 + u)
    out[first] = z
    out[first + 1] = n * slope
    if code == 9:
        out[first + 2] = slope * (s + _QUARTER)
    return z


@njit(cache=True, nogil=True)
def _finite_warburg(short, resistance, s, first, out):  # type: ignore[no-untyped-def]
    """Return R tanh(q) / q or R coth(q) / q, with q² = j exp(s). Hot loop."""
    q = math.exp(0.5 * s) * math.sqrt(0.5) * (1.0 + 1.0j)
    if q.real > _FAR:
        f, derivative = 1.0 + 0.0j, 0.0j
    elif short:
        f = np.tanh(q)
        derivative = 1.0 - f * f
    else:
        f = 1.0 / np.tanh(q)
        derivative = 1.0 - f * f
    z = resistance * f / q
    out[first] = z
    out[first + 1] = 0.5 * (resistance * derivative - z)
    return z


@njit(cache=True, nogil=True)
def evaluate(operations, log_omega, p, z, slopes):  # type: ignore[no-untyped-def]
    """Put the impedance (n,) and its slopes (n, p) of a compiled circuit. Hot loop.

    The slopes are with respect to the logarithms of what is positive and to exponents.
    """
    stack = np.empty(len(operations), dtype=np.complex128)
    begin = np.empty(len(operations), dtype=np.int64)
    for k in range(len(log_omega)):
        row = slopes[k]
        top = 0
        for o in range(len(operations)):
            code, first, end = operations[o, 0], operations[o, 1], operations[o, 2]
            if code >= 0:
                stack[top] = _element(code, log_omega[k], p, first, row)
                begin[top] = first
                top += 1
                continue
            one, other = stack[top - 2], stack[top - 1]
            if code == SERIES:
                stack[top - 2] = one + other
            else:
                share = 1.0 / (one + other)
                left, right = other * share, one * share
                for i in range(begin[top - 2], begin[top - 1]):
                    row[i] *= left * left
                for i in range(begin[top - 1], end):
                    row[i] *= right * right
                stack[top - 2] = one * other * share
            top -= 1
        z[k] = stack[0]
