"""Rarer formats of impedance through pyimpspec, in a process of its own."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import numpy as np

from vitrolyte.data.errors import InputError, MissingExtra
from vitrolyte.data.io.instruments.impedance.columns import Source, split_spectra
from vitrolyte.data.measurement import Measurement

SUFFIXES = (".pssession", ".p00", ".i2b", ".xlsx", ".ods", ".crv")
"""Names of files that are tried with pyimpspec."""

_PROBE = Path(__file__).with_name("pyimpspec_probe.py")
_LIMIT_S = 60.0


def read_foreign(path: Path) -> tuple[Measurement, ...]:
    """Return the spectra that pyimpspec finds in a file.

    pyimpspec (GPL-3) is optional, runs as a program of its own with limits on time and memory, and
    is never imported here.

    Raises
    ------
    MissingExtra
        If it is not installed.
    InputError
        If it cannot read the file.
    """
    if importlib.util.find_spec("pyimpspec") is None:
        raise MissingExtra(
            f"pyimpspec is needed to read {path.name}",
            received="it is not installed",
            remedy="pip install 'vitrolyte[impedance]', or export the spectrum as a table",
        )
    try:
        said = subprocess.run(
            [sys.executable, str(_PROBE), str(path.resolve())],
            capture_output=True,
            timeout=_LIMIT_S,
            check=False,
        )
    except subprocess.TimeoutExpired as fault:
        raise InputError(
            f"{path.name} must be readable by pyimpspec", received=f"no answer in {_LIMIT_S:g} s"
        ) from fault
    try:
        sets = json.loads(said.stdout) if said.returncode == 0 else []
    except ValueError:
        sets = []
    if not sets:
        last = said.stderr.decode(errors="replace").strip().splitlines()[-1:] or ["nothing found"]
        raise InputError(
            f"{path.name} must be a file that pyimpspec can read",
            received=last[0][:200],
            remedy="export the spectrum as CSV with headings",
        )
    source = Source(path.name, "through pyimpspec")
    found: list[Measurement] = []
    for one in sets:
        columns = [np.array(one[key], dtype=float) for key in ("frequency", "real", "imaginary")]
        found += split_spectra(columns[0], columns[1] + 1j * columns[2], source)
    return tuple(found)
