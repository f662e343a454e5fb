"""Ion transport from one trajectory: diffusivities, two conductivities, Haven ratio, transference.

Every number carries a 95 % interval from the scatter of independent low-frequency modes (see
``observe/motion/low_frequency.py``), or is refused where the ions did not move far enough.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from vitrolyte.data.curve import CurveSet
from vitrolyte.data.errors import InputError
from vitrolyte.data.observation import Observation, Sample, computed
from vitrolyte.data.quantity import Quantity
from vitrolyte.data.result import Result
from vitrolyte.data.trajectory import Trajectory
from vitrolyte.observe.motion.currents import Currents
from vitrolyte.observe.motion.displacement import Displacements, Reading, mean_square_displacement
from vitrolyte.observe.motion.displacement_curves import (
    CRITERION,
    exponent,
    msd_curves,
    msd_quantity,
    windows,
)
from vitrolyte.observe.motion.judgement import Limits
from vitrolyte.observe.motion.onsager import distinct_conductivity, haven_ratios, onsager
from vitrolyte.observe.motion.tracers import Tracer, tracer

TRACER = "tracer (Nernst-Einstein)"
COLLECTIVE = "collective"
CITATIONS = (
    "https://doi.org/10.1051/sfn/201112010",
    "https://doi.org/10.1103/PhysRevE.89.022726",
    "https://doi.org/10.1007/BF02590998",
)


@dataclass(frozen=True)
class TransportSettings:
    """What decides about a transport analysis.

    Attributes
    ----------
    reading
        Frame of reference and memory.
    limits
        When a number is refused or provisional.
    """

    reading: Reading = field(default_factory=Reading)
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True, eq=False)
class Transport(Result):
    """Transport of ions in one trajectory.

    Attributes
    ----------
    temperature_K, duration_ps, frame
        State, length of the run and frame of reference of the displacements.
    tracer_diffusivity, mean_square_displacement, exponent
        By species: D, cm²/s; MSD at half of the run, Å²; logarithmic slope of the MSD.
    partial_conductivity
        By species: Nernst–Einstein conductivity of its ions, S/cm.
    tracer_conductivity, collective_conductivity
        Of all ions, S/cm.
    charge_diffusivity
        σ k T V / Σ N z² e², cm²/s.
    haven_ratio
        Tracer over collective conductivity.
    tracer_transference, collective_transference
        By species; they add up to one.
    onsager
        Collective conductivity by pairs of species (``Li-Cl``), S/cm; they add up to the whole
        when each unlike pair counts twice.
    distinct_conductivity
        By species: what different ions of the species add to its own element of that matrix, S/cm;
        the self part is the partial conductivity.
    species_haven_ratio
        By species: self part over the whole of its own element.
    windows
        By species that diffuses: the lags from which and up to which the diffusivity is known, ps.
    criterion
        How these windows were chosen.
    curves
        MSD of each species, with the window on which the diffusivities rest.
    """

    temperature_K: float
    duration_ps: float
    frame: str
    tracer_diffusivity: Mapping[str, Quantity]
    mean_square_displacement: Mapping[str, Quantity]
    exponent: Mapping[str, Quantity]
    partial_conductivity: Mapping[str, Quantity]
    tracer_conductivity: Quantity
    collective_conductivity: Quantity
    charge_diffusivity: Quantity
    haven_ratio: Quantity
    tracer_transference: Mapping[str, Quantity]
    collective_transference: Mapping[str, Quantity]
    onsager: Mapping[str, Quantity]
    distinct_conductivity: Mapping[str, Quantity]
    species_haven_ratio: Mapping[str, Quantity]
    windows: Mapping[str, tuple[float, float]]
    criterion: str
    curves: CurveSet

    def observations(self, sample: Sample) -> tuple[Observation, ...]:
        """Return the rows of all quantities, tracer and collective ones named as such."""
        whole = (
            computed(sample, "ionic_conductivity", self.tracer_conductivity, method=TRACER),
            computed(sample, "ionic_conductivity", self.collective_conductivity, method=COLLECTIVE),
            computed(sample, "charge_diffusivity", self.charge_diffusivity, method=COLLECTIVE),
            computed(sample, "haven_ratio", self.haven_ratio, method="tracer over collective"),
        )
        by_species = (
            ("mean_square_displacement", self.mean_square_displacement, "all time origins"),
            ("tracer_diffusivity", self.tracer_diffusivity, "tracer"),
            ("ionic_conductivity", self.partial_conductivity, TRACER),
            ("transference_number", self.tracer_transference, TRACER),
            ("transference_number", self.collective_transference, COLLECTIVE),
            ("ionic_conductivity", self.onsager, "collective (pair of species)"),
            ("ionic_conductivity", self.distinct_conductivity, "distinct ions of one species"),
            ("haven_ratio", self.species_haven_ratio, "tracer over collective, this species alone"),
        )
        rows = tuple(
            computed(sample, word, number, of=of, method=method)
            for word, numbers, method in by_species
            for of, number in numbers.items()
        )
        return whole + rows


def transport(
    trajectory: Trajectory,
    charges: Mapping[str, float],
    *,
    temperature_K: float,
    settings: TransportSettings | None = None,
) -> Transport:
    r"""Return the transport coefficients of the ions of one trajectory.

    .. math::
        D = \lim \frac{\mathrm{MSD}}{6t}, \quad
        \sigma_{NE} = \frac{e^2}{V k T} \sum_i z_i^2 D_i, \quad
        \sigma = \frac{e^2}{V k T} \sum_{ab} z_a z_b L_{ab}, \quad
        L_{ab} = \lim \frac{\langle \Delta R_a \cdot \Delta R_b \rangle}{6t}, \quad
        t_a = \frac{\sum_b z_a z_b L_{ab}}{\sum_{cd} z_c z_d L_{cd}}

    Parameters
    ----------
    trajectory
        Unwrapped positions at equally spaced times; the cell may fluctuate and be triclinic.
    charges
        Formal charge of each mobile or framework species, e. The charge current does not depend
        on the frame of reference when they add up to zero; transference numbers always do, and
        hold here for the frame in ``settings.reading``.
    temperature_K
        Temperature for the Nernst–Einstein relation, K.

    Raises
    ------
    InputError
        If no species is charged, a species is unknown, the temperature is not positive, or the
        frames are too few or unequally spaced.

    References
    ----------
    Fong, Self, McCloskey & Persson, Macromolecules 54, 2575 (2021),
    https://doi.org/10.1021/acs.macromol.0c02545 (Onsager matrix and frames).
    """
    settings = settings or TransportSettings()
    _check(charges, temperature_K)
    trajectory.indices(*charges)
    moved = mean_square_displacement(trajectory, reading=settings.reading)
    return transport_of(moved, charges, temperature_K=temperature_K, limits=settings.limits)


def transport_of(
    moved: Displacements,
    charges: Mapping[str, float],
    *,
    temperature_K: float,
    limits: Limits | None = None,
) -> Transport:
    """Return the transport coefficients from displacements that were read before.

    Raises
    ------
    InputError
        If no species is charged or the temperature is not positive.
    """
    _check(charges, temperature_K)
    if unknown := [name for name in charges if name not in moved.species]:
        raise InputError(
            "Charges belong to species whose displacements are known",
            received=f"{unknown}, known are {list(moved.species)}",
        )
    limits = limits or Limits()
    tracers = {name: tracer(moved, name, limits) for name in moved.species}
    currents = Currents(moved, dict(charges), temperature_K, limits, tracers)
    mobile = _window_species(tracers, charges)
    return Transport(
        temperature_K=temperature_K,
        duration_ps=moved.duration_ps,
        frame=moved.frame,
        tracer_diffusivity={name: one.quantity for name, one in tracers.items()},
        mean_square_displacement={name: msd_quantity(moved, tracers[name]) for name in tracers},
        exponent={name: exponent(moved, one) for name, one in tracers.items()},
        partial_conductivity=currents.partial_conductivity(),
        tracer_conductivity=currents.tracer_conductivity(),
        collective_conductivity=currents.collective_conductivity(),
        charge_diffusivity=currents.charge_diffusivity(),
        haven_ratio=currents.haven_ratio(),
        tracer_transference=currents.tracer_transference(),
        collective_transference=currents.collective_transference(),
        onsager=onsager(currents),
        distinct_conductivity=distinct_conductivity(currents),
        species_haven_ratio=haven_ratios(currents),
        windows=windows(moved, tracers),
        criterion=CRITERION,
        curves=msd_curves(moved, tracers, mobile),
    )


def _check(charges: Mapping[str, float], temperature_K: float) -> None:
    if not any(charges.values()):
        raise InputError(
            "A conductivity needs the formal charge of each ion",
            received=f"{dict(charges)}",
            remedy="give charges such as Li=1, O=-2, Cl=-1",
        )
    if not temperature_K > 0:
        raise InputError(
            "A conductivity needs a temperature above 0 K", received=f"{temperature_K} K"
        )


def _window_species(tracers: Mapping[str, Tracer], charges: Mapping[str, float]) -> str:
    """Return the charged species that diffuses fastest; its window is shown."""
    return max((name for name, z in charges.items() if z), key=lambda name: tracers[name].reach)
