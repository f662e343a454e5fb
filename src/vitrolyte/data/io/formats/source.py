"""What every format hands on: atoms, cells and a clock, and blocks of frames when asked."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from vitrolyte.data.errors import InputError
from vitrolyte.data.io.formats.options import Format, ReadOptions

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

BOHR_TO_A = 0.529177210903
"""CODATA 2018, https://physics.nist.gov/constants."""

NM_TO_A = 10.0
ASE_TIME_PS = 0.010180505671156723
"""ASE's unit of time, Å (u/eV)^(1/2), ps (CODATA 2014, which ASE uses)."""

LENGTH_A = {"A": 1.0, "nm": NM_TO_A, "bohr": BOHR_TO_A}
_LONGEST = 1e7
"""Å; a longer edge is a damaged file."""

_CHECKED_AT_ONCE = 65536

TIME_PS = {"ps": 1.0, "fs": 1e-3}
VELOCITY_A_PER_PS = {"A/ps": 1.0, "A/fs": 1e3, "nm/ps": NM_TO_A, "ase": 1 / ASE_TIME_PS}


@dataclass(frozen=True, eq=False)
class Block:
    """Consecutive frames as they stand in a file, in internal units.

    Attributes
    ----------
    positions
        (k, n_atoms, 3), Å.
    images
        (k, n_atoms, 3), whole cell vectors to add; None where the file has none.
    velocities
        (k, n_atoms, 3), Å/ps, or None.
    """

    positions: Floats
    images: NDArray[np.int32] | None = None
    velocities: Floats | None = None


@dataclass(frozen=True, eq=False)
class Clock:
    """What a file says about time.

    Attributes
    ----------
    times
        (n_frames,), ps, or None.
    steps
        (n_frames,), step counters, or None.
    source
        Where the times stand.
    """

    times: Floats | None = None
    steps: Ints | None = None
    source: str = ""


@dataclass(frozen=True, eq=False)
class Source:
    """An opened file.

    Attributes
    ----------
    format
        Which one.
    species
        (n_atoms,) element symbols.
    cells
        (n_frames, 3, 3), Å, rows are the cell vectors.
    clock
        What the file says about time.
    read
        Gives the frames ``start <= i < stop``.
    unwrapped
        By what the file itself unwraps its positions; empty where it does not.
    velocities
        Whether blocks have velocities.
    notes
        What had to be assumed.
    """

    format: Format
    species: tuple[str, ...]
    cells: Floats
    clock: Clock
    read: Callable[[int, int], Block]
    unwrapped: str = ""
    velocities: bool = False
    notes: tuple[str, ...] = ()


@final
class FrameLog:
    """Collects a small array for each of many frames; one that stays the same is kept once."""

    def __init__(self, *shape: int) -> None:
        self._shape = shape
        self._size = int(np.prod(shape))
        self._values = array("d")
        self._n = 0

    def add(self, values: Floats) -> None:
        """Note the array of one more frame."""
        row = array("d", values.ravel().tolist())
        if self._n and (len(self._values) > self._size or row != self._values):
            if len(self._values) == self._size:
                self._values.extend(self._values * (self._n - 1))
            self._values.extend(row)
        elif not self._n:
            self._values = row
        self._n += 1

    def drop(self) -> None:
        """Forget the last frame."""
        self._n -= 1
        del self._values[self._size * max(self._n, 1) :]

    def all(self) -> Floats:
        """Return the arrays of all frames, (n_frames, ...); one that stayed is not copied."""
        found = np.frombuffer(self._values).reshape(-1, *self._shape)
        found.flags.writeable = False
        return np.broadcast_to(found, (self._n, *self._shape)) if len(found) == 1 else found


def scaled(values: Floats, factor: float) -> Floats:
    """Return values of all frames times a factor; those that stayed the same stay one."""
    if factor == 1.0:
        return values
    one = values.strides[0] == 0
    return np.broadcast_to(values[:1] * factor, values.shape) if one else values * factor


def cell_from_numbers(numbers: tuple[float, ...]) -> Floats:
    """Return a cell from three edges, edges and angles, or nine components, (3, 3), Å.

    Edges and angles (degrees) give a along x and b in the xy plane.

    Raises
    ------
    InputError
        If there are neither 3, 6 nor 9 numbers, or they span no volume.
    """
    if len(numbers) not in (3, 6, 9) or not np.isfinite(numbers).all():
        raise InputError(
            "A cell needs three edges, three edges and three angles, or nine components",
            received=f"{len(numbers)} numbers: {list(numbers)}",
        )
    if len(numbers) == 9:
        cell = np.array(numbers, dtype=float).reshape(3, 3)
    else:
        angles = numbers[3:] or (90.0, 90.0, 90.0)
        cell = _from_angles(np.array(numbers[:3]), np.radians(angles))
    check_cells(cell[None])
    return cell


def _from_angles(edges: Floats, angles: Floats) -> Floats:
    """Return edges (k..., 3) and angles (..., 3; radians) as lower-triangular cells."""
    cos = np.where(np.abs(angles - np.pi / 2) < 1e-12, 0.0, np.cos(angles))
    alpha, beta, gamma = np.moveaxis(cos, -1, 0)
    sin_gamma = np.sqrt(1 - gamma**2)
    with np.errstate(invalid="ignore", divide="ignore"):
        up = (alpha - beta * gamma) / sin_gamma
        height = np.sqrt(1 - beta**2 - up**2)
    zero, one = np.zeros_like(alpha), np.ones_like(alpha)
    rows = [(one, zero, zero), (gamma, sin_gamma, zero), (beta, up, height)]
    unit = np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)
    return np.asarray(unit * edges[..., :, None], dtype=float)


def cells_from_angles(edges: Floats, angles: Floats) -> Floats:
    """Return cells (k, 3, 3) from edges (k, 3), Å, and angles (k, 3), degrees; a along x."""
    return _from_angles(np.asarray(edges, float), np.radians(np.asarray(angles, float)))


def check_count(found: int, species: tuple[str, ...], name: str) -> None:
    """Refuse a topology that does not have the atoms of a trajectory.

    Raises
    ------
    InputError
        If the numbers differ.
    """
    if found != len(species):
        raise InputError(
            f"The topology must have the {found} atoms of {name}",
            received=f"{len(species)} atoms",
            remedy="give the structure that the run started from",
        )


def check_cells(cells: Floats) -> None:
    """Refuse cells that are no numbers or span no volume.

    Raises
    ------
    InputError
        Naming the first such frame.
    """
    different = 1 if cells.strides[0] == 0 else len(cells)
    for start in range(0, different, _CHECKED_AT_ONCE):
        kept = cells[start : min(different, start + _CHECKED_AT_ONCE)]
        # false for what is no number
        finite = np.asarray((np.abs(kept) < _LONGEST).all(axis=(1, 2)))[:, None, None]
        safe = np.where(finite, kept, 0.0)
        lengths, volumes = np.linalg.norm(safe, axis=2), np.abs(np.linalg.det(safe))
        flat = (volumes < 1e-3) | (volumes < 1e-6 * lengths.prod(axis=1))
        if flat.any():
            bad = int(np.argmax(flat))
            raise InputError(
                "Each frame needs three cell vectors that span a volume",
                received=f"frame {start + bad}: {kept[bad].tolist()}",
                remedy="give the cell by the option cell if the file has none",
            )


def frame_times(clock: Clock, n: int, options: ReadOptions) -> tuple[Floats, str, bool]:
    """Return times (n,), ps, where they come from, and whether they are times at all.

    Raises
    ------
    InputError
        If times are unknown or do not increase.
    """
    if options.frame_time_ps is not None:
        _check_even(clock)
        even = np.arange(float(n)) * options.frame_time_ps
        return even, f"given: {options.frame_time_ps} ps", True
    if clock.times is not None:
        return _increasing(clock.times, "times"), clock.source, True
    if clock.steps is not None and options.timestep_ps is not None:
        steps = _increasing(clock.steps.astype(float), "step numbers")
        return steps * options.timestep_ps, f"steps of {options.timestep_ps} ps", True
    if n == 1:
        return np.zeros(1), "one frame", False
    if options.allow_untimed:
        return np.arange(float(n)), "none: frame numbers", False
    ways = (
        "give frame_time_ps (--frame-time-ps), or allow_untimed=True where only the structure "
        "is asked for"
    )
    more = (
        "give timestep_ps (--timestep-ps; the file counts steps), or "
        if clock.steps is not None
        else ""
    )
    raise InputError("The time between frames must be known", received="none", remedy=more + ways)


def _check_even(clock: Clock) -> None:
    if clock.steps is None or len(clock.steps) < 3:
        return
    strides = np.diff(clock.steps)
    if (strides != strides[0]).any():
        odd = int(np.argmax(strides != strides[0]))
        raise InputError(
            "One frame_time_ps needs frames at even distances",
            received=f"steps {clock.steps[odd - 1]}, {clock.steps[odd]}, {clock.steps[odd + 1]}",
            remedy="give timestep_ps instead, or take out frames that stand twice",
        )


def _increasing(values: Floats, what: str) -> Floats:
    wrong = ~np.isfinite(values)
    wrong[1:] |= np.diff(values) <= 0
    if wrong.any():
        bad = int(np.argmax(wrong))
        before = f" after {float(values[bad - 1])!r}" if bad else ""
        raise InputError(
            f"The {what} of the frames must increase",
            received=f"{float(values[bad])!r}{before} at frame {bad}",
            remedy="take out the frames that a restart wrote twice, or give frame_time_ps",
        )
    return values
