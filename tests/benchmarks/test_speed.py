"""Speed of the exchange and the solver, and of a plain compiled loop of the same market.

    uv run pytest tests/benchmarks --benchmark-only             the table
    uv run pytest tests/benchmarks -s                           with notes, and the loop checked
    uv run pytest tests/benchmarks --benchmark-json=speed.json  the notes in a file

The notes (`extra_info`) give the cost of one arrival, that of one trader at one replication, in
nanoseconds. Fresh memory is at times slow on virtual machines: trust the minimum and the user time
above the mean. The loop, loop.c, is compiled by `cc -O3 -march=native` into a temporary folder.
"""

import ctypes
import resource
import shutil
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import mesa
import numpy as np
import pytest
from numpy.typing import NDArray

from abm import Exchange, Quote
from abm.bellman import solve
from abm.bellman import solver as bellman
from abm.makers import MarketMaker, OneMarket, ScalarMaker
from abm.runs.schema import KEYS, MAKERS, MARKET, TRADER

PRIOR_SD = 3.0
REPLICATIONS, PERIODS = 10_000, 100
ROUNDS = 15
PROTOTYPE = 170  # ns an arrival: what the first sketch of the engine took
ONE_AT_A_TIME = 20_000  # ns an arrival: Mesa with one market at a time
LEARNING = 1_000  # ns an arrival and maker: what learning may take
SCALARS = 11_000  # ns an arrival: what a first sketch of one market at a time took
COLUMNS = {
    (table, column.name): column.dtype
    for table, columns in (("market", MARKET), ("makers", MAKERS))
    for column in columns
    if column not in KEYS and column is not TRADER
}

Record = dict[tuple[str, str], NDArray[Any]]
Loop = Callable[[int, int, int], Record]


@pytest.fixture(scope="module")
def loop(tmp_path_factory: pytest.TempPathFactory) -> Loop:
    """Compile loop.c; it takes replications, periods and seed, and returns the record."""
    if shutil.which("cc") is None:
        pytest.skip("there is no C compiler here: install one that is called cc to compare")
    library = tmp_path_factory.mktemp("loop") / "loop.so"
    source = Path(__file__).with_name("loop.c")
    flags = ["-std=c11", "-O3", "-march=native", "-shared", "-fPIC"]
    subprocess.run(["cc", *flags, "-o", library, source, "-lm"], check=True)
    compiled = ctypes.CDLL(str(library)).run
    nodes = solve(0.9).depth.mesh.nodes
    rho = np.append(nodes[nodes < PRIOR_SD], PRIOR_SD)
    half_spread = solve(0.9).half_spread(rho)

    def run(replications: int, periods: int, seed: int) -> Record:
        record: Record = {
            key: np.empty((replications, periods), dtype) for key, dtype in COLUMNS.items()
        }
        record["makers", "cash"] = np.empty(replications)
        pointers = [column.ctypes.data for column in record.values()]
        compiled(
            ctypes.c_int64(replications),
            ctypes.c_int64(periods),
            ctypes.c_double(PRIOR_SD),
            ctypes.c_uint64(seed),
            ctypes.c_int64(len(rho)),
            rho.ctypes,
            half_spread.ctypes,
            (ctypes.c_void_p * len(pointers))(*pointers),
        )
        return record

    return run


def engine(maker: str | Sequence[str]) -> Exchange:
    return Exchange(maker, prior_sd=PRIOR_SD, replications=REPLICATIONS).run(PERIODS)


def timed(benchmark: Any, run: Callable[[], Any], arrivals: int, **references: float) -> Any:
    """Time `run` once warm, note what an arrival costs, and return what `run` returned last."""
    run()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_utime
    found = benchmark.pedantic(run, rounds=ROUNDS, iterations=1)
    user = (resource.getrusage(resource.RUSAGE_SELF).ru_utime - before) / ROUNDS
    if benchmark.enabled:
        stats = benchmark.stats.stats
        seconds = {"min": stats.min, "median": stats.median, "user": user}
        note(benchmark, **{f"ns_{name}": 1e9 * took / arrivals for name, took in seconds.items()})
    note(benchmark, **references)
    return found


def note(benchmark: Any, **notes: float) -> None:
    benchmark.extra_info.update(notes)
    for name, value in notes.items():
        print(f"\n{benchmark.name}: {name} = {value:.4g}", end=" ")


def test_the_loop_simulates_the_same_market(loop: Loop) -> None:
    size = 50_000
    market = Exchange("optimal", prior_sd=PRIOR_SD, replications=size, rng=5).run(PERIODS)
    record = loop(size, PERIODS, 5)
    weight = 0.9 ** np.arange(PERIODS)
    profit = market.tape.discounted_profit(0.9)[0], record["makers", "profit"] @ weight
    inventory = market.makers[0].inventory ** 2, record["makers", "inventory"][:, -1] ** 2
    cash = market.makers[0].cash ** 2, record["makers", "cash"] ** 2
    for ours, theirs in (profit, inventory, cash):
        error = np.sqrt((ours.var() + theirs.var()) / size)
        assert abs(ours.mean() - theirs.mean()) < 4 * error


@pytest.mark.benchmark(group="10,000 markets, 100 periods")
@pytest.mark.parametrize("maker", ["optimal", "zero-profit", "myopic"])
def test_engine(benchmark: Any, maker: str) -> None:
    solve(0.9)
    market = timed(benchmark, lambda: engine(maker), REPLICATIONS * PERIODS, reference_ns=PROTOTYPE)
    assert market.period == PERIODS
    sane(benchmark, 10)


@pytest.mark.benchmark(group="10,000 markets, 100 periods")
def test_compiled_loop(benchmark: Any, loop: Loop) -> None:
    record = timed(benchmark, lambda: loop(REPLICATIONS, PERIODS, 1), REPLICATIONS * PERIODS)
    assert np.isfinite(record["makers", "profit"]).all()
    sane(benchmark, 10)


@pytest.mark.benchmark(group="10,000 markets, 100 periods, by turns")
def test_engine_by_turns_with_the_compiled_loop(benchmark: Any, loop: Loop) -> None:
    """Before every round of the engine comes one of the loop, so that both meet one machine."""
    theirs: list[float] = []

    def one_loop() -> None:
        start = time.perf_counter()
        loop(REPLICATIONS, PERIODS, 1)
        theirs.append(time.perf_counter() - start)

    one_loop()
    engine("optimal")
    theirs.clear()
    benchmark.pedantic(lambda: engine("optimal"), setup=one_loop, rounds=ROUNDS, iterations=1)
    if benchmark.enabled:
        ours = benchmark.stats.stats
        note(
            benchmark,
            loop_ms_min=1e3 * min(theirs),
            loop_ms_median=1e3 * float(np.median(theirs)),
            ratio_of_minima=ours.min / min(theirs),
            ratio_of_medians=ours.median / float(np.median(theirs)),
        )
    sane(benchmark, 10)


@pytest.mark.benchmark(group="10,000 markets, 100 periods, by turns")
@pytest.mark.parametrize(
    "rivals", [("optimal", "zero-profit"), ("optimal", "optimal")], ids="+".join
)
def test_two_makers_by_turns_with_each_alone(benchmark: Any, rivals: tuple[str, str]) -> None:
    """Two makers in one exchange against the mean of one, aimed at twice as much at most."""
    alone: list[float] = []

    def each_alone() -> None:
        start = time.perf_counter()
        for maker in rivals:
            engine(maker)
        alone.append((time.perf_counter() - start) / 2)

    each_alone()
    engine(rivals)
    alone.clear()
    benchmark.pedantic(lambda: engine(rivals), setup=each_alone, rounds=ROUNDS, iterations=1)
    if benchmark.enabled:
        ours = benchmark.stats.stats
        note(
            benchmark,
            ratio_of_minima=ours.min / min(alone),
            ratio_of_medians=ours.median / float(np.median(alone)),
        )
    sane(benchmark, 10)


@pytest.mark.benchmark(group="10,000 markets, 100 periods")
@pytest.mark.parametrize("learners", [1, 2, 4])
def test_learning_makers(benchmark: Any, learners: int) -> None:
    """Aimed at less than 1,000 ns an arrival and maker."""
    makers = ["q-learning"] * learners
    arrivals = learners * REPLICATIONS * PERIODS
    market = timed(benchmark, lambda: engine(makers), arrivals, reference_ns=LEARNING)
    assert len(market.makers) == learners
    sane(benchmark, 10 * learners)


class InNumbers(ScalarMaker):
    def quote_one(self, now: OneMarket, memory: dict[str, Any]) -> tuple[float, float]:  # noqa: ARG002
        return now.belief_mean - 2 * now.belief_sd, now.belief_mean + 2 * now.belief_sd


class InArrays(MarketMaker):
    def quote(self) -> Quote:
        return Quote.around(self.require_belief().mean, 2 * self.require_belief().sd)


@pytest.mark.benchmark(group="10,000 markets, 10 periods")
@pytest.mark.parametrize("maker", [InNumbers, InArrays], ids=["numbers", "arrays"])
def test_a_maker_in_numbers_and_in_arrays(benchmark: Any, maker: type[MarketMaker]) -> None:
    def run() -> Exchange:
        return Exchange(maker, prior_sd=PRIOR_SD, replications=REPLICATIONS).run(10)

    market = timed(benchmark, run, REPLICATIONS * 10, reference_ns=SCALARS)
    assert market.period == 10
    sane(benchmark, 60)


@pytest.mark.benchmark(group="one market, 1,000 periods")
def test_one_market(benchmark: Any) -> None:
    market = timed(
        benchmark,
        lambda: Exchange("optimal", prior_sd=PRIOR_SD).run(1000),
        1000,
        reference_ns=ONE_AT_A_TIME,
    )
    assert market.period == 1000
    sane(benchmark, 10)


@pytest.mark.benchmark(group="one market, 1,000 periods")
def test_one_market_by_mesas_batch_run(benchmark: Any) -> None:
    seed_as_argument: dict[str, Any] = {} if mesa.__version__ < "3.5" else {"rng": [0]}
    seed_as_parameter: dict[str, Any] = {} if seed_as_argument else {"rng": 0}
    rows = timed(
        benchmark,
        lambda: mesa.batch_run(
            Exchange,
            {"makers": [["optimal"]], "prior_sd": PRIOR_SD} | seed_as_parameter,
            max_steps=999,
            display_progress=False,
            **seed_as_argument,
        ),
        1000,
        reference_ns=ONE_AT_A_TIME,
    )
    assert len(rows) == 1
    assert np.isfinite(rows[0]["spread"])
    sane(benchmark, 10)


@pytest.mark.benchmark(group="solver")
def test_solve(benchmark: Any) -> None:
    benchmark.pedantic(lambda: solve(0.9), setup=bellman.SOLVED.clear, rounds=ROUNDS, iterations=1)
    note(benchmark, iterations=solve(0.9).iterations, residual=solve(0.9).residual)
    sane(benchmark, 60)


def sane(benchmark: Any, seconds: float) -> None:
    """Expect the fastest round within so many seconds: loose, for any machine."""
    assert not benchmark.enabled or benchmark.stats.stats.min < seconds
