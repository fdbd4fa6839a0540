"""Ratios, market shares, what traders gain, and what follows from totals, by hand."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from abm import Exchange
from abm.experiment import Experiment, Simulation, grid
from analysis import Run, load, metrics, shares
from analysis.metrics import add_interval
from analysis.results import format_estimates, results, totals, with_point_parameters
from tests.stubs import Blind, Shut

INF, NAN = np.inf, np.nan
RIVALS = ["optimal", "zero-profit", "fixed-spread", "zero-profit"]
SIZE, PERIODS, SEED = 50, 12, 3


def trades(seed: int, size: int = 400) -> pd.DataFrame:
    """Return trades of a maker, and those of her market, in so many replications."""
    rng = np.random.default_rng(seed)
    traded = rng.poisson(30.0, size)
    return pd.DataFrame(
        {
            "maker": "a",
            "replication": np.arange(size),
            "hers": rng.binomial(traded, 0.2) + rng.integers(0, 3, size),
            "traded": traded,
        }
    )


@pytest.fixture
def record() -> pd.DataFrame:
    """Return the trades of two makers in one market, in disorder."""
    first = trades(1)
    second = first.assign(maker="b", hers=first["traded"] - first["hers"])
    return pd.concat([first, second], ignore_index=True).sample(frac=1, random_state=2)


def cochran(part: Any, whole: Any) -> tuple[float, float]:
    """Return a ratio of means and its standard error (Cochran 1977, equation 6.13)."""
    y, x = np.asarray(part, float), np.asarray(whole, float)
    overall = y.sum() / x.sum()
    squares = ((y - overall * x) ** 2).sum() / (y.size - 1)
    return overall, np.sqrt(squares / y.size) / x.mean()


def estimated(record: pd.DataFrame, by: str = "maker") -> pd.DataFrame:
    ratios = record.assign(share=shares.ratio(record, "hers", "traded", [by]))
    return metrics.estimates(ratios, "share", [by])


def test_a_ratio_is_cochrans_in_each_group(record: pd.DataFrame) -> None:
    table = estimated(record).set_index("maker")
    for maker in "ab":
        hers = record[record["maker"] == maker]
        expected = cochran(hers["hers"], hers["traded"])
        np.testing.assert_allclose(table.loc[maker, ["mean", "se"]].to_numpy(float), expected,
                                   rtol=1e-11)  # fmt: skip
        assert table.loc[maker, "count"] == 400


def test_a_ratio_is_no_mean_of_ratios() -> None:
    uneven = pd.DataFrame({"maker": "a", "hers": [1.0, 0.0], "traded": [1.0, 9.0]})
    assert estimated(uneven)["mean"].item() == pytest.approx(0.1, rel=1e-12)


def test_the_standard_error_of_a_ratio_is_that_of_a_bootstrap() -> None:
    once = trades(8)
    rng = np.random.default_rng(9)
    again = rng.integers(0, len(once), (2_000, len(once)))
    hers, traded = once["hers"].to_numpy()[again], once["traded"].to_numpy()[again]
    spread = (hers.sum(axis=1) / traded.sum(axis=1)).std(ddof=1)
    assert estimated(once)["se"].item() == pytest.approx(spread, rel=0.1)


def test_shares_of_all_makers_are_one_in_every_replication(record: pd.DataFrame) -> None:
    ratios = record.assign(share=shares.ratio(record, "hers", "traded", ["maker"]))
    np.testing.assert_allclose(ratios.groupby("replication")["share"].sum(), 1.0, rtol=1e-12)


def test_paired_ratios_differ_by_the_ratio_of_the_difference(record: pd.DataFrame) -> None:
    ratios = record.assign(share=shares.ratio(record, "hers", "traded", ["maker"]))
    table = metrics.paired_difference(ratios, "share", "a", "b")
    one, other = (
        record[record["maker"] == name].set_index("replication").sort_index() for name in "ab"
    )
    expected = cochran(one["hers"] - other["hers"], one["traded"])
    np.testing.assert_allclose(table[["mean", "se"]].to_numpy()[0], expected, rtol=1e-10)


def test_ratios_keep_the_rows_of_the_frame(record: pd.DataFrame) -> None:
    assert shares.ratio(record, "hers", "traded", ["maker"]).index.equals(record.index)


def test_a_part_of_nothing_is_missing() -> None:
    nothing = pd.DataFrame({"maker": list("aabb"), "hers": [0, 0, 1, 2], "traded": [0, 0, 2, 4]})
    table = estimated(nothing)
    assert np.isnan(table["mean"][0])
    assert table["count"].tolist() == [0, 2]
    assert table["mean"][1] == pytest.approx(0.5, rel=1e-12)


@pytest.fixture(scope="module")
def together() -> Exchange:
    """Return rivals, two of them alike, where some periods have no trade at all."""
    return Exchange(
        RIVALS, prior_sd=4.0, transparency="own", replications=SIZE, rng=SEED,
    ).run(PERIODS)  # fmt: skip


def test_a_market_share_is_the_count_of_the_full_record(together: Exchange) -> None:
    share = shares.market_share(together.tape.summary)
    assert share.columns.tolist() == ["maker", "period", "mean", "se", "count", "low", "high"]
    found = share.set_index(["maker", "period"])
    makers, market = together.tape.makers, together.tape.market
    traded = (market["side"] != 0).groupby(market["period"]).sum()
    hers = makers.groupby(["maker", "period"], observed=True)["filled"].sum()
    assert len(found) == len(RIVALS) * PERIODS == len(hers)
    for maker, period in hers.index:
        row, count = found.loc[(maker, period)], traded[period]
        part = hers[maker, period] / count
        error = np.sqrt(part * (1 - part) / count)
        assert row["count"] == count
        np.testing.assert_allclose(row[["mean", "se"]].to_numpy(float), [part, error], atol=1e-12)


def test_market_shares_add_up_to_one_where_there_is_a_trade(together: Exchange) -> None:
    share = shares.market_share(together.tape.summary)
    np.testing.assert_allclose(share.groupby("period")["mean"].sum(), 1.0, rtol=1e-12)
    assert share["mean"].between(0, 1).all()


def test_without_trades_there_are_no_shares() -> None:
    shut = Exchange([Shut, Shut], replications=4).run(2)
    share = shares.market_share(shut.tape.summary)
    assert sorted(share["maker"]) == ["shut", "shut", "shut-2", "shut-2"]
    assert share[["mean", "se"]].isna().all(axis=None)
    assert share["count"].tolist() == [0] * 4


def test_a_maker_without_rivals_has_all_trades() -> None:
    share = shares.market_share(Exchange("optimal", replications=SIZE).run(5).tape.summary)
    assert share["mean"].tolist() == [1.0] * 5
    assert share["se"].tolist() == [0.0] * 5


def test_market_shares_keep_exchanges_apart(together: Exchange) -> None:
    other = Exchange(["zero-profit", "optimal"], prior_sd=2.0, replications=20).run(PERIODS)
    pieces = {"one": together.tape.summary, "two": other.tape.summary}
    summary = pd.concat([piece.assign(exchange=name) for name, piece in pieces.items()])
    share = shares.market_share(summary, ["exchange"])
    assert share.columns.tolist() == [
        "exchange",
        "maker",
        "period",
        "mean",
        "se",
        "count",
        "low",
        "high",
    ]
    for name, piece in pieces.items():
        alone = shares.market_share(piece).set_index(["maker", "period"])
        found = share[share["exchange"] == name].set_index(["maker", "period"])
        pd.testing.assert_frame_equal(
            found.loc[alone.index, alone.columns], alone, check_index_type=False,
            check_categorical=False,
        )  # fmt: skip


def test_a_traders_surplus_is_by_her_own_valuation() -> None:
    market = pd.DataFrame(
        {
            "valuation": [3.0, -2.5, 0.5, 4.0, -4.0, 1.0],
            "bid": [-1.0, -1.0, -1.0, -INF, -2.0, -INF],
            "ask": [1.0, 1.0, 1.0, 3.0, INF, INF],
            "side": np.array([1, -1, 0, 1, -1, 0], dtype=np.int8),
        },
        index=[5, 4, 3, 2, 1, 0],
    )
    surplus = metrics.surplus(market)
    assert surplus.tolist() == [2.0, 1.5, 0.0, 1.0, 2.0, 0.0]
    assert surplus.index.tolist() == [5, 4, 3, 2, 1, 0]


def test_no_trader_loses_by_her_own_valuation(together: Exchange) -> None:
    surplus = metrics.surplus(together.tape.market)
    assert (surplus >= 0).all()
    assert (surplus > 0).tolist() == (together.tape.market["side"] != 0).tolist()


def test_summaries_hold_the_surplus_of_the_record(together: Exchange) -> None:
    market = together.tape.market
    market["surplus"] = metrics.surplus(market)
    summary = together.tape.summary.query("metric == 'surplus'").set_index("period")
    by_period = market.groupby("period")["surplus"]
    np.testing.assert_allclose(summary["mean"], by_period.mean(), rtol=1e-12)
    np.testing.assert_allclose(summary["variance"], by_period.var(), rtol=1e-10)


def test_what_traders_gain_by_the_value_makers_lose(together: Exchange) -> None:
    market = together.tape.market
    price = np.where(market["side"] > 0, market["ask"], market["bid"])
    market["gain"] = market["side"] * (market["value"] - price)
    keys = ["replication", "period"]
    gain = market.set_index(keys)["gain"].fillna(0.0)
    profit = together.tape.makers.groupby(keys)["profit"].sum()
    np.testing.assert_allclose(gain, -profit[gain.index], rtol=0, atol=1e-12)
    each, whole = gain.groupby("replication").sum(), profit.groupby("replication").sum()
    assert len(each) == SIZE
    assert each.abs().min() > 0
    np.testing.assert_allclose(each, -whole, rtol=0, atol=1e-11)


def test_surplus_is_the_gain_by_the_value_and_what_traders_think_it_is_worth_beyond(
    together: Exchange,
) -> None:
    market = together.tape.market
    market["surplus"] = metrics.surplus(market)
    market["taste"] = market["side"] * (market["valuation"] - market["value"])
    sums = market.groupby("replication")[["surplus", "taste"]].sum()
    profit = together.tape.makers.groupby("replication")["profit"].sum()
    np.testing.assert_allclose(sums["surplus"], sums["taste"] - profit, rtol=0, atol=1e-11)


@pytest.mark.parametrize("confidence", [0.5, 0.8, 0.99, 1 - 0.05 / 600])
def test_an_interval_has_the_confidence_it_is_asked_for(confidence: float) -> None:
    table = pd.DataFrame({"mean": [5.0, -1.0], "se": [0.5, 2.0], "count": [3, 40]})
    found = add_interval(table, confidence)
    ends = stats.t.interval(confidence, [2, 39], loc=[5.0, -1.0], scale=[0.5, 2.0])
    np.testing.assert_allclose(found[["low", "high"]].to_numpy().T, np.array(ends), rtol=1e-9)


def test_95_percent_is_the_confidence_of_an_interval_unless_told() -> None:
    table = pd.DataFrame({"mean": [5.0], "se": [0.5], "count": [3]})
    pd.testing.assert_frame_equal(add_interval(table), add_interval(table, 0.95))


GRID = grid(makers=["optimal", "zero-profit", Blind, "fixed-spread"], prior_sd=[3.0, 6.0],
            noise_sd=[2.0])  # fmt: skip
OWN = ["makers", "prior_sd", "replication"]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Return a small experiment in two blocks, recorded in full."""
    out = tmp_path_factory.mktemp("shares") / "run"
    Experiment(
        GRID, Simulation(record="full"), replications=80, periods=8, seed=SEED, block=40
    ).run(out)  # fmt: skip
    return load(out)


@pytest.fixture(scope="module")
def records(run: Run) -> pd.DataFrame:
    return with_point_parameters(pd.concat(totals(run, ["block"])), run, [])


def test_a_market_is_frozen_if_nobody_ever_trades_in_it(run: Run, records: pd.DataFrame) -> None:
    market = run.blocks("market")
    traded = (market["side"] != 0).groupby([market[key].astype(str) for key in OWN]).any()
    keys = [records[key].astype(str) for key in OWN]
    frozen = records["frozen"].groupby(keys).first()
    assert frozen.tolist() == (~traded[frozen.index]).astype(float).tolist()
    assert 0 < frozen.sum() < len(frozen)


def test_a_maker_has_learnt_once_her_disadvantage_is_below_a_half(records: pd.DataFrame) -> None:
    for maker, prior_sd in (("optimal", 6.0), ("zero-profit", 6.0)):
        market = Exchange(
            maker, prior_sd=prior_sd, noise_sd=2.0, replications=40, block=1, rng=SEED
        ).run(9)
        last = market.tape.makers.query("period == 8").set_index("replication")["belief_sd"]
        here = records[(records["makers"] == maker) & (records["prior_sd"] == prior_sd)]
        found = here.set_index("replication").loc[last.index, "learnt"]
        assert found.tolist() == (last < 0.5 * 2.0).astype(float).tolist()
        assert 0 < found.sum() < 40


def test_who_believes_nothing_neither_has_learnt_nor_has_not(records: pd.DataFrame) -> None:
    blind = records["maker"] == "blind"
    assert blind.sum() == 160
    assert records["learnt"][blind].isna().all()
    assert records["learnt"][~blind].notna().all()


def test_results_hold_the_fractions_of_markets_that_have_learnt_or_are_frozen(
    run: Run, records: pd.DataFrame
) -> None:
    table = results(run)
    for metric in ("learnt", "frozen"):
        found = table[table["metric"] == metric].set_index(["makers", "prior_sd"])
        fractions = records.groupby(["makers", "prior_sd"])[metric].mean()
        assert len(found) == len(fractions) == 8
        by_hand = [fractions[str(maker), prior_sd] for maker, prior_sd in found.index]
        np.testing.assert_allclose(found["mean"], by_hand, rtol=1e-12)


def test_a_table_is_placed_by_the_parameters_that_all_points_share(run: Run) -> None:
    summary = run.table("summary")
    assert "noise_sd" not in summary
    table = with_point_parameters(summary, run, ["noise_sd", "prior_sd"])
    assert (table["noise_sd"] == 2.0).all()
    assert table["prior_sd"].tolist() == summary["prior_sd"].tolist()
    assert not any(isinstance(kind, pd.CategoricalDtype) for kind in table.dtypes)
    assert table["maker"].isna().tolist() == summary["maker"].isna().tolist()
    assert set(table["maker"].dropna()) == {"optimal", "zero-profit", "blind", "fixed-spread"}
    assert isinstance(summary["maker"].dtype, pd.CategoricalDtype)


def test_a_parameter_that_points_do_not_have_has_no_place(run: Run) -> None:
    with pytest.raises(KeyError, match="process"):
        with_point_parameters(run.table("summary"), run, ["process"])


@pytest.mark.parametrize(
    "wanted", [("spread",), ("frozen", "learnt", "profit"), ("profit", "unheard of", "trades"), ()]
)
def test_what_is_wanted_is_quoted_and_nothing_else(run: Run, wanted: tuple[str, ...]) -> None:
    table = format_estimates(results(run), wanted)
    known = [metric for metric in wanted if metric != "unheard of"]
    assert table.columns.tolist() == ["makers", "maker", "prior_sd", "markets", *known] or (
        table.columns.tolist() == ["makers", "prior_sd", "maker", "markets", *known]
    )
    assert len(table) == 8
    assert (table["markets"] == 80).all()
    whole = format_estimates(results(run), (*known, "surplus"))
    pd.testing.assert_frame_equal(whole[table.columns], table)
