"""Points of an experiment: the parameters of an exchange, and how they are described."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import fields, is_dataclass
from functools import partial
from inspect import isroutine
from itertools import product
from math import prod
from typing import Any

import numpy as np

from abm.experiment.digest import digest
from abm.experiment.errors import UnknownCodeError
from abm.makers.policy import PolicyMaker
from abm.market.distributions import is_of_scipy
from abm.participants.agent import Participant
from abm.participants.registry import locate
from abm.runs.schema import Column

MOST_POINTS = 10_000
CONTAINERS = (list, tuple, dict, set, frozenset)
LABELS = {"value": "process"}  # of parameters in tables, where value is the true value V
Point = dict[str, Any]
"""Parameters by name: `makers`, `prior_sd`, `value` and so on, or names of a scenario's own."""


def grid(**values: Iterable[Any]) -> list[Point]:
    """Return a point for each combination of these parameters' values, the last varying fastest.

    Raises
    ------
    ValueError
        If there are more than MOST_POINTS.

    Examples
    --------
    >>> grid(makers=["optimal", "myopic"], prior_sd=[3.0])
    [{'makers': 'optimal', 'prior_sd': 3.0}, {'makers': 'myopic', 'prior_sd': 3.0}]
    """
    lists = {name: list(given) for name, given in values.items()}
    count = prod(map(len, lists.values()))
    if count > MOST_POINTS:
        sizes = " times ".join(f"{len(given)} {name}" for name, given in lists.items() if given[1:])
        raise ValueError(
            f"the grid has {count} points ({sizes}), but must have at most {MOST_POINTS}: give "
            f"fewer values"
        )
    return [dict(zip(lists, chosen, strict=True)) for chosen in product(*lists.values())]


def describe_points(points: Sequence[Point]) -> list[Point]:
    """Return points as numbers and text, each parameter of one type throughout.

    Makers and traders of this package are described by their names, others by the locations of
    their classes; a partial by its arguments. Several makers in one exchange are joined by "+". How
    the value moves is called `process`, for in tables `value` is the value.

    Raises
    ------
    TypeError
        If a parameter's description would differ from process to process.
    """
    names = points[0] if points else {}
    columns = {
        LABELS.get(name, name): _give_one_type([describe_value(point[name]) for point in points])
        for name in names
    }
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def describe_value(value: Any) -> Any:
    """Return a parameter as a number or text."""
    if isinstance(value, tuple) and all(isinstance(end, int | float) for end in value):
        return "..".join(f"{end:g}" for end in value)  # a range
    if isinstance(value, list | tuple):
        return "+".join(str(describe_value(part)) for part in value)
    if isinstance(value, PolicyMaker):
        return _describe_policy(value)
    if isinstance(value, partial):
        return f"{describe_value(value.func)}({_show_arguments(value.args, value.keywords)})"
    if isinstance(value, type):
        if issubclass(value, Participant) and value.__module__.startswith("abm."):
            return value.name
        return locate(value)
    if isinstance(value, np.generic):
        return value.item()
    return value if isinstance(value, str | int | float) else _show_exactly(value)


def describe_function(name: str, function: Callable[..., Any]) -> str:
    """Return the location of the function that is parameter `name`, with a partial's arguments.

    Raises
    ------
    TypeError
        If its description would not tell it apart from others.
    """
    if isinstance(function, partial):
        arguments = _show_arguments(function.args, function.keywords)
        text = f"{describe_function(name, function.func)}({arguments})"
    else:
        text = locate(function) if isroutine(function) else _show_exactly(function)
    if "<lambda>" in text or " at 0x" in text:
        raise TypeError(
            f"{name} is {text}, which does not tell it apart from others: give a function that "
            f"has a name, a partial of one with plain arguments, or a frozen dataclass"
        )
    return text


def varying_parameters(points: Sequence[Point]) -> list[str]:
    """Return the names of the parameters in which described points differ."""
    names = points[0] if points else {}
    return [name for name in names if len({point[name] for point in points}) > 1]


def point_columns(points: Sequence[Point]) -> tuple[Column, ...]:
    """Return the columns that tell described points apart."""
    dtypes = {str: "category", float: "float64", int: "int64", bool: "bool"}
    return tuple(
        Column(name, dtypes[type(points[0][name])], "", "parameter of the point")
        for name in varying_parameters(points)
    )


def _describe_policy(maker: PolicyMaker) -> str:
    """Return what tells a policy apart: its name, and a digest of all that it does."""
    policy = maker.policy
    name = getattr(policy, "__name__", type(policy).__name__)
    try:
        return f"{maker.name}({name} {digest(maker)})"
    except UnknownCodeError as error:
        raise TypeError(
            f"policy {name!r} cannot be told apart from others ({error}): give a function or a "
            f"frozen dataclass whose parts can be read"
        ) from error


def _show_arguments(args: Sequence[Any], keywords: dict[str, Any]) -> str:
    named = (f"{name}={_show_exactly(value)}" for name, value in keywords.items())
    return ", ".join([*map(_show_exactly, args), *named])


def _show_exactly(value: Any) -> str:
    """Return the repr of a value, with all digits and elements of its arrays."""
    if is_of_scipy(value, "rv_frozen"):
        return f"scipy.stats.{value.dist.name}({_show_arguments(value.args, value.kwds)})"
    if is_dataclass(value) and not isinstance(value, type):  # whose repr may be short
        shown = {field.name: getattr(value, field.name) for field in fields(value) if field.repr}
        return f"{type(value).__qualname__}({_show_arguments((), shown)})"
    if type(value) in CONTAINERS:
        return _show_items(value)
    with np.printoptions(threshold=sys.maxsize, precision=17):
        return repr(value.item() if isinstance(value, np.generic) else value)


def _show_items(values: Any) -> str:
    """Return the repr of a list, tuple, dict or set, with all that its items hold; sets sorted."""

    def show(item: Any) -> str:
        return repr(item) if isinstance(item, np.generic) else _show_exactly(item)

    if isinstance(values, dict):
        return "{" + ", ".join(f"{show(key)}: {show(item)}" for key, item in values.items()) + "}"
    if isinstance(values, set | frozenset):
        return f"{type(values).__name__}({sorted(map(show, values))})"
    items = ", ".join(map(show, values))
    if isinstance(values, list):
        return f"[{items}]"
    return f"({items},)" if len(values) == 1 else f"({items})"


def _give_one_type(values: list[Any]) -> list[Any]:
    for value in values:
        if isinstance(value, str) and " at 0x" in value:
            raise TypeError(
                f"parameter {value!r} has no description of its own: give a class, a partial with "
                f"plain arguments, or an object with a repr that tells it apart"
            )
    for kind in (str, float):
        if any(isinstance(value, kind) for value in values):
            return [kind(value) for value in values]
    return values
