"""What is installed, what is missing and the command that installs it."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass

from vitrolyte.data.errors import MachineError
from vitrolyte.potentials import shelf
from vitrolyte.simulate.order import Launch
from vitrolyte.simulate.programs import lammps_program, launcher, mpi_library


@dataclass(frozen=True)
class Finding:
    """One thing looked for.

    Attributes
    ----------
    name
        What it is.
    ok
        Whether it was found.
    needed
        Whether studies fail without it.
    detail
        Where or which; or what to do about its absence.
    """

    name: str
    ok: bool
    needed: bool
    detail: str

    def line(self) -> str:
        """Return the finding as one line of text."""
        mark = "ok     " if self.ok else ("MISSING" if self.needed else "absent ")
        return f"{mark} {self.name}: {self.detail}"


_OPTIONAL = {
    "sevenn": ("SevenNet teacher (labels for new students)", "pip install torch sevenn"),
    "chgnet": ("CHGNet teacher (labels for new students)", "pip install torch chgnet"),
}


def findings() -> tuple[Finding, ...]:
    """Return everything that was looked for, what studies need first."""
    version = ".".join(map(str, sys.version_info[:3]))
    return (
        Finding("Python", sys.version_info >= (3, 11), True, f"{version}; 3.11 or later needed"),
        _located("LAMMPS", lambda: str(lammps_program())),
        _located("MPI library", lambda: str(mpi_library())),
        _located("MPI launcher", lambda: launcher(Launch())[0]),
        _shelf(),
        Finding("processors", True, False, f"{os.cpu_count()} here; use --workers and --processes"),
        *(_module(name, *words) for name, words in _OPTIONAL.items()),
        _browser(),
    )


def _located(name: str, find: Callable[[], str]) -> Finding:
    try:
        return Finding(name, True, True, find())
    except MachineError as fault:
        return Finding(name, False, True, fault.remedy or fault.required)


def _shelf() -> Finding:
    names = shelf.available()
    listed = ", ".join(names) or "none; install the package anew"
    return Finding("potentials", bool(names), True, listed)


def _module(name: str, what: str, remedy: str) -> Finding:
    found = importlib.util.find_spec(name) is not None
    return Finding(what, found, False, "installed" if found else remedy)


def _browser() -> Finding:
    found = shutil.which("chromium")
    detail = found or "only the page's own tests need it: apt-get install chromium chromium-driver"
    return Finding("Chromium", found is not None, False, detail)
