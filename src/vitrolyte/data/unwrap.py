"""From wrapped to unwrapped positions, frame by frame, in cells that may change and shear.

Two schemes, because no one scheme serves both structure and diffusion once the cell fluctuates:

``lattice``
    Adds whole cell vectors *of the present frame*. Wrapping the result gives the input back, so
    distances between atoms stay right; this is what a `Trajectory` holds. An atom that left the
    cell n times moves with n times the change of the cell, which is no motion of its own.
``toroidal``
    Adds up the nearest-image displacements between frames. This leaves displacements as they
    happened, so it is the form for mean square displacements at constant pressure; but the sum is
    no longer a lattice vector away from the wrapped position and must not be used for distances.

Both are the same in a cell that does not change.

References
----------
von Bülow, Bullerjahn & Hummer, J. Chem. Phys. 153, 021101 (2020), doi:10.1063/5.0008316;
Kulke & Vermaas, J. Chem. Theory Comput. 18, 6161 (2022), doi:10.1021/acs.jctc.2c00327;
Bullerjahn et al., J. Chem. Theory Comput. 19, 3406 (2023), doi:10.1021/acs.jctc.3c00308.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from vitrolyte.data.trajectory import Frames

Floats = NDArray[np.float64]
Scheme = Literal["lattice", "toroidal"]


def nearest_image(displacements: Floats, cell: Floats) -> Floats:
    """Return displacements reduced to the nearest periodic image, (..., 3), Å.

    Right wherever the true displacement is shorter than half the smallest distance between
    opposite faces of the cell.
    """
    fractional = displacements @ np.linalg.inv(cell)
    return np.asarray(displacements - np.round(fractional) @ cell)


def inside(positions: Floats, cell: Floats) -> Floats:
    """Return positions moved by whole cell vectors into the cell, (n_atoms, 3), Å."""
    fractional = positions @ np.linalg.inv(cell)
    return np.asarray(positions - np.floor(fractional) @ cell)


@dataclass(frozen=True, eq=False)
class Unwrapper:
    """Carries the last frame from block to block, so that a stream can be unwrapped.

    Attributes
    ----------
    scheme
        ``lattice`` or ``toroidal``; see the module.
    wrapped, unwrapped
        (n_atoms, 3), Å, of the last frame seen; None before the first.
    """

    scheme: Scheme
    wrapped: Floats | None = None
    unwrapped: Floats | None = None

    def step(self, positions: Floats, cell: Floats) -> Unwrapper:
        """Return the state after one more frame; its ``unwrapped`` belongs to that frame.

        Parameters
        ----------
        positions
            (n_atoms, 3), Å, wrapped or not: whole cell vectors do not matter.
        cell
            (3, 3), Å, rows are the cell vectors of this frame.
        """
        # n cells away, a position also moves by n times the change of the cell: no displacement
        wrapped = inside(positions, cell)
        if self.wrapped is None or self.unwrapped is None:
            return replace(self, wrapped=wrapped, unwrapped=positions)
        moved = self.unwrapped + nearest_image(wrapped - self.wrapped, cell)
        if self.scheme == "lattice":
            # the image of this frame that lies nearest to where the displacement leads
            moved = moved + nearest_image(wrapped - moved, cell)
        return replace(self, wrapped=wrapped, unwrapped=moved)


def unwrap(blocks: Iterable[Frames], scheme: Scheme = "toroidal") -> Iterator[Frames]:
    """Yield the blocks of a stream with unwrapped positions; memory stays that of one block.

    Frames must be so close that no atom moves further than half the cell between two of them.
    """
    state = Unwrapper(scheme)
    for block in blocks:
        unwrapped = np.empty_like(block.positions)
        for i, (positions, cell) in enumerate(zip(block.positions, block.cells, strict=True)):
            state = state.step(positions, cell)
            unwrapped[i] = state.unwrapped
        yield replace(block, positions=unwrapped)
