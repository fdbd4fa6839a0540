"""Arguments of an exchange: those that a scenario holds, and those that it does not take."""

from collections.abc import Callable, Iterable, Iterator
from copy import deepcopy
from functools import wraps
from inspect import signature
from typing import Any, ParamSpec, Protocol

import numpy as np

from abm.market.random_streams import LARGEST_SEED
from abm.numerics.describe import show_value
from abm.numerics.names import require_known

ELSEWHERE = {
    "periods": "give it to run, as in Exchange('optimal').run(periods=100)",
    "discount": "give it to a maker, as in Exchange(partial(Optimal, discount=0.9))",
    "belief": "give it to a maker, as in Exchange(partial(Myopic, belief='exact'))",
}

Parameters = ParamSpec("Parameters")


class MesaScenario(Protocol):
    """What Mesa's sweeps pass since Mesa 3.5: parameters by name, and a seed or a generator."""

    rng: Any

    def __iter__(self) -> Iterator[tuple[str, Any]]:
        """Yield each parameter and its value."""


def read_arguments(init: Callable[Parameters, None]) -> Callable[Parameters, None]:
    """Return an __init__ that takes what a scenario holds as if it were given.

    Its TypeError about an unknown keyword says what was meant.
    """
    known = [*signature(init).parameters][1:]

    @wraps(init)
    def init_with_known(*args: Parameters.args, **kwargs: Parameters.kwargs) -> None:
        arguments: dict[str, Any] = kwargs
        if arguments.get("scenario") is not None:
            arguments = _read_scenario(arguments, [*args][1:])
        require_known("an exchange", arguments, known, ELSEWHERE)
        init(*args, **arguments)

    return init_with_known


def _read_scenario(kwargs: dict[str, Any], args: list[Any]) -> dict[str, Any]:
    """Return the arguments that a scenario holds, and itself.

    From a generator, which Mesa 4 makes of every seed, one is drawn, and the generator left as it
    was: one scenario is one market, however often it is run.
    """
    scenario: Any = kwargs["scenario"]
    given = sorted(kwargs.keys() - {"scenario"}) + ["makers"] * bool(args)
    if given:
        raise TypeError(
            f"scenario is given beside {', '.join(given)}, but must hold all arguments: give them "
            f"to the Scenario"
        )
    is_one = hasattr(scenario, "rng") and isinstance(scenario, Iterable)
    if not is_one:
        raise TypeError(
            f"scenario is {show_value(scenario)}, but must be a Scenario of Mesa: give one, or its "
            f"parameters as arguments"
        )
    rng = scenario.rng
    if isinstance(rng, np.random.Generator):
        rng = int(deepcopy(rng).integers(LARGEST_SEED, endpoint=True))
    return dict(scenario) | {"rng": rng, "scenario": scenario}
