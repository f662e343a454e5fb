r"""Diffusivities as the low-frequency limit of displacement spectra, with their errors.

The squared sine modes of a random walk are independent and scatter about the diffusivity D. What
ions do inside their cage adds a term that vanishes with the square of the frequency, so that

.. math:: S(g) = D + b\,g, \qquad g_j = 4 \sin^2(\pi j / 2n)

holds below some mode M, and D is its limit at g = 0. Below M the spectrum is fitted by a cubic in
g: its higher terms are too small to be seen there, and yet would shift the limit of a line by half
of its error. This uses the same information as a generalised least-squares fit of the MSD, whose
points are strongly correlated, but the modes are independent, so that the error follows from their
scatter: whether ions move alone or together does not matter, since both show in the scatter of the
sum over ions.

The error has two parts. Independent Gaussian modes give the first. Rare or intermittent hops make
the squared modes fluctuate in common, which shows only when the same modes are turned back into
time (the activity of successive stretches of the run) or told apart by ion: the second part.

References
----------
Vestergaard, Blainey & Flyvbjerg, Phys. Rev. E 89, 022726 (2014),
https://doi.org/10.1103/PhysRevE.89.022726 (sine modes of increments);
Whittle, Ark. Mat. 2, 423 (1953), https://doi.org/10.1007/BF02590998 (likelihood of a spectrum).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft, stats

from vitrolyte.data.quantity import NORMAL_95

Floats = NDArray[np.float64]

_FEWEST_TESTED = 8
_FEWEST_FITTED = 6
_FEWEST_JOINT = 3
_FEWEST_CUBIC = 12
_AT_ZERO = (1.0, 5.0 / 4.0, 81.0 / 64.0, 325.0 / 256.0)
_STRETCHES = 24
_FEWEST_STRETCHES = 6
_MODES_PER_STRETCH = 4
_SIGNIFICANT = 0.995
_BEYOND_CHANCE = 0.9
_BEYOND_CHANCE_JOINT = 0.6
_KNOWN = 1e6
_BIAS_SHARE = 0.5


@dataclass(frozen=True, eq=False)
class Level:
    """A low-frequency limit with the statistics of its error.

    Attributes
    ----------
    value, error
        The limit and its standard error, in the unit of the spectrum.
    dof
        Degrees of freedom with which the error is known.
    modes
        Number of modes used; the time resolution is the length of the run over this number.
    moments
        What successive moments of the run add to the value.
    """

    value: float
    error: float
    dof: float
    modes: int
    moments: Floats

    @property
    def variance(self) -> float:
        """Return the relative variance of the value."""
        return float((self.error / self.value) ** 2) if self.value else float("inf")

    def interval(self) -> tuple[float, float]:
        """Return the 95 % interval: that of a scaled chi-square of the same relative variance.

        Where the error itself is uncertain, the interval is widened by Student's t. A limit that
        is not above zero by its error gets a symmetric interval, which may reach below zero.
        """
        return chi_square_interval(self.value, self.error, self.dof)


@dataclass(frozen=True, eq=False)
class Fit:
    """A polynomial in g through the lowest modes of a spectrum.

    Attributes
    ----------
    weights
        (m,) such that the limit at g = 0 is their product with the spectrum.
    fitted
        (m,) fitted spectrum, kept above zero.
    limit, slope
        Value at g = 0, and first derivative there.
    last_t
        Highest coefficient over its standard error, from the scatter of the residuals.
    dof
        Degrees of freedom left.
    """

    weights: Floats
    fitted: Floats
    limit: float
    slope: float
    last_t: float
    dof: int

    @property
    def bent(self) -> bool:
        """Return whether the highest coefficient differs from zero, at 99 %."""
        return bool(abs(self.last_t) > stats.t.ppf(_SIGNIFICANT, self.dof))

    def scatter(self, spectrum: Floats, order: int) -> float:
        """Return the variance of the relative residuals."""
        residuals = spectrum / self.fitted - 1.0
        return float(np.sum(residuals**2) / (len(spectrum) - order - 1))


def chi_square_interval(value: float, error: float, dof: float = _KNOWN) -> tuple[float, float]:
    """Return the 95 % interval of a value that scatters like a scaled chi-square.

    Widened by Student's t where the error is known with few degrees of freedom; symmetric where
    the value is not above its error.
    """
    quantile = float(stats.t.ppf(0.975, dof))
    if value <= error:
        return value - quantile * error, value + quantile * error
    nu = 2.0 * (value * NORMAL_95 / (error * quantile)) ** 2
    low, high = value * nu / stats.chi2.ppf([0.975, 0.025], nu)
    return float(low), float(high)


def roughness(modes: int, n_frames: int) -> Floats:
    """Return g of the lowest modes, (modes,): the spectrum of a bounded position noise."""
    j = np.arange(1, modes + 1)
    return np.asarray(4.0 * np.sin(0.5 * np.pi * j / n_frames) ** 2)


def fit_spectrum(spectrum: Floats, g: Floats, order: int) -> Fit:
    """Fit a polynomial in g to a spectrum whose scatter is proportional to its mean.

    Weighted least squares with the weights of the fit itself (Whittle's likelihood).
    """
    scale = g[-1]
    design = (g / scale)[:, None] ** np.arange(order + 1)
    floor = 1e-3 * spectrum.mean()
    fitted = np.full_like(spectrum, spectrum.mean())
    for _ in range(4):
        weighted = design / fitted[:, None] ** 2
        inverse = np.linalg.inv(design.T @ weighted)
        rows = inverse @ weighted.T
        coefficients = rows @ spectrum
        fitted = np.maximum(design @ coefficients, floor)
    dof = max(len(spectrum) - order - 1, 1)
    scatter = np.sum((spectrum / fitted - 1.0) ** 2) / dof
    last = coefficients[-1] / np.sqrt(inverse[-1, -1] * scatter)
    slope = coefficients[1] / scale if order else 0.0
    return Fit(rows[0], fitted, float(coefficients[0]), float(slope), float(last), dof)


def straight_modes(spectrum: Floats, n_frames: int) -> int:
    """Return up to which mode a spectrum is straight in g, 0 where it never is.

    The range grows by √2 until a quadratic term differs from zero at the 99 % level twice running:
    once alone is what chance does, whereas a real curvature only grows with the range.
    """
    g = roughness(len(spectrum), n_frames)
    straight, ranges = 0, _ranges(len(spectrum))
    if not spectrum[:_FEWEST_TESTED].mean() > 0.0:
        return 0
    bent = [fit_spectrum(spectrum[:m], g[:m], 2).bent for m in ranges]
    for m, here, after in zip(ranges, bent, [*bent[1:], True]):
        if here and after:
            break
        straight = straight if here else m
    return straight


def _ranges(longest: int) -> list[int]:
    steps = int(2 * np.log2(max(longest, _FEWEST_TESTED) / _FEWEST_TESTED)) + 1
    sizes = [int(_FEWEST_TESTED * 2 ** (0.5 * k)) for k in range(steps)]
    return sorted({size for size in sizes if size < longest} | {longest})


def fitted_modes(straight: int) -> int:
    """Return how many modes to fit: half of the straight ones.

    A curvature that just escaped the test has twenty times less effect on half of the range.
    """
    return max(straight // 2, min(straight, _FEWEST_FITTED))


def limit_order(modes: int) -> int:
    """Return the order in g of the polynomial whose value at g = 0 is the limit.

    Higher terms cannot be seen in the range that is fitted, since it ends where they can; but left
    out of the fit they shift the limit by up to half of its error, so that its interval is wrong.
    """
    return 3 if modes >= _FEWEST_CUBIC else 2


def leverage(modes: int) -> float:
    """Return the variance of that limit over that of the mean of the same modes.

    The squares of even Legendre polynomials at zero, since g grows with the square of the mode.
    """
    return float(sum(_AT_ZERO[: limit_order(modes) + 1]))


@dataclass(frozen=True, eq=False)
class Share:
    """The ions of one species in a sum over ions.

    Attributes
    ----------
    modes
        (m, n_ions, d) sine modes in d directions.
    weight
        Factor of each ion's squared modes in the sum.
    """

    modes: NDArray[np.float32]
    weight: float

    @property
    def _factor(self) -> float:
        return float(self.weight / self.modes.shape[2])

    @property
    def spectrum(self) -> Floats:
        """Return the weighted sum over ions, mean over components, (m,)."""
        squares = np.einsum("mic,mic->m", self.modes, self.modes, dtype=float)
        return np.asarray(self._factor * squares)

    def by_ion(self, weights: Floats) -> Floats:
        """Return what each ion adds to a weighted sum over modes, (n_ions,)."""
        low = self.modes[: len(weights)]
        squares = np.einsum("m,mic,mic->i", weights, low, low, dtype=float, optimize=True)
        return np.asarray(self._factor * squares)

    def activity(self, weights: Floats) -> Floats:
        """Return what successive moments add to a weighted sum over modes, (m,)."""
        low = self.modes[: len(weights)]
        return self._factor * activity(low, weights)


def activity(modes: NDArray[np.floating], weights: Floats) -> Floats:
    """Return a weighted sum over squared modes as a sum over moments of the run, (m,).

    The sine transform is orthogonal, so that the sum over moments equals that over modes.
    """
    shape = (-1,) + (1,) * (modes.ndim - 1)
    weighted = np.asarray(weights, dtype=modes.dtype).reshape(shape) * modes
    plain = fft.dst(modes, type=1, norm="ortho", axis=0)
    other = fft.dst(weighted, type=1, norm="ortho", axis=0)
    return np.asarray((plain * other).reshape(len(modes), -1).sum(axis=1, dtype=float))


def self_level(shares: Sequence[Share], n_frames: int, straight: int) -> Level:
    """Return the limit of a spectrum summed over single ions.

    Parameters
    ----------
    shares
        The ions that count, by species.
    n_frames
        Number of frames behind the modes.
    straight
        From :func:`straight_modes` of the summed spectrum.
    """
    m, order = straight, limit_order(straight)
    spectrum = np.sum([share.spectrum[:m] for share in shares], axis=0)
    fit = fit_spectrum(spectrum, roughness(m, n_frames), order)
    gaussian = fit.scatter(spectrum, order) * float(np.sum((fit.weights * fit.fitted) ** 2))
    activity = np.sum([share.activity(fit.weights) for share in shares], axis=0)
    common = (_between_stretches(stretches(activity)), _between_ions(shares, fit.weights))
    variance, dof = _larger((gaussian, m - 1.0 - order), *common)
    return Level(fit.limit, float(np.sqrt(variance)), dof, m, activity)


def share_of(shares: Sequence[Share], which: int, n_frames: int, straight: int) -> Level:
    """Return the share of one species in a limit summed over single ions.

    The error is that of the linearised ratio, mode by mode, so that what species have in common
    cancels.

    Parameters
    ----------
    which
        Index of the species among the shares.
    """
    m, order = straight, limit_order(straight)
    spectra = np.stack([share.spectrum[:m] for share in shares])
    whole = spectra.sum(axis=0)
    fit = fit_spectrum(whole, roughness(m, n_frames), order)
    value = float(fit.weights @ spectra[which]) / fit.limit
    own = np.arange(len(shares)) == which
    parts = [
        Share(share.modes, share.weight * factor / fit.limit)
        for share, factor in zip(shares, own - value)
    ]
    ratio = (spectra[which] - value * whole) / fit.limit
    line = np.polyfit(roughness(m, n_frames), ratio, order, w=1.0 / fit.fitted)
    residuals = ratio - np.polyval(line, roughness(m, n_frames))
    dof = m - 1.0 - order
    gaussian = float(np.sum((fit.weights * residuals) ** 2)) * m / dof
    moments = np.sum([part.activity(fit.weights) for part in parts], axis=0)
    variance, dof = _larger((gaussian, dof), _between_stretches(stretches(moments)))
    return Level(value, float(np.sqrt(variance)), dof, m, moments)


def _larger(
    first: tuple[float, float], *others: tuple[float, float], chance: float = _BEYOND_CHANCE
) -> tuple[float, float]:
    """Return the variance with its dof: each next one only if it is larger beyond chance."""
    for variance, dof in others:
        if variance > first[0] * stats.f.ppf(chance, dof, first[1]):
            first = (variance, dof)
    return first


def stretches(moments: Floats, most: int = _STRETCHES) -> Floats:
    """Return a sum over moments as it would be if all were like each of its stretches.

    Empty where fewer than six stretches, each of several moments, would fit.
    """
    count = min(len(moments) // _MODES_PER_STRETCH, most)
    if count < _FEWEST_STRETCHES:
        return np.empty(0)
    edges = np.linspace(0, len(moments), count + 1).astype(int)
    sums = np.add.reduceat(moments, edges[:-1])
    return np.asarray(sums * len(moments) / np.diff(edges))


def _between_stretches(values: Floats) -> tuple[float, float]:
    """Return the variance of a mean over stretches of the run, with its dof."""
    if not len(values):
        return 0.0, 1.0
    return float(np.var(values, ddof=1)) / len(values), len(values) - 1.0


def _between_ions(shares: Sequence[Share], weights: Floats) -> tuple[float, float]:
    """Return the variance of a sum over independent ions, with its dof."""
    ions = [share.by_ion(weights) for share in shares if share.modes.shape[1] > 1]
    variance = sum(len(parts) * float(np.var(parts, ddof=1)) for parts in ions)
    return float(variance), float(max(sum(len(parts) - 1 for parts in ions), 1))


def joint_level(modes: Floats, n_frames: int, guide: Fit, straight: int) -> Level:
    """Return the limit of the spectrum of one summed path, (m, d) sine modes.

    The d components of one path are all there is, so that the Gaussian part of the error is known
    beforehand: a chi-square with d degrees of freedom for each mode. The slope is too faint to
    be seen in one path; that of the sum over single ions stands for it.

    Parameters
    ----------
    guide
        Fit of the sum over single ions.
    straight
        Modes up to which that spectrum is straight.
    """
    m = current_modes(modes, n_frames, guide, straight)
    levelled = _levelled(modes[:m], n_frames, guide)
    value = float(np.square(levelled).mean())
    gaussian = 2.0 / levelled.size * value**2
    moments = activity(levelled, np.full(m, 1.0 / m)) / levelled.shape[1]
    variance, dof = _larger(
        (gaussian, _KNOWN), _between_stretches(stretches(moments)), chance=_BEYOND_CHANCE_JOINT
    )
    return Level(value, float(np.sqrt(variance)), dof, m, moments)


def cross_level(first: Floats, second: Floats) -> Level:
    """Return the mean product of two summed paths, (m, d) sine modes that both follow a level.

    Cage motions of different ions are independent, so that the product has no slope to take away.
    The Gaussian part of the error is that of an element of a Wishart matrix; intermittent hops show
    between stretches of the run.
    """
    m = len(first)
    value = float(np.mean(first * second))
    gaussian = (value**2 + float(np.mean(first**2) * np.mean(second**2))) / first.size
    plain = fft.dst(first, type=1, norm="ortho", axis=0)
    other = fft.dst(second, type=1, norm="ortho", axis=0)
    moments = np.asarray((plain * other).sum(axis=1) / first.size)
    variance, dof = _larger(
        (gaussian, first.size),
        _between_stretches(stretches(moments)),
        chance=_BEYOND_CHANCE_JOINT,
    )
    return Level(value, float(np.sqrt(variance)), dof, m, moments)


def _levelled(modes: Floats, n_frames: int, guide: Fit) -> Floats:
    """Return modes without the slope of the sum over single ions."""
    rise = 1.0 + _relative_slope(guide) * roughness(len(modes), n_frames)
    return np.asarray(modes / np.sqrt(rise)[:, None])


def _relative_slope(guide: Fit) -> float:
    return max(guide.slope, 0.0) / guide.limit if guide.limit > 0 else 0.0


def current_modes(modes: Floats, n_frames: int, guide: Fit, straight: int) -> int:
    """Return up to which mode the spectrum of one path is known to follow its guide.

    What the guide's slope takes away stays below half of the statistical error, so that the result
    hardly depends on it, and what is left agrees with a level.
    """
    m = straight
    slope = _relative_slope(guide)
    while m > _FEWEST_JOINT and slope * float(roughness(m, n_frames).mean()) > _BIAS_SHARE * (
        np.sqrt(2.0 / modes.shape[1] / m)
    ):
        m = max(int(m / 1.1), _FEWEST_JOINT)
    spectrum = np.square(_levelled(modes[:m], n_frames, guide)).mean(axis=1)
    while m > 2 * _FEWEST_FITTED and _sloping(spectrum[:m], n_frames):
        m //= 2
    return m


def _sloping(spectrum: Floats, n_frames: int) -> bool:
    g = roughness(len(spectrum), n_frames)
    return fit_spectrum(spectrum, g, 1).bent


@dataclass(frozen=True)
class Portion:
    """A share of a summed current, between minus infinity and infinity, with its 95 % interval."""

    value: float
    error: float
    low: float
    high: float


def portion(part: Floats, whole: Floats) -> Portion:
    """Return the regression of one path on another: the portion of the current that it carries.

    For Gaussian modes x of the part and y of the whole, the slope Σxy/Σy² estimates the ratio of
    their joint spectra, with Student's t for 3m-1 degrees of freedom.

    Parameters
    ----------
    part, whole
        (m, d) sine modes.
    """
    norm = float(np.sum(whole**2))
    value = float(np.sum(part * whole)) / norm
    residual = part - value * whole
    dof = part.size - 1
    gaussian = float(np.sum(residual**2)) / norm / dof
    x = fft.dst(residual, type=1, norm="ortho", axis=0)
    y = fft.dst(whole, type=1, norm="ortho", axis=0)
    robust = float(np.sum(np.sum(x * y, axis=1) ** 2)) / norm**2
    error = float(np.sqrt(max(gaussian, robust)))
    half = float(stats.t.ppf(0.975, dof)) * error
    return Portion(value, error, value - half, value + half)
