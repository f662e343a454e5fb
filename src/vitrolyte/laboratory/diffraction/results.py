"""What a powder pattern says of a sample."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from vitrolyte.data.curve import CurveSet
from vitrolyte.data.observation import Observation, Sample, measured
from vitrolyte.data.quantity import Quantity
from vitrolyte.data.result import Result
from vitrolyte.laboratory.diffraction.halo import Halo

_LENGTHS = ("a", "b", "c")


@dataclass(frozen=True, eq=False)
class PowderPhase(Result):
    """A crystalline phase that was found.

    Attributes
    ----------
    name, space_group
        Of the structure that was given.
    lattice
        The free cell parameters, a, b, c in Å and alpha, beta, gamma in degrees.
    lattice_method
        How they were refined.
    share
        Mass share among the crystalline phases.
    size, strain
        Crystallite size (nm) and relative spread of the lattice, from the widths.
    displacement_B
        By how much B of all atoms is above that of the structure, Å².
    """

    name: str
    space_group: str
    lattice: Mapping[str, Quantity]
    lattice_method: str
    share: Quantity
    size: Quantity
    strain: Quantity
    displacement_B: Quantity

    def observations(self, sample: Sample) -> tuple[Observation, ...]:
        """Return lattice, share, size and strain; the phase stands in the column of the phase."""
        own = replace(sample, phase=self.name)
        rows = [
            measured(
                own,
                "lattice_parameter" if name in _LENGTHS else "lattice_angle",
                number,
                of=name,
                method=self.lattice_method,
            )
            for name, number in self.lattice.items()
        ]
        method = "Rietveld, share of the crystalline mass"
        rows.append(measured(sample, "phase_fraction", self.share, of=self.name, method=method))
        rows.append(measured(own, "grain_size", self.size, method="Scherrer, K = 0.9"))
        rows.append(measured(own, "lattice_strain", self.strain, method="width with tan(theta)"))
        return tuple(rows)


@dataclass(frozen=True, eq=False)
class PhaseCandidate(Result):
    """A given phase and how well it explains the peaks.

    Attributes
    ----------
    name
        Of the structure.
    merit
        ``-log10`` of the probability that a lattice without meaning does as well.
    found_share
        Share of its strong lines that have a peak.
    present
        Whether it was taken to be in the sample.
    verdict
        Why, in words.
    """

    name: str
    merit: float
    found_share: float
    present: bool
    verdict: str

    def observations(self, sample: Sample) -> tuple[Observation, ...]:
        """Return a refused share where the phase was not found."""
        if self.present:
            return ()
        share = Quantity.refused("1", self.verdict)
        return (measured(sample, "phase_fraction", share, of=self.name, method="peak search"),)


@dataclass(frozen=True, eq=False)
class PowderPattern(Result):
    """A measured powder pattern, what is in it and how well that describes it.

    Attributes
    ----------
    name
        File and part.
    pattern
        Measured, fitted, background, difference, and ticks of each phase.
    phases
        Those found, the strongest first.
    candidates
        All given ones, the best first.
    unindexed
        Angles of peaks that no phase explains, degrees.
    residuals
        ``refinement_Rwp`` by method.
    amorphous
        Mass share that is not crystalline.
    crystalline
        Mass shares of the whole sample, where a standard was weighed in.
    crystallinity
        Share of the scattering that stands in Bragg peaks.
    crystallinity_rule
        By which rule.
    halo
        The first halo.
    shift
        Displacement or zero shift, degrees.
    wavelength_A
        First wavelength.
    notes
        What had to be assumed, and what a reader should know.
    """

    name: str
    pattern: CurveSet
    phases: tuple[PowderPhase, ...]
    candidates: tuple[PhaseCandidate, ...]
    unindexed: tuple[float, ...]
    residuals: Mapping[str, Quantity]
    amorphous: Quantity
    crystalline: Mapping[str, Quantity]
    crystallinity: Quantity
    crystallinity_rule: str
    halo: Halo
    shift: Quantity
    wavelength_A: float
    notes: tuple[str, ...]

    def observations(self, sample: Sample) -> tuple[Observation, ...]:
        """Return the rows of the pattern, of each phase and of the halo."""
        rows: list[Observation] = []
        for result in (*self.phases, *self.candidates):
            rows += result.observations(sample)
        for method, number in self.residuals.items():
            rows.append(measured(sample, "refinement_Rwp", number, of=self.name, method=method))
        rows.append(
            measured(sample, "amorphous_fraction", self.amorphous, method=self._amorphous_method)
        )
        for name, share in self.crystalline.items():
            method = "internal standard, mass share of the sample"
            rows.append(measured(sample, "phase_fraction", share, of=name, method=method))
        rows.append(
            measured(sample, "crystallinity", self.crystallinity, method=self.crystallinity_rule)
        )
        if not self.phases or self.halo.position.status != "refused":
            rows += self.halo.observations(sample)
        return tuple(rows)

    @property
    def _amorphous_method(self) -> str:
        return "internal standard" if self.crystalline else "search for Bragg peaks"
