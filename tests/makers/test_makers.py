"""The makers: what each quotes, how they are found and admitted, and what they hold."""

from functools import partial
from typing import Any

import numpy as np
import pytest
from scipy.stats import norm

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
from abm.makers import MarketMaker
from abm.makers.inventory_averse import InventoryAverse
from abm.makers.linear_impact import LinearImpact
from abm.makers.q_learning import QLearning
from abm.makers.undercutter import Undercutter
from abm.numerics.arrays import Array
from abm.participants.registry import MAKER_TYPES
from tests.stubs import Mixer, list_makers

NAMES = sorted(MAKER_TYPES.load_own())
SYMMETRIC = ["fixed-spread", "myopic", "optimal", "q-learning", "zero-profit"]


class Cautious(MarketMaker):
    name = "cautious"

    def quote(self) -> Quote:
        return Quote.around(
            self.require_belief().mean - 0.1 * self.inventory, 2 * self.require_belief().sd
        )


class Unmoved(MarketMaker):
    """Quotes the same prices whatever happens: she needs no belief."""

    name = "unmoved"

    def quote(self) -> Quote:
        return Quote(1.0, 2.0)


def after(periods: int, maker: Any, **terms: Any) -> tuple[MarketMaker, Quote]:
    """Return the maker, and what she quotes, once so many traders have come."""
    settings: dict[str, Any] = {"prior_sd": 3.0, "replications": 20, "rng": 1}
    market = Exchange(maker, **(settings | terms)).run(periods)
    return market.makers[0], market.makers[0].quote()


def depth(maker: MarketMaker, quote: Quote) -> Array:
    """Return the half-spread in units of the valuations' standard deviation."""
    return 0.5 * quote.spread / np.hypot(maker.require_belief().sd, maker.noise_sd)


def expected_profit(maker: MarketMaker, q: Array) -> Array:
    """Return r(q) of Das and Magdon-Ismail (2008), section 2.3."""
    s = np.hypot(maker.require_belief().sd, maker.noise_sd)
    return 2 * (q * s * norm.sf(q) - maker.require_belief().sd ** 2 / s * norm.pdf(q))


@pytest.mark.parametrize(
    ("maker", "spread"), [(Optimal, 9.083), (ZeroProfit, 17.267), (Myopic, 19.130)]
)
def test_full_spreads_at_three_are_the_ones_of_the_figure(
    maker: type[MarketMaker], spread: float
) -> None:
    """Das and Magdon-Ismail (2008), Fig. 3b, at rho = 3 and discount 0.9."""
    assert after(0, maker)[1].spread == pytest.approx(spread, abs=5e-4)


@pytest.mark.parametrize("name", SYMMETRIC)
def test_quotes_lie_evenly_around_the_belief_s_mean(name: str) -> None:
    maker, quote = after(10, name)
    assert quote.mid == pytest.approx(maker.require_belief().mean)
    assert (quote.spread > 0).all()


@pytest.mark.parametrize("periods", [0, 10])
@pytest.mark.parametrize("discount", [0.0, 0.5, 0.9])
def test_the_optimal_half_spread_is_the_solution_s_in_units_of_the_noise(
    discount: float, periods: int
) -> None:
    maker, quote = after(periods, partial(Optimal, discount=discount), noise_sd=2.0)
    half_spread = solve(discount).half_spread(maker.require_belief().sd / 2)
    np.testing.assert_allclose(quote.ask - maker.require_belief().mean, 2 * half_spread, rtol=1e-12)


def test_the_optimal_maker_discounts_by_nine_tenths_unless_told() -> None:
    assert np.array_equal(after(5, Optimal)[1].ask, after(5, partial(Optimal, discount=0.9))[1].ask)


def test_the_optimal_maker_can_be_as_uncertain_as_one_likes() -> None:
    maker, quote = after(0, Optimal, prior_sd=80.0)
    np.testing.assert_allclose(quote.spread, 2 * solve(0.9, 100.0).half_spread(maker.rho))


def test_an_optimal_maker_with_an_exact_belief_can_be_as_uncertain() -> None:
    exact = partial(Optimal, belief=GridBelief(0.0, 60.0))
    market = Exchange(exact, prior_sd=60.0, replications=3, rng=1).run(2)
    assert np.isfinite(market.tape.makers["ask"]).all()


def test_an_optimal_maker_who_ignores_the_future_is_myopic() -> None:
    patient, myopic = after(0, partial(Optimal, discount=0.0))[1], after(0, Myopic)[1]
    np.testing.assert_allclose(patient.ask, myopic.ask, rtol=1e-5)


@pytest.mark.parametrize("periods", [0, 1, 10])
def test_the_zero_profit_ask_is_the_value_expected_given_a_buy(periods: int) -> None:
    maker, quote = after(periods, ZeroProfit, noise_sd=2.0)
    assert isinstance(maker.belief, GaussianBelief)
    bought = maker.belief.update(quote.ask, np.inf, 2.0)
    sold = maker.belief.update(-np.inf, quote.bid, 2.0)
    np.testing.assert_allclose(bought.mean, quote.ask, rtol=1e-9)
    np.testing.assert_allclose(sold.mean, quote.bid, rtol=1e-9)


@pytest.mark.parametrize("periods", [0, 1, 10])
def test_the_myopic_quote_has_the_largest_expected_profit_of_the_period(periods: int) -> None:
    maker, quote = after(periods, Myopic, noise_sd=2.0)
    q = depth(maker, quote)
    np.testing.assert_allclose(q * norm.pdf(q) / norm.sf(q), 1 + maker.rho**2, rtol=1e-9)
    for other in (0.9 * q, 0.99 * q, 1.01 * q, 1.1 * q):
        assert (expected_profit(maker, q) > expected_profit(maker, other)).all()


@pytest.mark.parametrize("half_spread", [1.0, 2.5])
def test_the_fixed_spread_never_changes(half_spread: float) -> None:
    maker = partial(FixedSpread, half_spread=half_spread)
    for periods in (0, 10):
        np.testing.assert_allclose(after(periods, maker)[1].spread, 2 * half_spread)


@pytest.mark.parametrize(
    ("name", "maker"),
    [
        ("fixed-spread", FixedSpread),
        ("inventory-averse", InventoryAverse),
        ("linear-impact", LinearImpact),
        ("myopic", Myopic),
        ("optimal", Optimal),
        ("q-learning", QLearning),
        ("undercutter", Undercutter),
        ("zero-profit", ZeroProfit),
    ],
)
def test_every_maker_is_found_by_her_name(name: str, maker: type[MarketMaker]) -> None:
    assert MAKER_TYPES.load_own()[name] is MAKER_TYPES.find(name) is maker
    assert type(Exchange(name).makers[0]) is maker


def test_makers_are_registered_in_alphabetical_order_under_their_own_names() -> None:
    assert list(MAKER_TYPES.load_own()) == NAMES
    assert all(maker.name == name for name, maker in MAKER_TYPES.load_own().items())


@pytest.mark.parametrize(
    ("typo", "meant"),
    [("optimum", "optimal"), ("zero_profit", "zero-profit"), ("Myopic", "myopic")],
)
def test_a_misspelt_name_brings_the_nearest_one(typo: str, meant: str) -> None:
    with pytest.raises(ValueError, match=f"maker is '{typo}', .*did you mean '{meant}'"):
        MAKER_TYPES.find(typo)


def test_a_name_like_no_other_brings_the_names_there_are() -> None:
    with pytest.raises(ValueError, match=f"known: {', '.join(NAMES)}"):
        MAKER_TYPES.find("qqq")


def test_two_of_a_kind_are_told_apart_by_their_labels() -> None:
    market = Exchange(["optimal", Myopic, Optimal, partial(Optimal, discount=0.5), Cautious])
    labels = ["optimal", "myopic", "optimal-2", "optimal-3", "cautious"]
    assert [maker.label for maker in market.makers] == labels
    assert market.run(1).tape.makers["maker"].to_list() == labels


@pytest.mark.parametrize("one", ["optimal", Optimal, partial(Optimal, discount=0.9)], ids=str)
def test_one_maker_needs_no_list(one: Any) -> None:
    assert [maker.label for maker in Exchange(one).makers] == ["optimal"]


@pytest.mark.parametrize("replications", [1, 3])
@pytest.mark.parametrize("kind", [GaussianBelief, GridBelief])
def test_a_maker_may_start_from_a_belief_of_her_own(kind: Any, replications: int) -> None:
    own = partial(ZeroProfit, belief=kind(1.0, 2.0))
    market = Exchange([own, ZeroProfit], prior_sd=3.0, replications=replications, rng=1)
    belief = market.makers[0].belief
    assert isinstance(belief, kind)
    np.testing.assert_allclose(belief.mean, np.ones(replications))
    np.testing.assert_allclose(belief.sd, np.full(replications, 2.0))
    assert (market.makers[1].require_belief().sd == 3).all()
    learnt = market.run(5).makers[0].belief
    assert isinstance(learnt, kind)
    assert (learnt.sd < 2).all()


def test_a_maker_may_start_from_another_belief_in_every_replication() -> None:
    means = np.array([0.0, 1.0, 2.0])
    maker, quote = after(0, partial(FixedSpread, belief=GaussianBelief(means, 1.0)), replications=3)
    assert np.array_equal(maker.require_belief().mean, means)
    assert np.array_equal(quote.ask, means + 1)


@pytest.mark.parametrize("replications", [1, 3])
def test_a_maker_may_have_no_belief(replications: int) -> None:
    maker = partial(Unmoved, belief=None)
    tape = Exchange(maker, prior_sd=3.0, replications=replications, rng=1).run(20).tape
    assert tape.makers[["belief_mean", "belief_sd"]].isna().all(axis=None)
    assert tape.makers["filled"].any()
    assert np.isfinite(tape.makers["profit"]).all()


@pytest.mark.parametrize("makers", [*list_makers(), list_makers(), Cautious], ids=str)
def test_cash_and_the_inventory_at_its_value_are_the_sum_of_profits(makers: Any) -> None:
    market = Exchange(makers, prior_sd=3.0, replications=20, rng=1).run(60)
    profits = market.tape.discounted_profit(1.0)
    assert profits.any()
    for maker, profit in zip(market.makers, profits, strict=True):
        np.testing.assert_allclose(maker.cash + maker.inventory * market.value, profit, atol=1e-12)


def test_cash_falls_by_a_purchase_and_rises_by_a_sale() -> None:
    market = Exchange(Unmoved, prior_sd=3.0, replications=200, rng=1).run(1)
    maker, side = market.makers[0], market.clearing.side
    assert set(side) == set(Side)
    assert np.array_equal(maker.inventory, -side)
    assert np.array_equal(maker.cash, np.select([side == Side.BUY, side == Side.SELL], [2.0, -1.0]))


@pytest.mark.parametrize("replications", [1, 3])
def test_a_small_maker_of_one_s_own_works(replications: int) -> None:
    market = Exchange([Cautious, "optimal"], prior_sd=3.0, replications=replications, rng=1).run(60)
    log = market.tape.makers
    hers = log[log["maker"] == "cautious"]
    assert len(hers) == 60 * replications
    assert hers["filled"].any()
    skew = 0.5 * (hers["bid"] + hers["ask"]) - hers["belief_mean"]
    before = hers.groupby("replication")["inventory"].shift(fill_value=0.0)
    np.testing.assert_allclose(skew, -0.1 * before, atol=1e-12)


def test_a_maker_that_mixes_draws_anew_every_period_and_the_same_every_run() -> None:
    once, again = (Exchange(Mixer, replications=5, rng=1).run(6).tape.makers for _ in range(2))
    assert once["bid"].nunique() == once["ask"].nunique() == 30
    assert once.equals(again)


def test_a_maker_that_mixes_does_the_same_in_any_company() -> None:
    alone = Exchange(Mixer, replications=5, rng=1).run(6).tape.makers
    log = Exchange(["optimal", Mixer, "myopic"], replications=5, rng=1).run(6).tape.makers
    among = log[log["maker"] == "mixer"]
    assert np.array_equal(among[["bid", "ask"]], alone[["bid", "ask"]])


def test_two_makers_that_mix_do_so_apart() -> None:
    log = Exchange([Mixer, Mixer], replications=5, rng=1).run(6).tape.makers
    assert log["ask"].nunique() == len(log)


def test_a_maker_without_a_name_of_its_own_goes_by_that_of_its_class() -> None:
    class VeryCautious(Myopic):
        pass

    assert VeryCautious.name == "very-cautious"
    assert Exchange(VeryCautious).makers[0].label == "very-cautious"
    assert Myopic.name == "myopic"


@pytest.mark.parametrize("name", ["cautious", "Two", "mine-2", "v1.5", "a_b", "7"])
def test_a_name_may_be_any_word_that_a_command_line_can_hold(name: str) -> None:
    kind = type("Named", (Myopic,), {"name": name})
    market = Exchange([kind, kind], replications=2, rng=1).run(1)
    assert [maker.label for maker in market.makers] == [name, f"{name}-2"]


@pytest.mark.parametrize(
    "name",
    ["", " ", "my maker", "a+b", "a,b", "a:b", "a/b", "a=b", "new\nline", "line\n", 3, None],
    ids=repr,
)
def test_a_name_must_be_one_word(name: Any) -> None:
    with pytest.raises(ValueError, match="must be one word of letters") as caught:
        type("Named", (Myopic,), {"name": name})
    assert f"name of Named is {name!r}" in str(caught.value)
    assert "give as 'my-maker'" in str(caught.value)


def test_a_name_is_told_apart_from_that_of_a_maker_that_is_here() -> None:
    class Other(Myopic):
        name = "optimal"

    companies: list[Any] = [Other, [Other, "optimal"], ["zero-profit", Other]]
    for makers in companies:
        with pytest.raises(ValueError, match="maker 'optimal' is ") as caught:
            Exchange(makers)
        assert "Other, but abm.makers.optimal:Optimal has that name" in str(caught.value)
        assert "give the class another" in str(caught.value)


def test_two_classes_with_one_name_are_refused_in_one_exchange() -> None:
    kinds = [type(kind, (Myopic,), {"name": "mine"}) for kind in ("First", "Second")]
    with pytest.raises(ValueError, match=r"maker 'mine' is .*Second, but .*First has that name"):
        Exchange(kinds)
    for kind in kinds:
        assert Exchange([kind, kind, "optimal"]).makers[1].label == "mine-2"


def test_a_class_need_not_have_a_name_of_its_own_to_clash() -> None:
    class Optimal(Myopic):
        pass

    with pytest.raises(ValueError, match=r"has that name: give the class another"):
        Exchange(Optimal)
