"""Dealer markets after a shock: traders, market-makers and the exchange where they meet.

The names below are loaded when they are first asked for (PEP 562), so that a wing can be used
without the others: `from abm.bellman import solve` loads no Mesa.
"""

import sys
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from abm.beliefs.gaussian import GaussianBelief as GaussianBelief
    from abm.beliefs.grid import GridBelief as GridBelief
    from abm.exchange.model import Exchange as Exchange
    from abm.makers.exact_optimal import ExactOptimal as ExactOptimal
    from abm.makers.fixed_spread import FixedSpread as FixedSpread
    from abm.makers.myopic import Myopic as Myopic
    from abm.makers.optimal import Optimal as Optimal
    from abm.makers.zero_profit import ZeroProfit as ZeroProfit
    from abm.market.quotes import Quote as Quote
    from abm.market.quotes import Side as Side
    from abm.market.values import Jumps as Jumps
    from abm.traders.noisy import NoisyTrader as NoisyTrader

    __version__: str

MODULES = {
    "ExactOptimal": "abm.makers.exact_optimal",
    "Exchange": "abm.exchange.model",
    "FixedSpread": "abm.makers.fixed_spread",
    "GaussianBelief": "abm.beliefs.gaussian",
    "GridBelief": "abm.beliefs.grid",
    "Jumps": "abm.market.values",
    "Myopic": "abm.makers.myopic",
    "NoisyTrader": "abm.traders.noisy",
    "Optimal": "abm.makers.optimal",
    "Quote": "abm.market.quotes",
    "Side": "abm.market.quotes",
    "ZeroProfit": "abm.makers.zero_profit",
}

__all__ = [*MODULES]


def __getattr__(name: str) -> object:
    """Return a public name from its module, or the version, and keep it."""
    if name == "__version__":
        from importlib.metadata import version

        member = version("market-shock")
    elif name in MODULES:
        member = getattr(import_module(MODULES[name]), name)
    else:
        raise AttributeError(
            f"module {__name__!r} of market-shock has no attribute {name!r}; "
            f"another package of that name needs an environment of its own",
            name=name,
            obj=sys.modules[__name__],
        )
    globals()[name] = member
    return member


def __dir__() -> list[str]:
    """Return the public names beside the module's own."""
    return sorted({*globals(), *MODULES, "__version__"})
