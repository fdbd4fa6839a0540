"""Experiments: the same bytes however they are run, and nothing finished is ever lost."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from pandas.testing import assert_frame_equal
from pyarrow import parquet

from abm import Quote
from abm.experiment import (
    BlocksFailedError,
    Experiment,
    Progress,
    Simulation,
    Target,
    grid,
)  # fmt: skip
from abm.experiment.schedule import Schedule
from abm.experiment.simulation import BlockTask
from abm.makers import MarketMaker
from abm.runs.errors import DamageWarning, FolderTakenError
from abm.runs.folder import RunFolder
from abm.runs.integrity import Stamp
from abm.runs.manifest import Finished, Manifest
from abm.runs.parquet import Tables
from abm.runs.schema import FORMAT, MANIFEST_FILE, RUN_FILE, UNFINISHED_FILE
from abm.runs.store import Store
from analysis import load
from analysis.metrics import belief_error
from tests.files import emptied, empty_folder, partial_of, read_files, removed, truncated, zeroed

SIZE, BLOCKS, PERIODS, SEED = 20, 3, 5, 3
POINTS = grid(makers=["zero-profit", ["myopic", "fixed-spread"]], prior_sd=[0.5, 1.5])
NAMES = [f"{point:04d}-{block:05d}" for point in range(len(POINTS)) for block in range(BLOCKS)]
FILES = {f"blocks/{name}.parquet" for name in NAMES} | {RUN_FILE, "summary.parquet"}
MEMORY = "memory://experiment"
CAP = 5  # blocks of a point with a target
TAG = "0c" * 16 + ".market-shock"  # at the end of the name of a file that is being written
BROKEN = 2  # the block at which fragile makers break


class UnpicklableError(Exception):
    """Cannot be sent from one process to another."""

    def __init__(self, one: str, other: str) -> None:
        super().__init__(f"{one} and {other}")


ERRORS: dict[str, Callable[[], BaseException]] = {
    "ZeroDivisionError": lambda: ZeroDivisionError("a mistake of hers"),
    "OSError": lambda: OSError("no such file of hers"),
    "SystemExit": lambda: SystemExit("she leaves"),
    "UnpicklableError": lambda: UnpicklableError("this", "that"),
}


class Fragile(MarketMaker):
    """Breaks in one block, in the third period, while a file is there."""

    name = "fragile"

    def __init__(self, model: Any, *, file: str, error: str = "ZeroDivisionError") -> None:
        super().__init__(model)
        self.file, self.error = file, error

    def quote(self) -> Quote:
        first = int(self.model.replication[0])
        if self.model.period == 2 and first == BROKEN * SIZE and Path(self.file).exists():
            raise ERRORS[self.error]()
        return Quote.around(self.require_belief().mean, 1.0)


def experiment(**changed: Any) -> Experiment:
    settings = {"replications": BLOCKS * SIZE, "block": SIZE, "periods": PERIODS, "seed": SEED}
    return Experiment(**({"points": POINTS} | settings | changed))


def lines(folder: Path) -> list[dict[str, Any]]:
    written = (folder / MANIFEST_FILE).read_text().splitlines()
    return [json.loads(line) for line in written if line.endswith("}")]


def block(folder: Path, name: str) -> Path:
    return folder / "blocks" / f"{name}.parquet"


def stop(out: str | Path, after: int, made: Experiment | None = None, **how: Any) -> None:
    """Run, but press Ctrl-C when so many blocks are done."""
    left = iter(range(after))

    def add(manifest: Manifest, outcome: Any, real: Any = Manifest.add) -> None:
        if next(left, None) is None:
            raise KeyboardInterrupt
        real(manifest, outcome)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Manifest, "add", add)
        with pytest.raises(KeyboardInterrupt):
            (made or experiment()).run(out, **how)


class Simulations:
    """Notes the tasks that are simulated in this process, in their order."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.tasks: list[str] = []
        real = Simulation.run

        def noted(simulation: Simulation, task: BlockTask) -> Tables:
            self.tasks.append(task.name)
            return real(simulation, task)

        patch.setattr(Simulation, "run", noted)


@pytest.fixture
def simulations(monkeypatch: pytest.MonkeyPatch) -> Simulations:
    return Simulations(monkeypatch)


@pytest.fixture(scope="module")
def untroubled(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    out = tmp_path_factory.mktemp("untroubled") / "run"
    experiment().run(out)
    return read_files(out)


@pytest.fixture(autouse=True)
def clean_memory() -> Iterator[None]:
    yield
    empty_folder(MEMORY)


def test_a_run_leaves_blocks_a_summary_and_its_description(tmp_path: Path) -> None:
    experiment().run(tmp_path / "run")
    assert set(read_files(tmp_path / "run")) == FILES
    assert sorted(line["block"] for line in lines(tmp_path / "run")) == NAMES
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def by_itself(out: Path, _: pytest.MonkeyPatch) -> str:
    experiment().run(out)
    return str(out)


def with_two_workers(out: Path, _: pytest.MonkeyPatch) -> str:
    experiment().run(out, workers=2)
    return str(out)


def with_workers_in_words(out: Path, _: pytest.MonkeyPatch) -> str:
    experiment().run(str(out), workers="2")
    return str(out)


def in_another_order(out: Path, patch: pytest.MonkeyPatch) -> str:
    real = Schedule.list_due
    patch.setattr(Schedule, "list_due", lambda self: Random(1).sample(due := real(self), len(due)))
    experiment().run(out)
    assert [line["block"] for line in lines(out)] != NAMES
    return str(out)


def stopped_and_resumed(out: Path, _: pytest.MonkeyPatch) -> str:
    for after in (1, 4, 0, 2):
        stop(out, after, resume=True)
    experiment().run(out, resume=True)
    return str(out)


def in_memory(_: Path, __: pytest.MonkeyPatch) -> str:
    experiment().run(MEMORY)
    return MEMORY


def in_memory_stopped_and_resumed(_: Path, __: pytest.MonkeyPatch) -> str:
    for after in (3, 5):
        stop(MEMORY, after, resume=True)
    experiment().run(MEMORY, resume=True)
    return MEMORY


def by_url(out: Path, _: pytest.MonkeyPatch) -> str:
    experiment().run(f"file://{out}")
    return str(out)


def over_an_earlier_one(out: Path, _: pytest.MonkeyPatch) -> str:
    experiment().run(out)
    experiment().run(out)
    return str(out)


WAYS = [
    by_itself, with_two_workers, with_workers_in_words, in_another_order, stopped_and_resumed,
    in_memory, in_memory_stopped_and_resumed, by_url, over_an_earlier_one,
]  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
def test_results_are_the_same_bytes(
    way: Callable[[Path, pytest.MonkeyPatch], str],
    untroubled: dict[str, bytes],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert read_files(way(tmp_path / "run", monkeypatch)) == untroubled


@pytest.mark.parametrize(
    "settings",
    [{"seed": 4}, {"simulation": Simulation(discount=0.5)}],
    ids=["another seed", "another discount"],
)
def test_other_settings_give_other_bytes(
    settings: dict[str, Any], untroubled: dict[str, bytes], tmp_path: Path
) -> None:
    experiment(**settings).run(tmp_path / "run")
    other = read_files(tmp_path / "run")
    assert all(other[name] != content for name, content in untroubled.items() if "block" in name)


def test_a_longer_run_begins_with_the_blocks_of_a_shorter_one(
    untroubled: dict[str, bytes], tmp_path: Path
) -> None:
    experiment(replications=(BLOCKS + 2) * SIZE).run(tmp_path / "run")
    longer = read_files(tmp_path / "run")
    assert len(longer) == len(untroubled) + 2 * len(POINTS)
    assert all(longer[f"blocks/{name}.parquet"] == untroubled[f"blocks/{name}.parquet"]
               for name in NAMES)  # fmt: skip


def test_what_is_no_multiple_of_a_block_is_one_smaller_block(tmp_path: Path) -> None:
    experiment(points=POINTS[:1], replications=SIZE // 2).run(tmp_path / "run")
    assert load(tmp_path / "run").table("totals")["replication"].tolist() == list(range(SIZE // 2))


def test_numbers_of_numpy_are_numbers(untroubled: dict[str, bytes], tmp_path: Path) -> None:
    experiment(
        points=[point | {"prior_sd": np.float64(point["prior_sd"])} for point in POINTS],
        replications=np.int64(BLOCKS * SIZE), block=np.int32(SIZE), periods=np.int16(PERIODS),
        seed=np.uint64(SEED), simulation=Simulation(np.float64(0.9)),
    ).run(tmp_path / "run")  # fmt: skip
    assert read_files(tmp_path / "run") == untroubled


def test_a_summary_is_that_of_all_replications_at_once(tmp_path: Path) -> None:
    out = tmp_path / "run"
    experiment(simulation=Simulation(record="full")).run(out)
    keys = ["makers", "prior_sd", "period", "maker"]
    run = load(out)
    makers = run.table("makers").assign(
        spread=lambda frame: frame["ask"] - frame["bid"],
        belief_error=lambda frame: belief_error(frame, run.table("market")),
    )
    metrics = [
        "spread", "belief_mean", "belief_sd", "belief_error", "filled", "inventory", "profit"
    ]  # fmt: skip
    samples = makers[[*keys, *metrics]].astype({"filled": float, "makers": str, "maker": str})
    long = samples.melt(keys, metrics, "metric")
    expected = long.groupby([*keys, "metric"])["value"].agg(["count", "mean", "var"])
    summary = run.table("summary").dropna(subset="maker")
    made = summary.astype({"makers": str, "maker": str, "metric": str})
    assert_frame_equal(
        made.set_index([*keys, "metric"]).sort_index(),
        expected.rename(columns={"var": "variance"}),
        check_dtype=False, rtol=1e-9, atol=1e-12,
    )  # fmt: skip


@pytest.mark.parametrize("workers", [1, 2])
def test_progress_counts_blocks_and_arrivals(workers: int, tmp_path: Path) -> None:
    seen: list[Progress] = []
    made = experiment()
    with RunFolder(tmp_path / "run", "mine", made.parameters, made.described_points) as folder:
        made.run_blocks(folder, workers, seen.append)
    assert seen[0] == (0, 0, len(NAMES), 0)
    assert seen[-1] == (len(NAMES), 0, len(NAMES), len(NAMES) * SIZE * PERIODS)
    assert [now.finished for now in seen] == list(range(len(NAMES) + 1))


@pytest.mark.parametrize("workers", [1, 2])
def test_what_is_done_meanwhile_is_done_once_also_where_no_block_is_due(
    workers: int, tmp_path: Path
) -> None:
    done: list[int] = []
    made = experiment()
    for resume in (False, True):
        with RunFolder(
            tmp_path / "run", "mine", made.parameters, made.described_points, code=made.code,
            resume=resume,
        ) as folder, suppress(KeyboardInterrupt):  # fmt: skip
            made.run_blocks(folder, workers, meanwhile=lambda: done.append(1))
            assert len(done) == 1 + resume
            raise KeyboardInterrupt


def test_arrivals_of_an_earlier_run_are_not_counted(tmp_path: Path) -> None:
    seen: list[Progress] = []
    made = experiment()
    stop(tmp_path / "run", 5, made, name="mine")
    with RunFolder(
        tmp_path / "run", "mine", made.parameters, made.described_points, code=made.code,
        resume=True,
    ) as folder:  # fmt: skip
        made.run_blocks(folder, watch=seen.append)
    assert seen[0].finished >= 5
    assert seen[0].arrivals == 0
    done = seen[-1].finished - seen[0].finished
    assert seen[-1].arrivals == done * SIZE * PERIODS


def breaks(file: Path, error: str = "ZeroDivisionError") -> Experiment:
    file.touch()
    maker = partial(Fragile, file=str(file), error=error)
    return experiment(points=grid(makers=["zero-profit", [maker, "myopic"]], prior_sd=[0.5, 1.5]))


FAILING = ["0002-00002", "0003-00002"]


@pytest.mark.parametrize("workers", [1, 2])
def test_a_block_that_raises_is_recorded_and_the_others_finish(
    workers: int, tmp_path: Path
) -> None:
    out, made = tmp_path / "run", breaks(tmp_path / "broken")
    with pytest.raises(BlocksFailedError) as failure:
        made.run(out, workers=workers)
    assert not out.exists()
    noted = {line["block"]: line for line in lines(partial_of(out))}
    assert sorted(noted) == NAMES
    assert [name for name in NAMES if "stamp" not in noted[name]] == FAILING
    for number, name in ((2, FAILING[0]), (3, FAILING[1])):
        assert noted[name]["point"] == made.described_points[number]
        assert noted[name]["seed"] == SEED
        assert noted[name]["error"].startswith("MakerError: maker 'fragile' raised an error when ")
        line = (
            r"in period 2 \(test_experiment\.py, line \d+\): ZeroDivisionError: a mistake of hers"
        )
        assert re.search(line, noted[name]["error"])
        assert "in quote\n" in noted[name]["traceback"]
        assert f'File "{__file__}"' in noted[name]["traceback"]
    said = str(failure.value)
    assert said.startswith("2 of 12 blocks failed, 10 blocks are finished and kept: --resume ")
    assert "ZeroDivisionError: a mistake of hers" in said
    assert any(f"{name} at {noted[name]['point']}, seed {SEED}" in said for name in FAILING)


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("error", ["UnpicklableError", "OSError", "SystemExit"])
def test_an_error_of_any_kind_is_the_blocks_own(error: str, workers: int, tmp_path: Path) -> None:
    with pytest.raises(BlocksFailedError, match=rf"2 of 12 blocks failed, 10 .* {error}: "):
        breaks(tmp_path / "broken", error).run(tmp_path / "run", workers=workers)


def test_resume_tries_failed_blocks_again_and_only_these(
    tmp_path: Path, simulations: Simulations
) -> None:
    out, broken = tmp_path / "run", tmp_path / "broken"
    made = breaks(broken)
    for tried in (NAMES, FAILING):
        simulations.tasks.clear()
        with pytest.raises(BlocksFailedError, match="2 of 12 blocks failed, 10 blocks are fin"):
            made.run(out, resume=True)
        assert simulations.tasks == tried
    broken.unlink()
    simulations.tasks.clear()
    made.run(out, resume=True)
    assert simulations.tasks == FAILING
    made.run(tmp_path / "untroubled")
    assert read_files(out) == read_files(tmp_path / "untroubled")
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_a_run_without_a_block_that_finished_can_be_started_anew(tmp_path: Path) -> None:
    out, broken = tmp_path / "run", tmp_path / "broken"
    broken.touch()
    made = experiment(
        points=grid(makers=[partial(Fragile, file=str(broken))]), replications=SIZE, block=SIZE
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(f"{__name__}.BROKEN", 0)
        with pytest.raises(BlocksFailedError, match="1 of 1 blocks failed, 0 blocks are finished"):
            made.run(out)
        assert [line["block"] for line in lines(partial_of(out))] == ["0000-00000"]
    broken.unlink()
    made.run(out)
    assert set(read_files(out)) == {"blocks/0000-00000.parquet", "summary.parquet", RUN_FILE}


def anothers(file: Path) -> None:
    file.write_bytes(block(file.parent.parent, NAMES[1]).read_bytes())


def of_another_seed(file: Path) -> None:
    name = file.stem
    experiment(seed=SEED + 1).run("memory://experiment/other")
    file.write_bytes(Store("memory://experiment/other").read(f"blocks/{name}.parquet"))


def flipped(file: Path) -> None:
    group = parquet.read_metadata(file).row_group(0)
    (means,) = (group.column(at) for at in range(group.num_columns)
                if group.column(at).path_in_schema == "mean")  # fmt: skip
    content = bytearray(file.read_bytes())
    content[means.data_page_offset + means.total_compressed_size // 2] ^= 1
    file.write_bytes(content)


def with_other_metadata(file: Path) -> None:
    content = file.read_bytes()
    assert content.count(b"seed") == 1
    file.write_bytes(content.replace(b"seed", b"sead"))


SEEN_AT_ONCE = {
    truncated: r"has \d+ bytes, but the run wrote \d+",
    emptied: r"has 0 bytes, but the run wrote \d+",
    removed: "is missing",
    zeroed: "cannot be read as Parquet",
    anothers: "",
    of_another_seed: "",
    with_other_metadata: "is a block of another run",
}
SEEN_BY_EVERY_BYTE = {flipped: "other bytes", anothers: ""}
DAMAGES = [
    *((damage, said, False) for damage, said in SEEN_AT_ONCE.items()),
    *((damage, said, True) for damage, said in SEEN_BY_EVERY_BYTE.items()),
]
Damage = Callable[[Path], None]


@pytest.mark.parametrize("ended", [False, True], ids=["unfinished", "finished"])
@pytest.mark.parametrize(
    ("damage", "said", "verify"),
    DAMAGES,
    ids=[f"{damage.__name__}{'-every-byte' * verify}" for damage, _, verify in DAMAGES],
)
def test_a_damaged_block_is_detected_said_and_made_again(
    damage: Damage, said: str, verify: bool, ended: bool, untroubled: dict[str, bytes],
    tmp_path: Path, simulations: Simulations,
) -> None:  # fmt: skip
    out = tmp_path / "run"
    if ended:
        experiment().run(out)
    else:
        stop(out, 10)
    damaged = block(out if ended else partial_of(out), NAMES[4])
    damage(damaged)
    simulations.tasks.clear()
    with pytest.warns(DamageWarning, match=rf"0001-00001\.parquet .*{said}.*: its block is made"):
        experiment().run(out, resume=True, verify=verify)
    assert set(simulations.tasks) <= {NAMES[4], *NAMES[10:]}
    assert NAMES[4] in simulations.tasks
    assert read_files(out) == untroubled


def test_a_flipped_bit_that_resume_did_not_look_for_is_said_when_the_block_is_read(
    untroubled: dict[str, bytes], tmp_path: Path
) -> None:
    out = tmp_path / "run"
    stop(out, 10)
    flipped(block(partial_of(out), NAMES[4]))
    with pytest.raises(OSError, match=r"0001-00001\.parquet .*--verify"):
        experiment().run(out, resume=True)
    with pytest.warns(DamageWarning, match=r"0001-00001\.parquet has other bytes"):
        experiment().run(out, resume=True, verify=True)
    assert read_files(out) == untroubled


def test_a_flipped_bit_in_a_finished_run_is_said_when_the_block_is_read(tmp_path: Path) -> None:
    experiment().run(tmp_path / "run")
    flipped(block(tmp_path / "run", NAMES[4]))
    with pytest.raises(ValueError, match=r"0001-00001\.parquet cannot be read"):
        load(tmp_path / "run").blocks("summary")


@pytest.mark.parametrize("damage", [truncated, removed, zeroed], ids=lambda one: one.__name__)
def test_a_damaged_summary_is_said_and_made_again_from_the_blocks(
    damage: Damage, untroubled: dict[str, bytes], tmp_path: Path, simulations: Simulations
) -> None:
    out = tmp_path / "run"
    experiment().run(out)
    damage(out / "summary.parquet")
    simulations.tasks.clear()
    with pytest.warns(DamageWarning, match=r"summary\.parquet .*: it is made again"):
        experiment().run(out, resume=True)
    assert simulations.tasks == []
    assert read_files(out) == untroubled


@pytest.mark.parametrize("text", ["", "{", "[]", f'{{"format": {FORMAT}}}'])
def test_a_damaged_description_is_refused_and_nothing_is_lost(text: str, tmp_path: Path) -> None:
    out = tmp_path / "run"
    experiment().run(out)
    (out / RUN_FILE).write_text(text)
    before = read_files(out)
    says = r"(holds files, but no run's run\.json|is not what a run writes \(.*\)): choose"
    with pytest.raises(FolderTakenError, match=says):
        experiment().run(out, resume=True)
    assert read_files(out) == before


def unlisted(folder: Path) -> str:
    """Take the line of a block out of the manifest, as if the run was killed before it."""
    file = folder / MANIFEST_FILE
    kept = [line for line in file.read_text().splitlines(keepends=True) if NAMES[4] not in line]
    file.write_text("".join(kept))
    return NAMES[4]


def cut_off(folder: Path) -> str:
    """Cut off the last line of the manifest, as if the run was killed within it."""
    file = folder / MANIFEST_FILE
    last: str = lines(folder)[-1]["block"]
    file.write_text(file.read_text()[:-60])
    return last


def gone(folder: Path) -> str:
    (folder / MANIFEST_FILE).unlink()
    return NAMES[0]


@pytest.mark.parametrize("loss", [unlisted, cut_off, gone])
def test_a_whole_block_that_is_not_listed_is_taken_in(
    loss: Callable[[Path], str], untroubled: dict[str, bytes], tmp_path: Path,
    simulations: Simulations,
) -> None:  # fmt: skip
    out = tmp_path / "run"
    stop(out, 10)
    lost = loss(partial_of(out))
    simulations.tasks.clear()
    experiment().run(out, resume=True)
    assert lost not in simulations.tasks
    assert read_files(out) == untroubled
    assert {line["block"] for line in lines(out)} == set(NAMES)


OTHERS: dict[str, dict[str, Any]] = {
    "seed": {"seed": SEED + 1}, "periods": {"periods": PERIODS + 1},
    "discount": {"simulation": Simulation(discount=0.5)},
}  # fmt: skip


@pytest.mark.parametrize("other", OTHERS)
@pytest.mark.parametrize("is_noted", [False, True])
def test_a_block_of_another_run_is_made_again(
    other: str, is_noted: bool, untroubled: dict[str, bytes], tmp_path: Path
) -> None:
    out = tmp_path / "run"
    stop(out, 10)
    experiment(**OTHERS[other]).run(tmp_path / "other")
    name = NAMES[0] if is_noted else NAMES[-1]
    strange = block(tmp_path / "other", name).read_bytes()
    block(partial_of(out), name).write_bytes(strange)
    if is_noted:
        forged = Finished(name, Stamp.of(strange, ["summary", "totals"]), 0.0)
        Manifest(Store(partial_of(out))).add(forged)
    with pytest.warns(DamageWarning, match=r"is no block of this run|is a block of another run"):
        experiment().run(out, resume=True)
    assert read_files(out) == untroubled


def test_a_block_beyond_those_of_a_run_is_refused(tmp_path: Path) -> None:
    out = tmp_path / "run"
    stop(out, 10)
    experiment(replications=(BLOCKS + 1) * SIZE).run(tmp_path / "longer")
    beyond = block(partial_of(out), f"0000-{BLOCKS:05d}")
    beyond.write_bytes(block(tmp_path / "longer", beyond.stem).read_bytes())
    for _ in range(2):
        with pytest.raises(
            FolderTakenError, match=rf"{beyond} is a block that this run does not h"
        ):
            experiment().run(out, resume=True)
    assert beyond.exists()


@pytest.mark.parametrize("damage", [truncated, emptied, flipped, anothers])
def test_a_damaged_block_that_is_not_listed_is_made_again(
    damage: Damage, untroubled: dict[str, bytes], tmp_path: Path, simulations: Simulations
) -> None:
    out = tmp_path / "run"
    stop(out, 10)
    lost = unlisted(partial_of(out))
    damage(block(partial_of(out), lost))
    simulations.tasks.clear()
    with pytest.warns(DamageWarning, match=r"is no block of this run: it is made again"):
        experiment().run(out, resume=True)
    assert lost in simulations.tasks
    assert read_files(out) == untroubled


@pytest.mark.parametrize(
    "file",
    [f"blocks/.0000-00001.parquet.{TAG}", f".{RUN_FILE}.{TAG}", "summary.parquet"],
    ids=["block", "description", "summary"],
)
def test_what_a_kill_amid_writing_left_is_gone_in_the_end(
    file: str, untroubled: dict[str, bytes], tmp_path: Path
) -> None:
    out = tmp_path / "run"
    stop(out, 10)
    (partial_of(out) / file).write_bytes(b"half of wh")
    experiment().run(out, resume=True)
    assert read_files(out) == untroubled


def test_a_run_killed_before_its_folder_was_described_is_begun_anew(
    untroubled: dict[str, bytes], tmp_path: Path
) -> None:
    out = tmp_path / "run"
    partial_of(out).mkdir()
    (partial_of(out) / f".{UNFINISHED_FILE}.{TAG}").write_bytes(b"{")
    experiment().run(out, resume=True)
    assert read_files(out) == untroubled


@pytest.mark.parametrize("file", [UNFINISHED_FILE, None])
def test_a_run_killed_amid_its_end_is_completed(
    file: str | None, untroubled: dict[str, bytes], tmp_path: Path, simulations: Simulations
) -> None:
    out = tmp_path / "run"
    experiment().run(out)
    out.rename(partial_of(out))
    if file:
        (partial_of(out) / file).write_bytes((partial_of(out) / RUN_FILE).read_bytes())
    simulations.tasks.clear()
    experiment().run(out, resume=True)
    assert simulations.tasks == []
    assert read_files(out) == untroubled


def test_an_unfinished_run_is_not_thrown_away_unasked(tmp_path: Path) -> None:
    out = tmp_path / "run"
    stop(out, 4)
    before = read_files(partial_of(out))
    with pytest.raises(
        FolderTakenError, match=r"unfinished, with \d+ finished blocks: .* --resume"
    ):
        experiment().run(out)
    assert read_files(partial_of(out)) == before


def test_a_run_elsewhere_that_is_whole_is_not_replaced_unasked(
    untroubled: dict[str, bytes],
) -> None:
    experiment().run(MEMORY)
    with pytest.raises(FolderTakenError, match="holds this run already: --resume checks it, or"):
        experiment().run(MEMORY)
    assert read_files(MEMORY) == untroubled


CHANGES: list[tuple[dict[str, Any], str]] = [
    ({"seed": 4}, "seed is 3 there, 4 here"),
    ({"periods": 6}, "periods is 5 there, 6 here"),
    ({"replications": 80}, "replications is 60 there, 80 here"),
    ({"block": 10}, "block is 20 there, 10 here"),
    ({"simulation": Simulation(discount=0.5)}, "discount is 0.9 there, 0.5 here"),
    ({"simulation": Simulation(record="full")}, "record is summary there, full here"),
    ({"target": Target(0.5)}, "target is absent there, {'se': 0.5"),
    ({"points": POINTS[:2]}, "point 1 is absent there"),
    ({"seed": 4, "periods": 6}, "periods is 5 there, 6 here; seed is 3 there, 4 here"),
]


@pytest.mark.parametrize(
    ("ended", "resume"), [(False, True), (True, False), (True, True)],
    ids=["unfinished", "finished-anew", "finished"],
)  # fmt: skip
@pytest.mark.parametrize(("changed", "difference"), CHANGES, ids=[said for _, said in CHANGES])
def test_a_folder_made_with_other_parameters_is_refused_with_the_difference(
    changed: dict[str, Any], difference: str, resume: bool, ended: bool, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    made = experiment(points=POINTS[:1], replications=60)
    if ended:
        made.run(out)
    else:
        stop(out, 1, made)
    folder = out if ended else partial_of(out)
    before = read_files(folder)
    with pytest.raises(FolderTakenError) as refusal:
        experiment(**({"points": POINTS[:1]} | changed)).run(out, resume=resume)
    assert "holds another run (" in str(refusal.value)
    assert f"{difference}" in str(refusal.value)
    assert "choose another folder (--out), or remove this one" in str(refusal.value)
    assert read_files(folder) == before


def numpy_of_old(there: dict[str, Any]) -> str:
    there["versions"]["numpy"] = "1.0"
    return f"numpy is 1.0 there, {np.__version__} here"


def without_scipy(there: dict[str, Any]) -> str:
    del there["versions"]["scipy"]
    return "scipy is absent there, "


@pytest.mark.parametrize("ended", [False, True], ids=["unfinished", "finished"])
@pytest.mark.parametrize("version", [numpy_of_old, without_scipy], ids=lambda one: one.__name__)
def test_a_run_by_other_versions_is_refused_with_the_difference(
    version: Callable[[dict[str, Any]], str], ended: bool, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    if ended:
        experiment().run(out)
    else:
        stop(out, 10)
    folder = out if ended else partial_of(out)
    file = folder / (RUN_FILE if ended else UNFINISHED_FILE)
    there = json.loads(file.read_text())
    difference = version(there)
    file.write_text(json.dumps(there))
    before = read_files(folder)
    with pytest.raises(FolderTakenError) as refusal:
        experiment().run(out, resume=True)
    assert f"other versions or code ({difference}" in str(refusal.value)
    assert "resume it with those, choose another folder (--out), or remove this one" in str(
        refusal.value
    )
    assert read_files(folder) == before


@pytest.mark.parametrize("ended", [False, True], ids=["unfinished", "finished"])
@pytest.mark.parametrize(
    "line", ['{"name": "0000-00000", "state": "done"}', '["0000-00000", "done"]', "17"]
)
def test_a_run_in_another_format_is_refused_whatever_its_manifest_looks_like(
    line: str, ended: bool, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    if ended:
        experiment().run(out)
    else:
        stop(out, 10)
    folder = out if ended else partial_of(out)
    file = folder / (RUN_FILE if ended else UNFINISHED_FILE)
    there = json.loads(file.read_text()) | {"format": 99, "mood": "good"}
    file.write_text(json.dumps(there))
    (folder / MANIFEST_FILE).write_text(f"{line}\n")
    before = read_files(folder)
    with pytest.raises(
        FolderTakenError, match=rf"of format 99, but .* format {FORMAT}: read it with"
    ):
        experiment().run(out, resume=True)
    assert read_files(folder) == before


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("verify", [False, True])
def test_a_finished_run_is_left_as_it_is_by_resume(
    workers: int, verify: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, made = tmp_path / "run", experiment()
    made.run(out, name="mine")
    times = {path: path.stat().st_mtime_ns for path in out.rglob("*")}

    def simulates(*_: Any) -> None:
        raise AssertionError("it simulates")

    monkeypatch.setattr(Simulation, "run", simulates)
    monkeypatch.setattr(Experiment, "run_blocks", simulates)
    made.run(out, name="mine", workers=workers, resume=True, verify=verify)
    with RunFolder(
        out, "mine", made.parameters, made.described_points, code=made.code, resume=True,
        verify=verify,
    ) as folder:  # fmt: skip
        assert folder.finished
        assert sorted(folder.manifest.finished) == NAMES
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*")} == times
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


@pytest.mark.parametrize("resume", [False, True])
def test_two_runs_do_not_write_to_one_folder_at_once(resume: bool, tmp_path: Path) -> None:
    out, made = tmp_path / "run", experiment()
    with RunFolder(out, "experiment", made.parameters, made.described_points) as folder:
        made.run_blocks(folder)
        with pytest.raises(FolderTakenError, match="is being written by another run: wait until"):
            made.run(out, resume=resume)
        made.summarise(folder)
    assert set(read_files(out)) == FILES


def until(se: float, **changed: Any) -> Experiment:
    target = Target(se, "profit", CAP * SIZE)
    return experiment(replications=2 * SIZE, target=target, **changed)


def test_until_a_standard_error_every_point_has_the_blocks_that_it_needs(tmp_path: Path) -> None:
    out = tmp_path / "run"
    until(0.12).run(out)
    totals = load(out).table("totals").astype({"makers": str, "maker": str})
    of_point = totals.groupby(["makers", "prior_sd"], sort=False)
    blocks = of_point["block"].nunique()
    errors = totals.groupby(["makers", "prior_sd", "maker"])["profit"].sem()
    reached = errors.groupby(["makers", "prior_sd"]).max() <= 0.12
    assert (reached | (blocks == CAP)).all()
    assert reached.sum() == 2
    assert 2 < blocks.min() < blocks.max() == CAP
    summary = load(out).table("summary").query("metric == 'no_trade' and period == 0")
    assert summary["count"].tolist() == [SIZE * number for number in blocks]


@pytest.mark.parametrize("workers", [1, 2])
def test_until_a_standard_error_stops_and_workers_leave_no_trace(
    workers: int, tmp_path: Path
) -> None:
    until(0.12).run(tmp_path / "untroubled")
    for after in (1, 7, 3):
        stop(tmp_path / "run", after, until(0.12), resume=True)
    until(0.12).run(tmp_path / "run", workers=workers, resume=True)
    assert read_files(tmp_path / "run") == read_files(tmp_path / "untroubled")


@pytest.mark.parametrize(
    ("changed", "error", "parts"),
    [
        ({"points": []}, ValueError, ["points is empty", "give a point, or more"]),
        *(
            ({"points": points}, TypeError, ["point", "must be", "grid"])
            for points in (POINTS[0], ["zero-profit"], "zero-profit", 3)
        ),
        ({"points": [POINTS[0], {"makers": "myopic"}]}, ValueError,
         ["point {'makers': 'myopic'}", "different parameters", "give the default"]),
        ({"points": POINTS[:1] * 2}, ValueError, ["is there twice", "told apart"]),
        ({"points": [{"makers": "mypic"}]}, ValueError, ["maker is 'mypic'", "mean 'myopic'?"]),
        ({"points": [{"maker": "myopic"}]}, ValueError, ["is 'maker'", "did you mean 'makers'?"]),
        ({"replications": 50}, ValueError, ["replications is 50", "above 20", "a multiple of 20"]),
        ({"replications": 0}, ValueError, ["replications is 0", "at least 1", "a whole number"]),
        ({"replications": 1e4}, TypeError, ["replications is 10000.0, a float", "give an int"]),
        ({"block": 0}, ValueError, ["block is 0", "at least 1"]),
        ({"block": "20"}, TypeError, ["block is '20', a str", "give an int"]),
        ({"periods": 40000}, ValueError, ["periods is 40000", "at most 32767"]),
        ({"periods": True}, TypeError, ["periods is True, a bool", "give an int"]),
        ({"seed": -1}, ValueError, ["seed is -1", "at least 0"]),
        ({"seed": None}, TypeError, ["seed is None", "give an int"]),
        ({"simulation": 0.9}, TypeError, ["simulation is 0.9", "must be a Simulation"]),
        ({"target": 0.01}, TypeError, ["target is 0.01", "Target"]),
        ({"target": Target(0.1, "profit", 50)}, ValueError, ["at_most is 50", "multiple of 20"]),
        ({"target": Target(0.1, "profit", 40)}, ValueError, ["at_most is 40", "60"]),
    ],
    ids=str,
)  # fmt: skip
def test_bad_input_is_refused_at_the_door(
    changed: dict[str, Any], error: type[Exception], parts: list[str]
) -> None:
    with pytest.raises(error) as refusal:
        experiment(**changed)
    for part in parts:
        assert part in str(refusal.value)


@pytest.mark.parametrize(
    ("arguments", "error", "parts"),
    [
        ((0.0,), ValueError, ["se is 0.0", "above zero", "a positive number"]),
        (("tiny",), TypeError, ["se is 'tiny'", "a number"]),
        (("0.1",), TypeError, ["se is '0.1'", "a number"]),
        ((0.1j,), TypeError, ["se is 0.1j", "a number"]),
        ((0.1, "proft"), ValueError, ["is 'proft'", "did you mean 'profit'?"]),
        ((0.1, "profit", 2.0), TypeError, ["at_most is 2.0, a float", "give an int"]),
    ],
    ids=str,
)
def test_a_target_refuses_what_it_cannot_aim_at(
    arguments: tuple[Any, ...], error: type[Exception], parts: list[str]
) -> None:
    with pytest.raises(error) as refusal:
        Target(*arguments)
    for part in parts:
        assert part in str(refusal.value)


def test_memory_that_other_processes_do_not_share_is_refused_for_them() -> None:
    with pytest.raises(ValueError, match=r"memory://experiment.*workers"):
        experiment().run(MEMORY, workers=2)


def test_bad_workers_are_refused_and_leave_nothing(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="workers is 'many', but must be a number of processes"):
        experiment().run(tmp_path / "run", workers="many")
    assert list(tmp_path.iterdir()) == []
