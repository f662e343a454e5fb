"""Contestants measured turn by turn, so that a busy machine hurts all of them alike."""

from __future__ import annotations

import statistics
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass


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
    """

    job: str
    unit: str
    answer: str
    contestants: tuple[Contestant, ...]
    rounds: int
    per: float = 1.0


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


def run(race: Race) -> tuple[Standing, ...]:
    """Return how everybody did, after one turn each that does not count (compilation, caches)."""
    ready: list[tuple[Contestant, Work]] = []
    absent: dict[str, str] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for one in race.contestants:
            try:
                work = one.prepare()
                work()
                ready.append((one, work))
            except ImportError as missing:
                if not one.package:
                    raise
                absent[one.name] = f"not installed ({missing}): pip install {one.package}"
        turns = [[work() for _, work in ready] for _ in range(race.rounds)]
    present = {
        one.name: _standing(one.name, [turn[place] for turn in turns], [t[0] for t in turns], race)
        for place, (one, _) in enumerate(ready)
    }
    return tuple(
        present.get(one.name) or Standing(one.name, note=absent[one.name])
        for one in race.contestants
    )


def _standing(name: str, shots: Sequence[Shot], ours: Sequence[Shot], race: Race) -> Standing:
    return Standing(
        name,
        values=tuple(shot.value / race.per for shot in shots),
        ratios=tuple(shot.value / own.value for shot, own in zip(shots, ours, strict=True)),
        answer=shots[-1].answer,
    )
