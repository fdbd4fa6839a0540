"""Makers in plain numbers: each replication for itself, and no other maker than in arrays."""

import math
import pickle
from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any, ClassVar

import numpy as np
import pytest
from pandas.testing import assert_frame_equal
from scipy.stats import kstest

from abm import Exchange, GaussianBelief, GridBelief, Myopic, NoisyTrader, Quote, Side
from abm.makers import MakerError, MarketMaker, per_replication
from abm.market.random_streams import Draws, Lots, OneDraws, Streams, maker_role
from abm.numerics.arrays import Array
from abm.participants.registry import MAKER_TYPES
from abm.participants.transparency import MarketView

INF = math.inf
BOTH = pytest.mark.parametrize("transparency", ["public", "own"])


class Stub(NoisyTrader):
    """Values the instrument at a number that she is given."""

    def __init__(self, model: Any, *, at: Any) -> None:
        super().__init__(model)
        self.at = np.asarray(at, float)

    def valuation(self, value: Array, draws: Draws) -> Array:  # noqa: ARG002
        return np.broadcast_to(self.at, value.shape)


class InArrays(MarketMaker):
    """Leans against her inventory, stands aside when she holds much, and mixes."""

    name = "leaning"

    def quote(self) -> Quote:
        half = np.where(self.draws.uniform() < 0.5, 1.0, 1.5) * self.require_belief().sd + 0.1
        mid = self.require_belief().mean - 0.2 * self.inventory + 0.01 * self.cash
        return Quote(
            np.where(self.inventory < 2, mid - half, -np.inf),
            np.where(self.inventory > -2, mid + half, np.inf),
        )


@per_replication
class InNumbers(MarketMaker):
    """The same in plain numbers."""

    name = "leaning"

    def quote(self) -> Quote:
        half = (1.0 if self.draws.uniform() < 0.5 else 1.5) * self.require_belief().sd + 0.1
        mid = self.require_belief().mean - 0.2 * self.inventory + 0.01 * self.cash
        if self.inventory >= 2:
            return Quote(-INF, mid + half)
        return Quote(mid - half, mid + half if self.inventory > -2 else INF)


@per_replication
class Rich(MarketMaker):
    """Keeps a list, a dict, a counter and a number, calls a helper, a property and her parent."""

    name = "rich"
    memory: ClassVar[list[float]] = []  # a copy of which each replication fills

    def __init__(self, model: Any, *, width: float = 1.0) -> None:
        super().__init__(model)
        self.width = width
        self.sides: list[int] = []
        self.best: dict[str, float] = {}
        self.count: Counter[int] = Counter()
        self.periods = 0

    def quote(self) -> Quote:
        self.periods += 1
        if self.last is not None:
            self.note(int(self.last.side))
        if len(self.sides) > 1 and self.sides[-1] == self.sides[-2] != 0:
            self.width *= 1.1
        elif self.draws.uniform() < 0.1:
            self.width = max(float(self.draws.uniform()), 0.2)
        self.memory.append(self.width)
        return Quote.around(self.require_belief().mean + 0.01 * self.tilt, self.half_spread())

    def note(self, side: int) -> None:
        self.sides.append(side)
        self.count[side] += 1
        self.best["low"] = min(self.best.get("low", INF), float(self.require_belief().mean))

    def half_spread(self) -> float:
        return float(self.width * self.require_belief().sd + 0.001 * self.best.get("low", 0.0) ** 2)

    @property
    def tilt(self) -> float:
        return self.count[1] - self.count[-1] + len(self.memory) / (1 + self.periods)


@per_replication
class Observant(MarketMaker):
    """Quotes by what she was shown of the last period."""

    name = "observant"

    def quote(self) -> Quote:
        half = 1.5 * self.require_belief().sd
        if self.last is None:
            return Quote.around(self.require_belief().mean, half)
        assert isinstance(self.last.own.bid, float)
        assert isinstance(self.last.side, int)
        assert isinstance(self.last.quantity, float)
        if self.last.others is not None:
            rival = self.last.others["optimal"].bid
            assert rival <= self.last.rivals.bid
        nearest = self.last.rivals.ask
        if not math.isnan(nearest) and self.last.side != Side.BUY:
            half = min(half, max(abs(nearest - self.require_belief().mean), 0.1))
        return Quote.around(self.require_belief().mean, half + 0.01 * (self.last.quantity == 0))


class ObservantInArrays(MarketMaker):
    name = "observant"

    def quote(self) -> Quote:
        half = 1.5 * self.require_belief().sd
        if self.last is None:
            return Quote.around(self.require_belief().mean, half)
        nearest = self.last.rivals.ask
        nearer = np.minimum(half, np.maximum(np.abs(nearest - self.require_belief().mean), 0.1))
        half = np.where(~np.isnan(nearest) & (self.last.side != Side.BUY), nearer, half)
        return Quote.around(self.require_belief().mean, half + 0.01 * (self.last.quantity == 0))


def tape(makers: Any, periods: int = 40, **terms: Any) -> Any:
    settings: dict[str, Any] = {"prior_sd": 2.0, "replications": 30, "rng": 4}
    return Exchange(makers, **(settings | terms)).run(periods).tape


def same(one: Any, other: Any) -> None:
    assert_frame_equal(one.makers, other.makers, check_exact=True)
    assert_frame_equal(one.market, other.market, check_exact=True)


@BOTH
def test_a_maker_in_numbers_is_the_same_maker_in_arrays(transparency: str) -> None:
    for company in ([], ["optimal"], ["leaning"]):
        numbers, arrays = (
            tape([kind, *(kind if one == "leaning" else one for one in company)],
                 transparency=transparency)
            for kind in (InNumbers, InArrays)
        )  # fmt: skip
        same(numbers, arrays)
        hers = numbers.makers[numbers.makers["maker"] == "leaning"]
        assert {-2, 0, 2} <= set(hers["inventory"])


@BOTH
def test_a_maker_in_numbers_is_shown_what_a_maker_in_arrays_is(transparency: str) -> None:
    company = ["optimal"]
    numbers, arrays = (
        tape([kind, *company], transparency=transparency) for kind in (Observant, ObservantInArrays)
    )
    same(numbers, arrays)
    assert numbers.makers.groupby("maker", observed=True)["filled"].any().all()


@pytest.mark.parametrize("maker", [InNumbers, Rich, Observant], ids=lambda one: one.name)
def test_a_replication_is_the_same_by_itself_and_among_others(maker: Any) -> None:
    many = tape([maker, "optimal"], replications=7)
    for few in (1, 3):
        log = tape([maker, "optimal"], replications=few)
        for one, whole in ((log.makers, many.makers), (log.market, many.market)):
            first = whole[whole["replication"] < few]
            assert_frame_equal(one, first, check_exact=True)


def test_state_of_her_own_is_each_replication_s_own() -> None:
    exchange = Exchange(Rich, prior_sd=2.0, replications=30, rng=4)
    sides: list[list[int]] = [[] for _ in range(30)]
    widths: list[set[float]] = []
    for _ in range(20):
        exchange.step()
        maker = exchange.makers[0]
        for number, state in enumerate(vars(maker)["_own"]):
            assert state["sides"] == sides[number] if sides[number] else True
            sides[number].append(int(exchange.clearing.side[number]))
        widths.append({state["width"] for state in vars(maker)["_own"]})
    assert len(widths[-1]) > 5
    assert len({tuple(one) for one in sides}) > 5


def test_what_init_left_is_left_as_it_was() -> None:
    maker = Exchange(Rich, prior_sd=2.0, replications=30, rng=4).run(20).makers[0]
    assert isinstance(maker, Rich)
    assert (maker.width, maker.sides, maker.best, maker.periods) == (1.0, [], {}, 0)
    assert not maker.count
    assert Rich.memory == []


def test_two_makers_of_a_kind_keep_state_apart() -> None:
    exchange = Exchange([partial(Rich, width=9.0), Rich], replications=5, rng=1).run(6)
    first, second = (vars(maker)["_own"] for maker in exchange.makers)
    assert all(one is not other for one, other in zip(first, second, strict=True))
    assert all(one["sides"] is not other["sides"] for one, other in zip(first, second, strict=True))


@dataclass
class Memory:
    """State that can be changed."""

    buys: int = 0
    seen: list[int] = field(default_factory=list)


@per_replication
class Remembers(MarketMaker):
    """Keeps her state in a dataclass."""

    def __init__(self, model: Any) -> None:
        super().__init__(model)
        self.memory = Memory()

    def quote(self) -> Quote:
        if self.last is not None:
            self.memory.buys += self.last.side == 1
        return Quote.around(self.require_belief().mean, 1.0 + 0.1 * self.memory.buys)


def test_state_in_a_dataclass_is_each_replication_s_own() -> None:
    many, one = (tape(Remembers, 10, replications=size).makers for size in (7, 1))
    assert_frame_equal(one, many[many["replication"] < 1], check_exact=True)


def test_she_may_ask_for_as_many_draws_as_she_likes_in_each_replication() -> None:
    @per_replication
    class Fickle(MarketMaker):
        def quote(self) -> Quote:
            rounds = 0
            while rounds < 58 and self.draws.uniform() < 0.7:
                rounds += 1
            return Quote.around(0.0, 1.0 + rounds + self.draws.uniform())

    maker = Exchange(Fickle, replications=200, rng=2).run(3).makers[0]
    streams = Streams(2, 0, 200)
    streams.period = 2
    draws = streams.draws(maker_role("fickle"))
    lots = np.array([draws.uniform() for _ in range(60)])
    assert maker.last is not None
    for number in range(200):
        rounds = int(np.argmax(lots[:, number] >= 0.7))
        assert maker.last.own.ask[number] == 1.0 + rounds + lots[rounds + 1, number]


def test_her_normal_draws_are_normal_and_the_same_in_any_number() -> None:
    @per_replication
    class Noisy(MarketMaker):
        def quote(self) -> Quote:
            first, second = self.draws.normal(), self.draws.normal()
            return Quote(min(first, second), max(first, second))

    def drawn(replications: int) -> Array:
        log = tape(Noisy, 5, replications=replications).makers
        return np.asarray(log[log["replication"] < 3][["bid", "ask"]])

    np.testing.assert_array_equal(drawn(3), drawn(2_000))
    log = tape(Noisy, 5, replications=2_000).makers
    assert kstest(np.concatenate([log["bid"], log["ask"]]), "norm").pvalue > 1e-3


def test_super_calls_the_parent_in_numbers() -> None:
    @per_replication
    class Wider(Myopic):
        def quote(self) -> Quote:
            quote = super().quote()
            assert quote.bid.ndim == 0
            return Quote(quote.bid - 1.0, quote.ask + 1.0)

    class WiderInArrays(Myopic):
        name = "wider"

        def quote(self) -> Quote:
            quote = super().quote()
            return Quote(quote.bid - 1.0, quote.ask + 1.0)

    same(tape(Wider, prior_sd=1.0), tape(WiderInArrays, prior_sd=1.0))


def test_a_maker_in_arrays_may_extend_one_in_numbers() -> None:
    class Shifted(InNumbers):
        name = "leaning"

        def quote(self) -> Quote:
            quote = super().quote()
            assert quote.bid.shape == (30,)
            return Quote(quote.bid + 0.25, quote.ask + 0.25)

    class ShiftedArrays(InArrays):
        name = "leaning"

        def quote(self) -> Quote:
            quote = super().quote()
            return Quote(quote.bid + 0.25, quote.ask + 0.25)

    same(tape(Shifted), tape(ShiftedArrays))


def test_a_maker_in_numbers_may_extend_one_in_numbers() -> None:
    @per_replication
    class Shifted(InNumbers):  # type: ignore[misc, valid-type, unused-ignore]
        name = "leaning"

        def quote(self) -> Quote:
            quote = super().quote()
            return Quote(quote.bid + 0.25, quote.ask + 0.25)

    class ShiftedArrays(InArrays):
        name = "leaning"

        def quote(self) -> Quote:
            quote = super().quote()
            return Quote(quote.bid + 0.25, quote.ask + 0.25)

    same(tape(Shifted), tape(ShiftedArrays))


def test_within_quote_she_is_who_she_is() -> None:
    seen: list[bool] = []

    @per_replication
    class Aware(Myopic):
        limit = 3

        @staticmethod
        def twice(number: float) -> float:
            return 2 * number

        @classmethod
        def called(cls) -> str:
            return cls.name

        def quote(self) -> Quote:
            seen.append(isinstance(self, Aware) and isinstance(self, Myopic))
            seen.append(self.label == "aware" and self.called() == "aware" and self.name == "aware")
            seen.append(self.limit == 3 and self.twice(2.0) == 4.0)
            seen.append(not hasattr(self, "absent"))
            seen.append(self.terms.replications == 3 and self.terms.prior.sd == 2.0)
            seen.append(self.rho == self.require_belief().sd / self.noise_sd)
            numbers: list[Any] = [self.require_belief().mean, self.inventory, self.cash]
            seen.append(all(type(number) is float for number in numbers))
            return Quote.around(self.require_belief().mean, 1.0)

    tape(Aware, 2, replications=3)
    assert len(seen) == 7 * 3 * 2
    assert all(seen)


def test_a_property_that_is_kept_is_kept_in_numbers() -> None:
    @per_replication
    class Keeps(MarketMaker):
        @cached_property
        def first_mean(self) -> Array:
            return self.require_belief().mean + self.draws.uniform()

        def quote(self) -> Quote:
            return Quote.around(self.first_mean, 1.0)

    many, one = (tape(Keeps, 5, replications=size).makers for size in (7, 1))
    assert_frame_equal(one, many[many["replication"] < 1], check_exact=True)
    assert many.groupby("replication")["bid"].nunique().eq(1).all()
    assert many["bid"].nunique() == 7


def test_an_exact_belief_comes_in_numbers_too() -> None:
    class Believer(MarketMaker):
        name = "believer"

        def quote(self) -> Quote:
            return Quote.around(self.require_belief().mean, 1.5 * self.require_belief().sd)

    arrays, numbers = (
        tape(partial(kind, belief=GridBelief(0.0, 2.0)), 5)
        for kind in (Believer, per_replication(Believer))
    )
    same(numbers, arrays)


@pytest.mark.parametrize("belief", ["gaussian", GridBelief(0.0, 2.0)], ids=["gaussian", "grid"])
@BOTH
def test_what_she_sees_in_numbers_is_of_the_class_that_it_is_in_arrays(
    belief: Any, transparency: str
) -> None:
    @per_replication
    class Curious(MarketMaker):
        name = "curious"

        def quote(self) -> Quote:
            kind, other = (GaussianBelief, GridBelief)[:: 1 if belief == "gaussian" else -1]
            assert isinstance(self.belief, kind)
            assert not isinstance(self.belief, other)
            assert isinstance(self.require_belief().mean, float)
            assert not isinstance(self.belief, Quote)
            if self.last is not None:
                assert isinstance(self.last, MarketView)
                assert isinstance(self.last.own, Quote)
                assert isinstance(self.last.inside, Quote)
                for quote in (self.last.others or {}).values():
                    assert isinstance(quote, Quote)
                assert isinstance(self.last.rivals, Quote)
            return Quote.around(self.require_belief().mean, 1.5 * self.require_belief().sd)

    market = Exchange([partial(Curious, belief=belief), "optimal"], transparency=transparency,
                      prior_sd=2.0, replications=3, rng=1).run(4)  # fmt: skip
    assert market.period == 4


def test_one_replication_s_draws_are_its_elements_of_those_that_all_share() -> None:
    role = maker_role("one")
    arrays, shared = (Streams(5, 2, 4).draws(role) for _ in range(2))
    expected = [arrays.uniform() for _ in range(3)]
    lots = Lots(shared)
    ones = [OneDraws(lots, number) for number in range(4)]
    for number in (2, 0, 3, 1):  # whoever is asked first
        drawn = [ones[number].uniform() for _ in range(3)]
        assert all(isinstance(one, float) for one in drawn)
        assert drawn == [draw[number] for draw in expected]


def test_without_a_belief_its_mean_and_sd_are_nan() -> None:
    @per_replication
    class Blind(MarketMaker):
        def __init__(self, model: Any) -> None:
            super().__init__(model, belief=None)

        def quote(self) -> Quote:
            assert math.isnan(self.require_belief().mean)
            assert math.isnan(self.require_belief().sd)
            assert self.last is None or isinstance(self.last.inside.ask, float)
            return Quote(-1.0, 1.0)

    assert tape(Blind, 3).makers["belief_mean"].isna().all()


def test_a_declined_side_is_declined() -> None:
    @per_replication
    class Buyer(MarketMaker):
        def quote(self) -> Quote:
            return Quote(self.require_belief().mean - 1, INF if self.inventory < 5 else 9)

    log = tape(Buyer)
    assert np.isinf(log.makers["ask"]).any()
    assert (log.makers["inventory"] >= 0).all()


@pytest.mark.parametrize("maker", [InNumbers, Rich, Observant], ids=lambda one: one.name)
@pytest.mark.parametrize("periods", [0, 1, 8])
def test_a_market_pickled_halfway_goes_on_as_it_would_have(maker: Any, periods: int) -> None:
    exchange = Exchange([maker, "optimal"], prior_sd=2.0, replications=6, rng=4).run(periods)
    restored = pickle.loads(pickle.dumps(exchange))
    same(restored.run(8).tape, exchange.run(8).tape)
    same(exchange.tape, tape([maker, "optimal"], periods + 8, replications=6))


@pytest.mark.parametrize("method", ["settle", "observe"])
def test_a_maker_who_defines_what_it_does_not_serve_is_refused(method: str) -> None:
    kind = type("Own", (InArrays,), {method: lambda *_: None})
    with pytest.raises(TypeError, match=f"Own defines {method}, but @per_replication serves quote"):
        per_replication(kind)


def test_the_refusal_reaches_to_what_a_parent_defines() -> None:
    with pytest.raises(TypeError, match=r"defines observe, but .*: let quote read self.last"):
        per_replication(type("Child", (MAKER_TYPES.find("q-learning"),), {"name": "child"}))


def test_an_array_left_by_init_is_explained_when_it_reaches_a_price() -> None:
    @per_replication
    class Early(MarketMaker):
        def __init__(self, model: Any) -> None:
            super().__init__(model)
            self.centre = self.require_belief().mean

        def quote(self) -> Quote:
            return Quote.around(self.centre, 1.0)

    with pytest.raises(
        MakerError,
        match=r"'early'.*period 0.*array of shape \(4,\), but must be a number.*__init__",
    ):
        tape(Early, 1, replications=4)


def test_an_error_in_one_replication_is_hers_in_that_period() -> None:
    @per_replication
    class Clumsy(MarketMaker):
        def quote(self) -> Quote:
            if self.last is not None and self.inventory != 0:
                raise ZeroDivisionError("a slip")
            return Quote.around(self.require_belief().mean, 0.1)

    with pytest.raises(MakerError, match=r"'clumsy'.*period 1.*a slip") as caught:
        tape(Clumsy, 9)
    assert isinstance(caught.value.__cause__, ZeroDivisionError)


@pytest.mark.parametrize("answer", [None, (0.0, 1.0)], ids=["nothing", "a tuple"])
def test_what_is_no_quote_is_refused_in_words(answer: Any) -> None:
    @per_replication
    class Mute(MarketMaker):
        def quote(self) -> Quote:
            said: Quote = answer
            return said

    with pytest.raises((MakerError, TypeError), match="must return a Quote"):
        tape(Mute, 1)


def test_a_nan_price_names_the_replication() -> None:
    @per_replication
    class Lost(MarketMaker):
        def quote(self) -> Quote:
            return Quote(math.nan if self.inventory else -1.0, 1.0)

    trader = partial(Stub, at=[0.0, 0.0, 9.0])
    exchange = Exchange(Lost, trader, replications=3, rng=1)
    with pytest.raises(ValueError, match=r"'lost' quoted in period 1 bid nan.*replication 2"):
        exchange.run(2)


def test_a_class_without_a_quote_stays_abstract() -> None:
    half: Any = type("Half", (MarketMaker,), {})
    with pytest.raises(TypeError, match="quote"):
        Exchange(per_replication(half)).run(1)


def test_the_decorated_class_keeps_what_it_is_known_by() -> None:
    assert InNumbers.__name__ == InNumbers.__qualname__ == "InNumbers"
    assert InNumbers.__module__ == __name__
    assert InNumbers.__doc__ == "The same in plain numbers."
    assert InNumbers.name == "leaning"
    assert issubclass(InNumbers, MarketMaker)
    assert InNumbers.quote.__doc__
    assert Exchange(Observant).makers[0].label == "observant"


def test_the_name_comes_from_the_class_where_none_is_given() -> None:
    @per_replication
    class VeryPlain(MarketMaker):
        def quote(self) -> Quote:
            return Quote(-1.0, 1.0)

    assert VeryPlain.name == "very-plain"


def test_a_decorated_class_is_found_where_it_is() -> None:
    assert MAKER_TYPES.find(f"{__name__}:InNumbers") is InNumbers


def test_her_parameters_are_those_of_init() -> None:
    wide, narrow = (tape(partial(Rich, width=width), 1).makers for width in (3.0, 1.0))
    assert (wide["ask"] - wide["bid"]).median() > 2.5 * (narrow["ask"] - narrow["bid"]).median()


def test_an_attribute_of_hers_that_hides_the_inventory_does_not_go_stale() -> None:
    """What quote sets on herself where the market keeps the books must not pass in silence."""

    @per_replication
    class Meddler(MarketMaker):
        def quote(self) -> Quote:
            self.inventory = self.inventory * 1.0
            return Quote(-1.0 - self.inventory, 1.0 - self.inventory)

    class MeddlerInArrays(MarketMaker):
        name = "meddler"

        def quote(self) -> Quote:
            return Quote(-1.0 - self.inventory, 1.0 - self.inventory)

    try:
        numbers = tape(Meddler)
    except (AttributeError, MakerError):
        return
    same(numbers, tape(MeddlerInArrays))


def test_the_model_she_lives_in_is_not_a_copy_that_stays_behind() -> None:
    @per_replication
    class Clock(MarketMaker):
        def quote(self) -> Quote:
            return Quote(-1.0, 1.0 + self.model.period)

    asks = tape(Clock, 4, replications=2).makers.groupby("period")["ask"].first()
    assert asks.to_list() == [1.0, 2.0, 3.0, 4.0]
