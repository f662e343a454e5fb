"""Text files, read with clear messages and written whole or not at all."""

from __future__ import annotations

import contextlib
import hashlib
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


_WHOLE_BYTES = 256 * 2**20
_PARTS = 64
_PART_BYTES = 2**20


def file_digest(path: Path) -> str:
    """Return a digest of what a file holds, hexadecimal SHA-256.

    Up to 256 MiB all bytes count; of a larger file its size, its date of change and 64 parts of
    one MiB each, spread evenly.

    Raises
    ------
    InputError
        If the file is missing or unreadable.
    """
    try:
        state = path.stat()
        digest = hashlib.sha256(str(state.st_size).encode())
        with path.open("rb") as stream:
            if state.st_size <= _WHOLE_BYTES:
                while block := stream.read(_PART_BYTES):
                    digest.update(block)
                return digest.hexdigest()
            digest.update(str(state.st_mtime_ns).encode())
            for number in range(_PARTS):
                stream.seek((state.st_size - _PART_BYTES) * number // (_PARTS - 1))
                digest.update(stream.read(_PART_BYTES))
    except FileNotFoundError as fault:
        raise InputError(f"The file {path} must exist", received="no such file") from fault
    except OSError as fault:
        raise InputError(f"The file {path} must be readable", received=str(fault)) from fault
    return digest.hexdigest()


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
