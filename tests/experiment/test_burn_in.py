"""Markets that pass some periods before totals count, and points with parameters of their own."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from abm import Exchange, Optimal
from abm.experiment import Experiment, Simulation, Target, grid
from abm.experiment.points import Point
from abm.experiment.simulation import BlockTask, use_point
from abm.runs.schema import KEYS, TOTALS
from analysis import load
from analysis.metrics import belief_error
from analysis.results import results, totals

SIZE, PERIODS, SEED, DISCOUNT = 60, 7, 4, 0.7
POINT: Point = {"makers": ["optimal", "fixed-spread"], "prior_sd": 6.0, "noise_sd": 1.5}
BURN_INS = [0, 1, 4, PERIODS - 1]
OWN = ["replication", "maker"]
LEARNT = 0.5


def make_task(point: Point = POINT) -> BlockTask:
    return BlockTask("0000-00000", point, 0, SIZE, PERIODS, SEED)


def tables(burn_in: int, **more: Any) -> dict[str, pd.DataFrame]:
    made = Simulation(DISCOUNT, burn_in=burn_in, **more).run(make_task())
    return {name: table.to_pandas() for name, table in made.items()}


@pytest.fixture(scope="module")
def market() -> Exchange:
    """Return the same markets, recorded in full, and one period more of them."""
    makers = [partial(Optimal, discount=DISCOUNT), "fixed-spread"]
    return Exchange(**POINT | {"makers": makers}, replications=SIZE, rng=SEED).run(PERIODS + 1)


def by_hand(market: Exchange, burn_in: int) -> pd.DataFrame:
    """Return the totals of the counted periods, from the full tape."""
    counted = f"{burn_in} <= period < {PERIODS}"
    makers, whole = market.tape.makers, market.tape.market.query(counted)
    before = makers.set_index("period")
    sd_after = before.loc[PERIODS].set_index(OWN)["belief_sd"]
    hers = makers.query(counted).assign(
        discounted_profit=lambda rows: rows["profit"] * DISCOUNT ** (rows["period"] - burn_in),
        spread=lambda rows: rows["ask"] - rows["bid"],
        belief_error=lambda rows: belief_error(rows, whole),
        unlearnt=lambda rows: rows["belief_sd"] >= LEARNT * POINT["noise_sd"],
    )
    of_maker = hers.groupby(OWN, observed=True).agg(
        discounted_profit=("discounted_profit", "sum"), profit=("profit", "sum"),
        trades=("filled", "sum"), spread=("spread", "mean"),
        belief_error=("belief_error", "mean"), learning_time=("unlearnt", "sum"),
    )  # fmt: skip
    never = sd_after >= LEARNT * POINT["noise_sd"]
    of_maker["belief_sd"] = sd_after
    of_maker["learning_time"] = of_maker["learning_time"].astype(float).mask(never)
    price = np.where(whole["side"] > 0, whole["ask"], whole["bid"])
    of_market = whole.assign(
        inside_spread=whole["ask"] - whole["bid"],
        no_trade=(whole["side"] == 0).astype(float),
        pricing_error=((whole["ask"] + whole["bid"]) / 2 - whole["value"]).abs(),
        surplus=whole["side"] * (whole["valuation"] - price),
    ).groupby("replication")
    means = of_market[["inside_spread", "no_trade", "pricing_error"]].mean()
    means["surplus"] = of_market["surplus"].sum()
    means["traders_gain"] = -hers.groupby("replication")["profit"].sum()
    return of_maker.reset_index().merge(means.reset_index(), on="replication").set_index(OWN)


@pytest.mark.parametrize("burn_in", BURN_INS)
def test_totals_leave_out_the_first_periods(market: Exchange, burn_in: int) -> None:
    expected = by_hand(market, burn_in)
    found = tables(burn_in)["totals"].set_index(OWN)
    names = [column.name for column in TOTALS if column not in KEYS]
    assert set(expected.columns) == set(names)
    assert expected["learning_time"].isna().any()
    assert expected["learning_time"].notna().any()
    for name in names:
        np.testing.assert_allclose(
            found[name], expected.loc[found.index, name], rtol=1e-11, atol=1e-12, err_msg=name
        )


def test_discounting_begins_with_the_first_counted_period() -> None:
    last = tables(PERIODS - 1)["totals"]
    assert (last["profit"] != 0).any()
    assert last["discounted_profit"].tolist() == last["profit"].tolist()


def test_who_has_learnt_before_counting_begins_needs_no_time() -> None:
    long = BlockTask("0000-00000", {"makers": "optimal"}, 0, SIZE, 60, SEED)
    table = Simulation(burn_in=50).run(long)["totals"].to_pandas()
    assert table["learning_time"].tolist() == [0.0] * SIZE


@pytest.mark.parametrize("record", ["summary", "full"])
def test_summaries_and_records_keep_all_periods(record: str) -> None:
    whole, late = tables(0, record=record), tables(4, record=record)
    assert whole.keys() == late.keys()
    assert sorted(late["summary"]["period"].unique()) == list(range(PERIODS))
    for name in whole.keys() - {"totals"}:
        assert_frame_equal(whole[name], late[name])


def test_periods_that_pass_leave_the_markets_as_they_are() -> None:
    apart, whole = tables(3)["totals"], tables(0)["totals"]
    assert apart["belief_sd"].tolist() == whole["belief_sd"].tolist()
    assert (apart["trades"] <= whole["trades"]).all()
    assert (apart["trades"] < whole["trades"]).any()


@pytest.mark.parametrize(
    ("burn_in", "error", "says"),
    [
        (-1, ValueError, r"burn_in is -1, but must be at least 0 and at most 32766: give"),
        (2**15, ValueError, r"burn_in is 32768, but must be at least 0 and at most 32766: give"),
        (2.0, TypeError, r"burn_in is 2\.0, a float, but must be a whole number: give an int"),
        (True, TypeError, r"burn_in is True, a bool, but must be a whole number: give an int"),
        ("2", TypeError, r"burn_in is '2', a str, but must be a whole number: give an int"),
        (None, TypeError, r"burn_in is None, a NoneType, but must be a whole number: give an int"),
    ],
    ids=repr,
)
def test_what_is_no_number_of_periods_is_refused(
    burn_in: Any, error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        Simulation(burn_in=burn_in)


def test_a_numpy_integer_is_a_number_of_periods() -> None:
    given = Simulation(burn_in=np.int64(3))  # type: ignore[arg-type]  # which is what it is for
    assert given == Simulation(burn_in=3)
    said = Experiment(grid(makers=["myopic"]), given).parameters["burn_in"]
    assert said == 3
    assert type(said) is int


@pytest.mark.parametrize("burn_in", [5, 6])
def test_an_experiment_needs_a_period_that_counts(burn_in: int) -> None:
    points = grid(makers=["myopic"])
    says = f"burn_in is {burn_in}, but must be at least 0 and at most 4: give a whole number"
    with pytest.raises(ValueError, match=says):
        Experiment(points, Simulation(burn_in=burn_in), periods=5)
    assert Experiment(points, Simulation(burn_in=4), periods=5).simulation.burn_in == 4


@pytest.mark.parametrize("target", [Target(0.05, at_most=10 * SIZE), None], ids=["aimed", "plain"])
def test_results_of_an_experiment_are_of_the_periods_that_count(
    tmp_path: Path, target: Target | None
) -> None:
    experiment = Experiment(
        [POINT], Simulation(DISCOUNT, burn_in=4), replications=SIZE, periods=PERIODS, seed=SEED,
        block=SIZE, target=target,
    )  # fmt: skip
    experiment.run(tmp_path / "run")
    run = load(tmp_path / "run")
    assert run.parameters["burn_in"] == 4
    first = next(iter(totals(run, ["block"])))
    expected = tables(4)["totals"]["discounted_profit"]
    assert first["discounted_profit"].tolist() == expected.tolist()
    assert sorted(run.table("summary")["period"].unique()) == list(range(PERIODS))
    count = results(run).query("metric == 'discounted_profit'")["count"]
    assert (count > SIZE).tolist() == [target is not None] * 2


def gather_crowd(point: Point, _: float, *, kind: str = "zero-profit") -> Point:
    """Return the exchange of so many makers of a kind, after a shock of twice this size."""
    return {"makers": [kind] * point["crowd"], "prior_sd": 2.0 * point["shock"]}


def misspell(point: Point, _: float) -> Point:
    """Return arguments one of which no exchange has."""
    return {"makers": "myopic", "prior_sdd": point["shock"]}


def crowd_of(kind: str) -> Callable[[Point, float], Point]:
    return partial(gather_crowd, kind=kind)


CROWDS = Simulation(exchange_of=crowd_of("zero-profit"))


def test_a_point_may_have_names_of_its_own(tmp_path: Path) -> None:
    points = grid(crowd=[1, 3], shock=[0.5, 1.0])
    Experiment(points, CROWDS, replications=20, periods=5, seed=SEED).run(tmp_path / "run")
    run = load(tmp_path / "run")
    assert run.points == points
    assert run.varying_parameters == ["crowd", "shock"]
    assert run.parameters["exchange_of"] == f"{__name__}:gather_crowd(kind='zero-profit')"
    table = run.blocks("totals")
    for point in points:
        here = table[(table["crowd"] == point["crowd"]) & (table["shock"] == point["shock"])]
        together = Exchange(
            ["zero-profit"] * point["crowd"], prior_sd=2 * point["shock"], replications=20, rng=SEED
        ).run(5)
        profit = together.tape.makers.groupby(OWN, observed=True)["profit"].sum()
        found = here.set_index(OWN)["profit"]
        np.testing.assert_allclose(found, profit.loc[found.index], rtol=1e-12)


def test_makers_of_a_point_with_names_of_its_own_are_given_the_discount() -> None:
    def profit(simulation: Simulation, point: Point) -> list[float]:
        found = simulation.run(make_task(point))["totals"].to_pandas()["profit"]
        return [float(one) for one in found]

    hers = profit(Simulation(0.3, exchange_of=crowd_of("optimal")), {"crowd": 1, "shock": 1.0})
    assert hers == profit(Simulation(0.3), {"makers": "optimal", "prior_sd": 2.0})
    assert hers != profit(Simulation(0.9), {"makers": "optimal", "prior_sd": 2.0})


@pytest.mark.parametrize(
    ("exchange_of", "point", "says"),
    [
        (misspell, {"shock": 1.0}, "parameter is 'prior_sdd', which is unknown: did you mean"),
        (
            crowd_of("zero-profit"),
            {"crowd": 1, "shock": -1.0},
            "prior_sd is -2.0, but must be finite and above",
        ),
        (crowd_of("myopik"), {"crowd": 1, "shock": 1.0}, "maker is 'myopik', which is unknown"),
        (use_point, {"crowd": 1}, "parameter is 'crowd', which is unknown"),
    ],
    ids=["misspelt", "out of range", "unknown maker", "no function"],
)
def test_arguments_of_exchanges_are_checked_before_anything_is_simulated(
    exchange_of: Callable[[Point, float], Point], point: Point, says: str
) -> None:
    with pytest.raises(ValueError, match=says):
        Experiment([point], Simulation(exchange_of=exchange_of), periods=5)
