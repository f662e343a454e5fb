"""The step that reads impedance spectra and says what conducts."""

from __future__ import annotations

import math
from typing import Literal

from pydantic import Field

from vitrolyte.data.errors import InputError
from vitrolyte.data.io.instruments.impedance.read import read_impedance
from vitrolyte.data.measurement import Measurement
from vitrolyte.laboratory.impedance.analysis import CITATIONS, analyse_impedance
from vitrolyte.laboratory.impedance.settings import ImpedanceSettings
from vitrolyte.study.recipe import Output, Recipe, Work
from vitrolyte.study.recipes.laboratory.measured import (
    MeasuredSettings,
    PositiveList,
    conditions_for,
)


class EisSettings(MeasuredSettings):
    """Impedance spectra: conductivities of bulk and grain boundaries, over temperature too."""

    temperature_K: PositiveList = Field(
        (), description="Temperature, K, one for all spectra or one for each."
    )
    thickness_cm: PositiveList = Field(
        (), description="Thickness of the pellet, cm, one for all spectra or one for each."
    )
    thickness_error_cm: float = Field(0.0, ge=0.0, description="Its standard error, cm.")
    area_cm2: PositiveList = Field((), description="Area of the electrodes, cm².")
    diameter_cm: PositiveList = Field((), description="Diameter of the electrodes, cm.")
    area_error_cm2: float = Field(0.0, ge=0.0, description="Standard error of the area, cm².")
    circuit: str = Field(
        "", description="A circuit, R(RQ)Q or R0-p(R1,CPE1)-CPE2; by evidence if none is given."
    )
    sign: Literal["check", "physical", "swapped"] = Field(
        "check", description="swapped if a file holds -Z'' where Z'' is expected."
    )
    answer: Literal["conductivity", "resistance"] = Field(
        "conductivity", description="resistance does without thickness and area."
    )
    series: Literal["joint", "single"] = Field(
        "joint", description="Whether spectra at several temperatures are fitted together."
    )
    times: bool = Field(True, description="Whether distributions of relaxation times are made.")
    extrapolate_to_K: float = Field(
        298.15, gt=0.0, description="Temperature of the further conductivity of a series, K."
    )
    bootstrap: int = Field(
        0, ge=0, description="Simulated spectra behind the intervals of a single fit; 0 for none."
    )


def fit_eis(work: Work) -> Output:
    """Read the spectra, fit them, and return what they say."""
    settings: EisSettings = work.settings
    found = [one for path in settings.files for one in read_impedance(path)]
    measurements = _with_conditions(found, settings)
    asked = ImpedanceSettings(
        circuit=settings.circuit,
        sign=settings.sign,
        answer=settings.answer,
        thickness_error_cm=settings.thickness_error_cm,
        area_error_cm2=settings.area_error_cm2,
        times=settings.times,
        joint=settings.series == "joint",
        extrapolate_to_K=settings.extrapolate_to_K,
        bootstrap=settings.bootstrap,
    )
    return Output(settings.sample(work), analyse_impedance(measurements, asked))


def _with_conditions(
    measurements: list[Measurement], settings: EisSettings
) -> tuple[Measurement, ...]:
    if settings.area_cm2 and settings.diameter_cm:
        raise InputError(
            "The size of the electrodes is given once",
            received="--area-cm2 and --diameter-cm",
            remedy="leave one of them out",
        )
    area = settings.area_cm2 or tuple(0.25 * math.pi * d**2 for d in settings.diameter_cm)
    given = conditions_for(
        len(measurements),
        temperature_K=settings.temperature_K,
        thickness_cm=settings.thickness_cm,
        area_cm2=area,
    )
    return tuple(one.given(told) for one, told in zip(measurements, given, strict=True))


RECIPES = (Recipe("eis", 1, EisSettings, fit_eis, citations=CITATIONS),)
