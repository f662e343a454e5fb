"""Rotors and ions in one trajectory: paddle wheel, soft cradle, and bad input."""

import numpy as np
import pytest
from validation.rotation import CUT_OFFS, STEP_PS, Crowd, wheel_run

from vitrolyte.data.errors import InputError
from vitrolyte.data.observation import Sample
from vitrolyte.data.trajectory import Trajectory
from vitrolyte.observe.rotation.bonds import RotorSearch
from vitrolyte.observe.rotation.coupling import Coincidence, CoincidenceSettings, EventSeries
from vitrolyte.observe.rotation.coupling import coincidence as coincidence_of
from vitrolyte.observe.rotation.cradle import CradleSettings, correlated, soft_cradle
from vitrolyte.observe.rotation.paddle_wheel import (
    PaddleWheelSettings,
    paddle_wheel,
    rotation_events,
)
from vitrolyte.observe.rotation.rotation import RotationSettings

SEARCH = RotorSearch(cut_offs=CUT_OFFS[2], looks=20)
SETTINGS = PaddleWheelSettings(
    RotationSettings(SEARCH), CoincidenceSettings(window_ps=0.4, shifts=199), reach_A=3.0
)
CROWDS = [Crowd(8, 4000), Crowd(8, 4000, triclinic=True, breathing=0.03)]


@pytest.mark.parametrize("crowd", CROWDS, ids=["cube", "triclinic and breathing"])
def test_a_paddle_wheel_is_found_with_its_strength(crowd: Crowd) -> None:
    run, hops = wheel_run(3, crowd, 0.5)
    found = paddle_wheel(run, hops, SETTINGS)
    # each Li is near its own OH alone
    assert found.second_events == len(hops)
    # 0.005 jumps a frame, some of them within 0.2 ps of another
    assert found.first_events == pytest.approx(0.005 * crowd.frames * crowd.rotors, rel=0.25)
    assert found.p_value.value == pytest.approx(1 / 200)
    assert found.excess.low < 0.5 < found.excess.high
    assert found.excess_before.low < 0.0 < found.excess_before.high
    assert found.ratio.low > 1.0
    assert found.probability_ratio.low > 1.0


def test_no_paddle_wheel_is_found_where_there_is_none() -> None:
    found = paddle_wheel(*wheel_run(5, CROWDS[0], 0.0), SETTINGS)
    assert found.p_value.value > 0.01
    assert found.excess.low < 0.0 < found.excess.high


def test_hops_far_away_do_not_count() -> None:
    run, hops = wheel_run(3, CROWDS[0], 0.5)
    elsewhere = (hops.ions - 16 + 3) % 8 + 16
    far = paddle_wheel(run, EventSeries(hops.times_ps, elsewhere), SETTINGS)
    assert far.excess.low < 0.1
    positions = run.read().positions
    frames = np.rint(hops.times_ps / STEP_PS).astype(int)
    given = EventSeries(hops.times_ps, elsewhere, positions[frames, hops.ions])
    near = paddle_wheel(run, given, SETTINGS)
    assert near.excess.low > 0.1


def test_rotation_events_are_the_jumps() -> None:
    run, _ = wheel_run(3, CROWDS[0], 0.0)
    events = rotation_events(run, RotationSettings(SEARCH))
    assert set(events.ions) <= set(range(0, 16, 2))
    assert np.all(np.diff(events.times_ps) >= 0)
    assert len(events) == paddle_wheel(run, wheel_run(3, CROWDS[0], 0.0)[1], SETTINGS).first_events


def test_the_rows_have_words_and_units() -> None:
    found = paddle_wheel(*wheel_run(3, CROWDS[0], 0.5), SETTINGS)
    rows = found.observations(Sample("antiperovskite", "Li2OHCl", "crystal", 400.0))
    assert {row.of for row in rows} >= {"OH rotation and Li hop", "OH rotation and Li hop after"}
    assert "hops within 3.00 Å of O" in rows[0].method


def test_no_event_is_no_answer() -> None:
    run, hops = wheel_run(3, CROWDS[0], 0.5)
    none = EventSeries(hops.times_ps[:0], hops.ions[:0])
    found = paddle_wheel(run, none, SETTINGS)
    assert found.p_value.status == "refused"
    assert found.excess.status == "refused"


@pytest.mark.parametrize(
    ("times", "ions"), [([1.0], [999]), ([1.0], [-1]), ([1e6], [16]), ([np.nan], [16])]
)
def test_hops_that_cannot_be_are_refused(times: list[float], ions: list[int]) -> None:
    run, _ = wheel_run(3, Crowd(2, 400), 0.5)
    with pytest.raises(InputError):
        paddle_wheel(run, EventSeries(np.array(times), np.array(ions)), SETTINGS)


def test_events_need_one_ion_each() -> None:
    with pytest.raises(InputError, match="Events need a time"):
        EventSeries(np.zeros(3), np.zeros(2, dtype=np.int64))


def test_coincidences_of_chance_are_counted_exactly() -> None:
    """All shifts together give the expected number, since each pair meets once in each."""
    generator = np.random.default_rng(0)
    first, second = (np.sort(generator.choice(400, size=30, replace=False)) for _ in range(2))
    carriers = np.zeros(30, dtype=np.int64)
    counts = []
    settings = CoincidenceSettings(window_ps=3.0, shifts=19)
    for shift in range(400):
        found = one_shift(first, (second + shift) % 400, carriers, settings)
        counts.append(found.found)
    assert np.mean(counts) == pytest.approx(found.expected)
    assert found.expected == pytest.approx(30 * 30 * 7 / 400)


def one_shift(
    first: np.ndarray, second: np.ndarray, carriers: np.ndarray, settings: CoincidenceSettings
) -> Coincidence:
    series = [EventSeries(times.astype(float), carriers) for times in (first, second)]
    return coincidence_of(*series, (0.0, 399.0), settings=settings, step_ps=1.0)


@pytest.mark.parametrize("crowd", CROWDS, ids=["cube", "triclinic and breathing"])
def test_a_cradle_is_felt_and_its_absence_too(crowd: Crowd) -> None:
    settings = CradleSettings(SEARCH, window_ps=0.2, shifts=199)
    swung = soft_cradle(wheel_run(3, crowd, 0.9)[0], "Li", settings)
    assert swung.correlation.low > 0.1
    assert swung.p_value.value == pytest.approx(1 / 200)
    free = soft_cradle(wheel_run(4, crowd, 0.0)[0], "Li", settings)
    assert free.correlation.low < 0.03
    assert free.p_value.value > 0.01


def test_a_known_correlation_is_recovered_with_its_interval() -> None:
    held, runs, truth = 0, 60, 0.3
    for seed in range(runs):
        generator = np.random.default_rng(seed)
        common, one, other = generator.normal(size=(3, 6, 400))
        mix = np.sqrt(truth)
        angles, moves = (mix * common + np.sqrt(1 - truth) * part for part in (one, other))
        found = correlated(angles, moves, CradleSettings(shifts=19), of="a and b").correlation
        held += found.low <= truth <= found.high
    # probability of fewer hits at a true coverage of 0.93: below 0.5 %
    assert held >= 50


def test_too_short_a_run_is_refused() -> None:
    run, hops = wheel_run(3, Crowd(2, 60), 0.5)
    with pytest.raises(InputError, match="60 windows"):
        soft_cradle(run, "Li", CradleSettings(SEARCH))
    with pytest.raises(InputError, match="ten windows"):
        paddle_wheel(run, hops, SETTINGS)


def test_frames_without_a_common_step_are_refused() -> None:
    run, hops = wheel_run(3, Crowd(2, 400), 0.5)
    times = run.times.copy()
    times[200:] += 0.5
    uneven = Trajectory(run.species, times, run.cells, run.read().positions)
    with pytest.raises(InputError, match="equal time steps"):
        paddle_wheel(uneven, hops, SETTINGS)


@pytest.mark.parametrize("wrong", [{"window_ps": 0.0}, {"shifts": 3}, {"null": "none"}])
def test_bad_settings_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(InputError):
        CoincidenceSettings(**wrong)  # type: ignore[arg-type]
