"""A scan, its settings, its segments and its figures, one by one."""

from dataclasses import replace

import numpy as np
import pytest
from validation.laboratory_calorimetry import Truth, simulated

from vitrolyte.data.curve import Axis, Curve
from vitrolyte.data.errors import InputError
from vitrolyte.data.io.instruments.calorimetry.segments import segments_of
from vitrolyte.data.io.instruments.calorimetry.words import (
    exo_direction,
    one_rate,
    sample_mass_mg,
)
from vitrolyte.data.measurement import Conditions, Measurement
from vitrolyte.data.observation import Sample
from vitrolyte.data.quantity import Quantity
from vitrolyte.laboratory.calorimetry.analysis import calorimetry
from vitrolyte.laboratory.calorimetry.examination import examine
from vitrolyte.laboratory.calorimetry.scan import scan_of
from vitrolyte.laboratory.calorimetry.settings import CalorimetrySettings
from vitrolyte.laboratory.calorimetry.stability import figures_of_stability

QUICK = CalorimetrySettings(draws=50)
SAMPLE = Sample("glass", "Li3PS4", "glass")


def record(temperatures, flow, *, axis="heat flow, exothermic up", unit="W/g", **conditions):
    times = np.arange(len(temperatures), dtype=float)
    x = Axis("time", "s")
    return Measurement(
        Curve(times, np.asarray(flow, dtype=float), x, Axis(axis, unit)),
        Conditions(**conditions),
        file="scan.txt",
        channels=(
            Curve(times, np.asarray(temperatures, dtype=float), x, Axis("temperature", "K")),
        ),
    )


def ramp(count: int = 900, rate: float = 10.0) -> np.ndarray:
    return 400.0 + rate / 60 * np.arange(count)


def test_the_direction_of_exothermic_is_never_guessed() -> None:
    bare = record(ramp(), -np.ones(900), axis="heat flow")
    with pytest.raises(InputError, match="--exo up or --exo down"):
        scan_of(bare)
    # exothermic down: the same curve has the other sign
    up, down = scan_of(bare, "up"), scan_of(bare, "down")
    assert up.heat_capacity == pytest.approx(-down.heat_capacity)
    assert up.heat_capacity == pytest.approx(6.0)  # 1 W/g over 1/6 K/s, by definition


def test_a_direction_that_contradicts_the_file_is_noted() -> None:
    scan = scan_of(record(ramp(), -np.ones(900)), "down")
    assert any("the file says exothermic up" in note for note in scan.notes)


def test_without_a_mass_temperatures_are_given_and_heats_refused() -> None:
    made = simulated(Truth(), 1)
    milliwatts = replace(
        made,
        curve=replace(made.curve, y=made.curve.y * 10.0, y_axis=Axis(made.curve.y_axis.name, "mW")),
        conditions=Conditions(),
    )
    result = examine(scan_of(milliwatts), QUICK)
    rows = {(row.quantity, row.of): row for row in result.observations(SAMPLE)}
    assert rows["crystallisation_temperature", "peak"].status == "ok"
    refused = rows["specific_enthalpy", "crystallisation"]
    assert refused.status == "refused"
    assert "--mass-mg" in refused.note
    weighed = examine(scan_of(milliwatts.given(Conditions(mass_mg=10.0))), QUICK)
    # the simulated glass gives off 80 J/g
    assert weighed.events[0].enthalpy.value == pytest.approx(-80.0, abs=1.5)


def test_a_rate_that_contradicts_the_record_makes_numbers_provisional() -> None:
    scan = scan_of(record(ramp(), -np.ones(900), rate_K_per_min=20.0))
    assert any("stated rate" in doubt for doubt in scan.doubts)
    assert scan.rate_K_per_min == pytest.approx(10.0)
    assert scan_of(record(ramp(), -np.ones(900), rate_K_per_min=10.2)).doubts == ()


def test_a_record_without_times_needs_its_rate() -> None:
    curve = Curve(
        ramp(), -np.ones(900), Axis("temperature", "K"), Axis("heat flow, exothermic up", "W/g")
    )
    with pytest.raises(InputError, match="--rate-K-per-min"):
        scan_of(Measurement(curve))
    scan = scan_of(Measurement(curve, Conditions(rate_K_per_min=10.0)))
    assert scan.heat_capacity == pytest.approx(6.0)


def test_a_temperature_that_runs_back_is_refused() -> None:
    turned = np.concatenate([ramp(500), ramp(400)])
    with pytest.raises(InputError, match="runs back"):
        scan_of(record(turned, -np.ones(900)))


def test_gaps_and_a_saturated_detector_are_doubts() -> None:
    made = simulated(Truth(), 1)
    clipped = replace(made, curve=replace(made.curve, y=np.minimum(made.curve.y, 0.3)))
    assert any("saturated" in doubt for doubt in scan_of(clipped).doubts)
    kept = np.ones(len(made.curve), dtype=bool)
    kept[700:900] = False
    channel = made.channels[0]
    holed = replace(
        made,
        curve=replace(made.curve, x=made.curve.x[kept], y=made.curve.y[kept]),
        channels=(replace(channel, x=channel.x[kept], y=channel.y[kept]),),
    )
    assert any("gap" in doubt for doubt in scan_of(holed).doubts)


def test_a_scan_of_a_few_points_or_at_rest_is_refused() -> None:
    with pytest.raises(InputError, match="at least 40 points"):
        scan_of(record(ramp(30), -np.ones(30)))
    rest = record(np.full(900, 400.0) + 1e-4 * np.arange(900), -np.ones(900))
    with pytest.raises(InputError, match="a heating or a cooling"):
        calorimetry([rest], QUICK)


def test_heating_that_takes_up_less_than_cooling_betrays_the_direction() -> None:
    t = ramp(1200)
    up = record(t, -0.2 * np.ones(1200))
    down = record(t[::-1], 0.2 * np.ones(1200))
    wrong = calorimetry([up, down], replace(QUICK, exo="down"))
    assert any("other way" in note for note in wrong.notes)
    right = calorimetry([up, down], QUICK)
    assert not any("other way" in note for note in right.notes)


@pytest.mark.parametrize(
    "settings",
    [
        {"windows_K": (400.0, 450.0)},
        {"windows_K": (400.0, 450.0, 440.0, 500.0)},
        {"peaks_K": (500.0,)},
        {"peaks_K": (500.0, 450.0)},
        {"baseline": "spline"},
        {"anchors_K": (400.0, 500.0)},
        {"draws": 3},
        {"temperature_error_K": -1.0},
    ],
)
def test_settings_check_themselves(settings: dict) -> None:
    with pytest.raises(InputError):
        CalorimetrySettings(**settings)


def test_segments_of_a_programme_are_told_apart() -> None:
    # heating, hold, cooling, second heating at another rate: 1 s between points
    parts = [
        300 + np.arange(600) / 6,
        np.full(300, 400.0),
        400 - np.arange(400) / 4,
        300 + np.arange(400) / 3,
    ]
    t = np.concatenate(parts)
    found = segments_of(np.arange(len(t), dtype=float), t)
    assert [round(one.rate_K_per_min) for one in found] == [10, 0, -15, 20]
    starts = np.cumsum([0, *map(len, parts)])[:4]
    assert np.abs(np.array([one.start for one in found]) - starts).max() <= 12


@pytest.mark.parametrize(
    ("line", "direction"),
    [
        ("#EXO:-1", "down"),
        ("#EXO:\t1", "up"),
        ("Exotherm\tUP", "up"),
        ("Exotherm Direction,Down", "down"),
        ("  ^exo", "up"),
        ("Heat Flow Endo Up (mW)", "down"),
        ("HeatFlow (mW) exo down", "down"),
        ("↑ exo", "up"),
        ("Sample: Exotic glass, up to 400 °C", ""),
    ],
)
def test_directions_as_programs_write_them(line: str, direction: str) -> None:
    assert exo_direction([line], "file") == direction


def test_a_file_that_says_both_directions_is_refused() -> None:
    with pytest.raises(InputError, match="one direction"):
        exo_direction(["#EXO:-1", "^exo"], "file")


@pytest.mark.parametrize(
    ("line", "mass"),
    [
        ("#SAMPLE MASS /mg:4.98", 4.98),
        ("Size\t28.0000\tmg", 28.0),
        ("Sample Mass\t5.2 mg", 5.2),
        ("Mass (mg) : 21,5", 21.5),
        ("Einwaage: 0.0108 g", 10.8),
        ("  glass 1, 8.5000 mg", 8.5),
        ("#REFERENCE MASS /mg:12.0", None),
        ("#SAMPLE CRUCIBLE MASS /mg:52.1", None),
        ("Pan Mass\t51.2 mg", None),
    ],
)
def test_masses_as_programs_write_them(line: str, mass: float | None) -> None:
    assert sample_mass_mg([line], "file") == mass


def test_rates_as_programs_write_them() -> None:
    assert one_rate(["#RANGE:-30°C/10,0(K/min)/200°C"]) == 10.0
    assert one_rate(["1: Ramp 5.00 °C/min to 550.00 °C"]) == 5.0
    assert one_rate(["Ramp 5.00 °C/min", "Ramp 10.00 °C/min"]) is None


def test_figures_of_stability_by_hand() -> None:
    # T_g 500, T_x 560, T_m 700 K: 60 K, 60/140, 60/700, 560/1200
    numbers = [Quantity.normal(t, 1.0, "K") for t in (500.0, 560.0, 700.0)]
    found = figures_of_stability(*numbers)
    assert found.range.value == pytest.approx(60.0)
    assert found.hruby.value == pytest.approx(60 / 140)
    assert found.weinberg.value == pytest.approx(60 / 700)
    assert found.lu_liu.value == pytest.approx(560 / 1200)
    assert found.range.error == pytest.approx(np.sqrt(2))
    random = np.random.default_rng(0)
    g, x, m = (t + random.standard_normal(200_000) for t in (500.0, 560.0, 700.0))
    assert found.hruby.error == pytest.approx(np.std((x - g) / (m - x)), rel=0.02)
    assert found.lu_liu.error == pytest.approx(np.std(x / (g + m)), rel=0.02)


def test_without_melting_the_ratios_are_refused_and_with_it_given() -> None:
    made = simulated(Truth(), 2)
    alone = examine(scan_of(made), QUICK).stability
    assert alone is not None
    assert alone.range.status != "refused"
    assert alone.hruby.status == "refused"
    told = examine(scan_of(made), replace(QUICK, melting_K=750.0)).stability
    assert told is not None
    assert told.hruby.status != "refused"


def with_peak(made: Measurement, centre: float, width: float, area: float) -> Measurement:
    """Return a simulated scan with one more peak, J/g, endothermic above zero."""
    t = made.channels[0].y.real
    peak = area * np.exp(-(((t - centre) / width) ** 2) / 2) / (width * np.sqrt(2 * np.pi))
    return replace(made, curve=replace(made.curve, y=made.curve.y - peak / 6))


def test_a_crystal_melts_and_has_no_glass_transition() -> None:
    crystal = Truth(vitreous=False, crystallises=False)
    made = with_peak(with_peak(simulated(crystal, 1), 620.0, 3.0, 120.0), 450.0, 4.0, 8.0)
    result = examine(scan_of(made), QUICK)
    assert result.transition is None
    assert [event.kind for event in result.events] == ["endotherm", "melting"]
    melting = result.events[1]
    assert melting.peak.value == pytest.approx(620.0, abs=0.05)
    # a Gaussian's inflection tangent meets its base two widths before its top
    assert melting.onset.value == pytest.approx(614.0, abs=0.1)
    assert melting.enthalpy.value == pytest.approx(120.0, abs=0.6)
    unnamed = examine(scan_of(made), replace(QUICK, last_endotherm_melts=False))
    assert [event.kind for event in unnamed.events] == ["endotherm", "endotherm"]


def test_overlapping_crystallisations_are_parted_and_provisional() -> None:
    result = examine(scan_of(with_peak(simulated(Truth(), 2), 605.0, 5.0, -40.0)), QUICK)
    assert [event.name for event in result.events] == ["crystallisation", "crystallisation 2"]
    assert all(event.enthalpy.status == "provisional" for event in result.events)
    # the sum is what was put in: 80 and 40 J/g
    assert sum(event.enthalpy.value for event in result.events) == pytest.approx(-120, abs=3.5)


def test_a_fast_quenched_glass_relaxes_below_its_transition() -> None:
    result = examine(scan_of(simulated(Truth(cooling_K_per_min=3000.0), 6)), QUICK)
    assert [event.kind for event in result.events] == ["relaxation", "crystallisation"]
    assert result.transition is not None
    # Moynihan: ln q rises by dh/k of 1/Tf: 2.48 decades from the 496.1 K of 10 K/min lead to 521 K
    fictive = result.transition.fictive
    assert fictive.low < 521.0 < fictive.high


def test_a_record_without_a_signal_is_refused() -> None:
    with pytest.raises(InputError, match="needs a signal"):
        scan_of(record(ramp(), np.zeros(900)))


def test_windows_and_peaks_that_a_user_gives_are_used() -> None:
    settings = replace(
        QUICK, windows_K=(410.0, 460.0, 530.0, 546.0), peaks_K=(545.0, 610.0), baseline="linear"
    )
    result = examine(scan_of(simulated(Truth(), 2)), settings)
    assert result.transition is not None
    assert result.transition.picture.curves[1].x == pytest.approx([410.0, 546.0])
    assert len(result.events) == 1
    assert result.events[0].method == "straight baseline"
    # a straight baseline loses what the step of the heat capacity hides: some 4 % here
    assert -79.0 < result.events[0].enthalpy.value < -74.0
