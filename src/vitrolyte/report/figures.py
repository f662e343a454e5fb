"""Sets of curves as descriptions that the page's plotting script can draw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vitrolyte.data.curve import Axis, Curve, CurveSet
from vitrolyte.data.observation import Observation

Plain = dict[str, Any]
Floats = NDArray[np.float64]

MOST_ERROR_BARS = 40
"""A longer curve shows its errors as a band."""

MOST_POINTS = 2500
"""A longer curve is thinned evenly for the page; the full one stays in the result folder."""

NORMAL_95 = 1.96
MOST_FACTOR = 14.0
"""Natural logarithm of the widest factor that is drawn, six decades."""

FITS = ("fit", "line")
"""What stands behind the comma in the label of a curve through the points of another one."""

DASHES = ("solid", "dash", "dot", "dashdot", "longdash")
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "cross", "x", "star", "pentagon")


def figure(curves: CurveSet) -> Plain:
    """Return the traces, axes and shaded window of a set of curves, as plain values.

    Bars and bands are 95 % intervals, 1.96 standard errors each way; on a logarithmic axis they
    are factors, exp(1.96 s / y) each way. Complex curves are drawn as
    Nyquist plots, -Im against Re on one scale. Colours are numbers of a palette that the page
    chooses by its light or dark theme.
    """
    first = curves.curves[0] if curves.curves else None
    complex_valued = first is not None and np.iscomplexobj(first.y)
    x_label, y_label = _labels(first) if first is not None else ("", "")
    slots = _slots(curves)
    traces = [t for slot, curve in zip(slots, curves.curves) for t in _traces(curves, curve, slot)]
    return {
        "title": curves.title,
        "traces": traces,
        "x": {"label": x_label, "log": curves.log_x},
        "y": {"label": y_label, "log": curves.log_y},
        "equal": complex_valued,
        "window": None if curves.window is None else [float(end) for end in curves.window],
    }


def _slots(curves: CurveSet) -> list[int]:
    """Return the place of each curve in the palette; a fit has that of its points."""
    labels = [curve.label for curve in curves.curves]
    bases = [next((b for b in labels if a in {f"{b}, {e}" for e in FITS}), a) for a in labels]
    places = {base: place for place, base in enumerate(dict.fromkeys(bases))}
    return [places[base] for base in bases]


def with_published(curves: CurveSet, published: Sequence[Observation]) -> CurveSet:
    """Return an Arrhenius plot with the published rows that fit its axes as points, by source.

    The plot has 1000/T in 1/K across and a quantity, or that quantity times T, upwards. A printed
    range gives a point at each end. Rows without a temperature or of another quantity are left out.
    """
    if not curves.curves or curves.curves[0].x_axis.name != "1000/T":
        return curves
    first = curves.curves[0]
    word = first.y_axis.name.removesuffix(" × T")
    points: dict[str, list[tuple[float, float]]] = {}
    for row in published:
        if row.quantity.replace("_", " ") != word or not row.temperature_K:
            continue
        factor = row.temperature_K if first.y_axis.name != word else 1.0
        values = [row.value] if row.value is not None else [row.low, row.high]
        label = " ".join(part for part in (row.source.split(",")[0], row.of) if part)
        for value in values:
            if value is not None:
                points.setdefault(label, []).append((1000.0 / row.temperature_K, value * factor))
    added = tuple(_points(pairs, first, label) for label, pairs in points.items())
    return replace(curves, curves=curves.curves + added, points=(*curves.points, *points))


def _points(pairs: Sequence[tuple[float, float]], like: Curve, label: str) -> Curve:
    x, y = np.array(pairs, dtype=float).T
    return Curve(x, y, like.x_axis, like.y_axis, label=label)


def _labels(curve: Curve) -> tuple[str, str]:
    if not np.iscomplexobj(curve.y):
        return curve.x_axis.label, curve.y_axis.label
    name, unit = curve.y_axis.name, curve.y_axis.unit
    return Axis(f"Re {name}", unit).label, Axis(f"−Im {name}", unit).label


def _traces(curves: CurveSet, curve: Curve, slot: int) -> list[Plain]:
    thin = _thinned(curve)
    x, y = _plane(thin)
    points = curve.label in curves.points or len(x) < 2
    line: Plain = {
        "name": curve.label or curves.title,
        "slot": slot,
        "x": _numbers(x, curves.log_x),
        "y": _numbers(y, curves.log_y),
        "mode": "markers" if points else "lines",
        "dash": DASHES[slot // 7 % len(DASHES)],
        "symbol": SYMBOLS[slot % len(SYMBOLS)],
    }
    if thin.y_error is None or np.iscomplexobj(thin.y) or not np.any(thin.y_error > 0.0):
        return [line]
    low, high = _interval(y, NORMAL_95 * np.asarray(thin.y_error, dtype=float), curves.log_y)
    if points or len(x) <= MOST_ERROR_BARS:
        line["error"] = {"up": _numbers(high - y, False), "down": _numbers(y - low, False)}
        return [line]
    shared = {key: line[key] for key in ("name", "slot", "x")}
    edges = [("low", low), ("high", high)]
    bands = [
        {**shared, "mode": "band", "edge": edge, "y": _numbers(end, curves.log_y)}
        for edge, end in edges
    ]
    return [*bands, line]


def _interval(y: Floats, half: Floats, log: bool) -> tuple[Floats, Floats]:
    """Return the ends of the interval; on a log axis a factor, which never reaches zero."""
    if not log:
        return y - half, y + half
    with np.errstate(divide="ignore", invalid="ignore"):
        factor = np.exp(np.minimum(half / np.abs(y), MOST_FACTOR))
    return y / factor, y * factor


def _thinned(curve: Curve) -> Curve:
    step = -(-len(curve) // MOST_POINTS)
    if step <= 1:
        return curve
    error = None if curve.y_error is None else curve.y_error[::step]
    return Curve(
        curve.x[::step], curve.y[::step], curve.x_axis, curve.y_axis, error, label=curve.label
    )


def _plane(curve: Curve) -> tuple[Floats, Floats]:
    if np.iscomplexobj(curve.y):
        return np.asarray(curve.y.real, dtype=float), -np.asarray(curve.y.imag, dtype=float)
    return np.asarray(curve.x, dtype=float), np.asarray(curve.y, dtype=float)


def _numbers(values: Floats, log: bool) -> list[float | None]:
    """Return six significant digits each; None where a value is not finite or has no logarithm."""
    good = np.isfinite(values) & ((values > 0.0) | (not log))
    return [float(f"{v:.6g}") if ok else None for v, ok in zip(values, good, strict=True)]
