"""The one row in which everything ends, whether computed, measured or published."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Literal

from vitrolyte.data.quantity import Quantity, Status
from vitrolyte.data.vocabulary import unit_of

Kind = Literal["computed", "measured", "published"]


@dataclass(frozen=True)
class Sample:
    """What a number is about: the material, its formula, its phase and its state.

    Attributes
    ----------
    material
        Family or common name: ``antiperovskite glass``.
    formula
        Reduced formula as chemists write it: ``Li3OCl``.
    phase
        ``glass``, ``melt``, ``crystal`` ...
    temperature_K, pressure_GPa
        State; None where it does not apply.
    """

    material: str
    formula: str
    phase: str
    temperature_K: float | None = None
    pressure_GPa: float | None = None


@dataclass(frozen=True)
class Observation:
    """One row of the single table; None where a column is empty.

    ``of`` is the species, pair or event where one is meant (``Li``, ``Zr-O``, ``bulk``).
    """

    material: str
    formula: str
    phase: str
    quantity: str
    of: str
    value: float | None
    error: float | None
    low: float | None
    high: float | None
    unit: str
    temperature_K: float | None
    pressure_GPa: float | None
    kind: Kind
    method: str
    source: str
    origin: str
    status: Status
    note: str


COLUMNS = tuple(field.name for field in fields(Observation))
"""Names of the columns, in order."""

NUMBERS = frozenset({"value", "error", "low", "high", "temperature_K", "pressure_GPa"})
"""Columns that hold a number or nothing."""


def _number(value: float | None) -> float | None:
    """Return what a column holds: an open end of an interval is none."""
    return None if value is None or not math.isfinite(value) else float(value)


def computed(
    sample: Sample, quantity: str, number: Quantity, *, of: str = "", method: str = ""
) -> Observation:
    """Return the row of a computed quantity; ``source`` and ``origin`` come from the store.

    Raises
    ------
    InputError
        If the word is not in the vocabulary.
    UnitError
        If the unit is not the one that the vocabulary gives to that word.
    """
    return _row(sample, quantity, number, ("computed", of, method))


def measured(
    sample: Sample, quantity: str, number: Quantity, *, of: str = "", method: str = ""
) -> Observation:
    """Return the row of a quantity from measured data; raises as `computed` does."""
    return _row(sample, quantity, number, ("measured", of, method))


def _row(
    sample: Sample, quantity: str, number: Quantity, how: tuple[Kind, str, str]
) -> Observation:
    unit_of(quantity, number.unit)
    kind, of, method = how
    return Observation(
        material=sample.material,
        formula=sample.formula,
        phase=sample.phase,
        quantity=quantity,
        of=of,
        value=_number(number.value),
        error=_number(number.error),
        low=_number(number.low),
        high=_number(number.high),
        unit=number.unit,
        temperature_K=_number(sample.temperature_K),
        pressure_GPa=_number(sample.pressure_GPa),
        kind=kind,
        method=method,
        source="",
        origin="",
        status=number.status,
        note=number.note,
    )
