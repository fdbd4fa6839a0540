"""A wrong table given to a metric or a figure: what it lacks is told, and what makes one."""

from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

from abm import Exchange
from analysis import facets, figures, metrics

MARKET = Exchange("optimal", replications=3, rng=1).run(2)
MAKERS, TAPE = MARKET.tape.makers, MARKET.tape.market
ESTIMATES = metrics.by_period(MAKERS, "profit")


@pytest.mark.parametrize(
    ("draw", "lacks", "source"),
    [
        (
            lambda: figures.spread_by_period(MAKERS),
            "mean, low, high",
            "metrics.by_period(table, metric)",
        ),
        (
            lambda: figures.profit_by_period(TAPE),
            "mean, low, high",
            "metrics.by_period(table, metric)",
        ),
        (
            lambda: figures.no_trade_by_period(TAPE),
            "mean, low, high",
            "metrics.by_period(table, metric)",
        ),
        (lambda: facets.by_period(ESTIMATES, "x", "panel"), "panel", "metrics.by_period(table, me"),
        (lambda: facets.by_parameter(ESTIMATES, "x", "prior_sd"), "prior_sd", "metrics.estimates("),
        (lambda: facets.convergence(MAKERS, "x"), "count, se", "precision.convergence(table, "),
        (lambda: figures.posteriors(MAKERS), "value, exact, gaussian", "run.table('posteriors')"),
        (lambda: figures.spread_by_rho(MAKERS, 1.0), "rho, spread", "run.table('policies')"),
        (
            lambda: figures.discounted_profit(ESTIMATES, MAKERS),
            "process, prior_sd",
            "metrics.estimates(totals, ",
        ),
        (lambda: figures.one_market(MAKERS, MAKERS), "value, valuation, side", "tape.market"),
        (lambda: figures.one_market(TAPE, TAPE), "maker, belief_mean, belief_sd", "tape.makers"),
        (lambda: metrics.spread(ESTIMATES), "bid, ask", 'run.table("makers"), or market.tape.mak'),
        (lambda: metrics.pricing_error(MAKERS), "value", 'run.table("market"), or market.tape.ma'),
        (lambda: metrics.surplus(MAKERS), "valuation, side", 'run.table("market"), or market.tape'),
        (lambda: metrics.no_trade(MAKERS), "side", 'run.table("market"), or market.tape.market'),
        (lambda: metrics.discounted_profit(TAPE, 0.9), "maker, profit", "market.tape.makers"),
        (lambda: metrics.by_period(MAKERS.drop(columns="period"), "profit"), "period", "run.table"),
    ],
)
def test_a_table_without_a_column_is_refused(
    draw: Callable[[], object], lacks: str, source: str
) -> None:
    with pytest.raises(ValueError, match=r"has the columns .* must also have") as caught:
        draw()
    said, fix = str(caught.value).split(": give ")
    assert said.endswith(f"but must also have {lacks}")
    assert source in fix


NONE = ESTIMATES.iloc[:0].assign(panel="a", prior_sd=1.0)


@pytest.mark.parametrize(
    ("draw", "name", "source"),
    [
        (lambda: figures.spread_by_period(NONE), "estimates", "metrics.by_period(table, metric)"),
        (lambda: figures.profit_by_period(NONE), "estimates", "metrics.by_period(table, metric)"),
        (lambda: figures.no_trade_by_period(NONE), "estimates", "metrics.by_period(table, metric)"),
        (lambda: facets.by_period(NONE, "x", "panel"), "estimates", "metrics.by_period(table, "),
        (lambda: facets.by_parameter(NONE, "x", "prior_sd"), "estimates", "metrics.estimates("),
        (lambda: figures.one_market(TAPE[:0], MAKERS[:0]), "market", "market.tape.market"),
        (lambda: figures.one_market(TAPE, MAKERS[:0]), "makers", "market.tape.makers"),
        (
            lambda: figures.posteriors(NONE.assign(value=0.0, exact=0.0, gaussian=0.0)),
            "curves",
            "run.table('posteriors')",
        ),
        (
            lambda: figures.spread_by_rho(NONE.assign(rho=0.0, spread=0.0), 1.0),
            "policies",
            "run.table('policies')",
        ),
    ],
)
def test_a_table_without_rows_is_refused(
    draw: Callable[[], object], name: str, source: str
) -> None:
    with pytest.raises(
        ValueError, match=rf"^{name} has no rows, but a figure needs some"
    ) as caught:
        draw()
    assert source in str(caught.value).split(", or give ", 1)[1]


@pytest.mark.parametrize("thing", [MARKET, None, [1.0]], ids=["market", "none", "list"])
@pytest.mark.parametrize(
    "use",
    [
        lambda it: metrics.by_period(it, "profit"),
        lambda it: metrics.estimates(it, "profit", ["maker"]),
        lambda it: metrics.paired_difference(it, "profit", "optimal", "myopic"),
        figures.spread_by_period,
    ],
)
def test_what_is_no_table_is_refused(use: Callable[[Any], object], thing: Any) -> None:
    kind = type(thing).__name__
    with pytest.raises(TypeError, match=rf"is of type {kind}, but must be a DataFrame: give \w+"):
        use(thing)


@pytest.mark.parametrize(
    ("measure", "says"),
    [
        (lambda: metrics.by_period(MAKERS, "sprd"), "metric is 'sprd', which is unknown: did you "
         "mean 'spread'? known: ask"),
        (lambda: metrics.by_period(MAKERS, "spread"), "frame has no column 'spread', but must "
         "have: give frame.assign(spread=metrics.spread(frame))"),
        (lambda: metrics.by_period(MAKERS, "profits"), "did you mean 'profit'?"),
        (lambda: metrics.paired_difference(MAKERS, "proft", "a", "b"), "did you mean 'profit'?"),
        (lambda: metrics.estimates(MAKERS, "profit", ["makr"]), "by is 'makr', which is unknown: "
         "did you mean 'maker'?"),
        (lambda: metrics.paired_difference(MAKERS, "profit", "a", "b", between="exchang"),
         "by is 'exchang', which is unknown"),
    ],
)  # fmt: skip
def test_a_misspelt_metric_or_key_leads_to_the_nearest(
    measure: Callable[[], object], says: str
) -> None:
    with pytest.raises(ValueError, match=r"unknown|must have") as caught:
        measure()
    assert says in str(caught.value)


def test_a_misspelt_metric_of_a_summary_leads_to_the_nearest() -> None:
    summary = pd.DataFrame(
        {"metric": ["spread", "profit"], "period": 0, "count": 2, "mean": 1.0, "variance": 1.0}
    )
    with pytest.raises(ValueError, match=r"'sprd', .*did you mean 'spread'\? known: profit, spre"):
        metrics.by_period(summary, "sprd")


def test_a_metric_that_a_record_lacks_is_had_as_the_message_says() -> None:
    table = metrics.by_period(MAKERS.assign(spread=metrics.spread(MAKERS)), "spread")
    assert table["period"].tolist() == [0, 1]
