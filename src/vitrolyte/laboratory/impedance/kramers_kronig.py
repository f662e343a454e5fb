"""Whether a spectrum can be the response of a linear, causal and steady system, and its noise."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from scipy import special

from vitrolyte.data.curve import Axis, Curve, CurveSet
from vitrolyte.data.model import Floats
from vitrolyte.data.observation import Observation, Sample, measured
from vitrolyte.data.quantity import Quantity
from vitrolyte.data.result import Result
from vitrolyte.infer.ridge import RidgeFit, ridge
from vitrolyte.laboratory.impedance.noise import Basis, Noise, noise_like, with_trend
from vitrolyte.laboratory.impedance.spectrum import FREQUENCY, Complexes, Spectrum

CITATIONS = ("10.1016/j.electacta.2014.01.034", "10.1149/1.2044210", "10.1162/neco.1992.4.3.415")
METHOD = "linear Kramers-Kronig test, RC elements held by evidence"

FALSE_ALARM = 0.01
"""How often a spectrum without fault fails in any of its regions."""
MATTERS = 0.01
"""A violation above this share of |Z| makes what is fitted provisional."""
_PER_DECADE = 7
_BEYOND = 1.5
_FREE = 30.0
"""Prior size of the resistance, inductance and capacitance in series, relative to an RC's."""
_TESTED_POINTS = 4
_RARE = 2.5758
"""Standard deviations that normal noise exceeds, upwards, in one case of two hundred."""
_BASES: tuple[Basis, ...] = ("modulus", "component", "constant")


@dataclass(frozen=True, eq=False)
class Region(Result):
    """The verdict over one stretch of frequencies.

    Attributes
    ----------
    low_Hz, high_Hz
        Its ends.
    p_value
        Probability of as large a violation by noise alone, all regions allowed for.
    violation
        Size of what contradicts the relations, root mean square relative to |Z|.
    """

    low_Hz: float
    high_Hz: float
    p_value: float
    violation: float

    @property
    def fails(self) -> bool:
        """Return whether the relations are contradicted."""
        return self.p_value < FALSE_ALARM

    @property
    def sentence(self) -> str:
        """Return the verdict in words."""
        ends = f"{self.low_Hz:.3g} to {self.high_Hz:.3g} Hz"
        if self.fails:
            return f"{ends}: fails, by {100 * self.violation:.2g} % of |Z|"
        return f"{ends}: holds"

    def observations(self, sample: Sample) -> tuple[Observation, ...]:
        """Return no rows of its own."""
        del sample
        return ()


@dataclass(frozen=True, eq=False)
class KramersKronig(Result):
    """What the linear test says of one spectrum.

    Attributes
    ----------
    regions
        About one for each decade, the highest frequencies first.
    noise
        Standard error of each part relative to |Z|, median over frequency.
    noise_in_words
        On what it depends, and whether it is correlated.
    outliers
        Frequencies, Hz, of points that stand out of the noise.
    residuals
        Relative residuals of both parts.
    """

    regions: tuple[Region, ...]
    noise: Quantity
    noise_in_words: str
    outliers: tuple[float, ...]
    residuals: CurveSet

    @property
    def failing(self) -> tuple[Region, ...]:
        """Return the regions that fail."""
        return tuple(region for region in self.regions if region.fails)

    @property
    def worst(self) -> float:
        """Return the largest violation among regions that fail, relative to |Z|; else 0."""
        return max((region.violation for region in self.failing), default=0.0)

    @property
    def verdict(self) -> str:
        """Return the verdict in one sentence."""
        if not self.failing:
            return "Kramers-Kronig relations hold in every decade"
        said = "; ".join(region.sentence for region in self.failing)
        return f"Kramers-Kronig relations fail at {said}"

    def observations(self, sample: Sample) -> tuple[Observation, ...]:
        """Return the noise, and the largest violation; 0 where none is seen."""
        found = Quantity(self.worst, "1", note=self.verdict)
        if self.failing:
            found = Quantity(self.worst, "1", status="provisional", note=self.verdict)
        return (
            measured(sample, "impedance_noise", self.noise, method=METHOD),
            measured(sample, "kramers_kronig_violation", found, method=METHOD),
        )


@dataclass(frozen=True, eq=False)
class Smooth:
    """A spectrum as the linear test sees it.

    Attributes
    ----------
    impedance
        (n,), ohm: the closest response that obeys the relations.
    noise
        Errors up to a factor.
    scale
        That factor.
    fit
        The linear model behind it.
    """

    impedance: Complexes
    noise: Noise
    scale: float
    fit: RidgeFit

    @property
    def log_evidence(self) -> float:
        """Return the evidence of the spectrum itself, comparable between kinds of noise."""
        return self.fit.log_evidence - float(np.sum(np.log(self.noise.both)))


def smooth(spectrum: Spectrum) -> Smooth:
    r"""Return the closest spectrum that obeys the Kramers-Kronig relations, and the noise.

    .. math:: Z = R_0 + j\omega L + \frac{1}{j\omega C} + \sum_k \frac{R_k}{1 + j\omega\tau_k}

    on seven times each decade, one and a half decades beyond both ends; the sizes of the
    :math:`R_k`, of either sign, are held by evidence rather than by their number
    (after Boukamp, doi:10.1149/1.2044210, and Schönleber et al.,
    doi:10.1016/j.electacta.2014.01.034). Three kinds of noise are tried and
    the most probable is taken, then a change of its size with frequency is looked for.
    """
    z, x = spectrum.impedance, positions(spectrum)
    columns = _columns(spectrum)
    tried = [_fitted(columns, z, noise_like(basis, z, x)) for basis in _BASES]
    # The usual kind is kept unless another one is clearly more probable.
    gains = [one.log_evidence - (k > 0) for k, one in enumerate(tried)]
    best = tried[int(np.argmax(gains))]
    residuals, left = best.fit.residuals, 1.0 - best.fit.leverage
    noise = with_trend(best.noise, x, residuals, left, best.impedance)
    return _fitted(columns, z, noise)


def positions(spectrum: Spectrum) -> Floats:
    """Return the place of each frequency on a logarithmic scale from -1 to 1."""
    logs = np.log(spectrum.frequency)
    return np.asarray(2.0 * (logs - logs[-1]) / (logs[0] - logs[-1]) - 1.0)


def _columns(spectrum: Spectrum) -> Complexes:
    """Return the responses (n, p), each scaled to the impedance about its own frequency."""
    omega, modulus = spectrum.omega, spectrum.modulus
    first = np.log(omega[-1]) - _BEYOND * np.log(10.0)
    last = np.log(omega[0]) + _BEYOND * np.log(10.0)
    count = int(np.ceil((last - first) / np.log(10.0) * _PER_DECADE)) + 1
    rates = np.exp(np.linspace(first, last, count))
    near = np.exp(np.interp(np.log(rates), np.log(omega[::-1]), np.log(modulus[::-1])))
    # Slower than the slowest point an RC is seen as a capacitor; its size is that of its effect.
    near = near * np.maximum(omega[-1] / rates, 1.0)
    elements = near / (1.0 + 1j * omega[:, None] / rates)
    series = np.stack(
        [
            np.full(len(omega), modulus.min(), dtype=complex),
            1j * omega / omega[0] * modulus[0],
            -1j * omega[-1] / omega * modulus[-1],
        ],
        axis=1,
    )
    return np.concatenate([_FREE * series, elements], axis=1)


def _fitted(columns: Complexes, z: Complexes, noise: Noise) -> Smooth:
    design = np.concatenate([columns.real, columns.imag]) / noise.both[:, None]
    fit = ridge(design, np.concatenate([z.real, z.imag]) / noise.both)
    return Smooth(columns @ fit.coefficients, noise, fit.scale, fit)


def kramers_kronig(spectrum: Spectrum, seen: Smooth | None = None) -> KramersKronig:
    """Test a spectrum and say where, by how much, and above which noise it fails.

    In each stretch of about a decade the residuals of both parts are compared with constants and
    slopes; the chance that noise alone gives as much is exact for normal noise. Over all
    stretches together a faultless spectrum fails in one case of a hundred.
    """
    seen = smooth(spectrum) if seen is None else seen
    edges = _edges(spectrum)
    regions = tuple(
        _region(spectrum, seen, part, len(edges) - 1)
        for part in (slice(a, b) for a, b in itertools.pairwise(edges))
    )
    return KramersKronig(
        regions=regions,
        noise=_noise(spectrum, seen),
        noise_in_words=_in_words(seen),
        outliers=tuple(float(spectrum.frequency[k]) for k in outliers(seen)),
        residuals=_picture(spectrum, seen),
    )


def outliers(seen: Smooth) -> list[int]:
    """Return the places of points far out of the noise of the others."""
    strange = np.abs(_standard(seen)).reshape(2, -1).max(axis=0)
    limit = -float(special.ndtri(0.5 * 1e-3 / (2 * len(strange))))
    return [int(k) for k in np.flatnonzero(strange > limit)]


def _standard(seen: Smooth) -> Floats:
    """Return residuals in their own standard errors, (2 n,)."""
    left = np.sqrt(np.maximum(1.0 - seen.fit.leverage, 0.05))
    return seen.fit.residuals / (seen.scale * left)


def _edges(spectrum: Spectrum) -> list[int]:
    """Return where stretches of about a decade, with points enough, begin and end."""
    count = max(1, round(spectrum.decades))
    marks = np.linspace(np.log(spectrum.frequency[0]), np.log(spectrum.frequency[-1]), count + 1)
    inner = [int(np.sum(np.log(spectrum.frequency) > mark)) for mark in marks[1:-1]]
    found = [0]
    for place in inner:
        if place - found[-1] >= _TESTED_POINTS:
            found.append(place)
    while len(found) > 1 and len(spectrum) - found[-1] < _TESTED_POINTS:
        found.pop()
    return [*found, len(spectrum)]


def _region(spectrum: Spectrum, seen: Smooth, part: slice, count: int) -> Region:
    n = len(spectrum)
    place = np.linspace(-1.0, 1.0, part.stop - part.start)
    shapes = np.zeros((2 * n, 4))
    for row, begin in enumerate((0, n)):
        at = slice(begin + part.start, begin + part.stop)
        relative = spectrum.modulus[part] / seen.noise.both[at]
        shapes[at, 2 * row] = relative
        shapes[at, 2 * row + 1] = relative * place
    found = seen.fit.pattern(shapes)
    alone = (
        float(special.fdtrc(found.told, seen.fit.freedom, found.statistic)) if found.told else 1.0
    )
    # What noise alone adds to the squares of the amplitudes is taken off.
    squares = found.amplitudes**2 - found.variances
    size = float(np.sum(squares[::2] + squares[1::2] / 3.0)) / 2.0
    return Region(
        low_Hz=float(spectrum.frequency[part.stop - 1]),
        high_Hz=float(spectrum.frequency[part.start]),
        p_value=float(1.0 - (1.0 - alone) ** count),
        violation=float(np.sqrt(max(size, 0.0))),
    )


def _noise(spectrum: Spectrum, seen: Smooth) -> Quantity:
    relative = float(np.median(seen.noise.both / np.tile(spectrum.modulus, 2))) * seen.scale
    freedom = seen.fit.freedom
    ends = np.sqrt(freedom / special.chdtri(freedom, [0.025, 0.975])) * relative
    error = relative / np.sqrt(2.0 * freedom)
    return Quantity(relative, "1", float(error), float(ends[0]), float(ends[1]))


def _in_words(seen: Smooth) -> str:
    kind = {
        "modulus": "relative to |Z|",
        "component": "relative to each part",
        "constant": "the same at all frequencies",
    }[seen.noise.basis]
    trend = ", changing with frequency" if seen.noise.trend else ""
    return f"noise {kind}{trend}; {_correlation(seen)}"


def _correlation(seen: Smooth) -> str:
    """Return whether neighbouring residuals, or both parts of one point, go together."""
    real, imaginary = _standard(seen).reshape(2, -1)
    pairs = len(real)
    found = []
    together = float(np.mean(real * imaginary))
    if abs(together) > _RARE / np.sqrt(pairs):
        found.append(f"correlation {together:.2f} between both parts of a point")
    # Neighbours are pulled apart by the fit itself, by about its share of parameters.
    pull = -(2.0 * pairs - seen.fit.freedom) / (2.0 * pairs)
    beside = float(np.mean([np.mean(part[1:] * part[:-1]) for part in (real, imaginary)]))
    if beside - pull > _RARE / np.sqrt(2.0 * pairs):
        found.append(f"correlation {beside:.2f} between neighbouring frequencies")
    return ", ".join(found) if found else "no correlation seen"


def _picture(spectrum: Spectrum, seen: Smooth) -> CurveSet:
    n, axis = len(spectrum), Axis("residual relative to |Z|", "%")
    residuals = 100.0 * seen.fit.residuals * seen.noise.both / np.tile(spectrum.modulus, 2)
    parts = (("real", slice(0, n)), ("imaginary", slice(n, 2 * n)))
    curves = tuple(
        Curve(spectrum.frequency, residuals[at], FREQUENCY, axis, label=label)
        for label, at in parts
    )
    return CurveSet(
        f"Kramers-Kronig residuals: {spectrum.name}",
        curves,
        log_x=True,
        points=("real", "imaginary"),
    )
