"""Charges under a student: their Coulomb energy is taken off the labels, and added in the run."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from vitrolyte.data.errors import InputError
from vitrolyte.data.origin import content_id
from vitrolyte.infer.distil.cache import LabelCache, key_of
from vitrolyte.infer.distil.evaluate import student_labels
from vitrolyte.potentials.coulomb import COULOMB_EV_A, Coulomb, charges_alone, with_charges
from vitrolyte.potentials.potential import LammpsPair
from vitrolyte.potentials.teacher import Label, Snapshot

NEUTRAL_E = 1e-6
"""Charge per atom that counts as rounding, e; the engine draws the same line."""

BATCH = 100
"""Snapshots per LAMMPS process: few enough that little is lost when it is killed."""


@dataclass(frozen=True)
class Charges:
    """Fixed point charges of the elements (e, in the student's order) and how they are summed."""

    values: Mapping[str, float]
    coulomb: Coulomb

    @property
    def alone(self) -> LammpsPair:
        """Return the charges and nothing else as LAMMPS evaluates them."""
        return charges_alone(self.values, self.coulomb)

    def under(self, pair: LammpsPair) -> LammpsPair:
        """Lay the charges under a short-range potential."""
        return with_charges(pair, self.values, self.coulomb)

    def scaled(self, factor: float) -> Charges:
        """Multiply all charges by a factor."""
        return replace(self, values={e: factor * q for e, q in self.values.items()})

    def push(self, pair: str, distance_A: float) -> float:
        """Return the force by which two lone charges push each other apart, eV/Å: ``k q q' / r²``.

        Negative where they attract.
        """
        a, b = pair.split("-")
        return COULOMB_EV_A * self.values[a] * self.values[b] / distance_A**2


@dataclass(frozen=True)
class Electrostatics:
    """What the charges alone say of every example, from LAMMPS, kept by content.

    Energy, forces and stress of point charges are quadratic in a common factor on the charges, so
    each snapshot is summed once, with unit scale, and serves every scale.

    Attributes
    ----------
    unit
        The charges at a scale of one.
    scales
        Factors on all charges among which a fit may choose.
    folder
        Where LAMMPS works and finished sums are kept.
    """

    unit: Charges
    scales: tuple[float, ...]
    folder: Path

    @property
    def plain(self) -> dict[str, Any]:
        """Return what a fit with these charges depends on."""
        return self._summed | {"scales": list(self.scales)}

    def label(self, snapshot: Snapshot, scale: float) -> Label:
        """Return energy, forces and stress of the charges of one snapshot.

        Raises
        ------
        InputError
            The snapshot is not neutral.
        EngineError, StorageError, MachineError
            From LAMMPS.
        """
        self.prepare([snapshot])
        one = self._kept.read(key_of(snapshot), "").label
        return Label(scale**2 * one.energy, scale**2 * one.forces, scale**2 * one.stress)

    def prepare(self, snapshots: Sequence[Snapshot]) -> None:
        """Sum the charges of the snapshots that are not kept from before.

        Raises
        ------
        InputError
            A snapshot is not neutral.
        EngineError, StorageError, MachineError
            From LAMMPS.
        """
        kept = self._kept
        missing = list({k: s for s in snapshots if (k := key_of(s)) not in kept}.values())
        for snapshot in missing:
            require_neutral(Counter(snapshot.species), self.unit.values)
        for start in range(0, len(missing), BATCH):
            batch = missing[start : start + BATCH]
            elements = tuple(self.unit.values)
            said = student_labels(self.unit.alone, batch, elements=elements, folder=self.folder)
            for snapshot, label in zip(batch, said, strict=True):
                kept.write(snapshot, label)

    @property
    def _summed(self) -> dict[str, Any]:
        return {"values": dict(self.unit.values), "coulomb": asdict(self.unit.coulomb)}

    @property
    def _kept(self) -> LabelCache:
        return LabelCache(self.folder / content_id(self._summed)[:12])


def require_neutral(counts: Mapping[str, float], values: Mapping[str, float]) -> None:
    """Raise unless the charges of a cell add up to zero; an Ewald sum has no meaning otherwise.

    ``counts`` are the atoms of each element.

    Raises
    ------
    InputError
        Naming the ions and the charge left over.
    """
    total = math.fsum(values[element] * count for element, count in counts.items())
    if abs(total) <= NEUTRAL_E * math.fsum(counts.values()):
        return
    listed = ", ".join(f"{n:g} {element} of {values[element]:+g}" for element, n in counts.items())
    raise InputError(
        "Charges under a student need neutral examples",
        received=f"{total:+.4g} e in all ({listed})",
        remedy="correct [coulomb] charges, or take the compositions and crystals that are not "
        "neutral with these charges out of the distillation file",
    )
