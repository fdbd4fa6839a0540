"""The setting of an environment: the market, and what a learner in it observes and is paid."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import partial
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from abm.beliefs.base import Belief
from abm.exchange.admission import MakerChoice
from abm.exchange.model import Exchange
from abm.makers.policy import DEPTHS, Interface, PolicyMaker, require_scaled
from abm.market.quotes import Quote
from abm.market.values import ValueProcess
from abm.numerics.arrays import Array
from abm.numerics.checks import discount_factor, require_one_of
from abm.numerics.frozen import set_fields
from abm.numerics.names import require_known
from abm.one_period.profit import expected_profit
from abm.participants.admission import TraderChoice, as_list
from abm.participants.maker import MarketMaker
from abm.participants.policies import Policy
from abm.participants.terms import PublicModel


class Seat(MarketMaker):
    """Where a learner sits: she quotes what the environment makes of the learner's action."""

    name = "learner"

    def __init__(self, model: PublicModel, *, belief: Belief | str) -> None:
        super().__init__(model, belief=belief)
        require_scaled(self)
        self.offer = Quote(0.0, 0.0)

    def quote(self) -> Quote:
        """Return the quote of the learner's action."""
        return self.offer


def mark_to_value(market: Exchange, seat: int, before: Belief) -> Array:  # noqa: ARG001
    """Return a learner's profit of the last period, marked to the value."""
    return market.clearing.dealings[seat].profit


def mark_to_belief(market: Exchange, seat: int, before: Belief) -> Array:  # noqa: ARG001
    """Return a learner's profit of the last period, marked to her mean once she has learnt."""
    learner = market.makers[seat]
    sold, mean = learner.last.quantity, learner.require_belief().mean  # type: ignore[union-attr]
    return sold * (market.clearing.price - mean)


def mark_to_expectation(market: Exchange, seat: int, before: Belief) -> Array:
    """Return what a learner expected to earn in the last period, on her belief before it."""
    return expected_profit(before, market.clearing.dealings[seat].quote, market.law)


MARKS: dict[str, Callable[[Exchange, int, Belief], Array]] = {
    "value": mark_to_value,
    "belief": mark_to_belief,
    "expected": mark_to_expectation,
}


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What an environment is made of; its parameters are those of all environments.

    Parameters
    ----------
    prior_sd : float, array of shape (R,), or tuple (low, high)
        Of the value, in units of price: one, one for each market, or a range from which each market
        of each episode draws its own (see `Exchange`).
    periods : int
        Traders who come in an episode, which is then truncated: a market does not end by itself.
    discount : float
        Per period. Rewards are not discounted: a learner does it herself, by this factor; at the
        end of an episode `info["discounted_profit"]` is what she is judged by.
    mark : {"value", "belief", "expected"}
        What the reward is: the learner's profit of the period marked to the value, or to the mean
        of her belief once she has learnt from the trade; or what she expected to earn before it,
        which has no variance but is a monopolist's.
    traders, value, transparency, prior_mean, noise_sd
        As those of an `Exchange`.
    rivals : one or a sequence of makers
        Who quote beside the learner, chosen as the makers of an `Exchange`.
    belief : Belief, "gaussian" or "exact"
        What a learner believes at first: the environment keeps it for her.
    last, symmetric, depths, decline
        What she observes, and what her actions mean (see `abm.makers.policy.Interface`).

    Raises
    ------
    ValueError, TypeError
        If one of them is out of range, or unknown.

    Examples
    --------
    >>> Setting(prior_sd=(1.0, 5.0), rivals="zero-profit").open(1, markets=2, seed=1, block=0)
    Exchange(learner, zero-profit; prior_sd=1.38483 to 2.62712, 2 markets, period 0)
    """

    prior_sd: ArrayLike = 3.0
    periods: int = 100
    discount: float = 0.9
    mark: str = "value"
    traders: TraderChoice | Sequence[TraderChoice] = "noisy"
    value: str | ValueProcess = "fixed"
    rivals: MakerChoice | Sequence[MakerChoice] = ()
    transparency: str = "public"
    prior_mean: float = 0.0
    noise_sd: float = 1.0
    belief: Belief | str = "gaussian"
    last: bool = False
    symmetric: bool = True
    depths: tuple[float, float] = DEPTHS
    decline: bool = False

    def __post_init__(self) -> None:
        discount_factor(self.discount)
        require_one_of("mark", self.mark, MARKS)
        _ = self.interface
        if isinstance(self.prior_sd, np.ndarray):
            set_fields(self, prior_sd=self.prior_sd.copy())  # of which no one else has a hold

    @classmethod
    def read(cls, given: Mapping[str, Any]) -> Self:
        """Return a setting of parameters by name; TypeError if one is unknown, with the nearest."""
        known = sorted([*(field.name for field in fields(cls)), "render_mode"])
        require_known("an environment", given, known)
        return cls(**given)

    @property
    def interface(self) -> Interface:
        """What a learner observes, and what her actions mean."""
        return Interface(self.periods, self.last, self.symmetric, self.depths, self.decline)

    def make_maker(self, policy: Policy, name: str = "policy") -> PolicyMaker:
        """Return the maker who quotes by a policy that was learnt in this setting."""
        return PolicyMaker(
            policy, periods=self.periods, last=self.last, symmetric=self.symmetric,
            depths=self.depths, decline=self.decline, belief=self.belief, name=name,
        )  # fmt: skip

    def open(self, learners: int, *, markets: int, seed: int, block: int) -> Exchange:
        """Return an exchange of so many learners and the rivals, before its first period."""
        rivals = as_list(self.rivals)
        if self.mark == "expected" and (rivals or learners > 1):
            raise ValueError(
                'mark is "expected", which is what a monopolist expects, but there are others who '
                'quote: give "belief" or "value"'
            )
        seats: list[Any] = [partial(Seat, belief=self.belief)] * learners
        return Exchange(
            [*seats, *rivals], self.traders, prior_mean=self.prior_mean, prior_sd=self.prior_sd,
            noise_sd=self.noise_sd, value=self.value, transparency=self.transparency,
            record="none", replications=markets, block=block, rng=seed,
        )  # fmt: skip
