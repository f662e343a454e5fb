"""A measured scan written as the programs of calorimeters export it, for trials of the readers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Record:
    """A programme: times in s, temperatures in K, heat flow in W/g exothermic up, mass in mg."""

    times_s: Floats
    temperatures_K: Floats
    flow_W_per_g: Floats
    mass_mg: float = 8.5
    rate_K_per_min: float = 10.0


def netzsch(record: Record, *, comma: bool = False, direction: str = "-1") -> bytes:
    """Return an export of NETZSCH Proteus in Latin-1, exothermic down unless said."""
    sign = float(direction)
    rows = zip(
        record.temperatures_K - 273.15, record.times_s / 60, sign * record.flow_W_per_g, strict=True
    )
    point = "COMMA" if comma else "POINT"
    header = [
        "#EXPORTTYPE:DATA ALL",
        "#FORMAT:NETZSCH5",
        "#FTYPE:ASCII",
        "#MTYPE:DSC",
        "#SEPARATOR:SEMICOLON",
        f"#DECIMAL:{point}",
        "#INSTRUMENT:NETZSCH DSC 204F1 Phoenix",
        "#SAMPLE:glass 1",
        f"#SAMPLE MASS /mg:{record.mass_mg:g}",
        "#REFERENCE MASS /mg:0",
        "#SAMPLE CRUCIBLE MASS /mg:52.1",
        f"#EXO:{direction}",
        f"#RANGE:107°C/{record.rate_K_per_min:.1f}(K/min)/417°C",
        "#SEGMENT:S1/1",
        "",
        "##Temp./°C;Time/min;DSC/(mW/mg);Sensit./(uV/mW)",
    ]
    body = [f"{t:.5f};{m:.5f};{f:.6e};3.42446" for t, m, f in rows]
    text = "\r\n".join(header + ([one.replace(".", ",") for one in body] if comma else body))
    return (text + "\r\n").encode("latin-1")


def universal_analysis(record: Record) -> bytes:
    """Return an export of TA Universal Analysis in UTF-16, exothermic up, mW."""
    header = [
        "CLOSED",
        "Version\t2.0",
        "Instrument\tDSC Q2000 V24.11 Build 124",
        "Sample\tglass 1",
        f"Size\t{record.mass_mg:.4f}\tmg",
        "PanMass\t11.000 10.900  mg",
        "Exotherm\tUP",
        "Nsig\t3",
        "Sig1\tTime (min)",
        "Sig2\tTemperature (°C)",
        "Sig3\tHeat Flow (mW)",
        f"OrgMethod\t1: Ramp {record.rate_K_per_min:.2f} °C/min to 417.00 °C",
        "StartOfData",
    ]
    rows = zip(
        record.times_s / 60,
        record.temperatures_K - 273.15,
        record.flow_W_per_g * record.mass_mg,
        strict=True,
    )
    body = [f"{m:.7f}\t{t:.5f}\t{f:.6f}" for m, t, f in rows]
    marks = ["-2.000000\t-2.000000\t-2.000000"]
    return "\r\n".join(header + body + marks).encode("utf-16")


def trios(record: Record, *, delimiter: str = "\t") -> bytes:
    """Return an export of TA TRIOS, exothermic down, W/g, in one step."""
    d = delimiter
    header = [
        f"Filename{d}glass.tri",
        f"Instrument name{d}DSC2500",
        f"rundate{d}3/9/2026",
        "[Procedure]",
        f"Sample Name{d}glass 1",
        f"Sample Mass{d}{record.mass_mg:g} mg",
        f"Pan Mass{d}51.2 mg",
        "[Configuration]",
        f"Exotherm Direction{d}Down",
        "",
        "[step]",
        f"Ramp {record.rate_K_per_min:.2f} °C/min to 417.00 °C",
        d.join(["Time", "Temperature", "Heat Flow (Normalized)"]),
        d.join(["min", "°C", "W/g"]),
    ]
    rows = zip(
        record.times_s / 60, record.temperatures_K - 273.15, -record.flow_W_per_g, strict=True
    )
    body = [d.join([f"{m:.6f}", f"{t:.5f}", f"{f:.7f}"]) for m, t, f in rows]
    return "\n".join(header + body).encode("utf-8")


def stare(record: Record) -> bytes:
    """Return an export of Mettler STARe: one curve in mW, exothermic up."""
    header = [
        "Curve Name:",
        "  ^exo",
        "  glass 1",
        "Curve Values:",
        "         Index             t            Ts            Tr         Value",
        "                         [s]          [°C]          [°C]          [mW]",
    ]
    rows = zip(
        record.times_s,
        record.temperatures_K - 273.15,
        record.flow_W_per_g * record.mass_mg,
        strict=True,
    )
    body = [
        f"{n:14d}{s:14.4f}{t:14.5f}{t + 0.4:14.5f}{f:14.6f}" for n, (s, t, f) in enumerate(rows)
    ]
    footer = ["Results:", "Sample:", f"  glass 1, {record.mass_mg:.4f} mg", "Method: heat"]
    return "\r\n".join(header + body + footer).encode("cp1252")


def calisto(record: Record) -> bytes:
    """Return an export of Setaram Calisto: semicolons, mW, exothermic up."""
    header = [
        "Experiment name : glass 1",
        f"Mass (mg) : {record.mass_mg:g}",
        "HeatFlow : exo up",
        "Index;Time (s);Furnace Temperature (°C);Sample Temperature (°C);HeatFlow (mW)",
    ]
    rows = zip(
        record.times_s,
        record.temperatures_K - 273.15,
        record.flow_W_per_g * record.mass_mg,
        strict=True,
    )
    body = [f"{n};{s:.3f};{t + 1.5:.4f};{t:.4f};{f:.6f}" for n, (s, t, f) in enumerate(rows)]
    return "\n".join(header + body).encode("utf-8")


def pyris(record: Record) -> bytes:
    """Return an export of PerkinElmer Pyris: minutes, mW, °C; it does not say the direction."""
    header = [
        "Time,Unsubtracted Heat Flow,Baseline Heat Flow,Program Temperature,Sample Temperature"
    ]
    rows = zip(
        record.times_s / 60,
        -record.flow_W_per_g * record.mass_mg,
        record.temperatures_K - 273.15,
        strict=True,
    )
    body = [f"{m:.6f},{f:.6f},0.000000,{t + 0.2:.4f},{t:.4f}" for m, f, t in rows]
    return "\n".join(header + body).encode("utf-8")


def table(record: Record) -> bytes:
    """Return a plain table with names and units, exothermic up."""
    header = ["# sample mass 8.5 mg, exo up", "Temperature (K),Time (s),Heat flow (W/g)"]
    rows = zip(record.temperatures_K, record.times_s, record.flow_W_per_g, strict=True)
    return "\n".join(header + [f"{t:.4f},{s:.3f},{f:.7f}" for t, s, f in rows]).encode()


FORMATS = {
    "NETZSCH Proteus": netzsch,
    "TA Universal Analysis": universal_analysis,
    "TA TRIOS": trios,
    "Mettler STARe": stare,
    "text table (Calisto)": calisto,
    "PerkinElmer Pyris": pyris,
    "text table": table,
}
"""How each format is written."""
