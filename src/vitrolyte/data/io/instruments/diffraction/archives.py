"""Archives of XML: Bruker BRML and Rigaku RASX."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree.ElementTree import Element

import numpy as np
from numpy.typing import NDArray

from vitrolyte.data.errors import InputError
from vitrolyte.data.io.instruments.diffraction.bounded import archive_members, parse_xml
from vitrolyte.data.io.instruments.diffraction.scans import Scan, attenuated, beam, measurement
from vitrolyte.data.measurement import Conditions, Measurement

Floats = NDArray[np.float64]


def read_brml(path: Path) -> tuple[Measurement, ...]:
    """Return the scans over 2 theta in a BRML archive, one for each RawData.

    Columns are found by the views of the data: the axis ``TwoTheta``, and the first recorded
    channel, times the factor of the absorber.

    Raises
    ------
    InputError
        If the archive is damaged or holds no such scan.
    """
    found = []
    members = archive_members(path, r"RawData\d+\.xml$")
    for name, data in members.items():
        root = parse_xml(data, f"{path.name}: {name}")
        conditions = _brml_beam(root)
        part = Path(name).stem if len(members) > 1 else ""
        for route in root.iter("DataRoute"):
            scan = _route(route, part, path)
            if scan is not None:
                found.append(measurement(path, "Bruker BRML", conditions, scan))
    if not found:
        raise InputError(
            f"{path.name} must hold a scan over 2 theta", received=f"{len(members)} raw data sets"
        )
    return tuple(found)


def _brml_beam(root: Element) -> Conditions:
    values: list[float | None] = []
    for tag in ("WaveLengthAlpha1", "WaveLengthAlpha2", "WaveLengthRatio"):
        element = root.find(f".//{tag}")
        values.append(None if element is None else _maybe(element.get("Value")))
    return beam(*values)


def _maybe(text: str | None) -> float | None:
    try:
        return None if text is None else float(text)
    except ValueError:
        return None


def _route(route: Element, part: str, path: Path) -> Scan | None:
    """Return the scan of a route, or None where 2 theta does not move."""
    rows = [datum.text or "" for datum in route.iter("Datum")]
    if not rows:
        return None
    angle, channel, absorber = _columns(route)
    if angle is None or channel is None:
        return None
    table = _table(rows, path)
    if max(angle, channel) >= table.shape[1]:
        raise InputError(
            f"{path.name} needs as many columns as it names", received=str(table.shape)
        )
    x, y = table[:, angle], table[:, channel]
    error = None
    if absorber is not None and absorber < table.shape[1] and np.any(table[:, absorber] != 1.0):
        error = attenuated(np.sqrt(np.maximum(y, 1.0)), np.abs(table[:, absorber]))
        y = attenuated(y, table[:, absorber])
    return None if np.ptp(x) <= 0 else Scan(x, y, error, part=part)


def _columns(route: Element) -> tuple[int | None, int | None, int | None]:
    """Return the columns of 2 theta, of the first recorded channel, and of the absorber."""
    angle = channel = absorber = None
    for view in route.iter("RawDataView"):
        kind = next((v for k, v in view.attrib.items() if k.endswith("type")), "")
        start = int(_maybe(view.get("Start")) or 0)
        if kind.startswith("Varying"):
            for place, column in enumerate(view.iter("FieldDefinitions")):
                if column.get("AxisId") == "TwoTheta":
                    angle = start + place
        elif kind.startswith("Record") and channel is None:
            channel = start
        elif view.get("LogicName") == "AbsorptionFactor":
            absorber = start
    return angle, channel, absorber


def _table(rows: list[str], path: Path) -> Floats:
    try:
        return np.array([[float(cell) for cell in row.split(",")] for row in rows])
    except ValueError as fault:
        raise InputError(f"{path.name} must hold rows of numbers", received=str(fault)) from fault


def read_rasx(path: Path) -> tuple[Measurement, ...]:
    """Return the profiles of a RASX archive: angle, intensity, attenuator.

    Raises
    ------
    InputError
        If the archive is damaged or holds no profile.
    """
    members = archive_members(path, r"(Profile\d+\.txt|[Cc]onditions\d+\.xml)$")
    profiles = [name for name in members if name.endswith(".txt")]
    found = []
    for name in profiles:
        rows = members[name].decode("utf-8-sig", errors="replace").split("\n")
        table = _profile([row for row in rows if row.strip()], path)
        number = re.findall(r"\d+", name)[-1]
        xml = [one for one in members if re.search(rf"onditions{number}\.xml$", one)]
        same = [one for one in xml if Path(one).parent == Path(name).parent]
        conditions = _rasx_beam(parse_xml(members[same[0]], path.name)) if same else Conditions()
        factor = table[:, 2] if table.shape[1] > 2 else np.ones(len(table))
        part = str(Path(name).parent) if len(profiles) > 1 else ""
        scan = Scan(table[:, 0], attenuated(table[:, 1], factor), part=part)
        found.append(measurement(path, "Rigaku RASX", conditions, scan))
    if not found:
        raise InputError(f"{path.name} must hold a profile", received="none")
    return tuple(found)


def _profile(rows: list[str], path: Path) -> Floats:
    try:
        table = np.array([[float(cell) for cell in row.split()] for row in rows])
    except ValueError as fault:
        raise InputError(f"{path.name} must hold rows of numbers", received=str(fault)) from fault
    if table.ndim != 2 or table.shape[1] < 2:
        raise InputError(f"{path.name} needs two columns", received=str(table.shape))
    return table


def _rasx_beam(root: Element) -> Conditions:
    values = [
        _maybe(root.findtext(f".//{tag}")) for tag in ("WavelengthKalpha1", "WavelengthKalpha2")
    ]
    ratio = _maybe(root.findtext(".//KalphaRatio"))
    return beam(values[0], values[1], ratio)
