"""From a structure to its best parameters: starts from a scan, then descents."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from vitrolyte.data.model import Floats
from vitrolyte.laboratory.impedance.noise import Noise
from vitrolyte.laboratory.impedance.search_kernels import descend, scan
from vitrolyte.laboratory.impedance.spectrum import Complexes, Spectrum
from vitrolyte.laboratory.impedance.structure import Structure
from vitrolyte.observe.impedance.circuits import Circuit

_ARC_EXPONENT = 0.85
_ELECTRODE_EXPONENTS = (0.6, 0.75, 0.9)
_PER_DECADE = 1.7
_STARTS = 3
_MORE_STARTS = 6
# Most steps, and the share of chi² below which a step gains nothing.
_GLANCE = (8, 1e-3)
_ROUGH = (60, 1e-7)
_SHARP = (300, 1e-12)
_SAME = 1e-4
"""Two minima are the same if their chi² differ by less than this share of the noise's."""


@dataclass(frozen=True, eq=False)
class Target:
    """A spectrum with its noise, ready to be searched.

    Attributes
    ----------
    spectrum
        What was measured.
    noise
        Errors; a common factor is found by each fit.
    scale
        That factor, as the linear test found it.
    """

    spectrum: Spectrum
    noise: Noise
    scale: float

    @cached_property
    def weights(self) -> Floats:
        """Return one over the errors of both parts, (n, 2), 1/ohm."""
        return 1.0 / (self.scale * np.stack([self.noise.real, self.noise.imaginary], axis=1))

    @cached_property
    def log_omega(self) -> Floats:
        """Return ln omega, (n,)."""
        return np.log(self.spectrum.omega)

    @cached_property
    def times(self) -> Floats:
        """Return the relaxation times that are scanned, (m,), ln s, the fastest first."""
        logs = -self.log_omega
        ends = logs[0] - np.log(10.0), logs[-1] + 0.5 * np.log(10.0)
        count = int(np.ceil((ends[1] - ends[0]) / np.log(10.0) * _PER_DECADE)) + 1
        return np.linspace(ends[0], ends[1], count)

    def whitened(self, columns: Complexes) -> Floats:
        """Return columns (n, p) over the errors, real parts first, (2 n, p)."""
        return np.concatenate(
            [columns.real * self.weights[:, :1], columns.imag * self.weights[:, 1:]]
        )

    @cached_property
    def dictionary(self) -> tuple[Floats, Floats, Floats]:
        """Return Gram matrix, projections and lengths of all columns of the scan.

        In order: inductance, resistance, electrodes (three Q, C, W, Wo and Ws at each slow time),
        arcs at all times.
        """
        s = 1j * self.spectrum.omega
        columns = [s, np.ones_like(s)]
        columns += [s**-n for n in (*_ELECTRODE_EXPONENTS, 1.0, 0.5)]
        for time in self.slow:
            root = np.sqrt(s * np.exp(time))
            tanh = np.where(root.real > 20.0, 1.0, np.tanh(np.minimum(root.real, 20.0) * (1 + 1j)))
            columns += [1.0 / (tanh * root), tanh / root]
        columns += [1.0 / (1.0 + (s * np.exp(time)) ** _ARC_EXPONENT) for time in self.times]
        white = self.whitened(np.stack(columns, axis=1))
        lengths = np.linalg.norm(white, axis=0)
        white = white / lengths
        z = self.whitened(self.spectrum.impedance[:, None])[:, 0]
        return white.T @ white, white.T @ z, lengths

    @cached_property
    def slow(self) -> Floats:
        """Return the times tried for a finite Warburg element, ln s."""
        return np.asarray(self.times[len(self.times) // 2 :: 2])

    @property
    def first_time(self) -> int:
        """Return the place of the first arc in the dictionary."""
        return 7 + 2 * len(self.slow)


@dataclass(frozen=True, eq=False)
class Minimum:
    """Where a search ended.

    Attributes
    ----------
    coordinates
        (p,).
    chi2
        Sum of squared residuals over the noise of the linear test.
    normal
        (p, p), J'J.
    share
        Share of the starts that ended here.
    starts
        Their number.
    """

    coordinates: Floats
    chi2: float
    normal: Floats
    share: float
    starts: int


def search(structure: Structure, target: Target) -> Minimum:
    """Return a minimum of a structure, near enough to weigh it by.

    The starts are led on for a few steps, and the best of them to its end.
    """
    starts, bounds = starting_points(structure, target, _STARTS), structure.bounds(target.spectrum)
    circuit = structure.circuit
    found = [_descended(circuit, target, start, bounds, _GLANCE) for start in starts]
    best = min(found, key=lambda one: one[0])
    chi2, place, normal = _descended(circuit, target, best[1], bounds, _ROUGH)
    return Minimum(place, chi2, normal, 1.0 / len(found), len(found))


def refined(structure: Structure, target: Target, minimum: Minimum) -> Minimum:
    """Return the best minimum from a rough one and from several starts, all led to their ends."""
    starts = [minimum.coordinates, *starting_points(structure, target, _MORE_STARTS)]
    return descent(structure.circuit, target, starts, structure.bounds(target.spectrum))


def descent(
    circuit: Circuit, target: Target, starts: list[Floats], bounds: tuple[Floats, Floats]
) -> Minimum:
    """Return the best of the minima that starts lead to."""
    found = [_descended(circuit, target, start, bounds, _SHARP) for start in starts]
    chi2, place, normal = min(found, key=lambda one: one[0])
    level = _SAME * max(chi2, 1.0)
    share = float(np.mean([one[0] - chi2 < level for one in found]))
    return Minimum(place, chi2, normal, share, len(found))


def _descended(
    circuit: Circuit,
    target: Target,
    start: Floats,
    bounds: tuple[Floats, Floats],
    effort: tuple[int, float],
) -> tuple[float, Floats, Floats]:
    place = np.clip(start, *bounds)
    chi2, normal, _ = descend(
        circuit.operations,
        target.log_omega,
        target.spectrum.impedance,
        target.weights,
        place,
        *bounds,
        *effort,
    )
    return float(chi2), place, normal


def starting_points(structure: Structure, target: Target, count: int) -> list[Floats]:
    """Return different starts from the scan of all relaxation times."""
    gram, right, lengths = target.dictionary
    fixed = np.array([0] * structure.inductive + [1] * structure.series, dtype=np.int64)
    options = _options(structure, target)
    arcs = target.first_time + np.arange(len(target.times))
    wanted = len(structure.arcs)
    explained, combinations, sizes = scan(gram, right, fixed, options, arcs, wanted)
    found: list[Floats] = []
    taken: list[list[int]] = []
    for row in np.argsort(-explained, kind="stable"):
        one = combinations[row].tolist()
        if all(_apart(one, other) for other in taken):
            taken.append(one)
            found.append(_start(structure, target, one, sizes[row], lengths))
        if len(found) == count or (found and explained[row] <= 0.0):
            break
    return found


def _apart(one: list[int], other: list[int]) -> bool:
    """Return whether an arc is more than a step of the scan away, or the electrode is another."""
    if len(one) == 1:
        return one != other
    return any(abs(a - b) > 1 for a, b in zip(one[:-1], other[:-1], strict=True))


def _options(structure: Structure, target: Target) -> NDArray[np.int64]:
    """Return the columns of the dictionary that stand for the electrode."""
    slow = 7 + 2 * np.arange(len(target.slow))
    return np.asarray(
        {
            "": np.empty(0, dtype=np.int64),
            "Q": np.array([2, 3, 4]),
            "C": np.array([5]),
            "W": np.array([6]),
            "Wo": slow,
            "Ws": slow + 1,
        }[structure.electrode],
        dtype=np.int64,
    )


def _start(
    structure: Structure,
    target: Target,
    combination: list[int],
    sizes: Floats,
    lengths: Floats,
) -> Floats:
    """Return coordinates from one combination of the scan."""
    options = _options(structure, target)
    fixed = int(structure.inductive) + int(structure.series)
    found = np.empty(structure.size)
    columns = [0] * structure.inductive + [1] * structure.series
    for place, column in enumerate(columns):
        found[place] = np.log(max(sizes[place], 1e-6 * np.max(sizes), 1e-300) / lengths[column])
    begin = fixed + int(len(options) > 0)
    for k, (r, tau, n) in enumerate(structure.arc_places()):
        column = target.first_time + combination[k]
        found[r] = np.log(max(sizes[begin + k], 1e-300) / lengths[column])
        found[tau] = target.times[combination[k]]
        if n >= 0:
            found[n] = _ARC_EXPONENT
    if structure.electrode:
        place, option = structure.electrode_place, combination[-1]
        size = np.log(max(sizes[fixed], 1e-300) / lengths[options[option]])
        if structure.electrode in ("Q", "C", "W"):
            found[place] = -size
        else:
            found[place], found[place + 1] = size, target.slow[option]
        if structure.electrode == "Q":
            found[place + 1] = _ELECTRODE_EXPONENTS[option]
    return found


def resampled(
    circuit: Circuit, target: Target, minimum: Minimum, bounds: tuple[Floats, Floats], draws: int
) -> Floats:
    """Return the covariance (p, p) of coordinates fitted to simulated spectra.

    Each is the fitted spectrum with fresh normal noise of the size that the residuals show,
    searched from the minimum; the draws are always the same.
    """
    found = []
    random = np.random.default_rng(0)
    fitted = circuit.evaluate(target.spectrum.frequency, minimum.coordinates)[0]
    freedom = 2 * len(target.spectrum) - len(minimum.coordinates)
    scale = np.sqrt(minimum.chi2 / freedom) / target.weights
    for _ in range(draws):
        noise = scale * random.standard_normal(scale.shape)
        drawn = replace(target.spectrum, impedance=fitted + noise[:, 0] + 1j * noise[:, 1])
        again = replace(target, spectrum=drawn)
        found.append(_descended(circuit, again, minimum.coordinates, bounds, _ROUGH)[1])
    return np.atleast_2d(np.cov(np.array(found), rowvar=False))
