"""The cross-entropy method: candidates are drawn, tried, and drawn anew around the best of them.

Each learner has a normal distribution over the coefficients of a polynomial policy. In every
iteration candidates are drawn from it, each tried in markets of its own, and mean and sd become
those of the best fifth; what is added to the sd fades, so that candidates do not become alike too
early (Rubinstein 1999, Methodology and Computing in Applied Probability 1, 127-190; Szita and
Lorincz 2006, Neural Computation 18, 2936-2941). Several learners learn at once, the n-th candidate
of each against the n-th of the others.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from abm.environments.lockstep import Lockstep
from abm.environments.setting import Setting
from abm.numerics.arrays import Array
from abm.participants.policies import PolynomialPolicy

CANDIDATES = 48
MARKETS = 48  # in which each is tried
POWERS = 4  # of log rho: 0 to 3
ELITE = 0.2
SD, NEAR = 1.0, 0.3  # of candidates at first: of any policy, of those near one to start from
NOISE, FADED = 0.1, 0.7  # of the sd; the part of iterations after which none is added


class Learnt(NamedTuple):
    """What learners have come to: a policy each, and how much they earned on the way.

    Parameters
    ----------
    policies : tuple of PolynomialPolicy
    curve : ndarray, shape (iterations, learners)
        Means over the candidates of an iteration: of the discounted sum of rewards of an episode.
    """

    policies: tuple[PolynomialPolicy, ...]
    curve: Array


@dataclass
class Search:
    """A learner's normal distribution over coefficients, independent of each other."""

    random: np.random.Generator
    mean: Array
    sd: Array

    def draw(self) -> Array:
        """Return as many candidates as are tried, shape (CANDIDATES, POWERS)."""
        return self.mean + self.sd * self.random.standard_normal((CANDIDATES, POWERS))

    def learn(self, candidates: Array, worth: Array, noise: float) -> None:
        """Move to the best of the candidates, whose worth has shape (CANDIDATES,)."""
        best = candidates[np.argsort(-worth)[: round(ELITE * CANDIDATES)]]
        self.mean, self.sd = best.mean(axis=0), best.std(axis=0) + noise


def learn(
    setting: Setting,
    learners: int,
    iterations: int,
    seed: int,
    start: PolynomialPolicy | None = None,
) -> Learnt:
    """Return what learners in one market learn by the cross-entropy method.

    Parameters
    ----------
    setting : Setting
        Of episodes; rewards are discounted by its factor.
    learners, iterations, seed : int
    start : PolynomialPolicy, optional
        Near which policies are sought; anywhere unless given.

    Examples
    --------
    >>> found = learn(Setting(mark="expected", periods=20), learners=1, iterations=3, seed=1)
    >>> found.policies[0].coefficients.shape, bool(found.curve[2] > found.curve[0])
    ((1, 4), True)
    """
    markets = Lockstep(setting, learners, CANDIDATES * MARKETS)
    streams = np.random.default_rng(seed).spawn(learners)
    mean = start.coefficients[0] if start else np.zeros(POWERS)
    sd = np.full(POWERS, NEAR if start else SD)
    searches = [Search(random, mean, sd) for random in streams]
    curve = np.empty((iterations, learners))
    for iteration in range(iterations):
        tried = [search.draw() for search in searches]
        earned = try_out(markets, tried, seed if iteration == 0 else None)
        worth = earned.reshape(learners, CANDIDATES, MARKETS).mean(axis=-1)
        noise = NOISE * max(0.0, 1.0 - iteration / (FADED * iterations))
        for search, candidates, each in zip(searches, tried, worth, strict=True):
            search.learn(candidates, each, noise)
        curve[iteration] = worth.mean(axis=-1)
    return Learnt(tuple(PolynomialPolicy(search.mean) for search in searches), curve)


def try_out(markets: Lockstep, tried: list[Array], seed: int | None) -> Array:
    """Return what each candidate of each learner earns in an episode, shape (learners, R)."""
    policies = [
        PolynomialPolicy(np.repeat(candidates, MARKETS, axis=0)[:, np.newaxis])
        for candidates in tried
    ]
    observations = markets.begin(seed, np.random.default_rng(seed))
    earned = np.zeros((len(tried), markets.markets))
    weight = 1.0
    while not markets.is_over:
        acts = [policy(seen) for policy, seen in zip(policies, observations, strict=True)]
        earned += weight * np.array(markets.step(acts))
        observations = markets.observe()
        weight *= markets.setting.discount
    return earned
