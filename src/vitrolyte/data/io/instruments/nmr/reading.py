"""Whatever a spectrometer or a table left, read by what it contains."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from vitrolyte.data.errors import InputError
from vitrolyte.data.io.instruments.nmr.bruker import bruker_files, read_bruker
from vitrolyte.data.io.instruments.nmr.jcamp import is_jcamp, read_jcamp
from vitrolyte.data.io.instruments.nmr.relaxation_tables import read_relaxation_table
from vitrolyte.data.io.instruments.nmr.spectrum_tables import read_spectrum_table
from vitrolyte.data.io.instruments.nmr.varian import read_varian, varian_files
from vitrolyte.data.measurement import Measurement

_LARGEST = 1e100


def read_relaxation(path: Path) -> tuple[Measurement, ...]:
    """Return rates over temperature or recoveries, of a table or of a spectrometer's series.

    Raises
    ------
    InputError
        If the file is none that is known, or holds a spectrum.
    """
    with np.errstate(all="ignore"):
        found = _of_spectrometer(path)
        if found is None:
            return _finite(read_relaxation_table(path))
    if any(one.curve.x_axis.name != "delay" for one in found):
        raise InputError(
            f"{path} must hold a series over a delay",
            received=f"one spectrum ({found[0].format})",
            remedy="give ser with its vdlist, or a table; a spectrum is for 'lineshape'",
        )
    return found


def read_spectra(path: Path, *, axis_unit: str = "") -> tuple[Measurement, ...]:
    """Return spectra (over shift or frequency), or line widths over temperature.

    Parameters
    ----------
    axis_unit
        ``ppm``, ``Hz`` or ``kHz``, for a table that does not say it.

    Raises
    ------
    InputError
        If the file is none that is known, or holds a series over a delay.
    """
    with np.errstate(all="ignore"):
        found = _of_spectrometer(path)
        if found is None:
            return _finite(read_spectrum_table(path, axis_unit=axis_unit))
    if any(one.curve.x_axis.name == "delay" for one in found):
        raise InputError(
            f"{path} must hold a spectrum",
            received=f"a series over a delay ({found[0].format})",
            remedy="a series is for 'slr'",
        )
    return found


def files_behind(path: Path) -> tuple[Path, ...]:
    """Return every file that is read for a path: the data and the parameters beside them.

    Raises
    ------
    InputError
        If the path is a folder without an experiment, or nothing.
    """
    found = bruker_files(path) or varian_files(path)
    if found is not None:
        return found
    if path.is_dir():
        raise InputError(
            f"The folder {path} must hold an NMR experiment",
            received="neither Bruker's acqus with fid, ser or pdata, nor Varian's procpar with fid",
        )
    return (path,)


def _of_spectrometer(path: Path) -> tuple[Measurement, ...] | None:
    files_behind(path)
    if bruker_files(path) is not None:
        return _finite(read_bruker(path))
    if varian_files(path) is not None:
        return _finite(read_varian(path))
    return _finite(read_jcamp(path)) if is_jcamp(path) else None


def _finite(found: tuple[Measurement, ...]) -> tuple[Measurement, ...]:
    """Return measurements all of whose numbers are finite, and whose sums of squares are."""
    for one in found:
        curve = one.curve
        columns = [curve.x, np.abs(curve.y)]
        columns += [] if curve.y_error is None else [curve.y_error]
        if any(not np.all(np.abs(column) < _LARGEST) for column in columns):
            raise InputError(
                f"{one.name} must hold finite numbers", received=f"some above {_LARGEST:g}, or NaN"
            )
    return found
