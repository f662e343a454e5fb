"""Peak memory of the transport analysis of a long trajectory that lies on disk.

Each program is a process of its own: ``python -m benchmarks.memory WHO STORE`` prints its peak,
bytes, and its answer.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import warnings
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.race import Contestant, Race, Shot, Work, workspace
from vitrolyte.data.io.chunks import TrajectoryStore, open_trajectory
from vitrolyte.data.trajectory import Frames

STEP_PS = 0.1
STEP_A = 0.1
_LAG = 10
_BLOCK = 64
_MEGA = 1e6


def races(*, tiny: bool) -> tuple[Race, ...]:
    """Return the memory race: 600 atoms in 20000 frames."""
    atoms, frames = (30, 200) if tiny else (600, 20000)
    store = workspace() / "long.zarr"
    ours = Contestant("Vitrolyte transport, default buffers (1024 MB)", _who("ours", store))
    theirs = Contestant(
        "MDAnalysis EinsteinMSD(fft=True), trajectory in memory",
        _who("mdanalysis", store),
        package="MDAnalysis tidynamics",
    )
    others = (
        Contestant("Vitrolyte transport, buffers of 128 MB", _who("ours-128", store)),
        Contestant("Vitrolyte, opening the trajectory only", _who("open", store)),
    )
    size = atoms * frames * 12 / _MEGA
    _write(store, atoms, frames)
    return (
        Race(
            job=f"Peak memory: {atoms} atoms, {frames} frames, {size:.3g} MB in single precision",
            unit="MB of the whole process",
            answer=f"MSD of Li at lag {_LAG}, Å² (truth {3 * STEP_A**2 * _LAG:g})",
            contestants=(ours, theirs) if tiny else (ours, *others, theirs),
            rounds=1,
            per=_MEGA,
            idle_turn=False,
        ),
    )


def _write(path: Path, atoms: int, frames: int) -> None:
    """Write walks of steps of 0.1 Å along each axis, a block at a time."""
    draws = np.random.default_rng(5)
    store = TrajectoryStore.create(path, ("Li",) * atoms, velocities=False)
    place = draws.random((1, atoms, 3)) * 20.0
    for start in range(0, frames, _BLOCK):
        count = min(_BLOCK, frames - start)
        walk = place + np.cumsum(draws.normal(scale=STEP_A, size=(count, atoms, 3)), axis=0)
        place = walk[-1:]
        cells = np.broadcast_to(np.eye(3) * 20.0, (count, 3, 3))
        times = np.arange(float(start), start + count) * STEP_PS
        store.append(Frames(start, times, cells, walk, None))


def _who(who: str, store: Path) -> partial[Work]:
    return partial(_measured, who, store)


def _measured(who: str, store: Path) -> Work:
    words = [sys.executable, "-m", "benchmarks.memory", who, str(store)]

    def work() -> Shot:
        done = subprocess.run(words, check=False, capture_output=True, text=True)
        if "ModuleNotFoundError" in done.stderr:
            raise ImportError(who)
        done.check_returncode()
        peak, answer = done.stdout.split()
        return Shot(float(peak), float(answer))

    return work


def peak_bytes() -> float:
    """Return the peak of resident memory of this process.

    Linux's ``ru_maxrss`` also holds that of the parent before the program was loaded, hence the
    look at its own account first.
    """
    account = Path("/proc/self/status")
    if account.exists():
        lines = account.read_text(encoding="ascii", errors="replace").splitlines()
        return 1024.0 * next(float(line.split()[1]) for line in lines if line.startswith("VmHWM"))
    scale = 1.0 if sys.platform == "darwin" else 1024.0
    return scale * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _analysed(who: str, path: Path) -> float:
    if who == "mdanalysis":
        return _by_mdanalysis(path)
    stored = open_trajectory(path)
    if who == "open":
        return float("nan")
    from vitrolyte.observe.motion.displacement import Reading, mean_square_displacement
    from vitrolyte.observe.motion.transport import transport_of
    from vitrolyte.observe.tracks import LABORATORY

    reading = Reading(frame=LABORATORY, memory_MB=128.0 if who == "ours-128" else 1024.0)
    moved = mean_square_displacement(stored, reading=reading)
    transport_of(moved, {"Li": 1.0}, temperature_K=800.0)
    return float(moved.msd[0, moved.at(_LAG)])


def _by_mdanalysis(path: Path) -> float:
    from MDAnalysis.analysis.msd import EinsteinMSD
    from validation.structure_peers import universe

    built = universe(open_trajectory(path))
    found = EinsteinMSD(built, select="all", msd_type="xyz", fft=True).run()
    return float(found.results.timeseries[_LAG])


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    found = _analysed(sys.argv[1], Path(sys.argv[2]))
    sys.stdout.write(f"{peak_bytes()} {found}\n")
