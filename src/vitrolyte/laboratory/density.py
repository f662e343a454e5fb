"""Density from weighings, dimensions, pycnometers and liquids, with honest intervals."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import special

from vitrolyte.data.curve import Axis, Curve, CurveSet
from vitrolyte.data.errors import InputError
from vitrolyte.data.model import Floats
from vitrolyte.data.observation import Observation, Sample, measured
from vitrolyte.data.quantity import NORMAL_95, Quantity
from vitrolyte.data.result import Result
from vitrolyte.data.weighing import (
    Dimensions,
    Fillings,
    FloatTests,
    GasCycles,
    GasExpansions,
    Immersions,
    Readings,
)
from vitrolyte.laboratory.pycnometer import (
    PycnometerVolumes,
    known_error,
    student_mean,
    water_density,
)

CITATIONS = ("10.1088/0026-1394/38/4/3",)
_NO_REFERENCE = "no reference density was given"
_LEAST, _MOST = 0.3, 25.0
"""Densities of condensed matter, g/cm³."""


@dataclass(frozen=True)
class DensitySettings:
    """What is known beside the readings.

    Attributes
    ----------
    liquid
        Density of the liquid, g/cm³; None for water at the temperature of the table.
    gas_g_per_cm3
        Density of the gas about the balance.
    mass
        Mass of the sample, g, where the table has none.
    mass_error_g, length_error_cm, liquid_error_g_per_cm3
        Standard errors that all readings share: balance, calliper, liquids of a float test.
    volumes
        Of a gas pycnometer.
    reference
        Density of the crystal, or of the dense material, g/cm³.
    """

    liquid: Quantity | None = None
    gas_g_per_cm3: float = 0.0012041
    mass: Quantity | None = None
    mass_error_g: float = 0.0
    length_error_cm: float = 0.0
    liquid_error_g_per_cm3: float = 0.0
    volumes: PycnometerVolumes | None = None
    reference: Quantity | None = None

    def __post_init__(self) -> None:
        errors = (self.mass_error_g, self.length_error_cm, self.liquid_error_g_per_cm3)
        if min(*errors, self.gas_g_per_cm3) < 0:
            raise InputError("Errors and densities are not below zero", received=f"{errors}")


@dataclass(frozen=True, eq=False)
class MeasuredDensity(Result):
    """Density of one sample.

    Attributes
    ----------
    density
        g/cm³.
    relative
        Over the reference; refused without one.
    porosity
        1 less that, for a pellet measured by its dimensions; refused otherwise.
    method
        How it was measured, and how often.
    readings
        The density of each repetition, g/cm³; empty for a float test.
    curves
        The same in order, with the mean.
    """

    density: Quantity
    relative: Quantity
    porosity: Quantity
    method: str
    readings: tuple[float, ...]
    curves: CurveSet

    def noted(self, notes: Sequence[str]) -> MeasuredDensity:
        """Return the same with notes on the density; none of them is a doubt."""
        note = "; ".join(filter(None, (self.density.note, *notes)))
        return replace(self, density=replace(self.density, note=note))

    def observations(self, sample: Sample) -> tuple[Observation, ...]:
        """Return density, relative density and porosity."""
        rows = [measured(sample, "density", self.density, method=self.method)]
        pellet = self.method.startswith("dimensions")
        word = "relative_density" if pellet else "density_ratio"
        named = [(word, self.relative)] + ([("porosity", self.porosity)] if pellet else [])
        for name, number in named:
            if number.note != _NO_REFERENCE:
                rows.append(measured(sample, name, number, method=self.method))
        return tuple(rows)


def measured_density(
    readings: Readings,
    settings: DensitySettings = DensitySettings(),
    *,
    mass_g: Floats | None = None,
) -> MeasuredDensity:
    r"""Return the density of a sample from repeated readings.

    The mean over n repetitions has the error :math:`s/\sqrt n` and Student's t; errors that all
    repetitions share (balance, calliper, liquid, volumes) are added in quadrature with normal
    ones, the degrees of freedom after Welch and Satterthwaite. A float test gives the bracket
    between the densest liquid in which the sample sank and the lightest in which it floated.

    Parameters
    ----------
    mass_g
        (n,), the sample's mass where a pycnometer needs it and the settings do not have it.

    Raises
    ------
    InputError
        If something that the way needs is missing, or readings contradict each other.
    """
    if isinstance(readings, FloatTests):
        density = _bracket(readings, settings)
        return _result(density, f"sink-float, {len(readings.behaviour)} liquids", (), settings)
    name, forward, values, shared = _way(readings, settings, mass_g)
    each = np.asarray(forward(values))
    number = _judged(_mean(each, _parts(forward, values, shared)))
    method = f"{name}, n = {len(each)}"
    return _result(number, method, tuple(float(one) for one in each), settings)


Values = dict[str, Floats]
Way = tuple[str, Callable[[Values], Floats], Values, dict[str, float]]
"""Name, density of each repetition by the numbers it needs, these, and their shared errors."""


def _way(readings: Readings, settings: DensitySettings, mass_g: Floats | None) -> Way:
    if isinstance(readings, Dimensions):
        return _dimensions(readings, settings)
    if isinstance(readings, Immersions):
        return _archimedes(readings, settings)
    if isinstance(readings, Fillings):
        return _bottle(readings, settings)
    mass, error = _mass(settings, mass_g)
    if isinstance(readings, GasCycles):
        values = {"mass": mass, "volume": readings.volume_cm3}
        return "gas pycnometer", lambda v: v["mass"] / v["volume"], values, {"mass": error}
    if isinstance(readings, GasExpansions):
        return _gas(readings, settings, (mass, error))
    raise InputError("A way to a density is needed", received=type(readings).__name__)


def _dimensions(readings: Dimensions, settings: DensitySettings) -> Way:
    def density(v: Values) -> Floats:
        return 4.0 * v["mass"] / (np.pi * v["diameter"] ** 2 * v["thickness"])

    values = {
        "mass": readings.mass_g,
        "thickness": readings.thickness_cm,
        "diameter": readings.diameter_cm,
    }
    length = settings.length_error_cm
    shared = {"mass": settings.mass_error_g, "thickness": length, "diameter": length}
    return "dimensions and mass", density, values, shared


def _archimedes(readings: Immersions, settings: DensitySettings) -> Way:
    r"""Return Archimedes' way, the buoyancy in the gas included.

    .. math:: \rho = \frac{W_a}{W_a - W_l} (\rho_l - \rho_a) + \rho_a
    """
    if np.any(readings.in_liquid_g >= readings.in_air_g):
        raise InputError(
            "A sample weighs less in a liquid than in air",
            received="a reading in the liquid that is not below the one in air",
            remedy="exchange the columns, or mend the reading",
        )

    def density(v: Values) -> Floats:
        share = v["in air"] / (v["in air"] - v["in liquid"])
        return share * (v["liquid"] - v["gas"]) + v["gas"]

    count = len(readings.in_air_g)
    liquid, error, name = _liquid(settings, readings.liquid_K)
    values = {
        "in air": readings.in_air_g,
        "in liquid": readings.in_liquid_g,
        "liquid": np.broadcast_to(liquid, count).astype(float),
        "gas": np.full(count, settings.gas_g_per_cm3),
    }
    balance = settings.mass_error_g
    shared = {"in air": balance, "in liquid": balance, "liquid": error}
    return f"Archimedes in {name}", density, values, shared


def _bottle(readings: Fillings, settings: DensitySettings) -> Way:
    def density(v: Values) -> Floats:
        sample = v["with sample"] - v["empty"]
        displaced = (v["with liquid"] - v["empty"]) - (v["both"] - v["with sample"])
        return (v["liquid"] - v["gas"]) * sample / displaced + v["gas"]

    sample = readings.with_sample_g - readings.empty_g
    displaced = readings.with_liquid_g - readings.empty_g - readings.with_both_g
    if np.any(sample <= 0) or np.any(displaced + readings.with_sample_g <= 0):
        raise InputError(
            "A pycnometer is heavier with the sample than without it, and the sample displaces "
            "liquid",
            received="masses that say otherwise",
        )
    count = len(readings.empty_g)
    liquid, error, name = _liquid(settings, np.full(count, 293.15))
    values = {
        "empty": readings.empty_g,
        "with sample": readings.with_sample_g,
        "both": readings.with_both_g,
        "with liquid": readings.with_liquid_g,
        "liquid": np.broadcast_to(liquid, count).astype(float),
        "gas": np.full(count, settings.gas_g_per_cm3),
    }
    return f"liquid pycnometer, {name}", density, values, {"liquid": error}


def _gas(readings: GasExpansions, settings: DensitySettings, mass: tuple[Floats, float]) -> Way:
    r"""Return the way of a gas pycnometer that fills the cell and expands.

    .. math:: V = V_{cell} - \frac{V_{exp}}{p_1/p_2 - 1}
    """
    if settings.volumes is None:
        raise InputError(
            "Pressures of a gas pycnometer need the volumes of its cell and of its expansion",
            received="none",
            remedy="give --cell-cm3 and --expansion-cm3, from a calibration",
        )
    if np.any(readings.before <= readings.after):
        raise InputError(
            "The pressure of a gas pycnometer falls in the expansion",
            received="a second pressure that is not below the first",
        )

    def density(v: Values) -> Floats:
        volume = v["cell"] - v["expansion"] / (v["before"] / v["after"] - 1.0)
        return np.where(volume > 0, v["mass"] / np.where(volume > 0, volume, 1.0), np.nan)

    count = len(readings.before)
    cell, expansion = settings.volumes.cell_cm3, settings.volumes.expansion_cm3
    values = {
        "mass": mass[0],
        "before": readings.before,
        "after": readings.after,
        "cell": np.full(count, cell.value),
        "expansion": np.full(count, expansion.value),
    }
    shared = {"mass": mass[1], "cell": known_error(cell), "expansion": known_error(expansion)}
    return "gas pycnometer", density, values, shared


def _liquid(settings: DensitySettings, kelvin: Floats) -> tuple[Floats, float, str]:
    """Return density, error and name of a liquid."""
    if settings.liquid is None:
        return water_density(kelvin), 1e-6, "water"
    value = settings.liquid.value
    return np.array([value]), known_error(settings.liquid), f"a liquid of {value:g} g/cm³"


def _mass(settings: DensitySettings, mass_g: Floats | None) -> tuple[Floats, float]:
    if mass_g is not None and len(mass_g):
        return mass_g, settings.mass_error_g
    if settings.mass is None:
        raise InputError(
            "A gas pycnometer gives a volume; a density needs the mass of the sample",
            received="neither the file nor an option says it",
            remedy="add a column 'mass (g)', or give --mass-g",
        )
    return np.array([settings.mass.value]), float(
        np.hypot(known_error(settings.mass), settings.mass_error_g)
    )


def _parts(
    forward: Callable[[Values], Floats], values: Values, shared: dict[str, float]
) -> list[float]:
    """Return the error of the mean density by each number that all repetitions share."""
    parts = []
    for name, error in shared.items():
        if error > 0:
            ends = [
                float(np.mean(forward(values | {name: values[name] + sign * error})))
                for sign in (-0.5, 0.5)
            ]
            parts.append(abs(ends[1] - ends[0]))
    return parts


def _mean(each: Floats, parts: list[float]) -> Quantity:
    """Return the mean of repetitions with the error of their scatter and the shared ones."""
    if not np.all(np.isfinite(each)):
        return Quantity.refused("g/cm³", "a repetition gives no volume above zero")
    count, mean = len(each), float(np.mean(each))
    shared = float(np.sqrt(np.sum(np.square(parts)))) if parts else 0.0
    if count == 1 and shared == 0.0:
        return Quantity(mean, "g/cm³").provisional("one reading without an error: no interval")
    scatter = student_mean(each)[1]
    error = float(np.hypot(scatter, shared))
    if error == 0.0:
        return Quantity(mean, "g/cm³").provisional("the readings do not differ: no interval")
    freedom = (count - 1) * (error / scatter) ** 4 if scatter > 0 else np.inf
    half = error * (float(special.stdtrit(freedom, 0.975)) if freedom < 1e6 else NORMAL_95)
    number = Quantity(mean, "g/cm³", error, mean - half, mean + half)
    if count == 1:
        return number.provisional("one reading: its own scatter is not known")
    return number if count > 2 else number.provisional("two readings: the scatter is hardly known")


def _judged(density: Quantity) -> Quantity:
    if density.status != "refused" and not _LEAST < density.value < _MOST:
        return density.provisional(
            f"{density.value:.3g} g/cm³ is no density of a solid: are the units right"
        )
    return density


def _bracket(tests: FloatTests, settings: DensitySettings) -> Quantity:
    """Return the interval between liquids in which a sample sank and floated."""
    liquids, behaviour = tests.liquid_g_per_cm3, np.array(tests.behaviour)
    hovering = liquids[behaviour == 0]
    sank = liquids[behaviour == -1].max(initial=-np.inf)
    floated = liquids[behaviour == 1].min(initial=np.inf)
    within = 2.0 * settings.liquid_error_g_per_cm3
    if sank > floated + within or np.any(
        (hovering < sank - within) | (hovering > floated + within)
    ):
        raise InputError(
            "A sample sinks in liquids that are lighter than those in which it floats",
            received=f"it sank at {sank:g} and floated at {floated:g} g/cm³",
        )
    error = settings.liquid_error_g_per_cm3
    if len(hovering):
        low, high = float(hovering.min()), float(hovering.max())
    else:
        low, high = float(sank), float(floated)
    if not (np.isfinite(low) and np.isfinite(high)):
        known = f"above {low:g}" if np.isfinite(low) else f"below {high:g}"
        return Quantity.refused("g/cm³", f"no bracket: the density lies {known} g/cm³")
    spread = float(np.hypot((high - low) / np.sqrt(12.0), error))
    reach = NORMAL_95 * error
    number = Quantity(0.5 * (low + high), "g/cm³", spread, low - reach, high + reach)
    if error == 0.0:
        note = "the interval is the bracket of the liquids, taken as exact"
        number = replace(number, note=note)
        if low == high:
            number = Quantity(low, "g/cm³").provisional("hovers in one liquid: no interval")
    return _judged(number)


def _result(
    density: Quantity, method: str, each: tuple[float, ...], settings: DensitySettings
) -> MeasuredDensity:
    relative = _relative(density, settings.reference)
    return MeasuredDensity(
        density, relative, _porosity(relative), method, each, _picture(density, each)
    )


def _relative(density: Quantity, reference: Quantity | None) -> Quantity:
    if reference is None:
        return Quantity.refused("1", _NO_REFERENCE)
    if density.status == "refused":
        return Quantity.refused("1", density.note)
    ratio = density.value / reference.value
    shared = known_error(reference) / reference.value
    own = density.error / density.value if density.error > 0 else 0.0
    ends = [
        ratio
        + float(np.sign(end - density.value))
        * float(np.hypot((end - density.value) / reference.value, NORMAL_95 * shared * ratio))
        for end in (density.low, density.high)
    ]
    error = ratio * float(np.hypot(own, shared)) if own else float("nan")
    number = replace(density, value=ratio, unit="1", error=error, low=ends[0], high=ends[1])
    if number.low > 1.0:
        number = number.provisional("denser than the reference: is it the right one")
    return number


def _porosity(relative: Quantity) -> Quantity:
    if relative.status == "refused":
        return relative
    return replace(
        relative, value=1.0 - relative.value, low=1.0 - relative.high, high=1.0 - relative.low
    )


def _picture(density: Quantity, each: tuple[float, ...]) -> CurveSet:
    axes = Axis("repetition", "1"), Axis("density", "g/cm³")
    if not each:
        ends = np.array([density.low, density.high])
        return CurveSet("Density", (Curve(np.array([0.0, 1.0]), ends, *axes, label="bracket"),))
    x = np.arange(1.0, len(each) + 1.0)
    shown = Curve(x, np.array(each), *axes, label="readings")
    if density.status == "refused":
        return CurveSet("Density", (shown,), points=("readings",))
    level, error = np.full(2, density.value), np.full(2, density.error)
    line = Curve(np.array([0.5, len(each) + 0.5]), level, *axes, error, "mean")
    return CurveSet("Density", (shown, line), points=("readings",))
