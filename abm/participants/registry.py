"""Makers and traders by name: the files of their wing, and those of installed packages.

A package offers its own by entry points, in the groups `market_shock.makers` and
`market_shock.traders`:

    [project.entry-points."market_shock.makers"]
    cautious = "mypackage.makers:Cautious"

What is neither here nor installed goes by where it is, as `mypackage.makers:Cautious`: a module
that Python finds, or one in the current folder. Nothing else is looked for there.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from importlib import import_module
from importlib.metadata import EntryPoint
from inspect import getmembers, isabstract, isclass
from pkgutil import iter_modules
from types import ModuleType
from typing import Any, Generic, TypeVar

from abm.numerics.checks import require_one_of
from abm.numerics.names import suggest
from abm.participants.agent import Participant
from abm.participants.current_folder import enter_current_folder, find_current_folder
from abm.participants.maker import MarketMaker
from abm.participants.plug_ins import list_plug_ins, name_origin
from abm.participants.trader import Trader

POLICY = "policy:"  # in front of a file that PolicyMaker.save wrote
SHARED = " (+ joins makers alone, in one exchange)"

Kind = TypeVar("Kind", bound=Participant)


class Registry(Generic[Kind]):
    """Those who can take part in a market, by name.

    Parameters
    ----------
    base : type
        The class that they derive from.
    """

    def __init__(self, base: type[Kind]) -> None:
        self.base = base
        self.noun = noun = base.role
        self.wing = f"abm.{noun}s"
        self.group = f"market_shock.{noun}s"
        self.more = "; a policy as PolicyMaker(policy)" if base is MarketMaker else ""

    @cache  # noqa: B019, two registries live, for as long as the program runs
    def load_own(self) -> dict[str, type[Kind]]:
        """Return those of this package by name, in alphabetical order.

        Raises
        ------
        ValueError
            If two have one name, or a file does not import.
        """
        kinds: dict[str, type[Kind]] = {}
        for file in iter_modules(import_module(self.wing).__path__):
            for kind in self._list_classes(self._import_file(file.name)):
                first = kinds.setdefault(kind.name, kind)
                if first is not kind:
                    raise self._name_clash(kind.name, [locate(first), locate(kind)])
        return dict(sorted(kinds.items()))

    def list_names(self) -> list[str]:
        """Return every name, those of installed packages included, in alphabetical order."""
        plug_ins = list_plug_ins(self.group)
        return sorted({*self.load_own(), *(plug_in.name for plug_in in plug_ins)})

    def find(self, name: str) -> Any:
        """Return the class with this name, or at `module:Class`; the maker of `policy:FILE`.

        Raises
        ------
        ValueError
            If there is none, with the nearest name; if several have it; if its module does not
            import; or if a file holds no policy.
        TypeError
            If what is there is none of this kind.
        """
        if name.startswith(POLICY):
            return self._load_policy(name)
        if ":" in name:
            enter_current_folder()
            return self._load(EntryPoint(name, name, self.group))
        plug_ins = [plug_in for plug_in in list_plug_ins(self.group) if plug_in.name == name]
        if not plug_ins:
            return self.load_own()[require_one_of(self.noun, name, self.list_names())]
        if len(plug_ins) > 1 or name in self.load_own():
            here = [locate(self.load_own()[name])] if name in self.load_own() else []
            raise self._name_clash(name, [*here, *map(name_origin, plug_ins)])
        kind = self._load(plug_ins[0])
        if kind.name != name:
            raise ValueError(
                f"{name_origin(plug_ins[0])} offers {self.noun} {name!r}, but its class has the "
                f"name {kind.name!r}: give both one name"
            )
        return kind

    def look_up(self, choice: Any) -> Any:
        """Return a choice as it is, a name as the class that has it."""
        return self.find(choice) if isinstance(choice, str) else choice

    def require_kind(self, choice: Any, name: str = "") -> type[Kind]:
        """Return the class of a choice, or raise TypeError unless one can be made of it."""
        says = f"{self.noun} {name!r}" if name else self.noun
        kind = find_kind(choice)
        if not (isclass(kind) and issubclass(kind, self.base)):
            raise TypeError(
                f"{says} is {choice!r}, but must be a {self.base.__name__}: "
                f"give a subclass, a partial of one, or a registered name{self.more}"
            )
        if isabstract(kind):
            missing = ", ".join(sorted(kind.__abstractmethods__))
            raise TypeError(
                f"{says} is {choice!r}, but must be a {self.base.__name__} with all its methods: "
                f"{locate(kind)} has no method {missing}: add it"
            )
        return kind

    def _import_file(self, name: str) -> ModuleType:
        try:
            return import_module(f"{self.wing}.{name}")
        except (Exception, SystemExit) as error:
            raise ValueError(
                f"{self.wing.replace('.', '/')}/{name}.py does not import "
                f"({type(error).__name__}: {error}): repair it, or remove it"
            ) from error

    def _load_policy(self, name: str) -> Any:
        """Return the maker whose policy is in the file that a name leads to."""
        if self.base is not MarketMaker:
            raise ValueError(
                f"{self.noun} is {name!r}, but a policy is a maker's: give it among the makers"
            )
        maker = import_module(f"{self.wing}.policy").PolicyMaker
        try:
            return maker.load(name.removeprefix(POLICY))
        except OSError as error:
            raise ValueError(
                f"{self.noun} is {name!r}, but the file cannot be read ({error}): give "
                f"policy:FILE, of one that PolicyMaker.save wrote"
            ) from error

    def _load(self, point: EntryPoint) -> type[Kind]:
        if not EntryPoint.pattern.match(point.value):
            raise ValueError(
                f"{self.noun} {point.name!r} is at {point.value!r}, but must be at a class in a "
                f"module: give as mypackage.{self.noun}s:Cautious"
                f"{SHARED if '+' in point.name else ''}"
            )
        try:
            module = import_module(point.module)
        except (Exception, SystemExit) as error:
            raise ValueError(
                f"{self.noun} {point.name!r} cannot be loaded, for {point.module} does not import "
                f"({type(error).__name__}: {error}): {_say_where(point)}run where it is, install "
                f"it, or repair it"
            ) from error
        try:
            kind = point.load()
        except AttributeError as error:
            near = suggest(point.attr, [kind.__name__ for kind in self._list_classes(module)])
            hint = f"did you mean {point.module}:{near}? Or " if near else ""
            raise ValueError(
                f"{self.noun} {point.name!r} is not there ({error}): {hint}give the name of a "
                f"class in {module.__file__ or point.module}"
            ) from error
        return self.require_kind(kind, point.name)

    def _name_clash(self, name: str, locations: list[str]) -> ValueError:
        return ValueError(
            f"{self.noun} {name!r} is the name of {len(locations)}: {' and '.join(locations)}: "
            f"give one of them another name, or remove it"
        )

    def _list_classes(self, module: ModuleType) -> list[type[Kind]]:
        """Return the classes of this kind that a module defines."""
        return [
            member
            for _, member in getmembers(module, isclass)
            if issubclass(member, self.base)
            and not (isabstract(member) or member.__name__.startswith("_"))
            and member.__module__ == module.__name__
        ]


def find_kind(choice: Any) -> Any:
    """Return the class that a choice makes: itself, that of a partial, or the one it says."""
    if isinstance(choice, partial):
        return choice.func
    return choice if isinstance(choice, type) else getattr(choice, "kind", choice)


def _say_where(point: EntryPoint) -> str:
    """Return in which current folder a module was looked for; empty for an installed package's."""
    here = find_current_folder()
    return f"the current folder is {here}: " if here and point.name == point.value else ""


MAKER_TYPES = Registry(MarketMaker)  # type: ignore[type-abstract]  # it stands for subclasses
TRADER_TYPES = Registry(Trader)


def locate(kind: Callable[..., Any]) -> str:
    """Return the location of a class or function, as module:Class."""
    return f"{kind.__module__}:{kind.__qualname__}"
