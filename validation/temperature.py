"""Laws of temperature and compensation on made-up points whose truth is known.

Run ``python -m validation.temperature`` (or with the number of runs and words of the case names).
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from validation.check import Check
from vitrolyte.data.curve import Axis, Curve
from vitrolyte.data.model import Floats
from vitrolyte.data.posterior import Weighing
from vitrolyte.data.quantity import Quantity
from vitrolyte.data.separable import ScatteredPoints, Separable
from vitrolyte.data.units import BOLTZMANN_EV_PER_K
from vitrolyte.infer.evidence import WeighingSettings, weigh
from vitrolyte.observe.motion.arrhenius import TemperatureSeries, two_point_energy
from vitrolyte.observe.motion.compensation import ActivatedLine, Compensation, compensation
from vitrolyte.observe.motion.temperature_dependence import (
    TemperatureDependence,
    TemperatureSettings,
    temperature_dependence,
)
from vitrolyte.observe.motion.temperature_laws import JUMP, KINK, ONE_SLOPE, VOGEL
from vitrolyte.observe.motion.temperature_points import measured_series

RUNS = 400
LOW, HIGH = 0.92, 0.98
"""A share of 0.93 to 0.97, give or take what 400 draws leave open."""

Truth = Callable[[Floats], Floats]
"""ln(y T) over T in K."""


@dataclass(frozen=True)
class Design:
    """Where points lie and how well each is known.

    Attributes
    ----------
    temperatures_K
        (n,).
    scatter, stated
        Standard deviation of ln y, and what the points say of it; None where they say nothing.
    temperature_scatter_K, offset_K
        Standard deviations of each temperature and of the offset that all share; stated truly.
    to_K
        Temperature of the extrapolation.
    """

    temperatures_K: tuple[float, ...]
    scatter: float = 0.08
    stated: float | None = 0.08
    temperature_scatter_K: float = 0.0
    offset_K: float = 0.0
    to_K: float = 300.0


def rise(temperature_K: Floats | float) -> Floats:
    return np.asarray(1.0 / (BOLTZMANN_EV_PER_K * np.asarray(temperature_K, dtype=float)))


def line(t: Floats) -> Floats:
    return 11.0 - 0.35 * rise(t)


def kinked(t: Floats) -> Floats:
    return line(t) - np.where(t < 395.0, 0.25 * (rise(t) - rise(395.0)), 0.0)


def jumped(t: Floats) -> Floats:
    """Return a line with a factor of 20 and 0.1 eV at 395 K."""
    return line(t) - np.where(t < 395.0, 3.0 + 0.1 * (rise(t) - rise(395.0)), 0.0)


def vogel(t: Floats) -> Floats:
    return 2.0 - 0.06 / (BOLTZMANN_EV_PER_K * (t - 210.0))


def quickly(models: Sequence[Separable], points: ScatteredPoints) -> Weighing:
    return weigh(models, points, WeighingSettings(simulations=500))


def observed(truth: Truth, design: Design, seed: int) -> TemperatureDependence:
    """Return what is found from one draw of points."""
    random = np.random.default_rng(seed)
    t = np.array(design.temperatures_K)
    read = t + design.temperature_scatter_K * random.standard_normal(len(t))
    read = read + design.offset_K * random.standard_normal()
    y = np.exp(truth(t) + design.scatter * random.standard_normal(len(t))) / t
    error = None if design.stated is None else design.stated * y
    curve = Curve(read, y, Axis("temperature", "K"), Axis("conductivity", "S/cm"), error, "Li")
    series = measured_series(curve, temperature_errors_K=design.temperature_scatter_K)
    series = replace(series, common_temperature_error_K=design.offset_K)
    settings = TemperatureSettings(extrapolate_to_K=design.to_K)
    return temperature_dependence(series, quickly, settings)


def _even(low: float, high: float, count: int) -> tuple[float, ...]:
    return tuple(float(t) for t in np.linspace(low, high, count))


COLD, HOT = (320.0, 480.0), (650.0, 1150.0)
LINES: dict[str, Design] = {
    "4 points": Design(_even(*COLD, 4)),
    "5 points": Design(_even(*COLD, 5)),
    "8 points": Design(_even(*COLD, 8)),
    "12 points": Design(_even(*COLD, 12)),
    "hot, 6 points": Design(_even(*HOT, 6), to_K=500.0),
    "errors of 4 K": Design(_even(*COLD, 8), temperature_scatter_K=4.0),
    "errors of 4 K, y exact to 1 %": Design(_even(*COLD, 8), 0.01, 0.01, temperature_scatter_K=4.0),
    "offset of 3 K": Design(_even(*COLD, 8), 0.02, 0.02, offset_K=3.0),
    "no errors stated, 6 points": Design(_even(*COLD, 6), stated=None),
    "no errors stated, 10 points": Design(_even(*COLD, 10), stated=None),
    "errors stated at half, 8 points": Design(_even(*COLD, 8), 0.16, 0.08),
}
"""Points on one slope."""

Case = Callable[[int], dict[str, tuple[Quantity, float]]]


def one_slope_case(design: Design, seed: int) -> dict[str, tuple[Quantity, float]]:
    found = observed(line, design, seed)
    cold = float(np.exp(line(np.array([design.to_K]))[0]) / design.to_K)
    single = found[ONE_SLOPE]
    return {
        "activation energy": (single.activation_energies[""], 0.35),
        "prefactor": (single.prefactors[""], float(np.exp(11.0))),
        "extrapolated": (found.extrapolated, cold),
        "kept": _indicator(found.law == ONE_SLOPE),
    }


def _indicator(true: bool) -> tuple[Quantity, float]:
    """Return a pair that counts as held where a choice was right."""
    return Quantity(
        1.0 if true else 0.0, "1", 0.0, 0.5 if true else -0.5, 1.5 if true else 0.5
    ), 1.0


def kink_case(seed: int) -> dict[str, tuple[Quantity, float]]:
    design = Design(_even(*COLD, 12), 0.05, 0.05)
    found = observed(kinked, design, seed)
    fit = found[KINK]
    return {
        "energy below": (fit.activation_energies["below"], 0.60),
        "energy above": (fit.activation_energies["above"], 0.35),
        "temperature of the kink": (fit.shape, 395.0),
        "extrapolated": (found.extrapolated, _true_value(kinked, design)),
        "found out": _indicator(found.law != ONE_SLOPE),
        "named rightly": _indicator(found.law == KINK),
    }


def jump_case(seed: int) -> dict[str, tuple[Quantity, float]]:
    design = Design(_even(*COLD, 10))
    found = observed(jumped, design, seed)
    fit = found[JUMP]
    return {
        "energy below": (fit.activation_energies["below"], 0.45),
        "energy above": (fit.activation_energies["above"], 0.35),
        "factor of the jump": (fit.jump_factor, float(np.exp(3.0))),
        "extrapolated": (found.extrapolated, _true_value(jumped, design)),
        "found out": _indicator(found.law != ONE_SLOPE),
        "named rightly": _indicator(found.law == JUMP),
    }


def vogel_case(seed: int) -> dict[str, tuple[Quantity, float]]:
    design = Design(_even(*COLD, 10), 0.05, 0.05)
    found = observed(vogel, design, seed)
    fit, t = found[VOGEL], 1.0 / np.mean(1.0 / np.array(design.temperatures_K))
    return {
        "apparent energy": (fit.activation_energies[""], 0.06 * float((t / (t - 210.0)) ** 2)),
        "Vogel temperature": (fit.shape, 210.0),
        "B": (fit.vogel_energy, 0.06),
        "prefactor": (fit.prefactors[""], float(np.exp(2.0))),
        "extrapolated": (found.extrapolated, _true_value(vogel, design)),
        "found out": _indicator(found.law != ONE_SLOPE),
        "named rightly": _indicator(found.law == VOGEL),
    }


def _true_value(truth: Truth, design: Design) -> float:
    return float(np.exp(truth(np.array([design.to_K]))[0]) / design.to_K)


def drawn_law(seed: int) -> dict[str, tuple[Quantity, float]]:
    """The law itself drawn as probable as the weighing holds it beforehand."""
    random = np.random.default_rng(seed + 10_000)
    design = Design(_even(340.0, 480.0, 8), 0.05, 0.05)
    law = _drawn(random, np.array(design.temperatures_K))
    return {"extrapolated": (observed(law, design, seed).extrapolated, _true_value(law, design))}


def _drawn(random: np.random.Generator, t: Floats) -> Truth:
    which = random.choice(["line", "kink", "jump", "VFT"], p=[0.5, 1 / 6, 1 / 6, 1 / 6])
    change, jump_height = 0.3 * random.standard_normal(), np.log(10) * random.standard_normal()
    place, vogel_K = random.uniform(t[1], t[-2]), random.uniform(0.0, 0.95 * t[0])
    middle = 1.0 / float(np.mean(1.0 / t))
    if which == "VFT":
        b = 0.35 * ((middle - vogel_K) / middle) ** 2
        return lambda x: np.where(
            x > vogel_K, -b / (BOLTZMANN_EV_PER_K * np.where(x > vogel_K, x - vogel_K, 1.0)), -500.0
        )
    step = jump_height if which == "jump" else 0.0
    bend = 0.0 if which == "line" else change
    return lambda x: line(x) - np.where(x < place, bend * (rise(x) - rise(place)) + step, 0.0)


@dataclass(frozen=True)
class FamilyDesign:
    """A set of materials: how many, how they compensate, how well each line is known."""

    materials: int
    meyer_neldel_eV: float
    scatter: float
    energy_error: float
    mean_K: tuple[float, ...] = (350.0,)


ARTEFACT_EV = BOLTZMANN_EV_PER_K * 350.0
FAMILIES: dict[str, FamilyDesign] = {
    "6 materials, no rule of their own": FamilyDesign(6, ARTEFACT_EV, 0.5, 0.01),
    "10 materials, no rule, energies poorly known": FamilyDesign(10, ARTEFACT_EV, 0.5, 0.04),
    "10 materials, unlike windows, no rule": FamilyDesign(
        10, ARTEFACT_EV, 0.3, 0.04, (330.0, 350.0, 372.0)
    ),
    "8 materials, E_MN 60 meV": FamilyDesign(8, 0.06, 0.5, 0.02),
    "15 materials, E_MN 100 meV": FamilyDesign(15, 0.1, 0.5, 0.03),
}


def family(design: FamilyDesign, seed: int) -> Compensation:
    """Return what is found of one draw of a set."""
    random = np.random.default_rng(seed)
    lines = []
    for k in range(design.materials):
        energy = 0.4 + 0.1 * random.standard_normal()
        prefactor = 2.0 + (energy - 0.4) / design.meyer_neldel_eV
        prefactor += design.scatter * random.standard_normal()
        t = design.mean_K[k % len(design.mean_K)]
        value = prefactor - energy * float(rise(t))
        read = energy + design.energy_error * random.standard_normal()
        lines.append(
            ActivatedLine(
                f"M{k}", read, value + 0.1 * random.standard_normal(), design.energy_error, 0.1, t
            )
        )
    return compensation(lines)


def family_case(design: FamilyDesign, seed: int) -> dict[str, tuple[Quantity, float]]:
    found = family(design, seed)
    b = 1.0 / design.meyer_neldel_eV - float(rise(found.mean_temperature_K))
    effect = 1.0 / design.meyer_neldel_eV - float(rise(300.0))
    outcome = {
        "slope at the mean temperature": (found.slope, b),
        "effect of the energy at 300 K": (found.effect, effect),
        "artefact excluded": _indicator(found.artefact_p < 0.05),
    }
    if design.meyer_neldel_eV != ARTEFACT_EV:
        energy = found.meyer_neldel_energy
        outcome["Meyer-Neldel energy"] = (energy, design.meyer_neldel_eV)
    return outcome


CASES: dict[str, Case] = {
    **{f"one slope, {name}": partial(one_slope_case, design) for name, design in LINES.items()},
    "kink": kink_case,
    "jump": jump_case,
    "VFT": vogel_case,
    "any law": drawn_law,
    **{f"compensation, {name}": partial(family_case, one) for name, one in FAMILIES.items()},
}

SHARES: dict[str, tuple[float, float]] = {"kept": (0.93, 1.0)}
"""Choices that must be right this often; those that depend on the strength of an effect have no
bounds but are printed."""
POWER = ("found out", "named rightly", "artefact excluded")


@dataclass(frozen=True)
class Outcome:
    """How often an interval held the truth, or a choice was right."""

    name: str
    key: str
    held: int
    answered: int
    runs: int
    half_width: float

    @property
    def share(self) -> float:
        return self.held / max(self.answered, 1)


def outcomes(name: str, runs: int = RUNS) -> Iterator[Outcome]:
    """Yield what is found in many draws of one case."""
    draws = [CASES[name](seed) for seed in range(runs)]
    for key in draws[0]:
        pairs = [draw[key] for draw in draws if draw[key][0].status != "refused"]
        held = sum(q.low <= truth <= q.high for q, truth in pairs)
        widths = [abs((q.high - q.low) / (2 * truth)) for q, truth in pairs if truth]
        width = float(np.median(widths)) if widths else float("nan")
        yield Outcome(name, key, held, len(pairs), runs, width)


def bounds(name: str, key: str) -> tuple[float, float]:
    """Return within which a share has to lie.

    A value over several laws is wider than one slope alone would give; its interval may hold the
    truth of one slope more often than asked, as may a rule known by errors alone.
    """
    if key in SHARES:
        return SHARES[key]
    if key == "extrapolated" or name.startswith("compensation"):
        return LOW, 1.0
    return LOW, HIGH


def checks(runs: int = RUNS) -> tuple[Check, ...]:
    """Return one check for each interval and each rate of false alarms."""
    command = f"python -m validation.temperature {runs}"
    return tuple(
        Check.within(
            f"{one.name}: {one.key} (share of {one.answered} answers of {one.runs} runs)",
            0.95,
            one.share,
            bounds=bounds(name, one.key),
            command=command,
        )
        for name in CASES
        for one in outcomes(name, runs)
        if one.key not in POWER
    )


PRINTED = (
    # formula, S/cm at 25 and at 100 °C, the energy (eV) that the pair implies
    # by E = k ln(y2 T2 / y1 T1) / (1/T1 - 1/T2), worked out by hand
    ("Li2(OH)0.9F0.1Cl, doi:10.1002/anie.201604554", 3.5e-5, 1.9e-3, 0.54),
    ("Li2.99Ba0.005OCl, doi:10.1039/C3TA15087A", 2.5e-2, 2.4e-1, 0.32),
)


def printed_pairs() -> tuple[Check, ...]:
    """Return the energies that pairs of printed conductivities imply.

    The paper of the second prints 0.06 eV beside them; the pair contradicts it.
    """
    found = []
    for name, cold, hot, energy in PRINTED:
        numbers = (Quantity(cold, "S/cm"), Quantity(hot, "S/cm"))
        got = two_point_energy(TemperatureSeries((298.15, 373.15), numbers)).value
        title = f"activation energy that two printed conductivities imply, eV: {name}"
        limits = (energy - 0.005, energy + 0.005)
        found.append(Check.within(title, energy, got, bounds=limits, command=""))
    return tuple(found)


def main(arguments: list[str]) -> None:
    runs = int(arguments[0]) if arguments else RUNS
    for name in CASES:
        if arguments[1:] and not any(word in name for word in arguments[1:]):
            continue
        for one in outcomes(name, runs):
            sys.stdout.write(
                f"{one.name:58} {one.key:32} {one.share:.3f}  answered {one.answered}/{one.runs}  "
                f"half width {one.half_width:.3f}\n"
            )
            sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
