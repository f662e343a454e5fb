"""The teacher's side of the pipe: any ASE calculator behind messages of text and numbers.

This file is run *by path* in the teacher's own interpreter (which has ASE and the teacher, and need
not have this package), so that clashing environments never meet. A message is one line of JSON,
whose ``arrays`` names arrays and their shapes, followed by those arrays as little-endian doubles.
One request at a time comes in on standard input; answers go out on standard output, the last of a
request without ``more``; whatever the teacher prints goes to standard error.
"""

from __future__ import annotations

import contextlib
import faulthandler
import importlib
import json
import os
import sys
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO

import numpy as np

BEAT_EVERY_S = 1.0
PARENT_EVERY_S = 1.0
_COVERAGE = ("type_map", "model.type_map", "z_table.zs")


def packed(message: Mapping[str, Any]) -> bytes:
    """Return a message as bytes: a line of JSON, then its arrays."""
    arrays = {
        name: np.ascontiguousarray(value, dtype="<f8")
        for name, value in message.items()
        if isinstance(value, np.ndarray)
    }
    plain: dict[str, Any] = {k: v for k, v in message.items() if k not in arrays}
    plain["arrays"] = [[name, list(array.shape)] for name, array in arrays.items()]
    line = json.dumps(plain).encode() + b"\n"
    return line + b"".join(array.tobytes() for array in arrays.values())


def unpacked(line: bytes, take: Callable[[int], bytes]) -> dict[str, Any]:
    """Return the message that begins with a line; ``take(n)`` gives the n bytes that follow."""
    message: dict[str, Any] = json.loads(line)
    for name, shape in message.pop("arrays"):
        data = take(8 * int(np.prod(shape)))
        message[name] = np.frombuffer(data, "<f8").reshape(shape).copy()
    return message


class Desk:
    """Answers requests with one calculator and ends the process when an evaluation hangs."""

    def __init__(self, answers: BinaryIO) -> None:
        self._answers = answers
        self._calculator: Any = None
        self._limit_s = 0.0
        self._beat_s = 0.0

    def serve(self, request: dict[str, Any]) -> None:
        """Carry out one request and send its last answer."""
        self._limit_s = float(request.get("limit_s", 0.0))
        self._arm()
        try:
            if request["do"] == "load":
                self._calculator = load_calculator(request)
                answer = described(self._calculator)
            else:
                answer = ACTIONS[request["do"]](request, self._calculator, self)
        except Exception as error:  # the parent decides what a failure means
            answer = {"error": f"{type(error).__name__}: {error}"}
        faulthandler.cancel_dump_traceback_later()
        self.send(answer)

    def send(self, answer: Mapping[str, Any]) -> None:
        """Write one answer."""
        self._answers.write(packed(answer))
        self._answers.flush()

    def beat(self) -> None:
        """Tell the parent now and then that an evaluation came to its end."""
        if time.monotonic() - self._beat_s > BEAT_EVERY_S:
            self._arm()
            self.send({"more": True, "beat": True})

    def _arm(self) -> None:
        """Have this process end, saying where it is, unless it is armed anew in time."""
        self._beat_s = time.monotonic()
        if self._limit_s > 0:
            # works from a thread of its own outside Python: also when Python hangs
            faulthandler.dump_traceback_later(self._limit_s, exit=True)


def load_calculator(request: Mapping[str, Any]) -> Any:
    """Build the calculator named ``module:Class`` with its arguments, on so many threads."""
    module, _, name = request["calculator"].partition(":")
    calculator = getattr(importlib.import_module(module), name)(**request["arguments"])
    torch = sys.modules.get("torch")
    if torch is not None and request.get("threads"):
        torch.set_num_threads(int(request["threads"]))
    return calculator


def described(calculator: Any) -> dict[str, Any]:
    """Say which elements a calculator knows, where it tells, and the device that it runs on."""
    return {"elements": covered(calculator), "device": str(getattr(calculator, "device", ""))}


def covered(calculator: Any) -> list[str]:
    """Return the elements in a calculator's own table; none where it shows no table."""
    from ase.data import chemical_symbols

    for path in _COVERAGE:
        found = calculator
        for name in path.split("."):
            found = getattr(found, name, None)
        with contextlib.suppress(TypeError, ValueError):
            numbers = sorted(int(z) for z in found)
            if numbers and numbers[0] > 0 and numbers[-1] < len(chemical_symbols):
                return [chemical_symbols[z] for z in numbers]
    return []


def build_atoms(request: Mapping[str, Any], calculator: Any) -> Any:
    """Build periodic ASE atoms from a request."""
    from ase import Atoms

    atoms = Atoms(
        request["species"], positions=request["positions"], cell=request["cell"], pbc=True
    )
    atoms.calc = calculator
    return atoms


def evaluated(atoms: Any) -> dict[str, Any]:
    """Read energy (eV), forces (eV/Å) and stress (eV/Å³, tension positive)."""
    return {
        "energy": float(atoms.get_potential_energy()),
        "forces": np.asarray(atoms.get_forces(), dtype=float),
        "stress": np.asarray(atoms.get_stress(voigt=False), dtype=float),
    }


def snapshot(atoms: Any) -> dict[str, Any]:
    """Read positions and cell with all that is evaluated there."""
    where = {"positions": atoms.get_positions(), "cell": np.asarray(atoms.get_cell(), dtype=float)}
    return where | evaluated(atoms)


def label(request: Mapping[str, Any], calculator: Any, desk: Desk) -> dict[str, Any]:
    """Evaluate one structure."""
    del desk
    return evaluated(build_atoms(request, calculator))


def relax(request: Mapping[str, Any], calculator: Any, desk: Desk) -> dict[str, Any]:
    """Relax positions and, where asked, the cell."""
    from ase.filters import FrechetCellFilter
    from ase.optimize import FIRE

    atoms = build_atoms(request, calculator)
    target = FrechetCellFilter(atoms) if request["cell_too"] else atoms
    optimiser = FIRE(target, logfile=None)
    optimiser.attach(desk.beat)
    optimiser.run(fmax=request["force_limit"], steps=request["steps"])
    return snapshot(atoms)


def run_md(request: Mapping[str, Any], calculator: Any, desk: Desk) -> dict[str, Any]:
    """Run molecular dynamics at one temperature and send every n-th frame."""
    from ase.md.velocitydistribution import MaxwellBoltzmannDistribution

    atoms = build_atoms(request, calculator)
    generator = np.random.default_rng(request["seed"])
    MaxwellBoltzmannDistribution(atoms, temperature_K=request["temperature_K"], rng=generator)
    dynamics = integrator(atoms, request, generator)
    dynamics.attach(desk.beat)
    dynamics.attach(lambda: desk.send(snapshot(atoms) | {"more": True}), interval=request["every"])
    dynamics.run(request["steps"])
    return {"ended": True}


def integrator(atoms: Any, request: Mapping[str, Any], generator: Any) -> Any:
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


ACTIONS: dict[str, Callable[[Mapping[str, Any], Any, Desk], dict[str, Any]]] = {
    "label": label,
    "relax": relax,
    "md": run_md,
}


def end_with_parent() -> None:
    """End this process soon after its parent, also in the middle of an evaluation."""
    parent = os.getppid()

    def wait() -> None:
        while os.getppid() == parent:
            time.sleep(PARENT_EVERY_S)
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def main() -> None:
    """Answer requests until standard input closes."""
    # run by path, Python puts this folder first: its files must not pass for the teacher's modules
    sys.path[:] = [
        place for place in sys.path if place != os.path.dirname(os.path.abspath(__file__))
    ]
    end_with_parent()
    desk = Desk(os.fdopen(os.dup(1), "wb"))
    os.dup2(2, 1)
    requests = sys.stdin.buffer
    while line := requests.readline():
        desk.serve(unpacked(line, requests.read))


if __name__ == "__main__":
    main()
