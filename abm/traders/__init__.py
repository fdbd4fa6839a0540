"""Traders: one file each, found by name; `Trader` is the class to start from.

A trader type is an agent around a law, how the next trader values, given the value; adding one
takes one file here, or the entry-point group `market_shock.traders` of another package. Traders
know participants, the market and numerics, never another trader and never a belief.
"""

from abm.participants.trader import Trader
from abm.traders.adaptive import AdaptiveTrader
from abm.traders.noisy import NoisyTrader
from abm.traders.uninformed import UninformedTrader

__all__ = ["AdaptiveTrader", "NoisyTrader", "Trader", "UninformedTrader"]
