"""The page of all checks: rows written as a table and read back from it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from validation.check import Check

AGREES = "agrees"
DISAGREES = "disagrees"
NOT_JUDGED = "not judged"
FAILED = "failed"

_COLUMNS = ("check", "expected", "got", "interval", "verdict", "command")
_INTRODUCTION = """\
# Validation

Each row sets a figure of this program beside one from outside: theory, another program, or a
publication. The interval is where ours may lie; it comes from the stated errors of both sides,
not from our result. Rows that disagree stay on the page.

`make validate` makes the whole page anew and is slow; the command in a row makes that row anew.
"""


@dataclass(frozen=True)
class Row:
    """One line of the page.

    Attributes
    ----------
    entry
        Name of the entry of the catalogue that makes it.
    what, expected, got, interval
        As printed.
    verdict
        ``agrees``, ``disagrees``, ``not judged: why`` or ``failed: message``.
    """

    entry: str
    what: str
    expected: str
    got: str
    interval: str
    verdict: str

    @property
    def kind(self) -> str:
        """Return the first word or words of the verdict, without its reason."""
        return self.verdict.partition(":")[0]

    @property
    def command(self) -> str:
        """Return the command that makes this row anew."""
        return f"python -m validation {self.entry}"


def row_of(entry: str, check: Check) -> Row:
    """Return the row of a check that was carried out."""
    verdict = AGREES if check.verdict == "holds" else DISAGREES
    interval = f"{check.low:.5g} to {check.high:.5g}"
    return Row(entry, check.name, f"{check.expected:.5g}", f"{check.got:.5g}", interval, verdict)


def unfinished(entry: str, title: str, verdict: str) -> Row:
    """Return the row of an entry that gave no figure, and why."""
    return Row(entry, title, "", "", "", " ".join(verdict.split()))


def page(rows: Sequence[Row], made_with: str) -> str:
    """Return the whole page as Markdown."""
    counts = ", ".join(
        f"{sum(row.kind == kind for row in rows)} {word}"
        for kind, word in (
            (AGREES, "agree"),
            (DISAGREES, "disagree"),
            (NOT_JUDGED, "not judged"),
            (FAILED, "failed"),
        )
    )
    lines = [_line(_COLUMNS), _line(["---"] * len(_COLUMNS)), *map(_row_line, rows)]
    table = "\n".join(lines)
    return f"{_INTRODUCTION}\n{len(rows)} rows: {counts}. {made_with}\n\n{table}\n"


def _row_line(row: Row) -> str:
    command = f"`{row.command}`"
    return _line([row.what, row.expected, row.got, row.interval, row.verdict, command])


def _line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def read_rows(text: str) -> tuple[Row, ...]:
    """Return the rows of a page as it was written; anything else on it is passed over."""
    rows = []
    for line in text.splitlines():
        cells = [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        made_by = re.fullmatch(r"`python -m validation (\S+)`", cells[-1]) if cells else None
        if made_by and len(cells) == len(_COLUMNS):
            rows.append(Row(made_by[1], *cells[:-1]))
    return tuple(rows)
