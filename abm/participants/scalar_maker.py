"""Makers written for one market in plain numbers: slower than in arrays, right for any number."""

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from abm.market.quotes import Quote
from abm.participants.maker import MarketMaker


@dataclass(frozen=True, slots=True)
class OneMarket:
    """What a maker knows in one market when she quotes; prices, sds and cash in units of price.

    Mean and sd of her belief are NaN if she has none. `uniform` on [0, 1) and `normal`, N(0, 1),
    are her own draws; `random.Random(now.uniform)` gives more. What begins with `last_` is as
    `MarketMaker.last` shows it: her own, the inside and the best rival prices, the trader's side,
    and the quantity she sold, -1 if she bought. Before the first period prices are NaN, others 0.

    Examples
    --------
    >>> from abm import Exchange
    >>> class Curious(ScalarMaker):
    ...     def quote_one(self, now, memory):
    ...         print(now.period, round(now.belief_sd, 2), now.last_quantity)
    ...         return now.belief_mean - 1, now.belief_mean + 1
    >>> market = Exchange(Curious, prior_sd=3.0, rng=1).run(2)
    0 3.0 0.0
    1 1.83 1.0
    """

    period: int
    belief_mean: float
    belief_sd: float
    noise_sd: float
    prior_mean: float
    prior_sd: float
    inventory: float
    cash: float
    uniform: float
    normal: float
    last_bid: float
    last_ask: float
    last_inside_bid: float
    last_inside_ask: float
    last_rival_bid: float
    last_rival_ask: float
    last_side: int
    last_quantity: float


class ScalarMaker(MarketMaker):
    """A maker who quotes in one market at a time, from its numbers and her memory of it.

    Examples
    --------
    >>> from abm import Exchange
    >>> class Timid(ScalarMaker):
    ...     def quote_one(self, now, memory):
    ...         bid = now.belief_mean - 2 if now.inventory < 1 else -np.inf
    ...         return bid, now.belief_mean + 2
    >>> print(Exchange(Timid, replications=100, rng=1).run(20).tape.makers["inventory"].max())
    1.0
    """

    @cached_property
    def memories(self) -> list[dict[str, Any]]:
        """What she remembers of each market."""
        return [{} for _ in range(self.terms.replications)]

    @abstractmethod
    def quote_one(self, now: OneMarket, memory: dict[str, Any]) -> tuple[float, float]:
        """Return bid and ask in one market; `memory`, empty at first, keeps what she puts there."""

    def quote(self) -> Quote:
        """Return the quotes in all markets, of shape (R,)."""
        columns = [column.tolist() for column in np.broadcast_arrays(*self._columns())]
        quotes = list(map(self.quote_one, map(OneMarket, *columns), self.memories))
        for number, quote in enumerate(quotes):
            match quote:
                case (Real(), Real()) if isinstance(quote, tuple | list):  # not an array of two
                    continue
            raise TypeError(
                f"quote_one returned {quote!r} in replication {number} of its block, but must "
                f"return two numbers: return bid, ask"
            )
        return Quote(*np.transpose(quotes))

    def _columns(self) -> Iterator[ArrayLike]:
        """Yield the fields of `OneMarket` in their order, each of shape (R,) or a scalar."""
        prior, last, unseen = self.terms.prior, self.last, Quote(np.nan, np.nan)
        yield from (self.period, *self.moments, self.noise_sd, prior.mean, prior.sd)
        yield from (self.inventory, self.cash, self.draws.uniform(), self.draws.normal())
        for quote in (last.own, last.inside, last.rivals) if last else (unseen,) * 3:
            yield from (quote.bid, quote.ask)
        yield from (last.side, last.quantity) if last else (0, 0.0)
