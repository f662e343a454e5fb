"""Which neighbours a composition lets one expect, and how far away."""

from __future__ import annotations

from vitrolyte.data.errors import InputError
from vitrolyte.laboratory.pair_distribution.neighbours import ExpectedPair
from vitrolyte.matter.composition import formal_charges, parse_formula
from vitrolyte.matter.radii import ionic_radius

_TETRAHEDRAL_FROM = 5
_CROWDED, _OPEN = 4, 6


def expected_pairs(formula: str) -> tuple[ExpectedPair, ...]:
    """Return cations with anions round them, at the sum of Shannon's radii.

    Cations of charge five and more, and boron, silicon, aluminium and lithium, are taken with
    four neighbours, others with six. Empty where no formal charges balance.
    """
    composition = parse_formula(formula)
    try:
        charges = formal_charges(composition)
    except InputError:
        return ()
    found = []
    for cation, charge in charges.items():
        for anion, opposite in charges.items():
            if charge > 0 > opposite:
                distance = _distance((cation, round(charge)), (anion, round(opposite)))
                if distance is not None:
                    found.append(ExpectedPair(f"{cation}-{anion}", distance))
    return tuple(found)


def _distance(cation: tuple[str, int], anion: tuple[str, int]) -> float | None:
    small = cation[1] >= _TETRAHEDRAL_FROM or cation[0] in ("B", "Si", "Al", "Li", "Ge")
    try:
        around = ionic_radius(*cation, coordination=_CROWDED if small else _OPEN)
        return around + ionic_radius(*anion, coordination=_OPEN)
    except InputError:
        return None
