"""What makers are shown of a period, and who gets the trade, against one replication at a time."""

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pytest

from abm import Exchange, GaussianBelief, Quote, Side
from abm.exchange.clearing import Clearing
from abm.makers import MarketMaker
from abm.market.valuations import Interval
from abm.numerics.arrays import Array
from abm.participants.transparency import TRANSPARENCIES, MarketView
from tests.stubs import posts

INF, NAN = np.inf, np.nan
REPLICATIONS, PERIODS = 120, 12
BIDS, SPREADS = np.array([-INF, -2.0, -1.0, 0.0, 1.0, 2.0]), np.array([0.0, 1.0, 2.0, 3.0, INF])
BOTH = pytest.mark.parametrize("transparency", ["public", "own"])


class Haggler(MarketMaker):
    """Quotes whole numbers at random, so that ties, crossings and declined sides are frequent."""

    name = "haggler"

    def __init__(self, model: Any) -> None:
        super().__init__(model)
        self.views: list[MarketView] = []
        self.beliefs = [self.require_belief()]

    def quote(self) -> Quote:
        bid = BIDS[(self.draws.uniform() * BIDS.size).astype(int)]
        spread = SPREADS[(self.draws.uniform() * SPREADS.size).astype(int)]
        return Quote(bid, np.where(bid == -INF, 1.0, bid) + spread)

    def observe(self, view: MarketView) -> None:
        super().observe(view)
        self.views.append(view)
        self.beliefs.append(self.require_belief())


@dataclass(frozen=True)
class Shown:
    """What one maker is to see in one replication, in plain numbers."""

    own: tuple[float, float]
    inside: tuple[float, float]
    rivals: tuple[float, float]
    side: int
    units: float
    interval: tuple[float, float]


Pair = tuple[float, float]


def interval(side: int, bid: float, ask: float) -> Pair:
    return {1: (ask, INF), -1: (-INF, bid), 0: (bid, ask)}[side]


def shown(
    index: int, quotes: list[Pair], valuation: float, winner: int | None, public: bool
) -> Shown:
    """Return what the maker of this index sees, by the rules in words."""
    own, others = quotes[index], [quote for at, quote in enumerate(quotes) if at != index]
    bid, ask = max(one[0] for one in quotes), min(one[1] for one in quotes)
    turn_bid, turn_ask = ((bid + ask) / 2,) * 2 if bid > ask else (bid, ask)
    side = 1 if valuation > turn_ask else -1 if valuation < turn_bid else 0
    units = float(side) if index == winner else 0.0
    if public:
        best_of_others = max([-INF, *(o[0] for o in others)]), min([INF, *(o[1] for o in others)])
        learnt = interval(side, turn_bid, turn_ask)
        return Shown(own, (bid, ask), best_of_others, side, units, learnt)
    at_bid, at_ask = own[0] == bid, own[1] == ask
    known = NAN if at_bid and bid > -INF else bid, NAN if at_ask and ask < INF else ask
    seen = side if (side == 1 and at_ask) or (side == -1 and at_bid) else 0
    learnt = interval(seen, turn_bid if at_bid else -INF, turn_ask if at_ask else INF)
    return Shown(own, (bid, ask), known, seen, units, learnt)


@cache
def haggled(transparency: str, makers: int) -> tuple[Exchange, list[Clearing]]:
    """Return a market of so many hagglers, and what happened in each period."""
    market = Exchange(
        [Haggler] * makers, prior_sd=3.0, transparency=transparency,
        replications=REPLICATIONS, rng=1,
    )  # fmt: skip
    clearings = []
    for _ in range(PERIODS):
        market.step()
        clearings.append(market.clearing)
    return market, clearings


def pair(quote: Quote, number: int) -> Pair:
    bid, ask = (np.broadcast_to(price, REPLICATIONS)[number] for price in (quote.bid, quote.ask))
    return float(bid), float(ask)


def hagglers(market: Exchange) -> list[Haggler]:
    return [maker for maker in market.makers if isinstance(maker, Haggler)]


def prices(clearing: Clearing) -> tuple[Array, Array]:
    """Return the bids and the asks, each of shape (makers, R)."""
    quotes = [dealing.quote for dealing in clearing.dealings]
    return np.array([one.bid for one in quotes]), np.array([one.ask for one in quotes])


def filled(clearing: Clearing) -> Array:
    return np.array([dealing.filled for dealing in clearing.dealings], float)


def one_period(*makers: Any, transparency: str = "public", replications: int = 500) -> Exchange:
    return Exchange(
        makers, prior_sd=3.0, transparency=transparency, replications=replications, rng=1
    ).run(1)


def last(market: Exchange, index: int = 0) -> MarketView:
    view = market.makers[index].last
    assert view is not None
    return view


@pytest.mark.parametrize("makers", [1, 2, 4])
@BOTH
def test_every_view_is_the_one_worked_out_replication_by_replication(
    transparency: str, makers: int
) -> None:
    market, clearings = haggled(transparency, makers)
    for index, maker in enumerate(hagglers(market)):
        for clearing, view in zip(clearings, maker.views, strict=True):
            assert isinstance(view.likelihood, Interval)
            learnt = Quote(view.likelihood.lower, view.likelihood.upper)
            for number in range(REPLICATIONS):
                quotes = [pair(dealing.quote, number) for dealing in clearing.dealings]
                winners = np.flatnonzero(filled(clearing)[:, number])
                expected = shown(
                    index, quotes, float(clearing.valuation[number]),
                    int(winners[0]) if winners.size else None, transparency == "public",
                )  # fmt: skip
                assert pair(view.own, number) == expected.own
                assert pair(view.inside, number) == expected.inside
                np.testing.assert_array_equal(pair(view.rivals, number), expected.rivals)
                assert view.side[number] == expected.side
                assert view.quantity[number] == expected.units
                assert pair(learnt, number) == expected.interval


def test_the_hagglers_tie_cross_and_decline_often_enough_to_tell() -> None:
    _, clearings = haggled("own", 4)
    bids, asks = (
        np.concatenate(side, axis=1) for side in zip(*map(prices, clearings), strict=True)
    )
    best_bid, best_ask = bids.max(axis=0), asks.min(axis=0)
    assert (best_bid > best_ask).mean() > 0.1
    assert (best_bid < best_ask).mean() > 0.1
    assert ((bids == best_bid).sum(axis=0) > 1).mean() > 0.1
    assert ((bids == -INF).any(axis=0) & (best_bid > -INF)).mean() > 0.1
    assert {int(side) for one in clearings for side in one.side} == {-1, 0, 1}


@pytest.mark.parametrize("makers", [1, 2, 4])
@BOTH
def test_a_maker_believes_what_her_views_reveal_and_no_more(transparency: str, makers: int) -> None:
    for maker in hagglers(haggled(transparency, makers)[0]):
        belief = GaussianBelief(np.zeros(REPLICATIONS), 3.0)
        for view, hers in zip(maker.views, maker.beliefs[1:], strict=True):
            assert isinstance(view.likelihood, Interval)
            belief = belief.update(view.likelihood.lower, view.likelihood.upper, 1.0)
            np.testing.assert_array_equal(hers.mean, belief.mean)
            np.testing.assert_array_equal(hers.sd, belief.sd)


def test_public_views_name_the_others_and_only_them() -> None:
    market = one_period("optimal", posts(-9.0, 9.0), posts(-8.0, 8.0))
    everyone = {"optimal", "posts", "posts-2"}
    for maker in market.makers:
        assert maker.last is not None
        assert maker.last.others is not None
        assert set(maker.last.others) == everyone - {maker.label}
    others = last(market).others
    assert others is not None
    assert (others["posts"].bid == -9).all()
    assert (others["posts-2"].ask == 8).all()


def test_views_of_one_s_own_trades_name_nobody() -> None:
    market = one_period("optimal", posts(-9.0, 9.0), transparency="own")
    assert last(market).others is last(market, 1).others is None


@pytest.mark.parametrize("transparency", sorted(TRANSPARENCIES))
def test_a_maker_has_seen_nothing_before_the_first_period(transparency: str) -> None:
    market = Exchange(["optimal", Haggler], transparency=transparency)
    assert [maker.last for maker in market.makers] == [None, None]
    market.run(3)
    (haggler,) = hagglers(market)
    assert haggler.last is haggler.views[-1]


def test_a_maker_alone_has_rivals_at_no_price() -> None:
    rivals = last(one_period(posts(-1.0, 1.0))).rivals
    assert rivals.bid == -INF
    assert rivals.ask == INF


def test_without_names_a_maker_alone_cannot_tell_that_she_is() -> None:
    rivals = last(one_period(posts(-1.0, 1.0), transparency="own")).rivals
    assert np.isnan(rivals.bid).all()
    assert np.isnan(rivals.ask).all()


def test_behind_the_inside_a_maker_knows_its_price_and_not_whose_it_is() -> None:
    market = one_period(posts(-3.0, 1.0), posts(-2.0, 5.0), posts(-1.0, 4.0), transparency="own")
    view = last(market)
    assert (view.rivals.bid == -1).all()
    assert np.isnan(view.rivals.ask).all()
    assert (view.inside.ask == 1).all()
    assert view.others is None


def test_a_view_cannot_be_changed() -> None:
    view: Any = last(one_period("optimal"))
    with pytest.raises(AttributeError):
        view.side = None


@BOTH
def test_tied_makers_see_each_other_s_trades(transparency: str) -> None:
    market = one_period(posts(-1.0, 1.0), posts(-1.0, 2.0), transparency=transparency)
    side, second = market.clearing.side, last(market, 1)
    sold = side == Side.SELL
    assert set(side) == set(Side)
    assert (second.side[sold] == Side.SELL).all()
    assert (sold & (second.quantity == 0)).any()
    assert (sold & (second.quantity == -1)).any()
    unseen = Side.BUY if transparency == "public" else Side.NONE
    assert (second.side[side == Side.BUY] == unseen).all()


@pytest.mark.parametrize("makers", [2, 3, 4])
def test_units_sum_to_the_side_and_one_maker_at_most_has_any(makers: int) -> None:
    market, clearings = haggled("public", makers)
    for period, clearing in enumerate(clearings):
        units = np.array([maker.views[period].quantity for maker in hagglers(market)])
        np.testing.assert_array_equal(units.sum(axis=0), clearing.side)
        np.testing.assert_array_equal(np.abs(units).sum(axis=0), np.abs(clearing.side))


@pytest.mark.parametrize("makers", [2, 3, 4])
def test_the_trader_gets_the_best_price_there_is(makers: int) -> None:
    for clearing in haggled("public", makers)[1]:
        bids, asks = prices(clearing)
        buys, sells = clearing.side == Side.BUY, clearing.side == Side.SELL
        hers = filled(clearing)
        paid = np.where(hers > 0, asks, 0.0).sum(axis=0)
        got = np.where(hers > 0, bids, 0.0).sum(axis=0)
        np.testing.assert_array_equal(paid[buys], asks.min(axis=0)[buys])
        np.testing.assert_array_equal(got[sells], bids.max(axis=0)[sells])
        np.testing.assert_array_equal(clearing.price[buys], paid[buys])
        np.testing.assert_array_equal(clearing.price[sells], got[sells])
        assert not clearing.price[~buys & ~sells].any()


@pytest.mark.parametrize("makers", [2, 3, 4])
def test_each_of_the_makers_at_the_best_price_is_as_likely_to_trade(makers: int) -> None:
    chances, hits = [], []
    for clearing in haggled("public", makers)[1]:
        bids, asks = prices(clearing)
        best = np.where(clearing.side == Side.BUY, asks == asks.min(axis=0), bids == bids.max(0))
        tied = best & (clearing.side != Side.NONE)
        chances.append(tied / np.maximum(tied.sum(axis=0), 1))
        hits.append(filled(clearing))
    chance, hit = np.concatenate(chances, axis=1), np.concatenate(hits, axis=1)
    undecided = (chance > 0) & (chance < 1)
    assert undecided.sum() > 200
    for index in range(makers):
        open_to_her = undecided[index]
        p = chance[index][open_to_her]
        surplus = hit[index][open_to_her].sum() - p.sum()
        assert abs(surplus) < 4 * np.sqrt((p * (1 - p)).sum())
    np.testing.assert_array_equal(hit[~undecided], chance[~undecided])


def test_the_winner_of_one_tie_says_nothing_about_the_next() -> None:
    market = Exchange([posts(0.0, 0.0)] * 2, prior_sd=3.0, replications=2_000, rng=1)
    won = np.array([market.run(1).clearing.dealings[0].filled for _ in range(4)], float)
    assert (market.clearing.side != Side.NONE).all()
    again = np.corrcoef(won)[np.triu_indices(4, 1)]
    assert np.abs(again).max() < 4 / np.sqrt(2_000)


@BOTH
def test_a_trader_between_crossed_makers_takes_the_better_deal(transparency: str) -> None:
    market = one_period(
        posts(1.0, 4.0), posts(-3.0, -2.0), transparency=transparency, replications=2_000
    )
    clearing = market.clearing
    gain_of_buying, gain_of_selling = clearing.valuation - -2.0, 1.0 - clearing.valuation
    taken = np.where(clearing.side == Side.BUY, gain_of_buying, gain_of_selling)
    assert (clearing.side != Side.NONE).all()
    np.testing.assert_array_equal(taken, np.maximum(gain_of_buying, gain_of_selling))
    np.testing.assert_array_equal(clearing.metrics["surplus"], taken)
    assert (taken > 0).all()
    assert {Side.BUY, Side.SELL} == set(clearing.side)


@BOTH
def test_both_makers_who_cross_learn_on_which_side_of_the_middle_she_is(transparency: str) -> None:
    market = one_period(posts(1.0, 4.0), posts(-3.0, -2.0), transparency=transparency)
    above = market.clearing.valuation > -0.5
    for maker in market.makers:
        prior = GaussianBelief(np.zeros(500), 3.0)
        learnt = prior.update(np.where(above, -0.5, -INF), np.where(above, INF, -0.5), 1.0)
        np.testing.assert_array_equal(maker.require_belief().mean, learnt.mean)
        np.testing.assert_array_equal(maker.require_belief().sd, learnt.sd)


def test_a_maker_who_crosses_nobody_sees_of_her_own_side_alone() -> None:
    market = one_period(
        posts(1.0, 4.0), posts(-3.0, -2.0), posts(-9.0, -2.0), posts(-9.0, 9.0), transparency="own"
    )
    bought = market.clearing.side == Side.BUY
    assert np.array_equal(last(market, 0).side, np.where(bought, Side.NONE, Side.SELL))
    for index in (1, 2):
        assert np.array_equal(last(market, index).side, np.where(bought, Side.BUY, Side.NONE))
    assert not last(market, 3).side.any()


def test_a_declined_side_is_at_the_inside_only_where_all_decline_it() -> None:
    market = one_period(posts(-INF, 1.0), posts(-INF, 2.0), posts(-INF, INF), transparency="own")
    view = last(market, 2)
    assert (view.inside.bid == -INF).all()
    assert (view.rivals.ask == 1).all()
    assert not view.side.any()
    assert (market.makers[2].require_belief().mean == 0).all()
    assert (market.makers[2].require_belief().sd == 3).all()


def test_makers_under_either_transparency_quote_alike_until_they_have_seen_something() -> None:
    public, own = (haggled(transparency, 4)[1][0] for transparency in ("public", "own"))
    np.testing.assert_array_equal(prices(public), prices(own))
    np.testing.assert_array_equal(public.side, own.side)
    np.testing.assert_array_equal(filled(public), filled(own))
