"""PANalytical XRDML: one XML text of scans."""

from __future__ import annotations

from pathlib import Path
from xml.etree.ElementTree import Element

import numpy as np
from numpy.typing import NDArray

from vitrolyte.data.errors import InputError
from vitrolyte.data.io.instruments.diffraction.bounded import (
    number_in,
    parse_xml,
    read_bounded,
)
from vitrolyte.data.io.instruments.diffraction.scans import Scan, attenuated, beam, measurement
from vitrolyte.data.measurement import Conditions, Measurement

Floats = NDArray[np.float64]


def read_xrdml(path: Path) -> tuple[Measurement, ...]:
    """Return the scans over 2 theta of an XRDML file; scans of other axes are left out.

    ``counts`` times the ``beamAttenuationFactors``, or ``intensities`` as they stand. The ratio of
    K-alpha-2 to K-alpha-1 is that of the file, which does not know of a monochromator that takes
    the second line out.

    Raises
    ------
    InputError
        If it is no XRDML, is damaged, or holds no scan over 2 theta.
    """
    root = parse_xml(read_bounded(path), path.name)
    if root.tag != "xrdMeasurements":
        raise InputError(f"{path.name} must be an XRDML file", received=f"<{root.tag}>")
    found, others = [], 0
    for run in root.iter("xrdMeasurement"):
        conditions = _beam(run, path)
        for number, scan in enumerate(run.iter("scan"), start=1):
            points = scan.find("dataPoints")
            angles = None if points is None else _angles(points, path)
            if points is None or angles is None:
                others += 1
                continue
            part = f"scan {number}" if run.find("scan[2]") is not None else ""
            found.append((conditions, _scan(points, angles, part, path)))
    if not found:
        raise InputError(
            f"{path.name} must hold a scan over 2 theta", received=f"{others} scans of other axes"
        )
    return tuple(measurement(path, "XRDML", conditions, scan) for conditions, scan in found)


def _beam(run: Element, path: Path) -> Conditions:
    used = run.find("usedWavelength")
    if used is None:
        return Conditions()

    def value(tag: str) -> float | None:
        text = used.findtext(tag)
        return None if text is None else number_in(text, tag, path.name)

    return beam(value("kAlpha1"), value("kAlpha2"), value("ratioKAlpha2KAlpha1"))


def _angles(points: Element, path: Path) -> tuple[Floats | tuple[float, float], str] | None:
    """Return the angles of a scan, or its two ends; None where 2 theta stands still."""
    for positions in points.iter("positions"):
        if positions.get("axis") != "2Theta":
            continue
        listed = positions.findtext("listPositions")
        if listed is not None:
            return _numbers(listed, path), "listed"
        first, last = positions.findtext("startPosition"), positions.findtext("endPosition")
        if first is None or last is None:
            return None
        ends = number_in(first, "the start", path.name), number_in(last, "the end", path.name)
        return (ends, "ends") if ends[1] > ends[0] else None
    return None


def _scan(
    points: Element, angles: tuple[Floats | tuple[float, float], str], part: str, path: Path
) -> Scan:
    text = points.findtext("intensities") or points.findtext("counts")
    if text is None:
        raise InputError(f"{path.name} must hold intensities or counts", received="none")
    y = _numbers(text, path)
    notes: tuple[str, ...] = ()
    error = None
    factors = points.findtext("beamAttenuationFactors")
    if factors is not None and points.findtext("intensities") is None:
        factor = _numbers(factors, path)
        if len(factor) != len(y):
            raise InputError(
                f"{path.name} needs a factor for each point", received=str(len(factor))
            )
        error = attenuated(np.sqrt(np.maximum(y, 1.0)), factor) if np.any(factor != 1.0) else None
        y = attenuated(y, factor)
        notes = ("counts are multiplied by the factors of the attenuator",)
    where, kind = angles
    x = where if kind == "listed" else np.linspace(where[0], where[1], len(y))
    return Scan(x, y, error, part=part, notes=notes)


def _numbers(text: str, path: Path) -> Floats:
    try:
        return np.array(text.split(), dtype=float)
    except ValueError as fault:
        raise InputError(f"{path.name} must list numbers", received=str(fault)) from fault
