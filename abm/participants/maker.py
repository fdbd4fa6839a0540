"""What every market-maker is: a Mesa agent with a belief, an inventory and cash, that quotes.

A maker of your own is one small class:

    class Cautious(MarketMaker):
        name = "cautious"

        def quote(self) -> Quote:
            return Quote.around(self.belief.mean, 2 * self.belief.sd)

Everything is an array over the replications: use NumPy where you would write `if`. A maker sees
her belief, her own inventory and cash, the public `terms`, and in `last` what she was shown of the
last period. The true value is not hers to know; her profit, which would reveal it, is kept by the
exchange.
"""

from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np

from abm.beliefs.base import Belief
from abm.beliefs.grid import GridBelief
from abm.beliefs.none import NoBelief
from abm.market.quotes import Quote
from abm.market.random_streams import Draws
from abm.numerics.arrays import Array
from abm.numerics.checks import one_of
from abm.participants.agent import Participant
from abm.participants.terms import Market
from abm.participants.transparency import View


class MakerError(RuntimeError):
    """A maker raised an error; it is the cause of this one."""


class MarketMaker(Participant, ABC):
    """A dealer who posts a bid and an ask for one unit every period.

    Parameters
    ----------
    model : Exchange
        The market she quotes in.
    belief : Belief, "gaussian", "exact" or None
        What she believes at first: the public prior, kept normal by matching moments ("gaussian")
        or revised exactly by Bayes' rule ("exact"); a belief of her own; or None for none (its
        mean and sd are NaN).

    Attributes
    ----------
    name : str
        What she is called in logs and on the command line; the class's own name unless given.
    zero_profit, symmetric : bool
        What her class declares, and `abm.testing` verifies: that where her belief is true she earns
        nothing in expectation, and that she quotes evenly around its mean.
    label : str
        Her name in this market; the second "optimal" is "optimal-2".
    terms : Terms
        The public terms of the market.
    belief : Belief
        What she believes now.
    last : View or None
        What she was shown of the last period; None before the first.
    inventory : ndarray, shape (R,)
        Units held.
    cash : ndarray, shape (R,)
        What sales brought less what purchases cost, in units of price.
    draws : Draws
        Her own random draws, for makers that mix.
    """

    zero_profit: ClassVar[bool] = False
    symmetric: ClassVar[bool] = False
    label: str
    draws: Draws

    def __init__(self, model: Market, *, belief: Belief | str | None = "gaussian") -> None:
        super().__init__(model)
        self.terms = model.terms
        self.inventory = np.zeros(self.terms.replications)
        self.cash = np.zeros(self.terms.replications)
        self.belief = self._first_belief(belief)
        self.last: View | None = None

    @abstractmethod
    def quote(self) -> Quote:
        """Return the bid and ask for this period, of shape (R,) or broadcasting to it."""

    def settle(self, units: Array, price: Array) -> None:
        """Book a trade: `units` sold to the trader (-1: bought from her; 0: none) at `price`."""
        self.inventory = self.inventory - units
        self.cash = self.cash + units * price

    def observe(self, view: View) -> None:
        """Learn from what she is shown of the period, once it is over."""
        self.last = view
        self.belief = self.belief.revise(view.likelihood)

    @property
    def noise_sd(self) -> float:
        """Standard deviation of a trader's valuation about the value, in units of price."""
        return self.terms.law.noise_sd

    @property
    def rho(self) -> Array:
        """Her information disadvantage, belief sd / noise sd, shape (R,)."""
        return self.conviction.sd / self.noise_sd

    @property
    def conviction(self) -> Belief:
        """Her belief, for those who cannot quote without."""
        if isinstance(self.belief, NoBelief):
            raise ValueError(
                f"maker {self.name!r} has no belief, but quotes by one: "
                f'give belief="gaussian", or a belief'
            )
        return self.belief

    def _first_belief(self, belief: Belief | str | None) -> Belief:
        if belief is None:
            return NoBelief(self.terms.replications)
        if isinstance(belief, str):
            one_of("belief", belief, ["exact", "gaussian"])
            prior = self.terms.prior
            return GridBelief(prior.mean, prior.sd) if belief == "exact" else prior
        if not hasattr(belief, "replicate"):
            raise TypeError(
                f"belief is {belief!r}, but must be a belief: "
                f'give "gaussian", "exact", None, or as GaussianBelief(mean, sd)'
            )
        try:
            return belief.replicate(self.terms.replications)
        except ValueError:
            raise ValueError(
                f"belief has means of shape {belief.mean.shape}, but the number of replications "
                f"is {self.terms.replications}: give a scalar, or one for each"
            ) from None
