"""Names with arguments, as options hold them: `optimal`, or `uninformed(share=0.3, reach=3)`.

Commas separate choices, and "+" those who share an exchange. Arguments are numbers, words in
quotes, True, False, None, or lists of them; nothing else is evaluated.
"""

import ast
import re
from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any

from abm.market.values import Jumps
from abm.numerics.checks import require_one_of
from abm.participants.registry import MAKER_TYPES, POLICY, TRADER_TYPES, Registry
from abm.traders import NoisyTrader

CALL = re.compile(r"(?P<name>[^()\s]+)\s*(?:\((?P<arguments>.*)\))?", re.DOTALL)
OUTSIDE = r"(?![^()]*(?:\([^()]*\)[^()]*)*\))"  # not between parentheses, in two levels of them
PROCESSES: dict[str, Any] = {"fixed": "fixed", "redrawn": "redrawn", "jumps": Jumps}
GAUSSIAN = "gaussian"


def split_choices(text: str) -> list[str]:
    """Return the choices of a text that are separated by commas outside parentheses.

    Examples
    --------
    >>> split_choices("noisy, uninformed(share=0.3, reach=3)")
    ['noisy', 'uninformed(share=0.3, reach=3)']
    """
    return [word.strip() for word in re.split(f",{OUTSIDE}", text)]


def parse_types(text: str, registry: Registry[Any]) -> list[list[Any]]:
    """Return lists of makers, or of traders, each of those who share an exchange.

    Raises
    ------
    ValueError
        If a name is unknown, or arguments cannot be read.

    Examples
    --------
    >>> from abm.participants.registry import TRADER_TYPES
    >>> parse_types("noisy, noisy+uninformed(share=0.3)", TRADER_TYPES)[1][1].keywords
    {'share': 0.3}
    """

    def make(word: str) -> Any:
        if word.startswith(POLICY):  # in front of a file, whose name may hold spaces
            registry.find(word)
            return word
        name, arguments = parse_call(registry.noun, word)
        kind: Callable[..., Any] = registry.find(name)
        return partial(kind, **arguments) if arguments else name

    joined = (re.split(rf"\+{OUTSIDE}", word) for word in split_choices(text))
    return [[make(word.strip()) for word in words] for words in joined]


def parse_participant(text: str) -> tuple[Registry[Any], Any]:
    """Return a maker or a trader, and the registry of its kind.

    Raises
    ------
    ValueError, TypeError
        If the name is unknown, or what has it is neither.

    Examples
    --------
    >>> registry, trader = parse_participant("uninformed(share=0.3)")
    >>> registry.noun, trader.keywords
    ('trader', {'share': 0.3})
    """
    name, _ = parse_call("name", text)
    registry = find_registry(name)
    ((choice,),) = parse_types(text, registry)
    return registry, choice


def find_registry(name: str) -> Registry[Any]:
    """Return the registry of what has this name, or is at this location: makers come first."""
    if ":" not in name:
        known = {kind: registry for registry in (TRADER_TYPES, MAKER_TYPES)
                 for kind in registry.list_names()}  # fmt: skip
        return known[require_one_of("name", name, list(known))]
    try:
        MAKER_TYPES.find(name)
    except TypeError as error:
        try:
            TRADER_TYPES.find(name)
        except TypeError:
            raise TypeError(f"{error}; or a Trader") from None
        return TRADER_TYPES
    return MAKER_TYPES


def parse_processes(text: str) -> list[Any]:
    """Return how the value moves, for an `Exchange`, as in "fixed, jumps(sd=1, probability=0.05)".

    ValueError or TypeError if a word is unknown, or its arguments are wrong.
    """
    return [
        _choose("value", word, PROCESSES.__getitem__, PROCESSES) for word in split_choices(text)
    ]


def parse_noises(text: str) -> list[Any]:
    """Return distributions of scipy.stats by name, None for the Gaussian.

    ValueError or TypeError if a name is unknown, or its arguments are wrong.
    """
    stats = import_module("scipy.stats")
    known = sorted(
        name for name, what in vars(stats).items() if isinstance(what, stats.rv_continuous)
    )
    return [
        None if word == GAUSSIAN
        else _choose("noise", word, lambda name: getattr(stats, name, name), [GAUSSIAN, *known])
        for word in split_choices(text)
    ]  # fmt: skip


def give_noise(types: list[Any], noise: Any) -> list[Any]:
    """Return types of traders of which the noisy one has this noise, unless it is the Gaussian."""
    if noise is None:
        return types
    noisy = [one for one in types if one == NoisyTrader.name]
    if not noisy:
        raise ValueError(
            "noise is given, but no trader type is 'noisy' without arguments of its own: give one, "
            "or leave the noise out"
        )
    return [partial(NoisyTrader, noise=noise) if one == NoisyTrader.name else one for one in types]


def _choose(option: str, word: str, find: Callable[[str], Any], known: Any) -> Any:
    """Return what a word names, called with its arguments if it is not a word itself."""
    name, arguments = parse_call(option, word)
    chosen = find(require_one_of(option, name, list(known)))
    if isinstance(chosen, str):
        if arguments:
            raise ValueError(f"{option} is {word!r}, but {name} takes no arguments: leave them out")
        return chosen
    try:
        return chosen(**arguments)
    except TypeError as error:
        raise ValueError(f"{option} is {word!r}, but takes other arguments: {error}") from error


def parse_call(option: str, word: str) -> tuple[str, dict[str, Any]]:
    """Return the name and the arguments of a choice.

    Raises
    ------
    ValueError
        If it is not a name, or arguments are not named, or not plain.

    Examples
    --------
    >>> parse_call("value", "jumps(sd=1, at=[50])")
    ('jumps', {'sd': 1, 'at': [50]})
    """
    if not word:
        return "", {}
    found = CALL.fullmatch(word)
    try:
        if not found:
            raise ValueError
        call = ast.parse(f"f({found['arguments'] or ''})", mode="eval").body
        if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Name)):
            raise ValueError
        if call.args or not all(keyword.arg for keyword in call.keywords):
            raise ValueError
        arguments = {str(one.arg): ast.literal_eval(one.value) for one in call.keywords}
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        raise ValueError(
            f"{option} is {word!r}, but must be a name, or one with named arguments: give as "
            f"optimal or as uninformed(share=0.3, reach=3)"
        ) from None
    return found["name"], arguments
