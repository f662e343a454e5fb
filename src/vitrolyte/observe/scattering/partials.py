"""Structure factors, from the reciprocal vectors of the box itself and from pair functions.

The symbols follow Keen, J. Appl. Cryst. 34, 172 (2001), doi:10.1107/S0021889800019993, and
Faber & Ziman, Phil. Mag. 11, 153 (1965), doi:10.1080/14786436508211931; the page
``docs/conventions.md`` writes them out.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations_with_replacement

import numpy as np
from numpy.typing import NDArray

from vitrolyte.data.curve import Axis, Curve, CurveSet
from vitrolyte.data.errors import InputError
from vitrolyte.data.observation import Observation, Sample
from vitrolyte.data.result import Result
from vitrolyte.data.trajectory import Trajectory
from vitrolyte.observe.sampling import Sampling, Snapshot, sample
from vitrolyte.observe.scattering.form_factors import x_ray_form_factor
from vitrolyte.observe.scattering.wave_lattices import (
    Shell,
    ShellSums,
    WavePlan,
    shell_sums,
    wave_plan,
)
from vitrolyte.observe.threads import in_order

Floats = NDArray[np.float64]
CITATIONS = (
    "10.1080/14786436508211931",
    "10.1107/S0021889800019993",
    "10.1107/S0108767394013292",
)
Q_AXIS = Axis("scattering vector Q", "1/Å")
_S = Axis("structure factor", "")
_R = Axis("distance", "Å")
_G = Axis("pair distribution", "")


@dataclass(frozen=True)
class QRange:
    """Which scattering vectors are looked at.

    Attributes
    ----------
    q_max
        Greatest |Q|, 1/Å.
    width
        Width of a bin, 1/Å.
    budget
        About how many vectors in a frame; without it as many as a few seconds allow. See
        `wave_lattices.wave_plan`.
    seed
        Seed of the random choice where the vectors are too many for all.
    """

    q_max: float = 20.0
    width: float = 0.03
    budget: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        too_few = self.budget is not None and self.budget < 100
        if not (0 < self.width < self.q_max <= 75.0) or too_few:
            raise InputError(
                "A range of Q needs 0 < width < q_max <= 75 1/Å and at least 100 vectors",
                received=f"width {self.width}, q_max {self.q_max}, budget {self.budget}",
            )


@dataclass(frozen=True, eq=False)
class Scattering(Result):
    """Structure factors of a trajectory.

    Attributes
    ----------
    partials
        Faber-Ziman S_ab(Q), labelled ``Li-O``, each tending to 1.
    total
        X-ray weighted S(Q), tending to 1.
    vectors
        Number of reciprocal vectors behind each point.
    fractions
        Atomic fraction of each element.
    complete_to
        Up to here every reciprocal vector of the box was used, 1/Å; beyond, a random choice, in
        which Bragg peaks may be missed.
    frames
        Number of frames that were averaged.
    """

    partials: CurveSet
    total: CurveSet
    vectors: Curve
    fractions: Mapping[str, float]
    complete_to: float
    frames: int

    def observations(self, sample: Sample) -> tuple[Observation, ...]:  # noqa: ARG002
        """Return no row: a structure factor is a curve, compared as one."""
        return ()


@dataclass(frozen=True, eq=False)
class _Sums:
    """Sums over vectors and frames in bins of |Q|, apart by blocks of time."""

    products: Floats  # (n_blocks, n_pairs, n_bins), Re rho_a rho_b* / N
    q: Floats  # (n_blocks, n_bins)
    vectors: Floats  # (n_blocks, n_bins)


def scattering(
    trajectory: Trajectory, q_range: QRange | None = None, *, max_frames: int | None = 100
) -> Scattering:
    """Return the partial and X-ray structure factors straight from the positions.

    ``S_ab(Q) = 1 + [<rho_a(Q) rho_b(-Q)> / N - c_a delta_ab] / (c_a c_b)``, averaged over the
    reciprocal vectors of the box in each bin of |Q|. Nothing is transformed, so that there are no
    ripples of truncation and low Q is honest: the first point is the longest wave in the box. In a
    box that changes, |Q| is that of each frame. The total is

    ``S_X(Q) = 1 + sum_ab c_a c_b f_a(Q) f_b(Q) [S_ab(Q) - 1] / (sum_a c_a f_a(Q))^2``.

    Parameters
    ----------
    trajectory
        Streamed; its cell may be triclinic and may change.
    q_range
        Which Q; by default up to 20 1/Å in steps of 0.03.
    max_frames
        At most so many frames, evenly spread; None for all.
    """
    wanted = q_range or QRange()
    sampling = sample(trajectory, max_frames)
    plan = wave_plan(sampling, wanted.q_max, budget=wanted.budget, seed=wanted.seed)
    sums = _accumulate(sampling, plan, wanted)
    labels, partials = _partials(sampling, sums)
    found = sums.vectors.sum(axis=0)
    q = sums.q.sum(axis=0) / np.maximum(found, 1)
    filled = found > 0
    fractions = dict(zip(sampling.elements, map(float, sampling.fractions)))
    curves = tuple(
        Curve(q[filled], s[filled], Q_AXIS, _S, y_error=_error(blocks, filled), label=label)
        for label, (s, blocks) in zip(labels, partials)
    )
    partial_set = CurveSet("Partial structure factors (Faber-Ziman)", curves)
    return Scattering(
        partials=partial_set,
        total=CurveSet("X-ray structure factor", (x_ray_total(partial_set, fractions),)),
        vectors=Curve(q[filled], found[filled], Q_AXIS, Axis("vectors", ""), label="vectors"),
        fractions=fractions,
        complete_to=plan.complete_to,
        frames=len(sampling.chosen),
    )


def _accumulate(sampling: Sampling, plan: WavePlan, wanted: QRange) -> _Sums:
    n_species, n_bins = len(sampling.elements), math.ceil(wanted.q_max / wanted.width)
    products = np.zeros((sampling.n_blocks, n_species * (n_species + 1) // 2, n_bins))
    q_sum, counts = np.zeros((2, sampling.n_blocks, n_bins))
    outer, inner = plan.threads(n_species)

    def work(share: tuple[int, Snapshot, Shell]) -> tuple[int, ShellSums]:
        frame, snapshot, shell = share
        shift, bins = shell.shift(plan.seed, frame), (n_bins, wanted.width)
        found = shell_sums(sampling, snapshot, shell, shift=shift, bins=bins, threads=inner)
        return snapshot.block, found

    shares = (
        (frame, snapshot, shell) for frame, snapshot in enumerate(sampling) for shell in plan.shells
    )
    for block, found in in_order(work, shares, threads=outer):
        products[block] += found.products / sampling.trajectory.n_atoms
        q_sum[block] += found.q
        counts[block] += found.vectors
    return _Sums(products, q_sum, counts)


def _partials(sampling: Sampling, sums: _Sums) -> tuple[list[str], list[tuple[Floats, Floats]]]:
    """Return the labels and, for each, S_ab from everything and from each block of time."""
    labels, partials = [], []
    c = sampling.fractions
    pairs = combinations_with_replacement(range(len(c)), 2)
    for number, (a, b) in enumerate(pairs):
        own = c[a] if a == b else 0.0
        everything = sums.products[:, number].sum(axis=0) / np.maximum(sums.vectors.sum(axis=0), 1)
        blocks = sums.products[:, number] / np.maximum(sums.vectors, 1)
        scale = c[a] * c[b]
        labels.append(f"{sampling.elements[a]}-{sampling.elements[b]}")
        partials.append((1.0 + (everything - own) / scale, 1.0 + (blocks - own) / scale))
    return labels, partials


def _error(blocks: Floats, filled: NDArray[np.bool_]) -> Floats | None:
    """Return the standard error from at most twelve groups of blocks."""
    groups = [part.mean(axis=0) for part in np.array_split(blocks, min(12, len(blocks)))]
    if len(groups) < 2:
        return None
    return np.asarray(np.std(groups, axis=0, ddof=1)[filled] / math.sqrt(len(groups)))


def x_ray_total(partials: CurveSet, fractions: Mapping[str, float]) -> Curve:
    """Return the X-ray weighted S(Q) of Faber-Ziman partials."""
    q = partials.curves[0].x
    f = {element: x_ray_form_factor(element, q) for element in fractions}
    mean = sum((fractions[element] * f[element] for element in fractions), np.zeros(len(q)))
    total = np.ones(len(q))
    for curve in partials.curves:
        a, b = curve.label.split("-")
        twice = 1.0 if a == b else 2.0
        weight = twice * fractions[a] * fractions[b] * f[a] * f[b] / mean**2
        total += weight * (curve.y.real - 1.0)
    return Curve(q, total, Q_AXIS, _S, label="X-ray")


def lorch_window(x: Floats, x_max: float) -> Floats:
    """Return ``sin(pi x / x_max) / (pi x / x_max)``, zero beyond ``x_max``.

    References
    ----------
    Lorch, J. Phys. C 2, 229 (1969), doi:10.1088/0022-3719/2/2/305.
    """
    return np.asarray(np.where(np.abs(x) <= x_max, np.sinc(x / x_max), 0.0), dtype=float)


def structure_factor_from_pairs(
    g: Curve, number_density: float, q: Floats, *, window: bool = True
) -> Curve:
    """Return a Faber-Ziman partial from its pair function.

    ``S(Q) - 1 = 4 pi rho0 / Q  int r [g(r) - 1] M(r) sin(Q r) dr``

    Parameters
    ----------
    g
        g_ab(r) on equal steps, Å.
    number_density
        Of all atoms, rho0, 1/Å³.
    q
        Where it is wanted, 1/Å, positive.
    window
        Whether M(r) is the Lorch window (smooth but broadened by about pi / r_max) or 1.
    """
    step = g.x[1] - g.x[0]
    r = g.x
    damping = lorch_window(r, r[-1] + step / 2.0) if window else np.ones(len(r))
    integrand = r * (g.y.real - 1.0) * damping
    y = 1.0 + 4.0 * np.pi * number_density / q * (np.sin(np.outer(q, r)) @ integrand) * step
    return Curve(q, y, Q_AXIS, _S, label=g.label)


def pairs_from_structure_factor(
    s: Curve, number_density: float, r: Floats, *, window: bool = True
) -> Curve:
    """Return a pair function from its Faber-Ziman partial.

    ``g(r) - 1 = 1 / (2 pi^2 rho0 r)  int Q [S(Q) - 1] M(Q) sin(Q r) dQ``

    Parameters
    ----------
    s
        S_ab(Q), 1/Å, steps may differ.
    number_density
        Of all atoms, rho0, 1/Å³.
    r
        Where it is wanted, Å, positive.
    window
        Whether M(Q) is the Lorch window or 1.
    """
    q = s.x
    damping = lorch_window(q, float(q[-1])) if window else np.ones(len(q))
    integrand = q * (s.y.real - 1.0) * damping
    waves = np.sin(np.outer(r, q)) * integrand
    y = 1.0 + np.trapezoid(waves, q, axis=1) / (2.0 * np.pi**2 * number_density * r)
    return Curve(r, np.asarray(y, dtype=float), _R, _G, label=s.label)


def reduced_pair_function(g: Curve, number_density: float) -> Curve:
    """Return ``G(r) = 4 pi r rho0 [g(r) - 1]``, the PDF of crystallographers, 1/Å²."""
    y = 4.0 * np.pi * g.x * number_density * (g.y.real - 1.0)
    return Curve(g.x, y, _R, Axis("reduced pair distribution", "1/Å²"), label=g.label)
