"""Spectra of a made-up pellet whose truth is known."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from vitrolyte.data.curve import Axis, Curve
from vitrolyte.data.measurement import Conditions, Measurement
from vitrolyte.data.observation import Sample
from vitrolyte.data.units import BOLTZMANN_EV_PER_K
from vitrolyte.laboratory.impedance.spectrum import Spectrum, spectrum
from vitrolyte.observe.impedance.notation import parse_circuit

Floats = NDArray[np.float64]
SAMPLE = Sample("a salt", "Li3OCl", "pellet")
FREQUENCY = np.geomspace(1e7, 1e-1, 60)
CIRCUIT = "(RQ)(RQ)Q"
_BULK_EV, _BOUNDARY_EV = 0.35, 0.45


def sample_values(temperature_K: float) -> Floats:
    """Return R, Q, n of bulk and grain boundaries, and Q, n of a blocking electrode."""
    apart = (1.0 / temperature_K - 1.0 / 300.0) / BOLTZMANN_EV_PER_K
    bulk = 1e4 * np.exp(_BULK_EV * apart) * temperature_K / 300.0
    boundary = 3e4 * np.exp(_BOUNDARY_EV * apart) * temperature_K / 300.0
    return np.array(
        [
            bulk,
            (bulk * 9e-12) ** 0.95 / bulk,
            0.95,
            boundary,
            (boundary * 4e-10) ** 0.87 / boundary,
            0.87,
            1e-6,
            0.8,
        ]
    )


def measured_spectrum(
    seed: int,
    temperature_K: float = 300.0,
    *,
    noise: float = 0.01,
    basis: Literal["modulus", "component"] = "modulus",
    drift: float = 0.0,
    shifted: tuple[float, float, float] | None = None,
) -> Measurement:
    """Return a spectrum with noise; its gain may drift, or Z' be off between two frequencies."""
    random = np.random.default_rng(seed)
    z = parse_circuit(CIRCUIT).impedance(FREQUENCY, sample_values(temperature_K))
    real, imaginary = random.normal(size=(2, len(z)))
    if basis == "modulus":
        z = z + noise * np.abs(z) * (real + 1j * imaginary)
    else:
        z = z.real * (1 + noise * real) + 1j * z.imag * (1 + noise * imaginary)
    z = z * (1.0 + drift * np.linspace(0.0, 1.0, len(z)))
    if shifted is not None:
        low, high, share = shifted
        z = z + np.where((low < FREQUENCY) & (high > FREQUENCY), share * np.abs(z), 0.0)
    curve = Curve(FREQUENCY, z, Axis("frequency", "Hz"), Axis("Z", "ohm"))
    conditions = Conditions(temperature_K=temperature_K, thickness_cm=0.1, area_cm2=0.785)
    return Measurement(curve, conditions, file=f"{temperature_K:.0f}K.csv")


def spectrum_of(
    seed: int, *, noise: float = 0.01, basis: Literal["modulus", "component"] = "modulus"
) -> Spectrum:
    """Return the same, in order."""
    return spectrum(measured_spectrum(seed, noise=noise, basis=basis))


def series(seed: int, temperatures_K: Floats, *, noise: float = 0.01) -> list[Measurement]:
    """Return spectra at several temperatures."""
    return [
        measured_spectrum(1000 * seed + place, float(t), noise=noise)
        for place, t in enumerate(temperatures_K)
    ]
