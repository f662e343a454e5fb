"""All scans of a sample: each by itself, and what several rates say together."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from vitrolyte.data.curve import CurveSet
from vitrolyte.data.errors import InputError
from vitrolyte.data.measurement import Measurement
from vitrolyte.data.quantity import Quantity
from vitrolyte.data.units import BOLTZMANN_EV_PER_K
from vitrolyte.laboratory.calorimetry.conversion import (
    Course,
    augis_bennett_exponent,
    friedman,
    ozawa_exponent,
)
from vitrolyte.laboratory.calorimetry.examination import examine
from vitrolyte.laboratory.calorimetry.rates import (
    RatePoint,
    augis_bennett_energy,
    distinct_rates,
    kissinger_energy,
    moynihan_enthalpy,
    ozawa_energy,
)
from vitrolyte.laboratory.calorimetry.results import (
    Calorimetry,
    RateSeries,
    ScanResult,
    ThermalEvent,
)
from vitrolyte.laboratory.calorimetry.scan import Scan, doubted, is_isothermal, scan_of
from vitrolyte.laboratory.calorimetry.settings import CalorimetrySettings

CITATIONS = (
    "10.1111/j.1151-2916.1976.tb09376.x",
    "10.1016/0040-6031(84)85057-7",
    "10.1021/ac60131a045",
    "10.1007/BF01912301",
    "10.1246/bcsj.38.1881",
    "10.1002/polc.5070060121",
    "10.1021/j100619a008",
    "10.1007/BF01690134",
)
"""DOIs of the methods."""

_NO_LINE = CurveSet("Line", ())
_NO_CONVERSION = CurveSet("Isoconversional activation energy", ())


def calorimetry(
    measurements: Sequence[Measurement], settings: CalorimetrySettings | None = None
) -> Calorimetry:
    """Return what heat flow over temperature says of a sample.

    Parameters
    ----------
    measurements
        Segments of one sample's scans: heatings, coolings, holds.

    Raises
    ------
    InputError
        If there is no scan, the direction of exothermic is not known, or a record cannot serve.
    """
    settings = settings or CalorimetrySettings()
    moving = [one for one in measurements if not is_isothermal(one)]
    if not moving:
        raise InputError(
            "Calorimetry needs a heating or a cooling",
            received=f"{len(measurements)} segments at constant temperature",
        )
    scans = [scan_of(one, settings.exo, settle_s=settings.settle_s) for one in moving]
    scans = _against_each_other(moving, scans)
    results = tuple(examine(scan, settings) for scan in scans)
    holds = len(measurements) - len(moving)
    notes = tuple(f"{scan.name}: {note}" for scan in scans for note in scan.notes + scan.doubts)
    if holds:
        notes += (f"{holds} segments at constant temperature were left out",)
    return Calorimetry(results, _series(results, scans, settings), tuple(dict.fromkeys(notes)))


def _against_each_other(measurements: Sequence[Measurement], scans: Sequence[Scan]) -> list[Scan]:
    """Return scans with a doubt where heating and cooling contradict the sign of the heat flow.

    The heat capacity is above zero, and an offset of the heat flow adds to it on heating what it
    takes on cooling.
    """
    found = list(scans)
    for file in {one.file for one in measurements}:
        own = [number for number, one in enumerate(measurements) if one.file == file]
        ways = {scans[number].heating for number in own}
        if len(ways) < 2:
            continue
        flows = {}
        for heating in ways:
            same = [scans[number] for number in own if scans[number].heating == heating]
            flows[heating] = float(
                np.mean([np.median(one.heat_capacity) * one.rate for one in same])
            )
        if flows[True] - flows[False] < 0:
            doubt = "heating takes up less than cooling: exothermic seems to point the other way"
            for number in own:
                found[number] = doubted(found[number], doubt)
    return found


def _series(
    results: Sequence[ScanResult], scans: Sequence[Scan], settings: CalorimetrySettings
) -> tuple[RateSeries, ...]:
    """Return what the rates of the heatings say; nothing from a single rate."""
    heated = [(result, scan) for result, scan in zip(results, scans, strict=True) if scan.heating]
    found = []
    glass = [
        RatePoint(scan.rate_K_per_min, result.transition.onset, float(scan.temperatures_K[0]))
        for result, scan in heated
        if result.transition is not None and result.transition.onset.status != "refused"
    ]
    if distinct_rates(glass) > 1:
        found.append(_of_glass(glass, settings))
    numbers = sorted(
        {e.number for result, _ in heated for e in result.events if e.kind == "crystallisation"}
    )
    for number in numbers:
        events = [
            (event, scan)
            for result, scan in heated
            for event in result.events
            if event.kind == "crystallisation"
            and event.number == number
            and event.peak.status != "refused"
        ]
        rates = [RatePoint(scan.rate_K_per_min, event.peak) for event, scan in events]
        if distinct_rates(rates) > 1:
            found.append(_of_crystallisation(events, len(heated), settings))
    return tuple(found)


def _of_glass(points: Sequence[RatePoint], settings: CalorimetrySettings) -> RateSeries:
    known = settings.temperature_error_K > 0
    enthalpy, plot = moynihan_enthalpy(points, known_errors=known)
    middle = float(np.mean([point.temperature.value for point in points]))
    factor = 1.0 / (math.log(10.0) * BOLTZMANN_EV_PER_K * middle)
    fragility = enthalpy.scaled(factor, "1")
    if enthalpy.status == "refused":
        fragility = Quantity.refused("1", enthalpy.note)
    assumed = "it holds where every heating followed a cooling at a proportional rate"
    if enthalpy.status != "refused":
        enthalpy = replace(enthalpy, note="; ".join(filter(None, (enthalpy.note, assumed))))
    return RateSeries(
        of="glass transition",
        energies={"Moynihan, onset against rate": enthalpy},
        exponents={},
        fragility=fragility,
        line=plot,
        other_line=_NO_LINE,
        conversion=_NO_CONVERSION,
        notes=(assumed,),
    )


def _of_crystallisation(
    events: Sequence[tuple[ThermalEvent, Scan]], scans: int, settings: CalorimetrySettings
) -> RateSeries:
    known = settings.temperature_error_K > 0
    points = [
        RatePoint(scan.rate_K_per_min, event.peak, float(scan.temperatures_K[0]))
        for event, scan in events
    ]
    energy, plot = kissinger_energy(points, known_errors=known)
    other, second = augis_bennett_energy(points, known_errors=known)
    courses = [Course.of(event, scan.rate_K_per_min) for event, scan in events]
    isoconversional, conversion = friedman(courses if distinct_rates(points) > 2 else [])
    missing = scans - len(events)
    notes = (f"{missing} of {scans} heatings do not show it",) if missing else ()
    return RateSeries(
        of=events[0][0].name,
        energies={
            "Kissinger": energy,
            "Augis-Bennett": other,
            "Ozawa-Flynn-Wall": ozawa_energy(points),
            "Friedman, at half conversion": isoconversional,
        },
        exponents={
            "Augis-Bennett, width of the peaks": augis_bennett_exponent(
                [event for event, _ in events], energy
            ),
            "Ozawa, shares at one temperature": ozawa_exponent(courses),
        },
        fragility=Quantity.refused("1", "of a glass transition only"),
        line=plot,
        other_line=second,
        conversion=conversion,
        notes=notes,
    )
