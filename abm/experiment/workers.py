"""Where tasks run: in this process, in processes of this machine, or on a Dask cluster."""

from __future__ import annotations

import os
import re
import signal
import sys
import warnings
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing, contextmanager
from importlib.util import find_spec
from multiprocessing import resource_tracker
from tempfile import gettempdir
from threading import Thread
from time import sleep
from typing import TypeVar

from joblib import Parallel, delayed, parallel_config

from abm.experiment.errors import WorkerDiedError
from abm.experiment.leftovers import remove_leftovers
from abm.numerics.checks import require_whole

Task = TypeVar("Task")
Result = TypeVar("Result")

Workers = int | str
"""A number of processes (1 for this one alone), or the address of a Dask scheduler."""

MOST_WORKERS = 4096
HUSHED = "ignore:resource_tracker:UserWarning"
SAFE_PATH = "PYTHONSAFEPATH"  # set, Python does not import from the current folder


def check_workers(workers: Workers) -> Workers:
    """Return the number of processes as an int, or the address of a scheduler.

    Raises
    ------
    ValueError, TypeError
        If it is neither, or an address while Dask is not installed.
    """
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
    return require_whole(
        "workers", int(workers) if isinstance(workers, str) else workers, 1, MOST_WORKERS
    )


def do_nothing() -> None:
    """Do nothing."""


def run_tasks(
    function: Callable[[Task], Result],
    tasks: Sequence[Task],
    workers: Workers,
    meanwhile: Callable[[], None] = do_nothing,
) -> Generator[Result, None, None]:
    """Yield the result of a function for each task, in the order in which they are done.

    Once tasks are handed out, and before the first result, this process does `meanwhile`. Closing
    the generator gives up the tasks that are left.

    Raises
    ------
    WorkerDiedError
        If a task, or the system, killed the worker that ran it.
    UnusableWorkerError
        If a worker of a cluster cannot read a task.
    """
    death: type[Exception]
    if isinstance(workers, str):
        from abm.experiment.dask import KilledWorker, run_on_cluster  # an extra may be missing

        death, results = KilledWorker, run_on_cluster(function, tasks, workers, meanwhile)
    else:
        death, results = BrokenProcessPool, run_locally(function, tasks, workers, meanwhile)
    try:
        yield from results
    except death as error:
        raise WorkerDiedError(
            "a worker process died, as it does for want of memory or when it is killed"
        ) from error


def run_locally(
    function: Callable[[Task], Result],
    tasks: Sequence[Task],
    workers: int,
    meanwhile: Callable[[], None],
) -> Generator[Result, None, None]:
    """Yield the results of tasks done by this process, or by so many of this machine, by joblib.

    The processes are started once: those of an earlier call serve again.
    """
    if workers == 1:
        meanwhile()
        yield from map(function, tasks)
        return
    remove_leftovers()
    with (
        parallel_config(
            "loky", n_jobs=workers, initializer=exit_with_parent, initargs=(os.getpid(),),
            temp_folder=gettempdir(), max_nbytes=None,  # no folder for arrays in shared memory
        ),
        warnings.catch_warnings(),
    ):  # fmt: skip
        # joblib warns of tasks that are given up, and of workers that it replaces
        for says in (r"\d+ tasks (have been|which were)", "A worker stopped while some jobs"):
            warnings.filterwarnings("ignore", says, UserWarning)
        parallel = Parallel(return_as="generator_unordered", batch_size=1, pre_dispatch="2*n_jobs")
        with hush_tracker(), keep_safe_path(), defer_interrupts():  # this starts the processes
            results = parallel(delayed(function)(task) for task in tasks)
        with closing(results):
            meanwhile()
            yield from results


@contextmanager
def hush_tracker() -> Iterator[None]:
    """Let the process that cleans up after others not say so, where it is started in the context.

    It would tell the user, after the command's last line, what workers that were killed had left.
    """
    sys.warnoptions.append(HUSHED)  # which Python hands on to the processes that it starts
    try:
        yield
    finally:
        sys.warnoptions.remove(HUSHED)


@contextmanager
def keep_safe_path() -> Iterator[None]:
    """Let processes that are started in the context import nothing from the current folder.

    Python would look there first, and a `queue.py` in a user's folder would stand for its own. What
    this process imports from there they find by its path, which they are given.
    """
    before = os.environ.get(SAFE_PATH)
    os.environ[SAFE_PATH] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[SAFE_PATH]
        else:
            os.environ[SAFE_PATH] = before


@contextmanager
def defer_interrupts() -> Iterator[None]:
    """Let a Ctrl-C wait for the end of the context; processes started in it never get one.

    A terminal sends it to all of them, but it is for the run to end its workers. If this process
    has other threads, one of them may take it, and it does not wait.
    """
    if sys.platform == "win32":  # which has no signal masks
        yield
        return
    resource_tracker.ensure_running()  # its start, which comes with the first process, would end it
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def exit_with_parent(parent: int) -> None:
    """Let this process end soon after its parent, which may be killed before it can end workers."""

    def watch() -> None:
        while os.getppid() == parent:
            sleep(1)
        os._exit(1)

    Thread(target=watch, daemon=True).start()
