"""Who takes part, of whatever kind: participants are made and labelled, and traders mixed."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import chain, count
from pathlib import Path
from traceback import extract_tb
from typing import Any, TypeVar

import mesa

from abm.market.laws import Law
from abm.market.mixtures import Mixture
from abm.market.moves import STILL
from abm.market.values import Fixed
from abm.participants.agent import Participant
from abm.participants.registry import TRADER_TYPES, Registry, locate
from abm.participants.terms import PublicModel, Terms
from abm.participants.trader import Trader

PACKAGE = Path(__file__).parents[1]
MOST_TYPES = 100  # of traders, numbered in int8
ROUNDING = 1e-9  # of shares

Kind = TypeVar("Kind", bound=Participant)
TraderChoice = str | Callable[..., Trader]


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
    for choice in require_any("trader", traders, "noisy"):
        trader = make(choice, TRADER_TYPES, model)
        require_free_name(trader, TRADER_TYPES, admitted)
        trader.label = choose_label(trader.name, {other.label for other in admitted})
        admitted.append(trader)
    if len(admitted) > MOST_TYPES:
        raise ValueError(
            f"traders holds {len(admitted)} types, but must hold at most {MOST_TYPES}: give fewer"
        )
    return admitted


class _Market(mesa.Model):
    """A market of which nothing is known but its terms."""

    def __init__(self, noise_sd: float) -> None:
        super().__init__(rng=0)
        self.terms, self.period = Terms.of(0.0, noise_sd, noise_sd, 1), 0
        self.process, self.moved = Fixed(), STILL


def find_law(traders: TraderChoice | Sequence[TraderChoice], noise_sd: float) -> Law:
    """Return the law by which such traders value, where the public believes N(0, noise_sd^2).

    Arguments and errors are those of an `Exchange`.
    """
    admitted = admit_traders(traders, _Market(noise_sd))
    return mix_laws([trader.law for trader in admitted], find_shares(admitted))


def mix_laws(laws: Sequence[Law], shares: Sequence[float]) -> Law:
    """Return the law of a trader of one of these types."""
    return laws[0] if len(laws) == 1 else Mixture(laws, shares)


def find_shares(traders: Sequence[Trader]) -> list[float]:
    """Return with which probability a trader of each type comes.

    Raises
    ------
    ValueError
        If a type but the first has no share, they sum past 1, or the first has another than the
        others leave.
    """
    first, *others = traders
    shares = []
    for trader in others:
        if trader.share is None:
            raise ValueError(
                f"trader {trader.label!r} has no share, but comes beside {first.label!r}: give one "
                f"of all traders, as partial({type(trader).__name__}, share=0.3)"
            )
        shares.append(trader.share)
    rest = 1.0 - sum(shares)
    if rest < -ROUNDING:
        raise ValueError(
            f"shares of traders sum to {sum(shares):.6g}, but must to 1 at most, of which "
            f"{first.label!r} has the rest: give smaller ones"
        )
    if first.share is not None and abs(first.share - rest) > ROUNDING:
        raise ValueError(
            f"share is {first.share:.6g} for {first.label!r}, but the other types leave "
            f"{max(rest, 0.0):.6g}: give it that, or no share"
        )
    return [max(rest, 0.0), *shares]


def as_list(choices: Any) -> list[Any]:
    """Return one choice or several as a list."""
    return list(choices) if isinstance(choices, list | tuple) else [choices]


def require_any(noun: str, choices: Any, example: str) -> list[Any]:
    """Return one choice or several as a list, or raise ValueError if there is none."""
    given = as_list(choices)
    if not given:
        raise ValueError(f"{noun}s is empty, but a market needs one: give a {noun}, as {example!r}")
    return given


def make(choice: Any, registry: Registry[Kind], model: PublicModel) -> Kind:
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
            needed = ", ".join(re.findall(r"'(\w+)'", str(error)))
            raise kind.failure(
                f"{registry.noun} {locate(kind)} needs {needed}: give it as "
                f"partial({kind.__name__}, ...), or to a command as {kind.name}(...)"
            ) from error
        raise kind.failure(f"{says}: {type(error).__name__}: {error}; {fix}") from error
    missing = [name for name in kind.attributes if not hasattr(participant, name)]
    if missing:
        raise kind.failure(f"{says}: it lacks {', '.join(missing)}; {fix}")
    return participant


def require_free_name(
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


def choose_label(name: str, taken: set[str]) -> str:
    """Return the name, or the first of name-2, name-3 and so on that is free."""
    others = (f"{name}-{number}" for number in count(2))
    return next(label for label in chain([name], others) if label not in taken)
