"""The main job from the command line: it finishes, survives kills, and repeats nothing."""

import csv
import json
import subprocess
from pathlib import Path

import pytest
from study_runs import PROGRAM, finished_stages, run

pytestmark = pytest.mark.xdist_group("study")


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


def test_report_is_written_anew_from_what_is_stored(
    finished: tuple[Path, str], tmp_path: Path
) -> None:
    out, _ = finished
    again = tmp_path / "again.html"
    command = [*PROGRAM, "report", str(out), "--out", str(again)]
    said = subprocess.run(command, capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stderr
    assert again.read_text() == (out / "report.html").read_text()


def test_several_results_on_one_page(finished: tuple[Path, str], tmp_path: Path) -> None:
    out, _ = finished
    page = tmp_path / "both.html"
    command = [*PROGRAM, "report", str(out), str(out), "--out", str(page)]
    said = subprocess.run(command, capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stderr
    assert "side by side" in page.read_text()
