"""Episodes in lockstep: markets that open together, and end together after so many traders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import SupportsIndex

import numpy as np
from numpy.typing import ArrayLike

from abm.environments.setting import MARKS, Seat, Setting
from abm.exchange.model import Exchange
from abm.market.random_streams import LARGEST_SEED
from abm.numerics.arrays import Array
from abm.numerics.checks import require_whole
from abm.numerics.describe import show_value


class Lockstep:
    """R markets, each with the same number of learners, one episode after the other.

    Episode n after a reset with a seed is block n of that seed: in the market with number i of
    block n value and traders are the same, however many markets there are and whatever is learnt.

    Parameters
    ----------
    setting : Setting
    learners, markets : int
        How many learners there are in each market, and how many markets (R).

    Attributes
    ----------
    market : Exchange
        Of this episode.
    interface : Interface
        What learners observe, and what their actions mean.
    is_over : bool
        Whether the episode has ended, or none has begun.
    discounted_profit : ndarray, shape (learners, R)
        Of this episode so far, marked to the value.

    Examples
    --------
    >>> pair = Lockstep(Setting(prior_sd=3.0, mark="belief"), learners=2, markets=1_000)
    >>> first, second = pair.begin(seed=1, random=np.random.default_rng(1))
    >>> [reward.shape for reward in pair.step([np.zeros((1_000, 1)), np.zeros((1_000, 1))])]
    [(1000,), (1000,)]
    """

    def __init__(self, setting: Setting, learners: int, markets: int) -> None:
        self.setting, self.interface = setting, setting.interface
        self.learners = require_whole("learners", learners, 1, 100)
        self.markets = markets
        self.market = self._open(0, 0)  # so that what cannot be opened is an error here
        self.is_over = True
        self.discounted_profit = np.zeros((self.learners, markets))
        self._seed: int | None = None
        self._block = 0
        self._mark = MARKS[setting.mark]

    def _open(self, seed: int, block: int) -> Exchange:
        return self.setting.open(self.learners, markets=self.markets, seed=seed, block=block)

    @property
    def has_ended(self) -> bool:
        """Whether there has been an episode, and it is over."""
        return self.is_over and self._seed is not None

    @property
    def seats(self) -> list[Seat]:
        """Those by whom learners quote."""
        return [maker for maker in self.market.makers if isinstance(maker, Seat)]

    def begin(self, seed: int | None, random: np.random.Generator) -> list[Array]:
        """Begin an episode, and return what each learner observes, shape (R, n).

        A seed begins its first episode. Without one comes the seed's next; at first, `random`
        gives a seed.
        """
        if seed is None and self._seed is not None:
            seed, block = self._seed, self._block + 1
        else:
            block = 0
        if seed is None:
            seed = int(random.integers(LARGEST_SEED, endpoint=True))
        self.market = self._open(seed, block)
        self._seed, self._block, self.is_over = seed, block, False
        self.discounted_profit = np.zeros((self.learners, self.markets))
        self.market.move()
        return self.observe()

    def observe(self) -> list[Array]:
        """Return what each learner observes, shape (R, n)."""
        return [self.interface.observe(seat) for seat in self.seats]

    def step(self, actions: Sequence[ArrayLike]) -> list[Array]:
        """Let a trader come to each market, and return the reward of each learner, shape (R,).

        Raises
        ------
        RuntimeError
            If the episode is over; nothing has changed then, nor if an action is refused.
        ValueError, TypeError
            If an action is none (see `Interface.require_action`).
        """
        if self.is_over:
            raise RuntimeError(
                "step() after the end of an episode, or before the first: call reset() first"
            )
        if len(actions) != self.learners:
            raise ValueError(
                f"actions are {len(actions)}, but there are {self.learners} learners in each "
                f"market: give one array for each"
            )
        market, seats, interface = self.market, self.seats, self.interface
        checked = [interface.require_action(action, self.markets) for action in actions]
        for seat, action in zip(seats, checked, strict=True):
            seat.offer = interface.make_quote(action, seat)
        before = [seat.require_belief() for seat in seats]
        weight = self.setting.discount**market.period
        market.ask()
        market.clear()
        rewards = [self._mark(market, number, belief) for number, belief in enumerate(before)]
        for total, dealing in zip(self.discounted_profit, market.clearing.dealings, strict=False):
            total += weight * dealing.profit
        self.is_over = market.period == self.setting.periods
        market.move()
        return rewards


def require_episode_seed(seed: SupportsIndex | None) -> int | None:
    """Return a seed as an int, none as None, or raise ValueError or TypeError if it is no seed."""
    return None if seed is None else require_whole("seed", seed, 0, LARGEST_SEED)


def require_options(options: Mapping[str, object] | None, *known: str) -> None:
    """Raise TypeError or ValueError unless options of a reset are none but known ones."""
    if options is not None and not isinstance(options, Mapping):
        raise TypeError(f"options is {show_value(options)}, but must be a dict: give none")
    for name in (options or {}).keys() - known:
        raise ValueError(
            f"options hold {name!r}, but a reset takes {' and '.join(known) or 'none'}: give it "
            f"to the environment when it is made"
        )
