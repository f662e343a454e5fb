"""Teachers: universal potentials that run in an interpreter of their own, behind a pipe."""

from __future__ import annotations

import contextlib
import json
import logging
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import numpy.typing as npt

from vitrolyte.data.errors import EngineError, InputError

Array = npt.NDArray[np.float64]
WORKER = Path(__file__).with_name("teacher_worker.py")
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Snapshot:
    """One periodic arrangement of atoms: positions ``(n, 3)`` Å, cell ``(3, 3)`` Å in rows."""

    species: tuple[str, ...]
    positions: Array
    cell: Array

    @property
    def volume(self) -> float:
        """Volume of the cell, Å³."""
        return float(abs(np.linalg.det(self.cell)))


@dataclass(frozen=True)
class Label:
    """What a teacher says: energy eV, forces ``(n, 3)`` eV/Å, stress ``(3, 3)`` eV/Å³.

    Stress is positive in tension: the pressure is minus a third of its trace.
    """

    energy: float
    forces: Array
    stress: Array


@dataclass(frozen=True)
class Example:
    """A labelled snapshot and the phase it stands for (``crystal``, ``melt`` ...)."""

    snapshot: Snapshot
    label: Label
    phase: str


@dataclass(frozen=True)
class TeacherSpec:
    """Which calculator teaches, and where it lives.

    Attributes
    ----------
    name
        Name for origins, cards and the label cache.
    calculator
        ``module:Class`` of an ASE calculator, imported in the teacher's interpreter.
    arguments
        Keyword arguments of that class.
    python
        Interpreter of the teacher's environment.
    threads
        Threads that the teacher may use; 0 leaves it to the teacher.
    citation
        DOI of the teacher.
    """

    name: str
    calculator: str
    arguments: Mapping[str, Any]
    python: Path
    threads: int
    citation: str


@dataclass(frozen=True)
class TeacherRun:
    """A short molecular-dynamics run of a teacher.

    Langevin dynamics at constant volume, or an isotropic Martyna-Tobias-Klein ensemble where a
    pressure is given. Every ``every``-th of ``steps`` is kept.
    """

    temperature_K: float
    steps: int
    every: int
    seed: int
    timestep_fs: float = 2.0
    damping_fs: float = 100.0
    pressure_GPa: float | None = None


class Teacher:
    """A teacher behind its pipe; use it in a ``with`` block, which starts and ends the process."""

    def __init__(self, spec: TeacherSpec) -> None:
        self.spec = spec
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Teacher:
        """Start the teacher's interpreter and load its weights."""
        try:
            self._start()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the teacher's process."""
        self._stop()

    def label(self, snapshot: Snapshot) -> Label:
        """Evaluate energy, forces and stress of one snapshot.

        Raises
        ------
        EngineError
            The teacher died or refused.
        """
        return _label(self._ask(_request("label", snapshot)))

    def relax(self, snapshot: Snapshot, *, cell_too: bool = True, steps: int = 300) -> Example:
        """Relax a snapshot to forces below 0.01 eV/Å, and its cell where asked."""
        request = _request("relax", snapshot)
        answer = self._ask(request | {"cell_too": cell_too, "force_limit": 0.01, "steps": steps})
        return _example(answer, snapshot, "crystal")

    def run(self, snapshot: Snapshot, run: TeacherRun, *, phase: str = "melt") -> list[Example]:
        """Run molecular dynamics from a snapshot and return the frames kept, labelled."""
        answer = self._ask(_request("md", snapshot) | vars(run))
        return [_example(frame, snapshot, phase) for frame in answer["frames"]]

    def _start(self) -> None:
        command = [str(self.spec.python), "-W", "ignore", str(WORKER)]
        try:
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
        except OSError as error:
            raise InputError(
                "A Python interpreter that has the teacher installed",
                received=f"{self.spec.python} ({error})",
                remedy="name it with --teacher-python",
            ) from error
        self._ask(
            {
                "do": "load",
                "calculator": self.spec.calculator,
                "arguments": dict(self.spec.arguments),
                "threads": self.spec.threads,
            }
        )

    def _stop(self) -> None:
        if self._process is None:
            return
        if self._process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self._process.stdin.close()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._process = None

    def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        if self._process is None or self._process.stdin is None or self._process.stdout is None:
            raise EngineError("A teacher that was started", received="a closed one")
        try:
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            raise EngineError(
                f"The teacher {self.spec.name} has to answer",
                received=f"its process ended with status {self._process.poll()}",
                remedy="read its messages above; labels already bought are kept",
            )
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise EngineError(
                f"The teacher {self.spec.name} has to evaluate", received=answer["error"]
            )
        return answer


def is_sane(label: Label, force_limit: float) -> bool:
    """Say whether a label is finite and no force exceeds the limit, eV/Å.

    Teachers return nonsense for overlapping atoms; such labels poison a fit.
    """
    finite = bool(np.isfinite(label.energy) and np.isfinite(label.forces).all())
    return finite and float(np.linalg.norm(label.forces, axis=1).max()) <= force_limit


def _request(action: str, snapshot: Snapshot) -> dict[str, Any]:
    return {
        "do": action,
        "species": list(snapshot.species),
        "positions": snapshot.positions.tolist(),
        "cell": snapshot.cell.tolist(),
    }


def _label(answer: Mapping[str, Any]) -> Label:
    return Label(
        energy=float(answer["energy"]),
        forces=np.asarray(answer["forces"], dtype=float),
        stress=np.asarray(answer["stress"], dtype=float),
    )


def _example(answer: Mapping[str, Any], start: Snapshot, phase: str) -> Example:
    positions: Sequence[Sequence[float]] = answer["positions"]
    moved = Snapshot(
        start.species, np.asarray(positions, dtype=float), np.asarray(answer["cell"], dtype=float)
    )
    return Example(moved, _label(answer), phase)
