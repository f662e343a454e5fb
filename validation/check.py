"""One row of what the validation found, and how to read it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Verdict = Literal["holds", "fails"]


@dataclass(frozen=True)
class Check:
    """A figure that was measured against what it should be.

    Attributes
    ----------
    name
        What was checked, in words.
    expected, got
        The figure from outside (or from theory), and ours.
    low, high
        Range within which ours may lie.
    command
        The command that makes it.
    """

    name: str
    expected: float
    got: float
    low: float
    high: float
    verdict: Verdict
    command: str

    @classmethod
    def within(
        cls, name: str, expected: float, got: float, *, bounds: tuple[float, float], command: str
    ) -> Check:
        """Return the check of a figure against its bounds."""
        verdict: Verdict = "holds" if bounds[0] <= got <= bounds[1] else "fails"
        return cls(name, expected, got, *bounds, verdict, command)

    @property
    def line(self) -> str:
        """Return the check as one line of text."""
        numbers = f"{self.got:.4g} for {self.expected:.4g} [{self.low:.4g}, {self.high:.4g}]"
        return f"{self.verdict:5}  {self.name}: {numbers}"
