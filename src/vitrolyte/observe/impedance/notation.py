"""Circuits as they are written: ``R(RQ)(RQ)Q`` and ``R0-p(R1,CPE1)-CPE2``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from vitrolyte.data.errors import InputError
from vitrolyte.observe.impedance.circuits import Branch, Circuit, Leaf
from vitrolyte.observe.impedance.elements import ALIASES, ELEMENTS

MOST_ELEMENTS = 24
DEEPEST = 12
_ELEMENT = re.compile(r"(ZARC|Zarc|CPE|Ws|Wo|[RCLQWGDZ])(\d*)")
_REMEDY = "write R(RQ)(RQ)Q, or R0-p(R1,CPE1)-CPE2; elements: " + ", ".join(ELEMENTS)


def parse_circuit(text: str) -> Circuit:
    """Return the circuit that a text stands for, in either of two common notations.

    ``R(RQ)(RQ)Q``: elements one after the other are in series, round brackets hold what is in
    parallel, and inside these square brackets, or again round ones, what is in series:
    ``R(Q[RW])``, ``R(Q(RW))``. ``R0-p(R1,CPE1)-CPE2``: hyphens are series, ``p(a,b)`` is
    parallel. CPE and Q are the same. Numbers behind elements are kept as labels.

    Raises
    ------
    InputError
        If the text is no circuit; the message shows where.
    """
    squeezed = "".join(text.split())
    if not squeezed or len(squeezed) > 400:
        raise InputError("A circuit is written in a few letters", received=repr(text[:60]))
    hyphenated = "-" in squeezed or "p(" in squeezed or "," in squeezed
    reader = _Reader(squeezed, hyphenated)
    tree = reader.series(0, square=False)
    if reader.place != len(squeezed):
        raise reader.refusal("the end, or an element,")
    if reader.count > MOST_ELEMENTS:
        raise InputError(
            f"A circuit has at most {MOST_ELEMENTS} elements", received=f"{reader.count}"
        )
    return Circuit(tree)


@dataclass
class _Reader:
    """A text being read from left to right."""

    text: str
    hyphenated: bool
    place: int = 0
    count: int = 0
    numbers: dict[str, int] = field(default_factory=dict)
    labels: set[str] = field(default_factory=set)

    def refusal(self, wanted: str) -> InputError:
        shown = f"{self.text[: self.place]}»{self.text[self.place :]}"
        return InputError(
            f"A circuit has {wanted} where the mark » stands", received=shown, remedy=_REMEDY
        )

    def take(self, sign: str) -> bool:
        found = self.text.startswith(sign, self.place)
        self.place += len(sign) * found
        return found

    def series(self, depth: int, *, square: bool) -> Leaf | Branch:
        """Read parts in series, up to a bracket or comma that closes them."""
        if depth > DEEPEST:
            raise self.refusal(f"at most {DEEPEST} brackets in each other")
        parts = [self.part(depth)]
        while self.place < len(self.text) and self.text[self.place] not in "),]":
            if self.hyphenated and not self.take("-"):
                raise self.refusal("a hyphen")
            parts.append(self.part(depth))
        if square and not self.take("]"):
            raise self.refusal("a closing square bracket")
        return _joined("series", parts)

    def part(self, depth: int) -> Leaf | Branch:
        if self.hyphenated:
            return self.listed(depth) if self.take("p(") else self.leaf()
        if self.take("("):
            return self.parallel(depth + 1)
        if self.take("["):
            return self.series(depth + 1, square=True)
        return self.leaf()

    def listed(self, depth: int) -> Leaf | Branch:
        """Read what stands in parallel between commas."""
        parts = [self.series(depth + 1, square=False)]
        while self.take(","):
            parts.append(self.series(depth + 1, square=False))
        if not self.take(")"):
            raise self.refusal("a closing bracket or a comma")
        return self.together(parts)

    def parallel(self, depth: int) -> Leaf | Branch:
        """Read what stands in parallel in round brackets; what is bracketed in it is a series."""
        if depth > DEEPEST:
            raise self.refusal(f"at most {DEEPEST} brackets in each other")
        parts: list[Leaf | Branch] = []
        while not self.take(")"):
            if self.take("["):
                parts.append(self.series(depth + 1, square=True))
            elif self.take("("):
                parts.append(self.series(depth + 1, square=False))
                if not self.take(")"):
                    raise self.refusal("a closing bracket")
            else:
                parts.append(self.leaf())
        return self.together(parts)

    def together(self, parts: Sequence[Leaf | Branch]) -> Leaf | Branch:
        if len(parts) < 2:
            raise self.refusal("two parts or more in parallel")
        return _joined("parallel", _resistance_first(parts))

    def leaf(self) -> Leaf:
        found = _ELEMENT.match(self.text, self.place)
        if found is None:
            raise self.refusal("an element")
        self.place = found.end()
        self.count += 1
        symbol = ALIASES.get(found[1], found[1])
        number = found[2]
        if not number:
            self.numbers[symbol] = self.numbers.get(symbol, 0) + 1
            number = str(self.numbers[symbol])
        label = symbol + number
        if label in self.labels:
            raise self.refusal(f"each label once, not {label} again,")
        self.labels.add(label)
        return Leaf(symbol, label)


def _resistance_first(parts: Sequence[Leaf | Branch]) -> list[Leaf | Branch]:
    """Return the parts of a parallel branch with a lone resistance in front."""
    return sorted(parts, key=lambda part: not (isinstance(part, Leaf) and part.symbol == "R"))


def _joined(how: str, parts: Sequence[Leaf | Branch]) -> Leaf | Branch:
    if len(parts) == 1:
        return parts[0]
    return Branch("series" if how == "series" else "parallel", tuple(parts))
