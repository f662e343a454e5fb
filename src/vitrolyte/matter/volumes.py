"""How much room a composition takes: volumes that ions have in crystals, added up."""

from __future__ import annotations

import math
from functools import cache

import numpy as np

from vitrolyte.data.elements import masses
from vitrolyte.data.errors import InputError
from vitrolyte.data.units import U_PER_A3_TO_G_PER_CM3
from vitrolyte.matter.catalogue import entries
from vitrolyte.matter.composition import Composition, formal_charges, parse_formula
from vitrolyte.matter.radii import ionic_radius

GLASS_EXPANSION = 1.10
"""Volume of a glass over that of the crystal, by which an estimate for a melt or glass is raised.

Li3OCl 1.13 (simulated, Heenen et al., J. Phys. Chem. Lett. 2019), Li2OHBr 1.20 (density 0.83 of the
crystal's, Milan 2025).
"""
_SPHERE_PACKING = 0.64
"""Share of space that equal spheres fill at random; for ions that no crystal here holds."""


@cache
def ionic_volumes() -> dict[tuple[str, int], float]:
    """Return the volume of each ion, Å³: least squares over the crystals of the catalogue.

    ``V = sum_i n_i v_i`` for one formula unit of each crystal. Volumes of small cations come out
    small or slightly negative: they sit in the holes between anions.
    """
    crystals = list(entries().values())
    formulas = [parse_formula(crystal.formula) for crystal in crystals]
    charged = [formal_charges(formula) for formula in formulas]
    ions = sorted({ion for charges in charged for ion in charges.items()})
    counts = np.array(
        [[f[e] if q.get(e) == z else 0.0 for e, z in ions] for f, q in zip(formulas, charged)]
    )
    volumes = np.array([crystal.volume_per_formula_unit for crystal in crystals])
    # Relative errors count: divided by its volume, each crystal weighs the same.
    fitted, *_ = np.linalg.lstsq(counts / volumes[:, None], np.ones(len(volumes)), rcond=1e-6)
    return dict(zip(ions, map(float, fitted)))


def crystal_volume_per_atom(composition: str | Composition) -> float:
    """Return the estimated volume per atom of a crystal of this composition, Å³.

    The sum of `ionic_volumes`; an ion that no crystal of the catalogue holds counts as a sphere
    of its Shannon radius at random packing, ``4 pi r³ / (3 · 0.64)``.

    Raises
    ------
    InputError
        If the composition has no neutral assignment or an ion is unknown, so that a density has
        to be given.
    """
    one = parse_formula(composition) if isinstance(composition, str) else composition
    total = math.fsum(one[e] * _volume(e, q) for e, q in formal_charges(one).items())
    if total <= 0:
        raise InputError(
            "The volume of a composition can be estimated where it holds anions",
            received=one.formula,
            remedy="give the volume per atom or the density",
        )
    return total / one.atoms


def _volume(element: str, charge: int) -> float:
    known = ionic_volumes().get((element, charge))
    if known is not None:
        return known
    radius = max(0.0, ionic_radius(element, charge))
    return 4.0 / 3.0 * math.pi * radius**3 / _SPHERE_PACKING


def volume_at_density(composition: str | Composition, density_g_per_cm3: float) -> float:
    """Return the volume per atom, Å³, at a mass density, g/cm³.

    Raises
    ------
    InputError
        If the density is not positive.
    """
    one = parse_formula(composition) if isinstance(composition, str) else composition
    if not density_g_per_cm3 > 0:
        raise InputError("A density is positive", received=f"{density_g_per_cm3} g/cm³")
    mean_mass = float(masses(one.elements) @ np.asarray(one.amounts)) / one.atoms
    return mean_mass * U_PER_A3_TO_G_PER_CM3 / density_g_per_cm3
