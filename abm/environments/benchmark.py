"""The benchmark: which share of the optimal maker's profit a policy earns."""

from typing import Any, NamedTuple, SupportsIndex

import numpy as np
from numpy.typing import ArrayLike

from abm.exchange.admission import MakerChoice
from abm.exchange.model import Exchange
from abm.makers.policy import PolicyMaker
from abm.numerics.arrays import Array
from abm.numerics.checks import require_whole
from abm.numerics.describe import show_value
from abm.numerics.intervals import find_half_width, linearise_ratio
from abm.numerics.moments import Moments
from abm.participants.maker import MarketMaker
from abm.participants.policies import Policy
from abm.participants.registry import find_kind

DISCOUNT, PERIODS = 0.9, 100
BLOCK = 10_000  # markets that are simulated at once
MOST_MARKETS = 10**9


class Score(NamedTuple):
    """Share of the optimal maker's discounted profit, and the half-width of its 95 % interval.

    The interval is that of a ratio of means over pairs of markets, right to first order; it is NaN
    if both earn the same in every market.

    Examples
    --------
    >>> Score(share=0.99, half_width=0.01).share
    0.99
    """

    share: float
    half_width: float


def score(
    policy: Policy | MakerChoice,
    *,
    markets: SupportsIndex = 20_000,
    seed: SupportsIndex = 0,
    prior_sd: float | tuple[float, float] = 3.0,
) -> Score:
    """Return which share of the optimal maker's profit a policy earns, alone in the same markets.

    Both quote as monopolists to the same values and traders, in markets of 100 periods. Profits are
    marked to the value, and discounted by 0.9 a period. Shares above 1 are possible: the optimal
    maker is the best on Gaussian beliefs where these are true, and they are an approximation.

    Parameters
    ----------
    policy : callable, or a maker
        As given to a `PolicyMaker`; one that observes more, or acts otherwise, as such a maker.
        Any maker that an exchange takes is judged alike.
    markets : int
        At least 2.
    seed : int
        Of the values and traders.
    prior_sd : float or tuple (low, high)
        Of the value, in units of the noise sd.

    Raises
    ------
    ValueError, TypeError
        If one of them is out of range.
    MakerError
        If the policy raises an error, or its action is none.

    Examples
    --------
    >>> score(lambda observation: np.full((len(observation), 1), 0.5), markets=1_000).share < 1
    True
    """
    if np.ndim(prior_sd) and not isinstance(prior_sd, tuple):
        raise ValueError(
            f"prior_sd is {show_value(prior_sd)}, but must be one number or a range: give as 3.0 "
            f"or as (1.0, 5.0)"
        )
    count = require_whole("markets", markets, 2, MOST_MARKETS)
    maker: Any = policy if is_maker(policy) else PolicyMaker(policy)  # type: ignore[arg-type]
    earned, best = (
        np.concatenate([
            _find_profit(choice, min(BLOCK, count - first), first // BLOCK, seed, prior_sd)
            for first in range(0, count, BLOCK)
        ])
        for choice in (maker, "optimal")
    )  # fmt: skip
    share = Moments.of(linearise_ratio(earned, best, earned.mean(), best.mean()))
    return Score(float(share.mean), float(find_half_width(share.se, count)))


def is_maker(policy: Any) -> bool:
    """Return whether an exchange takes it for a maker: a name, a class, a partial, or the like."""
    kind = find_kind(policy)
    return isinstance(policy, str) or (isinstance(kind, type) and issubclass(kind, MarketMaker))


def _find_profit(
    maker: MakerChoice, markets: int, block: int, seed: SupportsIndex, prior_sd: ArrayLike
) -> Array:
    """Return what a maker earns alone in each market of a block, discounted, shape (R,)."""
    market = Exchange(
        maker, prior_sd=prior_sd, record="none", replications=markets, block=block, rng=seed
    )
    profit = np.zeros(markets)
    for period in range(PERIODS):
        market.step()
        profit += DISCOUNT**period * market.clearing.profit
    return profit
