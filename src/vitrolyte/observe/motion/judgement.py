"""When a transport coefficient is refused, provisional or fit to be used."""

from __future__ import annotations

from dataclasses import dataclass

from vitrolyte.data.quantity import Quantity
from vitrolyte.observe.motion.low_frequency import Level


@dataclass(frozen=True)
class Limits:
    """Limits of trust.

    Attributes
    ----------
    hop_length_A
        A species that diffused less than this in the run yields no diffusivity, Å.
    wide_interval
        Half width of the 95 % interval over the value beyond which a number is provisional.
    subdiffusive_exponent
        Logarithmic slope of the MSD below which diffusion has not set in.
    """

    hop_length_A: float = 3.0
    wide_interval: float = 0.5
    subdiffusive_exponent: float = 0.9

    def quantity(self, level: Level, factor: float, unit: str) -> Quantity:
        """Return a level times an exact factor, provisional where its interval is wide."""
        low, high = level.interval()
        number = Quantity(
            level.value * factor, unit, level.error * factor, low * factor, high * factor
        )
        return self.judged(number)

    def judged(self, number: Quantity) -> Quantity:
        """Return a number, marked provisional where its interval is wide."""
        if number.status == "refused":
            return number
        width = 0.5 * (number.high - number.low) / abs(number.value) if number.value else 1e9
        if width > self.wide_interval:
            return number.provisional(
                f"the 95 % interval spans ±{100 * width:.0f} % of the value, "
                f"more than {100 * self.wide_interval:.0f} %"
            )
        return number
