"""Cost per atom and step of the students that ``benchmarks.models`` fitted, on one melt."""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from benchmarks.melt import TEMPERATURE_K, melt
from benchmarks.page import section
from benchmarks.race import Contestant, Race, Shot, Work, run, workspace
from vitrolyte.data.errors import InputError
from vitrolyte.data.io.files import write_text
from vitrolyte.data.io.lammps_data import AtomTypes, data_text, restrict
from vitrolyte.data.io.lammps_log import thermo_rows
from vitrolyte.data.trajectory import Trajectory
from vitrolyte.simulate.order import Launch
from vitrolyte.simulate.process import LOG, SCRIPT, complete, failure

ELEMENTS = ("Li", "O", "Cl")
DEFAULT = "pod-default"
_LOOP = re.compile(r"^Loop time of (\S+) on", re.MULTILINE)
_MICRO = 1e-6
_STEP_PS = 0.001


def race(fitted: Path, *, tiny: bool) -> Race:
    """Return the race of all students in a folder, the default first; one processor.

    The clock is LAMMPS's own around its steps, so that start-up does not count.
    """
    steps, rounds = (5, 1) if tiny else (100, 5)
    liquid = melt((2, 2, 2), 0.02) if tiny else melt((5, 5, 4), 1.0)
    names = sorted((p.parent.name for p in fitted.glob("*/pair.json")), key=lambda n: n != DEFAULT)
    if not names:
        raise InputError("Students fitted by benchmarks.models", received=f"none in {fitted}")
    contestants = tuple(
        Contestant(name, partial(_work, fitted / name, liquid, steps)) for name in names
    )
    return Race(
        job=f"{steps} steps of a Li3OCl melt of {liquid.n_atoms} atoms at constant volume",
        unit="µs per atom and step",
        answer="potential energy at the end, eV/atom (UF3 without its constants)",
        contestants=contestants,
        rounds=rounds,
        per=liquid.n_atoms * steps * _MICRO,
    )


def _work(folder: Path, liquid: Trajectory, steps: int) -> Work:
    pair = json.loads((folder / "pair.json").read_text("utf-8"))
    place = workspace()
    for name in pair["files"]:
        write_text(place / name, (folder / name).read_text("ascii"))
    start, _ = restrict(liquid)
    write_text(place / "start.data", data_text(start, AtomTypes(ELEMENTS), tilted=True))
    write_text(place / SCRIPT, "\n".join(_lines(pair["commands"], steps)) + "\n")

    def work() -> Shot:
        complete(place, Launch())
        text = (place / LOG).read_text("utf-8")
        seconds = _LOOP.findall(text)
        if not seconds:
            raise failure(place, "no time of the steps")
        energy = thermo_rows(text.splitlines())[-1].potential_energy
        return Shot(float(seconds[-1]), energy / liquid.n_atoms)

    return work


def _lines(commands: Sequence[str], steps: int) -> list[str]:
    return [
        *("units metal", "atom_style atomic", "boundary p p p", "box tilt large"),
        *("read_data start.data", *commands, "neighbor 2.0 bin"),
        "neigh_modify every 1 delay 0 check yes",
        f"velocity all create {TEMPERATURE_K} 1 mom yes rot no dist gaussian",
        f"timestep {_STEP_PS}",
        f"fix motion all nvt temp {TEMPERATURE_K} {TEMPERATURE_K} 0.1",
        "thermo_style custom step temp press vol pe ke enthalpy",
        f"thermo_modify norm no format float %.12g\nthermo {steps}",
        f"run {steps}",
    ]


def main(arguments: Sequence[str]) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.model_cost", description=__doc__)
    parser.add_argument("fitted", type=Path, help="OUT of benchmarks.models")
    parser.add_argument("--tiny", action="store_true")
    asked = parser.parse_args(arguments)
    made_on = f"load {os.getloadavg()[0]:.1f} before"
    one = race(asked.fitted, tiny=asked.tiny)
    text = section("model_cost", "Cost of students", [(one, run(one))], made_on=made_on)
    sys.stdout.write(text.replace("benchmarks model_cost", "benchmarks.model_cost"))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
