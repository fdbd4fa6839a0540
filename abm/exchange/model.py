"""The exchange: a Mesa model of one dealer market, in R replications at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self, SupportsIndex

import mesa
import numpy as np
from numpy.typing import ArrayLike

from abm.exchange.admission import MakerChoice, admit_makers, find_common_belief
from abm.exchange.arguments import MesaScenario, read_arguments
from abm.exchange.arrivals import Arrivals
from abm.exchange.clearing import Clearing, Dealing
from abm.exchange.collector import Headlines
from abm.exchange.display import describe_market, make_market_html
from abm.exchange.guards import ask_for_quote, book, let_maker
from abm.exchange.matching import allocate
from abm.exchange.tape import Tape
from abm.market.moves import STILL, require_moved
from abm.market.quotes import Quote, find_sides, inside_quote
from abm.market.random_streams import Role, Streams, require_seed
from abm.market.values import Fixed, ValueProcess, find_process
from abm.numerics.arrays import Array, Sides
from abm.numerics.checks import require_one_of, require_whole
from abm.numerics.kernels import find_prices, find_span
from abm.participants.admission import TraderChoice, admit_traders
from abm.participants.terms import Terms, draw_prior_sd
from abm.participants.transparency import TRANSPARENCIES
from abm.traders.noisy import NoisyTrader

MOST_REPLICATIONS = 2**31 - 1  # replications are numbered in int32


class Exchange(mesa.Model):
    """A dealer market after a shock (Das and Magdon-Ismail 2008, section 2.1).

    Parameters
    ----------
    makers : one or a sequence of MarketMaker classes, partials of one, or registered names
        Those who quote. Two of a kind are labelled "optimal" and "optimal-2".
    traders : one or a sequence of Trader classes, partials of one, or registered names
        The types of traders that arrive, one trader a period: the first has the share of all that
        the others, which must have one each, leave.
    prior_mean : float
        Of the value after the shock, in units of price; public. `Terms.of` gives its range.
    prior_sd : float, array of shape (R,), or tuple (low, high)
        Its standard deviation, in units of price; public. One for all replications, one for each,
        or a range: then each replication has its own, drawn by the seed, uniform in its logarithm.
    noise_sd : float
        Standard deviation of a trader's valuation about the value, in units of price; public.
    value : "fixed", "redrawn" or ValueProcess
        Whether the value stays, is drawn anew every period from makers' common Gaussian belief, or
        moves as `Jumps` and other processes of `abm.market.values` have it.
    transparency : {"public", "own"}
        Whether makers see every trade, or only what happens at prices of their own.
    record : {"full", "summary", "none"}
        Whether the tape keeps every replication; count, mean and variance over them; or nothing,
        which has no limit of 32,767 periods.
    replications : int
        R, how many markets run in lockstep.
    block : int
        Which block of replications this is: the first is numbered block * replications.
    rng : int
        Seed. Exchanges with one seed face the same values and the same traders.
    scenario : mesa.experimental.scenarios.Scenario, optional
        Arguments by name, in place of all these, as Mesa's own sweeps pass them.

    Attributes
    ----------
    terms, period, law, moved : Terms, int, Law, Move
        What is public: the terms, the number of this period, the law by which its trader values,
        and what is known of the value's move.
    quotes, inside, clearing, tape : list of Quote, Quote, Clearing, Tape
        What makers quote, and the best of it; what happened in the last period, and in all.
    datacollector : mesa.DataCollector
        By period how many traders have arrived, means of spread, pricing error, no_trade, profit;
        read off the tape when it is asked.

    Raises
    ------
    ValueError, TypeError, RuntimeError
        If an argument, or the order of `move`, `ask` and `clear`, is wrong; the message says why.

    Examples
    --------
    >>> market = Exchange("optimal", prior_sd=3.0, replications=100, rng=1).run(11)
    >>> print(market.inside.spread.mean().round(2))
    1.81
    """

    inside: Quote
    clearing: Clearing

    @read_arguments
    def __init__(
        self,
        makers: MakerChoice | Sequence[MakerChoice] = (),
        traders: TraderChoice | Sequence[TraderChoice] = (NoisyTrader,),
        *,
        prior_mean: float = 0.0,
        prior_sd: ArrayLike = 1.0,
        noise_sd: float = 1.0,
        value: str | ValueProcess = "fixed",
        transparency: str = "public",
        record: str = "full",
        replications: SupportsIndex = 1,
        block: SupportsIndex = 0,
        rng: SupportsIndex = 0,
        scenario: MesaScenario | None = None,
    ) -> None:
        seed = require_seed(rng)
        size = require_whole("replications", replications, 1, MOST_REPLICATIONS)
        block = require_whole("block", block, 0, MOST_REPLICATIONS // size - 1)
        super().__init__(rng=np.random.SeedSequence(seed, spawn_key=(block,)))
        if scenario is not None:
            self.scenario = scenario
        self.replication = np.arange(size) + block * size
        self.process, self.moved = find_process(value), STILL
        self.transparency = require_one_of("transparency", transparency, TRANSPARENCIES)
        self.period, self._due = 0, "move"
        self.quotes: list[Quote] = []
        self.streams = self.open_streams(seed, block, size)
        self.draws = {role: self.streams.draws(role) for role in Role}
        prior_sd = draw_prior_sd(prior_sd, self.draws[Role.PRIOR])
        self.terms = Terms.of(prior_mean, prior_sd, noise_sd, size)
        self.traders = admit_traders(traders, self)
        self.arrivals = Arrivals(self.traders, self.terms.prior, self.transparency)
        self.law = self.arrivals.announce(None, STILL, self.period)
        self.makers = admit_makers(makers, self, self.streams)
        self.value = self.draw_shock()
        self.value.setflags(write=False)  # so that the tape need not copy it while it stays
        if self.process.needs_common_belief:
            find_common_belief(self.makers)
        makers, traders = ([one.label for one in them] for them in (self.makers, self.traders))
        self.tape = Tape(makers, traders, self.replication, record)
        self.datacollector = Headlines(self)

    __repr__ = describe_market
    _repr_html_ = make_market_html

    def open_streams(self, seed: int, block: int, replications: int) -> Streams:
        """Return the random streams of this block."""
        return Streams(seed, block, replications)

    def draw_shock(self) -> Array:
        """Return the value after the shock, shape (R,)."""
        prior = self.terms.prior
        return prior.mean + prior.sd * self.draws[Role.VALUE].normal()

    def run(self, periods: SupportsIndex) -> Self:
        """Let so many traders arrive in every replication; return the exchange itself."""
        for _ in range(self.tape.require_room(periods)):
            self.step()
        return self

    def step(self) -> None:
        """Run one period."""
        self.open()
        self.clear()

    def open(self) -> None:
        """Open the market for a period."""
        self.move()
        self.ask()

    def move(self) -> None:
        """Let the value move, carry beliefs over to the period, and announce the trader's law."""
        self._require_due("move")
        if self.tape.periods >= self.tape.most_periods:
            self.tape.require_room(1)
        self.streams.period = self.period
        draws = self.draws[Role.VALUE]
        value = self.value if type(self.process) is Fixed else self.value.copy()  # its to change
        self.value, moved = self.process.move(value, self.period, draws)
        self.moved = require_moved(moved, self.process, self.value.size)
        for maker in self.makers:
            let_maker(maker, "she carried her belief over", self.period, maker.predict)
        self.value = self.process.settle(self.value, self._find_common_moments, draws)
        self.law = self.arrivals.announce(self.law, self.moved, self.period)
        self._due = "ask"

    def ask(self) -> None:
        """Ask every maker for a quote."""
        self._require_due("ask")
        self.quotes = [ask_for_quote(maker, self.period) for maker in self.makers]
        self.inside = inside_quote(self.quotes)
        self._thresholds = self.inside if len(self.quotes) == 1 else self.inside.uncross()
        self._due = "clear"

    def clear(self) -> None:
        """Let a trader deal at the inside quote, settle, and let everyone learn from it."""
        self._require_due("clear")
        trader, valuation = self.arrivals.come(
            self.value, self.draws[Role.TRADER], self.draws[Role.TYPE], self.period
        )
        side = find_sides(valuation, self.inside, self._thresholds)
        price = find_prices(side, self.inside.bid, self.inside.ask)
        sales = allocate(self.quotes, self.inside, side, self.draws[Role.TIE_BREAK].uniform)
        for public in (side, price, sales):
            public.setflags(write=False)
        dealings = self._settle(sales, price)
        self._reveal(side, sales)
        low, high = find_span(valuation)
        if np.inf in (-low, high):
            valuation = np.where(np.isinf(valuation), np.nan, valuation)
        self.clearing = Clearing(self.value, valuation, self.inside, side, price, trader, dealings)
        self.tape.add(self.clearing)
        self.quotes, self._due = [], "move"
        self.period += 1

    def _require_due(self, step: str) -> None:
        if step != self._due:
            raise RuntimeError(
                f"{step}() is not what comes next in period {self.period}, {self._due}() is: call "
                f"move(), ask(), clear() in this order, or step() for all"
            )

    def _find_common_moments(self) -> tuple[Array, Array]:
        belief = find_common_belief(self.makers)
        return belief.mean, belief.sd

    def _settle(self, sales: Array, price: Array) -> tuple[Dealing, ...]:
        """Book what each maker sold, and return her part in the period."""
        gain = price - self.value
        dealings = []
        for maker, quote, quantity in zip(self.makers, self.quotes, sales, strict=True):
            book(maker, quantity, price, self.period)
            profit = quantity * gain + 0.0  # which turns -0 into 0
            filled = quantity != 0
            held = filled, maker.inventory, profit
            dealings.append(Dealing(quote, *maker.moments, *held, self.value))
        return tuple(dealings)

    def _reveal(self, side: Sides, sales: Array) -> None:
        """Let every maker, and the trader type, observe what they may see of the period."""
        quotes = {maker.label: quote for maker, quote in zip(self.makers, self.quotes, strict=True)}
        show, prices = TRANSPARENCIES[self.transparency], (self.inside, self._thresholds)
        views = list(show(self.law, quotes, *prices, side, sales))
        for maker, view in zip(self.makers, views, strict=True):
            let_maker(maker, "she learnt", self.period, maker.observe, view)
        self.arrivals.learn(views[0], quotes, self.period)
