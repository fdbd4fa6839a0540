"""Who does the work: this process, processes of this machine, or a Dask cluster."""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Callable, Generator, Sequence
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager, closing
from importlib.util import find_spec
from threading import Thread
from time import sleep
from typing import TypeVar

from joblib import Parallel, delayed, parallel_config

from abm.numerics.checks import whole

Task = TypeVar("Task")
Result = TypeVar("Result")

Workers = int | str
"""A number of processes, or the address of a Dask scheduler."""

MOST_WORKERS = 4096


class WorkerDiedError(RuntimeError):
    """A worker process was killed, by the system for want of memory or by hand."""


def checked_workers(workers: Workers) -> Workers:
    """Return the number of processes (1 for this one alone), or the address of a scheduler."""
    if isinstance(workers, str) and not re.fullmatch(r"-?[0-9]+", workers):
        if "://" not in workers:
            raise ValueError(
                f"workers is {workers!r}, but must be a number of processes or the address of a "
                f"Dask scheduler: give as 4, or as tcp://host:8786"
            )
        if find_spec("distributed") is None:
            raise ValueError(
                f"workers is {workers!r}, but Dask is not installed: "
                f"pip install 'market-shock[cluster]'"
            )
        return workers
    number = int(workers) if isinstance(workers, str) else workers
    return whole("workers", number, 1, MOST_WORKERS)


def at_work(
    task: Callable[[Task], Result], tasks: Sequence[Task], workers: Workers
) -> Generator[Result, None, None]:
    """Yield what a function makes of each task, in the order in which they are done.

    Parameters
    ----------
    task : callable
    tasks : sequence
    workers : int or str
        1 for this process, more for so many processes of this machine, or the address of a Dask
        scheduler for the workers of its cluster.

    Raises
    ------
    WorkerDiedError
        If a task, or the system, killed the worker that it was given to.
    """
    if isinstance(workers, str):
        from abm.experiment.dask import KilledWorker, on_cluster  # an extra: Dask may not be there

        yield from _done(task, tasks, on_cluster(workers), KilledWorker)
    else:
        here = parallel_config(
            "loky", n_jobs=workers, initializer=leave_with, initargs=(os.getpid(),)
        )
        yield from _done(task, tasks, here, BrokenProcessPool)


def leave_with(parent: int) -> None:
    """Let this process end soon after its parent, which a kill leaves no time to see to it."""

    def watch() -> None:
        while os.getppid() == parent:
            sleep(1)
        os._exit(1)

    Thread(target=watch, daemon=True).start()


def _done(
    task: Callable[[Task], Result],
    tasks: Sequence[Task],
    where: AbstractContextManager[object],
    death: type[Exception],
) -> Generator[Result, None, None]:
    try:
        with where, warnings.catch_warnings():
            # joblib warns of work that is given up
            warnings.filterwarnings("ignore", r"\d+ tasks (have been|which were)", UserWarning)
            parallel = Parallel(
                return_as="generator_unordered", batch_size=1, pre_dispatch="2*n_jobs"
            )
            with closing(parallel(delayed(task)(one) for one in tasks)) as results:
                yield from results
    except death as error:
        raise WorkerDiedError(
            "a worker process died, as it does for want of memory or when it is killed"
        ) from error
