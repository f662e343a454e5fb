"""Real files of instruments through the readers of other programs, and the cycled cell's intervals.

Needs impedance.py 1.7.1, galvani 0.5.0 and NewareNDA.
"""

from __future__ import annotations

import importlib
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from tests.cycled_cells import cell, correlated

from validation.check import Check
from vitrolyte.data.io.instruments.biologic import read_biologic_binary
from vitrolyte.data.io.instruments.cycling.read import read_cycling
from vitrolyte.data.io.instruments.impedance.read import read_impedance
from vitrolyte.laboratory.cycling.analysis import CycledCell, CyclingSettings, cycling

Floats = NDArray[np.float64]

SEEDS = 200

_COMMAND = "python -m validation laboratory_peers"
_DATA = Path(__file__).parents[1] / "tests" / "data" / "laboratory"
_SPECTRA = {
    "exampleDataBioLogic.mpt": "biologic",
    "exampleDataAutolab.txt": "autolab",
    "exampleDataCHInstruments.txt": "chinstruments",
    "exampleDataGamry.DTA": "gamry",
    "exampleDataParstat.txt": "parstat",
    "exampleDataPowersuite.txt": "powersuite",
    "exampleDataVersaStudio.par": "versastudio",
    "exampleDataZPlot.z": "zplot",
}
_RECORDS = ("00_test_02_MB_C01.mpr", "00_test_04_MB_C01.mpr")
_COLUMNS = {"time": "time/s", "Ewe": "Ewe/V", "I": "I/mA", "(Q-Qo)": "(Q-Qo)/mA.h", "Ns": "Ns"}


def spectra_beside_impedance_py() -> tuple[Check, ...]:
    """Return, for each file, the largest relative difference from impedance.py's reader."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        preprocessing: Any = importlib.import_module("impedance.preprocessing")
    found = []
    for name, instrument in _SPECTRA.items():
        frequency, theirs = preprocessing.readFile(str(_DATA / "impedance" / name), instrument)
        (ours,) = read_impedance(_DATA / "impedance" / name)
        apart = _apart(ours.curve.x, frequency), _apart(ours.curve.y, theirs)
        found.append(_same(f"{name}: impedance.py, {len(frequency)} points", max(apart)))
    return tuple(found)


def records_beside_galvani() -> tuple[Check, ...]:
    """Return, for each binary record of EC-Lab, the largest difference from galvani's reader."""
    galvani: Any = importlib.import_module("galvani.BioLogic")
    found = []
    for name in _RECORDS:
        path = _DATA / "cycling" / name
        theirs, ours = galvani.MPRfile(str(path)).data, read_biologic_binary(path)
        apart = [_apart(ours.need(own).values, theirs[their]) for own, their in _COLUMNS.items()]
        found.append(_same(f"{name}: galvani, {len(theirs)} records", max(apart)))
    return tuple(found)


def records_beside_newarenda() -> tuple[Check, ...]:
    """Return, for each Neware file, the difference of voltage and current from NewareNDA."""
    neware: Any = importlib.import_module("NewareNDA")
    found = []
    for name in ("test.nda", "test.ndax"):
        path = _DATA / "cycling" / name
        theirs, ours = neware.read(str(path), log_level="ERROR"), read_cycling(path)
        apart = (
            _apart(ours.voltage_V, theirs["Voltage"].to_numpy(float)),
            _apart(1e3 * ours.current_A, theirs["Current(mA)"].to_numpy(float)),
        )
        found.append(_same(f"{name}: NewareNDA, {len(theirs)} records", max(apart)))
    return tuple(found)


def _apart(ours: NDArray[Any], theirs: NDArray[Any]) -> float:
    """Return the largest difference over the largest size; infinite where lengths differ."""
    if len(ours) != len(theirs):
        return float("inf")
    return float(np.max(np.abs(ours - theirs)) / max(float(np.max(np.abs(theirs))), 1e-30))


def _same(name: str, apart: float) -> Check:
    # single precision is what the binary formats hold
    return Check.within(name, 0.0, apart, bounds=(0.0, 1e-6), command=_COMMAND)


def cycled_cells() -> tuple[Check, ...]:
    """Return how often the intervals of fade and mean efficiency hold the truth."""
    return tuple(check for rho in (0.0, 0.6, 0.9) for check in _coverage(rho))


def _coverage(rho: float) -> tuple[Check, ...]:
    fades = means = 0
    for seed in range(SEEDS):
        rng = np.random.default_rng(seed)
        down = 2.0 - 0.003 * np.arange(61) + 0.004 * correlated(rho, 61, rng)
        efficiency = 0.995 + 0.001 * correlated(rho, 61, rng)
        found = cycling(cell((down / efficiency).tolist(), down.tolist()), CyclingSettings())
        assert isinstance(found, CycledCell)
        truth = 0.003 / (2.0 - 0.003)
        fades += found.fade.low <= truth <= found.fade.high
        means += found.mean_efficiency.low <= 0.995 <= found.mean_efficiency.high
    bounds = tuple(float(stats.binom.ppf(share, SEEDS, 0.95)) / SEEDS for share in (5e-4, 0.9995))
    return tuple(
        Check.within(
            f"{word}, correlation {rho:g} from cycle to cycle: 95 % intervals that hold the truth",
            0.95,
            count / SEEDS,
            bounds=(bounds[0], 1.0),
            command=_COMMAND,
        )
        for word, count in (("fade of capacity", fades), ("mean efficiency", means))
    )
