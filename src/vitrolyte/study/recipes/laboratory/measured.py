"""What every step that fits a measurement has in common: its files, its sample, its conditions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from vitrolyte.data.errors import InputError
from vitrolyte.data.io.files import file_digest
from vitrolyte.data.measurement import Conditions, Measurement
from vitrolyte.data.observation import Observation, Sample
from vitrolyte.data.result import Result
from vitrolyte.study.recipe import RecipeSettings, Work
from vitrolyte.study.settings import SampleSettings


def listed(value: Any) -> Any:
    """Read a text as a list with commas, a bare number as a list of one."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return (value,) if isinstance(value, int | float) else value


Positive = Annotated[float, Field(gt=0)]
PositiveList = Annotated[tuple[Positive, ...], BeforeValidator(listed)]
"""One value for all files, or one for each."""
Words = Annotated[tuple[str, ...], BeforeValidator(listed)]


class MeasuredSettings(RecipeSettings):
    """Files of one kind of measurement.

    Every further setting of a subclass is an option of ``vitrolyte fit KIND``: ``thickness_cm`` is
    ``--thickness-cm``, its description the help.
    """

    files: Annotated[tuple[Path, ...], Field(min_length=1)]
    phase: str = Field("sample", description="Phase of the sample in the table: glass, crystal …")

    def fingerprint(self, study: SampleSettings) -> Mapping[str, str]:
        """Return the digests of the files that are read."""
        del study
        return {f"sha256.{number}": file_digest(path) for number, path in enumerate(self.files)}

    def sample(self, work: Work, temperature_K: float | None = None) -> Sample:
        """Return what was measured."""
        return Sample(work.study.material, work.study.formula, self.phase, temperature_K)


@dataclass(frozen=True, eq=False)
class InstrumentFiles(Result):
    """What was found in files of instruments.

    Attributes
    ----------
    rows
        File and part, format, number of points, conditions, notes; in words.
    """

    rows: tuple[tuple[str, ...], ...]

    def observations(self, sample: Sample) -> tuple[Observation, ...]:
        """Return no rows: a file is where numbers start from."""
        del sample
        return ()


def files_read(measurements: Sequence[Measurement]) -> InstrumentFiles:
    """Return what was found in files, to be shown beside what was made of it."""
    return InstrumentFiles(
        tuple(
            (
                one.name,
                one.format,
                str(len(one.curve)),
                ", ".join(
                    f"{k.replace('_', ' ')} {v:g}" for k, v in one.conditions.known().items()
                ),
                "; ".join(one.notes),
            )
            for one in measurements
        )
    )


def for_each(name: str, values: Sequence[float], count: int) -> tuple[float | None, ...]:
    """Return one value for each of so many measurements: none, one for all, or one for each.

    Raises
    ------
    InputError
        If there is another number of values.
    """
    if len(values) == 0:
        return (None,) * count
    if len(values) == 1:
        return (values[0],) * count
    if len(values) != count:
        raise InputError(
            f"The option --{name.replace('_', '-')} takes one value for all measurements or one "
            "for each",
            received=f"{len(values)} values for {count} measurements",
        )
    return tuple(values)


def conditions_for(count: int, **values: Sequence[float] | float | None) -> tuple[Conditions, ...]:
    """Return the conditions that a user gave, for each of so many measurements.

    Parameters
    ----------
    values
        By name of the condition: nothing, one value for all, or one for each.

    Raises
    ------
    InputError
        If there is another number of values, or one is out of range.
    """
    columns = {name: for_each(name, _as_list(value), count) for name, value in values.items()}
    return tuple(
        Conditions(**{name: column[place] for name, column in columns.items()})
        for place in range(count)
    )


def _as_list(value: Sequence[float] | float | None) -> Sequence[float]:
    if value is None:
        return ()
    return (float(value),) if isinstance(value, int | float) else value
