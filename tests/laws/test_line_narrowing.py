"""The line over temperature: its half-width time, and the onset of narrowing."""

import math

import numpy as np
import pytest

from vitrolyte.data.quantity import Quantity
from vitrolyte.infer.fit import fit
from vitrolyte.observe.relaxation.line_narrowing import half_width_time, narrowed_line
from vitrolyte.observe.relaxation.narrowing import SecondMoment, kubo_anderson_width
from vitrolyte.observe.relaxation.processes import Process
from vitrolyte.observe.relaxation.relaxation import relaxation_of_tensors
from vitrolyte.observe.relaxation.time_law import time_law

MOMENT = (2 * math.pi * 5e3) ** 2
ENERGY_EV, TAU0_S = 0.30, 1e-14


def rigid(moment: float = MOMENT) -> SecondMoment:
    total = Quantity.normal(moment, 0.01 * moment, "rad²/s²")
    none = Quantity.normal(0.0, 0.0, "rad²/s²")
    return SecondMoment("7Li", total, total, none, Quantity.normal(1e4, 1.0, "Hz"))


def decaying(seed: int, shape: tuple[int, ...], steps: float) -> np.ndarray:
    """Return a stationary Gaussian series that decays exponentially in so many steps."""
    random = np.random.default_rng(seed)
    keep = math.exp(-1.0 / steps)
    series = np.empty(shape)
    series[0] = random.normal(size=shape[1:])
    for n in range(1, shape[0]):
        series[n] = keep * series[n - 1] + math.sqrt(1 - keep**2) * random.normal(size=shape[1:])
    return series


def tensors(series: np.ndarray) -> np.ndarray:
    """Return traceless symmetric tensors of five components."""
    a, b, c, d, e = np.moveaxis(series, -1, 0)
    rows = [
        [a - b / math.sqrt(3), c, d],
        [c, -a - b / math.sqrt(3), e],
        [d, e, 2 * b / math.sqrt(3)],
    ]
    return np.moveaxis(np.array(rows), (0, 1), (-2, -1))


@pytest.fixture(scope="module")
def runs() -> list[tuple[float, object]]:
    truth = Process(ENERGY_EV, TAU0_S, 1.0)
    found = []
    for k, t in enumerate((600.0, 700.0, 700.0, 800.0, 900.0, 1000.0)):
        steps = float(truth.time(t)) / 0.1e-12
        series = decaying(10 + k, (1500, 20, 5), steps)
        found.append((t, relaxation_of_tensors(tensors(series), "7Li", step_ps=0.1)))
    return found


def test_at_the_half_width_time_the_line_is_half_as_wide() -> None:
    tau = half_width_time(MOMENT)
    still = kubo_anderson_width(MOMENT, 1.0)
    assert kubo_anderson_width(MOMENT, tau) == pytest.approx(still / 2, rel=1e-3)


@pytest.mark.parametrize("factor", [0.01, 100.0])
def test_the_half_width_time_goes_with_one_over_the_width(factor: float) -> None:
    scaled = half_width_time(factor * MOMENT) * math.sqrt(factor)
    assert scaled == pytest.approx(half_width_time(MOMENT), rel=1e-6)


def test_the_onset_is_where_the_known_law_says(runs: list) -> None:
    found = narrowed_line(runs, rigid(), fit)
    onset = ENERGY_EV / (8.617333262e-5 * math.log(half_width_time(MOMENT) / TAU0_S))
    assert found.onset.status == "provisional"
    assert found.onset.low < onset < found.onset.high
    widths = found.curves["7Li"].y
    assert np.all(np.diff(widths) <= 1e-9 * widths[0])


def test_two_runs_of_one_temperature_both_count(runs: list) -> None:
    assert list(time_law(runs, fit).temperatures_K).count(700.0) == 2
    assert len({t for t, _ in runs}) == 5


def test_without_a_slow_motion_there_is_no_onset(runs: list) -> None:
    still = relaxation_of_tensors(
        np.ones((64, 8, 3, 3)) + 1e-3 * tensors(decaying(1, (64, 8, 5), 1.0)), "7Li", step_ps=0.1
    )
    found = narrowed_line([(t, still) for t, _ in runs], rigid(), fit)
    assert found.onset.status == "refused"
    assert found.curves.curves == ()
