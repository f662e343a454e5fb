"""Fourier modes of points: the fast transform gives what the plain sum gives."""

import tracemalloc

import numpy as np
import pytest

from vitrolyte.observe.scattering import fourier
from vitrolyte.observe.scattering.fourier import Transform, modes, transform

EXTENTS = [(9, 9, 9), (0, 4, 17), (12, 1, 0), (20, 6, 3)]


def points(n: int = 150) -> np.ndarray:
    """Return points outside the box too, some of them on its faces and one twice."""
    places = np.random.default_rng(0).uniform(-3.0, 4.0, size=(3, n))
    places[:, :4] = np.array([[0.0, 1.0, -1e-17, 0.5]] * 3)
    places[:, 5] = places[:, 6]
    return places


def weights(n: int, *, real: bool) -> np.ndarray:
    random = np.random.default_rng(1)
    return random.uniform(0.5, 2.0, n) * (1.0 if real else np.exp(2j * np.pi * random.random(n)))


def summed(places: np.ndarray, weight: np.ndarray, extents: tuple[int, int, int], *, real: bool):
    axes = [np.arange(-k, k + 1) for k in extents]
    axes[2] = axes[2][extents[2] if real else 0 :]
    k = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
    return np.exp(2j * np.pi * (k @ places)) @ weight


def whole(places: np.ndarray, weight: np.ndarray, way: Transform) -> np.ndarray:
    found = modes(places, weight, way)
    a, b, c = found.factors
    return found.values * a[:, None, None] * b[:, None] * c


@pytest.mark.parametrize("extents", EXTENTS)
@pytest.mark.parametrize("real", [True, False])
def test_the_plain_way_is_the_sum(extents: tuple[int, int, int], real: bool) -> None:
    places, weight = points(), weights(150, real=real)
    way = Transform(extents, real, (0, 0, 0), 0)
    expected = summed(places, weight, extents, real=real)
    assert whole(places, weight, way) == pytest.approx(expected, abs=1e-10)


@pytest.mark.parametrize(("ratio", "width"), fourier._GRIDS)
@pytest.mark.parametrize("extents", EXTENTS)
@pytest.mark.parametrize("real", [True, False])
def test_the_fast_way_is_the_sum(
    ratio: float, width: int, extents: tuple[int, int, int], real: bool
) -> None:
    places, weight = points(), weights(150, real=real)
    n0, n1, n2 = (max(2 * width, int(np.ceil(ratio * (2 * k + 1)))) for k in extents)
    expected = summed(places, weight, extents, real=real)
    found = whole(places, weight, Transform(extents, real, (n0, n1, n2), width))
    level = np.sqrt(np.mean(np.abs(expected) ** 2))
    # The promise is 1e-6 of S, a square; a tenth of that, halved, is left for each mode.
    assert np.abs(found - expected).max() < 5e-8 * level


def test_a_lattice_does_not_leak_between_its_peaks() -> None:
    # Points of a simple cubic lattice: all in phase at multiples of 4, nothing between.
    grid = np.array(np.meshgrid(*[np.arange(4)] * 3)).reshape(3, -1) / 4.0
    found = whole(grid, np.ones(64), Transform((10, 10, 10), True, (32, 32, 32), 12))
    k = np.arange(-10, 11) % 4 == 0
    peaks = k[:, None, None] & k[:, None] & k[10:]
    assert found[peaks] == pytest.approx(64.0, rel=1e-7)
    assert np.abs(found[~peaks]).max() < 64.0 * 1e-7


def test_the_cheaper_way_is_taken() -> None:
    assert transform((20, 20, 20), 3).width == 0
    many = transform((20, 20, 20), 10000)
    assert many.width > 0
    assert many.cost_ns(10000) < Transform((20, 20, 20), True, (0, 0, 0), 0).cost_ns(10000)


@pytest.mark.parametrize(("ratio", "width"), fourier._GRIDS)
@pytest.mark.parametrize("real", [True, False])
def test_the_memory_is_what_is_told(ratio: float, width: int, real: bool) -> None:
    n = int(np.ceil(ratio * 61))
    way = Transform((30, 30, 30), real, (n, n, n), width)
    places, weight = points(), weights(150, real=real)
    modes(places, weight, way)
    tracemalloc.start()
    modes(places, weight, way)
    taken = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert 0.5 * way.bytes < taken <= way.bytes
