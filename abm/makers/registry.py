"""Makers by name: every file in this folder that defines one is found."""

from functools import cache
from importlib import import_module
from inspect import getmembers, isabstract, isclass
from pkgutil import iter_modules

import abm.makers
from abm.door import one_of
from abm.makers.base import MarketMaker


@cache
def registered() -> dict[str, type[MarketMaker]]:
    """Return the makers of this package by name, in alphabetical order."""
    modules = (
        import_module(f"abm.makers.{found.name}") for found in iter_modules(abm.makers.__path__)
    )
    makers = [maker for module in modules for maker in _defined_in(module)]
    return {maker.name: maker for maker in sorted(makers, key=lambda maker: maker.name)}


def find(name: str) -> type[MarketMaker]:
    """Return the maker registered under this name, or raise ValueError with the nearest one."""
    return registered()[one_of("maker", name, registered())]


def _defined_in(module: object) -> list[type[MarketMaker]]:
    return [
        member
        for _, member in getmembers(module, isclass)
        if issubclass(member, MarketMaker)
        and not isabstract(member)
        and member.__module__ == getattr(module, "__name__", None)
    ]
