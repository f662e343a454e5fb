"""Rates from the low modes of couplings, with errors from nuclei and from modes left out."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from vitrolyte.data.quantity import Quantity
from vitrolyte.observe.relaxation.couplings import Share, Source
from vitrolyte.observe.relaxation.low_modes import Line, Reader, levels_off, straight_modes
from vitrolyte.observe.relaxation.rates import Condition, terms

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

PS_TO_S = 1e-12
_MOST_GROUPS = 40
_MODE_GROUPS = 12
_FEWEST_NUCLEI = 6
_BEYOND_CHANCE = 0.9
_MEASURED_FROM = 4
_STATIC_ERRORS = 4.0
_STATIC_RATIO = 1.5
_WIDE = 0.5
_MINOR = 0.01
_NEXT_MODES = 8


@dataclass(frozen=True, eq=False)
class Estimator:
    """Reads rates from sources that share their nuclei and their run.

    Attributes
    ----------
    sources
        Field gradients, and dipolar couplings by species.
    conditions
        Which rates are wanted.
    readers
        One for each source, and one for all together.
    """

    sources: tuple[Source, ...]
    conditions: tuple[Condition, ...]
    readers: tuple[Reader, ...]

    @classmethod
    def of(cls, sources: tuple[Source, ...], conditions: tuple[Condition, ...]) -> Estimator:
        """Return the estimator whose ranges of modes are those of the whole run."""
        omega = sources[0].channel.frequencies
        powers = [one.channel.power.mean(axis=0) for one in sources]
        powers.append(_joined(sources).mean(axis=0))
        step = sources[0].channel.step_ps
        readers = tuple(Reader(omega, straight_modes(power, omega, step), step) for power in powers)
        return cls(sources, conditions, readers)

    @property
    def omega(self) -> Floats:
        """Return the frequencies of the modes, (modes,), rad/ps."""
        return self.readers[0].omega

    @property
    def line(self) -> Line | None:
        """Return the line through the low modes of everything together."""
        joined = _joined(self.sources).mean(axis=0)
        return self.readers[-1].line(joined, np.ones(len(joined), dtype=bool))

    def values(self, nuclei: Mask, modes: Mask) -> Floats:
        """Return logarithms: rates by condition, K J(0), the slow time, and its coupling."""
        rates = np.zeros(len(self.conditions))
        for source, reader in zip(self.sources, self.readers):
            weights, frequencies = self._terms(source)
            power = source.channel.power[nuclei].mean(axis=0)
            line = reader.line(power, modes)
            rates += weights @ reader.read(power, modes, frequencies, line)
        scale = self.sources[0].factor
        if len(self.sources) > 1:
            scale = 1.0
            line = self.readers[-1].line(_joined(self.sources)[nuclei].mean(axis=0), modes)
        level, time = math.nan, math.nan
        if line is not None and line.coefficients[0] > 0:
            level = scale * PS_TO_S / float(line.coefficients[0])
            time = PS_TO_S * line.time_ps
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(np.log([*rates, level, time, level / (2.0 * time)]), dtype=float)

    def _terms(self, source: Source) -> tuple[Floats, Floats]:
        """Return factors by condition, (c, f), of J at frequencies, (f,), rad/ps."""
        rows, frequencies = [], []
        for place, at in enumerate(self.conditions):
            for share in source.shares:
                weights, omega = terms(share.mechanism, _with_partner(at, share))
                row = np.zeros((len(self.conditions), len(omega)))
                row[place] = share.factor * PS_TO_S * weights
                rows.append(row)
                frequencies.append(omega * PS_TO_S)
        return np.concatenate(rows, axis=1), np.concatenate(frequencies)

    def _parts(self) -> Iterator[tuple[str, Floats]]:
        """Yield what is left when groups of nuclei, and then groups of modes, are left out."""
        n, m = self.sources[0].channel.n_nuclei, len(self.omega)
        everybody, everything = np.ones(n, dtype=bool), np.ones(m, dtype=bool)
        if n >= _FEWEST_NUCLEI:
            group = np.arange(n) % min(n, _MOST_GROUPS)
            for g in range(group.max() + 1):
                yield "nuclei", self.values(group != g, everything)
        # A group holds one mode of each stretch of low modes, and is thrown anew in each.
        shuffled = np.random.default_rng(0)
        group = np.concatenate(
            [shuffled.permutation(_MODE_GROUPS) for _ in range(m // _MODE_GROUPS + 1)]
        )[:m]
        for g in range(_MODE_GROUPS):
            yield "modes", self.values(everybody, group != g)

    def quantities(self, units: tuple[str, ...]) -> tuple[Quantity, ...]:
        """Return the values with 95 % intervals, without judging whether they may be trusted."""
        n, m = self.sources[0].channel.n_nuclei, len(self.omega)
        best = self.values(np.ones(n, dtype=bool), np.ones(m, dtype=bool))
        parts: dict[str, list[Floats]] = {"nuclei": [], "modes": []}
        for kind, values in self._parts():
            parts[kind].append(values)
        shared = max(source.channel.shared for source in self.sources)
        return tuple(
            _quantity(best[k], {kind: [v[k] for v in all_] for kind, all_ in parts.items()}, unit,
                      1.0 + shared)
            for k, unit in enumerate(units)
        )  # fmt: skip

    def _decisive(self) -> list[tuple[Source, Reader]]:
        """Return the sources that hold more than a hundredth of the mean square coupling."""
        held = [source.factor * source.channel.mean_square for source in self.sources]
        enough = _MINOR * sum(held)
        pairs = zip(self.sources, self.readers, held)
        return [(source, reader) for source, reader, share in pairs if share > enough]

    def reason(self, at: Condition) -> str:
        """Return why a rate cannot be given, or nothing."""
        for source, reader in self._decisive():
            for share in source.shares:
                frequencies = terms(share.mechanism, _with_partner(at, share))[1] * PS_TO_S
                if frequencies.max() > self.omega[-1]:
                    return "frames are too far apart, or the field too high, for its frequency"
                if frequencies.min() < self.omega[_MEASURED_FROM - 1]:
                    why = _unknown_at_zero(source, reader)
                    if why:
                        return f"{source.channel.name}: {why}"
        return ""

    def unknown_at_zero(self) -> str:
        """Return why J(0) of everything together is not known, or nothing."""
        whys = [_unknown_at_zero(s, r) for s, r in self._decisive()]
        return next((why for why in whys if why), "")


def _with_partner(at: Condition, share: Share) -> Condition:
    """Return the condition with the Larmor frequency of the unlike spin in the same field."""
    return replace(at, partner_larmor=at.larmor * share.gamma_ratio)


def _joined(sources: tuple[Source, ...]) -> Floats:
    """Return K J of all sources together, (n_nuclei, modes), ps/s²."""
    return np.asarray(sum(source.factor * source.channel.power for source in sources))


def _unknown_at_zero(source: Source, reader: Reader) -> str:
    channel = source.channel
    power = channel.power.mean(axis=0)
    line = reader.line(power, np.ones(len(power), dtype=bool))
    if not levels_off(line, float(reader.omega[0])):
        return (
            "the coupling still fluctuates on the time of the whole run: its spectrum does not "
            "level off at low frequency"
        )
    assert line is not None
    ratio = float(channel.rest.mean() * line.coefficients[0])
    # How far the mode k = 0 may lie from J(0) by chance is told by the modes next to it.
    low = channel.power[:, :_NEXT_MODES] * line.coefficients[0]
    between_nuclei = float(low[:, 0].std()) / math.sqrt(channel.n_nuclei)
    between_modes = float(low.mean(axis=0).std())
    chance = max(math.sqrt(2.0 / (5.0 * channel.n_nuclei)), between_nuclei, between_modes)
    if ratio > max(_STATIC_RATIO, 1.0 + _STATIC_ERRORS * chance):
        kept = channel.rest.mean() / (channel.n_frames * channel.step_ps * channel.mean_square)
        return (
            f"{100 * kept:.2g} % of the mean square coupling outlasts the run, and what becomes of "
            "it later is not known; higher temperatures or longer runs are needed"
        )
    return ""


def _quantity(
    best: float, parts: dict[str, list[float]], unit: str, pairs_twice: float
) -> Quantity:
    """Return the exponential of a logarithm with its jackknife interval."""
    if not math.isfinite(best):
        return Quantity.refused(unit, "no low mode of the run gives it")
    found = {}
    for kind, values in parts.items():
        known = np.array([v for v in values if math.isfinite(v)])
        if len(values) and len(known) == len(values):
            twice = pairs_twice if kind == "nuclei" else 1.0
            found[kind] = (twice * (len(known) - 1) * float(np.var(known)), len(known) - 1)
    if not found:
        return Quantity(math.exp(best), unit).provisional("no error can be given")
    variance, dof = found.get("nuclei", found.get("modes", (math.nan, 1)))
    if len(found) == 2:
        other, other_dof = found["modes"]
        if other > variance * stats.f.ppf(_BEYOND_CHANCE, other_dof, dof):
            variance, dof = other, other_dof
    half = float(stats.t.ppf(0.975, dof)) * math.sqrt(variance)
    value = math.exp(best)
    low, high = math.exp(best - half), math.exp(min(best + half, 700.0))
    number = Quantity(value, unit, value * math.sqrt(variance), low, high)
    if half > _WIDE:
        return number.provisional(
            f"the 95 % interval spans a factor of {math.exp(min(2 * half, 700.0)):.3g}"
        )
    return number
