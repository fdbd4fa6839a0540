"""What figures are drawn on: a matplotlib Figure that shows itself in a notebook, or given axes.

A figure is drawn by the settings of `analysis.style` also when it is saved. Whatever its size when
it is drawn, nothing is cut: in a narrow one, as for a column of a journal, text is smaller, and the
legend below the panels has fewer columns. Axes that are given belong to a figure of the
user's own, drawn by the user's settings.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from io import BytesIO
from itertools import chain
from types import MappingProxyType
from typing import Any, ParamSpec

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backend_bases import RendererBase, get_registered_canvas_class
from matplotlib.figure import Figure

from abm.numerics.describe import show_value
from analysis.style import SETTINGS, use_settings

FORMATS = ("png", "pdf", "svg")
UNDATED: dict[str, dict[str, None]] = {"pdf": {"CreationDate": None}, "svg": {"Date": None}}
DPI = 150  # of the figures that runs leave
FULL_SIZE = 5.0  # inches: in a narrower figure text is smaller, in proportion
SMALLEST = 2 / 3  # of the size of text, 8 points of 12

Ax = Axes | Sequence[Axes] | None
"""Where a figure is drawn: on axes, one for each panel, or on a figure of its own."""
Parameters = ParamSpec("Parameters")


class StyledFigure(Figure):
    """A Figure that is drawn and saved by the settings of `analysis.style`."""

    _entries: Mapping[str, Artist] = MappingProxyType({})
    _fitted: tuple[float, float] | None = None
    _scale = 1.0

    def _repr_png_(self) -> bytes:
        """Return the picture that a notebook shows."""
        return encode_figure(self, "png", dpi=self.dpi)

    def savefig(self, *args: Any, **kwargs: Any) -> None:
        """Save as Figure does."""
        with use_settings():
            super().savefig(*args, **kwargs)

    def draw(self, renderer: RendererBase) -> None:
        """Draw as Figure does."""
        with use_settings():
            if self._fitted != (size := tuple(self.get_size_inches())):
                self._fitted = size
                self._scale_text(min(1.0, max(SMALLEST, size[0] / FULL_SIZE)))
                self._fit_legend(renderer)
            super().draw(renderer)

    def set_entries(self, entries: Mapping[str, Artist]) -> None:
        """Give the figure a legend of these labels, below its panels."""
        self._entries = entries
        self._place_legend(len(entries))

    def _scale_text(self, scale: float) -> None:
        """Give text so large a part of the size that the settings give it."""
        change, self._scale = scale / self._scale, scale
        for axes in self.axes:
            for text in (axes.title, axes.xaxis.label, axes.yaxis.label, *axes.texts):
                text.set_fontsize(change * float(text.get_fontsize()))
            axes.tick_params(which="both", labelsize=scale * SETTINGS["xtick.labelsize"])

    def _fit_legend(self, renderer: RendererBase) -> None:
        """Give the legend as many columns as there is room for."""
        for columns in range(len(self._entries), 0, -1):
            self._place_legend(columns)
            if self.legends[0].get_window_extent(renderer).width <= self.bbox.width:
                return

    def _place_legend(self, columns: int) -> None:
        for legend in list(self.legends):
            legend.remove()
        self.legend(
            list(self._entries.values()), list(self._entries), loc="outside lower center",
            ncols=max(1, columns), fontsize=self._scale * SETTINGS["legend.fontsize"],
        )  # fmt: skip


def encode_figure(figure: Figure, kind: str, dpi: float = DPI) -> bytes:
    """Return a figure as a file of this kind, one of FORMATS, without its date.

    The bytes are those of savefig, which draws twice.
    """
    file, canvas, own_dpi = BytesIO(), figure.canvas, figure.dpi
    try:
        figure.dpi = dpi
        with use_settings():
            write = getattr(get_registered_canvas_class(kind)(figure), f"print_{kind}")
            write(file, metadata=UNDATED.get(kind))
    finally:
        figure.dpi = own_dpi
        figure.set_canvas(canvas)
    return file.getvalue()


def with_settings(draw: Callable[Parameters, Figure]) -> Callable[Parameters, Figure]:
    """Return a function that draws by the settings of `analysis.style`, whatever the user's."""

    @wraps(draw)
    def draw_with_settings(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Figure:
        with use_settings():
            return draw(*args, **kwargs)

    return draw_with_settings


def make_panels(
    size: tuple[float, float],
    ax: Ax = None,
    rows: int = 1,
    columns: int = 1,
    panels: int = 1,
    *,
    share: bool = True,
) -> tuple[Figure, list[Axes]]:
    """Return a figure and its panels: those given, or new ones on a new figure.

    Parameters
    ----------
    size : tuple of two floats
        Width and height of a new figure, in inches.
    ax : Axes, sequence of Axes or None
        Axes to draw on.
    rows, columns : int
        How the panels of a new figure are arranged.
    panels : int
        How many there are to be.
    share : bool
        Whether the panels of a new figure have the same scales.

    Raises
    ------
    TypeError
        If what is given are no axes.
    ValueError
        If they are not as many.
    """
    if ax is None:
        figure: Figure = StyledFigure(figsize=size, layout="constrained")
        grid = figure.subplots(rows, columns, squeeze=False, sharex=share, sharey=share).ravel()
        for spare in grid[panels:]:
            spare.set_visible(False)
        chosen = list(grid[:panels])
    else:
        chosen = [ax] if isinstance(ax, Axes) else list(np.ravel(np.asarray(ax, object)))
        if wrong := [axes for axes in chosen if not isinstance(axes, Axes)]:
            raise TypeError(
                f"ax is {show_value(wrong[0])}, but must be Axes of matplotlib, one for each "
                f"panel: give some, as of figure.subplots(), or leave ax out"
            )
        if len(chosen) != panels:
            raise ValueError(
                f"ax is {len(chosen)} axes, but the figure has {panels} panels: give one for each, "
                f"or leave ax out"
            )
        figure = chosen[0].get_figure(root=True)
    for axes in chosen:
        axes.spines[["top", "right"]].set_visible(False)
    return figure, chosen


def quote_text(text: str) -> str:
    """Return text that a figure shows as it is, also where a name in it has a dollar."""
    return text.replace("$", r"\$")


def finish_figure(figure: Figure, panels: Sequence[Axes]) -> Figure:
    """Return a figure with a legend below its panels, or with legends in those that were given.

    Of these the last has one, and an earlier one for what no later one shows. Labels for which
    there is no room are wrapped.
    """
    for axes in panels:
        for text in (axes.title, axes.xaxis.label, axes.yaxis.label):
            text.set_wrap(True)
    if isinstance(figure, StyledFigure):
        figure.set_entries(dict(chain.from_iterable(map(_list_entries, panels))))
        return figure
    explained: set[str] = set()
    for axes in reversed(panels):
        entries = {label: line for label, line in _list_entries(axes) if label not in explained}
        if entries:
            axes.legend(list(entries.values()), list(entries))
        explained.update(entries)
    return figure


def _list_entries(axes: Axes) -> list[tuple[str, Artist]]:
    """Return label and line of each that a legend of these axes would show."""
    lines, labels = axes.get_legend_handles_labels()
    return list(zip(labels, lines, strict=True))
