"""The comparison: rows beside measured and published ones, and what may be said of each pair."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Literal

from vitrolyte.data.errors import InputError
from vitrolyte.data.observation import Observation
from vitrolyte.data.quantity import NORMAL_95
from vitrolyte.data.wording import quantity_text, sample_text, value_text
from vitrolyte.matter.composition import parse_formula

Verdict = Literal["agrees", "disagrees", "cannot be judged"]

WIDEST_DECADES = 2.0
"""A computed interval that spans more powers of ten than this decides nothing."""

SAME_TEMPERATURE_K = 5.0
"""Two values within this distance, K, count as of one temperature."""

AMBIENT_K = 298.15
"""Where a published value without a temperature is taken to belong, K."""

LOGARITHMIC = frozenset(
    {
        "ionic_conductivity",
        "electronic_conductivity",
        "tracer_diffusivity",
        "charge_diffusivity",
        "jump_rate",
        "correlation_time",
        "cooling_rate",
    }
)
"""Quantities whose errors are factors: compared as decimal logarithms."""

ABOUT_THE_WHOLE = frozenset({"", "total", "bulk"})
"""Words of ``of`` that mean the material as a whole."""

MOBILE_CATIONS = frozenset({"Li", "Na", "K", "Ag"})
"""Ions whose partial value a paper often prints as the value of the material."""

PER_SPECIES = frozenset({"transference_number", "coordination_number", "bond_length"})
"""Quantities that mean nothing without the species or pair that they are of."""


@dataclass(frozen=True)
class Comparison:
    """One row, the row it stands beside, and the verdict.

    Attributes
    ----------
    row
        A computed or measured row.
    reference
        What it stands beside: a published row or, for a computed one, a measured row as well;
        None where there is none.
    verdict
        ``agrees``: the two are compatible within their errors. ``disagrees``: they differ
        beyond both. ``cannot be judged``: a value, an error or a like state is missing.
    reason
        One plain sentence with the numbers.
    ratio
        Row over reference; only for quantities compared on a logarithmic scale.
    difference
        Row minus reference, in the unit of the rows; only for the others.
    """

    row: Observation
    reference: Observation | None
    verdict: Verdict
    reason: str
    ratio: float | None = None
    difference: float | None = None

    @property
    def side_by_side(self) -> bool:
        """Return whether there is a value of the same state to stand beside."""
        return self.reference is not None and _same_temperature(self.row, self.reference)

    @property
    def ground(self) -> str:
        """Return the reason without the two numbers, for a table that shows them already."""
        if self.reference is None:
            return self.reason
        rest = self.reason.removeprefix(_beside(self.row, self.reference))
        return rest[:1].upper() + rest[1:]


@dataclass(frozen=True)
class _Span:
    """A value with its 95 % interval on the scale of the comparison; infinite where open."""

    middle: float
    low: float
    high: float
    known: bool

    def holds(self, value: float) -> bool:
        return self.low <= value <= self.high

    def meets(self, other: _Span) -> bool:
        return self.low <= other.high and other.low <= self.high

    def error_towards(self, value: float) -> float:
        """Return the standard error on the side that faces a value."""
        end = self.high if value > self.middle else self.low
        return abs(end - self.middle) / NORMAL_95


def compare(
    rows: Sequence[Observation], published: Sequence[Observation]
) -> tuple[Comparison, ...]:
    """Set every row beside published ones, and a computed one beside measured ones; judge pairs.

    Rows belong together when formula, phase, quantity and species agree; phases are never mixed.
    Values more than 5 K apart are named but not judged. Two values with errors agree when

        z = |a - b| / sqrt(s_a² + s_b²) < 1.96,

    with the error of the side that faces the other value where an interval is skewed; a printed
    range or limit agrees when it meets the computed interval; a published value without an error
    is judged, to its last printed digit, by the computed interval alone, and the reason says so.
    An interval so wide that it would agree with nearly anything (two decades, or a half width above
    both values) can disagree but not agree.
    A published value that states no temperature stands beside the computed row of a series that is
    nearest to ambient. Conductivities, diffusivities and rates are compared as logarithms.
    Published rows without a partner are left out, and measured values that are refused are no
    reference.
    """
    ambient = {_series(row): row for row in sorted(rows, key=_from_ambient, reverse=True)}
    measured = [row for row in rows if row.kind == "measured" and row.status != "refused"]
    beside = {"computed": [*measured, *published], "measured": list(published)}
    return tuple(
        pair
        for row in rows
        for pair in _judged(row, beside.get(row.kind, ()), at_rest=ambient[_series(row)] == row)
    )


def _series(row: Observation) -> tuple[str, ...]:
    """Return what rows of one series over temperature have in common."""
    return (row.kind, row.formula, row.phase, row.quantity, row.of, row.method)


def _from_ambient(row: Observation) -> float:
    return math.inf if row.temperature_K is None else abs(row.temperature_K - AMBIENT_K)


def _judged(
    row: Observation, references: Sequence[Observation], *, at_rest: bool
) -> list[Comparison]:
    """Return the pairs of one row; ``at_rest`` where it is its series' nearest to ambient."""
    alike = [other for other in references if _same_thing(row, other)]
    if alike and row.temperature_K is not None and not at_rest:
        dated = [other for other in alike if other.temperature_K is not None]
        if not dated:
            reason = (
                f"The published {quantity_text(row)} states no temperature and is compared with "
                f"the {row.kind} one nearest to {AMBIENT_K:g} K."
            )
            return [Comparison(row, None, "cannot be judged", reason)]
        alike = dated
    if not alike:
        reason = f"No published value for the {quantity_text(row)} in {sample_text(row)}."
        return [Comparison(row, None, "cannot be judged", reason)]
    here = [other for other in alike if _same_temperature(row, other)]
    if here:
        return [_judge(row, other) for other in here]
    return [_apart(row, min(alike, key=lambda other: _temperature_gap(row, other)))]


def _same_thing(row: Observation, other: Observation) -> bool:
    return (
        row.quantity == other.quantity
        and row.phase == other.phase
        and formula_key(row.formula) == formula_key(other.formula)
        and _same_of(row, other)
    )


@cache
def formula_key(formula: str) -> str:
    """Return one spelling per composition: ``Li3ClO`` is ``Li3OCl``, ``Li2OHBr`` ``Li2(OH)Br``.

    Amounts count by their ratios, so that a box of ``Li6Zr2Cl8O3`` is ``Li3ZrCl4O1.5``. What is
    no formula stands for itself.
    """
    try:
        composition = parse_formula("".join(formula.split()))
    except InputError:
        return formula
    shares = zip(composition.elements, composition.amounts, strict=True)
    return " ".join(f"{e}{n / composition.atoms:.4f}" for e, n in sorted(shares))


def _same_of(row: Observation, other: Observation) -> bool:
    if row.of == other.of:
        return True
    if row.quantity in PER_SPECIES:
        return False
    if row.quantity == "lattice_parameter":
        return "" in (row.of, other.of)
    if other.of == "":
        return row.of in ABOUT_THE_WHOLE | MOBILE_CATIONS
    return row.of in ABOUT_THE_WHOLE and other.of in ABOUT_THE_WHOLE


def _temperature_gap(row: Observation, other: Observation) -> float:
    if row.temperature_K is None or other.temperature_K is None:
        return 0.0
    return abs(row.temperature_K - other.temperature_K)


def _same_temperature(row: Observation, other: Observation) -> bool:
    return _temperature_gap(row, other) <= SAME_TEMPERATURE_K


def _apart(row: Observation, other: Observation) -> Comparison:
    reason = (
        f"The {row.kind} value is for {row.temperature_K:g} K; the nearest {other.kind} one, "
        f"{value_text(other)}, is for {other.temperature_K:g} K."
    )
    return Comparison(row, other, "cannot be judged", reason)


def _judge(row: Observation, other: Observation) -> Comparison:
    if row.status == "refused" or row.value is None:
        why = row.note or "no value was obtained"
        reason = f"The {row.kind} value is refused ({why}); {other.kind} is {value_text(other)}."
        return Comparison(row, other, "cannot be judged", reason)
    verdict, finding = _decisive(_finding(row, other), row, other)
    sentence = f"{_beside(row, other)}{finding}."
    remarks = " ".join(_remarks(row, other))
    ratio, difference = _distance(row, other)
    return Comparison(row, other, verdict, f"{sentence} {remarks}".strip(), ratio, difference)


def _beside(row: Observation, other: Observation) -> str:
    return f"{row.kind.capitalize()} {value_text(row)}, {other.kind} {value_text(other)}: "


def _finding(row: Observation, other: Observation) -> tuple[Verdict, str]:
    """Return the verdict and the part of a sentence that gives its ground."""
    logarithmic = row.quantity in LOGARITHMIC
    ours, theirs = _span(row, logarithmic), _span(other, logarithmic)
    if ours is None or theirs is None:
        return "cannot be judged", "a value that is not positive has no place on a log scale"
    if not ours.known and not theirs.known:
        return "cannot be judged", "neither value states an error"
    if not theirs.known:
        return _without_its_error(ours, _as_stated(other, logarithmic), (row.kind, other.kind))
    if not ours.known:
        inside = theirs.holds(ours.middle)
        where = f"the {row.kind} value states no error and lies"
        if inside:
            return "agrees", f"{where} inside the {other.kind} interval"
        return "cannot be judged", f"{where} outside the {other.kind} interval"
    if other.error is None:
        return _against_range(ours, theirs, (row.kind, other.kind))
    return _by_errors(ours, theirs)


def _decisive(
    finding: tuple[Verdict, str], row: Observation, other: Observation
) -> tuple[Verdict, str]:
    """Withdraw an agreement that rests on an interval too wide to exclude anything."""
    width = _too_wide(row, other)
    if finding[0] != "agrees" or not width:
        return finding
    return "cannot be judged", f"an interval {width}: too wide to tell"


def _too_wide(row: Observation, other: Observation) -> str:
    """Say how wide an interval without power of decision is; empty for one that has it."""
    logarithmic = row.quantity in LOGARITHMIC
    spans = [_span(one, logarithmic) for one in (row, other)]
    widths = [span.high - span.low for span in spans if span is not None and span.known]
    # a printed limit is open on one side: not wide, but one-sided
    width = max(filter(math.isfinite, widths), default=0.0)
    if logarithmic:
        return f"spans {width:.1f} decades" if width > WIDEST_DECADES else ""
    if width / 2.0 > max(abs(span.middle) for span in spans if span is not None):
        return "is wider on either side than both values"
    return ""


def _without_its_error(ours: _Span, stated: _Span, kinds: tuple[str, str]) -> tuple[Verdict, str]:
    inside = ours.meets(stated)
    place = "inside" if inside else "outside"
    return (
        "agrees" if inside else "disagrees",
        f"the {kinds[1]} value states no error and lies {place} the {kinds[0]} interval",
    )


def _as_stated(row: Observation, logarithmic: bool) -> _Span:
    """Return the values that round to a printed one: half a unit of its last digit each way.

    A measured one without an error stands for itself.
    """
    value = row.value or 0.0
    if row.kind != "published":
        middle = _log(value) if logarithmic else value
        return _Span(middle, middle, middle, known=False)
    exponent = Decimal(repr(value)).normalize().as_tuple().exponent
    half = 0.5 * 10.0 ** min(0, int(exponent))
    ends = (value, value - half, value + half)
    middle, low, high = (_log(end) for end in ends) if logarithmic else ends
    return _Span(middle, low, high, known=False)


def _against_range(ours: _Span, theirs: _Span, kinds: tuple[str, str]) -> tuple[Verdict, str]:
    own, other = kinds
    if ours.meets(theirs):
        return "agrees", f"the {own} interval meets the {other} range"
    side = "above" if ours.low > theirs.high else "below"
    return "disagrees", f"the {own} interval lies wholly {side} the {other} range"


def _by_errors(ours: _Span, theirs: _Span) -> tuple[Verdict, str]:
    error = math.hypot(ours.error_towards(theirs.middle), theirs.error_towards(ours.middle))
    gap = abs(ours.middle - theirs.middle)
    z = gap / error if error > 0.0 else (0.0 if gap == 0.0 else math.inf)
    if z < NORMAL_95:
        return "agrees", f"they differ by {z:.1f} of their combined errors"
    return "disagrees", f"they differ by {z:.1f} of their combined errors, beyond both"


def _span(row: Observation, logarithmic: bool) -> _Span | None:
    """Return the interval of a row on the scale of the comparison; None if it has none there."""
    low, high = _ends(row)
    if row.value is None and None in (row.low, row.high):
        return None
    known = math.isfinite(low) or math.isfinite(high)
    value = (low + high) / 2.0 if row.value is None else row.value
    if not known:
        low = high = value
    if not logarithmic:
        return _Span(value, low, high, known)
    if value <= 0.0 or high <= 0.0:
        return None
    middle = _log(math.sqrt(low * high)) if row.value is None and low > 0.0 else _log(value)
    return _Span(middle, _log(low), _log(high), known)


def _ends(row: Observation) -> tuple[float, float]:
    """Return the 95 % interval; from the standard error where no ends are given."""
    if row.low is None and row.high is None and row.error and row.value is not None:
        return row.value - NORMAL_95 * row.error, row.value + NORMAL_95 * row.error
    return (
        -math.inf if row.low is None else row.low,
        math.inf if row.high is None else row.high,
    )


def _log(value: float) -> float:
    return math.log10(value) if value > 0.0 else -math.inf


def _distance(row: Observation, other: Observation) -> tuple[float | None, float | None]:
    if row.value is None or other.value is None:
        return None, None
    if row.quantity not in LOGARITHMIC:
        return None, row.value - other.value
    return (row.value / other.value if other.value > 0.0 else None), None


Remark = Callable[[Observation, Observation], str]


def _remarks(row: Observation, other: Observation) -> list[str]:
    """Return what a reader must know before taking the verdict at its word."""
    rules: tuple[Remark, ...] = (_temperature, _species, _kind_of_conductivity)
    remarks = [f"The {row.kind} value is provisional."] if row.status == "provisional" else []
    return remarks + [remark for rule in rules if (remark := rule(row, other))]


def _temperature(row: Observation, other: Observation) -> str:
    if (row.temperature_K is None) == (other.temperature_K is None):
        return ""
    if other.temperature_K is None:
        return (
            f"The {other.kind} value states no temperature ({row.kind} at {row.temperature_K:g} K)."
        )
    return f"Only the {other.kind} value states a temperature ({other.temperature_K:g} K)."


def _species(row: Observation, other: Observation) -> str:
    if row.of == other.of or row.quantity == "lattice_parameter":
        return ""
    if other.of == "" and row.of in MOBILE_CATIONS:
        return f"The {row.kind} value is of {row.of}; the {other.kind} one does not say of what."
    return ""


def _kind_of_conductivity(row: Observation, other: Observation) -> str:
    simulated = any(word in other.method for word in ("MD", "simulat"))
    if row.quantity != "ionic_conductivity" or not simulated:
        return ""
    if any(word in other.method for word in ("tracer", "collective", "Nernst")):
        return ""
    own = "collective" if "collective" in row.method else "tracer" if "tracer" in row.method else ""
    stated = f" (this one is {own})" if own else ""
    return f"The {other.kind} value does not say tracer or collective{stated}."
