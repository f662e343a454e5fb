"""The potentials at hand: what each covers, how far it may be trusted, what it costs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

from rich.table import Table
from rich.text import Text

from vitrolyte.data.errors import InputError
from vitrolyte.data.wording import number_text
from vitrolyte.potentials.card import COST, TrustCard, TrustFigure
from vitrolyte.potentials.potential import Kind, Potential
from vitrolyte.potentials.shelf import stock
from vitrolyte.potentials.teacher_catalogue import KNOWN, KnownTeacher, installed, teacher_named

_MAIN = ("force_rmse", "density_error")
_MOST_ELEMENTS = 8
_VERDICTS = {"passed": "trusted", "failed": "not trusted", "undecided": "undecided"}
_STYLES = {
    "trusted": "green",
    "not trusted": "red",
    "undecided": "yellow",
    "no figures": "yellow",
    "teacher": "dim",
}


@dataclass(frozen=True)
class Entry:
    """One potential at hand.

    Attributes
    ----------
    name, kind, elements
        As the potential says; teachers cover what they were trained on.
    verdict
        ``trusted``, ``not trusted``, ``undecided``, ``no figures``; or ``teacher``, which students
        are measured against.
    reason
        Which figures are beyond their limits or undecided, or how to install what is missing.
    figures
        Every figure of its card.
    notes
        Caveats.
    cost_us, cost_conditions
        Measured cost per atom and step, µs, and how it was measured; None where it was not.
    timestep_fs
        Longest step shown stable; None where the study chooses.
    installed
        Whether it can run here.
    citations
        What to cite.
    """

    name: str
    kind: Kind
    elements: tuple[str, ...]
    verdict: str
    reason: str
    figures: tuple[TrustFigure, ...]
    notes: tuple[str, ...]
    cost_us: float | None
    cost_conditions: str
    timestep_fs: float | None
    installed: bool
    citations: tuple[str, ...]

    @property
    def main(self) -> tuple[TrustFigure, ...]:
        """Return the figure that decides of each main quantity: the largest that has a limit."""
        chosen = []
        for quantity in _MAIN:
            fitting = [f for f in self.figures if f.quantity == quantity and f.limit is not None]
            chosen += [max(fitting, key=lambda figure: figure.value)] if fitting else []
        return tuple(chosen)


@dataclass(frozen=True)
class Inventory:
    """All potentials at hand, and why folders on the shelves could not be read."""

    entries: tuple[Entry, ...]
    faults: tuple[str, ...]

    def named(self, name: str) -> Entry:
        """Return one potential.

        Raises
        ------
        InputError
            If there is none of that name.
        """
        for entry in self.entries:
            if entry.name == name:
                return entry
        raise InputError(
            "The name of a potential at hand",
            received=repr(name),
            remedy=f"choose one of: {', '.join(entry.name for entry in self.entries)}",
        )


def inventory() -> Inventory:
    """Look at every shelf and for every known teacher; loads no weights."""
    at_hand = stock()
    entries = [_entry(potential) for potential in at_hand.potentials]
    order = {"student": 0, "classical": 1}
    entries.sort(key=lambda entry: (order.get(entry.kind, 2), entry.name))
    teachers = [_teacher(known) for known in KNOWN]
    faults = tuple(fault.message() for _, fault in at_hand.faults)
    return Inventory((*entries, *teachers), faults)


def _entry(potential: Potential) -> Entry:
    card = potential.card
    figures = () if card is None else card.figures
    cost = next((figure for figure in figures if figure.quantity == COST), None)
    verdict, reason = "no figures", "nothing is known of its errors"
    if card is not None:
        verdict, reason = _VERDICTS[card.verdict], "; ".join(_reasons(card))
    return Entry(
        name=potential.name,
        kind=potential.kind,
        elements=potential.elements,
        verdict=verdict,
        reason=reason,
        figures=figures,
        notes=() if card is None else card.notes,
        cost_us=None if cost is None else cost.value,
        cost_conditions="" if cost is None else cost.method,
        timestep_fs=potential.timestep_fs,
        installed=True,
        citations=potential.citations,
    )


def _reasons(card: TrustCard) -> Iterator[str]:
    for what, figures in (("beyond the limit", card.failures), ("undecided", card.undecided)):
        if figures:
            yield f"{what}: {', '.join(f'{f.quantity} {f.of}'.strip() for f in figures)}"


def _teacher(known: KnownTeacher) -> Entry:
    spec = teacher_named(known.name)
    found = installed(spec)
    return Entry(
        name=known.name,
        kind="teacher",
        elements=tuple(spec.elements),
        verdict="teacher",
        reason="installed" if found.ok else f"not installed: {found.remedy}",
        figures=(),
        notes=(known.what,),
        cost_us=None,
        cost_conditions="",
        timestep_fs=None,
        installed=found.ok,
        citations=(known.citation,),
    )


def to_json(entries: Sequence[Entry]) -> str:
    """Return the potentials as one JSON array of objects with the fields of `Entry`."""
    return json.dumps([asdict(entry) for entry in entries], ensure_ascii=False, indent=1)


def listing(entries: Sequence[Entry]) -> Table:
    """Return the potentials as a table for a terminal of 100 columns."""
    table = Table(pad_edge=False, show_lines=True)
    for name in ("potential", "elements", "trust", "µs/atom/step", "step", "cite"):
        table.add_column(name, overflow="fold", max_width=40 if name == "trust" else 24)
    for entry in entries:
        table.add_row(
            Text(f"{entry.name}\n{entry.kind}"),
            Text(_elements(entry.elements)),
            Text("\n".join(_trust(entry)), style=_STYLES[entry.verdict]),
            Text("" if entry.cost_us is None else number_text(entry.cost_us)),
            Text("" if entry.timestep_fs is None else f"{entry.timestep_fs:g} fs"),
            Text(entry.citations[0] if entry.citations else ""),
        )
    table.caption = "vitrolyte potentials NAME shows every figure and citation."
    return table


def _elements(elements: Sequence[str]) -> str:
    if len(elements) > _MOST_ELEMENTS:
        return f"{len(elements)} elements"
    return " ".join(elements)


def _trust(entry: Entry) -> Iterator[str]:
    if entry.kind == "teacher":
        # the interpreter's path stands in the whole card
        yield re.sub(r"\S+ -m pip", "pip", entry.reason)
        return
    kept = sum(figure.passed is True for figure in entry.figures)
    judged = sum(figure.passed is not None for figure in entry.figures)
    yield entry.verdict + (f": {kept} of {judged} limits kept" if judged else "")
    for figure in entry.main:
        words = f"{figure.quantity.replace('_', ' ')} {number_text(figure.value)} {figure.unit}"
        yield f"{words} ({figure.of})" if figure.of else words


def card_text(entry: Entry) -> Iterator[str]:
    """Yield everything known of a potential as lines of text."""
    yield f"{entry.name}: {entry.kind} for {' '.join(entry.elements)}"
    yield f"{entry.verdict}{'; ' if entry.reason else ''}{entry.reason}"
    if entry.timestep_fs is not None:
        yield f"time step up to {entry.timestep_fs:g} fs"
    if entry.cost_us is not None:
        yield f"{number_text(entry.cost_us)} µs per atom and step: {entry.cost_conditions}"
    yield from (f"note: {note}" for note in entry.notes)
    yield from (f"cite: {citation}" for citation in entry.citations)


def card_table(entry: Entry) -> Table:
    """Return every figure of a potential as a table for a terminal of 100 columns."""
    table = Table(pad_edge=False)
    for name in ("figure", "of", "value", "reference", "limit", "kept", "frames", "how"):
        table.add_column(name, overflow="fold")
    for figure in entry.figures:
        reference = "" if figure.reference is None else number_text(figure.reference)
        limit = "" if figure.limit is None else f"{figure.sense} {number_text(figure.limit)}"
        cells = (
            figure.quantity.replace("_", " "),
            figure.of,
            f"{number_text(figure.value)} {figure.unit}",
            reference,
            limit,
            {True: "yes", False: "NO", None: ""}[figure.passed],
            str(figure.frames or ""),
            figure.method,
        )
        table.add_row(*(Text(cell) for cell in cells))
    return table
