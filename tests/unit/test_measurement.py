import numpy as np
import pytest

from vitrolyte.data.curve import Axis, Curve
from vitrolyte.data.errors import InputError
from vitrolyte.data.measurement import Conditions, Measurement


def measurement(**conditions: float) -> Measurement:
    axis = Axis("time", "s")
    curve = Curve(np.arange(3.0), np.ones(3), axis, axis)
    return Measurement(curve, Conditions(**conditions), file="a.csv")


def test_what_a_user_states_completes_what_the_file_says() -> None:
    found = measurement(temperature_K=300.0).given(Conditions(thickness_cm=0.1))
    assert dict(found.conditions.known()) == {"temperature_K": 300.0, "thickness_cm": 0.1}
    assert found.notes == ()


def test_a_contradiction_is_told() -> None:
    found = measurement(temperature_K=300.0).given(Conditions(temperature_K=310.0))
    assert found.conditions.temperature_K == 310.0
    assert found.notes == ("the file says temperature_K 300; 310 was given and is used",)


def test_the_same_value_twice_is_no_contradiction() -> None:
    assert measurement(area_cm2=0.5).given(Conditions(area_cm2=0.5)).notes == ()


def test_a_missing_condition_is_asked_for_by_its_option() -> None:
    with pytest.raises(InputError, match=r"A conductivity needs thickness cm.*--thickness-cm"):
        measurement().conditions.require("thickness_cm", of="A conductivity")


@pytest.mark.parametrize(
    ("name", "value"),
    [("temperature_K", 0.0), ("thickness_cm", -0.1), ("area_cm2", float("nan")),
     ("rate_K_per_min", float("inf"))],
)  # fmt: skip
def test_impossible_conditions_are_refused(name: str, value: float) -> None:
    with pytest.raises(InputError, match=name):
        Conditions(**{name: value})


def test_cooling_and_a_static_sample_are_possible() -> None:
    assert Conditions(rate_K_per_min=-10.0, spinning_kHz=0.0).rate_K_per_min == -10.0
