"""Finished tasks are found again, unfinished ones are done again, nothing twice."""

import io
import json
import threading
from collections.abc import Mapping
from pathlib import Path

import pytest

from vitrolyte.data.errors import InputError, StorageError
from vitrolyte.data.observation import Sample
from vitrolyte.study.execute import Stopped, chains, execute
from vitrolyte.study.plan import Plan, make_plan
from vitrolyte.study.progress import Lines, Meter, spoken
from vitrolyte.study.recipe import Each, Output, Recipe, RecipeSettings, Work
from vitrolyte.study.settings import StudySettings
from vitrolyte.study.store import Store, claimed


class LeafSettings(RecipeSettings):
    name: str


class NodeSettings(RecipeSettings):
    source: Each
    cost: float = 1.0

    def weight(self) -> float:
        return self.cost


class Diary:
    """Remembers what was done; fails or waits on request."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.fail: set[str] = set()
        self.wait_for: Mapping[str, threading.Event] = {}
        self.stopped: list[str] = []

    def work(self, work: Work) -> Output:
        name = work.folder.name.split("-")[0]
        if name in self.wait_for:
            try:
                while not self.wait_for[name].wait(0.01):
                    work.progress(0.5)
            except Stopped:
                self.stopped.append(name)
                raise
        if name in self.fail:
            raise InputError(f"{name} failed")
        self.done.append(name)
        return Output(Sample("m", work.study.formula, "p"))


@pytest.fixture
def diary() -> Diary:
    return Diary()


def tree(diary: Diary, **changes: object) -> Plan:
    cookbook = {
        "leaf": Recipe("leaf", 1, LeafSettings, diary.work),
        "node": Recipe("node", 1, NodeSettings, diary.work),
    }
    plain = {
        "name": "toy",
        "title": "toy",
        "sample": {"formula": "LiCl", "material": "salt"},
        "launch": {"workers": 2},
        "steps": {
            "a": {"recipe": "leaf", "name": "a"},
            "b": {"recipe": "node", "source": "a", "cost": 2},
            "c": {"recipe": "node", "source": "b", "cost": 3},
            "d": {"recipe": "leaf", "name": "d"},
            **changes,
        },
    }
    return make_plan(StudySettings.model_validate(plain), cookbook)


def quiet() -> Lines:
    return Lines(io.StringIO())


def carry_out(plan: Plan, folder: Path) -> None:
    execute(plan, Store(folder / "stages"), quiet())


def test_everything_once_in_order(diary: Diary, tmp_path: Path) -> None:
    carry_out(tree(diary), tmp_path)
    assert sorted(diary.done) == ["a", "b", "c", "d"]
    assert diary.done.index("a") < diary.done.index("b") < diary.done.index("c")
    carry_out(tree(diary), tmp_path)
    assert len(diary.done) == 4


def test_only_what_changed_is_done_again(diary: Diary, tmp_path: Path) -> None:
    carry_out(tree(diary), tmp_path)
    carry_out(tree(diary, b={"recipe": "node", "source": "a", "cost": 5}), tmp_path)
    assert sorted(diary.done) == ["a", "b", "b", "c", "c", "d"]


def test_a_fault_stops_the_rest_and_keeps_what_is_done(diary: Diary, tmp_path: Path) -> None:
    diary.fail = {"b"}
    diary.wait_for = {"d": threading.Event()}
    with pytest.raises(InputError, match="b failed"):
        carry_out(tree(diary), tmp_path)
    assert diary.stopped == ["d"]
    assert diary.done == ["a"]
    diary.fail = set()
    diary.wait_for = {}
    carry_out(tree(diary), tmp_path)
    assert sorted(diary.done) == ["a", "b", "c", "d"]


def test_a_stage_begun_but_not_finished_is_done_again(diary: Diary, tmp_path: Path) -> None:
    plan = tree(diary)
    store = Store(tmp_path / "stages")
    store.begin(plan.tasks[0])
    assert store.find(plan.tasks[0]) is None
    origin = json.loads((store.folder(plan.tasks[0]) / "origin.json").read_text())
    assert origin["state"] == "started"
    carry_out(plan, tmp_path)
    origin = json.loads((store.folder(plan.tasks[0]) / "origin.json").read_text())
    assert origin["state"] == "complete"
    assert diary.done.count(plan.tasks[0].step.name) == 1


def test_a_stage_changed_by_hand_is_refused(diary: Diary, tmp_path: Path) -> None:
    plan = tree(diary)
    carry_out(plan, tmp_path)
    path = Store(tmp_path / "stages").folder(plan.tasks[0]) / "origin.json"
    plain = json.loads(path.read_text())
    plain["settings"]["name"] = "other"
    path.write_text(json.dumps(plain))
    with pytest.raises(InputError, match="changed by hand"):
        carry_out(plan, tmp_path)


def test_one_run_at_a_time(tmp_path: Path) -> None:
    with claimed(tmp_path), pytest.raises(StorageError, match="another run"), claimed(tmp_path):
        pass
    with claimed(tmp_path):
        pass


def test_the_longest_chain_starts_first(diary: Diary) -> None:
    plan = tree(diary)
    weights = chains(list(plan.tasks))
    by_step = {task.step.name: weights[task.origin.id] for task in plan.tasks}
    assert by_step["a"] == pytest.approx(0.2 + 2 + 3)
    assert by_step["b"] == pytest.approx(5)
    assert by_step["d"] == pytest.approx(0.2)


def test_time_left_follows_from_the_pace() -> None:
    assert Meter(total=10, done=2.5, seconds=5).seconds_left == pytest.approx(15)
    assert Meter(total=10, done=0, seconds=5).seconds_left is None
    assert [spoken(s) for s in (None, 7, 200, 8000)] == [
        "estimating",
        "7 s",
        "3 min 20 s",
        "2 h 13 min",
    ]
