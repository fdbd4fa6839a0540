"""The Q-learning maker: a bandit that finds out which spread pays."""

from collections.abc import Sequence
from math import exp

import numpy as np
from numpy.typing import ArrayLike

from abm.beliefs.base import Belief
from abm.market.quotes import Quote
from abm.numerics.arrays import Array
from abm.numerics.checks import (
    not_negative_factor,
    require_finite,
    require_in_range,
    require_positive_factors,
)
from abm.one_period.depths import standardised_quote
from abm.participants.maker import MarketMaker
from abm.participants.terms import PublicModel
from abm.participants.transparency import MarketView

DEPTHS = tuple(round(0.1 * step, 1) for step in range(1, 21))


class QLearning(MarketMaker):
    """Learns by trial what each depth earns, each replication for itself.

    Of traders, rivals and adverse selection she knows nothing. In each period she tries a depth at
    random with probability exp(-decay * period), or else takes the one that has earned most; what
    a depth is thought to earn then moves towards what it did by a fraction `learning_rate`:
    Q-learning without a state, as in Colliard, Foucault and Lovo (2022, Algorithmic pricing and
    liquidity in securities markets), after Calvano, Calzolari, Denicolo and Pastorello (2020,
    American Economic Review 110, 3267-3297).

    Theirs see the value after every trade, which nobody here ever does. Her trades are marked to
    the mean of her belief once she has learnt from them: what she expects to have earned.

    Parameters
    ----------
    learning_rate : float
        Above 0, at most 1.
    decay : float
        Of the probability to experiment, per period, from 0 to 1e9.
    depths : sequence of float
        Half-spreads to choose from, in units of the sd of a trader's valuation, above zero
        and at most 1e9.
    table : array_like, shape (depths,) or (R, depths), optional
        What she thinks at first that each depth earns in a period, in units of price: 0 unless
        given, or what another has learnt.
    belief : Belief, "gaussian", "exact" or None
        What she believes at first (see `MarketMaker`); she quotes around its mean.

    Attributes
    ----------
    table : ndarray, shape (R, depths)
        What she thinks by now that each depth earns.

    Examples
    --------
    >>> from functools import partial
    >>> from abm import Exchange
    >>> learner = Exchange("q-learning", value="redrawn", rng=1).run(2_000).makers[0]
    >>> again = partial(QLearning, table=learner.table, decay=1e9)  # she tries nothing any more
    >>> Exchange(again, rng=2).run(2).makers[0].chosen
    array([3])
    """

    name = "q-learning"
    symmetric = True

    def __init__(
        self,
        model: PublicModel,
        *,
        learning_rate: float = 0.1,
        decay: float = 1e-3,
        depths: Sequence[float] = DEPTHS,
        table: ArrayLike | None = None,
        belief: Belief | str | None = "gaussian",
    ) -> None:
        super().__init__(model, belief=belief)
        self.learning_rate = require_in_range("learning_rate", learning_rate, 0.0, 1.0)
        self.decay = not_negative_factor("decay", decay)
        self.depths = require_positive_factors("depths", depths)
        if self.depths.ndim != 1 or not self.depths.size:
            raise ValueError(
                f"depths has shape {self.depths.shape}, but must be a row of one or more: "
                f"give as (0.5, 1.0)"
            )
        self.replication = np.arange(self.terms.replications)
        self.table = self._read_table(0.0 if table is None else table)
        self.chosen = np.zeros(self.terms.replications, np.intp)

    def _read_table(self, table: ArrayLike) -> Array:
        """Return a table for each replication, or raise if it is none."""
        given, shape = require_finite("table", table), (self.terms.replications, len(self.depths))
        if given.shape not in ((), shape[1:], shape):
            raise ValueError(
                f"table has shape {given.shape}, but must have {shape[1:]}, a number for each "
                f"depth, or {shape}, in each replication its own: give the table of a learner with "
                f"the same depths"
            )
        return np.broadcast_to(given, shape).copy()

    def quote(self) -> Quote:
        """Return a quote at the depth that has earned most, or at any one to try it."""
        tries = self.draws.uniform() < exp(-self.decay * self.period)
        any_one = np.floor(self.draws.uniform() * len(self.depths)).astype(np.intp)
        self.chosen = np.where(tries, any_one, self.table.argmax(axis=-1))
        return standardised_quote(self.require_belief(), self.depths[self.chosen], self.noise_sd)

    def observe(self, view: MarketView) -> None:
        """Learn from the period, also what the depth that she chose has earned in it."""
        super().observe(view)
        price = np.where(view.quantity > 0, view.own.ask, view.own.bid)
        earned = view.quantity * (price - self.require_belief().mean)
        arm = self.replication, self.chosen
        self.table[arm] += self.learning_rate * (earned - self.table[arm])
