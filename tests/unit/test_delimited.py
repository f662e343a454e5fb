"""Tables of instruments: delimiters, units, decimal signs, encodings, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from vitrolyte.data.errors import InputError, UnitError
from vitrolyte.data.io.instruments.delimited import Delimited, read_delimited
from vitrolyte.data.io.instruments.heading import split_heading
from vitrolyte.data.io.instruments.unit_words import convert


def read(folder: Path, text: str, encoding: str = "utf-8") -> Delimited:
    path = folder / "table.txt"
    path.write_bytes(text.encode(encoding))
    return read_delimited(path)


def columns(table: Delimited) -> list[tuple[str, str, list[float]]]:
    return [(column.name, column.unit, column.values.tolist()) for column in table.columns]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("f/Hz,Re(Z)/Ohm\n1,2\n4,5.5\n", [("f", "Hz", [1, 4]), ("Re(Z)", "Ohm", [2, 5.5])]),
        (
            "Temp./°C;DSC/(mW/mg)\n1,5;2,25\n3,0;1e-3\n",
            [("Temp.", "°C", [1.5, 3]), ("DSC", "mW/mg", [2.25, 1e-3])],
        ),
        ("Time\tVolt\ns\tV\n0\t1\n1\t1.1\n", [("Time", "s", [0, 1]), ("Volt", "V", [1, 1.1])]),
        (
            "# Freq. (Hz)  Z'' (Ohm)\n  1.0  -3.0\n  2.0 -1E-3\n",
            [("Freq.", "Hz", [1, 2]), ("Z''", "Ohm", [-3, -1e-3])],
        ),
        (
            '"a (V)","b (mA)"\n"1,5","2,5"\n"2,5","3,25"\n',
            [("a", "V", [1.5, 2.5]), ("b", "mA", [2.5, 3.25])],
        ),
        ("a\tb\t\n1\t2\t\n3\t4\t\n", [("a", "", [1, 3]), ("b", "", [2, 4])]),
        ("a\tb\r\r\n1\t2\r\r\n2\t4\r\r\n", [("a", "", [1, 2]), ("b", "", [2, 4])]),
        ("a b\n1.0D+03 2\n2 3\n", [("a", "", [1000, 2]), ("b", "", [2, 3])]),
        ("a;b\n0,234;2\n2,345;3\n", [("a", "", [0.234, 2.345]), ("b", "", [2, 3])]),
        ("f,Z,Y\n1,2,3\n", [("f", "", [1]), ("Z", "", [2]), ("Y", "", [3])]),
    ],
    ids=["comma", "decimal comma", "unit line", "blanks", "quoted", "empty column", "two returns",
         "Fortran", "three decimals", "one row"],
)  # fmt: skip
def test_styles(text: str, expected: list[tuple[str, str, list[float]]], tmp_path: Path) -> None:
    assert columns(read(tmp_path, text)) == expected


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
def test_encodings(encoding: str, tmp_path: Path) -> None:
    table = read(tmp_path, "Temp./°C;x\n1,5;2\n3,0;1\n", encoding)
    assert columns(table) == [("Temp.", "°C", [1.5, 3.0]), ("x", "", [2, 1])]


def test_header_and_footer_are_kept(tmp_path: Path) -> None:
    table = read(tmp_path, "Mass\t12.3\nArea\t2\n\nf (Hz)\tZ\n1\t2\n2\t4\n3\t1\nEnd of data\n")
    assert table.names == ("f", "Z")
    assert table.header[0] == "Mass\t12.3"
    assert table.footer == ("End of data",)


def test_words_are_a_column_of_their_own(tmp_path: Path) -> None:
    table = read(tmp_path, "Step,V(V),I(A)\nCC Chg,3.5,1\nRest,3.6,0\n")
    assert table.text("step") == ("CC Chg", "Rest")
    assert table.names == ("V", "I")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a;b\n1.234,5;2\n2.345,6;3\n", "thousands"),
        ("a;b\n1,234;2\n2,345;3\n", "thousands"),
        ("a;b\n0,234;2.5\n2,345;3\n", "one decimal sign"),
        ("a,b\n1,5,2,3\n2,5,3,4\n", "decimal commas"),
        ("a\tb\tc\n1\t2\t3\n2\t4\t5\n3\t4", "line 4"),
        ("a\tb\n1\t2\n2\t4\n\nc\td\n1\t2\n2\t4\n", "line 5"),
        ("", "empty"),
        (" \n\n", "empty"),
        ("hello\nthis is text\n", "no line of numbers"),
    ],
)
def test_what_is_refused(text: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=words):
        read(tmp_path, text)


@pytest.mark.parametrize(
    ("cell", "line"), [("NaN", 3), ("foo", 3), ("", 3), ("1e999", 3), ("1.2.3", 3), ("1_0", 3)]
)
def test_a_flawed_column_is_refused_when_it_is_asked_for(
    cell: str, line: int, tmp_path: Path
) -> None:
    table = read(tmp_path, f"a\tb\n1\t2\n2\t{cell}\n3\t4\n4\t5\n")
    assert table.column("a") is not None
    with pytest.raises(InputError, match=f"line {line}"):
        table.column("b")


def test_a_flaw_far_down_is_found(tmp_path: Path) -> None:
    table = read(tmp_path, "a,b\n" + "1,2\n" * 9000 + "1,nan\n" + "1,2\n")
    with pytest.raises(InputError, match="line 9002"):
        table.column("b")
    assert len(table) == 9002


def test_binary_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "x.txt"
    path.write_bytes(np.random.default_rng(0).bytes(5000))
    with pytest.raises(InputError, match="text file"):
        read_delimited(path)


def test_units_are_turned(tmp_path: Path) -> None:
    table = read(tmp_path, "Temp (°C),U (mV),t (min),n\n25,1500,2,1\n26,1600,3,2\n")
    assert table.need("t").to("s") == pytest.approx([120, 180])
    assert table.need("TEMP").to("K") == pytest.approx([298.15, 299.15])
    assert table.need("U").to("V") == pytest.approx([1.5, 1.6])
    with pytest.raises(UnitError, match="needs a unit"):
        table.need("n").to("V")


# SI: prefixes; 1 h = 3600 s; 0 °C = 273.15 K; 1 mAh = 3.6 C
@pytest.mark.parametrize(
    ("unit", "to", "factor"),
    [
        ("kOhm", "ohm", 1e3), ("MΩ", "ohm", 1e6), ("mOhm", "ohm", 1e-3), ("mA.h", "C", 3.6),
        ("A·h", "mAh", 1e3), ("S/m", "S/cm", 1e-2), ("mS cm^-1", "S/cm", 1e-3),
        ("S·cm⁻¹", "S/cm", 1.0), ("Ω-1 cm-1", "S/cm", 1.0), ("mW/mg", "W/g", 1.0),
        ("K/min", "K/s", 1 / 60), ("mm²", "cm^2", 1e-2), ("nm^-1", "1/Å", 0.1), ("%", "1", 1e-2),
    ],
)  # fmt: skip
def test_factors(unit: str, to: str, factor: float) -> None:
    assert convert(np.ones(1), unit, to) == pytest.approx([factor])


def test_temperatures_have_an_offset() -> None:
    assert convert(np.array([25.0]), "°C", "K") == pytest.approx([298.15])
    assert convert(np.array([32.0]), "°F", "K") == pytest.approx([273.15])


@pytest.mark.parametrize(("unit", "to"), [("V", "A"), ("Ohm cm2", "ohm"), ("", "K"), ("foo", "s")])
def test_units_that_do_not_fit(unit: str, to: str) -> None:
    with pytest.raises(UnitError):
        convert(np.ones(1), unit, to)


@pytest.mark.parametrize(
    ("text", "pair"),
    [
        ("Z'(a)", ("Z'(a)", "")),
        ("1000/T (1/K)", ("1000/T", "1/K")),
        ("1000/T", ("1000/T", "")),
        ("DSC/(mW/mg)", ("DSC", "mW/mg")),
        ("<I>/mA", ("<I>", "mA")),
        ("T, K", ("T", "K")),
        ("thickness_cm", ("thickness", "cm")),
        ("log10(sigma/S cm-1)", ("log10(sigma/S cm-1)", "")),
        ('Z"/ohm', ('Z"', "ohm")),
        ("I/I0", ("I/I0", "")),
    ],
)
def test_headings(text: str, pair: tuple[str, str]) -> None:
    assert split_heading(text) == pair
