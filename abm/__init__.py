"""Dealer markets after a shock: traders, market-makers and the exchange where they meet."""

from abm.beliefs.gaussian import GaussianBelief
from abm.beliefs.grid import GridBelief
from abm.exchange import Exchange
from abm.makers.exact_optimal import ExactOptimal
from abm.makers.fixed_spread import FixedSpread
from abm.makers.myopic import Myopic
from abm.makers.optimal import Optimal
from abm.makers.zero_profit import ZeroProfit
from abm.quotes import Quote, Side
from abm.traders import NoisyTrader

__all__ = [
    "ExactOptimal",
    "Exchange",
    "FixedSpread",
    "GaussianBelief",
    "GridBelief",
    "Myopic",
    "NoisyTrader",
    "Optimal",
    "Quote",
    "Side",
    "ZeroProfit",
]
