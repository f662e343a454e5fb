"""Where mobile ions sit: their anions, the volume of their site and the faces they leave by."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import ConvexHull, QhullError, Voronoi

from vitrolyte.data.curve import Axis, Curve, CurveSet
from vitrolyte.data.errors import InputError
from vitrolyte.data.observation import Observation, Sample, computed
from vitrolyte.data.quantity import Quantity
from vitrolyte.data.result import Result
from vitrolyte.data.trajectory import Trajectory
from vitrolyte.matter.periodic import perpendicular_widths
from vitrolyte.observe.neighbours import Neighbours
from vitrolyte.observe.network.bonds import Bonding, Network, bonding, wrapped
from vitrolyte.observe.network.series import counted_curve, over_frames
from vitrolyte.observe.sampling import Snapshot, ionic_charges

Floats = NDArray[np.float64]

_COMMON = 0.005
_FIRST_MARGIN_A = 8.0
_FLAT = 1e-4
_AREA_BIN_A2 = 0.25


@dataclass(frozen=True)
class SiteSettings:
    """Whose surroundings are looked at.

    Attributes
    ----------
    mobile
        Element.
    anions
        Elements round it; without any, all of the opposite formal charge.
    cut_offs
        Å by pair (``Li-O``); pairs left out end at the minimum behind the first peak.
    max_frames
        At most so many frames, evenly spread; None for all.
    """

    mobile: str
    anions: tuple[str, ...] = ()
    cut_offs: Mapping[str, float] = field(default_factory=dict)
    max_frames: int | None = 50


@dataclass(frozen=True, eq=False)
class Sites(Result):
    """The surroundings of a mobile species.

    Attributes
    ----------
    mobile
        Element.
    environments
        Share of the ions in each environment (``LiO2Cl4``), the commonest first.
    coordination
        Mean number of neighbours by pair (``Li-O``).
    numbers
        Share of the ions by number of neighbours: each anion, and all together.
    polyhedron_volume
        Mean volume of the polyhedron of the neighbours, Å³; ions with fewer than four, or with
        all in one plane, have none.
    voronoi_volume
        Mean volume of the ion's Voronoi polyhedron among all atoms, Å³.
    face_areas
        Mean area of the faces of the polyhedra, Å², by their corners (``Cl-O-Cl``).
    area_distribution
        Distribution of these areas.
    cut_offs
        Å by pair.
    method
        How it was found, in words.

    References
    ----------
    The triangle of anions between two sites is the bottleneck of a hop: its area is compared from
    compound to compound.
    """

    mobile: str
    environments: Mapping[str, Quantity]
    coordination: Mapping[str, Quantity]
    numbers: CurveSet
    polyhedron_volume: Quantity
    voronoi_volume: Quantity
    face_areas: Mapping[str, Quantity]
    area_distribution: CurveSet
    cut_offs: Mapping[str, float]
    method: str

    def observations(self, sample: Sample) -> tuple[Observation, ...]:
        """Return the environments, coordination numbers, volumes and areas of faces."""
        listed: tuple[tuple[str, Mapping[str, Quantity]], ...] = (
            ("structural_unit_fraction", self.environments),
            ("coordination_number", self.coordination),
            ("polyhedron_volume", {self.mobile: self.polyhedron_volume}),
            ("voronoi_volume", {self.mobile: self.voronoi_volume}),
            ("bottleneck_area", self.face_areas),
        )
        return tuple(
            computed(sample, word, number, of=of, method=self.method)
            for word, numbers in listed
            for of, number in numbers.items()
        )


@dataclass(frozen=True, eq=False)
class _Look:
    """One frame: neighbours of each ion by anion, volumes, and the areas of faces."""

    counts: NDArray[np.int64]
    hulls: Floats
    voronoi: Floats
    areas: Mapping[str, Floats]


def sites(trajectory: Trajectory, settings: SiteSettings) -> Sites:
    """Return the surroundings of a mobile species, averaged over frames.

    Parameters
    ----------
    trajectory
        Streamed; any cell.
    settings
        Species and cut-offs.

    Raises
    ------
    InputError
        If an element is missing, it has no counter-ions, or no cut-off can be found.
    """
    anions = _anions(trajectory, settings)
    network = Network((settings.mobile,), anions, settings.cut_offs, (), settings.max_frames)
    bonds = bonding(trajectory, network)
    looks = [_look(bonds, snapshot, frame) for snapshot, frame in bonds]
    corners = sorted({corner for look in looks for corner in look.areas})
    return Sites(
        mobile=settings.mobile,
        environments=_environments(settings.mobile, anions, looks),
        coordination={
            f"{settings.mobile}-{anion}": over_frames(
                [look.counts[:, k].mean() for look in looks], "1"
            )
            for k, anion in enumerate(anions)
        },
        numbers=_numbers(settings.mobile, anions, looks),
        polyhedron_volume=_mean_of([look.hulls for look in looks], "Å³"),
        voronoi_volume=_mean_of([look.voronoi for look in looks], "Å³"),
        face_areas={c: _mean_of([_areas(look, c) for look in looks], "Å²") for c in corners},
        area_distribution=_area_distribution(looks, corners),
        cut_offs=bonds.cut_offs,
        method=bonds.method,
    )


def _anions(trajectory: Trajectory, settings: SiteSettings) -> tuple[str, ...]:
    """Return the counter-ions, the most charged first.

    Raises
    ------
    InputError
        If there are none.
    """
    charges = ionic_charges(trajectory.species)
    trajectory.indices(settings.mobile, *settings.anions)
    own = charges[settings.mobile]
    found = settings.anions or tuple(e for e, charge in charges.items() if charge * own < 0)
    if not found:
        raise InputError(
            f"The surroundings of {settings.mobile} need counter-ions",
            received=f"elements {', '.join(charges)} without known charges",
            remedy='name them, such as anions=("O", "Cl")',
        )
    return tuple(sorted(found, key=lambda element: (-abs(charges[element]), element)))


def _look(bonds: Bonding, snapshot: Snapshot, frame: Neighbours) -> _Look:
    elements = bonds.sampling.elements
    ions = np.flatnonzero(bonds.of(bonds.formers))
    kinds = bonds.kinds
    seen = [kinds[frame.others[frame.of(ion)]] for ion in ions.tolist()]
    counts = np.array([np.bincount(others, minlength=len(elements)) for others in seen])
    areas: dict[str, list[float]] = {}
    hulls = np.full(len(ions), np.nan)
    for k, ion in enumerate(ions.tolist()):
        near = frame.of(ion)
        hull = _hull(frame.vectors[near])
        if hull is None:
            continue
        hulls[k] = hull.volume
        symbols = [elements[kind] for kind in kinds[frame.others[near]]]
        for corners, area in _faces(hull, symbols):
            areas.setdefault(corners, []).append(area)
    return _Look(
        counts[:, [elements.index(anion) for anion in bonds.ligands]],
        hulls,
        voronoi_volumes(wrapped(snapshot), snapshot.cell, ions),
        {corners: np.array(found) for corners, found in areas.items()},
    )


def _hull(vectors: Floats) -> ConvexHull | None:
    if len(vectors) < 4:
        return None
    try:
        return ConvexHull(vectors)
    except QhullError:
        return None


def _faces(hull: ConvexHull, symbols: list[str]) -> Iterator[tuple[str, float]]:
    """Yield corners and area of each face; triangles of one plane make one face."""
    corners = hull.points[hull.simplices]
    cross = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    areas = np.linalg.norm(cross, axis=1) / 2.0
    planes = hull.equations / np.append(np.ones(3), np.ptp(hull.points))
    apart = np.abs(planes[:, None] - planes[None]).max(axis=-1)
    face_of = (apart < _FLAT).argmax(axis=1)
    for face in np.unique(face_of):
        mine = face_of == face
        atoms = np.unique(hull.simplices[mine])
        yield corner_name([symbols[atom] for atom in atoms]), float(areas[mine].sum())


def corner_name(symbols: list[str]) -> str:
    """Return the corners of a face in words, the odd one of a triangle in the middle."""
    counts = Counter(symbols)
    if len(symbols) == 3 and len(counts) == 2:
        twice, once = (element for element, _ in counts.most_common())
        return f"{twice}-{once}-{twice}"
    return "-".join(sorted(symbols))


def voronoi_volumes(positions: Floats, cell: Floats, atoms: NDArray[np.intp]) -> Floats:
    """Return the volumes of the Voronoi polyhedra of some atoms in a periodic cell, (n,), Å³.

    Images are laid round the cell as far as needed: a polyhedron is right where no image left out
    could come nearer to one of its corners than its own atom.

    Parameters
    ----------
    positions
        (n_atoms, 3), Å, inside the cell.
    cell
        (3, 3), Å.
    atoms
        Indices of the atoms asked for.
    """
    margin = min(_FIRST_MARGIN_A, 2.0 * float(np.linalg.norm(cell, axis=1).max()))
    while True:
        points = _with_images(positions, cell, margin)
        found = Voronoi(points)
        volumes, reach = np.empty(len(atoms)), 0.0
        for k, atom in enumerate(atoms):
            region = found.regions[found.point_region[atom]]
            if -1 in region or not region:
                reach = np.inf
                break
            corners = found.vertices[region]
            reach = max(reach, float(np.linalg.norm(corners - points[atom], axis=1).max()))
            volumes[k] = ConvexHull(corners).volume
        if 2.0 * reach <= margin:
            return volumes
        margin = 1.5 * margin if np.isinf(reach) else max(2.0 * reach, 1.1 * margin)


def _with_images(positions: Floats, cell: Floats, margin: float) -> Floats:
    """Return the atoms, then the images of them within a margin of the cell."""
    inside = positions @ np.linalg.inv(cell)
    reach = margin / perpendicular_widths(cell)
    most = np.ceil(reach).astype(int)
    shifts = np.indices(tuple(2 * most + 1)).reshape(3, -1).T - most
    shifts = shifts[shifts.any(axis=1)]
    images = (inside[None] + shifts[:, None]).reshape(-1, 3)
    near = ((images > -reach) & (images < 1 + reach)).all(axis=1)
    return np.concatenate([positions, images[near] @ cell])


def _name(mobile: str, anions: tuple[str, ...], row: NDArray[np.int64]) -> str:
    parts = [
        f"{anion}{count if count > 1 else ''}"
        for anion, count in zip(anions, row.tolist(), strict=True)
        if count
    ]
    return mobile + "".join(parts)


def _environments(mobile: str, anions: tuple[str, ...], looks: list[_Look]) -> dict[str, Quantity]:
    """Return the share of each environment that is not rare, the commonest first."""
    frames = [Counter(_name(mobile, anions, row) for row in look.counts) for look in looks]
    ions = len(looks[0].counts)
    total = sum(frames, Counter())
    return {
        name: over_frames([frame[name] / ions for frame in frames], "1")
        for name, count in total.most_common()
        if count >= _COMMON * ions * len(frames)
    }


def _mean_of(frames: list[Floats], unit: str) -> Quantity:
    """Return the mean over frames of the mean over ions; ions without the thing are left out."""
    means = [float(np.nanmean(f)) if np.isfinite(f).any() else np.nan for f in frames]
    return over_frames(means, unit)


def _areas(look: _Look, corners: str) -> Floats:
    return np.asarray(look.areas.get(corners, np.zeros(0)))


def _numbers(mobile: str, anions: tuple[str, ...], looks: list[_Look]) -> CurveSet:
    """Return the shares by number of neighbours, for each anion and in all."""
    columns = {f"{mobile}-{anion}": [look.counts[:, k] for look in looks] for k, anion in
               enumerate(anions)}  # fmt: skip
    columns["all"] = [look.counts.sum(axis=1) for look in looks]
    x_axis, y_axis = Axis("neighbours", ""), Axis("share of the ions", "")
    curves = []
    for label, counts in columns.items():
        most = max(int(frame.max()) for frame in counts)
        shares = np.array([np.bincount(f, minlength=most + 1) / len(f) for f in counts])
        numbers = {n: over_frames(shares[:, n], "1") for n in range(most + 1)}
        curves.append(counted_curve(numbers, x_axis, y_axis, label))
    return CurveSet(f"Neighbours of {mobile}", tuple(curves), points=tuple(columns))


def _area_distribution(looks: list[_Look], corners: list[str]) -> CurveSet:
    every = {c: np.concatenate([_areas(look, c) for look in looks]) for c in corners}
    greatest = max((float(areas.max()) for areas in every.values()), default=0.0)
    edges = np.arange(0.0, greatest + 2 * _AREA_BIN_A2, _AREA_BIN_A2)
    x_axis, y_axis = Axis("area of a face", "Å²"), Axis("probability density", "1/Å²")
    centres = np.asarray((edges[1:] + edges[:-1]) / 2.0, dtype=float)
    curves = []
    for name, areas in every.items():
        density = np.histogram(areas, edges, density=True)[0]
        curves.append(Curve(centres, density, x_axis, y_axis, label=name))
    return CurveSet("Faces of the coordination polyhedra", tuple(curves))
