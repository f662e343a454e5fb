"""Conductivities and what compares them: sums over single ions, and over all ions as one current.

The frame of reference is that of the displacements. A conductivity of charges that add up to zero
does not depend on it; transference numbers do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy import stats

from vitrolyte.data.quantity import NORMAL_95, Quantity
from vitrolyte.data.units import (
    A2_PER_PS_TO_CM2_PER_S,
    BOLTZMANN_EV_PER_K,
    E2_PER_A_PS_EV_TO_S_PER_CM,
)
from vitrolyte.observe.motion.displacement import Displacements
from vitrolyte.observe.motion.judgement import Limits
from vitrolyte.observe.motion.low_frequency import (
    Fit,
    Level,
    Portion,
    Share,
    fit_spectrum,
    fitted_modes,
    joint_level,
    portion,
    roughness,
    self_level,
    share_of,
    straight_modes,
    stretches,
)
from vitrolyte.observe.motion.tracers import Tracer
from vitrolyte.observe.tracks import Floats

_CONDUCTIVITY = "S/cm"

_NEGLIGIBLE = 0.02
_TOO_MUCH = 0.1


@dataclass(frozen=True, eq=False)
class Currents:
    """The charge current of a trajectory, ion by ion and as a whole.

    Attributes
    ----------
    charges
        Formal charges, e; species left out count as neutral.
    tracers
        Diffusion of each species.
    partial
        Whether species that carry charge were left out on purpose.
    """

    moved: Displacements
    charges: Mapping[str, float]
    temperature_K: float
    limits: Limits
    tracers: Mapping[str, Tracer]
    partial: bool = False

    def of(self, *names: str) -> Currents:
        """Return the current of some of the species alone; it holds for this frame only."""
        return replace(self, charges={name: self.charges[name] for name in names}, partial=True)

    @cached_property
    def charged(self) -> tuple[str, ...]:
        """Return the species that carry charge."""
        return tuple(name for name in self.moved.species if self.charges.get(name, 0.0))

    @cached_property
    def factor(self) -> float:
        """Return e²/(V k T) in S/cm for each e² Å²/ps."""
        thermal = BOLTZMANN_EV_PER_K * self.temperature_K
        return E2_PER_A_PS_EV_TO_S_PER_CM / (self.moved.volume_A3 * thermal)

    @cached_property
    def obstacle(self) -> str:
        """Return why there is no conductivity; empty where there is one."""
        if any(self.tracers[name].moves for name in self.charged):
            return "" if self._straight else "no diffusive range in the sum over all ions"
        return "; ".join(self.tracers[name].quantity.note for name in self.charged)

    @cached_property
    def still(self) -> tuple[str, ...]:
        """Return the charged species whose own diffusivity is refused."""
        return tuple(name for name in self.charged if not self.tracers[name].moves)

    @cached_property
    def still_share(self) -> float:
        """Return the part of the Nernst–Einstein sum that is no diffusion yet: a bound of theirs.

        The displacement of ions that stay in their cages has a small low-frequency part in a run
        of finite length, which weighs more where charges are high.
        """
        return min(max(sum(self._share(name).value for name in self.still), 0.0), 1.0)

    @cached_property
    def _too_still(self) -> str:
        """Why sums over single ions say too little; empty where they do not."""
        if self.still_share <= _TOO_MUCH:
            return ""
        names = ", ".join(self.still)
        return f"{names} showed no diffusion and would hold {self.still_share:.2f} of the sum"

    @cached_property
    def remark(self) -> str:
        """Return what a reader of a conductivity should know."""
        parts = [f"{', '.join(self.still)} showed no diffusion"] if self.still else []
        net = sum(self.strength(name) * self.count(name) for name in self.charged)
        if not self.partial and abs(net) > 1e-6 * sum(self.count(name) for name in self.charged):
            parts.append(f"the charges given add up to {net:+.3g} e, so that the result depends "
                         f"on the frame of reference ({self.moved.frame})")  # fmt: skip
        return "; ".join(parts)

    def strength(self, name: str) -> float:
        """Return the charge of an ion of a species, e."""
        return float(self.charges.get(name, 0.0))

    def count(self, name: str) -> int:
        """Return the number of ions of a species."""
        return int(self.moved.counts[self.moved.species.index(name)])

    def modes(self, name: str) -> Floats:
        """Return the sine modes of the summed path of a species, (m, d)."""
        return np.asarray(self.moved.sum_modes[self.moved.species.index(name)])

    @cached_property
    def _shares(self) -> tuple[Share, ...]:
        rows = [(self.moved.species.index(name), self.strength(name)) for name in self.charged]
        return tuple(Share(self.moved.modes[row], z**2) for row, z in rows)

    @cached_property
    def _spectrum(self) -> Floats:
        return np.asarray(np.sum([share.spectrum for share in self._shares], axis=0))

    @cached_property
    def _straight(self) -> int:
        return straight_modes(self._spectrum, self.moved.points)

    @cached_property
    def _guide(self) -> Fit:
        m = fitted_modes(self._straight)
        return fit_spectrum(self._spectrum[:m], roughness(m, self.moved.points), 1)

    @cached_property
    def single(self) -> Level:
        """Return the sum over single ions, e² Å²/ps."""
        return self_level(self._shares, self.moved.points, self._straight)

    @cached_property
    def _current(self) -> Floats:
        parts = [self.strength(name) * self.modes(name) for name in self.charged]
        return np.asarray(np.sum(parts, axis=0))

    @cached_property
    def joint(self) -> Level:
        """Return the limit of the current of all ions together, e² Å²/ps."""
        return joint_level(self._current, self.moved.points, self._guide, self._straight)

    @property
    def flat(self) -> int:
        """Return the number of low modes of the current on which collective numbers rest."""
        return self.joint.modes

    def remarked(self, number: Quantity) -> Quantity:
        """Return a number with what a reader of a conductivity should know."""
        if number.status == "refused" or not self.remark:
            return number
        if self.still_share > _NEGLIGIBLE:
            return number.provisional(self.remark)
        note = f"{number.note}; {self.remark}" if number.note else self.remark
        return Quantity(
            number.value, number.unit, number.error, number.low, number.high, number.status, note
        )

    def tracer_conductivity(self) -> Quantity:
        """Return the Nernst–Einstein conductivity of all ions, S/cm."""
        if self.obstacle:
            return Quantity.refused(_CONDUCTIVITY, self.obstacle)
        number = self.limits.quantity(self.single, self.factor, _CONDUCTIVITY)
        moving = 1.0 - self.still_share
        if self._too_still:
            ends = f"between {number.value * moving:.2g} and {number.value:.2g} {_CONDUCTIVITY}"
            return Quantity.refused(_CONDUCTIVITY, f"{self._too_still}: anything {ends}")
        # The truth lies anywhere between the sum with and without the ions that are still.
        number = replace(number, low=min(number.low, number.low * moving))
        return self.remarked(self._as_sure_as_tracers(number))

    def _as_sure_as_tracers(self, number: Quantity) -> Quantity:
        doubts = [self.tracers[name].quantity for name in self.charged]
        for one in doubts:
            if one.status == "provisional":
                return number.provisional(one.note)
        return number

    def partial_conductivity(self) -> dict[str, Quantity]:
        """Return the Nernst–Einstein conductivity of each charged species, S/cm."""
        found = {}
        for name in self.charged:
            strength = self.count(name) * self.strength(name) ** 2 * self.factor
            diffusivity = self.tracers[name].quantity
            found[name] = diffusivity.scaled(strength / A2_PER_PS_TO_CM2_PER_S, _CONDUCTIVITY)
        return found

    def collective_conductivity(self) -> Quantity:
        """Return the conductivity from the charge displacement of all ions together, S/cm."""
        return self._collective(self.factor, _CONDUCTIVITY)

    def charge_diffusivity(self) -> Quantity:
        """Return the collective conductivity as a diffusivity of independent charges, cm²/s."""
        squares = sum(self.count(name) * self.strength(name) ** 2 for name in self.charged)
        return self._collective(A2_PER_PS_TO_CM2_PER_S / squares, "cm²/s")

    @cached_property
    def no_current(self) -> str:
        """Return why there is no collective conductivity; empty where there is one."""
        if self.obstacle:
            return self.obstacle
        return "" if self.joint.value > 0 else "the collective spectrum has no limit above zero"

    def _collective(self, factor: float, unit: str) -> Quantity:
        if self.no_current:
            return Quantity.refused(unit, self.no_current)
        number = self.limits.quantity(self.joint, factor, unit)
        return self.remarked(self._as_sure_as_tracers(number))

    def haven_ratio(self) -> Quantity:
        """Return tracer over collective conductivity; below one where ions move together."""
        if self.no_current:
            return Quantity.refused("1", self.no_current)
        if self._too_still:
            return Quantity.refused("1", self._too_still)
        value = self.single.value / self.joint.value
        variance = self._ratio_variance()
        dof = min(self.single.dof, self.joint.dof)
        quantile = float(stats.t.ppf(0.975, dof)) if self.single.variance > variance / 2 else 0.0
        nu = 2.0 / (variance * max(quantile / NORMAL_95, 1.0) ** 2)
        # The current is the scarce part: its chi-square stands in the denominator.
        low, high = value * stats.chi2.ppf([0.025, 0.975], nu) / nu
        number = Quantity(value, "1", value * variance**0.5, float(low), float(high))
        return self.remarked(self._as_sure_as_tracers(self.limits.judged(number)))

    def _ratio_variance(self) -> float:
        """Return the relative variance of the Haven ratio, with the covariance of its parts."""
        single, joint = self.single.variance, self.joint.variance
        shared = 2.0 * self.alike * float(np.sqrt(single * joint))
        return max(single + joint - shared, 1e-4 * (single + joint))

    @cached_property
    def alike(self) -> float:
        """Return the correlation of the sum over single ions with that of all as one, 0 to 1."""
        return max(0.5 * (self._alike_by_mode() + self._alike_in_time()), 0.0)

    def _alike_by_mode(self) -> float:
        m = min(self.single.modes, self.joint.modes)
        squares = np.square(self._current[:m]).mean(axis=1)
        return float(np.corrcoef(self._spectrum[:m], squares)[0, 1])

    def _alike_in_time(self) -> float:
        joint = stretches(self.joint.moments)
        single = stretches(self.single.moments, len(joint))
        if not len(joint) or len(single) != len(joint):
            return self._alike_by_mode()
        return float(np.corrcoef(single, joint)[0, 1])

    def tracer_transference(self) -> dict[str, Quantity]:
        """Return the share of each species in the Nernst–Einstein conductivity."""
        if self.obstacle:
            return {name: Quantity.refused("1", self.obstacle) for name in self.charged}
        return {name: self.remarked(self._tracer_share(name)) for name in self.charged}

    def _share(self, name: str) -> Level:
        which = self.charged.index(name)
        return share_of(self._shares, which, self.moved.points, self._straight)

    def _tracer_share(self, name: str) -> Quantity:
        if name in self.still:
            return Quantity.refused("1", self.tracers[name].quantity.note)
        level = self._share(name)
        most = level.value / (1.0 - self.still_share) if self.still_share < 1.0 else 1.0
        if self._too_still:
            ends = f"between {level.value:.2f} and {min(most, 1.0):.2f} of it"
            reason = f"{self._too_still}, so that {name} carries anything {ends}"
            return Quantity.refused("1", reason)
        low, high = _share_interval(level)
        high += most - level.value
        return self._share_quantity(Portion(level.value, level.error, low, high))

    def collective_transference(self) -> dict[str, Quantity]:
        """Return the share of each species in the collective conductivity, cross terms included."""
        if self.no_current:
            return {name: Quantity.refused("1", self.no_current) for name in self.charged}
        found = {}
        for name in self.charged:
            part = portion(self.strength(name) * self.modes(name)[: self.flat],
                           self._current[: self.flat])  # fmt: skip
            found[name] = self.remarked(self._share_quantity(part))
        return found

    def _share_quantity(self, part: Portion) -> Quantity:
        number = Quantity(part.value, "1", part.error, part.low, part.high)
        half = 0.5 * (part.high - part.low)
        if half > self.limits.wide_interval:
            return number.provisional(f"the 95 % interval spans ±{half:.2g}")
        return number


def _share_interval(level: Level) -> tuple[float, float]:
    """Return the 95 % interval of a share, on the logistic scale where it lies inside (0, 1)."""
    share, half = level.value, float(stats.t.ppf(0.975, level.dof)) * level.error
    if not level.error < min(share, 1.0 - share):
        return share - half, share + half
    odds = np.log(share / (1.0 - share)) + np.array([-1.0, 1.0]) * half / (share * (1.0 - share))
    low, high = 1.0 / (1.0 + np.exp(-odds))
    return float(low), float(high)
