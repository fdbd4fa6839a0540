"""A run's folder: whole or not there, replaced only by the same run, the same bytes every time."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pyarrow import parquet

from abm import Exchange
from abm.run_folder import LIBRARIES, FolderTakenError, RunFolder
from abm.schema import EXCHANGE, FORMAT, MAKERS, MARKET, REPLICATION, RUN_FILE, SUMMARY, Column

PARAMETERS = {"seed": 1, "discount": 0.9}
TABLES = {"market": MARKET, "makers": MAKERS, "summary": SUMMARY}
NUMBERS = pd.DataFrame({"replication": [0, 1]})

KILLED = """
import sys, time
import pandas as pd
from abm.run_folder import RunFolder
from abm.schema import REPLICATION

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


def stopped_run(out: Path, error: type[BaseException]) -> None:
    with RunFolder(out, "mine", PARAMETERS) as folder:
        folder.write("numbers", NUMBERS.head(1), (REPLICATION,))
        raise error


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def described(folder: Path) -> dict[str, Any]:
    run: dict[str, Any] = json.loads((folder / RUN_FILE).read_text())
    return run


def test_a_finished_run_holds_its_tables_and_their_description(tmp_path: Path) -> None:
    out = study(tmp_path / "run")
    sizes = {path.name: path.stat().st_size for path in out.iterdir() if path.name != RUN_FILE}
    run = described(out)
    assert set(sizes) == {f"{table}.parquet" for table in TABLES}
    assert run.pop("files") == sizes
    versions = run.pop("versions")
    assert set(versions) == {"python", *LIBRARIES}
    assert versions["numpy"] == np.__version__
    assert run == {"format": FORMAT, "scenario": "mine", "parameters": PARAMETERS}


def test_a_finished_run_leaves_nothing_beside_it(tmp_path: Path) -> None:
    study(tmp_path / "run")
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_files_that_are_not_tables_are_described_too(tmp_path: Path) -> None:
    with RunFolder(tmp_path / "run", "mine", PARAMETERS) as folder:
        (folder.path / "figure.png").write_bytes(b"four")
    assert described(tmp_path / "run")["files"] == {"figure.png": 4}


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
    assert contents(study(tmp_path / "one")) == contents(study(tmp_path / "two"))


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
    before = contents(small_run(tmp_path / "run"))
    with pytest.raises(error):
        stopped_run(tmp_path / "run", error)
    assert contents(tmp_path / "run") == before
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_a_killed_run_leaves_no_folder_of_its_name_and_an_earlier_one_whole(
    tmp_path: Path,
) -> None:
    before = contents(small_run(tmp_path / "earlier"))
    outs = (str(tmp_path / name) for name in ("fresh", "earlier"))
    command = [sys.executable, "-c", KILLED, *outs]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "writing\n"
        process.kill()
    assert process.returncode != 0
    assert not (tmp_path / "fresh").exists()
    assert contents(tmp_path / "earlier") == before
    left = {path.name.split("-")[0] for path in tmp_path.iterdir()}
    assert left == {"earlier", ".fresh.partial", ".earlier.partial"}
    small_run(tmp_path / "fresh")
    assert contents(tmp_path / "fresh") == before


def test_the_same_run_replaces_an_earlier_one(tmp_path: Path) -> None:
    out = tmp_path / "run"
    with RunFolder(out, "mine", PARAMETERS) as folder:
        folder.write("old", NUMBERS, (REPLICATION,))
    small_run(out)
    assert set(contents(out)) == {"numbers.parquet", RUN_FILE}
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_an_empty_folder_may_be_used(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    assert set(contents(small_run(tmp_path / "run"))) == {"numbers.parquet", RUN_FILE}


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
    before = contents(small_run(tmp_path / "run"))
    with pytest.raises(FolderTakenError) as refusal:
        small_run(tmp_path / "run", **changed)
    assert f"holds another run ({difference}): choose another folder" in str(refusal.value)
    assert contents(tmp_path / "run") == before


@pytest.mark.parametrize("text", [None, "{", "[]", "{}", '{"scenario": "mine", "files": 3}'])
def test_files_that_no_run_wrote_are_refused(tmp_path: Path, text: str | None) -> None:
    (tmp_path / "thesis.tex").write_text("precious")
    if text is not None:
        (tmp_path / RUN_FILE).write_text(text)
    before = contents(tmp_path)
    with pytest.raises(FolderTakenError, match=r"holds files, but no run's run\.json: choose"):
        small_run(tmp_path)
    assert contents(tmp_path) == before


def test_a_run_with_foreign_files_beside_it_is_not_replaced(tmp_path: Path) -> None:
    out = small_run(tmp_path / "run")
    for name in ("notes.txt", "more.txt"):
        (out / name).write_text("precious")
    before = contents(out)
    with pytest.raises(FolderTakenError, match=r"holds more\.txt, notes\.txt, which .* move it"):
        small_run(out)
    assert contents(out) == before


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


def test_parameters_that_json_cannot_hold_are_an_error_before_anything_is_simulated(
    tmp_path: Path,
) -> None:
    with pytest.raises((TypeError, ValueError)):
        RunFolder(tmp_path / "run", "mine", {"input": Path("here")}).__enter__()


def test_a_run_killed_between_the_two_renames_is_put_back(tmp_path: Path) -> None:
    out = small_run(tmp_path / "run")
    before = contents(out)
    out.rename(tmp_path / ".run.replaced")
    with pytest.raises(FolderTakenError, match="seed is 1 there, 2 here"):
        small_run(out, seed=2)
    assert contents(out) == before


def test_a_run_killed_between_the_two_renames_can_be_repeated(tmp_path: Path) -> None:
    out = small_run(tmp_path / "run")
    before = contents(out)
    out.rename(tmp_path / ".run.replaced")
    assert contents(small_run(out)) == before
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_a_run_killed_before_the_replaced_one_was_removed_can_be_repeated(tmp_path: Path) -> None:
    out = small_run(tmp_path / "run")
    small_run(tmp_path / "other").rename(tmp_path / ".run.replaced")
    before = contents(out)
    assert contents(small_run(out)) == before
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_a_link_to_a_folder_can_be_written_again_and_again(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    link = tmp_path / "run"
    link.symlink_to(tmp_path / "elsewhere")
    for _ in range(3):
        assert set(contents(small_run(link))) == {"numbers.parquet", RUN_FILE}
    assert {path.name for path in tmp_path.iterdir()} == {"run", "elsewhere"}


@pytest.mark.parametrize("number", [[0.1, 2, 3.0], (0.1, 2), 0.1 + 0.2, 1e-300, 2**63, 1.0, None])
def test_parameters_are_the_same_after_json(tmp_path: Path, number: Any) -> None:
    small_run(tmp_path / "run", number=number)
    small_run(tmp_path / "run", number=number)
    with pytest.raises(FolderTakenError, match=r"number is .* there, 7 here"):
        small_run(tmp_path / "run", number=7)
