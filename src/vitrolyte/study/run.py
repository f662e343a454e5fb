"""A study from its file to its result folder."""

from __future__ import annotations

from pathlib import Path

from vitrolyte.data.errors import InputError
from vitrolyte.literature.table import observations
from vitrolyte.study.comparison import compare
from vitrolyte.study.cookbook import COOKBOOK
from vitrolyte.study.execute import execute
from vitrolyte.study.outcome import Outcome, observed, write_end, write_start
from vitrolyte.study.plan import Plan, make_plan
from vitrolyte.study.progress import Reporter
from vitrolyte.study.recipe import Product
from vitrolyte.study.settings import StudySettings, read_study
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
        outcome = _outcome(plan, folder, products)
        write_end(plan, outcome)
    return outcome


def stored_outcome(folder: Path) -> Outcome:
    """Return a finished study from its result folder; nothing is computed.

    Raises
    ------
    InputError
        If the folder holds no study, or one that is not finished.
    """
    study = read_study(str(folder / "study.toml"))
    plan = make_plan(study, COOKBOOK)
    store = Store(folder / "stages")
    found = [store.find(task) for task in plan.tasks]
    products = tuple(product for product in found if product is not None)
    if len(products) < len(found):
        raise InputError(
            f"The study in {folder} must be finished",
            received=f"{len(products)} of {len(found)} stages",
            remedy=f"vitrolyte run {folder / 'study.toml'} --out {folder}",
        )
    return _outcome(plan, folder, products)


def _outcome(plan: Plan, folder: Path, products: tuple[Product, ...]) -> Outcome:
    rows = observed(plan, products)
    return Outcome(plan.study, folder, products, rows, compare(rows, observations()))
