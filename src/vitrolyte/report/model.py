"""A structure made ready for the rotatable view: atoms in the cell and coordination polyhedra."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import ConvexHull, QhullError

from vitrolyte.data.errors import InputError
from vitrolyte.data.trajectory import Trajectory

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Coordination:
    """Which polyhedra to draw: ``ligand`` atoms within ``cutoff_A`` (Å) of each ``centre``."""

    centre: str
    ligand: str
    cutoff_A: float


@dataclass(frozen=True, eq=False)
class Polyhedron:
    """A convex hull of ligands about one centre.

    Attributes
    ----------
    vertices
        (m, 3), Å, each the periodic image nearest to the centre.
    faces
        (k, 3), indices of vertices, counter-clockwise when seen from outside.
    """

    vertices: Floats
    faces: NDArray[np.intp]


@dataclass(frozen=True)
class DensityView:
    """A density on a grid, drawn as a surface on which it has one value.

    Attributes
    ----------
    species
        Of what.
    cube
        The grid as the text of a Gaussian cube file, in the frame of the view.
    level
        Where the surface is drawn first, as a fraction of the highest value; a slider moves it.
    """

    species: str
    cube: str
    level: float


@dataclass(frozen=True, eq=False)
class ModelView:
    """A structure as the page shows it.

    Attributes
    ----------
    species
        (n_atoms,) element symbols.
    positions
        (n_atoms, 3), Å, wrapped into the cell.
    cell
        (3, 3), Å, rows are the cell vectors.
    coordination
        What the polyhedra are; None where there are none.
    polyhedra
        One for each centre with at least four ligands that span a volume.
    caption
        One sentence below the view.
    density
        Where the mobile ions are on average; None where it was not asked for.
    """

    species: tuple[str, ...]
    positions: Floats
    cell: Floats
    coordination: Coordination | None = None
    polyhedra: tuple[Polyhedron, ...] = ()
    caption: str = ""
    density: DensityView | None = None

    def plain(self) -> dict[str, Any]:
        """Return the view as plain values for the page's script, mÅ precision."""
        faces = [p.vertices[p.faces].reshape(-1, 3) for p in self.polyhedra]
        triangles = np.concatenate(faces) if faces else np.zeros((0, 3))
        return {
            "species": list(self.species),
            "positions": np.round(self.positions, 3).ravel().tolist(),
            "cell": np.round(self.cell, 4).tolist(),
            "triangles": np.round(triangles, 3).ravel().tolist(),
            "centre": self.coordination.centre if self.coordination else "",
            "ligand": self.coordination.ligand if self.coordination else "",
            "density": None if self.density is None else asdict(self.density),
        }


def model_view(
    structure: Trajectory,
    coordination: Coordination | None = None,
    *,
    frame: int = -1,
    caption: str = "",
) -> ModelView:
    """Return a frame of a structure wrapped into its cell, with its coordination polyhedra.

    Any cell shape; ligands across a face of the cell are taken at their nearest image.

    Raises
    ------
    InputError
        If the centre or the ligand is not in the structure or the cut-off is not positive.
    """
    one = structure.frame(frame).read()
    cell = one.cells[0]
    fractional = one.positions[0] @ np.linalg.inv(cell)
    positions = (fractional % 1.0) @ cell
    shapes: tuple[Polyhedron, ...] = ()
    if coordination is not None:
        if not coordination.cutoff_A > 0.0:
            raise InputError(
                "The cut-off of the coordination polyhedra must be positive",
                received=f"{coordination.cutoff_A} Å",
            )
        centres = positions[structure.indices(coordination.centre)]
        ligands = positions[structure.indices(coordination.ligand)]
        shapes = _polyhedra(centres, ligands, cell, coordination.cutoff_A)
    return ModelView(structure.species, positions, cell, coordination, shapes, caption)


def _polyhedra(
    centres: Floats, ligands: Floats, cell: Floats, cutoff: float
) -> tuple[Polyhedron, ...]:
    images = (ligands[None] + _shifts(cell, cutoff)[:, None]).reshape(-1, 3)
    shapes: list[Polyhedron] = []
    for centre in centres:
        distances = np.linalg.norm(images - centre, axis=1)
        hull = _hull(images[(distances > 0.0) & (distances < cutoff)])
        if hull is not None:
            shapes.append(hull)
    return tuple(shapes)


def _shifts(cell: Floats, cutoff: float) -> Floats:
    """Return the lattice vectors that bring every image within the cut-off of the cell, (k, 3)."""
    heights = 1.0 / np.linalg.norm(np.linalg.inv(cell), axis=0)
    reach = np.ceil(cutoff / heights).astype(int)
    steps = [range(-n, n + 1) for n in reach]
    return np.asarray(list(product(*steps)), dtype=float) @ cell


def _hull(points: Floats) -> Polyhedron | None:
    """Return the convex hull with faces turned outwards; None where points span no volume."""
    if len(points) < 4:
        return None
    try:
        hull = ConvexHull(points)
    except QhullError:
        return None
    corners = points[hull.simplices]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    inward = np.einsum("ij,ij->i", normals, hull.equations[:, :3]) < 0.0
    faces = hull.simplices.astype(np.intp)
    faces[inward] = faces[inward][:, ::-1]
    return Polyhedron(points, faces)
