"""Progress of a study: a bar with the time left in a terminal, plain lines otherwise."""

from __future__ import annotations

import abc
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TextIO

from typing_extensions import override

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress
    from rich.progress import TaskID


@dataclass(frozen=True)
class Meter:
    """Work done, work in all, and the time left that follows from the pace so far.

    Attributes
    ----------
    total
        Weight of all tasks that are to be computed now.
    done
        Weight done so far, parts of running tasks included.
    seconds
        Time since the start.
    """

    total: float
    done: float
    seconds: float

    @property
    def fraction(self) -> float:
        """Return the finished fraction."""
        return min(1.0, self.done / self.total) if self.total > 0 else 1.0

    @property
    def seconds_left(self) -> float | None:
        """Return the estimate of the time left, or None before there is a pace."""
        if self.done <= 0 or self.seconds < 2:
            return None
        return self.seconds * (self.total - self.done) / self.done


def spoken(seconds: float | None) -> str:
    """Return a time as people say it: ``3 min 20 s``."""
    if seconds is None:
        return "estimating"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


class Reporter(abc.ABC):
    """Is told what happens; may be called from several threads."""

    @abc.abstractmethod
    def started(self, label: str) -> None:
        """Take note that a task began."""

    @abc.abstractmethod
    def advanced(self, label: str, fraction: float, meter: Meter) -> None:
        """Take note that a task moved on."""

    @abc.abstractmethod
    def finished(self, label: str, seconds: float, meter: Meter) -> None:
        """Take note that a task ended."""

    @abc.abstractmethod
    def noted(self, text: str) -> None:
        """Say something that the user should know."""

    @abc.abstractmethod
    def close(self) -> None:
        """Take the bars down."""


@dataclass
class Lines(Reporter):
    """One plain line for each start and end, and one now and then between."""

    stream: TextIO = field(default_factory=lambda: sys.stderr)
    every_seconds: float = 20.0
    _said: float = field(default=0.0, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    def _say(self, text: str) -> None:
        with self._lock:
            print(text, file=self.stream, flush=True)
            self._said = time.monotonic()

    @override
    def started(self, label: str) -> None:
        self._say(f"start  {label}")

    @override
    def advanced(self, label: str, fraction: float, meter: Meter) -> None:
        if time.monotonic() - self._said > self.every_seconds:
            left = spoken(meter.seconds_left)
            self._say(f"       {label} {fraction:.0%}; all {meter.fraction:.0%}, left {left}")

    @override
    def finished(self, label: str, seconds: float, meter: Meter) -> None:
        left = f"; all {meter.fraction:.0%}, left {spoken(meter.seconds_left)}"
        self._say(f"done   {label} in {spoken(seconds)}{left}")

    @override
    def noted(self, text: str) -> None:
        self._say(f"note   {text}")

    @override
    def close(self) -> None:
        """Nothing to take down."""


@dataclass
class Bars(Reporter):
    """A bar for the whole and one for each running task."""

    _rich: RichProgress = field(init=False)
    _whole: TaskID = field(init=False)
    _rows: dict[str, TaskID] = field(default_factory=dict, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    def __post_init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
        from rich.progress import Progress as RichProgress

        columns: tuple[Any, ...] = (
            TextColumn("{task.description:<26}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f}%"),
            TimeElapsedColumn(),
            TextColumn("{task.fields[left]}"),
        )
        self._rich = RichProgress(*columns, console=Console(stderr=True), transient=True)
        self._whole = self._rich.add_task("whole study", total=1.0, left="")
        self._rich.start()

    def _update_whole(self, meter: Meter) -> None:
        left = f"left {spoken(meter.seconds_left)}"
        self._rich.update(self._whole, completed=meter.fraction, left=left)

    @override
    def started(self, label: str) -> None:
        with self._lock:
            self._rows[label] = self._rich.add_task(f"  {label}", total=1.0, left="")

    @override
    def advanced(self, label: str, fraction: float, meter: Meter) -> None:
        with self._lock:
            self._rich.update(self._rows[label], completed=fraction)
            self._update_whole(meter)

    @override
    def finished(self, label: str, seconds: float, meter: Meter) -> None:
        with self._lock:
            self._rich.remove_task(self._rows.pop(label))
            self._rich.console.print(f"  [green]✓[/] {label} [dim]{spoken(seconds)}[/]")
            self._update_whole(meter)

    @override
    def noted(self, text: str) -> None:
        self._rich.console.print(f"  {text}", markup=False)

    @override
    def close(self) -> None:
        self._rich.stop()


def reporter_for(stream: TextIO) -> Reporter:
    """Return bars for a terminal, plain lines for anything else."""
    return Bars() if stream.isatty() else Lines(stream)


@dataclass
class Tally:
    """Adds up the weights of tasks into a meter; safe to use from several threads."""

    weights: Mapping[str, float]
    _fractions: dict[str, float] = field(default_factory=dict, init=False)
    _start: float = field(default_factory=time.monotonic, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    def at(self, label: str, fraction: float) -> Meter:
        """Take note of a task's finished fraction and return the meter."""
        with self._lock:
            self._fractions[label] = fraction
            done = sum(self.weights[key] * part for key, part in self._fractions.items())
        return Meter(sum(self.weights.values()), done, time.monotonic() - self._start)
