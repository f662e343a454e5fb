"""Which columns of a cycler's table hold time, voltage, current and charge."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from vitrolyte.data.cycling import CyclerRecord
from vitrolyte.data.errors import InputError
from vitrolyte.data.io.instruments.delimited import Column, Delimited
from vitrolyte.data.io.instruments.heading import plain_name
from vitrolyte.data.measurement import Conditions

Floats = NDArray[np.float64]

_TIME = ("test time", "testtime", "total time", "totaltime", "time", "elapsed time", "test",
         "relative time", "step time", "steptime", "t")  # fmt: skip
_VOLTAGE = ("voltage", "volts", "ewe", "<ewe>", "ecell", "<ecell>", "vol", "potential",
            "cell voltage", "channel voltage", "ewe-ece", "v", "u", "e")  # fmt: skip
_CURRENT = ("current", "amps", "i", "<i>", "cur", "curr", "channel current")
_NET = ("(q-qo)", "q-qo")
_STEP_CHARGE = ("dq",)
_CHARGED = ("charge capacity", "chg capacity", "chg. cap.", "charging capacity", "chg.capacity",
            "charge cap", "capacitance chg", "charge capacity ah")  # fmt: skip
_DISCHARGED = ("discharge capacity", "dchg capacity", "dchg. cap.", "discharging capacity",
               "dchg.capacity", "discharge cap", "capacitance dchg")  # fmt: skip
_EITHER = ("capacity", "amp-hr", "cap", "cap.", "q")
_CYCLE = ("cycle index", "cycle id", "cycle number", "cycle", "cyc#", "full cycle", "cycle no")
_STATE = ("state", "status", "step type", "md", "step name", "mode", "steptype", "workstate")
_DISCHARGING = re.compile(r"(?i)^d(?![a-z])|d[-_ ]?ch|dis|dchg|^cc[_ ]d")
_CHARGING = re.compile(r"(?i)^c(?![a-z])|ch(arge|g)|^cc[_ ]?c|^cv|^cccv")
_CLOCK = re.compile(r"(?:(\d+)[-d ]\s*)?(\d+):(\d{1,2}):(\d{1,2}(?:\.\d+)?)")
_MOST = 1e12
_SELF_NAMED = {"amps": "A", "amp-hr": "Ah"}
"""Headings of Maccor that are units themselves."""


@dataclass(frozen=True)
class Origin:
    """Where a record comes from."""

    file: str
    format: str
    conditions: Conditions = field(default_factory=Conditions)
    notes: tuple[str, ...] = ()


def record_of_table(table: Delimited, origin: Origin) -> CyclerRecord:
    """Return the record of a cycler's table, its columns known by their names.

    Charge comes from the instrument's own counters where it has them, which resolve more than its
    records do; otherwise from current and time, by trapezia.

    Raises
    ------
    InputError
        If time, voltage, or both current and charge are missing, or their sign is unknown.
    UnitError
        If a unit is missing or does not fit.
    """
    time, notes = _time(table)
    voltage = _plausible(_need(table, _VOLTAGE, "voltage").to("V", default="V"), table.file)
    sign = _signs(table)
    sign = _signs_of_current(table) if sign is None else sign
    charge = _charge(table, sign)
    current = _current(table, time, charge, sign)
    if charge is None:
        middle = 0.5 * (current[1:] + current[:-1]) * np.diff(time)
        charge = np.concatenate([[0.0], np.cumsum(middle)]) / 3.6
        notes += ("charge is the integral of current over time",)
    elif _coarse(charge, current, time):
        notes += ("the counter of charge is coarse: its steps show in voltage curves and dQ/dV",)
    if len(time) < 3:
        raise InputError(f"{table.file} needs a record of cycling", received=f"{len(time)} rows")
    cycle = table.column(*_CYCLE)
    return CyclerRecord(
        time_s=time,
        voltage_V=voltage,
        current_A=current,
        charge_mAh=charge,
        cycle=None if cycle is None else _integers(cycle, table.file),
        conditions=origin.conditions,
        file=origin.file,
        format=origin.format,
        notes=origin.notes + notes,
    )


def _plausible(values: Floats, file: str) -> Floats:
    """Refuse what no cycler measures: more than 1e12 s, V, A or mAh."""
    size = float(np.abs(values).max(initial=0.0))
    if size > _MOST:
        raise InputError(f"The numbers of {file} must be plausible", received=f"{size:g}")
    return values


def _coarse(charge: Floats, current: Floats, time: Floats) -> bool:
    """Return whether a counter moves in steps of many records."""
    counted = np.abs(np.diff(charge))
    passed = np.abs(current[1:]) * np.diff(time) / 3.6
    flowing = passed > 0
    if not flowing.any() or not (counted > 0).any():
        return False
    return bool(np.median(counted[counted > 0]) > 5 * np.median(passed[flowing]))


def _integers(column: Column, file: str) -> NDArray[np.int64]:
    if np.abs(column.values).max(initial=0.0) > 1e9:
        raise InputError(f"The numbers of cycles of {file} must be plausible", received="over 1e9")
    return np.round(column.values).astype(np.int64)


def _need(table: Delimited, names: Sequence[str], what: str) -> Column:
    found = table.column(*names)
    if found is None:
        raise InputError(
            f"{table.file} needs a column of {what}",
            received=f"columns {', '.join(map(repr, table.names)) or 'none'}",
            remedy="export the records of the cycler as a table with headings and units",
        )
    return found


def _time(table: Delimited) -> tuple[Floats, tuple[str, ...]]:
    """Return time from the start, s; where it falls back to zero, a new step or start is meant."""
    found = table.column(*_TIME)
    if found is not None:
        seconds = _plausible(found.to("s"), table.file)
    else:
        words = table.text(*_TIME)
        if words is None:
            _need(table, _TIME, "time")
        seconds = np.array([_clock(word, table.file) for word in words or ()])
    back = np.flatnonzero(np.diff(seconds) < 0)
    if len(back) == 0:
        return seconds, ()
    shift = np.zeros(len(seconds))
    shift[back + 1] = seconds[back] - np.minimum(seconds[back + 1], 0.0)
    note = f"time starts again {len(back)} times in the file; it is strung together"
    return seconds + np.cumsum(shift), (note,)


def _clock(word: str, file: str) -> float:
    found = _CLOCK.fullmatch(word.strip())
    if found is None:
        raise InputError(
            f"A time of {file} must be hours:minutes:seconds", received=repr(word[:40])
        )
    days, hours, minutes, seconds = found.groups()
    return float(days or 0) * 86400 + float(hours) * 3600 + float(minutes) * 60 + float(seconds)


def _signs(table: Delimited) -> Floats | None:
    """Return +1, -1 or 0 for each row from the words of a state, or None where there are none."""
    words = table.text(*_STATE)
    if words is None:
        return None
    kinds = {word: _sign_of(word) for word in set(words)}
    signs = np.array([kinds[word] for word in words], dtype=float)
    return signs if np.any(signs) else None


def _signs_of_current(table: Delimited) -> Floats | None:
    """Return the signs of a current that has both."""
    column = table.column(*_CURRENT)
    if column is None or not np.any(column.values < 0):
        return None
    return np.asarray(np.sign(column.values))


def _sign_of(word: str) -> int:
    if _DISCHARGING.search(word):
        return -1
    return 1 if _CHARGING.search(word) else 0


def _charge(table: Delimited, sign: Floats | None) -> Floats | None:
    """Return the net charge of the instrument's own counters, mAh, or None."""
    net = table.column(*_NET)
    if net is not None:
        return _plausible(net.to("mAh"), table.file)
    steps = table.column(*_STEP_CHARGE)
    if steps is not None:
        return np.cumsum(_plausible(steps.to("mAh"), table.file))
    charged, discharged = _counter(table, _CHARGED), _counter(table, _DISCHARGED)
    if charged is not None and discharged is not None:
        return np.asarray(_passed(charged) - _passed(discharged))
    either = _counter(table, _EITHER)
    if either is not None and sign is not None:
        return np.cumsum(np.diff(_passed(np.abs(either)), prepend=0.0) * sign)
    return None


def _counter(table: Delimited, names: Sequence[str]) -> Floats | None:
    column = table.column(*names)
    if column is None or (column.unit and "/g" in column.unit.replace(" ", "")):
        return None
    counted = column.to("mAh", default=_SELF_NAMED.get(plain_name(column.name), ""))
    return _plausible(counted, table.file)


def _passed(counter: Floats) -> Floats:
    """Return what a counter that is set back to zero has counted in all."""
    steps = np.diff(counter, prepend=0.0)
    # after it was set back, what stands there has passed since
    return np.cumsum(np.where(steps < 0, np.maximum(counter, 0.0), steps))


def _current(table: Delimited, time: Floats, charge: Floats | None, sign: Floats | None) -> Floats:
    """Return the current with the sign of charging, A."""
    column = table.column(*_CURRENT)
    if column is None:
        if charge is None:
            _need(table, _CURRENT, "current")
        return _slope(time, charge if charge is not None else time)
    unit = _SELF_NAMED.get(plain_name(column.name), "")
    current = _plausible(column.to("A", default=unit), table.file)
    if np.any(current < 0):
        return current
    if sign is not None:
        return current * sign
    if charge is not None and np.any(np.diff(charge) < 0):
        return np.copysign(current, np.diff(charge, prepend=0.0))
    raise InputError(
        f"The current of {table.file} needs a sign",
        received="no negative current, and no column of states",
        remedy="export a column that tells charge from discharge",
    )


def _slope(time: Floats, charge: Floats) -> Floats:
    """Return the current between a record and the one before it, A, of a charge in mAh."""
    step = np.diff(time, prepend=time[:1])
    passed = np.diff(charge, prepend=charge[:1]) * 3.6
    current = np.divide(passed, step, out=np.zeros_like(passed), where=step > 1e-3)
    # records of one moment hold no current of their own
    still = step <= 1e-3
    if still.any() and not still.all():
        places = np.arange(len(time))
        before = np.maximum.accumulate(np.where(still, -1, places))
        current = np.where(still & (before >= 0), current[np.maximum(before, 0)], current)
    return np.asarray(current)


def looks_like_cycling(table: Delimited) -> bool:
    """Return whether a table has the columns of a cycler's record."""
    names = {plain_name(name) for name in table.names}
    return bool(names & set(_VOLTAGE)) and bool(names & (set(_CURRENT) | set(_NET) | set(_CHARGED)))
