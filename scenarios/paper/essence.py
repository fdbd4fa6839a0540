"""What the scenario `paper` prints: how many claims hold, which do not, and the paper's answer."""

import pandas as pd

from scenarios._common.layout import find_width, wrap
from scenarios._common.terminal import say
from scenarios.paper.claims import ABOVE, EARNS, LEARNS, STARTS
from scenarios.paper.estimate import SHOCK

MOST = 3  # lines on claims that do not hold; the last one counts those that have no line
WHERE = "claims.csv has every claim; 95 % confidence in all together"
INDENT = " " * 10  # of the second line of a claim


def show_claims(claims: pd.DataFrame) -> None:
    """Print what a table of claims says (`analysis.claims.claims_table`), in nine lines of 80."""
    width = find_width()
    for line in [*list_refuted(claims), answer_question(claims), WHERE]:
        say(wrap(line, width, INDENT if line.startswith(" ") else ""))


def list_refuted(claims: pd.DataFrame) -> list[str]:
    """Return how many claims hold, and a line each for those that do not."""
    holds = claims["holds"]
    refuted = claims[holds == "no"]
    yes, undecided = int((holds == "yes").sum()), int((holds == "undecided").sum())
    lines = [
        f"Of {len(claims)} claims of the paper, {yes} hold, {len(refuted)} do not, and {undecided} "
        f"are undecided{':' if len(refuted) else ''}"
    ]
    named = len(refuted) if len(refuted) <= MOST else MOST - 1
    for claim in refuted.head(named).itertuples():
        lines.append(
            f"  {claim.exhibit:8s}{claim.measured:.3g} (s.e. {claim.se:.2g}): {claim.says}"
        )
    if len(refuted) > named:
        others = refuted["exhibit"][named:]
        lines.append(f"  and {len(others)} more: {', '.join(others.unique())}")
    return lines


def answer_question(claims: pd.DataFrame) -> str:
    """Return the paper's question with the answer that was measured, against the zero-profit maker.

    The optimal maker quotes as a monopolist, the zero-profit maker as competition would.
    """
    rows = claims.set_index("says")
    first, last, learns, earns = (
        float(rows["measured"][says.format("zero-profit")])
        for says in (STARTS, ABOVE, LEARNS, EARNS)
    )
    verdict = rows["holds"][STARTS.format("zero-profit")]
    return (
        f"Does a monopolist give more liquidity than competition after a shock? "
        f"At first: {verdict}. At {SHOCK:g} noise sds, optimal less zero-profit maker: spread "
        f"{first:+.3g} in the first period, {last:+.3g} in the last; periods to "
        f"learn {learns:+.3g}; profit {earns:+.3g}"
    )
