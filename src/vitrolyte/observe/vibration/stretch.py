"""Stretching of bonds: the spectrum of bond lengths, its line and its width."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from vitrolyte.data.curve import Axis, Curve, CurveSet
from vitrolyte.data.errors import InputError
from vitrolyte.data.observation import Observation, Sample, computed
from vitrolyte.data.quantity import Quantity
from vitrolyte.data.result import Result
from vitrolyte.data.trajectory import Trajectory
from vitrolyte.observe.neighbours import neighbours, reaches
from vitrolyte.observe.pair_functions import pair_functions
from vitrolyte.observe.spread import Spread, neighbourly, spread
from vitrolyte.observe.tracks import time_step
from vitrolyte.observe.vibration.segments import PER_THZ, Cut, SpectrumSettings, cut, folded

Floats = NDArray[np.float64]
CITATIONS = ("10.1109/TAU.1967.1161901",)

_GROUPS, _STRETCHES = 24, 12
_LOOSE = 1.5
_SHELL_FRAMES = 20
_HYDROGEN_THZ = 60.0
_LINE_SHARE = 0.5
_LOWEST_THZ = 1.0
_EDGE = 0.9
_SUM = 0.5346, 0.2166
_BLUR = 0.8
CLASSICAL = "classical dynamics: no zero-point, anharmonic or quantum correction"


@dataclass(frozen=True)
class StretchSettings:
    """How the stretching of bonds is looked at.

    Attributes
    ----------
    spectrum
        Resolution and unit; in cm⁻¹ and 0.3 THz (10 cm⁻¹) by default.
    reach_A
        Longest bond, Å; the end of the first shell of the pair distribution by default.
    nearest
        Whether an atom of the second element is bonded to the nearest of the first only, as H is.
    """

    spectrum: SpectrumSettings = field(
        default_factory=lambda: SpectrumSettings(resolution_THz=0.3, unit="cm⁻¹")
    )
    reach_A: float | None = None
    nearest: bool = True


@dataclass(frozen=True, eq=False)
class Stretch(Result):
    """Stretching of the bonds of one pair of elements.

    Attributes
    ----------
    pair
        ``O-H``.
    spectrum
        Power of the rate of the bond length, normalised to one; classical.
    bonds
        Distribution of the mean frequency of single bonds: kinds of bonds show as peaks of it.
    position, width
        Wave number of the line, and its full width at half maximum without that of the window,
        cm⁻¹.
    bond_count
        Mean number of bonds followed in a segment.
    broken
        Share of bonds that broke within a segment and were left out.
    nyquist_THz, resolution_THz
        Highest frequency that the frames show, and full width of a sharp line.
    """

    pair: str
    spectrum: CurveSet
    bonds: CurveSet
    position: Quantity
    width: Quantity
    bond_count: float
    broken: float
    nyquist_THz: float
    resolution_THz: float

    def observations(self, sample: Sample) -> tuple[Observation, ...]:
        """Return position and width of the line."""
        method = f"spectrum of the {self.pair} bond length; {CLASSICAL}"
        return (
            computed(sample, "raman_shift", self.position, of=self.pair, method=method),
            computed(sample, "vibration_width", self.width, of=self.pair, method=method),
        )


def bond_stretch(
    trajectory: Trajectory, pair: str, *, settings: StretchSettings | None = None
) -> Stretch:
    """Return the stretching line of the bonds of a pair of elements.

    Only the change of the bond length counts, so that rotation and translation of the group do not
    show. Bonds are found anew in each segment of the run.

    Parameters
    ----------
    trajectory
        At equally spaced times; the cell may change and be triclinic.
    pair
        ``O-H``: the second element is the one whose bond is followed.

    Raises
    ------
    InputError
        If the pair is not in the trajectory, no bond is found, or the run is too short.
    """
    settings = settings or StretchSettings()
    ends = pair.split("-")
    if len(ends) != 2:
        raise InputError("Bonds are of a pair of elements, such as O-H", received=repr(pair))
    trajectory.indices(*ends)
    step = time_step(trajectory)
    nyquist = 0.5 / step
    if "H" in ends and nyquist < _HYDROGEN_THZ:
        return _refused(pair, nyquist, _too_slow(step))
    plan = cut(trajectory.n_frames, step, settings.spectrum, differences=True)
    found = _summed(trajectory, (ends[0], ends[1]), plan, settings)
    return _described(pair, found, plan, settings)


def _too_slow(step: float) -> str:
    return (
        f"frames every {1e3 * step:.3g} fs show vibrations up to {0.5 / step:.3g} THz, those of H "
        "reach 110 THz and would be folded back: store frames every 4 fs or more often"
    )


def _refused(pair: str, nyquist: float, reason: str) -> Stretch:
    number, none = Quantity.refused("cm⁻¹", reason), CurveSet(f"Stretching of {pair}", ())
    return Stretch(pair, none, none, number, number, 0.0, 0.0, nyquist, float("nan"))


class _Found(NamedTuple):
    """Power by groups of bonds and stretches of the run; mean frequency of single bonds, THz."""

    by_bonds: Floats
    by_time: Floats
    means: Floats
    kept: int
    broken: int


class _Bonds(NamedTuple):
    """Bonds at the start of a segment: both atoms, and the whole cell vectors between them."""

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    shifts: NDArray[np.int64]


def _reach(trajectory: Trajectory, ends: tuple[str, str], settings: StretchSettings) -> float:
    if settings.reach_A is not None:
        return settings.reach_A
    found = pair_functions(trajectory, max_frames=_SHELL_FRAMES).cut_offs
    ways = ("-".join(ends), "-".join(reversed(ends)))
    for way in ways:
        if way in found:
            return float(found[way])
    raise InputError(
        f"Bonds {ways[0]} need a first shell in the pair distribution",
        received="none with an end",
        remedy="give reach_A",
    )


def _summed(
    trajectory: Trajectory, ends: tuple[str, str], plan: Cut, settings: StretchSettings
) -> _Found:
    reach = _reach(trajectory, ends, settings)
    ligands = trajectory.indices(ends[1])
    first = trajectory.read(0, 1)
    order = ligands[neighbourly(first.positions[0][ligands], first.cells[0])]
    groups, stretches = min(_GROUPS, len(ligands)), min(_STRETCHES, len(plan.starts))
    owner = np.zeros(trajectory.n_atoms, dtype=np.int64)
    owner[order] = np.arange(len(order)) * groups // len(order)
    nu, n_nu = plan.frequencies, len(plan.frequencies)
    by_bonds, by_time = np.zeros((groups, n_nu)), np.zeros((stretches, n_nu))
    moments = np.zeros((trajectory.n_atoms, 2))
    kept = broken = 0
    for number, (atoms, lengths) in enumerate(_lengths(trajectory, ends, plan, reach, settings)):
        whole = lengths.max(axis=0) < _LOOSE * reach
        kept, broken = kept + int(whole.sum()), broken + int((~whole).sum())
        rates = np.diff(lengths[:, whole], axis=0) / plan.step_ps
        power = plan.power(rates) * plan.correction[:, None]
        np.add.at(by_bonds, owner[atoms[whole]], power.T)
        by_time[number * stretches // len(plan.starts)] += power.sum(axis=1)
        high = nu > _LOWEST_THZ
        np.add.at(moments[:, 0], atoms[whole], nu[high] @ power[high])
        np.add.at(moments[:, 1], atoms[whole], power[high].sum(axis=0))
    if not kept:
        raise InputError(
            f"The stretching of {'-'.join(ends)} needs bonds that last",
            received=f"no bond within {reach:.2f} Å, or none that lasts for a segment",
        )
    seen = moments[:, 1] > 0
    return _Found(by_bonds, by_time, moments[seen, 0] / moments[seen, 1], kept, broken)


def _lengths(
    trajectory: Trajectory,
    ends: tuple[str, str],
    plan: Cut,
    reach: float,
    settings: StretchSettings,
) -> Iterator[tuple[NDArray[np.int64], Floats]]:
    """Yield in each segment the second atom of each bond and the lengths, (frames, n_bonds), Å."""
    for start in plan.starts:
        block = trajectory.read(int(start), int(start) + plan.frames)
        bonds = _bonds(trajectory, ends, (block.positions[0], block.cells[0]), reach)
        if settings.nearest:
            vectors = (block.positions[0][bonds.second] - block.positions[0][bonds.first]
                       + bonds.shifts @ block.cells[0])  # fmt: skip
            bonds = _nearest(bonds, np.linalg.norm(vectors, axis=1))
        # Positions are unwrapped by whole vectors of their own cell, so that shifts stay.
        vectors = block.positions[:, bonds.second] - block.positions[:, bonds.first]
        vectors += np.einsum("bi,tij->tbj", bonds.shifts.astype(float), block.cells)
        yield bonds.second, np.linalg.norm(vectors, axis=2)


def _bonds(
    trajectory: Trajectory, ends: tuple[str, str], frame: tuple[Floats, Floats], reach: float
) -> _Bonds:
    elements = tuple(dict.fromkeys(ends))
    atoms = trajectory.indices(*elements)
    kinds = np.array([elements.index(trajectory.species[atom]) for atom in atoms], dtype=np.int64)
    table = reaches(elements, {"-".join(ends): reach})
    found = neighbours(frame[0][atoms], frame[1], kinds, table)
    owners = found.owners
    use = kinds[owners] == elements.index(ends[0])
    if ends[0] == ends[1]:
        use &= owners < found.others
    return _Bonds(atoms[owners[use]], atoms[found.others[use]], found.shifts[use])


def _nearest(bonds: _Bonds, lengths: Floats) -> _Bonds:
    """Return the shortest bond of each second atom."""
    order = np.lexsort((lengths, bonds.second))
    _, firsts = np.unique(bonds.second[order], return_index=True)
    keep = order[firsts]
    return _Bonds(bonds.first[keep], bonds.second[keep], bonds.shifts[keep])


def _described(pair: str, found: _Found, plan: Cut, settings: StretchSettings) -> Stretch:
    nu = plan.frequencies
    width = float(nu[1])
    shape = spread(found.by_bonds, found.by_time, lambda p: p / (p.sum() * width))
    position, breadth = _line(pair, nu, shape, plan)
    unit = settings.spectrum.unit
    factor = PER_THZ[unit]
    curve = Curve(
        nu * factor,
        shape.value / factor,
        Axis("frequency", unit),
        Axis("spectrum of the bond length", f"1/{unit}"),
        _known(shape.error / factor),
        pair,
    )
    return Stretch(
        pair=pair,
        spectrum=CurveSet(f"Stretching of {pair}, classical", (curve,)),
        bonds=_bond_curve(pair, found.means * factor, unit, plan.resolution * factor),
        position=position,
        width=breadth,
        bond_count=found.kept / len(plan.starts),
        broken=found.broken / (found.kept + found.broken),
        nyquist_THz=plan.nyquist,
        resolution_THz=plan.resolution,
    )


def _known(error: Floats) -> Floats | None:
    return error if np.isfinite(error).all() else None


def _line(pair: str, nu: Floats, shape: Spread, plan: Cut) -> tuple[Quantity, Quantity]:
    """Return position and width of the strongest line, cm⁻¹."""
    low = int(np.searchsorted(nu, _LOWEST_THZ))
    top = low + int(shape.value[low:].argmax())
    if nu[top] > _EDGE * plan.nyquist or folded(nu, shape.value):
        number = Quantity.refused("cm⁻¹", f"the line of {pair} reaches the Nyquist frequency, "
                                  f"{plan.nyquist:.3g} THz: store frames more often")  # fmt: skip
        return number, number
    factor = PER_THZ["cm⁻¹"]
    # A share of the line's own width takes the noise away that would decide where half of the
    # height lies; it counts as part of the window.
    blur = _BLUR * max(_seen_width(nu, shape.value, top), plan.resolution)
    smooth = shape.through(lambda g: _smoothed(g, blur / float(nu[1])))
    top = low + int(smooth.value[low:].argmax())
    window = float(np.hypot(plan.resolution, blur))
    place = smooth.through(lambda g: np.asarray(_vertex(nu, g, top)))
    breadth = smooth.through(lambda g: np.asarray(_own_width(nu, g, top, window)))
    position = place.quantity("THz").scaled(factor, "cm⁻¹")
    number = breadth.quantity("THz").scaled(factor, "cm⁻¹")
    if not number.value > 0.5 * plan.resolution * factor:
        limit = plan.resolution * factor
        reason = f"the line is narrower than the resolution, {limit:.2g} cm⁻¹: run longer"
        number = Quantity.refused("cm⁻¹", reason)
    return position.provisional(CLASSICAL), number.provisional(CLASSICAL)


def _vertex(nu: Floats, g: Floats, top: int) -> float:
    """Return the vertex of a parabola through the logarithm of a line's upper half."""
    low, high = _half(g, top)
    part = slice(min(low + 1, top - 1), max(high, top + 2))
    x = nu[part] - nu[top]
    height = np.log(np.maximum(g[part], 1e-300))
    bend, slope, _ = np.polyfit(x, height, 2, w=np.maximum(g[part], 0.0))
    return float(nu[top] + np.clip(-slope / (2.0 * bend) if bend < 0 else 0.0, x[0], x[-1]))


def _half(g: Floats, top: int) -> tuple[int, int]:
    """Return the last points on either side of a line that lie below half of its height."""
    level = _LINE_SHARE * g[top]
    left = np.flatnonzero(g[: top + 1] < level)
    right = np.flatnonzero(g[top:] < level)
    return (
        int(left[-1]) if len(left) else 0,
        top + int(right[0]) if len(right) else len(g) - 1,
    )


def _smoothed(g: Floats, width: float) -> Floats:
    """Return a spectrum under a Gaussian of a full width at half maximum, in points."""
    return np.asarray(gaussian_filter1d(g, width / 2.3548, mode="nearest"))


def _seen_width(nu: Floats, g: Floats, top: int) -> float:
    """Return the full width of a line at half of its height, window included."""
    level = _LINE_SHARE * g[top]
    low, high = _half(g, top)
    left = np.interp(level, g[low : low + 2], nu[low : low + 2])
    right = np.interp(level, g[high - 1 : high + 1][::-1], nu[high - 1 : high + 1][::-1])
    return float(right - left)


def _own_width(nu: Floats, g: Floats, top: int, resolution: float) -> float:
    """Return the full width at half maximum of a line without that of the window.

    A Lorentzian of width L under a window of width W is about as wide as
    ``0.5346 L + sqrt(0.2166 L² + W²)``.

    References
    ----------
    Olivero & Longbothum, J. Quant. Spectrosc. Radiat. Transf. 17, 233 (1977),
    https://doi.org/10.1016/0022-4073(77)90161-3
    """
    seen = _seen_width(nu, g, top)
    a, b = _SUM
    if seen <= resolution:
        return 0.0
    # Solved for L: (seen - a L)² = b L² + W².
    square, linear, constant = a * a - b, -2.0 * a * seen, seen**2 - resolution**2
    root = np.sqrt(linear**2 - 4.0 * square * constant)
    return float((-linear - root) / (2.0 * square))


def _bond_curve(pair: str, means: Floats, unit: str, resolution: float) -> CurveSet:
    """Return how the mean frequencies of single bonds are distributed."""
    centre, reach = float(np.median(means)), float(np.ptp(means))
    half = max(0.6 * reach, 3.0 * resolution)
    bins = int(np.clip(round(2.0 * half / resolution), 6, 80))
    share, edges = np.histogram(means, bins=bins, range=(centre - half, centre + half))
    curve = Curve(
        0.5 * (edges[1:] + edges[:-1]),
        share / max(share.sum(), 1) / float(edges[1] - edges[0]),
        Axis("mean frequency of a bond", unit),
        Axis("share of bonds", f"1/{unit}"),
        label=pair,
    )
    return CurveSet(f"Single {pair} bonds", (curve,))
