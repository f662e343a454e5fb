"""Simulated calorimetry with known truth: a relaxing glass that crystallises, and its noise."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import signal, stats
from tests.contracts.instrument_mutations import mutations

from validation.calorimeter_files import FORMATS, Record
from validation.check import Check
from vitrolyte.data.curve import Axis, Curve
from vitrolyte.data.errors import InputError
from vitrolyte.data.io.instruments.calorimetry.read import read_calorimetry
from vitrolyte.data.measurement import Conditions, Measurement
from vitrolyte.data.quantity import Quantity
from vitrolyte.data.units import AVOGADRO_PER_MOL, ELEMENTARY_CHARGE_C
from vitrolyte.laboratory.calorimetry.conversion import Course, friedman
from vitrolyte.laboratory.calorimetry.examination import examine
from vitrolyte.laboratory.calorimetry.rates import RatePoint, kissinger_energy, ozawa_energy
from vitrolyte.laboratory.calorimetry.scan import scan_of
from vitrolyte.laboratory.calorimetry.settings import CalorimetrySettings
from vitrolyte.observe.calorimetry.crystallisation import Avrami
from vitrolyte.observe.calorimetry.structural_relaxation import (
    StructuralRelaxation,
    fictive_temperature,
    normalised_heat_capacity,
)

_J_PER_MOL_IN_EV = AVOGADRO_PER_MOL * ELEMENTARY_CHARGE_C

Floats = NDArray[np.float64]


GLASS = StructuralRelaxation(500.0, 5.0)
CRYSTALLISING = Avrami(2.0, 34.8808137237141, 3.0)
"""Peaks at 590 K when heated at 10 K/min."""


@dataclass(frozen=True)
class Truth:
    """A glass in a calorimeter: everything that the analysis is to find again.

    Heat capacities in J/(g K): of the glass, its slope, and the step at the transition;
    temperatures in K; noise in W/g.
    """

    law: StructuralRelaxation = GLASS
    glass_heat_capacity: float = 0.9
    glass_slope: float = 4e-4
    step: float = 0.30
    crystallisation: Avrami = CRYSTALLISING
    crystallisation_J_per_g: float = 80.0
    crystallises: bool = True
    vitreous: bool = True
    start_K: float = 380.0
    end_K: float = 690.0
    rate_K_per_min: float = 10.0
    cooling_K_per_min: float = 10.0
    white_W_per_g: float = 4e-4
    wander_W_per_g: float = 6e-4
    wander_s: float = 6.0
    drift_W_per_g: float = 0.02

    @property
    def rate(self) -> float:
        """Return the heating rate, K/s."""
        return self.rate_K_per_min / 60.0

    def temperatures(self) -> Floats:
        """Return the temperatures of the samples, one a second at 10 K/min."""
        count = round((self.end_K - self.start_K) / self.rate / self.interval)
        return np.asarray(self.start_K + self.rate * self.interval * np.arange(count, dtype=float))

    @property
    def interval(self) -> float:
        """Return the time between samples, s."""
        return 10.0 / self.rate_K_per_min

    def glass_line(self, temperatures: Floats) -> Floats:
        """Return the heat capacity of the glass."""
        return self.glass_heat_capacity + self.glass_slope * (temperatures - self.law.reference_K)

    def relaxation(self, temperatures: Floats) -> Floats:
        """Return dTf/dT on heating after cooling at the cooling rate."""
        top, fine = self.law.reference_K + 70.0, 0.25
        bottom = min(self.start_K, self.law.reference_K - 110.0) - 1.0
        cooling = np.arange(top, bottom, -fine)
        heating = np.arange(cooling[-1] + fine, self.end_K + 1.0, fine)
        history = np.concatenate([cooling, heating])
        rates = np.where(np.diff(history) < 0, self.cooling_K_per_min, self.rate_K_per_min) / 60.0
        times = np.concatenate([[0.0], np.cumsum(np.abs(np.diff(history)) / rates)])
        fictive = fictive_temperature(times, history, self.law)[len(cooling) :]
        return np.interp(temperatures, heating, normalised_heat_capacity(heating, fictive))

    def heat_capacity(self, temperatures: Floats) -> Floats:
        """Return the apparent heat capacity without noise or drift, (n,), J/(g K)."""
        share, speed = self.crystallisation.heated(temperatures, self.rate)
        if not self.crystallises:
            share, speed = np.zeros_like(share), np.zeros_like(speed)
        found = self.glass_line(temperatures)
        if self.vitreous:
            found = found + self.step * self.relaxation(temperatures) * (1.0 - share)
        return found - self.crystallisation_J_per_g * speed / self.rate


def noise(truth: Truth, count: int, seed: int) -> Floats:
    """Return noise of heat flow, (n,), W/g: white and an Ornstein-Uhlenbeck process."""
    random = np.random.default_rng(seed)
    memory = np.exp(-truth.interval / truth.wander_s)
    kicks = random.standard_normal(count + 200) * truth.wander_W_per_g * np.sqrt(1 - memory**2)
    wander = signal.lfilter([1.0], [1.0, -memory], kicks)[200:]
    return np.asarray(wander + truth.white_W_per_g * random.standard_normal(count))


def simulated(truth: Truth, seed: int) -> Measurement:
    """Return a heating scan with noise and a drifting baseline, exothermic up, W/g."""
    temperatures = truth.temperatures()
    along = np.linspace(0.0, 1.0, len(temperatures))
    random = np.random.default_rng(seed + 10_000)
    slopes = truth.drift_W_per_g * random.standard_normal(2)
    drift = slopes[0] * along + 0.25 * slopes[1] * along**2
    flow: Floats = -truth.heat_capacity(temperatures) * truth.rate + drift
    flow += noise(truth, len(temperatures), seed)
    times: Floats = truth.interval * np.arange(len(temperatures), dtype=np.float64)
    time = Axis("time", "s")
    return Measurement(
        Curve(times, flow, time, Axis("heat flow, exothermic up", "W/g")),
        Conditions(mass_mg=10.0, rate_K_per_min=truth.rate_K_per_min),
        file=f"simulated-{seed}",
        format="simulated",
        channels=(Curve(times, temperatures, time, Axis("temperature", "K")),),
    )


def true_numbers(truth: Truth) -> dict[str, float]:
    """Return what the constructions give on the true curve with the true lines, by name."""
    t = np.arange(truth.law.reference_K - 110.0, truth.law.reference_K + 45.0, 0.02)
    above = truth.step * truth.relaxation(t)
    slope = np.gradient(above, t)
    k = int(np.argmax(slope))
    rising = slice(0, int(np.argmax(above)) + 1)
    area = float(np.sum(above) * 0.02)
    peak = truth.crystallisation.peak_temperature(truth.rate, (t[-1], truth.end_K))
    x = np.arange(peak - 60.0, peak + 40.0, 0.01)
    heat = truth.crystallisation.heated(x, truth.rate)[1]
    steepest = int(np.argmax(np.gradient(heat, x)))
    return {
        "onset": float(t[k] - above[k] / slope[k]),
        "midpoint": float(np.interp(0.5 * truth.step, above[rising], t[rising])),
        "fictive": float(t[-1] - area / truth.step),
        "step": truth.step,
        "crystallisation onset": float(
            x[steepest] - heat[steepest] / np.gradient(heat, x)[steepest]
        ),
        "crystallisation peak": float(peak),
        "crystallisation enthalpy": -truth.crystallisation_J_per_g,
    }


def found_numbers(truth: Truth, seed: int) -> dict[str, Quantity]:
    """Return what the analysis of one simulated scan finds, by the same names."""
    result = examine(scan_of(simulated(truth, seed)), CalorimetrySettings(draws=120))
    events = [event for event in result.events if event.kind == "crystallisation"]
    found: dict[str, Quantity] = {}
    if result.transition is not None:
        seen = result.transition
        found |= {"onset": seen.onset, "midpoint": seen.midpoint, "fictive": seen.fictive}
        found["step"] = seen.step
    if len(events) == 1:
        found["crystallisation onset"] = events[0].onset
        found["crystallisation peak"] = events[0].peak
        found["crystallisation enthalpy"] = events[0].enthalpy
    return found


def coverage(truth: Truth, seeds: Iterable[int]) -> dict[str, tuple[int, int]]:
    """Return by name how many intervals hold the truth, of how many."""
    expected = true_numbers(truth)
    counts = dict.fromkeys(expected, (0, 0))
    for seed in seeds:
        found = found_numbers(truth, seed)
        for name, value in expected.items():
            number = found.get(name)
            held = number is not None and number.low <= value <= number.high
            counts[name] = (counts[name][0] + held, counts[name][1] + 1)
    return counts


def intervals(seeds: int = 200) -> tuple[Check, ...]:
    """Return the share of intervals that hold the truth, for each number of a scan."""
    found = []
    for name, (held, of) in coverage(Truth(), range(seeds)).items():
        low, high = stats.binom.ppf([0.005, 0.995], of, 0.95) / of
        title = f"share of 95 % intervals that hold the truth, {name} of a simulated scan"
        # Some errors (choice of lines and baseline) are guarded rather than known: full coverage
        # is no fault.
        bounds = (float(low), 1.0 if high < 1.0 else float(high))
        found.append(Check.within(title, 0.95, held / of, bounds=bounds, command=""))
    return tuple(found)


def energies(seeds: int = 200) -> tuple[Check, ...]:
    """Return the share of intervals of the activation energy that hold the truth, by method."""
    law = Avrami.peaking_at(590.0, 1 / 6, 2.0, 3.0)
    rates = (2.5, 5.0, 10.0, 20.0, 40.0)
    true = [law.peak_temperature(rate / 60.0, (500.0, 700.0)) for rate in rates]
    held = {"Kissinger": 0, "Ozawa-Flynn-Wall": 0, "Kissinger, known errors": 0}
    for seed in range(seeds):
        random = np.random.default_rng(seed)
        points = [
            RatePoint(rate, Quantity.normal(peak + random.normal(0.0, 0.4), 0.4, "K"))
            for rate, peak in zip(rates, true, strict=True)
        ]
        numbers = (
            kissinger_energy(points)[0],
            ozawa_energy(points),
            kissinger_energy(points, known_errors=True)[0],
        )
        for name, number in zip(held, numbers, strict=True):
            held[name] += number.low <= law.energy_eV <= number.high
    low, high = stats.binom.ppf([0.005, 0.995], seeds, 0.95) / seeds
    title = "share of 95 % intervals that hold the truth, activation energy of crystallisation"
    return tuple(
        Check.within(
            f"{title}, {name}", 0.95, count / seeds, bounds=(float(low), float(high)), command=""
        )
        for name, count in held.items()
    )


def false_steps(seeds: int = 200) -> tuple[Check, ...]:
    """Return the share of crystals in which a glass transition is seen."""
    crystal = replace(Truth(), vitreous=False, crystallises=False, end_K=600.0)
    settings = CalorimetrySettings(draws=50)
    seen = sum(
        examine(scan_of(simulated(crystal, seed)), settings).transition is not None
        for seed in range(seeds)
    )
    title = "share of simulated crystals in which a glass transition is seen, believed at 1 %"
    most = float(stats.binom.ppf(0.995, seeds, 0.01)) / seeds
    return (Check.within(title, 0.01, seen / seeds, bounds=(0.0, most), command=""),)


def damaged_files(count: int = 1000) -> tuple[Check, ...]:
    """Return how many of so many damaged files of each format give more than one clear error."""
    made = simulated(Truth(), 1)
    short = slice(0, 400)
    record = Record(
        made.curve.x[short],
        np.asarray(made.channels[0].y[short], dtype=float),
        np.asarray(made.curve.y[short], dtype=float),
    )
    found = []
    for name, written in FORMATS.items():
        wrong = 0
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "scan.txt"
            for damaged in mutations(written(record), count, seed=1):
                path.write_bytes(damaged)
                wrong += not _one_error_at_most(path)
        title = f"{name}: damaged files of {count} that end otherwise than in one clear message"
        found.append(Check.within(title, 0.0, float(wrong), bounds=(0.0, 0.0), command=""))
    return tuple(found)


def _one_error_at_most(path: Path) -> bool:
    try:
        read_calorimetry(path)
    except InputError:
        return True
    except Exception:
        return False
    return True


def peers_pkynetics() -> tuple[Check, ...]:
    """Return energies of the same peaks and shares beside those of pkynetics."""
    from importlib import import_module

    kissinger_method = import_module("pkynetics.model_fitting_methods").kissinger_method
    friedman_method = import_module("pkynetics.model_free_methods").friedman_method

    law = Avrami.peaking_at(590.0, 1 / 6, 2.0, 3.0)
    rates = np.array([2.5, 5.0, 10.0, 20.0, 40.0])
    peaks = np.array([law.peak_temperature(float(rate) / 60, (500.0, 700.0)) for rate in rates])
    peaks += np.random.default_rng(5).normal(0.0, 0.4, len(peaks))
    points = [
        RatePoint(float(rate), Quantity.normal(float(peak), 0.1, "K"))
        for rate, peak in zip(rates, peaks, strict=True)
    ]
    ours, _ = kissinger_energy(points)
    theirs = kissinger_method(peaks, rates)[0] / _J_PER_MOL_IN_EV
    title = "activation energy by Kissinger's line of the same peaks, eV, pkynetics"
    bounds = (0.9999 * theirs, 1.0001 * theirs)
    checks = [Check.within(title, theirs, ours.value, bounds=bounds, command="")]
    t = np.linspace(520.0, 640.0, 4001)
    runs = [law.heated(t, float(rate) / 60.0) for rate in rates]
    courses = [Course(float(q), t, *run) for q, run in zip(rates, runs, strict=True)]
    own, _ = friedman(courses)
    shares = [run[0] for run in runs]
    energies_J, _, levels, _ = friedman_method([t] * len(rates), shares, list(rates))
    half = float(np.interp(0.5, levels, energies_J)) / _J_PER_MOL_IN_EV
    title = "isoconversional energy at half conversion, eV: true 2; pkynetics gives the expected"
    # Theirs differentiates the shares by differences.
    checks.append(
        Check.within(title, half, own.value, bounds=(0.99 * half, 1.01 * half), command="")
    )
    return tuple(checks)


def checks() -> tuple[Check, ...]:
    """Return everything that needs no other program."""
    return (*intervals(), *energies(), *false_steps(), *damaged_files())
