"""The options that scenarios share: their types and help, and how their texts are read."""

from collections.abc import Callable
from typing import Annotated, TypeVar

from typer import Option

from abm.participants.registry import MAKER_TYPES
from analysis.canvas import FORMATS

Number = TypeVar("Number")

Makers = Annotated[
    str,
    Option(
        help="Names, module:Class (of the current folder, too) or policy:FILE, separated by commas."
    ),
]
Shocks = Annotated[str, Option(help="Sds of the value after the shock, separated by commas.")]
Replications = Annotated[
    int, Option(help="Markets at each point; above one block, a multiple of it.")
]
Discount = Annotated[float, Option(help="Discount factor per period, from 0 to below 1.")]
Seed = Annotated[int, Option(help="Seed of all random draws.")]
Periods = Annotated[int, Option(help="Periods; one trader arrives in each.")]
Out = Annotated[str, Option(help="Folder to write into, or a URL.")]
Workers = Annotated[
    str, Option(help="Number of processes, or a Dask scheduler as tcp://HOST:8786.")
]
Resume = Annotated[bool, Option("--resume", help="Continue what an earlier run left unfinished.")]
Verify = Annotated[bool, Option("--verify", help="With --resume, check every byte of it.")]
Formats = Annotated[
    str, Option("--format", help="Of figures: png, pdf, svg, or several, separated by commas.")
]


def parse_formats(formats: str) -> list[str]:
    """Return the formats of an option; ValueError if one is unknown."""
    kinds = list(dict.fromkeys(split_commas(formats)))
    if unknown := [kind for kind in kinds if kind not in FORMATS]:
        raise ValueError(
            f"format is {unknown[0]!r}, but must be one of {', '.join(FORMATS)}: give as png,pdf"
        )
    return kinds


def parse_makers(makers: str, least: int = 1) -> list[str]:
    """Return the makers of an option; tables identify them by the names of their classes.

    Raises
    ------
    ValueError, TypeError
        If there are fewer than `least`, one is unknown, or two different classes have one name.

    Examples
    --------
    >>> parse_makers("optimal, zero-profit")
    ['optimal', 'zero-profit']
    """
    chosen = split_commas(makers)
    if len(chosen) < least:
        raise ValueError(
            f"makers is {makers!r}, but must name at least {least}: give as optimal,myopic"
        )
    firsts: dict[str, str] = {}
    for word in chosen:
        name = MAKER_TYPES.find(word).name
        first = firsts.setdefault(name, word)
        if first != word:
            raise ValueError(
                f"makers is {makers!r}, where {first} and {word} both have the name {name!r}: "
                f"give one another, a policy by PolicyMaker(policy, name=...), or leave one out"
            )
    return chosen


def split_commas(text: str) -> list[str]:
    """Return the words of a text that are separated by commas."""
    return [word.strip() for word in text.split(",")]


def parse_numbers(name: str, text: str) -> list[float]:
    """Return the numbers of an option, which commas separate.

    Raises
    ------
    ValueError
        If one is no number; the message has the option's name.

    Examples
    --------
    >>> parse_numbers("prior_sd", "1,3")
    [1.0, 3.0]
    """
    return _parse_each(name, text, float, "numbers: give as 1 or as 1,3,5")


def parse_sds(name: str, text: str) -> list[float | tuple[float, float]]:
    """Return the standard deviations of an option; 1..8 is a range, of which each market has one.

    Raises
    ------
    ValueError
        If one is neither a number nor a range; the message has the option's name.

    Examples
    --------
    >>> parse_sds("prior_sd", "3,1..8")
    [3.0, (1.0, 8.0)]
    """
    return _parse_each(name, text, _parse_sd, "numbers or ranges: give as 3 or as 1,3,1..8")


def _parse_sd(word: str) -> float | tuple[float, float]:
    low, dots, high = word.partition("..")
    return (float(low), float(high)) if dots else float(word)


def parse_counts(name: str, text: str) -> list[int]:
    """Return the whole numbers of an option, which commas separate; ValueError if one is none."""
    return _parse_each(name, text, int, "whole numbers: give as 5 or as 1,2,5")


def _parse_each(name: str, text: str, parse: Callable[[str], Number], rule: str) -> list[Number]:
    try:
        return [parse(word) for word in split_commas(text)]
    except ValueError:
        raise ValueError(f"{name} is {text!r}, but must be {rule}") from None
