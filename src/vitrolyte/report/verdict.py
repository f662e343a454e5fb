"""The verdict in words, made from the numbers of the comparison and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby

from vitrolyte.data.observation import Observation
from vitrolyte.data.wording import number_text, quantity_text, sample_text, value_text
from vitrolyte.study.comparison import Comparison

HEADLINES = (
    "volume_expansion",
    "ionic_conductivity",
    "activation_energy",
    "transference_number",
    "haven_ratio",
    "density",
    "lattice_parameter",
)
"""The order in which a reader wants the answers; other quantities follow."""

MOST_REASONS = 3
"""So many refusals are told in full; more would bury the answers."""


def verdict(
    comparisons: Sequence[Comparison], observations: Sequence[Observation]
) -> tuple[str, ...]:
    """Return plain sentences: how many pairs agree, each judged number, what is refused."""
    sentences = [_count(comparisons)] if comparisons else []
    sentences += _judgements(comparisons)
    sentences += _unjudged(observations)
    if not sentences:
        return ("There is no number to judge.",)
    return tuple(sentences)


def rank(row: Observation) -> tuple[bool, int, str, str]:
    """Return the key that sorts rows as a reader wants them: the glass first, headlines first."""
    words = HEADLINES
    place = words.index(row.quantity) if row.quantity in words else len(words)
    return row.phase == "crystal", place, row.quantity, row.of


def side_by_side(comparisons: Sequence[Comparison]) -> list[Comparison]:
    """Return the pairs of one state in the order of :func:`rank`, refused values among them."""
    pairs = [pair for pair in comparisons if pair.side_by_side]
    return sorted(pairs, key=lambda pair: rank(pair.row))


def _count(comparisons: Sequence[Comparison]) -> str:
    paired = side_by_side(comparisons)
    alone = len(comparisons) - len(paired)
    if not paired:
        subject = "The value" if alone == 1 else f"None of the {alone} values"
        return f"{subject} has {'no' if alone == 1 else 'a'} counterpart in its state."
    counts = {word: sum(pair.verdict == word for pair in paired) for word in WORDING}
    parts = [f"{number} {_inflected(word, number)}" for word, number in counts.items() if number]
    noun = "comparison" if len(paired) == 1 else "comparisons"
    values = "value has" if alone == 1 else "values have"
    rest = f" {alone} {values} no counterpart in the same state."
    against = kinds_text(pair.reference for pair in paired)
    return f"{len(paired)} {noun} with {against} values: {', '.join(parts)}.{rest if alone else ''}"


WORDING = {
    "agrees": ("agrees", "agree"),
    "disagrees": ("disagrees beyond the errors", "disagree beyond the errors"),
    "cannot be judged": ("cannot be judged", "cannot be judged"),
}


def _inflected(word: str, number: int) -> str:
    return WORDING[word][number > 1]


def _judgements(comparisons: Sequence[Comparison]) -> list[str]:
    decided = [pair for pair in side_by_side(comparisons) if pair.verdict != "cannot be judged"]
    groups = groupby(decided, key=lambda pair: pair.row)
    return [_judgement(row, list(pairs)) for row, pairs in groups]


def _judgement(row: Observation, pairs: Sequence[Comparison]) -> str:
    agreeing = [pair for pair in pairs if pair.verdict == "agrees"]
    subject = f"{quantity_text(row)}, {sample_text(row)}"
    head = f"{subject[0].upper()}{subject[1:]}: {value_text(row)}"
    if row.status == "provisional":
        head += ", provisional"
    if len(pairs) == 1:
        word = "agrees with" if agreeing else "disagrees with"
        kind = kinds_text(pair.reference for pair in pairs)
        return f"{head}, {word} the {kind} {_published(pairs[0])}."
    return f"{head}, {_tally(len(agreeing), pairs)}{_spread(pairs)}."


def kinds_text(rows: Iterable[Observation | None]) -> str:
    """Return of what kinds rows are: ``published``, ``measured and published``."""
    kinds = {row.kind for row in rows if row is not None}
    return " and ".join(sorted(kinds))


def _tally(agreeing: int, pairs: Sequence[Comparison]) -> str:
    total = len(pairs)
    values = f"{kinds_text(pair.reference for pair in pairs)} values"
    everything = "both" if total == 2 else f"all {total}"
    if agreeing == total:
        return f"agrees with {everything} {values}"
    if agreeing == 0:
        return f"disagrees with {everything} {values}"
    return f"agrees with {agreeing} of {total} {values}"


def _spread(pairs: Sequence[Comparison]) -> str:
    """Return from where to where the references run."""
    rows = [pair.reference for pair in pairs if pair.reference is not None]
    numbers = [n for row in rows for n in (row.value, row.low, row.high) if n is not None]
    if not numbers:
        return ""
    unit = "" if rows[0].unit == "1" else f" {rows[0].unit}"
    low, high = (number_text(end(numbers), digits=4) for end in (min, max))
    return f", which run from {low} to {high}{unit}"


def _published(pair: Comparison) -> str:
    row = pair.reference
    if row is None:
        return ""
    source = row.source.split(" (via")[0].strip()
    return f"{value_text(row)} ({source})" if source else value_text(row)


def _unjudged(observations: Sequence[Observation]) -> list[str]:
    """Return why numbers are missing: the first reasons in full, the others counted."""
    refused = sorted((row for row in observations if row.status == "refused"), key=rank)
    reasons: dict[str, list[Observation]] = {}
    for row in refused:
        reasons.setdefault(row.note, []).append(row)
    sentences = [_refusal(note, rows) for note, rows in list(reasons.items())[:MOST_REASONS]]
    rest = sum(len(rows) for rows in list(reasons.values())[MOST_REASONS:])
    if rest:
        numbers = "number is" if rest == 1 else "numbers are"
        sentences.append(f"{rest} more {numbers} refused; each reason stands beside its row.")
    return sentences


def _refusal(note: str, rows: Sequence[Observation]) -> str:
    names = list(dict.fromkeys(f"{quantity_text(row)} ({sample_text(row)})" for row in rows))
    shown = "; ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    return f"No number is given for the {shown}: {note.rstrip('.') or 'refused'}."
