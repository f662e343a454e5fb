"""What the main figures would be if bonds were judged otherwise."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import get_args

from vitrolyte.data.errors import InputError
from vitrolyte.data.observation import Observation, Sample
from vitrolyte.data.quantity import Quantity
from vitrolyte.data.result import Result
from vitrolyte.observe.polyhedra.bonding import Method, Rule, bond_rule
from vitrolyte.observe.polyhedra.tally import Tally, tally
from vitrolyte.observe.sampling import sample

STEP_A = 0.1
"""Cut-offs are tried so much shorter and longer, Å."""

_LARGE_SHARE = 0.1
_MOST_ATOMS = 20_000


@dataclass(frozen=True, eq=False)
class BondChoices(Result):
    """The main figures by other ways of judging bonds.

    Attributes
    ----------
    names
        The ways; the first is the one in use, on the same frames.
    frames
        Number of frames they were tried on.
    figures
        The value by each way, in the order of ``names``: ``coordination Zr-O``, ``unit ZrOCl5``,
        ``corner O``, ``anion Cl terminal``.
    """

    names: tuple[str, ...]
    frames: int
    figures: Mapping[str, tuple[float, ...]]

    def observations(self, sample: Sample) -> tuple[Observation, ...]:
        """Return nothing: these figures stand in the notes of the rows that they concern."""
        del sample
        return ()

    def noted(self, number: Quantity, what: str, of: str) -> Quantity:
        """Return a quantity whose note says what it is by the other ways.

        It is provisional where one of them is further off than a tenth, of the number for a
        coordination number and of one for a share.
        """
        values = self.figures.get(f"{what} {of}", ())
        if number.status == "refused" or len(values) < 2:
            return number
        own, others = values[0], values[1:]
        told = ", ".join(f"{v:.3g} by {n}" for n, v in zip(self.names[1:], others))
        scale = abs(own) if what == "coordination" else 1.0
        worst = max((abs(v - own) for v in others if math.isfinite(v)), default=0.0)
        if worst > _LARGE_SHARE * scale and worst > 0.005:
            return number.provisional(f"it hangs on how bonds are judged: {told}")
        note = f"{number.note}; {told}" if number.note else told
        return replace(number, note=note)


def bond_choices(rule: Rule, max_frames: int) -> BondChoices:
    """Return the main figures by cut-offs 0.1 Å shorter and longer and by the other methods.

    A method whose parameters are missing is left out.

    Parameters
    ----------
    rule
        The one in use.
    max_frames
        At most so many frames, fewer where they hold more than 20 000 atoms in all; zero for none.
    """
    if max_frames < 1:
        return BondChoices((), 0, {})
    affordable = max(1, _MOST_ATOMS // rule.sampling.trajectory.n_atoms)
    frames = min(max_frames, affordable, len(rule.sampling.chosen))
    some = sample(rule.sampling.trajectory, frames)
    own = replace(rule, sampling=some)
    ways = {f"the {own.bonding.method}": own}
    if own.cut_offs:
        ways[f"cut-offs {STEP_A:g} Å shorter"] = own.shifted(-STEP_A)
        ways[f"cut-offs {STEP_A:g} Å longer"] = own.shifted(STEP_A)
    for method in get_args(Method):
        if method != own.bonding.method:
            try:
                other = replace(own.bonding, method=method, cut_offs={})
                ways[f"the {method}"] = bond_rule(some, other)
            except InputError:
                continue
    tables = [_figures(tally(way)) for way in ways.values()]
    words = list(dict.fromkeys(word for table in tables for word in table))
    figures = {
        word: tuple(
            table.get(word, 0.0 if word.startswith("unit") else math.nan) for table in tables
        )
        for word in words
    }
    return BondChoices(tuple(ways), len(some.chosen), figures)


def _figures(counted: Tally) -> dict[str, float]:
    weights = counted.frames / counted.frames.sum()
    found = {
        f"coordination {pair}": float(weights @ series)
        for pair, series in counted.coordination().items()
    }
    found |= {f"unit {name}": float(weights @ series) for name, series in counted.units().items()}
    whole = float(counted.connections.sum())
    for element in (*counted.rule.ligands, None):
        share = counted.corners(element).sum() / whole if whole else math.nan
        found[f"corner {element or 'all'}"] = float(share)
    for element in counted.rule.ligands:
        joined = counted.joined(element).sum(axis=0)
        parts = (joined[0], joined[1], joined[2:].sum(), joined[:2].sum())
        for role, part in zip(("free", "terminal", "bridging", "free or terminal"), parts):
            found[f"anion {element} {role}"] = float(part / joined.sum())
    return found
