"""Where runs are made: one at a time, and killed at any step they are whole or can be gone on with.

This file is also a script: it kills runs at every step that changes files, in processes of its own.
"""

import os
import shutil
import signal
import subprocess
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest

from abm.description import Description
from abm.integrity import Stamp, faults
from abm.manifest import DamageWarning, Finished, block_file
from abm.place import FolderTakenError
from abm.run_folder import RunFolder
from abm.schema import MANIFEST_FILE, REPLICATION, RUN_FILE
from abm.store import Store
from abm.tables import packed, typed

PARAMETERS = {"seed": 1, "discount": 0.9}
POINTS = [{"makers": "optimal"}]
BLOCKS = ["0000-00000", "0000-00001"]
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


def fail(
    out: str | Path, *, blocks: int = 0, resume: bool = False, say: Callable[[str], object] = str
) -> None:
    """Go through a run that fails after so many blocks."""
    with (
        suppress(ZeroDivisionError),
        RunFolder(out, "mine", PARAMETERS, POINTS, resume=resume) as folder,
    ):
        for name in BLOCKS[:blocks]:
            folder.manifest.add(block(folder.store, name))
            say(name)
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


def whole_and_unfinished(out: str | Path) -> None:
    """Leave a finished run, and beside it the same one begun anew and stopped."""
    run(out)
    fail(out, blocks=1)


GO_ON = partial(run, resume=True)
ALONE = partial(run, blocks=0)  # tables alone, as of a run that is no experiment
CASES = {
    "first": Case(nothing, run),
    "go on": Case(whole_and_unfinished, GO_ON),
    "reopen": Case(partial(damaged, name=block_file(BLOCKS[1])), GO_ON),
    "reopen for a table": Case(
        partial(damaged, name="numbers.parquet", blocks=0), partial(GO_ON, blocks=0), 0
    ),
    "replace": Case(ALONE, ALONE, 0),
    "fail": Case(ALONE, fail, 0),
}
ONCE_WHOLE = ["go on", "replace", "fail"]
NEVER_DAMAGED = ["first", *ONCE_WHOLE]
TWICE = "replace"


def worst(*where: Any) -> nullcontext[Iterator[os.DirEntry[str]]]:
    """List a folder in the order in which it is worst to remove it: run.json last."""
    with os.scandir(*where) as entries:
        found = sorted(entries, key=lambda entry: (entry.name == RUN_FILE, entry.name < "u"))
    return nullcontext(iter(found))


def in_a_process(act: Callable[..., None], folder: Path, step: int | None = None) -> bool:
    """Act in a process, killed before its nth change to files; return whether it was killed."""
    child = os.fork()
    if child:
        _, status = os.waitpid(child, 0)
        if os.WIFEXITED(status) and os.WEXITSTATUS(status):
            sys.exit(f"{folder} failed")
        return os.WIFSIGNALED(status)
    try:
        done = os.open(folder.with_suffix(".done"), os.O_CREAT | os.O_WRONLY)
        changes = count()

        def watch(event: str, about: tuple[Any, ...]) -> None:
            writes = event == "open" and about[2] & (os.O_WRONLY | os.O_RDWR)
            if (writes or event in CHANGES) and next(changes) == step:
                os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(watch)
        os.fsync = lambda _: None  # type: ignore[assignment]  # kills lose nothing written
        shutil.os = SimpleNamespace(**vars(os) | {"scandir": partial(worst)})
        warnings.simplefilter("ignore", DamageWarning)
        act(folder / "run", say=lambda name: os.write(done, f"{name} ".encode()))
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def kill_at_every_step(
    act: Callable[..., None], before: Path, after: str, most: int = 1000
) -> Iterator[Path]:
    for step in range(most):
        folder = before.with_name(f"{after}-{step}")
        shutil.copytree(before, folder, symlinks=True)
        if not in_a_process(act, folder, step):
            shutil.rmtree(folder)
            return
        yield folder


def main(root: Path) -> None:
    run(root / "warm", blocks=1)
    for name, case in CASES.items():
        before = root / f"{name}-before"
        before.mkdir()
        in_a_process(lambda out, case=case, **_: case.before(out), before)
        killed = list(kill_at_every_step(case.act, before, f"{name}-once"))
        two_whole = [one for one in killed if len([*one.rglob(RUN_FILE)]) == 2]
        for one in two_whole[:2] if name == TWICE else ():
            list(kill_at_every_step(case.act, one, f"{one.name}-twice", 16))


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("killed")
    subprocess.run([sys.executable, __file__, root], check=True)
    return root


def states(killed: Path, case: str, copies: Path, times: str = "once") -> Iterator[Path]:
    found = sorted(killed.glob(f"{case}-once-*"))
    chosen = [one for one in found if one.is_dir() and ("twice" in one.name) == (times == "twice")]
    assert len(chosen) > 10
    for one in chosen:
        yield Path(shutil.copytree(one, copies / one.name, symlinks=True))


def said_done(killed: Path, state: Path) -> set[str]:
    return set((killed / state.name).with_suffix(".done").read_text().split())


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != MANIFEST_FILE
    }


def assert_whole(out: str | Path) -> None:
    home = Store(out)
    files = Description.from_json(home.read(RUN_FILE)).files
    assert files
    assert faults(home, files, every_byte=True) == {}


@pytest.fixture
def expected(tmp_path: Path) -> dict[int, dict[str, bytes]]:
    for blocks in (0, 2):
        run(tmp_path / "expected" / str(blocks), blocks=blocks)
    return {blocks: contents(tmp_path / "expected" / str(blocks)) for blocks in (0, 2)}


@pytest.mark.filterwarnings("ignore::abm.manifest.DamageWarning")
@pytest.mark.parametrize("name", CASES)
def test_a_run_killed_at_any_step_is_gone_on_with_to_the_same_end(
    killed: Path, tmp_path: Path, expected: dict[int, dict[str, bytes]], name: str
) -> None:
    blocks = CASES[name].blocks
    for state in states(killed, name, tmp_path):
        redone: list[str] = []
        run(state / "run", resume=True, blocks=blocks, say=redone.append)
        assert said_done(killed, state).isdisjoint(redone), state
        assert contents(state / "run") == expected[blocks], state
        assert [path.name for path in state.iterdir()] == ["run"], state


@pytest.mark.filterwarnings("ignore::abm.manifest.DamageWarning")
@pytest.mark.parametrize("name", CASES)
def test_a_run_killed_at_any_step_and_begun_anew_loses_nothing_finished(
    killed: Path, tmp_path: Path, expected: dict[int, dict[str, bytes]], name: str
) -> None:
    blocks = CASES[name].blocks
    for state in states(killed, name, tmp_path):
        finished = any(state.rglob(RUN_FILE))
        redone: list[str] = []
        try:
            run(state / "run", blocks=blocks, say=redone.append)
        except FolderTakenError:
            run(state / "run", resume=True, blocks=blocks, say=redone.append)
        assert finished or said_done(killed, state).isdisjoint(redone), state
        assert contents(state / "run") == expected[blocks], state


@pytest.mark.parametrize("name", NEVER_DAMAGED)
def test_killed_at_any_step_what_has_the_name_of_a_run_is_whole(killed: Path, name: str) -> None:
    homes = [one / "run" for one in killed.glob(f"{name}-once-*") if (one / "run").exists()]
    assert homes
    for home in homes:
        assert_whole(home)


@pytest.mark.parametrize(
    ("name", "times"), [*((name, "once") for name in ONCE_WHOLE), (TWICE, "twice")]
)
def test_killed_at_any_step_an_earlier_run_or_its_successor_is_there(
    killed: Path, tmp_path: Path, name: str, times: str
) -> None:
    for state in states(killed, name, tmp_path, times):
        with pytest.raises(FolderTakenError, match="holds another run"):
            run(state / "run", seed=2)
        assert_whole(state / "run")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
