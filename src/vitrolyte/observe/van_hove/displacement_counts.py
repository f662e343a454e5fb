"""Displacements of single ions counted by distance, at logarithmic lags: the self part of motion.

Everything that is said of single ions (van Hove function, non-Gaussian parameter, incoherent
scattering) follows from these counts, which take one pass over the tracks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from vitrolyte.data.errors import InputError
from vitrolyte.data.trajectory import Trajectory
from vitrolyte.observe.spread import (
    FEWEST_PARTS,
    FINE_STRETCHES,
    Spread,
    neighbourly,
    spread_over_lags,
)
from vitrolyte.observe.threads import in_order
from vitrolyte.observe.tracks import CENTRE_OF_MASS, Tracks, time_step

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Singles = NDArray[np.float32]

# Origins are spaced by this part of a lag: what lies between them is nearly the same motion.
_ORIGINS_IN_LAG = 16
_TAIL_BINS_PER_E = 40
_TAIL_BINS = 400
# Few ions leave only the time to tell the error, which needs stretches much longer than the lag.
_LONGEST_FEW = 1.0 / 16.0


@dataclass(frozen=True)
class MotionSettings:
    """How displacements are counted.

    Attributes
    ----------
    frame
        Frame of reference, as of `observe.tracks.Tracks`.
    per_decade
        Lags in each decade of time.
    longest
        Greatest lag over the length of the run.
    r_max_A, bin_A
        Range of equal bins and their width, Å; farther displacements fall into wider ones.
    memory_MB
        Bound on the buffers; a longer trajectory is read in several passes.

    Raises
    ------
    InputError
        If a number is out of range.
    """

    frame: str = CENTRE_OF_MASS
    per_decade: int = 8
    longest: float = 0.5
    r_max_A: float = 10.0
    bin_A: float = 0.02
    memory_MB: float = 1024.0

    def __post_init__(self) -> None:
        fair = self.per_decade >= 2 and 0 < self.longest < 1 and 0 < 10 * self.bin_A <= self.r_max_A
        if not fair:
            raise InputError(
                "Motion is counted at two lags a decade or more, up to a part of the run, in at "
                "least ten bins",
                received=f"per_decade {self.per_decade}, longest {self.longest:g}, "
                f"r_max {self.r_max_A:g} Å, bin {self.bin_A:g} Å",
            )

    def lags(self, n_frames: int) -> Integers:
        """Return the lags in frames, (n_lags,)."""
        last = max(1, int(self.longest * (n_frames - 1)))
        count = max(2, round(self.per_decade * np.log10(max(last, 2))) + 1)
        return np.unique(np.geomspace(1, last, count).round().astype(np.int64))

    @property
    def edges(self) -> Floats:
        """Return the edges of the bins, Å: equal ones, then ones that widen."""
        near = np.arange(round(self.r_max_A / self.bin_A) + 1) * self.bin_A
        far = near[-1] * np.exp(np.arange(1, _TAIL_BINS + 1) / _TAIL_BINS_PER_E)
        return np.concatenate([near, far])


@dataclass(frozen=True, eq=False)
class DisplacementCounts:
    """Displacements of the ions of one species, counted by lag and distance.

    Attributes
    ----------
    species, n_ions
        Whose they are.
    lags_ps
        (n_lags,), ps.
    duration_ps
        Length of the run, ps.
    edges
        (n_bins + 1,), Å; the first ``n_even`` bins are equal.
    by_ions, by_time
        (n_groups, n_lags, n_bins) and (n_stretches, n_lags, n_bins): the same counts by groups of
        neighbouring ions and by stretches of the run.
    moments_by_ions, moments_by_time
        (..., n_lags, 3): number, sum of squares, Å², and of fourth powers, Å⁴.
    """

    species: str
    n_ions: int
    lags_ps: Floats
    duration_ps: float
    edges: Floats
    n_even: int
    by_ions: Floats
    by_time: Floats
    moments_by_ions: Floats
    moments_by_time: Floats

    def density(self, merged: int = 1) -> Spread:
        """Return ``4 pi r² G_s(r, t)`` in equal bins, (n_lags, n_bins), 1/Å, integral one.

        Parameters
        ----------
        merged
            So many bins are taken together.
        """
        n = self.n_even // merged * merged
        width = merged * float(self.edges[1])

        def statistic(sums: Floats) -> Floats:
            near = sums[:, :n].reshape(len(sums), -1, merged).sum(axis=2)
            return np.asarray(near / (np.maximum(sums.sum(axis=1, keepdims=True), 1.0) * width))

        # Lags come last where the scatter is judged.
        found = spread_over_lags(
            self.by_ions, self.by_time, lambda sums: statistic(sums).T, self._shares
        )
        return found.through(np.transpose)

    @property
    def _shares(self) -> Floats:
        return np.asarray(self.lags_ps / self.duration_ps)

    def centres(self, merged: int = 1) -> Floats:
        """Return the middles of the equal bins, Å."""
        n = self.n_even // merged
        return np.asarray((np.arange(n) + 0.5) * merged * float(self.edges[1]))

    def square(self) -> Spread:
        """Return the mean square displacement, (n_lags,), Å²."""
        return spread_over_lags(
            self.moments_by_ions,
            self.moments_by_time,
            lambda m: m[:, 1] / np.maximum(m[:, 0], 1.0),
            self._shares,
        )

    def non_gaussian(self) -> Spread:
        r"""Return the non-Gaussian parameter, (n_lags,).

        .. math:: \alpha_2(t) = \frac{3 \langle r^4 \rangle}{5 \langle r^2 \rangle^2} - 1

        References
        ----------
        Rahman, Phys. Rev. 136, A405 (1964), https://doi.org/10.1103/PhysRev.136.A405
        """
        return spread_over_lags(
            self.moments_by_ions,
            self.moments_by_time,
            lambda m: 0.6 * m[:, 2] * m[:, 0] / np.maximum(m[:, 1] ** 2, 1e-300) - 1.0,
            self._shares,
        )

    def scattering(self, q: Floats) -> Spread:
        r"""Return the self part of the intermediate scattering function, (n_q, n_lags).

        .. math:: F_s(q, t) = \left\langle \frac{\sin q r}{q r} \right\rangle
            = \int_0^\infty 4 \pi r^2 G_s(r, t) \frac{\sin q r}{q r}\, dr

        the mean over all directions of q, as of a powder or a glass.

        Parameters
        ----------
        q
            (n_q,), 1/Å.
        """
        table = _shell_waves(q, self.edges)
        return spread_over_lags(
            self.by_ions,
            self.by_time,
            lambda c: table @ (c / np.maximum(c.sum(axis=1), 1.0)[:, None]).T,
            self._shares,
        )


def _shell_waves(q: Floats, edges: Floats) -> Floats:
    """Return the mean of ``sin(q r) / (q r)`` over each spherical shell, (n_q, n_bins)."""
    x = np.outer(q, edges)
    primitive = np.where(x < 1e-2, x**3 / 3.0 - x**5 / 30.0, np.sin(x) - x * np.cos(x))
    return np.asarray(np.diff(primitive, axis=1) / np.diff(x**3 / 3.0, axis=1))


def count_displacements(
    trajectory: Trajectory,
    species: tuple[str, ...] | None = None,
    *,
    settings: MotionSettings | None = None,
) -> Mapping[str, DisplacementCounts]:
    """Return the displacements of the ions of each species, counted over evenly spread origins.

    Parameters
    ----------
    trajectory
        Unwrapped positions at equally spaced times; the cell may change and be triclinic.
    species
        All by default.

    Raises
    ------
    InputError
        If the times are not equally spaced, the frames too few, or a species is unknown.
    """
    settings = settings or MotionSettings()
    names = species or tuple(dict.fromkeys(trajectory.species))
    step = time_step(trajectory)
    tracks = Tracks(trajectory, 0, settings.frame, settings.memory_MB)
    found = {name: _Sums(tracks, name, settings) for name in names}
    _fill(tracks, found, settings)
    return {
        name: DisplacementCounts(
            species=name,
            n_ions=len(sums.atoms),
            lags_ps=np.asarray(sums.lags * step, dtype=float),
            duration_ps=(trajectory.n_frames - 1) * step,
            edges=settings.edges,
            n_even=len(settings.edges) - 1 - _TAIL_BINS,
            by_ions=sums.by_ions,
            by_time=sums.by_time,
            moments_by_ions=sums.moments_by_ions,
            moments_by_time=sums.moments_by_time,
        )
        for name, sums in found.items()
    }


GROUPS = 24


class _Sums:
    """Where the counts of one species are collected."""

    def __init__(self, tracks: Tracks, name: str, settings: MotionSettings) -> None:
        atoms = tracks.trajectory.indices(name)
        cell = tracks.trajectory.cells[tracks.first]
        self.atoms = atoms[neighbourly(tracks.origin[atoms], cell)]
        few = len(self.atoms) < FEWEST_PARTS
        longest = min(settings.longest, _LONGEST_FEW) if few else settings.longest
        last = max(1, int(longest * (tracks.length - 1)))
        lags = settings.lags(tracks.length)
        self.lags = lags[lags <= last]
        self.groups = min(GROUPS, len(self.atoms))
        shape = (len(self.lags), len(settings.edges) - 1)
        self.by_ions = np.zeros((self.groups, *shape))
        self.by_time = np.zeros((FINE_STRETCHES, *shape))
        self.moments_by_ions = np.zeros((self.groups, shape[0], 3))
        self.moments_by_time = np.zeros((FINE_STRETCHES, shape[0], 3))

    def work(
        self, paths: Singles, places: NDArray[np.intp], settings: MotionSettings
    ) -> Iterator[_Share]:
        """Yield the counts of ions at some places in the order, shared out between threads."""
        owner = places * self.groups // len(self.atoms)
        strides = np.maximum(self.lags // _ORIGINS_IN_LAG, 1)
        n_even = len(settings.edges) - 1 - _TAIL_BINS

        def count(part: NDArray[np.intp]) -> _Share:
            own = np.ascontiguousarray(paths[part])
            groups = owner[part] - owner[part[0]]
            share = _Share(
                int(owner[part[0]]),
                np.zeros((int(groups.max()) + 1, *self.by_ions.shape[1:]), dtype=np.int64),
                np.zeros(self.by_time.shape, dtype=np.int64),
                np.zeros((int(groups.max()) + 1, *self.moments_by_ions.shape[1:])),
                np.zeros(self.moments_by_time.shape),
            )
            rule = (settings.bin_A, n_even)
            _count(own, groups, self.lags, strides, rule, share[1:])
            return share

        # As many shares whatever the number of threads, so that sums are the same.
        yield from in_order(count, [p for p in np.array_split(np.arange(len(places)), 4) if len(p)])

    def add(self, share: _Share) -> None:
        """Add the counts of some ions."""
        groups = slice(share.first, share.first + len(share.by_ions))
        self.by_ions[groups] += share.by_ions
        self.by_time += share.by_time
        self.moments_by_ions[groups] += share.moments_by_ions
        self.moments_by_time += share.moments_by_time


class _Share(NamedTuple):
    """Counts of some ions; ``first`` is the first of their groups."""

    first: int
    by_ions: Integers
    by_time: Integers
    moments_by_ions: Floats
    moments_by_time: Floats


def _fill(tracks: Tracks, found: Mapping[str, _Sums], settings: MotionSettings) -> None:
    drift = tracks.drift()
    atoms = np.concatenate([sums.atoms for sums in found.values()])
    starts = np.cumsum([0, *(len(sums.atoms) for sums in found.values())])
    for group in tracks.groups(np.arange(len(atoms))):
        paths = tracks.gather(atoms[group], drift)
        if not np.isfinite(paths).all():
            raise InputError(
                "Displacements need positions that are finite numbers",
                received="positions with NaN or infinity",
            )
        for sums, start in zip(found.values(), starts):
            mine = (group >= start) & (group < start + len(sums.atoms))
            if mine.any():
                for share in sums.work(paths[mine], group[mine] - start, settings):
                    sums.add(share)


@njit(cache=True, nogil=True, fastmath={"contract", "reassoc", "nsz"})
def _count(
    paths: Singles,
    groups: Integers,
    lags: Integers,
    strides: Integers,
    rule: tuple[float, int],
    sums: tuple[Integers, Integers, Floats, Floats],
) -> None:
    """Count the displacements of some ions by group or by stretch, by lag and by distance.

    Hot loop. ``paths`` is (n_ions, 3, n); squares are gathered in a row before they are sorted
    into bins, so that they are computed side by side. ``rule`` is the width of an even bin and
    their number.
    """
    width, n_even = rule
    by_group, by_stretch, moments_by_group, moments_by_stretch = sums
    n_stretches, n_lags, n_bins = by_stretch.shape
    n = paths.shape[2]
    squares = np.empty(1024, dtype=np.float32)
    bins = np.empty(1024, dtype=np.int32)
    scale, even = np.float32(1.0 / width), np.float32(n_even)
    end = n_even * width
    for ion in range(paths.shape[0]):
        x, y, z = paths[ion, 0], paths[ion, 1], paths[ion, 2]
        for row in range(n_lags):
            lag, stride = lags[row], strides[row]
            origins = (n - lag + stride - 1) // stride
            mine = by_group[groups[ion], row]
            for stretch in range(n_stretches):
                first = stretch * origins // n_stretches
                last = (stretch + 1) * origins // n_stretches
                now = by_stretch[stretch, row]
                while first < last:
                    many = min(last - first, 1024)
                    two = 0.0
                    four = 0.0
                    for k in range(many):
                        t = (first + k) * stride
                        dx, dy, dz = x[t + lag] - x[t], y[t + lag] - y[t], z[t + lag] - z[t]
                        square = dx * dx + dy * dy + dz * dz
                        squares[k] = square
                        two += square
                        four += square * square
                    for k in range(many):
                        bins[k] = np.int32(min(np.sqrt(squares[k]) * scale, even))
                    for k in range(many):
                        place = int(bins[k])
                        if place >= n_even:
                            further = np.log(np.sqrt(squares[k]) / end) * _TAIL_BINS_PER_E
                            place = min(n_even + max(int(further), 0), n_bins - 1)
                        mine[place] += 1
                        now[place] += 1
                    for sum_up in (moments_by_group[groups[ion], row],
                                   moments_by_stretch[stretch, row]):  # fmt: skip
                        sum_up[0] += many
                        sum_up[1] += two
                        sum_up[2] += four
                    first += many
