"""The errors of the whole package, one small tree.

::

    VitrolyteError
    ├── InputError (ValueError)        the user can mend it; exit status 2
    │   ├── UnitError                  a unit that is unknown or does not fit
    │   └── MissingExtra (ImportError) an optional part is not installed
    ├── MachineError (RuntimeError)    the machine's fault: disk, MPI, a program that died
    │   ├── StorageError               disk full, folder read-only or busy
    │   └── EngineError                an engine stopped; keeps its folder and the end of its log
    │       └── Breach                 a watcher stopped a run: which atoms and when
    └── NotConverged (RuntimeError)    a procedure that must converge did not

Each message says what is required, what was received and what to do.
"""

from __future__ import annotations

from pathlib import Path


class VitrolyteError(Exception):
    """Root of all errors that this package raises on purpose.

    Parameters
    ----------
    required
        What the program needs, as a full sentence without the final stop.
    received
        What came instead.
    remedy
        What the user can do about it.
    """

    exit_status = 1

    def __init__(self, required: str, *, received: str = "", remedy: str = "") -> None:
        self.required = required
        self.received = received
        self.remedy = remedy
        super().__init__(self.message())

    def message(self) -> str:
        """Return the one readable message: required, received, remedy."""
        parts = [_sentence(self.required)]
        if self.received:
            parts.append("Received: " + _sentence(self.received))
        if self.remedy:
            parts.append("Remedy: " + _sentence(self.remedy))
        return " ".join(parts)


def _sentence(text: str) -> str:
    """End a text with one stop, or with its own question mark."""
    return text if text.endswith("?") else text.rstrip(".") + "."


class InputError(VitrolyteError, ValueError):
    """Bad input that the user can mend."""

    exit_status = 2


class UnitError(InputError):
    """A unit that is unknown or that does not fit the quantity."""


class MissingExtra(InputError, ImportError):
    """An optional part is asked for but not installed."""


class MachineError(VitrolyteError, RuntimeError):
    """A fault of the machine or of a program on it."""


class StorageError(MachineError):
    """The disk is full, or a folder is read-only or in use."""


class EngineError(MachineError):
    """An engine stopped without finishing its work.

    Parameters
    ----------
    folder
        Where the engine ran; its log stays there.
    log_tail
        The last lines of that log.
    """

    def __init__(
        self,
        required: str,
        *,
        received: str = "",
        remedy: str = "",
        folder: Path | None = None,
        log_tail: str = "",
    ) -> None:
        self.folder = folder
        self.log_tail = log_tail
        super().__init__(required, received=received, remedy=remedy)


class Breach(EngineError):
    """A watcher stopped a run at the first sign that it left physical ground.

    Parameters
    ----------
    time_ps
        Simulated time of the breach, ps from the start of the segment.
    atoms
        Indices (from 0) of the atoms concerned; empty where none in particular.
    """

    def __init__(
        self,
        required: str,
        *,
        received: str = "",
        remedy: str = "",
        folder: Path | None = None,
        time_ps: float = 0.0,
        atoms: tuple[int, ...] = (),
    ) -> None:
        self.time_ps = time_ps
        self.atoms = atoms
        super().__init__(required, received=received, remedy=remedy, folder=folder)


class NotConverged(VitrolyteError, RuntimeError):
    """A procedure that has to converge did not, within the effort allowed."""
