"""The style of figures: a colour, a line and a marker for every maker, and matplotlib's settings.

The paper's makers look the same in all figures. Others are given what is free in a figure, in the
order in which they come, so that no two in it look alike, in grey either. No colour is pale: on
white each has a contrast of 3 at least.
"""

from collections.abc import Iterable
from contextlib import AbstractContextManager
from itertools import cycle
from typing import Any, NamedTuple

import matplotlib.style
import seaborn as sns

INK, FAINT, ACCENT = "#333333", "#8c8c8c", "#9e1b32"


class Style(NamedTuple):
    """Colour, line and marker of a maker."""

    colour: str
    line: str
    marker: str

    def change_line(self, steps: int) -> "Style":
        """Return the same with the line so many steps on in LINES, as for a maker with rivals."""
        return self._replace(line=LINES[(LINES.index(self.line) + steps) % len(LINES)])

    def mark(self, number: int) -> dict[str, Any]:
        """Return how to plot line `number` of a panel, in many points but with few markers.

        Lines that coincide show their markers in turn.
        """
        every = (EVERY / IN_TURN * (number % IN_TURN), EVERY)
        return {"color": self.colour, "ls": self.line, "marker": self.marker, "ms": 4,
                "markevery": every}  # fmt: skip


EVERY = 0.12  # from one marker of a line to the next, in diagonals of a panel
IN_TURN = 4  # lines whose markers are in different places
LINES = ("-", "--", "-.", ":")
FIXED = {
    "optimal": Style("#005a9c", "-", "o"),
    "myopic": Style("#c05f00", "--", "s"),
    "zero-profit": Style("#189a70", "-.", "D"),
    "exact": Style("#005a9c", "-", "o"),
    "gaussian": Style(ACCENT, "--", "s"),
    "W, in theory": Style(INK, ":", ""),
    "market": Style(INK, "-", "o"),
}
COLOURS = ("#7b3294", "#00798c", "#c2307c", "#7a7a00", "#8c564b", "#5b6770")
MARKERS = ("^", "v", "P", "X", "<", ">", "*")

SETTINGS: dict[str, Any] = (
    sns.axes_style("ticks")
    | sns.plotting_context("notebook")
    | {
        "font.family": ["sans-serif"],
        "font.sans-serif": ["DejaVu Sans"],  # which comes with matplotlib
        "legend.frameon": False,
        "pdf.fonttype": 42,
        "svg.fonttype": "none",
        "svg.hashsalt": "market-shock",
    }
)


def assign_styles(makers: Iterable[object]) -> dict[str, Style]:
    """Return the style of each maker, or belief, of a figure."""
    names = dict.fromkeys(map(str, makers))
    free = zip(cycle(COLOURS), cycle(LINES[1:] + LINES[:1]), cycle(MARKERS), strict=False)
    return {name: FIXED.get(name) or Style(*next(free)) for name in names}


def use_settings() -> AbstractContextManager[None]:
    """Return a context in which matplotlib draws by SETTINGS, whatever the user's are."""
    return matplotlib.style.context(["default", SETTINGS])
