"""What the numbers of refinements are worth: each with its status and the reason."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from vitrolyte.data.quantity import Quantity
from vitrolyte.laboratory.diffraction.refinement import (
    Refinement,
    crystallite_size,
    lattice,
    lattice_strain,
    mass_shares,
)
from vitrolyte.laboratory.diffraction.results import PowderPhase

BAD_MISFIT = 0.3
_HOPELESS_MISFIT = 0.6
_VAGUE_LATTICE = 2e-3


def judged_phases(
    refinements: tuple[Refinement, ...], shown: Refinement | None, doubts: tuple[str, ...]
) -> tuple[PowderPhase, ...]:
    """Return the phases of refinements, by structure and shown, the greatest share first."""
    if shown is None:
        return ()
    by_structure = refinements[0]
    shares = mass_shares(by_structure)
    found = []
    for number, phase in enumerate(shown.model.phases):
        place = by_structure.model.places.get(f"B {number}")
        found.append(
            PowderPhase(
                name=phase.name,
                space_group=phase.lines.crystal.space_group,
                lattice=_lattice(shown, number),
                lattice_method=f"{shown.method} refinement",
                share=_judged_share(shares[phase.name], by_structure, doubts, len(shares)),
                size=crystallite_size(shown, number),
                strain=lattice_strain(shown, number),
                displacement_B=_displacement(by_structure, place),
            )
        )
    return tuple(sorted(found, key=lambda one: -np.nan_to_num(one.share.value)))


def _lattice(shown: Refinement, number: int) -> dict[str, Quantity]:
    name = shown.model.phases[number].name
    if name in shown.model.freedom.held_lattices:
        return {}
    found = lattice(shown, number)
    if shown.misfit > _HOPELESS_MISFIT:
        reason = f"the fit leaves {shown.misfit:.0%} of the peaks unexplained"
        return {key: Quantity.refused(one.unit, reason) for key, one in found.items()}
    judged = {}
    beam_note = shown.model.radiation.note
    for key, one in found.items():
        if shown.misfit > BAD_MISFIT:
            one = one.provisional(f"the fit leaves {shown.misfit:.0%} of the peaks unexplained")
        if one.error > _VAGUE_LATTICE * one.value:
            one = one.provisional("few lines: lattice and shift of the sample are not told apart")
        judged[key] = replace(one, note="; ".join(part for part in (one.note, beam_note) if part))
    return judged


def _judged_share(
    share: Quantity, by_structure: Refinement, doubts: tuple[str, ...], count: int
) -> Quantity:
    if count == 1:
        return replace(share, error=float("nan"), low=float("nan"), high=float("nan")).provisional(
            "the only phase that was found: its share is one by construction"
        )
    if by_structure.misfit > _HOPELESS_MISFIT:
        return Quantity.refused(
            "1", f"the structures leave {by_structure.misfit:.0%} of the peaks unexplained"
        )
    for doubt in doubts:
        share = share.provisional(doubt)
    return share


def _displacement(by_structure: Refinement, place: int | None) -> Quantity:
    if place is None:
        return Quantity.refused("Å²", "not refined")
    value = float(by_structure.refined.values[place])
    error = float(np.sqrt(by_structure.errors.covariance[place, place]))
    return Quantity.normal(value, error, "Å²")


def weighted_residual(refinement: Refinement) -> Quantity:
    """Return Rwp, and in its note what noise would leave."""
    note = (
        f"{refinement.expected:.4f} expected from noise, {refinement.misfit:.4f} with the "
        "background taken off"
    )
    return Quantity(refinement.rwp, "1", note=note)


def judged_shift(shown: Refinement | None) -> Quantity:
    """Return the shift, degrees."""
    place = None if shown is None else shown.model.places.get("shift")
    if shown is None or place is None:
        return Quantity.refused("°", "not refined")
    value = float(shown.refined.values[place])
    return Quantity.normal(value, float(np.sqrt(shown.errors.covariance[place, place])), "°")
