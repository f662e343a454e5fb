"""What each arc is of: bulk, grain boundary or electrode, by its capacitance and its place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Part = Literal["series", "bulk", "grain_boundary", "interphase", "electrode"]

BULK_BELOW = 2e-11
ELECTRODE_ABOVE = 3e-8
"""Capacitance times thickness over area, F/cm, after Irvine, Sinclair and West
(doi:10.1002/adma.19900020304): bulk about 1e-12, a minor phase 1e-11, grain boundaries 1e-11 to
1e-8, surface layers 1e-9 to 1e-7, electrodes 1e-7 to 1e-5. The limits are in the middle."""
_CLOSE = 3.0
ASSUMED_CELL_CONSTANT = 0.13
"""1/cm, of a pellet 1 mm thick and 1 cm wide, where no geometry is known."""


@dataclass(frozen=True)
class Assigned:
    """What one arc is taken for.

    Attributes
    ----------
    part
        Bulk, grain boundary ...
    doubt
        Why it may be another; empty where the rule is clear.
    """

    part: Part
    doubt: str = ""


def assign(
    capacitances: Sequence[float], *, series: bool, known_geometry: bool
) -> tuple[Assigned, tuple[Assigned, ...]]:
    """Return what the series resistance and each arc are, the fastest arc first.

    An arc is an electrode's if its capacitance, times thickness over area, is above 3e-8 F/cm.
    Of the others the fastest is the bulk's if its capacitance is below 2e-11 F/cm; then the next
    is the grain boundaries' and a third one an interphase's. If the fastest has a larger one,
    it is the grain boundaries', and a resistance in series is the bulk, whose arc lies above the
    window. Within a factor of three of a limit the answer is doubted.

    Parameters
    ----------
    capacitances
        Times thickness over area, F/cm.
    series
        Whether there is a resistance in series.
    known_geometry
        Whether thickness and area were known.
    """
    found: list[Assigned] = []
    sample: list[Part] = ["bulk", "grain_boundary", "interphase"]
    lacks_bulk = bool(capacitances) and capacitances[0] >= BULK_BELOW
    if lacks_bulk:
        sample = sample[1:]
    for place, capacitance in enumerate(capacitances):
        electrode = capacitance >= ELECTRODE_ABOVE or not sample
        part: Part = "electrode" if electrode else sample.pop(0)
        found.append(Assigned(part, _doubt(part, capacitance, place, known_geometry)))
    if not series:
        return Assigned("series"), tuple(found)
    kinds = [one.part for one in found]
    if "bulk" in kinds:
        return Assigned("series"), tuple(found)
    said = "its arc lies above the highest frequency; leads are included"
    if "grain_boundary" not in kinds:
        said += ", and so are grain boundaries"
    return Assigned("bulk", said), tuple(found)


def _doubt(part: Part, capacitance: float, place: int, known_geometry: bool) -> str:
    limits = [BULK_BELOW] * (place == 0) + [ELECTRODE_ABOVE]
    if any(limit / _CLOSE < capacitance < limit * _CLOSE for limit in limits):
        return (
            f"capacitance × thickness / area = {capacitance:.2g} F/cm lies near the limit of "
            "another assignment"
        )
    if part == "grain_boundary" and capacitance < BULK_BELOW / _CLOSE:
        return (
            f"capacitance × thickness / area = {capacitance:.2g} F/cm is that of a second bulk "
            "phase rather than of grain boundaries"
        )
    if not known_geometry:
        return "assigned by the capacitance of a usual pellet; thickness and area are not known"
    return ""
