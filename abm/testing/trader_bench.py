"""The bench of traders: what a type values and announces while the tape follows a script.

In each period the type under trial is asked what the asset is worth to it at given values, and for
its law. Who then trades is a script's, so that two runs differ in one thing, and by what is hidden
in nothing that anybody is shown.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple, Self

import numpy as np

from abm.exchange.guards import ask_for_valuation
from abm.exchange.model import Exchange
from abm.market.laws import Law
from abm.market.quotes import Quote
from abm.market.random_streams import Role
from abm.numerics.arrays import Array, Flags
from abm.participants.admission import TraderChoice
from abm.participants.trader import Trader
from abm.testing.trader_script import Posted, ScriptedArrivals
from abm.testing.trail import BrokenRuleError
from abm.traders.noisy import NoisyTrader

FEW, MANY = 10, 1_000  # replications
PERIODS = 6
SEED = 2008
VALUES = (-2.0, -0.5, 0.5, 2.0)  # at which a trader is asked, in prior sds
SIDES = {1: "buys", 0: "does not trade", -1: "sells"}
MEAN, NOISE_SD = 1.0, 1.0
TOLERANCE = 1e-9  # of numbers that are the same but for rounding


@dataclass(frozen=True)
class TraderBench:
    """A market for a type of trader to be tried in.

    Parameters
    ----------
    prior_sd : float
        In noise sds.
    replications : int
        Of the script, which begins again after 1,000.
    seed : int
        Of the traders' draws; the script is always the same.
    hidden : float
        What the value, what makers believe, and the valuations behind trades are moved by.
    alike : bool
        Whether the same is traded in all replications.
    """

    prior_sd: float = 1.0
    replications: int = FEW
    seed: int = 1
    hidden: float = 0.0
    alike: bool = False

    def market(self, trader: TraderChoice) -> "TraderMarket":
        """Return a market to which the type comes, beside the paper's unless it comes alone.

        ValueError and other errors are those of an `Exchange`.
        """
        try:
            return TraderMarket(self, [trader])
        except ValueError as alone:  # as of a share of less than all
            try:
                return TraderMarket(self, [NoisyTrader, trader])
            except ValueError:
                raise alone from None

    def trail(self, trader: TraderChoice) -> "TraderTrail":
        """Return what the type values and announces in every period."""
        market = self.market(trader)
        rows = [(market.ask_for_valuations(), show_law(market)) for _ in market.iterate_periods()]
        valuations, laws = zip(*rows, strict=True)
        return TraderTrail(np.array(valuations), np.array(laws))


class TraderMarket(Exchange):
    """A market on the bench; `tried` is the type under trial."""

    def __init__(self, bench: TraderBench, traders: list[TraderChoice]) -> None:
        self._hidden = bench.hidden
        rng = np.random.default_rng(SEED)
        centres = MEAN + bench.prior_sd * rng.normal(size=PERIODS)
        sides = rng.integers(-1, 2, size=(PERIODS, MANY)).astype(float)
        columns = np.arange(bench.replications) % (1 if bench.alike else MANY)
        super().__init__(
            partial(Posted, centres=centres, hidden=bench.hidden), traders,
            prior_mean=MEAN, prior_sd=bench.prior_sd * NOISE_SD, noise_sd=NOISE_SD,
            replications=bench.replications, record="summary", rng=bench.seed,
        )  # fmt: skip
        scripted = ScriptedArrivals(self.traders, self.terms.prior, self.transparency)
        self.arrivals = scripted.follow(sides[:, columns], centres, bench.hidden)
        self.tried: Trader = self.traders[-1]

    def draw_shock(self) -> Array:
        """Return the value after the shock, moved by what is hidden."""
        return super().draw_shock() + self._hidden

    def iterate_periods(self) -> Iterator[int]:
        """Run the script, and yield each period once makers have quoted."""
        for period in range(PERIODS):
            self.open()
            yield period
            self.clear()

    def ask_for_valuations(self) -> Array:
        """Return what the asset is worth to traders at each of the values, shape (R, J)."""
        return np.stack([self.value_at(level) for level in self.levels], axis=-1)

    def value_at(self, level: float) -> Array:
        """Return valuations of traders if the value is at this level, shape (R,)."""
        value = np.full(self.terms.replications, level)
        return ask_for_valuation(self.tried, value, self.draws[Role.TRADER], self.period)

    @property
    def levels(self) -> Array:
        """The values at which traders are asked, shape (J,)."""
        return MEAN + self.terms.prior.sd[0] * np.array(VALUES)

    @property
    def test_quotes(self) -> list[Quote]:
        """Quotes of shape (R,) that the law is asked about: three two-sided, and one of a side."""
        size, sd = self.terms.replications, self.terms.prior.sd[0]
        depths = [(-0.5, 0.5), (-2.0, 1.0), (0.5, 3.0), (-np.inf, 1.0)]
        return [Quote(*(np.full(size, MEAN + sd * depth) for depth in pair)) for pair in depths]


class TraderTrail(NamedTuple):
    """What a type valued, shape (periods, R, J), and what its law showed, (periods, R, K)."""

    valuations: Array
    laws: Array

    def first(self, replications: int) -> Self:
        """Return the trail of the first replications."""
        return type(self)(*(part[:, :replications] for part in self))


def list_sides(quote: Quote) -> list[int]:
    """Return the sides that a trader can take of a quote: none that is declined."""
    buys, sells = np.isfinite(quote.ask).all(), np.isfinite(quote.bid).all()
    return [side for side, offered in zip(SIDES, (buys, True, sells), strict=True) if offered]


def show_law(market: TraderMarket) -> Array:
    """Return the probabilities that a law gives to sides at the values and quotes, shape (R, K)."""
    law, values = market.tried.law, market.levels
    shown = [
        find_probability(law, quote, side, values)
        for quote in market.test_quotes
        for side in list_sides(quote)
    ]
    return np.concatenate(shown, axis=-1)


def find_probability(law: Law, quote: Quote, side: int, values: Array) -> Array:
    """Return P(side | V) by a law at values of shape (G,), for each replication: shape (R, G)."""
    size = quote.bid.size
    shown = law.likelihood(quote, np.full(size, side, np.int8))
    return shown.likelihood(np.broadcast_to(values, (size, len(values))))


def find_differences(first: Array, second: Array) -> Flags:
    """Return where two arrays are not the same, but for rounding."""
    return ~np.isclose(first, second, rtol=TOLERANCE, atol=TOLERANCE, equal_nan=True)


def require_same(says: str, first: TraderTrail, second: TraderTrail) -> None:
    """Raise with the first valuation, or probability, in which two trails differ, if any."""
    nouns = ("a valuation", "the law's P(side | V)")
    for noun, one, other in zip(nouns, first, second, strict=True):
        wrong = find_differences(one, other)
        if wrong.any():
            where = tuple(np.argwhere(wrong)[0])
            raise BrokenRuleError(
                f"{says}: first in period {where[0]}, replication {where[1]}, where {noun} is "
                f"{one[where]:.6g} and {other[where]:.6g}"
            )
