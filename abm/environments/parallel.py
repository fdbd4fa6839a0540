"""One market with several learners, as a parallel environment of PettingZoo."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from gymnasium.spaces import Box
from pettingzoo import ParallelEnv

from abm.environments.lockstep import Lockstep, require_episode_seed
from abm.environments.render import METADATA, Pixels, Story, require_render_mode
from abm.environments.setting import Setting
from abm.environments.spaces import make_action_space, make_observation_space
from abm.numerics.arrays import Array
from abm.numerics.checks import require_one_of
from abm.numerics.describe import show_value

ByAgent = dict[str, Any]


def parallel_env(learners: int = 2, **setting: Any) -> ParallelMarket:
    """Return a market in which several learners quote, and scripted rivals beside them.

    Parameters
    ----------
    learners : int
        How many learn; they are agents "learner_0", "learner_1" and so on.
    **setting
        Those of `abm.environments.setting.Setting`, as rivals=() and transparency="public", and a
        render_mode.

    Examples
    --------
    >>> market = parallel_env(2, rivals="zero-profit", transparency="own")
    >>> observations, _ = market.reset(seed=1)
    >>> rewards = market.step({agent: np.zeros(1) for agent in market.agents})[1]
    >>> list(rewards)
    ['learner_0', 'learner_1']
    """
    return ParallelMarket(learners, **setting)


class ParallelMarket(ParallelEnv[str, Array, Array]):
    """One market with several learners, all of whom quote before a trader comes.

    Parameters are those of `parallel_env`, and errors those of `Setting`.

    Examples
    --------
    >>> ParallelMarket(3).possible_agents
    ['learner_0', 'learner_1', 'learner_2']
    """

    metadata: ClassVar[dict[str, Any]] = METADATA | {"name": "market_shock_v0"}

    def __init__(
        self, learners: int = 2, *, render_mode: str | None = None, **setting: Any
    ) -> None:
        self.render_mode = require_render_mode(render_mode)
        self.setting = Setting.read(setting)
        self.episodes = Lockstep(self.setting, learners, markets=1)
        self.possible_agents = [f"learner_{number}" for number in range(self.episodes.learners)]
        self.agents: list[str] = []
        interface = self.episodes.interface
        self.observation_spaces = {
            agent: make_observation_space(interface) for agent in self.possible_agents
        }
        self.action_spaces = {agent: make_action_space(interface) for agent in self.possible_agents}
        self._random = np.random.default_rng()
        self._story = Story()

    def observation_space(self, agent: str) -> Box:
        """Return the space of what an agent observes."""
        return self.observation_spaces[require_one_of("agent", agent, self.possible_agents)]

    def action_space(self, agent: str) -> Box:
        """Return the space of an agent's actions."""
        return self.action_spaces[require_one_of("agent", agent, self.possible_agents)]

    def state(self) -> Array:
        """Return what all learners observe, one after the other: nothing of it is the value."""
        return np.concatenate([one[0] for one in self.episodes.observe()])

    def reset(
        self,
        seed: int | None = None,
        options: dict[str, Any] | None = None,  # noqa: ARG002
    ) -> tuple[ByAgent, ByAgent]:
        """Begin an episode: the first of a seed, or without one the seed's next."""
        seed = require_episode_seed(seed)
        observations = self.episodes.begin(seed, self._random)
        self.agents, self._story = list(self.possible_agents), Story()
        return self._give([one[0] for one in observations]), self._give([{} for _ in observations])

    def step(self, actions: ByAgent) -> tuple[ByAgent, ByAgent, ByAgent, ByAgent, ByAgent]:
        """Quote as each agent's action says, and let a trader come.

        Raises
        ------
        ValueError
            If an action is missing, or of an agent that there is none of.
        """
        if not self.episodes.is_over:
            self._require_agents(actions)
        check = self.episodes.interface.require_action
        checked = [check(actions[agent], whose=f"{agent}'s ") for agent in self.agents]
        rewards = self.episodes.step([action[np.newaxis] for action in checked])
        if self.render_mode:
            self._story.add(self.episodes.market)
        observations, over = self.episodes.observe(), self.episodes.is_over
        infos: list[dict[str, Any]] = [
            {"discounted_profit": float(profit)} if over else {}
            for profit in self.episodes.discounted_profit[:, 0]
        ]
        result = (
            self._give([one[0] for one in observations]),
            self._give([float(reward[0]) for reward in rewards]),
            self._give([False] * len(self.agents)),
            self._give([over] * len(self.agents)),
            self._give(infos),
        )
        if over:
            self.agents = []
        return result

    def render(self) -> Pixels | None:
        """Return the story of the market so far as a picture, or None without a render mode."""
        return self._story.draw() if self.render_mode else None

    def close(self) -> None:
        """Do nothing: there is nothing open."""

    def _require_agents(self, actions: ByAgent) -> None:
        of = sorted(actions) if isinstance(actions, dict) else show_value(actions)
        if of != self.agents:
            raise ValueError(
                f"actions are of {of}, but must be of {self.agents}: give a dict of one for each"
            )

    def _give(self, values: list[Any]) -> ByAgent:
        return dict(zip(self.agents, values, strict=True))
