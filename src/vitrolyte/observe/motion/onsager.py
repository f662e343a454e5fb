r"""The Onsager matrix of species as conductivities, with its self and distinct parts.

In the units of a conductivity, with :math:`\Delta R_a` the summed displacement of species a,

.. math::
    \sigma_{ab} = \frac{e^2 z_a z_b}{V k T}
        \lim \frac{\langle \Delta R_a \cdot \Delta R_b \rangle}{6 t}, \quad
    \sigma_{aa} = \sigma_{aa}^{self} + \sigma_{aa}^{distinct}, \quad
    \sigma_{aa}^{self} = \frac{e^2 z_a^2 N_a D_a}{V k T}

The Haven ratio of a species is the self part over the whole of its own element. All of them hold
for one frame of reference.

References
----------
Fong, Self, McCloskey & Persson, Macromolecules 54, 2575 (2021),
https://doi.org/10.1021/acs.macromol.0c02545;
Vargas-Barbosa & Roling, ChemElectroChem 7, 367 (2020), https://doi.org/10.1002/celc.201901627
"""

from __future__ import annotations

from itertools import combinations_with_replacement

import numpy as np
from scipy import stats

from vitrolyte.data.quantity import Quantity
from vitrolyte.observe.motion.currents import Currents
from vitrolyte.observe.motion.low_frequency import cross_level

_UNIT = "S/cm"


def onsager(currents: Currents) -> dict[str, Quantity]:
    """Return the collective conductivity by pairs of species, S/cm."""
    pairs = list(combinations_with_replacement(currents.charged, 2))
    if currents.no_current:
        return {f"{a}-{b}": Quantity.refused(_UNIT, currents.no_current) for a, b in pairs}
    return {f"{a}-{b}": _pair(currents, a, b) for a, b in pairs}


def _pair(currents: Currents, a: str, b: str) -> Quantity:
    if a == b:
        return currents.of(a).collective_conductivity()
    m, factor = currents.flat, currents.factor
    first = currents.strength(a) * currents.modes(a)[:m]
    level = cross_level(first, currents.strength(b) * currents.modes(b)[:m])
    half = float(stats.t.ppf(0.975, level.dof)) * level.error
    number = Quantity(
        level.value * factor,
        _UNIT,
        level.error * factor,
        (level.value - half) * factor,
        (level.value + half) * factor,
    )
    return currents.remarked(currents.limits.judged(number))


def distinct_conductivity(currents: Currents) -> dict[str, Quantity]:
    """Return what different ions of one species add to the collective conductivity, S/cm.

    Negative where they get into each other's way, positive where they move together.
    """
    return {name: _distinct(currents.of(name), name) for name in currents.charged}


def _distinct(alone: Currents, name: str) -> Quantity:
    if alone.count(name) == 1:
        return Quantity.refused(_UNIT, f"there is one {name} only")
    whole = alone.collective_conductivity()
    if whole.status == "refused":
        return whole
    single, joint = alone.single, alone.joint
    # The part that both estimates have in common cancels in the difference.
    shared = 2.0 * alone.alike * single.error * joint.error
    variance = single.error**2 + joint.error**2 - shared
    share = float(np.sqrt(max(variance, 1e-4 * joint.error**2))) / joint.error
    value = (joint.value - single.value) * alone.factor
    number = Quantity(
        value,
        _UNIT,
        whole.error * share,
        value - (whole.value - whole.low) * share,
        value + (whole.high - whole.value) * share,
        whole.status,
        whole.note,
    )
    return _known_sign(number, whole)


def _known_sign(number: Quantity, whole: Quantity) -> Quantity:
    """Return a difference; its own size says nothing about how well it is known."""
    half = 0.5 * (number.high - number.low)
    if half > 0.5 * abs(whole.value) and number.status == "ok":
        return number.provisional("the 95 % interval is wider than half of the whole")
    return number


def haven_ratios(currents: Currents) -> dict[str, Quantity]:
    """Return the self part over the whole of each species' own element of the matrix."""
    return {name: currents.of(name).haven_ratio() for name in currents.charged}
