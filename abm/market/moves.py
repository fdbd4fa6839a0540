"""What the public knows of a move of the value: with which probability, and by how much."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from abm.numerics.arrays import Array
from abm.numerics.conversion import floats
from abm.numerics.describe import show_value


@dataclass(frozen=True, eq=False)
class Move:
    """What the public knows of a move: with a probability, by a normal of mean 0 and this sd.

    Parameters
    ----------
    probability : ndarray, shape (R,), or float
        1 where it is announced that the value has moved, and 0 where that it has not.
    sd : float
        In units of price, at least 0.

    Raises
    ------
    ValueError, TypeError
        If a number is out of its range or none.

    Examples
    --------
    >>> from abm import GaussianBelief
    >>> GaussianBelief([0.0], [3.0]).predict(Move(0.25, 2.0)).sd.round(4)
    array([3.1623])
    """

    probability: Array | float
    sd: float

    def __post_init__(self) -> None:
        probability, sd = floats("probability", self.probability), floats("sd", self.sd)
        if not ((probability >= 0) & (probability <= 1)).all():
            raise ValueError(
                f"probability of a Move is {show_value(self.probability)}, but must be from 0 to 1"
            )
        if sd.size != 1 or not 0 <= sd.item() < np.inf:
            raise ValueError(
                f"sd of a Move is {show_value(self.sd)}, but must be one finite number, at least 0"
            )

    @property
    def variance(self) -> Array | float:
        """Of the move, in squared units of price."""
        return self.probability * self.sd * self.sd


STILL = Move(0.0, 0.0)
"""The value has not moved."""


def require_moved(moved: Any, process: object, replications: int) -> Move:
    """Return what a process tells of a move.

    Raises
    ------
    TypeError
        If it is no `Move`.
    ValueError
        If it is one of another number of markets.
    """
    if moved is STILL:
        return STILL
    if not isinstance(moved, Move):
        raise TypeError(
            f"{type(process).__name__}.move tells {show_value(moved)}, but must tell a Move: "
            f"return value, STILL or value, Move(probability, sd)"
        )
    if np.size(moved.probability) not in (1, replications):
        raise ValueError(
            f"{type(process).__name__}.move tells probabilities of {np.size(moved.probability)} "
            f"markets, but there are {replications}: give one for all, or one for each"
        )
    return moved
