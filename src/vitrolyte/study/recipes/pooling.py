"""Rows of several replicas made into one row each."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from vitrolyte.data.observation import Observation, Sample, computed
from vitrolyte.data.quantity import Quantity
from vitrolyte.data.result import Result
from vitrolyte.data.trajectory import Trajectory
from vitrolyte.infer.pool import pool
from vitrolyte.study.comparison import LOGARITHMIC
from vitrolyte.study.recipe import Output, Product, Work

Look = Callable[[Trajectory, Sample], tuple[Result, ...]]


@dataclass(frozen=True)
class PooledRow:
    """One pooled number and what it is: a word of the vocabulary, species or pair, method."""

    quantity: str
    of: str
    method: str
    temperature_K: float | None
    number: Quantity


@dataclass(frozen=True, eq=False)
class Pooled(Result):
    """Numbers of a sample, each pooled over its replicas.

    Attributes
    ----------
    replicas
        How many runs went in at each temperature.
    rows
        The numbers.
    """

    replicas: int
    rows: tuple[PooledRow, ...]

    def observations(self, sample: Sample) -> tuple[Observation, ...]:
        """Return one row for each number."""
        return tuple(
            computed(
                replace(sample, temperature_K=row.temperature_K),
                row.quantity,
                row.number,
                of=row.of,
                method=row.method,
            )
            for row in self.rows
        )

    def find(self, quantity: str, of: str, method: str) -> list[tuple[float, Quantity]]:
        """Return (temperature, number) of one quantity, temperatures rising."""
        found = [
            (row.temperature_K, row.number)
            for row in self.rows
            if (row.quantity, row.of, row.method) == (quantity, of, method)
        ]
        return sorted((t, number) for t, number in found if t is not None)


@dataclass(frozen=True, eq=False)
class Illustration(Result):
    """What was found in one replica, kept for its pictures; its numbers are in the pooled rows.

    Attributes
    ----------
    replica
        Which one.
    results
        Everything found in it.
    """

    replica: int
    results: tuple[Result, ...]

    def observations(self, sample: Sample) -> tuple[Observation, ...]:
        """Return no rows."""
        del sample
        return ()


def looked_at(work: Work, look: Look) -> Output:
    """Return what an instrument finds in each source: rows pooled, pictures of the first.

    Parameters
    ----------
    work
        Its setting ``dynamics`` names the sources.
    look
        The instrument, given a trajectory and what it is a trajectory of.
    """
    sources = work.inputs["dynamics"]
    found: list[tuple[Result, ...]] = []
    for number, source in enumerate(sources):
        found.append(look(source.trajectory(), source.sample))
        work.progress((number + 1) / len(sources))
    first = Illustration(int(sources[0].coordinates.get("replica", 1)), found[0])
    return Output(sources[0].sample, (pooled(sources, found), first))


def quantity_of(row: Observation) -> Quantity:
    """Return the number of a row."""
    low, high, error = (math.nan if x is None else x for x in (row.low, row.high, row.error))
    value = math.nan if row.value is None else row.value
    return Quantity(value, row.unit, error, low, high, row.status, row.note)


def pooled(products: Sequence[Product], results: Iterable[Sequence[Result]]) -> Pooled:
    """Return the rows of several products' results, pooled where they differ by replica only.

    Parameters
    ----------
    products
        The runs.
    results
        What was found in each of them, in the same order.
    """
    groups: dict[tuple[object, ...], list[Observation]] = {}
    for product, found in zip(products, results, strict=True):
        for result in found:
            for row in result.observations(product.sample):
                groups.setdefault(_key(row), []).append(row)
    replicas = {product.coordinates.get("replica", 1.0) for product in products}
    rows = (_pooled_row(rows) for rows in groups.values())
    return Pooled(len(replicas), tuple(one_replica(products, row) for row in rows))


def one_replica(products: Sequence[Product], row: PooledRow) -> PooledRow:
    """Return a row marked provisional where it rests on a single one of possible replicas."""
    replicas = {product.coordinates.get("replica") for product in products}
    if len(replicas) != 1 or None in replicas:
        return row
    doubt = "one replica: the interval leaves out what another melt and quench would give"
    return replace(row, number=row.number.provisional(doubt))


def _key(row: Observation) -> tuple[object, ...]:
    # a method may name a number that was found in this replica (a cut-off)
    return (row.quantity, row.of, re.sub(r"[\d.]+", "#", row.method), row.temperature_K)


def _pooled_row(rows: Sequence[Observation]) -> PooledRow:
    first = rows[0]
    numbers = [quantity_of(row) for row in rows]
    positive = all(number.value > 0 for number in numbers if number.status != "refused")
    number = pool(numbers, logarithmic=first.quantity in LOGARITHMIC and positive)
    return PooledRow(first.quantity, first.of, first.method, first.temperature_K, number)
