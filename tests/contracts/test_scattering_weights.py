"""The weights of X-rays and neutrons are those of an independent program."""

import warnings

import numpy as np
import pytest

from vitrolyte.observe.scattering.neutron import isotopes, mixed_nucleus, nucleus
from vitrolyte.observe.scattering.probes import Neutrons, XRays

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from dynasor.post_processing import NeutronScatteringLengths, XRayFormFactors

ELEMENTS = ["H", "Li", "B", "O", "Na", "Mg", "Al", "P", "S", "Cl", "Fe", "Zr", "Br", "I", "Ta"]
Q = np.linspace(0.0, 25.0, 26)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("element", ELEMENTS)
def test_form_factors_equal_another_fit(element: str) -> None:
    # Another parametrisation of the same wave functions, International Tables C (2006), table
    # 6.1.1.4, through dynasor. (Its copy of Waasmaier and Kirfel's own table has slips: f(0) of Li
    # is 2.991 there.) It holds up to 25 1/Å, where the two differ by 2e-3 of the electrons.
    theirs = XRayFormFactors([element], source="itc-2006")
    expected = [theirs.get_weight_coh(element, q) for q in Q]
    ours = XRays().amplitudes([element], Q)[0]
    assert ours.imag == pytest.approx(0.0)
    assert ours.real == pytest.approx(expected, abs=2.5e-3 * expected[0])


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("element", "shares"),
    [
        ("Li", {7: 1.0}),
        ("Li", {6: 0.05, 7: 0.95}),
        ("H", {2: 0.98, 1: 0.02}),
        ("B", {11: 0.99, 10: 0.01}),
        ("Cl", {35: 0.2, 37: 0.8}),
    ],
)
def test_isotope_mixtures_equal_those_of_dynasor(element: str, shares: dict[int, float]) -> None:
    theirs = NeutronScatteringLengths([element], abundances={element: shares})
    mixture = {f"{mass}{element}": share for mass, share in shares.items()}
    ours = Neutrons({element: mixture}).amplitudes([element], np.ones(1))[0, 0] * 10
    assert ours == pytest.approx(complex(theirs.get_weight_coh(element, 1.0)), abs=1e-9)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("element", ["H", "Li", "C", "O", "Mg", "Si", "S", "Cl", "Zr"])
def test_natural_mixtures_equal_those_of_dynasor(element: str) -> None:
    theirs = NeutronScatteringLengths([element])
    natural = {name: nucleus(name).abundance for name in isotopes(element)}
    whole = sum(natural.values())
    mixture = {name: share / whole for name, share in natural.items()}
    ours = mixed_nucleus(element, mixture).length
    expected = complex(theirs.get_weight_coh(element, 1.0))
    # Abundances are printed to 0.01 %, and it normalises them another way.
    assert ours == pytest.approx(expected, rel=2e-3)
