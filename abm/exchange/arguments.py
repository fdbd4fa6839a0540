"""Arguments that an exchange does not take: which one was meant, or what takes it."""

from collections.abc import Callable
from functools import wraps
from inspect import signature
from typing import ParamSpec

from abm.numerics.names import suggest

ELSEWHERE = {
    "periods": "give it to run, as in Exchange('optimal').run(periods=100)",
    "discount": "give it to a maker, as in Exchange(partial(Optimal, discount=0.9))",
    "belief": "give it to a maker, as in Exchange(partial(Myopic, belief='exact'))",
}

Parameters = ParamSpec("Parameters")


def explain_unknown(init: Callable[Parameters, None]) -> Callable[Parameters, None]:
    """Return an __init__ whose TypeError about an unknown keyword says what was meant."""
    known = [*signature(init).parameters][1:]

    @wraps(init)
    def init_if_known(*args: Parameters.args, **kwargs: Parameters.kwargs) -> None:
        for name, value in kwargs.items():
            if name not in known:
                raise TypeError(
                    f"{name} is {value!r}, but an exchange does not take it: {_fix(name, known)}"
                )
        init(*args, **kwargs)

    return init_if_known


def _fix(name: str, known: list[str]) -> str:
    meant = suggest(name, [*known, *ELSEWHERE])
    if meant in ELSEWHERE:
        return ELSEWHERE[meant]
    hint = f"did you mean {meant}? " if meant else ""
    return f"{hint}known: {', '.join(known)}"
