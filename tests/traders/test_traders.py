"""Traders: found by name, observing what is public, with errors that name them."""

from functools import partial
from typing import Any

import numpy as np
import pytest

from abm import Exchange, NoisyTrader
from abm.market.laws import Law
from abm.market.random_streams import Draws
from abm.market.valuations import NoisyValuation
from abm.numerics.arrays import Array
from abm.participants.terms import PublicModel
from abm.participants.trader import TraderError
from abm.participants.transparency import MarketView
from abm.traders import Trader


class Watcher(NoisyTrader):
    name = "watcher"

    def __init__(self, model: PublicModel) -> None:
        super().__init__(model)
        self.views: list[MarketView] = []

    def observe(self, view: MarketView) -> None:
        self.views.append(view)


class Wavering(Trader):
    """The noise is 1 in even periods, and 2 in odd ones."""

    def __init__(self, model: PublicModel) -> None:
        super().__init__(model, NoisyValuation(1.0))

    def observe(self, view: MarketView) -> None:  # noqa: ARG002, it goes by the period
        self.law = NoisyValuation(2.0 if self.model.period % 2 == 0 else 1.0)


class Failing(NoisyTrader):
    def valuation(self, value: Array, draws: Draws) -> Array:  # noqa: ARG002, it fails
        raise KeyError("no idea")


class Short(NoisyTrader):
    def valuation(self, value: Array, draws: Draws) -> Array:
        return super().valuation(value, draws)[:1]


class Nameless(NoisyTrader):
    def valuation(self, value: Array, draws: Draws) -> Array:  # noqa: ARG002, it knows the value
        return np.where(value > 0, np.nan, value)


class Lawless(Trader):
    def __init__(self, model: PublicModel) -> None:
        pass


def test_a_trader_goes_by_name_by_class_and_by_partial_alike() -> None:
    given: list[Any] = ["noisy", NoisyTrader, (NoisyTrader,), ["noisy"], partial(NoisyTrader)]
    tapes = [Exchange("optimal", one, replications=20, rng=5).run(10).tape.market for one in given]
    for tape in tapes[1:]:
        assert tape.equals(tapes[0])


def test_a_class_without_a_name_goes_by_its_own_in_kebab_case() -> None:
    assert Wavering.name == "wavering"
    assert Exchange("optimal", Wavering).traders[0].label == "wavering"


def test_a_trader_type_sees_every_quote_and_trade_where_they_are_public() -> None:
    market = Exchange(["optimal", "zero-profit"], Watcher, replications=30, rng=2)
    (watcher,) = market.traders
    assert isinstance(watcher, Watcher)
    for period in range(6):
        market.open()
        quotes = list(market.quotes)
        market.clear()
        view = watcher.views[period]
        assert view.others is not None
        assert list(view.others) == ["optimal", "zero-profit"]
        assert all(one is other for one, other in zip(view.others.values(), quotes, strict=True))
        np.testing.assert_array_equal(view.side, market.clearing.side)
        np.testing.assert_array_equal(view.quantity, 0.0)
        assert view.inside is market.clearing.inside
        assert np.isinf(view.own.bid)


def test_a_trader_type_sees_nothing_where_makers_see_their_own_trades_only() -> None:
    market = Exchange(["optimal", "myopic"], Watcher, transparency="own", rng=2).run(6)
    (watcher,) = market.traders
    assert isinstance(watcher, Watcher)
    assert watcher.views == []


def test_makers_read_the_law_and_the_number_of_the_period() -> None:
    market = Exchange("zero-profit", Wavering, prior_sd=2.0, replications=8, rng=3)
    (maker,) = market.makers
    laws: list[Law] = []
    for period in range(4):
        market.move()
        assert (maker.period, market.period) == (period, period)
        laws.append(maker.law)
        market.ask()
        market.clear()
    assert [law.noise_sd for law in laws] == [1.0, 2.0, 1.0, 2.0]


def test_what_a_trade_reveals_follows_the_law_of_its_period() -> None:
    market = Exchange("zero-profit", Wavering, prior_sd=2.0, replications=8, rng=3).run(2)
    view = market.makers[0].last
    assert view is not None
    assert view.likelihood.resolution == 2.0


def test_opening_is_moving_and_asking() -> None:
    whole, halves = (Exchange("optimal", replications=5, rng=4) for _ in range(2))
    whole.open()
    halves.move()
    assert halves.quotes == []
    halves.ask()
    np.testing.assert_array_equal(whole.inside.ask, halves.inside.ask)


def test_a_trader_in_plain_numbers_is_told_to_write_arrays() -> None:
    class Plain(NoisyTrader):
        def valuation(self, value: Array, draws: Draws) -> Array:
            return value + draws.normal() if value > 0 else value

    told = "the value, the draws and what is shown of trades are arrays over the replications: use"
    with pytest.raises(TraderError, match=told) as caught:
        Exchange("optimal", Plain, replications=3).run(1)
    assert "ScalarMaker" not in str(caught.value)


def test_an_error_of_a_trader_names_the_trader_the_line_and_the_period() -> None:
    market = Exchange("optimal", Failing)
    with pytest.raises(TraderError, match=r"trader 'failing' raised .* in period 0 .*KeyError"):
        market.run(1)


@pytest.mark.parametrize(("kind", "says"), [(Short, r"shape \(1,\)"), (Nameless, "of them NaN")])
def test_valuations_are_one_number_a_replication(kind: type[Trader], says: str) -> None:
    with pytest.raises(ValueError, match=f"trader '{kind.name}' gave in period 0 .*{says}"):
        Exchange("optimal", kind, replications=40, rng=1).run(1)


def test_a_trader_that_does_not_begin_with_the_base_is_refused() -> None:
    with pytest.raises(TraderError, match=r"Lawless could not be made: it lacks .*law"):
        Exchange("optimal", Lawless)


def test_a_law_that_is_none_is_refused_when_the_trader_is_admitted() -> None:
    class Numbered(Trader):
        def __init__(self, model: PublicModel) -> None:
            super().__init__(model, 3.0)  # type: ignore[arg-type]

    with pytest.raises(TraderError) as caught:
        Exchange("optimal", Numbered)
    assert str(caught.value) == (
        "trader 'numbered' has in period 0 the law 3.0, but must have a Law: set self.law to one, "
        "as NoisyValuation(noise_sd)"
    )


def test_a_law_that_is_lost_later_is_refused_in_the_traders_name() -> None:
    class Losing(NoisyTrader):
        def observe(self, view: MarketView) -> None:  # noqa: ARG002, it goes by the period
            if self.period == 3:
                self.law = None  # type: ignore[assignment]

    market = Exchange("zero-profit", Losing)
    with pytest.raises(TraderError, match="trader 'losing' has in period 4 the law None, but"):
        market.run(5)


def test_a_trader_of_ones_own_may_not_take_the_name_of_a_registered_one() -> None:
    class Other(NoisyTrader):
        name = "noisy"

    with pytest.raises(ValueError, match=r"trader 'noisy' is .*Other, but abm.traders.noisy:Noisy"):
        Exchange("optimal", Other)


def test_a_traders_noise_is_the_markets_unless_given() -> None:
    traders: list[Any] = [NoisyTrader, partial(NoisyTrader, noise_sd=5.0)]
    markets = [
        Exchange("myopic", trader, noise_sd=2.0, replications=9, rng=3) for trader in traders
    ]
    usual, other = (market.run(1).clearing for market in markets)
    assert [market.law.noise_sd for market in markets] == [2.0, 5.0]
    np.testing.assert_allclose(other.valuation - other.value, 2.5 * (usual.valuation - usual.value))
