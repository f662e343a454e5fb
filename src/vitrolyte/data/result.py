"""What an analysis returns: a small frozen class of quantities and curves."""

from __future__ import annotations

import abc
from dataclasses import dataclass
from typing import ClassVar

from vitrolyte.data.errors import InputError
from vitrolyte.data.observation import Observation, Sample


@dataclass(frozen=True, eq=False)
class Result(abc.ABC):
    """Base of every result; subclasses are frozen, final dataclasses beside their analysis.

    The fields of a subclass are Quantities, Curves, CurveSets, Results, plain values, and
    tuples or string-keyed mappings of these. It is registered by its class name, which is how a
    stored result finds its class again.
    """

    registry: ClassVar[dict[str, type[Result]]] = {}

    def __init_subclass__(cls) -> None:
        known = Result.registry.get(cls.__name__)
        if known is not None and known.__module__ != cls.__module__:
            raise InputError(
                "Each result class needs a name of its own",
                received=f"{cls.__name__} in {known.__module__} and {cls.__module__}",
            )
        Result.registry[cls.__name__] = cls

    @abc.abstractmethod
    def observations(self, sample: Sample) -> tuple[Observation, ...]:
        """Return the rows of the single table that this result answers for."""
