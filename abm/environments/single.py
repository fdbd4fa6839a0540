"""One market as an environment of Gymnasium."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from numpy.typing import ArrayLike

from abm.environments.lockstep import Lockstep, require_episode_seed, require_options
from abm.environments.render import METADATA, Pixels, Story, require_render_mode
from abm.environments.setting import Setting
from abm.environments.spaces import make_action_space, make_observation_space
from abm.numerics.arrays import Array

Info = dict[str, Any]


class MarketEnv(gymnasium.Env[Any, Any]):
    """One market in which one learner quotes; each step a trader comes.

    Parameters
    ----------
    render_mode : None or "rgb_array"
        Whether `render` draws the market's story.
    **setting
        Those of `abm.environments.setting.Setting`: prior_sd=3.0, periods=100, discount=0.9,
        mark="value", traders, value, rivals=() and others.

    Raises
    ------
    ValueError, TypeError
        If one of them is out of range, or unknown.

    Examples
    --------
    >>> env = MarketEnv(prior_sd=3.0)
    >>> observation, _ = env.reset(seed=1)
    >>> observation.round(3)  # log rho, inventory, periods left
    array([  1.099,   0.   , 100.   ])
    >>> env.step(np.array([0.9]))[0].round(3)  # a depth of 2.85 sds of a valuation
    array([ 1.081,  0.   , 99.   ])
    """

    metadata = dict(METADATA)  # noqa: RUF012, as Gymnasium has it

    def __init__(self, *, render_mode: str | None = None, **setting: Any) -> None:
        self.render_mode = require_render_mode(render_mode)
        self.setting = Setting.read(setting)
        self.episodes = Lockstep(self.setting, learners=1, markets=1)
        self.observation_space = make_observation_space(self.episodes.interface)
        self.action_space = make_action_space(self.episodes.interface)
        self._story = Story()

    def reset(self, *, seed: int | None = None, options: Info | None = None) -> tuple[Array, Info]:
        """Begin an episode: the first of a seed, or without one the seed's next."""
        seed = require_episode_seed(seed)
        require_options(options)
        super().reset(seed=seed, options=options)
        (observation,) = self.episodes.begin(seed, self.np_random)
        self._story = Story()
        return observation[0], {}

    def step(self, action: ArrayLike) -> tuple[Array, float, bool, bool, Info]:
        """Quote as the action says, and let a trader come."""
        checked = self.episodes.interface.require_action(action)
        (reward,) = self.episodes.step([checked[np.newaxis]])
        if self.render_mode:
            self._story.add(self.episodes.market)
        (observation,) = self.episodes.observe()
        over, info = self.episodes.is_over, {}
        if over:
            info = {"discounted_profit": float(self.episodes.discounted_profit[0, 0])}
        return observation[0], float(reward[0]), False, over, info

    def render(self) -> Pixels | None:
        """Return the story of the market so far as a picture, or None without a render mode."""
        return self._story.draw() if self.render_mode else None
