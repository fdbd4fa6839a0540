"""Markets in lockstep as a vector environment of Stable-Baselines3, which is no dependency."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode

try:
    from stable_baselines3.common.vec_env import VecEnv
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        "abm.environments.stable_baselines needs Stable-Baselines3: pip install stable-baselines3",
        name=error.name,
    ) from error

from abm.environments.vector import MarketVectorEnv
from abm.numerics.arrays import Array, Flags


class StableMarkets(VecEnv):
    """R markets for Stable-Baselines3: parameters and errors are those of `MarketVectorEnv`."""

    def __init__(self, num_envs: int, **setting: Any) -> None:
        self.env = MarketVectorEnv(num_envs, autoreset_mode=AutoresetMode.SAME_STEP, **setting)
        self.render_mode, self.actions = self.env.render_mode, np.empty(0)
        super().__init__(num_envs, self.env.single_observation_space, self.env.single_action_space)

    def reset(self) -> Array:
        observations, _ = self.env.reset(seed=self._seeds[0])
        self._reset_seeds()
        return observations

    def step_async(self, actions: Array) -> None:
        self.actions = actions

    def step_wait(self) -> tuple[Array, Array, Flags, list[dict[str, Any]]]:
        observations, rewards, _, over, info = self.env.step(self.actions)
        infos: list[dict[str, Any]] = [{} for _ in over]
        for number in np.flatnonzero(over):
            profit = info["final_info"]["discounted_profit"][number]
            last = info["final_obs"][number]
            infos[number] = {"terminal_observation": last, "TimeLimit.truncated": True,
                             "discounted_profit": profit}  # fmt: skip
        return observations, rewards, over, infos

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        return [getattr(self.env, attr_name)] * len(list(self._get_indices(indices)))

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        raise AttributeError(f"{attr_name} is one for all markets: make another environment")

    def env_method(self, method_name: str, *args: Any, indices: Any = None, **kw: Any) -> list[Any]:
        raise AttributeError(f"{method_name} is one for all markets: call it of .env")

    def env_is_wrapped(self, wrapper_class: Any, indices: Any = None) -> Sequence[bool]:
        return [False] * len(list(self._get_indices(indices)))

    def close(self) -> None:
        self.env.close()
