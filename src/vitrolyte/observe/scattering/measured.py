"""Structure factors and pair functions as an experiment sees them.

A measured G(r) is not the pair function of the atoms. Its weights depend on Q, it is the transform
of a finite window, often tapered, and the instrument's resolution damps and broadens it. Here the
computed pair functions go the same way, so that both carry the same ripples.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.fft import dst, idst
from scipy.special import ndtr

from vitrolyte.data.curve import Axis, Curve, CurveSet
from vitrolyte.data.errors import InputError
from vitrolyte.data.observation import Observation, Sample, computed
from vitrolyte.data.quantity import Quantity
from vitrolyte.data.result import Result
from vitrolyte.data.trajectory import Trajectory
from vitrolyte.observe.pair_functions import largest_distance, pair_functions
from vitrolyte.observe.peaks import first_shell
from vitrolyte.observe.scattering.conversions import check_pairs
from vitrolyte.observe.scattering.probes import Probe, XRays, strength
from vitrolyte.observe.scattering.q_window import CITATIONS as WINDOW_CITATIONS
from vitrolyte.observe.scattering.q_window import FINEST_Q, Window, in_window, modification

Floats = NDArray[np.float64]

CITATIONS = ("10.1107/S0021889800019993", *WINDOW_CITATIONS)
_SMALLEST_SHARE = 0.01
_Q = Axis("scattering vector Q", "1/Å")
_R = Axis("distance", "Å")
_S = Axis("structure factor", "")
_G = Axis("reduced pair distribution", "1/Å²")


@dataclass(frozen=True, eq=False)
class MeasuredFunctions(Result):
    """What an experiment with a given window would show of a structure.

    Attributes
    ----------
    structure_factor
        S(Q) with the window's weights and resolution, before the modification.
    pair_function
        G(r) of PDFgui: ``as measured`` and, with the same weights taken at Q = 0 and nothing cut,
        ``ideal``.
    parts
        What each pair of species adds to G(r) as measured; their sum is the whole.
    peaks
        Where the first peak of each part stands, Å; parts of less than 1 % of the weight are left
        out.
    number_density
        Of all atoms, 1/Å³.
    probe
        ``X-ray`` or ``neutron``.
    window
        The window in words.
    """

    structure_factor: CurveSet
    pair_function: CurveSet
    parts: CurveSet
    peaks: Mapping[str, Quantity]
    number_density: float
    probe: str
    window: str

    def observations(self, sample: Sample) -> tuple[Observation, ...]:
        """Return the positions of the first peak of each pair's part of G(r)."""
        method = f"first peak of the part of G(r), {self.probe}, {self.window}"
        return tuple(
            computed(sample, "pdf_peak_position", position, of=pair, method=method)
            for pair, position in self.peaks.items()
        )


def as_measured(
    trajectory: Trajectory,
    window: Window,
    probe: Probe | None = None,
    *,
    r_max_A: float | None = None,
    bin_A: float = 0.02,
    max_frames: int | None = None,
) -> MeasuredFunctions:
    """Return S(Q) and G(r) of a trajectory as an experiment would give them.

    Partial g(r) are broadened and damped as the instrument does, transformed to S_ab(Q), weighted
    at each Q, cut to the window, multiplied by M(Q), and transformed back. Beyond ``r_max`` g(r)
    is taken to be 1, so that G(r) is given up to ``2 pi / q_max`` short of it, and S(Q) has ripples
    of the period ``2 pi / r_max``; the S(Q) of `scattering.scattering` has none.

    Parameters
    ----------
    trajectory
        Streamed; its cell may be triclinic and may change.
    window
        Range of Q, modification, damping and broadening.
    probe
        `XRays` (the default) or `Neutrons`, with ions or isotopes.
    r_max_A, bin_A, max_frames
        See `pair_functions.count_pairs`; without ``r_max_A`` half the smallest width of the cell.

    Raises
    ------
    InputError
        If the cell is too small for two periods of the window's ripples, the bins are too coarse
        for q_max, an element is unknown to the probe, or amplitudes cancel.

    References
    ----------
    Keen, J. Appl. Cryst. 34, 172 (2001), doi:10.1107/S0021889800019993; Farrow et al., J. Phys.:
    Condens. Matter 19, 335219 (2007), doi:10.1088/0953-8984/19/33/335219 (PDFgui).
    """
    reach = largest_distance(trajectory) if r_max_A is None else r_max_A
    pairs = pair_functions(trajectory, r_max_A=reach, bin_A=bin_A, max_frames=max_frames)
    return measured_from_pairs(
        pairs.partials,
        window,
        probe,
        fractions=pairs.fractions,
        number_density=pairs.number_density,
    )


def measured_from_pairs(
    partials: CurveSet,
    window: Window,
    probe: Probe | None = None,
    *,
    fractions: Mapping[str, float],
    number_density: float,
) -> MeasuredFunctions:
    """Return S(Q) and G(r) of known partial g(r) as an experiment would give them.

    Parameters
    ----------
    partials
        g_ab(r) of all pairs in the middles of equal bins from zero on, Å.
    window, probe
        See `as_measured`.
    fractions
        Atomic fraction of each element.
    number_density
        Of all atoms, rho0, 1/Å³.

    Raises
    ------
    InputError
        See `as_measured`.
    """
    check_pairs(partials, fractions)
    ray = probe or XRays()
    grid = _grid(partials.curves[0].x, window)
    how, still = strength(ray, fractions, grid.q), strength(ray, fractions, np.zeros(1))
    scale = 4.0 * np.pi * number_density
    parts = []
    for curve in partials.curves:
        weight = how.pair(curve.label) / how.divisor
        share = float((still.pair(curve.label) / still.divisor)[0])
        parts.append(_part(curve, (weight, share, scale), grid, window))
    return _whole(parts, grid, window, (ray, number_density))


@dataclass(frozen=True, eq=False)
class _Grid:
    r: Floats
    q: Floats
    n: int  # points in r and Q on which the sine transform has an exact inverse

    @property
    def step(self) -> float:
        return float(self.r[1] - self.r[0])

    def back(self, values: Floats) -> Floats:
        """Return ``(2 / pi) int Q f(Q) sin(Q r) dQ`` at each r, f cut off at q_max."""
        padded = np.zeros(self.n)
        padded[: len(self.q)] = self.q * values
        return np.asarray(idst(padded, type=2)[: len(self.r)] * 2.0 / self.step)


@dataclass(frozen=True, eq=False)
class _Part:
    """What one pair adds to S(Q) - 1, to the ideal G(r) and to the measured one."""

    label: str
    share: float
    factor: Floats
    ideal: Floats
    seen: Floats
    first: float


def _grid(r: Floats, window: Window) -> _Grid:
    step = float(r[1] - r[0])
    _check_reach(r, step, window)
    n = max(2 * len(r), math.ceil(np.pi / (FINEST_Q * step)))
    q = np.asarray(np.arange(1, n + 1) * np.pi / (n * step), dtype=float)
    return _Grid(r, q[q <= window.q_max + 1e-9], n)


def _part(curve: Curve, weights: tuple[Floats, float, float], grid: _Grid, window: Window) -> _Part:
    weight, share, scale = weights
    plain = scale * grid.r * (curve.y.real - 1.0)
    seen = np.pad(_by_instrument(plain, grid.r, window), (0, grid.n - len(grid.r)))
    sines = dst(seen, type=2)[: len(grid.q)] * grid.step / (2.0 * grid.q)
    alone = Curve(grid.q, 1.0 + weight * sines, _Q, _S)
    # Of S(0) each pair has its share, so that the parts add up to the whole.
    own = replace(window, s_of_zero=1.0 + (window.s_of_zero - 1.0) * share)
    factor = np.asarray(in_window(alone, own, grid.q).y.real - 1.0)
    met = np.flatnonzero(curve.y.real > 0)
    return _Part(
        label=curve.label,
        share=share,
        factor=factor,
        ideal=share * plain,
        seen=grid.back(factor * modification(grid.q, window)),
        first=float(grid.r[met[0]]) if len(met) else math.inf,
    )


def _whole(
    parts: list[_Part], grid: _Grid, window: Window, how: tuple[Probe, float]
) -> MeasuredFunctions:
    probe, number_density = how
    kept = grid.r <= grid.r[-1] - 2.0 * np.pi / window.q_max
    shown = grid.q >= window.q_min
    r = grid.r[kept]
    total = 1.0 + np.sum([part.factor for part in parts], axis=0)
    seen, ideal = (
        np.sum([getattr(part, name)[kept] for part in parts], axis=0) for name in ("seen", "ideal")
    )
    both = Curve(r, seen, _R, _G, label="as measured"), Curve(r, ideal, _R, _G, label="ideal")
    alone = [Curve(r, part.seen[kept], _R, _G, label=part.label) for part in parts]
    return MeasuredFunctions(
        structure_factor=CurveSet(
            f"S(Q) as measured ({window.words}), from g(r) to {grid.r[-1]:.1f} Å: ripples of "
            f"{2.0 * np.pi / grid.r[-1]:.2f} 1/Å and what lies below that are the box's",
            (Curve(grid.q[shown], total[shown], _Q, _S, label=probe.name),),
        ),
        pair_function=CurveSet("G(r) as measured", both),
        parts=CurveSet("Parts of G(r) as measured", tuple(alone)),
        peaks={
            part.label: _peak(part, r, number_density, np.pi / window.q_max)
            for part in parts
            if abs(part.share) >= _SMALLEST_SHARE
        },
        number_density=number_density,
        probe=probe.name,
        window=window.words,
    )


def _peak(part: _Part, r: Floats, number_density: float, width: float) -> Quantity:
    """Return where the first peak of a pair stands, from its part turned back into g(r)."""
    g = 1.0 + part.seen[: len(r)] / (4.0 * np.pi * number_density * r * part.share)
    # Ripples of the window grow as 1 / r towards the origin, where no pair was met.
    shell = first_shell(r, np.where(r > part.first - width, g, 0.0))
    if shell is None:
        return Quantity.refused("Å", "the part of G(r) shows no first peak")
    return Quantity(shell.peak, "Å", note="no error is given: the window's ripples are the limit")


def _check_reach(r: Floats, step: float, window: Window) -> None:
    fine = np.pi / step >= 2.0 * window.q_max
    if not fine or r[-1] < 4.0 * np.pi / window.q_max:
        raise InputError(
            f"A window up to {window.q_max:g} 1/Å needs pair functions in bins of at most "
            f"{np.pi / (2.0 * window.q_max):.3g} Å up to {4.0 * np.pi / window.q_max:.3g} Å",
            received=f"bins of {step:.3g} Å up to {r[-1]:.3g} Å",
            remedy="use narrower bins, a larger supercell or another window",
        )


def _by_instrument(plain: Floats, r: Floats, window: Window) -> Floats:
    """Return r [g(r) - 1] broadened and damped as PDFgui does."""
    seen = plain
    if window.q_broad > 0 and window.pair_spread_A > 0:
        half = (r[1] - r[0]) / 2.0
        width = window.pair_spread_A * window.q_broad * r
        # From each bin a Gaussian goes into all bins; its image at -r keeps the function odd.
        ends = np.array([r - half, r + half])
        low, high = ndtr((ends[:, :, None] - r) / width)
        low_image, high_image = ndtr((ends[:, :, None] + r) / width)
        seen = ((high - low) - (high_image - low_image)) @ plain
    return np.asarray(seen * np.exp(-0.5 * (r * window.q_damp) ** 2))
