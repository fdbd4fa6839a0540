"""What every market-maker is: a Mesa agent with a belief, an inventory and cash, that quotes.

A maker of your own is one small class, as in the example of `MarketMaker`. Everything is an array
over the replications: use NumPy where you would write `if`. A maker sees her belief, her own
inventory and cash, the public `terms`, this `period` and the `law` by which its trader values, and
in `last` what she was shown of the period before. The true value is not hers to know; her profit,
which would reveal it, is kept by the exchange.
"""

from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np

from abm.beliefs.base import Belief
from abm.beliefs.grid import GridBelief
from abm.market.laws import Law
from abm.market.moves import STILL
from abm.market.quotes import Quote
from abm.market.random_streams import Draws
from abm.numerics.arrays import Array
from abm.numerics.checks import require_one_of
from abm.numerics.describe import describe, show_mean, show_value
from abm.participants.agent import Participant, ParticipantError
from abm.participants.terms import PublicModel
from abm.participants.transparency import MarketView

HELD = ("inventory", "cash")
BELIEFS = ("exact", "gaussian")  # that a word names
NO_BELIEF = (
    'has no belief, but quotes by one: give belief="gaussian" or "exact", or a belief of her own'
)


class MakerError(ParticipantError):
    """A maker raised an error; it is the cause of this one."""


class MarketMaker(Participant, ABC):
    """A dealer who posts a bid and an ask for one share every period.

    Parameters
    ----------
    model : Exchange
        The market she quotes in.
    belief : Belief, "gaussian", "exact" or None
        What she believes at first: the public prior, kept normal by matching moments ("gaussian")
        or updated exactly by Bayes' rule ("exact"); a belief of her own; or None for none.
    law : Law, optional
        How she takes traders to value, whoever comes: a maker who is wrong on purpose. The market's
        unless given.

    Attributes
    ----------
    zero_profit, symmetric : bool
        What her class declares, and `abm.testing` verifies: that where her belief is true she earns
        nothing in expectation, and that she quotes evenly around its mean.
    belief : Belief or None
        What she believes now; None if she has no belief.
    last : MarketView or None
        What she was shown of the last period; None before the first.
    inventory : ndarray, shape (R,)
        Quantity of the asset held.
    cash : ndarray, shape (R,)
        What sales brought less what purchases cost, in units of price.
    draws : Draws
        Her own random draws, for makers that mix.

    Examples
    --------
    >>> from abm import Exchange
    >>> class Cautious(MarketMaker):
    ...     def quote(self):
    ...         return Quote.around(self.belief.mean, 2 * self.belief.sd)
    >>> Exchange(Cautious, prior_sd=3.0).run(1).inside
    Quote(bid -6, ask 6)
    """

    role = "maker"
    failure = MakerError
    attributes = ("terms", "inventory", "cash", "belief")
    zero_profit: ClassVar[bool] = False
    symmetric: ClassVar[bool] = False
    draws: Draws
    checked: tuple[object, object, object] = (None, ..., ...)  # what was found in order last

    def __init__(
        self,
        model: PublicModel,
        *,
        belief: Belief | str | None = "gaussian",
        law: Law | None = None,
    ) -> None:
        super().__init__(model)
        self._own_law = None if law is None else self._require_law(law)
        self.inventory = np.zeros(self.terms.replications)
        self.cash = np.zeros(self.terms.replications)
        self.belief: Belief | None = None if belief is None else self._choose_belief(belief)
        self.last: MarketView | None = None

    def __repr__(self) -> str:
        known = vars(self)  # not all of it yet while she is made
        held = (f"{name} {show_mean(known[name])}" for name in HELD if name in known)
        belief = known.get("belief")
        if belief is not None:
            return describe(self, known.get("label", self.name), *held, f"belief {belief!r}")
        size = np.size(known.get("inventory", 0))
        return describe(self, known.get("label", self.name), *held, "no belief", over=size)

    @abstractmethod
    def quote(self) -> Quote:
        """Return the bid and ask for this period, of shape (R,) or broadcasting to it."""

    def settle(self, quantity: Array, price: Array) -> None:
        """Book a trade: `quantity` sold to the trader (-1: bought; 0: no trade) at `price`."""
        self.inventory = self.inventory - quantity
        self.cash = self.cash + quantity * price

    def observe(self, view: MarketView) -> None:
        """Learn from what she is shown of the period, once it is over."""
        self.last = view
        if self.belief is not None:
            own = self._own_law is not None
            shown = self.law.likelihood(view.prices, view.side) if own else view.likelihood
            self.belief = self.belief.revise(shown)

    def predict(self) -> None:
        """Carry the belief over to this period, by what is known of the value's move."""
        if self.belief is not None and self.model.moved is not STILL:
            self.belief = self.belief.predict(self.model.moved)

    @property
    def law(self) -> Law:
        """The law by which this period's trader values the asset, or she takes her to."""
        if self._own_law is None:
            return self.model.law
        return self._own_law.announce(*self.moments)

    @property
    def noise_sd(self) -> float:
        """Standard deviation of this period's valuation about the value, in units of price."""
        return self.law.noise_sd

    @property
    def rho(self) -> Array:
        """Her information disadvantage, belief sd / noise sd, shape (R,)."""
        return self.require_belief().sd / self.noise_sd

    @property
    def moments(self) -> tuple[Array, Array]:
        """Mean and sd of her belief, shape (R,), in units of price; NaN without one."""
        if self.belief is None:
            unknown = np.full(self.terms.replications, np.nan)
            return unknown, unknown
        return self.belief.mean, self.belief.sd

    def require_belief(self) -> Belief:
        """Return her belief, or raise ValueError if she has none."""
        if self.belief is None:
            raise ValueError(f"maker {self.name!r} {NO_BELIEF}")
        return self.belief

    def _require_law(self, law: Law) -> Law:
        if not isinstance(law, Law):
            raise TypeError(
                f"law is {show_value(law)}, but must be a Law: give as NoisyValuation(noise_sd)"
            )
        return law

    def _choose_belief(self, belief: Belief | str) -> Belief:
        if isinstance(belief, str):
            require_one_of("belief", belief, BELIEFS)
            prior = self.terms.prior
            return GridBelief(prior.mean, prior.sd) if belief == "exact" else prior
        if not hasattr(belief, "is_gaussian"):  # every belief says whether it is
            raise TypeError(
                f"belief is {show_value(belief)}, but must be a belief: "
                f'give "gaussian", "exact", None, or as GaussianBelief(mean, sd)'
            )
        try:
            return belief.broadcast(self.terms.replications)
        except ValueError:
            raise ValueError(
                f"belief has means of shape {belief.mean.shape}, but the number of replications "
                f"is {self.terms.replications}: give a scalar, or one for each"
            ) from None
