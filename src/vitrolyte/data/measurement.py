"""A measured curve, and how it was taken."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace

from vitrolyte.data.curve import Curve
from vitrolyte.data.errors import InputError


@dataclass(frozen=True)
class Conditions:
    """How a measurement was taken, as far as it is known; None where it is not.

    Attributes
    ----------
    temperature_K, pressure_GPa
        State of the sample.
    thickness_cm, area_cm2
        Geometry of a pellet between electrodes.
    mass_mg
        Mass of the sample, or of the active material of an electrode.
    rate_K_per_min
        Heating rate, positive on heating.
    wavelength_A
        Wavelength of a diffraction pattern, Å.
    second_wavelength_A, second_ratio
        Of a second line in the beam (K-alpha-2), and its intensity over that of the first; a
        ratio of 0 says that there is none.
    field_T, spin_lock_kHz, spinning_kHz
        Magnetic field, spin-lock frequency ω₁/2π, and rate of magic-angle spinning.
    larmor_MHz, recycle_s
        Frequency of the nucleus that is observed, and the delay between its scans.
    voltage_V
        Applied voltage.

    Raises
    ------
    InputError
        If a value is not finite, or one that must be above zero is not.
    """

    temperature_K: float | None = None
    pressure_GPa: float | None = None
    thickness_cm: float | None = None
    area_cm2: float | None = None
    mass_mg: float | None = None
    rate_K_per_min: float | None = None
    wavelength_A: float | None = None
    second_wavelength_A: float | None = None
    second_ratio: float | None = None
    field_T: float | None = None
    spin_lock_kHz: float | None = None
    spinning_kHz: float | None = None
    larmor_MHz: float | None = None
    recycle_s: float | None = None
    voltage_V: float | None = None

    def __post_init__(self) -> None:
        for name, value in self.known().items():
            signed = name in ("pressure_GPa", "rate_K_per_min", "voltage_V")
            still = name in ("spinning_kHz", "second_ratio") and value == 0.0
            if not math.isfinite(value) or not (signed or still or value > 0):
                raise InputError(
                    f"The condition {name} needs a finite value{'' if signed else ' above zero'}",
                    received=f"{value}",
                )

    def known(self) -> Mapping[str, float]:
        """Return the conditions that are known, by name."""
        pairs = ((entry.name, getattr(self, entry.name)) for entry in fields(self))
        return {name: value for name, value in pairs if value is not None}

    def with_given(self, given: Conditions) -> Conditions:
        """Return the conditions with those that a user gave in the place of the file's."""
        return replace(self, **given.known())

    def require(self, name: str, *, of: str, remedy: str = "") -> float:
        """Return a condition that an answer cannot do without.

        Raises
        ------
        InputError
            If it is not known; the message names the option that gives it.
        """
        value: float | None = getattr(self, name)
        if value is None:
            option = "--" + name.replace("_", "-")
            raise InputError(
                f"{of} needs {name.replace('_', ' ')}",
                received="neither the file nor an option says it",
                remedy=remedy or f"give {option}",
            )
        return value


@dataclass(frozen=True, eq=False)
class Measurement:
    """One curve from an instrument.

    Attributes
    ----------
    curve
        What was measured, in internal units; ``y_error`` where the file has it.
    conditions
        How it was taken.
    file, format
        Name of the file, and as what it was read.
    part
        Which part of the file, where it holds several: a loop, a scan, a slice.
    notes
        What the reader had to assume or leave out.
    channels
        What was recorded beside it at the same x: the temperature of a calorimeter over time.
    """

    curve: Curve
    conditions: Conditions = field(default_factory=Conditions)
    file: str = ""
    format: str = ""
    part: str = ""
    notes: tuple[str, ...] = ()
    channels: tuple[Curve, ...] = ()

    def channel(self, name: str) -> Curve | None:
        """Return what was recorded beside the curve under a name; None where it was not."""
        found = (one for one in self.channels if one.y_axis.name == name)
        return next(found, None)

    @property
    def name(self) -> str:
        """Return file and part as people read them."""
        return f"{self.file} {self.part}".strip()

    def given(self, conditions: Conditions) -> Measurement:
        """Return the measurement with conditions that a user states.

        A value that contradicts the file's is taken, and a note says so.
        """
        own, told = self.conditions.known(), conditions.known()
        contradicted = tuple(
            f"the file says {name} {own[name]:g}; {value:g} was given and is used"
            for name, value in told.items()
            if name in own and not math.isclose(own[name], value, rel_tol=1e-6)
        )
        return replace(
            self,
            conditions=self.conditions.with_given(conditions),
            notes=self.notes + contradicted,
        )
