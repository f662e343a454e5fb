"""How far and for how long ions vibrate: the noise against which a hop has to stand out."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]

# Median of chi-square with three degrees of freedom: the median of |d|^2 of a Gaussian step is
# this times the variance of a component.
_MEDIAN_CHI2_3 = 2.3659738843753377
_ORIGINS = 512
_LAG_RATIO = 1.4
_LONGEST_SHARE = 0.25
_PARAMETERS_OF_A_CHANGE = 4.0
_RESTLESS = 0.75
_DIFFUSIVE = 1.0
_LEVEL = 0.1
_MOST_MEMORY = 1.5
_PRIOR_SAMPLES = 10.0
_WIDEST_RATIO = 4.0


@dataclass(frozen=True, eq=False)
class Vibration:
    """The vibration of the ions of one species.

    Attributes
    ----------
    variance
        Mean square displacement of one component about the place of rest, Å².
    memory
        Frames that one independent sample takes: ``1 + 2 sum_k rho_k`` of the autocorrelation,
        at its largest, so that an oscillation does not count as quick forgetting; at least 1.
    slope
        Lowest logarithmic slope of the median squared displacement: 0 where ions rest between
        hops, 1 where they diffuse without resting.
    """

    variance: float
    memory: float
    slope: float

    @property
    def rests(self) -> bool:
        """Return whether the ions rest long enough to tell their vibration from their hops."""
        return self.slope < _RESTLESS

    def noise(self, n_frames: int) -> float:
        """Return by how much one more stay must better the fit for each independent sample, Å².

        The Bayesian information criterion for a change of mean: one time and three coordinates,
        ``4 ln n`` times the variance.

        References
        ----------
        Yao, Stat. Probab. Lett. 6, 181 (1988), doi:10.1016/0167-7152(88)90118-6.
        """
        return _PARAMETERS_OF_A_CHANGE * math.log(n_frames) * self.variance


def first_guess(paths: Singles) -> Vibration:
    """Return the vibration from the plateau of the median squared displacement.

    Medians do not feel hops as long as fewer than half of the ions have hopped. The plateau is
    where the median first grows with about the lowest power of time.

    Parameters
    ----------
    paths
        (n_ions, 3, n), Å.

    References
    ----------
    Larini et al., Nat. Phys. 4, 42 (2008), doi:10.1038/nphys788 (amplitude at the time of the
    least slope).
    """
    lags = _lags(paths.shape[-1])
    spread = np.array([_median_square(paths, int(lag)) for lag in lags])
    slopes = np.diff(np.log(np.maximum(spread, 1e-12))) / np.diff(np.log(lags))
    rest = _plateau(slopes)
    plateau = max(float(spread[rest]), 1e-12)
    # Every lag up to the plateau counts in the sum over the memory.
    every = np.arange(1, int(lags[rest]) + 1)
    forgotten = np.interp(every, lags[: rest + 1], spread[: rest + 1]) / plateau
    slope = float(slopes[rest])
    return Vibration(plateau / (2.0 * _MEDIAN_CHI2_3), _memory(1.0 - forgotten), slope)


def _plateau(slopes: Floats) -> int:
    """Return where the slope is first about as low as it gets before the median ion diffuses.

    The first place, since ions that only go to and fro level off a second time.
    """
    diffusing = np.flatnonzero(slopes > _DIFFUSIVE)
    end = int(diffusing[0]) if len(diffusing) else len(slopes)
    resting = slopes[: max(end, 1)]
    return int(np.argmax(resting <= max(float(resting.min()), 0.0) + _LEVEL))


def _lags(n: int) -> NDArray[np.int64]:
    longest = max(int(_LONGEST_SHARE * n), 2)
    steps = np.arange(math.log(longest) / math.log(_LAG_RATIO) + 1.0)
    lags = np.unique(np.round(_LAG_RATIO**steps).astype(np.int64))
    return lags[lags <= longest]


def _median_square(paths: Singles, lag: int) -> float:
    n = paths.shape[-1] - lag
    origins = np.unique(np.linspace(0, n - 1, min(n, _ORIGINS)).astype(np.intp))
    moved = paths[..., origins + lag] - paths[..., origins]
    return float(np.median(np.square(moved).sum(axis=1)))


def _memory(correlation: Floats) -> float:
    running = 1.0 + 2.0 * np.cumsum(correlation)
    return float(max(1.0, running.max(initial=1.0)))


def refined(paths: Singles, stretches: list[Floats], guess: Vibration) -> Vibration:
    """Return the vibration from what the paths do about their stretches of rest.

    Only stretches of at least ten times the memory count; the guess is kept where there are none.
    The mean over a stretch of m frames takes ``memory / m`` of the variance with it, which is put
    back. Hops that were missed so far swell the residuals: the variance may fall from the guess,
    not rise, and the memory may grow by half.

    Parameters
    ----------
    paths
        (n_ions, 3, n), Å.
    stretches
        Of each ion, (m, 6); see `segmentation.stretches`.
    """
    least = math.ceil(10.0 * guess.memory)
    reach = max(1, math.ceil(2.0 * guess.memory))
    products, counts = np.zeros(reach + 1), np.zeros(reach + 1)
    for path, parts in zip(paths, stretches, strict=True):
        for first, length in parts[parts[:, 1] >= least, :2].astype(int):
            rest = np.asarray(path[:, first : first + length], dtype=float)
            rest = rest - rest.mean(axis=1, keepdims=True)
            for lag in range(reach + 1):
                products[lag] += float((rest[:, lag:] * rest[:, : length - lag]).sum()) / 3.0
                counts[lag] += length - lag - guess.memory * (1.0 - lag / length)
    if not counts[0] > 0 or not products[0] > 0:
        return guess
    covariance = products / counts
    memory = min(_memory(covariance[1:] / covariance[0]), _MOST_MEMORY * guess.memory)
    return Vibration(min(float(covariance[0]), guess.variance), memory, guess.slope)


def own_ratio(stretches: Floats, common: Vibration) -> float:
    """Return the variance of one ion's vibration over that of its species.

    From the residuals about its stretches, with the common value as ten samples' worth of
    knowledge beforehand; at most a factor of four either way.

    Parameters
    ----------
    stretches
        (m, 6); see `segmentation.stretches`.
    """
    long = stretches[:, 1] > 2.0 * common.memory
    samples = float((stretches[long, 1] / common.memory - 1.0).sum())
    squares = float(stretches[long, 5].sum()) / (3.0 * common.variance * common.memory)
    ratio = (_PRIOR_SAMPLES + squares) / (_PRIOR_SAMPLES + samples)
    return float(np.clip(ratio, 1.0 / _WIDEST_RATIO, _WIDEST_RATIO))
