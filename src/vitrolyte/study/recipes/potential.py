"""The step that takes a potential from the shelf."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from vitrolyte.data.errors import InputError
from vitrolyte.data.observation import Observation, Sample
from vitrolyte.data.result import Result
from vitrolyte.matter.composition import parse_formula
from vitrolyte.potentials import shelf
from vitrolyte.potentials.potential import Potential
from vitrolyte.potentials.teacher_catalogue import KNOWN, teacher_named, teacher_potential
from vitrolyte.study.recipe import Output, Product, Recipe, RecipeSettings, Work
from vitrolyte.study.settings import SampleSettings

AUTOMATIC = "auto"


def named_potential(name: str) -> Potential:
    """Return a potential from the shelf, or a teacher that is itself to move the atoms.

    Raises
    ------
    InputError
        If there is none of that name, or the teacher is not installed.
    """
    if any(name == known.name for known in KNOWN):
        return teacher_potential(teacher_named(name))
    return shelf.load(name)


class PotentialSettings(RecipeSettings):
    """``name`` of a potential or a teacher, or ``auto`` for the one that covers the formula."""

    name: str = AUTOMATIC

    def find(self, study: SampleSettings) -> Potential:
        """Return the potential.

        Raises
        ------
        InputError
            If there is none for the chemistry, or it does not cover it.
        """
        elements = tuple(parse_formula(study.formula).elements)
        if self.name == AUTOMATIC:
            return shelf.find(elements)
        named = named_potential(self.name)
        if not named.covers(elements):
            raise InputError(
                f"The potential must cover {' '.join(elements)}",
                received=f"{named.name}, which covers {' '.join(named.elements)}",
                remedy=f'use name = "{AUTOMATIC}", or distil a student for this chemistry',
            )
        return named

    def fingerprint(self, study: SampleSettings) -> Mapping[str, str]:
        """Return name and digest: another potential is another id."""
        found = self.find(study)
        return {"potential": found.name, "digest": found.digest}


@dataclass(frozen=True, eq=False)
class ChosenPotential(Result):
    """The potential of a study.

    Attributes
    ----------
    name, kind, digest
        Which potential, exactly.
    trusted
        Whether every trust figure kept its limit; None where none were measured.
    citations
        What to cite.
    """

    name: str
    kind: str
    digest: str
    trusted: bool | None
    citations: tuple[str, ...]

    def observations(self, sample: Sample) -> tuple[Observation, ...]:
        """Return no rows: the trust figures are about a chemistry, not about this sample."""
        del sample
        return ()


def choose(work: Work) -> Output:
    """Record which potential the study uses."""
    found = work.settings.find(work.study)
    trusted = None if found.card is None else found.card.trusted
    result = ChosenPotential(found.name, found.kind, found.digest, trusted, found.citations)
    return Output(Sample(work.study.material, work.study.formula, ""), (result,))


def chosen(product: Product) -> Potential:
    """Return the potential that a step took from the shelf.

    Raises
    ------
    InputError
        If its files changed since.
    """
    record = product.result(ChosenPotential)
    found = named_potential(record.name)
    if found.digest != record.digest:
        raise InputError(
            f"The potential {record.name} must be the one that the study began with",
            received="files that differ",
            remedy="run the study again; its steps get new ids",
        )
    return found


RECIPES = (Recipe("potential", 1, PotentialSettings, choose),)
