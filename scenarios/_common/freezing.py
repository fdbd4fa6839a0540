"""Where markets freeze: the shocks at which most of them never see a trade."""

import numpy as np
import pandas as pd


def describe_freezing(maker: object, frozen: pd.DataFrame, periods: int, belief: str = "") -> str:
    """Return a sentence: at which shocks most of a maker's markets have no trade (95 % sure)."""
    rows = frozen.sort_values("prior_sd")
    never = f"most have no trade in {periods} period{'' if periods == 1 else 's'}"
    state = pd.Series(
        np.where(rows["low"] > 0.5, never, np.where(rows["high"] < 0.5, "most trade", "undecided"))
    )
    spans = rows["prior_sd"].reset_index(drop=True).groupby((state != state.shift()).cumsum())
    lines = [f"{_format_span(shocks)}: {state[shocks.index[0]]}" for _, shocks in spans]
    markets = f"{maker}'s markets" + (f" on {belief} beliefs" if belief else "")
    return f"{markets} at shocks of {'; '.join(lines)}"


def _format_span(shocks: "pd.Series[float]") -> str:
    first, last = shocks.iloc[0], shocks.iloc[-1]
    return f"{first:g}" if first == last else f"{first:g} to {last:g}"
