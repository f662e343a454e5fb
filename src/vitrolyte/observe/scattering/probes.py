"""What scatters: X-rays from electrons, neutrons from nuclei.

A probe gives each species an amplitude; everything that is weighted takes it from here.
"""

from __future__ import annotations

import abc
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from vitrolyte.data.errors import InputError
from vitrolyte.observe.scattering.form_factors import x_ray_form_factor
from vitrolyte.observe.scattering.neutron import NATURAL, Mixture, Nucleus, mixed_nucleus

Floats = NDArray[np.float64]
Complexes = NDArray[np.complex128]

_FM_TO_ROOT_BARN = 0.1
_NULL_SHARE = 1e-3


class Probe(abc.ABC):
    """Something that is scattered.

    Attributes
    ----------
    name
        ``X-ray`` or ``neutron``.
    unit
        Unit of a squared amplitude, and so of an absolute intensity per atom and steradian.
    """

    name: ClassVar[str]
    unit: ClassVar[str]

    @abc.abstractmethod
    def amplitudes(self, elements: Sequence[str], q: Floats) -> Complexes:
        """Return the amplitude of each element at each Q (1/Å), (n_elements, n_q)."""

    @property
    @abc.abstractmethod
    def polarises(self) -> bool:
        """Return whether the scattered intensity depends on the polarisation of the beam."""


@dataclass(frozen=True)
class XRays(Probe):
    """X-rays: amplitudes are form factors, in electrons.

    Attributes
    ----------
    ions
        Ion to use for an element instead of the neutral atom: ``{"Cl": "Cl1-"}``.
    anomalous
        ``f' + i f''`` of an element at the wavelength used, electrons; zero where not given.
    """

    name = "X-ray"
    unit = "e²"
    ions: Mapping[str, str] = field(default_factory=dict)
    anomalous: Mapping[str, complex] = field(default_factory=dict)

    def amplitudes(self, elements: Sequence[str], q: Floats) -> Complexes:
        """Return ``f_a(Q) + f'_a + i f''_a``, (n_elements, n_q), electrons."""
        _check_names("ions or anomalous parts", {**self.ions, **self.anomalous}, elements)
        rows = [
            x_ray_form_factor(self.ions.get(element, element), q) + self.anomalous.get(element, 0.0)
            for element in elements
        ]
        return np.asarray(rows, dtype=complex)

    @property
    def polarises(self) -> bool:
        """Return True: electrons radiate as dipoles."""
        return True


@dataclass(frozen=True)
class Neutrons(Probe):
    """Neutrons: amplitudes are bound coherent scattering lengths, in the root of a barn (10 fm).

    Attributes
    ----------
    isotopes
        What an element is made of, where it is not natural: ``{"Li": "7Li"}`` or
        ``{"Li": {"7Li": 0.95, "6Li": 0.05}}``.
    """

    name = "neutron"
    unit = "barn"
    isotopes: Mapping[str, Mixture] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for element, mixture in self.isotopes.items():
            mixed_nucleus(element, mixture)

    def nucleus(self, element: str) -> Nucleus:
        """Return the scattering length and cross sections of an element as it is made up here."""
        return mixed_nucleus(element, self.isotopes.get(element, NATURAL))

    def amplitudes(self, elements: Sequence[str], q: Floats) -> Complexes:
        """Return ``b_a``, the same at each Q, (n_elements, n_q), 10 fm."""
        _check_names("isotopes", self.isotopes, elements)
        lengths = np.array([self.nucleus(element).length for element in elements])
        return np.asarray(np.outer(lengths * _FM_TO_ROOT_BARN, np.ones(np.shape(q))), dtype=complex)

    @property
    def polarises(self) -> bool:
        """Return False: nuclei scatter alike in all directions."""
        return False

    def incoherent_level(self, fractions: Mapping[str, float]) -> float:
        """Return the flat incoherent scattering ``sum_a c_a sigma_inc,a / 4 pi``, barn/sr/atom."""
        total = sum(c * self.nucleus(element).incoherent for element, c in fractions.items())
        return total / (4.0 * np.pi)


def _check_names(what: str, given: Mapping[str, object], elements: Sequence[str]) -> None:
    strangers = sorted(set(given) - set(elements))
    if strangers:
        raise InputError(
            f"{what[0].upper()}{what[1:]} are given for elements that are present",
            received=f"{', '.join(strangers)}; present are {', '.join(elements)}",
        )


@dataclass(frozen=True, eq=False)
class Strength:
    """How strongly a composition scatters at each Q.

    Attributes
    ----------
    q
        (n_q,), 1/Å.
    elements
        Order of the weights.
    weights
        (n_elements, n_elements, n_q), ``c_a c_b Re(b_a b_b*)``.
    self_scattering
        (n_q,), ``<|b|^2> = sum_a c_a |b_a|^2``.
    unit
        Of a squared amplitude.
    """

    q: Floats
    elements: tuple[str, ...]
    weights: Floats
    self_scattering: Floats
    unit: str

    @property
    def mean_squared(self) -> Floats:
        """Return ``|<b>|^2 = |sum_a c_a b_a|^2``, the sum of all weights, (n_q,)."""
        return np.asarray(self.weights.sum(axis=(0, 1)))

    @property
    def divisor(self) -> Floats:
        """Return ``|<b>|^2`` to divide by.

        Raises
        ------
        InputError
            If the amplitudes cancel, so that nothing can be normalised by their mean.
        """
        mean = self.mean_squared
        if np.any(mean < _NULL_SHARE * self.self_scattering):
            raise InputError(
                "A normalised total needs scattering lengths that do not cancel in the mean",
                received=f"mean squared {mean.min():.3g} {self.unit}, mean of squares "
                f"{self.self_scattering.max():.3g} {self.unit}",
                remedy="use the absolute forms F(Q), I(Q), G(r), D(r), T(r) or other isotopes",
            )
        return mean

    def pair(self, label: str) -> Floats:
        """Return the weight of a pair and of its reverse together: ``Li-O``, (n_q,)."""
        first, second = (self.elements.index(element) for element in label.split("-"))
        return np.asarray(self.weights[first, second] * (1.0 if first == second else 2.0))


def strength(probe: Probe, fractions: Mapping[str, float], q: Floats) -> Strength:
    """Return how strongly a composition scatters a probe.

    The weight of a pair is ``c_a c_b Re(b_a b_b*)``: with complex amplitudes that is what the mean
    over all directions leaves.

    Parameters
    ----------
    probe
        `XRays` or `Neutrons`.
    fractions
        Atomic fraction of each element, adding up to 1.
    q
        (n_q,), 1/Å.

    Raises
    ------
    InputError
        If the fractions do not add up to 1, or an element is unknown to the probe.
    """
    c = np.array(list(fractions.values()), dtype=float)
    if len(c) == 0 or c.min() < 0 or abs(c.sum() - 1.0) > 1e-6:
        raise InputError(
            "Atomic fractions are positive and add up to 1",
            received=", ".join(f"{element} {value:g}" for element, value in fractions.items()),
        )
    elements = tuple(fractions)
    b = probe.amplitudes(elements, np.asarray(q, dtype=float))
    scaled = c[:, None] * b
    weights = (scaled[:, None] * scaled[None].conj()).real
    return Strength(np.asarray(q, float), elements, weights, c @ np.abs(b) ** 2, probe.unit)
