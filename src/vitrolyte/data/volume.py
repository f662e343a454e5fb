"""A field on a grid that fills one cell: a density, a free energy."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates, uniform_filter

from vitrolyte.data.errors import InputError

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Volume:
    """Values at the points (i / n_1, j / n_2, k / n_3) of a periodic cell.

    Attributes
    ----------
    values
        (n_1, n_2, n_3).
    cell
        (3, 3), Å, rows are the cell vectors.
    name, unit
        What the values are: ``probability density of Li``, ``1/Å³``.
    species, positions
        (n_atoms,) and (n_atoms, 3), Å: atoms that are shown with it, or none.

    Raises
    ------
    InputError
        If the shapes do not fit or the cell has no volume.
    """

    values: Floats
    cell: Floats
    name: str
    unit: str
    species: tuple[str, ...]
    positions: Floats

    def __post_init__(self) -> None:
        shapes = np.ndim(self.values) == 3 and np.shape(self.cell) == (3, 3)
        shapes = shapes and np.shape(self.positions) == (len(self.species), 3)
        if not shapes or min(np.shape(self.values)) < 1 or not abs(np.linalg.det(self.cell)) > 1e-9:
            raise InputError(
                "A field needs values on a grid of three axes, three cell vectors that span a "
                "volume, and one position for each atom",
                received=f"values {np.shape(self.values)}, cell {np.shape(self.cell)}, "
                f"positions {np.shape(self.positions)} of {len(self.species)} atoms",
            )

    @property
    def shape(self) -> tuple[int, int, int]:
        """Return the number of points along each cell vector."""
        first, second, third = self.values.shape
        return first, second, third

    @property
    def volume(self) -> float:
        """Return the volume of the cell, Å³."""
        return float(abs(np.linalg.det(self.cell)))

    @property
    def integral(self) -> float:
        """Return the integral over the cell, in ``unit`` times Å³."""
        return float(self.values.mean()) * self.volume

    def scaled(self, factor: float, unit: str, name: str) -> Volume:
        """Return the field times a factor, in the unit that results."""
        return replace(self, values=self.values * factor, unit=unit, name=name)

    def coarse(self, most_points: int) -> Volume:
        """Return the field on a grid of at most so many points, averaged between them.

        Raises
        ------
        InputError
            If fewer than eight points are asked for.
        """
        if most_points < 8:
            raise InputError("A coarser grid needs at least 8 points", received=f"{most_points}")
        factor = (self.values.size / most_points) ** (1 / 3)
        if factor <= 1.0:
            return self
        counts = [max(2, int(n / factor)) for n in self.shape]
        sizes = [max(1, round(n / m)) for n, m in zip(self.shape, counts)]
        smooth = uniform_filter(self.values, size=sizes, mode="wrap")
        axes = [np.arange(m) * n / m for n, m in zip(self.shape, counts)]
        points = np.stack(np.meshgrid(*axes, indexing="ij"))
        values = map_coordinates(smooth, points, order=1, mode="grid-wrap")
        return replace(self, values=np.asarray(values, dtype=float))
