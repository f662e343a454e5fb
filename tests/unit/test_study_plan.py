"""Steps fan out over replicas and temperatures and are joined again."""

from collections.abc import Mapping

import pytest

from vitrolyte.data.errors import InputError
from vitrolyte.data.observation import Sample
from vitrolyte.study.plan import Plan, make_plan
from vitrolyte.study.recipe import All, Each, Output, Recipe, RecipeSettings, Work
from vitrolyte.study.settings import StudySettings


class MakeSettings(RecipeSettings):
    size: int = 1
    replicas: int = 1

    def axes(self) -> Mapping[str, tuple[float, ...]]:
        return {"replica": tuple(float(n + 1) for n in range(self.replicas))}


class HeatSettings(RecipeSettings):
    source: Each
    temperatures_K: tuple[float, ...]

    def axes(self) -> Mapping[str, tuple[float, ...]]:
        return {"temperature_K": self.temperatures_K}


class PairSettings(RecipeSettings):
    one: Each
    other: Each


class GatherSettings(RecipeSettings):
    sources: All


def nothing(work: Work) -> Output:
    return Output(Sample("", work.study.formula, ""))


COOKBOOK = {
    "make": Recipe("make", 1, MakeSettings, nothing, random=True),
    "heat": Recipe("heat", 1, HeatSettings, nothing),
    "pair": Recipe("pair", 1, PairSettings, nothing),
    "gather": Recipe("gather", 1, GatherSettings, nothing),
}


def plan(steps: dict[str, dict[str, object]], **changes: object) -> Plan:
    plain = {
        "name": "toy",
        "title": "toy",
        "sample": {"formula": "LiCl", "material": "salt"},
        "steps": steps,
        **changes,
    }
    return make_plan(StudySettings.model_validate(plain), COOKBOOK)


GLASS = {
    "make": {"recipe": "make", "replicas": 2},
    "heat": {"recipe": "heat", "source": "make", "temperatures_K": [500, 600, 700]},
}


def test_axes_multiply() -> None:
    made = plan(GLASS)
    assert len(made.of("make")) == 2
    places = {tuple(task.coordinates.values()) for task in made.of("heat")}
    assert places == {(r, t) for r in (1.0, 2.0) for t in (500.0, 600.0, 700.0)}
    assert made.of("heat")[0].label == "heat r1 500K"


def test_tasks_come_after_their_inputs() -> None:
    made = plan(dict(reversed(GLASS.items())))
    seen: set[str] = set()
    for task in made.tasks:
        assert all(s.origin.id in seen for sources in task.inputs.values() for s in sources)
        seen.add(task.origin.id)


def test_each_joins_on_shared_axes_and_all_gathers_the_rest() -> None:
    steps = {
        **GLASS,
        "crystal": {"recipe": "make", "size": 9, "replicas": 1},
        "hot": {"recipe": "heat", "source": "crystal", "temperatures_K": [600, 700, 800]},
        "pair": {"recipe": "pair", "one": "heat", "other": "hot"},
        "all": {"recipe": "gather", "sources": ["heat"]},
    }
    made = plan(steps)
    places = [task.coordinates for task in made.of("pair")]
    assert places == [{"replica": 1.0, "temperature_K": t} for t in (600.0, 700.0)]
    (gathering,) = made.of("all")
    assert len(gathering.inputs["sources"]) == 6


def test_same_settings_same_id_and_any_change_another() -> None:
    first, again = plan(GLASS), plan(GLASS)
    assert [t.origin.id for t in first.tasks] == [t.origin.id for t in again.tasks]
    other = plan({**GLASS, "make": {"recipe": "make", "replicas": 2, "size": 3}})
    ids = {task.origin.id for task in first.tasks}
    assert not ids & {task.origin.id for task in other.tasks}  # inputs carry the change on
    assert not ids & {task.origin.id for task in plan(GLASS, seed=2).tasks}


def test_launch_is_no_part_of_an_id() -> None:
    slow = plan(GLASS, launch={"workers": 1, "processes": 1})
    fast = plan(GLASS, launch={"workers": 9, "processes": 64, "command": ["srun"]})
    assert [t.origin.id for t in slow.tasks] == [t.origin.id for t in fast.tasks]


def test_replicas_have_seeds_of_their_own() -> None:
    seeds = [task.origin.seed for task in plan(GLASS).of("make")]
    assert len(set(seeds)) == 2
    assert all(seed is not None and 0 < seed < 2**31 for seed in seeds)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"heat": {**GLASS["heat"], "source": "mak"}}, "'make'"),
        ({"heat": {**GLASS["heat"], "temperature": 3}}, "temperatures_K"),
        ({"heat": {**GLASS["heat"], "recipe": "haet"}}, "'heat'"),
        ({"heat": {"source": "make"}}, "recipe"),
        ({"make": {"recipe": "pair", "one": "heat", "other": "heat"}}, "ring"),
    ],
)
def test_a_wrong_step_is_named(change: dict[str, dict[str, object]], words: str) -> None:
    with pytest.raises(InputError, match=words):
        plan({**GLASS, **change})
