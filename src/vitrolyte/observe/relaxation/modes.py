r"""Spectra of fluctuating couplings in cosine modes, and the correlation functions beside them.

The cosine transform (DCT-II) of a run of n frames resolves :math:`\omega_k = \pi k / n\Delta t`.
Its modes are uncorrelated both for motion much faster than the run and for a path much slower than
it, so that what is slower than the run does not leak into the low modes. A constant part of a
coupling shows in the mode k = 0 only: whether it relaxes or not, it does not disturb the others.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]

MOST_MODES = 2048
_SERIES_AT_ONCE = 256


@dataclass(eq=False)
class Channel:
    """Sums over the couplings of one kind, nucleus by nucleus.

    Attributes
    ----------
    name
        What the coupling is with: an element, or ``field gradient``.
    step_ps
        Time between frames.
    n_frames
        Length of the run.
    power
        (n_nuclei, modes): J of the lowest modes from k = 1, summed over components and partners.
    rest
        (n_nuclei,): the same of the mode k = 0.
    spectrum
        (n,): sum over the nuclei of the power in a transform padded with zeros, for C(t).
    squares
        Sum over nuclei and frames of the squared coupling.
    shared
        Share of the pairs that are seen from both of their ends.
    """

    name: str
    step_ps: float
    n_frames: int
    power: Floats
    rest: Floats
    spectrum: Floats
    squares: float = 0.0
    shared: float = 0.0

    @classmethod
    def empty(cls, name: str, n_nuclei: int, n_frames: int, step_ps: float) -> Channel:
        """Return a channel into which nothing was added."""
        modes = min(n_frames - 1, MOST_MODES)
        return cls(
            name,
            step_ps,
            n_frames,
            np.zeros((n_nuclei, modes)),
            np.zeros(n_nuclei),
            np.zeros(n_frames + 1),
        )

    @property
    def n_nuclei(self) -> int:
        """Return the number of nuclei."""
        return len(self.power)

    @property
    def frequencies(self) -> Floats:
        """Return the angular frequencies of the modes, (modes,), rad/ps."""
        k = np.arange(1, self.power.shape[1] + 1)
        return np.asarray(np.pi * k / (self.n_frames * self.step_ps))

    @property
    def mean_square(self) -> float:
        """Return the mean square of the coupling of a nucleus, C(0)."""
        return self.squares / (self.n_nuclei * self.n_frames)

    def correlation(self) -> Floats:
        """Return C at all lags, (n_frames,), by the mean over nuclei and time origins."""
        n = self.n_frames
        products = fft.irfft(self.spectrum, 2 * n)[:n]
        return np.asarray(products / (n - np.arange(n)) / self.n_nuclei)

    def add(self, nucleus: int, series: Singles) -> None:
        """Add coupling components of one nucleus.

        Parameters
        ----------
        nucleus
            Its row.
        series
            (m, n_frames), components of one partner or of many.
        """
        n = self.n_frames
        k = np.arange(self.power.shape[1] + 1)
        turn = np.exp(-0.5j * np.pi * k / n)
        for start in range(0, len(series), _SERIES_AT_ONCE):
            part = series[start : start + _SERIES_AT_ONCE]
            transform = fft.rfft(part, 2 * n, axis=1)
            self.spectrum += np.sum(transform.real**2 + transform.imag**2, axis=0, dtype=float)
            self.squares += float(np.sum(np.square(part), dtype=float))
            modes = (transform[:, : len(k)] * turn).real
            power = np.sum(np.square(modes, dtype=float), axis=0) * self.step_ps / n
            self.rest[nucleus] += power[0]
            self.power[nucleus] += 2.0 * power[1:]
