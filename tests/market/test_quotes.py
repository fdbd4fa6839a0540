"""Quotes, and the side of one that a trader takes."""

from typing import Any

import numpy as np
import pytest

from abm.market.quotes import Quote, Side, split_sides

INF = float("inf")


@pytest.mark.parametrize(
    ("valuation", "side"),
    [(1.01, Side.BUY), (1.0, Side.NONE), (0.0, Side.NONE), (-2.0, Side.NONE), (-2.01, Side.SELL)],
)
def test_trader_trades_only_at_a_price_strictly_better_than_her_valuation(
    valuation: float, side: Side
) -> None:
    assert Quote(-2.0, 1.0).side(np.array(valuation)) == side


def test_every_replication_has_its_own_quote_and_side() -> None:
    quote = Quote([-1.0, -1.0, 4.0], [1.0, 3.0, 5.0])
    np.testing.assert_array_equal(quote.side(np.full(3, 2.0)), [Side.BUY, Side.NONE, Side.SELL])


@pytest.mark.parametrize(("mid", "half_spread"), [(1e308, 1e308), (-1e308, 1e308), (INF, INF)])
def test_a_price_that_is_no_float_is_refused(mid: float, half_spread: float) -> None:
    with pytest.raises(ValueError, match=r"mid is .* both prices must be floats: give smaller"):
        Quote.around(mid, half_spread)


def test_prices_of_other_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match=r"bid has shape \(2,\) and ask has shape \(3,\)"):
        Quote([1.0, 2.0], [3.0, 3.0, 3.0])


def test_sides_are_small_integers() -> None:
    assert Quote([-1.0], [1.0]).side(np.array([2.0])).dtype == np.int8


def test_trader_who_values_at_one_price_for_both_sides_does_nothing() -> None:
    np.testing.assert_array_equal(Quote(1.0, 1.0).side(np.array([0.9, 1.0, 1.1])), [-1, 0, 1])


def test_trader_facing_crossed_quotes_buys_above_the_middle_and_sells_elsewhere() -> None:
    crossed = Quote(3.0, 1.0)
    valuations = np.array([0.0, 1.5, 2.0, np.nextafter(2.0, 3.0), 2.5, 9.0])
    np.testing.assert_array_equal(crossed.side(valuations), [-1, -1, -1, 1, 1, 1])


def test_uncrossed_turns_crossed_prices_to_their_middle_and_leaves_the_others() -> None:
    turns = Quote([3.0, -1.0, 2.0], [1.0, 1.0, 2.0]).uncross()
    np.testing.assert_array_equal(turns.bid, [2.0, -1.0, 2.0])
    np.testing.assert_array_equal(turns.ask, [2.0, 1.0, 2.0])


def test_uncrossed_returns_a_quote_that_does_not_cross_as_it_is() -> None:
    quote = Quote([-1.0, -INF], [1.0, INF])
    assert quote.uncross() is quote


def test_nobody_takes_a_declined_side() -> None:
    far = np.array([-1e300, 0.0, 1e300])
    np.testing.assert_array_equal(Quote(-INF, 1.0).side(far), [0, 0, 1])
    np.testing.assert_array_equal(Quote(-1.0, INF).side(far), [-1, 0, 0])
    np.testing.assert_array_equal(Quote(-INF, INF).side(far), [0, 0, 0])


def test_one_market_may_cross_while_another_declines_both_sides() -> None:
    quote = Quote([3.0, -INF], [1.0, INF])
    np.testing.assert_array_equal(quote.side(np.array([2.5, 2.5])), [Side.BUY, Side.NONE])


def test_middle_of_two_declined_sides_is_not_finite_and_does_not_warn() -> None:
    assert not np.isfinite(Quote(-INF, INF).mid)


def test_spread_is_ask_less_bid_and_mid_is_halfway() -> None:
    quote = Quote([-1.0, 2.0], [2.0, 2.5])
    np.testing.assert_array_equal(quote.spread, [3.0, 0.5])
    np.testing.assert_array_equal(quote.mid, [0.5, 2.25])


def test_declined_side_makes_the_spread_infinite() -> None:
    np.testing.assert_array_equal(Quote([-INF, -1.0, -INF], [1.0, INF, INF]).spread, INF)


def test_two_sided_where_both_prices_are_finite() -> None:
    quote = Quote([-1.0, -INF, -1.0, -INF], [1.0, 1.0, INF, INF])
    np.testing.assert_array_equal(quote.two_sided, [True, False, False, False])


def test_around_puts_bid_and_ask_the_half_spread_from_the_middle() -> None:
    quote = Quote.around([1.0, -2.0], [0.5, 0.25])
    np.testing.assert_array_equal(quote.bid, [0.5, -2.25])
    np.testing.assert_array_equal(quote.ask, [1.5, -1.75])


def test_around_broadcasts_one_half_spread_over_the_replications() -> None:
    np.testing.assert_array_equal(Quote.around([1.0, 2.0], 0.5).ask, [1.5, 2.5])


def test_quote_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        Quote(0.0, 1.0).ask = np.array(2.0)  # type: ignore[misc]


NO_VALUATIONS = ["high", None, 1j, np.array([1j]), [True], np.ma.array([1.0], mask=True)]


@pytest.mark.parametrize("valuation", NO_VALUATIONS, ids=repr)
def test_a_valuation_that_is_no_number_is_refused(valuation: Any) -> None:
    with pytest.raises(
        TypeError, match=r"^valuation is .*, but must be a number, .*: give a float"
    ):
        Quote(-1.0, 1.0).side(valuation)


@pytest.mark.parametrize(
    ("valuation", "says"),
    [
        (np.nan, r"^valuation is nan, but must be a price: give a number, -inf or inf$"),
        (10**400, r"^valuation is .*, but must be below 1\.8e308: give a smaller number$"),
        ([1.0, 2.0, 3.0], r"^valuation has shape \(3,\) .* they must broadcast: give one for each"),
    ],
    ids=["nan", "large", "shape"],
)
def test_a_valuation_out_of_range_is_refused(valuation: Any, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Quote([-1.0, -1.0], [1.0, 1.0]).side(valuation)


@pytest.mark.parametrize("side", [2, -0.5, [0, 3], np.nan], ids=repr)
def test_a_side_is_one_of_three(side: Any) -> None:
    for ask in (split_sides, Quote(-1.0, 1.0).price):
        with pytest.raises(ValueError, match=r"^side is [\d.nan-]+, but must be -1 .* give one of"):
            ask(side)


def test_a_side_is_a_number() -> None:
    with pytest.raises(TypeError, match=r"^side is 'buy', but must be a number"):
        split_sides("buy")  # type: ignore[arg-type]


def test_sides_of_any_type_are_split_alike() -> None:
    for sides in ([1, 0, -1], np.array([1.0, 0.0, -1.0]), [Side.BUY, Side.NONE, Side.SELL]):
        buys, sells = split_sides(sides)  # type: ignore[arg-type]
        assert (buys.tolist(), sells.tolist()) == ([True, False, False], [False, False, True])


def test_quotes_of_any_shape_have_sides_and_prices_of_it() -> None:
    assert Quote(2.0, 1.0).side(1.5) == -1
    assert Quote(1.0, 2.0).price(np.array(1)).shape == ()
    table = Quote(np.zeros((2, 3)), np.ones((2, 3)))
    prices = table.price(np.array([[1, 0, -1], [-1, 1, 0]]))
    np.testing.assert_array_equal(prices, [[1, 0, 0], [0, 1, 0]])
