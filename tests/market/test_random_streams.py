"""A draw depends on (seed, block, role, period, call), and on nothing else."""

from typing import Any

import numpy as np
import pytest

from abm import Exchange, FixedSpread, Optimal, Quote, ZeroProfit
from abm.makers import MarketMaker
from abm.market.random_streams import LARGEST_SEED, Draws, Role, Streams, maker_role
from abm.numerics.arrays import Array
from abm.participants.registry import MAKER_TYPES
from tests.stubs import Mixer

MANY = 200_000


def at(
    seed: int = 1, block: int = 0, role: int = Role.TRADER, period: int = 0, size: int = 50
) -> Draws:
    streams = Streams(seed, block, size)
    streams.period = period
    return streams.draws(role)


def nth(draws: Draws, call: int) -> Array:
    for _ in range(call):
        draws.normal()
    return draws.normal()


def half_spreads(makers: Any, label: str) -> Array:
    market = Exchange(makers, replications=50, rng=1).run(4)
    tape = market.tape.makers
    return tape.loc[tape["maker"] == label, "ask"].to_numpy()


@pytest.mark.parametrize(
    "other", [{"seed": 2}, {"block": 1}, {"role": Role.VALUE}, {"period": 1}], ids=str
)
def test_each_coordinate_gives_a_draw_of_its_own(other: dict[str, int]) -> None:
    assert not np.intersect1d(at().normal(), at(**other).normal()).size


def test_each_call_gives_a_draw_of_its_own() -> None:
    draws = at()
    calls = [draws.normal() for _ in range(5)]
    assert len(np.unique(calls)) == 250


@pytest.mark.parametrize("call", [0, 1, 7])
def test_a_draw_is_philox_at_the_counter_of_its_coordinates(call: int) -> None:
    philox = np.random.Philox(key=[5, 3], counter=[0, call, Role.VALUE, 9])
    expected = np.random.Generator(philox).standard_normal(50)
    assert np.array_equal(nth(at(5, 3, Role.VALUE, 9), call), expected)


def test_a_uniform_is_philox_at_the_counter_of_its_coordinates() -> None:
    philox = np.random.Philox(key=[5, 3], counter=[0, 1, Role.TIE_BREAK, 9])
    draws = at(5, 3, Role.TIE_BREAK, 9)
    draws.normal()
    assert np.array_equal(draws.uniform(), np.random.Generator(philox).random(50))


@pytest.mark.parametrize("size", [1, 2, 49])
@pytest.mark.parametrize("kind", [Draws.normal, Draws.uniform])
def test_the_first_of_a_long_draw_are_the_short_draw(kind: Any, size: int) -> None:
    assert np.array_equal(kind(at(size=size)), kind(at())[:size])


def test_other_roles_and_their_extra_calls_change_nothing() -> None:
    streams = Streams(1, 0, 50)
    mine, other = streams.draws(Role.TRADER), streams.draws(Role.VALUE)
    other.normal()
    first = mine.normal()
    other.uniform()
    other.normal()
    assert np.array_equal([first, mine.normal()], [nth(at(), call) for call in (0, 1)])


def test_calls_are_counted_anew_every_period() -> None:
    streams = Streams(1, 0, 50)
    draws = streams.draws(Role.TRADER)
    nth(draws, 3)
    streams.period = 1
    assert np.array_equal(draws.normal(), at(period=1).normal())


def test_the_draws_of_a_maker_do_not_depend_on_her_company() -> None:
    company = half_spreads([Optimal, Mixer, ZeroProfit], "mixer")
    assert np.array_equal(company, half_spreads([Mixer], "mixer"))


def test_the_valuations_of_traders_do_not_depend_on_a_maker_that_draws() -> None:
    mixed, plain = (Exchange(maker, rng=1).run(9).tape.market for maker in (Mixer, FixedSpread))
    assert mixed["valuation"].equals(plain["valuation"])


def test_two_of_a_kind_draw_apart() -> None:
    first, second = (half_spreads([Mixer, Mixer], label) for label in ("mixer", "mixer-2"))
    assert not np.intersect1d(first, second).size


def test_no_maker_shares_a_role() -> None:
    labels = [f"{name}{tail}" for name in MAKER_TYPES.load_own() for tail in ("", "-2", "-3")]
    roles = {*Role, *map(maker_role, labels)}
    assert len(roles) == len(Role) + len(labels)


def test_normals_have_the_moments_of_the_unit_normal() -> None:
    draw = at(size=MANY).normal()
    assert abs(draw.mean()) < 4 / np.sqrt(MANY)
    assert abs(np.square(draw).mean() - 1) < 4 * np.sqrt(2 / MANY)
    assert abs((draw**4).mean() - 3) < 4 * np.sqrt(96 / MANY)


def test_uniforms_fill_the_interval_from_zero_to_one() -> None:
    draw = at(size=MANY).uniform()
    assert draw.min() >= 0
    assert draw.max() < 1
    counts = np.histogram(draw, bins=20, range=(0, 1))[0]
    assert np.abs(counts - MANY / 20).max() < 4 * np.sqrt(MANY / 20)


@pytest.mark.parametrize(
    "other",
    [{"seed": 2}, {"block": 1}, {"role": Role.VALUE}, {"role": Role.TIE_BREAK}, {"period": 1}],
    ids=str,
)
def test_draws_at_neighbouring_coordinates_are_uncorrelated(other: dict[str, int]) -> None:
    correlation = np.mean(at(size=MANY).normal() * at(size=MANY, **other).normal())
    assert abs(correlation) < 4 / np.sqrt(MANY)


@pytest.mark.parametrize("seed", [-1, LARGEST_SEED + 1])
def test_a_seed_out_of_range_is_refused(seed: int) -> None:
    with pytest.raises(ValueError, match=rf"rng is {seed}, .* at least 0 and at most .*: give"):
        Streams(seed, 0, 1)


@pytest.mark.parametrize("seed", [1.0, True, "1", None])
def test_a_seed_that_is_no_whole_number_is_refused(seed: Any) -> None:
    with pytest.raises(TypeError, match=rf"rng is {seed!r}, a .*must be a whole number: give"):
        Streams(seed, 0, 1)


@pytest.mark.parametrize("block", [-1, LARGEST_SEED + 1])
def test_a_block_out_of_range_is_refused(block: int) -> None:
    with pytest.raises(ValueError, match=f"block is {block}"):
        Streams(0, block, 1)


def test_a_numpy_integer_is_as_good_a_seed_as_an_int() -> None:
    seed: Any = np.int64(7)
    assert np.array_equal(at(seed).normal(), at(7).normal())


def test_the_largest_seed_and_the_smallest_draw_apart() -> None:
    assert not np.intersect1d(at(0).normal(), at(LARGEST_SEED).normal()).size


@pytest.mark.parametrize("kind", ["rng", "random"])
def test_blocks_do_not_repeat_what_makers_draw_from_mesas_generators(kind: str) -> None:
    class Borrower(MarketMaker):
        name = "borrower"

        def quote(self) -> Quote:
            draws = self.rng.random(20) if kind == "rng" else [self.random.random()] * 20
            return Quote.around(0.0, 1.0 + np.array(draws))

    blocks = [Exchange(Borrower, replications=20, block=block, rng=1) for block in range(200)]
    spreads = np.array([block.run(1).tape.makers["ask"] for block in blocks])
    means = spreads.mean(axis=1)
    assert np.unique(means).size == 200
    assert abs(means.mean() - 1.5) < 4 * means.std(ddof=1) / np.sqrt(200)


def test_mesas_generators_depend_on_seed_and_block_alone() -> None:
    def draw(seed: int, block: int) -> tuple[float, float]:
        market = Exchange("optimal", rng=seed, block=block)
        return float(market.rng.random()), market.random.random()

    seeds = [(1, 0), (1, 1), (2, 0), (2**32 + 1, 0), (1, 2**20)]
    assert draw(1, 1) == draw(1, 1)
    assert len({draw(*one) for one in seeds}) == len(seeds)
