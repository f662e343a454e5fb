"""Neware's binary files and workbooks, turned into tables by a process of its own."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import tempfile
from pathlib import Path

from vitrolyte.data.errors import InputError, MissingExtra
from vitrolyte.data.io.instruments.delimited import Delimited, read_delimited

NEWARE = (".nda", ".ndax")
WORKBOOKS = (".xlsx", ".xlsm")

_PROBE = Path(__file__).with_name("table_probe.py")
_LIMIT_S = 300.0
_NEEDED = {".nda": "NewareNDA", ".ndax": "NewareNDA", ".xlsx": "openpyxl", ".xlsm": "openpyxl"}


def read_foreign(path: Path) -> Delimited:
    """Return the records of a Neware file (.nda, .ndax; NewareNDA) or of a workbook (openpyxl).

    The library runs in a process of its own, with limits on time and memory.

    Raises
    ------
    MissingExtra
        If the library is not installed.
    InputError
        If it cannot read the file.
    """
    library = _NEEDED[path.suffix.lower()]
    if importlib.util.find_spec(library) is None:
        raise MissingExtra(
            f"{library} is needed to read {path.name}",
            received="it is not installed",
            remedy="pip install 'vitrolyte[cycling]', or export the records as CSV",
        )
    if not path.is_file():
        raise InputError(f"The file {path} must exist", received="no such file")
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "records.csv"
        try:
            said = subprocess.run(
                [sys.executable, str(_PROBE), str(path.resolve()), str(out)],
                capture_output=True,
                timeout=_LIMIT_S,
                check=False,
            )
        except subprocess.TimeoutExpired as fault:
            raise InputError(
                f"{path.name} must be readable by {library}",
                received=f"no answer in {_LIMIT_S:g} s",
            ) from fault
        if said.returncode != 0 or not out.is_file():
            lines = said.stderr.decode(errors="replace").strip().splitlines()
            raise InputError(
                f"{path.name} must be a file that {library} can read",
                received=lines[-1][:200] if lines else "no records",
                remedy="export the records as CSV",
            )
        return read_delimited(out)
