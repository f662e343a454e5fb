"""Scattering lengths: the table against print, isotopes, mixtures and what is refused."""

import math

import pytest

from vitrolyte.data.errors import InputError
from vitrolyte.observe.scattering.neutron import isotopes, mixed_nucleus, nucleus
from vitrolyte.observe.scattering.probes import Neutrons, XRays, strength

# Coherent scattering lengths in fm as printed in table 4 of Xia et al., Chem. Rev. 2022, after
# Sears, Neutron News 3 (3), 26 (1992), doi:10.1080/10448639208218770.
PRINTED = {
    "H": -3.739,
    "D": 6.671,
    "Li": -1.90,
    "7Li": -2.22,
    "B": 5.30,
    "C": 6.646,
    "N": 9.36,
    "O": 5.803,
    "F": 5.654,
    "Na": 3.63,
    "Mg": 5.375,
    "Al": 3.449,
    "Si": 4.1491,
    "P": 5.13,
    "S": 2.847,
    "Cl": 9.577,
    "Mn": -3.73,
    "Fe": 9.45,
    "Co": 2.49,
    "Ni": 10.3,
    "Br": 6.795,
    "I": 5.28,
}


@pytest.mark.parametrize("nuclide", PRINTED)
def test_lengths_are_those_in_print(nuclide: str) -> None:
    assert nucleus(nuclide).length.real == PRINTED[nuclide]


@pytest.mark.parametrize("nuclide", ["6Li", "10B", "11B", "35Cl", "37Cl", "Gd", "Zr", "P", "S"])
def test_coherent_cross_section_is_four_pi_b_squared(nuclide: str) -> None:
    one = nucleus(nuclide)
    # Printed to three digits and measured on their own: they agree to a few per cent.
    assert one.coherent == pytest.approx(4 * math.pi * abs(one.length) ** 2 / 100, rel=0.03)


def test_absorbers_are_complex() -> None:
    # Sears 1992: 6Li 2.00 - 0.261 i, 10B -0.1 - 1.066 i fm.
    assert nucleus("6Li").length == 2.0 - 0.261j
    assert nucleus("10B").length == -0.1 - 1.066j


@pytest.mark.parametrize("element", ["Li", "B", "Cl", "Cu", "Br", "Ni"])
def test_isotopes_in_natural_shares_make_the_element(element: str) -> None:
    shares = {name: nucleus(name).abundance for name in isotopes(element)}
    whole = sum(shares.values())
    mixed = mixed_nucleus(element, {name: share / whole for name, share in shares.items()})
    natural = nucleus(element)
    # The table's figures for elements and isotopes were measured apart, to about 2 %.
    assert mixed.length.real == pytest.approx(natural.length.real, rel=0.02)
    assert mixed.coherent + mixed.incoherent == pytest.approx(
        natural.coherent + natural.incoherent, rel=0.05
    )


def test_a_mixture_scatters_incoherently_by_its_disorder() -> None:
    # For nuclei without spin sigma_inc = 4 pi x (1 - x) (b_1 - b_2)^2: 58Ni and 60Ni.
    mixed = mixed_nucleus("Ni", {"58Ni": 0.25, "60Ni": 0.75})
    apart = abs(nucleus("58Ni").length - nucleus("60Ni").length)
    expected = 4 * math.pi * 0.25 * 0.75 * apart**2 / 100
    assert mixed.incoherent == pytest.approx(expected, rel=0.02)
    assert mixed_nucleus("Ni", {"58Ni": 1.0}) == nucleus("58Ni")


def test_what_is_unknown_is_refused_with_what_is_known() -> None:
    with pytest.raises(InputError, match="Li, 6Li, 7Li"):
        nucleus("8Li")
    with pytest.raises(InputError, match="7Li"):
        Neutrons({"Li": "11B"})
    with pytest.raises(InputError, match="add up to 1"):
        Neutrons({"Li": {"6Li": 0.5, "7Li": 0.4}})
    with pytest.raises(InputError, match="add up to 1"):
        Neutrons({"Li": {"6Li": -0.5, "7Li": 1.5}})
    with pytest.raises(InputError, match="present are O"):
        strength(Neutrons({"Li": "7Li"}), {"O": 1.0}, [1.0])
    with pytest.raises(InputError, match="present are O"):
        strength(XRays(ions={"Li": "Li1+"}), {"O": 1.0}, [1.0])
    with pytest.raises(InputError, match="Sears"):
        strength(Neutrons(), {"Po": 1.0}, [1.0])


def test_amplitudes_that_cancel_cannot_be_normalised() -> None:
    # 62Ni scatters with -8.7 fm, 58Ni with 14.4 fm (Sears 1992): at 0.3766 the mean vanishes.
    share = 14.4 / (14.4 + 8.7)
    null = Neutrons({"Ni": {"62Ni": share, "58Ni": 1 - share}})
    how = strength(null, {"Ni": 1.0}, [1.0, 2.0])
    assert how.mean_squared == pytest.approx(0.0, abs=1e-12)
    mixture = {"Li": 5.803 / (5.803 + 1.9), "O": 1.9 / (5.803 + 1.9)}
    cancelled = strength(Neutrons(), mixture, [1.0])
    with pytest.raises(InputError, match="cancel"):
        _ = cancelled.divisor
    # The absolute level is there all the same.
    assert Neutrons().incoherent_level({"H": 1.0}) == pytest.approx(80.26 / (4 * math.pi))


def test_complex_amplitudes_weigh_by_the_real_part() -> None:
    how = strength(Neutrons({"B": "10B"}), {"B": 0.5, "O": 0.5}, [0.0])
    b, o = (-0.1 - 1.066j) / 10, 0.5803
    assert how.pair("B-O")[0] == pytest.approx(2 * 0.25 * (b * o).real)
    assert how.mean_squared[0] == pytest.approx(abs(0.5 * b + 0.5 * o) ** 2)
    anomalous = strength(XRays(anomalous={"Zr": -2.0 + 3.0j}), {"Zr": 1.0}, [0.0])
    # The fit holds the 40 electrons of Zr to about 1e-3.
    assert anomalous.mean_squared[0] == pytest.approx(38.0**2 + 9.0, rel=4e-3)
