"""Market-makers: one file each, found by name; `MarketMaker` is the class to start from.

A maker is one class with a method `quote`, or with `ScalarMaker` one for a single market in plain
numbers; adding one takes one file here, or the entry-point group `market_shock.makers` of another
package. Makers know the wings below, never another maker.
"""

from abm.makers.policy import PolicyMaker
from abm.participants.maker import MakerError, MarketMaker
from abm.participants.policies import NetworkPolicy, PolynomialPolicy
from abm.participants.scalar_maker import OneMarket, ScalarMaker

__all__ = [
    "MakerError", "MarketMaker", "NetworkPolicy", "OneMarket", "PolicyMaker", "PolynomialPolicy",
    "ScalarMaker",
]  # fmt: skip
