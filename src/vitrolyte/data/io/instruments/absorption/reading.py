"""X-ray absorption spectra of any file, its format found by what it holds."""

from __future__ import annotations

from pathlib import Path

from vitrolyte.data.io.instruments.absorption.athena import is_athena, read_athena
from vitrolyte.data.io.instruments.absorption.columns import ColumnRule, read_columns
from vitrolyte.data.io.instruments.text_lines import first_bytes
from vitrolyte.data.measurement import Measurement


def read_absorption(path: Path, rule: ColumnRule | None = None) -> tuple[Measurement, ...]:
    """Return the spectra of a file: μ(E) against eV, or χ(k) against 1/Å.

    Parameters
    ----------
    path
        Athena project (Perl or JSON, packed or not), XDI, SPEC or other columns.
    rule
        Which columns are what; names are recognised where they are usual ones.

    Raises
    ------
    InputError
        If the file cannot be read as one of these; the message says why.
    """
    head, _ = first_bytes(path)
    return read_athena(path) if is_athena(head) else read_columns(path, rule)
