"""The step that reads scans of calorimeters and says what the glass did."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from vitrolyte.data.io.instruments.calorimetry.read import read_calorimetry
from vitrolyte.data.measurement import Measurement
from vitrolyte.laboratory.calorimetry.analysis import CITATIONS, calorimetry
from vitrolyte.laboratory.calorimetry.settings import CalorimetrySettings
from vitrolyte.study.recipe import Output, Recipe, Work
from vitrolyte.study.recipes.laboratory.measured import (
    MeasuredSettings,
    PositiveList,
    conditions_for,
    files_read,
)


class DscSettings(MeasuredSettings):
    """Calorimetry: glass transition, crystallisation, melting; over several rates, energies."""

    exo: Literal["", "up", "down"] = Field(
        "", description="Which way exothermic points, where the file does not say it."
    )
    mass_mg: PositiveList = Field(
        (), description="Mass of the sample, mg, one for all files or one for each."
    )
    rate_K_per_min: PositiveList = Field(
        (), description="Rate of heating, K/min, for files without times: one or one for each."
    )
    temperature_unit: Literal["", "C", "K"] = Field(
        "", description="Unit of temperatures in files that do not say it."
    )
    time_unit: Literal["", "s", "min"] = Field(
        "", description="Unit of times in files that do not say it."
    )
    flow_unit: Literal["", "W/g", "mW/mg", "mW"] = Field(
        "", description="Unit of heat flows in files that do not say it."
    )
    baseline: Literal["sigmoidal", "linear", "spline"] = Field(
        "sigmoidal", description="Baseline under peaks."
    )
    anchors_K: PositiveList = Field((), description="Where a spline baseline is held, K.")
    windows_K: PositiveList = Field(
        (), description="Ends of the glass's and of the liquid's line: four temperatures, K."
    )
    peaks_K: PositiveList = Field(
        (), description="Begin and end of each peak, K; found if none are given."
    )
    last_endotherm_melts: bool = Field(
        True, description="Whether the last endotherm on heating is melting."
    )
    melting_K: float | None = Field(
        None, gt=0, description="Melting temperature for figures of stability, K."
    )
    temperature_error_K: float = Field(
        0.0, ge=0.0, description="Standard error of temperatures, calibration and mounting, K."
    )
    settle_s: float = Field(60.0, ge=0.0, description="Time left out at the start of a scan, s.")


def fit_dsc(work: Work) -> Output:
    """Read the scans, look at each, and at what several rates say."""
    settings: DscSettings = work.settings
    measurements = _measurements(settings)
    asked = CalorimetrySettings(
        exo=settings.exo,
        settle_s=settings.settle_s,
        baseline=settings.baseline,
        anchors_K=settings.anchors_K,
        windows_K=settings.windows_K,
        peaks_K=settings.peaks_K,
        last_endotherm_melts=settings.last_endotherm_melts,
        melting_K=settings.melting_K,
        temperature_error_K=settings.temperature_error_K,
    )
    found = calorimetry(measurements, asked)
    return Output(settings.sample(work), (found, files_read(measurements)))


def _measurements(settings: DscSettings) -> tuple[Measurement, ...]:
    """Return the segments of all files under the conditions that were given for each file."""
    given = conditions_for(
        len(settings.files), mass_mg=settings.mass_mg, rate_K_per_min=settings.rate_K_per_min
    )
    found: list[Measurement] = []
    for path, told in zip(settings.files, given, strict=True):
        segments = read_calorimetry(
            path,
            temperature_unit=settings.temperature_unit,
            time_unit=settings.time_unit,
            flow_unit=settings.flow_unit,
        )
        found += [segment.given(told) for segment in segments]
    return tuple(found)


RECIPES = (Recipe("dsc", 1, DscSettings, fit_dsc, citations=CITATIONS),)
