"""Metrics and estimates against NumPy, hand computations and the tape's own summaries."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from abm import Exchange
from analysis import metrics
from tests.stubs import Shy

DISCOUNT = 0.9
MAKER_METRICS = ["spread", "belief_mean", "belief_sd", "inventory", "profit"]
MARKET_METRICS = ["spread", "pricing_error", "no_trade"]
INF = np.inf


def exchange(makers: Any = Shy, replications: int = 40) -> Exchange:
    return Exchange(makers, prior_sd=3.0, replications=replications, rng=7).run(8)


@pytest.fixture(scope="module")
def alone() -> Exchange:
    return exchange()


@pytest.fixture(scope="module")
def totals() -> pd.DataFrame:
    """Return discounted profits of three makers, each alone, facing the same draws."""
    names = ("optimal", "myopic", "zero-profit")
    frames = [
        metrics.discounted_profit(exchange(name, 200).tape.makers, DISCOUNT) for name in names
    ]
    return pd.concat(frames, ignore_index=True).astype({"maker": "category"})


@pytest.fixture
def market() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "value": [0.0, 5.0, 1.0, 1.0, 1.0],
            "bid": [-1.0, 1.0, -INF, 2.0, -INF],
            "ask": [1.0, 4.0, 3.0, INF, INF],
            "side": np.array([0, 1, 1, -1, 0], dtype=np.int8),
        }
    )


def shuffled(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.sample(frac=1, random_state=1)


def whole_market(market: pd.DataFrame) -> pd.DataFrame:
    return market.assign(
        spread=metrics.spread(market),
        pricing_error=metrics.pricing_error(market),
        no_trade=metrics.no_trade(market),
    )


def test_a_spread_needs_both_sides(market: pd.DataFrame) -> None:
    np.testing.assert_array_equal(metrics.spread(market), [2, 3, np.nan, np.nan, np.nan])


def test_the_pricing_error_needs_both_sides(market: pd.DataFrame) -> None:
    np.testing.assert_array_equal(metrics.pricing_error(market), [0, 2.5, np.nan, np.nan, np.nan])


def test_no_trade_is_one_where_nobody_traded(market: pd.DataFrame) -> None:
    np.testing.assert_array_equal(metrics.no_trade(market), [1, 0, 0, 0, 1])


def test_metrics_keep_the_rows_of_the_frame(market: pd.DataFrame) -> None:
    moved = market.set_axis([9, 3, 5, 1, 7])
    for metric in (metrics.spread, metrics.pricing_error, metrics.no_trade):
        assert metric(moved).index.tolist() == [9, 3, 5, 1, 7]


def test_estimates_are_mean_and_sd_over_the_root_of_the_count() -> None:
    draws = np.random.default_rng(3).normal(size=(2, 50))
    draws[1, :10] = np.nan
    frame = pd.DataFrame({"group": np.repeat(["a", "b"], 50), "x": draws.ravel()})
    table = metrics.estimates(frame, "x", ["group"])
    known = [draws[0], draws[1, 10:]]
    assert table.columns.tolist() == ["group", "mean", "se", "count", "low", "high"]
    assert table["count"].tolist() == [50, 40]
    np.testing.assert_allclose(table["mean"], [x.mean() for x in known], rtol=1e-13)
    errors = [x.std(ddof=1) / np.sqrt(x.size) for x in known]
    np.testing.assert_allclose(table["se"], errors, rtol=1e-13)


def test_one_observation_has_no_standard_error() -> None:
    table = metrics.estimates(pd.DataFrame({"group": ["a"], "x": [2.0]}), "x", ["group"])
    assert table.loc[0, "mean"] == 2.0
    assert np.isnan(table["se"][0])


def test_by_period_keeps_makers_apart() -> None:
    makers = exchange(["optimal", "zero-profit"]).tape.makers
    table = metrics.by_period(makers, "profit")
    assert table.columns.tolist() == ["maker", "period", "mean", "se", "count", "low", "high"]
    assert len(table) == 2 * 8
    hers = makers[(makers["maker"] == "zero-profit") & (makers["period"] == 3)]["profit"]
    row = table[(table["maker"] == "zero-profit") & (table["period"] == 3)]
    assert row["mean"].item() == pytest.approx(hers.mean(), rel=1e-13)


def test_by_period_keeps_exchanges_apart(alone: Exchange) -> None:
    tables = [alone.tape.market.assign(exchange=name) for name in ("one", "two")]
    tables[1]["value"] += 1.0
    table = metrics.by_period(pd.concat(tables), "value")
    assert table.columns.tolist() == ["exchange", "period", "mean", "se", "count", "low", "high"]
    one, two = (table[table["exchange"] == name]["mean"].to_numpy() for name in ("one", "two"))
    np.testing.assert_allclose(two - one, 1.0, rtol=1e-12)


def test_by_period_of_a_market_needs_no_maker(alone: Exchange) -> None:
    table = metrics.by_period(whole_market(alone.tape.market), "no_trade")
    assert table.columns.tolist() == ["period", "mean", "se", "count", "low", "high"]
    assert table["count"].tolist() == [40] * 8


def assert_same_estimates(summary: pd.DataFrame, record: pd.DataFrame, keys: list[str]) -> None:
    columns = [*keys, "mean", "se", "count", "low", "high"]
    first, second = (
        table[columns].astype(dict.fromkeys(keys, "str")).sort_values(keys, ignore_index=True)
        for table in (summary, record)
    )
    assert len(first) >= 8
    assert_frame_equal(first, second, rtol=1e-12, atol=1e-12)


def blocks(makers: Any, sizes: Sequence[int] = (40, 40, 40)) -> tuple[pd.DataFrame, ...]:
    """Return summary by blocks, makers and market, of blocks of these sizes."""
    tapes = [
        Exchange(makers, prior_sd=3.0, replications=size, block=block, rng=7).run(8).tape
        for block, size in enumerate(sizes)
    ]
    by_blocks = [tape.summary.assign(block=block) for block, tape in enumerate(tapes)]
    makers_of, market_of = (
        [getattr(tape, name) for tape in tapes] for name in ("makers", "market")
    )
    return tuple(pd.concat(parts, ignore_index=True) for parts in (by_blocks, makers_of, market_of))


@pytest.mark.parametrize("sizes", [(40,), (40, 40, 40), (7, 1, 30, 2)])
@pytest.mark.parametrize("metric", MAKER_METRICS)
def test_a_summary_of_makers_gives_the_estimates_of_their_record(
    metric: str, sizes: tuple[int, ...]
) -> None:
    summary, makers, _ = blocks(["zero-profit", Shy], sizes)
    assert_same_estimates(
        metrics.by_period(shuffled(summary[summary["maker"].notna()]), metric),
        metrics.by_period(makers.assign(spread=metrics.spread(makers)), metric),
        ["maker", "period"],
    )


@pytest.mark.parametrize("sizes", [(40,), (40, 40, 40), (7, 1, 30, 2)])
@pytest.mark.parametrize("metric", MARKET_METRICS)
def test_a_summary_of_the_market_gives_the_estimates_of_its_record(
    metric: str, sizes: tuple[int, ...]
) -> None:
    summary, _, market = blocks(Shy, sizes)
    assert_same_estimates(
        metrics.by_period(shuffled(summary[summary["maker"].isna()]), metric),
        metrics.by_period(whole_market(market), metric),
        ["period"],
    )


def test_a_summary_keeps_the_market_apart_from_its_makers(alone: Exchange) -> None:
    table = metrics.by_period(alone.tape.summary, "profit")
    assert table["maker"].isna().sum() == 8
    assert (table["maker"] == "shy").sum() == 8
    assert table.columns.tolist() == ["maker", "period", "mean", "se", "count", "low", "high"]


def summary_of(*blocks: Sequence[float]) -> pd.DataFrame:
    """Return the summary of samples, a block each, of one metric."""
    samples = [pd.Series(block, dtype=float).dropna() for block in blocks]
    return pd.DataFrame(
        {
            "point": "here",
            "block": range(len(samples)),
            "metric": "x",
            "count": [len(sample) for sample in samples],
            "mean": [sample.mean() for sample in samples],
            "variance": [sample.var() for sample in samples],
        }
    )


@pytest.mark.parametrize(("offset", "tolerance"), [(0.0, 1e-12), (1e9, 1e-7)])
@pytest.mark.parametrize(
    "sample",
    [
        [(1.0, 2.0, 4.0), (3.0, 9.0)],
        [(1.0, 2.0, 4.0), (np.nan, np.nan), (3.0,), (9.0, np.nan)],
        [(np.nan,), (5.0,)],
        [(np.nan,), ()],
        [(2.0, 2.0), (2.0, 2.0)],
    ],
)
def test_blocks_are_merged_as_if_there_were_one(
    sample: list[tuple[float, ...]], offset: float, tolerance: float
) -> None:
    shifted = [tuple(np.asarray(block) + offset) for block in sample]
    whole = pd.Series([x for block in shifted for x in block], dtype=float).dropna()
    table = metrics.estimates(summary_of(*shifted), "x", ["point"])
    assert table.columns.tolist() == ["point", "mean", "se", "count", "low", "high"]
    expected = np.array([[whole.mean(), whole.sem(), len(whole)]], dtype=float)
    np.testing.assert_allclose(table[["mean", "se", "count"]], expected, rtol=tolerance, atol=0)


def test_rows_of_a_summary_that_are_no_different_blocks_are_not_put_together() -> None:
    summary, _, _ = blocks(["zero-profit", "optimal"])
    with pytest.raises(ValueError, match=r"several rows for one period, block, .* apart"):
        metrics.estimates(summary, "profit", ["period"])
    with pytest.raises(ValueError, match="several rows for one maker, period, whose moments"):
        metrics.by_period(summary.drop(columns="block"), "profit")


@pytest.mark.parametrize("kept", ["record", "summary"])
def test_a_metric_that_is_not_there_is_named(alone: Exchange, kept: str) -> None:
    frame = alone.tape.makers if kept == "record" else alone.tape.summary
    with pytest.raises((KeyError, ValueError), match="sprad"):
        metrics.by_period(frame, "sprad")


def test_some_spreads_are_missing_in_the_market_compared(alone: Exchange) -> None:
    counts = metrics.by_period(whole_market(alone.tape.market), "spread")["count"]
    assert counts.iloc[0] == 40
    assert 0 < counts.min() < 40


def test_discounted_profit_is_the_tapes() -> None:
    market = exchange(["optimal", "zero-profit"])
    table = metrics.discounted_profit(market.tape.makers, DISCOUNT)
    assert table.columns.tolist() == ["maker", "replication", "discounted_profit"]
    for maker, of_tape in zip(market.makers, market.tape.discounted_profit(DISCOUNT), strict=True):
        hers = table[table["maker"] == maker.label]
        assert hers["replication"].tolist() == list(range(40))
        np.testing.assert_allclose(hers["discounted_profit"], of_tape, rtol=0, atol=1e-12)


def test_discounted_profit_adds_up_by_hand() -> None:
    frame = pd.DataFrame(
        {
            "exchange": ["x", "x", "x", "y"],
            "maker": "a",
            "replication": [0, 0, 1, 0],
            "period": np.array([0, 2, 1, 3], dtype=np.int16),
            "profit": [1.0, 4.0, 6.0, 8.0],
        }
    )
    table = metrics.discounted_profit(frame, 0.5)
    assert table.to_numpy().tolist() == [["x", "a", 0, 2.0], ["x", "a", 1, 3.0], ["y", "a", 0, 1.0]]


def test_a_paired_difference_is_that_of_the_replications(totals: pd.DataFrame) -> None:
    table = metrics.paired_difference(totals, "discounted_profit", "optimal", "myopic")
    assert table.columns.tolist() == ["mean", "se", "count", "low", "high"]
    optimal, myopic = (
        totals[totals["maker"] == name]["discounted_profit"].to_numpy()
        for name in ("optimal", "myopic")
    )
    apart = optimal - myopic
    expected = [apart.mean(), apart.std(ddof=1) / np.sqrt(200), 200]
    np.testing.assert_allclose(table[["mean", "se", "count"]], [expected], rtol=1e-12)


def test_pairing_removes_what_exchanges_with_the_same_draws_have_in_common() -> None:
    names = ("optimal", "zero-profit")
    makers = pd.concat([exchange(name).tape.makers.assign(exchange=name) for name in names])
    last = makers[makers["period"] == 7]
    apart = metrics.estimates(last, "belief_mean", ["exchange"])["se"]
    paired = metrics.paired_difference(last, "belief_mean", *names, between="exchange")["se"]
    assert paired.item() < 0.7 * np.hypot(*apart)


def test_paired_differences_may_be_taken_in_every_period() -> None:
    makers = exchange(["optimal", "zero-profit"]).tape.makers
    table = metrics.paired_difference(makers, "inventory", "optimal", "zero-profit", by=["period"])
    assert table.columns.tolist() == ["period", "mean", "se", "count", "low", "high"]
    held = makers.pivot(index=["period", "replication"], columns="maker", values="inventory")
    apart = (held["optimal"] - held["zero-profit"]).groupby("period").mean()
    np.testing.assert_allclose(table["mean"], apart, rtol=0, atol=1e-12)


def test_exchanges_may_be_compared(alone: Exchange) -> None:
    first = alone.tape.market[lambda market: market["period"] == 0]
    both = pd.concat([first.assign(exchange="a"), first.assign(exchange="b", value=0.0)])
    table = metrics.paired_difference(both, "value", "a", "b", between="exchange")
    assert table["mean"].item() == pytest.approx(first["value"].mean(), rel=1e-12)


def test_the_order_of_rows_does_not_matter(totals: pd.DataFrame, alone: Exchange) -> None:
    makers = alone.tape.makers
    for there, here in (
        [metrics.by_period(rows, "belief_sd") for rows in (makers, shuffled(makers))],
        [metrics.discounted_profit(rows, 0.9) for rows in (makers, shuffled(makers))],
        [
            metrics.paired_difference(rows, "discounted_profit", "optimal", "myopic")
            for rows in (totals, shuffled(totals))
        ],
    ):
        assert_frame_equal(there, here, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize(
    ("first", "second"), [("optimal", "nobody"), ("nobody", "optimal"), ("nobody", "nobody")]
)
def test_comparing_with_a_name_that_is_not_there_is_an_error(
    totals: pd.DataFrame, first: str, second: str
) -> None:
    with pytest.raises(ValueError, match="maker is 'nobody', which is unknown: known: myopic, "):
        metrics.paired_difference(totals, "discounted_profit", first, second)


def test_comparing_other_replications_is_an_error(totals: pd.DataFrame) -> None:
    fewer = totals[(totals["maker"] == "optimal") | (totals["replication"] < 150)]
    with pytest.raises(ValueError, match=r"optimal has 200 rows and myopic has 150, .*: compare"):
        metrics.paired_difference(fewer, "discounted_profit", "optimal", "myopic")


def test_comparing_as_many_but_other_replications_is_an_error(totals: pd.DataFrame) -> None:
    moved = totals["replication"].where(totals["maker"] == "optimal", totals["replication"] + 1)
    with pytest.raises(
        ValueError, match="needs the same replications of both: compare runs of one"
    ):
        metrics.paired_difference(
            totals.assign(replication=moved), "discounted_profit", "optimal", "myopic"
        )


def test_blocks_of_a_summary_are_compared_by_their_means() -> None:
    names = ("optimal", "zero-profit")
    summary, makers, _ = blocks(list(names), (40, 40, 40, 40, 40))
    table = metrics.paired_difference(shuffled(summary), "profit", *names, by=["period"])
    assert table.columns.tolist() == ["period", "mean", "se", "count", "low", "high"]
    makers["block"] = makers["replication"] // 40
    means = makers.groupby(["period", "block", "maker"], observed=True)["profit"].mean().unstack()
    apart = (means["optimal"] - means["zero-profit"]).unstack("period")
    assert apart.shape == (5, 8)
    expected = np.transpose([apart.mean(), apart.std(ddof=1) / np.sqrt(5), [5] * 8])
    found = table.set_index("period").sort_index()[["mean", "se", "count"]]
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)


def test_a_summary_over_all_blocks_cannot_be_compared_in_pairs() -> None:
    summary = exchange(["optimal", "zero-profit"]).tape.summary
    with pytest.raises(ValueError, match=r'over all blocks, .* give run\.blocks\("summary"\)'):
        metrics.paired_difference(summary, "profit", "optimal", "zero-profit", by=["period"])


def test_comparing_rows_that_repeat_a_replication_is_an_error() -> None:
    every_period = exchange(["optimal", "zero-profit"]).tape.makers
    with pytest.raises(ValueError, match="replication"):
        metrics.paired_difference(every_period, "profit", "optimal", "zero-profit")


def test_a_maker_who_is_not_there_is_told_from_those_who_are(totals: pd.DataFrame) -> None:
    says = "maker is 'myopc', which is unknown: did you mean 'myopic'"
    with pytest.raises(ValueError, match=says):
        metrics.paired_difference(totals, "discounted_profit", "optimal", "myopc")


def test_a_column_of_text_is_no_metric(alone: Exchange) -> None:
    with pytest.raises(ValueError, match="metric is 'maker', which is unknown") as caught:
        metrics.by_period(alone.tape.makers, "maker")
    assert "known: ask, belief_mean" in str(caught.value)


@pytest.mark.parametrize("discount", [1.0, -0.1, np.nan])
def test_a_discount_out_of_range_is_refused(alone: Exchange, discount: float) -> None:
    with pytest.raises(ValueError, match="discount is"):
        metrics.discounted_profit(alone.tape.makers, discount)
