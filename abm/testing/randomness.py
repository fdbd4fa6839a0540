"""Random states that participants share, and so must leave alone."""

import pickle
import random
from itertools import pairwise

import numpy as np

from abm.exchange.model import Exchange
from abm.numerics.arrays import Flags
from abm.testing.trail import Trail


def watch_randomness(market: Exchange, periods: int) -> tuple[Trail, dict[str, Flags]]:
    """Run so many periods; return their trail, and whether in each of them a shared state moved."""
    trails, states = [], [read_shared_randomness(market)]
    for _ in range(periods):
        trails.append(Trail.of(market, 1))
        states.append(read_shared_randomness(market))
    moved = {
        whose: np.array([one[whose] != other[whose] for one, other in pairwise(states)])
        for whose in states[0]
    }
    return Trail(*map(np.concatenate, zip(*trails, strict=True))), moved


def read_shared_randomness(market: Exchange) -> dict[str, bytes]:
    """Return the random states that a whole program shares, and those that a whole model does."""
    states = {
        "random": random.getstate(), "numpy.random": np.random.get_state(),  # noqa: NPY002, to catch its users
        "Mesa's self.random": market.random.getstate(),
        "Mesa's self.rng": market.rng.bit_generator.state,
    }  # fmt: skip
    return {whose: pickle.dumps(state) for whose, state in states.items()}
