"""Tasks on a Dask cluster (extra `cluster`), by futures of dask.distributed."""

from collections.abc import Callable, Generator, Iterable
from itertools import islice
from typing import Any, TypeVar

from distributed import Client, KilledWorker, as_completed

__all__ = ["KilledWorker", "run_on_cluster"]

WAIT = 60  # seconds for a first worker to appear
PER_THREAD = 2  # tasks under way for each thread, so that no thread waits for the next

Task = TypeVar("Task")
Result = TypeVar("Result")


def run_on_cluster(
    function: Callable[[Task], Result], tasks: Iterable[Task], address: str
) -> Generator[Result, None, None]:
    """Yield the results of tasks in the order in which the workers of a cluster finish them.

    Closing the generator cancels the tasks that are under way.

    Raises
    ------
    KilledWorker
        If a task killed as many workers as the scheduler allows.
    concurrent.futures.CancelledError
        If the cluster goes away.
    OSError
        If no scheduler answers at the address, or no worker appears.
    """
    connect: Any = Client  # Dask has no types
    with connect(address, set_as_default=False) as client:
        waiting = iter(tasks)

        def submit(count: int) -> list[Any]:
            return [
                client.submit(function, task, pure=False, retries=0)
                for task in islice(waiting, count)
            ]

        under_way = set(submit(PER_THREAD * count_threads(client)))
        completed: Any = as_completed(under_way, loop=client.loop)  # type: ignore[no-untyped-call]  # Dask has no types
        try:
            for future in completed:
                under_way.remove(future)
                for following in submit(1):
                    under_way.add(following)
                    completed.add(following)
                yield future.result()
        finally:
            client.cancel(list(under_way))


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
