"""Who takes part: makers get a seat, a label and draws; rules about them all are checked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from inspect import isabstract
from itertools import chain, count
from pathlib import Path
from traceback import extract_tb
from typing import Any

import numpy as np

from abm.beliefs.gaussian import GaussianBelief
from abm.beliefs.none import NoBelief
from abm.market.random_streams import Streams, maker_role
from abm.participants.maker import MakerError, MarketMaker
from abm.participants.registry import MAKER_TYPES, locate
from abm.participants.terms import Market
from abm.participants.trader import Trader

PACKAGE = Path(__file__).parents[1]

MakerChoice = str | Callable[..., MarketMaker]
TraderChoice = Callable[..., Trader]


def seated(
    makers: MakerChoice | Sequence[MakerChoice], model: Market, streams: Streams
) -> list[MarketMaker]:
    """Return the makers at work in this market, each with a label and draws of her own."""
    choices = listed(makers)
    if not choices:
        raise ValueError("makers is empty, but a market needs one: give a maker, as 'optimal'")
    agents: list[MarketMaker] = []
    for choice in choices:
        chosen = MAKER_TYPES.find(choice) if isinstance(choice, str) else choice
        maker = _made(_type_checked("maker", chosen, MarketMaker, "or a registered name"), model)
        _require_free_name(maker, agents)
        maker.label = _label(maker.name, {agent.label for agent in agents})
        maker.draws = streams.draws(maker_role(maker.label))
        agents.append(maker)
    return agents


def _made(choice: Callable[..., MarketMaker], model: Market) -> MarketMaker:
    """Return a maker, or raise MakerError if her class cannot be made one.

    What she or this package says of her parameters is raised as it is.
    """
    kind = choice.func if isinstance(choice, partial) else choice
    if isabstract(kind):
        raise TypeError(f"maker {locate(kind)} has no method quote, but must have one: add it")
    mend = "let __init__ take the model first, and begin with super().__init__(model)"
    try:
        maker = choice(model)
    except Exception as error:
        raised = Path(extract_tb(error.__traceback__)[-1].filename)
        ours = raised.is_relative_to(PACKAGE) and raised != Path(__file__)
        if ours or isinstance(error, ValueError):
            raise
        raise MakerError(
            f"maker {locate(kind)} could not be made: {type(error).__name__}: {error}; {mend}"
        ) from error
    if not all(hasattr(maker, name) for name in ("terms", "inventory", "cash", "belief")):
        raise MakerError(
            f"maker {locate(kind)} could not be made: she has no terms, belief, inventory or cash; "
            f"{mend}"
        )
    return maker


def _require_free_name(maker: MarketMaker, others: Sequence[MarketMaker]) -> None:
    """Raise ValueError if another class has this name, here or among the registered."""
    known = [type(other) for other in others] + list(MAKER_TYPES.load_own().values())
    for kind in known:
        if kind.name == maker.name and kind is not type(maker):
            raise ValueError(
                f"maker {maker.name!r} is {locate(type(maker))}, but {locate(kind)} has that name: "
                f"give her class another"
            )


def _label(name: str, taken: set[str]) -> str:
    """Return the name, or the first of name-2, name-3 and so on that is free."""
    others = (f"{name}-{number}" for number in count(2))
    return next(label for label in chain([name], others) if label not in taken)


def only_type(traders: TraderChoice | Sequence[TraderChoice]) -> TraderChoice:
    """Return the type of trader that arrives."""
    types = listed(traders)
    if len(types) != 1:
        raise ValueError(
            f"traders holds {len(types)} types, but this exchange serves one: give (NoisyTrader,)"
        )
    return _type_checked("trader", types[0], Trader, "as NoisyTrader")


def listed(choices: Any) -> list[Any]:
    """Return one choice or several as a list."""
    return list(choices) if isinstance(choices, list | tuple) else [choices]


def _type_checked(what: str, choice: Any, base: type, mend: str) -> Any:
    """Return the choice if it is a subclass of `base`, or a partial of one."""
    kind = choice.func if isinstance(choice, partial) else choice
    if not (isinstance(kind, type) and issubclass(kind, base)):
        raise TypeError(
            f"{what} is {choice!r}, but must be a {base.__name__}: "
            f"give a subclass, a partial of one, {mend}"
        )
    return choice


def common_belief(makers: Sequence[MarketMaker]) -> GaussianBelief:
    """Return the Gaussian belief that all makers with a belief share.

    Raises
    ------
    ValueError
        If there is none, or they differ, or one is not Gaussian.
    """
    beliefs = [maker.belief for maker in makers if not isinstance(maker.belief, NoBelief)]
    first = beliefs[0] if beliefs else None
    if isinstance(first, GaussianBelief) and all(
        isinstance(belief, GaussianBelief)
        and np.array_equal(belief.mean, first.mean)
        and np.array_equal(belief.sd, first.sd)
        for belief in beliefs
    ):
        return first
    raise ValueError(
        'world is "gaussian", which draws the value from the belief that all makers share, but '
        'their beliefs differ or are not Gaussian: give them one prior, or world="real"'
    )
