"""The window of a scattering experiment: its range, taper, resolution, and the transforms."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from vitrolyte.data.curve import Axis, Curve
from vitrolyte.data.errors import InputError

Floats = NDArray[np.float64]
Modification = Literal["none", "Lorch", "revised Lorch", "cosine", "Gaussian"]
LowQ = Literal["constant", "parabola", "nothing"]

CITATIONS = (
    "10.1088/0022-3719/2/2/305",
    "10.1107/S0021889811021455",
    "10.1088/0953-8984/19/33/335219",
)
FIRST_ZERO = 4.493409457909064
"""First zero of tan(x) = x, where ``3 [sin x - x cos x] / x^3`` vanishes."""

FINEST_Q = 0.01
"""Step of a grid on which a window is integrated, 1/Å."""

_AT_ONCE = 4_000_000
_Q = Axis("scattering vector Q", "1/Å")
_R = Axis("distance", "Å")
_S = Axis("structure factor", "")
_G = Axis("reduced pair distribution", "1/Å²")


@dataclass(frozen=True)
class Window:
    """The range of Q of an experiment, what was done with it, and the instrument's resolution.

    Attributes
    ----------
    q_max, q_min
        Ends of the range of Q, 1/Å.
    modification
        The function ``M(Q)`` by which ``Q [S(Q) - 1]`` was multiplied; see `modification`.
    parameter
        Of the modification: ``Delta`` of the revised Lorch function, Å (without it the one that
        vanishes at q_max), or what the Gaussian has fallen to at q_max (without it 0.1).
    low_q
        What stands for S(Q) below q_min: ``constant`` keeps S(q_min); ``parabola`` runs from
        ``s_of_zero`` at Q = 0 to S(q_min) as Q²; ``nothing`` leaves the part out of the integral.
    s_of_zero
        Limit of S at Q = 0 for the parabola.
    q_damp
        PDFgui's: G(r) falls as ``exp[-(r q_damp)^2 / 2]``, 1/Å.
    q_broad
        PDFgui's: peaks are wider by ``pair_spread_A q_broad r`` in the square, 1/Å.
    pair_spread_A
        Width sigma' of a peak without that, Å: a single figure for all pairs.

    Raises
    ------
    InputError
        If the range is empty, a word is unknown or a number negative.
    """

    q_max: float
    q_min: float = 0.0
    modification: Modification = "none"
    parameter: float | None = None
    low_q: LowQ = "constant"
    s_of_zero: float = 0.0
    q_damp: float = 0.0
    q_broad: float = 0.0
    pair_spread_A: float = 0.1

    def __post_init__(self) -> None:
        words = self.modification in get_args(Modification) and self.low_q in get_args(LowQ)
        sizes = min(self.q_min, self.q_damp, self.q_broad, self.pair_spread_A) >= 0
        parameter = self.parameter is None or self.parameter > 0
        if not (words and sizes and parameter and self.q_min < self.q_max < math.inf):
            raise InputError(
                "A window needs 0 <= q_min < q_max, no negative number, a modification of "
                f"{', '.join(get_args(Modification))} and low_q of {', '.join(get_args(LowQ))}",
                received=repr(self),
            )

    @property
    def words(self) -> str:
        """Return the window in words, for a caption."""
        parts = [f"{self.q_min:g} to {self.q_max:g} 1/Å", f"modification: {self.modification}"]
        parts += [f"below: {self.low_q}"] if self.q_min > 0 else []
        parts += [f"Qdamp {self.q_damp:g}"] if self.q_damp else []
        parts += [f"Qbroad {self.q_broad:g}"] if self.q_broad else []
        return ", ".join(parts)


def modification(q: Floats, window: Window) -> Floats:
    """Return the function ``M(Q)`` of a window, (n,), zero beyond q_max.

    ========== ===========================================================================
    none       1
    Lorch      ``sin(pi x) / (pi x)``, ``x = Q / q_max``; doi:10.1088/0022-3719/2/2/305
    revised    ``3 [sin(Q D) - Q D cos(Q D)] / (Q D)^3``, a sphere of radius D over which
    Lorch      g(r) is averaged; Soper & Barney, doi:10.1107/S0021889811021455
    cosine     ``cos(pi x / 2)``
    Gaussian   ``exp(x^2 ln p)``, p at q_max
    ========== ===========================================================================
    """
    x = np.asarray(q, dtype=float) / window.q_max
    if window.modification == "Lorch":
        y = np.sinc(x)
    elif window.modification == "revised Lorch":
        y = _sphere(x * window.q_max * (window.parameter or FIRST_ZERO / window.q_max))
    elif window.modification == "cosine":
        y = np.cos(np.pi * x / 2.0)
    elif window.modification == "Gaussian":
        y = np.exp(x**2 * math.log(window.parameter or 0.1))
    else:
        y = np.ones(len(x))
    return np.asarray(np.where(x <= 1.0 + 1e-12, y, 0.0), dtype=float)


def _sphere(u: Floats) -> Floats:
    small = np.abs(u) < 1e-2
    safe = np.where(small, 1.0, u)
    exact = 3.0 * (np.sin(safe) - safe * np.cos(safe)) / safe**3
    return np.asarray(np.where(small, 1.0 - u**2 / 10.0, exact))


def in_window(s: Curve, window: Window, q: Floats) -> Curve:
    """Return a total S(Q) on a grid, with its range cut and low Q filled as the window says.

    Parameters
    ----------
    s
        S(Q), tending to 1.
    window
        The range; the curve has to reach its q_max.
    q
        (n,), 1/Å, up to q_max.

    Raises
    ------
    InputError
        If the curve ends before q_max.
    """
    if s.x[-1] < window.q_max - 2.0 * np.diff(s.x).max():
        raise InputError(
            f"The window ends at {window.q_max:g} 1/Å and S(Q) has to reach that",
            received=f"S(Q) up to {s.x[-1]:.4g} 1/Å",
            remedy="compute S(Q) further, or lower q_max",
        )
    first = max(window.q_min, float(s.x[0]))
    y = np.interp(q, s.x, s.y.real)
    edge = float(np.interp(first, s.x, s.y.real))
    below = q < first
    if window.low_q == "nothing":
        y[below] = 1.0
    elif window.low_q == "constant":
        y[below] = edge
    else:
        y[below] = window.s_of_zero + (edge - window.s_of_zero) * (q[below] / first) ** 2
    return Curve(q, y, _Q, s.y_axis, label=s.label)


def reduced_from_factor(s: Curve, window: Window, r: Floats) -> Curve:
    """Return ``G(r) = (2 / pi) int Q [S(Q) - 1] M(Q) sin(Q r) dQ exp[-(r q_damp)^2 / 2]``.

    The G(r) of PDFgui, ``4 pi r rho0 [g(r) - 1]``. The broadening of the window acts on pairs and
    is not in it.

    Parameters
    ----------
    s
        Total S(Q), measured or computed, tending to 1.
    window
        Range, modification and damping.
    r
        (n,), Å.

    Raises
    ------
    InputError
        If S(Q) ends before q_max.
    """
    q = np.linspace(0.0, window.q_max, math.ceil(window.q_max / FINEST_Q) + 1)
    cut = in_window(s, window, q)
    modified = q * (cut.y.real - 1.0) * modification(q, window)
    x = np.asarray(r, dtype=float)
    y = 2.0 / np.pi * _sine_integral(x, q, modified)
    return Curve(x, y * np.exp(-0.5 * (x * window.q_damp) ** 2), _R, _G, label=s.label)


def _sine_integral(x: Floats, grid: Floats, values: Floats) -> Floats:
    """Return ``int f(t) sin(x t) dt`` of a function that is straight between points of a grid.

    Exact at any x (Filon's rule for straight pieces): the inner points act as triangles, the two
    ends as half ones.
    """
    if np.any(x == 0.0):
        result = np.zeros(len(x))
        result[x != 0.0] = _sine_integral(x[x != 0.0], grid, values)
        return result
    h = grid[1] - grid[0]
    inner = np.zeros(len(x))
    size = max(1, _AT_ONCE // len(grid))
    for first in range(0, len(x), size):
        part = slice(first, first + size)
        inner[part] = np.sin(np.outer(x[part], grid[1:-1])) @ values[1:-1]
    half = -1j / x + (1.0 - np.exp(-1j * x * h)) / (x**2 * h)
    ends = values[-1] * (np.exp(1j * x * grid[-1]) * half).imag
    ends += values[0] * (np.exp(1j * x * grid[0]) * half.conj()).imag
    return np.asarray(h * np.sinc(x * h / (2.0 * np.pi)) ** 2 * inner + ends)


def factor_from_reduced(curve: Curve, q: Floats) -> Curve:
    """Return ``S(Q) = 1 + (1 / Q) int G(r) sin(Q r) dr`` of a G(r) as PDFgui defines it.

    Parameters
    ----------
    curve
        G(r), 1/Å², from near r = 0 on.
    q
        (n,), 1/Å, positive.

    Raises
    ------
    InputError
        If Q is not positive.
    """
    step = float(np.diff(curve.x).min())
    r = np.linspace(0.0, float(curve.x[-1]), math.ceil(float(curve.x[-1]) / step) + 1)
    g = np.interp(r, np.concatenate([[0.0], curve.x]), np.concatenate([[0.0], curve.y.real]))
    wave = np.asarray(q, dtype=float)
    if not np.all(wave > 0):
        raise InputError("S(Q) is asked for at positive Q", received=f"{wave.min():g} 1/Å")
    y = 1.0 + _sine_integral(wave, r, g) / wave
    return Curve(wave, y, _Q, _S, label=curve.label)
