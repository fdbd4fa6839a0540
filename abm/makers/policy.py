"""Policies as makers: what a policy observes, how it acts, and the maker who goes by it.

A policy is a function from observations, shape (R, n), to actions, shape (R, m). `Interface` says
what the numbers mean; `abm.environments` shows a learner the same, and quotes as it acts, so that
what was learnt there quotes alike in any exchange.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike

from abm.beliefs.base import Belief
from abm.market.quotes import Quote
from abm.numerics.arrays import Array
from abm.numerics.checks import FARTHEST, require_finite, require_one_of, require_whole
from abm.numerics.conversion import floats
from abm.numerics.describe import describe, show_value
from abm.numerics.frozen import set_fields
from abm.one_period.depths import find_valuation_sd
from abm.participants.agent import require_name
from abm.participants.maker import BELIEFS, MarketMaker
from abm.participants.policies import (
    File,
    NetworkPolicy,
    Policy,
    PolynomialPolicy,
    read_policy,
    write_policy,
)
from abm.participants.terms import PublicModel

DEPTHS = (0.0, 3.0)
LEAST_LOG_RHO, LARGEST_LOG_RHO = -40.0, 40.0
FARTHEST_SHOWN = 10.0  # sds of a valuation
MOST_PERIODS = 2**31 - 1


@dataclass(frozen=True)
class Interface:
    """What a policy observes, and what its actions mean.

    An observation holds, each clipped to its bounds (`low`, `high`):

    ================  ==========================================================  ===============
    log_rho           log of belief sd / noise sd                                 -40 to 40
    inventory         shares held                                                 -/+ periods
    periods_left      traders yet to come                                         0 to periods
    own_bid, own_ask  her last quote less her mean now, in sds of a valuation     -10 to 10
    inside_bid, _ask  the best prices then, in the same way                       -10 to 10
    side              what the last trader did, as shown to her (see `Side`)      -1, 0 or 1
    ================  ==========================================================  ===============

    The last five are there if `last` is given, and 0 before the first period. An action holds
    numbers from -1 to 1, which stand for depths: distances from the mean of her belief in sds of a
    trader's valuation. All is in units of her market: a policy knows neither prices nor the value.

    Parameters
    ----------
    periods : int
        How many traders come in an episode; past them `periods_left` stays 0.
    last : bool
        Whether the last period is observed.
    symmetric : bool
        Whether an action is one number, the depth of both sides, or two, of bid and ask.
    depths : tuple of float
        What -1 and 1 stand for.
    decline : bool
        Whether an action of 1 declines its side instead.

    Raises
    ------
    ValueError, TypeError
        If one of them is out of range.

    Examples
    --------
    >>> Interface(symmetric=False).actions, Interface().observations
    (('bid_depth', 'ask_depth'), ('log_rho', 'inventory', 'periods_left'))
    """

    periods: int = 100
    last: bool = False
    symmetric: bool = True
    depths: tuple[float, float] = DEPTHS
    decline: bool = False

    def __post_init__(self) -> None:
        require_whole("periods", self.periods, 1, MOST_PERIODS)
        for name in ("last", "symmetric", "decline"):
            if not isinstance(getattr(self, name), bool):
                raise TypeError(
                    f"{name} is {getattr(self, name)!r}, but must be true or false: give one"
                )
        depths = require_finite("depths", self.depths)
        if depths.shape != (2,) or not 0 <= depths[0] < depths[1] <= FARTHEST:
            raise ValueError(
                f"depths is {self.depths!r}, but must be two numbers from 0 to {FARTHEST:g}, the "
                f"lower first: give as {DEPTHS}"
            )
        set_fields(self, depths=tuple(map(float, depths)))

    @property
    def observations(self) -> tuple[str, ...]:
        """The names of an observation's numbers."""
        shown = ("own_bid", "own_ask", "inside_bid", "inside_ask", "side") if self.last else ()
        return ("log_rho", "inventory", "periods_left", *shown)

    @property
    def actions(self) -> tuple[str, ...]:
        """The names of an action's numbers."""
        return ("depth",) if self.symmetric else ("bid_depth", "ask_depth")

    @property
    def low(self) -> Array:
        """The least that each number of an observation can be."""
        shown = [-FARTHEST_SHOWN] * 4 + [-1.0] if self.last else []
        return np.array([LEAST_LOG_RHO, -float(self.periods), 0.0, *shown])

    @property
    def high(self) -> Array:
        """The most that each number of an observation can be."""
        shown = [FARTHEST_SHOWN] * 4 + [1.0] if self.last else []
        return np.array([LARGEST_LOG_RHO, float(self.periods), float(self.periods), *shown])

    def observe(self, maker: MarketMaker) -> Array:
        """Return what a maker knows as she is to quote, shape (R, n)."""
        left = np.full(maker.terms.replications, float(self.periods - maker.period))
        numbers = [np.log(maker.rho), maker.inventory, left]
        if self.last:
            numbers += _recall_period(maker)
        return np.clip(np.stack(numbers, axis=-1), self.low, self.high)

    def require_action(self, action: ArrayLike, *replications: int, whose: str = "") -> Array:
        """Return actions as floats, shape (R, m), or (m,) of one market, or raise unless they are.

        `whose` they are is said in the message.
        """
        given, shape = floats(f"{whose}action", action), (*replications, len(self.actions))
        if given.shape != shape:
            each = f" for each of {replications[0]} markets" if replications else ""
            raise ValueError(
                f"{whose}action has shape {given.shape}, but must have {shape}: "
                f"{', '.join(self.actions)}{each}"
            )
        wrong = ~(np.abs(given) <= 1.0)
        if wrong.any():
            raise ValueError(
                f"{whose}action is {given[wrong][0]}, but must be from -1 to 1, which stand for "
                f"depths of {self.depths[0]:g} and {self.depths[1]:g} sds of a valuation: clip it"
            )
        return given

    def find_depth(self, action: Array) -> Array:
        """Return the depths that an action stands for, in sds of a valuation, in its shape."""
        low, high = self.depths
        depth = low + (0.5 * (high - low)) * (action + 1.0)
        return np.where(action == 1.0, np.inf, depth) if self.decline else depth

    def make_quote(self, action: Array, maker: MarketMaker) -> Quote:
        """Return the quote that an action, shape (R, m), is for a maker with this belief."""
        belief = maker.require_belief()
        distance = self.find_depth(action).T * find_valuation_sd(belief, maker.noise_sd)
        return Quote(belief.mean - distance[0], belief.mean + distance[-1])


def _recall_period(maker: MarketMaker) -> Sequence[Array]:
    """Return what a maker was shown of the last period, by her mean and sds of a valuation now."""
    view, belief = maker.last, maker.require_belief()
    if view is None:
        return [np.zeros(maker.terms.replications)] * 5
    scale = find_valuation_sd(belief, maker.noise_sd)
    prices = (view.own.bid, view.own.ask, view.inside.bid, view.inside.ask)
    return [*((price - belief.mean) / scale for price in prices), view.side.astype(float)]


class _Follower(MarketMaker):
    """Quotes as a policy acts; made by `PolicyMaker`."""

    name = "policy"

    def __init__(self, model: PublicModel, made_by: PolicyMaker) -> None:
        super().__init__(model, belief=made_by.belief)
        self.name = made_by.name  # type: ignore[misc]  # of others it is the class's
        self.policy, self.interface = made_by.policy, made_by.interface
        require_scaled(self)

    def quote(self) -> Quote:
        """Return the quote that the policy's action stands for."""
        action = self.policy(self.interface.observe(self))
        checked = self.interface.require_action(action, self.terms.replications)
        return self.interface.make_quote(checked, self)


def require_scaled(maker: MarketMaker) -> None:
    """Raise ValueError unless she has a belief, and valuations an sd to measure depths in."""
    maker.require_belief()
    if not np.isfinite(maker.noise_sd):
        raise ValueError(
            "traders trade at any price, so that there is no sd of a valuation in which a policy "
            "could measure depths: give traders who value the asset"
        )


@dataclass(frozen=True, eq=False)
class PolicyMaker:
    """A maker who quotes as a policy acts: give it to an exchange as any other.

    Parameters
    ----------
    policy : callable
        From observations, shape (R, n), to actions, shape (R, m), as `Interface` has them.
    periods, last, symmetric, depths, decline
        What the policy was made for (see `Interface`).
    belief : Belief, "gaussian" or "exact"
        What she believes at first (see `MarketMaker`).
    name : str
        What she is called in logs.

    Attributes
    ----------
    interface : Interface
        What the policy observes, and what its actions mean.

    Raises
    ------
    ValueError, TypeError
        If one of them is out of range, or the policy is of numbers that do not fit the interface.

    Examples
    --------
    >>> from abm import Exchange
    >>> tight = PolicyMaker(lambda observation: np.full((len(observation), 1), -0.5))
    >>> Exchange([tight, "optimal"], prior_sd=3.0).run(1).inside
    Quote(bid -2.372, ask 2.372)
    """

    policy: Policy
    interface: Interface
    belief: Belief | str
    name: str

    kind = _Follower

    def __init__(
        self,
        policy: Policy,
        *,
        periods: int = 100,
        last: bool = False,
        symmetric: bool = True,
        depths: tuple[float, float] = DEPTHS,
        decline: bool = False,
        belief: Belief | str = "gaussian",
        name: str = "policy",
    ) -> None:
        if not callable(policy):
            raise TypeError(
                f"policy is {show_value(policy)}, but must be a function from observations to "
                f"actions: give one, or PolicyMaker.load(file)"
            )
        require_name("a PolicyMaker", name)
        if isinstance(belief, str):
            require_one_of("belief", belief, BELIEFS)
        interface = Interface(periods, last, symmetric, depths, decline)
        if isinstance(policy, PolynomialPolicy | NetworkPolicy):
            _require_fit(policy, interface)
        set_fields(self, policy=policy, interface=interface, belief=belief, name=name)

    def __repr__(self) -> str:
        return describe(self, self.name, repr(self.policy), repr(self.interface))

    def __call__(self, model: PublicModel) -> MarketMaker:
        """Return a maker of this model who quotes by the policy."""
        return _Follower(model, self)

    def save(self, file: File) -> None:
        """Write the policy, and what it was made for, to a plain file (JSON).

        Raises
        ------
        TypeError
            If the policy is not one of numbers (`abm.participants.policies`), or the belief is not
            one that a word names.
        """
        if not isinstance(self.belief, str):
            raise TypeError(
                f'belief is {self.belief!r}, but a file can hold a word only: give "gaussian" or '
                f'"exact"'
            )
        if isinstance(self.policy, PolynomialPolicy) and self.policy.coefficients.ndim == 3:
            raise ValueError(
                f"coefficients are of {len(self.policy.coefficients)} replications, but a file "
                f"holds one policy: give the coefficients of one"
            )
        made_for = asdict(self.interface) | {
            "belief": self.belief, "name": self.name,
            "observations": self.interface.observations,
        }  # fmt: skip
        write_policy(file, self.policy, made_for)

    @classmethod
    def load(cls, file: File) -> Self:
        """Return the maker of a file that `save` wrote.

        Raises
        ------
        ValueError
            If it is truncated or foreign, or was made for observations of another kind.
        OSError
            If it cannot be read.
        """
        policy, made_for = read_policy(file)
        observations = made_for.pop("observations", None)
        try:
            maker = cls(policy, **made_for)
            known = list(maker.interface.observations)
            if observations != known:
                raise ValueError(f"here it is {known}")
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"policy file {str(file)!r} was made for the observation {observations} and "
                f"{made_for}, which is none of this version ({error}): train it anew"
            ) from error
        return maker


def _require_fit(policy: PolynomialPolicy | NetworkPolicy, interface: Interface) -> None:
    """Raise ValueError unless a policy turns observations into actions of this interface."""
    several = isinstance(policy, PolynomialPolicy) and policy.coefficients.ndim == 3
    markets = len(policy.coefficients) if several else 1  # type: ignore[union-attr]
    acts = policy(np.tile(interface.low, (markets, 1))).shape[-1]
    if acts != len(interface.actions):
        raise ValueError(
            f"policy gives {acts} numbers, but an action is {', '.join(interface.actions)}: give "
            f"symmetric=True for one number, False for two"
        )
