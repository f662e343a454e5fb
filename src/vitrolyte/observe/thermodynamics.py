"""Density, volume and enthalpy, with the errors of correlated series."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vitrolyte.data.curve import Axis, Curve, CurveSet
from vitrolyte.data.elements import masses
from vitrolyte.data.errors import InputError
from vitrolyte.data.observation import Observation, Sample, computed
from vitrolyte.data.quantity import Quantity
from vitrolyte.data.result import Result
from vitrolyte.data.trajectory import Trajectory
from vitrolyte.data.units import U_PER_A3_TO_G_PER_CM3
from vitrolyte.matter.composition import composition_of, parse_formula
from vitrolyte.observe.blocks import block_mean, stationary_average

Floats = NDArray[np.float64]
CITATIONS = ("10.1063/1.457480",)
_T = Axis("temperature", "K")


@dataclass(frozen=True, eq=False)
class Density(Result):
    """How densely a material is packed.

    Attributes
    ----------
    density
        g/cm³.
    volume_per_formula_unit
        Å³; the volume that holds the mass of one formula unit.
    formula
        What one unit is.
    volume
        Volume per formula unit against time.
    """

    density: Quantity
    volume_per_formula_unit: Quantity
    formula: str
    volume: CurveSet

    def observations(self, sample: Sample) -> tuple[Observation, ...]:
        """Return the rows of density and volume per formula unit."""
        method = "mean over the run, error from block averages"
        return (
            computed(sample, "density", self.density, method=method),
            computed(
                sample,
                "volume_per_formula_unit",
                self.volume_per_formula_unit,
                of=self.formula,
                method=method,
            ),
        )


def density(trajectory: Trajectory, formula: str | None = None) -> Density:
    """Return the density of a run at constant temperature and pressure.

    Parameters
    ----------
    trajectory
        Equal time steps; only its cells are used.
    formula
        What one formula unit is; without it the reduced composition.

    Raises
    ------
    InputError
        If the formula is impossible.
    """
    composition = parse_formula(formula) if formula else composition_of(trajectory)
    units = float(masses(trajectory.species).sum()) / composition.mass_u
    volumes = trajectory.volumes / units
    curve = Curve(
        trajectory.times,
        volumes,
        Axis("time", "ps"),
        Axis("volume per formula unit", "Å³"),
        label=composition.formula,
    )
    return Density(
        density=stationary_average(composition.mass_u * U_PER_A3_TO_G_PER_CM3 / volumes, "g/cm³"),
        volume_per_formula_unit=stationary_average(volumes, "Å³"),
        formula=composition.formula,
        volume=CurveSet("Volume", (curve,)),
    )


@dataclass(frozen=True, eq=False)
class VolumeExpansion(Result):
    """How much more room a glass takes than its crystal at the same temperature.

    Attributes
    ----------
    expansion
        ``V_glass / V_crystal - 1``.
    density_ratio
        ``rho_glass / rho_crystal``.
    """

    expansion: Quantity
    density_ratio: Quantity

    def observations(self, sample: Sample) -> tuple[Observation, ...]:
        """Return the rows of the expansion and of the density ratio."""
        method = "glass against crystal at the same temperature"
        return (
            computed(sample, "volume_expansion", self.expansion, method=method),
            computed(sample, "density_ratio", self.density_ratio, method=method),
        )


def volume_expansion(glass: Quantity, crystal: Quantity) -> VolumeExpansion:
    """Return the expansion of a glass against its crystal with the error of both.

    Parameters
    ----------
    glass, crystal
        Volume per formula unit, Å³, or densities, g/cm³, at the same temperature and pressure;
        from one run each or pooled from replicas.

    Raises
    ------
    InputError
        If the units differ or are neither of these.
    """
    if glass.unit != crystal.unit or glass.unit not in ("Å³", "g/cm³"):
        raise InputError(
            "An expansion compares two volumes in Å³ or two densities in g/cm³",
            received=f"{glass.unit} and {crystal.unit}",
        )
    over, under = (glass, crystal) if glass.unit == "Å³" else (crystal, glass)
    volume_ratio = quotient(over, under)
    return VolumeExpansion(expansion=_less_one(volume_ratio), density_ratio=quotient(under, over))


def quotient(over: Quantity, under: Quantity) -> Quantity:
    """Return the ratio of two independent quantities; each end of the interval is propagated.

    ``low = r - r sqrt[((x - x_low) / x)^2 + ((y_high - y) / y)^2]``, high likewise.
    """
    for number in (over, under):
        if number.status == "refused":
            return Quantity.refused("1", number.note)
    ratio = over.value / under.value

    def spread(x: float, y: float) -> float:
        return abs(ratio) * math.hypot(x / over.value, y / under.value)

    result = Quantity(
        ratio,
        "1",
        error=spread(over.error, under.error),
        low=ratio - spread(over.value - over.low, under.high - under.value),
        high=ratio + spread(over.high - over.value, under.value - under.low),
    )
    notes = [n.note for n in (over, under) if n.status == "provisional"]
    return result.provisional("; ".join(notes)) if notes else result


def _less_one(ratio: Quantity) -> Quantity:
    if ratio.status == "refused":
        return ratio
    return Quantity(
        ratio.value - 1.0,
        "1",
        error=ratio.error,
        low=ratio.low - 1.0,
        high=ratio.high - 1.0,
        status=ratio.status,
        note=ratio.note,
    )


@dataclass(frozen=True, eq=False)
class Cooling:
    """What an engine records along a quench, in order of time.

    Attributes
    ----------
    temperature_K, volume_A3, enthalpy_eV
        (n,), of the whole box.
    n_atoms
        Atoms in the box.
    formula_units
        Formula units in the box.
    """

    temperature_K: Floats
    volume_A3: Floats
    enthalpy_eV: Floats
    n_atoms: int
    formula_units: float


@dataclass(frozen=True, eq=False)
class QuenchCurves(Result):
    """Volume and enthalpy along a quench.

    Attributes
    ----------
    volume
        Volume per formula unit against temperature, with its standard error.
    enthalpy
        Enthalpy per atom against temperature, with its standard error.
    """

    volume: CurveSet
    enthalpy: CurveSet

    def observations(self, sample: Sample) -> tuple[Observation, ...]:  # noqa: ARG002
        """Return no row: the curves are compared as curves; a fit gives the glass transition."""
        return ()


def quench_curves(cooling: Cooling, *, points: int = 60) -> QuenchCurves:
    """Return volume and enthalpy against temperature, averaged over equal stretches of time.

    Parameters
    ----------
    cooling
        The engine's record.
    points
        Number of stretches.

    Raises
    ------
    InputError
        If the record is shorter than ten samples for each point or its columns differ in length.
    """
    lengths = {len(cooling.temperature_K), len(cooling.volume_A3), len(cooling.enthalpy_eV)}
    if len(lengths) != 1 or min(lengths) < 10 * points:
        raise InputError(
            f"A quench in {points} points needs columns of equal length, ten samples a point",
            received=f"lengths {sorted(lengths)}",
        )
    temperature = _stretches(cooling.temperature_K, points)[0]
    volume, volume_error = _stretches(cooling.volume_A3 / cooling.formula_units, points)
    enthalpy, enthalpy_error = _stretches(cooling.enthalpy_eV / cooling.n_atoms, points)
    per_unit = Axis("volume per formula unit", "Å³")
    per_atom = Axis("enthalpy per atom", "eV")
    return QuenchCurves(
        CurveSet(
            "Volume along the quench",
            (Curve(temperature, volume, _T, per_unit, y_error=volume_error, label="quench"),),
        ),
        CurveSet(
            "Enthalpy along the quench",
            (Curve(temperature, enthalpy, _T, per_atom, y_error=enthalpy_error, label="quench"),),
        ),
    )


def _stretches(values: Floats, points: int) -> tuple[Floats, Floats]:
    """Return the mean of each stretch and its error from the scatter about its own slope."""
    means, errors = [], []
    for part in np.array_split(np.asarray(values, dtype=float), points):
        order = np.arange(len(part)) - (len(part) - 1) / 2.0
        slope = (order @ part) / float(order @ order)
        means.append(part.mean())
        errors.append(block_mean(part - slope * order).error)
    return np.array(means), np.array(errors)


def glass_transition_curve(temperature_K: ArrayLike, parameters: ArrayLike) -> Floats:
    """Return volume or enthalpy through a glass transition: a hyperbola between two lines.

    ``y(T) = y0 + a (T - Tg) + b [ (T - Tg) / 2 + sqrt((T - Tg)^2 / 4 + w^2) ]``

    Far below Tg the slope is a, far above a + b; w is the half width of the bend.

    Parameters
    ----------
    temperature_K
        (n,), K.
    parameters
        (Tg in K, y0, a, b, w in K).

    References
    ----------
    Patrone et al., Polymer 87, 246 (2016), doi:10.1016/j.polymer.2016.01.074.
    """
    middle, level, glass, step, width = np.asarray(parameters, dtype=float)
    above = np.asarray(temperature_K, dtype=float) - middle
    bend = above / 2.0 + np.sqrt(above**2 / 4.0 + width**2)
    return np.asarray(level + glass * above + step * bend, dtype=float)
