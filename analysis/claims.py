"""Claims: bounds on a quantity, judged by its confidence interval."""

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from math import inf

import pandas as pd

from abm.numerics.intervals import find_half_width
from analysis.load import Run

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
    count : int
        Observations that the standard error is of; 0 if it is not sampled.
    low, high : float
        The bounds.
    """

    exhibit: str
    says: str
    measured: float
    se: float
    count: int = 0
    low: float = -inf
    high: float = inf

    @property
    def holds(self) -> str:
        """Return "yes" or "no" where the 95 % confidence interval decides, else "undecided"."""
        half = float(find_half_width(self.se, self.count)) if self.count else self.se
        if not half >= 0:
            return "undecided"
        least, most = self.measured - half, self.measured + half
        if self.low < least and most < self.high:
            return "yes"
        return "no" if most <= self.low or self.high <= least else "undecided"


def claims_table(claims: Sequence[Claim]) -> pd.DataFrame:
    """Return the claims as a table: exhibit, says, measured, se, count, low, high, holds."""
    return pd.DataFrame([vars(claim) | {"holds": claim.holds} for claim in claims])


def read_claims(run: Run) -> list[Claim]:
    """Return the claims in a run's claims.csv; none if it has no such file."""
    if CLAIMS_FILE not in run.files:
        return []
    missing = {"measured": [""], "se": [""]}  # all else that looks like a number missing is words
    table = pd.read_csv(
        BytesIO(run.content(CLAIMS_FILE)), dtype=dict.fromkeys(("exhibit", "says"), "str"),
        keep_default_na=False, na_values=missing,
    ).drop(columns="holds")  # fmt: skip
    return [Claim(*row) for row in table.itertuples(index=False, name=None)]
