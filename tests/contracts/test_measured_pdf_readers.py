"""Total scattering as programs of reduction write it; damaged files are refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.contracts.instrument_mutations import check_reader

from vitrolyte.data.errors import InputError
from vitrolyte.data.io.instruments.pair_distribution.reading import read_scattering

DATA = Path(__file__).parents[1] / "data/laboratory/pdf"
Q = np.arange(0.5, 20.0, 0.05)
S = 1.0 + 0.3 * np.sin(3.0 * Q) * np.exp(-0.01 * Q**2)


def rows(*columns: np.ndarray) -> str:
    return "".join(" ".join(f"{v:.6f}" for v in row) + "\n" for row in zip(*columns))


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_pdfgetx2_of_nickel() -> None:
    (found,) = read_scattering(DATA / "Ni_2-8.chi.gr")
    # The head of the file: "## S(q)  qmin=1.000000    qmax=40.000000", temperature=300.000.
    assert (found.form, found.probe) == ("G_PDF(r)", "xray")
    assert (found.q_min, found.q_max) == (1.0, 40.0)
    assert found.measurement.conditions.temperature_K == 300.0
    curve = found.measurement.curve
    assert len(curve) == 2000
    # Last line: 2.000000e+01 -3.326870e+00 -2.762339e+01 8.663104e-02.
    assert curve.y_error is not None
    assert (curve.x[-1], curve.y[-1], curve.y_error[-1]) == (20.0, -3.326870, 8.663104e-02)


def test_pdfgetn_of_lanthanum_manganite() -> None:
    (found,) = read_scattering(DATA / "300K.gr")
    # "## Damp     Qmin=2.0     Qmax=32".
    assert (found.form, found.probe, found.q_max) == ("G_PDF(r)", "neutron", 32.0)


def test_pdfgetx3(tmp_path: Path) -> None:
    head = (
        "[DEFAULT]\n\nversion = pdfgetx3 2.1.1\n\nmode = xray\nwavelength = 0.21\n"
        "composition = Li3ZrCl4O1.5\nqmaxinst = 25.0\nqmin = 0.5\nqmax = 22.0\n\n"
        "#### start data\n\n#S 1\n#L Q($\\AA^{-1}$)  F($\\AA^{-1}$)\n"
    )
    (found,) = read_scattering(write(tmp_path, "glass.fq", head + rows(Q, Q * (S - 1.0))))
    assert (found.form, found.probe, found.composition) == ("Qi(Q)", "xray", "Li3ZrCl4O1.5")
    np.testing.assert_allclose(found.measurement.curve.y, Q * (S - 1.0), atol=1e-6)


def test_count_title_and_rows(tmp_path: Path) -> None:
    text = f"{len(Q)}\n# Merged S(Q)\n" + rows(Q, S)
    (found,) = read_scattering(write(tmp_path, "merged.sq", text))
    assert found.form == "S(Q)"
    with pytest.raises(InputError, match="cut off"):
        read_scattering(write(tmp_path, "cut.sq", text[: len(text) // 2].rpartition("\n")[0]))


def test_an_unnamed_form_is_asked_for(tmp_path: Path) -> None:
    path = write(tmp_path, "unknown.dat", rows(Q, S - 1.0))
    with pytest.raises(InputError, match="--form"):
        read_scattering(path)
    (found,) = read_scattering(path, "i")
    assert found.form == "i(Q)"


def test_f_of_another_program_is_asked_for(tmp_path: Path) -> None:
    # Keen's F(Q) and that of PDFgetX are different functions: the name alone does not decide.
    path = write(tmp_path, "fq.dat", "Q F(Q)\n" + rows(Q, S - 1.0))
    with pytest.raises(InputError, match="--form"):
        read_scattering(path)


def test_raw_intensity_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, "glass.chi", "2-theta intensity\n" + rows(Q, 100.0 * S))
    with pytest.raises(InputError, match="normalised"):
        read_scattering(path)


def test_q_that_turns_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="rises"):
        read_scattering(write(tmp_path, "turn.sq", rows(Q[::-1], S)), "S")


@pytest.mark.parametrize("data", [b"", b"\x00\xff\x10" * 50, b"7\ntitle\n1 2\n"])
def test_rubbish_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "rubbish.gr"
    path.write_bytes(data)
    with pytest.raises(InputError):
        read_scattering(path)


def test_damaged_files_are_read_or_refused(tmp_path: Path) -> None:
    counted = write(tmp_path, "merged.sq", f"{len(Q)}\n# S(Q)\n" + rows(Q, S))
    for file in (DATA / "300K.gr", counted):
        read, refused = check_reader(read_scattering, file, tmp_path, count=30)
        assert read + refused == 30
