"""The fitter finds what NIST certifies, from both starting points of each problem."""

from dataclasses import replace

import numpy as np
import pytest
from validation.nist_strd import NAMES, Problem, digits, exact_derivatives, load

from vitrolyte.infer.fit import FitSettings, fit

# NIST StRD, https://www.itl.nist.gov/div898/strd/: certified values and standard deviations to
# eleven digits in tests/data/nist_strd
PROBLEMS = {name: load(name) for name in NAMES}
LEAST_DIGITS = 6.0
NO_SCATTER = {"Lanczos1"}
"""Residuals of 1e-13: eleven digits of their sum of squares are beyond double precision."""


def fitted(problem: Problem, start: int, *, exact: bool) -> tuple[float, float]:
    model = problem.model(start)
    if exact:
        model = replace(model, jacobian=exact_derivatives(problem.equation))
    settings = FitSettings(undetermined="refuse")
    found = fit(model, problem.curve(), settings=settings)
    errors = np.sqrt(np.diag(found.covariance))
    return digits(found.model.values, problem.values), digits(errors, problem.errors)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # far starts overflow on the way
@pytest.mark.parametrize("start", [0, 1])
@pytest.mark.parametrize("name", NAMES)
def test_certified_values_with_derivatives(name: str, start: int) -> None:
    values, errors = fitted(PROBLEMS[name], start, exact=True)
    assert values > LEAST_DIGITS
    assert errors > LEAST_DIGITS or name in NO_SCATTER


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("start", [0, 1])
@pytest.mark.parametrize("name", NAMES)
def test_certified_values_without_derivatives(name: str, start: int) -> None:
    values, errors = fitted(PROBLEMS[name], start, exact=False)
    # central differences keep ten digits of a derivative, and a narrow valley costs some of them
    assert values > 5.0
    assert errors > 5.0 or name in NO_SCATTER
