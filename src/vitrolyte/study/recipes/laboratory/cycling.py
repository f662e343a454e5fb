"""Steps that read a cycler's record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Literal

from pydantic import Field

from vitrolyte.data.cycling import CyclerRecord, joined_records
from vitrolyte.data.io.instruments.cycling.read import read_cycling
from vitrolyte.data.measurement import Conditions
from vitrolyte.laboratory.cycling.analysis import CycledCell, CyclingSettings, cycling
from vitrolyte.laboratory.cycling.symmetric import SymmetricCell
from vitrolyte.study.recipe import Output, Recipe, Work
from vitrolyte.study.recipes.laboratory.measured import (
    InstrumentFiles,
    MeasuredSettings,
    Positive,
    PositiveList,
    for_each,
)


class CyclingFitSettings(MeasuredSettings):
    """Records of galvanostatic cycling, one cell a file."""

    active_mass_mg: PositiveList = Field(
        (), description="Mass of active material, mg, one for all files or one for each"
    )
    mass_error_mg: Annotated[float, Field(ge=0)] = Field(
        0.0, description="Standard error of the mass, mg"
    )
    electrode: Literal["auto", "full", "cathode", "anode", "symmetric"] = Field(
        "auto", description="What is cycled: cathodes begin with a charge, anodes with a discharge"
    )
    positive_current: Literal["charge", "discharge"] = Field(
        "charge", description="What a positive current does in the file"
    )
    joined: bool = Field(
        False, description="Whether the files are parts of one test, in the order given"
    )
    first_cycle: Annotated[int, Field(ge=1)] = Field(
        2, description="First cycle of fade and mean efficiency; those before are formation"
    )
    one_C_mAh_g: Positive | None = Field(None, description="Capacity that 1C refers to, mAh/g")
    nominal_mAh: Positive | None = Field(
        None, description="Capacity of the cell that 1C refers to, mAh"
    )
    voltage_step_mV: Positive = Field(5.0, description="Width of a bin of dQ/dV, mV")

    def analysis(self) -> CyclingSettings:
        """Return the settings of the analysis."""
        return CyclingSettings(
            electrode=self.electrode,
            first_cycle=self.first_cycle,
            one_C_mAh_g=self.one_C_mAh_g,
            nominal_mAh=self.nominal_mAh,
            mass_error_mg=self.mass_error_mg,
            voltage_step_V=self.voltage_step_mV / 1e3,
        )


def fit_cycling(work: Work) -> Output:
    """Read the records, and say what each cell did."""
    settings: CyclingFitSettings = work.settings
    records: list[CyclerRecord] = [read_cycling(path) for path in settings.files]
    if settings.positive_current == "discharge":
        records = [record.turned() for record in records]
    if settings.joined:
        records = [joined_records(records)]
    masses = for_each("active_mass_mg", settings.active_mass_mg, len(records))
    told = [
        replace(record, conditions=record.conditions.with_given(Conditions(mass_mg=mass)))
        for record, mass in zip(records, masses, strict=True)
    ]
    results: list[CycledCell | SymmetricCell] = []
    for number, record in enumerate(told):
        found = cycling(record, settings.analysis())
        results.append(replace(found, cell=record.file) if len(told) > 1 else found)
        work.progress((number + 1) / len(told))
    return Output(settings.sample(work), (_files(told, results), *results))


def _files(
    records: Sequence[CyclerRecord], results: Sequence[CycledCell | SymmetricCell]
) -> InstrumentFiles:
    """Return what was found in the files, with what was assumed or left out."""
    return InstrumentFiles(
        tuple(
            (
                record.file,
                record.format,
                str(len(record)),
                ", ".join(
                    f"{name.replace('_', ' ')} {value:g}"
                    for name, value in record.conditions.known().items()
                ),
                "; ".join(result.notes),
            )
            for record, result in zip(records, results, strict=True)
        )
    )


RECIPES = (
    Recipe(
        "cycling",
        1,
        CyclingFitSettings,
        fit_cycling,
        citations=("10.1093/biomet/61.2.383",),
    ),
)
