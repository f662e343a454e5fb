"""The trust card: measured agreement of a student with its teacher on frames it never saw."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


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

    @property
    def passed(self) -> bool | None:
        """Say whether the figure is within its limit; ``None`` where there is no limit."""
        if self.limit is None:
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
        """Say whether every figure that has a limit keeps it."""
        return all(figure.passed is not False for figure in self.figures)

    @property
    def failures(self) -> tuple[TrustFigure, ...]:
        """List the figures beyond their limits."""
        return tuple(figure for figure in self.figures if figure.passed is False)
