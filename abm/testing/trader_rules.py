"""The rules that a type of trader keeps; those of its law's numbers are in `law_rules`."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from abm.exchange.guards import ask_for_law
from abm.market.laws import Law
from abm.market.quotes import Quote
from abm.numerics.arrays import Array
from abm.participants.admission import TraderChoice
from abm.participants.agent import ParticipantError
from abm.testing.law_rules import (
    agrees_with_the_sides_taken,
    has_the_moments_of_its_likelihood,
    has_the_resolution_it_says,
)
from abm.testing.randomness import read_shared_randomness
from abm.testing.report import name_rules
from abm.testing.trader_bench import (
    FEW,
    MANY,
    SIDES,
    TraderBench,
    TraderMarket,
    find_differences,
    find_probability,
    list_sides,
    require_same,
)
from abm.testing.trail import BrokenRuleError

TraderRule = Callable[[TraderChoice], None]

HIDDEN = 7.0
TILT = "mean", "sd"
ROUNDING = 1e-9  # of probabilities
BENCHES = [TraderBench(0.5), TraderBench(3.0)]


def gives_arrays_of_numbers(trader: TraderChoice) -> None:
    """Valuations, and what the law says, are numbers for one replication and for ten."""
    for size in (1, FEW):
        market = TraderBench(replications=size).market(trader)
        try:
            for period in market.iterate_periods():
                ask_for_law(market.tried, None, period)
                market.ask_for_valuations()
                require_arrays(market)
                require_rows(market)
        except (ValueError, TypeError, ParticipantError) as error:
            raise BrokenRuleError(f"for {size} it does not: {error}") from error


def require_arrays(market: TraderMarket) -> None:
    """Raise unless likelihoods and tilts have the shapes that beliefs expect."""
    law, prior, size = market.tried.law, market.terms.prior, market.terms.replications
    grid = np.broadcast_to(market.levels, (size, len(market.levels)))
    for quote in market.test_quotes:
        for side in list_sides(quote):
            says = f"where a trader {SIDES[side]} at {quote!r} in period {market.period},"
            shown = law.likelihood(quote, np.full(size, side, np.int8))
            require_numbers(f"{says} P(shown | V)", shown.likelihood(grid), grid.shape)
            log_mass = shown.weigh(prior.mean, prior.sd)
            require_numbers(f"{says} log P", log_mass, (size,))
            for name, part in zip(TILT, shown.tilt(prior.mean, prior.sd), strict=True):
                require_numbers(f"{says} tilt's {name}", part, (size,))
            if shown.replications not in (1, size):
                raise BrokenRuleError(
                    f"{says} replications is {shown.replications}, but must be {size}, or 1 if "
                    f"the same was shown in all"
                )
            last = shown.at(np.array([size - 1])).likelihood(grid[-1:])
            if find_differences(last, shown.likelihood(grid)[-1:]).any():
                raise BrokenRuleError(
                    f"{says} at([{size - 1}]) must be what the last replication was shown, but "
                    f"is not: take each array at these replications"
                )


def require_rows(market: TraderMarket) -> None:
    """Raise unless a likelihood is by the row where traders do not all take the same side."""
    law, values, size = market.tried.law, market.levels, market.terms.replications
    grid = np.broadcast_to(values, (size, len(values)))
    for quote in market.test_quotes:
        sides = np.resize(list_sides(quote), size)
        of_sides = {side: find_probability(law, quote, side, values) for side in list_sides(quote)}
        apart = np.array([of_sides[int(side)][row] for row, side in enumerate(sides)])
        if find_differences(
            law.likelihood(quote, sides.astype(np.int8)).likelihood(grid), apart
        ).any():
            raise BrokenRuleError(
                f"where traders take the sides {sides} of {quote!r}, the likelihood must be each "
                f"one's, but is another: use np.where where you would write if"
            )


def require_numbers(says: str, numbers: Array, shape: tuple[int, ...]) -> None:
    """Raise unless an array has a shape, and holds no NaN."""
    if np.shape(numbers) != shape:
        raise BrokenRuleError(
            f"{says} has the shape {np.shape(numbers)}, but must have {shape}: return arrays over "
            f"the replications"
        )
    if np.isnan(numbers).any():
        raise BrokenRuleError(f"{says} is NaN, but must be a number: return one for every V")


def shows_probabilities(trader: TraderChoice) -> None:
    """At each value, the probabilities of a buy, of a sale and of no trade sum to 1."""
    for bench in BENCHES:
        market = bench.market(trader)
        for period in market.iterate_periods():
            for quote in market.test_quotes:
                require_probabilities(market.tried.law, quote, market.levels, period)


def require_probabilities(law: Law, quote: Quote, values: Array, period: int) -> None:
    """Raise unless the sides of a quote have probabilities that sum to 1."""
    sides = list_sides(quote)
    of_sides = np.array([find_probability(law, quote, side, values) for side in sides])
    wrong = (of_sides < -ROUNDING).any(axis=0) | (np.abs(of_sides.sum(axis=0) - 1) > ROUNDING)
    if wrong.any():
        row, number = np.argwhere(wrong)[0]
        raise BrokenRuleError(
            f"traders take the sides {sides} of {quote!r} at V = {values[number]:.4g} with the "
            f"probabilities {of_sides[:, row, number]} in period {period}, but these must be at "
            f"least 0 and sum to 1: let likelihood give that of each side"
        )


def same_seed_same_traders(trader: TraderChoice) -> None:
    """Two runs with one seed are the same."""
    says = "in a second run it differs: draw by `draws`, keep state in self, not in the class"
    for bench in BENCHES:
        require_same(says, bench.trail(trader), bench.trail(trader))


def leaves_shared_randomness_alone(trader: TraderChoice) -> None:
    """Valuations draw from `draws`, never from random states of the program or of the model."""
    for bench in BENCHES:
        market = bench.market(trader)
        before = read_shared_randomness(market)
        for period in market.iterate_periods():
            market.ask_for_valuations()
            for whose, state in read_shared_randomness(market).items():
                if state != before[whose]:
                    raise BrokenRuleError(
                        f"{whose} moved in period {period}: draw by `draws`, which valuation gets"
                    )


def draws_for_each_replication(trader: TraderChoice) -> None:
    """If it draws at random, each seed has draws of its own, and so has every replication."""
    one, other = (TraderBench(alike=True, seed=seed).trail(trader).valuations for seed in (1, 2))
    apart = any(find_differences(part, part[:, :1]).any() for part in (one, other))
    by_seed = find_differences(one, other).any()
    if apart and not by_seed:
        raise BrokenRuleError(
            "two seeds give the same valuations: draw by `draws`, no generator of its own"
        )
    if by_seed and not apart:
        raise BrokenRuleError(
            "it draws once for all replications: draw by `draws`, which draws for each"
        )


def replications_are_apart(trader: TraderChoice) -> None:
    """Replication i is the same in a run of 10 as in a run of 1,000."""
    says = f"in a run of {FEW} and in one of {MANY} it differs: use no other replication's numbers"
    for bench in BENCHES:
        many = TraderBench(bench.prior_sd, MANY).trail(trader)
        require_same(says, bench.trail(trader), many.first(FEW))


def cannot_see_what_is_hidden(trader: TraderChoice) -> None:
    """Law and valuations depend on what is public, the value that is given, and draws alone."""
    says = (
        "with another value, and other beliefs of makers, behind the same tape it differs: go by "
        "self.terms, what observe shows, and the value that valuation is given"
    )
    for bench in BENCHES:
        hidden = TraderBench(bench.prior_sd, hidden=HIDDEN)
        require_same(says, bench.trail(trader), hidden.trail(trader))


TRADER_RULES: dict[str, TraderRule] = name_rules(
    gives_arrays_of_numbers, shows_probabilities, same_seed_same_traders,
    leaves_shared_randomness_alone, draws_for_each_replication, replications_are_apart,
    cannot_see_what_is_hidden, agrees_with_the_sides_taken, has_the_resolution_it_says,
    has_the_moments_of_its_likelihood,
)  # fmt: skip

FIRST = "gives-arrays-of-numbers"
TRADER_BASES = {name: [FIRST] if name != FIRST else [] for name in TRADER_RULES} | {
    "has-the-moments-of-its-likelihood": [FIRST, "has-the-resolution-it-says"],
    "replications-are-apart": [FIRST, "same-seed-same-traders"],
    "cannot-see-what-is-hidden": [FIRST, "same-seed-same-traders"],
}
"""What each rule rests on: a type that breaks one of these cannot be tried by it."""
