"""The trust card: measured agreement of a student with its teacher on frames it never saw."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

COST = "cost_per_atom_step"
"""Figure of a card that holds a measured cost, µs; its method says under which conditions."""


@dataclass(frozen=True)
class TrustFigure:
    """One measured figure of trust.

    Attributes
    ----------
    quantity
        What was measured, e.g. ``force_rmse``, ``energy_rmse``, ``density_error``.
    of
        Species, pair or phase it belongs to; empty for the whole.
    value, unit
        The figure as measured.
    reference
        Value of the teacher or of a publication where the figure is an absolute one, else ``None``.
    limit
        The most (``sense = "below"``) or least (``"above"``) that the gate allows; ``None`` where
        the figure is for information only.
    frames
        Number of frames behind the figure.
    method
        How it was obtained, in one sentence.
    interval
        95 % interval of the value where it has one.
    undecided
        Why the evidence cannot decide a limit that the gate has; empty where it can.
    """

    quantity: str
    of: str
    value: float
    unit: str
    reference: float | None
    limit: float | None
    sense: Literal["below", "above"]
    frames: int
    method: str
    interval: tuple[float, float] | None = None
    undecided: str = ""

    @property
    def passed(self) -> bool | None:
        """Say whether the figure is within its limit; ``None`` without limit or undecided."""
        if self.limit is None or self.undecided:
            return None
        within = self.value <= self.limit if self.sense == "below" else self.value >= self.limit
        return bool(within)


@dataclass(frozen=True)
class TrustCard:
    """Everything measured about a student against its teacher, and the verdict.

    Attributes
    ----------
    student, teacher
        Names of the student and of the teacher that labelled its frames.
    trained_on
        Number of configurations in the training set.
    figures
        Every figure of trust, within its limit or not.
    notes
        Caveats a user should read.
    """

    student: str
    teacher: str
    trained_on: int
    figures: tuple[TrustFigure, ...]
    notes: tuple[str, ...]

    @property
    def trusted(self) -> bool:
        """Say whether every figure that has a limit keeps it, none being undecided."""
        return not self.failures and not self.undecided

    @property
    def verdict(self) -> Literal["passed", "failed", "undecided"]:
        """Return the verdict: undecided where no limit is broken but the evidence falls short."""
        if self.failures:
            return "failed"
        return "undecided" if self.undecided else "passed"

    @property
    def undecided(self) -> tuple[TrustFigure, ...]:
        """List the figures whose evidence cannot decide their limit."""
        return tuple(figure for figure in self.figures if figure.undecided)

    @property
    def failures(self) -> tuple[TrustFigure, ...]:
        """List the figures beyond their limits."""
        return tuple(figure for figure in self.figures if figure.passed is False)


def read_card(path: Path) -> TrustCard | None:
    """Read a trust card; ``None`` where the potential has none."""
    if not path.is_file():
        return None
    stored: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return TrustCard(
        student=stored["student"],
        teacher=stored["teacher"],
        trained_on=int(stored["trained_on"]),
        figures=tuple(_figure(figure) for figure in stored["figures"]),
        notes=tuple(stored["notes"]),
    )


def _figure(stored: dict[str, Any]) -> TrustFigure:
    interval = stored.get("interval")
    return TrustFigure(**{**stored, "interval": None if interval is None else tuple(interval)})


def write_card(card: TrustCard, path: Path) -> None:
    """Write a trust card as JSON, one figure to a line group, verdict included for readers."""
    stored = asdict(card) | {"trusted": card.trusted, "verdict": card.verdict}
    path.write_text(json.dumps(stored, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
