"""Which blocks are needed: decided by results alone, and added only where the noise is."""

from collections.abc import Callable, Iterator
from functools import partial
from math import ceil, isfinite
from random import Random

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from abm.experiment.schedule import Schedule, Target
from abm.experiment.simulation import BlockTask
from abm.numerics.arrays import Array
from abm.runs.integrity import Stamp
from abm.runs.manifest import Failed, Finished, Manifest, block_file
from abm.runs.parquet import make_table, pack_tables
from abm.runs.schema import TOTALS
from abm.runs.store import Store
from tests.files import empty_folder

SIZE, FIRST, MOST = 8, 3, 20
METRIC = "spread"
NOISE = [{"calm": 0.1}, {"calm": 0.1, "wild": 3.0}, {"steady": 1.0}, {"constant": 0.0}]
TARGET = Target(0.1, METRIC)

Samples = Callable[[int, int], dict[str, Array]]
"""What the makers of a point have in a block, by the numbers of both."""


def noisy(point: int, block: int) -> dict[str, Array]:
    draws = np.random.default_rng([point, block])
    return {maker: sd * draws.standard_normal(SIZE) for maker, sd in NOISE[point].items()}


def list_tasks(point: int, blocks: int) -> list[BlockTask]:
    return [
        BlockTask(f"{point:04d}-{number:05d}", {}, number, SIZE, 1, 0) for number in range(blocks)
    ]


class Bench:
    """A folder of blocks that are made up, and the schedule for them."""

    def __init__(
        self,
        samples: Samples = noisy,
        target: Target | None = TARGET,
        *,
        points: int = len(NOISE),
        first: int = FIRST,
        most: int = MOST,
    ) -> None:
        empty_folder("memory://bench")
        self.store = Store("memory://bench")
        self.manifest = Manifest(self.store)
        self.samples = samples
        self.points = range(points)
        self.limits = first, most
        self.target = target
        self.schedule = self.afresh()

    def afresh(self) -> Schedule:
        return Schedule(
            list_tasks, len(self.points), *self.limits, self.target, self.store, self.manifest
        )

    def finish(self, task: BlockTask) -> None:
        hers = self.samples(int(task.name[:4]), task.block)
        columns = {
            "replication": np.repeat(np.arange(SIZE), len(hers)),
            "maker": np.tile(list(hers), SIZE),
        } | {one.name: np.full(SIZE * len(hers), 7.0) for one in TOTALS[2:]}
        columns[METRIC] = np.stack(list(hers.values()), axis=-1).ravel()
        content = pack_tables({"totals": make_table(columns, TOTALS)}, {})
        self.store.write(block_file(task.name), content)
        self.manifest.add(Finished(task.name, Stamp.of(content, ["totals"]), 0.0))

    def fail(self, task: BlockTask) -> None:
        self.manifest.add(Failed(task.name, {}, 0, "ValueError: it", "Traceback: it"))

    def complete(
        self, chosen: Callable[[list[BlockTask]], BlockTask] = lambda due: due[0]
    ) -> list[int]:
        while due := self.schedule.list_due():
            self.finish(chosen(due))
        return self.stages

    @property
    def stages(self) -> list[int]:
        return [len(self.schedule.list_tasks(point)) for point in self.points]


def names(due: list[BlockTask]) -> list[str]:
    return [task.name for task in due]


def standard_error(samples: Samples, point: int, blocks: int) -> float:
    """Return the largest standard error of a normal mean with the interval of a maker's mean.

    What never varied is as uncertain as can be.
    """
    rows = pd.concat([pd.DataFrame(samples(point, block)) for block in range(blocks)])
    wider = stats.t.ppf(0.975, rows.count() - 1) / stats.norm.ppf(0.975)
    errors = rows.sem() * wider
    return float(errors.where(errors != 0, np.inf).max(skipna=False))


def expected(samples: Samples, point: int, target: Target, first: int, most: int) -> int:
    blocks = first
    while blocks < most and not (error := standard_error(samples, point, blocks)) <= target.se:
        more = blocks * (error / target.se) ** 2 if isfinite(error) else np.inf
        blocks = min(2 * blocks, most, max(blocks + 1, ceil(min(more, 1e9))))
    return blocks


EXPECTED = [expected(noisy, point, TARGET, FIRST, MOST) for point in range(len(NOISE))]


@pytest.fixture(autouse=True)
def emptied() -> Iterator[None]:
    yield
    empty_folder("memory://bench")


def test_without_a_target_every_point_has_the_same_blocks() -> None:
    bench = Bench(target=None, most=0)
    wanted = [f"{point:04d}-{block:05d}" for point in range(4) for block in range(FIRST)]
    assert names(bench.schedule.list_due()) == wanted
    assert bench.schedule.planned == len(wanted)
    assert bench.complete() == [FIRST] * 4
    assert bench.schedule.list_due() == []


def test_blocks_are_added_only_where_the_noise_is() -> None:
    stages = Bench().complete()
    assert stages == EXPECTED
    assert stages[0] == FIRST
    assert stages[3] == MOST  # nothing varied, which proves nothing
    assert FIRST < stages[2] < stages[1] == MOST


def test_planned_counts_all_blocks_of_the_present_stages() -> None:
    bench = Bench()
    assert bench.schedule.planned == FIRST * len(NOISE)
    bench.complete()
    assert bench.schedule.planned == sum(EXPECTED)


@pytest.mark.parametrize("seed", range(3))
def test_the_order_in_which_blocks_are_done_leaves_no_trace(seed: int) -> None:
    assert Bench().complete(Random(seed).choice) == EXPECTED


@pytest.mark.parametrize("seed", range(3))
def test_blocks_that_were_there_before_leave_no_trace(seed: int) -> None:
    bench, chance = Bench(), Random(seed)
    for point in range(len(NOISE)):
        for task in list_tasks(point, MOST + 5):
            if chance.random() < 0.6:
                bench.finish(task)
    before = set(bench.manifest.finished)
    bench.schedule = bench.afresh()
    assert bench.complete() == EXPECTED
    wanted = {one.name for point, stage in enumerate(EXPECTED) for one in list_tasks(point, stage)}
    assert set(bench.manifest.finished) == before | wanted


def test_a_schedule_made_afresh_midway_goes_on_as_the_first_one_would() -> None:
    bench = Bench()
    while due := bench.schedule.list_due():
        for task in due[::2]:
            bench.finish(task)
        bench.schedule = bench.afresh()
    assert bench.stages == EXPECTED


def test_no_stage_begins_before_every_block_of_the_last_is_there() -> None:
    bench = Bench()
    *others, last = (task for task in bench.schedule.list_due() if task.name.startswith("0001"))
    for task in others:
        bench.finish(task)
        assert bench.stages[1] == FIRST
    assert [name for name in names(bench.schedule.list_due()) if name[:4] == "0001"] == [last.name]
    bench.finish(last)
    more = [name for name in names(bench.schedule.list_due()) if name[:4] == "0001"]
    assert more == [task.name for task in list_tasks(1, 2 * FIRST)[FIRST:]]


def test_a_failed_block_is_not_due_and_holds_up_its_point_alone() -> None:
    bench = Bench()
    failed = bench.schedule.list_due()[FIRST + 1]
    bench.fail(failed)
    assert failed.name not in names(bench.schedule.list_due())
    assert bench.complete() == [FIRST, FIRST, *EXPECTED[2:]]
    bench.manifest.failed.clear()
    assert names(bench.schedule.list_due()) == [failed.name]
    assert bench.complete() == EXPECTED


@pytest.mark.parametrize("most", [1, FIRST, FIRST + 1, 2 * FIRST - 1, 2 * FIRST + 1])
def test_no_point_has_more_blocks_than_the_cap_but_for_the_first_stage(most: int) -> None:
    assert Bench(most=most).complete()[1] == max(FIRST, most)


@pytest.mark.parametrize(("ratio", "second"), [(1.001, 4), (1.2, 5), (1.3, 6), (2.0, 6), (1e9, 6)])
def test_a_stage_has_what_the_target_asks_for_but_at_most_twice_the_blocks(
    ratio: float, second: int
) -> None:
    def samples(_: int, block: int) -> dict[str, Array]:
        return noisy(2, block)

    error = standard_error(samples, 0, FIRST)
    bench = Bench(samples, Target(error / ratio, METRIC), points=1)
    for task in bench.schedule.list_due():
        bench.finish(task)
    bench.schedule.list_due()
    assert bench.stages == [second]


@pytest.mark.parametrize("blocks", [1, 2, 5])
@pytest.mark.parametrize("point", [1, 2])
def test_the_standard_error_is_that_of_all_replications_at_once(point: int, blocks: int) -> None:
    def samples(_: int, block: int) -> dict[str, Array]:
        return {maker: 1e6 + sample for maker, sample in noisy(point, block).items()}

    error = standard_error(samples, 0, blocks)
    for factor, stages in ((1 + 1e-6, [blocks]), (1 - 1e-6, [blocks + 1])):
        bench = Bench(samples, Target(error * factor, METRIC), points=1, first=blocks)
        for task in bench.schedule.list_due():
            bench.finish(task)
        bench.schedule.list_due()
        assert bench.stages == stages


def test_replications_in_which_the_metric_is_missing_are_left_out() -> None:
    def samples(point: int, block: int) -> dict[str, Array]:
        hers = noisy(point, block)["steady"]
        return {"maker": np.where(hers > 0.5, np.nan, hers)}

    target = Target(0.08, METRIC)
    bench = Bench(lambda _, block: samples(2, block), target, points=1)
    assert bench.complete() == [expected(samples, 2, target, FIRST, MOST)]
    assert FIRST < bench.stages[0] < MOST


@pytest.mark.parametrize("known", [0, 1])
def test_a_metric_too_rarely_there_for_a_standard_error_is_sought_up_to_the_cap(known: int) -> None:
    def samples(_: int, block: int) -> dict[str, Array]:
        return {"maker": np.where(np.arange(SIZE) < known * (block == 0), 1.0, np.nan)}

    bench = Bench(samples, TARGET, points=1)
    stages = []
    while due := bench.schedule.list_due():
        stages += bench.stages
        for task in due:
            bench.finish(task)
    assert stages == [3, 6, 12, MOST]


def test_one_maker_of_whom_nothing_is_known_does_not_hide_the_noise_of_another() -> None:
    def samples(_: int, block: int) -> dict[str, Array]:
        return noisy(1, block) | {name: np.full(SIZE, np.nan) for name in ("a", "z")}

    assert Bench(samples, points=1).complete() == [MOST]


def test_the_order_of_makers_leaves_no_trace() -> None:
    def samples(maker: str, _: int, block: int) -> dict[str, Array]:
        return noisy(0, block) | {maker: np.full(SIZE, np.nan)}

    before, after = (Bench(partial(samples, maker), points=1).complete() for maker in ("a", "z"))
    assert before == after
