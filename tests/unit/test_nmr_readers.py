"""Readers of NMR: tables, Bruker, Varian, JCAMP-DX; what they refuse."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.nmr_files import (
    JCAMP_PLAIN,
    JCAMP_TABLES,
    bruker_folder,
    decay,
    varian_folder,
)

from vitrolyte.data.errors import InputError
from vitrolyte.data.io.instruments.nmr.reading import files_behind, read_relaxation, read_spectra

REAL = Path(__file__).parents[1] / "data/laboratory/nmr/bruker_nmrglue/1"


def written(folder: Path, text: str) -> Path:
    path = folder / "table.csv"
    path.write_text(text, encoding="utf-8")
    return path


RATES = {
    "rates": "temperature_K,R1_per_s\n200,0.5\n250,1.0\n",
    "inverse": "1000/T (1/K)\tR1 (s^-1)\n5\t0.5\n4\t1.0\n",
    "times, decimal commas": "T (°C);T1 (ms)\n-73,15;2000,0\n-23,15;1000,0\n",
    "one over T1": "Temperature/K,1/T1 / s^-1\n200,0.5\n250,1\n",
}


@pytest.mark.parametrize("text", RATES.values(), ids=RATES)
def test_rates_in_many_dresses(tmp_path: Path, text: str) -> None:
    (one,) = read_relaxation(written(tmp_path, text))
    assert one.curve.label == "R1"
    assert one.curve.x == pytest.approx([200.0, 250.0])
    assert one.curve.y == pytest.approx([0.5, 1.0])


def test_errors_fields_and_locks_come_with_their_column(tmp_path: Path) -> None:
    text = "T (K),R1 (1/s) 116 MHz,err,T1rho (ms) 20 kHz,err\n200,1,0.1,100,10\n250,2,0.2,50,5\n"
    one, two = read_relaxation(written(tmp_path, text))
    assert (one.conditions.larmor_MHz, two.conditions.spin_lock_kHz) == (116.0, 20.0)
    assert one.curve.y_error == pytest.approx([0.1, 0.2])
    assert two.curve.label == "R1rho"
    assert two.curve.y_error == pytest.approx([1.0, 2.0])


def test_a_long_table_is_parted_by_field(tmp_path: Path) -> None:
    text = "temperature (K),field (T),R1 (1/s)\n200,9.4,1\n200,14.1,2\n220,9.4,3\n220,14.1,4\n"
    found = read_relaxation(written(tmp_path, text))
    assert [one.conditions.field_T for one in found] == [9.4, 14.1]
    assert found[1].curve.y == pytest.approx([2, 4])


def test_recoveries_at_several_temperatures(tmp_path: Path) -> None:
    columns = written(tmp_path, "delay (ms),293 K,30 °C\n1,1,1\n10,5,6\n100,10,10\n")
    one, two = read_relaxation(columns)
    assert one.curve.x == pytest.approx([0.001, 0.01, 0.1])
    assert two.conditions.temperature_K == pytest.approx(303.15)
    rows = "temperature (K),delay (s),intensity\n293,.1,1\n293,.2,2\n303,.1,1\n303,.2,3\n"
    assert [m.part for m in read_relaxation(written(tmp_path, rows))] == ["293 K", "303 K"]


REFUSED = {
    "no unit": "T (K),R1\n200,1\n210,2\n",
    "no unit of temperature": "T,R1 (1/s)\n200,1\n210,2\n",
    "no temperature": "place,R1 (1/s)\n1,1\n2,2\n",
    "logarithms": "T (K),ln(R1)\n200,1\n210,2\n",
    "zero rate": "T (K),R1 (1/s)\n200,0\n210,2\n",
    "NaN": "T (K),R1 (1/s)\n200,nan\n210,2\n",
    "minus zero kelvin": "T (°C),R1 (1/s)\n-300,1\n210,2\n",
    "something else": "a,b\n1,2\n3,4\n",
    "error of nothing": "T (K),R1 (1/s),err\n200,1,0\n210,2,0.1\n",
}


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED)
def test_tables_that_would_have_to_be_guessed_are_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(InputError):
        read_relaxation(written(tmp_path, text))


def test_a_processed_bruker_spectrum_is_nmrglues() -> None:
    # nmrglue 0.12, bruker.read_pdata and uc_from_udic of the same folder
    (one,) = read_spectra(REAL)
    assert one.curve.y == pytest.approx([-34775104, -36275840])
    assert one.curve.x == pytest.approx([4.7, 13.03152817], abs=1e-5)
    assert (one.curve.label, one.conditions.temperature_K) == ("1H", 298.0)
    names = {path.name for path in files_behind(REAL)}
    assert names == {"1r", "procs", "acqus"}


def test_a_decay_is_transformed_and_phased(tmp_path: Path) -> None:
    # 0.07 turns a point at 20 kHz is 1400 Hz above the receiver, which stands 311 Hz above 0 ppm
    for folder, read in (
        (bruker_folder(tmp_path / "b", decay()), read_spectra),
        (varian_folder(tmp_path / "v", decay()), read_spectra),
    ):
        (one,) = read(folder)
        spectrum = np.asarray(one.curve.y)
        top = int(np.argmax(spectrum.real))
        assert one.curve.x[top] == pytest.approx((1400 + 311) / 155.5, abs=0.1)
        assert spectrum.real.min() > -0.05 * spectrum.real.max()
        assert one.curve.label == "7Li"
        assert one.conditions.temperature_K == pytest.approx(313.0, abs=0.2)


def test_a_series_is_a_recovery(tmp_path: Path) -> None:
    delays = np.geomspace(0.01, 10, 8)
    heights = 1 - 2 * np.exp(-delays / 0.5)
    words = "\n".join(f"{1e3 * d:.6g}m" for d in delays)
    folder = bruker_folder(tmp_path / "s", heights[:, None] * decay(300)[None, :], words)
    (one,) = read_relaxation(folder)
    assert one.curve.x == pytest.approx(delays, rel=1e-4)
    assert one.curve.y == pytest.approx(heights / heights[-1], abs=1e-3)


def test_flaws_of_a_decay_are_told(tmp_path: Path) -> None:
    clipped = decay(rate=0.002)
    clipped = np.clip(clipped.real, -0.5, 0.5) + 1j * np.clip(clipped.imag, -0.5, 0.5)
    (one,) = read_spectra(bruker_folder(tmp_path / "clip", clipped))
    assert any("saturated" in note for note in one.notes)
    (two,) = read_spectra(bruker_folder(tmp_path / "cut", decay(rate=0.0008)))
    assert any("ends at" in note for note in two.notes)
    (good,) = read_spectra(bruker_folder(tmp_path / "good", decay()))
    assert not any(note.startswith("flaw") for note in good.notes)


@pytest.mark.parametrize("form", JCAMP_TABLES)
def test_every_form_of_jcamp_says_the_same(tmp_path: Path, form: str) -> None:
    path = tmp_path / "x.jdx"
    path.write_text(JCAMP_PLAIN.format(table=JCAMP_TABLES[form]))
    (one,) = read_spectra(path)
    expected = 0.5 * np.array([10, 11, 12, 13, 13, 13, 5, -2])
    assert one.curve.y[::-1] == pytest.approx(expected)
    assert one.curve.x == pytest.approx(np.linspace(3, 10, 8))
    assert one.curve.label == "7Li"


@pytest.mark.parametrize(
    "table", ["1000 10 11 12", "1000A0JJJ\n600A2%%q\n300Ep\n300b", "1000 10 x 12", ""]
)
def test_damaged_jcamp_is_refused(tmp_path: Path, table: str) -> None:
    path = tmp_path / "x.jdx"
    path.write_text(JCAMP_PLAIN.format(table=table))
    with pytest.raises(InputError):
        read_spectra(path)


def test_spectra_as_tables(tmp_path: Path) -> None:
    x, rows = np.linspace(-5, 5, 32), []
    rows = [f"{v:.4f},{np.exp(-(v**2)):.6f}" for v in x]
    body = "\n".join(rows)
    for head, scale, unit in (
        ("chemical shift (ppm),intensity", 1.0, "ppm"),
        ("frequency (kHz),intensity", 1000.0, "Hz"),
        ("ppm,real", 1.0, "ppm"),
    ):
        (one,) = read_spectra(written(tmp_path, f"{head}\n{body}\n"))
        assert one.curve.x == pytest.approx(scale * x, abs=1e-3 * scale)
        assert one.curve.x_axis.unit == unit
    bare = written(tmp_path, body + "\n")
    with pytest.raises(InputError, match="--axis-unit"):
        read_spectra(bare)
    assert read_spectra(bare, axis_unit="ppm")[0].curve.x_axis.unit == "ppm"


def test_wrong_kinds_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="lineshape"):
        read_relaxation(bruker_folder(tmp_path / "b", decay()))
    series = np.ones((4, 1)) * decay(100)[None, :]
    with pytest.raises(InputError, match="slr"):
        read_spectra(bruker_folder(tmp_path / "s", series, "1\n2\n3\n4"))
    with pytest.raises(InputError):
        read_spectra(tmp_path)
    with pytest.raises(InputError):
        read_spectra(tmp_path / "nothing")


def test_truncated_binary_files_are_refused(tmp_path: Path) -> None:
    for folder in (
        bruker_folder(tmp_path / "b", decay()),
        varian_folder(tmp_path / "v", decay()),
    ):
        data = (folder / "fid").read_bytes()
        for cut in (0, 1, 17, len(data) // 2, len(data) - 8):
            (folder / "fid").write_bytes(data[:cut])
            with pytest.raises(InputError):
                read_spectra(folder)
