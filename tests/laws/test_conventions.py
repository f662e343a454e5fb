"""Conventions of structure factors and totals: exact ways there and back, limits, definitions."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vitrolyte.data.curve import Axis, Curve, CurveSet
from vitrolyte.data.errors import InputError
from vitrolyte.data.trajectory import Trajectory, structure
from vitrolyte.observe.pair_functions import pair_functions
from vitrolyte.observe.sampling import sample
from vitrolyte.observe.scattering.conversions import (
    convert_partials,
    factors_from_pairs,
    grouped,
    pair_labels,
    pairs_from_factors,
)
from vitrolyte.observe.scattering.density_waves import density_waves, vectors_within, wave_vectors
from vitrolyte.observe.scattering.partials import QRange, scattering, x_ray_total
from vitrolyte.observe.scattering.probes import Neutrons, XRays, strength
from vitrolyte.observe.scattering.totals import (
    FACTOR_FORMS,
    PAIR_FORMS,
    convert_factor,
    convert_pairs,
    total_factor,
    total_pairs,
)

SKEWED = np.array([[14.0, 0.0, 0.0], [4.0, 13.0, 0.0], [-3.0, 5.0, 15.0]])
FRACTIONS = {"Li": 0.6, "O": 0.15, "Cl": 0.25}
Q, S = Axis("scattering vector Q", "1/Å"), Axis("structure factor", "")


def made_up(species: tuple[str, ...], seed: int = 0, n: int = 40) -> CurveSet:
    """Return partials that are no structure's, so that nothing holds by accident."""
    random = np.random.default_rng(seed)
    q = np.linspace(0.35, 12.0, n)
    curves = [
        Curve(q, random.normal(1, 0.7, n), Q, S, y_error=random.uniform(0, 1, n), label=label)
        for label in pair_labels(species)
    ]
    return CurveSet("Partials", tuple(curves))


def gas(cell: np.ndarray, n_frames: int = 3, n: int = 200) -> Trajectory:
    random = np.random.default_rng(7)
    species = ("Li",) * (3 * n // 5) + ("O",) * (n // 5) + ("Cl",) * (n // 5)
    positions = random.uniform(0, 1, (n_frames, n, 3)) @ cell
    cells = np.repeat(cell[None], n_frames, axis=0)
    return Trajectory(species, np.arange(float(n_frames)), cells, positions)


@settings(max_examples=30, deadline=None)
@given(share=st.floats(0.02, 0.98), seed=st.integers(0, 1000))
def test_every_way_there_and_back_is_exact(share: float, seed: int) -> None:
    fractions = {"Li": share, "Cl": 1.0 - share}
    given = made_up(("Li", "Cl"), seed)
    for target in ("Ashcroft-Langreth", "Bhatia-Thornton", "Faber-Ziman"):
        there = convert_partials(given, fractions, source="Faber-Ziman", target=target)
        back = convert_partials(there, fractions, source=target, target="Faber-Ziman")
        for label in given.labels:
            scale = np.abs(given[label].y).max() / min(share, 1 - share) ** 2
            assert back[label].y == pytest.approx(given[label].y, abs=1e-11 * scale)


def test_errors_go_along_where_they_can() -> None:
    given = made_up(("Li", "O", "Cl"))
    there = convert_partials(given, FRACTIONS, source="Faber-Ziman", target="Ashcroft-Langreth")
    back = convert_partials(there, FRACTIONS, source="Ashcroft-Langreth", target="Faber-Ziman")
    for label in given.labels:
        a, b = label.split("-")
        scale = math.sqrt(FRACTIONS[a] * FRACTIONS[b])
        assert there[label].y_error == pytest.approx(scale * given[label].y_error)
        assert back[label].y_error == pytest.approx(given[label].y_error)


@pytest.mark.parametrize("cell", [np.eye(3) * 14.0, SKEWED], ids=["cubic", "triclinic"])
def test_partials_are_their_definitions_wave_by_wave(cell: np.ndarray) -> None:
    # s_ab = <rho_a rho_b*> / N at every single vector: Ashcroft & Langreth 1967,
    # doi:10.1103/PhysRev.156.685; Bhatia & Thornton 1970, doi:10.1103/PhysRevB.2.3004:
    # N(Q) = rho_1 + rho_2, C(Q) = c_2 rho_1 - c_1 rho_2.
    frames = gas(cell, 1)
    sampling = sample(frames)
    vectors = wave_vectors(cell, 5.0, budget=400)
    rho = density_waves(sampling, next(iter(sampling)), vectors)
    elements, c = sampling.elements, sampling.fractions
    fractions = dict(zip(elements, map(float, c), strict=True))
    q = vectors.lengths(cell)
    curves = []
    for a, first in enumerate(elements):
        for b, second in enumerate(elements[a:], start=a):
            s = (rho[a] * rho[b].conj()).real / frames.n_atoms
            own = c[a] if a == b else 0.0
            y = 1.0 + (s - own) / (c[a] * c[b])
            curves.append(Curve(q, y, Q, S, label=f"{first}-{second}"))
    faber_ziman = CurveSet("Partials", tuple(curves))
    langreth = convert_partials(
        faber_ziman, fractions, source="Faber-Ziman", target="Ashcroft-Langreth"
    )
    for curve in langreth.curves:
        a, b = (elements.index(one) for one in curve.label.split("-"))
        plain = (rho[a] * rho[b].conj()).real / math.sqrt(sampling.counts[a] * sampling.counts[b])
        assert curve.y == pytest.approx(plain, abs=1e-9)
    groups = {"cation": ["Li"], "anion": ["O", "Cl"]}
    two, shares = grouped(faber_ziman, fractions, groups)
    thornton = convert_partials(two, shares, source="Faber-Ziman", target="Bhatia-Thornton")
    cations = rho[elements.index("Li")]
    anions = rho.sum(axis=0) - cations
    number, concentration = cations + anions, shares["anion"] * cations - shares["cation"] * anions
    products = {
        "NN": number * number.conj(),
        "NC": number * concentration.conj(),
        "CC": concentration * concentration.conj(),
    }
    for label, product in products.items():
        assert thornton[label].y == pytest.approx(product.real / frames.n_atoms, abs=1e-9)


def test_limits_at_large_q() -> None:
    q = np.array([50.0])
    flat = [Curve(q, np.ones(1), Q, S, label=label) for label in pair_labels(("Li", "Cl"))]
    fractions = {"Li": 0.3, "Cl": 0.7}
    given = CurveSet("Partials", tuple(flat))
    langreth = convert_partials(given, fractions, source="Faber-Ziman", target="Ashcroft-Langreth")
    assert [float(curve.y[0]) for curve in langreth.curves] == [1.0, 0.0, 1.0]
    thornton = convert_partials(given, fractions, source="Faber-Ziman", target="Bhatia-Thornton")
    assert [float(c.y[0]) for c in thornton.curves] == pytest.approx([1.0, 0.0, 0.3 * 0.7])


@pytest.mark.parametrize("probe", [XRays(), Neutrons({"Li": "7Li"})], ids=["X-ray", "neutron"])
def test_partials_sum_to_the_total_in_every_form(probe: XRays | Neutrons) -> None:
    # The coherent intensity per atom is |sum_j b_j exp(i Q r_j)|^2 / N, whatever the convention.
    frames = gas(SKEWED, 1)
    factors = scattering(frames, QRange(q_max=6.0, width=0.4, budget=20000))
    q = factors.partials.curves[0].x
    vectors = wave_vectors(SKEWED, 6.0, budget=20000)
    assert len(vectors.indices) == len(vectors_within(SKEWED, 6.0))
    sampling = sample(frames)
    rho = density_waves(sampling, next(iter(sampling)), vectors)
    lengths = vectors.lengths(SKEWED)
    places = (lengths / 0.4).astype(int)
    filled = np.unique(places[places < 15])
    for form in FACTOR_FORMS:
        total = total_factor(factors.partials, factors.fractions, probe, form)
        whole = convert_factor(total, (factors.fractions, probe), source=form, target="I(Q)")
        # Amplitudes at the mean Q of a bin, as the total takes them.
        for number, place in enumerate(filled):
            inside = places == place
            b = probe.amplitudes(sampling.elements, q[number : number + 1])
            plain = np.mean(np.abs((b * rho[:, inside]).sum(axis=0)) ** 2) / frames.n_atoms
            assert whole.y[number] == pytest.approx(plain, rel=1e-9)
    if isinstance(probe, XRays):
        ours = total_factor(factors.partials, factors.fractions, probe)
        theirs = x_ray_total(factors.partials, factors.fractions)
        assert ours.y == pytest.approx(theirs.y, rel=1e-12)


@pytest.mark.parametrize("source", FACTOR_FORMS)
@pytest.mark.parametrize("target", FACTOR_FORMS)
def test_totals_go_there_and_back_in_reciprocal_space(source: str, target: str) -> None:
    about = (FRACTIONS, XRays(ions={"Cl": "Cl1-"}))
    given = made_up(("Li", "O", "Cl")).curves[0]
    there = convert_factor(given, about, source=source, target=target)
    back = convert_factor(there, about, source=target, target=source)
    assert back.y == pytest.approx(given.y, rel=1e-11, abs=1e-11)
    assert back.y_error == pytest.approx(given.y_error, rel=1e-11)
    assert there.y_axis.name == total_factor(made_up(tuple(FRACTIONS)), *about, target).y_axis.name


@pytest.mark.parametrize("source", PAIR_FORMS)
@pytest.mark.parametrize("target", PAIR_FORMS)
def test_totals_go_there_and_back_in_real_space(source: str, target: str) -> None:
    about = (FRACTIONS, Neutrons({"Li": {"7Li": 0.9, "6Li": 0.1}}))
    given = made_up(("Li", "O", "Cl")).curves[0]
    there = convert_pairs(given, about, source=source, target=target, number_density=0.08)
    back = convert_pairs(there, about, source=target, target=source, number_density=0.08)
    assert back.y == pytest.approx(given.y, rel=1e-11, abs=1e-11)


def test_definitions_of_keen_below_the_first_distance() -> None:
    # Keen 2001, doi:10.1107/S0021889800019993: where g = 0, G(0) = -(sum c b)^2, T = RDF = 0,
    # D = -4 pi r rho0 (sum c b)^2 and the PDF's G(r) = -4 pi r rho0.
    r = np.array([0.2, 0.6, 1.0])
    empty = CurveSet(
        "g", tuple(Curve(r, np.zeros(3), Q, S, label=one) for one in pair_labels(tuple(FRACTIONS)))
    )
    probe = Neutrons()
    b = (0.6 * -1.90 + 0.15 * 5.803 + 0.25 * 9.577) / 10
    slope = 4 * math.pi * 0.08 * r
    expected = {
        "G(r)": np.full(3, -(b**2)),
        "g(r)": np.zeros(3),
        "D(r)": -slope * b**2,
        "T(r)": np.zeros(3),
        "G_PDF(r)": -slope,
        "RDF(r)": np.zeros(3),
    }
    for form in PAIR_FORMS:
        total = total_pairs(empty, FRACTIONS, probe, form, number_density=0.08)
        assert total.y == pytest.approx(expected[form], abs=1e-12)


def test_errors_of_a_total_add_in_the_square() -> None:
    given = made_up(("Li", "O", "Cl"))
    total = total_factor(given, FRACTIONS, Neutrons(), "F(Q)")
    how = strength(Neutrons(), FRACTIONS, given.curves[0].x)
    parts = [how.pair(curve.label) * curve.y_error for curve in given.curves]
    assert total.y_error == pytest.approx(np.sqrt(np.sum(np.square(parts), axis=0)))


@pytest.mark.parametrize("cell", [np.eye(3) * 14.0, SKEWED], ids=["cubic", "triclinic"])
def test_pairs_and_factors_go_there_and_back_exactly(cell: np.ndarray) -> None:
    frames = gas(cell)
    pairs = pair_functions(frames, bin_A=0.05).partials
    density = frames.n_atoms / float(frames.volumes[0])
    factors = factors_from_pairs(pairs, density)
    back = pairs_from_factors(factors, density)
    for label in pairs.labels:
        assert back[label].x == pytest.approx(pairs[label].x)
        assert back[label].y == pytest.approx(pairs[label].y, abs=1e-9)
        # An ideal gas: S = 1 within the noise of the counts, S(0) = 1 being its compressibility.
        assert factors[label].y.mean() == pytest.approx(1.0, abs=0.02)


def test_a_gaussian_transforms_into_a_gaussian() -> None:
    # int 4 pi r^2 A exp(-r^2 / 2 s^2) sin(Qr) / (Qr) dr = A (2 pi)^(3/2) s^3 exp(-s^2 Q^2 / 2).
    width, height, density = 0.9, 0.7, 0.05
    r = (np.arange(600) + 0.5) * 0.02
    g = Curve(r, 1 + height * np.exp(-(r**2) / (2 * width**2)), Q, S, label="Li-Li")
    factor = factors_from_pairs(CurveSet("g", (g,)), density).curves[0]
    known = density * height * (2 * math.pi) ** 1.5 * width**3
    expected = 1 + known * np.exp(-((width * factor.x) ** 2) / 2)
    assert factor.y == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("cell", [np.eye(3) * 14.0, SKEWED], ids=["cubic", "triclinic"])
def test_the_longest_waves_of_an_ideal_gas_give_its_compressibility(cell: np.ndarray) -> None:
    # S_NN(0) = rho0 kT chi_T, 1 for an ideal gas; S_CC(0) = c_1 c_2, S_NC(0) = 0 where nothing
    # interacts: Bhatia & Thornton 1970, doi:10.1103/PhysRevB.2.3004. Each wave is exponential, so
    # that 400 frames of M vectors know the mean to 1 / sqrt(400 M).
    found = scattering(gas(cell, 400, 50), QRange(q_max=1.2, width=0.15), max_frames=None)
    two, shares = grouped(found.partials, found.fractions, {"A": ["Li"], "B": ["O", "Cl"]})
    thornton = convert_partials(two, shares, source="Faber-Ziman", target="Bhatia-Thornton")
    expected = {"NN": 1.0, "NC": 0.0, "CC": shares["A"] * shares["B"]}
    for label, value in expected.items():
        assert thornton[label].y[0] == pytest.approx(value, abs=5 / math.sqrt(400))


@pytest.mark.parametrize("cell", [np.eye(3) * 14.0, SKEWED], ids=["cubic", "triclinic"])
def test_nothing_depends_on_wrapping_translation_or_order(cell: np.ndarray) -> None:
    one = gas(cell, 1)
    frame = one.read()
    shuffle = np.random.default_rng(2).permutation(one.n_atoms)
    moved = frame.positions[0][shuffle] + [1.0, -2.0, 3.0] + 2 * cell[0] - cell[2]
    other = structure(tuple(one.species[i] for i in shuffle), moved, cell)
    q_range = QRange(q_max=6.0, width=0.3, budget=20000)
    here, there = (
        total_factor(s.partials, s.fractions, Neutrons(), "I(Q)")
        for s in (scattering(one, q_range), scattering(other, q_range))
    )
    assert there.y == pytest.approx(here.y, rel=1e-6)


def test_groups_of_like_atoms_are_the_atoms_together() -> None:
    frames = gas(np.eye(3) * 14.0, 1)
    one_kind = Trajectory(
        tuple("Li" if s == "Li" else "O" for s in frames.species),
        frames.times,
        frames.cells,
        frames.positions,
    )
    q_range = QRange(q_max=5.0, width=0.3, budget=20000)
    apart, together = scattering(frames, q_range), scattering(one_kind, q_range)
    joined, shares = grouped(apart.partials, apart.fractions, {"Li": ["Li"], "O": ["O", "Cl"]})
    assert shares == pytest.approx(together.fractions)
    for label in together.partials.labels:
        assert joined[label].y == pytest.approx(together.partials[label].y, abs=1e-9)


def test_what_does_not_fit_is_refused() -> None:
    three = made_up(("Li", "O", "Cl"))
    with pytest.raises(InputError, match="grouped"):
        convert_partials(three, FRACTIONS, source="Faber-Ziman", target="Bhatia-Thornton")
    with pytest.raises(InputError, match="one of"):
        convert_partials(three, FRACTIONS, source="Faber-Ziman", target="Keen")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="each pair"):
        total_factor(made_up(("Li", "O")), FRACTIONS, XRays())
    with pytest.raises(InputError, match="belongs to one group"):
        grouped(three, FRACTIONS, {"a": ["Li"], "b": ["Cl"]})
    with pytest.raises(InputError, match="forms"):
        total_factor(three, FRACTIONS, XRays(), "A(Q)")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="number density"):
        total_pairs(three, FRACTIONS, XRays(), "D(r)")
    with pytest.raises(InputError, match="middles"):
        factors_from_pairs(three, 0.05)
    with pytest.raises(InputError, match="multiples"):
        pairs_from_factors(three, 0.05)
    with pytest.raises(InputError, match="add up to 1"):
        strength(XRays(), {"Li": 0.5}, np.ones(1))
    at_zero = Curve(np.array([0.0, 1.0]), np.ones(2), Q, S)
    with pytest.raises(InputError, match="origin"):
        convert_factor(at_zero, (FRACTIONS, XRays()), source="Qi(Q)", target="S(Q)")
