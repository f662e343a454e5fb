"""`vitrolyte fit raman`: peaks of a Raman spectrum, and shares of structural units."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from vitrolyte.data.errors import InputError
from vitrolyte.data.io.instruments.raman.reading import read_raman
from vitrolyte.infer.peaks import PeakSettings
from vitrolyte.laboratory.raman.analysis import (
    CITATIONS,
    THIOPHOSPHATES,
    RamanSettings,
    Unit,
    raman,
)
from vitrolyte.study.recipe import Output, Recipe, Work
from vitrolyte.study.recipes.laboratory.measured import (
    MeasuredSettings,
    PositiveList,
    Words,
    conditions_for,
    files_read,
    listed,
)

Numbers = Annotated[tuple[float, ...], BeforeValidator(listed)]


class RamanFitSettings(MeasuredSettings):
    """Peaks of Raman spectra on a baseline that is fitted with them."""

    recipe: Literal["raman"]
    temperature_K: PositiveList = Field(
        (), description="Temperature, one or one for each spectrum."
    )
    window: Numbers = Field((), description="Range of shifts, 1/cm: 350,480.")
    units: Words = Field(
        (), description="Units and their shifts: P2S7=405,PS4=421; or thiophosphate."
    )
    cross_sections: Words = Field((), description="Scattering of a unit, relative: P2S7=1.6,PS4=1.")
    centres: Numbers = Field((), description="Shifts at which peaks are known, 1/cm.")
    most_peaks: int = Field(10, ge=1, le=40, description="Most peaks that are fitted.")
    widths: Numbers = Field((4.0, 120.0), description="Narrowest and widest peak, 1/cm.")
    baseline_orders: Annotated[tuple[int, ...], BeforeValidator(listed)] = Field(
        (1, 2, 3, 4), description="Orders of the baseline polynomial that are tried."
    )
    reach: float = Field(8.0, gt=0, description="How far a peak may stand from its unit, 1/cm.")

    def analysis(self) -> RamanSettings:
        """Return the settings of the analysis."""
        if len(self.window) not in (0, 2) or len(self.widths) != 2:
            raise InputError(
                "A range has two ends, as 350,480", received=f"{self.window}, {self.widths}"
            )
        return RamanSettings(
            window=(self.window[0], self.window[1]) if self.window else None,
            peaks=PeakSettings(
                centres=self.centres,
                most=self.most_peaks,
                widths=(self.widths[0], self.widths[1]),
                orders=self.baseline_orders,
            ),
            units=_units(self.units, self.cross_sections),
            reach=self.reach,
        )


def _units(words: tuple[str, ...], sections: tuple[str, ...]) -> tuple[Unit, ...]:
    scattering = _told(sections, "P2S7=1.6")
    if words == ("thiophosphate",):
        told = {unit.name: unit.shift for unit in THIOPHOSPHATES}
    else:
        told = _told(words, "PS4=421")
    strangers = set(scattering) - set(told)
    if strangers:
        raise InputError(
            "Cross sections are those of the units that are told",
            received=", ".join(sorted(strangers)),
        )
    return tuple(Unit(name, shift, scattering.get(name)) for name, shift in told.items())


def _told(words: tuple[str, ...], example: str) -> dict[str, float]:
    found = {}
    for word in words:
        name, _, value = word.partition("=")
        try:
            found[name.strip()] = float(value)
        except ValueError:
            raise InputError(
                "A name and a number belong together",
                received=repr(word),
                remedy=f"write {example}",
            ) from None
        if not found[name.strip()] > 0:
            raise InputError("The number of a unit is above zero", received=repr(word))
    return found


def fit_raman(work: Work) -> Output:
    """Read Raman spectra and take each apart."""
    settings: RamanFitSettings = work.settings
    read = [one for path in settings.files for one in read_raman(path)]
    told = conditions_for(len(read), temperature_K=settings.temperature_K)
    measurements = [one.given(conditions) for one, conditions in zip(read, told, strict=True)]
    analysis = settings.analysis()
    results = tuple(raman(one, analysis) for one in measurements)
    return Output(settings.sample(work), (*results, files_read(measurements)))


RECIPES = (Recipe("raman", 1, RamanFitSettings, fit_raman, citations=CITATIONS),)
