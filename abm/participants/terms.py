"""What everybody in a market knows: the terms, and what each period announces."""

from dataclasses import dataclass
from typing import Protocol, Self

import numpy as np
from numpy.typing import ArrayLike

from abm.beliefs.gaussian import GaussianBelief
from abm.market.laws import Law
from abm.market.moves import Move
from abm.market.random_streams import Draws
from abm.market.values import ValueProcess
from abm.numerics.arrays import Array
from abm.numerics.checks import finite_number, require_comparable, require_scale, scale_number
from abm.numerics.describe import describe, show_count, show_mean, show_span, show_value


@dataclass(frozen=True, eq=False)
class Terms:
    """The public terms of a market, the same in every period.

    Parameters
    ----------
    prior : GaussianBelief
        The distribution of the value after the shock, in each of the replications.
    noise_sd : float
        Standard deviation of a trader's valuation about the value, in units of price, for traders
        that bring no noise of their own.
    replications : int
        R, how many markets run in lockstep.

    Examples
    --------
    >>> Terms.of(prior_mean=0.0, prior_sd=3.0, noise_sd=1.0, replications=2)
    Terms(value ~ N(0, sd 3), noise_sd=1, 2 markets)
    """

    prior: GaussianBelief
    noise_sd: float
    replications: int

    def __repr__(self) -> str:
        prior = f"value ~ N({show_mean(self.prior.mean)}, sd {show_span(self.prior.sd)})"
        markets = show_count(self.replications, "market")
        return describe(self, prior, f"noise_sd={self.noise_sd:g}", markets)

    @classmethod
    def of(cls, prior_mean: float, prior_sd: ArrayLike, noise_sd: float, replications: int) -> Self:
        """Return the terms of these numbers, or raise if one is out of range.

        prior_sd and noise_sd are from 1e-100 to 1e100, and prior_sd, of shape () or (R,), from
        1e-6 to 1e4 noise_sd; prior_mean is at most 1e9 times the smallest of both and
        prior_sd^2 / noise_sd from zero.
        """
        mean, sd = finite_number("prior_mean", prior_mean), require_scale("prior_sd", prior_sd)
        if sd.shape not in ((), (replications,)):
            raise ValueError(
                f"prior_sd has shape {sd.shape}, but the number of replications is "
                f"{replications}: give one number, one for each, or a range as (1.0, 5.0)"
            )
        noise_sd = scale_number("noise_sd", noise_sd)
        require_comparable("prior", np.asarray(mean), sd, noise_sd)
        return cls(GaussianBelief(mean, sd.copy()).broadcast(replications), noise_sd, replications)


def draw_prior_sd(prior_sd: ArrayLike, draws: Draws) -> ArrayLike:
    """Return a prior sd as it is, a range (low, high) as one for each replication.

    Those of a range are uniform in their logarithm.

    Raises
    ------
    ValueError
        If a tuple is not two sds, the lower first.
    """
    if not isinstance(prior_sd, tuple):
        return prior_sd
    ends: Array = require_scale("prior_sd", prior_sd)
    if ends.shape != (2,) or ends[0] > ends[1]:
        raise ValueError(
            f"prior_sd is {show_value(prior_sd)}, but a range is two numbers, the lower first: "
            f"give as (1.0, 5.0), or one for each replication as an array"
        )
    low, high = ends
    return np.clip(low * (high / low) ** draws.uniform(), low, high)


class PublicModel(Protocol):
    """What participants may know of the model they live in, and nothing else."""

    @property
    def terms(self) -> Terms:
        """The public terms."""

    @property
    def law(self) -> Law:
        """The law by which this period's trader values, announced before makers quote."""

    @property
    def process(self) -> ValueProcess:
        """How the value moves."""

    @property
    def moved(self) -> Move:
        """What is known of the value's move at the open of this period."""

    @property
    def period(self) -> int:
        """The number of this period, 0 for the first trader after the shock."""
