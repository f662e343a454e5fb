"""Equations that are linear in all their parameters but one, and points with errors both ways."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from vitrolyte.data.errors import InputError
from vitrolyte.data.model import Floats

Columns = Callable[[Floats, Floats], Floats]
"""The columns (m, n, p) of an equation at x (n,) for each of m values of its shape."""


def nothing_known(x: Floats) -> Floats:
    """Return zeros: no part of y is known beforehand."""
    return np.zeros_like(x)


@dataclass(frozen=True, eq=False)
class Separable:
    r"""An equation that is linear in its coefficients once one further parameter is fixed.

    .. math:: y(x) = \sum_k \beta_k\, c_k(x; s)

    Attributes
    ----------
    name
        What it is called.
    columns
        Its columns c_k.
    edges
        (m + 1,), rising: ends of the m cells in whose middles the shape s is tried; before the
        points are seen it is as probable anywhere between the first and the last. Empty where the
        equation has no shape.
    spreads
        (p,), standard deviation of each coefficient about zero before the points are seen;
        infinite where nothing is known. The coefficients with an infinite one must mean the same
        in all equations that are weighed against each other.
    continuous
        Whether the shape may lie anywhere in its cells, so that they may be refined.

    Raises
    ------
    InputError
        If there is one edge, or the edges do not rise.
    """

    name: str
    columns: Columns
    edges: Floats
    spreads: tuple[float, ...]
    continuous: bool = False

    def __post_init__(self) -> None:
        if len(self.edges) == 1 or not np.all(np.diff(self.edges) > 0):
            raise InputError(
                "The cells of a shape need rising edges", received=f"edges {self.edges}"
            )

    @property
    def places(self) -> Floats:
        """Return the middles of the cells, (m,); a lone zero where there is no shape."""
        if len(self.edges) == 0:
            return np.zeros(1)
        return np.asarray((self.edges[1:] + self.edges[:-1]) / 2.0)

    @property
    def parameters(self) -> int:
        """Return the number of parameters, the shape included where there is one."""
        return len(self.spreads) + int(len(self.edges) > 0)

    @property
    def flat(self) -> int:
        """Return the number of coefficients of which nothing is known beforehand."""
        return sum(np.isinf(spread) for spread in self.spreads)


@dataclass(frozen=True, eq=False)
class ScatteredPoints:
    """Points with independent errors in both directions.

    Attributes
    ----------
    x, y
        (n,).
    y_error
        (n,), standard errors of y; None where they are to be had from the scatter alone.
    x_error
        (n,), standard errors of x; zero where x is exact.
    known
        A part of y that is known once the true x is; equations describe the rest.

    Raises
    ------
    InputError
        If the lengths differ or an error is impossible.
    """

    x: Floats
    y: Floats
    y_error: Floats | None
    x_error: Floats
    known: Callable[[Floats], Floats] = nothing_known

    def __post_init__(self) -> None:
        errors = np.ones_like(self.x) if self.y_error is None else self.y_error
        if not np.shape(self.x) == np.shape(self.y) == np.shape(errors) == np.shape(self.x_error):
            raise InputError(
                "Points need x, y and errors of one common length",
                received=f"x {np.shape(self.x)}, y {np.shape(self.y)}, errors {np.shape(errors)} "
                f"and {np.shape(self.x_error)}",
            )
        if not (np.all(errors > 0) and np.all(self.x_error >= 0)):
            raise InputError(
                "Points need errors of y above zero, and of x not below it",
                received=f"errors of y {errors}, of x {self.x_error}",
            )

    def __len__(self) -> int:
        return len(self.x)
