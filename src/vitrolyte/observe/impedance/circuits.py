"""Circuits as trees of elements: their impedance, its analytic slopes, and how they are written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from vitrolyte.data.errors import InputError
from vitrolyte.observe.impedance.elements import ELEMENTS, RC_CODE, ElementParameter
from vitrolyte.observe.impedance.kernels import PARALLEL, SERIES, evaluate

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Complexes = NDArray[np.complex128]
Arc = Literal["RQ", "RC"]


@dataclass(frozen=True)
class Leaf:
    """One element of a circuit with its label, ``R1``."""

    symbol: str
    label: str

    def written(self, *, inside_parallel: bool = False) -> str:
        """Return the element as it stands in a circuit code."""
        del inside_parallel
        return self.symbol


@dataclass(frozen=True)
class Branch:
    """Elements or branches in series or in parallel."""

    how: Literal["series", "parallel"]
    parts: tuple[Leaf | Branch, ...]

    def written(self, *, inside_parallel: bool = False) -> str:
        """Return the branch in a circuit code: (RQ) parallel, [RW] series inside it."""
        inner = "".join(part.written(inside_parallel=self.how == "parallel") for part in self.parts)
        if self.how == "parallel":
            return f"({inner})"
        return f"[{inner}]" if inside_parallel else inner


@dataclass(frozen=True)
class Slot:
    """One parameter of a circuit.

    Attributes
    ----------
    name
        ``R1``, ``Q2``, ``Q2.n``, ``Ws1.tau``.
    parameter
        Unit, scale and a value to begin with.
    """

    name: str
    parameter: ElementParameter


@dataclass(frozen=True)
class ArcSlots:
    """R and Q (or C) in parallel, which are searched as R, relaxation time and exponent.

    Attributes
    ----------
    kind
        With a constant-phase element or a capacitor.
    resistance, storage, exponent
        Places of the three among the parameters; exponent is -1 for a capacitor.
    """

    kind: Arc
    resistance: int
    storage: int
    exponent: int


@dataclass(frozen=True)
class Circuit:
    r"""A circuit, with its parameters in the order in which its elements are written.

    Attributes
    ----------
    tree
        Its elements.

    Notes
    -----
    Beside the natural parameters there are *coordinates*, in which a fit is nearly linear:
    logarithms of what is positive, exponents as they are, and for each R and Q in parallel
    ln R, :math:`\ln \tau` with :math:`\tau^n = R Q`, and n.
    """

    tree: Leaf | Branch

    @cached_property
    def slots(self) -> tuple[Slot, ...]:
        """Return the parameters, in natural form."""
        return tuple(
            Slot(f"{leaf.label}.{one.name}" if one.name else leaf.label, one)
            for leaf in _leaves(self.tree)
            for one in ELEMENTS[leaf.symbol].parameters
        )

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of the parameters."""
        return tuple(slot.name for slot in self.slots)

    @property
    def written(self) -> str:
        """Return the circuit code, ``R(RQ)Q``."""
        return self.tree.written()

    @cached_property
    def arcs(self) -> tuple[ArcSlots, ...]:
        """Return the pairs of R and Q, or R and C, in parallel with nothing else."""
        return tuple(self._compiled[1])

    @cached_property
    def operations(self) -> Integers:
        """Return the compiled circuit for `kernels.evaluate`."""
        return np.array(self._compiled[0], dtype=np.int64)

    @cached_property
    def _compiled(self) -> tuple[list[tuple[int, int, int]], list[ArcSlots]]:
        operations: list[tuple[int, int, int]] = []
        arcs: list[ArcSlots] = []
        _compile(self.tree, 0, operations, arcs)
        return operations, arcs

    @cached_property
    def in_series(self) -> tuple[tuple[int, Leaf | Branch], ...]:
        """Return what stands in series, with the place of its first parameter."""
        tree = self.tree
        whole = isinstance(tree, Leaf) or tree.how == "parallel"
        found, place = [], 0
        for part in (tree,) if isinstance(tree, Leaf) or whole else tree.parts:
            found.append((place, part))
            place += sum(len(ELEMENTS[leaf.symbol].parameters) for leaf in _leaves(part))
        return tuple(found)

    @property
    def series_places(self) -> tuple[int, ...]:
        """Return the places of the first parameters of what stands in series."""
        return tuple(place for place, _ in self.in_series)

    def coordinates(self, values: Floats) -> Floats:
        """Return the coordinates (p,) of natural parameters (p,).

        Raises
        ------
        InputError
            If there is another number of values, or one is not positive.
        """
        values = np.asarray(values, dtype=float)
        if values.shape != (len(self.slots),) or not np.all(values > 0):
            raise InputError(
                f"The circuit {self.written} takes {len(self.slots)} values above zero: "
                f"{', '.join(self.names)}",
                received=str(values),
            )
        found = np.where(self._logarithmic, np.log(values), values)
        for arc in self.arcs:
            power = values[arc.exponent] if arc.exponent >= 0 else 1.0
            found[arc.storage] = (found[arc.storage] + found[arc.resistance]) / power
        return found

    def values(self, coordinates: Floats) -> Floats:
        """Return natural parameters (p,) of coordinates (p,)."""
        found = np.array(coordinates, dtype=float)
        for arc in self.arcs:
            power = found[arc.exponent] if arc.exponent >= 0 else 1.0
            found[arc.storage] = power * coordinates[arc.storage] - coordinates[arc.resistance]
        return np.where(self._logarithmic, np.exp(np.where(self._logarithmic, found, 0.0)), found)

    def natural_slopes(self, coordinates: Floats) -> Floats:
        """Return the slopes (p, p) of ln of the positive parameters, and exponents, by coordinate.

        Row i is parameter i.
        """
        slopes = np.eye(len(self.slots))
        for arc in self.arcs:
            row = slopes[arc.storage]
            row[arc.storage], row[arc.resistance] = 1.0, -1.0
            if arc.exponent >= 0:
                row[arc.storage] = coordinates[arc.exponent]
                row[arc.exponent] = coordinates[arc.storage]
        return slopes

    @cached_property
    def _logarithmic(self) -> NDArray[np.bool_]:
        return np.array([slot.parameter.scale == "logarithmic" for slot in self.slots])

    def evaluate(self, frequency: Floats, coordinates: Floats) -> tuple[Complexes, Complexes]:
        """Return Z (n,), ohm, and its slopes (n, p) by coordinate, at frequencies (n,), Hz."""
        z = np.empty(len(frequency), dtype=np.complex128)
        slopes = np.empty((len(frequency), len(self.slots)), dtype=np.complex128)
        log_omega = np.log(2.0 * np.pi * np.asarray(frequency, dtype=float))
        evaluate(self.operations, log_omega, np.asarray(coordinates, dtype=float), z, slopes)
        return z, slopes

    def impedance(self, frequency: Floats, values: Floats) -> Complexes:
        """Return Z (n,), ohm, at frequencies (n,), Hz, of natural parameters (p,)."""
        return self.evaluate(frequency, self.coordinates(values))[0]

    def jacobian(self, frequency: Floats, values: Floats) -> Complexes:
        """Return the slopes (n, p) of Z by natural parameter."""
        place = self.coordinates(values)
        slopes = self.evaluate(frequency, place)[1] @ np.linalg.inv(self.natural_slopes(place))
        return np.asarray(slopes / np.where(self._logarithmic, values, 1.0))


def _leaves(part: Leaf | Branch) -> Iterator[Leaf]:
    if isinstance(part, Leaf):
        yield part
        return
    for one in part.parts:
        yield from _leaves(one)


def _compile(
    part: Leaf | Branch, first: int, operations: list[tuple[int, int, int]], arcs: list[ArcSlots]
) -> int:
    """Append the operations of a part whose parameters begin at ``first``; return their end."""
    if isinstance(part, Leaf):
        element = ELEMENTS[part.symbol]
        end = first + len(element.parameters)
        operations.append((element.code, first, end))
        return end
    arc = _simple_arc(part, first)
    if arc is not None:
        arcs.append(arc)
        end = first + (3 if arc.kind == "RQ" else 2)
        operations.append((ELEMENTS["Z"].code if arc.kind == "RQ" else RC_CODE, first, end))
        return end
    code = SERIES if part.how == "series" else PARALLEL
    end = _compile(part.parts[0], first, operations, arcs)
    for one in part.parts[1:]:
        end = _compile(one, end, operations, arcs)
        operations.append((code, first, end))
    return end


def _simple_arc(branch: Branch, first: int) -> ArcSlots | None:
    symbols = tuple(part.symbol for part in branch.parts if isinstance(part, Leaf))
    if branch.how != "parallel" or len(symbols) != len(branch.parts):
        return None
    # The compiled arc takes ln R, ln tau and n in this order, so R has to be written first.
    if symbols == ("R", "Q"):
        return ArcSlots("RQ", first, first + 1, first + 2)
    return ArcSlots("RC", first, first + 1, -1) if symbols == ("R", "C") else None
