"""Damaged files of NMR: one InputError each, quickly and in little memory."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tests.contracts.instrument_mutations import check_reader
from tests.nmr_files import JCAMP_PLAIN, JCAMP_TABLES, bruker_folder, decay, varian_folder

from vitrolyte.data.io.instruments.nmr.reading import read_relaxation, read_spectra

REAL = Path(__file__).parents[1] / "data/laboratory/nmr/bruker_nmrglue/1"
Target = Path | None


def _table(copy: Path, target: Path) -> object:
    del target
    return read_relaxation(copy)


def _spectrum(copy: Path, target: Path) -> object:
    del target
    return read_spectra(copy)


def _within(name: str) -> Callable[[Path, Path], object]:
    """Return a reader that puts the damaged copy in the place of one file of an experiment."""

    def read(copy: Path, target: Path) -> object:
        whole = copy.parent / target
        shutil.copyfile(copy, whole / name)
        reader = read_relaxation if (whole / "ser").exists() else read_spectra
        return reader(whole)

    return read


TARGETS: dict[str, tuple[Callable[[Path, Path], object], Path]] = {
    "rates": (_table, Path()),
    "recoveries": (_table, Path()),
    "spectrum table": (_spectrum, Path()),
    "jcamp": (_spectrum, Path()),
    "bruker fid": (_within("fid"), Path("b")),
    "bruker acqus": (_within("acqus"), Path("b")),
    "bruker ser": (_within("ser"), Path("s")),
    "bruker vdlist": (_within("vdlist"), Path("s")),
    "bruker procs": (_within("pdata/1/procs"), Path("p")),
    "bruker 1r": (_within("pdata/1/1r"), Path("p")),
    "varian fid": (_within("fid"), Path("v")),
    "varian procpar": (_within("procpar"), Path("v")),
}


def prepared_file(name: str, folder: Path) -> Path:
    """Return a sound file of a format, its experiment beside it where it has one."""
    x = np.linspace(-5, 5, 40)
    texts = {
        "rates": "T (K),R1 (1/s),error,T1rho (ms)\n"
        + "".join(f"{t},{1 + t / 100},0.1,{t}\n" for t in range(200, 300, 10)),
        "recoveries": "delay (s),293 K,303 K\n"
        + "".join(f"{2**k},{k},{k + 1}\n" for k in range(9)),
        "spectrum table": "ppm,real,imag\n"
        + "".join(f"{v:.3f},{np.exp(-v * v):.5f},0.{k}\n" for k, v in enumerate(x)),
        "jcamp": JCAMP_PLAIN.format(table=JCAMP_TABLES["differences"]),
    }
    if name in texts:
        path = folder / "sound.csv"
        path.write_text(texts[name])
        return path
    kind, _, part = name.partition(" ")
    if kind == "varian":
        return varian_folder(folder / "v", decay(200)) / part
    if part in ("procs", "1r"):
        shutil.copytree(REAL, folder / "p")
        return folder / "p/pdata/1" / part
    if part in ("ser", "vdlist"):
        series = np.linspace(0.1, 1, 6)[:, None] * decay(200)[None, :]
        return bruker_folder(folder / "s", series, "10m\n100m\n1\n2\n3\n4.5s\n") / part
    return bruker_folder(folder / "b", decay(200)) / part


@pytest.mark.parametrize("name", TARGETS)
def test_damaged_files_bring_one_clear_refusal(name: str, tmp_path: Path) -> None:
    read, target = TARGETS[name]
    path = prepared_file(name, tmp_path)
    read_whole, refused = check_reader(lambda copy: read(copy, target), path, tmp_path, count=40)
    assert read_whole + refused == 40
    assert refused > 0
