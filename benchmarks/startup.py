"""How long a command takes to greet the user."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from functools import partial
from pathlib import Path

from benchmarks.race import Contestant, Race, Work, timed


def races(*, tiny: bool) -> tuple[Race, ...]:
    """Return the start-up race."""
    program = str(Path(sysconfig.get_path("scripts"), "vitrolyte"))
    contestants = (
        Contestant("vitrolyte --help", partial(_start, program, "--help")),
        Contestant("python -c pass", partial(_start, sys.executable, "-c", "pass")),
        Contestant("python, import numpy", _imports("numpy")),
        *(
            Contestant(f"python, import {module}", _imports(module), package=package)
            for module, package in _peers(tiny=tiny)
        ),
    )
    rounds = 2 if tiny else 15
    return (Race("Start-up", "s", "exit status", contestants, rounds),)


def _peers(*, tiny: bool) -> tuple[tuple[str, str], ...]:
    if tiny:
        return ()
    return (
        ("MDAnalysis", "MDAnalysis"),
        ("kinisi.analyze", "kinisi"),
        ("dynasor", "dynasor"),
        ("freud", "freud-analysis"),
    )


def _imports(module: str) -> partial[Work]:
    return partial(_start, sys.executable, "-c", f"import {module}")


def _start(*words: str) -> Work:
    return timed(lambda: float(_run(words)))


def _run(words: tuple[str, ...]) -> int:
    done = subprocess.run(words, check=False, capture_output=True)
    if b"ModuleNotFoundError" in done.stderr:
        raise ImportError(words[-1].removeprefix("import "))
    done.check_returncode()
    return done.returncode
