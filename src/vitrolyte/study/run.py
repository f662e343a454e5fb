"""A study from its file to its result folder."""

from __future__ import annotations

from pathlib import Path

from vitrolyte.literature.table import observations
from vitrolyte.study.comparison import compare
from vitrolyte.study.cookbook import COOKBOOK
from vitrolyte.study.execute import execute
from vitrolyte.study.outcome import Outcome, observed, write_end, write_start
from vitrolyte.study.plan import make_plan
from vitrolyte.study.progress import Reporter
from vitrolyte.study.settings import StudySettings
from vitrolyte.study.store import Store, claimed


def run_study(study: StudySettings, folder: Path, reporter: Reporter) -> Outcome:
    """Carry out a study, going on where an earlier run of it stopped.

    Parameters
    ----------
    study
        The settings.
    folder
        The result folder; made where it does not exist.
    reporter
        Is told how the work goes on.

    Raises
    ------
    InputError
        If the study is wrong; nothing is written then.
    MachineError
        If the machine fails; finished stages stay stored.
    """
    plan = make_plan(study, COOKBOOK)
    with claimed(folder):
        write_start(folder, plan)
        products = execute(plan, Store(folder / "stages"), reporter)
        rows = observed(plan, products)
        outcome = Outcome(study, folder, products, rows, compare(rows, observations()))
        write_end(plan, outcome)
    return outcome
