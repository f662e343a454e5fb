"""Made-up files of spectrometers for the tests of their readers."""

from __future__ import annotations

from pathlib import Path

import numpy as np


def decay(
    n: int = 1024, offset: float = 0.07, rate: float = 0.01, phase: float = 0.4
) -> np.ndarray:
    """Return a decay at an offset in turns a point, with a phase."""
    t = np.arange(n)
    return np.asarray(np.exp(2j * np.pi * offset * t - rate * t + 1j * phase))


def interleaved(values: np.ndarray, scale: float = 1e6) -> np.ndarray:
    """Return real and imaginary parts in turn, as whole numbers."""
    flat = np.empty(2 * values.size)
    flat[0::2], flat[1::2] = values.real.ravel(), values.imag.ravel()
    return np.round(flat * scale).astype(np.int64)


def bruker_folder(folder: Path, series: np.ndarray, delays: str = "") -> Path:
    """Write an experiment with one decay, or several with their list of delays."""
    folder.mkdir(parents=True)
    points = 2 * series.shape[-1]
    text = (
        "##TITLE= x\n##$TD= {td}\n##$BYTORDA= 0\n##$DTYPA= 0\n##$SW_h= 20000\n##$BF1= 155.5\n"
        "##$O1= 311\n##$NUC1= <7Li>\n##$TE= 313\n##$MASR= 15000\n##$GRPDLY= 0\n"
        "##$D= (0..3)\n0 5.0 0 0\n##END=\n"
    )
    (folder / "acqus").write_text(text.format(td=points))
    if series.ndim == 1:
        interleaved(series).astype("<i4").tofile(folder / "fid")
        return folder
    padded = -(-points * 4 // 1024) * 256
    rows = np.zeros((len(series), padded), dtype="<i4")
    for row, one in zip(rows, series):
        row[:points] = interleaved(one)
    rows.tofile(folder / "ser")
    (folder / "vdlist").write_text(delays)
    return folder


def varian_folder(folder: Path, values: np.ndarray) -> Path:
    """Write a Varian experiment with one decay."""
    folder.mkdir(parents=True)
    points = 2 * len(values)
    size = points * 4
    head = np.array([1, 1, points, 4, size, size + 28], ">i4").tobytes()
    head += np.array([0, 0x1 | 0x4 | 0x10], ">i2").tobytes() + np.array([1], ">i4").tobytes()
    body = bytes(28) + interleaved(values).astype(">i4").tobytes()
    (folder / "fid").write_bytes(head + body)
    entries = {"sw": "20000", "sfrq": "155.5", "reffrq": "155.5", "rfl": "10000", "rfp": "311",
               "temp": "40", "d1": "5"}  # fmt: skip
    lines = [f"{name} 1 1 1 0 0 2 1 0 1 64\n1 {value}\n0\n" for name, value in entries.items()]
    lines.append('tn 2 2 4 0 0 2 1 0 1 64\n1 "Li7"\n0\n')
    (folder / "procpar").write_text("".join(lines))
    return folder


JCAMP_PLAIN = """##TITLE= x
##JCAMP-DX= 5.00
##DATA TYPE= NMR SPECTRUM
##.OBSERVE FREQUENCY= 100.0
##.OBSERVE NUCLEUS= ^7Li
##XUNITS= HZ
##YUNITS= ARBITRARY UNITS
##FIRSTX= 1000
##LASTX= 300
##XFACTOR= 1
##YFACTOR= 0.5
##NPOINTS= 8
##XYDATA= (X++(Y..Y))
{table}
##END=
"""
# 10 11 12 13, 13 13 5 -2: the same in every form; after a line of differences its last value again.
JCAMP_TABLES = {
    "plain": "1000 10 11 12 13\n600 13 13 5 -2",
    "packed": "1000+10+11+12+13\n600+13+13+5-2",
    "squeezed": "1000A0A1A2A3\n600A3A3Eb",
    "differences": "1000A0JJJ\n600A3%%q\n300Ep\n300b",
    "repeated": "1000A0JU\n600A3%Tq\n300Ep\n300b",
}
