"""Where runs are made: one at a time, and killed at any step they are whole or can be gone on with.

This file is also a script: it kills runs at every step that changes files, in processes of its own.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from abm.description import Description
from abm.integrity import Stamp, faults
from abm.manifest import DamageWarning, Finished, block_file
from abm.place import FolderTakenError
from abm.run_folder import RunFolder
from abm.schema import MANIFEST_FILE, REPLICATION, RUN_FILE, UNFINISHED_FILE
from abm.store import Store
from abm.tables import packed, typed

PARAMETERS = {"seed": 1, "discount": 0.9}
POINTS = [{"makers": "optimal"}]
BLOCKS = ["0000-00000", "0000-00001", "0000-00002"]
NUMBERS = (REPLICATION,)
CHANGES = {"os.rename", "os.remove", "os.rmdir", "os.mkdir"}


def block(store: Store, name: str) -> Finished:
    rows = typed({"replication": np.arange(10) + int(name[-1])}, NUMBERS)
    content = packed({"totals": rows}, {"unit": name})
    store.write(block_file(name), content)
    return Finished(name, Stamp.of(content, ["totals"]), 0.0)


def run(
    out: str | Path,
    *,
    resume: bool = False,
    blocks: int = len(BLOCKS),
    say: Callable[[str], object] = str,
    **changed: Any,
) -> None:
    """Go through a run as an experiment does: blocks that are lacking, then tables."""
    with RunFolder(out, "mine", PARAMETERS | changed, POINTS, resume=resume) as folder:
        if folder.finished:
            return
        for name in BLOCKS[:blocks]:
            if name not in folder.manifest.finished:
                folder.manifest.add(block(folder.store, name))
                say(name)
        for table in ("numbers", "others"):
            folder.write(table, pd.DataFrame({"replication": [1, 2]}), NUMBERS)


def fail(out: str | Path, *, blocks: int = 0, resume: bool = False) -> None:
    """Go through a run that fails after so many blocks."""
    with (
        suppress(ZeroDivisionError),
        RunFolder(out, "mine", PARAMETERS, POINTS, resume=resume) as folder,
    ):
        for name in BLOCKS[:blocks]:
            folder.manifest.add(block(folder.store, name))
        folder.write("numbers", pd.DataFrame({"replication": [1]}), NUMBERS)
        raise ZeroDivisionError


def damaged(out: str | Path, name: str, blocks: int = len(BLOCKS)) -> None:
    """Leave a finished run of which one file is cut off."""
    run(out, blocks=blocks)
    store = Store(out)
    store.write(name, store.read(name)[:-7])


class Case(NamedTuple):
    """A run that is to be killed, and what is there before."""

    before: Callable[[Any], None]
    act: Callable[..., None]
    blocks: int = len(BLOCKS)


def nothing(out: str | Path) -> None:
    """Leave nothing."""


GO_ON = partial(run, resume=True)
ALONE = partial(run, blocks=0)  # tables alone, as of a run that is no experiment
CASES = {
    "first": Case(nothing, run),
    "go on": Case(partial(fail, blocks=1), GO_ON),
    "reopen": Case(partial(damaged, name=block_file(BLOCKS[1])), GO_ON),
    "reopen for a table": Case(partial(damaged, name="numbers.parquet"), GO_ON),
    "replace": Case(run, run),
    "replace tables alone": Case(ALONE, ALONE, 0),
    "fail": Case(ALONE, fail, 0),
}
NEVER_DAMAGED = ["first", "go on", "replace", "replace tables alone", "fail"]
ONCE_WHOLE = ["replace", "replace tables alone", "fail"]


def in_a_process(act: Callable[..., None], folder: Path, step: int | None = None) -> bool:
    """Act in a process, killed before its nth change to files; return whether it was killed."""
    child = os.fork()
    if child:
        _, status = os.waitpid(child, 0)
        if os.WIFEXITED(status) and os.WEXITSTATUS(status):
            sys.exit(f"step {step} failed")
        return os.WIFSIGNALED(status)
    try:
        finished = os.open(folder / "finished", os.O_CREAT | os.O_WRONLY)
        told = {} if act is fail else {"say": lambda name: os.write(finished, f"{name} ".encode())}
        changes = count()

        def watch(event: str, about: tuple[Any, ...]) -> None:
            writes = event == "open" and about[2] & (os.O_WRONLY | os.O_RDWR)
            if (writes or event in CHANGES) and next(changes) == step:
                os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(watch)
        warnings.simplefilter("ignore", DamageWarning)
        act(folder / "run", **told)
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def kill_at_every_step(act: Callable[..., None], before: Path, after: Path) -> Iterator[Path]:
    for step in count():
        folder = Path(f"{after}{step}")
        shutil.copytree(before, folder, symlinks=True)
        if not in_a_process(act, folder, step):
            return
        yield folder


def main(name: str, root: Path, kills: int) -> None:
    case = CASES[name]
    (root / "before").mkdir()
    in_a_process(lambda out, say: case.before(out), root / "before")
    once = list(kill_at_every_step(case.act, root / "before", root / "once-"))
    if kills == 2:
        for folder in once[-12:]:
            list(kill_at_every_step(case.act, folder, root / f"{folder.name}-twice-"))


