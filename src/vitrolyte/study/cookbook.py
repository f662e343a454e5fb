"""Every recipe that a study file can name."""

from __future__ import annotations

from collections.abc import Mapping

from vitrolyte.study.recipe import Recipe
from vitrolyte.study.recipes import (
    connectivity,
    dynamics,
    matter,
    motion,
    potential,
    reading,
    spectra,
    structure,
    transport,
)
from vitrolyte.study.recipes.laboratory import (
    arrhenius_measured,
    cycling,
    dc,
    density,
    dsc,
    eis,
    exafs,
    lineshape,
    pdf,
    raman,
    slr,
    xrd,
)

_SUBJECTS = (
    matter,
    reading,
    potential,
    dynamics,
    structure,
    connectivity,
    spectra,
    transport,
    motion,
    arrhenius_measured,
    dc,
    density,
    cycling,
    dsc,
    eis,
    exafs,
    lineshape,
    pdf,
    raman,
    slr,
    xrd,
)

COOKBOOK: Mapping[str, Recipe] = {
    recipe.name: recipe for subject in _SUBJECTS for recipe in subject.RECIPES
}
