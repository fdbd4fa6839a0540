"""A folder of files, on this machine or behind a URL: each is there as a whole or not at all."""

import os
import pickle
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import partial
from pathlib import Path

import pytest

from abm.runs.store import Store
from tests.files import read_files

AWKWARD = ["a b", "a#b", "a%20b", "a[1]", "ü", "a?b", "a*", "a{b}", ".hidden"]


@pytest.fixture(params=["local", "memory"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return str(tmp_path) if request.param == "local" else f"memory://{tmp_path}"


def opened(url: str) -> Store:
    store = Store(url)
    if store.local:
        Path(store.path()).mkdir()
    return store


@pytest.fixture
def store(folder: str) -> Store:
    return opened(f"{folder}/run")


@pytest.mark.parametrize("name", ["a", "blocks/0000-00000.parquet", *AWKWARD])
def test_what_was_written_is_read_back(store: Store, name: str) -> None:
    assert not store.holds(name)
    for content in (b"one", b"", bytes(range(256)) * 1000):
        store.write(name, content)
        assert store.holds(name)
        assert store.read(name) == content
        assert store.sizes() == {name: len(content)}


def test_a_file_may_be_written_and_read_bit_by_bit(store: Store) -> None:
    store.write("other", b"")
    with store.create("a") as file:
        file.write(b"one")
        file.write(b"two")
    with store.open("a") as file:
        assert file.read(4) == b"onet"
    assert store.read("a") == b"onetwo"


def test_a_file_that_is_written_bit_by_bit_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.write("a", b"earlier")
    with suppress(ZeroDivisionError), store.create("a") as file:
        file.write(bytes(1000))
        assert store.read("a") == b"earlier"
        raise ZeroDivisionError
    assert read_files(tmp_path) == {"a": b"earlier"}


def test_what_a_link_leads_to_is_not_written(tmp_path: Path) -> None:
    (tmp_path / "precious").write_bytes(b"precious")
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "a").symlink_to(tmp_path / "precious")
    Store(tmp_path / "run").write("a", b"other")
    assert read_files(tmp_path) == {"precious": b"precious", "run/a": b"other"}


def test_links_and_folders_below_a_folder_are_listed(tmp_path: Path) -> None:
    store = Store(tmp_path / "run")
    assert (store.list_strange(), store.list_folders(), store.gone) == ([], [], True)
    (tmp_path / "run" / "a" / "b").mkdir(parents=True)
    (tmp_path / "run" / "a" / "link").symlink_to("/nowhere")
    assert store.list_strange() == [str(tmp_path / "run" / "a" / "link")]
    assert (store.list_folders(), store.gone) == (["a/b", "a"], False)
    memory = Store(f"memory://{tmp_path}")
    memory.write("a/b", b"")
    assert (memory.list_strange(), memory.list_folders(), memory.gone) == ([], [], False)


def test_lines_are_added_to_a_file_whether_it_is_there_or_not(store: Store) -> None:
    store.write("other", b"")
    for number in range(3):
        store.append("log", f"line {number}")
    assert store.read("log") == b"line 0\nline 1\nline 2\n"


def test_sizes_are_of_every_file_in_folders_below_and_hidden_ones(store: Store) -> None:
    assert store.sizes() == {}
    files = {"a": b"1", "blocks/b": b"22", "blocks/.b.1": b"333", "c/.d": b"", ".f": b"55555"}
    for name, content in files.items():
        store.write(name, content)
    assert store.sizes() == {name: len(content) for name, content in files.items()}


def test_sizes_are_the_present_ones(store: Store) -> None:
    other = Store(store.url)
    for length in (1, 7, 3):
        other.write("a", bytes(length))
        assert store.sizes() == {"a": length}


def test_a_file_is_no_folder(folder: str) -> None:
    Store(folder).write("run", b"precious")
    assert Store(f"{folder}/run").is_file()
    assert not Store(folder).is_file()
    assert not Store(f"{folder}/nowhere").is_file()
    assert not Store(folder).holds("nowhere")


def test_a_file_is_removed_or_renamed_if_it_is_there(store: Store) -> None:
    for name in ("a", "b", "blocks/c"):
        store.write(name, name.encode())
    store.remove("a")
    store.remove("nowhere")
    store.rename("b", "d")
    assert set(store.sizes()) == {"d", "blocks/c"}
    assert store.read("d") == b"b"


def test_a_local_folder_that_was_removed_does_not_come_back(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Store(tmp_path / "run").write("blocks/a", b"x")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", AWKWARD)
def test_removing_spares_files_and_folders_that_its_name_would_match_as_a_pattern(
    folder: str, name: str
) -> None:
    others = ["a", "a1", "axb", "abc", "b"]
    for other in (name, *others):
        opened(f"{folder}/{other}").write("x", b"precious")
    doomed = Store(f"{folder}/{name}")
    for other in (name, *others):
        doomed.write(other, b"x")
    doomed.remove(name)
    assert set(doomed.sizes()) == {"x", *others}
    assert Store(folder).sizes().keys() >= {f"{other}/x" for other in others}


def test_a_store_finds_its_folder_from_wherever_it_is_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    store = opened("run")
    monkeypatch.chdir("/")
    pickle.loads(pickle.dumps(store)).write("a", b"x")
    assert (tmp_path / "run" / "a").read_bytes() == b"x"


def test_paths_are_local_and_other_urls_are_not(tmp_path: Path) -> None:
    for url in (tmp_path, str(tmp_path), f"file://{tmp_path}"):
        assert Store(url).local
        assert Store(url).path("a") == f"{tmp_path}/a"
    assert not Store("memory://study").local


@pytest.mark.parametrize("url", ["nowhere://study", "s3://bucket/study"])
def test_a_url_that_nothing_reads_is_refused(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "s3fs", None)
    with pytest.raises(ValueError, match=rf"{url} is not a folder .*: give a path, or a URL"):
        Store(url)


CHAINS = ["a::b", "my_runs::b2", "file::b2", "memory::b", "runs/a::b", "runs::x/y", "zip::b2"]


@pytest.mark.parametrize("url", CHAINS)
def test_a_chain_of_urls_that_would_be_written_elsewhere_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=rf"^{url} is not a folder that can be .*: give a path"):
        Store(url)


def test_a_chain_that_fsspec_knows_is_taken(tmp_path: Path) -> None:
    assert Store(f"dir::file://{tmp_path}").path() == str(tmp_path)


def full(*_: object) -> None:
    raise OSError(28, "No space left on device")


@contextmanager
def no_room() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (500, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@contextmanager
def refusing(module: object, name: str) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, name, full)
        yield


FAULTS = {
    "disk full": no_room,
    "fsync": partial(refusing, os, "fsync"),
    "rename": partial(refusing, Path, "replace"),
}


@pytest.mark.parametrize("earlier", [None, b"earlier"])
@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_write_that_fails_leaves_things_as_they_were(
    tmp_path: Path, earlier: bytes | None, fault: Callable[[], AbstractContextManager[None]]
) -> None:
    store = Store(tmp_path)
    store.write("blocks/other", b"x")
    if earlier is not None:
        store.write("blocks/a", earlier)
    before = read_files(tmp_path)
    with pytest.raises(OSError, match=r"File too large|No space left"), fault():
        store.write("blocks/a", bytes(1000))
    assert read_files(tmp_path) == before


def test_while_a_file_is_written_readers_see_the_earlier_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, seen = Store(tmp_path), []
    store.write("a", b"earlier")

    def look(descriptor: int) -> None:
        seen.append((store.read("a"), os.fstat(descriptor).st_size))

    monkeypatch.setattr(os, "fsync", look)
    store.write("a", bytes(1000))
    assert seen == [(b"earlier", 1000)]
    assert read_files(tmp_path) == {"a": bytes(1000)}


def test_what_a_killed_write_left_is_not_counted_and_swept_away(tmp_path: Path) -> None:
    store, script = Store(tmp_path), "import sys, os, signal; from abm.runs.store import Store;"
    for name in ("a", "blocks/a", ".a.1f", "blocks/.b"):
        store.write(name, b"x")
    before = read_files(tmp_path)
    script += "os.fsync = lambda _: os.kill(os.getpid(), signal.SIGKILL);"
    script += "Store(sys.argv[1]).write(sys.argv[2], bytes(1000))"
    for name in ("a", "blocks/a"):
        command = [sys.executable, "-c", script, str(tmp_path), name]
        assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    assert len(read_files(tmp_path)) == len(before) + 2
    assert store.sizes() == {"a": 1, "blocks/a": 1, ".a.1f": 1, "blocks/.b": 1}
    store.remove_partial_files()
    assert read_files(tmp_path) == before
