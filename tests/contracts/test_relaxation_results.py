"""Results of spin relaxation are stored, come back, and answer with valid rows."""

from pathlib import Path

import numpy as np
from tests.stored_results import rows_of_stored
from validation.relaxation import decaying, tensors

from vitrolyte.data.nuclei import nucleus
from vitrolyte.data.observation import Sample
from vitrolyte.data.trajectory import structure
from vitrolyte.infer.fit import fit
from vitrolyte.observe.relaxation.narrowing import second_moment
from vitrolyte.observe.relaxation.peak_fit import fit_peak
from vitrolyte.observe.relaxation.peak_model import RateSeries
from vitrolyte.observe.relaxation.processes import Process
from vitrolyte.observe.relaxation.rates import condition
from vitrolyte.observe.relaxation.relaxation import relaxation_of_tensors
from vitrolyte.observe.relaxation.temperature import relaxation_over_temperature

SAMPLE = Sample("antiperovskite", "Li3OCl", "glass", 900.0)
LITHIUM = nucleus("7Li")
WANTED = (condition("R1", LITHIUM, 11.74), condition("R1rho", LITHIUM, 11.74, 20.0))


def test_relaxation_of_runs_is_stored(tmp_path: Path) -> None:
    runs = {
        t: relaxation_of_tensors(tensors(decaying(k, (300, 8, 5), 4000.0 / t)), "7Li", step_ps=1.0)
        for k, t in enumerate((400.0, 500.0, 600.0, 700.0))
    }
    rows = rows_of_stored(runs[500.0], SAMPLE, tmp_path)
    assert {"relaxation_rate_R1", "relaxation_rate_R2", "relaxation_rate_R1rho"} <= {
        row.quantity for row in rows
    }
    law = relaxation_over_temperature(tuple(runs.items()), fit, wanted=WANTED)
    assert rows_of_stored(law, SAMPLE, tmp_path)[0].quantity == "activation_energy"


def test_refusals_are_stored_too(tmp_path: Path) -> None:
    still = np.broadcast_to(tensors(np.arange(40.0).reshape(1, 8, 5)), (64, 8, 3, 3))
    moving = still + 0.01 * tensors(decaying(1, (64, 8, 5), 1.0))
    run = relaxation_of_tensors(moving, "7Li", step_ps=1.0)
    rows = rows_of_stored(run, SAMPLE, tmp_path)
    assert {row.status for row in rows if "rate" in row.quantity} == {"refused"}
    runs = tuple((t, run) for t in (400.0, 500.0, 600.0, 700.0))
    law = relaxation_over_temperature(runs, fit, wanted=WANTED)
    assert {row.status for row in rows_of_stored(law, SAMPLE, tmp_path)} == {"refused"}


def test_fits_and_moments_are_stored(tmp_path: Path) -> None:
    t = np.linspace(150.0, 450.0, 16)
    rates = Process(0.29, 2e-13, 1e9).rate(t, WANTED[1])
    found = fit_peak((RateSeries(WANTED[1], t, rates, np.full(16, 0.03)),), fit)
    rows = rows_of_stored(found, SAMPLE, tmp_path)
    assert {"bpp_beta", "bpp_tau0", "jump_rate"} <= {row.quantity for row in rows}
    rigid = second_moment(structure(("Li",), [[0.0, 0, 0]], np.eye(3) * 3.0), "7Li")
    assert len(rows_of_stored(rigid, SAMPLE, tmp_path)) == 4
