"""The command and Python as tests run them, and what they say."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

CONSOLE = ["-P", "-c", "from scenarios.__main__ import main; main()"]  # as the console's script


class Said(NamedTuple):
    """With which code the command ended, and what it printed."""

    code: int
    out: str
    err: str


Call = Callable[..., Said]


def read_error(said: Said) -> str:
    """Return the one line that the command says before it gives up."""
    assert (said.code, said.out) == (1, ""), said
    (line,) = said.err.splitlines()
    assert line.startswith("error: "), line
    return line


@contextmanager
def keep_handler() -> Iterator[None]:
    """Listen for Ctrl-C afterwards as before, though the command listens in its own way."""
    handler = signal.getsignal(signal.SIGINT)
    yield
    signal.signal(signal.SIGINT, handler)


def run_python(words: list[str], folder: Path, *paths: Path) -> subprocess.CompletedProcess[str]:
    """Run Python on lines of 500 columns, these paths in front of where packages are installed."""
    environment = {"PYTHONPATH": os.pathsep.join(map(str, paths)), "COLUMNS": "500"}
    return subprocess.run(
        [sys.executable, *words], cwd=folder, capture_output=True, text=True, check=False,
        env=os.environ | environment, timeout=200,
    )  # fmt: skip
