"""One heating, cooling or holding of a sample, ready to be looked at."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from vitrolyte.data.curve import Axis
from vitrolyte.data.errors import InputError
from vitrolyte.data.measurement import Measurement

Floats = NDArray[np.float64]
Exo = Literal["", "up", "down"]

MOST_POINTS = 4000
"""A longer record is averaged over neighbours, so that noise is looked at on one scale."""
FEWEST_POINTS = 40
RATE_CONTRADICTION = 0.05
"""Relative difference of a stated rate from that of the record that is worth a warning."""
_ISOTHERM_K_PER_MIN = 0.1
_BACKWARDS_K = 1.0
_GAP = 8.0
_SATURATED_SHARE = 0.01
_SATURATED_RUN = 5

HEAT_CAPACITY = Axis("apparent heat capacity, endothermic up", "J/(g K)")
"""Heat flow over rate."""
SIGNAL = Axis("signal over rate, endothermic up", "")
TEMPERATURE = Axis("temperature", "K")


@dataclass(frozen=True, eq=False)
class Scan:
    """Apparent heat capacity of a sample against its temperature.

    Attributes
    ----------
    name
        File and part.
    times_s, temperatures_K
        (n,) each, rising and strictly monotonic.
    heat_capacity
        (n,), endothermic heat flow over the rate of heating, J/(g K); of the signal's own unit
        where the record is not calibrated or the mass is not known.
    rate_K_per_min
        Of the record; negative on cooling.
    calibrated
        Whether heat capacities are in J/(g K), so that enthalpies mean something.
    reason
        Why it is not calibrated.
    notes
        What was assumed, left out or contradicted.
    doubts
        What makes every number of this scan provisional.
    """

    name: str
    times_s: Floats
    temperatures_K: Floats
    heat_capacity: Floats
    rate_K_per_min: float
    calibrated: bool
    reason: str = ""
    notes: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.times_s)

    @property
    def rate(self) -> float:
        """Return the rate in K/s."""
        return self.rate_K_per_min / 60.0

    @property
    def heating(self) -> bool:
        """Return whether the sample was heated."""
        return self.rate_K_per_min > 0

    @property
    def described(self) -> str:
        """Return what was done: ``heating at 10 K/min``."""
        way = "heating" if self.heating else "cooling"
        return f"{way} at {abs(self.rate_K_per_min):.3g} K/min"

    @property
    def title(self) -> str:
        """Return the file, the part and what was done, each once."""
        known = self.described in self.name
        return self.name if known else f"{self.name}, {self.described}"

    @property
    def axis(self) -> Axis:
        """Return the axis of the heat capacity."""
        return HEAT_CAPACITY if self.calibrated else SIGNAL

    def within(self, low_K: float, high_K: float) -> NDArray[np.bool_]:
        """Return which points lie between two temperatures, (n,)."""
        return np.asarray((self.temperatures_K >= low_K) & (self.temperatures_K <= high_K))


def is_isothermal(measurement: Measurement) -> bool:
    """Return whether a record was taken at one temperature."""
    channel = measurement.channel("temperature")
    if channel is None:
        return False
    minutes = float(np.ptp(channel.x)) / 60.0
    rise = abs(float(np.polyfit(channel.x, channel.y.real, 1)[0])) * 60.0
    return minutes > 0 and rise < _ISOTHERM_K_PER_MIN


def scan_of(measurement: Measurement, exo: Exo = "", *, settle_s: float = 60.0) -> Scan:
    """Return the scan of a record of heat flow over time or temperature.

    Parameters
    ----------
    measurement
        Heat flow in W/g, mW, or an uncalibrated unit, against time in s with a channel of
        temperatures, or against temperature in K.
    exo
        Which way exothermic points; empty where the record says it.
    settle_s
        Time at the start that is left out, in which the heat flow settles.

    Raises
    ------
    InputError
        If the direction of exothermic or the rate is not known, the temperature does not run one
        way, or too few points are left.
    """
    times, temperatures = _program(measurement)
    sign, notes = _direction(measurement, exo)
    flow, calibrated, reason = _per_gram(measurement)
    if not np.any(flow):
        raise InputError(f"{measurement.name} needs a signal", received="zero throughout")
    temperatures, times, flow, found = _one_way(times, temperatures, flow, measurement.name)
    rate, doubts = _rate(times, temperatures, measurement)
    doubts += found + _gaps(times) + _saturated(flow)
    kept = times >= times[0] + settle_s if times[-1] - times[0] > 4 * settle_s else times > -np.inf
    columns = (one[kept] for one in (times, temperatures, -sign * flow / (rate / 60.0)))
    averaged = [_averaged(one) for one in columns]
    if len(averaged[0]) < FEWEST_POINTS:
        raise InputError(
            f"A scan needs at least {FEWEST_POINTS} points",
            received=f"{len(averaged[0])} in {measurement.name}",
        )
    if rate < 0:
        averaged = [averaged[0][-1] - averaged[0], *averaged[1:]]
        averaged = [one[::-1] for one in averaged]
    return Scan(
        name=measurement.name,
        times_s=averaged[0],
        temperatures_K=averaged[1],
        heat_capacity=averaged[2],
        rate_K_per_min=rate,
        calibrated=calibrated,
        reason=reason,
        notes=measurement.notes + notes,
        doubts=doubts,
    )


def _program(measurement: Measurement) -> tuple[Floats, Floats]:
    """Return times and temperatures; times from the stated rate where only T was recorded."""
    channel = measurement.channel("temperature")
    if channel is not None:
        return channel.x, np.asarray(channel.y, dtype=float)
    if measurement.curve.x_axis.unit != "K":
        raise InputError(
            "Calorimetry needs heat flow with the temperature of the sample",
            received=f"{measurement.name}: {measurement.curve.x_axis.label} alone",
        )
    temperatures = measurement.curve.x
    rate = abs(
        measurement.conditions.require(
            "rate_K_per_min",
            of=f"{measurement.name}, a record without times,",
        )
    )
    way = np.sign(temperatures[-1] - temperatures[0])
    times = way * (temperatures - temperatures[0]) / (rate / 60.0)
    return np.asarray(times), temperatures


def _direction(measurement: Measurement, exo: Exo) -> tuple[float, tuple[str, ...]]:
    """Return +1 where exothermic is up in the record, -1 where it is down, and notes."""
    axis = measurement.curve.y_axis.name
    said = next((way for way in ("up", "down") if axis.endswith(f"exothermic {way}")), "")
    if not said and not exo:
        raise InputError(
            f"{measurement.name} does not say which way exothermic points",
            received="no direction in the file",
            remedy="give --exo up or --exo down",
        )
    notes: tuple[str, ...] = ()
    if said and exo and said != exo:
        notes = (f"the file says exothermic {said}; --exo {exo} was given and is used",)
    return (1.0 if (exo or said) == "up" else -1.0), notes


def _per_gram(measurement: Measurement) -> tuple[Floats, bool, str]:
    """Return the signal per gram, whether it is a heat flow in W/g, and why it is not."""
    flow, unit = np.asarray(measurement.curve.y, dtype=float), measurement.curve.y_axis.unit
    mass = measurement.conditions.mass_mg
    if unit == "W/g":
        return flow, True, ""
    if unit == "mW":
        if mass is None:
            return flow, False, "the mass of the sample is not known; give --mass-mg"
        return flow / mass, True, ""
    return flow, False, f"the signal is in {unit}, not in W/g or mW"


def _one_way(
    times: Floats, temperatures: Floats, flow: Floats, name: str
) -> tuple[Floats, Floats, Floats, tuple[str, ...]]:
    """Return the points at which the temperature is beyond all before, and a doubt where it fell.

    A reaction may heat a sample above its programme for a moment; a scan that runs back by more
    is not one scan.
    """
    way = 1.0 if temperatures[-1] >= temperatures[0] else -1.0
    furthest = np.maximum.accumulate(way * temperatures)
    back = float(np.max(furthest - way * temperatures))
    if back > max(_BACKWARDS_K, 0.02 * float(np.ptp(temperatures))):
        raise InputError(
            f"{name}: in a scan the temperature runs one way",
            received=f"it runs back by {back:.1f} K",
            remedy="export one segment a file, with its times, so that segments can be told apart",
        )
    new = np.concatenate([[True], way * temperatures[1:] > furthest[:-1]])
    new &= np.concatenate([[True], np.diff(times) > 0])
    doubt = f"the temperature runs back by {back:.1f} K within the scan"
    doubts = (doubt,) if back > _BACKWARDS_K else ()
    return temperatures[new], times[new], flow[new], doubts


def _rate(
    times: Floats, temperatures: Floats, measurement: Measurement
) -> tuple[float, tuple[str, ...]]:
    """Return the rate of the record, K/min, and a doubt where the stated one differs."""
    if len(times) < FEWEST_POINTS:
        raise InputError(
            f"A scan needs at least {FEWEST_POINTS} points at rising times and temperatures",
            received=f"{len(times)} in {measurement.name}",
        )
    rate = float(np.polyfit(times - times[0], temperatures, 1)[0]) * 60.0
    if abs(rate) < _ISOTHERM_K_PER_MIN:
        raise InputError(
            f"{measurement.name} was to be a scan", received=f"a rate of {rate:.3g} K/min"
        )
    told = measurement.conditions.rate_K_per_min
    if told is None or abs(abs(rate) - abs(told)) <= RATE_CONTRADICTION * abs(rate):
        return rate, ()
    doubt = f"the stated rate is {told:g} K/min, that of the record {rate:.3g} K/min"
    return rate, (doubt,)


def _gaps(times: Floats) -> tuple[str, ...]:
    """Return a doubt where points are missing."""
    steps = np.diff(times)
    longest = float(steps.max())
    if longest > _GAP * float(np.median(steps)) and longest > 0.01 * float(np.ptp(times)):
        return (f"a gap of {longest:.0f} s in the record",)
    return ()


def _saturated(flow: Floats) -> tuple[str, ...]:
    """Return a doubt where the signal stays at its highest or lowest value."""
    for end in (flow.max(), flow.min()):
        at = np.concatenate([[False], flow == end, [False]])
        edges = np.flatnonzero(np.diff(at.astype(int)))
        longest = int(np.max(edges[1::2] - edges[::2], initial=0))
        if longest >= max(_SATURATED_RUN, _SATURATED_SHARE * len(flow)) and np.ptp(flow) > 0:
            return (f"the detector looks saturated: {longest} points in a row at {end:g}",)
    return ()


def _averaged(values: Floats) -> Floats:
    block = -(-len(values) // MOST_POINTS)
    whole = len(values) // block * block
    return np.asarray(values[:whole].reshape(-1, block).mean(axis=1))


def doubted(scan: Scan, doubt: str) -> Scan:
    """Return a scan with one more doubt about it."""
    return replace(scan, doubts=(*scan.doubts, doubt))
