"""What several files of tests need."""

import gc
import os
import signal
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from scenarios.__main__ import main
from tests.commands import Call, Said, keep_handler

os.environ.pop("COLUMNS", None)  # where it is set, tables are that narrow
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # each of hundreds of processes would compile all
sys.dont_write_bytecode = False
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it

LONGEST = [  # files of tests, which begin in this order, so that none is left to run alone
    "interruptions", "scenarios", "testing", "command", "paper", "monopolist_vs_competitive",
    "compare", "readme", "report", "experiment", "exchange", "exact_belief", "sweep", "bellman",
    "cluster", "problems", "exact_optimum", "exact_vs_gaussian", "head_to_head", "breakdown",
    "lattice_accuracy", "startup", "learning_makers",
]  # fmt: skip


def pytest_xdist_auto_num_workers() -> int:
    """Return one more worker than there are cores, for some wait for processes that they start."""
    return (os.cpu_count() or 1) + 1


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the files that take longest first."""
    ranks = {f"test_{name}": rank for rank, name in enumerate(LONGEST)}
    items.sort(key=lambda item: ranks.get(item.path.stem, len(ranks)))


def pytest_collection_finish() -> None:
    """Let garbage be sought seldom, and in what tests make: not in all that is there by now."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


@pytest.fixture
def call(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Iterator[Call]:
    """Run the command in this process, in an empty folder and on lines of 500 columns."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "500")  # more than any table has
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    monkeypatch.setattr(sys, "path", sys.path.copy())

    def called(*words: str | Path) -> Said:
        capsys.readouterr()
        monkeypatch.setattr(sys, "argv", ["market-shock", *map(str, words)])
        with pytest.raises(SystemExit) as end:
            main()
        said = capsys.readouterr()
        return Said(int(end.value.code or 0), said.out, said.err)

    with keep_handler(), warnings.catch_warnings():  # the command shows them in its own way
        warnings.simplefilter("default")
        yield called
