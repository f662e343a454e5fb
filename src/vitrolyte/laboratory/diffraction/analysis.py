"""From a measured powder pattern to phases, lattices and mass shares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from vitrolyte.data.crystal import Crystal
from vitrolyte.data.curve import Curve
from vitrolyte.data.errors import InputError, NotConverged
from vitrolyte.data.measurement import Measurement
from vitrolyte.data.quantity import Quantity
from vitrolyte.laboratory.diffraction.halo import first_halo
from vitrolyte.laboratory.diffraction.judgement import (
    BAD_MISFIT,
    judged_phases,
    judged_shift,
    weighted_residual,
)
from vitrolyte.laboratory.diffraction.matching import Match, Search, explained, match
from vitrolyte.laboratory.diffraction.model import Freedom, Phase, phase_of
from vitrolyte.laboratory.diffraction.peaks import Peaks, find_peaks
from vitrolyte.laboratory.diffraction.pictures import pattern_picture
from vitrolyte.laboratory.diffraction.radiation import Radiation, prepared, radiation_of
from vitrolyte.laboratory.diffraction.refinement import (
    Plan,
    Refinement,
    background_terms,
    pawley,
    rietveld,
    start_widths,
)
from vitrolyte.laboratory.diffraction.results import PhaseCandidate, PowderPattern
from vitrolyte.laboratory.diffraction.standards import STANDARDS, standard_crystal
from vitrolyte.observe.scattering.anomalous import anode_of
from vitrolyte.observe.scattering.crystallinity import crystallinity
from vitrolyte.observe.scattering.internal_standard import InternalStandard, amorphous_fraction
from vitrolyte.observe.scattering.powder_lines import powder_lines

Floats = NDArray[np.float64]
Method = Literal["auto", "Rietveld", "Pawley"]

_ENOUGH_LINES = 0.5
_CLEAR_MERIT = 2.0
_NEEDED_IN_ERRORS = 4.0
_FOREIGN_SHARE = 0.05
_AS_GOOD = 1.3
_WEIGHING_ERROR = 0.002
_FOOT_IN_WIDTHS = 4.0
_SURE_MERIT, _BETTER_MERIT = 6.0, 1.0
_SHIFTS_DEG = tuple(round(0.1 * n, 1) for n in range(-10, 11))


@dataclass(frozen=True)
class PowderSettings:
    """How patterns are read.

    Attributes
    ----------
    radiation
        ``x-ray`` or ``neutron``.
    alpha_2
        Whether K-alpha-2 is in the beam; ``auto``: as the file says, else as the wavelength says.
    monochromator_deg
        Scattering angle 2 theta of a monochromator; 0 for none.
    shift
        ``displacement`` of the sample, ``zero`` of the circle, ``none``; ``auto``: displacement
        for an anode's lines, else zero.
    asymmetry
        Whether axial divergence may draw lines out; ``auto``: for an anode's lines only.
    method
        How lattices are refined; ``auto``: Pawley, or Rietveld where it describes the pattern as
        well.
    identify
        Whether phases are searched for; otherwise all given ones are refined from their own
        lattices.
    lattice_freedom
        By how much the axes may differ from those given.
    textures
        Axis of preferred orientation by name of the phase.
    between
        Range of angles, degrees.
    standard, standard_fraction
        Name and mass fraction of a standard that was weighed in.

    Raises
    ------
    InputError
        If a number is out of range, or a standard has no fraction.
    """

    radiation: Literal["x-ray", "neutron"] = "x-ray"
    alpha_2: Literal["auto", "yes", "no"] = "auto"
    monochromator_deg: float = 0.0
    shift: Literal["auto", "displacement", "zero", "none"] = "auto"
    asymmetry: Literal["auto", "yes", "no"] = "auto"
    method: Method = "auto"
    identify: bool = True
    lattice_freedom: float = 0.03
    textures: Mapping[str, tuple[int, int, int]] = field(default_factory=dict)
    between: tuple[float, float] | None = None
    standard: str = ""
    standard_fraction: float | None = None

    def __post_init__(self) -> None:
        if bool(self.standard) != (self.standard_fraction is not None):
            raise InputError(
                "An internal standard needs its name and the mass fraction that was weighed in",
                received=f"standard {self.standard!r}, fraction {self.standard_fraction}",
                remedy="give both --standard and --standard-fraction",
            )
        if self.standard_fraction is not None and not 0.0 < self.standard_fraction < 1.0:
            raise InputError(
                "The fraction of a standard lies between 0 and 1",
                received=str(self.standard_fraction),
                remedy="give per cent divided by 100",
            )
        if not 0.0 <= self.lattice_freedom <= 0.1:
            raise InputError(
                "A lattice may differ by 0 to 10 per cent", received=str(self.lattice_freedom)
            )
        if self.between is not None and not 0.0 < self.between[0] < self.between[1] < 180.0:
            raise InputError("A range of angles rises", received=str(self.between))


@dataclass(frozen=True, eq=False)
class _Seen:
    """A pattern with its beam and peaks."""

    pattern: Curve
    radiation: Radiation
    peaks: Peaks
    settings: PowderSettings

    @property
    def ends(self) -> tuple[float, float]:
        return float(self.pattern.x[0]), float(self.pattern.x[-1])


def powder_pattern(
    measurement: Measurement,
    crystals: Sequence[Crystal] = (),
    settings: PowderSettings | None = None,
) -> PowderPattern:
    """Return what a measured pattern says: phases, lattices, mass shares, halo.

    Bragg peaks are sought first. Without any the sample is amorphous as far as the pattern shows,
    and no phase is laid on its halo. Otherwise each given crystal is matched with the peaks, its
    lattice free within a few per cent; those that explain what no better one explains are refined
    together, by their structures and with free heights; phases whose scale does not stand out of
    its error are left out again.

    Parameters
    ----------
    measurement
        A pattern with its wavelength.
    crystals
        Structures of what may be in it.
    settings
        See `PowderSettings`.

    Raises
    ------
    InputError
        If the wavelength is not known or the pattern is too short.
    """
    chosen = settings or PowderSettings()
    radiation = radiation_of(
        measurement,
        chosen.radiation,
        alpha_2=chosen.alpha_2,
        monochromator_deg=chosen.monochromator_deg,
    )
    pattern = prepared(measurement, radiation, chosen.between)
    seen = _Seen(pattern, radiation, find_peaks(pattern, radiation), chosen)
    phases = _given_phases(seen, crystals)
    present, candidates, shift = _sorted_out(seen, phases)
    refinements: tuple[Refinement, ...] = ()
    if present:
        refinements, candidates = _refinements(seen, present, candidates, shift)
    return _result(measurement, seen, refinements, candidates)


def _given_phases(seen: _Seen, crystals: Sequence[Crystal]) -> list[Phase]:
    """Return the phases that are given, and the standard where it is known by name."""
    every = list(crystals)
    name = seen.settings.standard
    if name and name not in [crystal.name for crystal in every]:
        every.append(standard_crystal(name))
    if len({crystal.name for crystal in every}) != len(every):
        raise InputError(
            "Each phase needs a name of its own",
            received=", ".join(crystal.name for crystal in every),
            remedy="rename a file: a phase is called as its file is",
        )
    reach = np.radians(min(175.0, seen.ends[1] + 1.0)) / 2.0
    shortest = min(length for length, _ in seen.radiation.lines) / (2.0 * np.sin(reach))
    shortest *= 1.0 - seen.settings.lattice_freedom
    return [
        phase_of(
            powder_lines(crystal, seen.radiation.probe(crystal), shortest),
            seen.settings.textures.get(crystal.name),
        )
        for crystal in every
    ]


def _sorted_out(
    seen: _Seen, phases: Sequence[Phase]
) -> tuple[list[Phase], tuple[PhaseCandidate, ...], float]:
    """Return the phases that peaks speak for, a verdict on each, and the shift of their lines."""
    if len(seen.peaks) == 0:
        verdict = "no Bragg peak stands out of the pattern"
        return [], tuple(PhaseCandidate(p.name, 0.0, 0.0, False, verdict) for p in phases), 0.0
    matches = _matches(seen, phases)
    shift = matches[0].shift if matches else 0.0
    if not seen.settings.identify:
        given = (
            PhaseCandidate(m.phase.name, m.merit, m.found_share, True, "given") for m in matches
        )
        return [one.phase for one in matches], tuple(given), shift
    taken: list[Match] = []
    candidates = []
    for one in matches:
        found, reason = _verdict(one, taken, seen.peaks)
        candidates.append(PhaseCandidate(one.phase.name, one.merit, one.found_share, found, reason))
        if found:
            taken.append(one)
    return [one.phase for one in taken], tuple(candidates), shift


def _matches(seen: _Seen, phases: Sequence[Phase]) -> list[Match]:
    """Return the matches, the best first, all with the shift of the best."""

    def every(shifts: tuple[float, ...], axes: bool = True) -> list[Match]:
        return [
            match(
                phase,
                seen.peaks,
                seen.radiation,
                between=seen.ends,
                search=Search(seen.settings.lattice_freedom, shifts, axes),
            )
            for phase in phases
        ]

    still = every((0.0,))
    best = max((one.merit for one in still), default=0.0)
    if seen.settings.shift != "none" and best < _SURE_MERIT:
        moved = max(every(_SHIFTS_DEG, axes=False), key=lambda one: one.merit, default=None)
        if moved is not None and moved.merit > best + _BETTER_MERIT:
            still = every((moved.shift,))
    return sorted(still, key=lambda one: -one.merit)


def _verdict(one: Match, taken: Sequence[Match], peaks: Peaks) -> tuple[bool, str]:
    words = (
        f"{one.found_share:.0%} of its strongest lines have a peak, chance "
        f"{one.chance:.2g} for a lattice without meaning"
    )
    if one.found_share < _ENOUGH_LINES:
        return False, f"not found: {words}"
    if one.merit < _CLEAR_MERIT:
        return False, f"not told from chance: {words}"
    before = np.zeros(len(peaks), dtype=bool)
    for other in taken:
        before |= other.explained
    if taken and not np.any(one.explained & ~before):
        names = " and ".join(other.phase.name for other in taken)
        return False, f"not told apart: explains no peak that {names} leaves; {words}"
    return True, words


def _refinements(
    seen: _Seen,
    present: list[Phase],
    candidates: tuple[PhaseCandidate, ...],
    shift: float,
) -> tuple[tuple[Refinement, ...], tuple[PhaseCandidate, ...]]:
    """Return the refinements by structures and with free heights of what is really there."""
    plan = _plan(seen, shift)
    by_structure = rietveld(seen.pattern, tuple(present), seen.radiation, plan)
    while seen.settings.identify and len(present) > 1:
        weakest = _not_needed(by_structure)
        if weakest is None:
            break
        name = present.pop(weakest).name
        reason = "its scale factor does not stand out of its error"
        candidates = tuple(
            replace(one, present=False, verdict=reason) if one.name == name else one
            for one in candidates
        )
        by_structure = rietveld(seen.pattern, tuple(present), seen.radiation, plan)
    found = tuple(by_structure.phase(number) for number in range(len(present)))
    free = replace(plan.freedom, displacement_B=False, shift_start=by_structure.value("shift"))
    try:
        by_height = pawley(seen.pattern, found, seen.radiation, replace(plan, freedom=free))
    except NotConverged:
        return (by_structure,), candidates
    return (by_structure, by_height), candidates


def _plan(seen: _Seen, start: float) -> Plan:
    shift: str = seen.settings.shift
    tube = not seen.radiation.neutrons and anode_of(seen.radiation.wavelength_A) is not None
    if shift == "auto":
        shift = "displacement" if tube else "zero"
    drawn_out = tube if seen.settings.asymmetry == "auto" else seen.settings.asymmetry == "yes"
    held = (seen.settings.standard,) if seen.settings.standard in STANDARDS else ()
    freedom = Freedom(shift=shift, asymmetry=drawn_out, held_lattices=held, shift_start=start)
    return Plan(freedom, background_terms(seen.pattern, seen.peaks), start_widths(seen.peaks))


def _not_needed(refinement: Refinement) -> int | None:
    """Return the phase whose scale stands out least, if it does not stand out enough."""
    offset = len(refinement.refined.parameters)
    count = len(refinement.model.phases)
    errors = np.sqrt(np.diag(refinement.errors.covariance)[offset : offset + count])
    ratios = refinement.refined.coefficients[:count] / np.maximum(errors, 1e-300)
    weakest = int(ratios.argmin())
    return weakest if ratios[weakest] < _NEEDED_IN_ERRORS else None


def _result(
    measurement: Measurement,
    seen: _Seen,
    refinements: tuple[Refinement, ...],
    candidates: tuple[PhaseCandidate, ...],
) -> PowderPattern:
    shown = _shown(refinements, seen.settings.method)
    unindexed = _unindexed(seen, shown)
    doubts, remarks = _doubts(seen, refinements, unindexed)
    phases = judged_phases(refinements, shown, doubts)
    standard = _standard(seen.settings, {phase.name: phase.share for phase in phases})
    share, rule = _crystallinity(seen, shown)
    return PowderPattern(
        name=measurement.name or "pattern",
        pattern=pattern_picture(seen.pattern, shown, measurement.name),
        phases=phases,
        candidates=candidates,
        unindexed=tuple(float(angle) for angle in unindexed.angles),
        residuals={one.method: weighted_residual(one) for one in refinements},
        amorphous=_amorphous(seen, standard, bool(refinements)),
        crystalline={} if standard is None else dict(standard.crystalline),
        crystallinity=share,
        crystallinity_rule=rule,
        halo=first_halo(seen.pattern, seen.radiation, seen.peaks, _lines_of(shown)),
        shift=judged_shift(shown),
        wavelength_A=seen.radiation.wavelength_A,
        notes=tuple(
            note for note in (*measurement.notes, seen.radiation.note, *doubts, *remarks) if note
        ),
    )


def _shown(refinements: tuple[Refinement, ...], method: Method) -> Refinement | None:
    """Return the refinement whose lattices are told."""
    if len(refinements) < 2:
        return refinements[0] if refinements else None
    by_structure, by_height = refinements
    if method == "auto":
        several = len(by_structure.model.phases) > 1
        as_good = by_structure.misfit < _AS_GOOD * by_height.misfit
        return by_structure if several and as_good else by_height
    return by_structure if method == "Rietveld" else by_height


def _unindexed(seen: _Seen, shown: Refinement | None) -> Peaks:
    if shown is None:
        return seen.peaks
    near = np.zeros(len(seen.peaks), dtype=bool)
    moved = replace(seen.peaks, angles=seen.peaks.angles - _moved(shown, seen.peaks.angles))
    for number in range(len(shown.model.phases)):
        near |= explained(shown.phase(number), moved, seen.radiation)
    return seen.peaks.where(~near)


def _moved(shown: Refinement, angles: Floats) -> Floats:
    cosine = np.cos(np.radians(angles) / 2.0)
    factor = cosine if shown.model.freedom.shift == "displacement" else np.ones(len(angles))
    return np.asarray(shown.value("shift") * factor)


def _doubts(
    seen: _Seen, refinements: tuple[Refinement, ...], unindexed: Peaks
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return what casts doubt on the shares of a refinement, and what is only to be known."""
    if not refinements:
        return (), ()
    doubts: list[str] = []
    remarks: list[str] = []
    if len(unindexed):
        share = float(unindexed.areas.sum() / max(seen.peaks.areas.sum(), 1e-300))
        angles = ", ".join(f"{angle:.2f}" for angle in unindexed.angles[:12])
        note = f"{len(unindexed)} peaks with {share:.1%} of all area not explained: {angles}°"
        (doubts if share > _FOREIGN_SHARE else remarks).append(note)
    worst = refinements[0].misfit
    if worst > BAD_MISFIT:
        doubts.append(
            f"the structures leave {worst:.0%} of what stands above the background unexplained"
        )
    return tuple(doubts), tuple(remarks)


def _standard(settings: PowderSettings, shares: Mapping[str, Quantity]) -> InternalStandard | None:
    name, fraction = settings.standard, settings.standard_fraction
    if not name or fraction is None or name not in shares or len(shares) < 2:
        return None
    weighed = Quantity.normal(fraction, _WEIGHING_ERROR * fraction, "1")
    others = {key: share for key, share in shares.items() if key != name}
    if any(share.status == "refused" for share in shares.values()):
        return None
    return amorphous_fraction(weighed, shares[name], others)


def _amorphous(seen: _Seen, standard: InternalStandard | None, refined: bool) -> Quantity:
    if standard is not None:
        return standard.amorphous
    if seen.settings.standard:
        return Quantity.refused(
            "1", f"the standard {seen.settings.standard} and a phase beside it have to be found"
        )
    if len(seen.peaks) == 0:
        return Quantity(1.0, "1").provisional(
            "no Bragg peak stands out by six errors and 1 % of what is under it; crystallites of "
            "a few nanometres would not show"
        )
    del refined
    return Quantity.refused("1", "an amorphous share needs --standard and --standard-fraction")


def _lines_of(shown: Refinement | None) -> Floats | None:
    return None if shown is None else shown.refined.fitted - shown.refined.background


def _crystallinity(seen: _Seen, shown: Refinement | None) -> tuple[Quantity, str]:
    if len(seen.peaks) == 0:
        share = Quantity(0.0, "1", note="peaks of 1 % of what is under them would be seen")
        return share, "search for Bragg peaks"
    if shown is None:
        return _clipped(seen)
    rule = "area of the refined lines over the whole area, background included"
    x = shown.pattern.x
    lines = float(np.trapezoid(shown.refined.fitted - shown.refined.background, x))
    whole = float(np.trapezoid(shown.pattern.y.real, x))
    share = Quantity(min(1.0, max(0.0, lines / whole)), "1")
    return share.provisional("a share of scattering; air and holder count as not crystalline"), rule


def _clipped(seen: _Seen) -> tuple[Quantity, str]:
    """Return the crystallinity by clipping peaks from a pattern in which no phase was refined."""
    x = np.linspace(*seen.ends, len(seen.pattern))
    even = replace(seen.pattern, x=x, y=np.interp(x, seen.pattern.x, seen.pattern.y.real))
    try:
        found = crystallinity(even, widest_peak=_FOOT_IN_WIDTHS * float(seen.peaks.widths.max()))
    except InputError as fault:
        return Quantity.refused("1", fault.message()), "area above the clipped pattern"
    if not 0.0 <= found.share.value <= 1.0:
        reason = f"the area above the clipped pattern is {found.share.value:.2f} of the whole"
        return Quantity.refused("1", reason), found.rule
    return found.share.provisional(
        "no phase was refined; air counts as not crystalline"
    ), found.rule
