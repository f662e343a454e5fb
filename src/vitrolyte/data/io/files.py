"""Text files, read with clear messages and written whole or not at all."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from vitrolyte.data.errors import InputError, StorageError


def read_text(path: Path) -> str:
    """Return the UTF-8 text of a file.

    Raises
    ------
    InputError
        If the file is missing, unreadable or not UTF-8 text.
    """
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as fault:
        raise InputError(f"The file {path} must exist", received="no such file") from fault
    except (OSError, UnicodeDecodeError) as fault:
        raise InputError(f"The file {path} must be readable text", received=str(fault)) from fault


@contextlib.contextmanager
def storage(path: Path) -> Iterator[None]:
    """Turn an operating system's refusal to write at ``path`` into one clear message.

    Raises
    ------
    StorageError
        With the reason that the system gave.
    """
    try:
        yield
    except OSError as fault:
        raise StorageError(
            f"The results must be writable at {path}",
            received=fault.strerror or str(fault),
            remedy="free space on the disk, change the permissions, or choose another --out",
        ) from fault


def write_text(path: Path, text: str) -> None:
    """Write a file whole or not at all: to a neighbour first, then renamed.

    Raises
    ------
    StorageError
        If the disk is full or the folder cannot be written.
    """
    with storage(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as stream:
                stream.write(text)
                stream.flush()
                os.fsync(stream.fileno())
            os.chmod(name, 0o644)
            os.replace(name, path)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(name)
            raise
