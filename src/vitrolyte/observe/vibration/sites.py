"""Mean square vibrations about sites: U, B, and the temperatures that follow from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from vitrolyte.data.curve import Axis, Curve, CurveSet
from vitrolyte.data.elements import masses
from vitrolyte.data.errors import InputError
from vitrolyte.data.observation import Observation, Sample, computed
from vitrolyte.data.quantity import Quantity
from vitrolyte.data.result import Result
from vitrolyte.data.trajectory import Trajectory
from vitrolyte.data.units import BOLTZMANN_EV_PER_K
from vitrolyte.observe.spread import Spread, neighbourly, spread
from vitrolyte.observe.tracks import CENTRE_OF_MASS, Tracks

Floats = NDArray[np.float64]
CITATIONS = ("10.1107/S0108767396005697",)

HBAR_EV_PS = 6.582119569e-4
EV_TO_U_A2_PER_PS2 = 9648.533212
"""1 eV = 1.602176634e-19 J over 1 u Å²/ps² = 1.66053906660e-23 J."""

_GROUPS, _STRETCHES = 24, 12
_FEWEST_FRAMES = 4 * _STRETCHES
_MOST_STAY, _HALF_STAY = 0.95, 0.5
_WANDERING = 0.25
_TENSOR = ((0, 0, "U11"), (1, 1, "U22"), (2, 2, "U33"), (1, 2, "U23"), (0, 2, "U13"), (0, 1, "U12"))
_U = Axis("U_iso of one ion", "Å²")
_SHARE = Axis("share of ions below", "")


@dataclass(frozen=True)
class SiteSettings:
    """When an ion is taken to stay on its site.

    Attributes
    ----------
    stay_A
        Farthest that its mean place in any twelfth of the run may lie from that in the whole, Å.
    temperature_K
        Of the run, for the temperatures of Einstein and Debye; not given without.
    frame, memory_MB
        As of `observe.tracks.Tracks`.

    Raises
    ------
    InputError
        If a number is not positive.
    """

    stay_A: float = 1.0
    temperature_K: float | None = None
    frame: str = CENTRE_OF_MASS
    memory_MB: float = 1024.0

    def __post_init__(self) -> None:
        if not self.stay_A > 0 or (self.temperature_K is not None and not self.temperature_K > 0):
            raise InputError(
                "A site needs a size above zero, and a run a temperature above 0 K",
                received=f"stay_A {self.stay_A:g} Å, temperature {self.temperature_K} K",
            )


@dataclass(frozen=True, eq=False)
class SiteVibration(Result):
    """Vibration of the ions of one species about their sites.

    Attributes
    ----------
    species
        Whose.
    staying
        Share of the ions that stay on their site.
    u_iso, b_factor
        Mean square vibration along one direction, Å², and 8 pi² U, Å².
    tensor
        U11, U22, U33, U23, U13, U12 in Cartesian axes, mean over the ions, Å².
    principal
        Mean square vibration along each ion's own axes, smallest first, mean over the ions, Å².
    einstein_temperature, debye_temperature
        From U_iso, classical, K.
    ions
        Cumulative share of the ions against their own U_iso.
    """

    species: str
    staying: float
    u_iso: Quantity
    b_factor: Quantity
    tensor: Mapping[str, Quantity]
    principal: tuple[float, ...]
    einstein_temperature: Quantity
    debye_temperature: Quantity
    ions: CurveSet

    def observations(self, sample: Sample) -> tuple[Observation, ...]:
        """Return U_iso, B, and the temperatures that follow."""
        of, method = self.species, "mean square vibration about mean sites, classical"
        numbers = (
            ("u_iso", self.u_iso),
            ("b_factor", self.b_factor),
            ("einstein_temperature", self.einstein_temperature),
            ("debye_temperature", self.debye_temperature),
        )
        return tuple(computed(sample, word, one, of=of, method=method) for word, one in numbers)


@dataclass(frozen=True, eq=False)
class SiteVibrations(Result):
    """Vibration about sites, species by species."""

    parts: tuple[SiteVibration, ...]

    def __getitem__(self, species: str) -> SiteVibration:
        return next(part for part in self.parts if part.species == species)

    def observations(self, sample: Sample) -> tuple[Observation, ...]:
        """Return the rows of every species."""
        return tuple(row for part in self.parts for row in part.observations(sample))


def site_vibrations(
    trajectory: Trajectory,
    species: tuple[str, ...] | None = None,
    *,
    settings: SiteSettings | None = None,
) -> SiteVibrations:
    r"""Return the mean square vibration of ions about their sites.

    .. math:: U_{jk} = \langle (r_j - \bar r_j)(r_k - \bar r_k) \rangle, \qquad
        U_{iso} = \tfrac13 \operatorname{tr} U, \qquad B = 8 \pi^2 U_{iso}

    with the part added that the mean place of a run of finite length takes away. Ions that leave
    their site are left out. At temperature T the classical oscillators of Einstein and Debye have

    .. math:: U_{iso} = \frac{\hbar^2 T}{m k \Theta_E^2} = \frac{3 \hbar^2 T}{m k \Theta_D^2}

    Parameters
    ----------
    trajectory
        Unwrapped positions; the cell may change and be triclinic.
    species
        All by default.

    Raises
    ------
    InputError
        If the frames are too few or a species is unknown.

    References
    ----------
    Trueblood et al., Acta Cryst. A 52, 770 (1996), https://doi.org/10.1107/S0108767396005697
    """
    settings = settings or SiteSettings()
    if trajectory.n_frames < _FEWEST_FRAMES:
        raise InputError(
            f"Vibrations about sites need {_FEWEST_FRAMES} frames or more",
            received=f"{trajectory.n_frames}",
            remedy="store frames more often or run longer",
        )
    names = species or tuple(dict.fromkeys(trajectory.species))
    tracks = Tracks(trajectory, 0, settings.frame, settings.memory_MB)
    drift = tracks.drift()
    return SiteVibrations(tuple(_species(tracks, drift, name, settings) for name in names))


@dataclass(frozen=True, eq=False)
class _Ions:
    """What the ions of a species did.

    ``stretches`` is (n_ions, n_stretches, 3, 3), products of displacements from the mean place;
    ``between`` (n_ions, 3, 3) what the mean place itself scatters; ``farthest`` (n_ions,), Å.
    """

    stretches: Floats
    between: Floats
    farthest: Floats


def _species(tracks: Tracks, drift: Floats, name: str, settings: SiteSettings) -> SiteVibration:
    atoms = tracks.trajectory.indices(name)
    cell = tracks.trajectory.cells[0]
    atoms = atoms[neighbourly(tracks.origin[atoms], cell)]
    parts = [_followed(tracks.gather(group, drift)) for group in tracks.groups(atoms)]
    ions = _Ions(
        np.concatenate([part.stretches for part in parts]),
        np.concatenate([part.between for part in parts]),
        np.concatenate([part.farthest for part in parts]),
    )
    stay = ions.farthest < settings.stay_A
    share = float(stay.mean())
    if share < _HALF_STAY:
        return _refused(name, share)
    kept = _Ions(ions.stretches[stay], ions.between[stay], ions.farthest[stay])
    return _described(name, share, kept, settings)


def _followed(paths: NDArray[np.float32]) -> _Ions:
    """Return the vibration of some ions, from paths (n_ions, 3, n)."""
    mean = paths.mean(axis=2, dtype=float)
    moved = paths - mean[:, :, None].astype(np.float32)
    edges = np.linspace(0, paths.shape[2], _STRETCHES + 1).astype(int)
    cuts = [moved[:, :, a:b].astype(float) for a, b in pairwise(edges)]
    stretches = np.stack([np.einsum("ixt,iyt->ixy", c, c) / c.shape[2] for c in cuts], axis=1)
    places = np.stack([c.mean(axis=2) for c in cuts], axis=1)
    off = places - places.mean(axis=1, keepdims=True)
    between = np.einsum("isx,isy->ixy", off, off) / (_STRETCHES - 1.0)
    farthest = np.linalg.norm(places, axis=2).max(axis=1)
    return _Ions(stretches, between / _STRETCHES, farthest)


def _refused(name: str, share: float) -> SiteVibration:
    reason = f"only {100 * share:.0f} % of {name} stay on their site"
    area, hot = Quantity.refused("Å²", reason), Quantity.refused("K", reason)
    none = CurveSet(f"Vibration of single {name}", ())
    return SiteVibration(name, share, area, area, {}, (), hot, hot, none)


def _described(name: str, share: float, ions: _Ions, settings: SiteSettings) -> SiteVibration:
    tensors = _tensors(ions)
    own = np.trace(ions.stretches.mean(axis=1) + ions.between, axis1=1, axis2=2) / 3.0
    u = tensors.through(lambda t: np.asarray(np.trace(t) / 3.0)).quantity("Å²")
    doubt = _doubt(name, share, ions)
    u = u.provisional(doubt) if doubt else u
    mass = float(masses((name,))[0])
    axes = np.linalg.eigvalsh(ions.stretches.mean(axis=1) + ions.between).mean(axis=0)
    return SiteVibration(
        species=name,
        staying=share,
        u_iso=u,
        b_factor=u.scaled(8.0 * np.pi**2, "Å²"),
        tensor={word: tensors.at(j, k).quantity("Å²") for j, k, word in _TENSOR},
        principal=tuple(map(float, axes)),
        einstein_temperature=_temperature(u, mass, settings.temperature_K, 1.0),
        debye_temperature=_temperature(u, mass, settings.temperature_K, 3.0),
        ions=CurveSet(f"Vibration of single {name}", (_ranked(name, own),)),
    )


def _tensors(ions: _Ions) -> Spread:
    """Return the mean tensor over ions, Å², with its scatter."""
    n = len(ions.stretches)
    groups = min(_GROUPS, n)
    owner = np.arange(n) * groups // n
    each = ions.stretches.mean(axis=1) + ions.between
    counts = np.bincount(owner, minlength=groups).astype(float)
    by_ions = np.zeros((groups, 3, 3, 2))
    np.add.at(by_ions[..., 0], owner, each)
    by_ions[..., 1] = counts[:, None, None]
    by_time = np.empty((_STRETCHES, 3, 3, 2))
    share = (ions.stretches + ions.between[:, None]) / _STRETCHES
    by_time[..., 0] = share.sum(axis=0)
    by_time[..., 1] = n / _STRETCHES
    return spread(by_ions, by_time, lambda s: s[..., 0] / s[..., 1])


def _doubt(name: str, share: float, ions: _Ions) -> str:
    reasons = []
    if share < _MOST_STAY:
        reasons.append(f"{100 * (1 - share):.0f} % of {name} left their site and are left out")
    slow = _STRETCHES * np.trace(ions.between.mean(axis=0))
    whole = np.trace(ions.stretches.mean(axis=(0, 1)) + ions.between.mean(axis=0))
    if slow > _WANDERING * whole:
        reasons.append(
            f"the sites wander: {100 * min(slow / whole, 1.0):.0f} % of U are slower than a "
            "twelfth of the run"
        )
    return "; ".join(reasons)


def _temperature(u: Quantity, mass: float, kelvin: float | None, factor: float) -> Quantity:
    """Return the temperature of an oscillator with a mean square vibration, K."""
    if u.status == "refused" or kelvin is None or not u.value > 0:
        return Quantity.refused("K", u.note or "no temperature of the run was given")
    unit = HBAR_EV_PS / BOLTZMANN_EV_PER_K
    thermal = factor * BOLTZMANN_EV_PER_K * kelvin * EV_TO_U_A2_PER_PS2 / mass
    low, value, high = (
        unit * float(np.sqrt(thermal / area)) if area > 0 else float("inf")
        for area in (u.high, u.value, u.low)
    )
    error = 0.5 * value * u.error / u.value
    number = Quantity(value, "K", error, low, high, u.status, u.note)
    if value > kelvin:
        return number.provisional(
            f"above the {kelvin:g} K of the run, where motion is not classical"
        )
    return number


def _ranked(name: str, own: Floats) -> Curve:
    n = len(own)
    return Curve(np.sort(own), (np.arange(n) + 0.5) / n, _U, _SHARE, label=name)


def debye_waller_factor(u_iso: float, q: Floats) -> Floats:
    r"""Return the intensity that vibration leaves in a reflection, exp(-2W).

    .. math:: e^{-2W} = \exp(-q^2 U_{iso})

    Parameters
    ----------
    u_iso
        Å².
    q
        (n,), 1/Å.
    """
    return np.asarray(np.exp(-(q**2) * u_iso))
