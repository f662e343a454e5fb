"""Total scattering: coverage of shells on simulated S(Q), and readers that never break."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from validation.check import Check
from vitrolyte.data.curve import Axis, Curve
from vitrolyte.data.io.instruments.pair_distribution.reading import read_scattering
from vitrolyte.data.measurement import Measurement
from vitrolyte.data.total_scattering import TotalScattering
from vitrolyte.laboratory.pair_distribution.analysis import (
    PairDistributionFound,
    pair_distribution,
)
from vitrolyte.laboratory.pair_distribution.neighbours import ExpectedPair
from vitrolyte.laboratory.pair_distribution.transform import Composition, TransformSettings
from vitrolyte.observe.scattering.probes import XRays, strength
from vitrolyte.observe.scattering.q_window import Window

Floats = NDArray[np.float64]

COMMAND = "python -m validation laboratory_pdf"
DATA = Path(__file__).parents[1] / "tests/data/laboratory/pdf"
SEEDS = 200
NOISE = 0.01
FRACTIONS = {"Li": 0.2, "Zr": 0.15, "Cl": 0.45, "O": 0.2}
DENSITY = 0.045
EXPECTED = (ExpectedPair("Zr-O", 2.1), ExpectedPair("Zr-Cl", 2.5))
# Number, distance, width of each shell; the last ones stand for what lies beyond.
TRUTH = {"Zr-O": (2.2, 2.08, 0.09), "Zr-Cl": (4.4, 2.49, 0.11)}
BEYOND = {"Cl-Cl": (9.0, 3.55, 0.25), "Zr-Zr": (2.0, 3.9, 0.20)}


def simulated(seed: int, noise: float = NOISE) -> TotalScattering:
    """Return S(Q) of two sharp and two broad shells in a smooth rest, with noise."""
    q = np.arange(0.6, 24.0, 0.02)
    weights = strength(XRays(), FRACTIONS, q)
    s = np.ones(len(q))
    for pair, (number, distance, width) in {**TRUTH, **BEYOND}.items():
        share = weights.pair(pair) / weights.divisor / FRACTIONS[pair.split("-")[1]]
        wave = np.sin(q * distance) / (q * distance) * np.exp(-0.5 * (q * width) ** 2)
        s += share * number * wave
    # A smooth edge stands for the mean density beyond the shells.
    edge = 3.0 * (np.sin(3.3 * q) - 3.3 * q * np.cos(3.3 * q)) / (3.3 * q) ** 3
    s -= 4.0 / 3.0 * np.pi * 3.3**3 * DENSITY * edge * np.exp(-0.5 * (0.3 * q) ** 2)
    s += np.random.default_rng(seed).normal(0.0, noise, len(q))
    curve = Curve(q, s, Axis("scattering vector Q", "1/Å"), Axis("S(Q)", ""))
    return TotalScattering(Measurement(curve, file=f"simulated {seed}"), "S(Q)", "xray")


def fitted(seed: int) -> PairDistributionFound:
    """Return the analysis of one simulated measurement, its noise taken from the data."""
    return pair_distribution(
        simulated(seed),
        Composition(FRACTIONS, XRays(), DENSITY),
        TransformSettings(Window(24.0)),
        expected=EXPECTED,
    )


def coverage(seeds: int = SEEDS) -> dict[str, float]:
    """Return how often the interval of each number, distance and width holds the truth."""
    held: dict[str, int] = {}
    for seed in range(seeds):
        found = fitted(seed)
        for pair, truth in TRUTH.items():
            columns = (found.numbers, found.distances, found.widths)
            for kind, column, value in zip(("N", "r", "width"), columns, truth, strict=True):
                quantity = column[pair]
                inside = quantity.low <= value <= quantity.high
                held[f"{kind} {pair}"] = held.get(f"{kind} {pair}", 0) + bool(inside)
    return {name: count / seeds for name, count in held.items()}


def checks() -> Iterator[Check]:
    """Yield every check of this module."""
    # The choice of range and baseline is in the intervals: they may hold the truth more often.
    low, high = float(stats.binom.ppf(0.001, SEEDS, 0.95)) / SEEDS, 1.0
    for name, share in coverage().items():
        yield Check.within(
            f"PDF: intervals of {name} hold the truth, {SEEDS} measurements",
            0.95,
            share,
            bounds=(low, high),
            command=COMMAND,
        )
    yield from fuzzed()


def fuzzed(count: int = 1000) -> Iterator[Check]:
    """Yield how many of a thousand damaged files break the reader."""
    from tests.contracts.instrument_mutations import check_reader

    for file in sorted(DATA.glob("*.gr")):
        with tempfile.TemporaryDirectory() as folder:
            read, refused = check_reader(read_scattering, file, Path(folder), count=count)
        yield Check.within(
            f"PDF: {file.name} damaged {count} times is read or refused",
            float(count),
            float(read + refused),
            bounds=(count, count),
            command=COMMAND,
        )
