"""What every result has to do: be stored, come back the same, and answer with valid rows."""

from __future__ import annotations

from pathlib import Path

from vitrolyte.data.io import record
from vitrolyte.data.io.observations import to_json
from vitrolyte.data.observation import Observation, Sample
from vitrolyte.data.result import Result
from vitrolyte.data.vocabulary import unit_of


def rows_of_stored(before: Result, sample: Sample, folder: Path) -> tuple[Observation, ...]:
    """Store a result, take it back, compare the two, and return its rows."""
    record.save(folder / "result.json", before)
    after = record.load(folder / "result.json")
    assert type(after) is type(before)
    assert record.encode(after) == record.encode(before)
    rows = before.observations(sample)
    assert to_json(rows) == to_json(after.observations(sample))
    assert all(unit_of(row.quantity) == row.unit for row in rows)
    return rows
