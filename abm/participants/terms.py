"""What everybody in a market knows: the terms, and what each period announces."""

from dataclasses import dataclass
from typing import Protocol, Self

import numpy as np

from abm.beliefs.gaussian import GaussianBelief
from abm.market.laws import Law
from abm.market.moves import Move
from abm.market.values import ValueProcess
from abm.numerics.checks import finite_number, require_comparable, scale_number
from abm.numerics.describe import describe, show_count, show_mean


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
        prior = f"value ~ N({show_mean(self.prior.mean)}, sd {show_mean(self.prior.sd)})"
        markets = show_count(self.replications, "market")
        return describe(self, prior, f"noise_sd={self.noise_sd:g}", markets)

    @classmethod
    def of(cls, prior_mean: float, prior_sd: float, noise_sd: float, replications: int) -> Self:
        """Return the terms of these numbers, or raise if one is out of range.

        prior_sd and noise_sd are from 1e-100 to 1e100, and prior_sd from 1e-6 to 1e4 noise_sd;
        prior_mean is at most 1e9 times the smallest of both and prior_sd^2 / noise_sd from zero.
        """
        mean, sd = finite_number("prior_mean", prior_mean), scale_number("prior_sd", prior_sd)
        noise_sd = scale_number("noise_sd", noise_sd)
        require_comparable("prior", np.asarray(mean), np.asarray(sd), noise_sd)
        return cls(GaussianBelief(mean, sd).broadcast(replications), noise_sd, replications)


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
