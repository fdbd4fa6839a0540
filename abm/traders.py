"""Who arrives: one agent stands for the trader who comes to each replication in a period."""

from typing import ClassVar, Protocol

from abm.arrays import Array
from abm.door import positive_number
from abm.noise import Distribution
from abm.participant import Participant
from abm.signals import Law, NoisyValuation
from abm.streams import Draws


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

    name: ClassVar[str]
    law: Law

    def valuation(self, value: Array, draws: Draws) -> Array:
        """Return what the instrument is worth to her, shape (R,), in units of price."""
        return self.law.valuation(value, draws)


class NoisyTrader(Trader):
    """Values the instrument at V + noise (Das and Magdon-Ismail 2008, section 2.1).

    Parameters
    ----------
    model : Exchange
        The market she comes to.
    noise_sd : float, optional
        Standard deviation of Gaussian noise, in units of price; the market's unless given.
    noise : Distribution, optional
        Any other distribution of the noise in its place, in units of price, as
        `scipy.stats.laplace(scale=0.7)` (see `abm.noise`).

    Raises
    ------
    ValueError, TypeError
        If noise_sd is not one finite number above zero, noise is no distribution, or both are
        given.
    """

    name = "noisy"

    def __init__(
        self,
        model: NoiseSetting,
        *,
        noise_sd: float | None = None,
        noise: Distribution | None = None,
    ) -> None:
        super().__init__(model)
        if noise_sd is not None and noise is not None:
            raise ValueError(
                f"noise_sd is {noise_sd} and noise is {noise!r}, but one of them says it all: "
                f"leave the other out"
            )
        sd = model.noise_sd if noise_sd is None else noise_sd
        self.law = NoisyValuation(positive_number("noise_sd", sd) if noise is None else noise)
