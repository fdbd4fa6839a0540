"""Market-makers: one file each, found by name; `MarketMaker` is the class to start from."""

from abm.makers.base import MakerError, MarketMaker
from abm.makers.registry import find, names, registered
from abm.makers.scalar import per_replication

__all__ = ["MakerError", "MarketMaker", "find", "names", "per_replication", "registered"]
