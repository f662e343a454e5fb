"""The pellet between its electrodes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vitrolyte.data.errors import InputError

_THICK_CM = 0.5
_THICK_SHARE = 1.5


@dataclass(frozen=True)
class Geometry:
    """Thickness and area of a sample, with standard errors.

    Attributes
    ----------
    thickness_cm, area_cm2
        Between the electrodes.
    thickness_error_cm, area_error_cm2
        Standard errors; 0 where they are taken as exact.

    Raises
    ------
    InputError
        If a size is not above zero or an error is negative.
    """

    thickness_cm: float
    area_cm2: float
    thickness_error_cm: float = 0.0
    area_error_cm2: float = 0.0

    def __post_init__(self) -> None:
        if not (self.thickness_cm > 0 and self.area_cm2 > 0):
            raise InputError(
                "A sample has a thickness and an area above zero",
                received=f"{self.thickness_cm} cm and {self.area_cm2} cm²",
            )
        if not (0 <= self.thickness_error_cm < self.thickness_cm) or not (
            0 <= self.area_error_cm2 < self.area_cm2
        ):
            raise InputError(
                "The errors of thickness and area are not negative and below them",
                received=f"{self.thickness_error_cm} cm and {self.area_error_cm2} cm²",
            )

    @property
    def cell_constant(self) -> float:
        """Return L / A, 1/cm."""
        return self.thickness_cm / self.area_cm2

    @property
    def relative_error(self) -> float:
        """Return the standard error of the cell constant over itself."""
        return float(
            np.hypot(
                self.thickness_error_cm / self.thickness_cm, self.area_error_cm2 / self.area_cm2
            )
        )

    @property
    def doubt(self) -> str:
        """Return why the sizes look like those of another unit; empty where they do not."""
        width = 2.0 * np.sqrt(self.area_cm2 / np.pi)
        if self.thickness_cm > _THICK_SHARE * width:
            return (
                f"the sample would be {self.thickness_cm:g} cm thick and {width:.2g} cm wide: "
                "was the thickness given in mm?"
            )
        if self.thickness_cm > _THICK_CM:
            return f"a sample {self.thickness_cm:g} cm thick is unusual: was it given in mm?"
        return ""
