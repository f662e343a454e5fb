"""Measured and computed curves are one type."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vitrolyte.data.errors import InputError


@dataclass(frozen=True)
class Axis:
    """Name and unit of one axis of a curve."""

    name: str
    unit: str

    @property
    def label(self) -> str:
        """Return the name with its unit, as it stands beside an axis."""
        return f"{self.name} ({self.unit})" if self.unit else self.name


@dataclass(frozen=True, eq=False)
class Curve:
    """One dependent quantity against one independent one.

    Attributes
    ----------
    x
        (n,), real, in the unit of ``x_axis``.
    y
        (n,), real or complex, in the unit of ``y_axis``.
    y_error
        (n,), standard error of y, or None where it is not known.
    label
        What the curve is of: ``Li-O``, ``Li``, ``total`` ...

    Raises
    ------
    InputError
        If the shapes differ or are not one-dimensional.
    """

    x: NDArray[np.float64]
    y: NDArray[np.float64] | NDArray[np.complex128]
    x_axis: Axis
    y_axis: Axis
    y_error: NDArray[np.float64] | None = None
    label: str = ""

    def __post_init__(self) -> None:
        shapes = {np.shape(self.x), np.shape(self.y)}
        if self.y_error is not None:
            shapes.add(np.shape(self.y_error))
        if len(shapes) != 1 or len(next(iter(shapes))) != 1:
            raise InputError(
                "A curve needs x, y and y_error of one common length",
                received=f"x {np.shape(self.x)}, y {np.shape(self.y)}, "
                f"y_error {None if self.y_error is None else np.shape(self.y_error)}",
            )

    def __len__(self) -> int:
        return len(self.x)


@dataclass(frozen=True, eq=False)
class CurveSet:
    """Curves that belong into one picture, in the order in which to show them.

    Attributes
    ----------
    title
        What the picture shows.
    curves
        The curves; their axes should agree.
    log_x, log_y
        Whether an axis is best seen logarithmic.
    points
        Labels of the curves that are separate points rather than a line.
    window
        The part of x on which a number rests (a slope, a plateau), shaded in the picture.
    """

    title: str
    curves: tuple[Curve, ...]
    log_x: bool = False
    log_y: bool = False
    points: tuple[str, ...] = ()
    window: tuple[float, float] | None = None

    def __getitem__(self, label: str) -> Curve:
        for curve in self.curves:
            if curve.label == label:
                return curve
        raise InputError(
            f"A curve labelled {label!r} is needed in {self.title!r}",
            received=f"labels {list(self.labels)}",
        )

    @property
    def labels(self) -> tuple[str, ...]:
        """Return the labels of the curves in order."""
        return tuple(curve.label for curve in self.curves)
