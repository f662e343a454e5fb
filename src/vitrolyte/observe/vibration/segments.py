"""Power spectra of velocities, segment by segment, corrected for what sampling does to them.

The run is cut into segments that overlap by half; each is multiplied by a Hann window and
transformed (Welch). Velocities are stored ones, or differences of successive positions, which a
vibration of frequency nu reaches with the share ``sin(pi nu dt) / (pi nu dt)``: the spectrum is
divided by its square. What vibrates above half of the sampling frequency is folded back and
cannot be told from what belongs there.

References
----------
Welch, IEEE Trans. Audio Electroacoust. 15, 70 (1967), https://doi.org/10.1109/TAU.1967.1161901
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from vitrolyte.data.errors import InputError
from vitrolyte.data.trajectory import Trajectory
from vitrolyte.observe.tracks import CENTRE_OF_MASS, Tracks

Floats = NDArray[np.float64]
Unit = Literal["THz", "cm⁻¹", "meV"]

PER_THZ: dict[str, float] = {"THz": 1.0, "cm⁻¹": 33.35640952, "meV": 4.135667697}
"""What 1 THz is in each unit: 1e12 / (100 c), and h in meV/THz (CODATA 2018)."""

HANN_WIDTH = 1.44
"""Full width at half maximum of the window's response, over the length of a segment."""

_FEWEST_SEGMENTS = 7
_FEWEST_IN_SEGMENT = 8
_EDGE_SHARE = 0.05
_LOUD_EDGE = 0.03


@dataclass(frozen=True)
class SpectrumSettings:
    """How a spectrum of vibrations is made.

    Attributes
    ----------
    resolution_THz
        Full width at half maximum of a sharp line; segments are as long as that needs, but no
        longer than a quarter of the run.
    unit
        Of the frequency axis: ``THz``, ``cm⁻¹`` or ``meV``.
    frame
        Frame of reference, as of `observe.tracks.Tracks`.
    stored_velocities
        Whether velocities are taken where the trajectory has them.
    temperature_K
        Where given, the kinetic energy seen is compared with equipartition.

    Raises
    ------
    InputError
        If the resolution is not positive or the unit unknown.
    """

    resolution_THz: float = 0.5
    unit: Unit = "THz"
    frame: str = CENTRE_OF_MASS
    stored_velocities: bool = True
    temperature_K: float | None = None

    def __post_init__(self) -> None:
        if self.unit not in PER_THZ or not self.resolution_THz > 0:
            raise InputError(
                f"A spectrum needs a resolution above zero and one of the units {list(PER_THZ)}",
                received=f"{self.resolution_THz:g} THz, {self.unit!r}",
            )


@dataclass(frozen=True, eq=False)
class Cut:
    """How a run is cut into segments.

    Attributes
    ----------
    step_ps
        Time between frames.
    length
        Samples in a segment.
    starts
        First sample of each segment.
    differences
        Whether a sample is the difference of two positions, which needs one frame more.
    """

    step_ps: float
    length: int
    starts: NDArray[np.int64]
    differences: bool

    @property
    def frequencies(self) -> Floats:
        """Return the frequencies of the spectrum, (length // 2 + 1,), THz."""
        return np.asarray(fft.rfftfreq(self.length, self.step_ps))

    @property
    def nyquist(self) -> float:
        """Return half the sampling frequency, THz."""
        return 0.5 / self.step_ps

    @property
    def resolution(self) -> float:
        """Return the full width at half maximum of a sharp line, THz."""
        return HANN_WIDTH / (self.length * self.step_ps)

    @property
    def frames(self) -> int:
        """Return the number of frames that a segment needs."""
        return self.length + (1 if self.differences else 0)

    def power(self, samples: NDArray[np.floating]) -> NDArray[np.floating]:
        """Return the one-sided power density of samples ``(length, ...)``, per THz.

        Its integral over frequency, by trapezoids, is the mean square of the samples. It stays in
        the layout of the samples, (n_frequencies, ...).
        """
        window = _hann(self.length).astype(samples.dtype)
        shape = (-1,) + (1,) * (samples.ndim - 1)
        found = fft.rfft(samples * window.reshape(shape), axis=0)
        power = found.real**2 + found.imag**2
        power *= 2.0 * self.step_ps / float((window.astype(float) ** 2).sum())
        return np.asarray(power)

    @property
    def correction(self) -> Floats:
        """Return the factor that undoes the filter of differences, (n_frequencies,)."""
        if not self.differences:
            return np.ones(len(self.frequencies))
        return np.asarray(1.0 / np.sinc(self.frequencies * self.step_ps) ** 2)


def _hann(length: int) -> Floats:
    return np.asarray(0.5 - 0.5 * np.cos(2.0 * np.pi * np.arange(length) / length))


def cut(n_frames: int, step_ps: float, settings: SpectrumSettings, *, differences: bool) -> Cut:
    """Return how a run is cut into segments of the resolution that is wanted.

    Raises
    ------
    InputError
        If the run is too short for segments of a useful length.
    """
    samples = n_frames - (1 if differences else 0)
    wanted = int(np.ceil(HANN_WIDTH / (settings.resolution_THz * step_ps)))
    length = min(wanted, samples // 4) // 2 * 2
    if length < _FEWEST_IN_SEGMENT:
        raise InputError(
            f"A spectrum of vibrations needs four segments of {_FEWEST_IN_SEGMENT} frames or more",
            received=f"{n_frames} frames every {step_ps:.4g} ps, resolution "
            f"{settings.resolution_THz:g} THz",
            remedy="run longer, store frames more often, or ask for a finer resolution",
        )
    count = max(_FEWEST_SEGMENTS, 2 * samples // length - 1)
    starts = np.linspace(0, samples - length, count).round().astype(np.int64)
    return Cut(step_ps, length, starts, differences)


def velocity_segments(
    trajectory: Trajectory, plan: Cut, frame: str
) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """Yield the number of each segment and its velocities, (length, n_atoms, 3), Å/ps.

    The velocity of the frame of reference is taken off. A cell that changes adds nothing to the
    velocities of distant images.
    """
    weights = _weights(trajectory, frame)
    for number, (_, frames) in enumerate(_windows(_source(trajectory, plan), plan)):
        moving = np.diff(frames, axis=0) / plan.step_ps if plan.differences else frames
        moving = moving - np.einsum("a,tac->tc", weights, moving)[:, None]
        yield number, moving.astype(np.float32)


def _source(trajectory: Trajectory, plan: Cut) -> Iterator[Floats]:
    """Yield positions, or velocities, in blocks of frames."""
    if plan.differences:
        for _, positions in Tracks(trajectory).blocks():
            yield positions
        return
    for block in trajectory.blocks():
        assert block.velocities is not None
        yield block.velocities


def _windows(blocks: Iterator[Floats], plan: Cut) -> Iterator[tuple[int, Floats]]:
    """Yield the frames of each segment from a stream of blocks; no frame is kept longer."""
    kept: list[Floats] = []
    first = held = 0
    for start in plan.starts:
        while first + held < start + plan.frames:
            kept.append(next(blocks))
            held += len(kept[-1])
        while len(kept[0]) + first <= start:
            first += len(kept[0])
            held -= len(kept.pop(0))
        whole = np.concatenate(kept) if len(kept) > 1 else kept[0]
        yield int(start), whole[start - first : start - first + plan.frames]


def _weights(trajectory: Trajectory, frame: str) -> Floats:
    return Tracks(trajectory, 0, frame).weights()


def folded(frequencies: Floats, density: Floats) -> bool:
    """Return whether a spectrum is still loud at its upper end, so that more lies above it."""
    edge = frequencies >= (1.0 - _EDGE_SHARE) * frequencies[-1]
    return bool(density[edge].mean() > _LOUD_EDGE * density.max())
