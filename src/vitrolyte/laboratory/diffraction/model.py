"""A powder pattern as columns: lines of phases on a smooth background."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.polynomial import chebyshev
from numpy.typing import NDArray
from scipy import sparse

from vitrolyte.data.model import Parameter
from vitrolyte.infer.refine.projected import Columns
from vitrolyte.laboratory.diffraction.radiation import Radiation
from vitrolyte.observe.scattering.lattices import metric_basis, reciprocal_metric
from vitrolyte.observe.scattering.line_profile import (
    add_slopes,
    axial_offsets,
    draw_lines,
    drawn_points,
    pseudo_voigt_of,
)
from vitrolyte.observe.scattering.powder_lines import (
    PowderLines,
    lorentz_polarisation,
    march_dollase,
)

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

_MOST_STRAIN = 0.12
_NODES = 5
_LOW_ANGLE_COTANGENT = 1.0
_TEXTURE_STEP = 1e-4


@dataclass(frozen=True, eq=False)
class Phase:
    """One phase in a pattern.

    Attributes
    ----------
    lines
        Its families and their strengths.
    metric
        Reciprocal metric from which the lattice is varied, 1/Å².
    texture
        Axis [hkl] of a March-Dollase texture, or None.
    groups
        (n,) for heights of their own: to which group each family belongs; None where the
        structure fixes them all.
    own_width
        Whether its widths are its own or those of the first phase.
    """

    lines: PowderLines
    metric: Floats
    texture: tuple[int, int, int] | None = None
    groups: Integers | None = None
    own_width: bool = True

    @property
    def name(self) -> str:
        """Return the name of the crystal."""
        return self.lines.crystal.name

    @cached_property
    def basis(self) -> Floats:
        """Return the metrics that the symmetry allows, (k, 3, 3)."""
        return metric_basis(self.lines.crystal.rotations)

    @property
    def columns(self) -> int:
        """Return the number of columns of its lines."""
        return 1 if self.groups is None else int(self.groups.max()) + 1

    def strained(self, strain: Floats) -> Floats:
        """Return the metric ``G0 + |G0| sum_k x_k B_k``."""
        size = np.linalg.norm(self.metric)
        return np.asarray(self.metric + size * np.einsum("k,kij->ij", strain, self.basis))

    def at(self, strain: Floats) -> Phase:
        """Return the phase with another metric to start from."""
        return replace(self, metric=self.strained(strain))


def phase_of(lines: PowderLines, texture: tuple[int, int, int] | None = None) -> Phase:
    """Return a phase with the lattice of its structure."""
    metric = reciprocal_metric(lines.crystal.cell)
    basis = metric_basis(lines.crystal.rotations)
    allowed = np.einsum("k,kij->ij", np.einsum("kij,ij->k", basis, metric), basis)
    return Phase(lines, np.asarray(allowed), texture)


@dataclass(frozen=True)
class Widths:
    """Where a refinement of widths starts, degrees at half maximum.

    Attributes
    ----------
    gauss, lorentz
        Widths of the two parts of a line in the middle of the pattern.
    """

    gauss: float
    lorentz: float


@dataclass(frozen=True)
class Freedom:
    """What is refined beside heights, background and lattices.

    Attributes
    ----------
    shift
        ``displacement`` of the sample, the ``zero`` of the circle, or ``none``.
    widths
        Whether all widths, or only the constant ones.
    asymmetry
        Whether lines may be drawn out towards low angle by axial divergence.
    displacement_B
        Whether an overall B of each phase is refined: only where structures fix the heights.
    held_lattices
        Names of phases whose lattice is held.
    shift_start
        Where the shift starts, degrees.
    """

    shift: str = "displacement"
    widths: bool = True
    asymmetry: bool = False
    displacement_B: bool = True
    held_lattices: tuple[str, ...] = ()
    shift_start: float = 0.0


@dataclass(frozen=True, eq=False)
class _Lines:
    """Lines of one phase for a trial: what the kernels take, and slopes of what they take."""

    positions: Floats
    gauss: Floats
    lorentz: Floats
    heights: Floats
    column: Integers
    by_position: Floats
    by_gauss: Floats
    by_lorentz: Floats
    by_height: Floats


@dataclass(frozen=True, eq=False)
class PowderModel:
    """The columns of a pattern for trials of its parameters.

    Attributes
    ----------
    angles
        (n,), degrees, rising.
    radiation
        The beam.
    phases
        What is in the sample.
    freedom
        What is refined.
    background_terms
        Number of Chebyshev polynomials.
    start
        Parameters with their starting values.
    """

    angles: Floats
    radiation: Radiation
    phases: tuple[Phase, ...]
    freedom: Freedom
    background_terms: int
    start: tuple[Parameter, ...]
    places: dict[str, int] = field(init=False)
    background: Floats = field(init=False)

    def __post_init__(self) -> None:
        names = {parameter.name: n for n, parameter in enumerate(self.start)}
        object.__setattr__(self, "places", names)
        scaled = 2.0 * (self.angles - self.angles[0]) / np.ptp(self.angles) - 1.0
        object.__setattr__(
            self, "background", chebyshev.chebvander(scaled, self.background_terms - 1)
        )

    def value(self, values: Floats, name: str, otherwise: float = 0.0) -> float:
        """Return one of the trial values by name."""
        place = self.places.get(name)
        return otherwise if place is None else float(values[place])

    def strain(self, values: Floats, number: int) -> Floats:
        """Return the strain of the lattice of a phase, (k,)."""
        count = len(self.phases[number].basis)
        return np.array([self.value(values, f"lattice {number} {k}") for k in range(count)])

    def width_of(self, number: int) -> int:
        """Return the phase whose Lorentzian widths a phase has."""
        return number if self.phases[number].own_width else 0

    def __call__(self, values: Floats) -> Columns:
        """Return the columns for a trial of the parameters."""
        parts = [self._phase(values, number) for number in range(len(self.phases))]
        offsets = np.cumsum([0, *(phase.columns for phase in self.phases)])
        pieces = [_drawn(self.angles, part) for part in parts]
        blocks = [
            _sparse(len(self.angles), phase.columns, part, piece)
            for phase, part, piece in zip(self.phases, parts, pieces)
        ]
        lines = sparse.csc_matrix(sparse.hstack(blocks, format="csc"))

        def slopes(coefficients: Floats) -> Floats:
            total = np.zeros((len(self.angles), len(self.start)))
            for part, piece, offset in zip(parts, pieces, offsets):
                heights = coefficients[offset + part.column] * part.heights
                add_slopes(piece[0], piece[1], piece[2], _factors(part, heights), total)
            return total

        return Columns(lines, self.background, slopes)

    def _phase(self, values: Floats, number: int) -> _Lines:
        phase, p = self.phases[number], len(self.start)
        metric = phase.strained(self.strain(values, number))
        squares = phase.lines.families.inverse_squares(metric)
        heights, by_height = self._heights(values, number, squares)
        family, beam, sines = _within_reach(squares, self.radiation)
        wavelength = np.array([length for length, _ in self.radiation.lines])[beam]
        share = np.array([weight for _, weight in self.radiation.lines])[beam]
        bragg = np.degrees(2.0 * np.arcsin(sines))
        by_position = np.zeros((len(family), p))
        h = phase.lines.families.indices[family].astype(float)
        size = np.linalg.norm(phase.metric)
        steep = np.degrees(wavelength**2 / (2.0 * np.sin(np.radians(bragg)))) * size
        for k, basis in enumerate(phase.basis):
            place = self.places.get(f"lattice {number} {k}")
            if place is not None:
                by_position[:, place] = steep * np.einsum("ni,ij,nj->n", h, basis, h)
        positions = self._shifted(values, bragg, by_position)
        across = lorentz_polarisation(bragg, self.radiation.across)
        lines = _Lines(
            positions,
            *self._widths(values, number, bragg),
            heights[family] * share * across,
            np.zeros(len(family), int) if phase.groups is None else phase.groups[family],
            by_position,
            *self._width_slopes(values, number, bragg),
            by_height[family],
        )
        return self._drawn_out(values, lines)

    def _heights(self, values: Floats, number: int, squares: Floats) -> tuple[Floats, Floats]:
        """Return the height of each family and its relative slopes, (n,) and (n, p)."""
        phase = self.phases[number]
        heights, slopes = phase.lines.strengths.copy(), np.zeros((len(squares), len(self.start)))
        place = self.places.get(f"B {number}")
        if place is not None:
            heights *= np.exp(-values[place] * squares / 2.0)
            slopes[:, place] = -squares / 2.0
        place = self.places.get(f"texture {number}")
        if place is not None and phase.texture is not None:
            ratio = float(values[place])
            near = march_dollase(phase.lines, phase.texture, ratio)
            far = march_dollase(phase.lines, phase.texture, ratio + _TEXTURE_STEP)
            heights *= near
            slopes[:, place] = (far / near - 1.0) / _TEXTURE_STEP
        return heights, slopes

    def _shifted(self, values: Floats, bragg: Floats, slopes: Floats) -> Floats:
        """Return where lines stand on a circle with a shift, and write down the slopes by it."""
        cosine = np.cos(np.radians(bragg) / 2.0)
        factor = cosine if self.freedom.shift == "displacement" else np.ones(len(bragg))
        if "shift" in self.places:
            slopes[:, self.places["shift"]] = factor
        return np.asarray(bragg + self.value(values, "shift") * factor)

    def _gauss_squared(self, values: Floats, bragg: Floats) -> Floats:
        tangent = np.tan(np.radians(bragg) / 2.0)
        u, v, w = (self.value(values, name) for name in "UVW")
        return np.asarray(u * tangent**2 + v * tangent + w)

    def _widths(self, values: Floats, number: int, bragg: Floats) -> tuple[Floats, Floats]:
        theta, owner = np.radians(bragg) / 2.0, self.width_of(number)
        gauss = np.sqrt(np.maximum(self._gauss_squared(values, bragg), self._least() ** 2))
        strain = self.value(values, f"X {owner}")
        size = self.value(values, f"Y {owner}")
        return gauss, np.asarray(strain * np.tan(theta) + size / np.cos(theta))

    def _least(self) -> float:
        return 0.5 * float(np.median(np.diff(self.angles)))

    def _width_slopes(self, values: Floats, number: int, bragg: Floats) -> tuple[Floats, Floats]:
        theta, owner = np.radians(bragg) / 2.0, self.width_of(number)
        squared = self._gauss_squared(values, bragg)
        free = squared > self._least() ** 2
        half = np.where(free, 0.5 / np.sqrt(np.maximum(squared, self._least() ** 2)), 0.0)
        by_gauss, by_lorentz = (np.zeros((len(bragg), len(self.start))) for _ in range(2))
        for name, power in (("U", 2), ("V", 1), ("W", 0)):
            if name in self.places:
                by_gauss[:, self.places[name]] = half * np.tan(theta) ** power
        for name, shape in ((f"X {owner}", np.tan(theta)), (f"Y {owner}", 1.0 / np.cos(theta))):
            if name in self.places:
                by_lorentz[:, self.places[name]] = shape
        return by_gauss, by_lorentz

    def _drawn_out(self, values: Floats, lines: _Lines) -> _Lines:
        """Return the lines with those at low angle divided among points of axial divergence."""
        place = self.places.get("asymmetry")
        if place is None:
            return lines
        wide = np.abs(1.0 / np.tan(np.radians(lines.positions))) > _LOW_ANGLE_COTANGENT
        offsets, weights = axial_offsets(lines.positions, _NODES)
        number = np.repeat(np.arange(len(wide)), np.where(wide, _NODES, 1))
        node = np.concatenate([np.arange(_NODES) if one else [0] for one in wide]).astype(int)
        mean = offsets @ weights
        offset = np.where(wide[number], offsets[number, node], mean[number])
        share = np.where(wide[number], weights[node], 1.0)
        by_position = lines.by_position[number]
        by_position[:, place] = offset
        return _Lines(
            lines.positions[number] + float(values[place]) * offset,
            lines.gauss[number],
            lines.lorentz[number],
            lines.heights[number] * share,
            lines.column[number],
            by_position,
            lines.by_gauss[number],
            lines.by_lorentz[number],
            lines.by_height[number],
        )


_Drawn = tuple[Integers, Integers, tuple[Floats, Floats, Floats, Floats], Floats]


def _within_reach(squares: Floats, radiation: Radiation) -> tuple[Integers, Integers, Floats]:
    """Return family, beam and sin(theta) of each line that a beam can reach."""
    lengths = np.array([length for length, _ in radiation.lines])
    sines = np.outer(np.sqrt(squares), lengths) / 2.0
    family, beam = np.nonzero(sines < 0.999)
    return family, beam, sines[family, beam]


def _drawn(angles: Floats, lines: _Lines) -> _Drawn:
    width, share, slopes = pseudo_voigt_of(lines.gauss, lines.lorentz)
    first, counts = drawn_points(angles, lines.positions, width)
    total = int(counts.sum())
    drawn = (np.empty(total), np.empty(total), np.empty(total), np.empty(total))
    draw_lines(angles, (lines.positions, width, share), first, counts, drawn)
    return first, counts, drawn, slopes


def _sparse(points: int, columns: int, lines: _Lines, drawn: _Drawn) -> sparse.csc_matrix:
    first, counts, (value, _, _, _), _ = drawn
    starts = np.repeat(np.cumsum(counts) - counts, counts)
    rows = np.arange(len(value)) - starts + np.repeat(first, counts)
    columns_of = np.repeat(lines.column, counts)
    data = value * np.repeat(lines.heights, counts)
    return sparse.csc_matrix((data, (rows, columns_of)), shape=(points, columns))


def _factors(lines: _Lines, heights: Floats) -> Floats:
    """Return what `add_slopes` takes, (n_lines, p, 4)."""
    _, _, slopes = pseudo_voigt_of(lines.gauss, lines.lorentz)
    factors = np.empty((*lines.by_height.shape, 4))
    factors[..., 0] = lines.by_height
    factors[..., 1] = lines.by_position
    factors[..., 2] = slopes[0][:, None] * lines.by_gauss + slopes[1][:, None] * lines.by_lorentz
    factors[..., 3] = slopes[2][:, None] * lines.by_gauss + slopes[3][:, None] * lines.by_lorentz
    return np.asarray(factors * heights[:, None, None])


def start_parameters(
    phases: tuple[Phase, ...], freedom: Freedom, widths: Widths, *, step_deg: float
) -> tuple[tuple[Parameter, ...], Floats]:
    """Return the parameters of a pattern with their bounds, and the spread of each about its start.

    Spreads are wide for all that a pattern tells, and keep what it does not tell near its start.
    """
    h = widths.gauss + widths.lorentz
    least = step_deg**2 / 4.0
    found: list[tuple[Parameter, float]] = []
    if freedom.shift != "none":
        found.append((Parameter("shift", freedom.shift_start, "deg", -2.0, 2.0), 0.5))
    found.append((Parameter("W", max(widths.gauss**2, least), "deg²", least, 9.0), 3.0 * h**2))
    if freedom.widths:
        found.append((Parameter("U", 0.0, "deg²", -1.0, 9.0), 3.0 * h**2))
        found.append((Parameter("V", 0.0, "deg²", -9.0, 3.0), 3.0 * h**2))
    if freedom.asymmetry:
        found.append((Parameter("asymmetry", 0.01, "deg", 0.0, 0.5), 0.1))
    for number, phase in enumerate(phases):
        found += _of_phase(number, phase, freedom, widths)
    return tuple(one for one, _ in found), np.array([spread for _, spread in found])


def _of_phase(
    number: int, phase: Phase, freedom: Freedom, widths: Widths
) -> list[tuple[Parameter, float]]:
    found: list[tuple[Parameter, float]] = []
    h = widths.gauss + widths.lorentz
    if phase.name not in freedom.held_lattices:
        for k in range(len(phase.basis)):
            bounds = -_MOST_STRAIN, _MOST_STRAIN
            found.append((Parameter(f"lattice {number} {k}", 0.0, "1", *bounds), 0.05))
    if phase.own_width or number == 0:
        found.append((Parameter(f"Y {number}", widths.lorentz, "deg", 0.0, 5.0), 3.0 * h))
        if freedom.widths:
            found.append((Parameter(f"X {number}", 0.1 * h, "deg", 0.0, 5.0), 3.0 * h))
    if freedom.displacement_B and phase.groups is None:
        found.append((Parameter(f"B {number}", 0.0, "Å²", -1.5, 10.0), 1.5))
    if phase.texture is not None and phase.groups is None:
        found.append((Parameter(f"texture {number}", 1.0, "1", 0.2, 4.0), 1.0))
    return found


def line_groups(
    lines: PowderLines, metric: Floats, radiation: Radiation, closest_deg: float
) -> Integers:
    """Return groups of families that a pattern cannot tell apart, (n,): nearer than a distance.

    Within a group the structure says how the intensity is divided.
    """
    squares = lines.families.inverse_squares(metric)
    sines = np.minimum(np.sqrt(squares) * radiation.wavelength_A / 2.0, 0.9999)
    angles = np.degrees(2.0 * np.arcsin(sines))
    order = np.argsort(angles)
    groups = np.zeros(len(angles), dtype=np.int64)
    current, start = 0, angles[order[0]]
    for place in order:
        if angles[place] - start > closest_deg:
            current, start = current + 1, angles[place]
        groups[place] = current
    return groups
