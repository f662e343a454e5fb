"""Powder diffraction of crystals and glasses by one route, and the search for Bragg peaks."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vitrolyte.data.curve import Axis, Curve, CurveSet
from vitrolyte.data.errors import InputError
from vitrolyte.data.observation import Observation, Sample, computed
from vitrolyte.data.quantity import Quantity
from vitrolyte.data.result import Result
from vitrolyte.data.trajectory import Trajectory
from vitrolyte.observe.sampling import Sampling, sample
from vitrolyte.observe.scattering.density_waves import WaveVectors, density_waves, wave_vectors
from vitrolyte.observe.scattering.form_factors import x_ray_form_factor
from vitrolyte.observe.scattering.optics import Diffractometer, spread
from vitrolyte.observe.scattering.partials import Scattering
from vitrolyte.observe.scattering.probes import Probe, XRays
from vitrolyte.observe.scattering.totals import total_factor

Floats = NDArray[np.float64]
COPPER_K_ALPHA_A = 1.5406
"""Cu K-alpha-1 wavelength, Å (Hölzer et al., Phys. Rev. A 56, 4554 (1997): 1.540593)."""

EULER_GAMMA = 0.5772156649015329
_Q_AXIS = Axis("scattering vector Q", "1/Å")
_NEIGHBOURHOOD = 101
_FEWEST_ATOMS = 60
_SLACK = 3.0


@dataclass(frozen=True, eq=False)
class Diffraction(Result):
    """A powder pattern.

    Attributes
    ----------
    pattern
        I(2 theta) per atom: electron units, for neutrons barn/sr.
    wavelength_A
        Å, the first line where there are several.
    """

    pattern: CurveSet
    wavelength_A: float

    def observations(self, sample: Sample) -> tuple[Observation, ...]:  # noqa: ARG002
        """Return no row: a pattern is a curve, compared as one."""
        return ()


def scattered_angle(q: Floats, wavelength_A: float) -> Floats:
    """Return 2 theta in degrees: ``Q = 4 pi sin(theta) / lambda``; NaN where Q is out of reach."""
    sine = np.asarray(q, dtype=float) * wavelength_A / (4.0 * np.pi)
    return np.degrees(2.0 * np.arcsin(np.where(sine <= 1.0, sine, np.nan)))


def scattering_vector(two_theta_deg: Floats, wavelength_A: float) -> Floats:
    """Return Q in 1/Å of an angle 2 theta in degrees."""
    theta = np.radians(np.asarray(two_theta_deg, dtype=float)) / 2.0
    return np.asarray(4.0 * np.pi * np.sin(theta) / wavelength_A, dtype=float)


def diffraction(
    structure_factors: Scattering,
    instrument: float | Diffractometer = COPPER_K_ALPHA_A,
    *,
    resolution: float = 0.1,
    probe: Probe | None = None,
) -> Diffraction:
    """Return the powder pattern that belongs to structure factors, crystal or glass alike.

    ``I(Q) / N = sum_a c_a |b_a|^2 + sum_ab c_a c_b b_a b_b (S_ab - 1)``, times the polarisation,
    ``(1 + cos^2 2 theta) / 2`` for X-rays of an unpolarised beam. Because S_ab is the mean over all
    directions of Q, the Lorentz factor and the multiplicities of a powder are in it already. It
    ends where the box's reciprocal vectors are no longer complete. For a single unit cell, whose
    vectors lie far apart, use `bragg.bragg_pattern`.

    Parameters
    ----------
    structure_factors
        From `scattering.scattering`.
    instrument
        A wavelength in Å (copper K-alpha-1 by default), or a whole diffractometer: doublet,
        polarisation, profile and angles.
    resolution
        Full width at half maximum to which the pattern is smoothed, 1/Å. A periodic box of edge L
        knows nothing finer than ``2 pi / L``.
    probe
        `XRays` (the default) or `Neutrons`.

    Raises
    ------
    InputError
        If the wavelength or the resolution is not positive, or the wavelength reaches no computed
        Q.
    """
    ray = probe or XRays()
    q = structure_factors.partials.curves[0].x
    optics = instrument if isinstance(instrument, Diffractometer) else None
    lines = optics.lines if optics else ((float(instrument), 1.0),)  # type: ignore[arg-type]
    for wavelength, _ in lines:
        if wavelength <= 0 or resolution <= 0 or wavelength * q[0] >= 4.0 * math.pi:
            raise InputError(
                "A pattern needs a wavelength that brings the computed Q within 180 degrees and a "
                "positive resolution",
                received=f"wavelength {wavelength} Å, resolution {resolution} 1/Å",
                remedy=f"use a wavelength below {4.0 * math.pi / q[0]:.3g} Å",
            )
    last = min(structure_factors.complete_to, 0.999 * 4.0 * math.pi / lines[0][0])
    grid = np.arange(q[0], last, resolution / 5.0)
    smooth = Curve(grid, _smoothed(structure_factors, grid, resolution, ray), _Q_AXIS, _Q_AXIS)
    angle, intensity = (
        _plain(smooth, lines[0][0], ray) if optics is None else _seen(smooth, optics, ray)
    )
    unit = "e²/atom" if ray.polarises else "barn/sr/atom"
    axes = Axis("2 theta", "deg"), Axis("intensity", unit)
    curve = Curve(angle, intensity, *axes, label=ray.name)
    return Diffraction(CurveSet("Powder diffraction", (curve,)), lines[0][0])


def _plain(smooth: Curve, wavelength_A: float, probe: Probe) -> tuple[Floats, Floats]:
    """Return the pattern of one wavelength and an unpolarised beam, without a profile."""
    angle = scattered_angle(smooth.x, wavelength_A)
    cosine = np.cos(np.radians(angle))
    factor = (1.0 + cosine**2) / 2.0 if probe.polarises else np.ones(len(angle))
    return angle, np.asarray(smooth.y.real * factor, dtype=float)


def _seen(smooth: Curve, optics: Diffractometer, probe: Probe) -> tuple[Floats, Floats]:
    """Return the pattern on the angles of a diffractometer, as far as Q is known for each line."""
    total, reached = np.zeros(len(optics.angles)), np.ones(len(optics.angles), dtype=bool)
    for wavelength, weight in optics.lines:
        ends = scattered_angle(smooth.x, wavelength)
        first, last = float(ends[0]), float(np.nanmax(ends))
        angle = np.arange(first, last, optics.step_deg)
        areas = np.interp(scattering_vector(angle, wavelength), smooth.x, smooth.y.real)
        areas *= optics.polarised(angle) if probe.polarises else 1.0
        shown = spread(optics, angle, areas, wavelength)
        # Where the profile is cut off at an end it is divided by what it makes of a flat pattern.
        level = spread(optics, angle, np.ones(len(angle)), wavelength)
        reached &= (optics.angles >= first) & (optics.angles <= last) & (level > 0)
        total += weight * shown / np.where(level > 0, level, 1.0)
    return optics.angles[reached], total[reached]


def _smoothed(
    structure_factors: Scattering, grid: Floats, resolution: float, probe: Probe
) -> Floats:
    """Return the intensity on a grid, each point weighted with the vectors behind it."""
    q, vectors = structure_factors.vectors.x, structure_factors.vectors.y.real
    sigma = resolution / math.sqrt(8.0 * math.log(2.0))
    known = q <= structure_factors.complete_to
    distance = np.subtract.outer(grid, q[known]) / sigma
    # Where the box has no vector nearby the nearest one speaks.
    weights = np.exp(-0.5 * (distance**2 - (distance**2).min(axis=1, keepdims=True)))
    weights *= vectors[known]
    intensity = powder_intensity(structure_factors, probe)[known]
    return np.asarray(weights @ intensity / weights.sum(axis=1))


def powder_intensity(structure_factors: Scattering, probe: Probe | None = None) -> Floats:
    """Return the coherent intensity per atom at each Q, e² or barn/sr, (n,)."""
    total = total_factor(
        structure_factors.partials, structure_factors.fractions, probe or XRays(), "I(Q)"
    )
    return np.asarray(total.y.real, dtype=float)


@dataclass(frozen=True, eq=False)
class BraggSearch(Result):
    """Whether any density wave stands out of the smooth scattering as a Bragg peak does.

    Attributes
    ----------
    amorphous
        True where the strongest wave is what chance gives.
    bragg_order
        Intensity of the strongest wave over that of all atoms scattering in phase: 1 for a
        perfect crystal at rest, of the order of 1/N for a liquid.
    strongest
        The same wave's intensity over the smooth level of its surroundings.
    expected
        What chance gives for that in a liquid: ``ln M + 0.577`` for M vectors.
    chance
        Probability that chance gives as much or more.
    peak_q
        |Q| of the strongest wave, 1/Å.
    vectors
        Number of vectors that were searched.
    """

    amorphous: bool
    bragg_order: Quantity
    strongest: float
    expected: float
    chance: float
    peak_q: float
    vectors: int

    def observations(self, sample: Sample) -> tuple[Observation, ...]:
        """Return the row of the Bragg order."""
        method = "strongest X-ray density wave against the exponential law of a liquid's speckle"
        return (computed(sample, "bragg_order", self.bragg_order, of="X-ray", method=method),)


def x_ray_waves(sampling: Sampling, vectors: WaveVectors) -> tuple[Floats, Floats, Floats]:
    """Return |Q|, mean intensity and that of all atoms in phase, each (n_vectors,).

    The intensity ``|sum_j f_j exp(i Q r_j)|^2`` is averaged over the frames.
    """
    cell = sampling.cells.mean(axis=0)
    q = vectors.lengths(cell)
    f = np.array([x_ray_form_factor(element, q) for element in sampling.elements])
    intensity = np.zeros(len(q))
    for snapshot in sampling:
        intensity += np.abs((f * density_waves(sampling, snapshot, vectors)).sum(axis=0)) ** 2
    in_phase = (f * sampling.counts[:, None]).sum(axis=0) ** 2
    return q, intensity / len(sampling.chosen), in_phase


def smooth_level(q: Floats, intensity: Floats) -> Floats:
    """Return the smooth part of the scattering at each vector, (n,).

    In a disordered system each |rho_Q|^2 follows an exponential law whose median is ln 2 times
    its mean, so the median over the hundred vectors nearest in |Q|, over ln 2, is the smooth
    level and does not feel a few Bragg peaks among them.
    """
    order = np.argsort(q, kind="stable")
    window = min(_NEIGHBOURHOOD, len(q) - (len(q) + 1) % 2)
    padded = np.pad(intensity[order], window // 2, mode="reflect")
    medians = np.median(np.lib.stride_tricks.sliding_window_view(padded, window), axis=1)
    level = np.empty(len(q))
    level[order] = medians / math.log(2.0)
    return level


def bragg_search(
    trajectory: Trajectory, *, q_min: float = 1.0, q_max: float = 6.0, max_frames: int = 20
) -> BraggSearch:
    """Return whether a structure has Bragg peaks, judged against a null model.

    For a liquid or a glass ``|rho_Q|^2 / <|rho_Q|^2>`` follows ``exp(-x)`` at each reciprocal
    vector, so the greatest of M is ``ln M + 0.577`` on average (Gumbel); averaging over frames
    only lowers it. A crystal's is of the order of the number of atoms. The structure is called
    amorphous where the greatest is below three times the expectation, which leaves room for a
    smooth level that varies within the window.

    Parameters
    ----------
    trajectory
        Frames of one state.
    q_min, q_max
        Range of |Q|, 1/Å.
    max_frames
        At most so many frames.

    Raises
    ------
    InputError
        If the box holds fewer than 50 vectors in this range, or fewer than 60 atoms.

    References
    ----------
    Goodman, Statistical Optics (speckle statistics), Wiley 1985; Gumbel, Statistics of Extremes,
    Columbia University Press 1958, doi:10.7312/gumb92958.
    """
    sampling = sample(trajectory, max_frames)
    vectors = bragg_vectors(sampling, q_min, q_max)
    q, intensity, in_phase = x_ray_waves(sampling, vectors)
    floor = 1e-6 * in_phase / trajectory.n_atoms
    contrast = intensity / np.maximum(smooth_level(q, intensity), floor)
    top = int(contrast.argmax())
    strongest, expected = float(contrast[top]), math.log(len(q)) + EULER_GAMMA
    chance = -math.expm1(len(q) * math.log1p(-math.exp(-strongest))) if strongest < 700 else 0.0
    amorphous = strongest < _SLACK * expected
    return BraggSearch(
        amorphous=amorphous,
        bragg_order=_order(float(intensity[top] / in_phase[top]), strongest, expected, amorphous),
        strongest=strongest,
        expected=expected,
        chance=chance,
        peak_q=float(q[top]),
        vectors=len(q),
    )


def _order(value: float, strongest: float, expected: float, amorphous: bool) -> Quantity:
    verdict = "no Bragg peak" if amorphous else "Bragg peaks"
    note = (
        f"{verdict}: the strongest wave is {strongest:.3g} times the smooth level, "
        f"{expected:.3g} expected by chance"
    )
    return Quantity(value, "1", note=note)


def bragg_vectors(sampling: Sampling, q_min: float, q_max: float) -> WaveVectors:
    """Return the vectors of the mean box in a range of |Q|.

    Raises
    ------
    InputError
        If there are fewer than 50, or fewer than 60 atoms.
    """
    cell = sampling.cells.mean(axis=0)
    vectors = wave_vectors(cell, q_max, budget=60000)
    lengths = vectors.lengths(cell)
    use = (lengths >= q_min) & (lengths <= vectors.complete_to)
    n_atoms = sampling.trajectory.n_atoms
    if use.sum() < 50 or n_atoms < _FEWEST_ATOMS:
        # In a crystal's own cell every vector is a reflection, and no smooth level is left.
        raise InputError(
            "The search for Bragg peaks needs at least 50 reciprocal vectors of the box and "
            f"{_FEWEST_ATOMS} atoms in it",
            received=f"{int(use.sum())} between {q_min} and {q_max} 1/Å, {n_atoms} atoms",
            remedy="use a larger supercell or a wider range",
        )
    return WaveVectors(vectors.indices[use], vectors.complete_to)
