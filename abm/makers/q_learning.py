"""The Q-learning maker: a bandit that finds out which spread pays."""

from collections.abc import Sequence
from math import exp

import numpy as np

from abm.beliefs.base import Belief
from abm.market.quotes import Quote
from abm.numerics.checks import not_negative_factor, require_in_range, require_positive_factors
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
    belief : Belief, "gaussian", "exact" or None
        What she believes at first (see `MarketMaker`); she quotes around its mean.
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
        self.earnings = np.zeros((self.terms.replications, len(self.depths)))
        self.chosen = np.zeros(self.terms.replications, np.intp)

    def quote(self) -> Quote:
        """Return a quote at the depth that has earned most, or at any one to try it."""
        tries = self.draws.uniform() < exp(-self.decay * self.period)
        any_one = np.floor(self.draws.uniform() * len(self.depths)).astype(np.intp)
        self.chosen = np.where(tries, any_one, self.earnings.argmax(axis=-1))
        return standardised_quote(self.require_belief(), self.depths[self.chosen], self.noise_sd)

    def observe(self, view: MarketView) -> None:
        """Learn from the period, also what the depth that she chose has earned in it."""
        super().observe(view)
        price = np.where(view.quantity > 0, view.own.ask, view.own.bid)
        earned = view.quantity * (price - self.require_belief().mean)
        arm = self.replication, self.chosen
        self.earnings[arm] += self.learning_rate * (earned - self.earnings[arm])
