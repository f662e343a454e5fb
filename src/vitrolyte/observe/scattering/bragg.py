"""Bragg reflections of a periodic structure, and its powder pattern line by line."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vitrolyte.data.curve import Axis, Curve, CurveSet
from vitrolyte.data.errors import InputError
from vitrolyte.data.observation import Observation, Sample
from vitrolyte.data.result import Result
from vitrolyte.data.trajectory import Trajectory
from vitrolyte.observe.sampling import Sampling, sample
from vitrolyte.observe.scattering.density_waves import WaveVectors, density_waves, vectors_within
from vitrolyte.observe.scattering.diffraction import Diffraction, scattered_angle
from vitrolyte.observe.scattering.optics import Diffractometer, q_per_degree, spread
from vitrolyte.observe.scattering.probes import Probe, XRays

Floats = NDArray[np.float64]

MOST_VECTORS = 1_000_000
_SAME_Q = 1e-6
_Q = Axis("scattering vector Q", "1/Å")


@dataclass(frozen=True, eq=False)
class Reflections(Result):
    """Reflections of a periodic structure, those of equal |Q| together.

    Attributes
    ----------
    intensities
        ``sum |F|^2 / N`` over all vectors of a |Q|, in e² or barn per atom, against |Q|.
    multiplicities
        Number of vectors of that |Q|, +Q and -Q both counted.
    indices
        Indices h, k, l of one of them, in the cell of the structure.
    volume
        Of the cell, Å³, mean over the frames.
    n_atoms
        In the cell.
    probe
        ``X-ray`` or ``neutron``.
    """

    intensities: Curve
    multiplicities: Curve
    indices: tuple[tuple[int, int, int], ...]
    volume: float
    n_atoms: int
    probe: str

    @property
    def spacings(self) -> Floats:
        """Return the lattice spacings ``d = 2 pi / Q``, Å."""
        return np.asarray(2.0 * np.pi / self.intensities.x)

    def observations(self, sample: Sample) -> tuple[Observation, ...]:  # noqa: ARG002
        """Return no row: the reflections of a model are compared as a pattern."""
        return ()


def reflections(
    structure: Trajectory,
    q_max: float,
    probe: Probe | None = None,
    *,
    displacement_B_A2: float | Mapping[str, float] = 0.0,
    max_frames: int | None = 20,
) -> Reflections:
    """Return the reflections of a cell, ``F(hkl) = sum_j b_j exp(i Q r_j) exp(-B_j s^2)``.

    ``s = Q / 4 pi``. Every reciprocal vector of the cell is a reflection, so that a single unit
    cell gives those of the crystal, and a large box all the scattering that it has. ``|F|^2`` is
    averaged over the frames, in the mean cell.

    Parameters
    ----------
    structure
        One frame or more; a unit cell or a box.
    q_max
        Greatest |Q|, 1/Å.
    probe
        `XRays` (the default) or `Neutrons`.
    displacement_B_A2
        Isotropic B of all species or of each, Å², for a structure at rest; 0 for moving atoms.
    max_frames
        At most so many frames, evenly spread.

    Raises
    ------
    InputError
        If q_max is not positive or the box holds more than a million vectors up to there.
    """
    sampling = sample(structure, max_frames)
    cell = sampling.cells.mean(axis=0)
    volume = abs(float(np.linalg.det(cell)))
    expected = volume * q_max**3 / (12.0 * np.pi**2)
    if not q_max > 0 or expected > MOST_VECTORS:
        raise InputError(
            f"Reflections are listed up to a positive q_max, {MOST_VECTORS} vectors at most",
            received=f"q_max {q_max:g} 1/Å, about {expected:.3g} vectors",
            remedy="lower q_max, or use `diffraction` on the structure factors of a large box",
        )
    vectors = WaveVectors(vectors_within(cell, q_max), q_max)
    q = vectors.lengths(cell)
    factors = _amplitudes(sampling, probe or XRays(), q, displacement_B_A2)
    squared = np.zeros(len(q))
    for snapshot in sampling:
        squared += np.abs((factors * density_waves(sampling, snapshot, vectors)).sum(axis=0)) ** 2
    squared /= len(sampling.chosen) * structure.n_atoms
    return _together(q, squared, vectors, (volume, structure.n_atoms, probe or XRays()))


def _amplitudes(
    sampling: Sampling, probe: Probe, q: Floats, displacement: float | Mapping[str, float]
) -> NDArray[np.complex128]:
    given = displacement if isinstance(displacement, Mapping) else {}
    same = 0.0 if isinstance(displacement, Mapping) else displacement
    spreads = np.array([given.get(element, same) for element in sampling.elements])
    damping = np.exp(-np.outer(spreads, (q / (4.0 * np.pi)) ** 2))
    return np.asarray(probe.amplitudes(sampling.elements, q) * damping)


def _together(
    q: Floats, squared: Floats, vectors: WaveVectors, about: tuple[float, int, Probe]
) -> Reflections:
    volume, n_atoms, probe = about
    order = np.argsort(q, kind="stable")
    starts = np.flatnonzero(np.diff(q[order], prepend=-1.0) > _SAME_Q * np.maximum(q[order], 1.0))
    counts = np.diff(starts, append=len(order))
    length = np.add.reduceat(q[order], starts) / counts
    total = 2.0 * np.add.reduceat(squared[order], starts)
    chosen = _first_of_each(vectors.indices[order], np.repeat(np.arange(len(starts)), counts))
    unit = f"{probe.unit}/atom"
    return Reflections(
        intensities=Curve(length, total, _Q, Axis("squared amplitude", unit), label=probe.name),
        multiplicities=Curve(length, 2.0 * counts, _Q, Axis("vectors", ""), label="multiplicity"),
        indices=tuple((int(h), int(k), int(m)) for h, k, m in chosen),
        volume=volume,
        n_atoms=n_atoms,
        probe=probe.name,
    )


def _first_of_each(indices: NDArray[np.int64], group: NDArray[np.intp]) -> NDArray[np.int64]:
    """Return of each group the vector with the greatest h, then k, then l: 311 rather than 1-13."""
    h, k, m = indices.T
    upward = (h > 0) | ((h == 0) & ((k > 0) | ((k == 0) & (m > 0))))
    turned = np.where(upward[:, None], indices, -indices)
    order = np.lexsort((-turned[:, 2], -turned[:, 1], -turned[:, 0], group))
    first = np.flatnonzero(np.diff(group[order], prepend=-1))
    return np.asarray(turned[order][first])


def bragg_pattern(
    structure: Trajectory | Reflections,
    diffractometer: Diffractometer | None = None,
    probe: Probe | None = None,
    *,
    displacement_B_A2: float | Mapping[str, float] = 0.0,
) -> Diffraction:
    """Return the powder pattern of a periodic structure from its reflections.

    ``I(2 theta) = sum_Q (|F|^2 / N) (2 pi)^3 / (4 pi V Q^2) P(2 theta) / (dQ / d2theta)``, each
    reflection as a peak of the instrument. The factor ``1 / (Q^2 cos theta)`` is the Lorentz
    factor of a powder, ``1 / (sin^2 theta cos theta)``; the scale is absolute, that of
    `diffraction.diffraction`, so that a crystal in a supercell and its unit cell agree. For a
    glass, whose box must stand for a continuum, use that one.

    Parameters
    ----------
    structure
        A unit cell or a box, or its reflections (then probe and displacement are those of them).
    diffractometer
        Wavelengths, polarisation, widths; by default copper K-alpha-1 and 0.1 degrees.
    probe
        `XRays` (the default) or `Neutrons`.
    displacement_B_A2
        See `reflections`.

    Raises
    ------
    InputError
        See `reflections`.
    """
    optics = diffractometer or Diffractometer()
    found = (
        structure
        if isinstance(structure, Reflections)
        else reflections(structure, _q_needed(optics), probe, displacement_B_A2=displacement_B_A2)
    )
    q, strength = found.intensities.x, found.intensities.y.real
    polarises = found.probe == XRays.name
    pattern = np.zeros(len(optics.angles))
    for wavelength, weight in optics.lines:
        angle = scattered_angle(q, wavelength)
        lorentz = (2.0 * math.pi) ** 3 / (4.0 * math.pi * found.volume * q**2)
        areas = weight * strength * lorentz / q_per_degree(angle, wavelength)
        areas *= optics.polarised(angle) if polarises else 1.0
        pattern += spread(optics, angle, areas, wavelength)
    unit = "e²/atom" if polarises else "barn/sr/atom"
    axes = Axis("2 theta", "deg"), Axis("intensity", unit)
    curve = Curve(optics.angles, pattern, *axes, label=found.probe)
    return Diffraction(CurveSet("Powder diffraction", (curve,)), optics.lines[0][0])


def _q_needed(optics: Diffractometer) -> float:
    """Return |Q| of the last angle, for the shortest wavelength, with room for a peak beyond it."""
    shortest = min(wavelength for wavelength, _ in optics.lines)
    last = math.radians(min(179.0, optics.two_theta_deg[1] + 2.0)) / 2.0
    return 4.0 * math.pi * math.sin(last) / shortest
