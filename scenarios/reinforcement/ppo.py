"""Proximal policy optimisation by Stable-Baselines3, where that is installed."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import numpy as np

from abm.environments.setting import Setting
from abm.participants.policies import NetworkPolicy

IS_INSTALLED = find_spec("stable_baselines3") is not None
MARKETS = 256
HIDDEN = [32, 32]
LAYERS = ("mlp_extractor.policy_net.0", "mlp_extractor.policy_net.2", "action_net")


def learn_by_ppo(setting: dict[str, Any], steps: int, seed: int) -> NetworkPolicy:
    """Return what PPO learns off the shelf in so many steps, by the mean of its actions.

    But for the discount, the size of a batch and of the network all is as Stable-Baselines3 has it.
    """
    from stable_baselines3 import PPO

    from abm.environments.stable_baselines import StableMarkets

    markets, made = StableMarkets(MARKETS, **setting), Setting(**setting)
    model = PPO(
        "MlpPolicy", markets, gamma=made.discount, n_steps=made.periods,
        batch_size=MARKETS * made.periods // 10, policy_kwargs={"net_arch": HIDDEN},
        seed=seed, device="cpu",
    )  # fmt: skip
    model.learn(steps)
    numbers = {
        name: np.asarray(tensor.detach().numpy(), float)
        for name, tensor in model.policy.state_dict().items()
    }
    return NetworkPolicy(
        [numbers[f"{layer}.weight"].T for layer in LAYERS],
        [numbers[f"{layer}.bias"] for layer in LAYERS],
    )
