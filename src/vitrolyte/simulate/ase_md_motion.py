"""Equations of motion in our own process: velocity Verlet, Nosé-Hoover chains, moving cells."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import expm

from vitrolyte.data.units import BOLTZMANN_EV_PER_K, ELEMENTARY_CHARGE_C, EV_PER_A3_TO_GPA
from vitrolyte.potentials.teacher import Label
from vitrolyte.simulate.schedule import Segment
from vitrolyte.simulate.script import BAROSTAT_STEPS, THERMOSTAT_STEPS

Floats = NDArray[np.float64]
Forces = Callable[[Floats, Floats], Label]
"""From positions (n, 3) Å and cell (3, 3) Å to energy, forces and stress."""

U_A2_PER_PS2_TO_EV = 1.66053906660e-23 / ELEMENTARY_CHARGE_C
"""1 u Å²/ps² = 1.66053906660e-27 kg x (1e-10 m / 1e-12 s)² = 1.66053906660e-23 J (CODATA 2018)."""

MOMENTUM_STEPS = 1000
_LINKS = 3
_CELL_FREEDOM = {"isotropic": 1, "orthorhombic": 3, "triclinic": 6}


@dataclass(frozen=True, eq=False)
class State:
    """Everything that the next step depends on.

    Attributes
    ----------
    step
        Steps done.
    positions, velocities
        (n, 3), Å, unwrapped; Å/ps.
    cell
        (3, 3), Å, lower triangular.
    energy, forces, stress
        Of the potential: eV, (n, 3) eV/Å, (3, 3) eV/Å³ with tension positive.
    strain_rate
        (3, 3), 1/ps: how fast the cell h changes, ``dh/dt = h G``; lower triangular.
    heat, cell_heat
        (2, 3): places and rates (1/ps) of the chains on the atoms and on the cell.
    """

    step: int
    positions: Floats
    velocities: Floats
    cell: Floats
    energy: float
    forces: Floats
    stress: Floats
    strain_rate: Floats
    heat: Floats
    cell_heat: Floats

    @property
    def volume(self) -> float:
        """Return the volume, Å³."""
        return abs(float(np.linalg.det(self.cell)))


def as_arrays(state: State) -> dict[str, Floats]:
    """Return a state as plain arrays by name."""
    return {f.name: np.asarray(getattr(state, f.name), dtype=float) for f in fields(State)}


def from_arrays(arrays: dict[str, Floats]) -> State:
    """Return the state held by plain arrays."""
    step, energy = int(arrays["step"]), float(arrays["energy"])
    return State(**(arrays | {"step": step, "energy": energy}))  # type: ignore[arg-type]


@dataclass(frozen=True, eq=False)
class Motion:
    """The motion of one segment, step by step, by a reversible splitting of its equations.

    ``dr/dt = v + r G,  dv/dt = f/m - v (G + tr(G)/N_f) - v s``, with the strain rate G driven by
    ``W dG/dt = V (P - P_0) + 2 K/N_f`` and s the rate of the first link of a Nosé-Hoover chain.

    Attributes
    ----------
    segment
        Ensemble, temperatures, pressure, time step.
    masses
        (n,), u.
    forces
        The potential.
    thermostat_ps, barostat_ps
        Periods of the chains and of the cell.

    References
    ----------
    Martyna, Tobias and Klein, J. Chem. Phys. 101, 4177 (1994), doi:10.1063/1.467468.
    Martyna et al., Mol. Phys. 87, 1117 (1996), doi:10.1080/00268979600100761.
    """

    segment: Segment
    masses: Floats
    forces: Forces
    thermostat_ps: float
    barostat_ps: float

    @property
    def freedom(self) -> int:
        """Return the degrees of freedom of the atoms; their common motion is none."""
        return max(1, 3 * len(self.masses) - 3)

    def start(self, positions: Floats, cell: Floats, velocities: Floats) -> State:
        """Return the state before the first step, all rates of chains and cell at rest."""
        found = self.forces(positions, cell)
        rest = np.zeros((2, _LINKS))
        return State(
            step=0,
            positions=positions,
            velocities=velocities,
            cell=cell,
            energy=found.energy,
            forces=found.forces,
            stress=found.stress,
            strain_rate=np.zeros((3, 3)),
            heat=rest,
            cell_heat=rest,
        )

    def advance(self, state: State) -> State:
        """Return the state one time step later."""
        thermal = self._thermal(state.step + 1)
        moved = self._before_forces(state, thermal)
        found = self.forces(moved.positions, moved.cell)
        moved = replace(moved, energy=found.energy, forces=found.forces, stress=found.stress)
        moved = self._after_forces(moved, thermal)
        if self.segment.ensemble != "nve" and moved.step % MOMENTUM_STEPS == 0:
            return replace(moved, velocities=at_rest(moved.velocities, self.masses))
        return moved

    def _before_forces(self, state: State, thermal: float) -> State:
        if self.segment.ensemble == "npt":
            state = self._cool(self._cool_cell(state, thermal), thermal)
            state = self._slow(self._press(state, thermal))
        elif self.segment.ensemble == "nvt":
            state = self._cool(state, thermal)
        return self._drift(self._kick(state))

    def _after_forces(self, state: State, thermal: float) -> State:
        state = self._kick(state)
        if self.segment.ensemble == "npt":
            state = self._cool(self._press(self._slow(state), thermal), thermal)
            return self._cool_cell(state, thermal)
        return self._cool(state, thermal) if self.segment.ensemble == "nvt" else state

    def _thermal(self, step: int) -> float:
        """Return kT of the thermostat at a step, eV."""
        time_ps = step * self.segment.timestep_ps
        return BOLTZMANN_EV_PER_K * self.segment.target_temperature_K(time_ps)

    # -- atoms ----------------------------------------------------------------------------------

    def _kick(self, state: State) -> State:
        half = 0.5 * self.segment.timestep_ps
        change = half * state.forces / (self.masses[:, None] * U_A2_PER_PS2_TO_EV)
        return replace(state, velocities=state.velocities + change)

    def _drift(self, state: State) -> State:
        step = self.segment.timestep_ps
        if not state.strain_rate.any():
            moved = state.positions + step * state.velocities
            return replace(state, step=state.step + 1, positions=moved)
        half = np.tril(expm(0.5 * step * state.strain_rate))
        moved = (state.positions @ half + step * state.velocities) @ half
        return replace(state, step=state.step + 1, positions=moved, cell=state.cell @ half @ half)

    def _cool(self, state: State, thermal: float) -> State:
        links = _masses_of_links(thermal, self.freedom, self.thermostat_ps)
        energy = 2 * kinetic_energy(state.velocities, self.masses)
        heat, factor = chain_half_step(
            state.heat, links, (energy, self.freedom * thermal, thermal), self.segment.timestep_ps
        )
        return replace(state, heat=heat, velocities=state.velocities * factor)

    # -- the cell -------------------------------------------------------------------------------

    def _inertia(self, thermal: float) -> float:
        """Return the mass W of one entry of the strain rate, eV ps²."""
        return (len(self.masses) + 1) * thermal * self.barostat_ps**2

    def _press(self, state: State, thermal: float) -> State:
        """Let the pressure act on the strain rate for half a step."""
        kinetic = kinetic_tensor(state.velocities, self.masses)
        target = self.segment.pressure_GPa / EV_PER_A3_TO_GPA
        push = kinetic - state.volume * (state.stress + target * np.eye(3))
        push += np.trace(kinetic) / self.freedom * np.eye(3)
        change = 0.5 * self.segment.timestep_ps * self._allowed(push) / self._inertia(thermal)
        return replace(state, strain_rate=state.strain_rate + change)

    def _allowed(self, push: Floats) -> Floats:
        if self.segment.cell == "isotropic":
            return np.asarray(np.trace(push) / 3 * np.eye(3))
        return np.diag(np.diag(push)) if self.segment.cell == "orthorhombic" else np.tril(push)

    def _slow(self, state: State) -> State:
        """Let the strain rate act on the velocities for half a step."""
        rate = state.strain_rate + np.trace(state.strain_rate) / self.freedom * np.eye(3)
        factor = np.tril(expm(-0.5 * self.segment.timestep_ps * rate))
        return replace(state, velocities=state.velocities @ factor)

    def _cool_cell(self, state: State, thermal: float) -> State:
        freedom = _CELL_FREEDOM[self.segment.cell]
        energy = self._inertia(thermal) * float((state.strain_rate**2).sum())
        heat, factor = chain_half_step(
            state.cell_heat,
            _masses_of_links(thermal, freedom, self.barostat_ps),
            (energy, freedom * thermal, thermal),
            self.segment.timestep_ps,
        )
        return replace(state, cell_heat=heat, strain_rate=state.strain_rate * factor)

    # -- what is conserved ----------------------------------------------------------------------

    def conserved_energy(self, state: State) -> float:
        """Return the energy of atoms, cell and chains, eV, which the exact motion conserves.

        At a constant temperature only: a ramp does work on the chains.
        """
        total = state.energy + kinetic_energy(state.velocities, self.masses)
        if self.segment.ensemble == "nve":
            return total
        thermal = self._thermal(state.step)
        links = _masses_of_links(thermal, self.freedom, self.thermostat_ps)
        total += _chain_energy(state.heat, links, self.freedom * thermal, thermal)
        if self.segment.ensemble == "npt":
            freedom = _CELL_FREEDOM[self.segment.cell]
            links = _masses_of_links(thermal, freedom, self.barostat_ps)
            total += self.segment.pressure_GPa / EV_PER_A3_TO_GPA * state.volume
            total += 0.5 * self._inertia(thermal) * float((state.strain_rate**2).sum())
            total += _chain_energy(state.cell_heat, links, freedom * thermal, thermal)
        return total


def motion_of(segment: Segment, masses: Floats, forces: Forces) -> Motion:
    """Return the motion of a segment with the periods that LAMMPS gets as well."""
    step = segment.timestep_ps
    return Motion(segment, masses, forces, THERMOSTAT_STEPS * step, BAROSTAT_STEPS * step)


def kinetic_tensor(velocities: Floats, masses: Floats) -> Floats:
    """Return the sum of ``m v v``, (3, 3), eV."""
    return np.asarray((velocities * masses[:, None]).T @ velocities * U_A2_PER_PS2_TO_EV)


def kinetic_energy(velocities: Floats, masses: Floats) -> float:
    """Return half the sum of ``m v²``, eV."""
    return 0.5 * float(np.trace(kinetic_tensor(velocities, masses)))


def at_rest(velocities: Floats, masses: Floats) -> Floats:
    """Return velocities without the motion of the centre of mass."""
    return np.asarray(velocities - (masses @ velocities) / masses.sum())


def drawn_velocities(masses: Floats, temperature_K: float, seed: int) -> Floats:
    """Return Maxwell-Boltzmann velocities (n, 3), Å/ps, of exactly this temperature and at rest."""
    widths = np.sqrt(BOLTZMANN_EV_PER_K * temperature_K / (masses * U_A2_PER_PS2_TO_EV))
    drawn = np.random.default_rng(seed).normal(size=(len(masses), 3)) * widths[:, None]
    still = at_rest(drawn, masses)
    freedom = max(1, 3 * len(masses) - 3)
    wanted = 0.5 * freedom * BOLTZMANN_EV_PER_K * temperature_K
    got = kinetic_energy(still, masses)
    return still * math.sqrt(wanted / got) if got > 0 else still


def _masses_of_links(thermal: float, freedom: int, period_ps: float) -> Floats:
    return np.array([freedom, *[1] * (_LINKS - 1)]) * thermal * period_ps**2


def chain_half_step(
    heat: Floats, links: Floats, energies: tuple[float, float, float], step_ps: float
) -> tuple[Floats, float]:
    """Return a Nosé-Hoover chain half a step later and the factor by which it scales rates.

    Parameters
    ----------
    heat
        (2, n): places and rates (1/ps) of the links.
    links
        (n,): their masses, eV ps².
    energies
        Twice the kinetic energy that the chain acts on, its target, and kT, eV.
    step_ps
        The whole time step.

    References
    ----------
    Martyna et al., Mol. Phys. 87, 1117 (1996), doi:10.1080/00268979600100761, section 2.
    """
    twice, target, thermal = energies
    (places, rates), quarter, eighth = heat.copy(), step_ps / 4, step_ps / 8
    last = len(rates) - 1

    def push(link: int, drive: float) -> None:
        damping = math.exp(-eighth * rates[link + 1]) if link < last else 1.0
        rates[link] = (rates[link] * damping + quarter * drive / links[link]) * damping

    def drive(link: int) -> float:
        return float(links[link - 1] * rates[link - 1] ** 2 - thermal) if link else twice - target

    for link in range(last, -1, -1):
        push(link, drive(link))
    factor = math.exp(-step_ps / 2 * rates[0])
    twice *= factor**2
    places += step_ps / 2 * rates
    for link in range(last + 1):
        push(link, drive(link))
    return np.stack([places, rates]), factor


def _chain_energy(heat: Floats, links: Floats, target: float, thermal: float) -> float:
    places, rates = heat
    stored = 0.5 * float(links @ rates**2)
    return stored + target * float(places[0]) + thermal * float(places[1:].sum())
