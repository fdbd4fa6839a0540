"""Experiments: points times blocks of replications, which nothing interrupts for good.

A point is the parameters of an exchange, a block so many of its replications, simulated and written
at once: results depend on the seed, the point and the block's number alone, not on the worker that
simulates it. Knows the exchange, runs and all wings below.
"""

from abm.experiment.experiment import Experiment
from abm.experiment.points import grid
from abm.experiment.runner import BlocksFailedError, Progress
from abm.experiment.schedule import Target
from abm.experiment.simulation import Simulation

__all__ = ["BlocksFailedError", "Experiment", "Progress", "Simulation", "Target", "grid"]
