"""Work on a real Dask cluster: the same bytes, and workers that die are replaced or reported."""

import json
import logging
import logging.handlers
import os
import re
import signal
import sys
from collections.abc import Iterator
from functools import partial
from importlib import import_module
from pathlib import Path
from queue import SimpleQueue
from subprocess import Popen
from threading import Thread
from time import sleep
from typing import Any
from unittest.mock import patch

import dask
import pytest
from distributed import KilledWorker, LocalCluster

import abm.experiment.dask
from abm import Quote
from abm.experiment import BlocksFailedError, Experiment, Simulation, grid, runner
from abm.experiment.errors import UnusableWorkerError, WorkerDiedError
from abm.experiment.simulation import BlockTask
from abm.experiment.workers import do_nothing, run_tasks
from abm.makers import MarketMaker
from abm.runs.parquet import Tables
from abm.runs.schema import MANIFEST_FILE
from tests.files import partial_of, read_files

pytestmark = pytest.mark.slow

SIZE, BLOCKS = 20, 6
POINTS = grid(makers=["zero-profit", ["myopic", "fixed-spread"]], prior_sd=[1.0, 3.0])
HERE = os.getpid()
DIED = "A_WORKER_DIED"
SETTINGS = {
    "distributed.scheduler.allowed-failures": 1,
    "distributed.deploy.lost-worker-timeout": "1h",  # killed workers are replaced, however late
}


class Slow(Simulation):
    """Takes so long over a block that a worker can be killed amid it."""

    def run(self, task: BlockTask) -> Tables:
        sleep(0.1)
        return super().run(task)


class DiesWriting(Simulation):
    """Kills the first worker that has written part of a block's file."""

    def run(self, task: BlockTask) -> Tables:
        def die(_: Any) -> None:
            once = Path(os.environ[DIED])
            if not once.exists():
                once.touch()
                os._exit(1)

        patch.object(os, "fsync", die).start()
        return super().run(task)


class Fatal(MarketMaker):
    """Kills every worker in which she is asked for a quote in one block, but not the tests."""

    name = "fatal"

    def __init__(self, model: Any, *, spared: int) -> None:
        super().__init__(model)
        self.spared = spared

    def quote(self) -> Quote:
        if int(self.model.replication[0]) == 2 * SIZE:
            if os.getpid() == self.spared:  # no assert: pytest rewrites these, but not for workers
                raise RuntimeError("she is at work among the tests")
            os._exit(1)
        return Quote.around(self.require_belief().mean, 1.0)


class Wrong(MarketMaker):
    """Raises an error in one block."""

    name = "wrong"

    def quote(self) -> Quote:
        if int(self.model.replication[0]) == 2 * SIZE:
            raise ZeroDivisionError("a mistake of hers")
        return Quote.around(self.require_belief().mean, 1.0)


def experiment(
    simulation: Simulation | None = None, points: Any = POINTS, blocks: int = BLOCKS
) -> Experiment:
    return Experiment(
        points,
        simulation or Simulation(),
        replications=blocks * SIZE,
        block=SIZE,
        periods=5,
        seed=3,
    )


def written(out: Path, what: str) -> int:
    file = partial_of(out) / MANIFEST_FILE
    return file.read_text().count(what) if file.exists() else 0


def pid(_: int) -> int:
    return os.getpid()


def reaches(out: Path, blocks: int) -> None:
    while written(out, "stamp") < blocks:
        sleep(0.01)


@pytest.fixture(autouse=True)
def bounded() -> Iterator[None]:
    def too_long(*_: Any) -> None:
        raise TimeoutError("it waits for ever")

    earlier = signal.signal(signal.SIGALRM, too_long)
    signal.alarm(150)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, earlier)


def local_cluster(workers: int) -> Any:
    return LocalCluster(  # type: ignore[no-untyped-call]
        n_workers=workers, threads_per_worker=1, processes=True, dashboard_address="127.0.0.1:0"
    )


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    with (
        dask.config.set(SETTINGS),
        local_cluster(2) as started,
    ):
        yield started


@pytest.fixture
def address(cluster: Any) -> str:
    while len(cluster.scheduler.workers) < 2:
        sleep(0.05)
    return str(cluster.scheduler_address)


@pytest.fixture(scope="module")
def untroubled(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    out = tmp_path_factory.mktemp("untroubled") / "run"
    experiment().run(out)
    return read_files(out)


def test_both_workers_work_and_this_process_does_not(address: str, cluster: Any) -> None:
    pids = set(run_tasks(pid, range(40), address))
    assert pids == {nanny.pid for nanny in cluster.workers.values()}
    assert HERE not in pids


def test_results_are_those_of_one_process(
    address: str, untroubled: dict[str, bytes], tmp_path: Path
) -> None:
    experiment().run(tmp_path / "run", workers=address)
    assert read_files(tmp_path / "run") == untroubled


def test_results_are_those_of_one_process_although_a_worker_was_killed(
    address: str, cluster: Any, untroubled: dict[str, bytes], tmp_path: Path
) -> None:
    out = tmp_path / "run"
    victim = next(iter(cluster.workers.values())).pid
    seen: list[int] = []

    def kill() -> None:
        reaches(out, 5)
        os.kill(victim, signal.SIGKILL)
        seen.append(written(out, "stamp"))

    killer = Thread(target=kill, daemon=True)
    killer.start()
    experiment(Slow()).run(out, workers=address)
    killer.join()
    assert 5 <= seen[0] < BLOCKS * len(POINTS) - 2
    assert read_files(out) == untroubled
    assert victim not in {nanny.pid for nanny in cluster.workers.values()}


def test_a_worker_that_died_while_it_wrote_leaves_nothing_in_a_whole_run(
    untroubled: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(DIED, str(tmp_path / "died"))  # which workers of a new cluster inherit
    with dask.config.set(SETTINGS), local_cluster(2) as fresh:
        experiment(DiesWriting()).run(tmp_path / "run", workers=fresh.scheduler_address)
    assert (tmp_path / "died").exists()
    assert read_files(tmp_path / "run") == untroubled


def test_a_block_that_raises_is_recorded_and_the_others_finish(
    address: str, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    with pytest.raises(BlocksFailedError, match="1 of 6 blocks failed, 5 blocks are finished"):
        experiment(points=grid(makers=[Wrong])).run(out, workers=address)
    assert written(out, 'ZeroDivisionError: a mistake of hers"') == 1
    assert written(out, "stamp") == 5


def test_two_tasks_a_thread_are_under_way_at_most(address: str) -> None:
    given: list[int] = []

    def tasks() -> Iterator[int]:
        for number in range(30):
            given.append(number)
            yield number

    results = abm.experiment.dask.run_on_cluster(pid, tasks(), address, do_nothing)
    for done, _ in enumerate(results, start=1):
        assert len(given) <= done + 2 * 2
    assert len(given) == 30


def test_tasks_that_nobody_waits_for_are_cancelled(address: str, tmp_path: Path) -> None:
    def slow(number: int) -> None:
        sleep(0.02)
        (tmp_path / str(number)).touch()

    results = run_tasks(slow, range(200), address)
    next(results)
    results.close()
    sleep(0.3)
    assert len(list(tmp_path.iterdir())) < 10


def test_a_task_that_kills_its_worker_is_an_error_here(
    address: str, cluster: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster.scheduler, "allowed_failures", 0)
    with pytest.raises(WorkerDiedError, match="a worker process died, as it does for want of mem"):
        list(run_tasks(os._exit, [1], address))


def test_a_maker_that_kills_every_worker_ends_a_run_with_an_error_and_what_is_finished_stays(
    address: str, cluster: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster.scheduler, "allowed_failures", 0)
    monkeypatch.setattr("abm.experiment.runner.DEATHS", 2)
    out = tmp_path / "run"
    made = experiment(points=grid(makers=[partial(Fatal, spared=HERE)]), blocks=3)
    with pytest.raises(BlocksFailedError) as failure:
        made.run(out, workers=address)
    said = str(failure.value)
    assert "a worker process died" in said
    assert f"{written(out, 'stamp')} blocks are finished and kept" in said
    assert "find out what kills them, then go on with --resume" in said
    assert not out.exists()


def test_a_worker_that_dies_before_it_has_a_task_is_told_as_one_that_dies_with_it(
    address: str, cluster: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = next(iter(cluster.scheduler.workers.values()))

    def dies(*_: Any) -> int:
        raise KilledWorker("probe", worker, 0)

    monkeypatch.setattr(abm.experiment.dask, "count_threads", dies)
    with pytest.raises(WorkerDiedError, match="a worker process died"):
        list(run_tasks(pid, range(4), address))


def test_a_cluster_of_one_worker_does_not_mean_this_process() -> None:
    with local_cluster(1) as one:
        (worker,) = one.workers.values()
        assert set(run_tasks(pid, range(4), one.scheduler_address)) == {worker.pid}


def test_a_cluster_that_goes_away_ends_a_run_with_an_error_and_what_is_finished_stays(
    untroubled: dict[str, bytes], tmp_path: Path
) -> None:
    out = tmp_path / "run"

    def go_away() -> None:
        reaches(out, 3)
        leaving.close()

    with local_cluster(1) as leaving:
        thread = Thread(target=go_away, daemon=True)
        thread.start()
        with pytest.raises((OSError, RuntimeError), match=r"--resume"):
            experiment(Slow()).run(out, workers=leaving.scheduler_address)
        thread.join()
    assert 3 <= written(out, "stamp") < BLOCKS * len(POINTS)
    experiment().run(out, resume=True)
    assert read_files(out) == untroubled


def test_a_cluster_without_workers_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(abm.experiment.dask, "WAIT", 0.5)
    with local_cluster(0) as empty, pytest.raises(OSError, match="no worker"):
        experiment().run(tmp_path / "run", workers=empty.scheduler_address)
    assert list(tmp_path.iterdir()) == []


def test_a_scheduler_that_is_not_there_is_told(tmp_path: Path) -> None:
    with (
        dask.config.set({"distributed.comm.timeouts.connect": "0.5s"}),
        pytest.raises(OSError, match=r"tcp://127\.0\.0\.1:9"),
    ):
        experiment().run(tmp_path / "run", workers="tcp://127.0.0.1:9")
    assert list(tmp_path.iterdir()) == []


class Unknown:
    """A function that only this process can read."""

    def __call__(self, number: int) -> int:
        return number

    def __reduce__(self) -> Any:
        return import_module, ("a_module_that_workers_lack",)


def test_a_worker_that_cannot_read_a_task_is_told_with_the_reason(address: str) -> None:
    with pytest.raises(UnusableWorkerError) as caught:
        list(run_tasks(Unknown(), range(3), address))
    said = str(caught.value)
    assert re.match(r"a worker, or the scheduler, cannot read a block \(\w+Error: ", said)
    assert said.endswith("): give all of them the same files and versions as the run")
    assert "\n" not in said


def test_a_run_with_workers_that_lack_its_code_says_how_it_goes_on(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "simulate_block", Unknown())
    with pytest.raises(BlocksFailedError, match="0 blocks are finished and kept: then go on with"):
        experiment().run(tmp_path / "run", workers=address)


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[list[Popen[bytes]]]:
    """Start a scheduler and a worker of it, as processes; the file `at` has the address."""
    at = ["--scheduler-file", str(tmp_path / "at")]
    dask_command = [sys.executable, "-c", "from dask.__main__ import main; main()"]
    with (tmp_path / "log").open("wb") as log:
        started = [
            Popen([*dask_command, *words, *at, "--no-dashboard"], stdout=log, stderr=log)
            for words in (["scheduler", "--port", "0"], ["worker", "--no-nanny", "--nthreads", "1"])
        ]
        yield started
        for process in started:
            process.kill()
            process.wait()


def test_the_death_of_the_scheduler_is_one_line_and_dask_says_nothing(
    processes: list[Popen[bytes]], tmp_path: Path
) -> None:
    out, said = tmp_path / "run", SimpleQueue[Any]()
    logged = logging.handlers.QueueHandler(said)
    while not (tmp_path / "at").exists():
        sleep(0.05)

    def kill() -> None:
        reaches(out, 3)
        processes[0].kill()

    killer = Thread(target=kill, daemon=True)
    killer.start()
    loggers = [logging.getLogger(name) for name in ("distributed", "distributed.client")]
    for logger in loggers:
        logger.addHandler(logged)
    with pytest.raises(OSError, match=r"went away .*blocks are finished and kept: go on") as caught:
        experiment(Slow()).run(out, workers=json.loads((tmp_path / "at").read_text())["address"])
    killer.join()
    for logger in loggers:
        logger.removeHandler(logged)
    assert said.empty()
    assert "\n" not in str(caught.value)
    assert not any(is_silent(logger) for logger in loggers), "they are heard again"


def is_silent(logger: logging.Logger) -> bool:
    return any("silence_loggers" in getattr(rule, "__qualname__", "") for rule in logger.filters)
