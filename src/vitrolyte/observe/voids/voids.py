"""Voids of a structure by probe radius: how much room there is, how wide and whether it goes on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from vitrolyte.data.curve import Axis, Curve, CurveSet
from vitrolyte.data.errors import InputError
from vitrolyte.data.observation import Observation, Sample, computed
from vitrolyte.data.quantity import Quantity
from vitrolyte.data.result import Result
from vitrolyte.data.trajectory import Trajectory
from vitrolyte.matter.radii import ionic_radius
from vitrolyte.observe.blocks import block_average
from vitrolyte.observe.sampling import Sampling, Snapshot, ionic_charges, sample
from vitrolyte.observe.voids.space import Space, flooded, largest_sphere, pores, space

Floats = NDArray[np.float64]
CITATIONS = (
    "10.1021/la9808418",  # Gelb & Gubbins 1999, pore sizes
    "10.1107/S0567739476001551",  # Shannon 1976, radii
)

_DIRECTIONS = ("a", "b", "c", "any")
_RADIUS = Axis("probe radius", "Å")
_PORE = Axis("pore radius", "Å")
_SHARE = Axis("share of the volume", "")
_DENSITY = Axis("share of the volume per radius", "1/Å")
_BIN_A = 0.1
_CURVE_STEP_A = 0.05
_MOST_POINTS = 60_000_000


@dataclass(frozen=True)
class VoidSettings:
    """How voids are looked at.

    Attributes
    ----------
    probes_A
        Radii of the probes, Å.
    radii_A
        Radius of each element, Å; those left out are Shannon's effective ionic radii for six
        neighbours and the formal charge.
    without
        Elements that are taken away first: the mobile ion, to see the room that it moves in.
    spacing_A
        Spacing of the grid, Å.
    max_frames
        At most so many frames, evenly spread; None for all.

    Raises
    ------
    InputError
        If a probe or radius is negative, or the spacing is not positive.
    """

    probes_A: tuple[float, ...] = (0.5, 1.0)
    radii_A: Mapping[str, float] = field(default_factory=dict)
    without: tuple[str, ...] = ()
    spacing_A: float = 0.25
    max_frames: int | None = 20

    def __post_init__(self) -> None:
        sizes = (*self.probes_A, *self.radii_A.values())
        wrong = [size for size in sizes if not 0.0 <= size < np.inf]
        if wrong or not self.probes_A or not 0.0 < self.spacing_A < np.inf:
            raise InputError(
                "Voids need probes and ions of no negative radius and a grid of positive spacing",
                received=f"probes {list(self.probes_A)}, radii {dict(self.radii_A)}, "
                f"spacing {self.spacing_A} Å",
            )


@dataclass(frozen=True, eq=False)
class Voids(Result):
    """The room between the ions.

    Attributes
    ----------
    accessible
        Share of the volume that the centre of a probe can reach, against its radius.
    pore_sizes
        Distribution of the radius of the largest empty sphere that covers a point (its integral
        is the share of the volume outside all ions).
    centre_fraction
        Share of the volume for the centre of each probe, by probe (``0.50 Å``).
    occupied_fraction
        Share of the volume that the whole probe can cover.
    void_density
        Separate voids per volume, 1/Å³, by probe.
    percolation
        Share of the frames in which a probe passes without end along ``a``, ``b``, ``c``, ``any``
        (``0.50 Å along a``).
    free_sphere
        Radius of the largest sphere that passes without end along each direction, Å; negative
        where ions overlap all round.
    included_sphere
        Radius of the largest empty sphere, Å.
    radii_A
        The radii used, by element.
    method
        How it was found, in words.
    """

    accessible: CurveSet
    pore_sizes: CurveSet
    centre_fraction: Mapping[str, Quantity]
    occupied_fraction: Mapping[str, Quantity]
    void_density: Mapping[str, Quantity]
    percolation: Mapping[str, Quantity]
    free_sphere: Mapping[str, Quantity]
    included_sphere: Quantity
    radii_A: Mapping[str, float]
    method: str

    def observations(self, sample: Sample) -> tuple[Observation, ...]:
        """Return volumes, numbers and percolation by probe, and the two sphere radii."""
        listed = (
            ("accessible_volume_fraction", "probe ", self.centre_fraction),
            ("occupiable_volume_fraction", "probe ", self.occupied_fraction),
            ("void_number_density", "probe ", self.void_density),
            ("percolation_fraction", "probe ", self.percolation),
            ("free_sphere_radius", "along ", self.free_sphere),
        )
        rows = [
            computed(sample, word, number, of=f"{before}{name}", method=self.method)
            for word, before, numbers in listed
            for name, number in numbers.items()
        ]
        word = "included_sphere_radius"
        return (*rows, computed(sample, word, self.included_sphere, method=self.method))


@dataclass(frozen=True, eq=False)
class _Look:
    """What one frame tells; one entry for each probe (falling) or direction."""

    volume: float
    slack: tuple[float, float]
    centre: Floats
    grid_error: Floats
    occupied: Floats
    parts: Floats
    thresholds: Floats
    included: float
    accessible: Floats
    pore_sizes: Floats


def voids(trajectory: Trajectory, settings: VoidSettings | None = None) -> Voids:
    """Return the voids of a structure, averaged over frames.

    The distance ``f(x) = min_i (|x - x_i| - R_i)`` from the nearest surface of an ion is laid on a
    grid with all images. The centre of a probe of radius p can be where ``f >= p``; the probe
    covers what lies in such a sphere; it percolates where it comes to another image of its start.

    Parameters
    ----------
    trajectory
        Streamed; any cell.
    settings
        Probes, radii, grid.

    Raises
    ------
    InputError
        If a radius is not known, nothing is left, or the grid would not fit into memory.

    References
    ----------
    Gelb & Gubbins, Langmuir 15, 305 (1999), doi:10.1021/la9808418 (sizes of pores).
    """
    use = settings or VoidSettings()
    sampling = sample(trajectory, use.max_frames)
    radii = _radii(trajectory, use)
    _check_memory(sampling, use.spacing_A)
    probes = np.sort(np.array(sorted(set(use.probes_A))))[::-1]
    looks = [_look(sampling, snapshot, radii, probes, use.spacing_A) for snapshot in sampling]
    return _result(looks, probes, radii, use)


def _radii(trajectory: Trajectory, settings: VoidSettings) -> dict[str, float]:
    """Return the radius of each element that stays.

    Raises
    ------
    InputError
        If none stays or a radius is not known.
    """
    trajectory.indices(*settings.without)
    charges = ionic_charges(trajectory.species)
    stay = [element for element in charges if element not in settings.without]
    unknown = [e for e in stay if e not in settings.radii_A and charges[e] == 0]
    if unknown or not stay:
        raise InputError(
            "Voids need the radius of every element that stays",
            received=f"none for {', '.join(unknown) or 'any element'}",
            remedy='give them, such as radii_A={"Si": 1.1}',
        )
    given = settings.radii_A
    return {e: given[e] if e in given else ionic_radius(e, charges[e]) for e in stay}


def _check_memory(sampling: Sampling, spacing: float) -> None:
    points = float(np.abs(np.linalg.det(sampling.cells)).max()) / spacing**3
    if points > _MOST_POINTS:
        raise InputError(
            f"The grid of a cell may have {_MOST_POINTS:.0e} points",
            received=f"{points:.1e} at {spacing:g} Å",
            remedy="use a wider spacing",
        )


def _look(
    sampling: Sampling,
    snapshot: Snapshot,
    radii: Mapping[str, float],
    probes: Floats,
    spacing: float,
) -> _Look:
    kinds = np.repeat(np.arange(len(sampling.elements)), sampling.counts)
    stay = np.isin(kinds, [sampling.elements.index(element) for element in radii])
    table = np.array([radii.get(element, 0.0) for element in sampling.elements])
    places, sizes = snapshot.fractional.T[stay], table[kinds[stay]]
    empty = space(places, sizes, snapshot.cell, spacing)
    joined = flooded(empty, np.ascontiguousarray(probes))
    covers = pores(empty)
    edges = np.arange(0.0, _farthest(empty) + _BIN_A, _BIN_A)
    return _Look(
        volume=float(abs(np.linalg.det(snapshot.cell))),
        slack=empty.slack,
        centre=np.array([empty.share_beyond(probe) for probe in probes]),
        grid_error=np.array([empty.spread_of(probe) for probe in probes]),
        occupied=np.array([_occupied(covers, empty, probe) for probe in probes]),
        parts=joined.parts.astype(float),
        thresholds=joined.thresholds,
        included=largest_sphere(empty, places, sizes),
        accessible=np.array([empty.share_beyond(r) for r in _curve_grid(empty)]),
        pore_sizes=np.histogram(covers[covers > 0], edges)[0] / covers.size / _BIN_A,
    )


def _farthest(empty: Space) -> float:
    return float(max(empty.clearance.max(), 0.0)) + _BIN_A


def _curve_grid(empty: Space) -> Floats:
    return np.asarray(np.arange(0.0, _farthest(empty) + _CURVE_STEP_A, _CURVE_STEP_A))


def _occupied(covers: Floats, empty: Space, probe: float) -> float:
    if probe == 0.0:
        return empty.share_beyond(0.0)
    return float((covers >= probe).mean())


def _result(
    looks: list[_Look], probes: Floats, radii: Mapping[str, float], settings: VoidSettings
) -> Voids:
    names = [f"{probe:.2f} Å" for probe in probes]
    below, above = (max(look.slack[side] for look in looks) for side in (0, 1))
    taken = ", ".join(f"{element} {radius:.2f}" for element, radius in radii.items())
    return Voids(
        accessible=CurveSet("Volume open to a probe", (_accessible(looks),)),
        pore_sizes=CurveSet("Pore sizes", (_pore_sizes(looks),)),
        centre_fraction={
            name: _with_grid_error([x.centre[k] for x in looks], [x.grid_error[k] for x in looks])
            for k, name in enumerate(names)
        },
        occupied_fraction={
            name: _mean([look.occupied[k] for look in looks], "1") for k, name in enumerate(names)
        },
        void_density={
            name: _resolved([look.parts[k] / look.volume for look in looks], above)
            for k, name in enumerate(names)
        },
        percolation=_percolation(looks, probes, names),
        free_sphere={
            name: _widened([look.thresholds[k] for look in looks], below, above)
            for k, name in enumerate(_DIRECTIONS)
        },
        included_sphere=_mean([look.included for look in looks], "Å"),
        radii_A=dict(radii),
        method=f"grid of {settings.spacing_A:g} Å, radii {taken} Å"
        + (f", without {', '.join(settings.without)}" if settings.without else ""),
    )


def _mean(series: list[float], unit: str) -> Quantity:
    values = np.array(series)
    if len(values) > 1 and np.all(values == values[0]):
        return Quantity(float(values[0]), unit, note=f"the same in all {len(values)} frames")
    return block_average(values, unit)


def _resolved(series: list[float], above: float) -> Quantity:
    """Return a mean number of voids that says which the grid cannot see."""
    mean = _mean(series, "1/Å³")
    note = f"{mean.note}; " if mean.note else ""
    return replace(mean, note=f"{note}voids less than {above:.2f} Å wider than the probe not seen")


def _with_grid_error(series: list[float], spreads: list[float]) -> Quantity:
    """Return a mean whose error holds that of the grid, which all frames share."""
    mean, grid = _mean(series, "1"), float(np.mean(spreads))
    note = f"{mean.note}; " if mean.note else ""
    noted = replace(mean, note=f"{note}a grid of twice the spacing scatters by {grid:.1e}")
    if np.isnan(mean.error):
        return noted
    growth = 2.0 * grid
    return replace(
        noted,
        error=float(np.hypot(mean.error, grid)),
        low=mean.low - growth,
        high=mean.high + growth,
    )


def _widened(series: list[float], below: float, above: float) -> Quantity:
    """Return a mean threshold whose interval holds what the grid cannot see."""
    values = np.array(series)
    if not np.all(np.isfinite(values)):
        return Quantity.refused("Å", "nothing percolates on this grid")
    mean = _mean(series, "Å")
    note = f"{mean.note}; " if mean.note else ""
    note += f"the grid alone leaves -{below:.2f} to +{above:.2f} Å open"
    low, high = (mean.value if np.isnan(end) else end for end in (mean.low, mean.high))
    return replace(mean, low=low - below, high=high + above, note=note)


def _percolation(looks: list[_Look], probes: Floats, names: list[str]) -> dict[str, Quantity]:
    return {
        f"{name} along {direction}": _mean(
            [float(look.thresholds[k] >= probe) for look in looks], "1"
        )
        for probe, name in zip(probes, names, strict=True)
        for k, direction in enumerate(_DIRECTIONS)
    }


def _stacked(curves: list[Floats]) -> Floats:
    longest = max(len(curve) for curve in curves)
    return np.array([np.pad(curve, (0, longest - len(curve))) for curve in curves])


def _spread(stack: Floats) -> Floats | None:
    """Return the error of the mean at each point from up to twelve blocks of frames."""
    if len(stack) < 2:
        return None
    parts = np.array([part.mean(axis=0) for part in np.array_split(stack, min(12, len(stack)))])
    return np.asarray(parts.std(axis=0, ddof=1) / np.sqrt(len(parts)))


def _accessible(looks: list[_Look]) -> Curve:
    stack = _stacked([look.accessible for look in looks])
    x = np.asarray(np.arange(stack.shape[1]) * _CURVE_STEP_A, dtype=float)
    return Curve(x, stack.mean(axis=0), _RADIUS, _SHARE, _spread(stack), "centre of the probe")


def _pore_sizes(looks: list[_Look]) -> Curve:
    stack = _stacked([look.pore_sizes for look in looks])
    x = np.asarray((np.arange(stack.shape[1]) + 0.5) * _BIN_A, dtype=float)
    return Curve(x, stack.mean(axis=0), _PORE, _DENSITY, _spread(stack), "pores")
