"""Measured NMR: how often intervals hold the truth, and readers on damaged files.

Run ``python -m validation.laboratory_nmr`` (or with the number of runs and words of case names).
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from validation.check import Check
from vitrolyte.data.curve import Axis, Curve
from vitrolyte.data.measurement import Conditions, Measurement
from vitrolyte.data.nuclei import nucleus
from vitrolyte.data.quantity import Quantity
from vitrolyte.laboratory.line_shape.deconvolution import deconvolution
from vitrolyte.laboratory.line_shape.narrowing import line_narrowing
from vitrolyte.laboratory.line_shape.patterns import Kind, PatternSettings, powder_pattern
from vitrolyte.laboratory.relaxation.rates import SlrSettings, spin_relaxation
from vitrolyte.laboratory.relaxation.recovery import fit_recovery
from vitrolyte.observe.line_shapes import pseudo_voigt
from vitrolyte.observe.nmr_lines.anisotropy import anisotropy_spectrum
from vitrolyte.observe.nmr_lines.czjzek import czjzek_satellites
from vitrolyte.observe.nmr_lines.powder import broadened
from vitrolyte.observe.nmr_lines.quadrupolar import (
    Coupling,
    central_spectrum,
    satellite_spectrum,
)
from vitrolyte.observe.relaxation.narrowing import hendrickson_bray
from vitrolyte.observe.relaxation.processes import Process
from vitrolyte.observe.relaxation.rates import Observable, condition

Floats = NDArray[np.float64]
Truths = dict[str, tuple[Quantity, float]]

RUNS = 200
LITHIUM = nucleus("7Li")
PROCESS = Process(0.29, 2e-13, 1e9, "asymmetric", (1.6,))
SHIFT, HERTZ, SIGNAL = Axis("chemical shift", "ppm"), Axis("frequency", "Hz"), Axis("y", "")


def rates_measured(
    seed: int, observable: Observable, *, lock_kHz: float = 0.0, noise: float = 0.03
) -> Measurement:
    """Return rates of a known process with relative errors that are stated."""
    random = np.random.default_rng([seed, len(observable)])
    t = np.linspace(150.0, 450.0, 22)
    rates = PROCESS.rate(t, condition(observable, LITHIUM, 9.4, lock_kHz))
    rates = rates * np.exp(random.normal(0, noise, len(t)))
    axis = Axis("relaxation rate", "1/s")
    curve = Curve(t, rates, Axis("temperature", "K"), axis, noise * rates, observable)
    return Measurement(curve, Conditions(field_T=9.4, spin_lock_kHz=lock_kHz or None), "made up")


def rates_case(seed: int) -> Truths:
    """Return what a joint fit of R1 and R1rho says of a known process."""
    both = [rates_measured(seed, "R1"), rates_measured(seed, "R1rho", lock_kHz=20.0)]
    (peak,) = spin_relaxation(both, SlrSettings(rivals=False)).peak
    return {
        "hot flank": (peak.high_energy["process"], 0.29),
        "cold flank": (peak.low_energy["process"], 0.29 * 0.6),
        "beta": (peak.beta["process"], 1.6),
        "tau0": (peak.tau0["process"], 2e-13),
    }


def recovery_measured(seed: int, law: str) -> Measurement:
    """Return a saturation recovery of a known law with noise of one per cent."""
    t = np.geomspace(2e-3, 20.0, 24)
    decay = {
        "single": np.exp(-t / 0.5),
        "stretched": np.exp(-((t / 0.5) ** 0.6)),
        "double": 0.7 * np.exp(-t / 0.05) + 0.3 * np.exp(-t / 2.0),
    }[law]
    y = 1.0 - decay + np.random.default_rng(seed).normal(0, 0.01, len(t))
    curve = Curve(t, y, Axis("delay", "s"), SIGNAL)
    return Measurement(curve, Conditions(temperature_K=300.0), "made up")


def recovery_case(law: str) -> Callable[[int], Truths]:
    """Return a case of recoveries."""

    def case(seed: int) -> Truths:
        found = fit_recovery(recovery_measured(seed, law))
        if found.law != law:
            return {}
        truths = {"time": (found.time, 0.05 if law == "double" else 0.5)}
        if law == "double":
            truths |= {"second time": (found.second_time, 2.0), "share": (found.share, 0.7)}
        if law == "stretched":
            truths["stretching"] = (found.stretching, 0.6)
        return truths

    return case


def correlated_noise(seed: int, n: int, level: float) -> Floats:
    """Return noise as exponential apodisation makes it: a spectrum smoothed by three points."""
    kernel = np.exp(-np.arange(12) / 3.0)
    kernel /= np.linalg.norm(kernel)
    white = np.random.default_rng(seed).normal(size=n + 24)
    return np.asarray(level * np.convolve(white, kernel, mode="same")[12 : n + 12])


def glass_ceramic(seed: int, level: float = 0.005) -> Measurement:
    """Return a broad line at 2.9 ppm and a sharp one at -1.6 ppm with a quarter of the area."""
    x = np.linspace(-30.0, 30.0, 2048)
    y = 6.0 * pseudo_voigt(x, 2.9, 5.0, 0.2) + 2.0 * pseudo_voigt(x, -1.6, 0.8, 0.7)
    y = y / y.max() + correlated_noise(seed, len(x), level)
    return Measurement(Curve(x, y, SHIFT, SIGNAL), Conditions(larmor_MHz=155.5), "made up")


def lines_case(seed: int) -> Truths:
    """Return what is said of the glass-ceramic; nothing where another number of lines is found."""
    found = deconvolution(glass_ceramic(seed))
    if len(found.lines) != 2:
        return {}
    sharp, broad = found.lines
    return {
        "sharp shift": (sharp.shift, -1.6),
        "broad shift": (broad.shift, 2.9),
        "sharp width": (sharp.width, 0.8 * 155.5),
        "broad width": (broad.width, 5.0 * 155.5),
        "fraction": (sharp.fraction, 0.25),
    }


def powder_measured(seed: int, kind: Kind) -> Measurement:
    """Return a static powder pattern of known coupling."""
    x = np.linspace(-1e5, 1e5, 1001)
    edges = np.append(x - 100.0, x[-1] + 100.0)
    larmor = 155.5e6
    if kind == "quadrupolar":
        one = Coupling(1.5, 8e4, 0.3, larmor)
        y = satellite_spectrum(edges, one) + central_spectrum(edges, one)
    elif kind == "czjzek":
        y = czjzek_satellites(edges, 1.5, 5e4)
        y[len(x) // 2] += 0.4 / 200.0
    else:
        y = anisotropy_spectrum(edges, -1.5e4, 0.6)
    y = broadened(y, 200.0, gauss=2500.0, lorentz=500.0)
    y = y / y.max() + np.random.default_rng(seed).normal(0, 0.004, len(x))
    return Measurement(Curve(x, y, HERTZ, SIGNAL), Conditions(larmor_MHz=155.5), "made up")


def powder_case(kind: Kind) -> Callable[[int], Truths]:
    """Return a case of powder patterns."""
    truths = {
        "quadrupolar": {"quadrupolar_coupling_constant": 8e4, "quadrupolar_asymmetry": 0.3},
        "czjzek": {"czjzek_width": 5e4},
        "shift-anisotropy": {"shift_anisotropy": -1.5e4 / 155.5, "shift_asymmetry": 0.6},
    }[kind]
    settings = PatternSettings(kind, "31P" if kind == "shift-anisotropy" else "7Li")

    def case(seed: int) -> Truths:
        found = powder_pattern(powder_measured(seed, kind), settings)
        return {word: (found.couplings[word], truth) for word, truth in truths.items()}

    return case


def narrowing_case(seed: int) -> Truths:
    """Return what widths over temperature say by the law that made them."""
    t = np.linspace(150.0, 420.0, 18)
    widths = hendrickson_bray(
        t, 8000.0, 8000.0 / np.exp(0.4 / (8.617333262e-5 * 250.0)), 0.4, 400.0
    )
    widths = widths * np.exp(np.random.default_rng(seed).normal(0, 0.03, len(t)))
    curve = Curve(t, widths, Axis("temperature", "K"), Axis("line width", "Hz"), 0.03 * widths)
    found = line_narrowing(Measurement(curve, file="made up"))
    return {"energy": (found.energy["Hendrickson-Bray"], 0.4)}


CASES: dict[str, Callable[[int], Truths]] = {
    "relaxation rates": rates_case,
    "single recovery": recovery_case("single"),
    "stretched recovery": recovery_case("stretched"),
    "double recovery": recovery_case("double"),
    "glass-ceramic lines": lines_case,
    "quadrupolar powder": powder_case("quadrupolar"),
    "glass by Czjzek": powder_case("czjzek"),
    "shift anisotropy": powder_case("shift-anisotropy"),
    "line narrowing": narrowing_case,
}


def counted(case: Callable[[int], Truths], runs: int) -> dict[str, tuple[int, int]]:
    """Return for each quantity how often its interval held the truth, and how often it answered."""
    found: dict[str, list[bool]] = {}
    for seed in range(runs):
        for name, (number, truth) in case(seed).items():
            if number.status != "refused":
                found.setdefault(name, []).append(number.low <= truth <= number.high)
    return {name: (sum(held), len(held)) for name, held in found.items()}


def checks(runs: int = RUNS, words: tuple[str, ...] = ()) -> Iterator[Check]:
    """Yield the coverage of every case; bounds are those of chance at 99.9 % about 0.93 to 0.97."""
    for case, work in CASES.items():
        if words and not any(word in case for word in words):
            continue
        for name, (held, answered) in counted(work, runs).items():
            low = stats.binom.ppf(0.0005, answered, 0.93) / answered
            high = stats.binom.ppf(0.9995, answered, 0.97) / answered
            yield Check.within(
                f"NMR, {case}, {name} ({answered} of {runs} answered)",
                0.95,
                held / answered,
                bounds=(float(low), float(high)),
                command="python -m validation.laboratory_nmr",
            )


def _placed(read: Callable[[Path, Path], object], target: Path, copy: Path) -> object:
    return read(copy, target)


def damaged_files(count: int = 1000) -> Iterator[Check]:
    """Yield, for each format, how many damaged files brought anything but one InputError."""
    from tests.contracts.instrument_mutations import check_reader
    from tests.contracts.test_nmr_damaged import TARGETS, prepared_file

    for name, one in TARGETS.items():
        with tempfile.TemporaryDirectory() as folder:
            path = prepared_file(name, Path(folder))
            wrong = 0
            try:
                check_reader(partial(_placed, *one), path, Path(folder), count=count)
            except AssertionError:
                wrong = 1
            yield Check.within(
                f"NMR reader {name}, {count} damaged files",
                0,
                wrong,
                bounds=(0, 0),
                command="python -m validation.laboratory_nmr",
            )


def main() -> None:
    """Print the coverage of all cases, or of those whose names hold a word."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else RUNS
    for check in checks(runs, tuple(sys.argv[2:])):
        print(check.line, flush=True)


if __name__ == "__main__":
    main()
