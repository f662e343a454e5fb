"""The end of a distillation in a terminal: the card's figures that have limits, and the verdict."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from rich.table import Table

from vitrolyte.potentials.card import TrustFigure

if TYPE_CHECKING:
    from vitrolyte.infer.distil.command import Outcome

WORDS = {True: "passed", False: "FAILED", None: "undecided"}
VERDICTS = {
    "passed": "trusted: every figure keeps its limit",
    "failed": "not trusted: figures beyond their limits; a study that uses it says so",
    "undecided": "not trusted: no limit is broken, but some could not be decided",
}


def card_table(outcome: Outcome) -> Table:
    """Return the figures that have a limit, worst first."""
    table = Table(title=f"Trust card of {outcome.card.student}", title_justify="left")
    for name in ("figure", "value", "limit", ""):
        table.add_column(name)
    order = {False: 0, None: 1, True: 2}
    judged = [figure for figure in outcome.card.figures if figure.limit is not None]
    for figure in sorted(judged, key=lambda one: order[one.passed]):
        table.add_row(*_cells(figure))
    return table


def verdict_lines(outcome: Outcome) -> tuple[str, ...]:
    """Return in words why the distillation ended, the verdict, and where the student is."""
    return (
        f"Ended: {outcome.ending}.",
        f"Verdict: {VERDICTS[outcome.card.verdict]}.",
        f"Student: {outcome.folder}",
    )


def to_json(outcome: Outcome) -> str:
    """Return the outcome as one JSON array with one object."""
    plain = asdict(outcome.card) | {
        "verdict": outcome.card.verdict,
        "trusted": outcome.card.trusted,
        "folder": str(outcome.folder),
        "ending": outcome.ending,
    }
    return json.dumps([plain], ensure_ascii=False, indent=1)


def _cells(figure: TrustFigure) -> tuple[str, str, str, str]:
    unit = "" if figure.unit == "1" else f" {figure.unit}"
    sign = "≤" if figure.sense == "below" else "≥"
    name = f"{figure.quantity} {figure.of}".strip().replace("_", " ")
    return name, f"{figure.value:.3g}{unit}", f"{sign} {figure.limit:g}{unit}", WORDS[figure.passed]
