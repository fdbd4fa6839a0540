"""Which makers take part: they are made and labelled, and rules about them are checked."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from abm.beliefs.base import Belief
from abm.exchange.holdings import require_holdings
from abm.market.random_streams import Streams, maker_role
from abm.numerics.checks import require_comparable
from abm.participants.admission import choose_label, make, require_any, require_free_name
from abm.participants.maker import MarketMaker
from abm.participants.registry import MAKER_TYPES
from abm.participants.terms import PublicModel

MakerChoice = str | Callable[..., MarketMaker]


def admit_makers(
    makers: MakerChoice | Sequence[MakerChoice], model: PublicModel, streams: Streams
) -> list[MarketMaker]:
    """Return the makers at work in this market, each with a label and draws of her own."""
    choices = require_any("maker", makers, "optimal")
    admitted: list[MarketMaker] = []
    for choice in choices:
        maker = make(choice, MAKER_TYPES, model)
        require_free_name(maker, MAKER_TYPES, admitted)
        maker.label = choose_label(maker.name, {other.label for other in admitted})
        maker.draws = streams.draws(maker_role(maker.label))
        require_holdings(maker, "she was made", model.period)
        if maker.belief is not None and np.isfinite(model.law.noise_sd):
            mean, sd = maker.moments
            require_comparable("belief", mean, sd, model.law.noise_sd)
        admitted.append(maker)
    return admitted


def find_common_belief(makers: Sequence[MarketMaker]) -> Belief:
    """Return the Gaussian belief that all makers with a belief share.

    Raises
    ------
    ValueError
        If there is none, or they differ, or one is not Gaussian.
    """
    beliefs = [maker.belief for maker in makers if maker.belief is not None]
    if beliefs and all(
        belief.is_gaussian
        and np.array_equal(belief.mean, beliefs[0].mean)
        and np.array_equal(belief.sd, beliefs[0].sd)
        for belief in beliefs
    ):
        return beliefs[0]
    raise ValueError(
        'value is "redrawn", which draws the value from the belief that all makers share, '
        'but their beliefs differ or are not Gaussian: give them one prior, or value="fixed"'
    )
