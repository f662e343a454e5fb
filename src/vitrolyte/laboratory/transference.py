"""Transference numbers from a polarised cell and the resistances of its interfaces."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vitrolyte.data.errors import InputError
from vitrolyte.data.model import Floats
from vitrolyte.data.observation import Observation, Sample, measured
from vitrolyte.data.quantity import Quantity
from vitrolyte.data.result import Result

_DRAWS = 40_000
_SMALL_V = 0.02
CITATIONS = ("10.1016/0022-0728(87)80001-3", "10.1016/0032-3861(87)90394-6", "10.1021/cm970075a")


@dataclass(frozen=True)
class PolarisedCell:
    """What is measured of a cell with two electrodes of the mobile metal.

    Attributes
    ----------
    voltage_V
        Polarisation ΔV.
    initial_current, steady_current
        I0 and I_ss, A, in the direction of ΔV.
    initial_interface, steady_interface
        Resistances of the interfaces before and after, ohm.
    initial_bulk, steady_bulk
        Resistances of the electrolyte before and after, ohm; None where not known.

    Raises
    ------
    InputError
        If the voltage or a current is not above zero, or a resistance is below it.
    """

    voltage_V: float
    initial_current: Quantity
    steady_current: Quantity
    initial_interface: Quantity
    steady_interface: Quantity
    initial_bulk: Quantity | None = None
    steady_bulk: Quantity | None = None

    def __post_init__(self) -> None:
        above = (self.voltage_V, self.initial_current.value, self.steady_current.value)
        resistances = [one.value for one in self._resistances()]
        if not all(value > 0 for value in above) or not all(r >= 0 for r in resistances):
            raise InputError(
                "A polarised cell needs a voltage and currents above zero and resistances not "
                "below it",
                received=f"{above[0]:g} V, {above[1]:g} A, {above[2]:g} A, {resistances} ohm",
            )

    def _resistances(self) -> list[Quantity]:
        found = (self.initial_interface, self.steady_interface, self.initial_bulk, self.steady_bulk)
        return [one for one in found if one is not None]


@dataclass(frozen=True, eq=False)
class Transference(Result):
    """Transference number of the mobile ion from a polarised cell.

    Attributes
    ----------
    species
        The mobile ion.
    bruce_vincent
        With the resistances of the interfaces.
    with_bulk
        With those of the electrolyte as well (Abraham); refused where they are not known.
    current_ratio
        I_ss / I0, which neglects the interfaces.
    """

    species: str
    bruce_vincent: Quantity
    with_bulk: Quantity
    current_ratio: Quantity

    def observations(self, sample: Sample) -> tuple[Observation, ...]:
        """Return the transference numbers, each with its method."""
        named = (
            (self.bruce_vincent, "Bruce-Vincent-Evans"),
            (self.with_bulk, "Bruce-Vincent-Evans, bulk resistances (Abraham)"),
            (self.current_ratio, "current ratio, interfaces neglected"),
        )
        return tuple(
            measured(sample, "transference_number", number, of=self.species, method=method)
            for number, method in named
        )


def bruce_vincent(cell: PolarisedCell, species: str = "Li", *, seed: int = 0) -> Transference:
    r"""Return the transference number of a cell polarised between electrodes of its metal.

    .. math::

        t_+ = \frac{I_{ss}\,(\Delta V - I_0 R_0)}{I_0\,(\Delta V - I_{ss} R_{ss})}

    with R of the interfaces before and after; with the electrolyte's own resistances the ratio is
    multiplied by R_b,ss / R_b,0. Errors are carried through by draws, normal for each number,
    since a difference in the denominator may come near to zero.

    Parameters
    ----------
    seed
        Of the draws.

    References
    ----------
    Bruce & Vincent, J. Electroanal. Chem. 225, 1 (1987), doi:10.1016/0022-0728(87)80001-3;
    Evans, Vincent & Bruce, Polymer 28, 2324 (1987), doi:10.1016/0032-3861(87)90394-6;
    Abraham, Jiang & Carroll, Chem. Mater. 9, 1978 (1997), doi:10.1021/cm970075a.
    """
    rng = np.random.default_rng(seed)
    i0, iss = (_drawn(one, rng) for one in (cell.initial_current, cell.steady_current))
    r0, rss = (_drawn(one, rng) for one in (cell.initial_interface, cell.steady_interface))
    before, after = cell.voltage_V - i0 * r0, cell.voltage_V - iss * rss
    plain = _judged(_ratio(iss * before, i0 * after), cell)
    return Transference(
        species,
        plain,
        _with_bulk(cell, (iss * before, i0 * after), rng),
        _ratio(iss, i0).provisional("the interfaces are neglected"),
    )


def _drawn(number: Quantity, rng: np.random.Generator) -> Floats:
    """Return draws of a number, the first of which is the number itself."""
    error = number.error if np.isfinite(number.error) else 0.0
    draws = number.value + error * rng.normal(size=_DRAWS)
    draws[0] = number.value
    return np.asarray(draws)


def _ratio(above: Floats, below: Floats) -> Quantity:
    """Return the quantity of a ratio whose first draw is its best estimate."""
    if below[0] <= 0 or above[0] <= 0:
        return Quantity.refused(
            "1", "the voltage over the interfaces is larger than that applied: no number follows"
        )
    if np.mean(below <= 0) > 0.005:
        return Quantity.refused(
            "1", "the voltage left for the electrolyte is not told from zero within its error"
        )
    found = above / below
    low, high = (float(end) for end in np.quantile(found, [0.025, 0.975]))
    error = float(np.std(found[(found >= low) & (found <= high)]) / _TRIMMED)
    return Quantity(float(found[0]), "1", error, low, high)


_TRIMMED = 0.8711
"""Standard deviation of the middle 95 % of a normal distribution, over its own."""


def _with_bulk(
    cell: PolarisedCell, ratio: tuple[Floats, Floats], rng: np.random.Generator
) -> Quantity:
    if cell.initial_bulk is None or cell.steady_bulk is None:
        return Quantity.refused("1", "the resistances of the electrolyte were not given")
    before, after = (_drawn(one, rng) for one in (cell.initial_bulk, cell.steady_bulk))
    return _judged(_ratio(ratio[0] * after, ratio[1] * before), cell)


def _judged(number: Quantity, cell: PolarisedCell) -> Quantity:
    """Return a transference number with what must be said of it."""
    if number.status == "refused":
        return number
    exact = [
        name
        for name, one in (
            ("I0", cell.initial_current),
            ("I_ss", cell.steady_current),
            ("R0", cell.initial_interface),
            ("R_ss", cell.steady_interface),
        )
        if not one.error > 0
    ]
    if exact:
        number = number.provisional(f"no error was given for {', '.join(exact)}")
    if number.low > 1.0 or number.high < 0.0:
        number = number.provisional("outside 0 to 1: the cell is not what the equation assumes")
    if cell.voltage_V > _SMALL_V:
        number = number.provisional(
            f"{1000 * cell.voltage_V:g} mV is more than the small step of 10-20 mV that is assumed"
        )
    for one in (cell.initial_current, cell.steady_current):
        if one.status == "provisional":
            number = number.provisional(one.note)
    return number
