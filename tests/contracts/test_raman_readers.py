"""Raman spectra as spectrometers write them; damaged files are refused."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from tests.contracts.instrument_mutations import check_reader

from vitrolyte.data.errors import InputError
from vitrolyte.data.io.instruments.raman.reading import read_raman

DATA = Path(__file__).parents[1] / "data/laboratory/raman"
SHIFT = np.linspace(350.0, 480.0, 60)
COUNTS = np.round(1000.0 + 500.0 * np.exp(-(((SHIFT - 420.0) / 8.0) ** 2)), 1)


def write(folder: Path, name: str, text: str, encoding: str = "utf-8") -> Path:
    path = folder / name
    path.write_text(text, encoding=encoding)
    return path


def falling(separator: str = "\t") -> str:
    return "".join(f"{s:.6f}{separator}{c:.1f}\n" for s, c in zip(SHIFT[::-1], COUNTS[::-1]))


def test_renishaw_text_falls(tmp_path: Path) -> None:
    (found,) = read_raman(write(tmp_path, "glass.txt", "#Wave\t\t#Intensity\n" + falling()))
    assert found.format == "Renishaw text"
    np.testing.assert_allclose(found.curve.x, SHIFT, atol=1e-6)
    np.testing.assert_allclose(found.curve.y, COUNTS)


def test_renishaw_map(tmp_path: Path) -> None:
    lines = "".join(
        f"{x:.1f}\t0.0\t{s:.4f}\t{c + x:.1f}\n" for x in (1, 2) for s, c in zip(SHIFT, COUNTS)
    )
    found = read_raman(write(tmp_path, "map.txt", "#X\t\t#Y\t\t#Wave\t\t#Intensity\n" + lines))
    assert [one.part for one in found] == ["x 1, y 0", "x 2, y 0"]
    np.testing.assert_allclose(found[1].curve.y, COUNTS + 2.0)


def test_horiba_text_in_latin_1(tmp_path: Path) -> None:
    head = "#Acq. time (s)=\t10\n#Laser=\t532nm\n#Range (cm-\xb9)=\t350...480\n"
    (found,) = read_raman(write(tmp_path, "h.txt", head + falling(), "latin-1"))
    assert found.format == "Horiba text"


def test_decimal_commas(tmp_path: Path) -> None:
    text = "Raman shift (cm-1);Intensity\n" + falling(";").replace(".", ",")
    (found,) = read_raman(write(tmp_path, "comma.csv", text))
    np.testing.assert_allclose(found.curve.x, SHIFT, atol=1e-6)


def test_pairs_of_jcamp() -> None:
    (found,) = read_raman(DATA / "tannic_acid.jdx")
    # Labels of the file: FIRSTX=100.595, LASTX=2854.713, NPOINTS=1949, MAXY=300.889.
    assert (found.curve.x[0], found.curve.x[-1], len(found.curve)) == (100.595, 2854.713, 1949)
    assert found.curve.y.max() == 300.889


def test_differences_and_repetitions_of_jcamp() -> None:
    (found,) = read_raman(DATA / "dupdec1.jdx")
    labels = dict(
        line[2:].split("=", 1)
        for line in (DATA / "dupdec1.jdx").read_text().splitlines()
        if line.startswith("##") and "=" in line
    )
    # The file states its own ends and extremes; each packed line carries a check value.
    assert len(found.curve) == int(labels["NPOINTS"])
    assert found.curve.x.min() == pytest.approx(
        min(float(labels["FIRSTX"]), float(labels["LASTX"]))
    )
    assert found.curve.y.max() == pytest.approx(float(labels["MAXY"]), abs=0.01)
    assert "INFRARED" in found.notes[0]


def test_a_broken_check_value_is_refused(tmp_path: Path) -> None:
    text = (
        "##TITLE=x\n##DATA TYPE=RAMAN SPECTRUM\n##XUNITS=1/CM\n##FIRSTX=1\n##LASTX=12\n"
        "##NPOINTS=12\n##YFACTOR=1\n##XYDATA=(X++(Y..Y))\n1A0J1J1J1J1J1\n7G1J1J1J1J1J1J1\n##END=\n"
    )
    with pytest.raises(InputError, match="check value"):
        read_raman(write(tmp_path, "broken.jdx", text))


def wdf(points: int = 60, count: int = 1) -> bytes:
    """Return a file of Renishaw's format with the blocks that a spectrum needs."""
    head = bytearray(512)
    struct.pack_into("<4siq", head, 0, b"WDF1", 1, 512)
    struct.pack_into("<iqq", head, 0x3C, points, count, count)
    x = struct.pack("<4siq", b"XLST", 0, 24 + 4 * 60) + struct.pack("<ii", 1, 1)
    y = struct.pack("<4siq", b"DATA", 0, 16 + 4 * 60)
    return bytes(head) + y + COUNTS.astype("<f4").tobytes() + x + SHIFT.astype("<f4").tobytes()


def test_renishaw_binary(tmp_path: Path) -> None:
    path = tmp_path / "glass.wdf"
    path.write_bytes(wdf())
    (found,) = read_raman(path)
    assert found.format == "Renishaw WDF"
    np.testing.assert_allclose(found.curve.y, COUNTS, rtol=1e-6)


@pytest.mark.parametrize("sizes", [(2**31 - 1, 1), (60, 2**40), (60, 2), (-1, 1)])
def test_sizes_that_the_file_does_not_have(tmp_path: Path, sizes: tuple[int, int]) -> None:
    path = tmp_path / "claims.wdf"
    path.write_bytes(wdf(*sizes))
    with pytest.raises(InputError):
        read_raman(path)


def test_wavelengths_and_closed_formats_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="Raman shift"):
        read_raman(write(tmp_path, "nm.txt", "Wavelength (nm)\tIntensity\n" + falling()))
    with pytest.raises(InputError, match="export"):
        read_raman(write(tmp_path, "glass.l6s", "LabSpec6 binary"))


def test_damaged_files_are_read_or_refused(tmp_path: Path) -> None:
    binary = tmp_path / "glass.wdf"
    binary.write_bytes(wdf())
    text = write(tmp_path, "glass.txt", "#Wave\t\t#Intensity\n" + falling())
    for file in (binary, text, DATA / "dupdec1.jdx"):
        read, refused = check_reader(read_raman, file, tmp_path, count=30)
        assert read + refused == 30
