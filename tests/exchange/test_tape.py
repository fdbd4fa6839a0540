"""The tape: its tables, its pages, its summaries, and that nobody can write on it."""

from contextlib import suppress
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import pytest

from abm import Exchange, GaussianBelief, Jumps, NoisyTrader, Quote
from abm.makers import MarketMaker
from abm.market.quotes import Side
from abm.market.random_streams import Draws
from abm.market.valuations import Interval
from abm.numerics.arrays import Array
from abm.numerics.moments import Moments
from abm.participants.transparency import MarketView
from abm.runs.schema import MAKERS, MARKET, SUMMARY, Column
from analysis import metrics
from tests.stubs import Shy

TWO = ["optimal", "zero-profit"]


class Careful(MarketMaker):
    """Quotes around her mean, in fresh arrays."""

    name = "careful"

    def quote(self) -> Quote:
        return Quote.around(self.require_belief().mean, 1.0)


class Scribbler(MarketMaker):
    """Quotes as the careful maker, but out of one pair of arrays that she overwrites."""

    name = "scribbler"

    def __init__(self, model: Any) -> None:
        super().__init__(model)
        self.prices = np.zeros((2, self.terms.replications))

    def quote(self) -> Quote:
        self.prices[:] = self.require_belief().mean + np.array([[-1.0], [1.0]])
        return Quote(*self.prices)

    def settle(self, units: Array, price: Array) -> None:
        self.prices[:] = np.nan
        self.inventory -= units
        self.cash += units * price

    def observe(self, view: MarketView) -> None:
        self.prices[:] = np.nan
        super().observe(view)


def list_arrays(*things: Any) -> list[Array]:
    """Return all arrays that these things hold, and that those hold."""
    found: list[Array] = []
    for thing in things:
        if isinstance(thing, np.ndarray):
            found.append(thing)
        elif isinstance(thing, Quote | MarketView | Interval | GaussianBelief):
            found += list_arrays(*vars(thing).values())
        elif isinstance(thing, dict | tuple | list):
            found += list_arrays(*(thing.values() if isinstance(thing, dict) else thing))
    return found


class Vandal(MarketMaker):
    """Quotes as the careful maker, and keeps all that she gave and was given; a vandal spoils it.

    What she has spoilt is of earlier periods, and none of it is hers to use any more.
    """

    name = "vandal"

    def __init__(self, model: Any, *, spoils: bool) -> None:
        super().__init__(model)
        self.spoils = spoils
        self.gathered: list[Array] = []

    def gather(self, *things: Any) -> None:
        if self.spoils:
            self.gathered += list_arrays(*things)

    def quote(self) -> Quote:
        for array in self.gathered:
            with suppress(ValueError):  # those that are closed to writing
                array[...] = 99
        belief = self.require_belief()
        self.belief = GaussianBelief(belief.mean.copy(), belief.sd.copy())
        quote = Quote.around(self.belief.mean, 1.0)
        self.gathered = list_arrays(quote, self.last) if self.spoils else []
        return quote

    def observe(self, view: MarketView) -> None:
        super().observe(view)
        for array in list_arrays(view) if self.spoils else ():
            with suppress(ValueError):
                array[...] = 99

    def settle(self, units: Array, price: Array) -> None:
        self.gather(units, price, self.inventory, self.cash, self.belief)
        super().settle(units, price)


class VandalTrader(NoisyTrader):
    """Values as others do, out of one array that she keeps, and spoils all that she was given."""

    name = "vandal-trader"

    def __init__(self, model: Any) -> None:
        super().__init__(model)
        self.kept = np.empty(self.terms.replications)

    def valuation(self, value: Array, draws: Draws) -> Array:
        with suppress(ValueError):
            value[...] = 99
        self.kept[:] = super().valuation(value, draws)
        return self.kept

    def observe(self, view: MarketView) -> None:
        for array in list_arrays(view):
            with suppress(ValueError):
                array[...] = 99


def market(makers: Any = TWO, replications: int = 20, **settings: Any) -> Exchange:
    return Exchange(makers, prior_sd=3.0, replications=replications, rng=1, **settings)


def dtypes(columns: tuple[Column, ...]) -> dict[str, str]:
    return {column.name: column.dtype for column in columns}


def of_period(table: pd.DataFrame, period: int) -> pd.DataFrame:
    return table[table["period"] == period]


def of_maker(table: pd.DataFrame, label: str) -> pd.DataFrame:
    return table[table["maker"] == label]


def tables(exchange: Exchange) -> list[tuple[pd.DataFrame, tuple[Column, ...]]]:
    tape = exchange.tape
    return [(tape.market, MARKET), (tape.makers, MAKERS), (tape.summary, SUMMARY)]


@pytest.mark.parametrize("periods", [0, 1, 3])
def test_every_table_has_the_columns_and_dtypes_of_the_schema(periods: int) -> None:
    for table, columns in tables(market().run(periods)):
        assert list(table.dtypes.astype(str).items()) == list(dtypes(columns).items())


def test_the_columns_are_the_ones_that_scripts_rely_on() -> None:
    assert list(dtypes(MARKET).items()) == [
        ("replication", "int32"),
        ("period", "int16"),
        ("value", "float64"),
        ("valuation", "float64"),
        ("bid", "float64"),
        ("ask", "float64"),
        ("side", "int8"),
        ("trader", "category"),
    ]
    assert list(dtypes(MAKERS).items()) == [
        ("replication", "int32"),
        ("period", "int16"),
        ("maker", "category"),
        ("bid", "float64"),
        ("ask", "float64"),
        ("belief_mean", "float64"),
        ("belief_sd", "float64"),
        ("filled", "bool"),
        ("inventory", "float64"),
        ("profit", "float64"),
    ]


def test_rows_run_by_replication_then_period_then_maker() -> None:
    tape = market().run(3).tape
    keys = ["replication", "period"]
    expected = pd.MultiIndex.from_product([range(20), range(3), TWO])
    assert tape.makers.set_index([*keys, "maker"]).index.to_list() == expected.to_list()
    assert tape.market.set_index(keys).index.to_list() == expected.droplevel(2)[::2].to_list()
    assert tape.makers["maker"].cat.categories.to_list() == TWO


def test_every_row_is_what_happened_in_its_replication() -> None:
    exchange = market()
    for period in range(3):
        exchange.step()
        one, tape = exchange.clearing, exchange.tape
        for column in ("value", "valuation", "bid", "ask", "side"):
            assert np.array_equal(of_period(tape.market, period)[column], getattr(one, column))
        for label, dealing in zip(TWO, one.dealings, strict=True):
            hers = of_maker(of_period(tape.makers, period), label)
            for column in dtypes(MAKERS).keys() - {"replication", "period", "maker"}:
                assert np.array_equal(hers[column], getattr(dealing, column))


@pytest.mark.parametrize("periods", [0, 5, 70])
@pytest.mark.parametrize("makers", [TWO, Shy, [Shy, Shy]], ids=str)
def test_a_full_record_and_a_summary_summarise_alike(makers: Any, periods: int) -> None:
    full, summary = (market(makers, record=record).run(periods) for record in ("full", "summary"))
    pd.testing.assert_frame_equal(full.tape.summary, summary.tape.summary, check_exact=True)


def test_a_summary_of_a_maker_is_the_count_mean_and_variance_of_her_rows() -> None:
    tape = market().run(5).tape
    for _, row in tape.summary.dropna(subset="maker").iterrows():
        rows = of_maker(of_period(tape.makers, row["period"]), row["maker"])
        value = of_period(tape.market, row["period"])["value"].to_numpy()
        made = {
            "spread": rows["ask"] - rows["bid"],
            "belief_error": (rows["belief_mean"] - value).abs(),
        }
        sample = rows.assign(**made)[row["metric"]].astype(float)
        assert row["count"] == 20
        np.testing.assert_allclose(row["mean"], np.mean(sample), atol=1e-12)
        np.testing.assert_allclose(row["variance"], np.var(sample, ddof=1), atol=1e-12)


def test_a_summary_of_the_whole_market_has_no_maker() -> None:
    tape = market().run(5).tape
    summary = tape.summary[tape.summary["maker"].isna()]
    assert len(summary) == 5 * 5
    for _, row in summary.iterrows():
        rows, dealt = (of_period(table, row["period"]) for table in (tape.market, tape.makers))
        sample: Any = {
            "spread": rows["ask"] - rows["bid"],
            "pricing_error": (0.5 * (rows["ask"] + rows["bid"]) - rows["value"]).abs(),
            "surplus": np.select(
                [rows["side"] == Side.BUY, rows["side"] == Side.SELL],
                [rows["valuation"] - rows["ask"], rows["bid"] - rows["valuation"]],
            ),
            "no_trade": (rows["side"] == Side.NONE).astype(float),
            "profit": dealt.groupby("replication")["profit"].sum(),
        }[row["metric"]]
        np.testing.assert_allclose(row["mean"], np.mean(sample), atol=1e-12)
        np.testing.assert_allclose(row["variance"], np.var(sample, ddof=1), atol=1e-12)


def test_a_spread_counts_only_where_both_sides_are_quoted() -> None:
    tape = market(Shy).run(5).tape
    spreads = tape.summary.query("metric == 'spread' and maker == 'shy'")
    quoted = np.isfinite(tape.makers["ask"]).groupby(tape.makers["period"]).sum()
    assert 0 < quoted[4] < 20
    assert np.array_equal(spreads["count"], quoted)
    np.testing.assert_allclose(spreads["mean"], 2.0)


def moments_of(summary: pd.DataFrame) -> Moments:
    return Moments.of_variance(
        *(summary[column].to_numpy() for column in ("count", "mean", "variance"))
    )


@pytest.mark.parametrize("makers", [TWO, Shy], ids=str)
def test_merged_summaries_of_two_blocks_are_the_summary_of_both(makers: Any) -> None:
    first, second = (market(makers, 30, block=block).run(5).tape for block in (0, 1))
    both = pd.concat([first.makers, second.makers])
    assert both["replication"].nunique() == 60
    spread = (both["ask"] - both["bid"]).where(np.isfinite(both["ask"]))
    error = metrics.belief_error(both, pd.concat([first.market, second.market]))
    both = both.assign(spread=spread, belief_error=error).astype({"filled": float})
    rows = len(first.summary)
    both_blocks = moments_of(pd.concat([first.summary, second.summary]))
    merged = both_blocks.pool(np.tile(np.arange(rows), 2), rows)
    of_makers = first.summary.loc[first.summary["maker"].notna(), ["period", "maker", "metric"]]
    assert len(of_makers) == len(merged.count) - 5 * 5
    for at, period, maker, metric in of_makers.itertuples(name=None):
        sample = Moments.of(of_maker(of_period(both, period), maker)[metric].to_numpy())
        assert merged.count[at] == sample.count
        np.testing.assert_allclose(merged.mean[at], sample.mean, rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(merged.squares[at], sample.squares, atol=1e-12)


@pytest.mark.parametrize("discount", [0.0, 0.9, 1.0])
@pytest.mark.parametrize("periods", [1, 10, 70])
def test_discounted_profit_weighs_a_period_by_the_discount_to_its_number(
    periods: int, discount: float
) -> None:
    exchange = market()
    for _ in range(periods):
        exchange.step()
    log = exchange.tape.makers
    worth = (log["profit"] * discount ** log["period"].astype(float)).groupby(
        [log["maker"], log["replication"]], observed=True
    )
    expected = worth.sum().to_numpy().reshape(2, 20)
    found = exchange.tape.discounted_profit(discount)
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)


def test_a_tape_before_the_first_trader_is_empty() -> None:
    for table, _ in tables(market()):
        assert table.empty
    assert np.array_equal(market().tape.discounted_profit(0.9), np.zeros((2, 20)))
    assert market(record="summary").tape.summary.empty


@pytest.mark.parametrize("runs", [[150], [1] * 150, [3, 70, 0, 77], [64, 64, 22]], ids=len)
def test_how_periods_are_run_makes_no_difference(runs: list[int]) -> None:
    stepped, run = market(replications=3), market(replications=3)
    for _ in range(150):
        stepped.step()
    for periods in runs:
        run.run(periods)
    for (one, _), (other, _) in zip(tables(stepped), tables(run), strict=True):
        pd.testing.assert_frame_equal(one, other, check_exact=True)
    assert one["period"].max() == 149


@pytest.mark.parametrize(
    "read",
    [
        lambda tape: tape.market,
        lambda tape: tape.makers,
        lambda tape: tape.discounted_profit(0.9),
    ],
    ids=["market", "makers", "discounted_profit"],
)
@pytest.mark.parametrize("periods", [0, 2])
def test_a_summary_says_that_it_has_no_full_record(read: Any, periods: int) -> None:
    tape = market(record="summary").run(periods).tape
    with pytest.raises(ValueError, match=r'summaries only: read \.summary, or give record="full"'):
        read(tape)


@pytest.mark.parametrize(
    ("record", "table"), [("full", "makers"), ("full", "market"), ("summary", "summary")]
)
def test_makers_who_overwrite_their_quotes_do_not_corrupt_the_tape(record: str, table: str) -> None:
    scribbled, honest = (
        getattr(market(maker, record=record).run(20).tape, table) for maker in (Scribbler, Careful)
    )
    others = honest.columns.drop("maker", errors="ignore")
    pd.testing.assert_frame_equal(scribbled[others], honest[others], check_exact=True)


@pytest.mark.parametrize("transparency", ["public", "own"])
@pytest.mark.parametrize("value", ["fixed", "redrawn", Jumps(1.0, probability=0.3)])
@pytest.mark.parametrize("record", ["full", "summary"])
def test_who_writes_into_all_that_was_given_changes_no_log(
    record: str, value: Any, transparency: str
) -> None:
    def tables(spoils: bool, trader: Any) -> list[pd.DataFrame]:
        makers = [partial(Vandal, spoils=spoils)] * (1 if value == "redrawn" else 2)
        settings = {"transparency": transparency, "value": value, "record": record}
        tape = market(makers, traders=trader, **settings).run(12).tape
        return [tape.summary] if record == "summary" else [tape.market, tape.makers]

    for spoilt, honest in zip(tables(True, VandalTrader), tables(False, NoisyTrader), strict=True):
        others = honest.columns.drop("trader", errors="ignore")
        pd.testing.assert_frame_equal(spoilt[others], honest[others], check_exact=True)


def test_a_table_is_a_copy_that_its_reader_may_change() -> None:
    tape = market(["optimal"], 1).run(1).tape
    quotes, trades = tape.makers, tape.market
    quotes.loc[:, "bid"] = 0.0
    trades.loc[:, "value"] = 0.0
    assert (tape.makers["bid"] != 0).all()
    assert (tape.market["value"] != 0).all()
