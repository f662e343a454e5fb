"""Whether the imaginary part of a spectrum has the sign that it should have."""

from __future__ import annotations

import numpy as np
from scipy import optimize

from vitrolyte.data.errors import InputError
from vitrolyte.data.measurement import Measurement
from vitrolyte.laboratory.impedance.kramers_kronig import Smooth, smooth
from vitrolyte.laboratory.impedance.settings import ImpedanceSettings
from vitrolyte.laboratory.impedance.spectrum import Complexes, Spectrum, spectrum


def read_spectrum(measurement: Measurement, settings: ImpedanceSettings) -> tuple[Spectrum, Smooth]:
    """Return a spectrum in order with what the linear test sees, its sign looked at.

    Raises
    ------
    InputError
        As `spectrum`, and where Z'' seems to have the other sign.
    """
    found = spectrum(measurement, settings.sign)
    if settings.sign == "check":
        _refuse_other_sign(found)
    return found, smooth(found)


def _refuse_other_sign(spectrum: Spectrum) -> None:
    """Refuse a spectrum that passive elements describe far better with Z'' turned."""
    z = spectrum.impedance
    if np.mean(z.imag > 0) < 0.4:
        return
    own, turned = (_passive_misfit(spectrum, part) for part in (z, np.conj(z)))
    if turned < 0.5 * own:
        raise InputError(
            "A capacitive spectrum has a negative imaginary part Z''",
            received=f"{spectrum.name}, in which Z'' is positive at "
            f"{int(np.sum(z.imag > 0))} of {len(z)} frequencies and resistances and capacitors "
            "cannot describe it, though they can with the other sign",
            remedy="give --sign swapped if the file holds -Z'', or --sign physical to take it "
            "as it is",
        )


def _passive_misfit(spectrum: Spectrum, z: Complexes) -> float:
    """Return the misfit of elements none of which is negative, relative to |Z|."""
    s, modulus = 1j * spectrum.omega, spectrum.modulus
    rates = np.geomspace(spectrum.omega[-1] / 3.0, spectrum.omega[0] * 3.0, 40)
    columns = [np.ones_like(s), s / spectrum.omega[0], spectrum.omega[-1] / s]
    columns += [1.0 / (1.0 + s / rate) for rate in rates]
    design = np.stack(columns, axis=1) / modulus[:, None]
    scaled = np.concatenate([design.real, design.imag])
    scaled = scaled / np.linalg.norm(scaled, axis=0)
    aim = z / modulus
    return float(optimize.nnls(scaled, np.concatenate([aim.real, aim.imag]))[1])
