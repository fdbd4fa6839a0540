"""Markets that agents learn in: the exchange behind the interfaces of Gymnasium and PettingZoo.

An environment seats one learner, or several, among the makers of an exchange; what a learner
observes and how her actions are quotes is said by `abm.makers.policy.Interface`. `MarketEnv` is one
market, `MarketVectorEnv` are R in lockstep, as fast as an exchange, `parallel_env` is one with
several learners, and `score` tells which share of the optimal maker's profit a policy earns. Needs
the extra `rl`. Importing it registers "MarketShock-v0" with Gymnasium.
"""

try:
    import gymnasium

    from abm.environments.benchmark import Score, score
    from abm.environments.lockstep import Lockstep
    from abm.environments.parallel import ParallelMarket, parallel_env
    from abm.environments.setting import Setting
    from abm.environments.single import MarketEnv
    from abm.environments.vector import MarketVectorEnv
except ModuleNotFoundError as error:
    if error.name not in ("gymnasium", "pettingzoo"):
        raise
    raise ModuleNotFoundError(
        f"abm.environments needs {error.name}, which is not installed: install the extra, as "
        f"pip install 'market-shock[rl]'",
        name=error.name,
    ) from error

__all__ = [
    "Lockstep", "MarketEnv", "MarketVectorEnv", "ParallelMarket", "Score", "Setting",
    "parallel_env", "score",
]  # fmt: skip

ID = "MarketShock-v0"

if ID not in gymnasium.registry:
    gymnasium.register(
        ID,
        entry_point="abm.environments:MarketEnv",
        vector_entry_point="abm.environments:MarketVectorEnv",
    )
