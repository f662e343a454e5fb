"""Carrying out a plan: tasks side by side, each as soon as its inputs are there."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field

from vitrolyte.data.errors import InputError
from vitrolyte.study.plan import Plan, Task
from vitrolyte.study.progress import Reporter, Tally
from vitrolyte.study.recipe import NotObserved, Output, Product, Work
from vitrolyte.study.settings import LaunchSettings, StudySettings
from vitrolyte.study.store import Store


class Stopped(BaseException):
    """Raised inside a running task when the study is being stopped; not an error."""


@dataclass
class Execution:
    """One carrying-out of a plan.

    Attributes
    ----------
    products
        What each finished task left, by task id; the stored ones are there from the start.
    computed
        Ids of the tasks that were computed now rather than found.
    """

    study: StudySettings
    store: Store
    reporter: Reporter
    tally: Tally
    products: dict[str, Product]
    computed: list[str] = field(default_factory=list)
    stopping: threading.Event = field(default_factory=threading.Event)

    def carry_out(self, task: Task) -> Product:
        """Do one task: origin first, work, results, completed origin."""
        folder = self.store.begin(task)
        self.reporter.started(task.label)
        start = time.monotonic()
        output = self._output(
            task,
            Work(
                settings=task.step.settings,
                study=self.study.sample,
                coordinates=task.coordinates,
                seed=task.origin.seed or 1,
                folder=folder,
                launch=self.study.launch,
                inputs=self._inputs(task),
                progress=lambda fraction: self._advance(task, fraction),
            ),
        )
        seconds = time.monotonic() - start
        product = self.store.finish(task, output, seconds)
        self.reporter.finished(task.label, seconds, self.tally.at(task.label, 1.0))
        return product

    def _output(self, task: Task, work: Work) -> Output:
        """Return what the recipe yields, or why an optional step that takes from others cannot."""
        sources = [product for products in work.inputs.values() for product in products]
        try:
            return task.step.recipe.work(work)
        except InputError as fault:
            if not task.step.settings.optional or not sources:
                raise
            self.reporter.noted(f"{task.label} is left out: {fault.message()}")
            return Output(sources[0].sample, (NotObserved(task.label, fault.message()),))

    def _inputs(self, task: Task) -> Mapping[str, tuple[Product, ...]]:
        return {
            name: tuple(self.products[source.origin.id] for source in sources)
            for name, sources in task.inputs.items()
        }

    def _advance(self, task: Task, fraction: float) -> None:
        if self.stopping.is_set():
            raise Stopped
        self.reporter.advanced(task.label, fraction, self.tally.at(task.label, fraction))


def execute(plan: Plan, store: Store, reporter: Reporter) -> tuple[Product, ...]:
    """Carry out what is not stored yet and return all products in the order of the plan.

    At the first fault the running tasks are stopped; whatever is finished stays stored, and the
    next call goes on from there.

    Raises
    ------
    VitrolyteError
        The first fault of any task.
    """
    found = {task.origin.id: store.find(task) for task in plan.tasks}
    products = {key: product for key, product in found.items() if product is not None}
    waiting = [task for task in plan.tasks if task.origin.id not in products]
    tally = Tally({task.label: task.step.settings.weight() for task in waiting})
    run = Execution(plan.study, store, reporter, tally, products)
    try:
        _drain(run, waiting, plan.study.launch)
    finally:
        reporter.close()
    return tuple(run.products[task.origin.id] for task in plan.tasks)


def _drain(run: Execution, waiting: list[Task], launch: LaunchSettings) -> None:
    urgency = chains(waiting)
    waiting = sorted(waiting, key=lambda task: -urgency[task.origin.id])
    running: dict[Future[Product], Task] = {}
    with ThreadPoolExecutor(max_workers=launch.workers) as pool:
        try:
            while waiting or running:
                for task in _ready(run, waiting)[: launch.workers - len(running)]:
                    waiting.remove(task)
                    running[pool.submit(run.carry_out, task)] = task
                finished, _ = wait(running, return_when=FIRST_COMPLETED, timeout=1.0)
                for future in finished:
                    task = running.pop(future)
                    run.products[task.origin.id] = future.result()
                    run.computed.append(task.origin.id)
        except BaseException:
            run.stopping.set()
            raise


def _ready(run: Execution, waiting: list[Task]) -> list[Task]:
    """Return the waiting tasks whose inputs are all there, in their order."""
    return [
        task
        for task in waiting
        if all(
            source.origin.id in run.products
            for sources in task.inputs.values()
            for source in sources
        )
    ]


def chains(tasks: list[Task]) -> dict[str, float]:
    """Return, by task id, the weight of the longest chain of tasks that begins with it.

    Starting the longest chain first keeps all workers busy to the end.
    """
    longest = {task.origin.id: task.step.settings.weight() for task in tasks}
    for task in reversed(tasks):  # a task stands after its inputs
        for sources in task.inputs.values():
            for source in sources:
                if source.origin.id in longest:
                    through = source.step.settings.weight() + longest[task.origin.id]
                    longest[source.origin.id] = max(longest[source.origin.id], through)
    return longest
