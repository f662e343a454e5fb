"""Bad input gets one clear message and exit status 2; nothing is written."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

TINY = Path(__file__).with_name("tiny.toml").read_text()


# A shell that starts a test run in the background lets its children ignore interrupts.
INTERRUPTIBLE = (
    "import runpy, signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
    "runpy.run_module('vitrolyte', run_name='__main__', alter_sys=True)"
)


def vitrolyte(*words: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "vitrolyte", *words]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, check=False)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('formula = "Li3OCl"', 'formula = "Lq3OCl"', ["'Lq'", "element"]),
        ('formula = "Li3OCl"', 'formula = "Li3(OCl"', ["formula"]),
        ('formula = "Li3OCl"', 'formula = "Li4OCl"', ["charge"]),
        ('formula = "Li3OCl"', 'formula = "Na3OCl"', ["potential", "Na"]),
        ("stretch_ps = 2", "strech_ps = 2", ["strech_ps", "stretch_ps"]),
        ('recipe = "melt"', 'recipe = "metl"', ["'metl'", "'melt'"]),
        ("[900, 1000, 1100, 1200]", "[900]", ["temperature"]),
        ("[900, 1000, 1100, 1200]", "[]", ["temperatures_K"]),
        ("temperature_K = 1800", "temperature_K = -5", ["temperature_K"]),
        ('prototype = "antiperovskite"', 'prototype = "perovskite"', ["prototype", "perovskite"]),
        ('unit = "LiCl"', 'unit = "LiO"', ["LiO"]),
        ('structure = "crystal"', 'structure = "cristal"', ["cristal", "crystal"]),
        (", rate_K_per_ps = 450", "", ["duration_ps"]),
        ('name = "tiny"', 'name = "../../tiny"', ["name"]),
    ],
)
def test_one_message_and_status_two(tmp_path: Path, old: str, new: str, words: list[str]) -> None:
    assert old in TINY
    study = tmp_path / "bad.toml"
    study.write_text(TINY.replace(old, new))
    said = vitrolyte("run", str(study), "--out", str(tmp_path / "out"))
    assert said.returncode == 2, said.stderr
    assert "Traceback" not in said.stderr
    message = said.stderr.strip().splitlines()
    assert len(message) == 1, said.stderr
    for word in words:
        assert word.lower() in message[0].lower()
    assert not (tmp_path / "out").exists()


def test_more_vacancies_than_atoms_leave_nothing_to_trust(tmp_path: Path) -> None:
    study = tmp_path / "bad.toml"
    study.write_text(TINY.replace("count = 1", "count = 1000"))
    said = vitrolyte("run", str(study), "--out", str(tmp_path / "out"))
    assert said.returncode == 2, said.stderr
    assert "1000" in said.stderr
    assert "Traceback" not in said.stderr
    for path in (tmp_path / "out" / "stages").glob("crystal-with-vacancies*/origin.json"):
        assert '"started"' in path.read_text()


def test_an_unreadable_structure_file(tmp_path: Path) -> None:
    (tmp_path / "broken.cif").write_bytes(b"\x00\x01 this is no crystal")
    study = tmp_path / "bad.toml"
    study.write_text(
        TINY.replace(
            'recipe = "crystal"\nprototype = "antiperovskite"\nlattice_parameter_A = 3.91\n',
            f'recipe = "structure-file"\npath = "{tmp_path / "broken.cif"}"\n',
        )
    )
    said = vitrolyte("run", str(study), "--out", str(tmp_path / "out"))
    assert said.returncode == 2, said.stderr
    assert "broken.cif" in said.stderr
    assert "Traceback" not in said.stderr


def test_no_study_of_that_name(tmp_path: Path) -> None:
    said = vitrolyte("run", "li3ocl-glas", cwd=tmp_path)
    assert said.returncode == 2
    assert "li3ocl-glass" in said.stderr
    assert list(tmp_path.iterdir()) == []


def test_no_profile_of_that_name(tmp_path: Path) -> None:
    said = vitrolyte("run", "li3ocl-glass", "--profile", "qick", cwd=tmp_path)
    assert said.returncode == 2
    assert "quick" in said.stderr


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("a file where a folder should be")
    said = vitrolyte("run", "li3ocl-glass", "--out", str(blocked / "out"))
    assert said.returncode == 1
    assert "writable" in said.stderr
    assert "Traceback" not in said.stderr


def test_a_folder_that_another_run_holds(tmp_path: Path) -> None:
    from vitrolyte.study.store import claimed

    with claimed(tmp_path):
        said = vitrolyte("run", "li3ocl-glass", "--out", str(tmp_path))
    assert said.returncode == 1
    assert "another run" in said.stderr


def test_a_folder_that_holds_no_result(tmp_path: Path) -> None:
    said = vitrolyte("table", str(tmp_path))
    assert said.returncode == 2
    assert "observations.csv" in said.stderr


def test_usage_errors_are_status_two() -> None:
    assert vitrolyte("run").returncode == 2
    assert vitrolyte("nonsense").returncode == 2


def test_an_interrupt_says_how_to_go_on(tmp_path: Path) -> None:
    study = tmp_path / "tiny.toml"
    study.write_text(TINY)
    words = ["run", str(study), "--out", str(tmp_path / "out")]
    command = [sys.executable, "-c", INTERRUPTIBLE, *words]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        for line in process.stderr:  # interrupt once an engine is at work
            if "start  melt" in line:
                break
        process.send_signal(signal.SIGINT)
        rest = process.stderr.read()
    assert process.returncode == 130
    assert "goes on from here" in rest
    assert "Traceback" not in rest
