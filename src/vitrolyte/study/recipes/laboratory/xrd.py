"""Powder patterns: phases, lattices, mass shares, halos."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from vitrolyte.data.errors import InputError
from vitrolyte.data.io.crystals import read_crystal
from vitrolyte.data.io.files import file_digest
from vitrolyte.data.io.instruments.diffraction.powder import read_powder
from vitrolyte.data.measurement import Conditions, Measurement
from vitrolyte.laboratory.diffraction.analysis import PowderSettings, powder_pattern
from vitrolyte.observe.scattering.optics import anode_lines
from vitrolyte.study.recipe import Output, Recipe, Work
from vitrolyte.study.recipes.laboratory.measured import (
    MeasuredSettings,
    PositiveList,
    Words,
    conditions_for,
    listed,
)
from vitrolyte.study.settings import SampleSettings

Numbers = Annotated[tuple[float, ...], BeforeValidator(listed)]
Files = Annotated[tuple[Path, ...], BeforeValidator(listed)]

_MOST_SCANS = 64


class XrdSettings(MeasuredSettings):
    """Settings of the fit of powder patterns."""

    recipe: Literal["xrd"] = "xrd"
    phases: Files = Field((), description="CIF files of what may be in the sample.")
    wavelength_A: PositiveList = Field(
        (), description="Wavelength, one for all files or one for each."
    )
    anode: str = Field("", description="Anode of the tube, for its K-alpha lines: Cu, Co, Mo …")
    alpha_2: Literal["auto", "yes", "no"] = Field(
        "auto", description="Whether K-alpha-2 is in the beam."
    )
    radiation: Literal["x-ray", "neutron"] = Field("x-ray", description="What was scattered.")
    monochromator_deg: float = Field(
        0.0, ge=0, lt=180, description="2 theta of a monochromator: 26.6 for graphite and Cu."
    )
    shift: Literal["auto", "displacement", "zero", "none"] = Field(
        "auto", description="Displacement of the sample, or zero of the circle."
    )
    asymmetry: Literal["auto", "yes", "no"] = Field(
        "auto", description="Whether lines may be drawn out to low angle: for tubes, or as said."
    )
    method: Literal["auto", "Rietveld", "Pawley"] = Field(
        "auto", description="How lattice parameters are refined."
    )
    identify: bool = Field(
        True, description="Search which phases are there; otherwise all given ones are refined."
    )
    lattice_freedom_percent: float = Field(
        3.0, ge=0, le=10, description="How far lattices may be from those given."
    )
    texture: Words = Field((), description="Preferred orientation: name=hkl, Li3OCl=100 say.")
    between_deg: Numbers = Field((), description="First and last angle 2 theta that count.")
    standard: str = Field("", description="Internal standard: Si, LaB6, Al2O3, CeO2, or a phase.")
    standard_fraction: float | None = Field(
        None, gt=0, lt=1, description="Mass fraction of the standard that was weighed in."
    )
    temperature_K: PositiveList = Field((), description="Temperature of each pattern.")
    format: str = Field("", description="Format of the files, where it is not to be found out.")

    def fingerprint(self, study: SampleSettings) -> Mapping[str, str]:
        """Return the digests of patterns and structures."""
        given = {f"phase.{n}.sha256": file_digest(path) for n, path in enumerate(self.phases)}
        return {**super().fingerprint(study), **given}


def fit_xrd(work: Work) -> Output:
    """Read patterns and structures, and say what is in the sample."""
    settings = work.settings
    assert isinstance(settings, XrdSettings)
    patterns = _patterns(settings)
    crystals = tuple(read_crystal(path) for path in settings.phases)
    chosen = powder_settings(settings)
    results = tuple(powder_pattern(pattern, crystals, chosen) for pattern in patterns)
    temperatures = {pattern.conditions.temperature_K for pattern in patterns}
    temperature = temperatures.pop() if len(temperatures) == 1 else None
    return Output(settings.sample(work, temperature), results)


def _patterns(settings: XrdSettings) -> tuple[Measurement, ...]:
    found = [
        pattern
        for path in settings.files
        for pattern in read_powder(path, format=settings.format or None)
    ]
    if len(found) > _MOST_SCANS:
        raise InputError(
            f"At most {_MOST_SCANS} patterns are refined at once",
            received=f"{len(found)}, as of a map in reciprocal space",
            remedy="export the scans that are meant to files of their own",
        )
    given = conditions_for(
        len(found), wavelength_A=settings.wavelength_A, temperature_K=settings.temperature_K
    )
    if settings.anode:
        if settings.wavelength_A:
            raise InputError("Give an anode or a wavelength", received="both")
        given = tuple(_with_anode(one, settings.anode) for one in given)
    return tuple(pattern.given(one) for pattern, one in zip(found, given))


def _with_anode(conditions: Conditions, anode: str) -> Conditions:
    (first, share), (second, other) = anode_lines(anode)
    lines = Conditions(wavelength_A=first, second_wavelength_A=second, second_ratio=other / share)
    return conditions.with_given(lines)


def powder_settings(settings: XrdSettings) -> PowderSettings:
    """Return the settings of the analysis.

    Raises
    ------
    InputError
        If a range of angles or an axis of orientation is not well formed.
    """
    if len(settings.between_deg) not in (0, 2):
        raise InputError(
            "A range of angles has a first and a last one", received=str(settings.between_deg)
        )
    between = (settings.between_deg[0], settings.between_deg[1]) if settings.between_deg else None
    return PowderSettings(
        radiation=settings.radiation,
        alpha_2=settings.alpha_2,
        monochromator_deg=settings.monochromator_deg,
        shift=settings.shift,
        asymmetry=settings.asymmetry,
        method=settings.method,
        identify=settings.identify,
        lattice_freedom=settings.lattice_freedom_percent / 100.0,
        textures=dict(_texture(word) for word in settings.texture),
        between=between,
        standard=settings.standard,
        standard_fraction=settings.standard_fraction,
    )


def _texture(word: str) -> tuple[str, tuple[int, int, int]]:
    name, _, axis = word.partition("=")
    digits = [int(sign + digit) for sign, digit in _signed(axis)]
    if not name or len(digits) != 3 or not any(digits):
        raise InputError(
            "A preferred orientation is a phase and an axis hkl",
            received=repr(word),
            remedy="write quartz=001, or quartz=1-10",
        )
    return name, (digits[0], digits[1], digits[2])


def _signed(axis: str) -> list[tuple[str, str]]:
    found, sign = [], ""
    for letter in axis:
        if letter == "-":
            sign = "-"
        elif letter.isdigit():
            found.append((sign, letter))
            sign = ""
        else:
            return []
    return found


RECIPES = (
    Recipe(
        "xrd",
        1,
        XrdSettings,
        fit_xrd,
        citations=(
            "10.1107/S0021889869006558",
            "10.1107/S0021889881009618",
            "10.1107/S0021889887086199",
            "10.1107/S0021889887087090",
            "10.1107/S0021889890008391",
        ),
    ),
)
