"""A belief on two values gives Glosten and Milgrom's (1985) closed forms, without an exchange.

V is 0 or 1; a share m of traders know it, the others buy or sell with probability 1/2 each.
"""

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

from abm.beliefs.discrete import DiscreteBelief
from abm.market.mixtures import Mixture
from abm.market.moves import STILL, Move
from abm.market.quotes import Quote
from abm.market.uninformed import CoinFlip
from abm.market.valuations import NoisyValuation
from abm.numerics.arrays import Array
from abm.one_period.quotes import zero_profit_quote

KNOWING = NoisyValuation(1e-12)


def law(share: float) -> Mixture:
    return Mixture([KNOWING, CoinFlip()], [share, 1 - share])


def two_values(probability: Any) -> DiscreteBelief:
    p = np.atleast_1d(probability)
    return DiscreteBelief([0.0, 1.0], np.stack([1 - p, p], axis=-1))


def closed_form(p: Array, m: float) -> tuple[Array, Array]:
    """Return bid and ask."""
    ask = p * (1 + m) / (p * (1 + m) + (1 - p) * (1 - m))
    bid = p * (1 - m) / (p * (1 - m) + (1 - p) * (1 + m))
    return bid, ask


def test_quotes_are_as_computed_elsewhere() -> None:
    quote = zero_profit_quote(two_values(0.8), law(0.3))
    assert_allclose([quote.bid[0], quote.ask[0]], [0.682927, 0.881356], atol=5e-7)


@pytest.mark.parametrize("share", [0.05, 0.3, 0.6, 0.9])
def test_quotes_are_the_closed_forms(share: float) -> None:
    p = np.array([0.05, 0.2, 0.5, 0.8, 0.97])
    quote = zero_profit_quote(two_values(p), law(share))
    bid, ask = closed_form(p, share)
    assert_allclose(quote.ask, ask, rtol=1e-7)
    assert_allclose(quote.bid, bid, rtol=1e-7)


def test_the_price_after_a_trade_is_the_mean_that_it_leaves() -> None:
    belief, shares = two_values(0.5), law(0.3)
    for side in (1, 1, -1, 1):
        quote = zero_profit_quote(belief, shares)
        price = quote.ask if side == 1 else quote.bid
        belief = belief.revise(shares.likelihood(quote, np.array([side], np.int8)))
        assert_allclose(belief.mean, price, rtol=1e-7)


def test_the_expected_spread_falls_with_trades_as_computed_elsewhere() -> None:
    """By all paths of buys and sales: a path's probability needs only how many bought."""
    m, expected = 0.3, {0: 0.3, 1: 0.275229, 5: 0.202138, 10: 0.143222, 20: 0.076473, 50: 0.014024}
    from math import comb

    for trades, spread in expected.items():
        bought = np.arange(trades + 1)
        paths = np.array([comb(trades, int(k)) for k in bought], float)
        high, low = (1 + m) / 2, (1 - m) / 2
        if_one, if_zero = (paths * up**bought * (1 - up) ** (trades - bought) for up in (high, low))
        mass = (if_one + if_zero) / 2
        quote = zero_profit_quote(two_values(if_one / (if_one + if_zero)), law(m))
        assert float((mass * quote.spread).sum()) == pytest.approx(spread, abs=6e-7)


def test_moments_are_those_of_the_values() -> None:
    belief = DiscreteBelief([-1.0, 0.0, 4.0], [[1.0, 2.0, 1.0], [0.0, 0.0, 3.0]])
    sample = np.array([-1.0, 0.0, 0.0, 4.0])
    assert_allclose(belief.mean, [sample.mean(), 4.0])
    assert_allclose(belief.sd, [sample.std(), 0.0])
    skewness = ((sample - sample.mean()) ** 3).mean() / sample.std() ** 3
    assert_allclose(belief.skewness[0], skewness)
    assert_allclose(belief.density([0.0, 0.5, 4.0]), [[0.5, 0.0, 0.25], [0.0, 0.0, 1.0]])


def test_a_value_that_moves_is_refused() -> None:
    belief = two_values(0.5)
    assert belief.predict(STILL) is belief
    with pytest.raises(ValueError, match="believed to be one of 2 values"):
        belief.predict(Move(0.1, 1.0))


@pytest.mark.parametrize(
    ("value", "probability", "says"),
    [
        ([0.0, 1.0], [0.5, -0.5], "must be at least 0"),
        ([0.0, 1.0], [0.0, 0.0], "not 0 everywhere"),
        ([0.0, np.nan], [0.5, 0.5], "value is nan"),
        ([0.0, 1.0], [0.3, 0.3, 0.4], "one probability for each value"),
        ([0.0, 1.0], [1.0], "one probability for each value"),
        ([[0.0, 1.0]], [0.5, 0.5], "one probability for each value"),
    ],
)
def test_what_is_no_distribution_is_refused(value: Any, probability: Any, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        DiscreteBelief(value, probability)


def test_what_cannot_be_shown_is_refused() -> None:
    shown = law(1.0).likelihood(Quote(0.4, 0.6), np.array([0], np.int8))
    with pytest.raises(ValueError, match="not 0 everywhere"):
        two_values(0.5).revise(shown)
