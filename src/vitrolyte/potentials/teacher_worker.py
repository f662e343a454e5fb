"""The teacher's side of the pipe: any ASE calculator, spoken to in lines of JSON.

This file is run *by path* in the teacher's own interpreter (which has ASE and the teacher, and need
not have this package), so that clashing environments never meet. One request a line comes in on
standard input, one answer a line goes out on standard output; whatever the teacher prints goes to
standard error.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from typing import Any, TextIO

import numpy as np


def main() -> None:
    """Answer requests until standard input closes."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    calculator = None
    for line in sys.stdin:
        request = json.loads(line)
        try:
            if request["do"] == "load":
                calculator = load_calculator(request)
                answer: dict[str, Any] = {"loaded": request["calculator"]}
            else:
                answer = ACTIONS[request["do"]](request, calculator)
        except Exception as error:  # the parent decides what a failure means
            answer = {"error": f"{type(error).__name__}: {error}"}
        send(answer, answers)


def send(answer: dict[str, Any], stream: TextIO) -> None:
    """Write one answer as one line."""
    stream.write(json.dumps(answer) + "\n")
    stream.flush()


def load_calculator(request: dict[str, Any]) -> Any:
    """Build the calculator named ``module:Class`` with its arguments, on a few threads."""
    if request.get("threads"):
        import torch

        torch.set_num_threads(int(request["threads"]))
    module, _, name = request["calculator"].partition(":")
    return getattr(importlib.import_module(module), name)(**request["arguments"])


def build_atoms(request: dict[str, Any], calculator: Any) -> Any:
    """Build periodic ASE atoms from a request."""
    from ase import Atoms

    atoms = Atoms(
        request["species"], positions=request["positions"], cell=request["cell"], pbc=True
    )
    atoms.calc = calculator
    return atoms


def snapshot(atoms: Any) -> dict[str, Any]:
    """Read positions, cell, energy (eV), forces (eV/Å) and stress (eV/Å³, tension positive)."""
    return {
        "positions": atoms.get_positions().tolist(),
        "cell": atoms.get_cell().tolist(),
        "energy": float(atoms.get_potential_energy()),
        "forces": atoms.get_forces().tolist(),
        "stress": atoms.get_stress(voigt=False).tolist(),
    }


def label(request: dict[str, Any], calculator: Any) -> dict[str, Any]:
    """Evaluate one structure."""
    return snapshot(build_atoms(request, calculator))


def relax(request: dict[str, Any], calculator: Any) -> dict[str, Any]:
    """Relax positions and, where asked, the cell."""
    from ase.filters import FrechetCellFilter
    from ase.optimize import FIRE

    atoms = build_atoms(request, calculator)
    target = FrechetCellFilter(atoms) if request["cell_too"] else atoms
    FIRE(target, logfile=None).run(fmax=request["force_limit"], steps=request["steps"])
    return snapshot(atoms)


def run_md(request: dict[str, Any], calculator: Any) -> dict[str, Any]:
    """Run molecular dynamics at one temperature and keep every n-th frame."""
    from ase.md.velocitydistribution import MaxwellBoltzmannDistribution

    atoms = build_atoms(request, calculator)
    generator = np.random.default_rng(request["seed"])
    MaxwellBoltzmannDistribution(atoms, temperature_K=request["temperature_K"], rng=generator)
    dynamics = integrator(atoms, request, generator)
    frames: list[dict[str, Any]] = []
    dynamics.attach(lambda: frames.append(snapshot(atoms)), interval=request["every"])
    dynamics.run(request["steps"])
    return {"frames": frames}


def integrator(atoms: Any, request: dict[str, Any], generator: Any) -> Any:
    """Choose Langevin dynamics, or a constant-pressure ensemble where a pressure is given."""
    from ase import units

    step = request["timestep_fs"] * units.fs
    temperature = request["temperature_K"]
    if request.get("pressure_GPa") is None:
        from ase.md.langevin import Langevin

        friction = 1.0 / (request["damping_fs"] * units.fs)
        return Langevin(atoms, step, temperature_K=temperature, friction=friction, rng=generator)
    from ase.md.nose_hoover_chain import IsotropicMTKNPT

    return IsotropicMTKNPT(
        atoms,
        step,
        temperature_K=temperature,
        pressure_au=request["pressure_GPa"] * units.GPa,
        tdamp=request["damping_fs"] * units.fs,
        pdamp=10 * request["damping_fs"] * units.fs,
    )


ACTIONS = {"label": label, "relax": relax, "md": run_md}

if __name__ == "__main__":
    main()
