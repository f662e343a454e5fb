"""The electric potential of turning molecular ions where the mobile ions are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vitrolyte.data.curve import Axis, Curve, CurveSet
from vitrolyte.data.errors import InputError
from vitrolyte.data.observation import Observation, Sample, computed
from vitrolyte.data.quantity import Quantity
from vitrolyte.data.result import Result
from vitrolyte.data.trajectory import Frames, Trajectory
from vitrolyte.observe.blocks import block_average
from vitrolyte.observe.rotation.attitude_kernels import add_products
from vitrolyte.observe.rotation.attitudes import NearestImages, unfolded
from vitrolyte.observe.rotation.bonds import RotorSearch
from vitrolyte.observe.rotation.molecules import Life, find_rotors
from vitrolyte.observe.rotation.relaxation import (
    BLOCKS,
    Sums,
    blocks_of,
    counted,
    decay,
    lags_of,
    stride_of,
)
from vitrolyte.observe.tracks import time_step

Floats = NDArray[np.float64]

COULOMB_V_A_PER_E = 14.399645
"""e / (4 pi epsilon_0), V Å: CODATA 2018, https://physics.nist.gov/constants."""
CITATIONS = ("10.1073/pnas.1704086114",)

_MOST_IONS, _MOST_NUMBERS = 256, 25_000_000
_EDGES = 161
_PHI = Axis("potential", "V")
_DENSITY = Axis("probability density", "1/V")
_TIME = Axis("time", "ps")
_CORRELATION = Axis("correlation of the potential", "")


@dataclass(frozen=True, eq=False)
class Multipoles:
    """Charge, dipole and quadrupole of molecules about their roots.

    Attributes
    ----------
    charge
        (...,), e.
    dipole
        (..., 3), e Å.
    quadrupole
        (..., 3, 3), traceless, e Å².
    """

    charge: Floats
    dipole: Floats
    quadrupole: Floats

    def potential(self, r: Floats) -> Floats:
        """Return the potential of dipole and quadrupole at r from the root, (..., 2), V.

        ``phi = p·r / r³ + (1/2) sum_ij Q_ij r_i r_j / r⁵`` over ``4 pi epsilon_0``.
        """
        distance = np.linalg.norm(r, axis=-1)
        first = np.einsum("...i,...i->...", self.dipole, r) / distance**3
        second = 0.5 * np.einsum("...ij,...i,...j->...", self.quadrupole, r, r) / distance**5
        return COULOMB_V_A_PER_E * np.stack([first, second], axis=-1)


def multipoles(charges: Floats, places: Floats) -> Multipoles:
    """Return the multipoles of point charges about the origin.

    ``p = sum q R``, ``Q_ij = sum q (3 R_i R_j - R² delta_ij)``.

    Parameters
    ----------
    charges
        (n_atoms,), e.
    places
        (..., n_atoms, 3), Å, from the root.

    References
    ----------
    Fang & Jena, Proc. Natl. Acad. Sci. 114, 11046 (2017), doi:10.1073/pnas.1704086114.
    """
    dipole = np.einsum("a,...ai->...i", charges, places)
    second = np.einsum("a,...ai,...aj->...ij", charges, places, places)
    trace = np.trace(second, axis1=-2, axis2=-1)[..., None, None]
    total = np.broadcast_to(charges.sum(), places.shape[:-2])
    return Multipoles(total, dipole, 3.0 * second - trace * np.eye(3))


@dataclass(frozen=True, eq=False)
class MultipolePotential(Result):
    """The potential of the turning rotors at the mobile ions.

    Attributes
    ----------
    of
        ``OH at Li``.
    mean, swing
        Mean, and standard deviation about it, of the sum of dipole and quadrupole of all rotors
        within reach, V.
    dipole_swing, quadrupole_swing
        Standard deviations of either alone, V.
    correlation_time
        Of the potential at an ion, s.
    distribution, correlation
        The functions behind the numbers.
    rotors_in_reach
        Mean number of rotors within reach of an ion.
    method
        In words.
    """

    of: str
    mean: Quantity
    swing: Quantity
    dipole_swing: Quantity
    quadrupole_swing: Quantity
    correlation_time: Quantity
    distribution: CurveSet
    correlation: CurveSet
    rotors_in_reach: float
    method: str

    def observations(self, sample: Sample) -> tuple[Observation, ...]:
        """Return mean, swings and correlation time."""
        rows = (
            ("potential_amplitude", self.mean, "mean"),
            ("potential_amplitude", self.swing, "swing"),
            ("potential_amplitude", self.dipole_swing, "dipole swing"),
            ("potential_amplitude", self.quadrupole_swing, "quadrupole swing"),
            ("correlation_time", self.correlation_time, "potential"),
        )
        return tuple(
            computed(sample, word, number, of=f"{self.of} {part}", method=self.method)
            for word, number, part in rows
        )


def multipole_potential(
    trajectory: Trajectory,
    mobile: str,
    charges: Mapping[str, float],
    *,
    search: RotorSearch | None = None,
    reach_A: float = 6.0,
) -> MultipolePotential:
    """Return dipole and quadrupole potential of the rotors at each mobile ion, frame by frame.

    The expansion about the root of each rotor (O of OH, B of BH4) is cut behind the quadrupole
    and not screened; rotors count in their nearest image, within reach. At most 256 ions are
    followed, fewer in runs of more than a hundred thousand frames.

    Parameters
    ----------
    trajectory
        Streamed, at equal time steps; any cell, also one that changes.
    mobile
        Element of the ions.
    charges
        e, of each element of the rotor.
    search
        Which rotors.
    reach_A
        Rotors farther from an ion are left out, Å.

    Raises
    ------
    InputError
        If there are no rotors or mobile ions, a charge is missing, or the reach is not positive.
    """
    step_ps = time_step(trajectory)
    rotors = find_rotors(trajectory, search)
    name = rotors.names[0]
    lives = [life for life in rotors.of(name) if life.frames == trajectory.n_frames]
    lives = lives or list(rotors.of(name))
    ions = trajectory.indices(mobile)
    most = max(1, min(_MOST_IONS, _MOST_NUMBERS // trajectory.n_frames))
    ions = ions[:: -(-len(ions) // most)]
    each = _charges(trajectory, lives[0], charges)
    if not reach_A > 0:
        raise InputError("A reach is a positive distance, Å", received=f"{reach_A}")
    field = _Field(lives, ions, each, reach_A)
    parts = [field.potential(block) for block in trajectory.blocks(64)]
    phi = np.concatenate(parts)
    method = (
        f"dipole and quadrupole about {trajectory.species[lives[0].atoms[0]]}, "
        f"charges {', '.join(f'{e} {q:g}' for e, q in charges.items())}, within {reach_A:g} Å; "
        f"{rotors.bonds.method}"
    )
    return _result(phi, f"{name} at {mobile}", method, step_ps, field.met / len(phi) / len(ions))


def _charges(trajectory: Trajectory, life: Life, charges: Mapping[str, float]) -> Floats:
    symbols = [trajectory.species[atom] for atom in life.atoms]
    missing = set(symbols) - set(charges)
    if missing:
        raise InputError(
            f"A potential needs the charge of every element of {life.name}",
            received=f"none for {', '.join(sorted(missing))}",
            remedy="give charges, as in charges={'O': -1.3, 'H': 0.3}",
        )
    return np.array([charges[symbol] for symbol in symbols], dtype=float)


class _Field:
    """Adds up the potential at ions, block by block."""

    def __init__(
        self, lives: Sequence[Life], ions: NDArray[np.intp], charges: Floats, reach: float
    ) -> None:
        self.lives, self.ions, self.charges, self.reach = lives, ions, charges, reach
        self.met = 0.0

    def potential(self, block: Frames) -> Floats:
        """Return dipole and quadrupole potential, (n_frames, n_ions, 2), V."""
        total = np.zeros((len(block.times), len(self.ions), 2))
        images = NearestImages.of(block.cells)
        here = np.arange(block.start, block.start + len(block.times))
        for life, whole in zip(self.lives, unfolded(block, self.lives)):
            root = block.positions[:, life.atoms[0]][:, None]
            r = images(block.positions[:, self.ions] - root)
            alive = (life.first <= here) & (here < life.stop)
            near = (np.einsum("fni,fni->fn", r, r) <= self.reach**2) & alive[:, None]
            frames, ions = np.nonzero(near)
            poles = multipoles(self.charges, whole[frames])
            total[frames, ions] += poles.potential(r[frames, ions])
            self.met += len(frames)
        return total


def _result(
    phi: Floats, of: str, method: str, step_ps: float, in_reach: float
) -> MultipolePotential:
    whole = phi.sum(axis=2)
    swings = [_swing(part) for part in (whole, phi[:, :, 0], phi[:, :, 1])]
    sums = _correlation(whole, step_ps)
    time = Quantity.refused("s", "the potential does not change")
    curves: tuple[Curve, ...] = ()
    if sums is not None:
        time = decay(sums, libration_ps=2 * step_ps).integrated
        shown = slice(1, None)
        curves = (
            Curve(
                sums.times[shown], sums.mean[shown], _TIME, _CORRELATION, sums.errors()[shown], of
            ),
        )
    return MultipolePotential(
        of=of,
        mean=block_average(whole.mean(axis=1), "V"),
        swing=swings[0],
        dipole_swing=swings[1],
        quadrupole_swing=swings[2],
        correlation_time=time,
        distribution=_distribution(phi, of),
        correlation=CurveSet(f"Potential of {of}", curves, log_x=True),
        rotors_in_reach=in_reach,
        method=method,
    )


def _swing(phi: Floats) -> Quantity:
    """Return the standard deviation over frames and ions; its error from the variance by frame."""
    square = block_average(((phi - phi.mean()) ** 2).mean(axis=1), "V")
    value = float(np.sqrt(max(square.value, 0.0)))
    if not value > 0 or np.isnan(square.error):
        return Quantity(value, "V", note=square.note)
    low, high = (float(np.sqrt(max(end, 0.0))) for end in (square.low, square.high))
    return Quantity(value, "V", square.error / (2 * value), low, high, square.status, square.note)


def _correlation(phi: Floats, step_ps: float) -> Sums | None:
    """Return the sums of phi(0) phi(t) over its mean square, about the mean over all ions."""
    moved = phi - phi.mean()
    scale = float((moved**2).mean())
    if scale == 0.0:
        return None
    n, ions = moved.shape
    lags, stride, blocks = lags_of(n), stride_of(n), blocks_of(0, n, n)
    sums = Sums(lags, step_ps, ions)
    counts = counted(n, lags, blocks, stride)
    for ion in range(ions):
        part = np.zeros((BLOCKS, len(lags)))
        series = np.ascontiguousarray(moved[:, ion]) / np.sqrt(scale)
        add_products(series, lags, blocks, stride, part)
        sums.add(ion, part, counts)
    return sums


def _distribution(phi: Floats, of: str) -> CurveSet:
    whole = phi.sum(axis=2)
    reach = 1.05 * float(np.abs(np.concatenate([whole, phi[:, :, 0], phi[:, :, 1]])).max()) or 1.0
    edges = np.linspace(-reach, reach, _EDGES)
    middles = (edges[1:] + edges[:-1]) / 2.0
    parts = (("sum", whole), ("dipole", phi[:, :, 0]), ("quadrupole", phi[:, :, 1]))
    curves = tuple(
        Curve(middles, np.histogram(part, edges, density=True)[0], _PHI, _DENSITY, label=label)
        for label, part in parts
    )
    return CurveSet(f"Potential of {of}", curves)
