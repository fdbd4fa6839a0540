"""The scenario `sweep`: the grid that its options make, what it prints, and what it leaves."""

import re
from collections.abc import Callable
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import pandas as pd
import pytest
from joblib.externals.loky import get_reusable_executor

from abm import Exchange, Optimal
from abm.experiment import Experiment
from abm.makers import PolicyMaker
from abm.participants.policies import PolynomialPolicy
from abm.runs.folder import RunFolder
from abm.runs.schema import BLOCKS, MANIFEST_FILE, RUN_FILE
from analysis import Run, load
from analysis.load import LogError
from analysis.results import METRICS, comparisons, format_estimates, results
from scenarios.sweep import Sweep
from tests.files import read_files

SMALL: dict[str, Any] = {
    "makers": "myopic,zero-profit",
    "prior_sd": "1",
    "replications": 60,
    "block": 20,
    "periods": 5,
}
POINT = ["prior_sd", "noise_sd", "process", "transparency"]
TARGET = 0.08  # a standard error of discounted profit that some points reach before others

Swept = Callable[..., tuple[Run, str]]


@pytest.fixture
def swept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Swept:
    """Sweep into an own folder; return the log and what was printed."""

    def run(**options: Any) -> tuple[Run, str]:
        out = options.pop("out", str(tmp_path / "sweep"))
        capsys.readouterr()
        names = ("workers", "resume", "verify")
        how = {name: options.pop(name) for name in names if name in options}
        Sweep(**SMALL | options).run(out, **how)
        said = capsys.readouterr()
        assert said.err == ""
        return load(out), said.out

    return run


def markets_at_each_point(log: Run) -> list[int]:
    table = results(log)
    return table[table["metric"] == "discounted_profit"]["count"].tolist()


@pytest.mark.parametrize(
    ("makers", "value", "transparency"),
    [
        ("myopic,zero-profit,optimal", "fixed,redrawn", "public"),
        ("optimal+zero-profit,fixed-spread,myopic+myopic", "fixed", "public,own"),
    ],
)
def test_options_with_commas_make_a_grid_and_plus_an_exchange_to_share(
    swept: Swept, makers: str, value: str, transparency: str
) -> None:
    log, _ = swept(
        makers=makers, prior_sd="1,3", noise_sd="1,0.5", value=value, transparency=transparency,
        periods=3, replications=10,
    )  # fmt: skip
    expected = product(
        makers.split(","), [1.0, 3.0], [1.0, 0.5], value.split(","), transparency.split(",")
    )
    points = [(group["makers"], group["prior_sd"], group["noise_sd"], group["process"],
               group["transparency"]) for group in log.points]  # fmt: skip
    assert points == list(expected)
    frame = log.blocks("totals").set_index(["replication", "maker"])
    for together, prior_sd, noise_sd, value_here, seen in points:
        market = Exchange(
            together.split("+"), prior_sd=prior_sd, noise_sd=noise_sd, value=value_here,
            transparency=seen, replications=10,
        ).run(3)  # fmt: skip
        profit = market.tape.makers.groupby(["replication", "maker"], observed=True)["profit"].sum()
        here = frame["makers"] == together
        for name, value in zip(POINT, (prior_sd, noise_sd, value_here, seen), strict=True):
            here &= True if name not in frame else frame[name] == value
        np.testing.assert_allclose(frame["profit"][here][profit.index], profit, rtol=1e-12)


def test_seed_and_discount_reach_the_markets(swept: Swept) -> None:
    log, _ = swept(makers="optimal", seed=7, discount=0.5, periods=4, replications=10)
    market = Exchange(partial(Optimal, discount=0.5), replications=10, rng=7).run(4)
    profit = market.tape.makers.pivot(index="replication", columns="period", values="profit")
    discounted = profit.to_numpy() @ 0.5 ** np.arange(4)
    np.testing.assert_allclose(log.table("totals")["discounted_profit"], discounted, rtol=1e-12)


def test_what_is_printed_is_what_analysis_makes_of_the_log(swept: Swept, tmp_path: Path) -> None:
    log, said = swept(prior_sd="1,3")
    table, differences = format_estimates(results(log)), format_estimates(comparisons(log))
    assert len(table) == 4
    assert len(differences) == 2
    out = tmp_path / "sweep"
    *lines, few, last = said.splitlines(keepends=True)
    assert few.startswith("60 markets are few: ")
    assert "".join([*lines, last]) == (
        f"Means with 95 % confidence intervals:\n{table.to_string(index=False)}\n"
        f"Differences, market by market:\n{differences.to_string(index=False)}\n"
        f"All files are in {out}; market-shock report {out} makes a page of them\n"
    )
    for name, made in (("results", results(log)), ("comparisons", comparisons(log))):
        pd.testing.assert_frame_equal(
            pd.read_csv(out / f"{name}.csv"), made, check_dtype=False, rtol=1e-12
        )


def test_one_maker_is_compared_with_nobody(swept: Swept) -> None:
    _, said = swept(makers="myopic", prior_sd="1,3")
    assert "Differences" not in said
    assert said.count("±") > 7


def test_a_sweep_leaves_blocks_summary_and_tables(swept: Swept, tmp_path: Path) -> None:
    log, _ = swept()
    blocks = {
        f"{BLOCKS}/{point:04d}-{block:05d}.parquet" for point in (0, 1) for block in (0, 1, 2)
    }
    tables = {"summary.parquet", "results.csv", "comparisons.csv"}
    assert set(log.files) == blocks | tables
    left = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert left == {f"sweep/{name}" for name in {*log.files, RUN_FILE, MANIFEST_FILE}}
    assert log.scenario == "sweep"
    assert log.parameters.items() >= SMALL.items()


@pytest.mark.parametrize(("record", "tables"), [("full", {"market", "makers"}), ("summary", set())])
def test_periods_are_kept_where_they_are_asked_for(
    swept: Swept, record: str, tables: set[str]
) -> None:
    log, _ = swept(record=record)
    assert set(log.tables) == {"summary", "totals"} | tables
    for name in ("market", "makers"):
        if record == "full":
            table = log.table(name)
            assert len(table) == 2 * 60 * 5
            assert set(table["replication"]) == set(range(60))
        else:
            with pytest.raises(LogError, match=f"no table '{name}'"):
                log.table(name)


@pytest.mark.parametrize(
    ("metric", "target", "grown"),
    [("discounted_profit", 0.08, [True, True]), ("spread", 0.045, [False, True])],
)
def test_blocks_are_added_where_the_noise_is_until_the_standard_error_is_reached(
    swept: Swept, tmp_path: Path, metric: str, target: float, grown: list[bool]
) -> None:
    options: dict[str, Any] = {"makers": "optimal", "prior_sd": "1,3"}
    log, _ = swept(**options)
    before = results(log).query("metric == @metric")
    out = str(tmp_path / "grown")
    log, said = swept(**options, until_se=target, metric=metric, out=out)
    after = results(log).query("metric == @metric")
    needed = 60 * (before["se"] / target) ** 2
    assert (before["se"] > target).tolist() == grown
    assert (after["count"] > 60).tolist() == grown
    assert (after["se"] <= target).all()
    assert (after["count"] % 20 == 0).all()
    assert (after["count"] <= np.maximum(60, 1.2 * needed + 20)).all()
    rows = re.findall(r"^ +[13]\.0 .*", said, re.MULTILINE)
    halves = [float(re.findall(r"± (\S+)", row)[METRICS.index(metric)]) for row in rows]
    assert len(halves) == 2
    assert max(halves) < 2.1 * target


def test_how_a_standard_error_was_reached_is_said(swept: Swept) -> None:
    _, said = swept(prior_sd="1,3", makers="optimal", until_se=TARGET)
    assert re.search(rf"s\.e\. of discounted_profit is below {TARGET} \w+ 2 of 2", said)


def test_a_standard_error_that_was_not_reached_is_said(swept: Swept) -> None:
    _, said = swept(makers="optimal", until_se=0.001, at_most=80)
    assert re.search(r"s\.e\. of discounted_profit is below 0\.001 \w+ 0 of 1", said)
    assert "--at-most" in said


@pytest.mark.parametrize("at_most", [60, 80, 140])
def test_markets_at_a_point_are_capped(swept: Swept, at_most: int) -> None:
    log, _ = swept(until_se=1e-6, at_most=at_most)
    assert markets_at_each_point(log) == [at_most, at_most]


def test_more_markets_than_the_cap_cannot_be_begun_with(swept: Swept, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at_most is 40, but must be at least 60"):
        swept(until_se=1e-6, at_most=40)
    assert list(tmp_path.iterdir()) == []


def test_a_sweep_stopped_amid_its_stages_ends_as_if_it_had_not_been(
    swept: Swept, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = {"prior_sd": "1,3", "makers": "optimal", "until_se": TARGET}
    swept(**options)
    left, most = 0, 0

    def watched(run_blocks: Any) -> Any:
        def until(
            self: Experiment, folder: RunFolder, workers: Any, watch: Any, meanwhile: Any
        ) -> None:
            def stop(progress: Any) -> None:
                watch(progress)
                if progress.finished >= most:
                    raise KeyboardInterrupt

            run_blocks(self, folder, workers, stop, meanwhile)

        return until

    blocks = len(list((tmp_path / "sweep" / BLOCKS).iterdir()))
    run_blocks = Experiment.run_blocks
    for most in (2, blocks // 2, blocks - 1):
        with monkeypatch.context() as patch:
            patch.setattr(Experiment, "run_blocks", watched(run_blocks))
            with pytest.raises(RuntimeError, match=f"^{most} blocks are finished and kept"):
                swept(**options, out=str(tmp_path / "stopped"), resume=most > 2)
        left = len(list((tmp_path / ".stopped.partial" / BLOCKS).iterdir()))
        assert left == most
    swept(**options, out=str(tmp_path / "stopped"), resume=True)
    assert read_files(tmp_path / "stopped") == read_files(tmp_path / "sweep")


def test_a_finished_sweep_resumed_prints_the_same_and_simulates_nothing(
    swept: Swept, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, said = swept(prior_sd="1,3")
    monkeypatch.delattr(Experiment, "run_blocks")
    monkeypatch.delattr(Experiment, "summarise")
    _, again = swept(prior_sd="1,3", resume=True, verify=True)
    assert again.endswith(said)


def test_a_sweep_may_be_kept_at_a_url(swept: Swept, tmp_path: Path) -> None:
    local, said = swept(record="full")
    remote, there = swept(record="full", out="memory://kept/sweep")
    assert there == said.replace(str(tmp_path / "sweep"), "memory://kept/sweep")
    files = fsspec.filesystem("memory")
    found = {name.removeprefix("/kept/sweep/"): files.cat(name)
             for name in files.find("/kept/sweep")}  # fmt: skip
    assert found.pop(MANIFEST_FILE)
    assert found == read_files(tmp_path / "sweep")
    pd.testing.assert_frame_equal(remote.table("makers"), local.table("makers"))
    _, again = swept(record="full", out="memory://kept/sweep", resume=True, verify=True)
    assert again.endswith(there)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"makers": "optimal,myopik"}, "maker is 'myopik', which is unknown: did you mean"),
        ({"makers": "optimal+"}, "maker is '', which is unknown: known: exact-optimal"),
        ({"prior_sd": "3..1"}, "a range is two numbers, the lower first"),
        ({"prior_sd": "1.."}, "is '1..', but must be numbers or ranges"),
        ({"makers": "policy:none.json"}, "maker is 'policy:none.json', but the file cannot be"),
        ({"prior_sd": "1;3"}, "is '1;3', but must be numbers or ranges: give as 3 or as 1,3,1..8"),
        ({"noise_sd": "1,0"}, "noise_sd is 0.0, but must be finite and above zero"),
        ({"value": "fixed,fixt"}, "value is 'fixt', which is unknown: did you mean 'fixed'"),
        ({"transparency": ""}, "transparency is '', which is unknown: known: own, public"),
        ({"record": "all"}, "record is 'all', which is unknown: known: full, summary"),
        ({"until_se": -0.1}, "se is -0.1, but must be finite and above zero"),
        ({"until_se": 0.1, "metric": "profits"}, "metric is 'profits', which is unknown: did you"),
        ({"prior_sd": "1,1.0"}, "is there twice"),
        ({"block": 0}, "block is 0, but must be at least 1"),
        ({"workers": "a few"}, "workers is 'a few', but must be a number of processes"),
    ],
    ids=str,
)
def test_what_cannot_be_swept_is_refused_before_anything_is_written(
    swept: Swept, tmp_path: Path, options: dict[str, Any], says: str
) -> None:
    with pytest.raises(ValueError, match=re.escape(says)) as refusal:
        swept(**options)
    assert "\n" not in str(refusal.value)
    assert list(tmp_path.iterdir()) == []


def test_spaces_after_commas_do_no_harm(swept: Swept) -> None:
    log, _ = swept(makers="myopic, zero-profit", prior_sd="1, 3", value="fixed, redrawn",
                   replications=4)  # fmt: skip
    assert len(log.points) == 8
    assert {point["makers"] for point in log.points} == {"myopic", "zero-profit"}


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_policy_is_swept_by_its_file(swept: Swept, tmp_path: Path, workers: str) -> None:
    maker, file = PolicyMaker(PolynomialPolicy([-0.3, 0.2])), tmp_path / "learnt by me.json"
    maker.save(file)
    log, _ = swept(makers=f"myopic, policy:{file}", workers=workers)
    assert [point["makers"] for point in log.points] == ["myopic", f"policy:{file}"]
    found = log.blocks("totals").query("maker == 'policy'")["profit"]
    market = Exchange(maker, prior_sd=1.0, replications=20, block=2).run(5)
    profit = market.tape.makers.groupby("replication")["profit"].sum()
    np.testing.assert_allclose(found.tail(20), profit, rtol=1e-12)


def test_a_shock_may_be_a_range(swept: Swept) -> None:
    log, said = swept(prior_sd="1, 1..4")
    assert [point["prior_sd"] for point in log.points] == ["1.0", "1..4"] * 2
    assert "1..4" in said
    found = log.blocks("totals").query("makers == 'myopic' and prior_sd == '1..4'")["belief_sd"]
    market = Exchange("myopic", prior_sd=(1.0, 4.0), replications=20, block=2).run(5)
    np.testing.assert_allclose(found.tail(20), market.makers[0].moments[1], rtol=1e-12)


CAREFUL = '''
from abm.traders import NoisyTrader


class Careful(NoisyTrader):
    """Values the instrument with half the noise."""

    name = "careful"

    def __init__(self, model):
        super().__init__(model, noise_sd=0.5 * model.terms.noise_sd)
'''


@pytest.mark.parametrize("workers", ["1", "2"])
def test_each_trader_type_has_exchanges_of_its_own(
    swept: Swept, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workers: str
) -> None:
    module = f"mine_traders_{workers}"
    (tmp_path / f"{module}.py").write_text(CAREFUL)
    monkeypatch.syspath_prepend(tmp_path)
    if workers == "2":
        get_reusable_executor().shutdown()  # new workers look where this process does
    log, said = swept(traders=f"noisy, {module}:Careful", workers=workers)
    assert [point["traders"] for point in log.points] == ["noisy", f"{module}:Careful"] * 2
    assert log.varying_parameters == ["makers", "traders"]
    assert said.count(f"{module}:Careful") == 3
    usual, _ = swept(out=str(tmp_path / "usual"))
    half, _ = swept(out=str(tmp_path / "half"), noise_sd="0.5")
    totals = log.blocks("totals")
    for point in log.points:
        here = (totals["makers"] == point["makers"]) & (totals["traders"] == point["traders"])
        frame = (usual if point["traders"] == "noisy" else half).blocks("totals")
        expected = frame["profit"][frame["makers"] == point["makers"]]
        np.testing.assert_array_equal(totals["profit"][here], expected)


def test_noisy_traders_are_the_default_and_change_no_byte(swept: Swept, tmp_path: Path) -> None:
    swept()
    swept(traders="noisy", out=str(tmp_path / "named"))
    assert read_files(tmp_path / "named") == read_files(tmp_path / "sweep")
    assert "traders" not in pd.read_csv(tmp_path / "sweep" / "results.csv").columns


@pytest.mark.parametrize(
    ("traders", "says"),
    [
        ("nosy", "trader is 'nosy', which is unknown: did you mean 'noisy'"),
        ("noisy,", "trader is '', which is unknown: known: adaptive, noisy, uninformed"),
        ("noisy,noisy", "is there twice"),
        ("nowhere:Careful", "trader 'nowhere:Careful' cannot be loaded, for nowhere does not"),
    ],
)
def test_a_trader_type_that_cannot_be_used_is_refused_before_anything_is_written(
    swept: Swept, tmp_path: Path, traders: str, says: str
) -> None:
    with pytest.raises(ValueError, match=re.escape(says)):
        swept(traders=traders)
    assert list(tmp_path.iterdir()) == []
