"""Fingerprints of code: hashes of the files of what points name, which results depend on.

Makers, traders, noises and beliefs may come from anywhere, this package included, and their code
may change between a run and its resumption. The code of Python and of the libraries whose versions
run.json holds is told by these instead.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import fields, is_dataclass
from functools import partial
from hashlib import sha256
from inspect import isroutine, signature
from pathlib import Path
from typing import Any

from scipy.stats.distributions import rv_frozen

from abm.exchange.admission import as_list
from abm.exchange.model import Exchange
from abm.experiment.points import Point
from abm.participants.registry import MAKER_TYPES, TRADER_TYPES, locate
from abm.runs.description import LIBRARIES

REGISTRIES = {"makers": MAKER_TYPES, "traders": TRADER_TYPES}
TRADERS = {"traders": signature(Exchange).parameters["traders"].default}  # unless a point has some
VERSIONED = sys.stdlib_module_names.union(LIBRARIES)


def fingerprint(
    exchanges: Iterable[Point], functions: Iterable[Callable[..., Any]] = ()
) -> dict[str, str]:
    """Return the hashes of source files, by what of them is named: "code of module:Class".

    In the arguments of exchanges, makers and traders are named by themselves, by registered names,
    or in a partial; noises and other objects as arguments of a partial.
    """
    named = [*functions, *(choice for point in exchanges for choice in _list_choices(point))]
    files = {
        locate(code): sys.modules[code.__module__].__dict__.get("__file__")
        for code in _find_code(named)
        if (code.__module__ or "builtins").partition(".")[0] not in VERSIONED
    }
    return {
        f"code of {location}": _hash_lines(Path(file))
        for location, file in sorted(files.items())
        if file
    }


def _list_choices(arguments: Point) -> Iterator[Any]:
    """Yield the makers and traders of an exchange, registered names as their classes."""
    for name, registry in REGISTRIES.items():
        for choice in as_list((TRADERS | arguments).get(name, ())):
            yield registry.look_up(choice)


def _hash_lines(file: Path) -> str:
    """Return a hash of a file that is the same whichever way its lines end."""
    return sha256(file.read_bytes().replace(b"\r\n", b"\n")).hexdigest()[:12]


def _find_code(value: Any) -> Iterator[Any]:
    """Yield the classes and functions of a value and of what it holds."""
    if isinstance(value, dict):
        yield from _find_code(list(value.values()))
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _find_code(part)
    elif isinstance(value, partial):
        yield from _find_code([value.func, *value.args, value.keywords])
    elif isinstance(value, rv_frozen):
        yield type(value.dist)
    elif isinstance(value, type) or isroutine(value):
        yield value
    else:
        yield type(value)
        if is_dataclass(value):
            yield from _find_code([getattr(value, field.name, None) for field in fields(value)])
