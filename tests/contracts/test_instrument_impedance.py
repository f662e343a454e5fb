"""Impedance files of every format: the right numbers, the physical sign, and clear refusals."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from tests.contracts.instrument_mutations import check_reader

from vitrolyte.data.errors import InputError, UnitError
from vitrolyte.data.io.instruments.impedance.columns import role_of
from vitrolyte.data.io.instruments.impedance.read import read_impedance
from vitrolyte.data.measurement import Measurement

DATA = Path(__file__).parents[1] / "data" / "laboratory" / "impedance"

# format, number of points, frequency (Hz) and impedance (ohm) of the first point, as the files
# have them; columns agree with impedance.py 1.7.1 and pyimpspec 5.1.3 to 2e-16 (validation)
REAL = {
    "exampleDataBioLogic.mpt": ("BioLogic mpt", 43, 1000.3201, 65.470886 - 0.38998979j),
    "exampleDataAutolab.txt": ("ZPlot/ZView", 41, 1e4, 0.013785863964281 + 0.007191946305823j),
    "exampleDataCHInstruments.txt": ("table with headings", 73, 9.961e4, 98.91 - 2.748j),
    "exampleDataGamry.DTA": ("Gamry DTA", 72, 200015.6, 825.8584 - 1367.239j),
    "exampleDataParstat.txt": ("table with headings", 31, 1e4, -4.98e-4 + 1.751435e-2j),
    "exampleDataPowersuite.txt": ("table with headings", 30, 0.1, 423929.46 - 49014.063j),
    "exampleDataVersaStudio.par": ("VersaStudio", 61, 1e5, 55.31571 + 4.575431j),
    "exampleDataZPlot.z": ("ZPlot/ZView", 21, 3e5, 147.77 - 11.335j),
    "eispot_data_curveaborted.dta": ("Gamry DTA", 5, 1e4, 224.6075 - 3.767681j),
    # |Z| and phase of the file's point at 100 kHz: 10869.44 ohm, -89.127 deg
    "rc-data.ism": ("Zahner ISM", 55, 1e5, 165.607 - 10868.178j),
}


@pytest.mark.parametrize("name", REAL)
def test_real_files(name: str) -> None:
    format, count, frequency, impedance = REAL[name]
    (found,) = read_impedance(DATA / name)
    assert found.format == format
    assert len(found.curve) == count
    assert found.curve.x[0] == pytest.approx(frequency, rel=1e-6)
    assert abs(found.curve.y[0] - impedance) < 1e-4 * abs(impedance)
    assert found.curve.x_axis.unit == "Hz"
    assert found.curve.y_axis.unit == "ohm"


@pytest.mark.parametrize("name", REAL)
def test_damaged_files(name: str, tmp_path: Path) -> None:
    taken, refused = check_reader(read_impedance, DATA / name, tmp_path, count=24)
    assert refused > 0
    assert taken + refused == 24


def test_what_programs_write_when_nobody_gave_it_is_not_taken() -> None:
    (found,) = read_impedance(DATA / "exampleDataBioLogic.mpt")
    assert found.conditions.area_cm2 is None
    assert "0.001 cm²" in found.notes[0]


def test_a_file_that_announces_more_points_says_so() -> None:
    (found,) = read_impedance(DATA / "exampleDataZPlot.z")
    assert "announces 56 points, the file holds 21" in " ".join(found.notes)


def test_an_aborted_experiment_says_so() -> None:
    (found,) = read_impedance(DATA / "eispot_data_curveaborted.dta")
    assert "aborted" in " ".join(found.notes)


# a series circuit of R = 10 ohm and C = 1e-6 F: Z = R - i / (2 pi f C), Z'' < 0
FREQUENCY = np.logspace(5, 0, 21)
CIRCUIT = 10.0 - 1j / (2 * np.pi * FREQUENCY * 1e-6)


def table(folder: Path, heading: str, columns: list[np.ndarray], sign: str = ",") -> Path:
    path = folder / "spectrum.csv"
    rows = [sign.join(f"{value:.10e}" for value in row) for row in zip(*columns, strict=True)]
    path.write_text("\n".join([heading, *rows]) + "\n", encoding="utf-8")
    return path


HEADINGS = [
    ("frequency (Hz),Z' (ohm),Z'' (ohm)", 1.0, 1.0),
    ("freq/Hz,Re(Z)/Ohm,-Im(Z)/Ohm", 1.0, -1.0),
    ("Frequency,Zreal,Zimag", 1.0, 1.0),
    ("f [kHz],Z' [kOhm],-Z'' [kOhm]", 1e-3, -1e-3),
    ("Freq. (MHz),Z_re (MΩ),−Z_im (MΩ)", 1e-6, -1e-6),
]


@pytest.mark.parametrize(("heading", "scale", "imaginary"), HEADINGS)
def test_headings_units_and_sign(
    heading: str, scale: float, imaginary: float, tmp_path: Path
) -> None:
    columns = [FREQUENCY * scale, CIRCUIT.real * scale, CIRCUIT.imag * imaginary]
    (found,) = read_impedance(table(tmp_path, heading, columns))
    np.testing.assert_allclose(found.curve.x, FREQUENCY, rtol=1e-9)
    np.testing.assert_allclose(found.curve.y, CIRCUIT, rtol=1e-9)


# headings as PSTrace, Nova, WinDETA, ZPlot's exports and Thales write them; the last column is -Z''
# or Z'' as its name says
STYLES = [
    ("freq / Hz,neg. Phase / °,Z / Ohm,Z' / Ohm,-Z'' / Ohm", -1.0),
    ("Frequency (Hz),-Phase (°),Z (Ω),Z' (Ω),-Z'' (Ω)", -1.0),
    ("Freq. [Hz],Phase [°],|Zs| [Ohms],Zs' [Ohms],Zs'' [Ohms]", 1.0),
    ("Frequency(Hz),theta(deg),|Z|(ohm),Z'(ohm),Z''(ohm)", 1.0),
    ("Frequency/Hz,Phase/deg,Impedance/Ohm,Re(Z)/Ohm,Im(Z)/Ohm", 1.0),
]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize(("heading", "sign"), STYLES)
def test_headings_of_programs(heading: str, sign: float, encoding: str, tmp_path: Path) -> None:
    size, phase = np.abs(CIRCUIT), np.degrees(np.angle(CIRCUIT))
    path = table(tmp_path, heading, [FREQUENCY, phase, size, CIRCUIT.real, sign * CIRCUIT.imag])
    path.write_text(path.read_text(encoding="utf-8"), encoding=encoding)
    (found,) = read_impedance(path)
    np.testing.assert_allclose(found.curve.y, CIRCUIT, rtol=1e-9)


def test_modulus_and_phase(tmp_path: Path) -> None:
    columns = [FREQUENCY, np.abs(CIRCUIT), np.degrees(np.angle(CIRCUIT))]
    (found,) = read_impedance(table(tmp_path, "f (Hz),|Z| (ohm),Phase (deg)", columns))
    np.testing.assert_allclose(found.curve.y, CIRCUIT, rtol=1e-8)
    with pytest.raises(UnitError, match="phase"):
        read_impedance(table(tmp_path, "f (Hz),|Z| (ohm),Phase", columns))


def test_decimal_commas(tmp_path: Path) -> None:
    columns = [FREQUENCY, CIRCUIT.real, -CIRCUIT.imag]
    path = table(tmp_path, "freq/Hz;Re(Z)/Ohm;-Im(Z)/Ohm", columns, ";")
    path.write_text(path.read_text().replace(".", ","))
    (found,) = read_impedance(path)
    np.testing.assert_allclose(found.curve.y, CIRCUIT, rtol=1e-9)


def test_a_bare_imaginary_part_is_never_turned(tmp_path: Path) -> None:
    columns = [FREQUENCY, CIRCUIT.real, -CIRCUIT.imag]
    (found,) = read_impedance(table(tmp_path, "f (Hz),Z' (ohm),Z'' (ohm)", columns))
    assert np.all(found.curve.y.imag > 0)


def test_loops_are_told_apart(tmp_path: Path) -> None:
    columns = [np.tile(part, 3) for part in (FREQUENCY, CIRCUIT.real, CIRCUIT.imag)]
    found = read_impedance(table(tmp_path, "f (Hz),Z' (ohm),Z'' (ohm)", columns))
    assert [one.part for one in found] == ["loop 1", "loop 2", "loop 3"]
    assert {len(one.curve) for one in found} == {21}


def test_temperature_and_thickness_come_from_the_header(tmp_path: Path) -> None:
    path = table(tmp_path, "f (Hz),Z' (ohm),Z'' (ohm)", [FREQUENCY, CIRCUIT.real, CIRCUIT.imag])
    path.write_text("Temperature: 25 °C\nThickness 1.2 mm\n" + path.read_text())
    (found,) = read_impedance(path)
    assert found.conditions.temperature_K == pytest.approx(298.15)
    assert found.conditions.thickness_cm == pytest.approx(0.12)


@pytest.mark.parametrize(
    ("heading", "words"),
    [
        ("a,b,c", "column of frequencies"),
        ("f (Hz),Z' (ohm),foo", "real and the imaginary"),
        ("f (Hz),Z' (ohm cm2),Z'' (ohm cm2)", "in ohm"),
        ("f (s),Z' (ohm),Z'' (ohm)", "turned into Hz"),
    ],
)
def test_what_is_refused(heading: str, words: str, tmp_path: Path) -> None:
    columns = [FREQUENCY, CIRCUIT.real, CIRCUIT.imag]
    with pytest.raises(InputError, match=words):
        read_impedance(table(tmp_path, heading, columns))


def test_negative_frequencies_are_refused(tmp_path: Path) -> None:
    columns = [-FREQUENCY, CIRCUIT.real, CIRCUIT.imag]
    with pytest.raises(InputError, match="plausible"):
        read_impedance(table(tmp_path, "f (Hz),Z' (ohm),Z'' (ohm)", columns))


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("Z'", "real"),
        ("Z''(b)", "imaginary"),
        ("-Z''", "minus imaginary"),
        ("−Im(Z)", "minus imaginary"),
        ("|Z|", "modulus"),
        ("Phase(Z)", "phase"),
        ("Freq.", "frequency"),
        ("Zre", "real"),
        ("time", ""),
    ],
)
def test_roles(name: str, role: str) -> None:
    assert role_of(name) == role


def binary(ids: list[int], rows: list[tuple[float, ...]], form: str, version: int) -> bytes:
    """Return a .mpr file as EC-Lab lays it out: a head, a module of settings and one of data."""

    def module(name: bytes, body: bytes, number: int) -> bytes:
        head = name.ljust(10) + name.ljust(25) + struct.pack("<II", len(body), number) + b"01/01/20"
        return b"MODULE" + head + body

    start = {2: 405, 3: 406}[version]
    top = struct.pack("<IB", len(rows), len(ids)) + struct.pack(f"<{len(ids)}H", *ids)
    body = top.ljust(start, b"\0") + b"".join(struct.pack("<" + form, *row) for row in rows)
    mark = b"BIO-LOGIC MODULAR FILE\x1a".ljust(48) + b"\0" * 4
    return mark + module(b"VMP Set", b"\0" * 40, 0) + module(b"VMP data", body, version)


@pytest.mark.parametrize("version", [2, 3])
def test_binary_of_ec_lab(version: int, tmp_path: Path) -> None:
    # columns 32, 37, 38: freq/Hz, Re(Z)/Ohm, -Im(Z)/Ohm; 1, 3: flags of one byte; 24: cycle number
    rows = [(3, f, z.real, -z.imag, 1.0) for f, z in zip(FREQUENCY, CIRCUIT, strict=True)]
    path = tmp_path / "spectrum.mpr"
    path.write_bytes(binary([1, 3, 32, 37, 38, 24], rows, "Bfffd", version))
    (found,) = read_impedance(path)
    np.testing.assert_allclose(found.curve.y, CIRCUIT, rtol=1e-6)
    check_reader(read_impedance, path, tmp_path, count=40)


def test_unknown_columns_of_ec_lab_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "spectrum.mpr"
    path.write_bytes(binary([32, 9999], [(1.0, 2.0)], "ff", 3))
    with pytest.raises(InputError, match="9999"):
        read_impedance(path)


def ivium(spectra: int = 1) -> str:
    rows = [
        f"{z.real:.8E}  {z.imag:.8E}\t{f:.8E} " for f, z in zip(FREQUENCY, CIRCUIT, strict=True)
    ]
    data = "\r\n".join(["primary_data", "3", str(len(rows)), *rows])
    top = "\0\0\0\0\r\nMethod=Impedance\r\nData Options.Area=0.5\r\n"
    return top + "\r\n".join([data] * spectra)


def autolab_dfr() -> str:
    pairs = zip(FREQUENCY, CIRCUIT, strict=True)
    points = [f"{f}\n{z.real}\n{-z.imag}\n" + "0.0\n" * 6 for f, z in pairs]
    return f"VERSION8.0\n {len(FREQUENCY)}\n 1\n" + "".join(points)


@pytest.mark.parametrize(("name", "text"), [("x.idf", ivium()), ("x.dfr", autolab_dfr())])
def test_layouts_of_ivium_and_autolab(name: str, text: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(text.encode("latin-1"))
    (found,) = read_impedance(path)
    np.testing.assert_allclose(found.curve.y, CIRCUIT, rtol=1e-7)
    check_reader(read_impedance, path, tmp_path, count=40)


def test_several_spectra_of_ivium(tmp_path: Path) -> None:
    path = tmp_path / "x.ids"
    path.write_bytes(ivium(2).encode("latin-1"))
    found: tuple[Measurement, ...] = read_impedance(path)
    assert [one.part for one in found] == ["loop 1", "loop 2"]
    assert found[0].conditions.area_cm2 == 0.5


@pytest.mark.parametrize("suffix", [".z", ".mpt", ".mpr", ".dta", ".csv", ".ism", ".idf", ".dfr"])
def test_rubbish_and_nothing(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"x{suffix}"
    for data in (b"", b"\0" * 100, bytes(range(256)) * 4, b"hello", b"1\n2\n"):
        path.write_bytes(data)
        with pytest.raises(InputError):
            read_impedance(path)
    with pytest.raises(InputError):
        read_impedance(tmp_path / "missing.csv")
    with pytest.raises(InputError):
        read_impedance(tmp_path)
