"""What a balance, a calliper, a pycnometer and a row of liquids say of one sample."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from vitrolyte.data.errors import InputError

Floats = NDArray[np.float64]

_LEAST, _MOST = 1e-12, 1e12
"""What a reading may be in any unit; beyond, the file is damaged."""


@dataclass(frozen=True, eq=False)
class Repeats:
    """Base of repeated readings: arrays of one common length, every number above zero.

    Raises
    ------
    InputError
        If there is no reading, the lengths differ, or a reading is not a number above zero.
    """

    def __post_init__(self) -> None:
        arrays = {f.name: getattr(self, f.name) for f in fields(self)}
        numbers = {n: a for n, a in arrays.items() if isinstance(a, np.ndarray) and a.dtype != bool}
        lengths = {len(array) for array in numbers.values()}
        if len(lengths) != 1 or 0 in lengths:
            raise InputError(
                "Repeated readings need one common number of rows, one at least",
                received=", ".join(f"{len(array)} of {name}" for name, array in numbers.items()),
            )
        for name, array in numbers.items():
            possible = (array > _LEAST) & (array < _MOST)
            if not np.all(possible):
                raise InputError(
                    f"The readings of {name.replace('_', ' ')} have to be numbers above zero",
                    received=f"{array[~possible][0]:g}",
                )


@dataclass(frozen=True, eq=False)
class Dimensions(Repeats):
    """A cylinder: mass, thickness and diameter, (n,) each."""

    mass_g: Floats
    thickness_cm: Floats
    diameter_cm: Floats


@dataclass(frozen=True, eq=False)
class Immersions(Repeats):
    """Apparent masses in air (or another gas) and in a liquid, and the liquid's temperature."""

    in_air_g: Floats
    in_liquid_g: Floats
    liquid_K: Floats


@dataclass(frozen=True, eq=False)
class GasExpansions(Repeats):
    """Gauge pressures of a gas pycnometer before and after the expansion, in any one unit."""

    before: Floats
    after: Floats


@dataclass(frozen=True, eq=False)
class GasCycles(Repeats):
    """Volumes that a gas pycnometer printed, one of each cycle."""

    volume_cm3: Floats


@dataclass(frozen=True, eq=False)
class Fillings(Repeats):
    """Masses of a liquid pycnometer: empty, with sample, with both, with liquid alone, (n,)."""

    empty_g: Floats
    with_sample_g: Floats
    with_both_g: Floats
    with_liquid_g: Floats


@dataclass(frozen=True, eq=False)
class FloatTests(Repeats):
    """Liquids of known density, and whether the sample sank, hovered or floated in each.

    Attributes
    ----------
    liquid_g_per_cm3
        (n,).
    behaviour
        (n,), -1 where it sank, 0 where it hovered, 1 where it floated.
    """

    liquid_g_per_cm3: Floats
    behaviour: tuple[int, ...]

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.behaviour) != len(self.liquid_g_per_cm3) or set(self.behaviour) - {-1, 0, 1}:
            raise InputError(
                "Each liquid needs to be one in which the sample sank, hovered or floated",
                received=f"{self.behaviour}",
            )


Readings = Dimensions | Immersions | GasExpansions | GasCycles | Fillings | FloatTests
