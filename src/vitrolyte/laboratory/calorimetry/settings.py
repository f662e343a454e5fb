"""How a scan is to be looked at."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from vitrolyte.data.errors import InputError
from vitrolyte.laboratory.calorimetry.baseline import Baseline
from vitrolyte.laboratory.calorimetry.scan import Exo


@dataclass(frozen=True)
class CalorimetrySettings:
    """How scans are read and analysed.

    Attributes
    ----------
    exo
        Which way exothermic points, where the file does not say it.
    settle_s
        Time at the start of each scan that is left out.
    baseline, anchors_K
        Under peaks; a spline goes through the anchors.
    windows_K
        Four temperatures: ends of the glass's and of the liquid's line; empty to have them found.
    peaks_K
        Pairs of temperatures between which peaks lie; empty to have them found.
    last_endotherm_melts
        Whether the last endotherm on heating is the melting of the sample.
    melting_K
        Melting temperature for figures of stability, where no scan shows it.
    temperature_error_K
        Standard error of each temperature by calibration and repeated mounting; 0 where unknown.
    false_alarm
        Highest p value at which a step is believed.
    draws, seed
        Simulated noise behind the errors.
    """

    exo: Exo = ""
    settle_s: float = 60.0
    baseline: Baseline = "sigmoidal"
    anchors_K: tuple[float, ...] = ()
    windows_K: tuple[float, ...] = ()
    peaks_K: tuple[float, ...] = ()
    last_endotherm_melts: bool = True
    melting_K: float | None = None
    temperature_error_K: float = 0.0
    false_alarm: float = 0.01
    draws: int = 200
    seed: int = 0

    def __post_init__(self) -> None:
        rising = all(low < high for low, high in pairwise(self.windows_K))
        if len(self.windows_K) not in (0, 4) or not rising:
            raise InputError(
                "The lines of glass and liquid need four rising temperatures",
                received=", ".join(f"{one:g}" for one in self.windows_K),
            )
        pairs = zip(self.peaks_K[::2], self.peaks_K[1::2])
        if len(self.peaks_K) % 2 or not all(low < high for low, high in pairs):
            raise InputError(
                "Peaks are given by pairs of rising temperatures",
                received=", ".join(f"{one:g}" for one in self.peaks_K),
            )
        if (self.baseline == "spline") != bool(self.anchors_K):
            raise InputError(
                "A spline baseline and its anchors are given together",
                received=f"baseline {self.baseline}, {len(self.anchors_K)} anchors",
                remedy="give --baseline spline with --anchors-K 450,520,640",
            )
        if self.draws < 50 or self.temperature_error_K < 0 or self.settle_s < 0:
            raise InputError(
                "Errors need at least 50 draws; times and errors are not below zero",
                received=f"{self.draws} draws, {self.settle_s} s, {self.temperature_error_K} K",
            )
