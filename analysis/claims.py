"""Claims: bounds on a quantity, judged by its confidence interval.

Of many claims that are each judged at 95 % some verdict is often wrong by chance. Claims judged
together share the 5 %: each of m sampled ones is judged at 1 - 0.05 / m, so that all verdicts
together are right with at least 95 % confidence, however the claims depend on each other
(Bonferroni). Claims that are not sampled have no interval, and do not count.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from io import BytesIO
from math import inf, isfinite

import pandas as pd

from abm.numerics.intervals import CONFIDENCE, find_half_width
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
        The estimate and its standard error; 0 if it is not sampled. A sample whose standard error
        is 0, all of it alike, decides nothing.
    count : int
        Observations that the standard error is of; 0 if it is not sampled.
    low, high : float
        The bounds.
    confidence : float
        Of the interval that decides; without effect on a claim that is not sampled.

    Raises
    ------
    ValueError
        If a standard error is negative, or has no count.
    """

    exhibit: str
    says: str
    measured: float
    se: float
    count: int = 0
    low: float = -inf
    high: float = inf
    confidence: float = CONFIDENCE

    def __post_init__(self) -> None:
        if self.se < 0:
            raise ValueError(f"se is {self.se}, but must be at least 0: give a standard error")
        if self.se > 0 and self.count == 0:
            raise ValueError(
                f"count is 0, but se is {self.se}: give the number of observations it is of, or se "
                f"0 for what is not sampled"
            )

    @property
    def holds(self) -> str:
        """Return "yes" or "no" where the confidence interval decides, else "undecided"."""
        sampled = self.count > 0
        half = float(find_half_width(self.se, self.count, self.confidence)) if sampled else self.se
        if not (isfinite(half) and isfinite(self.measured)):
            return "undecided"
        least, most = self.measured - half, self.measured + half
        if self.low < least and most < self.high:
            return "yes"
        return "no" if most <= self.low or self.high <= least else "undecided"


def judge_together(claims: Sequence[Claim]) -> list[Claim]:
    """Return the claims with the confidence at which all verdicts together are right at 95 %.

    Examples
    --------
    >>> sampled, exact = Claim("Fig. 1", "so", 1.0, 0.5, 100), Claim("Fig. 2", "so", 1.0, 0.0)
    >>> [claim.confidence for claim in judge_together([sampled, exact, sampled])]
    [0.975, 0.95, 0.975]
    """
    sampled = sum(claim.count > 0 for claim in claims)
    return [
        replace(claim, confidence=1 - (1 - CONFIDENCE) / sampled) if claim.count else claim
        for claim in claims
    ]


def claims_table(claims: Sequence[Claim]) -> pd.DataFrame:
    """Return the claims as a table, whose columns are a claim's parameters and `holds`."""
    return pd.DataFrame([vars(claim) | {"holds": claim.holds} for claim in claims])


def read_claims(run: Run) -> list[Claim]:
    """Return the claims in a run's claims.csv; none if it has no such file."""
    if CLAIMS_FILE not in run.files:
        return []
    table = pd.read_csv(BytesIO(run.content(CLAIMS_FILE)), dtype="str", keep_default_na=False).drop(
        columns="holds"
    )  # as text, of which pandas may lose a last digit
    for name in table.columns.difference(["exhibit", "says"]):
        table[name] = table[name].replace("", "nan").astype(float)
    table["count"] = table["count"].astype(int)
    return [Claim(*row) for row in table.itertuples(index=False, name=None)]
