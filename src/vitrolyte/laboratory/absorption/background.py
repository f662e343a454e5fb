"""The smooth background under a fine structure, by the distances that no atom can have."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import BSpline, CubicSpline

from vitrolyte.data.curve import Curve
from vitrolyte.data.errors import InputError
from vitrolyte.data.spectroscopy import CHI, WAVE_NUMBER
from vitrolyte.laboratory.absorption.edge import Edge
from vitrolyte.observe.exafs.paths import EV_TO_WAVE_NUMBER2
from vitrolyte.observe.exafs.transforms import STEP, Transform, wave_numbers, window

Floats = NDArray[np.float64]

CITATIONS = ("10.1103/PhysRevB.47.14126",)
_FEWEST_KNOTS = 5
_MOST_KNOTS = 128
_CLAMPED = 3
_CLAMP_SCALE = 0.1
_FINE_A = math.pi / (STEP * 2048)
_SHORTEST_K = 4.0


@dataclass(frozen=True)
class BackgroundSettings:
    """How a background is laid.

    Attributes
    ----------
    r_bkg_A
        Distances below this hold no atoms, and the background takes what is there, Å.
    weight
        Power of k in the transform that is made small.
    k_max
        End of the fine structure, 1/Å; None for that of the data.
    clamp
        How strongly the last points of the fine structure are drawn to zero.

    Raises
    ------
    InputError
        If a value is out of range.
    """

    r_bkg_A: float = 1.0
    weight: int = 1
    k_max: float | None = None
    clamp: float = 1.0

    def __post_init__(self) -> None:
        if not 0.2 <= self.r_bkg_A <= 3.0 or not 0 <= self.weight <= 3 or self.clamp < 0:
            raise InputError(
                "A background needs r_bkg_A of 0.2 to 3 Å, a weight of 0 to 3 and a clamp that is "
                "not negative",
                received=str(self),
            )


@dataclass(frozen=True, eq=False)
class FineStructureFound:
    """A fine structure with the background that was taken from under it.

    Attributes
    ----------
    chi
        χ(k) on the grid 0, 0.05 ... 1/Å.
    background
        (n,), μ0 at the energies of the spectrum; μ itself below the edge.
    knots
        Coefficients of its spline.
    """

    chi: Curve
    background: Floats
    knots: int


def fine_structure(mu: Curve, edge: Edge, settings: BackgroundSettings) -> FineStructureFound:
    r"""Return the fine structure of a spectrum and its background.

    .. math:: \chi(k) = \frac{\mu(E) - \mu_0(E)}{\Delta\mu}, \qquad
        k^2 = 2m (E - E_0) / \hbar^2

    The background is a cubic spline in k with as many coefficients as there are independent points
    below ``r_bkg``, :math:`1 + 2 R_{bkg} \Delta k / \pi`; they make the transform of
    :math:`k^w \chi` below that distance as small as can be. That is a linear problem, solved at
    once. Points closer than 0.05 1/Å are averaged first.

    Raises
    ------
    InputError
        If the spectrum ends too near to the edge.

    References
    ----------
    Newville, Livins, Yacoby, Rehr & Stern, Phys. Rev. B 47, 14126 (1993),
    doi:10.1103/PhysRevB.47.14126.
    """
    above = mu.x >= edge.e0_eV
    raw_k = np.sqrt((mu.x[above] - edge.e0_eV) * EV_TO_WAVE_NUMBER2)
    raw = np.asarray(mu.y.real[above], dtype=float)
    end = min(float(raw_k[-1]), settings.k_max or math.inf) if len(raw_k) else 0.0
    if end < _SHORTEST_K or len(raw_k) < 2 * _FEWEST_KNOTS:
        raise InputError(
            f"A fine structure needs a spectrum that reaches {_SHORTEST_K:g} 1/Å (61 eV) or more "
            "beyond the edge",
            received=f"{end:.2f} 1/Å in {len(raw_k)} points",
        )
    grid = wave_numbers(math.floor(end / STEP + 1e-6) + 1)
    knots = int(
        np.clip(1 + int(2.0 * settings.r_bkg_A * end / math.pi), _FEWEST_KNOTS, _MOST_KNOTS)
    )
    basis = _splines(end, knots)
    binned_k, binned = _binned(raw_k, raw)
    observed = _on_grid(binned_k, binned, grid)
    coefficients = _solved(observed, basis(grid), grid, settings)
    chi = (observed - basis(grid) @ coefficients) / edge.step.value
    background = mu.y.real.copy()
    background[above] = basis(np.minimum(raw_k, end)) @ coefficients
    return FineStructureFound(Curve(grid, chi, WAVE_NUMBER, CHI), background, knots)


def _splines(end: float, count: int) -> BSpline:
    """Return cubic B-splines over 0 ... end, as a function that gives (n, count)."""
    # No knot next to either end, as in an interpolating spline: the edge itself is left alone.
    inner = np.linspace(0.0, end, count)[2:-2]
    knots = np.concatenate([[0.0] * 4, inner, [end] * 4])
    return BSpline(knots, np.eye(count), 3, extrapolate=True)


def _binned(k: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Return the averages of points that lie in one step of the grid."""
    place = np.rint(k / STEP).astype(np.int64)
    _, place = np.unique(place, return_inverse=True)
    counts = np.bincount(place)
    return np.bincount(place, k) / counts, np.bincount(place, y) / counts


def _on_grid(k: Floats, y: Floats, grid: Floats) -> Floats:
    return np.asarray(CubicSpline(k, y)(np.clip(grid, k[0], k[-1])), dtype=float)


def _solved(observed: Floats, basis: Floats, k: Floats, settings: BackgroundSettings) -> Floats:
    """Return the coefficients that leave the least below r_bkg."""
    end = float(k[-1])
    weights = window(k, Transform(0.0, end, 0.1, settings.weight)) * k**settings.weight
    # The last distance is that of the last coefficient; the points lie densely enough for all.
    reach = (basis.shape[1] - 1) * math.pi / (2.0 * end)
    distances = np.arange(0.0, reach + _FINE_A, _FINE_A)
    waves = np.exp(-2j * np.outer(distances, k)) * weights * STEP / math.sqrt(math.pi)
    clamp = np.zeros((_CLAMPED, len(k)))
    clamp[np.arange(_CLAMPED), np.arange(len(k) - _CLAMPED, len(k))] = _CLAMP_SCALE * settings.clamp
    matrix = np.concatenate([waves.real, waves.imag, clamp])
    found, *_ = np.linalg.lstsq(matrix @ basis, matrix @ observed, rcond=1e-10)
    return np.asarray(found, dtype=float)
