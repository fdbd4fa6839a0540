"""Makers in plain numbers: each market for itself, and no other maker than in arrays."""

import math
import pickle
from dataclasses import FrozenInstanceError, dataclass, field, fields
from functools import partial
from random import Random
from typing import Any

import numpy as np
import pytest
from pandas.testing import assert_frame_equal
from scipy.stats import kstest

from abm import Exchange, GridBelief, NoisyTrader, Quote, Side
from abm.experiment import Experiment, grid
from abm.makers import MakerError, MarketMaker, OneMarket, ScalarMaker
from abm.market.random_streams import Draws, Streams, maker_role
from abm.numerics.arrays import Array
from abm.participants.registry import MAKER_TYPES
from abm.testing import check_maker
from analysis import load

INF = math.inf
BOTH = pytest.mark.parametrize("transparency", ["public", "own"])
Memory = dict[str, Any]
Prices = tuple[float, float]


class Stub(NoisyTrader):
    """Values the instrument at a number that the trader is given."""

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
        mid = mid + 0.01 * self.draws.normal()
        return Quote(
            np.where(self.inventory < 2, mid - half, -np.inf),
            np.where(self.inventory > -2, mid + half, np.inf),
        )


class InNumbers(ScalarMaker):
    """The same in plain numbers."""

    name = "leaning"

    def quote_one(self, now: OneMarket, memory: Memory) -> Prices:  # noqa: ARG002
        half = (1.0 if now.uniform < 0.5 else 1.5) * now.belief_sd + 0.1
        mid = now.belief_mean - 0.2 * now.inventory + 0.01 * now.cash + 0.01 * now.normal
        if now.inventory >= 2:
            return -INF, mid + half
        return mid - half, mid + half if now.inventory > -2 else INF


class Rich(ScalarMaker):
    """Remembers a list, a dict and numbers; calls a helper; has a parameter and many draws."""

    name = "rich"

    def __init__(self, model: Any, *, width: float = 1.0) -> None:
        super().__init__(model)
        self.width = width

    def quote_one(self, now: OneMarket, memory: Memory) -> Prices:
        sides: list[int] = memory.setdefault("sides", [])
        lows: dict[str, float] = memory.setdefault("lows", {})
        width = memory.get("width", self.width)
        draws = Random(now.uniform)
        if now.period > 0:
            sides.append(now.last_side)
            lows["mean"] = min(lows.get("mean", INF), now.belief_mean)
        if len(sides) > 1 and sides[-1] == sides[-2] != Side.NONE:
            width *= 1.1
        elif draws.random() < 0.1:
            width = max(draws.random(), 0.2)
        memory["width"] = width
        half = width * now.belief_sd + 0.001 * lows.get("mean", 0.0) ** 2
        mid = now.belief_mean + 0.01 * self.tilt(sides)
        return mid - half, mid + half

    @staticmethod
    def tilt(sides: list[int]) -> float:
        return sum(sides) / (1 + len(sides))


class Observant(ScalarMaker):
    """Quotes by what she was shown of the last period."""

    name = "observant"

    def quote_one(self, now: OneMarket, memory: Memory) -> Prices:  # noqa: ARG002
        half = 1.5 * now.belief_sd
        if now.period == 0:
            return now.belief_mean - half, now.belief_mean + half
        nearest = now.last_rival_ask
        if not math.isnan(nearest) and now.last_side != Side.BUY:
            half = min(half, max(abs(nearest - now.belief_mean), 0.1))
        half += 0.01 * (now.last_quantity == 0)
        return now.belief_mean - half, now.belief_mean + half


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


class Fixed(ScalarMaker):
    """Quotes -1 and 1; the base of makers that differ from her in one thing."""

    def quote_one(self, now: OneMarket, memory: Memory) -> Prices:  # noqa: ARG002
        return -1.0, 1.0


class Noting(Fixed):
    """Remembers all that she was given."""

    def quote_one(self, now: OneMarket, memory: Memory) -> Prices:
        memory.setdefault("seen", []).append(now)
        return super().quote_one(now, memory)


class Conforming(ScalarMaker):
    """Keeps every rule, in prices, memory and draws."""

    def quote_one(self, now: OneMarket, memory: Memory) -> Prices:
        trades = memory["trades"] = memory.get("trades", 0) + (now.last_quantity != 0)
        reach = math.hypot(now.belief_sd, now.noise_sd) * (1.5 + 0.1 * trades + 0.1 * now.uniform)
        centre = now.belief_mean - 0.01 * now.inventory * now.noise_sd
        return centre - reach, centre + reach


def run(makers: Any, periods: int = 40, **terms: Any) -> Exchange:
    settings: dict[str, Any] = {"prior_sd": 2.0, "replications": 30, "rng": 4}
    return Exchange(makers, **(settings | terms)).run(periods)


def tape(makers: Any, periods: int = 40, **terms: Any) -> Any:
    return run(makers, periods, **terms).tape


def memories(exchange: Exchange, number: int = 0) -> list[Memory]:
    maker = exchange.makers[number]
    assert isinstance(maker, ScalarMaker)
    return maker.memories


def same(one: Any, other: Any) -> None:
    assert_frame_equal(one.makers, other.makers, check_exact=True)
    assert_frame_equal(one.market, other.market, check_exact=True)


@BOTH
@pytest.mark.parametrize("replications", [1, 2, 30])
def test_a_maker_in_numbers_is_the_same_maker_in_arrays(
    transparency: str, replications: int
) -> None:
    settings: Any = {"transparency": transparency, "replications": replications}
    for rivals in ([], ["optimal"], ["leaning"]):
        numbers, arrays = (
            tape([kind, *(kind if name == "leaning" else name for name in rivals)], **settings)
            for kind in (InNumbers, InArrays)
        )
        same(numbers, arrays)
        hers = numbers.makers[numbers.makers["maker"] == "leaning"]
        assert replications < 30 or {-2, 0, 2} <= set(hers["inventory"])


@BOTH
def test_a_maker_in_numbers_is_shown_what_a_maker_in_arrays_is(transparency: str) -> None:
    numbers, arrays = (
        tape([kind, "optimal"], transparency=transparency)
        for kind in (Observant, ObservantInArrays)
    )
    same(numbers, arrays)
    assert numbers.makers.groupby("maker", observed=True)["filled"].any().all()


@pytest.mark.parametrize("maker", [InNumbers, Rich, Observant], ids=lambda maker: maker.name)
def test_a_replication_is_the_same_by_itself_and_among_others(maker: Any) -> None:
    many = tape([maker, "optimal"], replications=7)
    for few in (1, 3):
        log = tape([maker, "optimal"], replications=few)
        for part, whole in ((log.makers, many.makers), (log.market, many.market)):
            first = whole[whole["replication"] < few]
            assert_frame_equal(part, first, check_exact=True)


def test_every_field_is_what_the_exchange_holds_in_that_replication() -> None:
    exchange = Exchange(
        [Noting, "zero-profit"], prior_mean=0.5, prior_sd=2.0, noise_sd=1.5, replications=5, rng=3
    )
    maker = exchange.makers[0]
    streams = Streams(3, 0, 5)
    draws = streams.draws(maker_role("noting"))
    traded: set[float] = set()
    for period in range(8):
        last = maker.last
        (mean, sd), inventory, cash = maker.moments, maker.inventory, maker.cash
        exchange.step()
        streams.period = period
        uniform, normal = draws.uniform(), draws.normal()
        for number, memory in enumerate(memories(exchange)):
            now = memory["seen"][period]
            assert (now.period, now.noise_sd, now.prior_mean, now.prior_sd) == (
                period, 1.5, 0.5, 2.0,
            )  # fmt: skip
            assert (now.belief_mean, now.belief_sd) == (mean[number], sd[number])
            assert (now.inventory, now.cash) == (inventory[number], cash[number])
            assert (now.uniform, now.normal) == (uniform[number], normal[number])
            if last is None:
                continue
            assert last.others is not None
            rival, inside = last.others["zero-profit"], last.inside
            assert (now.last_bid, now.last_ask) == (-1.0, 1.0)
            assert now.last_inside_bid == inside.bid[number] == max(-1.0, rival.bid[number])
            assert now.last_inside_ask == inside.ask[number] == min(1.0, rival.ask[number])
            assert (now.last_rival_bid, now.last_rival_ask) == (
                rival.bid[number], rival.ask[number],
            )  # fmt: skip
            assert (now.last_side, now.last_quantity) == (last.side[number], last.quantity[number])
            traded.add(now.last_quantity)
    assert traded == {-1.0, 0.0, 1.0}


def test_every_field_is_a_plain_number_of_its_type_from_the_first_period() -> None:
    for replications in (1, 3):
        exchange = run([Noting, "optimal"], 3, replications=replications)
        for memory in memories(exchange):
            for now in memory["seen"]:
                for name in fields(OneMarket):
                    number = getattr(now, name.name)
                    assert type(number) is (
                        int if name.name in {"period", "last_side"} else float
                    ), name.name


def test_before_the_first_period_she_has_been_shown_nothing() -> None:
    for memory in memories(run(Noting, 1)):
        (now,) = memory["seen"]
        shown = {name: getattr(now, name) for name in OneMarket.__slots__ if "last_" in name}
        assert (shown.pop("last_side"), shown.pop("last_quantity")) == (Side.NONE, 0.0)
        assert len(shown) == 6
        assert all(math.isnan(price) for price in shown.values())


def test_without_rivals_their_prices_are_infinite() -> None:
    now = memories(run(Noting, 2))[0]["seen"][1]
    assert (now.last_rival_bid, now.last_rival_ask) == (-INF, INF)


def test_a_rival_whom_she_cannot_tell_from_herself_is_nan() -> None:
    seen = memories(run([Noting, Fixed], 2, transparency="own"))[0]["seen"]
    assert math.isnan(seen[1].last_rival_bid)
    assert math.isnan(seen[1].last_rival_ask)


def test_what_she_is_given_cannot_be_changed() -> None:
    now = memories(run(Noting, 1))[0]["seen"][0]
    with pytest.raises(FrozenInstanceError):
        now.inventory = 1.0
    assert not hasattr(now, "__dict__")


def test_each_market_has_a_memory_of_its_own() -> None:
    exchange = Exchange(Rich, prior_sd=2.0, replications=30, rng=4)
    sides: list[list[int]] = [[] for _ in range(30)]
    for _ in range(20):
        exchange.step()
        for number, memory in enumerate(memories(exchange)):
            assert memory["sides"] == sides[number]
            sides[number].append(int(exchange.clearing.side[number]))
    assert len({memory["width"] for memory in memories(exchange)}) > 5
    assert len({tuple(row) for row in sides}) > 5


def test_two_makers_of_a_kind_remember_apart() -> None:
    exchange = Exchange([partial(Rich, width=9.0), Rich], replications=5, rng=1).run(6)
    for first, second in zip(memories(exchange), memories(exchange, 1), strict=True):
        assert first is not second
        assert first["sides"] is not second["sides"]
        assert first["width"] != second["width"]


@dataclass
class Notes:
    """A memory that can be changed."""

    buys: int = 0
    seen: list[int] = field(default_factory=list)


class Remembers(ScalarMaker):
    """Keeps what she remembers in a dataclass."""

    def quote_one(self, now: OneMarket, memory: Memory) -> Prices:
        notes = memory.setdefault("notes", Notes())
        notes.buys += now.last_side == Side.BUY
        notes.seen.append(now.period)
        half = 1.0 + 0.1 * notes.buys
        return now.belief_mean - half, now.belief_mean + half


def test_a_memory_may_hold_an_object() -> None:
    many, one = (tape(Remembers, 10, replications=size).makers for size in (7, 1))
    assert_frame_equal(one, many[many["replication"] < 1], check_exact=True)
    assert many["ask"].nunique() > 7


class Noisy(ScalarMaker):
    """Quotes her draws."""

    def quote_one(self, now: OneMarket, memory: Memory) -> Prices:  # noqa: ARG002
        return now.normal, now.normal + now.uniform


def test_her_draws_have_their_distributions_and_are_the_same_in_any_number() -> None:
    few, many = (tape(Noisy, 5, replications=size).makers for size in (3, 2_000))
    assert_frame_equal(few, many[many["replication"] < 3], check_exact=True)
    assert kstest(many["bid"], "norm").pvalue > 1e-3
    assert kstest(many["ask"] - many["bid"], "uniform").pvalue > 1e-3
    assert abs(np.corrcoef(many["bid"], many["ask"] - many["bid"])[0, 1]) < 0.04
    for column in (many["bid"], many["ask"] - many["bid"]):
        assert column.nunique() == 10_000


def test_draws_are_those_of_the_seed_and_of_her_label() -> None:
    first, again = (tape([Noisy, Noisy], 5) for _ in range(2))
    same(first, again)
    bids = first.makers.pivot(index=["replication", "period"], columns="maker", values="bid")
    assert (bids["noisy"] != bids["noisy-2"]).all()
    assert (tape(Noisy, 5, rng=5).makers["bid"] != tape(Noisy, 5).makers["bid"]).all()


class Shifted(InNumbers):
    """A maker in numbers made of another."""

    name = "leaning"

    def quote_one(self, now: OneMarket, memory: Memory) -> Prices:
        bid, ask = super().quote_one(now, memory)
        return bid + 0.25, ask + 0.25


class ShiftedAfterwards(InNumbers):
    """A maker in arrays made of one in numbers."""

    name = "leaning"

    def quote(self) -> Quote:
        quote = super().quote()
        assert quote.bid.shape == (self.terms.replications,)
        return Quote(quote.bid + 0.25, quote.ask + 0.25)


class ShiftedArrays(InArrays):
    name = "leaning"

    def quote(self) -> Quote:
        quote = super().quote()
        return Quote(quote.bid + 0.25, quote.ask + 0.25)


@pytest.mark.parametrize("maker", [Shifted, ShiftedAfterwards])
def test_a_maker_may_extend_one_in_numbers(maker: Any) -> None:
    same(tape(maker), tape(ShiftedArrays))


class Hesitant(Fixed):
    """Learns in arrays and quotes in numbers."""

    name = "hesitant"

    def __init__(self, model: Any) -> None:
        super().__init__(model)
        self.periods = 0

    def observe(self, view: Any) -> None:
        super().observe(view)
        self.periods += 1

    def quote_one(self, now: OneMarket, memory: Memory) -> Prices:
        bid, ask = super().quote_one(now, memory)
        assert now.period == self.periods
        return bid - self.periods, ask + self.periods


def test_she_may_observe_in_arrays() -> None:
    asks = tape(Hesitant, 4).makers.groupby("period")["ask"].unique()
    assert [list(prices) for prices in asks] == [[1.0], [2.0], [3.0], [4.0]]


def test_an_exact_belief_comes_in_numbers_too() -> None:
    arrays, numbers = (
        tape(partial(kind, belief=GridBelief(0.0, 2.0)), 5)
        for kind in (ObservantInArrays, Observant)
    )
    same(numbers, arrays)


def test_without_a_belief_its_mean_and_sd_are_nan() -> None:
    exchange = run(partial(Noting, belief=None), 3)
    for memory in memories(exchange):
        for now in memory["seen"]:
            assert math.isnan(now.belief_mean)
            assert math.isnan(now.belief_sd)
            assert now.prior_sd == 2.0
    assert exchange.tape.makers["belief_mean"].isna().all()


class Buyer(ScalarMaker):
    def quote_one(self, now: OneMarket, memory: Memory) -> Prices:  # noqa: ARG002
        return now.belief_mean - 1, INF if now.inventory < 5 else 9


def test_a_declined_side_is_declined() -> None:
    log = tape(Buyer)
    assert np.isinf(log.makers["ask"]).any()
    assert (log.makers["inventory"] >= 0).all()


@pytest.mark.parametrize("maker", [InNumbers, Rich, Observant], ids=lambda maker: maker.name)
@pytest.mark.parametrize("periods", [0, 1, 8])
def test_a_market_pickled_halfway_goes_on_as_it_would_have(maker: Any, periods: int) -> None:
    exchange = Exchange([maker, "optimal"], prior_sd=2.0, replications=6, rng=4).run(periods)
    restored = pickle.loads(pickle.dumps(exchange))
    same(restored.run(8).tape, exchange.run(8).tape)
    same(exchange.tape, tape([maker, "optimal"], periods + 8, replications=6))


def test_what_she_is_given_and_her_memory_can_be_pickled() -> None:
    kept = memories(run([Noting, "optimal"], 4))
    assert pickle.loads(pickle.dumps(kept[3]["seen"][2])) == kept[3]["seen"][2]
    assert len(pickle.loads(pickle.dumps(kept))) == 30


def test_a_maker_in_numbers_keeps_all_rules() -> None:
    check_maker(Conforming)


def test_an_experiment_is_the_same_on_two_workers_and_on_one(tmp_path: Any) -> None:
    points = grid(makers=[Rich, [Conforming, "optimal"]], prior_sd=[1.0, 2.0])
    experiment = Experiment(points, replications=40, periods=6, seed=3, block=20)
    totals = []
    for workers in (1, 2):
        experiment.run(tmp_path / str(workers), workers=workers)
        totals.append(load(tmp_path / str(workers)).blocks("totals"))
    assert_frame_equal(totals[0], totals[1], check_exact=True)
    assert set(totals[0]["maker"]) == {"rich", "conforming", "optimal"}


class Clumsy(ScalarMaker):
    def quote_one(self, now: OneMarket, memory: Memory) -> Prices:  # noqa: ARG002
        if now.inventory != 0:
            raise ZeroDivisionError("a slip")
        return now.belief_mean - 0.1, now.belief_mean + 0.1


def test_an_error_in_one_market_is_hers_in_that_period_and_names_her_line() -> None:
    with pytest.raises(
        MakerError, match=r"'clumsy'.*period 1 \(test_scalar_maker.py.*a slip"
    ) as caught:
        tape(Clumsy, 9)
    assert isinstance(caught.value.__cause__, ZeroDivisionError)


WRONG = [
    None, 1.0, (), (1.0,), (0.0, 1.0, 2.0), (None, 1.0), ("0", "1"), "01", {0.0, 1.0},
    (0.0, 1j), Quote(0.0, 1.0), (np.zeros(30), np.ones(30)), np.array([0.0, 1.0]),
]  # fmt: skip


class Answering(ScalarMaker):
    """Gives a wrong answer once a trade has left her with an inventory."""

    answer: Any = None

    def quote_one(self, now: OneMarket, memory: Memory) -> Prices:  # noqa: ARG002
        answer: Prices = self.answer if now.inventory else (-1.0, 1.0)
        return answer


@pytest.mark.parametrize("answer", WRONG, ids=repr)
def test_what_is_not_two_numbers_is_refused_in_words(answer: Any) -> None:
    kind = type("Mute", (Answering,), {"answer": answer})
    exchange = Exchange(kind, partial(Stub, at=[0.0, 0.0, 9.0]), replications=3, rng=1)
    with pytest.raises(MakerError) as caught:
        exchange.run(2)
    message = str(caught.value)
    assert message.startswith("maker 'mute' raised an error when she quoted in period 1 (")
    assert f"TypeError: quote_one returned {answer!r} in replication 2 of its block" in message
    assert message.endswith("but must return two numbers: return bid, ask")


@pytest.mark.parametrize(
    "answer", [(0, 1), [0.0, 1.0], (np.float32(0.0), np.float64(1.0)), (np.int64(0), 1.0)], ids=repr
)
def test_two_numbers_of_any_kind_are_prices(answer: Any) -> None:
    kind = type("Brief", (Answering,), {"answer": answer})
    exchange = Exchange(kind, partial(Stub, at=[0.0, 0.0, 9.0]), replications=3, rng=1).run(2)
    last = exchange.makers[0].last
    assert last is not None
    assert (last.own.bid[2], last.own.ask[2]) == (0.0, 1.0)


def test_a_nan_price_names_the_replication() -> None:
    kind = type("Lost", (Answering,), {"answer": (math.nan, 1.0)})
    exchange = Exchange(kind, partial(Stub, at=[0.0, 0.0, 9.0]), replications=3, rng=1)
    with pytest.raises(ValueError, match=r"'lost' quoted in period 1 bid nan.*replication 2"):
        exchange.run(2)


def test_a_class_without_quote_one_is_refused_by_the_name_of_the_method() -> None:
    half: Any = type("Half", (ScalarMaker,), {})
    with pytest.raises(TypeError, match=r"Half has no method quote_one: add it"):
        Exchange(half)


def test_the_name_comes_from_the_class_where_none_is_given() -> None:
    assert Conforming.name == "conforming"
    assert InNumbers.name == "leaning"


def test_a_class_in_numbers_is_found_where_it_is() -> None:
    assert MAKER_TYPES.find(f"{__name__}:InNumbers") is InNumbers


def test_her_parameters_are_those_of_init() -> None:
    wide, narrow = (tape(partial(Rich, width=width), 1).makers for width in (3.0, 1.0))
    assert (wide["ask"] - wide["bid"]).median() > 2.5 * (narrow["ask"] - narrow["bid"]).median()
