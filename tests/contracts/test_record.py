"""Every coin survives the way to disk and back, unchanged."""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from vitrolyte.data.curve import Axis, Curve, CurveSet
from vitrolyte.data.errors import InputError
from vitrolyte.data.io import record
from vitrolyte.data.io.observations import read_csv, to_json, write_csv
from vitrolyte.data.observation import Observation, Sample, computed
from vitrolyte.data.origin import Origin
from vitrolyte.data.quantity import Quantity
from vitrolyte.data.result import Result

CURVE = Curve(
    np.array([1.0, 2.0]),
    np.array([3.0, np.nan]),
    Axis("time", "ps"),
    Axis("MSD", "Å²"),
    np.array([0.1, 0.2]),
    "Li",
)


@dataclass(frozen=True, eq=False)
class RecordInner(Result):
    density: Quantity

    def observations(self, sample: Sample) -> tuple[Observation, ...]:
        return (computed(sample, "density", self.density),)


@dataclass(frozen=True, eq=False)
class RecordOuter(Result):
    inner: RecordInner
    parts: tuple[RecordInner, ...]
    by_name: dict[str, Quantity]
    curves: CurveSet
    matrix: np.ndarray
    maybe: Quantity | None
    words: tuple[str, ...]
    flag: bool = True

    def observations(self, sample: Sample) -> tuple[Observation, ...]:
        return self.inner.observations(sample)


def outer() -> RecordOuter:
    inner = RecordInner(Quantity.normal(2.0, 0.1, "g/cm³"))
    refused = Quantity.refused("1", "too short")
    curves = CurveSet("title", (CURVE,), log_x=True, points=("Li",), window=(1.0, 2.0))
    return RecordOuter(
        inner, (inner, inner), {"x": refused}, curves, np.eye(3), None, ("a", "b"), False
    )


def test_a_nested_result_comes_back_the_same(tmp_path: Path) -> None:
    first = outer()
    record.save(tmp_path / "r.json", first)
    again = record.load(tmp_path / "r.json")
    assert record.encode(again) == record.encode(first)
    assert isinstance(again, RecordOuter)
    assert again.inner.density == first.inner.density
    assert again.by_name["x"].status == "refused"
    assert np.isnan(again.curves["Li"].y[1])
    assert again.matrix.shape == (3, 3)
    assert again.curves.window == (1.0, 2.0)


def test_complex_curves(tmp_path: Path) -> None:
    curve = Curve(np.arange(2.0), np.array([1 + 2j, 3j]), Axis("f", "Hz"), Axis("Z", "ohm"))
    record.save(tmp_path / "c.json", curve)
    assert record.load(tmp_path / "c.json", Curve).y.tolist() == [1 + 2j, 3j]


def test_infinities_come_back_and_leave_the_row_open(tmp_path: Path) -> None:
    open_above = RecordInner(Quantity(2.0, "g/cm³", low=1.0, high=math.inf))
    record.save(tmp_path / "r.json", open_above)
    again = record.load(tmp_path / "r.json", RecordInner)
    assert again.density.high == math.inf
    (row,) = again.observations(Sample("a", "Li2O", "glass"))
    assert (row.low, row.high) == (1.0, None)
    assert "Infinity" not in to_json([row])
    grid = np.array([[1.0, -math.inf], [math.nan, 2.0]])
    back = record.decode(np.ndarray, record.encode(grid))
    np.testing.assert_array_equal(back, grid)


def test_an_origin_keeps_its_id(tmp_path: Path) -> None:
    origin = Origin("melt/1", {"t": 1200.0, "n": [1, 2]}, {"from": "abc"}, seed=3)
    record.save(tmp_path / "o.json", origin.completed(1.0))
    assert record.load(tmp_path / "o.json", Origin).id == origin.id


@pytest.mark.parametrize("text", ["{", '{"class": "os.system"}', '{"value": 1}', "[]", "3"])
def test_a_foreign_record_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "bad.json"
    path.write_text(text)
    with pytest.raises(InputError):
        record.load(path, RecordInner)


def test_observations_survive_csv_and_json(tmp_path: Path) -> None:
    import json

    sample = Sample("antiperovskite", "Li3OCl", "glass", 300.0)
    rows = (
        computed(sample, "density", Quantity.normal(2.0, 0.1, "g/cm³")),
        computed(sample, "haven_ratio", Quantity.refused("1", 'a "quoted", note\nof two lines')),
    )
    write_csv(tmp_path / "o.csv", rows)
    assert read_csv(tmp_path / "o.csv") == rows
    plain = json.loads(to_json(rows))
    assert plain[1]["value"] is None
    assert plain[0]["temperature_K"] == 300.0
    assert list(plain[0]) == [
        "material", "formula", "phase", "quantity", "of", "value", "error", "low", "high", "unit",
        "temperature_K", "pressure_GPa", "kind", "method", "source", "origin", "status", "note",
    ]  # fmt: skip


def test_words_and_units_come_from_the_vocabulary() -> None:
    sample = Sample("", "Li3OCl", "glass")
    with pytest.raises(InputError, match="'density'"):
        computed(sample, "densty", Quantity(1.0, "g/cm³"))
    with pytest.raises(InputError, match="g/cm³"):
        computed(sample, "density", Quantity(1.0, "kg/m3"))


def test_a_refused_quantity_has_no_value() -> None:
    with pytest.raises(InputError):
        Quantity(1.0, "K", status="refused")
    with pytest.raises(InputError):
        Quantity(float("nan"), "K")
    assert Quantity.refused("K", "x").provisional("y").status == "refused"


def test_scaling_by_a_negative_factor_keeps_the_interval_in_order() -> None:
    scaled = Quantity(2.0, "eV", error=0.5, low=1.0, high=4.0).scaled(-2.0, "V")
    assert (scaled.value, scaled.error, scaled.low, scaled.high) == (-4.0, 1.0, -8.0, -2.0)
