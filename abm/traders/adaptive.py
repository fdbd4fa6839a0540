"""Traders who learn from the tape, the paper's stated next step."""

from abm.market.adapted import AdaptedValuation
from abm.numerics.checks import not_negative_factor, require_share
from abm.participants.terms import PublicModel
from abm.participants.trader import Trader


class AdaptiveTrader(Trader):
    """Weighs what the trader sees for herself against what the public believes.

    See `abm.market.adapted` for how the asset is valued.

    Parameters
    ----------
    weight : float
        That of the public's belief, from 0 (none: the paper's trader, with a need) to 1 (Bayes'
        rule).
    need_sd : float
        Standard deviation of a private reason to trade, in noise sds of the market.
    share : float, optional
        As of every `Trader`.

    Raises
    ------
    ValueError, TypeError
        If the weight is not a number from 0 to 1, need_sd is no number or below 0, or if nobody
        would ever trade: at a weight of 1 without a need (Milgrom and Stokey 1982).

    Examples
    --------
    >>> from functools import partial
    >>> from abm import Exchange
    >>> Exchange("zero-profit", AdaptiveTrader, prior_sd=3.0).run(1).inside
    Quote(bid -7.743, ask 7.743)
    """

    name = "adaptive"

    def __init__(
        self,
        model: PublicModel,
        *,
        weight: float = 1.0,
        need_sd: float = 1.0,
        share: float | None = None,
    ) -> None:
        self.weight = require_share(weight, "weight")
        self.need_sd = not_negative_factor("need_sd", need_sd)
        if self.weight == 1.0 and self.need_sd == 0.0:
            raise ValueError(
                "weight is 1 and need_sd is 0, but who believes what the public does, and has no "
                "reason of her own, never trades: give a need_sd above 0, or a weight below 1"
            )
        prior, signal_sd = model.terms.prior, model.terms.noise_sd
        law = AdaptedValuation(
            prior.mean, prior.sd, self.weight, signal_sd, self.need_sd * signal_sd
        )
        super().__init__(model, law, share=share)
