"""Absorption spectra as programs and beamlines write them; damaged ones are refused."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pytest
from tests.contracts.instrument_mutations import check_reader

from vitrolyte.data.errors import InputError
from vitrolyte.data.io.instruments.absorption.columns import ColumnRule
from vitrolyte.data.io.instruments.absorption.reading import read_absorption

COPPER = Path(__file__).parents[1] / "data/laboratory/exafs/EXAFS_Cu.dat"
ENERGY = np.linspace(8900.0, 9900.0, 60)
MU = 0.2 + 1.0 / (1.0 + np.exp(-(ENERGY - 8980.0) / 3.0))


def perl(values: np.ndarray) -> str:
    return "(" + ",".join(f"'{v:.6f}'" for v in values) + ");"


def athena_text() -> str:
    lines = ["# Athena project file -- Demeter version 0.9.26", "# created", ""]
    for name, label in (("abcde", "foil, 10 K"), ("fghij", "it's a sample")):
        escaped = label.replace("'", "\\'")
        lines += [
            f"$old_group = '{name}';",
            f"@args = ('bkg_e0','8979.5','bkg_rbkg','1.0','label','{escaped}','is_chi','0');",
            f"@x = {perl(ENERGY)}",
            f"@y = {perl(MU)}",
            "[record]   # create object and set arrays in ifeffit",
            "",
        ]
    return "\n".join([*lines, "@journal = ('system(\\'rm\\')');", "1;", ""])


def athena(folder: Path, *, packed: bool = True) -> Path:
    path = folder / "foil.prj"
    data = athena_text().encode()
    path.write_bytes(gzip.compress(data, mtime=0) if packed else data)
    return path


@pytest.mark.parametrize("packed", [True, False])
def test_athena_project_in_perl(tmp_path: Path, packed: bool) -> None:
    foil, sample = read_absorption(athena(tmp_path, packed=packed))
    assert (foil.part, sample.part) == ("foil, 10 K", "it's a sample")
    np.testing.assert_allclose(foil.curve.x, ENERGY, atol=1e-6)
    np.testing.assert_allclose(foil.curve.y, MU, atol=1e-6)
    assert foil.format == "Athena project"
    assert "e0 8979.5" in foil.notes[0]


def test_athena_project_in_json(tmp_path: Path) -> None:
    group = {"x": ENERGY.tolist(), "y": MU.tolist(), "args": {"label": "foil"}}
    whole = {"_____header1": "# Athena project file -- Larch", "abcde": group}
    path = tmp_path / "foil.prj"
    path.write_bytes(gzip.compress(json.dumps(whole).encode()))
    (foil,) = read_absorption(path)
    assert foil.part == "foil"
    np.testing.assert_allclose(foil.curve.y, MU)


def test_gzip_bomb_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bomb.prj"
    head = b"# Athena project file -- Demeter version 0.9.26\n"
    path.write_bytes(gzip.compress(head + b"#" * (140 * 2**20)))
    with pytest.raises(InputError, match="128 MiB"):
        read_absorption(path)


def test_copper_foil_of_a_spec_file() -> None:
    (foil,) = read_absorption(COPPER)
    # 1461 points, as the line "#N 2 ... #L" of the file and its length say.
    assert len(foil.curve) == 1461
    assert foil.curve.x[0] == pytest.approx(8002.894)
    assert foil.curve.y[0] == pytest.approx(0.5249888)


def detectors(folder: Path, head: str, it: float = 1.0) -> Path:
    i0 = np.full(len(ENERGY), 1e5)
    rows = zip(ENERGY, i0, it * i0 * np.exp(-MU), 0.1 * i0 * MU)
    path = folder / "scan.dat"
    path.write_text(head + "".join(f"{a:.4f} {b:.6e} {c:.6e} {d:.6e}\n" for a, b, c, d in rows))
    return path


XDI = (
    "# XDI/1.0\n# Column.1: energy eV\n# Column.2: i0\n# Column.3: itrans\n# Column.4: ifluor\n"
    "# Element.symbol: Cu\n#---\n# energy i0 itrans ifluor\n"
)


def test_transmission_and_fluorescence_of_one_scan(tmp_path: Path) -> None:
    path = detectors(tmp_path, XDI)
    (through,) = read_absorption(path, ColumnRule(signal="transmission"))
    (emitted,) = read_absorption(path, ColumnRule(signal="fluorescence"))
    np.testing.assert_allclose(through.curve.y, MU, atol=1e-5)
    np.testing.assert_allclose(emitted.curve.y, 0.1 * MU, atol=1e-5)
    assert through.format == "XDI"


def test_two_signals_need_a_choice(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--signal transmission"):
        read_absorption(detectors(tmp_path, XDI))


def test_columns_by_number(tmp_path: Path) -> None:
    path = detectors(tmp_path, "# a b c d\n")
    rule = ColumnRule(columns=(("energy", "1"), ("i0", "2"), ("it", "3")))
    (found,) = read_absorption(path, rule)
    np.testing.assert_allclose(found.curve.y, MU, atol=1e-5)
    with pytest.raises(InputError, match="--columns energy=1"):
        read_absorption(path)


def test_dead_detector_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="above zero"):
        read_absorption(detectors(tmp_path, XDI, it=0.0), ColumnRule(signal="transmission"))


def test_energies_without_a_unit(tmp_path: Path) -> None:
    path = tmp_path / "kev.dat"
    path.write_text("energy mu\n" + "".join(f"{e / 1e3} {m}\n" for e, m in zip(ENERGY, MU)))
    with pytest.raises(InputError, match="--energy-unit"):
        read_absorption(path)
    (found,) = read_absorption(path, ColumnRule(energy_unit="keV"))
    assert found.curve.x[-1] == pytest.approx(9900.0)


def test_not_a_number_is_refused_with_its_line(tmp_path: Path) -> None:
    rows = [f"{e} {m}\n" for e, m in zip(ENERGY, MU)]
    rows[7] = f"{ENERGY[7]} NaN\n"
    path = tmp_path / "nan.dat"
    path.write_text("energy mu\n" + "".join(rows))
    with pytest.raises(InputError):
        read_absorption(path)


@pytest.mark.parametrize("data", [b"", b"\x00\x01\x02\xff" * 64, b"\x1f\x8b\x08\x00broken"])
def test_rubbish_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "rubbish.prj"
    path.write_bytes(data)
    with pytest.raises(InputError):
        read_absorption(path)


def test_damaged_files_are_read_or_refused(tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    for file in (athena(tmp_path), athena(tmp_path / "plain", packed=False), COPPER):
        read, refused = check_reader(read_absorption, file, tmp_path, count=30)
        assert read + refused == 30
