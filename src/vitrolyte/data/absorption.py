"""What X-ray absorption fine structure is made of: clusters, spectra and scattering paths."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vitrolyte.data.elements import atomic_number
from vitrolyte.data.errors import InputError

Floats = NDArray[np.float64]

NEAREST_A = 0.6
"""Two atoms nearer than this cannot both be there: the shortest bond of all, H-H, is 0.74 Å."""


@dataclass(frozen=True, eq=False)
class Cluster:
    """The atoms round one absorber, the absorber first, the others by rising distance.

    Attributes
    ----------
    elements
        (n,) element symbols.
    positions
        (n, 3), Å, relative to the absorber.

    Raises
    ------
    InputError
        If the shapes differ, the absorber is not at the origin, it stands alone, an element is
        unknown, or two atoms are nearer than 0.6 Å to the absorber.
    """

    elements: tuple[str, ...]
    positions: Floats

    def __post_init__(self) -> None:
        if np.shape(self.positions) != (len(self.elements), 3) or len(self.elements) < 2:
            raise InputError(
                "A cluster is an absorber with at least one neighbour",
                received=f"{len(self.elements)} elements, positions {np.shape(self.positions)}",
                remedy="enlarge the radius of the cluster",
            )
        for element in set(self.elements):
            atomic_number(element)
        distances = self.distances
        if distances[0] > 1e-9 or np.any(np.diff(distances) < -1e-4) or distances[1] < NEAREST_A:
            raise InputError(
                "A cluster has its absorber at the origin and the others by rising distance, "
                f"none nearer than {NEAREST_A} Å",
                received=f"distances {distances[:4]}",
                remedy="check the structure for overlapping atoms",
            )

    @property
    def distances(self) -> Floats:
        """Return the distances from the absorber, (n,), Å."""
        return np.asarray(np.linalg.norm(self.positions, axis=1), dtype=float)


@dataclass(frozen=True, eq=False)
class FineStructure:
    """The fine structure of one absorber.

    Attributes
    ----------
    k
        (n,), photoelectron wave number above the threshold of this absorber, 1/Å.
    chi
        (n,), the relative change of absorption.
    threshold_eV
        Fermi level of the calculation, from which k counts, eV.
    """

    k: Floats
    chi: Floats
    threshold_eV: float


@dataclass(frozen=True, eq=False)
class ScatteringPath:
    """How a photoelectron comes back along one path: the tables of the EXAFS equation.

    Attributes
    ----------
    elements
        The atoms along the path, the absorber first.
    reference_A
        Half the length of the path, Å.
    degeneracy
        How many paths of this kind there are.
    k
        (n,), 1/Å, rising; the following are functions of it.
    amplitude
        (n,), scattering amplitude times the reduction by the central atom, Å.
    phase
        (n,), phase shift of central atom and scatterers together, rad.
    mean_free_path
        (n,), Å.
    momentum
        (n,), real part of the complex wave number, 1/Å.
    """

    elements: tuple[str, ...]
    reference_A: float
    degeneracy: float
    k: Floats
    amplitude: Floats
    phase: Floats
    mean_free_path: Floats
    momentum: Floats

    @property
    def label(self) -> str:
        """Return the path by its atoms: ``Zr-O``, ``Zr-O-Cl``."""
        return "-".join(self.elements)
