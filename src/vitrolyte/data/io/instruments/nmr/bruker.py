"""Bruker experiments: processed spectra, decays, and series of decays over a delay."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vitrolyte.data.curve import Axis, Curve
from vitrolyte.data.errors import InputError
from vitrolyte.data.io.instruments.nmr.bruker_parameters import Parameters, read_parameters
from vitrolyte.data.io.instruments.nmr.free_decay import (
    INTENSITY,
    MOST_POINTS,
    SHIFT,
    Receiver,
    flaws,
    spectrum_of,
    strengths,
)
from vitrolyte.data.measurement import Conditions, Measurement

Floats = NDArray[np.float64]
Complex = NDArray[np.complex128]

_BLOCK_BYTES = 1024
_DELAY = re.compile(r"^([+-]?\d*\.?\d+(?:[eE][+-]?\d+)?)\s*(s|m|u|n)?$")
_SUFFIXES = {"": 1.0, "s": 1.0, "m": 1e-3, "u": 1e-6, "n": 1e-9}
_LISTS = ("vdlist", "vplist")
_DECAY = Axis("delay", "s")


def bruker_files(path: Path) -> tuple[Path, ...] | None:
    """Return the data file that a path stands for and the parameters beside it, or None.

    A path may be the data (``1r``, ``fid``, ``ser``), or the folder of a processed spectrum or of
    an experiment; a processed spectrum is preferred.
    """
    data = _data_file(path)
    if data is None:
        return None
    experiment = data.parents[2] if data.name == "1r" else data.parent
    names = {"1r": ["procs", "1i"], "fid": [], "ser": ["acqu2s", *_LISTS]}[data.name]
    beside = [data.parent / name for name in names] + [experiment / "acqus"]
    return data, *(one for one in beside if one.is_file())


def _data_file(path: Path) -> Path | None:
    if path.is_dir():
        if (path / "ser").is_file():
            return path / "ser"
        folders = (
            [path, *sorted((path / "pdata").glob("*"))] if (path / "pdata").is_dir() else [path]
        )
        found = [folder / "1r" for folder in folders if (folder / "1r").is_file()]
        found += [path / "fid"] if (path / "acqus").is_file() and (path / "fid").is_file() else []
        return found[0] if found else None
    if path.name in ("acqus", "acqu", "procs", "proc"):
        return _data_file(path.parent)
    if path.name == "1r":
        return path
    known = path.name in ("fid", "ser") and (path.parent / "acqus").is_file()
    return path if known else None


def read_bruker(path: Path) -> tuple[Measurement, ...]:
    """Return the spectrum, or the recovery, of a Bruker experiment.

    Raises
    ------
    InputError
        If parameters are missing, or the data are shorter or longer than they say.
    """
    files = bruker_files(path)
    if files is None:
        raise InputError(
            "A Bruker experiment is a folder with acqus and fid or ser, or with procs and 1r",
            received=f"{path}",
        )
    data = files[0]
    experiment = data.parents[2] if data.name == "1r" else data.parent
    acqus = experiment / "acqus"
    if data.name == "1r":
        taken = read_parameters(acqus) if acqus.is_file() else Parameters({}, str(acqus))
        return (_processed(data, taken),)
    taken = read_parameters(acqus)
    decays, whole = _decays(data, taken)
    if data.name == "ser":
        return (_recovery(data, decays, taken),)
    return (_transformed(data, decays[0], taken, whole),)


def _conditions(taken: Parameters, larmor_MHz: float | None) -> Conditions:
    """Return temperature, spinning rate, frequency and recycle delay as far as they make sense."""
    spinning, temperature = taken.known("MASR"), taken.known("TE")
    recycle = taken.listed("D", 1)
    return Conditions(
        temperature_K=temperature if temperature and temperature > 0 else None,
        spinning_kHz=spinning / 1e3 if spinning and spinning > 0 else None,
        larmor_MHz=larmor_MHz,
        recycle_s=recycle if recycle and recycle > 0 else None,
    )


def _name(path: Path) -> str:
    """Return the last folders of a data file, by which people know it."""
    depth = 4 if path.name == "1r" else 2
    return "/".join(path.parts[-depth:])


def _numbers(path: Path, kind: float, order: float) -> Floats:
    """Return all numbers of a data file: 4-byte integers (0) or 8-byte floats (2)."""
    size = path.stat().st_size
    width = 8 if kind == 2 else 4
    if size == 0 or size % width or size // width > MOST_POINTS * 8:
        raise InputError(f"{path} must hold numbers of {width} bytes", received=f"{size} bytes")
    end = ">" if order == 1 else "<"
    values = np.fromfile(path, dtype=f"{end}f8" if kind == 2 else f"{end}i4").astype(float)
    if not np.all(np.isfinite(values)):
        raise InputError(f"{path} must hold finite numbers", received="NaN or infinity")
    return values


def _processed(path: Path, taken: Parameters) -> Measurement:
    processed = read_parameters(path.parent / "procs")
    size, larmor = processed.number("SI"), processed.number("SF")
    width, left = processed.number("SW_P"), processed.number("OFFSET")
    kind = processed.known("DTYPP") or 0.0
    if not (larmor > 0 and width > 0 and size >= 2):
        raise InputError(
            f"{processed.file} must state SI, SF and SW_p above zero",
            received=f"SI {size}, SF {larmor}, SW_p {width}",
        )
    scale = processed.known("NC_PROC") or 0.0
    if abs(scale) > 100:
        raise InputError(f"{processed.file} must state a power NC_proc of two", received=f"{scale}")
    order = processed.known("BYTORDP") or 0.0
    parts = [_numbers(path, kind, order)]
    if (path.parent / "1i").is_file():
        parts.append(_numbers(path.parent / "1i", kind, order))
    if any(len(part) != size for part in parts):
        raise InputError(
            f"{path} must hold as many points as procs says, {size:g}",
            received=f"{[len(part) for part in parts]}: cut short, or not of this experiment",
        )
    y: Any = (parts[0] + 1j * parts[1] if len(parts) == 2 else parts[0]) * 2.0**scale
    ppm = np.asarray(left - np.arange(len(parts[0])) * width / larmor / size, dtype=float)
    curve = Curve(ppm[::-1], y[::-1], SHIFT, INTENSITY, None, taken.text("NUC1"))
    conditions = _conditions(taken, larmor)
    notes = ("processed by the spectrometer's program",)
    return Measurement(curve, conditions, _name(path), "Bruker 1r", "", notes)


def _decays(path: Path, taken: Parameters) -> tuple[Complex, bool]:
    """Return the decays of a file, (n_decays, n_points), and whether they are whole numbers."""
    kind = taken.known("DTYPA") or 0.0
    values = _numbers(path, kind, taken.known("BYTORDA") or 0.0)
    count = int(taken.number("TD"))
    width = 8 if kind == 2 else 4
    if count < 4 or count > MOST_POINTS or count % 2:
        raise InputError(
            f"{taken.file} must state an even number TD of points", received=f"{count}"
        )
    padded = count
    if path.name == "ser":
        padded = math.ceil(count * width / _BLOCK_BYTES) * _BLOCK_BYTES // width
    rows = len(values) // padded
    if rows < 1 or len(values) % padded or (path.name == "fid" and rows != 1):
        raise InputError(
            f"{path} must hold decays of {count} numbers, as acqus says",
            received=f"{len(values)} numbers: cut short, or not of this experiment",
        )
    blocks = values.reshape(rows, padded)[:, :count]
    return np.asarray(blocks[:, 0::2] + 1j * blocks[:, 1::2]), kind != 2


def _lead(taken: Parameters) -> float:
    lead = taken.known("GRPDLY")
    if lead is not None and lead > 0:
        return lead
    if (taken.known("DECIM") or 1.0) > 1 and (taken.known("DIGMOD") or 0.0) > 0:
        raise InputError(
            f"{taken.file} must state the delay of the digital filter, GRPDLY",
            received=f"{lead}",
            remedy="process the spectrum on the spectrometer and give the file 1r",
        )
    return 0.0


def _transformed(path: Path, decay: Complex, taken: Parameters, whole: bool) -> Measurement:
    larmor = taken.number("BF1")
    offset = taken.known("O1") or 0.0
    receiver = Receiver(taken.number("SW_H"), offset / larmor, larmor, _lead(taken))
    curve = spectrum_of(decay, receiver)
    named = Curve(curve.x, curve.y, curve.x_axis, curve.y_axis, None, taken.text("NUC1"))
    skipped = int(receiver.lead) + 1 if receiver.lead else 0
    notes = ("transformed and phased here; shifts are not referenced beyond BF1",
             *flaws(decay[skipped:], whole_numbers=whole))  # fmt: skip
    return Measurement(named, _conditions(taken, larmor), _name(path), "Bruker fid", "", notes)


def _recovery(path: Path, decays: Complex, taken: Parameters) -> Measurement:
    delays = _delays(path)
    if len(delays) > len(decays):
        delays = delays[: len(decays)]
    if len(delays) < len(decays):
        raise InputError(
            f"The list of delays beside {path} must have one for each decay",
            received=f"{len(delays)} delays, {len(decays)} decays",
        )
    order = np.argsort(delays, kind="stable")
    curve = Curve(delays[order], strengths(decays)[order], _DECAY, INTENSITY, None, "signal")
    known = _conditions(taken, taken.number("BF1"))
    notes = ("the strength of each decay, by projection on the strongest",)
    return Measurement(curve, known, _name(path), "Bruker ser", "", notes)


def _delays(path: Path) -> Floats:
    """Return the delays of a series, s."""
    source = next((path.parent / n for n in _LISTS if (path.parent / n).is_file()), None)
    if source is None:
        raise InputError(
            f"The delays of {path} must lie beside it, in vdlist or vplist",
            received="neither",
        )
    found = []
    for number, line in enumerate(source.read_text(encoding="latin-1").splitlines(), start=1):
        if not line.strip():
            continue
        match = _DELAY.match(line.strip())
        if match is None:
            raise InputError(
                f"{source} must hold one delay in each line, as 0.5 or 500m",
                received=f"line {number}: {line.strip()[:40]!r}",
            )
        # A list of pulses is in microseconds where it says no unit.
        bare = 1e-6 if source.name == "vplist" else 1.0
        found.append(
            float(match.group(1)) * (_SUFFIXES[match.group(2)] if match.group(2) else bare)
        )
    return np.array(found)
