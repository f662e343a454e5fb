"""An examination that cannot decide is held longer, and what it asked for before is not lost."""

from dataclasses import dataclass, replace
from types import SimpleNamespace

import numpy as np
import pytest

from vitrolyte.data.trajectory import Trajectory
from vitrolyte.infer.distil.config import TrustSettings
from vitrolyte.infer.distil.examination import examine as hall
from vitrolyte.infer.distil.examination.exam import Effort
from vitrolyte.infer.distil.examination.figures import Evidence
from vitrolyte.infer.distil.examination.motion import Course, joined, wandering
from vitrolyte.infer.distil.examination.response import spread_places
from vitrolyte.infer.distil.rounds import Examined
from vitrolyte.infer.distil.trials import FRAME_PS
from vitrolyte.potentials.card import TrustCard

SHORT = Evidence(3, "measured", (0.0, 2.0), "too short")


def card(*quantities: str, failed: bool = False, frames: int = 400) -> TrustCard:
    """Return a card on which these quantities are undecided."""
    short = replace(SHORT, frames=frames)
    figures = [short.below(1.0, quantity, "Li", 0.5, "1") for quantity in quantities]
    figures += [Evidence(3, "measured").below(1.0, "nve_drift", "", 2.0, "1")] if failed else []
    return TrustCard("s", "t", 1, tuple(figures), ())


def test_only_what_is_undecided_is_asked_for_again():
    assert Effort().more(card("diffusivity_error"), 400) == Effort(legs=2, words=1)
    assert Effort().more(card("gr_overlap"), 400) == Effort(legs=1, words=2)
    both = card("free_energy_error", "diffusivity_error", frames=800)
    assert Effort(2, 2).more(both, 400) == Effort(3, 4)
    assert Effort().more(card("diffusivity_error", failed=True), 400) is None
    assert Effort().more(card("density_error"), 400) is None
    assert Effort().more(card(), 400) is None


def test_what_the_run_does_not_hold_is_not_asked_for():
    assert Effort(1, 2).more(card("gr_overlap", frames=700), 400) is None


@dataclass
class Clock:
    """A bench that has time for so many sittings."""

    sittings: int
    settings = SimpleNamespace(trust=TrustSettings(patience=7))

    @property
    def has_time(self) -> bool:
        self.sittings -= 1
        return self.sittings >= 0

    def say(self, text: str) -> None:
        assert "undecided: diffusivity_error Li" in text


@pytest.mark.parametrize(("time_for", "verdict", "last"), [(9, "passed", 3), (1, "undecided", 2)])
def test_an_examination_is_held_until_it_decides_or_time_is_up(
    monkeypatch, time_for, verdict, last
):
    efforts = []

    def held(exam):
        efforts.append(exam.effort)
        enough = exam.effort.legs == 3
        return Examined(card() if enough else card("diffusivity_error"), ())

    monkeypatch.setattr(hall, "_held", held)
    found = hall.examine(None, Clock(time_for), 1)
    assert found.card.verdict == verdict
    assert efforts == [Effort(legs) for legs in range(1, last + 1)]


@pytest.mark.parametrize("frames", [801, 4001, 97])
def test_more_words_are_asked_on_frames_that_include_the_earlier_ones(frames):
    few, many = (set(spread_places(frames, wanted)) for wanted in (24, 48))
    assert few < many
    assert len(many) == 48
    assert max(np.diff(sorted(few))) <= frames // 24 + 1
    assert list(spread_places(10, 24)) == list(range(10))


def test_legs_of_a_run_are_joined_as_if_it_had_never_stopped():
    steps = np.random.default_rng(5).normal(size=(90, 4, 3))
    walk, cells = np.cumsum(steps, axis=0), np.repeat(9 * np.eye(3)[None], 90, axis=0)
    times = FRAME_PS * np.arange(90)
    whole = Course(Trajectory(("Li",) * 4, times, cells, walk), np.linspace(900, 1000, 90))
    # each leg tells its own time, and its first frame is the last of the one before
    first = Course(whole.run.select(slice(0, 31)), whole.temperatures[:31])
    second = Course(whole.run.select(slice(31, 90)), whole.temperatures[31:])
    told = replace(second.run, times=FRAME_PS * np.arange(1, 60))
    again = joined([first, Course(told, second.temperatures)])
    assert again.run.times == pytest.approx(times)
    assert wandering(again.run, "Li", 20) == wandering(whole.run, "Li", 20)
    assert again.temperature == pytest.approx(950.0)
    assert len(again.pieces(30)) == 3
