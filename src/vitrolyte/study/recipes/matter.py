"""Steps that make atoms: crystals, structures from files, vacancies."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import Field, model_validator

from vitrolyte.data.errors import InputError
from vitrolyte.data.io.structures import read_structure
from vitrolyte.data.observation import Sample
from vitrolyte.data.trajectory import Trajectory
from vitrolyte.matter.composition import formal_charges, parse_formula
from vitrolyte.matter.defects import Placement, remove_neutral_units
from vitrolyte.matter.prototypes import crystal, roles
from vitrolyte.matter.supercell import supercell
from vitrolyte.study.recipe import Each, Output, Recipe, RecipeSettings, Work
from vitrolyte.study.settings import SampleSettings

Count = Annotated[int, Field(ge=1)]


def charges_of(study: SampleSettings) -> dict[str, int]:
    """Return the formal charges of the elements of a study.

    Raises
    ------
    InputError
        If the formula is impossible or no neutral assignment is known.
    """
    return formal_charges(parse_formula(study.formula), study.charges)


class SizedSettings(RecipeSettings):
    """How large a supercell: ``repeats`` along the cell vectors, or ``at_least_atoms``."""

    repeats: tuple[Count, Count, Count] | None = None
    at_least_atoms: Count | None = None

    @model_validator(mode="after")
    def _one_size(self) -> SizedSettings:
        if self.repeats is not None and self.at_least_atoms is not None:
            raise ValueError("give either repeats or at_least_atoms")
        return self


class CrystalSettings(SizedSettings):
    """A crystal from the formula of the study and a prototype.

    Without ``lattice_parameter_A`` the ionic radii give a start.
    """

    prototype: str
    lattice_parameter_A: Annotated[float, Field(gt=0)] | None = None

    def fingerprint(self, study: SampleSettings) -> Mapping[str, str]:
        """Refuse a formula that is impossible, charged or no such crystal."""
        charges_of(study)
        roles(study.formula, self.prototype)
        return {}


class StructureFileSettings(SizedSettings):
    """A structure from a file (CIF, POSCAR, extended XYZ and what else ASE reads)."""

    path: Path
    phase: str = "crystal"

    def fingerprint(self, study: SampleSettings) -> Mapping[str, str]:
        """Return the digest of the file; refuse one that is unreadable or of other elements."""
        found = set(read_structure(self.path).species)
        wanted = set(parse_formula(study.formula).elements)
        if found != wanted:
            raise InputError(
                f"The file {self.path} must hold the elements {' '.join(sorted(wanted))}",
                received=" ".join(sorted(found)),
            )
        return {"sha256": hashlib.sha256(self.path.read_bytes()).hexdigest()}


class VacanciesSettings(RecipeSettings):
    """Schottky vacancies: neutral units taken out of a structure at random places."""

    structure: Each
    unit: str
    count: Count
    placement: Placement = "random"

    def fingerprint(self, study: SampleSettings) -> Mapping[str, str]:
        """Refuse a unit that is no formula, of other elements, or charged."""
        unit, charges = parse_formula(self.unit), charges_of(study)
        strange = [element for element in unit.elements if element not in charges]
        if strange:
            raise InputError(
                f"The unit that is taken must be made of the elements of {study.formula}",
                received=f"{self.unit}, with {' '.join(strange)}",
            )
        charge = sum(charges[element] * unit[element] for element in unit.elements)
        if abs(charge) > 1e-6:
            raise InputError(
                "The unit that is taken must be neutral",
                received=f"{self.unit} with charge {charge:+g} e",
                remedy=f"formal charges are {charges}; take a neutral unit",
            )
        return {}


def make_crystal(work: Work) -> Output:
    """Make the crystal and keep it."""
    settings: CrystalSettings = work.settings
    cell = crystal(
        work.study.formula, settings.prototype, lattice_parameter_A=settings.lattice_parameter_A
    )
    work.keep(_sized(settings, cell))
    return Output(_sample(work, "crystal"))


def take_from_file(work: Work) -> Output:
    """Read the structure and keep it."""
    settings: StructureFileSettings = work.settings
    work.keep(_sized(settings, read_structure(settings.path)))
    return Output(_sample(work, settings.phase))


def make_vacancies(work: Work) -> Output:
    """Take neutral units out of the structure and keep the rest."""
    settings: VacanciesSettings = work.settings
    source = work.one("structure")
    rest = remove_neutral_units(
        source.final(),
        settings.unit,
        count=settings.count,
        seed=work.seed,
        placement=settings.placement,
    )
    work.keep(rest)
    return Output(source.sample)


def _sized(settings: SizedSettings, cell: Trajectory) -> Trajectory:
    if settings.repeats is None and settings.at_least_atoms is None:
        return cell
    return supercell(cell, settings.repeats, at_least_atoms=settings.at_least_atoms)


def _sample(work: Work, phase: str) -> Sample:
    return Sample(work.study.material, work.study.formula, phase)


RECIPES = (
    Recipe("crystal", 1, CrystalSettings, make_crystal),
    Recipe("structure-file", 1, StructureFileSettings, take_from_file),
    Recipe("vacancies", 1, VacanciesSettings, make_vacancies, random=True),
)
