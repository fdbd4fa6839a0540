"""The style of figures: a colour, a line and a marker for every maker, and matplotlib's settings.

The paper's makers look the same in all figures. Others are given what is free in a figure, in the
order in which they come, so that no two in it look alike, in grey either. No colour is pale: on
white each has a contrast of 3 at least, which leaves lightnesses (CIE L*) of 60 and less. The
paper's makers are 15 apart in it, and of the other colours each is 20 from the next.
"""

from collections.abc import Iterable
from contextlib import AbstractContextManager
from itertools import cycle
from typing import Any, NamedTuple

import matplotlib.style

INK, FAINT, ACCENT = "#333333", "#8c8c8c", "#c02040"

Line = str | tuple[int, tuple[float, ...]]


class Style(NamedTuple):
    """Colour, line and marker of a maker."""

    colour: str
    line: Line
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
TWICE_DOTTED: Line = (0, (6.0, 1.5, 1.0, 1.5, 1.0, 1.5))
LONG_DASHED: Line = (0, (9.0, 2.0))
LINES: tuple[Line, ...] = ("-", "--", "-.", ":", TWICE_DOTTED, LONG_DASHED)
FIXED = {
    "optimal": Style("#003f7f", "-", "o"),
    "myopic": Style("#ae4b00", "--", "s"),
    "zero-profit": Style("#1fa37b", "-.", "D"),
    "exact": Style("#003f7f", "-", "o"),
    "gaussian": Style(ACCENT, "--", "s"),
    "W, in theory": Style(INK, ":", ""),
    "market": Style(INK, "-", "o"),
}
COLOURS = ("#5e1f7a", "#d0408c", "#4a4a00", "#008fa3", "#5c3a33", "#7d8a94")
MARKERS = ("^", "v", "P", "X", "<", ">", "*")

SETTINGS: dict[str, Any] = {
    # those of matplotlib that seaborn (Waskom 2021) has otherwise in its style "ticks"
    "axes.axisbelow": True,
    "axes.edgecolor": ".15",
    "axes.labelcolor": ".15",
    "grid.color": ".8",
    "lines.solid_capstyle": "round",
    "patch.edgecolor": "w",
    "patch.force_edgecolor": True,
    "text.color": ".15",
    "xtick.color": ".15",
    "ytick.color": ".15",
    # and in its context "notebook"
    "axes.labelsize": 12,
    "axes.linewidth": 1.25,
    "axes.titlesize": 12,
    "font.size": 12,
    "grid.linewidth": 1,
    "legend.fontsize": 11,
    "legend.title_fontsize": 12,
    "xtick.labelsize": 11,
    "xtick.major.size": 6,
    "xtick.major.width": 1.25,
    "xtick.minor.size": 4,
    "xtick.minor.width": 1,
    "ytick.labelsize": 11,
    "ytick.major.size": 6,
    "ytick.major.width": 1.25,
    "ytick.minor.size": 4,
    "ytick.minor.width": 1,
    # the project's own
    "font.family": ["sans-serif"],
    "font.sans-serif": ["DejaVu Sans"],  # which comes with matplotlib
    "legend.frameon": False,
    "pdf.fonttype": 42,
    "svg.fonttype": "none",
    "svg.hashsalt": "market-shock",
}


def assign_styles(makers: Iterable[object]) -> dict[str, Style]:
    """Return the style of each maker, or belief, of a figure."""
    names = dict.fromkeys(map(str, makers))
    free = zip(cycle(COLOURS), cycle(LINES[3:] + LINES[:2]), cycle(MARKERS), strict=False)
    return {name: FIXED.get(name) or Style(*next(free)) for name in names}


def use_settings() -> AbstractContextManager[None]:
    """Return a context in which matplotlib draws by SETTINGS, whatever the user's are."""
    return matplotlib.style.context(["default", SETTINGS])
