"""Reading a run back: the tape's own frames, or an error that says what to do."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from abm import Exchange
from abm.exchange.tape import Tape
from abm.runs.folder import RunFolder
from abm.runs.integrity import Stamp
from abm.runs.manifest import Finished, block_file
from abm.runs.parquet import make_table, pack_tables
from abm.runs.schema import EXCHANGE, FORMAT, MAKERS, MARKET, RUN_FILE, SUMMARY, UNFINISHED_FILE
from abm.runs.store import Store
from analysis import load, load_unfinished
from analysis.load import LogError
from tests.files import emptied, removed, truncated, with_a_bit_turned, zeroed

POINTS: list[dict[str, Any]] = [
    {"prior_sd": 3.0, "makers": "optimal", "shock": 0.5},
    {"prior_sd": 3.0, "makers": "optimal", "shock": 2.0},
    {"prior_sd": 3.0, "makers": "myopic", "shock": 2.0},
]
KEYS = ["makers", "shock", "block"]
TABLES = {"market": MARKET, "makers": MAKERS, "summary": SUMMARY}
FINISHED = "give the folder of a finished run"
REPEAT = "repeat the run"
SUMMARY_ROWS = 3 * (5 + 7)  # periods times metrics of the market and of its maker


@pytest.fixture(scope="module")
def tape() -> Tape:
    return Exchange(["optimal", "zero-profit"], prior_sd=3.0, replications=30, rng=4).run(6).tape


def written(out: str, point: int, number: int) -> Finished:
    market = Exchange("zero-profit", replications=4, block=number, rng=point).run(3)
    tables = {"summary": make_table(market.tape.summary, SUMMARY)}
    if point == 2:
        tables["makers"] = make_table(market.tape.makers, MAKERS)
    name, content = f"{point:04d}-{number:05d}", pack_tables(tables, {})
    Store(out).write(block_file(name), content)
    return Finished(name, Stamp.of(content, list(tables)), 0.0)


@pytest.fixture(scope="module", params=["{}", "memory://{}"], ids=["local", "memory"])
def experiment(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    out: str = request.param.format(tmp_path_factory.mktemp("experiment") / "run")
    with RunFolder(out, "mine", {"seed": 4}, POINTS) as folder:
        for point in range(3):
            for number in (1, 0):
                folder.manifest.add(written(folder.store.url, point, number))
        folder.write("over all", pd.DataFrame({"replication": [1]}), MARKET[:1])
        folder.store.write("note.txt", b"a note")
    return out


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


def test_a_run_says_what_it_is(folder: Path) -> None:
    run = load(folder)
    assert run.scenario == "mine"
    assert run.parameters == {"seed": 4, "shocks": [1.0, 3.0]}
    assert run.folder == folder
    assert run.tables == sorted(TABLES)
    assert run.command == ""
    assert run.points == []
    assert run.varying_parameters == []
    assert run.versions["pandas"] == pd.__version__
    content = (folder / "market.parquet").read_bytes()
    assert run.files["market.parquet"] == Stamp.of(content)._asdict()


def test_a_folder_may_be_given_as_text(folder: Path) -> None:
    run = load(str(folder))
    assert replace(run, folder=folder) == load(folder)
    assert_frame_equal(run.table("market"), load(folder).table("market"))


def test_a_folder_without_a_description_is_no_run(folder: Path) -> None:
    (folder / RUN_FILE).unlink()
    with pytest.raises(LogError, match=rf"{folder} holds no {RUN_FILE}, .*: {FINISHED}"):
        load(folder)


def test_a_folder_that_is_not_there_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(LogError, match=FINISHED):
        load(tmp_path / "nowhere")


BROKEN = ["", "{", "[]", "3", "null", "{}", f'{{"format": {FORMAT}}}', "\x00\x01"]


@pytest.mark.parametrize("text", BROKEN)
def test_a_broken_description_is_no_run(folder: Path, text: str) -> None:
    (folder / RUN_FILE).write_text(text)
    with pytest.raises(LogError, match=rf"{RUN_FILE} is not a run's description.*: {FINISHED}"):
        load(folder)


def test_a_description_in_another_encoding_is_no_run(folder: Path) -> None:
    (folder / RUN_FILE).write_bytes(b"\xff\xfe\xfa")
    with pytest.raises(LogError, match=FINISHED):
        load(folder)


@pytest.mark.parametrize(
    ("versions", "reader"),
    [({"market-shock": "0.1.0"}, "market-shock 0.1.0"), ({}, "the version that wrote it")],
)
@pytest.mark.parametrize("written", [1, 5, 7])
@pytest.mark.parametrize("more", [{}, {"host": "a key that only the other format has"}])
def test_another_format_is_refused_with_the_version_that_reads_it(
    folder: Path, written: int, more: dict[str, Any], versions: dict[str, str], reader: str
) -> None:
    run = json.loads((folder / RUN_FILE).read_text())
    changed = run | {"format": written, "versions": versions} | more
    (folder / RUN_FILE).write_text(json.dumps(changed))
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(LogError) as refusal:
        load(folder)
    assert str(refusal.value) == (
        f"{folder} is a run folder of format {written}, but this version reads format 6: "
        f"read it with {reader}, or repeat the run in another folder (--out)"
    )
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_a_table_the_run_never_had_is_an_error_that_lists_those_it_has(folder: Path) -> None:
    with pytest.raises(LogError, match="no table 'markets': it has makers, market, summary"):
        load(folder).table("markets")


def test_a_part_of_a_table_has_the_columns_and_rows_asked_for(folder: Path) -> None:
    run = load(folder)
    columns = ["replication", "ask"]
    part = run.table("makers", columns, maker="optimal", period=2)
    whole = run.table("makers")
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


def scrambled(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[4:-400] = bytes(len(content) - 404)
    file.write_bytes(content)


@pytest.mark.parametrize("damage", [removed, truncated, emptied, zeroed, scrambled])
def test_a_damaged_table_is_an_error_that_says_what_to_do(
    folder: Path, damage: Callable[[Path], None]
) -> None:
    damage(folder / "market.parquet")
    run = load(folder)
    with pytest.raises(LogError, match=rf"market\.parquet (?s:.*){REPEAT}"):
        run.table("market")
    assert len(run.table("makers")) == 360


@pytest.mark.parametrize("where", ["{}", "memory://{}"], ids=["local", "memory"])
def test_a_run_whose_tables_are_sealed_can_be_read_before_it_has_ended(
    tmp_path: Path, where: str
) -> None:
    out = where.format(tmp_path / "run")
    with RunFolder(out, "mine", {"seed": 5}, POINTS) as folder:
        folder.manifest.add(written(folder.store.url, 1, 0))
        folder.write("numbers", pd.DataFrame({"replication": [1, 2]}), MARKET[:1])
        folder.complete_tables()
        run = load_unfinished(folder.store.url)
        assert run.tables == ["numbers", "summary"]
        assert run.table("numbers")["replication"].tolist() == [1, 2]
        assert len(run.table("summary")) == SUMMARY_ROWS
        folder.store.write("figure.png", b"from these tables")
        with pytest.raises(LogError, match=FINISHED):
            load(out)
    assert set(load(out).files) == {*run.files, "figure.png"}
    with pytest.raises(LogError, match=rf"holds no {UNFINISHED_FILE}"):
        load_unfinished(out)


def test_the_tables_of_an_experiment_are_those_beside_its_blocks_and_in_them(
    experiment: str,
) -> None:
    run = load(experiment)
    assert run.tables == ["makers", "over all", "summary"]
    assert run.points == POINTS
    assert run.varying_parameters == KEYS[:-1]
    assert run.table("over all")["replication"].tolist() == [1]
    assert run.content("note.txt") == b"a note"


def assert_in_order(frame: pd.DataFrame) -> None:
    order = [(point["makers"], point["shock"], number) for point in POINTS for number in (0, 1)]
    found = list(dict.fromkeys(zip(*(frame[key] for key in KEYS), strict=True)))
    assert found == [place for place in order if place in found]


def test_blocks_stand_one_below_the_other_with_the_parameters_that_vary(experiment: str) -> None:
    frame = load(experiment).table("summary")
    assert list(frame.columns) == [*KEYS, *(column.name for column in SUMMARY)]
    dtypes = frame.dtypes.astype(str)
    assert dtypes[KEYS].tolist() == ["category", "float64", "int64"]
    assert dtypes[3:].to_dict() == {column.name: column.dtype for column in SUMMARY}
    assert_in_order(frame)
    assert len(frame) == 6 * SUMMARY_ROWS
    for (point, number), block in zip(
        [(point, number) for point in range(3) for number in (0, 1)],
        (frame[at * SUMMARY_ROWS : (at + 1) * SUMMARY_ROWS] for at in range(6)),
        strict=True,
    ):
        market = Exchange("zero-profit", replications=4, block=number, rng=point).run(3)
        expected = market.tape.summary
        own = block[expected.columns].reset_index(drop=True)
        assert_frame_equal(own, expected, check_exact=True)


WHERE: list[dict[str, Any]] = [
    {},
    {"block": 1},
    {"shock": 2.0},
    {"shock": 2},
    {"makers": "myopic"},
    {"makers": "optimal", "shock": 2.0, "block": 0},
    {"metric": "profit"},
    {"maker": "zero-profit", "period": 1, "block": 1},
    {"metric": "profit", "makers": "myopic"},
    {"makers": "nobody"},
    {"maker": "nobody"},
    {"block": 7, "period": 1},
]


@pytest.mark.parametrize("columns", [None, ["mean", "makers", "block", "count"], ["shock"]])
@pytest.mark.parametrize("where", WHERE, ids=str)
def test_a_part_of_the_blocks_is_the_same_part_of_all(
    experiment: str, where: dict[str, Any], columns: list[str] | None
) -> None:
    run = load(experiment)
    expected = run.table("summary")
    for column, value in where.items():
        expected = expected[expected[column] == value]
    part = run.table("summary", columns, **where)
    chosen = expected[columns or expected.columns].reset_index(drop=True)
    assert list(part.columns) == list(chosen.columns)
    assert_frame_equal(part, chosen, check_categorical=False, check_dtype=len(part) > 0)


def test_a_part_found_in_some_blocks_only_is_read(experiment: str) -> None:
    run = load(experiment)
    makers = run.table("makers", replication=5)
    assert makers["block"].tolist() == [1, 1, 1]
    assert makers["period"].tolist() == [0, 1, 2]
    assert run.table("makers", makers="optimal").empty


@pytest.mark.parametrize(("columns", "equal"), [(["spread"], {}), (None, {"prior_sd": 3.0})])
def test_a_column_that_blocks_do_not_have_is_an_error_that_lists_those_they_have(
    experiment: str, columns: list[str] | None, equal: dict[str, float]
) -> None:
    with pytest.raises(LogError, match=r"no column .*: it has makers, shock, block, period, maker"):
        load(experiment).table("summary", columns, **equal)


@pytest.mark.parametrize(
    ("by", "count"), [(["block"], 2), (["shock"], 2), (["makers", "shock"], 3), (KEYS, 6), ([], 1)]
)
def test_a_walk_goes_through_the_blocks_piece_by_piece(
    experiment: str, by: list[str], count: int
) -> None:
    run = load(experiment)
    pieces = list(run.walk("summary", by))
    assert all((piece[key] == piece[key].iloc[0]).all() for piece in pieces for key in by)
    assert len(pieces) == count
    together = pd.concat(pieces).sort_values([*KEYS, "period", "maker", "metric"])
    assert len(together) == len(run.table("summary"))
    assert together.drop_duplicates([*KEYS, "period", "maker", "metric"]).shape == together.shape


@pytest.fixture
def viewed(tmp_path: Path) -> Path:
    """Return a run of two exchanges recorded in blocks, and a view of these records."""
    names = {"0002-00001": "second", "0002-00000": "first"}
    with RunFolder(tmp_path / "run", "mine", {"seed": 4}, POINTS) as folder:
        for number in (0, 1):
            folder.manifest.add(written(folder.store.url, 2, number))
        folder.add_view("makers", {name: {"exchange": label} for name, label in names.items()})
    return tmp_path / "run"


def test_a_view_has_the_rows_of_its_blocks_in_order_behind_its_own_columns(viewed: Path) -> None:
    run = load(viewed)
    assert run.tables == ["makers", "summary"]
    parts = [run.blocks("makers", block=number).drop(columns=KEYS) for number in (1, 0)]
    expected = pd.concat(parts, ignore_index=True)
    names = pd.Categorical(["second"] * 12 + ["first"] * 12, ["second", "first"])
    expected.insert(0, "exchange", pd.Series(names))
    assert_frame_equal(run.table("makers"), expected, check_exact=True)


@pytest.mark.parametrize("columns", [None, ["ask", "exchange"], ["period"]])
@pytest.mark.parametrize(
    "where", [{"exchange": "first"}, {"exchange": "first", "period": 1}, {"period": 2},
              {"exchange": "third"}], ids=str,
)  # fmt: skip
def test_a_part_of_a_view_is_the_same_part_of_all(
    viewed: Path, columns: list[str] | None, where: dict[str, Any]
) -> None:
    run = load(viewed)
    expected = run.table("makers")
    for column, value in where.items():
        expected = expected[expected[column] == value]
    expected = expected[columns or list(expected.columns)].reset_index(drop=True)
    part = run.table("makers", columns, **where)
    assert_frame_equal(part, expected, check_categorical=False, check_dtype=len(part) > 0)


def test_a_view_lacks_the_columns_of_points_and_says_so(viewed: Path) -> None:
    with pytest.raises(LogError, match=r"makers has no column shock: it has exchange, repl"):
        load(viewed).table("makers", ["shock"])


WRONG_VIEWS = [
    ([], r"views is \[\], but must be a dict of tables"),
    ({"makers": {}}, "but must be a dict of tables, each a dict of blocks with dicts of text"),
    ({"makers": {"0002-00000": {"exchange": 3}}}, "but must be a dict of tables"),
    ({"makers": {"0002-00002": {}}}, "the view makers is of 0002-00002, which lacks it"),
    ({"market": {"0002-00000": {}}}, "the view market is of 0002-00000, which lacks it"),
    ({"makers": {"0002-00000": {"a": "1"}, "0002-00001": {}}}, "have different columns in front"),
]


@pytest.mark.parametrize(("views", "fault"), WRONG_VIEWS)
def test_a_description_with_a_view_that_cannot_be_is_refused(
    viewed: Path, views: Any, fault: str
) -> None:
    run = json.loads((viewed / RUN_FILE).read_text())
    (viewed / RUN_FILE).write_text(json.dumps(run | {"views": views}))
    with pytest.raises(LogError, match=rf"is not a run's description \(.*{fault}.*: {FINISHED}"):
        load(viewed)


def test_a_table_that_is_both_a_view_and_a_file_is_refused(viewed: Path) -> None:
    run = json.loads((viewed / RUN_FILE).read_text())
    run["files"]["makers.parquet"] = {"size": 1, "sha256": 64 * "0", "tables": []}
    (viewed / RUN_FILE).write_text(json.dumps(run))
    with pytest.raises(LogError, match="makers is both a view of blocks and a file"):
        load(viewed)


DAMAGES: dict[str, Callable[[bytes], bytes] | None] = {
    "removed": None,
    "truncated": lambda content: content[:-40],
    "zeroed": lambda content: bytes(len(content)),
    "flipped": lambda content: content[:300] + bytes([content[300] ^ 1]) + content[301:],
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_block_is_an_error_that_says_what_to_do(experiment: str, damage: str) -> None:
    store, name, change = Store(experiment), block_file("0001-00000"), DAMAGES[damage]
    content = store.read(name)
    store.remove(name)
    if change is not None:
        store.write(name, change(content))
    run = load(experiment)
    with pytest.raises(LogError, match=rf"0001-00000\.parquet (?s:.*){REPEAT}"):
        run.table("summary")
    assert len(run.table("summary", block=1)) == 3 * SUMMARY_ROWS
    store.write(name, content)
    assert len(run.table("summary")) == 6 * SUMMARY_ROWS


def test_a_flipped_byte_in_a_table_is_an_error(folder: Path) -> None:
    with_a_bit_turned(folder / "makers.parquet")
    with pytest.raises(LogError, match=rf"makers\.parquet (?s:.*){REPEAT}"):
        load(folder).table("makers")


@pytest.mark.parametrize("length", [3, 7])
def test_a_file_that_is_no_table_has_the_size_that_the_run_wrote_or_is_an_error(
    experiment: str, length: int
) -> None:
    store, run = Store(experiment), load(experiment)
    store.write("note.txt", bytes(length))
    with pytest.raises(LogError, match=rf"has {length} bytes, but the run wrote 6 bytes: .*cut"):
        run.content("note.txt")
    store.write("note.txt", b"a note")
    assert run.content("note.txt") == b"a note"


def test_a_file_that_the_run_never_had_is_no_fault_of_the_file(folder: Path) -> None:
    with pytest.raises(LogError, match=r"no .*figure\.png"):
        load(folder).content("figure.png")


@pytest.mark.parametrize("folder", [3, None, ["runs/paper"]])
def test_what_is_no_path_is_refused(folder: Any) -> None:
    says = re.escape(f"folder is {folder!r}, but must be a path or a URL: give the folder of a")
    with pytest.raises(TypeError, match=f"^{says}"):
        load(folder)


EDITS: list[tuple[dict[str, Any], str]] = [
    ({"files": []}, r"files is \[\], but must be a dict of stamps"),
    ({"files": {"../secret.png": {}}}, r"'../secret\.png' is no file of a run: a name has neither"),
    ({"files": {"/etc/passwd": {}}}, r"'/etc/passwd' is no file of a run"),
    ({"files": {"blocks/0007-00000.parquet": {}}}, "is of a point beyond the 3 points"),
    ({"points": POINTS[:2], "files": {"blocks/0002-00000.parquet": {}}}, "beyond the 2 points"),
    ({"points": [{"a": [1]}]}, r"a of a point is \[1\], but must be a number or text, of one type"),
    ({"points": [{"a": 1}, {"a": "1"}]}, "a of a point is '1', but must be .* at all points"),
    ({"points": [{"a": 2**63}]}, "a of a point is 9223372036854775808, but must be a number"),
    ({"points": [{"a": float("nan")}]}, "a of a point is nan, but must be a number"),
    ({"points": [{"a": 1}, {"a": 1}]}, "two points are the same, but results are told apart by th"),
    ({"points": [{"a\nb": 1}]}, r"a parameter of points is 'a\\nb', but must be a plain name"),
    ({"parameters": None}, "parameters is None, but must be a dict"),
    ({"versions": ["3.11"]}, r"versions is \['3.11'\], but must be a dict of text"),
]


@pytest.mark.parametrize(("changed", "fault"), EDITS)
def test_an_edited_description_is_an_error_that_says_what_is_wrong(
    experiment: str, changed: dict[str, Any], fault: str
) -> None:
    store = Store(experiment)
    whole = store.read(RUN_FILE)
    edited = json.loads(whole)
    if "files" not in changed and "points" in changed:
        edited["files"] = {}
    store.write(RUN_FILE, json.dumps(edited | changed).encode())
    says = rf"run\.json is not a run's description \(.*{fault}.*\): {FINISHED}"
    with pytest.raises(LogError, match=says):
        load(experiment)
    store.write(RUN_FILE, whole)
    assert load(experiment).points == POINTS


def test_what_a_link_in_a_run_leads_to_is_not_read(folder: Path) -> None:
    (folder / "market.parquet").rename(folder.parent / "elsewhere")
    (folder / "market.parquet").symlink_to(folder.parent / "elsewhere")
    with pytest.raises(LogError, match=r"market\.parquet is a link, but the files of a run are"):
        load(folder).table("market")


def test_a_file_that_is_no_table_has_the_bytes_that_the_run_wrote_or_is_an_error(
    experiment: str,
) -> None:
    store, run = Store(experiment), load(experiment)
    store.write("note.txt", b"a Note")
    with pytest.raises(LogError, match=r"note\.txt has other bytes than the run wrote: it was"):
        run.content("note.txt")
    store.write("note.txt", b"a note")


def test_a_chain_of_urls_is_not_taken_for_a_folder() -> None:
    with pytest.raises(LogError, match=r"^a::b is not a folder that can be reached"):
        load("a::b")
