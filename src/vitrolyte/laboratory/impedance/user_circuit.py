"""Bounds and starts for a circuit that a user wrote."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from vitrolyte.data.model import Floats
from vitrolyte.laboratory.impedance.search import Minimum, Target
from vitrolyte.laboratory.impedance.spectrum import Spectrum
from vitrolyte.observe.impedance.circuits import Circuit

_STARTS = 12
_LEAST_EXPONENT = 0.2
_WIDER = 5.0


def bounds_of(circuit: Circuit, spectrum: Spectrum) -> tuple[Floats, Floats]:
    """Return the lowest and highest coordinates, (p,), wide enough for any sensible spectrum."""
    kinds = _kinds(circuit)
    ranges = np.array([_range(kind, spectrum) for kind in kinds])
    wider = np.where([kind == "exponent" for kind in kinds], 0.0, _WIDER)
    return ranges[:, 0] - wider, ranges[:, 1] + wider


def starts_of(circuit: Circuit, target: Target) -> list[Floats]:
    """Return starting coordinates drawn evenly over what the spectrum spans.

    Times of one kind are spread over the window in the order in which elements are written;
    the first start has them even, the others are drawn. The draws are always the same.
    """
    kinds = _kinds(circuit)
    times = [k for k, kind in enumerate(kinds) if kind == "time"]
    ranges = [_range(kind, target.spectrum) for kind in kinds]
    draws = np.random.default_rng(0).random((_STARTS, len(kinds)))
    draws[0] = 0.5
    found = []
    for draw in draws:
        start = np.array([a + (b - a) * u for (a, b), u in zip(ranges, draw, strict=True)])
        if times:
            low, high = ranges[times[0]]
            even = (np.arange(len(times)) + draw[times]) / len(times)
            start[times] = low + (high - low) * even
        found.append(start)
    return found


def in_order(circuit: Circuit, minimum: Minimum) -> Minimum:
    """Return a minimum whose arcs of one kind in series stand in the order of their times."""
    moved = np.arange(len(minimum.coordinates))
    for symbols in ("RQ", "RC"):
        blocks = [
            [k for k in (arc.resistance, arc.storage, arc.exponent) if k >= 0]
            for arc in circuit.arcs
            if arc.kind == symbols and arc.resistance in circuit.series_places
        ]
        order = np.argsort([minimum.coordinates[block[1]] for block in blocks], kind="stable")
        for block, source in zip(blocks, order, strict=True):
            moved[block] = blocks[source]
    return replace(
        minimum,
        coordinates=minimum.coordinates[moved],
        normal=minimum.normal[np.ix_(moved, moved)],
    )


def _kinds(circuit: Circuit) -> list[str]:
    """Return of what kind each coordinate is."""
    units = {"ohm": "resistance", "s": "time", "F": "storage", "H": "inductance"}
    found = []
    for slot in circuit.slots:
        if slot.parameter.scale == "exponent":
            found.append("exponent")
        elif slot.parameter.name == "tan_delta":
            found.append("loss")
        else:
            found.append(units.get(slot.parameter.unit, "storage"))
    for arc in circuit.arcs:
        found[arc.storage] = "time"
    return found


def _range(kind: str, spectrum: Spectrum) -> tuple[float, float]:
    omega, modulus = spectrum.omega, spectrum.modulus
    low, high = float(np.log(modulus.min())), float(np.log(modulus.max()))
    time = (-float(np.log(omega[0])), -float(np.log(omega[-1])))
    return {
        "resistance": (low - 1.0, high),
        "time": time,
        "exponent": (_LEAST_EXPONENT, 1.0),
        "storage": (time[0] - high, time[1] - low),
        "inductance": (low + time[0] - 4.0, high + time[0]),
        "loss": (-7.0, 0.0),
    }[kind]
