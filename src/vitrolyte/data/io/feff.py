"""FEFF8L: its input, its programs as processes of their own, and what they write.

Each cluster has a folder of its own, named by the hash of its input and of the programs. A folder
appears whole or not at all, so that a killed run is taken up where it stopped and nothing is
computed twice.

References
----------
Rehr & Albers, Rev. Mod. Phys. 72, 621 (2000), doi:10.1103/RevModPhys.72.621;
Newville, J. Synchrotron Rad. 8, 322 (2001), doi:10.1107/S0909049500016964.
"""

from __future__ import annotations

import hashlib
import importlib.util
import logging
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vitrolyte.data.absorption import Cluster, FineStructure, ScatteringPath
from vitrolyte.data.elements import atomic_number
from vitrolyte.data.errors import EngineError, InputError, MachineError, MissingExtra
from vitrolyte.data.io.files import read_text, storage, write_text

Floats = NDArray[np.float64]

CITATIONS = ("10.1103/RevModPhys.72.621", "10.1107/S0909049500016964")
MODULES = ("rdinp", "pot", "xsph", "pathfinder", "genfmt", "ff2x")
MOST_ATOMS = 1000
"""Dimension of FEFF8L's list of atoms."""

_FOLDERS = {"linux": "linux64", "darwin": "darwin64", "win32": "win64"}
_KEPT = ("feff.inp", "chi.dat", "files.dat", "screen.txt")
_EDGES = ("K", "L1", "L2", "L3", "M1", "M2", "M3", "M4", "M5")
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class FeffSettings:
    """What FEFF is asked to compute.

    Attributes
    ----------
    edge
        Absorption edge: ``K``, ``L3`` ...
    path_radius_A
        Longest half path length, Å.
    legs
        Most legs of a path; 2 is single scattering.
    scf_radius_A
        Radius of the cluster in which the potentials are made self-consistent, Å; None overlaps
        the potentials of free atoms, which is the usual choice for EXAFS.
    k_max
        Largest wave number, 1/Å.
    debye_waller_A2
        One mean square relative displacement for all paths, Å²; 0 for snapshots, which bring
        their own disorder.
    weakest_path_percent
        Paths weaker than this share of the strongest one are left out, %; 4 is FEFF's own choice
        and costs a few per cent of chi at low k.

    Raises
    ------
    InputError
        If a setting is outside what FEFF8L can do.
    """

    edge: str = "K"
    path_radius_A: float = 6.0
    legs: int = 4
    scf_radius_A: float | None = None
    k_max: float = 20.0
    debye_waller_A2: float = 0.0
    weakest_path_percent: float = 4.0

    def __post_init__(self) -> None:
        scf = self.scf_radius_A is None or self.scf_radius_A > 0
        sizes = self.path_radius_A > 0 and 0 < self.k_max <= 20 and self.debye_waller_A2 >= 0
        sizes = sizes and 0 <= self.weakest_path_percent < 100
        if self.edge not in _EDGES or not 2 <= self.legs <= 8 or not (scf and sizes):
            raise InputError(
                f"FEFF8L needs an edge of {', '.join(_EDGES)}, 2 to 8 legs, positive radii, "
                "k up to 20 1/Å, a mean square displacement that is not negative and a weakest "
                "path of 0 to 100 %",
                received=str(self),
            )


@dataclass(frozen=True)
class Feff:
    """FEFF8L with a folder for its work; the fine structure of any cluster, kept for next time.

    Attributes
    ----------
    folder
        Where one folder for each cluster is kept.
    settings
        What is computed.
    timeout_s
        Longest time for one of the six programs.
    workers
        How many clusters are computed side by side.
    programs
        Where the programs are; None for those that come with xraylarch.
    """

    folder: Path
    settings: FeffSettings = field(default_factory=FeffSettings)
    timeout_s: float = 900.0
    workers: int = 1
    programs: Path | None = None

    def spectra(self, clusters: Sequence[Cluster]) -> tuple[FineStructure, ...]:
        """Return the fine structure of each cluster, computing only what is not known yet.

        Raises
        ------
        MissingExtra
            If FEFF8L is not installed.
        EngineError
            If FEFF stops without a result, or takes too long; the folder and the end of its
            screen are in the error.
        InputError
            If a cluster has more atoms or species than FEFF8L can hold.
        """
        programs = found_programs(self.programs)
        with ThreadPoolExecutor(max_workers=max(1, self.workers)) as pool:
            texts = [feff_input(cluster, self.settings) for cluster in clusters]
            folders = pool.map(lambda text: self._finished(text, programs), texts)
            return tuple(read_chi(folder / "chi.dat") for folder in folders)

    def paths(self, cluster: Cluster) -> tuple[ScatteringPath, ...]:
        """Return the scattering paths of one cluster in FEFF's order, shortest first.

        Raises
        ------
        MissingExtra, EngineError, InputError
            As `spectra`.
        """
        text = feff_input(cluster, self.settings, paths=True)
        folder = self._finished(text, found_programs(self.programs))
        return tuple(read_path(path) for path in sorted(folder.glob("feff[0-9]*.dat")))

    def _finished(self, text: str, programs: tuple[Path, ...]) -> Path:
        key = hashlib.sha256((text + _identity(programs)).encode()).hexdigest()[:24]
        folder = self.folder / key
        if not (folder / "chi.dat").is_file():
            self._compute(folder, text, programs)
        return folder

    def _compute(self, folder: Path, text: str, programs: tuple[Path, ...]) -> None:
        with storage(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            work = Path(tempfile.mkdtemp(dir=self.folder, prefix=f"running-{folder.name[:8]}-"))
        write_text(work / "feff.inp", text)
        for program in programs:
            _run(program, work, self.timeout_s)
        if not (work / "chi.dat").is_file():
            raise _failure(work, "it ended without chi.dat")
        try:
            read_chi(work / "chi.dat")
        except InputError as fault:
            raise _failure(work, "its chi.dat is not complete") from fault
        with storage(folder):
            _keep_results(work)
            try:
                work.rename(folder)
            except OSError:
                # Another process finished the same cluster first; both results are the same.
                if not (folder / "chi.dat").is_file():
                    raise
                shutil.rmtree(work)


def found_programs(folder: Path | None = None) -> tuple[Path, ...]:
    """Return FEFF8L's six programs in the order in which they run.

    Raises
    ------
    MissingExtra
        If there are none.
    MachineError
        If they are there but may not be started.
    """
    place = folder or _bundled()
    ending = ".exe" if sys.platform == "win32" else ""
    programs = tuple(place / f"feff8l_{name}{ending}" for name in MODULES) if place else ()
    if not programs or not all(program.is_file() for program in programs):
        raise MissingExtra(
            "The fine structure of a cluster is computed by the programs of FEFF8L",
            received=f"none at {place}" if place else "xraylarch, which carries them, is missing",
            remedy="pip install 'vitrolyte[exafs]'",
        )
    barred = [program for program in programs if not os.access(program, os.X_OK)]
    if barred:
        raise MachineError(
            "The programs of FEFF8L must be executable",
            received=f"{barred[0]} is not",
            remedy=f"chmod +x {barred[0].parent}/feff8l_*",
        )
    return programs


def _bundled() -> Path | None:
    # The package itself is slow to import and is not needed: only the place where it lies.
    package = importlib.util.find_spec("larch")
    if package is None or not package.submodule_search_locations:
        return None
    platform = _FOLDERS.get(sys.platform)
    return Path(package.submodule_search_locations[0]) / "bin" / platform if platform else None


@cache
def _identity(programs: tuple[Path, ...]) -> str:
    digest = hashlib.sha256()
    for program in programs:
        digest.update(program.read_bytes())
    return digest.hexdigest()


def _run(program: Path, work: Path, timeout_s: float) -> None:
    log.debug("starting %s in %s", program, work)
    try:
        with (work / "screen.txt").open("ab") as screen:
            ended = subprocess.run(
                [str(program)],
                cwd=work,
                stdin=subprocess.DEVNULL,
                stdout=screen,
                stderr=subprocess.STDOUT,
                timeout=timeout_s,
                check=False,
            )
    except subprocess.TimeoutExpired:
        raise _failure(work, f"{program.name} took more than {timeout_s:g} s") from None
    except OSError as fault:
        raise MachineError(
            "The programs of FEFF8L must start",
            received=f"{program}: {fault.strerror}",
            remedy="reinstall with pip install --force-reinstall 'vitrolyte[exafs]'",
        ) from fault
    if ended.returncode != 0:
        raise _failure(work, f"{program.name} ended with status {ended.returncode}")


def _failure(work: Path, reason: str) -> EngineError:
    end = (work / "screen.txt").read_text(encoding="utf-8", errors="replace")[-600:].strip()
    return EngineError(
        "FEFF8L must finish its work",
        received=f"{reason}; last words: {end[-200:] or 'none'}",
        remedy=f"read {work}/screen.txt; look for overlapping atoms, fewer legs or a shorter "
        "path_radius_A, or allow more timeout_s",
        folder=work,
        log_tail=end,
    )


def _keep_results(work: Path) -> None:
    for path in work.iterdir():
        if path.name not in _KEPT and not path.match("feff[0-9]*.dat"):
            path.unlink()


def feff_input(cluster: Cluster, settings: FeffSettings, *, paths: bool = False) -> str:
    """Return the text of ``feff.inp``: one potential for the absorber and one for each element.

    With ``paths`` FEFF writes the tables of every path too.

    Raises
    ------
    InputError
        If the cluster has more than 1000 atoms.
    """
    if len(cluster.elements) > MOST_ATOMS:
        raise InputError(
            f"FEFF8L holds at most {MOST_ATOMS} atoms",
            received=f"{len(cluster.elements)}",
            remedy="choose a smaller radius of the cluster",
        )
    kinds = {element: n + 1 for n, element in enumerate(dict.fromkeys(cluster.elements[1:]))}
    absorber = cluster.elements[0]
    potentials = [f"  0 {atomic_number(absorber):4d} {absorber}"]
    potentials += [f"{n:3d} {atomic_number(element):4d} {element}" for element, n in kinds.items()]
    numbers = [0, *(kinds[element] for element in cluster.elements[1:])]
    atoms = [
        f"{x:14.6f}{y:14.6f}{z:14.6f} {kind:3d}"
        for (x, y, z), kind in zip(cluster.positions, numbers)
    ]
    cards = [*_cards(settings, paths), "POTENTIALS", *potentials, "ATOMS", *atoms, "END"]
    return "\n".join(cards) + "\n"


def _cards(settings: FeffSettings, paths: bool) -> list[str]:
    cards = [
        "TITLE vitrolyte",
        f"EDGE {settings.edge}",
        "S02 1.0",
        "CONTROL 1 1 1 1 1 1",
        f"PRINT 0 0 0 0 0 {3 if paths else 0}",
        "EXCHANGE 0",
        f"RPATH {settings.path_radius_A:.4f}",
        f"NLEG {settings.legs}",
        # FEFF's own ratio of the estimate by plane waves to that by curved waves is 2.5 to 4.
        f"CRITERIA {settings.weakest_path_percent:.3f} {0.625 * settings.weakest_path_percent:.3f}",
        f"EXAFS {settings.k_max:.2f}",
    ]
    if settings.scf_radius_A is not None:
        cards.append(f"SCF {settings.scf_radius_A:.4f}")
    if settings.debye_waller_A2:
        cards.append(f"SIG2 {settings.debye_waller_A2:.6f}")
    return cards


def read_chi(path: Path) -> FineStructure:
    """Return the fine structure that FEFF wrote to ``chi.dat``.

    Raises
    ------
    InputError
        If the file is missing, truncated or no such file.
    """
    lines = read_text(path).splitlines()
    heads = [line for line in lines if line.startswith("#")]
    rows = [line.split() for line in lines if line.strip() and not line.startswith("#")]
    try:
        numbers = np.array([[float(word) for word in row[:2]] for row in rows])
        threshold = next(_number(line, "Mu=") for line in heads if "Mu=" in line)
        k, chi = numbers.T
    except (ValueError, StopIteration) as fault:
        raise InputError(f"{path} must be FEFF's chi.dat", received=str(fault)) from fault
    if len(k) < 2 or np.any(np.diff(k) <= 0) or not np.isfinite(numbers).all():
        raise InputError(f"{path} must hold chi at rising k", received=f"{len(k)} rows")
    return FineStructure(k, chi, threshold)


def _number(line: str, name: str) -> float:
    return float(line.split(name, 1)[1].split()[0])


def read_path(path: Path) -> ScatteringPath:
    """Return the scattering path that FEFF wrote to ``feffNNNN.dat``.

    Raises
    ------
    InputError
        If the file is missing, truncated or no such file.
    """
    lines = read_text(path).splitlines()
    try:
        rule = next(n for n, line in enumerate(lines) if line.strip().startswith("-----"))
        legs, degeneracy, reference = lines[rule + 1].split()[:3]
        atoms = [line.split()[5] for line in lines[rule + 3 : rule + 3 + int(legs)]]
        head = next(n for n, line in enumerate(lines) if "real[2*phc]" in line)
        table = np.array([[float(w) for w in line.split()[:7]] for line in lines[head + 1 :]]).T
        k, centre, size, phase, reduction, mean_free, momentum = table
    except (StopIteration, ValueError, IndexError) as fault:
        raise InputError(f"{path} must be FEFF's feffNNNN.dat", received=str(fault)) from fault
    return ScatteringPath(
        elements=tuple(atoms),
        reference_A=float(reference),
        degeneracy=float(degeneracy),
        k=k,
        amplitude=size * reduction,
        phase=centre + phase,
        mean_free_path=mean_free,
        momentum=momentum,
    )
