"""The pictures of one spectrum: Nyquist, Bode, residuals."""

from __future__ import annotations

import numpy as np

from vitrolyte.data.curve import Axis, Curve, CurveSet
from vitrolyte.laboratory.impedance.fitted import CircuitFit
from vitrolyte.laboratory.impedance.spectrum import FREQUENCY, IMPEDANCE, Complexes, Spectrum


def nyquist(spectrum: Spectrum, fitted: Complexes) -> CurveSet:
    """Return points and fit in the complex plane, -Z'' over Z' on one scale."""
    curves = (spectrum.curve("measured"), spectrum.curve("measured, fit", fitted))
    return CurveSet(f"Nyquist plot: {spectrum.name}", curves, points=("measured",))


def nyquist_of_arcs(spectrum: Spectrum, fitted: Complexes, resistance: float) -> CurveSet:
    """Return the part of the Nyquist plot that a blocking electrode does not dwarf.

    Parameters
    ----------
    resistance
        Of the sample; points beyond one and a half times it are left out.
    """
    near = np.abs(spectrum.impedance) < 1.5 * resistance
    parts = (("measured", spectrum.impedance), ("measured, fit", fitted))
    curves = tuple(
        Curve(spectrum.frequency[near], z[near], FREQUENCY, IMPEDANCE, label=label)
        for label, z in parts
        if np.any(near) and not np.all(near)
    )
    return CurveSet(f"Nyquist plot, arcs: {spectrum.name}", curves, points=("measured",))


def bode(spectrum: Spectrum, fitted: Complexes) -> tuple[CurveSet, CurveSet]:
    """Return |Z|, and the phase, over frequency."""
    magnitude, phase = Axis("|Z|", "ohm"), Axis("phase", "°")
    pairs = (("measured", spectrum.impedance), ("measured, fit", fitted))
    sizes = tuple(
        Curve(spectrum.frequency, np.abs(z), FREQUENCY, magnitude, label=label)
        for label, z in pairs
    )
    turns = tuple(
        Curve(spectrum.frequency, np.degrees(np.angle(z)), FREQUENCY, phase, label=label)
        for label, z in pairs
    )
    return (
        CurveSet(
            f"Bode plot, |Z|: {spectrum.name}", sizes, log_x=True, log_y=True, points=("measured",)
        ),
        CurveSet(f"Bode plot, phase: {spectrum.name}", turns, log_x=True, points=("measured",)),
    )


def fit_residuals(fit: CircuitFit) -> CurveSet:
    """Return the residuals of both parts relative to |Z|, %."""
    spectrum, axis = fit.target.spectrum, Axis("residual relative to |Z|", "%")
    apart = 100.0 * (fit.impedance - spectrum.impedance) / spectrum.modulus
    curves = tuple(
        Curve(spectrum.frequency, part, FREQUENCY, axis, label=label)
        for label, part in (("real", apart.real), ("imaginary", apart.imag))
    )
    title = f"Residuals of {fit.circuit.written}: {spectrum.name}"
    return CurveSet(title, curves, log_x=True, points=("real", "imaginary"))
