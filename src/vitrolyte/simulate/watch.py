"""Watchers: the first sign that a run has left physical ground, and which atoms show it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from vitrolyte.data.errors import Breach
from vitrolyte.data.io.lammps_log import ThermoRow
from vitrolyte.potentials.potential import LammpsPair
from vitrolyte.simulate.order import Order

Floats = NDArray[np.float64]

_POD_CUTOFF_A = 6.0
_POD_LEAST_NEIGHBOURS = 2


@dataclass(frozen=True, eq=False)
class Surroundings:
    """The atoms of a cell with all periodic copies within a margin around it.

    Attributes
    ----------
    inside
        (n_atoms, 3), Å, wrapped into the cell.
    points
        (m, 3), Å; the first n_atoms are those inside.
    owners
        (m,), index of the atom that each point is a copy of.
    """

    inside: Floats
    points: Floats
    owners: NDArray[np.intp]


def surroundings(positions: Floats, cell: Floats, reach: float) -> Surroundings:
    """Return the atoms and their copies within ``reach`` (Å) of the cell; any cell shape."""
    inverse = np.linalg.inv(cell)
    fractional = positions @ inverse
    fractional = fractional - np.floor(fractional)
    margins = reach * np.linalg.norm(inverse, axis=0)
    points, owners = fractional, np.arange(len(fractional))
    for axis, margin in enumerate(margins):
        layers = int(np.ceil(margin))
        shift = np.eye(3)[axis]
        grown, names = [points], [owners]
        for layer in [k for k in range(-layers, layers + 1) if k]:
            moved = points + layer * shift
            near = (moved[:, axis] > -margin) & (moved[:, axis] < 1 + margin)
            grown.append(moved[near])
            names.append(owners[near])
        points, owners = np.concatenate(grown), np.concatenate(names)
    return Surroundings(fractional @ cell, points @ cell, owners)


@dataclass(frozen=True)
class ClosePair:
    """Two atoms (indices from 0) that came closer than they may, Å."""

    atoms: tuple[int, int]
    distance: float
    limit: float


def closest_breach(
    positions: Floats, cell: Floats, *, species: tuple[str, ...], safe: Mapping[str, float]
) -> ClosePair | None:
    """Return the pair furthest below its safe distance, or None where all keep theirs.

    Parameters
    ----------
    positions, cell
        (n_atoms, 3) and (3, 3), Å; nearest images are taken in any cell shape.
    species
        (n_atoms,) element symbols.
    safe
        ``"Li-O": Å`` in either order; pairs not named are not watched.
    """
    if not safe:
        return None
    limits = _limit_table(species, safe)
    reach = max(safe.values())
    near = surroundings(positions, cell, reach)
    found = cKDTree(near.inside).sparse_distance_matrix(
        cKDTree(near.points), reach, output_type="ndarray"
    )
    other = near.owners[found["j"]]
    limit = limits[found["i"], other] if len(found) else np.zeros(0)
    ratio = np.where(found["i"] == found["j"], np.inf, found["v"] / np.maximum(limit, 1e-12))
    if not len(found) or ratio.min() >= 1.0:
        return None
    worst = int(ratio.argmin())
    atoms = (int(found["i"][worst]), int(other[worst]))
    return ClosePair(atoms, float(found["v"][worst]), float(limit[worst]))


@dataclass(frozen=True, eq=False)
class _LimitTable:
    codes: NDArray[np.intp]
    table: Floats

    def __getitem__(self, pair: tuple[NDArray[np.intp], NDArray[np.intp]]) -> Floats:
        return np.asarray(self.table[self.codes[pair[0]], self.codes[pair[1]]])


def _limit_table(species: tuple[str, ...], safe: Mapping[str, float]) -> _LimitTable:
    symbols, codes = np.unique(np.asarray(species), return_inverse=True)
    table = np.zeros((len(symbols), len(symbols)))
    for i, first in enumerate(symbols):
        for j, second in enumerate(symbols):
            table[i, j] = safe.get(f"{first}-{second}", safe.get(f"{second}-{first}", 0.0))
    return _LimitTable(codes, table)


def lonely_atom(positions: Floats, cell: Floats, *, reach: float, least: int) -> int | None:
    """Return the index of an atom with fewer than ``least`` neighbours within ``reach`` Å."""
    near = surroundings(positions, cell, reach)
    distances, _ = cKDTree(near.points).query(near.inside, k=least + 1)
    alone = np.flatnonzero(distances[:, least] > reach)
    return int(alone[0]) if len(alone) else None


def pod_cutoff(pair: LammpsPair) -> float | None:
    """Return the cut-off (Å) of a POD potential, or None for any other kind.

    ``pair_style pod`` may crash on an atom with fewer than two neighbours within it
    (https://github.com/lammps/lammps/issues/5114).
    """
    styled = any(re.match(r"pair_style\b.*\bpod\b", line) for line in pair.commands)
    return _cutoff_in(pair.files) if styled else None


def _cutoff_in(files: tuple[Path, ...]) -> float:
    for path in files:
        found = re.search(r"^\s*rcut\s+([\d.]+)", path.read_text(encoding="utf-8"), re.MULTILINE)
        if found:
            return float(found[1])
    return _POD_CUTOFF_A


@dataclass(frozen=True)
class Watch:
    """Looks at every frame and state row of one run and stops it at the first breach.

    Attributes
    ----------
    order
        The run; its limits are those watched.
    volume
        Å³ at the start of the segment.
    pod_cutoff
        Å, or None where the potential is no POD.
    """

    order: Order
    volume: float
    pod_cutoff: float | None

    def frame(self, positions: Floats, cell: Floats, time_ps: float) -> None:
        """Raise if atoms are where they cannot be.

        Raises
        ------
        Breach
            Naming the atoms, their distance, the limit and the time.
        """
        if not (np.isfinite(positions).all() and np.isfinite(cell).all()):
            lost = np.flatnonzero(~np.isfinite(positions).all(axis=1))[:1].tolist()
            self._stop("Positions must stay finite", self._names(lost) or "cell", time_ps, lost)
        self._volume(abs(float(np.linalg.det(cell))), time_ps)
        self._pairs(positions, cell, time_ps)
        self._neighbours(positions, cell, time_ps)

    def row(self, row: ThermoRow, time_ps: float) -> None:
        """Raise if volume or temperature is out of bounds or a number is not finite.

        Raises
        ------
        Breach
            With value, bounds and time.
        """
        if not np.isfinite([row.temperature, row.pressure, row.potential_energy]).all():
            self._stop("Temperature, pressure and energy must stay finite", f"{row}", time_ps)
        self._volume(row.volume, time_ps)
        target = self.order.segment.target_temperature_K(time_ps)
        low, high = (target * ratio for ratio in self.order.limits.temperature_ratio)
        if not low <= row.temperature <= high:
            self._stop(
                f"The temperature must stay between {low:.0f} and {high:.0f} K",
                f"{row.temperature:.0f} K",
                time_ps,
            )

    def _volume(self, volume: float, time_ps: float) -> None:
        low, high = (self.volume * ratio for ratio in self.order.limits.volume_ratio)
        if not low <= volume <= high:
            self._stop(
                f"The volume must stay between {low:.1f} and {high:.1f} Å³",
                f"{volume:.1f} Å³",
                time_ps,
            )

    def _pairs(self, positions: Floats, cell: Floats, time_ps: float) -> None:
        species = self.order.structure.species
        pair = closest_breach(positions, cell, species=species, safe=self.order.safe_distances)
        if pair is not None:
            self._stop(
                f"Atoms {self._names(pair.atoms)} must keep {pair.limit:.2f} Å apart",
                f"{pair.distance:.3f} Å",
                time_ps,
                pair.atoms,
            )

    def _neighbours(self, positions: Floats, cell: Floats, time_ps: float) -> None:
        if self.pod_cutoff is None:
            return
        least = _POD_LEAST_NEIGHBOURS
        alone = lonely_atom(positions, cell, reach=self.pod_cutoff, least=least)
        if alone is not None:
            self._stop(
                f"Every atom of a POD needs {least} neighbours within {self.pod_cutoff} Å",
                f"fewer around {self._names([alone])}",
                time_ps,
                (alone,),
            )

    def _names(self, atoms: list[int] | tuple[int, ...]) -> str:
        return " and ".join(f"{self.order.structure.species[i]} {i}" for i in atoms)

    def _stop(
        self, required: str, received: str, time_ps: float, atoms: list[int] | tuple[int, ...] = ()
    ) -> NoReturn:
        segment = self.order.segment
        raise Breach(
            required,
            received=f"{received} at {time_ps:.4g} ps of segment {segment.name!r}",
            remedy="shorten the time step, start from a relaxed structure or a lower temperature, "
            f"or improve the potential {self.order.potential.name} here",
            folder=self.order.folder,
            time_ps=time_ps,
            atoms=tuple(atoms),
        )


def watch(order: Order) -> Watch:
    """Return the watch over an order, with the volume of its structure as the start."""
    volume = float(order.structure.frame(-1).volumes[0])
    pair = order.potential.lammps
    return Watch(order, volume, None if pair is None else pod_cutoff(pair))
