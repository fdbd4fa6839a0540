"""Who takes part: makers and traders are made and labelled, and rules about them are checked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain, count
from pathlib import Path
from traceback import extract_tb
from typing import Any, TypeVar

import numpy as np

from abm.beliefs.base import Belief
from abm.exchange.holdings import require_holdings
from abm.market.random_streams import Streams, maker_role
from abm.numerics.checks import require_comparable
from abm.participants.agent import Participant
from abm.participants.maker import MarketMaker
from abm.participants.registry import MAKER_TYPES, TRADER_TYPES, Registry, locate
from abm.participants.terms import PublicModel
from abm.participants.trader import Trader

PACKAGE = Path(__file__).parents[1]
MOST_TYPES = 100  # of traders, numbered in int8

Kind = TypeVar("Kind", bound=Participant)
MakerChoice = str | Callable[..., MarketMaker]
TraderChoice = str | Callable[..., Trader]


def admit_makers(
    makers: MakerChoice | Sequence[MakerChoice], model: PublicModel, streams: Streams
) -> list[MarketMaker]:
    """Return the makers at work in this market, each with a label and draws of her own."""
    choices = _require_any("maker", makers, "optimal")
    admitted: list[MarketMaker] = []
    for choice in choices:
        maker = _make(choice, MAKER_TYPES, model)
        _require_free_name(maker, MAKER_TYPES, admitted)
        maker.label = _choose_label(maker.name, {other.label for other in admitted})
        maker.draws = streams.draws(maker_role(maker.label))
        require_holdings(maker, "she was made", model.period)
        if maker.belief is not None:
            mean, sd = maker.moments
            require_comparable("belief", mean, sd, model.law.noise_sd)
        admitted.append(maker)
    return admitted


def admit_traders(
    traders: TraderChoice | Sequence[TraderChoice], model: PublicModel
) -> list[Trader]:
    """Return an agent for each type of trader that arrives, each with a label.

    Examples
    --------
    >>> from abm import Exchange
    >>> admit_traders("noisy", Exchange("optimal", noise_sd=2.0))
    [NoisyTrader(NoisyValuation(noise=GaussianNoise(sd=2.0)))]
    """
    admitted: list[Trader] = []
    for choice in _require_any("trader", traders, "noisy"):
        trader = _make(choice, TRADER_TYPES, model)
        _require_free_name(trader, TRADER_TYPES, admitted)
        trader.label = _choose_label(trader.name, {other.label for other in admitted})
        admitted.append(trader)
    if len(admitted) > MOST_TYPES:
        raise ValueError(
            f"traders holds {len(admitted)} types, but must hold at most {MOST_TYPES}: give fewer"
        )
    return admitted


def as_list(choices: Any) -> list[Any]:
    """Return one choice or several as a list."""
    return list(choices) if isinstance(choices, list | tuple) else [choices]


def _require_any(noun: str, choices: Any, example: str) -> list[Any]:
    given = as_list(choices)
    if not given:
        raise ValueError(f"{noun}s is empty, but a market needs one: give a {noun}, as {example!r}")
    return given


def _make(choice: Any, registry: Registry[Kind], model: PublicModel) -> Kind:
    """Return a participant of this model.

    What the participant or this package says of its parameters is raised as it is.

    Raises
    ------
    TypeError
        If the choice is not a class of the registry's kind, or a partial of one.
    MakerError, TraderError
        If the class cannot be made one.
    """
    chosen = registry.look_up(choice)
    kind = registry.require_kind(chosen)
    fix = "let __init__ take the model first, and begin with super().__init__(model)"
    says = f"{registry.noun} {locate(kind)} could not be made"
    try:
        participant: Kind = chosen(model)
    except Exception as error:
        raised = Path(extract_tb(error.__traceback__)[-1].filename)
        ours = raised.is_relative_to(PACKAGE) and raised != Path(__file__)
        if ours or isinstance(error, ValueError):
            raise
        if isinstance(error, TypeError) and " required keyword-only argument" in str(error):
            fix = f"give it as partial({kind.__name__}, ...), in Python"
        raise kind.failure(f"{says}: {type(error).__name__}: {error}; {fix}") from error
    missing = [name for name in kind.attributes if not hasattr(participant, name)]
    if missing:
        raise kind.failure(f"{says}: it lacks {', '.join(missing)}; {fix}")
    return participant


def _require_free_name(
    participant: Kind, registry: Registry[Kind], others: Sequence[Kind] = ()
) -> None:
    """Raise ValueError if another class has this name, here or among the registered."""
    name, own = participant.name, type(participant)
    for kind in [*(type(other) for other in others), *registry.load_own().values()]:
        if kind.name == name and kind is not own:
            raise ValueError(
                f"{registry.noun} {name!r} is {locate(own)}, but {locate(kind)} has that name: "
                f"give the class another"
            )


def _choose_label(name: str, taken: set[str]) -> str:
    """Return the name, or the first of name-2, name-3 and so on that is free."""
    others = (f"{name}-{number}" for number in count(2))
    return next(label for label in chain([name], others) if label not in taken)


def find_common_belief(makers: Sequence[MarketMaker]) -> Belief:
    """Return the Gaussian belief that all makers with a belief share.

    Raises
    ------
    ValueError
        If there is none, or they differ, or one is not Gaussian.
    """
    beliefs = [maker.belief for maker in makers if maker.belief is not None]
    if beliefs and all(
        belief.is_gaussian
        and np.array_equal(belief.mean, beliefs[0].mean)
        and np.array_equal(belief.sd, beliefs[0].sd)
        for belief in beliefs
    ):
        return beliefs[0]
    raise ValueError(
        'world is "gaussian", which draws the value from the belief that all makers share, but '
        'their beliefs differ or are not Gaussian: give them one prior, or world="real"'
    )
