"""With what a pattern was taken, and the pattern as a refinement needs it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from vitrolyte.data.crystal import Crystal
from vitrolyte.data.curve import Axis, Curve
from vitrolyte.data.errors import InputError
from vitrolyte.data.measurement import Measurement
from vitrolyte.observe.scattering.anomalous import anode_of, anomalous_parts
from vitrolyte.observe.scattering.diffraction import scattered_angle
from vitrolyte.observe.scattering.optics import (
    ALPHA_2_SHARE,
    K_ALPHA_A,
    anode_lines,
    monochromator_polarisation,
)
from vitrolyte.observe.scattering.probes import Neutrons, Probe, XRays

Floats = NDArray[np.float64]
TWO_THETA = Axis("2 theta", "deg")

_MOST_POINTS = 30_000
_FEWEST_POINTS = 50
_MEAN_IS_NEAR = 4e-4


@dataclass(frozen=True)
class Radiation:
    """The beam of a pattern.

    Attributes
    ----------
    lines
        Wavelengths (Å) and weights, the first the strongest; the weights add up to 1.
    neutrons
        Whether it is neutrons rather than X-rays.
    across
        Share K of the intensity with its field across the plane of scattering.
    note
        What had to be assumed.
    """

    lines: tuple[tuple[float, float], ...]
    neutrons: bool = False
    across: float = 0.5
    note: str = ""

    @property
    def wavelength_A(self) -> float:
        """Return the first wavelength, Å."""
        return self.lines[0][0]

    @property
    def mean_A(self) -> float:
        """Return the weighted mean wavelength, Å."""
        return sum(length * weight for length, weight in self.lines)

    def probe(self, crystal: Crystal) -> Probe:
        """Return what atoms of a crystal scatter."""
        if self.neutrons:
            return Neutrons()
        return XRays(anomalous=anomalous_parts(crystal.elements, self.wavelength_A))


def radiation_of(
    measurement: Measurement,
    kind: Literal["x-ray", "neutron"] = "x-ray",
    *,
    alpha_2: Literal["auto", "yes", "no"] = "auto",
    monochromator_deg: float = 0.0,
) -> Radiation:
    """Return the beam of a measurement from its conditions.

    A wavelength within 0.04 % of an anode's K-alpha-1 or of the weighted mean of its doublet is
    taken as that anode's; with ``alpha_2`` as ``auto`` the doublet is assumed unless the file
    names one wavelength alone, and a note says so.

    Raises
    ------
    InputError
        If the wavelength is not known.
    """
    first = measurement.conditions.require(
        "wavelength_A", of="A powder pattern", remedy="give --wavelength-A, or --anode Cu"
    )
    if kind == "neutron":
        return Radiation(((first, 1.0),), neutrons=True, across=1.0)
    anode = anode_of(first)
    if anode is None:
        return Radiation(((first, 1.0),), across=1.0, note="no anode's line: taken as synchrotron")
    bent = monochromator_polarisation(monochromator_deg) if monochromator_deg > 0 else 0.5
    second, ratio = measurement.conditions.second_wavelength_A, measurement.conditions.second_ratio
    if alpha_2 == "no" or (alpha_2 == "auto" and ratio == 0.0):
        return Radiation(((first, 1.0),), across=bent)
    if second is not None and ratio is not None and ratio > 0:
        return Radiation(_doublet(first, second, ratio), across=bent)
    alpha_1, mean = K_ALPHA_A[anode][0], _mean(anode)
    if min(abs(first / alpha_1 - 1.0), abs(first / mean - 1.0)) > _MEAN_IS_NEAR:
        return Radiation(((first, 1.0),), across=bent)
    note = f"K-alpha-1 and K-alpha-2 of {anode} are taken to be in the beam (--alpha-2 no if not)"
    near_first = abs(first / alpha_1 - 1.0) < abs(first / mean - 1.0)
    lines = _doublet(first, first * K_ALPHA_A[anode][1] / alpha_1, ALPHA_2_SHARE)
    return Radiation(
        lines if near_first else anode_lines(anode),
        across=bent,
        note="" if alpha_2 == "yes" else note,
    )


def _mean(anode: str) -> float:
    first, second = K_ALPHA_A[anode]
    return (first + ALPHA_2_SHARE * second) / (1.0 + ALPHA_2_SHARE)


def _doublet(first: float, second: float, ratio: float) -> tuple[tuple[float, float], ...]:
    return (first, 1.0 / (1.0 + ratio)), (second, ratio / (1.0 + ratio))


def prepared(
    measurement: Measurement, radiation: Radiation, between: tuple[float, float] | None = None
) -> Curve:
    """Return a pattern against 2 theta with an error at every point.

    Counts have Poisson errors; where neither errors nor counts are known, the noise is read off
    the scatter of neighbouring points, growing with the root of the intensity. More than 30 000
    points are summed in groups.

    Raises
    ------
    InputError
        If fewer than 50 points are left, or all are zero.
    """
    curve = _against_angle(measurement.curve, radiation)
    low, high = between or (2.0 * float(np.median(np.diff(curve.x))), 175.0)
    held = (curve.x >= low) & (curve.x <= high)
    if held.sum() < _FEWEST_POINTS or not np.any(curve.y[held].real > 0):
        raise InputError(
            f"A pattern needs {_FEWEST_POINTS} points with an intensity above zero",
            received=f"{int(held.sum())} points from {low:g} to {high:g} degrees",
        )
    x, y = curve.x[held], curve.y[held].real
    errors = noise(x, y, curve) if curve.y_error is None else curve.y_error[held]
    least = np.min(errors[errors > 0], initial=np.inf)
    errors = np.where(errors > 0, errors, least if np.isfinite(least) else 1.0)
    return _fewer(Curve(x, y, TWO_THETA, curve.y_axis, errors, "measured"))


def _against_angle(curve: Curve, radiation: Radiation) -> Curve:
    if "Å" not in curve.x_axis.unit:
        return curve
    angle = scattered_angle(curve.x, radiation.wavelength_A)
    held = np.isfinite(angle)
    errors = None if curve.y_error is None else curve.y_error[held]
    return replace(curve, x=angle[held], y=curve.y[held], y_error=errors, x_axis=TWO_THETA)


def noise(x: Floats, y: Floats, curve: Curve) -> Floats:
    """Return the standard error of each intensity: Poisson for counts, else from the scatter."""
    del x
    if curve.y_axis.name == "counts":
        return np.sqrt(np.maximum(y, 1.0))
    level = np.maximum(np.convolve(y, np.ones(9) / 9.0, mode="same"), np.median(np.abs(y)) * 0.02)
    level = np.maximum(level, 1e-12)
    second = (y[2:] - 2.0 * y[1:-1] + y[:-2]) ** 2 / (6.0 * level[1:-1])
    # The median of chi-squared with one degree of freedom is 0.4549.
    gain = float(np.median(second)) / 0.4549
    return np.asarray(np.sqrt(np.maximum(gain * level, 1e-12 * float(np.max(np.abs(y))) ** 2)))


def _fewer(curve: Curve) -> Curve:
    if len(curve) <= _MOST_POINTS or curve.y_error is None:
        return curve
    size = -(-len(curve) // _MOST_POINTS)
    end = len(curve) - len(curve) % size
    x, y, variance = (a[:end].reshape(-1, size) for a in (curve.x, curve.y.real, curve.y_error**2))
    errors = np.sqrt(variance.sum(axis=1)) / size
    return replace(curve, x=x.mean(axis=1), y=y.mean(axis=1), y_error=errors)
