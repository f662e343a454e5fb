"""Does the ion beside a rotor move when the rotor swings? The soft cradle, without any events."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from vitrolyte.data.curve import Axis, Curve, CurveSet
from vitrolyte.data.errors import InputError
from vitrolyte.data.observation import Observation, Sample, computed
from vitrolyte.data.quantity import Quantity
from vitrolyte.data.result import Result
from vitrolyte.data.trajectory import Frames, Trajectory
from vitrolyte.observe.rotation.attitude_kernels import angle_between
from vitrolyte.observe.rotation.attitudes import NearestImages, attitude, unfolded
from vitrolyte.observe.rotation.bonds import RotorSearch
from vitrolyte.observe.rotation.molecules import Life, find_rotors
from vitrolyte.observe.rotation.relaxation import symmetric
from vitrolyte.observe.tracks import time_step

Floats = NDArray[np.float64]

_BLOCKS = 12
_FEWEST_WINDOWS = 60
_MOST_NUMBERS = 30_000_000
_LAGS = 20
_LAG = Axis("time from rotation to displacement", "ps")
_CORRELATION = Axis("correlation", "")


@dataclass(frozen=True)
class CradleSettings:
    """Over which time motion is measured, and how chance is judged.

    Attributes
    ----------
    search
        Which rotors.
    window_ps
        Rotation and displacement are taken over windows of this length, one after the other, ps.
    shifts
        Number of shifted copies for the null.
    seed
        Of the shifts.

    Raises
    ------
    InputError
        If the window is not positive or there are fewer than 19 shifts.
    """

    search: RotorSearch = field(default_factory=RotorSearch)
    window_ps: float = 0.5
    shifts: int = 999
    seed: int = 0

    def __post_init__(self) -> None:
        if not self.window_ps > 0 or self.shifts < 19:
            raise InputError(
                "A window is a positive time, and a null needs at least 19 shifts",
                received=f"window_ps {self.window_ps}, shifts {self.shifts}",
            )


@dataclass(frozen=True, eq=False)
class Cradle(Result):
    """How far the angle of a rotor and the path of the ion beside it go together.

    Attributes
    ----------
    of
        ``OH and Li``.
    correlation
        Pearson's coefficient of the rotor's angle and the ion's displacement in the same window;
        each rotor's own means are taken out.
    p_value
        Chance alone gives a coefficient as far from zero with this probability.
    correlation_before, correlation_after
        The ion one window before the rotor, and one behind it.
    curve
        Coefficient by time lag, with the range of 95 % of the shifted copies.
    method, note
        In words.
    """

    of: str
    correlation: Quantity
    p_value: Quantity
    correlation_before: Quantity
    correlation_after: Quantity
    curve: CurveSet
    method: str
    note: str

    def observations(self, sample: Sample) -> tuple[Observation, ...]:
        """Return the coefficients and the p-value."""
        rows = (
            ("motion_correlation", self.correlation, ""),
            ("motion_correlation", self.correlation_before, " before"),
            ("motion_correlation", self.correlation_after, " after"),
            ("p_value", self.p_value, " motion"),
        )
        return tuple(
            computed(sample, word, number, of=f"{self.of}{part}", method=self.method)
            for word, number, part in rows
        )


def soft_cradle(
    trajectory: Trajectory, mobile: str, settings: CradleSettings | None = None
) -> Cradle:
    r"""Return the correlation of rotors' swings with the moves of the ions nearest to them.

    In each window a rotor turns by the angle a, and the mobile ion that is nearest to its root
    when the window starts moves by d against the root.
    :math:`\rho = \sum a' d' / \sqrt{\sum a'^2 \sum d'^2}`, sums over rotors and windows, primes
    for the deviation from each rotor's mean. The null shifts the angles of all rotors by one time
    round the run. Rotors that do not last all the run are left out.

    Parameters
    ----------
    trajectory
        Streamed; any cell, also one that changes.
    mobile
        Element of the ion.
    settings
        Rotors, window, null.

    Raises
    ------
    InputError
        If there are no rotors or mobile ions, or fewer than sixty windows.
    """
    settings = settings or CradleSettings()
    step_ps = time_step(trajectory)
    stride = max(1, round(settings.window_ps / step_ps))
    if trajectory.n_frames // stride < _FEWEST_WINDOWS:
        raise InputError(
            f"A correlation of motions needs at least {_FEWEST_WINDOWS} windows",
            received=f"{trajectory.n_frames // stride} of {settings.window_ps:g} ps",
            remedy="give a shorter window_ps, or a longer run",
        )
    rotors = find_rotors(trajectory, settings.search)
    name = rotors.names[0]
    lives = [life for life in rotors.of(name) if life.frames == trajectory.n_frames]
    if not lives:
        raise InputError(
            "A correlation of motions needs rotors that last all the run",
            received=rotors.note(name),
        )
    lives = lives[: max(1, _MOST_NUMBERS * stride // trajectory.n_frames)]
    angles, moves = motions(trajectory, lives, mobile, stride)
    method = (
        f"windows of {stride * step_ps:.3g} ps; {mobile} nearest to the root of each of "
        f"{len(lives)} {name}; null of {settings.shifts} shifts; {rotors.bonds.method}"
    )
    return correlated(
        angles, moves, settings, of=f"{name} and {mobile}", method=method, step_ps=stride * step_ps
    )


def motions(
    trajectory: Trajectory, lives: Sequence[Life], mobile: str, stride: int
) -> tuple[Floats, Floats]:
    """Return angles (radians) and displacements (Å) by window, (n_rotors, n_windows) each.

    Parameters
    ----------
    trajectory
        Streamed once.
    lives
        Rotors that last all the run.
    mobile
        Element of the ions.
    stride
        Frames in a window.
    """
    ions = trajectory.indices(mobile)
    roots = np.array([life.atoms[0] for life in lives])
    wholes: list[list[Floats]] = [[] for _ in lives]
    moves: list[Floats] = []
    rows = np.arange(len(lives))
    nearest: NDArray[np.intp] | None = None
    before = np.empty((len(lives), 3))
    for one in _edges(trajectory, stride):
        for parts, whole in zip(wholes, unfolded(one, lives)):
            parts.append(whole[0])
        images = NearestImages.of(one.cells)
        apart = one.positions[0, ions] - one.positions[0, roots][:, None]
        apart = images(apart.reshape(1, -1, 3)).reshape(len(lives), len(ions), 3)
        if nearest is not None:
            # The same ion: whole cells apart at most, so that the nearest image is the step.
            step = images((apart[rows, nearest] - before)[None])[0]
            moves.append(np.linalg.norm(step, axis=1))
        nearest = np.einsum("rij,rij->ri", apart, apart).argmin(axis=1)
        before = apart[rows, nearest]
    angles = np.array([_angles(attitude(np.array(parts))) for parts in wholes])
    return angles, np.array(moves).T


def _edges(trajectory: Trajectory, stride: int) -> Iterator[Frames]:
    for block in trajectory.blocks():
        for k in range(-block.start % stride, len(block.times), stride):
            part = slice(k, k + 1)
            yield Frames(
                block.start + k, block.times[part], block.cells[part], block.positions[part], None
            )


def _angles(attitudes: Floats) -> Floats:
    return np.array([angle_between(a, b) for a, b in pairwise(attitudes)])


def correlated(
    angles: Floats,
    moves: Floats,
    settings: CradleSettings,
    *,
    of: str,
    method: str = "",
    step_ps: float = 1.0,
) -> Cradle:
    """Return the correlation of two series on the same carriers, against shifted copies.

    Parameters
    ----------
    angles, moves
        (n_carriers, n), at equal steps of time.
    settings
        Number of shifts and their seed.
    of, method
        In words.
    step_ps
        Between the members of a series, ps.
    """
    a, d = (part - part.mean(axis=1, keepdims=True) for part in (angles, moves))
    if float((a**2).sum()) == 0.0 or float((d**2).sum()) == 0.0:
        none = Quantity.refused("1", "one of the two does not change")
        return Cradle(of, none, none, none, none, CurveSet(of, ()), method, none.note)
    every = _at_all_lags(a, d)
    n = a.shape[1]
    least = max(2, min(_LAGS, n // 10))
    shifts = np.random.default_rng(settings.seed).integers(least, n - least, size=settings.shifts)
    null = every[shifts]
    p = (1 + int((np.abs(null) >= abs(every[0])).sum())) / (1 + len(null))
    found = [_coefficient(a, d, lag) for lag in (0, -1, 1)]
    note = f"coefficient {every[0]:.3f}, p = {p:.3g}"
    if p > 0.05:
        note += f": nothing beyond chance, which gives up to {np.quantile(np.abs(null), 0.95):.3f}"
    return Cradle(
        of, found[0], Quantity(p, "1", note=note), found[1], found[2],
        _curve(of, every, null, step_ps), method, note,
    )  # fmt: skip


def _at_all_lags(a: Floats, d: Floats) -> Floats:
    """Return the coefficient where moves come n steps behind angles, round the run, (n,)."""
    n = a.shape[1]
    products = np.fft.irfft((np.fft.rfft(a).conj() * np.fft.rfft(d)).sum(axis=0), n)
    return np.asarray(products / math.sqrt(float((a**2).sum() * (d**2).sum())))


def _coefficient(a: Floats, d: Floats, lag: int) -> Quantity:
    """Return the coefficient at a lag; the jackknife over blocks of time on Fisher's z.

    Blocks are left out whole with the means of the rest taken out anew.
    """
    moved = np.roll(d, -lag, axis=1)
    parts = np.array_split(np.arange(a.shape[1]), _BLOCKS)
    left = [
        math.atanh(_pearson(np.delete(a, part, axis=1), np.delete(moved, part, axis=1)))
        for part in parts
    ]
    error = math.sqrt((_BLOCKS - 1.0) * float(np.var(left)))
    z = symmetric(math.atanh(_pearson(a, moved)), error, _BLOCKS - 1, "1")
    value = math.tanh(z.value)
    return Quantity(value, "1", error * (1 - value**2), math.tanh(z.low), math.tanh(z.high))


def _pearson(a: Floats, d: Floats) -> float:
    a, d = (part - part.mean(axis=1, keepdims=True) for part in (a, d))
    bound = 1.0 - 1e-12
    value = float((a * d).sum() / math.sqrt(float((a**2).sum() * (d**2).sum())))
    return min(bound, max(-bound, value))


def _curve(of: str, every: Floats, null: Floats, step_ps: float) -> CurveSet:
    reach = min(_LAGS, len(every) // 4)
    lags = np.arange(-reach, reach + 1)
    times = np.asarray(lags * step_ps, dtype=float)
    low, high = np.quantile(null, [0.025, 0.975])
    flat = np.ones(len(lags))
    parts = (("found", every[lags]), ("chance, lower", low * flat), ("chance, upper", high * flat))
    curves = tuple(Curve(times, y, _LAG, _CORRELATION, label=label) for label, y in parts)
    return CurveSet(f"Angle and displacement of {of}", curves)
