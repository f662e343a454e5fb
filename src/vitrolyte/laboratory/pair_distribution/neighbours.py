"""Shells of neighbours fitted to G(r) as it was measured: cut off in Q, weighted at each Q."""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from scipy.signal import find_peaks

from vitrolyte.data.curve import Curve
from vitrolyte.data.errors import InputError, NotConverged
from vitrolyte.data.model import Model, Parameter
from vitrolyte.data.quantity import Quantity
from vitrolyte.infer.fit import Fit, FitSettings, fit
from vitrolyte.laboratory.pair_distribution.transform import Composition, Functions, waves
from vitrolyte.observe.scattering.probes import strength

Floats = NDArray[np.float64]

_STEP_Q = 0.02
_BELOW_A, _ABOVE_A, _BEYOND_A = 0.35, 0.30, 0.4
_MOST_UNNAMED, _CHANCE = 2, 1e-3
_NEAR_A = 0.35
_LEAST_WEIGHT = 0.005
_HEIGHT_SHARE = 0.04
_SHOULDER_SHARE = 0.15
_UNCERTAIN_A = 0.1
_UNASSIGNED, _NEGATIVE = "unassigned", "unassigned negative"


@dataclass(frozen=True)
class ExpectedPair:
    """A pair of elements and where its first peak is looked for, Å: ``Zr-O`` is O around Zr."""

    pair: str
    distance_A: float


@dataclass(frozen=True, eq=False)
class PeaksFound:
    """The first shells of a G(r).

    Attributes
    ----------
    distances, numbers, widths
        By pair: r, N and the standard deviation of the distances, Å.
    fit, parts
        The fitted G(r), and each shell of it.
    slope
        Of the straight line under the peaks, ``-4 pi rho0``, 1/Å³.
    window_A
        Range of the fit.
    ripples
        Maxima of G(r) below the first peak, which no atoms make, Å.
    poor
        Why the fit is not to be trusted, or nothing.
    notes
        Pairs that were not looked for, and why.
    """

    distances: Mapping[str, Quantity]
    numbers: Mapping[str, Quantity]
    widths: Mapping[str, Quantity]
    fit: Curve
    parts: tuple[Curve, ...]
    slope: float
    window_A: tuple[float, float]
    ripples: tuple[float, ...]
    poor: str
    notes: tuple[str, ...]


def neighbour_peaks(
    functions: Functions, composition: Composition, expected: tuple[ExpectedPair, ...]
) -> PeaksFound:
    r"""Return the first shells of neighbours that a measured G(r) shows.

    .. math:: G(r) = \frac{2}{\pi} \int_{Q_{min}}^{Q_{max}} M(Q) \sum_k W_k(Q)\,
        \frac{N_k}{c_b r_k} \sin(Q r_k)\, e^{-Q^2 \sigma_k^2 / 2} \sin(Q r)\, dQ + a r + b r^3

    with W the weight of the pair at each Q. The ripples of the cut-off are in the model, so that
    they are not taken for atoms; the line and the cubic stand for the mean density and for what
    lies below Q_min. Peaks that no expected pair explains are fitted too, without a name, where
    chance would not make them (1 in 1000). Points
    of G(r) are taken :math:`\pi / Q_{max}` apart, with the covariance that the errors of S(Q) give
    them.

    Raises
    ------
    InputError
        If an expected pair is not of the composition.
    NotConverged
        If a shell cannot be determined.
    """
    weights = _Weights.of(composition, functions.window.q_max)
    kept, notes = _visible(expected, weights)
    starts = _starts(functions, kept, weights, notes)
    if not starts:
        raise NotConverged(
            "G(r) needs a peak near the distance of an expected pair",
            received=", ".join(f"{one.pair} {one.distance_A:.2f} Å" for one in expected) or "none",
            remedy="give --pairs Zr-O:2.08 with distances read off G(r)",
        )
    problem = _Problem(functions, weights, starts)
    problem, found = _with_unnamed(problem, problem.solved())
    return _summary(problem, found, tuple(notes))


def _choices(problem: _Problem, found: Fit) -> Mapping[str, float]:
    """Return what other choices of range and baseline would move each parameter by (rms)."""
    others = []
    for change in (
        {"cubic": False},
        {"moved_A": (-0.3, 0.0)},
        {"moved_A": (0.0, -0.1)},
        {"moved_A": (0.0, 0.1)},
    ):
        with suppress(NotConverged):
            others.append(replace(problem, **change).solved())
    spread = {}
    for parameter in found.model.parameters:
        pairs = [(one.parameters[parameter.name].value, parameter.value) for one in others]
        moves = [a - b for a, b in pairs if math.isfinite(a)]
        spread[parameter.name] = math.sqrt(float(np.mean(np.square(moves)))) if moves else 0.0
    return spread


def _with_unnamed(problem: _Problem, found: Fit) -> tuple[_Problem, Fit]:
    """Return the fit with those unnamed peaks that the points ask for, strongest first."""
    names = [_UNASSIGNED]
    if any(problem.weights.sign(pair) < 0 for pair in problem.weights.shares):
        names.append(_NEGATIVE)
    for _ in range(_MOST_UNNAMED):
        trials = []
        for name in names:
            for place in _unnamed(problem, 1.0 if name == _UNASSIGNED else -1.0):
                more = replace(
                    problem, starts=[*problem.starts, ExpectedPair(f"{name}#{place:.2f}", place)]
                )
                with suppress(NotConverged):
                    trials.append((more, more.solved()))
        best = min(trials, key=lambda pair: _squares(pair[1]), default=None)
        if best is None or not _asked_for(found, best[1]):
            break
        problem, found = best
    return problem, found


def _squares(found: Fit) -> float:
    return float(np.sum(found.residuals**2))


def _asked_for(plain: Fit, fuller: Fit) -> bool:
    """Return whether three more parameters take away more than chance would, at 1 %."""
    gain = (_squares(plain) - _squares(fuller)) / 3.0
    left = _squares(fuller) / fuller.dof
    return bool(stats.f.sf(gain / max(left, 1e-300), 3, fuller.dof) < _CHANCE)


def _unnamed(problem: _Problem, sign: float) -> list[float]:
    """Return where peaks without a name stand: behind the named ones, which they overlap.

    Between and before them stand ripples more often than atoms.
    """
    named = [one.distance_A for one in problem.starts if not one.pair.startswith(_UNASSIGNED)]
    low, high = max(named), problem.window_A[1]
    apart = math.pi / problem.functions.window.q_max
    return [
        r
        for r in _tops(problem.functions.reduced, sign)
        if low < r < high and all(abs(r - one.distance_A) > apart for one in problem.starts)
    ]


@dataclass(frozen=True, eq=False)
class _Weights:
    """Weights of pairs at each Q, over the fraction of the neighbour."""

    q: Floats
    table: Mapping[str, Floats]
    shares: Mapping[str, float]

    @classmethod
    def of(cls, composition: Composition, q_max: float) -> _Weights:
        q = np.asarray(np.arange(1, int(q_max / _STEP_Q) + 1) * _STEP_Q, dtype=float)
        how = strength(composition.probe, composition.fractions, q)
        still = strength(composition.probe, composition.fractions, np.zeros(1, dtype=float))
        table, shares = {}, {}
        for a in how.elements:
            for b in how.elements:
                pair = f"{a}-{b}"
                table[pair] = how.pair(pair) / how.divisor / composition.fractions[b]
                shares[pair] = float((still.pair(pair) / still.divisor)[0])
        ones = {_UNASSIGNED: np.ones(len(q)), _NEGATIVE: -np.ones(len(q))}
        return cls(q, {**table, **ones}, shares)

    def sign(self, pair: str) -> float:
        """Return -1 for a pair whose peaks point down, as those of Li or Mn with neutrons do."""
        return math.copysign(1.0, float(np.mean(self.of_pair(pair))))

    def of_pair(self, pair: str) -> Floats:
        # A pair may be there twice, split: Zr-Cl#2.
        return self.table[pair.partition("#")[0]]


def _visible(
    expected: tuple[ExpectedPair, ...], weights: _Weights
) -> tuple[list[ExpectedPair], list[str]]:
    kept, notes = [], []
    for one in expected:
        share = weights.shares.get(one.pair.partition("#")[0])
        if share is None:
            raise InputError(
                "An expected pair is made of elements of the composition", received=one.pair
            )
        if abs(share) < _LEAST_WEIGHT:
            notes.append(f"{one.pair} has {100 * share:.1f} % of the weight and is not looked for")
        else:
            kept.append(one)
    return kept, notes


def _starts(
    functions: Functions, expected: list[ExpectedPair], weights: _Weights, notes: list[str]
) -> list[ExpectedPair]:
    """Return the expected pairs at the peaks that stand near them."""
    tops = {sign: _tops(functions.reduced, sign) for sign in (1.0, -1.0)}
    found: list[ExpectedPair] = []
    for one in sorted(expected, key=lambda each: each.distance_A):
        near = [r for r in tops[weights.sign(one.pair)] if abs(r - one.distance_A) < _NEAR_A]
        if not near and _shoulder(functions.reduced, one, weights.sign(one.pair)):
            found.append(one)
            continue
        if not near:
            notes.append(f"no peak of G(r) stands near {one.distance_A:.2f} Å for {one.pair}")
            continue
        place = min(near, key=lambda r: abs(r - one.distance_A))
        taken = any(abs(other.distance_A - place) < 1e-6 for other in found)
        # Two pairs under one maximum start where they are expected.
        found.append(replace(one, distance_A=one.distance_A if taken else place))
    return found


def _shoulder(curve: Curve, one: ExpectedPair, sign: float) -> bool:
    """Return whether G(r) stands high where a pair is expected, though without a maximum."""
    near = (curve.x > 1.0) & (curve.x < min(8.0, float(curve.x[-1])))
    high = float((sign * curve.y.real[near]).max())
    before = sign * curve.y.real[(curve.x > 1.0) & (curve.x < max(1.1, one.distance_A - 0.3))]
    # G(r) falls as -4 pi rho0 r where there are no atoms: a peak is high above that.
    floor = min(0.0, float(np.median(before))) if len(before) else 0.0
    height = sign * float(np.interp(one.distance_A, curve.x, curve.y.real)) - floor
    error = 0.0 if curve.y_error is None else float(np.median(curve.y_error))
    return height > max(5.0 * error, _SHOULDER_SHARE * high)


def _tops(curve: Curve, sign: float = 1.0) -> list[float]:
    """Return the maxima of a G(r), or its minima, that stand out of its noise."""
    y = sign * curve.y.real
    near = curve.x < min(8.0, float(curve.x[-1]))
    high = float(y[near & (curve.x > 1.0)].max())
    tops = find_peaks(y, prominence=_HEIGHT_SHARE * max(high, 1e-9))[0]
    error = 0.0 if curve.y_error is None else float(np.median(curve.y_error))
    return [float(curve.x[top]) for top in tops if y[top] > 3.0 * error and curve.x[top] > 0.8]


@dataclass(frozen=True, eq=False)
class _Problem:
    """The points of G(r) in the range of the fit, whitened, and the model of them."""

    functions: Functions
    weights: _Weights
    starts: list[ExpectedPair]
    cubic: bool = True
    moved_A: tuple[float, float] = (0.0, 0.0)

    @property
    def window_A(self) -> tuple[float, float]:
        """Return the range of the fit: round the named peaks, up to one that overlaps them."""
        named = [one.distance_A for one in self.starts if not one.pair.startswith(_UNASSIGNED)]
        end = max(named) + _ABOVE_A
        tops = _tops(self.functions.reduced)
        beside = [r for r in tops if max(named) + 0.1 < r < end + _BEYOND_A]
        low = max(0.5, min(named) - _BELOW_A + self.moved_A[0])
        return low, max([end, *(r + 0.1 for r in beside)]) + self.moved_A[1]

    def solved(self) -> Fit:
        low, high = self.window_A
        step = math.pi / self.functions.window.q_max
        r = np.arange(low, high + 0.5 * step, step)
        curve = self.functions.reduced
        values = np.interp(r, curve.x, curve.y.real)
        whiten = self._whitening(r)
        kernel = self._kernel(r)

        def forward(x: Floats, p: Floats) -> Floats:
            del x
            return np.asarray(whiten @ self.model(r, p, kernel), dtype=float)

        error = None if curve.y_error is None else np.ones(len(r))
        data = Curve(r, whiten @ values, curve.x_axis, curve.y_axis, y_error=error)
        parameters = self._parameters(r, values)
        if len(r) <= len(parameters):
            raise NotConverged(
                "A fit of shells needs more independent points of G(r) than parameters",
                received=f"{len(r)} points for {len(parameters)} parameters",
                remedy="measure to a higher Q, or name fewer pairs",
            )
        settings = FitSettings(undetermined="refuse")
        return fit(Model(forward, parameters), data, settings=settings)

    def _whitening(self, r: Floats) -> Floats:
        factor, window = self.functions.factor, self.functions.window
        error = self.functions.reduced.y_error
        if factor.y_error is None:
            # Of a G(r) as read only the errors of its points are known.
            if error is None:
                return np.eye(len(r))
            return np.diag(1.0 / np.interp(r, self.functions.reduced.x, error))
        matrix = waves(factor.x, window, r)
        covariance = (matrix * factor.y_error**2) @ matrix.T
        ridge = 1e-6 * float(np.mean(np.diag(covariance)))
        lower = np.linalg.cholesky(covariance + ridge * np.eye(len(r)))
        return np.linalg.inv(lower)

    def _kernel(self, r: Floats) -> Floats:
        q, window = self.weights.q, self.functions.window
        kernel = waves(q, window, r) / q
        # Below Q_min nothing was measured; S(Q) is continued, and the line and cubic take it.
        return np.where(q >= window.q_min, kernel, 0.0) if window.low_q == "nothing" else kernel

    def shell(self, p: Floats, which: int) -> Floats:
        """Return Q [S(Q) - 1] of one shell."""
        number, distance, width = p[3 * which : 3 * which + 3]
        q = self.weights.q
        weight = self.weights.of_pair(self.starts[which].pair)
        wave = np.sin(q * distance) * np.exp(-0.5 * (q * width) ** 2)
        return np.asarray(weight * number / distance * wave, dtype=float)

    def model(self, r: Floats, p: Floats, kernel: Floats) -> Floats:
        total = np.sum([self.shell(p, n) for n in range(len(self.starts))], axis=0)
        return np.asarray(kernel @ total + p[-2] * r + p[-1] * r**3, dtype=float)

    def _parameters(self, r: Floats, values: Floats) -> tuple[Parameter, ...]:
        found: list[Parameter] = []
        blur = 1.0 / self.functions.window.q_max
        for one in self.starts:
            weight = float(np.mean(self.weights.of_pair(one.pair)))
            height = max(
                math.copysign(1.0, weight) * float(np.interp(one.distance_A, r, values)), 0.1
            )
            number = height * one.distance_A * math.sqrt(2.0 * math.pi) * math.hypot(0.1, blur)
            low, high = one.distance_A - _NEAR_A, one.distance_A + _NEAR_A
            bound = 100.0 / abs(weight)
            sides = (0.0, bound)
            found += [
                Parameter(f"N {one.pair}", min(number / abs(weight), 0.9 * bound), "1", *sides),
                Parameter(f"r {one.pair}", one.distance_A, "Å", low, high),
                Parameter(f"width {one.pair}", 0.1, "Å", 0.005, 0.6),
            ]
        return (
            *found,
            Parameter("line", -0.5, "1/Å³", -20.0, 20.0),
            Parameter("cubic", 0.0, "1/Å⁵", -5.0, 5.0, fixed=not self.cubic),
        )


def _summary(problem: _Problem, found: Fit, notes: tuple[str, ...]) -> PeaksFound:
    curve = problem.functions.reduced
    low, high = problem.window_A
    inside = (curve.x >= max(0.5, low - 1.0)) & (curve.x <= high)
    r = curve.x[inside]
    kernel = problem._kernel(r)
    values = found.model.values
    whole = Curve(r, problem.model(r, values, kernel), curve.x_axis, curve.y_axis, label="fit")
    parts = tuple(
        replace(whole, y=kernel @ problem.shell(values, n), label=one.pair.replace("#", " "))
        for n, one in enumerate(problem.starts)
    )
    named = [one.pair for one in problem.starts if not one.pair.startswith(_UNASSIGNED)]
    poor = _why_poor(problem, values)
    spread = _choices(problem, found)
    tops = _tops(curve)
    return PeaksFound(
        distances={pair: _judged(found, f"r {pair}", problem, spread) for pair in named},
        numbers={pair: _judged(found, f"N {pair}", problem, spread) for pair in named},
        widths={pair: _judged(found, f"width {pair}", problem, spread) for pair in named},
        fit=whole,
        parts=parts,
        slope=float(values[-2]),
        window_A=problem.window_A,
        ripples=tuple(top for top in tops if top < low),
        poor=poor,
        notes=notes,
    )


def _why_poor(problem: _Problem, values: Floats) -> str:
    low, high = problem.window_A
    curve = problem.functions.reduced
    inside = (curve.x >= low) & (curve.x <= high)
    r, y = curve.x[inside], curve.y.real[inside]
    left = y - problem.model(r, values, problem._kernel(r))
    share = float(np.sum(left**2) / np.sum((y - y.mean()) ** 2))
    return f"the fit leaves {100 * share:.0f} % of G(r)" if share > 0.05 else ""


def _judged(found: Fit, name: str, problem: _Problem, spread: Mapping[str, float]) -> Quantity:
    quantity = found.parameters[name]
    if quantity.status == "refused":
        return quantity
    parameter = next(p for p in found.model.parameters if p.name == name)
    room = min(quantity.value - parameter.low, parameter.high - quantity.value)
    if room < 1e-4 * (parameter.high - parameter.low) or not math.isfinite(quantity.error):
        return Quantity.refused(quantity.unit, "the data do not determine it")
    quantity = _widened(quantity, spread[name])
    kind, _, pair = name.partition(" ")
    if kind != "r" and quantity.error > abs(quantity.value):
        return Quantity.refused(quantity.unit, "the data do not determine it")
    if kind == "r" and quantity.error > _UNCERTAIN_A:
        return Quantity.refused(quantity.unit, "the data do not determine it")
    place = found.parameters[f"r {pair}"].value
    resolution = math.pi / problem.functions.window.q_max
    others = [p.name[2:] for p in found.model.parameters if p.name.startswith("r ")]
    close = [
        other
        for other in others
        if other != pair and abs(found.parameters[f"r {other}"].value - place) < resolution
    ]
    if close:
        quantity = quantity.provisional(
            f"{', '.join(close)} stands nearer than the resolution of {resolution:.2f} Å"
        )
    if kind == "N" and quantity.high - quantity.low > 1.5 * quantity.value:
        quantity = quantity.provisional("the number is hardly determined")
    return quantity


def _widened(quantity: Quantity, spread: float) -> Quantity:
    """Return a quantity whose interval holds the choice of range and baseline too."""
    error = math.hypot(quantity.error, spread)
    factor = error / quantity.error
    return replace(
        quantity,
        error=error,
        low=quantity.value - (quantity.value - quantity.low) * factor,
        high=quantity.value + (quantity.high - quantity.value) * factor,
        note=f"the choice of range and baseline has {spread:.2g} {quantity.unit} of the error",
    )
