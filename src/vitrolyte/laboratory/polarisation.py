"""Electronic conductivity from currents after steps of voltage, and how ionic the sample is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import special

from vitrolyte.data.curve import Axis, Curve, CurveSet
from vitrolyte.data.errors import InputError
from vitrolyte.data.measurement import Measurement
from vitrolyte.data.model import Floats, Model, Parameter
from vitrolyte.data.observation import Observation, Sample, measured
from vitrolyte.data.quantity import NORMAL_95, Quantity
from vitrolyte.data.result import Result
from vitrolyte.infer.fit import Fit, fit
from vitrolyte.laboratory.steady_current import SteadyCurrent, steady_current

CITATIONS = ("10.1214/aos/1176344136", "10.1016/0079-6786(75)90004-4")
_NO_TOTAL = "needs a total conductivity: give --total-conductivity-S-per-cm"
_FEWEST_FOR_LINE = 3
_CURVED = 0.01
_THICK_CM, _THIN_CM = 1.0, 1e-5
_VOLTAGE = Axis("voltage", "V")
_CURRENT = Axis("steady current", "A")


@dataclass(frozen=True)
class PolarisationSettings:
    """What is known of the sample beside its transients.

    Attributes
    ----------
    thickness_error_cm, area_error_cm2
        Standard errors of the geometry.
    total_conductivity
        S/cm, from impedance, for the ionic transference number.
    species
        The mobile ion.
    skip_s
        Beginning of each transient that is left out, s.
    """

    thickness_error_cm: float = 0.0
    area_error_cm2: float = 0.0
    total_conductivity: Quantity | None = None
    species: str = "Li"
    skip_s: float = 0.0

    def __post_init__(self) -> None:
        if min(self.thickness_error_cm, self.area_error_cm2, self.skip_s) < 0:
            raise InputError("Errors and times are not below zero", received=f"{self}")


@dataclass(frozen=True, eq=False)
class Polarisation(Result):
    """Electronic conductivity of one sample at one temperature.

    Attributes
    ----------
    transients
        One of each step.
    electronic
        Conductivity, S/cm, over all steps.
    resistance
        dV/dI of the steady currents, ohm.
    offset
        Current that the line of several voltages has at none, A; refused for fewer than three.
    ionic_share
        Ionic transference number; refused without a total conductivity.
    species
        The mobile ion.
    temperature_K
        NaN where it is not known.
    curves
        Steady currents against voltage with their line.
    """

    transients: tuple[SteadyCurrent, ...]
    electronic: Quantity
    resistance: Quantity
    offset: Quantity
    ionic_share: Quantity
    species: str
    temperature_K: float
    curves: CurveSet

    def observations(self, sample: Sample) -> tuple[Observation, ...]:
        """Return the electronic conductivity and the ionic transference number."""
        kelvin = None if np.isnan(self.temperature_K) else self.temperature_K
        at = replace(sample, temperature_K=kelvin)
        steps = len(self.transients)
        how = f"DC polarisation, {steps} step{'s' if steps > 1 else ''}"
        rows = [measured(at, "electronic_conductivity", self.electronic, method=how)]
        if self.ionic_share.note != _NO_TOTAL:
            ionic = "1 - electronic / total conductivity"
            rows.append(
                measured(at, "transference_number", self.ionic_share, of=self.species, method=ionic)
            )
        return tuple(rows)


def polarisation(
    measurements: Sequence[Measurement], settings: PolarisationSettings = PolarisationSettings()
) -> Polarisation:
    r"""Return the electronic conductivity of a sample between ion-blocking electrodes.

    .. math:: \sigma_e = \frac{L}{A}\,\frac{dI_{ss}}{dV}

    One step gives I_ss / V; several voltages a line, through the origin unless the currents
    contradict that. What still decays at the end of a transient is ionic and is extrapolated away
    with the error that this brings.

    Parameters
    ----------
    measurements
        Transients of one sample at one temperature, with voltage, thickness and area.

    Raises
    ------
    InputError
        If there is none, a geometry is missing, or temperatures or geometries differ.

    References
    ----------
    Wagner, Prog. Solid State Chem. 10, 3 (1975), doi:10.1016/0079-6786(75)90004-4.
    """
    thickness, area = _geometry(measurements)
    steps = tuple(steady_current(one, skip_s=settings.skip_s) for one in measurements)
    conductance, offset, line = _conductance(steps)
    electronic = _conductivity(conductance, (thickness, area), settings)
    return Polarisation(
        transients=steps,
        electronic=electronic,
        resistance=_inverse(conductance),
        offset=offset,
        ionic_share=_ionic_share(electronic, settings.total_conductivity),
        species=settings.species,
        temperature_K=steps[0].temperature_K,
        curves=_picture(steps, conductance, line),
    )


def _geometry(measurements: Sequence[Measurement]) -> tuple[float, float]:
    if not measurements:
        raise InputError("A polarisation needs a transient", received="none")
    found = []
    for name, remedy in (("thickness_cm", ""), ("area_cm2", "give --area-cm2 or --diameter-cm")):
        values = {
            one.conditions.require(name, of="A conductivity", remedy=remedy) for one in measurements
        }
        if len(values) > 1:
            raise InputError(
                f"Transients of one sample have one {name}", received=f"{sorted(values)}"
            )
        found.append(values.pop())
    kelvins = {one.conditions.temperature_K for one in measurements}
    if len(kelvins) > 1:
        raise InputError(
            "Transients of one sample are taken at one temperature",
            received=f"{kelvins} K",
            remedy="analyse each temperature on its own",
        )
    return found[0], found[1]


def _conductance(steps: Sequence[SteadyCurrent]) -> tuple[Quantity, Quantity, Fit | None]:
    """Return dI/dV in S, the current at no voltage, and the line where there is one."""
    usable = [one for one in steps if one.steady.status != "refused"]
    unknown = Quantity.refused("A", f"an offset needs {_FEWEST_FOR_LINE} voltages")
    if not usable:
        reason = f"all {len(steps)} transients refused: {steps[0].steady.note}"
        return (
            Quantity.refused("S", reason if len(steps) > 1 else steps[0].steady.note),
            unknown,
            None,
        )
    if len({one.voltage_V for one in usable}) < _FEWEST_FOR_LINE:
        return _mean_conductance(usable, len(steps)), unknown, None
    return _line(usable, len(steps))


def _mean_conductance(usable: Sequence[SteadyCurrent], count: int) -> Quantity:
    """Return the weighted mean of I/V; a scatter beyond the errors widens it."""
    each = [one.steady.scaled(1.0 / one.voltage_V, "S") for one in usable]
    if len(each) == 1:
        return _shared_doubts(each[0], usable, count)
    values, errors = np.array([q.value for q in each]), np.array([q.error for q in each])
    weights = 1.0 / errors**2
    mean = float(weights @ values / weights.sum())
    chi2 = float(np.sum(weights * (values - mean) ** 2))
    dof = len(each) - 1
    known = special.chdtrc(dof, chi2) > 0.05
    error = float(np.sqrt((1.0 if known else chi2 / dof) / weights.sum()))
    half = error * (NORMAL_95 if known else float(special.stdtrit(dof, 0.975)))
    number = Quantity(mean, "S", error, mean - half, mean + half)
    if not known:
        number = number.provisional("the steps differ by more than their errors")
    return _shared_doubts(number, usable, count)


def _straight(voltage: Floats, parameters: Floats) -> Floats:
    return np.asarray(parameters[0] * voltage + parameters[1])


def _line(usable: Sequence[SteadyCurrent], count: int) -> tuple[Quantity, Quantity, Fit | None]:
    """Return slope and offset of the line; through the origin unless the currents contradict."""
    voltages = np.array([one.voltage_V for one in usable])
    currents = np.array([one.steady.value for one in usable])
    unit = float(np.max(np.abs(currents))) or 1.0
    errors = np.array([one.steady.error for one in usable]) / unit
    curve = Curve(voltages, currents / unit, _VOLTAGE, Axis("current", "1"), errors)
    slope = float(currents[-1] / voltages[-1] / unit)
    model = Model(_straight, (Parameter("slope", slope, "1"), Parameter("offset", 0.0, "1")))
    free, through = fit(model, curve, trust=20.0), fit(model.holding(offset=0.0), curve, trust=20.0)
    offset = free.parameters["offset"].scaled(unit, "A")
    displaced = not offset.low <= 0.0 <= offset.high
    chosen = free if displaced else through
    number = _shared_doubts(chosen.parameters["slope"].scaled(unit, "S"), usable, count)
    if displaced:
        number = number.provisional(
            f"the line misses the origin by {offset.value:.2g} A: a current without a voltage"
        )
    if chosen.p_value < _CURVED:
        number = number.provisional("the steady currents are not proportional to the voltage")
    return number, offset, chosen


def _shared_doubts(number: Quantity, usable: Sequence[SteadyCurrent], count: int) -> Quantity:
    """Return a number with the doubts of the steps it rests on."""
    if len(usable) < count:
        number = number.provisional(f"{count - len(usable)} of {count} steps refused")
    weak = [one for one in usable if one.steady.status == "provisional"]
    if 2 * len(weak) > len(usable):
        start = f"{len(weak)} of {len(usable)} steps: " if len(usable) > 1 else ""
        number = number.provisional(f"{start}{weak[0].steady.note}")
    return number


def _conductivity(
    conductance: Quantity, geometry: tuple[float, float], settings: PolarisationSettings
) -> Quantity:
    """Return the conductivity with the error of the geometry."""
    if conductance.status == "refused":
        return Quantity.refused("S/cm", conductance.note)
    thickness, area = geometry
    number = conductance.scaled(thickness / area, "S/cm")
    shared = float(
        np.hypot(settings.thickness_error_cm / thickness, settings.area_error_cm2 / area)
    )
    ends = (number.value - number.low, number.high - number.value)
    wider = [float(np.hypot(end, NORMAL_95 * shared * abs(number.value))) for end in ends]
    number = replace(
        number,
        error=float(np.hypot(number.error, shared * number.value)),
        low=number.value - wider[0],
        high=number.value + wider[1],
    )
    if not _THIN_CM < thickness < _THICK_CM:
        number = number.provisional(f"a thickness of {thickness:g} cm: is it in cm")
    if number.value < 0:
        number = number.provisional("below zero: current and voltage have opposite signs")
    return number


def _inverse(conductance: Quantity) -> Quantity:
    if conductance.status == "refused":
        return Quantity.refused("ohm", conductance.note)
    value, relative = 1.0 / conductance.value, conductance.error / abs(conductance.value)
    if conductance.low <= 0:
        return Quantity(value, "ohm", value * relative).provisional("no upper limit")
    low, high = 1.0 / conductance.high, 1.0 / conductance.low
    return replace(conductance, value=value, unit="ohm", error=value * relative, low=low, high=high)


def _ionic_share(electronic: Quantity, total: Quantity | None) -> Quantity:
    r"""Return :math:`t_{ion} = 1 - \sigma_e / \sigma_{total}`."""
    if total is None:
        return Quantity.refused("1", _NO_TOTAL)
    if electronic.status == "refused" or not total.value > 0:
        return Quantity.refused("1", electronic.note or "the total conductivity is not above zero")
    ratio = electronic.value / total.value
    own = total.error / total.value if total.error > 0 else 0.0
    ends = [
        ratio
        + float(np.sign(end - electronic.value))
        * float(np.hypot((end - electronic.value) / total.value, NORMAL_95 * own * ratio))
        for end in (electronic.high, electronic.low)
    ]
    error = float(np.hypot(electronic.error / total.value, own * ratio))
    number = Quantity(1.0 - ratio, "1", error, 1.0 - ends[0], 1.0 - ends[1])
    if electronic.status == "provisional":
        number = number.provisional(electronic.note)
    if ratio > 1.0:
        number = number.provisional("the electronic conductivity is larger than the total one")
    return number


def _picture(steps: Sequence[SteadyCurrent], conductance: Quantity, line: Fit | None) -> CurveSet:
    usable = [one for one in steps if one.steady.status != "refused"]
    voltages = np.array([one.voltage_V for one in usable])
    currents = np.array([one.steady.value for one in usable])
    errors = np.array([one.steady.error for one in usable])
    curves = [Curve(voltages, currents, _VOLTAGE, _CURRENT, errors, "steady currents")]
    if line is not None:
        x = np.linspace(min(0.0, voltages.min()), voltages.max(), 60)
        unit = float(np.max(np.abs(currents))) or 1.0
        y, band = line.band(x)
        curves.append(Curve(x, y * unit, _VOLTAGE, _CURRENT, np.asarray(band) * unit, "line"))
    elif conductance.status != "refused":
        x = np.array([0.0, voltages.max() if len(voltages) else 1.0])
        curves.append(
            Curve(x, x * conductance.value, _VOLTAGE, _CURRENT, x * conductance.error, "I = V / R")
        )
    return CurveSet("Steady current", tuple(curves), points=("steady currents",))
