"""Steady currents, electronic conductivities, transference numbers."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.contracts.instrument_mutations import check_reader
from validation.laboratory_fitter import TRANSIENTS, steady_coverage, transient

from vitrolyte.data.curve import Axis, Curve
from vitrolyte.data.errors import InputError
from vitrolyte.data.io.instruments.transients import read_transients
from vitrolyte.data.measurement import Conditions, Measurement
from vitrolyte.data.observation import Sample
from vitrolyte.data.quantity import Quantity
from vitrolyte.laboratory.polarisation import PolarisationSettings, polarisation
from vitrolyte.laboratory.steady_current import correlation_factor, steady_current
from vitrolyte.laboratory.transference import PolarisedCell, bruce_vincent
from vitrolyte.observe.transients import DECAY_LAWS, finite_diffusion

GLASS = Sample("glass", "Li3OCl", "glass")
PELLET = Conditions(thickness_cm=0.1, area_cm2=0.785, voltage_V=0.1, temperature_K=298.15)


@pytest.mark.parametrize("law", DECAY_LAWS, ids=lambda law: law.name)
def test_derivatives_of_every_law(law) -> None:
    t = np.linspace(0.01, 1.0, 30)
    model = law.model(t, 1.0 + np.exp(-t / 0.2))
    values = model.values
    for k, value in enumerate(values):
        step = 1e-6 * max(abs(value), 1e-3) * np.eye(len(values))[k]
        slope = (law.current(t, values + step) - law.current(t, values - step)) / (2 * step[k])
        assert law.derivatives(t, values)[:, k] == pytest.approx(slope, rel=1e-5, abs=1e-7)


def test_finite_diffusion_starts_at_one_and_ends_in_one_exponential() -> None:
    f, _ = finite_diffusion(np.array([1e-6, 3.0, 4.0]), np.array([1.0]))
    assert f[0] == pytest.approx(1.0, abs=0.02)
    assert f[1] / f[2] == pytest.approx(np.e, rel=1e-6)


@pytest.mark.parametrize("kind", list(TRANSIENTS))
def test_the_law_of_a_decay_is_recognised(kind: str) -> None:
    found = steady_current(transient(3, kind))
    named = {"one exponential": "exponential", "a stretched exponential": "stretched exponential"}
    assert found.law == {"t^-1/2": "t^-1/2"}.get(kind, named.get(kind, kind))
    assert abs(found.steady.value - 1e-9) < 4.0 * found.steady.error
    assert sum(found.probabilities) == pytest.approx(1.0)


def test_steady_currents_hold_the_truth() -> None:
    seeds = range(12)
    # at least 9 of 12: chance takes a true 95 % below that in 2 cases of 1000
    assert steady_coverage("one exponential", seeds) >= 9 / 12


def made(current: np.ndarray, voltage: float = 0.1, hours: float = 1.0) -> Measurement:
    t = np.linspace(6.0, 3600.0 * hours, len(current))
    curve = Curve(t, current, Axis("time", "s"), Axis("current", "A"))
    return Measurement(curve, replace(PELLET, voltage_V=voltage), file="made")


def noise(size: float, seed: int = 0, count: int = 600) -> np.ndarray:
    return size * np.random.default_rng(seed).normal(size=count)


def test_a_current_that_still_falls_warns_and_one_that_hardly_began_refuses() -> None:
    t = np.linspace(6.0, 3600.0, 600)
    slow = steady_current(made(1e-9 * (1.0 + 5.0 * np.exp(-t / 1200.0)) + noise(5e-12)))
    assert slow.steady.status == "provisional"
    assert "residual ionic" in slow.steady.note
    hidden = steady_current(made(1e-9 * (0.05 + np.exp(-t / 3000.0)) + noise(5e-12)))
    assert hidden.steady.status == "refused"
    assert "ionic" in hidden.steady.note


def test_drift_is_no_steady_state() -> None:
    t = np.linspace(0.0, 1.0, 600)
    rising = steady_current(made(1e-9 * (1.0 + 1.5 * t) + noise(1e-11)))
    assert rising.steady.status == "refused"
    assert "rises" in rising.steady.note
    little = steady_current(made(1e-9 * (1.0 + 0.1 * t + np.exp(-t / 0.05)) + noise(1e-11)))
    assert little.steady.status != "ok"
    assert "rises" in little.steady.note


def test_a_current_within_the_noise_is_a_limit() -> None:
    t = np.linspace(0.0, 1.0, 600)
    found = steady_current(made(1e-12 + 1e-9 * np.exp(-t / 0.05) + noise(2e-10, 4)))
    assert found.steady.status == "provisional"
    assert "zero" in found.steady.note
    assert found.steady.low < 1e-12 < found.steady.high


def test_too_few_points_and_no_voltage() -> None:
    with pytest.raises(InputError, match="at least 20"):
        steady_current(made(np.ones(8)))
    curve = transient(1, "one exponential").curve
    with pytest.raises(InputError, match="voltage"):
        steady_current(Measurement(curve, file="t.csv"))


def test_correlated_residuals_widen_the_error() -> None:
    rng = np.random.default_rng(1)
    white = rng.normal(size=4000)
    assert correlation_factor(white) == pytest.approx(1.0, abs=0.1)
    slow = np.zeros(4000)
    for k in range(1, 4000):
        slow[k] = 0.5 * slow[k - 1] + white[k]
    # variance of the mean of an AR(1) process: (1 + 0.5) / (1 - 0.5) = 3
    assert correlation_factor(slow) == pytest.approx(3.0, rel=0.1)


def staircase(offset: float = 0.0, count: int = 4) -> list[Measurement]:
    t = np.linspace(6.0, 3600.0, 600)
    return [
        made(1e-9 * (10.0 * v * (1.0 + 3.0 * np.exp(-t / 300.0)) + offset) + noise(2e-12, k), v)
        for k, v in enumerate(0.1 * np.arange(1, count + 1))
    ]


def test_one_step_and_a_staircase_give_one_conductivity() -> None:
    # I_ss = 10 nS x V: 1e-8 S x 0.1 cm / 0.785 cm²
    truth = 1e-8 * 0.1 / 0.785
    for count in (1, 2, 4):
        found = polarisation(staircase(count=count)).electronic
        assert abs(found.value - truth) < 4.0 * found.error
        assert found.status == "ok"


def test_a_line_that_misses_the_origin_says_so() -> None:
    found = polarisation(staircase(offset=0.5))
    assert found.offset.value == pytest.approx(5e-10, rel=0.05)
    assert found.electronic.status == "provisional"
    assert "origin" in found.electronic.note
    assert found.electronic.value == pytest.approx(1e-8 * 0.1 / 0.785, rel=0.01)
    assert polarisation(staircase()).electronic.status == "ok"


def test_the_error_of_the_geometry_is_carried_and_the_ionic_share_follows() -> None:
    settings = PolarisationSettings(
        thickness_error_cm=0.005, total_conductivity=Quantity.normal(1e-6, 5e-8, "S/cm")
    )
    found = polarisation(staircase(), settings)
    assert found.electronic.error / found.electronic.value == pytest.approx(0.05, rel=0.05)
    ratio = 1e-8 * 0.1 / 0.785 / 1e-6
    assert found.ionic_share.value == pytest.approx(1.0 - ratio, abs=1e-4)
    # 5 % from the thickness and 5 % from the total conductivity
    assert found.ionic_share.error == pytest.approx(ratio * np.hypot(0.05, 0.05), rel=0.05)
    words = [row.quantity for row in found.observations(GLASS)]
    assert words == ["electronic_conductivity", "transference_number"]


def test_a_geometry_is_asked_for_and_a_thickness_in_mm_is_flagged() -> None:
    with pytest.raises(InputError, match="thickness"):
        polarisation([transient(1, "one exponential")])
    thick = [replace(m, conditions=replace(PELLET, thickness_cm=2.0)) for m in staircase(count=1)]
    assert "is it in cm" in polarisation(thick).electronic.note
    hot = [staircase()[0], replace(staircase()[1], conditions=replace(PELLET, temperature_K=350.0))]
    with pytest.raises(InputError, match="one temperature"):
        polarisation(hot)


def normal(value: float, relative: float, unit: str) -> Quantity:
    return Quantity.normal(value, relative * value, unit)


def test_bruce_vincent_of_a_cell_with_known_resistances() -> None:
    # A cell of 100 ohm electrolyte, t+ = 0.3: I0 = dV / (R_b + R_0), and in the steady state only
    # the cations carry: I_ss = dV / (R_b / t+ + R_ss). Then the equation gives t+ exactly.
    dv, bulk, share, before, after = 0.01, 100.0, 0.3, 40.0, 55.0
    cell = PolarisedCell(
        dv,
        normal(dv / (bulk + before), 0.001, "A"),
        normal(dv / (bulk / share + after), 0.001, "A"),
        normal(before, 0.01, "ohm"),
        normal(after, 0.01, "ohm"),
        normal(bulk, 0.01, "ohm"),
        normal(bulk, 0.01, "ohm"),
    )
    found = bruce_vincent(cell)
    assert found.bruce_vincent.value == pytest.approx(share, rel=1e-12)
    assert found.bruce_vincent.status == "ok"
    assert found.with_bulk.value == pytest.approx(share, rel=1e-12)
    assert found.with_bulk.error > found.bruce_vincent.error
    assert found.current_ratio.status == "provisional"
    # first-order propagation by hand: terms of I0, I_ss, R0 and R_ss
    i0, iss = cell.initial_current.value, cell.steady_current.value
    parts = [
        0.001 * (1.0 + i0 * before / (dv - i0 * before)),
        0.001 * (1.0 + iss * after / (dv - iss * after)),
        0.01 * i0 * before / (dv - i0 * before),
        0.01 * iss * after / (dv - iss * after),
    ]
    by_hand = share * np.sqrt(np.sum(np.square(parts)))
    assert found.bruce_vincent.error == pytest.approx(by_hand, rel=0.03)
    assert {row.quantity for row in found.observations(GLASS)} == {"transference_number"}


def test_bruce_vincent_refuses_what_cannot_be() -> None:
    small = (normal(1e-4, 0.01, "A"), normal(5e-5, 0.01, "A"))
    beyond = PolarisedCell(0.01, *small, normal(120.0, 0.01, "ohm"), normal(50.0, 0.01, "ohm"))
    assert bruce_vincent(beyond).bruce_vincent.status == "refused"
    near = PolarisedCell(0.01, *small, normal(10.0, 0.1, "ohm"), normal(195.0, 0.1, "ohm"))
    assert bruce_vincent(near).bruce_vincent.status == "refused"
    large = PolarisedCell(0.1, *small, normal(10.0, 0.1, "ohm"), normal(10.0, 0.1, "ohm"))
    assert "small step" in bruce_vincent(large).bruce_vincent.note
    bare = PolarisedCell(0.01, *small, Quantity(10.0, "ohm"), Quantity(10.0, "ohm"))
    assert "no error was given for R0, R_ss" in bruce_vincent(bare).bruce_vincent.note
    with pytest.raises(InputError, match="above zero"):
        PolarisedCell(0.0, *small, Quantity(1.0, "ohm"), Quantity(1.0, "ohm"))


def staircase_table(path: Path) -> Path:
    rows = ["time/s;<I>/nA;Ewe/V"]
    rng = np.random.default_rng(5)
    for step, v in enumerate((0.1, 0.2, 0.3)):
        t = np.arange(2.0, 602.0, 4.0)
        current = 10.0 * v * (1.0 + 3.0 * np.exp(-t / 60.0)) + 0.002 * rng.normal(size=len(t))
        volts = v + 1e-5 * rng.normal(size=len(t))
        rows += [
            f"{600.0 * step + a:.1f};{b:.6g};{c:.6f}".replace(".", ",")
            for a, b, c in zip(t, current, volts)
        ]
    path.write_text("\n".join(rows), encoding="utf-8")
    return path


def test_a_table_is_parted_at_its_steps(tmp_path: Path) -> None:
    found = read_transients(staircase_table(tmp_path / "stair.csv"))
    assert [one.conditions.voltage_V for one in found] == pytest.approx([0.1, 0.2, 0.3], rel=1e-3)
    assert {len(one.curve) for one in found} == {150}
    assert found[1].curve.x[0] == pytest.approx(4.0, abs=2.1)
    # 10 nA/V after the decay
    assert np.mean(np.asarray(found[2].curve.y)[-10:]) == pytest.approx(3e-9, rel=1e-3)


@pytest.mark.parametrize(
    "header", ["time,current (A)", "time (s),current", "time (s),charge (C)", "a,b"]
)
def test_a_table_needs_its_units(header: str, tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    rows = [header] + [f"{k},{1e-9 / k}" for k in range(1, 40)]
    path.write_text("\n".join(rows), encoding="utf-8")
    with pytest.raises(InputError):
        read_transients(path)


def test_times_that_go_back_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    rows = ["time (s),current (A)"] + [f"{k % 20},1e-9" for k in range(40)]
    path.write_text("\n".join(rows), encoding="utf-8")
    with pytest.raises(InputError, match="rise"):
        read_transients(path)


def test_damaged_tables_are_refused(tmp_path: Path) -> None:
    path = staircase_table(tmp_path / "stair.csv")
    whole, refused = check_reader(read_transients, path, tmp_path, count=60, seed=2)
    assert whole + refused == 60
    assert refused > 10
