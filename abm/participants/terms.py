"""What everybody in a market knows before it opens."""

from dataclasses import dataclass
from typing import Protocol

from abm.beliefs.gaussian import GaussianBelief
from abm.market.valuations import Law


@dataclass(frozen=True, eq=False)
class Terms:
    """The public terms of a market.

    Parameters
    ----------
    prior : GaussianBelief
        The distribution of the value after the shock, in each of the replications.
    law : Law
        How traders value the instrument.
    replications : int
        R, how many markets run in lockstep.
    """

    prior: GaussianBelief
    law: Law
    replications: int


class Market(Protocol):
    """What a maker may know of the model it lives in: the terms, and nothing else."""

    @property
    def terms(self) -> Terms:
        """The public terms."""
