"""Simulation: a block's tables against pandas on a full tape, and points that are refused."""

from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from abm import Exchange, Myopic, NoisyTrader, Optimal
from abm.exchange.totals import Totals
from abm.experiment.points import Point, describe_points
from abm.experiment.simulation import BlockTask, Simulation
from abm.runs.parquet import Tables
from abm.runs.schema import MAKERS, MARKET, SUMMARY, TOTALS
from analysis import metrics
from tests.stubs import Blind, Wavering

SIZE, PERIODS, SEED = 40, 12, 5
KEYS = ["period", "maker", "metric"]
OF_A_MARKET = ["spread", "pricing_error", "surplus", "no_trade", "profit"]
OF_A_MAKER = [
    "spread", "belief_mean", "belief_sd", "belief_error", "filled", "inventory", "profit"
]  # fmt: skip
REAL: Point = {"makers": "zero-profit", "prior_sd": 3.0}
INF, NAN = np.inf, np.nan


POINTS: dict[str, Point] = {
    "one": REAL,
    "two": {"makers": ["zero-profit", "myopic"], "prior_sd": 3.0, "prior_mean": 2.0},
    "alike": {"makers": ["myopic", "myopic"], "noise_sd": 2.0, "transparency": "own"},
    "gaussian": {"makers": "fixed-spread", "prior_sd": 2.0, "value": "redrawn"},
    "one-sided": {"makers": [Wavering, Blind], "prior_sd": 3.0},
    "declined": {"makers": Wavering, "prior_sd": 3.0},
}


def make_task(point: Point, block: int = 0) -> BlockTask:
    return BlockTask("0000-00000", point, block, SIZE, PERIODS, SEED)


def tables(point: Point, block: int = 0, **settings: Any) -> dict[str, pd.DataFrame]:
    return {
        name: table.to_pandas()
        for name, table in Simulation(**settings).run(make_task(point, block)).items()
    }


def tape(point: Point, block: int = 0) -> tuple[pd.DataFrame, pd.DataFrame]:
    market = Exchange(**point, replications=SIZE, block=block, rng=SEED).run(PERIODS)
    return market.tape.market, market.tape.makers


def summarised(market: pd.DataFrame, makers: pd.DataFrame) -> pd.DataFrame:
    error = metrics.belief_error(makers, market)
    market = market.drop(columns="value").assign(
        maker="",
        spread=metrics.spread(market),
        pricing_error=metrics.pricing_error(market),
        surplus=metrics.surplus(market),
        no_trade=metrics.no_trade(market),
        profit=makers.groupby(["replication", "period"])["profit"].sum().to_numpy(),
    )
    filled = makers["filled"].astype(float)
    makers = makers.assign(spread=metrics.spread(makers), belief_error=error, filled=filled)
    both = [
        market.melt(["period", "maker"], OF_A_MARKET, "metric"),
        makers.astype({"maker": str}).melt(["period", "maker"], OF_A_MAKER, "metric"),
    ]
    samples = pd.concat(both).groupby(KEYS)["value"]
    return samples.agg(["count", "mean", "var"]).rename(columns={"var": "variance"})


@pytest.mark.parametrize("block", [0, 3])
@pytest.mark.parametrize("point", POINTS.values(), ids=POINTS)
def test_a_summary_is_what_pandas_makes_of_the_tape(point: Point, block: int) -> None:
    summary = tables(point, block)["summary"]
    assert list(summary) == [column.name for column in SUMMARY]
    plain = summary.assign(maker=summary["maker"].astype(object).fillna("").astype(str))
    made = plain.astype({"metric": str}).set_index(KEYS).sort_index()
    assert made.index.is_unique
    assert_frame_equal(made, summarised(*tape(point, block)), check_dtype=False, rtol=1e-10)


@pytest.mark.parametrize("discount", [0.0, 0.5, 0.99])
@pytest.mark.parametrize("point", POINTS.values(), ids=POINTS)
def test_discounted_profit_is_what_pandas_makes_of_the_tape(point: Point, discount: float) -> None:
    totals = tables(point, block=2, discount=discount)["totals"]
    assert list(totals) == [column.name for column in TOTALS]
    keys = ["maker", "replication"]
    expected = metrics.discounted_profit(tape(point, block=2)[1], discount)
    assert_frame_equal(
        totals[[*keys, "discounted_profit"]].sort_values(keys, ignore_index=True),
        expected.astype({"replication": "int32"}),
        check_categorical=False,
        check_index_type=False,
    )


@pytest.mark.parametrize("point", POINTS.values(), ids=POINTS)
def test_a_full_record_is_the_tape_and_leaves_the_rest_as_it_was(point: Point) -> None:
    brief, full = Simulation(), Simulation(record="full")
    short, long = brief.run(make_task(point, block=1)), full.run(make_task(point, block=1))
    assert list(short) == ["summary", "totals"]
    assert list(long) == ["summary", "totals", "market", "makers"]
    market, makers = tape(point, block=1)
    assert_frame_equal(long["market"].to_pandas(), market, check_exact=True)
    assert_frame_equal(long["makers"].to_pandas(), makers, check_exact=True)
    for name, table in short.items():
        assert_frame_equal(table.to_pandas(), long[name].to_pandas(), check_exact=True)


@pytest.mark.parametrize(
    ("table", "columns"),
    [("summary", SUMMARY), ("totals", TOTALS), ("market", MARKET), ("makers", MAKERS)],
)
def test_columns_have_the_types_units_and_meanings_of_the_schema(table: str, columns: Any) -> None:
    schema = Simulation(record="full").run(make_task(REAL))[table].schema
    for field, column in zip(schema, columns, strict=True):
        said = {key.decode(): text.decode() for key, text in field.metadata.items()}
        assert said == {"unit": column.unit, "meaning": column.meaning}
        assert field.name == column.name
        is_words = str(field.type).startswith("dictionary<values=string")
        assert ("category" if is_words else str(field.type).replace("double", "float64")) == (
            column.dtype
        )


def record_second_block(task: BlockTask) -> str:
    return "full" if task.block == 1 else "summary"


def test_a_function_may_say_which_blocks_are_recorded_in_full() -> None:
    simulation = Simulation(record=record_second_block)
    kept = [set(simulation.run(make_task(REAL, block))) for block in range(3)]
    assert [("market" in tables) for tables in kept] == [False, True, False]
    assert simulation.parameters["record"] == f"{__name__}:record_second_block"


def keep_profit(market: Exchange, totals: Totals, *, name: str) -> Tables:
    return {name: totals.table(market.replication).select(["replication", "profit"])}


def test_a_function_may_say_what_is_kept() -> None:
    simulation = Simulation(keep=partial(keep_profit, name="gains"))
    (kept,) = simulation.run(make_task(REAL)).items()
    whole = Simulation().run(make_task(REAL))["totals"]
    assert kept[0] == "gains"
    assert kept[1]["profit"].equals(whole["profit"])
    assert simulation.parameters["keep"] == f"{__name__}:keep_profit(name='gains')"


def test_parameters_name_only_functions_that_were_given() -> None:
    assert Simulation().parameters == {"discount": 0.9, "record": "summary", "burn_in": 0}


@pytest.mark.parametrize("name", ["record", "exchange_of", "keep"])
def test_functions_that_their_description_does_not_tell_apart_are_refused(name: str) -> None:
    settings: dict[str, Any] = {name: lambda *_: "summary"}
    with pytest.raises(TypeError, match=rf"{name} is .*<lambda>, which does not tell it apart"):
        Simulation(**settings)


def test_blocks_continue_one_another() -> None:
    blocks = [tables(REAL, block)["totals"] for block in range(3)]
    numbers = pd.concat(blocks)["replication"]
    assert numbers.tolist() == list(range(3 * SIZE))
    profits = [block["profit"].tolist() for block in blocks]
    assert profits[0] != profits[1] != profits[2] != profits[0]


def test_a_task_with_another_seed_is_another_block() -> None:
    other = Simulation().run(make_task(REAL)._replace(seed=SEED + 1))["totals"]
    assert not other.equals(Simulation().run(make_task(REAL))["totals"])


@pytest.mark.parametrize(
    ("named", "chosen"),
    [
        ("optimal", partial(Optimal, discount=0.5)),
        (["myopic", "optimal"], [Myopic, partial(Optimal, discount=0.5)]),
        (("optimal", "optimal"), [partial(Optimal, discount=0.5)] * 2),
        (partial(Optimal, discount=0.2), partial(Optimal, discount=0.2)),
        (["optimal", partial(Optimal, discount=0.2)],
         [partial(Optimal, discount=0.5), partial(Optimal, discount=0.2)]),
    ],
    ids=["one", "several", "two-of-a-kind", "her-own", "one-her-own"],
)  # fmt: skip
def test_makers_by_name_that_look_ahead_do_so_with_the_discount(named: Any, chosen: Any) -> None:
    made = tables({"makers": named, "prior_sd": 3.0}, discount=0.5, record="full")["makers"]
    assert_frame_equal(made, tape({"makers": chosen, "prior_sd": 3.0})[1], check_exact=True)


@pytest.mark.parametrize("other", [Optimal, [Optimal], ("optimal",), partial(Optimal)])
def test_choices_that_are_described_alike_are_simulated_alike(other: Any) -> None:
    points: list[Point] = [
        {"makers": "optimal", "prior_sd": 3.0},
        {"makers": other, "prior_sd": 3.0},
    ]
    one, two = describe_points(points)
    if one == two:
        simulation = Simulation(discount=0.5)
        first, second = (simulation.run(make_task(point))["totals"].to_pandas() for point in points)
        assert_frame_equal(first, second, check_exact=True)


def test_simulating_a_block_leaves_its_point_as_it_was() -> None:
    makers = ["optimal", "myopic"]
    point: Point = {"makers": makers, "prior_sd": 3.0}
    Simulation().run(make_task(point))
    assert point == {"makers": makers, "prior_sd": 3.0}
    assert makers == ["optimal", "myopic"]


@pytest.mark.parametrize(
    ("point", "error", "parts"),
    [
        ({"priorsd": 3.0}, ValueError, ["parameter is 'priorsd'", "unknown", "mean 'prior_sd'"]),
        ({"qqq": 3.0}, ValueError, ["parameter is 'qqq'", "known: makers, noise_sd, prior_mean"]),
        *(
            ({name: 1}, ValueError, [f"parameter is {name!r}, which is unknown", "known: makers"])
            for name in ("rng", "block", "replications", "record", "discount", "self")
        ),
        ({"makers": "optimum"}, ValueError, ["maker is 'optimum'", "did you mean 'optimal'?"]),
        ({"makers": ["myopic", "mypic"]}, ValueError, ["is 'mypic'", "did you mean 'myopic'?"]),
        ({"makers": []}, ValueError, ["makers is empty", "give a maker, as 'optimal'"]),
        ({"makers": 3}, TypeError, ["maker is 3", "must be a MarketMaker", "a registered name"]),
        ({"makers": None}, TypeError, ["maker is None", "must be a MarketMaker", "give a"]),
        ({"traders": Optimal}, TypeError, ["trader is", "must be a Trader", "give a subclass"]),
        ({"traders": []}, ValueError, ["traders is empty", "give a trader, as 'noisy'"]),
        ({"prior_sd": -1.0}, ValueError, ["prior_sd is -1.0", "above zero", "a positive number"]),
        ({"prior_sd": "wide"}, TypeError, ["prior_sd is 'wide'", "a number", "give a float"]),
        ({"prior_sd": "3"}, TypeError, ["prior_sd is '3'", "a number", "give a float"]),
        ({"prior_sd": [1.0, 3.0]}, ValueError, ["prior_sd is [1.0, 3.0]", "one number"]),
        ({"noise_sd": NAN}, ValueError, ["noise_sd is nan", "above zero"]),
        ({"prior_mean": INF}, ValueError, ["prior_mean is inf", "must be finite"]),
        ({"value": "fixt"}, ValueError, ["value is 'fixt'", "did you mean 'fixed'?"]),
        ({"value": None}, TypeError, ["value is None", "must be a process"]),
        ({"transparency": "pubic"}, ValueError, ["is 'pubic'", "did you mean 'public'?"]),
        ({"makers": Blind, "value": "redrawn"}, ValueError, ['value is "redrawn"', "one prior"]),
    ],
    ids=str,
)  # fmt: skip
def test_a_point_that_no_exchange_takes_is_refused(
    point: Point, error: type[Exception], parts: list[str]
) -> None:
    with pytest.raises(error) as refusal:
        Simulation().check_point(REAL | point, SIZE)
    for part in parts:
        assert part in str(refusal.value)


def test_a_point_without_makers_is_refused() -> None:
    with pytest.raises(ValueError, match=r"makers is empty, .*: give a maker, as 'optimal'"):
        Simulation().check_point({"prior_sd": 3.0}, SIZE)


@pytest.mark.parametrize("point", [*POINTS.values(), REAL | {"traders": [NoisyTrader]}], ids=str)
def test_a_point_that_an_exchange_takes_is_not(point: Point) -> None:
    Simulation().check_point(point, SIZE)


@pytest.mark.parametrize(
    ("settings", "error", "parts"),
    [
        *(
            ({"discount": value}, ValueError, [f"discount is {value}", "at least 0 and below 1"])
            for value in (1, 1.5, -0.1, NAN, INF)
        ),
        *(
            ({"discount": value}, TypeError, [f"discount is {value!r}", "give a"])
            for value in ("0.9", "high", {"optimal": 0.9}, None, True)
        ),
        *(
            ({"discount": value}, ValueError, ["discount has shape (1,)", "one number: give one"])
            for value in ([0.9], np.array([0.9]))
        ),
        ({"keep": 3}, TypeError, ["keep is 3", "must be a function", "leave it out"]),
        ({"exchange_of": None}, TypeError, ["exchange_of is None", "must be a function"]),
        ({"record": "ful"}, ValueError, ["record is 'ful'", "did you mean 'full'?"]),
        ({"record": None}, ValueError, ["record is None", "known: full, summary"]),
        ({"record": ["full"]}, ValueError, ["record is ['full']", "known: full, summary"]),
    ],
    ids=str,
)
def test_settings_out_of_range_or_of_another_type_are_refused(
    settings: dict[str, Any], error: type[Exception], parts: list[str]
) -> None:
    with pytest.raises(error) as refusal:
        Simulation(**settings)
    for part in parts:
        assert part in str(refusal.value)
