"""What is installed, what is missing and the command that installs it."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass

from vitrolyte.data.errors import MachineError, MissingExtra
from vitrolyte.data.io.feff import found_programs
from vitrolyte.potentials import shelf
from vitrolyte.potentials.teacher_catalogue import installed, teacher_named
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


_TEACHERS = {"SevenNet": "7net-0", "CHGNet": "chgnet"}


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
        *(_teacher(title, name) for title, name in _TEACHERS.items()),
        _feff(),
        _h5py(),
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


def _teacher(title: str, name: str) -> Finding:
    found = installed(teacher_named(name))
    state = f"{found.version} in {found.python}" if found.ok else found.remedy
    return Finding(f"{title} teacher (labels for new students)", found.ok, False, state)


def _feff() -> Finding:
    try:
        return Finding("FEFF8L (EXAFS)", True, False, str(found_programs()[0].parent))
    except (MissingExtra, MachineError) as fault:
        return Finding("FEFF8L (EXAFS)", False, False, fault.remedy)


def _h5py() -> Finding:
    found = importlib.util.find_spec("h5py") is not None
    detail = "h5py is installed" if found else "pip install 'vitrolyte[formats]'"
    return Finding("H5MD files", found, False, detail)


def _browser() -> Finding:
    found = shutil.which("chromium")
    detail = found or "only the page's own tests need it: apt-get install chromium chromium-driver"
    return Finding("Chromium", found is not None, False, detail)
