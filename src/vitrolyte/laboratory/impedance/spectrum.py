"""A measured impedance spectrum, put in order and looked over before anything is fitted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from vitrolyte.data.curve import Axis, Curve
from vitrolyte.data.errors import InputError
from vitrolyte.data.measurement import Measurement
from vitrolyte.data.model import Floats

Complexes = NDArray[np.complex128]
Sign = Literal["check", "physical", "swapped"]
FEWEST_POINTS = 8
_SHORTEST_DECADES = 1.0

FREQUENCY = Axis("frequency", "Hz")
IMPEDANCE = Axis("Z", "ohm")


@dataclass(frozen=True, eq=False)
class Spectrum:
    """Impedance over frequency, frequencies falling.

    Attributes
    ----------
    name
        Of the file and its part.
    frequency
        (n,), Hz, falling.
    impedance
        (n,), ohm; a capacitor has a negative imaginary part.
    notes
        What was done to what was read.
    doubts
        Why the points themselves are in question.
    """

    name: str
    frequency: Floats
    impedance: Complexes
    notes: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.frequency)

    @property
    def omega(self) -> Floats:
        """Return 2 pi f, 1/s."""
        return 2.0 * np.pi * self.frequency

    @property
    def modulus(self) -> Floats:
        """Return |Z|, ohm."""
        return np.abs(self.impedance)

    @property
    def decades(self) -> float:
        """Return the number of powers of ten between the first and the last frequency."""
        return float(np.log10(self.frequency[0] / self.frequency[-1]))

    def curve(self, label: str, impedance: Complexes | None = None) -> Curve:
        """Return Z over frequency as a curve, its own or another one at the same frequencies."""
        z = self.impedance if impedance is None else impedance
        return Curve(self.frequency, z, FREQUENCY, IMPEDANCE, label=label)


def spectrum(measurement: Measurement, sign: Sign = "check") -> Spectrum:
    """Return the spectrum of a measurement, refusing what is none.

    Parameters
    ----------
    sign
        ``swapped`` turns the sign of Z'' as it was read.

    Raises
    ------
    InputError
        If the curve is not complex, a value is not finite, a frequency is not positive, there
        are fewer than eight points, or they span less than a decade.
    """
    curve, name = measurement.curve, measurement.name or "the spectrum"
    if not np.iscomplexobj(curve.y):
        raise InputError(f"{name} has to hold a complex impedance", received="real values")
    frequency, z = np.asarray(curve.x, dtype=float), np.asarray(curve.y, dtype=complex)
    if not (np.all(np.isfinite(frequency)) and np.all(np.isfinite(z))):
        raise InputError(f"{name} has to hold finite numbers", received="NaN or infinity")
    if not np.all(frequency > 0):
        raise InputError(
            f"The frequencies of {name} have to be above zero, in Hz",
            received=f"{frequency.min():g}",
            remedy="leave out the row of direct current, or give frequencies, not their logarithm",
        )
    if not np.all(np.abs(z) > 0):
        raise InputError(f"The impedance of {name} has to be above zero", received="0 ohm")
    _require_width(name, frequency)
    notes = measurement.notes + tuple(_peculiarities(frequency))
    order = np.argsort(-frequency, kind="stable")
    z = np.conj(z) if sign == "swapped" else z
    return Spectrum(name, frequency[order], z[order], notes, tuple(_suspicions(z[order])))


def _require_width(name: str, frequency: Floats) -> None:
    different = len(np.unique(frequency))
    if different < FEWEST_POINTS:
        raise InputError(
            f"A spectrum needs at least {FEWEST_POINTS} frequencies",
            received=f"{different} in {name}",
        )
    decades = float(np.log10(frequency.max() / frequency.min()))
    if decades < _SHORTEST_DECADES:
        raise InputError(
            f"A spectrum has to span at least {_SHORTEST_DECADES:g} decade",
            received=f"{decades:.2f} decades in {name}",
        )


def _peculiarities(frequency: Floats) -> list[str]:
    found, steps = [], np.diff(frequency)
    repeated = len(frequency) - len(np.unique(frequency))
    if repeated:
        found.append(f"{repeated} frequencies were measured more than once; all points are used")
    if not (np.all(steps <= 0) or np.all(steps >= 0)):
        found.append("the frequencies were not in order and have been sorted")
    return found


def _suspicions(z: Complexes) -> list[str]:
    """Return what looks like a range that was exceeded, or like no passive sample."""
    found, modulus = [], np.abs(z)
    same = int(np.sum(np.diff(z) == 0))
    top = int(np.sum(modulus > (1.0 - 1e-6) * modulus.max()))
    if same or top > 2:
        found.append(f"{max(same + 1, top)} points have exactly the same |Z|: a saturated range?")
    if np.any(z.real < 0):
        found.append(f"{int(np.sum(z.real < 0))} points have a negative real part")
    return found
