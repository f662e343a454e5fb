"""The distinct part of the van Hove function: where the other ions are after a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import combinations_with_replacement
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vitrolyte.data.curve import Axis, Curve, CurveSet
from vitrolyte.data.errors import InputError
from vitrolyte.data.observation import Observation, Sample
from vitrolyte.data.result import Result
from vitrolyte.data.trajectory import Trajectory
from vitrolyte.matter.periodic import perpendicular_widths
from vitrolyte.observe.pair_kernels import columns, count_frame
from vitrolyte.observe.sampling import Sampling, sample
from vitrolyte.observe.spread import Spread, spread
from vitrolyte.observe.threads import in_order
from vitrolyte.observe.tracks import Tracks, time_step

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
CITATIONS = ("10.1103/PhysRev.95.249",)

_R = Axis("distance from where an ion was", "Å")
_G = Axis("G_d(r, t)", "")
_TIME = Axis("lag time", "ps")
_FILLED = Axis("other ions where one was", "")
_BLOCKS = 12


@dataclass(frozen=True)
class DistinctSettings:
    """How the distinct part is counted.

    Attributes
    ----------
    lags
        Number of lags, logarithmically spread from one step to ``longest`` of the run.
    origins
        Most time origins, evenly spread.
    longest
        Greatest lag over the length of the run.
    r_max_A
        Range, Å; half the smallest width of the cell, but at most 10 Å, by default.
    bin_A
        Width of a bin, Å.
    near_A
        An ion this near to where another one was has taken its place, Å.
    memory_MB
        Bound on the frames kept at a time; fewer origins are taken where they are large.

    Raises
    ------
    InputError
        If a number is out of range.
    """

    lags: int = 6
    origins: int = 48
    longest: float = 0.5
    r_max_A: float | None = None
    bin_A: float = 0.1
    near_A: float = 1.0
    memory_MB: float = 512.0

    def __post_init__(self) -> None:
        if self.lags < 1 or self.origins < 1 or not 0 < self.longest < 1 or not self.bin_A > 0:
            raise InputError(
                "The distinct part needs a lag, a time origin, and bins of a width",
                received=f"lags {self.lags}, origins {self.origins}, longest {self.longest:g}, "
                f"bin {self.bin_A:g} Å",
            )


@dataclass(frozen=True, eq=False)
class DistinctMotion(Result):
    """The distinct part of the van Hove function of one pair of species.

    Attributes
    ----------
    pair
        ``Li-O``.
    curves
        G_d(r, t) at time zero, where it is the pair distribution, and at a few lags.
    filled
        Mean number of other ions within a short distance of where an ion was, against time: of
        like ions it rises where one follows another.
    """

    pair: str
    curves: CurveSet
    filled: CurveSet

    def observations(self, sample: Sample) -> tuple[Observation, ...]:  # noqa: ARG002
        """Return no row: the curves speak."""
        return ()


@dataclass(frozen=True, eq=False)
class DistinctVanHove(Result):
    """The distinct part of the van Hove function of each pair of species.

    Attributes
    ----------
    duration_ps
        Length of the run.
    parts
        One for each pair.
    """

    duration_ps: float
    parts: tuple[DistinctMotion, ...]

    def __getitem__(self, pair: str) -> DistinctMotion:
        turned = "-".join(reversed(pair.split("-")))
        return next(part for part in self.parts if part.pair in (pair, turned))

    def observations(self, sample: Sample) -> tuple[Observation, ...]:
        """Return the rows of every pair."""
        return tuple(row for part in self.parts for row in part.observations(sample))


def distinct_van_hove(
    trajectory: Trajectory, *, settings: DistinctSettings | None = None
) -> DistinctVanHove:
    r"""Return the distinct part of the van Hove function of each pair of species.

    .. math:: G_d^{ab}(r, t) = \frac{V}{N_a N_b} \left\langle \sum_{i \in a, j \in b, j \ne i}
        \delta[r - |r_j(t_0 + t) - r_i(t_0)|] \right\rangle / 4 \pi r^2

    One far away and at long times, and the pair distribution at time zero. Distances are taken
    between fractional coordinates, the centre of mass at rest, in the mean of the two cells, so
    that a cell that breathes adds no motion; both orders of an unlike pair are averaged.

    Parameters
    ----------
    trajectory
        At equally spaced times; the cell may change and be triclinic.

    Raises
    ------
    InputError
        If the times are not equally spaced, the frames too few, or the range exceeds half the
        smallest width of the cell.

    References
    ----------
    Van Hove, Phys. Rev. 95, 249 (1954), https://doi.org/10.1103/PhysRev.95.249
    """
    settings = settings or DistinctSettings()
    step = time_step(trajectory)
    edges = _edges(trajectory, settings)
    plan = _plan(trajectory, settings)
    sampling = replace(sample(trajectory), chosen=plan.frames)
    counted = _count(sampling, plan, edges)
    lags_ps = np.asarray(plan.lags * step, dtype=float)
    kinds = combinations_with_replacement(range(len(sampling.elements)), 2)
    parts = tuple(_part(counted, sampling, pair, edges, (lags_ps, settings.near_A))
                  for pair in kinds)  # fmt: skip
    return DistinctVanHove((trajectory.n_frames - 1) * step, parts)


def _edges(trajectory: Trajectory, settings: DistinctSettings) -> Floats:
    limit = min(float(perpendicular_widths(cell).min()) for cell in trajectory.cells) / 2.0
    wanted = min(limit, 10.0) if settings.r_max_A is None else settings.r_max_A
    bins = int(wanted / settings.bin_A + 1e-9)
    if wanted > limit + 1e-9 or bins < 10:
        raise InputError(
            f"Distances are counted up to half the smallest width of the cell, {limit:.3f} Å, "
            "in at least ten bins",
            received=f"r_max {wanted:g} Å, bin {settings.bin_A:g} Å",
            remedy="lower r_max or use a larger supercell",
        )
    return np.asarray(np.arange(bins + 1) * settings.bin_A, dtype=float)


class _Plan(NamedTuple):
    """Time origins, lags in frames (zero first), and all frames that they need."""

    origins: Integers
    lags: Integers
    frames: Integers


def _plan(trajectory: Trajectory, settings: DistinctSettings) -> _Plan:
    n = trajectory.n_frames
    last = max(1, int(settings.longest * (n - 1)))
    lags = np.unique(np.geomspace(1, last, settings.lags).round().astype(np.int64))
    lags = np.concatenate([[0], lags])
    frame_bytes = 24.0 * trajectory.n_atoms
    most = int(1e6 * settings.memory_MB / frame_bytes / len(lags))
    count = max(1, min(settings.origins, most, n - last))
    origins = np.unique(np.linspace(0, n - 1 - last, count).round().astype(np.int64))
    return _Plan(origins, lags, np.unique(origins[:, None] + lags))


class _Counted(NamedTuple):
    """Pairs times volume by block of time, (n_blocks, n_lags, n, n, n_bins), and origins."""

    pairs: Floats
    origins: Floats


class _Still(NamedTuple):
    """A frame without its drift: fractional coordinates (3, n_atoms), and cell."""

    places: Floats
    cell: Floats


def _count(sampling: Sampling, plan: _Plan, edges: Floats) -> _Counted:
    frames = _frames(sampling)
    n = len(sampling.elements)
    kinds = np.repeat(np.arange(n), sampling.counts)
    blocks = min(_BLOCKS, len(plan.origins))
    pairs = np.zeros((blocks, len(plan.lags), n, n, len(edges) - 1))

    def items() -> Iterator[tuple[int, int, int]]:
        for number, origin in enumerate(plan.origins):
            for row in range(len(plan.lags)):
                yield number * blocks // len(plan.origins), row, int(origin)

    def work(item: tuple[int, int, int]) -> tuple[tuple[int, int, int], Floats]:
        before, after = frames[item[2]], frames[item[2] + int(plan.lags[item[1]])]
        return item, _between(before, after, kinds, edges)

    for (block, row, _), found in in_order(work, items()):
        pairs[block, row] += found
    owner = np.arange(len(plan.origins)) * blocks // len(plan.origins)
    return _Counted(pairs, np.bincount(owner, minlength=blocks).astype(float))


def _frames(sampling: Sampling) -> Mapping[int, _Still]:
    """Return the chosen frames with their centre of mass where it was in the first one."""
    weights = Tracks(sampling.trajectory).weights()[sampling.order]
    frames: dict[int, _Still] = {}
    origin: Floats | None = None
    for index, snapshot in zip(sampling.chosen, sampling):
        centre = snapshot.fractional @ weights
        origin = centre if origin is None else origin
        frames[int(index)] = _Still(snapshot.fractional - (centre - origin)[:, None], snapshot.cell)
    return frames


def _between(before: _Still, after: _Still, kinds: Integers, edges: Floats) -> Floats:
    """Return pairs of one atom before and another after, times the volume, (n, n, n_bins)."""
    cell = 0.5 * (before.cell + after.cell)
    both = np.ascontiguousarray(np.hstack([before.places, after.places]))
    n = int(kinds.max()) + 1
    cut = columns(cell, float(edges[-1]), len(edges) - 1, both.shape[1])
    found = count_frame(both, np.concatenate([kinds, kinds + n]), cut)
    across = found[:n, n:].astype(float)
    # An atom is no neighbour of its former self.
    steps = after.places - before.places
    squares = _nearest_squares(steps - np.rint(steps), cell)
    places = (np.sqrt(squares) * (cut.n_bins / cut.r_max)).astype(np.int64)
    for kind in range(n):
        own = places[(kinds == kind) & (places < cut.n_bins)]
        across[kind, kind] -= np.bincount(own, minlength=cut.n_bins)
    return np.asarray(across * abs(np.linalg.det(cell)))


def _nearest_squares(steps: Floats, cell: Floats) -> Floats:
    """Return the squared distances to the nearest images, (n,); also in a skewed cell."""
    best = np.full(steps.shape[1], np.inf)
    for image in np.stack(np.meshgrid(*[[-1, 0, 1]] * 3), axis=-1).reshape(-1, 3):
        vectors = cell.T @ (steps + image[:, None])
        best = np.minimum(best, np.einsum("ki,ki->i", vectors, vectors))
    return best


def _part(
    counted: _Counted,
    sampling: Sampling,
    pair: tuple[int, int],
    edges: Floats,
    times: tuple[Floats, float],
) -> DistinctMotion:
    (a, b), (lags_ps, near) = pair, times
    label = f"{sampling.elements[a]}-{sampling.elements[b]}"
    first, second = (float(sampling.counts[kind]) for kind in pair)
    both = counted.pairs[:, :, a, b] + (counted.pairs[:, :, b, a] if a != b else 0.0)
    possible = first * (first - 1.0) if a == b else 2.0 * first * second
    shells = 4.0 * np.pi / 3.0 * np.diff(edges**3)
    found = _averaged(both / max(possible, 1.0) / shells, counted.origins)
    centres = 0.5 * (edges[1:] + edges[:-1])
    curves = tuple(
        Curve(centres, found.value[k], _R, _G, _known(found.error[k]), f"{t:.3g} ps")
        for k, t in enumerate(lags_ps)
    )
    volume = float(np.abs(np.linalg.det(sampling.cells)).mean())
    density = (second - (1.0 if a == b else 0.0)) / volume
    inside = (edges[1:] <= near + 1e-9) * shells * density
    number = found.through(lambda g: g @ inside)
    filled = Curve(lags_ps[1:], number.value[1:], _TIME, _FILLED, _known(number.error[1:]), label)
    return DistinctMotion(
        pair=label,
        curves=CurveSet(f"Distinct van Hove function of {label}", curves),
        filled=CurveSet(f"Other ions within {near:g} Å of where one was, {label}", (filled,),
                        log_x=True),
    )  # fmt: skip


def _averaged(blocks: Floats, origins: Floats) -> Spread:
    """Return the mean over origins with its scatter between blocks of time."""
    weights = np.broadcast_to(
        origins.reshape(-1, *[1] * (blocks.ndim - 1)), (len(blocks), *blocks.shape[1:])
    )
    sums = np.stack([blocks, weights], axis=-1)
    return (
        spread(sums[:0], sums, lambda s: s[..., 0] / s[..., 1])
        if len(sums) > 1
        else (Spread(blocks[0] / origins[0], sums[:0, ..., 0], sums[:0, ..., 0]))
    )


def _known(error: Floats) -> Floats | None:
    return error if np.isfinite(error).all() else None
