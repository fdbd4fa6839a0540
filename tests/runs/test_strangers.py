"""What is in or beside a folder and no run wrote: refused, and neither followed nor removed."""

import json
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from shutil import rmtree
from typing import Any

import numpy as np
import pandas as pd
import pytest

from abm.runs.errors import DamageWarning, FolderTakenError
from abm.runs.folder import RunFolder
from abm.runs.integrity import Stamp
from abm.runs.manifest import Finished, block_file
from abm.runs.parquet import make_table, pack_tables
from abm.runs.schema import MANIFEST_FILE, REPLICATION, RUN_FILE, UNFINISHED_FILE
from abm.runs.store import Store
from analysis.load import LogError, load
from tests.files import read_files

POINTS = [{"makers": "optimal"}]
BLOCKS = ["0000-00000", "0000-00001"]
NUMBERS = pd.DataFrame({"replication": [0, 1]})


def block(folder: RunFolder, name: str) -> Finished:
    rows = make_table({"replication": np.arange(5) + int(name[-1])}, (REPLICATION,))
    content = pack_tables({"totals": rows}, {"block_task": name})
    folder.store.write(block_file(name), content)
    return Finished(name, Stamp.of(content, ["totals"]), 0.0)


def run(out: Path, *, stop: bool = False, **how: Any) -> None:
    with suppress(KeyboardInterrupt), RunFolder(out, "mine", {"seed": 1}, POINTS, **how) as folder:
        for name in BLOCKS:
            if not folder.finished and name not in folder.manifest.finished:
                folder.manifest.add(block(folder, name))
        if stop:
            raise KeyboardInterrupt
        if not folder.finished:
            folder.write("numbers", NUMBERS, (REPLICATION,))


@pytest.fixture
def victim(tmp_path: Path) -> Path:
    folder = tmp_path / "victim"
    folder.mkdir()
    (folder / "precious.parquet").write_bytes(b"a thesis")
    return folder


@pytest.fixture
def out(tmp_path: Path) -> Path:
    (tmp_path / "place").mkdir()
    return tmp_path / "place" / "run"


@pytest.mark.parametrize("name", ["../../victim/precious", "precious", "..", "", 3, None])
@pytest.mark.filterwarnings("ignore::abm.runs.errors.DamageWarning")
def test_a_manifest_that_names_files_elsewhere_reaches_none_of_them(
    out: Path, victim: Path, name: object
) -> None:
    run(out)
    whole = read_files(out)
    line = {"block": name, "stamp": [1, "0" * 64, []], "seconds": 0}
    with (out / MANIFEST_FILE).open("a") as file:
        file.write(json.dumps(line) + "\n")
    (out / block_file(BLOCKS[1])).unlink()
    with pytest.warns(DamageWarning, match=r"line 3 of .*manifest\.jsonl is not what a run writes"):
        run(out, resume=True)
    assert read_files(out) == whole
    assert read_files(victim) == {"precious.parquet": b"a thesis"}


@pytest.mark.parametrize("stopped", [False, True])
@pytest.mark.parametrize("file", [MANIFEST_FILE, block_file(BLOCKS[0]), "numbers.parquet"])
def test_a_link_in_a_folder_is_refused_before_anything_is_written(
    out: Path, victim: Path, file: str, stopped: bool
) -> None:
    run(out, stop=stopped)
    folder = out.with_name(".run.partial") if stopped else out
    (folder / file).unlink(missing_ok=True)
    (folder / file).symlink_to(victim / "precious.parquet")
    before = read_files(out.parent)
    for how in ({}, {"resume": True}):
        with pytest.raises(FolderTakenError, match=rf"{file} is a link, and what it leads to is"):
            run(out, **how)
    assert read_files(out.parent) == before
    assert read_files(victim) == {"precious.parquet": b"a thesis"}


@pytest.mark.parametrize("what", ["partial", "replaced", "lock"])
def test_a_link_beside_a_folder_is_refused(out: Path, victim: Path, what: str) -> None:
    run(out)
    out.with_name(f".run.{what}").symlink_to(victim)
    with pytest.raises(FolderTakenError, match=rf"\.run\.{what} is a link, so that no run wrote"):
        run(out)
    assert read_files(victim) == {"precious.parquet": b"a thesis"}


def test_a_lock_that_no_run_wrote_is_not_emptied(out: Path) -> None:
    out.with_name(".run.lock").write_bytes(b"a thesis")
    with pytest.raises(FolderTakenError, match=r"\.run\.lock is not empty, so that no run wrote"):
        run(out)
    assert out.with_name(".run.lock").read_bytes() == b"a thesis"


FOREIGN = [
    "report.html",
    "manifest.jsonl",
    "thesis.tex",
    "photo.png",
    "sub/0000-00000.parquet",
    "blocks/notes.txt",
    "sub/",
]


@pytest.mark.parametrize("name", FOREIGN)
@pytest.mark.parametrize("what", ["partial", "replaced"])
def test_a_hidden_folder_that_no_run_made_is_refused_and_left_alone(
    out: Path, what: str, name: str
) -> None:
    foreign = out.with_name(f".run.{what}") / name
    (foreign if name.endswith("/") else foreign.parent).mkdir(parents=True)
    if not name.endswith("/"):
        foreign.write_bytes(b"a thesis")
    for how in ({}, {"resume": True}):
        with pytest.raises(FolderTakenError, match=rf"\.{what} holds .*{name}.*, which no run wro"):
            run(out, **how)
    assert foreign.exists()


@pytest.mark.parametrize("what", ["partial", "replaced"])
def test_files_that_another_program_s_run_json_lists_are_left_alone(out: Path, what: str) -> None:
    hidden = out.with_name(f".run.{what}")
    hidden.mkdir()
    (hidden / RUN_FILE).write_text(json.dumps({"files": ["thesis.tex"]}))
    (hidden / "thesis.tex").write_bytes(b"a thesis")
    with pytest.raises(FolderTakenError, match="holds files, but no run's run"):
        run(out)
    assert set(read_files(out.parent)) == {f".run.{what}/{RUN_FILE}", f".run.{what}/thesis.tex"}


@pytest.mark.parametrize("name", [f".thesis.{'0c' * 16}", f"blocks/.thesis.{'0c' * 16}"])
@pytest.mark.parametrize("stopped", [False, True])
def test_a_file_that_is_named_as_other_programs_name_theirs_is_left_alone(
    out: Path, name: str, stopped: bool
) -> None:
    run(out, stop=stopped)
    foreign = (out.with_name(".run.partial") if stopped else out) / name
    foreign.write_bytes(b"a thesis")
    for how in ({}, {"resume": True}):
        with pytest.raises(FolderTakenError, match=r"holds .*\.thesis\.0c.*, which no run wrote"):
            run(out, **how)
    assert foreign.read_bytes() == b"a thesis"


@pytest.mark.parametrize("name", ["figures", "run.json", "blocks/figures"])
def test_a_folder_with_empty_ones_in_it_is_refused_before_the_work(out: Path, name: str) -> None:
    (out / name).mkdir(parents=True)
    with pytest.raises(FolderTakenError, match=rf"holds {name}/, which no run wrote there"):
        run(out)
    assert [path.name for path in out.parent.iterdir()] == ["run"]
    assert (out / name).is_dir()


def test_an_unfinished_run_that_was_given_the_name_of_a_whole_one_is_not_lost(out: Path) -> None:
    run(out, stop=True)
    hidden = out.with_name(".run.partial")
    hidden.rename(out)
    before = read_files(out)
    for how in ({}, {"resume": True}):
        with pytest.raises(FolderTakenError, match=rf"whose place is {hidden}: rename it so and c"):
            run(out, **how)
    assert read_files(out) == before
    out.rename(hidden)
    run(out, resume=True)
    assert set(before) - {UNFINISHED_FILE} < set(read_files(out))


def test_a_pipe_in_the_place_of_a_file_is_not_waited_for(out: Path) -> None:
    run(out)
    (out / RUN_FILE).unlink()
    os.mkfifo(out / RUN_FILE)
    with pytest.raises(FolderTakenError, match=r"run\.json is a pipe, no part of a run: put the f"):
        run(out, resume=True)
    with pytest.raises(LogError, match=r"holds no run\.json, so no whole run"):
        load(out)


@pytest.mark.parametrize("name", ["../../victim/precious", "sub/numbers", ".hidden"])
def test_a_table_of_a_name_that_no_file_of_a_run_has_is_not_written(
    out: Path, victim: Path, name: str
) -> None:
    with (
        pytest.raises(ValueError, match="is no file of a run: a name has neither a path nor a dot"),
        RunFolder(out, "mine", {"seed": 1}, POINTS) as folder,
    ):
        folder.write(name, NUMBERS, (REPLICATION,))
    assert read_files(victim) == {"precious.parquet": b"a thesis"}


def test_another_name_of_a_manifest_is_not_written_to(out: Path, tmp_path: Path) -> None:
    run(out, stop=True)
    manifest = out.with_name(".run.partial") / MANIFEST_FILE
    (out.with_name(".run.partial") / block_file(BLOCKS[0])).unlink()
    (tmp_path / "backup").hardlink_to(manifest)
    before = manifest.read_bytes()
    with pytest.warns(DamageWarning, match="is missing: its block is made again"):
        run(out, resume=True)
    assert (tmp_path / "backup").read_bytes() == before


def run_without(lost: str, out: Path) -> None:
    """Remove something of a run before it draws its figures."""
    with RunFolder(out, "mine", {"seed": 1}, POINTS) as folder:
        for name in BLOCKS:
            folder.manifest.add(block(folder, name))
        path = Path(folder.store.path(lost))
        rmtree(path) if path.is_dir() else path.unlink()
        with folder.explain_errors():
            folder.store.write("figure.png", b"a picture")


@pytest.mark.parametrize("lost", ["", "blocks", block_file(BLOCKS[0])])
def test_what_is_removed_while_a_run_writes_leaves_no_hollow_run(out: Path, lost: str) -> None:
    run(out)
    whole = read_files(out)
    with pytest.raises(OSError, match=r"is gone: it was removed"):
        run_without(lost, out)
    assert read_files(out) == whole


def test_a_run_that_is_whole_says_so_though_the_earlier_one_cannot_be_removed(
    out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(out)
    remove = Store.remove

    def refuse(store: Store, name: str) -> None:
        if ".replaced" in store.path():
            raise PermissionError(1, "Operation not permitted")
        remove(store, name)

    monkeypatch.setattr(Store, "remove", refuse)
    with pytest.warns(DamageWarning, match=r"the run is whole, but the earlier one in whose place"):
        run(out)
    assert RUN_FILE in read_files(out)


@pytest.mark.parametrize("how", [{}, {"resume": True}], ids=str)
def test_another_file_in_an_unfinished_run_is_refused(out: Path, how: dict[str, bool]) -> None:
    run(out, stop=True)
    foreign = out.with_name(".run.partial") / "thesis.tex"
    foreign.write_bytes(b"a thesis")
    with pytest.raises(FolderTakenError, match=r"holds thesis\.tex, which no run wrote there"):
        run(out, **how)
    assert foreign.read_bytes() == b"a thesis"


def test_blocks_that_were_noted_are_not_removed_where_the_description_is_lost(out: Path) -> None:
    run(out, stop=True)
    (out.with_name(".run.partial") / UNFINISHED_FILE).unlink()
    with pytest.raises(FolderTakenError, match=r"holds manifest\.jsonl, which no run wrote"):
        run(out, resume=True)


def test_a_file_that_is_put_into_a_run_while_the_same_is_made_anew_is_not_lost(out: Path) -> None:
    run(out)
    folder = RunFolder(out, "mine", {"seed": 1}, POINTS).__enter__()
    folder.write("numbers", NUMBERS, (REPLICATION,))
    (out / "thesis.tex").write_bytes(b"a thesis")
    with pytest.raises(FolderTakenError, match=r"holds thesis\.tex, which no run wrote there"):
        folder.__exit__(None, None, None)
    assert (out / "thesis.tex").read_bytes() == b"a thesis"
    (out / "thesis.tex").unlink()
    run(out, resume=True)
    assert [path.name for path in out.parent.iterdir()] == ["run"]


def test_a_block_beyond_the_points_is_refused(out: Path) -> None:
    run(out, stop=True)
    with suppress(KeyboardInterrupt), RunFolder(out, "mine", {"seed": 1}, POINTS, resume=True) as f:
        block(f, "0001-00000")
        raise KeyboardInterrupt
    with pytest.raises(FolderTakenError, match="holds the block 0001-00000, but the run has 1 po"):
        run(out, resume=True)


def cut_line(lines: list[bytes]) -> list[bytes]:
    return [lines[0][:50] + b"\n", *lines[1:]]


def put_nul(lines: list[bytes]) -> list[bytes]:
    return [lines[0][:50] + b"\x00" + lines[0][50:], *lines[1:]]


def nest(lines: list[bytes]) -> list[bytes]:
    return [b"[" * 100_000 + b"\n", *lines[1:]]


def stop_and_edit(out: Path, edit: Callable[[list[bytes]], list[bytes]]) -> Path:
    """Stop a run, edit the lines of its manifest, and return where that is."""
    run(out, stop=True)
    manifest = out.with_name(f".{out.name}.partial") / MANIFEST_FILE
    manifest.write_bytes(b"".join(edit(manifest.read_bytes().splitlines(keepends=True))))
    return manifest


@pytest.mark.parametrize("edit", [cut_line, put_nul, nest])
def test_a_line_that_no_run_wrote_is_left_out_once_and_said_to_be(
    out: Path, edit: Callable[[list[bytes]], list[bytes]]
) -> None:
    run(out)
    whole = read_files(out)
    manifest = stop_and_edit(out.with_name("other"), edit)
    with pytest.warns(DamageWarning) as warned:
        run(out.with_name("other"), resume=True, stop=True)
    (said,) = (str(warning.message) for warning in warned)
    assert said == f"line 1 of {manifest} is not what a run writes: it is left out"
    run(out.with_name("other"), resume=True)
    assert read_files(out.with_name("other")) == whole


@pytest.mark.parametrize("edit", [lambda lines: lines[::-1], lambda lines: lines * 2])
def test_lines_in_another_order_or_repeated_change_nothing(
    out: Path, edit: Callable[[list[bytes]], list[bytes]]
) -> None:
    run(out)
    whole = read_files(out)
    stop_and_edit(out.with_name("other"), edit)
    run(out.with_name("other"), resume=True)
    assert read_files(out.with_name("other")) == whole


FAULTS: list[tuple[dict[str, Any], str]] = [
    ({"files": []}, r"files is \[\], but must be a dict of stamps"),
    ({"files": {"../secret.png": 3}}, r"'../secret\.png' is no file of a run: a name has neither"),
    ({"files": {"run.json": 3}}, r"'run\.json' is no file of a run"),
    ({"files": {"a.png": [1, 2]}}, r"a\.png has the stamp \[1, 2\], but must have size, sha256, t"),
    ({"files": {"a.png": {"size": True, "sha256": "0" * 64, "tables": []}}}, "a number of bytes"),
    ({"files": {"a.png": {"size": 1, "sha256": "x", "tables": []}}}, "64 hexadecimal digits"),
    ({"files": {"a.png": {"size": 1, "sha256": "0" * 64, "tables": ["a"]}}}, "a block's tables"),
    ({"files": {"blocks/0001-00000.parquet": {}}}, "is of a point beyond the 1 points"),
    ({"points": None}, "points is None, but must be a list of dicts with the same names"),
    ({"points": [{"a": 1}, {"b": 1}]}, "points is .*, but must be a list of dicts with the same"),
    ({"parameters": None}, "parameters is None, but must be a dict"),
    ({"versions": ["numpy"]}, r"versions is \['numpy'\], but must be a dict of text"),
    ({"code": {"a": 1}}, r"code is \{'a': 1\}, but must be a dict of text"),
    ({"views": []}, r"views is \[\], but must be a dict of tables, each a dict of blocks"),
    ({"views": {"a": {"0000-00000": {}}}}, "the view a is of 0000-00000, which lacks it"),
    ({"scenario": 3}, "scenario is 3, but must be text"),
    ({"host": "here"}, "host is unknown"),
]


@pytest.mark.parametrize(("changed", "fault"), FAULTS)
def test_an_edited_description_is_an_error_that_says_what_is_wrong(
    out: Path, changed: dict[str, Any], fault: str
) -> None:
    run(out)
    file = out / RUN_FILE
    file.write_text(json.dumps(json.loads(file.read_text()) | changed))
    before = read_files(out)
    with pytest.raises(
        FolderTakenError, match=rf"not what a run writes \(.*{fault}.*\): choose an"
    ):
        run(out, resume=True)
    assert read_files(out) == before


def test_what_an_edited_description_says_is_told_in_one_line(out: Path) -> None:
    run(out)
    file = out / RUN_FILE
    file.write_text(json.dumps(json.loads(file.read_text()) | {"code": {"a\nb": "\x1b[2J"}}))
    with pytest.raises(FolderTakenError, match=r"\('a\\nb' is '\\x1b\[2J' there, absent here\)"):
        run(out, resume=True)


@pytest.mark.parametrize("text", ["[" * 100_000, "[" * 30 + "]" * 30, '{"format": "\\ud800"}'])
def test_a_description_that_is_nested_deeply_or_no_text_is_no_description(
    out: Path, text: str
) -> None:
    run(out)
    (out / RUN_FILE).write_text(text)
    with pytest.raises(FolderTakenError, match=r"holds files, but no run's run\.json: choose"):
        run(out, resume=True)


def test_a_description_that_could_not_be_read_is_not_written(out: Path) -> None:
    points: list[dict[str, Any]] = [{"makers": "optimal"}, {"prior_sd": 1.0}]
    with pytest.raises(ValueError, match="but must be a list of dicts with the same"):
        RunFolder(out, "mine", {}, points)


def test_a_file_whose_name_no_run_could_read_is_an_error(out: Path) -> None:
    with (
        pytest.raises(
            ValueError, match=r"'\.notes' is no file of a run: a name has neither .*give"
        ),
        RunFolder(out, "mine", {}) as folder,
    ):
        folder.store.write(".notes", b"a note")


def test_verify_finds_a_byte_of_the_description_that_was_changed(out: Path) -> None:
    run(out)
    whole = read_files(out)
    (out / RUN_FILE).write_bytes(whole[RUN_FILE].replace(b'"command": ""', b'"command": "rm"'))
    run(out, resume=True)
    with pytest.warns(
        DamageWarning, match=r"run\.json has other bytes than the run wrote: it is m"
    ):
        run(out, resume=True, verify=True)
    assert read_files(out) == whole


def test_a_folder_that_is_removed_while_a_run_writes_is_said_to_be_gone(out: Path) -> None:
    says = (
        r"\.run\.partial is gone: it was removed or renamed while the run wrote there\. 1 blocks "
        r"were finished, and are gone: put it back and continue with --resume, or begin anew$"
    )
    folder = RunFolder(out, "mine", {"seed": 1}, POINTS).__enter__()
    folder.manifest.add(block(folder, BLOCKS[0]))
    out.with_name(".run.partial").rename(out.with_name("elsewhere"))
    with pytest.raises(OSError, match=says), folder.explain_errors():
        folder.manifest.add(block(folder, BLOCKS[1]))
    folder.__exit__(OSError, OSError(), None)
    assert [path.name for path in out.parent.iterdir()] == ["elsewhere"]


@pytest.fixture
def _read_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no lock be made, as on a disk that is mounted to be read."""

    def refuse(*_: object, **__: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(Path, "touch", refuse)


@pytest.mark.parametrize("verify", [False, True])
def test_a_finished_run_in_a_folder_that_cannot_be_written_is_verified(
    out: Path, verify: bool, request: pytest.FixtureRequest
) -> None:
    run(out)
    request.getfixturevalue("_read_only")
    with RunFolder(out, "mine", {"seed": 1}, POINTS, resume=True, verify=verify) as folder:
        assert folder.finished
    assert [path.name for path in out.parent.iterdir()] == ["run"]


@pytest.mark.parametrize("damaged", [False, True])
def test_a_run_that_would_be_made_again_where_nothing_can_be_written_is_an_error(
    out: Path, damaged: bool, request: pytest.FixtureRequest
) -> None:
    run(out)
    if damaged:
        (out / "numbers.parquet").write_bytes(b"")
    before = read_files(out.parent)
    request.getfixturevalue("_read_only")
    with pytest.raises(OSError, match=r"run cannot be written \(Read-only file system\): give --o"):
        run(out, resume=damaged)
    assert read_files(out.parent) == before
