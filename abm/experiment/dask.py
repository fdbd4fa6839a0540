"""Tasks on a Dask cluster (extra `cluster`), by futures of dask.distributed."""

import logging
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager, suppress
from itertools import islice
from typing import Any, TypeVar

from distributed import Client, KilledWorker, as_completed

from abm.experiment.errors import UnusableWorkerError

__all__ = ["KilledWorker", "run_on_cluster"]

WAIT = 60  # seconds for a first worker to appear
PER_THREAD = 2  # tasks under way for each thread, so that no thread waits for the next

LOGGERS = ("distributed", "tornado", "asyncio")  # who tell of a lost connection, at length

Task = TypeVar("Task")
Result = TypeVar("Result")


def run_on_cluster(
    function: Callable[[Task], Result],
    tasks: Iterable[Task],
    address: str,
    meanwhile: Callable[[], None],
) -> Generator[Result, None, None]:
    """Yield the results of tasks in the order in which the workers of a cluster finish them.

    Once the first tasks are handed out, this process does `meanwhile`. Closing the generator
    cancels the tasks that are under way.

    Raises
    ------
    KilledWorker
        If a task killed as many workers as the scheduler allows.
    UnusableWorkerError
        If a worker cannot read a task, as where this package is not installed.
    concurrent.futures.CancelledError
        If the cluster goes away.
    OSError
        If no scheduler answers at the address, or no worker appears.
    """
    connect: Any = Client  # Dask has no types
    with silence_loggers(), connect(address, set_as_default=False) as client:
        waiting = iter(tasks)

        def submit(count: int) -> list[Any]:
            return [
                client.submit(function, task, pure=False, retries=0)
                for task in islice(waiting, count)
            ]

        under_way = set(submit(PER_THREAD * count_threads(client)))
        completed: Any = as_completed(under_way, loop=client.loop)  # type: ignore[no-untyped-call]  # Dask has no types
        try:
            meanwhile()
            for future in completed:
                under_way.remove(future)
                for following in submit(1):
                    under_way.add(following)
                    completed.add(following)
                yield get_result(future)
        finally:
            with suppress(Exception):  # what is lost with its scheduler needs not be cancelled
                client.cancel(list(under_way))


def get_result(future: Any) -> Any:
    """Return the result of a future that is done."""
    try:
        return future.result()
    except (KilledWorker, CancelledError, OSError):
        raise
    except Exception as error:
        cause = error.__cause__ or error  # of Dask's own error there is another
        says = " ".join(f"{type(cause).__name__}: {cause}".split())
        raise UnusableWorkerError(
            f"a worker, or the scheduler, cannot read a block ({says}): give all of them the same "
            f"files and versions as the run"
        ) from error


@contextmanager
def silence_loggers() -> Iterator[None]:
    """Keep what Dask logs off the terminal: what goes wrong is raised here as well."""

    def is_shown(_: logging.LogRecord) -> bool:
        return False

    loggers = [
        logging.getLogger(name)
        for name in [*LOGGERS, *logging.root.manager.loggerDict]
        if name.partition(".")[0] in LOGGERS
    ]
    for logger in loggers:
        logger.addFilter(is_shown)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeFilter(is_shown)


def count_threads(client: Any) -> int:
    """Return how many threads the workers have; with no worker yet, wait for the first."""
    if not client.ncores():
        try:
            client.submit(int, pure=False).result(timeout=WAIT)  # a cluster may grow on demand
        except TimeoutError as error:
            raise TimeoutError(
                f"the cluster has no worker after {WAIT} seconds, but needs one: start workers "
                f"that reach the scheduler at {client.scheduler.address}"
            ) from error
    return max(1, sum(client.ncores().values()))
