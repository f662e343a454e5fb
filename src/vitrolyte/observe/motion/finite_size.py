r"""What the size of the box does to diffusion in a liquid: the correction of Yeh and Hummer.

An ion drags the liquid along, and in a periodic box its images slow it down:

.. math:: D_\infty = D_{box} + \frac{k T}{6 \pi \eta} \frac{\xi}{L}, \qquad L = V^{1/3}

:math:`\xi / L` is the potential at a unit charge due to its own images in a neutralising
background, with the sign turned: 2.837297 for a cube. It is worked out for the box at hand. The
correction is one of hydrodynamics: it holds for liquids, not for ions that hop through a solid.

References
----------
Yeh & Hummer, J. Phys. Chem. B 108, 15873 (2004), https://doi.org/10.1021/jp0477147;
Duenweg & Kremer, J. Chem. Phys. 99, 6983 (1993), https://doi.org/10.1063/1.465445
"""

from __future__ import annotations

from dataclasses import dataclass
from math import pi

import numpy as np
from scipy.special import erfc

from vitrolyte.data.errors import InputError
from vitrolyte.data.observation import Observation, Sample, computed
from vitrolyte.data.quantity import NORMAL_95, Quantity
from vitrolyte.data.result import Result
from vitrolyte.observe.tracks import Floats

_BOLTZMANN_J_PER_K = 1.380649e-23
_REACH = 6.0
_RADIUS_A = 1.5


def box_factor(cell: Floats) -> float:
    """Return ξ of a box of any shape, by Ewald's sum; 2.837297 for a cube.

    Parameters
    ----------
    cell
        (3, 3), rows are the cell vectors.
    """
    volume = abs(float(np.linalg.det(cell)))
    length = volume ** (1.0 / 3.0)
    splitting = np.sqrt(pi) / length
    images = _norms(cell, _REACH / splitting)
    waves = _norms(
        np.asarray(2.0 * pi * np.linalg.inv(cell).T, dtype=float), 2.0 * splitting * _REACH
    )
    near = np.sum(erfc(splitting * images) / images)
    far = 4.0 * pi / volume * np.sum(np.exp(-((0.5 * waves / splitting) ** 2)) / waves**2)
    own = 2.0 * splitting / np.sqrt(pi) + pi / (volume * splitting**2)
    return float(-length * (near + far - own))


def _norms(vectors: Floats, reach: float) -> Floats:
    """Return the lengths of all lattice vectors but zero, up to a reach."""
    widths = 1.0 / np.linalg.norm(np.linalg.inv(vectors), axis=0)
    most = np.ceil(reach / widths).astype(int)
    grid = np.stack(np.meshgrid(*[np.arange(-m, m + 1) for m in most], indexing="ij"), axis=-1)
    lengths = np.linalg.norm(grid.reshape(-1, 3) @ vectors, axis=1)
    return np.asarray(lengths[(lengths > 1e-9) & (lengths <= reach)])


@dataclass(frozen=True, eq=False)
class FiniteSize(Result):
    """A diffusivity for a box without end.

    Attributes
    ----------
    species
        The ion.
    in_box, corrected
        Diffusivity in the box and corrected, cm²/s; refused where no viscosity is known.
    factor
        ξ of the box.
    share
        What the correction adds, over the diffusivity in the box; where no viscosity is known, the
        estimate of Stokes and Einstein for an ion of 1.5 Å, ξ a / L.
    note
        What to make of it.
    """

    species: str
    in_box: Quantity
    corrected: Quantity
    factor: float
    share: float
    note: str

    def observations(self, sample: Sample) -> tuple[Observation, ...]:
        """Return the row of the corrected diffusivity."""
        method = "tracer, corrected for the size of the box (Yeh-Hummer)"
        return (
            computed(sample, "tracer_diffusivity", self.corrected, of=self.species, method=method),
        )


@dataclass(frozen=True, eq=False)
class Box:
    """The periodic box of a liquid.

    Attributes
    ----------
    cell
        (3, 3), Å, the mean cell.
    temperature_K
        K.
    """

    cell: Floats
    temperature_K: float

    def __post_init__(self) -> None:
        if not self.temperature_K > 0 or abs(np.linalg.det(self.cell)) < 1e-9:
            raise InputError(
                "A size correction needs a cell with a volume and a temperature above 0 K",
                received=f"{np.asarray(self.cell).tolist()}, {self.temperature_K} K",
            )

    @property
    def length_A(self) -> float:
        """Return the cube root of the volume, Å."""
        return float(abs(np.linalg.det(self.cell)) ** (1.0 / 3.0))

    def shift(self, viscosity_mPa_s: float) -> float:
        """Return what the box takes from every diffusivity, cm²/s."""
        drag = 6.0 * pi * viscosity_mPa_s * 1e-3 * self.length_A * 1e-10
        return _BOLTZMANN_J_PER_K * self.temperature_K * box_factor(self.cell) / drag * 1e4


def corrected_for_size(
    diffusivity: Quantity, box: Box, *, species: str, viscosity: Quantity | None = None
) -> FiniteSize:
    """Return a liquid's diffusivity for a box without end.

    Parameters
    ----------
    diffusivity
        In the box, cm²/s.
    box
        Of the run.
    species
        The ion.
    viscosity
        Of the liquid at this temperature, mPa s; its error is carried over. Without one the size of
        the effect is estimated and nothing is corrected.

    Raises
    ------
    InputError
        If the viscosity is not positive.
    """
    factor = box_factor(box.cell)
    guess = factor * _RADIUS_A / box.length_A
    if viscosity is None or viscosity.status == "refused":
        note = (
            f"no viscosity is known; in a liquid of ions of about {_RADIUS_A:g} Å a box of "
            f"{box.length_A:.3g} Å makes a diffusivity some {100 * guess:.0f} % too small; in a "
            "solid this does not apply: compare two sizes of the box instead"
        )
        refused = Quantity.refused("cm²/s", note)
        return FiniteSize(species, diffusivity, refused, factor, guess, note)
    if not viscosity.value > 0 or viscosity.unit != "mPa s":
        raise InputError(
            "A size correction needs a positive viscosity in mPa s",
            received=f"{viscosity.value:g} {viscosity.unit}",
        )
    if diffusivity.status == "refused":
        return FiniteSize(species, diffusivity, diffusivity, factor, guess, diffusivity.note)
    shift = box.shift(viscosity.value)
    note = f"{shift:.3g} cm²/s added for the box of {box.length_A:.3g} Å; for liquids only"
    return FiniteSize(
        species,
        diffusivity,
        _shifted(diffusivity, shift, viscosity, note),
        factor,
        shift / diffusivity.value,
        note,
    )


def _shifted(number: Quantity, shift: float, viscosity: Quantity, note: str) -> Quantity:
    relative = viscosity.error / viscosity.value if viscosity.error > 0 else 0.0
    half = NORMAL_95 * shift * relative
    value = number.value + shift
    return Quantity(
        value,
        number.unit,
        float(np.hypot(number.error, shift * relative)),
        value - float(np.hypot(number.value - number.low, half)),
        value + float(np.hypot(number.high - number.value, half)),
        number.status,
        f"{number.note}; {note}" if number.note else note,
    )
