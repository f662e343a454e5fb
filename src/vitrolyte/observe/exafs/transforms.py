"""Fourier and wavelet transforms of a fine structure, as Athena and Larch define them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln, i0

from vitrolyte.data.curve import Axis, Curve
from vitrolyte.data.errors import InputError

Floats = NDArray[np.float64]
Complexes = NDArray[np.complex128]

CITATIONS = ("10.1107/S0909049505012719", "10.2138/am-2003-0423")
WaveWindow = Literal["hanning", "kaiser", "parzen", "welch", "sine", "gaussian"]
WINDOWS = ("hanning", "kaiser", "parzen", "welch", "sine", "gaussian")

STEP = 0.05
"""Step of every grid of wave numbers, 1/Å."""
POINTS = 2048
"""Length of the Fourier transform; distances come in steps of pi / (0.05 * 2048) = 0.0307 Å."""

K = Axis("wave number k", "1/Å")
R = Axis("distance R, no phase correction", "Å")


@dataclass(frozen=True)
class Transform:
    r"""How a fine structure is weighted, cut and transformed.

    Attributes
    ----------
    k_min, k_max
        Range of the window, 1/Å; its slopes reach half of ``dk`` beyond.
    dk
        Width of the slopes, 1/Å (Kaiser–Bessel and Gaussian: the parameter of that window).
    weight
        Power w of :math:`k^w`.
    window
        ``hanning``, ``kaiser``, ``parzen``, ``welch``, ``sine`` or ``gaussian``.
    r_max_A
        Largest distance that is kept, Å.

    Raises
    ------
    InputError
        If the range is empty or the window unknown.
    """

    k_min: float = 3.0
    k_max: float = 12.0
    dk: float = 1.0
    weight: int = 2
    window: WaveWindow = "hanning"
    r_max_A: float = 6.0

    def __post_init__(self) -> None:
        ordered = 0 <= self.k_min < self.k_max and self.dk >= 0 and self.weight >= 0
        longest = math.pi / (2 * STEP)
        if not ordered or self.window not in WINDOWS or not 0 < self.r_max_A < longest:
            raise InputError(
                "A transform needs 0 <= k_min < k_max, dk and weight not negative, r_max_A up to "
                f"{longest:.0f} Å and a window of {', '.join(WINDOWS)}",
                received=str(self),
            )

    @property
    def described(self) -> str:
        """Return the settings as they stand in the column ``method``."""
        return (
            f"k^{self.weight} weighting, {self.window} window {self.k_min:g} to {self.k_max:g} "
            f"1/Å, dk {self.dk:g}"
        )


def wave_numbers(count: int) -> Floats:
    """Return the grid 0, 0.05, 0.10 ... 1/Å of so many points."""
    return np.asarray(np.arange(count) * STEP, dtype=float)


def even(curve: Curve, k_max: float | None = None) -> Curve:
    """Return a fine structure on the grid 0, 0.05, 0.10 ... 1/Å by linear interpolation.

    Below the first point it is zero; errors are interpolated alike.

    Raises
    ------
    InputError
        If k does not rise or the values are not real, finite numbers.
    """
    complete = np.isfinite(curve.x).all() and np.isfinite(curve.y).all()
    if len(curve) < 2 or not complete or np.any(np.diff(curve.x) <= 0) or np.iscomplexobj(curve.y):
        raise InputError(
            "A fine structure needs real, finite values at rising k", received=f"{len(curve)} rows"
        )
    end = float(curve.x[-1]) if k_max is None else min(k_max, float(curve.x[-1]))
    k = wave_numbers(math.floor(end / STEP + 1e-6) + 1)
    y = np.interp(k, curve.x, curve.y.real, left=0.0)
    error = None
    if curve.y_error is not None:
        error = np.interp(k, curve.x, curve.y_error, left=0.0)
    return Curve(k, y, curve.x_axis, curve.y_axis, y_error=error, label=curve.label)


def window(x: Floats, settings: Transform) -> Floats:
    """Return the window of a transform at wave numbers on an even grid, (n,), between 0 and 1.

    The corners are those of Athena and Larch: the slope at either end is ``dk`` wide and centred
    on ``k_min`` and ``k_max``, moved to points of the grid.
    """
    return tapered(x, (settings.k_min, settings.k_max), settings.dk, settings.window)


def tapered(x: Floats, ends: tuple[float, float], slope: float, kind: WaveWindow) -> Floats:
    """Return a window on an even grid: see `window`."""
    corners = _corners(x, ends, slope)
    x1, x2, x3, x4 = corners
    middle, half = (x1 + x4) / 2.0, max((x4 - x1) / 2.0, 1e-12)
    if kind == "kaiser":
        inside = np.maximum(0.0, 1.0 - ((x - middle) / half) ** 2)
        scale = max(1e-10, float(i0(slope)) - 1.0)
        return np.asarray((i0(slope * np.sqrt(inside)) - 1.0) / scale, dtype=float)
    if kind == "gaussian":
        return np.asarray(np.exp(-((x - middle) ** 2) / (2.0 * max(slope, 1e-12) ** 2)))
    inside = (x >= x1 - 1e-9) & (x <= x4 + 1e-9)
    if kind == "sine":
        return np.where(inside, np.sin(math.pi * np.clip((x4 - x) / (x4 - x1), 0, 1)), 0.0)
    rise = np.clip((x - x1) / max(x2 - x1, 1e-12), 0.0, 1.0)
    fall = np.clip((x4 - x) / max(x4 - x3, 1e-12), 0.0, 1.0)
    return np.asarray(np.where(inside, _slope(rise, kind) * _slope(fall, kind), 0.0), dtype=float)


def _slope(t: Floats, kind: WaveWindow) -> Floats:
    if kind == "parzen":
        return t
    if kind == "welch":
        return np.asarray(1.0 - (1.0 - t) ** 2, dtype=float)
    return np.asarray(np.sin(0.5 * math.pi * t) ** 2, dtype=float)


def _corners(x: Floats, ends: tuple[float, float], slope: float) -> tuple[float, ...]:
    step = float(x[1] - x[0])
    least = 1e-4 * step
    wanted = (
        max(float(x[0]), ends[0] - slope / 2),
        ends[0] + slope / 2 + least,
        ends[1] - slope / 2 - least,
        min(float(x[-1]), ends[1] + slope / 2),
    )
    places = np.clip([int((corner + least) / step) for corner in wanted], 0, len(x) - 1)
    return tuple(float(x[place]) for place in places)


def _windowed(curve: Curve, settings: Transform) -> tuple[Floats, Floats]:
    whole = even(curve, settings.k_max + settings.dk)
    if whole.x[-1] < settings.k_max - 1e-6:
        raise InputError(
            "The fine structure must reach to the end of the window",
            received=f"data up to {whole.x[-1]:g} 1/Å, k_max {settings.k_max:g}",
            remedy="lower k_max",
        )
    # The window is laid on a grid that goes on beyond the data, as Larch does.
    k = wave_numbers(max(len(whole.x), math.ceil((settings.k_max + settings.dk) / STEP) + 1))
    y = np.zeros(len(k))
    y[: len(whole.x)] = whole.y.real
    return k, y * k**settings.weight * window(k, settings)


def fourier(curve: Curve, settings: Transform) -> Curve:
    r"""Return the complex transform of a fine structure into distance.

    .. math:: \tilde\chi(R) = \frac{\Delta k}{\sqrt{\pi}} \sum_n k_n^w \, \Omega(k_n)
              \chi(k_n) \, e^{-2 i k_n R}

    so that integrals over k and over R of the squares agree, in the unit of :math:`k^w \chi`
    times 1/Å. The distances are not corrected for the phase shift of the photoelectron: peaks
    stand some 0.3 to 0.5 Å below the bond lengths.

    Parameters
    ----------
    curve
        χ(k), real, at rising k, 1/Å.

    Raises
    ------
    InputError
        If the data end before ``k_max``.

    References
    ----------
    Ravel & Newville, J. Synchrotron Rad. 12, 537 (2005), doi:10.1107/S0909049505012719.
    """
    _, weighted = _windowed(curve, settings)
    transform = np.fft.fft(weighted, POINTS) * (STEP / math.sqrt(math.pi))
    step = math.pi / (STEP * POINTS)
    kept = int(settings.r_max_A / step + 1.01)
    unit = f"Å^-{settings.weight + 1}"
    r = np.asarray(np.arange(kept) * step, dtype=float)
    return Curve(r, transform[:kept], R, Axis("χ(R)", unit), label=curve.label)


def back(curve: Curve, ends_A: tuple[float, float], *, dr: float = 0.1) -> Curve:
    r"""Return the part of a fine structure that comes from a range of distances, in k again.

    .. math:: \tilde\chi(q) = \frac{2 \Delta R}{\sqrt{\pi}} \sum_n \Omega(R_n) \tilde\chi(R_n)
              \, e^{2 i q R_n}

    Its real part is :math:`k^w \chi(k)` under the window of the first transform.

    Parameters
    ----------
    curve
        The complex result of `fourier`.
    ends_A
        Range of distances, Å.
    dr
        Width of the Hanning slopes, Å.

    Raises
    ------
    InputError
        If the range is not inside the curve.
    """
    if not 0 <= ends_A[0] < ends_A[1] <= curve.x[-1] + 1e-9:
        raise InputError(
            f"The range of distances must rise and lie within 0 ... {curve.x[-1]:.2f} Å",
            received=f"{ends_A}",
            remedy="transform with a larger r_max_A",
        )
    cut = np.zeros(POINTS, dtype=np.complex128)
    cut[: len(curve)] = curve.y * tapered(curve.x, ends_A, dr, "hanning")
    filtered = np.fft.ifft(cut)[: POINTS // 2] * (2.0 * math.sqrt(math.pi) / STEP)
    q = wave_numbers(POINTS // 2)
    keep = q <= 20.0 + 1e-9
    # Half of the spectrum holds a real signal: the other half doubles it.
    return Curve(q[keep], filtered[keep], K, Axis("filtered k^w χ(k)", ""), label=curve.label)


@dataclass(frozen=True, eq=False)
class Wavelet:
    """Where in k the contributions at each distance sit.

    Attributes
    ----------
    k, r
        (n_k,), 1/Å, and (n_r,), Å, not phase corrected.
    values
        (n_r, n_k), complex.
    """

    k: Floats
    r: Floats
    values: Complexes

    def at(self, distance_A: float) -> Curve:
        """Return the magnitude along k at the distance nearest to the one given.

        A light scatterer peaks at low k, a heavy one at high k.
        """
        row = int(np.abs(self.r - distance_A).argmin())
        label = f"R = {self.r[row]:.2f} Å"
        return Curve(self.k, np.abs(self.values[row]), K, Axis("|W(k, R)|", ""), label=label)


def cauchy_wavelet(
    curve: Curve, *, weight: int = 2, r_max_A: float = 6.0, order: int = 200, n_r: int = 240
) -> Wavelet:
    r"""Return the continuous Cauchy wavelet transform of a fine structure.

    .. math:: W(k, R) = \frac{1}{2\pi} \int \hat f(\omega) \,
              \overline{\hat\psi(a\omega)} \, e^{i \omega k} d\omega, \quad
              \hat\psi(\omega) = \frac{2\pi}{n!} \omega^n e^{-\omega}, \quad a = \frac{n}{2R}

    with :math:`f = k^w \chi`. A larger order n resolves distances better and wave numbers worse:
    the relative width in R is :math:`1/\sqrt{n}`.

    Parameters
    ----------
    curve
        χ(k), real.
    weight
        Power w of k.
    r_max_A, n_r
        Largest distance, Å, and number of distances.
    order
        n of the Cauchy wavelet.

    Raises
    ------
    InputError
        If the order or the number of distances is not positive.

    References
    ----------
    Muñoz, Argoul & Farges, Am. Mineral. 88, 694 (2003), doi:10.2138/am-2003-0423.
    """
    if order < 1 or n_r < 2 or not 0 < r_max_A < math.pi / (2 * STEP):
        raise InputError(
            "A wavelet transform needs an order and at least two distances",
            received=f"order {order}, {n_r} distances up to {r_max_A:g} Å",
        )
    smooth = even(curve)
    size = 2 * POINTS
    signal = np.fft.fft(smooth.y.real * smooth.x**weight, size)[: size // 2]
    omega = 2.0 * math.pi * np.arange(size // 2) / (size * STEP)
    r = np.linspace(0.0, r_max_A, n_r)
    values = np.zeros((n_r, len(smooth)), dtype=np.complex128)
    for row in range(1, n_r):
        scaled = np.maximum(order / (2.0 * r[row]) * omega, 1e-300)
        log_filter = math.log(2.0 * math.pi) - gammaln(order + 1) + order * np.log(scaled) - scaled
        filtered = np.exp(log_filter) * signal
        values[row] = np.fft.ifft(filtered, size)[: len(smooth)]
    return Wavelet(smooth.x, r, values)
