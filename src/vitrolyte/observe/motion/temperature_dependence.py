"""How transport depends on temperature: which law, its energies, and what it says elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from vitrolyte.data.curve import CurveSet
from vitrolyte.data.errors import InputError
from vitrolyte.data.observation import Observation, Sample, computed
from vitrolyte.data.posterior import Mixture, Weighing
from vitrolyte.data.quantity import Quantity
from vitrolyte.data.result import Result
from vitrolyte.data.separable import ScatteredPoints, Separable
from vitrolyte.data.units import BOLTZMANN_EV_PER_K
from vitrolyte.observe.motion.arrhenius import (
    WIDEST_DECADES,
    TemperatureSeries,
)
from vitrolyte.observe.motion.law_curves import Pictures
from vitrolyte.observe.motion.law_fits import (
    LawFit,
    Surroundings,
    activation_energies,
    exponential,
    jump_factor,
    prefactors,
    shape_of,
    vogel_energy,
    widened,
)
from vitrolyte.observe.motion.temperature_laws import (
    JUMP,
    KINK,
    VOGEL,
    harmonic_mean,
    jump,
    kink,
    one_slope,
    vogel,
)
from vitrolyte.observe.motion.temperature_points import (
    FEWEST,
    Transition,
    log_points,
    one_phase,
)

_FEWEST_FOR_VOGEL = 5
_FEWEST_FOR_BRANCHES = 6
_FEWEST_BESIDE_TRANSITION = 3
_POSITIVE_EVIDENCE = float(np.log(3.0))
"""Below this a Bayes factor is not worth more than a bare mention (Kass and Raftery)."""
_NO_LAW = "too few temperatures"

Weigh = Callable[[Sequence[Separable], ScatteredPoints], Weighing]


@dataclass(frozen=True)
class TemperatureSettings:
    """What is asked of the dependence on temperature.

    Attributes
    ----------
    extrapolate_to_K
        Temperature of the further value, K.
    transitions
        Known ones; no line is drawn across them.
    rivals
        Which laws are weighed against one slope: ``kink``, ``jump``, ``VFT``.
    false_alarm
        How often one slope may be given up where it is true.
    energy_change_eV, jump_decades
        How large a change of slope, and a jump, is expected to be, as standard deviations.
    """

    extrapolate_to_K: float = 300.0
    transitions: tuple[Transition, ...] = ()
    rivals: tuple[str, ...] = (KINK, JUMP, VOGEL)
    false_alarm: float = 0.05
    energy_change_eV: float = 0.3
    jump_decades: float = 1.0

    def __post_init__(self) -> None:
        if not self.extrapolate_to_K > 0:
            raise InputError("A temperature is above zero", received=f"{self.extrapolate_to_K} K")
        if unknown := set(self.rivals) - {KINK, JUMP, VOGEL}:
            raise InputError(
                f"The rivals of one slope are {KINK}, {JUMP} and {VOGEL}",
                received=", ".join(sorted(unknown)),
            )
        if not (0 < self.false_alarm < 1 and self.energy_change_eV > 0 and self.jump_decades > 0):
            raise InputError(
                "A rate of false alarms lies between 0 and 1, and expected changes above 0",
                received=f"{self.false_alarm}, {self.energy_change_eV}, {self.jump_decades}",
            )


@dataclass(frozen=True, eq=False)
class TemperatureDependence(Result):
    """The law that transport follows over temperature, and the quantity at another one.

    Attributes
    ----------
    word, of, method
        What the quantity is, of what, and how each point was made.
    law
        The law that was chosen: one slope, unless the points demand another.
    fits
        Every law that was tried, one slope first.
    p_value
        How often chance alone would favour the others as much; NaN where none could be tried.
    activation_energy
        eV, of the chosen law, on the side of ``extrapolated_to_K``.
    other_convention
        The same energy from the line of y instead of y T, or the reverse, eV.
    prefactor
        On the same side, in the unit of what follows the law.
    extrapolated
        The quantity at ``extrapolated_to_K``, over all laws by their probability; refused across
        a transition and over more than three decades.
    curves
        Points, the chosen law with its band, and the other laws, against 1000/T.
    energies
        Slope of each law over the range of the points, eV against T.
    """

    word: str
    of: str
    method: str
    law: str
    fits: tuple[LawFit, ...]
    p_value: float
    activation_energy: Quantity
    other_convention: Quantity
    prefactor: Quantity
    extrapolated: Quantity
    extrapolated_to_K: float
    curves: CurveSet
    energies: CurveSet

    def __getitem__(self, law: str) -> LawFit:
        for one in self.fits:
            if one.law == law:
                return one
        raise InputError(
            f"A fit of {law!r} is asked for", received=f"fits of {[one.law for one in self.fits]}"
        )

    def observations(self, sample: Sample) -> tuple[Observation, ...]:
        """Return the parameters of the chosen law, the prefactor, and the value elsewhere."""
        family = replace(sample, temperature_K=None)
        at = replace(sample, temperature_K=self.extrapolated_to_K)
        beyond = computed(at, self.word, self.extrapolated, of=self.of, method=self.method)
        energy_of = f"Arrhenius, {self.word}, {self.method}"
        if self.law == _NO_LAW:
            energy = self.activation_energy
            row = computed(family, "activation_energy", energy, of=self.of, method=energy_of)
            return (row, beyond)
        rows = [
            replace(row, method=f"{energy_of}; {row.method}")
            for row in self[self.law].observations(sample)
        ]
        if self.prefactor.unit == "S K/cm" and self.law != VOGEL:
            rows.append(
                computed(
                    family, "arrhenius_prefactor", self.prefactor, of=self.of, method=energy_of
                )
            )
        return (*rows, beyond)


def temperature_dependence(
    series: TemperatureSeries,
    weigh: Weigh,
    settings: TemperatureSettings = TemperatureSettings(),
) -> TemperatureDependence:
    r"""Return which law a quantity follows over temperature, and its value at another one.

    One slope (Arrhenius), two slopes that meet (kink) or not (jump), and VFT are fitted to the
    same points,

    .. math:: \ln(\sigma T) = \ln A - E_a / kT, \qquad \ln D = \ln D_0 - E_a / kT,

    with errors of y and of T. One slope is given up only where chance would favour the others as
    much in less than ``false_alarm`` of all cases; which of them is chosen then is said by their
    Bayes factors. The value elsewhere is the mixture of all laws by their probabilities.

    Parameters
    ----------
    series
        At least four temperatures; VFT needs five, six where points have no errors, and two
        slopes need six.
    weigh
        Weighs rival equations: ``infer.evidence.weigh``.

    Raises
    ------
    InputError
        If the series has fewer than four different temperatures, or only some have errors.
    """
    if len(set(series.temperatures_K)) < FEWEST:
        raise InputError(
            f"An Arrhenius line needs at least {FEWEST} temperatures",
            received=f"{sorted(set(series.temperatures_K))} K",
        )
    kept, warning = one_phase(series, settings.transitions, settings.extrapolate_to_K)
    if len({t for t, _ in kept.usable}) < FEWEST:
        return _refused(series, kept, warning, settings)
    points = log_points(kept)
    weighing = weigh(_laws(points, settings), points)
    return _Reading(series, kept, points, weighing, settings, warning).result()


def _laws(points: ScatteredPoints, settings: TemperatureSettings) -> list[Separable]:
    """Return one slope and the rivals for which there are temperatures enough."""
    t, reference = np.unique(points.x), harmonic_mean(points.x)
    laws = [one_slope(reference)]
    change = settings.energy_change_eV
    if len(t) >= _FEWEST_FOR_BRANCHES and KINK in settings.rivals:
        laws.append(kink(reference, (t[1], t[-2]), change))
    if len(t) >= _FEWEST_FOR_BRANCHES and JUMP in settings.rivals:
        laws.append(jump(reference, t[1:-1], change, settings.jump_decades))
    fewest = _FEWEST_FOR_VOGEL if points.y_error is not None else _FEWEST_FOR_BRANCHES
    if len(t) >= fewest and VOGEL in settings.rivals:
        laws.append(vogel(reference, t[0]))
    return laws


@dataclass(frozen=True, eq=False)
class _Reading:
    """One weighing on its way to a result."""

    series: TemperatureSeries
    kept: TemperatureSeries
    points: ScatteredPoints
    weighing: Weighing
    settings: TemperatureSettings
    warning: str

    def result(self) -> TemperatureDependence:
        fits = tuple(self._fit(k) for k in range(len(self.weighing.posteriors)))
        chosen, side = fits[self._chosen], self._side(fits[self._chosen])
        energy = chosen.activation_energies[side]
        return TemperatureDependence(
            word=self.series.kind.word,
            of=self.series.of,
            method=self.series.method,
            law=chosen.law,
            fits=fits,
            p_value=self.weighing.p_value,
            activation_energy=energy,
            other_convention=self._converted(energy),
            prefactor=chosen.prefactors[side],
            extrapolated=self._extrapolated(chosen),
            extrapolated_to_K=self.settings.extrapolate_to_K,
            curves=self._pictured.arrhenius_plot(),
            energies=self._pictured.energies(),
        )

    @property
    def _pictured(self) -> Pictures:
        to_K = None if self.warning else self.settings.extrapolate_to_K
        return Pictures(self.series, self.points, self.weighing.posteriors, self._chosen, to_K)

    @property
    def _chosen(self) -> int:
        """Return the place of the law that is chosen."""
        factors = self.weighing.log_factors
        best = int(np.argmax(factors))
        demanded = (
            self.weighing.p_value < self.settings.false_alarm and factors[best] > _POSITIVE_EVIDENCE
        )
        return best if demanded else 0

    def _fit(self, place: int) -> LawFit:
        posterior, weighing = self.weighing.posteriors[place], self.weighing
        around, doubts = self._around, tuple(self._doubts())
        return LawFit(
            law=posterior.model.name,
            convention=f"ln({self.series.kind.axis.name})",
            of=self.series.of,
            activation_energies=_doubted(activation_energies(posterior, around), doubts),
            prefactors=_doubted(prefactors(posterior, around), doubts),
            shape=shape_of(posterior, around),
            jump_factor=jump_factor(posterior),
            vogel_energy=vogel_energy(posterior, around),
            chi2=posterior.chi2 if self.points.y_error is not None else float("nan"),
            dof=posterior.dof,
            parameters=posterior.model.parameters,
            aicc=weighing.aicc[place],
            bic=weighing.bic[place],
            log10_bayes_factor=weighing.log_factors[place] / float(np.log(10)),
            probability=weighing.probabilities[place],
        )

    @property
    def _around(self) -> Surroundings:
        return Surroundings(
            harmonic_mean(self.points.x),
            self.series.kind.axis.unit,
            self.series.common_temperature_error_K,
            self.series.common_relative_error,
        )

    def _doubts(self) -> Iterator[str]:
        if not self.weighing.errors_believed:
            yield (
                "the points scatter about every law tried more than their errors allow; "
                "the scatter decides"
            )
        left_out = sorted(set(self.series.temperatures_K) - set(self.points.x))
        if left_out:
            yield f"not used: {', '.join(f'{t:g} K' for t in left_out)}"
        usable = self.kept.usable
        weak = sum(number.status == "provisional" for _, number in usable)
        if 2 * weak > len(usable):
            yield f"{weak} of {len(usable)} points are provisional"

    def _side(self, fit: LawFit) -> str:
        """Return the branch on which the target lies, or an empty name."""
        if fit.law not in (KINK, JUMP):
            return ""
        return "below" if self.settings.extrapolate_to_K < fit.shape.value else "above"

    def _converted(self, energy: Quantity) -> Quantity:
        """Return the energy in the other convention: d ln T / d(1/kT) = -kT at the mean T."""
        shift = BOLTZMANN_EV_PER_K * self._around.reference_K
        shift *= -1.0 if self.series.kind.times_temperature else 1.0
        return replace(
            energy, value=energy.value + shift, low=energy.low + shift, high=energy.high + shift
        )

    def _extrapolated(self, chosen: LawFit) -> Quantity:
        unit, target = self.series.kind.unit, self.settings.extrapolate_to_K
        reason = self.warning or self._across(chosen) or self._frozen()
        if reason:
            return Quantity.refused(unit, reason)
        logarithm = self._widened(self.weighing.at(target)).quantity("")
        logarithm = widened(logarithm, self._shared(target))
        decades = (logarithm.high - logarithm.low) / float(np.log(10))
        if decades > WIDEST_DECADES:
            return Quantity.refused(
                unit,
                f"the 95 % interval at {target:g} K would span {decades:.1f} decades, "
                f"{WIDEST_DECADES:g} at most, over the laws that the points admit "
                f"({self._laws_in_words()}): more temperatures or longer runs are needed",
            )
        number = exponential(logarithm, unit)
        for doubt in self._doubts():
            number = number.provisional(doubt)
        t = self.points.x
        if not t.min() <= target <= t.max():
            number = number.provisional(
                f"extrapolated from {t.min():g}-{t.max():g} K over {self._laws_in_words()}"
            )
        return number

    def _widened(self, mixture: Mixture) -> Mixture:
        """Return a mixture of ln(y T) as one of ln y where that is what follows the law."""
        known = self.points.known(np.array([self.settings.extrapolate_to_K]))[0]
        return replace(mixture, centres=mixture.centres + known)

    def _shared(self, target: float) -> float:
        """Return the error of ln y that all points share, at the target."""
        energy = self.weighing.posteriors[0].coefficients[0, 1]
        slope = abs(energy) / (BOLTZMANN_EV_PER_K * target**2)
        return float(
            np.hypot(
                slope * self.series.common_temperature_error_K, self.series.common_relative_error
            )
        )

    def _across(self, chosen: LawFit) -> str:
        """Return why a transition that was found forbids the value, or nothing."""
        side, t = self._side(chosen), self.points.x
        target = self.settings.extrapolate_to_K
        if not side or t.min() <= target <= t.max():
            return ""
        beside = t < chosen.shape.low if side == "below" else t > chosen.shape.high
        count = len(np.unique(t[beside]))
        if count >= _FEWEST_BESIDE_TRANSITION:
            return ""
        return (
            f"a {chosen.law} was found at {chosen.shape.low:.0f}-{chosen.shape.high:.0f} K, and "
            f"{count} temperatures on the side of {target:g} K are too few; "
            "the other side says nothing of it"
        )

    def _frozen(self) -> str:
        """Return why VFT forbids the value, or nothing."""
        target = self.settings.extrapolate_to_K
        for posterior, share in zip(self.weighing.posteriors, self.weighing.probabilities):
            if posterior.model.name == VOGEL:
                frozen = float(np.sum(posterior.weights[posterior.model.places >= target]))
                if frozen * share > 0.025:
                    return (
                        f"VFT, with a probability of {share:.2f}, has its Vogel temperature "
                        f"above {target:g} K with one of {frozen:.2f}: nothing would move there"
                    )
        return ""

    def _laws_in_words(self) -> str:
        pairs = zip(self.weighing.posteriors, self.weighing.probabilities)
        if len(self.weighing.posteriors) == 1:
            return "one slope alone, no other law tried"
        return ", ".join(f"{one.model.name} {share:.2f}" for one, share in pairs)


def _doubted(numbers: dict[str, Quantity], doubts: Sequence[str]) -> dict[str, Quantity]:
    for doubt in doubts:
        numbers = {name: number.provisional(doubt) for name, number in numbers.items()}
    return numbers


def _refused(
    series: TemperatureSeries,
    kept: TemperatureSeries,
    warning: str,
    settings: TemperatureSettings,
) -> TemperatureDependence:
    count = len({t for t, _ in kept.usable})
    reason = (
        f"{count} of {len(set(series.temperatures_K))} temperatures gave a value"
        f"{' in one phase' if settings.transitions else ''}; {FEWEST} are needed"
    )
    word = series.kind.word.replace("_", " ")
    return TemperatureDependence(
        word=series.kind.word,
        of=series.of,
        method=series.method,
        law=_NO_LAW,
        fits=(),
        p_value=float("nan"),
        activation_energy=Quantity.refused("eV", reason),
        other_convention=Quantity.refused("eV", reason),
        prefactor=Quantity.refused(series.kind.axis.unit, reason),
        extrapolated=Quantity.refused(series.kind.unit, warning or reason),
        extrapolated_to_K=settings.extrapolate_to_K,
        curves=CurveSet(f"Arrhenius plot: {word}", (), log_y=True),
        energies=CurveSet(f"Apparent activation energy: {word}", ()),
    )
