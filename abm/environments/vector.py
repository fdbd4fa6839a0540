"""R markets in lockstep as a vector environment of Gymnasium."""

from __future__ import annotations

from typing import Any, SupportsIndex

import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import ArrayLike

from abm.environments.lockstep import Lockstep, require_episode_seed, require_options
from abm.environments.render import METADATA, Pixels, Story, require_render_mode
from abm.environments.setting import Setting
from abm.environments.single import Info
from abm.environments.spaces import make_action_space, make_observation_space
from abm.exchange.model import MOST_REPLICATIONS
from abm.numerics.arrays import Array, Flags
from abm.numerics.checks import require_one_of, require_whole

MODES = {mode.value: mode for mode in AutoresetMode}


class MarketVectorEnv(VectorEnv[Any, Any, Any]):
    """R markets in one exchange, one learner in each: a step costs little more than a period.

    All begin together, from one seed, and end together. One market of it is `MarketEnv`, to the
    last bit.

    Parameters
    ----------
    num_envs : int
        R, how many markets there are.
    autoreset_mode : str or AutoresetMode
        How the next episode begins, as Gymnasium defines it: with the step after the last
        ("NextStep"), with the last step ("SameStep"), or by `reset` ("Disabled").
    render_mode : None or "rgb_array"
        Whether `render` draws the story of the first market.
    **setting
        Those of `abm.environments.setting.Setting`.

    Raises
    ------
    ValueError, TypeError
        If one of them is out of range, or unknown.

    Examples
    --------
    >>> env = MarketVectorEnv(4, prior_sd=(1.0, 5.0))
    >>> observation, _ = env.reset(seed=1)
    >>> observation.shape, env.step(np.full((4, 1), 0.9))[1]
    ((4, 3), array([0., 0., 0., 0.]))
    """

    def __init__(
        self,
        num_envs: SupportsIndex = 1,
        *,
        autoreset_mode: str | AutoresetMode = AutoresetMode.NEXT_STEP,
        render_mode: str | None = None,
        **setting: Any,
    ) -> None:
        self.num_envs = require_whole("num_envs", num_envs, 1, MOST_REPLICATIONS)
        name = autoreset_mode.value if isinstance(autoreset_mode, AutoresetMode) else autoreset_mode
        self._mode = MODES[require_one_of("autoreset_mode", name, MODES)]
        self.render_mode = require_render_mode(render_mode)
        self.metadata = METADATA | {"autoreset_mode": self._mode}
        self.setting = Setting.read(setting)
        self.episodes = Lockstep(self.setting, learners=1, markets=self.num_envs)
        self.single_observation_space = make_observation_space(self.episodes.interface)
        self.single_action_space = make_action_space(self.episodes.interface)
        self.observation_space = batch_space(self.single_observation_space, self.num_envs)
        self.action_space = batch_space(self.single_action_space, self.num_envs)
        self._story = Story()

    def reset(self, *, seed: int | None = None, options: Info | None = None) -> tuple[Array, Info]:
        """Begin an episode in all markets: the first of a seed, or without one the seed's next.

        Raises
        ------
        ValueError
            If options hold a reset_mask that leaves out a market: all go in lockstep.
        """
        seed = require_episode_seed(seed)
        require_options(options, "reset_mask")
        self._require_all((options or {}).get("reset_mask", True))
        super().reset(seed=seed, options=options)
        return self._begin(seed), {}

    def step(self, actions: ArrayLike) -> tuple[Array, Array, Flags, Flags, Info]:
        """Quote as the actions say, shape (R, m), and let a trader come to each market.

        Without reset after the last step the next episode begins, as the autoreset mode says.
        """
        if self._mode is AutoresetMode.NEXT_STEP and self.episodes.has_ended:
            nothing = np.zeros(self.num_envs, bool)
            return self._begin(None), np.zeros(self.num_envs), nothing, nothing.copy(), {}
        (rewards,) = self.episodes.step([actions])
        if self.render_mode:
            self._story.add(self.episodes.market)
        (observations,) = self.episodes.observe()
        over, info = np.full(self.num_envs, self.episodes.is_over), {}
        if self.episodes.is_over:
            told = {"discounted_profit": self.episodes.discounted_profit[0].copy(),
                    "_discounted_profit": over.copy()}  # fmt: skip
            info = told
            if self._mode is AutoresetMode.SAME_STEP:
                info = {"final_obs": _list_objects(observations), "_final_obs": over.copy(),
                        "final_info": told, "_final_info": over.copy()}  # fmt: skip
                observations = self._begin(None)
        return observations, rewards, np.zeros(self.num_envs, bool), over, info

    def render(self) -> tuple[Pixels, ...] | None:
        """Return the story of the first market so far as a picture, or None without a mode."""
        return (self._story.draw(),) if self.render_mode else None

    def _require_all(self, mask: Any) -> None:
        """Raise ValueError unless a mask of those that are reset is true for all markets."""
        if np.shape(mask) not in ((), (self.num_envs,)) or not np.all(mask):
            raise ValueError(
                f"reset_mask is true for {int(np.sum(mask))} of {np.size(mask)}, but the "
                f"{self.num_envs} markets go in lockstep, and begin and end together: give no "
                f"mask, or one that is true for all"
            )

    def _begin(self, seed: int | None) -> Array:
        (observations,) = self.episodes.begin(seed, self.np_random)
        self._story = Story()
        return observations


def _list_objects(rows: Array) -> Any:
    """Return an array of as many objects as there are rows, as Gymnasium has last observations."""
    listed = np.empty(len(rows), object)
    listed[:] = list(rows)
    return listed
