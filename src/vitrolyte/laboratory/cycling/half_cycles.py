"""Charges and discharges found in a cycler's record, and the cycles that they make."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from vitrolyte.data.cycling import CyclerRecord
from vitrolyte.data.errors import InputError

Floats = NDArray[np.float64]
Lead = Literal["charge", "discharge"]

_STILL = 1e-3
_SLIGHT = 0.02
_FEWEST_RECORDS = 3
_CUT_OFF_V = 0.01
_AGAINST = 0.8


@dataclass(frozen=True, eq=False)
class HalfCycle:
    """One charge or one discharge, rests inside it left out.

    Attributes
    ----------
    direction
        +1 for a charge, -1 for a discharge.
    time_s, voltage_V, current_A
        (n,), of its records.
    passed_mAh
        (n,), charge that has passed since its start, positive either way.
    ended
        Whether it came to its end: it was followed by the other direction, or reached the
        voltage at which the others were cut off.
    """

    direction: int
    time_s: Floats
    voltage_V: Floats
    current_A: Floats
    passed_mAh: Floats
    ended: bool

    @property
    def capacity_mAh(self) -> float:
        """Return the charge that passed."""
        return float(self.passed_mAh[-1])

    @property
    def current_mA(self) -> float:
        """Return the median current, without its sign."""
        return 1e3 * float(np.median(np.abs(self.current_A)))

    @property
    def mean_voltage_V(self) -> float:
        """Return the mean voltage over charge, ``int V dQ / Q``."""
        steps = np.diff(self.passed_mAh, prepend=0.0)
        middle = 0.5 * (self.voltage_V + np.roll(self.voltage_V, 1))
        middle[0] = self.voltage_V[0]
        return float(np.sum(middle * steps) / np.sum(steps))

    def voltage_at(self, share: float) -> float:
        """Return the voltage where a share of the charge has passed."""
        return float(np.interp(share * self.capacity_mAh, self.passed_mAh, self.voltage_V))


@dataclass(frozen=True, eq=False)
class Cycle:
    """A half cycle and the one of the other direction that follows it."""

    number: int
    first: HalfCycle
    second: HalfCycle

    @property
    def charge(self) -> HalfCycle:
        """Return the charge."""
        return self.first if self.first.direction > 0 else self.second

    @property
    def discharge(self) -> HalfCycle:
        """Return the discharge."""
        return self.second if self.first.direction > 0 else self.first

    @property
    def efficiency(self) -> float:
        """Return what came back of the charge that passed first."""
        return self.second.capacity_mAh / self.first.capacity_mAh


def find_half_cycles(record: CyclerRecord) -> tuple[HalfCycle, ...]:
    """Return the charges and discharges of a record in order.

    A half cycle goes on through rests, and through records of the other sign that pass less than
    2 % of a usual one (pulses, the tail of a constant voltage).

    Raises
    ------
    InputError
        If no current flows.
    """
    size = np.abs(record.current_A)
    flowing = size > 1e-6 * size.max() if size.max() > 0 else np.zeros(len(size), dtype=bool)
    if not flowing.any():
        raise InputError(f"A cycling test needs a current: {record.file}", received="none flows")
    still = _STILL * float(np.median(size[flowing]))
    signs = np.where(size > still, np.sign(record.current_A), 0.0).astype(int)
    passed = np.diff(record.charge_mAh, prepend=record.charge_mAh[0])
    runs = _significant(_runs(signs), passed)
    halves = [_half(record, rows, direction, passed) for direction, rows in runs]
    kept = [half for half in halves if len(half.time_s) >= _FEWEST_RECORDS]
    kept = [half for half in kept if half.capacity_mAh > 0]
    return _with_ends(tuple(kept))


def _runs(signs: NDArray[np.int64]) -> list[tuple[int, NDArray[np.int64]]]:
    """Return stretches of one sign, with the rows in them; rests belong to none."""
    rows = np.flatnonzero(signs)
    cuts = np.flatnonzero(np.diff(signs[rows])) + 1
    return [(int(signs[part[0]]), part) for part in np.split(rows, cuts) if len(part)]


def _significant(
    runs: list[tuple[int, NDArray[np.int64]]], passed: Floats
) -> list[tuple[int, NDArray[np.int64]]]:
    """Drop stretches that pass next to nothing, and join those that then touch."""
    sizes = np.array([abs(float(passed[rows].sum())) for _, rows in runs])
    usual = float(np.median(sizes[sizes > 0.05 * sizes.max(initial=0.0)])) if len(sizes) else 0.0
    joined: list[tuple[int, NDArray[np.int64]]] = []
    for (direction, rows), size in zip(runs, sizes):
        if size < _SLIGHT * usual:
            continue
        if joined and joined[-1][0] == direction:
            joined[-1] = (direction, np.concatenate([joined[-1][1], rows]))
        else:
            joined.append((direction, rows))
    return joined


def _half(
    record: CyclerRecord, rows: NDArray[np.int64], direction: int, passed: Floats
) -> HalfCycle:
    return HalfCycle(
        direction=direction,
        time_s=record.time_s[rows],
        voltage_V=record.voltage_V[rows],
        current_A=record.current_A[rows],
        passed_mAh=np.maximum.accumulate(np.cumsum(direction * passed[rows])),
        ended=True,
    )


def _with_ends(halves: tuple[HalfCycle, ...]) -> tuple[HalfCycle, ...]:
    """Say of the last half cycle whether it came to its end."""
    if not halves:
        return halves
    last = halves[-1]
    others = [half for half in halves[:-1] if half.direction == last.direction]
    reached = (
        bool(others)
        and last.direction
        * (float(np.median([half.voltage_V[-1] for half in others])) - last.voltage_V[-1])
        <= _CUT_OFF_V
    )
    # of a first of its kind nobody can say; it counts, and a note says so
    ended = reached or not others
    shown = HalfCycle(
        last.direction, last.time_s, last.voltage_V, last.current_A, last.passed_mAh, bool(ended)
    )
    return (*halves[:-1], shown)


def pair_cycles(halves: tuple[HalfCycle, ...], lead: Lead) -> tuple[Cycle, ...]:
    """Return the whole cycles that begin with a charge, or with a discharge."""
    direction = 1 if lead == "charge" else -1
    pairs = [
        (one, other)
        for one, other in pairwise(halves)
        if one.direction == direction and other.direction == -direction and other.ended
    ]
    return tuple(Cycle(number, *pair) for number, pair in enumerate(pairs, start=1))


def refuse_turned_current(halves: tuple[HalfCycle, ...], file: str) -> None:
    """Refuse a record whose voltage falls while it charges and rises while it discharges.

    Raises
    ------
    InputError
        If four in five half cycles are of that kind.
    """
    rises = [half.direction * (half.voltage_at(0.95) - half.voltage_at(0.05)) for half in halves]
    against = sum(rise < 0 for rise in rises)
    if len(rises) >= 2 and against >= _AGAINST * len(rises):
        raise InputError(
            f"A positive current must charge the cell in {file}",
            received=f"the voltage moves against the current in {against} of {len(rises)} halves",
            remedy="give the other word to --positive-current: it says what the file's sign means",
        )


def looks_symmetric(record: CyclerRecord) -> bool:
    """Return whether the voltage has the sign of the current, as between two like electrodes."""
    flowing = np.abs(record.current_A) > 0.1 * np.abs(record.current_A).max()
    if not flowing.any():
        return False
    with_current = np.sign(record.voltage_V[flowing]) == np.sign(record.current_A[flowing])
    shares = [float(np.mean(record.voltage_V[flowing] * sign > 0)) for sign in (1, -1)]
    return bool(with_current.mean() > 0.95 and min(shares) > 0.1)
