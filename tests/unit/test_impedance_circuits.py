"""Circuits: how they are written, their impedance, their slopes."""

import numpy as np
import pytest

from vitrolyte.data.errors import InputError
from vitrolyte.observe.impedance.notation import parse_circuit

FREQUENCY = np.geomspace(1e-1, 1e6, 40)


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("R(RQ)(RQ)Q", "R(RQ)(RQ)Q"),
        ("R0-p(R1,CPE1)-p(R2,CPE2)-CPE3", "R(RQ)(RQ)Q"),
        (" R (C R) ", "R(RC)"),
        ("R(Q[RW])", "R(Q[RW])"),
        ("R(Q(RW))", "R(Q[RW])"),
        ("L0-R0-p(R1-Ws1,CPE1)", "LR(Q[RWs])"),
        ("ZARC-Wo", "ZWo"),
    ],
)
def test_both_notations(text: str, written: str) -> None:
    circuit, again = parse_circuit(text), parse_circuit(written)
    # Q and R in parallel may be written in either order.
    assert circuit.written.replace("[RWs]Q", "Q[RWs]") == written
    assert sorted(slot.parameter.unit for slot in circuit.slots) == sorted(
        slot.parameter.unit for slot in again.slots
    )
    if circuit.written == written:
        values = starting_values(text)
        assert np.array_equal(
            circuit.impedance(FREQUENCY, values), again.impedance(FREQUENCY, values)
        )


def starting_values(text: str) -> np.ndarray:
    return np.array([slot.parameter.start for slot in parse_circuit(text).slots])


NO_CIRCUITS = (
    "",
    "R(",
    "R)",
    "(R)",
    "R(RQ",
    "X",
    "R0-R0",
    "p(R1)",
    "R--R",
    "__import__('os')",
    "R" * 30,
    "(" * 400,
    "R([[[[[[[[[[[[[[[[RC]C",
    "p(" * 50,
)


@pytest.mark.parametrize("text", NO_CIRCUITS)
def test_what_is_no_circuit_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        parse_circuit(text)


@pytest.mark.parametrize(
    "text", ["R(RQ)(RQ)Q", "LR(Q[RW])G", "R(C[RW])(RC)Ws", "D(R[RQ])Z", "(RQ)Wo", "R(RCQ)"]
)
def test_slopes_are_those_of_the_impedance(text: str) -> None:
    circuit = parse_circuit(text)
    # Sizes at which every element matters somewhere in the window.
    sizes = {"ohm": 1e3, "F": 1e-6, "H": 1e-4, "s": 1e-2, "S s^n": 1e-5, "S s^0.5": 1e-3}
    values = np.array(
        [
            sizes.get(slot.parameter.unit, 0.8) * (1 + 0.1 * k)
            if slot.parameter.scale == "logarithmic"
            else 0.8
            for k, slot in enumerate(circuit.slots)
        ]
    )
    slopes = circuit.jacobian(FREQUENCY, values)
    for k, value in enumerate(values):
        step = np.zeros_like(values)
        step[k] = 1e-5 * value
        ahead = circuit.impedance(FREQUENCY, values + step)
        behind = circuit.impedance(FREQUENCY, values - step)
        numerical = (ahead - behind) / (2e-5 * value)
        assert np.allclose(numerical, slopes[:, k], rtol=1e-5, atol=1e-6 * np.abs(slopes).max())


def test_coordinates_lead_back() -> None:
    circuit = parse_circuit("R(RQ)(RC)Q")
    values = np.array([10.0, 1e3, 1e-8, 0.9, 2e3, 1e-9, 1e-5, 0.7])
    assert np.allclose(circuit.values(circuit.coordinates(values)), values, rtol=1e-12)


def test_values_must_fit_the_circuit() -> None:
    with pytest.raises(InputError, match=r"R1, Q1, Q1\.n"):
        parse_circuit("(RQ)").impedance(FREQUENCY, np.array([1.0, 2.0]))
    with pytest.raises(InputError, match="above zero"):
        parse_circuit("RC").impedance(FREQUENCY, np.array([1.0, -2.0]))
