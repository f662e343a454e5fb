"""One engine process: started under the warden, watched, ended with certainty."""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from vitrolyte.data.errors import EngineError, MachineError, StorageError
from vitrolyte.data.io.files import storage
from vitrolyte.data.io.lammps_log import error_line, tail
from vitrolyte.simulate.order import Launch
from vitrolyte.simulate.programs import command, environment

LOG = "log.lammps"
SCREEN = "screen.txt"
SCRIPT = "in.lammps"

_GRACE_S = 5.0
_NO_SPACE = ("No space left", "quota exceeded", "File size limit exceeded")
_LEAST_FREE_BYTES = 2**20
log = logging.getLogger(__name__)

_ADVICE = {
    "Lost atoms": "the structure or the potential drove atoms out of the cell: shorten the time "
    "step, relax the structure first or lower the temperature",
    "Non-numeric": "forces became infinite: check for overlapping atoms, shorten the time step",
    "Out of range atoms": "atoms moved too far in a step: shorten the time step",
    "Cannot open": "check that the potential's files are there and the folder can be written",
}


@dataclass(frozen=True)
class Engine:
    """A running LAMMPS in its folder."""

    process: subprocess.Popen[bytes]
    folder: Path

    def wait(self, seconds: float) -> bool:
        """Wait at most so long and say whether the engine has ended."""
        try:
            self.process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def stop(self) -> None:
        """End the engine with all its MPI processes."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            if self.process.poll() is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(self.process.pid, number)
                self.wait(_GRACE_S)

    def require_success(self) -> None:
        """Raise unless the engine ended as it should.

        Raises
        ------
        EngineError, StorageError
            With LAMMPS's own reason, the end of its log and the folder.
        """
        if self.process.returncode != 0:
            raise failure(self.folder, f"exit status {self.process.returncode}")


@contextlib.contextmanager
def engine(folder: Path, launch: Launch, *, keep_open: tuple[int, ...] = ()) -> Iterator[Engine]:
    """Run the script in a folder; whatever happens inside, no process outlives the block.

    Parameters
    ----------
    folder
        Where the script lies and LAMMPS works.
    launch
        How processes are started.
    keep_open
        File descriptors that the engine keeps open: a lock lasts as long as the last holder.

    Raises
    ------
    MachineError
        If a program is missing or cannot be started.
    """
    words = command(launch, SCRIPT)
    log.debug("starting %s in %s", " ".join(words), folder)
    with storage(folder):
        (folder / LOG).unlink(missing_ok=True)
        screen = (folder / SCREEN).open("wb")
    with screen:
        running = Engine(
            _start(words, folder, (screen.fileno(), *keep_open), launch=launch), folder
        )
        try:
            yield running
        finally:
            running.stop()


def _start(
    words: list[str], folder: Path, descriptors: tuple[int, ...], *, launch: Launch
) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            words,
            cwd=folder,
            env=environment(launch),
            stdin=subprocess.DEVNULL,
            stdout=descriptors[0],
            stderr=subprocess.STDOUT,
            pass_fds=descriptors[1:],
            start_new_session=True,
        )
    except OSError as fault:
        raise MachineError(
            "LAMMPS must start under its launcher",
            received=f"{' '.join(words)}: {fault.strerror}",
            remedy="run `vitrolyte doctor`",
        ) from fault


def complete(folder: Path, launch: Launch) -> None:
    """Run the script in a folder to its end.

    Raises
    ------
    EngineError
        If LAMMPS fails.
    """
    with engine(folder, launch) as running:
        running.process.wait()
        running.require_success()


def failure(folder: Path, ending: str) -> MachineError:
    """Return the error that says why LAMMPS stopped in a folder, from its log and screen.

    It is a StorageError where the disk is full, else an EngineError.
    """
    texts = [_text(folder / name) for name in (LOG, SCREEN)]
    reason = next(filter(None, map(error_line, texts)), "")
    if _is_full(folder, texts):
        return StorageError(
            f"LAMMPS must be able to write in {folder}",
            received="the disk is full or a quota used up",
            remedy="free space on the disk and run again: it goes on from the last checkpoint",
        )
    end = tail(next(filter(None, texts), ""))
    advice = next(
        (text for word, text in _ADVICE.items() if word in reason), f"read {folder}/{LOG}"
    )
    return EngineError(
        "LAMMPS must finish its work",
        received=reason or f"{ending}; last words: {end[-300:] or 'none'}",
        remedy=advice,
        folder=folder,
        log_tail=end,
    )


def _is_full(folder: Path, texts: list[str]) -> bool:
    said = any(words in text for words in _NO_SPACE for text in texts)
    return said or shutil.disk_usage(folder).free < _LEAST_FREE_BYTES


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
