"""Random states that participants share, and so must leave alone."""

import pickle
import random

import numpy as np

from abm.exchange.model import Exchange


def read_shared_randomness(market: Exchange) -> dict[str, bytes]:
    """Return the random states that a whole program shares, and those that a whole model does."""
    states = {
        "random": random.getstate(), "numpy.random": np.random.get_state(),  # noqa: NPY002, to catch its users
        "Mesa's self.random": market.random.getstate(),
        "Mesa's self.rng": market.rng.bit_generator.state,
    }  # fmt: skip
    return {whose: pickle.dumps(state) for whose, state in states.items()}
