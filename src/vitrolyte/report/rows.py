"""The tables of the page: comparisons, observations and plain ones."""

from __future__ import annotations

import re
from collections.abc import Sequence

from vitrolyte.data.io.observations import to_csv
from vitrolyte.data.observation import Observation
from vitrolyte.data.wording import bounds_text, estimate_text, number_text, quantity_text
from vitrolyte.report.markup import Markup, escape, tag
from vitrolyte.report.verdict import kinds_text, rank
from vitrolyte.study.comparison import Comparison

FORMULA = re.compile(r"(?:[A-Z][a-z]?(?:\d+(?:\.\d+)?)?|[()\[\]]\d*(?:\.\d+)?)+")
MARKS = {"agrees": "✓", "disagrees": "✗", "cannot be judged": "?"}
CLASSES = {"agrees": "agrees", "disagrees": "disagrees", "cannot be judged": "open"}


def formula_markup(formula: str) -> Markup:
    """Return a chemical formula with its numbers as subscripts; other text only escaped."""
    if not FORMULA.fullmatch(formula):
        return escape(formula)
    return Markup(re.sub(r"(?<=[A-Za-z)\]])(\d+(?:\.\d+)?)", r"<sub>\1</sub>", escape(formula)))


def with_formulas(text: str, formulas: Sequence[str]) -> Markup:
    """Return a sentence in which the given formulas carry subscripts."""
    words = sorted({word for word in formulas if word}, key=len, reverse=True)
    if not words:
        return escape(text)
    pieces = re.split("(" + "|".join(map(re.escape, words)) + ")", text)
    return Markup("".join(formula_markup(p) if p in words else escape(p) for p in pieces))


def comparison_table(comparisons: Sequence[Comparison]) -> Markup:
    """Return each row beside its reference, with the verdict and its reason."""
    ordered = sorted(comparisons, key=_reading_order)
    own = kinds_text(pair.row for pair in ordered).capitalize()
    beside = kinds_text(pair.reference for pair in ordered).capitalize()
    heads = ("Verdict", "Quantity", own, beside, "Difference", "Why")
    return _table("comparisons", heads, [_comparison_row(pair) for pair in ordered])


def observation_table(observations: Sequence[Observation]) -> Markup:
    """Return every number with its interval, method, status and note."""
    heads = ("Quantity", "Sample", "T (K)", "Value", "95 % interval", "Status", "Method and note")
    ordered = sorted(observations, key=rank)
    return _table("observations", heads, [_observation_row(row) for row in ordered])


def plain_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> Markup:
    """Return a table of texts."""
    head = tag("tr", [tag("th", text, scope="col") for text in header])
    body = [tag("tr", _plain_cells(header, row)) for row in rows]
    return _scrolled(tag("table", tag("thead", head), tag("tbody", body), class_="plain"))


def comparison_csv(comparisons: Sequence[Comparison]) -> str:
    """Return the rows on both sides of every comparison, each once."""
    sides = [row for pair in comparisons for row in (pair.row, pair.reference)]
    return to_csv(list(dict.fromkeys(row for row in sides if row is not None)))


def _table(identity: str, heads: Sequence[str], rows: Sequence[Markup]) -> Markup:
    cells = [
        tag("th", tag("button", text, type="button"), scope="col", aria_sort="none")
        for text in heads
    ]
    head = tag("thead", tag("tr", cells))
    return _scrolled(tag("table", head, tag("tbody", rows), id=identity, class_="data"))


def _reading_order(pair: Comparison) -> tuple[object, ...]:
    """Return the sorting key: judged pairs first, then open ones."""
    return pair.verdict == "cannot be judged", *rank(pair.row)


def _scrolled(table: Markup) -> Markup:
    return tag("div", table, class_="scroll", tabindex="0", role="region", aria_label="table")


def _plain_cells(header: Sequence[str], row: Sequence[str]) -> list[Markup]:
    names = [*header, *("" for _ in row[len(header) :])]
    return [tag("td", text, data_label=name) for name, text in zip(names, row, strict=False)]


def _cell(label: str, *children: str, sort: str | float | None = None) -> Markup:
    key = "" if sort is None else str(sort)
    return tag("td", tag("div", children), data_label=label, data_sort=key)


def _comparison_row(pair: Comparison) -> Markup:
    row, other = pair.row, pair.reference
    kind = CLASSES[pair.verdict]
    mark = tag("span", MARKS[pair.verdict], class_="mark", aria_hidden="true")
    chip = tag("span", mark, " ", pair.verdict, class_=f"chip {kind}")
    difference, key = _difference(pair)
    return tag(
        "tr",
        _cell("Verdict", chip, sort=list(MARKS).index(pair.verdict)),
        _cell("Quantity", *_subject(row), sort=quantity_text(row)),
        _cell(f"{row.kind.capitalize()}", *_number_cell(row), sort=_key(row)),
        _reference_cell(other),
        _cell("Difference", difference, sort=key),
        _cell("Why", with_formulas(pair.ground, [row.formula]), sort=pair.ground),
        data_verdict=pair.verdict,
        data_phase=row.phase,
    )


def _subject(row: Observation) -> tuple[Markup, Markup]:
    state = "" if row.temperature_K is None else f", {number_text(row.temperature_K, digits=4)} K"
    sample = tag("span", formula_markup(row.formula), f" {row.phase}{state}", class_="minor")
    return tag("span", quantity_text(row), class_="major"), sample


def _number_cell(row: Observation) -> tuple[Markup, ...]:
    parts = [tag("span", estimate_text(row), class_="major number")]
    if bounds_text(row):
        parts.append(tag("span", bounds_text(row), class_="minor number"))
    if row.status == "provisional":
        parts.append(tag("span", "provisional", class_="status provisional"))
    return tuple(parts)


def _reference_cell(other: Observation | None) -> Markup:
    if other is None:
        return _cell("Beside", tag("span", "none found", class_="minor"))
    source = tag("span", f"{other.source} · {other.method} · {other.origin}", class_="minor")
    summary = tag("summary", "Notes and quotation")
    note = tag("details", summary, tag("p", other.note)) if other.note else Markup("")
    kind = other.kind.capitalize()
    return _cell(kind, *_number_cell(other), source, note, sort=_key(other))


def _difference(pair: Comparison) -> tuple[Markup, float | None]:
    if pair.ratio is not None:
        return tag("span", f"× {number_text(pair.ratio, digits=2)}", class_="number"), pair.ratio
    if pair.difference is None:
        return escape("—"), None
    unit = "" if pair.row.unit == "1" else f" {pair.row.unit}"
    sign = "+" if pair.difference > 0.0 else ""
    text = f"{sign}{number_text(pair.difference, digits=2)}{unit}"
    return tag("span", text, class_="number"), pair.difference


def _key(row: Observation) -> float | None:
    """Return what a row sorts by: its value, or what is known of its interval."""
    known = [number for number in (row.value, row.low, row.high) if number is not None]
    return known[0] if known else None


def _observation_row(row: Observation) -> Markup:
    temperature = "" if row.temperature_K is None else number_text(row.temperature_K, digits=4)
    origin = tag("span", f"origin {row.origin}", class_="minor") if row.origin else Markup("")
    note = tag("span", with_formulas(row.note, [row.formula]), class_="minor")
    return tag(
        "tr",
        _cell("Quantity", tag("span", quantity_text(row), class_="major"), sort=quantity_text(row)),
        _cell("Sample", formula_markup(row.formula), f" {row.phase}", sort=row.phase),
        _cell("T (K)", tag("span", temperature, class_="number"), sort=row.temperature_K),
        _cell("Value", tag("span", estimate_text(row), class_="major number"), sort=_key(row)),
        _cell("95 % interval", tag("span", bounds_text(row), class_="number"), sort=row.low),
        _cell("Status", tag("span", row.status, class_=f"status {row.status}"), sort=row.status),
        _cell("Method and note", row.method, note, origin, sort=row.method),
        data_status=row.status,
        data_phase=row.phase,
    )
