"""Teachers: universal potentials that run in an interpreter of their own, behind a pipe."""

from __future__ import annotations

import hashlib
import logging
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import numpy.typing as npt

from vitrolyte.data.errors import EngineError, InputError
from vitrolyte.potentials.teacher_process import Message, WorkerProcess

Array = npt.NDArray[np.float64]
WORKER = Path(__file__).with_name("teacher_worker.py")
log = logging.getLogger(__name__)

_TRIALS = 2
_LARGEST_ENERGY_PER_ATOM = 1e6
"""eV; total energies with all electrons reach 1e5 eV per atom for the heaviest elements."""

_NET_FORCE_RATIO, _NET_FORCE = 0.02, 2e-3
"""Net force per atom over the mean size of a force, and in eV/Å: single precision rounds less."""


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
class Patience:
    """How long a teacher may be silent before it counts as hung.

    Attributes
    ----------
    start_s
        Until its weights are loaded.
    base_s, per_atom_s
        For one evaluation of energy and forces: ``base_s + per_atom_s * n_atoms``. The default of
        1 s per atom is about 30 times what the slowest shipped teacher takes on two cores.
    """

    start_s: float = 600.0
    base_s: float = 120.0
    per_atom_s: float = 1.0

    def of(self, n_atoms: int) -> float:
        """Return the limit of one evaluation, s."""
        return self.base_s + self.per_atom_s * n_atoms


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
    device
        ``auto`` (a GPU where the teacher sees one), ``cpu``, ``cuda`` ...
    device_argument
        Keyword of the class that takes the device; empty where it has none.
    elements
        Elements that it was trained on, where that is known beforehand; what the calculator
        itself says narrows them further.
    patience
        When a silent teacher counts as hung.
    """

    name: str
    calculator: str
    arguments: Mapping[str, Any]
    python: Path
    threads: int
    citation: str
    device: str = "auto"
    device_argument: str = ""
    elements: tuple[str, ...] = ()
    patience: Patience = field(default_factory=Patience)

    @property
    def keywords(self) -> dict[str, Any]:
        """Return the keyword arguments of the class, with the device where one is chosen."""
        if self.device == "auto":
            return dict(self.arguments)
        if not self.device_argument:
            raise InputError(
                f"The calculator of the teacher {self.name} takes no device from here",
                received=f"device {self.device!r}",
                remedy="give it among the arguments of the calculator",
            )
        return {**self.arguments, self.device_argument: self.device}


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
    """A teacher behind its pipe; use it in a ``with`` block, which starts and ends the process.

    A process that dies or hangs is started anew and asked once more; if that fails as well, the
    structure is saved in ``failures`` (a new folder for temporary files where none is given).
    """

    def __init__(self, spec: TeacherSpec, *, failures: Path | None = None) -> None:
        self.spec = spec
        self._failures = failures
        self._process: WorkerProcess | None = None
        self._open = False
        self._elements = spec.elements
        self._device = ""

    def __enter__(self) -> Teacher:
        """Start the teacher's interpreter and load its weights."""
        self._open = True
        try:
            self._load()
        except BaseException:
            self._end(at_once=True)
            self._open = False
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the teacher's process, at once where something went wrong."""
        self._open = False
        self._end(at_once=kind is not None)

    @property
    def elements(self) -> tuple[str, ...]:
        """Return the elements that the teacher knows; empty where it does not tell."""
        return self._elements

    @property
    def device(self) -> str:
        """Return the device that the calculator says it runs on; empty where it does not tell."""
        return self._device

    def label(self, snapshot: Snapshot) -> Label:
        """Evaluate energy, forces and stress of one snapshot.

        Raises
        ------
        InputError
            An element is outside the teacher's.
        EngineError
            The teacher refused, died or hung twice, or answered with what no atoms can have: a
            number that is not finite, forces that do not add up to zero, a senseless energy. The
            message names the file that holds the structure.
        """
        return self._label(self._ask({"do": "label"}, snapshot, []), snapshot)

    def labels(self, snapshots: Iterable[Snapshot]) -> Iterator[Label]:
        """Evaluate many snapshots, each label handed over as soon as it is there.

        Raises
        ------
        InputError, EngineError
            As for `label`.
        """
        for snapshot in snapshots:
            yield self.label(snapshot)

    def relax(self, snapshot: Snapshot, *, cell_too: bool = True, steps: int = 300) -> Example:
        """Relax a snapshot to forces below 0.01 eV/Å, and its cell where asked.

        Raises
        ------
        InputError, EngineError
            As for `label`.
        """
        request = {"do": "relax", "cell_too": cell_too, "force_limit": 0.01, "steps": steps}
        return self._example(self._ask(request, snapshot, []), snapshot, "crystal")

    def run(self, snapshot: Snapshot, run: TeacherRun, *, phase: str = "melt") -> list[Example]:
        """Run molecular dynamics from a snapshot and return the frames kept, labelled.

        Raises
        ------
        InputError, EngineError
            As for `label`.
        """
        frames: list[Message] = []
        self._ask({"do": "md"} | vars(run), snapshot, frames)
        return [self._example(frame, snapshot, phase) for frame in frames]

    # -- one question ---------------------------------------------------------------------------

    def _ask(self, request: Message, snapshot: Snapshot, frames: list[Message]) -> Message:
        if not self._open:
            raise EngineError("A teacher that was started", received="a closed one")
        require_known(snapshot.species, self._elements, teacher=self.spec.name)
        whole = request | {
            "species": list(snapshot.species),
            "positions": np.asarray(snapshot.positions, dtype=float),
            "cell": np.asarray(snapshot.cell, dtype=float),
        }
        for trial in range(1, _TRIALS + 1):
            frames.clear()
            try:
                answer = self._exchange(whole, self._limit(snapshot), frames)
                break
            except EngineError as fault:
                self._end(at_once=True)
                if trial == _TRIALS:
                    raise self._failure(f"{fault.received}, twice", snapshot, fault) from fault
                log.warning("the teacher %s is started anew: %s", self.spec.name, fault.received)
        if "error" in answer:
            raise self._failure(answer["error"], snapshot)
        return answer

    def _limit(self, snapshot: Snapshot) -> float:
        return self.spec.patience.of(len(snapshot.species))

    def _exchange(self, request: Message, limit_s: float, frames: list[Message]) -> Message:
        if self._process is None:
            self._load()
        assert self._process is not None
        return self._process.exchange(request, limit_s, take=frames.append)

    def _failure(
        self, received: str, snapshot: Snapshot, fault: EngineError | None = None
    ) -> EngineError:
        tail = fault.log_tail if fault is not None else ""
        return EngineError(
            f"The teacher {self.spec.name} has to evaluate {len(snapshot.species)} atoms "
            f"within {self._limit(snapshot):.0f} s",
            received=received + (f"; last words: {tail}" if tail else ""),
            remedy=f"the structure is in {self._save(snapshot)}; labels already bought are kept",
            log_tail=tail,
        )

    def _save(self, snapshot: Snapshot) -> Path:
        from ase import Atoms
        from ase.io import write

        folder = self._failures or Path(tempfile.mkdtemp(prefix="vitrolyte-teacher-"))
        content = snapshot.positions.tobytes() + snapshot.cell.tobytes()
        path = folder / f"{self.spec.name}-{hashlib.sha256(content).hexdigest()[:8]}.xyz"
        atoms = Atoms(list(snapshot.species), snapshot.positions, cell=snapshot.cell, pbc=True)
        # a full disk must not hide why the structure was to be saved
        with suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
            write(path, atoms, format="extxyz")
        return path

    def _label(self, answer: Message, snapshot: Snapshot) -> Label:
        label = Label(float(answer["energy"]), answer["forces"], answer["stress"])
        nonsense = objection(label, len(snapshot.species))
        if nonsense:
            raise self._failure(nonsense, snapshot)
        return label

    def _example(self, answer: Message, start: Snapshot, phase: str) -> Example:
        moved = Snapshot(start.species, answer["positions"], answer["cell"])
        return Example(moved, self._label(answer, moved), phase)

    # -- the process ----------------------------------------------------------------------------

    def _load(self) -> None:
        threads = self.spec.threads
        names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS") if threads else ()
        command = [str(self.spec.python), "-W", "ignore", str(WORKER)]
        request = {
            "do": "load",
            "calculator": self.spec.calculator,
            "arguments": self.spec.keywords,
            "threads": threads,
        }
        try:
            self._process = WorkerProcess.start(command, dict.fromkeys(names, str(threads)))
        except OSError as error:
            raise InputError(
                "A Python interpreter that has the teacher installed",
                received=f"{self.spec.python} ({error})",
                remedy="name it with --teacher-python",
            ) from error
        self._meet(self._process.exchange(request, self.spec.patience.start_s, take=_ignore))

    def _meet(self, answer: Message) -> None:
        if "error" in answer:
            words = self._process.last_words() if self._process is not None else ""
            raise EngineError(
                f"The teacher {self.spec.name} has to load in {self.spec.python}",
                received=answer["error"],
                remedy="name an interpreter that has it with --teacher-python; "
                "`vitrolyte doctor` says what is installed",
                log_tail=words,
            )
        self._device = str(answer["device"])
        own = tuple(str(symbol) for symbol in answer["elements"])
        known = self.spec.elements
        self._elements = tuple(e for e in known if e in own) if known and own else known or own

    def _end(self, *, at_once: bool) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.stop(at_once=at_once)


def _ignore(message: Message) -> None:
    del message


def require_known(
    species: Iterable[str], elements: tuple[str, ...], *, teacher: str = "teacher"
) -> None:
    """Raise unless every species is among a teacher's elements; an empty table allows all.

    Raises
    ------
    InputError
        Naming the strangers and the elements that the teacher covers.
    """
    strangers = sorted(set(species) - set(elements)) if elements else []
    if strangers:
        raise InputError(
            f"The teacher {teacher} covers {' '.join(elements)}",
            received=f"a structure with {' '.join(strangers)}",
            remedy="choose a teacher that covers these elements",
        )


def processors() -> int:
    """Return the number of processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@contextmanager
def team(
    spec: TeacherSpec, workers: int, *, failures: Path | None = None
) -> Iterator[tuple[Teacher, ...]]:
    """Start several processes of a teacher, which share the processors among them.

    Parameters
    ----------
    spec
        The teacher; where it leaves the threads open, each gets processors / workers.
    workers
        Number of processes.
    failures
        As for `Teacher`.
    """
    if spec.threads == 0:
        spec = replace(spec, threads=max(1, processors() // workers))
    with ExitStack() as stack:
        yield tuple(stack.enter_context(Teacher(spec, failures=failures)) for _ in range(workers))


def objection(label: Label, n_atoms: int) -> str:
    """Return why no atoms can have a label, or an empty text.

    It must be finite and of the right shapes, its energy within 1e6 eV per atom, and its forces
    must add up to zero (2 % of a mean force and 2 meV/Å per atom are allowed for rounding).
    """
    shapes = (label.forces.shape, label.stress.shape)
    if shapes != ((n_atoms, 3), (3, 3)):
        return f"forces and stress of shapes {shapes} for {n_atoms} atoms"
    if not (np.isfinite(label.energy) and np.isfinite(label.stress).all()):
        return f"energy {label.energy} eV, stress {label.stress.tolist()}"
    lost = np.flatnonzero(~np.isfinite(label.forces).all(axis=1))
    if len(lost):
        return f"forces that are not finite, first on atom {lost[0]}"
    if abs(label.energy) > _LARGEST_ENERGY_PER_ATOM * n_atoms:
        return f"{label.energy / n_atoms:.3g} eV per atom"
    net = float(np.linalg.norm(label.forces.sum(axis=0))) / n_atoms
    if net > _NET_FORCE + _NET_FORCE_RATIO * float(np.linalg.norm(label.forces, axis=1).mean()):
        return f"forces that add up to {net:.3g} eV/Å per atom instead of zero"
    return ""


def is_sane(label: Label, force_limit: float) -> bool:
    """Say whether a label is finite and no force exceeds the limit, eV/Å.

    Teachers return nonsense for overlapping atoms; such labels poison a fit.
    """
    finite = bool(np.isfinite(label.energy) and np.isfinite(label.forces).all())
    return finite and float(np.linalg.norm(label.forces, axis=1).max()) <= force_limit
