"""Makers written for one market in plain numbers, made right for many: slowly, but right.

@per_replication
class Shy(MarketMaker):
    def quote(self) -> Quote:
        if abs(self.inventory) > 3:
            return Quote(-math.inf, math.inf)
        return Quote.around(self.belief.mean, 2 * self.belief.sd)
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import is_dataclass
from functools import cache, cached_property
from inspect import getattr_static, isabstract, isfunction
from types import new_class
from typing import Any, TypeVar

import numpy as np

from abm.market.quotes import Quote
from abm.market.random_streams import Lots, OneDraws
from abm.numerics.arrays import Array
from abm.participants.maker import MarketMaker

Maker = TypeVar("Maker", bound=MarketMaker)

OF_ALL = {"belief", "cash", "inventory", "label", "last", "terms"}  # what the market keeps for her
OF_MESA = {"model", "pos", "unique_id"}


def per_replication(maker: type[Maker]) -> type[Maker]:
    """Let a class quote for one replication at a time, on numbers in place of arrays.

    Within `quote`, and what it calls, her belief, inventory, cash, terms, draws and `last` are
    those of one replication. Attributes of her own are each replication's own, beginning with a
    copy of what `__init__` left; `__init__` itself sees arrays, for it runs once for all.

    Parameters
    ----------
    maker : MarketMaker class
        It may define `quote`, but neither `settle` nor `observe`: `last` tells what these would.

    Raises
    ------
    TypeError
        If it defines either, or no `quote`.
    """
    if isabstract(maker):
        raise TypeError(f"{maker.__name__} has no method quote, which the decorator serves: add it")
    for name in ("settle", "observe"):
        if getattr(maker, name) is not getattr(MarketMaker, name):
            raise TypeError(
                f"{maker.__name__} defines {name}, but @per_replication serves quote alone: "
                f"let quote read self.last, or write all of it for arrays, without the decorator"
            )

    def quote(self: Any) -> Quote:
        """Return the quotes of all replications, each asked for by itself."""
        if type(self) is One:  # which a subclass has asked
            return maker.quote(self)  # type: ignore[arg-type]  # One stands in for her
        own = vars(self).setdefault("_own", [{} for _ in range(self.terms.replications)])
        lots = Lots(self.draws)
        ones = [One(self, number, own[number], lots) for number in range(len(own))]
        quotes = [maker.quote(one) for one in ones]  # type: ignore[arg-type]  # as above
        for quote in quotes:
            if not isinstance(quote, Quote):
                return quote
        return Quote(_joined([one.bid for one in quotes]), _joined([one.ask for one in quotes]))

    about = {name: getattr(maker, name) for name in ("__doc__", "__module__", "__qualname__")}
    members = {**about, "name": maker.name, "quote": quote}
    return new_class(maker.__name__, (maker,), exec_body=lambda body: body.update(members))


def _joined(prices: Sequence[Array]) -> Array:
    for price in prices:
        if price.ndim:
            raise ValueError(
                f"the price of one replication is an array of shape {price.shape}, but must be a "
                f"number: what depends on the belief cannot be taken from it in __init__, which "
                f"sees all replications"
            )
    return np.array(prices)


class One:
    """One replication of a maker: her methods see numbers, and what they set stays with it."""

    __slots__ = ("__dict__", "_draws", "_maker", "_number")

    def __init__(self, maker: MarketMaker, number: int, own: dict[str, Any], lots: Lots) -> None:
        parts = {"__dict__": own, "_maker": maker, "_number": number}
        for name, part in (parts | {"_draws": OneDraws(lots, number)}).items():
            object.__setattr__(self, name, part)

    @property  # type: ignore[misc]  # it is read only
    def __class__(self) -> type:
        """The maker's, so that super() and isinstance hold."""
        return type(self._maker)

    @property
    def draws(self) -> OneDraws:
        """Her random draws in this replication."""
        return self._draws

    def __getattr__(self, name: str) -> Any:
        kind: Any = type(self._maker)
        bound = _code_of(kind, name)
        if bound is not None:
            return bound.__get__(self, kind)
        value = getattr(self._maker, name)
        if name in OF_ALL:
            return _at(value, self._number)
        if name not in OF_MESA and not _frozen(value):
            self.__dict__[name] = value = deepcopy(value)
        return value

    def __setattr__(self, name: str, value: Any) -> None:
        if name in OF_ALL:
            raise AttributeError(
                f"quote sets {name}, which the market keeps: choose a name of your own"
            )
        kind: Any = type(self._maker)
        bound = _code_of(kind, name)
        if isinstance(bound, property):
            bound.__set__(self, value)
        else:
            self.__dict__[name] = value


@cache
def _code_of(kind: type, name: str) -> Any:
    """Return the method or property of this name, or None if there is none."""
    found = getattr_static(kind, name, None)
    return found if isfunction(found) or isinstance(found, property | cached_property) else None


def _frozen(value: Any) -> bool:
    """Whether a value is a dataclass that cannot change, so that replications may share it."""
    about = getattr(type(value), "__dataclass_params__", None)
    return about is not None and bool(about.frozen)


class Part:
    """A belief, a quote or a view in one replication: the same attributes, as numbers."""

    __slots__ = ("_number", "_whole")

    def __init__(self, whole: Any, number: int) -> None:
        self._whole, self._number = whole, number

    @property  # type: ignore[misc]  # it is read only
    def __class__(self) -> type:
        """That of the whole, so that isinstance holds."""
        return type(self._whole)

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._whole, name)
        if callable(value):
            raise AttributeError(
                f"{name} works on all replications at once, but quote is asked for one by itself: "
                f"use numbers, as the belief's mean and sd, or write the class for arrays"
            )
        return _at(value, self._number)


def _at(value: Any, number: int) -> Any:
    """Return what a value is in one replication."""
    if isinstance(value, np.ndarray):
        return value[number].item() if value.ndim else value.item()
    if isinstance(value, dict):
        return {name: _at(one, number) for name, one in value.items()}
    return Part(value, number) if is_dataclass(value) else value
