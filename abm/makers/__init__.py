"""Market-makers: one file each, found by name; `MarketMaker` is the class to start from."""

from abm.makers.base import MarketMaker
from abm.makers.registry import find, registered

__all__ = ["MarketMaker", "find", "registered"]
