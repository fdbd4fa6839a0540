"""Claims: bounds on a quantity, judged by its confidence interval."""

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from math import inf

import pandas as pd

from analysis.load import Run
from analysis.style import LEVEL

CLAIMS_FILE = "claims.csv"


@dataclass(frozen=True)
class Claim:
    """The claim that a quantity lies between two bounds, and its estimate.

    Parameters
    ----------
    exhibit : str
        Where the claim is made.
    says : str
        The claim in words, with its bounds.
    measured, se : float
        The estimate and its standard error; 0 if it is not sampled.
    low, high : float
        The bounds.
    """

    exhibit: str
    says: str
    measured: float
    se: float
    low: float = -inf
    high: float = inf

    @property
    def holds(self) -> str:
        """Return "yes" or "no" where the 95 % confidence interval decides, else "undecided"."""
        if not self.se >= 0:
            return "undecided"
        least, most = self.measured - LEVEL * self.se, self.measured + LEVEL * self.se
        if self.low < least and most < self.high:
            return "yes"
        return "no" if most <= self.low or self.high <= least else "undecided"


def claims_table(claims: Sequence[Claim]) -> pd.DataFrame:
    """Return the claims as a table: exhibit, says, measured, se, low, high, holds."""
    return pd.DataFrame([vars(claim) | {"holds": claim.holds} for claim in claims])


def read_claims(run: Run) -> list[Claim]:
    """Return the claims in a run's claims.csv; none if it has no such file."""
    if CLAIMS_FILE not in run.files:
        return []
    table = pd.read_csv(BytesIO(run.content(CLAIMS_FILE))).drop(columns="holds")
    return [Claim(*row) for row in table.itertuples(index=False, name=None)]
