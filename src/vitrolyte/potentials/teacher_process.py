"""The process of a teacher: bytes to it and from it, each within a time limit."""

from __future__ import annotations

import contextlib
import os
import selectors
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from typing import IO, Any, NoReturn

from vitrolyte.data.errors import EngineError
from vitrolyte.potentials.teacher_worker import packed, unpacked

_TAIL_BYTES = 2000
_READ_BYTES = 2**18
_GRACE_S = 5.0
"""How much longer than its own limit a worker is waited for: it ends itself and says where."""

Message = dict[str, Any]


class WorkerProcess:
    """One running worker; whatever it does, no call takes longer than its limit.

    The worker has a session of its own, so that an interrupt from the keyboard reaches only this
    process, which then ends it.
    """

    def __init__(self, process: subprocess.Popen[bytes], messages: IO[bytes]) -> None:
        self._process = process
        self._messages = messages
        self._received = bytearray()

    @classmethod
    def start(cls, command: Sequence[str], variables: Mapping[str, str]) -> WorkerProcess:
        """Start a worker; raises OSError where the interpreter cannot be started."""
        messages = tempfile.TemporaryFile()  # noqa: SIM115  (closed when the process is stopped)
        try:
            process = subprocess.Popen(
                list(command),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=messages,
                env={**os.environ, **variables},
                start_new_session=True,
            )
        except OSError:
            messages.close()
            raise
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                os.set_blocking(stream.fileno(), False)
        return cls(process, messages)

    def exchange(
        self, request: Message, limit_s: float, *, take: Callable[[Message], None]
    ) -> Message:
        """Send a request and return its last answer; the others go to ``take``.

        The limit holds for each answer; the worker gives a sign of life after each evaluation.

        Raises
        ------
        EngineError
            If the process ended, or was silent for too long.
        """
        self._send(packed(request | {"limit_s": limit_s}), limit_s + _GRACE_S)
        while True:
            answer = self._receive(limit_s + _GRACE_S)
            if not answer.pop("more", False):
                return answer
            if "beat" not in answer:
                take(answer)

    def _send(self, data: bytes, limit_s: float) -> None:
        stream = self._process.stdin
        assert stream is not None
        rest, deadline = memoryview(data), time.monotonic() + limit_s
        while rest:
            self._wait(stream, selectors.EVENT_WRITE, deadline)
            try:
                rest = rest[os.write(stream.fileno(), rest) :]
            except BrokenPipeError:
                self._fail_ended()

    def _receive(self, limit_s: float) -> Message:
        deadline = time.monotonic() + limit_s
        while (end := self._received.find(b"\n")) < 0:
            self._read(deadline)
        line = self._take(end + 1, deadline)
        return unpacked(line, lambda size: self._take(size, deadline))

    def _take(self, size: int, deadline: float) -> bytes:
        while len(self._received) < size:
            self._read(deadline)
        data = bytes(self._received[:size])
        del self._received[:size]
        return data

    def _read(self, deadline: float) -> None:
        stream = self._process.stdout
        assert stream is not None
        self._wait(stream, selectors.EVENT_READ, deadline)
        data = os.read(stream.fileno(), _READ_BYTES)
        if not data:
            self._fail_ended()
        self._received += data

    def _wait(self, stream: IO[bytes], event: int, deadline: float) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(stream, event)
            if not selector.select(max(0.0, deadline - time.monotonic())):
                raise self._fault("it gave no answer in time")

    def _fail_ended(self) -> NoReturn:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=_GRACE_S)
        raise self._fault(f"its process ended with status {self._process.poll()}")

    def _fault(self, reason: str) -> EngineError:
        return EngineError("A teacher has to answer", received=reason, log_tail=self.last_words())

    def last_words(self) -> str:
        """Return the end of what the worker wrote to its standard error."""
        # read at a place of our own: the worker shares the file's position
        size = os.fstat(self._messages.fileno()).st_size
        place = max(0, size - _TAIL_BYTES)
        words = os.pread(self._messages.fileno(), _TAIL_BYTES, place)
        return words.decode("utf-8", errors="replace").strip()

    def stop(self, *, at_once: bool = False) -> None:
        """End the process: it may finish by itself unless ``at_once``."""
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()
        try:
            self._process.wait(timeout=0.0 if at_once else _GRACE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._messages.close()
