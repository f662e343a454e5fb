"""What the documentation shows is true: its commands and its code run."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from study_runs import PROGRAM

from vitrolyte.data.errors import InputError
from vitrolyte.study.cookbook import COOKBOOK
from vitrolyte.study.plan import make_plan
from vitrolyte.study.settings import read_study

pytestmark = pytest.mark.xdist_group("study")

TOUR = (Path(__file__).parents[2] / "docs" / "tour.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", TOUR, flags=re.DOTALL)


def commands() -> list[str]:
    lines = [line for block in blocks("console") for line in block.splitlines()]
    return [line.removeprefix("$ vitrolyte ") for line in lines if line.startswith("$ vitrolyte")]


def test_the_tour_shows_the_main_job() -> None:
    assert "run li3ocl-glass --profile quick" in commands()


@pytest.mark.parametrize("words", [c for c in commands() if not c.startswith("run ")])
def test_commands_of_the_tour(words: str, finished: tuple[Path, str], tmp_path: Path) -> None:
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "li3ocl-glass").symlink_to(finished[0])
    said = subprocess.run(
        [*PROGRAM, *shlex.split(words)], capture_output=True, text=True, cwd=tmp_path, check=False
    )
    assert said.returncode == 0, said.stderr
    assert len(said.stdout.splitlines()) > 3


def test_python_of_the_tour(finished: tuple[Path, str], tmp_path: Path) -> None:
    (code,) = blocks("python")
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "li3ocl-glass").symlink_to(finished[0])
    said = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=False
    )
    assert said.returncode == 0, said.stderr
    assert "cm²/s" in said.stdout


HOWTO = Path(__file__).parents[2] / "docs" / "howto"
ALONE = {
    "cycling": ("20 cycles",),
    "dc": (),
    "density": (),
    "density-maps": (),
    "dsc": (),
    "exafs": (),
    "exafs-fit": (),
    "fitting": (),
    "hops": ("0.10 hops of an ion per ps",),
    "impedance": ("grain_boundary: 4.25e-06",),
    "instrument-files": (),
    "large-systems": (),
    "literature": (),
    "matter": (),
    "medium-range": (),
    "nmr-lines": (),
    "nmr-relaxation": (),
    "pdf": (),
    "polyhedra": ("Al-O 2.61 Å", "value=0.692", "a-a-a-"),
    "potentials": (),
    "raman": (),
    "read-trajectories": (),
    "rotation": ("27 bonds up to", "nothing beyond chance"),
    "scattering": ("('NN', 'NC', 'CC')",),
    "structure": (),
    "temperature": (),
    "transport": ("ok",),
    "van-hove": (),
    "xrd": ("Si a = 5.43 Å",),
    "vibration": ("O-H at 3569 cm⁻¹",),
}
"""Pages whose Python needs nothing but the package, and what the page says it prints."""


@pytest.mark.parametrize("page", ALONE)
def test_python_of_the_how_tos(page: str, tmp_path: Path) -> None:
    text = (HOWTO / f"{page}.md").read_text()
    code = "\n".join(re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL))
    assert code
    said = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
    )
    assert said.returncode == 0, said.stderr
    for printed in ALONE[page]:
        assert printed in said.stdout


def test_the_study_of_the_tour_is_refused_for_want_of_a_potential(tmp_path: Path) -> None:
    study = tmp_path / "study.toml"
    study.write_text(blocks("toml")[0])
    with pytest.raises(InputError, match=r"potentials at hand: .*li-o-cl"):
        make_plan(read_study(str(study)), COOKBOOK)


def test_the_study_of_the_tour_works_for_a_formula_that_is_covered(tmp_path: Path) -> None:
    study = tmp_path / "study.toml"
    study.write_text(blocks("toml")[0].replace("Li3OBr", "Li3OCl"))
    plan = make_plan(read_study(str(study)), COOKBOOK)
    assert [task.step.name for task in plan.tasks].count("melt") == 3


def test_every_recipe_is_in_the_tour() -> None:
    listed = set(re.findall(r"^\| `([a-z-]+)` \|", TOUR, flags=re.MULTILINE))
    assert listed == set(COOKBOOK)


@pytest.mark.parametrize("profile", ["quick", "standard", "production"])
def test_shipped_profiles_make_plans(profile: str) -> None:
    plan = make_plan(read_study("li3ocl-glass", profile), COOKBOOK)
    assert len(plan.of("glass-hot")) >= 4
