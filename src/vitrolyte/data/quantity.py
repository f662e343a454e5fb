"""A number with its error, its interval, its unit and whether it may be trusted."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

from vitrolyte.data.errors import InputError

Status = Literal["ok", "provisional", "refused"]

NORMAL_95 = 1.959963984540054
"""Half width of the central 95 % of a normal distribution, in standard deviations."""


@dataclass(frozen=True)
class Quantity:
    """A value with standard error, 95 % interval and unit.

    Attributes
    ----------
    value
        Best estimate; NaN exactly when ``status`` is ``refused``.
    unit
        Unit of value, error, low and high.
    error
        Standard error; NaN where it is not known.
    low, high
        Ends of the 95 % interval; NaN where it is not known. Need not be symmetric.
    status
        ``ok``, ``provisional`` (the interval is wide or an assumption is weak) or
        ``refused`` (too little data for any answer).
    note
        The reason for a status other than ``ok``, or what a reader should know.

    Raises
    ------
    InputError
        If a refused quantity carries a value, or one that is not refused carries none.
    """

    value: float
    unit: str
    error: float = math.nan
    low: float = math.nan
    high: float = math.nan
    status: Status = "ok"
    note: str = ""

    def __post_init__(self) -> None:
        if (self.status == "refused") != math.isnan(self.value):
            raise InputError(
                "A quantity has no value exactly when it is refused",
                received=f"value {self.value} with status {self.status}",
            )

    @classmethod
    def normal(cls, value: float, error: float, unit: str) -> Quantity:
        """Return a quantity whose 95 % interval is that of a normal distribution."""
        half = NORMAL_95 * error
        return cls(value, unit, error=error, low=value - half, high=value + half)

    @classmethod
    def refused(cls, unit: str, reason: str) -> Quantity:
        """Return the honest absence of a number."""
        return cls(math.nan, unit, status="refused", note=reason)

    def provisional(self, reason: str) -> Quantity:
        """Return the same number marked provisional, unless it is refused already."""
        if self.status == "refused":
            return self
        note = f"{self.note}; {reason}" if self.note else reason
        return replace(self, status="provisional", note=note)

    def scaled(self, factor: float, unit: str) -> Quantity:
        """Return the quantity times an exact factor, in the unit that results."""
        ends = sorted((self.low * factor, self.high * factor))
        return replace(
            self,
            value=self.value * factor,
            error=self.error * abs(factor),
            low=ends[0],
            high=ends[1],
            unit=unit,
        )
