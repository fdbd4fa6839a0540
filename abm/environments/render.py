"""A market's story as a picture: quotes, what traders did, and what the learner believed."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from abm.exchange.model import Exchange
from abm.market.quotes import Side

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Pixels = NDArray[np.uint8]

RENDER_MODES = (None, "rgb_array")
METADATA = {"render_modes": ["rgb_array"], "render_fps": 4}  # of every environment
SIZE = (6.4, 4.8)  # inches, of 100 pixels
BLUE, RED, GREY = "#005a9c", "#b5121b", "0.4"


def require_render_mode(mode: str | None) -> str | None:
    """Return a render mode, or raise ValueError if it is unknown."""
    if mode not in RENDER_MODES:
        raise ValueError(
            f'render_mode is {mode!r}, but must be None or "rgb_array": give one of these'
        )
    return mode


class Story:
    """The periods of the first replication of a market, for a picture."""

    def __init__(self) -> None:
        self._periods: list[tuple[float, ...]] = []

    def add(self, market: Exchange) -> None:
        """Take in the last period."""
        now = market.clearing
        learner = now.dealings[0]
        self._periods.append((
            now.value[0], now.inside.bid[0], now.inside.ask[0], now.side[0], now.price[0],
            learner.belief_mean[0], learner.belief_sd[0], learner.filled[0], learner.profit[0],
        ))  # fmt: skip

    def draw(self) -> Pixels:
        """Return the picture, shape (480, 640, 3)."""
        from matplotlib.figure import Figure  # which takes long to load, and few draw

        figure = Figure(SIZE, dpi=100, layout="constrained")
        prices, profits = figure.subplots(2, sharex=True, height_ratios=[3, 1])
        prices.set_ylabel("price")
        profits.set_ylabel("learner's profit")
        profits.set_xlabel("period")
        if self._periods:
            self._draw_periods(prices, profits)
        drawn = BytesIO()
        figure.savefig(drawn, format="rgba")
        width, height = (round(length * figure.dpi) for length in SIZE)
        return np.frombuffer(drawn.getvalue(), np.uint8).reshape(height, width, 4)[..., :3].copy()

    def _draw_periods(self, prices: Axes, profits: Axes) -> None:
        value, bid, ask, side, price, mean, sd, filled, profit = np.array(self._periods, float).T
        period = np.arange(len(value))
        bid, ask = (np.where(np.isfinite(quote), quote, np.nan) for quote in (bid, ask))
        prices.fill_between(
            period, mean - sd, mean + sd, color=BLUE, alpha=0.15, lw=0, label="belief, mean -/+ sd"
        )
        prices.plot(period, mean, color=BLUE, lw=1)
        prices.step(period, bid, where="mid", color=GREY, lw=1, label="best bid and ask")
        prices.step(period, ask, where="mid", color=GREY, lw=1)
        prices.plot(period, value, color=RED, lw=1, ls="--", label="value")
        for mark, taken, label in (("^", Side.BUY, "trader buys"), ("v", Side.SELL, "sells")):
            at = side == taken
            faces = np.where(filled[at] > 0, BLUE, "white")
            look: dict[str, Any] = {"s": 24, "marker": mark, "edgecolors": BLUE}
            prices.scatter(period[at], price[at], c=faces, **look)
            prices.scatter([], [], c=BLUE, label=label, **look)
        if ((side != Side.NONE) & (filled == 0)).any():
            prices.scatter([], [], c="white", label="hollow: with a rival", **look)
        prices.legend(
            fontsize=7, ncols=3, frameon=False, loc="upper center", bbox_to_anchor=(0.5, 1.15)
        )
        profits.plot(period, profit.cumsum(), color=BLUE, lw=1)
        profits.axhline(0.0, color=GREY, lw=0.5)
