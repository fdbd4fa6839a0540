"""Undercutter, inventory-averse, linear-impact and Q-learning makers: what they quote, and why."""

from functools import partial
from math import exp, sqrt
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from abm import Exchange, GaussianBelief, Myopic, Quote, ZeroProfit
from abm.makers import MakerError, MarketMaker
from abm.makers.inventory_averse import InventoryAverse
from abm.makers.linear_impact import LinearImpact
from abm.makers.q_learning import DEPTHS, QLearning
from abm.makers.undercutter import Undercutter
from abm.market.random_streams import Streams, maker_role
from abm.numerics.arrays import Array
from abm.one_period.depths import myopic_depth, standardised_quote, zero_profit_depth
from abm.participants.transparency import MarketView
from tests.stubs import Scripted, posts

INF, NAN = np.inf, np.nan
ONE = np.ones(1)


def market(makers: Any, periods: int = 0, **terms: Any) -> Exchange:
    settings: dict[str, Any] = {"prior_sd": 3.0, "replications": 50, "rng": 1}
    return Exchange(makers, **(settings | terms)).run(periods)


def scripted(maker: Any, valuations: list[float], **terms: Any) -> Exchange:
    """Return a market of one maker once traders with these valuations have come."""
    given = {"replications": 1} | terms
    return Exchange(maker, partial(Scripted, script=valuations), **given).run(len(valuations))


def bounds(maker: MarketMaker) -> tuple[Quote, Quote]:
    """Return the myopic and the zero-profit quote on her belief."""
    wide, tight = (
        standardised_quote(maker.require_belief(), depth(maker.rho), maker.noise_sd)
        for depth in (myopic_depth, zero_profit_depth)
    )
    return wide, tight


def show(maker: MarketMaker, own: Quote, rivals: Quote) -> None:
    """Show her this rival's quote beside her own, as if it were public, and nothing else."""
    nothing = maker.law.likelihood(Quote(-INF, INF), np.zeros(1, np.int8))
    inside = Quote(np.maximum(own.bid, rivals.bid), np.minimum(own.ask, rivals.ask))
    maker.last = MarketView(
        own, inside, {"rival": rivals}, np.zeros(1, np.int8), np.zeros(1), inside, nothing
    )


# The undercutter


def test_an_undercutter_alone_is_the_myopic_maker() -> None:
    alone, myopic = (market(maker, 60).tape.makers for maker in (Undercutter, Myopic))
    np.testing.assert_array_equal(alone[["bid", "ask"]], myopic[["bid", "ask"]])


@pytest.mark.parametrize("step", [0.05, 0.2])
@pytest.mark.parametrize("noise_sd", [1.0, 2.0])
def test_an_undercutter_improves_by_a_step_on_the_rival_s_last_quote(
    step: float, noise_sd: float
) -> None:
    exchange = market(partial(Undercutter, step=step), prior_sd=noise_sd, noise_sd=noise_sd)
    maker = exchange.makers[0]
    wide, tight = bounds(maker)
    rival = Quote(0.7 * wide.bid + 0.3 * tight.bid, 0.4 * wide.ask + 0.6 * tight.ask)
    show(maker, wide, rival)
    np.testing.assert_array_equal(maker.quote().bid, rival.bid + step * noise_sd)
    np.testing.assert_array_equal(maker.quote().ask, rival.ask - step * noise_sd)


@pytest.mark.parametrize(
    ("rival", "expected"),
    [
        (Quote(-20.0, 20.0), "myopic"),
        (Quote(-INF, INF), "myopic"),
        (Quote(-0.1, 0.1), "zero-profit"),
        (Quote(5.0, -5.0), "zero-profit"),
        (Quote(2.0, 20.0), "zero-profit bid, myopic ask"),
        (Quote(-20.0, -2.0), "myopic bid, zero-profit ask"),
    ],
)
def test_an_undercutter_stays_between_the_myopic_and_the_zero_profit_quote(
    rival: Quote, expected: str
) -> None:
    maker = market(Undercutter, replications=1).makers[0]
    wide, tight = bounds(maker)
    show(maker, wide, Quote(rival.bid * ONE, rival.ask * ONE))
    bid, _, ask = expected.partition(", ")
    quotes = {"myopic": wide, "zero-profit": tight}
    assert maker.quote().bid == quotes[bid.removesuffix(" bid")].bid
    assert maker.quote().ask == quotes[(ask or bid).removesuffix(" ask")].ask


@pytest.mark.parametrize("transparency", ["public", "own"])
@pytest.mark.parametrize("rival", ["optimal", "fixed-spread", "undercutter", "linear-impact"])
def test_an_undercutter_never_leaves_what_pays(rival: str, transparency: str) -> None:
    exchange = market(["undercutter", rival], transparency=transparency)
    maker, improved = exchange.makers[0], 0
    for _ in range(60):
        wide, tight = bounds(maker)
        exchange.open()
        quote = exchange.quotes[0]
        assert (wide.bid <= quote.bid).all()
        assert (quote.bid <= tight.bid).all()
        assert (tight.ask <= quote.ask).all()
        assert (quote.ask <= wide.ask).all()
        improved += int((quote.ask < wide.ask).sum())
        exchange.clear()
    assert improved > 0


def test_an_undercutter_follows_the_best_of_several_rivals_on_either_side() -> None:
    makers = ["undercutter", posts(-1.2, 9.0), posts(-8.0, 1.1)]
    exchange = market(makers, 1, prior_sd=1.0, replications=200)
    maker = exchange.makers[0]
    wide, tight = bounds(maker)
    quote = maker.quote()
    assert (quote.bid == -1.2 + 0.05).any()
    assert (quote.ask == 1.1 - 0.05).any()
    np.testing.assert_array_equal(quote.bid, np.clip(-1.2 + 0.05, wide.bid, tight.bid))
    np.testing.assert_array_equal(quote.ask, np.clip(1.1 - 0.05, tight.ask, wide.ask))


@pytest.fixture(scope="module")
def war() -> list[tuple[float, float, float]]:
    """Return the ask, and the myopic and the zero-profit one, of two undercutters' 60 periods.

    Nobody trades, so that both learn no more than that the value is near.
    """
    exchange = Exchange(
        ["undercutter"] * 2, partial(Scripted, script=[0.0] * 60), prior_sd=1.0, rng=1
    )
    asks = []
    for _ in range(60):
        wide, tight = bounds(exchange.makers[0])
        exchange.step()
        first, second = (dealing.quote for dealing in exchange.clearing.dealings)
        assert first.ask == second.ask == -first.bid == -second.bid
        asks.append((first.ask.item(), wide.ask.item(), tight.ask.item()))
    return asks


def test_a_price_war_of_two_undercutters_begins_myopic_and_ends_at_zero_profit(
    war: list[tuple[float, float, float]],
) -> None:
    ask, wide, tight = np.array(war).T
    assert ask[0] == wide[0]
    assert tight[15] < ask[15] < wide[15]
    np.testing.assert_array_equal(ask[-30:], tight[-30:])


def test_the_rounds_of_a_price_war_are_a_step_long(war: list[tuple[float, float, float]]) -> None:
    ask, wide, tight = np.array(war).T
    fought = (tight < ask) & (ask < wide)
    assert fought.sum() > 15
    np.testing.assert_allclose(-np.diff(ask)[fought[1:]], 0.05)


def test_an_undercutter_at_the_inside_stays_where_she_cannot_tell_who_else_is() -> None:
    """Where she knows of no rival, under "public", she goes back to the myopic quote instead."""
    stayed = []
    for transparency in ("own", "public"):
        exchange = market(
            ["undercutter", posts(-60.0, 60.0)], transparency=transparency, prior_sd=1.0
        )
        maker = exchange.makers[0]
        maker.last = None
        show(maker, Quote(-1.5, 1.5), Quote(-1.2, 1.2))
        exchange.step()
        first = exchange.clearing.dealings[0].quote
        assert (first.ask == 1.15).all()
        wide, tight = bounds(maker)
        again = maker.quote()
        stays = Quote(np.clip(-1.15, wide.bid, tight.bid), np.clip(1.15, tight.ask, wide.ask))
        stayed.append(np.array_equal([again.bid, again.ask], [stays.bid, stays.ask]))
        assert (again.ask == 1.15).any() or transparency == "public"
    assert stayed == [True, False]


def test_an_undercutter_behind_the_inside_improves_on_it_without_names() -> None:
    rival = posts(-1.2, 1.3)
    exchange = market(["undercutter", rival], 1, transparency="own", prior_sd=1.0)
    np.testing.assert_array_equal(exchange.makers[0].quote().bid, -1.2 + 0.05)
    np.testing.assert_array_equal(exchange.makers[0].quote().ask, 1.3 - 0.05)


# The inventory-averse maker


@pytest.mark.parametrize("noise_sd", [1.0, 2.0])
@pytest.mark.parametrize("aversion", [0.05, 0.1, 1.0])
def test_an_averse_maker_quotes_around_her_reservation_prices(
    aversion: float, noise_sd: float
) -> None:
    """Avellaneda and Stoikov (2008), section 2: indifference to a unit more or less."""
    maker = partial(InventoryAverse, aversion=aversion)
    exchange = market(maker, 30, prior_sd=noise_sd, noise_sd=noise_sd, replications=500)
    agent = exchange.makers[0]
    assert set(agent.inventory) > {-1.0, 0.0, 1.0}
    for number in range(500):
        mean, sd = agent.require_belief().mean[number], agent.require_belief().sd[number]
        held, gamma = agent.inventory[number], aversion / noise_sd
        half = float(myopic_depth(sd / noise_sd)) * sqrt(sd**2 + noise_sd**2)

        def worth(units: float, mean: float = mean, sd: float = sd, g: float = gamma) -> float:
            return units * mean - g * sd**2 * units**2 / 2  # certainty equivalent

        quote = agent.quote()
        assert quote.ask[number] == pytest.approx(worth(held) - worth(held - 1) + half)
        assert quote.bid[number] == pytest.approx(worth(held + 1) - worth(held) - half)


@pytest.mark.parametrize("periods", [0, 30])
def test_without_aversion_she_is_the_myopic_maker(periods: int) -> None:
    averse, myopic = (
        market(maker, periods, replications=200).makers[0].quote()
        for maker in (partial(InventoryAverse, aversion=0.0), Myopic)
    )
    np.testing.assert_array_equal(averse.bid, myopic.bid)
    np.testing.assert_array_equal(averse.ask, myopic.ask)


@pytest.mark.parametrize("aversion", [0.1, 0.5])
def test_an_averse_maker_holds_less_than_a_myopic_one(aversion: float) -> None:
    squared = [
        market(maker, 60, prior_sd=1.0, replications=2_000).makers[0].inventory ** 2
        for maker in (Myopic, partial(InventoryAverse, aversion=aversion))
    ]
    less = squared[0] - squared[1]
    assert less.mean() > 4 * less.std() / np.sqrt(less.size)


def test_the_more_averse_she_is_the_wider_and_the_steeper_she_quotes() -> None:
    quotes = []
    for aversion in (0.0, 0.1, 1.0):
        maker = market(partial(InventoryAverse, aversion=aversion), prior_sd=1.0).makers[0]
        flat = maker.quote()
        maker.inventory = maker.inventory + 2
        quotes.append((flat.spread[0], (flat.mid - maker.quote().mid)[0]))
    assert quotes == sorted(quotes)
    assert quotes[0][1] == 0
    assert quotes[2][1] == pytest.approx(2.0)


# The linear-impact maker


@pytest.mark.parametrize("noise_sd", [1.0, 2.0])
@pytest.mark.parametrize("impact", [0.1, 0.5])
def test_the_mid_falls_by_the_impact_of_every_unit_held(impact: float, noise_sd: float) -> None:
    exchange = market(partial(LinearImpact, impact=impact), 30, prior_mean=7.0, noise_sd=noise_sd)
    maker = exchange.makers[0]
    assert len(set(maker.inventory)) > 3
    quote = maker.quote()
    np.testing.assert_allclose(quote.mid, 7 - impact * noise_sd * maker.inventory)
    np.testing.assert_allclose(quote.spread, impact * noise_sd)


def test_a_linear_impact_maker_believes_nothing() -> None:
    maker = market("linear-impact", 10).makers[0]
    assert maker.belief is None
    assert np.isnan(maker.moments).all()
    with pytest.raises(ValueError, match="'linear-impact' has no belief, but quotes by one: give"):
        maker.require_belief()


def test_after_a_buy_the_bid_is_the_ask_there_was_and_after_a_sell_conversely() -> None:
    exchange = market(LinearImpact, replications=200)
    seen = set()
    for _ in range(20):
        exchange.open()
        before = exchange.quotes[0]
        exchange.clear()
        side, after = exchange.clearing.side, exchange.makers[0].quote()
        seen |= set(side)
        np.testing.assert_allclose(after.bid[side == 1], before.ask[side == 1], atol=1e-12)
        np.testing.assert_allclose(after.ask[side == -1], before.bid[side == -1], atol=1e-12)
        np.testing.assert_array_equal(after.mid[side == 0], before.mid[side == 0])
    assert seen == {-1, 0, 1}


@pytest.mark.parametrize("valuations", [[9.0, -9.0], [-9.0, 9.0], [9.0, 9.0, -9.0, -9.0]])
def test_trades_that_cancel_leave_quotes_as_they_were_and_cash_as_it_was(
    valuations: list[float],
) -> None:
    maker = scripted(LinearImpact, valuations).makers[0]
    assert maker.inventory == 0
    assert maker.quote().bid == -0.25
    assert maker.quote().ask == 0.25
    assert maker.cash == 0


@pytest.mark.parametrize("units", [1, 4, 10])
def test_her_cash_is_her_quadratic_cost_of_the_units_sold(units: int) -> None:
    maker = scripted(LinearImpact, [99.0] * units, prior_mean=2.0).makers[0]
    assert maker.inventory == -units
    np.testing.assert_allclose(maker.cash, 2.0 * units + 0.5 * units**2 / 2)


def test_her_loss_is_bounded_by_the_square_of_how_far_the_value_is_from_the_prior() -> None:
    """With n sold her profit is n b/2 n - n (V - m) >= -(V - m)^2 / (2 b), whatever n."""
    exchange = market(LinearImpact, prior_mean=5.0, replications=500)
    for _ in range(40):
        exchange.run(1)
        maker = exchange.makers[0]
        profit = maker.cash + maker.inventory * exchange.value
        bound = (exchange.value - 5.0) ** 2 / (2 * 0.5)
        assert (profit >= -bound - 1e-9).all()
    assert (profit < -0.9 * bound).any()


# The Q-learning maker


def belief_after(mean: float, sd: float, lower: float, upper: float) -> tuple[float, float]:
    belief = GaussianBelief(mean * ONE, sd).update(lower, upper, 1.0)
    return belief.mean.item(), belief.sd.item()


def q_by_hand(
    valuations: list[float], draws: list[tuple[float, float]], rate: float, decay: float
) -> tuple[list[tuple[float, float]], list[float]]:
    """Return the quotes of one Q-learner, and what she thinks that the depths earn in the end."""
    worth, quotes = [0.0] * len(DEPTHS), []
    mean, sd = 0.0, 3.0
    for period, (valuation, (coin, lot)) in enumerate(zip(valuations, draws, strict=True)):
        tries = coin < exp(-decay * period)
        arm = int(lot * len(DEPTHS)) if tries else worth.index(max(worth))
        half = DEPTHS[arm] * sqrt(sd**2 + 1.0)
        bid, ask = mean - half, mean + half
        quotes.append((bid, ask))
        if valuation > ask:
            mean, sd = belief_after(mean, sd, ask, INF)
            earned = ask - mean
        elif valuation < bid:
            mean, sd = belief_after(mean, sd, -INF, bid)
            earned = mean - bid
        else:
            mean, sd = belief_after(mean, sd, bid, ask)
            earned = 0.0
        worth[arm] = worth[arm] + rate * (earned - worth[arm])
    return quotes, worth


@pytest.mark.parametrize(("rate", "decay"), [(0.1, 1e-3), (0.1, 0.05), (1.0, 0.1), (0.5, 1.0)])
def test_a_q_learner_is_four_times_the_one_written_in_scalars(rate: float, decay: float) -> None:
    exchange = market(partial(QLearning, learning_rate=rate, decay=decay), 60, replications=4)
    log, tape = exchange.tape.makers, exchange.tape.market
    streams = Streams(1, 0, 4)
    own, draws = streams.draws(maker_role("q-learning")), []
    for period in range(60):
        streams.period = period
        draws.append((own.uniform(), own.uniform()))
    maker = exchange.makers[0]
    assert isinstance(maker, QLearning)
    for number in range(4):
        valuations = tape.loc[tape["replication"] == number, "valuation"].to_list()
        hers = [(float(coin[number]), float(lot[number])) for coin, lot in draws]
        quotes, worth = q_by_hand(valuations, hers, rate, decay)
        rows = log[log["replication"] == number]
        np.testing.assert_allclose(rows[["bid", "ask"]], quotes, rtol=0, atol=1e-12)
        np.testing.assert_allclose(maker.table[number], worth, rtol=0, atol=1e-12)
    assert maker.table.any(axis=1).all()


def chosen(maker: Any, periods: int, replications: int) -> Array:
    """Return the arm taken in each period, shape (periods, R)."""
    exchange = market(maker, replications=replications)
    agent = exchange.makers[0]
    assert isinstance(agent, QLearning)
    arms = []
    for _ in range(periods):
        exchange.step()
        arms.append(agent.chosen.copy())
    return np.array(arms)


def test_a_q_learner_whose_curiosity_does_not_decay_tries_all_depths_alike() -> None:
    counts = np.bincount(chosen(partial(QLearning, decay=0.0), 50, 400).ravel(), minlength=20)
    expected = 50 * 400 / 20
    assert np.abs(counts - expected).max() < 4 * np.sqrt(expected * 0.95)


def test_a_q_learner_begins_by_trying_whatever_the_decay() -> None:
    arms = chosen(partial(QLearning, decay=50.0), 1, 2_000)
    counts = np.bincount(arms.ravel(), minlength=20)
    assert np.abs(counts - 100).max() < 4 * np.sqrt(100 * 0.95)


@pytest.mark.parametrize("period", [0, 1, 5, 30])
@pytest.mark.parametrize("decay", [0.02, 0.2])
def test_a_q_learner_tries_with_the_probability_that_has_decayed(decay: float, period: int) -> None:
    maker = market(partial(QLearning, decay=decay, depths=[0.5, 1.0]), replications=9_000).makers[0]
    assert isinstance(maker, QLearning)
    maker.model.period, maker.table[:] = period, [1.0, 0.0]
    maker.quote()
    probability = exp(-decay * period) / 2
    error = sqrt(probability * (1 - probability) / 9_000)
    assert abs((maker.chosen == 1).mean() - probability) < 4 * error


def test_a_q_learner_with_a_rate_of_one_remembers_the_last_trial_alone() -> None:
    exchange = market(partial(QLearning, learning_rate=1.0), replications=200)
    maker = exchange.makers[0]
    assert isinstance(maker, QLearning)
    for _ in range(20):
        exchange.step()
        clearing, quote = exchange.clearing, exchange.clearing.dealings[0].quote
        earned = np.select(
            [clearing.side == 1, clearing.side == -1],
            [quote.ask - maker.require_belief().mean, maker.require_belief().mean - quote.bid],
        )
        hers = maker.table[np.arange(200), maker.chosen]
        np.testing.assert_allclose(hers, earned, atol=1e-12)


def test_a_q_learner_takes_the_first_of_depths_that_earn_alike() -> None:
    exchange = market(partial(QLearning, decay=1e3), replications=200)
    maker = exchange.makers[0]
    assert isinstance(maker, QLearning)
    maker.model.period = 9
    maker.table[:, [4, 7]] = 5.0
    maker.quote()
    assert (maker.chosen == 4).all()
    maker.table[:] = 0.0
    maker.quote()
    assert (maker.chosen == 0).all()


def test_a_q_learner_alters_what_she_thinks_of_the_depth_she_chose_alone() -> None:
    exchange = market(QLearning, 5, replications=300)
    maker = exchange.makers[0]
    assert isinstance(maker, QLearning)
    before = maker.table.copy()
    exchange.step()
    altered = before != maker.table
    arms = np.zeros_like(altered)
    arms[np.arange(300), maker.chosen] = True
    assert altered.any()
    assert not (altered & ~arms).any()


def test_a_q_learner_without_a_trade_has_earned_nothing() -> None:
    exchange = scripted(partial(QLearning, depths=[90.0]), [0.0] * 9, prior_sd=3.0)
    maker = exchange.makers[0]
    assert isinstance(maker, QLearning)
    assert not maker.table.any()


def test_a_q_learner_whose_rival_has_the_trade_has_earned_nothing() -> None:
    exchange = market([partial(QLearning, depths=[90.0]), "zero-profit"], 30)
    maker = exchange.makers[0]
    assert isinstance(maker, QLearning)
    assert exchange.makers[1].inventory.any()
    assert not maker.table.any()


def test_a_q_learner_finds_the_depth_that_pays() -> None:
    learner = partial(QLearning, depths=[0.01, 1.2], learning_rate=0.05, decay=0.02)
    exchange = market(learner, prior_sd=1.0, value="redrawn", replications=500)
    maker = exchange.makers[0]
    assert isinstance(maker, QLearning)
    for _ in range(300):
        exchange.step()
    assert (maker.table.argmax(axis=1) == 1).mean() > 0.9
    assert (maker.chosen == 1).mean() > 0.9


# Bad input


@pytest.mark.parametrize(
    ("maker", "name"),
    [(Undercutter, "step"), (LinearImpact, "impact")],
)
@pytest.mark.parametrize("value", [0.0, -1.0, NAN, INF])
def test_a_step_and_an_impact_must_be_positive(maker: Any, name: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"{name} is {value}, but must be finite and above zero"):
        market(partial(maker, **{name: value}))


@pytest.mark.parametrize("value", [-0.1, NAN, INF])
def test_an_aversion_must_be_a_number_from_zero_on(value: float) -> None:
    with pytest.raises(ValueError, match=f"aversion is {value}, but must"):
        market(partial(InventoryAverse, aversion=value))


@pytest.mark.parametrize("value", [-0.1, NAN, INF])
def test_a_decay_must_be_a_number_from_zero_on(value: float) -> None:
    with pytest.raises(ValueError, match=f"decay is {value}, but must"):
        market(partial(QLearning, decay=value))


@pytest.mark.parametrize("value", [0.0, -0.1, 1.1, NAN, INF])
def test_a_learning_rate_must_be_above_zero_and_at_most_one(value: float) -> None:
    with pytest.raises(ValueError, match=f"learning_rate is {value}, but must be"):
        market(partial(QLearning, learning_rate=value))


@pytest.mark.parametrize("depths", [[0.0], [0.5, -1.0], [NAN], [INF]], ids=str)
def test_depths_must_be_positive(depths: list[float]) -> None:
    with pytest.raises(ValueError, match=r"depths is .*, but must be finite and above zero"):
        market(partial(QLearning, depths=depths))


def test_depths_must_not_be_empty() -> None:
    with pytest.raises(ValueError, match="depths"):
        market(partial(QLearning, depths=[]), 1)


def test_depths_must_be_a_row() -> None:
    square: Any = [[0.5, 1.0], [2.0, 3.0]]
    with pytest.raises(ValueError, match="depths"):
        market(partial(QLearning, depths=square), 1)


@pytest.mark.parametrize(
    ("maker", "name"),
    [
        (Undercutter, "step"),
        (InventoryAverse, "aversion"),
        (LinearImpact, "impact"),
        (QLearning, "learning_rate"),
        (QLearning, "decay"),
    ],
)
@pytest.mark.parametrize("value", [[0.1, 0.2], "wide", None], ids=str)
def test_a_parameter_must_be_one_number(maker: Any, name: str, value: Any) -> None:
    with pytest.raises((TypeError, ValueError), match=f"^{name} "):
        market(partial(maker, **{name: value}))


@pytest.mark.parametrize("maker", [Undercutter, InventoryAverse, QLearning])
def test_who_quotes_by_a_belief_is_told_so_without_one(maker: Any) -> None:
    with pytest.raises((ValueError, MakerError), match=r"has no belief, but quotes by one: give"):
        market(partial(maker, belief=None), 1)


def test_the_zero_profit_maker_is_as_tight_as_an_undercutter_may_get() -> None:
    exchange = market(["undercutter", ZeroProfit], 40, replications=200)
    hers, rival = (maker.quote() for maker in exchange.makers)
    assert (hers.ask >= rival.ask - 1e-12).all()
    assert (hers.bid <= rival.bid + 1e-12).all()


def test_a_table_that_was_saved_goes_on_as_if_it_had_never_stopped(tmp_path: Path) -> None:
    first = Exchange("q-learning", prior_sd=0.5, replications=30, rng=1).run(50).makers[0]
    assert isinstance(first, QLearning)
    np.save(tmp_path / "table.npy", first.table)
    loaded = np.load(tmp_path / "table.npy", allow_pickle=False)
    market = Exchange(partial(QLearning, table=loaded), prior_sd=0.5, replications=30, rng=1)
    (again,) = market.makers
    assert isinstance(again, QLearning)
    np.testing.assert_array_equal(again.table, first.table)
    market.run(1)
    moved = again.table != first.table
    assert (moved.sum(axis=1) <= 1).all()
    assert moved.any()
    assert np.array_equal(loaded, first.table)  # which is hers no longer


def test_one_table_may_be_everybodys() -> None:
    row = np.linspace(0, 1, len(DEPTHS))
    (maker,) = Exchange(partial(QLearning, table=row, decay=1e9), replications=3).run(2).makers
    assert isinstance(maker, QLearning)
    assert maker.chosen.tolist() == [len(DEPTHS) - 1] * 3


@pytest.mark.parametrize(
    ("table", "error", "says"),
    [
        (np.zeros(3), ValueError, r"table has shape \(3,\), but must have \(20,\)"),
        (np.zeros((5, 20)), ValueError, r"table has shape \(5, 20\), but must have .* \(2, 20\)"),
        ([np.nan] * 20, ValueError, "table is nan, but must be finite"),
        ("mine", TypeError, "table is 'mine', but must be a number"),
    ],
)
def test_a_table_of_other_depths_is_refused(table: Any, error: Any, says: str) -> None:
    with pytest.raises(error, match=says):
        Exchange(partial(QLearning, table=table), replications=2)
