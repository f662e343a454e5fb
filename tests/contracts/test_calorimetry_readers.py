"""Every format gives the same measurement, and damaged files one readable error."""

import contextlib
from pathlib import Path

import numpy as np
import pytest
from tests.contracts.instrument_mutations import mutations
from validation.calorimeter_files import FORMATS, Record, netzsch, pyris, table, trios
from validation.laboratory_calorimetry import Truth, simulated

from vitrolyte.data.errors import InputError
from vitrolyte.data.io.instruments.calorimetry.read import read_calorimetry

MADE = simulated(Truth(), 1)
WHOLE = Record(MADE.curve.x, MADE.channels[0].y, MADE.curve.y.real)
SHORT = Record(WHOLE.times_s[:400], WHOLE.temperatures_K[:400], WHOLE.flow_W_per_g[:400])


def written(folder: Path, data: bytes, name: str = "scan.txt") -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("name", FORMATS)
def test_a_format_is_read_as_it_was_written(name: str, tmp_path: Path) -> None:
    (found,) = read_calorimetry(written(tmp_path, FORMATS[name](WHOLE)))
    assert found.format in name
    channel = found.channel("temperature")
    assert channel is not None
    assert channel.y == pytest.approx(WHOLE.temperatures_K, abs=1e-3)
    assert found.curve.x == pytest.approx(WHOLE.times_s, abs=1e-2)
    sign = -1.0 if found.curve.y_axis.name.endswith("down") or name.startswith("Perkin") else 1.0
    per_gram = 1.0 if found.curve.y_axis.unit == "W/g" else WHOLE.mass_mg
    assert sign * found.curve.y.real / per_gram == pytest.approx(WHOLE.flow_W_per_g, abs=1e-5)
    if not name.startswith("Perkin"):
        assert found.conditions.mass_mg == 8.5
        assert "exothermic" in found.curve.y_axis.name


def test_decimal_commas_and_other_delimiters(tmp_path: Path) -> None:
    for data in (netzsch(WHOLE, comma=True), trios(WHOLE, delimiter=",")):
        (found,) = read_calorimetry(written(tmp_path, data))
        channel = found.channel("temperature")
        assert channel is not None
        assert channel.y == pytest.approx(WHOLE.temperatures_K, abs=1e-3)


def test_several_segments_are_told_apart(tmp_path: Path) -> None:
    up = np.arange(0, 600) / 6 + 400
    t = np.concatenate([up, np.full(200, up[-1]), up[::-1], up])
    record = Record(np.arange(len(t), dtype=float), t, np.sin(np.arange(len(t))))
    found = read_calorimetry(written(tmp_path, netzsch(record)))
    assert [one.part.split(", ")[1].split(" at")[0] for one in found] == [
        "heating",
        "hold",
        "cooling",
        "heating",
    ]
    # the stated rate is that of one of three scans and belongs to none
    assert all(one.conditions.rate_K_per_min is None for one in found)
    assert found[1].conditions.temperature_K == pytest.approx(up[-1])


def test_microvolts_become_heat_flow_by_the_sensitivity(tmp_path: Path) -> None:
    text = netzsch(WHOLE).decode("latin-1").replace("DSC/(mW/mg)", "DSC/(uV/mg)")
    (found,) = read_calorimetry(written(tmp_path, text.encode("latin-1")))
    # 3.42446 uV/mW is the sensitivity in the file
    assert found.curve.y.real * 3.42446 == pytest.approx(-WHOLE.flow_W_per_g, abs=1e-5)
    bare = text.replace(";Sensit./(uV/mW)", "").replace(";3.42446", "")
    (found,) = read_calorimetry(written(tmp_path, bare.encode("latin-1")))
    assert found.curve.y_axis.unit == "uV/mg"
    assert any("temperatures only" in note for note in found.notes)


def test_units_that_are_not_said_are_asked_for(tmp_path: Path) -> None:
    bare = table(WHOLE).decode().replace("Temperature (K)", "Temperature")
    with pytest.raises(InputError, match="--temperature-unit"):
        read_calorimetry(written(tmp_path, bare.encode()))
    (found,) = read_calorimetry(written(tmp_path, bare.encode()), temperature_unit="K")
    assert found.channels[0].y == pytest.approx(WHOLE.temperatures_K, abs=1e-3)
    bare = table(WHOLE).decode().replace("Heat flow (W/g)", "Heat flow")
    with pytest.raises(InputError, match="--flow-unit"):
        read_calorimetry(written(tmp_path, bare.encode()))


def test_two_samples_in_one_file_are_refused(tmp_path: Path) -> None:
    text = netzsch(WHOLE).decode("latin-1")
    other = text.replace("#SAMPLE:glass 1", "#SAMPLE:glass 2")
    with pytest.raises(InputError, match="one sample"):
        read_calorimetry(written(tmp_path, (text + other).encode("latin-1")))
    masses = text + "#SAMPLE MASS /mg:9.9\n"
    with pytest.raises(InputError, match=r"8\.5 mg, 9\.9 mg"):
        read_calorimetry(
            written(
                tmp_path,
                masses.replace("#REFERENCE MASS /mg:0", "#SAMPLE MASS /mg:9.9").encode("latin-1"),
            )
        )
    two = "Temperature (K),Time (s),Heat flow A (W/g),Heat flow B (W/g)\n" + "\n".join(
        f"{400 + n / 6:.4f},{n},{0.1 + n / 1e4:.5f},{0.2 + n / 1e4:.5f}" for n in range(300)
    )
    with pytest.raises(InputError, match="one heat flow"):
        read_calorimetry(written(tmp_path, two.encode()))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n\n\n",
        b"no numbers here at all\nnone",
        bytes(range(256)) * 40,
        b"PK\x03\x04" + b"\x00" * 100,
        b"Temperature (K),Heat flow (W/g)\n300,1\n301,nan\n302,1\n" * 1,
        b"a,b\n1,2\n2,3\n3,4\n4,5\n5,6\n6,7\n7,8\n8,9\n9,10\n10,11\n11,12\n",
        b"##Temp./\xb0C;Time/min;DSC/(mW/mg)\n#EXO:1\n",
        b"[step]\n[step]\n",
        b"StartOfData\nSig1\tTime (min)\n",
        b"Curve Values:\n",
    ],
)
def test_what_is_no_scan_is_one_input_error(data: bytes, tmp_path: Path) -> None:
    with pytest.raises(InputError):
        read_calorimetry(written(tmp_path, data))


def test_a_missing_file_and_a_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="must exist"):
        read_calorimetry(tmp_path / "none.txt")
    with pytest.raises(InputError, match="a file"):
        read_calorimetry(tmp_path)


@pytest.mark.parametrize("name", FORMATS)
def test_damaged_files_give_measurements_or_one_input_error(name: str, tmp_path: Path) -> None:
    data = FORMATS[name](SHORT)
    for damaged in mutations(data, 30, seed=7):
        path = written(tmp_path, damaged)
        with contextlib.suppress(InputError):
            assert all(np.isfinite(one.curve.y).all() for one in read_calorimetry(path))


def test_pyris_does_not_say_the_direction(tmp_path: Path) -> None:
    (found,) = read_calorimetry(written(tmp_path, pyris(WHOLE)))
    assert found.curve.y_axis.name == "heat flow"
