"""Contestants measured turn by turn, so that a busy machine hurts all of them alike."""

from __future__ import annotations

import atexit
import contextlib
import shutil
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Shot:
    """One measurement.

    Attributes
    ----------
    value
        What is compared: seconds, megabytes.
    answer
        What the program found, so that a reader sees that all did the same work.
    """

    value: float
    answer: float


Work = Callable[[], Shot]


@dataclass(frozen=True)
class Contestant:
    """A program with the same job as the others.

    Attributes
    ----------
    name
        Program and function.
    prepare
        Imports it, hands it the input in its own form (neither is measured), and returns the work.
    package
        What to install where it is missing; empty for our own.
    """

    name: str
    prepare: Callable[[], Work]
    package: str = ""


@dataclass(frozen=True)
class Race:
    """The same job for several programs; the first is ours.

    Attributes
    ----------
    job
        What is done, on what input.
    unit
        Of the figures on the page.
    answer
        What the answers are.
    contestants
        Ours first.
    rounds
        Measured turns of each.
    per
        Number by which a measured value is divided for the page.
    idle_turn
        Whether everybody first has a turn that does not count (compilation, caches).
    """

    job: str
    unit: str
    answer: str
    contestants: tuple[Contestant, ...]
    rounds: int
    per: float = 1.0
    idle_turn: bool = True


@dataclass(frozen=True)
class Standing:
    """How one contestant did.

    Attributes
    ----------
    name
        Who.
    values
        One for each round; empty where it could not take part.
    ratios
        Its value over ours in the same round.
    answer
        What it found.
    note
        Why it did not take part.
    """

    name: str
    values: tuple[float, ...] = ()
    ratios: tuple[float, ...] = ()
    answer: float = float("nan")
    note: str = ""

    @property
    def median(self) -> float:
        """Return the middle of the values."""
        return statistics.median(self.values)


def timed(work: Callable[[], float]) -> Work:
    """Return work that is measured by its wall time, s."""

    def measured() -> Shot:
        start = time.perf_counter()
        answer = work()
        return Shot(time.perf_counter() - start, answer)

    return measured


def workspace() -> Path:
    """Return an empty folder that lasts until the program ends."""
    folder = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def run(race: Race) -> tuple[Standing, ...]:
    """Return how everybody did, in the order of the race."""
    shots: dict[str, list[Shot]] = {one.name: [] for one in race.contestants}
    absent: dict[str, str] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ready = {one.name: work for one in race.contestants if (work := _ready(one, absent))}
        for turn in range(-race.idle_turn, race.rounds):
            for one in race.contestants:
                if one.name not in absent:
                    _take_turn(one, ready[one.name], shots[one.name] if turn >= 0 else [], absent)
    ours = shots[race.contestants[0].name]
    return tuple(
        Standing(one.name, note=absent[one.name])
        if one.name in absent
        else _standing(one.name, shots[one.name], ours, race)
        for one in race.contestants
    )


def _ready(one: Contestant, absent: dict[str, str]) -> Work | None:
    with _absence(one, absent):
        return one.prepare()
    return None


def _take_turn(one: Contestant, work: Work, shots: list[Shot], absent: dict[str, str]) -> None:
    with _absence(one, absent):
        shots.append(work())


@contextlib.contextmanager
def _absence(one: Contestant, absent: dict[str, str]) -> Iterator[None]:
    """Note that a peer is not installed; a missing part of our own is a fault."""
    try:
        yield
    except ImportError as missing:
        if not one.package:
            raise
        absent[one.name] = f"not installed ({missing}): pip install {one.package}"


def _standing(name: str, shots: Sequence[Shot], ours: Sequence[Shot], race: Race) -> Standing:
    return Standing(
        name,
        values=tuple(shot.value / race.per for shot in shots),
        ratios=tuple(shot.value / own.value for shot, own in zip(shots, ours, strict=True)),
        answer=shots[-1].answer,
    )
