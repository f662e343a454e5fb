"""Files of cyclers: the right charge with the right sign, and clear refusals."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.contracts.instrument_mutations import check_reader
from tests.cycled_cells import cell

from vitrolyte.data.errors import InputError, UnitError
from vitrolyte.data.io.instruments.cycling.read import read_cycling
from vitrolyte.laboratory.cycling.analysis import CycledCell, CyclingSettings, cycling

DATA = Path(__file__).parents[1] / "data" / "laboratory" / "cycling"


# NewareNDA 2026.6.11: largest charge and discharge capacities of the file, mAh, and its records
@pytest.mark.parametrize(
    ("name", "records", "charge", "discharge"),
    [("test.ndax", 1464, 0.59303916, 0.6254508), ("test.nda", 439, 0.0006965278, 0.007009194)],
)
def test_neware(name: str, records: int, charge: float, discharge: float) -> None:
    record = read_cycling(DATA / name)
    steps = np.diff(record.charge_mAh, prepend=0.0)
    assert len(record) == records
    assert steps[steps > 0].sum() == pytest.approx(charge, rel=1e-5)
    assert -steps[steps < 0].sum() == pytest.approx(discharge, rel=1e-2)
    assert record.current_A.min() < 0 < record.current_A.max()


def test_maccor() -> None:
    # the file: 0.61 mA, 2.3116 to 2.767 V, a charge of 4.06667e-5 Ah, states R, C, D
    record = read_cycling(DATA / "maccor_example.txt")
    assert record.current_A.max() == pytest.approx(6.1e-4)
    assert record.current_A.min() == pytest.approx(-6.1e-4)
    assert record.charge_mAh.max() == pytest.approx(0.0406667, rel=1e-5)
    found = cycling(record, CyclingSettings())
    assert isinstance(found, CycledCell)
    assert found.capacities["charge, cycle 1"].value == pytest.approx(0.0406667)
    assert found.initial_efficiency.value == pytest.approx(1.0, abs=1e-4)


def test_biologic() -> None:
    # galvani 0.5.0: 1501 records, the last net charge of -1.79530e-5 mAh
    record = read_cycling(DATA / "00_test_04_MB_C01.mpr")
    assert len(record) == 1501
    assert record.charge_mAh[-1] == pytest.approx(-1.79530e-5, rel=1e-4)
    assert record.format == "BioLogic mpr"


def test_battery_data_format() -> None:
    record = read_cycling(DATA / "test_with_capacity.bdf")
    assert record.charge_mAh.max() == pytest.approx(0.4)


@pytest.mark.parametrize("name", ["maccor_example.txt", "00_test_04_MB_C01.mpr"])
def test_damaged_files(name: str, tmp_path: Path) -> None:
    taken, refused = check_reader(read_cycling, DATA / name, tmp_path, count=40)
    assert taken + refused == 40


def test_damaged_neware(tmp_path: Path) -> None:
    assert sum(check_reader(read_cycling, DATA / "test.nda", tmp_path, count=4)) == 4


UP = np.linspace(2.1, 2.0, 4)
DOWN = np.linspace(2.05, 1.95, 4)


def written(folder: Path, style: str) -> Path:
    """Write one known record as Arbin, Landt, Neware or an unsigned table has it."""
    record = cell(UP, DOWN)
    path = folder / f"{style}.csv"
    steps = np.diff(record.charge_mAh, prepend=0.0)
    charged, discharged = np.cumsum(np.maximum(steps, 0)), np.cumsum(np.maximum(-steps, 0))
    states = np.where(
        record.current_A > 0, "CC_Chg", np.where(record.current_A < 0, "CC_DChg", "Rest")
    )
    lines = {
        "arbin": "Test_Time(s),Voltage(V),Current(A),Charge_Capacity(Ah),Discharge_Capacity(Ah)",
        "landt": "TestTime/h\tVoltage/V\tCurrent/mA",
        "neware": "Cycle ID,Step Type,Total Time(h:min:s.ms),Voltage(V),Current(mA)",
        "unsigned": "time (s);state;U (V);I (mA)",
    }
    text = [lines[style]]
    columns = (record.time_s, record.voltage_V, record.current_A, charged, discharged)
    for state, (t, u, i, up, down) in zip(states, zip(*(c.tolist() for c in columns)), strict=True):
        clock = f"{int(t // 3600)}:{int(t % 3600 // 60):02d}:{t % 60:06.3f}"
        row = {
            "arbin": f"{t},{u},{i},{up / 1e3},{down / 1e3}",
            "landt": f"{t / 3600}\t{u}\t{1e3 * i}",
            "neware": f"1,{state},{clock},{u},{1e3 * i}",
            "unsigned": f"{t};{state};{u};{1e3 * abs(i)}".replace(".", ","),
        }
        text.append(row[style])
    path.write_text("\n".join(text) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize("style", ["arbin", "landt", "neware", "unsigned"])
def test_one_record_in_every_style(style: str, tmp_path: Path) -> None:
    found = cycling(read_cycling(written(tmp_path, style)), CyclingSettings())
    assert isinstance(found, CycledCell)
    # by trapezia half a record is missed where current begins: 1/80
    assert found.capacities["discharge, cycle 1"].value == pytest.approx(DOWN[0], rel=0.02)
    assert found.initial_efficiency.value == pytest.approx(DOWN[0] / UP[0], rel=0.005)
    check_reader(read_cycling, written(tmp_path, style), tmp_path, count=10)


def ec_lab(folder: Path, mass: str) -> Path:
    """Write a .mpt file as EC-Lab does where decimals have commas."""
    record = cell(UP, DOWN)
    header = [
        "EC-Lab ASCII FILE",
        "Nb header lines : 6                          ",
        "",
        "Galvanostatic Cycling with Potential Limitation",
        f"Characteristic mass : {mass}",
        "mode\tox/red\ttime/s\tEwe/V\tI/mA\t(Q-Qo)/mA.h\thalf cycle\t",
    ]
    columns = (record.time_s, record.voltage_V, 1e3 * record.current_A, record.charge_mAh)
    rows = [
        f"1\t{int(i > 0)}\t{t:.6E}\t{u:.7E}\t{i:.7E}\t{q:.15E}\t0".replace(".", ",")
        for t, u, i, q in zip(*(c.tolist() for c in columns), strict=True)
    ]
    path = folder / "cell.mpt"
    path.write_bytes("\r\n".join([*header, *rows, ""]).encode("cp1252"))
    return path


def test_text_of_ec_lab_with_decimal_commas(tmp_path: Path) -> None:
    record = read_cycling(ec_lab(tmp_path, "2,500 mg"))
    assert record.conditions.mass_mg == pytest.approx(2.5)
    found = cycling(record, CyclingSettings())
    assert isinstance(found, CycledCell)
    assert found.capacities["discharge, cycle 1"].value == pytest.approx(1e3 * DOWN[0] / 2.5)
    check_reader(read_cycling, ec_lab(tmp_path, "2,500 mg"), tmp_path, count=20)


def test_the_mass_that_ec_lab_writes_by_itself_is_not_taken(tmp_path: Path) -> None:
    record = read_cycling(ec_lab(tmp_path, "0.001 g"))
    assert record.conditions.mass_mg is None
    assert any("program's own" in note for note in record.notes)


def test_time_that_starts_again(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("time (s),U (V),I (mA)\n0,3,1\n10,3.1,1\n0,3.1,-1\n10,3,-1\n")
    record = read_cycling(path)
    assert record.time_s.tolist() == [0, 10, 10, 20]
    assert any("starts again" in note for note in record.notes)


def test_databases_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.res"
    path.write_bytes(b"\0\x01\0\0Standard Jet DB\0" + b"\0" * 100)
    with pytest.raises(InputError, match="Access"):
        read_cycling(path)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("time (s),U (V)\n0,3\n1,3\n2,3\n", "current"),
        ("U (V),I (mA)\n3,1\n3,1\n3,1\n", "time"),
        ("time (s),U (V),I (mA)\n0,3,1\n1,3,1\n2,3,1\n", "sign"),
        ("time (s),U (V),I\n0,3,1\n1,3,-1\n2,3,1\n", "unit"),
        ("time,U (V),I (A)\n0,3,1\n1,3,-1\n2,3,1\n", "unit"),
        ("time (s),U (V),I (A)\n0,3,1\n1,nan,-1\n2,3,1\n", "line 3"),
    ],
)
def test_what_is_refused(text: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text(text)
    with pytest.raises((InputError, UnitError), match=words):
        read_cycling(path)
