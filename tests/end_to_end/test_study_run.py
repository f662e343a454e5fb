"""The main job from the command line: it finishes, survives kills, and repeats nothing."""

import csv
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

TINY = Path(__file__).with_name("tiny.toml")
PROGRAM = [sys.executable, "-m", "vitrolyte"]


def run(out: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [*PROGRAM, "run", str(TINY), "--out", str(out), *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Run the tiny study, killing it three times on the way, and return its folder."""
    out = tmp_path_factory.mktemp("study") / "tiny"
    seen: dict[str, int] = {}
    pause = random.Random(20261121)
    for _ in range(3):
        kill_after(out, pause.uniform(3.0, 9.0))
        check_untouched(out, seen)
        seen = finished_stages(out)
    last = run(out)
    assert last.returncode == 0, last.stderr
    check_untouched(out, seen)
    return out, last.stdout


def kill_after(out: Path, seconds: float) -> None:
    """Start the study and kill it without a warning, as a power cut would."""
    with (out.parent / "log.txt").open("a") as log:
        process = subprocess.Popen(
            [*PROGRAM, "run", str(TINY), "--out", str(out)],
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        time.sleep(seconds)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()


def finished_stages(out: Path) -> dict[str, int]:
    """Return, by stage that is complete, when its results were written."""
    stages = {}
    for path in (out / "stages").glob("*/origin.json"):
        if json.loads(path.read_text())["state"] == "complete":
            stages[path.parent.name] = (path.parent / "results.json").stat().st_mtime_ns
    return stages


def check_untouched(out: Path, before: dict[str, int]) -> None:
    now = finished_stages(out)
    assert {name: now[name] for name in before} == before


def rows_of(out: Path) -> list[dict[str, str]]:
    with (out / "observations.csv").open() as stream:
        return list(csv.DictReader(stream))


def test_killed_three_times_it_ends_with_everything(finished: tuple[Path, str]) -> None:
    out, said = finished
    origin = json.loads((out / "origin.json").read_text())
    assert origin["state"] == "complete"
    assert {stage["state"] for stage in origin["stages"].values()} == {"complete"}
    assert set(origin["stages"]) == {path.name for path in (out / "stages").iterdir()}
    assert "report.html" in said


def test_a_second_run_repeats_nothing(finished: tuple[Path, str]) -> None:
    out, _ = finished
    before = finished_stages(out)
    again = run(out, "--json")
    assert again.returncode == 0, again.stderr
    assert finished_stages(out) == before
    assert len(json.loads(again.stdout)) == len(rows_of(out))


def test_frames_are_whole_after_the_kills(finished: tuple[Path, str]) -> None:
    import numpy as np

    from vitrolyte.data.io.chunks import open_trajectory

    out, _ = finished
    for path in (out / "stages").glob("*/segments/*/trajectory.zarr"):
        times = open_trajectory(path).times
        assert np.all(np.abs(np.diff(times) - (times[1] - times[0])) < 1e-6), path


def test_every_promised_quantity_is_in_the_table(finished: tuple[Path, str]) -> None:
    out, _ = finished
    found = {(row["phase"], row["quantity"]) for row in rows_of(out)}
    for phase in ("glass", "crystal"):
        for quantity in (
            "density",
            "coordination_number",
            "bond_length",
            "tracer_diffusivity",
            "charge_diffusivity",
            "ionic_conductivity",
            "haven_ratio",
            "transference_number",
            "activation_energy",
        ):
            assert (phase, quantity) in found
    assert ("glass", "volume_expansion") in found


def test_a_run_too_short_refuses_rather_than_answers(finished: tuple[Path, str]) -> None:
    out, _ = finished
    rows = [row for row in rows_of(out) if row["status"] == "refused"]
    assert rows
    assert all(row["value"] == "" and row["note"] for row in rows)
    oxygen = [
        row
        for row in rows_of(out)
        if (row["phase"], row["quantity"], row["of"]) == ("crystal", "tracer_diffusivity", "O")
    ]
    assert oxygen
    assert all(row["status"] == "refused" for row in oxygen)  # the framework does not move


def test_the_densities_are_those_of_matter(finished: tuple[Path, str]) -> None:
    # Li3OCl, a = 3.91 Å (10.1021/ja305709z): 2.00 g/cm³; a potential errs by a few percent
    out, _ = finished
    for row in rows_of(out):
        if row["quantity"] == "density" and row["phase"] == "crystal":
            assert 1.8 < float(row["value"]) < 2.2


def test_the_result_folder_is_complete(finished: tuple[Path, str]) -> None:
    out, _ = finished
    for name in ("study.toml", "origin.json", "observations.csv", "comparisons.csv", "report.html"):
        assert (out / name).stat().st_size > 0
    assert list((out / "curves").glob("*.csv"))
    page = (out / "report.html").read_text()
    assert "A tiny glass" in page
    assert (out / "report.html").stat().st_size < 8e6


def test_table_prints_what_is_stored(finished: tuple[Path, str]) -> None:
    out, _ = finished
    said = subprocess.run(
        [*PROGRAM, "table", str(out), "--json"], capture_output=True, text=True, check=True
    )
    assert [row["quantity"] for row in json.loads(said.stdout)] == [
        row["quantity"] for row in rows_of(out)
    ]
