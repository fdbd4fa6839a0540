"""The makers that are compared: learners, whose policies are learnt when they first quote."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from abm.environments.setting import Setting
from abm.exchange.model import Exchange
from abm.exchange.totals import Totals
from abm.experiment.points import Point
from abm.experiment.simulation import keep_tables
from abm.makers import MarketMaker, PolicyMaker
from abm.makers.policy import Interface
from abm.market.quotes import Quote
from abm.numerics.arrays import Array
from abm.one_period.depths import standardised_quote
from abm.participants.policies import Policy
from abm.runs.parquet import Tables, make_table
from abm.runs.schema import Column
from scenarios.reinforcement.cross_entropy import Learnt, learn
from scenarios.reinforcement.ppo import learn_by_ppo

PERIODS = 60  # of an episode of learning: the discount is then 0.002
CROSS_ENTROPY, PPO, TWO, REPLY = "cross-entropy", "ppo", "two learners", "reply"
MARKED = "belief"  # how rewards are marked where there are two
RHO = np.round(np.geomspace(0.2, 4.0, 25), 4)
LEARNING = (
    Column("learner", "int64", "1", "its number in the market"),
    Column("iteration", "int64", "1", "of the cross-entropy method"),
    Column("reward", "float64", "noise sd", "discounted sum of an episode, mean over candidates"),
)
LEARNT = (
    Column("learner", "int64", "1", "its number in the market"),
    Column("rho", "float64", "1", "belief sd / noise sd"),
    Column("half_spread", "float64", "noise sd", "as learnt, without inventory, at half time"),
)


class Random(MarketMaker):
    """Quotes at any depth from 0 to 3 sds of a valuation, each as likely."""

    name = "random"
    symmetric = True

    def quote(self) -> Quote:
        """Return a quote at a depth that is drawn."""
        return standardised_quote(self.require_belief(), 3 * self.draws.uniform(), self.noise_sd)


@dataclass(frozen=True)
class Training:
    """How a policy is learnt.

    Parameters
    ----------
    prior_sd, discount : float
    mark : str
        How rewards are marked (see `abm.environments.setting.Setting`).
    learners, seed, iterations : int
        Of the cross-entropy method.
    steps : int
        Of PPO, which is in its place if there are any.
    start, rival : Learner, optional
        Near whose policy another is sought; who has learnt, and quotes beside the learner.
    """

    prior_sd: float
    discount: float
    mark: str
    learners: int
    seed: int
    iterations: int
    steps: int = 0
    start: Learner | None = None
    rival: Learner | None = None

    @property
    def setting(self) -> dict[str, Any]:
        """The setting of the environment."""
        rivals = [self.rival.maker] if self.rival else []
        return {"prior_sd": self.prior_sd, "discount": self.discount, "mark": self.mark,
                "periods": PERIODS, "rivals": rivals}  # fmt: skip


@cache  # a process learns each once
def complete(training: Training) -> Learnt:
    """Return what is learnt; the same, wherever it is."""
    if training.steps:
        network: Any = learn_by_ppo(training.setting, training.steps, training.seed)
        return Learnt((network,), np.empty((0, 1)))
    start: Any = training.start.policy if training.start else None
    return learn(
        Setting(**training.setting), training.learners, training.iterations, training.seed, start
    )


@dataclass(frozen=True)
class Learner:
    """A policy that is learnt when it is first asked: one of those of a training."""

    training: Training
    number: int

    def __call__(self, observation: Array) -> Array:
        """Return the actions, shape (R, m)."""
        return self.policy(observation)

    @property
    def maker(self) -> PolicyMaker:
        """Who quotes by it."""
        return PolicyMaker(self, periods=PERIODS)

    @property
    def policy(self) -> Policy:
        """What was learnt."""
        return complete(self.training).policies[self.number]


def place_makers(
    point: Point, discount: float, *, prior_sd: float, iterations: int, steps: int
) -> Point:
    """Return the exchange of a point: its maker alone, or two learners."""
    name = point["policy"]
    if not point["seed"]:
        return {"makers": {"random": Random}.get(name, name), "prior_sd": prior_sd}
    alone = Training(
        prior_sd, discount, point["mark"], 1, point["seed"], iterations, steps * (name == PPO)
    )
    pair = replace(alone, learners=2)
    first, second = Learner(pair, 0), Learner(pair, 1)
    learners = {
        TWO: [first, second],
        REPLY: [Learner(replace(alone, start=first, rival=second), 0), second],
    }.get(name, [Learner(alone, 0)])
    return {"makers": [learner.maker for learner in learners], "prior_sd": prior_sd}


def keep_learnt(market: Exchange, totals: Totals) -> Tables:
    """Return summary and totals, and of learners how they learnt, and what."""
    learners = [
        policy for maker in market.makers
        if isinstance(policy := getattr(maker, "policy", None), Learner)
    ]  # fmt: skip
    return keep_tables(market, totals) | {
        "learning": make_table(tabulate(learners, tabulate_curve, LEARNING), LEARNING),
        "learnt": make_table(tabulate(learners, tabulate_policy, LEARNT), LEARNT),
    }


def tabulate(learners: list[Learner], make: Any, columns: tuple[Column, ...]) -> pd.DataFrame:
    """Return a table of each learner, in one; without a row if there is none."""
    tables = [make(learner).assign(learner=learner.number) for learner in learners]
    names = [column.name for column in columns]
    return pd.concat(tables)[names] if tables else pd.DataFrame(columns=names, dtype=float)


def tabulate_curve(learner: Learner) -> pd.DataFrame:
    """Return the mean reward of each iteration."""
    curve = complete(learner.training).curve
    return pd.DataFrame({"iteration": np.arange(len(curve)), "reward": curve[:, learner.number]})


def tabulate_policy(learner: Learner) -> pd.DataFrame:
    """Return the half-spread learnt at each rho, without inventory and at half time."""
    interface = Interface(PERIODS)
    named = {"log_rho": np.log(RHO), "inventory": 0 * RHO, "periods_left": 0 * RHO + PERIODS / 2}
    observation = np.stack([named[name] for name in interface.observations], axis=-1)
    depth = interface.find_depth(learner(observation)[:, 0])
    return pd.DataFrame({"rho": RHO, "half_spread": depth * np.sqrt(1 + RHO**2)})
