"""Runs of the tiny study as a user starts them, and as a power cut ends them."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

TINY = Path(__file__).with_name("tiny.toml")
PROGRAM = [sys.executable, "-m", "vitrolyte"]


def run(out: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [*PROGRAM, "run", str(TINY), "--out", str(out), *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)


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
