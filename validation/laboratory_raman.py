"""Raman: coverage of areas and shares on simulated spectra, and readers that never break."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from validation.check import Check
from vitrolyte.data.io.instruments.raman.reading import read_raman
from vitrolyte.data.measurement import Measurement
from vitrolyte.data.spectroscopy import raman_curve
from vitrolyte.infer.peaks import PeakSettings
from vitrolyte.laboratory.raman.analysis import RamanFound, RamanSettings, Unit, raman
from vitrolyte.observe.line_shapes import pseudo_voigt

Floats = NDArray[np.float64]

COMMAND = "python -m validation laboratory_raman"
DATA = Path(__file__).parents[1] / "tests/data/laboratory/raman"
SEEDS = 200
# Shift, width, area, Lorentzian share.
TRUTH = {
    "P2S6": (386.0, 12.0, 3000.0, 0.5),
    "P2S7": (405.0, 14.0, 9000.0, 0.5),
    "PS4": (421.0, 9.0, 15000.0, 0.5),
}
UNITS = tuple(Unit(name, line[0] + 1.0, 1.0) for name, line in TRUTH.items())
SETTINGS = RamanSettings(units=UNITS, peaks=PeakSettings(widths=(5.0, 60.0)))


def simulated(seed: int) -> Measurement:
    """Return counts of three lines on a curved background, a cosmic ray among them."""
    random = np.random.default_rng(seed)
    x = np.arange(330.0, 490.0, 0.8)
    y = 600.0 - 0.8 * (x - 330.0) + 0.004 * (x - 420.0) ** 2
    for shift, width, area, share in TRUTH.values():
        y = y + area * pseudo_voigt(x, shift, width, share)
    counts = random.poisson(y).astype(float)
    counts[random.integers(5, len(x) - 5)] += 4000.0
    return Measurement(raman_curve(x, counts, "simulated"), file=f"simulated {seed}")


def held(found: RamanFound) -> dict[str, bool]:
    """Return which intervals hold the truth."""
    total = sum(line[2] for line in TRUTH.values())
    inside = {}
    for name, (shift, width, area, _) in TRUTH.items():
        place = found.assigned.index(name) if name in found.assigned else -1
        pairs = {"share": (found.units[name], area / total)}
        if place >= 0:
            pairs["shift"] = (found.shifts[place], shift)
            pairs["width"] = (found.widths[place], width)
        for kind, (quantity, truth) in pairs.items():
            inside[f"{kind} {name}"] = bool(quantity.low <= truth <= quantity.high)
    return inside


def coverage(seeds: int = SEEDS) -> tuple[dict[str, float], float]:
    """Return how often intervals hold the truth, and how often three lines were found."""
    counts: dict[str, int] = {}
    three = 0
    for seed in range(seeds):
        found = raman(simulated(seed), SETTINGS)
        three += len(found.shifts) == len(TRUTH)
        for name, inside in held(found).items():
            counts[name] = counts.get(name, 0) + inside
    return {name: count / seeds for name, count in counts.items()}, three / seeds


def checks() -> Iterator[Check]:
    """Yield every check of this module."""
    # Areas and Lorentzian shares hang together and some shares end at their bound, which makes
    # intervals of the areas wider than they need to be.
    low, high = float(stats.binom.ppf(0.001, SEEDS, 0.95)) / SEEDS, 1.0
    shares, three = coverage()
    for name, share in shares.items():
        yield Check.within(
            f"Raman: intervals of the {name} hold the truth, {SEEDS} spectra",
            0.95,
            share,
            bounds=(low, high),
            command=COMMAND,
        )
    yield Check.within(
        "Raman: three lines are found where there are three",
        1.0,
        three,
        bounds=(0.95, 1.0),
        command=COMMAND,
    )
    yield from fuzzed()


def fuzzed(count: int = 1000) -> Iterator[Check]:
    """Yield how many of a thousand damaged files break the reader."""
    from tests.contracts.instrument_mutations import check_reader

    for file in sorted(DATA.glob("*.jdx")):
        with tempfile.TemporaryDirectory() as folder:
            read, refused = check_reader(read_raman, file, Path(folder), count=count)
        yield Check.within(
            f"Raman: {file.name} damaged {count} times is read or refused",
            float(count),
            float(read + refused),
            bounds=(count, count),
            command=COMMAND,
        )
