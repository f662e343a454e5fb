"""Steps that read conductivities over temperature, and find what law they follow."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from vitrolyte.data.errors import InputError
from vitrolyte.data.io.instruments.conductivity_table import TableUnits, read_conductivities
from vitrolyte.laboratory.conductivity_series import (
    CITATIONS,
    ConductivitySettings,
    conductivity_series,
)
from vitrolyte.observe.motion.temperature_points import Transition
from vitrolyte.study.recipe import Output, Recipe, Work
from vitrolyte.study.recipes.laboratory.measured import MeasuredSettings, Words, files_read

NotNegative = Annotated[float, Field(ge=0)]


class ArrheniusFitSettings(MeasuredSettings):
    """Conductivity over temperature: energies, prefactors, phases, compensation."""

    temperature_unit: Literal["", "K", "C"] = Field(
        "", description="Unit of the temperatures where the table has none: K or C"
    )
    conductivity_unit: str = Field(
        "", description="Unit of the conductivities where the table has none: S/cm, S/m, mS/cm"
    )
    to_K: Annotated[float, Field(gt=0)] = Field(
        298.15, description="Temperature at which the conductivity is wanted, K"
    )
    of: str = Field("total", description="What the conductivity is of: bulk, grain_boundary, total")
    transitions_K: Words = Field(
        (), description="Known transitions, K: one temperature, or two with a dash, as 310-312"
    )
    relative_error: NotNegative = Field(
        0.0, description="Error of each conductivity over its value, where the table has none"
    )
    temperature_error_K: NotNegative = Field(0.0, description="Error of each temperature, K")
    shared_relative_error: NotNegative = Field(
        0.0, description="Error of a factor that all conductivities share, as of the thickness"
    )
    shared_temperature_error_K: NotNegative = Field(
        0.0, description="Error of an offset that all temperatures share, K"
    )

    def analysis(self) -> ConductivitySettings:
        """Return the settings of the analysis."""
        return ConductivitySettings(
            to_K=self.to_K,
            of=self.of,
            transitions=tuple(transition(text) for text in self.transitions_K),
            relative_error=self.relative_error,
            temperature_error_K=self.temperature_error_K,
            shared_relative_error=self.shared_relative_error,
            shared_temperature_error_K=self.shared_temperature_error_K,
        )


def transition(text: str) -> Transition:
    """Return a transition from its temperature, or from the two between which it lies.

    Raises
    ------
    InputError
        If the text is neither.
    """
    try:
        ends = [float(part) for part in text.split("-")]
    except ValueError:
        ends = []
    if len(ends) not in (1, 2):
        raise InputError(
            "A transition is one temperature in K, or two with a dash between them",
            received=repr(text),
            remedy="write 310 or 310-312",
        )
    return Transition(f"transition at {text} K", ends[0], ends[-1])


def fit_arrhenius(work: Work) -> Output:
    """Read tables of conductivity, and weigh the laws of temperature."""
    settings: ArrheniusFitSettings = work.settings
    units = TableUnits(settings.temperature_unit, settings.conductivity_unit)
    found = [one for path in settings.files for one in read_conductivities(path, units)]
    result = conductivity_series(found, settings.analysis())
    return Output(settings.sample(work), (files_read(found), result))


RECIPES = (Recipe("arrhenius-fit", 1, ArrheniusFitSettings, fit_arrhenius, citations=CITATIONS),)
