"""From a free induction decay to a spectrum with its phase, and what is wrong with a decay."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import optimize

from vitrolyte.data.curve import Axis, Curve
from vitrolyte.data.errors import InputError

Floats = NDArray[np.float64]
Complex = NDArray[np.complex128]

SHIFT, FREQUENCY = Axis("chemical shift", "ppm"), Axis("frequency", "Hz")
INTENSITY = Axis("intensity", "")
MOST_POINTS = 2**22
_CLIPPED = 3
_TAIL = 0.05
_FEWEST = 16


@dataclass(frozen=True)
class Receiver:
    """How a decay was sampled.

    Attributes
    ----------
    width_Hz
        Spectral width.
    middle_ppm, larmor_MHz
        Shift at zero frequency of the receiver, and the frequency that is one million ppm.
    lead
        Points by which the digital filter is late.
    """

    width_Hz: float
    middle_ppm: float
    larmor_MHz: float
    lead: float = 0.0

    def __post_init__(self) -> None:
        sound = 0 < self.width_Hz < 1e9 and 0 < self.larmor_MHz < 1e5 and 0 <= self.lead < 4096
        if not sound or not abs(self.middle_ppm) < 1e7:
            raise InputError(
                "A decay needs a spectral width, a Larmor frequency above zero and a delay of the "
                "digital filter of less than 4096 points",
                received=f"{self}",
            )


def spectrum_of(decay: Complex, receiver: Receiver) -> Curve:
    """Return the spectrum of a decay against the shift, phased, without window function.

    The decay is filled up with zeros to twice its length or more, which loses nothing of it.

    Raises
    ------
    InputError
        If the decay is too short or all zero.
    """
    n = len(decay)
    if n < _FEWEST or not np.any(decay):
        raise InputError(
            f"A decay needs {_FEWEST} points or more, not all zero", received=f"{n} points"
        )
    size = 2 ** int(np.ceil(np.log2(2 * n)))
    first = decay.copy()
    # Half of the first point: the sum is then the integral from time zero, without an offset.
    if receiver.lead == 0.0:
        first[0] *= 0.5
    turns = np.fft.fftfreq(size)
    spectrum = np.fft.fft(first, size) * np.exp(2j * np.pi * turns * receiver.lead)
    order = np.fft.fftshift(np.arange(size))
    offsets = np.fft.fftfreq(size, 1.0 / receiver.width_Hz)[order]
    ppm = receiver.middle_ppm + offsets / receiver.larmor_MHz
    return Curve(ppm, phased(spectrum[order]), SHIFT, INTENSITY, None, "")


def phased(spectrum: Complex) -> Complex:
    r"""Return a spectrum in its absorption phase, to first order in the frequency.

    The phase is the one with the least sum of negative real parts,
    :math:`\sum \min(\mathrm{Re}\, S, 0)^2`, for decays that begin at time zero.
    """
    x = np.linspace(-0.5, 0.5, len(spectrum))
    step = max(len(spectrum) // 4096, 1)
    coarse = spectrum[: len(spectrum) // step * step].reshape(-1, step).mean(axis=1)
    at = x[: len(coarse) * step].reshape(-1, step).mean(axis=1)
    scale = float(np.sqrt(np.mean(np.abs(coarse) ** 2)))

    def lost(phases: Floats) -> float:
        turned = np.real(coarse * np.exp(1j * (phases[0] + phases[1] * at))) / scale
        return float(np.sum(np.minimum(turned, 0.0) ** 2) + 1e-3 * phases[1] ** 2)

    tries = np.linspace(-np.pi, np.pi, 72, endpoint=False)
    start = min(tries, key=lambda angle: lost(np.array([angle, 0.0])))
    found = optimize.minimize(lost, np.array([start, 0.0]), method="Nelder-Mead")
    zeroth, first = found.x
    return np.asarray(spectrum * np.exp(1j * (zeroth + first * x)))


def flaws(decay: Complex, *, whole_numbers: bool) -> Iterator[str]:
    """Yield what is wrong with a decay: a saturated receiver, or an end before the signal's."""
    size = float(np.max(np.abs(np.concatenate([decay.real, decay.imag]))))
    full = (np.abs(decay.real) >= size) | (np.abs(decay.imag) >= size)
    if whole_numbers and np.sum(full) >= _CLIPPED and np.any(full[1:] & full[:-1]):
        yield (
            f"flaw: {int(np.sum(full))} points of the decay stand at its largest value, {size:g}: "
            "the receiver was saturated"
        )
    last = max(int(_TAIL * len(decay)), 8)
    tail = float(np.sqrt(np.mean(np.abs(decay[-last:]) ** 2)))
    start = float(np.max(np.abs(decay)))
    noise = float(np.sqrt(0.5 * np.mean(np.abs(np.diff(decay[-4 * last :])) ** 2)))
    if tail > 0.1 * start and tail > 2.0 * noise:
        yield f"flaw: the decay ends at {100 * tail / start:.0f} % of its height: ripples"


def strengths(decays: Complex) -> Floats:
    r"""Return the signed strength of each decay of a series, (n,).

    .. math:: A_k = \mathrm{Re} \sum_t \bar{s}(t)\, s_k(t) \Big/ \sum_t |\bar{s}(t)|^2

    with the strongest decay as the reference: the best weighting for one common shape. Lines that
    relax apart are mixed by their strength.
    """
    strongest = int(np.argmax(np.sum(np.abs(decays) ** 2, axis=1)))
    reference = decays[strongest]
    total = float(np.sum(np.abs(reference) ** 2))
    if total == 0.0:
        raise InputError("A series of decays needs a signal", received="zeros only")
    return np.asarray(np.real(decays @ np.conj(reference)) / total)
