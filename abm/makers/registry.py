"""Makers by name: every file in this folder that defines one, and those of installed plug-ins.

A plug-in is any package with an entry point in the group `market_shock.makers`:

    [project.entry-points."market_shock.makers"]
    cautious = "mypackage.makers:Cautious"

A maker that is neither here nor installed goes by where it is, as `mypackage.makers:Cautious`.
"""

import sys
from collections.abc import Callable
from functools import cache, lru_cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from inspect import getmembers, isabstract, isclass
from pkgutil import iter_modules
from types import ModuleType

import abm.makers
from abm.door import one_of
from abm.makers.base import MarketMaker

GROUP = "market_shock.makers"


@cache
def registered() -> dict[str, type[MarketMaker]]:
    """Return the makers of this package by name, in alphabetical order.

    Raises
    ------
    ValueError
        If two have one name, or a file does not import.
    """
    modules = (_module(found.name) for found in iter_modules(abm.makers.__path__))
    makers: dict[str, type[MarketMaker]] = {}
    for maker in (maker for module in modules for maker in _defined_in(module)):
        first = makers.setdefault(maker.name, maker)
        if first is not maker:
            raise _taken(maker.name, [where(first), where(maker)])
    return dict(sorted(makers.items()))


def names() -> list[str]:
    """Return every maker's name, plug-ins included, in alphabetical order."""
    return sorted({*registered(), *(plug_in.name for plug_in in _plug_ins(tuple(sys.path)))})


def find(name: str) -> type[MarketMaker]:
    """Return the maker with this name, or the one that is at `module:Class`.

    Raises
    ------
    ValueError
        If there is none, with the nearest name; if several have it; or if a plug-in's module does
        not import.
    TypeError
        If what is there is no maker.
    """
    if ":" in name:
        return _loaded(EntryPoint(name, name, GROUP))
    plug_ins = [plug_in for plug_in in _plug_ins(tuple(sys.path)) if plug_in.name == name]
    if not plug_ins:
        return registered()[one_of("maker", name, names())]
    if len(plug_ins) > 1 or name in registered():
        here = [where(registered()[name])] if name in registered() else []
        raise _taken(name, [*here, *(_origin(plug_in) for plug_in in plug_ins)])
    maker = _loaded(plug_ins[0])
    if maker.name != name:
        raise ValueError(
            f"{_origin(plug_ins[0])} offers maker {name!r}, but its class has the name "
            f"{maker.name!r}: give both one name"
        )
    return maker


@lru_cache(maxsize=1)
def _plug_ins(path: tuple[str, ...]) -> list[EntryPoint]:  # noqa: ARG001, which they depend on
    """Return the makers of all packages that are installed on the path of modules."""
    return list(entry_points(group=GROUP))


def _module(name: str) -> ModuleType:
    try:
        return import_module(f"abm.makers.{name}")
    except (Exception, SystemExit) as error:
        raise ValueError(
            f"abm/makers/{name}.py does not import ({type(error).__name__}: {error}): mend it, or "
            f"take it out"
        ) from error


def _loaded(place: EntryPoint) -> type[MarketMaker]:
    if not EntryPoint.pattern.match(place.value):
        raise ValueError(
            f"maker {place.name!r} is at {place.value!r}, but must be at a class in a module: "
            f"give as mypackage.makers:Cautious"
        )
    try:
        module = import_module(place.module)
    except (Exception, SystemExit) as error:
        raise ValueError(
            f"maker {place.name!r} cannot be had, for {place.module} does not import "
            f"({type(error).__name__}: {error}): run where it is, install it, or mend it"
        ) from error
    try:
        maker = place.load()
    except AttributeError as error:
        raise ValueError(
            f"maker {place.name!r} is not there ({error}): give the name of a class in "
            f"{module.__file__ or place.module}"
        ) from error
    if not (isclass(maker) and issubclass(maker, MarketMaker)) or isabstract(maker):
        raise TypeError(
            f"maker {place.name!r} is {maker!r}, but must be a MarketMaker with a method quote: "
            f"give the name of such a class"
        )
    return maker


def _taken(name: str, places: list[str]) -> ValueError:
    return ValueError(
        f"maker {name!r} is the name of {len(places)}: {' and '.join(places)}: "
        f"give one of them another name, or take it out"
    )


def where(maker: Callable[..., MarketMaker]) -> str:
    """Return the place of a maker's class, as module:Class."""
    return f"{maker.__module__}:{maker.__qualname__}"


def _origin(plug_in: EntryPoint) -> str:
    package = plug_in.dist.name if plug_in.dist else "a package"
    return f"{plug_in.value} of {package}"


def _defined_in(module: object) -> list[type[MarketMaker]]:
    return [
        member
        for _, member in getmembers(module, isclass)
        if issubclass(member, MarketMaker)
        and not isabstract(member)
        and member.__module__ == getattr(module, "__name__", None)
    ]
