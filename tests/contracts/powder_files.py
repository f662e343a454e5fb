"""Small powder patterns in every format that is read, made here by the published layouts."""

from __future__ import annotations

import io
import struct
import zipfile
from pathlib import Path

import numpy as np

ANGLES = 20.0 + 0.05 * np.arange(60)
COUNTS = np.rint(100 + 400 * np.exp(-(((ANGLES - 21.5) / 0.3) ** 2)))


def _rows(*columns: np.ndarray, join: str = " ") -> str:
    return "\n".join(join.join(f"{value:g}" for value in row) for row in zip(*columns)) + "\n"


def _singles() -> bytes:
    return bytes(COUNTS.astype("<f4").tobytes())


def xrdml() -> bytes:
    counts = " ".join(f"{y:g}" for y in COUNTS)
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<xrdMeasurements xmlns="http://www.xrdml.com/XRDMeasurement/1.5">
<xrdMeasurement><usedWavelength intended="K-Alpha 1"><kAlpha1 unit="Angstrom">1.540598</kAlpha1>
<kAlpha2 unit="Angstrom">1.544426</kAlpha2><ratioKAlpha2KAlpha1>0.5</ratioKAlpha2KAlpha1>
</usedWavelength><scan scanAxis="Gonio"><dataPoints>
<positions axis="2Theta" unit="deg"><startPosition>{ANGLES[0]}</startPosition>
<endPosition>{ANGLES[-1]}</endPosition></positions>
<intensities unit="counts">{counts}</intensities>
</dataPoints></scan></xrdMeasurement></xrdMeasurements>
""".encode()


def raw_1() -> bytes:
    head = bytearray(152)
    struct.pack_into("<I", head, 0, len(COUNTS))
    struct.pack_into("<ffI", head, 4, 1.0, 0.05, 0)
    struct.pack_into("<f", head, 20, ANGLES[0])
    struct.pack_into("<ff", head, 68, 1.5406, 1.54439)
    return b"RAW " + bytes(head) + _singles()


def raw_2() -> bytes:
    head = bytearray(256)
    head[:4] = b"RAW2"
    struct.pack_into("<H", head, 4, 1)
    struct.pack_into("<fff", head, 190, 1.5406, 1.54439, 0.5)
    part = bytearray(48)
    struct.pack_into("<HH", part, 0, 48, len(COUNTS))
    struct.pack_into("<fff", part, 8, 1.0, 0.05, ANGLES[0])
    return bytes(head) + bytes(part) + _singles()


def raw_3() -> bytes:
    head = bytearray(712)
    head[:8] = b"RAW1.01\0"
    struct.pack_into("<II", head, 8, 1, 1)
    struct.pack_into("<dddd", head, 616, 1.5418, 1.5406, 1.54439, 1.39222)
    struct.pack_into("<d", head, 648, 0.5)
    part = bytearray(304)
    struct.pack_into("<II", part, 0, 304, len(COUNTS))
    struct.pack_into("<dd", part, 8, ANGLES[0] / 2, ANGLES[0])
    struct.pack_into("<d", part, 176, 0.05)
    struct.pack_into("<I", part, 256, 16)
    return bytes(head) + bytes(part) + bytes(16) + _singles()


def raw_4() -> bytes:
    head = bytearray(61)
    head[:8] = b"RAW4.00\0"
    hardware = bytearray(120)
    struct.pack_into("<II", hardware, 0, 30, 120)
    struct.pack_into("<ddddd", hardware, 72, 1.5418, 1.5406, 1.54439, 1.39222, 0.5)
    part = bytearray(160)
    part[32:46] = b"Locked Coupled"
    struct.pack_into("<ddI", part, 72, ANGLES[0], 0.05, len(COUNTS))
    struct.pack_into("<II", part, 136, 4, 0)
    return bytes(head) + bytes(hardware) + bytes(part) + _singles()


def _zipped(members: dict[str, str]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    return stream.getvalue()


def brml() -> bytes:
    rows = "".join(f"<Datum>1,1,{x:g},{x / 2:g},{y:g}</Datum>" for x, y in zip(ANGLES, COUNTS))
    text = f"""<?xml version="1.0"?><RawData
 xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><DataRoutes><DataRoute>{rows}<DataViews>
<RawDataView xsi:type="FixedRawDataView" Start="0" Length="1" LogicName="MeasuredTime"/>
<RawDataView xsi:type="FixedRawDataView" Start="1" Length="1" LogicName="AbsorptionFactor"/>
<RawDataView xsi:type="VaryingRawDataView" Start="2" Length="2"><Varying>
<FieldDefinitions FieldName="TwoTheta" AxisId="TwoTheta"/>
<FieldDefinitions FieldName="Theta" AxisId="Theta"/></Varying></RawDataView>
<RawDataView xsi:type="RecordedRawDataView" Start="4" Length="1"/></DataViews></DataRoute>
</DataRoutes><Tube><WaveLengthAlpha1 Unit="A" Value="1.5406"/>
<WaveLengthAlpha2 Unit="A" Value="1.54439"/><WaveLengthRatio Value="0.5"/></Tube></RawData>"""
    return _zipped({"Experiment0/RawData0.xml": text, "experimentCollection.xml": "<a/>"})


def rasx() -> bytes:
    xml = """<MeasurementConditions><XrayGenerator><WavelengthKalpha1>1.5406</WavelengthKalpha1>
<WavelengthKalpha2>1.54439</WavelengthKalpha2></XrayGenerator></MeasurementConditions>"""
    profile = _rows(ANGLES, COUNTS, np.ones(len(COUNTS)), join="\t")
    return _zipped({"Data0/Profile0.txt": profile, "Data0/MesurementConditions0.xml": xml})


def ras() -> bytes:
    head = """*RAS_DATA_START
*RAS_HEADER_START
*HW_XG_WAVE_LENGTH_ALPHA1 "1.5406"
*HW_XG_WAVE_LENGTH_ALPHA2 "1.54439"
*MEAS_SCAN_AXIS_X_INTERNAL "TwoTheta"
*RAS_HEADER_END
*RAS_INT_START
"""
    tail = "*RAS_INT_END\n*RAS_DATA_END\n"
    return (head + _rows(ANGLES, COUNTS, np.ones(len(COUNTS))) + tail).encode()


def asc() -> bytes:
    numbers = ",\n".join(f"{y:g}" for y in COUNTS)
    head = f"*TYPE\t\t=  Raw\n*BEGIN\n*START\t\t=  {ANGLES[0]}\n*STEP\t\t=  0.05\n"
    more = f"*WAVE_LENGTH1\t=  1.5406\n*WAVE_LENGTH2\t=  1.54439\n*COUNT\t\t=  {len(COUNTS)}\n"
    return (head + more + numbers + "\n*END\n*EOF\n").encode()


def uxd() -> bytes:
    head = """; C:\\DATA\\X.RAW - (Diffrac Plus V1.01 file)
_FILEVERSION=2
_SAMPLE='x'
_WL1=1.540600
_WL2=1.544390
_WLRATIO=0.500000
; (Data for Range number 1)
_DRIVE='COUPLED'
_STEPTIME=1.000000
_STEPSIZE=0.050000
"""
    numbers = " ".join(f"{y:g}" for y in COUNTS)
    return f"{head}_START={ANGLES[0]:.6f}\n_COUNTS\n{numbers}\n".encode()


def gsas_std() -> bytes:
    records = [f"{1:2d}{int(y):6d}" for y in COUNTS]
    rows = ["".join(records[n : n + 10]).ljust(80) for n in range(0, len(records), 10)]
    bank = f"BANK 1 {len(COUNTS)} {len(rows)} CONST {ANGLES[0] * 100:.2f} 5.00 0 0 STD"
    return "\n".join(["title".ljust(80), bank.ljust(80), *rows, ""]).encode()


def gsas_fxye() -> bytes:
    bank = f"BANK 1 {len(COUNTS)} {len(COUNTS)} CONS {ANGLES[0] * 100:.2f} 5.00 0 0 FXYE"
    return f"title\n{bank}\n{_rows(ANGLES * 100, COUNTS, np.sqrt(COUNTS))}".encode()


def cif() -> bytes:
    head = """data_pattern
_diffrn_radiation_wavelength 1.5406
loop_
_pd_meas_2theta_scan
_pd_meas_counts_total
"""
    return (head + _rows(ANGLES, COUNTS)).encode()


def xye() -> bytes:
    head = "# wavelength: 1.5406\n"
    return (head + _rows(ANGLES, COUNTS, np.sqrt(COUNTS))).encode()


def csv() -> bytes:
    head = (
        "[Measurement conditions]\nK-Alpha1 wavelength,1.5405980\n[Scan points]\nAngle,Intensity\n"
    )
    return (head + _rows(ANGLES, COUNTS, join=",")).encode()


def stepped() -> bytes:
    numbers = ["".join(f"{y:8g}" for y in COUNTS[n : n + 8]) for n in range(0, len(COUNTS), 8)]
    return "\n".join([f"{ANGLES[0]:g} 0.05 {ANGLES[-1]:g}", *numbers, ""]).encode()


FILES = {
    "a.xrdml": (xrdml, "XRDML"),
    "one.raw": (raw_1, "Bruker RAW version 1"),
    "two.raw": (raw_2, "Bruker RAW version 2"),
    "three.raw": (raw_3, "Bruker RAW version 3"),
    "four.raw": (raw_4, "Bruker RAW version 4"),
    "a.brml": (brml, "Bruker BRML"),
    "a.rasx": (rasx, "Rigaku RASX"),
    "a.ras": (ras, "Rigaku RAS"),
    "a.asc": (asc, "Rigaku ASC"),
    "a.uxd": (uxd, "Bruker UXD"),
    "std.gsa": (gsas_std, "GSAS"),
    "a.fxye": (gsas_fxye, "GSAS"),
    "a.cif": (cif, "powder CIF"),
    "a.xye": (xye, "columns"),
    "a.csv": (csv, "columns"),
    "a.dat": (stepped, "start, step, stop"),
}
"""By name of a file: what writes it, and as what it is read."""


def written(folder: Path, name: str) -> Path:
    """Write one of the files and return where."""
    path = folder / name
    path.write_bytes(FILES[name][0]())
    return path
