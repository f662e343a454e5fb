"""What every reader of powder patterns ends in: one scan with its beam, checked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vitrolyte.data.curve import Axis, Curve
from vitrolyte.data.errors import InputError
from vitrolyte.data.measurement import Conditions, Measurement

Floats = NDArray[np.float64]

TWO_THETA = Axis("2 theta", "deg")
SCATTERING_VECTOR = Axis("scattering vector Q", "1/Å")
COUNTS, INTENSITY = Axis("counts", ""), Axis("intensity", "arb. u.")

_FEWEST = 5
_MOST = 5_000_000
_WAVELENGTHS_A = 0.02, 10.0
_WHOLE = 1e-4


@dataclass(frozen=True, eq=False)
class Scan:
    """One scan as a file has it.

    Attributes
    ----------
    x, y
        (n,), abscissa and intensity.
    error
        (n,), where the file has it.
    part
        Which part of the file.
    in_q
        Whether x is Q in 1/Å rather than 2 theta in degrees.
    notes
        What the reader assumed.
    """

    x: ArrayLike
    y: ArrayLike
    error: ArrayLike | None = None
    part: str = ""
    in_q: bool = False
    notes: tuple[str, ...] = ()


def beam(
    first: float | None = None, second: float | None = None, ratio: float | None = None
) -> Conditions:
    """Return what a header says of the beam; what no wavelength can be is left out.

    Parameters
    ----------
    first, second
        Wavelengths, Å.
    ratio
        Intensity of the second over that of the first; 0 where it says there is one line alone.
    """
    low, high = _WAVELENGTHS_A
    one = first if first is not None and low < first < high else None
    two = second if second is not None and one is not None and one < second < 1.02 * one else None
    share = ratio if ratio is not None and 0.0 <= ratio <= 1.0 else None
    return Conditions(wavelength_A=one, second_wavelength_A=two, second_ratio=share)


def measurement(path: Path, format_name: str, conditions: Conditions, scan: Scan) -> Measurement:
    """Return a scan as a measurement, rising in x.

    Whole numbers are counts, and their errors those of Poisson.

    Raises
    ------
    InputError
        If there are fewer than 5 points, numbers are not finite, or x does not rise within range.
    """
    x, y = np.asarray(scan.x, dtype=float), np.asarray(scan.y, dtype=float)
    error = None if scan.error is None else np.asarray(scan.error, dtype=float)
    _check(path, x, y, error)
    order = np.argsort(x, kind="stable")
    x, y = x[order], y[order]
    error = None if error is None else error[order]
    steps = np.diff(x)
    if not np.all(steps > 0):
        place = x[int(np.argmin(steps))]
        raise InputError(
            f"{path.name} needs one intensity for each angle",
            received=f"several at {place:g}",
            remedy="export each scan to a file of its own",
        )
    top = 180.0 if not scan.in_q else 100.0
    if x[0] < (-5.0 if not scan.in_q else 0.0) or x[-1] >= top:
        raise InputError(
            f"{path.name} needs angles 2 theta below 180 degrees, or Q in 1/Å and a heading "
            "that says so",
            received=f"{x[0]:g} to {x[-1]:g}",
            remedy="time-of-flight patterns are not read",
        )
    held = x > 0.0
    counts = bool(np.all(np.abs(y - np.rint(y)) < _WHOLE) and y.max() >= 10.0 and error is None)
    curve = Curve(
        x[held],
        y[held],
        SCATTERING_VECTOR if scan.in_q else TWO_THETA,
        COUNTS if counts else INTENSITY,
        None if error is None else error[held],
        label="measured",
    )
    notes = scan.notes + (("whole numbers are taken as counts",) if counts else ())
    return Measurement(curve, conditions, path.name, format_name, scan.part, notes)


def _check(path: Path, x: Floats, y: Floats, error: Floats | None) -> None:
    sizes = {len(x), len(y)} | (set() if error is None else {len(error)})
    if len(sizes) != 1 or not _FEWEST <= len(x) <= _MOST:
        raise InputError(
            f"{path.name} needs a pattern of at least {_FEWEST} points", received=f"{sizes} values"
        )
    bad = ~(np.isfinite(x) & np.isfinite(y))
    if error is not None:
        bad |= ~np.isfinite(error) | (error < 0)
    bad |= np.abs(y) > 1e15
    if bad.any():
        raise InputError(
            f"{path.name} needs finite numbers, and errors not below zero",
            received=f"{int(bad.sum())} that are not, the first in row {int(bad.argmax()) + 1}",
        )
    if not y.max() > 0:
        raise InputError(f"{path.name} needs an intensity above zero", received="none")


def attenuated(counts: Floats, factors: Floats) -> Floats:
    """Return counts times the factors of an attenuator; what overflows is refused later."""
    with np.errstate(over="ignore", invalid="ignore"):
        return np.asarray(counts * factors, dtype=float)


def steps(start: float, step: float, count: int, path: Path) -> Floats:
    """Return angles in equal steps.

    Raises
    ------
    InputError
        If the step is not above zero or there are no points.
    """
    if not (np.isfinite(start) and 1e-6 < step < 10.0 and _FEWEST <= count <= _MOST):
        raise InputError(
            f"{path.name} needs a start, a step above zero and a number of points",
            received=f"start {start:g}, step {step:g}, {count} points",
        )
    return np.asarray(start + step * np.arange(count), dtype=float)
