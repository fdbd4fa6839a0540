"""Fingerprints: hashes of the code and the arguments of what points name, which results depend on.

Makers, traders, noises and beliefs may come from anywhere, this package included, and their code
may change between a run and its resumption, or be another on another machine. What of it is in the
libraries whose versions run.json holds is told by these instead.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from functools import cache, partial
from inspect import isroutine, signature
from pathlib import Path
from platform import node
from typing import Any

import abm
from abm.exchange.model import Exchange
from abm.experiment.digest import digest
from abm.experiment.errors import UnknownCodeError
from abm.experiment.origins import OWN, hash_lines, is_library, is_named_only
from abm.experiment.points import Point
from abm.market.distributions import is_of_scipy
from abm.participants.admission import as_list
from abm.participants.registry import MAKER_TYPES, TRADER_TYPES, locate
from abm.runs.description import UNKNOWN, read_versions

REGISTRIES = {"makers": MAKER_TYPES, "traders": TRADER_TYPES}
TRADERS = {"traders": signature(Exchange).parameters["traders"].default}  # unless a point has some


class OtherCodeError(RuntimeError):
    """A worker would simulate with other versions or code than those of the run."""


def fingerprint(
    exchanges: Iterable[Point], functions: Iterable[Callable[..., Any]] = ()
) -> dict[str, str]:
    """Return hashes of this package, and of what exchanges and functions name from elsewhere.

    Parameters
    ----------
    exchanges : iterable of dict
        Arguments of exchanges. Makers and traders are named by themselves, by registered names, or
        in a partial; noises and other objects as arguments of a partial.
    functions : iterable of callable

    Returns
    -------
    dict of str
        "code of abm", "code of module:Class" for each class or function, and "arguments of
        module:Class" for all objects and partials of it. What cannot be taken apart begins with
        `abm.runs.description.UNKNOWN`.
    """
    named = [*functions, *(choice for point in exchanges for choice in _list_choices(point))]
    given: dict[str, list[Any]] = {}
    for choice in named:
        if not (isinstance(choice, type) or isroutine(choice)):
            kind = choice.func if isinstance(choice, partial) else type(choice)
            given.setdefault(f"arguments of {locate(kind)}", []).append(choice)
    found = sorted(_name_code(named).items()) + sorted(given.items())
    return {f"code of {OWN}": hash_package()} | {name: _digest(part) for name, part in found}


def require_same_code(
    run: Mapping[str, str], exchange: Point, functions: Iterable[Callable[..., Any]]
) -> None:
    """Raise OtherCodeError unless a worker has the versions of a run, and what a point names.

    Parameters
    ----------
    run : mapping of str to str
        Versions and hashes of code where the run is, by name.
    exchange : dict
        Arguments of the exchange that the worker is to simulate.
    functions : iterable of callable
    """
    named = _name_code([*functions, *_list_choices(exchange)])
    began = " ".join(run.values())
    here = _read_versions() | {f"code of {OWN}": hash_package()}
    here |= {name: _digest_first(part, began) for name, part in named.items()}
    for name in here.keys() & run.keys():
        if here[name] != run[name]:
            raise OtherCodeError(
                f"a worker on {node()} has other versions or code than the run ({name} is "
                f"{here[name]} there, {run[name]} here): give every worker the same files and "
                f"versions, and resume; or begin a new session, if a module of yours has kept what "
                f"it computed in this one"
            )


_read_versions = cache(read_versions)


@cache
def hash_package() -> str:
    """Return the hash of this package's files, as they are when it is first asked for."""
    folder = Path(str(abm.__file__)).parent
    files = sorted(folder.rglob("*.py"))
    lines = [
        f"{file.relative_to(folder).as_posix()} {hash_lines(file.read_bytes())}" for file in files
    ]
    return hash_lines("\n".join(lines).encode())


def _digest(part: Any) -> str:
    try:
        return digest(part)
    except UnknownCodeError as error:
        return f"{UNKNOWN}: {error}"


@cache
def _digest_first(part: Any, run: str) -> str:  # noqa: ARG001, a run may begin after an edit
    """Return the digest of a class or function before it works for a run, which may change it."""
    return _digest(part)


def _name_code(named: list[Any]) -> dict[str, Any]:
    """Return the classes and functions whose code run.json does not tell already, by name."""
    return {
        f"code of {locate(part)}": part
        for part in _find_code(named)
        if not (is_named_only(part.__module__ or "builtins") and is_library(part))
    }


def _list_choices(arguments: Point) -> Iterator[Any]:
    """Yield the makers and traders of an exchange, registered names as their classes."""
    for name, registry in REGISTRIES.items():
        for choice in as_list((TRADERS | arguments).get(name, ())):
            yield registry.look_up(choice)


def _find_code(value: Any) -> Iterator[Any]:
    """Yield the classes and functions of a value and of what it holds."""
    if isinstance(value, dict):
        yield from _find_code(list(value.values()))
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _find_code(part)
    elif isinstance(value, partial):
        yield from _find_code([value.func, *value.args, value.keywords])
    elif is_of_scipy(value, "rv_frozen"):
        yield type(value.dist)
    elif isinstance(value, type) or isroutine(value):
        yield value
    else:
        yield type(value)
        if is_dataclass(value):
            yield from _find_code([getattr(value, field.name, None) for field in fields(value)])
