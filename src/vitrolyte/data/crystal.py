"""A crystal as a diffraction experiment needs it: a cell, its symmetry, and what sits where."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vitrolyte.data.elements import masses
from vitrolyte.data.errors import InputError

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Crystal:
    """One unit cell with all its atoms, partly filled sites included.

    Attributes
    ----------
    name
        What the phase is called in a table.
    cell
        (3, 3), Å, rows are the cell vectors.
    elements
        (n,) element of each site; two elements on one place are two sites.
    fractional
        (n, 3) fractional coordinates.
    occupancies
        (n,), above 0 and at most 1.
    b_iso
        (n,), isotropic displacement B = 8 pi² U, Å²; NaN where it is not known.
    rotations
        (m, 3, 3) integer rotation parts of the space group, acting on columns of coordinates.
    space_group
        Its name or number as the file says it.

    Raises
    ------
    InputError
        If the shapes differ, the cell has no volume, or an occupancy is out of range.
    """

    name: str
    cell: Floats
    elements: tuple[str, ...]
    fractional: Floats
    occupancies: Floats
    b_iso: Floats
    rotations: NDArray[np.int64]
    space_group: str = ""

    def __post_init__(self) -> None:
        n = len(self.elements)
        shapes = self.fractional.shape, self.occupancies.shape, self.b_iso.shape
        if n == 0 or shapes != ((n, 3), (n,), (n,)) or self.rotations.shape[1:] != (3, 3):
            raise InputError(
                "A crystal needs atoms, each with coordinates, an occupancy and a B",
                received=f"{n} atoms, shapes {shapes}",
            )
        finite = np.isfinite(self.fractional).all() and np.isfinite(self.cell).all()
        filled = np.all((self.occupancies > 0) & (self.occupancies <= 1.0 + 1e-9))
        if not finite or not filled or self.volume < 1.0:
            raise InputError(
                "A crystal needs a cell with a volume, finite coordinates and occupancies between "
                "0 and 1",
                received=f"{self.name}: volume {self.volume:.4g} Å³, occupancies "
                f"{self.occupancies.min():g} to {self.occupancies.max():g}",
            )

    @property
    def volume(self) -> float:
        """Return the volume of the cell, Å³."""
        return abs(float(np.linalg.det(self.cell)))

    @property
    def cell_mass(self) -> float:
        """Return the mass of what is in one cell, u: Z times the molar mass."""
        return float(np.dot(masses(self.elements), self.occupancies))
