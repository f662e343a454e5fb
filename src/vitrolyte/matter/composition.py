"""What a material is made of: formulas, amounts and formal charges."""

from __future__ import annotations

import csv
import itertools
import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache, reduce
from importlib.resources import files

from vitrolyte.data.elements import atomic_number, masses
from vitrolyte.data.errors import InputError
from vitrolyte.data.trajectory import Trajectory

_SUBSCRIPTS = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")
_TOKEN = re.compile(r"[A-Z][a-z]?|\d+\.?\d*|\.\d+|[()\[\]]|.")
_CLOSES = {"(": ")", "[": "]"}
_TOLERANCE = 1e-6


@dataclass(frozen=True)
class Composition:
    """Amounts of the elements in one formula unit, in the order in which the user wrote them.

    Attributes
    ----------
    elements
        Element symbols, each once.
    amounts
        Atoms of each element per formula unit, positive, not necessarily whole.

    Raises
    ------
    InputError
        If it is empty, an amount is not positive and finite, or a symbol is no element.
    """

    elements: tuple[str, ...]
    amounts: tuple[float, ...]

    def __post_init__(self) -> None:
        for symbol in self.elements:
            atomic_number(symbol)
        positive = all(math.isfinite(amount) and amount > 0 for amount in self.amounts)
        if not self.elements or len(self.elements) != len(self.amounts) or not positive:
            raise InputError(
                "A composition is made of elements, each with a positive amount",
                received=f"elements {self.elements}, amounts {self.amounts}",
            )

    def __getitem__(self, element: str) -> float:
        return dict(zip(self.elements, self.amounts)).get(element, 0.0)

    @property
    def atoms(self) -> float:
        """Return the number of atoms in one formula unit."""
        return math.fsum(self.amounts)

    @property
    def mass_u(self) -> float:
        """Return the mass of one formula unit, u."""
        return math.fsum(masses(self.elements) * self.amounts)

    @property
    def formula(self) -> str:
        """Return the formula as it was counted, without brackets: ``Li2OHBr``."""
        return "".join(e + _digits(n) for e, n in zip(self.elements, self.amounts))

    @property
    def reduced_formula(self) -> str:
        """Return the formula with the smallest whole amounts, where amounts are whole."""
        return self.reduced().formula

    def reduced(self) -> Composition:
        """Return the same material with whole amounts divided by their common divisor."""
        if not self.is_whole:
            return self
        divisor = reduce(math.gcd, self.whole_amounts)
        return Composition(self.elements, tuple(n / divisor for n in self.whole_amounts))

    @property
    def is_whole(self) -> bool:
        """Return whether every amount is a whole number."""
        return all(abs(n - round(n)) < _TOLERANCE and round(n) > 0 for n in self.amounts)

    @property
    def whole_amounts(self) -> tuple[int, ...]:
        """Return the amounts rounded to whole numbers."""
        return tuple(round(n) for n in self.amounts)


def _digits(amount: float) -> str:
    return "" if abs(amount - 1) < _TOLERANCE else f"{amount:.6g}"


def parse_formula(text: str) -> Composition:
    """Return the composition that a chemical formula states.

    Round and square brackets may be nested, amounts may be fractions of one, and subscripts may
    be Unicode: ``Li3OCl``, ``Li2(OH)0.9F0.1Cl``, ``Li2.99Ba0.005OCl``.

    Raises
    ------
    InputError
        If the formula is empty, a bracket has no partner, an amount is zero or stands alone, a
        sign is not understood, or a symbol is no element (the message names a near one).
    """
    tokens = _TOKEN.findall("".join(text.split()).translate(_SUBSCRIPTS))
    counts, rest = _group(tokens, text, closing=None)
    if rest or not counts:
        raise _impossible(text, "it holds no element" if not counts else f"unexpected {rest[0]!r}")
    return Composition(tuple(counts), tuple(counts.values()))


def _impossible(text: str, reason: str) -> InputError:
    return InputError(
        "A formula is element symbols and brackets, each followed by its positive amount or none",
        received=f"{text!r}: {reason}",
        remedy="write it like Li3OCl or Li2(OH)0.9F0.1Cl",
    )


def _group(tokens: list[str], text: str, closing: str | None) -> tuple[dict[str, float], list[str]]:
    """Return the counts of one bracket's inside and the tokens after its end."""
    counts: dict[str, float] = {}
    while tokens:
        token, tokens = tokens[0], tokens[1:]
        if token in _CLOSES:
            inside, tokens = _group(tokens, text, _CLOSES[token])
        elif token == closing:
            return counts, tokens
        elif token[0].isalpha() and token[0].isupper():
            atomic_number(token)
            inside = {token: 1.0}
        else:
            raise _impossible(text, f"{token!r} is out of place")
        amount, tokens = _amount(tokens, text)
        for element, count in inside.items():
            counts[element] = counts.get(element, 0.0) + count * amount
    if closing is not None:
        raise _impossible(text, f"a bracket is not closed by {closing!r}")
    return counts, []


def _amount(tokens: list[str], text: str) -> tuple[float, list[str]]:
    if not tokens or not tokens[0].replace(".", "", 1).isdigit():
        return 1.0, tokens
    amount = float(tokens[0])
    if amount <= 0:
        raise _impossible(text, f"the amount {tokens[0]} is not positive")
    return amount, tokens[1:]


def composition_of(species: Iterable[str] | Trajectory) -> Composition:
    """Return the reduced composition of atoms, elements in order of first appearance."""
    symbols = species.species if isinstance(species, Trajectory) else species
    counts = Counter(symbols)
    return Composition(tuple(counts), tuple(map(float, counts.values()))).reduced()


_PART = re.compile(r"(\d*\.?\d*)(.+)")


def parse_mixture(text: str) -> Composition:
    """Return the composition of a mixture written as parts: ``70Li2S-30P2S5``, ``LiCl·2H2O``.

    Parts are joined by ``-``, ``+``, ``·``, or a full stop before a letter; each may carry its
    amount in front. A plain formula is a mixture of one part.

    Raises
    ------
    InputError
        If a part is no formula, or elements are listed without amounts (``Li-Zr-O-Cl``).
    """
    joined = re.sub(r"\.(?=[A-Z(\[])", "·", "".join(text.split()))
    parts: dict[str | Composition, float] = {}
    for piece in re.split(r"[-+·–]", joined):
        found = _PART.fullmatch(piece)
        if found is None:
            raise _impossible(text, "a part of the mixture is missing")
        one = parse_formula(found[2])
        parts[one] = parts.get(one, 0.0) + float(found[1] or 1.0)
    if len(parts) > 1 and all(len(piece) < 3 for piece in re.split(r"[-+·–]", joined)):
        raise _impossible(text, "it names elements, without amounts")
    return mixed(parts)


def mixed(parts: Mapping[str | Composition, float]) -> Composition:
    """Return one formula unit made of so many of each part: ``{"Li2O": 1, "LiCl": 1}``.

    Raises
    ------
    InputError
        If an amount is negative, none is positive, or a part is no formula.
    """
    amounts: dict[str, float] = {}
    for part, share in parts.items():
        if not math.isfinite(share) or share < 0:
            raise InputError("A mixture takes no negative amounts", received=f"{share:g} of {part}")
        one = parse_formula(part) if isinstance(part, str) else part
        for element, amount in zip(one.elements, one.amounts):
            amounts[element] = amounts.get(element, 0.0) + share * amount
    present = {element: amount for element, amount in amounts.items() if amount > 0}
    return Composition(tuple(present), tuple(present.values()))


def composition_line(
    first: str | Composition, last: str | Composition, *, n: int = 5
) -> tuple[Composition, ...]:
    """Return mixtures evenly spaced from one material to another, both ends included.

    Point k holds ``(1 - x) first + x last`` formula units with ``x = k / (n - 1)``, so that x is
    a mole fraction: the middle of ``Li2O`` and ``LiCl`` is Li1.5O0.5Cl0.5, which is Li3OCl.

    Parameters
    ----------
    first, last
        The ends of the line.
    n
        Number of mixtures, two or more.

    Raises
    ------
    InputError
        If fewer than two are asked for, or an end is impossible or has no neutral assignment.
    """
    ends = tuple(parse_formula(e) if isinstance(e, str) else e for e in (first, last))
    if n < 2:
        raise InputError("A line of compositions has at least its two ends", received=f"n = {n}")
    for end in ends:
        formal_charges(end)
    shares = [k / (n - 1) for k in range(n)]
    return tuple(mixed({ends[0]: 1.0 - x, ends[1]: x}) for x in shares)


@dataclass(frozen=True)
class _States:
    common: tuple[int, ...]
    other: tuple[int, ...]
    electronegativity: float


@cache
def _oxidation_states() -> dict[str, _States]:
    text = (files("vitrolyte.matter") / "oxidation_states.csv").read_text(encoding="utf-8")
    return {
        row["element"]: _States(
            tuple(map(int, row["common"].split())),
            tuple(map(int, row["other"].split())),
            float(row["electronegativity"] or 2.2),
        )
        for row in csv.DictReader(text.splitlines())
    }


def formal_charges(
    composition: Composition, given: Mapping[str, int] | None = None
) -> dict[str, int]:
    """Return one formal charge per element such that the formula unit is neutral, e.

    Among all neutral choices from the known oxidation states it prefers common states, then the
    order of Pauling electronegativities, then the lowest states of the most electronegative
    elements. One element carries one charge; a compound with two valences of an element needs
    ``given``.

    Parameters
    ----------
    composition
        What to balance.
    given
        Charges that are fixed beforehand, e.

    Raises
    ------
    InputError
        If no choice is neutral, or a given element is not in the composition.
    """
    fixed = dict(given or {})
    strangers = set(fixed) - set(composition.elements)
    if strangers:
        raise InputError(
            f"Charges can be given for the elements of {composition.formula} only",
            received=f"{sorted(strangers)}",
        )
    choices = [_choices(element, fixed) for element in composition.elements]
    neutral = [
        states
        for states in itertools.product(*choices)
        if abs(math.fsum(q * n for q, n in zip(states, composition.amounts))) < _TOLERANCE
    ]
    if not neutral:
        raise _unbalanced(composition, choices)
    best = min(neutral, key=lambda states: _strangeness(composition.elements, states))
    return dict(zip(composition.elements, best))


def _choices(element: str, fixed: Mapping[str, int]) -> tuple[int, ...]:
    if element in fixed:
        return (fixed[element],)
    states = _oxidation_states().get(element)
    return () if states is None else tuple(q for q in states.common + states.other if q)


def _unbalanced(composition: Composition, choices: list[tuple[int, ...]]) -> InputError:
    tried = ", ".join(f"{e} {list(c)}" for e, c in zip(composition.elements, choices))
    return InputError(
        "The formal charges of a formula unit must add up to zero",
        received=f"{composition.formula}, for which no choice is neutral among {tried}",
        remedy="check the amounts, or give the charges of the elements",
    )


def _strangeness(
    elements: tuple[str, ...], states: tuple[int, ...]
) -> tuple[int, int, float, tuple[int, ...]]:
    """Return a sort key: uncommon states, pairs against electronegativity, then ionicity."""
    table = _oxidation_states()
    known = [table.get(element, _States((), (), 2.2)) for element in elements]
    uncommon = sum(q not in k.common for q, k in zip(states, known))
    pull = [k.electronegativity for k in known]
    inverted = sum(
        (pull[i] - pull[j]) * (states[i] - states[j]) > 0
        for i, j in itertools.combinations(range(len(states)), 2)
    )
    return uncommon, inverted, sum(q * x for q, x in zip(states, pull)), states
