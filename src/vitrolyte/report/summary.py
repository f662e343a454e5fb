"""The short table that ends a run in a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from vitrolyte.data.observation import Observation
from vitrolyte.data.wording import bounds_text, estimate_text, quantity_text, sample_text
from vitrolyte.report.verdict import rank, side_by_side
from vitrolyte.study.comparison import Comparison

MOST_ROWS = 30
STYLES = {"agrees": "green", "disagrees": "red", "cannot be judged": "dim"}


def summary_table(comparisons: Sequence[Comparison], observations: Sequence[Observation]) -> Table:
    """Return a short table for a terminal: what could be judged against the literature.

    Without any such pair it lists the observations themselves; how many pairs could not be judged
    stands below it, and why stands in the report.
    """
    table = Table(title="Side by side", title_justify="left", pad_edge=False)
    for name in ("quantity", "sample", "value", "beside", "verdict"):
        table.add_column(name, overflow="fold")
    pairs = side_by_side(comparisons)
    decided = [pair for pair in pairs if pair.verdict in ("agrees", "disagrees")]
    for pair in decided:
        table.add_row(*_cells(pair.row), _reference(pair), _verdict(pair))
    for row in () if decided else sorted(observations, key=rank)[:MOST_ROWS]:
        table.add_row(*_cells(row), "", "")
    rest = len(pairs) - len(decided)
    if rest:
        table.caption = f"{rest} further pairs cannot be judged; the report says why."
    return table


def observation_listing(rows: Sequence[Observation]) -> Table:
    """Return rows of any kind as a table for a terminal, in the order given."""
    table = Table(pad_edge=False)
    for name in ("quantity", "sample", "value", "method", "source", "status or id"):
        table.add_column(name, overflow="fold")
    for row in rows:
        mark = row.origin if row.kind == "published" else row.status
        texts = (row.method, row.source, mark)
        number = f"{estimate_text(row)} {bounds_text(row)}".rstrip()
        cells = (quantity_text(row), sample_text(row), number, *texts)
        table.add_row(*(Text(cell) for cell in cells))
    return table


def _cells(row: Observation) -> tuple[Text, ...]:
    mark = " (provisional)" if row.status == "provisional" else ""
    number = f"{estimate_text(row)} {bounds_text(row)}".rstrip() + mark
    return tuple(Text(text) for text in (quantity_text(row), sample_text(row), number))


def _reference(pair: Comparison) -> Text:
    return Text("" if pair.reference is None else estimate_text(pair.reference))


def _verdict(pair: Comparison) -> Text:
    return Text(pair.verdict, style=STYLES[pair.verdict])
