"""What every trader type is: a Mesa agent around the law by which the trader values.

A trader type of your own is one small class, as in the example of `Trader`. Everything is an array
over the replications: one agent stands for the trader who comes to each replication in a period.
Makers know the law, and honour it in what they learn.
"""

from abm.market.laws import Law
from abm.market.random_streams import Draws
from abm.numerics.arrays import Array
from abm.numerics.checks import require_share
from abm.numerics.describe import describe
from abm.participants.agent import Participant, ParticipantError
from abm.participants.terms import PublicModel
from abm.participants.transparency import MarketView


class TraderError(ParticipantError):
    """A trader raised an error; it is the cause of this one."""


class Trader(Participant):
    """A trader type: who arrives, one trader in each replication and period.

    Parameters
    ----------
    model : Exchange
        The market that the trader comes to.
    law : Law
        How the trader values the asset.
    share : float, optional
        Of all traders, from 0 to 1; of the first type of a market what the others leave.

    Attributes
    ----------
    law : Law
        How the next trader values, given what is public; makers know it.
    share : float or None

    Raises
    ------
    ValueError, TypeError
        If the share is not a number from 0 to 1.

    Examples
    --------
    >>> from abm import Exchange
    >>> from abm.market.valuations import NoisyValuation
    >>> class Expert(Trader):
    ...     def __init__(self, model):
    ...         super().__init__(model, NoisyValuation(0.1 * model.terms.noise_sd))
    >>> Exchange("zero-profit", Expert).run(1).law.noise_sd
    0.1
    """

    role = "trader"
    failure = TraderError
    attributes = ("law",)

    def __init__(self, model: PublicModel, law: Law, *, share: float | None = None) -> None:
        super().__init__(model)
        self.law = law
        self.share = None if share is None else require_share(share)

    def __repr__(self) -> str:
        law = vars(self).get("law")
        return describe(self, "" if law is None else repr(law))

    def valuation(self, value: Array, draws: Draws) -> Array:
        """Return what the asset is worth to the trader, shape (R,), in units of price."""
        return self.law.valuation(value, draws)

    def observe(self, view: MarketView) -> None:
        """Learn from what is public of a period, once it is over; by default nothing."""
