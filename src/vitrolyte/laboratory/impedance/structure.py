"""The circuits among which a choice is made: arcs in the order of their relaxation times."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cache
from typing import Literal

import numpy as np

from vitrolyte.data.model import Floats
from vitrolyte.laboratory.impedance.spectrum import Spectrum
from vitrolyte.observe.impedance.circuits import Circuit
from vitrolyte.observe.impedance.notation import parse_circuit

Electrode = Literal["", "Q", "C", "W", "Wo", "Ws"]
_LARGEST_RESISTANCE = np.log(30.0)
_SMALLEST_RESISTANCE = np.log(1e-5)
_BEYOND = np.log(30.0)
"""How far outside the window a relaxation time may lie."""
_LEAST_EXPONENT = 0.4
_LEAST_ELECTRODE = 0.3


@cache
def _circuit(written: str) -> Circuit:
    """Return a circuit once and for all; the structures are few."""
    return parse_circuit(written)


@dataclass(frozen=True)
class Structure:
    """One circuit: lead, series resistance, arcs from fast to slow, electrode.

    Attributes
    ----------
    inductive
        Whether a lead has an inductance.
    series
        Whether there is a resistance in series: of the leads, or of what relaxes above the window.
    arcs
        ``RQ`` or ``RC``, the fastest first.
    electrode
        Blocking (Q, C), diffusion (W, Wo, Ws), or nothing. One that lets charge through is an arc.
    """

    inductive: bool = False
    series: bool = False
    arcs: tuple[str, ...] = ("RQ",)
    electrode: Electrode = "Q"

    @property
    def written(self) -> str:
        """Return the circuit code."""
        arcs = "".join(f"({arc})" for arc in self.arcs)
        return "L" * self.inductive + "R" * self.series + arcs + self.electrode

    @property
    def circuit(self) -> Circuit:
        """Return the circuit."""
        return _circuit(self.written)

    @property
    def size(self) -> int:
        """Return the number of parameters."""
        return len(self.circuit.slots)

    @classmethod
    def of_written(cls, written: str) -> Structure | None:
        """Return the structure with a circuit code, or nothing where it is of another form."""
        found = re.fullmatch(r"(L?)(R?)((?:\((?:RQ|RC)\))*)(Q|C|Wo|Ws|W|)", written)
        if found is None or not written:
            return None
        arcs = tuple(re.findall("RQ|RC", found[3]))
        return cls(bool(found[1]), bool(found[2]), arcs, found[4])  # type: ignore[arg-type]

    @property
    def counted(self) -> int:
        """Return the number of arcs and electrodes, which have to be paid for."""
        return len(self.arcs) + bool(self.electrode)

    @property
    def first_arc(self) -> int:
        """Return the place of the first parameter of the first arc."""
        return int(self.inductive) + int(self.series)

    def arc_places(self) -> tuple[tuple[int, int, int], ...]:
        """Return the places of R, tau and exponent of each arc; -1 where there is no exponent."""
        found, place = [], self.first_arc
        for arc in self.arcs:
            found.append((place, place + 1, place + 2 if arc == "RQ" else -1))
            place += 3 if arc == "RQ" else 2
        return tuple(found)

    @property
    def electrode_place(self) -> int:
        """Return the place of the first parameter of the electrode."""
        return self.first_arc + sum(3 if arc == "RQ" else 2 for arc in self.arcs)

    def bounds(self, spectrum: Spectrum) -> tuple[Floats, Floats]:
        """Return the lowest and highest coordinates, (p,) each."""
        low, high = [], []
        for a, b in self._limits(spectrum):
            low.append(a)
            high.append(b)
        return np.array(low), np.array(high)

    def _limits(self, spectrum: Spectrum) -> list[tuple[float, float]]:
        omega, top = spectrum.omega, float(np.log(spectrum.modulus.max()))
        resistance = (
            float(np.log(spectrum.modulus.min())) + _SMALLEST_RESISTANCE,
            top + _LARGEST_RESISTANCE,
        )
        time = (-float(np.log(omega[0])) - _BEYOND, -float(np.log(omega[-1])) + _BEYOND)
        found: list[tuple[float, float]] = []
        if self.inductive:
            most = top - float(np.log(omega[0]))
            found.append((most - 16.0, most + 3.0))
        found += [resistance] * self.series
        for arc in self.arcs:
            found += [resistance, time] + [(_LEAST_EXPONENT, 1.0)] * (arc == "RQ")
        level = -top - float(np.log(omega[-1]))
        storage = (level - 25.0, level + 25.0)
        if self.electrode in ("Q", "C", "W"):
            found.append(storage)
            found += [(_LEAST_ELECTRODE, 1.0)] * (self.electrode == "Q")
        elif self.electrode:
            found += [resistance, (time[0], time[1] + 3.0)]
        return found

    def without_exponent(self, arc: int) -> Structure:
        """Return the structure with one arc made of an ideal capacitor."""
        arcs = tuple("RC" if k == arc else kind for k, kind in enumerate(self.arcs))
        return replace(self, arcs=arcs)
