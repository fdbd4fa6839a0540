"""The paper's trader: values the asset at the value and noise."""

from abm.market.distributions import Distribution
from abm.market.valuations import NoisyValuation
from abm.numerics.checks import scale_number
from abm.numerics.describe import show_value
from abm.participants.terms import PublicModel
from abm.participants.trader import Trader


class NoisyTrader(Trader):
    """Values the asset at V + noise (Das and Magdon-Ismail 2008, section 2.1).

    Parameters
    ----------
    noise_sd : float, optional
        Standard deviation of Gaussian noise, in units of price, from 1e-100 to 1e100; the market's
        unless given.
    noise : Distribution, optional
        Any other distribution of the noise in its place, in units of price, as
        `scipy.stats.laplace(scale=0.7)` (see `abm.market.noise`).
    share : float, optional
        As of every `Trader`.

    Raises
    ------
    ValueError, TypeError
        If noise_sd is not one number in that range, noise is not a distribution, or both are given.

    Examples
    --------
    >>> from functools import partial
    >>> from abm import Exchange
    >>> from scipy import stats
    >>> market = Exchange("zero-profit", partial(NoisyTrader, noise=stats.laplace(scale=0.7)))
    >>> round(market.law.noise_sd, 3)
    0.99
    """

    name = "noisy"

    def __init__(
        self,
        model: PublicModel,
        *,
        noise_sd: float | None = None,
        noise: Distribution | None = None,
        share: float | None = None,
    ) -> None:
        if noise_sd is not None and noise is not None:
            raise ValueError(
                f"noise_sd is {show_value(noise_sd)} and noise is {show_value(noise)}, but one of "
                f"them says it all: leave the other out"
            )
        sd = model.terms.noise_sd if noise_sd is None else noise_sd
        own = scale_number("noise_sd", sd) if noise is None else noise
        super().__init__(model, NoisyValuation(own), share=share)
