"""A whole small distillation from the command line, killed in the middle and taken up again."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from vitrolyte.potentials import shelf

HERE = Path(__file__).parent
LABELS = Path("runs/distil-tiny-salt/labels/salt")
COMMAND = [sys.executable, "-m", "vitrolyte", "distil", str(HERE / "tiny-salt.toml"), "--workers=2"]


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(HERE / "teachers"))
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "1")
    monkeypatch.chdir(tmp_path)
    Path("asked").mkdir()
    return tmp_path


def bought() -> dict[str, int]:
    return {path.stem: path.stat().st_mtime_ns for path in LABELS.glob("*.npz")}


def kill_after(labels: int) -> None:
    with subprocess.Popen(COMMAND, start_new_session=True, stderr=subprocess.DEVNULL) as running:
        while len(bought()) < labels and running.poll() is None:
            time.sleep(0.02)
        os.killpg(running.pid, signal.SIGKILL)


def test_a_killed_distillation_ends_with_a_student_and_buys_no_label_twice(place):
    kill_after(25)
    before, asked_before = bought(), {path.name for path in Path("asked").iterdir()}
    assert len(before) >= 25
    done = subprocess.run([*COMMAND, "--json"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    after = bought()
    assert {key: after[key] for key in before} == before
    asked_again = {
        path.name.partition(".")[0]
        for path in Path("asked").iterdir()
        if path.name not in asked_before
    }
    assert not asked_again & set(before)
    (card,) = json.loads(done.stdout)
    assert card["verdict"] in ("passed", "undecided", "failed")
    assert card["trusted"] == (card["verdict"] == "passed")
    student = shelf.load("tiny-salt", [Path("potentials")])
    assert student.card is not None
    assert {f.quantity for f in student.card.figures} >= {
        "force_rmse",
        "density_error",
        "gr_overlap",
        "diffusivity_error",
        "bulk_modulus_error",
        "barrier_error",
        "nve_drift",
        "repulsive_share",
        "breaches",
        "cost_per_atom_step",
    }
    (stages,) = Path("runs/distil-tiny-salt").glob("run-*/stages")
    learned = json.loads((stages / "exam-01.json").read_text("utf-8"))
    of_the_trial = 3
    assert len(learned) == of_the_trial  # and none of the teacher's own run
    assert (stages.parent / "teacher-melt-0.4-ps" / "finished.json").is_file()
    shares = [f.value for f in student.card.figures if f.quantity == "repulsive_share"]
    assert shares == [1.0, 1.0, 1.0]
    assert judged_by(student) == 24
    seen_again_with_more_frames(place)


def judged_by(student) -> int:
    """Return the frames on which the overlap of the student's Li-Cl rests."""
    (figure,) = [
        f for f in student.card.figures if (f.quantity, f.of) == ("gr_overlap", "melt, Li-Cl")
    ]
    return figure.frames


def seen_again_with_more_frames(place: Path) -> None:
    """Ask for a longer look afterwards: a new card, and nothing else anew."""
    before, longer = bought(), place / "longer.toml"
    text = (HERE / "tiny-salt.toml").read_text("utf-8")
    longer.write_text(text.replace("response_frames = 24", "response_frames = 30"), "utf-8")
    command = [str(longer) if part.endswith("tiny-salt.toml") else part for part in COMMAND]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert bought() == before
    assert judged_by(shelf.load("tiny-salt", [Path("potentials")])) == 30


def test_a_teacher_that_is_not_there_is_told_before_anything_is_done(place):
    config = place / "wrong.toml"
    text = (HERE / "tiny-salt.toml").read_text("utf-8").replace("salt_teacher:Salt", "no_such:It")
    config.write_text(text, "utf-8")
    command = [sys.executable, "-m", "vitrolyte", "distil", str(config)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "no_such" in done.stderr
    assert "Traceback" not in done.stderr
