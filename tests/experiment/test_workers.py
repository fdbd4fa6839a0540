"""Workers: this process or others, each task once, and no death but the worker's own."""

import os
import signal
import sys
import time
import warnings
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from joblib.externals.loky import get_reusable_executor

import abm.experiment.workers
from abm.experiment.errors import WorkerDiedError
from abm.experiment.workers import check_workers, defer_interrupts, run_tasks
from tests.commands import run_python
from tests.files import ROOT

ADDRESS = "as tcp://host:8786"
WHOLE = "must be a whole number"
RANGE = "must be at least 1 and at most 4096"


def squared(number: int) -> tuple[int, int]:
    return number**2, os.getpid()


def noted(folder: Path, number: int) -> int:
    (folder / f"{number}-{os.getpid()}-{time.monotonic_ns()}").touch()
    return number


def meets_the_other(folder: Path, number: int) -> bool:
    (folder / str(number)).touch()
    for _ in range(1000):
        if (folder / str(1 - number)).exists():
            return True
        time.sleep(0.01)
    return False


def fails_at(wrong: int, number: int) -> int:
    if number == wrong:
        raise ZeroDivisionError(f"not {number}")
    return number


def killed_at(fatal: int, number: int) -> int:
    if number == fatal:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def grows(number: int) -> int:
    """Take 200 MB for good, and so long that memory is looked at again."""
    vars(sys).setdefault("kept", []).append(np.ones(25_000_000))
    time.sleep(1.1)
    return number


def test_one_worker_is_this_process_and_yields_as_it_goes() -> None:
    seen: list[int] = []
    results = run_tasks(seen.append, range(5), 1)
    for count in range(5):
        assert next(results) is None
        assert seen == list(range(count + 1))
    assert list(results) == []


def test_several_workers_are_other_processes() -> None:
    squares, pids = zip(*run_tasks(squared, range(10), 2), strict=True)
    assert sorted(squares) == [number**2 for number in range(10)]
    assert os.getpid() not in pids


def test_workers_start_once_and_serve_the_next_tasks_too() -> None:
    first, second = ({pid for _, pid in run_tasks(squared, range(20), 2)} for _ in range(2))
    assert first & second
    assert len(first | second) <= 2


@pytest.mark.parametrize("workers", [1, 2])
def test_this_process_does_something_else_before_the_first_result(workers: int) -> None:
    done: list[str] = []
    results = run_tasks(squared, range(4), workers, lambda: done.append("meanwhile"))
    assert done == []
    next(results)
    assert done == ["meanwhile"]
    assert len(list(results)) == 3
    assert done == ["meanwhile"]


def test_workers_work_while_this_process_does_something_else(tmp_path: Path) -> None:
    def wait_for_all() -> None:
        for _ in range(1000):
            if len(list(tmp_path.iterdir())) == 20:
                return
            time.sleep(0.01)
        raise TimeoutError

    tasks = partial(noted, tmp_path)
    assert sorted(run_tasks(tasks, range(20), 2, wait_for_all)) == list(range(20))


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_of_what_is_done_meanwhile_is_raised_and_work_can_go_on(workers: int) -> None:
    def fail() -> None:
        time.sleep(0.2)  # loky complains where tasks are given up at once
        raise ZeroDivisionError("meanwhile")

    with pytest.raises(ZeroDivisionError, match="meanwhile"):
        list(run_tasks(squared, range(50), workers, fail))
    assert len(list(run_tasks(squared, range(4), workers))) == 4


def test_several_workers_work_at_the_same_time(tmp_path: Path) -> None:
    assert list(run_tasks(partial(meets_the_other, tmp_path), range(2), 2)) == [True, True]


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_each_task_is_done_once(workers: int, tmp_path: Path) -> None:
    assert sorted(run_tasks(partial(noted, tmp_path), range(20), workers)) == list(range(20))
    assert sorted(int(file.name.split("-")[0]) for file in tmp_path.iterdir()) == list(range(20))


@pytest.mark.parametrize("workers", [1, 2])
def test_there_may_be_nothing_to_do(workers: int) -> None:
    assert list(run_tasks(squared, [], workers)) == []


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_of_a_task_is_raised_here_and_work_can_go_on_afterwards(workers: int) -> None:
    with pytest.raises(ZeroDivisionError, match="not 3"):
        list(run_tasks(partial(fails_at, 3), range(50), workers))
    assert len(list(run_tasks(squared, range(4), workers))) == 4


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_work_that_nobody_waits_for_is_given_up(workers: int, tmp_path: Path) -> None:
    def slow(number: int) -> int:
        time.sleep(0.02)
        return noted(tmp_path, number)

    results = run_tasks(slow, range(200), workers)
    next(results)
    results.close()
    time.sleep(0.3)
    assert len(list(tmp_path.iterdir())) < 50


@pytest.mark.slow
def test_a_worker_whose_memory_has_grown_is_replaced_without_a_word() -> None:
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        assert sorted(run_tasks(grows, range(6), 2)) == list(range(6))
    get_reusable_executor().shutdown()  # or its workers would keep that memory
    assert said == []


@pytest.mark.slow
def test_a_task_that_kills_its_worker_is_an_error_here_and_no_death() -> None:
    with pytest.raises(WorkerDiedError, match="a worker process died, as it does for want of mem"):
        list(run_tasks(partial(killed_at, 3), range(8), 2))
    assert len(list(run_tasks(squared, range(8), 2))) == 8


@pytest.mark.parametrize(
    ("workers", "checked"),
    [(1, 1), ("1", 1), (4096, 4096), (np.int64(2), 2), ("tcp://host:8786", "tcp://host:8786")],
)
def test_workers_are_a_number_or_an_address(workers: Any, checked: int | str) -> None:
    assert check_workers(workers) == checked
    assert type(check_workers(workers)) is type(checked)


@pytest.mark.parametrize(
    ("workers", "error", "parts"),
    [
        (0, ValueError, ["workers is 0", RANGE]),
        ("0", ValueError, ["workers is 0", RANGE]),
        (-2, ValueError, ["workers is -2", RANGE]),
        ("-2", ValueError, ["workers is -2", RANGE]),
        (4097, ValueError, ["workers is 4097", RANGE]),
        *(
            (text, ValueError, [f"workers is {text!r}", "number of processes", ADDRESS])
            for text in ("", "four", "host:8786", "2.5", "--4", "²", "1e3")
        ),
        *(
            (thing, TypeError, [f"workers is {thing!r}", WHOLE, "give an int"])
            for thing in (2.0, 2.7, True, None, [2])
        ),
    ],
    ids=str,
)
def test_workers_of_another_kind_are_refused(
    workers: Any, error: type[Exception], parts: list[str]
) -> None:
    with pytest.raises(error) as refusal:
        check_workers(workers)
    for part in parts:
        assert part in str(refusal.value)


def test_a_scheduler_without_dask_is_refused_with_the_extra_that_brings_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(abm.experiment.workers, "find_spec", lambda _: None)
    with pytest.raises(
        ValueError, match=r"Dask is not installed: pip .* 'market-shock\[cluster\]'"
    ):
        check_workers("tcp://host:8786")
    assert check_workers(2) == 2


def blocked(_: int) -> set[int]:
    return set(signal.pthread_sigmask(signal.SIG_BLOCK, []))


def test_a_ctrl_c_reaches_no_worker_even_while_it_starts() -> None:
    assert list(run_tasks(blocked, range(3), 2)) == [{signal.SIGINT}] * 3
    assert list(run_tasks(blocked, range(3), 1)) == [set()] * 3


def test_a_ctrl_c_that_waits_for_workers_to_start_comes_then() -> None:
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    begun: list[int] = []

    def begin() -> None:
        with defer_interrupts():
            signal.raise_signal(signal.SIGINT)
            begun.append(1)

    with pytest.raises(KeyboardInterrupt):
        begin()
    assert begun == [1]
    signal.signal(signal.SIGINT, handler)


LEAVES = """
import os
from abm.experiment.workers import run_tasks
if __name__ == "__main__":
    assert list(run_tasks(abs, [1, 2, 3], 2))
    os._exit(130)
"""


@pytest.mark.slow
def test_a_run_that_ends_at_once_leaves_no_word_of_its_workers_remains(tmp_path: Path) -> None:
    done = run_python(["-c", LEAVES], tmp_path, ROOT)
    assert (done.returncode, done.stderr) == (130, "")


@pytest.mark.slow
def test_workers_import_nothing_from_the_current_folder(tmp_path: Path) -> None:
    for module in ("queue", "threading", "numpy"):
        (tmp_path / f"{module}.py").write_text("open('noted', 'w').close()")
    done = run_python(["-P", "-c", LEAVES], tmp_path, ROOT)
    assert (done.returncode, done.stderr) == (130, "")
    assert not (tmp_path / "noted").exists()
