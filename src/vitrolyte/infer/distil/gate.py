"""The inexpensive gate between rounds: errors on new frames, pressure, cores, survival."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from vitrolyte.data.units import EV_PER_A3_TO_GPA
from vitrolyte.infer.distil.contacts import Contact, asked_dimers
from vitrolyte.infer.distil.evaluate import student_labels
from vitrolyte.infer.distil.pod import Fit
from vitrolyte.potentials.teacher import Label

FORCE_LIMIT = 0.15
ENERGY_LIMIT = 0.005
BIAS_LIMIT_GPA = 0.1
"""A melt of 10 GPa is 1 % off in density where its pressure is 0.1 GPa off."""


@dataclass(frozen=True)
class RoundRecord:
    """What one round found on the frames of its own runs before they were learned.

    Attributes
    ----------
    round, trained_on
        Number of the round; examples behind the student that ran.
    lived_ps, survived
        Of every trial.
    force_rmse, energy_rmse, pressure_rmse_GPa, pressure_bias_GPa
        eV/Å, eV/atom, GPa, on the new frames that did not precede a failure.
    attractive
        Pairs that attract somewhere below their safe distance.
    """

    round: int
    trained_on: int
    lived_ps: tuple[float, ...]
    survived: tuple[bool, ...]
    force_rmse: float
    energy_rmse: float
    pressure_rmse_GPa: float
    pressure_bias_GPa: float
    attractive: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Say whether the student is worth the full examination."""
        return (
            all(self.survived)
            and not self.attractive
            and self.force_rmse <= FORCE_LIMIT
            and self.energy_rmse <= ENERGY_LIMIT
            and abs(self.pressure_bias_GPa) <= BIAS_LIMIT_GPA
        )

    def line(self) -> str:
        """Return the record in words."""
        alive = f"{sum(self.survived)} of {len(self.survived)} trials survived"
        cores = f", attractive: {' '.join(self.attractive)}" if self.attractive else ""
        return (
            f"round {self.round}: {alive}, forces {self.force_rmse:.3f} eV/Å, energies "
            f"{1e3 * self.energy_rmse:.1f} meV/atom, pressure {self.pressure_bias_GPa:+.2f} GPa"
            f"{cores}"
        )


def errors(truth: Sequence[Label], said: Sequence[Label]) -> tuple[float, float, float, float]:
    """Return root mean square errors of forces eV/Å, energy eV/atom, pressure GPa, and its bias."""
    if not truth:
        return (float("nan"),) * 4
    forces = np.concatenate([(s.forces - t.forces).ravel() for t, s in zip(truth, said)])
    energy = np.array([(s.energy - t.energy) / len(t.forces) for t, s in zip(truth, said)])
    trace = np.array([np.trace(s.stress - t.stress) for t, s in zip(truth, said)])
    pressure = -trace / 3 * EV_PER_A3_TO_GPA
    return _rms(forces), _rms(energy), _rms(pressure), float(pressure.mean())


def attractive_pairs(fit: Fit, cutoff_A: float, folder: Path) -> tuple[str, ...]:
    """Name the pairs whose lone dimer attracts at some distance of its scan below the safe one."""
    shares = repulsive_shares(fit, cutoff_A, folder)
    return tuple(pair for pair, share in shares.items() if share < 1.0)


def repulsive_shares(fit: Fit, cutoff_A: float, folder: Path) -> dict[str, float]:
    """Return, for each pair, the share of its scanned distances at which the dimer pushes apart.

    Distances and cell are others than those of the guard rows.
    """
    return pushing_shares(fit, asked_dimers(fit.student.elements, cutoff_A), folder)


def pushing_shares(fit: Fit, contacts: Sequence[Contact], folder: Path) -> dict[str, float]:
    """Return, for each pair, the share of contacts below its safe distance that push apart.

    Charges act between the two atoms alone: most dimers are not neutral, and a sum over images
    would mean nothing.
    """
    scans = [one for one in contacts if one.distance < fit.safe_distances[one.pair]]
    said = student_labels(
        fit.student.short(),
        [one.snapshot for one in scans],
        elements=fit.student.elements,
        folder=folder,
    )
    pushes: dict[str, list[bool]] = {}
    for one, label in zip(scans, said):
        charges = fit.student.charges
        push = 0.5 * float(one.axis @ (label.forces[1] - label.forces[0]))
        push += charges.push(one.pair, one.distance) if charges is not None else 0.0
        pushes.setdefault(one.pair, []).append(push > 0)
    return {pair: float(np.mean(found)) for pair, found in pushes.items()}


def write_record(record: RoundRecord, path: Path) -> None:
    """Add one round to the book."""
    with path.open("a", encoding="utf-8") as book:
        book.write(json.dumps(asdict(record)) + "\n")


def read_record(path: Path, number: int) -> RoundRecord | None:
    """Read one round from the book; the last entry of that number counts."""
    if not path.is_file():
        return None
    found = None
    for line in path.read_text("utf-8").splitlines():
        plain = json.loads(line)
        if plain["round"] == number:
            found = _record(plain)
    return found


def _record(plain: dict[str, Any]) -> RoundRecord:
    tuples = {key: tuple(value) for key, value in plain.items() if isinstance(value, list)}
    return RoundRecord(**{**plain, **tuples})


def _rms(values: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(values))))
