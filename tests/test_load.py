"""Reading a run back: the tape's own frames, or an error that says what to do."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from abm import Exchange
from abm.run_folder import RunFolder
from abm.schema import EXCHANGE, FORMAT, MAKERS, MARKET, RUN_FILE, SUMMARY
from abm.tape import Tape
from analysis import load
from analysis.load import LogError

TABLES = {"market": MARKET, "makers": MAKERS, "summary": SUMMARY}
FINISHED = "give the folder of a finished run"
REPEAT = "repeat the run"


@pytest.fixture(scope="module")
def tape() -> Tape:
    return Exchange(["optimal", "zero-profit"], prior_sd=3.0, replications=30, rng=4).run(6).tape


@pytest.fixture
def folder(tape: Tape, tmp_path: Path) -> Path:
    with RunFolder(tmp_path / "run", "mine", {"seed": 4, "shocks": [1.0, 3.0]}) as folder:
        for table, columns in TABLES.items():
            frame = getattr(tape, table).assign(exchange="both")
            folder.write(table, frame, (EXCHANGE, *columns))
    return tmp_path / "run"


@pytest.mark.parametrize("table", TABLES)
def test_a_table_comes_back_as_the_tape_had_it(tape: Tape, folder: Path, table: str) -> None:
    frame = getattr(tape, table)
    exchange = pd.Series(["both"] * len(frame), dtype="category")
    frame.insert(0, "exchange", exchange)
    assert_frame_equal(load(folder).table(table), frame, check_exact=True)


def test_market_and_makers_have_properties_of_their_own(folder: Path) -> None:
    run = load(folder)
    assert_frame_equal(run.market, run.table("market"))
    assert_frame_equal(run.makers, run.table("makers"))


def test_a_run_says_what_it_is(folder: Path) -> None:
    run = load(folder)
    assert run.scenario == "mine"
    assert run.parameters == {"seed": 4, "shocks": [1.0, 3.0]}
    assert run.folder == folder
    assert run.tables == sorted(TABLES)
    assert run.versions["pandas"] == pd.__version__
    assert run.files["market.parquet"] == (folder / "market.parquet").stat().st_size


def test_a_folder_may_be_given_as_text(folder: Path) -> None:
    assert load(str(folder)) == load(folder)


def test_a_folder_without_a_description_is_no_run(folder: Path) -> None:
    (folder / RUN_FILE).unlink()
    with pytest.raises(LogError, match=rf"{folder} holds no {RUN_FILE}, .*: {FINISHED}"):
        load(folder)


def test_a_folder_that_is_not_there_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(LogError, match=FINISHED):
        load(tmp_path / "nowhere")


@pytest.mark.parametrize("text", ["", "{", "[]", "3", "null", "{}", '{"format": 1}', "\x00\x01"])
def test_a_broken_description_is_no_run(folder: Path, text: str) -> None:
    (folder / RUN_FILE).write_text(text)
    with pytest.raises(LogError, match=rf"{RUN_FILE} is not a run's description: {FINISHED}"):
        load(folder)


def test_a_description_in_another_encoding_is_no_run(folder: Path) -> None:
    (folder / RUN_FILE).write_bytes(b"\xff\xfe\xfa")
    with pytest.raises(LogError, match=FINISHED):
        load(folder)


@pytest.mark.parametrize("more", [{}, {"host": "a key that only the other format has"}])
def test_another_format_is_refused_as_such(folder: Path, more: dict[str, Any]) -> None:
    run = json.loads((folder / RUN_FILE).read_text())
    (folder / RUN_FILE).write_text(json.dumps(run | {"format": FORMAT + 1} | more))
    with pytest.raises(LogError, match=f"in format {FORMAT + 1}, .* format {FORMAT}: read it with"):
        load(folder)


def test_a_table_the_run_never_had_is_an_error_that_lists_those_it_has(folder: Path) -> None:
    with pytest.raises(LogError, match="no table 'markets': it has makers, market, summary"):
        load(folder).table("markets")


def test_a_part_of_a_table_has_the_columns_and_rows_asked_for(folder: Path) -> None:
    run = load(folder)
    columns = ["replication", "ask"]
    part = run.table("makers", columns, maker="optimal", period=2)
    whole = run.makers
    expected = whole[(whole["maker"] == "optimal") & (whole["period"] == 2)][columns]
    assert len(expected) == 30
    assert_frame_equal(part, expected.reset_index(drop=True), check_exact=True)


def test_a_part_without_rows_is_empty(folder: Path) -> None:
    assert load(folder).table("makers", maker="nobody").empty


@pytest.mark.parametrize(("columns", "equal"), [(["spread"], {}), (None, {"spread": 1.0})])
def test_a_column_that_a_table_does_not_have_is_not_blamed_on_the_file(
    folder: Path, columns: list[str] | None, equal: dict[str, float]
) -> None:
    with pytest.raises((ValueError, KeyError), match="spread") as error:
        load(folder).table("makers", columns, **equal)
    assert REPEAT not in str(error.value)


def removed(file: Path) -> None:
    file.unlink()


def truncated(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-40])


def emptied(file: Path) -> None:
    file.write_bytes(b"")


def foreign(file: Path) -> None:
    file.write_bytes(b"x" * file.stat().st_size)


def scrambled(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[4:-400] = bytes(len(content) - 404)
    file.write_bytes(content)


@pytest.mark.parametrize("damage", [removed, truncated, emptied, foreign, scrambled])
def test_a_damaged_table_is_an_error_that_says_what_to_do(
    folder: Path, damage: Callable[[Path], None]
) -> None:
    damage(folder / "market.parquet")
    run = load(folder)
    with pytest.raises(LogError, match=rf"market\.parquet (?s:.*){REPEAT}"):
        _ = run.market
    assert len(run.makers) == 360
