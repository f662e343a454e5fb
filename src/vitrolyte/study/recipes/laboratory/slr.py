"""Steps that read spin relaxation: recoveries, and rates over temperature."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from vitrolyte.data.io.instruments.nmr.reading import read_relaxation
from vitrolyte.laboratory.relaxation.jumps import JumpSettings
from vitrolyte.laboratory.relaxation.rates import SlrSettings, spin_relaxation
from vitrolyte.study.recipe import Output, Recipe, Work
from vitrolyte.study.recipes.laboratory.measured import (
    PositiveList,
    conditions_for,
    files_read,
)
from vitrolyte.study.recipes.laboratory.nmr_files import SpectrometerSettings


class SlrFitSettings(SpectrometerSettings):
    """Spin relaxation against temperature, at one or several fields and spin-locks."""

    nucleus: str = Field("7Li", description="Nucleus, as 7Li")
    field_T: PositiveList = Field((), description="Magnetic field, T, where the files do not say")
    larmor_MHz: PositiveList = Field(
        (), description="Larmor frequency, MHz, in the place of the field"
    )
    spin_lock_kHz: PositiveList = Field((), description="Spin-lock, nutation frequency, kHz")
    temperature_K: PositiveList = Field((), description="Temperatures of recovery curves, K")
    processes: Annotated[int, Field(ge=0, le=3)] = Field(
        0, description="Number of processes; 0: one or two, by the evidence"
    )
    density: Literal[
        "asymmetric", "bpp", "two-dimensional", "cole-cole", "cole-davidson", "havriliak-negami"
    ] = Field("asymmetric", description="Spectral density of every process")
    mechanism: Literal["like", "unlike", "single"] = Field(
        "like", description="Frequencies that count: like or unlike spins, or one alone"
    )
    recovery: Literal["auto", "single", "stretched", "double"] = Field(
        "auto", description="Law of recovery curves; auto: by the evidence"
    )
    jump_length_A: Annotated[float, Field(gt=0)] | None = Field(
        None, description="Jump length, Å, for an estimate of the diffusivity"
    )
    ions_per_nm3: Annotated[float, Field(gt=0)] | None = Field(
        None, description="Mobile ions in a nm³, for an estimate of the conductivity"
    )

    def analysis(self) -> SlrSettings:
        """Return the settings of the analysis."""
        return SlrSettings(
            nucleus=self.nucleus,
            density=self.density,
            processes=self.processes,
            mechanism=self.mechanism,
            law=self.recovery,
            jump=JumpSettings(self.jump_length_A, self.ions_per_nm3),
        )


def fit_slr(work: Work) -> Output:
    """Read rates or recoveries, and fit them."""
    settings: SlrFitSettings = work.settings
    found = [one for path in settings.files for one in read_relaxation(path)]
    given = conditions_for(
        len(found),
        field_T=settings.field_T,
        larmor_MHz=settings.larmor_MHz,
        spin_lock_kHz=settings.spin_lock_kHz,
        temperature_K=settings.temperature_K,
    )
    measurements = [one.given(conditions) for one, conditions in zip(found, given)]
    result = spin_relaxation(measurements, settings.analysis())
    return Output(settings.sample(work), (files_read(measurements), result))


RECIPES = (
    Recipe(
        "slr",
        1,
        SlrFitSettings,
        fit_slr,
        citations=("10.1103/PhysRev.73.679", "10.1088/0953-8984/15/30/202"),
    ),
)
