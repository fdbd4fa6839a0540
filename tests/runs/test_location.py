"""Where runs are made: one at a time, and killed at any step they are whole or can be gone on with.

This file is also a script: it kills runs at every step that changes files, in processes of its own.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache, partial, partialmethod
from importlib.metadata import version
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest

from abm.runs.description import Description
from abm.runs.errors import DamageWarning, FolderTakenError
from abm.runs.folder import RunFolder
from abm.runs.integrity import Stamp, find_faults
from abm.runs.manifest import Finished, block_file
from abm.runs.parquet import make_table, pack_tables
from abm.runs.schema import MANIFEST_FILE, REPLICATION, RUN_FILE, UNFINISHED_FILE
from abm.runs.store import Store
from tests.files import read_files

PARAMETERS = {"seed": 1, "discount": 0.9}
POINTS = [{"makers": "optimal"}]
BLOCKS = ["0000-00000", "0000-00001"]
NUMBERS = (REPLICATION,)
VERSION = cache(version)
CHANGES = {"os.rename", "os.remove", "os.rmdir", "os.mkdir"}


def block(store: Store, name: str) -> Finished:
    rows = make_table({"replication": np.arange(10) + int(name[-1])}, NUMBERS)
    content = pack_tables({"totals": rows}, {"block_task": name})
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


def remember_versions(patch: pytest.MonkeyPatch) -> None:
    patch.setattr("abm.runs.description.version", VERSION)  # it is slow, and always the same


def main(root: Path) -> None:
    remember_versions(pytest.MonkeyPatch())
    run(root / "warm", blocks=1)
    for name, case in CASES.items():
        before = root / f"{name}-before"
        before.mkdir()
        in_a_process(lambda out, case=case, **_: case.before(out), before)
        killed = list(kill_at_every_step(case.act, before, f"{name}-once"))
        two_whole = [one for one in killed if len([*one.rglob(RUN_FILE)]) == 2]
        for one in two_whole[:2] if name == TWICE else ():
            list(kill_at_every_step(case.act, one, f"{one.name}-twice", 16))


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    remember_versions(monkeypatch)
    monkeypatch.setattr(os, "fsync", lambda _: None)


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("killed")
    subprocess.run([sys.executable, __file__, "kill", root], check=True)
    return root


def states(killed: Path, case: str, copies: Path, times: str = "once") -> Iterator[Path]:
    found = sorted(killed.glob(f"{case}-once-*"))
    chosen = [one for one in found if one.is_dir() and ("twice" in one.name) == (times == "twice")]
    assert len(chosen) > 10
    for one in chosen:
        yield Path(shutil.copytree(one, copies / one.name, symlinks=True))


def said_done(killed: Path, state: Path) -> set[str]:
    return set((killed / state.name).with_suffix(".done").read_text().split())


def assert_whole(out: str | Path) -> None:
    home = Store(out)
    files = Description.read(home, RUN_FILE).files
    assert files
    assert find_faults(home, files, every_byte=True) == {}


@pytest.fixture
def expected(tmp_path: Path) -> dict[int, dict[str, bytes]]:
    for blocks in (0, 2):
        run(tmp_path / "expected" / str(blocks), blocks=blocks)
    return {blocks: read_files(tmp_path / "expected" / str(blocks)) for blocks in (0, 2)}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::abm.runs.manifest.DamageWarning")
@pytest.mark.parametrize("name", CASES)
def test_a_run_killed_at_any_step_is_gone_on_with_to_the_same_end(
    killed: Path, tmp_path: Path, expected: dict[int, dict[str, bytes]], name: str
) -> None:
    blocks = CASES[name].blocks
    for state in states(killed, name, tmp_path):
        redone: list[str] = []
        run(state / "run", resume=True, blocks=blocks, say=redone.append)
        assert said_done(killed, state).isdisjoint(redone), state
        assert read_files(state / "run") == expected[blocks], state
        assert [path.name for path in state.iterdir()] == ["run"], state


@pytest.mark.filterwarnings("ignore::abm.runs.manifest.DamageWarning")
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
        assert read_files(state / "run") == expected[blocks], state


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


class Died(BaseException):
    """What a process that was killed would not raise; nothing catches it."""


def die(*_: object) -> None:
    raise Died


@contextmanager
def dying_at(step: int) -> Iterator[None]:
    """Let nothing be done to a store any more from the nth deed on."""
    deeds = count()

    def until_then(deed: Callable[..., Any], *arguments: Any) -> Any:
        if next(deeds) >= step:
            raise Died
        return deed(*arguments)

    with pytest.MonkeyPatch.context() as patch:
        for name in ("write", "append", "create", "remove"):
            deed = getattr(Store, name)
            patch.setattr(Store, name, partialmethod(partial(until_then, deed)))
        yield


def died(act: Callable[..., None], url: str, step: int) -> set[str] | None:
    """Let a run die at a step, and return the blocks it said it had done; None if it lived."""
    done: set[str] = set()
    try:
        with dying_at(step):
            act(url, say=done.add)
    except Died:
        return done
    return None


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"memory://{tmp_path}/run"


def stored(url: str) -> dict[str, bytes]:
    store = Store(url)
    return {name: store.read(name) for name in store.sizes() if name != MANIFEST_FILE}


@pytest.mark.filterwarnings("ignore::abm.runs.manifest.DamageWarning")
@pytest.mark.parametrize("name", ["first", "reopen", "reopen for a table"])
def test_a_run_behind_a_url_that_dies_at_any_step_is_gone_on_with_to_the_same_end(
    url: str, expected: dict[int, dict[str, bytes]], name: str
) -> None:
    case = CASES[name]
    for step in count():
        case.before(f"{url}{step}")
        done = died(case.act, f"{url}{step}", step)
        if done is None:
            break
        redone: list[str] = []
        run(f"{url}{step}", resume=True, blocks=case.blocks, say=redone.append)
        assert done.isdisjoint(redone), step
        assert stored(f"{url}{step}") == expected[case.blocks], step
    assert step > 6


def test_a_run_behind_a_url_is_made_in_place_and_its_description_appears_last(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, written = Store(url), []

    def watched(of: Store, name: str, content: bytes) -> None:
        written.append(name)
        write(of, name, content)

    write = Store.write
    monkeypatch.setattr(Store, "write", watched)
    with RunFolder(url, "mine", PARAMETERS, POINTS) as folder:
        folder.manifest.add(block(folder.store, BLOCKS[0]))
        assert set(store.sizes()) == {UNFINISHED_FILE, MANIFEST_FILE, block_file(BLOCKS[0])}
    assert written[-1] == RUN_FILE
    assert written.count(RUN_FILE) == 1
    assert set(store.sizes()) == {RUN_FILE, MANIFEST_FILE, block_file(BLOCKS[0])}
    assert_whole(url)


@pytest.mark.filterwarnings("ignore::abm.runs.manifest.DamageWarning")
def test_a_run_behind_a_url_that_is_made_again_is_not_called_whole_meanwhile(url: str) -> None:
    for step in range(4):
        damaged(f"{url}{step}", block_file(BLOCKS[1]))
        assert died(GO_ON, f"{url}{step}", step) is not None
        with RunFolder(f"{url}{step}", "mine", PARAMETERS, POINTS, resume=True) as folder:
            assert BLOCKS[1] not in folder.manifest.finished
            assert not Store(f"{url}{step}").holds(RUN_FILE), step
            folder.manifest.add(block(folder.store, BLOCKS[1]))


def test_a_finished_run_behind_a_url_is_not_begun_anew(url: str) -> None:
    run(url)
    before = stored(url)
    with pytest.raises(FolderTakenError, match="holds this run already: --resume"):
        run(url)
    with pytest.raises(FolderTakenError, match=r"holds another run \(seed is 1 there, 2 here"):
        run(url, seed=2)
    with RunFolder(url, "mine", PARAMETERS, POINTS, resume=True) as folder:
        assert folder.finished
    assert stored(url) == before


@pytest.mark.parametrize(("blocks", "left"), [(0, 0), (1, 3)])
def test_a_run_behind_a_url_that_fails_leaves_its_finished_blocks_or_nothing(
    url: str, blocks: int, left: int
) -> None:
    fail(url, blocks=blocks)
    kept = Store(url).sizes().keys() - {"numbers.parquet"}
    assert len(kept) == left
    assert RUN_FILE not in kept


@pytest.mark.filterwarnings("ignore::abm.runs.manifest.DamageWarning")
@pytest.mark.parametrize("where", ["{}", "memory://{}"])
def test_whole_tables_are_kept_when_a_damaged_one_cannot_be_made_again(
    tmp_path: Path, where: str
) -> None:
    out = where.format(tmp_path)
    damaged(f"{out}/run", "others.parquet", blocks=0)
    with (
        suppress(ZeroDivisionError),
        RunFolder(f"{out}/run", "mine", PARAMETERS, POINTS, resume=True),
    ):
        raise ZeroDivisionError
    assert any(name.endswith("numbers.parquet") for name in Store(out).sizes())


@pytest.mark.filterwarnings("ignore::abm.runs.manifest.DamageWarning")
@pytest.mark.parametrize("resume", [False, True])
def test_what_is_left_of_a_hidden_folder_half_removed_is_no_obstacle(
    tmp_path: Path, expected: dict[int, dict[str, bytes]], resume: bool
) -> None:
    damaged(tmp_path / "run", "others.parquet")
    (tmp_path / ".run.partial" / "blocks").mkdir(parents=True)
    rows = make_table({"replication": [0]}, (REPLICATION,))
    content = pack_tables({"totals": rows}, {"block_task": "0000-00007"})
    (tmp_path / ".run.partial" / "blocks" / "0000-00007.parquet").write_bytes(content)
    run(tmp_path / "run", resume=resume)
    assert read_files(tmp_path / "run") == expected[2]


def test_a_whole_run_that_was_not_reopened_after_all_is_as_it_was(tmp_path: Path) -> None:
    out = tmp_path / "run"
    run(out)
    file = out / "others.parquet"
    file.write_bytes(b"PAR2" + file.read_bytes()[4:])
    before = read_files(out)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "rename", partialmethod(die))
        with pytest.raises(Died):
            RunFolder(out, "mine", PARAMETERS, POINTS, resume=True, verify=True).__enter__()
    run(out, resume=True)
    assert read_files(out) == before


def respelled(spelling: str, out: Path) -> str | Path:
    match spelling:
        case "relative":
            return os.path.relpath(out)
        case "link":
            (out.parent / "link").symlink_to(out)
            return out.parent / "link"
        case "link above":
            (out.parent / "above").symlink_to(out.parent)
            return out.parent / "above" / out.name
        case "url":
            return f"file://{out}"
        case "slash":
            return f"{out}/"
    return out


SPELLINGS = ["same", "relative", "slash", "url", "link", "link above"]


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_second_run_in_one_folder_is_refused_at_once_and_does_not_disturb_the_first(
    tmp_path: Path, spelling: str
) -> None:
    out = tmp_path / "run"
    run(out)
    expected = read_files(out)
    other = respelled(spelling, out)
    with RunFolder(out, "mine", PARAMETERS, POINTS) as folder:
        for name in BLOCKS:
            for resume in (False, True):
                with pytest.raises(FolderTakenError, match="is being written by another run: wait"):
                    run(other, resume=resume)
            folder.manifest.add(block(folder.store, name))
        for table in ("numbers", "others"):
            folder.write(table, pd.DataFrame({"replication": [1, 2]}), NUMBERS)
        run(tmp_path / "another folder")
    assert read_files(out) == expected
    run(other)
    assert read_files(out) == expected
    assert not [path.name for path in tmp_path.iterdir() if path.name.startswith(".")]


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a folder that is never writable")
def test_a_folder_that_cannot_be_made_is_not_said_to_be_in_use() -> None:
    says = r"^/proc/x cannot be written \(.+\): give --out a folder that can be$"
    with pytest.raises(OSError, match=says):
        run(Path("/proc/x"))


@pytest.mark.parametrize("refused", [{"seed": 2}, {"resume": True, "seed": 2}])
def test_a_folder_is_free_again_after_a_refusal_or_a_failure(
    tmp_path: Path, refused: dict[str, Any]
) -> None:
    run(tmp_path / "run")
    with pytest.raises(FolderTakenError):
        run(tmp_path / "run", **refused)
    fail(tmp_path / "run")
    run(tmp_path / "run")
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_a_run_is_refused_while_another_process_is_at_work_until_that_is_killed(
    tmp_path: Path,
) -> None:
    out = tmp_path / "run"
    with subprocess.Popen([sys.executable, __file__, "hold", out], stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"at work\n"
        for resume in (False, True):
            with pytest.raises(FolderTakenError, match="is being written by another run: wait"):
                run(out, resume=resume)
        other.kill()
    assert not out.exists()
    with pytest.raises(FolderTakenError, match=r"with 1 finished blocks: continue with --resume"):
        run(out)
    redone: list[str] = []
    with RunFolder(out, "mine", PARAMETERS, POINTS, resume=True):
        attempt = [sys.executable, __file__, "hold", str(out)]
        refused = subprocess.run(attempt, capture_output=True, text=True, check=False)
    assert refused.returncode == 1
    assert "FolderTakenError" in refused.stderr
    run(out, resume=True, say=redone.append)
    assert redone == []
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def hold(out: Path) -> None:
    with RunFolder(out, "mine", PARAMETERS, POINTS) as folder:
        folder.manifest.add(block(folder.store, BLOCKS[0]))
        print("at work", flush=True)
        time.sleep(60)


if __name__ == "__main__":
    {"kill": main, "hold": hold}[sys.argv[1]](Path(sys.argv[2]))
