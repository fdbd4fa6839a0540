"""Who does the work: this process, processes of this machine, or a Dask cluster."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager, closing
from importlib.util import find_spec
from typing import TypeVar

from joblib import Parallel, delayed, parallel_config

from abm.door import whole

Task = TypeVar("Task")
Result = TypeVar("Result")

Workers = int | str
"""A number of processes, or the address of a Dask scheduler."""

MOST_WORKERS = 4096


class WorkerDiedError(RuntimeError):
    """A worker process was killed, by the system for want of memory or by hand."""


def checked_workers(workers: Workers) -> Workers:
    """Return the number of processes (1 for this one alone), or the address of a scheduler."""
    if isinstance(workers, str) and not workers.lstrip("-").isdigit():
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
    return whole("workers", int(workers), 1, MOST_WORKERS)


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
        from abm.cluster import KilledWorker, on_cluster  # an extra: Dask may not be there

        yield from _done(task, tasks, on_cluster(workers), KilledWorker)
    else:
        here = parallel_config("loky", n_jobs=workers)
        yield from _done(task, tasks, here, BrokenProcessPool)


def _done(
    task: Callable[[Task], Result],
    tasks: Sequence[Task],
    where: AbstractContextManager[object],
    death: type[Exception],
) -> Generator[Result, None, None]:
    with where:
        parallel = Parallel(return_as="generator_unordered", batch_size=1, pre_dispatch="2*n_jobs")
        with closing(parallel(delayed(task)(one) for one in tasks)) as results:
            try:
                yield from results
            except death as error:
                raise WorkerDiedError(
                    "a worker process died, as it does for want of memory or when it is killed"
                ) from error
