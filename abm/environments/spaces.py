"""The spaces of Gymnasium in which observations and actions lie."""

import numpy as np
from gymnasium.spaces import Box

from abm.makers.policy import Interface


def make_observation_space(interface: Interface) -> Box:
    """Return the space of what a learner observes in one market."""
    return Box(interface.low, interface.high, dtype=np.float64)


def make_action_space(interface: Interface) -> Box:
    """Return the space of a learner's actions in one market."""
    return Box(-1.0, 1.0, (len(interface.actions),), np.float32)
