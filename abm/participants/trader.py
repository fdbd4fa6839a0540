"""What every trader is: a Mesa agent around the law of the trader's valuations."""

from typing import Protocol

from abm.market.random_streams import Draws
from abm.market.valuations import Law
from abm.numerics.arrays import Array
from abm.participants.agent import Participant


class NoiseSetting(Protocol):
    """A market with a noise_sd for traders that bring none of their own."""

    noise_sd: float


class Trader(Participant):
    """A trader type: a Mesa agent around the law of her valuations.

    Attributes
    ----------
    law : Law
        How she values the instrument; makers know it.
    """

    law: Law

    def valuation(self, value: Array, draws: Draws) -> Array:
        """Return what the instrument is worth to her, shape (R,), in units of price."""
        return self.law.valuation(value, draws)
