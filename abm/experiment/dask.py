"""Work on a Dask cluster, by joblib's backend for it (extra `cluster`)."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any

from distributed import Client, KilledWorker
from joblib import parallel_config, register_parallel_backend
from joblib._dask import DaskDistributedBackend

__all__ = ["KilledWorker", "on_cluster"]

WAIT = 60  # seconds for a worker to appear


class Backend(DaskDistributedBackend):
    """joblib's backend, mended in two places.

    It would wait for ever for a task that kills its workers; and run tasks in this process, where
    they could kill it, while the cluster has one worker.
    """

    def effective_n_jobs(self, n_jobs: int) -> int:
        """Return how many tasks can be under way, two at least."""
        return max(2, super().effective_n_jobs(n_jobs))

    def submit(self, func: Any, callback: Callable[[Any], Any] | None = None) -> "Future[Any]":
        """Submit a batch of tasks, and call back when they are done or given up."""
        future: Future[Any] = super().submit(func, callback)

        def tell(done: "Future[Any]") -> None:
            if callback and (error := done.exception()):
                callback(error)

        future.add_done_callback(tell)
        return future


@contextmanager
def on_cluster(address: str) -> Iterator[None]:
    """Let joblib's work go to the workers of the cluster with a scheduler at this address."""
    register_parallel_backend("market-shock-cluster", Backend)
    with (
        Client(address, set_as_default=False) as client,  # type: ignore[no-untyped-call]  # Dask has no types
        parallel_config(
            "market-shock-cluster", client=client, n_jobs=-1, wait_for_workers_timeout=WAIT
        ),
    ):
        yield
