"""What a battery cycler records."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from vitrolyte.data.errors import InputError
from vitrolyte.data.measurement import Conditions

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class CyclerRecord:
    """Time, voltage, current and charge of one cell, in the order in which they were recorded.

    Current and charge are positive while the cell is charged, that is while current raises its
    voltage, whatever the instrument's own sign.

    Attributes
    ----------
    time_s
        (n,), s from the start, never falling.
    voltage_V
        (n,), V.
    current_A
        (n,), A.
    charge_mAh
        (n,), net charge passed since the start, mAh.
    cycle
        (n,), the cycle that the instrument counted, or None where it counted none.
    conditions
        Mass of active material, temperature and area, as far as the file has them.
    file, format
        Name of the file, and as what it was read.
    notes
        What the reader had to assume or leave out.

    Raises
    ------
    InputError
        If lengths differ, a number is not finite, or time falls.
    """

    time_s: Floats
    voltage_V: Floats
    current_A: Floats
    charge_mAh: Floats
    cycle: NDArray[np.int64] | None = None
    conditions: Conditions = field(default_factory=Conditions)
    file: str = ""
    format: str = ""
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        columns = (self.time_s, self.voltage_V, self.current_A, self.charge_mAh)
        sizes = {len(column) for column in columns} | {
            len(self.cycle) if self.cycle is not None else len(self.time_s)
        }
        if len(sizes) != 1 or not all(np.isfinite(column).all() for column in columns):
            raise InputError(
                f"A record of cycling needs finite columns of one length: {self.file}",
                received=f"lengths {sorted(sizes)}"
                + ("" if len(sizes) > 1 else ", and numbers that are not finite"),
            )
        if np.any(np.diff(self.time_s) < 0):
            place = int(np.flatnonzero(np.diff(self.time_s) < 0)[0]) + 1
            raise InputError(
                f"Time must not fall in a record of cycling: {self.file}",
                received=f"a step back after record {place}",
            )

    def __len__(self) -> int:
        return len(self.time_s)

    def turned(self) -> CyclerRecord:
        """Return the record with the other sign of current and charge."""
        return replace(self, current_A=-self.current_A, charge_mAh=-self.charge_mAh)


def joined_records(parts: Sequence[CyclerRecord]) -> CyclerRecord:
    """Return the parts of one test, which was stopped and started again, as one record.

    Each part begins where the one before it ended, in time and charge; how long the pause was is
    not known. Conditions are those of the first part.

    Raises
    ------
    InputError
        If there is no part.
    """
    if not parts:
        raise InputError("A test needs at least one part", received="none")
    times, charges = [parts[0].time_s], [parts[0].charge_mAh]
    for part in parts[1:]:
        times.append(part.time_s - part.time_s[0] + times[-1][-1])
        charges.append(part.charge_mAh - part.charge_mAh[0] + charges[-1][-1])
    first = parts[0]
    return CyclerRecord(
        np.concatenate(times),
        np.concatenate([part.voltage_V for part in parts]),
        np.concatenate([part.current_A for part in parts]),
        np.concatenate(charges),
        conditions=first.conditions,
        file=" + ".join(part.file for part in parts),
        format=first.format,
        notes=tuple(dict.fromkeys(note for part in parts for note in part.notes)),
    )
