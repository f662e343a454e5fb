"""Steps that read spectra of nuclear resonance, or the widths of lines over temperature."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from vitrolyte.data.errors import InputError
from vitrolyte.data.io.instruments.nmr.reading import read_spectra
from vitrolyte.data.measurement import Measurement
from vitrolyte.data.result import Result
from vitrolyte.laboratory.line_shape.deconvolution import DeconvolutionSettings, deconvolution
from vitrolyte.laboratory.line_shape.narrowing import (
    NarrowingSettings,
    line_narrowing,
    narrowing_of_spectra,
)
from vitrolyte.laboratory.line_shape.patterns import PatternSettings, powder_pattern
from vitrolyte.study.recipe import Output, Recipe, Work
from vitrolyte.study.recipes.laboratory.measured import (
    PositiveList,
    Words,
    conditions_for,
    files_read,
    listed,
)
from vitrolyte.study.recipes.laboratory.nmr_files import SpectrometerSettings

Numbers = Annotated[tuple[float, ...], BeforeValidator(listed)]


class LineShapeSettings(SpectrometerSettings):
    """A spectrum as lines or as the pattern of a powder, or line widths over temperature."""

    model: Literal["lines", "quadrupolar", "czjzek", "shift-anisotropy"] = Field(
        "lines",
        description="lines: glass and crystal under spinning; static powder: quadrupolar, czjzek "
        "(a glass), shift-anisotropy",
    )
    nucleus: str = Field("", description="Nucleus, as 7Li, where the files do not say")
    axis_unit: Literal["", "ppm", "Hz", "kHz"] = Field(
        "", description="Unit of the axis of tables that do not say it"
    )
    components: Annotated[int, Field(ge=0, le=8)] = Field(
        0, description="Number of lines; 0: by the evidence"
    )
    names: Words = Field((), description="Names of the lines, from low shift to high")
    window: Numbers = Field((), description="Ends of the part that is fitted, ppm or Hz: low,high")
    baseline: Annotated[int, Field(ge=-1, le=5)] = Field(
        1, description="Order of the polynomial under the lines; -1: none"
    )
    bands: Annotated[int, Field(ge=0, le=8)] = Field(
        4, description="Spinning side bands that are folded back, up to this order"
    )
    T1_s: PositiveList = Field((), description="T1 of each line, s, for the fractions of phases")
    recycle_s: PositiveList = Field((), description="Delay between scans, s")
    spinning_kHz: PositiveList = Field((), description="Rate of magic-angle spinning, kHz")
    temperature_K: PositiveList = Field((), description="Temperature of each spectrum, K")
    larmor_MHz: PositiveList = Field((), description="Larmor frequency, MHz")
    rigid_width_Hz: Annotated[float, Field(gt=0)] | None = Field(
        None, description="Width of the rigid lattice, Hz, where the data do not reach it"
    )

    def measurements(self) -> list[Measurement]:
        """Return what the files hold, with the conditions that were given."""
        found = [one for path in self.files for one in read_spectra(path, axis_unit=self.axis_unit)]
        given = conditions_for(
            len(found),
            temperature_K=self.temperature_K,
            spinning_kHz=self.spinning_kHz,
            larmor_MHz=self.larmor_MHz,
            recycle_s=self.recycle_s,
        )
        return [one.given(conditions) for one, conditions in zip(found, given)]

    def lines(self) -> DeconvolutionSettings:
        """Return the settings of a sum of lines."""
        return DeconvolutionSettings(
            components=self.components,
            names=self.names,
            window=self.window,
            baseline=self.baseline,
            bands=self.bands,
            t1_s=self.T1_s,
        )

    def pattern(self, label: str) -> PatternSettings:
        """Return the settings of a powder pattern."""
        nucleus = self.nucleus or label
        if self.model == "lines" or not nucleus:
            raise InputError(
                "The pattern of a powder needs its nucleus",
                received="neither the file nor an option says it",
                remedy="give --nucleus, as 7Li",
            )
        return PatternSettings(self.model, nucleus, self.window)


def fit_lineshape(work: Work) -> Output:
    """Read spectra or widths, and fit them."""
    settings: LineShapeSettings = work.settings
    measurements = settings.measurements()
    sample = settings.sample(work)
    return Output(sample, (files_read(measurements), *_results(measurements, settings)))


def _results(measurements: list[Measurement], settings: LineShapeSettings) -> tuple[Result, ...]:
    """Return one result for each spectrum or table of widths, and one over temperature."""
    narrowing = NarrowingSettings(settings.nucleus, settings.rigid_width_Hz)
    found: list[Result] = []
    for one in measurements:
        if one.curve.x_axis.name == "temperature":
            found.append(line_narrowing(one, narrowing))
        elif settings.model == "lines":
            found.append(deconvolution(one, settings.lines()))
        else:
            found.append(powder_pattern(one, settings.pattern(one.curve.label)))
    over = narrowing_of_spectra(found, narrowing)
    return (*found, over) if over is not None else tuple(found)


RECIPES = (
    Recipe(
        "lineshape",
        1,
        LineShapeSettings,
        fit_lineshape,
        citations=(
            "10.1063/1.450211",
            "10.1016/0022-2364(73)90176-5",
            "10.1016/j.jmr.2008.03.001",
        ),
    ),
)
