"""The single table as CSV and as a JSON array, there and back."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from vitrolyte.data.errors import InputError
from vitrolyte.data.io.files import read_text, write_text
from vitrolyte.data.observation import COLUMNS, NUMBERS, Observation


def to_json(rows: Sequence[Observation]) -> str:
    """Return the rows as one JSON array of objects with all columns, ``null`` where empty."""
    plain = [{key: _plain(value) for key, value in asdict(row).items()} for row in rows]
    return json.dumps(plain, ensure_ascii=False, indent=1, allow_nan=False)


def _plain(value: object) -> object:
    return None if value == "" else value


def to_csv(rows: Sequence[Observation]) -> str:
    """Return the rows as CSV with a header, empty where a column is empty."""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(
        {key: "" if value is None else value for key, value in asdict(row).items()} for row in rows
    )
    return stream.getvalue()


def write_csv(path: Path, rows: Sequence[Observation]) -> None:
    """Write the rows as CSV with a header, whole or not at all.

    Raises
    ------
    StorageError
        If the file cannot be written.
    """
    write_text(path, to_csv(rows))


def read_csv(path: Path) -> tuple[Observation, ...]:
    """Return the rows of a CSV file written by :func:`write_csv`.

    Raises
    ------
    InputError
        If the file is missing, or its header or a number is not as it must be.
    """
    reader = csv.DictReader(io.StringIO(read_text(path)))
    if tuple(reader.fieldnames or ()) != COLUMNS:
        raise InputError(
            f"A table of observations has the columns {', '.join(COLUMNS)}",
            received=f"{path.name} with {reader.fieldnames}",
        )
    return tuple(_row(path, row) for row in reader)


def _row(path: Path, row: dict[str, Any]) -> Observation:
    try:
        values: dict[str, Any] = {
            key: _number(row[key]) if key in NUMBERS else row[key] for key in COLUMNS
        }
    except ValueError as fault:
        raise InputError(
            f"The columns {', '.join(sorted(NUMBERS))} of {path.name} hold numbers or nothing",
            received=str(fault),
        ) from fault
    return Observation(**values)


def _number(text: str) -> float | None:
    return float(text) if text else None
