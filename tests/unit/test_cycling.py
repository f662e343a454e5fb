"""Cells with known capacities, efficiencies and rates give them back."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.cycled_cells import cell, symmetric

from vitrolyte.data.cycling import CyclerRecord, joined_records
from vitrolyte.data.errors import InputError
from vitrolyte.data.measurement import Conditions
from vitrolyte.data.observation import Sample
from vitrolyte.laboratory.cycling.analysis import CycledCell, CyclingSettings, cycling
from vitrolyte.laboratory.cycling.symmetric import SymmetricCell

NUMBERS = np.arange(20)
DOWN = 2.0 * (1 - 0.002 * NUMBERS)
UP = DOWN / 0.99


def known(record: CyclerRecord, **settings: object) -> CycledCell:
    found = cycling(record, CyclingSettings(**settings))  # type: ignore[arg-type]
    assert isinstance(found, CycledCell)
    return found


def test_capacity_efficiency_and_hysteresis() -> None:
    found = known(cell(UP, DOWN, gap_V=0.12))
    assert found.n_cycles == 20
    assert found.capacities["discharge, cycle 1"].value == pytest.approx(2.0)
    assert found.capacities["charge, cycle 20"].value == pytest.approx(UP[-1])
    assert found.initial_efficiency.value == pytest.approx(0.99)
    assert found.mean_efficiency.value == pytest.approx(0.99)
    assert found.hysteresis.value == pytest.approx(0.12, abs=2e-3)
    assert found.half_hysteresis.value == pytest.approx(0.12, abs=1e-6)


def test_fade_and_how_long_it_lasts() -> None:
    found = known(cell(UP, DOWN))
    # the line starts at the second cycle: 0.004 of 1.996 mAh a cycle
    assert found.fade.value == pytest.approx(0.004 / 1.996, rel=1e-3)
    assert found.lasting.value == pytest.approx(0.2 / found.fade.value, rel=1e-6)
    assert found.lasting.status == "provisional"
    assert found.retention.value == pytest.approx(DOWN[-1] / DOWN[1])


def test_capacity_per_mass() -> None:
    record = replace(cell(UP, DOWN), conditions=Conditions(mass_mg=10.0))
    found = known(record, mass_error_mg=0.1)
    quantity = found.capacities["discharge, cycle 1"]
    assert (quantity.value, quantity.unit) == (pytest.approx(200.0), "mAh/g")
    assert quantity.error == pytest.approx(2.0)
    assert all(row.unit for row in found.observations(Sample("x", "X", "cell")))


def test_an_unfinished_cycle_is_left_out() -> None:
    whole = cell(UP, DOWN)
    cut = CyclerRecord(*(getattr(whole, name)[:-30] for name in
                         ("time_s", "voltage_V", "current_A", "charge_mAh")))  # fmt: skip
    found = known(cut)
    assert found.n_cycles == 19
    assert any("not whole" in note for note in found.notes)


def test_a_record_that_begins_with_a_discharge() -> None:
    whole = cell(UP, DOWN)
    late = CyclerRecord(*(getattr(whole, name)[42:] for name in
                          ("time_s", "voltage_V", "current_A", "charge_mAh")))  # fmt: skip
    automatic = known(late)
    assert automatic.begins_with == "discharge"
    assert automatic.initial_efficiency.status == "provisional"
    assert automatic.initial_efficiency.value == pytest.approx(UP[1] / DOWN[0])
    cathode = known(late, electrode="cathode")
    assert cathode.initial_efficiency.value == pytest.approx(0.99)
    assert any("before the first charge" in note for note in cathode.notes)


def test_rests_and_pulses_do_not_make_cycles() -> None:
    record = cell(UP, DOWN)
    current = record.current_A.copy()
    current[20] = -current[20]  # one record of the other sign inside the first charge
    charge = record.charge_mAh.copy()
    found = known(replace(record, current_A=current, charge_mAh=charge))
    assert found.n_cycles == 20


def test_rates_are_told_apart() -> None:
    currents = [0.2] * 5 + [1.0] * 5 + [2.0] * 5 + [0.2] * 5
    down = np.array([2.0] * 5 + [1.6] * 5 + [1.2] * 5 + [1.95] * 5)
    found = known(cell(down / 0.99, down, current_mA=currents), nominal_mAh=2.0)
    assert [rate.c_rate for rate in found.rates] == pytest.approx([0.1, 0.5, 1.0, 0.1])
    assert [rate.capacity.value for rate in found.rates] == pytest.approx([2.0, 1.6, 1.2, 1.95])
    assert found.fade.status == "ok" or "current" in found.fade.note


def test_a_turned_current_is_refused_and_can_be_said() -> None:
    record = cell(UP, DOWN).turned()
    with pytest.raises(InputError, match="--positive-current"):
        cycling(record, CyclingSettings())
    assert known(record.turned()).n_cycles == 20


def test_too_few_cycles_are_refused_not_guessed() -> None:
    found = known(cell(UP[:3], DOWN[:3]))
    assert found.fade.status == "refused"
    assert found.mean_efficiency.status == "refused"
    with pytest.raises(InputError, match="whole cycle"):
        cycling(CyclerRecord(*(np.linspace(0, 1, 9),) * 4), CyclingSettings())
    with pytest.raises(InputError, match="none flows"):
        cycling(CyclerRecord(*(np.zeros(9),) * 4), CyclingSettings())


def test_more_out_than_in_is_provisional() -> None:
    found = known(cell(DOWN, UP * 1.1))
    assert found.initial_efficiency.status == "provisional"


def test_a_fade_that_is_no_line_says_so() -> None:
    down = 2.0 * np.exp(-((NUMBERS / 15.0) ** 2) * 0.2)
    found = known(cell(down / 0.99, down))
    assert found.fade.status == "provisional"
    assert "straight" in found.fade.note


def test_a_restarted_test_is_strung_together() -> None:
    whole = cell(UP, DOWN)
    names = ("time_s", "voltage_V", "current_A", "charge_mAh")
    first = CyclerRecord(*(getattr(whole, name)[:420] for name in names), file="a")
    second = CyclerRecord(*(getattr(whole, name)[420:] for name in names), file="b")
    second = replace(second, time_s=second.time_s - second.time_s[0])
    found = known(joined_records([first, second]))
    assert found.n_cycles == 20
    assert found.file == "a + b"


def test_incremental_capacity_holds_the_charge() -> None:
    found = known(cell(UP, DOWN), voltage_step_V=0.02)
    assert found.incremental is not None
    curve = found.incremental["cycle 1, charge"]
    # voltage rises by 1 V over 2.02 mAh: dQ/dV is flat
    assert np.median(curve.y) == pytest.approx(UP[0], rel=0.02)
    down = found.incremental["cycle 1, discharge"]
    assert np.median(down.y) == pytest.approx(-DOWN[0], rel=0.02)


def test_a_symmetric_cell() -> None:
    found = cycling(symmetric(40), CyclingSettings())
    assert isinstance(found, SymmetricCell)
    assert found.overpotential.value == pytest.approx(0.05)
    assert found.short_time.status == "refused"
    assert "at least" in found.stable_time.note
    assert any("symmetric" in note for note in found.notes)


def test_a_short_circuit_is_found() -> None:
    found = cycling(symmetric(40, short_at=25), CyclingSettings(electrode="symmetric"))
    assert isinstance(found, SymmetricCell)
    assert found.short_time.value == pytest.approx(25.0, abs=0.05)
    assert found.overpotential.value == pytest.approx(0.05)


@pytest.mark.parametrize("wrong", ["length", "finite", "time"])
def test_a_record_checks_itself(wrong: str) -> None:
    columns = [np.arange(5.0) for _ in range(4)]
    if wrong == "length":
        columns[1] = columns[1][:3]
    elif wrong == "finite":
        columns[2][3] = np.nan
    else:
        columns[0] = columns[0][::-1].copy()
    with pytest.raises(InputError):
        CyclerRecord(*columns)


@pytest.mark.parametrize("settings", [{"first_cycle": 0}, {"nominal_mAh": -1.0}])
def test_settings_check_themselves(settings: dict[str, float]) -> None:
    with pytest.raises(InputError):
        CyclingSettings(**settings)  # type: ignore[arg-type]
