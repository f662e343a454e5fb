"""Steps that read weighings, dimensions and pycnometers, and give a density."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, Field

from vitrolyte.data.errors import InputError
from vitrolyte.data.io.instruments.density_tables import read_density_table
from vitrolyte.data.io.structures import read_structure
from vitrolyte.data.quantity import Quantity
from vitrolyte.laboratory.density import CITATIONS, DensitySettings, measured_density
from vitrolyte.laboratory.pycnometer import PycnometerVolumes
from vitrolyte.matter.catalogue import catalogue_crystal
from vitrolyte.observe.thermodynamics import density
from vitrolyte.study.recipe import Output, Recipe, Work
from vitrolyte.study.recipes.laboratory.measured import MeasuredSettings, listed

NotNegative = Annotated[float, Field(ge=0)]
Positive = Annotated[float, Field(gt=0)]
Pair = Annotated[tuple[Positive, ...], BeforeValidator(listed), Field(max_length=2)]
"""A value and, where it is known, its standard error."""


class DensityFitSettings(MeasuredSettings):
    """Density from a table of weighings, dimensions, pycnometer cycles or float tests."""

    liquid_g_per_cm3: Pair = Field(
        (), description="Density of the liquid and its error, g/cm³; water where not given"
    )
    liquid_K: Positive | None = Field(None, description="Temperature of the liquid, K")
    gas_g_per_cm3: NotNegative = Field(
        0.0012041, description="Density of the gas about the balance, g/cm³; air by default"
    )
    mass_g: Pair = Field((), description="Mass of the sample and its error, g")
    mass_error_g: NotNegative = Field(0.0, description="Error of the balance, g")
    length_error_cm: NotNegative = Field(0.0, description="Error of the calliper, cm")
    liquid_error_g_per_cm3: NotNegative = Field(
        0.0, description="Error of the liquids of a float test, g/cm³"
    )
    cell_cm3: Pair = Field((), description="Volume of a gas pycnometer's cell and its error, cm³")
    expansion_cm3: Pair = Field((), description="Its expansion volume and its error, cm³")
    reference_g_per_cm3: Pair = Field(
        (), description="Density of the crystal or the dense material and its error, g/cm³"
    )
    crystal: str = Field(
        "", description="The same from a crystal: its name in the catalogue, or a structure file"
    )
    temperature_K: Positive | None = Field(None, description="Temperature of the sample, K")

    def analysis(self) -> DensitySettings:
        """Return the settings of the analysis."""
        cell, expansion = _number(self.cell_cm3, "cm³"), _number(self.expansion_cm3, "cm³")
        return DensitySettings(
            liquid=_number(self.liquid_g_per_cm3, "g/cm³"),
            gas_g_per_cm3=self.gas_g_per_cm3,
            mass=_number(self.mass_g, "g"),
            mass_error_g=self.mass_error_g,
            length_error_cm=self.length_error_cm,
            liquid_error_g_per_cm3=self.liquid_error_g_per_cm3,
            volumes=PycnometerVolumes(cell, expansion) if cell and expansion else None,
            reference=self.reference(),
        )

    def reference(self) -> Quantity | None:
        """Return the density to compare with, from a number or from a crystal."""
        if self.reference_g_per_cm3 and self.crystal:
            raise InputError(
                "A density is compared with one reference",
                received="--reference-g-per-cm3 and --crystal",
                remedy="leave one out",
            )
        if not self.crystal:
            return _number(self.reference_g_per_cm3, "g/cm³")
        path = Path(self.crystal)
        atoms = read_structure(path) if path.suffix else catalogue_crystal(self.crystal).structure
        return Quantity(density(atoms).density.value, "g/cm³")


def _number(pair: Sequence[float], unit: str) -> Quantity | None:
    if not pair:
        return None
    return Quantity.normal(pair[0], pair[1], unit) if len(pair) > 1 else Quantity(pair[0], unit)


def fit_density(work: Work) -> Output:
    """Read tables of one sample, and give its density by each."""
    settings: DensityFitSettings = work.settings
    analysis = settings.analysis()
    results = []
    for path in settings.files:
        table = read_density_table(path, liquid_K=settings.liquid_K)
        found = measured_density(table.readings, analysis, mass_g=table.mass_g)
        results.append(found.noted(table.notes))
    return Output(settings.sample(work, settings.temperature_K), tuple(results))


RECIPES = (Recipe("density-fit", 1, DensityFitSettings, fit_density, citations=CITATIONS),)
