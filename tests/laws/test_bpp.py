"""Laws of spin relaxation: limits, the peak, Redfield's equation, and fits of the peak."""

import math

import numpy as np
import pytest
from scipy.integrate import quad

from vitrolyte.data.errors import InputError
from vitrolyte.data.nuclei import Nucleus, isotopes, nucleus
from vitrolyte.data.observation import Sample
from vitrolyte.data.quantity import Quantity
from vitrolyte.infer.fit import fit
from vitrolyte.observe.relaxation.peak_fit import compare_flanks, fit_peak, flank_energy
from vitrolyte.observe.relaxation.peak_model import PeakSettings, RateSeries
from vitrolyte.observe.relaxation.processes import Flanks, Process, peak, relaxation_rate
from vitrolyte.observe.relaxation.rates import (
    Condition,
    condition,
    dipolar_constant,
    dipolar_factor,
    quadrupolar_coupling,
    quadrupolar_factor,
    terms,
)
from vitrolyte.observe.relaxation.spectral_densities import (
    SHAPES,
    asymmetric,
    bpp,
    havriliak_negami,
    shape,
    stretched,
    two_dimensional,
)

LI = nucleus("7Li")
R1 = condition("R1", LI, 11.74)
LOCKED = condition("R1rho", LI, 11.74, 20.0)
ALL = (R1, condition("R2", LI, 11.74), LOCKED)


def spin_operators(spin: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    m = np.arange(spin, -spin - 1, -1)
    up = np.diag(np.sqrt(spin * (spin + 1) - m[1:] * (m[1:] + 1)), 1)
    return (up + up.T) / 2, (up - up.T) / 2j, np.diag(m)


def second_rank(a: tuple[np.ndarray, ...], b: tuple[np.ndarray, ...]) -> dict[int, np.ndarray]:
    """Return T_2q of two vector operators, sum_q |T_2q|² as for A·B = 0 tensors."""
    ax, ay, az = a
    bx, by, bz = b
    ap, am, bp, bm = ax + 1j * ay, ax - 1j * ay, bx + 1j * by, bx - 1j * by
    return {
        0: (2 * az @ bz - ax @ bx - ay @ by) / math.sqrt(6),
        1: -(ap @ bz + az @ bp) / 2,
        -1: (am @ bz + az @ bm) / 2,
        2: ap @ bp / 2,
        -2: am @ bm / 2,
    }


def initial_rate(operator, parts, density) -> float:
    """Return -d<A>/dt at the start: sum tr(A [T†, [T, A]]) J(ω)/2 / tr(A A), isotropic motion.

    Redfield's equation (Abragam, chapter VIII) with a random field of unit variance in each of the
    five components; ``parts`` are operators with their frequency.
    """

    def commutator(a, b):
        return a @ b - b @ a

    total = 0.0
    for t, omega in parts:
        inner = commutator(t.conj().T, commutator(t, operator))
        total += 0.5 * density(abs(omega)) * np.trace(operator @ inner).real
    return total / np.trace(operator @ operator).real


@pytest.mark.parametrize("spin", [1.0, 1.5, 2.5])
def test_quadrupolar_rates_are_those_of_redfields_equation(spin: float) -> None:
    ix, iy, iz = (np.asarray(o, complex) for o in spin_operators(spin))
    parts = second_rank((ix, iy, iz), (ix, iy, iz))
    omega, tau = 1.3, 1.0
    found = {
        name: initial_rate(a, [(t, q * omega) for q, t in parts.items()], lambda w: bpp(w, tau))
        for name, a in (("R1", iz), ("R2", ix))
    }
    fast = initial_rate(iz, [(t, 0.0) for t in parts.values()], lambda w: bpp(w, tau))
    for name in ("R1", "R2"):
        weights, frequencies = terms("like", Condition(name, omega))
        expected = fast * float(weights @ bpp(frequencies, tau)) / (2 * tau)
        assert found[name] == pytest.approx(expected, rel=1e-12)


def test_strength_of_a_quadrupolar_rate_is_that_of_redfields_equation() -> None:
    # H = eQ/[6 I (2I-1)] sum V_ab Q_ab, Q_ab = 3/2 (I_a I_b + I_b I_a) - delta I²; Slichter (10.25)
    spin, c_q = 1.5, 2.0e5
    i = [np.asarray(o, complex) for o in spin_operators(spin)]
    vzz = 1.0
    v = np.diag([-0.5, -0.5, 1.0]) * vzz
    scale = 2 * math.pi * c_q / (6 * spin * (2 * spin - 1))
    # isotropic average of the double commutator, over many directions of the tensor's axis
    random = np.random.default_rng(0)
    total, n = 0.0, 400
    for _ in range(n):
        q, _ = np.linalg.qr(random.normal(size=(3, 3)))
        turned = q @ v @ q.T
        h = np.zeros((4, 4), complex)
        for a in range(3):
            for b in range(3):
                h += scale * turned[a, b] * 1.5 * (i[a] @ i[b] + i[b] @ i[a])
        c = h @ i[2] - i[2] @ h
        total += np.trace(c @ c.conj().T).real / np.trace(i[2] @ i[2]).real / n
    tau = 1e-12
    expected = quadrupolar_coupling(spin, c_q) * 2 * tau
    assert total * tau == pytest.approx(expected, rel=0.05)


@pytest.mark.parametrize("other", [0.5, 1.5])
def test_dipolar_rates_are_those_of_redfields_equation(other: float) -> None:
    spin = 0.5
    a = [np.kron(np.asarray(o, complex), np.eye(int(2 * other + 1))) for o in spin_operators(spin)]
    b = [np.kron(np.eye(2), np.asarray(o, complex)) for o in spin_operators(other)]
    wi, ws, tau = 1.3, -0.4, 0.9
    ap, am = a[0] + 1j * a[1], a[0] - 1j * a[1]
    bp, bm = b[0] + 1j * b[1], b[0] - 1j * b[1]
    root = math.sqrt(6)
    parts = [
        (2 * a[2] @ b[2] / root, 0.0),
        (-ap @ bm / (2 * root), wi - ws),
        (-am @ bp / (2 * root), wi - ws),
        (-ap @ b[2] / 2, wi),
        (am @ b[2] / 2, wi),
        (-a[2] @ bp / 2, ws),
        (a[2] @ bm / 2, ws),
        (ap @ bp / 2, wi + ws),
        (am @ bm / 2, wi + ws),
    ]
    for name, operator in (("R1", a[2]), ("R2", a[0])):
        got = initial_rate(operator, parts, lambda w: bpp(w, tau))
        fast = initial_rate(operator, [(t, 0.0) for t, _ in parts], lambda w: bpp(w, tau))
        weights, frequencies = terms("unlike", Condition(name, wi, partner_larmor=ws))
        assert got == pytest.approx(fast * weights @ bpp(frequencies, tau) / (2 * tau), rel=1e-12)
    # like spins: both relax together
    if other == spin:
        whole = [(t, round(w / wi) * wi) for t, w in second_like(a, b, wi)]
        got = initial_rate(a[2] + b[2], whole, lambda w: bpp(w, tau))
        fast = initial_rate(a[2] + b[2], [(t, 0.0) for t, _ in whole], lambda w: bpp(w, tau))
        weights, frequencies = terms("like", Condition("R1", wi))
        assert got == pytest.approx(fast * weights @ bpp(frequencies, tau) / (2 * tau), rel=1e-12)


def second_like(a, b, omega):
    return [(t, q * omega) for q, t in second_rank(tuple(a), tuple(b)).items()]


def test_weights_add_up_to_one_and_fast_motion_makes_all_rates_equal() -> None:
    for mechanism in ("like", "unlike"):
        for at in ALL:
            weights, _ = terms(mechanism, at)
            assert weights.sum() == pytest.approx(1.0)
    fast = Process(0.3, 1e-16, 1e9)
    rates = [fast.rate(2000.0, at) for at in ALL]
    assert np.ptp(rates) < 1e-4 * rates[0]
    assert rates[0] == pytest.approx(2e9 * fast.time(2000.0), rel=1e-4)


def test_slow_motion() -> None:
    # w tau >> 1: R1 = K 2/(w² tau) (1/5 + 4/5 · 1/4) = K 4/(5 w² tau); R2 = K 3/10 · 2 tau
    slow = Process(0.3, 1e-3, 1e9)
    tau, w = slow.time(300.0), LI.larmor(11.74)
    assert slow.rate(300.0, R1) == pytest.approx(1e9 * 0.8 / (w**2 * tau), rel=1e-6)
    assert slow.rate(300.0, ALL[1]) == pytest.approx(1e9 * 0.6 * tau, rel=1e-6)


def test_the_peak_is_where_abragam_says() -> None:
    process = Process(0.35, 1e-14, 1e9)
    top = peak(process, R1)
    # maximum of x/(1+x²) + 4x/(1+4x²): w0 tau = 0.616 (Abragam 1961, section VIII.E: 0.62)
    assert LI.larmor(11.74) * top.tau_s == pytest.approx(0.6158, abs=2e-4)
    assert top.high_energy_eV == pytest.approx(0.35)
    assert top.low_energy_eV == pytest.approx(0.35)
    # there x/(1+x²) + 4x/(1+4x²) = 1.4252 (the T1 minimum of textbooks), R1 = 2/5 of it · K / w0
    assert top.rate == pytest.approx(1e9 * 0.4 * 1.4252 / LI.larmor(11.74), rel=1e-4)


def test_the_peak_of_a_spin_lock_lies_at_half() -> None:
    # J(2 w1) alone has its maximum at 2 w1 tau = 1
    top = peak(Process(0.35, 1e-14, 1e9), LOCKED, mechanism="single")
    assert LOCKED.spin_lock * top.tau_s == pytest.approx(0.5, abs=1e-4)
    assert 1.0 / top.tau_s == pytest.approx(2 * LOCKED.spin_lock, rel=1e-3)


@pytest.mark.parametrize("beta", [1.3, 1.6, 2.0])
def test_asymmetry_flattens_the_cold_flank(beta: float) -> None:
    top = peak(Process(0.4, 1e-14, 1e9, "asymmetric", (beta,)), R1)
    assert top.high_energy_eV == pytest.approx(0.4, rel=1e-3)
    assert top.low_energy_eV == pytest.approx((beta - 1) * 0.4, rel=1e-3)
    assert Flanks(top.high_energy_eV, top.low_energy_eV).asymmetry == pytest.approx(beta, rel=1e-3)


def test_spectral_densities_agree_where_they_must() -> None:
    w, tau = np.geomspace(1e-4, 1e4, 25), 0.7
    debye = bpp(w, tau)
    assert np.allclose(asymmetric(w, tau, 2.0), debye, rtol=1e-12)
    assert np.allclose(havriliak_negami(w, tau, 1.0, 1.0), debye, rtol=1e-9)
    assert np.allclose(stretched(w, tau, 1.0), debye, rtol=1e-8)
    # a plane is like the exponential's power law at high frequency, tau/(w tau)²
    assert two_dimensional(1e5, tau) == pytest.approx(tau / (1e5 * tau) ** 2, rel=1e-6)
    # J(0) of Cole-Davidson is 2 gamma tau, of the stretched form 2 tau/beta Gamma(1/beta)
    assert havriliak_negami(1e-7, tau, 1.0, 0.4) == pytest.approx(0.8 * tau, rel=1e-6)
    assert stretched(1e-7, tau, 0.5) == pytest.approx(4 * tau, rel=1e-6)


@pytest.mark.parametrize("beta", [0.4, 0.6, 0.9])
@pytest.mark.parametrize("x", [0.1, 1.0, 5.0])
def test_the_stretched_density_is_the_transform(beta: float, x: float) -> None:
    value, _ = quad(lambda t: math.exp(-(t**beta)), 0, np.inf, weight="cos", wvar=x, limlst=200)
    assert stretched(x, 1.0, beta) == pytest.approx(2 * value, rel=1e-5)


@pytest.mark.parametrize("name", ["bpp", "cole-davidson", "cole-cole", "stretched"])
def test_densities_hold_the_whole_coupling(name: str) -> None:
    # C(0) = 1 = (1/pi) int_0^inf J dw
    law = SHAPES[name]
    w = np.geomspace(1e-9, 1e9, 4001)
    j = law.law(w, np.ones(1), law.defaults)
    whole = np.trapezoid(j * w, np.log(w)) / math.pi
    assert whole == pytest.approx(1.0, abs=4e-3 if name != "cole-cole" else 2e-2)


def test_couplings_of_known_pairs() -> None:
    # NIST CODATA 2018: proton gamma/2pi = 42.577478518 MHz/T
    proton = nucleus("1H")
    assert proton.larmor_MHz(1.0) == pytest.approx(42.577478518, rel=1e-6)
    # dipolar coupling of two protons 1 Å apart: 120.12 kHz (Levitt, Spin Dynamics, section 9.3)
    assert math.sqrt(dipolar_constant(proton, proton)) / (2 * math.pi) == pytest.approx(
        120.12e3, rel=1e-4
    )
    # C_Q = 234.9647 MHz per barn and atomic unit of V_zz (Pyykkö, Mol. Phys. 106, 1965 (2008))
    gradient = 9.7173624292e21 / 1e20
    one = Nucleus("10X", 1.0, 1e7, 0.1)
    square = 1.5 * gradient**2
    from_factor = quadrupolar_factor(one, 1.0) * square
    # eQV/h = 1.602e-19 C · 1e-29 m² · 9.717e21 V/m² / 6.626e-34 J s
    c_q = 1.602176634e-19 * 1e-29 * 9.7173624292e21 / 6.62607015e-34
    assert c_q == pytest.approx(23.49647e6, rel=1e-5)
    assert from_factor == pytest.approx(quadrupolar_coupling(1.0, c_q), rel=1e-8)
    assert dipolar_factor(proton, LI) == pytest.approx(
        2 / 3 * 3.75 * dipolar_constant(LI, proton), rel=1e-12
    )


def test_shares_of_isotopes_do_not_exceed_one() -> None:
    for element in ("H", "Li", "B", "Cl", "Br", "Ga", "Zr", "O"):
        assert sum(one.abundance for one in isotopes(element)) <= 1.0 + 1e-6
    assert nucleus("6Li").abundance + LI.abundance == pytest.approx(1.0)
    with pytest.raises(InputError, match="7Li"):
        nucleus("Li7")
    with pytest.raises(InputError, match="spin of 1/2"):
        Nucleus("1X", 0.5, 1e7, 0.1)


def rates_of(process: Process, errors: float, seed: int = 0) -> tuple[RateSeries, ...]:
    random, found = np.random.default_rng(seed), []
    for at, ends in ((R1, (300.0, 700.0)), (LOCKED, (150.0, 400.0))):
        t = np.linspace(*ends, 14)
        rates = process.rate(t, at) * np.exp(errors * random.normal(size=14))
        found.append(RateSeries(at, t, rates, np.full(14, max(errors, 1e-3))))
    return tuple(found)


def test_a_joint_fit_finds_the_process() -> None:
    process = Process(0.35, 1e-14, 1e9, "asymmetric", (1.5,))
    found = fit_peak(rates_of(process, 0.03), fit)
    for number, truth in (
        (found.high_energy, 0.35),
        (found.low_energy, 0.175),
        (found.beta, 1.5),
        (found.tau0, 1e-14),
        (found.coupling, 1e9),
    ):
        one = number["process"]
        assert abs(one.value - truth) < 3.5 * one.error
    top = peak(process, LOCKED)
    place = found.peak_temperature[LOCKED.label]
    assert place.value == pytest.approx(top.temperature_K, rel=0.01)
    assert found.jump_rate[LOCKED.label].value == pytest.approx(1 / top.tau_s, rel=0.1)
    rows = found.observations(Sample("glass", "Li3OCl", "glass"))
    assert {r.of for r in rows if r.quantity == "activation_energy"} == {
        "high_temperature_flank process",
        "low_temperature_flank process",
    }


def test_two_processes_are_told_apart() -> None:
    pair = (Process(0.35, 1e-14, 1e9), Process(0.2, 1e-13, 3e8))
    t = np.linspace(100.0, 450.0, 40)
    noise = np.exp(0.02 * np.random.default_rng(3).normal(size=40))
    series = RateSeries(LOCKED, t, relaxation_rate(t, pair, LOCKED) * noise, np.full(40, 0.02))
    found = fit_peak((series,), fit, settings=PeakSettings("bpp", 2))
    energies = sorted(number.value for number in found.high_energy.values())
    assert energies == pytest.approx([0.2, 0.35], rel=0.04)


def test_flank_lines_give_the_slopes_far_from_the_peak() -> None:
    process = Process(0.35, 1e-14, 1e9, "asymmetric", (1.5,))
    t = np.geomspace(120.0, 900.0, 60)
    series = RateSeries(LOCKED, t, process.rate(t, LOCKED, "single"))
    hot = flank_energy(series, "high", fit, from_peak=100.0)
    cold = flank_energy(series, "low", fit, from_peak=10.0)
    assert hot.value == pytest.approx(0.35, rel=0.05)
    assert cold.value == pytest.approx(0.175, rel=0.05)
    near = flank_energy(series, "high", fit, from_peak=1.2)
    assert near.value < hot.value
    few = RateSeries(LOCKED, t[:2], series.rates[:2])
    assert flank_energy(few, "low", fit).status == "refused"


def test_impossible_flanks_are_called_so() -> None:
    # Zhang et al., J. Am. Chem. Soc. 2024, Li3ZrCl4O1.5: E_LT = 0.100 eV, E_HT = 0.091 eV
    printed = Flanks(0.091, 0.100)
    assert not printed.possible
    assert "2.10" in printed.verdict
    sure = compare_flanks(Quantity.normal(0.091, 0.002, "eV"), Quantity.normal(0.1, 0.002, "eV"))
    assert sure.status == "refused"
    unsure = compare_flanks(Quantity.normal(0.091, 0.02, "eV"), Quantity.normal(0.1, 0.02, "eV"))
    assert unsure.status == "provisional"
    assert compare_flanks(
        Quantity.normal(0.3, 0.01, "eV"), Quantity.normal(0.15, 0.01, "eV")
    ).value == pytest.approx(1.5)


def test_bad_input_is_refused() -> None:
    with pytest.raises(InputError, match="spin-lock"):
        Condition("R1rho", 1e8)
    with pytest.raises(InputError, match="shape parameters"):
        Process(0.3, 1e-14, 1e9, "asymmetric", (2.5,))
    with pytest.raises(InputError, match="one of bpp"):
        shape("lorentz")
    with pytest.raises(InputError, match="rates R = 1/T1"):
        RateSeries(R1, np.array([300.0]), np.array([-1.0]))
    with pytest.raises(InputError, match="maximum"):
        peak(Process(0.0, 1e-14, 1e9), R1)
