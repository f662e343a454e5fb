"""Steps that read currents after steps of voltage: electronic conductivity, transference."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated

from pydantic import BeforeValidator, Field

from vitrolyte.data.errors import InputError
from vitrolyte.data.io.instruments.transients import read_transients
from vitrolyte.data.measurement import Measurement
from vitrolyte.data.quantity import Quantity
from vitrolyte.data.result import Result
from vitrolyte.laboratory import transference
from vitrolyte.laboratory.polarisation import (
    CITATIONS,
    PolarisationSettings,
    polarisation,
)
from vitrolyte.laboratory.steady_current import SteadyCurrent, steady_current
from vitrolyte.laboratory.transference import PolarisedCell, bruce_vincent
from vitrolyte.study.recipe import Output, Recipe, Work
from vitrolyte.study.recipes.laboratory.measured import (
    MeasuredSettings,
    PositiveList,
    conditions_for,
    files_read,
    listed,
)

NotNegative = Annotated[float, Field(ge=0)]
Numbers = Annotated[tuple[float, ...], BeforeValidator(listed)]
Pair = Annotated[tuple[NotNegative, ...], BeforeValidator(listed), Field(max_length=2)]


class DcSettings(MeasuredSettings):
    """Polarisation by a constant voltage: electronic conductivity, or Bruce-Vincent transference.

    With resistances of the interfaces the cell has electrodes of the mobile metal and its
    transference number is wanted; without them the electrodes block ions.
    """

    voltage_V: Numbers = Field((), description="Applied voltage, V, where the file does not say")
    thickness_cm: PositiveList = Field((), description="Thickness of the pellet, cm")
    thickness_error_cm: NotNegative = Field(0.0, description="Standard error of the thickness, cm")
    area_cm2: PositiveList = Field((), description="Area of an electrode, cm²")
    area_error_cm2: NotNegative = Field(0.0, description="Standard error of the area, cm²")
    diameter_cm: PositiveList = Field((), description="Diameter of an electrode, cm")
    temperature_K: PositiveList = Field((), description="Temperature, K")
    total_conductivity_S_per_cm: Pair = Field(
        (), description="Total conductivity from impedance, S/cm, and its standard error"
    )
    mobile: str = Field("Li", description="The mobile ion")
    skip_s: NotNegative = Field(0.0, description="Beginning of a transient that is left out, s")
    interface_ohm: Numbers = Field(
        (), description="Resistance of the interfaces before and after polarisation, ohm"
    )
    interface_error_ohm: Numbers = Field((), description="Their standard errors, ohm")
    bulk_ohm: Numbers = Field(
        (), description="Resistance of the electrolyte before and after polarisation, ohm"
    )
    bulk_error_ohm: Numbers = Field((), description="Their standard errors, ohm")
    initial_current_A: Pair = Field(
        (), description="Current right after the step, A, and its standard error"
    )

    def analysis(self) -> PolarisationSettings:
        """Return the settings of the analysis."""
        total = self.total_conductivity_S_per_cm
        return PolarisationSettings(
            self.thickness_error_cm,
            self.area_error_cm2,
            with_error(total, "S/cm") if total else None,
            self.mobile,
            self.skip_s,
        )

    def areas(self) -> tuple[float, ...]:
        """Return the areas of electrodes, from their diameters where these are given."""
        if self.area_cm2 and self.diameter_cm:
            raise InputError(
                "The area of an electrode is given once",
                received="--area-cm2 and --diameter-cm",
                remedy="leave one out",
            )
        return self.area_cm2 or tuple(math.pi * d**2 / 4.0 for d in self.diameter_cm)


def with_error(pair: Sequence[float], unit: str) -> Quantity:
    """Return a quantity from a value and, where it is given, its standard error."""
    if len(pair) > 1:
        return Quantity.normal(pair[0], pair[1], unit)
    return Quantity(pair[0], unit)


def fit_dc(work: Work) -> Output:
    """Read transients, and find the electronic conductivity or the transference number."""
    settings: DcSettings = work.settings
    found = [one for path in settings.files for one in read_transients(path)]
    given = conditions_for(
        len(found),
        voltage_V=settings.voltage_V,
        thickness_cm=settings.thickness_cm,
        area_cm2=settings.areas(),
        temperature_K=settings.temperature_K,
    )
    measurements = [one.given(conditions) for one, conditions in zip(found, given)]
    results: list[Result] = [files_read(measurements)]
    if settings.interface_ohm:
        results += _transference(measurements, settings)
    else:
        results.append(polarisation(measurements, settings.analysis()))
    kelvin = measurements[0].conditions.temperature_K
    return Output(settings.sample(work, kelvin), tuple(results))


def _transference(measurements: Sequence[Measurement], settings: DcSettings) -> list[Result]:
    """Return the steady current and the transference number of one cell."""
    if len(measurements) != 1:
        raise InputError(
            "A transference number comes from one transient", received=f"{len(measurements)}"
        )
    step = steady_current(measurements[0], skip_s=settings.skip_s)
    if step.steady.status == "refused":
        raise InputError("A transference number needs a steady current", received=step.steady.note)
    sign = math.copysign(1.0, step.voltage_V)
    interfaces = _both(settings.interface_ohm, settings.interface_error_ohm, "interface")
    bulk = _both(settings.bulk_ohm, settings.bulk_error_ohm, "bulk") if settings.bulk_ohm else None
    cell = PolarisedCell(
        abs(step.voltage_V),
        _initial(measurements[0], step, settings),
        step.steady.scaled(sign, "A"),
        *interfaces,
        *(bulk or (None, None)),
    )
    return [step, bruce_vincent(cell, settings.mobile)]


def _both(values: Sequence[float], errors: Sequence[float], name: str) -> tuple[Quantity, Quantity]:
    if len(values) != 2 or len(errors) not in (0, 2):
        raise InputError(
            f"The option --{name}-ohm takes two resistances, before and after polarisation, and "
            f"--{name}-error-ohm as many errors",
            received=f"{len(values)} and {len(errors)}",
        )
    each = [(value, error) for value, error in zip(values, errors or (0.0, 0.0))]
    first, second = (with_error(pair if pair[1] > 0 else pair[:1], "ohm") for pair in each)
    return first, second


def _initial(measurement: Measurement, step: SteadyCurrent, settings: DcSettings) -> Quantity:
    """Return the current right after the step: given, or the first one measured, doubted."""
    if settings.initial_current_A:
        return with_error(settings.initial_current_A, "A")
    sign = math.copysign(1.0, step.voltage_V)
    first = float(sign * measurement.curve.y[0].real)
    number = Quantity.normal(first, abs(step.noise_A), "A")
    return number.provisional(
        f"I0 is the first current, {measurement.curve.x[0]:.3g} s after the step"
    )


RECIPES = (Recipe("dc", 1, DcSettings, fit_dc, citations=(*CITATIONS, *transference.CITATIONS)),)
