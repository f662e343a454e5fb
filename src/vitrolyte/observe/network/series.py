"""From a number per frame to a quantity, and from quantities to a curve."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

from vitrolyte.data.curve import Axis, Curve
from vitrolyte.data.quantity import Quantity
from vitrolyte.observe.blocks import block_average


def over_frames(series: ArrayLike, unit: str) -> Quantity:
    """Return the mean over frames with its block error; none where it never changed.

    Frames without the thing counted are NaN and left out.
    """
    values = np.asarray(series, dtype=float)
    known = values[~np.isnan(values)]
    if len(known) > 1 and np.all(known == known[0]):
        return Quantity(float(known[0]), unit, note=f"the same in all {len(known)} frames")
    return block_average(known, unit)


def counted_curve(numbers: Mapping[int, Quantity], x_axis: Axis, y_axis: Axis, label: str) -> Curve:
    """Return quantities by whole number as a curve of points."""
    errors = np.array([number.error for number in numbers.values()])
    return Curve(
        np.array(list(numbers), dtype=float),
        np.array([number.value for number in numbers.values()]),
        x_axis,
        y_axis,
        y_error=np.nan_to_num(errors) if np.isfinite(errors).any() else None,
        label=label,
    )
