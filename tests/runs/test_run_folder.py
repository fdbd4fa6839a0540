"""A run's folder: whole or not there, replaced only by the same run, the same bytes every time."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pyarrow import parquet

from abm import Exchange
from abm.runs.description import LIBRARIES
from abm.runs.errors import DamageWarning, FolderTakenError
from abm.runs.folder import RunFolder
from abm.runs.integrity import Stamp
from abm.runs.manifest import Failed, Finished, block_file
from abm.runs.parquet import make_table, pack_tables
from abm.runs.schema import (
    EXCHANGE,
    FORMAT,
    MAKERS,
    MANIFEST_FILE,
    MARKET,
    REPLICATION,
    REPORT_FILE,
    RUN_FILE,
    SUMMARY,
    UNFINISHED_FILE,
    Column,
)
from tests.files import read_files

PARAMETERS = {"seed": 1, "discount": 0.9}
TABLES = {"market": MARKET, "makers": MAKERS, "summary": SUMMARY}
NUMBERS = pd.DataFrame({"replication": [0, 1]})
BLOCKS = ["0000-00000", "0000-00001", "0001-00000"]
POINTS = [{"makers": "optimal"}, {"makers": "myopic"}]

KILLED = """
import sys, time
import pandas as pd
from abm.runs.folder import RunFolder
from abm.runs.schema import REPLICATION

fresh, earlier = sys.argv[1:]
parameters = {"seed": 1, "discount": 0.9}
with RunFolder(fresh, "mine", parameters) as one, RunFolder(earlier, "mine", parameters) as two:
    for folder in (one, two):
        folder.write("numbers", pd.DataFrame({"replication": [5]}), (REPLICATION,))
    print("writing", flush=True)
    time.sleep(60)
"""


def study(out: Path, seed: int = 1, exchanges: tuple[str, ...] = ("alone",)) -> Path:
    with RunFolder(out, "mine", PARAMETERS | {"seed": seed}) as folder:
        for exchange in exchanges:
            tape = Exchange("zero-profit", replications=20, rng=seed).run(5).tape
            for table, columns in TABLES.items():
                frame = getattr(tape, table).assign(exchange=exchange)
                folder.write(table, frame, (EXCHANGE, *columns))
    return out


def small_run(out: Path, scenario: str = "mine", **changed: Any) -> Path:
    with RunFolder(out, scenario, PARAMETERS | changed) as folder:
        folder.write("numbers", NUMBERS, (REPLICATION,))
    return out


def block(folder: RunFolder, name: str) -> Finished:
    content = pack_tables({"totals": make_table(NUMBERS, (REPLICATION,))}, {"block_task": name})
    folder.store.write(block_file(name), content)
    return Finished(name, Stamp.of(content, ["totals"]), 0.0)


def experiment(
    out: Path,
    *,
    order: list[str] = BLOCKS,
    note: bytes = b"note",
    resume: bool = False,
    verify: bool = False,
) -> list[str]:
    """Leave blocks, a table and a note; return the blocks that were lacking."""
    with RunFolder(out, "mine", PARAMETERS, POINTS, resume=resume, verify=verify) as folder:
        if folder.finished:
            return []
        lacking = [name for name in order if name not in folder.manifest.finished]
        for name in lacking:
            folder.manifest.add(block(folder, name))
        folder.write("numbers", NUMBERS, (REPLICATION,))
        folder.store.write("note.txt", note)
    return lacking


def stopped_experiment(out: Path) -> None:
    with (
        suppress(KeyboardInterrupt),
        RunFolder(out, "mine", PARAMETERS, POINTS) as folder,
    ):
        folder.manifest.add(block(folder, BLOCKS[0]))
        raise KeyboardInterrupt


def stopped_run(out: Path, error: type[BaseException]) -> None:
    with RunFolder(out, "mine", PARAMETERS) as folder:
        folder.write("numbers", NUMBERS.head(1), (REPLICATION,))
        raise error


def described(folder: Path) -> dict[str, Any]:
    run: dict[str, Any] = json.loads((folder / RUN_FILE).read_text())
    return run


def test_a_finished_run_holds_its_tables_and_their_description(tmp_path: Path) -> None:
    out = study(tmp_path / "run")
    run, files = described(out), read_files(out)
    del files[RUN_FILE]
    assert set(files) == {f"{table}.parquet" for table in TABLES}
    assert run.pop("files") == {name: Stamp.of(file)._asdict() for name, file in files.items()}
    versions = run.pop("versions")
    assert set(versions) == {"python", *LIBRARIES}
    assert versions["numpy"] == np.__version__
    assert run == {
        "format": FORMAT,
        "scenario": "mine",
        "parameters": PARAMETERS,
        "points": [],
        "command": "",
        "code": {},
        "views": {},
    }


def test_a_finished_experiment_describes_its_points_command_and_blocks(tmp_path: Path) -> None:
    out = tmp_path / "run"
    with RunFolder(out, "mine", PARAMETERS, POINTS, command="market-shock run mine") as folder:
        outcome = block(folder, BLOCKS[1])
        folder.manifest.add(outcome)
    run = described(out)
    assert run["points"] == POINTS
    assert run["command"] == "market-shock run mine"
    assert run["files"] == {block_file(BLOCKS[1]): outcome.stamp._asdict()}
    assert outcome.stamp.tables == ["totals"]


def test_a_finished_run_leaves_nothing_beside_it(tmp_path: Path) -> None:
    study(tmp_path / "run")
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_files_that_are_not_tables_are_described_too(tmp_path: Path) -> None:
    with RunFolder(tmp_path / "run", "mine", PARAMETERS) as folder:
        folder.store.write("figure.png", b"four")
    files = described(tmp_path / "run")["files"]
    assert files == {"figure.png": Stamp.of(b"four")._asdict()}


def test_missing_parent_folders_are_made(tmp_path: Path) -> None:
    assert (small_run(tmp_path / "a" / "b" / "run") / RUN_FILE).exists()


@pytest.mark.parametrize("table", TABLES)
def test_columns_are_those_of_the_schema(tmp_path: Path, table: str) -> None:
    out = study(tmp_path / "run")
    columns: tuple[Column, ...] = (EXCHANGE, *TABLES[table])
    frame = pd.read_parquet(out / f"{table}.parquet")
    assert list(frame.dtypes.astype(str).items()) == [(one.name, one.dtype) for one in columns]


@pytest.mark.parametrize("table", TABLES)
def test_every_column_carries_its_unit_and_meaning(tmp_path: Path, table: str) -> None:
    schema = parquet.read_schema(study(tmp_path / "run") / f"{table}.parquet")
    for column in (EXCHANGE, *TABLES[table]):
        carried = schema.field(column.name).metadata
        assert carried[b"unit"].decode() == column.unit
        assert carried[b"meaning"].decode() == column.meaning


def test_several_writes_append_and_unite_the_categories(tmp_path: Path) -> None:
    out = study(tmp_path / "run", exchanges=("first", "second", "third"))
    market = pd.read_parquet(out / "market.parquet")
    assert market["exchange"].dtype == "category"
    assert market["exchange"].value_counts().to_dict() == dict.fromkeys(
        ["first", "second", "third"], 100
    )


def test_rows_keep_the_order_they_were_written_in(tmp_path: Path) -> None:
    with RunFolder(tmp_path / "run", "mine", PARAMETERS) as folder:
        for start in (7, 3):
            frame = pd.DataFrame({"replication": [start, start + 1]})
            folder.write("numbers", frame, (REPLICATION,))
    numbers = pd.read_parquet(tmp_path / "run" / "numbers.parquet")
    assert numbers["replication"].tolist() == [7, 8, 3, 4]


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    assert read_files(study(tmp_path / "one")) == read_files(study(tmp_path / "two"))


@pytest.mark.parametrize("table", TABLES)
def test_another_seed_gives_other_tables(tmp_path: Path, table: str) -> None:
    one, two = study(tmp_path / "one", seed=1), study(tmp_path / "two", seed=2)
    file = f"{table}.parquet"
    assert (one / file).read_bytes() != (two / file).read_bytes()


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_a_run_that_stops_leaves_nothing(tmp_path: Path, error: type[BaseException]) -> None:
    with pytest.raises(error):
        stopped_run(tmp_path / "run", error)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_a_run_that_stops_leaves_an_earlier_one_as_it_was(
    tmp_path: Path, error: type[BaseException]
) -> None:
    before = read_files(small_run(tmp_path / "run"))
    with pytest.raises(error):
        stopped_run(tmp_path / "run", error)
    assert read_files(tmp_path / "run") == before
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_a_killed_run_leaves_no_folder_of_its_name_and_an_earlier_one_whole(
    tmp_path: Path,
) -> None:
    before = read_files(small_run(tmp_path / "earlier"))
    outs = (str(tmp_path / name) for name in ("fresh", "earlier"))
    command = [sys.executable, "-c", KILLED, *outs]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "writing\n"
        process.kill()
    assert process.returncode != 0
    assert not (tmp_path / "fresh").exists()
    assert read_files(tmp_path / "earlier") == before
    left = {path.name for path in tmp_path.iterdir()}
    hidden = {f".{name}.{what}" for name in ("fresh", "earlier") for what in ("partial", "lock")}
    assert left == {"earlier", *hidden}
    for name in ("fresh", "earlier"):
        assert read_files(small_run(tmp_path / name)) == before
    assert {path.name for path in tmp_path.iterdir()} == {"fresh", "earlier"}


def test_the_same_run_replaces_an_earlier_one(tmp_path: Path) -> None:
    out = tmp_path / "run"
    with RunFolder(out, "mine", PARAMETERS) as folder:
        folder.write("old", NUMBERS, (REPLICATION,))
    small_run(out)
    assert set(read_files(out)) == {"numbers.parquet", RUN_FILE}
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_an_empty_folder_may_be_used(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    assert set(read_files(small_run(tmp_path / "run"))) == {"numbers.parquet", RUN_FILE}


@pytest.mark.parametrize(
    ("changed", "difference"),
    [
        ({"seed": 2}, "seed is 1 there, 2 here"),
        ({"seed": 2, "discount": 0.5}, "seed is 1 there, 2 here; discount is 0.9 there, 0.5 here"),
        ({"periods": 7}, "periods is absent there, 7 here"),
        ({"scenario": "other"}, "scenario is mine there, other here"),
    ],
)
def test_another_run_is_refused_and_the_difference_named(
    tmp_path: Path, changed: dict[str, Any], difference: str
) -> None:
    before = read_files(small_run(tmp_path / "run"))
    with pytest.raises(FolderTakenError) as refusal:
        small_run(tmp_path / "run", **changed)
    assert f"holds another run ({difference}): choose another folder" in str(refusal.value)
    assert read_files(tmp_path / "run") == before


NAMED = f'{{"format": {FORMAT}, "scenario": "mine", "parameters": '
DESCRIPTIONS = [
    "{",
    "[]",
    "{}",
    '{"scenario": "mine", "files": 3}',
    NAMED + "[]}",
    NAMED + '{"seed": 1, "discount": 0.9}, "files": 3}',
]


@pytest.mark.parametrize("resume", [False, True])
@pytest.mark.parametrize("text", [None, *DESCRIPTIONS])
def test_files_that_no_run_wrote_are_refused(
    tmp_path: Path, text: str | None, resume: bool
) -> None:
    (tmp_path / "thesis.tex").write_text("precious")
    if text is not None:
        (tmp_path / RUN_FILE).write_text(text)
    before = read_files(tmp_path)
    says = (
        r"holds files, but no run's run\.json: choose|run\.json is not what a run writes \(.*: cho"
    )
    with pytest.raises(FolderTakenError, match=says):
        RunFolder(tmp_path, "mine", PARAMETERS, resume=resume).__enter__()
    assert read_files(tmp_path) == before


@pytest.mark.parametrize("resume", [False, True])
@pytest.mark.parametrize(
    "foreign", [["notes.txt", "more.txt"], [".notes.swp"], ["blocks/notes.txt"], ["a/b/c"]], ids=str
)
def test_a_run_with_foreign_files_beside_it_is_not_replaced(
    tmp_path: Path, foreign: list[str], resume: bool
) -> None:
    out = tmp_path / "run"
    experiment(out)
    for name in foreign:
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        (out / name).write_text("precious")
    before = read_files(out)
    named = re.escape(", ".join(sorted(foreign)))
    with pytest.raises(FolderTakenError, match=rf"holds {named}, which no run .* move it away"):
        experiment(out, resume=resume)
    assert read_files(out) == before


def test_a_report_that_was_made_later_is_no_foreign_file(tmp_path: Path) -> None:
    out = small_run(tmp_path / "run")
    (out / REPORT_FILE).write_text("<html>")
    assert set(read_files(small_run(out))) == {"numbers.parquet", RUN_FILE}


def test_a_file_in_the_folders_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("precious")
    with pytest.raises(FolderTakenError, match="is a file, but must be a folder: choose another"):
        small_run(tmp_path / "run")
    assert (tmp_path / "run").read_text() == "precious"


def test_a_folder_that_cannot_be_written_is_an_error_before_anything_is_simulated(
    tmp_path: Path,
) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OSError, match=r"file.run cannot be written .*: give --out a folder"):
        RunFolder(tmp_path / "file" / "run", "mine", PARAMETERS).__enter__()


@pytest.mark.parametrize(
    ("parameters", "points"),
    [({"input": Path("here")}, []), ({}, [{"makers": "optimal", "input": Path("here")}])],
    ids=["parameter", "point"],
)
def test_what_json_cannot_hold_is_an_error_before_anything_is_simulated(
    tmp_path: Path, parameters: dict[str, Any], points: list[dict[str, Any]]
) -> None:
    with pytest.raises(TypeError, match=r"must fit into run\.json .*PosixPath.*: give numbers"):
        RunFolder(tmp_path / "run", "mine", parameters, points).__enter__()
    assert list(tmp_path.iterdir()) == []


def test_a_run_killed_between_the_two_renames_is_put_back(tmp_path: Path) -> None:
    out = small_run(tmp_path / "run")
    before = read_files(out)
    out.rename(tmp_path / ".run.replaced")
    with pytest.raises(FolderTakenError, match="seed is 1 there, 2 here"):
        small_run(out, seed=2)
    assert read_files(out) == before


def test_a_run_killed_between_the_two_renames_can_be_repeated(tmp_path: Path) -> None:
    out = small_run(tmp_path / "run")
    before = read_files(out)
    out.rename(tmp_path / ".run.replaced")
    assert read_files(small_run(out)) == before
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_a_run_killed_before_the_replaced_one_was_removed_can_be_repeated(tmp_path: Path) -> None:
    out = small_run(tmp_path / "run")
    small_run(tmp_path / "other").rename(tmp_path / ".run.replaced")
    before = read_files(out)
    assert read_files(small_run(out)) == before
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_a_link_to_a_folder_can_be_written_again_and_again(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    link = tmp_path / "run"
    link.symlink_to(tmp_path / "elsewhere")
    for _ in range(3):
        assert set(read_files(small_run(link))) == {"numbers.parquet", RUN_FILE}
    assert {path.name for path in tmp_path.iterdir()} == {"run", "elsewhere"}


@pytest.mark.parametrize("number", [[0.1, 2, 3.0], (0.1, 2), 0.1 + 0.2, 1e-300, 2**63, 1.0, None])
def test_parameters_are_the_same_after_json(tmp_path: Path, number: Any) -> None:
    small_run(tmp_path / "run", number=number)
    small_run(tmp_path / "run", number=number)
    with pytest.raises(FolderTakenError, match=r"number is .* there, 7 here"):
        small_run(tmp_path / "run", number=7)


def test_points_are_the_same_after_json(tmp_path: Path) -> None:
    shocks: list[Any] = [(1.0, 2), [1.0, 2], (1.0, 2)]
    for shock in shocks:
        with RunFolder(tmp_path / "run", "mine", PARAMETERS, [{"shock": shock}]) as folder:
            folder.store.write("note.txt", b"note")
    with pytest.raises(FolderTakenError, match=r"point.* is .* there, .* here"):
        RunFolder(tmp_path / "run", "mine", PARAMETERS, [{"shock": [1.0, 3]}]).__enter__()


def test_a_run_of_blocks_that_stops_keeps_them_and_is_not_begun_anew(tmp_path: Path) -> None:
    out = tmp_path / "run"
    stopped_experiment(out)
    assert not out.exists()
    before = read_files(tmp_path)
    with pytest.raises(FolderTakenError, match=r"unfinished, with 1 finished blocks: .* --resume"):
        experiment(out)
    assert read_files(tmp_path) == before
    with pytest.raises(FolderTakenError, match=r"another run \(seed is 1 there, 2 here\)"):
        RunFolder(out, "mine", PARAMETERS | {"seed": 2}, POINTS, resume=True).__enter__()
    assert read_files(tmp_path) == before
    assert experiment(out, resume=True) == BLOCKS[1:]
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_a_resumed_run_ends_with_the_bytes_of_one_that_was_not_interrupted(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    assert experiment(one) == BLOCKS
    stopped_experiment(other)
    experiment(other, order=BLOCKS[::-1], resume=True)
    assert read_files(one) == read_files(other)


def test_resuming_where_nothing_is_begins(tmp_path: Path) -> None:
    assert experiment(tmp_path / "run", resume=True) == BLOCKS
    assert set(described(tmp_path / "run")["files"]) == {
        *map(block_file, BLOCKS),
        "numbers.parquet",
        "note.txt",
    }


def test_a_failed_block_is_remembered_until_it_is_finished(tmp_path: Path) -> None:
    out = tmp_path / "run"
    failed = Failed(BLOCKS[1], POINTS[0], 1, "KeyError: 3", "Traceback")
    with suppress(KeyError), RunFolder(out, "mine", PARAMETERS, POINTS) as folder:
        folder.manifest.add(failed)
        raise KeyError(3)
    with RunFolder(out, "mine", PARAMETERS, POINTS, resume=True) as folder:
        assert folder.manifest.failed == {BLOCKS[1]: failed}
        folder.manifest.add(block(folder, BLOCKS[1]))
        assert folder.manifest.failed == {}
    with RunFolder(out, "mine", PARAMETERS, POINTS, resume=True) as folder:
        assert (folder.finished, folder.manifest.failed) == (True, {})


@pytest.mark.parametrize("verify", [False, True])
def test_a_finished_run_that_is_resumed_is_left_as_it_is(tmp_path: Path, verify: bool) -> None:
    out = tmp_path / "run"
    experiment(out)
    before = {path: path.stat().st_mtime_ns for path in [out, *out.rglob("*")]}
    assert experiment(out, resume=True, verify=verify) == []
    assert {path: path.stat().st_mtime_ns for path in [out, *out.rglob("*")]} == before
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_a_run_with_a_view_is_verified_and_what_was_changed_in_it_is_made_again(
    tmp_path: Path,
) -> None:
    out = tmp_path / "run"
    view = {BLOCKS[0]: {"exchange": "mine"}}

    def run(resume: bool = False) -> bool:
        with RunFolder(out, "mine", PARAMETERS, POINTS, resume=resume, verify=resume) as folder:
            if not folder.finished:
                for name in {*BLOCKS} - folder.manifest.finished.keys():
                    folder.manifest.add(block(folder, name))
                folder.add_view("totals", view)
            return folder.finished

    run()
    before = read_files(out)
    assert described(out)["views"] == {"totals": view}
    assert run(resume=True)
    (out / RUN_FILE).write_bytes(before[RUN_FILE].replace(b'"files": {', b'"files":  {'))
    with pytest.warns(DamageWarning, match=r"run\.json has other bytes than the run wrote"):
        assert not run(resume=True)
    assert read_files(out)[RUN_FILE] == before[RUN_FILE]


def cut(content: bytes) -> bytes:
    return content[:-7]


def zeroed(content: bytes) -> bytes:
    return bytes(len(content))


def flipped(content: bytes) -> bytes:
    return bytes([*content[:6], content[6] ^ 1, *content[7:]])


@pytest.mark.parametrize(
    ("damage", "verify", "fault"),
    [
        (None, False, "is missing"),
        (cut, False, r"has \d+ bytes, but the run wrote \d+"),
        (zeroed, False, "cannot be read as Parquet"),
        (flipped, True, "has other bytes than the run wrote"),
    ],
    ids=["missing", "truncated", "zeroed", "flipped"],
)
@pytest.mark.parametrize("file", [block_file(BLOCKS[1]), "numbers.parquet"])
def test_a_damaged_file_of_a_finished_run_is_told_and_alone_made_again(
    tmp_path: Path,
    file: str,
    damage: Callable[[bytes], bytes] | None,
    verify: bool,
    fault: str,
) -> None:
    out = tmp_path / "run"
    experiment(out)
    before = read_files(out)
    (out / file).unlink()
    if damage:
        (out / file).write_bytes(damage(before[file]))
    with pytest.warns(DamageWarning) as warned:
        redone = experiment(out, resume=True, verify=verify)
    (message,) = (str(warning.message) for warning in warned)
    assert re.search(rf"{file} {fault}: (it|its block) is made again$", message)
    assert redone == ([BLOCKS[1]] if "blocks" in file else [])
    assert read_files(out) == before


@pytest.mark.parametrize("file", [block_file(BLOCKS[1]), "note.txt"])
def test_a_flipped_byte_is_found_only_where_every_byte_is_compared(
    tmp_path: Path, file: str
) -> None:
    out = tmp_path / "run"
    experiment(out, note=b"a longer note")
    before = read_files(out)
    (out / file).write_bytes(flipped(before[file]))
    assert experiment(out, resume=True) == []
    with pytest.warns(DamageWarning, match=f"{file} has other bytes"):
        experiment(out, note=b"a longer note", resume=True, verify=True)
    assert read_files(out) == before


@pytest.mark.parametrize("verify", [False, True])
def test_a_flipped_byte_in_an_unfinished_run_is_found_where_every_byte_is_compared(
    tmp_path: Path, verify: bool
) -> None:
    experiment(tmp_path / "whole")
    stopped_experiment(tmp_path / "run")
    file = tmp_path / ".run.partial" / block_file(BLOCKS[0])
    file.write_bytes(flipped(file.read_bytes()))
    expected = pytest.warns(DamageWarning, match="has other bytes") if verify else nullcontext()
    with expected:
        redone = experiment(tmp_path / "run", resume=True, verify=verify)
    assert redone == (BLOCKS if verify else BLOCKS[1:])
    assert (read_files(tmp_path / "run") == read_files(tmp_path / "whole")) is verify


def rewritten(file: Path, **changed: Any) -> None:
    file.write_text(json.dumps(json.loads(file.read_text()) | changed))


@pytest.mark.parametrize("finished", [False, True])
def test_a_run_begun_with_other_versions_is_not_gone_on_with(
    tmp_path: Path, finished: bool
) -> None:
    out = tmp_path / "run"
    file = out / RUN_FILE if finished else tmp_path / ".run.partial" / UNFINISHED_FILE
    if finished:
        experiment(out)
    else:
        stopped_experiment(out)
    versions = json.loads(file.read_text())["versions"] | {"numpy": "0.1"}
    rewritten(file, versions=versions)
    before = read_files(tmp_path)
    said = (
        rf"begun with other versions or code \(numpy is 0\.1 there, {np.__version__} here\), whose"
    )
    with pytest.raises(FolderTakenError, match=said):
        experiment(out, resume=True)
    assert read_files(tmp_path) == before


@pytest.mark.parametrize("finished", [False, True])
def test_a_run_begun_with_other_code_of_a_maker_is_not_resumed(
    tmp_path: Path, finished: bool
) -> None:
    out, name = tmp_path / "run", "code of mine:Half"
    with (
        suppress(KeyboardInterrupt),
        RunFolder(out, "mine", PARAMETERS, POINTS, code={name: "aaa"}) as folder,
    ):
        folder.manifest.add(block(folder, BLOCKS[0]))
        if not finished:
            raise KeyboardInterrupt
    file = out / RUN_FILE if finished else tmp_path / ".run.partial" / UNFINISHED_FILE
    description = json.loads(file.read_text())
    assert description["code"] == {name: "aaa"}
    assert set(description["versions"]) == {"python", *LIBRARIES}
    before = read_files(tmp_path)
    refusal = r"other versions or code \(code of mine:Half is aaa there, bbb here\)"
    with pytest.raises(FolderTakenError, match=refusal):
        RunFolder(out, "mine", PARAMETERS, POINTS, code={name: "bbb"}, resume=True).__enter__()
    assert read_files(tmp_path) == before
    with RunFolder(out, "mine", PARAMETERS, POINTS, code={name: "aaa"}, resume=True) as folder:
        assert set(folder.manifest.finished) == {BLOCKS[0]}


EARLIEST = {"format": 1, "files": {"numbers.parquet": 1234}}
EARLIER = {"format": 5, "versions": {"market-shock": "0.1.0", "code of mine:Half": "aaa"}}
LATER = {
    "format": 7,
    "versions": {"market-shock": "9.0"},
    "files": [3],
    "host": "a key that only the other format has",
}
READERS = [(EARLIEST, "0.2.0"), (EARLIER, "0.1.0"), (LATER, "9.0")]


@pytest.mark.parametrize("resume", [False, True])
@pytest.mark.parametrize("finished", [False, True])
@pytest.mark.parametrize(("other", "reader"), READERS, ids=["earliest", "earlier", "later"])
def test_a_run_in_the_format_of_another_version_is_refused_as_such(
    tmp_path: Path, other: dict[str, Any], reader: str, finished: bool, resume: bool
) -> None:
    out = tmp_path / "run"
    folder = out if finished else tmp_path / ".run.partial"
    file = folder / (RUN_FILE if finished else UNFINISHED_FILE)
    if finished:
        experiment(out)
    else:
        stopped_experiment(out)
    rewritten(file, **other)
    (folder / MANIFEST_FILE).write_text('{"stamp": {"md5": 3}}\n{"done": 3}\n3\n"stamp"\n')
    before = read_files(tmp_path)
    with pytest.raises(FolderTakenError) as refusal:
        experiment(out, resume=resume)
    assert str(refusal.value) == (
        f"{folder} is a run folder of format {other['format']}, but this version reads format 6: "
        f"read it with market-shock {reader}, or repeat the run in another folder (--out)"
    )
    assert read_files(tmp_path) == before
