"""Figures of trust: measured values beside their limits, with method, frames and interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from vitrolyte.data.units import EV_PER_A3_TO_GPA
from vitrolyte.infer.distil.gate import ENERGY_LIMIT, FORCE_LIMIT
from vitrolyte.potentials.card import TrustFigure
from vitrolyte.potentials.teacher import Example, Label

PRESSURE_LIMIT = 0.5
Interval = tuple[float, float]


@dataclass(frozen=True)
class Evidence:
    """What a figure rests on: how many frames, how it was obtained, and whether it can decide."""

    frames: int
    method: str
    interval: Interval | None = None
    undecided: str = ""

    def below(self, limit: float, quantity: str, of: str, value: float, unit: str) -> TrustFigure:
        """Write down a figure that must not exceed its limit."""
        return self._written((quantity, of, value, unit), None, limit, "below")

    def above(self, limit: float, quantity: str, of: str, value: float, unit: str) -> TrustFigure:
        """Write down a figure that must reach its limit."""
        return self._written((quantity, of, value, unit), None, limit, "above")

    def told(self, quantity: str, of: str, value: float, unit: str) -> TrustFigure:
        """Write down a figure for information."""
        return self._written((quantity, of, value, unit), None, None, "below")

    def beside(
        self, reference: float, quantity: str, of: str, value: float, unit: str
    ) -> TrustFigure:
        """Write down a figure for information beside what it is compared with."""
        return self._written((quantity, of, value, unit), reference, None, "below")

    def _written(
        self,
        what: tuple[str, str, float, str],
        reference: float | None,
        limit: float | None,
        sense: Literal["below", "above"],
    ) -> TrustFigure:
        quantity, of, value, unit = what
        return TrustFigure(
            quantity=quantity,
            of=of,
            value=value,
            unit=unit,
            reference=reference,
            limit=limit,
            sense=sense,
            frames=self.frames,
            method=self.method,
            interval=self.interval,
            undecided=self.undecided if limit is not None else "",
        )


def error_figures(
    examples: Sequence[Example],
    said: Sequence[Label],
    elements: Sequence[str],
    of: str,
    *,
    own: bool = False,
) -> list[TrustFigure]:
    """Write down errors of forces, energies and stresses on labelled frames, by species.

    On frames of the teacher's ``own`` run the limit of energies is that of their scatter: their
    mean is off by sigma²/kT for statistical reasons alone, and the free energy is judged instead.
    """
    truth = [example.label for example in examples]
    gaps = np.concatenate([s.forces - t.forces for s, t in zip(said, truth)])
    kinds = np.concatenate([np.array(example.snapshot.species) for example in examples])
    energy = np.array([(s.energy - t.energy) / len(t.forces) for s, t in zip(said, truth)])
    stress = np.concatenate([(s.stress - t.stress).ravel() for s, t in zip(said, truth)])
    by = Evidence(len(examples), "student against teacher on the same frames, none trained on")
    return [
        by.below(FORCE_LIMIT, "force_rmse", of, rms(gaps), "eV/Å"),
        by.told("force_mae", of, float(np.abs(gaps).mean()), "eV/Å"),
        *_energy_figures(by, of, energy, own=own),
        by.told("stress_rmse", of, rms(stress) * EV_PER_A3_TO_GPA, "GPa"),
        by.below(PRESSURE_LIMIT, "pressure_bias", of, abs(pressure_gap(truth, said)), "GPa"),
        *(
            by.told("force_rmse", f"{of}, {element}", rms(gaps[kinds == element]), "eV/Å")
            for element in elements
            if (kinds == element).any()
        ),
    ]


def _energy_figures(by: Evidence, of: str, errors: np.ndarray, *, own: bool) -> list[TrustFigure]:
    whole = ("energy_rmse", of, rms(errors), "eV/atom")
    scatter = ("energy_scatter", of, float(errors.std()), "eV/atom")
    return [
        by.told(*whole) if own else by.below(ENERGY_LIMIT, *whole),
        by.told("energy_bias", of, float(errors.mean()), "eV/atom"),
        by.below(ENERGY_LIMIT, *scatter) if own else by.told(*scatter),
    ]


def pressure_gap(truth: Sequence[Label], said: Sequence[Label]) -> float:
    """Return the mean pressure of the student less that of the teacher, GPa."""
    gaps = [-np.trace(s.stress - t.stress) / 3 for t, s in zip(truth, said)]
    return float(np.mean(gaps)) * EV_PER_A3_TO_GPA


def rms(values: np.ndarray) -> float:
    """Return the root mean square."""
    return float(np.sqrt(np.mean(np.square(values))))
