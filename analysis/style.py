"""The style of figures: one colour, line and marker for each maker or belief in all of them."""

from collections.abc import Callable
from functools import wraps
from typing import NamedTuple, ParamSpec
from zlib import crc32

import seaborn as sns
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

COLOURS = sns.color_palette("colorblind").as_hex()


class Style(NamedTuple):
    """Colour, line and marker of a maker."""

    colour: str
    line: str
    marker: str


MAKERS = {
    "optimal": Style(COLOURS[0], "-", "o"),
    "myopic": Style(COLOURS[1], "--", "s"),
    "zero-profit": Style(COLOURS[2], "-.", "D"),
    "fixed-spread": Style(COLOURS[4], ":", "^"),
    "undercutter": Style(COLOURS[3], "--", "v"),
    "q-learning": Style(COLOURS[5], "-", "P"),
    "inventory-averse": Style(COLOURS[6], "-.", "X"),
    "linear-impact": Style(COLOURS[9], "--", "<"),
    "exact-optimal": Style(COLOURS[7], "-", "*"),
}
BELIEFS = {
    "exact": Style(COLOURS[0], "-", "o"),
    "gaussian": Style(COLOURS[3], "--", "s"),
    "W, in theory": Style("#333333", ":", ""),
}
OTHERS = [
    Style(COLOURS[number], line, ">")
    for number, line in ((8, "-"), (7, "--"), (3, "-."), (5, ":"), (6, "-"), (9, ":"))
]
INK, FAINT = "#333333", "#999999"
LOOK = sns.axes_style("ticks") | sns.plotting_context("notebook") | {"legend.frameon": False}

Parameters = ParamSpec("Parameters")


def style_of(maker: object) -> Style:
    """Return the style of a maker or a belief; if it has none, one chosen by its name."""
    return (MAKERS | BELIEFS).get(str(maker), OTHERS[crc32(str(maker).encode()) % len(OTHERS)])


def with_theme(draw: Callable[Parameters, Figure]) -> Callable[Parameters, Figure]:
    """Return a function that draws in this theme, and leaves matplotlib's settings unchanged."""

    @wraps(draw)
    def draw_with_theme(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Figure:
        with rc_context(LOOK):
            return draw(*args, **kwargs)

    return draw_with_theme


def canvas(width: float = 6.4, height: float = 4.2) -> tuple[Figure, Axes]:
    """Return a figure with one pair of axes; sizes in inches."""
    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes
