"""Shapes of lines: area, width, derivatives, limits."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from vitrolyte.observe.line_shapes import (
    gaussian,
    gaussian_slopes,
    lorentzian,
    lorentzian_slopes,
    pseudo_voigt,
    pseudo_voigt_slopes,
    voigt,
    voigt_slopes,
    voigt_width,
)

SHAPES = [
    (gaussian, gaussian_slopes, (0.3, 1.7)),
    (lorentzian, lorentzian_slopes, (0.3, 1.7)),
    (pseudo_voigt, pseudo_voigt_slopes, (0.3, 1.7, 0.35)),
    (voigt, voigt_slopes, (0.3, 1.2, 0.8)),
]


@pytest.mark.parametrize(("shape", "slopes", "at"), SHAPES)
def test_area_is_one(shape: Callable, slopes: Callable, at: tuple[float, ...]) -> None:
    # x = tan t covers the whole line
    t = (np.arange(40001) + 0.5) / 40001 * np.pi - np.pi / 2
    area = np.sum(shape(np.tan(t), *at) / np.cos(t) ** 2) * np.pi / 40001
    assert area == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize(("shape", "slopes", "at"), SHAPES)
def test_slopes_are_derivatives(shape: Callable, slopes: Callable, at: tuple[float, ...]) -> None:
    x, step = np.linspace(-4, 4, 41), 1e-5
    found = slopes(x, *at)
    assert found.shape == (len(at), 41)
    for number, one in enumerate(found):
        up, down = list(at), list(at)
        up[number], down[number] = at[number] + step, at[number] - step
        assert one == pytest.approx((shape(x, *up) - shape(x, *down)) / (2 * step), abs=1e-8)


@pytest.mark.parametrize("shape", [gaussian, lorentzian])
def test_half_of_the_height_is_a_width_apart(shape: Callable) -> None:
    top, side = shape(np.array([2.0, 2.75]), 2.0, 1.5)
    assert side == pytest.approx(top / 2)
    assert pseudo_voigt(2.75, 2.0, 1.5, 0.4) == pytest.approx(pseudo_voigt(2.0, 2.0, 1.5, 0.4) / 2)


def test_voigt_has_its_limits_and_its_width() -> None:
    x = np.linspace(-5, 5, 101)
    assert voigt(x, 0.2, 1.3, 0.0) == pytest.approx(gaussian(x, 0.2, 1.3), abs=1e-12)
    assert voigt(x, 0.2, 1e-4, 1.3) == pytest.approx(lorentzian(x, 0.2, 1.3), abs=1e-6)
    half = voigt_width(1.0, 0.7) / 2
    # Olivero & Longbothum 1977 state 0.02 % of the width
    assert voigt(half, 0.0, 1.0, 0.7) == pytest.approx(voigt(0.0, 0.0, 1.0, 0.7) / 2, rel=1e-3)


def test_lines_broadcast_to_columns() -> None:
    x = np.linspace(-1, 1, 7)
    both = pseudo_voigt(x[:, None], np.array([0.0, 0.5]), np.array([1.0, 2.0]), 0.5)
    assert both.shape == (7, 2)
    assert both[:, 1] == pytest.approx(pseudo_voigt(x, 0.5, 2.0, 0.5))
    slopes = pseudo_voigt_slopes(x[:, None], np.array([0.0, 0.5]), np.array([1.0, 2.0]), 0.5)
    assert slopes.shape == (3, 7, 2)
