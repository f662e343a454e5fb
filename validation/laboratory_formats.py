"""A thousand damaged files for every reader of instruments: a clear refusal or an answer."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.contracts.instrument_mutations import check_reader

from validation.check import Check
from vitrolyte.data.io.instruments.cycling.read import read_cycling
from vitrolyte.data.io.instruments.delimited import read_delimited
from vitrolyte.data.io.instruments.impedance.read import read_impedance

Reader = Callable[[Path], Any]

MUTATIONS = 1000
SLOW_MUTATIONS = 60
"""Of formats that are read in a process of their own, a second or more each."""

_COMMAND = "python -m validation laboratory_formats"
_DATA = Path(__file__).parents[1] / "tests" / "data" / "laboratory"
FORMATS: dict[str, tuple[Reader, tuple[str, ...]]] = {
    "impedance": (
        read_impedance,
        (
            "exampleDataBioLogic.mpt",
            "exampleDataAutolab.txt",
            "exampleDataCHInstruments.txt",
            "exampleDataGamry.DTA",
            "exampleDataParstat.txt",
            "exampleDataPowersuite.txt",
            "exampleDataVersaStudio.par",
            "exampleDataZPlot.z",
            "rc-data.ism",
        ),
    ),
    "cycling": (read_cycling, ("maccor_example.txt", "00_test_04_MB_C01.mpr")),
}
"""Readers and the real files that are damaged, by kind; other kinds add theirs with `add`."""

_SLOW: dict[str, tuple[Reader, tuple[str, ...]]] = {
    "cycling": (read_cycling, ("test.nda", "test.ndax"))
}


def add(kind: str, read: Reader, names: tuple[str, ...]) -> None:
    """Add a reader and files of ``tests/data/laboratory/KIND`` to what is damaged."""
    FORMATS[kind] = (read, (*FORMATS.get(kind, (read, ()))[1], *names))


def damaged_files() -> tuple[Check, ...]:
    """Return, for each format, how many of its damaged files were answered as they should be."""
    found = [
        _check(read, _DATA / kind / name, count)
        for formats, count in ((FORMATS, MUTATIONS), (_SLOW, SLOW_MUTATIONS))
        for kind, (read, names) in formats.items()
        for name in names
    ]
    return (*found, _plain_table())


def _check(read: Reader, path: Path, count: int) -> Check:
    with tempfile.TemporaryDirectory() as folder:
        taken, refused = check_reader(read, path, Path(folder), count=count)
    name = f"{path.name}: damaged copies read or refused, of {count}"
    return Check.within(
        name, count, taken + refused, bounds=(float(count), float(count)), command=_COMMAND
    )


def _plain_table() -> Check:
    rows = "".join(f"{i * 0.1:.1f};{i * i:.3e};step {i % 3}\n" for i in range(200))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table.csv"
        path.write_text("Temp. (°C);Signal (mV);Step\n" + rows, encoding="utf-8")
        return _check(read_delimited, path, MUTATIONS)
