"""Schedules say what they mean and refuse nonsense."""

import dataclasses

import pytest

from vitrolyte.data.errors import InputError
from vitrolyte.simulate.schedule import Schedule, Segment

MELT = Segment("melt", "npt", duration_ps=10.0, temperature_K=1500.0, timestep_fs=2.0)


@pytest.mark.parametrize(
    ("every", "step", "frame_steps", "thermo_steps"),
    [
        (0.1, 2.0, 50, 50),
        (0.5, 2.0, 250, 50),
        (0.02, 2.0, 10, 10),
        (0.3, 1.0, 300, 100),
        (0.001, 2.0, 1, 1),
        (0.202, 2.0, 102, 34),
    ],
)
def test_rows_divide_frames_and_come_every_tenth_of_a_picosecond(
    every: float, step: float, frame_steps: int, thermo_steps: int
) -> None:
    segment = dataclasses.replace(MELT, frame_every_ps=every, timestep_fs=step)
    assert segment.frame_steps == frame_steps
    assert segment.thermo_steps == thermo_steps
    assert segment.frame_steps % segment.thermo_steps == 0
    assert segment.thermo_steps * segment.timestep_ps <= 0.1 + 1e-12
    assert segment.steps * segment.timestep_ps >= segment.duration_ps - 1e-9


def test_a_ramp_is_straight_and_stops_at_its_end() -> None:
    ramp = dataclasses.replace(MELT, end_temperature_K=300.0)
    assert [ramp.target_temperature_K(t) for t in (0, 5, 10, 11)] == [1500, 900, 300, 300]
    assert MELT.target_temperature_K(5.0) == 1500


@pytest.mark.parametrize(
    "change",
    [
        {"ensemble": "nph"},
        {"cell": "cubic"},
        {"duration_ps": 0.0},
        {"temperature_K": -1.0},
        {"timestep_fs": float("nan")},
        {"frame_every_ps": 20.0},
        {"end_temperature_K": 0.0},
        {"pressure_GPa": float("inf")},
        {"ensemble": "nve", "end_temperature_K": 300.0},
    ],
)
def test_nonsense_is_refused_by_name(change: dict[str, object]) -> None:
    with pytest.raises(InputError, match="melt"):
        dataclasses.replace(MELT, **change)  # type: ignore[arg-type]


def test_seeds_are_reproducible_and_differ() -> None:
    plan = Schedule((MELT, dataclasses.replace(MELT, name="hold")), seed=3)
    assert plan.seeds == Schedule(plan.segments, seed=3).seeds
    assert len({*plan.seeds, *Schedule(plan.segments, seed=4).seeds}) == 4
    assert all(0 < seed < 2**31 for seed in plan.seeds)


def test_segments_need_names_of_their_own() -> None:
    with pytest.raises(InputError, match="name of its own"):
        Schedule((MELT, MELT), seed=1)
    with pytest.raises(InputError):
        Schedule((), seed=1)
