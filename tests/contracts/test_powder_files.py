"""Every format of powder patterns: read alike, and damaged files refused."""

from pathlib import Path

import numpy as np
import pytest
from tests.contracts.instrument_mutations import check_reader
from tests.contracts.powder_files import ANGLES, COUNTS, FILES, written

from vitrolyte.data.errors import InputError
from vitrolyte.data.io.instruments.diffraction.powder import read_powder

WITHOUT_A_BEAM = ("std.gsa", "a.fxye", "a.dat")


@pytest.mark.parametrize("name", FILES)
def test_every_format_gives_the_same_pattern(name: str, tmp_path: Path) -> None:
    (found,) = read_powder(written(tmp_path, name))
    np.testing.assert_allclose(found.curve.x, ANGLES, atol=1e-5)
    np.testing.assert_allclose(found.curve.y, COUNTS, rtol=1e-6)
    assert found.format == FILES[name][1]
    assert found.file == name
    first = found.conditions.wavelength_A
    if name in WITHOUT_A_BEAM:
        assert first is None
    else:
        assert first == pytest.approx(1.5406, abs=1e-5)
    # Whole numbers are counts unless the file has errors of its own.
    assert (found.curve.y_axis.name == "counts") == (found.curve.y_error is None)


@pytest.mark.parametrize("name", FILES)
def test_damaged_files_are_refused_or_read(name: str, tmp_path: Path) -> None:
    read, refused = check_reader(read_powder, written(tmp_path, name), tmp_path, count=40)
    assert read + refused == 40
    assert refused > 0


BOMB = b"""<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>
<xrdMeasurements><xrdMeasurement>&b;</xrdMeasurement></xrdMeasurements>"""
TIME_OF_FLIGHT = b"title\nBANK 1 60 60 SLOG 1000.0 20000.0 0.001 0 FXYE\n" + b"1000 1 1\n" * 60


@pytest.mark.parametrize(
    ("name", "data", "word"),
    [
        ("bomb.xrdml", BOMB, "entities"),
        ("empty.xy", b"", "empty"),
        ("tof.gsa", TIME_OF_FLIGHT, "constant steps"),
        ("tof.xye", b"".join(b"%d 1 1\n" % (1000 + n) for n in range(60)), "time-of-flight"),
        ("nan.xy", b"10 1\n10.1 nan\n10.2 4\n10.3 5\n10.4 4\n10.5 3\n", "numbers"),
        ("twice.xy", b"10 1\n10 2\n10.2 4\n10.3 5\n10.4 4\n10.5 3\n", "one intensity"),
        ("one.xy", b"10\n11\n12\n13\n14\n15\n", "column"),
        ("raw.raw", b"RAW9.99" + bytes(900), "Bruker RAW"),
        ("zero.xy", b"".join(b"%d 0\n" % n for n in range(10, 30)), "above zero"),
    ],
)
def test_bad_files_are_refused_in_words(name: str, data: bytes, word: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(InputError, match=word):
        read_powder(tmp_path / name)


def test_decimal_commas_are_read(tmp_path: Path) -> None:
    rows = "\n".join(f"{x:.2f};{y:g}".replace(".", ",") for x, y in zip(ANGLES, COUNTS))
    (tmp_path / "a.csv").write_text("2theta;counts\n" + rows + "\n")
    (found,) = read_powder(tmp_path / "a.csv")
    np.testing.assert_allclose(found.curve.x, ANGLES, atol=1e-9)


def test_a_range_that_promises_more_than_the_file_holds_is_refused(tmp_path: Path) -> None:
    data = bytearray(FILES["three.raw"][0]())
    data[716:720] = (2**31 - 1).to_bytes(4, "little")
    (tmp_path / "a.raw").write_bytes(data)
    with pytest.raises(InputError, match="promises"):
        read_powder(tmp_path / "a.raw")
