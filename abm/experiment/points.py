"""Points of an experiment: the parameters of an exchange, and how they are described."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from functools import partial
from itertools import product
from typing import Any

import numpy as np
from scipy.stats.distributions import rv_frozen

from abm.participants.maker import MarketMaker
from abm.runs.schema import Column

Point = dict[str, Any]
"""The parameters of an exchange by name: `makers`, `prior_sd`, `world` and so on."""


def grid(**values: Iterable[Any]) -> list[Point]:
    """Return a point for each combination of these parameters' values, the last varying fastest.

    Examples
    --------
    >>> grid(makers=["optimal", "myopic"], prior_sd=[3.0])
    [{'makers': 'optimal', 'prior_sd': 3.0}, {'makers': 'myopic', 'prior_sd': 3.0}]
    """
    return [dict(zip(values, chosen, strict=True)) for chosen in product(*values.values())]


def described(points: Sequence[Point]) -> list[Point]:
    """Return points in numbers and words, each parameter of one type throughout.

    Makers are described by their names, or by where their classes are; a partial by its
    arguments. Several makers in one exchange are joined by "+".

    Raises
    ------
    TypeError
        If a parameter's description would differ from process to process.
    """
    names = points[0] if points else {}
    columns = {name: _of_one_type([in_words(point[name]) for point in points]) for name in names}
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def in_words(value: Any) -> Any:
    """Return a parameter as a number or in words."""
    if isinstance(value, list | tuple):
        return "+".join(str(in_words(one)) for one in value)
    if isinstance(value, partial):
        named = (f"{name}={_exactly(given)}" for name, given in value.keywords.items())
        return f"{in_words(value.func)}({', '.join([*map(_exactly, value.args), *named])})"
    if isinstance(value, type):
        if issubclass(value, MarketMaker) and value.__module__.startswith("abm."):
            return value.name
        return f"{value.__module__}:{value.__qualname__}"
    if isinstance(value, np.generic):
        return value.item()
    return value if isinstance(value, str | int | float) else _exactly(value)


def _exactly(value: Any) -> str:
    """Return the repr of a value, with all digits and elements of its arrays."""
    if isinstance(value, rv_frozen):
        parameters = [*map(_exactly, value.args)]
        parameters += (f"{name}={_exactly(given)}" for name, given in value.kwds.items())
        return f"scipy.stats.{value.dist.name}({', '.join(parameters)})"
    with np.printoptions(threshold=sys.maxsize, precision=17):
        return repr(value.item() if isinstance(value, np.generic) else value)


def _of_one_type(values: list[Any]) -> list[Any]:
    for value in values:
        if isinstance(value, str) and " at 0x" in value:
            raise TypeError(
                f"parameter {value!r} has no description of its own: give a class, a partial with "
                f"plain arguments, or an object with a repr that tells it apart"
            )
    if any(isinstance(value, str) for value in values):
        return [str(value) for value in values]
    if any(isinstance(value, float) for value in values):
        return [float(value) for value in values]
    return values


def varied(points: Sequence[Point]) -> list[str]:
    """Return the names of the parameters in which described points differ."""
    names = points[0] if points else {}
    return [name for name in names if len({point[name] for point in points}) > 1]


def columns_of(points: Sequence[Point]) -> tuple[Column, ...]:
    """Return the columns that tell described points apart."""
    dtypes = {str: "category", float: "float64", int: "int64", bool: "bool"}
    return tuple(
        Column(name, dtypes[type(points[0][name])], "", "parameter of the point")
        for name in varied(points)
    )
