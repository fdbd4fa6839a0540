"""The exchange: what it earns, what it hides, how quotes meet and what is recorded."""

import gc
import weakref
from enum import EnumType
from functools import cache, partial
from inspect import signature
from typing import Any

import mesa
import numpy as np
import pandas as pd
import pytest

from abm import (
    Exchange,
    FixedSpread,
    GaussianBelief,
    GridBelief,
    Myopic,
    Optimal,
    Quote,
    Side,
    ZeroProfit,
)
from abm.bellman import solve
from abm.makers import MakerError, MarketMaker
from abm.market.random_streams import Draws, Role, Streams
from abm.numerics.arrays import Array
from tests.stubs import Exact, Scripted, list_makers, posts

NAMES: list[Any] = list_makers()
PRICES = ["value", "valuation", "bid", "ask", "belief_mean", "belief_sd", "profit"]


class PeeksAtTheValue(MarketMaker):
    name = "peeks-at-the-value"

    def quote(self) -> Quote:
        return Quote.around(self.model.value, 1.0)


class PeeksAtHerProfit(MarketMaker):
    name = "peeks-at-her-profit"

    def quote(self) -> Quote:
        earned = self.model.tape.discounted_profit(1.0)[0]
        return Quote.around(self.require_belief().mean, np.where(earned < 0, 2.0, 1.0))


def with_hidden_values(values: Array, makers: Any, transparency: str = "public") -> pd.DataFrame:
    """Return the makers' log when these are the values, but the traders' valuations stay."""
    noise = np.random.default_rng(1).normal(size=(30, 40))
    market = Exchange(
        makers,
        partial(Scripted, script=2.0 + noise),
        prior_sd=3.0,
        transparency=transparency,
        replications=40,
        rng=1,
    )
    market.value = values
    return market.run(30).tape.makers


def both_worlds(makers: Any, transparency: str = "public") -> tuple[pd.DataFrame, pd.DataFrame]:
    here, there = np.random.default_rng(2).normal(scale=3.0, size=(2, 40))
    return (
        with_hidden_values(here, makers, transparency),
        with_hidden_values(there, makers, transparency),
    )


def discounted_profit(market: Exchange, periods: int, discount: float) -> Array:
    """Run the market; return the makers' discounted profit, shape (makers, R)."""
    total = np.zeros((len(market.makers), market.terms.replications))
    for period in range(periods):
        market.step()
        total += discount**period * np.array([one.profit for one in market.clearing.dealings])
    return total


@cache
def real_world(makers: tuple[type[MarketMaker], ...], prior_sd: float) -> tuple[Array, Array]:
    """Return each maker's mean discounted profit over 100,000 markets, and its standard error."""
    market = Exchange(makers, prior_sd=prior_sd, record="summary", replications=100_000, rng=1)
    profit = discounted_profit(market, 100, 0.9)
    return profit.mean(axis=1), profit.std(axis=1) / np.sqrt(100_000)


def one_period(*makers: Any, transparency: str = "public") -> Exchange:
    return Exchange(makers, prior_sd=3.0, transparency=transparency, replications=500, rng=1).run(1)


def believes(market: Exchange, index: int, lower: Any, upper: Any) -> bool:
    """Return whether the maker knows the valuation to be in (lower, upper), and no more."""
    learnt = GaussianBelief(np.zeros(500), 3.0).update(lower, upper, 1.0)
    belief = market.makers[index].require_belief()
    return np.array_equal(belief.mean, learnt.mean) and np.array_equal(belief.sd, learnt.sd)


@pytest.mark.parametrize(("discount", "periods"), [(0.9, 40), (0.97, 60)])
@pytest.mark.parametrize("prior_sd", [0.5, 1.0, 3.0, 5.0])
def test_the_optimal_maker_earns_her_value_function_where_her_belief_is_true(
    prior_sd: float, discount: float, periods: int
) -> None:
    market = Exchange(
        partial(Optimal, discount=discount),
        prior_sd=prior_sd,
        value="redrawn",
        record="summary",
        replications=20_000,
        rng=1,
    )
    earned = discounted_profit(market, periods, discount)[0]
    solution = solve(discount)
    to_come = solution.value_function(market.makers[0].require_belief().sd)
    profit = earned + discount**periods * to_come
    gap = profit.mean() - solution.value_function(prior_sd)
    assert abs(gap) < 4 * profit.std() / np.sqrt(20_000)


@pytest.mark.parametrize("prior_sd", [0.5, 1.0, 3.0])
def test_the_zero_profit_maker_earns_nothing_where_her_belief_is_true(prior_sd: float) -> None:
    market = Exchange(
        ZeroProfit, prior_sd=prior_sd, value="redrawn", replications=4_000, rng=1
    ).run(40)
    assert (market.tape.market["side"] != 0).sum() > 20_000
    profit = market.tape.discounted_profit(1.0)[0]
    assert abs(profit.mean()) < 4 * profit.std() / np.sqrt(4_000)


@pytest.mark.parametrize(
    ("maker", "prior_sd", "published", "published_error"),
    [
        pytest.param(Optimal, 3.0, 1.620, 0.003, id="Fig. 3a, realised optimal at 3"),
        pytest.param(Optimal, 5.0, 1.159, 0.003, id="Fig. 3a, realised optimal at 5"),
        pytest.param(ZeroProfit, 3.0, 0.038, 0.001, id="zero-profit at 3"),
    ],
)
def test_profit_in_the_real_world_is_as_measured(
    maker: type[MarketMaker], prior_sd: float, published: float, published_error: float
) -> None:
    (mean,), (error,) = real_world((maker,), prior_sd)
    assert abs(mean - published) < 4 * np.hypot(error, published_error)


def test_the_optimal_maker_earns_more_in_the_real_world_than_her_belief_foresees() -> None:
    (mean,), (error,) = real_world((Optimal,), 3.0)
    assert mean - solve(0.9).value_function(3.0) > 4 * error


def test_a_zero_profit_rival_free_rides_on_what_the_optimal_maker_learns() -> None:
    (optimal, rival), (error, rival_error) = real_world((Optimal, ZeroProfit), 3.0)
    assert abs(optimal - -0.170) < 4 * np.hypot(error, 0.001)
    assert rival - optimal > 4 * np.hypot(error, rival_error)


@pytest.mark.parametrize(
    ("makers", "transparency"),
    [*((maker, "public") for maker in (*NAMES, Exact, NAMES)), (NAMES, "own")],
    ids=str,
)
def test_hidden_values_redrawn_under_the_same_tape_leave_every_quote_unchanged(
    makers: Any, transparency: str
) -> None:
    here, there = both_worlds(makers, transparency)
    assert here["filled"].any()
    assert not here["profit"].equals(there["profit"])
    pd.testing.assert_frame_equal(
        here.drop(columns="profit"), there.drop(columns="profit"), check_exact=True
    )


@pytest.mark.parametrize("cheat", [PeeksAtTheValue, PeeksAtHerProfit])
def test_a_maker_that_uses_the_value_is_caught(cheat: type[MarketMaker]) -> None:
    here, there = both_worlds(cheat)
    assert not here["ask"].equals(there["ask"])


def count_markets(maker: Any) -> int:
    """Return how many show what holds in each to the last digits: fewer where quotes take time."""
    return 20 if maker in (Exact, "exact-optimal") else 200


@pytest.mark.parametrize("name", NAMES, ids=str)
def test_negated_draws_give_mirrored_quotes(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def logs() -> pd.DataFrame:
        tape = Exchange(name, prior_sd=3.0, replications=count_markets(name), rng=1).run(60).tape
        return tape.makers.join(tape.market[["value", "valuation", "side"]])

    plain, drawn = logs(), Draws.normal
    monkeypatch.setattr(Draws, "normal", lambda draws: -drawn(draws))
    mirrored = logs()
    assert plain["filled"].any()
    (maker,) = Exchange(name).makers
    rounding = 1e-8 if isinstance(maker.belief, GridBelief) else 0.0  # points are summed in order
    pairs = [("bid", "ask"), ("ask", "bid")]
    pairs += [(one, one) for one in ("belief_mean", "inventory", "value", "valuation", "side")]
    for one, other in pairs:
        np.testing.assert_allclose(mirrored[one], -plain[other], rtol=0, atol=rounding)
    for column in ("belief_sd", "filled", "profit"):
        np.testing.assert_allclose(mirrored[column], plain[column], rtol=0, atol=rounding)


@pytest.mark.parametrize("maker", [*NAMES, Exact], ids=str)
def test_prices_and_profits_double_when_prior_sd_and_noise_sd_do(maker: Any) -> None:
    def logs(scale: float) -> pd.DataFrame:
        tape = (
            Exchange(
                partial(FixedSpread, half_spread=scale) if maker == "fixed-spread" else maker,
                prior_sd=3.0 * scale,
                noise_sd=scale,
                replications=count_markets(maker),
                rng=1,
            )
            .run(60)
            .tape
        )
        return tape.makers.join(tape.market[["value", "valuation", "side"]])

    plain, doubled = logs(1.0), logs(2.0)
    assert plain["filled"].any()
    plain[PRICES] *= 2
    pd.testing.assert_frame_equal(plain, doubled, check_exact=True)


@pytest.mark.parametrize(
    ("makers", "transparency"),
    [
        *((maker, "public") for maker in (*NAMES, Exact, [*NAMES, "optimal"])),
        ([*NAMES, "optimal"], "own"),
    ],
    ids=str,
)
def test_a_replication_is_the_same_in_runs_of_one_ten_and_thousands(
    makers: Any, transparency: str
) -> None:
    several = isinstance(makers, list)
    on_grids = makers is Exact or "exact-optimal" in (makers if several else [makers])  # slow
    periods, most = (3, 2_000) if on_grids else (8 if several else 20, 10_000)

    def market(replications: int) -> Exchange:
        return Exchange(
            makers, prior_sd=3.0, transparency=transparency, replications=replications, rng=1
        ).run(periods)

    many = market(most).tape
    for few in (1, 10):
        tape = market(few).tape
        for log, whole in ((tape.market, many.market), (tape.makers, many.makers)):
            first = whole[whole["replication"] < few]
            pd.testing.assert_frame_equal(log, first, check_exact=True)


def test_the_next_block_continues_the_numbering_with_markets_of_its_own() -> None:
    first, second = (
        Exchange("optimal", replications=50, block=block, rng=1).run(5).tape.market
        for block in (0, 1)
    )
    assert first["replication"].unique().tolist() == list(range(50))
    assert second["replication"].unique().tolist() == list(range(50, 100))
    for column in ("value", "valuation"):
        assert not np.intersect1d(first[column], second[column]).size


def test_one_seed_gives_one_tape_and_another_seed_another() -> None:
    once, again, other = (
        Exchange(NAMES, replications=20, rng=seed).run(10).tape for seed in (1, 1, 2)
    )
    pd.testing.assert_frame_equal(once.makers, again.makers, check_exact=True)
    pd.testing.assert_frame_equal(once.market, again.market, check_exact=True)
    for column in ("value", "valuation"):
        assert not np.intersect1d(once.market[column], other.market[column]).size


def test_all_makers_face_the_same_values_and_the_same_valuations() -> None:
    def faced(makers: Any) -> pd.DataFrame:
        tape = Exchange(makers, prior_sd=3.0, replications=20, rng=1).run(10).tape
        return tape.market[["value", "valuation"]]

    for makers in (*NAMES, NAMES, ["optimal", "optimal"]):
        pd.testing.assert_frame_equal(faced(makers), faced("optimal"), check_exact=True)


def test_values_and_valuations_are_the_draws_of_their_roles() -> None:
    tape = Exchange("optimal", prior_mean=5.0, prior_sd=3.0, replications=4, rng=1).run(3).tape
    streams = Streams(1, 0, 4)
    value, noise = streams.draws(Role.VALUE), streams.draws(Role.TRADER)
    values = 5 + 3 * value.normal()
    for period in range(3):
        streams.period = period
        rows = tape.market[tape.market["period"] == period]
        assert np.array_equal(rows["value"], values)
        assert np.array_equal(rows["valuation"], values + noise.normal())


def test_the_generators_of_the_mesa_model_stay_out_of_the_economics() -> None:
    used, unused = (Exchange(["optimal", "optimal"], replications=9, rng=1) for _ in range(2))
    used.random.random()
    used.rng.normal(size=3)
    assert used.run(9).tape.makers.equals(unused.run(9).tape.makers)


def test_open_then_clear_is_a_step() -> None:
    halves, whole = (Exchange(NAMES, replications=5, rng=1) for _ in range(2))
    for _ in range(10):
        halves.open()
        halves.clear()
        whole.step()
    assert halves.tape.makers.equals(whole.tape.makers)
    assert halves.tape.market.equals(whole.tape.market)
    assert halves.period == whole.period == 10


def test_run_returns_the_exchange_itself_and_goes_on_where_it_stopped() -> None:
    market = Exchange("optimal", replications=5, rng=1)
    assert market.run(4) is market
    market.run(0).run(6)
    assert market.tape.makers.equals(Exchange("optimal", replications=5, rng=1).run(10).tape.makers)


def test_the_first_trader_is_period_zero_and_meets_the_prior() -> None:
    tape = Exchange("optimal", prior_mean=7.0, prior_sd=3.0, replications=5, rng=1).run(3).tape
    assert tape.market["period"].unique().tolist() == [0, 1, 2]
    first = tape.makers[tape.makers["period"] == 0]
    assert (first["belief_mean"] == 7).all()
    assert (first["belief_sd"] == 3).all()


def test_quotes_and_beliefs_are_those_the_trader_met_and_inventory_is_after_her() -> None:
    market = Exchange("fixed-spread", prior_sd=3.0, replications=50, rng=1).run(3)
    maker = market.makers[0]
    market.open()
    quote, belief, held = market.quotes[0], maker.require_belief(), maker.inventory
    market.clear()
    last = market.tape.makers[market.tape.makers["period"] == 3]
    assert np.array_equal(last["bid"], quote.bid)
    assert np.array_equal(last["ask"], quote.ask)
    assert np.array_equal(last["belief_mean"], belief.mean)
    assert np.array_equal(last["belief_sd"], belief.sd)
    assert np.array_equal(last["inventory"], maker.inventory)
    assert not np.array_equal(belief.mean, maker.require_belief().mean)
    assert not np.array_equal(held, maker.inventory)


def test_the_value_stays_put_in_the_real_world_and_moves_in_the_gaussian_one() -> None:
    def values(value: str) -> int:
        market = Exchange("optimal", value=value, replications=4, rng=1).run(10)
        return market.tape.market["value"].nunique()

    assert values("fixed") == 4
    assert values("redrawn") == 40


def test_a_trader_buys_above_the_ask_sells_below_the_bid_and_else_does_neither() -> None:
    tape = Exchange(NAMES, prior_sd=3.0, replications=200, rng=1).run(20).tape.market
    tape = tape[tape["bid"] <= tape["ask"]]
    buys, sells = tape["valuation"] > tape["ask"], tape["valuation"] < tape["bid"]
    assert buys.any()
    assert sells.any()
    assert (~buys & ~sells).any()
    assert np.array_equal(tape["side"], buys * 1 - sells * 1)


def test_the_inside_quote_is_the_best_bid_and_the_best_ask() -> None:
    tape = Exchange(NAMES, prior_sd=3.0, replications=20, rng=1).run(20).tape
    quotes = tape.makers.groupby(["replication", "period"])[["bid", "ask"]]
    assert np.array_equal(tape.market["bid"], quotes.max()["bid"])
    assert np.array_equal(tape.market["ask"], quotes.min()["ask"])
    assert tape.makers.loc[tape.makers["filled"], "maker"].nunique() > 1


@pytest.mark.parametrize("makers", [2, 3])
def test_identical_makers_share_the_trades_fairly(makers: int) -> None:
    market = Exchange(["fixed-spread"] * makers, prior_sd=3.0, replications=1_000, rng=1).run(30)
    log = market.tape.makers
    trades = int((market.tape.market["side"] != 0).sum())
    share = 1 / makers
    fills = log.groupby("maker", observed=True)["filled"].sum()
    assert np.abs(fills - trades * share).max() < 4 * np.sqrt(trades * share * (1 - share))


def test_every_trade_is_one_maker_s_and_only_trades_are() -> None:
    tape = (
        Exchange(["fixed-spread", "optimal", "fixed-spread"], replications=200, rng=1).run(30).tape
    )
    fills = tape.makers.groupby(["replication", "period"])["filled"].sum()
    assert np.array_equal(fills, np.abs(tape.market["side"]))


def test_the_makers_hold_what_the_traders_sold() -> None:
    tape = Exchange([*NAMES, *NAMES], prior_sd=3.0, replications=50, rng=1).run(30).tape
    held = tape.makers.groupby(["replication", "period"])["inventory"].sum()
    bought = tape.market.groupby("replication")["side"].cumsum()
    assert np.array_equal(held, -bought)


def test_only_a_maker_at_the_inside_gets_the_trade() -> None:
    log = Exchange(NAMES, prior_sd=3.0, replications=200, rng=1).run(20).tape
    joint = log.makers.merge(log.market, on=["replication", "period"], suffixes=("", "_best"))
    sold_to_her = joint[joint["filled"] & (joint["side"] == Side.SELL)]
    bought_from_her = joint[joint["filled"] & (joint["side"] == Side.BUY)]
    assert sold_to_her["bid"].equals(sold_to_her["bid_best"])
    assert bought_from_her["ask"].equals(bought_from_her["ask_best"])


@pytest.mark.parametrize("transparency", ["public", "own"])
def test_a_trader_who_meets_crossed_makers_turns_at_the_middle(transparency: str) -> None:
    market = one_period(posts(1.0, 4.0), posts(-3.0, -2.0), transparency=transparency)
    clearing = market.clearing
    above = clearing.valuation > -0.5
    assert np.array_equal(clearing.side, np.where(above, Side.BUY, Side.SELL))
    high, low = clearing.dealings
    assert np.array_equal(high.filled, ~above)
    assert np.array_equal(low.filled, above)
    assert np.array_equal(high.profit, np.where(above, 0.0, clearing.value - 1.0))
    assert np.array_equal(low.profit, np.where(above, -2.0 - clearing.value, 0.0))
    lower, upper = np.where(above, -0.5, -np.inf), np.where(above, np.inf, -0.5)
    assert believes(market, 0, lower, upper)
    assert believes(market, 1, lower, upper)


@pytest.mark.parametrize(
    ("bid", "ask", "unwanted"), [(-np.inf, 1.0, Side.SELL), (-1.0, np.inf, Side.BUY)]
)
def test_a_declined_side_never_trades(bid: float, ask: float, unwanted: Side) -> None:
    clearing = one_period(posts(bid, ask)).clearing
    assert set(clearing.side) == {Side.NONE, -unwanted}
    assert np.isfinite(clearing.dealings[0].profit).all()


@pytest.mark.parametrize("transparency", ["public", "own"])
def test_nobody_trades_or_learns_where_every_maker_stands_aside(transparency: str) -> None:
    market = one_period(posts(-np.inf, np.inf), transparency=transparency)
    assert not market.clearing.side.any()
    assert (market.makers[0].require_belief().mean == 0).all()
    assert (market.makers[0].require_belief().sd == 3).all()


@pytest.mark.parametrize(
    ("makers", "valuations", "sides"),
    [
        ([posts(-1.0, 1.0)], [-1.0, 1.0], [Side.NONE, Side.NONE]),
        ([posts(1.0, 4.0), posts(-4.0, -2.0)], [-0.5, -0.25], [Side.SELL, Side.BUY]),
        ([posts(1.0, 1.0)], [0.5, 1.0, 1.5], [Side.SELL, Side.NONE, Side.BUY]),
    ],
    ids=["at the quotes", "at the middle of crossed ones", "without a spread"],
)
def test_a_trader_to_whom_a_price_is_just_fair_does_not_take_it(
    makers: Any, valuations: list[float], sides: list[Side]
) -> None:
    trader = partial(Scripted, script=np.array([valuations]))
    market = Exchange(makers, trader, replications=len(valuations), rng=1).run(1)
    assert market.clearing.side.tolist() == sides


def test_makers_crossed_in_one_replication_leave_the_closed_market_of_another_alone() -> None:
    market = Exchange(
        [posts([1.0, -np.inf], [4.0, np.inf]), posts([-4.0, -np.inf], [-1.0, np.inf])],
        replications=2,
        rng=1,
    ).run(1)
    assert np.abs(market.clearing.side).tolist() == [1, 0]


def test_a_maker_who_stands_aside_leaves_the_market_to_the_others() -> None:
    company = one_period(posts(-np.inf, np.inf), posts(-1.0, 1.0)).clearing
    alone = one_period(posts(-1.0, 1.0)).clearing
    assert np.array_equal(company.side, alone.side)
    assert np.array_equal(company.dealings[1].profit, alone.dealings[0].profit)
    assert not company.dealings[0].filled.any()


def test_everybody_sees_every_trade_where_trades_are_public() -> None:
    market = one_period(posts(-1.0, 5.0), posts(-5.0, 1.0))
    side = market.clearing.side
    lower = np.select([side == Side.SELL, side == Side.BUY], [-np.inf, 1.0], -1.0)
    upper = np.select([side == Side.SELL, side == Side.BUY], [-1.0, np.inf], 1.0)
    assert believes(market, 0, lower, upper)
    assert believes(market, 1, lower, upper)


def test_a_maker_learns_nothing_from_a_side_where_she_is_not_at_the_inside() -> None:
    market = one_period(posts(-1.0, 5.0), posts(-5.0, 1.0), posts(-9.0, 9.0), transparency="own")
    side = market.clearing.side
    assert set(side) == set(Side)
    sold, bought = side == Side.SELL, side == Side.BUY
    assert believes(market, 0, np.where(sold, -np.inf, -1.0), np.where(sold, -1.0, np.inf))
    assert believes(market, 1, np.where(bought, 1.0, -np.inf), np.where(bought, np.inf, 1.0))
    assert believes(market, 2, -np.inf, np.inf)


def test_a_maker_behind_crossed_makers_learns_nothing_where_only_her_own_trades_show() -> None:
    market = one_period(posts(1.0, 4.0), posts(-4.0, -1.0), posts(-9.0, 9.0), transparency="own")
    assert believes(market, 2, -np.inf, np.inf)


@pytest.mark.parametrize("makers", [["optimal"], ["optimal", "optimal"], ["myopic"] * 3], ids=str)
def test_a_lone_maker_and_tied_makers_see_all_either_way(makers: list[str]) -> None:
    own, public = (
        Exchange(makers, prior_sd=3.0, transparency=seen, replications=50, rng=1).run(30)
        for seen in ("own", "public")
    )
    assert own.tape.makers.equals(public.tape.makers)


def test_makers_who_see_only_their_own_trades_come_to_differ() -> None:
    own = Exchange(["optimal", "zero-profit"], prior_sd=3.0, transparency="own", rng=1).run(30)
    first, second = own.makers
    assert first.require_belief().mean != second.require_belief().mean


SHOWN: dict[str, Any] = {
    "own bid": lambda view: view.own.bid,
    "own ask": lambda view: view.own.ask,
    "inside bid": lambda view: view.inside.bid,
    "inside ask": lambda view: view.inside.ask,
    "side": lambda view: view.side,
    "units": lambda view: view.quantity,
    "a rival's bid": lambda view: view.others["zero-profit"].bid,
    "a rival's ask": lambda view: view.others["zero-profit"].ask,
}


class Scribbler(MarketMaker):
    """Writes on what she is shown of a trade, and of a period."""

    name = "scribbler"

    def __init__(self, model: Any, *, on: str) -> None:
        super().__init__(model)
        self.on = on

    def quote(self) -> Quote:
        return Quote.around(self.require_belief().mean, self.require_belief().sd)

    def settle(self, units: Array, price: Array) -> None:
        super().settle(units, price)
        if self.on in ("sales", "price"):
            np.add(sold := units if self.on == "sales" else price, 1, out=sold)

    def observe(self, view: Any) -> None:
        super().observe(view)
        if self.on in SHOWN:
            np.add(shown := SHOWN[self.on](view), 1, out=shown)


@pytest.mark.parametrize(
    ("on", "company"),
    [
        *((on, []) for on in ("sales", "price", *SHOWN) if "rival" not in on),
        *((on, ["zero-profit"]) for on in ("sales", "price", *SHOWN)),
    ],
    ids=str,
)
def test_a_maker_cannot_write_on_what_she_is_shown(on: str, company: list[str]) -> None:
    market = Exchange([partial(Scribbler, on=on), *company], replications=3, rng=1)
    with pytest.raises(MakerError, match=r"'scribbler'.*period 0.*read-only") as caught:
        market.run(1)
    assert isinstance(caught.value.__cause__, ValueError)


def test_quotes_that_are_posted_are_copies_that_nobody_can_change() -> None:
    class Frugal(MarketMaker):
        name = "frugal"

        def __init__(self, model: Any) -> None:
            super().__init__(model)
            self.bid = np.zeros(3)

        def quote(self) -> Quote:
            self.bid -= 1.0
            return Quote(self.bid, 5.0)

    market = Exchange([Frugal, "zero-profit"], prior_sd=3.0, replications=3, rng=1).run(4)
    hers = market.tape.makers[market.tape.makers["maker"] == "frugal"]
    assert hers["bid"].tolist() == [-1.0, -2.0, -3.0, -4.0] * 3
    market.open()
    for quote in market.quotes:
        assert quote.bid.shape == quote.ask.shape == (3,)
        assert not quote.bid.flags.writeable
        assert not quote.ask.flags.writeable


def test_an_exchange_is_a_mesa_model_of_its_makers_and_the_trader() -> None:
    market = Exchange(["optimal", "myopic"])
    assert isinstance(market, mesa.Model)
    assert set(market.agents) == {*market.makers, *market.traders}


def test_the_model_variables_are_the_means_over_the_tape() -> None:
    market = Exchange(["optimal", Myopic], prior_sd=3.0, replications=50, rng=1).run(10)
    collected = market.datacollector.get_model_vars_dataframe()
    tape = market.tape.market
    tape = tape.assign(
        spread=tape["ask"] - tape["bid"],
        no_trade=tape["side"] == Side.NONE,
        pricing_error=((tape["ask"] + tape["bid"]) / 2 - tape["value"]).abs(),
        profit=market.tape.makers.groupby(["replication", "period"])["profit"].sum().to_numpy(),
    )
    columns = ["spread", "profit", "no_trade", "pricing_error"]
    means = tape.groupby("period")[columns].mean()
    assert collected.columns.tolist() == ["arrived", *columns]
    assert collected["arrived"].tolist() == list(range(1, 11))
    assert (collected[columns].dtypes == np.float64).all()
    np.testing.assert_allclose(collected[columns], means, rtol=1e-12)


def collect_last(market: Exchange) -> "pd.Series[float]":
    return market.datacollector.get_model_vars_dataframe().iloc[-1]


def test_the_mean_spread_is_over_the_replications_quoted_on_both_sides() -> None:
    market = Exchange(posts(-1.0, [1.0, 3.0, np.inf]), replications=3, rng=1).run(1)
    last = collect_last(market)
    assert last["spread"] == 3
    assert last["pricing_error"] == np.abs(np.array([0.0, 1.0]) - market.value[:2]).mean()


def test_the_mean_spread_is_missing_where_nobody_quotes_on_both_sides() -> None:
    last = collect_last(Exchange(posts(-1.0, np.inf), replications=3, rng=1).run(1))
    assert np.isnan(last["spread"])
    assert np.isnan(last["pricing_error"])
    assert np.isfinite(last["profit"])


def test_batch_run_of_mesa_sweeps_an_exchange(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("multiprocessing.set_start_method", lambda *_, **__: None)
    parameters: dict[str, Any] = {
        "makers": [["optimal"]],
        "replications": [20],
        "prior_sd": [3.0],
    }
    run = partial(
        mesa.batch_run, max_steps=5, number_processes=1, data_collection_period=1,
        display_progress=False,
    )  # fmt: skip
    if "rng" in signature(mesa.batch_run).parameters:  # since Mesa 3.5
        rows = run(Exchange, parameters=parameters, rng=[1, 2])
    else:
        rows = run(Exchange, parameters=parameters | {"rng": [1, 2]})
    last = [row for row in rows if row["arrived"] == 5]
    assert [row["rng"] for row in last] == [1, 2]
    for row in last:
        market = Exchange(["optimal"], replications=20, prior_sd=3.0, rng=row["rng"]).run(5)
        for metric, value in collect_last(market).items():
            assert row[str(metric)] == value


def test_a_finished_exchange_is_forgotten() -> None:
    """Mesa 3.3 numbers agents from a table that keeps every model alive."""
    gone = weakref.ref(Exchange(["optimal", "myopic"], replications=2).run(3))
    gc.collect()
    assert gone() is None


@pytest.mark.parametrize("transparency", ["public", "own"])
def test_no_period_looks_up_a_name_on_an_enum_where_a_ctrl_c_would_be_lost(
    transparency: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_up: list[str] = []

    def look_up(_: type, name: str) -> None:
        looked_up.append(name)
        raise AttributeError(name)

    market = Exchange(NAMES, prior_sd=3.0, transparency=transparency, replications=3, rng=1)
    with monkeypatch.context() as patch:
        patch.setattr(EnumType, "__getattr__", look_up, raising=False)  # Python 3.12 has none
        market.run(2)
    assert looked_up == []
