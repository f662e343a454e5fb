"""Diffusion and conductivity along the axes of a crystal, in its layers, and along principal axes.

Displacements are looked at along one axis, or in a plane; what is said of a diffusivity in three
dimensions holds there as well: the same modes, intervals and refusals.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from scipy import stats

from vitrolyte.data.curve import Axis, Curve, CurveSet
from vitrolyte.data.errors import InputError
from vitrolyte.data.observation import Observation, Sample, computed
from vitrolyte.data.quantity import Quantity
from vitrolyte.data.result import Result
from vitrolyte.data.trajectory import Trajectory
from vitrolyte.data.units import A2_PER_PS_TO_CM2_PER_S
from vitrolyte.observe.motion.currents import Currents
from vitrolyte.observe.motion.directions import (
    Direction,
    alike,
    lattice_directions,
    plane_of,
    principal_directions,
)
from vitrolyte.observe.motion.displacement import Displacements, Reading, mean_square_displacement
from vitrolyte.observe.motion.displacement_curves import shown_lags
from vitrolyte.observe.motion.judgement import Limits
from vitrolyte.observe.motion.low_frequency import (
    Level,
    Share,
    fit_spectrum,
    limit_order,
    roughness,
)
from vitrolyte.observe.motion.tracers import UNIT, Tracer, relative_msd_variance, tracer
from vitrolyte.observe.tracks import Floats

COMPONENTS = ("xx", "yy", "zz", "yz", "xz", "xy")
_PAIRS = ((0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1))


@dataclass(frozen=True)
class AnisotropySettings:
    """What decides about an analysis of directions.

    Attributes
    ----------
    normal
        Miller indices of the layers, in the cell of the trajectory.
    significance
        Chance of telling principal axes apart that are alike.
    reading, limits
        As in a transport analysis.
    """

    normal: tuple[int, int, int] = (0, 0, 1)
    significance: float = 0.01
    reading: Reading = field(default_factory=Reading)
    limits: Limits = field(default_factory=Limits)

    def __post_init__(self) -> None:
        if not any(self.normal) or not 0.0 < self.significance < 0.5:
            raise InputError(
                "Directions need Miller indices of a plane and a significance between 0 and 0.5",
                received=f"normal {self.normal}, significance {self.significance:g}",
            )


@dataclass(frozen=True, eq=False)
class Anisotropy(Result):
    """Transport by direction in one trajectory.

    Attributes
    ----------
    temperature_K, frame
        State, and frame of reference of the displacements.
    diffusivity
        Tracer diffusivity, cm²/s, by species and direction: ``Li along a``, ``Li in the plane
        (001)``.
    tensor
        Elements of the diffusion tensor in the frame in which the cell is given, cm²/s: ``Li xx``.
    principal
        Tracer diffusivity along the principal axes, cm²/s, as far as these can be told apart;
        those that cannot share the mean over their plane, or over all directions.
    axes
        The unit vectors that belong to ``principal``, one after another.
    isotropy
        By species: probability of a tensor so uneven if diffusion were the same in all directions.
    layer_ratio
        By species: diffusivity within the layers over that across them.
    conductivity
        Collective conductivity by direction, S/cm.
    curves
        MSD along the directions, of the species that diffuses fastest.
    """

    temperature_K: float
    frame: str
    diffusivity: Mapping[str, Quantity]
    tensor: Mapping[str, Quantity]
    principal: Mapping[str, Quantity]
    axes: Mapping[str, tuple[float, ...]]
    isotropy: Mapping[str, float]
    layer_ratio: Mapping[str, Quantity]
    conductivity: Mapping[str, Quantity]
    curves: CurveSet

    def observations(self, sample: Sample) -> tuple[Observation, ...]:
        """Return the rows of all quantities; ``of`` names species and direction."""
        listed = (
            ("tracer_diffusivity", self.diffusivity, "tracer, by direction"),
            ("tracer_diffusivity", self.principal, "tracer, principal axes"),
            ("diffusion_anisotropy", self.layer_ratio, "within the layers over across them"),
            ("ionic_conductivity", self.conductivity, "collective, by direction"),
        )
        return tuple(
            computed(sample, word, number, of=of, method=method)
            for word, numbers, method in listed
            for of, number in numbers.items()
        )


def anisotropy(
    trajectory: Trajectory,
    charges: Mapping[str, float],
    *,
    temperature_K: float,
    settings: AnisotropySettings | None = None,
) -> Anisotropy:
    r"""Return diffusivities and the collective conductivity by direction.

    .. math::
        D_{\hat u} = \lim \frac{\langle (\hat u \cdot \Delta r)^2 \rangle}{2 t}, \qquad
        D_\perp = \lim \frac{\langle \Delta x^2 + \Delta y^2 \rangle}{4 t}

    Parameters
    ----------
    trajectory
        Unwrapped positions at equally spaced times, in one orientation of the crystal.
    charges
        Formal charges of the species whose transport is asked for, e.
    temperature_K
        K.

    Raises
    ------
    InputError
        As for :func:`vitrolyte.observe.motion.transport.transport`.
    """
    settings = settings or AnisotropySettings()
    if not any(charges.values()):
        raise InputError("A conductivity needs the formal charge of each ion", received="none")
    trajectory.indices(*charges)
    moved = mean_square_displacement(trajectory, reading=settings.reading)
    return anisotropy_of(moved, charges, temperature_K=temperature_K, settings=settings)


def anisotropy_of(
    moved: Displacements,
    charges: Mapping[str, float],
    *,
    temperature_K: float,
    settings: AnisotropySettings | None = None,
) -> Anisotropy:
    """Return transport by direction from displacements that were read before."""
    settings = settings or AnisotropySettings()
    if not temperature_K > 0:
        raise InputError("A conductivity needs a temperature above 0 K",
                         received=f"{temperature_K} K")  # fmt: skip
    names = tuple(name for name in moved.species if charges.get(name))
    directions = lattice_directions(moved.cell, settings.normal)
    diffusivity: dict[str, Quantity] = {}
    conductivity: dict[str, Quantity] = {}
    for one in directions:
        seen = moved.along(one.axes)
        tracers = {name: tracer(seen, name, settings.limits) for name in moved.species}
        diffusivity |= {f"{name} {one.name}": tracers[name].quantity for name in names}
        current = Currents(seen, dict(charges), temperature_K, settings.limits, tracers)
        conductivity[one.name] = current.collective_conductivity()
    species = {name: _Uneven(moved, name, settings) for name in names}
    fastest = max(names, key=lambda name: species[name].whole.reach)
    return Anisotropy(
        temperature_K=temperature_K,
        frame=moved.frame,
        diffusivity=diffusivity,
        tensor={k: q for one in species.values() for k, q in one.elements().items()},
        principal={k: q for one in species.values() for k, (q, _) in one.principal.items()},
        axes={k: axes for one in species.values() for k, (_, axes) in one.principal.items()},
        isotropy={name: one.isotropy for name, one in species.items() if one.whole.moves},
        layer_ratio={name: one.layer_ratio() for name, one in species.items()},
        conductivity=conductivity,
        curves=_curves(moved, fastest, directions),
    )


@dataclass(frozen=True, eq=False)
class _Uneven:
    """Diffusion of one species that may differ with direction."""

    moved: Displacements
    species: str
    settings: AnisotropySettings

    @cached_property
    def whole(self) -> Tracer:
        """Return diffusion as the mean over all directions."""
        return tracer(self.moved, self.species, self.settings.limits)

    def _share(self) -> Share:
        row = self.moved.species.index(self.species)
        return Share(self.moved.modes[row], 1.0 / self.moved.counts[row])

    def tensor(self, level: Level) -> Floats:
        """Return the diffusion tensor, (3, 3), Å²/ps, from the modes of a level."""
        share, m = self._share(), level.modes
        g = roughness(m, self.moved.points)
        weights = fit_spectrum(share.spectrum[:m], g, limit_order(m)).weights
        low = share.modes[:m]
        weighted = low * weights.astype(np.float32)[:, None, None]
        products = np.einsum("mia,mib->ab", weighted, low, dtype=float, optimize=True)
        return np.asarray(0.5 * (products + products.T) * share.weight)

    def _dof(self, level: Level, tensor: Floats) -> float:
        """Return the degrees of freedom of each element, from the variance of the trace.

        The trace of a Wishart matrix varies by 2 tr(T²) / dof.
        """
        squares = float(np.sum(tensor**2))
        return 2.0 * squares / float(np.trace(tensor)) ** 2 / level.variance

    @cached_property
    def isotropy(self) -> float:
        """Return the probability of so uneven a tensor if all directions were alike."""
        level = self.whole.level
        if level is None:
            return 1.0
        tensor = self.tensor(level)
        roots = np.linalg.eigvalsh(tensor)
        return alike(np.maximum(roots, 1e-6 * roots[-1]), self._dof(level, tensor))

    def elements(self) -> dict[str, Quantity]:
        """Return the six elements of the tensor, cm²/s."""
        whole = self.whole
        if whole.level is None or not whole.moves:
            refused = Quantity.refused(UNIT, whole.quantity.note)
            return {f"{self.species} {word}": refused for word in COMPONENTS}
        tensor = self.tensor(whole.level)
        dof = self._dof(whole.level, tensor)
        quantile = float(stats.t.ppf(0.975, whole.level.dof))
        found = {}
        for word, (a, b) in zip(COMPONENTS, _PAIRS, strict=True):
            variance = (tensor[a, b] ** 2 + max(tensor[a, a] * tensor[b, b], 0.0)) / dof
            value, error = tensor[a, b] * A2_PER_PS_TO_CM2_PER_S, np.sqrt(variance)
            half = quantile * error * A2_PER_PS_TO_CM2_PER_S
            found[f"{self.species} {word}"] = Quantity(
                float(value), UNIT, float(half / quantile), float(value - half), float(value + half)
            )
        return found

    @cached_property
    def principal(self) -> dict[str, tuple[Quantity, tuple[float, ...]]]:
        """Return diffusivities along principal axes, with the axes."""
        whole = self.whole
        if whole.level is None or not whole.moves:
            return {f"{self.species} in all directions": (whole.quantity, ())}
        tensor = self.tensor(whole.level)
        dof = self._dof(whole.level, tensor)
        found = {}
        for one in principal_directions(tensor, dof, self.settings.significance):
            seen = tracer(self.moved.along(one.axes), self.species, self.settings.limits)
            axes = tuple(float(x) for x in one.axes.ravel())
            found[f"{self.species} {one.name}"] = (seen.quantity, axes)
        return found

    def layer_ratio(self) -> Quantity:
        """Return the diffusivity within the layers over that across them."""
        upright = np.linalg.inv(self.moved.cell) @ np.array(self.settings.normal, dtype=float)
        upright /= np.linalg.norm(upright)
        within, across = (
            tracer(self.moved.along(axes), self.species, self.settings.limits)
            for axes in (plane_of(upright), upright[None])
        )
        if within.level is None or not within.moves:
            return Quantity.refused("1", f"within the layers: {within.quantity.note}")
        if across.level is None or not across.moves:
            return Quantity.refused("1", f"across the layers: {across.quantity.note}")
        return self.settings.limits.judged(_ratio(within.level, across.level))


def _ratio(first: Level, second: Level) -> Quantity:
    """Return the ratio of two independent levels, with the interval of Fisher's F."""
    value, variance = first.value / second.value, first.variance + second.variance
    widened = [
        (stats.t.ppf(0.975, one.dof) / stats.norm.ppf(0.975)) ** 2 for one in (first, second)
    ]
    dofs = [2.0 / (one.variance * wide) for one, wide in zip((first, second), widened, strict=True)]
    low, high = value / stats.f.ppf([0.975, 0.025], *dofs)
    return Quantity(value, "1", value * float(np.sqrt(variance)), float(low), float(high))


def _curves(moved: Displacements, species: str, directions: tuple[Direction, ...]) -> CurveSet:
    shown, row = shown_lags(moved), moved.species.index(species)
    lags = moved.lags[shown]
    found = []
    for one in directions:
        msd = moved.along(one.axes).msd[row, shown] / len(one.axes)
        alone = float(moved.counts[row] * len(one.axes))
        error = [np.sqrt(relative_msd_variance(int(lag), moved.n_frames, alone)) for lag in lags]
        found.append(
            Curve(
                lags * moved.step_ps,
                msd,
                Axis("lag time", "ps"),
                Axis("mean square displacement for each axis", "Å²"),
                msd * np.asarray(error),
                one.name,
            )
        )
    title = f"Mean square displacement of {species} by direction, {moved.frame} at rest"
    return CurveSet(title, tuple(found), log_x=True, log_y=True)
